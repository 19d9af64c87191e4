//! Many harnesses, one total: docs/scaling.md's own configurations, with the addresses of servers
//! that run here in place of its examples.

use std::time::{Duration, Instant};

use plugpipe_testkit::{
    Program, PrometheusOptions, Running, VictoriaMetricsOptions, start_prometheus, start_victoria_metrics,
};
use serde_json::{Value, json};

use crate::cli::docs::block;
use crate::cli::serve::{Served, get};
use crate::support::{harness, program, stderr, without_servers};

const DOCUMENT: &str = "docs/scaling.md";

/// How many harnesses there are.
const HARNESSES: u32 = 8;

/// Calls that each of them gets.
const CALLS: u32 = 25;

/// A harness of its own with the document's configuration, that writes to this receiver.
fn harness_of(instance: &str, receiver: &str) -> (tempfile::TempDir, std::process::Command) {
    let folder = tempfile::tempdir().unwrap();
    let config = block(DOCUMENT, "# harness.yaml").replace("http://victoria-metrics.example:8428", receiver);
    assert!(config.contains(receiver), "{config}");
    let path = folder.path().join("harness.yaml");
    std::fs::write(&path, config).unwrap();
    let mut command =
        harness(&["serve", "--web.listen-address", "127.0.0.1:0", "--env", "PLUGPIPE_INSTANCE", "--config"]);
    command.arg(path).env("PLUGPIPE_INSTANCE", instance);
    (folder, command)
}

/// Starts one and lets it count to `CALLS` times `step`, a call after the other, and write what it
/// has.
async fn counted(instance: String, step: u32, receiver: String) -> Served {
    let (_folder, command) = harness_of(&instance, &receiver);
    let served = tokio::task::spawn_blocking(move || Served::of(command)).await.unwrap();
    for _ in 0..CALLS {
        let ctx = json!({"operation": "record_counter", "metric_name": "scaled_total", "metric_value": step});
        let (_, answer) = served.process(json!({"ctx": ctx})).await;
        assert_eq!(answer["success"], true, "{answer}");
    }
    let (_, answer) = served.process(json!({"ctx": {"operation": "remote_write_metrics"}})).await;
    assert_eq!(answer["success"], true, "{answer}");
    served
}

/// A real Prometheus with this configuration, but for intervals that a test has no time for.
async fn prometheus(config: String) -> Running {
    let config = config.replace("scrape_interval: 15s", "scrape_interval: 1s").replace("interval: 1m", "interval: 1s");
    tokio::task::spawn_blocking(move || {
        let options = PrometheusOptions { config, ..PrometheusOptions::default() };
        start_prometheus(&program(Program::Prometheus), &options).unwrap()
    })
    .await
    .unwrap()
}

/// The document's configuration with a further entry for each harness in place of its two.
fn discovering(harnesses: &[Served]) -> String {
    let config = block(DOCUMENT, "# prometheus.yml");
    let marker = "      - url: ";
    let (before, entries) = config.split_once(marker).unwrap();
    let (_, entry) = entries.split_once('\n').unwrap();
    let settings: String = entry.lines().take_while(|line| line.starts_with("        ")).collect();
    let entries = harnesses.iter().map(|served| format!("{marker}\"{}/sd\"\n{settings}\n", served.url));
    format!("{before}{}", entries.collect::<String>())
}

/// What a query's only sample is.
async fn value(server: &Running, query: &str) -> Option<f64> {
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
    let (_, text) = get(&format!("{}/api/v1/query?{query}", server.url)).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
}

/// Waits until as many instances are there as there should be, and returns their total.
async fn total(server: &Running, instances: u32) -> f64 {
    let started = Instant::now();
    loop {
        let found = value(server, "count(count by (instance) (scaled_total{job=\"pipes\"}))").await.unwrap_or(0.0);
        if found >= f64::from(instances) {
            let series = value(server, "count(scaled_total)").await;
            assert_eq!((found, series), (f64::from(instances), Some(f64::from(instances))), "{}", server.url);
            return value(server, "sum(scaled_total)").await.unwrap();
        }
        assert!(started.elapsed() < Duration::from_secs(40), "{found} instances at {}", server.url);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[tokio::test]
async fn eight_harnesses_have_one_exact_total_however_it_is_gathered() {
    if without_servers("eight_harnesses_have_one_exact_total_however_it_is_gathered") {
        return;
    }
    let receiver = tokio::task::spawn_blocking(|| {
        let options = VictoriaMetricsOptions::default().flag("-search.latencyOffset=0s");
        start_victoria_metrics(&program(Program::VictoriaMetrics), &options).unwrap()
    })
    .await
    .unwrap();
    let counting: Vec<_> = (0..HARNESSES)
        .map(|index| tokio::spawn(counted(format!("runner-{index}"), index + 1, receiver.url.clone())))
        .collect();
    let mut harnesses = Vec::new();
    for counted in counting {
        harnesses.push(counted.await.unwrap());
    }
    let expected = f64::from(CALLS * (1..=HARNESSES).sum::<u32>());

    let site = prometheus(discovering(&harnesses)).await;
    let global = block(DOCUMENT, "# global.yml").replace("prometheus.eu-1.example:9090", &site.authority());
    let above = prometheus(global).await;
    for server in [&receiver, &site, &above] {
        assert_eq!(total(server, HARNESSES).await, expected, "{}", server.url);
    }
    let of_site = value(&above, "count(scaled_total{site=\"eu-1\", job=\"pipes\", instance=\"runner-7\"})").await;
    assert_eq!(of_site, Some(1.0), "labels are kept on the way up");

    // What the document warns of: with another's instance there is no series more.
    let _ninth = counted("runner-0".into(), 1_000, receiver.url.clone()).await;
    let started = Instant::now();
    while value(&receiver, "scaled_total{instance=\"runner-0\"}").await != Some(f64::from(1_000 * CALLS)) {
        assert!(started.elapsed() < Duration::from_secs(20), "the ninth has not arrived");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(value(&receiver, "count(scaled_total)").await, Some(f64::from(HARNESSES)));
}

#[test]
fn a_harness_without_an_instance_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("harness.yaml");
    std::fs::write(&path, block(DOCUMENT, "# harness.yaml")).unwrap();
    let serve = ["serve", "--web.listen-address", "127.0.0.1:0", "--config", path.to_str().unwrap()];
    for arguments in [&serve[..], &[&serve[..], &["--env", "PLUGPIPE_INSTANCE"]].concat()] {
        let output = harness(arguments).env_remove("PLUGPIPE_INSTANCE").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains("PLUGPIPE_INSTANCE"), "{}", stderr(&output));
    }
}
