//! Native histograms and summaries.

use std::time::Duration;

use plugpipe_harness::session::{Definition, MetricKind, NativeBuckets, Outcome};
use serde_json::{Value, json};

use super::{bare, families, metric, single, value};

/// How far a summary's quantile may be off, as a fraction of the true value; the plug's
/// documentation states it.
const QUANTILE_ERROR: f64 = 0.005_416;

#[tokio::test]
async fn a_native_histogram_puts_each_observation_in_the_bucket_of_its_size() {
    let mut session = bare().await;
    let native = NativeBuckets { schema: 3, zero_threshold: 0.001, max_buckets: 160, custom_bounds: None };
    let definition = Definition { native: Some(native), ..metric("wait", MetricKind::NativeHistogram, &[]) };
    let series = single(&mut session, definition).await;
    let observed = [0.0, -0.001, 0.3, 0.3, 1.0, 7.0, 1e9, -4.5];
    for value in observed {
        assert_eq!(session.observe(series, value).await.unwrap(), Outcome::Recorded);
    }
    let held = families(&mut session).await[0]["series"][0].clone();
    let sum: f64 = observed.iter().sum();
    assert_eq!((&held["count"], held["sum"].as_f64()), (&json!(8), Some(sum)), "{held}");
    assert_eq!((&held["schema"], &held["zero_threshold"], &held["zero_count"]), (&json!(3), &json!(0.001), &json!(2)));
    let buckets = |side: &str| -> Vec<(f64, f64, u64)> {
        let list = held[side].as_array().unwrap();
        let number = |bucket: &Value, key: &str| bucket[key].as_f64().unwrap();
        list.iter()
            .map(|bucket| (number(bucket, "lower"), number(bucket, "upper"), bucket["count"].as_u64().unwrap()))
            .collect()
    };
    for (side, sizes) in [("positive", &[(0.3, 2), (1.0, 1), (7.0, 1), (1e9, 1)][..]), ("negative", &[(4.5, 1)])] {
        let found = buckets(side);
        assert_eq!(found.len(), sizes.len(), "{held}");
        for (size, count) in sizes {
            let (lower, upper, _) =
                found.iter().find(|(lower, upper, held)| lower < size && size <= upper && held == count).unwrap();
            assert!((upper / lower - 2f64.powf(0.125)).abs() < 1e-9, "{lower} {upper}");
        }
    }

    // Past the most buckets they become wider, and nothing is lost.
    let native = NativeBuckets { schema: 8, zero_threshold: 0.0, max_buckets: 20, custom_bounds: None };
    let definition = Definition { native: Some(native), ..metric("wide", MetricKind::NativeHistogram, &[]) };
    let series = single(&mut session, definition).await;
    let values: Vec<f64> = (1..=1_000).map(f64::from).collect();
    session.record_many(&vec![series; values.len()], &values).await.unwrap();
    let held = families(&mut session).await[1]["series"][0].clone();
    let positive = held["positive"].as_array().unwrap();
    assert!(positive.len() <= 20 && held["schema"].as_i64().unwrap() < 8, "{held}");
    assert_eq!(positive.iter().map(|bucket| bucket["count"].as_u64().unwrap()).sum::<u64>(), 1_000);
}

#[tokio::test]
async fn quantiles_of_a_summary_are_within_the_stated_error() {
    let mut session = bare().await;
    let ranks = [0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0];
    let definition = Definition {
        quantiles: Some(ranks.to_vec()),
        window_seconds: Some(600.0),
        ..metric("took", MetricKind::Summary, &[])
    };
    let series = single(&mut session, definition).await;
    // Far apart, of both signs, in no order.
    let mut values: Vec<f64> =
        (0..20_000_u32).map(|n| n.wrapping_mul(2_654_435_761)).map(|n| (f64::from(n) / 2e8).exp() - 1e3).collect();
    session.record_many(&vec![series; values.len()], &values).await.unwrap();
    values.sort_by(f64::total_cmp);
    for rank in ranks {
        let true_value = values[(rank * (values.len() - 1) as f64).floor() as usize];
        let answer = value(&mut session, &format!("took{{quantile=\"{rank}\"}}")).await.unwrap();
        let off = (answer - true_value).abs() / true_value.abs();
        assert!(off <= QUANTILE_ERROR, "{rank}: {answer} for {true_value}, off by {off}");
    }
    assert_eq!(value(&mut session, "took_count").await, Some(20_000.0));
}

#[tokio::test]
async fn quantiles_look_back_as_far_as_the_window() {
    let mut session = bare().await;
    let definition = Definition {
        quantiles: Some(vec![0.5]),
        window_seconds: Some(1.0),
        ..metric("took", MetricKind::Summary, &[])
    };
    let series = single(&mut session, definition).await;
    session.observe(series, 1_000.0).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert!(value(&mut session, "took{quantile=\"0.5\"}").await.unwrap().is_nan());
    session.observe(series, 1.0).await.unwrap();
    assert_eq!(value(&mut session, "took{quantile=\"0.5\"}").await, Some(1.0));
    assert_eq!(value(&mut session, "took_sum").await, Some(1_001.0));
}
