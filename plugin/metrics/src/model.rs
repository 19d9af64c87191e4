//! The model that encoders read: families, series and points, borrowed and sorted. Independent of
//! any format. Created by [`Registry::read`](crate::registry::Registry::read).

use crate::registry::Kind;
use crate::registry::native::NativeHistogram;

/// The type of a family in an exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the formats' own")]
pub enum FamilyType {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    /// No type, `untyped` or `unknown`.
    Unknown,
}

impl From<Kind> for FamilyType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter,
            Kind::Gauge => Self::Gauge,
            Kind::Histogram | Kind::NativeHistogram => Self::Histogram,
            Kind::Summary => Self::Summary,
            Kind::Info => Self::Info,
            Kind::StateSet => Self::StateSet,
            Kind::GaugeHistogram => Self::GaugeHistogram,
            Kind::Unknown => Self::Unknown,
        }
    }
}

impl FamilyType {
    /// The name in OpenMetrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }

    /// The suffixes of the type's sample names in OpenMetrics.
    pub fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["_total", "_created"],
            Self::Summary => &["", "_count", "_sum", "_created"],
            Self::Histogram => &["_count", "_sum", "_bucket", "_created"],
            Self::GaugeHistogram => &["_gcount", "_gsum", "_bucket"],
            Self::Info => &["_info"],
            Self::Gauge | Self::StateSet | Self::Unknown => &[""],
        }
    }
}

/// A metric and its series.
#[derive(Debug, Clone, PartialEq)]
pub struct Family<'a> {
    /// The name, any UTF-8; usually `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    pub name: &'a str,
    /// The kind.
    pub kind: Kind,
    /// The help text, unescaped; empty if none.
    pub help: &'a str,
    /// The unit, such as `seconds`; empty if none. If there is one, the name ends with `_<unit>`
    /// (before any `_total`).
    pub unit: &'a str,
    /// Whether OpenMetrics must write the family as `unknown` because another family uses one of
    /// its reserved names.
    pub gives_way: bool,
    /// Whether remote writes have a classic histogram's buckets as custom ones of a native one.
    pub is_custom: bool,
    /// Sorted by label values.
    pub series: Vec<Series<'a>>,
}

/// Families, and labels that apply to all of them.
pub type Labelled<'a> = (Vec<Family<'a>>, Vec<(&'a str, &'a str)>);

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series<'a> {
    /// Names and values, sorted by name. Values may be any text, including empty.
    pub labels: Vec<(&'a str, &'a str)>,
    /// Creation time in milliseconds since the Unix epoch, if known.
    pub created_ms: Option<u64>,
    /// The current state.
    pub point: Point<'a>,
}

/// The state of one series.
#[derive(Debug, Clone, PartialEq)]
pub enum Point<'a> {
    /// A total and an optional exemplar.
    Counter {
        /// The total since `created_ms`.
        total: f64,
        /// The most recent exemplar.
        exemplar: Option<&'a Exemplar>,
    },
    /// The current value, of a gauge or of a metric of unknown type.
    Gauge(f64),
    /// Observations by bucket, of a histogram or a gauge histogram.
    Histogram {
        /// Finite upper bounds, ascending.
        bounds: &'a [f64],
        /// Observations per bucket (not cumulative). One longer than `bounds`: the last is the
        /// `+Inf` bucket.
        counts: &'a [u64],
        /// The sum of all observations.
        sum: f64,
        /// Per bucket; empty, or as long as `counts`.
        exemplars: &'a [Option<Exemplar>],
    },
    /// Observations in exponential buckets, of a native or a gauge histogram.
    Native(Native<'a>),
    /// Observations and their quantiles.
    Summary {
        /// Quantile in 0..=1 and its value (NaN if the window is empty), ascending.
        quantiles: Vec<(f64, f64)>,
        /// The sum of all observations.
        sum: f64,
        /// The number of observations.
        count: u64,
    },
    /// Always 1; the information is in the labels.
    Info,
    /// Named states; each is on or off.
    StateSet(&'a [(Box<str>, bool)]),
}

/// A native histogram with what a series has besides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Native<'a> {
    /// The exponential buckets.
    pub histogram: &'a NativeHistogram,
    /// The same observations in classic buckets, if the series has both.
    pub classic: Option<Classic<'a>>,
    /// Some observations. Those of the classic buckets are among them.
    pub exemplars: &'a [Exemplar],
}

/// Classic buckets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Classic<'a> {
    /// Finite upper bounds, ascending.
    pub bounds: &'a [f64],
    /// Observations per bucket (not cumulative), one longer than `bounds`.
    pub counts: &'a [u64],
}

impl std::ops::Deref for Native<'_> {
    type Target = NativeHistogram;

    fn deref(&self) -> &NativeHistogram {
        self.histogram
    }
}

impl<'a> Native<'a> {
    /// A native histogram without classic buckets and exemplars.
    pub fn new(histogram: &'a NativeHistogram) -> Self {
        Self { histogram, classic: None, exemplars: &[] }
    }

    /// The classic buckets with their upper bounds, cumulative counts and latest exemplars; without
    /// classic buckets, the last one, which has all observations.
    pub fn classic_buckets(&self) -> impl Iterator<Item = (f64, u64, Option<&'a Exemplar>)> + use<'a> {
        let Self { histogram, classic, exemplars } = *self;
        let bounds = classic.map_or(&[][..], |classic| classic.bounds);
        let (mut below, mut lower) = (0, f64::NEG_INFINITY);
        bounds.iter().copied().chain([f64::INFINITY]).enumerate().map(move |(place, upper)| {
            below += classic.map_or(histogram.count(), |classic| classic.counts.get(place).copied().unwrap_or(0));
            let contains = |exemplar: &&Exemplar| {
                (exemplar.value > lower || lower == f64::NEG_INFINITY) && exemplar.value <= upper
            };
            let latest = exemplars.iter().filter(contains).max_by_key(|exemplar| exemplar.unix_ms);
            lower = upper;
            (upper, below, latest)
        })
    }

    /// The latest exemplar.
    pub fn latest(&self) -> Option<&'a Exemplar> {
        self.exemplars.iter().max_by_key(|exemplar| exemplar.unix_ms)
    }
}

/// An example observation with its own labels, such as a trace ID.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Names and values, together at most 128 UTF-8 characters.
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// The value observed or added.
    pub value: f64,
    /// The time in milliseconds since the Unix epoch.
    pub unix_ms: Option<u64>,
}
