//! Parser events, limits and errors.

use std::borrow::Cow;
use std::fmt;

use crate::model::FamilyType;

/// A format that can be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text, 0.0.4 or 1.0.0. The latter only adds quoted names, which are accepted in
    /// both.
    Text,
    /// OpenMetrics text, 0.0.1 or 1.0.0.
    OpenMetrics,
    /// OpenMetrics text 2.0.0, of which there is a release candidate.
    OpenMetrics2,
    /// Delimited `io.prometheus.client.MetricFamily` messages.
    Protobuf,
}

impl Format {
    /// The name in `fallback_scrape_protocol` and error messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "PrometheusText0.0.4",
            Self::OpenMetrics => "OpenMetricsText",
            Self::OpenMetrics2 => "OpenMetricsText2.0.0",
            Self::Protobuf => "PrometheusProto",
        }
    }

    /// The format with that name: Prometheus's names of scrape protocols, with or without version,
    /// and `prometheus`, `openmetrics`, `openmetrics2`, `protobuf`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "PrometheusText" | "PrometheusText0.0.4" | "PrometheusText1.0.0" | "prometheus" | "text" => Self::Text,
            "OpenMetricsText" | "OpenMetricsText0.0.1" | "OpenMetricsText1.0.0" | "openmetrics" => Self::OpenMetrics,
            "OpenMetricsText2.0.0" | "openmetrics2" => Self::OpenMetrics2,
            "PrometheusProto" | "protobuf" => Self::Protobuf,
            _ => return None,
        })
    }

    /// The format of a response's `Content-Type`, with the rules of Prometheus 3: a header that is
    /// missing, invalid or names another type is an error unless there is a fallback. Of versions
    /// only OpenMetrics 2.0.0 matters.
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
            "application/openmetrics-text" if parameter("version") == Some("2.0.0") => Some(Self::OpenMetrics2),
            "application/openmetrics-text" => Some(Self::OpenMetrics),
            // Other encodings (`text`, `compact-text`) are not supported.
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
                            fix the target or set a fallback protocol for it";
            match header {
                "" => format!("the response has no Content-Type; {expected}"),
                header => {
                    format!(
                        "the Content-Type {:?} is not a metrics format; {expected}",
                        crate::error::excerpt(header, 100)
                    )
                }
            }
        })
    }
}

/// Limits for parsing one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum size of the input in bytes.
    pub bytes: usize,
    /// Maximum number of samples, that is, lines of text.
    pub samples: usize,
    /// Maximum number of families.
    pub families: usize,
    /// Maximum number of labels of a sample or exemplar.
    pub labels: usize,
    /// Maximum number of labels of all samples together, which take the most memory.
    pub all_labels: usize,
    /// Maximum length of a metric or label name in bytes.
    pub name_bytes: usize,
    /// Maximum length of a label value in bytes.
    pub value_bytes: usize,
    /// Maximum length of a help text in bytes.
    pub help_bytes: usize,
    /// Seed of the hash tables, which protects them against crafted names.
    pub seed: u64,
}

impl Default for Limits {
    /// Limits for wasm, where a stored label takes 24 bytes (48 on 64-bit hosts).
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

/// A parse error and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The format of the input.
    pub format: Format,
    /// Byte offset, from 0 to the length of the input.
    pub offset: usize,
    /// Line number from 1; 0 for protobuf, which has no lines.
    pub line: usize,
    /// Byte position in the line from 1; 0 for protobuf.
    pub column: usize,
    /// The problem, and how to fix it.
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

/// The role of a sample in its family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    /// The value of a gauge, counter, info, state set or unknown metric; also any sample that fits
    /// no other role.
    Value,
    /// A cumulative bucket with its bound, the label `le`.
    Bucket(f64),
    /// A quantile with its rank, the label `quantile`.
    Quantile(f64),
    /// The sum of observations.
    Sum,
    /// The number of observations.
    Count,
    /// The creation time in seconds since the Unix epoch.
    Created,
    /// A native histogram; the value is its count.
    Native,
}

/// A label's name and value, unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label<'a> {
    /// Any UTF-8, not empty.
    pub name: Cow<'a, str>,
    /// Any UTF-8.
    pub value: Cow<'a, str>,
}

/// An exemplar.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar<'a> {
    /// The exemplar's own labels.
    pub labels: Vec<Label<'a>>,
    /// The observed value.
    pub value: f64,
    /// Seconds since the Unix epoch.
    pub timestamp: Option<f64>,
}

/// Buckets of one sign of a native histogram.
pub type NativeBuckets = Vec<(i32, f64)>;

/// A native histogram with decoded buckets.
#[derive(Debug, Clone, PartialEq)]
pub struct Native {
    /// -4 to 8: each bucket is 2^(2^-schema) times as wide as the previous one.
    pub schema: i32,
    /// Observations with at most this magnitude count as zero.
    pub zero_threshold: f64,
    /// The number of observations in the zero bucket.
    pub zero_count: f64,
    /// Index and count of positive buckets, by ascending index.
    pub positive: NativeBuckets,
    /// Index and count of negative buckets, by ascending index.
    pub negative: NativeBuckets,
    /// The sum of observations.
    pub sum: f64,
    /// The number of observations.
    pub count: f64,
    /// Whether this is a float histogram.
    pub is_float: bool,
}

/// A sample line. For protobuf, the equivalent of a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'p, 'a> {
    /// Index of its family, in order of first appearance.
    pub family: usize,
    /// The name including its suffix.
    pub name: Cow<'a, str>,
    /// The role in its family.
    pub part: Part,
    /// In input order, including `le` and `quantile`.
    pub labels: &'p [Label<'a>],
    /// Any number.
    pub value: f64,
    /// In seconds since the Unix epoch.
    pub timestamp: Option<f64>,
    /// At most one, except in a native histogram.
    pub exemplars: Vec<Exemplar<'a>>,
    /// The creation time in protobuf and OpenMetrics 2.0; other text formats use a separate sample,
    /// [`Part::Created`].
    pub created_ms: Option<i64>,
    /// The histogram, for [`Part::Native`].
    pub native: Option<Box<Native>>,
}

/// A parser event.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'p, 'a> {
    /// The type of a family.
    Type {
        /// See [`Sample::family`].
        family: usize,
        /// The type.
        kind: FamilyType,
    },
    /// The help of a family.
    Help {
        /// See [`Sample::family`].
        family: usize,
        /// Unescaped.
        text: Cow<'a, str>,
    },
    /// The unit of a family.
    Unit {
        /// See [`Sample::family`].
        family: usize,
        /// Such as `seconds`.
        unit: Cow<'a, str>,
    },
    /// A sample.
    Sample(Sample<'p, 'a>),
    /// End of input; the exposition is valid.
    Eof,
}
