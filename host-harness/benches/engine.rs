//! The metric engine against its peers, in one process: `cargo bench -p plugpipe-harness --bench
//! engine`.
//!
//! The machine is noisy, so every figure is a median over rounds in which each side runs once, in
//! turn; what counts are the ratios. Times are the thread's on the processor, except that of the
//! start. The component's side is what a host sees: through wasmtime, with the bytes copied out,
//! into a buffer that is used again, as prometheus-client's is. Beside it runs the same code
//! without the sandbox. Criterion and divan time one side after the other, and cannot run them in
//! turn; noise that comes and goes makes such ratios useless. Hence the small loop here.
//!
//! `ENGINE_BENCH_QUICK=1` runs a tenth of the rounds; `-- calls updates` after the command runs
//! these parts only.

// A bench that meets what it did not expect should stop there.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use plugpipe_harness::session::{Definition, Format, Label, MetricKind};
use plugpipe_harness::{Grants, Limits, Plug, Session, embedded};
use serde_json::json;
use tokio::runtime::Runtime;

const FAMILIES: usize = 100;

#[global_allocator]
static ALLOCATOR: counted::Counted = counted::Counted;

mod counted {
    //! Counts the bytes that are allocated, while it is asked to.

    use std::alloc::{GlobalAlloc, Layout, System};
    use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering::Relaxed};

    static COUNTING: AtomicBool = AtomicBool::new(false);
    static LIVE: AtomicIsize = AtomicIsize::new(0);

    pub struct Counted;

    fn count(bytes: isize) {
        if COUNTING.load(Relaxed) {
            LIVE.fetch_add(bytes, Relaxed);
        }
    }

    // SAFETY: all is the system's allocator, and counting allocates nothing.
    unsafe impl GlobalAlloc for Counted {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            count(layout.size() as isize);
            // SAFETY: the caller's promises are the system's conditions.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
            count(-(layout.size() as isize));
            // SAFETY: as above.
            unsafe { System.dealloc(place, layout) }
        }

        unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            count(size as isize - layout.size() as isize);
            // SAFETY: as above.
            unsafe { System.realloc(place, layout, size) }
        }

        unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
            count(layout.size() as isize);
            // SAFETY: as above.
            unsafe { System.alloc_zeroed(layout) }
        }
    }

    /// What `make` makes, and how many more bytes are held after it than before.
    pub fn held<T>(make: impl FnOnce() -> T) -> (T, isize) {
        LIVE.store(0, Relaxed);
        COUNTING.store(true, Relaxed);
        let made = make();
        COUNTING.store(false, Relaxed);
        (made, LIVE.load(Relaxed))
    }
}

/// A part of the bench.
type Part = fn(&Runtime, &Plug);

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let plug = embedded().unwrap();
    println!("component: {} bytes\n", plug.size_bytes());
    let parts: [(&str, Part); 6] = [
        ("encoding", encoding),
        ("scale", scale),
        ("memory", memory),
        ("updates", updates),
        ("calls", calls),
        ("start", start),
    ];
    // Cargo itself passes `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, part) in parts {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            part(&runtime, &plug);
        }
    }
}

fn rounds(full: usize) -> usize {
    if std::env::var_os("ENGINE_BENCH_QUICK").is_some() { (full / 10).max(3) } else { full }
}

/// Sides of a comparison: each is run once a round, the first to run changing from round to round.
struct Sides<'a> {
    names: Vec<&'static str>,
    runs: Vec<Box<dyn FnMut(usize) -> Duration + 'a>>,
}

impl<'a> Sides<'a> {
    fn new() -> Self {
        Self { names: Vec::new(), runs: Vec::new() }
    }

    /// `run` does one round and says how long the part to be measured took.
    fn add(&mut self, name: &'static str, run: impl FnMut(usize) -> Duration + 'a) {
        self.names.push(name);
        self.runs.push(Box::new(run));
    }

    /// Medians, and the ratio to `base`. `per` is by how much each time is divided, for times per
    /// item.
    fn compare(mut self, title: &str, base: &str, rounds: usize, per: f64) {
        let mut times = vec![Vec::with_capacity(rounds); self.names.len()];
        for round in 0..rounds + 3 {
            for turn in 0..self.runs.len() {
                let side = (turn + round) % self.runs.len();
                let took = (self.runs[side])(round);
                // The first rounds warm up.
                if round >= 3 {
                    times[side].push(took.as_secs_f64() * 1e9 / per);
                }
            }
        }
        let medians: Vec<f64> = times
            .iter_mut()
            .map(|times| {
                times.sort_by(f64::total_cmp);
                times[times.len() / 2]
            })
            .collect();
        let reference = medians[self.names.iter().position(|name| *name == base).unwrap()];
        println!("{title} ({rounds} rounds)");
        for (name, median) in self.names.iter().zip(&medians) {
            println!("  {name:<44} {median:>14.1} ns   {:>7.3} x", median / reference);
        }
        println!();
    }
}

/// Time on the processor: on a busy machine the clock on the wall adds what others ran for, and
/// more of it to the longer side.
fn timed(run: impl FnOnce()) -> Duration {
    let started = on_processor();
    run();
    on_processor() - started
}

/// For how long this thread has run.
fn on_processor() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock's reading goes to a place that is ours.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn value(index: usize, round: usize) -> f64 {
    // Fractional, and of some sixteen digits, as durations and ratios are.
    ((index * 7_919 + round * 104_729) % 1_000_003) as f64 / 997.0 + 0.1
}

fn session(runtime: &Runtime, plug: &Plug) -> Session {
    let limits = Limits::default().with_memory_bytes(2 << 30).with_call(Duration::from_secs(600));
    runtime.block_on(plug.session(&json!({}), Grants::none(), limits)).unwrap()
}

fn definition(name: String, kind: MetricKind) -> Definition {
    Definition {
        name,
        kind,
        help: Some("A metric of the bench.".into()),
        unit: None,
        label_names: vec!["method".into(), "path".into()],
        buckets: None,
        native: None,
        quantiles: None,
        window_seconds: None,
        states: Vec::new(),
        series_limit: None,
        expire_after_seconds: None,
    }
}

fn labels(series: usize) -> [(&'static str, String); 2] {
    let method = ["GET", "POST", "PUT", "DELETE"][series % 4];
    [("method", method.into()), ("path", format!("/api/v1/items/{series}"))]
}

/// A session that holds `FAMILIES` families of gauges with so many series each, and their handles.
fn filled(runtime: &Runtime, plug: &Plug, each: usize) -> (Session, Vec<u32>) {
    let mut session = session(runtime, plug);
    let mut handles = Vec::with_capacity(FAMILIES * each);
    runtime.block_on(async {
        for family in 0..FAMILIES {
            let family =
                session.register(&definition(format!("bench_metric_{family}"), MetricKind::Gauge)).await.unwrap();
            for series in 0..each {
                let labels: Vec<Label> =
                    labels(series).map(|(name, value)| Label { name: name.into(), value }).into_iter().collect();
                handles.push(session.series_of(family, &labels).await.unwrap());
            }
        }
    });
    (session, handles)
}

fn change(runtime: &Runtime, session: &mut Session, handles: &[u32], round: usize, every: usize) {
    let chosen: Vec<u32> = handles.iter().copied().skip(round % every).step_by(every).collect();
    let values: Vec<f64> = chosen.iter().map(|handle| value(*handle as usize, round)).collect();
    for (handles, values) in chosen.chunks(100_000).zip(values.chunks(100_000)) {
        runtime.block_on(session.record_many(handles, values)).unwrap();
    }
}

/// The plug's own code, without the sandbox.
struct Own {
    registry: monitoring_prometheus::registry::Registry,
    encoder: monitoring_prometheus::exposition::text::Encoder,
    handles: Vec<u32>,
}

impl Own {
    fn new(each: usize) -> Self {
        use monitoring_prometheus::registry::{Definition, Kind, LabelName, MetricName, Registry};

        let mut registry = Registry::default();
        let mut handles = Vec::with_capacity(FAMILIES * each);
        for family in 0..FAMILIES {
            let name = MetricName::new(&format!("bench_metric_{family}"), "name").unwrap();
            let mut definition = Definition::new(name, Kind::Gauge);
            definition.help = Some("A metric of the bench.".into());
            definition.label_names =
                ["method", "path"].map(|label| LabelName::new(label, "labels").unwrap()).into_iter().collect();
            let family = registry.register(definition).unwrap();
            for series in 0..each {
                let [(_, method), (_, path)] = labels(series);
                handles.push(registry.series(family, &[&method, &path]).unwrap().raw());
            }
        }
        Self { registry, encoder: Default::default(), handles }
    }

    fn change(&mut self, round: usize, every: usize) {
        let chosen: Vec<u32> = self.handles.iter().copied().skip(round % every).step_by(every).collect();
        let values: Vec<f64> = chosen.iter().map(|handle| value(*handle as usize, round)).collect();
        self.registry.record_many(&chosen, &values).unwrap();
    }

    fn encode(&mut self) -> Duration {
        use monitoring_prometheus::exposition::escaping::Escaping;

        timed(|| {
            black_box(self.encoder.encode(&self.registry, Escaping::default()).unwrap());
        })
    }
}

mod peers {
    //! The same data in the native clients.

    use std::sync::atomic::AtomicU64;
    use std::time::Duration;

    use super::{FAMILIES, labels, timed, value};

    pub struct PrometheusClient {
        registry: prometheus_client::registry::Registry,
        gauges: Vec<prometheus_client::metrics::gauge::Gauge<f64, AtomicU64>>,
        text: String,
    }

    type ClientFamily = prometheus_client::metrics::family::Family<
        Vec<(String, String)>,
        prometheus_client::metrics::gauge::Gauge<f64, AtomicU64>,
    >;

    impl PrometheusClient {
        pub fn new(each: usize) -> Self {
            let mut registry = prometheus_client::registry::Registry::default();
            let mut gauges = Vec::new();
            for family in 0..FAMILIES {
                let metric = ClientFamily::default();
                registry.register(format!("bench_metric_{family}"), "A metric of the bench", metric.clone());
                for series in 0..each {
                    let labels = labels(series).map(|(name, value)| (name.to_owned(), value)).to_vec();
                    gauges.push(metric.get_or_create_owned(&labels));
                }
            }
            Self { registry, gauges, text: String::new() }
        }

        pub fn change(&self, round: usize, every: usize) {
            for (index, gauge) in self.gauges.iter().enumerate().skip(round % every).step_by(every) {
                gauge.set(value(index, round));
            }
        }

        pub fn encode(&mut self) -> Duration {
            timed(|| {
                self.text.clear();
                prometheus_client::encoding::text::encode(&mut self.text, &self.registry).unwrap();
                std::hint::black_box(&self.text);
            })
        }

        pub fn bytes(&self) -> usize {
            self.text.len()
        }
    }

    pub struct Tikv {
        registry: prometheus::Registry,
        gauges: Vec<prometheus::Gauge>,
    }

    impl Tikv {
        pub fn new(each: usize) -> Self {
            let registry = prometheus::Registry::new();
            let mut gauges = Vec::new();
            for family in 0..FAMILIES {
                let options = prometheus::Opts::new(format!("bench_metric_{family}"), "A metric of the bench.");
                let metric = prometheus::GaugeVec::new(options, &["method", "path"]).unwrap();
                registry.register(Box::new(metric.clone())).unwrap();
                for series in 0..each {
                    let [(_, method), (_, path)] = labels(series);
                    gauges.push(metric.with_label_values(&[&method, &path]));
                }
            }
            Self { registry, gauges }
        }

        pub fn change(&self, round: usize, every: usize) {
            for (index, gauge) in self.gauges.iter().enumerate().skip(round % every).step_by(every) {
                gauge.set(value(index, round));
            }
        }

        pub fn encode(&self) -> Duration {
            timed(|| {
                std::hint::black_box(prometheus::TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap());
            })
        }
    }

    pub struct Metrics {
        recorder: metrics_exporter_prometheus::PrometheusRecorder,
        gauges: Vec<metrics::Gauge>,
    }

    impl Metrics {
        pub fn new(each: usize) -> Self {
            use metrics::Recorder as _;

            let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
            let metadata = metrics::Metadata::new("bench", metrics::Level::INFO, None);
            let mut gauges = Vec::new();
            for family in 0..FAMILIES {
                for series in 0..each {
                    let labels: Vec<metrics::Label> =
                        labels(series).into_iter().map(|(name, value)| metrics::Label::new(name, value)).collect();
                    let key = metrics::Key::from_parts(format!("bench_metric_{family}"), labels);
                    gauges.push(recorder.register_gauge(&key, &metadata));
                }
            }
            Self { recorder, gauges }
        }

        pub fn change(&self, round: usize, every: usize) {
            for (index, gauge) in self.gauges.iter().enumerate().skip(round % every).step_by(every) {
                gauge.set(value(index, round));
            }
        }

        pub fn encode(&self) -> Duration {
            timed(|| {
                std::hint::black_box(self.recorder.handle().render());
            })
        }
    }
}

const CLIENT: &str = "prometheus-client, native";

/// 10,000 series: all values changed, one in ten, none.
fn encoding(runtime: &Runtime, plug: &Plug) {
    let each = 100;
    let (mut session, handles) = filled(runtime, plug, each);
    let mut own = Own::new(each);
    let mut client = peers::PrometheusClient::new(each);
    let tikv = peers::Tikv::new(each);
    let metrics = peers::Metrics::new(each);
    let mut text = Vec::new();
    for (every, title) in
        [(1, "every value changed"), (10, "one value in ten changed"), (usize::MAX, "no value changed")]
    {
        let mut sides = Sides::new();
        let step = every.min(handles.len() * 1_000);
        let changes = every != usize::MAX;
        sides.add("the component, through wasmtime", |round| {
            if changes {
                change(runtime, &mut session, &handles, round, step);
            }
            timed(|| {
                runtime.block_on(session.encode_into(Format::Text, &mut text)).unwrap();
                black_box(&text);
            })
        });
        sides.add("the same code, native, not copied", |round| {
            if changes {
                own.change(round, step);
            }
            own.encode()
        });
        sides.add(CLIENT, |round| {
            if changes {
                client.change(round, step);
            }
            client.encode()
        });
        if every == 1 {
            sides.add("prometheus (tikv), native", |round| {
                tikv.change(round, step);
                tikv.encode()
            });
            sides.add("metrics-exporter-prometheus, native", |round| {
                metrics.change(round, step);
                metrics.encode()
            });
        }
        sides.compare(&format!("encode 10,000 series as text, {title}"), CLIENT, rounds(200), 1.0);
    }
    println!("  ({} bytes; prometheus-client {})\n", text.len(), client.bytes());
}

/// The cost of a series does not grow with their number.
fn scale(runtime: &Runtime, plug: &Plug) {
    let mut small = filled(runtime, plug, 100);
    let mut large = filled(runtime, plug, 10_000);
    let mut times = [Vec::new(), Vec::new()];
    let mut texts = [Vec::new(), Vec::new()];
    for round in 0..rounds(30) + 3 {
        for (index, (session, handles)) in [&mut small, &mut large].into_iter().enumerate() {
            // As many encodings of the small one as make the same number of series would be cached
            // differently; one each is enough.
            change(runtime, session, handles, round, 1);
            let took = timed(|| {
                runtime.block_on(session.encode_into(Format::Text, &mut texts[index])).unwrap();
                black_box(&texts[index]);
            });
            // The first rounds warm up.
            if round >= 3 {
                times[index].push(took.as_secs_f64() * 1e9 / handles.len() as f64);
            }
        }
    }
    let [small, large] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!(
        "encode per series, every value changed: {small:.1} ns of 10,000, {large:.1} ns of 1,000,000: {:.2} x\n",
        large / small
    );
}

/// Memory of 100,000 series with two labels.
fn memory(runtime: &Runtime, plug: &Plug) {
    let each = 1_000;
    let (mut session, handles) = filled(runtime, plug, each);
    change(runtime, &mut session, &handles, 1, 1);
    let recorded = session.memory_bytes();
    let mut text = Vec::new();
    runtime.block_on(session.encode_into(Format::Text, &mut text)).unwrap();
    let encoded = session.memory_bytes();
    drop(session);
    let (mut own, own_recorded) = counted::held(|| {
        let mut own = Own::new(each);
        own.change(1, 1);
        own
    });
    let ((), own_encoded) = counted::held(|| {
        own.encode();
    });
    let (mut client, client_recorded) = counted::held(|| {
        let client = peers::PrometheusClient::new(each);
        client.change(1, 1);
        client
    });
    let ((), client_encoded) = counted::held(|| {
        client.encode();
    });
    let mega = |bytes: f64| bytes / 1e6;
    println!(
        "memory of 100,000 series with two labels: what was recorded, and what is kept besides of {} bytes of text",
        text.len()
    );
    for (name, recorded, kept) in [
        ("the component's linear memory", recorded as f64, (encoded - recorded) as f64),
        ("the same code, native", own_recorded as f64, own_encoded as f64),
        (CLIENT, client_recorded as f64, client_encoded as f64),
    ] {
        println!("  {name:<44} {:>8.1} MB + {:>6.1} MB", mega(recorded), mega(kept));
    }
    println!();
}

/// Updates by handle, and one labelled increment in the peers.
fn updates(runtime: &Runtime, plug: &Plug) {
    let (mut session, handles) = filled(runtime, plug, 100);
    let chosen: Vec<u32> = handles.iter().copied().step_by(10).take(1_000).collect();
    let values: Vec<f64> = (0..1_000).map(|index| value(index, 1)).collect();
    let mut own = Own::new(100);
    let registry = prometheus::Registry::new();
    let vector = prometheus::CounterVec::new(prometheus::Opts::new("c", "h"), &["method", "path"]).unwrap();
    registry.register(Box::new(vector.clone())).unwrap();
    let family = prometheus_client::metrics::family::Family::<
        Vec<(String, String)>,
        prometheus_client::metrics::counter::Counter,
    >::default();
    let key = vec![("method".to_owned(), "GET".to_owned()), ("path".to_owned(), "/api/v1/items/7".to_owned())];
    let mut sides = Sides::new();
    sides.add("record-many of 1,000 by handle, component", |_| {
        // Several, so that reading the clock does not count.
        timed(|| {
            for _ in 0..10 {
                runtime.block_on(session.record_many(&chosen, &values)).unwrap();
            }
        }) / 10
    });
    sides.add("record-many of 1,000 by handle, native", |_| {
        timed(|| {
            for _ in 0..10 {
                own.registry.record_many(black_box(&chosen), &values).unwrap();
            }
        }) / 10
    });
    sides.add("1,000 labelled increments, prometheus", |_| {
        timed(|| {
            for _ in 0..1_000 {
                black_box(&vector).with_label_values(&["GET", "/api/v1/items/7"]).inc();
            }
        })
    });
    sides.add("1,000 labelled increments, prometheus-client", |_| {
        timed(|| {
            for _ in 0..1_000 {
                black_box(&family).get_or_create(&key).inc();
            }
        })
    });
    sides.compare("one update", "record-many of 1,000 by handle, component", rounds(2_000), 1_000.0);
}

/// Single calls, against one that does nothing.
fn calls(runtime: &Runtime, plug: &Plug) {
    const EMPTY: &str = "an empty call";
    const CALLS: usize = 1_000;
    let (mut session, handles) = filled(runtime, plug, 1);
    let mut json_session = self::session(runtime, plug);
    let mut empty = empty::Empty::new(runtime);
    let mut varied_session = self::session(runtime, plug);
    let ctx = r#"{"operation":"record_counter","metric_name":"jobs_total","metric_value":1,"labels":{"method":"GET","path":"/"}}"#;
    // The series are there, and each call is for another one, with another value.
    let varied: Vec<String> = (0..CALLS)
        .map(|index| {
            let [(_, method), (_, path)] = labels(index % 200);
            let value = (index * 7_919 % 10_007) as f64 / 8.0;
            format!(
                r#"{{"operation": "record_counter", "metric_name": "jobs_total", "metric_value": {value}, "labels": {{"method": "{method}", "path": "{path}"}}}}"#
            )
        })
        .collect();
    let mut sides = Sides::new();
    sides.add(EMPTY, |_| {
        timed(|| {
            runtime.block_on(async {
                for _ in 0..CALLS {
                    empty.call().await;
                }
            });
        })
    });
    sides.add("add by handle", |round| {
        timed(|| {
            runtime.block_on(async {
                for index in 0..CALLS {
                    black_box(session.add(handles[index % handles.len()], round as f64).await.unwrap());
                }
            });
        })
    });
    sides.add("process, record_counter with two labels", |_| {
        timed(|| {
            runtime.block_on(async {
                for _ in 0..CALLS {
                    black_box(json_session.process(ctx, "").await.unwrap());
                }
            });
        })
    });
    sides.add("process, another series and value each time", |_| {
        timed(|| {
            runtime.block_on(async {
                for ctx in &varied {
                    black_box(varied_session.process(ctx, "").await.unwrap());
                }
            });
        })
    });
    sides.compare("one call through wasmtime", EMPTY, rounds(300), CALLS as f64);
}

mod empty {
    //! A component whose one function does nothing, called as [`plugpipe_harness::Session`] calls a
    //! plug: asynchronously, with a limit on its time.

    use std::time::Duration;

    use tokio::runtime::Runtime;
    use wasmtime::component::{Component, Linker, TypedFunc};
    use wasmtime::{Config, Engine, Store, UpdateDeadline};

    pub struct Empty {
        store: Store<()>,
        function: TypedFunc<(), ()>,
    }

    impl Empty {
        pub fn new(runtime: &Runtime) -> Self {
            let mut config = Config::new();
            config.epoch_interruption(true);
            let engine = Engine::new(&config).unwrap();
            let component = r#"(component
                (core module $m (func (export "f")))
                (core instance $i (instantiate $m))
                (func (export "f") (canon lift (core func $i "f"))))"#;
            let component = Component::new(&engine, wat::parse_str(component).unwrap()).unwrap();
            let mut store = Store::new(&engine, ());
            store.set_epoch_deadline(1);
            store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
            let instance = runtime.block_on(Linker::new(&engine).instantiate_async(&mut store, &component)).unwrap();
            let function = instance.get_typed_func(&mut store, "f").unwrap();
            Self { store, function }
        }

        pub async fn call(&mut self) {
            self.store.set_epoch_deadline(1);
            let call = self.function.call_async(&mut self.store, ());
            tokio::time::timeout(Duration::from_secs(60), call).await.unwrap().unwrap();
        }
    }
}

/// From the compiled component on disk to the first record.
fn start(runtime: &Runtime, plug: &Plug) {
    drop(plug.clone());
    let mut times: Vec<f64> = (0..rounds(50).max(10))
        .map(|_| {
            let started = Instant::now();
            let plug = embedded().unwrap();
            let mut session = session(runtime, &plug);
            let recorded = runtime.block_on(session.record("jobs_total", MetricKind::Counter, &[], 1.0));
            black_box(recorded.unwrap());
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("load from the cache, instantiate, first record: {:.2} ms", times[times.len() / 2]);
}
