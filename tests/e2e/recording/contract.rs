//! The JSON contract through the component, without servers.

use serde_json::{Value, json};

use crate::support::{Ask as _, alone, body, exposition, start};

#[tokio::test]
async fn counters_accumulate_over_calls() {
    let plug = alone().await;
    for total in 1..=10 {
        let ctx = json!({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1, "labels": {"b": "2", "a": "1"}});
        let answer = plug.process(&ctx).await.unwrap();
        assert_eq!(answer["result"]["current_value"], f64::from(total), "{answer}");
    }
    assert_eq!(exposition(&plug).await, "# TYPE jobs_total counter\njobs_total{a=\"1\",b=\"2\"} 10\n");
}

#[tokio::test]
async fn every_kind_is_recorded_and_exported() {
    let plug = alone().await;
    for (operation, value) in [("counter", 2.0), ("gauge", -1.5), ("histogram", 0.3), ("summary", 4.0)] {
        let ctx = json!({
            "operation": format!("record_{operation}"), "metric_name": format!("a_{operation}"), "metric_value": value,
            "help": "A \"test\" of \\ and\nlines.",
        });
        let answer = plug.process(&ctx).await.unwrap();
        assert_eq!(answer["success"], true, "{answer}");
        assert_eq!(answer["result"]["metric_type"], operation);
        assert_eq!(answer["result"]["metric_pushed"], false);
        assert!(answer["result"]["timestamp"].as_str().unwrap().starts_with("20"), "{answer}");
    }
    let text = exposition(&plug).await;
    let lines: Vec<std::io::Result<String>> = text.lines().map(|line| Ok(line.to_owned())).collect();
    let scrape = prometheus_parse::Scrape::parse(lines.into_iter()).unwrap();
    let value = |name: &str| scrape.samples.iter().find(|sample| sample.metric == name).unwrap().value.clone();
    assert_eq!(value("a_counter"), prometheus_parse::Value::Counter(2.0));
    assert_eq!(value("a_gauge"), prometheus_parse::Value::Gauge(-1.5));
    let prometheus_parse::Value::Histogram(buckets) = value("a_histogram") else { panic!("{text}") };
    assert!(buckets.iter().all(|bucket| bucket.count == f64::from(u8::from(bucket.less_than >= 0.5))), "{buckets:?}");
    assert!(text.contains("a_summary_sum 4\na_summary_count 1\n"), "{text}");
    assert!(text.contains("# HELP a_gauge A \"test\" of \\\\ and\\nlines.\n"), "{text}");
}

#[tokio::test]
async fn bad_input_is_an_answer_and_leaves_the_plug_as_it_was() {
    let plug = alone().await;
    let good =
        json!({"operation": "record_counter", "metric_name": "good_total", "metric_value": 1, "labels": {"a": "1"}});
    plug.process(&good).await.unwrap();
    let before = exposition(&plug).await;
    let record = |metric: Value| {
        let mut ctx = json!({"operation": "record_gauge", "metric_name": "bad", "metric_value": 1});
        ctx.as_object_mut().unwrap().extend(metric.as_object().unwrap().clone());
        ctx.to_string()
    };
    let nested_labels = format!(
        "{{\"metric_name\": \"bad\", \"metric_value\": 1, \"labels\": {}1{}}}",
        "[".repeat(500_000),
        "]".repeat(500_000)
    );
    for (ctx, code, field) in [
        ("not json".to_owned(), "invalid_json", "ctx"),
        ("[1]".to_owned(), "invalid_json", "ctx"),
        ("[".repeat(1_000_000), "invalid_json", "ctx"),
        ("{\"a\":".repeat(200_000), "invalid_json", "ctx"),
        (nested_labels, "invalid_field", "labels"),
        ("{\"metric_name\": \"bad\", \"metric_value\": NaN}".to_owned(), "invalid_json", "ctx"),
        (json!({"operation": "no_such"}).to_string(), "unknown_operation", "operation"),
        (json!({"operation": "record_gauge", "metric_value": 1}).to_string(), "missing_field", "metric_name"),
        (json!({"operation": "record_gauge", "metric_name": "bad"}).to_string(), "missing_field", "metric_value"),
        (record(json!({"metric_name": "9bad"})), "invalid_field", "metric_name"),
        (record(json!({"metric_name": "b\n# TYPE x"})), "invalid_field", "metric_name"),
        (record(json!({"metric_name": ""})), "invalid_field", "metric_name"),
        (record(json!({"labels": {"bad-name": "x"}})), "invalid_field", "labels.bad-name"),
        (record(json!({"labels": {"a": ["x"]}})), "invalid_field", "labels.a"),
        (record(json!({"metric_value": "abc"})), "invalid_field", "metric_value"),
        (record(json!({"metric_value": "NaN"})), "invalid_field", "metric_value"),
        (record(json!({"metric_value": null})), "missing_field", "metric_value"),
        (record(json!({"operation": "record_counter", "metric_value": -1})), "invalid_field", "metric_value"),
        (record(json!({"metric_name": "good_total"})), "metric_conflict", "metric_name"),
    ] {
        let shown = &ctx[..ctx.len().min(100)];
        let answer = plug.ask_text(ctx.clone(), "").await.unwrap();
        assert_eq!(
            (&answer["success"], &answer["error_code"], &answer["field"]),
            (&json!(false), &json!(code), &json!(field)),
            "{shown}"
        );
    }
    assert_eq!(exposition(&plug).await, before);
    assert_eq!(plug.process(&good).await.unwrap()["result"]["current_value"], 2.0);
}

#[tokio::test]
async fn configuration_is_taken_nested_flat_and_from_ctx() {
    let plug = start(json!({"job_name": "flat", "prometheus_config": {"instance": "nested"}})).await;
    let record = json!({"metric_name": "m", "metric_value": 1});
    let metadata = |answer: Value| answer["monitoring_metadata"].clone();
    let kept = json!({"job_name": "flat", "instance": "nested", "scrape_interval": "15s"});
    assert_eq!(metadata(plug.process(&record).await.unwrap()), kept);
    let mut for_one_call = record.clone();
    for_one_call["prometheus_config"] = json!({"job_name": "from ctx"});
    assert_eq!(metadata(plug.process(&for_one_call).await.unwrap())["job_name"], "from ctx");
    for empty in ["", "{}", " { } ", "null"] {
        let answer = plug.ask_text(record.to_string(), empty).await.unwrap();
        assert_eq!(metadata(answer), kept, "{empty:?}");
    }
    let answer = plug.ask_text(record.to_string(), json!({"job_name": "new"}).to_string()).await.unwrap();
    assert_eq!(metadata(answer), json!({"job_name": "new", "scrape_interval": "15s"}));
}

#[tokio::test]
async fn health_check_describe_and_cleanup_are_doors_of_their_own() {
    let plug = alone().await;
    assert_eq!(plug.health_check().await.unwrap()["result"]["pushgateway_status"], "not_configured");
    let description = plug.describe();
    assert_eq!(description.name, "monitoring_prometheus");
    assert!(description.operations.iter().any(|operation| operation.name == "record_counter"));
    assert!(description.sinks.iter().any(|sink| sink == "pushgateway"), "{:?}", description.sinks);
    plug.process(&json!({"metric_name": "m", "metric_value": 1})).await.unwrap();
    assert_eq!(body(&plug.cleanup().await.unwrap())["result"], json!({"series_dropped": 1, "unpushed": true}));
    assert_eq!(exposition(&plug).await, "");
}

#[tokio::test]
async fn two_plugs_share_nothing() {
    let (one, other) = (alone().await, alone().await);
    one.process(&json!({"metric_name": "m", "metric_value": 1})).await.unwrap();
    assert_eq!(exposition(&other).await, "");
}
