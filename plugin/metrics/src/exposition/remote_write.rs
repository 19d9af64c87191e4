//! Prometheus remote write, 2.0 (`io.prometheus.write.v2.Request`) and 1.0
//! (`prometheus.WriteRequest`): encodes the uncompressed body of one request. No I/O.
//!
//! Field numbers and wire types (v: varint, z: zigzag varint, d: 8 bytes, s: length and bytes, p:
//! packed varints), as in Prometheus's `prompb`; the messages of a histogram and its spans are the
//! same in both:
//!
//! | message | fields |
//! |---|---|
//! | 2.0 Request | 4 symbol s, 5 time series s |
//! | 2.0 TimeSeries | 1 label references p, 2 sample s, 3 histogram s, 4 exemplar s, 5 metadata s, 6 created timestamp v |
//! | 2.0 Exemplar | 1 label references p, 2 value d, 3 timestamp v |
//! | 2.0 Metadata | 1 type v, 3 help reference v, 4 unit reference v |
//! | 1.0 WriteRequest | 1 time series s, 3 metadata s |
//! | 1.0 TimeSeries | 1 label s, 2 sample s, 3 exemplar s, 4 histogram s |
//! | 1.0 Label | 1 name s, 2 value s |
//! | 1.0 Exemplar | 1 label s, 2 value d, 3 timestamp v |
//! | 1.0 MetricMetadata | 1 type v, 2 family s, 4 help s, 5 unit s |
//! | Sample | 1 value d, 2 timestamp v; in 2.0 also 3 start timestamp v |
//! | Histogram | 1 count v, 3 sum d, 4 schema z, 5 zero threshold d, 6 zero count v, 8 negative span s, 9 negative deltas p, 11 positive span s, 12 positive deltas p, 14 reset hint v, 15 timestamp v, 16 custom bounds (packed doubles); in 2.0 also 17 start timestamp v |
//! | BucketSpan | 1 offset z, 2 length v |
//!
//! All timestamps are milliseconds. The created timestamp is written in two places: release
//! candidates of 2.0 have it in the time series, later versions in each sample; receivers ignore
//! the field they do not know.

use std::borrow::Cow;
use std::rc::Rc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::escaping::Escaping;
use super::samples::{self, Number, Own};
use super::wire::{close, double, open_field, signed, text, unsigned, varint, zigzag};
use crate::model::{self, Exemplar, Family, Series};
use crate::number::write_canonical;
use crate::registry::native::{EncodedBuckets, NativeHistogram};
use crate::registry::{END, Kind};
use crate::sort::sorted_by;

/// The stale marker: a NaN that Prometheus recognizes by its bits.
pub const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// The reset hint of histograms whose counts may fall at any time.
const GAUGE: u64 = 3;

/// The label that holds the metric's name.
pub const NAME: &str = "__name__";

/// Metadata of a family.
#[derive(Debug, PartialEq)]
pub struct Metadata {
    /// The family's name, any UTF-8.
    pub family: Box<str>,
    /// The kind.
    pub kind: Kind,
    /// Empty if none.
    pub help: Box<str>,
    /// Empty if none.
    pub unit: Box<str>,
    /// The bounds of a classic histogram that is written as a native one with custom buckets; empty
    /// for all others.
    pub custom_bounds: Box<[f64]>,
}

/// The value of a series at some time.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One number.
    Float(f64),
    /// Exponential buckets.
    Native(Box<NativeHistogram>),
    /// A stale marker: the series no longer exists.
    Stale,
}

/// A value of a series with its metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The value.
    pub value: Value,
    /// Creation time in milliseconds since the Unix epoch; `None` for series that are not counters.
    pub created_ms: Option<u64>,
    /// An exemplar that no earlier point of the series had.
    pub exemplar: Option<Rc<Exemplar>>,
}

/// A series and some of its values.
#[derive(Debug)]
pub struct TimeSeries<'a> {
    /// Made by [`key_of`].
    pub key: &'a [u8],
    /// Whether the values are native histograms. Stale markers have the same form.
    pub native: bool,
    /// Metadata of the series' family.
    pub metadata: &'a Rc<Metadata>,
    /// Milliseconds since the Unix epoch, ascending, and the value at that time.
    pub points: Vec<(u64, &'a Point)>,
}

/// Encodes the labels of a series, including its name, as a key: sorted by name and without labels
/// that have an empty value, which Prometheus treats as absent. Replaces the contents of `key`. If
/// a name occurs twice, the first label wins.
pub fn key_of(labels: Vec<(&str, &str)>, key: &mut Vec<u8>) {
    key.clear();
    let mut before = None;
    for (name, value) in sorted(labels) {
        if !value.is_empty() && before.replace(name) != Some(name) {
            for part in [name, value] {
                key.extend_from_slice(part.as_bytes());
                key.push(END);
            }
        }
    }
}

/// Sorts labels by name, stably.
// Inlining it at its call sites would add kilobytes to the component.
#[inline(never)]
fn sorted<'a>(labels: Vec<(&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    sorted_by(labels, |(a, _), (b, _)| a.cmp(b))
}

/// The labels of an exemplar.
fn labels_of_exemplar(exemplar: &Exemplar) -> Vec<(&str, &str)> {
    exemplar.labels.iter().map(|(name, value)| (&**name, &**value)).collect()
}

/// Decodes a key into label names and values.
pub fn labels_of(key: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    // A key consists of UTF-8 strings, and `END` does not occur in UTF-8.
    let mut parts = key.split(|byte| *byte == END).map(|part| str::from_utf8(part).unwrap_or_default());
    std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
}

/// Receives a sample: the suffix of its name, its extra label, its value and its exemplar.
pub type Sink<'s> = dyn FnMut(&str, Option<(&str, &str)>, Value, Option<&Exemplar>) + 's;

/// Passes the values of a series to `sink`: its samples, or its native histogram.
pub fn each_value(family: &Family, series: &Series, sink: &mut Sink) {
    if let model::Point::Native(native) = &series.point {
        return sink("", None, Value::Native(Box::new(native.histogram.clone())), native.latest());
    }
    if let model::Point::Histogram { bounds, counts, sum, exemplars } = &series.point
        && family.is_custom
        && let Some(native) = NativeHistogram::custom(bounds, counts, *sum)
    {
        let latest = exemplars.iter().flatten().max_by_key(|exemplar| exemplar.unix_ms);
        return sink("", None, Value::Native(Box::new(native)), latest);
    }
    let mut own = Vec::new();
    samples::each(family.kind, series, &mut |sample| {
        own.clear();
        let label = match sample.own {
            Own::None => None,
            Own::Bound(bound) | Own::Rank(bound) => {
                write_canonical(bound, &mut own);
                Some(if matches!(sample.own, Own::Bound(_)) { "le" } else { "quantile" })
            }
            Own::State(state) => {
                own.extend_from_slice(state.as_bytes());
                Some(family.name)
            }
        };
        // The text is a number or a state, hence UTF-8.
        let own = label.map(|label| (label, str::from_utf8(&own).unwrap_or_default()));
        let value = match sample.value {
            Number::Float(value) => value,
            Number::Count(count) => count as f64,
        };
        sink(sample.suffix, own, Value::Float(value), sample.exemplar);
    });
}

/// The symbol table: interns strings and writes each once. The empty string is symbol 0.
struct Symbols<'a> {
    numbers: HashMap<&'a str, u32, FixedState>,
    out: Vec<u8>,
}

impl<'a> Symbols<'a> {
    fn new(hasher: FixedState) -> Self {
        let mut symbols = Self { numbers: HashMap::with_hasher(hasher), out: Vec::new() };
        symbols.number("");
        symbols
    }

    fn number(&mut self, symbol: &'a str) -> u64 {
        let next = self.numbers.len() as u32;
        let number = *self.numbers.entry(symbol).or_insert(next);
        if number == next {
            text(4, symbol, &mut self.out);
        }
        number.into()
    }

    fn labels(&mut self, labels: &[(&'a str, &'a str)], out: &mut Vec<u8>) {
        let packed = open_field(1, out);
        for (name, value) in labels {
            varint(self.number(name), out);
            varint(self.number(value), out);
        }
        close(packed, out);
    }
}

/// Encodes the body of a 2.0 request. Names are any UTF-8. The hasher is for the symbol table,
/// which holds untrusted strings.
pub fn encode_2(all: &[TimeSeries], hasher: FixedState) -> Vec<u8> {
    let mut symbols = Symbols::new(hasher);
    let mut out = Vec::new();
    for series in all {
        let message = open_field(5, &mut out);
        symbols.labels(&labels_of(series.key).collect::<Vec<_>>(), &mut out);
        write_values([2, 3], series, true, &mut out);
        for (unix_ms, exemplar) in exemplars_of(series) {
            let message = open_field(4, &mut out);
            symbols.labels(&sorted(labels_of_exemplar(exemplar)), &mut out);
            double(2, exemplar.value, &mut out);
            unsigned(3, unix_ms, &mut out);
            close(message, &mut out);
        }
        let metadata = open_field(5, &mut out);
        unsigned(1, type_of(series.metadata.kind), &mut out);
        for (field, symbol) in [(3, &series.metadata.help), (4, &series.metadata.unit)] {
            if !symbol.is_empty() {
                unsigned(field, symbols.number(symbol), &mut out);
            }
        }
        close(metadata, &mut out);
        if let Some(created_ms) = series.points.first().and_then(|(_, point)| point.created_ms) {
            unsigned(6, created_ms, &mut out);
        }
        close(message, &mut out);
    }
    symbols.out.append(&mut out);
    symbols.out
}

/// Encodes the body of a 1.0 request. Receivers may support only classic names, so invalid
/// characters are replaced by underscores.
pub fn encode_1(all: &[TimeSeries]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut last_metadata: Option<&Rc<Metadata>> = None;
    for series in all {
        let metadata = series.metadata;
        // The series of a family are mostly adjacent, and repeated metadata is harmless.
        if last_metadata.is_none_or(|last_metadata| !Rc::ptr_eq(last_metadata, metadata)) {
            last_metadata = Some(metadata);
            let message = open_field(3, &mut out);
            unsigned(1, type_of(metadata.kind), &mut out);
            text(2, &Escaping::Underscores.metric_name(&metadata.family), &mut out);
            text(4, &metadata.help, &mut out);
            text(5, &metadata.unit, &mut out);
            close(message, &mut out);
        }
        if series.native && !metadata.custom_bounds.is_empty() {
            write_classic(series, &mut out);
            continue;
        }
        let message = open_field(1, &mut out);
        write_labels(&labels_of(series.key).collect::<Vec<_>>(), &mut out);
        write_values([2, 4], series, false, &mut out);
        exemplars_of(series).for_each(|(unix_ms, exemplar)| write_exemplar(unix_ms, exemplar, &mut out));
        close(message, &mut out);
    }
    out
}

fn write_exemplar(unix_ms: u64, exemplar: &Exemplar, out: &mut Vec<u8>) {
    let message = open_field(3, out);
    write_labels(&labels_of_exemplar(exemplar), out);
    double(2, exemplar.value, out);
    unsigned(3, unix_ms, out);
    close(message, out);
}

/// Writes native histograms with custom buckets, which 1.0 does not have, as the samples of classic
/// ones.
fn write_classic(series: &TimeSeries, out: &mut Vec<u8>) {
    for (unix_ms, point) in &series.points {
        let native = if let Value::Native(native) = &point.value { Some(native) } else { None };
        let bounds = native.map_or(&*series.metadata.custom_bounds, |native| native.custom_bounds());
        let mut exemplar = point.exemplar.as_deref();
        let mut sample = |suffix: &str, bound: Option<f64>, value: Option<f64>| {
            let mut text = Vec::new();
            bound.into_iter().for_each(|bound| write_canonical(bound, &mut text));
            let name = labels_of(series.key).find(|(name, _)| *name == NAME).map_or("", |(_, name)| name);
            let name = [name, suffix].concat();
            let others = labels_of(series.key).filter(|(name, _)| *name != NAME);
            // The text is a number, hence UTF-8.
            let bound_label = bound.map(|_| ("le", str::from_utf8(&text).unwrap_or_default()));
            let labels: Vec<_> = [(NAME, name.as_str())].into_iter().chain(bound_label).chain(others).collect();
            let message = open_field(1, out);
            write_labels(&labels, out);
            let place = open_field(2, out);
            double(1, value.unwrap_or(STALE), out);
            unsigned(2, *unix_ms, out);
            close(place, out);
            if let (Some(bound), Some(given)) = (bound, exemplar)
                && given.value <= bound
            {
                write_exemplar(given.unix_ms.unwrap_or(*unix_ms), given, out);
                exemplar = None;
            }
            close(message, out);
        };
        let (mut below, mut buckets) = (0, native.map_or(&[][..], |native| native.positive()).iter().peekable());
        for (index, bound) in (0..).zip(bounds.iter().copied().chain([f64::INFINITY])) {
            below += buckets.next_if(|bucket| bucket.index == index).map_or(0, |bucket| bucket.count);
            sample("_bucket", Some(bound), native.map(|_| below as f64));
        }
        sample("_sum", None, native.map(|native| native.sum()));
        sample("_count", None, native.map(|native| native.count() as f64));
    }
}

#[inline(never)]
fn write_labels(labels: &[(&str, &str)], out: &mut Vec<u8>) {
    let names: Vec<_> = labels.iter().map(|(name, _)| Escaping::Underscores.label_name(name)).collect();
    let mut before = None;
    for (name, value) in sorted(names.iter().zip(labels).map(|(name, (_, value))| (&**name, *value)).collect()) {
        // Receivers reject duplicate names, and escaping can make two names equal.
        if before.replace(name) != Some(name) {
            let label = open_field(1, out);
            text(1, name, out);
            text(2, &if name == NAME { Escaping::Underscores.metric_name(value) } else { Cow::Borrowed(value) }, out);
            close(label, out);
        }
    }
}

/// The exemplars of a series with their time, or else the time of their sample.
fn exemplars_of<'a>(series: &TimeSeries<'a>) -> impl Iterator<Item = (u64, &'a Exemplar)> {
    let exemplar = |(unix_ms, point): &(u64, &'a Point)| {
        let exemplar = point.exemplar.as_deref()?;
        Some((exemplar.unix_ms.unwrap_or(*unix_ms), exemplar))
    };
    series.points.iter().filter_map(exemplar)
}

/// Writes the values, to the field for samples or the field for histograms.
fn write_values([samples, histograms]: [u32; 2], series: &TimeSeries, start: bool, out: &mut Vec<u8>) {
    for (unix_ms, point) in &series.points {
        let start_ms = point.created_ms.filter(|_| start);
        let message = open_field(if series.native { histograms } else { samples }, out);
        let start_field = match &point.value {
            _ if !series.native => {
                double(1, if let Value::Float(value) = point.value { value } else { STALE }, out);
                unsigned(2, *unix_ms, out);
                3
            }
            Value::Native(native) => {
                write_histogram(native, out);
                if series.metadata.kind == Kind::GaugeHistogram {
                    unsigned(14, GAUGE, out);
                }
                unsigned(15, *unix_ms, out);
                17
            }
            // A histogram is stale if its sum is the marker; the counts mark it as an integer
            // histogram for 1.0 receivers.
            Value::Stale | Value::Float(_) => {
                unsigned(1, 0, out);
                double(3, STALE, out);
                unsigned(6, 0, out);
                unsigned(15, *unix_ms, out);
                17
            }
        };
        if let Some(start_ms) = start_ms {
            unsigned(start_field, start_ms, out);
        }
        close(message, out);
    }
}

fn write_histogram(native: &NativeHistogram, out: &mut Vec<u8>) {
    unsigned(1, native.count(), out);
    double(3, native.sum(), out);
    signed(4, native.schema().into(), out);
    double(5, native.zero_threshold(), out);
    unsigned(6, native.zero_count(), out);
    let (positive, negative) = native.spans_and_deltas();
    buckets([8, 9], &negative, out);
    buckets([11, 12], &positive, out);
    if !native.custom_bounds().is_empty() {
        let packed = open_field(16, out);
        native.custom_bounds().iter().for_each(|bound| out.extend_from_slice(&bound.to_le_bytes()));
        close(packed, out);
    }
}

fn buckets([spans, deltas]: [u32; 2], buckets: &EncodedBuckets, out: &mut Vec<u8>) {
    for span in &buckets.spans {
        let message = open_field(spans, out);
        signed(1, span.offset.into(), out);
        unsigned(2, span.length.into(), out);
        close(message, out);
    }
    if !buckets.deltas.is_empty() {
        let packed = open_field(deltas, out);
        buckets.deltas.iter().for_each(|delta| varint(zigzag(*delta), out));
        close(packed, out);
    }
}

/// The metadata type in both versions.
fn type_of(kind: Kind) -> u64 {
    match kind {
        Kind::Counter => 1,
        Kind::Gauge => 2,
        Kind::Histogram | Kind::NativeHistogram => 3,
        Kind::Summary => 5,
        Kind::Info => 6,
        Kind::StateSet => 7,
        Kind::GaugeHistogram => 4,
        Kind::Unknown => 0,
    }
}
