//! Applies dashboards to Grafana, with few requests if they are up to date.

use std::collections::BTreeMap;

use super::{Api, Found, SaveOutcome, Stored};
use crate::error::Error;
use plugpipe_contract::responses::{DashboardAction, DashboardChange};
use plugpipe_provisioning::dashboards::plan::{self, Action, Folder, compare};
use plugpipe_provisioning::dashboards::{Dashboard, Place, TAG, uid};

/// Up to this many dashboards are read one by one; for more, a search comes first.
const FEW: usize = 3;

/// An apply request.
#[derive(Debug, Clone, Copy)]
pub struct Apply<'a> {
    /// The target folder.
    pub place: &'a Place,
    /// The message for the version history.
    pub message: &'a str,
    /// Whether dashboards that somebody else created or changed may be overwritten.
    pub overwrite: bool,
    /// Whether to read and compare dashboards even if their fingerprint is current.
    pub verify: bool,
    /// False for a dry run.
    pub write: bool,
}

/// The outcome for one dashboard.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was compared with the current one, and saved if necessary.
    Compared(Compared),
    /// Reading or saving it failed.
    Failed(Error),
    /// Skipped because of an earlier failure.
    NotTried,
}

impl Outcome {
    /// The action in the result.
    pub fn action(&self) -> DashboardAction {
        match self {
            Self::Compared(compared) => compared.action.report(),
            Self::Failed(_) => DashboardAction::Failed,
            Self::NotTried => DashboardAction::NotTried,
        }
    }
}

/// A dashboard compared with the current one in Grafana.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The action taken, or planned.
    pub action: Action,
    /// The differences.
    pub changes: Vec<DashboardChange>,
    /// Its version, if known.
    pub version: Option<u64>,
    /// The path of its page; empty if unknown.
    pub url: String,
}

impl Compared {
    fn of(dashboard: &Dashboard, current: Option<&Stored>, folder: &Folder, overwrite: bool) -> Self {
        let compared = current.map(|current| plan::Stored { model: &current.model, folder_uid: &current.folder_uid });
        let (action, changes) = compare(dashboard, compared, folder, overwrite);
        let url = current.map(|current| current.url.clone()).unwrap_or_default();
        Self { action, changes, version: current.map(Stored::version), url }
    }

    /// Whether it has to be saved.
    fn needs_save(&self) -> bool {
        matches!(self.action, Action::Created | Action::Updated)
    }

    /// Applies the outcome of saving it.
    fn saved(self, outcome: SaveOutcome) -> Self {
        match outcome {
            SaveOutcome::Done { version, url } => Self { version: Some(version), url, ..self },
            SaveOutcome::Conflict { message } => Self { action: Action::Conflict(message), ..self },
        }
    }
}

impl Api<'_> {
    /// Compares dashboards with those in Grafana and saves them if `write` is set. Fails if no
    /// dashboard could be processed.
    pub fn apply(&mut self, dashboards: &[Dashboard], how: &Apply) -> Result<(Folder, Vec<Outcome>), Error> {
        let folder = self.folder(how.place, how.write)?;
        let is_searched = dashboards.len() > FEW && !how.verify && folder != Folder::Missing;
        let found = if is_searched { self.find(dashboards)? } else { BTreeMap::new() };
        let mut outcomes: Vec<Outcome> = Vec::new();
        let mut is_stopped = false;
        for dashboard in dashboards {
            if is_stopped {
                outcomes.push(Outcome::NotTried);
                continue;
            }
            let outcome = match found.get(&dashboard.uid) {
                Some(found) if folder.takes(&found.folder_uid) && found.tags.contains(&dashboard.fingerprint) => {
                    let (action, url) = (Action::Unchanged, found.url.clone());
                    Ok(Compared { action, changes: Vec::new(), version: None, url })
                }
                // Not found by the search, so probably missing. If it exists, saving it fails with
                // a conflict.
                None if is_searched && how.write => self.apply_one(dashboard, None, &folder, how),
                _ => {
                    self.dashboard(&dashboard.uid).and_then(|current| self.apply_one(dashboard, current, &folder, how))
                }
            };
            outcomes.push(match outcome {
                Ok(compared) => Outcome::Compared(compared),
                Err(error) => {
                    // The next dashboard may be valid even if this one is rejected; any other error
                    // would repeat.
                    is_stopped = !matches!(error, Error::Refused { status: 400 | 422, .. });
                    Outcome::Failed(error)
                }
            });
        }
        match outcomes.first() {
            Some(Outcome::Failed(error))
                if is_stopped && outcomes.iter().all(|one| matches!(one, Outcome::Failed(_) | Outcome::NotTried)) =>
            {
                Err(error.clone())
            }
            _ => Ok((folder, outcomes)),
        }
    }

    /// The target folder. Creates missing folders if `write` is set.
    fn folder(&mut self, place: &Place, write: bool) -> Result<Folder, Error> {
        let mut parent = String::new();
        for (depth, title) in place.titles.iter().enumerate() {
            let is_last = depth + 1 == place.titles.len();
            let own = place.uid.clone().filter(|_| is_last);
            let titles = place.titles.get(..depth).unwrap_or_default();
            let uid = own.clone().unwrap_or_else(|| uid::derive(titles, title));
            if self.has_folder(&uid)? {
                parent = uid;
                continue;
            }
            // Folders created by people have other uids.
            let found = if own.is_none() { self.folder_of_title(title, &parent)? } else { None };
            parent = match found {
                Some(found) => found,
                None if !write => return Ok(Folder::Missing),
                None => {
                    self.make_folder(&uid, title, &parent)?;
                    uid
                }
            };
        }
        match (&place.uid, place.titles.is_empty()) {
            (Some(uid), true) => match self.has_folder(uid)? {
                true => Ok(Folder::Of(uid.clone())),
                false => Err(Error::invalid(
                    "folder_uid",
                    "Grafana has no such folder; set folder to its title too, so that it is created",
                )),
            },
            (None, true) => Ok(Folder::Any),
            _ => Ok(Folder::Of(parent)),
        }
    }

    /// Finds these dashboards by a search for the plug's tag.
    fn find(&mut self, dashboards: &[Dashboard]) -> Result<BTreeMap<String, Found>, Error> {
        let mut found = BTreeMap::new();
        self.search(&[("type", "dash-db"), ("tag", TAG)], |one| {
            if dashboards.iter().any(|dashboard| dashboard.uid == one.uid) {
                found.insert(one.uid.clone(), one);
            }
            found.len() < dashboards.len()
        })?;
        Ok(found)
    }

    /// Compares one dashboard with the current one and saves it if necessary.
    fn apply_one(
        &mut self,
        dashboard: &Dashboard,
        current: Option<Stored>,
        folder: &Folder,
        how: &Apply,
    ) -> Result<Compared, Error> {
        let compared = Compared::of(dashboard, current.as_ref(), folder, how.overwrite);
        if !how.write || !compared.needs_save() {
            return Ok(compared);
        }
        let into = folder.for_one(current.as_ref().map(|current| current.folder_uid.as_str()));
        let conflict = match self.save(&dashboard.model, current.as_ref(), into, how.message, false)? {
            done @ SaveOutcome::Done { .. } => return Ok(compared.saved(done)),
            conflict @ SaveOutcome::Conflict { .. } => conflict,
        };
        // It was changed concurrently, or the search missed it.
        let current = self.dashboard(&dashboard.uid)?;
        let again = Compared::of(dashboard, current.as_ref(), folder, how.overwrite);
        if !again.needs_save() {
            return Ok(again);
        }
        if !how.overwrite {
            return Ok(again.saved(conflict));
        }
        let into = folder.for_one(current.as_ref().map(|current| current.folder_uid.as_str()));
        Ok(again.saved(self.save(&dashboard.model, current.as_ref(), into, how.message, true)?))
    }
}
