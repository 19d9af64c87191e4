//! What recording and defining metrics come to.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::kind::MetricKind;
use crate::response::{Response, ResponseWriter};

use super::push::RecordPush;
use super::shared::Amount;
use crate::scalar::Labels;

/// One recorded metric, and what its series holds now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "recorded"))]
pub struct Recorded<'a> {
    /// The metric's name.
    pub metric_name: &'a str,
    /// What it was recorded as.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::KindName"))]
    pub metric_type: MetricKind,
    /// What was recorded: added to a counter, set on a gauge, observed by the others.
    pub metric_value: Amount,
    /// The series' labels, as they were given.
    #[serde(serialize_with = "pairs")]
    #[cfg_attr(feature = "schema", schemars(with = "super::shared::LabelPairs"))]
    pub labels: &'a Labels<'a>,
    /// The value of a counter or gauge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_value: Option<Amount>,
    /// How many values a histogram or summary observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The sum of what they observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum: Option<Amount>,
    /// Which states of a state set hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub states_on: Option<Vec<String>>,
    /// Where the value went, if the metric's limit of series kept it from its own one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow: Option<Box<Overflow>>,
}

fn pairs<S: Serializer>(labels: &Labels, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(labels.iter())
}

/// A limit of series was reached, and the value went to the metric's overflow series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "overflow"))]
pub struct Overflow {
    /// The metric.
    pub metric: String,
    /// The label with the most values.
    pub label: String,
    /// How many values that label has.
    pub distinct_values: u64,
    /// The same as a sentence.
    pub text: String,
}

/// `record_metric` and the operations that record as one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordedAt<'a> {
    /// When the value was taken: what the request said, else now.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Rfc3339"))]
    pub timestamp: Cow<'a, str>,
}

/// `record_multiple_metrics`.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordedMetrics<'a> {
    /// How many metrics were recorded: all of the request.
    pub metrics_recorded: u64,
    /// Each of them, in the request's order.
    pub metrics: Vec<Recorded<'a>>,
}

/// Names of fields are written faster by the writer itself than by `serde_json`, and a list may be
/// long.
impl Response for RecordedMetrics<'_> {
    #[inline]
    fn write(&self, out: &mut ResponseWriter) {
        out.member("metrics_recorded", &self.metrics_recorded);
        out.list("metrics", &self.metrics);
    }

    #[cfg(feature = "schema")]
    fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <Self as schemars::JsonSchema>::json_schema(generator)
    }
}

/// What `record_metric` and the operations that record as one kind respond.
pub type RecordResponse<'a> = (Recorded<'a>, (RecordPush, RecordedAt<'a>));

/// The same for `record_multiple_metrics`.
pub type RecordListResponse<'a> = (RecordedMetrics<'a>, (RecordPush, RecordedAt<'a>));

/// `register_metric`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Registered<'a> {
    /// The metric's name.
    pub metric_name: &'a str,
    /// What it will be recorded as.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::KindName"))]
    pub metric_type: MetricKind,
    /// The family's number, for the typed interfaces.
    pub family: u32,
}

/// `remove_metric`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Removed<'a> {
    /// The metric's name.
    pub metric_name: &'a str,
    /// Whether there was such a series.
    pub removed: bool,
}

/// `clear_metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cleared {
    /// How many series there were.
    pub series_removed: u64,
}
