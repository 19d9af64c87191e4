//! Alerting and recording rules: checked, rendered as Prometheus's rule files, compared with what a server holds. No I/O.
//!
//! What is rendered cannot be changed in its structure by what is in it: every text is written by [`crate::yaml`].

pub mod expression;
pub mod plan;
mod template;
pub mod templates;

use core::time::Duration;

use crate::error::{Error, excerpt};
use crate::fnv::fnv1a;
use crate::registry::{LabelName, Labels, MetricName};
use crate::time::prometheus_duration;
use crate::yaml::Yaml;

/// Longest name of an alert or group, in bytes.
const LONGEST_NAME: usize = 1_000;

/// Longest expression, label or annotation, in bytes.
const LONGEST_TEXT: usize = 64 * 1024;

/// What a rule makes.
#[derive(Debug, Clone, PartialEq)]
pub enum Makes {
    /// An alert for each series that the expression yields.
    Alert {
        /// Becomes the label `alertname`.
        name: String,
        /// How long a series must be there before the alert fires.
        pending_for: Duration,
        /// How long the alert goes on when the series is gone. Prometheus 2.42 and newer.
        keep_firing_for: Duration,
        /// What people are told: Go templates.
        annotations: Labels,
    },
    /// A new series for each that the expression yields.
    Record {
        /// The metric's name, by custom `level:metric:operations`.
        name: MetricName,
    },
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// An alert, or a new series.
    pub makes: Makes,
    /// PromQL.
    pub expression: String,
    /// Labels to set; Go templates in an alert.
    pub labels: Labels,
}

impl Rule {
    /// The alert's or the metric's name.
    pub fn name(&self) -> &str {
        match &self.makes {
            Makes::Alert { name, .. } => name,
            Makes::Record { name } => name.as_str(),
        }
    }

    /// Whether it is an alert.
    pub fn is_alert(&self) -> bool {
        matches!(self.makes, Makes::Alert { .. })
    }

    /// Checks what can be checked without a server. `path` is the rule's in the input, for errors.
    pub fn check(&self, path: &str) -> Result<(), Error> {
        let at = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        expression::check(&self.expression).map_err(|mistake| Error::invalid(at("expression"), mistake.said))?;
        too_long(&self.expression, LONGEST_TEXT).map_err(|problem| Error::invalid(at("expression"), problem))?;
        if self.labels.get("alertname").is_some() {
            return Err(Error::invalid(at("labels.alertname"), "is set by the alert's name; leave it out"));
        }
        let Makes::Alert { name, annotations, .. } = &self.makes else { return Ok(()) };
        if name.trim().is_empty() {
            return Err(Error::Missing { field: at("alert_name"), expected: "the alert's name" });
        }
        if let Some(control) = name.chars().find(|character| character.is_control()) {
            return Err(Error::invalid(
                at("alert_name"),
                format!("holds the control character U+{:04X}; expected one line of text", u32::from(control)),
            ));
        }
        too_long(name, LONGEST_NAME).map_err(|problem| Error::invalid(at("alert_name"), problem))?;
        for (key, texts) in [("labels", &self.labels), ("annotations", annotations)] {
            for (name, text) in texts.iter() {
                let wrong = |problem| Error::invalid(format!("{}.{name}", at(key)), problem);
                too_long(text, LONGEST_TEXT).map_err(wrong)?;
                template::check(text).map_err(wrong)?;
            }
        }
        Ok(())
    }

    /// The rule with [`plan::MARK`] in its annotations. A rule that makes a series has none, and stays as it is.
    pub fn marked(mut self) -> Result<Self, Error> {
        let hash = fnv1a(self.yaml().write().bytes());
        if let Makes::Alert { annotations, .. } = &mut self.makes {
            *annotations = with_label(annotations, plan::MARK, &format!("{hash:016x}"), "annotations")?;
        }
        Ok(self)
    }

    fn yaml(&self) -> Yaml {
        let mut members: Vec<(String, Yaml)> = Vec::new();
        let mut put = |key: &str, value| members.push((key.to_owned(), value));
        let name = Yaml::Text(self.name().to_owned());
        put(if self.is_alert() { "alert" } else { "record" }, name);
        put("expr", Yaml::Block(self.expression.clone()));
        if let Makes::Alert { pending_for, keep_firing_for, .. } = &self.makes {
            for (key, duration) in [("for", pending_for), ("keep_firing_for", keep_firing_for)] {
                if !duration.is_zero() {
                    put(key, Yaml::Text(prometheus_duration(*duration)));
                }
            }
        }
        if self.labels.iter().len() > 0 {
            put("labels", texts(&self.labels));
        }
        if let Makes::Alert { annotations, .. } = &self.makes
            && annotations.iter().len() > 0
        {
            put("annotations", texts(annotations));
        }
        Yaml::Map(members)
    }
}

fn texts(labels: &Labels) -> Yaml {
    Yaml::Map(labels.iter().map(|(name, text)| (name.as_str().to_owned(), Yaml::Block(text.to_owned()))).collect())
}

fn too_long(text: &str, limit: usize) -> Result<(), String> {
    if text.len() > limit { Err(format!("has {} bytes; at most {limit} are taken", text.len())) } else { Ok(()) }
}

/// Rules that are evaluated one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Unique in its file or namespace.
    pub name: String,
    /// How often; none for the server's own interval.
    pub interval: Option<Duration>,
    /// At least one.
    pub rules: Vec<Rule>,
}

impl Group {
    /// Checks the group and all its rules; no two of them may be the same. `path` is the group's in the input, for errors.
    pub fn check(&self, path: &str) -> Result<(), Error> {
        let at = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        if self.name.trim().is_empty() || self.name.chars().any(char::is_control) {
            return Err(Error::invalid(
                at("group"),
                format!("expected one line of text, got {:?}", excerpt(&self.name, 100)),
            ));
        }
        too_long(&self.name, LONGEST_NAME).map_err(|problem| Error::invalid(at("group"), problem))?;
        if self.interval.is_some_and(|interval| interval.is_zero()) {
            return Err(Error::invalid(at("interval"), "must be more than zero"));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let path =
                if path.is_empty() && self.rules.len() == 1 { String::new() } else { at(&format!("rules[{index}]")) };
            rule.check(&path)?;
            let earlier = self.rules.iter().take(index);
            // As a server has it: the same name and labels.
            if earlier.clone().any(|other| {
                other.name() == rule.name() && other.labels == rule.labels && other.is_alert() == rule.is_alert()
            }) {
                return Err(Error::invalid(path, format!("{} is there twice with the same labels", rule.name())));
            }
        }
        Ok(())
    }

    /// The group as a ruler takes it: without the list it is in.
    pub fn yaml(&self) -> Yaml {
        let mut members = vec![("name".to_owned(), Yaml::Text(self.name.clone()))];
        if let Some(interval) = self.interval {
            members.push(("interval".into(), Yaml::Text(prometheus_duration(interval))));
        }
        members.push(("rules".into(), Yaml::List(self.rules.iter().map(Rule::yaml).collect())));
        Yaml::Map(members)
    }
}

/// A rule file: `groups:` with these groups.
pub fn file(groups: &[Group]) -> String {
    Yaml::Map(vec![("groups".into(), Yaml::List(groups.iter().map(Group::yaml).collect()))]).write()
}

/// The name of a file, folder or namespace for a name that may be anything: letters, digits, `_` and `-`, and a hash where something
/// else was in it.
pub fn slug(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        if character.is_ascii_alphanumeric() || character == '-' {
            out.push(character.to_ascii_lowercase());
        } else if !out.ends_with('_') {
            out.push('_');
        }
        if out.len() >= 60 {
            break;
        }
    }
    let trimmed = out.trim_matches('_');
    if trimmed == name {
        return trimmed.to_owned();
    }
    // FNV-1a, so that different names stay different.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{trimmed}-{hash:08x}")
}

/// Labels that are given and checked, with one more.
pub fn with_label(labels: &Labels, name: &str, value: &str, field: &str) -> Result<Labels, Error> {
    let mut list: Vec<(LabelName, Box<str>)> =
        labels.iter().map(|(name, value)| (name.clone(), value.into())).collect();
    list.push((LabelName::new(name, field)?, value.into()));
    Labels::of(list, field)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    pub(super) fn alert(name: &str, expression: &str, annotations: &[(&str, &str)]) -> Rule {
        Rule {
            makes: Makes::Alert {
                name: name.into(),
                pending_for: Duration::from_secs(90),
                keep_firing_for: Duration::ZERO,
                annotations: Labels::new(annotations.iter().copied(), "annotations").unwrap(),
            },
            expression: expression.into(),
            labels: Labels::new([("severity", "warning")], "labels").unwrap(),
        }
    }

    fn group(rules: Vec<Rule>) -> Group {
        Group { name: "g".into(), interval: Some(Duration::from_secs(30)), rules }
    }

    fn read(file: &str) -> Value {
        serde_saphyr::from_str(file).unwrap_or_else(|error| panic!("{error}\n{file}"))
    }

    #[test]
    fn a_file_has_the_shape_that_prometheus_documents() {
        let mut record = alert("x", "sum(a)", &[]);
        record.makes = Makes::Record { name: MetricName::new("job:a:sum", "record").unwrap() };
        let file = file(&[group(vec![alert("Down", "up == 0", &[("summary", "{{ $labels.job }} is: down")]), record])]);
        assert_eq!(
            read(&file),
            json!({"groups": [{"name": "g", "interval": "30s", "rules": [
                {"alert": "Down", "expr": "up == 0", "for": "1m30s", "labels": {"severity": "warning"},
                 "annotations": {"summary": "{{ $labels.job }} is: down"}},
                {"record": "job:a:sum", "expr": "sum(a)", "labels": {"severity": "warning"}},
            ]}]})
        );
    }

    #[test]
    fn what_no_rule_may_be_is_named_by_its_path() {
        let with_label = |name: &str, text: &str| {
            let mut rule = alert("a", "up", &[]);
            rule.labels = Labels::new([(name, text)], "labels").unwrap();
            rule
        };
        for (rule, field) in [
            (alert("", "up", &[]), "alert_name"),
            (alert("a\nb", "up", &[]), "alert_name"),
            (alert(&"a".repeat(2_000), "up", &[]), "alert_name"),
            (alert("a", "", &[]), "expression"),
            (alert("a", "rate(x[5m]) by (job)", &[]), "expression"),
            (alert("a", &"a".repeat(1 << 20), &[]), "expression"),
            (alert("a", "up", &[("summary", "{{ $value")]), "annotations.summary"),
            (with_label("alertname", "b"), "labels.alertname"),
            (with_label("team", "{{ }"), "labels.team"),
        ] {
            assert_eq!(group(vec![rule.clone()]).check("").unwrap_err().field(), Some(field), "{rule:?}");
        }
        let twice = group(vec![alert("a", "up", &[]), alert("a", "down", &[])]);
        assert_eq!(twice.check("groups[1]").unwrap_err().field(), Some("groups[1].rules[1]"));
    }

    #[test]
    fn a_slug_is_safe_and_tells_names_apart() {
        assert_eq!(slug("plugpipe"), "plugpipe");
        let names = ["High Auth Failure Rate", "high auth failure rate", "../../etc/passwd", "", "é", "a/b", "a b"];
        let slugs: Vec<String> = names.iter().map(|name| slug(name)).collect();
        for (index, slug) in slugs.iter().enumerate() {
            assert!(slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)), "{slug}");
            assert!(!slugs.iter().take(index).any(|other| other == slug), "{slug}");
        }
    }

    proptest! {
        #[test]
        fn no_text_changes_the_structure_of_the_file(name in any::<String>(), expression in any::<String>(), text in any::<String>()) {
            let rule = alert(&name, &expression, &[("summary", &text)]);
            let file = file(&[group(vec![rule])]);
            let read = read(&file);
            let expected = json!({"groups": [{"name": "g", "interval": "30s", "rules": [{
                "alert": name, "expr": expression, "for": "1m30s", "labels": {"severity": "warning"}, "annotations": {"summary": text},
            }]}]});
            prop_assert_eq!(read, expected, "{}", file);
        }
    }
}
