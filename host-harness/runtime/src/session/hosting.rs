//! The calls of a request's way: `start`, `take`, `complete` and `release`. Each is journalled, if it
//! changed something, before anybody hears of it.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tracing::{debug, error, warn};

use crate::answer::Answer;
use crate::bindings::exports::plugpipe::plug::hosting;
use crate::egress::JobReach;
use crate::error::Error;
use crate::grants::Origin;
use crate::job::{self, Ended, Job, Room};
use crate::journal::Call;
use crate::lanes::{Due, Ready};
use crate::store::call_recorder;

use super::board::{MAX_LANE_NAME, MAX_LANES_USED, MAX_OPEN, MAX_ORIGINS, MAX_PATIENCE, MAX_PAUSE, Todo, Waiter};
use super::convert::{journaled_outcome, journaled_request, outcome_len, request_len, text_of};
use super::{Session, TICKETS, is_empty};

/// How long a lane waits whose job could not be written down.
const WRITE_PAUSE: Duration = Duration::from_secs(1);

/// Why a request with a sensitive value is refused.
const SENSITIVE: &str = "a sensitive value would be written there in clear, and the request was not carried out; use such values \
     only as credentials (settings that end with _auth), or run without a state folder";

/// What came of a start.
pub(crate) enum Begun {
    Answered(Answer),
    /// The ticket, whose caller waits for servers.
    Open(u64),
}

impl Session {
    /// When a call is made.
    fn moment(&mut self) -> hosting::Moment {
        static RANDOM: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let unix_nanos = match &mut self.instance {
            Some(instance) => instance.store.data_mut().wall_clock.read(),
            None => self.last_nanos,
        };
        self.last_nanos = unix_nanos;
        let seed = RANDOM.hash_one((unix_nanos, self.changes, self.tickets.0));
        hosting::Moment { unix_nanos, seed, again: false }
    }

    /// The next ticket's number.
    async fn next_ticket(&mut self) -> Result<u64, Error> {
        let (next, reserved) = self.tickets;
        if next >= reserved {
            self.writable().await?;
            let tickets = next.saturating_add(TICKETS);
            self.journal.keep(self.last_nanos, Call::Reserve { tickets }, None)?;
            self.tickets.1 = tickets;
        }
        self.tickets.0 += 1;
        Ok(next)
    }

    /// Gives the recorder a request.
    pub(crate) async fn begin(&mut self, request: hosting::Request, cfg: &str) -> Result<Begun, Error> {
        self.ready().await?;
        if self.board.waiters.len() >= MAX_OPEN {
            return Err(Error::TooManyOpen(MAX_OPEN));
        }
        if self.journal.is_broken() {
            // What changes nothing can be done all the same.
            self.compact_or_put_off().await;
        }
        let ticket = self.next_ticket().await?;
        self.start(ticket, request, cfg).await
    }

    async fn start(&mut self, ticket: u64, request: hosting::Request, cfg: &str) -> Result<Begun, Error> {
        self.ready().await?;
        let at = self.moment();
        let step = call!(self, |exports, store| exports.hosting.call_start(store, ticket, &request, cfg, at))?;
        let hosting::Step { answers, due, stop, patience_ms, changed, without_secrets } = step;
        if changed {
            self.keep_start(ticket, &request, cfg, at, without_secrets).await?;
        }
        let answer = self.apply(Some(ticket), answers, due, stop, 0);
        if let Some(answer) = answer {
            return Ok(Begun::Answered(answer));
        }
        let patience = Duration::from_millis(patience_ms.into()).min(MAX_PATIENCE);
        let again = (!changed).then(|| (request, cfg.to_owned()));
        self.board.open(ticket, Waiter { reply: None, deadline: Instant::now() + patience, again });
        Ok(Begun::Open(ticket))
    }

    async fn keep_start(
        &mut self,
        ticket: u64,
        request: &hosting::Request,
        cfg: &str,
        at: hosting::Moment,
        without_secrets: Option<(hosting::Request, String)>,
    ) -> Result<(), Error> {
        let cfg = if is_empty(cfg) { "" } else { cfg };
        let (its_request, its_cfg) = without_secrets.as_ref().map_or((request, cfg), |(request, cfg)| (request, cfg));
        if [text_of(its_request), its_cfg].iter().any(|text| self.sensitive.finds(text.as_bytes()))
            && let Some(refusal) = self.journal.refusal(SENSITIVE)
        {
            // Taken back, together with the instance.
            self.instance = None;
            return Err(refusal);
        }
        let seed = at.seed;
        let call = Call::Start { seed, ticket, request: journaled_request(request), cfg };
        let written = without_secrets.as_ref().map(|(request, cfg)| Call::Start {
            seed,
            ticket,
            request: journaled_request(request),
            cfg,
        });
        // A snapshot that takes the call's place needs the configuration that came with it.
        let before = self.config.clone();
        if !cfg.is_empty() {
            if let Some((_, masked)) = &without_secrets {
                self.without_secrets.insert(cfg.to_owned(), masked.clone());
            }
            self.config = Some(cfg.to_owned());
        }
        let is_cleanup = matches!(request, hosting::Request::Cleanup);
        if is_cleanup {
            self.config = Some(String::new());
        }
        if let Err(error) = self.keep(at.unix_nanos, call, written, request_len(request) + cfg.len()).await {
            self.config = before;
            return Err(error);
        }
        if is_cleanup {
            // What was cleaned up is not to stay in a file.
            self.compact_or_put_off().await;
        }
        Ok(())
    }

    /// Carries out what a step says. Returns the answer to `own`.
    fn apply(
        &mut self,
        own: Option<u64>,
        answers: Vec<(u64, hosting::Answer)>,
        due: Vec<hosting::Due>,
        stop: Vec<String>,
        streak: u32,
    ) -> Option<Answer> {
        let mut found = None;
        for (ticket, answer) in answers {
            if own == Some(ticket) {
                found = Some(answer.into());
            } else {
                self.board.answer(ticket, Ok(answer.into()));
            }
        }
        for due in due {
            self.note_due(due, streak);
        }
        for lane in stop {
            if let Some(journalled) = self.board.abort(&lane) {
                let ended = Ended::lost("its caller has left");
                self.board.todo.push_back(Todo::Complete { lane: lane.into(), ended, journalled, last_try: false });
            }
        }
        found
    }

    /// Notes that a lane has work. Whatever the plug says, it is bounded.
    pub(super) fn note_due(&mut self, due: hosting::Due, streak: u32) {
        let hosting::Due { lane, origins, pause_ms, limit_ms } = due;
        if self.board.is_given_up(&lane) {
            return;
        }
        if lane.len() > MAX_LANE_NAME || origins.len() > MAX_ORIGINS {
            warn!(
                bytes = lane.len(),
                origins = origins.len(),
                "a lane's name or list of origins is too long; its job is not run"
            );
            return;
        }
        let mut known: Vec<Origin> = Vec::with_capacity(origins.len());
        for origin in origins {
            match origin.parse() {
                Ok(origin) => known.push(origin),
                Err(problem) => warn!(lane, origin, %problem, "a job names an invalid origin, which it cannot reach"),
            }
        }
        known.sort();
        known.dedup();
        let due = Due {
            lane: lane.into(),
            origins: known.into(),
            pause: Duration::from_millis(pause_ms.into()).min(MAX_PAUSE),
            limit: Duration::from_millis(limit_ms.into()).min(self.limits.call),
            streak,
        };
        if !self.board.lanes.due(due, Instant::now()) {
            warn!("the plug has too many lanes; a job is not run");
        }
    }

    /// Takes the job of a lane and runs it.
    pub(super) async fn take(&mut self, ready: Ready) -> Result<(), Error> {
        let Ready { lane, origins, limit } = ready;
        if self.journal.is_broken() && self.compact().await.is_err() {
            self.postpone(lane, origins, limit);
            return Ok(());
        }
        self.ready().await?;
        let at = self.moment();
        let job = match self.call_take(&lane, at).await {
            Ok(Some(job)) => job,
            Ok(None) => {
                self.board.lanes.finish(&lane, Instant::now());
                return Ok(());
            }
            Err(error) => {
                let ended = Ended::lost(error.cause());
                self.board.todo.push_back(Todo::Complete { lane, ended, journalled: false, last_try: true });
                return Ok(());
            }
        };
        if job.changed {
            let call = Call::Take { seed: at.seed, lane: &lane };
            if let Err(error) = self.keep(at.unix_nanos, call, None, 0).await {
                debug!(%error, "a job is taken again later");
                self.postpone(lane, origins, limit);
                return Ok(());
            }
        }
        self.run(lane, job, origins, limit);
        Ok(())
    }

    async fn call_take(&mut self, lane: &str, at: hosting::Moment) -> Result<Option<hosting::Job>, Error> {
        let lane = lane.to_owned();
        call!(self, |exports, store| exports.hosting.call_take(store, &lane, at))
    }

    /// Lets a lane wait whose job could not be taken.
    fn postpone(&mut self, lane: Arc<str>, origins: Arc<[Origin]>, limit: Duration) {
        let streak = self.board.lanes.streak(&lane).max(1);
        self.board.lanes.finish(&lane, Instant::now());
        self.board.lanes.due(Due { lane, origins, pause: WRITE_PAUSE, limit, streak }, Instant::now());
    }

    fn run(&mut self, lane: Arc<str>, job: hosting::Job, origins: Arc<[Origin]>, limit: Duration) {
        let hosting::Job { work, changed } = job;
        if changed && self.board.lanes_used.len() < MAX_LANES_USED {
            self.board.lanes_used.insert(Arc::clone(&lane));
        }
        let bytes = match work {
            hosting::Work::PutFile(file) => {
                let folder = self.factory.network.rules_folder();
                let put = job::put_file(file, folder, Arc::clone(&self.mark));
                return self.board.run(lane, put, changed);
            }
            hosting::Work::Run(bytes) => bytes,
        };
        let Some(room) = Room::of(&self.factory.budget, bytes.len()) else {
            let problem = format!("a job of {} bytes does not fit in the plug's memory", bytes.len());
            let ended = Ended::lost(problem);
            self.board.todo.push_back(Todo::Complete { lane, ended, journalled: changed, last_try: false });
            return;
        };
        let number = if self.factory.network.has_exchanges() {
            let number = self.board.numbers.entry(Arc::clone(&lane)).or_default();
            *number += 1;
            *number
        } else {
            0
        };
        let reach = JobReach { origins, lane: Arc::clone(&lane), number };
        let job = Job { bytes, room, reach, limit };
        self.board.run(lane, job::run(Arc::clone(&self.factory), job), changed);
    }

    /// Does what is to be done on the recorder.
    pub(super) async fn perform(&mut self, todo: Todo) {
        match todo {
            Todo::Complete { lane, ended, journalled, last_try } => {
                self.complete(lane, ended, journalled, last_try).await;
            }
            Todo::Release(ticket) => self.release(ticket).await,
            Todo::Restart(ticket) => self.restart(ticket).await,
        }
    }

    /// Hands the outcome of a job to the recorder. What the plug cannot take is completed as lost
    /// once; then the lane is left alone.
    async fn complete(&mut self, lane: Arc<str>, mut ended: Ended, journalled: bool, last_try: bool) {
        let streak = self.board.lanes.streak(&lane).saturating_add(1);
        self.recovery.crashes += u64::from(std::mem::take(&mut ended.crashed));
        if self.journal.is_broken() {
            self.compact_or_put_off().await;
        }
        let failed = match self.try_complete(&lane, &ended.outcome, journalled, streak).await {
            Ok(()) => {
                self.board.lanes.finish(&lane, Instant::now());
                return;
            }
            // Nobody heard of it, so that it is as good later. The lane runs until then.
            Err(Error::State { .. }) if journalled => {
                let again = Todo::Complete { lane, ended, journalled, last_try };
                return self.board.stall(again, Instant::now() + WRITE_PAUSE);
            }
            Err(error) => error,
        };
        error!(lane = &*lane, problem = %failed, "the outcome of a job could not be taken");
        if last_try {
            self.board.lanes.finish(&lane, Instant::now());
            self.board.lanes.remove(&lane);
            self.board.give_up_lane(lane);
        } else {
            let ended = Ended::lost(failed.cause());
            self.board.todo.push_back(Todo::Complete { lane, ended, journalled, last_try: true });
        }
    }

    async fn try_complete(
        &mut self,
        lane: &Arc<str>,
        outcome: &hosting::Outcome,
        journalled: bool,
        streak: u32,
    ) -> Result<(), Error> {
        let at = self.moment();
        let name = lane.to_string();
        let step = call!(self, |exports, store| exports.hosting.call_complete(store, &name, outcome, at))?;
        let hosting::Step { answers, due, stop, changed, .. } = step;
        if changed || journalled {
            let call = Call::Complete { seed: at.seed, lane, outcome: journaled_outcome(outcome) };
            self.keep(at.unix_nanos, call, None, outcome_len(outcome)).await?;
        }
        self.apply(None, answers, due, stop, streak);
        Ok(())
    }

    /// Answers a request now.
    async fn release(&mut self, ticket: u64) {
        let journalled = self.board.waiters.get(&ticket).is_none_or(|waiter| waiter.again.is_none());
        match self.try_release(ticket, journalled).await {
            Ok(()) => {
                let problem = "there was no response in time".to_owned();
                self.board.answer(ticket, Err(Error::NoAnswer { problem }));
            }
            Err(error) => {
                self.board.give_up_ticket(ticket);
                self.board.answer(ticket, Err(error));
            }
        }
    }

    async fn try_release(&mut self, ticket: u64, journalled: bool) -> Result<(), Error> {
        let at = self.moment();
        let step = call!(self, |exports, store| exports.hosting.call_release(store, ticket, at))?;
        let hosting::Step { answers, due, stop, changed, .. } = step;
        if changed || journalled {
            self.keep(at.unix_nanos, Call::Release { seed: at.seed, ticket }, None, 0).await?;
        }
        self.apply(None, answers, due, stop, 1);
        Ok(())
    }

    /// Starts a request again whose start a lost instance had forgotten.
    async fn restart(&mut self, ticket: u64) {
        let Some(waiter) = self.board.close(ticket) else { return };
        let Waiter { reply, deadline, again } = waiter;
        let Some((request, cfg)) = again else { return };
        let outcome = match self.start(ticket, request, &cfg).await {
            // Its patience goes on from its first start.
            Ok(Begun::Open(ticket)) => {
                if let Some(waiter) = self.board.close(ticket) {
                    self.board.open(ticket, Waiter { reply, deadline, ..waiter });
                }
                return;
            }
            Ok(Begun::Answered(answer)) => Ok(answer),
            Err(error) => Err(error),
        };
        if let Some(reply) = reply {
            let _ = reply.send(outcome);
        }
    }
}
