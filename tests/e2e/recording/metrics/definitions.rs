//! Families and series: how they are defined, found and removed.

use std::collections::HashSet;

use plugpipe_harness::session::{Definition, MetricKind, NativeBuckets, Outcome};
use serde_json::json;

use super::{bare, families, labels, metric, process, refusal, single, text, value};

#[tokio::test]
async fn the_same_definition_again_is_the_same_family() {
    let mut session = bare().await;
    let definition = Definition {
        help: Some("How long it took.".into()),
        unit: Some("seconds".into()),
        buckets: Some(vec![0.1, 1.0]),
        series_limit: Some(10),
        expire_after_seconds: Some(60.0),
        ..metric("took_seconds", MetricKind::Histogram, &["path", "method"])
    };
    let family = session.register(&definition).await.unwrap();
    assert_eq!(session.register(&definition).await.unwrap(), family);
    let turned = Definition { label_names: vec!["method".into(), "path".into()], ..definition.clone() };
    assert_eq!(session.register(&turned).await.unwrap(), family);
    // Options that are left out are no opinion.
    let short = metric("took_seconds", MetricKind::Histogram, &["method", "path"]);
    assert_eq!(session.register(&short).await.unwrap(), family);
    assert_ne!(session.register(&metric("other", MetricKind::Gauge, &[])).await.unwrap(), family);
    // Other label names make another family of the metric, with the same options.
    let other = Definition { label_names: vec!["path".into()], ..definition.clone() };
    let second = session.register(&other).await.unwrap();
    assert_ne!(second, family);
    assert_eq!(session.register(&other).await.unwrap(), second);
}

#[tokio::test]
async fn a_conflict_names_both_definitions_and_changes_nothing() {
    use MetricKind::{Counter, Gauge, Histogram, NativeHistogram, StateSet, Summary};
    let native = |schema| Some(NativeBuckets { schema, zero_threshold: 0.0, max_buckets: 100, custom_bounds: None });
    let states = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (own, other, said) in [
        (metric("m", Counter, &[]), metric("m", Gauge, &[]), ["counter", "gauge"]),
        (
            Definition { buckets: Some(vec![1.0, 2.5]), ..metric("m", Histogram, &[]) },
            Definition { buckets: Some(vec![1.0, 3.5]), ..metric("m", Histogram, &[]) },
            ["2.5", "3.5"],
        ),
        (
            Definition { native: native(3), ..metric("m", NativeHistogram, &[]) },
            Definition { native: native(5), ..metric("m", NativeHistogram, &[]) },
            ["schema: 3", "schema: 5"],
        ),
        (
            Definition { quantiles: Some(vec![0.5]), ..metric("m", Summary, &[]) },
            Definition { quantiles: Some(vec![0.75]), ..metric("m", Summary, &[]) },
            ["0.5", "0.75"],
        ),
        (
            Definition { quantiles: Some(vec![0.5]), window_seconds: Some(60.0), ..metric("m", Summary, &[]) },
            Definition { quantiles: Some(vec![0.5]), window_seconds: Some(90.0), ..metric("m", Summary, &[]) },
            ["60s", "90s"],
        ),
        (
            Definition { states: states(&["on", "off"]), ..metric("m", StateSet, &[]) },
            Definition { states: states(&["on", "broken"]), ..metric("m", StateSet, &[]) },
            ["off", "broken"],
        ),
        (
            Definition { series_limit: Some(17), ..metric("m", Gauge, &[]) },
            Definition { series_limit: Some(23), ..metric("m", Gauge, &[]) },
            ["17", "23"],
        ),
        (
            Definition { expire_after_seconds: Some(17.0), ..metric("m", Gauge, &[]) },
            Definition { expire_after_seconds: Some(23.0), ..metric("m", Gauge, &[]) },
            ["17", "23"],
        ),
        // Samples of two metrics would have one name.
        (metric("m", Summary, &[]), metric("m_sum", Gauge, &[]), ["summary m", "gauge"]),
    ] {
        let mut session = bare().await;
        let family = session.register(&own).await.unwrap();
        let problem = refusal(session.register(&other).await);
        assert!(said.iter().all(|text| problem.contains(text)), "{said:?}: {problem}");
        assert_eq!(session.register(&own).await.unwrap(), family, "{problem}");
        if own.name == other.name {
            // The JSON door says the same.
            let answer =
                process(&mut session, json!({"operation": "record_metric", "metric_type": "info", "metric_name": "m"}))
                    .await;
            assert_eq!(answer["error_code"], "metric_conflict", "{answer}");
        }
    }
}

#[tokio::test]
async fn definitions_that_make_no_sense_are_refused_by_field() {
    use MetricKind::{Gauge, Histogram, NativeHistogram, StateSet, Summary};
    let mut session = bare().await;
    let native = NativeBuckets { schema: 9, zero_threshold: 0.0, max_buckets: 100, custom_bounds: None };
    for (definition, field) in [
        (metric("", Gauge, &[]), "name"),
        (metric("m", Gauge, &["__a"]), "__a"),
        (metric("m", Gauge, &["a", "a"]), "label_names"),
        (metric("m", Histogram, &["le"]), "le"),
        (metric("m", Summary, &["quantile"]), "quantile"),
        (metric("m", StateSet, &[]), "states"),
        (Definition { unit: Some("bytes".into()), ..metric("m_seconds", Gauge, &[]) }, "unit"),
        (Definition { buckets: Some(vec![2.0, 1.0]), ..metric("m", Histogram, &[]) }, "buckets"),
        (Definition { buckets: Some(vec![1.0]), ..metric("m", Gauge, &[]) }, "buckets"),
        (Definition { native: Some(native), ..metric("m", NativeHistogram, &[]) }, "native"),
        (Definition { quantiles: Some(vec![1.5]), ..metric("m", Summary, &[]) }, "quantiles"),
        (Definition { window_seconds: Some(-1.0), ..metric("m", Summary, &[]) }, "window"),
        (Definition { expire_after_seconds: Some(f64::NAN), ..metric("m", Gauge, &[]) }, "expire-after"),
    ] {
        let problem = refusal(session.register(&definition).await);
        assert!(problem.contains(field), "{field}: {problem}");
    }
    assert_eq!(families(&mut session).await, json!([]));
}

#[tokio::test]
async fn label_order_never_matters_and_all_labels_are_given() {
    let mut session = bare().await;
    let family = session.register(&metric("m", MetricKind::Counter, &["b", "a"])).await.unwrap();
    let series = session.series_of(family, &labels(&[("a", "1"), ("b", "2")])).await.unwrap();
    assert_eq!(session.series_of(family, &labels(&[("b", "2"), ("a", "1")])).await.unwrap(), series);
    // The values are not mixed up either.
    assert_ne!(session.series_of(family, &labels(&[("a", "2"), ("b", "1")])).await.unwrap(), series);
    assert_ne!(session.series_of(family, &labels(&[("a", ""), ("b", "2")])).await.unwrap(), series);
    for (given, said) in [
        (&[("a", "1")][..], "labels.b"),
        (&[("a", "1"), ("b", "2"), ("c", "3")], "labels.c"),
        (&[("a", "1"), ("b", "2"), ("a", "1")], "labels.a"),
        (&[("a", "1"), ("b", &"x".repeat(100_000))], "labels.b"),
    ] {
        let problem = refusal(session.series_of(family, &labels(given)).await);
        assert!(problem.contains(said), "{said}: {problem}");
    }
    assert!(refusal(session.series_of(family + 1, &[]).await).contains("family"));
    session.add(series, 3.0).await.unwrap();
    assert_eq!(value(&mut session, "m{a=\"1\",b=\"2\"}").await, Some(3.0));
}

#[tokio::test]
async fn a_removed_series_is_unknown_and_its_handle_is_never_another_series() {
    let mut session = bare().await;
    let family = session.register(&metric("m", MetricKind::Gauge, &["a"])).await.unwrap();
    let kept = session.series_of(family, &labels(&[("a", "kept")])).await.unwrap();
    session.set(kept, 1.0).await.unwrap();
    let mut seen = HashSet::from([kept]);
    // More often than a small counter of reuses could tell apart.
    for round in 0..1_000 {
        let value = if round % 2 == 0 { "same" } else { "other" };
        let series = session.series_of(family, &labels(&[("a", value)])).await.unwrap();
        assert!(seen.insert(series), "the handle {series} was given again in round {round}");
        assert_eq!(session.set(series, 2.0).await.unwrap(), Outcome::Recorded);
        assert!(session.remove(series).await.unwrap());
        assert!(!session.remove(series).await.unwrap());
    }
    let last = session.series_of(family, &labels(&[("a", "last")])).await.unwrap();
    seen.remove(&kept);
    for stale in seen.into_iter().filter(|stale| *stale != last).chain([u32::MAX]) {
        assert_eq!(session.set(stale, 666.0).await.unwrap(), Outcome::UnknownSeries, "{stale}");
    }
    assert!(refusal(session.record_many(&[kept, u32::MAX], &[5.0, 5.0]).await).starts_with("item 1: "));
    assert!(refusal(session.observe_with_exemplar(u32::MAX, 1.0, &[]).await).contains("no series"));
    assert!(refusal(session.set_state(u32::MAX, "on", true).await).contains("no series"));
    assert_eq!(text(&mut session).await, "# TYPE m gauge\nm{a=\"kept\"} 1\nm{a=\"last\"} 0\n");
}

#[tokio::test]
async fn clearing_forgets_families_series_and_handles() {
    let mut session = bare().await;
    let family = session.register(&metric("m", MetricKind::Gauge, &["a"])).await.unwrap();
    let mut handles = Vec::new();
    for value in ["1", "2", "3"] {
        handles.push(session.series_of(family, &labels(&[("a", value)])).await.unwrap());
    }
    assert_eq!(session.clear().await.unwrap(), 3);
    assert_eq!(session.clear().await.unwrap(), 0);
    assert_eq!(text(&mut session).await, "");
    // The name is free for something else.
    let other = single(&mut session, metric("m", MetricKind::Counter, &[])).await;
    assert!(!handles.contains(&other));
    for stale in handles {
        assert_eq!(session.set(stale, 1.0).await.unwrap(), Outcome::UnknownSeries);
    }
    refusal(session.series_of(family, &labels(&[("a", "1")])).await);
    assert_eq!(text(&mut session).await, "# TYPE m counter\nm 0\n");
}

#[tokio::test]
async fn recording_by_name_finds_or_makes_the_series() {
    let mut session = bare().await;
    let pairs = labels(&[("b", "2"), ("a", "1")]);
    let series = session.record("jobs_total", MetricKind::Counter, &pairs, 2.0).await.unwrap();
    let turned = labels(&[("a", "1"), ("b", "2")]);
    assert_eq!(session.record("jobs_total", MetricKind::Counter, &turned, 3.0).await.unwrap(), series);
    session.add(series, 4.0).await.unwrap();
    assert_eq!(value(&mut session, "jobs_total{a=\"1\",b=\"2\"}").await, Some(9.0));
    session.record("up", MetricKind::Gauge, &[], 1.0).await.unwrap();
    session.record("took_seconds", MetricKind::Histogram, &[], 0.3).await.unwrap();
    session.record("size", MetricKind::Summary, &[], 0.3).await.unwrap();
    session.record("wait_seconds", MetricKind::NativeHistogram, &[], 0.3).await.unwrap();
    session.record("build_info", MetricKind::Info, &labels(&[("version", "1.2")]), 1.0).await.unwrap();

    let before = text(&mut session).await;
    for (name, kind, pairs, amount, said) in [
        ("jobs_total", MetricKind::Counter, &[("a", "1"), ("b", "2")][..], -1.0, "metric_value"),
        ("jobs_total", MetricKind::Gauge, &[("a", "1"), ("b", "2")], 1.0, "counter"),
        ("new", MetricKind::Gauge, &[("a", "1"), ("a", "1")], 1.0, "labels.a"),
        ("new", MetricKind::Histogram, &[("le", "1")], 1.0, "labels.le"),
        ("new", MetricKind::StateSet, &[], 1.0, ""),
        ("", MetricKind::Gauge, &[], 1.0, "name"),
    ] {
        let problem = refusal(session.record(name, kind, &labels(pairs), amount).await);
        assert!(problem.contains(said), "{said}: {problem}");
    }
    assert_eq!(text(&mut session).await, before);
}

#[tokio::test]
async fn recording_by_name_takes_utf8_names() {
    let mut session = bare().await;
    let family = session.register(&metric("odd.name", MetricKind::Gauge, &["weg/ziel"])).await.unwrap();
    let pairs = labels(&[("weg/ziel", "x")]);
    let series = session.series_of(family, &pairs).await.unwrap();
    assert_eq!(session.record("odd.name", MetricKind::Gauge, &pairs, 1.0).await.unwrap(), series);
}
