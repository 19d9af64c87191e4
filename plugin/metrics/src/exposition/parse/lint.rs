//! A linter for valid expositions: the rules of `promtool check metrics` and the recommendations of
//! the text format.

use super::families::own_label;
use super::{Families, FamilyType, Format, ParsedFamily, Part};

/// Maximum number of findings per input.
pub const MAX_FINDINGS: usize = 1_000;

/// Maximum number of label names checked per metric.
const MAX_NAMES: usize = 200;

/// A problem in a target's exposition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The metric's name.
    pub metric: String,
    /// The rule's stable identifier, such as `help`.
    pub rule: &'static str,
    /// The problem, and how to fix it.
    pub problem: String,
}

/// Units and their base units.
const UNITS: [(&str, &str); 25] = [
    ("amperes", "amperes"),
    ("bytes", "bytes"),
    ("celsius", "celsius"),
    ("grams", "grams"),
    ("joules", "joules"),
    ("kelvin", "kelvin"),
    ("meters", "meters"),
    ("metres", "metres"),
    ("seconds", "seconds"),
    ("volts", "volts"),
    ("minutes", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("weeks", "seconds"),
    ("kelvins", "kelvin"),
    ("fahrenheit", "celsius"),
    ("rankine", "celsius"),
    ("inches", "meters"),
    ("yards", "meters"),
    ("miles", "meters"),
    ("bits", "bytes"),
    ("calories", "joules"),
    ("pounds", "grams"),
    ("ounces", "grams"),
    ("percent", "ratio"),
];

/// Unit prefixes.
const PREFIXES: [&str; 18] = [
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega", "mebi", "giga", "gibi",
    "tera", "tebi", "peta", "pebi",
];

const ABBREVIATIONS: [&str; 14] = ["s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"];

/// Type names that should not be part of a metric name.
const TYPES: [&str; 5] = ["counter", "gauge", "summary", "histogram", "gauge_histogram"];

/// The findings for all families with samples, by family; at most [`MAX_FINDINGS`].
pub fn lint(families: &Families) -> Vec<Finding> {
    let mut findings = Vec::new();
    for family in families.list.iter().filter(|family| !family.points.is_empty()) {
        let mut lint = Lint { family, name: text_name(families, family), findings: &mut findings };
        lint.metadata();
        lint.name();
        lint.labels(families);
        lint.series(families);
        if findings.len() >= MAX_FINDINGS {
            findings.truncate(MAX_FINDINGS);
            break;
        }
    }
    findings
}

/// The family's name in text 0.0.4.
pub(super) fn text_name(families: &Families, family: &ParsedFamily) -> String {
    let suffix = match (families.format, family.kind) {
        (Format::OpenMetrics, FamilyType::Counter) => "_total",
        (Format::OpenMetrics, FamilyType::Info) => "_info",
        _ => "",
    };
    format!("{}{suffix}", family.name)
}

struct Lint<'l, 'a> {
    family: &'l ParsedFamily<'a>,
    name: String,
    findings: &'l mut Vec<Finding>,
}

impl Lint<'_, '_> {
    fn find(&mut self, rule: &'static str, problem: impl Into<String>) {
        if self.findings.len() < MAX_FINDINGS {
            let metric = crate::error::excerpt(&self.name, 200);
            self.findings.push(Finding { metric, rule, problem: problem.into() });
        }
    }

    fn metadata(&mut self) {
        if self.family.help.as_deref().is_none_or(str::is_empty) {
            self.find("help", "there is no help; add a # HELP line");
        }
        if !self.family.is_typed || self.family.kind == FamilyType::Unknown {
            self.find("type", "the type is unknown; add a # TYPE line");
        }
    }

    fn name(&mut self) {
        let name = self.name.clone();
        let total = name.ends_with("_total");
        match self.family.kind {
            FamilyType::Counter if !total => self.find("counter_total", "a counter's name ends with _total; append it"),
            FamilyType::Counter | FamilyType::Unknown => {}
            _ if total => self.find("total", "only a counter's name ends with _total; remove the suffix"),
            _ => {}
        }
        let histogram =
            matches!(self.family.kind, FamilyType::Histogram | FamilyType::GaugeHistogram | FamilyType::Unknown);
        let observed = histogram || self.family.kind == FamilyType::Summary;
        for (suffix, fits) in [("_bucket", histogram), ("_count", observed), ("_sum", observed)] {
            if !fits && name.ends_with(suffix) {
                let owner = if suffix == "_bucket" { "histograms" } else { "histograms and summaries" };
                self.find("suffix", format!("the name ends with {suffix}, which is reserved for {owner}; rename it"));
            }
        }
        if let Some((part, unit, base)) = unit_in(&name)
            && unit != base
        {
            self.find("base_unit", format!("the name uses the unit {part}; use the base unit {base}"));
        }
        let lower = name.to_ascii_lowercase();
        let contains_word = |word: &str| {
            let mut parts = lower.match_indices(word);
            parts.any(|(at, _)| {
                let after = lower.get(at + word.len()..).unwrap_or_default();
                lower.get(..at).is_some_and(|before| before.ends_with('_'))
                    && (after.is_empty() || after.starts_with('_'))
            })
        };
        if let Some(abbreviation) = ABBREVIATIONS.into_iter().find(|word| contains_word(word)) {
            self.find("unit_abbreviation", format!("the name abbreviates a unit, {abbreviation}; spell it out"));
        }
        if let Some(kind) = TYPES.into_iter().find(|word| contains_word(word)) {
            self.find("type_in_name", format!("the name contains the type, {kind}; remove it, since # TYPE states it"));
        }
        if name.contains(':') {
            self.find("colon", "the name contains a colon, which is reserved for recording rules; remove it");
        }
        if is_camel(&name) {
            self.find("camel_case", "the name is in camelCase; write it in snake_case");
        } else if !is_snake(&name) {
            self.find("snake_case", "the name is not in snake_case; use lower case letters, digits and _ only");
        }
    }

    fn labels(&mut self, families: &Families) {
        let mut names: Vec<&str> = Vec::new();
        for point in &self.family.points {
            let without = own_label(self.family, point);
            for label in families.labels(point) {
                if Some(&*label.name) != without && !names.contains(&&*label.name) && names.len() < MAX_NAMES {
                    names.push(&label.name);
                }
            }
        }
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        for name in names {
            let excerpt = crate::error::excerpt(&name, 100);
            if is_camel(&name) {
                self.find("label_camel_case", format!("the label {excerpt} is in camelCase; write it in snake_case"));
            }
            if name.starts_with('_') {
                self.find("label_reserved", format!("the label {excerpt} begins with _, which is reserved; rename it"));
            }
            // If it is the family's own label, it comes from a sample that must not have it, such
            // as the sum.
            for (reserved, owner) in [("le", "buckets of histograms"), ("quantile", "quantiles of summaries")] {
                if name == reserved && self.family.kind != FamilyType::Unknown {
                    self.find("label_reserved", format!("the label {reserved} is for {owner}; rename it"));
                }
            }
            if name == self.name && self.family.kind != FamilyType::StateSet {
                self.find("label_repeats", format!("the label {excerpt} has the same name as its metric; rename it"));
            }
        }
    }

    /// Checks series for duplicates, and histograms and summaries for completeness.
    fn series(&mut self, families: &Families) {
        let (mut duplicates, mut incomplete, mut unordered, mut unexpected) = (0usize, 0usize, 0usize, 0usize);
        for metric in families.metrics(self.family) {
            let mut bounds = Vec::new();
            let mut parts: Vec<(Part, Option<f64>, Option<&str>)> = Vec::new();
            let (mut count, mut below) = (None, 0.0);
            for point in &metric.points {
                let state = match self.family.kind {
                    FamilyType::StateSet => families
                        .labels(point)
                        .iter()
                        .find(|label| label.name == self.family.name)
                        .map(|label| &*label.value),
                    _ => None,
                };
                let part = (point.part, point.timestamp, state);
                // Limit the quadratic check: apart from buckets, a series with this many samples is
                // a time range.
                if parts.len() < 1_000 {
                    duplicates += usize::from(parts.contains(&part));
                    parts.push(part);
                }
                match point.part {
                    Part::Bucket(bound) | Part::Quantile(bound) => {
                        if bounds.last().is_some_and(|before| *before >= bound)
                            || (matches!(point.part, Part::Bucket(_)) && point.value < below)
                        {
                            unordered += 1;
                        }
                        bounds.push(bound);
                        below = point.value;
                    }
                    Part::Count => count = Some(point.value),
                    Part::Value if matches!(self.family.kind, FamilyType::Histogram | FamilyType::Summary) => {
                        unexpected += 1
                    }
                    _ => {}
                }
            }
            let native = metric.points.iter().any(|point| point.part == Part::Native);
            if self.family.kind == FamilyType::Histogram && !native {
                let infinite = bounds.contains(&f64::INFINITY);
                incomplete += usize::from(!infinite || count.is_some_and(|count| count != below));
            }
        }
        for (rule, found, problem) in [
            ("duplicate", duplicates, "samples are duplicates with the same labels; make their labels unique"),
            ("infinite_bucket", incomplete, "series have no +Inf bucket equal to their count; expose it"),
            ("order", unordered, "buckets or quantiles are out of order; sort them"),
            ("odd_sample", unexpected, "samples do not belong to a histogram or summary; they are ignored"),
        ] {
            if found > 0 {
                self.find(rule, format!("{found} {problem}"));
            }
        }
    }
}

/// The first part of a name that is a unit, with or without prefix, and its base unit.
fn unit_in(name: &str) -> Option<(&str, &str, &'static str)> {
    name.split('_').find_map(|part| {
        let base = |unit: &str| UNITS.iter().find(|(name, _)| *name == unit).map(|(_, base)| *base);
        base(part)
            .or_else(|| PREFIXES.iter().find_map(|prefix| base(part.strip_prefix(prefix)?)))
            .map(|base| (part, part, base))
    })
}

fn is_camel(name: &str) -> bool {
    name.as_bytes()
        .windows(2)
        .any(|pair| matches!(pair, [before, after] if before.is_ascii_lowercase() && after.is_ascii_uppercase()))
}

fn is_snake(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b':'))
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, parse};
    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        let families = parse(text.as_bytes(), Format::Text, &Limits::default()).unwrap();
        lint(&families).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn rules_produce_the_expected_findings() {
        let typed = |name: &str, kind: &str, sample: &str| format!("# HELP {name} x\n# TYPE {name} {kind}\n{sample}\n");
        for (text, expected) in [
            (typed("good_seconds_total", "counter", "good_seconds_total 1"), &[][..]),
            ("x 1\n".into(), &["help", "type"]),
            (typed("jobs", "counter", "jobs 1"), &["counter_total"]),
            (typed("jobs_total", "gauge", "jobs_total 1"), &["total"]),
            (typed("x_count", "gauge", "x_count 1"), &["suffix"]),
            (typed("x_bucket", "summary", "x_bucket_sum 1"), &["suffix"]),
            (typed("x_milliseconds", "gauge", "x_milliseconds 1"), &["base_unit"]),
            (typed("x_hours", "gauge", "x_hours 1"), &["base_unit"]),
            (typed("x_ms", "gauge", "x_ms 1"), &["unit_abbreviation"]),
            (typed("x_gauge_y", "gauge", "x_gauge_y 1"), &["type_in_name"]),
            (typed("x:y", "gauge", "x:y 1"), &["colon"]),
            (typed("xY", "gauge", "xY{aB=\"\"} 1"), &["camel_case", "label_camel_case"]),
            (typed("XY", "gauge", "XY 1"), &["snake_case"]),
            (typed("x", "gauge", "x{le=\"1\",quantile=\"1\"} 1"), &["label_reserved", "label_reserved"]),
            (typed("x", "gauge", "x{__y=\"1\",x=\"2\"} 1"), &["label_reserved", "label_repeats"]),
            (typed("x", "gauge", "x{a=\"1\"} 1\nx{a=\"1\"} 2"), &["duplicate"]),
            (typed("x", "gauge", "x{a=\"1\"} 1 1\nx{a=\"1\"} 2 2"), &[]),
            (typed("x", "histogram", "x_bucket{le=\"1\"} 1\nx_sum 1\nx_count 1"), &["infinite_bucket"]),
            (
                typed(
                    "x",
                    "histogram",
                    "x_bucket{le=\"2\"} 1\nx_bucket{le=\"1\"} 1\nx_bucket{le=\"+Inf\"} 1\nx_sum 1\nx_count 1",
                ),
                &["order"],
            ),
            (typed("x", "histogram", "x_bucket{le=\"+Inf\"} 1\nx_sum 1\nx_count 1\nx 1"), &["odd_sample"]),
            (typed("x", "summary", "x{quantile=\"0.5\"} 1\nx_sum 1\nx_count 1"), &[]),
            (typed("x", "histogram", "x_bucket{le=\"+Inf\"} 1\nx_sum 1\nx_count 1"), &[]),
            (
                typed(
                    "x",
                    "histogram",
                    "x_bucket{quantile=\"1\",le=\"+Inf\"} 1\nx_sum{quantile=\"1\"} 1\nx_count{quantile=\"1\"} 1",
                ),
                &["label_reserved"],
            ),
            (
                typed("x", "summary", "x{le=\"1\",quantile=\"0.5\"} 1\nx_sum{le=\"1\"} 1\nx_count{le=\"1\"} 1"),
                &["label_reserved"],
            ),
            (typed("x", "summary", "x_sum{le=\"1\"} 1\nx_count{le=\"1\"} 1"), &["label_reserved"]),
            (
                typed("x", "histogram", "x_bucket{le=\"+Inf\"} 1\nx_sum{le=\"1\"} 1\nx_count 1"),
                &["label_reserved", "infinite_bucket"],
            ),
            (typed("x", "counter", "x{le=\"1\"} 1"), &["counter_total", "label_reserved"]),
            (typed("x", "untyped", "x{le=\"1\",quantile=\"1\"} 1"), &["type"]),
            (typed("x", "gaugehistogram", "x_bucket{le=\"+Inf\",quantile=\"1\"} 1"), &["label_reserved"]),
        ] {
            assert_eq!(rules(&text), expected, "{text}");
        }
    }

    #[test]
    fn openmetrics_names_include_the_suffix() {
        let text = b"# TYPE x counter\n# HELP x x\nx_total 1\n# TYPE y info\n# HELP y y\ny_info 1\n# EOF\n";
        let families = parse(text, Format::OpenMetrics, &Limits::default()).unwrap();
        assert_eq!(lint(&families), []);
    }
}
