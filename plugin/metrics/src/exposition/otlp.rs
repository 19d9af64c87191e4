//! OTLP metrics: encodes `opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest` for
//! OTLP/HTTP, and decodes the response. No I/O.
//!
//! | kind | encoded as |
//! |---|---|
//! | counter | Sum, monotonic, with start time |
//! | gauge | Gauge |
//! | info, state set | Sum, cumulative, not monotonic; a state is an attribute named after the family |
//! | `target_info` with one series | attributes of the resource |
//! | `otel_scope_info` | attributes of its scope |
//! | histogram | Histogram with explicit bounds |
//! | native histogram | ExponentialHistogram |
//! | summary | Summary |
//! | gauge histogram | nothing: OTLP has none, and its compatibility specification drops them |
//! | unknown | Gauge |
//!
//! Counters and histograms are cumulative or [deltas](Temporality). Series with the label
//! `otel_scope_name` or `otel_scope_version` belong to that instrumentation scope: their labels
//! `otel_scope_…` are its name, version, schema URL and attributes.
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
//! | ScopeMetrics | 1 scope s, 2 metric s, 3 schema URL s |
//! | InstrumentationScope | 1 name s, 2 version s, 3 attribute s |
//! | Metric | 1 name s, 2 description s, 3 unit s, 5 gauge s, 7 sum s, 9 histogram s, 10 exponential histogram s, 11 summary s, 12 metadata (an attribute) s |
//! | Gauge, Summary | 1 data point s |
//! | Sum | 1 data point s, 2 temporality v (1 is delta, 2 is cumulative), 3 monotonic v |
//! | Histogram, ExponentialHistogram | 1 data point s, 2 temporality v |
//! | NumberDataPoint | 2 start d, 3 time d, 4 value d, 5 exemplar s, 7 attribute s, 8 flags v (1 is no recorded value) |
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

use super::remote_write::STALE;
use super::wire::{close, double, fixed, open_field, signed, take_field, text, unsigned, varint};
use crate::model::{Exemplar, Family, FamilyType, Labelled, Point, Series};
use crate::registry::Kind;
use crate::registry::native::{Bucket, NativeHistogram};
use crate::sort::sort_places;

/// For `Content-Type`.
pub const CONTENT_TYPE: &str = "application/x-protobuf";

/// OTLP encodes buckets densely, and the buckets of a native histogram may be far apart: the
/// resolution is reduced until at most this many remain on either side.
const MAX_BUCKETS: i64 = 20_000;

/// The metric whose labels describe the target.
const TARGET_INFO: &str = "target_info";

/// The metric whose labels describe a scope.
const SCOPE_INFO: &str = "otel_scope_info";

/// How the names of labels about the scope begin.
const SCOPE_PREFIX: &str = "otel_scope_";

/// The instrumentation scope of metrics that name none: name and version.
pub type Scope<'a> = (&'a str, &'a str);

/// The flag of a data point that is a stale marker.
const NO_RECORDED_VALUE: u64 = 1;

/// What counters and histograms count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temporality {
    /// What was counted since the last export: of a registry after
    /// [`Registry::subtract`](crate::registry::Registry::subtract).
    Delta = 1,
    /// All that was counted since the start.
    Cumulative = 2,
}

/// What all data points of a body have in common.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// The scope of metrics that name none.
    pub scope: Scope<'a>,
    /// That of counters and histograms. Infos and state sets, which are sums that are not
    /// monotonic, are always cumulative.
    pub temporality: Temporality,
    /// The time of the data points.
    pub unix_nanos: u64,
}

/// A series and its family.
type Member<'m, 'a> = (&'m Family<'a>, &'m Series<'a>);

/// Encodes a request body and returns it with its number of data points. Each resource has families
/// and attributes, such as `service.name`; labels of `target_info` override the attributes.
pub fn encode_all(resources: &[Labelled], export: Export) -> (Vec<u8>, u64) {
    let mut out = Vec::new();
    let points = resources.iter().map(|resource| write_resource(resource, export, &mut out));
    let points = points.sum();
    (out, points)
}

fn write_resource((families, resource): &Labelled, export: Export, out: &mut Vec<u8>) -> u64 {
    let mut points = 0;
    let resource_metrics = open_field(1, out);
    let message = open_field(1, out);
    let target = families.iter().find_map(target);
    let own = target.as_deref().unwrap_or_default();
    let external = resource.iter().filter(|(key, _)| !own.iter().any(|(own, _)| own == key));
    external.chain(own).for_each(|(key, value)| write_attribute(1, key, value, out));
    close(message, out);
    let infos = families.iter().find(|family| family.name == SCOPE_INFO).map_or(&[][..], |family| &family.series);
    let is_written = |family: &&Family| {
        let describes = family.name == SCOPE_INFO || (target.is_some() && family.name == TARGET_INFO);
        !describes && family.kind != Kind::GaugeHistogram
    };
    let members = families.iter().filter(is_written);
    let members = members.flat_map(|family| family.series.iter().map(move |series| (family, series)));
    let mut members: Vec<Member> = members.collect();
    sort_by_scope(&mut members);
    let mut rest = &members[..];
    while let Some((_, first)) = rest.first() {
        let is_other = |(_, series): &Member| scope_labels(series).ne(scope_labels(first));
        let count = rest.iter().position(is_other).unwrap_or(rest.len());
        // A position, or the length.
        let (same, others) = rest.split_at(count);
        points += write_scope(same, infos, export, out);
        rest = others;
    }
    close(resource_metrics, out);
    points
}

/// Sorts series by their scope, stably; those that name none come first.
#[cold]
fn sort_by_scope(members: &mut Vec<Member>) {
    if members.iter().all(|(_, series)| scope_labels(series).next().is_none()) {
        return;
    }
    let mut places: Vec<u32> = (0..members.len() as u32).collect();
    sort_places(&mut places, &|a, b| {
        let labels = |place: u32| members.get(place as usize).into_iter().flat_map(|(_, series)| scope_labels(series));
        labels(a).cmp(labels(b))
    });
    *members = places.into_iter().filter_map(|place| members.get(place as usize).copied()).collect();
}

/// The labels of a series that are about its scope, without their prefix; none if they do not name
/// one.
fn scope_labels<'s, 'a>(series: &'s Series<'a>) -> impl Iterator<Item = (&'a str, &'a str)> + use<'s, 'a> {
    let labels = series.labels.iter().filter_map(|(name, value)| Some((name.strip_prefix(SCOPE_PREFIX)?, *value)));
    let is_named = labels.clone().any(|(name, value)| matches!(name, "name" | "version") && !value.is_empty());
    labels.filter(move |_| is_named)
}

fn value_of<'a>(labels: &[(&'a str, &'a str)], name: &str) -> &'a str {
    labels.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| *value)
}

/// Writes the metrics of a scope and returns the number of their data points.
#[inline(never)]
fn write_scope(members: &[Member], infos: &[Series], export: Export, out: &mut Vec<u8>) -> u64 {
    let labels: Vec<(&str, &str)> = members.first().map(|(_, first)| scope_labels(first).collect()).unwrap_or_default();
    let is_named = !labels.is_empty();
    let named = (value_of(&labels, "name"), value_of(&labels, "version"));
    let (name, version) = if is_named { named } else { export.scope };
    let scope_metrics = open_field(2, out);
    let scope = open_field(1, out);
    text(1, name, out);
    text(2, version, out);
    let own = labels.iter().copied().filter(|(name, _)| !matches!(*name, "name" | "version" | "schema_url"));
    own.clone().for_each(|(name, value)| write_attribute(3, name, value, out));
    let info = infos.iter().filter(|_| is_named).find(|info| {
        let [name, version] = ["otel_scope_name", "otel_scope_version"].map(|name| value_of(&info.labels, name));
        (name, version) == named
    });
    for (name, value) in info.map_or(&[][..], |info| &info.labels) {
        let is_known = name.starts_with(SCOPE_PREFIX) || own.clone().any(|(own, _)| own == *name);
        if !is_known {
            write_attribute(3, name, value, out);
        }
    }
    close(scope, out);
    let mut points = 0;
    let mut rest = members;
    while let Some((family, _)) = rest.first() {
        let count = rest.iter().position(|(other, _)| !std::ptr::eq(*family, *other)).unwrap_or(rest.len());
        // A position, or the length.
        let (same, others) = rest.split_at(count);
        points += write_metric(same, is_named, export, out);
        rest = others;
    }
    match value_of(&labels, "schema_url") {
        "" => {}
        url => text(3, url, out),
    }
    close(scope_metrics, out);
    points
}

/// Writes a metric with these series of its family and returns the number of its data points.
fn write_metric(members: &[Member], has_scope: bool, export: Export, out: &mut Vec<u8>) -> u64 {
    let Some((family, _)) = members.first() else { return 0 };
    let mut points = 0;
    let metric = open_field(2, out);
    text(1, family.name, out);
    text(2, family.help, out);
    text(3, &unit(family.unit), out);
    let data = open_field(data_field(family.kind), out);
    for (_, series) in members {
        points += write_points(family, series, has_scope, export.unix_nanos, out);
    }
    let temporality = match family.kind {
        Kind::Counter | Kind::Histogram | Kind::NativeHistogram => Some(export.temporality),
        Kind::Info | Kind::StateSet => Some(Temporality::Cumulative),
        Kind::Gauge | Kind::GaugeHistogram | Kind::Summary | Kind::Unknown => None,
    };
    if let Some(temporality) = temporality {
        unsigned(2, temporality as u64, out);
    }
    if family.kind == Kind::Counter {
        unsigned(3, 1, out);
    }
    close(data, out);
    write_attribute(12, "prometheus.type", FamilyType::from(family.kind).name(), out);
    close(metric, out);
    points
}

/// Encodes a single resource.
#[cfg(test)]
fn encode(families: &[Family], resource: &[(&str, &str)], unix_nanos: u64) -> (Vec<u8>, u64) {
    let export = Export { scope: ("scope", "1"), temporality: Temporality::Cumulative, unix_nanos };
    encode_all(&[(families.to_vec(), resource.to_vec())], export)
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

fn data_field(kind: Kind) -> u32 {
    match kind {
        // Gauge histograms are not written.
        Kind::Gauge | Kind::GaugeHistogram | Kind::Unknown => 5,
        Kind::Counter | Kind::Info | Kind::StateSet => 7,
        Kind::Histogram => 9,
        Kind::NativeHistogram => 10,
        Kind::Summary => 11,
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
fn write_points(family: &Family, series: &Series, has_scope: bool, unix_nanos: u64, out: &mut Vec<u8>) -> u64 {
    let times = |out: &mut Vec<u8>| {
        if let Some(created_ms) = series.created_ms {
            fixed(2, created_ms.saturating_mul(1_000_000), out);
        }
        fixed(3, unix_nanos, out);
    };
    let attributes = |field, out: &mut Vec<u8>| {
        let own = series.labels.iter().filter(|(name, _)| !(has_scope && name.starts_with(SCOPE_PREFIX)));
        own.for_each(|(name, value)| write_attribute(field, name, value, out));
    };
    let mut number = |value: f64, state: Option<&str>, exemplar: Option<&Exemplar>| {
        let point = open_field(1, out);
        times(out);
        match value.to_bits() == STALE.to_bits() {
            true => unsigned(8, NO_RECORDED_VALUE, out),
            false => double(4, value, out),
        }
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
