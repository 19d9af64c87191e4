//! No bytes make the reader of snapshots panic, and what it takes is written back as the same
//! bytes. The checksum is made to fit: nothing that the fuzzer changes would get past it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use monitoring_prometheus::registry::Registry;

fuzz_target!(|body: &[u8]| {
    let mut input = body.to_vec();
    input.extend_from_slice(&checksum(body).to_le_bytes());
    if let Ok(registry) = Registry::restore(&input, 1) {
        let mut again = Vec::new();
        registry.snapshot(&mut again);
        assert_eq!(again, input);
    }
});

/// As the module `registry::snapshot` describes it.
fn checksum(bytes: &[u8]) -> u64 {
    let step = |sum: u64, word: u64| {
        let sum = (sum ^ word).wrapping_mul(0x0100_0000_01b3);
        sum ^ (sum >> 32)
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let sum = words.iter().fold(0xcbf2_9ce4_8422_2325, |sum, word| step(sum, u64::from_le_bytes(*word)));
    let sum = rest.iter().fold(sum, |sum, byte| step(sum, u64::from(*byte)));
    step(sum, bytes.len() as u64)
}
