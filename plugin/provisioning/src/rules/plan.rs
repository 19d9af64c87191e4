//! What a server holds, and what would have to change for it to hold what is wanted.

use std::collections::BTreeMap;

use super::{Group, MARK, Rule, RuleKind, expression};
use crate::yaml::Yaml;
use plugpipe_contract::error::excerpt;
use plugpipe_contract::lenient::{lenient, unless_null};
pub use plugpipe_contract::responses::Change;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What a server holds: `data` of the response to `GET /api/v1/rules`.
#[derive(Debug, Deserialize)]
pub struct ServerRules {
    /// Its groups.
    pub groups: Vec<ServerGroup>,
}

/// A group as a server lists it.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ServerGroup {
    /// Its name.
    #[serde(deserialize_with = "lenient")]
    pub name: String,
    /// The file or namespace it is of.
    #[serde(deserialize_with = "lenient")]
    pub file: String,
    /// Seconds between evaluations.
    #[serde(deserialize_with = "lenient")]
    pub interval: f64,
    /// The most series or alerts that one of its rules may make; none where the server does not
    /// list it.
    #[serde(deserialize_with = "lenient")]
    pub limit: Option<f64>,
    /// Its rules, in order.
    // Any rule that cannot be read is an error: without it the group would be taken for another
    // one.
    #[serde(deserialize_with = "unless_null")]
    pub rules: Vec<ServerRule>,
}

/// A rule as a server lists it.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ServerRule {
    /// Whether it is an alert.
    #[serde(rename = "type", deserialize_with = "is_alerting")]
    pub alert: bool,
    /// The alert's or the metric's name.
    #[serde(deserialize_with = "lenient")]
    pub name: String,
    /// PromQL, in the server's own form.
    #[serde(deserialize_with = "lenient")]
    pub query: String,
    /// Seconds until an alert fires.
    #[serde(rename = "duration", deserialize_with = "lenient")]
    pub pending_for: f64,
    /// Seconds that it keeps firing.
    #[serde(rename = "keepFiringFor", deserialize_with = "lenient")]
    keep_firing_for: f64,
    /// vmalert's name for it.
    #[serde(rename = "keep_firing_for", deserialize_with = "lenient")]
    keep_firing_for_vmalert: f64,
    /// Names and texts, sorted.
    #[serde(deserialize_with = "texts")]
    pub labels: Vec<(String, String)>,
    /// Names and texts, sorted.
    #[serde(deserialize_with = "texts")]
    pub annotations: Vec<(String, String)>,
    /// `inactive`, `pending` or `firing`; empty where there is none.
    #[serde(deserialize_with = "lenient")]
    pub state: String,
    /// `ok`, `err` or `unknown`.
    #[serde(deserialize_with = "lenient")]
    pub health: String,
    /// Why the last evaluation failed; empty if it did not.
    #[serde(rename = "lastError", deserialize_with = "lenient")]
    pub last_error: String,
    /// The alerts it makes now.
    #[serde(deserialize_with = "lenient")]
    pub alerts: Vec<HeldAlert>,
}

/// One alert that a rule makes now.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct HeldAlert {
    /// `pending` or `firing`.
    #[serde(deserialize_with = "lenient")]
    pub state: String,
    /// Since when, as RFC 3339.
    #[serde(rename = "activeAt", deserialize_with = "lenient")]
    pub active_at: String,
    /// The expression's value, as text.
    #[serde(deserialize_with = "lenient")]
    pub value: String,
    /// Names and texts, sorted.
    #[serde(deserialize_with = "texts")]
    pub labels: Vec<(String, String)>,
}

fn is_alerting<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    lenient(deserializer).map(|kind: String| kind == "alerting")
}

/// Members that are texts, sorted by name.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    let members: BTreeMap<String, Value> = lenient(deserializer)?;
    let text = |(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    };
    Ok(members.into_iter().filter_map(text).collect())
}

impl ServerGroup {
    /// A group as a server would tell it that had loaded it from this file, with its expressions as
    /// they are.
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

/// Whether two things are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They are.
    Same,
    /// They are not.
    Other,
    /// Nobody who knows could be asked.
    Unsure,
}

/// What a server made of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formatted {
    /// Its own form of it.
    As(String),
    /// It does not take it, and why.
    Refused(String),
    /// It does not format expressions.
    Lacking,
}

/// How expressions are compared: by the forms that the server itself gives them.
#[derive(Debug, Default)]
pub struct Equal {
    /// The server tells expressions in a form of its own, as Grafana does: an alert is known by its
    /// [`MARK`], and of a rule that makes a series only name and labels are compared.
    pub opaque: bool,
    /// What the server made of each expression that it was asked about.
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

    /// The expressions that the server should be asked about: of rules that are the same but for
    /// how these are written.
    pub fn unknown<'e>(&self, wanted: &'e [Group], held: &[&'e ServerGroup]) -> Vec<&'e str> {
        let mut unknown: Vec<&str> = Vec::new();
        for (group, own) in
            wanted.iter().filter_map(|group| Some((group, held.iter().find(|own| own.name == group.name)?)))
        {
            for rule in &group.rules {
                let alike = own.rules.iter().filter(|held| held.is_but_for_expression(group, rule));
                if self.opaque || alike.clone().any(|held| expression::same(&held.query, &rule.expression)) {
                    continue;
                }
                for text in alike.flat_map(|held| [&*held.query, &*rule.expression]) {
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
    /// Seconds that an alert keeps firing, under whichever name the server has for it.
    fn keep_firing_for(&self) -> f64 {
        self.keep_firing_for.max(self.keep_firing_for_vmalert)
    }

    /// Whether it is this rule of that group: nothing would change if it were written again.
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
        let same = |held: &[(String, String)], wanted: &[(&str, &str)]| {
            held.len() == wanted.len() && held.iter().zip(wanted).all(|(held, wanted)| (&*held.0, &*held.1) == *wanted)
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

/// What must happen to one group, and to each of its rules.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupChange {
    /// The group's name.
    pub group: String,
    /// To the group as a whole.
    pub change: Change,
    /// To each rule, by its name.
    pub rules: Vec<(String, Change)>,
    /// Rules of which it is not known whether the server has them as they are wanted, and their
    /// expressions as it tells them.
    pub unsure: Vec<(String, String)>,
    /// Whether nothing but those is to be changed, as far as is known.
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

/// Whether all that is not as it is wanted may be so, as far as is known.
pub fn is_only_unsure(changes: &[GroupChange]) -> bool {
    !is_done(changes) && changes.iter().all(|change| change.change == Change::Unchanged || change.only_unsure)
}

/// What a server lists otherwise than it is wanted; no reasons are guessed. `place` is the file or
/// namespace.
pub fn describe(changes: &[GroupChange], server: &str, place: &str) -> String {
    if is_only_unsure(changes) {
        let unsure = changes.iter().flat_map(|change| &change.unsure);
        let unsure: Vec<String> = unsure.map(|(name, query)| format!("{name} as {}", excerpt(query, 200))).collect();
        return format!(
            "the server lists {}; {server} does not say whether that is the same expression",
            unsure.join(", ")
        );
    }
    let mut odd = changes.iter().flat_map(|group| {
        let rules = group.rules.iter().filter(|(_, change)| *change != Change::Unchanged);
        rules.map(|(name, change)| {
            let how = match change {
                Change::Created => "is not listed",
                Change::Removed => "is still listed",
                Change::Changed | Change::Unchanged => "is listed with other settings",
            };
            format!("{}/{name} {how}", group.group)
        })
    });
    let named: Vec<String> = odd.by_ref().take(5).collect();
    let more = match odd.count() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let listed = if named.is_empty() { "groups are listed otherwise".to_owned() } else { named.join(", ") };
    format!(
        "in the server's list of rules {listed}{more}; it may load {place} later, and only if its configuration names it"
    )
}

/// Compares the groups that are wanted with those that are held, of one file or namespace. Groups
/// without rules count as held: servers do not all list them.
pub fn plan(wanted: &[Group], held: &[&ServerGroup], equal: &Equal) -> Vec<GroupChange> {
    let mut changes = Vec::new();
    for group in wanted {
        changes.push(match held.iter().find(|held| held.name == group.name) {
            Some(own) => compare(group, own, equal),
            None if group.rules.is_empty() => GroupChange::whole(&group.name, Change::Unchanged, Vec::new()),
            None => created(group),
        });
    }
    for own in held.iter().filter(|held| !wanted.iter().any(|group| group.name == held.name)) {
        let rules = own.rules.iter().map(|rule| (rule.name.clone(), Change::Removed)).collect();
        changes.push(GroupChange::whole(&own.name, Change::Removed, rules));
    }
    changes
}

/// Compares only the rules of this group with those that are held: others of the group stay as they
/// are.
pub fn plan_alert(group: &Group, held: &[&ServerGroup], equal: &Equal) -> GroupChange {
    let Some(own) = held.iter().find(|held| held.name == group.name) else { return created(group) };
    let mut change = compare(group, own, equal);
    change.rules.truncate(group.rules.len());
    let same_rules = change.rules.iter().all(|(_, change)| *change == Change::Unchanged);
    let same = same_rules && same_interval(group, own);
    change.change = if same { Change::Unchanged } else { Change::Changed };
    change.only_unsure = !change.unsure.is_empty() && same_interval(group, own);
    change
}

/// What taking out an alert changes.
pub fn plan_removal(group: &str, alert: &str, held: &[&ServerGroup]) -> Vec<GroupChange> {
    let is = |rule: &&ServerRule| rule.alert && rule.name == alert;
    held.iter()
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

/// The rules that are wanted, in their order, and then those that are held besides.
fn compare(group: &Group, own: &ServerGroup, equal: &Equal) -> GroupChange {
    let mut left: Vec<Option<&ServerRule>> = own.rules.iter().map(Some).collect();
    let (mut rules, mut unsure) = (Vec::new(), Vec::new());
    let mut take =
        |fits: &dyn Fn(&ServerRule) -> bool| left.iter_mut().find(|held| held.is_some_and(fits)).and_then(Option::take);
    for rule in &group.rules {
        let change = if take(&|held| held.is(group, rule, equal) == Verdict::Same).is_some() {
            Change::Unchanged
        } else if let Some(held) = take(&|held| held.is(group, rule, equal) == Verdict::Unsure) {
            unsure.push((rule.name().to_owned(), held.query.clone()));
            Change::Changed
        } else if take(&|held| held.is_named(rule)).is_some() {
            Change::Changed
        } else {
            Change::Created
        };
        rules.push((rule.name().to_owned(), change));
    }
    rules.extend(left.into_iter().flatten().map(|held| (held.name.clone(), Change::Removed)));
    // Rules of a group depend on each other's order.
    let in_order = |taken: &[Verdict]| {
        own.rules.len() == group.rules.len()
            && own.rules.iter().zip(&group.rules).all(|(held, rule)| taken.contains(&held.is(group, rule, equal)))
            && same_settings(group, own)
    };
    let change = if in_order(&[Verdict::Same]) { Change::Unchanged } else { Change::Changed };
    let only_unsure = !unsure.is_empty() && in_order(&[Verdict::Same, Verdict::Unsure]);
    GroupChange { group: group.name.clone(), change, rules, unsure, only_unsure }
}

fn same_settings(group: &Group, own: &ServerGroup) -> bool {
    same_interval(group, own) && own.limit.is_none_or(|held| held == limit(group))
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

    fn held() -> Vec<ServerGroup> {
        serde_json::from_str::<ServerRules>(HELD).unwrap().groups
    }

    fn changes(wanted: &[Group]) -> Vec<(String, Change, Vec<Change>)> {
        let held = held();
        let list = plan(wanted, &held.iter().collect::<Vec<_>>(), &Equal::default());
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
    fn what_a_server_tells_is_read() {
        let held = held();
        assert_eq!((held[0].file.as_str(), held[0].interval), ("/r/a.yml", 30.0));
        assert_eq!(held[0].rules[0].alerts[0].active_at, "2024-01-01T00:00:00Z");
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
    fn only_what_differs_is_changed() {
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
    fn a_group_without_rules_is_wanted_and_holds_nothing_up() {
        let down = || alert("Down", "up == 0", &[("summary", "s")]);
        let wanted = [group(vec![down(), record()], None), [Group::new("empty", Vec::new())]].concat();
        assert!(changes(&wanted).iter().all(|(_, change, _)| *change == Change::Unchanged));
    }

    #[test]
    fn expressions_are_compared_by_the_servers_own_form() {
        let wanted = group(vec![alert("Down", "absent(x) or y", &[("summary", "s")]), record()], None);
        let held = held();
        let held: Vec<&ServerGroup> = held.iter().collect();
        let mut equal = Equal::default();
        assert_eq!(equal.unknown(&wanted, &held), ["up == 0", "absent(x) or y"]);
        for (format, change, only_unsure) in [
            (Formatted::As("up == 0".into()), Change::Unchanged, false),
            (Formatted::As("other".into()), Change::Changed, false),
            (Formatted::Refused("why".into()), Change::Changed, false),
            (Formatted::Lacking, Change::Changed, true),
        ] {
            equal.formats.insert("up == 0".into(), Formatted::As("up == 0".into()));
            equal.formats.insert("absent(x) or y".into(), format);
            let plan = plan(&wanted, &held, &equal);
            assert_eq!((plan[0].change, plan[0].only_unsure), (change, only_unsure));
        }
        assert!(equal.unknown(&wanted, &held).is_empty());
        let opaque = Equal { opaque: true, ..Equal::default() };
        assert!(opaque.unknown(&wanted, &held).is_empty());
    }

    #[test]
    fn labels_of_a_group_are_listed_with_those_of_its_rules() {
        let mut group = Group::new("g", vec![alert("A", "up", &[])]);
        group.labels =
            plugpipe_metrics::registry::Labels::new([("team", "x"), ("severity", "page")], "labels").unwrap();
        let held = ServerGroup::of(&group, "a.yml");
        let texts: Vec<(&str, &str)> = held.rules[0].labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(texts, [("severity", "warning"), ("team", "x")]);
        assert_eq!(plan(&[group.clone()], &[&held], &Equal::default())[0].change, Change::Unchanged);
        group
            .more
            .push((super::super::known::field("limit", super::super::known::Place::Group).unwrap(), Yaml::Whole(5)));
        assert_eq!(plan(&[group], &[&held], &Equal::default())[0].change, Change::Changed);
    }

    #[test]
    fn one_alert_is_looked_at_alone() {
        let held = held();
        let held: Vec<&ServerGroup> = held.iter().collect();
        let one = |rule: Rule| plan_alert(&group(vec![rule], None)[0], &held, &Equal::default());
        let unchanged = one(alert("Down", "up==0", &[("summary", "s")]));
        assert_eq!((unchanged.change, unchanged.rules.len()), (Change::Unchanged, 1));
        assert_eq!(one(alert("Down", "up==1", &[("summary", "s")])).rules[0].1, Change::Changed);
        assert_eq!(one(alert("New", "up==1", &[])).rules[0].1, Change::Created);
        assert_eq!(plan_removal("g", "Down", &held)[0].change, Change::Changed);
        assert!(plan_removal("g", "job:a:sum", &held).is_empty() && plan_removal("h", "Down", &held).is_empty());
    }
}
