//! The plug: a [`Recorder`], and the ways into it.

use std::borrow::Cow;
use std::rc::Rc;

use plugpipe_contract::response::ResponseWriter;
use plugpipe_contract::responses::{Head, Tail};
use serde_json::value::RawValue;

use crate::config::Config;
use crate::error::{ClientError, Error};
use crate::exposition::negotiate::Choice;
use crate::http::{Exchange, Jitter, Transport};
use crate::known::Warnings;
use crate::registry::{MAX_SERIES, Registry};
use crate::servers::prometheus::Api;
use crate::servers::pushgateway::Group;

use super::request::Request;
use plugpipe_operations::hosting::compose::with_members;
use plugpipe_operations::hosting::probe::Probe;
use plugpipe_operations::hosting::recorder::Lent;
use plugpipe_operations::hosting::schedule::{Next, Open, Role, Talk, Want, Wanted, millis};
use plugpipe_operations::hosting::{
    self, Answer, Due, Job, Moment, Outcome, Problem, Recorder, Step, Ticket, WithoutSecrets, secrets,
};
use plugpipe_operations::operations::call::client;
use plugpipe_operations::operations::table::{Asks, Operation, Scope};
use plugpipe_operations::operations::together::note_steps;
use plugpipe_operations::operations::{prometheus, push};

/// The plug: what was recorded, how it was configured, and who waits for what. Performs no I/O and
/// reads no clock.
pub struct Plug {
    pub(super) recorder: Recorder,
}

/// What came of a start.
pub enum Started {
    /// The answer, whose body is in the writer that was given.
    Answered {
        /// Why the request was not carried out.
        error: Option<Problem>,
        /// What was done differently than requested.
        warnings: Vec<String>,
        /// Values that no server has accepted yet.
        unsent: u64,
        /// Whether the call is to be journalled.
        changed: bool,
        /// The request and configuration without secrets, if either holds one.
        without_secrets: Option<WithoutSecrets>,
    },
    /// Anything else.
    Stepped(Step),
}

/// How a call went, and what of it is to be done.
struct Ran {
    operation: Option<&'static Operation>,
    /// The configuration of the call, where it has its own.
    config: Option<Box<Config>>,
    /// The key that the call is about, where that is not the plug's own.
    own: Option<Group>,
    next: Next,
    /// Whether a worker carries the operation out.
    talks: bool,
    /// Whether it came with another configuration.
    adopted: bool,
    changed: bool,
}

impl Plug {
    /// A plug that has recorded nothing. The seed is for tables of names that come from outside.
    pub fn new(seed: u64) -> Self {
        Self { recorder: Recorder::new(seed) }
    }

    /// Metrics recorded under the plug's own key.
    pub fn registry(&self) -> &Registry {
        &self.recorder.registry
    }

    /// Records through the registry, its time set where one of its families needs it: the way of
    /// the typed doors. What was taken, `values` of them, is counted and waits for a push; what was
    /// refused is not.
    pub fn record<R, E>(
        &mut self,
        values: u64,
        now_ms: impl FnOnce() -> u64,
        record: impl FnOnce(&mut Registry) -> Result<R, E>,
    ) -> Result<R, E> {
        let recorder = &mut self.recorder;
        if recorder.registry.is_timed() {
            recorder.registry.set_now(now_ms());
        }
        let recorded = record(&mut recorder.registry)?;
        recorder.pending.mark_many(values.max(1));
        recorder.telemetry.records += values;
        Ok(recorded)
    }

    /// Removes all metrics and returns the number of removed series. The configuration is kept.
    pub fn clear(&mut self) -> Result<usize, Error> {
        self.recorder.clear()
    }

    /// The registry with its time set, for what may make families and series.
    pub fn defining(&mut self, now_ms: u64) -> &mut Registry {
        self.recorder.registry.set_now(now_ms);
        &mut self.recorder.registry
    }

    /// The bytes of all that was recorded, where it is text under one key only those that the
    /// encoder keeps, and the choice that was kept to. The error says which metrics of two keys
    /// cannot be exposed together.
    pub fn expose(&mut self, choice: Choice, now_ms: u64) -> Result<(Cow<'_, [u8]>, Choice), Error> {
        self.recorder.expose(choice, now_ms)
    }

    /// Asks the configured Prometheus: the way of the typed doors, in a worker.
    pub fn ask_prometheus<R>(
        &mut self,
        transport: &mut dyn Transport,
        ask: impl FnOnce(&mut Api) -> Result<R, ClientError>,
    ) -> Result<R, Error> {
        let recorder = &mut self.recorder;
        if recorder.config.mock {
            return Err(Error::invalid(
                "mock_mode",
                "is on, so no server is contacted; only JSON operations support it",
            ));
        }
        let (mut exchange, mut jitter) = (Exchange::default(), Jitter::new(transport.unix_nanos()));
        let (config, limits) = (&recorder.config, recorder.config.limits());
        let client = client(transport, &mut recorder.circuits, &mut jitter, &mut exchange, config, limits, true);
        let result = prometheus::ask_api(client, config.prometheus_url.clone(), ask);
        if exchange.attempts > 0 {
            recorder.telemetry.exchanged(exchange.elapsed);
        }
        result
    }

    /// All that is to survive a restart. No secret and no configuration.
    pub fn snapshot(&self) -> Vec<u8> {
        self.recorder.snapshot()
    }

    /// Replaces all of it by a snapshot. One that is damaged changes nothing.
    ///
    /// # Errors
    /// It is damaged, or of another version.
    pub fn restore(&mut self, snapshot: &[u8], seed: u64) -> Result<(), Error> {
        self.recorder.restore(snapshot, seed)
    }

    /// The tickets that have no answer, the lanes whose job was taken and not completed, and those
    /// that have work.
    pub fn unfinished(&mut self) -> (Vec<Ticket>, Vec<String>, Vec<Due>) {
        self.recorder.schedule.unfinished()
    }

    /// Adopts a configuration without a request. Returns warnings, such as unknown keys.
    ///
    /// # Errors
    /// It is not valid; then the last one holds.
    pub fn configure(&mut self, cfg: &str) -> Result<Vec<String>, Error> {
        let mut warnings = Warnings::default();
        self.recorder.configure(cfg, &mut warnings)?;
        Ok(warnings.into_texts())
    }

    /// Takes the job of a lane that is due. None if there is nothing to do any more.
    pub fn take(&mut self, lane: &str, at: Moment) -> Option<Job> {
        self.recorder.take(lane, at)
    }

    /// Takes the outcome of a lane's job.
    pub fn complete(&mut self, lane: &str, outcome: Outcome, at: Moment) -> Step {
        self.recorder.complete(lane, outcome, at)
    }

    /// The caller of a ticket left, or its patience is over: it is answered now. What it recorded
    /// stays.
    pub fn release(&mut self, ticket: Ticket, at: Moment) -> Step {
        self.recorder.release(ticket, at)
    }

    /// Gives the plug a request. An empty `cfg` (no text, `{}` or `null`) keeps the last one.
    pub fn start(&mut self, ticket: Ticket, what: hosting::Request, cfg: &str, at: Moment) -> Step {
        let mut response = ResponseWriter::new();
        match self.start_into(ticket, what, cfg, at, &mut response) {
            Started::Stepped(step) => step,
            Started::Answered { error, warnings, unsent, changed, without_secrets } => {
                let answer = Answer { error, warnings, unsent, body: response.into_text() };
                Step { answers: vec![(ticket, answer)], changed, without_secrets, ..Step::default() }
            }
        }
    }

    /// Like [`Plug::start`], with the body of an immediate answer in the place of what was written
    /// there before.
    #[inline]
    pub fn start_into(
        &mut self,
        ticket: Ticket,
        what: hosting::Request,
        cfg: &str,
        at: Moment,
        response: &mut ResponseWriter,
    ) -> Started {
        match what {
            hosting::Request::Call(ctx) => self.start_call(ticket, ctx, cfg, at, response),
            hosting::Request::Health => self.start_call(ticket, r#"{"operation":"health_check"}"#, cfg, at, response),
            hosting::Request::Deliver(sink) => match hosting::sink(sink) {
                Some(ctx) => {
                    let started = self.start_call(ticket, ctx, cfg, at, response);
                    self.held_back(sink, started)
                }
                None => self.unknown_sink(sink, response),
            },
            hosting::Request::Cleanup => {
                // What is not valid is not needed to clean up.
                let _ = self.configure(cfg);
                let without_secrets = secrets::clean(cfg).map(|cfg| WithoutSecrets { ctx: None, cfg });
                Started::Stepped(Step { without_secrets, ..self.recorder.start_cleanup(ticket, at) })
            }
        }
    }

    /// A delivery that had nothing to push although values are unsent fails: whoever asked for it
    /// must not take it for done.
    fn held_back(&self, sink: &str, started: Started) -> Started {
        let problem = if sink == hosting::PUSHGATEWAY { self.recorder.held_back() } else { None };
        match started {
            Started::Answered { error: None, warnings, unsent, changed, without_secrets } => Started::Answered {
                error: problem.map(|(code, message)| Problem { code: code.into(), message: message.into() }),
                warnings,
                unsent,
                changed,
                without_secrets,
            },
            started => started,
        }
    }

    fn unknown_sink(&self, sink: &str, response: &mut ResponseWriter) -> Started {
        let sinks = hosting::SINKS.join(", ");
        let error =
            Error::invalid("sink", format!("expected one of {sinks}, got {:?}", crate::error::excerpt(sink, 100)));
        response.restart();
        response.add(&(Head { success: false, operation: None }, error.report()));
        response.add(&Tail { warnings: Vec::new(), monitoring_metadata: &self.recorder.metadata });
        response.close();
        Started::Answered {
            error: Some(Problem { code: error.code().into(), message: error.to_string() }),
            warnings: Vec::new(),
            unsent: self.recorder.unsent(),
            changed: false,
            without_secrets: None,
        }
    }

    fn start_call(
        &mut self,
        ticket: Ticket,
        ctx: &str,
        cfg: &str,
        at: Moment,
        response: &mut ResponseWriter,
    ) -> Started {
        self.recorder.set_now(at);
        // What the configuration is warned of, a worker does not say again.
        let (mut warnings, mut of_request) = (Warnings::default(), Warnings::default());
        response.restart();
        let begin = response.checkpoint();
        let mut result = begin;
        let mut ran = Ran {
            operation: None,
            config: None,
            own: None,
            next: Next::default(),
            talks: false,
            adopted: false,
            changed: false,
        };
        let configured = self.recorder.configure(cfg, &mut warnings);
        ran.adopted = matches!(configured, Ok(true));
        ran.changed = ran.adopted;
        let outcome = configured.and_then(|_| Request::read(ctx, &mut of_request)).and_then(|request| {
            let operation = request.operation();
            ran.operation = Some(operation);
            ran.config = request.config(&self.recorder.config)?.map(Box::new);
            response.add(&Head { success: true, operation: Some(operation.name) });
            response.open("result");
            result = response.checkpoint();
            let outcome = self.run((&request, ctx), &mut ran, &mut of_request, at, response);
            request.take_warnings(&mut of_request);
            outcome
        });
        if !ran.talks {
            warnings.append(of_request);
        }
        let changed = ran.changed;
        let without_secrets = if changed || ran.next.lasting || !ran.next.wants.is_empty() {
            self.without_secrets(ctx, cfg, &ran)
        } else {
            None
        };
        if outcome.is_ok() && !ran.next.wants.is_empty() {
            let members = response.since(result);
            let step = self.open(ticket, ran, (members, warnings), at);
            return Started::Stepped(Step { without_secrets, ..step });
        }
        let error = outcome.err();
        match &error {
            None => response.close(),
            Some(error) => {
                response.rollback(begin);
                let operation = ran.operation.map(|operation| operation.name);
                response.add(&(Head { success: false, operation }, error.report()));
            }
        }
        let of_call = ran.config.map(|config| config.metadata());
        let monitoring_metadata = of_call.as_ref().unwrap_or(&self.recorder.metadata);
        let former =
            (!ran.next.metadata.is_empty()).then(|| with_members(monitoring_metadata.get(), &ran.next.metadata));
        let former = former.and_then(|former| RawValue::from_string(former).ok());
        let monitoring_metadata = former.as_ref().unwrap_or(monitoring_metadata);
        let texts = warnings.into_texts();
        let warnings = texts.clone();
        response.add(&Tail { warnings: texts, monitoring_metadata });
        response.close();
        let error = error.map(|error| Problem { code: error.code().into(), message: error.to_string() });
        Started::Answered { error, warnings, unsent: self.recorder.unsent(), changed, without_secrets }
    }

    /// Opens a ticket for what a call wants to be done; answers it at once if all of that is known.
    fn open(&mut self, ticket: Ticket, ran: Ran, (members, warnings): (String, Warnings), at: Moment) -> Step {
        let Ran {
            operation,
            config,
            own,
            next: Next { wants, finish, lasting, metadata: former, .. },
            talks,
            changed,
            ..
        } = ran;
        let once = wants.iter().any(|want| matches!(want.task, Ok(Wanted::Talk { repeatable: false, .. })));
        // What only asks may be asked again.
        let pushes = wants.iter().any(|want| match &want.task {
            Ok(Wanted::Talk { .. } | Wanted::Notify { .. } | Wanted::Health { .. }) => false,
            Ok(Wanted::Export(task)) => task.delta,
            Ok(Wanted::Push { target, .. }) => !target.dry,
            Ok(Wanted::PassOn(..) | Wanted::Delete(_) | Wanted::Write(_)) => true,
            // When it was tried is state.
            Err(_) => matches!(want.role, Role::Own { .. } | Role::Other { .. }),
        });
        let changed = changed || lasting || once || pushes;
        let recorder = &mut self.recorder;
        let patience = config.as_deref().unwrap_or(&recorder.config);
        let is_asked = |want: &Want| match &want.task {
            Ok(Wanted::Push { target, .. }) => target.how.asked,
            _ => true,
        };
        let longest = match () {
            () if talks => patience.timeout.saturating_mul(12),
            () if wants.iter().any(is_asked) => patience.timeout.saturating_mul(8),
            // Whoever waits for nothing but a record is not kept waiting long.
            () => patience.push_timeout.saturating_mul(8),
        };
        let patience_ms = millis(longest);
        let of_call = config.as_deref().map(Config::metadata);
        let metadata = with_members(of_call.as_ref().unwrap_or(&recorder.metadata).get(), &former);
        let open = Open {
            operation: operation.map(|operation| operation.name.to_owned()),
            metadata,
            members,
            warnings,
            finish,
            changed,
            import: None,
            own,
            config: config.filter(|_| lasting).map(|config| Rc::new(*config)),
            ..Open::default()
        };
        let due = recorder.schedule.open(ticket, open, wants);
        let mut step = Step { due, patience_ms, changed, ..Step::default() };
        if let Some(open) = recorder.schedule.take_ready(ticket)
            && !at.again
        {
            step.answers.push((ticket, recorder.answer(open)));
        }
        step
    }

    /// The request and the configuration as they may be written, if either holds a secret.
    fn without_secrets(&self, ctx: &str, cfg: &str, ran: &Ran) -> Option<WithoutSecrets> {
        // Records have no settings.
        let is_record = ran.operation.is_some_and(|operation| operation.is_record()) && ran.config.is_none();
        let clean_ctx = if is_record { None } else { secrets::clean(ctx) };
        // One that was not adopted is the last one, or none.
        let is_last = !ran.adopted;
        let clean_cfg = match &self.recorder.clean_config {
            // An empty one keeps the last.
            Some(_) if is_last && !cfg.is_empty() => Some(String::new()),
            Some(clean) if ran.adopted => Some(clean.clone()),
            _ => None,
        };
        if clean_ctx.is_none() && clean_cfg.is_none() {
            return None;
        }
        Some(WithoutSecrets {
            ctx: Some(clean_ctx.unwrap_or_else(|| ctx.to_owned())),
            cfg: clean_cfg.unwrap_or_else(|| cfg.to_owned()),
        })
    }

    /// Runs an operation on the group that the call is about, and notes what became due of any.
    fn run(
        &mut self,
        (request, ctx): (&Request, &str),
        ran: &mut Ran,
        warnings: &mut Warnings,
        at: Moment,
        response: &mut ResponseWriter,
    ) -> Result<(), Error> {
        let recorder = &mut self.recorder;
        recorder.pushes.begin();
        let operation = request.operation();
        let config = ran.config.take();
        let mark = response.checkpoint();
        let mut probe = Probe::new(at.unix_nanos);
        let outcome =
            run_on_group(recorder, request, (config.as_deref(), &mut *ran), &mut probe, (warnings, at), response);
        ran.config = config;
        let installs = outcome.is_ok() && ran.next.install.is_some();
        if (probe.asked || installs)
            && let Asks::Again(servers) | Asks::Once(servers) = operation.asks
        {
            // A worker carries it out, with servers that respond.
            response.rollback(mark);
            let config = ran.config.as_deref().unwrap_or_else(|| recorder.base());
            let mut origins = probe.origins;
            for origin in servers.iter().filter_map(|server| server(config)).map(crate::http::Url::origin) {
                if !origins.contains(&origin) {
                    origins.push(origin);
                }
            }
            let repeatable = matches!(operation.asks, Asks::Again(_));
            let limit_ms = millis(config.timeout.saturating_mul(10));
            let clean_ctx: Rc<str> = secrets::clean(ctx).map_or_else(|| ctx.into(), Into::into);
            let talk = Talk { ctx: Some(ctx.into()), clean_ctx, cfg: Some(recorder.config_text.clone()) };
            let install = ran.next.install.take();
            let task = Ok(Wanted::Talk { origins, limit_ms, repeatable, talk: Box::new(talk), install });
            ran.next.wants = vec![Want { role: Role::Talk, task }];
            ran.talks = true;
        } else {
            outcome?;
            ran.changed |= operation.changes;
        }
        if recorder.pushes_in_intervals() {
            overdue(recorder, ran, warnings, at);
        }
        Ok(())
    }

    /// The operation `describe`, without a call's frame.
    pub fn describe_operations(&self) -> String {
        let mut response = ResponseWriter::new();
        response.add(&plugpipe_operations::operations::table::description());
        response.close();
        response.into_text()
    }
}

/// Wants pushes that have waited for long enough.
fn overdue(recorder: &mut Recorder, ran: &mut Ran, warnings: &mut Warnings, at: Moment) {
    let (mut probe, mut jitter) = (Probe::new(at.unix_nanos), Jitter::new(at.seed));
    let mut exchange = Exchange::default();
    let lent = Lent {
        transport: &mut probe,
        jitter: &mut jitter,
        exchange: &mut exchange,
        warnings,
        next: &mut ran.next,
        unix_nanos: at.unix_nanos,
    };
    push::overdue(&mut recorder.call(None, lent));
}

/// Runs an operation on the group that the call is about.
fn run_on_group(
    recorder: &mut Recorder,
    request: &Request,
    (config, ran): (Option<&Config>, &mut Ran),
    probe: &mut Probe,
    (warnings, at): (&mut Warnings, Moment),
    response: &mut ResponseWriter,
) -> Result<(), Error> {
    let scope = request.operation().scope;
    let (config, own) = recorder.placed(scope, config)?;
    let step = request.step();
    let mut names = Vec::new();
    let (mut jitter, mut exchange) = (Jitter::new(at.seed), Exchange::default());
    let lent = Lent {
        transport: probe,
        jitter: &mut jitter,
        exchange: &mut exchange,
        warnings,
        next: &mut ran.next,
        unix_nanos: at.unix_nanos,
    };
    let shape = recorder.shape();
    match own {
        None => {
            let mut call = recorder.call(config.as_deref(), lent);
            call.names = step.as_ref().map(|_| &mut names);
            let outcome = request.run(&mut call, response);
            if scope == Scope::Any {
                // It may have brought what was recorded elsewhere.
                recorder.place();
                outcome?;
            } else {
                let base = recorder.main.as_ref().unwrap_or(&recorder.config);
                note_steps(outcome, step, names, || base.group(), &recorder.registry, &mut recorder.steps)?;
            }
        }
        Some(key) => {
            let config = config.as_deref().unwrap_or(&recorder.config).with_group(&key);
            let seed = at.unix_nanos;
            let (place, mut group) = recorder.groups.take(&key, &config, seed, recorder.registry.len())?;
            group.registry.set_now(at.unix_ms());
            let mut call = recorder.call(Some(&config), lent);
            call.names = step.as_ref().map(|_| &mut names);
            let outcome = request.run(&mut call.within(&mut group, &config), response);
            let notices = group.registry.take_notices();
            warnings.add_notices(notices.texts, notices.more);
            ran.own = Some(key.clone());
            let outcome = note_steps(outcome, step, names, || Ok(key), &group.registry, &mut group.steps);
            group.remember(config);
            recorder.groups.put_back(place, group);
            recorder.registry.set_series_limit(MAX_SERIES.saturating_sub(recorder.groups.series()));
            // The group's gateway is that of its last call.
            ran.changed = true;
            outcome?;
        }
    }
    // What expired is gone for good.
    ran.changed |= recorder.shape() != shape;
    let notices = recorder.registry.take_notices();
    warnings.add_notices(notices.texts, notices.more);
    Ok(())
}
