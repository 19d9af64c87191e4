//! The model: families of series of points, borrowed and sorted, as encoders read them. Made by
//! [`Registry::read`](crate::registry::Registry::read); knows no format.

use crate::registry::Kind;
use crate::registry::native::NativeHistogram;

/// What a family measures, as its exposition says.
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
    /// Nothing, or `untyped`, or `unknown`.
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
        }
    }
}

impl FamilyType {
    /// As OpenMetrics spells it.
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

    /// What the type's sample names end with in OpenMetrics.
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
    /// The name, any UTF-8; most are `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    pub name: &'a str,
    /// What it measures.
    pub kind: Kind,
    /// The help text, unescaped; empty for none.
    pub help: &'a str,
    /// The unit, such as `seconds`; empty for none. Where there is one, the name ends with
    /// `_<unit>` (before `_total`, where it has that).
    pub unit: &'a str,
    /// Whether OpenMetrics cannot write the family with its type, since another family takes a name
    /// that it needs.
    pub gives_way: bool,
    /// Sorted by label values.
    pub series: Vec<Series<'a>>,
}

/// Families, and labels that go with all of them.
pub type Labelled<'a> = (Vec<Family<'a>>, Vec<(&'a str, &'a str)>);

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series<'a> {
    /// Names and values, sorted by name; values may be any text, also empty.
    pub labels: Vec<(&'a str, &'a str)>,
    /// When the series began, in milliseconds since the Unix epoch, where that is known.
    pub created_ms: Option<u64>,
    /// What it holds.
    pub point: Point<'a>,
}

/// The state of one series.
#[derive(Debug, Clone, PartialEq)]
pub enum Point<'a> {
    /// A total and, where one was given, an example of what it counted.
    Counter {
        /// Since `created_ms`.
        total: f64,
        /// The last one given.
        exemplar: Option<&'a Exemplar>,
    },
    /// The last value.
    Gauge(f64),
    /// Observations by bucket.
    Histogram {
        /// Finite upper bounds, rising.
        bounds: &'a [f64],
        /// Observations in each bucket alone (not cumulative); one longer than `bounds`: the last
        /// is what lies above.
        counts: &'a [u64],
        /// Of all observations.
        sum: f64,
        /// By bucket; empty, or as long as `counts`.
        exemplars: &'a [Option<Exemplar>],
    },
    /// Observations in exponential buckets.
    Native(&'a NativeHistogram),
    /// Observations and their quantiles.
    Summary {
        /// Rank in 0..=1 and value (NaN where the window is empty), ranks rising.
        quantiles: Vec<(f64, f64)>,
        /// Of all observations.
        sum: f64,
        /// Of all observations.
        count: u64,
    },
    /// Always 1; the labels are what is said.
    Info,
    /// Named states; each is on or off.
    StateSet(&'a [(Box<str>, bool)]),
}

/// An example of an observation, with labels of its own, such as a trace's id.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Together at most 128 UTF-8 characters, names and values.
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// What was observed or added.
    pub value: f64,
    /// When, in milliseconds since the Unix epoch.
    pub unix_ms: Option<u64>,
}
