//! [`PrometheusDuration`].

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use crate::quoted;

/// The units, largest first, in milliseconds. A year has 365 days, as in Prometheus.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// A duration in whole milliseconds, from zero to about 292 years, Prometheus's maximum.
///
/// [`FromStr`] accepts:
/// - Prometheus's form: `1h30m`, `1d12h`, `500ms`, `1y`. Units are `y`, `w`, `d`, `h`, `m`, `s` and
///   `ms`, each at most once, largest first.
/// - A decimal with a single unit: `1.5h`.
/// - A bare number of seconds: `15`, `0.5`.
///
/// Decimals are rounded to the millisecond. A nonzero duration that rounds to zero is an error, and
/// so is one that is too long.
///
/// [`Display`](fmt::Display) formats durations as Prometheus does: `1m30s`, `2w`, `15d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PrometheusDuration {
    millis: u64,
}

/// The error for an invalid duration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongDuration(Problem);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Invalid(String),
    TooLong,
    TooShort,
}

impl fmt::Display for WrongDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Problem::Invalid(given) => {
                write!(f, "expected a duration such as 15s, 1h30m, 1.5h or 500ms, or a number of seconds, got {given}")
            }
            Problem::TooLong => f.write_str("the duration is too long; expected at most 292y"),
            Problem::TooShort => f.write_str("the duration is too short; expected at least 1ms"),
        }
    }
}

impl core::error::Error for WrongDuration {}

impl PrometheusDuration {
    /// Zero.
    pub const ZERO: Self = Self { millis: 0 };

    /// The longest duration: `i64::MAX` nanoseconds, Prometheus's limit, in whole milliseconds.
    pub const MAX: Self = Self { millis: i64::MAX as u64 / 1_000_000 };

    /// Creates a duration from milliseconds; `None` above [`PrometheusDuration::MAX`].
    pub const fn from_millis(millis: u64) -> Option<Self> {
        if millis <= Self::MAX.millis { Some(Self { millis }) } else { None }
    }

    /// Creates a duration from seconds, rounded to the millisecond.
    ///
    /// # Errors
    /// The number is negative, not finite, too large, or so small that it rounds to zero.
    pub fn from_seconds(seconds: f64) -> Result<Self, WrongDuration> {
        Self::rounded(seconds, 1_000).map_err(WrongDuration)
    }

    /// The nearest duration that Prometheus can represent: at least a millisecond unless it is
    /// zero, at most [`PrometheusDuration::MAX`].
    pub fn saturating(duration: Duration) -> Self {
        let millis = duration.as_millis().max(u128::from(!duration.is_zero()));
        u64::try_from(millis).ok().and_then(Self::from_millis).unwrap_or(Self::MAX)
    }

    /// Parses Prometheus's own syntax only: no decimals, no bare number other than `0`, no
    /// surrounding whitespace.
    ///
    /// # Errors
    /// The text has another form, or the duration is too long.
    pub fn parse_strict(text: &str) -> Result<Self, WrongDuration> {
        if text == "0" { Ok(Self::ZERO) } else { Self::parse_units(text).map_err(WrongDuration) }
    }

    /// The duration in milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.millis
    }

    /// The duration in seconds.
    pub const fn as_secs_f64(self) -> f64 {
        self.millis as f64 / 1e3
    }

    /// The duration as a [`Duration`].
    pub const fn get(self) -> Duration {
        Duration::from_millis(self.millis)
    }

    fn parse_units(text: &str) -> Result<Self, Problem> {
        let invalid = || Problem::Invalid(quoted(text));
        let mut rest = text;
        let mut total: u64 = 0;
        let mut units = UNITS.iter();
        if rest.is_empty() {
            return Err(invalid());
        }
        while !rest.is_empty() {
            let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(invalid)?);
            let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
            // The iterator only moves forward, which enforces largest first and no duplicates.
            let (_, millis) = units.find(|(name, _)| *name == unit).ok_or_else(invalid)?;
            if digits.is_empty() {
                return Err(invalid());
            }
            // A count that overflows 64 bits is too long in any unit.
            let part = digits.parse().ok().and_then(|count: u64| count.checked_mul(*millis));
            total = part.and_then(|part| total.checked_add(part)).ok_or(Problem::TooLong)?;
            rest = after;
        }
        Self::from_millis(total).ok_or(Problem::TooLong)
    }

    /// Parses a decimal with one unit; `None` for any other text.
    fn parse_decimal(text: &str) -> Option<Result<Self, Problem>> {
        let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
        let (whole, fraction) = number.split_once('.')?;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
        if !digits(whole) || !digits(fraction) {
            return None;
        }
        Some(Self::rounded(number.parse().ok()?, *millis))
    }

    fn rounded(count: f64, millis_each: u64) -> Result<Self, Problem> {
        if count.is_nan() || count < 0.0 {
            return Err(Problem::Invalid(count.to_string()));
        }
        let millis = (count * millis_each as f64).round();
        if millis > Self::MAX.millis as f64 {
            return Err(Problem::TooLong);
        }
        if millis == 0.0 && count > 0.0 {
            return Err(Problem::TooShort);
        }
        Ok(Self { millis: millis as u64 })
    }
}

impl FromStr for PrometheusDuration {
    type Err = WrongDuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // Rust reads `inf`, `nan` and `+1` as numbers too.
        let is_number = text.starts_with(|c: char| c.is_ascii_digit());
        let read = match text.parse::<f64>() {
            Ok(seconds) if is_number => Self::rounded(seconds, 1_000),
            _ => Self::parse_decimal(text).unwrap_or_else(|| Self::parse_units(text)),
        };
        read.map_err(WrongDuration)
    }
}

impl From<PrometheusDuration> for Duration {
    fn from(duration: PrometheusDuration) -> Self {
        duration.get()
    }
}

impl fmt::Display for PrometheusDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.millis;
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, millis) in UNITS {
            // Like Prometheus, use years and weeks only where they are exact: `8d` reads better
            // than `1w1d`.
            let only_exact = matches!(unit, "y" | "w");
            if rest >= millis && (!only_exact || rest.is_multiple_of(millis)) {
                write!(f, "{}{unit}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for PrometheusDuration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for PrometheusDuration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a duration such as 15s, 1h30m, 1.5h or 500ms, or a number of seconds";
        crate::wire::deserialize(deserializer, expected, Self::from_seconds)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<u64, WrongDuration> {
        text.parse::<PrometheusDuration>().map(PrometheusDuration::as_millis)
    }

    proptest! {
        #[test]
        fn durations_round_trip(millis in 0..=PrometheusDuration::MAX.millis) {
            let duration = PrometheusDuration::from_millis(millis).unwrap();
            let text = duration.to_string();
            prop_assert_eq!(text.parse::<PrometheusDuration>(), Ok(duration), "{}", &text);
            prop_assert_eq!(PrometheusDuration::parse_strict(&text), Ok(duration), "{}", &text);
            prop_assert_eq!(PrometheusDuration::saturating(duration.get()), duration);
        }

        #[test]
        fn units_are_unique_and_largest_first(counts in proptest::array::uniform7(proptest::option::of(0..100_u64))) {
            let parts = || counts.iter().zip(UNITS).filter_map(|(count, unit)| Some((count.as_ref()?, unit)));
            let text: String = parts().map(|(count, (unit, _))| format!("{count}{unit}")).collect();
            let total: u64 = parts().map(|(count, (_, millis))| count * millis).sum();
            prop_assert_eq!(read(&text).ok(), (!text.is_empty()).then_some(total), "{}", &text);
            let reversed: String =
                parts().collect::<Vec<_>>().into_iter().rev().map(|(count, (unit, _))| format!("{count}{unit}")).collect();
            if reversed != text {
                prop_assert!(read(&reversed).is_err(), "{}", &reversed);
            }
        }

        #[test]
        fn errors_quote_at_most_a_short_excerpt(text in any::<String>(), like in "[0-9.ymwdhs-]{0,12}") {
            for text in [text, like] {
                if let Err(problem) = read(&text) {
                    prop_assert!(problem.to_string().len() < 600, "{}", problem);
                }
            }
        }
    }

    #[test]
    fn parses_prometheus_durations_and_decimals_with_one_unit() {
        for (text, millis) in [
            ("15s", 15_000),
            ("1m30s", 90_000),
            ("1h30m", 5_400_000),
            ("1d12h", 129_600_000),
            ("2w", 1_209_600_000),
            ("500ms", 500),
            ("1y", 31_536_000_000),
            ("1h1ms", 3_600_001),
            ("1.5h", 5_400_000),
            ("0.5ms", 1),
            ("2.5m", 150_000),
            ("0.25y", 7_884_000_000),
            ("0", 0),
            ("0s", 0),
            ("0.0h", 0),
            ("15", 15_000),
            ("2.5", 2_500),
            ("1e3", 1_000_000),
            (" 10s ", 10_000),
            ("00015s", 15_000),
            ("292y", 292 * 31_536_000_000),
        ] {
            assert_eq!(read(text), Ok(millis), "{text}");
        }
        for text in [
            "", " ", "s", "abc", "1x", "30s1m", "1s1s", "-5s", "-5", "+5", "NaN", "inf", "1 m", "1.5h30m", "1h1.5m",
            "1.h", ".5h", "1..5h", "1e3s", "1.5", "٣s", "1H", "1M", "1m-5s", "1,5h",
        ] {
            assert_eq!(read(text).is_ok(), text == "1.5", "{text:?}");
        }
    }

    #[test]
    fn out_of_range_durations_are_rejected() {
        for text in ["293y", "99999999999y", "99999999999999999999s", "1e400", "1e300", "9999999999999999.5h"] {
            let problem = read(text).unwrap_err().to_string();
            assert!(problem.contains("too long") && problem.contains("292y"), "{text}: {problem}");
        }
        for text in ["0.0001", "0.1ms", "0.0000001h", "1e-9"] {
            let problem = read(text).unwrap_err().to_string();
            assert!(problem.contains("too short") && problem.contains("1ms"), "{text}: {problem}");
        }
        assert!(PrometheusDuration::from_seconds(f64::NAN).is_err() && PrometheusDuration::from_seconds(-1.0).is_err());
        assert_eq!(PrometheusDuration::saturating(Duration::MAX), PrometheusDuration::MAX);
        assert_eq!(PrometheusDuration::saturating(Duration::from_nanos(1)).as_millis(), 1);
    }

    #[test]
    fn strict_parsing_accepts_only_the_prometheus_syntax() {
        for text in ["1.5h", "15", " 15s", "", "1s "] {
            assert!(PrometheusDuration::parse_strict(text).is_err(), "{text:?}");
        }
        assert_eq!(PrometheusDuration::parse_strict("0"), Ok(PrometheusDuration::ZERO));
        assert_eq!(PrometheusDuration::parse_strict("1h30m").map(PrometheusDuration::as_millis), Ok(5_400_000));
    }

    #[test]
    fn formats_durations_like_prometheus() {
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
            assert_eq!(PrometheusDuration { millis }.to_string(), text);
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serde_writes_text_and_accepts_seconds() {
        for (json, millis) in [("\"1h30m\"", 5_400_000), ("15", 15_000), ("0.5", 500), ("\"1.5h\"", 5_400_000)] {
            let read: PrometheusDuration = serde_json::from_str(json).unwrap();
            assert_eq!(read.as_millis(), millis, "{json}");
            assert_eq!(
                serde_json::from_str::<PrometheusDuration>(&serde_json::to_string(&read).unwrap()).unwrap(),
                read
            );
        }
        for json in ["-1", "\"soon\"", "[1]", "null", "true", "1e300"] {
            assert!(serde_json::from_str::<PrometheusDuration>(json).is_err(), "{json}");
        }
    }
}
