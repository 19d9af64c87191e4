//! What a server holds, and what would have to change for it to hold what is wanted.

use super::{Group, Makes, Rule, expression};
use crate::json::{Json, Object};
use crate::registry::Labels;

/// An annotation that says which text a rule was made from: for a server that tells rules in a form of its own, as Grafana does, whose
/// expressions become queries.
pub const MARK: &str = "plugpipe_rule";

/// A group as a server tells it: the form of `GET /api/v1/rules`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeldGroup {
    /// Its name.
    pub name: String,
    /// The file or namespace it is of.
    pub file: String,
    /// Seconds between evaluations.
    pub interval: f64,
    /// Its rules, in order.
    pub rules: Vec<HeldRule>,
}

/// A rule as a server tells it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeldRule {
    /// Whether it is an alert.
    pub alert: bool,
    /// The alert's or the metric's name.
    pub name: String,
    /// PromQL, in the server's own form.
    pub query: String,
    /// Seconds until an alert fires.
    pub pending_for: f64,
    /// Seconds that it goes on.
    pub keep_firing_for: f64,
    /// Names and texts, sorted.
    pub labels: Vec<(String, String)>,
    /// Names and texts, sorted.
    pub annotations: Vec<(String, String)>,
    /// `inactive`, `pending` or `firing`; empty where there is none.
    pub state: String,
    /// `ok`, `err` or `unknown`.
    pub health: String,
    /// Why the last evaluation failed; empty if it did not.
    pub last_error: String,
    /// The alerts it makes now.
    pub alerts: Vec<HeldAlert>,
}

/// One alert that a rule makes now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeldAlert {
    /// `pending` or `firing`.
    pub state: String,
    /// Since when, as RFC 3339.
    pub active_at: String,
    /// The expression's value, as text.
    pub value: String,
    /// Names and texts, sorted.
    pub labels: Vec<(String, String)>,
}

/// Reads `data` of `GET /api/v1/rules`. None if it is something else.
pub fn read(data: &Object) -> Option<Vec<HeldGroup>> {
    let Some(Json::Array(groups)) = data.get("groups") else { return None };
    groups
        .iter()
        .map(|group| {
            let Json::Object(group) = group else { return None };
            let rules = match group.get("rules") {
                Some(Json::Array(rules)) => rules.iter().map(rule).collect::<Option<_>>()?,
                _ => Vec::new(),
            };
            Some(HeldGroup {
                name: text(group, "name"),
                file: text(group, "file"),
                interval: number(group, "interval"),
                rules,
            })
        })
        .collect()
}

fn rule(rule: &Json) -> Option<HeldRule> {
    let Json::Object(rule) = rule else { return None };
    let alerts = match rule.get("alerts") {
        Some(Json::Array(alerts)) => alerts.as_slice(),
        _ => &[],
    };
    Some(HeldRule {
        alert: text(rule, "type") == "alerting",
        name: text(rule, "name"),
        query: text(rule, "query"),
        pending_for: number(rule, "duration"),
        keep_firing_for: number(rule, "keepFiringFor"),
        labels: texts(rule, "labels"),
        annotations: texts(rule, "annotations"),
        state: text(rule, "state"),
        health: text(rule, "health"),
        last_error: text(rule, "lastError"),
        alerts: alerts
            .iter()
            .filter_map(|alert| match alert {
                Json::Object(alert) => Some(HeldAlert {
                    state: text(alert, "state"),
                    active_at: text(alert, "activeAt"),
                    value: text(alert, "value"),
                    labels: texts(alert, "labels"),
                }),
                _ => None,
            })
            .collect(),
    })
}

fn text(object: &Object, name: &str) -> String {
    object.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn number(object: &Object, name: &str) -> f64 {
    match object.get(name) {
        Some(Json::Number(number)) => number.as_f64().unwrap_or_default(),
        _ => 0.0,
    }
}

fn texts(object: &Object, name: &str) -> Vec<(String, String)> {
    let Some(Json::Object(texts)) = object.get(name) else { return Vec::new() };
    let texts = texts.iter().filter_map(|(name, text)| Some((name.to_owned(), text.as_str()?.to_owned()))).collect();
    crate::sort::sorted_by(texts, Ord::cmp)
}

impl HeldRule {
    /// Whether it is this rule: nothing would change if it were written again.
    ///
    /// With `opaque`, the server tells expressions in a form of its own: an alert is known by its [`MARK`], and of a rule that makes a
    /// series only name and labels are compared.
    pub fn is(&self, rule: &Rule, opaque: bool) -> bool {
        if let Makes::Alert { annotations, .. } = &rule.makes
            && opaque
            && let Some(mark) = annotations.get(MARK)
        {
            let own = self.annotations.iter().find(|(name, _)| name == MARK);
            return self.alert && self.name == rule.name() && own.is_some_and(|(_, own)| own == mark);
        }
        let same = |held: &[(String, String)], wanted: &Labels| {
            held.len() == wanted.iter().len()
                && held.iter().zip(wanted.iter()).all(|(held, (name, text))| held.0 == name.as_str() && held.1 == text)
        };
        let same_alert = match &rule.makes {
            Makes::Record { .. } => !self.alert,
            Makes::Alert { pending_for, keep_firing_for, annotations, .. } => {
                self.alert
                    && self.pending_for == pending_for.as_secs_f64()
                    && self.keep_firing_for == keep_firing_for.as_secs_f64()
                    && same(&self.annotations, annotations)
            }
        };
        same_alert
            && self.name == rule.name()
            && same(&self.labels, &rule.labels)
            && (opaque || expression::same(&self.query, &rule.expression))
    }
}

/// What must happen to a group or a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is not there.
    Created,
    /// It is there, and otherwise.
    Changed,
    /// It is there as it is wanted.
    Unchanged,
    /// It is there, and no more wanted.
    Removed,
}

impl Change {
    /// The word for answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Removed => "removed",
        }
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
}

/// Compares the groups that are wanted with those that are held, of one file or namespace; `opaque` as for [`HeldRule::is`].
pub fn plan(wanted: &[Group], held: &[&HeldGroup], opaque: bool) -> Vec<GroupChange> {
    let mut changes = Vec::new();
    for group in wanted {
        let Some(own) = held.iter().find(|held| held.name == group.name) else {
            let rules = group.rules.iter().map(|rule| (rule.name().to_owned(), Change::Created)).collect();
            changes.push(GroupChange { group: group.name.clone(), change: Change::Created, rules });
            continue;
        };
        let mut left: Vec<Option<&HeldRule>> = own.rules.iter().map(Some).collect();
        let mut rules = Vec::new();
        for rule in &group.rules {
            let is = |held: &&mut Option<&HeldRule>| held.is_some_and(|held| held.is(rule, opaque));
            let is_named = |held: &&mut Option<&HeldRule>| {
                held.is_some_and(|held| held.name == rule.name() && held.alert == rule.is_alert())
            };
            let change = if let Some(found) = left.iter_mut().find(is) {
                *found = None;
                Change::Unchanged
            } else if let Some(found) = left.iter_mut().find(is_named) {
                *found = None;
                Change::Changed
            } else {
                Change::Created
            };
            rules.push((rule.name().to_owned(), change));
        }
        rules.extend(left.into_iter().flatten().map(|held| (held.name.clone(), Change::Removed)));
        // Rules of a group depend on each other's order.
        let in_order = own.rules.len() == group.rules.len()
            && own.rules.iter().zip(&group.rules).all(|(held, rule)| held.is(rule, opaque));
        let same_interval = group.interval.is_none_or(|interval| interval.as_secs_f64() == own.interval);
        let change = if in_order && same_interval { Change::Unchanged } else { Change::Changed };
        changes.push(GroupChange { group: group.name.clone(), change, rules });
    }
    for own in held.iter().filter(|held| !wanted.iter().any(|group| group.name == held.name)) {
        let rules = own.rules.iter().map(|rule| (rule.name.clone(), Change::Removed)).collect();
        changes.push(GroupChange { group: own.name.clone(), change: Change::Removed, rules });
    }
    changes
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

    fn held() -> Vec<HeldGroup> {
        let Ok(Json::Object(data)) = Json::parse(HELD) else { panic!() };
        read(&data).unwrap()
    }

    fn changes(wanted: &[Group]) -> Vec<(String, Change, Vec<Change>)> {
        let held = held();
        let list = plan(wanted, &held.iter().collect::<Vec<_>>(), false);
        list.into_iter()
            .map(|group| (group.group, group.change, group.rules.into_iter().map(|(_, c)| c).collect()))
            .collect()
    }

    fn record() -> Rule {
        let mut record = alert("x", "sum(a)", &[]);
        record.makes = Makes::Record { name: crate::registry::MetricName::new("job:a:sum", "record").unwrap() };
        record.labels = Labels::default();
        record
    }

    fn group(rules: Vec<Rule>, seconds: Option<u64>) -> [Group; 1] {
        [Group { name: "g".into(), interval: seconds.map(Duration::from_secs), rules }]
    }

    #[test]
    fn what_a_server_tells_is_read() {
        let held = held();
        assert_eq!((held[0].file.as_str(), held[0].interval), ("/r/a.yml", 30.0));
        assert_eq!(held[0].rules[0].alerts[0].active_at, "2024-01-01T00:00:00Z");
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
        let other = [Group { name: "h".into(), interval: None, rules: vec![down()] }];
        assert_eq!(changes(&other)[0], ("h".into(), Created, vec![Created]));
    }
}
