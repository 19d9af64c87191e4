//! Metric kinds, histogram buckets and validation of amounts.

use crate::error::Error;
use crate::number::number_text;

/// The kind of a metric, named `counter`, `gauge`, `histogram`, `summary`, `native_histogram`,
/// `info`, `stateset`; and two that only imports have, `gauge_histogram` and `unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Only increases, from zero. Recording adds.
    Counter = 1,
    /// May increase and decrease. Recording sets.
    Gauge,
    /// Cumulative buckets, sum and count. Recording observes.
    Histogram,
    /// Sum, count and configured quantiles. Recording observes.
    Summary,
    /// Exponential buckets, created as needed, sum and count. Recording observes.
    NativeHistogram,
    /// Information in labels; always 1.
    Info,
    /// Named states, each on or off.
    StateSet,
    /// Buckets, sum and count of things as they are now, which are only imported as a whole.
    GaugeHistogram,
    /// A number of which nothing is known. Recording sets.
    Unknown,
}

impl Kind {
    /// All kinds that can be recorded.
    pub const ALL: [Self; 7] =
        [Self::Counter, Self::Gauge, Self::Histogram, Self::Summary, Self::NativeHistogram, Self::Info, Self::StateSet];

    /// All kinds: those that can be recorded, and those that are only imported.
    pub fn every() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain([Self::GaugeHistogram, Self::Unknown])
    }

    /// The kind that can be recorded with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind with that discriminant.
    pub(super) fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Counter,
            2 => Self::Gauge,
            3 => Self::Histogram,
            4 => Self::Summary,
            5 => Self::NativeHistogram,
            6 => Self::Info,
            7 => Self::StateSet,
            8 => Self::GaugeHistogram,
            9 => Self::Unknown,
            _ => return None,
        })
    }

    /// The name in `metric_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::NativeHistogram => "native_histogram",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::GaugeHistogram => "gauge_histogram",
            Self::Unknown => "unknown",
        }
    }

    /// The label that the kind itself writes, and that is therefore reserved. A state set's label
    /// has the name of the metric.
    pub fn own_label(self, metric: &str) -> Option<&str> {
        match self {
            Self::Histogram | Self::NativeHistogram | Self::GaugeHistogram => Some("le"),
            Self::Summary => Some("quantile"),
            Self::StateSet => Some(metric),
            Self::Counter | Self::Gauge | Self::Info | Self::Unknown => None,
        }
    }

    /// The suffixes of the kind's sample names, in addition to the bare name.
    pub fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter | Self::Gauge | Self::StateSet | Self::Unknown => &[],
            Self::GaugeHistogram => &["_bucket", "_gsum", "_gcount"],
            Self::Histogram | Self::NativeHistogram => &["_bucket", "_sum", "_count"],
            Self::Summary => &["_sum", "_count"],
            Self::Info => &["_info"],
        }
    }
}

/// Upper bounds of a histogram's buckets: finite, ascending, at least one. `+Inf` is implicit.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets(Box<[f64]>);

impl Buckets {
    /// Maximum number of bounds; no query needs more.
    pub const MAX: usize = 500;

    /// Validates bounds. A trailing `+Inf` is removed. `field` is their path in the input, for
    /// errors.
    pub fn new(bounds: &[f64], field: &str) -> Result<Self, Error> {
        let bounds = match bounds {
            [finite @ .., last] if *last == f64::INFINITY => finite,
            all => all,
        };
        if bounds.is_empty() || bounds.len() > Self::MAX {
            return Err(Error::invalid(
                field,
                format!("expected 1 to {} finite bucket bounds, got {}", Self::MAX, bounds.len()),
            ));
        }
        if let Some(invalid) = bounds.iter().find(|bound| !bound.is_finite()) {
            return Err(Error::invalid(field, format!("the bucket bound {} is not finite", number_text(*invalid))));
        }
        for pair in bounds.windows(2) {
            if let [low, high] = pair
                && low >= high
            {
                return Err(Error::invalid(
                    field,
                    format!(
                        "bucket bounds must be in ascending order, but {} comes after {}",
                        number_text(*high),
                        number_text(*low)
                    ),
                ));
            }
        }
        Ok(Self(bounds.into()))
    }

    /// The finite bounds.
    pub fn bounds(&self) -> &[f64] {
        &self.0
    }
}

impl Default for Buckets {
    /// From 5 ms to 5 minutes, in seconds. Client libraries stop at 10 s, which caps every quantile
    /// there; pipes run for minutes, and the plug's own alert fires above 30 s.
    fn default() -> Self {
        Self([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0].into())
    }
}

/// Checks that an amount can be recorded to a series of that kind. `field` is the amount's path in
/// the input, for errors.
pub fn check(kind: Kind, amount: f64, field: &str) -> Result<(), Error> {
    let problem = match kind {
        Kind::Counter if amount.is_nan() => "a counter cannot grow by NaN; expected a finite number, at least 0",
        Kind::Counter if amount < 0.0 => {
            "a counter only increases; expected a number of at least 0, or metric_type gauge for values that decrease"
        }
        Kind::Counter if amount.is_infinite() => {
            "a counter cannot grow by an infinite amount; expected a finite number"
        }
        // A single NaN would make the sum NaN forever.
        Kind::Histogram | Kind::NativeHistogram | Kind::Summary if amount.is_nan() => {
            "NaN cannot be observed; expected a number"
        }
        Kind::Info => "an info is always 1 and takes no amount; put the information in its labels",
        Kind::StateSet => "a state set takes no amount; set its states by name",
        Kind::GaugeHistogram => "a gauge histogram takes no amount; it is imported as a whole",
        _ => return Ok(()),
    };
    Err(Error::invalid(field, problem))
}

/// Counts one observation in the buckets, not cumulatively, and returns its bucket. `counts` is one
/// longer than `bounds`.
pub(super) fn observe(bounds: &[f64], counts: &mut [u64], amount: f64) -> usize {
    let bucket = bounds.partition_point(|bound| *bound < amount);
    if let Some(count) = counts.get_mut(bucket) {
        *count += 1;
    }
    bucket
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_inclusive() {
        let buckets = Buckets::new(&[1.0, 2.0, f64::INFINITY], "buckets").unwrap();
        let mut counts = [0; 3];
        for amount in [0.5, 1.0, 1.5, 2.0, 2.1, -3.0, f64::INFINITY] {
            observe(buckets.bounds(), &mut counts, amount);
        }
        assert_eq!(counts, [3, 2, 2]);
    }

    #[test]
    fn counters_reject_decreases() {
        for amount in [-1.0, -1e-300, f64::NAN, f64::INFINITY] {
            assert_eq!(check(Kind::Counter, amount, "metric_value").unwrap_err().field(), Some("metric_value"));
        }
        assert!(check(Kind::Counter, -0.0, "metric_value").is_ok());
        assert!(check(Kind::Gauge, f64::NAN, "metric_value").is_ok());
        assert!(check(Kind::Summary, f64::NAN, "metric_value").is_err());
        assert!(check(Kind::Info, 1.0, "metric_value").is_err());
    }

    #[test]
    fn kinds_are_found_by_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        for kind in Kind::every() {
            assert_eq!(Kind::from_number(kind as u8), Some(kind));
        }
        assert_eq!(Kind::from_name("unknown"), None, "it is only imported");
        assert_eq!(Kind::from_name("histo"), None);
    }

    #[test]
    fn buckets_are_finite_and_ascending() {
        for bounds in [&[][..], &[f64::INFINITY], &[1.0, 1.0], &[2.0, 1.0], &[f64::NAN], &[f64::NEG_INFINITY, 1.0]] {
            assert!(Buckets::new(bounds, "buckets").is_err(), "{bounds:?}");
        }
        let default = Buckets::default();
        assert_eq!(Buckets::new(default.bounds(), "buckets").unwrap(), default);
    }
}
