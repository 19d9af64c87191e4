//! A server's rules, and the changes needed to reach the desired state.

use std::collections::BTreeMap;

use super::{Group, MARK, Rule, RuleKind, expression};
use crate::yaml::Yaml;
use plugpipe_contract::error::excerpt;
use plugpipe_contract::lenient::{lenient, unless_null};
pub use plugpipe_contract::responses::Change;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A server's rules: `data` in the response of `GET /api/v1/rules`.
#[derive(Debug, Deserialize)]
pub struct ServerRules {
    /// Its groups.
    pub groups: Vec<ServerGroup>,
}

/// A group listed by a server.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ServerGroup {
    /// Its name.
    #[serde(deserialize_with = "lenient")]
    pub name: String,
    /// Its file or namespace.
    #[serde(deserialize_with = "lenient")]
    pub file: String,
    /// The evaluation interval in seconds.
    #[serde(deserialize_with = "lenient")]
    pub interval: f64,
    /// The maximum number of series or alerts per rule; `None` if the server does not list it.
    #[serde(deserialize_with = "lenient")]
    pub limit: Option<f64>,
    /// Its rules, in order.
    // An unreadable rule is an error: without it the group would compare as a different one.
    #[serde(deserialize_with = "unless_null")]
    pub rules: Vec<ServerRule>,
}

/// A rule listed by a server.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ServerRule {
    /// Whether it is an alert.
    #[serde(rename = "type", deserialize_with = "is_alerting")]
    pub alert: bool,
    /// The name of the alert or metric.
    #[serde(deserialize_with = "lenient")]
    pub name: String,
    /// PromQL, as formatted by the server.
    #[serde(deserialize_with = "lenient")]
    pub query: String,
    /// The `for` duration in seconds.
    #[serde(rename = "duration", deserialize_with = "lenient")]
    pub pending_for: f64,
    /// The time it keeps firing, in seconds.
    #[serde(rename = "keepFiringFor", deserialize_with = "lenient")]
    keep_firing_for: f64,
    /// vmalert's name for it.
    #[serde(rename = "keep_firing_for", deserialize_with = "lenient")]
    keep_firing_for_vmalert: f64,
    /// Names and values, sorted.
    #[serde(deserialize_with = "texts")]
    pub labels: Vec<(String, String)>,
    /// Names and values, sorted.
    #[serde(deserialize_with = "texts")]
    pub annotations: Vec<(String, String)>,
    /// `inactive`, `pending` or `firing`; empty for recording rules.
    #[serde(deserialize_with = "lenient")]
    pub state: String,
    /// `ok`, `err` or `unknown`.
    #[serde(deserialize_with = "lenient")]
    pub health: String,
    /// The error of the last evaluation; empty if it succeeded.
    #[serde(rename = "lastError", deserialize_with = "lenient")]
    pub last_error: String,
    /// Its active alerts.
    #[serde(deserialize_with = "lenient")]
    pub alerts: Vec<RuleAlert>,
}

/// An active alert.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct RuleAlert {
    /// `pending` or `firing`.
    #[serde(deserialize_with = "lenient")]
    pub state: String,
    /// Its start, as RFC 3339.
    #[serde(rename = "activeAt", deserialize_with = "lenient")]
    pub active_at: String,
    /// The value of the expression, as text.
    #[serde(deserialize_with = "lenient")]
    pub value: String,
    /// Names and values, sorted.
    #[serde(deserialize_with = "texts")]
    pub labels: Vec<(String, String)>,
}

fn is_alerting<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    lenient(deserializer).map(|kind: String| kind == "alerting")
}

/// The string members, sorted by name.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    let members: BTreeMap<String, Value> = lenient(deserializer)?;
    let text = |(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    };
    Ok(members.into_iter().filter_map(text).collect())
}

impl ServerGroup {
    /// The group as a server would list it after loading this file, with its expressions unchanged.
    pub fn of(group: &Group, file: &str) -> Self {
        let texts = |texts: Vec<(&str, &str)>| texts.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let rules = group.rules.iter().map(|rule| {
            let (pending_for, keep_firing_for, annotations) = match &rule.makes {
                RuleKind::Record { .. } => (0.0, 0.0, Vec::new()),
                RuleKind::Alert { pending_for, keep_firing_for, annotations, .. } => (
                    pending_for.as_secs_f64(),
                    keep_firing_for.as_secs_f64(),
                    annotations.iter().map(|(name, text)| (name.as_str(), text)).collect(),
                ),
            };
            ServerRule {
                alert: rule.is_alert(),
                name: rule.name().to_owned(),
                query: rule.expression.clone(),
                pending_for,
                keep_firing_for,
                labels: texts(group.labels_of(rule)),
                annotations: texts(annotations),
                ..ServerRule::default()
            }
        });
        Self {
            name: group.name.clone(),
            file: file.to_owned(),
            interval: group.interval.unwrap_or_default().as_secs_f64(),
            limit: Some(limit(group)),
            rules: rules.collect(),
        }
    }
}

fn limit(group: &Group) -> f64 {
    match group.more.iter().find(|(field, _)| field.name == "limit") {
        Some((_, Yaml::Whole(limit))) => *limit as f64,
        _ => 0.0,
    }
}

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Equal.
    Same,
    /// Different.
    Other,
    /// Unknown, because the server could not compare them.
    Unsure,
}

/// The server's result of formatting an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formatted {
    /// The formatted expression.
    As(String),
    /// The expression is invalid, with the reason.
    Refused(String),
    /// The server cannot format expressions.
    Lacking,
}

/// Compares expressions by the server's formatting.
#[derive(Debug, Default)]
pub struct Equal {
    /// The server rewrites expressions, as Grafana does: alerts are compared by [`MARK`], recording
    /// rules by name and labels only.
    pub opaque: bool,
    /// The formatting results so far, by expression.
    pub formats: BTreeMap<String, Formatted>,
}

impl Equal {
    fn expressions(&self, one: &str, other: &str) -> Verdict {
        if self.opaque || expression::same(one, other) {
            return Verdict::Same;
        }
        match (self.formats.get(one), self.formats.get(other)) {
            (Some(Formatted::As(one)), Some(Formatted::As(other))) if one == other => Verdict::Same,
            (Some(Formatted::Lacking), _) | (_, Some(Formatted::Lacking)) => Verdict::Unsure,
            _ => Verdict::Other,
        }
    }

    /// The expressions that the server should format: those of rules that differ in the expression
    /// only.
    pub fn unknown<'e>(&self, wanted: &'e [Group], current: &[&'e ServerGroup]) -> Vec<&'e str> {
        let mut unknown: Vec<&str> = Vec::new();
        for (group, own) in
            wanted.iter().filter_map(|group| Some((group, current.iter().find(|own| own.name == group.name)?)))
        {
            for rule in &group.rules {
                let alike = own.rules.iter().filter(|current| current.is_but_for_expression(group, rule));
                if self.opaque || alike.clone().any(|current| expression::same(&current.query, &rule.expression)) {
                    continue;
                }
                for text in alike.flat_map(|current| [&*current.query, &*rule.expression]) {
                    if !self.formats.contains_key(text) && !unknown.contains(&text) {
                        unknown.push(text);
                    }
                }
            }
        }
        unknown
    }
}

impl ServerRule {
    /// The time an alert keeps firing, in seconds, under either name.
    fn keep_firing_for(&self) -> f64 {
        self.keep_firing_for.max(self.keep_firing_for_vmalert)
    }

    /// Whether it equals this rule of the group, so that writing it would change nothing.
    pub fn is(&self, group: &Group, rule: &Rule, equal: &Equal) -> Verdict {
        if let RuleKind::Alert { annotations, .. } = &rule.makes
            && equal.opaque
            && let Some(mark) = annotations.get(MARK)
        {
            let own = self.annotations.iter().find(|(name, _)| name == MARK);
            let same = self.alert && self.name == rule.name() && own.is_some_and(|(_, own)| own == mark);
            return if same { Verdict::Same } else { Verdict::Other };
        }
        if self.is_but_for_expression(group, rule) {
            equal.expressions(&self.query, &rule.expression)
        } else {
            Verdict::Other
        }
    }

    fn is_but_for_expression(&self, group: &Group, rule: &Rule) -> bool {
        let same = |current: &[(String, String)], wanted: &[(&str, &str)]| {
            current.len() == wanted.len()
                && current.iter().zip(wanted).all(|(current, wanted)| (&*current.0, &*current.1) == *wanted)
        };
        let same_alert = match &rule.makes {
            RuleKind::Record { .. } => !self.alert,
            RuleKind::Alert { pending_for, keep_firing_for, annotations, .. } => {
                let annotations: Vec<(&str, &str)> =
                    annotations.iter().map(|(name, text)| (name.as_str(), text)).collect();
                self.alert
                    && self.pending_for == pending_for.as_secs_f64()
                    && self.keep_firing_for() == keep_firing_for.as_secs_f64()
                    && same(&self.annotations, &annotations)
            }
        };
        same_alert && self.is_named(rule) && same(&self.labels, &group.labels_of(rule))
    }

    fn is_named(&self, rule: &Rule) -> bool {
        self.name == rule.name() && self.alert == rule.is_alert()
    }
}

/// The change of one group and its rules.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupChange {
    /// The group's name.
    pub group: String,
    /// The change of the group.
    pub change: Change,
    /// The change of each rule, by name.
    pub rules: Vec<(String, Change)>,
    /// Rules that may be equal or not, with their expressions as listed by the server.
    pub unsure: Vec<(String, String)>,
    /// Whether these rules are the only possible differences.
    pub only_unsure: bool,
}

impl GroupChange {
    fn whole(group: &str, change: Change, rules: Vec<(String, Change)>) -> Self {
        Self { group: group.to_owned(), change, rules, unsure: Vec::new(), only_unsure: false }
    }
}

/// Whether nothing has to change.
pub fn is_done(changes: &[GroupChange]) -> bool {
    changes.iter().all(|change| change.change == Change::Unchanged)
}

/// Whether all differences are uncertain.
pub fn is_only_unsure(changes: &[GroupChange]) -> bool {
    !is_done(changes) && changes.iter().all(|change| change.change == Change::Unchanged || change.only_unsure)
}

/// Describes how the server's rules differ from the desired ones. `place` is the file or namespace.
pub fn describe(changes: &[GroupChange], server: &str, place: &str) -> String {
    if is_only_unsure(changes) {
        let unsure = changes.iter().flat_map(|change| &change.unsure);
        let unsure: Vec<String> = unsure.map(|(name, query)| format!("{name} as {}", excerpt(query, 200))).collect();
        return format!(
            "the server lists {}; {server} cannot tell whether that is the same expression",
            unsure.join(", ")
        );
    }
    let mut odd = changes.iter().flat_map(|group| {
        let rules = group.rules.iter().filter(|(_, change)| *change != Change::Unchanged);
        rules.map(|(name, change)| {
            let how = match change {
                Change::Created => "is not listed",
                Change::Removed => "is still listed",
                Change::Changed | Change::Unchanged => "is listed with different settings",
            };
            format!("{}/{name} {how}", group.group)
        })
    });
    let named: Vec<String> = odd.by_ref().take(5).collect();
    let more = match odd.count() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let listed = if named.is_empty() { "groups have different settings".to_owned() } else { named.join(", ") };
    format!(
        "in the server's list of rules {listed}{more}; it may load {place} later, and only if its configuration includes it"
    )
}

/// Compares the desired groups with the current ones of one file or namespace. A group without
/// rules counts as present: not all servers list such groups.
pub fn plan(wanted: &[Group], current: &[&ServerGroup], equal: &Equal) -> Vec<GroupChange> {
    let mut changes = Vec::new();
    for group in wanted {
        changes.push(match current.iter().find(|current| current.name == group.name) {
            Some(own) => compare(group, own, equal),
            None if group.rules.is_empty() => GroupChange::whole(&group.name, Change::Unchanged, Vec::new()),
            None => created(group),
        });
    }
    for own in current.iter().filter(|current| !wanted.iter().any(|group| group.name == current.name)) {
        let rules = own.rules.iter().map(|rule| (rule.name.clone(), Change::Removed)).collect();
        changes.push(GroupChange::whole(&own.name, Change::Removed, rules));
    }
    changes
}

/// Compares the rules of this group only; the group's other rules stay.
pub fn plan_alert(group: &Group, current: &[&ServerGroup], equal: &Equal) -> GroupChange {
    let Some(own) = current.iter().find(|current| current.name == group.name) else { return created(group) };
    let mut change = compare(group, own, equal);
    change.rules.truncate(group.rules.len());
    let same_rules = change.rules.iter().all(|(_, change)| *change == Change::Unchanged);
    let same = same_rules && same_interval(group, own);
    change.change = if same { Change::Unchanged } else { Change::Changed };
    change.only_unsure = !change.unsure.is_empty() && same_interval(group, own);
    change
}

/// The changes of removing an alert.
pub fn plan_removal(group: &str, alert: &str, current: &[&ServerGroup]) -> Vec<GroupChange> {
    let is = |rule: &&ServerRule| rule.alert && rule.name == alert;
    current
        .iter()
        .filter(|own| own.name == group)
        .filter_map(|own| {
            let rules: Vec<_> = own.rules.iter().filter(is).map(|rule| (rule.name.clone(), Change::Removed)).collect();
            let change = if rules.len() == own.rules.len() { Change::Removed } else { Change::Changed };
            (!rules.is_empty()).then(|| GroupChange::whole(group, change, rules))
        })
        .collect()
}

fn created(group: &Group) -> GroupChange {
    let rules = group.rules.iter().map(|rule| (rule.name().to_owned(), Change::Created)).collect();
    GroupChange::whole(&group.name, Change::Created, rules)
}

/// The desired rules in order, followed by the current rules that are not desired.
fn compare(group: &Group, own: &ServerGroup, equal: &Equal) -> GroupChange {
    let mut left: Vec<Option<&ServerRule>> = own.rules.iter().map(Some).collect();
    let (mut rules, mut unsure) = (Vec::new(), Vec::new());
    let mut take = |fits: &dyn Fn(&ServerRule) -> bool| {
        left.iter_mut().find(|current| current.is_some_and(fits)).and_then(Option::take)
    };
    for rule in &group.rules {
        let change = if take(&|current| current.is(group, rule, equal) == Verdict::Same).is_some() {
            Change::Unchanged
        } else if let Some(current) = take(&|current| current.is(group, rule, equal) == Verdict::Unsure) {
            unsure.push((rule.name().to_owned(), current.query.clone()));
            Change::Changed
        } else if take(&|current| current.is_named(rule)).is_some() {
            Change::Changed
        } else {
            Change::Created
        };
        rules.push((rule.name().to_owned(), change));
    }
    rules.extend(left.into_iter().flatten().map(|current| (current.name.clone(), Change::Removed)));
    // The order of rules in a group matters.
    let in_order = |taken: &[Verdict]| {
        own.rules.len() == group.rules.len()
            && own.rules.iter().zip(&group.rules).all(|(current, rule)| taken.contains(&current.is(group, rule, equal)))
            && same_settings(group, own)
    };
    let change = if in_order(&[Verdict::Same]) { Change::Unchanged } else { Change::Changed };
    let only_unsure = !unsure.is_empty() && in_order(&[Verdict::Same, Verdict::Unsure]);
    GroupChange { group: group.name.clone(), change, rules, unsure, only_unsure }
}

fn same_settings(group: &Group, own: &ServerGroup) -> bool {
    same_interval(group, own) && own.limit.is_none_or(|current| current == limit(group))
}

fn same_interval(group: &Group, own: &ServerGroup) -> bool {
    group.interval.is_none_or(|interval| interval.as_secs_f64() == own.interval)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::super::tests::alert;
    use super::*;

    const HELD: &str = r#"{"groups": [{"name": "g", "file": "/r/a.yml", "interval": 30, "rules": [
        {"type": "alerting", "name": "Down", "query": "up == 0", "duration": 90, "keepFiringFor": 0, "labels": {"severity": "warning"},
         "annotations": {"summary": "s"}, "state": "firing", "health": "ok",
         "alerts": [{"labels": {"alertname": "Down"}, "state": "firing", "activeAt": "2024-01-01T00:00:00Z", "value": "0e+00"}]},
        {"type": "recording", "name": "job:a:sum", "query": "sum(a)", "health": "ok"}]}]}"#;

    fn current() -> Vec<ServerGroup> {
        serde_json::from_str::<ServerRules>(HELD).unwrap().groups
    }

    fn changes(wanted: &[Group]) -> Vec<(String, Change, Vec<Change>)> {
        let current = current();
        let list = plan(wanted, &current.iter().collect::<Vec<_>>(), &Equal::default());
        list.into_iter()
            .map(|group| (group.group, group.change, group.rules.into_iter().map(|(_, c)| c).collect()))
            .collect()
    }

    fn record() -> Rule {
        let mut record = alert("x", "sum(a)", &[]);
        record.makes =
            RuleKind::Record { name: plugpipe_metrics::registry::MetricName::new("job:a:sum", "record").unwrap() };
        record.labels = plugpipe_metrics::registry::Labels::default();
        record
    }

    fn group(rules: Vec<Rule>, seconds: Option<u64>) -> [Group; 1] {
        [Group { interval: seconds.map(Duration::from_secs), ..Group::new("g", rules) }]
    }

    #[test]
    fn a_servers_list_is_parsed() {
        let current = current();
        assert_eq!((current[0].file.as_str(), current[0].interval), ("/r/a.yml", 30.0));
        assert_eq!(current[0].rules[0].alerts[0].active_at, "2024-01-01T00:00:00Z");
        let odd = r#"{"groups": [{"name": "g", "rules": null}, {"name": 1, "limit": "5", "rules": [
            {"type": "alerting", "keep_firing_for": 5, "keepFiringFor": 5, "labels": {"b": "2", "a": "1", "c": 3}, "alerts": null}]}]}"#;
        let odd = serde_json::from_str::<ServerRules>(odd).unwrap().groups;
        assert_eq!(odd[0], ServerGroup { name: "g".into(), ..ServerGroup::default() });
        let rule = &odd[1].rules[0];
        assert_eq!((rule.alert, rule.keep_firing_for(), rule.alerts.len()), (true, 5.0, 0));
        assert_eq!(rule.labels, [("a".into(), "1".into()), ("b".into(), "2".into())]);
        for bad in [r#"{}"#, r#"{"groups": {}}"#, r#"{"groups": [1]}"#, r#"{"groups": [{"rules": ["up"]}]}"#] {
            assert!(serde_json::from_str::<ServerRules>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_differences_are_changed() {
        use Change::{Changed, Created, Removed, Unchanged};
        let down = || alert("Down", "up==0", &[("summary", "s")]);
        assert_eq!(
            changes(&group(vec![down(), record()], None)),
            [("g".into(), Unchanged, vec![Unchanged, Unchanged])]
        );
        assert_eq!(changes(&group(vec![down(), record()], Some(30)))[0].1, Unchanged);
        assert_eq!(changes(&group(vec![down(), record()], Some(60)))[0].1, Changed);
        assert_eq!(changes(&group(vec![record(), down()], None)), [("g".into(), Changed, vec![Unchanged, Unchanged])]);
        assert_eq!(changes(&group(vec![down()], None)), [("g".into(), Changed, vec![Unchanged, Removed])]);
        let told = alert("Down", "up == 0", &[("summary", "other")]);
        let new = alert("New", "up", &[]);
        assert_eq!(
            changes(&group(vec![told, record(), new], None)),
            [("g".into(), Changed, vec![Changed, Unchanged, Created])]
        );
        assert_eq!(changes(&[]), [("g".into(), Removed, vec![Removed, Removed])]);
        let other = [Group::new("h", vec![down()])];
        assert_eq!(changes(&other)[0], ("h".into(), Created, vec![Created]));
    }

    #[test]
    fn a_group_without_rules_counts_as_present() {
        let down = || alert("Down", "up == 0", &[("summary", "s")]);
        let wanted = [group(vec![down(), record()], None), [Group::new("empty", Vec::new())]].concat();
        assert!(changes(&wanted).iter().all(|(_, change, _)| *change == Change::Unchanged));
    }

    #[test]
    fn expressions_are_compared_by_the_servers_own_form() {
        let wanted = group(vec![alert("Down", "absent(x) or y", &[("summary", "s")]), record()], None);
        let current = current();
        let current: Vec<&ServerGroup> = current.iter().collect();
        let mut equal = Equal::default();
        assert_eq!(equal.unknown(&wanted, &current), ["up == 0", "absent(x) or y"]);
        for (format, change, only_unsure) in [
            (Formatted::As("up == 0".into()), Change::Unchanged, false),
            (Formatted::As("other".into()), Change::Changed, false),
            (Formatted::Refused("why".into()), Change::Changed, false),
            (Formatted::Lacking, Change::Changed, true),
        ] {
            equal.formats.insert("up == 0".into(), Formatted::As("up == 0".into()));
            equal.formats.insert("absent(x) or y".into(), format);
            let plan = plan(&wanted, &current, &equal);
            assert_eq!((plan[0].change, plan[0].only_unsure), (change, only_unsure));
        }
        assert!(equal.unknown(&wanted, &current).is_empty());
        let opaque = Equal { opaque: true, ..Equal::default() };
        assert!(opaque.unknown(&wanted, &current).is_empty());
    }

    #[test]
    fn labels_of_a_group_are_listed_with_those_of_its_rules() {
        let mut group = Group::new("g", vec![alert("A", "up", &[])]);
        group.labels =
            plugpipe_metrics::registry::Labels::new([("team", "x"), ("severity", "page")], "labels").unwrap();
        let current = ServerGroup::of(&group, "a.yml");
        let texts: Vec<(&str, &str)> = current.rules[0].labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(texts, [("severity", "warning"), ("team", "x")]);
        assert_eq!(plan(&[group.clone()], &[&current], &Equal::default())[0].change, Change::Unchanged);
        group
            .more
            .push((super::super::known::field("limit", super::super::known::Place::Group).unwrap(), Yaml::Whole(5)));
        assert_eq!(plan(&[group], &[&current], &Equal::default())[0].change, Change::Changed);
    }

    #[test]
    fn one_alert_is_compared_alone() {
        let current = current();
        let current: Vec<&ServerGroup> = current.iter().collect();
        let one = |rule: Rule| plan_alert(&group(vec![rule], None)[0], &current, &Equal::default());
        let unchanged = one(alert("Down", "up==0", &[("summary", "s")]));
        assert_eq!((unchanged.change, unchanged.rules.len()), (Change::Unchanged, 1));
        assert_eq!(one(alert("Down", "up==1", &[("summary", "s")])).rules[0].1, Change::Changed);
        assert_eq!(one(alert("New", "up==1", &[])).rules[0].1, Change::Created);
        assert_eq!(plan_removal("g", "Down", &current)[0].change, Change::Changed);
        assert!(plan_removal("g", "job:a:sum", &current).is_empty() && plan_removal("h", "Down", &current).is_empty());
    }
}
