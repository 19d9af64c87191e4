//! The plug: its state and entry points.

use std::borrow::Cow;

use plugpipe_contract::document::{Document, Request as _};
use plugpipe_contract::response::ResponseWriter;
use plugpipe_contract::responses::{self, Cleaned, Exchanged, Head, Tail};
use plugpipe_contract::settings::{Configuration, PushPolicy};
use serde_json::value::RawValue;

use crate::config::Config;
use crate::error::{ClientError, Error};
use crate::exposition::Exposition;
use crate::exposition::negotiate::Choice;
use crate::http::{Circuits, Exchange, Jitter, Transport};
use crate::known::Warnings;
use crate::registry::{MAX_SERIES, Registry};
use crate::servers::prometheus::Api;
use crate::servers::pushgateway::Group;
use crate::telemetry::Telemetry;
use crate::time::LastMoment;

use super::request::Request;
use plugpipe_operations::operations::call::{Call, client};
use plugpipe_operations::operations::own_groups::{self, OwnGroups, Pending, Steps};
use plugpipe_operations::operations::pushes::Pushes;
use plugpipe_operations::operations::receivers::Receivers;
use plugpipe_operations::operations::table::{Scope, description};
use plugpipe_operations::operations::together::{All, clear, expose_all, note_steps, restore};
use plugpipe_operations::operations::{prometheus, push, remote};

/// The plug: its metrics, its configuration, and the state of servers.
pub struct Plug<T> {
    transport: T,
    /// Metrics recorded under the plug's own key, [`OwnGroups::main_key`].
    registry: Registry,
    /// Groups with other keys.
    pub(super) groups: OwnGroups,
    circuits: Circuits,
    jitter: Jitter,
    pub(super) config: Config,
    /// The configuration for the plug's own key, if the configured key differs. Then calls without
    /// a key apply to the group of the configured key.
    main: Option<Config>,
    /// The `monitoring_metadata` of each response.
    metadata: Box<RawValue>,
    /// The text that `config` was read from, to skip parsing it again on each call.
    config_text: String,
    /// Changes that no gateway has accepted.
    pub(super) pending: Pending,
    /// The steps that recorded each metric, if callers give them.
    steps: Steps,
    pushes: Pushes,
    exposition: Exposition,
    telemetry: Telemetry,
    receivers: Receivers,
    /// A cache for formatting timestamps.
    moment: LastMoment,
}

impl<T: Transport> Plug<T> {
    /// An empty plug that sends requests through `transport`.
    pub fn new(transport: T) -> Self {
        Self {
            // The host provides no randomness; an outsider cannot choose the exact time.
            registry: Registry::with_seed(transport.unix_nanos() ^ transport.monotonic().as_nanos() as u64),
            jitter: Jitter::new(transport.unix_nanos().rotate_left(32) ^ transport.monotonic().as_nanos() as u64),
            transport,
            circuits: Circuits::default(),
            metadata: Config::default().metadata(),
            config: Config::default(),
            main: None,
            config_text: String::new(),
            pending: Pending::default(),
            steps: Steps::with_hasher(Default::default()),
            groups: OwnGroups::default(),
            pushes: Pushes::default(),
            exposition: Exposition::default(),
            telemetry: Telemetry::default(),
            receivers: Receivers::default(),
            moment: LastMoment::default(),
        }
    }

    /// Metrics recorded under the plug's own key.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        self.transport.unix_nanos() / 1_000_000
    }

    /// Records through the registry, for the typed interfaces; sets its time if one of its families
    /// needs that. On success, counts `values` and marks the group for a push.
    pub fn record<R, E>(&mut self, values: u64, record: impl FnOnce(&mut Registry) -> Result<R, E>) -> Result<R, E> {
        if self.registry.is_timed() {
            self.registry.set_now(self.now_ms());
        }
        let recorded = record(&mut self.registry)?;
        self.pending.mark();
        self.telemetry.records += values;
        Ok(recorded)
    }

    /// Removes all metrics and returns the number of removed series. The configuration is kept.
    pub fn clear(&mut self) -> Result<usize, Error> {
        clear(&mut self.registry, &mut self.groups, &self.config, &mut self.pending)
    }

    /// The registry with its time set, for calls that may create families and series.
    pub fn defining(&mut self) -> &mut Registry {
        self.registry.set_now(self.now_ms());
        &mut self.registry
    }

    /// Encodes all metrics; returns the bytes and the format used. The bytes are borrowed from the
    /// encoder if the format is text and there is only one key. The error names the metrics of two
    /// keys that conflict.
    pub fn expose(&mut self, choice: Choice) -> Result<(Cow<'_, [u8]>, Choice), Error> {
        let now_ms = self.now_ms();
        let all = All {
            registry: &mut self.registry,
            groups: &mut self.groups,
            config: self.main.as_ref().unwrap_or(&self.config),
            own_metrics: self.config.own_metrics,
            steps: Some(&self.steps),
        };
        expose_all(all, &mut self.exposition, &mut self.telemetry, choice, now_ms)
    }

    /// Sends a request to the configured Prometheus, for the typed interfaces.
    pub fn ask_prometheus<R>(&mut self, ask: impl FnOnce(&mut Api) -> Result<R, ClientError>) -> Result<R, Error> {
        if self.config.mock {
            return Err(Error::invalid(
                "mock_mode",
                "is on, so no server is contacted; only JSON operations support it",
            ));
        }
        let mut exchange = Exchange::default();
        let (config, limits) = (&self.config, self.config.limits());
        let client =
            client(&mut self.transport, &mut self.circuits, &mut self.jitter, &mut exchange, config, limits, true);
        let result = prometheus::ask_api(client, self.config.prometheus_url.clone(), ask);
        if exchange.attempts > 0 {
            self.telemetry.exchanged(exchange.elapsed);
        }
        result
    }

    /// Appends the metrics of all groups and their pending changes.
    pub fn snapshot(&self, out: &mut Vec<u8>) {
        own_groups::snapshot(&self.registry, self.pending, &self.groups, out);
    }

    /// Replaces all metrics with a snapshot. A damaged snapshot changes nothing.
    pub fn restore(&mut self, snapshot: &[u8]) -> Result<(), Error> {
        let seed = self.transport.unix_nanos();
        restore(snapshot, seed, &self.config, &mut self.registry, &mut self.pending, &mut self.groups)?;
        self.update_main();
        Ok(())
    }

    /// Runs one operation. `ctx`, `cfg` and the response are JSON objects as text; errors are
    /// reported in the response. An empty `cfg` (no text, `{}` or `null`) keeps the last one.
    pub fn process(&mut self, ctx: &str, cfg: &str) -> String {
        let mut response = ResponseWriter::new();
        self.process_into(ctx, cfg, &mut response);
        response.into_text()
    }

    /// Like [`Plug::process`], but overwrites `response`.
    pub fn process_into(&mut self, ctx: &str, cfg: &str, response: &mut ResponseWriter) {
        let unix_nanos = self.transport.unix_nanos();
        self.registry.set_now(unix_nanos / 1_000_000);
        let mut warnings = Warnings::default();
        response.restart();
        let start = response.checkpoint();
        let mut config = None;
        let mut operation = None;
        let mut exchange = Exchange::default();
        let configured = self.configure(cfg, &mut warnings);
        let outcome = configured.and_then(|()| Request::read(ctx, &mut warnings)).and_then(|request| {
            let name = request.operation().name;
            operation = Some(name);
            config = request.config(&self.config)?;
            response.add(&Head { success: true, operation });
            response.open("result");
            let outcome = self.run(&request, config.as_ref(), (&mut exchange, &mut warnings), unix_nanos, response);
            request.take_warnings(&mut warnings);
            outcome?;
            response.add(&exchanged(&exchange));
            response.close();
            Ok(())
        });
        if exchange.attempts > 0 {
            self.telemetry.exchanged(exchange.elapsed);
        }
        if let Err(error) = outcome {
            response.rollback(start);
            response.add(&(Head { success: false, operation }, (error.report(), exchanged(&exchange))));
        }
        let call_metadata = config.map(|config| config.metadata());
        let monitoring_metadata = call_metadata.as_ref().unwrap_or(&self.metadata);
        response.add(&Tail { warnings: warnings.into_texts(), monitoring_metadata });
        response.close();
    }

    /// Runs an operation on its group, then pushes all groups whose push interval is over.
    fn run(
        &mut self,
        request: &Request,
        config: Option<&Config>,
        (exchange, warnings): (&mut Exchange, &mut Warnings),
        unix_nanos: u64,
        response: &mut ResponseWriter,
    ) -> Result<(), Error> {
        self.pushes.begin();
        let scope = request.operation().scope;
        let (config, own) = self.resolve_group(scope, config)?;
        let step = request.step();
        let mut names = Vec::new();
        match own {
            None => {
                let mut call = self.call(config.as_deref(), exchange, warnings, unix_nanos);
                call.names = step.as_ref().map(|_| &mut names);
                let outcome = request.run(&mut call, response);
                if scope == Scope::Any {
                    // The operation may have restored metrics of another key.
                    self.update_main();
                    outcome?;
                } else {
                    let base = self.main.as_ref().unwrap_or(&self.config);
                    note_steps(outcome, step, names, || base.group(), &self.registry, &mut self.steps)?;
                }
            }
            Some(key) => {
                let config = config.as_deref().unwrap_or(&self.config).with_group(&key);
                let (place, mut group) = self.groups.take(&key, &config, unix_nanos, self.registry.len())?;
                group.registry.set_now(unix_nanos / 1_000_000);
                let mut call = self.call(Some(&config), exchange, warnings, unix_nanos);
                call.names = step.as_ref().map(|_| &mut names);
                let outcome = request.run(&mut call.within(&mut group, &config), response);
                let notices = group.registry.take_notices();
                warnings.add_notices(notices.texts, notices.more);
                let outcome = note_steps(outcome, step, names, || Ok(key), &group.registry, &mut group.steps);
                self.groups.put_back(place, group);
                self.registry.set_series_limit(MAX_SERIES.saturating_sub(self.groups.series()));
                outcome?;
            }
        }
        let notices = self.registry.take_notices();
        warnings.add_notices(notices.texts, notices.more);
        self.push_overdue((exchange, warnings), unix_nanos, response);
        Ok(())
    }

    /// Pushes all groups whose push interval is over.
    fn push_overdue(
        &mut self,
        (exchange, warnings): (&mut Exchange, &mut Warnings),
        unix_nanos: u64,
        response: &mut ResponseWriter,
    ) {
        if self.main.as_ref().unwrap_or(&self.config).push_policy == PushPolicy::Interval {
            response.add(&push::overdue(&mut self.call(None, exchange, warnings, unix_nanos)));
        }
    }

    /// The configuration of a call, if it has its own, and its grouping key, if it is not the
    /// plug's own.
    fn resolve_group<'c>(
        &self,
        scope: Scope,
        config: Option<&'c Config>,
    ) -> Result<(Option<Cow<'c, Config>>, Option<Group>), Error> {
        let single_group = scope != Scope::Any;
        let Some(main) = &self.main else {
            let Some(config) = config.filter(|_| single_group) else { return Ok((config.map(Cow::Borrowed), None)) };
            let key = config.group()?;
            return Ok((Some(Cow::Borrowed(config)), (key != self.config.group()?).then_some(key)));
        };
        // Without a key, a call on one group uses the configured key; other calls use the plug's
        // own.
        let (main_key, own) = (main.group()?, self.config.group()?);
        let key = config.map_or_else(|| Ok(own.clone()), Config::group)?;
        if single_group && key != main_key && (key != own || scope != Scope::AllGroups) {
            return Ok((config.map(Cow::Borrowed), Some(key)));
        }
        match config {
            Some(config) if key == own => Ok((Some(Cow::Owned(config.with_main_group(&main_key))), None)),
            config => Ok((config.map(Cow::Borrowed), None)),
        }
    }

    /// A call on the plug's own group; `config` is the call's own configuration, if any.
    fn call<'p>(
        &'p mut self,
        config: Option<&'p Config>,
        exchange: &'p mut Exchange,
        warnings: &'p mut Warnings,
        unix_nanos: u64,
    ) -> Call<'p> {
        let base = self.main.as_ref().unwrap_or(&self.config);
        Call {
            cfg: &self.config_text,
            config: config.unwrap_or(base),
            base,
            own: false,
            registry: &mut self.registry,
            groups: &mut self.groups,
            circuits: &mut self.circuits,
            jitter: &mut self.jitter,
            exchange,
            pending: &mut self.pending,
            pushes: &mut self.pushes,
            exposition: &mut self.exposition,
            telemetry: &mut self.telemetry,
            receivers: &mut self.receivers,
            moment: &mut self.moment,
            transport: &mut self.transport,
            names: None,
            warnings,
            unix_nanos,
        }
    }

    /// The operation `health_check` with the last configuration.
    pub fn health_check(&mut self) -> String {
        self.process(r#"{"operation":"health_check"}"#, "")
    }

    /// Removes all metrics and the configuration, and deletes pushed groups within `push_timeout`,
    /// unless `delete_on_cleanup` is false. Returns `series_dropped`, and `unpushed`: whether some
    /// values had not reached a gateway. If groups were pushed, `groups_deleted` and `groups_left`
    /// list them. After remote writes, `remote_write` lists the outcomes of sending stale markers.
    pub fn cleanup(&mut self) -> String {
        let unpushed = self.pending.is_due() || self.groups.is_due();
        let dropped = self.registry.clear() + self.groups.series();
        self.pending = Pending::from(self.pending.changes());
        self.groups.clear();
        self.steps.clear();
        let mut exchange = Exchange::default();
        let (config, limits) = (&self.config, self.config.push_limits());
        let mut client =
            client(&mut self.transport, &mut self.circuits, &mut self.jitter, &mut exchange, config, limits, false);
        let groups = push::clean(&mut self.pushes, &mut client, &self.config);
        let remote_write = remote::end_all(&mut self.receivers, &mut client, &self.config);
        let mut response = ResponseWriter::new();
        response.add(&Head { success: true, operation: None });
        response.open("result");
        response.add(&(Cleaned { series_dropped: dropped as u64, unpushed, remote_write }, groups));
        response.close();
        self.adopt(Config::default());
        self.config_text.clear();
        self.circuits = Circuits::default();
        self.pushes = Pushes::default();
        response.close();
        response.into_text()
    }

    /// The result of the operation `describe`, without the surrounding response.
    pub fn describe(&self) -> String {
        let mut response = ResponseWriter::new();
        response.add(&description());
        response.close();
        response.into_text()
    }

    /// Applies a configuration and everything derived from it.
    fn adopt(&mut self, config: Config) {
        self.registry.default_buckets = config.histogram_buckets.clone();
        self.groups.adopt(&config);
        self.metadata = config.metadata();
        self.config = config;
        self.update_main();
    }

    /// Updates `main` after a change of the configuration or of the plug's own key.
    fn update_main(&mut self) {
        let key = self.groups.main_key.as_ref();
        let differing = key.filter(|key| self.config.group().is_ok_and(|configured| configured != **key));
        self.main = differing.map(|key| self.config.with_main_group(key));
    }

    /// Makes the key of a new configuration the plug's own, unless metrics are stored under the
    /// previous one: they keep their key. A group that calls created under the new key becomes the
    /// plug's own.
    fn choose_key(&mut self, config: &Config) -> Result<(), Error> {
        let key = config.group()?;
        let is_due = self.pending.is_due() && self.config.gateway_url.is_some();
        let is_free = self.groups.main_key.is_none() || (self.registry.is_empty() && !is_due);
        let is_taken = self.groups.contains(&key);
        if self.groups.main_key.as_ref() == Some(&key) || !is_free || (is_taken && self.registry.families() > 0) {
            return Ok(());
        }
        if let Some(group) = self.groups.remove(&key) {
            (self.registry, self.pending, self.steps) = (group.registry, group.pending, group.steps);
        }
        self.groups.main_key = Some(key);
        Ok(())
    }

    fn configure(&mut self, cfg: &str, warnings: &mut Warnings) -> Result<(), Error> {
        let cfg = cfg.trim();
        if cfg.is_empty() || cfg == "{}" || cfg == "null" || cfg == self.config_text {
            return Ok(());
        }
        let settings = Document::parse_at("cfg", cfg).map_err(|problem| Error::NotJson { what: "cfg", problem })?;
        if settings.is_empty() {
            return Ok(());
        }
        settings.warn_of_unknown(&[Configuration::fields()], &[]);
        let config = Config::from_cfg(&settings);
        warnings.append(settings.take_warnings());
        let config = config?;
        self.choose_key(&config)?;
        self.adopt(config);
        if self.config.default_metrics {
            crate::catalog::register(&mut self.registry)?;
        }
        // Set last, because the same text is not applied again.
        cfg.clone_into(&mut self.config_text);
        Ok(())
    }
}

/// The number and duration of requests to servers, if there were any.
fn exchanged(exchange: &Exchange) -> Exchanged {
    let responses = responses::Exchange {
        attempts: exchange.attempts,
        elapsed_ms: u64::try_from(exchange.elapsed.as_millis()).unwrap_or(u64::MAX),
    };
    Exchanged { exchange: Some(responses).filter(|exchange| exchange.attempts > 0) }
}
