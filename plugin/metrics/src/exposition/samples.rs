//! Expands a series into the samples that a scraper stores. This is the only place that defines
//! suffixes, `le`, `quantile` and the order of samples.
//!
//! | kind | samples |
//! |---|---|
//! | counter, gauge | the series itself |
//! | histogram | `_bucket` with `le`, cumulative, the last is `+Inf`; `_sum`; `_count` |
//! | native histogram | as a histogram with its classic buckets, or only the bucket `+Inf` |
//! | summary | the series itself with `quantile`; `_sum`; `_count` |
//! | gauge histogram | as either histogram, with `_gsum` and `_gcount` |
//! | unknown | the series itself |
//! | info | the series itself, 1 |
//! | state set | the series itself with a label named after the family, 1 or 0 |

use crate::model::{Exemplar, Point, Series};
use crate::registry::Kind;

/// One line of a text format.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Appended to the family's name.
    pub suffix: &'static str,
    /// The extra label, after the series' own labels.
    pub own: Own<'a>,
    /// The value.
    pub value: Number,
    /// An optional exemplar.
    pub exemplar: Option<&'a Exemplar>,
}

/// The label of a sample in addition to its series' labels.
#[derive(Debug, Clone, Copy)]
pub enum Own<'a> {
    /// No extra label.
    None,
    /// `le`.
    Bound(f64),
    /// `quantile`.
    Rank(f64),
    /// A state; the label is named after the family.
    State(&'a str),
}

/// A sample value. Counts stay integers, because doubles are exact only up to 2^53.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// Any number.
    Float(f64),
    /// A number of observations.
    Count(u64),
}

/// Whether the name ends with the unit. If not, the unit must be omitted: Prometheus would reject
/// the whole scrape. `name` is escaped, and without `_total`.
pub fn ends_with_unit(name: &str, unit: &str) -> bool {
    !unit.is_empty() && name.strip_suffix(unit).is_some_and(|before| before.ends_with('_'))
}

/// The suffixes of a kind's samples, in order.
pub fn suffixes(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Histogram | Kind::NativeHistogram => &["_bucket", "_sum", "_count"],
        Kind::GaugeHistogram => &["_bucket", "_gsum", "_gcount"],
        Kind::Summary => &["", "_sum", "_count"],
        Kind::Counter | Kind::Gauge | Kind::Info | Kind::StateSet | Kind::Unknown => &[""],
    }
}

/// The sum and count of a series, if it has them.
pub fn totals(series: &Series) -> Option<(f64, u64)> {
    match &series.point {
        Point::Histogram { counts, sum, .. } => Some((*sum, counts.iter().sum())),
        Point::Native(native) => Some((native.sum(), native.count())),
        Point::Summary { sum, count, .. } => Some((*sum, *count)),
        Point::Counter { .. } | Point::Gauge(_) | Point::Info | Point::StateSet(_) => None,
    }
}

/// Passes every sample of a series of that kind to `sink`, in output order.
pub fn each<'a>(kind: Kind, series: &'a Series<'_>, sink: &mut dyn FnMut(Sample<'a>)) {
    let mut sample = |suffix, own, value, exemplar| sink(Sample { suffix, own, value, exemplar });
    match &series.point {
        Point::Counter { total, exemplar } => sample("", Own::None, Number::Float(*total), *exemplar),
        Point::Gauge(value) => sample("", Own::None, Number::Float(*value), None),
        Point::Histogram { bounds, counts, exemplars, .. } => {
            for (bound, below, exemplar) in buckets(bounds, counts, exemplars) {
                sample("_bucket", Own::Bound(bound), Number::Count(below), exemplar);
            }
        }
        Point::Native(native) => {
            for (bound, below, exemplar) in native.classic_buckets() {
                sample("_bucket", Own::Bound(bound), Number::Count(below), exemplar);
            }
        }
        Point::Summary { quantiles, .. } => {
            for (rank, value) in quantiles {
                sample("", Own::Rank(*rank), Number::Float(*value), None);
            }
        }
        Point::Info => sample("", Own::None, Number::Count(1), None),
        Point::StateSet(states) => {
            for (state, on) in *states {
                sample("", Own::State(state), Number::Count(u64::from(*on)), None);
            }
        }
    }
    if let Some((sum, count)) = totals(series) {
        let (of_sum, of_count) = if kind == Kind::GaugeHistogram { ("_gsum", "_gcount") } else { ("_sum", "_count") };
        sample(of_sum, Own::None, Number::Float(sum), None);
        sample(of_count, Own::None, Number::Count(count), None);
    }
}

/// Upper bound, cumulative count and exemplar of each bucket; the last bound is infinite.
pub fn buckets<'a>(
    bounds: &'a [f64],
    counts: &'a [u64],
    exemplars: &'a [Option<Exemplar>],
) -> impl Iterator<Item = (f64, u64, Option<&'a Exemplar>)> {
    let mut below = 0;
    bounds.iter().copied().chain([f64::INFINITY]).zip(counts).enumerate().map(move |(at, (bound, count))| {
        below += count;
        (bound, below, exemplars.get(at).and_then(Option::as_ref))
    })
}
