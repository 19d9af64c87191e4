//! Delimited protobuf: for each family, its length as a varint followed by an
//! `io.prometheus.client.MetricFamily`. The only exposition format for native histogram buckets.
//!
//! Hand-written, since a few messages do not justify a code generator. Field numbers and wire types
//! (v: varint, z: zigzag varint, d: 8 bytes, s: length and bytes), as in prometheus/client_model's
//! `metrics.proto`:
//!
//! | message | fields |
//! |---|---|
//! | MetricFamily | 1 name s, 2 help s, 3 type v (0 counter, 1 gauge, 2 summary, 3 untyped, 4 histogram, 5 gauge histogram), 4 metric s, 5 unit s |
//! | Metric | 1 label s, 2 gauge s, 3 counter s, 4 summary s, 5 untyped s, 7 histogram s |
//! | LabelPair | 1 name s, 2 value s |
//! | Gauge, Untyped | 1 value d |
//! | Counter | 1 value d, 2 exemplar s, 3 created_timestamp s |
//! | Summary | 1 sample_count v, 2 sample_sum d, 3 quantile s, 4 created_timestamp s |
//! | Quantile | 1 quantile d, 2 value d |
//! | Histogram | 1 sample_count v, 2 sample_sum d, 3 bucket s, 5 schema z, 6 zero_threshold d, 7 zero_count v, 9 negative_span s, 10 negative_delta z, 12 positive_span s, 13 positive_delta z, 15 created_timestamp s, 16 exemplar s |
//! | Bucket | 1 cumulative_count v, 2 upper_bound d, 3 exemplar s |
//! | BucketSpan | 1 offset z, 2 length v |
//! | Exemplar | 1 label s, 2 value d, 3 timestamp s |
//! | Timestamp | 1 seconds v, 2 nanos v |
//!
//! Info and state sets are gauges, since the schema has no type for them; as in text, a state is a
//! label named after the family. Fields are written even if zero (proto2 distinguishes zero from
//! absent), help only if there is one, and the unit only if the escaped name ends with it (before
//! `_total` for counters), since Prometheus rejects other units. Deltas are packed: decoders must
//! accept either form, and packed is shorter.

use super::escaping::Escaping;
use super::samples;
use super::wire::{close, double, open, open_field, signed, text, unsigned, varint, zigzag};
use crate::model::{Exemplar, Family, Point, Series};
use crate::registry::Kind;
use crate::registry::native::{EncodedBuckets, NativeHistogram};

/// For `Content-Type`, without the escaping.
pub const CONTENT_TYPE: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// Appends one delimited message per family.
pub fn encode(families: &[Family], escaping: Escaping, out: &mut Vec<u8>) {
    for family in families {
        let message = open(out);
        write_family(family, escaping, out);
        close(message, out);
    }
}

fn write_family(family: &Family, escaping: Escaping, out: &mut Vec<u8>) {
    let name = escaping.metric_name(family.name);
    text(1, &name, out);
    if !family.help.is_empty() {
        text(2, family.help, out);
    }
    let kind = match family.kind {
        Kind::Counter => 0,
        Kind::Gauge | Kind::Info | Kind::StateSet => 1,
        Kind::Summary => 2,
        Kind::Unknown => 3,
        Kind::Histogram | Kind::NativeHistogram => 4,
        Kind::GaugeHistogram => 5,
    };
    unsigned(3, kind, out);
    for series in &family.series {
        match &series.point {
            Point::StateSet(states) => {
                for (state, on) in *states {
                    let metric = open_field(4, out);
                    write_labels(series, escaping, out);
                    write_label(&escaping.label_name(family.name), state, out);
                    write_gauge(f64::from(u8::from(*on)), out);
                    close(metric, out);
                }
            }
            _ => {
                let metric = open_field(4, out);
                write_labels(series, escaping, out);
                write_point(family.kind, series, escaping, out);
                close(metric, out);
            }
        }
    }
    let base = if family.kind == Kind::Counter { name.strip_suffix("_total") } else { None };
    if samples::ends_with_unit(base.unwrap_or(&name), family.unit) {
        text(5, family.unit, out);
    }
}

fn write_labels(series: &Series, escaping: Escaping, out: &mut Vec<u8>) {
    for (name, value) in &series.labels {
        write_label(&escaping.label_name(name), value, out);
    }
}

fn write_point(kind: Kind, series: &Series, escaping: Escaping, out: &mut Vec<u8>) {
    let created =
        |field, out: &mut Vec<u8>| series.created_ms.into_iter().for_each(|ms| write_timestamp(field, ms, out));
    match &series.point {
        Point::Counter { total, exemplar } => {
            let counter = open_field(3, out);
            double(1, *total, out);
            exemplar.iter().for_each(|exemplar| write_exemplar(2, exemplar, escaping, out));
            created(3, out);
            close(counter, out);
        }
        Point::Gauge(value) if kind == Kind::Unknown => {
            let untyped = open_field(5, out);
            double(1, *value, out);
            close(untyped, out);
        }
        Point::Gauge(value) => write_gauge(*value, out),
        Point::Info | Point::StateSet(_) => write_gauge(1.0, out),
        Point::Histogram { bounds, counts, sum, exemplars } => {
            let histogram = open_field(7, out);
            unsigned(1, counts.iter().sum(), out);
            double(2, *sum, out);
            samples::buckets(bounds, counts, exemplars).for_each(|bucket| write_bucket(bucket, escaping, out));
            created(15, out);
            close(histogram, out);
        }
        Point::Native(native) => {
            let histogram = open_field(7, out);
            write_native(native, out);
            if native.classic.is_some() {
                native.classic_buckets().for_each(|bucket| write_bucket(bucket, escaping, out));
            }
            created(15, out);
            native.exemplars.iter().for_each(|exemplar| write_exemplar(16, exemplar, escaping, out));
            close(histogram, out);
        }
        Point::Summary { quantiles, sum, count } => {
            let summary = open_field(4, out);
            unsigned(1, *count, out);
            double(2, *sum, out);
            for (rank, value) in quantiles {
                let quantile = open_field(3, out);
                double(1, *rank, out);
                double(2, *value, out);
                close(quantile, out);
            }
            created(4, out);
            close(summary, out);
        }
    }
}

/// Appends a classic bucket: its bound, cumulative count and exemplar.
fn write_bucket((bound, below, exemplar): (f64, u64, Option<&Exemplar>), escaping: Escaping, out: &mut Vec<u8>) {
    let bucket = open_field(3, out);
    unsigned(1, below, out);
    double(2, bound, out);
    exemplar.into_iter().for_each(|exemplar| write_exemplar(3, exemplar, escaping, out));
    close(bucket, out);
}

fn write_native(native: &NativeHistogram, out: &mut Vec<u8>) {
    unsigned(1, native.count(), out);
    double(2, native.sum(), out);
    signed(5, i64::from(native.schema()), out);
    double(6, native.zero_threshold(), out);
    unsigned(7, native.zero_count(), out);
    // An empty native histogram gets an empty positive span to distinguish it from a classic
    // histogram.
    let (positive, negative) = native.spans_and_deltas();
    write_buckets(9, 10, &negative, out);
    write_buckets(12, 13, &positive, out);
}

fn write_buckets(span_field: u32, delta_field: u32, buckets: &EncodedBuckets, out: &mut Vec<u8>) {
    for span in &buckets.spans {
        let message = open_field(span_field, out);
        signed(1, i64::from(span.offset), out);
        unsigned(2, u64::from(span.length), out);
        close(message, out);
    }
    if !buckets.deltas.is_empty() {
        let packed = open_field(delta_field, out);
        buckets.deltas.iter().for_each(|delta| varint(zigzag(*delta), out));
        close(packed, out);
    }
}

fn write_exemplar(field: u32, exemplar: &Exemplar, escaping: Escaping, out: &mut Vec<u8>) {
    let message = open_field(field, out);
    for (name, value) in &exemplar.labels {
        write_label(&escaping.label_name(name), value, out);
    }
    double(2, exemplar.value, out);
    exemplar.unix_ms.iter().for_each(|unix_ms| write_timestamp(3, *unix_ms, out));
    close(message, out);
}

/// Labels are field 1 of both metrics and exemplars.
fn write_label(name: &str, value: &str, out: &mut Vec<u8>) {
    let pair = open_field(1, out);
    text(1, name, out);
    text(2, value, out);
    close(pair, out);
}

fn write_gauge(value: f64, out: &mut Vec<u8>) {
    let gauge = open_field(2, out);
    double(1, value, out);
    close(gauge, out);
}

fn write_timestamp(field: u32, milliseconds: u64, out: &mut Vec<u8>) {
    let message = open_field(field, out);
    unsigned(1, milliseconds / 1000, out);
    unsigned(2, milliseconds % 1000 * 1_000_000, out);
    close(message, out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::super::testing::{self, each_kind, family, native, series, view};
    use super::*;

    /// The schema for prost, which shares no code with the encoder.
    mod schema {
        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct MetricFamily {
            #[prost(string, optional, tag = "1")]
            pub(super) name: Option<String>,
            #[prost(string, optional, tag = "2")]
            pub(super) help: Option<String>,
            #[prost(int32, optional, tag = "3")]
            pub(super) kind: Option<i32>,
            #[prost(message, repeated, tag = "4")]
            pub(super) metric: Vec<Metric>,
            #[prost(string, optional, tag = "5")]
            pub(super) unit: Option<String>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Metric {
            #[prost(message, repeated, tag = "1")]
            pub(super) label: Vec<LabelPair>,
            #[prost(message, optional, tag = "2")]
            pub(super) gauge: Option<Gauge>,
            #[prost(message, optional, tag = "3")]
            pub(super) counter: Option<Counter>,
            #[prost(message, optional, tag = "4")]
            pub(super) summary: Option<Summary>,
            #[prost(message, optional, tag = "5")]
            pub(super) untyped: Option<Gauge>,
            #[prost(message, optional, tag = "7")]
            pub(super) histogram: Option<Histogram>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct LabelPair {
            #[prost(string, optional, tag = "1")]
            pub(super) name: Option<String>,
            #[prost(string, optional, tag = "2")]
            pub(super) value: Option<String>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Gauge {
            #[prost(double, optional, tag = "1")]
            pub(super) value: Option<f64>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Counter {
            #[prost(double, optional, tag = "1")]
            pub(super) value: Option<f64>,
            #[prost(message, optional, tag = "2")]
            pub(super) exemplar: Option<Exemplar>,
            #[prost(message, optional, tag = "3")]
            pub(super) created_timestamp: Option<Timestamp>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Summary {
            #[prost(uint64, optional, tag = "1")]
            pub(super) sample_count: Option<u64>,
            #[prost(double, optional, tag = "2")]
            pub(super) sample_sum: Option<f64>,
            #[prost(message, repeated, tag = "3")]
            pub(super) quantile: Vec<Quantile>,
            #[prost(message, optional, tag = "4")]
            pub(super) created_timestamp: Option<Timestamp>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Quantile {
            #[prost(double, optional, tag = "1")]
            pub(super) quantile: Option<f64>,
            #[prost(double, optional, tag = "2")]
            pub(super) value: Option<f64>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Histogram {
            #[prost(uint64, optional, tag = "1")]
            pub(super) sample_count: Option<u64>,
            #[prost(double, optional, tag = "2")]
            pub(super) sample_sum: Option<f64>,
            #[prost(message, repeated, tag = "3")]
            pub(super) bucket: Vec<Bucket>,
            #[prost(sint32, optional, tag = "5")]
            pub(super) schema: Option<i32>,
            #[prost(double, optional, tag = "6")]
            pub(super) zero_threshold: Option<f64>,
            #[prost(uint64, optional, tag = "7")]
            pub(super) zero_count: Option<u64>,
            #[prost(message, repeated, tag = "9")]
            pub(super) negative_span: Vec<BucketSpan>,
            #[prost(sint64, repeated, tag = "10")]
            pub(super) negative_delta: Vec<i64>,
            #[prost(message, repeated, tag = "12")]
            pub(super) positive_span: Vec<BucketSpan>,
            #[prost(sint64, repeated, tag = "13")]
            pub(super) positive_delta: Vec<i64>,
            #[prost(message, optional, tag = "15")]
            pub(super) created_timestamp: Option<Timestamp>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Bucket {
            #[prost(uint64, optional, tag = "1")]
            pub(super) cumulative_count: Option<u64>,
            #[prost(double, optional, tag = "2")]
            pub(super) upper_bound: Option<f64>,
            #[prost(message, optional, tag = "3")]
            pub(super) exemplar: Option<Exemplar>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct BucketSpan {
            #[prost(sint32, optional, tag = "1")]
            pub(super) offset: Option<i32>,
            #[prost(uint32, optional, tag = "2")]
            pub(super) length: Option<u32>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Exemplar {
            #[prost(message, repeated, tag = "1")]
            pub(super) label: Vec<LabelPair>,
            #[prost(double, optional, tag = "2")]
            pub(super) value: Option<f64>,
            #[prost(message, optional, tag = "3")]
            pub(super) timestamp: Option<Timestamp>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Timestamp {
            #[prost(int64, optional, tag = "1")]
            pub(super) seconds: Option<i64>,
            #[prost(int32, optional, tag = "2")]
            pub(super) nanos: Option<i32>,
        }
    }

    fn decoded(families: &[testing::OwnedFamily], escaping: Escaping) -> Vec<schema::MetricFamily> {
        let mut out = Vec::new();
        encode(&view(families), escaping, &mut out);
        let mut rest = out.as_slice();
        let mut read = Vec::new();
        while !rest.is_empty() {
            read.push(schema::MetricFamily::decode_length_delimited(&mut rest).unwrap());
        }
        read
    }

    fn pairs(labels: &[schema::LabelPair]) -> Vec<(&str, &str)> {
        labels.iter().map(|pair| (pair.name.as_deref().unwrap(), pair.value.as_deref().unwrap())).collect()
    }

    #[test]
    fn a_gauge_has_the_expected_bytes() {
        let families = [family("g", Kind::Gauge, vec![series(&[("a", "b")], testing::Point::Gauge(1.0))])];
        let mut out = Vec::new();
        encode(&view(&families), Escaping::AllowUtf8, &mut out);
        let before_value = b"\x1a\x0a\x01g\x18\x01\x22\x13\x0a\x06\x0a\x01a\x12\x01b\x12\x09\x09";
        assert_eq!(out, [&before_value[..], &1.0_f64.to_le_bytes()].concat());
    }

    #[test]
    fn every_kind_matches_the_schema() {
        let read = decoded(&each_kind(), Escaping::AllowUtf8);
        let created = Some(schema::Timestamp { seconds: Some(1_700_000_000), nanos: Some(120_000_000) });
        let heads: Vec<_> = read.iter().map(|family| (family.name.as_deref().unwrap(), family.kind.unwrap())).collect();
        assert_eq!(
            heads,
            [
                ("bytes_total", 0),
                ("gauge_ratio", 1),
                ("latency_seconds", 4),
                ("my.native", 4),
                ("state", 1),
                ("summary", 2),
                ("version_info", 1)
            ]
        );
        assert_eq!(read[0].help.as_deref(), Some("Say \"bytes\",\\ or\nnothing."));
        assert_eq!(read[2].unit.as_deref(), Some("seconds"));
        assert_eq!((&read[1].help, &read[1].unit), (&None, &None));

        let counter = read[0].metric[0].counter.as_ref().unwrap();
        let exemplar = counter.exemplar.as_ref().unwrap();
        assert_eq!((counter.value, &counter.created_timestamp), (Some(3.0), &created));
        assert_eq!((pairs(&exemplar.label), exemplar.value), (vec![("trace_id", "x\"y")], Some(0.5)));
        assert_eq!(exemplar.timestamp, Some(schema::Timestamp { seconds: Some(1_700_000_001), nanos: Some(0) }));
        assert_eq!(pairs(&read[0].metric[0].label), [("code", ""), ("path", "/a\\b\n\"c\"")]);

        let gauge = read[1].metric[0].gauge.as_ref().unwrap();
        assert_eq!(gauge.value.unwrap().to_bits(), (-0.0_f64).to_bits());

        let histogram = read[2].metric[0].histogram.as_ref().unwrap();
        assert_eq!((histogram.sample_count, histogram.sample_sum), (Some(4), Some(2e6)));
        assert_eq!(histogram.created_timestamp, created);
        let buckets: Vec<_> = histogram
            .bucket
            .iter()
            .map(|bucket| (bucket.upper_bound.unwrap(), bucket.cumulative_count.unwrap()))
            .collect();
        assert_eq!(buckets, [(0.0001, 0), (1.0, 2), (1e6, 3), (f64::INFINITY, 4)]);
        let exemplars: Vec<_> = histogram.bucket.iter().map(|bucket| bucket.exemplar.as_ref()).collect();
        let exemplar = schema::Exemplar { label: vec![], value: Some(0.25), timestamp: None };
        assert_eq!(exemplars, [None, Some(&exemplar), None, None]);
        assert_eq!(histogram.schema, None);

        let native = read[3].metric[0].histogram.as_ref().unwrap();
        assert_eq!((native.sample_count, native.sample_sum, native.schema), (Some(5), Some(46.0), Some(0)));
        assert_eq!((native.zero_threshold, native.zero_count), (Some(0.0), Some(1)));
        let spans: Vec<_> =
            native.positive_span.iter().map(|span| (span.offset.unwrap(), span.length.unwrap())).collect();
        assert_eq!((spans, native.positive_delta.as_slice()), (vec![(1, 2), (3, 1)], &[2, -1, 0][..]));
        assert!(native.negative_span.is_empty() && native.negative_delta.is_empty() && native.bucket.is_empty());
        assert_eq!(native.created_timestamp, created);

        let states: Vec<_> =
            read[4].metric.iter().map(|metric| (pairs(&metric.label), metric.gauge.as_ref().unwrap().value)).collect();
        assert_eq!(
            states,
            [(vec![("a", "1"), ("state", "off")], Some(0.0)), (vec![("a", "1"), ("state", "on")], Some(1.0))]
        );

        let summary = read[5].metric[0].summary.as_ref().unwrap();
        assert_eq!((summary.sample_count, summary.sample_sum), (Some(2), Some(0.5)));
        assert_eq!((summary.quantile[0].quantile, summary.quantile[0].value), (Some(0.5), Some(0.25)));
        assert!(summary.quantile[1].value.unwrap().is_nan());
        assert_eq!(summary.created_timestamp, created);

        assert_eq!(pairs(&read[6].metric[0].label), [("la.bel", "1.2.3")]);
        assert_eq!(read[6].metric[0].gauge.as_ref().unwrap().value, Some(1.0));
    }

    #[test]
    fn an_empty_native_histogram_has_an_empty_span() {
        let families = [family("n", Kind::NativeHistogram, vec![series(&[], testing::Point::Native(native(&[])))])];
        let read = decoded(&families, Escaping::AllowUtf8);
        let histogram = read[0].metric[0].histogram.as_ref().unwrap();
        assert_eq!(histogram.positive_span, [schema::BucketSpan { offset: Some(0), length: Some(0) }]);
        assert_eq!((histogram.sample_count, histogram.zero_threshold), (Some(0), Some(0.0)));
    }

    #[test]
    fn negative_observations_have_separate_spans() {
        let point = testing::Point::Native(native(&[-0.3, -5.0, 1.0]));
        let read = decoded(&[family("n", Kind::NativeHistogram, vec![series(&[], point)])], Escaping::AllowUtf8);
        let histogram = read[0].metric[0].histogram.as_ref().unwrap();
        let spans: Vec<_> =
            histogram.negative_span.iter().map(|span| (span.offset.unwrap(), span.length.unwrap())).collect();
        assert_eq!((spans, histogram.negative_delta.as_slice()), (vec![(-1, 1), (3, 1)], &[1, 0][..]));
        assert_eq!(histogram.positive_delta, [1]);
    }

    #[test]
    fn a_unit_that_is_not_a_suffix_of_the_name_is_omitted() {
        for (name, escaping, unit) in [
            ("sent_bytes_total", Escaping::AllowUtf8, Some("bytes")),
            ("sent_bytes", Escaping::AllowUtf8, Some("bytes")),
            ("bytes_total", Escaping::AllowUtf8, None),
            ("sentbytes_total", Escaping::AllowUtf8, None),
            ("a.sent_bytes_total", Escaping::Values, None),
        ] {
            let mut families = [family(name, Kind::Counter, vec![series(&[], testing::Point::Counter(1.0, None))])];
            families[0].unit = "bytes".into();
            assert_eq!(decoded(&families, escaping)[0].unit.as_deref(), unit, "{name}");
        }
    }

    #[test]
    fn names_are_escaped_on_request() {
        let read = decoded(&each_kind(), Escaping::Underscores);
        assert_eq!(read[3].name.as_deref(), Some("my_native"));
        assert_eq!(pairs(&read[6].metric[0].label), [("la_bel", "1.2.3")]);
    }

    #[test]
    fn lengths_of_any_size_are_written() {
        for size in [0, 1, 100, 127, 128, 129, 16_000, 16_383, 16_384, 3_000_000] {
            let mut families = [family("g", Kind::Gauge, vec![series(&[("a", "")], testing::Point::Gauge(1.0))])];
            families[0].series[0].labels[0].1 = "x".repeat(size);
            let read = decoded(&families, Escaping::AllowUtf8);
            assert_eq!(pairs(&read[0].metric[0].label)[0].1.len(), size);
        }
    }

    proptest! {
        #[test]
        fn an_independent_decoder_finds_everything(families in testing::arbitrary()) {
            for (read, family) in decoded(&families, Escaping::AllowUtf8).iter().zip(view(&families)) {
                prop_assert_eq!(read.name.as_deref(), Some(family.name));
                prop_assert_eq!(read.help.as_deref().unwrap_or_default(), family.help);
                prop_assert!(read.unit.as_deref().is_none_or(|unit| unit == family.unit));
                let mut metrics = read.metric.iter();
                for series in &family.series {
                    // A state set has one metric per state; every other series is one metric.
                    let metric = metrics.next().unwrap();
                    prop_assert_eq!(&pairs(&metric.label)[..series.labels.len()], &series.labels[..]);
                    let same = |read: Option<f64>, value: f64| read.unwrap().to_bits() == value.to_bits();
                    match &series.point {
                        Point::Counter { total, exemplar } => {
                            let counter = metric.counter.as_ref().unwrap();
                            prop_assert!(same(counter.value, *total));
                            prop_assert_eq!(counter.exemplar.is_some(), exemplar.is_some());
                        }
                        Point::Gauge(value) if family.kind == Kind::Unknown => {
                            prop_assert!(same(metric.untyped.as_ref().unwrap().value, *value));
                        }
                        Point::Gauge(value) => prop_assert!(same(metric.gauge.as_ref().unwrap().value, *value)),
                        Point::Info => prop_assert!(same(metric.gauge.as_ref().unwrap().value, 1.0)),
                        Point::StateSet(states) => {
                            states.iter().skip(1).for_each(|_| assert!(metrics.next().unwrap().gauge.is_some()));
                        }
                        Point::Histogram { bounds, counts, sum, .. } => {
                            let histogram = metric.histogram.as_ref().unwrap();
                            prop_assert!(same(histogram.sample_sum, *sum));
                            prop_assert_eq!(histogram.sample_count, Some(counts.iter().sum()));
                            prop_assert_eq!(histogram.bucket.len(), bounds.len() + 1);
                            prop_assert_eq!(histogram.bucket.last().unwrap().cumulative_count, histogram.sample_count);
                        }
                        Point::Native(native) => {
                            let histogram = metric.histogram.as_ref().unwrap();
                            let (positive, negative) = native.spans_and_deltas();
                            prop_assert!(same(histogram.sample_sum, native.sum()));
                            prop_assert_eq!(histogram.sample_count, Some(native.count()));
                            prop_assert_eq!(&histogram.positive_delta, &positive.deltas);
                            prop_assert_eq!(&histogram.negative_delta, &negative.deltas);
                            let covered = histogram.positive_span.iter().map(|span| span.length.unwrap() as usize).sum::<usize>();
                            prop_assert_eq!(covered, positive.deltas.len());
                        }
                        Point::Summary { quantiles, sum, count } => {
                            let summary = metric.summary.as_ref().unwrap();
                            prop_assert!(same(summary.sample_sum, *sum));
                            prop_assert_eq!(summary.sample_count, Some(*count));
                            for (read, (rank, value)) in summary.quantile.iter().zip(quantiles) {
                                prop_assert!(same(read.quantile, *rank) && same(read.value, *value));
                            }
                            prop_assert_eq!(summary.quantile.len(), quantiles.len());
                        }
                    }
                }
                prop_assert!(metrics.next().is_none());
            }
        }
    }
}
