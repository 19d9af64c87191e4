//! OTLP metrics: encodes `opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest` for
//! OTLP/HTTP, and decodes the response. No I/O.
//!
//! | kind | encoded as |
//! |---|---|
//! | counter | Sum, cumulative, monotonic, with start time |
//! | gauge | Gauge |
//! | info, state set | Sum, cumulative, not monotonic; a state is an attribute named after the family |
//! | `target_info` with one series | attributes of the resource |
//! | histogram | Histogram, cumulative, with explicit bounds |
//! | native histogram | ExponentialHistogram, cumulative |
//! | summary | Summary |
//! | gauge histogram | Gauges `_bucket`, with `le`, `_gsum` and `_gcount` |
//! | unknown | Gauge |
//!
//! Each metric's metadata contains its Prometheus type as `prometheus.type`. The labels `trace_id`
//! and `span_id` of an exemplar become its IDs if they are valid, and attributes otherwise.
//!
//! Field numbers and wire types (v: varint, z: zigzag varint, d: 8 bytes, s: length and bytes), as
//! in opentelemetry-proto 1:
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
//! Times are nanoseconds. OTLP's bucket `i` has the lower bound `base^i`, Prometheus's the upper
//! bound `base^i`: the indices differ by one.

use std::borrow::Cow;

use super::samples::{self, Number, Own};
use super::wire::{close, double, fixed, open_field, signed, take_field, text, unsigned, varint};
use crate::model::{Exemplar, Family, FamilyType, Labelled, Point, Series};
use crate::number::write_canonical;
use crate::registry::Kind;
use crate::registry::native::{Bucket, NativeHistogram};

/// For `Content-Type`.
pub const CONTENT_TYPE: &str = "application/x-protobuf";

/// OTLP encodes buckets densely, and the buckets of a native histogram may be far apart: the
/// resolution is reduced until at most this many remain on either side.
const MAX_BUCKETS: i64 = 20_000;

/// The metric whose labels describe the target.
const TARGET_INFO: &str = "target_info";

/// The instrumentation scope of all metrics: name and version.
pub type Scope<'a> = (&'a str, &'a str);

/// Encodes a request body and returns it with its number of data points. Each resource has families
/// and attributes, such as `service.name`; labels of `target_info` override the attributes.
pub fn encode_all(resources: &[Labelled], scope: Scope, unix_nanos: u64) -> (Vec<u8>, u64) {
    let mut out = Vec::new();
    let points = resources.iter().map(|resource| write_resource(resource, scope, unix_nanos, &mut out));
    let points = points.sum();
    (out, points)
}

fn write_resource((families, resource): &Labelled, scope: Scope, unix_nanos: u64, out: &mut Vec<u8>) -> u64 {
    let mut points = 0;
    let resource_metrics = open_field(1, out);
    let message = open_field(1, out);
    let target = families.iter().find_map(target);
    let own = target.as_deref().unwrap_or_default();
    let external = resource.iter().filter(|(key, _)| !own.iter().any(|(own, _)| own == key));
    external.chain(own).for_each(|(key, value)| write_attribute(1, key, value, out));
    close(message, out);
    let scope_metrics = open_field(2, out);
    let instrumentation_scope = open_field(1, out);
    text(1, scope.0, out);
    text(2, scope.1, out);
    close(instrumentation_scope, out);
    for family in families.iter().filter(|family| target.is_none() || family.name != TARGET_INFO) {
        match family.kind {
            Kind::GaugeHistogram => {
                for suffix in samples::suffixes(family.kind) {
                    points += write_metric(family, suffix, unix_nanos, out);
                }
            }
            _ => points += write_metric(family, "", unix_nanos, out),
        }
    }
    close(scope_metrics, out);
    close(resource_metrics, out);
    points
}

/// Writes a metric and returns the number of its data points. Of a gauge histogram, a metric has
/// the samples with one suffix.
fn write_metric(family: &Family, suffix: &str, unix_nanos: u64, out: &mut Vec<u8>) -> u64 {
    let mut points = 0;
    let metric = open_field(2, out);
    text(1, &[family.name, suffix].concat(), out);
    text(2, family.help, out);
    text(3, &unit(family.unit), out);
    let data = open_field(data_field(family.kind), out);
    for series in &family.series {
        points += match family.kind {
            Kind::GaugeHistogram => write_gauges(family, suffix, series, unix_nanos, out),
            _ => write_points(family, series, unix_nanos, out),
        };
    }
    if !matches!(data_field(family.kind), GAUGE | SUMMARY) {
        unsigned(2, 2, out);
    }
    if family.kind == Kind::Counter {
        unsigned(3, 1, out);
    }
    close(data, out);
    write_attribute(12, "prometheus.type", FamilyType::from(family.kind).name(), out);
    close(metric, out);
    points
}

/// Writes the samples of a gauge histogram with a suffix as data points of a gauge.
fn write_gauges(family: &Family, suffix: &str, series: &Series, unix_nanos: u64, out: &mut Vec<u8>) -> u64 {
    let mut points = 0;
    samples::each(family.kind, series, &mut |sample| {
        if sample.suffix != suffix {
            return;
        }
        points += 1;
        let point = open_field(1, out);
        fixed(3, unix_nanos, out);
        let value = match sample.value {
            Number::Float(value) => value,
            Number::Count(count) => count as f64,
        };
        double(4, value, out);
        sample.exemplar.into_iter().for_each(|exemplar| write_exemplar(5, exemplar, unix_nanos, out));
        series.labels.iter().for_each(|(name, value)| write_attribute(7, name, value, out));
        if let Own::Bound(bound) = sample.own {
            let mut text = Vec::new();
            write_canonical(bound, &mut text);
            write_attribute(7, "le", &String::from_utf8_lossy(&text), out);
        }
        close(point, out);
    });
    points
}

/// Encodes a single resource.
#[cfg(test)]
fn encode(families: &[Family], resource: &[(&str, &str)], unix_nanos: u64) -> (Vec<u8>, u64) {
    encode_all(&[(families.to_vec(), resource.to_vec())], ("scope", "1"), unix_nanos)
}

/// The resource attributes in `target_info`, with `job` and `instance` renamed for OTLP. `None` for
/// other families, and if there are several series: these describe several targets and are written
/// as metrics.
fn target<'a>(family: &'a Family) -> Option<Vec<(&'a str, &'a str)>> {
    let [Series { labels, point, .. }] = &*family.series else { return None };
    // Metrics imported from the text format are gauges, since it has no infos.
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

/// The data points that a receiver rejected, and why. A message without rejected points is a
/// warning.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct PartialSuccess {
    /// Number of rejected data points.
    pub rejected: u64,
    /// Empty if none.
    pub message: String,
}

/// Decodes a response, which is empty if everything was accepted; `None` if it is malformed.
pub fn decode_answer(mut response: &[u8]) -> Option<PartialSuccess> {
    let mut partial = PartialSuccess::default();
    while !response.is_empty() {
        let (field, _, mut message) = take_field(&mut response)?;
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

/// Decodes the message of an error body, a `google.rpc.Status`; `None` if it is malformed or has no
/// message.
pub fn decode_status(mut status: &[u8]) -> Option<String> {
    let mut text = None;
    while !status.is_empty() {
        if let (2, _, message) = take_field(&mut status)? {
            text = Some(String::from_utf8_lossy(message).into_owned());
        }
    }
    text.filter(|text| !text.is_empty())
}

/// The fields of a metric whose data has no temporality.
const GAUGE: u32 = 5;
const SUMMARY: u32 = 11;

fn data_field(kind: Kind) -> u32 {
    match kind {
        // OTLP has no gauge histograms and no unknown types: their samples are gauges.
        Kind::Gauge | Kind::GaugeHistogram | Kind::Unknown => GAUGE,
        Kind::Counter | Kind::Info | Kind::StateSet => 7,
        Kind::Histogram => 9,
        Kind::NativeHistogram => 10,
        Kind::Summary => SUMMARY,
    }
}

/// Prometheus's words for units, and OTLP's (UCUM).
const UNITS: [(&str, &str); 26] = [
    ("days", "d"),
    ("hours", "h"),
    ("minutes", "min"),
    ("seconds", "s"),
    ("milliseconds", "ms"),
    ("microseconds", "us"),
    ("nanoseconds", "ns"),
    ("bytes", "By"),
    ("kibibytes", "KiBy"),
    ("mebibytes", "MiBy"),
    ("gibibytes", "GiBy"),
    ("tebibytes", "TiBy"),
    ("kilobytes", "KBy"),
    ("megabytes", "MBy"),
    ("gigabytes", "GBy"),
    ("terabytes", "TBy"),
    ("meters", "m"),
    ("volts", "V"),
    ("amperes", "A"),
    ("joules", "J"),
    ("watts", "W"),
    ("grams", "g"),
    ("celsius", "Cel"),
    ("hertz", "Hz"),
    ("ratio", "1"),
    ("percent", "%"),
];

/// What a unit may be per, in the singular.
const PER: [(&str, &str); 7] =
    [("second", "s"), ("minute", "m"), ("hour", "h"), ("day", "d"), ("week", "w"), ("month", "mo"), ("year", "y")];

/// Converts a unit to OTLP's form, `bytes_per_second` to `By/s`; unknown units are unchanged.
fn unit(unit: &str) -> Cow<'_, str> {
    let find = |words: &[(&str, &'static str)], word: &str| {
        words.iter().find(|(own, _)| *own == word).map(|(_, abbreviation)| *abbreviation)
    };
    match unit.split_once("_per_") {
        Some((unit, per)) => {
            let (unit, per) = (find(&UNITS, unit).unwrap_or(unit), find(&PER, per).unwrap_or(per));
            Cow::Owned([unit, "/", per].concat())
        }
        None => Cow::Borrowed(find(&UNITS, unit).unwrap_or(unit)),
    }
}

/// Writes the data points of a series and returns their number.
fn write_points(family: &Family, series: &Series, unix_nanos: u64, out: &mut Vec<u8>) -> u64 {
    let times = |out: &mut Vec<u8>| {
        if let Some(created_ms) = series.created_ms {
            fixed(2, created_ms.saturating_mul(1_000_000), out);
        }
        fixed(3, unix_nanos, out);
    };
    let attributes = |field, out: &mut Vec<u8>| {
        series.labels.iter().for_each(|(name, value)| write_attribute(field, name, value, out));
    };
    let mut number = |value, state: Option<&str>, exemplar: Option<&Exemplar>| {
        let point = open_field(1, out);
        times(out);
        double(4, value, out);
        exemplar.into_iter().for_each(|exemplar| write_exemplar(5, exemplar, unix_nanos, out));
        attributes(7, out);
        state.into_iter().for_each(|state| write_attribute(7, family.name, state, out));
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
            native.exemplars.iter().for_each(|exemplar| write_exemplar(11, exemplar, unix_nanos, out));
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
    // Halve the resolution until at most `MAX_BUCKETS` remain on either side.
    let width = |buckets: &[Bucket]| match buckets {
        [first, .., last] => i64::from(last.index) - i64::from(first.index),
        _ => 0,
    };
    let widest = width(native.positive()).max(width(native.negative()));
    let halvings = (0..32).find(|halvings| widest >> halvings < MAX_BUCKETS).unwrap_or(0);
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
            "span_id" => parse_id::<8>(value).map(|id| (4, id.to_vec())),
            "trace_id" => parse_id::<16>(value).map(|id| (5, id.to_vec())),
            _ => None,
        };
        match id {
            Some((field, id)) => {
                let bytes = open_field(field, out);
                out.extend_from_slice(&id);
                close(bytes, out);
            }
            None => write_attribute(7, name, value, out),
        }
    }
    close(message, out);
}

/// Parses a trace or span ID: `N` bytes in hexadecimal, not all zero.
fn parse_id<const N: usize>(text: &str) -> Option<[u8; N]> {
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
fn write_attribute(field: u32, key: &str, value: &str, out: &mut Vec<u8>) {
    let pair = open_field(field, out);
    text(1, key, out);
    let any = open_field(2, out);
    text(1, value, out);
    close(any, out);
    close(pair, out);
}

#[cfg(test)]
mod tests;
