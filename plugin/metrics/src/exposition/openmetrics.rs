//! OpenMetrics 1.0.0 text.
//!
//! Two rules: a series has the same name as in every other format, so that dashboards do not depend
//! on the negotiated format; and nothing is omitted that a scraper could store. A family that
//! OpenMetrics cannot type is therefore written as type `unknown`, each sample name as a separate
//! family, without exemplars and `_created`:
//!
//! | kind | type | `unknown` if another family uses one of its names, or if |
//! |---|---|---|
//! | counter | `counter`; the family name omits `_total` | the name does not end with `_total`, or a total is negative or NaN |
//! | gauge | `gauge` | |
//! | histogram | `histogram` | a bound or sum is negative or a sum is NaN: such a sum is not a counter |
//! | gauge histogram | `gaugehistogram` | a sum is negative and no bound is, or a sum is NaN |
//! | unknown | `unknown` | |
//! | native histogram | `histogram` with its classic buckets, or `+Inf` only; the others need [`super::protobuf`] | a classic bound or sum is negative or a sum is NaN |
//! | summary | `summary` | a sum or a quantile is negative or a sum is NaN |
//! | info | `info`; the family name omits `_info` | the name does not end with `_info` |
//! | state set | `stateset` | the name has a `:`, which the escaping removes from the label with that name |
//!
//! `_created` follows the samples of a counter, histogram or summary, in seconds. `# UNIT` is
//! written if the escaped family name ends with the unit; never for info and state sets, for which
//! the specification allows no unit.
//!
//! If the types of two families need the same name (a counter `a_total` and a gauge `a`),
//! [`crate::reserved`] decides which one becomes `unknown`, and the registry sets
//! [`Family::gives_way`]. The caller ensures that no two families have the same name after
//! escaping, and that no series has a label `le`, `quantile` or, in a state set, one named like its
//! family.
//!
//! Source: the OpenMetrics specification 1.0.0; quoted names as in Prometheus 3.

use super::escaping::{
    Escaping, is_plain_metric_name, write_escaped, write_label, write_label_name, write_metric_name, write_sample_name,
};
use super::samples::{self, Number, Own, Sample};
use crate::model::{Exemplar, Family, Point, Series};
use crate::number::{write_canonical, write_count, write_number, write_seconds};
use crate::registry::Kind;

/// For `Content-Type`, without the escaping.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Maximum number of characters of an exemplar's labels: escaping makes names longer, and parsers
/// reject more.
const MAX_EXEMPLAR_LEN: usize = 128;

/// Appends all families and `# EOF`. Version 0.0.1 is the same text.
pub fn encode(families: &[Family], escaping: Escaping, out: &mut Vec<u8>) {
    let mut scratch = Scratch::default();
    for family in families {
        let name = escaping.metric_name(family.name);
        let writer = Writer { family, name: &name, escaping };
        match typed(family, &name, escaping) {
            Some((base, kind)) => writer.write_typed(base, kind, &mut scratch, out),
            None => writer.write_unknown(&mut scratch, out),
        }
    }
    out.extend_from_slice(b"# EOF\n");
}

/// The family's name and type, or `None` if OpenMetrics forbids that type for the family's
/// contents.
fn typed<'n>(family: &Family, name: &'n str, escaping: Escaping) -> Option<(&'n str, &'static str)> {
    if family.gives_way {
        return None;
    }
    // A name that consists only of the suffix has no base, even if escaping produces one: in the
    // dots scheme the counter `_total` would become `_`, whose reserved names were never checked
    // for conflicts.
    let base = |suffix: &str| {
        let base = name.strip_suffix(suffix)?;
        (family.name.chars().count() > suffix.len()).then_some(base)
    };
    let (base, kind) = match family.kind {
        Kind::Counter => (base("_total")?, "counter"),
        Kind::Gauge => (name, "gauge"),
        Kind::Histogram | Kind::NativeHistogram => (name, "histogram"),
        Kind::GaugeHistogram => (name, "gaugehistogram"),
        Kind::Summary => (name, "summary"),
        Kind::Unknown => return None,
        Kind::Info => (base("_info")?, "info"),
        Kind::StateSet => (escaping.label_name(family.name) == name).then_some((name, "stateset"))?,
    };
    (!base.is_empty() && family.series.iter().all(|series| has_valid_counters(family.kind, series)))
        .then_some((base, kind))
}

/// Whether all values that OpenMetrics treats as counters are valid ones.
fn has_valid_counters(kind: Kind, series: &Series) -> bool {
    let bounds = match &series.point {
        Point::Histogram { bounds, .. } => bounds,
        Point::Native(native) => native.classic.map_or(&[][..], |classic| classic.bounds),
        _ => &[],
    };
    let is_negative = bounds.first().is_some_and(|bound| *bound < 0.0);
    if kind == Kind::GaugeHistogram {
        // A negative sum needs negative buckets.
        return samples::totals(series).is_none_or(|(sum, _)| sum >= 0.0 || (is_negative && !sum.is_nan()));
    }
    let point = match &series.point {
        Point::Counter { total, .. } => *total >= 0.0,
        Point::Histogram { .. } | Point::Native(_) => !is_negative,
        // NaN is allowed: it means no recent observations.
        Point::Summary { quantiles, .. } => !quantiles.iter().any(|(_, value)| *value < 0.0),
        Point::Gauge(_) | Point::Info | Point::StateSet(_) => true,
    };
    point && samples::totals(series).is_none_or(|(sum, _)| sum >= 0.0)
}

/// Buffers reused across series.
#[derive(Default)]
struct Scratch {
    /// The series' labels.
    labels: Vec<u8>,
    /// The labels of the sample or its exemplar.
    own: Vec<u8>,
}

struct Writer<'f> {
    family: &'f Family<'f>,
    /// Escaped, including its suffix.
    name: &'f str,
    escaping: Escaping,
}

impl Writer<'_> {
    fn write_typed(&self, base: &str, kind: &str, scratch: &mut Scratch, out: &mut Vec<u8>) {
        self.write_head(base, "", kind, out);
        for series in &self.family.series {
            self.write_labels(series, &mut scratch.labels);
            samples::each(self.family.kind, series, &mut |sample| {
                self.write_sample(&sample, scratch, out);
                if let Some(exemplar) = sample.exemplar {
                    write_exemplar(exemplar, self.escaping, MAX_EXEMPLAR_LEN, &mut scratch.own, out);
                }
                out.push(b'\n');
            });
            if let Some(created) = series.created_ms.filter(|_| !matches!(kind, "gauge" | "info" | "stateset")) {
                write_sample_name(base, "_created", &scratch.labels, out);
                out.push(b' ');
                write_seconds(created, out);
                out.push(b'\n');
            }
        }
    }

    fn write_unknown(&self, scratch: &mut Scratch, out: &mut Vec<u8>) {
        for suffix in samples::suffixes(self.family.kind) {
            self.write_head(self.name, suffix, "unknown", out);
            for series in &self.family.series {
                self.write_labels(series, &mut scratch.labels);
                samples::each(self.family.kind, series, &mut |sample| {
                    if sample.suffix == *suffix {
                        self.write_sample(&sample, scratch, out);
                        out.push(b'\n');
                    }
                });
            }
        }
    }

    fn write_head(&self, name: &str, suffix: &str, kind: &str, out: &mut Vec<u8>) {
        let unit = self.family.unit;
        let has_unit = suffix.is_empty() && samples::ends_with_unit(name, unit) && is_plain_metric_name(unit);
        let unit = if has_unit { unit } else { "" };
        write_metadata((name, suffix), kind, unit, self.family.help, out);
    }

    fn write_labels(&self, series: &Series, out: &mut Vec<u8>) {
        out.clear();
        for (name, value) in &series.labels {
            write_label(&self.escaping.label_name(name), value, out);
        }
    }

    /// Writes the sample without the line ending.
    fn write_sample(&self, sample: &Sample, scratch: &mut Scratch, out: &mut Vec<u8>) {
        let series = scratch.labels.len();
        match sample.own {
            Own::None => {}
            Own::Bound(bound) => write_number_label("le", bound, &mut scratch.labels),
            Own::Rank(rank) => write_number_label("quantile", rank, &mut scratch.labels),
            Own::State(state) => write_label(&self.escaping.label_name(self.family.name), state, &mut scratch.labels),
        }
        write_sample_name(self.name, sample.suffix, &scratch.labels, out);
        scratch.labels.truncate(series);
        out.push(b' ');
        match sample.value {
            Number::Float(value) => write_number(value, out),
            Number::Count(count) => write_count(count, out),
        }
    }
}

/// Appends the lines before the samples of a family: its type, and its unit and help if there are.
/// An info and a state set have no unit.
pub(super) fn write_metadata((name, suffix): (&str, &str), kind: &str, unit: &str, help: &str, out: &mut Vec<u8>) {
    let mut line = |keyword: &[u8], text: &dyn Fn(&mut Vec<u8>)| {
        out.extend_from_slice(keyword);
        write_metric_name(name, suffix, out);
        out.push(b' ');
        text(out);
        out.push(b'\n');
    };
    line(b"# TYPE ", &|out| out.extend_from_slice(kind.as_bytes()));
    if !unit.is_empty() && !matches!(kind, "info" | "stateset") {
        line(b"# UNIT ", &|out| out.extend_from_slice(unit.as_bytes()));
    }
    if !help.is_empty() {
        line(b"# HELP ", &|out| write_escaped(help.as_bytes(), true, out));
    }
}

/// Appends an exemplar unless its labels have more characters than allowed. `labels` is a buffer.
pub(super) fn write_exemplar(
    exemplar: &Exemplar,
    escaping: Escaping,
    limit: usize,
    labels: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    labels.clear();
    let mut characters = 0;
    for (name, value) in &exemplar.labels {
        let name = escaping.label_name(name);
        characters += name.chars().count() + value.chars().count();
        write_label(&name, value, labels);
    }
    if characters > limit {
        return;
    }
    out.extend_from_slice(b" # {");
    out.extend_from_slice(labels);
    out.extend_from_slice(b"} ");
    write_number(exemplar.value, out);
    if let Some(unix_ms) = exemplar.unix_ms {
        out.push(b' ');
        write_seconds(unix_ms, out);
    }
}

fn write_number_label(name: &str, value: f64, out: &mut Vec<u8>) {
    write_label_name(name, out);
    out.extend_from_slice(b"=\"");
    write_canonical(value, out);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{self, each_kind, exemplar, family, native, series, view};
    use super::*;

    fn encoded(families: &[testing::OwnedFamily], escaping: Escaping) -> String {
        let mut out = Vec::new();
        encode(&view(families), escaping, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_kind_matches_the_specification() {
        let expected = r#"# TYPE bytes counter
# UNIT bytes bytes
# HELP bytes Say \"bytes\",\\ or\nnothing.
bytes_total{code="",path="/a\\b\n\"c\""} 3 # {trace_id="x\"y"} 0.5 1700000001.000
bytes_created{code="",path="/a\\b\n\"c\""} 1700000000.120
bytes_total 0.1
# TYPE gauge_ratio gauge
gauge_ratio{a="1",b="2"} -0.0
# TYPE latency_seconds histogram
# UNIT latency_seconds seconds
latency_seconds_bucket{path="/",le="0.0001"} 0
latency_seconds_bucket{path="/",le="1.0"} 2 # {} 0.25
latency_seconds_bucket{path="/",le="1e+06"} 3
latency_seconds_bucket{path="/",le="+Inf"} 4
latency_seconds_sum{path="/"} 2000000
latency_seconds_count{path="/"} 4
latency_seconds_created{path="/"} 1700000000.120
# TYPE "my.native" histogram
{"my.native_bucket",le="+Inf"} 5
{"my.native_sum"} 46
{"my.native_count"} 5
{"my.native_created"} 1700000000.120
# TYPE state stateset
state{a="1",state="off"} 0
state{a="1",state="on"} 1
# TYPE summary summary
summary{quantile="0.5"} 0.25
summary{quantile="1.0"} NaN
summary_sum 0.5
summary_count 2
summary_created 1700000000.120
# TYPE version info
version_info{"la.bel"="1.2.3"} 1
# EOF
"#;
        // The unit must follow an underscore, so this first name omits it.
        let mut families = each_kind();
        assert_eq!(encoded(&families, Escaping::AllowUtf8), expected.replace("# UNIT bytes bytes\n", ""));
        families[0].name = "sent_bytes_total".into();
        let expected = expected.replace(" bytes bytes", " sent_bytes bytes").replace("\nbytes_", "\nsent_bytes_");
        let expected = expected.replace("TYPE bytes", "TYPE sent_bytes").replace("HELP bytes", "HELP sent_bytes");
        assert_eq!(encoded(&families, Escaping::AllowUtf8), expected);
    }

    #[test]
    fn an_empty_registry_is_a_valid_exposition() {
        assert_eq!(encoded(&[], Escaping::AllowUtf8), "# EOF\n");
    }

    #[test]
    fn families_that_no_type_allows_are_unknown_and_keep_their_samples() {
        use testing::Point::{Counter, Histogram, Info, Native, Summary};
        let histogram = |bound, sum| Histogram { bounds: vec![bound], counts: vec![1, 2], sum, exemplars: vec![] };
        let summary = |value, sum| Summary { quantiles: vec![(0.5, value)], sum, count: 3 };
        let unknown_histogram = "# TYPE a_bucket unknown\na_bucket{le=\"BOUND\"} 1\na_bucket{le=\"+Inf\"} 3\n\
            # TYPE a_sum unknown\na_sum SUM\n# TYPE a_count unknown\na_count 3\n# EOF\n";
        let unknown_summary = "# TYPE a unknown\na{quantile=\"0.5\"} VALUE\n# TYPE a_sum unknown\na_sum SUM\n\
            # TYPE a_count unknown\na_count 3\n# EOF\n";
        for (kind, point, expected) in [
            (Kind::Counter, Counter(1.0, Some(exemplar(&[], 1.0, None))), "# TYPE a unknown\na 1\n# EOF\n".to_owned()),
            (Kind::Info, Info, "# TYPE a unknown\na 1\n# EOF\n".to_owned()),
            (Kind::Histogram, histogram(-1.0, 2.5), unknown_histogram.replace("BOUND", "-1.0").replace("SUM", "2.5")),
            (Kind::Histogram, histogram(1.0, -2.5), unknown_histogram.replace("BOUND", "1.0").replace("SUM", "-2.5")),
            (
                Kind::Histogram,
                histogram(1.0, f64::NAN),
                unknown_histogram.replace("BOUND", "1.0").replace("SUM", "NaN"),
            ),
            (Kind::Summary, summary(-0.5, 1.0), unknown_summary.replace("VALUE", "-0.5").replace("SUM", "1")),
            (Kind::Summary, summary(0.5, -1.0), unknown_summary.replace("VALUE", "0.5").replace("SUM", "-1")),
            (
                Kind::NativeHistogram,
                Native(native(&[-2.0])),
                "# TYPE a_bucket unknown\na_bucket{le=\"+Inf\"} 1\n# TYPE a_sum unknown\na_sum -2\n\
                 # TYPE a_count unknown\na_count 1\n# EOF\n"
                    .to_owned(),
            ),
        ] {
            let mut series = series(&[], point);
            series.created_ms = Some(1);
            assert_eq!(encoded(&[family("a", kind, vec![series])], Escaping::AllowUtf8), expected);
        }
    }

    #[test]
    fn an_invalid_counter_is_unknown_under_its_full_name() {
        let families = [family("a_total", Kind::Counter, vec![series(&[], testing::Point::Counter(f64::NAN, None))])];
        assert_eq!(encoded(&families, Escaping::AllowUtf8), "# TYPE a_total unknown\na_total NaN\n# EOF\n");
    }

    #[test]
    fn escaping_keeps_the_suffix_and_drops_a_unit_that_no_longer_matches() {
        let exemplar = exemplar(&[("trace.id", "x")], 1.0, None);
        let labels = [("la.bel", "v.w")];
        let mut families = [family(
            "a.b_bytes_total",
            Kind::Counter,
            vec![series(&labels, testing::Point::Counter(1.0, Some(exemplar)))],
        )];
        families[0].unit = "bytes".into();
        let expected = "# TYPE U__a_2e_b__bytes_ counter\n\
            U__a_2e_b__bytes__total{U__la_2e_bel=\"v.w\"} 1 # {U__trace_2e_id=\"x\"} 1\n# EOF\n";
        assert_eq!(encoded(&families, Escaping::Values), expected);
        let expected = "# TYPE a_b_bytes counter\n# UNIT a_b_bytes bytes\n\
            a_b_bytes_total{la_bel=\"v.w\"} 1 # {trace_id=\"x\"} 1\n# EOF\n";
        assert_eq!(encoded(&families, Escaping::Underscores), expected);
        let states = vec![("s".into(), true)];
        let states = [family("my.state", Kind::StateSet, vec![series(&[], testing::Point::StateSet(states))])];
        let expected = "# TYPE my_state stateset\nmy_state{my_state=\"s\"} 1\n# EOF\n";
        assert_eq!(encoded(&states, Escaping::Underscores), expected);
    }

    #[test]
    fn a_state_set_whose_label_differs_from_its_name_is_unknown() {
        let states = vec![("s".into(), true)];
        let states = [family("my:state", Kind::StateSet, vec![series(&[], testing::Point::StateSet(states))])];
        let expected = "# TYPE my:state unknown\nmy:state{my_state=\"s\"} 1\n# EOF\n";
        assert_eq!(encoded(&states, Escaping::Underscores), expected);
        let expected = "# TYPE my:state stateset\nmy:state{\"my:state\"=\"s\"} 1\n# EOF\n";
        assert_eq!(encoded(&states, Escaping::AllowUtf8), expected);
    }

    #[test]
    fn exemplars_too_long_after_escaping_are_omitted() {
        let long = "é".repeat(60);
        let families = |value: &str| {
            let exemplar = exemplar(&[(&long, value)], 1.0, None);
            [family("a_total", Kind::Counter, vec![series(&[], testing::Point::Counter(1.0, Some(exemplar)))])]
        };
        assert!(encoded(&families(&"x".repeat(68)), Escaping::AllowUtf8).contains('#'));
        assert_eq!(encoded(&families("x"), Escaping::Values), "# TYPE a counter\na_total 1\n# EOF\n");
    }

    /// A parsed sample: name, labels, value, and the exemplar's labels, value and time.
    type Read = (String, Vec<(String, String)>, String, Option<(Vec<(String, String)>, String)>);

    /// Parses a sample line, including quoted names.
    fn read_sample(line: &str) -> Read {
        let mut rest = line;
        let name_end = rest.find(['{', ' ']).unwrap();
        let mut name = rest[..name_end].to_owned();
        rest = &rest[name_end..];
        let mut labels = Vec::new();
        if rest.starts_with('{') {
            (labels, rest) = read_labels(rest);
            if name.is_empty() {
                let (quoted, none) = labels.remove(0);
                assert_eq!(none, "\0");
                name = quoted;
            }
        }
        let (value, exemplar) = rest.strip_prefix(' ').unwrap().split_once(" # ").map_or(
            (rest.strip_prefix(' ').unwrap(), None),
            |(value, exemplar)| {
                let (labels, rest) = read_labels(exemplar);
                (value, Some((labels, rest.strip_prefix(' ').unwrap().to_owned())))
            },
        );
        (name, labels, value.to_owned(), exemplar)
    }

    /// Parses the labels between braces and returns the remainder. A name without a value gets
    /// `"\0"`.
    fn read_labels(text: &str) -> (Vec<(String, String)>, &str) {
        let mut rest = text.strip_prefix('{').unwrap();
        let mut labels = Vec::new();
        while !rest.starts_with('}') {
            let name;
            (name, rest) = if rest.starts_with('"') {
                read_quoted(rest)
            } else {
                let (name, _) = rest.split_once('=').unwrap();
                assert!(super::super::escaping::is_plain_label_name(name), "{name}");
                (name.to_owned(), &rest[name.len()..])
            };
            let mut value = "\0".to_owned();
            if let Some(after) = rest.strip_prefix('=') {
                (value, rest) = read_quoted(after);
            }
            labels.push((name, value));
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        (labels, &rest[1..])
    }

    fn read_quoted(text: &str) -> (String, &str) {
        let mut characters = text.strip_prefix('"').unwrap().chars();
        let mut plain = String::new();
        loop {
            match characters.next().unwrap() {
                '"' => return (plain, characters.as_str()),
                '\\' => plain.push(match characters.next().unwrap() {
                    'n' => '\n',
                    same @ ('\\' | '"') => same,
                    other => panic!("\\{other} is no escape"),
                }),
                other => plain.push(other),
            }
        }
    }

    proptest! {
        #[test]
        fn samples_round_trip(families in testing::arbitrary()) {
            for escaping in [Escaping::AllowUtf8, Escaping::Underscores, Escaping::Dots, Escaping::Values] {
                let text = encoded(&families, escaping);
                let lines = text.strip_suffix("# EOF\n").unwrap().split_terminator('\n');
                let mut read: Vec<Read> = lines.filter(|line| !line.starts_with('#')).map(read_sample).collect();
                read.retain(|(name, ..)| !name.ends_with("_created"));
                let mut expected = Vec::new();
                for family in &view(&families) {
                    let typed = typed(family, &escaping.metric_name(family.name), escaping).is_some();
                    for series in &family.series {
                        samples::each(family.kind, series, &mut |sample| {
                            let mut labels: Vec<_> = series
                                .labels
                                .iter()
                                .map(|(name, value)| (escaping.label_name(name).into_owned(), value.to_string()))
                                .collect();
                            match sample.own {
                                Own::None => {}
                                Own::Bound(bound) => labels.push(("le".into(), canonical(bound))),
                                Own::Rank(rank) => labels.push(("quantile".into(), canonical(rank))),
                                Own::State(state) => {
                                    labels.push((escaping.label_name(family.name).into_owned(), state.to_owned()));
                                }
                            }
                            let value = match sample.value {
                                Number::Float(value) => number(value),
                                Number::Count(count) => count.to_string(),
                            };
                            let name = format!("{}{}", escaping.metric_name(family.name), sample.suffix);
                            expected.push((name, labels, value, typed && sample.exemplar.is_some()));
                        });
                    }
                }
                let fits = |read: &Read| read.3.is_some();
                let mut found: Vec<_> = read.iter().map(|read| (&read.0, &read.1, &read.2)).collect();
                let mut wanted: Vec<_> = expected.iter().map(|(name, labels, value, _)| (name, labels, value)).collect();
                found.sort();
                wanted.sort();
                prop_assert_eq!(found, wanted, "{}", text);
                let exemplars = expected.iter().filter(|(.., exemplar)| *exemplar).count();
                let written = read.iter().filter(|read| fits(read)).count();
                // Escaping may make an exemplar too long.
                prop_assert!(written <= exemplars && (escaping != Escaping::AllowUtf8 || written == exemplars));
            }
        }
    }

    fn canonical(value: f64) -> String {
        let mut out = Vec::new();
        write_canonical(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn number(value: f64) -> String {
        let mut out = Vec::new();
        write_number(value, &mut out);
        String::from_utf8(out).unwrap()
    }
}
