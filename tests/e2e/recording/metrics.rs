//! The typed interfaces of the component: families, series, updates, limits, snapshots; and that the
//! JSON interface fills the same registry.

use std::collections::HashSet;
use std::time::Duration;

use plugpipe_harness::session::{Definition, Format, Label, MetricKind, NativeBuckets, Outcome};
use plugpipe_harness::{Error, Grants, Limits, Session};
use serde_json::{Value, json};

use crate::support::{agreeing, alone, body, plug, start};

/// How far a summary's quantile may be off, as a fraction of the true value; the plug's
/// documentation states it.
const QUANTILE_ERROR: f64 = 0.005_416;

async fn session(config: Value) -> Session {
    plug().session(&config, Grants::none(), Limits::default()).await.unwrap()
}

async fn bare() -> Session {
    session(json!({})).await
}

/// A definition without options.
fn metric(name: &str, kind: MetricKind, label_names: &[&str]) -> Definition {
    Definition {
        name: name.into(),
        kind,
        help: None,
        unit: None,
        label_names: label_names.iter().map(|name| (*name).into()).collect(),
        buckets: None,
        native: None,
        quantiles: None,
        window_seconds: None,
        states: Vec::new(),
        series_limit: None,
        expire_after_seconds: None,
    }
}

fn labels(pairs: &[(&str, &str)]) -> Vec<Label> {
    pairs.iter().map(|(name, value)| Label { name: (*name).into(), value: (*value).into() }).collect()
}

/// A series without labels of a family that is made for it.
async fn single(session: &mut Session, definition: Definition) -> u32 {
    let family = session.register(&definition).await.unwrap();
    session.series_of(family, &[]).await.unwrap()
}

async fn text(session: &mut Session) -> String {
    String::from_utf8(session.encode(Format::Text).await.unwrap()).unwrap()
}

/// A line of the text exposition, by what stands before its value.
async fn value(session: &mut Session, series: &str) -> Option<f64> {
    let text = text(session).await;
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')).map(|value| value.parse().unwrap())
}

/// The families of the JSON exposition.
async fn families(session: &mut Session) -> Value {
    let json: Value = serde_json::from_slice(&session.encode(Format::Json).await.unwrap()).unwrap();
    json["families"].clone()
}

/// What the plug said when it refused.
#[track_caller]
fn refusal<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer.unwrap_err() {
        Error::Plug { problem } => problem,
        other => panic!("the plug did not refuse, but: {other}"),
    }
}

async fn process(session: &mut Session, ctx: Value) -> Value {
    agreeing(&session.process(&ctx.to_string(), "").await.unwrap())
}

/// The result of an operation that succeeds.
async fn result(session: &mut Session, ctx: Value) -> Value {
    let answer = process(session, ctx).await;
    assert_eq!(answer["success"], true, "{answer}");
    answer["result"].clone()
}

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
async fn updates_say_how_they_went() {
    use MetricKind::{Counter, Gauge, Histogram, Info, NativeHistogram, StateSet, Summary};
    use Outcome::{InvalidAmount, Recorded, UnknownSeries, WrongKind};
    let mut session = bare().await;
    for (name, kind, add, set, observe) in [
        ("a", Counter, Recorded, WrongKind, WrongKind),
        ("b", Gauge, Recorded, Recorded, WrongKind),
        ("c", Histogram, WrongKind, WrongKind, Recorded),
        ("d", NativeHistogram, WrongKind, WrongKind, Recorded),
        ("e", Summary, WrongKind, WrongKind, Recorded),
        ("f_info", Info, WrongKind, WrongKind, WrongKind),
        ("g", StateSet, WrongKind, WrongKind, WrongKind),
    ] {
        let states = if kind == StateSet { vec!["on".into()] } else { Vec::new() };
        let series = single(&mut session, Definition { states, ..metric(name, kind, &[]) }).await;
        assert_eq!(session.add(series, 1.0).await.unwrap(), add, "{name}");
        assert_eq!(session.set(series, 1.0).await.unwrap(), set, "{name}");
        assert_eq!(session.observe(series, 1.0).await.unwrap(), observe, "{name}");

        let before = text(&mut session).await;
        let refused = if matches!(kind, Counter) { InvalidAmount } else { WrongKind };
        for amount in [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            if kind != Gauge {
                assert_eq!(session.add(series, amount).await.unwrap(), refused, "{name} {amount}");
            }
        }
        if observe == Recorded {
            assert_eq!(session.observe(series, f64::NAN).await.unwrap(), InvalidAmount, "{name}");
        }
        assert_eq!(text(&mut session).await, before, "{name}");
        assert!(session.remove(series).await.unwrap());
        assert_eq!(session.add(series, 1.0).await.unwrap(), UnknownSeries, "{name}");
        assert_eq!(session.set(series, 1.0).await.unwrap(), UnknownSeries, "{name}");
        assert_eq!(session.observe(series, 1.0).await.unwrap(), UnknownSeries, "{name}");
    }
    let gauge = single(&mut session, metric("any", Gauge, &[])).await;
    session.add(gauge, -2.5).await.unwrap();
    assert_eq!(value(&mut session, "any").await, Some(-2.5));
    for amount in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.0, 5e-324, f64::MAX] {
        assert_eq!(session.set(gauge, amount).await.unwrap(), Recorded);
        let shown = value(&mut session, "any").await.unwrap();
        assert!(shown.to_bits() == amount.to_bits() || (shown.is_nan() && amount.is_nan()), "{shown} for {amount}");
    }
}

#[tokio::test]
async fn a_batch_is_recorded_whole_or_not_at_all() {
    use MetricKind::{Counter, Gauge, Histogram, Info, NativeHistogram, Summary};
    let mut session = bare().await;
    let mut series = Vec::new();
    for (name, kind) in [("c", Counter), ("g", Gauge), ("h", Histogram), ("n", NativeHistogram), ("s", Summary)] {
        series.push(single(&mut session, metric(name, kind, &[])).await);
    }
    let info = single(&mut session, metric("i_info", Info, &[])).await;
    session.record_many(&[], &[]).await.unwrap();
    session.record_many(&series, &[1.0, 2.0, 3.0, 4.0, 5.0]).await.unwrap();
    // One series may be there more than once.
    let (counter, gauge) = (series[0], series[1]);
    session.record_many(&[counter, gauge, counter, gauge], &[1.0, 7.0, 2.0, 8.0]).await.unwrap();
    for (sample, expected) in [("c", 4.0), ("g", 8.0), ("h_sum", 3.0), ("n_sum", 4.0), ("s_sum", 5.0)] {
        assert_eq!(value(&mut session, sample).await, Some(expected), "{sample}");
    }

    let before = text(&mut session).await;
    let gone = single(&mut session, metric("gone", Gauge, &[])).await;
    assert!(session.remove(gone).await.unwrap());
    for (batch, values, index, said) in [
        (vec![counter, gauge, gone], vec![1.0, 1.0, 1.0], 2, "no series"),
        (vec![counter, counter], vec![1.0, -1.0], 1, "metric c"),
        (vec![counter, counter], vec![f64::NAN, -1.0], 0, "metric c"),
        (vec![gauge, series[2]], vec![1.0, f64::NAN], 1, "metric h"),
        (vec![gauge, info], vec![1.0, 1.0], 1, "metric i_info"),
        (vec![gauge, gauge], vec![1.0], 1, "1 values"),
        (vec![gauge], vec![1.0, 2.0], 1, "2 values"),
    ] {
        let problem = refusal(session.record_many(&batch, &values).await);
        assert!(problem.starts_with(&format!("item {index}: ")) && problem.contains(said), "{problem}");
        assert_eq!(text(&mut session).await, before, "{problem}");
    }

    // A long batch fails at its end, after everything else was looked at.
    let many = vec![counter; 10_000];
    let mut values = vec![1.0; 10_000];
    values[9_999] = -1.0;
    assert!(refusal(session.record_many(&many, &values).await).starts_with("item 9999: "));
    assert_eq!(text(&mut session).await, before);
    values[9_999] = 1.0;
    session.record_many(&many, &values).await.unwrap();
    assert_eq!(value(&mut session, "c").await, Some(10_004.0));
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
async fn states_are_switched_one_by_one_and_an_info_says_something_in_its_labels() {
    let mut session = bare().await;
    let states = vec!["starting".to_owned(), "running".into(), "broken \"x\"".into()];
    let family =
        session.register(&Definition { states, ..metric("mode", MetricKind::StateSet, &["unit"]) }).await.unwrap();
    let series = session.series_of(family, &labels(&[("unit", "1")])).await.unwrap();
    session.set_state(series, "running", true).await.unwrap();
    session.set_state(series, "broken \"x\"", true).await.unwrap();
    session.set_state(series, "broken \"x\"", false).await.unwrap();
    let problem = refusal(session.set_state(series, "unheard of", true).await);
    assert!(problem.contains("unheard of") && problem.contains("running"), "{problem}");
    let states = families(&mut session).await[0]["series"][0]["states"].clone();
    assert_eq!(states, json!({"starting": false, "running": true, "broken \"x\"": false}));
    for (state, on) in [("starting", 0.0), ("running", 1.0), ("broken \\\"x\\\"", 0.0)] {
        assert_eq!(value(&mut session, &format!("mode{{unit=\"1\",mode=\"{state}\"}}")).await, Some(on), "{state}");
    }
    let gauge = single(&mut session, metric("level", MetricKind::Gauge, &[])).await;
    assert!(refusal(session.set_state(gauge, "running", true).await).contains("level"));

    let family = session.register(&metric("build_info", MetricKind::Info, &["version"])).await.unwrap();
    session.series_of(family, &labels(&[("version", "1.2")])).await.unwrap();
    assert_eq!(value(&mut session, "build_info{version=\"1.2\"}").await, Some(1.0));
}

#[tokio::test]
async fn an_exemplar_is_kept_with_what_it_is_an_example_of() {
    let mut session = bare().await;
    let counter = single(&mut session, metric("hits_total", MetricKind::Counter, &[])).await;
    let definition = Definition { buckets: Some(vec![1.0, 2.0]), ..metric("took", MetricKind::Histogram, &[]) };
    let histogram = single(&mut session, definition).await;
    session.observe_with_exemplar(counter, 2.0, &labels(&[("trace_id", "c1")])).await.unwrap();
    session.observe_with_exemplar(histogram, 0.5, &labels(&[("trace_id", "first")])).await.unwrap();
    session.observe_with_exemplar(histogram, 0.75, &labels(&[("trace_id", "h1"), ("span", "ü")])).await.unwrap();
    session.observe_with_exemplar(histogram, 9.0, &[]).await.unwrap();
    session.observe(histogram, 1.5).await.unwrap();

    let held = families(&mut session).await;
    let counter_exemplar = &held[0]["series"][0]["exemplar"];
    assert_eq!((&counter_exemplar["labels"], &counter_exemplar["value"]), (&json!({"trace_id": "c1"}), &json!(2)));
    let buckets = &held[1]["series"][0]["buckets"];
    assert_eq!(buckets[0]["exemplar"]["labels"], json!({"trace_id": "h1", "span": "ü"}));
    assert_eq!((&buckets[0]["exemplar"]["value"], &buckets[0]["count"]), (&json!(0.75), &json!(2)));
    assert_eq!(buckets[1]["exemplar"], Value::Null);
    assert_eq!((&buckets[2]["exemplar"]["value"], &buckets[2]["count"]), (&json!(9), &json!(4)));
    let openmetrics = String::from_utf8(session.encode(Format::OpenMetrics).await.unwrap()).unwrap();
    let line = openmetrics.lines().find(|line| line.starts_with("hits_total ")).unwrap();
    assert!(
        line.starts_with("hits_total 2 # {trace_id=\"c1\"} 2 ")
            || line.starts_with("hits_total 2.0 # {trace_id=\"c1\"} 2.0 "),
        "{line}"
    );

    let gauge = single(&mut session, metric("level", MetricKind::Gauge, &[])).await;
    let before = text(&mut session).await;
    // 128 characters, of which each is one whatever its bytes.
    let longest = "é".repeat(120);
    session.observe_with_exemplar(counter, 0.0, &labels(&[("trace_id", &longest)])).await.unwrap();
    for (series, amount, exemplar) in [
        (counter, 1.0, vec![("trace_id", &*format!("{longest}x"))]),
        (counter, 1.0, vec![("a", "1"), ("a", "2")]),
        (counter, 1.0, vec![("not a name", "1")]),
        (counter, -1.0, vec![("trace_id", "x")]),
        (histogram, f64::NAN, vec![("trace_id", "x")]),
        (gauge, 1.0, vec![("trace_id", "x")]),
    ] {
        refusal(session.observe_with_exemplar(series, amount, &labels(&exemplar)).await);
    }
    assert_eq!(text(&mut session).await, before);
    assert_eq!(families(&mut session).await[0]["series"][0]["exemplar"]["labels"]["trace_id"], longest);
}

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
async fn a_refused_update_leaves_nothing_to_push() {
    let mut session = bare().await;
    assert_eq!(session.add(u32::MAX, 1.0).await.unwrap(), Outcome::UnknownSeries);
    let answer: Value = body(&session.cleanup().await.unwrap());
    assert_eq!(answer["result"]["unpushed"], false);
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

#[tokio::test]
async fn recording_by_name_takes_utf8_names() {
    let mut session = bare().await;
    let family = session.register(&metric("odd.name", MetricKind::Gauge, &["weg/ziel"])).await.unwrap();
    let pairs = labels(&[("weg/ziel", "x")]);
    let series = session.series_of(family, &pairs).await.unwrap();
    assert_eq!(session.record("odd.name", MetricKind::Gauge, &pairs, 1.0).await.unwrap(), series);
}

#[tokio::test]
async fn default_metrics_stay_over_a_typed_clear() {
    let mut session = session(json!({"default_metrics": true})).await;
    // The configuration is told with the first call.
    assert_eq!(session.clear().await.unwrap(), 0);
    refusal(session.record("plugpipe_requests_total", MetricKind::Gauge, &[], 1.0).await);
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
