//! Errors before a pipe starts. Later failures are in the step's report.

/// Why a pipe cannot be run. No plug was called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipeError {
    /// The text is not YAML, or exceeds the limits on nesting or size.
    #[error("the pipe is not valid YAML: {0}")]
    Yaml(String),

    /// A field is missing, unknown, or has a value that is not accepted.
    #[error("{path}: {problem}")]
    Spec {
        /// Where in the document, such as `steps[1].on_error`; `pipe` for the whole document.
        path: String,
        /// The expected value, the actual value, and what to do.
        problem: String,
    },

    /// An input given to the run is missing, unknown or of the wrong type.
    #[error("inputs.{name}: {problem}")]
    Input {
        /// The input's name.
        name: String,
        /// The expected value, the actual value, and what to do.
        problem: String,
    },

    /// A step uses a plug that the host does not have.
    #[error("step {step:?}: unknown plug {plug:?}; correct the name, or skip the step with --stub {plug}")]
    UnknownPlug {
        /// The step's id.
        step: String,
        /// The plug's name in the pipe.
        plug: String,
    },
}

impl PipeError {
    pub(super) fn spec(path: impl Into<String>, problem: impl Into<String>) -> PipeError {
        PipeError::Spec { path: path.into(), problem: problem.into() }
    }
}
