//! [`Timestamp`].

use core::fmt;
use core::str::FromStr;

use crate::{PrometheusDuration, quoted};

/// A point in time at Prometheus's resolution: whole milliseconds since the Unix epoch. Limited to
/// the years 0 to 9999, the range of RFC 3339.
///
/// [`FromStr`] accepts RFC 3339 (`2024-01-01T00:00:00Z`) and Unix seconds (`1704067200.5`);
/// [`Timestamp::parse`] also accepts times relative to now: `now`, `now-1h30m`, `now+2d`.
/// [`Display`](fmt::Display) writes RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    unix_millis: i64,
}

/// The error for an invalid timestamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongTimestamp(Problem);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Invalid(String),
    OutOfRange,
    Milliseconds,
}

impl fmt::Display for WrongTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Problem::Invalid(given) => write!(
                f,
                "expected a timestamp such as 2024-01-01T00:00:00Z, Unix seconds such as 1704067200, now or now-1h, got {given}"
            ),
            Problem::OutOfRange => f.write_str("the timestamp is outside the years 0 to 9999"),
            Problem::Milliseconds => {
                f.write_str("the timestamp is after the year 9999; expected Unix seconds, not milliseconds")
            }
        }
    }
}

impl core::error::Error for WrongTimestamp {}

/// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
const RANGE: core::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

impl Timestamp {
    /// Creates a timestamp from Unix milliseconds; `None` outside the years 0 to 9999.
    pub fn from_unix_millis(unix_millis: i64) -> Option<Self> {
        RANGE.contains(&unix_millis).then_some(Self { unix_millis })
    }

    /// Creates a timestamp from Unix nanoseconds, truncated to the millisecond.
    pub const fn from_unix_nanos(unix_nanos: u64) -> Self {
        Self { unix_millis: (unix_nanos / 1_000_000) as i64 }
    }

    /// Creates a timestamp from Unix seconds, rounded to the millisecond.
    ///
    /// # Errors
    /// The number is not finite, or the timestamp is outside the years 0 to 9999.
    pub fn from_unix_seconds(seconds: f64) -> Result<Self, WrongTimestamp> {
        if !seconds.is_finite() {
            return Err(WrongTimestamp(Problem::Invalid(seconds.to_string())));
        }
        let millis = (seconds * 1e3).round();
        // The cast saturates beyond 64 bits, and the result is still out of range.
        Self::from_unix_millis(millis as i64).ok_or(WrongTimestamp(match Self::from_unix_millis(seconds as i64) {
            Some(_) if seconds > 0.0 => Problem::Milliseconds,
            _ => Problem::OutOfRange,
        }))
    }

    /// Parses a timestamp as [`FromStr`] does, or relative to `now`: `now`, `now-1h`, `now+5m`, and
    /// `-1h` as short for `now-1h`. The duration is a [`PrometheusDuration`].
    ///
    /// # Errors
    /// The text has none of these forms, or the timestamp is outside the years 0 to 9999.
    pub fn parse(text: &str, now: Self) -> Result<Self, WrongTimestamp> {
        let text = text.trim();
        let relative = text.strip_prefix("now").map(str::trim_start);
        // `-5` is a time in 1969; with a unit it can only be relative to now.
        let relative =
            relative.or_else(|| Some(text).filter(|text| text.starts_with('-') && text.parse::<f64>().is_err()));
        let Some(offset) = relative else { return text.parse() };
        if offset.is_empty() {
            return Ok(now);
        }
        let invalid = || WrongTimestamp(Problem::Invalid(quoted(text)));
        let (sign, duration) = if let Some(duration) = offset.strip_prefix('-') {
            (-1, duration)
        } else {
            (1, offset.strip_prefix('+').ok_or_else(invalid)?)
        };
        let duration: PrometheusDuration = duration.parse().map_err(|_| invalid())?;
        // Neither can overflow 64 bits.
        Self::from_unix_millis(now.unix_millis + sign * duration.as_millis() as i64)
            .ok_or(WrongTimestamp(Problem::OutOfRange))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_millis(self) -> i64 {
        self.unix_millis
    }

    /// Nanoseconds since the Unix epoch; `None` before it and after the year 2553, where they
    /// overflow 64 bits.
    pub fn unix_nanos(self) -> Option<u64> {
        u64::try_from(self.unix_millis).ok()?.checked_mul(1_000_000)
    }

    /// Seconds since the Unix epoch.
    pub const fn unix_seconds(self) -> f64 {
        self.unix_millis as f64 / 1e3
    }

    /// Year, month and day in UTC.
    pub const fn date(self) -> (i64, u8, u8) {
        date(self.unix_millis.div_euclid(86_400_000))
    }

    /// Appends the timestamp as RFC 3339, like [`Display`](fmt::Display) but without the formatting
    /// machinery.
    pub fn write_rfc3339(self, out: &mut String) {
        let (year, month, day) = self.date();
        let millis = self.unix_millis.rem_euclid(86_400_000) as u32;
        let seconds = millis / 1_000;
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut write = |at: usize, digits: usize, mut number: u32| {
            for place in text.iter_mut().skip(at).take(digits).rev() {
                // Below ten.
                *place = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        write(0, 4, year as u32);
        write(5, 2, month.into());
        write(8, 2, day.into());
        write(11, 2, seconds / 3_600);
        write(14, 2, seconds / 60 % 60);
        write(17, 2, seconds % 60);
        write(20, 3, millis % 1_000);
        // All bytes are ASCII.
        out.push_str(core::str::from_utf8(&text).unwrap_or_default());
    }
}

impl FromStr for Timestamp {
    type Err = WrongTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(unix_millis) = parse_rfc3339(text.as_bytes()).filter(|timestamp| RANGE.contains(timestamp)) {
            return Ok(Self { unix_millis });
        }
        match text.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() => Self::from_unix_seconds(seconds),
            _ => Err(WrongTimestamp(Problem::Invalid(quoted(text)))),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(24);
        self.write_rfc3339(&mut text);
        f.write_str(&text)
    }
}

/// The Gregorian year, month and day for a number of days since 1970-01-01. Years are counted from
/// March so that a leap day is the last day of its year.
const fn date(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + (month <= 2) as i64;
    (year, month as u8, (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8)
}

/// Days from 1970-01-01 to the date; `None` if the date does not exist. The inverse of [`date`].
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

/// Parses RFC 3339 to milliseconds since the epoch, rounded. A leap second, valid only at the end
/// of a UTC month, becomes the last millisecond before the next second.
fn parse_rfc3339(mut text: &[u8]) -> Option<i64> {
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
    let mut millis = 0;
    if let Some(digits) = text.strip_prefix(b".") {
        let count = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        let digit = |at: usize| digits.get(at).filter(|_| at < count).map_or(0, |digit| i64::from(digit - b'0'));
        millis = digit(0) * 100 + digit(1) * 10 + digit(2) + i64::from(digit(3) >= 5);
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
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = day * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    if second == 60 {
        // Leap seconds did not exist before 1970.
        let starts_month = seconds >= 0 && seconds.rem_euclid(86_400) == 0 && date(seconds.div_euclid(86_400)).2 == 1;
        return starts_month.then_some(seconds * 1_000 - 1);
    }
    Some(seconds * 1_000 + millis)
}

#[cfg(feature = "serde")]
impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Accepts the same text as [`FromStr`], and Unix seconds as a number. Times relative to now need a
/// clock: see [`Timestamp::parse`].
#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a timestamp such as 2024-01-01T00:00:00Z, or Unix seconds such as 1704067200";
        crate::wire::deserialize(deserializer, expected, Self::from_unix_seconds)
    }
}

#[cfg(test)]
mod tests {
    use ::time::OffsetDateTime;
    use ::time::format_description::well_known::Rfc3339;
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_nanos(1_704_067_200_123_456_789);

    /// Milliseconds since the epoch, according to an independent RFC 3339 parser.
    fn reference_millis(text: &str) -> Option<i64> {
        let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
        // That parser maps a leap second to the last nanosecond before the next second, ours to the
        // last millisecond.
        let leap = text.get(17..19) == Some("60");
        Some((if leap { nanos.div_euclid(1_000_000) } else { (nanos + 500_000).div_euclid(1_000_000) }) as i64)
    }

    proptest! {
        #[test]
        fn matches_an_independent_parser(
            year in 1900..2200_i32, month in 0..14_u8, day in 0..33_u8, hour in 0..25_u8, minute in 0..61_u8, second in 0..61_u8,
            fraction in "(\\.[0-9]{1,12})?", zone in "[Zz]|[+-](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]|[+-][0-9]{2}:[0-9]{2}|",
            cut in 0..40_usize,
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}");
            prop_assert_eq!(parse_rfc3339(text.as_bytes()), reference_millis(&text), "{}", text);
            let cut = text.get(..cut).unwrap_or(&text);
            prop_assert_eq!(parse_rfc3339(cut.as_bytes()), reference_millis(cut), "{}", cut);
        }

        #[test]
        fn arbitrary_input_does_not_panic(bytes: Vec<u8>, signs in "[0-9TZ:.+ -]{0,30}", text in any::<String>()) {
            parse_rfc3339(&bytes);
            prop_assert_eq!(parse_rfc3339(signs.as_bytes()), reference_millis(&signs), "{}", &signs);
            let _ = (Timestamp::parse(&signs, NOW), Timestamp::parse(&text, NOW), Timestamp::parse(&format!("now{text}"), NOW));
        }

        #[test]
        fn timestamps_round_trip(unix_millis in RANGE) {
            let timestamp = Timestamp::from_unix_millis(unix_millis).unwrap();
            let text = timestamp.to_string();
            prop_assert_eq!(text.parse::<Timestamp>(), Ok(timestamp), "{}", &text);
            prop_assert_eq!(Timestamp::parse(&text, NOW), Ok(timestamp), "{}", &text);
            prop_assert_eq!(reference_millis(&text), Some(unix_millis), "{}", &text);
            // In this range a double represents milliseconds exactly enough.
            prop_assert_eq!(Timestamp::from_unix_seconds(timestamp.unix_seconds()), Ok(timestamp));
        }

        #[test]
        fn offsets_are_reversible(millis in 0..100_000_000_000_u64) {
            let shift = PrometheusDuration::from_millis(millis).unwrap();
            let then = Timestamp::parse(&format!("now-{shift}"), NOW).unwrap();
            prop_assert_eq!(Timestamp::parse(&format!("now+{shift}"), then), Ok(NOW));
            prop_assert_eq!(NOW.unix_millis() - then.unix_millis(), millis as i64);
        }
    }

    #[test]
    fn leap_seconds_are_valid_only_at_the_end_of_a_utc_month() {
        for text in
            ["2016-12-31T23:59:60Z", "2017-01-01T00:59:60+01:00", "2016-12-30T23:59:60Z", "2016-12-31T22:59:60Z"]
        {
            assert_eq!(parse_rfc3339(text.as_bytes()), reference_millis(text), "{text}");
        }
    }

    #[test]
    fn parses_rfc_3339_unix_seconds_and_relative_times() {
        for (text, expected) in [
            ("now", 1_704_067_200_123),
            (" now-1h ", 1_704_063_600_123),
            ("now-1m30s", 1_704_067_110_123),
            ("now+500ms", 1_704_067_200_623),
            ("now+2h", 1_704_074_400_123),
            ("now - 1h", 1_704_063_600_123),
            ("now-1.5h", 1_704_061_800_123),
            ("-1d12h", 1_703_937_600_123),
            ("-5", -5_000),
            ("1704067200.5", 1_704_067_200_500),
            ("1.7040672e9", 1_704_067_200_000),
            ("2024-01-01T01:00:00.25+01:00", 1_704_067_200_250),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ] {
            assert_eq!(Timestamp::parse(text, NOW).map(Timestamp::unix_millis), Ok(expected), "{text}");
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
            "inf",
            "yesterday",
            "2024-01-01",
            "now+9000y",
            "9999-12-31T23:59:59.9999Z",
        ] {
            assert!(Timestamp::parse(text, NOW).is_err(), "{text}");
        }
        assert!("now".parse::<Timestamp>().is_err(), "there is no clock");
    }

    #[test]
    fn milliseconds_instead_of_seconds_are_detected() {
        let problem = Timestamp::parse("1704067200000", NOW).unwrap_err().to_string();
        assert!(problem.contains("not milliseconds"), "{problem}");
        assert!(!Timestamp::parse("-1e15", NOW).unwrap_err().to_string().contains("not milliseconds"));
    }

    #[test]
    fn timestamps_are_formatted_with_milliseconds() {
        assert_eq!(NOW.to_string(), "2024-01-01T00:00:00.123Z");
        assert_eq!(Timestamp::from_unix_nanos(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_unix_nanos(u64::MAX).to_string(), "2554-07-21T23:34:33.709Z");
        assert_eq!(Timestamp::from_unix_nanos(u64::MAX).unix_nanos(), Some(18_446_744_073_709_000_000));
        assert_eq!(Timestamp::from_unix_millis(-1).unwrap().unix_nanos(), None);
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serde_writes_text_and_accepts_seconds() {
        for json in ["\"2024-01-01T00:00:00.123Z\"", "1704067200.123", "\"1704067200.123\""] {
            let read: Timestamp = serde_json::from_str(json).unwrap();
            assert_eq!(read, NOW, "{json}");
            assert_eq!(serde_json::to_string(&read).unwrap(), "\"2024-01-01T00:00:00.123Z\"");
        }
        assert!(serde_json::from_str::<Timestamp>("\"now\"").is_err());
    }
}
