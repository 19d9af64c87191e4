//! PlugPipe's JSON contract: reads `ctx` and `cfg`, calls a domain module, shapes the answer. One file per family of operations.
//!
//! An answer is always a JSON object with `success`, `operation` and `monitoring_metadata`; then `result`, or `error`,
//! `error_code` and where it can be said `field` and `origin`. Bad input changes nothing.

mod definition;
mod export;
mod health;
mod push;
mod query;
mod record;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::config::Config;
use crate::error::{Error, excerpt};
use crate::exposition::Exposition;
use crate::exposition::negotiate::Choice;
use crate::fields::{self, Fields};
use crate::http::{Circuits, Client, Limits, Transport};
use crate::json::{Json, Object, Writer};
use crate::registry::Registry;
use crate::telemetry::Telemetry;
use crate::{NAME, VERSION};

/// A result that is being written.
type Answer = Writer;

/// An operation's code: writes its result. What it wrote before an error is taken back.
type Run = for<'c> fn(&mut Call<'c>, &mut Answer) -> Result<(), Error>;

/// Every operation, with the line that `describe` says of it.
const OPERATIONS: [(&str, &str, Run); 17] = [
    ("record_metric", "record a value; metric_type says as what (default gauge)", record::metric),
    ("record_counter", "add to a counter", record::counter),
    ("record_gauge", "set a gauge", record::gauge),
    ("record_histogram", "observe a value in a histogram", record::histogram),
    ("record_summary", "observe a value in a summary", record::summary),
    ("record_multiple_metrics", "record a list of metrics, all or none, with one push", record::multiple),
    ("register_metric", "say what a metric is before anything is recorded to it", definition::register),
    ("remove_metric", "remove one series", definition::remove),
    ("clear_metrics", "remove all metrics", definition::clear),
    ("export_metrics", "what was recorded, as prometheus, openmetrics, protobuf, json or csv", export::run),
    ("snapshot_metrics", "all that is held, for restore_metrics", export::snapshot),
    ("restore_metrics", "replace all that is held by a snapshot", export::restore),
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
    /// What the configuration tells in each answer.
    metadata: String,
    /// The `cfg` that `config` was read from, so that the same text is not read again at each call.
    config_text: String,
    /// Whether something was recorded that no gateway has accepted.
    unpushed: bool,
    exposition: Exposition,
    telemetry: Telemetry,
}

/// One call: its input, its configuration, and the plug it runs on.
struct Call<'c> {
    ctx: Fields<'c>,
    config: &'c Config,
    registry: &'c mut Registry,
    circuits: &'c mut Circuits,
    unpushed: &'c mut bool,
    exposition: &'c mut Exposition,
    telemetry: &'c mut Telemetry,
    transport: &'c mut dyn Transport,
    /// The moment of the call, in nanoseconds since the Unix epoch.
    unix_nanos: u64,
}

impl Call<'_> {
    fn client(&mut self, limits: Limits, insist: bool) -> Client<'_> {
        Client { transport: self.transport, circuits: self.circuits, limits, insist }
    }

    /// Notes that so many values were recorded.
    fn recorded(&mut self, values: u64) {
        *self.unpushed = true;
        self.telemetry.records += values;
    }

    /// The registry's bytes, and the choice that was kept to.
    fn expose(&mut self, choice: Choice) -> Result<(Vec<u8>, Choice), Error> {
        let now_ms = self.unix_nanos / 1_000_000;
        let (bytes, choice) =
            expose(self.registry, self.exposition, self.telemetry, self.config.own_metrics, choice, now_ms)?;
        Ok((bytes.into_owned(), choice))
    }
}

/// Forgets all families and series, and returns how many series there were; the configured families are there again.
fn clear(registry: &mut Registry, config: &Config, unpushed: &mut bool) -> Result<usize, Error> {
    let removed = registry.clear();
    *unpushed |= removed > 0;
    if config.default_metrics {
        crate::catalog::register(registry)?;
    }
    Ok(removed)
}

/// The registry that a snapshot holds, with what it takes from the configuration.
fn restored(snapshot: &[u8], config: &Config, seed: u64) -> Result<Registry, Error> {
    let mut registry = Registry::restore(snapshot, seed)?;
    registry.default_buckets = config.histogram_buckets.clone();
    Ok(registry)
}

/// Brings the registry up to the time, and writes it.
fn expose<'e>(
    registry: &mut Registry,
    exposition: &'e mut Exposition,
    telemetry: &mut Telemetry,
    own_metrics: bool,
    choice: Choice,
    now_ms: u64,
) -> Result<(Cow<'e, [u8]>, Choice), Error> {
    registry.expire(now_ms);
    if own_metrics {
        telemetry.publish(registry)?;
    }
    let (bytes, choice) = exposition.encode(registry, choice, now_ms)?;
    telemetry.encoded_bytes += bytes.len() as u64;
    Ok((bytes, choice))
}

impl<T: Transport> Plug<T> {
    /// A plug that has recorded nothing, and reaches servers through `transport`.
    pub fn new(transport: T) -> Self {
        Self {
            // The host gives no randomness; the moment is what nobody outside can choose exactly.
            registry: Registry::with_seed(transport.unix_nanos() ^ transport.monotonic().as_nanos() as u64),
            transport,
            circuits: Circuits::default(),
            metadata: Config::default().metadata(),
            config: Config::default(),
            config_text: String::new(),
            unpushed: false,
            exposition: Exposition::default(),
            telemetry: Telemetry::default(),
        }
    }

    /// What was recorded.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        self.transport.unix_nanos() / 1_000_000
    }

    /// Records through the registry, its time set where one of its families needs it: the way of the typed doors. What was
    /// taken, `values` of them, is counted and waits for a push; what was refused is not.
    pub fn record<R, E>(&mut self, values: u64, record: impl FnOnce(&mut Registry) -> Result<R, E>) -> Result<R, E> {
        if self.registry.is_timed() {
            self.registry.set_now(self.now_ms());
        }
        let recorded = record(&mut self.registry)?;
        self.unpushed = true;
        self.telemetry.records += values;
        Ok(recorded)
    }

    /// Forgets what was recorded, and returns how many series there were. The configuration stays.
    pub fn clear(&mut self) -> Result<usize, Error> {
        clear(&mut self.registry, &self.config, &mut self.unpushed)
    }

    /// The registry with its time set, for what may make families and series.
    pub fn defining(&mut self) -> &mut Registry {
        self.registry.set_now(self.now_ms());
        &mut self.registry
    }

    /// The registry's bytes, where it is text those that the encoder keeps, and the choice that was kept to.
    pub fn expose(&mut self, choice: Choice) -> Result<(Cow<'_, [u8]>, Choice), Error> {
        let now_ms = self.now_ms();
        let own_metrics = self.config.own_metrics;
        expose(&mut self.registry, &mut self.exposition, &mut self.telemetry, own_metrics, choice, now_ms)
    }

    /// Replaces what was recorded by a snapshot. One that is damaged changes nothing.
    pub fn restore(&mut self, snapshot: &[u8]) -> Result<(), Error> {
        self.registry = restored(snapshot, &self.config, self.transport.unix_nanos())?;
        self.unpushed = true;
        Ok(())
    }

    /// Runs one operation: `ctx` and `cfg` are JSON objects as text, and so is the answer. Never fails otherwise than in
    /// the answer. An empty `cfg` (no text, `{}` or `null`) keeps the last one.
    pub fn process(&mut self, ctx: &str, cfg: &str) -> String {
        let unix_nanos = self.transport.unix_nanos();
        self.registry.set_now(unix_nanos / 1_000_000);
        let mut answer = Writer::new();
        let begin = answer.mark();
        let mut config = None;
        let mut operation = None;
        let outcome = self.configure(cfg).and_then(|()| parse_object("ctx", ctx)).and_then(|ctx| {
            config = self.config.with_ctx(&ctx)?;
            let (name, run) = choose(&ctx)?;
            operation = Some(name);
            answer.flag("success", true);
            answer.text("operation", name);
            answer.open("result");
            let mut call = Call {
                ctx: Fields::new(&ctx, ""),
                config: config.as_ref().unwrap_or(&self.config),
                registry: &mut self.registry,
                circuits: &mut self.circuits,
                unpushed: &mut self.unpushed,
                exposition: &mut self.exposition,
                telemetry: &mut self.telemetry,
                transport: &mut self.transport,
                unix_nanos,
            };
            run(&mut call, &mut answer)?;
            answer.close();
            Ok(())
        });
        if let Err(error) = outcome {
            answer.take_back(begin);
            answer.flag("success", false);
            if let Some(operation) = operation {
                answer.text("operation", operation);
            }
            error.write_into(&mut answer);
        }
        match config {
            Some(config) => answer.raw("monitoring_metadata", &config.metadata()),
            None => answer.raw("monitoring_metadata", &self.metadata),
        }
        answer.finish()
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
        self.adopt(Config::default());
        self.config_text.clear();
        self.circuits = Circuits::default();
        let mut answer = Writer::new();
        answer.flag("success", true);
        answer.open("result");
        answer.count("series_dropped", dropped as u64);
        answer.flag("unpushed", unpushed);
        answer.close();
        answer.finish()
    }

    /// The operation `describe`, without a call's frame.
    pub fn describe(&self) -> String {
        let mut description = Writer::new();
        write_description(&mut description);
        description.finish()
    }

    /// Takes a configuration, with all that is made from it.
    fn adopt(&mut self, config: Config) {
        self.registry.default_buckets = config.histogram_buckets.clone();
        self.metadata = config.metadata();
        self.config = config;
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
        self.adopt(Config::from_cfg(&settings)?);
        cfg.clone_into(&mut self.config_text);
        if self.config.default_metrics {
            crate::catalog::register(&mut self.registry)?;
        }
        Ok(())
    }
}

fn parse_object<'a>(what: &'static str, text: &'a str) -> Result<Object<'a>, Error> {
    match Json::parse(text) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(other) => Err(Error::NotJson { what, problem: format!("it is {}", fields::kind_of(&other)) }),
        Err(problem) => Err(Error::NotJson { what, problem }),
    }
}

/// The operation that a `ctx` asks for. Without one, a `metric_name` means a record, and nothing a health check.
fn choose(ctx: &Object) -> Result<(&'static str, Run), Error> {
    let given = match ctx.get("operation") {
        None | Some(Json::Null) if ctx.get("metric_name").is_some() => "record_metric",
        None | Some(Json::Null) => "health_check",
        Some(Json::String(name)) => name.trim(),
        Some(other) => {
            let problem = format!("expected an operation's name, got {}", fields::kind_of(other));
            return Err(Error::invalid("operation", problem));
        }
    };
    OPERATIONS.iter().find(|(name, ..)| *name == given).map(|(name, _, run)| (*name, *run)).ok_or_else(|| {
        Error::UnknownOperation {
            given: excerpt(given, 100),
            known: OPERATIONS.iter().map(|(name, ..)| *name).collect(),
        }
    })
}

fn describe(_: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    write_description(answer);
    Ok(())
}

fn write_description(answer: &mut Answer) {
    answer.text("name", NAME);
    answer.text("version", VERSION);
    answer.text("description", env!("CARGO_PKG_DESCRIPTION"));
    answer.open("operations");
    for (name, summary, _) in OPERATIONS {
        answer.text(name, summary);
    }
    answer.close();
}
