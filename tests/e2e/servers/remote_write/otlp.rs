//! OTLP.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::{Kind, Receiver, TWO_ROUNDS, gauge, native, now_ms, process, record_round, values, values_lost};
use crate::support::{start, without_servers};

/// An OTLP receiver that answers with these statuses, the last one again and again, and what it was
/// sent.
async fn otlp_receiver(statuses: &'static [u16]) -> (String, Arc<Mutex<Vec<Vec<u8>>>>) {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let seen = bodies.clone();
    let handle = move |body: axum::body::Bytes| {
        let mut seen = seen.lock().unwrap();
        seen.push(body.to_vec());
        let status = statuses.get(seen.len() - 1).or(statuses.last()).unwrap();
        let answer = axum::http::StatusCode::from_u16(*status).unwrap();
        async move { answer }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/metrics", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/v1/metrics", axum::routing::post(handle));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, bodies)
}

#[tokio::test]
async fn an_otlp_export_is_retried_and_what_it_loses_is_told() {
    for status in [429, 502, 503, 504] {
        let statuses: &'static [u16] = vec![status, status, 200].leak();
        let (url, bodies) = otlp_receiver(statuses).await;
        let plug = start(json!({"otlp_url": url, "retry_delay": "1ms"})).await;
        gauge(&plug, "rw_one", 1.0).await;
        let answer = process(&plug, json!({"operation": "export_otlp"})).await;
        assert_eq!((&answer["accepted"], &answer["exchange"]["attempts"]), (&json!(1), &json!(3)), "{answer}");
        let bodies = bodies.lock().unwrap();
        assert!(bodies.len() == 3 && bodies.iter().all(|body| *body == bodies[0]), "{status}");
    }
    let (url, bodies) = otlp_receiver(&[503]).await;
    let plug = start(json!({"otlp_url": url, "retry_delay": "1ms"})).await;
    gauge(&plug, "rw_one", 1.0).await;
    gauge(&plug, "rw_two", 1.0).await;
    let answer = plug.process(&json!({"operation": "export_otlp"})).await.unwrap();
    assert_eq!((&answer["http_status"], &answer["lost"]), (&json!(503), &json!(2)), "{answer}");
    assert_eq!(bodies.lock().unwrap().len(), 3);
    assert_eq!(values_lost(&plug).await, 2.0);
}

#[tokio::test]
async fn an_otlp_export_has_ids_types_and_the_target() {
    let (url, bodies) = otlp_receiver(&[200]).await;
    let config = json!({
        "otlp_url": url, "job_name": "rw", "otlp_gzip": true,
        "external_labels": {"region": "north", "zone": "no"}, "resource_attributes": {"deployment.environment.name": "test", "zone": "a"},
    });
    let plug = start(config).await;
    process(
        &plug,
        json!({
            "operation": "record_counter", "metric_name": "rw_traced_total", "metric_value": 3,
            "exemplar": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7"},
        }),
    )
    .await;
    process(&plug, json!({
        "operation": "record_metric", "metric_type": "info", "metric_name": "target_info", "labels": {"host_name": "web-1"},
    }))
    .await;
    let answer = process(&plug, json!({"operation": "export_otlp"})).await;
    assert_eq!(answer["data_points"], 1, "{answer}");
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(&*bodies.lock().unwrap()[0]).read_to_end(&mut body).unwrap();
    let position = |part: &[u8]| body.windows(part.len()).position(|window| window == part);
    let trace = [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];
    let span = [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7];
    assert!(position(&trace).is_some() && position(&span).is_some(), "{body:?}");
    assert_eq!([position(b"trace_id"), position(b"span_id"), position(b"target_info")], [None; 3]);
    // The resource comes before the metrics.
    assert!(position(b"host_name").unwrap() < position(b"rw_traced_total").unwrap());
    for attribute in [
        &b"region\x12\x07\x0a\x05north"[..],
        b"deployment.environment.name\x12\x06\x0a\x04test",
        b"zone\x12\x03\x0a\x01a",
    ] {
        assert!(position(attribute).unwrap() < position(b"rw_traced_total").unwrap());
    }
    assert_eq!(position(b"zone\x12\x04\x0a\x02no"), None);
    assert!(position(b"prometheus.type\x12\x09\x0a\x07counter").is_some(), "{body:?}");
}

#[tokio::test]
async fn otlp_metrics_arrive() {
    if without_servers("otlp_metrics_arrive") {
        return;
    }
    // Debian builds Prometheus without its OTLP receiver.
    let receiver = Receiver::start(Kind::NewestVictoriaMetrics).await;
    let mut config = receiver.config();
    config["prometheus_config"]["otlp_url"] = json!(format!("{}/opentelemetry/v1/metrics", receiver.url));
    let plug = start(config).await;
    let mut times = Vec::new();
    for round in 1..=2 {
        record_round(&plug, round).await;
        let before = now_ms();
        let answer = process(&plug, json!({"operation": "export_otlp"})).await;
        times.push(before..=now_ms());
        assert_eq!((&answer["accepted"], &answer["rejected_data_points"]), (&json!(8), &json!(0)), "{answer}");
    }
    let stored = receiver.samples("{__name__=~\"rw_.+\"}", 28).await;
    // The series with what the resource adds, which stands between their own labels.
    let resource = [
        " region=north",
        " scope.name=monitoring_prometheus",
        " scope.version=2.0.0",
        " service.instance.id=one",
        " service.name=rw",
    ];
    let own = |labels: &str| resource.iter().fold(labels.to_owned(), |labels, added| labels.replacen(added, "", 1));
    let found: BTreeMap<String, Vec<f64>> =
        values(&stored).into_iter().map(|(labels, values)| (own(labels), values)).collect();
    let mut expected: BTreeMap<String, Vec<f64>> =
        // The receiver writes the bounds of buckets its own way.
        TWO_ROUNDS.iter().map(|(labels, values)| (labels.replace("le=2.0", "le=2"), values.to_vec())).collect();
    expected.insert("__name__=rw_owned job=own region=own".into(), vec![1.0, 2.0]);
    assert_eq!(found, expected);
    for values in stored.values() {
        assert!(values.iter().zip(&times).all(|((time, _), during)| during.contains(time)), "{values:?}");
    }

    for value in [1.5, 1.5, 40.0] {
        process(&plug, native(value)).await;
    }
    process(&plug, json!({"operation": "export_otlp"})).await;
    let stored = receiver.samples("{__name__=~\"rw_wait_.+\"}", 4).await;
    let found: BTreeMap<String, Vec<f64>> =
        values(&stored).into_iter().map(|(labels, values)| (own(labels), values)).collect();
    // Exponential buckets as VictoriaMetrics has them: 2^(4/8) to 2^(5/8), and 2^(42/8) to
    // 2^(43/8).
    let expected = [
        ("__name__=rw_wait_seconds_bucket vmrange=1.414e+00...1.542e+00", 2.0),
        ("__name__=rw_wait_seconds_bucket vmrange=3.805e+01...4.150e+01", 1.0),
        ("__name__=rw_wait_seconds_count", 3.0),
        ("__name__=rw_wait_seconds_sum", 43.0),
    ];
    assert_eq!(found, expected.map(|(labels, value)| (labels.to_owned(), vec![value])).into());
}
