//! What a session keeps beside its recorder: open tickets, running jobs, and what is to be done.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::{AbortHandle, Id, JoinSet};

use crate::answer::Answer;
use crate::bindings::exports::plugpipe::plug::hosting;
use crate::error::Error;
use crate::job::Ended;
use crate::lanes::Lanes;

/// Requests that wait for servers at once.
pub(super) const MAX_OPEN: usize = 100_000;

/// How long a request may wait, whatever the plug says.
pub(super) const MAX_PATIENCE: Duration = Duration::from_secs(3_600);

/// How long a lane may pause, whatever the plug says.
pub(super) const MAX_PAUSE: Duration = Duration::from_secs(3_600);

/// The maximum length of a lane's name.
pub(super) const MAX_LANE_NAME: usize = 1_024;

/// Origins that one job may name.
pub(super) const MAX_ORIGINS: usize = 64;

/// Lanes that are remembered as used.
pub(super) const MAX_LANES_USED: usize = 1_024;

/// Lanes and tickets that the plug could not be made to end, which are left alone.
const MAX_GIVEN_UP: usize = 10_000;

/// The way back to a caller.
pub(crate) type Reply = oneshot::Sender<Result<Answer, Error>>;

/// A request that has no answer.
pub(super) struct Waiter {
    pub(super) reply: Option<Reply>,
    pub(super) deadline: Instant,
    /// How to start it again in a fresh instance, where its start was not journalled.
    pub(super) again: Option<(hosting::Request, String)>,
}

/// A job that runs.
pub(super) struct Running {
    task: Id,
    abort: AbortHandle,
    /// Whether its `take` was journalled.
    pub(super) journalled: bool,
}

/// What is to be done on the recorder.
pub(super) enum Todo {
    Complete { lane: Arc<str>, ended: Ended, journalled: bool, last_try: bool },
    Release(u64),
    Restart(u64),
}

#[derive(Default)]
pub(super) struct Board {
    pub(super) lanes: Lanes,
    pub(super) running: HashMap<Arc<str>, Running>,
    by_task: HashMap<Id, Arc<str>>,
    jobs: JoinSet<Ended>,
    pub(super) waiters: HashMap<u64, Waiter>,
    deadlines: BTreeSet<(Instant, u64)>,
    pub(super) todo: VecDeque<Todo>,
    /// What could not be written down, and when it is tried again.
    stalled: VecDeque<(Instant, Todo)>,
    given_up_lanes: HashSet<Arc<str>>,
    given_up_tickets: HashSet<u64>,
    /// How many jobs a lane had, for an HTTP recording.
    pub(super) numbers: HashMap<Arc<str>, u64>,
    /// Lanes whose jobs changed something on a server, the first ones.
    pub(super) lanes_used: BTreeSet<Arc<str>>,
    /// The request that the session's owner waits for, or waited for when it dropped the future.
    pub(super) own: Option<u64>,
}

impl Board {
    /// Whether there is nothing that could need the recorder.
    pub(super) fn is_idle(&self) -> bool {
        self.todo.is_empty()
            && self.stalled.is_empty()
            && self.waiters.is_empty()
            && self.running.is_empty()
            && self.lanes.is_empty()
    }

    pub(super) fn open(&mut self, ticket: u64, waiter: Waiter) {
        self.deadlines.insert((waiter.deadline, ticket));
        self.waiters.insert(ticket, waiter);
    }

    pub(super) fn close(&mut self, ticket: u64) -> Option<Waiter> {
        let waiter = self.waiters.remove(&ticket)?;
        self.deadlines.remove(&(waiter.deadline, ticket));
        Some(waiter)
    }

    /// Gives a caller its answer.
    pub(super) fn answer(&mut self, ticket: u64, answer: Result<Answer, Error>) {
        if let Some(reply) = self.close(ticket).and_then(|waiter| waiter.reply) {
            // The caller may have dropped the future; ignore send errors.
            let _ = reply.send(answer);
        }
    }

    /// Requests whose patience is over; each is returned once.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<u64> {
        let mut expired = Vec::new();
        while let Some((_, ticket)) = self.deadlines.first().copied().filter(|(deadline, _)| *deadline <= now) {
            self.deadlines.pop_first();
            expired.push(ticket);
        }
        expired
    }

    /// When something is to be done although no job ends.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        let deadline = self.deadlines.first().map(|(deadline, _)| *deadline);
        let stalled = self.stalled.front().map(|(at, _)| *at);
        deadline.into_iter().chain(self.lanes.wakes_at()).chain(stalled).min()
    }

    /// Tries something again later.
    pub(super) fn stall(&mut self, todo: Todo, until: Instant) {
        self.stalled.push_back((until, todo));
    }

    /// Has what was put off be tried again.
    pub(super) fn resume(&mut self, now: Instant) {
        while let Some((_, todo)) = self.stalled.pop_front_if(|(at, _)| *at <= now) {
            self.todo.push_back(todo);
        }
    }

    pub(super) fn run(&mut self, lane: Arc<str>, job: impl Future<Output = Ended> + Send + 'static, journalled: bool) {
        let abort = self.jobs.spawn(job);
        let task = abort.id();
        self.by_task.insert(task, Arc::clone(&lane));
        self.running.insert(lane, Running { task, abort, journalled });
    }

    /// Ends a job that runs. Says whether its `take` was journalled; none if there was no job.
    pub(super) fn abort(&mut self, lane: &str) -> Option<bool> {
        let running = self.running.remove(lane)?;
        running.abort.abort();
        self.by_task.remove(&running.task);
        Some(running.journalled)
    }

    /// Takes the end of a job that has ended, if one has.
    pub(super) fn try_end(&mut self) -> bool {
        match self.jobs.try_join_next_with_id() {
            None => false,
            Some(ended) => {
                self.note_end(ended);
                true
            }
        }
    }

    /// Waits for the end of a job; for ever if none runs.
    pub(super) async fn end(&mut self) {
        match self.jobs.join_next_with_id().await {
            Some(ended) => self.note_end(ended),
            None => std::future::pending().await,
        }
    }

    /// Takes the end of a job that has ended, or has the task woken when one does.
    pub(super) fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.jobs.poll_join_next_with_id(context) {
            Poll::Ready(Some(ended)) => {
                self.note_end(ended);
                Poll::Ready(())
            }
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    fn note_end(&mut self, ended: Result<(Id, Ended), tokio::task::JoinError>) {
        let (task, ended) = match ended {
            Ok(ended) => ended,
            Err(error) => (error.id(), Ended::lost(format!("the job's task ended: {error}"))),
        };
        // Of one that was aborted nobody waits for the end.
        let Some(lane) = self.by_task.remove(&task) else { return };
        let journalled = self.running.remove(&lane).is_some_and(|running| running.journalled);
        self.todo.push_back(Todo::Complete { lane, ended, journalled, last_try: false });
    }

    pub(super) fn give_up_lane(&mut self, lane: Arc<str>) {
        if self.given_up_lanes.len() < MAX_GIVEN_UP {
            self.given_up_lanes.insert(lane);
        }
    }

    pub(super) fn give_up_ticket(&mut self, ticket: u64) {
        if self.given_up_tickets.len() < MAX_GIVEN_UP {
            self.given_up_tickets.insert(ticket);
        }
    }

    /// Whether a lane's job is still to be ended.
    pub(super) fn is_left_alone(&self, lane: &str) -> bool {
        let mut todo = self.todo.iter().chain(self.stalled.iter().map(|(_, todo)| todo));
        self.is_given_up(lane) || todo.any(|todo| matches!(todo, Todo::Complete { lane: of, .. } if **of == *lane))
    }

    /// Whether a lane is left alone for good.
    pub(super) fn is_given_up(&self, lane: &str) -> bool {
        self.given_up_lanes.contains(lane)
    }

    /// Whether a ticket without a caller is still to be released.
    pub(super) fn is_ticket_left_alone(&self, ticket: u64) -> bool {
        self.given_up_tickets.contains(&ticket)
    }

    /// Ends everything: no caller is left, and no job.
    pub(super) fn clear(&mut self, problem: &str) {
        self.jobs.abort_all();
        (self.running, self.by_task, self.deadlines) = Default::default();
        (self.lanes, self.todo, self.stalled) = Default::default();
        for waiter in std::mem::take(&mut self.waiters).into_values() {
            if let Some(reply) = waiter.reply {
                let _ = reply.send(Err(Error::NoAnswer { problem: problem.to_owned() }));
            }
        }
    }
}
