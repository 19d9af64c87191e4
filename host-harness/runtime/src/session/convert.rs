//! Between the types of `wit/` and those of the journal and the host's errors.
//!
//! The conversions name every field and case: an edit of the WIT fails to compile here and cannot
//! change the journal's format by itself.

use crate::bindings::exports::plugpipe::monitoring::{metrics, types};
use crate::bindings::exports::plugpipe::plug::{hosting, plug};
use crate::error::Error;
use crate::exports::text;
use crate::journal;

pub(super) fn journaled_labels(labels: &[types::Label]) -> Vec<journal::Label<'_>> {
    labels.iter().map(|types::Label { name, value }| journal::Label { name, value }).collect()
}

pub(super) fn labels(labels: &[journal::Label<'_>]) -> Vec<types::Label> {
    labels
        .iter()
        .map(|journal::Label { name, value }| types::Label { name: (*name).to_owned(), value: (*value).to_owned() })
        .collect()
}

pub(super) fn journaled_kind(kind: types::MetricKind) -> journal::MetricKind {
    use journal::MetricKind as To;
    use types::MetricKind as From;
    match kind {
        From::Counter => To::Counter,
        From::Gauge => To::Gauge,
        From::Histogram => To::Histogram,
        From::NativeHistogram => To::NativeHistogram,
        From::Summary => To::Summary,
        From::Info => To::Info,
        From::StateSet => To::StateSet,
        From::GaugeHistogram => To::GaugeHistogram,
        From::Unknown => To::Unknown,
    }
}

pub(super) fn kind(kind: journal::MetricKind) -> types::MetricKind {
    use journal::MetricKind as From;
    use types::MetricKind as To;
    match kind {
        From::Counter => To::Counter,
        From::Gauge => To::Gauge,
        From::Histogram => To::Histogram,
        From::NativeHistogram => To::NativeHistogram,
        From::Summary => To::Summary,
        From::Info => To::Info,
        From::StateSet => To::StateSet,
        From::GaugeHistogram => To::GaugeHistogram,
        From::Unknown => To::Unknown,
    }
}

pub(super) fn journaled_definition(definition: &metrics::Definition) -> journal::Definition<'_> {
    let metrics::Definition {
        name,
        kind,
        help,
        unit,
        label_names,
        buckets,
        native,
        quantiles,
        window_seconds,
        states,
        series_limit,
        expire_after_seconds,
    } = definition;
    journal::Definition {
        name,
        kind: journaled_kind(*kind),
        help: help.as_deref(),
        unit: unit.as_deref(),
        label_names: label_names.iter().map(String::as_str).collect(),
        buckets: buckets.clone(),
        native: native.as_ref().map(journaled_native),
        quantiles: quantiles.clone(),
        window_seconds: *window_seconds,
        states: states.iter().map(String::as_str).collect(),
        series_limit: *series_limit,
        expire_after_seconds: *expire_after_seconds,
    }
}

fn journaled_native(native: &metrics::NativeBuckets) -> journal::NativeBuckets {
    let metrics::NativeBuckets { schema, zero_threshold, max_buckets, custom_bounds } = native;
    journal::NativeBuckets {
        schema: *schema,
        zero_threshold: *zero_threshold,
        max_buckets: *max_buckets,
        custom_bounds: custom_bounds.clone(),
    }
}

fn native(native: journal::NativeBuckets) -> metrics::NativeBuckets {
    let journal::NativeBuckets { schema, zero_threshold, max_buckets, custom_bounds } = native;
    metrics::NativeBuckets { schema, zero_threshold, max_buckets, custom_bounds }
}

pub(super) fn definition(definition: journal::Definition<'_>) -> metrics::Definition {
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
    let journal::Definition {
        name,
        kind: journaled,
        help,
        unit,
        label_names,
        buckets,
        native,
        quantiles,
        window_seconds,
        states,
        series_limit,
        expire_after_seconds,
    } = definition;
    metrics::Definition {
        name: name.to_owned(),
        kind: kind(journaled),
        help: help.map(str::to_owned),
        unit: unit.map(str::to_owned),
        label_names: owned(label_names),
        buckets,
        native: native.map(self::native),
        quantiles,
        window_seconds,
        states: owned(states),
        series_limit,
        expire_after_seconds,
    }
}

pub(super) fn plug_error(error: types::Error) -> Error {
    Error::Plug { problem: text(error) }
}

pub(super) fn config_problem(plug::Problem { code, message }: plug::Problem) -> Error {
    // The plug knows it as `cfg`; whoever wrote it does not.
    let problem = message.strip_prefix("cfg.").unwrap_or(&message).to_owned();
    Error::Config { code, problem }
}

pub(super) fn journaled_request(request: &hosting::Request) -> journal::Request<'_> {
    match request {
        hosting::Request::Call(ctx) => journal::Request::Call(ctx),
        hosting::Request::Deliver(sink) => journal::Request::Deliver(sink),
        hosting::Request::Health => journal::Request::Health,
        hosting::Request::Cleanup => journal::Request::Cleanup,
    }
}

pub(super) fn request(request: journal::Request<'_>) -> hosting::Request {
    match request {
        journal::Request::Call(ctx) => hosting::Request::Call(ctx.to_owned()),
        journal::Request::Deliver(sink) => hosting::Request::Deliver(sink.to_owned()),
        journal::Request::Health => hosting::Request::Health,
        journal::Request::Cleanup => hosting::Request::Cleanup,
    }
}

pub(super) fn is_cleanup(request: journal::Request<'_>) -> bool {
    matches!(request, journal::Request::Cleanup)
}

pub(super) fn request_len(request: &hosting::Request) -> usize {
    text_of(request).len()
}

/// What a request says.
pub(super) fn text_of(request: &hosting::Request) -> &str {
    match request {
        hosting::Request::Call(text) | hosting::Request::Deliver(text) => text,
        hosting::Request::Health | hosting::Request::Cleanup => "",
    }
}

/// What only serves answers is left out.
pub(super) fn journaled_outcome(outcome: &hosting::Outcome) -> journal::Outcome<'_> {
    match outcome {
        hosting::Outcome::Ran(hosting::ResultOfRun { effect, told: _ }) => {
            journal::Outcome::Ran { effect: journal::Bytes(effect) }
        }
        hosting::Outcome::FilePut(Ok(before)) => {
            journal::Outcome::FilePut { before: before.as_deref().map(journal::Bytes) }
        }
        hosting::Outcome::FilePut(Err(hosting::FileProblem::NotGranted)) => {
            journal::Outcome::FileNotPut { problem: None }
        }
        hosting::Outcome::FilePut(Err(hosting::FileProblem::Failed(problem))) => {
            journal::Outcome::FileNotPut { problem: Some(problem) }
        }
        hosting::Outcome::Lost(reason) => journal::Outcome::Lost { reason },
    }
}

pub(super) fn outcome(outcome: journal::Outcome<'_>) -> hosting::Outcome {
    match outcome {
        journal::Outcome::Ran { effect } => {
            hosting::Outcome::Ran(hosting::ResultOfRun { effect: effect.0.to_vec(), told: Vec::new() })
        }
        journal::Outcome::FilePut { before } => hosting::Outcome::FilePut(Ok(before.map(|bytes| bytes.0.to_vec()))),
        journal::Outcome::FileNotPut { problem } => hosting::Outcome::FilePut(Err(match problem {
            None => hosting::FileProblem::NotGranted,
            Some(problem) => hosting::FileProblem::Failed(problem.to_owned()),
        })),
        journal::Outcome::Lost { reason } => hosting::Outcome::Lost(reason.to_owned()),
    }
}

pub(super) fn outcome_len(outcome: &hosting::Outcome) -> usize {
    match outcome {
        hosting::Outcome::Ran(result) => result.effect.len(),
        hosting::Outcome::FilePut(Ok(before)) => before.as_ref().map_or(0, Vec::len),
        hosting::Outcome::FilePut(Err(hosting::FileProblem::NotGranted)) => 0,
        hosting::Outcome::FilePut(Err(hosting::FileProblem::Failed(text))) | hosting::Outcome::Lost(text) => text.len(),
    }
}
