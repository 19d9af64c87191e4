//! A send queue, or the first of its values, as a job or a snapshot carries it.

use std::rc::Rc;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use super::{Entry, Queued, SendQueue, weight};
use plugpipe_metrics::exposition::remote_write::{Metadata, Point, Value};
use plugpipe_metrics::model::Exemplar;
use plugpipe_metrics::registry::Kind;
use plugpipe_metrics::registry::native::NativeHistogram;

/// A send queue, or a part of one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct CarriedQueue {
    /// Family, kind, help, unit and custom bounds, each once.
    metadata: Vec<CarriedMetadata>,
    entries: Vec<CarriedEntry>,
    values: Vec<CarriedValue>,
    round: u64,
    last_ms: u64,
    dropped: u64,
    next: u64,
    in_flight: u64,
}

type CarriedMetadata = (String, String, String, String, Vec<f64>);

#[derive(Debug, Serialize, Deserialize)]
struct CarriedEntry {
    key: Vec<u8>,
    native: bool,
    /// Its place among the metadata.
    metadata: u32,
    round: u64,
    exemplar: Option<(Option<u64>, u64)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CarriedValue {
    /// Its place among the entries.
    entry: u32,
    number: u64,
    unix_ms: u64,
    value: CarriedPoint,
    created_ms: Option<u64>,
    exemplar: Option<CarriedExemplar>,
}

/// Labels, the bits of the value, and its time.
type CarriedExemplar = (Vec<(String, String)>, u64, Option<u64>);

#[derive(Debug, Serialize, Deserialize)]
enum CarriedPoint {
    /// The bits of a number.
    Float(u64),
    Native(Vec<u8>),
    Stale,
}

impl SendQueue {
    /// The first values alone, for a worker; without a count all of the queue, for a snapshot.
    pub fn carry(&self, count: Option<usize>) -> CarriedQueue {
        let values = self.queue.iter().take(count.unwrap_or(usize::MAX));
        let amount = count.unwrap_or(usize::MAX).min(self.queue.len());
        let mut places: Vec<Option<u32>> = vec![None; self.entries.len()];
        let mut carried = CarriedQueue {
            round: self.round,
            last_ms: self.last_ms,
            dropped: self.dropped,
            next: self.next,
            in_flight: self.in_flight as u64,
            // A full queue is long: growing step by step would take twice the memory.
            values: Vec::with_capacity(amount),
            ..CarriedQueue::default()
        };
        if count.is_none() {
            for (index, entry) in self.entries.iter().enumerate() {
                carried.place(&mut places, index, entry);
            }
        }
        for queued in values {
            let Some(entry) = self.entries.get(queued.entry as usize) else { continue };
            let place = carried.place(&mut places, queued.entry as usize, entry);
            carried.values.push(CarriedValue {
                entry: place,
                number: queued.number,
                unix_ms: queued.unix_ms,
                value: match &queued.point.value {
                    Value::Float(number) => CarriedPoint::Float(number.to_bits()),
                    Value::Stale => CarriedPoint::Stale,
                    Value::Native(native) => {
                        let mut bytes = Vec::new();
                        native.serialize(&mut bytes);
                        CarriedPoint::Native(bytes)
                    }
                },
                created_ms: queued.point.created_ms,
                exemplar: queued.point.exemplar.as_deref().map(carried_exemplar),
            });
        }
        if let (Some(_), Some(last)) = (count, carried.values.last()) {
            // To whoever has a part of the queue, there is nothing behind it.
            carried.next = last.number + 1;
        }
        carried
    }

    /// The queue that was carried. What makes no sense is left out.
    pub fn from_carried(carried: CarriedQueue, hasher: FixedState) -> Self {
        let mut queue = Self::new(hasher);
        let read = |(family, kind, help, unit, custom_bounds): CarriedMetadata| {
            let kind = Kind::every().find(|known| known.name() == kind).unwrap_or(Kind::Unknown);
            let custom_bounds = custom_bounds.into();
            Rc::new(Metadata { family: family.into(), kind, help: help.into(), unit: unit.into(), custom_bounds })
        };
        let metadata: Vec<Rc<Metadata>> = carried.metadata.into_iter().map(read).collect();
        for entry in carried.entries {
            let Some(metadata) = metadata.get(entry.metadata as usize).cloned() else { continue };
            let key: Rc<[u8]> = entry.key.into();
            queue.by_key.insert(key.clone(), queue.entries.len() as u32);
            let CarriedEntry { native, round, exemplar, .. } = entry;
            queue.entries.push(Entry { key, native, metadata, round, exemplar });
        }
        for value in carried.values {
            let point = match value.value {
                CarriedPoint::Float(bits) => Value::Float(f64::from_bits(bits)),
                CarriedPoint::Stale => Value::Stale,
                CarriedPoint::Native(bytes) => match NativeHistogram::deserialize(&mut &*bytes) {
                    Some(native) => Value::Native(Box::new(native)),
                    None => continue,
                },
            };
            queue.weight += weight(&point);
            let exemplar = value.exemplar.map(|(labels, value, unix_ms)| {
                let labels = labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
                Rc::new(Exemplar { labels, value: f64::from_bits(value), unix_ms })
            });
            let point = Point { value: point, created_ms: value.created_ms, exemplar };
            queue.queue.push_back(Queued { entry: value.entry, number: value.number, unix_ms: value.unix_ms, point });
        }
        queue.round = carried.round;
        queue.last_ms = carried.last_ms;
        queue.dropped = carried.dropped;
        queue.next = carried.next;
        queue.in_flight = usize::try_from(carried.in_flight).unwrap_or(usize::MAX).min(queue.queue.len());
        queue
    }
}

fn carried_exemplar(exemplar: &Exemplar) -> CarriedExemplar {
    let labels = exemplar.labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    (labels, exemplar.value.to_bits(), exemplar.unix_ms)
}

impl CarriedQueue {
    /// The place of an entry, which is added if need be.
    fn place(&mut self, places: &mut [Option<u32>], index: usize, entry: &Entry) -> u32 {
        let Some(place) = places.get_mut(index) else { return u32::MAX };
        if let Some(place) = *place {
            return place;
        }
        let Metadata { family, kind, help, unit, custom_bounds } = &*entry.metadata;
        let kind = kind.name().to_owned();
        let metadata = (family.to_string(), kind, help.to_string(), unit.to_string(), custom_bounds.to_vec());
        // Series of a family are mostly beside one another.
        if self.metadata.last() != Some(&metadata) {
            self.metadata.push(metadata);
        }
        let new = self.entries.len() as u32;
        self.entries.push(CarriedEntry {
            key: entry.key.to_vec(),
            native: entry.native,
            metadata: (self.metadata.len() - 1) as u32,
            round: entry.round,
            exemplar: entry.exemplar,
        });
        *place = Some(new);
        new
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}
