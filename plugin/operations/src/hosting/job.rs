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

/// A job, but for the bytes that it may carry besides.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) reach: Reach,
    pub(super) body: Body,
}

impl Order {
    /// As bytes. What is carried stands behind the order as it is, so that neither side needs memory
    /// for a second copy of what may be all that is recorded.
    pub(super) fn encode(&self, carried: &[u8]) -> Vec<u8> {
        let mut job = encode(self);
        job.reserve_exact(carried.len());
        job.extend_from_slice(carried);
        job
    }

    /// The order, and what is carried, in the job's own memory; none for a job of another version.
    pub(super) fn decode(mut job: Vec<u8>) -> Option<(Self, Vec<u8>)> {
        let (version, rest) = job.split_first()?;
        if *version != VERSION {
            return None;
        }
        let (order, carried) = postcard::take_from_bytes::<Self>(rest).ok()?;
        let head = job.len() - carried.len();
        job.drain(..head);
        let may_carry = matches!(order.body, Body::Push(_));
        (may_carry || job.is_empty()).then_some((order, job))
    }
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
