//! Prometheus text exposition, version 0.0.4.
//!
//! Families come sorted by name and series by label values, so that the same registry always gives the same bytes.
//! Names need no escape, because [`crate::registry`] holds valid ones only; label values and help do.

use crate::registry::{Buckets, Family, Labels, Registry, Value};

/// For `Content-Type`.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Appends the whole registry to `out`. Empty families do not occur, and an empty registry writes nothing.
pub fn encode(registry: &Registry, out: &mut Vec<u8>) {
    for family in registry.families() {
        write_head(family, out);
        for (labels, id) in family.series() {
            if let Some(value) = registry.value(id) {
                write_series(family, labels, value, out);
            }
        }
    }
}

fn write_head(family: &Family, out: &mut Vec<u8>) {
    let name = family.name.as_str().as_bytes();
    if !family.help.is_empty() {
        put(out, &[b"# HELP ", name, b" "]);
        escape(&family.help, false, out);
        out.push(b'\n');
    }
    put(out, &[b"# TYPE ", name, b" ", family.kind.name().as_bytes(), b"\n"]);
}

fn write_series(family: &Family, labels: &Labels, value: &Value, out: &mut Vec<u8>) {
    let mut sample = |suffix: &str, own: Option<(&str, f64)>, value: f64| {
        put(out, &[family.name.as_str().as_bytes(), suffix.as_bytes()]);
        write_labels(labels, own, out);
        out.push(b' ');
        write_number(value, out);
        out.push(b'\n');
    };
    match value {
        Value::Counter(value) | Value::Gauge(value) => sample("", None, *value),
        Value::Histogram { counts, sum } => {
            let mut below = 0;
            for (bound, count) in bounds(&family.buckets).zip(counts) {
                below += count;
                sample("_bucket", Some(("le", bound)), below as f64);
            }
            sample("_sum", None, *sum);
            sample("_count", None, below as f64);
        }
        Value::Summary { count, sum } => {
            sample("_sum", None, *sum);
            sample("_count", None, *count as f64);
        }
    }
}

fn bounds(buckets: &Buckets) -> impl Iterator<Item = f64> {
    buckets.bounds().iter().copied().chain([f64::INFINITY])
}

fn write_labels(labels: &Labels, own: Option<(&str, f64)>, out: &mut Vec<u8>) {
    let mut before: &[u8] = b"{";
    for (name, value) in labels.iter() {
        put(out, &[before, name.as_str().as_bytes(), b"=\""]);
        escape(value, true, out);
        out.push(b'"');
        before = b",";
    }
    if let Some((name, bound)) = own {
        put(out, &[before, name.as_bytes(), b"=\""]);
        write_number(bound, out);
        out.push(b'"');
        before = b",";
    }
    if before == b"," {
        out.push(b'}');
    }
}

fn put(out: &mut Vec<u8>, pieces: &[&[u8]]) {
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}

/// Backslash and line feed are escaped everywhere, the quote in label values only.
fn escape(text: &str, quote: bool, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' if quote => out.extend_from_slice(b"\\\""),
            other => out.push(other),
        }
    }
}

/// Appends the shortest text that reads back as the same number; whole numbers without a point.
pub fn write_number(value: f64, out: &mut Vec<u8>) {
    // Up to here every whole double is exact, and short.
    const WHOLE: f64 = 1e15;
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else if value.trunc() == value && value.abs() < WHOLE && !(value == 0.0 && value.is_sign_negative()) {
        out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::registry::{Definition, Kind, MetricName, Recording};

    /// Name, kind, labels, value.
    type Row<'a> = (&'a str, Kind, &'a [(&'a str, &'a str)], f64);

    fn registry(recordings: &[Row]) -> Registry {
        let mut registry = Registry::default();
        for (name, kind, labels, amount) in recordings {
            let recording = Recording {
                definition: Definition {
                    name: MetricName::new(name, "metric_name").unwrap(),
                    kind: *kind,
                    help: Some("Help with \\ and \n, \"quoted\".".into()),
                    buckets: (*kind == Kind::Histogram).then(|| Buckets::new(&[0.5, 1.0], "buckets").unwrap()),
                },
                labels: Labels::new(labels.iter().copied(), "labels").unwrap(),
                amount: *amount,
            };
            registry.record_all(&[recording]).unwrap();
        }
        registry
    }

    fn encoded(registry: &Registry) -> String {
        let mut out = Vec::new();
        encode(registry, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_kind_is_written_as_the_format_says() {
        let registry = registry(&[
            ("z_total", Kind::Counter, &[("b", "2"), ("a", "say \"hi\"\\\n")], 1.0),
            ("g", Kind::Gauge, &[], -0.5),
            ("h_seconds", Kind::Histogram, &[("a", "")], 0.5),
            ("h_seconds", Kind::Histogram, &[("a", "")], 7.0),
            ("s", Kind::Summary, &[], 2.5),
        ]);
        let help = "Help with \\\\ and \\n, \"quoted\".";
        let expected = format!(
            r#"# HELP g {help}
# TYPE g gauge
g -0.5
# HELP h_seconds {help}
# TYPE h_seconds histogram
h_seconds_bucket{{a="",le="0.5"}} 1
h_seconds_bucket{{a="",le="1"}} 1
h_seconds_bucket{{a="",le="+Inf"}} 2
h_seconds_sum{{a=""}} 7.5
h_seconds_count{{a=""}} 2
# HELP s {help}
# TYPE s summary
s_sum 2.5
s_count 1
# HELP z_total {help}
# TYPE z_total counter
z_total{{a="say \"hi\"\\\n",b="2"}} 1
"#
        );
        assert_eq!(encoded(&registry), expected);
    }

    #[test]
    fn numbers_read_back_as_themselves() {
        for value in [0.0, -0.0, 1.0, 0.1, 1e15, 1e21, 123_456_789.5, f64::MIN_POSITIVE, 5e-324, f64::MAX, -1e300] {
            let mut out = Vec::new();
            write_number(value, &mut out);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{text}");
        }
    }

    fn unescaped(value: &str) -> String {
        let mut characters = value.chars();
        let mut plain = String::new();
        while let Some(character) = characters.next() {
            plain.push(match character {
                '\\' => match characters.next().unwrap() {
                    'n' => '\n',
                    same @ ('\\' | '"') => same,
                    other => panic!("\\{other} is no escape"),
                },
                '"' => panic!("the value ends early: {value}"),
                other => other,
            });
        }
        plain
    }

    proptest! {
        #[test]
        fn an_independent_reader_finds_what_was_recorded(
            name in "[a-zA-Z_][a-zA-Z0-9_]{0,20}",
            label in "[a-z][a-z0-9_]{0,10}",
            // This reader knows neither colons in names, nor escapes, nor values with an equals sign, comma or brace.
            value in "[^\r\n\u{85}\u{2028}\u{2029}=,{}\\\\\"]{0,40}",
            amount in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        ) {
            let registry = registry(&[(&name, Kind::Gauge, &[(&label, &value)], amount)]);
            let text = encoded(&registry);
            let scrape = prometheus_parse::Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap();
            prop_assert_eq!(scrape.samples.len(), 1, "{}", text);
            let sample = &scrape.samples[0];
            prop_assert_eq!(&sample.metric, &name);
            prop_assert_eq!(sample.labels.get(&label), Some(value.as_str()), "{}", text);
            match sample.value {
                prometheus_parse::Value::Gauge(read) => prop_assert_eq!(read.to_bits(), amount.to_bits()),
                ref other => prop_assert!(false, "{:?}", other),
            }
        }

        #[test]
        fn any_label_value_stays_on_its_line_and_unescapes_to_itself(value in any::<String>()) {
            let text = encoded(&registry(&[("m", Kind::Gauge, &[("l", &value)], 1.0)]));
            let sample = text.split('\n').find(|line| line.starts_with("m{")).unwrap();
            let written = sample.strip_prefix("m{l=\"").unwrap().strip_suffix("\"} 1").unwrap();
            prop_assert_eq!(unescaped(written), value);
        }
    }
}
