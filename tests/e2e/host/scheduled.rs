//! `serve` with `delivery` in its configuration.

use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cli::serve::{Served, get};
use crate::support::{pushgateway, read_head, run, stderr, stdout, without_servers};

/// A server with this delivery, whose plug does not push by itself.
fn served(gateway: &str, delivery: &serde_json::Value) -> (tempfile::TempDir, Served) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let settings = json!({
        "gateway_url": gateway, "push_policy": "interval", "push_interval": "1h", "retry_attempts": 1, "job_name": "j",
    });
    fs::write(&path, json!({"prometheus_config": settings, "delivery": delivery}).to_string()).unwrap();
    let served = Served::start(&["--config", path.to_str().unwrap()]);
    (folder, served)
}

async fn count(served: &Served) {
    let record = json!({"ctx": {"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1}});
    let (status, answer) = served.process(record).await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
}

/// The gateway's metrics once they contain this text.
async fn until(gateway: &str, text: &str, within: Duration) -> String {
    let deadline = Instant::now() + within;
    loop {
        let metrics = get(&format!("{gateway}/metrics")).await.1;
        if metrics.contains(text) {
            return metrics;
        }
        assert!(Instant::now() < deadline, "no {text}: {metrics}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn pushed_at(metrics: &str) -> &str {
    metrics.lines().find(|line| line.starts_with("push_time_seconds{")).unwrap()
}

/// Takes a push.
fn take(stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    let head = read_head(&mut stream);
    let length =
        head.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    stream.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
    stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
}

/// A gateway that takes one push, and no longer answers after that. It ends with the process.
fn silent_after_one() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        take(listener.accept().unwrap().0);
        let _open: Vec<_> = listener.incoming().collect();
    });
    url
}

/// A gateway that does not answer its first push, and takes the others.
fn silent_at_first() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let _open = listener.accept().unwrap();
        listener.incoming().for_each(|stream| take(stream.unwrap()));
    });
    url
}

#[tokio::test]
async fn what_changed_is_delivered_at_intervals_also_after_the_gateway_was_down() {
    if without_servers("what_changed_is_delivered_at_intervals_also_after_the_gateway_was_down") {
        return;
    }
    let gateway = pushgateway(None).await;
    let url = gateway.url.clone();
    let (_folder, served) = served(&url, &json!({"every": "1s"}));
    count(&served).await;
    count(&served).await;
    let metrics = until(&url, "jobs_total{instance=\"\",job=\"j\"} 2\n", Duration::from_secs(20)).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let later = get(&format!("{url}/metrics")).await.1;
    assert_eq!(pushed_at(&metrics), pushed_at(&later), "nothing changed");

    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    tokio::task::spawn_blocking(|| gateway.stop()).await.unwrap();
    count(&served).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let gateway = pushgateway(Some(port)).await;
    until(&url, "jobs_total{instance=\"\",job=\"j\"} 3\n", Duration::from_secs(120)).await;
    // The log's line may follow the gateway's response by a moment.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let said = served.stop();
    assert_eq!(said.matches("delivery to pushgateway: unhealthy: ").count(), 1, "{said}");
    assert_eq!(said.matches("delivery to pushgateway: healthy again after ").count(), 1, "{said}");
    for line in
        [format!("server {url}: unhealthy: the connection was refused"), format!("server {url}: healthy again after ")]
    {
        assert_eq!(said.matches(&line).count(), 1, "{line}: {said}");
    }
    assert!(!said.contains("lost"), "{said}");
    drop(gateway);
}

#[tokio::test]
async fn the_last_delivery_is_made_at_the_end_and_has_a_bound() {
    let url = silent_after_one();
    let (_folder, hanging) = served(&url, &json!({"every": "1h", "stop_within": "1s"}));
    // The first call pushes, since there was no push before.
    count(&hanging).await;
    count(&hanging).await;
    let started = Instant::now();
    let said = hanging.stop();
    assert!(said.contains("1 series are lost: the push failed: pushgateway: no response within 1s"), "{said}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());

    if without_servers("the_last_delivery_is_made_at_the_end_and_has_a_bound") {
        return;
    }
    let gateway = pushgateway(None).await;
    let (_folder, served) = served(&gateway.url, &json!({"sinks": {"pushgateway": "1h"}}));
    count(&served).await;
    let said = served.stop();
    assert!(!said.contains("lost"), "{said}");
    until(&gateway.url, "jobs_total{instance=\"\",job=\"j\"} 1\n", Duration::ZERO).await;
}

#[tokio::test]
async fn a_gateway_that_has_just_failed_gets_the_last_delivery_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let settings = json!({"gateway_url": silent_at_first(), "push_timeout": "1s", "job_name": "j"});
    fs::write(&path, json!({"prometheus_config": settings, "delivery": {"every": "1h"}}).to_string()).unwrap();
    let served = Served::start(&["--config", path.to_str().unwrap()]);
    let record = || json!({"ctx": {"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1}});
    // Its circuit is open for 5 s from the first failure on, and the second record does not try it.
    for code in ["timeout", "unreachable"] {
        let (_, answer) = served.process(record()).await;
        assert_eq!(answer["result"]["push_error_code"], code, "{answer}");
    }
    let said = served.stop();
    assert!(said.contains("stopped: all values were delivered or scraped"), "{said}");
}

#[test]
fn an_invalid_schedule_fails_the_start_and_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let file = path.to_str().unwrap();
    for (delivery, problem) in [
        ("{evry: 15s}", "delivery.evry: unknown field"),
        ("{sinks: {otpl: 15s}}", "delivery.sinks.otpl: unknown sink; did you mean otlp?"),
    ] {
        fs::write(&path, format!("job_name: j\ndelivery: {delivery}\n")).unwrap();
        let output = run(&["serve", "--web.listen-address", "127.0.0.1:0", "--config", file]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(problem), "{}", stderr(&output));
        let output = run(&["check", file, "--as", "configuration"]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stdout(&output).contains("2:") && stdout(&output).contains("delivery"), "{}", stdout(&output));
    }
    fs::write(&path, "job_name: j\ndelivery: {every: 15s}\n").unwrap();
    let output = run(&["check", file, "--as", "configuration"]);
    assert_eq!(stdout(&output).trim_end(), format!("{file}: valid configuration"));
}
