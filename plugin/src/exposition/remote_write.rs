//! Prometheus remote write, 2.0 (`io.prometheus.write.v2.Request`) and 1.0 (`prometheus.WriteRequest`): the body of one
//! request, before its compression. Knows neither registry nor network: [`crate::outbox`] says what is written.
//!
//! Field numbers and wire types (v: varint, z: zigzag varint, d: 8 bytes, s: length and bytes, p: packed varints), as in Prometheus's
//! `prompb`; the messages of a histogram and its spans are the same in both:
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
//! All timestamps are milliseconds. When a series began stands in two places: release candidates of 2.0 have it in the time
//! series, later ones beside each value; a receiver passes over the one that it does not know.

use std::borrow::Cow;
use std::rc::Rc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::escaping::Escaping;
use super::number::write_canonical;
use super::samples::{self, Number, Own};
use super::view::{self, Exemplar, Family, Series};
use super::wire::{close, double, open_field, signed, text, unsigned, varint, zigzag};
use crate::registry::native::{EncodedBuckets, NativeHistogram};
use crate::registry::{END, Kind};
use crate::sort::sorted_by;

/// The value of a series that is there no more: a NaN that Prometheus knows by its bits.
pub const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// The label that holds the metric's name.
pub(crate) const NAME: &str = "__name__";

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
    /// When the series began to count, in milliseconds since the Unix epoch; none for what does not count.
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

/// The labels of a series, its name among them, as bytes: sorted by name, those with an empty value left out, since to
/// Prometheus they are none. Replaces what `key` held. Of two labels with a name the first one counts.
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

/// Takes one value of a series: the suffix of its name, the label that it has beyond the series' own, and its exemplar.
pub(crate) type Sink<'s> = dyn FnMut(&str, Option<(&str, &str)>, Value, Option<&Exemplar>) + 's;

/// Hands the values of a series to `sink`: its samples, or the one native histogram.
pub(crate) fn each_value(family: &Family, series: &Series, sink: &mut Sink) {
    if let view::Point::Native(native) = &series.point {
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

/// The body of a 2.0 request. Names are any UTF-8. The hasher is for the texts, which come from outside.
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

/// The body of a 1.0 request. Its receivers may know the older names only, so others have their foreign characters
/// replaced by underscores.
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
            // A histogram is stale by its sum; the count tells a reader of 1.0 that it holds integers.
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use prost::Message;

    use super::super::testing::{self, each_kind, family, native, series, view};
    use super::*;
    use crate::outbox::Outbox;

    /// The schemas once more, for prost, which shares no code with the writer.
    mod schema {
        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Request {
            #[prost(string, repeated, tag = "4")]
            pub(super) symbols: Vec<String>,
            #[prost(message, repeated, tag = "5")]
            pub(super) timeseries: Vec<TimeSeries2>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct TimeSeries2 {
            #[prost(uint32, repeated, tag = "1")]
            pub(super) labels_refs: Vec<u32>,
            #[prost(message, repeated, tag = "2")]
            pub(super) samples: Vec<Sample>,
            #[prost(message, repeated, tag = "3")]
            pub(super) histograms: Vec<Histogram>,
            #[prost(message, repeated, tag = "4")]
            pub(super) exemplars: Vec<Exemplar2>,
            #[prost(message, optional, tag = "5")]
            pub(super) metadata: Option<Metadata2>,
            #[prost(int64, tag = "6")]
            pub(super) created_timestamp: i64,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Exemplar2 {
            #[prost(uint32, repeated, tag = "1")]
            pub(super) labels_refs: Vec<u32>,
            #[prost(double, tag = "2")]
            pub(super) value: f64,
            #[prost(int64, tag = "3")]
            pub(super) timestamp: i64,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Metadata2 {
            #[prost(int32, tag = "1")]
            pub(super) kind: i32,
            #[prost(uint32, tag = "3")]
            pub(super) help_ref: u32,
            #[prost(uint32, tag = "4")]
            pub(super) unit_ref: u32,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct WriteRequest {
            #[prost(message, repeated, tag = "1")]
            pub(super) timeseries: Vec<TimeSeries1>,
            #[prost(message, repeated, tag = "3")]
            pub(super) metadata: Vec<MetricMetadata>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct TimeSeries1 {
            #[prost(message, repeated, tag = "1")]
            pub(super) labels: Vec<Label>,
            #[prost(message, repeated, tag = "2")]
            pub(super) samples: Vec<Sample>,
            #[prost(message, repeated, tag = "3")]
            pub(super) exemplars: Vec<Exemplar1>,
            #[prost(message, repeated, tag = "4")]
            pub(super) histograms: Vec<Histogram>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Label {
            #[prost(string, tag = "1")]
            pub(super) name: String,
            #[prost(string, tag = "2")]
            pub(super) value: String,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Exemplar1 {
            #[prost(message, repeated, tag = "1")]
            pub(super) labels: Vec<Label>,
            #[prost(double, tag = "2")]
            pub(super) value: f64,
            #[prost(int64, tag = "3")]
            pub(super) timestamp: i64,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct MetricMetadata {
            #[prost(int32, tag = "1")]
            pub(super) kind: i32,
            #[prost(string, tag = "2")]
            pub(super) metric_family_name: String,
            #[prost(string, tag = "4")]
            pub(super) help: String,
            #[prost(string, tag = "5")]
            pub(super) unit: String,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Sample {
            #[prost(double, tag = "1")]
            pub(super) value: f64,
            #[prost(int64, tag = "2")]
            pub(super) timestamp: i64,
            #[prost(int64, tag = "3")]
            pub(super) start_timestamp: i64,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Histogram {
            #[prost(uint64, optional, tag = "1")]
            pub(super) count_int: Option<u64>,
            #[prost(double, tag = "3")]
            pub(super) sum: f64,
            #[prost(sint32, tag = "4")]
            pub(super) schema: i32,
            #[prost(double, tag = "5")]
            pub(super) zero_threshold: f64,
            #[prost(uint64, optional, tag = "6")]
            pub(super) zero_count_int: Option<u64>,
            #[prost(message, repeated, tag = "8")]
            pub(super) negative_spans: Vec<BucketSpan>,
            #[prost(sint64, repeated, tag = "9")]
            pub(super) negative_deltas: Vec<i64>,
            #[prost(message, repeated, tag = "11")]
            pub(super) positive_spans: Vec<BucketSpan>,
            #[prost(sint64, repeated, tag = "12")]
            pub(super) positive_deltas: Vec<i64>,
            #[prost(int64, tag = "15")]
            pub(super) timestamp: i64,
            #[prost(int64, tag = "17")]
            pub(super) start_timestamp: i64,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct BucketSpan {
            #[prost(sint32, tag = "1")]
            pub(super) offset: i32,
            #[prost(uint32, tag = "2")]
            pub(super) length: u32,
        }
    }

    const NOW: u64 = 1_700_000_002_345;

    fn outbox(families: &[testing::Family], further: &[(&str, &str)]) -> Outbox {
        let mut outbox = Outbox::new(FixedState::with_seed(1));
        outbox.add(&view(families), further, NOW);
        outbox
    }

    fn request_2(outbox: &Outbox) -> schema::Request {
        schema::Request::decode(&*encode_2(&outbox.first(usize::MAX), outbox.hasher())).unwrap()
    }

    fn request_1(outbox: &Outbox) -> schema::WriteRequest {
        schema::WriteRequest::decode(&*encode_1(&outbox.first(usize::MAX))).unwrap()
    }

    type Named = Vec<(String, String)>;

    fn labels_2(request: &schema::Request, refs: &[u32]) -> Named {
        let symbol = |reference: &u32| request.symbols[*reference as usize].clone();
        refs.chunks(2).map(|pair| (symbol(&pair[0]), symbol(&pair[1]))).collect()
    }

    fn labels_1(labels: &[schema::Label]) -> Named {
        labels.iter().map(|label| (label.name.clone(), label.value.clone())).collect()
    }

    fn shown(labels: &Named) -> String {
        labels.iter().map(|(name, value)| format!("{name}={value} ")).collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn each_kind_is_written_as_a_scrape_would_store_it() {
        let request = request_2(&outbox(&each_kind(), &[("job", "j"), ("path", "not this")]));
        let written: Vec<_> = request
            .timeseries
            .iter()
            .flat_map(|series| {
                let labels = shown(&labels_2(&request, &series.labels_refs));
                let kind = series.metadata.as_ref().unwrap().kind;
                series.samples.iter().map(move |sample| {
                    assert_eq!(sample.timestamp, NOW as i64);
                    (labels.clone(), sample.value, kind)
                })
            })
            .collect();
        let expected = [
            ("__name__=bytes_total job=j path=/a\\b\n\"c\"", 3.0, 1),
            ("__name__=bytes_total job=j path=not this", 0.1, 1),
            ("__name__=gauge_ratio a=1 b=2 job=j path=not this", -0.0, 2),
            ("__name__=latency_seconds_bucket job=j le=0.0001 path=/", 0.0, 3),
            ("__name__=latency_seconds_bucket job=j le=1.0 path=/", 2.0, 3),
            ("__name__=latency_seconds_bucket job=j le=1e+06 path=/", 3.0, 3),
            ("__name__=latency_seconds_bucket job=j le=+Inf path=/", 4.0, 3),
            ("__name__=latency_seconds_sum job=j path=/", 2e6, 3),
            ("__name__=latency_seconds_count job=j path=/", 4.0, 3),
            ("__name__=state a=1 job=j path=not this state=off", 0.0, 7),
            ("__name__=state a=1 job=j path=not this state=on", 1.0, 7),
            ("__name__=summary job=j path=not this quantile=0.5", 0.25, 5),
            ("__name__=summary job=j path=not this quantile=1.0", f64::NAN, 5),
            ("__name__=summary_sum job=j path=not this", 0.5, 5),
            ("__name__=summary_count job=j path=not this", 2.0, 5),
            ("__name__=version_info job=j la.bel=1.2.3 path=not this", 1.0, 6),
        ];
        let exact = |(labels, value, kind): (String, f64, i32)| (labels, value.to_bits(), kind);
        let expected: Vec<_> =
            expected.into_iter().map(|(labels, value, kind)| (labels.to_owned(), value, kind)).collect();
        assert_eq!(
            written.into_iter().map(exact).collect::<Vec<_>>(),
            expected.into_iter().map(exact).collect::<Vec<_>>()
        );
        let first = &request.timeseries[0];
        let metadata = first.metadata.as_ref().unwrap();
        assert_eq!(request.symbols[metadata.help_ref as usize], "Say \"bytes\",\\ or\nnothing.");
        assert_eq!(request.symbols[metadata.unit_ref as usize], "bytes");
        assert_eq!((first.created_timestamp, first.samples[0].start_timestamp), (1_700_000_000_120, 1_700_000_000_120));
        assert_eq!(shown(&labels_2(&request, &first.exemplars[0].labels_refs)), "trace_id=x\"y");
        assert_eq!((first.exemplars[0].value, first.exemplars[0].timestamp), (0.5, 1_700_000_001_000));
        // An exemplar without a time has that of its value.
        assert_eq!(request.timeseries[4].exemplars[0].timestamp, NOW as i64);
    }

    #[test]
    fn a_native_histogram_is_one_histogram_in_both_versions() {
        let mut with_start = series(&[], testing::Point::Native(native(&[0.0, 1.5, 1.5, 3.0, 40.0, -0.3])));
        with_start.created_ms = Some(NOW - 1);
        let outbox = outbox(&[family("n", Kind::NativeHistogram, vec![with_start])], &[]);
        let (one, two) = (request_1(&outbox), request_2(&outbox));
        let mut expected = schema::Histogram {
            count_int: Some(6),
            sum: 45.7,
            zero_count_int: Some(1),
            negative_spans: vec![schema::BucketSpan { offset: -1, length: 1 }],
            negative_deltas: vec![1],
            positive_spans: vec![
                schema::BucketSpan { offset: 1, length: 2 },
                schema::BucketSpan { offset: 3, length: 1 },
            ],
            positive_deltas: vec![2, -1, 0],
            timestamp: NOW as i64,
            ..Default::default()
        };
        assert_eq!(one.timeseries[0].histograms, [expected.clone()]);
        expected.start_timestamp = NOW as i64 - 1;
        assert_eq!(two.timeseries[0].histograms, [expected]);
        assert!(one.timeseries[0].samples.is_empty() && two.timeseries[0].samples.is_empty());
    }

    #[test]
    fn a_receiver_of_1_0_gets_the_older_names_and_each_once() {
        let point = || testing::Point::Gauge(1.0);
        let labels = [("a.b", "dot"), ("a_b", "line"), ("ä", "x")];
        let outbox = outbox(&[family("my.gauge", Kind::Gauge, vec![series(&labels, point())])], &[]);
        let request = request_1(&outbox);
        assert_eq!(shown(&labels_1(&request.timeseries[0].labels)), "_=x __name__=my_gauge a_b=dot");
        assert_eq!(request.metadata[0].metric_family_name, "my_gauge");
        let request = request_2(&outbox);
        let labels = labels_2(&request, &request.timeseries[0].labels_refs);
        assert_eq!(shown(&labels), "__name__=my.gauge a.b=dot a_b=line ä=x");
    }

    #[test]
    fn a_stale_value_has_the_bits_that_prometheus_knows() {
        let families =
            [family("g", Kind::Gauge, vec![series(&[], testing::Point::Gauge(1.0))]), each_kind().swap_remove(3)];
        let mut outbox = outbox(&families, &[]);
        outbox.remove(usize::MAX);
        assert_eq!(outbox.end_all(NOW + 5), 2);
        let request = request_1(&outbox);
        let sample = &request.timeseries[0].samples[0];
        assert_eq!((sample.value.to_bits(), sample.timestamp), (0x7ff0_0000_0000_0002, NOW as i64 + 5));
        let histogram = &request.timeseries[1].histograms[0];
        assert_eq!((histogram.sum.to_bits(), histogram.count_int), (0x7ff0_0000_0000_0002, Some(0)));
    }

    #[test]
    fn of_two_labels_with_a_name_the_first_one_counts_and_empty_ones_do_not() {
        let mut key = vec![1, 2, 3];
        key_of(vec![("b", "1"), ("a", ""), ("b", "2"), ("a", "3")], &mut key);
        assert_eq!(labels_of(&key).collect::<Vec<_>>(), [("a", "3"), ("b", "1")]);
        key_of(Vec::new(), &mut key);
        assert_eq!(labels_of(&key).count(), 0);
    }

    proptest! {
        #[test]
        fn an_independent_reader_finds_each_value_once_and_bit_exact(families in testing::arbitrary()) {
            let further = [("job", "j"), ("xa", "external")];
            let outbox = outbox(&families, &further);
            let (one, two) = (request_1(&outbox), request_2(&outbox));

            prop_assert_eq!(two.symbols[0].as_str(), "");
            let distinct: BTreeSet<_> = two.symbols.iter().collect();
            prop_assert_eq!(distinct.len(), two.symbols.len());

            // What is to be written, made from the view by the rules of the samples alone.
            let mut expected: BTreeMap<Named, (u64, u64)> = BTreeMap::new();
            let mut exemplars = 0;
            for family in view(&families) {
                for series in &family.series {
                    let mut put = |suffix: &str, own: Option<(String, String)>, value: f64, count: u64| {
                        let mut labels: BTreeMap<_, _> = further.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
                        labels.extend(series.labels.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| (n.to_string(), v.to_string())));
                        labels.extend(own.filter(|(_, value)| !value.is_empty()));
                        labels.insert("__name__".into(), format!("{}{suffix}", family.name));
                        expected.entry(labels.into_iter().collect()).or_insert((value.to_bits(), count));
                    };
                    if let view::Point::Native(native) = &series.point {
                        put("", None, native.sum(), native.count());
                        continue;
                    }
                    samples::each(series, &mut |sample| {
                        let canonical = |number| {
                            let mut text = Vec::new();
                            write_canonical(number, &mut text);
                            String::from_utf8(text).unwrap()
                        };
                        let own = match sample.own {
                            Own::None => None,
                            Own::Bound(bound) => Some(("le".to_owned(), canonical(bound))),
                            Own::Rank(rank) => Some(("quantile".to_owned(), canonical(rank))),
                            Own::State(state) => Some((family.name.to_owned(), state.to_owned())),
                        };
                        let value = match sample.value { Number::Float(value) => value, Number::Count(count) => count as f64 };
                        exemplars += usize::from(sample.exemplar.is_some());
                        put(sample.suffix, own, value, u64::MAX);
                    });
                }
            }

            let mut written: BTreeMap<Named, (u64, u64)> = BTreeMap::new();
            let mut found_exemplars = 0;
            for series in &two.timeseries {
                let labels = labels_2(&two, &series.labels_refs);
                prop_assert!(labels.is_sorted_by(|a, b| a.0 < b.0), "{:?}", labels);
                prop_assert!(labels.iter().all(|(_, value)| !value.is_empty()));
                prop_assert_eq!(series.samples.len() + series.histograms.len(), 1);
                found_exemplars += series.exemplars.len();
                let value = match (series.samples.first(), series.histograms.first()) {
                    (Some(sample), _) => (sample.value.to_bits(), u64::MAX),
                    (_, Some(histogram)) => (histogram.sum.to_bits(), histogram.count_int.unwrap()),
                    _ => unreachable!(),
                };
                prop_assert!(written.insert(labels, value).is_none());
            }
            prop_assert_eq!(&written, &expected);
            prop_assert!(found_exemplars <= exemplars);

            // 1.0 says the same of each series, save for foreign characters in names.
            prop_assert_eq!(one.timeseries.len(), two.timeseries.len());
            for (a, b) in one.timeseries.iter().zip(&two.timeseries) {
                let labels = labels_1(&a.labels);
                prop_assert!(labels.is_sorted_by(|a, b| a.0 < b.0), "{:?}", labels);
                let bits = |samples: &[schema::Sample]| samples.iter().map(|s| (s.value.to_bits(), s.timestamp)).collect::<Vec<_>>();
                prop_assert_eq!(bits(&a.samples), bits(&b.samples));
                prop_assert_eq!(a.exemplars.len(), b.exemplars.len());
                for (a, b) in a.histograms.iter().zip(&b.histograms) {
                    prop_assert_eq!(&a.positive_deltas, &b.positive_deltas);
                    prop_assert_eq!(&a.negative_spans, &b.negative_spans);
                }
            }
            let histograms: usize = one.timeseries.iter().map(|series| series.histograms.len()).sum();
            prop_assert_eq!(histograms, expected.values().filter(|(_, count)| *count != u64::MAX).count());
        }
    }
}
