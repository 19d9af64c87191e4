//! One instance of a plug in its store, with the state that the host keeps beside it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tracing::error;
use wasmtime::component::{self, ResourceTable, TypedFunc, WasmList};
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi::clocks::{WasiClocksCtx, WasiClocksCtxView, WasiClocksView};
use wasmtime_wasi::p2::bindings::clocks::wall_clock;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::bindings::exports::plugpipe::monitoring::types::Format;
use crate::bindings::{MonitoringHost, MonitoringHostPre};
use crate::egress::{Egress, Network};
use crate::engine::EPOCH;
use crate::error::Error;
use crate::limits::{AtEpoch, HEADER_BYTES, Limits, Passed, Watch};

/// How long a call that waits on the host may exceed its limit before it is dropped.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// The host's state in a store.
pub(crate) struct State {
    pub(crate) table: ResourceTable,
    http: WasiHttpCtx,
    pub(crate) egress: Egress,
    clocks: WasiClocksCtx,
    pub(crate) wall_clock: WallClock,
    pub(crate) watch: Watch,
}

impl State {
    pub(crate) fn wall_clock(&mut self) -> &mut WallClock {
        self.watch.host_call();
        &mut self.wall_clock
    }
}

/// The wall clock of the plug. In a replayed call it returns the time of the original call, so that
/// expiry and windows come out the same.
#[derive(Debug, Default)]
pub(crate) struct WallClock {
    /// Nanoseconds since the Unix epoch to return instead of the real time; 0 for the real time.
    pub(crate) replayed: u64,
    /// The first time that the running call read; 0 if it read none.
    pub(crate) told: u64,
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

// Each host call uses one of these accessors once, and is counted by it.
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

pub(crate) struct Instance {
    pub(crate) store: Store<State>,
    pub(crate) plug: MonitoringHost,
    /// What `plug` was made of.
    component: component::Instance,
    /// `exposition.encode`, its answer left where it is; looked up at its first call.
    encode_in_place: Option<TypedFunc<(Format,), (WasmList<u8>,)>>,
    /// Whether the plug has been told its configuration, and what was acknowledged before it was
    /// made.
    pub(crate) restored: bool,
}

/// Makes a call on an instance, within a limit. On an error the instance is lost.
macro_rules! call_on {
    ($instance:expr, $limit:expr, |$plug:ident, $store:ident| $call:expr) => {{
        let (instance, limit): (&mut $crate::store::Instance, std::time::Duration) = ($instance, $limit);
        let state = instance.store.data_mut();
        state.watch.begin($crate::store::epochs(limit));
        state.wall_clock.told = 0;
        state.egress.call = $crate::egress::Sent::default();
        instance.store.set_epoch_deadline(1);
        let outcome = {
            let $plug = &instance.plug;
            let $store = &mut instance.store;
            tokio::time::timeout(limit + $crate::store::GRACE, $call).await
        };
        match outcome {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(trap)) => Err($crate::store::ended(&trap, limit, &instance.store.data().watch)),
            Err(_) => Err($crate::store::stopped(limit)),
        }
    }};
}
pub(crate) use call_on;

impl Instance {
    /// A fresh instance. The start function runs within the limit of a call and reaches no server.
    pub(crate) async fn start(
        pre: &MonitoringHostPre<State>,
        network: Arc<Network>,
        limits: Limits,
    ) -> Result<Box<Self>, Error> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.resources);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(HEADER_BYTES);
        let mut watch = Watch::new(limits);
        // What a component runs as it is instantiated is bounded like a call. It reaches no server,
        // because a recovery must not repeat requests.
        let limit = limits.call;
        watch.begin(epochs(limit));
        let mut egress = Egress::new(network);
        egress.replaying = true;
        let state =
            State { table, http, egress, clocks: WasiClocksCtx::default(), wall_clock: WallClock::default(), watch };
        let mut store = Store::new(pre.engine(), state);
        store.limiter(|state| &mut state.watch);
        store.set_hostcall_fuel(limits.answer_bytes);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| match context.data_mut().watch.epoch() {
            // A yield lets other tasks of this thread run too.
            AtEpoch::GoOn => Ok(UpdateDeadline::Yield(1)),
            AtEpoch::Stop => Ok(UpdateDeadline::Interrupt),
            AtEpoch::Passed(limit) => Err(Passed(limit).into()),
        });
        let instantiated = tokio::time::timeout(limit + GRACE, pre.instance_pre().instantiate_async(&mut store)).await;
        let component = match instantiated {
            Ok(Ok(component)) => component,
            Ok(Err(error)) => return Err(not_started(&error, limit, &store.data().watch)),
            Err(_) => return Err(not_started(&Trap::Interrupt.into(), limit, &store.data().watch)),
        };
        store.data_mut().egress.replaying = false;
        let plug = MonitoringHost::new(&mut store, &component).map_err(not_loaded)?;
        Ok(Box::new(Self { store, plug, component, encode_in_place: None, restored: false }))
    }
    /// The function `exposition.encode`, whose result stays in the plug's memory.
    pub(crate) fn encode_in_place(&mut self) -> Result<TypedFunc<(Format,), (WasmList<u8>,)>, Error> {
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
pub(crate) fn epochs(limit: Duration) -> u64 {
    // In 64 bits: this is done for each call, and wide numbers are divided slowly.
    const EPOCH_MILLIS: u64 = EPOCH.as_millis() as u64;
    let millis = limit.as_secs().saturating_mul(1_000).saturating_add(u64::from(limit.subsec_millis()));
    (millis / EPOCH_MILLIS).max(1)
}

pub(crate) fn ended(trap: &wasmtime::Error, limit: Duration, watch: &Watch) -> Error {
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

pub(crate) fn stopped(limit: Duration) -> Error {
    error!(after = ?limit, "a call was stopped");
    Error::Deadline { after: limit }
}
