//! `record_batch` and `end_writer`: processes that share this registry.
//!
//! A writer numbers its batches, and the number of the last one is kept here, in the state that
//! survives a crash. So a writer that does not know whether a batch arrived sends it again, and it
//! is recorded once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::{definition, push};
use crate::error::{Error, excerpt};
use crate::registry::{Kind, Recording, Registry, SeriesId, check};
use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{BatchRecord, DefinitionFields, EndWriter, GaugeMode, RecordBatch};
use plugpipe_contract::responses::{EndedWriter, RecordPush, RecordedBatch, RefusedRecord, Unpushed};
use plugpipe_contract::scalar::{MetricValue, Text};

/// The maximum number of writers whose last batch is remembered.
pub const MAX_WRITERS: usize = 10_000;

/// The maximum length of a writer's id.
const MAX_ID_LEN: usize = 128;

/// The maximum number of values that writers have in gauges whose mode is not `last`.
pub const MAX_SHARED_VALUES: usize = 100_000;

/// A writer that was heard within this time may still repeat a batch.
const REPEATS_WITHIN_MS: u64 = 3_600_000;

/// What is known of the processes that share the registry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Writers {
    /// By id.
    list: BTreeMap<String, Writer>,
    /// Gauges that combine the values of writers, by name and labels.
    gauges: BTreeMap<SeriesKey, SharedGauge>,
    /// How many values they have.
    values: usize,
}

type SeriesKey = (String, Vec<(String, String)>);

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Writer {
    /// The number of its last batch.
    last: u64,
    /// When it was recorded, in milliseconds since the Unix epoch.
    at_ms: u64,
}

/// A gauge that combines the values of writers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SharedGauge {
    mode: GaugeMode,
    /// By writer.
    values: BTreeMap<String, f64>,
}

impl SharedGauge {
    /// What the gauge shows.
    fn combined(&self) -> f64 {
        let values = self.values.values().copied();
        match self.mode {
            GaugeMode::Min => values.fold(f64::INFINITY, f64::min),
            GaugeMode::Max => values.fold(f64::NEG_INFINITY, f64::max),
            GaugeMode::Last | GaugeMode::Sum | GaugeMode::LiveSum => values.sum(),
        }
    }
}

impl Writers {
    /// The number of writers that are remembered.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether no writer is remembered.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn has_recorded(&self, writer: &str, number: u64) -> bool {
        self.list.get(writer).is_some_and(|known| number <= known.last)
    }

    /// Remembers a writer's batch. Returns the id of a writer that had to be forgotten although it
    /// may still repeat its last one.
    fn remember(&mut self, writer: &str, last: u64, at_ms: u64) -> Option<String> {
        self.list.insert(writer.to_owned(), Writer { last, at_ms });
        if self.list.len() <= MAX_WRITERS {
            return None;
        }
        let others = self.list.iter().filter(|(id, _)| *id != writer);
        let (oldest, seen_ms) =
            others.min_by_key(|(_, known)| known.at_ms).map(|(id, known)| (id.clone(), known.at_ms))?;
        self.list.remove(&oldest);
        (at_ms.saturating_sub(seen_ms) < REPEATS_WITHIN_MS).then_some(oldest)
    }

    /// What a gauge shows once a writer has set its value. Nothing changes yet.
    fn with_value(&self, key: &SeriesKey, mode: GaugeMode, writer: &str, value: f64) -> Result<SharedGauge, Error> {
        let known = self.gauges.get(key);
        let mut gauge = known.cloned().unwrap_or(SharedGauge { mode, values: BTreeMap::new() });
        if gauge.mode != mode {
            return Err(Error::invalid("mode", "differs from that of an earlier record of the gauge"));
        }
        let is_new = gauge.values.insert(writer.to_owned(), value).is_none();
        if is_new && self.values >= MAX_SHARED_VALUES {
            let problem =
                format!("writers have {MAX_SHARED_VALUES} values in shared gauges, the maximum; use mode last");
            return Err(Error::invalid("mode", problem));
        }
        Ok(gauge)
    }

    fn put(&mut self, key: SeriesKey, gauge: SharedGauge) {
        self.values += gauge.values.len();
        if let Some(before) = self.gauges.insert(key, gauge) {
            self.values -= before.values.len();
        }
    }

    fn forget(&mut self, key: &SeriesKey) {
        if let Some(gone) = self.gauges.remove(key) {
            self.values -= gone.values.len();
        }
    }

    /// Takes a writer's values out of gauges that sum those of living writers. Returns these.
    fn end(&mut self, writer: &str) -> Vec<(SeriesKey, Option<f64>)> {
        let mut changed = Vec::new();
        for (key, gauge) in &mut self.gauges {
            if gauge.mode == GaugeMode::LiveSum && gauge.values.remove(writer).is_some() {
                self.values -= 1;
                changed.push((key.clone(), (!gauge.values.is_empty()).then(|| gauge.combined())));
            }
        }
        self.gauges.retain(|_, gauge| !gauge.values.is_empty());
        changed
    }
}

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
    let known = call.writers.list.contains_key(writer);
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
            None if kind == Kind::Info => 1.0,
            None => return Err(Error::missing("value", "a number")),
            Some(amount) => amount,
        };
        check(kind, amount, "value")?;
        return Ok((amount, Vec::new()));
    };
    if !matches!(kind, Kind::Histogram | Kind::Summary) {
        let problem = format!("only histograms and summaries have several, but this is a {}", kind.name());
        return Err(Error::invalid("values", problem));
    }
    if record.value.get().is_some() {
        return Err(Error::invalid("values", "is given beside value; give one of them"));
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
        return Err(Error::invalid("mode", format!("only gauges have one, but this is a {}", kind.name())));
    }
    let name = recording.definition.name.as_str().to_owned();
    let labels = recording.labels.iter().map(|(name, value)| (name.as_str().to_owned(), value.to_owned())).collect();
    let key = (name, labels);
    let mode = mode.filter(|mode| *mode != GaugeMode::Last);
    if kind != Kind::Gauge || (mode.is_none() && !call.writers.gauges.contains_key(&key)) {
        return Ok(None);
    }
    if find(call.registry, &key.0, &key.1).is_none() {
        // It was removed or has expired, with what writers had set.
        call.writers.forget(&key);
    }
    let Some(mode) = mode else {
        return match call.writers.gauges.contains_key(&key) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_writers_is_bounded_and_the_one_that_was_silent_longest_is_forgotten() {
        let mut writers = Writers::default();
        for number in 0..MAX_WRITERS {
            assert_eq!(writers.remember(&number.to_string(), 1, number as u64), None);
        }
        let now = MAX_WRITERS as u64;
        assert_eq!(writers.remember("one more", 1, now), Some("0".into()), "it may still repeat a batch");
        assert_eq!(writers.len(), MAX_WRITERS);
        assert!(writers.has_recorded("one more", 1) && writers.has_recorded("1", 1));
        assert!(!writers.has_recorded("0", 1));
        // One that was silent for a day has nothing to repeat.
        assert_eq!(writers.remember("tomorrow", 1, now + 86_400_000), None);
        assert_eq!(writers.len(), MAX_WRITERS);
    }

    #[test]
    fn the_number_of_shared_values_is_bounded() {
        let mut writers = Writers::default();
        let key = |number: usize| (format!("g{number}"), Vec::new());
        for number in 0..MAX_SHARED_VALUES {
            let gauge = writers.with_value(&key(number), GaugeMode::Sum, "a", 1.0).unwrap();
            writers.put(key(number), gauge);
        }
        assert!(writers.with_value(&key(0), GaugeMode::Sum, "b", 1.0).is_err());
        let known = writers.with_value(&key(0), GaugeMode::Sum, "a", 2.0).unwrap();
        writers.put(key(0), known);
        writers.forget(&key(1));
        assert!(writers.with_value(&key(0), GaugeMode::Sum, "b", 1.0).is_ok());
    }
}
