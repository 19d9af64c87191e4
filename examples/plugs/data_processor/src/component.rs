//! The component: what a plug exports, and how it records.

mod bindings {
    // Generated from the WIT files.
    #![allow(missing_docs, unsafe_op_in_unsafe_fn, unreachable_pub, clippy::all, clippy::undocumented_unsafe_blocks)]
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "
            package example:data-processor;
            world data-processor {
                include plugpipe:plug/plug-world@1.0.0;
                import plugpipe:monitoring/metrics@1.0.0;
            }
        ",
        world: "example:data-processor/data-processor",
        generate_all,
    });
}

use bindings::exports::plugpipe::plug::hosting::{self, Due, Job, Moment, Outcome, ResultOfRun, Step};
use bindings::exports::plugpipe::plug::plug::{self, Answer, Description, Operation, Problem, Request};
use bindings::exports::plugpipe::plug::state;
use bindings::plugpipe::monitoring::metrics;
use bindings::plugpipe::monitoring::types::{Error, Label, MetricKind};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::count::count;

struct DataProcessor;

bindings::export!(DataProcessor with_types_in bindings);

/// The metric that counts records.
const RECORDS: &str = "data_processor_records_total";

/// Answers a request. Nothing of it waits, so that `start` answers too.
fn answer(what: &Request) -> Answer {
    let mut warnings = Vec::new();
    let outcome = match what {
        Request::Call(ctx) => process(ctx, &mut warnings),
        // There is nothing to deliver, to check or to forget.
        Request::Deliver(_) | Request::Health | Request::Cleanup => Ok(json!({})),
    };
    let (error, body) = match outcome {
        Ok(body) => (None, body.to_string()),
        Err(message) => (Some(Problem { code: "invalid_field".into(), message }), String::new()),
    };
    Answer { error, warnings, unsent: 0, body }
}

/// What a step gives.
#[derive(Deserialize)]
struct Fields {
    text: Option<String>,
    data_source: Option<String>,
    /// The name of the file that the pipe has read.
    file: Option<String>,
}

fn process(ctx: &str, warnings: &mut Vec<String>) -> Result<Value, String> {
    let Fields { text, data_source, file } = serde_json::from_str(ctx).map_err(|error| format!("ctx: {error}"))?;
    let source = data_source.or(file).unwrap_or_else(|| "text".into());
    let input = text.ok_or_else(|| {
        format!("text: is missing: a plug opens no files; let the pipe read it, with `file: {source}` in the step")
    })?;
    let (records, format) = count(&input).map_err(|error| format!("text: {error}"))?;
    let labels = [Label { name: "format".into(), value: format.to_string() }];
    match metrics::record(RECORDS, MetricKind::Counter, &labels, records as f64) {
        Ok(_) => {}
        Err(Error::NotGranted(problem) | Error::Unsupported(problem)) => {
            warnings.push(format!("{RECORDS} is not recorded: {problem}"));
        }
        Err(error) => return Err(format!("{RECORDS}: {error:?}")),
    }
    Ok(
        json!({"success": true, "data_source": source, "format": format.to_string(), "records": records, "bytes": input.len()}),
    )
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

impl plug::Guest for DataProcessor {
    fn describe() -> Description {
        Description {
            name: "data_processor".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            operations: vec![Operation {
                name: "process".into(),
                summary: "Counts the records of a text: JSON, JSON Lines or CSV".into(),
            }],
            sinks: Vec::new(),
            servers: Vec::new(),
        }
    }

    fn schema(_operation: String) -> Option<String> {
        let text = json!({"type": "string", "description": "What to count; the step's `file` puts it here"});
        let source = json!({"type": "string", "description": "The text's name in the answer"});
        let operation = json!({"type": "string"});
        let properties = json!({"text": text, "data_source": source, "operation": operation});
        Some(json!({"type": "object", "required": ["text"], "properties": properties}).to_string())
    }

    fn process(what: Request, _cfg: String) -> Answer {
        answer(&what)
    }
}

impl hosting::Guest for DataProcessor {
    fn start(ticket: u64, what: Request, _cfg: String, _at: Moment) -> Step {
        Step { answers: vec![(ticket, answer(&what))], ..nothing() }
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

impl state::Guest for DataProcessor {
    fn snapshot() -> Vec<u8> {
        Vec::new()
    }

    fn restore(_snapshot: Vec<u8>) -> Result<(), String> {
        Ok(())
    }

    fn unfinished() -> (Vec<u64>, Vec<String>, Vec<Due>) {
        (Vec::new(), Vec::new(), Vec::new())
    }
}
