//! Parses 10,000 series of text and compares with the crate `prometheus-parse`: `cargo bench -p
//! plugpipe-metrics --bench parse`.
//!
//! Each round measures every parser once, so that background load affects all of them; the medians
//! of all rounds are compared. [`Reader`] yields events and stores nothing; the others collect all
//! samples.

// A bench measures time.
#![allow(clippy::disallowed_methods)]

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use plugpipe_metrics::exposition::parse::{Event, Format, Limits, Reader, parse};

const FAMILIES: usize = 100;
const SERIES: usize = 100;
const ROUNDS: usize = 31;

/// 50 counters and 50 gauges of 100 series each, two labels per series.
fn exposition(openmetrics: bool) -> String {
    let mut text = String::new();
    for family in 0..FAMILIES {
        let base = format!("benchmark_requests_{family}");
        let (name, kind) = if family % 2 == 0 { (format!("{base}_total"), "counter") } else { (base.clone(), "gauge") };
        let head = if openmetrics { &base } else { &name };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {head} Requests counted by family {family}.\n# TYPE {head} {kind}");
        for series in 0..SERIES {
            let value = (family * SERIES + series) as f64 * 1.25;
            let _ = writeln!(text, "{name}{{method=\"GET\",path=\"/api/v1/resource/{series}\"}} {value}");
        }
    }
    if openmetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn read(input: &str, format: Format) -> usize {
    parse(input.as_bytes(), format, &Limits::default()).map_or(0, |families| families.samples())
}

fn events(input: &str, format: Format) -> usize {
    let Ok(mut reader) = Reader::new(input.as_bytes(), format, &Limits::default()) else { return 0 };
    let mut samples = 0;
    loop {
        match reader.next() {
            Ok(Event::Sample(sample)) => samples += usize::from(sample.value >= 0.0),
            Ok(Event::Eof) => return samples,
            Ok(_) => {}
            Err(_) => return 0,
        }
    }
}

fn peer(input: &str) -> usize {
    let lines = input.lines().map(|line| Ok(line.to_owned()));
    prometheus_parse::Scrape::parse_at(lines, Default::default()).map_or(0, |scrape| scrape.samples.len())
}

fn main() {
    let (text, openmetrics) = (exposition(false), exposition(true));
    type Measured<'m> = (&'static str, Box<dyn Fn() -> usize + 'm>, Vec<Duration>);
    let mut measured: [Measured; 5] = [
        ("text, all samples collected", Box::new(|| read(&text, Format::Text)), Vec::new()),
        ("text, events", Box::new(|| events(&text, Format::Text)), Vec::new()),
        ("openmetrics, all samples collected", Box::new(|| read(&openmetrics, Format::OpenMetrics)), Vec::new()),
        ("openmetrics, events", Box::new(|| events(&openmetrics, Format::OpenMetrics)), Vec::new()),
        ("prometheus-parse, text", Box::new(|| peer(&text)), Vec::new()),
    ];
    for round in 0..ROUNDS {
        for (name, read, times) in &mut measured {
            let start = Instant::now();
            let samples = black_box(read());
            times.push(start.elapsed());
            assert!(round > 0 || samples == FAMILIES * SERIES, "{name} read {samples} samples");
        }
    }
    let median = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort();
        times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    let peer = measured.last().map_or(0.0, |(_, _, times)| median(times));
    println!("{} series, {} bytes; medians of {ROUNDS} rounds", FAMILIES * SERIES, text.len());
    for (name, _, times) in &measured {
        let own = median(times);
        let speed = text.len() as f64 / own / 1e3;
        println!("{name:32} {own:8.3} ms {speed:8.0} MB/s   {:5.1} x prometheus-parse", peer / own);
    }
}
