//! Instants and durations as Prometheus and RFC 3339 write them. Reads no clock: [`crate::http::Clock`] does.

use core::time::Duration;

use crate::error::excerpt;

/// Formats nanoseconds since the Unix epoch as RFC 3339 in UTC with milliseconds, for example
/// `2024-01-01T00:00:00.000Z`.
pub fn rfc3339(unix_nanos: u64) -> String {
    let millis = unix_nanos / 1_000_000;
    let seconds = millis / 1_000;
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let mut text = String::with_capacity(24);
    let mut put = |digits: [u64; 2], after: &str| {
        for digit in digits {
            // Both are below ten.
            text.push(char::from(b'0' + digit as u8));
        }
        text.push_str(after);
    };
    let mut two = |number: u64, after| put([number / 10 % 10, number % 10], after);
    two(year / 100, "");
    two(year % 100, "-");
    two(month, "-");
    two(day, "T");
    two(hour, ":");
    two(minute, ":");
    two(second, ".");
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
    } else if let Some(seconds) = read_rfc3339(text.as_bytes()) {
        return Ok(seconds);
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

/// Year, month and day of so many days after 1970-01-01, in the Gregorian calendar. Counted from a March, so that a leap day
/// ends its year.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day_of_year - (153 * month_from_march + 2) / 5 + 1)
}

/// Days from 1970-01-01 to a day that exists; none for one that does not. The inverse of [`date`].
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => 31,
    };
    if !(1..=12).contains(&month) || !(1..=last).contains(&day) {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468)
}

/// RFC 3339, as seconds since the epoch. A leap second, which only a UTC month can end with, counts as the last moment before
/// the next second. A double holds today's nanoseconds to about a quarter of a microsecond: finer than Prometheus's milliseconds.
fn read_rfc3339(mut text: &[u8]) -> Option<f64> {
    let number = |text: &mut &[u8], digits: usize, after: &[u8]| {
        let (number, rest) = text.split_at_checked(digits)?;
        let value =
            number.iter().try_fold(0, |value, digit| Some(value * 10 + i64::from(char::from(*digit).to_digit(10)?)))?;
        *text = match rest.split_first() {
            Some((sign, rest)) if after.contains(sign) => rest,
            _ if after.is_empty() => rest,
            _ => return None,
        };
        Some(value)
    };
    let text = &mut text;
    let day = days(number(text, 4, b"-")?, number(text, 2, b"-")?, number(text, 2, b"Tt ")?)?;
    let (hour, minute, second) = (number(text, 2, b":")?, number(text, 2, b":")?, number(text, 2, b"")?);
    let mut nanos = 0;
    if let Some(digits) = text.strip_prefix(b".") {
        let count = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        // What is finer than a nanosecond is dropped.
        nanos = (0..9).fold(0, |nanos, at| {
            nanos * 10 + digits.get(at).filter(|_| at < count).map_or(0, |digit| i64::from(digit - b'0'))
        });
        *text = digits.get(count..)?;
    }
    let offset = match text.split_first()? {
        (b'Z' | b'z', []) => 0,
        (sign @ (b'+' | b'-'), rest) => {
            *text = rest;
            let (hours, minutes) = (number(text, 2, b":")?, number(text, 2, b"")?);
            if !text.is_empty() || hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -60 } else { 60 }
        }
        _ => return None,
    };
    let leap = second == 60;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = day * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    if leap {
        // There were none before 1970.
        let begins_month = seconds.rem_euclid(86_400) == 0
            && u64::try_from(seconds.div_euclid(86_400)).is_ok_and(|days| date(days).2 == 1);
        return begins_month.then(|| (i128::from(seconds) * 1_000_000_000 - 1) as f64 / 1e9);
    }
    Some((i128::from(seconds) * 1_000_000_000 + i128::from(nanos)) as f64 / 1e9)
}

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

/// Writes a duration as Prometheus does: `1m30s`, `500ms`, `1d`; whole milliseconds, `0s` for none.
pub fn prometheus_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".into();
    }
    let mut text = String::new();
    for (unit, millis, exact) in [
        ("y", 31_536_000_000, true),
        ("w", 604_800_000, true),
        ("d", 86_400_000, false),
        ("h", 3_600_000, false),
        ("m", 60_000, false),
        ("s", 1_000, false),
        ("ms", 1, false),
    ] {
        // Years and weeks only where they are the whole of it.
        if rest >= millis && (!exact || rest % millis == 0) {
            text.push_str(&(rest / millis).to_string());
            text.push_str(unit);
            rest %= millis;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use ::time::OffsetDateTime;
    use ::time::format_description::well_known::Rfc3339;
    use proptest::prelude::*;

    use super::*;

    /// Seconds since the epoch, as another reader of RFC 3339 has them.
    fn theirs(text: &str) -> Option<f64> {
        OffsetDateTime::parse(text, &Rfc3339).ok().map(|instant| instant.unix_timestamp_nanos() as f64 / 1e9)
    }

    proptest! {
        #[test]
        fn an_instant_is_read_as_another_reader_reads_it(
            year in 1900..2200_i32, month in 0..14_u8, day in 0..33_u8, hour in 0..25_u8, minute in 0..61_u8, second in 0..61_u8,
            fraction in "(\\.[0-9]{1,12})?", zone in "[Zz]|[+-](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]|[+-][0-9]{2}:[0-9]{2}|",
            cut in 0..40_usize,
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}");
            prop_assert_eq!(read_rfc3339(text.as_bytes()), theirs(&text), "{}", text);
            let cut = text.get(..cut).unwrap_or(&text);
            prop_assert_eq!(read_rfc3339(cut.as_bytes()), theirs(cut), "{}", cut);
        }

        #[test]
        fn any_bytes_are_no_instant_or_one(bytes: Vec<u8>, signs in "[0-9TZ:.+ -]{0,30}") {
            read_rfc3339(&bytes);
            prop_assert_eq!(read_rfc3339(signs.as_bytes()), theirs(&signs), "{}", signs);
        }

        #[test]
        fn an_instant_is_written_as_another_writer_writes_it(nanos: u64) {
            let millis = i128::from(nanos / 1_000_000);
            let instant = OffsetDateTime::parse(&rfc3339(nanos), &Rfc3339).unwrap();
            prop_assert_eq!(instant.unix_timestamp_nanos(), millis * 1_000_000);
        }
    }

    #[test]
    fn leap_seconds_are_those_that_can_be() {
        for text in
            ["2016-12-31T23:59:60Z", "2017-01-01T00:59:60+01:00", "2016-12-30T23:59:60Z", "2016-12-31T22:59:60Z"]
        {
            assert_eq!(read_rfc3339(text.as_bytes()), theirs(text), "{text}");
        }
    }

    #[test]
    fn durations_are_written_as_prometheus_writes_them() {
        for (millis, text) in [
            (0, "0s"),
            (1, "1ms"),
            (90_000, "1m30s"),
            (3_600_000, "1h"),
            (86_400_000, "1d"),
            (604_800_000, "1w"),
            (8 * 86_400_000, "8d"),
            (5_405_000, "1h30m5s"),
            (1_500, "1s500ms"),
            (31_536_000_000, "1y"),
        ] {
            assert_eq!(prometheus_duration(Duration::from_millis(millis)), text);
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)));
        }
    }

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
