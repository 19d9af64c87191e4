//! Tests of `generate_config` and `discover_targets`.

use serde_json::{Value, json};

use super::tests::{plug, process};
use crate::http::Response;

fn generate(ctx: Value) -> Value {
    let (mut plug, world) = plug();
    let mut whole = json!({"operation": "generate_config"});
    whole.as_object_mut().unwrap().extend(ctx.as_object().unwrap().clone());
    let answer = process(&mut plug, whole, json!({}));
    assert!(world.asked().is_empty());
    answer
}

fn yaml(answer: &Value) -> Value {
    serde_saphyr::from_str(answer["result"]["config"].as_str().unwrap_or_else(|| panic!("{answer}"))).unwrap()
}

#[test]
fn without_fields_the_manifests_default_configuration_is_written() {
    let answer = generate(json!({}));
    let expected = "global:\n  scrape_interval: 15s\n  evaluation_interval: 15s\nscrape_configs:\n  - job_name: plugpipe\n    \
                    metrics_path: /metrics\n    static_configs:\n      - targets:\n          - localhost:8080\n";
    assert_eq!(answer["result"]["config"], expected, "{answer}");
}

#[test]
fn the_generated_example_is_up_to_date() {
    let ctx = serde_json::from_str(include_str!("../../../examples/operations/generate_config.json")).unwrap();
    let written = generate(ctx)["result"]["config"].as_str().unwrap().to_owned();
    assert_eq!(written, include_str!("../../../examples/prometheus/generated.yml"));
}

#[test]
fn environments_match_the_manifest() {
    for (environment, interval, jobs, rules) in [
        ("development", "5s", json!(["plugpipe-dev", "127.0.0.1:9091"]), Value::Null),
        ("testing", "15s", json!(["plugpipe-test", "prometheus-pushgateway:9091"]), Value::Null),
        ("production", "15s", json!(["plugpipe-prod", null]), json!(["plugpipe_alerts.yml"])),
    ] {
        let config = yaml(&generate(json!({"environment": environment})));
        assert_eq!(config["global"]["scrape_interval"], interval);
        let gateway = &config["scrape_configs"][1];
        assert_eq!(json!([config["scrape_configs"][0]["job_name"], gateway["static_configs"][0]["targets"][0]]), jobs);
        assert_eq!(gateway["honor_labels"], if gateway.is_null() { Value::Null } else { json!(true) });
        assert_eq!(config["rule_files"], rules);
    }
    let own = json!({"environment": "production", "gateway_url": "https://u:secret@push:443/gw/", "job_name": "mine"});
    let answer = generate(own);
    assert!(!answer["result"].to_string().contains("secret"), "{answer}");
    let gateway = yaml(&answer)["scrape_configs"][1].clone();
    assert_eq!((&gateway["scheme"], &gateway["metrics_path"]), (&json!("https"), &json!("/gw/metrics")), "{answer}");
}

#[test]
fn requested_parts_are_written() {
    let fields = json!({
        "federate": [{"targets": ["a:9090"], "match": ["{job=\"plugpipe\"}", "up"]}],
        "alertmanagers": [{"targets": ["am:9093"], "path_prefix": "/am", "timeout": 5}],
        "remote_write": [{"url": "http://m/api/v1/push", "tenant": "team a", "basic_auth": {"username": "u", "password_file": "/p"}}],
        "sd_targets": [{"targets": ["h:1"], "labels": {"__metrics_path__": "/m"}}],
    });
    for (part, key, expected) in [
        (
            "federation",
            "scrape_configs",
            json!([{
                "job_name": "federate", "honor_labels": true, "metrics_path": "/federate",
                "params": {"match[]": ["{job=\"plugpipe\"}", "up"]}, "static_configs": [{"targets": ["a:9090"]}],
            }]),
        ),
        (
            "alerting",
            "alerting",
            json!({"alertmanagers": [{"path_prefix": "/am", "timeout": "5s", "static_configs": [{"targets": ["am:9093"]}]}]}),
        ),
        (
            "remote_write",
            "remote_write",
            json!([{
                "url": "http://m/api/v1/push", "headers": {"X-Scope-OrgID": "team a"},
                "basic_auth": {"username": "u", "password_file": "/p"},
            }]),
        ),
    ] {
        let config = yaml(&generate(json!({"parts": [part], "generate": fields})));
        assert_eq!(config, json!({key: expected}), "{part}");
    }
    let answer = generate(json!({"parts": ["sd_targets"], "generate": fields}));
    assert_eq!(answer["result"]["config"], Value::Null);
    assert_eq!(answer["result"]["file_sd"], "[{\"targets\":[\"h:1\"],\"labels\":{\"__metrics_path__\":\"/m\"}}]\n");
    assert_eq!(answer["result"]["http_sd"]["body"], answer["result"]["file_sd"]);
}

#[test]
fn unsupported_fields_are_omitted_and_reported() {
    let fields = json!({
        "scrape": [{"job": "a", "targets": ["h:1"], "native_histograms": true, "protocols": ["PrometheusProto", "PrometheusText1.0.0"]}],
        "remote_write": [{"url": "http://m/w", "protocol": "2.0"}],
    });
    for (version, protocols, native, message, left_out, flags) in [
        ("2.42", json!(null), json!(null), false, 3, 1),
        ("2.49", json!(["PrometheusProto"]), json!(null), false, 2, 1),
        ("3.5", json!(["PrometheusProto", "PrometheusText1.0.0"]), json!(null), true, 0, 1),
        ("3.8", json!(["PrometheusProto", "PrometheusText1.0.0"]), json!(true), true, 0, 0),
    ] {
        let answer = generate(json!({"for_version": version, "generate": fields}));
        let config = yaml(&answer);
        let job = &config["scrape_configs"][1];
        assert_eq!((&job["scrape_protocols"], &job["scrape_native_histograms"]), (&protocols, &native), "{version}");
        assert_eq!(config["remote_write"][0].get("protobuf_message").is_some(), message, "{version}");
        let left = answer["result"]["left_out"].as_array().unwrap();
        assert!(left.iter().all(|text| text.as_str().unwrap().starts_with("generate.")), "{version}: {answer}");
        let count = |key: &str| answer["result"][key].as_array().unwrap().len();
        assert_eq!((count("left_out"), count("needs_flags")), (left_out, flags), "{version}: {answer}");
    }
}

#[test]
fn an_error_names_the_path_and_repeats_no_secret() {
    let job = |job: Value| json!({"generate": {"scrape": [{"job": "a", "targets": ["h:1"]}, job]}});
    let write = |more: Value| {
        let mut entry = json!({"url": "http://m/w"});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"generate": {"remote_write": [entry]}})
    };
    for (ctx, field) in [
        (json!({"environment": "prod"}), "environment"),
        (json!({"for_version": "2.30"}), "for_version"),
        (json!({"parts": ["globals"]}), "parts[0]"),
        (json!({"parts": ["federation"]}), "generate.federate"),
        (json!({"generate": {"scraping": []}}), "generate.scraping"),
        (json!({"generate": {"global": {"scrape_interval": "often"}}}), "generate.global.scrape_interval"),
        (json!({"generate": {"global": {"scrape_timeout": "20s"}}}), "generate.global.scrape_timeout"),
        (json!({"generate": {"rule_files": ["a", ""]}}), "generate.rule_files[1]"),
        (job(json!({"job": "b", "targets": ["http://h:1"]})), "generate.scrape[1].targets[0]"),
        (job(json!({"job": "a", "targets": ["h:1"]})), "generate.scrape[1].job"),
        (job(json!({"job": "plugpipe", "targets": ["h:1"]})), "generate.scrape[1].job"),
        (job(json!({"targets": ["h:1"]})), "generate.scrape[1].job"),
        (job(json!({"job": "b"})), "generate.scrape[1].targets"),
        (job(json!({"job": "b", "targets": ["h:1"], "timeout": "1m"})), "generate.scrape[1].timeout"),
        (job(json!({"job": "b", "targets": ["h:1"], "labels": {"a-b": "1"}})), "generate.scrape[1].labels.a-b"),
        (job(json!({"job": "b", "targets": ["h:1"], "path": "metrics"})), "generate.scrape[1].path"),
        (job(json!({"job": "b", "targets": ["h:1"], "protocols": ["Text"]})), "generate.scrape[1].protocols[0]"),
        (job(json!({"job": "b", "targets": ["h:1"], "match": ["up"]})), "generate.scrape[1].match"),
        (json!({"generate": {"plug": "perhaps"}}), "generate.plug"),
        (json!({"generate": {"plug": {"target": "h:1"}}}), "generate.plug.target"),
        (write(json!({"read_recent": true})), "generate.remote_write[0].read_recent"),
        (job(json!({"job": "b", "file_sd": ["targets.txt"]})), "generate.scrape[1].file_sd[0]"),
        (job(json!({"job": "b", "http_sd": ["http://u:secret@h/"]})), "generate.scrape[1].http_sd[0]"),
        (json!({"generate": {"federate": [{"targets": ["h:1"]}]}}), "generate.federate[0].match"),
        (json!({"generate": {"federate": [{"targets": ["h:1"], "match": ["{}"]}]}}), "generate.federate[0].match[0]"),
        (json!({"generate": {"remote_write": [{}]}}), "generate.remote_write[0].url"),
        (write(json!({"password": "secret"})), "generate.remote_write[0].password"),
        (
            write(json!({"basic_auth": {"username": "u", "password": "secret"}})),
            "generate.remote_write[0].basic_auth.password",
        ),
        (write(json!({"headers": {"Authorization": "secret"}})), "generate.remote_write[0].headers.Authorization"),
        (write(json!({"tenant": "a\nb"})), "generate.remote_write[0].tenant"),
        (write(json!({"protocol": "3"})), "generate.remote_write[0].protocol"),
        (json!({"generate": {"sd_targets": [{"labels": {}}]}}), "generate.sd_targets[0].targets"),
    ] {
        let answer = generate(ctx.clone());
        assert_eq!(answer["field"], field, "{ctx}: {answer}");
        assert!(!answer["error"].to_string().contains("\"secret"), "{answer}");
    }
}

#[test]
fn targets_are_compared_with_those_of_prometheus() {
    let (mut plug, world) = plug();
    let json_type = vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
    let found = r#"[{"targets": ["a:1", "b:1"], "labels": {"x": "1"}}, {"targets": ["c:1"], "labels": {"x": "1"}}]"#;
    let response = Response { status: 200, headers: json_type, body: found.into() };
    world.0.borrow_mut().answers.push_back(Ok(response));
    world.will_answer(
        200,
        r#"{"status": "success", "data": {"activeTargets": [
            {"discoveredLabels": {"__address__": "a:1", "job": "j"}, "labels": {"job": "j"}, "health": "down",
             "lastError": "refused", "scrapeUrl": "http://a:1/metrics"}],
            "droppedTargets": [{"discoveredLabels": {"__address__": "a:1"}}, {"discoveredLabels": {"__address__": "b:1"}}]}}"#,
    );
    let ctx = json!({"operation": "discover_targets", "sd_url": "http://u:secret@sd/sd?token=secret"});
    let answer = process(&mut plug, ctx, json!({"prometheus_url": "http://p:9090"}));
    assert!(!answer.to_string().contains("secret"), "{answer}");
    let expected = json!({
        "sd_url": "http://sd/sd",
        "groups": [{"labels": {"x": "1"}, "targets": [
            {"address": "a:1", "state": "active", "job": "j", "health": "down", "last_error": "refused", "scrape_url": "http://a:1/metrics"},
            {"address": "b:1", "state": "dropped"},
            {"address": "c:1", "state": "absent"},
        ]}],
        "targets": 3, "compared": true, "active": 1, "missing": 2, "exchange": {"attempts": 2, "elapsed_ms": 0},
    });
    assert_eq!(answer["result"], expected);
    let asked: Vec<String> = world.asked().into_iter().map(|(_, url, _)| url).collect();
    assert_eq!(asked, ["http://sd/sd?token=secret", "http://p:9090/api/v1/targets?state=any"]);
}

#[test]
fn invalid_service_discovery_responses_are_errors() {
    for (status, content_type, body, code) in [
        (200, "text/html", "<html>", "bad_answer"),
        (200, "application/json", "[{\"targets\": [1]}]", "bad_answer"),
        (200, "application/json", "[", "bad_answer"),
        (404, "application/json", "[]", "refused"),
    ] {
        let (mut plug, world) = plug();
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        world.0.borrow_mut().answers.push_back(Ok(Response { status, headers, body: body.into() }));
        let answer = process(&mut plug, json!({"operation": "discover_targets", "sd_url": "http://sd/sd"}), json!({}));
        assert_eq!(answer["error_code"], code, "{body}: {answer}");
    }
    let (mut plug, _) = plug();
    for (ctx, field) in [
        (json!({}), "sd_url"),
        (json!({"sd_url": "http://h/", "targets": []}), "targets"),
        (json!({"targets": ["a:1", "http://b"]}), "targets[1]"),
        (json!({"targets": [{"targets": [1]}]}), "targets[0].targets[0]"),
    ] {
        let mut whole = json!({"operation": "discover_targets"});
        whole.as_object_mut().unwrap().extend(ctx.as_object().unwrap().clone());
        assert_eq!(process(&mut plug, whole, json!({}))["field"], field);
    }
}
