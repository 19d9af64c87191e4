//! Jobs and outcomes as bytes.
//!
//! A job holds all that its worker needs, credentials included. Its outcome has two parts: the
//! effect, which changes the recorder's state and is journalled, and what only answers tell.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::checking::HealthJob;
use super::deleting::DeleteJob;
use super::exporting::{ExportEffect, ExportJob};
use super::found::{Found, RulesView};
use super::pushing::{PushEffect, PushJob, StatusJob};
use super::worker::Reach;
use super::writing::{WriteEffect, WriteJob};

/// Of jobs and outcomes. Both live no longer than the plug itself, but for the effects in journals.
const VERSION: u8 = 1;

/// What a worker is to do.
#[derive(Serialize, Deserialize)]
pub(super) enum Body {
    Converse(ConverseJob),
    Push(Box<PushJob>),
    Status(StatusJob),
    Delete(DeleteJob),
    Write(Box<WriteJob>),
    Export(ExportJob),
    Health(HealthJob),
}

/// A job.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) reach: Reach,
    pub(super) body: Body,
}

/// What of an outcome changes the recorder's state.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Effect {
    /// Origins that answered, or for how long their circuits are open.
    pub(super) circuits: Vec<(String, Option<Duration>)>,
    /// How long servers took, if any was asked.
    pub(super) exchanged: Option<Duration>,
    pub(super) what: What,
}

/// What of it is about the job itself.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) enum What {
    /// Nothing, or the job failed.
    #[default]
    Nothing,
    Push(PushEffect),
    /// What a conversation found that changes what is recorded.
    Found(Box<Found>),
    /// The group was deleted.
    Deleted,
    Written(WriteEffect),
    Exported(ExportEffect),
}

/// A request, to be carried out by a worker.
#[derive(Serialize, Deserialize)]
pub(super) struct ConverseJob {
    pub(super) ctx: String,
    pub(super) cfg: String,
    /// For operations on rules: what is to be done of it now.
    pub(super) view: Option<RulesView>,
}

/// As bytes of this version.
pub(super) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Nothing that is written can fail: the output is memory, and all lengths are known.
    postcard::to_extend(value, vec![VERSION]).unwrap_or_default()
}

/// From bytes of this version; none for others.
pub(super) fn decode<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Option<T> {
    let (version, rest) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }
    postcard::take_from_bytes(rest).ok().filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
}
