//! Many callers at once: traps of the recorder and of workers among them, and thousands of records
//! that wait for their pushes. Every total is exact.
//!
//! `PLUGPIPE_SOAK_MIXED_TRAPS` (10000) and `PLUGPIPE_SOAK_SHARED_PUSHES` (10000) make them long.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use plugpipe_harness::session::MetricKind;
use plugpipe_harness::{Error, Limits, PlugHandle};
use serde_json::{Value, json};

use crate::fake_accounting::{AccountingServer, Behavior};
use crate::support::{Ask as _, exposition, flush, named_by, plug, scale};

/// What the plug may have, with its jobs.
const MEMORY: usize = 16 * 1024 * 1024;

/// How often a worker may call the host in one job: enough for what the callers do.
const HOST_CALLS: u64 = 200;

/// A Prometheus whose response has no end, and comes in pieces: more than [`HOST_CALLS`].
fn endless() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Ends with the process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            std::thread::spawn(move || {
                // A response before the request is none.
                let _ = stream.read(&mut [0; 4_096]);
                let mut more = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"status\":");
                while more.is_ok() {
                    more = stream.write_all(&[b' '; 1_024]);
                }
            });
        }
    });
    url
}

fn counter(name: &str, amount: u64) -> Value {
    json!({"operation": "record_counter", "metric_name": name, "metric_value": amount})
}

/// The value of a series without labels.
fn value_of(exposition: &str, series: &str) -> u64 {
    let line = exposition.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse::<f64>().unwrap() as u64)
}

/// A call that needs more memory than there is, in the recorder.
async fn trap_recorder(plug: &PlugHandle) {
    let error = plug.process(" ".repeat(MEMORY), "").await.unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
}

/// A query that takes more calls of the host than there may be, in a worker.
async fn trap_worker(plug: &PlugHandle) {
    let answer = plug.ask(&json!({"operation": "query_metrics", "query": "up"})).await.unwrap();
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(answer["success"] == false && error.contains("limits.host_calls"), "{answer}");
}

/// How a caller records.
#[derive(Clone, Copy)]
enum Recording {
    Typed,
    Json,
    /// And waits for the push.
    Pushed,
}

/// Records until it is told to stop; returns what was acknowledged.
async fn records(plug: PlugHandle, name: String, how: Recording, stop: Arc<AtomicBool>) -> u64 {
    let mut acknowledged = 0;
    while !stop.load(Ordering::Relaxed) {
        let amount = 1 + acknowledged % 3;
        let taken = match how {
            Recording::Typed => {
                let name = name.clone();
                let record = plug.with(move |session| {
                    Box::pin(async move { session.record(&name, MetricKind::Counter, &[], amount as f64).await })
                });
                record.await.is_ok()
            }
            Recording::Json | Recording::Pushed => {
                let mut ctx = counter(&name, amount);
                ctx["push_policy"] = json!(if matches!(how, Recording::Json) { "manual" } else { "on_record" });
                plug.ask(&ctx).await.unwrap()["success"] == true
            }
        };
        assert!(taken, "{name}: a trap costs the call that trapped and no other");
        acknowledged += amount;
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traps_of_recorder_and_workers_under_load_cost_no_other_call() {
    let traps = scale("PLUGPIPE_SOAK_MIXED_TRAPS", 60);
    let gateway = AccountingServer::start(Behavior::default());
    let config = json!({
        "gateway_url": gateway.url, "prometheus_url": endless(), "job_name": "j", "timeout": "50s",
        "push_timeout": "50s", "max_response_bytes": 2 * MEMORY, "retry_attempts": 1,
    });
    let limits = Limits::default().with_memory_bytes(MEMORY).with_host_calls(HOST_CALLS);
    let plug = plug().start(&config, named_by(&config), limits).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let ways = [Recording::Typed, Recording::Json, Recording::Pushed];
    let callers: Vec<_> = (0..6)
        .map(|caller| {
            let name = format!("caller_{caller}_total");
            tokio::spawn(records(plug.clone(), name, ways[caller % ways.len()], Arc::clone(&stop)))
        })
        .collect();
    let began = Instant::now();
    for trap in 0..traps {
        if trap % 2 == 0 {
            trap_recorder(&plug).await;
        } else {
            trap_worker(&plug).await;
        }
        // Irregular, and the same at every run.
        tokio::time::sleep(Duration::from_micros(trap * 7_919 % 3_000)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for caller in callers {
        acknowledged.push(caller.await.unwrap());
    }
    println!("{traps} traps in {:.1?}, beside {acknowledged:?} acknowledged", began.elapsed());
    assert!(acknowledged.iter().all(|sum| *sum > 0), "{acknowledged:?}");
    let names: Vec<String> = (0..6).map(|caller| format!("caller_{caller}_total")).collect();
    let text = exposition(&plug).await;
    assert_eq!(names.iter().map(|name| value_of(&text, name)).collect::<Vec<_>>(), acknowledged);
    let recovery = plug.recovery().await.unwrap();
    assert_eq!((recovery.crashes, recovery.lost), (traps, 0));
    assert_eq!(flush(&plug).await, None);
    let pushed = |account: &crate::fake_accounting::Account| {
        names.iter().map(|name| account.pushed("/metrics/job/j", name)).collect::<Vec<_>>()
    };
    assert_eq!(gateway.account(pushed), acknowledged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_records_share_pushes_and_one_push_of_a_group_runs_at_a_time() {
    const CALLERS: u64 = 64;
    const GROUPS: u64 = 4;
    let calls = scale("PLUGPIPE_SOAK_SHARED_PUSHES", 1_000);
    let behavior = Behavior { push_takes: Duration::from_millis(5), ..Behavior::default() };
    let gateway = AccountingServer::start(behavior);
    let config = json!({"gateway_url": gateway.url, "job_name": "group-0", "timeout": "50s", "push_timeout": "50s"});
    let plug = plug().start(&config, named_by(&config), Limits::default()).await.unwrap();
    let next = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (plug, next) = (plug.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                let mut seen = Vec::new();
                loop {
                    let call = next.fetch_add(1, Ordering::Relaxed);
                    if call >= calls {
                        return seen;
                    }
                    let group = call % GROUPS;
                    let mut ctx = counter("m_total", 1);
                    if group > 0 {
                        ctx["prometheus_config"] = json!({"job_name": format!("group-{group}")});
                    }
                    let answer = plug.ask(&ctx).await.unwrap();
                    let result = &answer["result"];
                    assert!(answer["success"] == true && result["metric_pushed"] == true, "{answer}");
                    seen.push((group, result["current_value"].as_u64().unwrap()));
                }
            })
        })
        .collect();
    let mut seen = BTreeSet::new();
    for caller in callers {
        seen.extend(caller.await.unwrap());
    }
    let took = began.elapsed();
    // Each record was counted once, and told its own value.
    let of_group = |group: u64| (calls + GROUPS - 1 - group) / GROUPS;
    let expected: BTreeSet<_> =
        (0..GROUPS).flat_map(|group| (1..=of_group(group)).map(move |value| (group, value))).collect();
    assert_eq!(seen, expected);
    gateway.account(|account| {
        println!("{calls} records that wait for their pushes share {} pushes, in {took:.1?}", account.pushes);
        for group in 0..GROUPS {
            assert_eq!(account.pushed(&format!("/metrics/job/group-{group}"), "m_total"), of_group(group));
        }
        assert_eq!(account.most_at_once, 1);
        assert!(account.pushes <= calls / 4, "{} pushes for {calls} records", account.pushes);
    });
    assert_eq!(flush(&plug).await, None);
}
