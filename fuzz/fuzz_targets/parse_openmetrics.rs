//! No bytes make the reader panic, and an error's place is in the input.

#![no_main]

use libfuzzer_sys::fuzz_target;
use monitoring_prometheus::exposition::parse::{Format, Limits, parse};

fuzz_target!(|input: &[u8]| {
    match parse(input, Format::OpenMetrics, &Limits::default()) {
        Ok(families) => {
            for family in &families.list {
                let metrics = families.metrics(family);
                assert_eq!(metrics.iter().map(|metric| metric.points.len()).sum::<usize>(), family.points.len());
            }
        }
        Err(error) => assert!(error.offset <= input.len() && !error.to_string().is_empty()),
    }
});
