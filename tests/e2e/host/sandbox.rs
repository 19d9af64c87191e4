//! What the component could reach, and what it is kept from.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use plugpipe_harness::{Error, Grants, Limits, Plug};
use serde_json::json;

use crate::support::{Ask as _, named_by, plug};

#[test]
fn the_component_imports_seven_interfaces_and_no_other() {
    assert_eq!(
        plug().imports(),
        [
            "wasi:clocks/monotonic-clock@0.2.0",
            "wasi:clocks/wall-clock@0.2.0",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:http/types@0.2.0",
            "wasi:io/error@0.2.0",
            "wasi:io/poll@0.2.0",
            "wasi:io/streams@0.2.0",
        ]
    );
}

#[test]
fn the_component_exports_the_contract() {
    let exports = plug().exports();
    let interfaces: Vec<&str> = exports.iter().map(|export| export.interface.as_str()).collect();
    assert_eq!(
        interfaces,
        [
            "monitoring/types",
            "plug/plug",
            "plug/hosting",
            "plug/state",
            "monitoring/metrics",
            "monitoring/exposition",
            "monitoring/query"
        ]
        .map(|name| format!("plugpipe:{name}@1.0.0"))
    );
    assert_eq!(exports[1].functions, ["describe", "schema", "process"]);
    assert_eq!(exports[2].functions, ["start", "take", "run", "complete", "release", "configure"]);
    assert_eq!(exports[5].functions, ["encode", "scrape"]);
}

#[tokio::test]
async fn an_origin_that_was_not_granted_is_refused_before_any_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = json!({"prometheus_config": {
        "gateway_url": format!("http://127.0.0.1:{port}"), "prometheus_url": format!("http://127.0.0.1:{port}"),
    }});
    let plug = plug().start(&config, Grants::none(), Limits::default()).await.unwrap();
    let origin = format!("http://127.0.0.1:{port}");

    let answer =
        plug.ask(&json!({"operation": "record_counter", "metric_name": "m_total", "metric_value": 1})).await.unwrap();
    assert_eq!((&answer["success"], &answer["result"]["metric_pushed"]), (&json!(true), &json!(false)));
    assert_eq!(
        (&answer["result"]["push_error_code"], &answer["result"]["push_origin"]),
        (&json!("not_granted"), &json!(origin))
    );

    for ctx in [
        json!({"operation": "push_metrics"}),
        json!({"operation": "delete_metrics"}),
        json!({"operation": "query_metrics", "query": "up"}),
    ] {
        let answer = plug.ask(&ctx).await.unwrap();
        assert_eq!(
            (&answer["success"], &answer["error_code"], &answer["origin"]),
            (&json!(false), &json!("not_granted"), &json!(origin))
        );
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(&format!("grant {origin} to the plug")) && !error.contains("--"), "{error}");
    }
    let health = plug.health_check().await.unwrap();
    assert_eq!(
        (&health["result"]["prometheus_status"], &health["result"]["pushgateway_status"]),
        (&json!("not_granted"), &json!("not_granted"))
    );

    let connection = listener.accept();
    assert!(matches!(&connection, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock), "{connection:?}");
}

#[tokio::test]
async fn a_url_in_ctx_does_not_grant_itself() {
    let plug = plug().start(&json!({}), Grants::none(), Limits::default()).await.unwrap();
    let ctx = json!({"operation": "push_metrics", "prometheus_config": {"gateway_url": "http://127.0.0.1:9"}});
    assert_eq!(plug.ask(&ctx).await.unwrap()["error_code"], "not_granted");
}

#[test]
fn what_is_no_component_of_this_world_is_refused_with_a_reason() {
    let problem = |bytes: &[u8]| Plug::from_bytes("x.wasm", bytes).map(|_| ()).unwrap_err().to_string();
    assert!(problem(b"not wasm").starts_with("x.wasm cannot be loaded: "));
    // An empty component: valid, and without the plug's interface.
    let empty = problem(b"\0asm\x0d\0\x01\0");
    assert!(empty.contains("plugpipe:plug/"), "{empty}");
}

#[tokio::test]
async fn a_plug_that_runs_out_of_memory_is_replaced_and_the_host_goes_on() {
    let limits = Limits::default().with_memory_bytes(4 * 1024 * 1024);
    let plug = plug().start(&json!({"job_name": "kept"}), Grants::none(), limits).await.unwrap();
    let record = json!({"operation": "record_counter", "metric_name": "m_total", "metric_value": 1});
    assert_eq!(plug.ask(&record).await.unwrap()["result"]["current_value"], 1.0);
    let crash = plug.process(" ".repeat(8 * 1024 * 1024), "").await.unwrap_err();
    assert!(matches!(crash, Error::Limit { .. }), "{crash}");
    let after = plug.ask(&record).await.unwrap();
    assert_eq!(
        (&after["result"]["current_value"], &after["monitoring_metadata"]["job_name"]),
        (&json!(2), &json!("kept"))
    );
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_stopped_and_the_host_goes_on() {
    // The system takes connections for a listener that accepts none.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = json!({"gateway_url": format!("http://{}", silent.local_addr().unwrap()), "timeout": "60s"});
    let limits = Limits::default().with_call(Duration::from_millis(200));
    let plug = plug().start(&config, named_by(&config), limits).await.unwrap();
    let started = Instant::now();
    let stopped = plug.ask(&json!({"operation": "push_metrics"})).await.unwrap();
    assert!(stopped["error"].as_str().unwrap().contains("stopped after 0.2 s"), "{stopped}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(plug.describe().name, "monitoring_prometheus");
}
