use proptest::prelude::*;
use prost::Message;

use super::super::testing::{self, each_kind, family, native, series, view};
use super::*;

/// The schema for prost, which shares no code with the encoder.
mod schema {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ExportMetricsServiceRequest {
        #[prost(message, repeated, tag = "1")]
        pub(super) resource_metrics: Vec<ResourceMetrics>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ResourceMetrics {
        #[prost(message, optional, tag = "1")]
        pub(super) resource: Option<Resource>,
        #[prost(message, repeated, tag = "2")]
        pub(super) scope_metrics: Vec<ScopeMetrics>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Resource {
        #[prost(message, repeated, tag = "1")]
        pub(super) attributes: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct KeyValue {
        #[prost(string, tag = "1")]
        pub(super) key: String,
        #[prost(message, optional, tag = "2")]
        pub(super) value: Option<AnyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct AnyValue {
        #[prost(string, optional, tag = "1")]
        pub(super) string_value: Option<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ScopeMetrics {
        #[prost(message, optional, tag = "1")]
        pub(super) scope: Option<Scope>,
        #[prost(message, repeated, tag = "2")]
        pub(super) metrics: Vec<Metric>,
        #[prost(string, tag = "3")]
        pub(super) schema_url: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Scope {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(string, tag = "2")]
        pub(super) version: String,
        #[prost(message, repeated, tag = "3")]
        pub(super) attributes: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Metric {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(string, tag = "2")]
        pub(super) description: String,
        #[prost(string, tag = "3")]
        pub(super) unit: String,
        #[prost(message, optional, tag = "5")]
        pub(super) gauge: Option<Numbers>,
        #[prost(message, optional, tag = "7")]
        pub(super) sum: Option<Numbers>,
        #[prost(message, optional, tag = "9")]
        pub(super) histogram: Option<Histogram>,
        #[prost(message, optional, tag = "10")]
        pub(super) exponential_histogram: Option<ExponentialHistogram>,
        #[prost(message, optional, tag = "11")]
        pub(super) summary: Option<Summary>,
        #[prost(message, repeated, tag = "12")]
        pub(super) metadata: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Numbers {
        #[prost(message, repeated, tag = "1")]
        pub(super) data_points: Vec<NumberDataPoint>,
        #[prost(int32, tag = "2")]
        pub(super) aggregation_temporality: i32,
        #[prost(bool, tag = "3")]
        pub(super) is_monotonic: bool,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct NumberDataPoint {
        #[prost(fixed64, tag = "2")]
        pub(super) start_time_unix_nano: u64,
        #[prost(fixed64, tag = "3")]
        pub(super) time_unix_nano: u64,
        #[prost(double, optional, tag = "4")]
        pub(super) as_double: Option<f64>,
        #[prost(message, repeated, tag = "5")]
        pub(super) exemplars: Vec<Exemplar>,
        #[prost(message, repeated, tag = "7")]
        pub(super) attributes: Vec<KeyValue>,
        #[prost(uint32, tag = "8")]
        pub(super) flags: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Exemplar {
        #[prost(fixed64, tag = "2")]
        pub(super) time_unix_nano: u64,
        #[prost(double, optional, tag = "3")]
        pub(super) as_double: Option<f64>,
        #[prost(bytes = "vec", tag = "4")]
        pub(super) span_id: Vec<u8>,
        #[prost(bytes = "vec", tag = "5")]
        pub(super) trace_id: Vec<u8>,
        #[prost(message, repeated, tag = "7")]
        pub(super) filtered_attributes: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Histogram {
        #[prost(message, repeated, tag = "1")]
        pub(super) data_points: Vec<HistogramDataPoint>,
        #[prost(int32, tag = "2")]
        pub(super) aggregation_temporality: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct HistogramDataPoint {
        #[prost(fixed64, tag = "2")]
        pub(super) start_time_unix_nano: u64,
        #[prost(fixed64, tag = "3")]
        pub(super) time_unix_nano: u64,
        #[prost(fixed64, tag = "4")]
        pub(super) count: u64,
        #[prost(double, optional, tag = "5")]
        pub(super) sum: Option<f64>,
        #[prost(fixed64, repeated, tag = "6")]
        pub(super) bucket_counts: Vec<u64>,
        #[prost(double, repeated, tag = "7")]
        pub(super) explicit_bounds: Vec<f64>,
        #[prost(message, repeated, tag = "8")]
        pub(super) exemplars: Vec<Exemplar>,
        #[prost(message, repeated, tag = "9")]
        pub(super) attributes: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ExponentialHistogram {
        #[prost(message, repeated, tag = "1")]
        pub(super) data_points: Vec<ExponentialHistogramDataPoint>,
        #[prost(int32, tag = "2")]
        pub(super) aggregation_temporality: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ExponentialHistogramDataPoint {
        #[prost(message, repeated, tag = "1")]
        pub(super) attributes: Vec<KeyValue>,
        #[prost(fixed64, tag = "2")]
        pub(super) start_time_unix_nano: u64,
        #[prost(fixed64, tag = "3")]
        pub(super) time_unix_nano: u64,
        #[prost(fixed64, tag = "4")]
        pub(super) count: u64,
        #[prost(double, optional, tag = "5")]
        pub(super) sum: Option<f64>,
        #[prost(sint32, tag = "6")]
        pub(super) scale: i32,
        #[prost(fixed64, tag = "7")]
        pub(super) zero_count: u64,
        #[prost(message, optional, tag = "8")]
        pub(super) positive: Option<Buckets>,
        #[prost(message, optional, tag = "9")]
        pub(super) negative: Option<Buckets>,
        #[prost(double, tag = "14")]
        pub(super) zero_threshold: f64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Buckets {
        #[prost(sint32, tag = "1")]
        pub(super) offset: i32,
        #[prost(uint64, repeated, tag = "2")]
        pub(super) bucket_counts: Vec<u64>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Summary {
        #[prost(message, repeated, tag = "1")]
        pub(super) data_points: Vec<SummaryDataPoint>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct SummaryDataPoint {
        #[prost(fixed64, tag = "2")]
        pub(super) start_time_unix_nano: u64,
        #[prost(fixed64, tag = "3")]
        pub(super) time_unix_nano: u64,
        #[prost(fixed64, tag = "4")]
        pub(super) count: u64,
        #[prost(double, tag = "5")]
        pub(super) sum: f64,
        #[prost(message, repeated, tag = "6")]
        pub(super) quantile_values: Vec<ValueAtQuantile>,
        #[prost(message, repeated, tag = "7")]
        pub(super) attributes: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ValueAtQuantile {
        #[prost(double, tag = "1")]
        pub(super) quantile: f64,
        #[prost(double, tag = "2")]
        pub(super) value: f64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ExportMetricsServiceResponse {
        #[prost(message, optional, tag = "1")]
        pub(super) partial_success: Option<PartialSuccess>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct PartialSuccess {
        #[prost(int64, tag = "1")]
        pub(super) rejected_data_points: i64,
        #[prost(string, tag = "2")]
        pub(super) error_message: String,
    }
}

const NOW: u64 = 1_700_000_002_345_678_901;
const CREATED: u64 = 1_700_000_000_120_000_000;

fn decoded(families: &[testing::OwnedFamily]) -> (schema::ResourceMetrics, u64) {
    let (body, points) = encode(&view(families), &[("service.name", "s"), ("service.instance.id", "i")], NOW);
    let mut request = schema::ExportMetricsServiceRequest::decode(&*body).unwrap();
    assert_eq!(request.resource_metrics.len(), 1);
    (request.resource_metrics.remove(0), points)
}

fn metrics(families: &[testing::OwnedFamily]) -> Vec<schema::Metric> {
    decoded(families).0.scope_metrics.remove(0).metrics
}

fn pairs(attributes: &[schema::KeyValue]) -> Vec<(&str, &str)> {
    let value = |pair: &schema::KeyValue| pair.value.as_ref().unwrap().string_value.clone().unwrap().leak() as &str;
    attributes.iter().map(|pair| (pair.key.as_str(), value(pair))).collect()
}

#[test]
fn every_kind_matches_the_schema() {
    let (resource, points) = decoded(&each_kind());
    assert_eq!(points, 9);
    let attributes = resource.resource.as_ref().unwrap();
    assert_eq!(pairs(&attributes.attributes), [("service.name", "s"), ("service.instance.id", "i")]);
    let scope = &resource.scope_metrics[0];
    assert_eq!(scope.scope.as_ref().unwrap().name, "scope");
    let [counter, gauge, histogram, native, states, summary, info] = scope.metrics.as_slice() else { panic!() };

    assert_eq!((counter.name.as_str(), counter.unit.as_str()), ("bytes_total", "By"));
    assert_eq!(counter.description, "Say \"bytes\",\\ or\nnothing.");
    let sum = counter.sum.as_ref().unwrap();
    assert_eq!((sum.aggregation_temporality, sum.is_monotonic, sum.data_points.len()), (2, true, 2));
    let point = &sum.data_points[0];
    assert_eq!((point.start_time_unix_nano, point.time_unix_nano, point.as_double), (CREATED, NOW, Some(3.0)));
    assert_eq!(pairs(&point.attributes), [("code", ""), ("path", "/a\\b\n\"c\"")]);
    let exemplar = &point.exemplars[0];
    assert_eq!((exemplar.as_double, exemplar.time_unix_nano), (Some(0.5), 1_700_000_001_000_000_000));
    assert_eq!(pairs(&exemplar.filtered_attributes), [("trace_id", "x\"y")]);
    assert_eq!(sum.data_points[1].start_time_unix_nano, 0);

    let point = &gauge.gauge.as_ref().unwrap().data_points[0];
    assert_eq!(point.as_double.unwrap().to_bits(), (-0.0_f64).to_bits());

    let histogram = histogram.histogram.as_ref().unwrap();
    let point = &histogram.data_points[0];
    assert_eq!((histogram.aggregation_temporality, point.count, point.sum), (2, 4, Some(2e6)));
    assert_eq!((&*point.bucket_counts, &*point.explicit_bounds), (&[0, 2, 1, 1][..], &[0.0001, 1.0, 1e6][..]));
    assert_eq!((point.exemplars.len(), point.exemplars[0].time_unix_nano), (1, NOW));
    assert_eq!(pairs(&point.attributes), [("path", "/")]);

    let histogram = native.exponential_histogram.as_ref().unwrap();
    let point = &histogram.data_points[0];
    assert_eq!((native.name.as_str(), histogram.aggregation_temporality), ("my.native", 2));
    assert_eq!((point.count, point.sum, point.scale, point.zero_count), (5, Some(46.0), 0, 1));
    // 1.5 twice above 2^0, 3 above 2^1, 40 above 2^5.
    let expected = schema::Buckets { offset: 0, bucket_counts: vec![2, 1, 0, 0, 0, 1] };
    assert_eq!((&point.positive, &point.negative), (&Some(expected), &None));

    let states = states.sum.as_ref().unwrap();
    assert_eq!((states.aggregation_temporality, states.is_monotonic), (2, false));
    let states: Vec<_> = states.data_points.iter().map(|point| (pairs(&point.attributes), point.as_double)).collect();
    let expected = [(vec![("a", "1"), ("state", "off")], Some(0.0)), (vec![("a", "1"), ("state", "on")], Some(1.0))];
    assert_eq!(states, expected);

    let point = &summary.summary.as_ref().unwrap().data_points[0];
    assert_eq!((point.count, point.sum, point.start_time_unix_nano), (2, 0.5, CREATED));
    assert_eq!((point.quantile_values[0].quantile, point.quantile_values[0].value), (0.5, 0.25));
    assert!(point.quantile_values[1].value.is_nan());

    let info = info.sum.as_ref().unwrap();
    assert_eq!((info.aggregation_temporality, info.is_monotonic), (2, false));
    let point = &info.data_points[0];
    assert_eq!((pairs(&point.attributes), point.as_double), (vec![("la.bel", "1.2.3")], Some(1.0)));
}

#[test]
fn metadata_contains_the_prometheus_type() {
    let types: Vec<(String, String)> = metrics(&each_kind())
        .iter()
        .flat_map(|metric| pairs(&metric.metadata).into_iter().map(|(key, value)| (key.into(), value.into())))
        .collect();
    let expected = ["counter", "gauge", "histogram", "histogram", "stateset", "summary", "info"];
    assert_eq!(types, expected.map(|kind| ("prometheus.type".to_owned(), kind.to_owned())));
}

#[test]
fn valid_ids_become_exemplar_ids() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (labels, trace_id, span_id, attributes) in [
        (&[("span_id", "00f067aa0ba902b7"), ("trace_id", trace), ("user", "u")][..], 16, 8, &[("user", "u")][..]),
        (&[("trace_id", "4BF92F3577B34DA6A3CE929D0E0E4736")], 16, 0, &[]),
        (&[("trace_id", &trace[1..])], 0, 0, &[("trace_id", &trace[1..])]),
        (
            &[("trace_id", "+bf92f3577b34da6a3ce929d0e0e4736")],
            0,
            0,
            &[("trace_id", "+bf92f3577b34da6a3ce929d0e0e4736")],
        ),
        (
            &[("span_id", "0000000000000000"), ("trace_id", "t1")],
            0,
            0,
            &[("span_id", "0000000000000000"), ("trace_id", "t1")],
        ),
        (&[("traceID", trace)], 0, 0, &[("traceID", trace)]),
    ] {
        let point = testing::Point::Counter(1.0, Some(testing::exemplar(labels, 1.0, None)));
        let families = [family("c_total", Kind::Counter, vec![series(&[], point)])];
        let exemplar = metrics(&families)[0].sum.as_ref().unwrap().data_points[0].exemplars[0].clone();
        assert_eq!((exemplar.trace_id.len(), exemplar.span_id.len()), (trace_id, span_id), "{labels:?}");
        assert_eq!(pairs(&exemplar.filtered_attributes), attributes, "{labels:?}");
        if trace_id > 0 {
            assert_eq!((exemplar.trace_id[0], exemplar.trace_id[15]), (0x4b, 0x36), "{labels:?}");
        }
        if span_id > 0 {
            assert_eq!(exemplar.span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
        }
    }
}

#[test]
fn a_single_target_info_becomes_the_resource() {
    let target = |labels: &[(&str, &str)]| series(labels, testing::Point::Info);
    let gauge = || family("x", Kind::Gauge, vec![series(&[], testing::Point::Gauge(2.0))]);
    let labels = [("empty", ""), ("host.name", "web-1"), ("instance", "own"), ("service.version", "1.2")];
    let own =
        [("service.name", "s"), ("host.name", "web-1"), ("service.instance.id", "own"), ("service.version", "1.2")];
    let info = family("target_info", Kind::Info, vec![target(&labels)]);
    let read_as_text = family("target_info", Kind::Gauge, vec![series(&labels, testing::Point::Gauge(1.0))]);
    for families in [[info, gauge()], [read_as_text, gauge()]] {
        let (resource, points) = decoded(&families);
        assert_eq!(pairs(&resource.resource.unwrap().attributes), own);
        let names: Vec<&str> = resource.scope_metrics[0].metrics.iter().map(|metric| &*metric.name).collect();
        assert_eq!((points, &*names), (1, &["x"][..]));
    }
    // With several series or another value it is an ordinary metric.
    let several = family("target_info", Kind::Info, vec![target(&[("a", "1")]), target(&[("a", "2")])]);
    let other = family("target_info", Kind::Gauge, vec![series(&[("a", "1")], testing::Point::Gauge(0.0))]);
    let another_name = family("target_x_info", Kind::Info, vec![target(&[("a", "1")])]);
    for (families, expected) in [([several, gauge()], 3), ([other, gauge()], 2), ([another_name, gauge()], 2)] {
        let (resource, points) = decoded(&families);
        let attributes = resource.resource.unwrap().attributes;
        assert_eq!(pairs(&attributes), [("service.name", "s"), ("service.instance.id", "i")]);
        assert_eq!((points, resource.scope_metrics[0].metrics.len()), (expected, 2));
    }
}

#[test]
fn error_messages_are_decoded() {
    assert_eq!(decode_status(b"\x08\x03\x12\x08bad name").as_deref(), Some("bad name"));
    for none in [&b""[..], b"\x08\x03", b"\x12\x00", b"{\"message\":\"x\"}", b"no"] {
        assert_eq!(decode_status(none), None, "{none:?}");
    }
}

#[test]
fn sparse_buckets_are_encoded_at_lower_resolution() {
    let mut far = NativeHistogram::new(8, 0.0, 100).unwrap();
    [1e-300, 1.0, 1e300, -2.0].into_iter().for_each(|value| far.observe(value));
    let families = [family("n", Kind::NativeHistogram, vec![series(&[], testing::Point::Native(far))])];
    let point = metrics(&families)[0].exponential_histogram.as_ref().unwrap().data_points[0].clone();
    // 1,994 powers of two at 8 buckets each are 15,952 buckets; at 16 each there are too many.
    assert_eq!(point.scale, 3);
    let positive = point.positive.unwrap();
    assert_eq!(positive.bucket_counts.iter().filter(|count| **count == 1).count(), 3);
    assert!(positive.bucket_counts.len() < MAX_BUCKETS as usize);
    // The value 1 is at the upper end of its bucket, whose index is -1.
    assert_eq!(positive.bucket_counts[(-1 - positive.offset) as usize], 1);
    // -2 is at the upper end of the eighth bucket above 1.
    assert_eq!(point.negative, Some(schema::Buckets { offset: 7, bucket_counts: vec![1] }));
}

#[test]
fn responses_report_rejected_points() {
    let partial = schema::PartialSuccess { rejected_data_points: 300, error_message: "no".into() };
    let response = schema::ExportMetricsServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    assert_eq!(decode_answer(&response), Some(PartialSuccess { rejected: 300, message: "no".into() }));
    assert_eq!(decode_answer(&[]), Some(PartialSuccess::default()));
    assert_eq!(decode_answer(b"{\"partialSuccess\":{}}"), None);
}

proptest! {
    #[test]
    fn decoding_arbitrary_responses_does_not_panic(response: Vec<u8>) {
        let _ = decode_answer(&response);
    }

    #[test]
    fn an_independent_decoder_finds_everything(mut families in testing::arbitrary()) {
        // Those are left out.
        families.retain(|family| family.kind != Kind::GaugeHistogram);
        let (resource, points) = decoded(&families);
        let metrics = resource.scope_metrics.first().map_or(&[][..], |scope| &scope.metrics);
        prop_assert_eq!(metrics.len(), families.len());
        let mut counted = 0;
        for (metric, family) in metrics.iter().zip(view(&families)) {
            prop_assert_eq!(metric.name.as_str(), family.name);
            prop_assert_eq!(metric.description.as_str(), family.help);
            let numbers = metric.sum.as_ref().or(metric.gauge.as_ref());
            let mut numbers = numbers.map(|numbers| numbers.data_points.iter()).unwrap_or_default();
            for (at, series) in family.series.iter().enumerate() {
                let attributes = match &series.point {
                    Point::Counter { total: value, .. } | Point::Gauge(value) => {
                        let point = numbers.next().unwrap();
                        prop_assert_eq!(point.as_double.unwrap().to_bits(), value.to_bits());
                        &point.attributes
                    }
                    Point::Info => &numbers.next().unwrap().attributes,
                    Point::StateSet(states) => {
                        counted += states.len() - 1;
                        let last = numbers.nth(states.len() - 1).unwrap();
                        prop_assert_eq!(last.as_double, Some(f64::from(u8::from(states.last().unwrap().1))));
                        prop_assert_eq!(last.attributes.len(), series.labels.len() + 1);
                        &last.attributes
                    }
                    Point::Histogram { bounds, counts, sum, .. } => {
                        let point = &metric.histogram.as_ref().unwrap().data_points[at];
                        prop_assert_eq!((&*point.explicit_bounds, &*point.bucket_counts), (*bounds, *counts));
                        prop_assert_eq!(point.sum.unwrap().to_bits(), sum.to_bits());
                        prop_assert_eq!(point.count, counts.iter().sum::<u64>());
                        &point.attributes
                    }
                    Point::Native(native) => {
                        let point = &metric.exponential_histogram.as_ref().unwrap().data_points[at];
                        let total = |side: &Option<schema::Buckets>| side.iter().flat_map(|side| &side.bucket_counts).sum::<u64>();
                        prop_assert_eq!(point.count, native.count());
                        prop_assert_eq!(total(&point.positive) + total(&point.negative) + point.zero_count, point.count);
                        prop_assert_eq!(point.sum.unwrap().to_bits(), native.sum().to_bits());
                        &point.attributes
                    }
                    Point::Summary { quantiles, sum, count } => {
                        let point = &metric.summary.as_ref().unwrap().data_points[at];
                        prop_assert_eq!((point.count, point.sum.to_bits()), (*count, sum.to_bits()));
                        prop_assert_eq!(point.quantile_values.len(), quantiles.len());
                        &point.attributes
                    }
                };
                counted += 1;
                prop_assert_eq!(&pairs(attributes)[..series.labels.len()], &series.labels[..]);
            }
            prop_assert!(numbers.next().is_none());
        }
        prop_assert_eq!(points, counted as u64);
    }
}

#[test]
fn a_stale_marker_is_no_recorded_value() {
    let values = [f64::from_bits(0x7ff0_0000_0000_0002), f64::NAN];
    let points = values.map(|value| series(&[], testing::Point::Gauge(value)));
    let found = metrics(&[family("g", Kind::Gauge, points.into())]);
    let found: Vec<_> = found[0].gauge.as_ref().unwrap().data_points.iter().collect();
    assert_eq!(
        found.iter().map(|point| (point.as_double.is_some(), point.flags)).collect::<Vec<_>>(),
        [(false, 1), (true, 0)]
    );
}

#[test]
fn gauge_histograms_are_left_out() {
    let point = testing::Point::Histogram { bounds: vec![1.0], counts: vec![2, 3], sum: -0.5, exemplars: Vec::new() };
    let gauge = family("x", Kind::Gauge, vec![series(&[], testing::Point::Gauge(2.0))]);
    let families = [family("g", Kind::GaugeHistogram, vec![series(&[("a", "b")], point)]), gauge];
    let (resource, points) = decoded(&families);
    let names: Vec<&str> = resource.scope_metrics[0].metrics.iter().map(|metric| &*metric.name).collect();
    assert_eq!((points, &*names), (1, &["x"][..]));
}

/// A scope, and its metrics with the attributes of their data points.
type FoundScope<'a> = (&'a str, &'a str, &'a str, Vec<(&'a str, &'a str)>, Vec<(&'a str, Vec<(&'a str, &'a str)>)>);

#[test]
fn labels_about_the_scope_become_the_scope() {
    let gauge = |labels: &[(&str, &str)]| series(labels, testing::Point::Gauge(2.0));
    let [name, version, url] = ["otel_scope_name", "otel_scope_version", "otel_scope_schema_url"];
    let info = |labels: &[(&str, &str)]| series(labels, testing::Point::Info);
    let families = [
        family(
            "otel_scope_info",
            Kind::Info,
            vec![
                info(&[("mascot", "bear"), (name, "lib"), (version, "2")]),
                info(&[("mascot", "cow"), (name, "lib"), (version, "3")]),
            ],
        ),
        family(
            "x",
            Kind::Gauge,
            vec![
                gauge(&[("a", "1"), (name, "lib"), (version, "2")]),
                gauge(&[("a", "2"), (name, "lib")]),
                gauge(&[("a", "3"), (name, ""), (url, "")]),
            ],
        ),
        family(
            "y",
            Kind::Gauge,
            vec![
                gauge(&[("a", "4"), (name, "lib"), ("otel_scope_owner", "me"), (url, "http://s"), (version, "2")]),
                gauge(&[("a", "5")]),
                gauge(&[("a", "6"), (name, "lib"), (version, "2")]),
            ],
        ),
    ];
    let (resource, points) = decoded(&families);
    let found: Vec<FoundScope> = resource
        .scope_metrics
        .iter()
        .map(|metrics| {
            let scope = metrics.scope.as_ref().unwrap();
            let points = metrics.metrics.iter().flat_map(|metric| {
                let points = &metric.gauge.as_ref().unwrap().data_points;
                points.iter().map(|point| (metric.name.as_str(), pairs(&point.attributes)))
            });
            (&*scope.name, &*scope.version, &*metrics.schema_url, pairs(&scope.attributes), points.collect())
        })
        .collect();
    let expected: [FoundScope; 4] = [
        // What names no scope keeps its labels.
        ("scope", "1", "", vec![], vec![("x", vec![("a", "3"), (name, ""), (url, "")]), ("y", vec![("a", "5")])]),
        ("lib", "", "", vec![], vec![("x", vec![("a", "2")])]),
        ("lib", "2", "http://s", vec![("owner", "me"), ("mascot", "bear")], vec![("y", vec![("a", "4")])]),
        ("lib", "2", "", vec![("mascot", "bear")], vec![("x", vec![("a", "1")]), ("y", vec![("a", "6")])]),
    ];
    assert_eq!((points, &*found), (6, &expected[..]));
}

#[test]
fn only_what_counts_up_is_a_delta() {
    let export = Export { scope: ("scope", "1"), temporality: Temporality::Delta, unix_nanos: NOW };
    let (body, _) = encode_all(&[(view(&each_kind()), Vec::new())], export);
    let request = schema::ExportMetricsServiceRequest::decode(&*body).unwrap();
    let temporality = |metric: &schema::Metric| {
        let histograms = metric.histogram.as_ref().map(|data| data.aggregation_temporality);
        let natives = metric.exponential_histogram.as_ref().map(|data| data.aggregation_temporality);
        let sums = metric.sum.as_ref().map(|data| data.aggregation_temporality);
        histograms.or(natives).or(sums)
    };
    let found: Vec<Option<i32>> =
        request.resource_metrics[0].scope_metrics[0].metrics.iter().map(temporality).collect();
    // A counter, a gauge, both histograms, a state set, a summary and an info.
    assert_eq!(found, [Some(1), None, Some(1), Some(1), Some(2), None, Some(2)]);
}

#[test]
fn small_native_histograms_keep_their_buckets() {
    let families =
        [family("n", Kind::NativeHistogram, vec![series(&[], testing::Point::Native(native(&[-0.3, -5.0, 1.0])))])];
    let point = metrics(&families)[0].exponential_histogram.as_ref().unwrap().data_points[0].clone();
    // 0.3 above 2^-2, 5 above 2^2; 1 at the upper end of the bucket above 2^-1.
    assert_eq!(point.negative, Some(schema::Buckets { offset: -2, bucket_counts: vec![1, 0, 0, 0, 1] }));
    assert_eq!(point.positive, Some(schema::Buckets { offset: -1, bucket_counts: vec![1] }));
}

#[test]
fn units_become_those_of_otlp() {
    for (prometheus, otlp) in [
        ("seconds", "s"),
        ("milliseconds", "ms"),
        ("ratio", "1"),
        ("bytes_per_second", "By/s"),
        ("bytes_per_request", "By/request"),
        ("cats_per_day", "cats/d"),
        ("cats", "cats"),
        ("second", "second"),
        ("", ""),
    ] {
        assert_eq!(unit(prometheus), otlp, "{prometheus}");
    }
}
