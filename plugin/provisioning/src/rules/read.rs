//! Groups and rules as rule files have them, read from JSON. A field that nobody knows is an error;
//! what only some servers take is noted, to be held against the server that it is for.

use core::time::Duration;

use super::known::{self, Evaluator, Field, Place, Shape, Taker, UTF8_NAMES};
use super::{Group, More, Rule, RuleKind};
use crate::yaml::Yaml;
use plugpipe_contract::error::{Error, excerpt};
use plugpipe_contract::fields::{self, Fields};
use plugpipe_contract::json::Json;
use plugpipe_contract::time::{parse_duration, prometheus_duration};
use plugpipe_metrics::registry::{LabelName, Labels, MetricName};

/// What is used that not every server takes, and where.
#[derive(Debug, Default)]
pub struct Uses(Vec<(String, &'static Field)>);

impl Uses {
    /// Whether it takes the server's version to know whether it takes all.
    pub fn depend_on_version(&self, evaluator: Evaluator) -> bool {
        self.0.iter().any(|(_, field)| field.depends_on_version(evaluator))
    }

    /// Checks that the server takes all that is used.
    pub fn check(&self, taker: Taker) -> Result<(), Error> {
        self.0.iter().try_for_each(|(path, field)| field.check(path, taker))
    }

    /// Notes the use of a field that every alert may have.
    pub fn note(&mut self, path: String, name: &str) {
        if let Ok(field) = known::field(name, Place::Alert) {
            self.0.push((path, field));
        }
    }
}

/// A group: `{name, interval, labels, rules, …}`.
pub fn group(fields: &Fields, uses: &mut Uses) -> Result<Group, Error> {
    let more = more(fields, Place::Group, uses)?;
    let path = fields.path("rules");
    let list = match fields.some("rules") {
        Some(Json::Array(list)) => list.as_slice(),
        None => &[],
        Some(other) => return Err(Error::invalid(path, format!("expected a list, got {}", fields::kind_of(other)))),
    };
    let rules = list
        .iter()
        .enumerate()
        .map(|(index, given)| {
            let path = format!("{path}[{index}]");
            match given {
                Json::Object(map) => rule(&Fields::new(map, &path), uses),
                other => Err(Error::invalid(path, format!("expected an object, got {}", fields::kind_of(other)))),
            }
        })
        .collect::<Result<_, _>>()?;
    Ok(Group {
        name: text(fields, "name", "the group's name")?
            .ok_or_else(|| Error::Missing { field: fields.path("name"), expected: "the group's name" })?,
        // Prometheus takes none for its own.
        interval: duration(fields, "interval")?.filter(|interval| !interval.is_zero()),
        labels: labels(fields, "labels", uses)?,
        more,
        rules,
    })
}

/// A rule: `{alert | record, expr, for, keep_firing_for, labels, annotations, …}`.
fn rule(fields: &Fields, uses: &mut Uses) -> Result<Rule, Error> {
    let alert = text(fields, "alert", "an alert's name")?;
    let record = text(fields, "record", "a metric's name")?;
    let place = match (&alert, &record) {
        (Some(_), Some(_)) => {
            return Err(Error::invalid(fields.path("record"), "is given beside alert; a rule is one of them"));
        }
        (None, None) => {
            return Err(Error::Missing { field: fields.path("alert"), expected: "an alert's name, or record" });
        }
        (Some(_), None) => Place::Alert,
        (None, Some(_)) => Place::Record,
    };
    // Prometheus takes a `for` of zero for none.
    let zero = |key: &str| Ok::<_, Error>(duration(fields, key)?.is_none_or(|duration| duration.is_zero()));
    let more = match place {
        Place::Record if zero("for")? && zero("keep_firing_for")? => {
            more_but(fields, place, &["for", "keep_firing_for"], uses)?
        }
        _ => more_but(fields, place, &[], uses)?,
    };
    let makes = match (alert, record) {
        (Some(name), _) => RuleKind::Alert {
            name,
            pending_for: duration(fields, "for")?.unwrap_or_default(),
            keep_firing_for: duration(fields, "keep_firing_for")?.unwrap_or_default(),
            annotations: labels(fields, "annotations", uses)?,
        },
        (None, name) => RuleKind::Record { name: metric(&name.unwrap_or_default(), &fields.path("record"), uses)? },
    };
    Ok(Rule {
        makes,
        expression: fields.text("expr", "a PromQL expression")?,
        labels: labels(fields, "labels", uses)?,
        more,
    })
}

fn metric(name: &str, path: &str, uses: &mut Uses) -> Result<MetricName, Error> {
    let error = match MetricName::new(name, path) {
        Ok(name) => return Ok(name),
        Err(error) => error,
    };
    if name.contains(['{', '}']) {
        return Err(Error::invalid(path, "holds braces; expected a metric's name, and the selector in expr"));
    }
    let newer = MetricName::new_utf8(name, path).map_err(|_| error)?;
    uses.0.push((path.to_owned(), &UTF8_NAMES));
    Ok(newer)
}

/// Labels or annotations: an object of names and texts.
pub fn labels(fields: &Fields, key: &str, uses: &mut Uses) -> Result<Labels, Error> {
    let path = fields.path(key);
    let Some(map) = fields.object(key)? else { return Ok(Labels::default()) };
    let labels = map
        .iter()
        .map(|(name, value)| {
            let place = || format!("{path}.{}", excerpt(name, 100));
            let Some(text) = fields::scalar(value) else {
                return Err(Error::invalid(place(), format!("expected text, got {}", fields::kind_of(value))));
            };
            if LabelName::new_in_rule(name, false, &path).is_err() {
                uses.0.push((place(), &UTF8_NAMES));
            }
            Ok((LabelName::new_in_rule(name, true, &path)?, text.into_boxed_str()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Labels::of(labels, &path)?)
}

/// A text as it is, also of white space only: servers take that for a name.
fn text(fields: &Fields, key: &str, expected: &str) -> Result<Option<String>, Error> {
    let Some(value) = fields.some(key) else { return Ok(None) };
    match fields::scalar(value) {
        Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        None => Err(Error::invalid(fields.path(key), format!("expected {expected}, got {}", fields::kind_of(value)))),
    }
}

fn duration(fields: &Fields, key: &str) -> Result<Option<Duration>, Error> {
    fields
        .text_or_none(key, "a duration")?
        .map(|text| parse_duration(&text).map_err(|problem| Error::invalid(fields.path(key), problem)))
        .transpose()
}

fn more(fields: &Fields, place: Place, uses: &mut Uses) -> Result<More, Error> {
    more_but(fields, place, &[], uses)
}

/// The fields that only some servers take, in the order they are given; each field must be known,
/// but for those that are left out.
fn more_but(fields: &Fields, place: Place, leave_out: &[&str], uses: &mut Uses) -> Result<More, Error> {
    let mut more = More::new();
    for (name, value) in fields.map().iter().filter(|(name, _)| !leave_out.contains(name)) {
        let path = fields.path(&excerpt(name, 100));
        let field = known::field(name, place).map_err(|problem| Error::invalid(&*path, problem))?;
        if *value == Json::Null {
            continue;
        }
        uses.0.push((path.clone(), field));
        let value = match field.shape {
            Shape::Own => continue,
            shape => shape.read(value).map_err(|problem| Error::invalid(path, problem))?,
        };
        more.retain(|(own, _)| own.name != field.name);
        more.push((field, value));
    }
    Ok(more)
}

impl Shape {
    /// The value as it is written. The error says what was expected.
    fn read(self, value: &Json) -> Result<Yaml, String> {
        let expected = |what: &str| format!("expected {what}, got {}", excerpt(&value.shown(), 100));
        let text = fields::scalar(value).filter(|text| !text.trim().is_empty());
        match self {
            Self::Duration => {
                let text = text.ok_or_else(|| expected("a duration such as 5m"))?;
                Ok(Yaml::Text(prometheus_duration(parse_duration(&text)?)))
            }
            Self::Whole => text
                .and_then(|text| text.trim().parse().ok())
                .map(Yaml::Whole)
                .ok_or_else(|| expected("a whole number")),
            Self::Text => text.map(Yaml::Text).ok_or_else(|| expected("text")),
            Self::Flag => fields::flag(value).map(Yaml::Flag).ok_or_else(|| expected("true or false")),
            Self::Texts => texts(value).ok_or_else(|| expected("a list of texts")),
            Self::Lists => match value {
                Json::Object(map) => map
                    .iter()
                    .map(|(name, value)| {
                        let one = || fields::scalar(value).map(|text| Yaml::List(vec![Yaml::Text(text)]));
                        let list = texts(value).or_else(one);
                        list.map(|list| (name.to_owned(), list))
                            .ok_or_else(|| format!("{}: expected a list of texts", excerpt(name, 100)))
                    })
                    .collect::<Result<Vec<_>, _>>()
                    .map(Yaml::Map),
                _ => Err(expected("an object of names and lists of texts")),
            },
            Self::Strategy => match text.map(|text| text.to_ascii_lowercase()) {
                Some(strategy) if strategy == "warn" || strategy == "abort" => Ok(Yaml::Text(strategy)),
                _ => Err(expected("warn or abort")),
            },
            Self::Own => Err(expected("another shape")),
        }
    }
}

fn texts(value: &Json) -> Option<Yaml> {
    let Json::Array(list) = value else { return None };
    list.iter().map(|item| fields::scalar(item).map(Yaml::Text)).collect::<Option<Vec<_>>>().map(Yaml::List)
}

#[cfg(test)]
mod tests {
    use super::super::Style;
    use super::super::known::Version;
    use super::*;

    /// Reads and checks groups as `apply_alerts` does.
    fn check(given: &str, evaluator: Evaluator, version: Option<&str>) -> Result<Group, Error> {
        let Ok(Json::Object(map)) = Json::parse(given) else { panic!("{given}") };
        let mut uses = Uses::default();
        let group = group(&Fields::new(&map, "groups[0]"), &mut uses)?;
        group.check("groups[0]", "groups[0].rules", Style::File, evaluator)?;
        uses.check(Taker { evaluator, version: version.and_then(Version::read) })?;
        Ok(group)
    }

    /// As probed with promtool 2.42 and by Prometheus 3.5: whether each takes it.
    #[test]
    fn what_prometheus_takes_is_taken_and_what_it_refuses_is_refused() {
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
    fn an_error_names_the_path_and_what_was_meant() {
        for (given, path, said) in [
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
            (r#"{"name": "g", "query_offset": "5m"}"#, "groups[0].query_offset", "from Prometheus 2.53 on"),
            (r#"{"name": "g", "concurrency": 5}"#, "groups[0].concurrency", "taken by vmalert, and not by Prometheus"),
            (r#"{"name": "g", "limit": "many"}"#, "groups[0].limit", "expected a whole number"),
            (
                r#"{"name": "g", "rules": [{"alert": "A", "expr": "up", "labels": {"é": "x"}}]}"#,
                "groups[0].rules[0].labels.é",
                "from Prometheus 3.0 on",
            ),
        ] {
            let error = check(given, Evaluator::Prometheus, None).unwrap_err();
            assert_eq!(error.field(), Some(path), "{error}");
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
