//! How a stage of a change of rules ended, and what follows.

use super::Recorder;
use crate::hosting::found::RulesFound;
use crate::hosting::installing::{Follows, InstallFlow, Stage};
use crate::hosting::job::What;
use crate::hosting::schedule::{Role, Taken, Talk, Task, Want, Wanted};
use crate::hosting::worker::lost_notification;
use crate::hosting::{Moment, Outcome, Step};

impl Recorder {
    pub(super) fn complete_install(&mut self, lane: &str, taken: Taken, outcome: Outcome, at: Moment) -> Step {
        let mut step = Step { changed: taken.changed, ..Step::default() };
        let Some(Task::Talk { owner, talk, origins, limit_ms, repeatable, install: Some(mut flow) }) =
            taken.tasks.into_iter().next()
        else {
            return step;
        };
        let follows = self.after_stage(&mut flow, outcome, at);
        let mut ready = Vec::new();
        match follows {
            Follows::Answer { ok, told } => {
                if let Some(notification) = flow.notification().filter(|_| ok && flow.stage != Stage::Notify)
                    && self.schedule.is_open(owner.0)
                {
                    let want = want_to_notify(notification, talk, limit_ms);
                    step.due.extend(self.schedule.extend(owner.0, vec![want]));
                }
                ready.extend(self.schedule.settle(owner, ok, *told));
            }
            Follows::Stage => {
                let task = Task::Talk { owner, talk, origins, limit_ms, repeatable, install: Some(flow) };
                // Whether anybody waits for it, or it is owed to the file that was written.
                let goes_on = task.outlives_ticket() || self.schedule.is_open(owner.0);
                if goes_on && let Some(entry) = self.schedule.lanes.get_mut(lane) {
                    entry.tasks.push_front(task);
                }
            }
        }
        self.conclude(lane, ready, at, &mut step);
        step
    }

    fn after_stage(&mut self, flow: &mut InstallFlow, outcome: Outcome, at: Moment) -> Follows {
        match outcome {
            Outcome::FilePut(put) if flow.is_put() => flow.put(put),
            Outcome::Ran(_) if flow.is_put() => flow.lost("the host ran a job instead of writing a file", at),
            outcome => {
                let known = self.learn(outcome, at);
                match known.lost {
                    Some(why) if flow.stage == Stage::Notify => {
                        Follows::Answer { ok: true, told: Box::new(lost_notification(&why)) }
                    }
                    Some(why) => flow.lost(&why, at),
                    None => {
                        let found = match known.what {
                            What::Found(found) => found.rules,
                            _ => None,
                        };
                        flow.ran(known.told, found.unwrap_or_else(RulesFound::default), at)
                    }
                }
            }
        }
    }
}

/// The webhook is notified last, in a lane of its own: one that hangs holds up no other change.
fn want_to_notify(notification: InstallFlow, talk: Box<Talk>, limit_ms: u32) -> Want {
    let origins = notification.webhook.iter().cloned().collect();
    let install = Box::new(notification);
    Want { role: Role::Webhook, task: Ok(Wanted::Notify { talk, origins, limit_ms, install }) }
}
