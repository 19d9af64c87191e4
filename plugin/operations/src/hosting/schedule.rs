//! Tickets that have no answer yet, and lanes with the tasks that they wait for. Knows nothing of
//! what a task does.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::deleting::DeleteTask;
use super::exporting::ExportTask;
use super::found::{Found, Import, RulesView};
use super::installing::{FILE_LIMIT_MS, InstallFlow, InstallPlan};
use super::pushing::PushTask;
use super::wire::{group, shared_text, shown_url};
use super::worker::{How, Report, Told};
use super::writing::WriteTask;
use super::{Due, Ticket};
use crate::config::Config;
use crate::http::{Url, redacted};
use crate::known::Warnings;
use crate::servers::pushgateway::Group;
use crate::servers::pushgateway::groups::Abilities;
use plugpipe_contract::responses::UnpushedReason;

/// What is to be done before a call is answered.
#[derive(Debug, Default)]
pub struct Next {
    /// In the order of the answer.
    pub wants: Vec<Want>,
    /// What the answer says once that is done.
    pub finish: Finish,
    /// Further members of the response's metadata, as a JSON object; empty if there are none.
    pub metadata: String,
    /// What a worker found that changes what is recorded.
    pub found: Option<Box<Found>>,
    /// Whether a worker may find such.
    pub lasting: bool,
    /// The rules that the operation installs.
    pub install: Option<Box<InstallPlan>>,
    /// What of that is to be done now, in a worker.
    pub view: Option<Box<RulesView>>,
}

/// Something that is to be done before a call is answered.
#[derive(Debug)]
pub struct Want {
    /// Where in the answer its outcome belongs.
    pub role: Role,
    /// How it went, where that is known already; else what is to be done.
    pub task: Result<Wanted, Told>,
}

/// What is to be done.
#[derive(Debug)]
pub enum Wanted {
    /// The operation itself, in a worker.
    Talk {
        /// The origins that it may reach.
        origins: Vec<String>,
        /// How long it may take.
        limit_ms: u32,
        /// Whether it may be done again if nobody knows how it ended.
        repeatable: bool,
        /// The request.
        talk: Box<Talk>,
        /// The rules that it installs.
        install: Option<Box<InstallPlan>>,
    },
    /// The notification of a webhook, of rules that were installed.
    Notify {
        /// The webhook's origin.
        origins: Vec<String>,
        /// How long it may take.
        limit_ms: u32,
        /// The request.
        talk: Box<Talk>,
        /// What is known of the rules.
        install: Box<InstallFlow>,
    },
    /// A push.
    Push {
        /// The group's changes so far.
        version: u64,
        /// The series whose values are to go out.
        series: Vec<u32>,
        /// Where and how.
        target: Rc<super::pushing::Target>,
    },
    /// A push of this text.
    PassOn(super::pushing::Target, String),
    /// The deletion of a group.
    Delete(DeleteTask),
    /// A remote write.
    Write(WriteTask),
    /// An export to an OTLP receiver.
    Export(ExportTask),
    /// A question whether a server is well.
    Health {
        /// Its place among the servers.
        place: u8,
        /// The server.
        url: Url,
        /// How it is asked.
        how: How,
    },
}

/// Where in an answer an outcome belongs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Role {
    /// The operation itself.
    Talk,
    /// The notification of a webhook.
    Webhook,
    /// The push of the call's own group.
    Own {
        /// Whether its failure is that of the request.
        asked: bool,
        /// The group's URL, where the answer is to say it.
        group: Option<String>,
    },
    /// The push of another group.
    Other {
        /// Whether its failure is that of the request.
        asked: bool,
        /// The group's URL.
        group: String,
    },
    /// The push of what somebody else exposes.
    PassedOn {
        /// The group's URL.
        group: String,
        /// How many metrics, and how many samples.
        counts: (u64, u64),
    },
    /// The push that follows an import.
    Imported {
        /// What was imported, as JSON members.
        members: String,
    },
    /// The deletion of a group that somebody asked for.
    Delete {
        /// The group's URL.
        group: String,
    },
    /// How a server is.
    Health {
        /// Its place among the servers.
        place: u8,
    },
    /// The end of what was remote-written.
    Ended,
    /// The deletion of a group at cleanup.
    Clean {
        /// The group's URL.
        group: String,
        /// Whether it is not deleted.
        kept: bool,
    },
}

/// What a part of an answer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartState {
    /// Not there yet.
    Awaited,
    /// It succeeded.
    Done,
    /// It failed.
    Failed,
}

/// A part of an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Part {
    /// Where it belongs.
    pub role: Role,
    /// How it stands.
    pub state: PartState,
    /// How it went. Not in snapshots: it is in no journal either.
    #[serde(skip)]
    pub told: Option<Box<Told>>,
}

/// What an answer says once all its parts are there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum Finish {
    /// The members so far, and its parts.
    #[default]
    Plain,
    /// `push_metrics`, and whether the call's own group is pushed.
    Push(bool),
    /// `flush_metrics`.
    Flush {
        /// Whether the call's own group is pushed.
        own: bool,
        /// The only group that it is about; none for all.
        #[serde(with = "optional_group")]
        group: Option<Group>,
        /// Why values stay that no gateway has accepted.
        reason: UnpushedReason,
    },
    /// `health_check`.
    Health {
        /// Whether no server is asked.
        mock: bool,
        /// Whether the caller was written for 1.0.0.
        former: bool,
    },
    /// `cleanup`.
    Cleanup,
}

mod optional_group {
    use super::{Group, group};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Named(#[serde(with = "group")] Group);

    pub(super) fn serialize<S: Serializer>(group: &Option<Group>, serializer: S) -> Result<S::Ok, S::Error> {
        group.clone().map(Named).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Group>, D::Error> {
        Ok(Option::<Named>::deserialize(deserializer)?.map(|Named(group)| group))
    }
}

/// A request that a worker carries out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Talk {
    /// Its `ctx`; in snapshots the form without secrets.
    #[serde(skip)]
    pub ctx: Option<Rc<str>>,
    /// The same without secrets.
    #[serde(with = "shared_text")]
    pub clean_ctx: Rc<str>,
    /// The configuration then; in no snapshot.
    #[serde(skip)]
    pub cfg: Option<Rc<str>>,
}

/// A ticket without an answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Open {
    /// The operation.
    pub operation: Option<String>,
    /// What responses say of the configuration, as JSON.
    pub metadata: String,
    /// Members of the result so far, as JSON.
    pub members: String,
    /// Warnings so far.
    pub warnings: Warnings,
    /// What the answer says at the end.
    pub finish: Finish,
    /// Whether its start was journalled.
    pub changed: bool,
    /// What is imported once it was pushed.
    pub import: Option<Import>,
    /// The key that the call is about, where that is not the plug's own.
    #[serde(with = "optional_group")]
    pub own: Option<Group>,
    /// The configuration of the call, where it is needed again; none for the plug's.
    #[serde(skip)]
    pub config: Option<Rc<Config>>,
    /// What the answer has beside.
    pub parts: Vec<Part>,
}

impl Open {
    pub(super) fn is_ready(&self) -> bool {
        self.parts.iter().all(|part| part.state != PartState::Awaited)
    }
}

/// What a lane does one after the other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Task {
    Talk {
        owner: (Ticket, u32),
        origins: Vec<String>,
        limit_ms: u32,
        repeatable: bool,
        talk: Box<Talk>,
        install: Option<Box<InstallFlow>>,
    },
    Push(PushTask),
    PassOn((Ticket, u32), Rc<super::pushing::Target>, String),
    Delete((Ticket, u32), DeleteTask),
    Write((Ticket, u32), Box<WriteTask>),
    Export((Ticket, u32), ExportTask),
    Health {
        owner: (Ticket, u32),
        place: u8,
        #[serde(with = "shown_url")]
        url: Url,
        how: How,
    },
}

impl Task {
    pub(super) fn owner(&self) -> (Ticket, u32) {
        match self {
            Self::Talk { owner, .. }
            | Self::Delete(owner, _)
            | Self::PassOn(owner, ..)
            | Self::Write(owner, _)
            | Self::Export(owner, _)
            | Self::Health { owner, .. } => *owner,
            Self::Push(task) => task.owner,
        }
    }

    fn due(&self) -> (Vec<String>, u32) {
        match self {
            // The host performs it itself.
            Self::Talk { install: Some(flow), .. } if flow.is_put() => (Vec::new(), FILE_LIMIT_MS),
            Self::Talk { origins, limit_ms, .. } => (origins.clone(), *limit_ms),
            Self::Push(task) => (vec![task.target.gateway.origin()], millis(super::pushing::limit_of(&task.target))),
            Self::PassOn(_, target, _) => (vec![target.gateway.origin()], millis(super::pushing::limit_of(target))),
            Self::Delete(_, task) => (vec![task.url.origin()], millis(task.how.limits.total.saturating_mul(2))),
            Self::Write(_, task) => (vec![task.url.origin()], millis(task.how.limits.total.saturating_mul(3))),
            Self::Export(_, task) => (vec![task.url.origin()], millis(task.how.limits.total.saturating_mul(2))),
            Self::Health { url, how, .. } => (vec![url.origin()], millis(how.limits.total.saturating_mul(2))),
        }
    }

    /// How long to wait before it.
    fn pause_ms(&self) -> u32 {
        match self {
            Self::Talk { install: Some(flow), .. } => flow.pause_ms(),
            _ => 0,
        }
    }

    /// Whether it only asks, so that it may be ended or made again.
    pub(super) fn only_asks(&self) -> bool {
        match self {
            Self::Talk { install: Some(flow), .. } => flow.only_asks(),
            Self::Talk { repeatable, .. } => *repeatable,
            _ => false,
        }
    }

    /// Whether it stays to be done when its ticket is released.
    pub(super) fn outlives_ticket(&self) -> bool {
        match self {
            Self::Delete(_, task) => task.cleanup,
            Self::Talk { install: Some(flow), .. } => flow.is_owed(),
            // What is in the queue is to be delivered.
            Self::Write(..) => true,
            _ => false,
        }
    }
}

/// Whole milliseconds.
pub fn millis(duration: core::time::Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// What a lane's job covers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) tasks: Vec<Task>,
    /// Of a push: the changes that are in the body.
    pub(super) version: u64,
    /// Of an operation that may delete groups: the changes of each by then, by its key.
    pub(super) versions: Vec<(String, u64)>,
    /// Of a push: places of tasks whose series were removed before.
    pub(super) removed: Vec<u32>,
    /// Whether the job only asks what the gateway can do.
    pub(super) status: bool,
    /// Whether taking it was journalled.
    pub(super) changed: bool,
}

impl Taken {
    pub(super) fn new(task: Task, changed: bool) -> Self {
        let (versions, removed) = Default::default();
        Self { tasks: vec![task], version: 0, versions, removed, status: false, changed }
    }
}

/// Jobs of a lane run one at a time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Lane {
    pub(super) tasks: VecDeque<Task>,
    pub(super) taken: Option<Taken>,
    /// Whether the host was told that it has work, and has not taken it.
    #[serde(skip)]
    pub(super) is_due: bool,
    /// What the gateway can do, asked for the next push alone.
    pub(super) abilities: Option<Abilities>,
}

impl Lane {
    /// What the host is to know of the next job.
    fn due(&self, name: &str) -> Option<Due> {
        let task = self.tasks.front()?;
        let (origins, limit_ms) = task.due();
        Some(Due { lane: name.to_owned(), origins, pause_ms: task.pause_ms(), limit_ms })
    }
}

/// Tickets and lanes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Schedule {
    pub(super) tickets: BTreeMap<Ticket, Open>,
    pub(super) lanes: BTreeMap<String, Lane>,
}

impl Schedule {
    /// Opens a ticket with all that it wants. Returns the lanes that have work now.
    pub fn open(&mut self, ticket: Ticket, open: Open, wants: Vec<Want>) -> Vec<Due> {
        self.tickets.insert(ticket, open);
        self.extend(ticket, wants)
    }

    /// Lets a ticket wait for more.
    pub(super) fn extend(&mut self, ticket: Ticket, wants: Vec<Want>) -> Vec<Due> {
        let mut due = Vec::new();
        let first = self.tickets.get(&ticket).map_or(0, |open| open.parts.len());
        let mut parts = Vec::new();
        for (place, Want { role, task }) in wants.into_iter().enumerate() {
            let owner = (ticket, (first + place) as u32);
            let (state, told) = match task {
                Ok(wanted) => {
                    let (lane, task) = placed(wanted, owner);
                    due.extend(self.add(lane, task));
                    (PartState::Awaited, None)
                }
                Err(told) => {
                    (if told.report.is_some() { PartState::Failed } else { PartState::Done }, Some(Box::new(told)))
                }
            };
            parts.push(Part { role, state, told });
        }
        if let Some(open) = self.tickets.get_mut(&ticket) {
            open.parts.append(&mut parts);
        }
        due
    }

    /// Puts a task at the end of a lane; the lane, if it had no work.
    fn add(&mut self, lane: String, task: Task) -> Option<Due> {
        let entry = self.lanes.entry(lane.clone()).or_default();
        let idle = entry.tasks.is_empty() && entry.taken.is_none() && !entry.is_due;
        entry.tasks.push_back(task);
        entry.is_due |= idle;
        idle.then(|| self.due(&lane)).flatten()
    }

    /// What the host is to know of a lane's next job.
    pub(super) fn due(&self, lane: &str) -> Option<Due> {
        self.lanes.get(lane)?.due(lane)
    }

    /// Notes how a part of a ticket's answer went. Returns the ticket if nothing more is awaited.
    pub(super) fn settle(&mut self, (ticket, part): (Ticket, u32), ok: bool, told: Told) -> Option<(Ticket, Open)> {
        let open = self.tickets.get_mut(&ticket)?;
        let part = open.parts.get_mut(part as usize)?;
        part.state = if ok { PartState::Done } else { PartState::Failed };
        part.told = Some(Box::new(told));
        self.take_ready(ticket).map(|open| (ticket, open))
    }

    /// Whether a ticket has no answer yet.
    pub(super) fn is_open(&self, ticket: Ticket) -> bool {
        self.tickets.contains_key(&ticket)
    }

    /// A ticket, if nothing is awaited for it.
    pub fn take_ready(&mut self, ticket: Ticket) -> Option<Open> {
        self.tickets.get(&ticket).filter(|open| open.is_ready())?;
        self.tickets.remove(&ticket)
    }

    /// Takes a ticket out, and its tasks that nobody began. Says in which lanes its tasks run, and
    /// which lanes are due otherwise than they were.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<(Open, Vec<String>, Vec<Due>)> {
        let open = self.tickets.remove(&ticket)?;
        let (mut running, mut due) = (Vec::new(), Vec::new());
        for (name, lane) in &mut self.lanes {
            let before = lane.due(name);
            lane.tasks.retain(|task| task.owner().0 != ticket || task.outlives_ticket());
            due.extend(lane.due(name).filter(|due| lane.is_due && before.as_ref() != Some(due)));
            if lane.taken.iter().flat_map(|taken| &taken.tasks).any(|task| task.owner().0 == ticket) {
                running.push(name.clone());
            }
        }
        Some((open, running, due))
    }

    /// What is answered of the rules that a ticket installs, if nobody waits for it any longer and
    /// more was done than to ask.
    pub(super) fn given_up(&self, ticket: Ticket) -> Option<Told> {
        let of_ticket = |task: &Task| match task {
            Task::Talk { owner, install: Some(flow), .. } if owner.0 == ticket => Some(flow.clone()),
            _ => None,
        };
        self.lanes.values().find_map(|lane| {
            let running = lane.taken.iter().flat_map(|taken| &taken.tasks).find_map(of_ticket);
            let runs = running.is_some();
            running.or_else(|| lane.tasks.iter().find_map(of_ticket))?.given_up(runs)
        })
    }

    /// The tickets that have no answer, the lanes whose job was taken and not completed, and those
    /// that have work.
    pub fn unfinished(&mut self) -> (Vec<Ticket>, Vec<String>, Vec<Due>) {
        self.lanes.retain(|_, lane| !lane.tasks.is_empty() || lane.taken.is_some());
        // From now on the host knows of those.
        self.lanes.values_mut().for_each(|lane| lane.is_due = lane.taken.is_none());
        let is_taken = |lane: &Lane| lane.taken.is_some();
        let taken = self.lanes.iter().filter(|(_, lane)| is_taken(lane)).map(|(name, _)| name.clone());
        let idle = self.lanes.iter().filter(|(_, lane)| !is_taken(lane));
        let due = idle.filter_map(|(name, _)| self.due(name));
        (self.tickets.keys().copied().collect(), taken.collect(), due.collect())
    }

    /// What a snapshot has of it: not what may be started again with all its jobs.
    pub(super) fn journalled(&self) -> Self {
        let tickets: BTreeMap<Ticket, Open> = self
            .tickets
            .iter()
            .filter(|(_, open)| open.changed)
            .map(|(ticket, open)| (*ticket, open.clone()))
            .collect();
        let is_known = |task: &Task| task.outlives_ticket() || tickets.contains_key(&task.owner().0);
        let mut lanes = BTreeMap::new();
        for (name, lane) in &self.lanes {
            let mut lane = lane.clone();
            lane.tasks.retain(is_known);
            lane.taken = lane.taken.filter(|taken| taken.changed);
            if !lane.tasks.is_empty() || lane.taken.is_some() {
                lanes.insert(name.clone(), lane);
            }
        }
        Self { tickets, lanes }
    }
}

fn placed(wanted: Wanted, owner: (Ticket, u32)) -> (String, Task) {
    match wanted {
        Wanted::Talk { origins, limit_ms, repeatable, talk, install } => {
            let lane = install.as_ref().map_or_else(|| format!("call:{}", owner.0), |plan| plan.lane());
            let install = install.map(|plan| Box::new(InstallFlow::new(*plan)));
            (lane, Task::Talk { owner, origins, limit_ms, repeatable, talk, install })
        }
        Wanted::Notify { origins, limit_ms, talk, install } => {
            let task = Task::Talk { owner, origins, limit_ms, repeatable: false, talk, install: Some(install) };
            (format!("webhook:{}", owner.0), task)
        }
        // What changes nothing needs no order.
        Wanted::Push { version, series, target } => {
            let lane = if target.dry { format!("call:{}", owner.0) } else { target.lane() };
            (lane, Task::Push(PushTask { owner, version, series, target }))
        }
        Wanted::PassOn(target, text) => (target.lane(), Task::PassOn(owner, Rc::new(target), text)),
        Wanted::Write(task) => (format!("remote:{}", redacted(&task.url)), Task::Write(owner, Box::new(task))),
        Wanted::Export(task) => (format!("otlp:{}", redacted(&task.url)), Task::Export(owner, task)),
        Wanted::Health { place, url, how } => {
            (format!("health:{}:{}", owner.0, place), Task::Health { owner, place, url, how })
        }
        Wanted::Delete(task) => (super::pushing::lane_of(&task.url), Task::Delete(owner, task)),
    }
}

/// A part that failed, for answers that tell it as an error.
impl Part {
    pub(super) fn report(&self) -> Option<Report> {
        match self.state {
            PartState::Failed => Some(self.told.as_ref().and_then(|told| told.report.clone()).unwrap_or_else(|| {
                Report::new("interrupted", "the request failed before the host was restarted".into())
            })),
            _ => None,
        }
    }
}
