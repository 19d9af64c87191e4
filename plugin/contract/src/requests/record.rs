//! Recording, and what a metric is.

use serde::Deserialize;

use crate::document::Both;
use crate::scalar::{Bound, Duration, Finite, Flag, LabelValue, Labels, Moment, Number, Text, Verbatim, Whole};

/// `record_metric`, `record_counter`, `record_gauge`, `record_histogram` and `record_summary`.
/// [`DefinitionFields`] may stand beside these.
///
/// Nearly all calls are of this kind, so that one with these fields only can be read in one pass,
/// by `serde_json` itself.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["metric_name"])))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct Record<'a> {
    /// Which of them.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub operation: Text<'a>,
    /// The metric's name.
    pub metric_name: Option<LabelValue<'a>>,
    /// Added to a counter, set on a gauge, observed by the others. An info and a state set need
    /// none.
    pub metric_value: Number,
    /// What `record_metric` records as; `gauge` by default.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Kind"))]
    pub metric_type: Text<'a>,
    /// The series' labels.
    pub labels: Labels<'a>,
    /// When the value was taken. It is said in the answer, not exposed.
    pub timestamp: Moment<'a>,
    /// What the metric means, for its `# HELP` line. The first text given stays.
    pub help: Text<'a>,
    /// An example of what was recorded, such as a trace's id: labels of at most 128 characters
    /// together.
    pub exemplar: Labels<'a>,
    /// The state of a state set to switch.
    pub state: Text<'a>,
    /// Whether the state holds; true by default.
    pub on: Flag,
}

/// What a metric is, beside its name, kind and `help`: whoever records may say it too.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct DefinitionFields<'a> {
    /// Another name for `help`.
    pub description: Text<'a>,
    /// What is measured in, such as `seconds`; the metric's name ends with it.
    pub unit: Text<'a>,
    /// Whether names of the metric and of labels may be any text.
    pub utf8: Flag,
    /// Bounds of a histogram's buckets, rising. A last `+Inf` may be written.
    pub buckets: Option<Vec<Bound>>,
    /// The form of a native histogram.
    pub native: Option<NativeFields>,
    /// Ranks of a summary's quantiles, from 0 to 1 and rising; with an empty list there are none.
    pub quantiles: Option<Vec<Finite>>,
    /// How far back a summary's quantiles look.
    pub window: Duration,
    /// The names of a state set's states.
    pub states: Option<Vec<Verbatim<'a>>>,
    /// The most series of the metric; past it, an overflow series takes what is recorded to more.
    pub series_limit: Whole,
    /// A series that nothing was recorded to for so long is removed.
    pub expire_after: Duration,
}

/// The form of a native histogram; what is not given has Prometheus's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "native"))]
#[serde(default)]
pub struct NativeFields {
    /// How fine the buckets are: a whole number from -4 to 8.
    pub schema: Number,
    /// Values no farther from zero count as zero.
    pub zero_threshold: Number,
    /// With more buckets than these, the schema becomes coarser.
    pub max_buckets: Whole,
}

/// `record_multiple_metrics`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["metrics"])))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a, I: Deserialize<'de>"))]
pub struct RecordMultiple<'a, I = Both<ListedRecord<'a>, DefinitionFields<'a>>> {
    /// `record_multiple_metrics`.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub operation: Text<'a>,
    /// What to record, all or none.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<I>", length(min = 1)))]
    pub metrics: Option<Vec<I>>,
    /// When the values were taken. It is said in the answer, not exposed.
    pub timestamp: Moment<'a>,
}

impl<I> Default for RecordMultiple<'_, I> {
    fn default() -> Self {
        Self { operation: Text::default(), metrics: None, timestamp: Moment::default() }
    }
}

impl<I> RecordMultiple<'_, I> {
    /// The records, each with what is said beside it.
    pub fn records<'r>(&'r self, parts: impl Fn(&'r I) -> ListedParts<'r>) -> Option<Vec<ListedParts<'r>>> {
        self.metrics.as_ref().map(|metrics| metrics.iter().map(parts).collect())
    }
}

/// A record of a list, and what is said of its metric beside it.
pub type ListedParts<'r> = (&'r ListedRecord<'r>, &'r DefinitionFields<'r>);

/// One of a list of recordings. [`DefinitionFields`] may stand beside these.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "metric", extend("anyOf" = [{"required": ["name"]}, {"required": ["metric_name"]}])))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct ListedRecord<'a> {
    /// The metric's name.
    pub name: Option<LabelValue<'a>>,
    /// Another name for `name`.
    pub metric_name: Option<LabelValue<'a>>,
    /// The value, as for one record.
    pub value: Number,
    /// Another name for `value`.
    pub metric_value: Number,
    /// What is recorded as; `gauge` by default.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Kind"))]
    pub r#type: Text<'a>,
    /// Another name for `type`.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Kind"))]
    pub metric_type: Text<'a>,
    /// The series' labels.
    pub labels: Labels<'a>,
    /// What the metric means, for its `# HELP` line. The first text given stays.
    pub help: Text<'a>,
}

/// `register_metric`. [`DefinitionFields`] may stand beside these.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["metric_name"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RegisterMetric<'a> {
    /// The metric's name.
    pub metric_name: Option<LabelValue<'a>>,
    /// The metric's kind; `gauge` by default.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Kind"))]
    pub metric_type: Text<'a>,
    /// The names of its labels.
    pub label_names: Option<Vec<Verbatim<'a>>>,
    /// What the metric means, for its `# HELP` line. The first text given stays.
    pub help: Text<'a>,
}

/// `remove_metric`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["metric_name"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RemoveMetric<'a> {
    /// The metric's name.
    pub metric_name: Option<LabelValue<'a>>,
    /// All labels of the series.
    pub labels: Labels<'a>,
    /// Whether names of the metric and of labels may be any text.
    pub utf8: Flag,
}
