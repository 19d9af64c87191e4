//! Recording and defining metrics.

use serde::Deserialize;

use crate::document::Both;
use crate::scalar::{
    Bound, Duration, Finite, Flag, LabelValue, Labels, MetricValue, Moment, Number, Text, Verbatim, Whole,
};

/// `record_metric`, `record_counter`, `record_gauge`, `record_histogram` and `record_summary`.
/// [`DefinitionFields`] may be given too.
///
/// Most calls record metrics, so a request with only these fields is read in one pass by
/// `serde_json` itself.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["metric_name"])))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct Record<'a> {
    /// The operation.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub operation: Text<'a>,
    /// The metric's name.
    pub metric_name: Option<LabelValue<'a>>,
    /// The value: added to a counter, set on a gauge, observed by other kinds. Optional for info
    /// metrics and state sets.
    pub metric_value: MetricValue,
    /// The kind for `record_metric`; `gauge` by default.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Kind"))]
    pub metric_type: Text<'a>,
    /// The series' labels.
    pub labels: Labels<'a>,
    /// When the value was taken. It is repeated in the result, not exposed.
    pub timestamp: Moment<'a>,
    /// The text of the `# HELP` line. The first one given is kept.
    pub help: Text<'a>,
    /// Exemplar labels, such as a trace id: at most 128 characters in total.
    pub exemplar: Labels<'a>,
    /// The state of a state set to change.
    pub state: Text<'a>,
    /// Whether the state is on; true by default.
    pub on: Flag,
}

/// A metric's definition except its name, kind and `help`. Recording operations accept it too.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct DefinitionFields<'a> {
    /// An alias of `help`.
    pub description: Text<'a>,
    /// The unit, such as `seconds`; the metric's name must end with it.
    pub unit: Text<'a>,
    /// Whether metric and label names may be any UTF-8 text.
    pub utf8: Flag,
    /// Bucket bounds of a histogram, in increasing order; of a native histogram, besides its own
    /// buckets. A final `+Inf` is optional.
    pub buckets: Option<Vec<Bound>>,
    /// Settings of a native histogram.
    pub native: Option<NativeFields>,
    /// Quantiles of a summary, from 0 to 1 in increasing order; an empty list disables them.
    pub quantiles: Option<Vec<Finite>>,
    /// The time window of a summary's quantiles.
    pub window: Duration,
    /// The states of a state set.
    pub states: Option<Vec<Verbatim<'a>>>,
    /// The maximum number of series of the metric; beyond it, values go to an overflow series.
    pub series_limit: Whole,
    /// Series without new values for this long are removed.
    pub expire_after: Duration,
}

/// Settings of a native histogram, with Prometheus's defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "native"))]
#[serde(default)]
pub struct NativeFields {
    /// The resolution: an integer from -4 to 8.
    pub schema: Number,
    /// Values up to this magnitude count as zero.
    pub zero_threshold: Number,
    /// The maximum number of buckets; beyond it, the resolution is reduced.
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
    /// The metrics to record, all or none of them.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<I>", length(min = 1)))]
    pub metrics: Option<Vec<I>>,
    /// When the values were taken. It is repeated in the result, not exposed.
    pub timestamp: Moment<'a>,
}

impl<I> Default for RecordMultiple<'_, I> {
    fn default() -> Self {
        Self { operation: Text::default(), metrics: None, timestamp: Moment::default() }
    }
}

impl<I> RecordMultiple<'_, I> {
    /// The records, each with its metric definition.
    pub fn records<'r>(&'r self, parts: impl Fn(&'r I) -> ListedParts<'r>) -> Option<Vec<ListedParts<'r>>> {
        self.metrics.as_ref().map(|metrics| metrics.iter().map(parts).collect())
    }
}

/// A record of a list, and its metric definition.
pub type ListedParts<'r> = (&'r ListedRecord<'r>, &'r DefinitionFields<'r>);

/// A record of a list. [`DefinitionFields`] may be given too.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "metric", extend("anyOf" = [{"required": ["name"]}, {"required": ["metric_name"]}])))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct ListedRecord<'a> {
    /// The metric's name.
    pub name: Option<LabelValue<'a>>,
    /// An alias of `name`.
    pub metric_name: Option<LabelValue<'a>>,
    /// The value, as for one record.
    pub value: MetricValue,
    /// An alias of `value`.
    pub metric_value: MetricValue,
    /// The metric's kind; `gauge` by default.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Kind"))]
    pub r#type: Text<'a>,
    /// An alias of `type`.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Kind"))]
    pub metric_type: Text<'a>,
    /// The series' labels.
    pub labels: Labels<'a>,
    /// The text of the `# HELP` line. The first one given is kept.
    pub help: Text<'a>,
}

/// `register_metric`. [`DefinitionFields`] may be given too.
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
    /// The text of the `# HELP` line. The first one given is kept.
    pub help: Text<'a>,
}

/// `remove_metric`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["metric_name"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RemoveMetric<'a> {
    /// The metric's name.
    pub metric_name: Option<LabelValue<'a>>,
    /// The full label set of the series.
    pub labels: Labels<'a>,
    /// Whether metric and label names may be any UTF-8 text.
    pub utf8: Flag,
}
