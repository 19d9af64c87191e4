//! The exports: attacks in the recorder and in workers; beside them as little as can be, or lies.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crate::bindings::export;
use crate::bindings::exports::plugpipe::monitoring::{exposition, metrics, query, types};
use crate::bindings::exports::plugpipe::plug::{hosting, plug, state};
use crate::{Failure, LYING, attack, member};

struct Hostile;

export!(Hostile with_types_in crate::bindings);

fn no<T>() -> Result<T, types::Error> {
    Err(types::Error::InvalidInput("not here".into()))
}

fn bytes() -> Vec<u8> {
    if LYING.load(Ordering::Relaxed) {
        // SAFETY: unsound, as intended: nothing here reads it, and the host ends the instance
        // before it could be freed.
        return unsafe { Vec::from_raw_parts(16 as *mut u8, 0x7fff_0000, 0x7fff_0000) };
    }
    Vec::new()
}

thread_local! {
    /// Attacks that a worker is to make, by lane: the ticket, and the `ctx`.
    static OPEN: RefCell<BTreeMap<String, (u64, String)>> = const { RefCell::new(BTreeMap::new()) };
}

/// The response to an attack that was let.
fn answer(outcome: Result<String, Failure>) -> plug::Answer {
    let (error, body) = match outcome {
        Ok(body) => (None, body),
        Err(Failure(message)) => (Some(plug::Problem { code: "failed".into(), message }), String::new()),
    };
    plug::Answer { error, warnings: Vec::new(), unsent: 0, body }
}

fn step(answers: Vec<(u64, plug::Answer)>, due: Vec<hosting::Due>, changed: bool) -> hosting::Step {
    hosting::Step { answers, due, stop: Vec::new(), patience_ms: 60_000, changed, without_secrets: None }
}

fn close(lane: &str, outcome: Result<String, Failure>) -> hosting::Step {
    let open = OPEN.with_borrow_mut(|open| open.remove(lane));
    step(open.into_iter().map(|(ticket, _)| (ticket, answer(outcome.clone()))).collect(), Vec::new(), false)
}

impl plug::Guest for Hostile {
    fn process(what: plug::Request, _: String) -> plug::Answer {
        match what {
            plug::Request::Call(ctx) => answer(attack(&ctx)),
            _ => answer(Ok("not JSON".into())),
        }
    }

    fn describe() -> plug::Description {
        plug::Description {
            name: "hostile".into(),
            version: String::new(),
            operations: Vec::new(),
            sinks: Vec::new(),
            servers: Vec::new(),
        }
    }

    fn schema(_operation: String) -> Option<String> {
        None
    }
}

impl hosting::Guest for Hostile {
    /// Attacks at once, and keeps what came of it; or, where `in` is `run`, in a worker that says it
    /// reaches the origins in `origins`, or else the server at `authority`.
    fn start(ticket: u64, what: plug::Request, _: String, _: hosting::Moment) -> hosting::Step {
        let plug::Request::Call(ctx) = what else {
            return step(vec![(ticket, answer(Ok("not JSON".into())))], Vec::new(), false);
        };
        if member(&ctx, "in").as_deref() != Some("run") {
            let outcome = attack(&ctx);
            let changed = outcome.is_ok();
            return step(vec![(ticket, answer(outcome))], Vec::new(), changed);
        }
        let origins = match (member(&ctx, "origins"), member(&ctx, "authority")) {
            (Some(origins), _) => origins.split(' ').map(str::to_owned).collect(),
            (None, authority) => authority.into_iter().map(|authority| format!("http://{authority}")).collect(),
        };
        let lane = format!("attack:{ticket}");
        OPEN.with_borrow_mut(|open| open.insert(lane.clone(), (ticket, ctx)));
        step(Vec::new(), vec![hosting::Due { lane, origins, pause_ms: 0, limit_ms: u32::MAX }], false)
    }

    fn take(lane: String, _: hosting::Moment) -> Option<hosting::Job> {
        let (_, ctx) = OPEN.with_borrow(|open| open.get(&lane).cloned())?;
        Some(hosting::Job { work: hosting::Work::Run(ctx.into_bytes()), changed: false })
    }

    fn run(job: Vec<u8>) -> hosting::ResultOfRun {
        let (effect, told) = match attack(&String::from_utf8_lossy(&job)) {
            Ok(told) => (Vec::new(), told),
            Err(Failure(told)) => (b"failed".to_vec(), told),
        };
        hosting::ResultOfRun { effect, told: told.into_bytes() }
    }

    fn complete(lane: String, outcome: hosting::Outcome, _: hosting::Moment) -> hosting::Step {
        let outcome = match outcome {
            hosting::Outcome::Ran(hosting::ResultOfRun { effect, told }) => {
                let told = String::from_utf8_lossy(&told).into_owned();
                if effect.is_empty() { Ok(told) } else { Err(Failure(told)) }
            }
            hosting::Outcome::Lost(reason) => Err(Failure(reason)),
            hosting::Outcome::FilePut(_) => Err(Failure("nobody asked for a file".into())),
        };
        close(&lane, outcome)
    }

    fn release(ticket: u64, _: hosting::Moment) -> hosting::Step {
        close(&format!("attack:{ticket}"), Err(Failure("released".into())))
    }

    fn configure(_: String) -> Result<Vec<String>, plug::Problem> {
        Ok(Vec::new())
    }
}

impl metrics::Guest for Hostile {
    fn register(_: metrics::Definition) -> Result<u32, types::Error> {
        no()
    }

    fn series_of(_: u32, _: Vec<types::Label>) -> Result<u32, types::Error> {
        no()
    }

    fn add(_: u32, _: f64) -> metrics::Outcome {
        metrics::Outcome::UnknownSeries
    }

    fn set(_: u32, _: f64) -> metrics::Outcome {
        metrics::Outcome::UnknownSeries
    }

    fn observe(_: u32, _: f64) -> metrics::Outcome {
        metrics::Outcome::UnknownSeries
    }

    fn observe_with_exemplar(_: u32, _: f64, _: Vec<types::Label>) -> Result<(), types::Error> {
        no()
    }

    fn set_state(_: u32, _: String, _: bool) -> Result<(), types::Error> {
        no()
    }

    fn record_many(_: Vec<u32>, _: Vec<f64>) -> Result<(), metrics::Rejection> {
        no().map_err(|error| metrics::Rejection { index: u32::MAX, error })
    }

    fn record(_: String, _: types::MetricKind, _: Vec<types::Label>, _: f64) -> Result<u32, types::Error> {
        no()
    }

    fn remove(_: u32) -> bool {
        false
    }

    fn clear() -> u64 {
        u64::MAX
    }
}

impl exposition::Guest for Hostile {
    fn encode(_: types::Format) -> Vec<u8> {
        bytes()
    }

    /// Whatever is asked for, a page with a script too.
    fn scrape(accept: String) -> exposition::Exposed {
        exposition::Exposed { content_type: accept, body: bytes() }
    }
}

impl query::Guest for Hostile {
    fn instant(_: String, _: Option<i64>, _: query::Options) -> Result<query::Answer, types::Error> {
        no()
    }

    fn range(
        _: String,
        _: i64,
        _: i64,
        _: i64,
        _: query::TooManyPoints,
        _: query::Options,
    ) -> Result<query::Answer, types::Error> {
        no()
    }

    fn series(_: query::Selection) -> Result<query::SeriesList, types::Error> {
        no()
    }

    fn labels(_: query::Selection) -> Result<query::Texts, types::Error> {
        no()
    }

    fn label_values(_: String, _: query::Selection) -> Result<query::Texts, types::Error> {
        no()
    }
}

impl state::Guest for Hostile {
    fn snapshot() -> Vec<u8> {
        bytes()
    }

    fn restore(_: Vec<u8>) -> Result<(), String> {
        Ok(())
    }

    fn unfinished() -> (Vec<u64>, Vec<String>, Vec<hosting::Due>) {
        (Vec::new(), Vec::new(), Vec::new())
    }
}
