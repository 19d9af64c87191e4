//! Prometheus remote write, 2.0 (`io.prometheus.write.v2.Request`) and 1.0
//! (`prometheus.WriteRequest`): the body of one request, before its compression. Knows neither
//! registry nor network: its caller says what is written.
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
//! | Histogram | 1 count v, 3 sum d, 4 schema z, 5 zero threshold d, 6 zero count v, 8 negative span s, 9 negative deltas p, 11 positive span s, 12 positive deltas p, 15 timestamp v; in 2.0 also 17 start timestamp v |
//! | BucketSpan | 1 offset z, 2 length v |
//!
//! All timestamps are milliseconds. When a series began stands in two places: release candidates of
//! 2.0 have it in the time series, later ones beside each value; a receiver passes over the one
//! that it does not know.

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

/// The value of a series that is there no more: a NaN that Prometheus knows by its bits.
pub const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// The label that holds the metric's name.
pub const NAME: &str = "__name__";

/// What a receiver is told of a family.
#[derive(Debug, PartialEq)]
pub struct Metadata {
    /// The family's name, any UTF-8.
    pub family: Box<str>,
    /// What it measures.
    pub kind: Kind,
    /// Empty for none.
    pub help: Box<str>,
    /// Empty for none.
    pub unit: Box<str>,
}

/// What a series held at some moment.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One number.
    Float(f64),
    /// Exponential buckets.
    Native(Box<NativeHistogram>),
    /// The series is there no more.
    Stale,
}

/// One value of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// What the series held.
    pub value: Value,
    /// When the series began to count, in milliseconds since the Unix epoch; none for what does not
    /// count.
    pub created_ms: Option<u64>,
    /// An example that no earlier point of the series had.
    pub exemplar: Option<Rc<Exemplar>>,
}

/// A series and some of its values.
#[derive(Debug)]
pub struct TimeSeries<'a> {
    /// Made by [`key_of`].
    pub key: &'a [u8],
    /// Whether the values are histograms; a stale one is of its series' form.
    pub native: bool,
    /// Of the series' family.
    pub metadata: &'a Rc<Metadata>,
    /// Rising milliseconds since the Unix epoch, and what the series held then.
    pub points: Vec<(u64, &'a Point)>,
}

/// The labels of a series, its name among them, as bytes: sorted by name, those with an empty value
/// left out, since to Prometheus they are none. Replaces what `key` held. Of two labels with a name
/// the first one counts.
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

/// By name; of those with a name the first one stays first.
// Inlined at each of its callers it would cost the component kilobytes.
#[inline(never)]
fn sorted<'a>(labels: Vec<(&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    sorted_by(labels, |(a, _), (b, _)| a.cmp(b))
}

/// The labels of an exemplar.
fn labels_of_exemplar(exemplar: &Exemplar) -> Vec<(&str, &str)> {
    exemplar.labels.iter().map(|(name, value)| (&**name, &**value)).collect()
}

/// The names and values that a key was made of.
pub fn labels_of(key: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    // A key is made of texts, and no text has the byte that ends them.
    let mut parts = key.split(|byte| *byte == END).map(|part| str::from_utf8(part).unwrap_or_default());
    std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
}

/// Takes one value of a series: the suffix of its name, the label that it has beyond the series'
/// own, and its exemplar.
pub type Sink<'s> = dyn FnMut(&str, Option<(&str, &str)>, Value, Option<&Exemplar>) + 's;

/// Hands the values of a series to `sink`: its samples, or the one native histogram.
pub fn each_value(family: &Family, series: &Series, sink: &mut Sink) {
    if let model::Point::Native(native) = &series.point {
        return sink("", None, Value::Native(Box::new((*native).clone())), None);
    }
    let mut own = Vec::new();
    samples::each(series, &mut |sample| {
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
        // Numbers are ASCII.
        let own = label.map(|label| (label, str::from_utf8(&own).unwrap_or_default()));
        let value = match sample.value {
            Number::Float(value) => value,
            Number::Count(count) => count as f64,
        };
        sink(sample.suffix, own, Value::Float(value), sample.exemplar);
    });
}

/// Numbers for texts, each written once; the empty text is number 0.
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

/// The body of a 2.0 request. Names are any UTF-8. The hasher is for the texts, which come from
/// outside.
pub fn encode_2(all: &[TimeSeries], hasher: FixedState) -> Vec<u8> {
    let mut symbols = Symbols::new(hasher);
    let mut out = Vec::new();
    for series in all {
        let message = open_field(5, &mut out);
        symbols.labels(&labels_of(series.key).collect::<Vec<_>>(), &mut out);
        values([2, 3], series, true, &mut out);
        for (unix_ms, exemplar) in exemplars(series) {
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

/// The body of a 1.0 request. Its receivers may know the older names only, so others have their
/// foreign characters replaced by underscores.
pub fn encode_1(all: &[TimeSeries]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut told: Option<&Rc<Metadata>> = None;
    for series in all {
        let metadata = series.metadata;
        // The series of a family mostly stand together, and to tell it twice does no harm.
        if told.is_none_or(|told| !Rc::ptr_eq(told, metadata)) {
            told = Some(metadata);
            let message = open_field(3, &mut out);
            unsigned(1, type_of(metadata.kind), &mut out);
            text(2, &Escaping::Underscores.metric_name(&metadata.family), &mut out);
            text(4, &metadata.help, &mut out);
            text(5, &metadata.unit, &mut out);
            close(message, &mut out);
        }
        let message = open_field(1, &mut out);
        write_labels(&labels_of(series.key).collect::<Vec<_>>(), &mut out);
        values([2, 4], series, false, &mut out);
        for (unix_ms, exemplar) in exemplars(series) {
            let message = open_field(3, &mut out);
            write_labels(&labels_of_exemplar(exemplar), &mut out);
            double(2, exemplar.value, &mut out);
            unsigned(3, unix_ms, &mut out);
            close(message, &mut out);
        }
        close(message, &mut out);
    }
    out
}

#[inline(never)]
fn write_labels(labels: &[(&str, &str)], out: &mut Vec<u8>) {
    let names: Vec<_> = labels.iter().map(|(name, _)| Escaping::Underscores.label_name(name)).collect();
    let mut before = None;
    for (name, value) in sorted(names.iter().zip(labels).map(|(name, (_, value))| (&**name, *value)).collect()) {
        // A receiver refuses a name that comes twice; escaping can make one name of two.
        if before.replace(name) != Some(name) {
            let label = open_field(1, out);
            text(1, name, out);
            text(2, &if name == NAME { Escaping::Underscores.metric_name(value) } else { Cow::Borrowed(value) }, out);
            close(label, out);
        }
    }
}

/// The exemplars of a series, with their time or else that of their value.
fn exemplars<'a>(series: &TimeSeries<'a>) -> impl Iterator<Item = (u64, &'a Exemplar)> {
    let exemplar = |(unix_ms, point): &(u64, &'a Point)| {
        let exemplar = point.exemplar.as_deref()?;
        Some((exemplar.unix_ms.unwrap_or(*unix_ms), exemplar))
    };
    series.points.iter().filter_map(exemplar)
}

/// The values, in the field for samples or in that for histograms.
fn values([samples, histograms]: [u32; 2], series: &TimeSeries, start: bool, out: &mut Vec<u8>) {
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
                histogram(native, out);
                unsigned(15, *unix_ms, out);
                17
            }
            // A histogram is stale by its sum; the count tells a reader of 1.0 that it holds
            // integers.
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

fn histogram(native: &NativeHistogram, out: &mut Vec<u8>) {
    unsigned(1, native.count(), out);
    double(3, native.sum(), out);
    signed(4, native.schema().into(), out);
    double(5, native.zero_threshold(), out);
    unsigned(6, native.zero_count(), out);
    let (positive, negative) = native.spans_and_deltas();
    buckets([8, 9], &negative, out);
    buckets([11, 12], &positive, out);
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

/// The number of a type in both versions.
fn type_of(kind: Kind) -> u64 {
    match kind {
        Kind::Counter => 1,
        Kind::Gauge => 2,
        Kind::Histogram | Kind::NativeHistogram => 3,
        Kind::Summary => 5,
        Kind::Info => 6,
        Kind::StateSet => 7,
    }
}
