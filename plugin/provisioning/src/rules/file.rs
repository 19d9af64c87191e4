//! Rule files managed by the plug: marked in their first line, parsed, and edited rule by rule.
//!
//! No rule is lost: files without the mark are never changed, and marked files edited by hand can
//! only be replaced as a whole.

use super::read::{self, Uses};
use super::{Group, Rule};
use crate::yaml;
use plugpipe_contract::document::Document;
use plugpipe_contract::scalar::Any;

/// The beginning of the first line of a managed file. Hosts check it too before they replace or
/// remove a file.
pub const MARKER: &str = "# Managed by monitoring_prometheus";

/// The first line of a managed file.
const FIRST_LINE: &str =
    "# Managed by monitoring_prometheus; change it by create_alert, delete_alert or apply_alerts, not by hand.\n";

/// Writes a managed file with these groups.
pub fn write(groups: &[Group]) -> String {
    [FIRST_LINE, &super::file(groups)].concat()
}

/// The current state of a file in a rules folder.
#[derive(Debug, Clone, PartialEq)]
pub enum Current {
    /// It does not exist.
    Absent,
    /// It has no mark.
    Foreign,
    /// It has the mark but was edited.
    Edited,
    /// It was written by the plug; with its groups.
    Managed(Vec<Group>),
}

impl Current {
    /// Classifies a file by its contents; `None` if it does not exist.
    pub fn of(content: Option<&str>) -> Self {
        let Some(content) = content else { return Self::Absent };
        if !content.starts_with(MARKER) {
            return Self::Foreign;
        }
        match content.split_once('\n').and_then(|(_, body)| groups(body)) {
            // Every character must match, so that rewriting loses nothing.
            Some(groups) if write(&groups) == content => Self::Managed(groups),
            _ => Self::Edited,
        }
    }

    /// Its groups, if managed.
    pub fn groups(&self) -> &[Group] {
        match self {
            Self::Managed(groups) => groups,
            _ => &[],
        }
    }
}

fn groups(body: &str) -> Option<Vec<Group>> {
    let json = serde_json::to_string(&yaml::read(body)?).ok()?;
    let groups: Vec<Any> = Document::parse(&json).ok()?.read_field("groups").ok()??;
    groups.into_iter().map(|group| read::group(group, "", &mut Uses::default()).ok()).collect()
}

/// Puts the alert of `wanted` into its group, replacing the one with that name or appended as the
/// last rule. The error says why the rule to replace is ambiguous.
pub fn with_alert(groups: &[Group], wanted: &Group) -> Result<Vec<Group>, String> {
    let mut groups = groups.to_vec();
    let Some(group) = groups.iter_mut().find(|group| group.name == wanted.name) else {
        groups.push(wanted.clone());
        return Ok(groups);
    };
    if wanted.interval.is_some() {
        group.interval = wanted.interval;
    }
    for rule in &wanted.rules {
        if group.rules.contains(rule) {
            continue;
        }
        let count = group.rules.iter().filter(|own| is_alert(own, rule.name())).count();
        match group.rules.iter_mut().find(|own| is_alert(own, rule.name())) {
            None => group.rules.push(rule.clone()),
            Some(own) if count == 1 => *own = rule.clone(),
            Some(_) => {
                return Err(format!(
                    "the group {} has several alerts {}; use apply_alerts with all rules of the file",
                    group.name,
                    rule.name()
                ));
            }
        }
    }
    Ok(groups)
}

/// Removes the named alert, and its group if that has no other rules. `None` if the alert does not
/// exist.
pub fn without_alert(groups: &[Group], group: &str, alert: &str) -> Option<Vec<Group>> {
    let found = |own: &Group| own.name == group && own.rules.iter().any(|rule| is_alert(rule, alert));
    groups.iter().any(found).then(|| {
        let mut groups = groups.to_vec();
        for own in groups.iter_mut().filter(|own| found(own)) {
            own.rules.retain(|rule| !is_alert(rule, alert));
        }
        groups.retain(|own| own.name != group || !own.rules.is_empty());
        groups
    })
}

fn is_alert(rule: &Rule, name: &str) -> bool {
    rule.is_alert() && rule.name() == name
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use proptest::prelude::*;

    use super::super::tests::alert;
    use super::*;

    fn group(name: &str, rules: Vec<Rule>) -> Group {
        Group::new(name, rules)
    }

    #[test]
    fn written_files_are_recognized_and_others_are_told_apart() {
        let groups = [
            group("g", vec![alert("A", "up\n == 0", &[("summary", "a\n\nb")]), alert("B", "up", &[])]),
            group("e", vec![]),
        ];
        let file = write(&groups);
        assert_eq!(Current::of(Some(&file)), Current::Managed(groups.to_vec()));
        assert_eq!(Current::of(None), Current::Absent);
        assert_eq!(Current::of(Some(&file[FIRST_LINE.len()..])), Current::Foreign);
        assert_eq!(Current::of(Some("")), Current::Foreign);
        for edited in [
            file.replace("alert: B", "alert: B # why"),
            file.replace("alert: B", "alert:  B"),
            file.replace("severity: warning", "severity: 'warning'"),
            format!("{file}# end\n"),
            file.trim_end().to_owned(),
            file.replace("for: 1m30s", "for: 90s"),
            file.replace("for: 1m30s", "fro: 90s"),
            MARKER.to_owned(),
        ] {
            assert_eq!(Current::of(Some(&edited)), Current::Edited, "{edited}");
        }
    }

    #[test]
    fn one_alert_is_put_and_removed_and_the_others_stay() {
        let other = group("h", vec![alert("A", "other", &[])]);
        let before = vec![group("g", vec![alert("A", "up", &[]), alert("B", "up", &[])]), other.clone()];
        let put = |rule: Rule| {
            with_alert(&before, &Group { interval: Some(Duration::from_secs(9)), ..group("g", vec![rule]) })
        };
        let changed = put(alert("A", "new", &[])).unwrap();
        assert_eq!((changed[0].rules[0].expression.as_str(), changed[0].rules.len()), ("new", 2));
        assert_eq!((changed[0].interval, &changed[1]), (Some(Duration::from_secs(9)), &other));
        assert_eq!(put(alert("C", "new", &[])).unwrap()[0].rules.len(), 3);
        assert_eq!(with_alert(&before, &group("i", vec![alert("A", "up", &[])])).unwrap().len(), 3);
        let twice = vec![group("g", vec![alert("A", "up", &[]), alert("A", "down", &[])])];
        assert!(with_alert(&twice, &group("g", vec![alert("A", "other", &[])])).is_err());
        assert_eq!(with_alert(&twice, &group("g", vec![alert("A", "up", &[])])).unwrap(), twice);

        let without = without_alert(&before, "g", "A").unwrap();
        assert_eq!((without[0].rules.len(), &without[1]), (1, &other));
        assert_eq!(without_alert(&before, "h", "A").unwrap().len(), 1);
        assert_eq!(without_alert(&before, "g", "C"), None);
        assert_eq!(without_alert(&before, "i", "A"), None);
    }

    proptest! {
        #[test]
        fn any_rule_round_trips(name in "\\PC{1,20}", expression in "\\S(.|\n){0,30}", text in any::<String>()) {
            let groups = vec![group(&name, vec![alert(&name, &expression, &[("summary", &text)])])];
            prop_assert_eq!(Current::of(Some(&write(&groups))), Current::Managed(groups));
        }
    }
}
