//! Snappy's block format, as remote write asks for it: the length of what is compressed as a varint, then literals and copies.
//! Knows nothing of what the bytes mean.
//!
//! The encoder looks for what came before in the same 64 KiB, by the hash of four bytes, and takes the first match; that is what
//! the reference implementations do. It writes no longer form of a copy than the one with two bytes of offset. The crate `snap`
//! would do the same; it is what the tests read with.

/// Offsets of copies have two bytes, and matches do not reach over the end of a block of that size.
const BLOCK: usize = 1 << 16;

/// Places that are remembered, by hash.
const PLACES: usize = 1 << 13;

/// The block that holds these bytes. At most a sixtieth longer than they are, and 16 bytes.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + bytes.len() / 2);
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    let mut places = vec![0_u16; PLACES];
    for block in bytes.chunks(BLOCK) {
        compress_block(block, &mut places, &mut out);
    }
    out
}

fn compress_block(block: &[u8], places: &mut [u16], out: &mut Vec<u8>) {
    places.fill(0);
    let four = |at: usize| block.get(at..)?.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes));
    // What was not written yet begins at `begin`; the first byte can be no copy of anything.
    let (mut begin, mut at, mut misses) = (0, 1, 0);
    while let Some(word) = four(at) {
        let hash = (word.wrapping_mul(0x1e35_a7bd) >> 19) as usize;
        let Some(place) = places.get_mut(hash) else { break };
        let earlier = usize::from(core::mem::replace(place, at as u16));
        if four(earlier) != Some(word) {
            // Where little is alike, ever fewer places are looked at.
            misses += 1;
            at += 1 + misses / 32;
            continue;
        }
        let (source, target) = (block.get(earlier + 4..), block.get(at + 4..));
        let more = source.unwrap_or_default().iter().zip(target.unwrap_or_default()).take_while(|(a, b)| a == b);
        let length = 4 + more.count();
        literal(block.get(begin..at).unwrap_or_default(), out);
        copy(at - earlier, length, out);
        at += length;
        begin = at;
        misses = 0;
    }
    literal(block.get(begin..).unwrap_or_default(), out);
}

/// Bytes as they are, at most [`BLOCK`].
fn literal(bytes: &[u8], out: &mut Vec<u8>) {
    let Some(last) = bytes.len().checked_sub(1) else { return };
    match last {
        0..60 => out.push((last as u8) << 2),
        60..256 => out.extend([60 << 2, last as u8]),
        _ => out.extend([61 << 2, last as u8, (last >> 8) as u8]),
    }
    out.extend_from_slice(bytes);
}

/// Bytes that stand `offset` before, as many as wanted.
fn copy(offset: usize, mut length: usize, out: &mut Vec<u8>) {
    while length > 0 {
        let part = length.min(64);
        out.extend([(part as u8 - 1) << 2 | 2, offset as u8, (offset >> 8) as u8]);
        length -= part;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn read_back(bytes: &[u8]) -> Vec<u8> {
        snap::raw::Decoder::new().decompress_vec(&compress(bytes)).unwrap()
    }

    #[test]
    fn an_independent_reader_finds_blocks_of_any_size() {
        for size in [0, 1, 3, 4, 5, 59, 60, 61, 255, 256, 257, 65_535, 65_536, 65_537, 200_000] {
            let rising: Vec<u8> = (0..size).map(|at: u32| (at.wrapping_mul(at) >> 7) as u8).collect();
            assert_eq!(read_back(&rising), rising, "{size}");
            let same = vec![7; size as usize];
            assert_eq!(read_back(&same), same, "{size}");
        }
    }

    #[test]
    fn what_repeats_becomes_short_and_what_does_not_hardly_longer() {
        let labels = b"\x0a\x08__name__\x12\x0arequests_total\x0a\x04path\x12\x05/".repeat(1_000);
        assert!(compress(&labels).len() * 15 < labels.len());
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(100_000)
        .collect();
        assert_eq!(read_back(&noise), noise);
        assert!(compress(&noise).len() < noise.len() + noise.len() / 60 + 16);
    }

    proptest! {
        #[test]
        fn an_independent_reader_finds_the_same(parts in vec((vec(0_u8..4, 0..300), 1_usize..80), 0..8)) {
            let bytes: Vec<u8> = parts.into_iter().flat_map(|(part, times)| part.repeat(times)).collect();
            prop_assert_eq!(read_back(&bytes), bytes);
        }
    }
}
