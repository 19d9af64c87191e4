//! A plug in its store, with one owner: the fast way to call it. [`crate::PlugHandle`] shares one among many callers.
//!
//! A trap poisons a whole store. The session then drops it, and the next call gets a fresh instance, into which what was
//! acknowledged is restored from the journal.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{error, info, warn};
use wasmtime::component::{self, ResourceTable, TypedFunc, WasmList};
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi::clocks::{WasiClocksCtx, WasiClocksCtxView, WasiClocksView};
use wasmtime_wasi::p2::bindings::clocks::wall_clock;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::courier::{TELL, settled};
use crate::egress::{Egress, Network, Sent};
use crate::error::Error;
use crate::journal::{Base, Call, Entry, Journal, Packed};
use crate::limits::{AtEpoch, HEADER_BYTES, Limits, Passed, Watch};
use crate::plug::EPOCH;
use crate::plug::bindings::exports::plugpipe::monitoring::{metrics, types};
use crate::plug::bindings::{MonitoringHost, MonitoringHostPre};
use crate::warnings;

pub use crate::plug::bindings::exports::plugpipe::monitoring::exposition::Exposed;
pub use crate::plug::bindings::exports::plugpipe::monitoring::metrics::{Definition, NativeBuckets, Outcome};
pub use crate::plug::bindings::exports::plugpipe::monitoring::query;
pub use crate::plug::bindings::exports::plugpipe::monitoring::types::{Format, Label, MetricKind};

/// How long a call that waits on the host may outlive its limit before it is taken from the outside.
const GRACE: Duration = Duration::from_secs(1);

/// What became of crashes so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// How many instances were lost to a trap, a limit or a caller that left half-way.
    pub crashes: u64,
    /// How many acknowledged calls were made again after a snapshot, in fresh instances.
    pub replayed: u64,
    /// How many acknowledged calls could not be made again; 0 unless the plug or its limits changed.
    pub lost: u64,
    /// Why, of the last one of those.
    pub problem: Option<String>,
}

/// What an operation does to what the plug holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// It may change it, as all do that are not known here.
    Changes,
    /// It writes it, which makes what was idle for too long disappear.
    Looks,
    /// It takes what a server told, which cannot be asked again: what is held then is kept as a whole.
    Imports,
    /// None.
    Reads,
}

/// Operations that may take what a server told into what is held.
const IMPORTS: &[&str] = &["scrape_endpoint", "federate"];

/// Operations that only write what is held, or send it.
const LOOKS: &[&str] =
    &["export_metrics", "push_metrics", "flush_metrics", "delete_metrics", "remote_write_metrics", "export_otlp"];

/// Operations that leave what is held as it is. What is missing here is journalled, which costs time and changes nothing else.
const READS: &[&str] = &[
    "push_recorded",
    "note_exchange",
    "snapshot_metrics",
    "list_groups",
    "expire_groups",
    "query_metrics",
    "generate_config",
    "discover_targets",
    "query_exemplars",
    "format_query",
    "parse_query",
    "list_series",
    "list_labels",
    "label_values",
    "list_metadata",
    "list_targets",
    "list_rules",
    "list_prometheus_alerts",
    "prometheus_status",
    "create_alert",
    "delete_alert",
    "list_alerts",
    "get_alert_state",
    "plan_alerts",
    "apply_alerts",
    "export_rules",
    "list_alert_templates",
    "send_alerts",
    "resolve_alerts",
    "notify_webhook",
    "list_notified_alerts",
    "list_alert_groups",
    "list_receivers",
    "list_silences",
    "create_silence",
    "expire_silence",
    "alertmanager_status",
    "create_dashboard",
    "plan_dashboards",
    "apply_dashboards",
    "get_dashboard",
    "list_dashboards",
    "delete_dashboard",
    "export_dashboards",
    "grafana_status",
    "ensure_datasource",
    "datasource_health",
    "annotate",
    "health_check",
    "describe",
];

/// How an answer begins that says that nothing was done.
const FAILED: &str = r#"{"success":false"#;

/// What an answer holds that says that a group was deleted, and a note of that.
const DELETED: &str = r#""deleted":true"#;
const GROUP_DELETED: &str = r#""group_deleted":true"#;

/// Counts what the plug asked for and was refused.
pub const VIOLATIONS: &str = "plugpipe_capability_violations_total";

/// An operation that does nothing, for handing over a configuration.
pub(crate) const NOTHING: &str = r#"{"operation":"describe"}"#;

/// The member of a configuration by which a plug says of a push only that it is due.
const DEFER: &str = r#""defer_push":true"#;

/// Once so many entries failed for good, the snapshot alone is restored.
const MAX_BAD_ENTRIES: u32 = 3;

/// What part a session has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It does all, as its owner asks for it.
    Alone,
    /// It records and writes; pushes that nobody asked for by name are only said to be due.
    Leader,
    /// It holds nothing that is not held by a leader: what it is told is kept for no fresh instance.
    Courier,
}

/// What a store holds beside the plug.
pub(crate) struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    egress: Egress,
    clocks: WasiClocksCtx,
    wall_clock: WallClock,
    watch: Watch,
}

impl State {
    pub(crate) fn wall_clock(&mut self) -> &mut WallClock {
        self.watch.host_call();
        &mut self.wall_clock
    }
}

/// The time of day as the plug is told it: in a call that is made again, the time of when it was made first. What expires, and
/// when a window ends, is then the same.
#[derive(Debug, Default)]
pub(crate) struct WallClock {
    /// Nanoseconds since the Unix epoch, in place of the real time; 0 for that.
    replayed: u64,
    /// What the running call was told first; 0 if it did not ask.
    told: u64,
}

impl wall_clock::Host for WallClock {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let nanos = match self.replayed {
            0 => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64),
            nanos => nanos,
        };
        if self.told == 0 {
            self.told = nanos;
        }
        let second = 1_000_000_000;
        Ok(wall_clock::Datetime { seconds: nanos / second, nanoseconds: (nanos % second) as u32 })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1 })
    }
}

// Each call of the host by the plug asks for one of these once, and so is counted.
impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        self.watch.host_call();
        &mut self.table
    }
}

impl WasiClocksView for State {
    fn clocks(&mut self) -> WasiClocksCtxView<'_> {
        self.watch.host_call();
        WasiClocksCtxView { ctx: &mut self.clocks, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.watch.host_call();
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.egress }
    }
}

/// A plug and its store.
///
/// A call's future must be awaited to its end: one that is dropped half-way costs the instance, as a crash does.
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

struct Instance {
    store: Store<State>,
    plug: MonitoringHost,
    /// What `plug` was made of.
    component: component::Instance,
    /// `exposition.encode`, its answer left where it is; looked up at its first call.
    encode_in_place: Option<TypedFunc<(Format,), (WasmList<u8>,)>>,
    /// Whether the plug has been told its configuration, and what was acknowledged before it was made.
    restored: bool,
}

/// Makes a call on an instance, within a limit. On an error the instance is lost.
macro_rules! call_on {
    ($instance:expr, $limit:expr, |$plug:ident, $store:ident| $call:expr) => {{
        let (instance, limit): (&mut Instance, Duration) = ($instance, $limit);
        let state = instance.store.data_mut();
        state.watch.begin(epochs(limit));
        state.wall_clock.told = 0;
        state.egress.call = Sent::default();
        instance.store.set_epoch_deadline(1);
        let outcome = {
            let $plug = &instance.plug;
            let $store = &mut instance.store;
            tokio::time::timeout(limit + GRACE, $call).await
        };
        match outcome {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(trap)) => Err(ended(&trap, limit, &instance.store.data().watch)),
            Err(_) => Err(stopped(limit)),
        }
    }};
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
                // It was logged, and is in the recovery's report; what is left is worth to go on with.
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

    /// The plug's memory, in bytes: all that its instance ever asked for, since an instance gives none back. 0 after a crash.
    pub fn memory_bytes(&self) -> usize {
        self.instance.as_ref().map_or(0, |instance| instance.store.data().watch.memory_bytes)
    }

    /// Host resources that the plug's instance holds: requests, headers, bodies, streams, pollables
    /// and errors. 0 after a crash, and between calls of a plug that keeps none of them.
    pub fn host_resources(&mut self) -> usize {
        self.instance.as_mut().map_or(0, |instance| instance.store.data_mut().table.iter_mut().count())
    }

    /// Runs one operation: `ctx` and `cfg` go to the plug as they are, and so comes its answer. An empty `cfg` keeps the last one.
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

    /// Makes the plug forget what it recorded, and its configuration, and delete the groups that it pushed: JSON.
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

    /// Registers a family and answers its number; the same definition again answers the same.
    pub async fn register(&mut self, definition: &Definition) -> Result<u32, Error> {
        self.writable().await?;
        let family = call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_register(store, definition))?
            .map_err(plug_error)?;
        self.acknowledge(Call::Register { definition: Box::new(Cow::Borrowed(definition)), family }).await?;
        Ok(family)
    }

    /// The handle of a family's series for these labels, made if need be.
    pub async fn series_of(&mut self, family: u32, labels: &[Label]) -> Result<u32, Error> {
        self.writable().await?;
        let series =
            call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_series_of(store, family, labels))?
                .map_err(plug_error)?;
        self.acknowledge(Call::SeriesOf { family, labels: labels.into(), series }).await?;
        Ok(series)
    }

    /// Adds to a counter or gauge.
    pub async fn add(&mut self, series: u32, amount: f64) -> Result<Outcome, Error> {
        self.writable().await?;
        let outcome = call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_add(store, series, amount))?;
        if outcome == Outcome::Recorded {
            self.acknowledge(Call::Add { series, amount }).await?;
        }
        Ok(outcome)
    }

    /// Sets a gauge.
    pub async fn set(&mut self, series: u32, value: f64) -> Result<Outcome, Error> {
        self.writable().await?;
        let outcome = call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_set(store, series, value))?;
        if outcome == Outcome::Recorded {
            self.acknowledge(Call::Set { series, value }).await?;
        }
        Ok(outcome)
    }

    /// Observes a value in a histogram, native histogram or summary.
    pub async fn observe(&mut self, series: u32, value: f64) -> Result<Outcome, Error> {
        self.writable().await?;
        let outcome = call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_observe(store, series, value))?;
        if outcome == Outcome::Recorded {
            self.acknowledge(Call::Observe { series, value }).await?;
        }
        Ok(outcome)
    }

    /// Observes a value, or adds to a counter, with an example.
    pub async fn observe_with_exemplar(&mut self, series: u32, value: f64, exemplar: &[Label]) -> Result<(), Error> {
        self.writable().await?;
        call!(self, |plug, store| plug
            .plugpipe_monitoring_metrics()
            .call_observe_with_exemplar(store, series, value, exemplar))?
        .map_err(plug_error)?;
        self.acknowledge(Call::ObserveWithExemplar { series, value, exemplar: exemplar.into() }).await
    }

    /// Turns a state of a state set on or off.
    pub async fn set_state(&mut self, series: u32, state: &str, on: bool) -> Result<(), Error> {
        self.writable().await?;
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_set_state(store, series, state, on))?
            .map_err(plug_error)?;
        self.acknowledge(Call::SetState { series, state, on }).await
    }

    /// Records many at once, all or none; the lists have the same length.
    pub async fn record_many(&mut self, series: &[u32], values: &[f64]) -> Result<(), Error> {
        self.writable().await?;
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_record_many(store, series, values))?
            .map_err(|rejection: metrics::Rejection| Error::Plug {
                problem: format!("item {}: {}", rejection.index, text(rejection.error)),
            })?;
        self.acknowledge(Call::RecordMany { series: Packed::of_handles(series), values: Packed::of_values(values) })
            .await
    }

    /// Records by name, and answers the handle for the next time.
    pub async fn record(&mut self, name: &str, kind: MetricKind, labels: &[Label], value: f64) -> Result<u32, Error> {
        self.writable().await?;
        let series = call!(self, |plug, store| plug
            .plugpipe_monitoring_metrics()
            .call_record(store, name, kind, labels, value))?
        .map_err(plug_error)?;
        self.acknowledge(Call::Record { name, kind, labels: labels.into(), value, series }).await?;
        Ok(series)
    }

    /// Removes a series; false if there was none.
    pub async fn remove(&mut self, series: u32) -> Result<bool, Error> {
        self.writable().await?;
        let was_there = call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_remove(store, series))?;
        if was_there {
            self.acknowledge(Call::Remove { series }).await?;
        }
        Ok(was_there)
    }

    /// Removes everything, and answers how many series there were.
    pub async fn clear(&mut self) -> Result<u64, Error> {
        self.writable().await?;
        let removed = call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_clear(store))?;
        self.acknowledge(Call::Clear).await?;
        Ok(removed)
    }

    /// Records what the plug asked for and was refused, as one of its own metrics: between calls, so that it comes out with the rest.
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

    /// The whole registry in one of the formats.
    pub async fn encode(&mut self, format: Format) -> Result<Vec<u8>, Error> {
        let bytes = call!(self, |plug, store| plug.plugpipe_monitoring_exposition().call_encode(store, format))?;
        self.looked();
        Ok(bytes)
    }

    /// Like [`Session::encode`], into a buffer that the caller uses again: for tens of megabytes, memory that is fresh at each
    /// call costs several times what the copy does. What was in the buffer is gone, also after an error.
    pub async fn encode_into(&mut self, format: Format, buffer: &mut Vec<u8>) -> Result<(), Error> {
        buffer.clear();
        if !self.in_place {
            // Other plugs may free their answer before this call is back.
            *buffer = self.encode(format).await?;
            return Ok(());
        }
        let function = self.ready().await?.encode_in_place()?;
        let (bytes,) = call!(self, |_plug, store| function.call_async(store, (format,)))?;
        if let Some(instance) = &self.instance {
            buffer.extend_from_slice(bytes.as_le_slice(&instance.store));
        }
        self.looked();
        Ok(())
    }

    /// What a scrape with this `Accept` header gets; no header is an empty text.
    pub async fn scrape(&mut self, accept: &str) -> Result<Exposed, Error> {
        self.record_violations().await;
        let exposed = call!(self, |plug, store| plug.plugpipe_monitoring_exposition().call_scrape(store, accept))?;
        self.looked();
        self.mark_delivered(self.changes);
        Ok(exposed)
    }

    /// Asks the configured Prometheus an expression at one moment, in milliseconds since the epoch; none for the server's now.
    pub async fn instant(
        &mut self,
        expression: &str,
        time_ms: Option<i64>,
        options: query::Options,
    ) -> Result<query::Answer, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_query().call_instant(store, expression, time_ms, options))?
            .map_err(plug_error)
    }

    /// Asks it an expression over a range of time, at each step; all in milliseconds.
    pub async fn range(
        &mut self,
        expression: &str,
        (start_ms, end_ms, step_ms): (i64, i64, i64),
        too_many: query::TooManyPoints,
        options: query::Options,
    ) -> Result<query::Answer, Error> {
        call!(self, |plug, store| plug
            .plugpipe_monitoring_query()
            .call_range(store, expression, start_ms, end_ms, step_ms, too_many, options))?
        .map_err(plug_error)
    }

    /// The series that the selection finds in it.
    pub async fn series(&mut self, selection: &query::Selection) -> Result<query::SeriesList, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_query().call_series(store, selection))?.map_err(plug_error)
    }

    /// The names of labels in it.
    pub async fn labels(&mut self, selection: &query::Selection) -> Result<query::Texts, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_query().call_labels(store, selection))?.map_err(plug_error)
    }

    /// The values of one label in it.
    pub async fn label_values(&mut self, label: &str, selection: &query::Selection) -> Result<query::Texts, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_query().call_label_values(store, label, selection))?
            .map_err(plug_error)
    }

    /// The whole registry, for [`Session::restore`].
    pub async fn snapshot(&mut self) -> Result<Vec<u8>, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_state().call_snapshot(store))
    }

    /// Replaces the registry by a snapshot; one that is damaged changes nothing.
    pub async fn restore(&mut self, snapshot: &[u8]) -> Result<(), Error> {
        self.writable().await?;
        call!(self, |plug, store| plug.plugpipe_monitoring_state().call_restore(store, snapshot))?
            .map_err(plug_error)?;
        self.acknowledge(Call::Restore { snapshot }).await
    }

    /// Keeps a typed call that came back, before its caller hears of it.
    async fn acknowledge(&mut self, call: Call<'_>) -> Result<(), Error> {
        let (time, _) = self.of_last_call();
        self.keep(time, call)?;
        self.compact_if_long().await;
        Ok(())
    }

    /// Keeps a call that came back. Where that cannot be done it is taken back, together with the instance that made it.
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

    /// Makes an instance that knows what was acknowledged. An entry of the journal that ends the instance is taken out; after a few
    /// of those the snapshot alone is restored.
    async fn recover(&mut self) -> Result<(), Error> {
        let mut bad_entries = 0;
        let mut lost = 0;
        let mut why = None;
        if std::mem::take(&mut self.in_call) {
            self.recovery.crashes += 1;
        }
        loop {
            let mut instance = match self.instance.take() {
                Some(instance) => instance,
                None => self.instantiate().await?,
            };
            match self.restore_into(&mut instance).await {
                Ok(replayed) => {
                    self.recovery.replayed += replayed.made;
                    lost += replayed.refused;
                    why = replayed.why.or(why);
                    instance.restored = true;
                    self.instance = Some(instance);
                    break;
                }
                Err(Unrestored::Base(error)) => return Err(error),
                Err(Unrestored::Entry { position, error }) => {
                    bad_entries += 1;
                    why = Some(error.to_string());
                    if bad_entries < MAX_BAD_ENTRIES {
                        self.journal.remove(position);
                        lost += 1;
                    } else {
                        lost += self.journal.count_from(0);
                        self.journal.give_up();
                    }
                }
            }
        }
        if lost == 0 {
            // A plug that crashes often is not to replay the same calls each time.
            if self.journal.is_slow() {
                Box::pin(self.compact_or_put_off()).await;
            }
            return Ok(());
        }
        let problem = why.unwrap_or_default();
        error!(lost, problem, "acknowledged calls could not be made again");
        self.recovery.lost += lost;
        self.recovery.problem = Some(problem.clone());
        // The file is not to hold what is known to fail.
        Box::pin(self.compact_or_put_off()).await;
        Err(Error::Lost { lost, problem })
    }

    /// Puts configuration, snapshot and journal into a fresh instance, without a request to anybody.
    async fn restore_into(&mut self, instance: &mut Instance) -> Result<Replayed, Unrestored> {
        let limit = self.limits.call;
        self.config.clone_from(&self.journal.base().config);
        let base = self.journal.base();
        let config = base.config.as_deref().unwrap_or(&self.started_with);
        // A leader is told to defer although nothing is configured: a call may bring its own gateway.
        let config = self.dressed(if is_empty(config) { "{}" } else { config });
        instance.store.data_mut().egress.replaying = true;
        let mut found = Vec::new();
        if !is_empty(&config) {
            let answer = call_on!(instance, limit, |plug, store| plug
                .plugpipe_monitoring_plug()
                .call_process(store, NOTHING, &config))
            .map_err(Unrestored::Base)?;
            if let Some(error) = config_problem(&answer) {
                // A kept one was valid then: another component would go on with another
                // configuration.
                let is_kept = base.config.is_some();
                let error = if is_kept { Error::Restore { problem: error.to_string() } } else { error };
                return Err(Unrestored::Base(error));
            }
            found = warnings::in_text(&answer);
        }
        if !base.snapshot.is_empty() {
            let problem = |problem: String| Unrestored::Base(Error::Restore { problem });
            call_on!(instance, limit, |plug, store| plug
                .plugpipe_monitoring_state()
                .call_restore(store, &base.snapshot))
            .map_err(|error| problem(error.to_string()))?
            .map_err(|error| problem(text(error)))?;
        }
        self.warnings = found;
        let mut replayed = Replayed::default();
        let mut position = 0;
        while let Some((entry, next)) = self.journal.entry(position) {
            let failed = |error: Error| Unrestored::Entry { position, error };
            let Entry { unix_nanos, call } = entry.map_err(failed)?;
            let mut dressed = None;
            match &call {
                Call::Configure { cfg } => {
                    self.config = Some((*cfg).to_owned());
                    dressed = Some(self.dressed(cfg));
                }
                Call::Cleanup => {
                    self.config = Some(String::new());
                    dressed = Some(self.dressed("{}"));
                }
                _ => {}
            }
            instance.store.data_mut().wall_clock.replayed = unix_nanos;
            match replay(instance, limit, call, dressed.as_deref()).await.map_err(failed)? {
                None => replayed.made += 1,
                Some(refusal) => {
                    replayed.refused += 1;
                    replayed.why = Some(refusal);
                }
            }
            position = next;
        }
        let state = instance.store.data_mut();
        state.wall_clock = WallClock::default();
        state.egress.replaying = false;
        Ok(replayed)
    }

    /// Gives up the instance, poisoned by what ended its call.
    fn lost(&mut self, error: Error) -> Error {
        (self.instance, self.in_call) = (None, false);
        self.recovery.crashes += 1;
        error
    }

    async fn instantiate(&mut self) -> Result<Box<Instance>, Error> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(self.limits.resources);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(HEADER_BYTES);
        let mut watch = Watch::new(self.limits);
        // What a component runs as it is instantiated is bounded like a call. It reaches no server,
        // because a recovery must not repeat requests.
        let limit = self.limits.call;
        watch.begin(epochs(limit));
        let mut egress = Egress::new(Arc::clone(&self.network));
        egress.replaying = true;
        let state =
            State { table, http, egress, clocks: WasiClocksCtx::default(), wall_clock: WallClock::default(), watch };
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.watch);
        store.set_hostcall_fuel(self.limits.answer_bytes);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| match context.data_mut().watch.epoch() {
            // A yield lets other tasks of this thread run too.
            AtEpoch::GoOn => Ok(UpdateDeadline::Yield(1)),
            AtEpoch::Stop => Ok(UpdateDeadline::Interrupt),
            AtEpoch::Passed(limit) => Err(Passed(limit).into()),
        });
        let instantiated =
            tokio::time::timeout(limit + GRACE, self.pre.instance_pre().instantiate_async(&mut store)).await;
        let component = match instantiated {
            Ok(Ok(component)) => component,
            Ok(Err(error)) => return Err(not_started(&error, limit, &store.data().watch)),
            Err(_) => return Err(not_started(&Trap::Interrupt.into(), limit, &store.data().watch)),
        };
        store.data_mut().egress.replaying = false;
        let plug = MonitoringHost::new(&mut store, &component).map_err(not_loaded)?;
        Ok(Box::new(Instance { store, plug, component, encode_in_place: None, restored: false }))
    }
}

impl Instance {
    fn encode_in_place(&mut self) -> Result<TypedFunc<(Format,), (WasmList<u8>,)>, Error> {
        if let Some(function) = &self.encode_in_place {
            return Ok(*function);
        }
        let Self { store, component, .. } = self;
        let interface = component.get_export_index(&mut *store, None, "plugpipe:monitoring/exposition@1.0.0");
        let function = interface.and_then(|index| component.get_export_index(&mut *store, Some(&index), "encode"));
        let function = function.ok_or_else(|| not_loaded(wasmtime::Error::msg("it exports no exposition.encode")))?;
        let function = component.get_typed_func(store, function).map_err(not_loaded)?;
        self.encode_in_place = Some(function);
        Ok(function)
    }
}

/// How the replay of a journal went.
#[derive(Default)]
struct Replayed {
    /// How many calls were made.
    made: u64,
    /// How many the plug did not take again.
    refused: u64,
    /// What it said of the last one.
    why: Option<String>,
}

/// What ended an instance that was being restored.
enum Unrestored {
    /// The configuration or the snapshot: nothing can be had without them.
    Base(Error),
    /// An entry of the journal.
    Entry { position: usize, error: Error },
}

/// Makes a call again. Says how, if it went otherwise than the first time.
/// `dressed` is the configuration that holds from then on, for a call that changes it.
async fn replay(
    instance: &mut Instance,
    limit: Duration,
    call: Call<'_>,
    dressed: Option<&str>,
) -> Result<Option<String>, Error> {
    macro_rules! again {
        (plug.$function:ident($($argument:expr),*)) => {
            call_on!(instance, limit, |plug, store| plug.plugpipe_monitoring_plug().$function(store $(, $argument)*))?
        };
        (metrics.$function:ident($($argument:expr),*)) => {
            call_on!(instance, limit, |plug, store| plug.plugpipe_monitoring_metrics().$function(store $(, $argument)*))?
        };
    }
    let as_text = |error: types::Error| Err(text(error));
    let same = |answered: Result<u32, types::Error>, handle: u32| match answered {
        Ok(answered) if answered == handle => Ok(()),
        Ok(answered) => Err(format!("handle {handle} became {answered}")),
        Err(error) => as_text(error),
    };
    let done = |answer: String| if answer.starts_with(FAILED) { Err(answer) } else { Ok(()) };
    let recorded = |outcome: Outcome| match outcome {
        Outcome::Recorded => Ok(()),
        other => Err(format!("an update by handle: {other:?}")),
    };
    let outcome = match call {
        Call::Process { ctx } => done(again!(plug.call_process(ctx, ""))),
        Call::Configure { cfg } => done(again!(plug.call_process(NOTHING, dressed.unwrap_or(cfg)))),
        Call::Cleanup => {
            let cleaned = again!(plug.call_cleanup());
            again!(plug.call_process(NOTHING, dressed.unwrap_or_default()));
            done(cleaned)
        }
        Call::Looked => {
            call_on!(instance, limit, |plug, store| plug
                .plugpipe_monitoring_exposition()
                .call_encode(store, Format::Text))?;
            Ok(())
        }
        Call::Register { definition, family } => same(again!(metrics.call_register(&definition)), family),
        Call::SeriesOf { family, labels, series } => same(again!(metrics.call_series_of(family, &labels)), series),
        Call::Add { series, amount } => recorded(again!(metrics.call_add(series, amount))),
        Call::Set { series, value } => recorded(again!(metrics.call_set(series, value))),
        Call::Observe { series, value } => recorded(again!(metrics.call_observe(series, value))),
        Call::ObserveWithExemplar { series, value, exemplar } => {
            again!(metrics.call_observe_with_exemplar(series, value, &exemplar)).or_else(as_text)
        }
        Call::SetState { series, state, on } => again!(metrics.call_set_state(series, state, on)).or_else(as_text),
        Call::RecordMany { series, values } => again!(metrics.call_record_many(&series.handles(), &values.values()))
            .or_else(|rejection| as_text(rejection.error)),
        Call::Record { name, kind, labels, value, series } => {
            same(again!(metrics.call_record(name, kind, &labels, value)), series)
        }
        Call::Remove { series } => {
            again!(metrics.call_remove(series));
            Ok(())
        }
        Call::Clear => {
            again!(metrics.call_clear());
            Ok(())
        }
        Call::Restore { snapshot } => {
            call_on!(instance, limit, |plug, store| plug.plugpipe_monitoring_state().call_restore(store, snapshot))?
                .or_else(as_text)
        }
    };
    Ok(outcome.err())
}

/// Whether an operation leaves what is held as it is.
pub(crate) fn only_reads(operation: &str) -> bool {
    READS.contains(&operation)
}

/// What the operation that `ctx` asks for does. One that cannot be read may do anything.
fn effect(ctx: &str) -> Effect {
    // Most calls are records, of which all may change something, and mostly they say first what they are.
    if begins_as_record(ctx) {
        return Effect::Changes;
    }
    #[derive(Deserialize)]
    struct Asked<'a> {
        #[serde(borrow)]
        operation: Cow<'a, str>,
    }
    match serde_json::from_str(ctx) {
        Ok(Asked { operation }) if LOOKS.contains(&operation.trim()) => Effect::Looks,
        Ok(Asked { operation }) if IMPORTS.contains(&operation.trim()) => Effect::Imports,
        Ok(Asked { operation }) if READS.contains(&operation.trim()) => Effect::Reads,
        _ => Effect::Changes,
    }
}

/// Whether an answer says that nothing was done.
pub(crate) fn failed(answer: &str) -> bool {
    answer.starts_with(FAILED)
}

/// What the answer to [`NOTHING`] says against the configuration that was handed over with it.
fn config_problem(answer: &str) -> Option<Error> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
        field: Option<String>,
        error_code: Option<String>,
    }
    if !failed(answer) {
        return None;
    }
    match serde_json::from_str(answer) {
        // A plug without that operation has nothing against a configuration.
        Ok(Refusal { error_code: Some(code), .. }) if code == "unknown_operation" => None,
        Ok(Refusal { error, field, .. }) => {
            // The plug knows it as `cfg`; whoever wrote it does not.
            let strip = |text: &str| text.strip_prefix("cfg.").unwrap_or(text).to_owned();
            let field = field.filter(|field| field != "cfg").map(|field| strip(&field));
            Some(Error::Config { field, problem: strip(&error) })
        }
        Err(_) => Some(Error::Config { field: None, problem: "the plug refused it and did not say why".into() }),
    }
}

/// Whether a `ctx` begins with an operation that is called `record_…`.
pub(crate) fn begins_as_record(ctx: &str) -> bool {
    let tokens = ["{", "\"operation\"", ":", "\"record_"];
    tokens.iter().try_fold(ctx, |rest, token| rest.trim_ascii_start().strip_prefix(token)).is_some()
}

/// Whether a `cfg` keeps the last one.
pub(crate) fn is_empty(cfg: &str) -> bool {
    let cfg = cfg.trim();
    let members = cfg.strip_prefix('{').and_then(|cfg| cfg.strip_suffix('}'));
    cfg.is_empty() || cfg == "null" || members.is_some_and(|members| members.trim().is_empty())
}

fn not_loaded(error: wasmtime::Error) -> Error {
    Error::Load { plug: "the plug".into(), problem: format!("{error:#}") }
}

/// Why an instance could not be made: as a rule what its start function did.
fn not_started(error: &wasmtime::Error, limit: Duration, watch: &Watch) -> Error {
    let problem = if error.downcast_ref::<Trap>() == Some(&Trap::Interrupt) {
        format!("its start took longer than {} s (limits.call in the grants file)", limit.as_secs_f64())
    } else if let Some(limit) = watch.passed(error) {
        format!("it was stopped at a limit as it started: {limit}")
    } else {
        format!("{error:#}")
    };
    Error::Load { plug: "the plug".into(), problem }
}

/// For how many epochs a call within this limit may compute.
fn epochs(limit: Duration) -> u64 {
    // In 64 bits: this is done for each call, and wide numbers are divided slowly.
    const EPOCH_MILLIS: u64 = EPOCH.as_millis() as u64;
    let millis = limit.as_secs().saturating_mul(1_000).saturating_add(u64::from(limit.subsec_millis()));
    (millis / EPOCH_MILLIS).max(1)
}

fn ended(trap: &wasmtime::Error, limit: Duration, watch: &Watch) -> Error {
    if trap.downcast_ref::<Trap>() == Some(&Trap::Interrupt) {
        return stopped(limit);
    }
    if let Some(limit) = watch.passed(trap) {
        error!(%limit, "a limit ended a call");
        return Error::Limit { limit };
    }
    error!(problem = %format!("{trap:#}"), "the plug crashed");
    Error::Crashed { problem: trap.root_cause().to_string() }
}

fn stopped(limit: Duration) -> Error {
    error!(after = ?limit, "a call was stopped");
    Error::Deadline { after: limit }
}

fn plug_error(error: types::Error) -> Error {
    Error::Plug { problem: text(error) }
}

fn text(error: types::Error) -> String {
    match error {
        types::Error::InvalidInput(text)
        | types::Error::Conflict(text)
        | types::Error::LimitReached(text)
        | types::Error::NotConfigured(text)
        | types::Error::NotGranted(text)
        | types::Error::Unreachable(text)
        | types::Error::Refused(text) => text,
    }
}
