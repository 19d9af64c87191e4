//! The plug: its state, and the ways into it.

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

/// The plug: what was recorded, how it was configured, and how servers behaved.
pub struct Plug<T> {
    transport: T,
    /// What was recorded under the plug's own key, [`OwnGroups::main_key`].
    registry: Registry,
    /// What was recorded under others.
    pub(super) groups: OwnGroups,
    circuits: Circuits,
    jitter: Jitter,
    pub(super) config: Config,
    /// The same for the plug's own key, where the configuration's is another one; then calls that
    /// say no key are about a group beside the plug's own.
    main: Option<Config>,
    /// What the configuration tells in each response.
    metadata: Box<RawValue>,
    /// The `cfg` that `config` was read from, so that the same text is not read again at each call.
    config_text: String,
    /// Whether something was recorded that no gateway has accepted.
    pub(super) pending: Pending,
    /// Who recorded what, where callers say so.
    steps: Steps,
    pushes: Pushes,
    exposition: Exposition,
    telemetry: Telemetry,
    receivers: Receivers,
    /// The moment that was told last.
    moment: LastMoment,
}

impl<T: Transport> Plug<T> {
    /// A plug that has recorded nothing, and reaches servers through `transport`.
    pub fn new(transport: T) -> Self {
        Self {
            // The host gives no randomness; the moment is what nobody outside can choose exactly.
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

    /// What was recorded under the plug's own key.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        self.transport.unix_nanos() / 1_000_000
    }

    /// Records through the registry, its time set where one of its families needs it: the way of
    /// the typed doors. What was taken, `values` of them, is counted and waits for a push; what was
    /// refused is not.
    pub fn record<R, E>(&mut self, values: u64, record: impl FnOnce(&mut Registry) -> Result<R, E>) -> Result<R, E> {
        if self.registry.is_timed() {
            self.registry.set_now(self.now_ms());
        }
        let recorded = record(&mut self.registry)?;
        self.pending.mark();
        self.telemetry.records += values;
        Ok(recorded)
    }

    /// Forgets what was recorded, and returns how many series there were. The configuration stays.
    pub fn clear(&mut self) -> Result<usize, Error> {
        clear(&mut self.registry, &mut self.groups, &self.config, &mut self.pending)
    }

    /// The registry with its time set, for what may make families and series.
    pub fn defining(&mut self) -> &mut Registry {
        self.registry.set_now(self.now_ms());
        &mut self.registry
    }

    /// The bytes of all that was recorded, where it is text under one key only those that the
    /// encoder keeps, and the choice that was kept to. The error says which metrics of two keys
    /// cannot be exposed together.
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

    /// Asks the configured Prometheus: the way of the typed doors.
    pub fn ask_prometheus<R>(&mut self, ask: impl FnOnce(&mut Api) -> Result<R, ClientError>) -> Result<R, Error> {
        if self.config.mock {
            return Err(Error::invalid(
                "mock_mode",
                "is on, so no server is asked; only JSON operations have made-up answers",
            ));
        }
        let mut exchange = Exchange::default();
        let (config, limits) = (&self.config, self.config.limits());
        let client =
            client(&mut self.transport, &mut self.circuits, &mut self.jitter, &mut exchange, config, limits, true);
        let answer = prometheus::ask_api(client, self.config.prometheus_url.clone(), ask);
        if exchange.attempts > 0 {
            self.telemetry.exchanged(exchange.elapsed);
        }
        answer
    }

    /// Appends all that was recorded, under whatever key, and what of it is due at gateways.
    pub fn snapshot(&self, out: &mut Vec<u8>) {
        own_groups::snapshot(&self.registry, self.pending, &self.groups, out);
    }

    /// Replaces what was recorded by a snapshot. One that is damaged changes nothing.
    pub fn restore(&mut self, snapshot: &[u8]) -> Result<(), Error> {
        let seed = self.transport.unix_nanos();
        restore(snapshot, seed, &self.config, &mut self.registry, &mut self.pending, &mut self.groups)?;
        self.place();
        Ok(())
    }

    /// Runs one operation: `ctx` and `cfg` are JSON objects as text, and so is the response. Never
    /// fails otherwise than in the response. An empty `cfg` (no text, `{}` or `null`) keeps the
    /// last one.
    pub fn process(&mut self, ctx: &str, cfg: &str) -> String {
        let mut response = ResponseWriter::new();
        self.process_into(ctx, cfg, &mut response);
        response.into_text()
    }

    /// Like [`Plug::process`], with the answer in the place of what was written there before.
    pub fn process_into(&mut self, ctx: &str, cfg: &str, response: &mut ResponseWriter) {
        let unix_nanos = self.transport.unix_nanos();
        self.registry.set_now(unix_nanos / 1_000_000);
        let mut warnings = Warnings::default();
        response.restart();
        let begin = response.checkpoint();
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
            response.rollback(begin);
            response.add(&(Head { success: false, operation }, (error.report(), exchanged(&exchange))));
        }
        let of_call = config.map(|config| config.metadata());
        let monitoring_metadata = of_call.as_ref().unwrap_or(&self.metadata);
        response.add(&Tail { warnings: warnings.into_texts(), monitoring_metadata });
        response.close();
    }

    /// Runs an operation on the group that the call is about, and pushes what became due of any.
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
        let (config, own) = self.placed(scope, config)?;
        let step = request.step();
        let mut names = Vec::new();
        match own {
            None => {
                let mut call = self.call(config.as_deref(), exchange, warnings, unix_nanos);
                call.names = step.as_ref().map(|_| &mut names);
                let outcome = request.run(&mut call, response);
                if scope == Scope::Any {
                    // It may have brought what was recorded elsewhere.
                    self.place();
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

    /// Pushes what has waited for a push that no call asks for.
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

    /// The configuration of a call, where it has its own, and the key that it is about, where that
    /// is not the plug's own.
    fn placed<'c>(
        &self,
        scope: Scope,
        config: Option<&'c Config>,
    ) -> Result<(Option<Cow<'c, Config>>, Option<Group>), Error> {
        let of_one = scope != Scope::Any;
        let Some(main) = &self.main else {
            let Some(config) = config.filter(|_| of_one) else { return Ok((config.map(Cow::Borrowed), None)) };
            let key = config.group()?;
            return Ok((Some(Cow::Borrowed(config)), (key != self.config.group()?).then_some(key)));
        };
        // A call that says no key means the configuration's where it is about one group, and else
        // the plug's own beside all others.
        let (of_main, own) = (main.group()?, self.config.group()?);
        let key = config.map_or_else(|| Ok(own.clone()), Config::group)?;
        if of_one && key != of_main && (key != own || scope != Scope::AllGroups) {
            return Ok((config.map(Cow::Borrowed), Some(key)));
        }
        match config {
            Some(config) if key == own => Ok((Some(Cow::Owned(config.with_main_group(&of_main))), None)),
            config => Ok((config.map(Cow::Borrowed), None)),
        }
    }

    /// A call on the group of the plug's own key; `config` where the call has its own.
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

    /// Forgets what was recorded and the configuration, and deletes the groups that were pushed,
    /// within `push_timeout`, unless `delete_on_cleanup` is false. Answers `series_dropped`, and
    /// `unpushed`: whether something among it had reached no gateway. Where groups were pushed,
    /// `groups_deleted` and `groups_left` name them. Where something was remote-written,
    /// `remote_write` says how its receivers took the end of the series.
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

    /// The operation `describe`, without a call's frame.
    pub fn describe(&self) -> String {
        let mut response = ResponseWriter::new();
        response.add(&description());
        response.close();
        response.into_text()
    }

    /// Takes a configuration, with all that is made from it.
    fn adopt(&mut self, config: Config) {
        self.registry.default_buckets = config.histogram_buckets.clone();
        self.groups.adopt(&config);
        self.metadata = config.metadata();
        self.config = config;
        self.place();
    }

    /// Says what the plug's own configuration is, once the configuration or the plug's own key is
    /// another one.
    fn place(&mut self) {
        let key = self.groups.main_key.as_ref();
        let strayed = key.filter(|key| self.config.group().is_ok_and(|configured| configured != **key));
        self.main = strayed.map(|key| self.config.with_main_group(key));
    }

    /// Makes the key of a new configuration the plug's own, unless something is held under
    /// another one: what was recorded under a key stays there. What calls recorded under the new
    /// key becomes the plug's own.
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
        // Not before all of it was done: the same text is not read again.
        cfg.clone_into(&mut self.config_text);
        Ok(())
    }
}

/// How often servers were asked and how long that took, if they were.
fn exchanged(exchange: &Exchange) -> Exchanged {
    let responses = responses::Exchange {
        attempts: exchange.attempts,
        elapsed_ms: u64::try_from(exchange.elapsed.as_millis()).unwrap_or(u64::MAX),
    };
    Exchanged { exchange: Some(responses).filter(|exchange| exchange.attempts > 0) }
}
