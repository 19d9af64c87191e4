//! OTLP metrics: `opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest`, as OTLP/HTTP posts it, and the answer.
//! Knows no network.
//!
//! | kind | written as |
//! |---|---|
//! | counter | Sum, cumulative, monotonic, with its start |
//! | gauge, info, state set | Gauge; a state is an attribute named like the family |
//! | `target_info` with one series | attributes of the resource: [`target`] |
//! | histogram | Histogram, cumulative, with explicit bounds |
//! | native histogram | ExponentialHistogram, cumulative |
//! | summary | Summary |
//!
//! Each metric's metadata hold its kind in Prometheus's words as `prometheus.type`. Labels `trace_id` and `span_id` of an
//! exemplar are its ids where they are valid ones, and attributes otherwise.
//!
//! Field numbers and wire types (v: varint, z: zigzag varint, d: 8 bytes, s: length and bytes), as in opentelemetry-proto 1:
//!
//! | message | fields |
//! |---|---|
//! | ExportMetricsServiceRequest | 1 resource metrics s |
//! | ResourceMetrics | 1 resource s, 2 scope metrics s |
//! | Resource | 1 attribute s |
//! | ScopeMetrics | 1 scope s, 2 metric s |
//! | InstrumentationScope | 1 name s, 2 version s |
//! | Metric | 1 name s, 2 description s, 3 unit s, 5 gauge s, 7 sum s, 9 histogram s, 10 exponential histogram s, 11 summary s, 12 metadata (an attribute) s |
//! | Gauge, Summary | 1 data point s |
//! | Sum | 1 data point s, 2 temporality v (2 is cumulative), 3 monotonic v |
//! | Histogram, ExponentialHistogram | 1 data point s, 2 temporality v |
//! | NumberDataPoint | 2 start d, 3 time d, 4 value d, 5 exemplar s, 7 attribute s |
//! | HistogramDataPoint | 2 start d, 3 time d, 4 count d, 5 sum d, 6 counts (packed, 8 bytes each), 7 bounds (packed doubles), 8 exemplar s, 9 attribute s |
//! | ExponentialHistogramDataPoint | 1 attribute s, 2 start d, 3 time d, 4 count d, 5 sum d, 6 scale z, 7 zero count d, 8 positive s, 9 negative s, 14 zero threshold d |
//! | Buckets | 1 offset z, 2 counts (packed varints) |
//! | SummaryDataPoint | 2 start d, 3 time d, 4 count d, 5 sum d, 6 quantile s, 7 attribute s |
//! | ValueAtQuantile | 1 quantile d, 2 value d |
//! | Exemplar | 2 time d, 3 value d, 4 span id s, 5 trace id s, 7 attribute s |
//! | KeyValue | 1 key s, 2 value s (1 text s) |
//! | ExportMetricsServiceResponse | 1 partial success s (1 rejected v, 2 message s) |
//! | Status, the body of an error | 2 message s |
//!
//! Times are nanoseconds. OTLP's bucket `i` lies above `base^i`, where Prometheus's lies below `base^i`: the indices differ
//! by one.

use super::view::{Exemplar, Family, Labelled, Point, Series};
use super::wire::{close, double, fixed, open_field, signed, take_field, text, unsigned, varint};
use crate::registry::Kind;
use crate::registry::native::{Bucket, NativeHistogram};

/// For `Content-Type`.
pub const CONTENT_TYPE: &str = "application/x-protobuf";

/// OTLP lists all buckets between the outermost ones, and native histograms may reach far apart: they are written coarser where it
/// would be more than this.
const MOST_BUCKETS: i64 = 20_000;

/// The metric that says what the other ones are about, by its labels.
const TARGET_INFO: &str = "target_info";

/// A body, and how many data points it holds. With the families of each resource come its attributes, such as `service.name`;
/// what [`target`] says wins over them.
pub fn encode_all(resources: &[Labelled], unix_nanos: u64) -> (Vec<u8>, u64) {
    let mut out = Vec::new();
    let points = resources.iter().map(|(families, resource)| write_resource(families, resource, unix_nanos, &mut out));
    let points = points.sum();
    (out, points)
}

fn write_resource(families: &[Family], resource: &[(&str, &str)], unix_nanos: u64, out: &mut Vec<u8>) -> u64 {
    let mut points = 0;
    let resource_metrics = open_field(1, out);
    let message = open_field(1, out);
    let target = families.iter().find_map(target);
    let own = target.as_deref().unwrap_or_default();
    let further = resource.iter().filter(|(key, _)| !own.iter().any(|(own, _)| own == key));
    further.chain(own).for_each(|(key, value)| attribute(1, key, value, out));
    close(message, out);
    let scope_metrics = open_field(2, out);
    let scope = open_field(1, out);
    text(1, crate::NAME, out);
    text(2, crate::VERSION, out);
    close(scope, out);
    for family in families.iter().filter(|family| target.is_none() || family.name != TARGET_INFO) {
        let metric = open_field(2, out);
        text(1, family.name, out);
        text(2, family.help, out);
        text(3, unit(family.unit), out);
        let data = open_field(data_field(family.kind), out);
        for series in &family.series {
            points += write_points(family, series, unix_nanos, out);
        }
        if matches!(family.kind, Kind::Counter | Kind::Histogram | Kind::NativeHistogram) {
            unsigned(2, 2, out);
        }
        if family.kind == Kind::Counter {
            unsigned(3, 1, out);
        }
        close(data, out);
        attribute(12, "prometheus.type", prometheus_type(family.kind), out);
        close(metric, out);
    }
    close(scope_metrics, out);
    close(resource_metrics, out);
    points
}

/// The same for one resource.
#[cfg(test)]
fn encode(families: &[Family], resource: &[(&str, &str)], unix_nanos: u64) -> (Vec<u8>, u64) {
    encode_all(&[(families.to_vec(), resource.to_vec())], unix_nanos)
}

/// The attributes of the resource that `target_info` holds, if the family is that one; `job` and `instance` under OTLP's
/// names. None where its series are several: they are about several targets, and are written as metrics.
fn target<'a>(family: &'a Family) -> Option<Vec<(&'a str, &'a str)>> {
    let [Series { labels, point, .. }] = &*family.series else { return None };
    // The text format, from which metrics are imported, has no infos.
    if family.name != TARGET_INFO || !matches!(point, Point::Info | Point::Gauge(1.0)) {
        return None;
    }
    let attribute = |(name, value): &(&'a str, &'a str)| match *name {
        "job" => ("service.name", *value),
        "instance" => ("service.instance.id", *value),
        name => (name, *value),
    };
    Some(labels.iter().map(attribute).filter(|(_, value)| !value.is_empty()).collect())
}

/// A kind as the metadata of a metric call it.
fn prometheus_type(kind: Kind) -> &'static str {
    match kind {
        // In Prometheus's words both are one type.
        Kind::NativeHistogram => Kind::Histogram.name(),
        kind => kind.name(),
    }
}

/// What a receiver says it did not take: how many data points, and why. A message without rejected points is a warning.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct PartialSuccess {
    /// Data points.
    pub rejected: u64,
    /// Empty for none.
    pub message: String,
}

/// Reads an answer, which is empty where all was taken; none for what is no such message.
pub fn decode_answer(mut answer: &[u8]) -> Option<PartialSuccess> {
    let mut partial = PartialSuccess::default();
    while !answer.is_empty() {
        let (field, _, mut message) = take_field(&mut answer)?;
        while field == 1 && !message.is_empty() {
            match take_field(&mut message)? {
                (1, rejected, _) => partial.rejected = rejected,
                (2, _, message) => partial.message = String::from_utf8_lossy(message).into_owned(),
                _ => {}
            }
        }
    }
    Some(partial)
}

/// The text of an error's body, a `google.rpc.Status`; none for what is no such message, or has no text.
pub fn decode_status(mut status: &[u8]) -> Option<String> {
    let mut text = None;
    while !status.is_empty() {
        if let (2, _, message) = take_field(&mut status)? {
            text = Some(String::from_utf8_lossy(message).into_owned());
        }
    }
    text.filter(|text| !text.is_empty())
}

fn data_field(kind: Kind) -> u32 {
    match kind {
        Kind::Gauge | Kind::Info | Kind::StateSet => 5,
        Kind::Counter => 7,
        Kind::Histogram => 9,
        Kind::NativeHistogram => 10,
        Kind::Summary => 11,
    }
}

/// The unit as OTLP writes units; one that is none of the usual ones stays as it is.
fn unit(unit: &str) -> &str {
    match unit {
        "seconds" => "s",
        "bytes" => "By",
        "ratio" => "1",
        "celsius" => "Cel",
        "meters" => "m",
        "grams" => "g",
        "joules" => "J",
        "volts" => "V",
        "amperes" => "A",
        other => other,
    }
}

/// Writes the data points of a series, and says how many.
fn write_points(family: &Family, series: &Series, unix_nanos: u64, out: &mut Vec<u8>) -> u64 {
    let times = |out: &mut Vec<u8>| {
        if let Some(created_ms) = series.created_ms {
            fixed(2, created_ms.saturating_mul(1_000_000), out);
        }
        fixed(3, unix_nanos, out);
    };
    let attributes = |field, out: &mut Vec<u8>| {
        series.labels.iter().for_each(|(name, value)| attribute(field, name, value, out));
    };
    let mut number = |value, state: Option<&str>, exemplar: Option<&Exemplar>| {
        let point = open_field(1, out);
        times(out);
        double(4, value, out);
        exemplar.into_iter().for_each(|exemplar| write_exemplar(5, exemplar, unix_nanos, out));
        attributes(7, out);
        state.into_iter().for_each(|state| attribute(7, family.name, state, out));
        close(point, out);
    };
    match &series.point {
        Point::Counter { total, exemplar } => number(*total, None, *exemplar),
        Point::Gauge(value) => number(*value, None, None),
        Point::Info => number(1.0, None, None),
        Point::StateSet(states) => {
            states.iter().for_each(|(state, on)| number(f64::from(u8::from(*on)), Some(state), None));
            return states.len() as u64;
        }
        Point::Histogram { bounds, counts, sum, exemplars } => {
            let point = open_field(1, out);
            times(out);
            fixed(4, counts.iter().sum(), out);
            double(5, *sum, out);
            let packed = open_field(6, out);
            counts.iter().for_each(|count| out.extend_from_slice(&count.to_le_bytes()));
            close(packed, out);
            let packed = open_field(7, out);
            bounds.iter().for_each(|bound| out.extend_from_slice(&bound.to_le_bytes()));
            close(packed, out);
            exemplars.iter().flatten().for_each(|exemplar| write_exemplar(8, exemplar, unix_nanos, out));
            attributes(9, out);
            close(point, out);
        }
        Point::Native(native) => {
            let point = open_field(1, out);
            attributes(1, out);
            times(out);
            write_native(native, out);
            close(point, out);
        }
        Point::Summary { quantiles, sum, count } => {
            let point = open_field(1, out);
            times(out);
            fixed(4, *count, out);
            double(5, *sum, out);
            for (rank, value) in quantiles {
                let quantile = open_field(6, out);
                double(1, *rank, out);
                double(2, *value, out);
                close(quantile, out);
            }
            attributes(7, out);
            close(point, out);
        }
    }
    1
}

fn write_native(native: &NativeHistogram, out: &mut Vec<u8>) {
    // By halving the resolution so often, at most MOST_BUCKETS are left on either side.
    let width = |buckets: &[Bucket]| match buckets {
        [first, .., last] => i64::from(last.index) - i64::from(first.index),
        _ => 0,
    };
    let widest = width(native.positive()).max(width(native.negative()));
    let halvings = (0..32).find(|halvings| widest >> halvings < MOST_BUCKETS).unwrap_or(0);
    fixed(4, native.count(), out);
    double(5, native.sum(), out);
    signed(6, i64::from(native.schema()) - i64::from(halvings), out);
    fixed(7, native.zero_count(), out);
    for (field, buckets) in [(8, native.positive()), (9, native.negative())] {
        let Some(first) = buckets.first() else { continue };
        let place = |bucket: &Bucket| (i64::from(bucket.index) - 1) >> halvings;
        let message = open_field(field, out);
        signed(1, place(first), out);
        let packed = open_field(2, out);
        let mut buckets = buckets.iter().peekable();
        let mut next = place(first);
        while buckets.peek().is_some() {
            let mut count = 0;
            while let Some(bucket) = buckets.next_if(|bucket| place(bucket) == next) {
                count += bucket.count;
            }
            varint(count, out);
            next += 1;
        }
        close(packed, out);
        close(message, out);
    }
    double(14, native.zero_threshold(), out);
}

fn write_exemplar(field: u32, exemplar: &Exemplar, unix_nanos: u64, out: &mut Vec<u8>) {
    let message = open_field(field, out);
    fixed(2, exemplar.unix_ms.map_or(unix_nanos, |unix_ms| unix_ms.saturating_mul(1_000_000)), out);
    double(3, exemplar.value, out);
    for (name, value) in &exemplar.labels {
        let id = match &**name {
            "span_id" => id::<8>(value).map(|id| (4, id.to_vec())),
            "trace_id" => id::<16>(value).map(|id| (5, id.to_vec())),
            _ => None,
        };
        match id {
            Some((field, id)) => {
                let bytes = open_field(field, out);
                out.extend_from_slice(&id);
                close(bytes, out);
            }
            None => attribute(7, name, value, out),
        }
    }
    close(message, out);
}

/// A trace's or span's id: so many bytes in hexadecimal digits, not all of them zero.
fn id<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut id = [0; N];
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    id.iter().any(|byte| *byte != 0).then_some(id)
}

#[inline(never)]
fn attribute(field: u32, key: &str, value: &str, out: &mut Vec<u8>) {
    let pair = open_field(field, out);
    text(1, key, out);
    let any = open_field(2, out);
    text(1, value, out);
    close(any, out);
    close(pair, out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::super::testing::{self, each_kind, family, native, series, view};
    use super::*;

    /// The schema once more, for prost, which shares no code with the writer.
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
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct Scope {
            #[prost(string, tag = "1")]
            pub(super) name: String,
            #[prost(string, tag = "2")]
            pub(super) version: String,
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

    fn decoded(families: &[testing::Family]) -> (schema::ResourceMetrics, u64) {
        let (body, points) = encode(&view(families), &[("service.name", "s"), ("service.instance.id", "i")], NOW);
        let mut request = schema::ExportMetricsServiceRequest::decode(&*body).unwrap();
        assert_eq!(request.resource_metrics.len(), 1);
        (request.resource_metrics.remove(0), points)
    }

    fn metrics(families: &[testing::Family]) -> Vec<schema::Metric> {
        decoded(families).0.scope_metrics.remove(0).metrics
    }

    fn pairs(attributes: &[schema::KeyValue]) -> Vec<(&str, &str)> {
        let value = |pair: &schema::KeyValue| pair.value.as_ref().unwrap().string_value.clone().unwrap().leak() as &str;
        attributes.iter().map(|pair| (pair.key.as_str(), value(pair))).collect()
    }

    #[test]
    fn every_kind_is_written_as_the_schema_says() {
        let (resource, points) = decoded(&each_kind());
        assert_eq!(points, 9);
        let attributes = resource.resource.as_ref().unwrap();
        assert_eq!(pairs(&attributes.attributes), [("service.name", "s"), ("service.instance.id", "i")]);
        let scope = &resource.scope_metrics[0];
        assert_eq!(scope.scope.as_ref().unwrap().name, "monitoring_prometheus");
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

        let states = &states.gauge.as_ref().unwrap().data_points;
        let states: Vec<_> = states.iter().map(|point| (pairs(&point.attributes), point.as_double)).collect();
        let expected =
            [(vec![("a", "1"), ("state", "off")], Some(0.0)), (vec![("a", "1"), ("state", "on")], Some(1.0))];
        assert_eq!(states, expected);

        let point = &summary.summary.as_ref().unwrap().data_points[0];
        assert_eq!((point.count, point.sum, point.start_time_unix_nano), (2, 0.5, CREATED));
        assert_eq!((point.quantile_values[0].quantile, point.quantile_values[0].value), (0.5, 0.25));
        assert!(point.quantile_values[1].value.is_nan());

        let point = &info.gauge.as_ref().unwrap().data_points[0];
        assert_eq!((pairs(&point.attributes), point.as_double), (vec![("la.bel", "1.2.3")], Some(1.0)));
    }

    #[test]
    fn metadata_hold_the_type_in_prometheus_words() {
        let types: Vec<(String, String)> = metrics(&each_kind())
            .iter()
            .flat_map(|metric| pairs(&metric.metadata).into_iter().map(|(key, value)| (key.into(), value.into())))
            .collect();
        let expected = ["counter", "gauge", "histogram", "histogram", "stateset", "summary", "info"];
        assert_eq!(types, expected.map(|kind| ("prometheus.type".to_owned(), kind.to_owned())));
    }

    #[test]
    fn valid_ids_of_an_exemplar_are_its_ids() {
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
    fn one_target_info_is_the_resource() {
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
        // Of several targets, or with another value, it is a metric as any other.
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
    fn the_text_of_an_error_is_read() {
        assert_eq!(decode_status(b"\x08\x03\x12\x08bad name").as_deref(), Some("bad name"));
        for none in [&b""[..], b"\x08\x03", b"\x12\x00", b"{\"message\":\"x\"}", b"no"] {
            assert_eq!(decode_status(none), None, "{none:?}");
        }
    }

    #[test]
    fn buckets_far_apart_are_written_coarser() {
        let mut far = NativeHistogram::new(8, 0.0, 100).unwrap();
        [1e-300, 1.0, 1e300, -2.0].into_iter().for_each(|value| far.observe(value));
        let families = [family("n", Kind::NativeHistogram, vec![series(&[], testing::Point::Native(far))])];
        let point = metrics(&families)[0].exponential_histogram.as_ref().unwrap().data_points[0].clone();
        // 1,994 powers of two at 8 buckets each are 15,952; at 16 they were too many.
        assert_eq!(point.scale, 3);
        let positive = point.positive.unwrap();
        assert_eq!(positive.bucket_counts.iter().filter(|count| **count == 1).count(), 3);
        assert!(positive.bucket_counts.len() < MOST_BUCKETS as usize);
        // The value 1 is at the upper end of its bucket, whose index is -1.
        assert_eq!(positive.bucket_counts[(-1 - positive.offset) as usize], 1);
        // -2 is at the upper end of the eighth bucket above 1.
        assert_eq!(point.negative, Some(schema::Buckets { offset: 7, bucket_counts: vec![1] }));
    }

    #[test]
    fn an_answer_tells_what_was_rejected() {
        let partial = schema::PartialSuccess { rejected_data_points: 300, error_message: "no".into() };
        let answer = schema::ExportMetricsServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        assert_eq!(decode_answer(&answer), Some(PartialSuccess { rejected: 300, message: "no".into() }));
        assert_eq!(decode_answer(&[]), Some(PartialSuccess::default()));
        assert_eq!(decode_answer(b"{\"partialSuccess\":{}}"), None);
    }

    proptest! {
        #[test]
        fn an_answer_of_any_bytes_is_read_or_refused(answer: Vec<u8>) {
            let _ = decode_answer(&answer);
        }

        #[test]
        fn an_independent_reader_finds_everything(families in testing::arbitrary()) {
            let (resource, points) = decoded(&families);
            let metrics = &resource.scope_metrics[0].metrics;
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
    fn a_small_native_histogram_has_the_buckets_that_hold_its_values() {
        let families =
            [family("n", Kind::NativeHistogram, vec![series(&[], testing::Point::Native(native(&[-0.3, -5.0, 1.0])))])];
        let point = metrics(&families)[0].exponential_histogram.as_ref().unwrap().data_points[0].clone();
        // 0.3 above 2^-2, 5 above 2^2; 1 at the upper end of the bucket above 2^-1.
        assert_eq!(point.negative, Some(schema::Buckets { offset: -2, bucket_counts: vec![1, 0, 0, 0, 1] }));
        assert_eq!(point.positive, Some(schema::Buckets { offset: -1, bucket_counts: vec![1] }));
    }
}
