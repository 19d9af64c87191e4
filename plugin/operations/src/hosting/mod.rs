//! What a host and the plug say to each other (`wit/deps/plug.wit`), as Rust types; and the
//! recorder, which holds all state and never waits, with the jobs that workers carry out for it.
//!
//! | module | what it is for | what it may not do |
//! |---|---|---|
//! | [`schedule`] | tickets without an answer, and lanes with work | know what a task does |
//! | [`recorder`] | the plug's state; takes and completes jobs | perform I/O, read a clock |
//! | `job` | jobs and outcomes as bytes | |
//! | [`worker`], [`run`](mod@run) | what a worker has; carries out a job | keep anything |
//! | [`found`] | what a worker finds beside its answer | |
//! | [`compose`] | the answer to a ticket, once nothing is awaited | |
//! | the others | one kind of job each: its part in the recorder and its part in a worker | |

mod checking;
mod cleaning;
pub mod compose;
pub mod converse;
pub mod deleting;
pub mod describe;
pub mod exporting;
pub mod found;
pub mod installing;
mod job;
pub mod probe;
pub mod pushing;
pub mod recorder;
pub mod run;
pub mod schedule;
mod schemas;
pub mod secrets;
mod wire;
pub mod worker;
pub mod writing;

pub use recorder::Recorder;

/// The sink of pushes.
pub const PUSHGATEWAY: &str = "pushgateway";

/// What `deliver` accepts.
pub const SINKS: [&str; 3] = [PUSHGATEWAY, "remote_write", "otlp"];

/// The request by which a sink is delivered to.
pub fn sink(name: &str) -> Option<&'static str> {
    match name {
        PUSHGATEWAY => Some(r#"{"operation":"flush_metrics"}"#),
        "remote_write" => Some(r#"{"operation":"remote_write_metrics","if_changed":true}"#),
        "otlp" => Some(r#"{"operation":"export_otlp","if_changed":true}"#),
        _ => None,
    }
}

/// A number that the host chooses for each request.
pub type Ticket = u64;

/// When a call is made, and the only randomness there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds since the Unix epoch.
    pub unix_nanos: u64,
    /// The only randomness there is.
    pub seed: u64,
    /// Whether the call is made again from a journal, where nobody looks at its result.
    pub again: bool,
}

impl Moment {
    /// For circuits.
    pub fn since_epoch(self) -> core::time::Duration {
        core::time::Duration::from_nanos(self.unix_nanos)
    }

    /// Milliseconds since the Unix epoch.
    pub fn unix_ms(self) -> u64 {
        self.unix_nanos / 1_000_000
    }
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable identifier for programs.
    pub code: String,
    /// What was wrong, what was expected, and what to do.
    pub message: String,
}

/// The result of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// None if the request was carried out.
    pub error: Option<Problem>,
    /// What was ignored, defaulted or done differently than requested.
    pub warnings: Vec<String>,
    /// Values that are stored and that no server has accepted yet, where one is configured.
    pub unsent: u64,
    /// The result, as a JSON object.
    pub body: String,
}

/// What a caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'r> {
    /// An operation: its `ctx`.
    Call(&'r str),
    /// Send to this sink what has not been sent.
    Deliver(&'r str),
    /// Check every configured server.
    Health,
    /// Forget everything, and remove from servers what the plug left there.
    Cleanup,
}

/// A request and a `cfg` as they may be written to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithoutSecrets {
    /// The `ctx` of a call, as which also a delivery and a check may be made again; none for a
    /// cleanup.
    pub ctx: Option<String>,
    /// The configuration.
    pub cfg: String,
}

/// A lane that has work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The lane.
    pub lane: String,
    /// The origins that its next job may reach.
    pub origins: Vec<String>,
    /// How long to wait before `take`, in milliseconds.
    pub pause_ms: u32,
    /// How long the job may run, in milliseconds.
    pub limit_ms: u32,
}

/// What came of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// Answers to tickets.
    pub answers: Vec<(Ticket, Answer)>,
    /// Lanes that have work now.
    pub due: Vec<Due>,
    /// Lanes whose running job nobody needs any more.
    pub stop: Vec<String>,
    /// How long a start that returned no answer may wait, in milliseconds.
    pub patience_ms: u32,
    /// Whether the call is to be journalled.
    pub changed: bool,
    /// The request and `cfg` without secrets, if either holds one.
    pub without_secrets: Option<WithoutSecrets>,
}

/// A file that the host writes in a folder that it granted, if it is as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The name of the grant.
    pub folder: String,
    /// The file's name in it.
    pub name: String,
    /// Its content; none removes the file.
    pub content: Option<Vec<u8>>,
    /// What the file must hold for this; none if it must not exist. Otherwise nothing is written,
    /// and the outcome says what it holds.
    pub expected: Option<Vec<u8>>,
}

/// What a job consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// The argument of `run`. It may hold secrets.
    Run(Vec<u8>),
    /// A file to be written by the host.
    PutFile(File),
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What is to be done.
    pub work: Work,
    /// Whether taking it changed the state.
    pub changed: bool,
}

/// What came of `run`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultOfRun {
    /// The part that changes the state. It holds no secret.
    pub effect: Vec<u8>,
    /// The part that only serves answers.
    pub told: Vec<u8>,
}

/// Why a file was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileProblem {
    /// The host granted no such folder.
    NotGranted,
    /// The reason, for people.
    Failed(String),
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The worker returned.
    Ran(ResultOfRun),
    /// The content that the file had before, or why it was not written.
    FilePut(Result<Option<Vec<u8>>, FileProblem>),
    /// The worker or the host ended, for this reason.
    Lost(String),
}
