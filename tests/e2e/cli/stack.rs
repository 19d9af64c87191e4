//! The main job, end to end: a pipe records through the component, a real Pushgateway takes it, a
//! real Prometheus answers PromQL.

use std::time::{SystemTime, UNIX_EPOCH};

use plugpipe_testkit::ScrapeJob;
use serde_json::{Value, json};

use crate::support::{answer, harness, prometheus, pushgateway, query_until, start, stderr, without_servers};

#[tokio::test]
async fn a_pipe_records_and_prometheus_answers() {
    if without_servers("a_pipe_records_and_prometheus_answers") {
        return;
    }
    let gateway = pushgateway(None).await;
    let prometheus = prometheus(vec![ScrapeJob::new("pushgateway", gateway.authority()).honor_labels()]).await;
    let config = json!({"prometheus_config": {
        "gateway_url": gateway.url, "prometheus_url": prometheus.url, "job_name": "seed", "instance": "one",
    }});
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), config.to_string()).unwrap();

    let pipe = "examples/pipes/basic_pipe_monitoring.yaml";
    let output = harness(&["run", pipe, "--json", "--config"]).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let report = answer(&output);
    assert_eq!(report["steps"][0]["result"]["result"]["metric_pushed"], true, "{report}");
    assert_eq!(report["steps"][2]["result"]["result"]["metric_pushed"], true, "{report}");
    let seconds = report["steps"][2]["result"]["result"]["metric_value"].as_f64().unwrap();

    let plug = start(config).await;
    let some = |result: &Value| !result.as_array().unwrap().is_empty();
    let instant =
        query_until(&plug, json!({"operation": "query_metrics", "query": "plugpipe_pipeline_starts_total"}), some)
            .await;
    let sample = &instant["result"]["query_result"]["result"][0];
    assert_eq!(sample["metric"]["pipeline_name"], "data_pipeline");
    assert_eq!((&sample["metric"]["job"], &sample["metric"]["instance"]), (&json!("seed"), &json!("one")));
    assert_eq!(sample["value"][1], "1");

    let sum =
        json!({"operation": "query_metrics", "query": "plugpipe_pipeline_duration_seconds_sum{status=\"success\"}"});
    let sum = query_until(&plug, sum, some).await;
    let sum: f64 = sum["result"]["query_result"]["result"][0]["value"][1].as_str().unwrap().parse().unwrap();
    assert_eq!(sum, seconds);

    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let range = json!({
        "operation": "query_metrics",
        "query": "plugpipe_pipeline_duration_seconds_bucket{le=\"+Inf\"}",
        "time_range": {"start": (now - 60).to_string(), "end": (now + 1).to_string(), "step": "1s"},
    });
    let range = query_until(&plug, range, some).await;
    assert_eq!(range["result"]["query_result"]["resultType"], "matrix");
    let series = &range["result"]["query_result"]["result"][0];
    assert!(series["values"].as_array().unwrap().iter().all(|point| point[1] == "1"), "{range}");

    let wrong = plug.process(&json!({"operation": "query_metrics", "query": "rate(x[5m]) by (a)"})).await.unwrap();
    assert_eq!((&wrong["error_code"], &wrong["error_type"]), (&json!("query_failed"), &json!("bad_data")), "{wrong}");
    assert!(wrong["error"].as_str().unwrap().contains("parse error"), "{wrong}");

    let health = plug.health_check().await.unwrap();
    assert_eq!(
        [
            &health["result"]["prometheus_status"],
            &health["result"]["pushgateway_status"],
            &health["result"]["grafana_status"]
        ],
        [&json!("healthy"), &json!("healthy"), &json!("not_configured")],
        "{health}"
    );
}

#[tokio::test]
async fn prometheus_scrapes_a_plug_that_is_served() {
    if without_servers("prometheus_scrapes_a_plug_that_is_served") {
        return;
    }
    let served = crate::cli::serve::Served::start(&[]);
    let (status, _) = served.process(json!({"ctx": {
        "operation": "record_histogram", "metric_name": "served_seconds", "metric_value": 0.2, "help": "Odd \\ text\nhere",
        "labels": {"odd": "q\"b\\s\nü☃ {},="},
    }}))
    .await;
    assert_eq!(status, 200);
    let prometheus = prometheus(vec![ScrapeJob::new("plugpipe", served.authority())]).await;
    let plug = start(json!({"prometheus_url": prometheus.url})).await;
    let query = json!({"operation": "query_metrics", "query": "histogram_quantile(1, served_seconds_bucket)"});
    let found = query_until(&plug, query, |result| !result.as_array().unwrap().is_empty()).await;
    let sample = &found["result"]["query_result"]["result"][0];
    assert_eq!(
        (&sample["value"][1], &sample["metric"]["odd"]),
        (&json!("0.25"), &json!("q\"b\\s\nü☃ {},=")),
        "{found}"
    );
}
