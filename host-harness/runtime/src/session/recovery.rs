//! Makes a fresh instance what the lost one was: configuration, snapshot, and the journal's calls.

use std::time::Duration;

use tracing::error;

use crate::bindings::exports::plugpipe::monitoring::types;
use crate::error::Error;
use crate::journal::{Call, Entry};
use crate::operations::{FAILED, NOTHING, config_problem, is_empty};
use crate::store::{Instance, WallClock, call_on};
use crate::warnings;

use super::convert::{self, text};
use super::{Format, Outcome, Session};

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
            let mut instance = match self.instance.take() {
                Some(instance) => instance,
                None => self.instantiate().await?,
            };
            match self.restore_into(&mut instance).await {
                Ok(replayed) => {
                    self.recovery.replayed += replayed.made;
                    lost += replayed.refused;
                    why = replayed.why.or(why);
                    instance.restored = true;
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
        if lost == 0 {
            // A plug that crashes often is not to replay the same calls each time.
            if self.journal.is_slow() {
                Box::pin(self.compact_or_put_off()).await;
            }
            return Ok(());
        }
        let problem = why.unwrap_or_default();
        error!(lost, problem, "acknowledged calls could not be made again");
        self.recovery.lost += lost;
        self.recovery.problem = Some(problem.clone());
        // The file is not to hold what is known to fail.
        Box::pin(self.compact_or_put_off()).await;
        Err(Error::Lost { lost, problem })
    }

    /// Puts configuration, snapshot and journal into a fresh instance, without a request to
    /// anybody.
    async fn restore_into(&mut self, instance: &mut Instance) -> Result<Replayed, Unrestored> {
        let limit = self.limits.call;
        self.config.clone_from(&self.journal.base().config);
        let base = self.journal.base();
        let config = base.config.as_deref().unwrap_or(&self.started_with);
        // A leader is told to defer although nothing is configured: a call may bring its own
        // gateway.
        let config = self.dressed(if is_empty(config) { "{}" } else { config });
        instance.store.data_mut().egress.replaying = true;
        let mut found = Vec::new();
        if !is_empty(&config) {
            let answer = call_on!(instance, limit, |plug, store| plug
                .plugpipe_monitoring_plug()
                .call_process(store, NOTHING, &config))
            .map_err(Unrestored::Base)?;
            if let Some(error) = config_problem(&answer) {
                // A kept one was valid then: another component would go on with another
                // configuration.
                let is_kept = base.config.is_some();
                let error = if is_kept { Error::Restore { problem: error.to_string() } } else { error };
                return Err(Unrestored::Base(error));
            }
            found = warnings::in_text(&answer);
        }
        if !base.snapshot.is_empty() {
            let problem = |problem: String| Unrestored::Base(Error::Restore { problem });
            call_on!(instance, limit, |plug, store| plug
                .plugpipe_monitoring_state()
                .call_restore(store, &base.snapshot))
            .map_err(|error| problem(error.to_string()))?
            .map_err(|error| problem(text(error)))?;
        }
        self.warnings = found;
        let mut replayed = Replayed::default();
        let mut position = 0;
        while let Some((entry, next)) = self.journal.entry(position) {
            let failed = |error: Error| Unrestored::Entry { position, error };
            let Entry { unix_nanos, call } = entry.map_err(failed)?;
            let mut dressed = None;
            match &call {
                Call::Configure { cfg } => {
                    self.config = Some((*cfg).to_owned());
                    dressed = Some(self.dressed(cfg));
                }
                Call::Cleanup => {
                    self.config = Some(String::new());
                    dressed = Some(self.dressed("{}"));
                }
                _ => {}
            }
            instance.store.data_mut().wall_clock.replayed = unix_nanos;
            match replay(instance, limit, call, dressed.as_deref()).await.map_err(failed)? {
                None => replayed.made += 1,
                Some(refusal) => {
                    replayed.refused += 1;
                    replayed.why = Some(refusal);
                }
            }
            position = next;
        }
        let state = instance.store.data_mut();
        state.wall_clock = WallClock::default();
        state.egress.replaying = false;
        Ok(replayed)
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

/// Makes a call again. Says how, if it went otherwise than the first time.
/// `dressed` is the configuration that holds from then on, for a call that changes it.
async fn replay(
    instance: &mut Instance,
    limit: Duration,
    call: Call<'_>,
    dressed: Option<&str>,
) -> Result<Option<String>, Error> {
    macro_rules! again {
        (plug.$function:ident($($argument:expr),*)) => {
            call_on!(instance, limit, |plug, store| plug.plugpipe_monitoring_plug().$function(store $(, $argument)*))?
        };
        (metrics.$function:ident($($argument:expr),*)) => {
            call_on!(instance, limit, |plug, store| plug.plugpipe_monitoring_metrics().$function(store $(, $argument)*))?
        };
    }
    let as_text = |error: types::Error| Err(text(error));
    let same = |answered: Result<u32, types::Error>, handle: u32| match answered {
        Ok(answered) if answered == handle => Ok(()),
        Ok(answered) => Err(format!("handle {handle} became {answered}")),
        Err(error) => as_text(error),
    };
    let done = |answer: String| if answer.starts_with(FAILED) { Err(answer) } else { Ok(()) };
    let recorded = |outcome: Outcome| match outcome {
        Outcome::Recorded => Ok(()),
        other => Err(format!("an update by handle: {other:?}")),
    };
    let outcome = match call {
        Call::Process { ctx } => done(again!(plug.call_process(ctx, ""))),
        Call::Configure { cfg } => done(again!(plug.call_process(NOTHING, dressed.unwrap_or(cfg)))),
        Call::Cleanup => {
            let cleaned = again!(plug.call_cleanup());
            again!(plug.call_process(NOTHING, dressed.unwrap_or_default()));
            done(cleaned)
        }
        Call::Looked => {
            call_on!(instance, limit, |plug, store| plug
                .plugpipe_monitoring_exposition()
                .call_encode(store, Format::Text))?;
            Ok(())
        }
        Call::Register { definition, family } => {
            same(again!(metrics.call_register(&convert::definition(*definition))), family)
        }
        Call::SeriesOf { family, labels, series } => {
            same(again!(metrics.call_series_of(family, &convert::labels(&labels))), series)
        }
        Call::Add { series, amount } => recorded(again!(metrics.call_add(series, amount))),
        Call::Set { series, value } => recorded(again!(metrics.call_set(series, value))),
        Call::Observe { series, value } => recorded(again!(metrics.call_observe(series, value))),
        Call::ObserveWithExemplar { series, value, exemplar } => {
            again!(metrics.call_observe_with_exemplar(series, value, &convert::labels(&exemplar))).or_else(as_text)
        }
        Call::SetState { series, state, on } => again!(metrics.call_set_state(series, state, on)).or_else(as_text),
        Call::RecordMany { series, values } => again!(metrics.call_record_many(&series.handles(), &values.values()))
            .or_else(|rejection| as_text(rejection.error)),
        Call::Record { name, kind, labels, value, series } => {
            same(again!(metrics.call_record(name, convert::kind(kind), &convert::labels(&labels), value)), series)
        }
        Call::Remove { series } => {
            again!(metrics.call_remove(series));
            Ok(())
        }
        Call::Clear => {
            again!(metrics.call_clear());
            Ok(())
        }
        Call::Restore { snapshot } => {
            call_on!(instance, limit, |plug, store| plug.plugpipe_monitoring_state().call_restore(store, snapshot))?
                .or_else(as_text)
        }
    };
    Ok(outcome.err())
}
