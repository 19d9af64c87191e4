//! Native histograms and exemplars.

use serde_json::{Value, json};

use super::{Kind, Receiver, gauge, native, process, write};
use crate::support::{start, without_servers};

async fn histogram(receiver: &Receiver, query: &str) -> Value {
    receiver.json("/api/v1/query", &[("query", query)]).await[0]["data"]["result"][0].clone()
}

#[tokio::test]
async fn native_histograms_arrive_in_both_versions() {
    if without_servers("native_histograms_arrive_in_both_versions") {
        return;
    }
    for (kind, version) in [(Kind::Prometheus2, "1.0"), (Kind::Prometheus3, "1.0"), (Kind::Prometheus3, "2.0")] {
        let receiver = Receiver::start(kind).await;
        let mut config = receiver.config();
        config["prometheus_config"]["remote_write_version"] = json!(version);
        let plug = start(config).await;
        for value in [0.0, 1.5, 1.5, 40.0, -0.3] {
            process(&plug, native(value)).await;
        }
        let answer = write(&plug).await;
        assert_eq!(
            answer["result"]["written"],
            json!({"samples": 0, "histograms": 1, "exemplars": 0}),
            "{kind:?}: {answer}"
        );
        let sample = histogram(&receiver, "rw_wait_seconds").await;
        let stored = &sample["histogram"][1];
        assert_eq!((&stored["count"], &stored["sum"]), (&json!("5"), &json!("42.7")), "{kind:?}: {sample}");
        let counts: Vec<&str> = stored["buckets"].as_array().unwrap().iter().map(|b| b[3].as_str().unwrap()).collect();
        assert_eq!(counts, ["1", "1", "2", "1"], "{kind:?}: {sample}");

        plug.cleanup().await.unwrap();
        assert_eq!(receiver.present("rw_wait_seconds").await, 0, "{kind:?} {version}");
    }
}

#[tokio::test]
async fn native_histograms_that_a_receiver_does_not_take_keep_nothing_else_out() {
    if without_servers("native_histograms_that_a_receiver_does_not_take_keep_nothing_else_out") {
        return;
    }
    for (kind, version) in [(Kind::Prometheus2, "1.0"), (Kind::Prometheus3, "1.0"), (Kind::Prometheus3, "2.0")] {
        let receiver = Receiver::start_with(kind, &[]).await;
        let mut config = receiver.config();
        config["prometheus_config"]["remote_write_version"] = json!(version);
        let plug = start(config).await;
        process(&plug, native(1.0)).await;
        gauge(&plug, "rw_good", 1.0).await;
        let answer = write(&plug).await;
        assert_eq!(
            (&answer["written"], &answer["pending"], &answer["lost"]),
            (&json!(1), &json!(0), &json!(1)),
            "{answer}"
        );
        assert!(answer["error"].as_str().unwrap().contains("enable native histograms"), "{answer}");
        assert_eq!(receiver.present("rw_good").await, 1);
    }
}

#[tokio::test]
async fn exemplars_arrive_with_the_values_they_explain() {
    if without_servers("exemplars_arrive_with_the_values_they_explain") {
        return;
    }
    for kind in [Kind::Prometheus2, Kind::Prometheus3] {
        let receiver = Receiver::start(kind).await;
        let plug = start(receiver.config()).await;
        process(&plug, json!({
            "operation": "record_counter", "metric_name": "rw_traced_total", "metric_value": 3, "exemplar": {"trace_id": "t1"},
        }))
        .await;
        for written in [1, 0] {
            assert_eq!(write(&plug).await["result"]["written"]["exemplars"], written, "{kind:?}");
        }
        let query = [("query", "rw_traced_total"), ("start", "0"), ("end", "9999999999")];
        let found = receiver.json("/api/v1/query_exemplars", &query).await;
        let exemplars = &found[0]["data"][0]["exemplars"];
        assert_eq!(exemplars.as_array().map(Vec::len), Some(1), "{kind:?}: {found:?}");
        assert_eq!((&exemplars[0]["labels"]["trace_id"], &exemplars[0]["value"]), (&json!("t1"), &json!("3")));
    }
}

/// A Prometheus's own classic histograms, as it would store them with this setting.
#[tokio::test]
async fn scraped_classic_histograms_arrive_as_native_ones_with_custom_buckets() {
    if without_servers("scraped_classic_histograms_arrive_as_native_ones_with_custom_buckets") {
        return;
    }
    let receiver = Receiver::start(Kind::Prometheus3).await;
    let plug = start(receiver.config()).await;
    let ctx = json!({
        "operation": "scrape_endpoint", "endpoint_url": format!("{}/metrics", receiver.url), "accept": "prometheus",
        "import": true, "convert_classic_histograms_to_nhcb": true,
    });
    process(&plug, ctx).await;
    let written = write(&plug).await;
    assert!(written["result"]["written"]["histograms"].as_u64() > Some(1), "{written}");
    let name = "prometheus_http_request_duration_seconds";
    let sample = histogram(&receiver, &format!("{name}{{handler=\"/-/ready\"}}")).await;
    let stored = &sample["histogram"][1];
    let buckets = stored["buckets"].as_array().unwrap_or_else(|| panic!("{sample}"));
    let counts: f64 = buckets.iter().map(|bucket| bucket[3].as_str().unwrap().parse::<f64>().unwrap()).sum();
    assert_eq!(stored["count"].as_str().unwrap().parse(), Ok(counts), "{sample}");
    // The first bound of that metric: exponential buckets have others.
    assert!(counts >= 1.0 && buckets.iter().any(|bucket| bucket[2] == "0.1"), "{sample}");
    assert_eq!(receiver.present(&format!("{name}_bucket")).await, 0);
}
