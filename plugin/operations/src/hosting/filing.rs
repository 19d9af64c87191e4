//! Rules in a file: read, looked at and checked, written if need be, loaded and looked at again, and
//! taken back if the server refuses what is in it. All in the lane of the file.

use serde::{Deserialize, Serialize};

use super::found::{FileView, RuleChanges};
use super::worker::Told;
use super::{File, FileProblem};
use plugpipe_contract::response::ResponseWriter;

/// The grant of the folder that rule files are in.
const FOLDER: &str = "rules";

/// How often a file that somebody else changes meanwhile is read again.
const MAX_ATTEMPTS: u32 = 5;

/// How far a change of a rule file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// The file is read.
    Read,
    /// The server is asked, and the operation decides what the file is to hold.
    Look,
    /// That is written.
    Put,
    /// The server loads it, and is asked whether it has.
    Load,
    /// What was there before is written again.
    TakeBack,
}

impl Stage {
    /// Whether the host performs it.
    pub(super) fn is_put(self) -> bool {
        matches!(self, Self::Read | Self::Put | Self::TakeBack)
    }
}

/// A change of a rule file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FileFlow {
    name: String,
    pub(super) stage: Stage,
    /// What the file held when it was read; none if no folder was granted.
    current: Option<Option<String>>,
    next: Option<String>,
    before: Option<RuleChanges>,
    attempts: u32,
    /// Why the file cannot be read.
    unread: Option<String>,
    /// What the operation said last.
    #[serde(skip)]
    told: Option<Box<Told>>,
}

/// What follows a stage.
pub(super) enum Follows {
    /// The next one.
    Stage,
    /// The answer.
    Answer(Box<Told>),
}

impl FileFlow {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            stage: Stage::Read,
            current: None,
            next: None,
            before: None,
            attempts: 0,
            unread: None,
            told: None,
        }
    }

    /// The file to be written at this stage; reading it is removing it if there is none.
    pub(super) fn file(&self) -> Option<File> {
        let bytes = |text: &Option<String>| text.as_ref().map(|text| text.clone().into_bytes());
        let current = bytes(&self.current.clone().flatten());
        let (content, expected) = match self.stage {
            Stage::Read => (None, None),
            Stage::Put => (bytes(&self.next), current),
            Stage::TakeBack => (current, bytes(&self.next)),
            Stage::Look | Stage::Load => return None,
        };
        Some(File { folder: FOLDER.into(), name: self.name.clone(), content, expected })
    }

    /// What the operation is to know.
    pub(super) fn view(&self) -> FileView {
        match self.stage {
            Stage::Load => FileView { current: Some(self.next.clone()), written: true, before: self.before.clone() },
            _ => FileView { current: self.current.clone(), ..FileView::default() },
        }
    }

    /// What the host said of the file.
    pub(super) fn put(&mut self, outcome: Result<Option<Vec<u8>>, FileProblem>) -> Follows {
        let held = outcome.and_then(|held| match held.map(String::from_utf8).transpose() {
            Ok(held) => Ok(held),
            Err(_) => Err(FileProblem::Failed("it is not UTF-8 text; name another file".into())),
        });
        match (self.stage, held) {
            (Stage::Read, held) => {
                // Without a folder the caller is given the file.
                match held {
                    Ok(held) => self.current = Some(held),
                    Err(FileProblem::NotGranted) => {}
                    Err(FileProblem::Failed(why)) => self.unread = Some(why),
                }
                self.stage = Stage::Look;
                Follows::Stage
            }
            (Stage::Put, Ok(held)) if Some(&held) == self.current.as_ref() => {
                self.stage = Stage::Load;
                Follows::Stage
            }
            (Stage::Put, Ok(held)) if self.attempts < MAX_ATTEMPTS => {
                // Somebody else has changed it since it was read.
                self.attempts += 1;
                self.current = Some(held);
                self.stage = Stage::Look;
                Follows::Stage
            }
            (Stage::Put, Ok(_)) => Follows::Answer(self.not_written("another process changes it all the time")),
            (Stage::Put, Err(FileProblem::NotGranted)) => {
                Follows::Answer(self.not_written("its folder is no longer granted"))
            }
            (Stage::Put, Err(FileProblem::Failed(why))) => Follows::Answer(self.not_written(&why)),
            (_, held) => {
                let taken_back = held.is_ok_and(|held| held == self.next);
                Follows::Answer(self.answer(taken_back))
            }
        }
    }

    /// What the operation said: what the file is to hold, and whether the server refused it.
    pub(super) fn spoke(
        &mut self,
        told: Told,
        wanted: Option<Option<String>>,
        before: Option<RuleChanges>,
        refused: bool,
    ) -> Follows {
        let failed = told.report.is_some();
        self.told = Some(Box::new(told));
        match (self.stage, wanted) {
            (Stage::Look, Some(next)) if !failed && self.current.is_some() => {
                (self.next, self.before, self.stage) = (next, before, Stage::Put);
                Follows::Stage
            }
            // The answer says that nothing was done.
            (Stage::Load, _) if refused || failed => {
                self.stage = Stage::TakeBack;
                Follows::Stage
            }
            (Stage::Load, _) => Follows::Answer(self.answer(false)),
            _ => Follows::Answer(match self.unread.take() {
                Some(why) => self.not_written(&why),
                None => self.told.take().unwrap_or_default(),
            }),
        }
    }

    /// The answer if the file could not be written.
    fn not_written(&mut self, why: &str) -> Box<Told> {
        let mut told = self.told.take().unwrap_or_default();
        told.warnings.add(format!("rules_file {}: is not written: {why}", self.name));
        told
    }

    /// The answer once the file was written, and taken back or not.
    fn answer(&mut self, taken_back: bool) -> Box<Told> {
        let mut told = self.told.take().unwrap_or_default();
        if told.report.is_none() {
            let removed = self.next.is_none();
            let mut out = ResponseWriter::new();
            out.members(&told.members);
            out.member("rules_file_written", &(!taken_back && !removed));
            if removed {
                out.member("rules_file_removed", &!taken_back);
            }
            told.members = out.into_members();
        }
        told
    }
}
