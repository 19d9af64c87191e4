//! The JSON interface and the typed interface, which lead to one registry.

use plugpipe_harness::session::{MetricKind, Outcome};
use serde_json::{Value, json};

use super::{bare, families, labels, metric, process, refusal, result, session, single, text, value};
use crate::support::{alone, start};

#[tokio::test]
async fn both_doors_lead_to_one_registry() {
    let mut session = bare().await;
    let record =
        json!({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 2, "labels": {"a": "1"}});
    assert_eq!(result(&mut session, record.clone()).await["current_value"], 2);
    let family = session.register(&metric("jobs_total", MetricKind::Counter, &["a"])).await.unwrap();
    let series = session.series_of(family, &labels(&[("a", "1")])).await.unwrap();
    session.add(series, 40.0).await.unwrap();
    assert_eq!(result(&mut session, record.clone()).await["current_value"], 44);
    let exported = result(&mut session, json!({"operation": "export_metrics"})).await;
    assert_eq!(exported["exported_data"], text(&mut session).await);

    let register = json!({"operation": "register_metric", "metric_name": "jobs_total", "metric_type": "counter", "label_names": ["a"]});
    assert_eq!(result(&mut session, register).await["family"], family);
    let remove = json!({"operation": "remove_metric", "metric_name": "jobs_total", "labels": {"a": "1"}});
    assert_eq!(result(&mut session, remove.clone()).await["removed"], true);
    assert_eq!(result(&mut session, remove).await["removed"], false);
    assert_eq!(session.add(series, 1.0).await.unwrap(), Outcome::UnknownSeries);
    result(&mut session, record).await;
    assert_eq!(result(&mut session, json!({"operation": "clear_metrics"})).await["series_removed"], 1);
    assert_eq!(text(&mut session).await, "");
    // A conflict between the doors is one too.
    session.record("m", MetricKind::Gauge, &[], 1.0).await.unwrap();
    let answer =
        process(&mut session, json!({"operation": "record_counter", "metric_name": "m", "metric_value": 1})).await;
    assert_eq!((&answer["error_code"], &answer["field"]), (&json!("metric_conflict"), &json!("metric_name")));
}

#[tokio::test]
async fn callers_that_share_a_plug_use_the_typed_door_in_turn() {
    let plug = alone().await;
    let series = plug
        .with(|session| {
            Box::pin(async move {
                let family = session.register(&metric("shared_total", MetricKind::Counter, &[])).await?;
                session.series_of(family, &[]).await
            })
        })
        .await
        .unwrap();
    let adding = (0..8).map(|_| {
        let plug = plug.clone();
        tokio::spawn(async move {
            for _ in 0..50 {
                let added = plug.with(move |session| Box::pin(session.add(series, 1.0))).await.unwrap();
                assert_eq!(added, Outcome::Recorded);
            }
        })
    });
    for task in adding.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let record = json!({"operation": "record_counter", "metric_name": "shared_total", "metric_value": 0});
    assert_eq!(plug.process(&record).await.unwrap()["result"]["current_value"], 400);
}

#[tokio::test]
async fn json_reaches_what_the_typed_door_does() {
    let mut session = bare().await;
    let register = |fields: Value| {
        let mut ctx = json!({"operation": "register_metric"});
        ctx.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        ctx
    };
    for fields in [
        json!({"metric_name": "hits_total", "metric_type": "counter", "label_names": ["b", "a"], "help": "Hits.", "series_limit": 5}),
        json!({"metric_name": "took_seconds", "metric_type": "histogram", "unit": "seconds", "buckets": [0.5, "1", "+Inf"]}),
        json!({"metric_name": "wait", "metric_type": "native_histogram", "native": {"schema": 0, "zero_threshold": 0.5, "max_buckets": 40}}),
        json!({"metric_name": "size", "metric_type": "summary", "quantiles": [0.25, 0.75], "window": "1m"}),
        json!({"metric_name": "mode", "metric_type": "stateset", "states": ["on", "off"]}),
        json!({"metric_name": "build_info", "metric_type": "info", "label_names": ["version"]}),
        json!({"metric_name": "odd.name", "metric_type": "gauge", "utf8": true}),
    ] {
        let first = result(&mut session, register(fields.clone())).await;
        assert_eq!((&first["metric_name"], &first["metric_type"]), (&fields["metric_name"], &fields["metric_type"]));
        assert_eq!(result(&mut session, register(fields)).await["family"], first["family"]);
    }
    // Families without series are not exposed.
    assert_eq!(text(&mut session).await, "");

    for ctx in [
        json!({"operation": "record_counter", "metric_name": "hits_total", "metric_value": 2, "labels": {"a": "1", "b": "2"}, "exemplar": {"trace_id": "x"}}),
        json!({"operation": "record_histogram", "metric_name": "took_seconds", "metric_value": 0.75, "exemplar": {"trace_id": "y"}}),
        json!({"operation": "record_metric", "metric_type": "native_histogram", "metric_name": "wait", "metric_value": 3}),
        json!({"operation": "record_summary", "metric_name": "size", "metric_value": 4}),
        json!({"operation": "record_metric", "metric_type": "stateset", "metric_name": "mode", "state": "on"}),
        json!({"operation": "record_metric", "metric_type": "stateset", "metric_name": "mode", "state": "off", "on": false}),
        json!({"operation": "record_metric", "metric_type": "info", "metric_name": "build_info", "labels": {"version": "1.2"}}),
        json!({"operation": "record_gauge", "metric_name": "odd.name", "utf8": true, "metric_value": 1}),
    ] {
        result(&mut session, ctx).await;
    }
    let held = families(&mut session).await;
    let family = |name: &str| held.as_array().unwrap().iter().find(|family| family["name"] == name).unwrap().clone();
    let hits = family("hits_total");
    assert_eq!((&hits["help"], &hits["series"][0]["value"]), (&json!("Hits."), &json!(2)));
    assert_eq!(hits["series"][0]["exemplar"]["labels"], json!({"trace_id": "x"}));
    let took = family("took_seconds");
    assert_eq!((&took["unit"], &took["series"][0]["buckets"][1]["le"]), (&json!("seconds"), &json!(1)));
    assert_eq!(took["series"][0]["buckets"][1]["exemplar"]["labels"], json!({"trace_id": "y"}));
    assert_eq!(took["series"][0]["buckets"].as_array().unwrap().len(), 3);
    let wait = &family("wait")["series"][0];
    assert_eq!((&wait["schema"], &wait["zero_threshold"]), (&json!(0), &json!(0.5)));
    assert_eq!(wait["positive"], json!([{"lower": 2, "upper": 4, "count": 1}]));
    let quantiles = &family("size")["series"][0]["quantiles"];
    assert_eq!(quantiles, &json!([{"quantile": 0.25, "value": 4}, {"quantile": 0.75, "value": 4}]));
    assert_eq!(family("mode")["series"][0]["states"], json!({"on": true, "off": false}));
    assert_eq!(family("build_info")["series"][0]["labels"], json!({"version": "1.2"}));
    assert_eq!(value(&mut session, "odd_name").await, Some(1.0));

    let before = text(&mut session).await;
    for (ctx, field) in [
        (register(json!({"metric_name": "x", "metric_type": "counter", "quantiles": [0.5]})), "quantiles"),
        (register(json!({"metric_name": "x", "metric_type": "native_histogram", "native": {"schema": 1.5}})), "native"),
        (register(json!({"metric_name": "x", "metric_type": "summary", "window": "soon"})), "window"),
        (register(json!({"metric_name": "x", "unit": "bytes"})), "unit"),
        (register(json!({"metric_name": "x", "series_limit": -1})), "series_limit"),
        (register(json!({"metric_name": "x", "metric_type": "nonsense"})), "metric_type"),
        (register(json!({"metric_name": "odd.other"})), "metric_name"),
        (
            json!({"operation": "record_metric", "metric_type": "stateset", "metric_name": "mode", "state": "ajar"}),
            "state",
        ),
        (
            json!({"operation": "record_gauge", "metric_name": "x", "metric_value": 1, "exemplar": {"a": "1"}}),
            "exemplar",
        ),
        (
            json!({"operation": "record_counter", "metric_name": "hits_total", "metric_value": 1, "labels": {"a": "1", "b": "2"}, "exemplar": {"a": "x".repeat(128)}}),
            "exemplar",
        ),
        (json!({"operation": "remove_metric", "metric_name": "hits_total", "labels": {"a": "1"}}), "labels.b"),
    ] {
        let answer = process(&mut session, ctx.clone()).await;
        assert_eq!((&answer["success"], &answer["field"]), (&json!(false), &json!(field)), "{ctx}: {answer}");
    }
    assert_eq!(text(&mut session).await, before);
}

#[tokio::test]
async fn default_metrics_are_registered_with_their_labels_and_stay_over_a_clear() {
    let plug = start(json!({"default_metrics": true})).await;
    let record = |fields: Value| {
        let mut ctx =
            json!({"operation": "record_counter", "metric_name": "plugpipe_requests_total", "metric_value": 1});
        ctx.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        ctx
    };
    for _ in 0..2 {
        let answer = plug.process(&record(json!({"labels": {"a": "1"}}))).await.unwrap();
        assert!(answer["warnings"][0].as_str().unwrap().contains("{endpoint, method}"), "{answer}");
        let good = record(json!({"labels": {"endpoint": "/", "method": "GET"}}));
        assert_eq!(plug.process(&good).await.unwrap()["success"], true);
        let uptime =
            json!({"operation": "record_gauge", "metric_name": "plugpipe_system_uptime_seconds", "metric_value": 1});
        assert_eq!(plug.process(&uptime).await.unwrap()["success"], true);
        let text = crate::support::exposition(&plug).await;
        assert!(text.contains("# HELP plugpipe_system_uptime_seconds "), "{text}");
        assert!(text.contains("# HELP plugpipe_requests_total "), "{text}");
        plug.process(&json!({"operation": "clear_metrics"})).await.unwrap();
    }
    // Nobody asked for them here.
    let answer = alone().await.process(&record(json!({"labels": {"a": "1"}}))).await.unwrap();
    assert_eq!(answer["success"], true, "{answer}");
}

// The tests below name defects that are known. Take the mark off with the defect.

#[tokio::test]
async fn default_metrics_stay_over_a_typed_clear() {
    let mut session = session(json!({"default_metrics": true})).await;
    // The configuration is told with the first call.
    assert_eq!(session.clear().await.unwrap(), 0);
    refusal(session.record("plugpipe_requests_total", MetricKind::Gauge, &[], 1.0).await);
}

#[tokio::test]
async fn the_plug_counts_what_it_took_and_not_what_it_refused() {
    let mut session = session(json!({"own_metrics": true})).await;
    let counter = single(&mut session, metric("hits_total", MetricKind::Counter, &[])).await;
    session.add(counter, 1.0).await.unwrap();
    session.record_many(&[counter; 3], &[1.0; 3]).await.unwrap();
    result(&mut session, json!({"operation": "record_gauge", "metric_name": "g", "metric_value": 1})).await;
    assert_eq!(value(&mut session, "plugpipe_monitoring_records_total").await, Some(5.0));
    assert_eq!(session.add(counter, -1.0).await.unwrap(), Outcome::InvalidAmount);
    assert_eq!(session.set(counter, 1.0).await.unwrap(), Outcome::WrongKind);
    assert_eq!(session.add(u32::MAX, 1.0).await.unwrap(), Outcome::UnknownSeries);
    refusal(session.record_many(&[counter; 3], &[1.0, 1.0, -1.0]).await);
    refusal(session.record("hits_total", MetricKind::Gauge, &[], 1.0).await);
    process(&mut session, json!({"operation": "record_gauge", "metric_name": "hits_total", "metric_value": 1})).await;
    assert_eq!(value(&mut session, "plugpipe_monitoring_records_total").await, Some(5.0));
}

#[tokio::test]
async fn json_takes_utf8_label_names_where_the_metric_says_utf8() {
    let mut session = bare().await;
    let register =
        json!({"operation": "register_metric", "metric_name": "odd.name", "utf8": true, "label_names": ["weg/ziel"]});
    result(&mut session, register).await;
    let record = json!({"operation": "record_gauge", "metric_name": "odd.name", "utf8": true, "labels": {"weg/ziel": "x"}, "metric_value": 1});
    result(&mut session, record).await;
}
