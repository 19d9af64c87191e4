//! The state of series whose value is not a single number.

use super::definition::{Definition, NativeConfig};
use super::native::NativeHistogram;
use super::summary::WindowedSummary;
use super::value::{Buckets, Kind, observe};
use crate::model::{self, Exemplar, Point};

/// The state of a series that is not a single number.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Composite {
    /// Classic buckets.
    Histogram(Histogram),
    /// Exponential buckets.
    Native(Box<Native>),
    /// Sum and count, without quantiles.
    Summary {
        /// The sum of all observations.
        sum: f64,
        /// The number of observations.
        count: u64,
    },
    /// Sum, count and quantiles.
    Windowed(Box<WindowedSummary>),
    /// States, in the order of the definition.
    States(Box<[(Box<str>, bool)]>),
}

/// A classic histogram.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Histogram {
    /// Per bucket, not cumulative; one longer than the bounds.
    pub(super) counts: Box<[u64]>,
    pub(super) sum: f64,
    /// Empty, or as long as `counts`.
    pub(super) exemplars: Box<[Option<Exemplar>]>,
}

/// A native histogram.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Native {
    pub(super) histogram: NativeHistogram,
    /// Per classic bucket, not cumulative; empty if the family has none, else one longer than its
    /// bounds.
    pub(super) counts: Box<[u64]>,
    /// At most [`super::record::MAX_EXEMPLARS`].
    pub(super) exemplars: Vec<Exemplar>,
}

impl Native {
    /// A histogram without observations.
    pub(super) fn new(histogram: NativeHistogram, bounds: Option<&Buckets>) -> Self {
        let counts = bounds.map(|bounds| vec![0; bounds.bounds().len() + 1].into()).unwrap_or_default();
        Self { histogram, counts, exemplars: Vec::new() }
    }
}

impl Composite {
    /// The initial state; `None` for kinds whose state is a single number.
    pub(super) fn new(definition: &Definition) -> Option<Self> {
        let quantiles = definition.quantiles.as_deref().unwrap_or_default();
        match definition.kind {
            Kind::Counter | Kind::Gauge | Kind::Info | Kind::Unknown => None,
            Kind::Histogram | Kind::GaugeHistogram if definition.native.is_none() => {
                let buckets = definition.buckets.as_ref().map_or(0, |buckets| buckets.bounds().len()) + 1;
                Some(Self::Histogram(Histogram {
                    counts: vec![0; buckets].into(),
                    sum: 0.0,
                    exemplars: Box::default(),
                }))
            }
            Kind::Summary if quantiles.is_empty() => Some(Self::Summary { sum: 0.0, count: 0 }),
            Kind::Summary => {
                // The definition was validated with the same arguments; fall back to sum and count.
                let summary = WindowedSummary::new(quantiles, definition.window_ms());
                Some(summary.map_or(Self::Summary { sum: 0.0, count: 0 }, |summary| Self::Windowed(Box::new(summary))))
            }
            Kind::NativeHistogram | Kind::Histogram | Kind::GaugeHistogram => {
                let NativeConfig { schema, zero_threshold, max_buckets } = definition.native.unwrap_or_default();
                let native = NativeHistogram::new(schema, zero_threshold, max_buckets);
                native.ok().map(|native| Self::Native(Box::new(Native::new(native, definition.buckets.as_ref()))))
            }
            Kind::StateSet => {
                Some(Self::States(definition.states.iter().map(|state| (state.clone(), false)).collect()))
            }
        }
    }

    /// Records an observation, which must not be NaN. Returns the bucket for a histogram.
    pub(super) fn observe(&mut self, definition: &Definition, amount: f64, now_ms: u64) -> Option<usize> {
        match self {
            Self::Histogram(histogram) => {
                histogram.sum += amount;
                let bounds = definition.buckets.as_ref().map(|buckets| buckets.bounds()).unwrap_or_default();
                return Some(observe(bounds, &mut histogram.counts, amount));
            }
            Self::Native(native) => {
                native.histogram.observe(amount);
                if let Some(bounds) = &definition.buckets {
                    return Some(observe(bounds.bounds(), &mut native.counts, amount));
                }
            }
            Self::Summary { sum, count } => {
                *sum += amount;
                *count += 1;
            }
            Self::Windowed(summary) => summary.observe(amount, now_ms),
            // The registry rejects observations on state sets.
            Self::States(_) => {}
        }
        None
    }

    /// The state in the encoders' model.
    pub(super) fn point<'a>(&'a self, definition: &'a Definition, now_ms: u64) -> Point<'a> {
        match self {
            Self::Histogram(Histogram { counts, sum, exemplars }) => {
                let bounds = definition.buckets.as_ref().map(|buckets| buckets.bounds()).unwrap_or_default();
                Point::Histogram { bounds, counts, sum: *sum, exemplars }
            }
            Self::Native(native) => {
                let Native { histogram, counts, exemplars } = &**native;
                let bounds = definition.buckets.as_ref().filter(|_| !counts.is_empty());
                let classic = bounds.map(|bounds| model::Classic { bounds: bounds.bounds(), counts });
                Point::Native(model::Native { histogram, classic, exemplars })
            }
            Self::Summary { sum, count } => Point::Summary { quantiles: Vec::new(), sum: *sum, count: *count },
            Self::Windowed(summary) => {
                Point::Summary { quantiles: summary.quantiles(now_ms), sum: summary.sum(), count: summary.count() }
            }
            Self::States(states) => Point::StateSet(states),
        }
    }

    /// Appends the sample values of text 0.0.4, in order: buckets (cumulative), quantiles or
    /// states, then sum and count.
    pub(super) fn samples(&self, now_ms: u64, out: &mut Vec<f64>) {
        match self {
            Self::Histogram(Histogram { counts, sum, .. }) => {
                let mut below = 0;
                out.extend(counts.iter().map(|count| {
                    below += count;
                    below as f64
                }));
                out.extend([*sum, below as f64]);
            }
            Self::Native(native) => {
                let count = native.histogram.count() as f64;
                let mut below = 0;
                out.extend(native.counts.iter().map(|count| {
                    below += count;
                    below as f64
                }));
                if native.counts.is_empty() {
                    out.push(count);
                }
                out.extend([native.histogram.sum(), count]);
            }
            Self::Summary { sum, count } => out.extend([*sum, *count as f64]),
            Self::Windowed(summary) => {
                out.extend(summary.quantiles(now_ms).into_iter().map(|(_, value)| value));
                out.extend([summary.sum(), summary.count() as f64]);
            }
            Self::States(states) => out.extend(states.iter().map(|(_, on)| f64::from(u8::from(*on)))),
        }
    }
}
