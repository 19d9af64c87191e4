//! One instance of a plug in its store, with the state that the host keeps beside it.
//!
//! A recorder never waits: a call of it that waits for anything but its turn on the processor, or
//! for the recorder of the plug that records for it, is ended. A worker reaches servers, and lives
//! for one call.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tracing::error;
use wasmtime::component::{self, InstancePre, ResourceTable, TypedFunc, WasmList};
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi::clocks::{WasiClocksCtx, WasiClocksCtxView, WasiClocksView};
use wasmtime_wasi::p2::bindings::clocks::wall_clock;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::bindings::exports::plugpipe::monitoring::types::Format;
use crate::budget::Budget;
use crate::egress::{Egress, Network, Reach};
use crate::empty_wasi::Empty;
use crate::engine::EPOCH;
use crate::error::Error;
use crate::exports::{Exports, Recorder, Worker};
use crate::limits::{AtEpoch, HEADER_BYTES, Limits, Passed, Watch};
use crate::monitoring::{Link, Monitored, Overdue};
use crate::role::Role;

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
    /// The interfaces that have no content.
    pub(crate) empty: Empty,
    /// The plug that records for this one.
    pub(crate) monitored: Monitored,
    /// Whether the running call gave up the processor, to be given it again.
    pub(crate) yielded: Arc<AtomicBool>,
}

impl State {
    pub(crate) fn wall_clock(&mut self) -> &mut WallClock {
        self.watch.host_call();
        &mut self.wall_clock
    }
}

/// The wall clock of the plug, which never steps back. In a replayed call it returns the time of the
/// original call, so that expiry and windows come out the same.
#[derive(Debug, Default)]
pub(crate) struct WallClock {
    /// Nanoseconds since the Unix epoch to return instead of the real time; 0 for the real time.
    pub(crate) replayed: u64,
    /// The first time that the running call read; 0 if it read none.
    pub(crate) told: u64,
    /// The last time that anybody was told.
    last: u64,
}

impl WallClock {
    /// The time, not earlier than before.
    pub(crate) fn read(&mut self) -> u64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64);
        self.last = self.last.max(now);
        self.last
    }

    /// Goes on from this time at the earliest.
    pub(crate) fn not_before(&mut self, unix_nanos: u64) {
        self.last = self.last.max(unix_nanos);
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }
}

impl wall_clock::Host for WallClock {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let nanos = if self.replayed == 0 { self.read() } else { self.replayed };
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

/// A compiled component with what its instances share: network, limits and memory.
pub(crate) struct Factory {
    pub(crate) pre: InstancePre<State>,
    pub(crate) exports: Arc<Exports>,
    pub(crate) network: Arc<Network>,
    pub(crate) limits: Limits,
    pub(crate) budget: Arc<Budget>,
    /// Where its records go, if it imports the interface for them.
    pub(crate) link: Option<Arc<Link>>,
    /// The component, as the log names it.
    pub(crate) name: Arc<str>,
}

/// An instance with some of its exports.
pub(crate) struct Instance<E> {
    pub(crate) store: Store<State>,
    pub(crate) exports: E,
    /// What the exports are of.
    component: component::Instance,
    /// `exposition.encode`, its result left where it is; looked up at its first call.
    encode_in_place: Option<TypedFunc<(Format,), (WasmList<u8>,)>>,
    yielded: Arc<AtomicBool>,
}

impl Factory {
    /// A fresh instance that never waits and reaches nothing.
    pub(crate) async fn recorder(&self) -> Result<Box<Instance<Recorder>>, Error> {
        let (mut store, component, yielded) =
            self.instantiate(Role::Recorder, Reach::Nothing, self.limits.recorder_call()).await?;
        let exports = self.exports.recorder(&mut store, &component).map_err(not_loaded)?;
        Ok(Box::new(Instance { store, exports, component, encode_in_place: None, yielded }))
    }

    /// A fresh instance for one call that may last for `limit`.
    pub(crate) async fn worker(&self, reach: Reach, limit: Duration) -> Result<Instance<Worker>, Error> {
        let (mut store, component, yielded) = self.instantiate(Role::Worker, reach, limit).await?;
        let exports = self.exports.worker(&mut store, &component).map_err(not_loaded)?;
        Ok(Instance { store, exports, component, encode_in_place: None, yielded })
    }

    /// The start function runs within the limit of a call, waits for nothing and reaches nothing.
    async fn instantiate(
        &self,
        role: Role,
        reach: Reach,
        limit: Duration,
    ) -> Result<(Store<State>, component::Instance, Arc<AtomicBool>), Error> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(self.limits.resources);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(HEADER_BYTES);
        let mut watch = Watch::new(self.limits, &self.budget);
        watch.begin(epochs(limit));
        let yielded = Arc::new(AtomicBool::new(false));
        let state = State {
            table,
            http,
            egress: Egress::new(Arc::clone(&self.network)),
            clocks: WasiClocksCtx::default(),
            wall_clock: WallClock::default(),
            watch,
            empty: Empty::new(role, &self.name),
            monitored: Monitored::new(self.link.as_ref(), role),
            yielded: Arc::clone(&yielded),
        };
        let mut store = Store::new(self.pre.engine(), state);
        store.data_mut().monitored.begin(limit);
        store.limiter(|state| &mut state.watch);
        store.set_hostcall_fuel(self.limits.answer_bytes);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| match context.data_mut().watch.epoch() {
            // A yield lets other tasks of this thread run too.
            AtEpoch::GoOn => {
                context.data().yielded.store(true, Ordering::Relaxed);
                Ok(UpdateDeadline::Yield(1))
            }
            AtEpoch::Stop => Ok(UpdateDeadline::Interrupt),
            AtEpoch::Passed(limit) => Err(Passed(limit).into()),
        });
        let instantiated = without_waiting(self.pre.instantiate_async(&mut store), &yielded).await;
        let component = match instantiated {
            Some(Ok(component)) => component,
            Some(Err(error)) => return Err(not_started(&error, limit, &store.data().watch)),
            None => return Err(not_loaded(wasmtime::Error::msg(WAITED))),
        };
        store.data_mut().egress.reach = reach;
        store.data_mut().monitored.is_started = true;
        Ok((store, component, yielded))
    }
}

/// What ends a call that must not wait.
const WAITED: &str = "it waited in a call that must not wait";

/// The outcome of a future that must not wait; none if it does. It may give up the processor.
pub(crate) async fn without_waiting<F: Future>(future: F, yielded: &AtomicBool) -> Option<F::Output> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if yielded.swap(false, Ordering::Relaxed) => Poll::Pending,
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Makes a call on a recorder, within a limit. On an error the instance is lost.
macro_rules! call_recorder {
    ($instance:expr, $limit:expr, |$exports:ident, $store:ident| $call:expr) => {{
        let (instance, limit): (&mut $crate::store::Instance<$crate::exports::Recorder>, std::time::Duration) =
            ($instance, $limit);
        let yielded = instance.begin(limit);
        let outcome = {
            let $exports = &instance.exports;
            let $store = &mut instance.store;
            $crate::store::without_waiting($call, &yielded).await
        };
        instance.ended(outcome, limit)
    }};
}
pub(crate) use call_recorder;

/// Makes a call on a worker, within a limit.
macro_rules! call_worker {
    ($instance:expr, $limit:expr, |$exports:ident, $store:ident| $call:expr) => {{
        let (instance, limit): (&mut $crate::store::Instance<$crate::exports::Worker>, std::time::Duration) =
            ($instance, $limit);
        instance.begin(limit);
        let outcome = {
            let $exports = &instance.exports;
            let $store = &mut instance.store;
            tokio::time::timeout(limit + $crate::store::GRACE, $call).await
        };
        match outcome {
            Ok(outcome) => instance.ended(Some(outcome), limit),
            Err(_) => Err($crate::store::stopped(limit)),
        }
    }};
}
pub(crate) use call_worker;

impl<E> Instance<E> {
    /// Prepares the next call.
    pub(crate) fn begin(&mut self, limit: Duration) -> Arc<AtomicBool> {
        let state = self.store.data_mut();
        state.watch.begin(epochs(limit));
        state.wall_clock.told = 0;
        state.egress.begin();
        state.empty.begin();
        state.monitored.begin(limit);
        self.store.set_epoch_deadline(1);
        self.yielded.store(false, Ordering::Relaxed);
        Arc::clone(&self.yielded)
    }

    /// The outcome of a call; none if it waited and must not.
    pub(crate) fn ended<T>(&self, outcome: Option<wasmtime::Result<T>>, limit: Duration) -> Result<T, Error> {
        match outcome {
            Some(Ok(result)) => Ok(result),
            Some(Err(trap)) => Err(ended(&trap, limit, &self.store.data().watch)),
            None => {
                error!("a recorder waited, and was stopped");
                Err(Error::Crashed { problem: WAITED.into() })
            }
        }
    }
}

impl Instance<Recorder> {
    /// The function `exposition.encode`, whose result stays in the plug's memory.
    pub(crate) fn encode_in_place(&mut self) -> Result<TypedFunc<(Format,), (WasmList<u8>,)>, Error> {
        if let Some(function) = &self.encode_in_place {
            return Ok(*function);
        }
        let Self { store, component, .. } = self;
        let interface = component.get_export_index(&mut *store, None, "plugpipe:monitoring/exposition@1.0.0");
        let function = interface.and_then(|index| component.get_export_index(&mut *store, Some(&index), "encode"));
        let function = function.ok_or(Error::NotExported { interface: "plugpipe:monitoring/exposition" })?;
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
    if trap.downcast_ref::<Trap>() == Some(&Trap::Interrupt) || trap.is::<Overdue>() {
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
