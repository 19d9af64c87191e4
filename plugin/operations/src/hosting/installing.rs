//! A change of alerting rules: looked at and checked, written, and looked at again until the server
//! lists it. A rule file is read before and written by the host, loaded by the server, and taken
//! back if the server refuses what is in it. All in the lane of the file or of the namespace; only
//! the webhook, which is notified last, has a lane of its own.

use serde::{Deserialize, Serialize};

use super::found::{ReloadError, RuleChanges, RulesFound, RulesStep, RulesView};
use super::worker::{Report, Told};
use super::{File, FileProblem, Moment};
use plugpipe_contract::response::ResponseWriter;

/// The grant of the folder that rule files are in.
const FOLDER: &str = "rules";

/// How often a file that somebody else changes meanwhile is read again, or taken back.
const MAX_ATTEMPTS: u32 = 5;

/// The pause before the server is asked once more whether it lists the rules.
const CONFIRM_PAUSE_MS: u32 = 200;

/// How long a host may take to write a file.
pub(super) const FILE_LIMIT_MS: u32 = 10_000;

/// The maximum length of the name of a namespace's lane. Those that are cut share a lane.
const MAX_LANE: usize = 500;

/// A change of rules, as the operation plans it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallPlan {
    /// Where the rules are written.
    pub place: InstallPlace,
    /// How long the server is asked whether it lists them, in milliseconds.
    pub confirm_ms: u64,
    /// The origin of the webhook that is notified at last.
    pub webhook: Option<String>,
}

/// Where rules are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstallPlace {
    /// The rule file of this name, which the host reads and writes.
    File(String),
    /// The same, which the caller reads and writes; whether it has been written.
    CallersFile(String, bool),
    /// A namespace of a ruler's API, by the name of its lane.
    Ruler(String),
}

impl InstallPlan {
    pub(super) fn lane(&self) -> String {
        match &self.place {
            InstallPlace::File(name) | InstallPlace::CallersFile(name, _) => format!("file:{name}"),
            InstallPlace::Ruler(name) => {
                let end = name.char_indices().map(|(place, _)| place).take_while(|place| *place < MAX_LANE).last();
                format!("ruler:{}", name.get(..end.unwrap_or(0)).unwrap_or_default())
            }
        }
    }
}

/// How far a change of rules is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// The file is read.
    Read,
    /// The server is asked, and the operation decides what is to be written.
    Look,
    /// That is written into the file.
    Put,
    /// The server loads the file, or is given the rules.
    Write,
    /// The server is asked whether it lists the rules.
    Confirm,
    /// What the file held before is written again.
    TakeBack,
    /// A webhook is notified.
    Notify,
    /// Like `TakeBack`, of a file that the server may have loaded.
    TakeBackLoaded,
    /// The server loads the file as it was before.
    LoadAgain,
}

/// A change of rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstallFlow {
    place: InstallPlace,
    pub(super) stage: Stage,
    confirm_ms: u64,
    /// The origin of the webhook.
    pub(super) webhook: Option<String>,
    /// Whether the webhook is to be notified, and whether of an alert that fires.
    notify: Option<bool>,
    /// What the file held when it was read; none if no folder was granted.
    current: Option<Option<String>>,
    next: Option<String>,
    before: Option<RuleChanges>,
    reload_error: Option<ReloadError>,
    attempts: u32,
    /// Until when the server is asked whether it lists the rules, in milliseconds since the epoch.
    until_ms: Option<u64>,
    /// Whether the server was asked before.
    asked: bool,
    /// Why nobody knows whether the file was written or loaded.
    lost: Option<String>,
    /// Why the file cannot be read.
    unread: Option<String>,
    /// What the operation answered last. In no journal, like all that only serves answers.
    #[serde(skip)]
    told: Option<Box<Told>>,
}

/// What follows a stage.
pub(super) enum Follows {
    /// The next one.
    Stage,
    /// The answer.
    Answer {
        /// Whether the request was carried out. As the effects of the jobs have it, so that a replay
        /// without answers comes to the same.
        ok: bool,
        told: Box<Told>,
    },
}

impl InstallFlow {
    pub(super) fn new(plan: InstallPlan) -> Self {
        let InstallPlan { place, confirm_ms, webhook } = plan;
        let stage = match place {
            InstallPlace::File(_) => Stage::Read,
            InstallPlace::CallersFile(_, true) => Stage::Write,
            InstallPlace::CallersFile(_, false) | InstallPlace::Ruler(_) => Stage::Look,
        };
        Self {
            place,
            stage,
            confirm_ms,
            webhook,
            notify: None,
            current: None,
            next: None,
            before: None,
            reload_error: None,
            attempts: 0,
            until_ms: None,
            asked: false,
            lost: None,
            unread: None,
            told: None,
        }
    }

    /// The notification of the webhook, once this flow was answered; none if no webhook is due.
    pub(super) fn notification(&self) -> Option<Self> {
        let (Some(_), Some(_)) = (&self.notify, &self.webhook) else { return None };
        let plan =
            InstallPlan { place: self.place.clone(), confirm_ms: self.confirm_ms, webhook: self.webhook.clone() };
        Some(Self { stage: Stage::Notify, notify: self.notify, ..Self::new(plan) })
    }

    /// Whether the host performs the stage.
    pub(super) fn is_put(&self) -> bool {
        matches!(self.stage, Stage::Read | Stage::Put | Stage::TakeBack | Stage::TakeBackLoaded)
    }

    /// Whether the stage changes nothing anywhere.
    pub(super) fn only_asks(&self) -> bool {
        matches!(self.stage, Stage::Read | Stage::Look | Stage::Confirm)
    }

    /// Whether the stage follows a write of the host's, so that it is done whether or not anybody
    /// waits: a file that was written is loaded or taken back, and loaded again if need be.
    pub(super) fn is_owed(&self) -> bool {
        let is_file = matches!(self.place, InstallPlace::File(_));
        is_file && matches!(self.stage, Stage::Write | Stage::TakeBack | Stage::TakeBackLoaded | Stage::LoadAgain)
    }

    /// How long to wait before the stage.
    pub(super) fn pause_ms(&self) -> u32 {
        if self.stage == Stage::Confirm && self.asked { CONFIRM_PAUSE_MS } else { 0 }
    }

    /// The file to be written at this stage; reading it is removing it if there is none.
    pub(super) fn file(&self) -> Option<File> {
        let bytes = |text: &Option<String>| text.as_ref().map(|text| text.clone().into_bytes());
        let current = bytes(&self.current.clone().flatten());
        let (content, expected) = match self.stage {
            Stage::Read => (None, None),
            Stage::Put => (bytes(&self.next), current),
            Stage::TakeBack | Stage::TakeBackLoaded => (current, bytes(&self.next)),
            Stage::Look | Stage::Write | Stage::Confirm | Stage::Notify | Stage::LoadAgain => return None,
        };
        Some(File { folder: FOLDER.into(), name: self.name().to_owned(), content, expected })
    }

    fn name(&self) -> &str {
        match &self.place {
            InstallPlace::File(name) | InstallPlace::CallersFile(name, _) | InstallPlace::Ruler(name) => name,
        }
    }

    /// Whether the host may have written the file.
    fn is_written(&self) -> bool {
        matches!(self.place, InstallPlace::File(_))
            && matches!(self.stage, Stage::Write | Stage::Confirm | Stage::TakeBack | Stage::TakeBackLoaded)
    }

    /// What the operation is to know.
    pub(super) fn view(&self) -> RulesView {
        RulesView {
            step: match self.stage {
                Stage::Write | Stage::LoadAgain => RulesStep::Write,
                Stage::Confirm => RulesStep::Confirm,
                Stage::Notify => RulesStep::Notify(self.notify.unwrap_or_default()),
                Stage::Read | Stage::Look | Stage::Put | Stage::TakeBack | Stage::TakeBackLoaded => RulesStep::Look,
            },
            current: if self.is_written() { Some(self.next.clone()) } else { self.current.clone() },
            before: self.before.clone(),
            reload_error: self.reload_error.clone(),
        }
    }

    /// Applies the host's outcome for the file.
    pub(super) fn put(&mut self, outcome: Result<Option<Vec<u8>>, FileProblem>) -> Follows {
        let content = outcome.and_then(|content| match content.map(String::from_utf8).transpose() {
            Ok(content) => Ok(content),
            Err(_) => Err(FileProblem::Failed("it is not UTF-8 text; name another file".into())),
        });
        match (self.stage, content) {
            (Stage::Read, content) => {
                // Without a folder the caller is given the file.
                match content {
                    Ok(content) => self.current = Some(content),
                    Err(FileProblem::NotGranted) => {}
                    Err(FileProblem::Failed(why)) => self.unread = Some(why),
                }
                self.stage = Stage::Look;
                Follows::Stage
            }
            (Stage::Put, Ok(content)) if Some(&content) == self.current.as_ref() => {
                self.stage = Stage::Write;
                Follows::Stage
            }
            (Stage::Put, Ok(content)) if self.attempts < MAX_ATTEMPTS => {
                // Somebody else has changed it since it was read.
                self.attempts += 1;
                self.current = Some(content);
                self.stage = Stage::Look;
                Follows::Stage
            }
            (Stage::Put, Ok(_)) => self.not_written("another process keeps changing it"),
            (Stage::Put, Err(FileProblem::NotGranted)) => self.not_written("its folder is no longer granted"),
            (Stage::Put, Err(FileProblem::Failed(why))) => self.not_written(&why),
            (stage, content) => {
                // What was never written needs not be taken back.
                let was_written = content.as_ref().is_ok_and(|content| *content == self.next);
                let as_before = was_written || content.is_ok_and(|content| Some(content) == self.current);
                if as_before && stage == Stage::TakeBackLoaded {
                    (self.stage, self.attempts) = (Stage::LoadAgain, 0);
                    return Follows::Stage;
                }
                self.taken_back(as_before, "")
            }
        }
    }

    /// Applies the operation's outcome and returns what follows.
    pub(super) fn ran(&mut self, told: Told, found: RulesFound, at: Moment) -> Follows {
        let RulesFound { failed, file, writes, reload_error, before, awaits, notify } = found;
        self.keep(told);
        self.notify = notify.filter(|_| !failed);
        match self.stage {
            Stage::Look if !failed && (writes || (file.is_some() && self.current.is_some())) => {
                self.stage = if writes { Stage::Write } else { Stage::Put };
                (self.next, self.before, self.notify) = (file.flatten(), before, None);
                Follows::Stage
            }
            Stage::Look => match self.unread.take() {
                Some(why) => self.not_written(&why),
                None => self.answer(!failed),
            },
            Stage::Write => {
                let refused = failed || reload_error.as_ref().is_some_and(|error| error.refused);
                self.reload_error = reload_error;
                if refused && self.is_written() {
                    (self.stage, self.attempts, self.notify) = (Stage::TakeBack, 0, None);
                    return Follows::Stage;
                }
                if !awaits {
                    return self.answer(!failed);
                }
                self.stage = Stage::Confirm;
                self.until_ms = Some(at.unix_ms().saturating_add(self.confirm_ms));
                Follows::Stage
            }
            Stage::Confirm if awaits && !failed => self.again_or_answer(at),
            // A server that was asked has an answer awaited of it.
            Stage::LoadAgain if awaits && !failed && reload_error.is_none() => {
                self.taken_back(true, ", and the server reloaded it")
            }
            Stage::LoadAgain => {
                let why =
                    reload_error.map_or_else(|| "the reload could not be requested".to_owned(), |error| error.text);
                self.taken_back(true, &format!(", but the server did not reload it: {why}"))
            }
            _ => self.answer(!failed),
        }
    }

    /// Nobody knows how the stage ended.
    pub(super) fn lost(&mut self, why: &str, at: Moment) -> Follows {
        match self.stage {
            Stage::Put | Stage::Write if matches!(self.place, InstallPlace::File(_)) => {
                let back = if self.stage == Stage::Write { Stage::TakeBackLoaded } else { Stage::TakeBack };
                (self.stage, self.attempts, self.notify) = (back, 0, None);
                self.lost = Some(why.to_owned());
                Follows::Stage
            }
            // It is expected to hold what was written, so that a second time does no harm; nor does
            // loading it.
            Stage::TakeBack | Stage::TakeBackLoaded | Stage::LoadAgain if self.attempts < MAX_ATTEMPTS => {
                self.attempts += 1;
                Follows::Stage
            }
            Stage::TakeBack | Stage::TakeBackLoaded => self.taken_back(false, ""),
            Stage::LoadAgain => self.taken_back(true, &format!(", but the server may not have reloaded it: {why}")),
            // What was written is written: this look said nothing, and there may be time for another.
            Stage::Confirm => self.again_or_answer(at),
            Stage::Read | Stage::Look => Follows::Answer { ok: false, told: Box::new(super::worker::lost(true, why)) },
            Stage::Put | Stage::Write | Stage::Notify => {
                Follows::Answer { ok: false, told: Box::new(super::worker::lost(false, why)) }
            }
        }
    }

    /// What is answered if nobody waits any longer, and whether the stage runs. None if nothing was
    /// done but to ask.
    pub(super) fn given_up(&mut self, runs: bool) -> Option<Told> {
        match self.stage {
            Stage::Confirm => match self.answer(true) {
                Follows::Answer { told, .. } => Some(*told),
                Follows::Stage => None,
            },
            Stage::Put | Stage::Write | Stage::TakeBack | Stage::TakeBackLoaded | Stage::LoadAgain
                if runs || self.is_owed() =>
            {
                Some(super::worker::lost(false, "the time limit was reached"))
            }
            _ => None,
        }
    }

    /// The last job's report replaces the previous one; exchanges add up.
    fn keep(&mut self, told: Told) {
        let (attempts, elapsed) =
            self.told.as_ref().map_or_else(Default::default, |told| (told.attempts, told.elapsed));
        self.told = Some(Box::new(Told {
            attempts: told.attempts.saturating_add(attempts),
            elapsed: told.elapsed.saturating_add(elapsed),
            ..told
        }));
    }

    fn again_or_answer(&mut self, at: Moment) -> Follows {
        self.asked = true;
        if self.until_ms.is_some_and(|until| at.unix_ms() < until) { Follows::Stage } else { self.answer(true) }
    }

    /// The answer if the file could not be written.
    fn not_written(&mut self, why: &str) -> Follows {
        let mut told = self.told.take().unwrap_or_default();
        told.warnings.add(format!("rules_file {}: is not written: {why}", self.name()));
        self.notify = None;
        Follows::Answer { ok: true, told }
    }

    /// The answer once the file was taken back, or could not be; `loaded` is what the server did
    /// then.
    fn taken_back(&mut self, as_before: bool, loaded: &str) -> Follows {
        let Some(why) = self.lost.take() else {
            let ok = self.reload_error.is_some();
            return self.file_answer(ok, !as_before);
        };
        let state = if as_before {
            "the previous file was restored"
        } else {
            "the previous file could not be restored, so it may contain the new rules"
        };
        let problem = format!(
            "rules_file {}: the change was interrupted, and the server may or may not have loaded it: {why}; {state}{loaded}; list the rules before you repeat it",
            self.name()
        );
        let told =
            Told { report: Some(Report::new("unknown_outcome", problem)), ..*self.told.take().unwrap_or_default() };
        Follows::Answer { ok: false, told: Box::new(told) }
    }

    fn answer(&mut self, ok: bool) -> Follows {
        if self.is_written() {
            return self.file_answer(ok, true);
        }
        Follows::Answer { ok, told: self.told.take().unwrap_or_default() }
    }

    /// The answer once the host has written the file.
    fn file_answer(&mut self, ok: bool, stays: bool) -> Follows {
        let mut told = self.told.take().unwrap_or_default();
        if told.report.is_none() {
            let removed = self.next.is_none();
            let mut out = ResponseWriter::new();
            out.members(&told.members);
            out.member("rules_file_written", &(stays && !removed));
            if removed {
                out.member("rules_file_removed", &stays);
            }
            told.members = out.into_members();
        }
        Follows::Answer { ok, told }
    }
}
