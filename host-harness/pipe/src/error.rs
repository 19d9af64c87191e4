//! Why a pipe did not start. Later failures are in the step's report.

/// Why a pipe cannot be run. No plug was called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipeError {
    /// The text is not YAML, or is nested or sized beyond what a pipe can need.
    #[error("the pipe is not valid YAML: {0}")]
    Yaml(String),

    /// A field is missing, unknown, or has a value that is not accepted.
    #[error("{path}: {problem}")]
    Spec {
        /// Where in the document, such as `steps[1].on_error`; `pipe` for the whole document.
        path: String,
        /// What was expected, what was found, and what to do.
        problem: String,
    },

    /// An input given to the run is missing, unknown or of the wrong type.
    #[error("inputs.{name}: {problem}")]
    Input {
        /// The input's name.
        name: String,
        /// What was expected, what was found, and what to do.
        problem: String,
    },

    /// A step names a plug that the host has not got.
    #[error(
        "step {step:?} uses the plug {plug:?}, which this host has not got: correct the name, or pass the step over \
         with --stub {plug}"
    )]
    UnknownPlug {
        /// The step's id.
        step: String,
        /// The plug's name as the pipe has it.
        plug: String,
    },
}

impl PipeError {
    pub(super) fn spec(path: impl Into<String>, problem: impl Into<String>) -> PipeError {
        PipeError::Spec { path: path.into(), problem: problem.into() }
    }
}
