//! A remote-write receiver that is down for long while `serve` is killed: once it is there, it gets
//! each sample once, with the time at which it was taken.
//!
//! `PLUGPIPE_SOAK_RECEIVER_DOWN_SECONDS` (300) makes it long.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plugpipe_testkit::{Program, PrometheusOptions, Running, start_prometheus};
use serde_json::{Value, json};

use crate::cli::serve::{Served, get};
use crate::support::{program, scale, without_servers};

/// Series beside the one that counts rounds.
const OTHERS: usize = 20;

/// A port on which nothing listens, for a receiver that comes later.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    fn new(settings: &Value, delivery: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = json!({"prometheus_config": settings, "delivery": delivery});
        std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        Self { folder }
    }

    fn start(&self) -> Served {
        let path = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        Served::start(&["--config", &path("config.json"), "--state", &path("state")])
    }
}

async fn prometheus(port: u16) -> Running {
    let start = move || {
        let options = PrometheusOptions { port: Some(port), config: "{}".into(), ..PrometheusOptions::default() };
        let options = options.flag("--web.enable-remote-write-receiver");
        start_prometheus(&program(Program::Prometheus), &options).unwrap()
    };
    tokio::task::spawn_blocking(start).await.unwrap()
}

/// The samples of each series of a real Prometheus, by time.
async fn samples(url: &str, name: &str) -> Vec<Vec<(u64, u64)>> {
    let (status, text) = get(&format!("{url}/api/v1/query?query={name}%5B1h%5D")).await;
    assert_eq!(status, 200, "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    let sample = |sample: &Value| {
        let (time, value) = (sample[0].as_f64().unwrap(), sample[1].as_str().unwrap().parse::<f64>().unwrap());
        ((time * 1_000.0).round() as u64, value as u64)
    };
    let values = |series: &Value| series["values"].as_array().unwrap().iter().map(sample).collect();
    answer["data"]["result"].as_array().unwrap().iter().map(values).collect()
}

/// A round: all series get its number, and are written. The times before and after the write, and
/// the answer.
async fn round(served: &Served, number: u64) -> ((u64, u64), Value) {
    let gauge = |name: String| json!({"metric_name": name, "metric_type": "gauge", "metric_value": number});
    let names = (0..OTHERS).map(|other| format!("other_{other}")).chain(["round".to_owned()]);
    let metrics: Vec<Value> = names.map(gauge).collect();
    let (_, answer) =
        served.process(json!({"ctx": {"operation": "record_multiple_metrics", "metrics": metrics}})).await;
    assert_eq!(answer["success"], true, "{answer}");
    // A scrape brings the plug's own metrics, which are not written: a restart changes them.
    let (_, text) = get(&format!("{}/metrics", served.url)).await;
    assert!(text.contains("\nplugpipe_monitoring_series "), "{text}");
    let before = now_ms();
    let (_, answer) = served.process(json!({"ctx": {"operation": "remote_write_metrics"}})).await;
    ((before, now_ms()), answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_sample_of_an_outage_arrives_once_with_its_own_time_whatever_ends_the_host() {
    if without_servers("each_sample_of_an_outage_arrives_once_with_its_own_time_whatever_ends_the_host") {
        return;
    }
    let seconds = scale("PLUGPIPE_SOAK_RECEIVER_DOWN_SECONDS", 2);
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let host = Host::new(
        // The last write has all of the outage.
        &json!({
            "remote_write_url": format!("{url}/api/v1/write"), "remote_write_timeout": "60s", "timeout": "60s",
            "job_name": "down", "retry_attempts": 1,
        }),
        // What ends the host is not this: it delivers at the end of the process.
        &json!({"sinks": {"remote_write": "1h"}, "stop_within": "2s"}),
    );
    // The processes that are ended, by turns in both ways; the last one sends what they left.
    let processes = 2 + seconds / 60;
    let (mut number, mut times, mut at_ends) = (0, BTreeMap::new(), Vec::new());
    for process in 0..processes {
        let served = host.start();
        let until = now_ms() + seconds * 1_000 / processes;
        while now_ms() < until {
            number += 1;
            let (time, answer) = round(&served, number).await;
            assert_eq!((&answer["success"], &answer["lost"]), (&json!(false), &json!(0)), "{answer}");
            assert!(answer["pending"].as_u64().unwrap() >= number * OTHERS as u64, "{answer}");
            times.insert(number, time);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        if process % 2 == 0 {
            // It samples once more as it ends.
            at_ends.push(number);
            let said = tokio::task::spawn_blocking(|| served.stop()).await.unwrap();
            assert!(said.contains("They are stored in ") && said.contains("lost: 0."), "{said}");
        } else {
            served.kill();
        }
    }
    let prometheus = prometheus(port).await;
    let served = host.start();
    number += 1;
    let (time, answer) = round(&served, number).await;
    assert_eq!((&answer["success"], &answer["result"]["pending"]), (&json!(true), &json!(0)), "{answer}");
    times.insert(number, time);
    let (_, own) = get(&format!("{}/metrics", served.url)).await;
    let lost = own.lines().find(|line| line.starts_with("plugpipe_monitoring_values_lost_total")).unwrap();
    assert!(lost.ends_with(" 0"), "{lost}");

    assert!(samples(&prometheus.url, "plugpipe_monitoring_series").await.is_empty());
    for name in ["round", "other_0"] {
        let series = samples(&prometheus.url, name).await;
        let [samples] = &series[..] else { panic!("one series: {series:?}") };
        let mut left = times.clone();
        for (time, value) in samples {
            match left.remove(value) {
                Some((before, after)) => {
                    assert!((before..=after).contains(time), "{value} at {time}, not {before} to {after}")
                }
                // The last delivery of a process that was asked to stop comes after the round.
                None => {
                    assert!(at_ends.contains(value) && times[value].1 <= *time, "{value} again at {time}: {samples:?}")
                }
            }
        }
        assert!(left.is_empty(), "{name}: lost {left:?}");
        assert!(samples.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{samples:?}");
        assert_eq!(samples.len(), times.len() + at_ends.len(), "{samples:?}");
    }
    println!("{processes} processes ended in {seconds} s, {} rounds of {} series", times.len(), OTHERS + 1);
    drop(prometheus);
}

#[tokio::test]
async fn past_its_bound_the_queue_drops_the_oldest_counts_them_and_says_so_once() {
    let port = free_port();
    let host = Host::new(
        &json!({
            "remote_write_url": format!("http://127.0.0.1:{port}/api/v1/write"), "retry_attempts": 1,
            "remote_write_capacity": 1,
        }),
        &json!({"every": "1s"}),
    );
    let served = host.start();
    let record = json!({"ctx": {"operation": "record_gauge", "metric_name": "g", "metric_value": 1}});
    assert_eq!(served.process(record).await.0, 200);
    let lost = async || {
        let (_, text) = get(&format!("{}/metrics", served.url)).await;
        let line =
            text.lines().find(|line| line.starts_with("plugpipe_monitoring_values_lost_total")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let mut last = 0.0;
    // Twice more: the second time nothing is said.
    for _ in 0..2 {
        let before = last;
        while last <= before {
            assert!(std::time::Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(50)).await;
            last = lost().await;
        }
    }
    let said = tokio::task::spawn_blocking(|| served.stop()).await.unwrap();
    assert_eq!(
        said.matches("values were dropped, the oldest first: the queue for this receiver is full").count(),
        1,
        "{said}"
    );
    assert_eq!(said.matches(&format!("server http://127.0.0.1:{port}: unhealthy")).count(), 1, "{said}");
}
