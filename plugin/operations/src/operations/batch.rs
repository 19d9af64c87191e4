//! `record_batch` and `end_writer`: batches of processes that share this registry.

use super::call::Call;
use super::writers::{MAX_WRITERS, SeriesKey, SharedGauge};
use super::{definition, push};
use crate::error::{Error, excerpt};
use crate::registry::{Kind, Recording, Registry, SeriesId, check};
use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{BatchRecord, DefinitionFields, EndWriter, GaugeMode, RecordBatch};
use plugpipe_contract::responses::{EndedWriter, RecordPush, RecordedBatch, RefusedRecord, Unpushed};
use plugpipe_contract::scalar::{MetricValue, Text};

/// The maximum length of a writer's id.
const MAX_ID_LEN: usize = 128;

/// `record_batch`: records a writer's batch, unless it was recorded before.
pub fn record(call: &mut Call, request: &RecordBatch) -> Result<(RecordedBatch, RecordPush), Error> {
    let writer = id(&request.writer)?;
    let number = request.number.get().ok_or_else(|| Error::missing("number", "the batch's number, from 1"))?;
    let records = request.metrics.as_deref().ok_or_else(|| Error::missing("metrics", "a list of records"))?;
    if call.config.group()? != call.base.group()? {
        let problem = "is not available for a batch; batches are recorded under the configured key";
        return Err(Error::invalid("job_name, instance or grouping_key", problem));
    }
    if call.writers.has_recorded(writer, number) {
        let recorded = RecordedBatch { duplicate: true, ..RecordedBatch::default() };
        return Ok((recorded, unpushed(call)));
    }
    let (mut recorded, mut series) = (RecordedBatch::default(), Vec::with_capacity(records.len()));
    for (index, Both(record, fields)) in records.iter().enumerate() {
        match one(call, writer, record, fields) {
            Ok((id, values)) => {
                recorded.values_recorded += values;
                series.push(id.raw());
            }
            Err(error) => {
                let error = error.within(&format!("metrics[{index}]")).report();
                recorded.refused.push(RefusedRecord { index: index as u64, error });
            }
        }
    }
    if let Some(forgotten) = call.writers.remember(writer, number, call.unix_nanos / 1_000_000) {
        call.warn(format!(
            "writers: more than {MAX_WRITERS}, so {forgotten:?} is forgotten; a batch that it repeats is recorded again"
        ));
    }
    if series.is_empty() {
        return Ok((recorded, unpushed(call)));
    }
    call.recorded(recorded.values_recorded);
    let push = push::after_record(call, || series);
    Ok((recorded, push))
}

/// `end_writer`: forgets a writer's values in gauges of mode `live_sum`. The number of its last
/// batch stays known, for a repetition that is still on its way.
pub fn end(call: &mut Call, request: &EndWriter) -> Result<(EndedWriter, RecordPush), Error> {
    let writer = id(&request.writer)?;
    let known = call.writers.knows(writer);
    let (mut series, mut gauges_changed) = (Vec::new(), 0);
    for ((name, labels), value) in call.writers.end(writer) {
        let Some(id) = find(call.registry, &name, &labels) else { continue };
        gauges_changed += 1;
        match value {
            Some(value) => {
                call.registry.set(id, value)?;
                series.push(id.raw());
            }
            None => call.registry.remove(id)?,
        }
    }
    let ended = EndedWriter { known, gauges_changed };
    if gauges_changed == 0 {
        return Ok((ended, unpushed(call)));
    }
    call.pending.mark_many(gauges_changed);
    Ok((ended, push::after_record(call, || series)))
}

fn id<'r>(given: &'r Text) -> Result<&'r str, Error> {
    let id = given.required("writer", "the writer's id, such as a UUID")?;
    if id.len() > MAX_ID_LEN {
        let problem = format!("expected at most {MAX_ID_LEN} bytes, got {:?}", excerpt(id, 60));
        return Err(Error::invalid("writer", problem));
    }
    Ok(id)
}

fn unpushed(call: &Call) -> RecordPush {
    RecordPush::Untried(Unpushed { metric_pushed: false, mock: call.config.mock })
}

/// Records one record, all of its values or none. Returns its series and the number of values.
fn one(
    call: &mut Call,
    writer: &str,
    record: &BatchRecord,
    fields: &DefinitionFields,
) -> Result<(SeriesId, u64), Error> {
    let kind = definition::kind(&record.r#type, "type")?;
    if kind == Kind::StateSet {
        return Err(Error::invalid("type", "a state set cannot be recorded in a batch; use record_metric"));
    }
    let name = definition::given_name(&record.name, "name")?;
    let (first, more) = amounts(kind, record)?;
    let definition = definition::of(name, "name", kind, record.help.get(), fields)?;
    let labels = definition::labels(&record.labels, fields.utf8.or(false), "labels")?;
    let mut recording = Recording { definition, labels, amount: first };
    let shared = shared(call, writer, record, &mut recording)?;
    let recorded = call.registry.record_all(std::slice::from_ref(&recording)).map_err(|(_, error)| error)?;
    let id = recorded.first().copied().ok_or_else(|| Error::invalid("name", "nothing was recorded"))?;
    for amount in &more {
        // Checked above.
        call.registry.record(id, *amount)?;
    }
    if let Some((key, gauge)) = shared {
        call.writers.put(key, gauge);
    }
    call.note_name(name);
    Ok((id, 1 + more.len() as u64))
}

/// The values of a record: the first, and the others.
fn amounts(kind: Kind, record: &BatchRecord) -> Result<(f64, Vec<f64>), Error> {
    let Some(values) = &record.values else {
        let amount = match record.value.get() {
            // An info metric has only labels; its value is always 1.
            None if kind == Kind::Info => return Ok((1.0, Vec::new())),
            None => return Err(Error::missing("value", "a number")),
            Some(amount) => amount,
        };
        check(kind, amount, "value")?;
        return Ok((amount, Vec::new()));
    };
    if !matches!(kind, Kind::Histogram | Kind::NativeHistogram | Kind::Summary) {
        let problem = format!("only histograms and summaries take several values, but this is a {}", kind.name());
        return Err(Error::invalid("values", problem));
    }
    if record.value.get().is_some() {
        return Err(Error::invalid("values", "conflicts with value; give only one of them"));
    }
    let amount = |(index, value): (usize, &MetricValue)| {
        let field = format!("values[{index}]");
        let amount = value.get().ok_or_else(|| Error::missing(&field, "a number"))?;
        check(kind, amount, &field)?;
        Ok(amount)
    };
    let mut amounts = values.iter().enumerate().map(amount).collect::<Result<Vec<_>, Error>>()?;
    if amounts.is_empty() {
        return Err(Error::invalid("values", "the list is empty; expected at least one number"));
    }
    let more = amounts.split_off(1);
    Ok((amounts.first().copied().unwrap_or_default(), more))
}

/// The values of all writers in a gauge that combines them; `recording` then sets what it shows.
fn shared(
    call: &mut Call,
    writer: &str,
    record: &BatchRecord,
    recording: &mut Recording,
) -> Result<Option<(SeriesKey, SharedGauge)>, Error> {
    let kind = recording.definition.kind;
    let mode = record.mode.get();
    if let Some(mode) = mode
        && kind != Kind::Gauge
        && mode != GaugeMode::Last
    {
        return Err(Error::invalid("mode", format!("only gauges have a mode, but this is a {}", kind.name())));
    }
    let name = recording.definition.name.as_str().to_owned();
    let labels = recording.labels.iter().map(|(name, value)| (name.as_str().to_owned(), value.to_owned())).collect();
    let key = (name, labels);
    let mode = mode.filter(|mode| *mode != GaugeMode::Last);
    if kind != Kind::Gauge || (mode.is_none() && !call.writers.shares(&key)) {
        return Ok(None);
    }
    if find(call.registry, &key.0, &key.1).is_none() {
        // It was removed or has expired, with what writers had set.
        call.writers.forget(&key);
    }
    let Some(mode) = mode else {
        return match call.writers.shares(&key) {
            true => Err(Error::invalid("mode", "differs from that of an earlier record of the gauge")),
            false => Ok(None),
        };
    };
    let gauge = call.writers.with_value(&key, mode, writer, recording.amount)?;
    recording.amount = gauge.combined();
    Ok(Some((key, gauge)))
}

/// The series of a gauge, if it exists.
fn find(registry: &mut Registry, name: &str, labels: &[(String, String)]) -> Option<SeriesId> {
    let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    registry.find_known(name, Kind::Gauge, labels, 0.0)
}
