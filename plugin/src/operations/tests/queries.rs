//! Queries of PromQL, and listings of series, labels and the server.

use super::*;

#[test]
fn a_query_is_sent_as_a_form_and_falls_back_to_get() {
    let (mut plug, world) = plug();
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]},"warnings":["w"]}"#;
    world.will_answer(405, "").will_answer(200, body).will_answer(200, body);
    let cfg = json!({"prometheus_url": "http://p:9090/prefix"});
    let answer = process(&mut plug, json!({"operation": "query_metrics", "query": "a + b"}), cfg);
    assert_eq!(
        answer["result"]["query_result"],
        json!({"resultType": "vector", "result": [{"metric": {}, "value": [1, "2"]}]})
    );
    assert_eq!(answer["result"]["warnings"], json!(["w"]));
    let range = json!({"start": "2024-01-01T00:00:00Z", "end": "2024-01-01T23:59:59Z", "step": "1m"});
    process(&mut plug, json!({"operation": "query_metrics", "query": "up", "time_range": range}), json!({}));
    let asked = world.asked();
    assert_eq!(asked[0], (Method::Post, "http://p:9090/prefix/api/v1/query".into(), "query=a+%2B+b".into()));
    assert_eq!((asked[1].0, asked[1].1.as_str()), (Method::Get, "http://p:9090/prefix/api/v1/query?query=a+%2B+b"));
    assert_eq!(asked[2].2, "query=up&start=1704067200&end=1704153599&step=60");
}

#[test]
fn a_query_passes_on_every_result_type_and_reports_adjustments() {
    let (mut plug, world) = plug();
    let cfg = json!({"prometheus_url": "http://p:9090"});
    let histogram = r#"[{"metric":{"b":"1","a":"\u00e9"},"histogram":[1.5,{"count":"1","sum":"NaN","buckets":[[0,"0.5","1","1"]]}]}]"#;
    world.will_answer(
        200,
        &format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":{histogram},"stats":{{"n":1}}}},"infos":["i"]}}"#
        ),
    );
    let ctx = json!({"operation": "query_metrics", "query": "x", "time": "now-1h", "timeout": "2s", "limit": "5",
        "lookback_delta": "1m", "stats": "all"});
    let text = plug.process(&ctx.to_string(), &cfg.to_string());
    assert!(text.contains(&format!(r#""query_result":{{"resultType":"vector","result":{histogram}}}"#)), "{text}");
    assert!(text.contains(r#""stats":{"n":1},"infos":["i"]"#), "{text}");
    assert_eq!(
        world.asked()[0].2,
        "query=x&time=1704063600&timeout=2&limit=5&lookback_delta=60&max_lookback=60&stats=all"
    );

    let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"1"},"values":[[0,"1"]]}]},"warnings":["w"]}"#;
    world.will_answer(200, matrix).will_answer(200, matrix).will_answer(200, matrix);
    let range = |too_many: &str| {
        json!({"operation": "query_metrics", "query": "x", "time_range":
            {"start": 0, "end": 11_000, "step": 1, "on_too_many_points": too_many}})
    };
    let answer = process(&mut plug, range("split"), json!({}));
    assert_eq!((&answer["result"]["parts"], &answer["result"]["warnings"]), (&json!(2), &json!(["w"])));
    assert_eq!(
        answer["result"]["query_result"]["result"],
        json!([{"metric": {"a": "1"}, "values": [[0, "1"], [0, "1"]]}])
    );
    let asked: Vec<String> = world.asked().into_iter().map(|(_, _, body)| body).collect();
    assert_eq!(asked, ["query=x&start=0&end=10999&step=1", "query=x&start=11000&end=11000&step=1"]);
    let answer = process(&mut plug, range(""), json!({}));
    assert_eq!(answer["result"]["step_raised_to_seconds"], 2);
    assert_eq!(world.asked()[0].2, "query=x&start=0&end=11000&step=2");
    let answer = process(&mut plug, range("shrug"), json!({}));
    assert_eq!(answer["field"], "time_range.on_too_many_points");
}

#[test]
fn listings_are_requested_as_in_the_api() {
    let (mut plug, world) = plug();
    let list = json!(["a", "b"]);
    for (ctx, asked) in [
        (
            json!({"operation": "list_series", "match": ["up", "x{a=\"b\"}"], "start": 0, "limit": 3}),
            ("POST", "series", "match%5B%5D=up&match%5B%5D=x%7Ba%3D%22b%22%7D&start=0&limit=3"),
        ),
        (json!({"operation": "list_labels", "match[]": "up"}), ("POST", "labels", "match%5B%5D=up")),
        (json!({"operation": "label_values", "label": "a b", "end": 1}), ("GET", "label/a%20b/values?end=1", "")),
        (json!({"operation": "label_values", "label": "U__x"}), ("GET", "label/U__U____x/values", "")),
        (json!({"operation": "list_metadata", "metric": "up", "limit": 1}), ("GET", "metadata?metric=up&limit=1", "")),
        (json!({"operation": "list_targets", "state": "dropped"}), ("GET", "targets?state=dropped", "")),
        (
            json!({"operation": "list_rules", "type": "alert", "rule_name": "r", "exclude_alerts": "true"}),
            ("GET", "rules?type=alert&rule_name%5B%5D=r&exclude_alerts=true", ""),
        ),
        (json!({"operation": "list_prometheus_alerts"}), ("GET", "alerts", "")),
        (
            json!({"operation": "query_exemplars", "query": "x", "start": "now"}),
            ("POST", "query_exemplars", "query=x&start=1704067200"),
        ),
        (json!({"operation": "format_query", "query": "x"}), ("POST", "format_query", "query=x")),
        (json!({"operation": "parse_query", "query": "x"}), ("POST", "parse_query", "query=x")),
    ] {
        let operation = ctx["operation"].as_str().unwrap();
        let (data, name) = match operation {
            "list_series" => (json!([{"a": "b"}]), "series"),
            "list_labels" => (list.clone(), "labels"),
            "label_values" => (list.clone(), "values"),
            "list_metadata" => (json!({"up": [{"type": "gauge"}]}), "metadata"),
            "list_targets" => (json!({"activeTargets": [], "droppedTargetCounts": {"a": 1}}), "targets"),
            "list_rules" => (json!([{"name": "g", "interval": 1.5}]), "groups"),
            "list_prometheus_alerts" => (json!([{"value": "1e+00"}]), "alerts"),
            "query_exemplars" => (json!([{"seriesLabels": {}}]), "exemplars"),
            "format_query" => (json!("x"), "formatted"),
            _ => (json!({"type": "vectorSelector", "offset": 0}), "syntax_tree"),
        };
        let in_object = matches!(name, "groups" | "alerts");
        let sent = if in_object { json!({name: data, "new": 1}) } else { data.clone() };
        world.will_answer(200, &json!({"status": "success", "data": sent, "infos": ["i"]}).to_string());
        let answer = process(&mut plug, ctx.clone(), json!({"prometheus_url": "http://p"}));
        assert_eq!((&answer["result"][name], &answer["result"]["infos"]), (&data, &json!(["i"])), "{answer}");
        let counted = data.as_array().filter(|_| name != "exemplars").map(Vec::len);
        assert_eq!(answer["result"]["count"], json!(counted), "{answer}");
        let (method, url, body) = world.asked().remove(0);
        let method = if method == Method::Post { "POST" } else { "GET" };
        assert_eq!((method, &*url, &*body), (asked.0, &*format!("http://p/api/v1/{}", asked.1), asked.2), "{ctx}");
    }
}

#[test]
fn unsupported_endpoints_are_reported_with_the_required_version() {
    let (mut plug, world) = plug();
    let cfg = json!({"prometheus_url": "http://p"});
    world.will_answer(404, "404 page not found\n");
    let answer = process(&mut plug, json!({"operation": "parse_query", "query": "x"}), cfg);
    assert!(
        answer["error"].as_str().unwrap().contains("no /api/v1/parse_query; Prometheus has it since 3.0"),
        "{answer}"
    );
    world
        .will_answer(200, r#"{"status":"success","data":{"version":"1"}}"#)
        .will_answer(400, "unsupported path requested: x");
    let answer =
        process(&mut plug, json!({"operation": "prometheus_status", "include": ["build", "runtime"]}), json!({}));
    assert_eq!(answer["result"]["build"], json!({"version": "1"}));
    assert!(answer["result"]["unavailable"]["runtime"].as_str().unwrap().contains("since 2.14"), "{answer}");
    // A label that does not fit in a path is requested again in its escaped form.
    world.will_answer(404, "404 page not found").will_answer(200, r#"{"status":"success","data":null}"#);
    let answer = process(&mut plug, json!({"operation": "label_values", "label": "a/b"}), json!({}));
    assert_eq!((&answer["result"]["values"], &answer["result"]["count"]), (&json!([]), &json!(0)));
    assert!(world.asked()[4].1.ends_with("/label/U__a_2f_b/values"));
}

#[test]
fn invalid_fields_of_listings_are_named() {
    let (mut plug, world) = plug();
    for (ctx, code, field) in [
        (json!({"operation": "list_series"}), "missing_field", "match"),
        (json!({"operation": "list_series", "match": [1, {}]}), "invalid_field", "match[1]"),
        (json!({"operation": "list_series", "match": [""]}), "invalid_field", "match"),
        (json!({"operation": "list_labels", "start": "noon"}), "invalid_field", "start"),
        (json!({"operation": "list_labels", "limit": -1}), "invalid_field", "limit"),
        (json!({"operation": "label_values"}), "missing_field", "label"),
        (json!({"operation": "list_targets", "state": "up"}), "invalid_field", "state"),
        (json!({"operation": "list_rules", "type": "all"}), "invalid_field", "type"),
        (json!({"operation": "list_rules", "exclude_alerts": 3}), "invalid_field", "exclude_alerts"),
        (json!({"operation": "prometheus_status", "include": "secrets"}), "invalid_field", "include"),
        (
            json!({"operation": "query_metrics", "query": "x", "lookback_delta": "0s"}),
            "invalid_field",
            "lookback_delta",
        ),
        (json!({"operation": "format_query"}), "missing_field", "query"),
    ] {
        let answer = process(&mut plug, ctx.clone(), json!({"prometheus_url": "http://p"}));
        assert_eq!((&answer["error_code"], &answer["field"]), (&json!(code), &json!(field)), "{ctx}: {answer}");
    }
    assert!(world.asked().is_empty());
}
