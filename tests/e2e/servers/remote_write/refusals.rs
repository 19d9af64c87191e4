//! Values that a receiver refuses: they are lost alone, and said to be.

use std::time::Duration;

use serde_json::json;

use super::{Kind, Receiver, another_millisecond, gauge, now_ms, values, values_lost, write};
use crate::support::{start, without_servers};

#[tokio::test]
async fn an_older_value_that_is_refused_keeps_no_other_out() {
    if without_servers("an_older_value_that_is_refused_keeps_no_other_out") {
        return;
    }
    for kind in [Kind::Prometheus2, Kind::Prometheus3] {
        let mut receiver = Receiver::start(kind).await;
        let (slow, other) = (start(receiver.config()).await, start(receiver.config()).await);
        receiver.stop().await;
        for name in ["rw_shared", "rw_alone"] {
            gauge(&slow, name, 1.0).await;
        }
        assert_eq!(write(&slow).await["pending"], 2);
        receiver.start_again().await;
        // Another plug writes the same series, later than what waits.
        gauge(&other, "rw_shared", 7.0).await;
        assert_eq!(write(&other).await["result"]["written"]["samples"], 1);
        let answer = write(&slow).await;
        assert_eq!((&answer["http_status"], &answer["lost"]), (&json!(400), &json!(1)), "{kind:?}: {answer}");
        assert_eq!((&answer["written"], &answer["pending"]), (&json!(3), &json!(0)), "{kind:?}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains("give each plug"), "{answer}");
        let stored = receiver.samples("{__name__=~\"rw_.+\"}", 4).await;
        let values: Vec<_> = values(&stored).into_values().collect();
        assert_eq!(values, [vec![1.0, 1.0], vec![7.0, 1.0]], "{kind:?}");
    }
}

#[tokio::test]
async fn a_too_old_value_is_lost_alone_and_the_queue_drains() {
    if without_servers("a_too_old_value_is_lost_alone_and_the_queue_drains") {
        return;
    }
    // 2.42 says so with status 500.
    for (kind, status) in [(Kind::Prometheus2, 500), (Kind::Prometheus3, 400)] {
        let window = "storage: {tsdb: {out_of_order_time_window: 1s}}\n";
        let mut receiver = Receiver::start_configured(kind, &[], window).await;
        let (slow, other) = (start(receiver.config()).await, start(receiver.config()).await);
        receiver.stop().await;
        for name in ["rw_alone", "rw_shared", "rw_third"] {
            gauge(&slow, name, 1.0).await;
        }
        let before = now_ms();
        assert_eq!(write(&slow).await["pending"], 3);
        let first = before..=now_ms();
        receiver.start_again().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        gauge(&other, "rw_shared", 7.0).await;
        assert_eq!(write(&other).await["result"]["written"]["samples"], 1);
        let answer = write(&slow).await;
        assert_eq!((&answer["http_status"], &answer["lost"]), (&json!(status), &json!(1)), "{kind:?}: {answer}");
        assert_eq!((&answer["written"], &answer["pending"]), (&json!(5), &json!(0)), "{kind:?}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains("too old sample"), "{answer}");
        another_millisecond().await;
        assert_eq!(write(&slow).await["result"]["written"]["samples"], 3, "{kind:?}: nothing is in the way");
        assert_eq!(values_lost(&slow).await, 1.0, "{kind:?}");
        let stored = receiver.samples("{__name__=~\"rw_.+\"}", 9).await;
        let numbers: Vec<_> = values(&stored).into_values().collect();
        assert_eq!(numbers, [vec![1.0; 3], vec![7.0, 1.0, 1.0], vec![1.0; 3]], "{kind:?}");
        for (labels, values) in stored.iter().filter(|(labels, _)| !labels.contains("rw_shared")) {
            assert!(first.contains(&values[0].0), "{kind:?} {labels}: {values:?} begins in {first:?}");
        }
    }
}

/// A remote write of one sample of the series `rw_future`.
fn one_sample(unix_ms: i64) -> Vec<u8> {
    let mut label = b"\x0a\x08__name__\x12\x09rw_future".to_vec();
    let mut sample = [&b"\x09"[..], &1.0_f64.to_le_bytes(), b"\x10"].concat();
    let mut rest = unix_ms as u64;
    while rest >= 0x80 {
        sample.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    sample.push(rest as u8);
    label.splice(0..0, [0x0a, label.len() as u8]);
    let series = [&label[..], &[0x12, sample.len() as u8], &sample].concat();
    let request = [&[0x0a, series.len() as u8][..], &series].concat();
    // Snappy: the length, and one literal.
    [&[request.len() as u8, (request.len() as u8 - 1) << 2][..], &request].concat()
}

#[tokio::test]
async fn values_out_of_bounds_do_not_stay_in_the_queue() {
    if without_servers("values_out_of_bounds_do_not_stay_in_the_queue") {
        return;
    }
    // 3 takes nothing from so far in the future.
    let receiver = Receiver::start(Kind::Prometheus2).await;
    let (url, body) = (format!("{}/api/v1/write", receiver.url), one_sample(now_ms() + 6 * 3_600_000));
    let posted = tokio::task::spawn_blocking(move || {
        let request =
            ureq::post(&url).header("content-encoding", "snappy").header("content-type", "application/x-protobuf");
        request.send(&body[..]).unwrap().status().as_u16()
    });
    assert_eq!(posted.await.unwrap(), 204);
    let plug = start(receiver.config()).await;
    for name in ["rw_one", "rw_two", "rw_three"] {
        gauge(&plug, name, 1.0).await;
    }
    for calls in 1..=2 {
        let answer = write(&plug).await;
        let counts = (&answer["written"], &answer["lost"], &answer["pending"]);
        assert_eq!(counts, (&json!(0), &json!(3), &json!(0)), "{answer}");
        assert!(answer["error"].as_str().unwrap().contains("out of bounds"), "{answer}");
        assert_eq!(values_lost(&plug).await, f64::from(3 * calls));
        another_millisecond().await;
    }
}

#[tokio::test]
async fn a_path_that_takes_no_writes_is_told_and_nothing_is_lost() {
    if without_servers("a_path_that_takes_no_writes_is_told_and_nothing_is_lost") {
        return;
    }
    let receiver = Receiver::start(Kind::Prometheus2).await;
    let plug = start(receiver.config()).await;
    gauge(&plug, "rw_kept", 1.0).await;
    let wrong = format!("{}/api/v1/push", receiver.url);
    let answer = plug.process(&json!({"operation": "remote_write_metrics", "remote_write_url": wrong})).await.unwrap();
    assert_eq!((&answer["http_status"], &answer["pending"]), (&json!(404), &json!(1)), "{answer}");
    assert_eq!(write(&plug).await["result"]["written"]["samples"], 1);
}
