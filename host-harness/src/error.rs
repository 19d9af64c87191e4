//! What can go wrong in the host, as distinct from errors that a plug answers with.

use std::path::PathBuf;
use std::time::Duration;

/// Why the host could not do what it was asked. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("{} cannot be read: {problem}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A configuration or grants text is not what it should be.
    #[error("{what}: {problem}")]
    Settings {
        /// The file or option.
        what: String,
        /// What was found, what was expected.
        problem: String,
    },
    /// The file is no component, or not one of this world.
    #[error("{plug} cannot be loaded: {problem}")]
    Load {
        /// Its path, or `the embedded plug`.
        plug: String,
        /// The reason.
        problem: String,
    },
    /// The plug trapped, and was replaced by a fresh instance.
    #[error(
        "the plug crashed ({problem}) and was started afresh; what it had recorded since its start and not pushed is lost"
    )]
    Crashed {
        /// The trap.
        problem: String,
    },
    /// A call took too long; the plug was replaced by a fresh instance.
    #[error(
        "the call was stopped after {} s and the plug started afresh; what it had recorded since its start and not pushed is lost",
        after.as_secs_f64()
    )]
    Deadline {
        /// The bound.
        after: Duration,
    },
    /// The plug refused a typed call.
    #[error("the plug: {problem}")]
    Plug {
        /// In the plug's own words.
        problem: String,
    },
    /// The plug answered what is not JSON.
    #[error("the plug's answer is not JSON: {problem}")]
    Answer {
        /// What the parser found.
        problem: String,
    },
    /// The handle's plug has ended.
    #[error("the plug has been shut down")]
    Ended,
    /// A pipe that is not one, or could not be run.
    #[error(transparent)]
    Pipe(#[from] crate::pipe::PipeError),
    /// A server for the demo could not be had.
    #[error(transparent)]
    Stack(#[from] crate::stack::StackError),
    /// The address to listen on is not to be had.
    #[error("cannot listen on {address}: {problem}; choose another with --listen")]
    Listen {
        /// As it was asked for.
        address: String,
        /// Why.
        problem: String,
    },
    /// A condition of a demonstration did not come about.
    #[error("{0}")]
    Demo(String),
}
