//! Records a second: over HTTP, through the library, and in Python: `cargo bench -p
//! plugpipe-harness --bench serve`.
//!
//! Each side is asked for a counter's increment with two labels, without a gateway, by 8 callers at
//! once; the sides take turns, and each figure is the median of the rounds. Client and server share
//! the machine. Python's sides are prometheus_client in 8 threads, without HTTP: with a registry
//! made for each call, as the Python plug 1.0.0 did, and as a plain labelled increment. They run
//! where
//!
//!     python3 -m venv target/python && target/python/bin/pip install prometheus-client==0.23.1
//!
//! was done; else they are left out, and that is said.
//!
//! Then records are timed while a push to a gateway is under way that takes 5 s to answer.

// A bench that meets what it did not expect should stop there.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::future::pending;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use plugpipe_harness::serve::serve;
use plugpipe_harness::session::Format;
use plugpipe_harness::{Grants, Limits, Plug, PlugHandle, embedded};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const CALLERS: usize = 8;
const CALLS: usize = 5_000;
const ROUNDS: usize = 5;

const RECORD: &str = r#"{"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1, "labels": {"queue": "mail", "region": "eu"}}"#;

/// Prints calls a second. The first argument is the side, the others callers and calls of each.
const PYTHON: &str = r#"
import sys, threading, time
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

side, callers, calls = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
registry = CollectorRegistry()
counter = Counter("jobs", "jobs", ["queue", "region"], registry=registry)

def fresh():
    own = CollectorRegistry()
    Gauge("jobs", "jobs", ["queue", "region"], registry=own).labels(queue="mail", region="eu").set(1)

def plain():
    counter.labels(queue="mail", region="eu").inc()

call = {"fresh": fresh, "plain": plain}[side]

def caller():
    for _ in range(calls):
        call()

threads = [threading.Thread(target=caller) for _ in range(callers)]
start = time.perf_counter()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
took = time.perf_counter() - start
if side == "plain":
    assert ('jobs_total{queue="mail",region="eu"} %.1f' % (callers * calls)) in generate_latest(registry).decode()
print(callers * calls / took)
"#;

/// Its name, and one round: records a second.
type Side<'a> = (&'static str, Box<dyn FnMut() -> f64 + 'a>);

fn main() {
    let runtime = Runtime::new().unwrap();
    let plug = embedded().unwrap();
    let start = || runtime.block_on(plug.start(&json!({}), Grants::default(), Limits::default())).unwrap();
    let (behind_http, library) = (start(), start());
    let address = served(&runtime, behind_http.clone());

    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python/bin/python");
    let has_client =
        Command::new(&python).args(["-c", "import prometheus_client"]).status().is_ok_and(|it| it.success());
    if !has_client {
        println!(
            "left out: Python, because target/python has no prometheus_client (the bench's first lines say how it is put there)\n"
        );
    }
    let mut sides: Vec<Side<'_>> = vec![
        ("serve: POST /process, 8 connections kept alive", Box::new(|| over_http(address))),
        ("library: PlugHandle::process, 8 tasks", Box::new(|| runtime.block_on(through_library(&library)))),
    ];
    if has_client {
        sides.push((
            "prometheus_client, 8 threads, a fresh registry for each call",
            Box::new(|| in_python(&python, "fresh")),
        ));
        sides.push(("prometheus_client, 8 threads, labels(…).inc()", Box::new(|| in_python(&python, "plain"))));
    }
    let mut rates = vec![Vec::new(); sides.len()];
    for round in 0..=ROUNDS {
        for (side, rates) in sides.iter_mut().zip(&mut rates) {
            let rate = (side.1)();
            // The first round warms up.
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    println!("records a second, median of {ROUNDS} rounds of {} records (least to most)", CALLERS * CALLS);
    for ((name, _), rates) in sides.iter().zip(&mut rates) {
        rates.sort_by(f64::total_cmp);
        println!("{:>10.0}  ({:.0} to {:.0})  {name}", rates[rates.len() / 2], rates[0], rates[rates.len() - 1]);
    }
    beside_a_slow_gateway(&runtime, &plug);
    for plug in [&behind_http, &library] {
        assert_eq!(total(&runtime, plug), ((ROUNDS + 1) * CALLERS * CALLS) as f64, "each record is counted once");
    }
}

fn served(runtime: &Runtime, plug: PlugHandle) -> SocketAddr {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(serve(listener, plug, pending()));
    address
}

/// Times records for as long as a push waits for its answer.
fn beside_a_slow_gateway(runtime: &Runtime, plug: &Plug) {
    const TAKES: Duration = Duration::from_secs(5);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = json!({
        "gateway_url": format!("http://{}", listener.local_addr().unwrap()), "job_name": "j", "timeout": "30s",
        "push_timeout": "30s",
    });
    let (asked, is_asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        asked.send(()).unwrap();
        std::thread::sleep(TAKES);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    });
    let plug = runtime.block_on(plug.start(&config, granted(runtime, plug, &config), Limits::default())).unwrap();
    let pushing = plug.clone();
    let push = runtime.spawn(async move { pushing.process(RECORD, "").await.unwrap() });
    is_asked.recv().unwrap();
    let unpushed = format!(r#"{}, "push_policy": "manual"}}"#, RECORD.strip_suffix('}').unwrap());
    let mut took = Vec::new();
    runtime.block_on(async {
        while !push.is_finished() {
            let began = Instant::now();
            assert!(plug.process(unpushed.clone(), "").await.unwrap().is_ok());
            took.push(began.elapsed());
        }
        let pushed: Value = serde_json::from_str(&push.await.unwrap().body).unwrap();
        assert_eq!(pushed["result"]["metric_pushed"], true, "{pushed}");
    });
    took.sort();
    let at = |per_mille: usize| took[(took.len() - 1) * per_mille / 1_000];
    println!(
        "\na record beside a push that takes {TAKES:?}, of {}: median {:?}, p99 {:?}, p99.9 {:?}, longest {:?}",
        took.len(),
        at(500),
        at(990),
        at(999),
        at(1_000)
    );
}

fn granted(runtime: &Runtime, plug: &Plug, config: &Value) -> Grants {
    Grants::named_by(config, &runtime.block_on(plug.describe()).unwrap().servers)
}

/// What all callers together do in a second.
fn rate(started: Instant) -> f64 {
    (CALLERS * CALLS) as f64 / started.elapsed().as_secs_f64()
}

fn over_http(address: SocketAddr) -> f64 {
    let body = format!("{{\"ctx\": {RECORD}}}");
    let head = "POST /process HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ";
    let request = format!("{head}{}\r\n\r\n{body}", body.len());
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
                stream.get_ref().set_nodelay(true).unwrap();
                for _ in 0..CALLS {
                    stream.get_mut().write_all(request.as_bytes()).unwrap();
                    assert_recorded(&answer(&mut stream));
                }
            });
        }
    });
    rate(started)
}

fn answer(stream: &mut BufReader<TcpStream>) -> String {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some((_, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

fn assert_recorded(answer: &str) {
    assert!(answer.contains("\"success\":true"), "{answer}");
}

async fn through_library(plug: &PlugHandle) -> f64 {
    let started = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let plug = plug.clone();
            tokio::spawn(async move {
                for _ in 0..CALLS {
                    assert!(plug.process(RECORD, "").await.unwrap().is_ok());
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    rate(started)
}

fn in_python(python: &Path, side: &str) -> f64 {
    let numbers = [CALLERS, CALLS].map(|number| number.to_string());
    let output = Command::new(python).args(["-c", PYTHON, side]).args(numbers).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    said.trim().parse().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn total(runtime: &Runtime, plug: &PlugHandle) -> f64 {
    let text = runtime.block_on(plug.with(|session| Box::pin(session.encode(Format::Text)))).unwrap();
    let text = String::from_utf8(text).unwrap();
    let sample = text.lines().find(|line| line.starts_with("jobs_total{")).unwrap();
    sample.rsplit(' ').next().unwrap().parse().unwrap()
}
