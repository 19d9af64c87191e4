//! What was acknowledged is there after a crash of the plug, after a restart of the host, and after
//! `kill -9`: all of it, once.
//!
//! `PLUGPIPE_RECOVERY_TRAPS` (10000) and `PLUGPIPE_RECOVERY_KILLS` (200) make the two long tests
//! longer.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use plugpipe_harness::session::{Definition, Label, MetricKind, Outcome};
use plugpipe_harness::{Error, Grants, Limits, PlugHandle, Session};
use serde_json::{Value, json};

use crate::cli::serve::Served;
use crate::servers::faults::{self, Faulty};
use crate::support::{Ask as _, exposition, named_by, plug, root, scale};

/// Little enough for [`crash`] to be too much.
fn small() -> Limits {
    Limits::default().with_memory_bytes(4 * 1024 * 1024)
}

/// A call that no instance of [`small`] memory survives.
async fn crash(plug: &PlugHandle) {
    let crash = plug.with(|session| {
        Box::pin(async move {
            crash_session(session).await;
            Ok(())
        })
    });
    crash.await.unwrap();
}

async fn crash_session(session: &mut Session) {
    let error = session.restore(&[0; 4 * 1024 * 1024]).await.unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
}

fn counter(name: &str, value: f64) -> Value {
    json!({"operation": "record_counter", "metric_name": name, "metric_value": value})
}

/// The value of a series without labels.
fn value_of(exposition: &str, series: &str) -> u64 {
    let line = exposition.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse::<f64>().unwrap() as u64)
}

fn definition(name: &str, kind: MetricKind) -> Definition {
    Definition {
        name: name.into(),
        kind,
        help: Some("what it is".into()),
        unit: None,
        label_names: vec!["l".into()],
        buckets: None,
        native: None,
        quantiles: None,
        window_seconds: None,
        states: if kind == MetricKind::StateSet { vec!["up".into(), "down".into()] } else { Vec::new() },
        series_limit: None,
        expire_after_seconds: None,
    }
}

#[tokio::test]
async fn each_typed_call_is_made_again_after_a_crash_and_handles_stay_valid() {
    let mut session = plug().session(&json!({}), Grants::none(), small()).await.unwrap();
    let labels = |value: &str| [Label { name: "l".into(), value: value.into() }];
    let mut series = Vec::new();
    for (name, kind) in [
        ("c_total", MetricKind::Counter),
        ("g", MetricKind::Gauge),
        ("h", MetricKind::Histogram),
        ("n", MetricKind::NativeHistogram),
        ("s", MetricKind::Summary),
        ("t", MetricKind::StateSet),
    ] {
        let family = session.register(&definition(name, kind)).await.unwrap();
        series.push(session.series_of(family, &labels("a")).await.unwrap());
    }
    let [c, g, h, n, s, t] = series[..] else { panic!() };
    assert_eq!(session.add(c, 2.5).await.unwrap(), Outcome::Recorded);
    assert_eq!(session.add(c, -1.0).await.unwrap(), Outcome::InvalidAmount);
    assert_eq!(session.set(g, f64::NEG_INFINITY).await.unwrap(), Outcome::Recorded);
    for of in [h, n, s] {
        assert_eq!(session.observe(of, 0.3).await.unwrap(), Outcome::Recorded);
    }
    let exemplar = [Label { name: "trace_id".into(), value: "7".into() }];
    session.observe_with_exemplar(h, 0.7, &exemplar).await.unwrap();
    session.set_state(t, "up", true).await.unwrap();
    session.record_many(&[c, g], &[1.0, 4.0]).await.unwrap();
    let gone = session.record("gone_total", MetricKind::Counter, &labels("b"), 1.0).await.unwrap();
    assert!(session.remove(gone).await.unwrap());
    session.process(&counter("json_total", 3.0).to_string(), "").await.unwrap();

    let before = session.snapshot().await.unwrap();
    crash_session(&mut session).await;
    assert_eq!(session.snapshot().await.unwrap(), before);
    assert_eq!(session.add(gone, 1.0).await.unwrap(), Outcome::UnknownSeries);
    assert_eq!(session.add(c, 1.0).await.unwrap(), Outcome::Recorded);
    assert_eq!((session.recovery().crashes, session.recovery().lost), (1, 0));

    session.clear().await.unwrap();
    crash_session(&mut session).await;
    assert_eq!(session.add(c, 1.0).await.unwrap(), Outcome::UnknownSeries);
    session.restore(&before).await.unwrap();
    crash_session(&mut session).await;
    assert_eq!(session.snapshot().await.unwrap(), before);
}

#[tokio::test]
async fn the_last_configuration_that_was_taken_outlives_a_crash() {
    let job = async |plug: &PlugHandle| {
        let answer = plug.ask(&json!({"operation": "export_metrics"})).await.unwrap();
        answer["monitoring_metadata"]["job_name"].clone()
    };
    let plug = plug().start(&json!({"job_name": "first"}), Grants::none(), small()).await.unwrap();
    let call = |ctx: Value, cfg: &'static str| plug.process(ctx.to_string(), cfg);
    call(counter("m_total", 1.0), r#"{"job_name": "second"}"#).await.unwrap();
    // One that comes with an operation that fails is taken too; one that is none is not.
    call(json!({"operation": "record_counter"}), r#"{"job_name": "third"}"#).await.unwrap();
    call(counter("m_total", 1.0), r#"{"job_name": "fourth", "timeout": "soon"}"#).await.unwrap();
    crash(&plug).await;
    assert_eq!(job(&plug).await, "third");
    call(json!({"operation": "describe"}), r#"{"job_name": "first"}"#).await.unwrap();
    crash(&plug).await;
    assert_eq!(job(&plug).await, "first");
    plug.cleanup().await.unwrap();
    let forgotten = job(&plug).await;
    crash(&plug).await;
    assert_eq!(job(&plug).await, forgotten);
    assert_eq!(exposition(&plug).await, "");
}

#[tokio::test]
async fn what_was_idle_for_too_long_does_not_come_back_with_its_old_value() {
    let mut session = plug().session(&json!({}), Grants::none(), small()).await.unwrap();
    let definition = Definition { expire_after_seconds: Some(0.2), ..definition("idle_total", MetricKind::Counter) };
    let family = session.register(&definition).await.unwrap();
    let labels = [Label { name: "l".into(), value: "a".into() }];
    let first = session.series_of(family, &labels).await.unwrap();
    session.add(first, 5.0).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!session.encode(plugpipe_harness::session::Format::Text).await.unwrap().ends_with(b" 5\n"));
    let second = session.series_of(family, &labels).await.unwrap();
    session.add(second, 1.0).await.unwrap();
    let before = session.snapshot().await.unwrap();
    crash_session(&mut session).await;
    assert_eq!(session.snapshot().await.unwrap(), before);
    assert_eq!(session.recovery().lost, 0);
}

#[tokio::test]
async fn a_recovery_asks_no_server_for_anything_and_the_next_push_carries_all() {
    let gateway = Faulty::start(|stream, _| faults::answer(stream, "200", "", ""));
    let config = json!({"gateway_url": gateway.url, "job_name": "j"});
    let plug = plug().start(&config, named_by(&config), small()).await.unwrap();
    for _ in 0..3 {
        let answer = plug.ask(&counter("pushed_total", 1.0)).await.unwrap();
        assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
    }
    crash(&plug).await;
    let before = gateway.asked().len();
    assert_eq!(value_of(&exposition(&plug).await, "pushed_total"), 3);
    assert_eq!(gateway.asked().len(), before);
    let answer = plug.ask(&counter("pushed_total", 1.0)).await.unwrap();
    assert_eq!((&answer["result"]["metric_pushed"], &answer["result"]["current_value"]), (&json!(true), &json!(4)));
    assert_eq!(gateway.asked().len(), before + 1);
}

/// 8 callers record, each into its own counter, while others make the plug crash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_every_counter_is_what_was_acknowledged_after_any_number_of_traps() {
    let traps = scale("PLUGPIPE_RECOVERY_TRAPS", 150);
    let plug = plug().start(&json!({}), Grants::none(), small()).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let (plug, stop) = (plug.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let name = format!("caller_{caller}_total");
                let mut acknowledged = 0;
                while !stop.load(Ordering::Relaxed) {
                    let amount = 1 + acknowledged % 3;
                    let taken = if acknowledged % 2 == 0 {
                        let ctx = counter(&name, amount as f64);
                        plug.ask(&ctx).await.unwrap()["success"] == true
                    } else {
                        let name = name.clone();
                        let record = plug.with(move |session| {
                            Box::pin(
                                async move { session.record(&name, MetricKind::Counter, &[], amount as f64).await },
                            )
                        });
                        record.await.is_ok()
                    };
                    assert!(taken);
                    acknowledged += amount;
                    tokio::time::sleep(Duration::from_micros(500)).await;
                }
                acknowledged
            })
        })
        .collect();
    for trap in 0..traps {
        crash(&plug).await;
        // Irregular, and the same at every run.
        tokio::time::sleep(Duration::from_micros(trap * 7_919 % 3_000)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for caller in callers {
        acknowledged.push(caller.await.unwrap());
    }
    let text = exposition(&plug).await;
    let counted: Vec<u64> = (0..8).map(|caller| value_of(&text, &format!("caller_{caller}_total"))).collect();
    assert_eq!(counted, acknowledged);
    let recovery = plug.recovery().await.unwrap();
    assert_eq!((recovery.crashes, recovery.lost), (traps, 0));
    assert!(acknowledged.iter().all(|sum| *sum > 0));
}

#[tokio::test]
async fn a_state_that_does_not_fit_is_kept_for_a_host_that_grants_more() {
    let folder = tempfile::tempdir().unwrap();
    let start = async |limits: Limits| plug().start_in(folder.path(), &json!({}), Grants::none(), limits).await;
    let plug = start(Limits::default()).await.unwrap();
    plug.ask(&counter("small_total", 2.0)).await.unwrap();
    let item = |n: u32| json!({"name": "big_total", "value": 1, "type": "counter", "labels": {"n": n.to_string()}});
    let many: Vec<Value> = (0..9_000).map(item).collect();
    let answer = plug.ask(&json!({"operation": "record_multiple_metrics", "metrics": many})).await.unwrap();
    assert_eq!(answer["success"], true, "{answer}");
    let whole = exposition(&plug).await;
    drop(plug);
    // Too much for the memory that the next host grants.
    let error = loop {
        match start(Limits::default().with_memory_bytes(2 * 1024 * 1024)).await.map(|_| ()).unwrap_err() {
            Error::State { problem, .. } if problem.contains("in use") => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            error => break error,
        }
    };
    assert!(matches!(error, Error::Restore { .. }) && error.to_string().contains("more memory"), "{error}");
    let plug = restarted(async || start(Limits::default()).await).await;
    assert_eq!(plug.recovery().await.unwrap().lost, 0);
    assert_eq!(exposition(&plug).await, whole);
}

/// Starts as soon as the task of the last handle has given the folder free.
async fn restarted(start: impl AsyncFn() -> Result<PlugHandle, Error>) -> PlugHandle {
    for _ in 0..200 {
        match start().await {
            Err(Error::State { problem, .. }) if problem.contains("in use") => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            started => return started.unwrap(),
        }
    }
    panic!("the folder stays in use");
}

#[tokio::test]
async fn a_restarted_host_goes_on_where_it_was_and_a_new_configuration_wins() {
    let folder = tempfile::tempdir().unwrap();
    let start = async |config: Value| plug().start_in(folder.path(), &config, Grants::none(), Limits::default()).await;
    let record = async |plug: &PlugHandle| plug.ask(&counter("m_total", 1.0)).await.unwrap();
    let plug = start(json!({"job_name": "a"})).await.unwrap();
    plug.process(counter("m_total", 1.0).to_string(), r#"{"job_name": "b"}"#).await.unwrap();
    drop(plug);
    // What is recorded under another job is counted from 0.
    for (config, name, value) in [("a", "b", 2), ("c", "c", 1), ("c", "c", 2)] {
        let plug = restarted(async || start(json!({"job_name": config})).await).await;
        let answer = record(&plug).await;
        assert_eq!(
            (&answer["monitoring_metadata"]["job_name"], &answer["result"]["current_value"]),
            (&json!(name), &json!(value))
        );
        assert_eq!(plug.recovery().await.unwrap().crashes, 0);
    }
    let plug = restarted(async || start(json!({"job_name": "c"})).await).await;
    plug.cleanup().await.unwrap();
    drop(plug);
    let plug = restarted(async || start(json!({"job_name": "c"})).await).await;
    let answer = record(&plug).await;
    assert_eq!(
        (&answer["monitoring_metadata"]["job_name"], &answer["result"]["current_value"]),
        (&json!("c"), &json!(1))
    );
}

#[tokio::test]
async fn a_long_journal_becomes_a_snapshot_and_the_file_stays_short() {
    let folder = tempfile::tempdir().unwrap();
    let start = async || plug().session_in(folder.path(), &json!({}), Grants::none(), Limits::default()).await.unwrap();
    let mut session = start().await;
    let series = session.record("m_total", MetricKind::Counter, &[], 1.0).await.unwrap();
    let (many, ones) = (vec![series; 1_000], vec![1.0; 1_000]);
    for _ in 0..1_000 {
        session.record_many(&many, &ones).await.unwrap();
    }
    // Ten million bytes of calls went in.
    let length = fs::metadata(folder.path().join("journal")).unwrap().len();
    assert!(length < 2 * 1024 * 1024, "{length}");
    drop(session);
    let mut session = start().await;
    assert_eq!(session.scrape("").await.unwrap().body, b"# TYPE m_total counter\nm_total 1000001\n");
    assert!(session.recovery().replayed < 300, "{:?}", session.recovery());
}

/// 4 callers record over HTTP into a host that is killed at irregular moments.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_killed_loses_nothing_that_was_acknowledged_and_counts_nothing_twice() {
    let kills = scale("PLUGPIPE_RECOVERY_KILLS", 20);
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let mut counted = [0; 4];
    for kill in 0..=kills {
        let served = Arc::new(Served::start(&["--state", state]));
        let text = crate::cli::serve::get(&format!("http://{}/metrics", served.authority())).await.1;
        for (caller, counted) in counted.iter_mut().enumerate() {
            let found = value_of(&text, &format!("caller_{caller}_total"));
            // One call may have been written down and not been answered.
            assert!(
                (*counted..=*counted + 1).contains(&found),
                "before kill {kill}: {counted} acknowledged, {found} there"
            );
            *counted = found;
        }
        if kill == kills {
            break;
        }
        let sums: Arc<[AtomicU64; 4]> = Arc::default();
        let callers: Vec<_> = (0..4)
            .map(|caller| {
                let (served, sums) = (Arc::clone(&served), Arc::clone(&sums));
                tokio::task::spawn_blocking(move || {
                    let agent = ureq::Agent::new_with_defaults();
                    let body = json!({"ctx": counter(&format!("caller_{caller}_total"), 1.0)}).to_string();
                    // Ends when the host is gone.
                    while let Ok(mut answer) = agent.post(format!("http://{}/process", served.authority())).send(&body)
                    {
                        let Ok(answer) = answer.body_mut().read_to_string() else { break };
                        let answer: Value = serde_json::from_str(&answer).unwrap();
                        assert_eq!(answer["success"], true, "{answer}");
                        sums[caller].fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(20 + kill * 7_919 % 130)).await;
        served.kill();
        for caller in callers {
            caller.await.unwrap();
        }
        for (counted, sum) in counted.iter_mut().zip(sums.iter()) {
            *counted += sum.load(Ordering::Relaxed);
        }
    }
    assert!(counted.iter().all(|counted| *counted > kills), "{counted:?}");
}

/// The shell's limit on the size of files stands in for a disk that is full.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn on_a_full_disk_a_record_is_refused_and_what_was_acknowledged_stays() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let script = format!(
        "trap '' XFSZ; ulimit -f 64; exec {} serve --web.listen-address 127.0.0.1:0 --state {state}",
        env!("CARGO_BIN_EXE_plugpipe-harness")
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(root());
    let served = Served::of(command);
    let record = |n: usize| {
        let labels = json!({"n": format!("{n:0>1000}")});
        json!({"ctx": {"operation": "record_counter", "metric_name": "m_total", "metric_value": 1, "labels": labels}})
    };
    let mut acknowledged = 0;
    let mut refused = 0;
    for n in 0..100 {
        match served.process(record(n)).await {
            (200, answer) if answer["success"] == true => acknowledged += 1,
            (500, answer) => {
                let error = answer["error"].as_str().unwrap();
                assert!(error.contains("journal") && error.contains("too large"), "{error}");
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(acknowledged > 20 && refused > 20, "{acknowledged} acknowledged, {refused} refused");
    let count = |text: &str| text.lines().filter(|line| line.starts_with("m_total{")).count();
    let text = crate::cli::serve::get(&format!("http://{}/metrics", served.authority())).await.1;
    assert_eq!(count(&text), acknowledged);
    drop(served);
    let served = Served::start(&["--state", state]);
    let text = crate::cli::serve::get(&format!("http://{}/metrics", served.authority())).await.1;
    assert_eq!(count(&text), acknowledged);
    assert_eq!(served.process(record(1_000)).await.1["success"], true);
}

#[tokio::test]
async fn what_a_caller_that_leaves_half_way_recorded_stays() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = json!({"gateway_url": format!("http://{}", silent.local_addr().unwrap()), "timeout": "60s"});
    let mut session = plug().session(&config, named_by(&config), Limits::default()).await.unwrap();
    let manual =
        json!({"operation": "record_counter", "metric_name": "m_total", "metric_value": 1, "push_policy": "manual"});
    session.process(&manual.to_string(), "").await.unwrap();
    let (record, push) = (counter("m_total", 10.0).to_string(), json!({"operation": "push_metrics"}).to_string());
    for ctx in [record, push] {
        let left = tokio::time::timeout(Duration::from_millis(100), session.process(&ctx, "")).await;
        assert!(left.is_err(), "{left:?}");
    }
    assert_eq!(session.scrape("").await.unwrap().body, b"# TYPE m_total counter\nm_total 11\n");
    assert_eq!(session.recovery().lost, 0);
}

#[test]
fn single_calls_with_a_state_folder_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    for sum in 1..4 {
        let ctx = r#"{"metric_name": "m_total", "metric_value": 1}"#;
        let output = crate::support::run(&["call", "record_counter", "--ctx", ctx, "--state", state]);
        assert_eq!(crate::support::answer(&output)["result"]["current_value"], sum);
    }
}

#[tokio::test]
async fn what_was_imported_is_there_after_a_restart_without_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({"job_name": "j"});
    let (url, grants) = {
        let served = crate::cli::serve::Served::start(&[]);
        let record =
            json!({"operation": "record_counter", "metric_name": "imported_total", "metric_value": 41, "help": "h"});
        served.process(json!({"ctx": record})).await;
        let url = format!("http://{}", served.authority());
        let grants = Grants::none().and(url.parse().unwrap());
        let plug = plug().start_in(folder.path(), &config, grants.clone(), Limits::default()).await.unwrap();
        let scrape = json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": url}, "import": true});
        let answer = plug.ask(&scrape).await.unwrap();
        assert_eq!(answer["success"], true, "{answer}");
        let more = json!({"operation": "record_counter", "metric_name": "imported_total", "metric_value": 1});
        assert_eq!(plug.ask(&more).await.unwrap()["result"]["current_value"], 42);
        (url, grants)
    };
    let _ = url;
    // The folder is free once the last handle's task has ended.
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    let plug = loop {
        match plug().start_in(folder.path(), &config, grants.clone(), Limits::default()).await {
            Ok(plug) => break plug,
            Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let more = json!({"operation": "record_counter", "metric_name": "imported_total", "metric_value": 1});
    assert_eq!(plug.ask(&more).await.unwrap()["result"]["current_value"], 43);
}
