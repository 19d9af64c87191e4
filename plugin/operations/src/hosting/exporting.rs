//! Exporting all that is recorded to an OTLP receiver.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::wire::{shown_url, whole_url};
use super::worker::{How, Told, Worker, failed, members};
use crate::config::Config;
use crate::error::{Error, excerpt};
use crate::http::{Url, redacted};
use crate::known::Warnings;
use crate::operations::pushes::Contents;
use crate::servers::otlp;
use plugpipe_contract::responses::OtlpExported;
use plugpipe_metrics::exposition::otlp::PartialSuccess;

/// An export that waits for its lane.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExportTask {
    /// The receiver.
    #[serde(with = "shown_url")]
    pub url: Url,
    /// How it is asked.
    pub how: How,
    /// The configuration of the call; none for the plug's.
    #[serde(skip)]
    pub config: Option<Rc<Config>>,
    /// Whether it has what was counted since the last one.
    pub delta: bool,
    /// What was recorded when it was asked for.
    pub contents: Contents,
}

/// What an export changes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct ExportEffect {
    /// How many data points were lost.
    pub(super) lost: u64,
    /// Whether the receiver accepted all of them.
    pub(super) accepted: bool,
    /// Whether it answered that it took the request, though perhaps not all of it.
    pub(super) taken: bool,
}

/// A body on its way.
#[derive(Serialize, Deserialize)]
pub(super) struct ExportJob {
    #[serde(with = "whole_url")]
    pub(super) url: Url,
    pub(super) body: Vec<u8>,
    /// Whether it is sent compressed.
    pub(super) gzip: bool,
    pub(super) points: u64,
    /// Whether what fails is part of the next export.
    pub(super) delta: bool,
    /// How many series are left out because nobody knows since when they count.
    pub(super) undated: u64,
}

impl ExportJob {
    pub(super) fn run(self, worker: &mut Worker) -> (ExportEffect, Told) {
        let Self { url, body, gzip, points, delta, undated } = self;
        match otlp::export(&mut worker.client(), &url, body, gzip) {
            Ok(partial) => {
                let mut warnings = Warnings::default();
                if partial != PartialSuccess::default() {
                    warnings.add(remark(&url, points, &partial));
                }
                if undated > 0 {
                    warnings.add(format!(
                        "otlp_temporality: {undated} imported series have no start time; deltas have what they count \
                         from this export on"
                    ));
                }
                let exported = OtlpExported {
                    mock: false,
                    unchanged: false,
                    data_points: points,
                    accepted: Some(points.saturating_sub(partial.rejected)),
                    rejected_data_points: Some(partial.rejected),
                    message: (!partial.message.is_empty()).then(|| excerpt(&partial.message, 1_000)),
                    receiver: Some(redacted(&url)),
                };
                let effect = ExportEffect { lost: partial.rejected, accepted: partial.rejected == 0, taken: true };
                (effect, Told { members: members(&exported), warnings, ..Told::default() })
            }
            // Nothing else is kept: the next export says what holds then.
            Err(cause) => {
                let (pending, lost) = if delta { (points, 0) } else { (0, points) };
                let error = Error::Undelivered { cause: Box::new(cause.into()), written: 0, pending, lost };
                (ExportEffect { lost, accepted: false, taken: false }, failed(error))
            }
        }
    }
}

/// What a receiver said of an export that it accepted.
fn remark(url: &Url, points: u64, partial: &PartialSuccess) -> String {
    let (receiver, rejected) = (redacted(url), partial.rejected);
    let why = match partial.message.as_str() {
        "" => "without a reason",
        message => &excerpt(message, 1_000),
    };
    match rejected {
        0 => format!("{receiver}: the receiver warns: {why}"),
        _ => format!("{receiver}: the receiver rejected {rejected} of {points} data points: {why}"),
    }
}
