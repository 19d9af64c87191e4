//! Between the types of `wit/` and those of the journal and the host's errors.
//!
//! The conversions name every field and case: an edit of the WIT fails to compile here and cannot
//! change the journal's format by itself.

use crate::bindings::exports::plugpipe::monitoring::{metrics, types};
use crate::error::Error;
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
        native: native.as_ref().map(|metrics::NativeBuckets { schema, zero_threshold, max_buckets }| {
            journal::NativeBuckets { schema: *schema, zero_threshold: *zero_threshold, max_buckets: *max_buckets }
        }),
        quantiles: quantiles.clone(),
        window_seconds: *window_seconds,
        states: states.iter().map(String::as_str).collect(),
        series_limit: *series_limit,
        expire_after_seconds: *expire_after_seconds,
    }
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
        native: native.map(|journal::NativeBuckets { schema, zero_threshold, max_buckets }| metrics::NativeBuckets {
            schema,
            zero_threshold,
            max_buckets,
        }),
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

pub(super) fn text(error: types::Error) -> String {
    match error {
        types::Error::InvalidInput(text)
        | types::Error::Conflict(text)
        | types::Error::LimitReached(text)
        | types::Error::NotConfigured(text)
        | types::Error::NotGranted(text)
        | types::Error::Unreachable(text)
        | types::Error::Refused(text) => text,
    }
}
