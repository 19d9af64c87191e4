//! The host of docs/hosting.md: any plug in plain wasmtime, by `plugpipe:plug` alone. The page's
//! blocks are parts of this file, line by line: xtask/tests/repository/documents.rs compares.
//! Nothing of the crate that this test belongs to is used.

mod sandbox {
    use http_body_util::BodyExt as _;
    use wasmtime::component::ResourceTable;
    use wasmtime::{Result, Store, StoreLimits, StoreLimitsBuilder};
    use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
    use wasmtime_wasi_http::{
        Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
        default_send_request,
    };

    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package example:host;
            world any-plug {
                export plugpipe:plug/plug@1.0.0;
                export plugpipe:plug/hosting@1.0.0;
                export plugpipe:plug/state@1.0.0;
            }
        ",
        exports: { default: async },
    });

    /// What an instance has: clocks, HTTP to some origins, and no more memory than this.
    pub(crate) struct Guest {
        table: ResourceTable,
        wasi: WasiCtx,
        http: WasiHttpCtx,
        reach: Reach,
        limits: StoreLimits,
    }

    /// The origins that an instance may reach; none for the recorder.
    struct Reach(Vec<String>);

    type Done = Box<dyn Future<Output = Result<(), Error>> + Send>;
    type Exchange = Result<(http::Response<WasiBody>, Done), Error>;

    impl WasiHttpHooks for Reach {
        fn send_request(
            &mut self,
            request: http::Request<WasiBody>,
            options: Option<RequestOptions>,
            _: Done,
        ) -> Box<dyn Future<Output = Exchange> + Send> {
            let uri = request.uri();
            let scheme = uri.scheme_str().unwrap_or("https");
            let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
            let is_allowed = self.0.contains(&format!("{scheme}://{}:{port}", uri.host().unwrap_or_default()));
            Box::new(async move {
                if !is_allowed {
                    return Err(Error::HttpRequestDenied);
                }
                let (response, connection) = default_send_request(request, options).await?;
                Ok((response.map(|body| body.boxed_unsync()), Box::new(connection) as Done))
            })
        }
    }

    impl WasiView for Guest {
        fn ctx(&mut self) -> WasiCtxView<'_> {
            WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
        }
    }

    impl WasiHttpView for Guest {
        fn http(&mut self) -> WasiHttpCtxView<'_> {
            WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.reach }
        }
    }

    /// A fresh instance of the plug.
    pub(crate) async fn instance(plug: &AnyPlugPre<Guest>, origins: Vec<String>) -> Result<(Store<Guest>, AnyPlug)> {
        let guest = Guest {
            table: ResourceTable::new(),
            wasi: WasiCtx::default(),
            http: WasiHttpCtx::new(),
            reach: Reach(origins),
            limits: StoreLimitsBuilder::new().memory_size(256 << 20).build(),
        };
        let mut store = Store::new(plug.engine(), guest);
        store.limiter(|guest| &mut guest.limits);
        // One that computes for ever gives the thread back now and then, so that it can be dropped.
        store.set_fuel(u64::MAX)?;
        store.fuel_async_yield_interval(Some(1_000_000))?;
        let instance = plug.instantiate_async(&mut store).await?;
        Ok((store, instance))
    }
}

mod host {
    use std::collections::HashMap;
    use std::hash::{BuildHasher as _, RandomState};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use tokio::task::{AbortHandle, JoinSet};
    use tokio::time::{Instant, sleep_until, timeout};
    use wasmtime::component::{Component, Linker};
    use wasmtime::{Config, Engine, Result, Store};

    use super::sandbox::exports::plugpipe::plug::hosting::{
        Answer, Due, FileProblem, Moment, Outcome, Request, Step, Work,
    };
    use super::sandbox::{AnyPlug, AnyPlugPre, Guest, instance};

    /// Compiles a plug, once for all its instances.
    pub(crate) fn compile(component: &[u8]) -> Result<AnyPlugPre<Guest>> {
        let engine = Engine::new(Config::new().consume_fuel(true))?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi_http::p2::add_to_linker_async(&mut linker)?;
        AnyPlugPre::new(linker.instantiate_pre(&Component::new(&engine, component)?)?)
    }

    /// A plug, its recorder, and the jobs that run for it.
    pub(crate) struct Host {
        plug: AnyPlugPre<Guest>,
        granted: Vec<String>,
        store: Store<Guest>,
        recorder: AnyPlug,
        last_ticket: u64,
        last_nanos: u64,
        /// Lanes that have work, and when it may be taken.
        due: HashMap<String, (Instant, Due)>,
        running: HashMap<String, AbortHandle>,
        jobs: JoinSet<Outcome>,
        /// Tickets without an answer, and how long they may wait.
        open: HashMap<u64, Instant>,
        answers: HashMap<u64, Answer>,
    }

    impl Host {
        /// A host of one plug, whose jobs may reach the origins that are granted.
        pub(crate) async fn new(plug: AnyPlugPre<Guest>, granted: Vec<String>) -> Result<Self> {
            let (store, recorder) = instance(&plug, Vec::new()).await?;
            let (due, running, open, answers) = Default::default();
            let (last_ticket, last_nanos, jobs) = (0, 0, JoinSet::new());
            Ok(Self { plug, granted, store, recorder, last_ticket, last_nanos, due, running, jobs, open, answers })
        }

        /// Gives the recorder a request, and returns its ticket.
        pub(crate) async fn start(&mut self, what: &Request, cfg: &str) -> Result<u64> {
            let (at, hosting) = (self.now(), self.recorder.plugpipe_plug_hosting());
            self.last_ticket += 1;
            let ticket = self.last_ticket;
            let step = in_time(1_000, hosting.call_start(&mut self.store, ticket, what, cfg, at)).await?;
            self.open.insert(ticket, after(step.patience_ms));
            self.apply(step);
            Ok(ticket)
        }

        /// Works until this ticket has its answer.
        pub(crate) async fn answer(&mut self, ticket: u64) -> Result<Answer> {
            loop {
                let now = Instant::now();
                self.take(now).await?;
                if let Some(answer) = self.answers.remove(&ticket) {
                    return Ok(answer);
                }
                let pauses = self.due.values().map(|(until, _)| until).filter(|until| **until > now);
                let next = pauses.chain(self.open.values()).min().copied();
                tokio::select! {
                    Some(ended) = self.jobs.join_next_with_id() => {
                        let (id, outcome) = ended.unwrap_or_else(|lost| (lost.id(), Outcome::Lost(lost.to_string())));
                        let lane = self.running.extract_if(|_, job| job.id() == id).next();
                        let (at, hosting) = (self.now(), self.recorder.plugpipe_plug_hosting());
                        let Some((lane, _)) = lane else { continue };
                        let step = in_time(1_000, hosting.call_complete(&mut self.store, &lane, &outcome, at)).await?;
                        self.apply(step);
                    }
                    () = sleep_until(next.unwrap_or_else(|| after(1_000))) => {
                        let late = self.open.extract_if(|_, until| *until <= Instant::now()).next();
                        let (at, hosting) = (self.now(), self.recorder.plugpipe_plug_hosting());
                        let Some((ticket, _)) = late else { continue };
                        let step = in_time(1_000, hosting.call_release(&mut self.store, ticket, at)).await?;
                        self.apply(step);
                    }
                }
            }
        }

        /// Takes the jobs of lanes whose pause is over and whose last job is complete, at most 64,
        /// and has them carried out.
        async fn take(&mut self, now: Instant) -> Result<()> {
            let is_ready = |lane: &String, due: &mut (Instant, Due)| due.0 <= now && !self.running.contains_key(lane);
            let ready: Vec<_> = self.due.extract_if(is_ready).take(64 - self.running.len()).collect();
            for (lane, (_, due)) in ready {
                let (at, hosting) = (self.now(), self.recorder.plugpipe_plug_hosting());
                let Some(job) = in_time(1_000, hosting.call_take(&mut self.store, &lane, at)).await? else { continue };
                let origins = due.origins.into_iter().filter(|origin| self.granted.contains(origin)).collect();
                let job = match job.work {
                    Work::Run(job) => self.jobs.spawn(work(self.plug.clone(), origins, due.limit_ms, job)),
                    Work::PutFile(_) => self.jobs.spawn(async { Outcome::FilePut(Err(FileProblem::NotGranted)) }),
                };
                self.running.insert(lane, job);
            }
            Ok(())
        }

        /// A host with a journal writes the call down first, if it `changed` the state.
        fn apply(&mut self, step: Step) {
            for (ticket, answer) in step.answers {
                self.open.remove(&ticket);
                self.answers.insert(ticket, answer);
            }
            self.due.extend(step.due.into_iter().map(|due| (due.lane.clone(), (after(due.pause_ms), due))));
            step.stop.iter().filter_map(|lane| self.running.get(lane)).for_each(AbortHandle::abort);
        }

        fn now(&mut self) -> Moment {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64);
            self.last_nanos = self.last_nanos.max(now);
            Moment { unix_nanos: self.last_nanos, seed: RandomState::new().hash_one(now), again: false }
        }
    }

    /// Carries out a job in a worker.
    async fn work(plug: AnyPlugPre<Guest>, origins: Vec<String>, limit_ms: u32, job: Vec<u8>) -> Outcome {
        let run = async {
            let (mut store, worker) = instance(&plug, origins).await?;
            worker.plugpipe_plug_hosting().call_run(&mut store, &job).await
        };
        in_time(limit_ms, run).await.map_or_else(|error| Outcome::Lost(error.to_string()), Outcome::Ran)
    }

    async fn in_time<T>(limit_ms: u32, call: impl Future<Output = Result<T>>) -> Result<T> {
        timeout(Duration::from_millis(limit_ms.into()), call).await?
    }

    fn after(ms: u32) -> Instant {
        Instant::now() + Duration::from_millis(ms.into())
    }
}

use std::sync::LazyLock;
use std::time::Duration;

use crate::support::Server;
use host::Host;
use sandbox::exports::plugpipe::plug::hosting::{Answer, Request};
use sandbox::{AnyPlugPre, Guest};
use serde_json::{Value, json};

async fn host(granted: &[&str]) -> Host {
    static PLUG: LazyLock<AnyPlugPre<Guest>> = LazyLock::new(|| host::compile(crate::support::component()).unwrap());
    let granted = granted.iter().map(|origin| (*origin).to_owned()).collect();
    Host::new(PLUG.clone(), granted).await.unwrap()
}

async fn start(host: &mut Host, ctx: Value, cfg: Value) -> u64 {
    host.start(&Request::Call(ctx.to_string()), &cfg.to_string()).await.unwrap()
}

async fn done(host: &mut Host, ctx: Value) -> Answer {
    let ticket = start(host, ctx, Value::Null).await;
    host.answer(ticket).await.unwrap()
}

#[tokio::test]
async fn a_request_without_a_server_is_answered_at_once() {
    let mut host = host(&[]).await;
    for puts in 1..4 {
        let answer = done(&mut host, json!({"operation": "put", "key": "a", "text": "b"})).await;
        assert!(answer.error.is_none(), "{answer:?}");
        assert_eq!(done(&mut host, json!({"operation": "count_puts", "key": "a"})).await.body, puts.to_string());
    }
}

#[tokio::test]
async fn a_body_is_passed_on_whatever_it_is() {
    let answer = done(&mut host(&[]).await, json!({"operation": "random"})).await;
    assert!(answer.error.is_none() && serde_json::from_str::<Value>(&answer.body).is_err(), "{answer:?}");
}

#[tokio::test]
async fn values_are_recorded_while_a_server_is_slow() {
    let server = Server::closed().await;
    let mut host = host(&[&server.url]).await;
    let put = |text: &str| json!({"operation": "put", "key": "a", "text": text, "wait": true});
    let first = start(&mut host, put("first"), json!({"servers": [server.url]})).await;
    // Its job is taken and does not end: the lane of the second is not free.
    assert!(tokio::time::timeout(Duration::from_millis(300), host.answer(first)).await.is_err());
    let second = start(&mut host, put("second"), Value::Null).await;
    assert_eq!(done(&mut host, json!({"operation": "count_puts", "key": "a"})).await.body, "2");
    server.let_through(2);
    for ticket in [first, second] {
        let answer = host.answer(ticket).await.unwrap();
        assert!(answer.error.is_none(), "{answer:?}");
    }
    assert_eq!(server.bodies(), ["a=1 first\n", "a=2 second\n"]);
}

#[tokio::test]
async fn a_worker_reaches_what_is_granted_and_named() {
    let server = Server::open().await;
    let ask = |origins: &[&str]| json!({"operation": "ask", "url": server.url, "text": "hello", "origins": origins});
    assert_eq!(done(&mut host(&[&server.url]).await, ask(&[&server.url])).await.body, "hello");
    for (granted, named) in [(&[][..], &[&*server.url][..]), (&[&*server.url], &[])] {
        let answer = done(&mut host(granted).await, ask(named)).await;
        assert!(answer.body.contains("HttpRequestDenied"), "{answer:?}");
    }
    assert_eq!(server.bodies(), ["hello"]);
}

#[tokio::test]
async fn a_job_that_traps_or_takes_too_long_is_lost() {
    let server = Server::closed().await;
    let mut host = host(&[&server.url]).await;
    for extra in [json!({"trap": "run"}), json!({"limit_ms": 200})] {
        let mut ctx = json!({"operation": "ask", "url": server.url});
        ctx.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let answer = done(&mut host, ctx).await;
        assert!(answer.error.is_some(), "{answer:?}");
    }
    assert!(done(&mut host, json!({"operation": "put", "key": "a"})).await.error.is_none());
}

#[tokio::test]
async fn a_ticket_is_released_once_its_patience_is_over() {
    let mut host = host(&[]).await;
    let answer = done(&mut host, json!({"operation": "hold", "patience_ms": 100})).await;
    assert_eq!(answer.error.unwrap().message, "released");
}

#[tokio::test]
async fn a_recorder_that_waits_or_computes_for_ever_is_ended() {
    for operation in ["wait", "spin"] {
        let mut host = host(&[]).await;
        let call = Request::Call(json!({"operation": operation}).to_string());
        assert!(host.start(&call, "").await.is_err());
    }
}
