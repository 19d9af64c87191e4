//! Snapshots of the registry.

use plugpipe_harness::Session;
use plugpipe_harness::session::{Definition, Format, MetricKind, Outcome};
use serde_json::json;

use super::{bare, labels, metric, process, refusal, result, single, text};

/// Something of every kind, with exemplars, a removed series, an overflow, odd names and values.
/// Answers some handles that are valid.
async fn everything(session: &mut Session) -> Vec<u32> {
    use MetricKind::{Counter, Gauge, Histogram, Info, NativeHistogram, StateSet, Summary};
    let mut handles = Vec::new();
    let odd = Definition { help: Some("Odd \\ \"text\"\nhere".into()), ..metric("odd.näme", Gauge, &["läbel one"]) };
    let family = session.register(&odd).await.unwrap();
    for (index, text) in ["", "q\"b\\s\nü☃ {},=", "x"].into_iter().enumerate() {
        let series = session.series_of(family, &labels(&[("läbel one", text)])).await.unwrap();
        session.set(series, [f64::NAN, 5e-324, f64::NEG_INFINITY][index]).await.unwrap();
        handles.push(series);
    }
    assert!(session.remove(handles.pop().unwrap()).await.unwrap());
    let counter = Definition { series_limit: Some(2), ..metric("hits_total", Counter, &["user"]) };
    let family = session.register(&counter).await.unwrap();
    for user in ["a", "b", "c"] {
        let series = session.series_of(family, &labels(&[("user", user)])).await.unwrap();
        session.observe_with_exemplar(series, 1.5, &labels(&[("trace_id", user)])).await.unwrap();
        handles.push(series);
    }
    let histogram = Definition { buckets: Some(vec![-1.0, 1.0]), ..metric("took_seconds", Histogram, &[]) };
    let histogram = Definition { unit: Some("seconds".into()), ..histogram };
    let histogram = single(session, histogram).await;
    session.observe_with_exemplar(histogram, 0.5, &labels(&[("trace_id", "h")])).await.unwrap();
    let native = single(session, metric("wait", NativeHistogram, &[])).await;
    let summary = Definition { quantiles: Some(vec![0.5, 0.99]), ..metric("size", Summary, &[]) };
    let summary = single(session, Definition { expire_after_seconds: Some(3_600.0), ..summary }).await;
    session.record_many(&[native, native, summary, histogram], &[0.1, -7.0, 3.0, 9.0]).await.unwrap();
    single(session, metric("build_info", Info, &[])).await;
    let states = vec!["on".to_owned(), "off".into()];
    let states = single(session, Definition { states, ..metric("mode", StateSet, &[]) }).await;
    session.set_state(states, "on", true).await.unwrap();
    handles.extend([histogram, native, summary, states]);
    handles
}

async fn encoded(session: &mut Session) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for format in [Format::Text, Format::OpenMetrics, Format::Protobuf, Format::Json, Format::Csv] {
        all.push(session.encode(format).await.unwrap());
    }
    all
}

#[tokio::test]
async fn a_restored_registry_is_the_same_to_the_byte_and_handles_stay_valid() {
    let mut session = bare().await;
    let handles = everything(&mut session).await;
    let family = session.register(&metric("hits_total", MetricKind::Counter, &["user"])).await.unwrap();
    let snapshot = session.snapshot().await.unwrap();
    let before = encoded(&mut session).await;

    let mut fresh = bare().await;
    // Something that was there, and encoded, is gone without a trace.
    fresh.record("was_there", MetricKind::Gauge, &[], 1.0).await.unwrap();
    text(&mut fresh).await;
    fresh.restore(&snapshot).await.unwrap();
    assert_eq!(encoded(&mut fresh).await, before);

    // What follows goes the same way in both.
    for session in [&mut session, &mut fresh] {
        assert_eq!(session.set(handles[0], 4.0).await.unwrap(), Outcome::Recorded);
        assert_eq!(session.add(handles[2], 1.0).await.unwrap(), Outcome::Recorded);
        for series in &handles[5..8] {
            assert_eq!(session.observe(*series, 2.5).await.unwrap(), Outcome::Recorded);
        }
        session.set_state(handles[8], "off", true).await.unwrap();
        assert_eq!(session.series_of(family, &labels(&[("user", "b")])).await.unwrap(), handles[3]);
        // The limit was reached, and still is.
        assert_eq!(session.series_of(family, &labels(&[("user", "new")])).await.unwrap(), handles[4]);
        assert_eq!(session.register(&metric("hits_total", MetricKind::Counter, &["user"])).await.unwrap(), family);
        refusal(session.register(&metric("hits_total", MetricKind::Gauge, &["user"])).await);
    }
    assert_eq!(encoded(&mut fresh).await, encoded(&mut session).await);
}

#[tokio::test]
async fn a_stale_handle_stays_stale_over_a_snapshot() {
    let mut session = bare().await;
    let family = session.register(&metric("m", MetricKind::Gauge, &["a"])).await.unwrap();
    let stale = session.series_of(family, &labels(&[("a", "1")])).await.unwrap();
    assert!(session.remove(stale).await.unwrap());
    let snapshot = session.snapshot().await.unwrap();
    let mut fresh = bare().await;
    fresh.restore(&snapshot).await.unwrap();
    let next = fresh.series_of(family, &labels(&[("a", "2")])).await.unwrap();
    assert_ne!(next, stale);
    assert_eq!(fresh.set(stale, 1.0).await.unwrap(), Outcome::UnknownSeries);
}

#[tokio::test]
async fn a_damaged_snapshot_is_refused_and_changes_nothing() {
    let mut source = bare().await;
    everything(&mut source).await;
    let snapshot = source.snapshot().await.unwrap();

    let mut session = bare().await;
    let series = session.record("mine", MetricKind::Gauge, &[], 7.0).await.unwrap();
    let before = encoded(&mut session).await;
    for position in 0..snapshot.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = snapshot.clone();
            damaged[position] ^= flip;
            assert!(session.restore(&damaged).await.is_err(), "byte {position} flipped by {flip:#x} went unseen");
        }
        assert!(session.restore(&snapshot[..position]).await.is_err(), "a cut at {position} went unseen");
    }
    for more in [&b"\0"[..], b"x", &snapshot] {
        let longer = [&snapshot, more].concat();
        assert!(session.restore(&longer).await.is_err(), "{} bytes more went unseen", more.len());
    }
    let problem = refusal(session.restore(b"nothing of the kind").await);
    assert!(problem.contains("snapshot"), "{problem}");
    assert_eq!(encoded(&mut session).await, before);
    assert_eq!(session.set(series, 8.0).await.unwrap(), Outcome::Recorded);
    session.restore(&snapshot).await.unwrap();
    assert_eq!(encoded(&mut session).await, encoded(&mut source).await);
}

#[tokio::test]
async fn snapshots_go_through_json_too() {
    let mut session = bare().await;
    everything(&mut session).await;
    let before = encoded(&mut session).await;
    let taken = result(&mut session, json!({"operation": "snapshot_metrics"})).await;
    let series = taken["series"].as_u64().unwrap();
    let snapshot = taken["snapshot"].as_str().unwrap();

    let mut fresh = bare().await;
    let restore = |snapshot: &str| json!({"operation": "restore_metrics", "snapshot": snapshot});
    assert_eq!(result(&mut fresh, restore(snapshot)).await["series"], series);
    assert_eq!(encoded(&mut fresh).await, before);
    let other = if snapshot[40..].starts_with('A') { 'B' } else { 'A' };
    let damaged = format!("{}{other}{}", &snapshot[..40], &snapshot[41..]);
    for (snapshot, code) in [
        (&*damaged, "invalid_field"),
        ("not base64!", "invalid_field"),
        ("", "missing_field"),
        (&snapshot[..snapshot.len() / 8 * 4], "invalid_field"),
    ] {
        let answer = process(&mut fresh, restore(snapshot)).await;
        assert_eq!((&answer["error_code"], &answer["field"]), (&json!(code), &json!("snapshot")), "{answer}");
    }
    assert_eq!(encoded(&mut fresh).await, before);
}
