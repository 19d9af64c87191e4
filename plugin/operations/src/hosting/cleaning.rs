//! `cleanup`: forgets everything, and removes from servers what the plug left there.

use core::time::Duration;

use super::deleting::DeleteTask;
use super::recorder::Recorder;
use super::schedule::{Finish, Open, Role, Want, Wanted, millis};
use super::worker::{How, Told, members};
use super::writing::WriteTask;
use super::{Moment, Step, Ticket};
use crate::config::Config;
use crate::http::{Limits, redacted};
use plugpipe_contract::responses::Cleaned;

/// How long a cleanup waits for one receiver.
const FAREWELL: Duration = Duration::from_millis(1_500);

impl Recorder {
    /// Forgets what was recorded and the configuration, and deletes the groups that were pushed,
    /// unless `delete_on_cleanup` is false. Answers `series_dropped`, and `unpushed`: whether
    /// something among it had reached no gateway. Where groups were pushed, `groups_deleted` and
    /// `groups_left` name them.
    pub fn start_cleanup(&mut self, ticket: Ticket, at: Moment) -> Step {
        let unpushed = self.pending.is_due() || self.groups.is_due();
        let dropped = self.forget();
        let how = How::unasked(&self.config);
        let patience_ms = millis(how.limits.total.saturating_mul(8));
        let deletes = self.config.delete_on_cleanup;
        let groups = core::mem::take(&mut self.pushes.groups);
        let wants = groups.into_iter().map(|url| {
            let role = Role::Clean { group: redacted(&url), kept: !deletes };
            let task = DeleteTask { url, how: how.clone(), settles: None, cleanup: true };
            // What is to stay has no error.
            Want { role, task: if deletes { Ok(Wanted::Delete(task)) } else { Err(Told::default()) } }
        });
        let mut wants: Vec<Want> = wants.collect();
        let limits = Limits { total: FAREWELL.min(self.config.remote.write_timeout), ..self.config.push_limits() };
        let how = How { limits, ..how };
        for receiver in self.receivers.0.iter_mut().filter(|receiver| receiver.send_queue.is_in_use()) {
            let ended = receiver.send_queue.end_all(at.unix_ms());
            let task = WriteTask {
                ends: Some(ended),
                ..WriteTask::new(receiver.url.clone(), how.clone(), &self.config.remote, Vec::new())
            };
            wants.push(Want { role: Role::Ended, task: Ok(Wanted::Write(task)) });
        }
        self.receivers.0.retain(|receiver| receiver.send_queue.is_in_use());
        let open = Open {
            // Of the configuration that is about to be forgotten nothing is said.
            metadata: String::new(),
            members: members(&Cleaned { series_dropped: dropped as u64, unpushed, remote_write: Vec::new() }),
            finish: Finish::Cleanup,
            changed: true,
            ..Open::default()
        };
        self.adopt(Config::default());
        self.config_text = "".into();
        self.clean_config = None;
        self.circuits = crate::http::Circuits::default();
        self.pushes = crate::operations::pushes::Pushes::default();
        let due = self.schedule.open(ticket, open, wants);
        let mut step = Step { due, patience_ms, changed: true, ..Step::default() };
        if let Some(open) = self.schedule.take_ready(ticket)
            && !at.again
        {
            step.answers.push((ticket, self.answer(open)));
        }
        step
    }
}
