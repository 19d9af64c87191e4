//! Restores a fresh instance to the state of the lost one: snapshot, configuration, and the journal's
//! calls. Then it goes on with open requests and running jobs.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tracing::{debug, error};

use crate::error::Error;
use crate::exports::Recorder;
use crate::job::Ended;
use crate::journal::{Call, Entry};
use crate::store::{Instance, WallClock, call_recorder};

use super::board::Todo;
use super::replay::replay;
use super::{Session, convert, is_empty};

/// Once so many entries failed for good, the snapshot alone is restored.
const MAX_BAD_ENTRIES: u32 = 3;

impl Session {
    /// Makes an instance that knows what was acknowledged. An entry of the journal that ends the
    /// instance is taken out; after a few of those the snapshot alone is restored.
    pub(super) async fn recover(&mut self) -> Result<(), Error> {
        let mut bad_entries = 0;
        let mut lost = 0;
        let mut why = None;
        if std::mem::take(&mut self.in_call) {
            self.recovery.crashes += 1;
        }
        loop {
            let mut instance = self.factory.recorder().await?;
            match self.restore_into(&mut instance).await {
                Ok(replayed) => {
                    self.recovery.replayed += replayed.made;
                    lost += replayed.refused;
                    why = replayed.why.or(why);
                    self.instance = Some(instance);
                    break;
                }
                Err(Unrestored::Base(error)) => return Err(error),
                Err(Unrestored::Entry { position, error }) => {
                    bad_entries += 1;
                    why = Some(error.to_string());
                    if bad_entries < MAX_BAD_ENTRIES {
                        self.journal.remove(position);
                        lost += 1;
                    } else {
                        lost += self.journal.count_from(0);
                        self.journal.give_up();
                    }
                }
            }
        }
        self.go_on().await?;
        if lost == 0 {
            // A plug that crashes often is not to replay the same calls each time.
            if self.journal.is_slow() {
                Box::pin(self.compact_or_put_off()).await;
            }
            return Ok(());
        }
        let problem = why.unwrap_or_default();
        error!(lost, problem, "acknowledged calls could not be replayed");
        self.recovery.lost += lost;
        self.replaced.fetch_add(1, Ordering::Relaxed);
        self.recovery.problem = Some(problem.clone());
        // The file is not to hold what is known to fail.
        Box::pin(self.compact_or_put_off()).await;
        Err(Error::Lost { lost, problem })
    }

    /// Puts snapshot, configuration and journal into a fresh instance.
    async fn restore_into(&mut self, instance: &mut Instance<Recorder>) -> Result<Replayed, Unrestored> {
        let limit = self.limits.recorder_call();
        self.config.clone_from(&self.journal.base().config);
        let base = self.journal.base();
        if !base.snapshot.is_empty() {
            let problem = |problem: String| Unrestored::Base(Error::Restore { problem });
            call_recorder!(instance, limit, |exports, store| exports.state.call_restore(store, &base.snapshot))
                .map_err(|error| problem(error.to_string()))?
                .map_err(problem)?;
        }
        let config = base.config.as_deref().unwrap_or(&self.started_with);
        let mut warnings = Vec::new();
        if !is_empty(config) {
            let adopted =
                call_recorder!(instance, limit, |exports, store| exports.hosting.call_configure(store, config));
            warnings = adopted.map_err(Unrestored::Base)?.map_err(|problem| {
                let error = convert::config_problem(problem);
                // A kept one was valid then: another component would go on with another
                // configuration.
                let is_kept = base.config.is_some();
                Unrestored::Base(if is_kept { Error::Restore { problem: error.to_string() } } else { error })
            })?;
        }
        self.warnings = warnings;
        let mut replayed = Replayed::default();
        let mut position = 0;
        while let Some((entry, next)) = self.journal.entry(position) {
            let failed = |error: Error| Unrestored::Entry { position, error };
            let entry = entry.map_err(failed)?;
            let Entry { unix_nanos, .. } = entry;
            if let Call::Start { cfg, request, .. } = entry.call {
                if !cfg.is_empty() {
                    self.config = Some(cfg.to_owned());
                }
                if convert::is_cleanup(request) {
                    self.config = Some(String::new());
                }
            }
            self.last_nanos = self.last_nanos.max(unix_nanos);
            instance.store.data_mut().wall_clock.replayed = unix_nanos;
            match replay(instance, limit, entry).await.map_err(failed)? {
                None => replayed.made += 1,
                Some(refusal) => {
                    replayed.refused += 1;
                    replayed.why = Some(refusal);
                }
            }
            position = next;
        }
        let clock = &mut instance.store.data_mut().wall_clock;
        *clock = WallClock::default();
        clock.not_before(self.last_nanos);
        Ok(replayed)
    }

    /// Finds out what is left to do for open requests and for jobs whose end is not known.
    pub(super) async fn go_on(&mut self) -> Result<(), Error> {
        let Some(mut instance) = self.instance.take() else { return Ok(()) };
        let limit = self.limits.recorder_call();
        let unfinished = call_recorder!(&mut instance, limit, |exports, store| exports.state.call_unfinished(store));
        let (tickets, taken, due) = match unfinished {
            Ok(unfinished) => unfinished,
            Err(error) => return Err(self.lost(&instance, error)),
        };
        self.instance = Some(instance);
        let taken: HashSet<Arc<str>> = taken.into_iter().map(Into::into).collect();
        // A job that the recorder knows nothing of was not journalled: it is made again.
        let unknown: Vec<Arc<str>> =
            self.board.running.keys().filter(|lane| !taken.contains(*lane)).map(Arc::clone).collect();
        for lane in unknown {
            debug!(lane = &*lane, "a job that was not journaled runs again");
            self.board.abort(&lane);
            self.board.lanes.finish(&lane, Instant::now());
        }
        for lane in taken {
            if !self.board.running.contains_key(&lane) && !self.board.is_left_alone(&lane) {
                let ended = Ended::lost("the host ended before the job did");
                self.board.todo.push_back(Todo::Complete { lane, ended, journalled: true, last_try: false });
            }
        }
        let known: HashSet<u64> = tickets.into_iter().collect();
        for ticket in &known {
            if !self.board.waiters.contains_key(ticket) && !self.board.is_ticket_left_alone(*ticket) {
                self.board.todo.push_back(Todo::Release(*ticket));
            }
        }
        let mut forgotten: Vec<u64> =
            self.board.waiters.keys().filter(|ticket| !known.contains(ticket)).copied().collect();
        forgotten.sort_unstable();
        // They come first: what a job of theirs came to is for a recorder that knows them.
        for ticket in forgotten.into_iter().rev() {
            let can_restart = self.board.waiters.get(&ticket).is_some_and(|waiter| waiter.again.is_some());
            if can_restart {
                self.board.todo.push_front(Todo::Restart(ticket));
            } else {
                let problem = "the plug crashed, and a fresh instance does not know the request".to_owned();
                self.board.answer(ticket, Err(Error::NoAnswer { problem }));
            }
        }
        for due in due {
            self.note_due(due, 1);
        }
        Ok(())
    }
}

/// How the replay of a journal went.
#[derive(Default)]
struct Replayed {
    /// How many calls were made.
    made: u64,
    /// How many the plug did not take again.
    refused: u64,
    /// What it said of the last one.
    why: Option<String>,
}

/// What ended an instance that was being restored.
enum Unrestored {
    /// The configuration or the snapshot: nothing can be had without them.
    Base(Error),
    /// An entry of the journal.
    Entry { position: usize, error: Error },
}
