//! Parses an exposition into metric families for display in the web UI, `top` and `watch`.
//!
//! Expects the text format as the plug writes it: contiguous families, no timestamps. For
//! expositions of other programs, use the plug's `scrape_endpoint`. The text format escapes names;
//! the JSON format has them as they are.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::Deserialize;

use crate::chart::number;

/// A metric family: the samples under one `# TYPE`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricFamily {
    /// Its name.
    pub name: String,
    /// Its type, as written in the exposition.
    pub kind: String,
    /// Its help text; empty if there is none.
    pub help: String,
    /// The samples: series (name and labels) and value.
    pub samples: Vec<(String, f64)>,
}

impl MetricFamily {
    /// The aggregated value: the sum for counters, the observation count for histograms and
    /// summaries, and the minimum and maximum for gauges and other types, for which a sum is
    /// meaningless.
    pub fn value(&self) -> Span {
        if self.is_composite() {
            let count = format!("{}_count", self.name);
            return Span::of(
                self.samples.iter().filter(|(series, _)| name(series) == count).map(|sample| sample.1).sum(),
            );
        }
        let values = self.samples.iter().map(|sample| sample.1);
        if self.accumulates() {
            return Span::of(values.sum());
        }
        values.map(Span::of).reduce(Span::with).unwrap_or(Span::GAP)
    }

    /// Whether its value is monotonic, so that it has a rate.
    pub fn accumulates(&self) -> bool {
        self.is_composite() || self.kind == "counter"
    }

    /// The number of series. The buckets or quantiles of a histogram or summary count as one.
    pub fn series(&self) -> usize {
        if !self.is_composite() {
            return self.samples.len();
        }
        let count = format!("{}_count", self.name);
        self.samples.iter().filter(|(series, _)| name(series) == count).count()
    }

    fn is_composite(&self) -> bool {
        matches!(self.kind.as_str(), "histogram" | "summary")
    }
}

/// The minimum and maximum value of a family at one point in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// The minimum.
    pub min: f64,
    /// The maximum.
    pub max: f64,
}

impl Span {
    /// No value.
    pub const GAP: Self = Self { min: f64::NAN, max: f64::NAN };

    /// A span of one value.
    pub fn of(value: f64) -> Self {
        Self { min: value, max: value }
    }

    /// The union of both spans. NaN is ignored if the other side is a number.
    pub fn with(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// Whether there is no value.
    pub fn is_gap(self) -> bool {
        self.max.is_nan()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max || self.is_gap() {
            return f.write_str(&number(self.max));
        }
        // An en dash and a minus sign are hard to tell apart.
        let dash = if self.min < 0.0 || self.max < 0.0 { " to " } else { "–" };
        write!(f, "{}{dash}{}", number(self.min), number(self.max))
    }
}

/// The metric name of a series; in braces and quotes if it is not a classic name.
fn name(series: &str) -> Cow<'_, str> {
    let Some(quoted) = series.strip_prefix("{\"") else {
        return series.split('{').next().unwrap_or(series).into();
    };
    let mut name = String::new();
    let mut rest = quoted.chars();
    while let Some(c) = rest.next().filter(|c| *c != '"') {
        name.extend(if c == '\\' { rest.next() } else { Some(c) });
    }
    name.into()
}

/// The name that a family has in the text format, for one that is not a classic name.
pub(crate) fn text_name(name: &str) -> String {
    let keep =
        |(index, c): (usize, char)| c.is_ascii_alphabetic() || c == '_' || c == ':' || index > 0 && c.is_ascii_digit();
    name.chars().enumerate().map(|(index, c)| if keep((index, c)) { c } else { '_' }).collect()
}

/// The parts of a JSON exposition that are shown.
#[derive(Deserialize)]
struct Exposition<'a> {
    #[serde(borrow)]
    families: Vec<JsonFamily<'a>>,
}

#[derive(Deserialize)]
struct JsonFamily<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    help: Cow<'a, str>,
    #[serde(borrow)]
    samples: Vec<JsonSample<'a>>,
}

#[derive(Deserialize)]
struct JsonSample<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    labels: serde_json::Map<String, serde_json::Value>,
    value: serde_json::Value,
}

/// Parses the families of a JSON exposition as this project's plug writes it, in order; none if it
/// is another JSON.
pub(crate) fn read_json(json: &[u8]) -> Option<Vec<MetricFamily>> {
    let exposition: Exposition = serde_json::from_slice(json).ok()?;
    let number = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.parse().ok(),
        value => value.as_f64(),
    };
    let family = |family: JsonFamily| {
        let samples = family.samples.iter().filter_map(|sample| Some((series(sample), number(&sample.value)?)));
        MetricFamily {
            samples: samples.collect(),
            name: family.name.into_owned(),
            kind: family.kind.into_owned(),
            help: family.help.into_owned(),
        }
    };
    Some(exposition.families.into_iter().map(family).collect())
}

/// A series as PromQL selects it.
fn series(sample: &JsonSample) -> String {
    let is_classic = |name: &str| text_name(name) == name;
    let mut text = String::new();
    let mut open = '{';
    if is_classic(&sample.name) {
        text.push_str(&sample.name);
    } else {
        let _ = write!(text, "{{{}", quoted(&sample.name));
        open = ',';
    }
    for (label, value) in &sample.labels {
        text.push(open);
        open = ',';
        let value = value.as_str().unwrap_or_default();
        let _ = if is_classic(label) { write!(text, "{label}=") } else { write!(text, "{}=", quoted(label)) };
        text.push_str(&quoted(value));
    }
    if open == ',' {
        text.push('}');
    }
    text
}

/// Text in quotes, escaped as in the text format.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// Parses the families of a text exposition, in order. Ignores malformed lines.
pub fn read(text: &str) -> Vec<MetricFamily> {
    let mut families: Vec<MetricFamily> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (word, name, rest) = (words.next(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if families.last().is_none_or(|family| family.name != name) {
                families.push(MetricFamily { name: name.into(), ..MetricFamily::default() });
            }
            match (word, families.last_mut()) {
                (Some("HELP"), Some(family)) => family.help = rest.replace("\\n", " ").replace("\\\\", "\\"),
                (Some("TYPE"), Some(family)) => family.kind = rest.into(),
                _ => {}
            }
            continue;
        }
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let Ok(value) = value.parse() else { continue };
        let own = name(series);
        if families.last().is_none_or(|family| !own.starts_with(&family.name) && !series.starts_with("{\"")) {
            families.push(MetricFamily { name: own.into(), kind: "untyped".into(), ..MetricFamily::default() });
        }
        if let Some(family) = families.last_mut() {
            family.samples.push((series.into(), value));
        }
    }
    families
}

/// A change of a sample between two expositions.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// The sample is new.
    New(String, f64),
    /// The old and the new value.
    Changed(String, f64, f64),
    /// The sample is gone; its last value.
    Gone(String, f64),
}

/// The changes between two expositions, sorted by series.
pub fn differences(before: &[MetricFamily], after: &[MetricFamily]) -> Vec<Difference> {
    let samples = |families: &[MetricFamily]| -> BTreeMap<String, f64> {
        families.iter().flat_map(|family| family.samples.iter().cloned()).collect()
    };
    let (before, after) = (samples(before), samples(after));
    let mut differences: Vec<Difference> = after
        .iter()
        .filter_map(|(series, value)| match before.get(series) {
            None => Some(Difference::New(series.clone(), *value)),
            // NaN does not equal itself.
            Some(old) if old == value || old.is_nan() && value.is_nan() => None,
            Some(old) => Some(Difference::Changed(series.clone(), *old, *value)),
        })
        .collect();
    let gone = before.iter().filter(|(series, _)| !after.contains_key(*series));
    differences.extend(gone.map(|(series, value)| Difference::Gone(series.clone(), *value)));
    differences
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP jobs_total Jobs\\nthat ran.\n# TYPE jobs_total counter\njobs_total{queue=\"a b\"} 3\njobs_total{queue=\"c\"} 4\n\
        # TYPE wait_seconds histogram\nwait_seconds_bucket{le=\"1\"} 2\nwait_seconds_bucket{le=\"+Inf\"} 5\nwait_seconds_sum 9.5\nwait_seconds_count 5\n\
        loose 1\n# TYPE empty gauge\nnonsense\n";

    #[test]
    fn an_exposition_is_read_by_family() {
        let families = read(TEXT);
        let all: Vec<_> = families.iter().map(|f| (f.name.as_str(), f.kind.as_str(), f.series(), f.value())).collect();
        let Some((last, found)) = all.split_last() else { panic!("no families") };
        assert_eq!((last.0, last.1, last.2, last.3.is_gap()), ("empty", "gauge", 0, true));
        assert_eq!(
            found,
            [
                ("jobs_total", "counter", 2, Span::of(7.0)),
                ("wait_seconds", "histogram", 1, Span::of(5.0)),
                ("loose", "untyped", 1, Span::of(1.0)),
            ]
        );
        assert_eq!(
            (families[0].help.as_str(), families[0].samples[0].0.as_str()),
            ("Jobs that ran.", "jobs_total{queue=\"a b\"}")
        );
    }

    #[test]
    fn names_in_json_are_as_they_are() {
        let json = r#"{"families":[
            {"name":"http.wait é","type":"histogram","help":"H.","unit":"","series":[{"labels":{},"count":3}],"samples":[
                {"name":"http.wait é_bucket","labels":{"le":"+Inf","a b":"x\"y"},"value":3},
                {"name":"http.wait é_count","labels":{"a b":"x\"y"},"value":3},
                {"name":"http.wait é_sum","labels":{"a b":"x\"y"},"value":"NaN"}]},
            {"name":"up","type":"gauge","help":"","samples":[{"name":"up","labels":{},"value":1},{"name":"up","labels":{"a":"b"},"value":"+Inf"}]}]}"#;
        let families = read_json(json.as_bytes()).unwrap();
        assert_eq!(
            (families[0].name.as_str(), families[0].value(), families[0].series()),
            ("http.wait é", Span::of(3.0), 1)
        );
        assert_eq!(families[0].samples[1].0, r#"{"http.wait é_count","a b"="x\"y"}"#);
        let up: Vec<&str> = families[1].samples.iter().map(|sample| sample.0.as_str()).collect();
        assert_eq!((up, families[1].samples[1].1), (vec!["up", "up{a=\"b\"}"], f64::INFINITY));
        assert_eq!(text_name("http.wait é"), "http_wait__");
        assert_eq!((text_name("9x"), text_name("a:b_9")), ("_x".into(), "a:b_9".into()));
        assert!(read_json(b"[]").is_none() && read_json(b"no").is_none());
    }

    #[test]
    fn gauges_are_not_summed() {
        let value = |text: &str| read(text)[0].value();
        let rooms = value(
            "# TYPE temperature_celsius gauge\ntemperature_celsius{room=\"a\"} 20\ntemperature_celsius{room=\"b\"} 22\n",
        );
        assert_eq!((rooms, rooms.to_string().as_str()), (Span { min: 20.0, max: 22.0 }, "20–22"));
        assert_eq!(value("# TYPE info gauge\ninfo{v=\"1\"} 1\ninfo{v=\"2\"} 1\n").to_string(), "1");
        assert_eq!(value("# TYPE t gauge\nt{a=\"1\"} -3\nt{a=\"2\"} NaN\nt{a=\"3\"} 4\n").to_string(), "-3 to 4");
        assert_eq!(value("x{a=\"1\"} 1\nx{a=\"2\"} 2\n").to_string(), "1–2", "untyped samples may not be additive");
        assert_eq!(value("# TYPE c counter\nc{a=\"1\"} 1\nc{a=\"2\"} 2\n").to_string(), "3");
    }

    #[test]
    fn differences_are_new_changed_and_gone_samples() {
        let before = read("a 1\nb 2\nc NaN\n");
        let after = read("a 1\nb 3\nc NaN\nd 4\n");
        assert_eq!(
            differences(&before, &after),
            [Difference::Changed("b".into(), 2.0, 3.0), Difference::New("d".into(), 4.0)]
        );
        assert_eq!(differences(&after, &read(""))[0], Difference::Gone("a".into(), 1.0));
        assert_eq!(differences(&after, &after), []);
    }
}
