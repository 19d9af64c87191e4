//! Number encoding for snapshots: LEB128 for integers, little-endian bits for floats.
//!
//! Decoding never panics and does not allocate. Each number has exactly one valid encoding, so that
//! decoded data encodes to the same bytes.

/// Appends an integer: seven bits per byte, lowest first, with the top bit set on all bytes but the
/// last.
pub(super) fn write_unsigned(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number as u8) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends an integer with its sign in the lowest bit (zigzag), so that small magnitudes stay
/// short.
pub(super) fn write_signed(out: &mut Vec<u8>, number: i64) {
    write_unsigned(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Appends the eight bytes of a float. Every NaN is written as [`f64::NAN`], since the NaN produced
/// by an addition depends on the processor.
pub(super) fn write_float(out: &mut Vec<u8>, number: f64) {
    let number = if number.is_nan() { f64::NAN } else { number };
    out.extend_from_slice(&number.to_bits().to_le_bytes());
}

/// Takes an integer off the front; `None` if the input ends early, exceeds 64 bits or is padded.
pub(super) fn take_unsigned(input: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        let part = u64::from(byte & 0x7f);
        if part << shift >> shift != part {
            return None;
        }
        number |= part << shift;
        if byte & 0x80 == 0 {
            let padded = *byte == 0 && shift > 0;
            return (!padded).then_some(number);
        }
    }
    None
}

/// Takes an integer written by [`write_signed`] off the front.
pub(super) fn take_signed(input: &mut &[u8]) -> Option<i64> {
    let number = take_unsigned(input)?;
    Some(((number >> 1) as i64) ^ -((number & 1) as i64))
}

/// Takes a float off the front; `None` if the input ends early or is a NaN that [`write_float`]
/// does not write.
pub(super) fn take_float(input: &mut &[u8]) -> Option<f64> {
    let (bytes, rest) = input.split_first_chunk::<8>()?;
    *input = rest;
    let number = f64::from_bits(u64::from_le_bytes(*bytes));
    (!number.is_nan() || number.to_bits() == f64::NAN.to_bits()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_round_trip(unsigned: u64, signed: i64, bits: u64) {
            let float = f64::from_bits(bits);
            let mut out = Vec::new();
            write_unsigned(&mut out, unsigned);
            write_signed(&mut out, signed);
            write_float(&mut out, float);
            let mut input = out.as_slice();
            prop_assert_eq!(take_unsigned(&mut input), Some(unsigned));
            prop_assert_eq!(take_signed(&mut input), Some(signed));
            let back = take_float(&mut input).unwrap();
            prop_assert!(back.to_bits() == bits || (back.is_nan() && float.is_nan()));
            prop_assert!(input.is_empty());
        }

        #[test]
        fn integers_have_one_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut input = bytes.as_slice();
            if let Some(number) = take_unsigned(&mut input) {
                let mut out = Vec::new();
                write_unsigned(&mut out, number);
                prop_assert_eq!(&out, &bytes[..bytes.len() - input.len()]);
            }
        }
    }

    #[test]
    fn extremes_match_leb128() {
        for (number, length) in [(0, 1), (127, 1), (128, 2), (u64::MAX, 10)] {
            let mut out = Vec::new();
            write_unsigned(&mut out, number);
            assert_eq!(out.len(), length);
            assert_eq!(take_unsigned(&mut out.as_slice()), Some(number));
        }
        assert_eq!(take_unsigned(&mut [0xff; 10].as_slice()), None, "70 bits");
        assert_eq!(
            take_unsigned(&mut [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2].as_slice()),
            None,
            "65 bits"
        );
        assert_eq!(take_unsigned(&mut [0x80, 0].as_slice()), None, "a padded zero");
        assert_eq!(take_unsigned(&mut [0x80].as_slice()), None, "an early end");
    }
}
