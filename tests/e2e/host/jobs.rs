//! Records and jobs side by side: no record waits for a server, and records that wait for a push
//! share it.

use std::io::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use plugpipe_harness::session::MetricKind;
use plugpipe_harness::{Limits, PlugHandle};
use serde_json::{Value, json};

use crate::servers::faults::{Behaviour, Faulty, answer};
use crate::support::{Ask as _, body, exposition, flush, named_by, plug};

fn counter(name: &str) -> Value {
    json!({"operation": "record_counter", "metric_name": name, "metric_value": 1})
}

async fn start(gateway: &Faulty, more: Value, limits: Limits) -> PlugHandle {
    let mut config = json!({"gateway_url": gateway.url, "job_name": "j", "push_timeout": "20s", "timeout": "20s"});
    more.as_object().unwrap().iter().for_each(|(key, value)| config[key] = value.clone());
    plug().start(&config, named_by(&config), limits).await.unwrap()
}

/// Takes its time for what it accepts.
fn slow() -> Faulty {
    let slow: Behaviour = |stream, _| {
        sleep(Duration::from_millis(1_500));
        answer(stream, "200", "", "")
    };
    Faulty::start(slow)
}

/// The body of a push, as text.
fn pushed(request: &str) -> &str {
    request.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_record_waits_for_a_slow_gateway() {
    let gateway = slow();
    let plug = start(&gateway, json!({}), Limits::default()).await;
    let (first, started) = (plug.clone(), Instant::now());
    let pushed = tokio::spawn(async move { first.ask(&counter("first_total")).await.unwrap() });
    while gateway.asked().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The push is under way, and takes longer than all of this.
    let mut took: Vec<Duration> = Vec::new();
    for round in 0..400 {
        let began = Instant::now();
        if round % 2 == 0 {
            plug.with(|session| Box::pin(session.record("typed_total", MetricKind::Counter, &[], 1.0))).await.unwrap();
        } else {
            let mut ctx = counter("json_total");
            ctx["push_policy"] = json!("manual");
            assert_eq!(plug.ask(&ctx).await.unwrap()["result"]["metric_pushed"], false);
        }
        took.push(began.elapsed());
    }
    assert!(!pushed.is_finished(), "the records waited: {:?}", started.elapsed());
    took.sort();
    let (median, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    println!("records beside a slow push: median {median:?}, p99 {p99:?}");
    // The machine may be busy with other things; a push takes 1.5 s.
    assert!(median < Duration::from_millis(20) && p99 < Duration::from_millis(400), "{median:?} {p99:?}");
    assert_eq!(pushed.await.unwrap()["result"]["metric_pushed"], true);
    let text = exposition(&plug).await;
    assert!(text.contains("typed_total 200\n") && text.contains("json_total 200\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_wait_for_a_push_share_it() {
    let gateway = slow();
    let plug = start(&gateway, json!({}), Limits::default()).await;
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let plug = plug.clone();
            tokio::spawn(async move { plug.ask(&counter("m_total")).await.unwrap() })
        })
        .collect();
    let mut values = Vec::new();
    for caller in callers {
        let answer = caller.await.unwrap();
        let result = &answer["result"];
        assert_eq!((&answer["success"], &result["metric_pushed"]), (&json!(true), &json!(true)), "{answer}");
        values.push(result["current_value"].as_u64().unwrap());
    }
    values.sort_unstable();
    assert_eq!(values, (1..=20).collect::<Vec<_>>());
    let asked = gateway.asked();
    assert!(asked.len() <= 4, "{} pushes for 20 records", asked.len());
    assert!(pushed(asked.last().unwrap()).contains("m_total 20\n"), "{asked:?}");
}

#[tokio::test]
async fn a_record_that_says_where_to_is_pushed_there() {
    let accepts: Behaviour = |stream, _| answer(stream, "200", "", "");
    let (usual, other) = (Faulty::start(accepts), Faulty::start(accepts));
    let config = json!({"gateway_url": usual.url});
    let grants = named_by(&config).and(other.url.parse().unwrap());
    let plug = plug().start(&config, grants, Limits::default()).await.unwrap();
    let mut ctx = counter("m_total");
    ctx["prometheus_config"] = json!({"gateway_url": other.url, "job_name": "elsewhere"});
    let answer = plug.ask(&ctx).await.unwrap();
    assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
    assert_eq!((usual.asked().len(), other.asked().len()), (0, 1));
    assert!(other.asked()[0].starts_with("PUT /metrics/job/elsewhere"), "{:?}", other.asked());
    // What was recorded under a key of its own goes nowhere else.
    assert_eq!(flush(&plug).await, None);
    assert_eq!(usual.asked().len(), 0);
    // Of the configuration's own key, the usual gateway has not got it yet.
    let mut ctx = counter("m_total");
    ctx["prometheus_config"] = json!({"gateway_url": other.url});
    assert_eq!(plug.ask(&ctx).await.unwrap()["result"]["metric_pushed"], true);
    assert_eq!((usual.asked().len(), other.asked().len()), (0, 2));
    assert_eq!(flush(&plug).await, None);
    assert_eq!((usual.asked().len(), other.asked().len()), (1, 2));
    assert!(pushed(&usual.asked()[0]).contains("m_total 1\n"), "{:?}", usual.asked());
}

#[tokio::test]
async fn a_job_that_is_stopped_costs_no_record() {
    let silent: Behaviour = |stream, number| {
        if number == 0 {
            sleep(Duration::from_secs(10));
        }
        answer(stream, "200", "", "")
    };
    let gateway = Faulty::start(silent);
    let limits = Limits::default().with_call(Duration::from_millis(400));
    let plug = start(&gateway, json!({}), limits).await;
    let answer = plug.ask(&counter("m_total")).await.unwrap();
    let result = &answer["result"];
    assert_eq!((&answer["success"], &result["metric_pushed"]), (&json!(true), &json!(false)), "{answer}");
    let error = result["push_error"].as_str().unwrap();
    assert!(error.contains("stopped after 0.4 s"), "{answer}");
    assert!(!error.contains("recorded nothing"), "{answer}");
    assert_eq!(plug.recovery().await.unwrap().crashes, 1);
    let answer = plug.ask(&counter("m_total")).await.unwrap();
    assert_eq!((&answer["result"]["metric_pushed"], &answer["result"]["current_value"]), (&json!(true), &json!(2)));
    assert!(pushed(&gateway.asked()[1]).contains("m_total 2\n"));
}

#[tokio::test]
async fn the_recorder_knows_what_its_workers_did() {
    let gateway = Faulty::start(|stream, _| answer(stream, "200", "", ""));
    let plug = start(&gateway, json!({"own_metrics": true}), Limits::default()).await;
    // Nothing was recorded: nothing is pushed, and no group is emptied by that.
    assert_eq!(flush(&plug).await, None);
    assert_eq!(gateway.asked().len(), 0);
    plug.ask(&counter("m_total")).await.unwrap();
    assert_eq!(flush(&plug).await, None);
    assert_eq!(gateway.asked().len(), 1, "what was pushed is not pushed again");
    let text = exposition(&plug).await;
    for line in ["plugpipe_monitoring_pushes_total 1\n", "plugpipe_monitoring_exchange_duration_seconds_count 1\n"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let cleaned = body(&plug.cleanup().await.unwrap());
    assert_eq!(cleaned["result"]["unpushed"], false, "{cleaned}");
    assert_eq!(cleaned["result"]["groups_deleted"].as_array().map(Vec::len), Some(1), "{cleaned}");
    assert!(gateway.asked()[1].starts_with("DELETE /metrics/job/j"), "{:?}", gateway.asked());
}

#[tokio::test]
async fn a_cfg_that_comes_with_a_query_holds_for_the_records_after_it() {
    let prometheus = Faulty::start(|stream, _| {
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{vector}", vector.len())
    });
    let config = json!({"prometheus_url": prometheus.url});
    let plug = plug().start(&config, named_by(&config), Limits::default()).await.unwrap();
    let mut second = config.clone();
    second["job_name"] = json!("second");
    let query = json!({"operation": "query_metrics", "query": "up"}).to_string();
    let answer = plug.ask_text(&query, second.to_string()).await.unwrap();
    assert_eq!((&answer["success"], &answer["monitoring_metadata"]["job_name"]), (&json!(true), &json!("second")));
    assert_eq!(plug.ask(&counter("m_total")).await.unwrap()["monitoring_metadata"]["job_name"], "second");
    // One that is none says so in the query's own answer, and no server is asked.
    let wrong = plug.ask_text(query, r#"{"timeout": "soon"}"#).await.unwrap();
    assert_eq!((&wrong["success"], &wrong["field"]), (&json!(false), &json!("cfg.timeout")), "{wrong}");
    assert_eq!(prometheus.asked().len(), 1);
}
