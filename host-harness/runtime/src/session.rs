//! A plug in its store, with one owner: the fast way to call it. [`crate::PlugHandle`] shares one
//! among many callers.
//!
//! A trap poisons a whole store. The session then drops it, and the next call gets a fresh
//! instance, into which what was acknowledged is restored from the journal.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tracing::{error, info, warn};

use crate::bindings::MonitoringHostPre;
use crate::egress::Network;
use crate::error::Error;
use crate::journal::{Base, Call, Journal};
use crate::limits::Limits;
use crate::operations::{
    DEFER, DELETED, Effect, FAILED, GROUP_DELETED, NOTHING, TELL, config_problem, effect, is_empty, settled,
};
use crate::store::{Instance, State, call_on};
use crate::warnings;

pub use crate::bindings::exports::plugpipe::monitoring::exposition::Exposed;
pub use crate::bindings::exports::plugpipe::monitoring::metrics::{Definition, NativeBuckets, Outcome};
pub use crate::bindings::exports::plugpipe::monitoring::query;
pub use crate::bindings::exports::plugpipe::monitoring::types::{Format, Label, MetricKind};

/// What became of crashes so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// How many instances were lost to a trap, a limit or a caller that left half-way.
    pub crashes: u64,
    /// How many acknowledged calls were made again after a snapshot, in fresh instances.
    pub replayed: u64,
    /// How many acknowledged calls could not be made again; 0 unless the plug or its limits
    /// changed.
    pub lost: u64,
    /// Why, of the last one of those.
    pub problem: Option<String>,
}

/// Counts what the plug asked for and was refused.
pub const VIOLATIONS: &str = "plugpipe_capability_violations_total";

/// What part a session has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It does all, as its owner asks for it.
    Alone,
    /// It records and writes; pushes that nobody asked for by name are only said to be due.
    Leader,
    /// It holds nothing that is not held by a leader: what it is told is kept for no fresh
    /// instance.
    Courier,
}

/// A plug and its store.
///
/// A call's future must be awaited to its end: one that is dropped half-way costs the instance, as
/// a crash does.
pub struct Session {
    pre: MonitoringHostPre<State>,
    role: Role,
    /// How many changes were kept so far.
    changes: u64,
    /// Up to which of them somebody else has what is held: another gateway, a receiver or a
    /// scraper.
    delivered_to: Option<u64>,
    /// Whether the plug is known to leave an exposition where it is until the next call.
    in_place: bool,
    /// What the plug was started with.
    started_with: String,
    /// What it was configured with since; none for that, empty after a cleanup.
    config: Option<String>,
    /// What the plug said of the configuration that it was started with, such as keys that it does
    /// not know.
    warnings: Vec<String>,
    network: Arc<Network>,
    /// What the plug calls itself, once it was asked.
    name: Option<String>,
    limits: Limits,
    journal: Journal,
    recovery: Recovery,
    /// None after a crash until the next call, and while a call has it.
    instance: Option<Box<Instance>>,
    /// Whether a call has the instance, or was dropped together with it.
    in_call: bool,
}

/// Makes a call on the session's instance; a crash costs the instance. So does a caller that drops
/// this future half-way: the call owns the instance, which ends then with all that it held of the
/// host.
macro_rules! call {
    ($session:expr, |$plug:ident, $store:ident| $call:expr) => {{
        let limit = $session.limits.call;
        let mut instance = $session.take_ready().await?;
        match call_on!(&mut instance, limit, |$plug, $store| $call) {
            Ok(answer) => {
                $session.put_back(instance);
                Ok(answer)
            }
            Err(error) => Err($session.lost(error)),
        }
    }};
}

// After the macro, which they use.
mod convert;
mod recovery;
mod typed;

impl Session {
    pub(crate) async fn start(
        pre: MonitoringHostPre<State>,
        role: Role,
        in_place: bool,
        config: &Value,
        network: Arc<Network>,
        limits: Limits,
        folder: Option<&Path>,
    ) -> Result<Self, Error> {
        let started_with = config.to_string();
        let (journal, other_config) = match folder {
            None => (Journal::in_memory(), false),
            Some(folder) => Journal::in_folder(folder, &started_with)?,
        };
        let mut session = Self {
            pre,
            role,
            changes: 0,
            delivered_to: None,
            in_place,
            started_with,
            config: journal.base().config.clone(),
            warnings: Vec::new(),
            network,
            name: None,
            limits,
            journal,
            recovery: Recovery::default(),
            instance: None,
            in_call: false,
        };
        // Restoring checks the configuration of the start, unless the state holds a later one: then
        // an instance that is not used further does, before anything is written.
        if session.config.is_some() && !is_empty(&session.started_with) {
            session.check_config().await?;
        }
        // The first instance is made here, so that what is wrong with the component or the
        // configuration is said at once.
        session.instance = Some(session.instantiate().await?);
        let restores = !session.journal.is_empty();
        if restores || !is_empty(&session.started_with) {
            match session.ready().await {
                Ok(_) if !restores => {}
                Ok(_) => info!(calls = session.recovery.replayed, "restored from the state folder"),
                // It was logged, and is in the recovery's report; what is left is worth to go on
                // with.
                Err(Error::Lost { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        // A cleanup made an earlier process's plug forget it, not this one's.
        let forgotten = session.config.as_deref() == Some("") && !is_empty(&session.started_with);
        if other_config || forgotten {
            session.reconfigure().await?;
        }
        Ok(session)
    }

    /// A session of the same plug and grants, which has not begun and holds nothing of its own.
    pub(crate) fn courier(&self) -> Self {
        Self {
            pre: self.pre.clone(),
            role: Role::Courier,
            changes: 0,
            delivered_to: None,
            in_place: self.in_place,
            started_with: String::new(),
            config: None,
            warnings: Vec::new(),
            network: Arc::clone(&self.network),
            name: None,
            limits: self.limits,
            journal: Journal::in_memory(),
            recovery: Recovery::default(),
            instance: None,
            in_call: false,
        }
    }

    /// The egress that this session shares with its courier.
    pub(crate) fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// How many changes were kept so far: as long as it stays, so does what is held.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// What the plug said of the configuration that it was started with, such as keys that it does
    /// not know.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Notes that what was held at this change has left the process.
    pub(crate) fn mark_delivered(&mut self, changes: u64) {
        self.delivered_to = self.delivered_to.max(Some(changes));
    }

    /// Whether all that is held has left the process.
    pub fn is_delivered(&self) -> bool {
        self.delivered_to == Some(self.changes)
    }

    /// The configuration that holds.
    pub(crate) fn configuration(&self) -> &str {
        self.config.as_deref().unwrap_or(&self.started_with)
    }

    /// A configuration as the plug is told it.
    fn dressed<'c>(&self, cfg: &'c str) -> Cow<'c, str> {
        match cfg.trim_end().strip_suffix('}') {
            // At the end, so that what is wrong before is found at its place.
            Some(members) if self.role == Role::Leader => {
                let comma = if members.trim_end().ends_with('{') { "" } else { "," };
                Cow::Owned(format!("{members}{comma}{DEFER}}}"))
            }
            _ => Cow::Borrowed(cfg),
        }
    }

    /// Asks a fresh instance what is wrong with the configuration that the plug is started with.
    async fn check_config(&mut self) -> Result<(), Error> {
        let mut instance = self.instantiate().await?;
        let (limit, config) = (self.limits.call, self.dressed(&self.started_with).into_owned());
        instance.store.data_mut().egress.replaying = true;
        let answer = call_on!(instance.as_mut(), limit, |plug, store| plug
            .plugpipe_monitoring_plug()
            .call_process(store, NOTHING, &config))?;
        config_problem(&answer).map_or(Ok(()), Err)
    }

    /// Hands over the configuration that the plug was started with, in the place of a later one.
    async fn reconfigure(&mut self) -> Result<(), Error> {
        let config = self.dressed(&self.started_with).into_owned();
        let told = call!(self, |plug, store| plug.plugpipe_monitoring_plug().call_process(store, NOTHING, &config))?;
        self.warnings = warnings::in_text(&told);
        self.config = None;
        self.compact().await
    }

    /// What became of crashes so far.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The plug's memory, in bytes: all that its instance ever asked for, since an instance gives
    /// none back. 0 after a crash.
    pub fn memory_bytes(&self) -> usize {
        self.instance.as_ref().map_or(0, |instance| instance.store.data().watch.memory_bytes)
    }

    /// Host resources that the plug's instance holds: requests, headers, bodies, streams, pollables
    /// and errors. 0 after a crash, and between calls of a plug that keeps none of them.
    pub fn host_resources(&mut self) -> usize {
        self.instance.as_mut().map_or(0, |instance| instance.store.data_mut().table.iter_mut().count())
    }

    /// Runs one operation: `ctx` and `cfg` go to the plug as they are, and so comes its answer. An
    /// empty `cfg` keeps the last one.
    pub async fn process(&mut self, ctx: &str, cfg: &str) -> Result<String, Error> {
        let effect = effect(ctx);
        // Only what was restored knows which configuration was the last one.
        self.ready().await?;
        let new_config = self.is_new(cfg);
        if matches!(effect, Effect::Changes | Effect::Imports) || new_config {
            self.writable().await?;
        }
        // An empty one keeps the last, whoever is told it.
        let dressed = if is_empty(cfg) { Cow::Borrowed(cfg) } else { self.dressed(cfg) };
        let answer = call!(self, |plug, store| plug.plugpipe_monitoring_plug().call_process(store, ctx, &dressed))?;
        let (time, asked) = self.of_last_call();
        let failed = answer.starts_with(FAILED);
        if new_config && (!failed || self.is_taken(cfg).await?) {
            self.keep(time, Call::Configure { cfg })?;
            self.config = Some(cfg.to_owned());
        }
        if effect == Effect::Changes && !failed {
            self.keep(time, Call::Process { ctx })?;
        }
        // Deletions of groups are kept too, without asking a gateway once more: a fresh instance
        // would undo them with its next flush.
        if effect == Effect::Reads && !failed && ctx.contains(GROUP_DELETED) {
            self.keep(time, Call::Process { ctx })?;
        } else if self.role == Role::Alone && !failed && effect == Effect::Looks && answer.contains(DELETED) {
            self.keep_deletion(time).await?;
        }
        // What was pushed and not imported leaves what is held as it is.
        if effect == Effect::Imports && !failed && answer.contains("\"imported\"") {
            let snapshot = self.snapshot().await?;
            self.keep(time, Call::Restore { snapshot: &snapshot })?;
        }
        if asked || effect == Effect::Looks {
            self.journal.look(time);
        }
        self.compact_if_long().await;
        self.record_violations().await;
        Ok(answer)
    }

    /// Keeps that a group was deleted, as a note of what is due nowhere.
    async fn keep_deletion(&mut self, time: u64) -> Result<(), Error> {
        let told = call!(self, |plug, store| plug.plugpipe_monitoring_plug().call_process(store, TELL, ""))?;
        let Some(settled) = settled(&told) else { return Ok(()) };
        let note = serde_json::json!({"operation": "note_exchange", "group_deleted": true, "settled": settled});
        self.keep(time, Call::Process { ctx: &note.to_string() })
    }

    /// Asks every configured server whether it is well: JSON.
    pub async fn health_check(&mut self) -> Result<String, Error> {
        let answer = call!(self, |plug, store| plug.plugpipe_monitoring_plug().call_health_check(store))?;
        if let (time, true) = self.of_last_call() {
            self.journal.look(time);
        }
        self.record_violations().await;
        Ok(answer)
    }

    /// Makes the plug forget what it recorded, and its configuration, and delete the groups that it
    /// pushed: JSON.
    pub async fn cleanup(&mut self) -> Result<String, Error> {
        self.writable().await?;
        let answer = call!(self, |plug, store| plug.plugpipe_monitoring_plug().call_cleanup(store))?;
        let (time, _) = self.of_last_call();
        let config = self.dressed("{}").into_owned();
        if !is_empty(&config) {
            call!(self, |plug, store| plug.plugpipe_monitoring_plug().call_process(store, NOTHING, &config))?;
        }
        self.keep(time, Call::Cleanup)?;
        self.config = Some(String::new());
        // What was cleaned up is not to stay in a file.
        self.compact_or_put_off().await;
        Ok(answer)
    }

    /// What the plug says of itself: JSON.
    pub async fn describe(&mut self) -> Result<String, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_plug().call_describe(store))
    }

    /// Records what the plug asked for and was refused, as one of its own metrics: between calls,
    /// so that it comes out with the rest.
    async fn record_violations(&mut self) {
        // The leader counts for both.
        if self.role == Role::Courier {
            return;
        }
        for (capability, count) in self.network.take_violations() {
            let name = match self.name.take() {
                Some(name) => name,
                None => self.described_name().await,
            };
            let labels = [("capability", capability), ("plugin_name", name.as_str())]
                .map(|(label, value)| Label { name: label.into(), value: value.into() });
            let recorded = self.record(VIOLATIONS, MetricKind::Counter, &labels, count as f64).await;
            if let Err(error) = recorded {
                warn!(capability, count, %error, "refusals could not be recorded as a metric");
            }
            self.name = Some(name);
        }
    }

    /// The name that the plug gives itself.
    async fn described_name(&mut self) -> String {
        let description = self.describe().await.ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let name = description.as_ref().and_then(|description| description.get("name")?.as_str());
        name.unwrap_or("unknown").to_owned()
    }

    /// Keeps a typed call that came back, before its caller hears of it.
    async fn acknowledge(&mut self, call: Call<'_>) -> Result<(), Error> {
        let (time, _) = self.of_last_call();
        self.keep(time, call)?;
        self.compact_if_long().await;
        Ok(())
    }

    /// Keeps a call that came back. Where that cannot be done it is taken back, together with the
    /// instance that made it.
    fn keep(&mut self, time: u64, call: Call) -> Result<(), Error> {
        self.changes += 1;
        if self.role == Role::Courier {
            return Ok(());
        }
        self.journal.keep(time, call).map_err(|error| {
            error!(%error, "a call was taken back, because it could not be written down");
            self.instance = None;
            error
        })
    }

    /// What the last call was told as the time, and whether it asked a server for anything.
    fn of_last_call(&self) -> (u64, bool) {
        self.instance.as_ref().map_or((0, false), |instance| {
            let state = instance.store.data();
            (state.wall_clock.told, state.egress.call.requests > 0)
        })
    }

    fn looked(&mut self) {
        let (time, _) = self.of_last_call();
        self.journal.look(time);
    }

    /// Makes sure that what changes something can be written down, before anything is changed.
    #[inline]
    async fn writable(&mut self) -> Result<(), Error> {
        if self.journal.is_broken() { self.compact().await } else { Ok(()) }
    }

    async fn compact_if_long(&mut self) {
        if self.journal.is_long() {
            self.compact_or_put_off().await;
        }
    }

    /// The journal does without a snapshot that cannot be had: it is only longer.
    async fn compact_or_put_off(&mut self) {
        if let Err(error) = self.compact().await {
            warn!(%error, "no snapshot could be put in the journal's place");
            self.journal.put_off();
        }
    }

    /// Puts a snapshot in the place of the journal.
    async fn compact(&mut self) -> Result<(), Error> {
        let snapshot = self.snapshot().await?;
        self.journal.rebase(Base { config: self.config.clone(), snapshot })
    }

    /// Whether a configuration is one, and not the last one again.
    pub(crate) fn is_new(&self, cfg: &str) -> bool {
        let last = self.config.as_deref().unwrap_or(&self.started_with);
        !is_empty(cfg) && cfg.trim() != last.trim()
    }

    /// Whether the plug took a configuration that came with an operation which failed.
    async fn is_taken(&mut self, cfg: &str) -> Result<bool, Error> {
        let dressed = self.dressed(cfg);
        let answer = call!(self, |plug, store| plug.plugpipe_monitoring_plug().call_process(store, NOTHING, &dressed))?;
        Ok(!answer.starts_with(FAILED))
    }

    /// The instance; after a crash one that is made afresh and knows what was acknowledged.
    async fn ready(&mut self) -> Result<&mut Instance, Error> {
        if self.instance.as_ref().is_none_or(|instance| !instance.restored) {
            self.recover().await?;
        }
        self.instance.as_deref_mut().ok_or(Error::Ended)
    }

    /// The same for a call, which puts it back.
    async fn take_ready(&mut self) -> Result<Box<Instance>, Error> {
        self.ready().await?;
        self.in_call = true;
        self.instance.take().ok_or(Error::Ended)
    }

    fn put_back(&mut self, instance: Box<Instance>) {
        self.in_call = false;
        self.instance = Some(instance);
    }

    // By `&mut`: a future that holds a shared session could not move between threads.
    async fn instantiate(&mut self) -> Result<Box<Instance>, Error> {
        Instance::start(&self.pre, Arc::clone(&self.network), self.limits).await
    }

    /// Gives up the instance, poisoned by what ended its call.
    fn lost(&mut self, error: Error) -> Error {
        (self.instance, self.in_call) = (None, false);
        self.recovery.crashes += 1;
        error
    }
}
