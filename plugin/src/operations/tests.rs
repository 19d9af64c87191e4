//! Tests of the JSON contract against fake servers.

mod exchange;
mod queries;

use core::time::Duration;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use serde_json::{Value, json};

use super::Standalone;
use crate::http::{Clock, Failure, Limits, Method, Request, Response, Transport};
use plugpipe_operations::operations::table;

/// Responds from a list and records requests.
#[derive(Default)]
pub(super) struct World {
    asked: Vec<(Method, String, String)>,
    pub(super) answers: VecDeque<Result<Response, Failure>>,
    pub(super) now: Duration,
    /// The duration of each round of requests.
    cost: Duration,
    /// The waits between rounds.
    slept: Vec<Duration>,
    /// The headers of each request, secrets included.
    headers: Vec<Vec<(String, String)>>,
}

#[derive(Clone, Default)]
pub(super) struct Shared(pub(super) Rc<RefCell<World>>);

impl Clock for Shared {
    fn unix_nanos(&self) -> u64 {
        1_704_067_200_000_000_000 + self.0.borrow().now.as_nanos() as u64
    }

    fn monotonic(&self) -> Duration {
        self.0.borrow().now
    }
}

impl Transport for Shared {
    fn send_all(&mut self, requests: &[&Request], _: &Limits) -> Vec<Result<Response, Failure>> {
        let mut world = self.0.borrow_mut();
        if !requests.is_empty() {
            let cost = world.cost;
            world.now += cost;
        }
        requests
            .iter()
            .map(|request| {
                let body = String::from_utf8_lossy(&request.body).into_owned();
                let plain = request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
                let secret = request.credentials.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned()));
                world.headers.push(plain.chain(secret).collect());
                world.asked.push((request.method, request.url.to_string(), body));
                world.answers.pop_front().unwrap_or(Err(Failure::Refused))
            })
            .collect()
    }

    fn sleep(&mut self, duration: Duration) {
        let mut world = self.0.borrow_mut();
        world.now += duration;
        world.slept.push(duration);
    }
}

impl Shared {
    pub(super) fn will_answer(&self, status: u16, body: &str) -> &Self {
        self.0.borrow_mut().answers.push_back(Ok(Response { status, headers: Vec::new(), body: body.into() }));
        self
    }

    pub(super) fn will_fail(&self, failure: Failure) -> &Self {
        self.0.borrow_mut().answers.push_back(Err(failure));
        self
    }

    pub(super) fn asked(&self) -> Vec<(Method, String, String)> {
        std::mem::take(&mut self.0.borrow_mut().asked)
    }
}

pub(super) fn plug() -> (Standalone<Shared>, Shared) {
    let world = Shared::default();
    (Standalone::new(world.clone()), world)
}

pub(super) fn process(plug: &mut Standalone<Shared>, ctx: Value, cfg: Value) -> Value {
    serde_json::from_str(&plug.process(&ctx.to_string(), &cfg.to_string())).unwrap()
}

pub(super) fn counter(value: Value) -> Value {
    json!({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": value, "labels": {"a": "1"}})
}

pub(super) fn gateway() -> Value {
    json!({"prometheus_config": {"gateway_url": "http://u:secret@gw:9091/p", "job_name": "j", "instance": "i"}})
}

#[test]
fn a_record_result_has_the_keys_of_the_published_contract() {
    let (mut plug, world) = plug();
    let answer = process(&mut plug, counter(json!(2)), json!({}));
    assert_eq!(
        answer,
        json!({
            "success": true,
            "operation": "record_counter",
            "result": {
                "metric_name": "jobs_total", "metric_type": "counter", "metric_value": 2, "labels": {"a": "1"},
                "current_value": 2, "timestamp": "2024-01-01T00:00:00.000Z", "metric_pushed": false,
            },
            "monitoring_metadata": {"job_name": "plugpipe", "scrape_interval": "15s"},
        })
    );
    assert!(world.asked().is_empty(), "nothing is pushed without a gateway_url");
}

#[test]
fn a_push_replaces_the_group_with_the_accumulated_state() {
    let (mut plug, world) = plug();
    world.will_answer(200, "").will_answer(202, "");
    assert_eq!(process(&mut plug, counter(json!(1)), gateway())["result"]["metric_pushed"], true);
    let answer = process(&mut plug, counter(json!("2.5")), json!({}));
    assert_eq!(answer["result"]["metric_pushed"], true);
    assert_eq!(answer["monitoring_metadata"]["gateway_url"], "http://gw:9091/p");
    let asked = world.asked();
    assert_eq!((asked[1].0, asked[1].1.as_str()), (Method::Put, "http://gw:9091/p/metrics/job/j/instance/i"));
    assert_eq!(asked[1].2, "# TYPE jobs_total counter\njobs_total{a=\"1\"} 3.5\n");
}

#[test]
fn a_failed_push_is_reported_and_its_values_are_pushed_later() {
    let (mut plug, world) = plug();
    // The groups cannot be fetched, so the reply is not explained.
    world.will_answer(400, "pushed metrics are invalid").will_answer(404, "").will_answer(200, "");
    let answer = process(&mut plug, counter(json!(1)), gateway());
    assert_eq!((&answer["success"], &answer["result"]["metric_pushed"]), (&json!(true), &json!(false)));
    assert_eq!(answer["result"]["push_error_code"], "refused");
    let told = answer["result"]["push_error"].as_str().unwrap();
    assert!(told.contains("http://gw:9091") && told.contains("400: pushed metrics are invalid"), "{told}");
    assert!(!answer.to_string().contains("secret"), "{answer}");
    assert_eq!(process(&mut plug, counter(json!(1)), json!({}))["result"]["metric_pushed"], true);
    assert!(world.asked()[2].2.contains("} 2\n"));
}

#[test]
fn a_redirect_is_an_error() {
    let (mut plug, world) = plug();
    world.will_answer(301, "");
    let answer = process(&mut plug, counter(json!(1)), gateway());
    assert_eq!(answer["result"]["metric_pushed"], false);
    assert!(answer["result"]["push_error"].as_str().unwrap().contains("gateway_url"));
}

#[test]
fn any_2xx_is_success_and_accepted_values_are_not_resent() {
    for status in [200, 201, 202, 204, 299] {
        let (mut plug, world) = plug();
        world.will_answer(status, "");
        assert_eq!(process(&mut plug, counter(json!(1)), gateway())["result"]["metric_pushed"], true, "{status}");
        process(&mut plug, json!({"operation": "flush_metrics"}), json!({}));
        assert_eq!(world.asked().len(), 1, "{status}");
        world.will_answer(status, "");
        assert_eq!(process(&mut plug, json!({"operation": "delete_metrics"}), json!({}))["result"]["deleted"], true);
    }
    for status in [300, 304, 307, 308, 400, 500] {
        let (mut plug, world) = plug();
        world.will_answer(status, "").will_answer(404, "");
        assert_eq!(process(&mut plug, counter(json!(1)), gateway())["result"]["metric_pushed"], false, "{status}");
    }
}

#[test]
fn an_unresponsive_gateway_costs_a_single_timeout() {
    let (mut plug, world) = plug();
    world.0.borrow_mut().cost = Duration::from_millis(1_500);
    world.will_fail(Failure::Timeout { after: Duration::from_millis(1_500) });
    for _ in 0..10 {
        let answer = process(&mut plug, counter(json!(1)), gateway());
        assert_eq!((&answer["success"], &answer["result"]["metric_pushed"]), (&json!(true), &json!(false)));
    }
    assert_eq!(world.asked().len(), 1);
    // A host that delivers bypasses the circuit breaker, as it may be about to end.
    world.will_fail(Failure::Timeout { after: Duration::from_millis(1_500) });
    let answer = process(&mut plug, json!({"operation": "flush_metrics"}), json!({}));
    assert_eq!((&answer["success"], &answer["error_code"]), (&json!(false), &json!("timeout")), "{answer}");
    assert_eq!(world.asked().len(), 1);
    process(&mut plug, counter(json!(1)), json!({}));
    assert_eq!(world.asked().len(), 0, "a record does not");
    // So does an explicit push.
    world.will_answer(200, "");
    let answer = process(&mut plug, json!({"operation": "push_metrics", "preflight": false}), json!({}));
    assert_eq!(
        answer["result"],
        json!({
            "metric_pushed": true, "series": 1, "group": "http://gw:9091/p/metrics/job/j/instance/i",
            "exchange": {"attempts": 1, "elapsed_ms": 1500},
        })
    );
}

#[test]
fn an_explicit_push_that_fails_is_a_failure() {
    let (mut plug, world) = plug();
    world.will_fail(Failure::NotGranted);
    let answer = process(&mut plug, json!({"operation": "push_metrics"}), gateway());
    assert_eq!((&answer["success"], &answer["error_code"]), (&json!(false), &json!("not_granted")));
    assert_eq!(answer["origin"], "http://gw:9091");
    assert!(answer["error"].as_str().unwrap().contains("grant"), "{answer}");
    let answer = process(&mut plug, json!({"operation": "push_metrics", "gateway_url": ""}), json!({}));
    assert_eq!((&answer["error_code"], &answer["field"]), (&json!("not_configured"), &json!("gateway_url")));
}

#[test]
fn deleting_returns_the_group_and_keeps_recorded_metrics() {
    let (mut plug, world) = plug();
    world.will_answer(200, "").will_answer(202, "");
    process(&mut plug, counter(json!(1)), gateway());
    let answer = process(&mut plug, json!({"operation": "delete_metrics"}), json!({}));
    assert_eq!(
        answer["result"],
        json!({
            "deleted": true, "group": "http://gw:9091/p/metrics/job/j/instance/i",
            "exchange": {"attempts": 1, "elapsed_ms": 0},
        })
    );
    assert_eq!(world.asked()[1].0, Method::Delete);
    assert_eq!(plug.registry().len(), 1);
}

#[test]
fn invalid_input_names_the_field_and_records_nothing() {
    let metric =
        |name: Value, value: Value| json!({"operation": "record_gauge", "metric_name": name, "metric_value": value});
    let (mut plug, _) = plug();
    for (ctx, code, field) in [
        (json!({"operation": "fly"}), "unknown_operation", "operation"),
        (json!({"operation": 7}), "invalid_field", "operation"),
        (json!({"operation": "record_gauge"}), "missing_field", "metric_name"),
        (json!({"metric_name": "m"}), "missing_field", "metric_value"),
        (metric(json!("a-b"), json!(1)), "invalid_field", "metric_name"),
        (metric(json!(3), json!(1)), "invalid_field", "metric_name"),
        (metric(json!("m"), json!("abc")), "invalid_field", "metric_value"),
        (metric(json!("m"), json!("NaN")), "invalid_field", "metric_value"),
        (metric(json!("m"), json!([])), "invalid_field", "metric_value"),
        (counter(json!(-1)), "invalid_field", "metric_value"),
        (
            json!({"operation": "record_metric", "metric_type": "x", "metric_name": "m", "metric_value": 1}),
            "invalid_field",
            "metric_type",
        ),
        (json!({"metric_name": "m", "metric_value": 1, "labels": {"a-b": "1"}}), "invalid_field", "labels.a-b"),
        (
            json!({"metric_name": "m", "metric_value": 1, "labels": {"__name__": "1"}}),
            "invalid_field",
            "labels.__name__",
        ),
        (json!({"metric_name": "m", "metric_value": 1, "labels": {"a": {}}}), "invalid_field", "labels.a"),
        (json!({"metric_name": "m", "metric_value": 1, "labels": 1}), "invalid_field", "labels"),
        (json!({"metric_name": "m", "metric_value": 1, "timestamp": "noon"}), "invalid_field", "timestamp"),
        (json!({"metric_name": "m", "metric_value": 1, "buckets": [1]}), "invalid_field", "buckets"),
        (json!({"metric_name": "m", "metric_value": 1, "help": "x".repeat(70_000)}), "invalid_field", "help"),
        (json!({"operation": "record_multiple_metrics"}), "missing_field", "metrics"),
        (json!({"operation": "record_multiple_metrics", "metrics": []}), "invalid_field", "metrics"),
        (json!({"operation": "record_multiple_metrics", "metrics": [1]}), "invalid_field", "metrics[0]"),
        (
            json!({"operation": "record_multiple_metrics", "metrics": [{"name": "a", "value": 1}, {"name": "b"}]}),
            "missing_field",
            "metrics[1].value",
        ),
        (
            json!({"operation": "record_multiple_metrics", "metrics": [
                {"name": "a", "value": 1}, {"name": "a", "value": 1, "type": "counter"}]}),
            "invalid_field",
            "metrics[1].name",
        ),
        (json!({"operation": "export_metrics", "export_format": "xml"}), "invalid_field", "export_format"),
        (json!({"operation": "query_metrics"}), "missing_field", "query"),
        (json!({"operation": "query_metrics", "query": "up"}), "not_configured", "prometheus_url"),
        (json!({"operation": "query_metrics", "query": "up", "time_range": {}}), "missing_field", "time_range.start"),
        (
            json!({"operation": "query_metrics", "query": "up", "time_range": {"start": "2", "end": "1"}}),
            "invalid_field",
            "time_range.end",
        ),
        (
            json!({"operation": "query_metrics", "query": "up", "time_range": {"start": "1", "step": "0s"}}),
            "invalid_field",
            "time_range.step",
        ),
        (
            json!({"operation": "push_metrics", "prometheus_config": {"gateway_url": "nonsense"}}),
            "invalid_field",
            "ctx.prometheus_config.gateway_url",
        ),
    ] {
        let answer = process(&mut plug, ctx.clone(), json!({}));
        let shown = &ctx.to_string()[..ctx.to_string().len().min(300)];
        assert_eq!(
            (&answer["success"], &answer["error_code"], &answer["field"]),
            (&json!(false), &json!(code), &json!(field)),
            "{shown}"
        );
        assert!(!answer["error"].as_str().unwrap().is_empty());
    }
    assert!(plug.registry().is_empty());
    assert_eq!(process(&mut plug, counter(json!(1)), json!({}))["success"], true);
}

#[test]
fn invalid_json_gets_an_error_response() {
    let (mut plug, _) = plug();
    let deep = "[".repeat(1_000_000);
    for (ctx, cfg, field) in [
        ("", "", "ctx"),
        ("nope", "", "ctx"),
        ("[]", "", "ctx"),
        ("{}", "nope", "cfg"),
        ("{}", "3", "cfg"),
        (&deep, "", "ctx"),
        ("{}", &deep, "cfg"),
    ] {
        let answer: Value = serde_json::from_str(&plug.process(ctx, cfg)).unwrap();
        assert_eq!((&answer["error_code"], &answer["field"]), (&json!("invalid_json"), &json!(field)));
    }
}

#[test]
fn an_invalid_cfg_does_not_replace_a_valid_one() {
    let (mut plug, _) = plug();
    process(&mut plug, json!({"operation": "describe"}), json!({"job_name": "kept"}));
    let answer = process(&mut plug, counter(json!(1)), json!({"gateway_url": "nonsense"}));
    assert_eq!((&answer["success"], &answer["field"]), (&json!(false), &json!("cfg.gateway_url")));
    assert_eq!(process(&mut plug, counter(json!(1)), json!({}))["monitoring_metadata"]["job_name"], "kept");
}

#[test]
fn the_default_operation_is_a_record_or_a_health_check() {
    let (mut plug, _) = plug();
    let record = process(&mut plug, json!({"metric_name": "m", "metric_value": "1"}), json!({}));
    assert_eq!((&record["operation"], &record["result"]["metric_type"]), (&json!("record_metric"), &json!("gauge")));
    let health = process(&mut plug, json!({}), json!({}));
    assert_eq!(health["result"]["prometheus_status"], "not_configured");
}

#[test]
fn a_batch_is_one_push() {
    let (mut plug, world) = plug();
    world.will_answer(200, "");
    let answer = process(
        &mut plug,
        json!({"operation": "record_multiple_metrics", "metrics": [
            {"name": "a_total", "value": 1, "type": "counter", "labels": {"x": "y"}},
            {"name": "b", "value": "2.5"},
            {"name": "c_seconds", "value": 0.2, "type": "histogram", "buckets": [0.1, 1]},
        ]}),
        gateway(),
    );
    assert_eq!((&answer["result"]["metrics_recorded"], &answer["result"]["metric_pushed"]), (&json!(3), &json!(true)));
    assert_eq!(answer["result"]["metrics"][2]["count"], 1);
    assert_eq!(world.asked().len(), 1);
}

#[test]
fn health_reports_each_server() {
    let (mut plug, world) = plug();
    world.will_answer(200, "").will_fail(Failure::NotGranted).will_answer(503, "");
    let answer = process(
        &mut plug,
        json!({"operation": "health_check"}),
        json!({"prometheus_url": "http://p", "gateway_url": "http://g", "grafana_url": "http://f/sub"}),
    );
    let result = &answer["result"];
    assert_eq!(
        [&result["prometheus_status"], &result["pushgateway_status"], &result["grafana_status"], &result["healthy"]],
        [&json!("healthy"), &json!("not_granted"), &json!("unhealthy"), &json!(false)]
    );
    // So that a step or a command fails; what is well or not configured is no error.
    assert_eq!((&answer["success"], &answer["error_code"]), (&json!(false), &json!("unhealthy")));
    let error = answer["error"].as_str().unwrap();
    assert!(
        error.contains("pushgateway is not healthy: ")
            && error.contains("; grafana is not healthy: http://f/sub: responded with status 503"),
        "{error}"
    );
    world.will_answer(200, "");
    let answer = process(&mut plug, json!({"operation": "health_check"}), json!({"prometheus_url": "http://p"}));
    assert_eq!((&answer["success"], &answer["result"]["healthy"]), (&json!(true), &json!(true)), "{answer}");
    let urls: Vec<String> = world.asked().into_iter().map(|(_, url, _)| url).collect();
    assert_eq!(urls, ["http://p/-/healthy", "http://g/-/healthy", "http://f/sub/api/health", "http://p/-/healthy"]);
}

#[test]
fn mock_mode_contacts_no_server() {
    let (mut plug, world) = plug();
    let cfg = json!({"mock_mode": true, "gateway_url": "http://g", "prometheus_url": "http://p"});
    for ctx in [
        counter(json!(1)),
        json!({"operation": "push_metrics"}),
        json!({"operation": "delete_metrics"}),
        json!({"operation": "query_metrics", "query": "up"}),
        json!({"operation": "health_check"}),
    ] {
        let answer = process(&mut plug, ctx.clone(), cfg.clone());
        assert_eq!((&answer["success"], &answer["result"]["mock"]), (&json!(true), &json!(true)), "{ctx}");
    }
    assert!(world.asked().is_empty());
}

#[test]
fn cleanup_removes_metrics_and_reports_unpushed_ones() {
    let (mut plug, _) = plug();
    process(&mut plug, counter(json!(1)), json!({"job_name": "j"}));
    let answer: Value = serde_json::from_str(&plug.cleanup()).unwrap();
    assert_eq!(answer["result"], json!({"series_dropped": 1, "unpushed": true}));
    let answer = process(&mut plug, counter(json!(1)), json!({}));
    assert_eq!(
        (&answer["result"]["current_value"], &answer["monitoring_metadata"]["job_name"]),
        (&json!(1), &json!("plugpipe"))
    );
}

#[test]
fn a_record_that_makes_two_metrics_share_a_name_warns_once() {
    let gauge = json!({"operation": "record_gauge", "metric_name": "jobs", "metric_value": 1});
    let counter = json!({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 2});
    for (first, second) in [(&gauge, &counter), (&counter, &gauge)] {
        let (mut plug, _) = plug();
        assert_eq!(process(&mut plug, first.clone(), json!({}))["warnings"], Value::Null);
        let answer = process(&mut plug, second.clone(), json!({}));
        assert_eq!(answer["success"], true);
        let [warning] = answer["warnings"].as_array().unwrap().as_slice() else { panic!("{answer}") };
        let warning = warning.as_str().unwrap();
        assert!(warning.starts_with("jobs_total: OpenMetrics exposes this counter as type unknown"), "{warning}");
        assert!(warning.contains("gauge jobs") && warning.contains("rename"), "{warning}");
        for again in [first, second] {
            assert_eq!(process(&mut plug, again.clone(), json!({}))["warnings"], Value::Null);
        }
        let exported = |plug: &mut Standalone<Shared>, format: &str| {
            let answer = process(plug, json!({"operation": "export_metrics", "export_format": format}), json!({}));
            answer["result"]["exported_data"].as_str().unwrap().to_owned()
        };
        let openmetrics = exported(&mut plug, "openmetrics");
        assert_eq!(openmetrics, "# TYPE jobs gauge\njobs 1\n# TYPE jobs_total unknown\njobs_total 4\n# EOF\n");
        let text = exported(&mut plug, "prometheus");
        assert_eq!(text, "# TYPE jobs gauge\njobs 1\n# TYPE jobs_total counter\njobs_total 4\n");
    }
    // Also in a list, but not in a rejected one.
    let (mut plug, _) = plug();
    let list = |value: i32| {
        json!({"operation": "record_multiple_metrics", "metrics": [
            {"name": "jobs", "value": 1}, {"name": "jobs_created", "value": 1}, {"name": "jobs_total", "type": "counter", "value": value},
        ]})
    };
    assert_eq!(process(&mut plug, list(-1), json!({}))["success"], false);
    let answer = process(&mut plug, list(1), json!({}));
    assert_eq!(answer["warnings"].as_array().map(Vec::len), Some(1), "{answer}");
}

#[test]
fn a_summary_has_the_documented_quantiles_by_default() {
    let summary = |more: Value| {
        let mut ctx = json!({"operation": "record_summary", "metric_name": "s", "metric_value": 3});
        ctx.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (mut plug, _) = plug();
        process(&mut plug, ctx, json!({}));
        let answer = process(&mut plug, json!({"operation": "export_metrics"}), json!({}));
        answer["result"]["exported_data"].as_str().unwrap().to_owned()
    };
    let ranks = "s{quantile=\"0.5\"} 3\ns{quantile=\"0.9\"} 3\ns{quantile=\"0.99\"} 3\n";
    assert_eq!(summary(json!({})), format!("# TYPE s summary\n{ranks}s_sum 3\ns_count 1\n"));
    assert_eq!(summary(json!({"quantiles": []})), "# TYPE s summary\ns_sum 3\ns_count 1\n");
    assert_eq!(summary(json!({"quantiles": [0.25]})), "# TYPE s summary\ns{quantile=\"0.25\"} 3\ns_sum 3\ns_count 1\n");
}

#[test]
fn new_histograms_have_the_configured_buckets() {
    let (mut plug, _) = plug();
    let observe = json!({"operation": "record_histogram", "metric_name": "h", "metric_value": 1});
    process(&mut plug, observe, json!({"histogram_buckets": [2]}));
    let answer = process(&mut plug, json!({"operation": "export_metrics"}), json!({}));
    let text = answer["result"]["exported_data"].as_str().unwrap();
    assert_eq!(text, "# TYPE h histogram\nh_bucket{le=\"2\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n");
}

#[test]
fn cleanup_resets_the_configured_buckets() {
    let (mut plug, _) = plug();
    process(&mut plug, json!({"operation": "describe"}), json!({"histogram_buckets": [2]}));
    plug.cleanup();
    process(&mut plug, json!({"operation": "record_histogram", "metric_name": "h", "metric_value": 1}), json!({}));
    let answer = process(&mut plug, json!({"operation": "export_metrics"}), json!({}));
    assert!(answer["result"]["exported_data"].as_str().unwrap().contains("le=\"0.005\""), "{answer}");
}

#[test]
fn unknown_fields_cause_warnings_with_their_path() {
    let (mut plug, world) = plug();
    let mut warnings = |ctx: Value, cfg: Value| -> Vec<String> {
        world.0.borrow_mut().answers.extend([200, 200].map(|status| {
            Ok(Response { status, headers: Vec::new(), body: br#"{"status":"success","data":[]}"#.to_vec() })
        }));
        let answer = process(&mut plug, ctx, cfg);
        let warnings = answer.get("warnings").map(|list| list.as_array().unwrap().clone()).unwrap_or_default();
        warnings.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let record = |more: Value| {
        let mut ctx = json!({"operation": "record_gauge", "metric_name": "m", "metric_value": 1});
        ctx.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ctx
    };
    let nothing = || json!({});
    assert_eq!(warnings(record(json!({})), nothing()), [""; 0]);
    // An existing series, so that the fast path is possible.
    for _ in 0..2 {
        let found = warnings(record(json!({"lables": {"a": "b"}})), nothing());
        assert_eq!(found, ["lables: unknown field; did you mean labels?"]);
    }
    let list = json!({"operation": "record_multiple_metrics", "metrics": [{"name": "m", "value": 1}, {"name": "m", "value": 1, "valeu": 2}]});
    assert_eq!(warnings(list, nothing()), ["metrics[1].valeu: unknown field; did you mean value?"]);
    let alert = json!({"operation": "send_alerts", "alertmanager_url": "http://h", "alerts": [{"alert_name": "A", "annotatons": {"summary": "s"}}]});
    assert_eq!(warnings(alert, nothing()), ["alerts[0].annotatons: unknown field; did you mean annotations?"]);
    let cfg = json!({"prometheus_conf": {}, "gateway_ulr": "http://h", "prometheus_config": {"job_nmae": "x", "xyzzy": 1}, "_note": "mine"});
    let of_cfg = [
        "cfg.gateway_ulr: unknown field; did you mean gateway_url?",
        "cfg.prometheus_conf: unknown field; did you mean prometheus_config?",
        "cfg.prometheus_config.job_nmae: unknown field; did you mean job_name?",
        "cfg.prometheus_config.xyzzy: unknown field; it is ignored",
    ];
    assert_eq!(warnings(record(json!({})), cfg.clone()), of_cfg);
    assert_eq!(warnings(record(json!({})), cfg), [""; 0], "the same configuration is not read again");
    let settings = json!({"prometheus_config": {"gateway_ulr": "x"}, "webhook_secret": "s", "step_id": "a", "pipeline": {"x": 1}, "_own": 1});
    assert_eq!(
        warnings(record(settings), nothing()),
        [
            "webhook_secret: is ignored here; it belongs in the configuration",
            "prometheus_config.gateway_ulr: unknown field; did you mean gateway_url?",
        ]
    );
    assert_eq!(
        warnings(record(json!({"metric_type": "counter"})), nothing()),
        ["metric_type: \"counter\" is ignored; record_gauge always records a gauge, use record_metric for other types"]
    );
    assert_eq!(warnings(record(json!({"metric_type": "gauge"})), nothing()), [""; 0]);
    // Also if the operation fails; the number of warnings is bounded.
    let mut bad = record(json!({"metric_name": null, "metric_nmae": "m"}));
    (0..1_000).for_each(|number| drop(bad.as_object_mut().unwrap().insert(format!("zz_{number}"), json!(1))));
    let found = warnings(bad, nothing());
    assert_eq!((found.len(), &*found[0]), (21, "metric_nmae: unknown field; did you mean metric_name?"));
    assert!(found[20].starts_with("98"), "{}", found[20]);
}

#[test]
fn an_unknown_operation_suggests_a_similar_one() {
    let (mut plug, _) = plug();
    for (given, meant) in [
        ("record_conter", "did you mean record_counter? describe lists them"),
        ("recordGauge", "did you mean record_gauge? "),
        ("zzz", "\"zzz\"; describe lists them, "),
    ] {
        let answer = process(&mut plug, json!({"operation": given}), json!({}));
        assert!(answer["error"].as_str().unwrap().contains(meant), "{answer}");
    }
}

#[test]
fn every_timestamp_may_be_relative_to_now() {
    let (mut plug, world) = plug();
    let mut answer = |ctx: Value| {
        world.0.borrow_mut().answers.push_back(Ok(Response {
            status: 200,
            headers: Vec::new(),
            body: br#"{"silenceID":"x","status":"success","data":[]}"#.to_vec(),
        }));
        process(&mut plug, ctx, json!({"alertmanager_url": "http://h", "prometheus_url": "http://h"}))
    };
    let silence = json!({"operation": "create_silence", "matchers": ["a=b"], "comment": "c", "starts_at": "now+1h", "ends_at": "now+1d12h"});
    let silence = answer(silence);
    assert_eq!(
        (&silence["result"]["starts_at"], &silence["result"]["ends_at"]),
        (&json!("2024-01-01T01:00:00.000Z"), &json!("2024-01-02T12:00:00.000Z")),
        "{silence}"
    );
    for given in ["now-1.5h", "-90m", "2023-12-31T22:30:00Z", "1704061800"] {
        let alert = json!({"operation": "send_alerts", "alert_name": "A", "starts_at": given, "ends_at": "now+2h"});
        assert_eq!(answer(alert)["success"], true, "{given}");
        let record = json!({"metric_name": "m", "metric_value": 1, "timestamp": given});
        assert_eq!(answer(record)["result"]["timestamp"], "2023-12-31T22:30:00.000Z", "{given}");
        let series = json!({"operation": "list_series", "match": "up", "start": given, "end": "now"});
        assert_eq!(answer(series)["success"], true, "{given}");
    }
    for (operation, field) in [
        ("send_alerts", "ends_at"),
        ("create_silence", "ends_at"),
        ("record_gauge", "timestamp"),
        ("list_labels", "end"),
    ] {
        let mut ctx = json!({"operation": operation, "alert_name": "A", "matchers": ["a=b"], "comment": "c", "metric_name": "m", "metric_value": 1});
        ctx[field] = json!("tomorrow");
        let answer = answer(ctx);
        assert_eq!((&answer["error_code"], &answer["field"]), (&json!("invalid_field"), &json!(field)), "{answer}");
        assert!(answer["error"].as_str().unwrap().contains("now-1h"), "{answer}");
    }
}

#[test]
fn the_table_has_every_operation_once() {
    let own = table::names().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(own.len(), table::names().count());
}
