//! Compressed bodies.

use std::io::Read as _;

use flate2::Compression;
use flate2::bufread::GzEncoder;

/// Level 1 takes a fifth of level 6's time for an exposition, whose lines repeat each other, and
/// the result is nearly as short.
const LEVEL: u32 = 1;

/// The bytes as one gzip member.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // Reading from memory cannot fail.
    let _ = GzEncoder::new(bytes, Compression::new(LEVEL)).read_to_end(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpacked(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn an_exposition_becomes_much_shorter() {
        let text: String = (0..1_000).map(|n| format!("requests_total{{path=\"/a/{n}\"}} {n}\n")).collect();
        let packed = compress(text.as_bytes());
        assert_eq!(unpacked(&packed), text.as_bytes());
        assert!(packed.len() * 4 < text.len(), "{} of {}", packed.len(), text.len());
    }

    proptest! {
        #[test]
        fn what_is_compressed_is_the_same_again(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            prop_assert_eq!(unpacked(&compress(&bytes)), bytes);
        }
    }
}
