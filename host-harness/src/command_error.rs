//! Errors of commands: the host's errors and the CLI's own.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use plugpipe_pipe::PipeError;
use plugpipe_runtime::Error;
use plugpipe_testkit::TestkitError;

/// Why a command failed. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The host could not run the plug, or the plug failed.
    #[error(transparent)]
    Host(#[from] Error),
    /// A further plug could not be started.
    #[error("plug {name}: {error}")]
    Further {
        /// The name by which steps refer to it.
        name: String,
        /// Why.
        error: Error,
    },
    /// The pipe is invalid or could not be run.
    #[error(transparent)]
    Pipe(#[from] PipeError),
    /// A server for the demo could not be found or started.
    #[error(transparent)]
    Testkit(#[from] TestkitError),
    /// An input document, such as a dashboard, is invalid.
    #[error("{what}: {problem}")]
    Input {
        /// The file or a description of the document.
        what: String,
        /// The problem and the expected form.
        problem: String,
    },
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {problem}; choose another with {option}")]
    Listen {
        /// The option that the address is from.
        option: &'static str,
        /// The address from the command line.
        address: String,
        /// Why.
        problem: String,
    },
    /// Any other failure; the message says which step and why.
    #[error("{0}")]
    Failed(String),
}

impl CommandError {
    /// An invalid option, configuration or grants file.
    pub fn settings(what: impl Into<String>, problem: impl Display) -> Self {
        Error::Settings { what: what.into(), problem: problem.to_string() }.into()
    }

    /// A file that cannot be read.
    pub fn unreadable(path: impl Into<PathBuf>, error: &io::Error) -> Self {
        Error::File { path: path.into(), problem: error.to_string() }.into()
    }

    /// A file that cannot be written.
    pub fn unwritable(path: impl Into<PathBuf>, problem: impl Display) -> Self {
        Error::Write { path: path.into(), problem: problem.to_string() }.into()
    }
}
