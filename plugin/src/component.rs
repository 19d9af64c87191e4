//! The world's exports, which forward calls to [`Plug`] or to its registry.

mod exposition;
mod hosting;
mod start;

use core::time::Duration;
use std::cell::RefCell;

use crate::bindings::exports::plugpipe::monitoring::metrics::{self as wit, Guest as MetricsGuest, Outcome, Rejection};
use crate::bindings::exports::plugpipe::monitoring::query::{self as wit_query, Guest as QueryGuest};
use crate::bindings::exports::plugpipe::monitoring::types;

use crate::Plug;
use crate::error::{ClientError, Error};
use crate::http::Clock as _;
use crate::registry::{
    Buckets, Definition, FamilyId, Kind, LabelName, Labels, MetricName, NativeConfig, Recording, Registry, SeriesId,
};
use crate::servers::prometheus::values::{
    Bucket, Histogram, Labels as SeriesLabels, Number, RangeSeries, Sample, Timed, Value,
};
use crate::servers::prometheus::{Api, Options, Query, Selection, TooManyPoints};
use crate::wasi_transport::Wasi;
use plugpipe_metrics::model::Exemplar;
use plugpipe_metrics::number::number_text;
use plugpipe_metrics::sort::sorted_by;

thread_local! {
    static PLUG: RefCell<Plug> = RefCell::new(Plug::new(Wasi.unix_nanos() ^ Wasi.monotonic().as_nanos() as u64));
}

fn with<T>(call: impl FnOnce(&mut Plug) -> T) -> T {
    PLUG.with_borrow_mut(call)
}

/// The wall clock, for interfaces whose calls bring no moment.
fn now_ms() -> u64 {
    Wasi.unix_nanos() / 1_000_000
}

fn record<R, E>(values: u64, record: impl FnOnce(&mut Registry) -> Result<R, E>) -> Result<R, E> {
    with(|plug| plug.record(values, now_ms, record))
}

struct Component;

impl MetricsGuest for Component {
    fn register(definition: wit::Definition) -> Result<u32, types::Error> {
        let definition = read_definition(definition)?;
        Ok(with(|plug| plug.defining(now_ms()).register(definition))?.raw())
    }

    fn series_of(family: u32, labels: Vec<types::Label>) -> Result<u32, types::Error> {
        let labels: Vec<(&str, &str)> = pairs(&labels).collect();
        Ok(with(|plug| plug.defining(now_ms()).series_by_labels(FamilyId::from_raw(family), &labels))?.raw())
    }

    fn add(series: u32, amount: f64) -> Outcome {
        outcome(record(1, |registry| registry.add(SeriesId::from_raw(series), amount)))
    }

    fn set(series: u32, value: f64) -> Outcome {
        outcome(record(1, |registry| registry.set(SeriesId::from_raw(series), value)))
    }

    fn observe(series: u32, value: f64) -> Outcome {
        outcome(record(1, |registry| registry.observe(SeriesId::from_raw(series), value)))
    }

    fn observe_with_exemplar(series: u32, value: f64, exemplar: Vec<types::Label>) -> Result<(), types::Error> {
        let labels = pairs(&exemplar).map(|(name, value)| (name.into(), value.into())).collect();
        let id = SeriesId::from_raw(series);
        let exemplar = Exemplar { labels, value, unix_ms: Some(now_ms()) };
        record(1, |registry| match registry.kind(id) {
            Some(Kind::Counter) => registry.add_with_exemplar(id, value, exemplar),
            _ => registry.observe_with_exemplar(id, value, exemplar),
        })?;
        Ok(())
    }

    fn set_state(series: u32, state: String, on: bool) -> Result<(), types::Error> {
        let id = SeriesId::from_raw(series);
        Ok(record(1, |registry| registry.set_state(id, &state, on))?)
    }

    fn record_many(series: Vec<u32>, values: Vec<f64>) -> Result<(), Rejection> {
        record(series.len() as u64, |registry| registry.record_many(&series, &values)).map_err(|(index, error)| {
            Rejection { index: u32::try_from(index).unwrap_or(u32::MAX), error: error.into() }
        })
    }

    fn record(
        name: String,
        kind: types::MetricKind,
        labels: Vec<types::Label>,
        value: f64,
    ) -> Result<u32, types::Error> {
        let recording = Recording {
            definition: Definition::new(MetricName::new_utf8(&name, "name")?, kind_of(kind)?),
            labels: Labels::of(
                pairs(&labels)
                    .map(|(name, value)| Ok((LabelName::new_utf8(name, "labels")?, value.into())))
                    .collect::<Result<_, Error>>()?,
                "labels",
            )?,
            amount: value,
        };
        let ids = with(|plug| {
            plug.defining(now_ms());
            plug.record(1, now_ms, |registry| registry.record_all(std::slice::from_ref(&recording)))
        })
        .map_err(|(_, error)| error)?;
        // One recording returns one series.
        Ok(ids.first().map_or(u32::MAX, |id| id.raw()))
    }

    fn remove(series: u32) -> bool {
        record(0, |registry| registry.remove(SeriesId::from_raw(series))).is_ok()
    }

    fn clear() -> u64 {
        // Registering the configured families cannot fail; they are the plug's own.
        with(Plug::clear).map_or(0, |removed| removed as u64)
    }
}

impl QueryGuest for Component {
    fn instant(
        expression: String,
        time_ms: Option<i64>,
        options: wit_query::Options,
    ) -> Result<wit_query::Answer, types::Error> {
        run_query(&Query::Instant { expression, time_ms }, &options)
    }

    fn range(
        expression: String,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
        too_many: wit_query::TooManyPoints,
        options: wit_query::Options,
    ) -> Result<wit_query::Answer, types::Error> {
        let too_many = match too_many {
            wit_query::TooManyPoints::RaiseStep => TooManyPoints::RaiseStep,
            wit_query::TooManyPoints::Split => TooManyPoints::Split,
            wit_query::TooManyPoints::Refuse => TooManyPoints::Refuse,
        };
        run_query(&Query::Range { expression, start_ms, end_ms, step_ms, too_many }, &options)
    }

    fn series(selection: wit_query::Selection) -> Result<wit_query::SeriesList, types::Error> {
        Ok({
            ask_prometheus(|api| {
                let reply = api.series::<Vec<SeriesLabels>>(&selection.into())?;
                let items = reply.data.into_iter().map(wit_labels).collect();
                Ok(wit_query::SeriesList { items, warnings: reply.warnings })
            })
        }?)
    }

    fn labels(selection: wit_query::Selection) -> Result<wit_query::Texts, types::Error> {
        Ok({
            ask_prometheus(|api| {
                let reply = api.labels(&selection.into())?;
                Ok(wit_query::Texts { items: reply.data, warnings: reply.warnings })
            })
        }?)
    }

    fn label_values(label: String, selection: wit_query::Selection) -> Result<wit_query::Texts, types::Error> {
        Ok({
            ask_prometheus(|api| {
                let reply = api.label_values(&label, &selection.into())?;
                Ok(wit_query::Texts { items: reply.data, warnings: reply.warnings })
            })
        }?)
    }
}

/// Asks the configured Prometheus, in a worker that was given a configuration.
fn ask_prometheus<R>(ask: impl FnOnce(&mut Api) -> Result<R, ClientError>) -> Result<R, Error> {
    with(|plug| plug.ask_prometheus(&mut Wasi, ask))
}

fn run_query(query: &Query, options: &wit_query::Options) -> Result<wit_query::Answer, types::Error> {
    let options = Options {
        timeout_ms: options.timeout_ms.map(i64::from),
        limit: options.limit.map(u64::from),
        lookback_ms: options.lookback_ms.map(i64::from),
        stats: None,
    };
    Ok({
        ask_prometheus(|api| {
            let found = api.query(query, &options)?;
            Ok(wit_query::Answer {
                value: api.typed(&found)?.into(),
                warnings: found.warnings,
                infos: found.infos,
                step_raised_to_ms: found.step_raised_to_ms,
                parts: u32::try_from(found.parts).unwrap_or(u32::MAX),
            })
        })
    }?)
}

impl From<wit_query::Selection> for Selection {
    fn from(given: wit_query::Selection) -> Self {
        let limit = given.limit.map(u64::from);
        Self { matches: given.matches, start_ms: given.start_ms, end_ms: given.end_ms, limit }
    }
}

impl From<Value> for wit_query::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Scalar(Timed(time, Number(number))) => Self::Scalar((time, number)),
            Value::String(Timed(time, text)) => Self::Text((time, text)),
            Value::Vector(all) => Self::Vector(
                all.into_iter()
                    .map(|series| {
                        let (time_ms, sample) = match series.sample {
                            Sample::Float(Timed(time, Number(number))) => (time, wit_query::Sample::Float(number)),
                            Sample::Histogram(Timed(time, histogram)) => {
                                (time, wit_query::Sample::Histogram(histogram.into()))
                            }
                        };
                        wit_query::InstantSeries { labels: wit_labels(series.labels), time_ms, sample }
                    })
                    .collect(),
            ),
            Value::Matrix(all) => Self::Matrix(all.into_iter().map(Into::into).collect()),
        }
    }
}

impl From<RangeSeries> for wit_query::RangeSeries {
    fn from(series: RangeSeries) -> Self {
        let (times_ms, values) = series.values.into_iter().map(|Timed(time, Number(number))| (time, number)).unzip();
        Self {
            labels: wit_labels(series.labels),
            times_ms,
            values,
            histograms: series.histograms.into_iter().map(|Timed(time, one)| (time, one.into())).collect(),
        }
    }
}

impl From<Histogram> for wit_query::Histogram {
    fn from(histogram: Histogram) -> Self {
        let bucket = |bucket: Bucket| wit_query::Bucket {
            lower_inclusive: bucket.lower_inclusive,
            upper_inclusive: bucket.upper_inclusive,
            lower: bucket.lower,
            upper: bucket.upper,
            count: bucket.count,
        };
        Self {
            count: histogram.count.0,
            sum: histogram.sum.0,
            buckets: histogram.buckets.into_iter().map(bucket).collect(),
        }
    }
}

fn wit_labels(labels: SeriesLabels) -> Vec<types::Label> {
    labels.into_iter().map(|(name, value)| types::Label { name, value }).collect()
}

fn outcome(result: Result<(), plugpipe_metrics::Error>) -> Outcome {
    use plugpipe_metrics::Error;
    match result {
        Ok(()) => Outcome::Recorded,
        Err(Error::UnknownSeries { .. }) => Outcome::UnknownSeries,
        Err(Error::Conflict { .. }) => Outcome::WrongKind,
        Err(_) => Outcome::InvalidAmount,
    }
}

fn pairs(labels: &[types::Label]) -> impl Iterator<Item = (&str, &str)> {
    labels.iter().map(|label| (label.name.as_str(), label.value.as_str()))
}

fn read_definition(given: wit::Definition) -> Result<Definition, types::Error> {
    let kind = kind_of(given.kind)?;
    if given.native.as_ref().is_some_and(|native| native.custom_bounds.is_some()) {
        let problem = "native.custom-bounds: this version of the plug supports only exponential buckets; omit it";
        return Err(types::Error::Unsupported(problem.into()));
    }
    Ok(definition_of(given, kind)?)
}

fn definition_of(given: wit::Definition, kind: Kind) -> Result<Definition, Error> {
    let mut definition = Definition::new(MetricName::new_utf8(&given.name, "name")?, kind);
    definition.help = given.help;
    definition.unit = given.unit;
    let label_names = given.label_names.iter().map(|name| LabelName::new_utf8(name, "label-names"));
    definition.label_names = sorted_by(label_names.collect::<Result<_, _>>()?, Ord::cmp);
    definition.buckets = given.buckets.map(|bounds| Buckets::new(&bounds, "buckets")).transpose()?;
    definition.native = given.native.map(|native| NativeConfig {
        schema: native.schema,
        zero_threshold: native.zero_threshold,
        max_buckets: native.max_buckets as usize,
    });
    definition.quantiles = given.quantiles;
    definition.window = seconds(given.window_seconds, "window-seconds")?;
    definition.states = given.states.into_iter().map(String::into_boxed_str).collect();
    definition.series_limit = given.series_limit.map(|limit| limit as usize);
    definition.ttl = seconds(given.expire_after_seconds, "expire-after-seconds")?;
    Ok(definition)
}

fn seconds(given: Option<f64>, field: &str) -> Result<Option<Duration>, Error> {
    given
        .map(|seconds| {
            Duration::try_from_secs_f64(seconds).map_err(|_| {
                Error::invalid(field, format!("expected a number of seconds, got {}", number_text(seconds)))
            })
        })
        .transpose()
}

fn kind_of(kind: types::MetricKind) -> Result<Kind, types::Error> {
    Ok(match kind {
        types::MetricKind::Counter => Kind::Counter,
        types::MetricKind::Gauge => Kind::Gauge,
        types::MetricKind::Histogram => Kind::Histogram,
        types::MetricKind::NativeHistogram => Kind::NativeHistogram,
        types::MetricKind::Summary => Kind::Summary,
        types::MetricKind::Info => Kind::Info,
        types::MetricKind::StateSet => Kind::StateSet,
        types::MetricKind::GaugeHistogram | types::MetricKind::Unknown => {
            let problem = "kind: gauge histograms and metrics of unknown kind can be imported, but not recorded";
            return Err(types::Error::Unsupported(problem.into()));
        }
    })
}

impl From<plugpipe_metrics::Error> for types::Error {
    fn from(error: plugpipe_metrics::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NotJson { .. } | Error::UnknownOperation { .. } => Self::InvalidInput(text),
            Error::Metrics(error) => match error {
                plugpipe_metrics::Error::Conflict { .. } => Self::Conflict(text),
                plugpipe_metrics::Error::LimitReached { .. } => Self::LimitReached(text),
                plugpipe_metrics::Error::Invalid { .. } | plugpipe_metrics::Error::UnknownSeries { .. } => {
                    Self::InvalidInput(text)
                }
            },
            Error::Contract(_) => Self::InvalidInput(text),
            Error::NotConfigured { .. } => Self::NotConfigured(text),
            Error::Client(ClientError::Unanswered {
                failure: crate::http::Failure::NotGranted | crate::http::Failure::AddressNotGranted,
                ..
            }) => Self::NotGranted(text),
            Error::Client(ClientError::Unanswered { .. }) => Self::Unreachable(text),
            Error::Undelivered { cause, .. } => match Self::from(*cause) {
                Self::NotGranted(_) => Self::NotGranted(text),
                Self::Unreachable(_) => Self::Unreachable(text),
                _ => Self::Refused(text),
            },
            Error::Client(_) => Self::Refused(text),
        }
    }
}

crate::bindings::export!(Component with_types_in crate::bindings);
