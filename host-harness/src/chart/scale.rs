//! Axis ticks and their labels.

use std::time::{Duration, UNIX_EPOCH};

/// About `wanted` round numbers that enclose the range: multiples of 1, 2 or 5 times a power of
/// ten.
pub(super) fn ticks((min, max): (f64, f64), wanted: usize) -> Vec<f64> {
    let rough = (max - min) / wanted.max(1) as f64;
    // The difference of extreme numbers underflows or overflows.
    if !rough.is_finite() || rough <= 0.0 {
        return vec![min, max];
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|factor| factor * power).find(|step| *step >= rough * 0.999);
    let step = step.unwrap_or(rough);
    let (first, last) = ((min / step).floor(), (max / step).ceil());
    if !step.is_normal() || last - first > 100.0 {
        return vec![min, max];
    }
    let count = (last - first) as usize;
    (0..=count).map(|index| (first + index as f64) * step).collect()
}

/// Formats a number briefly: `1.5k`, `0.25`, `-3M`.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN".into()
        } else if value > 0.0 {
            "+Inf".into()
        } else {
            "-Inf".into()
        };
    }
    let size = value.abs();
    let (scaled, unit) = match size {
        size if size >= 1e15 => return format!("{value:.2e}"),
        size if size >= 1e12 => (value / 1e12, "T"),
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        size if size > 0.0 && size < 1e-4 => return format!("{value:.2e}"),
        _ => (value, ""),
    };
    // Four digits distinguish neighboring ticks.
    let places = match scaled.abs() {
        size if size >= 1_000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 => 3,
        _ => 6,
    };
    let text = format!("{scaled:.places$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{}{unit}", if text == "-0" { "0" } else { text })
}

/// Formats a time in UTC, with the day if the range exceeds one.
pub(super) fn time(unix_seconds: f64, range: (f64, f64)) -> String {
    let Ok(since) = Duration::try_from_secs_f64(unix_seconds.round()) else { return number(unix_seconds) };
    // HTTP dates end with the year 9999.
    if since.as_secs() > 253_402_300_799 {
        return number(unix_seconds);
    }
    // `Thu, 26 Nov 2026 00:01:02 GMT`
    let text = httpdate::fmt_http_date(UNIX_EPOCH + since);
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default().to_owned();
    match range.1 - range.0 {
        span if span > 7.0 * 86_400.0 => part(5..11),
        span if span > 86_400.0 => format!("{} {}", part(5..11), part(17..22)),
        span if span > 600.0 => part(17..22),
        _ => part(17..25),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_enclose_the_range() {
        assert_eq!(ticks((0.0, 10.0), 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks((3.0, 97.0), 4), [0.0, 50.0, 100.0]);
        for range in [(-1.0, 1.0), (1e-9, 2e-9), (1e15, 1e15 + 8.0), (-1e300, 1e300), (0.1, 0.7), (-5.0, -4.9)] {
            for wanted in [0, 1, 4, 10] {
                let ticks = ticks(range, wanted);
                assert!(ticks.len() >= 2 && ticks.len() <= 101, "{range:?} {wanted}: {ticks:?}");
                assert!(
                    ticks.first().unwrap() <= &range.0 && ticks.last().unwrap() >= &range.1,
                    "{range:?}: {ticks:?}"
                );
            }
        }
        assert_eq!(ticks((-f64::MAX, f64::MAX), 4), [-f64::MAX, f64::MAX]);
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (0.25, "0.25"),
            (1234.0, "1234"),
            (12_340.0, "12.34k"),
            (2.5e6, "2.5M"),
            (-3e9, "-3G"),
            (1e-6, "1.00e-6"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (1e20, "1.00e20"),
            (100.0, "100"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn times_are_as_precise_as_the_range() {
        let at = 1_795_651_262.0;
        for (span, text) in [(60.0, "00:01:02"), (3_600.0, "00:01"), (172_800.0, "26 Nov 00:01"), (1e6, "26 Nov")] {
            assert_eq!(time(at, (at, at + span)), text);
        }
        assert_eq!(time(-5.0, (0.0, 1.0)), "-5");
        assert_eq!(time(1e30, (0.0, 1.0)), "1.00e30");
    }
}
