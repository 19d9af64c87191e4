//! Edits of a rule file or of a server's namespace.

use super::file::{self, Current};
use super::plan::{self, Equal, GroupChange, ServerGroup};
use super::{Group, Rule};

/// An edit of a file or namespace.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Puts the group's one alert; everything else stays.
    Put(Group),
    /// Removes this alert from this group; everything else stays.
    Take {
        /// The group.
        group: String,
        /// The alert.
        alert: String,
    },
    /// Replaces all groups.
    Whole(Vec<Group>),
}

/// The next state of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Next {
    /// `None` to remove the file.
    pub content: Option<String>,
    /// Whether the file has to change.
    pub differs: bool,
}

impl Edit {
    /// The groups given by the edit.
    pub fn groups(&self) -> &[Group] {
        match self {
            Self::Put(group) => core::slice::from_ref(group),
            Self::Take { .. } => &[],
            Self::Whole(groups) => groups,
        }
    }

    /// The same groups, mutable.
    pub fn groups_mut(&mut self) -> &mut [Group] {
        match self {
            Self::Put(group) => core::slice::from_mut(group),
            Self::Take { .. } => &mut [],
            Self::Whole(groups) => groups,
        }
    }

    /// The names of all affected groups.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Take { group, .. } => vec![group],
            _ => self.groups().iter().map(|group| &*group.name).collect(),
        }
    }

    /// Whether it removes an alert.
    pub fn is_removal(&self) -> bool {
        matches!(self, Self::Take { .. })
    }

    /// The group and alert of a single-alert edit.
    pub fn alert(&self) -> (&str, &str) {
        match self {
            Self::Put(group) => (&group.name, group.rules.first().map_or("", Rule::name)),
            Self::Take { group, alert } => (group, alert),
            Self::Whole(_) => ("", ""),
        }
    }

    /// The other rules in these groups, besides the edit's one alert.
    pub fn others(&self, own: &[&ServerGroup]) -> Vec<String> {
        let (group, alert) = self.alert();
        own.iter()
            .flat_map(|own| own.rules.iter().map(move |rule| (own, rule)))
            .filter(|(own, rule)| !(own.name == group && rule.alert && rule.name == alert))
            .map(|(own, rule)| format!("{}/{}", own.name, rule.name))
            .collect()
    }

    /// The changes needed, compared with the current groups of the file or namespace.
    pub fn changes(&self, own: &[&ServerGroup], equal: &Equal) -> Vec<GroupChange> {
        match self {
            Self::Put(group) => vec![plan::plan_alert(group, own, equal)],
            Self::Take { group, alert } => plan::plan_removal(group, alert, own),
            Self::Whole(groups) => plan::plan(groups, own, equal),
        }
    }

    /// The changes needed in these groups of a file.
    pub fn changes_in_file(&self, groups: &[Group], name: &str) -> Vec<GroupChange> {
        let groups: Vec<ServerGroup> = groups.iter().map(|group| ServerGroup::of(group, name)).collect();
        self.changes(&groups.iter().collect::<Vec<_>>(), &Equal::default())
    }

    /// For a single alert, copies the settings of its group from the file, so that the server's
    /// list matches.
    pub fn keep_settings(&mut self, groups: &[Group]) {
        if let Self::Put(group) = self
            && let Some(own) = groups.iter().find(|own| own.name == group.name)
        {
            group.labels = own.labels.clone();
            group.more = own.more.clone();
        }
    }

    /// The next contents of the named file. The error says why the file is left unchanged.
    pub fn next(&self, current: &Current, name: &str) -> Result<Next, String> {
        let groups = match (self, current) {
            (_, Current::Foreign) => {
                return Err(format!(
                    "{name} is not managed by the plug: its first line does not begin with {:?}. It was left unchanged; use another file name",
                    file::MARKER
                ));
            }
            (Self::Whole(groups), _) => Some(groups.clone()),
            (_, Current::Edited) => {
                return Err(format!(
                    "{name} was edited by hand, so a single rule of it cannot be changed. It was left unchanged; use apply_alerts with all of its rules, or another file name",
                ));
            }
            (Self::Put(group), current) => Some(file::with_alert(current.groups(), group)?),
            (Self::Take { group, alert }, current) => file::without_alert(current.groups(), group, alert),
        };
        let before = (!matches!(current, Current::Absent)).then(|| current.groups());
        Ok(match groups {
            // Nothing to remove: the file stays.
            None => Next { content: before.map(file::write), differs: false },
            // Remove the file rather than leave it without groups.
            Some(groups) if groups.is_empty() => Next { content: None, differs: before.is_some() },
            Some(groups) => {
                let differs = !matches!(current, Current::Managed(before) if *before == groups);
                Next { content: Some(file::write(&groups)), differs }
            }
        })
    }

    /// The contents for a file that was not read, based on the rules the server lists; an inner
    /// `None` to have no file. `None` if other rules would be lost.
    pub fn unread(&self, own: &[&ServerGroup]) -> Option<Option<String>> {
        match self {
            Self::Whole(groups) => Some((!groups.is_empty()).then(|| file::write(groups))),
            Self::Put(_) => self.others(own).is_empty().then(|| Some(file::write(self.groups()))),
            Self::Take { .. } => (!own.is_empty() && self.others(own).is_empty()).then_some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::alert;
    use super::*;

    #[test]
    fn an_unread_file_is_written_only_if_no_other_rule_is_lost() {
        let put = Edit::Put(Group::new("g", vec![alert("A", "up", &[])]));
        let take = Edit::Take { group: "g".into(), alert: "A".into() };
        let listed = ServerGroup::of(&put.groups()[0], "a.yml");
        assert_eq!(put.unread(&[]), Some(Some(file::write(put.groups()))));
        assert_eq!((take.unread(&[]), take.unread(&[&listed])), (None, Some(None)));
        let others = ServerGroup { name: "h".into(), ..listed.clone() };
        assert_eq!((put.unread(&[&listed, &others]), take.unread(&[&listed, &others])), (None, None));
        assert_eq!(put.others(&[&listed, &others]), ["h/A"]);
        assert_eq!(Edit::Whole(Vec::new()).unread(&[&others]), Some(None));
    }

    #[test]
    fn only_known_files_are_changed() {
        let put = Edit::Put(Group::new("g", vec![alert("A", "up", &[])]));
        let next = put.next(&Current::Absent, "a.yml").unwrap();
        assert!(next.differs);
        let current = Current::of(next.content.as_deref());
        assert_eq!(put.next(&current, "a.yml"), Ok(Next { differs: false, ..next }));
        let take = Edit::Take { group: "g".into(), alert: "A".into() };
        assert_eq!(take.next(&current, "a.yml"), Ok(Next { content: None, differs: true }));
        assert_eq!(take.next(&Current::Absent, "a.yml"), Ok(Next { content: None, differs: false }));
        assert!(put.next(&Current::Foreign, "a.yml").unwrap_err().contains("not managed"));
        assert!(put.next(&Current::Edited, "a.yml").unwrap_err().contains("by hand"));
    }
}
