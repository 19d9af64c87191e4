//! Alerting and recording rules: checked, rendered as Prometheus's rule files, compared with what a
//! server holds. No I/O.
//!
//! What is rendered cannot be changed in its structure by what is in it: every text is written by
//! [`crate::yaml`].

pub mod edit;
pub mod expression;
pub mod file;
pub mod known;
pub mod plan;
pub mod read;
pub mod template;
pub mod templates;

use core::time::Duration;

use crate::error::Error;
use crate::fnv::fnv1a;
use crate::rules::known::Evaluator;
use crate::yaml::Yaml;
use plugpipe_contract::error::excerpt;
use plugpipe_contract::time::prometheus_duration;
use plugpipe_metrics::registry::{LabelName, Labels, MetricName};
use plugpipe_metrics::sort::sorted_by;

/// An annotation that says which text a rule was made from: for a server that tells rules in a form
/// of its own, as Grafana does, whose expressions become queries.
pub const MARK: &str = "plugpipe_rule";

/// Longest name of an alert or group, in bytes.
const MAX_NAME_LEN: usize = 1_000;

/// Longest expression, label or annotation, in bytes.
const MAX_TEXT_LEN: usize = 64 * 1024;

/// How the fields of a rule are called where it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `alert_name`, `expression`: an alert of `create_alert`, whose name is one line of text.
    Flat,
    /// `alert`, `expr`: a rule of a rule file. What Prometheus takes is taken.
    File,
}

impl Style {
    fn alert(self) -> &'static str {
        match self {
            Self::Flat => "alert_name",
            Self::File => "alert",
        }
    }

    fn expression(self) -> &'static str {
        match self {
            Self::Flat => "expression",
            Self::File => "expr",
        }
    }
}

/// What a rule makes.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleKind {
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
    pub makes: RuleKind,
    /// PromQL.
    pub expression: String,
    /// Labels to set; Go templates in an alert.
    pub labels: Labels,
    /// Further fields, which only some servers take, with their values.
    pub more: More,
}

/// Fields that only some servers take, with their values.
pub type More = Vec<(&'static known::Field, Yaml)>;

impl Rule {
    /// The alert's or the metric's name.
    pub fn name(&self) -> &str {
        match &self.makes {
            RuleKind::Alert { name, .. } => name,
            RuleKind::Record { name } => name.as_str(),
        }
    }

    /// Whether it is an alert.
    pub fn is_alert(&self) -> bool {
        matches!(self.makes, RuleKind::Alert { .. })
    }

    /// Checks what can be checked without a server. `path` is the rule's in the input, for errors;
    /// `promql` says whether its expression is PromQL.
    pub fn check(&self, path: &str, style: Style, evaluator: Evaluator, promql: bool) -> Result<(), Error> {
        let at = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        let expr = || at(style.expression());
        if promql {
            expression::check(&self.expression).map_err(|mistake| Error::invalid(expr(), mistake.said))?;
        }
        too_long(&self.expression, MAX_TEXT_LEN).map_err(|problem| Error::invalid(expr(), problem))?;
        if self.labels.get("__name__").is_some() {
            return Err(Error::invalid(at("labels.__name__"), "is the metric's name, which a rule does not set so"));
        }
        let RuleKind::Alert { name, annotations, .. } = &self.makes else { return Ok(()) };
        if name.is_empty() || (style == Style::Flat && name.trim().is_empty()) {
            return Err(Error::missing(at(style.alert()), "the alert's name"));
        }
        if style == Style::Flat {
            if self.labels.get("alertname").is_some() {
                return Err(Error::invalid(at("labels.alertname"), "is set by the alert's name; leave it out"));
            }
            if let Some(control) = name.chars().find(|character| character.is_control()) {
                return Err(Error::invalid(
                    at(style.alert()),
                    format!("holds the control character U+{:04X}; expected one line of text", u32::from(control)),
                ));
            }
        }
        too_long(name, MAX_NAME_LEN).map_err(|problem| Error::invalid(at(style.alert()), problem))?;
        for (key, texts) in [("labels", &self.labels), ("annotations", annotations)] {
            for (name, text) in texts.iter() {
                let wrong = |problem| Error::invalid(format!("{}.{name}", at(key)), problem);
                too_long(text, MAX_TEXT_LEN).map_err(wrong)?;
                evaluator.check_template(text).map_err(wrong)?;
            }
        }
        Ok(())
    }

    /// The rule with [`MARK`] in its annotations. A rule that makes a series has none, and stays as
    /// it is.
    pub fn marked(mut self) -> Result<Self, Error> {
        let hash = fnv1a(self.yaml().write().bytes());
        if let RuleKind::Alert { annotations, .. } = &mut self.makes {
            *annotations = with_label(annotations, MARK, &format!("{hash:016x}"), "annotations")?;
        }
        Ok(self)
    }

    fn yaml(&self) -> Yaml {
        let mut members: Vec<(String, Yaml)> = Vec::new();
        let mut put = |key: &str, value| members.push((key.to_owned(), value));
        let name = Yaml::Text(self.name().to_owned());
        put(if self.is_alert() { "alert" } else { "record" }, name);
        put("expr", Yaml::Block(self.expression.clone()));
        if let RuleKind::Alert { pending_for, keep_firing_for, .. } = &self.makes {
            for (key, duration) in [("for", pending_for), ("keep_firing_for", keep_firing_for)] {
                if !duration.is_zero() {
                    put(key, Yaml::Text(prometheus_duration(*duration)));
                }
            }
        }
        if self.labels.iter().len() > 0 {
            put("labels", texts(&self.labels));
        }
        if let RuleKind::Alert { annotations, .. } = &self.makes
            && annotations.iter().len() > 0
        {
            put("annotations", texts(annotations));
        }
        for (field, value) in &self.more {
            put(field.name, value.clone());
        }
        Yaml::Map(members)
    }

    /// Whether a server would take the other one for this one again.
    fn doubles(&self, other: &Self, evaluator: Evaluator) -> bool {
        if evaluator == Evaluator::Vmalert {
            // vmalert knows a rule by these.
            return self.name() == other.name()
                && self.is_alert() == other.is_alert()
                && self.labels == other.labels
                && self.expression == other.expression;
        }
        self == other
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
    /// Labels of all its rules; a rule's own label of the same name wins.
    pub labels: Labels,
    /// Further fields, which only some servers take, with their values.
    pub more: More,
    /// Its rules, in order; a group may have none.
    pub rules: Vec<Rule>,
}

impl Group {
    /// A group without settings of its own.
    pub fn new(name: impl Into<String>, rules: Vec<Rule>) -> Self {
        Self { name: name.into(), interval: None, labels: Labels::default(), more: Vec::new(), rules }
    }

    /// Checks the group and all its rules; no two of them may be the same. `path` is the group's in
    /// the input and `rules` that of the list of its rules, for errors; an empty one where there is
    /// no list.
    pub fn check(&self, path: &str, rules: &str, style: Style, evaluator: Evaluator) -> Result<(), Error> {
        let at = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        let name = at(if style == Style::File { "name" } else { "group" });
        let one_line = !self.name.trim().is_empty() && !self.name.chars().any(char::is_control);
        if self.name.is_empty() || (style == Style::Flat && !one_line) {
            return Err(Error::invalid(name, format!("expected one line of text, got {:?}", excerpt(&self.name, 100))));
        }
        too_long(&self.name, MAX_NAME_LEN).map_err(|problem| Error::invalid(name, problem))?;
        if self.labels.get("__name__").is_some() {
            return Err(Error::invalid(at("labels.__name__"), "is the metric's name, which a rule does not set so"));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let path = if rules.is_empty() { String::new() } else { format!("{rules}[{index}]") };
            rule.check(&path, style, evaluator, self.is_promql())?;
            let mut earlier = self.rules.iter().take(index);
            if let Some(twice) = earlier.position(|other| other.doubles(rule, evaluator)) {
                return Err(Error::invalid(path, format!("{} is the same as rule {twice} of the list", rule.name())));
            }
        }
        Ok(())
    }

    /// The labels of one of its rules, as servers list them: those of the group, unless the rule
    /// has its own.
    fn labels_of<'l>(&'l self, rule: &'l Rule) -> Vec<(&'l str, &'l str)> {
        let own = rule.labels.iter().map(|(name, text)| (name.as_str(), text));
        let group = self.labels.iter().map(|(name, text)| (name.as_str(), text));
        let all = own.chain(group.filter(|(name, _)| rule.labels.get(name).is_none())).collect();
        sorted_by(all, Ord::cmp)
    }

    /// Whether its expressions are PromQL: vmalert takes GraphiteQL and LogsQL too, which nothing
    /// here knows.
    pub fn is_promql(&self) -> bool {
        let kind = self.more.iter().find(|(field, _)| field.name == "type");
        kind.is_none_or(|(_, kind)| matches!(kind, Yaml::Text(kind) if kind == "prometheus"))
    }

    /// Whether it has fields of which no server's list of rules tells anything.
    pub fn has_unlisted(&self) -> bool {
        self.more.iter().chain(self.rules.iter().flat_map(|rule| &rule.more)).any(|(field, _)| !field.listed)
    }

    /// The group as a ruler takes it: without the list it is in.
    pub fn yaml(&self) -> Yaml {
        let mut members = vec![("name".to_owned(), Yaml::Text(self.name.clone()))];
        if let Some(interval) = self.interval {
            members.push(("interval".into(), Yaml::Text(prometheus_duration(interval))));
        }
        for (field, value) in &self.more {
            members.push((field.name.into(), value.clone()));
        }
        if self.labels.iter().len() > 0 {
            members.push(("labels".into(), texts(&self.labels)));
        }
        members.push(("rules".into(), Yaml::List(self.rules.iter().map(Rule::yaml).collect())));
        Yaml::Map(members)
    }
}

/// A rule file: `groups:` with these groups.
pub fn file(groups: &[Group]) -> String {
    Yaml::Map(vec![("groups".into(), Yaml::List(groups.iter().map(Group::yaml).collect()))]).write()
}

/// The name of a file, folder or namespace for a name that may be anything: letters, digits, `_`
/// and `-`, and a hash where something else was in it.
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
    Ok(Labels::of(list, field)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    pub(super) fn alert(name: &str, expression: &str, annotations: &[(&str, &str)]) -> Rule {
        Rule {
            makes: RuleKind::Alert {
                name: name.into(),
                pending_for: Duration::from_secs(90),
                keep_firing_for: Duration::ZERO,
                annotations: Labels::new(annotations.iter().copied(), "annotations").unwrap(),
            },
            expression: expression.into(),
            labels: Labels::new([("severity", "warning")], "labels").unwrap(),
            more: Vec::new(),
        }
    }

    fn group(rules: Vec<Rule>) -> Group {
        Group { interval: Some(Duration::from_secs(30)), ..Group::new("g", rules) }
    }

    fn read(file: &str) -> Value {
        serde_saphyr::from_str(file).unwrap_or_else(|error| panic!("{error}\n{file}"))
    }

    #[test]
    fn a_file_has_the_shape_that_prometheus_documents() {
        let mut record = alert("x", "sum(a)", &[]);
        record.makes = RuleKind::Record { name: MetricName::new("job:a:sum", "record").unwrap() };
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
            let error = group(vec![rule.clone()]).check("", "", Style::Flat, Evaluator::Prometheus).unwrap_err();
            assert_eq!(error.field(), Some(field), "{rule:?}");
        }
    }

    #[test]
    fn rules_are_doubled_where_the_server_says_so() {
        let check = |rules, evaluator| group(rules).check("groups[1]", "groups[1].rules", Style::File, evaluator);
        let longer = || {
            let mut longer = alert("a", "up", &[]);
            if let RuleKind::Alert { pending_for, .. } = &mut longer.makes {
                *pending_for = Duration::from_secs(600);
            }
            longer
        };
        let own = || alert("a", "up", &[]);
        for (rules, evaluator, taken) in [
            (vec![own(), own()], Evaluator::Prometheus, false),
            (vec![own(), alert("a", "down", &[])], Evaluator::Prometheus, true),
            (vec![own(), longer()], Evaluator::Prometheus, true),
            (vec![own(), longer()], Evaluator::Vmalert, false),
            (vec![own(), alert("a", "down", &[])], Evaluator::Vmalert, true),
            (vec![], Evaluator::Prometheus, true),
        ] {
            let result = check(rules, evaluator);
            assert_eq!(result.is_ok(), taken, "{result:?}");
            if let Err(error) = result {
                assert_eq!(error.field(), Some("groups[1].rules[1]"));
            }
        }
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
