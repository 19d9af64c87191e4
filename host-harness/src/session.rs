//! A plug in its store, with one owner: the fast way to call it. [`crate::PlugHandle`] shares one among many callers.
//!
//! A trap poisons a whole store. The session then drops it, and the next call gets a fresh instance.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tracing::error;
use wasmtime::component::{self, ResourceTable, TypedFunc, WasmList};
use wasmtime::{ResourceLimiter, Store, StoreLimits, StoreLimitsBuilder, Trap, UpdateDeadline};
use wasmtime_wasi::clocks::{WasiClocksCtx, WasiClocksCtxView, WasiClocksView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::error::Error;
use crate::grants::Grants;
use crate::outbound::Outbound;
use crate::plug::EPOCH;
use crate::plug::bindings::exports::plugpipe::monitoring::{metrics, types};
use crate::plug::bindings::{MonitoringHost, MonitoringHostPre};

pub use crate::plug::bindings::exports::plugpipe::monitoring::exposition::Exposed;
pub use crate::plug::bindings::exports::plugpipe::monitoring::metrics::{Definition, NativeBuckets, Outcome};
pub use crate::plug::bindings::exports::plugpipe::monitoring::query;
pub use crate::plug::bindings::exports::plugpipe::monitoring::types::{Format, Label, MetricKind};

/// How long a call that waits on the host may outlive its limit before it is taken from the outside.
const GRACE: Duration = Duration::from_secs(1);

/// Bounds of one plug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most memory the plug may hold, in bytes.
    pub memory_bytes: usize,
    /// The longest one call may take, the waits for servers included.
    pub call: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: 256 * 1024 * 1024, call: Duration::from_secs(60) }
    }
}

/// What a store holds beside the plug.
pub(crate) struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    outbound: Outbound,
    clocks: WasiClocksCtx,
    bounds: Bounds,
    /// How many more epochs the running call may compute for.
    epochs_left: u64,
}

/// The store's limits, and what is held within them.
struct Bounds {
    limits: StoreLimits,
    memory_bytes: usize,
}

impl ResourceLimiter for Bounds {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let grows = self.limits.memory_growing(current, desired, maximum)?;
        if grows {
            self.memory_bytes += desired.saturating_sub(current);
        }
        Ok(grows)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}

impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiClocksView for State {
    fn clocks(&mut self) -> WasiClocksCtxView<'_> {
        WasiClocksCtxView { ctx: &mut self.clocks, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outbound }
    }
}

/// A plug and its store.
///
/// A call's future must be awaited to its end: one that is dropped half-way costs the instance, as a crash does.
pub struct Session {
    pre: MonitoringHostPre<State>,
    /// Whether the plug is known to leave an exposition where it is until the next call.
    in_place: bool,
    config: String,
    grants: Arc<Grants>,
    limits: Limits,
    /// None after a crash, until the next call.
    instance: Option<Instance>,
}

struct Instance {
    store: Store<State>,
    plug: MonitoringHost,
    /// What `plug` was made of.
    component: component::Instance,
    /// `exposition.encode`, its answer left where it is; looked up at its first call.
    encode_in_place: Option<TypedFunc<(Format,), (WasmList<u8>,)>>,
    /// Whether the plug has been told its configuration.
    configured: bool,
    /// Whether no call ended it or left it half-way.
    sound: bool,
}

/// Makes a call on the instance, within the session's limits; a crash costs the instance.
macro_rules! call {
    ($session:expr, |$plug:ident, $store:ident| $call:expr) => {{
        let limit = $session.limits.call;
        let instance = $session.ready().await?;
        instance.store.data_mut().epochs_left = epochs(limit);
        instance.store.set_epoch_deadline(1);
        // Until the call has come back, the instance counts as lost: a caller may drop this future half-way.
        instance.sound = false;
        let outcome = {
            let $plug = &instance.plug;
            let $store = &mut instance.store;
            tokio::time::timeout(limit + GRACE, $call).await
        };
        match outcome {
            Ok(Ok(answer)) => {
                instance.sound = true;
                Ok(answer)
            }
            Ok(Err(trap)) => Err($session.lost(ended(&trap, limit))),
            Err(_) => Err($session.lost(stopped(limit))),
        }
    }};
}

impl Session {
    pub(crate) async fn start(
        pre: MonitoringHostPre<State>,
        in_place: bool,
        config: &Value,
        grants: Grants,
        limits: Limits,
    ) -> Result<Self, Error> {
        let mut session =
            Self { pre, in_place, config: config.to_string(), grants: Arc::new(grants), limits, instance: None };
        // The first instance is made here, so that what is wrong with the component is said at once.
        session.instance = Some(session.instantiate().await?);
        Ok(session)
    }

    /// The plug's memory, in bytes: all that its instance ever asked for, since an instance gives none back. 0 after a crash.
    pub fn memory_bytes(&self) -> usize {
        self.instance.as_ref().map_or(0, |instance| instance.store.data().bounds.memory_bytes)
    }

    /// Runs one operation: `ctx` and `cfg` go to the plug as they are, and so comes its answer. An empty `cfg` keeps the last one.
    pub async fn process(&mut self, ctx: &str, cfg: &str) -> Result<String, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_plug().call_process(store, ctx, cfg))
    }

    /// Asks every configured server whether it is well: JSON.
    pub async fn health_check(&mut self) -> Result<String, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_plug().call_health_check(store))
    }

    /// Makes the plug forget what it recorded, and its configuration, and delete the groups that it pushed: JSON.
    pub async fn cleanup(&mut self) -> Result<String, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_plug().call_cleanup(store))
    }

    /// What the plug says of itself: JSON.
    pub async fn describe(&mut self) -> Result<String, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_plug().call_describe(store))
    }

    /// Registers a family and answers its number; the same definition again answers the same.
    pub async fn register(&mut self, definition: &Definition) -> Result<u32, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_register(store, definition))?
            .map_err(plug_error)
    }

    /// The handle of a family's series for these labels, made if need be.
    pub async fn series_of(&mut self, family: u32, labels: &[Label]) -> Result<u32, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_series_of(store, family, labels))?
            .map_err(plug_error)
    }

    /// Adds to a counter or gauge.
    pub async fn add(&mut self, series: u32, amount: f64) -> Result<Outcome, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_add(store, series, amount))
    }

    /// Sets a gauge.
    pub async fn set(&mut self, series: u32, value: f64) -> Result<Outcome, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_set(store, series, value))
    }

    /// Observes a value in a histogram, native histogram or summary.
    pub async fn observe(&mut self, series: u32, value: f64) -> Result<Outcome, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_observe(store, series, value))
    }

    /// Observes a value, or adds to a counter, with an example.
    pub async fn observe_with_exemplar(&mut self, series: u32, value: f64, exemplar: &[Label]) -> Result<(), Error> {
        call!(self, |plug, store| plug
            .plugpipe_monitoring_metrics()
            .call_observe_with_exemplar(store, series, value, exemplar))?
        .map_err(plug_error)
    }

    /// Turns a state of a state set on or off.
    pub async fn set_state(&mut self, series: u32, state: &str, on: bool) -> Result<(), Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_set_state(store, series, state, on))?
            .map_err(plug_error)
    }

    /// Records many at once, all or none; the lists have the same length.
    pub async fn record_many(&mut self, series: &[u32], values: &[f64]) -> Result<(), Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_record_many(store, series, values))?.map_err(
            |rejection: metrics::Rejection| Error::Plug {
                problem: format!("item {}: {}", rejection.index, text(rejection.error)),
            },
        )
    }

    /// Records by name, and answers the handle for the next time.
    pub async fn record(&mut self, name: &str, kind: MetricKind, labels: &[Label], value: f64) -> Result<u32, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_record(store, name, kind, labels, value))?
            .map_err(plug_error)
    }

    /// Removes a series; false if there was none.
    pub async fn remove(&mut self, series: u32) -> Result<bool, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_remove(store, series))
    }

    /// Removes everything, and answers how many series there were.
    pub async fn clear(&mut self) -> Result<u64, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_clear(store))
    }

    /// The whole registry in one of the formats.
    pub async fn encode(&mut self, format: Format) -> Result<Vec<u8>, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_exposition().call_encode(store, format))
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
        Ok(())
    }

    /// What a scrape with this `Accept` header gets; no header is an empty text.
    pub async fn scrape(&mut self, accept: &str) -> Result<Exposed, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_exposition().call_scrape(store, accept))
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
        call!(self, |plug, store| plug.plugpipe_monitoring_state().call_restore(store, snapshot))?.map_err(plug_error)
    }

    /// The instance, made afresh where a crash took it, and told its configuration.
    async fn ready(&mut self) -> Result<&mut Instance, Error> {
        // The borrow of an instance that is there must not reach into the making of another.
        if self.instance.as_ref().is_none_or(|instance| !instance.sound) {
            self.instance = None;
            self.instance = Some(self.instantiate().await?);
        }
        let limit = self.limits.call;
        let Some(instance) = self.instance.as_mut() else { return Err(Error::Ended) };
        if !instance.configured {
            instance.store.data_mut().epochs_left = epochs(limit);
            instance.store.set_epoch_deadline(1);
            instance.sound = false;
            let plug = instance.plug.plugpipe_monitoring_plug();
            // A configuration that is not valid is said in the answers of the calls that need it: here it is only handed over.
            let told = plug.call_process(&mut instance.store, r#"{"operation":"describe"}"#, &self.config);
            match tokio::time::timeout(limit + GRACE, told).await {
                Ok(Ok(_)) => {}
                Ok(Err(trap)) => return Err(ended(&trap, limit)),
                Err(_) => return Err(stopped(limit)),
            }
            instance.configured = true;
            instance.sound = true;
        }
        Ok(instance)
    }

    /// Gives up the instance, poisoned by what ended its call.
    fn lost(&mut self, error: Error) -> Error {
        self.instance = None;
        error
    }

    async fn instantiate(&mut self) -> Result<Instance, Error> {
        let state = State {
            table: ResourceTable::new(),
            http: WasiHttpCtx::new(),
            outbound: Outbound::new(Arc::clone(&self.grants)),
            clocks: WasiClocksCtx::default(),
            bounds: Bounds {
                limits: StoreLimitsBuilder::new()
                    .memory_size(self.limits.memory_bytes)
                    .memories(1)
                    .instances(16)
                    .tables(16)
                    .build(),
                memory_bytes: 0,
            },
            epochs_left: epochs(self.limits.call),
        };
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.bounds);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| {
            let left = &mut context.data_mut().epochs_left;
            *left = left.saturating_sub(1);
            // A yield lets other tasks of this thread run too.
            Ok(if *left == 0 { UpdateDeadline::Interrupt } else { UpdateDeadline::Yield(1) })
        });
        let component = self.pre.instance_pre().instantiate_async(&mut store).await.map_err(not_loaded)?;
        let plug = MonitoringHost::new(&mut store, &component).map_err(not_loaded)?;
        Ok(Instance { store, plug, component, encode_in_place: None, configured: false, sound: true })
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

fn not_loaded(error: wasmtime::Error) -> Error {
    Error::Load { plug: "the plug".into(), problem: format!("{error:#}") }
}

/// For how many epochs a call within this limit may compute.
fn epochs(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos() / EPOCH.as_nanos()).unwrap_or(u64::MAX).max(1)
}

fn ended(trap: &wasmtime::Error, limit: Duration) -> Error {
    if trap.downcast_ref::<Trap>() == Some(&Trap::Interrupt) {
        return stopped(limit);
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
