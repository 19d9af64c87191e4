//! Errors of the host, as distinct from those in a plug's response.

use std::path::PathBuf;
use std::time::Duration;

/// What the loss of an instance means for the call that lost it.
const NOTHING_RECORDED: &str = "this call recorded nothing, and what was acknowledged before is kept";

/// Why the host failed. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("{} cannot be read: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// An option, configuration or grants file is invalid.
    #[error("{what}: {problem}")]
    Settings {
        /// The file or option.
        what: String,
        /// The problem and the expected value.
        problem: String,
    },
    /// A configuration uses an environment variable that is not granted.
    #[error("{what}: {problem}")]
    EnvNotGranted {
        /// The configuration file.
        what: String,
        /// The path of the setting and the problem.
        problem: String,
        /// The name.
        name: String,
    },
    /// The plug rejected its configuration and did not start.
    #[error("the configuration is invalid: {problem}")]
    Config {
        /// A stable identifier for programs, such as `invalid_field`.
        code: String,
        /// The path of the setting, what was found there and what was expected.
        problem: String,
    },
    /// A file could not be written.
    #[error("{} cannot be written: {problem}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The file is not a component of this world.
    #[error("{plug} cannot be loaded: {problem}")]
    Load {
        /// Its path, or `the embedded plug`.
        plug: String,
        /// The reason.
        problem: String,
    },
    /// The plug trapped and was replaced by a fresh instance.
    #[error("{} and was restarted; {NOTHING_RECORDED}", crashed(problem))]
    Crashed {
        /// The trap.
        problem: String,
    },
    /// A call took too long; the plug was replaced by a fresh instance.
    #[error("{}, and the plug was restarted; {NOTHING_RECORDED}", stopped(*after))]
    Deadline {
        /// The timeout.
        after: Duration,
    },
    /// A limit ended the call; the plug was replaced by a fresh instance.
    #[error(
        "{}; it was restarted, {NOTHING_RECORDED}. Ask for less in one call, or raise the limit if the plug may use more",
        limited(limit)
    )]
    Limit {
        /// The limit and its value.
        limit: crate::limits::Limit,
    },
    /// After a crash, or at the start, not all that was acknowledged could be made again. The plug
    /// goes on without it; the call that found this was not made.
    #[error("{}; the plug continues without them, and this call was not made: repeat it", lost_calls(*lost, problem))]
    Lost {
        /// How many.
        lost: u64,
        /// Why, of the last one.
        problem: String,
    },
    /// What was recorded could not be put into a fresh instance. It is kept, and tried again at the
    /// next call.
    #[error(
        "the plug cannot be restored: {problem}; its values are kept, and the next call tries again: give the plug more \
         memory or time, or the component that wrote the snapshot"
    )]
    Restore {
        /// Why.
        problem: String,
    },
    /// The state folder cannot be used. A call that ends so recorded nothing.
    #[error("the state in {place}: {problem}")]
    State {
        /// The folder or file.
        place: String,
        /// Why, and where it is known what to do.
        problem: String,
    },
    /// The plug does not export an interface that the call needs.
    #[error("the plug does not export {interface}, which this call needs")]
    NotExported {
        /// The interface.
        interface: &'static str,
    },
    /// A request was not made, because too many wait for servers.
    #[error("{0} requests are waiting for servers, the maximum; this one was not made: repeat it later")]
    TooManyOpen(usize),
    /// The plug ended a request and gave no answer, or was not able to.
    #[error("the plug returned no response: {problem}; what the request recorded may be kept")]
    NoAnswer {
        /// Why.
        problem: String,
    },
    /// The plug rejected a typed call.
    #[error("the plug: {problem}")]
    Plug {
        /// The plug's own message.
        problem: String,
    },
    /// The plug's response is not JSON.
    #[error("the plug's response is not JSON: {problem}")]
    Answer {
        /// The parser's error.
        problem: String,
    },
    /// The handle's plug has ended.
    #[error("the plug has been shut down")]
    Ended,
}

fn crashed(problem: &str) -> String {
    format!("the plug crashed ({problem})")
}

fn stopped(after: Duration) -> String {
    format!("the call was stopped after {} s", after.as_secs_f64())
}

fn limited(limit: &crate::limits::Limit) -> String {
    format!("the plug was stopped at a limit: {limit}")
}

fn lost_calls(lost: u64, problem: &str) -> String {
    format!("{lost} acknowledged calls could not be replayed in a fresh instance and are lost ({problem})")
}

impl Error {
    /// What happened, without what it means for the call that got the error: for a part of a call
    /// whose record is acknowledged.
    pub(crate) fn cause(&self) -> String {
        match self {
            Self::Crashed { problem } => crashed(problem),
            Self::Deadline { after } => stopped(*after),
            Self::Limit { limit } => limited(limit),
            Self::Lost { lost, problem } => lost_calls(*lost, problem),
            other => other.to_string(),
        }
    }
}
