//! Attacks on the plug that records for this one.

use crate::bindings::plugpipe::monitoring::metrics::{self, Definition, Outcome};
use crate::bindings::plugpipe::monitoring::query;
use crate::bindings::plugpipe::monitoring::types::{Error, Label, MetricKind};

fn label(name: &str, value: &str) -> Label {
    Label { name: name.into(), value: value.into() }
}

fn said<T: core::fmt::Debug>(outcome: Result<T, Error>) -> String {
    match outcome {
        Ok(value) => format!("ok {value:?}"),
        Err(error) => format!("{error:?}"),
    }
}

fn definition(name: &str, label_names: &[&str]) -> Definition {
    Definition {
        name: name.into(),
        kind: MetricKind::Counter,
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

/// Records a counter with a label, and says its handle or why not.
pub(crate) fn record(name: &str, kind: &str, (own, value): (&str, &str)) -> String {
    let kind = if kind == "gauge" { MetricKind::Gauge } else { MetricKind::Counter };
    let own = if own.is_empty() { label("l", "v") } else { label(own, value) };
    said(metrics::record(name, kind, &[own], 1.0))
}

/// Wants options that all plugs that record a metric would have.
pub(crate) fn options() -> String {
    let (mut limited, mut expiring) = (definition("limited_total", &["l"]), definition("expiring_total", &["l"]));
    limited.series_limit = Some(1);
    expiring.expire_after_seconds = Some(1.0);
    [said(metrics::register(&limited)), said(metrics::register(&expiring))].join("\n")
}

/// A series that takes much memory in the other plug: hundreds of long lines of an exposition, or a
/// window.
fn large(kind: &str, text: &str) -> Result<(), Error> {
    let names = ["a", "b", "c", "d"];
    let mut large = definition(&format!("large_{kind}"), &names);
    large.kind = if kind == "summaries" { MetricKind::Summary } else { MetricKind::Histogram };
    large.buckets = (kind == "buckets").then(|| (0..400).map(f64::from).collect());
    let family = metrics::register(&large)?;
    let value = if kind == "buckets" { &"x".repeat(15_000) } else { "" };
    let labels = names.map(|name| label(name, if name == "a" { text } else { value }));
    metrics::series_of(family, &labels).map(drop)
}

/// Adds to a series by its handle, so many times; says what came of the last one.
pub(crate) fn update(handle: u32, times: usize) -> String {
    for _ in 1..times {
        metrics::add(handle, 1.0);
    }
    format!("{:?}", metrics::add(handle, 1.0))
}

/// Uses handles that it did not get; says how many let it.
pub(crate) fn steal(up_to: usize) -> String {
    let mut taken = 0;
    for handle in (0..up_to as u32).chain([u32::MAX]) {
        let updates = [metrics::add(handle, 1.0), metrics::set(handle, 1.0), metrics::observe(handle, 1.0)];
        taken += updates.into_iter().filter(|outcome| *outcome != Outcome::UnknownSeries).count();
        taken += usize::from(metrics::remove(handle));
        taken += usize::from(metrics::series_of(handle, &[]).is_ok());
        taken += usize::from(metrics::set_state(handle, "s", true).is_ok());
        taken += usize::from(metrics::observe_with_exemplar(handle, 1.0, &[]).is_ok());
        taken += usize::from(metrics::record_many(&[handle], &[1.0]).is_ok());
    }
    taken.to_string()
}

/// Claims to be another plug, and names of the host's.
pub(crate) fn pretend() -> String {
    let register = |name: &str, labels: &[&str]| said(metrics::register(&definition(name, labels)));
    let own = metrics::register(&definition("own_total", &["l"])).unwrap_or(u32::MAX);
    [
        register("pretended_total", &["plug"]),
        said(metrics::record("pretended_total", MetricKind::Counter, &[label("plug", "other")], 1.0)),
        said(metrics::series_of(own, &[label("l", "v"), label("plug", "other")])),
        register("plugpipe_capability_violations_total", &[]),
        said(metrics::record("plugpipe_x", MetricKind::Gauge, &[], 1.0)),
        // Text 0.0.4 writes both with _.
        register("plugpipe.monitoring.records.total", &[]),
        said(metrics::record("plugpipe\u{e9}x", MetricKind::Gauge, &[], 1.0)),
    ]
    .join("\n")
}

/// Makes as many series as it is let, or a text as long.
pub(crate) fn fill(with: &str, times: usize) -> String {
    let mut made = 0;
    for number in 0..times {
        let text = number.to_string();
        let outcome = match with {
            "series" => metrics::record("filled_total", MetricKind::Counter, &[label("n", &text)], 1.0).map(drop),
            "families" => metrics::register(&definition(&format!("filled_{text}_total"), &[])).map(drop),
            "text" => metrics::record(&"x".repeat(1 << 20), MetricKind::Counter, &[], 1.0).map(drop),
            "buckets" | "summaries" => large(with, &text),
            "batches" => metrics::record_many(&[0; 60_000], &[1.0; 60_000]).map_err(|rejection| rejection.error),
            "values" => metrics::record_many(&[0; 100_000], &[1.0; 100_000]).map_err(|rejection| rejection.error),
            _ => metrics::set_state(0, &"x".repeat(1 << 20), true),
        };
        match outcome {
            Ok(()) => made += 1,
            Err(error) => return format!("{made} {error:?}"),
        }
    }
    made.to_string()
}

/// Asks through the other plug, so many times; says what came of the last question.
pub(crate) fn ask(times: usize) -> String {
    let options = query::Options { timeout_ms: None, limit: None, lookback_ms: None };
    for _ in 1..times {
        let _ = query::instant("up", None, options);
    }
    match query::instant("up", None, options) {
        Ok(answer) => format!("ok {}", answer.parts),
        Err(error) => format!("{error:?}"),
    }
}

/// Asks for a label whose name leads elsewhere where it is taken for a path.
pub(crate) fn climb(name: &str) -> String {
    let selection = query::Selection { matches: Vec::new(), start_ms: None, end_ms: None, limit: None };
    match query::label_values(name, &selection) {
        Ok(answer) => format!("ok {}", answer.items.len()),
        Err(error) => format!("{error:?}"),
    }
}

pub(crate) fn clear() -> String {
    metrics::clear().to_string()
}

/// Calls the other plug for ever.
pub(crate) fn flood() -> ! {
    loop {
        core::hint::black_box(metrics::add(0, 1.0));
    }
}
