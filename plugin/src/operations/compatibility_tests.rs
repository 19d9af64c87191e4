//! What callers of 1.0.0 rely on: its defaults, and the members of its results.

use serde_json::{Value, json};

use super::tests::{plug, process};
use crate::http::Failure;

fn former() -> Value {
    json!({"compatibility": "1.0.0"})
}

/// The names of an object's members.
fn names(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[track_caller]
fn has(object: &Value, members: &[&str]) {
    let missing: Vec<_> = members.iter().filter(|name| !names(object).contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?} of {object}");
}

#[test]
fn servers_that_are_not_mentioned_are_those_of_1_0_0() {
    let (mut plug, world) = plug();
    world.will_answer(200, "");
    let record = json!({"operation": "record_gauge", "metric_name": "a", "metric_value": 1});
    let answer = process(&mut plug, record, former());
    has(&answer["result"], &["metric_pushed", "metric_name", "metric_value", "metric_type", "labels", "timestamp"]);
    let metadata = json!({
        "prometheus_url": "http://127.0.0.1:9090", "gateway_url": "http://127.0.0.1:9091", "job_name": "plugpipe",
        "instance": "plugpipe-instance", "scrape_interval": "15s",
    });
    assert_eq!(answer["monitoring_metadata"], metadata);
    assert_eq!(world.asked()[0].1, "http://127.0.0.1:9091/metrics/job/plugpipe/instance/plugpipe-instance");
}

#[test]
fn a_setting_that_is_given_takes_the_place_of_the_default_and_null_that_of_a_server() {
    for nested in [false, true] {
        let (mut plug, world) = plug();
        let mut settings =
            json!({"gateway_url": null, "prometheus_url": "http://p:1", "grouping_key": {"instance": "i"}});
        settings["compatibility"] = "1.0.0".into();
        let cfg = if nested { json!({"prometheus_config": settings}) } else { settings };
        let record = json!({"operation": "record_gauge", "metric_name": "a", "metric_value": 1});
        let answer = process(&mut plug, record, cfg);
        assert_eq!((&answer["result"]["metric_pushed"], world.asked().len()), (&json!(false), 0), "{answer}");
        let metadata = json!({"prometheus_url": "http://p:1", "job_name": "plugpipe", "scrape_interval": "15s"});
        assert_eq!(answer["monitoring_metadata"], metadata);
    }
}

#[test]
fn a_version_that_does_not_exist_is_refused() {
    let (mut plug, _) = plug();
    let answer = process(&mut plug, json!({"operation": "describe"}), json!({"compatibility": "1.0.1"}));
    let told = answer["error"].as_str().unwrap();
    assert!(told.starts_with("cfg.compatibility: ") && told.contains("1.0.0") && told.contains("2.0.0"), "{answer}");
}

#[test]
fn a_health_check_has_the_metadata_of_1_0_0() {
    for ctx in [json!({}), json!({"operation": "health_check"})] {
        let (mut plug, world) = plug();
        world.will_answer(200, "").will_fail(Failure::Refused).will_answer(500, "");
        let answer = process(&mut plug, ctx, former());
        assert_eq!((&answer["success"], &answer["operation"]), (&json!(true), &json!("health_check")), "{answer}");
        has(&answer["result"], &["prometheus_status", "grafana_status", "pushgateway_status"]);
        let metadata = &answer["monitoring_metadata"];
        has(metadata, &["check_timestamp", "prometheus_url", "grafana_url", "gateway_url"]);
        assert_eq!(metadata["overall_healthy"], false, "{answer}");
    }
}

#[test]
fn results_have_the_members_of_1_0_0() {
    let (mut plug, world) = plug();
    let exported = process(&mut plug, json!({"operation": "export_metrics"}), former());
    has(&exported["result"], &["exported_data", "export_format", "export_timestamp"]);

    world.will_answer(200, r#"{"status": "success", "data": {"resultType": "vector", "result": []}}"#);
    let instant = process(&mut plug, json!({"operation": "query_metrics", "query": "up"}), json!({}));
    has(&instant["result"], &["query_result", "query"]);
    assert_eq!(instant["monitoring_metadata"]["query_type"], "instant", "{instant}");
    world.will_answer(200, r#"{"status": "success", "data": {"resultType": "matrix", "result": []}}"#);
    let ctx = json!({"operation": "query_metrics", "query": "up", "time_range": {"start": "now-1h"}});
    let range = process(&mut plug, ctx, json!({}));
    assert_eq!(range["monitoring_metadata"]["query_type"], "range", "{range}");
    assert_eq!(range["monitoring_metadata"]["job_name"], "plugpipe", "{range}");

    let alert = json!({"alert_name": "Down", "expression": "up == 0", "labels": {"team": "a"}});
    let ctx = json!({"operation": "create_alert", "alert_config": alert});
    let created = process(&mut plug, ctx, json!({}));
    has(&created["result"], &["alert_created", "alert_id", "alert_name", "expression"]);
    let rule = json!({
        "alert": "Down", "expr": "up == 0", "for": "5m",
        "labels": {"severity": "warning", "source": "plugpipe", "team": "a"}, "annotations": {"summary": "Alert: Down"},
    });
    assert_eq!(created["monitoring_metadata"]["alert_rule"], rule, "{created}");

    world.will_answer(200, "");
    let ctx = json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": "http://e:1", "fallback_format": "prometheus"}});
    let scraped = process(&mut plug, ctx, json!({}));
    has(&scraped["result"], &["endpoint_scraped", "endpoint_url", "metrics_count", "scrape_config"]);
    has(&scraped["monitoring_metadata"], &["scrape_timestamp"]);
}

#[test]
fn without_it_nothing_is_added() {
    let (mut plug, world) = plug();
    let exported = process(&mut plug, json!({"operation": "export_metrics"}), json!({"prometheus_url": "http://p:1"}));
    assert!(exported["result"].get("export_timestamp").is_none(), "{exported}");
    world.will_answer(200, r#"{"status": "success", "data": {"resultType": "vector", "result": []}}"#);
    let queried = process(&mut plug, json!({"operation": "query_metrics", "query": "up"}), json!({}));
    assert_eq!(names(&queried["monitoring_metadata"]), ["job_name", "prometheus_url", "scrape_interval"]);
}

#[test]
fn a_reference_that_no_host_replaced_is_text_as_it_was_for_1_0_0() {
    let settings =
        json!({"gateway_url": "http://gw:1", "instance": "${HOSTNAME}", "grouping_key": {"zone": "${ZONE}"}});
    for (compatibility, taken) in [("1.0.0", true), ("2.0.0", false)] {
        let (mut plug, world) = plug();
        world.will_answer(200, "");
        let record = json!({"operation": "record_gauge", "metric_name": "a", "metric_value": 1});
        let cfg = json!({"compatibility": compatibility, "prometheus_config": settings});
        let answer = process(&mut plug, record, cfg);
        assert_eq!(answer["success"], taken, "{answer}");
        let asked = world.asked();
        assert_eq!(asked.len(), usize::from(taken));
        if let Some((_, url, _)) = asked.first() {
            assert_eq!(url, "http://gw:1/metrics/job/plugpipe/instance/%24%7BHOSTNAME%7D/zone/%24%7BZONE%7D");
        }
    }
}
