//! Metrics recorded under calls' own grouping keys: their groups on the gateway and their common
//! exposition.

use core::time::Duration;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::{Shared, gateway, plug, process};
use super::{Plug, Standalone};
use crate::hosting::{self, Job, Moment, Outcome, Step, Ticket, Work};
use crate::http::{Clock, Failure, Limits, Method, Request, Response, Transport};
use plugpipe_operations::operations::own_groups::{MAX_GROUPS, Pending};

fn gauge(name: &str, value: f64, key: Value) -> Value {
    let mut ctx = json!({"operation": "record_gauge", "metric_name": name, "metric_value": value});
    for (field, value) in key.as_object().unwrap() {
        ctx[field] = value.clone();
    }
    ctx
}

fn exported(plug: &mut Standalone<Shared>, format: &str) -> Value {
    process(plug, json!({"operation": "export_metrics", "export_format": format}), json!({}))
}

fn text(plug: &mut Standalone<Shared>) -> String {
    exported(plug, "prometheus")["result"]["exported_data"].as_str().unwrap().to_owned()
}

#[test]
fn a_metric_is_pushed_only_under_its_own_key() {
    let (mut plug, world) = plug();
    world.will_answer(200, "").will_answer(200, "").will_answer(200, "");
    process(&mut plug, gauge("a", 1.0, json!({"job_name": "jobA"})), gateway());
    process(&mut plug, gauge("b", 2.0, json!({"job_name": "jobB", "grouping_key": {"zone": "z"}})), json!({}));
    let answer = process(&mut plug, gauge("own", 3.0, json!({})), json!({}));
    assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
    let asked = world.asked();
    let pushed: Vec<_> = asked.iter().map(|(_, url, body)| (url.as_str(), body.as_str())).collect();
    assert_eq!(
        pushed,
        [
            ("http://gw:9091/p/metrics/job/jobA/instance/i", "# TYPE a gauge\na 1\n"),
            ("http://gw:9091/p/metrics/job/jobB/instance/i/zone/z", "# TYPE b gauge\nb 2\n"),
            ("http://gw:9091/p/metrics/job/j/instance/i", "# TYPE own gauge\nown 3\n"),
        ]
    );
    process(&mut plug, json!({"operation": "flush_metrics"}), json!({}));
    assert!(world.asked().is_empty(), "nothing is due any more");
    let all = "# TYPE a gauge\na{instance=\"i\",job=\"jobA\"} 1\n# TYPE b gauge\nb{instance=\"i\",job=\"jobB\",zone=\"z\"} 2\n# TYPE own gauge\nown 3\n";
    assert_eq!(text(&mut plug), all);
    // The cached text of the configured group is used, and is correct after a change.
    process(&mut plug, gauge("own", 4.0, json!({})), json!({}));
    assert_eq!(text(&mut plug), all.replace("own 3", "own 4"));
    for format in ["openmetrics", "json", "csv"] {
        let exported = exported(&mut plug, format)["result"]["exported_data"].as_str().unwrap().to_owned();
        assert!(exported.contains("jobA") && exported.contains("zone"), "{format}: {exported}");
    }
}

#[test]
fn the_configured_key_is_not_a_separate_group() {
    let (mut plug, _) = plug();
    process(&mut plug, gauge("a", 1.0, json!({"job_name": "j", "instance": "i"})), gateway());
    assert_eq!(text(&mut plug), "# TYPE a gauge\na 1\n");
}

#[test]
fn pending_groups_are_pushed_together() {
    let (mut plug, world) = plug();
    for job in ["jobA", "jobB"] {
        world.will_fail(Failure::Refused);
        process(&mut plug, gauge("x", 1.0, json!({"job_name": job})), gateway());
        world.0.borrow_mut().now += Duration::from_secs(60);
    }
    world.asked();
    world.will_fail(Failure::Refused).will_answer(204, "");
    let answer = process(&mut plug, json!({"operation": "flush_metrics"}), json!({}));
    assert_eq!(answer["success"], false, "{answer}");
    world.0.borrow_mut().now += Duration::from_secs(60);
    world.asked();
    world.0.borrow_mut().answers.clear();
    world.will_answer(204, "").will_answer(204, "");
    let answer = process(&mut plug, json!({"operation": "push_metrics", "preflight": false}), json!({}));
    assert_eq!(answer["success"], true, "{answer}");
    let groups = answer["result"]["groups_pushed"].as_array().unwrap();
    assert!(!groups.is_empty() && groups.iter().all(|group| group["metric_pushed"] == true), "{answer}");
    assert!(world.asked().iter().all(|(_, url, _)| url.contains("/job/job")), "the unused group is not made");
    let answer = process(&mut plug, json!({"operation": "flush_metrics"}), json!({}));
    assert_eq!(answer["result"]["unpushed"], false, "{answer}");
}

#[test]
fn keys_may_differ_in_labels_and_conflict_in_kinds_only_when_exposed_together() {
    let (mut plug, world) = plug();
    world.will_answer(200, "").will_answer(200, "").will_answer(200, "");
    let with = |labels: Value, job: &str, step: &str| json!({"job_name": job, "labels": labels, "step_id": step});
    process(&mut plug, gauge("x", 1.0, with(json!({"a": "1"}), "jobA", "first")), gateway());
    process(&mut plug, gauge("x", 2.0, with(json!({"b": "1"}), "jobB", "second")), json!({}));
    assert_eq!(
        text(&mut plug),
        "# TYPE x gauge\nx{a=\"1\",instance=\"i\",job=\"jobA\"} 1\nx{b=\"1\",instance=\"i\",job=\"jobB\"} 2\n"
    );
    let mut counter = gauge("x", 3.0, json!({"job_name": "jobC", "step_id": "third"}));
    counter["operation"] = json!("record_counter");
    let answer = process(&mut plug, counter, json!({}));
    assert_eq!((&answer["success"], &answer["result"]["metric_pushed"]), (&json!(true), &json!(true)), "{answer}");
    let answer = exported(&mut plug, "prometheus");
    assert_eq!((&answer["success"], &answer["error_code"]), (&json!(false), &json!("metric_conflict")), "{answer}");
    let told = answer["error"].as_str().unwrap();
    for part in ["metric x", "gauge", "counter", "jobA", "jobC", "first", "third"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let mut counter = gauge("x", 3.0, with(json!({"a": "1"}), "jobA", "fourth"));
    counter["operation"] = json!("record_counter");
    let told = process(&mut plug, counter, json!({}))["error"].as_str().unwrap().to_owned();
    assert!(told.contains("jobA") && told.contains("first") && told.contains("fourth"), "{told}");
}

/// Python callers pass a configuration with each call.
#[test]
fn metrics_keep_their_key_when_the_configuration_changes() {
    let (mut plug, world) = plug();
    let cfg = |job: &str| json!({"gateway_url": "http://gw:9091/p", "job_name": job});
    let plain = |name: &str, value: f64| gauge(name, value, json!({}));
    for _ in 0..8 {
        world.will_answer(200, "");
    }
    // Metrics recorded before any configuration are pushed under the first configured key.
    process(&mut plug, plain("early", 1.0), json!({}));
    process(&mut plug, plain("a", 1.0), cfg("A"));
    let answer = process(&mut plug, plain("b", 2.0), cfg("B"));
    assert_eq!(answer["monitoring_metadata"]["job_name"], "B");
    process(&mut plug, plain("b", 3.0), json!({}));
    process(&mut plug, plain("a", 4.0), cfg("A"));
    let asked = world.asked();
    let pushed: Vec<_> = asked.iter().map(|(_, url, body)| (url.rsplit('/').next().unwrap(), body.as_str())).collect();
    let of_a = |value: u32| format!("# TYPE a gauge\na {value}\n# TYPE early gauge\nearly 1\n");
    let (first, last) = (of_a(1), of_a(4));
    assert_eq!(pushed, [("A", &*first), ("B", "# TYPE b gauge\nb 2\n"), ("B", "# TYPE b gauge\nb 3\n"), ("A", &*last)]);
    // Exposed together, also after a restart under the other configuration.
    process(&mut plug, json!({"operation": "describe"}), cfg("B"));
    let all = "# TYPE a gauge\na 4\n# TYPE b gauge\nb{job=\"B\"} 3\n# TYPE early gauge\nearly 1\n";
    assert_eq!(text(&mut plug), all);
    let snapshot = plug.snapshot();
    let (mut other, world) = super::tests::plug();
    process(&mut other, json!({"operation": "describe"}), cfg("B"));
    other.restore(&snapshot, 1).unwrap();
    assert_eq!(text(&mut other), all);
    world.will_answer(200, "").will_answer(200, "");
    process(&mut other, plain("b", 5.0), json!({}));
    process(&mut other, plain("a", 6.0), cfg("A"));
    let asked = world.asked();
    assert_eq!(asked[0].2, "# TYPE b gauge\nb 5\n");
    assert!(asked[1].1.ends_with("/A") && asked[1].2.starts_with("# TYPE a gauge\na 6\n"), "{asked:?}");
    // Without series, the plug's own group follows the configuration.
    world.will_answer(200, "").will_answer(200, "").will_answer(200, "");
    process(&mut other, json!({"operation": "clear_metrics"}), json!({}));
    process(&mut other, json!({"operation": "flush_metrics"}), json!({}));
    process(&mut other, plain("c", 7.0), cfg("C"));
    assert!(world.asked().last().unwrap().1.ends_with("/C"));
    assert_eq!(text(&mut other), "# TYPE c gauge\nc 7\n");
}

#[test]
fn callers_with_one_key_may_use_one_name_with_different_labels() {
    let (mut plug, world) = plug();
    world.will_answer(200, "").will_answer(200, "");
    process(&mut plug, gauge("x", 1.0, json!({"labels": {"a": "1"}})), gateway());
    let answer = process(&mut plug, gauge("x", 2.0, json!({"labels": {"b": "1"}})), json!({}));
    assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
    let told = answer["warnings"][0].as_str().unwrap();
    assert!(told.starts_with("x: ") && told.contains("{b}") && told.contains("{a}"), "{told}");
    let both = "# TYPE x gauge\nx{a=\"1\"} 1\nx{b=\"1\"} 2\n";
    assert_eq!(world.asked().last().unwrap().2, both);
    assert_eq!(text(&mut plug), both);
    // Warned once; with another group, the text is the same except for its series.
    world.will_answer(200, "").will_answer(200, "");
    assert!(process(&mut plug, gauge("x", 2.0, json!({"labels": {"b": "1"}})), json!({})).get("warnings").is_none());
    process(&mut plug, gauge("y", 3.0, json!({"job_name": "jobA"})), json!({}));
    assert!(text(&mut plug).starts_with(both), "{}", text(&mut plug));
    let removed = json!({"operation": "remove_metric", "metric_name": "x", "labels": {"b": "1"}});
    assert_eq!(process(&mut plug, removed, json!({}))["result"]["removed"], true);
    assert!(text(&mut plug).starts_with("# TYPE x gauge\nx{a=\"1\"} 1\n# TYPE y"), "{}", text(&mut plug));
}

#[test]
fn after_a_deletion_nothing_is_pending_until_the_next_record() {
    for delete in [
        json!({"operation": "delete_metrics"}),
        json!({"operation": "push_metrics", "push_mode": "delete"}),
        json!({"operation": "delete_metrics", "job_name": "jobA"}),
    ] {
        let key = delete.get("job_name").map_or(json!({}), |job| json!({"job_name": job}));
        let (mut plug, world) = plug();
        world.will_answer(200, "").will_answer(202, "");
        process(&mut plug, gauge("x", 1.0, key.clone()), gateway());
        assert_eq!(process(&mut plug, delete, json!({}))["result"]["deleted"], true);
        world.asked();
        let flush = json!({"operation": "flush_metrics"});
        assert_eq!(process(&mut plug, flush.clone(), json!({}))["result"]["unpushed"], false);
        let snapshot = plug.snapshot();
        let mut again = Standalone::new(world.clone());
        process(&mut again, json!({"operation": "describe"}), gateway());
        again.restore(&snapshot, 1).unwrap();
        process(&mut again, flush, json!({}));
        assert!(world.asked().is_empty());
        world.will_answer(200, "");
        process(&mut again, gauge("y", 2.0, key), json!({}));
        assert!(world.asked()[0].2.contains("x 1\n# TYPE y gauge\ny 2\n"));
    }
}

#[test]
fn the_number_of_groups_is_limited() {
    let (mut plug, _) = plug();
    let record = |number: usize| gauge("x", 1.0, json!({"instance": number.to_string()}));
    for number in 0..MAX_GROUPS {
        assert_eq!(process(&mut plug, record(number), json!({}))["success"], true);
    }
    let answer = process(&mut plug, record(MAX_GROUPS), json!({}));
    assert_eq!(answer["error_code"], "limit_reached", "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("clear_metrics"), "{answer}");
    assert_eq!(process(&mut plug, gauge("x", 1.0, json!({})), json!({}))["success"], true);
    assert_eq!(process(&mut plug, json!({"operation": "health_check"}), json!({}))["result"]["series"], 65);
    assert_eq!(process(&mut plug, json!({"operation": "clear_metrics"}), json!({}))["result"]["series_removed"], 65);
    assert_eq!(text(&mut plug), "");
}

#[test]
fn a_snapshot_contains_all_groups_and_an_old_one_is_readable() {
    let (mut plug, world) = plug();
    process(&mut plug, gauge("x", 1.0, json!({"job_name": "jobA", "grouping_key": {"é": "1"}})), json!({}));
    process(&mut plug, gauge("x", 2.0, json!({})), json!({}));
    let snapshot = plug.snapshot();
    let mut again = Standalone::new(world.clone());
    again.restore(&snapshot, 1).unwrap();
    assert_eq!(text(&mut again), text(&mut plug));
    let same = again.snapshot();
    // Both have encoded the same since.
    let snapshot = plug.snapshot();
    assert_eq!(same, snapshot);
    for place in 0..snapshot.len() {
        let mut damaged = snapshot.clone();
        damaged[place] ^= 1;
        assert!(again.restore(&damaged, 1).is_err(), "{place}");
        assert!(again.restore(&snapshot[..place], 1).is_err(), "{place}");
    }
    assert_eq!(text(&mut again), text(&mut plug), "what was refused changed nothing");
    let mut old = Vec::new();
    plug.registry().snapshot(&mut old);
    again.restore(&old, 1).unwrap();
    assert_eq!(text(&mut again), "# TYPE x gauge\nx 2\n");
    assert_eq!(process(&mut again, json!({"operation": "health_check"}), json!({}))["result"]["unpushed"], true);
}

#[test]
fn a_new_configuration_takes_over_the_group_of_its_key() {
    let (mut plug, _) = plug();
    process(&mut plug, gauge("x", 1.0, json!({"job_name": "jobA"})), json!({}));
    process(&mut plug, gauge("x", 2.0, json!({})), json!({"job_name": "jobA"}));
    assert_eq!(text(&mut plug), "# TYPE x gauge\nx 2\n");
    process(&mut plug, gauge("x", 3.0, json!({"job_name": "jobB"})), json!({}));
    let answer = process(&mut plug, json!({"operation": "describe"}), json!({"job_name": "jobB"}));
    assert_eq!(answer["success"], true, "{answer}");
    assert_eq!(text(&mut plug), "# TYPE x gauge\nx 2\nx{job=\"jobB\"} 3\n");
}

#[test]
fn remote_write_and_otlp_add_the_labels_of_the_key() {
    for (operation, url) in [("remote_write_metrics", "remote_write_url"), ("export_otlp", "otlp_url")] {
        let (mut plug, world) = plug();
        let cfg = json!({"job_name": "own", "remote_write_version": "1.0", url: "http://h:1/write"});
        process(&mut plug, gauge("x", 1.0, json!({"job_name": "jobA", "grouping_key": {"zone": "quux"}})), cfg);
        process(&mut plug, gauge("x", 2.0, json!({})), json!({}));
        world.will_answer(200, "");
        let answer = process(&mut plug, json!({"operation": operation}), json!({}));
        assert_eq!(answer["success"], true, "{answer}");
        let body = &world.asked()[0].2;
        assert!(body.contains("own") && body.contains("jobA") && body.contains("quux"), "{operation}: {body:?}");
    }
}

#[test]
fn each_group_has_its_own_interval() {
    let (mut plug, world) = plug();
    let cfg =
        json!({"gateway_url": "http://g:1", "job_name": "own", "push_policy": "interval", "push_interval": "10s"});
    world.will_answer(200, "").will_answer(200, "");
    process(&mut plug, gauge("x", 1.0, json!({"job_name": "a"})), cfg);
    process(&mut plug, gauge("x", 1.0, json!({})), json!({}));
    assert_eq!(world.asked().len(), 2, "the first of each goes out at once");
    process(&mut plug, gauge("x", 2.0, json!({"job_name": "a"})), json!({}));
    process(&mut plug, gauge("x", 2.0, json!({})), json!({}));
    assert!(world.asked().is_empty());
    world.0.borrow_mut().now += Duration::from_secs(10);
    world.will_answer(200, "").will_answer(200, "");
    let answer = process(&mut plug, json!({"operation": "describe"}), json!({}));
    assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
    assert_eq!(answer["result"]["groups_pushed"][0]["group"], "http://g:1/metrics/job/a", "{answer}");
    assert_eq!(world.asked().len(), 2);
    process(&mut plug, json!({"operation": "describe"}), json!({}));
    assert!(world.asked().is_empty());
}

/// Starts a call that pushes, and takes the job of its lane.
fn take_push(plug: &mut Plug, ticket: Ticket, ctx: &Value, cfg: &Value) -> (String, Vec<u8>) {
    let at = Moment { unix_nanos: 1_704_067_200_000_000_000 + ticket, seed: ticket, again: false };
    let step = plug.start(ticket, hosting::Request::Call(&ctx.to_string()), &cfg.to_string(), at);
    let lane = step.due[0].lane.clone();
    let Some(Job { work: Work::Run(job), .. }) = plug.take(&lane, at) else { panic!("there is no job") };
    (lane, job)
}

fn complete(plug: &mut Plug, lane: &str, job: &[u8], world: &mut Shared) -> Step {
    let at = Moment { unix_nanos: 1_704_067_201_000_000_000, seed: 0, again: false };
    plug.complete(lane, Outcome::Ran(hosting::run::run(job.to_vec(), world)), at)
}

fn due(plug: &Plug) -> Vec<bool> {
    let recorder = &plug.recorder;
    [recorder.pending]
        .iter()
        .chain(recorder.groups.list.iter().map(|group| &group.pending))
        .map(Pending::is_due)
        .collect()
}

#[test]
fn what_was_pushed_is_settled_and_what_came_meanwhile_is_due() {
    let (mut plug, mut world) = plug();
    let cfg = json!({"gateway_url": "http://g:1", "job_name": "own"});
    let a = json!({"job_name": "a", "instance": "1"});
    let (lane_a, job_a) = take_push(&mut plug, 1, &gauge("x", 1.0, a.clone()), &cfg);
    let (lane_own, job_own) = take_push(&mut plug, 2, &gauge("x", 1.0, json!({})), &json!({}));
    assert_eq!([&*lane_a, &*lane_own], ["push:http://g:1/metrics/job/a/instance/1", "push:http://g:1/metrics/job/own"]);
    // Recorded while both are under way.
    let at = Moment { unix_nanos: 1_704_067_200_500_000_000, seed: 0, again: false };
    let step = plug.start(3, hosting::Request::Call(&gauge("x", 2.0, a).to_string()), "", at);
    assert_eq!((step.answers.len(), step.due.len()), (0, 0), "its lane is busy: {step:?}");
    world.will_answer(200, "").will_answer(202, "");
    let step = complete(&mut plug, &lane_a, &job_a, &mut world);
    assert_eq!(step.answers.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [1]);
    assert_eq!(step.due[0].lane, lane_a);
    assert_eq!(step.answers[0].1.unsent, 2, "that of the own group, and the second one");
    let step = complete(&mut plug, &lane_own, &job_own, &mut world);
    assert_eq!((step.answers[0].0, step.due.len()), (2, 0));
    assert_eq!(due(&plug), [false, true]);
}

/// It is kept until a call under its key changes it.
#[test]
fn a_group_keeps_its_own_gateway_after_a_restart() {
    let cfg = json!({"gateway_url": "http://g:1", "job_name": "own"});
    let (mut plug, world) = plug();
    process(&mut plug, json!({"operation": "describe"}), cfg.clone());
    world.will_fail(Failure::Refused);
    let elsewhere = json!({"job_name": "a", "gateway_url": "http://user:s3cret@other:2/p"});
    process(&mut plug, gauge("x", 1.0, elsewhere), json!({}));
    world.will_fail(Failure::Refused);
    process(&mut plug, gauge("y", 2.0, json!({"job_name": "b"})), json!({}));
    let snapshot = plug.snapshot();
    assert!(!snapshot.windows(6).any(|window| window == b"s3cret"));
    let (mut other, world) = super::tests::plug();
    process(&mut other, json!({"operation": "describe"}), cfg);
    other.restore(&snapshot, 1).unwrap();
    world.will_answer(200, "").will_answer(200, "");
    assert_eq!(process(&mut other, json!({"operation": "flush_metrics"}), json!({}))["result"]["unpushed"], false);
    let urls: Vec<String> = world.asked().into_iter().map(|(_, url, _)| url).collect();
    assert_eq!(urls, ["http://other:2/p/metrics/job/a", "http://g:1/metrics/job/b"]);
}

/// A push in flight during a cleanup or restore does not settle later changes.
#[test]
fn what_was_pushed_before_a_cleanup_or_a_restore_is_not_what_is_recorded_after() {
    let cfg = json!({"gateway_url": "http://g:1", "job_name": "own", "delete_on_cleanup": false});
    let manual = json!({"gateway_url": "http://g:1", "job_name": "own", "push_policy": "manual"});
    let (own, other) = (json!({}), json!({"job_name": "a"}));
    for forget in ["cleanup", "restore_metrics"] {
        let (mut plug, mut world) = plug();
        process(&mut plug, json!({"operation": "describe"}), cfg.clone());
        let answer = process(&mut plug, json!({"operation": "snapshot_metrics"}), json!({}));
        let empty = answer["result"]["snapshot"].clone();
        let taken = [
            take_push(&mut plug, 1, &gauge("x", 1.0, own.clone()), &cfg),
            take_push(&mut plug, 2, &gauge("x", 1.0, other.clone()), &cfg),
        ];
        match forget {
            "cleanup" => drop(plug.cleanup()),
            _ => drop(process(&mut plug, json!({"operation": forget, "snapshot": empty}), manual.clone())),
        }
        for key in [&own, &other] {
            process(&mut plug, gauge("x", 2.0, key.clone()), manual.clone());
        }
        world.will_answer(200, "").will_answer(200, "");
        for (lane, job) in &taken {
            complete(&mut plug, lane, job, &mut world);
        }
        assert_eq!(due(&plug), [true, true], "{forget}");
    }
}

/// A gateway in memory that can refuse connections.
#[derive(Default)]
struct Kept {
    groups: BTreeMap<String, String>,
    away: bool,
    now: Duration,
}

#[derive(Clone, Default)]
struct Gateway(Rc<RefCell<Kept>>);

impl Clock for Gateway {
    fn unix_nanos(&self) -> u64 {
        1_704_067_200_000_000_000
    }

    fn monotonic(&self) -> Duration {
        self.0.borrow().now
    }
}

impl Transport for Gateway {
    fn send_all(&mut self, requests: &[&Request], _: &Limits) -> Vec<Result<Response, Failure>> {
        let mut kept = self.0.borrow_mut();
        let mut answer = |request: &&Request| {
            if kept.away {
                return Err(Failure::Refused);
            }
            let group = request.url.to_string();
            match request.method {
                Method::Put => drop(kept.groups.insert(group, String::from_utf8_lossy(&request.body).into_owned())),
                Method::Delete => drop(kept.groups.remove(&group)),
                _ => {}
            }
            Ok(Response { status: 202, headers: Vec::new(), body: Vec::new() })
        };
        requests.iter().map(&mut answer).collect()
    }

    fn sleep(&mut self, duration: Duration) {
        self.0.borrow_mut().now += duration;
    }
}

/// The model of a group.
#[derive(Default)]
struct Model {
    values: BTreeMap<String, u32>,
    due: bool,
    used: bool,
}

impl Model {
    fn text(&self) -> String {
        self.values.iter().map(|(name, value)| format!("# TYPE {name} gauge\n{name} {value}\n")).collect()
    }
}

proptest! {
    /// After any sequence of records, pushes, deletions, failures and restores under several keys,
    /// a group on the gateway has exactly the metrics of its key at the last push.
    #[test]
    fn each_group_on_the_gateway_has_exactly_the_metrics_of_its_key(
        manual: bool,
        steps in prop::collection::vec((0..9_u8, 0..3_usize, 0..2_usize, 0..100_u32), 1..40),
    ) {
        let keys = [json!({}), json!({"job_name": "a"}), json!({"job_name": "a", "instance": "1"})];
        let urls = ["http://g:1/metrics/job/own", "http://g:1/metrics/job/a", "http://g:1/metrics/job/a/instance/1"];
        let policy = if manual { "manual" } else { "on_record" };
        let cfg = json!({"gateway_url": "http://g:1", "job_name": "own", "push_policy": policy, "preflight": false}).to_string();
        let world = Gateway::default();
        let mut plug = Standalone::new(world.clone());
        plug.process(r#"{"operation":"describe"}"#, &cfg);
        let mut models: [Model; 3] = Default::default();
        let mut expected: BTreeMap<String, String> = BTreeMap::new();
        for (action, key, name, value) in steps {
            // Close the circuit after earlier failures.
            world.0.borrow_mut().now += Duration::from_secs(120);
            let away = world.0.borrow().away;
            let mut ctx = keys[key].clone();
            let mut push = |models: &mut [Model; 3], index: usize| if !away {
                expected.insert(urls[index].into(), models[index].text());
                models[index].due = false;
            };
            match action {
                0..=3 => {
                    let name = ["x", "y"][name].to_owned();
                    ctx = gauge(&name, value.into(), ctx);
                    models[key].values.insert(name, value);
                    (models[key].due, models[key].used) = (true, true);
                    if !manual {
                        push(&mut models, key);
                    }
                }
                4 => {
                    ctx["operation"] = json!("push_metrics");
                    let own_used = models[1].used || models[2].used;
                    if key == 0 {
                        if models[0].used || !own_used {
                            push(&mut models, 0);
                        }
                        (1..3).filter(|index| models[*index].due).collect::<Vec<_>>().into_iter().for_each(|index| push(&mut models, index));
                    } else if models[key].used {
                        push(&mut models, key);
                    }
                }
                5 => {
                    ctx["operation"] = json!("delete_metrics");
                    if !away {
                        expected.remove(urls[key]);
                        models[key].due = false;
                    }
                }
                6 => {
                    ctx = json!({"operation": "flush_metrics"});
                    let due: Vec<usize> = (0..3).filter(|index| models[*index].due && !manual).collect();
                    due.into_iter().for_each(|index| push(&mut models, index));
                }
                7 => {
                    world.0.borrow_mut().away = !away;
                    continue;
                }
                _ => {
                                        let snapshot = plug.snapshot();
                    plug = Standalone::new(world.clone());
                    plug.process(r#"{"operation":"describe"}"#, &cfg);
                    plug.restore(&snapshot, 1).unwrap();
                    continue;
                }
            }
            let answer: Value = serde_json::from_str(&plug.process(&ctx.to_string(), "")).unwrap();
            prop_assert_eq!(&world.0.borrow().groups, &expected, "{} {}", ctx, answer);
            let due = models.iter().any(|model| model.due);
            let health: Value = serde_json::from_str(&plug.process(r#"{"operation":"health_check"}"#, "")).unwrap();
            prop_assert_eq!(&health["result"]["unpushed"], due, "{} {}", ctx, health);
        }
    }
}
