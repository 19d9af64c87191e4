//! Metrics under keys of their own, against a real Pushgateway: each group holds only what was
//! recorded under it, and a deleted group stays deleted.

use plugpipe_testkit::{Program, VictoriaMetricsOptions, start_victoria_metrics};
use serde_json::{Value, json};

use crate::cli::serve::{Served, get};
use crate::support::{answer, flush, harness, pushgateway, query_until, servers, start, stderr, without_servers};

/// The lines of the gateway's own exposition that are about the two gauges.
async fn gauges(url: &str) -> Vec<String> {
    let text = get(&format!("{url}/metrics")).await.1;
    text.lines().filter(|line| line.starts_with("a{") || line.starts_with("b{")).map(str::to_owned).collect()
}

const OF_EACH: [&str; 2] = ["a{instance=\"\",job=\"jobA\"} 1", "b{instance=\"\",job=\"jobB\"} 2"];

fn gauge(name: &str, value: u32, job: &str) -> Value {
    json!({"operation": "record_gauge", "metric_name": name, "metric_value": value, "job_name": job})
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn step(id: &str, ctx: &Value) -> String {
    format!("  - id: {id}\n    plugin: monitoring_prometheus\n    with: {ctx}\n")
}

#[tokio::test]
async fn the_steps_of_a_run_push_what_they_recorded_and_nothing_else() {
    if without_servers("the_steps_of_a_run_push_what_they_recorded_and_nothing_else") {
        return;
    }
    let gateway = pushgateway(None).await;
    for policy in ["on_record", "interval"] {
        let pipe = file(&format!(
            "name: two\nsteps:\n{}{}",
            step("one", &gauge("a", 1, "jobA")),
            step("two", &gauge("b", 2, "jobB"))
        ));
        let config = file(&json!({"gateway_url": gateway.url, "push_policy": policy}).to_string());
        let output = harness(&["run", "--json"]).arg(pipe.path()).arg("--config").arg(config.path()).output().unwrap();
        assert!(output.status.success(), "{} {}", stderr(&output), answer(&output));
        assert_eq!(gauges(&gateway.url).await, OF_EACH, "{policy}");
        for job in ["jobA", "jobB"] {
            crate::cli::serve::send("DELETE", &format!("{}/metrics/job/{job}", gateway.url), String::new()).await;
        }
        assert!(gauges(&gateway.url).await.is_empty());
    }
}

#[tokio::test]
async fn calls_of_a_server_push_what_they_recorded_and_nothing_else() {
    if without_servers("calls_of_a_server_push_what_they_recorded_and_nothing_else") {
        return;
    }
    let gateway = pushgateway(None).await;
    let config = file(&json!({"gateway_url": gateway.url}).to_string());
    let server = Served::start(&["--config", config.path().to_str().unwrap()]);
    for ctx in [gauge("a", 1, "jobA"), gauge("b", 2, "jobB")] {
        let (status, answer) = server.process(json!({"ctx": ctx})).await;
        assert_eq!((status, &answer["result"]["metric_pushed"]), (200, &json!(true)), "{answer}");
    }
    assert_eq!(gauges(&gateway.url).await, OF_EACH);
    let (_, text) = get(&format!("http://{}/metrics", server.authority())).await;
    assert!(text.contains("a{job=\"jobA\"} 1\n") && text.contains("b{job=\"jobB\"} 2\n"), "{text}");
    // What is deleted stays deleted, also when the server ends and pushes what is due.
    for job in ["jobA", "jobB"] {
        let (_, answer) = server.process(json!({"ctx": {"operation": "delete_metrics", "job_name": job}})).await;
        assert_eq!(answer["result"]["deleted"], true, "{answer}");
    }
    let (_, answer) = server.process(json!({"ctx": {"operation": "flush_metrics"}})).await;
    assert_eq!(answer["result"]["unpushed"], false, "{answer}");
    assert!(gauges(&gateway.url).await.is_empty());
    // A counter of the name of a gauge is pushed, and cannot be exposed beside it.
    let counter = json!({"operation": "record_counter", "metric_name": "a", "metric_value": 1, "job_name": "jobC"});
    assert_eq!(server.process(json!({"ctx": counter})).await.1["result"]["metric_pushed"], true);
    let (status, text) = get(&format!("http://{}/metrics", server.authority())).await;
    assert_eq!(status, 500, "{text}");
    assert!(text.contains("jobA") && text.contains("jobC") && text.contains("gauge"), "{text}");
}

/// Two pipes that know nothing of each other, in one server and without keys of their own.
#[tokio::test]
async fn pipes_of_one_group_may_use_one_name_with_labels_of_their_own() {
    if without_servers("pipes_of_one_group_may_use_one_name_with_labels_of_their_own") {
        return;
    }
    let gateway = pushgateway(None).await;
    let config = file(&json!({"gateway_url": gateway.url}).to_string());
    let server = Served::start(&["--config", config.path().to_str().unwrap()]);
    let record = |labels: Value| json!({"ctx": {"operation": "record_counter", "metric_name": "done_total", "labels": labels, "metric_value": 1}});
    for labels in [json!({"stage": "s"}), json!({"file": "f", "zone": ""}), json!({"file": "f"}), json!({})] {
        let (status, answer) = server.process(record(labels)).await;
        assert_eq!((status, &answer["result"]["metric_pushed"]), (200, &json!(true)), "{answer}");
    }
    let series = ["done_total{file=\"f\",zone=\"\"} 2\n", "done_total{stage=\"s\"} 1\n", "done_total 1\n"];
    let (_, text) = get(&format!("http://{}/metrics", server.authority())).await;
    assert!(series.iter().all(|line| text.contains(line)), "{text}");
    assert_eq!(text.matches("# TYPE done_total ").count(), 1, "{text}");
    let pushed = get(&format!("{}/metrics", gateway.url)).await.1;
    assert_eq!(pushed.lines().filter(|line| line.starts_with("done_total{")).count(), 3, "{pushed}");
}

#[tokio::test]
async fn a_run_that_deletes_its_group_leaves_none() {
    if without_servers("a_run_that_deletes_its_group_leaves_none") {
        return;
    }
    let gateway = pushgateway(None).await;
    let config = file(&json!({"gateway_url": gateway.url, "job_name": "jobA"}).to_string());
    let state = tempfile::tempdir().unwrap();
    let run = |steps: &str| {
        let pipe = file(&format!("name: p\nsteps:\n{steps}"));
        let mut command = harness(&["run", "--json"]);
        command.arg(pipe.path()).arg("--config").arg(config.path()).arg("--state").arg(state.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{} {}", stderr(&output), answer(&output));
    };
    let record = json!({"operation": "record_gauge", "metric_name": "a", "metric_value": 1});
    for delete in [json!({"operation": "delete_metrics"}), json!({"operation": "push_metrics", "push_mode": "delete"})]
    {
        run(&(step("one", &record) + &step("two", &delete)));
        assert!(gauges(&gateway.url).await.is_empty(), "{delete}");
        // Also after a restart.
        run(&step("one", &json!({"operation": "describe"})));
        assert!(gauges(&gateway.url).await.is_empty(), "{delete}");
    }
    let plug = start(json!({"gateway_url": gateway.url, "job_name": "jobA"})).await;
    plug.process(&record).await.unwrap();
    assert_eq!(plug.process(&json!({"operation": "delete_metrics"})).await.unwrap()["result"]["deleted"], true);
    assert_eq!(flush(&plug).await, None);
    assert!(gauges(&gateway.url).await.is_empty());
}

/// VictoriaMetrics takes pushes with 204: they arrived, and are not sent again.
#[tokio::test]
async fn a_push_that_is_taken_with_204_is_pushed_once() {
    if without_servers("a_push_that_is_taken_with_204_is_pushed_once") {
        return;
    }
    let server = tokio::task::spawn_blocking(|| {
        let options = VictoriaMetricsOptions::default().flag("-search.latencyOffset=0s");
        let newest = servers().find_or_fetch_newest(Program::VictoriaMetrics).unwrap();
        start_victoria_metrics(&newest, &options).unwrap()
    })
    .await
    .unwrap();
    let gateway = format!("{}/api/v1/import/prometheus", server.url);
    let plug = start(json!({"gateway_url": gateway, "prometheus_url": server.url, "job_name": "jobA"})).await;
    let record = json!({"operation": "record_gauge", "metric_name": "a", "metric_value": 1});
    let answer = plug.process(&record).await.unwrap();
    assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
    let answer = plug.process(&json!({"operation": "flush_metrics"})).await.unwrap();
    assert_eq!((&answer["result"]["unpushed"], &answer["result"]["metric_pushed"]), (&json!(false), &json!(false)));
    let query = json!({"operation": "query_metrics", "query": "a{job=\"jobA\"}"});
    query_until(&plug, query, |result| result[0]["value"][1] == "1").await;
}
