//! Formats values in Grafana's units, axis ticks and clock times.

use plugpipe_time::Timestamp;

/// A divisor and a suffix for formatting values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    divisor: f64,
    suffix: String,
}

/// Factors and their prefixes.
const BINARY: &[(f64, &str)] = &[
    (1.0, ""),
    (1024.0, "Ki"),
    (1_048_576.0, "Mi"),
    (1_073_741_824.0, "Gi"),
    (1_099_511_627_776.0, "Ti"),
    (1_125_899_906_842_624.0, "Pi"),
];
const DECIMAL: &[(f64, &str)] = &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T"), (1e15, "P")];
const SHORT: &[(f64, &str)] = &[(1.0, ""), (1e3, " K"), (1e6, " Mil"), (1e9, " Bil"), (1e12, " Tri")];
/// In seconds.
const TIME: &[(f64, &str)] = &[
    (1e-9, " ns"),
    (1e-6, " µs"),
    (1e-3, " ms"),
    (1.0, " s"),
    (60.0, " min"),
    (3_600.0, " h"),
    (86_400.0, " d"),
    (604_800.0, " weeks"),
    (31_536_000.0, " years"),
];

fn pick(steps: &[(f64, &'static str)], largest: f64) -> (f64, &'static str) {
    let largest = largest.abs();
    // 0 has no prefix.
    if largest == 0.0 {
        return steps.iter().copied().find(|(divisor, _)| *divisor >= 1.0).unwrap_or((1.0, ""));
    }
    let fitting = steps.iter().rev().copied().find(|(divisor, _)| largest >= *divisor);
    fitting.or(steps.first().copied()).unwrap_or((1.0, ""))
}

impl Scale {
    /// The scale for values of `unit` up to `largest`.
    pub(super) fn of(unit: &str, largest: f64) -> Self {
        let scaled = |steps: &[(f64, &'static str)], before: &str, after: &str| {
            let (divisor, prefix) = pick(steps, largest);
            Self { divisor, suffix: format!("{before}{prefix}{after}") }
        };
        let time = |seconds: f64| {
            let (divisor, suffix) = pick(TIME, largest * seconds);
            Self { divisor: divisor / seconds, suffix: suffix.into() }
        };
        let plain = |divisor: f64, suffix: &str| Self { divisor, suffix: suffix.into() };
        match unit {
            "" | "none" | "string" => plain(1.0, ""),
            "short" => scaled(SHORT, "", ""),
            "percent" => plain(1.0, "%"),
            "percentunit" => plain(0.01, "%"),
            "bytes" => scaled(BINARY, " ", "B"),
            "bits" => scaled(BINARY, " ", "b"),
            "decbytes" => scaled(DECIMAL, " ", "B"),
            "decbits" => scaled(DECIMAL, " ", "b"),
            "binBps" => scaled(BINARY, " ", "B/s"),
            "binbps" => scaled(BINARY, " ", "b/s"),
            "Bps" => scaled(DECIMAL, " ", "B/s"),
            "bps" => scaled(DECIMAL, " ", "b/s"),
            "ns" => time(1e-9),
            "µs" => time(1e-6),
            "ms" => time(1e-3),
            "s" | "dtdurations" | "clocks" => time(1.0),
            "m" => time(60.0),
            "h" => time(3_600.0),
            "d" => time(86_400.0),
            "ops" => scaled(SHORT, "", " ops/s"),
            "reqps" => scaled(SHORT, "", " req/s"),
            "rps" => scaled(SHORT, "", " rd/s"),
            "wps" => scaled(SHORT, "", " wr/s"),
            "iops" => scaled(SHORT, "", " io/s"),
            "cps" => scaled(SHORT, "", " c/s"),
            "opm" => scaled(SHORT, "", " ops/m"),
            "hertz" => scaled(DECIMAL, " ", "Hz"),
            "celsius" => plain(1.0, " °C"),
            // Custom and unknown units.
            other => plain(1.0, &format!(" {other}")),
        }
    }

    /// Formats a value with `decimals`, by default with about three significant digits.
    pub(super) fn write(&self, value: f64, decimals: Option<usize>) -> String {
        if !value.is_finite() {
            return value.to_string();
        }
        let scaled = value / self.divisor;
        let number = match decimals {
            Some(decimals) => format!("{scaled:.decimals$}"),
            None => {
                let decimals = match scaled.abs() {
                    large if large >= 100.0 => 0,
                    large if large >= 10.0 => 1,
                    large if large >= 1.0 || large == 0.0 => 2,
                    // Three significant digits.
                    small => ((-small.log10()).ceil() as usize + 2).min(10),
                };
                let text = format!("{scaled:.decimals$}");
                if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
            }
        };
        let number = if number.trim_start_matches('-').bytes().all(|byte| byte == b'0' || byte == b'.') {
            number.trim_start_matches('-').to_owned()
        } else {
            number
        };
        format!("{number}{}", self.suffix)
    }
}

/// Formats a single value.
pub(super) fn write(value: f64, unit: &str, decimals: Option<usize>) -> String {
    Scale::of(unit, value).write(value, decimals)
}

/// The ticks of an axis with their labels, and its bounds.
#[derive(Debug)]
pub(super) struct Ticks {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<(f64, String)>,
}

/// About `wanted` ticks from `low` to `high`, at round numbers of the scaled unit.
pub(super) fn ticks(low: f64, high: f64, unit: &str, wanted: f64) -> Ticks {
    let (low, high) = spread(low, high);
    let scale = Scale::of(unit, low.abs().max(high.abs()));
    let step = round_step((high - low) / scale.divisor / wanted.max(1.0));
    let (first, last) = ((low / scale.divisor / step).floor(), (high / scale.divisor / step).ceil());
    let decimals = if step >= 1.0 { 0 } else { ((-step.log10()).ceil() as usize).min(12) };
    let count = ((last - first).max(1.0) as usize).min(100);
    let place = |index: usize| (first + index as f64) * step * scale.divisor;
    let ticks = (0..=count).map(|index| (place(index), scale.write(place(index), Some(decimals)))).collect();
    Ticks { low: place(0), high: place(count), ticks }
}

/// Widens the range of a single value.
fn spread(low: f64, high: f64) -> (f64, f64) {
    let largest = low.abs().max(high.abs());
    // Larger values would overflow.
    if !low.is_finite() || !high.is_finite() || largest > 1e300 {
        return (0.0, 1.0);
    }
    let min = largest * 1e-9;
    if high - low > min {
        return (low, high);
    }
    match low {
        0.0 => (0.0, 1.0),
        one if one > 0.0 => (0.0, one * 1.25),
        one => (one * 1.25, 0.0),
    }
}

/// Rounds up to 1, 2 or 5 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= step * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

/// Ticks of a time axis: Unix seconds at round clock times, and their labels.
pub(super) fn time_ticks(start: f64, end: f64, wanted: f64) -> Vec<(f64, String)> {
    const STEPS: [u32; 18] =
        [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800, 604_800];
    let range = end - start;
    let min = range / wanted.max(1.0);
    let step = STEPS.into_iter().map(f64::from).find(|step| *step >= min);
    let step = step.unwrap_or_else(|| (min / 604_800.0).ceil() * 604_800.0);
    let first = (start / step).ceil();
    let count = ((end / step).floor() - first).clamp(0.0, 100.0) as usize;
    (0..=count)
        .map(|index| (first + index as f64) * step)
        .filter(|at| *at <= end)
        .map(|at| (at, clock(at, range)))
        .collect()
}

/// Formats a time in UTC as precisely as a range of `range` seconds needs.
pub(super) fn clock(seconds: f64, range: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    let second = whole % 86_400;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    if range <= 600.0 {
        return format!("{hour:02}:{minute:02}:{second:02}");
    }
    if range <= 86_400.0 {
        return format!("{hour:02}:{minute:02}");
    }
    // RFC 3339 ends with the year 9999.
    let (year, month, day) = Timestamp::from_unix_seconds(whole as f64).map(Timestamp::date).unwrap_or((9_999, 12, 31));
    if range <= 7.0 * 86_400.0 {
        return format!("{month:02}-{day:02} {hour:02}:{minute:02}");
    }
    format!("{year}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_formatted_in_their_unit() {
        for (value, unit, wanted) in [
            (0.0, "short", "0"),
            (1_234.0, "short", "1.23 K"),
            (999_999_999.0, "none", "999999999"),
            (0.123_456, "percentunit", "12.3%"),
            (42.0, "percent", "42%"),
            (1_572_864.0, "bytes", "1.5 MiB"),
            (1_500.0, "Bps", "1.5 kB/s"),
            (0.0042, "s", "4.2 ms"),
            (93.0, "s", "1.55 min"),
            (86_400.0 * 3.0, "s", "3 d"),
            (1_500.0, "ms", "1.5 s"),
            (0.25, "ops", "0.25 ops/s"),
            (12_300.0, "reqps", "12.3 K req/s"),
            (0.000_012_3, "none", "0.0000123"),
            (-0.0, "none", "0"),
            (3.0, "widgets", "3 widgets"),
            (f64::NAN, "s", "NaN"),
        ] {
            assert_eq!(write(value, unit, None), wanted, "{value} {unit}");
        }
        assert_eq!(write(1.0, "none", Some(2)), "1.00");
    }

    #[test]
    fn ticks_are_round_in_the_scaled_unit_and_enclose_the_values() {
        for (low, high, unit, first, last) in [
            (0.0, 0.93, "percentunit", "0%", "100%"),
            (0.0, 3.2e6, "bytes", "0 MiB", "4 MiB"),
            (0.0, 0.0, "ops", "0.0 ops/s", "1.0 ops/s"),
            (-3.0, 7.0, "none", "-4", "8"),
            (5.0, 5.0, "none", "0", "8"),
            (f64::NEG_INFINITY, 1.0, "none", "0.0", "1.0"),
            (1e305, -1e305, "percentunit", "0.0", ""),
        ] {
            let axis = ticks(low, high, unit, 5.0);
            assert!(axis.low < axis.high && axis.ticks.len() < 12, "{axis:?}");
            if !last.is_empty() {
                let texts = (axis.ticks.first().unwrap().1.as_str(), axis.ticks.last().unwrap().1.as_str());
                assert_eq!(texts, (first, last), "{low} {high}");
                assert!(!low.is_finite() || (axis.low <= low && axis.high >= high));
            }
        }
    }

    #[test]
    fn times_are_formatted() {
        assert_eq!(clock(1_709_208_000.0, 1e9), "2024-02-29");
        assert_eq!(clock(1_709_208_061.0, 60.0), "12:01:01");
        assert_eq!(clock(951_782_400.0, 86_401.0), "02-29 00:00");
        let texts: Vec<String> = time_ticks(3_601.0, 4_199.0, 4.0).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["01:05:00"]);
    }
}
