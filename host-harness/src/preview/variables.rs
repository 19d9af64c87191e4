//! Interpolates variables in expressions: Grafana's built-in ones, which depend on the time range,
//! and the dashboard's.

use std::collections::BTreeMap;
use std::time::Duration;

use plugpipe_time::PrometheusDuration;

use super::model::Variable;

/// Maximum range: 100 years.
const MAX_LEN: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Minimum distance of points in pixels.
const DENSITY: f64 = 4.0;

/// The time range and step.
#[derive(Debug, Clone)]
pub(super) struct Times {
    /// Unix seconds.
    pub(super) start: f64,
    /// Unix seconds.
    pub(super) end: f64,
    /// Seconds between two points.
    pub(super) step: u64,
    scrape_interval: u64,
}

impl Times {
    pub(super) fn new(end: Duration, range: Duration, scrape_interval: Duration) -> Result<Self, String> {
        if range < Duration::from_secs(1) || range > MAX_LEN {
            return Err("expected 1 second to 100 years".into());
        }
        let scrape_interval = scrape_interval.as_secs().max(1);
        let end = end.as_millis() as f64 / 1_000.0;
        Ok(Self { start: end - range.as_secs() as f64, end, step: scrape_interval, scrape_interval })
    }

    /// The same range with a step for a panel of this width.
    pub(super) fn for_width(&self, width: f64) -> Self {
        let points = (width / DENSITY).max(10.0);
        let step = ((self.range_seconds() / points).ceil() as u64).max(self.scrape_interval);
        Self { step, ..self.clone() }
    }

    pub(super) fn range_seconds(&self) -> f64 {
        self.end - self.start
    }

    /// The time of the first point, counted back in steps from the end.
    pub(super) fn first(&self) -> f64 {
        let step = self.step as f64;
        self.end - (self.range_seconds() / step).floor() * step
    }

    pub(super) fn step_text(&self) -> String {
        PrometheusDuration::saturating(Duration::from_secs(self.step)).to_string()
    }
}

/// The dashboard's variables.
pub(super) struct Variables {
    values: BTreeMap<String, Chosen>,
}

enum Chosen {
    /// The value for "All", not escaped.
    All(String),
    Some(Vec<String>),
}

impl Variables {
    /// `given` overrides the dashboard's variables.
    pub(super) fn new(own: &[Variable], given: &[(String, String)]) -> Self {
        let mut values = BTreeMap::new();
        for variable in own {
            let all = variable.current.is_empty() || variable.current.iter().any(|value| value == "$__all");
            let chosen = if all {
                Chosen::All(variable.all.clone().unwrap_or_else(|| ".*".into()))
            } else {
                Chosen::Some(variable.current.clone())
            };
            values.insert(variable.name.clone(), chosen);
        }
        let mut chosen: BTreeMap<&String, Vec<String>> = BTreeMap::new();
        for (name, value) in given {
            chosen.entry(name).or_default().push(value.clone());
        }
        values.extend(chosen.into_iter().map(|(name, list)| (name.clone(), Chosen::Some(list))));
        Self { values }
    }

    /// Replaces `$name`, `${name}`, `${name:format}` and `[[name]]`. Unknown names are left
    /// unchanged.
    pub(super) fn replace(&self, expression: &str, times: &Times) -> String {
        let mut out = String::with_capacity(expression.len());
        let mut rest = expression;
        while let Some(at) = rest.find(['$', '[']) {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let (name, format, whole) = reference(from);
            match self.value(name, format, times) {
                Some(value) if !name.is_empty() => out.push_str(&value),
                _ => out.push_str(from.get(..whole).unwrap_or(from)),
            }
            rest = from.get(whole..).unwrap_or_default();
        }
        out.push_str(rest);
        out
    }

    fn value(&self, name: &str, format: &str, times: &Times) -> Option<String> {
        let seconds = |seconds: u64| PrometheusDuration::saturating(Duration::from_secs(seconds)).to_string();
        let range = times.range_seconds() as u64;
        // Like Grafana, so that a rate spans at least four scrapes.
        let rate = (times.step + times.scrape_interval).max(4 * times.scrape_interval);
        Some(match name {
            "__rate_interval" => seconds(rate),
            "__rate_interval_ms" => (rate * 1_000).to_string(),
            "__interval" => seconds(times.step),
            "__interval_ms" => (times.step * 1_000).to_string(),
            "__range" => seconds(range),
            "__range_s" => range.to_string(),
            "__range_ms" => (range * 1_000).to_string(),
            "__from" => (times.start * 1_000.0).round().to_string(),
            "__to" => (times.end * 1_000.0).round().to_string(),
            _ => match self.values.get(name)? {
                Chosen::All(all) => all.clone(),
                Chosen::Some(values) => formatted(values, format),
            },
        })
    }
}

/// Parses the reference at the start of `text`: name, format and length. The name is empty if there
/// is no reference.
fn reference(text: &str) -> (&str, &str, usize) {
    let closed = |open: &str, close: &str| {
        let inner = text.strip_prefix(open)?;
        let end = inner.find(close)?;
        let inner = inner.get(..end)?;
        let (name, format) = inner.split_once(':').unwrap_or((inner, ""));
        Some((name, format, open.len() + end + close.len()))
    };
    if let Some(found) = closed("${", "}").or_else(|| closed("[[", "]]")) {
        return found;
    }
    let name = text.strip_prefix('$').unwrap_or_default();
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    (name.get(..end).unwrap_or_default(), "", 1 + end)
}

fn formatted(values: &[String], format: &str) -> String {
    match (values, format) {
        ([one], "" | "raw" | "pipe" | "csv" | "text") => one.clone(),
        (_, "csv" | "raw" | "text") => values.join(","),
        (_, "pipe") => values.join("|"),
        ([one], _) => escaped(one),
        _ => format!("({})", values.iter().map(|value| escaped(value)).collect::<Vec<_>>().join("|")),
    }
}

/// Escapes a value as a regular expression within a PromQL string.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        if r"\^$*+?.()|[]{}".contains(character) {
            out.push_str(r"\\");
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times() -> Times {
        Times::new(Duration::from_secs(10_000), Duration::from_secs(3_600), Duration::from_secs(15))
            .unwrap()
            .for_width(600.0)
    }

    fn variable(name: &str, current: &[&str], all: Option<&str>) -> Variable {
        Variable {
            name: name.into(),
            current: current.iter().map(|value| (*value).to_owned()).collect(),
            all: all.map(str::to_owned),
        }
    }

    #[test]
    fn known_references_of_every_form_are_replaced() {
        let own = [
            variable("job", &["$__all"], Some(".+")),
            variable("instance", &["a.b", "c"], None),
            variable("env", &["prod"], None),
            variable("none", &[], None),
        ];
        let variables = Variables::new(&own, &[("env".into(), "d.ev".into())]);
        for (given, wanted) in [
            ("x{job=~\"$job\"}", "x{job=~\".+\"}"),
            ("x{i=~\"${instance}\"}", r#"x{i=~"(a\\.b|c)"}"#),
            ("${instance:pipe} ${instance:csv}", "a.b|c a.b,c"),
            ("x{e=\"[[env]]\"}[5m]", "x{e=\"d.ev\"}[5m]"),
            ("${env:regex}", r"d\\.ev"),
            ("$none $other ${open $", ".* $other ${open $"),
            ("rate(x[$__rate_interval]) $__interval $__range_s", "rate(x[1m]) 24s 3600"),
            ("x[[5]] $$env €$job", "x[[5]] $d.ev €.+"),
        ] {
            assert_eq!(variables.replace(given, &times()), wanted, "{given}");
        }
        let twice = Variables::new(&own, &[("env".into(), "a".into()), ("env".into(), "b".into())]);
        assert_eq!(twice.replace("$env", &times()), "(a|b)");
    }

    #[test]
    fn the_step_is_bounded_by_scrape_interval_and_width() {
        assert_eq!((times().step, times().first()), (24, 6_400.0));
        let wide = times().for_width(4_000.0);
        assert_eq!(wide.step, 15);
        assert!(Times::new(Duration::ZERO, Duration::ZERO, Duration::ZERO).is_err());
    }
}
