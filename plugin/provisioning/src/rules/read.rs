//! Parses groups and rules in the format of rule files from JSON. Unknown fields are errors;
//! server-specific fields are recorded, to be checked against the target server.

use super::known::{self, Evaluator, Field, Place, RuleServer, Shape, UTF8_NAMES};
use super::{Group, More, Rule, RuleKind};
use crate::error::Error;
use crate::yaml::Yaml;
use plugpipe_contract::document::{Document, Request as _};
use plugpipe_contract::error::excerpt;
use plugpipe_contract::requests::{RuleFields, RuleGroup};
use plugpipe_contract::scalar::{self, Any, Flag, LabelValue};
use plugpipe_contract::time::{parse_duration, prometheus_duration};
use plugpipe_contract::written;
use plugpipe_metrics::registry::{LabelName, Labels, MetricName};

/// The server-specific features in use, with their paths.
#[derive(Debug, Default)]
pub struct Uses(Vec<(String, &'static Field)>);

impl Uses {
    /// Whether support of any feature depends on the server's version.
    pub fn depend_on_version(&self, evaluator: Evaluator) -> bool {
        self.0.iter().any(|(_, field)| field.depends_on_version(evaluator))
    }

    /// Checks that the server supports all features in use.
    pub fn check(&self, server: RuleServer) -> Result<(), Error> {
        self.0.iter().try_for_each(|(path, field)| field.check(path, server))
    }

    /// Records the use of a field of alerts.
    pub fn note(&mut self, path: String, name: &str) {
        if let Ok(field) = known::field(name, Place::Alert) {
            self.0.push((path, field));
        }
    }
}

/// Parses a group: `{name, interval, labels, rules, …}`. `path` is its path in the input.
pub fn group(given: Any, path: &str, uses: &mut Uses) -> Result<Group, Error> {
    let document = Document::of(given, path)?;
    let more = more(&document, path, Place::Group, &[], uses)?;
    let given = RuleGroup::from_document(&document).map_err(|error| error.inside(path))?;
    let rules = given.rules.iter().flatten().enumerate();
    let rules =
        rules.map(|(index, given)| rule(*given, &format!("{path}.rules[{index}]"), uses)).collect::<Result<_, _>>()?;
    let name = given.name.filter(is_given);
    Ok(Group {
        name: name.ok_or_else(|| Error::missing(format!("{path}.name"), "the group's name"))?.0.into_owned(),
        // As in Prometheus, zero means the default.
        interval: given.interval.get().filter(|interval| !interval.is_zero()),
        labels: labels(&given.labels, &format!("{path}.labels"), uses)?,
        more,
        rules,
    })
}

/// Parses a rule: `{alert | record, expr, for, keep_firing_for, labels, annotations, …}`.
fn rule(given: Any, path: &str, uses: &mut Uses) -> Result<Rule, Error> {
    let document = Document::of(given, path)?;
    let given = RuleFields::from_document(&document).map_err(|error| error.inside(path))?;
    let at = |key: &str| format!("{path}.{key}");
    let (pending_for, keep_firing_for) =
        (given.r#for.get().unwrap_or_default(), given.keep_firing_for.get().unwrap_or_default());
    let (makes, more) = match (given.alert.filter(is_given), given.record.filter(is_given)) {
        (Some(_), Some(_)) => return Err(Error::invalid(at("record"), "is set together with alert; set one of them")),
        (None, None) => return Err(Error::missing(at("alert"), "the alert's name, or record")),
        (Some(LabelValue(name)), None) => {
            let more = more(&document, path, Place::Alert, &[], uses)?;
            let annotations = labels(&given.annotations, &at("annotations"), uses)?;
            (RuleKind::Alert { name: name.into_owned(), pending_for, keep_firing_for, annotations }, more)
        }
        (None, Some(LabelValue(name))) => {
            // Prometheus accepts a `for` of zero in recording rules.
            let none = pending_for.is_zero() && keep_firing_for.is_zero();
            let more =
                more(&document, path, Place::Record, if none { &["for", "keep_firing_for"] } else { &[] }, uses)?;
            (RuleKind::Record { name: metric(&name, &at("record"), uses)? }, more)
        }
    };
    Ok(Rule {
        makes,
        expression: given.expr.required(&at("expr"), "a PromQL expression")?.to_owned(),
        labels: labels(&given.labels, &at("labels"), uses)?,
        more,
    })
}

/// Whether the name is set. White space is a valid name for servers.
fn is_given(name: &LabelValue) -> bool {
    !name.0.is_empty()
}

fn metric(name: &str, path: &str, uses: &mut Uses) -> Result<MetricName, Error> {
    let error = match MetricName::new(name, path) {
        Ok(name) => return Ok(name),
        Err(error) => error,
    };
    if name.contains(['{', '}']) {
        return Err(Error::invalid(path, "contains braces; expected a metric name; put the selector in expr"));
    }
    let newer = MetricName::new_utf8(name, path).map_err(|_| error)?;
    uses.0.push((path.to_owned(), &UTF8_NAMES));
    Ok(newer)
}

/// Parses labels or annotations. `path` is their path in the input.
pub fn labels(given: &scalar::Labels, path: &str, uses: &mut Uses) -> Result<Labels, Error> {
    let labels = given
        .iter()
        .map(|(name, text)| {
            if LabelName::new_in_rule(name, false, path).is_err() {
                uses.0.push((format!("{path}.{}", excerpt(name, 100)), &UTF8_NAMES));
            }
            Ok((LabelName::new_in_rule(name, true, path)?, text.into()))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    Ok(Labels::of(labels, path)?)
}

/// Parses server-specific fields, in order; other fields must be known, except those in
/// `leave_out`.
fn more(given: &Document, path: &str, place: Place, leave_out: &[&str], uses: &mut Uses) -> Result<More, Error> {
    let mut more = More::new();
    for name in given.names().filter(|name| !leave_out.contains(name)) {
        let path = format!("{path}.{}", excerpt(name, 100));
        let field = known::field(name, place).map_err(|problem| Error::invalid(&*path, problem))?;
        if given.get(name) == Some("null") {
            continue;
        }
        uses.0.push((path.clone(), field));
        let value = match field.shape {
            Shape::Own => continue,
            shape => shape.read(given, name).map_err(|problem| Error::invalid(path, problem))?,
        };
        more.retain(|(own, _)| own.name != field.name);
        more.push((field, value));
    }
    Ok(more)
}

impl Shape {
    /// Parses a field's value to YAML. The error says what was expected.
    fn read(self, given: &Document, name: &str) -> Result<Yaml, String> {
        let expected = |what: &str| {
            format!("expected {what}, got {}", excerpt(written::shown(given.get(name).unwrap_or_default()), 100))
        };
        let text = || text(given, name).filter(|text| !text.trim().is_empty());
        match self {
            Self::Duration => {
                let text = text().ok_or_else(|| expected("a duration such as 5m"))?;
                Ok(Yaml::Text(prometheus_duration(parse_duration(&text)?)))
            }
            Self::Whole => text()
                .and_then(|text| text.trim().parse().ok())
                .map(Yaml::Whole)
                .ok_or_else(|| expected("a whole number")),
            Self::Text => text().map(Yaml::Text).ok_or_else(|| expected("text")),
            Self::Flag => {
                let flag = given.read_field(name).ok().flatten();
                flag.and_then(Flag::get).map(Yaml::Flag).ok_or_else(|| expected("true or false"))
            }
            Self::Texts => texts(given, name).ok_or_else(|| expected("a list of texts")),
            Self::Lists => {
                let lists = given.read_field(name).ok().flatten().and_then(|lists| Document::of(lists, name).ok());
                let lists = lists.ok_or_else(|| expected("an object of names and lists of texts"))?;
                let list = |name: &str| {
                    let one = || Some(Yaml::List(vec![Yaml::Text(self::text(&lists, name)?)]));
                    let list = texts(&lists, name).or_else(one);
                    list.map(|list| (name.to_owned(), list))
                        .ok_or_else(|| format!("{}: expected a list of texts", excerpt(name, 100)))
                };
                lists.names().map(list).collect::<Result<_, _>>().map(Yaml::Map)
            }
            Self::Strategy => match text().map(|text| text.to_ascii_lowercase()) {
                Some(strategy) if strategy == "warn" || strategy == "abort" => Ok(Yaml::Text(strategy)),
                _ => Err(expected("warn or abort")),
            },
            Self::Own => Err(expected("another shape")),
        }
    }
}

fn text(given: &Document, name: &str) -> Option<String> {
    given.read_field(name).ok().flatten().map(|LabelValue(text)| text.into_owned())
}

fn texts(given: &Document, name: &str) -> Option<Yaml> {
    let list: Vec<LabelValue> = given.read_field(name).ok().flatten()?;
    Some(Yaml::List(list.into_iter().map(|LabelValue(text)| Yaml::Text(text.into_owned())).collect()))
}

#[cfg(test)]
mod tests {
    use super::super::Style;
    use super::super::known::Version;
    use super::*;

    /// Parses and checks groups as `apply_alerts` does.
    fn check(given: &str, evaluator: Evaluator, version: Option<&str>) -> Result<Group, Error> {
        let mut uses = Uses::default();
        let group = group(serde_json::from_str(given).unwrap(), "groups[0]", &mut uses)?;
        group.check("groups[0]", "groups[0].rules", Style::File, evaluator)?;
        uses.check(RuleServer { evaluator, version: version.and_then(Version::read) })?;
        Ok(group)
    }

    /// As tested with promtool 2.42 and Prometheus 3.5: whether each accepts it.
    #[test]
    fn the_parser_accepts_and_rejects_what_prometheus_does() {
        let alert = |more: &str| format!(r#"{{"name": "g", "rules": [{{"alert": "A", "expr": "up == 0"{more}}}]}}"#);
        let record = |more: &str| format!(r#"{{"name": "g", "rules": [{{"record": "a:b", "expr": "up"{more}}}]}}"#);
        let group = |more: &str| format!(r#"{{"name": "g"{more}}}"#);
        for (given, old, new) in [
            (group(r#", "limit": 5"#), true, true),
            (group(r#", "limit": -1"#), true, true),
            (group(r#", "query_offset": "1m""#), false, true),
            (group(r#", "labels": {"a": "b"}"#), false, true),
            (group(r#", "labels": {"__name__": "b"}"#), false, false),
            (group(""), true, true),
            (group(r#", "rules": []"#), true, true),
            (group(r#", "rules": null"#), true, true),
            (group(r#", "interval": "0s""#), true, true),
            (group(r#", "type": "prometheus""#), false, false),
            (group(r#", "params": {"a": ["b"]}"#), false, false),
            (r#"{"name": ""}"#.into(), false, false),
            (r#"{"name": " "}"#.into(), true, true),
            (r#"{"name": "a\nb"}"#.into(), true, true),
            (alert(r#", "keep_firing_for": "1m""#), true, true),
            (alert(r#", "labels": {"my.label": "b"}"#), false, true),
            (alert(r#", "annotations": {"my ann é": "b"}"#), false, true),
            (alert(r#", "labels": {"__name__": "b"}"#), false, false),
            (alert(r#", "labels": {"__x": "b"}"#), true, true),
            (alert(r#", "annotations": {"__name__": "b"}"#), true, true),
            (alert(r#", "labels": {"alertname": "b"}"#), true, true),
            (alert(r#", "labels": {"": "x"}"#), false, false),
            (alert(r#", "annotations": {"": "x"}"#), false, false),
            (alert(r#", "labels": {"a": ""}"#), true, true),
            (alert(r#", "annotation": {"a": "b"}"#), false, false),
            (alert(r#", "fro": "5m""#), false, false),
            (alert(r#", "debug": true"#), false, false),
            (alert(r#", "labels": {"a": "{{ nosuch }}"}"#), false, false),
            (record(r#", "labels": {"a": "{{ nosuch }}"}"#), true, true),
            (record(r#", "for": "1m""#), false, false),
            (record(r#", "for": "0s""#), true, true),
            (record(r#", "annotations": {"a": "b"}"#), false, false),
            (record(r#", "keep_firing_for": "1m""#), false, false),
            (record(r#", "alert": "A""#), false, false),
            (r#"{"name": "g", "rules": [{"record": "my.rec", "expr": "up"}]}"#.into(), false, true),
            (r#"{"name": "g", "rules": [{"record": "a{b=\"c\"}", "expr": "up"}]}"#.into(), false, false),
            (r#"{"name": "g", "rules": [{"alert": "a\nb", "expr": "up"}]}"#.into(), true, true),
            (r#"{"name": "g", "rules": [{"alert": " ", "expr": 1}]}"#.into(), true, true),
            (r#"{"name": "g", "rules": [{"alert": "", "expr": "up"}]}"#.into(), false, false),
            (
                r#"{"name": "g", "rules": [{"alert": "A", "expr": "up"}, {"alert": "A", "expr": "up == 1"}]}"#.into(),
                true,
                true,
            ),
        ] {
            for (version, taken) in [(None, old), (Some("2.42.0+ds"), old), (Some("3.5.3+ds1"), new)] {
                let result = check(&given, Evaluator::Prometheus, version);
                assert_eq!(result.is_ok(), taken, "{given} {version:?}: {result:?}");
            }
        }
    }

    #[test]
    fn every_field_of_a_server_is_written() {
        let given = r#"{"name": "g", "interval": "5m", "limit": 3, "type": "graphite", "params": {"a": ["b", "c"], "d": "e"}, "concurrency": "2",
            "headers": ["A: b"], "notifier_headers": ["C: d"], "labels": {"team": "x"}, "eval_offset": "60s", "eval_delay": "1m", "eval_alignment": false,
            "debug": "true", "rules": [{"alert": "A", "expr": "sumSeries(a", "debug": true, "update_entries_limit": 5}]}"#;
        let group = check(given, Evaluator::Vmalert, None).unwrap();
        let written: serde_json::Value = serde_saphyr::from_str(&group.yaml().write()).unwrap();
        assert_eq!(
            written,
            serde_json::json!({"name": "g", "interval": "5m", "limit": 3, "type": "graphite", "params": {"a": ["b", "c"], "d": ["e"]},
                "concurrency": 2, "headers": ["A: b"], "notifier_headers": ["C: d"], "labels": {"team": "x"}, "eval_offset": "1m",
                "eval_delay": "1m", "eval_alignment": false, "debug": true,
                "rules": [{"alert": "A", "expr": "sumSeries(a", "debug": true, "update_entries_limit": 5}]})
        );
        assert!(group.has_unlisted());
        let mimir = r#"{"name": "g", "source_tenants": ["a", "b"], "evaluation_delay": "1m", "align_evaluation_time_on_interval": true}"#;
        assert!(check(mimir, Evaluator::Mimir, None).is_ok());
        let thanos = r#"{"name": "g", "partial_response_strategy": "WARN"}"#;
        assert!(
            check(thanos, Evaluator::Thanos, None).unwrap().yaml().write().contains("partial_response_strategy: warn")
        );
        for (given, evaluator) in
            [(mimir, Evaluator::Cortex), (thanos, Evaluator::Prometheus), (given, Evaluator::Grafana)]
        {
            assert!(check(given, evaluator, None).is_err(), "{given}");
        }
    }

    #[test]
    fn an_error_names_the_path_and_a_suggestion() {
        for (given, path, expected) in [
            (
                r#"{"name": "g", "rules": [{"alert": "A", "expr": "up", "annotation": {}}]}"#,
                "groups[0].rules[0].annotation",
                "did you mean annotations?",
            ),
            (
                r#"{"name": "g", "rules": [{"record": "a", "expr": "up", "for": "5m"}]}"#,
                "groups[0].rules[0].for",
                "belongs to an alert",
            ),
            (r#"{"name": "g", "query_offset": "5m"}"#, "groups[0].query_offset", "requires Prometheus 2.53"),
            (
                r#"{"name": "g", "concurrency": 5}"#,
                "groups[0].concurrency",
                "supported by vmalert, but not by Prometheus",
            ),
            (r#"{"name": "g", "limit": "many"}"#, "groups[0].limit", "expected a whole number"),
            (
                r#"{"name": "g", "rules": [{"alert": "A", "expr": "up", "labels": {"é": "x"}}]}"#,
                "groups[0].rules[0].labels.é",
                "requires Prometheus 3.0",
            ),
        ] {
            let error = check(given, Evaluator::Prometheus, None).unwrap_err();
            assert_eq!(error.field(), Some(path), "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
