//! Pushgateways that are away, silent, or come back.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{pushgateway, start, without_servers};

fn count(value: u32) -> Value {
    json!({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": value, "labels": {"a": "1"}})
}

/// A port on which nobody listens.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn ten_records_are_quick_and_told(gateway: &str, code: &str) {
    let plug = start(json!({"gateway_url": gateway})).await;
    let started = Instant::now();
    for index in 1..=10 {
        let answer = plug.process(&count(1)).await.unwrap();
        assert_eq!((&answer["success"], &answer["result"]["metric_pushed"]), (&json!(true), &json!(false)), "{answer}");
        assert_eq!(answer["result"]["current_value"], f64::from(index));
        let told = answer["result"]["push_error"].as_str().unwrap();
        assert!(told.contains(gateway), "{told}");
        if index == 1 {
            assert_eq!(answer["result"]["push_error_code"], code, "{answer}");
        }
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn records_do_not_wait_for_a_gateway_that_is_away() {
    ten_records_are_quick_and_told(&format!("http://127.0.0.1:{}", free_port()), "unreachable").await;
}

#[tokio::test]
async fn records_do_not_wait_for_a_gateway_that_is_silent() {
    // The system takes connections for a listener that accepts none.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    ten_records_are_quick_and_told(&format!("http://{}", listener.local_addr().unwrap()), "timeout").await;
}

#[tokio::test]
async fn what_a_dead_gateway_missed_goes_out_with_the_next_push() {
    if without_servers("what_a_dead_gateway_missed_goes_out_with_the_next_push") {
        return;
    }
    let gateway = pushgateway(None).await;
    let (url, port) = (gateway.url.clone(), gateway.port());
    let plug = start(json!({"gateway_url": url, "job_name": "away", "instance": "i"})).await;
    assert_eq!(plug.process(&count(1)).await.unwrap()["result"]["metric_pushed"], true);
    tokio::task::spawn_blocking(move || gateway.stop()).await.unwrap();
    assert_eq!(plug.process(&count(2)).await.unwrap()["result"]["metric_pushed"], false);
    let gateway = pushgateway(Some(port)).await;
    // A connection that was kept from before may break once more; the value is in the push after it.
    let answer = plug.process(&count(4)).await.unwrap();
    assert_eq!(
        (&answer["result"]["metric_pushed"], &answer["result"]["current_value"]),
        (&json!(true), &json!(7)),
        "{answer}"
    );
    assert_eq!(scraped(&gateway.url, "jobs_total{").await, ["jobs_total{a=\"1\",instance=\"i\",job=\"away\"} 7"]);
}

#[tokio::test]
async fn ten_pushes_of_a_counter_add_up_to_ten() {
    if without_servers("ten_pushes_of_a_counter_add_up_to_ten") {
        return;
    }
    let gateway = pushgateway(None).await;
    let plug = start(json!({"prometheus_config": {"gateway_url": gateway.url, "job_name": "ten"}})).await;
    for _ in 0..10 {
        assert_eq!(plug.process(&count(1)).await.unwrap()["result"]["metric_pushed"], true);
    }
    assert_eq!(scraped(&gateway.url, "jobs_total{").await, ["jobs_total{a=\"1\",instance=\"\",job=\"ten\"} 10"]);
    let deleted = plug.process(&json!({"operation": "delete_metrics"})).await.unwrap();
    assert_eq!(deleted["result"]["deleted"], true, "{deleted}");
    assert!(scraped(&gateway.url, "jobs_total{").await.is_empty());
    let pushed = plug.process(&json!({"operation": "push_metrics"})).await.unwrap();
    assert_eq!(pushed["result"]["metric_pushed"], true, "{pushed}");
    assert_eq!(scraped(&gateway.url, "jobs_total{").await.len(), 1);
}

#[tokio::test]
async fn group_names_that_no_path_can_hold_arrive_whole() {
    if without_servers("group_names_that_no_path_can_hold_arrive_whole") {
        return;
    }
    let gateway = pushgateway(None).await;
    for (job, instance) in [("a/b c+d%", "x y"), ("..", "/"), ("é ☃", "q\"b\\s")] {
        let plug = start(json!({"gateway_url": gateway.url, "job_name": job, "instance": instance})).await;
        let answer = plug.process(&count(1)).await.unwrap();
        assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let expected = format!("jobs_total{{a=\"1\",instance=\"{}\",job=\"{}\"}} 1", escaped(instance), escaped(job));
        assert_eq!(scraped(&gateway.url, "jobs_total{").await, [expected]);
        plug.process(&json!({"operation": "delete_metrics"})).await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_push_says_what_the_gateway_said_and_keeps_the_value() {
    if without_servers("a_refused_push_says_what_the_gateway_said_and_keeps_the_value") {
        return;
    }
    let gateway = pushgateway(None).await;
    let plug = start(json!({"gateway_url": gateway.url})).await;
    // The gateway exposes a metric of this name itself, of another kind.
    let ctx = json!({"operation": "record_counter", "metric_name": "go_goroutines", "metric_value": 1});
    let answer = plug.process(&ctx).await.unwrap();
    assert_eq!(
        (&answer["success"], &answer["result"]["push_error_code"]),
        (&json!(true), &json!("refused")),
        "{answer}"
    );
    assert!(answer["result"]["push_error"].as_str().unwrap().contains("400"), "{answer}");
    let pushed = plug.process(&json!({"operation": "push_metrics"})).await.unwrap();
    assert_eq!((&pushed["success"], &pushed["http_status"]), (&json!(false), &json!(400)), "{pushed}");
}

/// The lines of a gateway's own exposition that begin so.
async fn scraped(url: &str, prefix: &str) -> Vec<String> {
    let text = crate::serve::get(&format!("{url}/metrics")).await.1;
    text.lines().filter(|line| line.starts_with(prefix)).map(str::to_owned).collect()
}
