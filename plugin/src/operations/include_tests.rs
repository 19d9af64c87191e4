//! Metrics of other sources: replaced as a whole, below the plug's own, kept in snapshots.

use serde_json::{Value, json};

use super::Standalone;
use super::tests::{Shared, plug, process};

const FIRST: &str = "# HELP lib_calls Calls.\n# TYPE lib_calls counter\nlib_calls_total{to=\"a\"} 3.0 # {trace_id=\"t1\"} 1.0 1700000000.5\n\
                     lib_calls_created{to=\"a\"} 1.6e+09\nlib_calls_total{to=\"b\"} 4.0\n# TYPE lib_up gauge\nlib_up 1.0\n# EOF\n";

fn include(plug: &mut Standalone<Shared>, text: &str) -> Value {
    let ctx = json!({"operation": "include_metrics", "source": "lib", "text": text});
    process(plug, ctx, json!({}))
}

fn text(plug: &mut Standalone<Shared>, format: &str) -> String {
    let answer = process(plug, json!({"operation": "export_metrics", "export_format": format}), json!({}));
    answer["result"]["exported_data"].as_str().unwrap().to_owned()
}

#[test]
fn a_source_is_exposed_with_exemplars_and_created_times_and_replaced_as_a_whole() {
    let (mut plug, _) = plug();
    let answer = include(&mut plug, FIRST);
    let result = &answer["result"];
    assert_eq!(
        (&result["metrics"], &result["series"], &result["removed"]),
        (&json!(2), &json!(3), &json!(0)),
        "{answer}"
    );
    assert_eq!((&result["exemplars_dropped"], &result["refused_count"]), (&json!(0), &json!(0)), "{answer}");
    let exposed = text(&mut plug, "openmetrics");
    for line in [
        "# HELP lib_calls Calls.\n",
        "lib_calls_created{to=\"a\"} 1600000000.000\n",
        "# {trace_id=\"t1\"} 1",
        "1700000000.500\n",
        "lib_calls_total{to=\"b\"} 4",
    ] {
        assert!(exposed.contains(line), "{line:?}: {exposed}");
    }
    let answer = include(&mut plug, "# TYPE lib_calls counter\nlib_calls_total{to=\"a\"} 5.0\n# EOF\n");
    assert_eq!((&answer["result"]["series"], &answer["result"]["removed"]), (&json!(1), &json!(2)), "{answer}");
    assert_eq!(
        text(&mut plug, "prometheus"),
        "# HELP lib_calls_total Calls.\n# TYPE lib_calls_total counter\nlib_calls_total{to=\"a\"} 5\n"
    );
    let answer = include(&mut plug, "# EOF\n");
    assert_eq!(answer["result"]["removed"], 1, "{answer}");
    assert_eq!(text(&mut plug, "prometheus"), "");
}

#[test]
fn a_conflict_is_a_warning_that_names_the_metric_and_the_own_one_stays() {
    let (mut plug, _) = plug();
    let record = json!({"operation": "record_counter", "metric_name": "lib_calls_total", "metric_value": 1});
    process(&mut plug, record.clone(), json!({}));
    let answer = include(&mut plug, FIRST);
    assert_eq!((&answer["success"], &answer["result"]["series"]), (&json!(true), &json!(1)), "{answer}");
    let warning = answer["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("lib_calls_total: included from lib: "), "{warning}");
    assert!(text(&mut plug, "prometheus").contains("lib_calls_total 1\n"));
    // Recorded after it was included.
    let record = json!({"operation": "record_gauge", "metric_name": "lib_up", "metric_value": 7});
    assert_eq!(process(&mut plug, record, json!({}))["result"]["current_value"], 7);
    let answer = include(&mut plug, FIRST);
    assert_eq!((&answer["result"]["series"], &answer["result"]["refused_count"]), (&json!(0), &json!(2)), "{answer}");
    assert!(text(&mut plug, "prometheus").contains("lib_up 7\n"));
}

#[test]
fn what_was_included_is_in_snapshots_and_still_the_sources() {
    let (mut plug, _) = plug();
    include(&mut plug, FIRST);
    let before = text(&mut plug, "openmetrics");
    let answer = process(&mut plug, json!({"operation": "snapshot_metrics"}), json!({}));
    let (mut other, _) = super::tests::plug();
    let restore = json!({"operation": "restore_metrics", "snapshot": answer["result"]["snapshot"]});
    assert_eq!(process(&mut other, restore, json!({}))["success"], true);
    assert_eq!(text(&mut other, "openmetrics"), before);
    assert_eq!(include(&mut other, "# EOF\n")["result"]["removed"], 3);
}

#[test]
fn what_cannot_be_read_changes_nothing_and_names_the_field() {
    let (mut plug, _) = plug();
    include(&mut plug, FIRST);
    let before = text(&mut plug, "openmetrics");
    for (ctx, field) in [
        (json!({"source": "lib", "text": "lib_up one\n# EOF\n"}), "text"),
        (json!({"source": "lib", "text": "# TYPE lib_up gauge\nlib_up 1\n"}), "text"),
        (json!({"source": "lib"}), "text"),
        (json!({"text": FIRST}), "source"),
        (json!({"source": "x".repeat(200), "text": FIRST}), "source"),
        (json!({"source": "lib", "text": FIRST, "format": "csv"}), "format"),
    ] {
        let mut ctx = ctx;
        ctx["operation"] = json!("include_metrics");
        let answer = process(&mut plug, ctx, json!({}));
        assert_eq!((&answer["success"], &answer["field"]), (&json!(false), &json!(field)), "{answer}");
    }
    assert_eq!(text(&mut plug, "openmetrics"), before);
}
