//! Decides how to bring a dashboard in Grafana to the desired state.

use serde_json::Value;

use super::diff::changes;
use super::members::{Map, Members as _};
use super::{Dashboard, is_fingerprint};
use plugpipe_contract::responses::{DashboardAction, DashboardChange};

/// The most changes reported per dashboard.
const MAX_CHANGES: usize = 50;

/// The target folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Folder {
    /// None given: existing dashboards stay where they are, new ones go to the root.
    Any,
    /// It does not exist yet.
    Missing,
    /// The folder with this uid.
    Of(String),
}

impl Folder {
    /// The folder for a dashboard whose current folder is `now`, if it exists; empty for the root.
    pub fn for_one<'f>(&'f self, now: Option<&'f str>) -> &'f str {
        self.uid().or(now).unwrap_or_default()
    }

    /// The uid of the given folder, if it exists.
    pub fn uid(&self) -> Option<&str> {
        match self {
            Self::Of(uid) => Some(uid),
            Self::Any | Self::Missing => None,
        }
    }

    /// Whether a dashboard in `now` may stay there.
    pub fn takes(&self, now: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Missing => false,
            Self::Of(uid) => uid == now,
        }
    }
}

/// The action taken on a dashboard, or planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// No dashboard has this uid.
    Created,
    /// The existing dashboard is replaced.
    Updated,
    /// It is up to date.
    Unchanged,
    /// The existing dashboard is not replaced, for this reason.
    Conflict(String),
}

impl Action {
    /// The action in a result.
    pub fn report(&self) -> DashboardAction {
        match self {
            Self::Created => DashboardAction::Created,
            Self::Updated => DashboardAction::Updated,
            Self::Unchanged => DashboardAction::Unchanged,
            Self::Conflict(_) => DashboardAction::Conflict,
        }
    }

    /// The reason of a conflict.
    pub fn into_conflict(self) -> Option<String> {
        match self {
            Self::Conflict(why) => Some(why),
            Self::Created | Self::Updated | Self::Unchanged => None,
        }
    }
}

/// The parts of a dashboard in Grafana that are compared.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'h> {
    /// Its JSON model.
    pub model: &'h Map,
    /// Its folder; empty for none.
    pub folder_uid: &'h str,
}

impl Stored<'_> {
    fn has_tag(&self, is_wanted: impl Fn(&str) -> bool) -> bool {
        self.model.list("tags").iter().filter_map(Value::as_str).any(is_wanted)
    }
}

/// The action to take, and the differences. With `overwrite`, dashboards that somebody else made or
/// changed are replaced too.
pub fn compare(
    dashboard: &Dashboard,
    current: Option<Stored>,
    folder: &Folder,
    overwrite: bool,
) -> (Action, Vec<DashboardChange>) {
    let Some(current) = current else { return (Action::Created, Vec::new()) };
    let mut found = changes(&dashboard.model, current.model, MAX_CHANGES);
    let by_hand = !found.is_empty() && current.has_tag(|tag| tag == dashboard.fingerprint);
    if !folder.takes(current.folder_uid) {
        let wanted = Some(folder.for_one(None).to_owned()).filter(|uid| !uid.is_empty());
        found.push(DashboardChange { path: "folder_uid".into(), was: Some(current.folder_uid.to_owned()), wanted });
    }
    let action = if found.is_empty() {
        Action::Unchanged
    } else if overwrite || (current.has_tag(is_fingerprint) && !by_hand) {
        Action::Updated
    } else if by_hand {
        Action::Conflict("it was changed in Grafana since it was applied; overwrite: true replaces it".into())
    } else {
        Action::Conflict(
            "Grafana has another dashboard with this uid, which the plug did not make; overwrite: true replaces it"
                .into(),
        )
    };
    (action, found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Options;
    use super::super::build::build;
    use super::*;

    fn made(title: &str) -> Dashboard {
        build(json!({"uid": "u", "title": title}), "d", &Options::default()).unwrap()
    }

    #[test]
    fn the_plugs_dashboards_are_updated_and_others_are_not() {
        let (wanted, before) = (made("new"), made("old"));
        let mut by_hand = wanted.model.clone();
        by_hand.set("title", "by hand");
        let mut anothers = before.model.clone();
        anothers.remove("tags");
        for (model, overwrite, action) in [
            (&wanted.model, false, DashboardAction::Unchanged),
            (&before.model, false, DashboardAction::Updated),
            (&by_hand, false, DashboardAction::Conflict),
            (&by_hand, true, DashboardAction::Updated),
            (&anothers, false, DashboardAction::Conflict),
            (&anothers, true, DashboardAction::Updated),
        ] {
            let (got, _) = compare(&wanted, Some(Stored { model, folder_uid: "" }), &Folder::Any, overwrite);
            assert_eq!(got.report(), action, "{got:?}");
        }
        assert_eq!(compare(&wanted, None, &Folder::Any, false), (Action::Created, Vec::new()));
    }

    #[test]
    fn a_dashboard_in_another_folder_is_moved() {
        let wanted = made("t");
        let current = Stored { model: &wanted.model, folder_uid: "here" };
        for (folder, to) in [(Folder::Of("there".into()), Some("there")), (Folder::Missing, None)] {
            let (action, changes) = compare(&wanted, Some(current), &folder, false);
            assert_eq!(action, Action::Updated);
            let moved =
                DashboardChange { path: "folder_uid".into(), was: Some("here".into()), wanted: to.map(str::to_owned) };
            assert_eq!(changes, [moved]);
        }
        assert_eq!(compare(&wanted, Some(current), &Folder::Of("here".into()), false).0, Action::Unchanged);
    }
}
