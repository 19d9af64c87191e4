//! Encodes 10,000 counters and gauges, and 1,000 histograms of 15 buckets, from a registry: `cargo
//! bench -p plugpipe-metrics --bench encode`.
//!
//! Each round measures every encoder once, so that background load affects all of them; the medians
//! of all rounds are compared. Nothing is cached between rounds: text is written as at the first
//! scrape.

// A bench measures time.
#![allow(clippy::disallowed_methods)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use plugpipe_metrics::Error;
use plugpipe_metrics::exposition::escaping::Escaping;
use plugpipe_metrics::exposition::{openmetrics, openmetrics2, text};
use plugpipe_metrics::registry::{Buckets, Definition, Kind, LabelName, MetricName, Registry};

const ROUNDS: usize = 31;

/// A registry of families whose kinds alternate, with two labels per series.
fn registry(families: usize, series: usize, kinds: &[Kind], value: impl Fn(usize) -> f64) -> Result<Registry, Error> {
    let mut registry = Registry::default();
    registry.set_now(1_700_000_000_123);
    for (family, kind) in (0..families).zip(kinds.iter().cycle()) {
        let suffix = if *kind == Kind::Counter { "_total" } else { "" };
        let name = MetricName::new(&format!("benchmark_requests_{family}{suffix}"), "name")?;
        let mut definition = Definition::new(name, *kind);
        definition.help = Some(format!("Requests counted by family {family}."));
        definition.label_names = vec![LabelName::new("method", "labels")?, LabelName::new("path", "labels")?];
        definition.buckets = (*kind == Kind::Histogram).then(Buckets::default);
        let id = registry.register(definition)?;
        for number in 0..series {
            let one = registry.series(id, &["GET", &format!("/api/v1/resource/{number}")])?;
            registry.record(one, value(family * series + number))?;
        }
    }
    Ok(registry)
}

fn median(times: &[Duration]) -> f64 {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64() * 1e3
}

/// A name, and what encodes and returns the length.
type Encoder<'e> = (&'static str, Box<dyn Fn() -> usize + 'e>);

/// Measures encoders of one registry against each other, the first being what the others are
/// compared with.
fn compare(title: &str, encoders: &[Encoder]) {
    let mut times: Vec<Vec<Duration>> = encoders.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for ((_, encode), times) in encoders.iter().zip(&mut times) {
            let start = Instant::now();
            black_box(encode());
            times.push(start.elapsed());
        }
    }
    println!("{title}; medians of {ROUNDS} rounds");
    let first = times.first().map_or(0.0, |times| median(times));
    for ((name, encode), times) in encoders.iter().zip(&times) {
        let own = median(times);
        println!("{name:24} {own:8.3} ms {:9} bytes   {:5.2} x the first", encode(), own / first);
    }
}

fn main() -> Result<(), Error> {
    let first_text =
        |registry: &Registry| text::Encoder::new().encode(registry, Escaping::Underscores).map_or(0, <[u8]>::len);
    let first = |registry: &Registry| {
        let mut out = Vec::new();
        openmetrics::encode(&registry.read(registry.now_ms()), Escaping::Underscores, &mut out);
        out.len()
    };
    let second = |registry: &Registry| {
        let mut out = Vec::new();
        openmetrics2::encode_registry(registry, registry.now_ms(), Escaping::AllowUtf8, &mut out);
        out.len()
    };
    let numbers = registry(100, 100, &[Kind::Counter, Kind::Gauge], |at| at as f64 * 1.25)?;
    compare(
        "10,000 counters and gauges",
        &[
            ("text", Box::new(|| first_text(&numbers))),
            ("OpenMetrics 1.0", Box::new(|| first(&numbers))),
            ("OpenMetrics 2.0", Box::new(|| second(&numbers))),
        ],
    );
    let histograms = registry(20, 50, &[Kind::Histogram], |at| at as f64 / 10.0)?;
    compare(
        "1,000 classic histograms",
        &[
            ("OpenMetrics 1.0", Box::new(|| first(&histograms))),
            ("OpenMetrics 2.0", Box::new(|| second(&histograms))),
            ("text", Box::new(|| first_text(&histograms))),
        ],
    );
    Ok(())
}
