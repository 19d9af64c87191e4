//! What others expose, read: Prometheus text, OpenMetrics and delimited protobuf. Strict, and without copies: names, labels and
//! help are parts of the input wherever they hold no escape.
//!
//! [`Reader`] hands out one [`Event`] after the other; [`Families`] is all of them together, for reports ([`lint`]), for the
//! registry ([`import()`]) and to be written again ([`reexpose()`]). Nothing here does I/O or looks at a clock, no input makes it
//! panic, and what it holds is a small multiple of the input, within [`Limits`].
//!
//! What is accepted is what the formats' specifications accept. Where the text format's leaves a thing open, Prometheus's own
//! parser (`expfmt`) decides; OpenMetrics' names may be quoted, as Prometheus 3 writes them.

pub use crate::model::FamilyType;
use std::borrow::Cow;
use std::fmt;

mod families;
pub mod import;
pub mod lint;
mod openmetrics;
mod protobuf;
pub mod reexpose;
mod scan;
#[cfg(test)]
mod tests;
mod text;

pub use families::{Families, Family, Metric, Point};
pub use import::import;
pub use reexpose::reexpose;

/// What can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text, 0.0.4 or 1.0.0: the latter differs by names in quotes only, which are read in both.
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

    /// The format of a name: Prometheus's names of scrape protocols, with or without their version, and `prometheus`,
    /// `openmetrics`, `protobuf`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "PrometheusText" | "PrometheusText0.0.4" | "PrometheusText1.0.0" | "prometheus" | "text" => Self::Text,
            "OpenMetricsText" | "OpenMetricsText0.0.1" | "OpenMetricsText1.0.0" | "openmetrics" => Self::OpenMetrics,
            "PrometheusProto" | "protobuf" => Self::Protobuf,
            _ => return None,
        })
    }

    /// The format that an answer's `Content-Type` says, as Prometheus 3 has it: a header that is missing, cannot be read or
    /// names another type is an error, unless a fallback was given. The versions make no difference.
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
    fn at(format: Format, input: &[u8], offset: usize, problem: String) -> Self {
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
    /// All there is: of gauges, counters, infos, state sets and unknown ones; and what nobody can tell.
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
    /// When the series began, where protobuf says so; text says it with a sample of its own, [`Part::Created`].
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

/// Reads an input, event by event.
#[derive(Debug)]
pub struct Reader<'a>(Inner<'a>);

#[derive(Debug)]
enum Inner<'a> {
    Text(text::Reader<'a>),
    OpenMetrics(Box<openmetrics::Reader<'a>>),
    Protobuf(protobuf::Reader<'a>),
}

impl<'a> Reader<'a> {
    /// A reader of the input, which must not be compressed any more.
    pub fn new(input: &'a [u8], format: Format, limits: &Limits) -> Result<Self, ParseError> {
        Ok(Self(match format {
            Format::Text => Inner::Text(text::Reader::new(input, limits)?),
            Format::OpenMetrics => Inner::OpenMetrics(Box::new(openmetrics::Reader::new(input, limits)?)),
            Format::Protobuf => Inner::Protobuf(protobuf::Reader::new(input, limits)?),
        }))
    }

    /// The next event. After [`Event::Eof`] it is that for ever; after an error what comes means nothing: an input that has
    /// one is refused as a whole.
    // No iterator: the labels of a sample are lent until the next one.
    #[expect(clippy::should_implement_trait, reason = "an iterator could not lend")]
    pub fn next(&mut self) -> Result<Event<'_, 'a>, ParseError> {
        match &mut self.0 {
            Inner::Text(reader) => reader.next(),
            Inner::OpenMetrics(reader) => reader.next(),
            Inner::Protobuf(reader) => reader.next(),
        }
    }

    /// The name of a family that an event named.
    pub fn family_name(&self, family: usize) -> &str {
        self.family(family).map_or("", |name| &**name)
    }

    fn family(&self, family: usize) -> Option<&Cow<'a, str>> {
        match &self.0 {
            Inner::Text(reader) => reader.family(family),
            Inner::OpenMetrics(reader) => reader.family(family),
            Inner::Protobuf(reader) => reader.family(family),
        }
    }
}

/// Reads a whole input.
pub fn parse<'a>(input: &'a [u8], format: Format, limits: &Limits) -> Result<Families<'a>, ParseError> {
    Families::read(Reader::new(input, format, limits)?, format, limits.seed)
}

/// Why a label set is refused: `None` if it is not.
fn label_fault(labels: &[Label], limits: &Limits) -> Option<String> {
    let (last, before) = labels.split_last()?;
    if labels.len() > limits.labels {
        return Some(format!("there are more than {} labels; drop some, or raise the limit", limits.labels));
    }
    if before.iter().any(|label| label.name == last.name) {
        let name = crate::error::excerpt(&last.name, 100);
        return Some(format!("the label {name} is given twice; expected each label name once"));
    }
    if last.name.is_empty() {
        return Some("the label's name is empty; expected at least one character".into());
    }
    if last.name == "__name__" {
        return Some("the label name __name__ is reserved; write the metric's name before the braces".into());
    }
    if last.name.len() > limits.name_bytes {
        return Some(too_long("the label's name", last.name.len(), limits.name_bytes));
    }
    if last.value.len() > limits.value_bytes {
        return Some(too_long("the label's value", last.value.len(), limits.value_bytes));
    }
    None
}

/// What was read so far, against the limits.
#[derive(Debug, Default)]
struct Tally {
    samples: usize,
    labels: usize,
}

impl Tally {
    /// Counts a sample; why it is one too many, if it is.
    #[inline]
    fn count(&mut self, labels: usize, limits: &Limits) -> Option<String> {
        self.samples += 1;
        self.labels += labels;
        if self.samples <= limits.samples && self.labels <= limits.all_labels {
            return None;
        }
        Some(match self.samples > limits.samples {
            true => format!("there are more than {} samples; raise the limit", limits.samples),
            false => format!("all samples have more than {} labels; raise the limit", limits.all_labels),
        })
    }
}

fn too_long(what: &str, bytes: usize, limit: usize) -> String {
    format!("{what} has {bytes} bytes, and {limit} are allowed; shorten it, or raise the limit")
}

/// A table from names to places in a list that holds them.
#[derive(Debug)]
struct Index {
    table: hashbrown::HashTable<u32>,
    hasher: foldhash::fast::FixedState,
}

impl Index {
    fn new(seed: u64) -> Self {
        Self { table: hashbrown::HashTable::new(), hasher: foldhash::fast::FixedState::with_seed(seed) }
    }

    fn hash(&self, name: &str) -> u64 {
        use std::hash::{BuildHasher, Hasher};
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name.as_bytes());
        hasher.finish()
    }

    fn find(&self, name: &str, is: impl Fn(usize) -> bool) -> Option<usize> {
        self.table.find(self.hash(name), |place| is(*place as usize)).map(|place| *place as usize)
    }

    /// Adds a name that is not in it. `name_of` gives the names of the places in it.
    fn insert<'n>(&mut self, name: &str, place: usize, name_of: impl Fn(usize) -> &'n str) {
        let hash = self.hash(name);
        let Self { table, hasher } = self;
        table.insert_unique(hash, place as u32, |place| {
            use std::hash::{BuildHasher, Hasher};
            let mut hasher = hasher.build_hasher();
            hasher.write(name_of(*place as usize).as_bytes());
            hasher.finish()
        });
    }
}
