//! What an instance may reach of what is granted.

use std::sync::Arc;

use crate::grants::Origin;
use crate::http_recording::Turn;

/// What an instance may reach of what is granted.
#[derive(Debug, Clone)]
pub(crate) enum Reach {
    /// Nothing: recorders, and all instances as they start.
    Nothing,
    /// The origins that a job named.
    Job(JobReach),
    /// All of it, for typed queries.
    Granted,
}

/// The origins of a job, and its name in an HTTP recording.
#[derive(Debug, Clone)]
pub(crate) struct JobReach {
    pub(crate) origins: Arc<[Origin]>,
    pub(crate) lane: Arc<str>,
    /// Which job of its lane it is.
    pub(crate) number: u64,
}

impl Reach {
    /// The place of a request in a recording, if it is of a job.
    pub(super) fn turn(&self, request: u32) -> Option<Turn> {
        match self {
            Self::Job(job) => Some(Turn { lane: job.lane.to_string(), number: job.number, request }),
            Self::Nothing | Self::Granted => None,
        }
    }
}
