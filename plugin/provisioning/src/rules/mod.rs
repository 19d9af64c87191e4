//! Alerting and recording rules: validated, rendered as Prometheus rule files, compared with those
//! on a server. No I/O.
//!
//! Text in rules cannot change the structure of the rendered file: [`crate::yaml`] writes every
//! string.

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

/// An annotation with a hash of the source rule, for servers that rewrite rules, such as Grafana,
/// which converts expressions to queries.
pub const MARK: &str = "plugpipe_rule";

/// The longest name of an alert or group, in bytes.
const MAX_NAME_LEN: usize = 1_000;

/// The longest expression, label or annotation, in bytes.
const MAX_TEXT_LEN: usize = 64 * 1024;

/// The field names of a rule in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `alert_name`, `expression`: an alert of `create_alert`, whose name is a single line.
    Flat,
    /// `alert`, `expr`: a rule of a rule file. Accepts what Prometheus accepts.
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

/// The kind of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleKind {
    /// An alert for each series of the expression's result.
    Alert {
        /// Becomes the label `alertname`.
        name: String,
        /// How long the condition must hold before the alert fires.
        pending_for: Duration,
        /// How long the alert keeps firing once the condition no longer holds. Since Prometheus
        /// 2.42.
        keep_firing_for: Duration,
        /// Text for people, as Go templates.
        annotations: Labels,
    },
    /// A new series for each series of the expression's result.
    Record {
        /// The metric name, by convention `level:metric:operations`.
        name: MetricName,
    },
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Alert or recording rule.
    pub makes: RuleKind,
    /// PromQL.
    pub expression: String,
    /// Labels to set; Go templates in an alert.
    pub labels: Labels,
    /// Additional fields that only some servers support.
    pub more: More,
}

/// Fields that only some servers support, with their values.
pub type More = Vec<(&'static known::Field, Yaml)>;

impl Rule {
    /// The name of the alert or metric.
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

    /// Validates without a server. `path` is the rule's path in the input, for errors; `promql`
    /// says whether its expression is PromQL.
    pub fn check(&self, path: &str, style: Style, evaluator: Evaluator, promql: bool) -> Result<(), Error> {
        let at = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        let expr = || at(style.expression());
        if promql {
            expression::check(&self.expression).map_err(|mistake| Error::invalid(expr(), mistake.message))?;
        }
        too_long(&self.expression, MAX_TEXT_LEN).map_err(|problem| Error::invalid(expr(), problem))?;
        if self.labels.get("__name__").is_some() {
            return Err(Error::invalid(at("labels.__name__"), "is the metric name, which labels of a rule cannot set"));
        }
        let RuleKind::Alert { name, annotations, .. } = &self.makes else { return Ok(()) };
        if name.is_empty() || (style == Style::Flat && name.trim().is_empty()) {
            return Err(Error::missing(at(style.alert()), "the alert's name"));
        }
        if style == Style::Flat {
            if self.labels.get("alertname").is_some() {
                return Err(Error::invalid(at("labels.alertname"), "is set by the alert's name; remove it"));
            }
            if let Some(control) = name.chars().find(|character| character.is_control()) {
                return Err(Error::invalid(
                    at(style.alert()),
                    format!("contains the control character U+{:04X}; expected a single line", u32::from(control)),
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

    /// Adds [`MARK`] to the annotations. Recording rules have none and stay unchanged.
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

    /// Whether a server would reject the other one as a duplicate.
    fn doubles(&self, other: &Self, evaluator: Evaluator) -> bool {
        if evaluator == Evaluator::Vmalert {
            // vmalert identifies rules by these.
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
    if text.len() > limit { Err(format!("has {} bytes; the maximum is {limit}", text.len())) } else { Ok(()) }
}

/// Rules that are evaluated in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Unique within its file or namespace.
    pub name: String,
    /// The evaluation interval; `None` for the server's default.
    pub interval: Option<Duration>,
    /// Labels for all its rules; a rule's own label takes precedence.
    pub labels: Labels,
    /// Additional fields that only some servers support.
    pub more: More,
    /// Its rules, in order; may be empty.
    pub rules: Vec<Rule>,
}

impl Group {
    /// A group with default settings.
    pub fn new(name: impl Into<String>, rules: Vec<Rule>) -> Self {
        Self { name: name.into(), interval: None, labels: Labels::default(), more: Vec::new(), rules }
    }

    /// Validates the group and its rules, which must not repeat. `path` is the path of the group in
    /// the input and `rules` that of its list of rules, for errors; empty if there is no list.
    pub fn check(&self, path: &str, rules: &str, style: Style, evaluator: Evaluator) -> Result<(), Error> {
        let at = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        let name = at(if style == Style::File { "name" } else { "group" });
        let one_line = !self.name.trim().is_empty() && !self.name.chars().any(char::is_control);
        if self.name.is_empty() || (style == Style::Flat && !one_line) {
            return Err(Error::invalid(
                name,
                format!("expected a single nonempty line, got {:?}", excerpt(&self.name, 100)),
            ));
        }
        too_long(&self.name, MAX_NAME_LEN).map_err(|problem| Error::invalid(name, problem))?;
        if self.labels.get("__name__").is_some() {
            return Err(Error::invalid(at("labels.__name__"), "is the metric name, which labels of a rule cannot set"));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let path = if rules.is_empty() { String::new() } else { format!("{rules}[{index}]") };
            rule.check(&path, style, evaluator, self.is_promql())?;
            let mut earlier = self.rules.iter().take(index);
            if let Some(twice) = earlier.position(|other| other.doubles(rule, evaluator)) {
                return Err(Error::invalid(path, format!("{} repeats rule {twice} of the list", rule.name())));
            }
        }
        Ok(())
    }

    /// A rule's labels as servers list them, including the group's labels.
    fn labels_of<'l>(&'l self, rule: &'l Rule) -> Vec<(&'l str, &'l str)> {
        let own = rule.labels.iter().map(|(name, text)| (name.as_str(), text));
        let group = self.labels.iter().map(|(name, text)| (name.as_str(), text));
        let all = own.chain(group.filter(|(name, _)| rule.labels.get(name).is_none())).collect();
        sorted_by(all, Ord::cmp)
    }

    /// Whether its expressions are PromQL: vmalert supports GraphiteQL and LogsQL too, which are
    /// not checked here.
    pub fn is_promql(&self) -> bool {
        let kind = self.more.iter().find(|(field, _)| field.name == "type");
        kind.is_none_or(|(_, kind)| matches!(kind, Yaml::Text(kind) if kind == "prometheus"))
    }

    /// Whether it has fields that no server includes when listing rules.
    pub fn has_unlisted(&self) -> bool {
        self.more.iter().chain(self.rules.iter().flat_map(|rule| &rule.more)).any(|(field, _)| !field.listed)
    }

    /// The group in a ruler's format, without the list around it.
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

/// A rule file with these groups.
pub fn file(groups: &[Group]) -> String {
    Yaml::Map(vec![("groups".into(), Yaml::List(groups.iter().map(Group::yaml).collect()))]).write()
}

/// The name of a file, folder or namespace for any name: letters, digits, `_` and `-`, plus a hash
/// if other characters were replaced.
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
    // FNV-1a, to keep different names different.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{trimmed}-{hash:08x}")
}

/// Adds a label.
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
    fn invalid_rules_are_named_by_their_path() {
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
    fn duplicates_depend_on_the_server() {
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
    fn a_slug_is_safe_and_distinguishes_names() {
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
