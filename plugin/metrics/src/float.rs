//! Float formatting: the shortest decimal that parses back to the same double; integers below
//! 10^15 without a point; `NaN`, `+Inf`, `-Inf`.
//!
//! Integers, and fractions with a magnitude from about 1/500 to 10^15, are formatted here;
//! everything else is left to `zmij`, whose output for the fast range would be identical. This is
//! much faster on wasm, where the 128-bit products that a general algorithm relies on are slow, as
//! is every call to memmove.
//!
//! In that range the decimal digits come from one exact product. A double is `m / 2^q` with a
//! 53-bit `m`; every decimal that is nearer to it than to its neighbors parses back to it. Let `n`
//! be the smallest number of decimal places with `10^-n` at most the distance to a neighbor,
//! `2^-q`. Then at least one decimal with `n` places parses back, and at most one with `n - 1`
//! does; the latter, if it exists, is shorter, and trimming its trailing zeros makes it the
//! shortest. With `n` at most 19, `m * 10^n` fits in 117 bits and is never rounded. (Considering
//! only two lengths is Schubfach's idea: R. Giulietti, "The Schubfach way to render doubles",
//! 2020.)

/// Powers of ten that fit in 64 bits.
#[allow(clippy::indexing_slicing)] // A constant: an index out of range would not compile.
const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut place = 1;
    while place < powers.len() {
        powers[place] = powers[place - 1] * 10;
        place += 1;
    }
    powers
};

/// Buffer size: a sign, 16 digits, a point, 19 decimal places, and slack for whole-word writes.
const BUFFER_LEN: usize = 48;

/// The longest output: `-2.2250738585072014e-308`.
pub(super) const MAX_LEN: usize = 24;

/// Integers below this are written without a point or exponent: they are exact and short.
const MAX_INTEGER: f64 = 1e15;

/// Fraction bits of a double.
const FRACTION_BITS: u32 = 52;

/// Formats numbers, reusing its buffers.
pub(super) struct Number {
    text: [u8; BUFFER_LEN],
    whole: itoa::Buffer,
    float: zmij::Buffer,
}

impl Default for Number {
    fn default() -> Self {
        Self { text: [0; BUFFER_LEN], whole: itoa::Buffer::new(), float: zmij::Buffer::new() }
    }
}

impl Number {
    /// The text of a number, at most [`MAX_LEN`] bytes.
    #[inline]
    pub(super) fn text(&mut self, value: f64) -> &[u8] {
        let size = value.abs();
        if size < MAX_INTEGER {
            let whole = value as i64;
            if whole as f64 == value && (whole != 0 || value.is_sign_positive()) {
                return self.whole.format(whole).as_bytes();
            }
            if let Some(length) = write_fraction(value, size as u64, &mut self.whole, &mut self.text) {
                return self.text.get(..length).unwrap_or_default();
            }
        }
        match value {
            f64::INFINITY => b"+Inf",
            f64::NEG_INFINITY => b"-Inf",
            _ if value.is_nan() => b"NaN",
            _ => self.float.format_finite(value).as_bytes(),
        }
    }
}

/// Writes a fractional number if it is in the fast range. `whole` is the integer part of its
/// magnitude.
#[inline]
fn write_fraction(value: f64, whole: u64, buffer: &mut itoa::Buffer, text: &mut [u8; BUFFER_LEN]) -> Option<usize> {
    let bits = value.to_bits();
    let exponent = (bits >> FRACTION_BITS) & 0x7ff;
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    // From 2^-9 up to 2^50. A power of two is closer to the neighbor below than to the one above;
    // leave it to `zmij`.
    if !(1_014..=1_072).contains(&exponent) || fraction == 0 {
        return None;
    }
    let (digits, places) = shortest(fraction | (1 << FRACTION_BITS), 1_075 - exponent as u32)?;
    // Rounding to this many places never reaches the next integer: that would be a different
    // double.
    let below_one = digits.wrapping_sub(whole.wrapping_mul(*POWERS.get(places)?));
    let end = write_integer(value < 0.0, whole, buffer, text)?;
    *text.get_mut(end)? = b'.';
    let places = write_places(end + 1, below_one.wrapping_mul(*POWERS.get(19 - places)?), text)?;
    Some(end + 1 + places)
}

/// Writes a sign and an integer below 10^15, and returns their length.
#[inline]
fn write_integer(negative: bool, size: u64, buffer: &mut itoa::Buffer, text: &mut [u8; BUFFER_LEN]) -> Option<usize> {
    *text.first_mut()? = b'-';
    let at = usize::from(negative);
    // Byte by byte, since most are short.
    if size < 10 {
        *text.get_mut(at)? = b'0' + size as u8;
        return Some(at + 1);
    }
    let digits = buffer.format(size).as_bytes();
    for (place, digit) in text.get_mut(at..)?.iter_mut().zip(digits) {
        *place = *digit;
    }
    Some(at + digits.len())
}

/// Writes 19 decimal places, and returns their number without trailing zeros.
#[inline]
fn write_places(at: usize, places: u64, text: &mut [u8; BUFFER_LEN]) -> Option<usize> {
    let head = places / 1_000;
    let tail = places - head * 1_000;
    let upper = head / 100_000_000;
    let (first, second) = (eight_digits(upper as u32), eight_digits((head - upper * 100_000_000) as u32));
    // As in `eight_digits`, below 1,000.
    let (hundreds, tens) = ((tail * 656) >> 16, (tail * 6_554) >> 16);
    let third = hundreds | ((tens - hundreds * 10) << 8) | ((tail - tens * 10) << 16);
    write_digits(first, at, text);
    write_digits(second, at + 8, text);
    write_digits(third, at + 16, text);
    let (before, last) = match (second, third) {
        (0, 0) => (0, first),
        (_, 0) => (8, second),
        _ => (16, third),
    };
    Some(before + 8 - last.leading_zeros() as usize / 8)
}

/// Writes eight digits, given as one per byte.
#[inline]
fn write_digits(digits: u64, at: usize, text: &mut [u8; BUFFER_LEN]) {
    if let Some(place) = text.get_mut(at..at + 8).and_then(<[u8]>::first_chunk_mut::<8>) {
        *place = (digits | 0x3030_3030_3030_3030).to_le_bytes();
    }
}

/// The shortest decimal that parses back to `m / 2^q`, possibly with trailing zeros: its digits as
/// one number, and the number of decimal places.
#[inline]
fn shortest(m: u64, q: u32) -> Option<(u64, usize)> {
    // The next integer above q * log10(2), which is never an integer itself.
    let n = ((q * 1_233) >> 12) as usize + 1;
    let power = *POWERS.get(n)?;
    // From here on, in units of 10^-n: `whole` units and `rest` of the 2^q parts of one.
    let (high, low) = product(m, power);
    let whole = (high << (64 - q)) | (low >> q);
    let rest = low & ((1 << q) - 1);
    // Half the distance to a neighbor, in parts. An integer, since n is not 0.
    let half = power / 2;
    // Exactly halfway between two doubles, parsing picks the one with the even m.
    let reach = half + u64::from(m.is_multiple_of(2));
    let tens = whole / 10;
    let ones = whole - tens * 10;
    let up = 10 - ones;
    // The first comparisons guard against shifts that would lose bits: both half and 2^q are less
    // than 2^63. Branchless, since the shortest length is unpredictable.
    let is_down = (ones <= half >> q) & ((ones << q).wrapping_add(rest) < reach);
    let is_up = (up <= (half >> q) + 1) & ((up << q).wrapping_sub(rest) < reach);
    let shorter = (tens + u64::from(is_up)) * 10;
    // The nearest, ties to even.
    let middle = 1 << (q - 1);
    let nearest = whole + u64::from((rest > middle) | ((rest == middle) & !whole.is_multiple_of(2)));
    Some((if is_down | is_up { shorter } else { nearest }, n))
}

/// The 128-bit product, computed by halves: on wasm a 128-bit multiplication is a function call.
#[inline]
fn product(a: u64, b: u64) -> (u64, u64) {
    const LOW: u64 = 0xffff_ffff;
    let (a_high, a_low, b_high, b_low) = (a >> 32, a & LOW, b >> 32, b & LOW);
    let low = a_low * b_low;
    let middle = a_high * b_low + (low >> 32);
    let other = a_low * b_high + (middle & LOW);
    (a_high * b_high + (middle >> 32) + (other >> 32), (other << 32) | (low & LOW))
}

/// The eight decimal digits of a number below 10^8, one per byte, most significant digit in the
/// lowest byte.
#[inline]
fn eight_digits(number: u32) -> u64 {
    // Four digits in each half, then two in each quarter, then one in each byte. Divisions are
    // multiplications and shifts that are exact below 10^8, 10,000 and 100, since compilers do not
    // optimize divisions by constants on wasm.
    let number = u64::from(number);
    let upper = (number * 109_951_163) >> 40;
    let fours = upper | ((number - upper * 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | ((fours - hundreds * 100) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((twos - tens * 10) << 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: f64) -> String {
        str::from_utf8(Number::default().text(value)).unwrap().to_owned()
    }

    /// The reference formatting, without the fast path.
    fn expected(value: f64) -> String {
        if value.is_finite() && value.fract() == 0.0 && value.abs() < 1e15 && value.to_bits() != (-0.0_f64).to_bits() {
            return (value as i64).to_string();
        }
        match value {
            f64::INFINITY => "+Inf".into(),
            f64::NEG_INFINITY => "-Inf".into(),
            _ => zmij::Buffer::new().format(value).into(),
        }
    }

    fn check(value: f64) {
        let text = text(value);
        assert_eq!(text, expected(value));
        assert!(text.len() <= MAX_LEN && (value.is_nan() || text.parse::<f64>().unwrap().to_bits() == value.to_bits()));
    }

    #[test]
    fn special_and_ordinary_values_match() {
        for value in [
            0.0,
            -0.0,
            0.002,
            0.1,
            1.5e-2,
            3.75,
            0.5,
            123.456,
            1e9 + 0.1,
            999_999_999_999_999.9,
            0.999_999_999_999_999_9,
        ] {
            check(value);
            check(-value);
        }
        for value in
            [1e-4, 5e-324, f64::MIN_POSITIVE, 1e14, 1e15 - 1.0, 1e15, 1e16 + 2.0, f64::MAX, f64::NAN, f64::INFINITY]
        {
            check(value);
            check(-value);
        }
        for power in 0..16 {
            let power = 10f64.powi(power);
            [power, power - 1.0, power + 1.0, 2.0 * power, -power].into_iter().for_each(check);
        }
        for whole in 0..100_000 {
            check(f64::from(whole));
        }
    }

    #[test]
    fn short_decimals_and_their_neighbors_match() {
        for digits in 1..2_000_u32 {
            for places in 0..=12 {
                let value = f64::from(digits) / 10f64.powi(places);
                for value in [value, value.next_up(), value.next_down(), -value, value + 1e6, value + 0.1] {
                    check(value);
                }
            }
        }
    }

    #[test]
    fn every_exponent_in_range_matches() {
        // Set `FLOAT_ROUNDS` for a longer run.
        let rounds = std::env::var("FLOAT_ROUNDS").map_or(2_000, |rounds| rounds.parse().unwrap());
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..rounds {
            for exponent in 1_012..=1_075_u64 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                // Include fractions whose low bits are all 0 or all 1.
                let fraction = match random >> 62 {
                    0 => (random & 0xffff) << 36,
                    1 => (random | 0xf_ffff_ffff) & 0xf_ffff_ffff_ffff,
                    _ => random & 0xf_ffff_ffff_ffff,
                };
                check(f64::from_bits((exponent << 52) | fraction));
            }
        }
    }

    proptest! {
        #[test]
        fn any_number_matches(value in any::<f64>(), near in -1e6..1e6, whole in any::<i64>(), shift in 0..64) {
            check(value);
            check(near);
            check((whole >> shift) as f64);
        }

        #[test]
        fn digits_and_products_match(number in 0_u32..100_000_000, a in any::<u64>(), b in any::<u64>()) {
            let text = (eight_digits(number) | 0x3030_3030_3030_3030).to_le_bytes();
            prop_assert_eq!(str::from_utf8(&text).unwrap(), format!("{number:08}"));
            let (high, low) = product(a, b);
            prop_assert_eq!((u128::from(high) << 64) | u128::from(low), u128::from(a) * u128::from(b));
        }
    }
}
