//! The kinds of metrics that requests and responses name.

use serde::{Serialize, Serializer};

/// What a metric is: the words of `metric_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// `counter`
    Counter,
    /// `gauge`
    Gauge,
    /// `histogram`
    Histogram,
    /// `summary`
    Summary,
    /// `native_histogram`
    NativeHistogram,
    /// `info`
    Info,
    /// `stateset`
    StateSet,
}

impl MetricKind {
    /// All kinds, in the order in which schemas and errors list them.
    pub const ALL: [Self; 7] =
        [Self::Counter, Self::Gauge, Self::Histogram, Self::Summary, Self::NativeHistogram, Self::Info, Self::StateSet];

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
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
}

impl Serialize for MetricKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
