//! The plug `readings` in Rust: counts readings of sensors, and records them in the plug that
//! monitors. The folders beside this one have it in other languages; tests/guests.json says what
//! all of them do.
//!
//! This one answers at once, so that it never has a job for a server: `take`, `run` and `complete`
//! have nothing to do.

#![deny(missing_docs)]
#![cfg(target_arch = "wasm32")]

mod bindings {
    // Generated from the WIT files.
    #![allow(missing_docs, unsafe_op_in_unsafe_fn, unreachable_pub, clippy::all, clippy::undocumented_unsafe_blocks)]
    wit_bindgen::generate!({
        path: ["../../../wit", "../wit"],
        world: "example:readings/readings",
        generate_all,
    });
}

use std::cell::Cell;

use bindings::exports::plugpipe::plug::hosting::{self, Due, Job, Moment, Outcome, ResultOfRun, Step};
use bindings::exports::plugpipe::plug::plug::{self, Answer, Description, Operation, Problem, Request};
use bindings::exports::plugpipe::plug::state;
use bindings::plugpipe::monitoring::metrics::{self, Definition};
use bindings::plugpipe::monitoring::types::{Error, Label, MetricKind};
use serde_json::{Value, json};

struct Readings;

bindings::export!(Readings with_types_in bindings);

thread_local! {
    /// All that this plug keeps. The host journals each call that changes it and snapshots it now
    /// and then, so that it survives a crash.
    static READINGS: Cell<u64> = const { Cell::new(0) };
}

/// The kinds of metrics, as callers write them.
const KINDS: [(&str, MetricKind); 9] = [
    ("counter", MetricKind::Counter),
    ("gauge", MetricKind::Gauge),
    ("histogram", MetricKind::Histogram),
    ("native_histogram", MetricKind::NativeHistogram),
    ("summary", MetricKind::Summary),
    ("info", MetricKind::Info),
    ("state_set", MetricKind::StateSet),
    ("gauge_histogram", MetricKind::GaugeHistogram),
    ("unknown", MetricKind::Unknown),
];

type Operate = fn(&Value) -> Result<usize, Problem>;

/// The operations: name, summary, and what carries it out and says how many readings that were.
const OPERATIONS: [(&str, &str, Operate); 2] =
    [("record", "Records one reading", record), ("observe", "Records many readings in a histogram", observe)];

fn invalid(message: String) -> Problem {
    Problem { code: "invalid_input".into(), message }
}

/// What an error of `plugpipe:monitoring` is to the caller.
fn refused(error: Error) -> Problem {
    let (code, message) = match error {
        Error::InvalidInput(message) => ("invalid_input", message),
        Error::Conflict(message) => ("conflict", message),
        Error::LimitReached(message) => ("limit_reached", message),
        Error::NotConfigured(message) => ("not_configured", message),
        Error::NotGranted(message) => ("not_granted", message),
        Error::Unreachable(message) => ("unreachable", message),
        Error::Refused(message) => ("refused", message),
        Error::Unsupported(message) => ("unsupported", message),
    };
    Problem { code: code.into(), message }
}

fn text<'c>(ctx: &'c Value, name: &str, expected: &str) -> Result<&'c str, Problem> {
    ctx.get(name).and_then(Value::as_str).ok_or_else(|| invalid(format!("{name}: expected {expected}")))
}

fn numbers(ctx: &Value, name: &str) -> Result<Vec<f64>, Problem> {
    let numbers = ctx.get(name).and_then(Value::as_array);
    let numbers = numbers.and_then(|numbers| numbers.iter().map(Value::as_f64).collect());
    numbers.ok_or_else(|| invalid(format!("{name}: expected a list of numbers")))
}

fn labels(ctx: &Value) -> Result<Vec<Label>, Problem> {
    let problem = || invalid("labels: expected an object with texts".into());
    let Some(labels) = ctx.get("labels") else { return Ok(Vec::new()) };
    let labels = labels.as_object().ok_or_else(problem)?.iter();
    labels
        .map(|(name, value)| Ok(Label { name: name.clone(), value: value.as_str().ok_or_else(problem)?.to_owned() }))
        .collect()
}

/// One reading, by name.
fn record(ctx: &Value) -> Result<usize, Problem> {
    let given = text(ctx, "kind", "a kind, such as gauge")?;
    let name = given.replace('-', "_");
    let kind = KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    let kind =
        kind.ok_or_else(|| invalid(format!("kind: {given} is unknown; expected one such as counter or gauge")))?;
    let metric = text(ctx, "metric", "a metric's name")?;
    let value = ctx.get("value").and_then(Value::as_f64).ok_or_else(|| invalid("value: expected a number".into()))?;
    metrics::record(metric, kind, &labels(ctx)?, value).map_err(refused)?;
    Ok(1)
}

/// Many readings at once, by handle, in a histogram.
fn observe(ctx: &Value) -> Result<usize, Problem> {
    let (metric, labels, values) = (text(ctx, "metric", "a metric's name")?, labels(ctx)?, numbers(ctx, "values")?);
    let definition = Definition {
        name: metric.to_owned(),
        kind: MetricKind::Histogram,
        help: None,
        unit: None,
        label_names: labels.iter().map(|label| label.name.clone()).collect(),
        buckets: Some(numbers(ctx, "bounds")?),
        native: None,
        quantiles: None,
        window_seconds: None,
        states: Vec::new(),
        series_limit: None,
        expire_after_seconds: None,
    };
    let family = metrics::register(&definition).map_err(refused)?;
    let series = metrics::series_of(family, &labels).map_err(refused)?;
    metrics::record_many(&vec![series; values.len()], &values).map_err(|rejection| {
        let Problem { code, message } = refused(rejection.error);
        Problem { code, message: format!("values[{}]: {message}", rejection.index) }
    })?;
    Ok(values.len())
}

fn call(ctx: &str) -> Result<Value, Problem> {
    let ctx: Value = serde_json::from_str(ctx).map_err(|error| invalid(format!("ctx: not JSON: {error}")))?;
    let operation = ctx.get("operation").and_then(Value::as_str);
    let Some((_, _, operate)) = OPERATIONS.iter().find(|(name, ..)| Some(*name) == operation) else {
        let names: Vec<&str> = OPERATIONS.iter().map(|(name, ..)| *name).collect();
        return Err(invalid(format!("operation: is unknown; expected one of {}", names.join(", "))));
    };
    READINGS.set(READINGS.get() + operate(&ctx)? as u64);
    Ok(json!({"success": true, "readings": READINGS.get()}))
}

/// The answer to a request, and whether the state changed.
fn answer(what: &Request) -> (Answer, bool) {
    let (outcome, changed) = match what {
        Request::Call(ctx) => {
            let outcome = call(ctx);
            let changed = outcome.is_ok();
            (outcome, changed)
        }
        Request::Cleanup => {
            READINGS.set(0);
            (Ok(json!({})), true)
        }
        // Nothing waits to be sent, and there are no servers to check.
        Request::Deliver(_) | Request::Health => (Ok(json!({})), false),
    };
    let (error, body) = match outcome {
        Ok(body) => (None, body.to_string()),
        Err(problem) => (Some(problem), String::new()),
    };
    (Answer { error, warnings: Vec::new(), unsent: 0, body }, changed)
}

fn nothing() -> Step {
    Step {
        answers: Vec::new(),
        due: Vec::new(),
        stop: Vec::new(),
        patience_ms: 0,
        changed: false,
        without_secrets: None,
    }
}

impl plug::Guest for Readings {
    fn describe() -> Description {
        let operations = OPERATIONS.map(|(name, summary, _)| Operation { name: name.into(), summary: summary.into() });
        Description {
            name: "readings".into(),
            version: "1.0.0".into(),
            operations: operations.into(),
            sinks: Vec::new(),
            servers: Vec::new(),
        }
    }

    fn schema(_operation: String) -> Option<String> {
        None
    }

    fn process(what: Request, _cfg: String) -> Answer {
        answer(&what).0
    }
}

impl hosting::Guest for Readings {
    fn start(ticket: u64, what: Request, _cfg: String, _at: Moment) -> Step {
        let (answer, changed) = answer(&what);
        Step { answers: vec![(ticket, answer)], changed, ..nothing() }
    }

    fn take(_lane: String, _at: Moment) -> Option<Job> {
        None
    }

    fn run(_job: Vec<u8>) -> ResultOfRun {
        ResultOfRun { effect: Vec::new(), told: Vec::new() }
    }

    fn complete(_lane: String, _outcome: Outcome, _at: Moment) -> Step {
        nothing()
    }

    fn release(_ticket: u64, _at: Moment) -> Step {
        nothing()
    }

    fn configure(_cfg: String) -> Result<Vec<String>, Problem> {
        Ok(Vec::new())
    }
}

impl state::Guest for Readings {
    fn snapshot() -> Vec<u8> {
        READINGS.get().to_le_bytes().to_vec()
    }

    fn restore(snapshot: Vec<u8>) -> Result<(), String> {
        let bytes = snapshot.try_into().map_err(|_| "it has not 8 bytes".to_owned())?;
        READINGS.set(u64::from_le_bytes(bytes));
        Ok(())
    }

    fn unfinished() -> (Vec<u64>, Vec<String>, Vec<Due>) {
        (Vec::new(), Vec::new(), Vec::new())
    }
}
