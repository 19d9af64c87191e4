//! Makes the calls of the journal again in a fresh instance.

use std::time::Duration;

use crate::bindings::exports::plugpipe::monitoring::types;
use crate::bindings::exports::plugpipe::plug::hosting;
use crate::error::Error;
use crate::exports::{Recorder, text};
use crate::journal::{Call, Entry};
use crate::store::{Instance, call_recorder};

use super::convert;
use super::{Format, Outcome};

/// Makes an entry's call again. Says how, if it went otherwise than the first time.
pub(super) async fn replay(
    instance: &mut Instance<Recorder>,
    limit: Duration,
    Entry { unix_nanos, call }: Entry<'_>,
) -> Result<Option<String>, Error> {
    let (seed, call) = match call {
        Call::Start { seed, .. }
        | Call::Take { seed, .. }
        | Call::Complete { seed, .. }
        | Call::Release { seed, .. } => (seed, call),
        typed => return replay_typed(instance, limit, typed).await,
    };
    let at = hosting::Moment { unix_nanos, seed, again: true };
    // Nobody looks at the results.
    macro_rules! again {
        ($function:ident($($argument:expr),*)) => {
            drop(call_recorder!(instance, limit, |exports, store| exports.hosting.$function(store $(, $argument)*))?)
        };
    }
    match call {
        Call::Start { ticket, request, cfg, .. } => {
            again!(call_start(ticket, &convert::request(request), cfg, at));
        }
        Call::Take { lane, .. } => again!(call_take(&lane.to_owned(), at)),
        Call::Complete { lane, outcome, .. } => again!(call_complete(&lane.to_owned(), &convert::outcome(outcome), at)),
        Call::Release { ticket, .. } => again!(call_release(ticket, at)),
        _ => {}
    }
    Ok(None)
}

async fn replay_typed(
    instance: &mut Instance<Recorder>,
    limit: Duration,
    call: Call<'_>,
) -> Result<Option<String>, Error> {
    if matches!(call, Call::Reserve { .. }) {
        return Ok(None);
    }
    if let Call::Restore { snapshot } = call {
        let restored = call_recorder!(instance, limit, |exports, store| exports.state.call_restore(store, snapshot.0))?;
        return Ok(restored.err());
    }
    // An entry of an interface that another component had.
    let is_looked = matches!(call, Call::Looked);
    if (is_looked && instance.exports.exposition.is_none()) || (!is_looked && instance.exports.metrics.is_none()) {
        return Ok(Some("the plug does not export the interface that the call needs".into()));
    }
    macro_rules! again {
        ($interface:ident.$function:ident($($argument:expr),*)) => {
            call_recorder!(instance, limit, |exports, store| async {
                match &exports.$interface {
                    Some(guest) => guest.$function(store $(, $argument)*).await,
                    None => Err(wasmtime::Error::msg("not exported")),
                }
            })?
        };
    }
    let as_text = |error: types::Error| Err(text(error));
    let same = |answered: Result<u32, types::Error>, handle: u32| match answered {
        Ok(answered) if answered == handle => Ok(()),
        Ok(answered) => Err(format!("handle {handle} became {answered}")),
        Err(error) => as_text(error),
    };
    let recorded = |outcome: Outcome| match outcome {
        Outcome::Recorded => Ok(()),
        other => Err(format!("an update by handle: {other:?}")),
    };
    let outcome = match call {
        Call::Looked => {
            again!(exposition.call_encode(Format::Text));
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
        // Made above.
        Call::Start { .. }
        | Call::Take { .. }
        | Call::Complete { .. }
        | Call::Release { .. }
        | Call::Reserve { .. }
        | Call::Restore { .. } => Ok(()),
    };
    Ok(outcome.err())
}
