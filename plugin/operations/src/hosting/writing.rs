//! Writing a batch of the send queue to a remote-write receiver.

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use super::deleting::Settles;
use super::wire::{shown_url, whole_url};
use super::worker::{How, Report, Told, Worker, members};
use crate::config::Remote;
use crate::error::Error;
use crate::http::{Url, redacted};
use crate::operations::pushes::Contents;
use crate::operations::receivers::{Delivery, Halving, Kept, Receiver};
use crate::send_queue::{Amounts, CarriedQueue, SendQueue};
use crate::servers::remote_write::Version;
use plugpipe_contract::response::ResponseWriter;
use plugpipe_contract::responses::{EndedReceiver, RemoteWritten, WrittenValues};

/// A write that waits for its lane, or for its next batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WriteTask {
    /// The receiver.
    #[serde(with = "shown_url")]
    pub url: Url,
    /// How it is asked.
    pub how: How,
    /// The version to speak; none to find out.
    pub version: Option<Version>,
    /// What is kept of values that do not arrive.
    pub kept: Kept,
    /// Groups of which nothing is due up to this change, once all is written.
    pub settles: Vec<(Settles, u64)>,
    /// What was recorded when it was asked for.
    pub contents: Option<Contents>,
    /// How many series end with it, where it is the last write.
    pub ends: Option<u64>,
    /// When its first batch was sent.
    pub(super) started: Option<u64>,
    pub(super) totals: Totals,
}

/// What was written so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Totals {
    written: Amounts,
    lost: u64,
    dropped: u64,
    requests: u64,
    unconfirmed: bool,
    pub(super) halving: Halving,
}

impl WriteTask {
    /// A write of what is in the queue of this receiver.
    pub fn new(url: Url, how: How, remote: &Remote, settles: Vec<(Settles, u64)>) -> Self {
        let (contents, ends, started, totals) = (None, None, None, Totals::default());
        let (version, kept) = (remote.write_version, Kept::of(remote));
        Self { url, how, version, kept, settles, contents, ends, started, totals }
    }

    /// Adds what a batch came to.
    pub(super) fn add(&mut self, effect: &WriteEffect, refused: u64, dropped: u64) {
        let totals = &mut self.totals;
        totals.written += effect.written;
        totals.lost += refused + dropped;
        totals.dropped += dropped;
        totals.requests += effect.requests;
        totals.unconfirmed |= !effect.confirmed;
        totals.halving = effect.halving;
    }

    /// What the answer says.
    pub(super) fn told(&self, spoken: Option<Version>, pending: u64, cause: Option<&Report>, batch: Told) -> Told {
        let Totals { written, lost, dropped, requests, unconfirmed, .. } = self.totals;
        let mut more = Told { members: String::new(), report: None, ..batch };
        if dropped > 0 {
            more.warnings.add(format!(
                "{}: {dropped} values were dropped, the oldest first: the queue for this receiver is full \
                 (remote_write_capacity), or they were too old (remote_write_max_age)",
                redacted(&self.url)
            ));
        }
        if let Some(ended) = self.ends {
            let lost = lost + pending;
            let told = EndedReceiver {
                receiver: redacted(&self.url),
                series_ended: ended,
                delivered: lost == 0,
                lost: Some(lost).filter(|count| *count > 0),
                error: None,
            };
            return Told { members: ended_members(&told, cause), ..more };
        }
        if let Some(cause) = cause {
            let message =
                format!("{}. Written: {} values; pending: {pending}; lost: {lost}", cause.message, written.values());
            let mut out = ResponseWriter::new();
            out.member("error", &message);
            out.member("error_code", &cause.code);
            out.members(&cause.members);
            out.member("written", &written.values());
            out.member("pending", &pending);
            out.member("lost", &lost);
            let report = Report { code: cause.code.clone(), message, members: out.into_members() };
            return Told { report: Some(report), ..more };
        }
        let Amounts { samples, histograms, exemplars } = written;
        let told = RemoteWritten {
            mock: false,
            unchanged: false,
            written: WrittenValues { samples, histograms, exemplars },
            confirmed: Some(!unconfirmed),
            version: Some(spoken.map_or("", Version::name)),
            requests: Some(requests),
            pending: Some(pending),
            dropped: Some(dropped).filter(|count| *count > 0),
            receiver: Some(redacted(&self.url)),
        };
        Told { members: members(&told), ..more }
    }
}

/// How a receiver took the end of its series.
fn ended_members(told: &EndedReceiver, cause: Option<&Report>) -> String {
    let mut out = ResponseWriter::new();
    out.add(told);
    if let Some(cause) = cause {
        out.member("error", &cause.message);
        out.member("error_code", &cause.code);
        out.members(&cause.members);
    }
    out.into_members()
}

/// A batch on its way.
#[derive(Serialize, Deserialize)]
pub(super) struct WriteJob {
    #[serde(with = "whole_url")]
    pub(super) url: Url,
    pub(super) version: Option<Version>,
    pub(super) spoken: Option<Version>,
    pub(super) halving: Halving,
    pub(super) queue: CarriedQueue,
}

/// What a batch changes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct WriteEffect {
    /// The number of the last value that is not to be sent again.
    pub(super) up_to: u64,
    /// Whether the receiver takes no native histograms.
    pub(super) histograms: bool,
    /// Other values that it does not want.
    pub(super) refused: u64,
    pub(super) written: Amounts,
    pub(super) requests: u64,
    pub(super) confirmed: bool,
    pub(super) spoken: Option<Version>,
    pub(super) failed: bool,
    pub(super) halving: Halving,
}

impl WriteJob {
    pub(super) fn run(self, worker: &mut Worker) -> (WriteEffect, Told) {
        let Self { url, version, spoken, halving, queue } = self;
        let send_queue = SendQueue::from_carried(queue, FixedState::with_seed(worker.jitter.number()));
        let mut receiver = Receiver { url, spoken, send_queue };
        let delivery = receiver.deliver(&mut worker.client(), version, halving);
        let Delivery { written, refused, requests, confirmed, error, histograms, halving } = delivery;
        let effect = WriteEffect {
            up_to: receiver.send_queue.taken_out(),
            histograms: histograms.is_some(),
            refused,
            written,
            requests,
            confirmed,
            spoken: receiver.spoken,
            failed: error.is_some(),
            halving,
        };
        let told = Told { report: error.map(|error| cause(&Error::from(*error))), ..Told::default() };
        (effect, told)
    }
}

/// An error to which is added what was written nevertheless: its members without text and code.
fn cause(error: &Error) -> Report {
    let report = error.report();
    let mut out = ResponseWriter::new();
    if let Some(field) = &report.field {
        out.member("field", field);
    }
    if let Some(origin) = &report.origin {
        out.member("origin", origin);
    }
    if let Some(status) = report.http_status {
        out.member("http_status", &status);
    }
    Report { code: report.error_code.into(), message: report.error, members: out.into_members() }
}

impl Told {
    /// The cause of a failed write, if nobody knows more.
    pub(super) fn cause(&self) -> Report {
        let unknown = || Report {
            code: "interrupted".into(),
            message: "the receiver rejected some values".into(),
            members: String::new(),
        };
        self.report.clone().unwrap_or_else(unknown)
    }
}
