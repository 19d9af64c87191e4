//! PlugPipe's JSON contract: reads `ctx` and `cfg`, calls a domain module, shapes the answer. One file per family of operations.
//!
//! An answer is always a JSON object with `success`, `operation` and `monitoring_metadata`; then `result`, or `error`,
//! `error_code` and where it can be said `field` and `origin`. Bad input changes nothing.

mod export;
mod health;
mod push;
mod query;
mod record;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::error::{Error, excerpt};
use crate::fields::{self, Fields};
use crate::http::{Circuits, Client, Limits, Transport};
use crate::registry::Registry;
use crate::{NAME, VERSION};

/// The fields of a result, before it becomes JSON.
type Answer = Map<String, Value>;

/// An operation's code.
type Run = for<'c> fn(&mut Call<'c>) -> Result<Answer, Error>;

/// Every operation, with the line that `describe` says of it.
const OPERATIONS: [(&str, &str, Run); 12] = [
    ("record_metric", "record a value; metric_type says as what (default gauge)", record::metric),
    ("record_counter", "add to a counter", record::counter),
    ("record_gauge", "set a gauge", record::gauge),
    ("record_histogram", "observe a value in a histogram", record::histogram),
    ("record_summary", "observe a value in a summary", record::summary),
    ("record_multiple_metrics", "record a list of metrics, all or none, with one push", record::multiple),
    ("export_metrics", "what was recorded, in exposition format", export::run),
    ("push_metrics", "replace this plug's group on the Pushgateway by what was recorded", push::push),
    ("delete_metrics", "delete this plug's group from the Pushgateway", push::delete),
    ("query_metrics", "PromQL, at an instant or over a time_range", query::run),
    ("health_check", "ask every configured server whether it is well", health::run),
    ("describe", "what this plug is", describe),
];

/// The plug: what was recorded, how it was configured, and how servers behaved.
pub struct Plug<T> {
    transport: T,
    registry: Registry,
    circuits: Circuits,
    config: Config,
    /// The `cfg` that `config` was read from, so that the same text is not read again at each call.
    config_text: String,
    /// Whether something was recorded that no gateway has accepted.
    unpushed: bool,
}

/// One call: its input, its configuration, and the plug it runs on.
struct Call<'c> {
    ctx: Fields<'c>,
    config: &'c Config,
    registry: &'c mut Registry,
    circuits: &'c mut Circuits,
    unpushed: &'c mut bool,
    transport: &'c mut dyn Transport,
}

impl Call<'_> {
    fn client(&mut self, limits: Limits, insist: bool) -> Client<'_> {
        Client { transport: self.transport, circuits: self.circuits, limits, insist }
    }
}

impl<T: Transport> Plug<T> {
    /// A plug that has recorded nothing, and reaches servers through `transport`.
    pub fn new(transport: T) -> Self {
        Self {
            transport,
            registry: Registry::default(),
            circuits: Circuits::default(),
            config: Config::default(),
            config_text: String::new(),
            unpushed: false,
        }
    }

    /// What was recorded.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Runs one operation: `ctx` and `cfg` are JSON objects as text, and so is the answer. Never fails otherwise than in
    /// the answer. An empty `cfg` (no text, `{}` or `null`) keeps the last one.
    pub fn process(&mut self, ctx: &str, cfg: &str) -> String {
        let parsed = match self.configure(cfg) {
            Ok(()) => parse_object("ctx", ctx),
            Err(error) => Err(error),
        };
        let mut config = None;
        let mut operation = None;
        let outcome = parsed.and_then(|ctx| {
            config = self.config.with_ctx(&ctx)?;
            let (name, run) = choose(&ctx)?;
            operation = Some(name);
            run(&mut Call {
                ctx: Fields::new(&ctx, ""),
                config: config.as_ref().unwrap_or(&self.config),
                registry: &mut self.registry,
                circuits: &mut self.circuits,
                unpushed: &mut self.unpushed,
                transport: &mut self.transport,
            })
        });
        let mut answer = Map::new();
        match outcome {
            Ok(result) => {
                answer.insert("success".into(), json!(true));
                answer.insert("result".into(), Value::Object(result));
            }
            Err(error) => error.write_into(&mut answer),
        }
        if let Some(operation) = operation {
            answer.insert("operation".into(), operation.into());
        }
        answer.insert("monitoring_metadata".into(), config.as_ref().unwrap_or(&self.config).metadata().into());
        Value::Object(answer).to_string()
    }

    /// The operation `health_check` with the last configuration.
    pub fn health_check(&mut self) -> String {
        self.process(r#"{"operation":"health_check"}"#, "")
    }

    /// Forgets what was recorded and the configuration. Answers `series_dropped`, and `unpushed`: whether something among it
    /// had reached no gateway.
    pub fn cleanup(&mut self) -> String {
        let unpushed = core::mem::take(&mut self.unpushed);
        let dropped = self.registry.clear();
        self.config = Config::default();
        self.config_text.clear();
        self.circuits = Circuits::default();
        json!({"success": true, "result": {"series_dropped": dropped, "unpushed": unpushed}}).to_string()
    }

    /// The operation `describe`, without a call's frame.
    pub fn describe(&self) -> String {
        Value::Object(description()).to_string()
    }

    fn configure(&mut self, cfg: &str) -> Result<(), Error> {
        let cfg = cfg.trim();
        if cfg.is_empty() || cfg == "{}" || cfg == "null" || cfg == self.config_text {
            return Ok(());
        }
        let settings = parse_object("cfg", cfg)?;
        if settings.is_empty() {
            return Ok(());
        }
        self.config = Config::from_cfg(&settings)?;
        self.registry.default_buckets = self.config.histogram_buckets.clone();
        cfg.clone_into(&mut self.config_text);
        Ok(())
    }
}

fn parse_object(what: &'static str, text: &str) -> Result<Map<String, Value>, Error> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(Error::NotJson { what, problem: format!("it is {}", fields::kind_of(&other)) }),
        Err(error) => Err(Error::NotJson { what, problem: error.to_string() }),
    }
}

/// The operation that a `ctx` asks for. Without one, a `metric_name` means a record, and nothing a health check.
fn choose(ctx: &Map<String, Value>) -> Result<(&'static str, Run), Error> {
    let given = match ctx.get("operation") {
        None | Some(Value::Null) if ctx.contains_key("metric_name") => "record_metric",
        None | Some(Value::Null) => "health_check",
        Some(Value::String(name)) => name.trim(),
        Some(other) => {
            return Err(Error::invalid(
                "operation",
                format!("expected an operation's name, got {}", fields::kind_of(other)),
            ));
        }
    };
    OPERATIONS.iter().find(|(name, ..)| *name == given).map(|(name, _, run)| (*name, *run)).ok_or_else(|| {
        Error::UnknownOperation {
            given: excerpt(given, 100),
            known: OPERATIONS.iter().map(|(name, ..)| *name).collect(),
        }
    })
}

fn describe(_: &mut Call) -> Result<Answer, Error> {
    Ok(description())
}

fn description() -> Answer {
    let operations: Map<String, Value> =
        OPERATIONS.iter().map(|(name, summary, _)| ((*name).to_owned(), (*summary).into())).collect();
    let mut description = Answer::new();
    description.insert("name".into(), NAME.into());
    description.insert("version".into(), VERSION.into());
    description.insert("description".into(), env!("CARGO_PKG_DESCRIPTION").into());
    description.insert("operations".into(), operations.into());
    description
}
