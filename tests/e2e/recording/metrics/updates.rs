//! Updates of each kind of metric, and of many at once.

use plugpipe_harness::session::{Definition, Format, MetricKind, Outcome};
use serde_json::{Value, json};

use super::{bare, families, labels, metric, refusal, single, text, value};
use crate::support::body;

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
async fn a_refused_update_leaves_nothing_to_push() {
    let mut session = bare().await;
    assert_eq!(session.add(u32::MAX, 1.0).await.unwrap(), Outcome::UnknownSeries);
    let answer: Value = body(&session.cleanup().await.unwrap());
    assert_eq!(answer["result"]["unpushed"], false);
}
