//! What a metric measures, its buckets, and which amounts it takes. Holds no series.

use crate::error::Error;
use crate::number::number_text;

/// What a metric measures. As a word: `counter`, `gauge`, `histogram`, `summary`,
/// `native_histogram`, `info`, `stateset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Only goes up, from zero. Recording adds.
    Counter = 1,
    /// Goes up and down. Recording sets.
    Gauge,
    /// Cumulative buckets, sum and count. Recording observes.
    Histogram,
    /// Sum and count, and quantiles where some were asked for. Recording observes.
    Summary,
    /// Exponential buckets, made as needed, sum and count. Recording observes.
    NativeHistogram,
    /// Says something in its labels; always 1.
    Info,
    /// Named states, each on or off.
    StateSet,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] =
        [Self::Counter, Self::Gauge, Self::Histogram, Self::Summary, Self::NativeHistogram, Self::Info, Self::StateSet];

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind of that number, as `kind as u8` gives it.
    pub(super) fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Counter,
            2 => Self::Gauge,
            3 => Self::Histogram,
            4 => Self::Summary,
            5 => Self::NativeHistogram,
            6 => Self::Info,
            7 => Self::StateSet,
            _ => return None,
        })
    }

    /// The word of `metric_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::NativeHistogram => "native_histogram",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }

    /// The label that the kind writes itself, and that a user therefore may not. A state set's is
    /// named like the metric.
    pub fn own_label(self, metric: &str) -> Option<&str> {
        match self {
            Self::Histogram | Self::NativeHistogram => Some("le"),
            Self::Summary => Some("quantile"),
            Self::StateSet => Some(metric),
            Self::Counter | Self::Gauge | Self::Info => None,
        }
    }

    /// What the kind's sample names may end with, besides the plain name.
    pub fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter | Self::Gauge | Self::StateSet => &[],
            Self::Histogram | Self::NativeHistogram => &["_bucket", "_sum", "_count"],
            Self::Summary => &["_sum", "_count"],
            Self::Info => &["_info"],
        }
    }
}

/// Upper bounds of a histogram's buckets: finite, rising, at least one. `+Inf` is not among them;
/// it is always there.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets(Box<[f64]>);

impl Buckets {
    /// More buckets than this make a series heavier than any query needs.
    pub const MAX: usize = 500;

    /// Checks bounds. A last `+Inf` is taken off. `field` is their path in the input, for the
    /// error.
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
        if let Some(odd) = bounds.iter().find(|bound| !bound.is_finite()) {
            return Err(Error::invalid(field, format!("the bucket bound {} is not finite", number_text(*odd))));
        }
        for pair in bounds.windows(2) {
            if let [low, high] = pair
                && low >= high
            {
                return Err(Error::invalid(
                    field,
                    format!("bucket bounds must rise, and {} comes after {}", number_text(*high), number_text(*low)),
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
    /// From 5 ms to 5 minutes, in seconds. Client libraries end at 10 s, so that a quantile above
    /// 10 s can never be seen; pipes run for minutes, and the plug's own alert fires above 30 s.
    fn default() -> Self {
        Self([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0].into())
    }
}

/// Whether a series of that kind takes the amount, recorded as the kind says. `field` is the
/// amount's path in the input, for the error.
pub fn check(kind: Kind, amount: f64, field: &str) -> Result<(), Error> {
    let problem = match kind {
        Kind::Counter if amount.is_nan() => "a counter cannot grow by NaN; expected a finite number, at least 0",
        Kind::Counter if amount < 0.0 => {
            "a counter only goes up; expected a number of at least 0, or metric_type gauge for values that fall"
        }
        Kind::Counter if amount.is_infinite() => {
            "a counter cannot grow by an infinite amount; expected a finite number"
        }
        // One NaN would spoil the sum for ever.
        Kind::Histogram | Kind::NativeHistogram | Kind::Summary if amount.is_nan() => {
            "NaN cannot be observed; expected a number"
        }
        Kind::Info => "an info is always 1 and takes no amount; say what changed in its labels",
        Kind::StateSet => "a state set takes no amount; set its states by name",
        _ => return Ok(()),
    };
    Err(Error::invalid(field, problem))
}

/// Counts one observation in the buckets, each counted alone: `counts` is one longer than `bounds`.
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
    fn an_observation_on_a_bound_is_in_its_bucket() {
        let buckets = Buckets::new(&[1.0, 2.0, f64::INFINITY], "buckets").unwrap();
        let mut counts = [0; 3];
        for amount in [0.5, 1.0, 1.5, 2.0, 2.1, -3.0, f64::INFINITY] {
            observe(buckets.bounds(), &mut counts, amount);
        }
        assert_eq!(counts, [3, 2, 2]);
    }

    #[test]
    fn a_counter_takes_no_step_back() {
        for amount in [-1.0, -1e-300, f64::NAN, f64::INFINITY] {
            assert_eq!(check(Kind::Counter, amount, "metric_value").unwrap_err().field(), Some("metric_value"));
        }
        assert!(check(Kind::Counter, -0.0, "metric_value").is_ok());
        assert!(check(Kind::Gauge, f64::NAN, "metric_value").is_ok());
        assert!(check(Kind::Summary, f64::NAN, "metric_value").is_err());
        assert!(check(Kind::Info, 1.0, "metric_value").is_err());
    }

    #[test]
    fn a_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(Kind::from_number(kind as u8), Some(kind));
        }
        assert_eq!(Kind::from_name("histo"), None);
    }

    #[test]
    fn buckets_are_finite_and_rise() {
        for bad in [&[][..], &[f64::INFINITY], &[1.0, 1.0], &[2.0, 1.0], &[f64::NAN], &[f64::NEG_INFINITY, 1.0]] {
            assert!(Buckets::new(bad, "buckets").is_err(), "{bad:?}");
        }
        let default = Buckets::default();
        assert_eq!(Buckets::new(default.bounds(), "buckets").unwrap(), default);
    }
}
