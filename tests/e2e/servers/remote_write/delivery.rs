//! What was recorded is what a receiver has, also after it was away.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    ALL, Kind, Receiver, TWO_ROUNDS, another_millisecond, gauge, now_ms, process, record_round, values, with, write,
};
use crate::support::{body, start, without_servers};

#[tokio::test]
async fn what_was_recorded_is_what_each_receiver_answers() {
    if without_servers("what_was_recorded_is_what_each_receiver_answers") {
        return;
    }
    for kind in ALL {
        let receiver = Receiver::start(kind).await;
        let plug = start(receiver.config()).await;
        let mut times = Vec::new();
        for round in 1..=2 {
            record_round(&plug, round).await;
            let before = now_ms();
            let answer = write(&plug).await;
            times.push(before..=now_ms());
            let result = &answer["result"];
            assert_eq!(result["written"]["samples"], 14, "{kind:?}: {answer}");
            assert_eq!((&result["version"], &result["pending"]), (&json!(receiver.version()), &json!(0)), "{answer}");
            assert_eq!(result["confirmed"], kind == Kind::Prometheus3, "{answer}");
        }
        let stored = receiver.samples("{__name__=~\"rw_.+\"}", 28).await;
        let further = ["instance=one", "job=rw", "region=north"];
        let mut expected: BTreeMap<String, Vec<f64>> =
            TWO_ROUNDS.iter().map(|(labels, values)| (with(labels, &further), values.to_vec())).collect();
        expected.insert("__name__=rw_owned instance=one job=own region=own".into(), vec![1.0, 2.0]);
        let expected: BTreeMap<&str, Vec<f64>> =
            expected.iter().map(|(labels, values)| (labels.as_str(), values.clone())).collect();
        assert_eq!(values(&stored), expected, "{kind:?}");
        for (labels, values) in &stored {
            for ((time, _), during) in values.iter().zip(&times) {
                assert!(during.contains(time), "{kind:?} {labels}: {time} is not in {during:?}");
            }
        }
    }
}

#[tokio::test]
async fn odd_numbers_arrive_to_the_bit_in_both_versions() {
    if without_servers("odd_numbers_arrive_to_the_bit_in_both_versions") {
        return;
    }
    let odd = [0.1 + 0.2, 5e-324, f64::MAX, f64::MIN_POSITIVE, 9_007_199_254_740_993.0, -1.0 / 3.0, 1e21];
    let receiver = Receiver::start(Kind::Prometheus3).await;
    for version in ["1.0", "2.0"] {
        let mut config = receiver.config();
        config["prometheus_config"]["remote_write_version"] = json!(version);
        config["prometheus_config"]["job_name"] = json!(version);
        let plug = start(config).await;
        let metrics: Vec<_> = odd
            .iter()
            .enumerate()
            .map(|(at, value)| json!({"name": "rw_odd", "type": "gauge", "value": value, "labels": {"n": at}}))
            .collect();
        process(&plug, json!({"operation": "record_multiple_metrics", "metrics": metrics})).await;
        let answer = write(&plug).await;
        assert_eq!(answer["result"]["version"], version, "{answer}");
        let stored = receiver.samples(&format!("rw_odd{{job=\"{version}\"}}"), odd.len()).await;
        let bits: Vec<_> = stored.values().map(|values| values[0].1.to_bits()).collect();
        assert_eq!(bits, odd.map(f64::to_bits), "{version}");
    }
}

#[tokio::test]
async fn what_a_receiver_missed_arrives_when_it_is_back() {
    if without_servers("what_a_receiver_missed_arrives_when_it_is_back") {
        return;
    }
    for kind in ALL {
        let mut receiver = Receiver::start(kind).await;
        let plug = start(receiver.config()).await;
        let mut times = Vec::new();
        for round in 0..6 {
            match round {
                2 => receiver.stop().await,
                5 => receiver.start_again().await,
                _ => {}
            }
            let value = 0.5 + f64::from(round);
            gauge(&plug, "rw_missed", value).await;
            another_millisecond().await;
            let before = now_ms();
            let mut answer = write(&plug).await;
            times.push(before..=now_ms());
            if (2..5).contains(&round) {
                assert_eq!(answer["error_code"], "unreachable", "{kind:?}: {answer}");
                assert_eq!((&answer["pending"], &answer["lost"]), (&json!(round - 1), &json!(0)), "{answer}");
                continue;
            }
            // A connection that was kept from before may break once more; what it carried is in the
            // write after it.
            if round == 5 && answer["success"] == false {
                gauge(&plug, "rw_missed", value).await;
                answer = write(&plug).await;
            }
            assert_eq!(answer["result"]["pending"], 0, "{kind:?}: {answer}");
        }
        let stored = receiver.samples("rw_missed", 6).await;
        let values = stored.values().next().unwrap_or_else(|| panic!("{kind:?}: {stored:?}"));
        let numbers: Vec<_> = values.iter().take(6).map(|(_, value)| *value).collect();
        assert_eq!(numbers, [0.5, 1.5, 2.5, 3.5, 4.5, 5.5], "{kind:?}");
        for ((time, value), during) in values.iter().zip(&times) {
            assert!(during.contains(time), "{kind:?}: {value} is of {time}, not {during:?}");
        }
    }
}

#[tokio::test]
async fn series_vanish_when_they_are_removed_and_at_cleanup() {
    if without_servers("series_vanish_when_they_are_removed_and_at_cleanup") {
        return;
    }
    for kind in ALL {
        let receiver = Receiver::start(kind).await;
        let plug = start(receiver.config()).await;
        gauge(&plug, "rw_goes", 1.0).await;
        gauge(&plug, "rw_stays", 2.0).await;
        assert_eq!(write(&plug).await["result"]["written"]["samples"], 2);
        present_becomes(&receiver, "rw_goes", 1).await;
        process(&plug, json!({"operation": "remove_metric", "metric_name": "rw_goes"})).await;
        assert_eq!(write(&plug).await["result"]["written"]["samples"], 2);
        present_becomes(&receiver, "rw_goes", 0).await;
        present_becomes(&receiver, "rw_stays", 1).await;

        let answer = body(&plug.cleanup().await.unwrap());
        let told = &answer["result"]["remote_write"][0];
        assert_eq!((&told["series_ended"], &told["delivered"]), (&json!(1), &json!(true)), "{kind:?}: {answer}");
        present_becomes(&receiver, "rw_stays", 0).await;
        let stored = receiver.samples("{__name__=~\"rw_.+\"}", 3).await;
        let values: Vec<_> = values(&stored).into_values().collect();
        assert_eq!(values, [vec![1.0], vec![2.0, 2.0]], "{kind:?}");
    }
}

/// Waits for what a receiver shows a moment late.
async fn present_becomes(receiver: &Receiver, selector: &str, series: usize) {
    let started = Instant::now();
    loop {
        let present = receiver.present(&format!("{selector}{{job=\"rw\"}}")).await;
        if present == series {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(35), "{:?} {selector}: {present}", receiver.kind);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[tokio::test]
async fn ten_thousand_series_arrive() {
    if without_servers("ten_thousand_series_arrive") {
        return;
    }
    let receiver = Receiver::start(Kind::Prometheus3).await;
    let plug = start(receiver.config()).await;
    let metrics: Vec<_> = (0..10_000)
        .map(|at| json!({"name": "rw_many", "type": "gauge", "value": at, "labels": {"at": at, "path": format!("/some/path/{}", at % 7)}}))
        .collect();
    process(&plug, json!({"operation": "record_multiple_metrics", "metrics": metrics})).await;
    let answer = write(&plug).await;
    assert_eq!(answer["result"]["written"]["samples"], 10_000, "{answer}");
    assert_eq!(answer["result"]["requests"], 5, "{answer}");
    let stored = receiver.json("/api/v1/query", &[("query", "count(rw_many) + sum(rw_many)")]).await;
    assert_eq!(stored[0]["data"]["result"][0]["value"][1], "50005000", "{stored:?}");
}
