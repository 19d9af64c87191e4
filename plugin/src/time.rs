//! Instants and durations as Prometheus and RFC 3339 write them. Reads no clock: [`crate::http::Clock`] does.

use core::time::Duration;

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;

use crate::error::excerpt;

/// Formats nanoseconds since the Unix epoch as RFC 3339 in UTC with milliseconds, for example
/// `2024-01-01T00:00:00.000Z`.
pub fn rfc3339(unix_nanos: u64) -> String {
    let millis = unix_nanos / 1_000_000;
    // A 64-bit count of nanoseconds ends in the year 2554, which the calendar reaches.
    let seconds = i64::try_from(millis / 1_000).unwrap_or_default();
    let instant = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = instant.to_calendar_date();
    let (hour, minute, second) = instant.to_hms();
    let mut text = String::with_capacity(24);
    let mut put = |digits: [u64; 2], after: &str| {
        for digit in digits {
            // Both are below ten.
            text.push(char::from(b'0' + digit as u8));
        }
        text.push_str(after);
    };
    let mut two = |number: u64, after| put([number / 10 % 10, number % 10], after);
    two(u64::from(year.unsigned_abs()) / 100, "");
    two(u64::from(year.unsigned_abs()) % 100, "-");
    two(u64::from(u8::from(month)), "-");
    two(u64::from(day), "T");
    two(u64::from(hour), ":");
    two(u64::from(minute), ":");
    two(u64::from(second), ".");
    let millis = millis % 1_000;
    two(millis / 10, "");
    text.push(char::from(b'0' + (millis % 10) as u8));
    text.push('Z');
    text
}

/// Reads an instant: RFC 3339 (`2024-01-01T00:00:00Z`) or seconds since the Unix epoch (`1704067200.5`).
///
/// Returns seconds since the epoch. The error says what was expected.
pub fn parse_instant(text: &str) -> Result<f64, String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        if seconds.is_finite() {
            return Ok(seconds);
        }
    } else if let Ok(instant) = OffsetDateTime::parse(text, &Rfc3339) {
        // A double holds today's nanoseconds to about a quarter of a microsecond: finer than Prometheus's milliseconds.
        return Ok(instant.unix_timestamp_nanos() as f64 / 1e9);
    }
    Err(format!(
        "expected an instant such as 2024-01-01T00:00:00Z, or seconds since 1970 such as 1704067200, got {text:?}"
    ))
}

/// Reads a moment: an instant as [`parse_instant`] does, or one that is told from now: `now`, `now-1h`, `now+5m`, `-1d12h`.
///
/// Returns milliseconds since the epoch, as fine as Prometheus keeps them. The error says what was expected.
pub fn parse_moment(text: &str, now_unix_nanos: u64) -> Result<i64, String> {
    let text = text.trim();
    let now = (now_unix_nanos / 1_000_000) as i64;
    let from_now = text.strip_prefix("now").map(str::trim_start);
    // `-5` is a moment in 1969; with a unit it can only be meant from now.
    let from_now = from_now.or_else(|| Some(text).filter(|text| text.starts_with('-') && text.parse::<f64>().is_err()));
    let moment = match from_now {
        Some("") => Some(now),
        Some(offset) => offset
            .strip_prefix(['-', '+'])
            .and_then(|duration| parse_duration(duration).ok())
            .and_then(|duration| i64::try_from(duration.as_millis()).ok())
            .and_then(|shift| if offset.starts_with('-') { now.checked_sub(shift) } else { now.checked_add(shift) }),
        None => parse_instant(text)
            .ok()
            .map(|seconds| seconds * 1e3)
            .filter(|ms| ms.abs() < MOST_MS)
            .map(|ms| ms.round() as i64),
    };
    moment.ok_or_else(|| {
        format!(
            "expected a moment such as 2024-01-01T00:00:00Z, seconds since 1970 such as 1704067200, now or now-1h, got {:?}",
            excerpt(text, 100)
        )
    })
}

/// Up to here a double holds every millisecond.
const MOST_MS: f64 = 9_007_199_254_740_992.0;

/// Reads a duration as Prometheus writes it (`15s`, `1m30s`, `500ms`, `1d`) or as plain seconds (`15`, `0.5`).
///
/// Units are `ms`, `s`, `m`, `h`, `d`, `w`, `y`, each at most once, the larger first. The error says what was expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let trimmed = text.trim();
    let wrong = || format!("expected a duration such as 15s, 1m30s or 500ms, or a number of seconds, got {trimmed:?}");
    if let Ok(seconds) = trimmed.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    const UNITS: [(&str, u64); 7] = [
        ("y", 365 * 86_400_000),
        ("w", 7 * 86_400_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let mut rest = trimmed;
    let mut total_millis: u64 = 0;
    let mut units = UNITS.iter();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let count: u64 = digits.parse().map_err(|_| wrong())?;
        // The iterator only moves forward, which is what makes the larger unit come first and none come twice.
        let (_, millis) = units.find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        total_millis = count.checked_mul(*millis).and_then(|part| total_millis.checked_add(part)).ok_or_else(wrong)?;
        rest = after;
    }
    Ok(Duration::from_millis(total_millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_prometheus() {
        for (text, millis) in [
            ("15s", 15_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1d", 86_400_000),
            ("1h1ms", 3_600_001),
            ("0", 0),
            ("2.5", 2_500),
            (" 10s ", 10_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "1", "abc", "1x", "30s1m", "1s1s", "-5s", "-5", "NaN", "1e400", "99999999999y", "1 m"] {
            let read = parse_duration(text);
            assert_eq!(read.is_ok(), text == "1", "{text:?} read as {read:?}");
        }
    }

    #[test]
    fn instants_are_rfc_3339_or_unix_seconds() {
        assert_eq!(parse_instant("2024-01-01T00:00:00Z"), Ok(1_704_067_200.0));
        assert_eq!(parse_instant("2024-01-01T01:00:00+01:00"), Ok(1_704_067_200.0));
        assert_eq!(parse_instant("1704067200.5"), Ok(1_704_067_200.5));
        for text in ["", "yesterday", "2024-01-01", "inf", "NaN"] {
            assert!(parse_instant(text).is_err(), "{text}");
        }
    }

    #[test]
    fn moments_may_be_told_from_now() {
        const NOW: u64 = 1_704_067_200_123_456_789;
        for (text, expected) in [
            ("now", 1_704_067_200_123),
            (" now-1h ", 1_704_063_600_123),
            ("now-1m30s", 1_704_067_110_123),
            ("now+500ms", 1_704_067_200_623),
            ("-1d12h", 1_703_937_600_123),
            ("-5", -5_000),
            ("1704067200.5", 1_704_067_200_500),
            ("1.7040672e9", 1_704_067_200_000),
            ("2024-01-01T01:00:00.25+01:00", 1_704_067_200_250),
        ] {
            assert_eq!(parse_moment(text, NOW), Ok(expected), "{text}");
        }
        for text in [
            "",
            "now-",
            "now1h",
            "nowhere",
            "now-1x",
            "now--1h",
            "-",
            "-1h-1h",
            "1h",
            "+1h",
            "1e300",
            "now-999999999y",
            "NaN",
        ] {
            assert!(parse_moment(text, NOW).is_err(), "{text}");
        }
    }

    #[test]
    fn an_instant_is_written_with_milliseconds() {
        assert_eq!(rfc3339(1_704_067_200_123_456_789), "2024-01-01T00:00:00.123Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(u64::MAX), "2554-07-21T23:34:33.709Z");
    }
}
