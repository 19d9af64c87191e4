//! The send queue of one remote-write receiver: samples of each round until they are delivered, and
//! the series the receiver considers live, so that it gets a stale marker when one ends. Does no
//! I/O and reads no clock.
//!
//! A round is a snapshot of the whole registry. Its samples stay queued until the receiver has
//! accepted them, so that after an outage the receiver gets each sample with its own timestamp. The
//! queue is bounded: when it is full, the oldest samples are dropped and counted.

mod carried;
#[cfg(test)]
#[path = "../../metrics/src/exposition/testing.rs"]
mod testing;
#[cfg(test)]
mod wire_tests;

pub use carried::CarriedQueue;

use std::collections::VecDeque;
use std::rc::Rc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use plugpipe_metrics::exposition::remote_write::{self, Metadata, NAME, Point, TimeSeries, Value, key_of};
use plugpipe_metrics::model::{self, Exemplar, Family, Labelled};
use plugpipe_metrics::registry::Kind;
use plugpipe_metrics::sort::sort_places;

/// A series that was written or is queued.
#[derive(Debug)]
struct Entry {
    key: Rc<[u8]>,
    native: bool,
    metadata: Rc<Metadata>,
    /// The last round with this series; 0 once its stale marker is queued or sent.
    round: u64,
    /// The timestamp of the last exemplar and the bits of its value.
    exemplar: Option<(Option<u64>, u64)>,
}

/// A queued sample.
#[derive(Debug)]
struct Queued {
    entry: u32,
    /// Rising, and never given twice.
    number: u64,
    unix_ms: u64,
    point: Point,
}

/// How much of something there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Amounts {
    /// Float samples.
    pub samples: u64,
    /// Native histograms.
    pub histograms: u64,
    /// Exemplars.
    pub exemplars: u64,
}

impl Amounts {
    /// Samples of both kinds.
    pub fn values(self) -> u64 {
        self.samples + self.histograms
    }
}

impl core::ops::AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        self.samples += other.samples;
        self.histograms += other.histograms;
        self.exemplars += other.exemplars;
    }
}

/// The queued samples and live series of one receiver.
#[derive(Debug)]
pub struct SendQueue {
    entries: Vec<Entry>,
    by_key: HashMap<Rc<[u8]>, u32, FixedState>,
    /// By time, oldest first.
    queue: VecDeque<Queued>,
    /// Their total [`weight`].
    weight: usize,
    round: u64,
    last_ms: u64,
    /// Samples dropped since the last [`SendQueue::take_dropped`].
    dropped: u64,
    /// The number of the next value.
    next: u64,
    /// How many of the first values are on their way: they are neither dropped nor given up.
    in_flight: usize,
    hasher: FixedState,
}

/// The share of the queue's bound that a sample uses: native histograms count their buckets, plus
/// one.
fn weight(value: &Value) -> usize {
    match value {
        Value::Native(native) => 1 + native.positive().len() + native.negative().len(),
        Value::Float(_) | Value::Stale => 1,
    }
}

/// The bounds of a histogram that is written with custom buckets; none for others.
fn custom_bounds<'f>(family: &'f Family) -> &'f [f64] {
    match family.series.first().map(|series| &series.point) {
        Some(model::Point::Histogram { bounds, .. }) if family.is_custom => bounds,
        _ => &[],
    }
}

impl SendQueue {
    /// Creates an empty queue. The hasher is for names and labels, which come from outside.
    pub fn new(hasher: FixedState) -> Self {
        Self {
            entries: Vec::new(),
            by_key: HashMap::with_hasher(hasher.clone()),
            queue: VecDeque::new(),
            weight: 0,
            round: 0,
            last_ms: 0,
            dropped: 0,
            next: 1,
            in_flight: 0,
            hasher,
        }
    }

    /// The number of queued samples.
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// Whether samples are queued or the receiver has live series.
    pub fn is_in_use(&self) -> bool {
        self.pending() > 0 || self.entries.iter().any(|entry| entry.round > 0)
    }

    /// The hasher for the symbol table of a request.
    pub fn hasher(&self) -> FixedState {
        self.hasher.clone()
    }

    /// Returns and resets the number of dropped samples.
    pub fn take_dropped(&mut self) -> u64 {
        core::mem::take(&mut self.dropped)
    }

    #[cfg(test)]
    pub(crate) fn add(&mut self, families: &[Family], external: &[(&str, &str)], unix_ms: u64) {
        self.add_all(&[(families.to_vec(), external.to_vec())], unix_ms);
    }

    /// Adds a round: the samples of all families at `unix_ms`, and a stale marker for each series
    /// of the previous round that is missing in this one. External labels do not override a series'
    /// own. No two rounds have the same timestamp.
    pub fn add_all(&mut self, parts: &[Labelled], unix_ms: u64) {
        self.begin(unix_ms);
        parts.iter().for_each(|(families, external)| self.add_part(families, external));
        self.end_series();
    }

    fn add_part(&mut self, families: &[Family], external: &[(&str, &str)]) {
        let mut key = Vec::new();
        let mut name = String::new();
        for family in families {
            let metadata = Rc::new(Metadata {
                family: family.name.into(),
                kind: family.kind,
                help: family.help.into(),
                unit: family.unit.into(),
                custom_bounds: custom_bounds(family).into(),
            });
            let is_cumulative = !matches!(
                family.kind,
                Kind::Gauge | Kind::Info | Kind::StateSet | Kind::GaugeHistogram | Kind::Unknown
            );
            for series in &family.series {
                let created_ms = series.created_ms.filter(|_| is_cumulative);
                remote_write::each_value(family, series, &mut |suffix, own, value, exemplar| {
                    name.clear();
                    name.push_str(family.name);
                    name.push_str(suffix);
                    let mut labels = vec![(NAME, name.as_str())];
                    labels.extend(own);
                    labels.extend_from_slice(&series.labels);
                    labels.extend_from_slice(external);
                    key_of(labels, &mut key);
                    self.add_sample(&key, &metadata, value, created_ms, exemplar);
                });
            }
        }
    }

    /// Queues stale markers for all live series; returns how many.
    pub fn end_all(&mut self, unix_ms: u64) -> u64 {
        let before = self.pending();
        self.begin(unix_ms);
        self.end_series();
        (self.pending() - before) as u64
    }

    fn begin(&mut self, unix_ms: u64) {
        self.round += 1;
        // If the clock stalls or steps back, receivers must not see samples out of order.
        self.last_ms = unix_ms.max(self.last_ms + 1);
    }

    fn add_sample(
        &mut self,
        key: &[u8],
        metadata: &Rc<Metadata>,
        value: Value,
        created_ms: Option<u64>,
        exemplar: Option<&Exemplar>,
    ) {
        let native = matches!(value, Value::Native(_));
        let index = match self.by_key.get(key) {
            Some(index) => *index,
            None => {
                let key: Rc<[u8]> = key.into();
                let index = self.entries.len() as u32;
                self.by_key.insert(key.clone(), index);
                self.entries.push(Entry { key, native, metadata: metadata.clone(), round: 0, exemplar: None });
                index
            }
        };
        // Every index in `by_key` is valid.
        let Some(entry) = self.entries.get_mut(index as usize) else { return };
        // External labels can make two series identical, and a receiver takes one sample per
        // timestamp.
        if core::mem::replace(&mut entry.round, self.round) == self.round {
            return;
        }
        entry.native = native;
        if entry.metadata != *metadata {
            entry.metadata = metadata.clone();
        }
        let seen = exemplar.map(|exemplar| (exemplar.unix_ms, exemplar.value.to_bits()));
        let exemplar = exemplar.filter(|_| seen != entry.exemplar).map(|exemplar| Rc::new(exemplar.clone()));
        entry.exemplar = seen;
        self.enqueue(index, Point { value, created_ms, exemplar });
    }

    fn enqueue(&mut self, entry: u32, point: Point) {
        self.weight += weight(&point.value);
        let number = self.next;
        self.next += 1;
        self.queue.push_back(Queued { entry, number, unix_ms: self.last_ms, point });
    }

    /// Queues stale markers for series missing from this round.
    fn end_series(&mut self) {
        for index in 0..self.entries.len() {
            if let Some(entry) = self.entries.get_mut(index).filter(|entry| (1..self.round).contains(&entry.round)) {
                entry.round = 0;
                entry.exemplar = None;
                self.enqueue(index as u32, Point { value: Value::Stale, created_ms: None, exemplar: None });
            }
        }
    }

    /// The oldest samples as time series, at most `max_samples` and about `bytes` before
    /// compression, with their number. At least one sample, unless the queue is empty.
    pub fn batch(&self, max_samples: usize, bytes: usize) -> (Vec<TimeSeries<'_>>, usize) {
        let mut size = 0;
        let count = self.queue.iter().take(max_samples).take_while(|queued| {
            let fits = size < bytes;
            size += 32 + self.entries.get(queued.entry as usize).map_or(0, |entry| entry.key.len());
            size += 4 * weight(&queued.point.value);
            fits
        });
        let count = count.count();
        (self.first(count), count)
    }

    /// The oldest `count` samples as time series.
    pub fn first(&self, count: usize) -> Vec<TimeSeries<'_>> {
        let queued = |place: u32| self.queue.get(place as usize);
        let series_of = |place| {
            let queued = queued(place)?;
            let native = match &queued.point.value {
                Value::Native(_) => true,
                Value::Float(_) => false,
                Value::Stale => self.entries.get(queued.entry as usize)?.native,
            };
            Some((queued.entry, native))
        };
        // The sort is stable, so the samples of a series stay in order of time.
        let mut places: Vec<u32> = (0..self.queue.len().min(count) as u32).collect();
        sort_places(&mut places, &|a, b| series_of(a).cmp(&series_of(b)));
        let mut all: Vec<TimeSeries> = Vec::new();
        let mut last = None;
        for place in places {
            let (Some(queued), Some(id)) = (queued(place), series_of(place)) else { continue };
            let value = (queued.unix_ms, &queued.point);
            match all.last_mut() {
                Some(series) if last == Some(id) => series.points.push(value),
                _ => {
                    let Some(entry) = self.entries.get(queued.entry as usize) else { continue };
                    let (key, metadata) = (&*entry.key, &entry.metadata);
                    all.push(TimeSeries { key, native: id.1, metadata, points: vec![value] });
                }
            }
            last = Some(id);
        }
        all
    }

    /// Removes the oldest samples, delivered or rejected, and returns how many there were of each
    /// kind.
    pub fn remove(&mut self, count: usize) -> Amounts {
        let mut amounts = Amounts::default();
        for _ in 0..count {
            let Some(Queued { entry, point, .. }) = self.queue.pop_front() else { break };
            self.weight -= weight(&point.value);
            let native = match point.value {
                Value::Stale => self.entries.get(entry as usize).is_some_and(|entry| entry.native),
                Value::Native(_) => true,
                Value::Float(_) => false,
            };
            amounts.samples += u64::from(!native);
            amounts.histograms += u64::from(native);
            amounts.exemplars += u64::from(point.exemplar.is_some());
        }
        if self.queue.is_empty() {
            self.forget_ended();
        }
        amounts
    }

    /// The first so many values are on their way to the receiver, until [`SendQueue::land`].
    pub fn launch(&mut self, count: usize) {
        self.in_flight = count.min(self.queue.len());
    }

    /// Whether values are on their way.
    pub fn is_in_flight(&self) -> bool {
        self.in_flight > 0
    }

    /// Nothing is on its way any more.
    pub fn land(&mut self) {
        self.in_flight = 0;
    }

    /// The number of the last value that was taken out; 0 if none was.
    pub fn taken_out(&self) -> u64 {
        self.queue.front().map_or(self.next, |queued| queued.number) - 1
    }

    /// Takes out the values up to this number: they are delivered, or nobody wants them.
    pub fn remove_up_to(&mut self, number: u64) {
        let count = self.queue.iter().take_while(|queued| queued.number <= number).count();
        self.remove(count);
    }

    /// Takes out all native histograms: the receiver does not take them. Says how many there were.
    pub fn remove_histograms(&mut self) -> u64 {
        let before = self.queue.len();
        let entries = &self.entries;
        self.queue.retain(|queued| match queued.point.value {
            Value::Native(_) => false,
            Value::Float(_) => true,
            Value::Stale => entries.get(queued.entry as usize).is_none_or(|entry| !entry.native),
        });
        self.weight = self.queue.iter().map(|queued| weight(&queued.point.value)).sum();
        (before - self.queue.len()) as u64
    }

    /// Drops values from before `since_ms`, and the oldest ones until those that are kept weigh no
    /// more than `most`. What is on its way stays.
    pub fn bound(&mut self, most: usize, since_ms: u64) {
        let (mut excess, mut count) = (self.weight.saturating_sub(most), 0);
        for queued in self.queue.iter().skip(self.in_flight) {
            if excess == 0 && queued.unix_ms >= since_ms {
                break;
            }
            excess = excess.saturating_sub(weight(&queued.point.value));
            count += 1;
        }
        if self.in_flight == 0 {
            self.dropped += self.remove(count).values();
        } else {
            for queued in self.queue.drain(self.in_flight..self.in_flight + count) {
                self.weight -= weight(&queued.point.value);
                self.dropped += 1;
            }
        }
        if self.entries.len() > 64 + 2 * (self.queue.len() + self.entries.iter().filter(|e| e.round > 0).count()) {
            self.forget_ended();
        }
    }

    /// Removes the entries of ended series without queued samples.
    fn forget_ended(&mut self) {
        let mut used: Vec<bool> = self.entries.iter().map(|entry| entry.round > 0).collect();
        for queued in &self.queue {
            if let Some(used) = used.get_mut(queued.entry as usize) {
                *used = true;
            }
        }
        if used.iter().all(|used| *used) {
            return;
        }
        let mut moved = Vec::with_capacity(used.len());
        let mut kept = 0;
        for used in &used {
            moved.push(kept);
            kept += u32::from(*used);
        }
        let mut used = used.into_iter();
        self.entries.retain(|_| used.next().unwrap_or(true));
        self.by_key.clear();
        self.by_key.extend(self.entries.iter().enumerate().map(|(index, entry)| (entry.key.clone(), index as u32)));
        for queued in &mut self.queue {
            queued.entry = moved.get(queued.entry as usize).copied().unwrap_or(queued.entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use plugpipe_metrics::exposition::remote_write::labels_of;
    use plugpipe_metrics::model::{self, Series};
    use plugpipe_metrics::registry::native::NativeHistogram;

    fn send_queue() -> SendQueue {
        SendQueue::new(FixedState::with_seed(1))
    }

    /// A gauge `g` with one series per label value.
    fn gauges<'a>(values: &[(&'a str, f64)]) -> Vec<Family<'a>> {
        let series = values.iter().map(|(label, value)| Series {
            labels: vec![("a", *label)],
            created_ms: Some(1),
            point: model::Point::Gauge(*value),
        });
        vec![Family {
            name: "g",
            kind: Kind::Gauge,
            help: "",
            unit: "",
            gives_way: false,
            is_custom: false,
            series: series.collect(),
        }]
    }

    /// The queue: label, timestamp, value as text.
    fn queued(send_queue: &SendQueue) -> Vec<(String, u64, String)> {
        first(send_queue, usize::MAX)
    }

    fn first(send_queue: &SendQueue, count: usize) -> Vec<(String, u64, String)> {
        let all = send_queue.first(count);
        let values = all.iter().flat_map(|series| {
            let (_, label) = labels_of(series.key).find(|(name, _)| *name == "a").unwrap_or(("", ""));
            series.points.iter().map(move |(unix_ms, point)| {
                let value = match &point.value {
                    Value::Float(value) => value.to_string(),
                    Value::Native(native) => format!("native of {}", native.count()),
                    Value::Stale => "stale".into(),
                };
                (label.to_owned(), *unix_ms, value)
            })
        });
        values.collect()
    }

    fn row(label: &str, unix_ms: u64, value: &str) -> (String, u64, String) {
        (label.into(), unix_ms, value.into())
    }

    #[test]
    fn rounds_wait_by_series_in_the_order_of_time() {
        let mut send_queue = send_queue();
        send_queue.add(&gauges(&[("x", 1.0), ("y", 2.0)]), &[], 10);
        send_queue.add(&gauges(&[("x", 3.0), ("y", 4.0)]), &[], 20);
        assert_eq!(queued(&send_queue), [row("x", 10, "1"), row("x", 20, "3"), row("y", 10, "2"), row("y", 20, "4")]);
        assert_eq!(send_queue.first(3).len(), 2);
        assert_eq!(send_queue.remove(3), Amounts { samples: 3, histograms: 0, exemplars: 0 });
        assert_eq!(queued(&send_queue), [row("y", 20, "4")]);
    }

    #[test]
    fn a_series_that_is_gone_ends_once_and_may_start_again() {
        let mut send_queue = send_queue();
        send_queue.add(&gauges(&[("x", 1.0), ("y", 2.0)]), &[], 10);
        send_queue.remove(usize::MAX);
        send_queue.add(&gauges(&[("y", 2.0)]), &[], 20);
        send_queue.add(&gauges(&[("y", 2.0)]), &[], 30);
        assert_eq!(queued(&send_queue), [row("x", 20, "stale"), row("y", 20, "2"), row("y", 30, "2")]);
        send_queue.remove(usize::MAX);
        send_queue.add(&gauges(&[("x", 5.0)]), &[], 40);
        assert_eq!(queued(&send_queue), [row("y", 40, "stale"), row("x", 40, "5")]);
        send_queue.remove(usize::MAX);
        assert!(send_queue.is_in_use());
        assert_eq!((send_queue.end_all(50), send_queue.end_all(60)), (1, 0));
        send_queue.remove(usize::MAX);
        assert!(!send_queue.is_in_use());
    }

    #[test]
    fn two_rounds_never_have_the_same_time() {
        let mut send_queue = send_queue();
        for unix_ms in [10, 10, 5] {
            send_queue.add(&gauges(&[("x", 1.0)]), &[], unix_ms);
        }
        assert_eq!(queued(&send_queue), [row("x", 10, "1"), row("x", 11, "1"), row("x", 12, "1")]);
    }

    #[test]
    fn past_the_bound_the_oldest_are_dropped_and_counted() {
        let mut send_queue = send_queue();
        for round in 1..=10 {
            send_queue.add(&gauges(&[("x", round as f64), ("y", 0.0)]), &[], round * 10);
            send_queue.bound(5, 0);
        }
        assert_eq!(send_queue.take_dropped(), 15);
        assert_eq!(send_queue.take_dropped(), 0);
        assert_eq!(send_queue.pending(), 5);
        assert_eq!(queued(&send_queue)[0], row("x", 90, "9"));
        let mut native = NativeHistogram::new(0, 0.0, 100).unwrap();
        (0..6).for_each(|power| native.observe(2_f64.powi(power)));
        let series = Series {
            labels: vec![("a", "n")],
            created_ms: None,
            point: model::Point::Native(model::Native::new(&native)),
        };
        let family = Family {
            name: "n",
            kind: Kind::NativeHistogram,
            help: "",
            unit: "",
            gives_way: false,
            is_custom: false,
            series: vec![series],
        };
        send_queue.add(&[family], &[], 200);
        // Its weight is 7; two series ended after it.
        send_queue.bound(9, 0);
        assert_eq!(queued(&send_queue), [row("x", 200, "stale"), row("y", 200, "stale"), row("n", 200, "native of 6")]);
    }

    #[test]
    fn what_is_too_old_is_dropped_and_counted_unless_it_is_on_its_way() {
        let mut send_queue = send_queue();
        (1..=5).for_each(|round| send_queue.add(&gauges(&[("x", round as f64)]), &[], round * 10));
        send_queue.bound(usize::MAX, 30);
        assert_eq!((send_queue.take_dropped(), queued(&send_queue)[0].clone()), (2, row("x", 30, "3")));
        send_queue.launch(1);
        send_queue.bound(usize::MAX, 50);
        assert_eq!((send_queue.take_dropped(), queued(&send_queue)), (1, vec![row("x", 30, "3"), row("x", 50, "5")]));
    }

    #[test]
    fn a_value_takes_no_more_than_64_bytes_so_that_a_full_queue_and_its_copy_fit() {
        // In the component, where addresses take half as much, it is less.
        assert!(size_of::<Queued>() <= 64, "{}", size_of::<Queued>());
    }

    #[test]
    fn a_batch_is_bounded_by_values_and_by_bytes_and_never_empty() {
        let mut send_queue = send_queue();
        assert_eq!(send_queue.batch(10, 10).1, 0);
        let long = "x".repeat(1_000);
        send_queue.add(&gauges(&[(&long, 1.0), ("y", 2.0), ("z", 3.0)]), &[], 10);
        assert_eq!(send_queue.batch(2, 1_000_000).1, 2);
        assert_eq!(send_queue.batch(10, 1_000).1, 1);
        assert_eq!(send_queue.batch(10, 1_060).1, 2);
        assert_eq!(send_queue.batch(10, 1_000_000).0.len(), 3);
    }

    #[test]
    fn an_exemplar_is_sent_once() {
        let mut send_queue = send_queue();
        let exemplar = Exemplar { labels: Vec::new(), value: 1.0, unix_ms: Some(1) };
        let counter = || {
            let point = model::Point::Counter { total: 1.0, exemplar: Some(&exemplar) };
            let series = vec![Series { labels: Vec::new(), created_ms: None, point }];
            [Family {
                name: "c_total",
                kind: Kind::Counter,
                help: "",
                unit: "",
                gives_way: false,
                is_custom: false,
                series,
            }]
        };
        send_queue.add(&counter(), &[], 10);
        send_queue.add(&counter(), &[], 20);
        assert_eq!(send_queue.remove(2), Amounts { samples: 2, histograms: 0, exemplars: 1 });
    }

    #[test]
    fn ended_series_leave_nothing_behind() {
        let mut send_queue = send_queue();
        for round in 1..=1_000 {
            let label = round.to_string();
            send_queue.add(&gauges(&[(&label, 1.0), ("stays", 2.0)]), &[], round);
            send_queue.bound(50, 0);
        }
        assert!(send_queue.entries.len() < 300, "{}", send_queue.entries.len());
        assert_eq!(send_queue.entries.len(), send_queue.by_key.len());
        send_queue.remove(usize::MAX);
        assert_eq!(send_queue.entries.len(), 2);
        send_queue.add(&gauges(&[("stays", 3.0)]), &[], 2_000);
        assert_eq!(queued(&send_queue), [row("stays", 2_000, "3"), row("1000", 2_000, "stale")]);
    }

    proptest! {
        /// A receiver that accepts batches without gaps ends up with every sample of every round,
        /// and considers exactly the series of the last round live.
        #[test]
        fn a_receiver_gets_every_sample_in_the_end(
            rounds in vec((vec(any::<bool>(), 4), prop::option::of(1_usize..6)), 1..12),
        ) {
            let mut send_queue = send_queue();
            let mut received: Vec<(String, u64, String)> = Vec::new();
            let mut expected = Vec::new();
            let names = ["p", "q", "r", "s"];
            let mut present = [false; 4];
            for (number, (there, taken)) in rounds.iter().enumerate() {
                let unix_ms = 10 + number as u64;
                let values: Vec<_> = names.iter().zip(there).filter(|(_, there)| **there).map(|(n, _)| (*n, number as f64)).collect();
                send_queue.add(&gauges(&values), &[], unix_ms);
                for ((name, there), before) in names.iter().zip(there).zip(&mut present) {
                    match (*there, *before) {
                        (true, _) => expected.push(row(name, unix_ms, &number.to_string())),
                        (false, true) => expected.push(row(name, unix_ms, "stale")),
                        (false, false) => {}
                    }
                    *before = *there;
                }
                if let Some(taken) = taken {
                    let (_, count) = send_queue.batch(*taken, usize::MAX);
                    received.extend(first(&send_queue, count));
                    send_queue.remove(count);
                }
            }
            received.extend(queued(&send_queue));
            received.sort();
            expected.sort();
            prop_assert_eq!(received, expected);
        }
    }
}
