//! The plug `{{NAME}}`: greets, counts the greetings in its state, and records them in the plug
//! that monitors.
//!
//!     cargo build --release --target wasm32-unknown-unknown
//!     plugpipe-harness run pipe.yaml --config harness.yaml
//!
//! The functions below are all that a plug exports. This one answers at once, so that it never has
//! a job for a server: `take`, `run` and `complete` have nothing to do. `docs/writing-plugs.md` of
//! the harness says how a plug asks servers.

// Tests run natively, and the plug only as a component.
#![cfg(target_arch = "wasm32")]

mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "guest", generate_all });
}

use std::cell::Cell;

use bindings::exports::plugpipe::plug::hosting::{self, Due, Job, Moment, Outcome, ResultOfRun, Step};
use bindings::exports::plugpipe::plug::plug::{self, Answer, Description, Operation, Problem, Request};
use bindings::exports::plugpipe::plug::state;
use bindings::plugpipe::monitoring::metrics;
use bindings::plugpipe::monitoring::types::{Label, MetricKind};
use serde_json::{Value, json};

struct Plug;

bindings::export!(Plug with_types_in bindings);

thread_local! {
    /// All that this plug keeps. The host journals each call that changes it and snapshots it now
    /// and then, so that it survives a crash.
    static GREETINGS: Cell<u64> = const { Cell::new(0) };
}

/// The operation `greet`.
fn greet(ctx: &Value, warnings: &mut Vec<String>) -> Result<Value, String> {
    let whom = ctx.get("whom").and_then(Value::as_str);
    let whom = whom.ok_or("whom: is missing; expected a name, such as \"world\"")?;
    GREETINGS.set(GREETINGS.get() + 1);
    // The host adds the label `plug` with this plug's name. It drops nothing silently, and neither
    // does this plug.
    let labels = [Label { name: "whom".into(), value: whom.into() }];
    if let Err(error) = metrics::record("greetings_total", MetricKind::Counter, &labels, 1.0) {
        warnings.push(format!("greetings_total is not recorded: {error:?}"));
    }
    Ok(json!({"success": true, "greeting": format!("Hello, {whom}!"), "greetings": GREETINGS.get()}))
}

/// Answers a request; says whether the state changed.
fn answer(what: &Request) -> (Answer, bool) {
    let (mut warnings, mut changed) = (Vec::new(), false);
    let outcome = match what {
        Request::Call(ctx) => serde_json::from_str::<Value>(ctx).map_err(|error| format!("ctx: {error}")).and_then(|ctx| {
            match ctx.get("operation").and_then(Value::as_str) {
                Some("greet") => {
                    changed = true;
                    greet(&ctx, &mut warnings)
                }
                other => Err(format!("operation: {other:?} is unknown; expected greet")),
            }
        }),
        Request::Cleanup => {
            changed = true;
            GREETINGS.set(0);
            Ok(json!({}))
        }
        // Nothing waits to be sent, and there are no servers to check.
        Request::Deliver(_) | Request::Health => Ok(json!({})),
    };
    let (error, body) = match outcome {
        Ok(body) => (None, body.to_string()),
        Err(message) => (Some(Problem { code: "invalid_field".into(), message }), String::new()),
    };
    (Answer { error, warnings, unsent: 0, body }, changed)
}

fn nothing() -> Step {
    Step { answers: vec![], due: vec![], stop: vec![], patience_ms: 0, changed: false, without_secrets: None }
}

impl plug::Guest for Plug {
    fn describe() -> Description {
        Description {
            name: "{{NAME}}".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            operations: vec![Operation { name: "greet".into(), summary: "Greets somebody".into() }],
            sinks: vec![],
            servers: vec![],
        }
    }

    fn schema(operation: String) -> Option<String> {
        let schema = json!({
            "type": "object",
            "required": ["whom"],
            "properties": {"whom": {"type": "string", "description": "Who is greeted"}},
        });
        (operation == "greet").then(|| schema.to_string())
    }

    fn process(what: Request, _cfg: String) -> Answer {
        answer(&what).0
    }
}

impl hosting::Guest for Plug {
    fn start(ticket: u64, what: Request, _cfg: String, _at: Moment) -> Step {
        let (answer, changed) = answer(&what);
        Step { answers: vec![(ticket, answer)], changed, ..nothing() }
    }

    fn take(_lane: String, _at: Moment) -> Option<Job> {
        None
    }

    fn run(_job: Vec<u8>) -> ResultOfRun {
        ResultOfRun { effect: vec![], told: vec![] }
    }

    fn complete(_lane: String, _outcome: Outcome, _at: Moment) -> Step {
        nothing()
    }

    fn release(_ticket: u64, _at: Moment) -> Step {
        nothing()
    }

    fn configure(_cfg: String) -> Result<Vec<String>, Problem> {
        Ok(vec![])
    }
}

impl state::Guest for Plug {
    fn snapshot() -> Vec<u8> {
        GREETINGS.get().to_le_bytes().to_vec()
    }

    fn restore(snapshot: Vec<u8>) -> Result<(), String> {
        let bytes = snapshot.try_into().map_err(|_| "it has not 8 bytes".to_owned())?;
        GREETINGS.set(u64::from_le_bytes(bytes));
        Ok(())
    }

    fn unfinished() -> (Vec<u64>, Vec<String>, Vec<Due>) {
        (vec![], vec![], vec![])
    }
}
