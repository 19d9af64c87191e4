//! What an input says, and what its reading may take.

use std::borrow::Cow;
use std::fmt;

use crate::model::FamilyType;

/// What can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text, 0.0.4 or 1.0.0: the latter differs by names in quotes only, which are read
    /// in both.
    Text,
    /// OpenMetrics text, 0.0.1 or 1.0.0.
    OpenMetrics,
    /// Delimited `io.prometheus.client.MetricFamily` messages.
    Protobuf,
}

impl Format {
    /// As `fallback_scrape_protocol` and error texts name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "PrometheusText",
            Self::OpenMetrics => "OpenMetricsText",
            Self::Protobuf => "PrometheusProto",
        }
    }

    /// The format of a name: Prometheus's names of scrape protocols, with or without their version,
    /// and `prometheus`, `openmetrics`, `protobuf`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "PrometheusText" | "PrometheusText0.0.4" | "PrometheusText1.0.0" | "prometheus" | "text" => Self::Text,
            "OpenMetricsText" | "OpenMetricsText0.0.1" | "OpenMetricsText1.0.0" | "openmetrics" => Self::OpenMetrics,
            "PrometheusProto" | "protobuf" => Self::Protobuf,
            _ => return None,
        })
    }

    /// The format that an answer's `Content-Type` says, as Prometheus 3 has it: a header that is
    /// missing, cannot be read or names another type is an error, unless a fallback was given. The
    /// versions make no difference.
    pub fn detect(content_type: Option<&str>, fallback: Option<Self>) -> Result<Self, String> {
        let header = content_type.unwrap_or_default().trim();
        let mut parts = header.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let parameters = || header.split(';').skip(1).filter_map(|part| part.split_once('='));
        let parameter = |name: &str| {
            let mut named = parameters().filter(|(own, _)| own.trim().eq_ignore_ascii_case(name));
            named.next().map(|(_, value)| value.trim().trim_matches('"'))
        };
        let format = match media_type.as_str() {
            "text/plain" => Some(Self::Text),
            "application/openmetrics-text" => Some(Self::OpenMetrics),
            // Prometheus's own types of the two other encodings (`text`, `compact-text`) say so.
            "application/vnd.google.protobuf" => {
                let message = parameter("proto").is_none_or(|proto| proto == "io.prometheus.client.MetricFamily");
                let delimited = parameter("encoding").is_none_or(|encoding| encoding == "delimited");
                (message && delimited).then_some(Self::Protobuf)
            }
            _ => None,
        };
        format.or(fallback).ok_or_else(|| {
            let expected = "expected text/plain, application/openmetrics-text or \
                            application/vnd.google.protobuf with encoding=delimited; \
                            mend the target, or give a fallback protocol for it";
            match header {
                "" => format!("the answer has no Content-Type; {expected}"),
                header => {
                    format!("the Content-Type {:?} is none of metrics; {expected}", crate::error::excerpt(header, 100))
                }
            }
        })
    }
}

/// What the reading of one input may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the input.
    pub bytes: usize,
    /// Samples: lines of text, or what they would be.
    pub samples: usize,
    /// Families.
    pub families: usize,
    /// Labels of one sample or exemplar.
    pub labels: usize,
    /// Labels of all samples together: they take the most memory.
    pub all_labels: usize,
    /// Bytes of a metric's or label's name.
    pub name_bytes: usize,
    /// Bytes of a label's value.
    pub value_bytes: usize,
    /// Bytes of a help text.
    pub help_bytes: usize,
    /// Of the tables of names: so that nobody can guess which names share a place.
    pub seed: u64,
}

impl Default for Limits {
    /// For a sandbox, where a label takes 24 bytes while it is kept, and natively 48.
    fn default() -> Self {
        Self {
            bytes: 32 << 20,
            samples: 250_000,
            families: 50_000,
            labels: 128,
            all_labels: 1_500_000,
            name_bytes: 4_096,
            value_bytes: 128 << 10,
            help_bytes: 128 << 10,
            seed: 0,
        }
    }
}

/// Why an input is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// As what it was read.
    pub format: Format,
    /// The byte, from 0 up to the input's length.
    pub offset: usize,
    /// From 1; 0 for protobuf, which has no lines.
    pub line: usize,
    /// The byte in the line, from 1; 0 for protobuf.
    pub column: usize,
    /// What was expected and found, and what to do.
    pub problem: String,
}

impl ParseError {
    #[cold]
    pub(super) fn at(format: Format, input: &[u8], offset: usize, problem: String) -> Self {
        let offset = offset.min(input.len());
        let (mut line, mut column) = (0, 0);
        if format != Format::Protobuf {
            let before = input.get(..offset).unwrap_or_default();
            line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        }
        Self { format, offset, line, column, problem }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.format {
            Format::Protobuf => write!(f, "byte {}: {}", self.offset, self.problem),
            _ => write!(f, "line {}, column {}: {}", self.line, self.column, self.problem),
        }
    }
}

impl std::error::Error for ParseError {}

/// What a sample is of its family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    /// All there is: of gauges, counters, infos, state sets and unknown ones; and what nobody can
    /// tell.
    Value,
    /// Observations up to the bound, which is the label `le`.
    Bucket(f64),
    /// The value at the rank, which is the label `quantile`.
    Quantile(f64),
    /// The sum of observations.
    Sum,
    /// How many observations there were.
    Count,
    /// When the series began, in seconds since the Unix epoch.
    Created,
    /// A native histogram; the value is its count.
    Native,
}

/// A label's name and value, unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label<'a> {
    /// Any UTF-8 but nothing.
    pub name: Cow<'a, str>,
    /// Any UTF-8.
    pub value: Cow<'a, str>,
}

/// An example of an observation.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar<'a> {
    /// Of the example, not of the series.
    pub labels: Vec<Label<'a>>,
    /// What was observed.
    pub value: f64,
    /// When, in seconds since the Unix epoch.
    pub timestamp: Option<f64>,
}

/// Buckets of one sign of a native histogram.
pub type NativeBuckets = Vec<(i32, f64)>;

/// A native histogram, its buckets spelled out.
#[derive(Debug, Clone, PartialEq)]
pub struct Native {
    /// -4 to 8: each bucket is 2^(2^-schema) times as wide as the one before.
    pub schema: i32,
    /// Up to this magnitude an observation counts as zero.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// Index and observations of positive buckets, by rising index.
    pub positive: NativeBuckets,
    /// The same of negative ones.
    pub negative: NativeBuckets,
    /// The sum of observations.
    pub sum: f64,
    /// How many observations there were.
    pub count: f64,
    /// Whether the counts are no integers.
    pub is_float: bool,
}

/// A sample, as its line has it. In protobuf, which has no lines, what its line would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'p, 'a> {
    /// The place of its family, counted from 0 in the order in which families are first named.
    pub family: usize,
    /// With its suffix.
    pub name: Cow<'a, str>,
    /// What it is of its family.
    pub part: Part,
    /// In their order, with `le` and `quantile`.
    pub labels: &'p [Label<'a>],
    /// Any number.
    pub value: f64,
    /// In seconds since the Unix epoch.
    pub timestamp: Option<f64>,
    /// Where there is one.
    pub exemplar: Option<Box<Exemplar<'a>>>,
    /// When the series began, where protobuf says so; text says it with a sample of its own,
    /// [`Part::Created`].
    pub created_ms: Option<i64>,
    /// For [`Part::Native`].
    pub native: Option<Box<Native>>,
}

/// What an input says, one thing after the other.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'p, 'a> {
    /// What a family measures.
    Type {
        /// See [`Sample::family`].
        family: usize,
        /// What was said.
        kind: FamilyType,
    },
    /// A family's help.
    Help {
        /// See [`Sample::family`].
        family: usize,
        /// Unescaped.
        text: Cow<'a, str>,
    },
    /// What a family is measured in.
    Unit {
        /// See [`Sample::family`].
        family: usize,
        /// Such as `seconds`.
        unit: Cow<'a, str>,
    },
    /// A sample.
    Sample(Sample<'p, 'a>),
    /// There is no more, and all was well.
    Eof,
}
