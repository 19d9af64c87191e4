//! Compressed bodies: gzip (RFC 1952) around deflate.

use miniz_oxide::deflate::compress_to_vec;

/// Level 1 takes a fifth of level 6's time for an exposition, whose lines repeat each other: and is nearly as short.
const LEVEL: u8 = 1;

/// No file name, no time, no system.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// The bytes as one gzip member.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut out = HEAD.to_vec();
    out.extend(compress_to_vec(bytes, LEVEL));
    out.extend_from_slice(&crc32(bytes).to_le_bytes());
    // Of more than 4 GiB the format has the lower half only, as well.
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out
}

/// CRC-32 by half bytes: a table of whole bytes would be a kilobyte of component.
fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let table: [u32; 16] = core::array::from_fn(|half| (0..4).fold(half as u32, bit));
    let step = |crc: u32| crc >> 4 ^ table.get((crc & 15) as usize).copied().unwrap_or_default();
    !bytes.iter().fold(!0, |crc, byte| step(step(crc ^ u32::from(*byte))))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

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
