//! JSON: the complete contents of the registry, for programs.
//!
//! ```json
//! {"families":[{
//!   "name":"latency_seconds","type":"histogram","help":"Latency.","unit":"seconds",
//!   "series":[{"labels":{"path":"/"},"created":1700000000.123,"count":3,"sum":7.5,
//!     "buckets":[{"le":0.5,"count":1,"exemplar":{"labels":{"trace_id":"x"},"value":0.4,"timestamp":1700000001.000}},
//!                {"le":"+Inf","count":3}]}],
//!   "samples":[{"name":"latency_seconds_bucket","labels":{"path":"/","le":"0.5"},"value":1}, …]}]}
//! ```
//!
//! `samples` is what a scraper of the text format stores: final names, all labels and one value.
//! `series` is the registry's own view, with one object per series: `labels`, `created` if known,
//! and depending on the type
//!
//! | type | members |
//! |---|---|
//! | `counter` | `value`; optionally `exemplar` |
//! | `gauge` | `value` |
//! | `histogram` | `count`, `sum`, `buckets`: `le`, `count` (cumulative), optionally `exemplar` |
//! | `native_histogram` | `count`, `sum`, `schema`, `zero_threshold`, `zero_count`; `negative` and `positive`: `lower`, `upper`, `count` (not cumulative); optionally `buckets` as of a histogram, and `exemplars` |
//! | `summary` | `count`, `sum`, `quantiles`: `quantile`, `value` |
//! | `info` | none |
//! | `stateset` | `states`: an object of booleans |
//!
//! A native histogram bucket covers magnitudes above `lower` and up to and including `upper`; empty
//! buckets are omitted. Numbers that JSON cannot represent are the strings `"NaN"`, `"+Inf"` and
//! `"-Inf"`. Counts are integers, even above 2^53; times are seconds since the Unix epoch. `help`
//! and `unit` are always present, possibly empty. Names are never escaped.

use super::samples::{self, Number, Own};
use crate::model::{Exemplar, Family, Point, Series};
use crate::number::{write_canonical, write_count, write_number, write_seconds};
use crate::registry::native::NativeHistogram;

/// For `Content-Type`.
pub const CONTENT_TYPE: &str = "application/json";

/// Appends one object, without a trailing newline.
pub fn encode(families: &[Family], out: &mut Vec<u8>) {
    write_bytes(b"{\"families\":", out);
    write_list(families, out, write_family);
    out.push(b'}');
}

fn write_family(family: &Family, out: &mut Vec<u8>) {
    write_bytes(b"{\"name\":", out);
    string(family.name, out);
    write_bytes(b",\"type\":", out);
    string(family.kind.name(), out);
    write_bytes(b",\"help\":", out);
    string(family.help, out);
    write_bytes(b",\"unit\":", out);
    string(family.unit, out);
    write_bytes(b",\"series\":", out);
    write_list(&family.series, out, write_series);
    write_bytes(b",\"samples\":[", out);
    let start = out.len();
    for series in &family.series {
        write_samples(family, series, start, out);
    }
    write_bytes(b"]}", out);
}

fn write_samples(family: &Family, series: &Series, start: usize, out: &mut Vec<u8>) {
    samples::each(family.kind, series, &mut |sample| {
        if out.len() > start {
            out.push(b',');
        }
        write_bytes(b"{\"name\":\"", out);
        write_characters(family.name, out);
        write_bytes(sample.suffix.as_bytes(), out);
        write_bytes(b"\",\"labels\":{", out);
        let labels = out.len();
        write_labels(&series.labels, out);
        if out.len() > labels && !matches!(sample.own, Own::None) {
            out.push(b',');
        }
        match sample.own {
            Own::None => {}
            Own::Bound(bound) => write_number_label(b"\"le\":\"", bound, out),
            Own::Rank(rank) => write_number_label(b"\"quantile\":\"", rank, out),
            Own::State(state) => write_member(family.name, state, out),
        }
        write_bytes(b"},\"value\":", out);
        match sample.value {
            Number::Float(value) => number(value, out),
            Number::Count(count) => write_count(count, out),
        }
        out.push(b'}');
    });
}

fn write_number_label(prefix: &[u8], value: f64, out: &mut Vec<u8>) {
    write_bytes(prefix, out);
    write_canonical(value, out);
    out.push(b'"');
}

/// Whether it only has a current value, which has no beginning.
fn is_instant(point: &Point) -> bool {
    matches!(point, Point::Gauge(_) | Point::Info | Point::StateSet { .. })
}

fn write_series(series: &Series, out: &mut Vec<u8>) {
    write_bytes(b"{\"labels\":{", out);
    write_labels(&series.labels, out);
    out.push(b'}');
    if let Some(created) = series.created_ms.filter(|_| !is_instant(&series.point)) {
        write_bytes(b",\"created\":", out);
        write_seconds(created, out);
    }
    if let Some((sum, count)) = samples::totals(series) {
        write_bytes(b",\"count\":", out);
        write_count(count, out);
        write_bytes(b",\"sum\":", out);
        number(sum, out);
    }
    match &series.point {
        Point::Counter { total, exemplar } => {
            write_bytes(b",\"value\":", out);
            number(*total, out);
            write_exemplar(*exemplar, out);
        }
        Point::Gauge(value) => {
            write_bytes(b",\"value\":", out);
            number(*value, out);
        }
        Point::Histogram { bounds, counts, exemplars, .. } => {
            write_buckets(samples::buckets(bounds, counts, exemplars), out);
        }
        Point::Native(native) => {
            write_native(native, out);
            if native.classic.is_some() {
                write_buckets(native.classic_buckets(), out);
            }
            if !native.exemplars.is_empty() {
                write_bytes(b",\"exemplars\":", out);
                write_list(native.exemplars, out, write_exemplar_value);
            }
        }
        Point::Summary { quantiles, .. } => {
            write_bytes(b",\"quantiles\":", out);
            write_list(quantiles, out, |(rank, value), out| {
                write_bytes(b"{\"quantile\":", out);
                number(*rank, out);
                write_bytes(b",\"value\":", out);
                number(*value, out);
                out.push(b'}');
            });
        }
        Point::Info => {}
        Point::StateSet(states) => {
            write_bytes(b",\"states\":{", out);
            write_separated(*states, out, |(state, on), out| {
                string(state, out);
                write_bytes(if *on { b":true" } else { b":false" }, out);
            });
            out.push(b'}');
        }
    }
    out.push(b'}');
}

fn write_native(native: &NativeHistogram, out: &mut Vec<u8>) {
    write_bytes(b",\"schema\":", out);
    write_number(f64::from(native.schema()), out);
    write_bytes(b",\"zero_threshold\":", out);
    number(native.zero_threshold(), out);
    write_bytes(b",\"zero_count\":", out);
    write_count(native.zero_count(), out);
    for (name, side) in [(&b",\"negative\":"[..], native.negative()), (b",\"positive\":", native.positive())] {
        write_bytes(name, out);
        write_list(side, out, |bucket, out| {
            let (lower, upper) = native.bounds(bucket.index);
            write_bytes(b"{\"lower\":", out);
            number(lower, out);
            write_bytes(b",\"upper\":", out);
            number(upper, out);
            write_bytes(b",\"count\":", out);
            write_count(bucket.count, out);
            out.push(b'}');
        });
    }
}

/// Appends classic buckets: their bounds, cumulative counts and exemplars.
fn write_buckets<'a>(buckets: impl Iterator<Item = (f64, u64, Option<&'a Exemplar>)>, out: &mut Vec<u8>) {
    write_bytes(b",\"buckets\":", out);
    write_list(buckets, out, |(bound, below, exemplar), out| {
        write_bytes(b"{\"le\":", out);
        number(bound, out);
        write_bytes(b",\"count\":", out);
        write_count(below, out);
        write_exemplar(exemplar, out);
        out.push(b'}');
    });
}

fn write_exemplar(exemplar: Option<&Exemplar>, out: &mut Vec<u8>) {
    if let Some(exemplar) = exemplar {
        write_bytes(b",\"exemplar\":", out);
        write_exemplar_value(exemplar, out);
    }
}

fn write_exemplar_value(exemplar: &Exemplar, out: &mut Vec<u8>) {
    write_bytes(b"{\"labels\":{", out);
    write_labels(&exemplar.labels, out);
    write_bytes(b"},\"value\":", out);
    number(exemplar.value, out);
    if let Some(unix_ms) = exemplar.unix_ms {
        write_bytes(b",\"timestamp\":", out);
        write_seconds(unix_ms, out);
    }
    out.push(b'}');
}

fn write_labels<T: AsRef<str>>(labels: &[(T, T)], out: &mut Vec<u8>) {
    write_separated(labels, out, |(name, value), out| write_member(name.as_ref(), value.as_ref(), out));
}

fn write_member(name: &str, value: &str, out: &mut Vec<u8>) {
    string(name, out);
    out.push(b':');
    string(value, out);
}

fn write_list<T>(items: impl IntoIterator<Item = T>, out: &mut Vec<u8>, write: impl FnMut(T, &mut Vec<u8>)) {
    out.push(b'[');
    write_separated(items, out, write);
    out.push(b']');
}

fn write_separated<T>(items: impl IntoIterator<Item = T>, out: &mut Vec<u8>, mut write: impl FnMut(T, &mut Vec<u8>)) {
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(item, out);
    }
}

/// Appends a number as JSON; non-finite numbers as strings, such as `"NaN"`.
// Inlining it at its many call sites would add kilobytes to the component.
#[inline(never)]
pub fn number(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        return write_number(value, out);
    }
    out.push(b'"');
    write_number(value, out);
    out.push(b'"');
}

/// Appends a quoted string.
#[inline(never)]
pub fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_characters(text, out);
    out.push(b'"');
}

/// The position of the first byte that must be escaped in a string. Scans eight bytes at a time,
/// since most strings have none.
pub fn first_to_escape(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..b' ');
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let controls = word.wrapping_sub(ONES * u64::from(b' ')) & !word;
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let slashes = zeros(word ^ (ONES * u64::from(b'\\')));
        // A borrow can wrongly mark the byte after a special one, never one before it, so the first
        // mark is correct.
        if (controls | quotes | slashes) & HIGHS != 0 {
            let marks = (controls | quotes | slashes) & HIGHS;
            return Some(index * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    let offset = bytes.len() - rest.len();
    rest.iter().position(is_special).map(|place| offset + place)
}

/// RFC 8259 requires escaping of quotes, backslashes and control characters only.
fn write_characters(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    // Most strings contain nothing to escape and are copied whole.
    while let Some(plain) = first_to_escape(rest) {
        let (before, after) = rest.split_at(plain);
        out.extend_from_slice(before);
        let Some((byte, after)) = after.split_first() else { break };
        rest = after;
        match *byte {
            b'"' => write_bytes(b"\\\"", out),
            b'\\' => write_bytes(b"\\\\", out),
            b'\n' => write_bytes(b"\\n", out),
            b'\r' => write_bytes(b"\\r", out),
            b'\t' => write_bytes(b"\\t", out),
            control => {
                write_bytes(b"\\u00", out);
                let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
                out.extend([digit(control >> 4), digit(control & 0xf)]);
            }
        }
    }
    out.extend_from_slice(rest);
}

#[inline(never)]
fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::super::testing::{self, each_kind, view};
    use super::*;

    fn encoded(families: &[testing::OwnedFamily]) -> String {
        let mut out = Vec::new();
        encode(&view(families), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_kind_has_its_members() {
        let sample = |name: &str, labels: Value, value: Value| json!({"name": name, "labels": labels, "value": value});
        let path = json!({"path": "/"});
        let bytes = json!({"code": "", "path": "/a\\b\n\"c\""});
        let expected = json!({"families": [
            {"name": "bytes_total", "type": "counter", "help": "Say \"bytes\",\\ or\nnothing.", "unit": "bytes",
             "series": [
                {"labels": bytes, "created": 1_700_000_000.12, "value": 3,
                 "exemplar": {"labels": {"trace_id": "x\"y"}, "value": 0.5, "timestamp": 1_700_000_001.0}},
                {"labels": {}, "value": 0.1}],
             "samples": [sample("bytes_total", bytes, json!(3)), sample("bytes_total", json!({}), json!(0.1))]},
            {"name": "gauge_ratio", "type": "gauge", "help": "", "unit": "",
             "series": [{"labels": {"a": "1", "b": "2"}, "value": -0.0}],
             "samples": [sample("gauge_ratio", json!({"a": "1", "b": "2"}), json!(-0.0))]},
            {"name": "latency_seconds", "type": "histogram", "help": "", "unit": "seconds",
             "series": [{"labels": path, "created": 1_700_000_000.12, "count": 4, "sum": 2_000_000, "buckets": [
                {"le": 0.0001, "count": 0},
                {"le": 1, "count": 2, "exemplar": {"labels": {}, "value": 0.25}},
                {"le": 1_000_000, "count": 3},
                {"le": "+Inf", "count": 4}]}],
             "samples": [
                sample("latency_seconds_bucket", json!({"path": "/", "le": "0.0001"}), json!(0)),
                sample("latency_seconds_bucket", json!({"path": "/", "le": "1.0"}), json!(2)),
                sample("latency_seconds_bucket", json!({"path": "/", "le": "1e+06"}), json!(3)),
                sample("latency_seconds_bucket", json!({"path": "/", "le": "+Inf"}), json!(4)),
                sample("latency_seconds_sum", path.clone(), json!(2_000_000)),
                sample("latency_seconds_count", path, json!(4))]},
            {"name": "my.native", "type": "native_histogram", "help": "", "unit": "",
             "series": [{"labels": {}, "created": 1_700_000_000.12, "count": 5, "sum": 46, "schema": 0,
                "zero_threshold": 0, "zero_count": 1, "negative": [], "positive": [
                    {"lower": 1, "upper": 2, "count": 2},
                    {"lower": 2, "upper": 4, "count": 1},
                    {"lower": 32, "upper": 64, "count": 1}]}],
             "samples": [
                sample("my.native_bucket", json!({"le": "+Inf"}), json!(5)),
                sample("my.native_sum", json!({}), json!(46)),
                sample("my.native_count", json!({}), json!(5))]},
            {"name": "state", "type": "stateset", "help": "", "unit": "",
             "series": [{"labels": {"a": "1"}, "states": {"off": false, "on": true}}],
             "samples": [
                sample("state", json!({"a": "1", "state": "off"}), json!(0)),
                sample("state", json!({"a": "1", "state": "on"}), json!(1))]},
            {"name": "summary", "type": "summary", "help": "", "unit": "",
             "series": [{"labels": {}, "created": 1_700_000_000.12, "count": 2, "sum": 0.5,
                "quantiles": [{"quantile": 0.5, "value": 0.25}, {"quantile": 1, "value": "NaN"}]}],
             "samples": [
                sample("summary", json!({"quantile": "0.5"}), json!(0.25)),
                sample("summary", json!({"quantile": "1.0"}), json!("NaN")),
                sample("summary_sum", json!({}), json!(0.5)),
                sample("summary_count", json!({}), json!(2))]},
            {"name": "version_info", "type": "info", "help": "", "unit": "",
             "series": [{"labels": {"la.bel": "1.2.3"}}],
             "samples": [sample("version_info", json!({"la.bel": "1.2.3"}), json!(1))]},
        ]});
        assert_eq!(serde_json::from_str::<Value>(&encoded(&each_kind())).unwrap(), expected);
    }

    #[test]
    fn members_are_in_the_documented_order_without_spaces() {
        let families = &each_kind()[4..5];
        let expected = r#"{"families":[{"name":"state","type":"stateset","help":"","unit":"","series":[{"labels":{"a":"1"},"states":{"off":false,"on":true}}],"samples":[{"name":"state","labels":{"a":"1","state":"off"},"value":0},{"name":"state","labels":{"a":"1","state":"on"},"value":1}]}]}"#;
        assert_eq!(encoded(families), expected);
        assert_eq!(encoded(&[]), r#"{"families":[]}"#);
    }

    fn is(read: &Value, value: f64) -> bool {
        match read {
            Value::String(text) => number_text(value) == *text && !value.is_finite(),
            // An integer loses the sign of zero; a double keeps it.
            number => number.as_f64().is_some_and(|read| read.to_bits() == value.to_bits()),
        }
    }

    fn number_text(value: f64) -> String {
        let mut out = Vec::new();
        write_number(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn object(labels: &[(&str, &str)]) -> Map<String, Value> {
        labels.iter().map(|(name, value)| (name.to_string(), json!(value))).collect()
    }

    #[test]
    fn all_required_characters_are_escaped() {
        let text: String = (0..=0x2100).filter_map(char::from_u32).collect();
        let mut out = Vec::new();
        string(&text, &mut out);
        assert_eq!(String::from_utf8(out.clone()).unwrap().chars().find(|character| *character < ' '), None);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }

    proptest! {
        #[test]
        fn strings_round_trip_through_serde_json(text in any::<String>()) {
            let mut out = Vec::new();
            string(&text, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn an_independent_parser_finds_every_sample(families in testing::arbitrary()) {
            let text = encoded(&families);
            let document: Value = serde_json::from_str(&text).unwrap();
            let families = view(&families);
            prop_assert_eq!(document["families"].as_array().unwrap().len(), families.len());
            for (read, family) in document["families"].as_array().unwrap().iter().zip(&families) {
                prop_assert_eq!(&read["name"], family.name);
                prop_assert_eq!(&read["help"], family.help);
                let mut samples = read["samples"].as_array().unwrap().iter();
                prop_assert_eq!(read["series"].as_array().unwrap().len(), family.series.len());
                for (read, series) in read["series"].as_array().unwrap().iter().zip(&family.series) {
                    prop_assert_eq!(read["labels"].as_object().unwrap(), &object(&series.labels));
                    samples::each(family.kind, series, &mut |sample| {
                        let read = samples.next().unwrap();
                        assert_eq!(read["name"], format!("{}{}", family.name, sample.suffix));
                        let mut labels = object(&series.labels);
                        if let Own::State(state) = sample.own {
                            labels.insert(family.name.to_owned(), json!(state));
                        }
                        let mut found = read["labels"].as_object().unwrap().clone();
                        found.retain(|name, _| !matches!(name.as_str(), "le" | "quantile"));
                        assert_eq!(found, labels);
                        match sample.value {
                            Number::Float(value) => assert!(is(&read["value"], value), "{read}"),
                            Number::Count(count) => assert_eq!(read["value"].as_u64(), Some(count), "{read}"),
                        }
                    });
                }
                prop_assert!(samples.next().is_none());
            }
        }
    }
}
