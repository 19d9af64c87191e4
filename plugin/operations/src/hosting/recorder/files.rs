//! How a stage of a rule file's change ended, and what follows.

use super::Recorder;
use super::lanes::lost;
use crate::hosting::filing::Follows;
use crate::hosting::job::What;
use crate::hosting::schedule::{Taken, Task};
use crate::hosting::{Moment, Outcome, Step};

impl Recorder {
    pub(super) fn complete_file(&mut self, lane: &str, taken: Taken, outcome: Outcome, at: Moment) -> Step {
        let mut step = Step { changed: taken.changed, ..Step::default() };
        let Some(Task::Talk { owner, origins, limit_ms, repeatable, file: Some(mut flow) }) =
            taken.tasks.into_iter().next()
        else {
            return step;
        };
        let follows = match outcome {
            Outcome::FilePut(put) => flow.put(put),
            outcome => {
                let known = self.learn(outcome, at);
                match known.lost {
                    Some(why) => Follows::Answer(Box::new(lost(repeatable, &why))),
                    None => {
                        let found = match known.what {
                            What::Found(found) => *found,
                            _ => Default::default(),
                        };
                        flow.spoke(known.told, found.file, found.before, found.refused)
                    }
                }
            }
        };
        let mut ready = Vec::new();
        match follows {
            Follows::Answer(told) => {
                ready.extend(self.schedule.settle(owner, told.report.is_none(), *told));
            }
            Follows::Stage => {
                let task = Task::Talk { owner, origins, limit_ms, repeatable, file: Some(flow) };
                if let Some(entry) = self.schedule.lanes.get_mut(lane) {
                    entry.tasks.push_front(task);
                }
            }
        }
        self.conclude(lane, ready, at, &mut step);
        step
    }
}
