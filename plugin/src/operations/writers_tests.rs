//! Batches of writers: once each, whatever is repeated, and gauges of several writers.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Standalone;
use super::tests::{Shared, plug, process};

fn batch(writer: &str, number: u64, metrics: Value) -> Value {
    json!({"operation": "record_batch", "writer": writer, "number": number, "metrics": metrics})
}

fn counter(value: f64) -> Value {
    json!({"name": "jobs_total", "type": "counter", "labels": {"q": "a"}, "value": value})
}

fn gauge(mode: &str, value: f64) -> Value {
    json!({"name": mode, "mode": mode, "value": value})
}

fn text(plug: &mut Standalone<Shared>) -> String {
    let answer = process(plug, json!({"operation": "export_metrics"}), json!({}));
    answer["result"]["exported_data"].as_str().unwrap().to_owned()
}

/// The value of a series in the exposition.
fn value(plug: &mut Standalone<Shared>, series: &str) -> Option<f64> {
    text(plug).lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn a_repeated_batch_is_recorded_once() {
    let (mut plug, _) = plug();
    for (writer, number, duplicate) in
        [("a", 1, false), ("a", 1, true), ("b", 1, false), ("a", 2, false), ("a", 1, true)]
    {
        let answer = process(&mut plug, batch(writer, number, json!([counter(2.0)])), json!({}));
        assert_eq!(answer["result"]["duplicate"], duplicate, "{answer}");
        assert_eq!(answer["result"]["values_recorded"], u8::from(!duplicate), "{answer}");
    }
    assert_eq!(value(&mut plug, "jobs_total{q=\"a\"}"), Some(6.0));
}

#[test]
fn a_refused_record_is_reported_and_the_others_are_recorded() {
    let (mut plug, _) = plug();
    let metrics = json!([
        counter(1.0),
        {"name": "jobs_total", "type": "counter", "labels": {"q": "a"}, "value": -1},
        {"name": "wait_seconds", "type": "histogram", "buckets": [1], "values": [0.5, 2, 3]},
        {"name": "wait_seconds", "type": "histogram", "buckets": [1], "values": [0.5, "x"]},
        {"name": "g", "value": 1, "values": [1]},
        {"name": "c_total", "type": "counter", "mode": "sum", "value": 1},
        {"value": 1},
    ]);
    let answer = process(&mut plug, batch("a", 1, metrics), json!({}));
    assert_eq!(answer["success"], false, "a value that is no number fails the whole: {answer}");
    assert_eq!(answer["field"], "metrics[3].values[1]", "{answer}");
    let metrics = json!([
        counter(1.0),
        {"name": "jobs_total", "type": "counter", "labels": {"q": "a"}, "value": -1},
        {"name": "wait_seconds", "type": "histogram", "buckets": [1], "values": [0.5, 2, 3]},
        {"name": "g", "value": 1, "values": [1]},
        {"name": "c_total", "type": "counter", "mode": "sum", "value": 1},
        {"value": 1},
    ]);
    let answer = process(&mut plug, batch("a", 1, metrics), json!({}));
    let result = &answer["result"];
    assert_eq!(result["values_recorded"], 4, "{answer}");
    let refused: Vec<_> =
        result["refused"].as_array().unwrap().iter().map(|refused| refused["field"].as_str().unwrap()).collect();
    assert_eq!(refused, ["metrics[1].value", "metrics[3].values", "metrics[4].mode", "metrics[5].name"], "{answer}");
    assert_eq!(value(&mut plug, "jobs_total{q=\"a\"}"), Some(1.0));
    assert_eq!(value(&mut plug, "wait_seconds_count"), Some(3.0));
    assert_eq!(value(&mut plug, "wait_seconds_sum"), Some(5.5));
}

#[test]
fn gauges_combine_the_values_of_writers_and_forget_those_that_ended() {
    let (mut plug, _) = plug();
    let modes = ["last", "sum", "min", "max", "live_sum"];
    for (writer, set) in [("a", 3.0), ("b", 5.0), ("a", 4.0)] {
        let metrics = modes.map(|mode| gauge(mode, set));
        let number = if set == 4.0 { 2 } else { 1 };
        process(&mut plug, batch(writer, number, json!(metrics)), json!({}));
    }
    let shown = |plug: &mut Standalone<Shared>| modes.map(|mode| value(plug, mode));
    assert_eq!(shown(&mut plug), [Some(4.0), Some(9.0), Some(4.0), Some(5.0), Some(9.0)]);
    // What survives a crash is the same.
    let snapshot = plug.snapshot();
    plug.restore(&snapshot, 7).unwrap();
    for (writer, known, changed, sum) in
        [("a", true, 1, Some(5.0)), ("a", true, 0, Some(5.0)), ("x", false, 0, Some(5.0)), ("b", true, 1, None)]
    {
        let answer = process(&mut plug, json!({"operation": "end_writer", "writer": writer}), json!({}));
        assert_eq!(answer["result"]["known"], known, "{answer}");
        assert_eq!(answer["result"]["gauges_changed"], changed, "{answer}");
        assert_eq!(value(&mut plug, "live_sum"), sum);
    }
    assert_eq!(value(&mut plug, "sum"), Some(9.0), "only live_sum forgets");
    let repeated = process(&mut plug, batch("a", 2, json!([gauge("live_sum", 1.0)])), json!({}));
    assert_eq!(repeated["result"]["duplicate"], true, "{repeated}");
}

#[test]
fn a_gauge_keeps_its_mode_and_starts_afresh_once_it_was_removed() {
    let (mut plug, _) = plug();
    process(&mut plug, batch("a", 1, json!([gauge("sum", 3.0)])), json!({}));
    for mode in ["max", "last"] {
        let answer = process(&mut plug, batch(mode, 1, json!([{"name": "sum", "mode": mode, "value": 1}])), json!({}));
        assert_eq!(answer["result"]["refused"][0]["field"], "metrics[0].mode", "{answer}");
    }
    process(&mut plug, batch("b", 1, json!([gauge("sum", 2.0)])), json!({}));
    assert_eq!(value(&mut plug, "sum"), Some(5.0));
    plug.clear().unwrap();
    process(&mut plug, batch("b", 2, json!([gauge("sum", 2.0)])), json!({}));
    assert_eq!(value(&mut plug, "sum"), Some(2.0), "what others had set was removed");
}

#[test]
fn batches_need_a_writer_a_number_and_the_configured_key() {
    let (mut plug, _) = plug();
    for (ctx, field) in [
        (json!({"operation": "record_batch", "number": 1, "metrics": []}), "writer"),
        (json!({"operation": "record_batch", "writer": "a", "metrics": []}), "number"),
        (json!({"operation": "record_batch", "writer": "a", "number": 1}), "metrics"),
        (batch(&"x".repeat(129), 1, json!([])), "writer"),
        (json!({"operation": "end_writer"}), "writer"),
    ] {
        let answer = process(&mut plug, ctx, json!({}));
        assert_eq!(answer["field"], field, "{answer}");
    }
    let mut other = batch("a", 1, json!([counter(1.0)]));
    other["job_name"] = json!("other");
    let answer = process(&mut plug, other, json!({}));
    assert_eq!(answer["success"], false, "{answer}");
    assert_eq!(text(&mut plug), "");
}

proptest! {
    /// Whatever writers repeat, and whenever the plug is restored from its snapshot, each batch
    /// counts once.
    #[test]
    fn totals_are_exact(sent in prop::collection::vec((0_u8..4, any::<bool>(), 1_u8..9, any::<bool>()), 1..60)) {
        let (mut plug, _) = plug();
        let (mut last, mut total) = ([0_u64; 4], 0.0);
        for (writer, again, amount, restore) in sent {
            let number = &mut last[usize::from(writer)];
            if !again || *number == 0 {
                *number += 1;
                total += f64::from(amount);
            }
            let metrics = json!([counter(f64::from(amount))]);
            let answer = process(&mut plug, batch(&writer.to_string(), *number, metrics), json!({}));
            prop_assert_eq!(&answer["success"], true, "{}", answer);
            if restore {
                let snapshot = plug.snapshot();
                plug.restore(&snapshot, 1).unwrap();
            }
        }
        prop_assert_eq!(value(&mut plug, "jobs_total{q=\"a\"}"), Some(total));
    }
}
