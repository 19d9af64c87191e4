//! What a series holds, and how one observation changes it.

use crate::error::Error;

/// What a metric measures. As a word: `counter`, `gauge`, `histogram`, `summary`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only goes up, from zero. Recording adds.
    Counter,
    /// Goes up and down. Recording sets.
    Gauge,
    /// Cumulative buckets, sum and count. Recording observes.
    Histogram,
    /// Sum and count. Recording observes.
    Summary,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Counter, Self::Gauge, Self::Histogram, Self::Summary];

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The word of `# TYPE` lines and of `metric_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        }
    }

    /// The label that the kind writes itself, and that a user therefore may not.
    pub fn own_label(self) -> Option<&'static str> {
        match self {
            Self::Histogram => Some("le"),
            Self::Summary => Some("quantile"),
            Self::Counter | Self::Gauge => None,
        }
    }

    /// What the kind's sample names end with, besides the plain name.
    pub fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter | Self::Gauge => &[],
            Self::Histogram => &["_bucket", "_sum", "_count"],
            Self::Summary => &["_sum", "_count"],
        }
    }
}

/// Upper bounds of a histogram's buckets: finite, rising, at least one. `+Inf` is not among them; it is always there.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets(Box<[f64]>);

impl Buckets {
    /// More buckets than this make a series heavier than any query needs.
    pub const MOST: usize = 500;

    /// Checks bounds. A last `+Inf` is taken off. `field` is their path in the input, for the error.
    pub fn new(bounds: &[f64], field: &str) -> Result<Self, Error> {
        let bounds = match bounds {
            [finite @ .., last] if *last == f64::INFINITY => finite,
            all => all,
        };
        if bounds.is_empty() || bounds.len() > Self::MOST {
            return Err(Error::invalid(
                field,
                format!("expected 1 to {} finite bucket bounds, got {}", Self::MOST, bounds.len()),
            ));
        }
        if let Some(odd) = bounds.iter().find(|bound| !bound.is_finite()) {
            return Err(Error::invalid(field, format!("the bucket bound {odd} is not finite")));
        }
        for pair in bounds.windows(2) {
            if let [low, high] = pair
                && low >= high
            {
                return Err(Error::invalid(field, format!("bucket bounds must rise, and {high} comes after {low}")));
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
    /// From 5 ms to 5 minutes, in seconds. Client libraries end at 10 s, so that a quantile above 10 s can never be seen; pipes run for minutes,
    /// and the plug's own alert fires above 30 s.
    fn default() -> Self {
        Self([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0].into())
    }
}

/// The state of one series.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The total since the start.
    Counter(f64),
    /// The last value.
    Gauge(f64),
    /// Observations by bucket.
    Histogram {
        /// Observations in each bucket alone, one more than there are finite bounds: the last is what lies above them.
        counts: Box<[u64]>,
        /// The sum of all observations.
        sum: f64,
    },
    /// Observations without buckets.
    Summary {
        /// How many.
        count: u64,
        /// Their sum.
        sum: f64,
    },
}

impl Value {
    /// The state before the first recording.
    pub fn new(kind: Kind, buckets: &Buckets) -> Self {
        match kind {
            Kind::Counter => Self::Counter(0.0),
            Kind::Gauge => Self::Gauge(0.0),
            Kind::Histogram => Self::Histogram { counts: vec![0; buckets.bounds().len() + 1].into(), sum: 0.0 },
            Kind::Summary => Self::Summary { count: 0, sum: 0.0 },
        }
    }

    /// Whether `record` would take this amount. `field` is its path in the input, for the error.
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
            Kind::Histogram | Kind::Summary if amount.is_nan() => "NaN cannot be observed; expected a number",
            _ => return Ok(()),
        };
        Err(Error::invalid(field, problem))
    }

    /// Takes one recording that [`Value::check`] passed: a counter adds, a gauge is set, the others observe.
    pub fn record(&mut self, amount: f64, buckets: &Buckets) {
        match self {
            Self::Counter(total) => *total += amount,
            Self::Gauge(last) => *last = amount,
            Self::Histogram { counts, sum } => {
                *sum += amount;
                let bucket = buckets.bounds().partition_point(|bound| *bound < amount);
                // `counts` is one longer than the bounds, and partition_point is at most their number.
                if let Some(count) = counts.get_mut(bucket) {
                    *count += 1;
                }
            }
            Self::Summary { count, sum } => {
                *count += 1;
                *sum += amount;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_on_a_bound_is_in_its_bucket() {
        let buckets = Buckets::new(&[1.0, 2.0, f64::INFINITY], "buckets").unwrap();
        let mut value = Value::new(Kind::Histogram, &buckets);
        for amount in [0.5, 1.0, 1.5, 2.0, 2.1, -3.0, f64::INFINITY] {
            value.record(amount, &buckets);
        }
        assert_eq!(value, Value::Histogram { counts: [3, 2, 2].into(), sum: f64::INFINITY });
    }

    #[test]
    fn a_counter_takes_no_step_back() {
        for amount in [-1.0, -1e-300, f64::NAN, f64::INFINITY] {
            assert_eq!(Value::check(Kind::Counter, amount, "metric_value").unwrap_err().field(), Some("metric_value"));
        }
        assert!(Value::check(Kind::Counter, -0.0, "metric_value").is_ok());
        assert!(Value::check(Kind::Gauge, f64::NAN, "metric_value").is_ok());
        assert!(Value::check(Kind::Summary, f64::NAN, "metric_value").is_err());
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
