//! Host resources of conversations: none is left when a conversation ends, however it ends, so that
//! one instance holds any number of them.
//!
//! `PLUGPIPE_SOAK_CONVERSATIONS` (5000) is how many of each kind one instance holds.

use std::io::Write as _;
use std::net::TcpListener;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use plugpipe_harness::session::query;
use plugpipe_harness::{Grants, Limits, PlugHandle};
use serde_json::{Value, json};

use crate::fake_web::{Asked, WebServer, text};
use crate::servers::faults::{Behaviour, Faulty, answer};
use crate::support::{Ask as _, named_by, plug, scale};

/// Fewer than conversations, so that one that leaves a single resource behind is found.
const RESOURCES: usize = 32;

/// What each server would answer, by the path that it is asked for.
fn every_server(asked: &Asked) -> Response<Full<Bytes>> {
    match asked.uri.split('?').next().unwrap() {
        "/api/v1/query" => text(r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#),
        "/api/v1/metrics" => text(r#"{"status":"success","data":[]}"#),
        "/api/v1/rules" => text(r#"{"status":"success","data":{"groups":[]}}"#),
        "/api/v2/silences" | "/api/search" => text("[]"),
        "/target/metrics" => {
            let mut response = text("# TYPE scraped_total counter\nscraped_total 1\n");
            response.headers_mut().insert("content-type", "text/plain; version=0.0.4".parse().unwrap());
            response
        }
        "/otlp" => text("{}"),
        _ => text(""),
    }
}

/// Enough for every server that answers.
const PATIENT: &str = "20s";

/// A configuration whose servers are all at one origin.
fn config(url: &str, timeout: &str) -> Value {
    json!({
        "prometheus_url": url, "gateway_url": url, "grafana_url": url, "alertmanager_url": url,
        "remote_write_url": format!("{url}/write"), "otlp_url": format!("{url}/otlp"), "webhook_url": format!("{url}/hook"),
        "job_name": "j", "timeout": timeout, "push_timeout": timeout, "max_response_bytes": 65_536,
        "retry_attempts": 1, "push_policy": "manual",
    })
}

/// One conversation of each kind.
fn conversations(url: &str) -> Vec<Value> {
    vec![
        json!({"operation": "push_metrics"}),
        json!({"operation": "record_counter", "metric_name": "m_total", "metric_value": 1, "push_policy": "on_record"}),
        json!({"operation": "delete_metrics"}),
        json!({"operation": "list_groups"}),
        json!({"operation": "query_metrics", "query": "up"}),
        json!({"operation": "list_rules"}),
        json!({"operation": "create_alert", "alert_config": {"alert_name": "A", "expression": "up == 0"}}),
        json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": format!("{url}/target")}, "import": true}),
        json!({"operation": "remote_write_metrics"}),
        json!({"operation": "export_otlp"}),
        json!({"operation": "notify_webhook", "alert_name": "A"}),
        json!({"operation": "list_silences"}),
        json!({"operation": "list_dashboards"}),
        json!({"operation": "health_check"}),
    ]
}

/// A plug that has something to send.
async fn start(url: &str, grants: Grants, timeout: &str) -> PlugHandle {
    let limits = Limits::default().with_resources(RESOURCES);
    let plug = plug().start(&config(url, timeout), grants, limits).await.unwrap();
    let record = json!({"operation": "record_counter", "metric_name": "held_total", "metric_value": 1});
    assert_eq!(plug.ask(&record).await.unwrap()["success"], true);
    plug
}

/// Whether an answer tells of a conversation that came to something.
fn went_well(answer: &Value) -> bool {
    let result = &answer["result"];
    answer["success"] == true && result["push_error"].is_null() && result["delivered"] != json!(false)
}

/// Holds one conversation of each kind with this server, side by side, each in a plug of its own:
/// after some failures a server is left alone for a while.
async fn holds_nothing_afterwards(what: &'static str, url: &str, grants: &Grants, well: bool) {
    let mut all = tokio::task::JoinSet::new();
    for ctx in conversations(url) {
        let (url, grants) = (url.to_owned(), grants.clone());
        all.spawn(async move {
            let plug = start(&url, grants, if well { PATIENT } else { "300ms" }).await;
            let answer = plug.ask(&ctx).await.unwrap();
            if ctx["operation"] != "health_check" && ctx["operation"] != "create_alert" {
                assert_eq!(went_well(&answer), well, "{what}: {ctx}: {answer}");
            }
            assert_eq!(plug.host_resources().await.unwrap(), 0, "{what}: {ctx}: {answer}");
            assert_eq!(plug.recovery().await.unwrap().crashes, 0, "{what}: {ctx}: {answer}");
        });
    }
    while let Some(held) = all.join_next().await {
        held.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_leaves_nothing_behind_however_it_ends() {
    let server = WebServer::http(every_server).await;
    let url = server.url();
    let granted = |url: &str| Grants::none().and(url.parse().unwrap());
    holds_nothing_afterwards("answered", &url, &granted(&url), true).await;
    holds_nothing_afterwards("not granted", &url, &Grants::none(), false).await;

    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    holds_nothing_afterwards("refused", &nobody, &granted(&nobody), false).await;

    let silent: Behaviour = |_, _| {
        sleep(Duration::from_secs(5));
        Ok(())
    };
    let cut_off: Behaviour = |stream, _| stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{");
    let slow_body: Behaviour = |stream, _| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")?;
        sleep(Duration::from_secs(5));
        Ok(())
    };
    let too_long: Behaviour = |stream, _| answer(stream, "200", "", &" ".repeat(100_000));
    let endless: Behaviour = |stream, _| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
        loop {
            stream.write_all(&[b' '; 16_384])?;
        }
    };
    let no_http: Behaviour = |stream, _| stream.write_all(b"220 mail.example ESMTP\r\n");
    for (what, behaviour) in [
        ("silent", silent),
        ("cut off", cut_off),
        ("slow", slow_body),
        ("too long", too_long),
        ("endless", endless),
        ("no HTTP", no_http),
    ] {
        let server = Faulty::start(behaviour);
        holds_nothing_afterwards(what, &server.url, &granted(&server.url), false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cancelled_or_stopped_leaves_nothing_behind() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let config = config(&url, PATIENT);
    let query = json!({"operation": "query_metrics", "query": "up"}).to_string();

    // By its caller.
    let mut session = plug().session(&config, named_by(&config), Limits::default()).await.unwrap();
    let left = tokio::time::timeout(Duration::from_millis(100), session.process(&query, "")).await;
    assert!(left.is_err());
    assert_eq!(session.host_resources(), 0);
    // A session works only within its calls: the next one ends the job, and closes the connection.
    let describe = json!({"operation": "describe"}).to_string();
    assert!(session.process(&describe, "").await.unwrap().is_ok());
    let accepted = silent.try_clone().unwrap();
    let read_to_its_end = tokio::task::spawn_blocking(move || {
        let (mut connection, _) = accepted.accept().unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        std::io::copy(&mut connection, &mut std::io::sink())
    });
    read_to_its_end.await.unwrap().unwrap();
    assert_eq!((session.host_resources(), session.recovery().lost), (0, 0));

    // By a limit.
    let limits = Limits::default().with_call(Duration::from_millis(100));
    let plug = plug().start(&config, named_by(&config), limits).await.unwrap();
    let stopped = plug.process(query, "").await.unwrap();
    assert!(stopped.error.is_some(), "{stopped:?}");
    assert_eq!((plug.host_resources().await.unwrap(), plug.recovery().await.unwrap().crashes), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_instance_holds_thousands_of_conversations_of_each_kind() {
    let rounds = scale("PLUGPIPE_SOAK_CONVERSATIONS", RESOURCES as u64 + 8);
    let server = WebServer::http(every_server).await;
    let url = server.url();
    let plug = start(&url, Grants::none().and(url.parse().unwrap()), PATIENT).await;
    for ctx in conversations(&url) {
        let began = Instant::now();
        for round in 0..rounds {
            let answer = plug.ask(&ctx).await.unwrap();
            assert!(went_well(&answer) || ctx["operation"] == "create_alert", "{round}: {ctx}: {answer}");
        }
        println!("{rounds} × {} in {:.1?}", ctx["operation"], began.elapsed());
        assert_eq!(plug.host_resources().await.unwrap(), 0, "{ctx}");
    }
    assert_eq!(plug.recovery().await.unwrap().crashes, 0);

    // The typed calls, each in an instance of its own.
    let (config, limits) = (config(&url, PATIENT), Limits::default().with_resources(RESOURCES));
    let mut session = crate::support::plug().session(&config, named_by(&config), limits).await.unwrap();
    for _ in 0..rounds {
        session
            .querier()
            .instant("up", None, query::Options { timeout_ms: None, limit: None, lookback_ms: None })
            .await
            .unwrap();
        assert_eq!(session.host_resources(), 0);
    }
}

#[tokio::test]
async fn a_push_that_costs_the_instance_does_not_deny_its_record() {
    let server = WebServer::http(every_server).await;
    let mut config = config(&server.url(), PATIENT);
    config["push_policy"] = json!("on_record");
    // Too few for any request.
    let limits = Limits::default().with_resources(2);
    let plug = plug().start(&config, named_by(&config), limits).await.unwrap();
    let record = json!({"operation": "record_counter", "metric_name": "m_total", "metric_value": 1});
    let answer = plug.ask(&record).await.unwrap();
    let result = &answer["result"];
    assert_eq!((&answer["success"], &result["current_value"]), (&json!(true), &json!(1)), "{answer}");
    let error = result["push_error"].as_str().unwrap();
    assert!(error.contains("limits.resources"), "{answer}");
    assert!(!answer.to_string().contains("recorded nothing"), "{answer}");
    assert_eq!(plug.ask(&record).await.unwrap()["result"]["current_value"], 2);
}
