//! Parses 10,000 series of text and compares with the crate `prometheus-parse`: `cargo bench -p
//! plugpipe-metrics --bench parse`.
//!
//! Each round measures every parser once, so that background load affects all of them; the medians
//! of all rounds are compared, per sample. [`Reader`] yields events and stores nothing; the others
//! collect all samples.

// A bench measures time.
#![allow(clippy::disallowed_methods)]

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use plugpipe_metrics::exposition::parse::{Event, Format, Limits, Reader, parse};

const FAMILIES: usize = 100;
const SERIES: usize = 100;
const ROUNDS: usize = 31;

/// Whole histograms of 15 buckets in text, or in OpenMetrics 2.0: 20 families of 50 series.
fn histograms(second: bool) -> String {
    let mut text = String::new();
    for family in 0..20 {
        let name = format!("benchmark_seconds_{family}");
        let _ = writeln!(text, "# TYPE {name} histogram");
        for series in 0..50 {
            let labels = format!("method=\"GET\",path=\"/api/v1/resource/{series}\"");
            let bounds = (1..=15).map(|bound| f64::from(bound) / 8.0);
            if second {
                let buckets: String = bounds.map(|bound| format!("{bound}:{},", bound * 8.0)).collect();
                let _ = writeln!(text, "{name}{{{labels}}} {{count:16,sum:12.5,bucket:[{buckets}+Inf:16]}}");
                continue;
            }
            for bound in bounds {
                let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {}", bound * 8.0);
            }
            let _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} 16\n{name}_sum{{{labels}}} 12.5");
            let _ = writeln!(text, "{name}_count{{{labels}}} 16");
        }
    }
    if second {
        text.push_str("# EOF\n");
    }
    text
}

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
    // In 2.0 the family has the name of its samples.
    let second = text.clone() + "# EOF\n";
    let (buckets, composite) = (histograms(false), histograms(true));
    type Measured<'m> = (&'static str, &'m str, Box<dyn Fn(&str) -> usize>, Vec<Duration>);
    let mut measured: [Measured; 11] = [
        ("prometheus-parse, text", &text, Box::new(peer), Vec::new()),
        ("text, all samples collected", &text, Box::new(|text| read(text, Format::Text)), Vec::new()),
        ("text, events", &text, Box::new(|text| events(text, Format::Text)), Vec::new()),
        ("openmetrics, collected", &openmetrics, Box::new(|text| read(text, Format::OpenMetrics)), Vec::new()),
        ("openmetrics, events", &openmetrics, Box::new(|text| events(text, Format::OpenMetrics)), Vec::new()),
        ("openmetrics 2.0, collected", &second, Box::new(|text| read(text, Format::OpenMetrics2)), Vec::new()),
        ("openmetrics 2.0, events", &second, Box::new(|text| events(text, Format::OpenMetrics2)), Vec::new()),
        ("histograms: text, collected", &buckets, Box::new(|text| read(text, Format::Text)), Vec::new()),
        ("histograms: text, events", &buckets, Box::new(|text| events(text, Format::Text)), Vec::new()),
        ("histograms: 2.0, collected", &composite, Box::new(|text| read(text, Format::OpenMetrics2)), Vec::new()),
        ("histograms: 2.0, events", &composite, Box::new(|text| events(text, Format::OpenMetrics2)), Vec::new()),
    ];
    for round in 0..ROUNDS {
        for (name, text, read, times) in &mut measured {
            let start = Instant::now();
            let samples = black_box(read(text));
            times.push(start.elapsed());
            let expected = if name.starts_with("histograms") { 20 * 50 * 18 } else { FAMILIES * SERIES };
            assert!(round > 0 || samples == expected, "{name} read {samples} samples");
        }
    }
    let median = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort();
        times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    let peer = measured.first().map_or(0.0, |(_, _, _, times)| median(times));
    println!("{} series, {} bytes; medians of {ROUNDS} rounds", FAMILIES * SERIES, text.len());
    for (name, text, read, times) in &measured {
        let (own, samples) = (median(times), read(text) as f64);
        let speed = text.len() as f64 / own / 1e3;
        let per_sample = own * 1e6 / samples;
        let times = peer / (FAMILIES * SERIES) as f64 / (own / samples);
        println!(
            "{name:32} {own:8.3} ms {speed:8.0} MB/s {per_sample:6.0} ns per sample   {times:5.1} x prometheus-parse"
        );
    }
}
