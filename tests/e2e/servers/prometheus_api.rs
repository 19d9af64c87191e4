//! Prometheus's API through the component, on real servers: Prometheus as old as is supported and
//! of version 3, and VictoriaMetrics.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;

use plugpipe_harness::Limits;
use plugpipe_harness::session::query::{Options, Sample, Selection, TooManyPoints, Value as Found};
use plugpipe_testkit::{Program, Running, ScrapeConfig, ScrapeJob, VictoriaMetricsOptions, start_victoria_metrics};
use serde_json::{Value, json};

use crate::support::{
    Checked, named_by, plug, program, prometheus_3, prometheus_with, query_until, servers, start, without_servers,
};

const RULES: &str = r#"groups:
- name: e2e
  rules:
  - {record: "plug_e2e", expr: "vector(1)", labels: {a: "x"}}
  - {record: "plug_e2e", expr: "vector(2)", labels: {a: "y"}}
  - {alert: Always, expr: "vector(7)", labels: {severity: page}}
"#;

const NO_OPTIONS: Options = Options { timeout_ms: None, limit: None, lookback_ms: None };

/// Evaluates the rules each second; the file must outlive the server's start.
fn config_with(rules: PathBuf) -> String {
    ScrapeConfig::every(std::time::Duration::from_secs(1)).rule_file(rules).render()
}

fn rules_file() -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".yml").tempfile().unwrap();
    std::fs::write(file.path(), RULES).unwrap();
    file
}

async fn ask(plug: &Checked, ctx: Value) -> Value {
    let answer = plug.process(&ctx).await.unwrap();
    assert_eq!(answer["success"], true, "{ctx}: {answer}");
    answer["result"].clone()
}

async fn fail(plug: &Checked, ctx: Value) -> Value {
    let answer = plug.process(&ctx).await.unwrap();
    assert_eq!(answer["success"], false, "{ctx}: {answer}");
    answer
}

/// What both Prometheus versions must do.
async fn is_prometheus(server: &Running, major: u32) {
    let plug = start(json!({"prometheus_url": server.url})).await;
    let recorded = json!({"operation": "query_metrics", "query": "count(plug_e2e) == 2 and on() ALERTS"});
    query_until(&plug, recorded, |result| !result.as_array().unwrap().is_empty()).await;

    let series =
        ask(&plug, json!({"operation": "list_series", "match": ["plug_e2e{a=\"x\"}", "ALERTS"], "start": "now-1h"}))
            .await;
    assert_eq!(series["count"], 2, "{series}");
    let labels = ask(&plug, json!({"operation": "list_labels", "match": "plug_e2e"})).await;
    assert_eq!(labels["labels"], json!(["__name__", "a"]));
    let values = ask(&plug, json!({"operation": "label_values", "label": "a"})).await;
    assert_eq!((&values["values"], &values["count"]), (&json!(["x", "y"]), &json!(2)));
    for odd in ["http.status", "a/b", "U__x", "é"] {
        let values = ask(&plug, json!({"operation": "label_values", "label": odd})).await;
        assert_eq!(values["values"], json!([]), "{odd}");
    }
    let rules = ask(&plug, json!({"operation": "list_rules", "type": "record"})).await;
    assert_eq!(rules["groups"][0]["rules"].as_array().unwrap().len(), 2, "{rules}");
    let alerts = ask(&plug, json!({"operation": "list_prometheus_alerts"})).await;
    assert_eq!((&alerts["alerts"][0]["labels"]["alertname"], &alerts["count"]), (&json!("Always"), &json!(1)));
    let targets = ask(&plug, json!({"operation": "list_targets", "state": "dropped"})).await;
    assert_eq!(targets["targets"]["activeTargets"], json!([]));
    assert_eq!(ask(&plug, json!({"operation": "list_metadata", "metric": "nothing"})).await["metadata"], json!({}));
    let exemplars = json!({"operation": "query_exemplars", "query": "plug_e2e", "start": "-1h", "end": "now"});
    assert_eq!(ask(&plug, exemplars).await["exemplars"], json!([]));

    let status = ask(
        &plug,
        json!({"operation": "prometheus_status", "include": ["build", "runtime", "flags", "tsdb", "config"]}),
    )
    .await;
    assert!(status["build"]["version"].as_str().unwrap().starts_with(&format!("{major}.")), "{status}");
    assert!(status["config"]["yaml"].as_str().unwrap().contains("evaluation_interval"), "{status}");
    assert!(status["flags"]["query.timeout"].is_string() && status["tsdb"]["headStats"].is_object(), "{status}");
    assert_eq!(status["unavailable"], json!({}));

    let formatted = ask(&plug, json!({"operation": "format_query", "query": "sum by(a)(rate(x[5m]))"})).await;
    assert_eq!(formatted["formatted"], "sum by (a) (rate(x[5m]))");
    if major >= 3 {
        let parsed = ask(&plug, json!({"operation": "parse_query", "query": "1 + up"})).await;
        assert_eq!(parsed["syntax_tree"]["type"], "binaryExpr");
        let limited = ask(&plug, json!({"operation": "list_series", "match": "plug_e2e", "limit": 1})).await;
        assert_eq!(
            (&limited["count"], limited["warnings"].as_array().map(Vec::len)),
            (&json!(1), Some(1)),
            "{limited}"
        );
        let info = ask(&plug, json!({"operation": "query_metrics", "query": "rate(plug_e2e[1m])"})).await;
        assert!(info["infos"][0].as_str().unwrap().contains("might not be a counter"), "{info}");
    } else {
        let error = fail(&plug, json!({"operation": "parse_query", "query": "1 + up"})).await;
        assert!(error["error"].as_str().unwrap().contains("Prometheus has it since 3.0"), "{error}");
    }

    let wrong = fail(&plug, json!({"operation": "query_metrics", "query": "up\n  by (x)"})).await;
    assert_eq!(
        (&wrong["error_type"], &wrong["position"]),
        (&json!("bad_data"), &json!({"line": 2, "column": 3})),
        "{wrong}"
    );
    let slow =
        json!({"operation": "query_metrics", "query": "1/0", "stats": "all", "lookback_delta": "1m", "timeout": "3s"});
    let slow = ask(&plug, slow).await;
    assert_eq!(
        (&slow["query_result"]["resultType"], &slow["query_result"]["result"][1]),
        (&json!("scalar"), &json!("+Inf"))
    );
    assert!(slow["stats"]["timings"].is_object(), "{slow}");
    ranges(server).await;
}

/// 25,001 points: the server itself refuses them.
async fn ranges(server: &Running) {
    const START: i64 = 1_700_000_000_000;
    const END: i64 = START + 25_000 * 29;
    let plug = start(json!({"prometheus_url": server.url})).await;
    let range = |too_many: &str| {
        json!({"operation": "query_metrics", "query": "vector(time())", "time_range":
            {"start": "1700000000", "end": END as f64 / 1e3, "step": "29ms", "on_too_many_points": too_many}})
    };
    let split = ask(&plug, range("split")).await;
    assert_eq!((&split["parts"], &split["step_raised_to_seconds"]), (&json!(3), &Value::Null));
    let series = split["query_result"]["result"].as_array().unwrap();
    assert_eq!(series.len(), 1);
    let times: Vec<i64> = series[0]["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| (point[0].as_f64().unwrap() * 1e3).round() as i64)
        .collect();
    assert_eq!(times, (0..=25_000).map(|n| START + n * 29).collect::<Vec<_>>());
    let raised = ask(&plug, range("raise_step")).await;
    assert_eq!((&raised["step_raised_to_seconds"], &raised["parts"]), (&json!(0.087), &Value::Null));
    assert_eq!(raised["query_result"]["result"][0]["values"].as_array().unwrap().len(), 25_000 / 3 + 1);
    let refused = fail(&plug, range("error")).await;
    assert_eq!((&refused["error_code"], &refused["field"]), (&json!("invalid_field"), &json!("time_range.step")));

    let config = json!({"prometheus_url": server.url});
    let session = self::plug().session(&config, named_by(&config), Limits::default()).await.unwrap();
    let querier = session.querier();
    let typed = querier.range("vector(time())", (START, END, 29), TooManyPoints::Split, NO_OPTIONS).await.unwrap();
    let Found::Matrix(series) = typed.value else { panic!("{:?}", typed.value) };
    assert_eq!((typed.parts, series.len(), &series[0].times_ms), (3, 1, &times));
    assert_eq!(series[0].values.last(), Some(&(END as f64 / 1e3)));
}

/// The typed door, on data that every server of a test has: `name{a="x"} 1` and `name{a="y"} 2`.
async fn typed(server: &Running, name: &str) {
    let config = json!({"prometheus_url": server.url});
    let session = plug().session(&config, named_by(&config), Limits::default()).await.unwrap();
    let querier = session.querier();
    let answer = querier.instant(&format!("sort({name})"), None, NO_OPTIONS).await.unwrap();
    let Found::Vector(series) = answer.value else { panic!("{:?}", answer.value) };
    let floats: Vec<f64> = series
        .iter()
        .map(|series| match &series.sample {
            Sample::Float(number) => *number,
            Sample::Histogram(histogram) => panic!("{histogram:?}"),
        })
        .collect();
    assert_eq!(floats, [1.0, 2.0]);
    assert!(series[0].labels.iter().any(|label| (&*label.name, &*label.value) == ("a", "x")));
    let selection = Selection { matches: vec![name.into()], start_ms: None, end_ms: None, limit: None };
    assert_eq!(querier.series(&selection).await.unwrap().items.len(), 2);
    assert!(querier.labels(&selection).await.unwrap().items.contains(&"a".to_owned()));
    assert_eq!(querier.label_values("a", &selection).await.unwrap().items, ["x", "y"]);
    let error = querier.instant("rate(x", None, NO_OPTIONS).await.unwrap_err().to_string();
    assert!(error.contains("bad_data"), "{error}");
}

#[tokio::test]
async fn the_oldest_prometheus_answers_all_of_the_api() {
    if without_servers("the_oldest_prometheus_answers_all_of_the_api") {
        return;
    }
    let rules = rules_file();
    let config = config_with(rules.path().into());
    let server = prometheus_with(Vec::new(), |options| plugpipe_testkit::PrometheusOptions { config, ..options }).await;
    is_prometheus(&server, 2).await;
    typed(&server, "plug_e2e").await;
}

#[tokio::test]
async fn prometheus_3_answers_all_of_the_api_with_native_histograms() {
    if without_servers("prometheus_3_answers_all_of_the_api_with_native_histograms") {
        return;
    }
    let rules = rules_file();
    let served = crate::cli::serve::Served::start(&[]);
    for value in [0.5, 1.0, -3.0] {
        let ctx = json!({"operation": "record_metric", "metric_type": "native_histogram", "metric_name": "native", "metric_value": value});
        assert_eq!(served.process(json!({"ctx": ctx})).await.0, 200);
    }
    let config = ScrapeConfig::every(std::time::Duration::from_secs(1))
        .rule_file(rules.path())
        .job(ScrapeJob::new("plugpipe", served.authority()))
        .render();
    let server = prometheus_3(Vec::new(), |options| plugpipe_testkit::PrometheusOptions { config, ..options }).await;
    is_prometheus(&server, 3).await;
    typed(&server, "plug_e2e").await;

    let config = json!({"prometheus_url": server.url});
    let plug = start(config.clone()).await;
    let some = |result: &Value| result[0]["histogram"][1]["count"] == "3";
    query_until(&plug, json!({"operation": "query_metrics", "query": "native"}), some).await;
    let session = self::plug().session(&config, named_by(&config), Limits::default()).await.unwrap();
    let querier = session.querier();
    let answer = querier.instant("native", None, NO_OPTIONS).await.unwrap();
    let Found::Vector(series) = answer.value else { panic!("{:?}", answer.value) };
    let Sample::Histogram(histogram) = &series[0].sample else { panic!("{:?}", series[0].sample) };
    assert_eq!((histogram.count, histogram.sum, histogram.buckets.len()), (3.0, -1.5, 3));
    let first = &histogram.buckets[0];
    assert!(first.lower <= -3.0 && -3.0 <= first.upper && first.count == 1.0, "{first:?}");
    assert!(histogram.buckets[2].upper_inclusive && histogram.buckets[2].upper == 1.0, "{histogram:?}");
}

#[tokio::test]
async fn victoria_metrics_answers_in_prometheus_words() {
    if without_servers("victoria_metrics_answers_in_prometheus_words") {
        return;
    }
    for newest in [false, true] {
        let server = tokio::task::spawn_blocking(move || {
            let bin = if newest {
                servers().find_or_fetch_newest(Program::VictoriaMetrics).unwrap_or_else(|error| panic!("{error}"))
            } else {
                program(Program::VictoriaMetrics)
            };
            start_victoria_metrics(&bin, &VictoriaMetricsOptions::default().flag("-search.latencyOffset=0s")).unwrap()
        })
        .await
        .unwrap();
        import(server.port(), "m{a=\"x\"} 1\nm{a=\"y\"} 2\nodd{a=\"z\"} NaN\n");
        let plug = start(json!({"prometheus_url": server.url})).await;
        let count = json!({"operation": "query_metrics", "query": "count(m)"});
        query_until(&plug, count, |result| result[0]["value"][1] == "2").await;
        // Other than in Prometheus, a number is a vector.
        let infinite = ask(&plug, json!({"operation": "query_metrics", "query": "1/0"})).await;
        assert_eq!(infinite["query_result"]["resultType"], "vector");
        assert_eq!(infinite["query_result"]["result"][0]["value"][1], "+Inf");
        let wrong = fail(&plug, json!({"operation": "query_metrics", "query": "m\n by (x)"})).await;
        assert_eq!((&wrong["error_type"], &wrong["server_error_type"]), (&json!("bad_data"), &json!("422")), "{wrong}");
        assert_eq!(wrong["position"]["line"], 2, "{wrong}");
        for operation in ["format_query", "parse_query"] {
            let error = fail(&plug, json!({"operation": operation, "query": "m"})).await;
            assert!(error["error"].as_str().unwrap().contains("Prometheus has it since"), "{error}");
        }
        let status = ask(&plug, json!({"operation": "prometheus_status"})).await;
        assert!(status["tsdb"].is_object() && status["unavailable"]["runtime"].is_string(), "{status}");
        assert_eq!(ask(&plug, json!({"operation": "list_series", "match": "m"})).await["count"], 2);
        assert_eq!(ask(&plug, json!({"operation": "list_rules"})).await["groups"], json!([]));
        assert_eq!(ask(&plug, json!({"operation": "list_prometheus_alerts"})).await["alerts"], json!([]));
        typed(&server, "m").await;
    }
}

/// Writes samples in the text format, at the server's now, and makes them visible.
fn import(port: u16, text: &str) {
    for request in [
        format!("POST /api/v1/import/prometheus HTTP/1.0\r\nContent-Length: {}\r\n\r\n{text}", text.len()),
        "GET /internal/force_flush HTTP/1.0\r\n\r\n".to_owned(),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(" 200 ") || answer.contains(" 204 "), "{answer}");
    }
}
