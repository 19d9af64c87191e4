//! Requests to a Pushgateway, and results of its responses.

use core::time::Duration;

use serde_json::{Value, json};

use super::tests::{counter, gateway, plug, process};
use crate::http::{Failure, Method};

const STATUS_1_11: &str =
    r#"{"data":{"build_information":{"version":"1.11.2"},"flags":{"push.enable-utf8-names":"false"}}}"#;

/// The group `{job="other"}` with `jobs_total` as a gauge, as returned by a real gateway.
const OTHER: &str = r#"{"status":"success","data":[{
    "labels":{"job":"other"},"last_push_successful":true,
    "jobs_total":{"time_stamp":"2024-01-01T00:00:00Z","type":"GAUGE","metrics":[{"labels":{"instance":"","job":"other"},"value":"1"}]},
    "push_time_seconds":{"type":"GAUGE","metrics":[{"labels":{"instance":"","job":"other"},"value":"1.7040672e+09"}]},
    "push_failure_time_seconds":{"type":"GAUGE","metrics":[{"labels":{"instance":"","job":"other"},"value":"0"}]}}]}"#;

const NO_GROUPS: &str = r#"{"status":"success","data":[]}"#;

fn with(mut cfg: Value, key: &str, value: Value) -> Value {
    cfg["prometheus_config"][key] = value;
    cfg
}

fn methods_and_paths(asked: &[(Method, String, String)]) -> Vec<String> {
    let path = |url: &str| url.trim_start_matches("http://gw:9091/p/").to_owned();
    asked.iter().map(|(method, url, _)| format!("{method:?} {}", path(url))).collect()
}

#[test]
fn an_explicit_push_is_checked_before_it_is_sent() {
    let (mut plug, world) = plug();
    process(&mut plug, counter(json!(1)), with(gateway(), "push_policy", json!("manual")));
    assert!(world.asked().is_empty());
    world.will_answer(200, STATUS_1_11).will_answer(200, OTHER).will_answer(200, "");
    let answer = process(&mut plug, json!({"operation": "push_metrics"}), json!({}));
    assert_eq!((&answer["success"], &answer["error_code"]), (&json!(false), &json!("push_conflict")), "{answer}");
    let conflict = &answer["conflicts"][0];
    assert_eq!(
        (&conflict["reason"], &conflict["metric"], &conflict["group"]),
        (&json!("type"), &json!("jobs_total"), &json!("{job=\"other\"}")),
        "{answer}"
    );
    let asked = world.asked();
    assert_eq!(methods_and_paths(&asked), ["Get api/v1/status", "Get api/v1/metrics", "Get metrics"]);
    world.will_answer(200, STATUS_1_11).will_answer(200, NO_GROUPS).will_answer(200, "").will_answer(200, "");
    let answer = process(&mut plug, json!({"operation": "push_metrics"}), json!({}));
    assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
    assert_eq!(methods_and_paths(&world.asked())[3], "Put metrics/job/j/instance/i");
}

#[test]
fn a_dry_run_reports_conflicts_and_sends_nothing() {
    let (mut plug, world) = plug();
    process(&mut plug, counter(json!(1)), with(gateway(), "push_policy", json!("manual")));
    for (held, accepted) in [(OTHER, false), (NO_GROUPS, true)] {
        world.will_answer(200, STATUS_1_11).will_answer(200, held).will_answer(200, "");
        let answer = process(&mut plug, json!({"operation": "push_metrics", "dry_run": true}), json!({}));
        assert_eq!(answer["result"]["would_be_accepted"], accepted, "{answer}");
        assert_eq!(answer["result"]["conflicts"].as_array().unwrap().is_empty(), accepted);
    }
    assert!(world.asked().iter().all(|(method, ..)| *method == Method::Get));
}

#[test]
fn a_failed_check_does_not_prevent_a_push() {
    let (mut plug, world) = plug();
    process(&mut plug, counter(json!(1)), with(gateway(), "push_policy", json!("manual")));
    world.will_answer(404, "").will_answer(403, "no").will_answer(202, "");
    let answer = process(&mut plug, json!({"operation": "push_metrics"}), json!({}));
    assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
    assert!(answer["result"]["preflight_skipped"].as_str().unwrap().contains("403"), "{answer}");
}

#[test]
fn a_rejection_is_explained_by_conflicts() {
    let (mut plug, world) = plug();
    world.will_answer(400, "has type COUNTER").will_answer(200, OTHER).will_answer(200, "");
    let answer = process(&mut plug, counter(json!(1)), gateway());
    let result = &answer["result"];
    assert_eq!((&result["metric_pushed"], &result["push_error_code"]), (&json!(false), &json!("refused")), "{answer}");
    assert_eq!(result["conflicts"][0]["group"], "{job=\"other\"}", "{answer}");
    let told = result["push_error"].as_str().unwrap();
    assert!(told.contains("400: has type COUNTER") && told.contains("metric jobs_total"), "{told}");
    assert_eq!(methods_and_paths(&world.asked())[1..], ["Get api/v1/metrics", "Get metrics"]);
}

#[test]
fn metrics_are_added_to_a_group_by_post() {
    let (mut plug, world) = plug();
    world.will_answer(200, "");
    process(&mut plug, counter(json!(1)), with(gateway(), "push_mode", json!("add")));
    assert_eq!(methods_and_paths(&world.asked()), ["Post metrics/job/j/instance/i"]);
    world.will_answer(202, "");
    let answer = process(&mut plug, json!({"operation": "push_metrics", "push_mode": "delete"}), json!({}));
    assert_eq!(answer["result"]["deleted"], true, "{answer}");
    assert_eq!(methods_and_paths(&world.asked()), ["Delete metrics/job/j/instance/i"]);
}

#[test]
fn any_call_pushes_after_the_interval() {
    let (mut plug, world) = plug();
    let cfg = with(with(gateway(), "push_policy", json!("interval")), "push_interval", json!("10s"));
    world.will_answer(200, "");
    assert_eq!(process(&mut plug, counter(json!(1)), cfg)["result"]["metric_pushed"], true);
    assert_eq!(process(&mut plug, counter(json!(1)), json!({}))["result"]["metric_pushed"], false);
    world.asked();
    world.0.borrow_mut().now += Duration::from_secs(9);
    process(&mut plug, json!({"operation": "describe"}), json!({}));
    assert!(world.asked().is_empty(), "nothing is sent before its time");
    world.0.borrow_mut().now += Duration::from_secs(1);
    world.will_answer(200, "");
    let answer = process(&mut plug, json!({"operation": "describe"}), json!({}));
    assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
    assert!(world.asked()[0].2.contains("} 2\n"));
    world.0.borrow_mut().now += Duration::from_secs(10);
    process(&mut plug, json!({"operation": "describe"}), json!({}));
    assert!(world.asked().is_empty(), "nothing is sent twice");
    // An explicitly deleted group does not come back with the next call.
    world.will_answer(202, "");
    process(&mut plug, json!({"operation": "delete_metrics"}), json!({}));
    process(&mut plug, json!({"operation": "describe"}), json!({}));
    assert_eq!(world.asked().len(), 1);
}

#[test]
fn a_flush_pushes_only_pending_metrics() {
    let (mut plug, world) = plug();
    world.will_fail(Failure::Refused);
    process(&mut plug, counter(json!(1)), gateway());
    world.asked();
    world.will_answer(200, "");
    let flush = json!({"operation": "flush_metrics"});
    let answer = process(&mut plug, flush.clone(), json!({}));
    let exchange = json!({"attempts": 1, "elapsed_ms": 0});
    assert_eq!(answer["result"], json!({"metric_pushed": true, "unpushed": false, "exchange": exchange}), "{answer}");
    let answer = process(&mut plug, flush.clone(), json!({}));
    assert_eq!(answer["result"], json!({"metric_pushed": false, "unpushed": false}), "{answer}");
    assert_eq!(world.asked().len(), 1);
    process(&mut plug, counter(json!(1)), with(gateway(), "push_policy", json!("manual")));
    let answer = process(&mut plug, flush, json!({}));
    let unpushed = |reason: &str| json!({"metric_pushed": false, "unpushed": true, "unpushed_reason": reason});
    assert_eq!(answer["result"], unpushed("manual"), "{answer}");
    assert!(world.asked().is_empty());
}

#[test]
fn a_dry_flush_sends_nothing_and_reports_why_values_are_unpushed() {
    let flush = json!({"operation": "flush_metrics", "dry_run": true});
    let cases = [
        (json!({}), "no_gateway"),
        (with(gateway(), "push_policy", json!("manual")), "manual"),
        (with(gateway(), "mock_mode", json!(true)), "mock_mode"),
        (gateway(), "not_accepted"),
    ];
    for (cfg, reason) in cases {
        let (mut plug, world) = plug();
        world.will_fail(Failure::Refused);
        process(&mut plug, counter(json!(1)), cfg);
        world.asked();
        let answer = process(&mut plug, flush.clone(), json!({}));
        let expected = json!({"metric_pushed": false, "unpushed": true, "unpushed_reason": reason});
        assert_eq!(answer["result"], expected, "{answer}");
        assert!(world.asked().is_empty(), "{reason}");
    }
}

#[test]
fn a_push_that_failed_promises_nothing_beyond_this_process() {
    let (mut plug, world) = plug();
    world.will_fail(Failure::Refused);
    let answer = process(&mut plug, counter(json!(1)), gateway());
    let text = answer["result"]["push_error"].as_str().unwrap();
    assert!(text.contains("the next push sends it") && !text.contains("is kept"), "{text}");
}

#[test]
fn counters_reset_by_the_first_push_are_listed_once() {
    let stored = r#"{"status":"success","data":[{"labels":{"job":"j","instance":"i"},
        "jobs_total":{"type":"COUNTER","metrics":[{"labels":{"job":"j","instance":"i"},"value":"5"}]},
        "gone_total":{"type":"COUNTER","metrics":[{"labels":{"job":"j","instance":"i","a":"b"},"value":"2"}]},
        "again_total":{"type":"COUNTER","metrics":[{"labels":{"job":"j","instance":"i"},"value":"1"}]},
        "small_seconds":{"type":"HISTOGRAM","metrics":[{"labels":{"job":"j","instance":"i"},"count":"0","sum":"0"}]},
        "level":{"type":"GAUGE","metrics":[{"labels":{"job":"j","instance":"i"},"value":"9"}]}},
        {"labels":{"job":"other"},"jobs_total":{"type":"COUNTER","metrics":[{"labels":{"job":"other","instance":""},"value":"50"}]}}]}"#;
    let item = |name: &str, value: u32| json!({"metric_name": name, "metric_value": value, "metric_type": "counter"});
    let metrics = [item("jobs_total", 1), item("again_total", 1)];
    let jobs = json!({"operation": "record_multiple_metrics", "metrics": metrics});
    let again = json!({"series": "again_total{instance=\"i\", job=\"j\"}", "stored": 1, "pushed": 1});
    let gone = json!({"series": "gone_total{a=\"b\", instance=\"i\", job=\"j\"}", "stored": 2});
    let fell = json!({"series": "jobs_total{instance=\"i\", job=\"j\"}", "stored": 5, "pushed": 1});
    for (mode, expected) in [("replace", vec![again.clone(), gone, fell.clone()]), ("add", vec![again, fell])] {
        let (mut plug, world) = plug();
        let cfg = with(with(gateway(), "detect_resets", json!(true)), "push_mode", json!(mode));
        world.will_answer(200, stored).will_answer(200, "");
        let answer = process(&mut plug, jobs.clone(), cfg);
        let result = &answer["result"];
        assert_eq!(
            (&result["metric_pushed"], &result["counters_replaced"]),
            (&json!(true), &json!(expected.len())),
            "{answer}"
        );
        let mut listed = result["replaced"].as_array().unwrap().clone();
        listed.sort_by_key(|one| one["series"].to_string());
        assert_eq!(listed, expected, "{answer}");
        world.asked();
        world.will_answer(200, "");
        let answer = process(&mut plug, jobs.clone(), json!({}));
        assert_eq!(answer["result"].get("counters_replaced"), None, "{answer}");
        assert_eq!(world.asked().len(), 1, "the group is read once");
    }
    // A push does not fail because the gateway's groups are unavailable.
    let (mut plug, world) = plug();
    world.will_answer(404, "no").will_answer(200, "");
    let answer = process(&mut plug, jobs, with(gateway(), "detect_resets", json!(true)));
    assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
}

#[test]
fn native_histograms_are_pushed_as_protobuf_or_listed_as_downgraded() {
    let observe =
        json!({"operation": "record_metric", "metric_type": "native_histogram", "metric_name": "h", "metric_value": 1});
    for (status, protobuf) in
        [(STATUS_1_11, true), (r#"{"data":{"build_information":{"version":"1.5.1"}}}"#, false), ("<html>", false)]
    {
        let (mut plug, world) = plug();
        world.will_answer(200, status).will_answer(200, "").will_answer(200, "");
        let answer = process(&mut plug, observe.clone(), gateway());
        assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
        assert_eq!(answer["result"]["downgraded"], if protobuf { Value::Null } else { json!(["h"]) }, "{answer}");
        assert_eq!(world.asked()[1].2.starts_with("# TYPE"), !protobuf);
        // The gateway's abilities are cached between pushes.
        process(&mut plug, observe.clone(), json!({}));
        assert_eq!(methods_and_paths(&world.asked()), ["Put metrics/job/j/instance/i"]);
    }
}

#[test]
fn a_name_that_the_gateway_would_misread_is_rejected() {
    let (mut plug, world) = plug();
    let cfg = with(with(gateway(), "push_policy", json!("manual")), "grouping_key", json!({"a.b": "1"}));
    process(&mut plug, counter(json!(1)), cfg.clone());
    let push = json!({"operation": "push_metrics", "preflight": false});
    world.will_answer(200, STATUS_1_11);
    let answer = process(&mut plug, push.clone(), json!({}));
    assert_eq!((&answer["success"], &answer["field"]), (&json!(false), &json!("grouping_key.a.b")), "{answer}");
    world.asked();
    let (mut plug, world) = super::tests::plug();
    process(&mut plug, counter(json!(1)), cfg);
    world.will_answer(200, &STATUS_1_11.replace("false", "true")).will_answer(200, "");
    assert_eq!(process(&mut plug, push, json!({}))["result"]["metric_pushed"], true);
    assert_eq!(methods_and_paths(&world.asked())[1], "Put metrics/job/j/U__a_2e_b/1/instance/i");
}

#[test]
fn groups_are_listed_and_old_ones_expired_on_request() {
    let (mut plug, world) = plug();
    world.will_answer(200, OTHER);
    let answer = process(&mut plug, json!({"operation": "list_groups"}), gateway());
    let group = json!({
        "labels": {"job": "other"}, "group": "http://gw:9091/p/metrics/job/other", "last_push": "2024-01-01T00:00:00.000Z",
        "metrics": 1, "series": 1,
    });
    assert_eq!(answer["result"], json!({"count": 1, "groups": [group], "exchange": {"attempts": 1, "elapsed_ms": 0}}));
    world.asked();
    // The clock of these tests is at the time of the push.
    let expire = |older_than: &str, dry_run: Value| json!({"operation": "expire_groups", "older_than": older_than, "dry_run": dry_run});
    let old = OTHER.replace("1.7040672e+09", "1.7040671e+09");
    for (held, ctx, count, asked) in [
        (OTHER, expire("1m", json!(false)), 0, 1),
        (&*old, expire("2m", json!(false)), 0, 1),
        (&*old, expire("1m", Value::Null), 1, 1),
        (&*old, expire("1m", json!("false")), 1, 2),
    ] {
        world.will_answer(200, held);
        if asked == 2 {
            world.will_answer(202, "");
        }
        let answer = process(&mut plug, ctx.clone(), json!({}));
        assert_eq!(answer["result"]["count"], count, "{ctx}: {answer}");
        assert_eq!(answer["result"]["deleted"], asked - 1, "{ctx}: {answer}");
        assert_eq!(world.asked().len(), asked, "{ctx}");
    }
    let answer = process(&mut plug, json!({"operation": "expire_groups"}), json!({}));
    assert_eq!(answer["field"], "older_than");
    world.will_answer(200, &old);
    let ctx = json!({"operation": "expire_groups", "older_than": "1m", "labels": {"job": "mine"}});
    assert_eq!(process(&mut plug, ctx, json!({}))["result"]["count"], 0);
}

#[test]
fn cleanup_deletes_the_groups_that_were_pushed_and_no_others() {
    let cleanup = |plug: &mut super::Standalone<_>| -> Value { serde_json::from_str(&plug.cleanup()).unwrap() };
    let (mut plug, world) = plug();
    world.will_answer(200, "").will_answer(200, "").will_fail(Failure::Refused);
    process(&mut plug, counter(json!(1)), gateway());
    let mut other = counter(json!(1));
    other["job_name"] = json!("k");
    process(&mut plug, other.clone(), json!({}));
    other["job_name"] = json!("never");
    process(&mut plug, other, json!({}));
    world.asked();
    world.will_answer(202, "").will_fail(Failure::Broken);
    let answer = cleanup(&mut plug);
    assert_eq!(answer["result"]["groups_deleted"], json!(["http://gw:9091/p/metrics/job/j/instance/i"]), "{answer}");
    assert_eq!(answer["result"]["groups_left"][0]["group"], "http://gw:9091/p/metrics/job/k/instance/i", "{answer}");
    assert_eq!(answer["result"]["groups_left"][0]["error_code"], "unreachable");
    assert_eq!(world.asked().len(), 2);
    assert_eq!(cleanup(&mut plug)["result"], json!({"series_dropped": 0, "unpushed": false}));

    let mut cfg = gateway();
    cfg["delete_on_cleanup"] = json!(false);
    world.will_answer(200, "");
    process(&mut plug, counter(json!(1)), cfg);
    world.asked();
    let answer = cleanup(&mut plug);
    assert_eq!(answer["result"]["groups_deleted"], json!([]));
    assert_eq!(answer["result"]["groups_left"], json!([{"group": "http://gw:9091/p/metrics/job/j/instance/i"}]));
    assert!(world.asked().is_empty());
}
