//! The host protocol: what a server that never responds costs the others, records beside slow
//! pushes, and updates from another plug: `cargo bench -p plugpipe-harness --bench hosting`.
//!
//! Each part prints what is measured and a figure that is comparable between builds: run two builds
//! in turn, several times, and compare medians. Client, servers and host share the machine.
//!
//! `-- hanging pushes records importer` after the command runs these parts only;
//! `HOSTING_BENCH_QUICK=1` runs a tenth of the rounds.

// A bench that meets what it did not expect should stop there.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use plugpipe_harness::session::{MetricKind, Outcome};
use plugpipe_harness::{Grants, Limits, Plug, PlugHandle, Session, embedded};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Servers beside the one that never responds.
const SERVERS: usize = 63;

/// How long each takes.
const TAKES: Duration = Duration::from_millis(50);

/// Queries that wait for the one that never responds.
const HANGING: usize = 16;

const RECORD: &str = r#"{"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1, "labels": {"queue": "mail", "region": "eu"}}"#;
const UNPUSHED: &str = r#"{"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1, "labels": {"queue": "mail", "region": "eu"}, "push_policy": "manual"}"#;

/// What differs between builds that are compared.
mod api {
    use plugpipe_harness::{Grants, Plug, PlugHandle, Session};
    use serde_json::Value;

    pub(super) async fn process(plug: &PlugHandle, ctx: &str) {
        let answer = plug.process(ctx, "").await.unwrap();
        assert!(answer.is_ok(), "{answer:?}");
    }

    /// What it answers.
    pub(super) async fn body(plug: &PlugHandle, ctx: &str) -> String {
        plug.process(ctx, "").await.unwrap().body
    }

    /// The same, whatever comes of it.
    pub(super) async fn ask(plug: &PlugHandle, ctx: &str) {
        let _ = plug.process(ctx, "").await;
    }

    pub(super) async fn process_in(session: &mut Session, ctx: &str) {
        assert!(session.process(ctx, "").await.unwrap().is_ok());
    }

    pub(super) async fn named_by(plug: &Plug, config: &Value) -> Grants {
        Grants::named_by(config, &plug.describe().await.unwrap().servers)
    }
}

type Part = fn(&Runtime, &Plug);

fn main() {
    let runtime = Runtime::new().unwrap();
    let plug = embedded().unwrap();
    let parts: [(&str, Part); 4] =
        [("hanging", hanging), ("pushes", pushes), ("records", records), ("importer", importer)];
    // Cargo itself passes `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, part) in parts {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            part(&runtime, &plug);
        }
    }
}

fn rounds(full: usize) -> usize {
    if std::env::var_os("HOSTING_BENCH_QUICK").is_some() { (full / 10).max(3) } else { full }
}

/// A server that responds to each request after a time; never, without one. Ends with the process.
async fn server(takes: Option<Duration>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(respond(stream, takes));
        }
    });
    url
}

async fn respond(mut stream: TcpStream, takes: Option<Duration>) -> Option<()> {
    const VECTOR: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    stream.set_nodelay(true).ok()?;
    let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{VECTOR}", VECTOR.len());
    let mut read = Vec::new();
    loop {
        let whole = loop {
            let head = read.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(head) = head {
                let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
                let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                let whole = head + 4 + length.unwrap_or(0);
                if read.len() >= whole {
                    break whole;
                }
            }
            if stream.read_buf(&mut read).await.ok()? == 0 {
                return None;
            }
        };
        read.drain(..whole);
        match takes {
            Some(takes) if takes.is_zero() => {}
            Some(takes) => tokio::time::sleep(takes).await,
            None => std::future::pending().await,
        }
        stream.write_all(response.as_bytes()).await.ok()?;
    }
}

fn granted(urls: &[String]) -> Grants {
    urls.iter().fold(Grants::none(), |grants, url| grants.and(url.parse().unwrap()))
}

fn query(url: &str, timeout: &str) -> String {
    json!({"operation": "query_metrics", "query": "up", "prometheus_url": url, "timeout": timeout}).to_string()
}

/// Queries that wait for a server that never responds, as long as this is there.
struct Hanging(Vec<tokio::task::JoinHandle<()>>);

impl Hanging {
    fn start(runtime: &Runtime, plug: &PlugHandle, url: &str, timeout: &'static str) -> Self {
        let ask = |_| {
            let (plug, ctx) = (plug.clone(), query(url, timeout));
            runtime.spawn(async move {
                loop {
                    api::ask(&plug, &ctx).await;
                }
            })
        };
        let hanging = Self((0..HANGING).map(ask).collect());
        // They are at their server before anything is measured.
        std::thread::sleep(Duration::from_millis(300));
        hanging
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort_unstable();
    times
}

fn at(times: &[Duration], per_mille: usize) -> Duration {
    times[(times.len() - 1) * per_mille / 1_000]
}

fn print(what: &str, times: &[Duration]) {
    let [p50, p99, p999, longest] = [500, 990, 999, 1_000].map(|per_mille| at(times, per_mille));
    println!("{what}, of {}: p50 {p50:.1?}, p99 {p99:.1?}, p99.9 {p999:.1?}, longest {longest:.1?}", times.len());
}

/// Each of 63 servers, asked at once beside one that never responds.
fn hanging(runtime: &Runtime, plug: &Plug) {
    let (urls, silent) = runtime.block_on(async {
        let mut urls = Vec::new();
        for _ in 0..SERVERS {
            urls.push(server(Some(TAKES)).await);
        }
        (urls, server(None).await)
    });
    let grants = granted(&urls).and(silent.parse().unwrap());
    let plug = runtime.block_on(plug.start(&json!({}), grants, Limits::default())).unwrap();
    let _hanging = Hanging::start(runtime, &plug, &silent, "20s");
    let mut times = Vec::new();
    for _ in 0..rounds(20) {
        let asked: Vec<_> = urls
            .iter()
            .map(|url| {
                let (plug, ctx) = (plug.clone(), query(url, "30s"));
                runtime.spawn(async move {
                    let started = Instant::now();
                    api::process(&plug, &ctx).await;
                    started.elapsed()
                })
            })
            .collect();
        times.extend(asked.into_iter().map(|asked| runtime.block_on(asked).unwrap()));
    }
    let times = sorted(times);
    print(
        &format!("a query to one of {SERVERS} servers that take {TAKES:?}, all at once, beside one that hangs"),
        &times,
    );
    let late = times.iter().filter(|time| **time > Duration::from_millis(150)).count();
    println!("  longer than 150 ms: {late} of {}\n", times.len());
}

fn pushing(runtime: &Runtime, plug: &Plug, takes: Duration, silent: &str) -> PlugHandle {
    let gateway = runtime.block_on(server(Some(takes)));
    let config = json!({"gateway_url": gateway, "job_name": "j", "timeout": "30s", "push_timeout": "30s"});
    runtime.block_on(async {
        let grants = api::named_by(plug, &config).await.and(silent.parse().unwrap());
        plug.start(&config, grants, Limits::default()).await.unwrap()
    })
}

/// Pushes with and without a server that never responds, in turn.
fn pushes(runtime: &Runtime, plug: &Plug) {
    /// No longer than this for each side: a build may make each push wait for the other server.
    const BUDGET: Duration = Duration::from_secs(30);
    let silent = runtime.block_on(server(None));
    let sides = [(); 2].map(|()| pushing(runtime, plug, Duration::ZERO, &silent));
    let _hanging = Hanging::start(runtime, &sides[1], &silent, "5s");
    let mut times = [Vec::new(), Vec::new()];
    let mut spent = [Duration::ZERO; 2];
    for round in 0..rounds(5_000) {
        for turn in 0..2 {
            let side = (turn + round) % 2;
            if spent[side] > BUDGET {
                continue;
            }
            let started = Instant::now();
            runtime.block_on(api::process(&sides[side], RECORD));
            spent[side] += started.elapsed();
            times[side].push(started.elapsed());
        }
    }
    let times = times.map(sorted);
    print("a record with its push, alone", &times[0]);
    print("a record with its push, beside a server that hangs", &times[1]);
    let ratio = |per_mille| at(&times[1], per_mille).as_secs_f64() / at(&times[0], per_mille).as_secs_f64();
    println!("  ratio: p50 {:.2}, p99 {:.2}\n", ratio(500), ratio(990));
}

/// Records a second, and how long each takes beside slow pushes.
fn records(runtime: &Runtime, plug: &Plug) {
    const CALLS: usize = 20_000;
    const TASKS: usize = 8;
    let mut session = runtime.block_on(plug.session(&json!({}), Grants::none(), Limits::default())).unwrap();
    let handle = runtime.block_on(plug.start(&json!({}), Grants::none(), Limits::default())).unwrap();
    let mut rates = [const { Vec::new() }; 4];
    for round in 0..=rounds(10) {
        let taken = [
            rate(CALLS, || {
                runtime.block_on(async {
                    for _ in 0..CALLS {
                        api::process_in(&mut session, RECORD).await;
                    }
                });
            }),
            rate(CALLS, || {
                runtime.block_on(async {
                    for _ in 0..CALLS {
                        session.record("typed_total", MetricKind::Counter, &[], 1.0).await.unwrap();
                    }
                });
            }),
            rate(CALLS, || runtime.block_on(from_tasks(&handle, 1, CALLS))),
            rate(CALLS, || runtime.block_on(from_tasks(&handle, TASKS, CALLS))),
        ];
        // The first round warms up.
        if round > 0 {
            rates.iter_mut().zip(taken).for_each(|(rates, rate)| rates.push(rate));
        }
    }
    let names = ["Session::process", "Session::record", "PlugHandle::process", "PlugHandle::process, 8 tasks"];
    for (name, mut rates) in names.into_iter().zip(rates) {
        rates.sort_by(f64::total_cmp);
        println!("{name}: {:.0} records a second", rates[rates.len() / 2]);
    }
    println!();
    beside_slow_pushes(runtime, plug);
}

fn rate(calls: usize, run: impl FnOnce()) -> f64 {
    calls as f64 / timed(run).as_secs_f64()
}

async fn from_tasks(plug: &PlugHandle, tasks: usize, calls: usize) {
    let callers: Vec<_> = (0..tasks)
        .map(|_| {
            let plug = plug.clone();
            tokio::spawn(async move {
                for _ in 0..calls / tasks {
                    api::process(&plug, RECORD).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

/// Updates by handle from the host and from another plug, in turn. Both wait for the exporter's
/// task; the other plug's cross its own sandbox too.
fn importer(runtime: &Runtime, plug: &Plug) {
    const UPDATES: usize = 20_000;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/hostile");
    let component = xtask::build_package(folder.as_ref(), "hostile-plug").unwrap();
    let (exporter, importer, series) = runtime.block_on(async {
        let exporter = plug.start(&json!({}), Grants::none(), Limits::default()).await.unwrap();
        let mut grants = Grants::none();
        grants.metrics = true;
        let importer = Plug::from_bytes("importer", &component).unwrap().recording_to(&exporter, "importer");
        let importer = importer.start(&json!({}), grants, Limits::default()).await.unwrap();
        let record = json!({"operation": "record", "name": "x_total"}).to_string();
        assert_eq!(api::body(&importer, &record).await, "ok 0", "its handle");
        let record = exporter.with(|session: &mut Session| {
            Box::pin(async move { session.record("y_total", MetricKind::Counter, &[], 1.0).await })
        });
        let series = record.await.unwrap();
        (exporter, importer, series)
    });
    let update = json!({"operation": "update", "handle": "0", "times": UPDATES.to_string()}).to_string();
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..=rounds(20) {
        let taken = [
            timed(|| {
                runtime.block_on(async {
                    for _ in 0..UPDATES {
                        let add = exporter.with(move |session| Box::pin(async move { session.add(series, 1.0).await }));
                        assert_eq!(add.await.unwrap(), Outcome::Recorded);
                    }
                });
            }),
            timed(|| assert_eq!(runtime.block_on(api::body(&importer, &update)), "Outcome::Recorded")),
        ];
        // The first round warms up.
        if round > 0 {
            times.iter_mut().zip(taken).for_each(|(times, taken)| times.push(taken / UPDATES as u32));
        }
    }
    let [of_host, of_plug] = times.map(|times| at(&sorted(times), 500));
    println!("an update by handle from the host: p50 {of_host:.2?}, from another plug: p50 {of_plug:.2?}");
    println!("  ratio: {:.2} (at most 3)\n", of_plug.as_secs_f64() / of_host.as_secs_f64());
}

fn timed(run: impl FnOnce()) -> Duration {
    let started = Instant::now();
    run();
    started.elapsed()
}

/// Records of one caller, while eight others wait for pushes that take 5 ms each.
fn beside_slow_pushes(runtime: &Runtime, plug: &Plug) {
    let silent = runtime.block_on(server(None));
    let plug = pushing(runtime, plug, Duration::from_millis(5), &silent);
    let (stop, pushed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let pushers: Vec<_> = (0..8)
        .map(|_| {
            let (plug, stop, pushed) = (plug.clone(), Arc::clone(&stop), Arc::clone(&pushed));
            runtime.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    api::process(&plug, RECORD).await;
                    pushed.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut times = Vec::new();
    runtime.block_on(async {
        for _ in 0..rounds(100_000) {
            let started = Instant::now();
            api::process(&plug, UNPUSHED).await;
            times.push(started.elapsed());
        }
    });
    stop.store(true, Ordering::Relaxed);
    for pusher in pushers {
        runtime.block_on(pusher).unwrap();
    }
    print("a record beside pushes that take 5 ms", &sorted(times));
    println!("  {} records were pushed meanwhile", pushed.load(Ordering::Relaxed));
}
