//! `record_*`: takes values into the registry, then pushes, where a gateway is configured.
//!
//! Recording succeeds when the registry took the values. Whether they also reached the gateway is said beside it, in
//! `metric_pushed`; what did not stays recorded for the next push.

use super::{Answer, Call, definition, push};
use crate::error::{Error, excerpt};
use crate::fields::{self, Fields};
use crate::json::Json;
use crate::registry::{Kind, Recording, Registry, SeriesId, check, check_exemplar};
use crate::time::{Timestamp, rfc3339};
use plugpipe_metrics::model::{Exemplar, Point};

pub(super) fn metric(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let kind = definition::kind(&call.ctx, &["metric_type"])?.unwrap_or(Kind::Gauge);
    single(call, answer, kind)
}

pub(super) fn counter(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    of_kind(call, answer, Kind::Counter)
}

pub(super) fn gauge(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    of_kind(call, answer, Kind::Gauge)
}

pub(super) fn histogram(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    of_kind(call, answer, Kind::Histogram)
}

pub(super) fn summary(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    of_kind(call, answer, Kind::Summary)
}

/// As the operation's name says, whatever `metric_type` does.
fn of_kind(call: &mut Call, answer: &mut Answer, kind: Kind) -> Result<(), Error> {
    if let Some(given) = call.ctx.some("metric_type").and_then(fields::scalar)
        && given.trim() != kind.name()
    {
        let (given, kind) = (excerpt(&given, 100), kind.name());
        call.warn(format!(
            "metric_type: {given:?} is ignored; record_{kind} records a {kind}, record_metric what metric_type says"
        ));
    }
    single(call, answer, kind)
}

/// Records one metric, given by `metric_name`, `metric_value` and `labels`.
fn single(call: &mut Call, answer: &mut Answer, kind: Kind) -> Result<(), Error> {
    let timestamp = timestamp(call)?;
    if !to_known(call, answer, kind)? {
        let (recording, id) = if kind == Kind::StateSet {
            state(call)?
        } else {
            let recording = recording(&call.ctx, &definition::NAMES, kind)?;
            let id = match exemplar(call)? {
                None => first(call.registry.record_all(std::slice::from_ref(&recording)))?,
                Some(exemplar) => with_exemplar(call, &recording, exemplar)?,
            };
            (recording, id)
        };
        tell_recording(call, answer, &recording, id);
    }
    call.recorded(1);
    answer.text("timestamp", &timestamp);
    push::after_record(call, answer);
    Ok(())
}

/// The fields of a plain record.
const PLAIN: [&str; 6] = ["operation", "metric_name", "metric_value", "metric_type", "labels", "timestamp"];

/// Nearly all records are plain ones to a metric that is there: for those the registry is asked directly, and nothing is
/// copied. Whatever else a record is, or is wrong with it, is left to the general way: then this changes nothing.
fn to_known(call: &mut Call, answer: &mut Answer, kind: Kind) -> Result<bool, Error> {
    if !call.ctx.has_only(&PLAIN) || matches!(kind, Kind::Info | Kind::StateSet) {
        return Ok(false);
    }
    let (Some(Json::String(name)), Some(value)) = (call.ctx.get("metric_name"), call.ctx.get("metric_value")) else {
        return Ok(false);
    };
    let Ok(amount) = fields::number(value) else { return Ok(false) };
    let mut labels: Vec<(&str, &str)> = Vec::new();
    match call.ctx.get("labels") {
        None => {}
        Some(Json::Object(members)) => {
            for (name, value) in members.iter() {
                let Some(value) = value.as_str() else { return Ok(false) };
                labels.push((name, value));
            }
        }
        Some(_) => return Ok(false),
    }
    let Some(family) = call.registry.family_with(name, labels.iter().map(|(name, _)| *name)) else { return Ok(false) };
    let of_kind = call.registry.definition(family).is_some_and(|definition| definition.kind == kind);
    if !of_kind || check(kind, amount, "metric_value").is_err() {
        return Ok(false);
    }
    let Ok(id) = call.registry.series_by_labels(family, &labels) else { return Ok(false) };
    call.registry.record(id, amount)?;
    tell(call, answer, name, kind, amount, labels.into_iter(), id);
    Ok(true)
}

/// Records `metrics: [{name, value, labels, type?}]`, all or none, with one push.
pub(super) fn multiple(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let list = match call.ctx.some("metrics") {
        Some(Json::Array(list)) if !list.is_empty() => list,
        None => {
            return Err(Error::missing("metrics", "a list of {name, value, labels, type}"));
        }
        Some(Json::Array(_)) => {
            return Err(Error::invalid("metrics", "the list is empty; expected at least one metric"));
        }
        Some(other) => {
            let problem = format!("expected a list of metrics, got {}", fields::kind_of(other));
            return Err(Error::invalid("metrics", problem));
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
            let kind = definition::kind(&fields, &["type", "metric_type"])?.unwrap_or(Kind::Gauge);
            recording(&fields, &definition::ITEM_NAMES, kind)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let timestamp = timestamp(call)?;
    let ids = call
        .registry
        .record_all(&recordings)
        .map_err(|(index, error)| Error::from(error).within(&format!("metrics[{index}]")))?;
    call.recorded(recordings.len() as u64);
    answer.count("metrics_recorded", recordings.len() as u64);
    answer.open_list("metrics");
    for (recording, id) in recordings.iter().zip(&ids) {
        answer.open_item();
        tell_recording(call, answer, recording, *id);
        answer.close();
    }
    answer.close_list();
    answer.text("timestamp", &timestamp);
    push::after_record(call, answer);
    Ok(())
}

fn recording(fields: &Fields, names: &definition::Names, kind: Kind) -> Result<Recording, Error> {
    if kind == Kind::StateSet {
        let problem = "a state set is recorded by itself, with state and on".to_owned();
        return Err(Error::invalid(fields.path("metric_type"), problem));
    }
    let definition = definition::read(fields, names, kind)?;
    let amount = match fields.any(names.value) {
        // The labels are what an info says; its value is always 1.
        None if kind == Kind::Info => 1.0,
        None => {
            let field = fields.path(names.value.first().copied().unwrap_or_default());
            return Err(Error::missing(field, "a number"));
        }
        Some((key, value)) => {
            let path = fields.path(key);
            let amount = fields::number(value).map_err(|problem| Error::invalid(&path, problem))?;
            check(kind, amount, &path)?;
            amount
        }
    };
    Ok(Recording { definition, labels: fields.labels("labels", definition::utf8(fields))?, amount })
}

/// Switches one state of a state set: `state`, and `on` (true by default).
fn state(call: &mut Call) -> Result<(Recording, SeriesId), Error> {
    let fields = call.ctx;
    let mut definition = definition::read(&fields, &definition::NAMES, Kind::StateSet)?;
    let state = fields.text("state", "the name of one of the metric's states")?;
    let on = match fields.some("on") {
        None => true,
        Some(value) => fields::flag(value).ok_or_else(|| {
            Error::invalid("on", format!("expected true or false, got {}", excerpt(&value.shown(), 100)))
        })?,
    };
    let labels = fields.labels("labels", definition::utf8(&fields))?;
    let known = call.registry.family(definition.name.as_str());
    if let Some(known) = known.and_then(|id| call.registry.definition(id)).filter(|_| definition.states.is_empty()) {
        definition.states.clone_from(&known.states);
    }
    if !definition.states.is_empty() && !definition.states.iter().any(|name| **name == *state) {
        return Err(Error::invalid("state", format!("{:?} is none of the metric's states", excerpt(&state, 100))));
    }
    definition.label_names = labels.names().cloned().collect();
    let id = series(call, &Recording { definition: definition.clone(), labels: labels.clone(), amount: 1.0 })?;
    call.registry.set_state(id, &state, on)?;
    Ok((Recording { definition, labels, amount: f64::from(u8::from(on)) }, id))
}

/// `exemplar: {label: text, …}`: an example of what is recorded, such as a trace's id.
fn exemplar(call: &Call) -> Result<Option<Exemplar>, Error> {
    if call.ctx.some("exemplar").is_none() {
        return Ok(None);
    }
    let labels = call.ctx.labels("exemplar", false)?;
    let labels = labels.iter().map(|(name, value)| (name.as_str().into(), value.into())).collect();
    let exemplar = Exemplar { labels, value: 0.0, unix_ms: Some(call.unix_nanos / 1_000_000) };
    check_exemplar(&exemplar)?;
    Ok(Some(exemplar))
}

fn with_exemplar(call: &mut Call, recording: &Recording, mut exemplar: Exemplar) -> Result<SeriesId, Error> {
    let kind = recording.definition.kind;
    if !matches!(kind, Kind::Counter | Kind::Histogram) {
        let problem = format!("only counters and histograms have exemplars, and this is a {}", kind.name());
        return Err(Error::invalid("exemplar", problem));
    }
    exemplar.value = recording.amount;
    let id = series(call, recording)?;
    if kind == Kind::Counter {
        call.registry.add_with_exemplar(id, recording.amount, exemplar)?;
    } else {
        call.registry.observe_with_exemplar(id, recording.amount, exemplar)?;
    }
    Ok(id)
}

/// The series of a recording whose value and other parts are known to be valid.
fn series(call: &mut Call, recording: &Recording) -> Result<SeriesId, Error> {
    let mut definition = recording.definition.clone();
    definition.label_names = recording.labels.names().cloned().collect();
    let family = call.registry.register(definition)?;
    let labels: Vec<(&str, &str)> = recording.labels.iter().map(|(name, value)| (name.as_str(), value)).collect();
    Ok(call.registry.series_by_labels(family, &labels)?)
}

fn first(recorded: Result<Vec<SeriesId>, (usize, plugpipe_metrics::Error)>) -> Result<SeriesId, Error> {
    let nothing = || Error::invalid("metric_name", "nothing was recorded");
    recorded.map_err(|(_, error)| error)?.first().copied().ok_or_else(nothing)
}

/// The moment of the recording: `timestamp`, where the caller says one, else now. It is told in the answer and not exposed:
/// a gateway refuses timestamps, and a scrape sets its own.
fn timestamp(call: &Call) -> Result<String, Error> {
    let given: Option<Timestamp> = call.ctx.moment(&["timestamp"], call.unix_nanos)?;
    Ok(given.map_or_else(|| rfc3339(call.unix_nanos), |moment| moment.to_string()))
}

/// A recording and what its series holds now.
fn tell_recording(call: &Call, answer: &mut Answer, recording: &Recording, id: SeriesId) {
    let Recording { definition, labels, amount } = recording;
    let labels = labels.iter().map(|(name, value)| (name.as_str(), value));
    tell(call, answer, definition.name.as_str(), definition.kind, *amount, labels, id);
}

fn tell<'l>(
    call: &Call,
    answer: &mut Answer,
    name: &str,
    kind: Kind,
    amount: f64,
    labels: impl Iterator<Item = (&'l str, &'l str)>,
    id: SeriesId,
) {
    answer.text("metric_name", name);
    answer.text("metric_type", kind.name());
    answer.number("metric_value", amount);
    answer.open("labels");
    for (name, value) in labels {
        answer.member(name, value);
    }
    answer.close();
    tell_held(call.registry, answer, id);
    if let Some(overflow) = call.registry.overflow(id) {
        let text = format!(
            "the series limit of {} is reached, so the value went to its overflow series; the label {} has the most values, {}",
            overflow.metric, overflow.label, overflow.distinct_values
        );
        answer.open("overflow");
        answer.text("metric", &overflow.metric);
        answer.text("label", &overflow.label);
        answer.count("distinct_values", overflow.distinct_values as u64);
        answer.text("text", &text);
        answer.close();
    }
}

/// What a series holds now.
pub(super) fn tell_held(registry: &Registry, answer: &mut Answer, id: SeriesId) {
    let mut observed = |count: u64, sum: f64| {
        answer.count("count", count);
        answer.number("sum", sum);
    };
    match registry.point(id) {
        Some(Point::Counter { total: value, .. } | Point::Gauge(value)) => answer.number("current_value", value),
        Some(Point::Histogram { counts, sum, .. }) => observed(counts.iter().sum(), sum),
        Some(Point::Native(histogram)) => observed(histogram.count(), histogram.sum()),
        Some(Point::Summary { count, sum, .. }) => observed(count, sum),
        Some(Point::StateSet(states)) => {
            answer.texts("states_on", states.iter().filter(|(_, on)| *on).map(|(name, _)| &**name));
        }
        Some(Point::Info) | None => {}
    }
}
