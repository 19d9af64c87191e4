//! Number formatting for the text formats: the shortest digits that parse back to the same number.

use crate::float::Number;

/// Appends the shortest text that parses back to the same number; integers without a point; `NaN`,
/// `+Inf`, `-Inf`.
// Inlining it at its many call sites would add kilobytes to the component.
#[inline(never)]
pub fn write_number(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(Number::default().text(value));
}

/// The output of [`write_number`] as a `String`.
pub fn number_text(value: f64) -> String {
    let mut text = Vec::new();
    write_number(value, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Formats a list of numbers for error messages: `[0.5, 1, 2.5]`.
pub fn numbers_text(values: &[f64]) -> String {
    let mut text = vec![b'['];
    for value in values {
        if text.len() > 1 {
            text.extend_from_slice(b", ");
        }
        write_number(*value, &mut text);
    }
    text.push(b']');
    String::from_utf8(text).unwrap_or_default()
}

/// Appends a count exactly, even above 2^53.
#[inline(never)]
pub fn write_count(count: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
}

/// Appends the canonical OpenMetrics form of a number in the labels `le` and `quantile`, where it
/// is part of the series' identity: `1.0`, `0.0001`, `1e-05`, `123456.0`, `1e+06`, `+Inf`. Zero has
/// no sign.
#[inline(never)]
pub fn write_canonical(value: f64, out: &mut Vec<u8>) {
    // The specification uses an exponent outside this range.
    const FIXED: std::ops::Range<i32> = -4..6;
    if !value.is_finite() {
        return write_number(value, out);
    }
    if value == 0.0 {
        return out.extend_from_slice(b"0.0");
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(value.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let whole = mantissa.split_once('.').map_or(mantissa, |(whole, _)| whole);
    let all = mantissa.bytes().filter(u8::is_ascii_digit);
    let leading = all.clone().take_while(|digit| *digit == b'0').count();
    let significant = all.clone().enumerate().filter(|(_, digit)| *digit != b'0').last().map_or(0, |(at, _)| at + 1);
    let count = (significant - leading) as i32;
    // The exponent in scientific notation: -3 for 0.00123.
    let power = exponent.parse::<i32>().unwrap_or(0) + (whole.len() as i32 - leading as i32) - 1;
    let mut digits = all.skip(leading);

    if value < 0.0 {
        out.push(b'-');
    }
    if !FIXED.contains(&power) {
        out.extend(digits.next());
        if count > 1 {
            out.push(b'.');
            out.extend(digits.take(count as usize - 1));
        }
        out.extend_from_slice(if power < 0 { b"e-" } else { b"e+" });
        if power.abs() < 10 {
            out.push(b'0');
        }
        return write_count(u64::from(power.unsigned_abs()), out);
    }
    if power < 0 {
        out.extend_from_slice(b"0.");
        out.extend((power + 1..0).map(|_| b'0'));
        return out.extend(digits.take(count as usize));
    }
    let mut digits = digits.take(count as usize);
    out.extend((0..=power).map(|_| digits.next().unwrap_or(b'0')));
    out.push(b'.');
    out.push(digits.next().unwrap_or(b'0'));
    out.extend(digits);
}

/// Appends milliseconds as seconds with three decimals: `1700000000.123`.
pub fn write_seconds(milliseconds: u64, out: &mut Vec<u8>) {
    write_count(milliseconds / 1000, out);
    let rest = milliseconds % 1000;
    out.extend([b'.', b'0' + (rest / 100) as u8, b'0' + (rest / 10 % 10) as u8, b'0' + (rest % 10) as u8]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn canonical_numbers_match_the_specification() {
        for expected in [
            "0.0",
            "0.001",
            "0.002",
            "0.01",
            "0.1",
            "0.9",
            "0.95",
            "0.99",
            "0.999",
            "1.0",
            "1.7",
            "10.0",
            "1e-10",
            "1e-09",
            "1e-05",
            "0.0001",
            "100000.0",
            "1e+06",
            "1e+10",
            "1e+23",
            "1.1e+23",
            "123456.0",
            "123456.5",
            "1.234567e+06",
            "1.5e-05",
            "0.00015",
            "-2.5",
            "-1e+06",
            "1e+100",
            "5e-324",
            "1.7976931348623157e+308",
            "+Inf",
            "-Inf",
        ] {
            let value = expected.replace("Inf", "inf").parse().unwrap();
            assert_eq!(written(|out| write_canonical(value, out)), expected);
        }
        assert_eq!(written(|out| write_canonical(-0.0, out)), "0.0");
    }

    #[test]
    fn seconds_have_three_decimals() {
        assert_eq!(written(|out| write_seconds(1_700_000_000_007, out)), "1700000000.007");
        assert_eq!(written(|out| write_seconds(0, out)), "0.000");
        assert_eq!(written(|out| write_seconds(u64::MAX, out)), "18446744073709551.615");
    }

    proptest! {
        #[test]
        fn numbers_round_trip(value in any::<f64>()) {
            let number = written(|out| write_number(value, out));
            prop_assert_eq!(number.parse::<f64>().unwrap().to_bits(), value.to_bits());
            let canonical = written(|out| write_canonical(value, out));
            prop_assert_eq!(canonical.parse::<f64>().unwrap(), value, "{}", canonical);
        }

        #[test]
        fn canonical_numbers_always_have_a_point_or_an_exponent(thousandths in -3_000_000_000_i64..3_000_000_000) {
            let text = written(|out| write_canonical(thousandths as f64 / 1000.0, out));
            prop_assert!(text.contains(['.', 'e']), "{}", text);
            prop_assert_eq!(text.parse::<f64>().unwrap(), thousandths as f64 / 1000.0);
        }
    }
}
