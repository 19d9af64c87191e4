//! Errors before a pipe starts. Later failures are in the step's report.

use super::problem::Problem;

/// Why a pipe cannot be run. No plug was called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipeError {
    /// The file is not a pipe: all of its problems, warnings included, in the order of the file.
    #[error("{}", listed(.0))]
    Invalid(Vec<Problem>),

    /// An input given to the run is missing, unknown or of the wrong type.
    #[error("inputs.{name}: {problem}")]
    Input {
        /// The input's name.
        name: String,
        /// The expected value, the actual value, and what to do.
        problem: String,
    },

    /// Steps use plugs that the host does not have.
    #[error("{}", missing(.0))]
    UnknownPlugs(Vec<UnknownPlug>),

    /// The host cannot keep sensitive inputs out of its files, for this reason.
    #[error("{0}")]
    Host(String),
}

/// A step whose plug the host does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPlug {
    /// The step's id.
    pub step: String,
    /// The plug's name in the pipe.
    pub plug: String,
    /// `; did you mean …?` if one that the host has is similar, else empty.
    pub near: String,
}

fn listed(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| !problem.is_warning);
    let lines: Vec<String> = errors
        .map(|problem| match problem.position {
            // The parser's own messages have it.
            Some(at) if !problem.message.contains("line ") => {
                format!("{problem} (line {}, column {})", at.line, at.column)
            }
            _ => problem.to_string(),
        })
        .collect();
    lines.join("\n")
}

fn missing(plugs: &[UnknownPlug]) -> String {
    let lines: Vec<String> = plugs
        .iter()
        .map(|UnknownPlug { step, plug, near }| {
            let start = if near.is_empty() { "; " } else { " Otherwise " };
            format!(
                "step {step:?}: unknown plug {plug:?}{near}{start}load it with --plug {plug}=FILE.wasm, or skip the step with --stub {plug}"
            )
        })
        .collect();
    lines.join("\n")
}
