//! What is to be done for Grafana to hold a dashboard as it is wanted.

use serde_json::Value;

use super::diff::changes;
use super::members::{Map, Members as _};
use super::{Dashboard, is_fingerprint};
use plugpipe_contract::responses::{DashboardAction, DashboardChange};

/// Most changes that are told of one dashboard.
const MAX_CHANGES: usize = 50;

/// The folder that dashboards go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Folder {
    /// None was named: each stays where it is, and a new one goes to the root.
    Any,
    /// One that is not there yet.
    Missing,
    /// The one of this uid.
    Of(String),
}

impl Folder {
    /// Where a dashboard goes that lies in `now`, if it is there; empty for the root.
    pub fn for_one<'f>(&'f self, now: Option<&'f str>) -> &'f str {
        self.uid().or(now).unwrap_or_default()
    }

    /// The uid of the one that was named, where it is there.
    pub fn uid(&self) -> Option<&str> {
        match self {
            Self::Of(uid) => Some(uid),
            Self::Any | Self::Missing => None,
        }
    }

    /// Whether what lies in `now` may stay there.
    pub fn takes(&self, now: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Missing => false,
            Self::Of(uid) => uid == now,
        }
    }
}

/// What is done with a dashboard, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// There is none of its uid.
    Created,
    /// The one that is there is replaced.
    Updated,
    /// It is there already.
    Unchanged,
    /// The one that is there is not replaced, for this reason.
    Conflict(String),
}

impl Action {
    /// As responses have it.
    pub fn report(&self) -> DashboardAction {
        match self {
            Self::Created => DashboardAction::Created,
            Self::Updated => DashboardAction::Updated,
            Self::Unchanged => DashboardAction::Unchanged,
            Self::Conflict(_) => DashboardAction::Conflict,
        }
    }

    /// Why what is there is not replaced, if so.
    pub fn into_conflict(self) -> Option<String> {
        match self {
            Self::Conflict(why) => Some(why),
            Self::Created | Self::Updated | Self::Unchanged => None,
        }
    }
}

/// A dashboard as Grafana holds it, as far as it is compared.
#[derive(Debug, Clone, Copy)]
pub struct Held<'h> {
    /// Its JSON model.
    pub model: &'h Map,
    /// The folder it lies in; empty for none.
    pub folder_uid: &'h str,
}

impl Held<'_> {
    fn has_tag(&self, is_wanted: impl Fn(&str) -> bool) -> bool {
        self.model.list("tags").iter().filter_map(Value::as_str).any(is_wanted)
    }
}

/// What is to be done, and what differs. With `overwrite`, what somebody else made or changed is
/// replaced too.
pub fn compare(
    dashboard: &Dashboard,
    held: Option<Held>,
    folder: &Folder,
    overwrite: bool,
) -> (Action, Vec<DashboardChange>) {
    let Some(held) = held else { return (Action::Created, Vec::new()) };
    let mut found = changes(&dashboard.model, held.model, MAX_CHANGES);
    let by_hand = !found.is_empty() && held.has_tag(|tag| tag == dashboard.fingerprint);
    if !folder.takes(held.folder_uid) {
        let wanted = Some(folder.for_one(None).to_owned()).filter(|uid| !uid.is_empty());
        found.push(DashboardChange { path: "folder_uid".into(), was: Some(held.folder_uid.to_owned()), wanted });
    }
    let action = if found.is_empty() {
        Action::Unchanged
    } else if overwrite || (held.has_tag(is_fingerprint) && !by_hand) {
        Action::Updated
    } else if by_hand {
        Action::Conflict("it was changed in Grafana since it was applied; overwrite: true replaces it".into())
    } else {
        Action::Conflict(
            "Grafana holds another dashboard of this uid, which the plug did not make; overwrite: true replaces it"
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
    fn what_the_plug_made_is_updated_and_what_is_anothers_is_not() {
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
            let (got, _) = compare(&wanted, Some(Held { model, folder_uid: "" }), &Folder::Any, overwrite);
            assert_eq!(got.report(), action, "{got:?}");
        }
        assert_eq!(compare(&wanted, None, &Folder::Any, false), (Action::Created, Vec::new()));
    }

    #[test]
    fn what_lies_in_another_folder_is_moved() {
        let wanted = made("t");
        let held = Held { model: &wanted.model, folder_uid: "here" };
        for (folder, to) in [(Folder::Of("there".into()), Some("there")), (Folder::Missing, None)] {
            let (action, changes) = compare(&wanted, Some(held), &folder, false);
            assert_eq!(action, Action::Updated);
            let moved =
                DashboardChange { path: "folder_uid".into(), was: Some("here".into()), wanted: to.map(str::to_owned) };
            assert_eq!(changes, [moved]);
        }
        assert_eq!(compare(&wanted, Some(held), &Folder::Of("here".into()), false).0, Action::Unchanged);
    }
}
