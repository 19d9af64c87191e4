//! Processes that share this registry.
//!
//! A writer numbers its batches, and the number of the last one is kept here, in the state that
//! survives a crash. So a writer that does not know whether a batch arrived sends it again, and it
//! is recorded once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use plugpipe_contract::requests::GaugeMode;

/// The maximum number of writers whose last batch is remembered.
pub const MAX_WRITERS: usize = 10_000;

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

pub(super) type SeriesKey = (String, Vec<(String, String)>);

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Writer {
    /// The number of its last batch.
    last: u64,
    /// When it was recorded, in milliseconds since the Unix epoch.
    at_ms: u64,
}

/// A gauge that combines the values of writers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SharedGauge {
    mode: GaugeMode,
    /// By writer.
    values: BTreeMap<String, f64>,
}

impl SharedGauge {
    /// What the gauge shows.
    pub(super) fn combined(&self) -> f64 {
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

    pub(super) fn knows(&self, writer: &str) -> bool {
        self.list.contains_key(writer)
    }

    pub(super) fn shares(&self, key: &SeriesKey) -> bool {
        self.gauges.contains_key(key)
    }

    pub(super) fn has_recorded(&self, writer: &str, number: u64) -> bool {
        self.list.get(writer).is_some_and(|known| number <= known.last)
    }

    /// Remembers a writer's batch. Returns the id of a writer that had to be forgotten although it
    /// may still repeat its last one.
    pub(super) fn remember(&mut self, writer: &str, last: u64, at_ms: u64) -> Option<String> {
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
    pub(super) fn with_value(
        &self,
        key: &SeriesKey,
        mode: GaugeMode,
        writer: &str,
        value: f64,
    ) -> Result<SharedGauge, Error> {
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

    pub(super) fn put(&mut self, key: SeriesKey, gauge: SharedGauge) {
        self.values += gauge.values.len();
        if let Some(before) = self.gauges.insert(key, gauge) {
            self.values -= before.values.len();
        }
    }

    pub(super) fn forget(&mut self, key: &SeriesKey) {
        if let Some(gone) = self.gauges.remove(key) {
            self.values -= gone.values.len();
        }
    }

    /// Takes a writer's values out of gauges that sum those of living writers. Returns these.
    pub(super) fn end(&mut self, writer: &str) -> Vec<(SeriesKey, Option<f64>)> {
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
