//! `record_*`: takes values into the registry, then pushes, where a gateway is configured.
//!
//! Recording succeeds when the registry took the values. Whether they also reached the gateway is said beside it, in
//! `metric_pushed`; what did not is kept, and goes out with the next push.

use serde_json::{Map, Value as Json};

use super::{Answer, Call, push};
use crate::error::{Error, excerpt};
use crate::fields::{self, Fields};
use crate::registry::{Definition, Kind, MetricName, Recording, SeriesId, Value};
use crate::time::{parse_instant, rfc3339};

/// The longest help text.
const HELP_BYTES: usize = 1_024;

pub(super) fn metric(call: &mut Call) -> Result<Answer, Error> {
    let kind = kind(&call.ctx, &["metric_type"])?.unwrap_or(Kind::Gauge);
    single(call, kind)
}

pub(super) fn counter(call: &mut Call) -> Result<Answer, Error> {
    single(call, Kind::Counter)
}

pub(super) fn gauge(call: &mut Call) -> Result<Answer, Error> {
    single(call, Kind::Gauge)
}

pub(super) fn histogram(call: &mut Call) -> Result<Answer, Error> {
    single(call, Kind::Histogram)
}

pub(super) fn summary(call: &mut Call) -> Result<Answer, Error> {
    single(call, Kind::Summary)
}

/// Records one metric, given by `metric_name`, `metric_value` and `labels`.
fn single(call: &mut Call, kind: Kind) -> Result<Answer, Error> {
    let recording = recording(&call.ctx, &NAMES, kind)?;
    let timestamp = timestamp(call)?;
    let ids = call.registry.record_all(std::slice::from_ref(&recording)).map_err(|(_, error)| error)?;
    *call.unpushed = true;
    let mut answer = ids.first().map(|id| told(call, &recording, *id)).unwrap_or_default();
    answer.insert("timestamp".into(), timestamp.into());
    push::after_record(call, &mut answer);
    Ok(answer)
}

/// Records `metrics: [{name, value, labels, type?}]`, all or none, with one push.
pub(super) fn multiple(call: &mut Call) -> Result<Answer, Error> {
    let list = match call.ctx.some("metrics") {
        Some(Json::Array(list)) if !list.is_empty() => list,
        None => {
            return Err(Error::Missing { field: "metrics".into(), expected: "a list of {name, value, labels, type}" });
        }
        Some(Json::Array(_)) => {
            return Err(Error::invalid("metrics", "the list is empty; expected at least one metric"));
        }
        Some(other) => {
            return Err(Error::invalid(
                "metrics",
                format!("expected a list of metrics, got {}", fields::kind_of(other)),
            ));
        }
    };
    let recordings = list
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let path = format!("metrics[{index}]");
            let Json::Object(map) = item else {
                return Err(Error::invalid(path, format!("expected an object, got {}", fields::kind_of(item))));
            };
            let fields = Fields::new(map, &path);
            let kind = kind(&fields, &["type", "metric_type"])?.unwrap_or(Kind::Gauge);
            recording(&fields, &ITEM_NAMES, kind)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let timestamp = timestamp(call)?;
    let ids =
        call.registry.record_all(&recordings).map_err(|(index, error)| error.within(&format!("metrics[{index}]")))?;
    *call.unpushed = true;
    let recorded: Vec<Json> =
        recordings.iter().zip(&ids).map(|(recording, id)| Json::Object(told(call, recording, *id))).collect();
    let mut answer = Answer::new();
    answer.insert("metrics_recorded".into(), recorded.len().into());
    answer.insert("metrics".into(), recorded.into());
    answer.insert("timestamp".into(), timestamp.into());
    push::after_record(call, &mut answer);
    Ok(answer)
}

/// What a recording's fields are called; the first name is the one that errors say.
struct Names {
    name: &'static [&'static str],
    value: &'static [&'static str],
}

const NAMES: Names = Names { name: &["metric_name"], value: &["metric_value"] };

const ITEM_NAMES: Names = Names { name: &["name", "metric_name"], value: &["value", "metric_value"] };

fn recording(fields: &Fields, names: &Names, kind: Kind) -> Result<Recording, Error> {
    let (name_key, name) = required(fields, names.name, "a metric's name")?;
    let name = match name {
        Json::String(name) => MetricName::new(name, &fields.path(name_key))?,
        other => {
            let problem = format!("expected a metric's name, got {}", fields::kind_of(other));
            return Err(Error::invalid(fields.path(name_key), problem));
        }
    };
    let (value_key, value) = required(fields, names.value, "a number")?;
    let value_path = fields.path(value_key);
    let amount = fields::number(value).map_err(|problem| Error::invalid(&value_path, problem))?;
    Value::check(kind, amount, &value_path)?;
    let help = fields
        .text_or_none("help", "text")?
        .map_or_else(|| fields.text_or_none("description", "text"), |help| Ok(Some(help)))?;
    if let Some(help) = &help
        && help.len() > HELP_BYTES
    {
        let problem = format!("the text has {} bytes; a help text may have {HELP_BYTES}", help.len());
        return Err(Error::invalid(fields.path("help"), problem));
    }
    let buckets = match fields.some("buckets") {
        Some(value) if kind == Kind::Histogram => Some(fields::buckets(value, &fields.path("buckets"))?),
        Some(_) => {
            let problem = format!("only a histogram has buckets, and this is a {}", kind.name());
            return Err(Error::invalid(fields.path("buckets"), problem));
        }
        None => None,
    };
    Ok(Recording { definition: Definition { name, kind, help, buckets }, labels: fields.labels("labels")?, amount })
}

fn required<'a>(
    fields: &Fields<'a>,
    keys: &'static [&'static str],
    expected: &'static str,
) -> Result<(&'static str, &'a Json), Error> {
    fields
        .any(keys)
        .ok_or_else(|| Error::Missing { field: fields.path(keys.first().copied().unwrap_or_default()), expected })
}

fn kind(fields: &Fields, keys: &[&str]) -> Result<Option<Kind>, Error> {
    let Some((key, value)) = fields.any(keys) else { return Ok(None) };
    match value.as_str().and_then(|name| Kind::from_name(name.trim())) {
        Some(kind) => Ok(Some(kind)),
        None => Err(Error::invalid(
            fields.path(key),
            format!("expected one of counter, gauge, histogram, summary, got {}", excerpt(&value.to_string(), 100)),
        )),
    }
}

/// The moment of the recording: `timestamp`, where the caller says one, else now. It is told in the answer and not exposed:
/// a gateway refuses timestamps, and a scrape sets its own.
fn timestamp(call: &Call) -> Result<String, Error> {
    match call.ctx.text_or_none("timestamp", "an instant")? {
        None => Ok(rfc3339(call.transport.unix_nanos())),
        Some(text) => parse_instant(&text).map(|_| text).map_err(|problem| Error::invalid("timestamp", problem)),
    }
}

/// A recording and what its series holds now.
fn told(call: &Call, recording: &Recording, id: SeriesId) -> Answer {
    let mut answer = Answer::new();
    let labels: Map<String, Json> =
        recording.labels.iter().map(|(name, value)| (name.to_string(), value.into())).collect();
    answer.insert("metric_name".into(), recording.definition.name.as_str().into());
    answer.insert("metric_type".into(), recording.definition.kind.name().into());
    answer.insert("metric_value".into(), fields::told(recording.amount));
    answer.insert("labels".into(), labels.into());
    match call.registry.value(id) {
        Some(Value::Counter(value) | Value::Gauge(value)) => {
            answer.insert("current_value".into(), fields::told(*value));
        }
        Some(Value::Histogram { counts, sum }) => {
            answer.insert("count".into(), counts.iter().sum::<u64>().into());
            answer.insert("sum".into(), fields::told(*sum));
        }
        Some(Value::Summary { count, sum }) => {
            answer.insert("count".into(), (*count).into());
            answer.insert("sum".into(), fields::told(*sum));
        }
        None => {}
    }
    answer
}
