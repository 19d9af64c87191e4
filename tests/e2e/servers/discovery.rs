//! What `generate_config` writes, read by `promtool` and by Prometheus itself; and Prometheus
//! finding a served plug.

use std::fs;
use std::path::Path;
use std::process::Command;

use plugpipe_harness::Limits;
use plugpipe_testkit::{Program, PrometheusOptions, Running, start_prometheus};
use serde_json::{Value, json};

use crate::cli::serve::{Served, get};
use crate::support::{
    Ask as _, alone, named_by, plug, program, query_until, root, servers, start, stderr, stdout, without_servers,
};

/// What the plug writes for these fields.
async fn generated(mut ctx: Value) -> Value {
    ctx["operation"] = json!("generate_config");
    let answer = alone().await.process(&ctx).await.unwrap();
    assert_eq!(answer["success"], true, "{answer}");
    answer["result"].clone()
}

/// A real Prometheus with this file.
async fn prometheus_of(config: &Value) -> Running {
    let config = config["config"].as_str().unwrap().to_owned();
    tokio::task::spawn_blocking(move || {
        let options = PrometheusOptions { config, ..PrometheusOptions::default() };
        start_prometheus(&program(Program::Prometheus), &options).unwrap()
    })
    .await
    .unwrap()
}

/// Waits until the query has a result, and returns its first sample.
async fn sample(prometheus: &Running, query: &str) -> Value {
    let plug = start(json!({"prometheus_url": prometheus.url})).await;
    let query = json!({"operation": "query_metrics", "query": query});
    let found = query_until(&plug, query, |result| !result.as_array().unwrap().is_empty()).await;
    found["result"]["query_result"]["result"][0].clone()
}

/// A plug behind HTTP that has counted to three.
async fn served(arguments: &[&str]) -> Served {
    let served = Served::start(arguments);
    let record = json!({"operation": "record_counter", "metric_name": "found_total", "metric_value": 3});
    assert_eq!(served.process(json!({"ctx": record})).await.0, 200);
    served
}

#[tokio::test]
async fn one_prometheus_federates_from_another_by_what_was_generated() {
    if without_servers("one_prometheus_federates_from_another_by_what_was_generated") {
        return;
    }
    let served = served(&[]).await;
    let scrapes = generated(json!({
        "environment": "testing", "parts": ["global", "scrape_configs"],
        "generate": {"global": {"scrape_interval": "1s"}, "gateway": false, "plug": {"targets": [served.authority()]}},
    }))
    .await;
    let first = prometheus_of(&scrapes).await;
    let federates = generated(json!({
        "parts": ["global", "federation"],
        "generate": {
            "global": {"scrape_interval": "1s", "external_labels": {"region": "a \"b\": c"}},
            "federate": [{"targets": [first.authority()], "match": ["{job=\"plugpipe-test\"}"]}],
        },
    }))
    .await;
    let second = prometheus_of(&federates).await;
    let sample = sample(&second, "found_total").await;
    assert_eq!(sample["value"][1], "3", "{sample}");
    // The labels of the first server's scrape stay.
    assert_eq!(
        (&sample["metric"]["job"], &sample["metric"]["instance"]),
        (&json!("plugpipe-test"), &json!(served.authority())),
        "{sample}"
    );
}

#[tokio::test]
async fn prometheus_finds_a_served_plug_by_itself() {
    if without_servers("prometheus_finds_a_served_plug_by_itself") {
        return;
    }
    let served = served(&[]).await;
    let sd_url = format!("http://{}/sd", served.authority());
    let config = generated(json!({
        "parts": ["global", "scrape_configs"],
        "generate": {
            "global": {"scrape_interval": "1s"}, "gateway": false,
            "plug": {"job": "found", "http_sd": [sd_url], "refresh_interval": "1s"},
        },
    }))
    .await;
    let prometheus = prometheus_of(&config).await;
    let sample = sample(&prometheus, "found_total").await;
    assert_eq!((&sample["value"][1], &sample["metric"]["job"]), (&json!("3"), &json!("found")), "{sample}");
    assert_eq!(sample["metric"]["plug"], "monitoring_prometheus", "{sample}");

    let config = json!({"prometheus_url": prometheus.url});
    let discover = json!({"operation": "discover_targets", "sd_url": sd_url});
    let plug = plug().start(&config, named_by(&config), Limits::default()).await.unwrap();
    let answer = plug.ask(&discover).await.unwrap();
    let told = answer["error"].as_str().unwrap();
    assert!(told.contains("grant http://") && !told.contains("configuration"), "{told}");
    let sd_origin = format!("http://{}", served.authority()).parse().unwrap();
    let grants = named_by(&config).and(sd_origin);
    let plug = crate::support::plug().start(&config, grants, Limits::default()).await.unwrap();
    let answer = plug.ask(&discover).await.unwrap();
    let target = &answer["result"]["groups"][0]["targets"][0];
    assert_eq!((&target["state"], &target["health"]), (&json!("active"), &json!("up")), "{answer}");
    let others = json!({"operation": "discover_targets", "targets": [served.authority(), "127.0.0.1:1"]});
    let answer = plug.ask(&others).await.unwrap();
    assert_eq!((&answer["result"]["active"], &answer["result"]["missing"]), (&json!(1), &json!(1)), "{answer}");
}

#[tokio::test]
async fn a_served_plug_says_the_address_that_it_was_given() {
    let served = Served::start(&["--advertise", "plug.example:9999"]);
    let (status, body) = get(&format!("http://{}/sd", served.authority())).await;
    let expected = json!([{
        "targets": ["plug.example:9999"],
        "labels": {"__metrics_path__": "/metrics", "plug": "monitoring_prometheus"},
    }]);
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()), (200, expected));
}

/// `promtool check config` of the oldest Prometheus and, where it is there, of a newer one.
fn promtools() -> Vec<(&'static str, std::path::PathBuf)> {
    let newest = servers().find_or_fetch(Program::Promtool).ok();
    let oldest = program(Program::Prometheus).with_file_name("promtool");
    let mut tools = Vec::new();
    for tool in [Some(oldest).filter(|tool| tool.exists()), newest].into_iter().flatten() {
        let output = Command::new(&tool).arg("--version").output().unwrap();
        let said = format!("{}{}", stdout(&output), stderr(&output));
        let version = if said.contains("version 2.") { "2.42" } else { "3.5" };
        if !tools.iter().any(|(own, _)| *own == version) {
            tools.push((version, tool));
        }
    }
    assert!(!tools.is_empty());
    tools
}

fn check(tool: &Path, folder: &Path, config: &str) -> Result<(), String> {
    let file = folder.join("prometheus.yml");
    fs::write(&file, config).unwrap();
    let output = Command::new(tool).args(["check", "config"]).arg(&file).output().unwrap();
    if output.status.success() { Ok(()) } else { Err(format!("{}{}", stdout(&output), stderr(&output))) }
}

#[tokio::test]
async fn promtool_takes_every_part_in_every_environment() {
    if without_servers("promtool_takes_every_part_in_every_environment") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::copy(root().join("examples/prometheus/plugpipe_alerts.yml"), folder.path().join("plugpipe_alerts.yml"))
        .unwrap();
    let secret = folder.path().join("a secret's file");
    fs::write(&secret, "secret").unwrap();
    let odd = "q\"b\\s\nü☃ {},=: #\u{7}\u{85}\u{2028}\u{feff}";
    let fields = json!({
        "global": {"external_labels": {"odd": odd, "yes": "yes", "number": "1"}, "scrape_timeout": "900ms"},
        "rule_files": ["plugpipe_alerts.yml", "rules/*.yml"],
        "scrape": [
            {
                "job": odd, "targets": ["h:1", "[::1]:2"], "labels": {"odd": odd, "n": 1}, "path": "/a/b", "scheme": "https",
                "interval": "1m30s", "timeout": 0.5, "honor_labels": true, "honor_timestamps": false, "sample_limit": 10,
                "params": {"module": ["a", odd], "one": "x"}, "tls": {"insecure_skip_verify": true, "server_name": "h"},
                "protocols": ["PrometheusProto", "PrometheusText1.0.0"], "native_histograms": true,
                "basic_auth": {"username": "u", "password_file": secret},
            },
            {"job": "found", "file_sd": ["targets/*.json"], "http_sd": ["http://h:8080/sd?a=b%20c"], "refresh_interval": "30s"},
        ],
        "federate": [{"targets": ["p:9090"], "match": ["{job=~\".+\"}", "up"], "bearer_token_file": secret}],
        "alertmanagers": [{"targets": ["am:9093"], "path_prefix": "/am", "timeout": "5s"}],
        "remote_write": [
            {"url": "http://m/api/v1/push", "name": "mimir", "tenant": odd.split('\n').next().unwrap(), "protocol": "2.0",
             "native_histograms": true, "exemplars": true, "headers": {"X-Team": "a"}, "timeout": "10s"},
        ],
        "remote_read": [{"url": "http://m/api/v1/read", "name": "mimir", "read_recent": true}],
    });
    let parts = ["global", "rule_files", "alerting", "scrape_configs", "federation", "remote_write", "remote_read"];
    for (version, tool) in promtools() {
        for environment in [None, Some("development"), Some("testing"), Some("production")] {
            let plain = generated(json!({"environment": environment, "for_version": version})).await;
            check(&tool, folder.path(), plain["config"].as_str().unwrap()).unwrap();
            let all = [parts.to_vec()].into_iter().chain(parts.map(|part| vec![part]));
            for parts in all {
                let ctx =
                    json!({"environment": environment, "for_version": version, "parts": parts, "generate": fields});
                let result = generated(ctx).await;
                let config = result["config"].as_str().unwrap();
                check(&tool, folder.path(), config)
                    .unwrap_or_else(|problem| panic!("{version} {parts:?}: {problem}\n{config}"));
                let left_out = result["left_out"].as_array().unwrap();
                assert!(version != "3.5" || left_out.is_empty(), "{left_out:?}");
            }
        }
        // It does say so where something is wrong.
        assert!(check(&tool, folder.path(), "global: {scrape_interval: often}\n").is_err());
    }
}
