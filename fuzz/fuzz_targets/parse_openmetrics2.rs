//! No bytes make the reader panic, an error's place is in the input, and what is read can be
//! written again as the same families, byte for byte from then on.

#![no_main]

use libfuzzer_sys::fuzz_target;
use monitoring_prometheus::exposition::parse::{Families, Format, Limits, parse, reexpose};

fn read(input: &[u8]) -> Option<Families<'_>> {
    match parse(input, Format::OpenMetrics2, &Limits::default()) {
        Ok(families) => Some(families),
        Err(error) => {
            assert!(error.offset <= input.len() && !error.to_string().is_empty());
            None
        }
    }
}

fn written(families: &Families) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    reexpose(families, Format::OpenMetrics2, &mut out).ok().map(|_| out)
}

fuzz_target!(|input: &[u8]| {
    let Some(families) = read(input) else { return };
    for family in &families.list {
        let metrics = families.metrics(family);
        assert_eq!(metrics.iter().map(|metric| metric.points.len()).sum::<usize>(), family.points.len());
    }
    let Some(once) = written(&families) else { return };
    let again = read(&once).and_then(|families| written(&families));
    assert_eq!(again.as_deref(), Some(&*once));
});
