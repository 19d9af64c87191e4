//! Limits of series, their expiry, and memory.

use std::collections::HashSet;
use std::time::Duration;

use plugpipe_harness::session::{Definition, Format, MetricKind, Outcome};
use plugpipe_harness::{Grants, Limits};
use serde_json::{Value, json};

use super::{bare, labels, metric, process, result, session, single, text, value};

#[tokio::test]
async fn past_the_limit_samples_go_to_one_overflow_series_and_the_label_to_blame_is_named() {
    let mut session = session(json!({"own_metrics": true})).await;
    let definition =
        Definition { series_limit: Some(3), ..metric("hits_total", MetricKind::Counter, &["method", "user"]) };
    let family = session.register(&definition).await.unwrap();
    let mut handles = Vec::new();
    for user in ["a", "b", "c", "d", "e"] {
        let series = session.series_of(family, &labels(&[("user", user), ("method", "GET")])).await.unwrap();
        session.add(series, 1.0).await.unwrap();
        handles.push(series);
    }
    assert_eq!(handles[3], handles[4]);
    assert_eq!(handles.iter().collect::<HashSet<_>>().len(), 4);
    let overflow = "hits_total{method=\"__overflow__\",user=\"__overflow__\"}";
    assert_eq!(value(&mut session, overflow).await, Some(2.0));
    assert_eq!(value(&mut session, "plugpipe_monitoring_series_dropped_total").await, Some(2.0));

    let record = |user: &str| {
        let labels = json!({"user": user, "method": "PUT"});
        json!({"operation": "record_counter", "metric_name": "hits_total", "metric_value": 5, "labels": labels})
    };
    let answer = result(&mut session, record("f")).await;
    assert_eq!((&answer["overflow"]["metric"], &answer["overflow"]["label"]), (&json!("hits_total"), &json!("user")));
    assert!(answer["overflow"]["distinct_values"].as_u64().unwrap() >= 3, "{answer}");
    let said = answer["overflow"]["text"].as_str().unwrap();
    assert!(said.contains("hits_total") && said.contains("user"), "{said}");
    assert_eq!(answer["current_value"], 7);
    assert_eq!(value(&mut session, overflow).await, Some(7.0));
    assert_eq!(value(&mut session, "plugpipe_monitoring_series_dropped_total").await, Some(3.0));
    // Series that are there take values as before, and say nothing of a limit.
    let answer = result(
        &mut session,
        json!({"operation": "record_counter", "metric_name": "hits_total", "metric_value": 1, "labels": {"user": "a", "method": "GET"}}),
    )
    .await;
    assert_eq!((&answer["current_value"], &answer["overflow"]), (&json!(2), &Value::Null));

    // Removing one makes room again.
    assert!(session.remove(handles[0]).await.unwrap());
    let series = session.series_of(family, &labels(&[("user", "g"), ("method", "GET")])).await.unwrap();
    assert_ne!(series, handles[3]);
}

#[tokio::test]
async fn series_that_nobody_records_to_expire() {
    let mut session = bare().await;
    let definition = Definition { expire_after_seconds: Some(1.5), ..metric("seen", MetricKind::Gauge, &["who"]) };
    let family = session.register(&definition).await.unwrap();
    let idle = session.series_of(family, &labels(&[("who", "idle")])).await.unwrap();
    let busy = session.series_of(family, &labels(&[("who", "busy")])).await.unwrap();
    let lasting = single(&mut session, metric("lasting", MetricKind::Gauge, &[])).await;
    assert_eq!(session.set(idle, 1.0).await.unwrap(), Outcome::Recorded);
    for _ in 0..17 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(session.set(busy, 2.0).await.unwrap(), Outcome::Recorded);
    }
    assert_eq!(text(&mut session).await, "# TYPE lasting gauge\nlasting 0\n# TYPE seen gauge\nseen{who=\"busy\"} 2\n");
    assert_eq!(session.set(idle, 1.0).await.unwrap(), Outcome::UnknownSeries);
    assert_eq!(session.set(lasting, 1.0).await.unwrap(), Outcome::Recorded);
    // Through JSON, as text with a unit.
    let mut ctx = json!({"operation": "record_gauge", "metric_name": "brief", "metric_value": 1, "expire_after": "1s"});
    result(&mut session, ctx.clone()).await;
    assert_eq!(value(&mut session, "brief").await, Some(1.0));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(value(&mut session, "brief").await, None);
    ctx["expire_after"] = "2s".into();
    assert_eq!(process(&mut session, ctx).await["error_code"], "metric_conflict");
}

#[tokio::test]
async fn a_buffer_that_is_used_again_holds_what_a_fresh_one_would() {
    // A custom section makes it another component, of which the harness does not know that answers
    // stay in place.
    let other = [plugpipe_component::EMBEDDED, &[0, 2, 1, b'x']].concat();
    let other = plugpipe_harness::Plug::from_bytes("a copy", &other).unwrap();
    let other = other.session(&json!({}), Grants::none(), Limits::default()).await.unwrap();
    for mut session in [bare().await, other] {
        let family = session.register(&metric("m", MetricKind::Gauge, &["l"])).await.unwrap();
        let mut buffer = b"what was there".to_vec();
        for round in 0..3 {
            let series = session.series_of(family, &labels(&[("l", &"x".repeat(round * 1_000))])).await.unwrap();
            session.set(series, 0.1 + round as f64).await.unwrap();
            for format in [Format::Text, Format::Json, Format::Csv, Format::Text, Format::OpenMetrics, Format::Protobuf]
            {
                session.encode_into(format, &mut buffer).await.unwrap();
                assert!(!buffer.is_empty());
                assert_eq!(session.encode(format).await.unwrap(), buffer, "{format:?}");
            }
            let scraped = session.scrape("text/plain;version=1.0.0;escaping=allow-utf-8").await.unwrap();
            assert_eq!(scraped.content_type, "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8");
            session.encode_into(Format::Text, &mut buffer).await.unwrap();
            assert_eq!(scraped.body, buffer);
            assert_eq!(session.scrape("").await.unwrap().body, buffer);
        }
    }
}

#[tokio::test]
async fn a_session_says_how_much_memory_its_plug_holds() {
    let mut session = bare().await;
    let before = session.memory_bytes();
    let family = session.register(&metric("m", MetricKind::Gauge, &["l"])).await.unwrap();
    for index in 0..200 {
        session.series_of(family, &labels(&[("l", &index.to_string().repeat(5_000))])).await.unwrap();
    }
    let grown = session.memory_bytes() - before;
    assert!((200 * 5_000..50_000_000).contains(&grown), "{before} bytes, then {grown} more");
}
