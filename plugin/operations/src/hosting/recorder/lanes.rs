//! Taking the job of a lane, completing it, and releasing a ticket.

use core::mem;
use std::borrow::Cow;

use super::Recorder;
use crate::exposition::Exposition;
use crate::exposition::negotiate::Format;
use crate::exposition::plain;
use crate::hosting::checking::HealthJob;
use crate::hosting::deleting::{DeleteJob, DeleteTask, Settles};
use crate::hosting::found::RulesView;
use crate::hosting::job::{Body, ConverseJob, Effect, Order, What, decode};
use crate::hosting::pushing::{PushEffect, PushJob, PushTask, StatusJob, Target, told_of_problem, with_user};
use crate::hosting::schedule::{Open, PartState, Role, Taken, Talk, Task};
use crate::hosting::worker::{How, Reach, Report, Told, lost, lost_notification};
use crate::hosting::{Job, Moment, Outcome, Step, Ticket, Work};
use crate::operations::own_groups::Pending;
use crate::operations::together::expose;
use crate::registry::{Kind, Registry, SeriesId};
use crate::servers::pushgateway::Group;

/// What is known of an outcome.
pub(super) struct Known {
    pub(super) what: What,
    pub(super) told: Told,
    /// Why nobody knows how the job ended.
    pub(super) lost: Option<String>,
}

/// What a job came to; if nobody knows, that, and whether it can be repeated.
fn told_or_lost(why: Option<String>, repeatable: bool, told: Told) -> Told {
    why.map_or(told, |why| lost(repeatable, &why))
}

/// A job with what it carries. In a replay nobody looks at it.
fn bytes_of(order: &Order, carried: &[u8], at: Moment) -> Vec<u8> {
    if at.again { Vec::new() } else { order.encode(carried) }
}

impl Recorder {
    /// Takes the job of a lane that is due. None if there is nothing to do any more.
    pub fn take(&mut self, lane: &str, at: Moment) -> Option<Job> {
        let entry = self.schedule.lanes.get_mut(lane)?;
        if entry.taken.is_some() {
            return None;
        }
        entry.is_due = false;
        let Some(first) = entry.tasks.pop_front() else {
            self.schedule.lanes.remove(lane);
            return None;
        };
        let changed =
            first.outlives_ticket() || self.schedule.tickets.get(&first.owner().0).is_some_and(|open| open.changed);
        let mut taken = Taken::new(first.clone(), changed);
        let job = match first {
            Task::Talk { install: Some(flow), .. } if flow.is_put() => {
                if let Some(entry) = self.schedule.lanes.get_mut(lane) {
                    entry.taken = Some(taken);
                }
                return flow.file().map(|file| Job { work: Work::PutFile(file), changed });
            }
            Task::Talk { talk, install, repeatable, .. } => {
                if !repeatable && install.is_none() {
                    taken.versions = self.versions();
                }
                let order = self.talk(&talk, install.map(|flow| flow.view()), at);
                Some(bytes_of(&order, &[], at))
            }
            Task::Push(task) => Some(self.push(lane, &task.target, &mut taken, at)),
            Task::PassOn(_, target, text) => Some(bytes_of(&self.pass_on(&target, at), text.as_bytes(), at)),
            Task::Delete(_, task) => {
                taken.version = task.settles.as_ref().map_or(0, |Settles(group)| self.group_of(group).1.changes());
                Some(bytes_of(&self.delete(&task, at), &[], at))
            }
            Task::Write(_, task) => Some(bytes_of(&self.write(lane, &task, &mut taken, at), &[], at)),
            Task::Export(_, task) => self.export(&task, at).map(|order| bytes_of(&order, &[], at)),
            Task::Health { place, url, how, .. } => {
                let reach = how.completed(self.base()).reach(&self.circuits, at);
                Some(bytes_of(&Order { reach, body: Body::Health(HealthJob { place, url }) }, &[], at))
            }
        };
        if let Some(entry) = self.schedule.lanes.get_mut(lane) {
            entry.taken = Some(taken);
        }
        Some(Job { work: Work::Run(job.unwrap_or_default()), changed })
    }

    /// A request as a job of its own.
    fn talk(&self, talk: &Talk, view: Option<RulesView>, at: Moment) -> Order {
        let ctx = talk.ctx.as_ref().unwrap_or(&talk.clean_ctx);
        let cfg = talk.cfg.as_ref().unwrap_or(&self.config_text);
        Order {
            reach: Reach { unix_nanos: at.unix_nanos, ..How::asked(&self.config).reach(&self.circuits, at) },
            body: Body::Converse(ConverseJob { ctx: (**ctx).into(), cfg: (**cfg).into(), view }),
        }
    }

    fn delete(&self, task: &DeleteTask, at: Moment) -> Order {
        let how = task.how.completed(self.base());
        let url =
            if task.how.credentials.is_some() { task.url.clone() } else { with_user(task.url.clone(), self.base()) };
        Order { reach: how.reach(&self.circuits, at), body: Body::Delete(DeleteJob { url }) }
    }

    /// The job of a push, with all tasks of the lane that it covers.
    fn push(&mut self, lane: &str, target: &Target, taken: &mut Taken, at: Moment) -> Vec<u8> {
        let full = target.completed(self.base());
        let origin = full.gateway.origin();
        let (mut fresh, mut abilities) = (false, None);
        if let Some(entry) = self.schedule.lanes.get_mut(lane) {
            abilities = entry.abilities.take();
            fresh = abilities.is_some();
        }
        if abilities.is_none() {
            abilities = self.pushes.gateway.as_ref().filter(|(known, _)| *known == origin).map(|(_, known)| *known);
        }
        let natives =
            self.group_of(&full.group).0.map(|registry| registry.names_of(Kind::NativeHistogram)).unwrap_or_default();
        // How native histograms are encoded depends on what the gateway can do.
        if !natives.is_empty() && !fresh && (abilities.is_none() || full.check || full.dry) {
            taken.status = true;
            let reach = full.how.reach(&self.circuits, at);
            return bytes_of(&Order { reach, body: Body::Status(StatusJob { gateway: full.gateway }) }, &[], at);
        }
        if let Some(entry) = self.schedule.lanes.get_mut(lane) {
            // All that wait for the same are in the same body.
            let same = |task: &Task| matches!(task, Task::Push(task) if task.target.shares(target));
            let count = entry.tasks.iter().take_while(|task| same(task)).count();
            taken.tasks.extend(entry.tasks.drain(..count));
        }
        let (registry, pending) = self.group_of(&full.group);
        taken.version = pending.changes();
        let is_gone = |task: &Task| match task {
            Task::Push(PushTask { series, .. }) => {
                series.iter().any(|series| registry.is_none_or(|own| own.kind(SeriesId::from_raw(*series)).is_none()))
            }
            _ => false,
        };
        taken.removed = (0..).zip(&taken.tasks).filter(|(_, task)| is_gone(task)).map(|(place, _)| place).collect();
        let takes = abilities.is_some_and(|known| known.takes_native_histograms());
        let format = if !natives.is_empty() && takes { Format::Protobuf } else { Format::Text004 };
        let reach = full.how.reach(&self.circuits, at);
        let compare = full.resets && !self.pushes.compared.contains(&full.url());
        let (carried, content_type) = self.encoded(&full, format, at);
        let order = Order {
            reach,
            body: Body::Push(Box::new(PushJob {
                gateway: full.gateway,
                group: full.group,
                adds: full.adds,
                gzip: full.gzip,
                check: full.check,
                compare,
                dry: full.dry,
                ask: false,
                abilities,
                fresh,
                protobuf: format == Format::Protobuf,
                content_type,
                downgraded: if format == Format::Protobuf { Vec::new() } else { natives },
                bytes: Default::default(),
            })),
        };
        bytes_of(&order, &carried, at)
    }

    /// The push of a text.
    fn pass_on(&self, target: &Target, at: Moment) -> Order {
        let full = target.completed(self.base());
        Order {
            reach: full.how.reach(&self.circuits, at),
            body: Body::Push(Box::new(PushJob {
                gateway: full.gateway,
                group: full.group,
                adds: full.adds,
                gzip: full.gzip,
                check: full.check,
                compare: false,
                dry: false,
                ask: true,
                abilities: None,
                fresh: false,
                protobuf: false,
                content_type: plain(Format::Text004).content_type(),
                downgraded: Vec::new(),
                bytes: Default::default(),
            })),
        }
    }

    /// What is recorded in a group, as it is pushed, and its content type.
    fn encoded<'s>(&'s mut self, target: &Target, format: Format, at: Moment) -> (Cow<'s, [u8]>, String) {
        let (now_ms, choice, own) = (at.unix_ms(), plain(format), self.is_own(&target.group));
        let group = self.groups.list.iter_mut().find(|group| group.key == target.group);
        let (registry, exposition) = match group {
            _ if own => (&mut self.registry, &mut self.exposition),
            Some(group) => (&mut group.registry, &mut group.exposition),
            None if at.again => return Default::default(),
            // It was given up since.
            None => {
                let (mut registry, mut exposition) = (Registry::default(), Exposition::default());
                let written =
                    expose(&mut registry, &mut exposition, &mut self.telemetry, target.own_metrics, choice, now_ms);
                let owned = written.map(|(bytes, choice)| (bytes.into_owned().into(), choice.content_type()));
                return owned.unwrap_or_default();
            }
        };
        if at.again {
            // What expires does so in a replay too.
            registry.expire(now_ms);
            return Default::default();
        }
        // An empty group, and text that cannot be written, are what there is to push.
        let written = expose(registry, exposition, &mut self.telemetry, target.own_metrics, choice, now_ms);
        written.map(|(bytes, choice)| (bytes, choice.content_type())).unwrap_or_default()
    }

    /// Whether that is the key of the plug's own registry.
    fn is_own(&self, group: &Group) -> bool {
        match &self.groups.main_key {
            Some(key) => key == group,
            None => self.config.group().is_ok_and(|key| key == *group),
        }
    }

    /// The registry of a group, unless it was given up, and what of it is due.
    fn group_of(&self, group: &Group) -> (Option<&Registry>, Pending) {
        if self.is_own(group) {
            return (Some(&self.registry), self.pending);
        }
        let own = self.groups.list.iter().find(|own| own.key == *group);
        own.map_or((None, Pending::default()), |own| (Some(&own.registry), own.pending))
    }

    /// Whether something of a group is due at its gateway.
    pub(in crate::hosting) fn is_due(&self, group: &Group) -> bool {
        self.group_of(group).1.is_due()
    }

    pub(super) fn settle_up_to(&mut self, group: &Group, version: u64) {
        if self.is_own(group) {
            self.pending.settle_up_to(version);
        } else if let Some(own) = self.groups.list.iter_mut().find(|own| own.key == *group) {
            own.pending.settle_up_to(version);
        }
    }

    /// Takes the outcome of a lane's job.
    pub fn complete(&mut self, lane: &str, outcome: Outcome, at: Moment) -> Step {
        let Some(taken) = self.schedule.lanes.get_mut(lane).and_then(|entry| entry.taken.take()) else {
            return self.complete_untaken(lane, outcome, at);
        };
        if let Some(Task::Talk { install: Some(_), .. }) = taken.tasks.first() {
            return self.complete_install(lane, taken, outcome, at);
        }
        let known = self.learn(outcome, at);
        let mut step = Step { changed: taken.changed, ..Step::default() };
        let mut ready = Vec::new();
        match taken.tasks.first() {
            Some(Task::Push(first)) => {
                let target = first.target.clone();
                self.complete_push(lane, &target, taken, known, &mut ready);
            }
            Some(Task::Talk { owner, repeatable, .. }) => {
                let told = told_or_lost(known.lost, *repeatable, known.told);
                if let What::Found(found) = known.what {
                    self.forget_deleted(owner.0, &found.deleted, (&taken.versions, at), &mut step);
                    self.follow(owner.0, *found, at, &mut step);
                }
                ready.extend(self.schedule.settle(*owner, told.report.is_none(), told));
            }
            Some(Task::PassOn(owner, target, _)) => {
                let (owner, target) = (*owner, target.clone());
                let effect = match known.what {
                    What::Push(effect) => effect,
                    _ => PushEffect::default(),
                };
                let told = told_or_lost(known.lost, true, known.told);
                self.note_push(&target, &effect);
                if effect.accepted {
                    self.import(owner.0, at, &mut step);
                }
                ready.extend(self.schedule.settle(owner, effect.accepted, told));
            }
            Some(Task::Delete(owner, task)) => {
                let deleted = matches!(known.what, What::Deleted);
                if deleted {
                    self.pushes.forget(&task.url);
                    if let Some(Settles(group)) = &task.settles {
                        let group = group.clone();
                        self.settle_up_to(&group, taken.version);
                    }
                } else if task.cleanup && (known.lost.is_some() || !self.schedule.is_open(owner.0)) {
                    // Nobody hears that it is left: the next cleanup tries again.
                    self.pushes.remember(task.url.clone());
                }
                let told = told_or_lost(known.lost, true, known.told);
                ready.extend(self.schedule.settle(*owner, deleted, told));
            }
            Some(Task::Write(..)) => self.complete_write(lane, taken, known, at, &mut ready),
            Some(Task::Export(owner, task)) => {
                if task.delta {
                    let taken = matches!(&known.what, What::Exported(effect) if effect.taken);
                    self.pushes.deltas.land(&task.url, taken);
                }
                if let What::Exported(effect) = known.what {
                    self.telemetry.values_lost += effect.lost;
                    if effect.accepted {
                        self.pushes.note_delivered(&task.url, task.contents.clone());
                    }
                }
                let told = told_or_lost(known.lost, true, known.told);
                ready.extend(self.schedule.settle(*owner, told.report.is_none(), told));
            }
            Some(Task::Health { owner, .. }) => {
                ready.extend(self.schedule.settle(*owner, known.lost.is_none(), known.told));
            }
            None => {}
        }
        self.conclude(lane, ready, at, &mut step);
        step
    }

    /// Completes a lane whose `take` failed: what waited first is answered as lost.
    fn complete_untaken(&mut self, lane: &str, outcome: Outcome, at: Moment) -> Step {
        let mut step = Step::default();
        let (Outcome::Lost(why), Some(entry)) = (outcome, self.schedule.lanes.get_mut(lane)) else { return step };
        let Some(task) = entry.tasks.pop_front() else { return step };
        let changed = self.schedule.tickets.get(&task.owner().0).is_none_or(|open| open.changed);
        if let Task::Talk { install: Some(_), .. } = task {
            let taken = Taken::new(task, changed);
            return self.complete_install(lane, taken, Outcome::Lost(why), at);
        }
        step.changed = changed;
        let ready = self.schedule.settle(task.owner(), false, told_of_problem("interrupted", why));
        self.conclude(lane, ready.into_iter().collect(), at, &mut step);
        step
    }

    /// Answers tickets that wait for nothing more, and says whether the lane has work.
    pub(super) fn conclude(&mut self, lane: &str, ready: Vec<(Ticket, Open)>, at: Moment, step: &mut Step) {
        if !at.again {
            step.answers = ready.into_iter().map(|(ticket, open)| (ticket, self.answer(open))).collect();
        }
        match self.schedule.due(lane) {
            Some(due) if step.due.iter().any(|known| known.lane == due.lane) => {}
            Some(due) => {
                if let Some(entry) = self.schedule.lanes.get_mut(lane) {
                    entry.is_due = true;
                }
                step.due.push(due);
            }
            None => drop(self.schedule.lanes.remove(lane)),
        }
    }

    /// What of an outcome concerns the recorder whatever the job was.
    pub(super) fn learn(&mut self, outcome: Outcome, at: Moment) -> Known {
        let ran = match outcome {
            Outcome::Ran(ran) => ran,
            Outcome::Lost(why) => {
                return Known { what: What::Nothing, told: Told::default(), lost: Some(why) };
            }
            Outcome::FilePut(_) => {
                let why = "the host reported a file instead of the outcome of a request".into();
                return Known { what: What::Nothing, told: Told::default(), lost: Some(why) };
            }
        };
        let Some(Effect { circuits, exchanged, what }) = decode(&ran.effect) else {
            let why = "the outcome is from another version of the plug".into();
            return Known { what: What::Nothing, told: Told::default(), lost: Some(why) };
        };
        for (origin, left) in circuits {
            match left {
                Some(left) => self.circuits.open_circuit(&origin, left, at.since_epoch()),
                None => self.circuits.succeeded(&origin),
            }
        }
        if let Some(elapsed) = exchanged {
            self.telemetry.exchanged(elapsed);
        }
        Known { what, told: decode(&ran.told).unwrap_or_default(), lost: None }
    }

    fn complete_push(
        &mut self,
        lane: &str,
        target: &Target,
        taken: Taken,
        known: Known,
        ready: &mut Vec<(Ticket, Open)>,
    ) {
        let effect = match known.what {
            What::Push(effect) => effect,
            _ => PushEffect::default(),
        };
        if let Some(abilities) = effect.abilities {
            self.pushes.gateway = Some((target.gateway.origin(), abilities));
        }
        if taken.status
            && known.lost.is_none()
            && let Some(abilities) = effect.abilities
            && let Some(entry) = self.schedule.lanes.get_mut(lane)
        {
            // Now it is known how to encode.
            entry.abilities = Some(abilities);
            taken.tasks.into_iter().rev().for_each(|task| entry.tasks.push_front(task));
            return;
        }
        if !target.dry {
            self.note_push(target, &effect);
        }
        if effect.accepted && target.settles {
            self.settle_up_to(&target.group, taken.version);
        }
        let told = match known.lost {
            Some(why) => told_of_problem(
                "interrupted",
                format!(
                    "The push was interrupted, and the gateway may or may not have it: {why}. The value stays recorded, and the next push sends it."
                ),
            ),
            None => known.told,
        };
        for (place, task) in (0..).zip(taken.tasks) {
            let owner = task.owner();
            let is_covered = !taken.removed.contains(&place);
            if effect.accepted && !is_covered {
                let told = told_of_problem(
                    "unknown_series",
                    "The series was removed before the push, so the value was not pushed.".into(),
                );
                ready.extend(self.schedule.settle(owner, false, told));
                continue;
            }
            let ok = if target.dry { told.report.is_none() } else { effect.accepted };
            ready.extend(self.schedule.settle(owner, ok, told.clone()));
        }
    }

    /// What a push leaves behind, whatever was pushed.
    fn note_push(&mut self, target: &Target, effect: &PushEffect) {
        if let Some(abilities) = effect.abilities {
            self.pushes.gateway = Some((target.gateway.origin(), abilities));
        }
        let url = target.url();
        if effect.compared {
            self.pushes.note_compared(&url);
        }
        self.telemetry.pushes += u64::from(effect.accepted);
        self.telemetry.push_failures += u64::from(!effect.accepted);
        if effect.accepted {
            self.pushes.remember(url);
        }
    }

    /// The caller of a ticket left, or its patience is over: it is answered now. What it recorded
    /// stays.
    pub fn release(&mut self, ticket: Ticket, at: Moment) -> Step {
        let mut step = Step::default();
        let repeatable = self.is_repeatable(ticket);
        let mut installed = self.schedule.given_up(ticket);
        let Some((mut open, running, due)) = self.schedule.remove(ticket) else { return step };
        (step.changed, step.due) = (open.changed, due);
        for part in open.parts.iter_mut().filter(|part| part.state == PartState::Awaited) {
            let told = match part.role {
                Role::Talk if installed.is_some() => installed.take().unwrap_or_default(),
                Role::Talk if repeatable || running.is_empty() => Told {
                    report: Some(Report::new(
                        "timeout",
                        "the servers did not respond in time; check them, or raise timeout".into(),
                    )),
                    ..Told::default()
                },
                Role::Talk => lost(false, "the time limit was reached"),
                Role::Webhook => lost_notification("the time limit was reached"),
                Role::Own { .. } | Role::Other { .. } | Role::PassedOn { .. } | Role::Imported { .. } => {
                    told_of_problem(
                        "timeout",
                        "The push did not finish in time. The value stays recorded, and the next push sends it.".into(),
                    )
                }
                Role::Health { .. } | Role::Ended => Told::default(),
                Role::Delete { .. } | Role::Clean { .. } => Told {
                    report: Some(Report::new("timeout", "the group was not deleted in time".into())),
                    ..Told::default()
                },
            };
            // Rules that were written and are not confirmed are no error.
            let is_done = part.role == Role::Talk && told.report.is_none();
            part.state = if is_done { PartState::Done } else { PartState::Failed };
            part.told = Some(Box::new(told));
        }
        if repeatable {
            step.stop = running;
        }
        if !at.again {
            step.answers.push((ticket, self.answer(open)));
        }
        step
    }

    /// Whether the work of a ticket may be ended: it only asks, and nobody else waits for it.
    fn is_repeatable(&self, ticket: Ticket) -> bool {
        let all = self.schedule.lanes.values();
        let tasks = all.flat_map(|lane| lane.taken.iter().flat_map(|taken| &taken.tasks).chain(&lane.tasks));
        let own = tasks.filter(|task| task.owner().0 == ticket);
        let mut own = own.peekable();
        own.peek().is_some() && own.all(Task::only_asks)
    }

    /// Forgets everything but what is to be removed from servers.
    pub(in crate::hosting) fn forget(&mut self) -> usize {
        let dropped = self.registry.clear() + self.groups.series();
        self.pending = Pending::from(self.pending.changes());
        self.groups.clear();
        self.steps.clear();
        mem::take(&mut self.pushes.compared);
        dropped
    }
}
