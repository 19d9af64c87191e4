//! Dashboards, brought to Grafana with as few requests as tell what is up to date.

use std::collections::BTreeMap;

use super::{Api, Found, Held, SaveOutcome};
use crate::error::Error;
use plugpipe_contract::responses::{DashboardAction, DashboardChange};
use plugpipe_provisioning::dashboards::plan::{self, Action, Folder, compare};
use plugpipe_provisioning::dashboards::{Dashboard, Place, TAG, uid};

/// Up to so many dashboards are read one by one; more are looked for in a search first.
const FEW: usize = 3;

/// What is to be done with dashboards.
#[derive(Debug, Clone, Copy)]
pub struct Apply<'a> {
    /// Where they go.
    pub place: &'a Place,
    /// For their history.
    pub message: &'a str,
    /// Whether what somebody else made or changed may be replaced.
    pub overwrite: bool,
    /// Whether each dashboard is read and compared, also where its fingerprint is the right one.
    pub verify: bool,
    /// Whether anything is written.
    pub write: bool,
}

/// What came of one dashboard.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was compared with what is there, and saved where that was to be done.
    Compared(Compared),
    /// It could not be read or saved.
    Failed(Error),
    /// Because of an earlier failure.
    NotTried,
}

impl Outcome {
    /// As responses have it.
    pub fn action(&self) -> DashboardAction {
        match self {
            Self::Compared(compared) => compared.action.report(),
            Self::Failed(_) => DashboardAction::Failed,
            Self::NotTried => DashboardAction::NotTried,
        }
    }
}

/// A dashboard that was compared with what Grafana holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// What was done, or would be.
    pub action: Action,
    /// What differed.
    pub changes: Vec<DashboardChange>,
    /// How often it was saved, where that is known.
    pub version: Option<u64>,
    /// Its page, a path; empty where it is not known.
    pub url: String,
}

impl Compared {
    fn of(dashboard: &Dashboard, held: Option<&Held>, folder: &Folder, overwrite: bool) -> Self {
        let compared = held.map(|held| plan::Held { model: &held.model, folder_uid: &held.folder_uid });
        let (action, changes) = compare(dashboard, compared, folder, overwrite);
        let url = held.map(|held| held.url.clone()).unwrap_or_default();
        Self { action, changes, version: held.map(Held::version), url }
    }

    /// Whether something is to be written.
    fn is_due(&self) -> bool {
        matches!(self.action, Action::Created | Action::Updated)
    }

    /// The same after it was to be saved.
    fn saved(self, outcome: SaveOutcome) -> Self {
        match outcome {
            SaveOutcome::Done { version, url } => Self { version: Some(version), url, ..self },
            SaveOutcome::Conflict { said } => Self { action: Action::Conflict(said), ..self },
        }
    }
}

impl Api<'_> {
    /// Compares dashboards with what Grafana holds, and brings them there if that is wished. Fails
    /// where nothing could be done.
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
                // What the search did not find is probably not there. If it is, Grafana says so
                // when it is saved.
                None if is_searched && how.write => self.bring(dashboard, None, &folder, how),
                _ => self.dashboard(&dashboard.uid).and_then(|held| self.bring(dashboard, held, &folder, how)),
            };
            outcomes.push(match outcome {
                Ok(compared) => Outcome::Compared(compared),
                Err(error) => {
                    // A dashboard that is refused says nothing of the next one; a server that is
                    // away does.
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

    /// The folder that was named. Makes what is missing, where something is written.
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
            // One that people made has another uid.
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
                    "there is no such folder in Grafana; give its title in folder too, so that it is made",
                )),
            },
            (None, true) => Ok(Folder::Any),
            _ => Ok(Folder::Of(parent)),
        }
    }

    /// What a search for the plug's tag finds of these dashboards.
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

    /// Does what is to be done about one dashboard, over what Grafana holds of it.
    fn bring(
        &mut self,
        dashboard: &Dashboard,
        held: Option<Held>,
        folder: &Folder,
        how: &Apply,
    ) -> Result<Compared, Error> {
        let compared = Compared::of(dashboard, held.as_ref(), folder, how.overwrite);
        if !how.write || !compared.is_due() {
            return Ok(compared);
        }
        let into = folder.for_one(held.as_ref().map(|held| held.folder_uid.as_str()));
        let conflict = match self.save(&dashboard.model, held.as_ref(), into, how.message, false)? {
            done @ SaveOutcome::Done { .. } => return Ok(compared.saved(done)),
            conflict @ SaveOutcome::Conflict { .. } => conflict,
        };
        // Somebody was faster, or the search did not find it.
        let held = self.dashboard(&dashboard.uid)?;
        let again = Compared::of(dashboard, held.as_ref(), folder, how.overwrite);
        if !again.is_due() {
            return Ok(again);
        }
        if !how.overwrite {
            return Ok(again.saved(conflict));
        }
        let into = folder.for_one(held.as_ref().map(|held| held.folder_uid.as_str()));
        Ok(again.saved(self.save(&dashboard.model, held.as_ref(), into, how.message, true)?))
    }
}
