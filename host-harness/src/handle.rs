//! A running plug. One task owns its store; handles send it calls and wait for the answers, in order.
//!
//! A trap poisons a whole store. The task then drops it and the next call gets a fresh instance.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error};
use wasmtime::component::ResourceTable;
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline};
use wasmtime_wasi::clocks::{WasiClocksCtx, WasiClocksCtxView, WasiClocksView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::error::Error;
use crate::grants::Grants;
use crate::outbound::Outbound;
use crate::plug::bindings::{MonitoringHost, MonitoringHostPre};

/// Calls that may wait for a plug before further ones have to wait to be taken.
const QUEUE: usize = 1_024;

/// How long a call that waits on the host may outlive its deadline, before it is taken from the outside. From the inside it is
/// stopped at the deadline.
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
    limits: StoreLimits,
    /// When the running call must be over.
    deadline: Instant,
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

/// A running plug. Cheap to clone; calls from all clones are taken in the order they come.
#[derive(Clone)]
pub struct PlugHandle {
    calls: mpsc::Sender<(Call, oneshot::Sender<Result<String, Error>>)>,
}

/// What the plug's interface offers.
enum Call {
    Process { ctx: String, cfg: String },
    HealthCheck,
    Cleanup,
    Describe,
}

impl PlugHandle {
    /// Runs one operation with the configuration that the plug was started with. An operation that fails is an `Ok` answer
    /// with `success: false`.
    pub async fn process(&self, ctx: &Value) -> Result<Value, Error> {
        json(&self.process_text(ctx.to_string(), String::new()).await?)
    }

    /// Runs one operation: `ctx` and `cfg` go to the plug as they are, and so comes its answer. An empty `cfg` keeps the last one.
    pub async fn process_text(&self, ctx: String, cfg: String) -> Result<String, Error> {
        self.call(Call::Process { ctx, cfg }).await
    }

    /// Asks every configured server whether it is well.
    pub async fn health_check(&self) -> Result<Value, Error> {
        json(&self.call(Call::HealthCheck).await?)
    }

    /// Makes the plug forget what it recorded, and its configuration.
    pub async fn cleanup(&self) -> Result<Value, Error> {
        json(&self.call(Call::Cleanup).await?)
    }

    /// What the plug says of itself.
    pub async fn describe(&self) -> Result<Value, Error> {
        json(&self.call(Call::Describe).await?)
    }

    async fn call(&self, call: Call) -> Result<String, Error> {
        let (reply, answer) = oneshot::channel();
        self.calls.send((call, reply)).await.map_err(|_| Error::Ended)?;
        answer.await.map_err(|_| Error::Ended)?
    }
}

fn json(answer: &str) -> Result<Value, Error> {
    serde_json::from_str(answer).map_err(|error| Error::Answer { problem: error.to_string() })
}

pub(crate) async fn start(
    pre: MonitoringHostPre<State>,
    config: &Value,
    grants: Grants,
    limits: Limits,
) -> Result<PlugHandle, Error> {
    let maker = Maker { pre, config: config.to_string(), grants: Arc::new(grants), limits };
    // The first instance is made here, so that what is wrong with the component is said at once.
    let instance = Some(maker.instantiate().await?);
    let (calls, queue) = mpsc::channel(QUEUE);
    tokio::spawn(Actor { maker, instance }.run(queue));
    Ok(PlugHandle { calls })
}

/// Owns the store of one plug.
struct Actor {
    maker: Maker,
    /// None after a crash, until the next call.
    instance: Option<Instance>,
}

/// All that is needed for a fresh instance.
struct Maker {
    pre: MonitoringHostPre<State>,
    config: String,
    grants: Arc<Grants>,
    limits: Limits,
}

struct Instance {
    store: Store<State>,
    plug: MonitoringHost,
    /// Whether the plug has been told its configuration.
    configured: bool,
}

impl Actor {
    async fn run(mut self, mut queue: mpsc::Receiver<(Call, oneshot::Sender<Result<String, Error>>)>) {
        while let Some((call, reply)) = queue.recv().await {
            let answer = self.answer(call).await;
            // Who asked may have gone; the call was made all the same.
            let _ = reply.send(answer);
        }
        debug!("the last handle is gone; the plug ends");
    }

    async fn answer(&mut self, call: Call) -> Result<String, Error> {
        let mut instance = match self.instance.take() {
            Some(instance) => instance,
            None => self.maker.instantiate().await?,
        };
        let limit = self.maker.limits.call;
        instance.store.data_mut().deadline = Instant::now() + limit;
        instance.store.set_epoch_deadline(1);
        match tokio::time::timeout(limit + GRACE, instance.call(call, &self.maker.config)).await {
            Ok(Ok(answer)) => {
                self.instance = Some(instance);
                Ok(answer)
            }
            // The instance, poisoned, is dropped with this scope.
            Ok(Err(trap)) if Instant::now() < instance.store.data().deadline => {
                error!(problem = %format!("{trap:#}"), "the plug crashed");
                Err(Error::Crashed { problem: trap.root_cause().to_string() })
            }
            Ok(Err(_)) | Err(_) => {
                error!(after = ?limit, "a call was stopped");
                Err(Error::Deadline { after: limit })
            }
        }
    }
}

impl Maker {
    async fn instantiate(&self) -> Result<Instance, Error> {
        let state = State {
            table: ResourceTable::new(),
            http: WasiHttpCtx::new(),
            outbound: Outbound::new(Arc::clone(&self.grants)),
            clocks: WasiClocksCtx::default(),
            limits: StoreLimitsBuilder::new()
                .memory_size(self.limits.memory_bytes)
                .memories(1)
                .instances(16)
                .tables(16)
                .build(),
            deadline: Instant::now() + self.limits.call,
        };
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|context| {
            if Instant::now() < context.data().deadline {
                // Lets other tasks of this thread run too.
                Ok(UpdateDeadline::Yield(1))
            } else {
                Ok(UpdateDeadline::Interrupt)
            }
        });
        let plug = self
            .pre
            .instantiate_async(&mut store)
            .await
            .map_err(|error| Error::Load { plug: "the plug".into(), problem: format!("{error:#}") })?;
        Ok(Instance { store, plug, configured: false })
    }
}

impl Instance {
    async fn call(&mut self, call: Call, config: &str) -> wasmtime::Result<String> {
        let plug = self.plug.plugpipe_monitoring_plug();
        let store = &mut self.store;
        if !self.configured && !matches!(call, Call::Describe) {
            // A configuration that is not valid is said in the answer of each call that needs it: here it is only handed over.
            plug.call_process(&mut *store, r#"{"operation":"describe"}"#, config).await?;
            self.configured = true;
        }
        match call {
            Call::Process { ctx, cfg } => plug.call_process(store, &ctx, &cfg).await,
            Call::HealthCheck => plug.call_health_check(store).await,
            Call::Cleanup => plug.call_cleanup(store).await,
            Call::Describe => plug.call_describe(store).await,
        }
    }
}
