//! Results of recording and defining metrics.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::kind::MetricKind;
use crate::response::{Response, ResponseWriter};

use super::push::RecordPush;
use super::shared::Amount;
use crate::scalar::Labels;

/// A recorded metric and the current state of its series.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "recorded"))]
pub struct Recorded<'a> {
    /// The metric's name.
    pub metric_name: &'a str,
    /// The metric's kind.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::KindName"))]
    pub metric_type: MetricKind,
    /// The recorded value: added to a counter, set on a gauge, observed by other kinds.
    pub metric_value: Amount,
    /// The series' labels, as given.
    #[serde(serialize_with = "pairs")]
    #[cfg_attr(feature = "schema", schemars(with = "super::shared::LabelPairs"))]
    pub labels: &'a Labels<'a>,
    /// The value of a counter or gauge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_value: Option<Amount>,
    /// The number of observations of a histogram or summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The sum of observations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum: Option<Amount>,
    /// The states of a state set that are on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub states_on: Option<Vec<String>>,
    /// The overflow that took the value, if the metric's series limit was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow: Option<Box<Overflow>>,
}

fn pairs<S: Serializer>(labels: &Labels, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(labels.iter())
}

/// The series limit was reached, and the value went to the metric's overflow series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "overflow"))]
pub struct Overflow {
    /// The metric.
    pub metric: String,
    /// The label with the most values.
    pub label: String,
    /// How many values that label has.
    pub distinct_values: u64,
    /// The same as a message.
    pub text: String,
}

/// `record_metric`, `record_counter` and so on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordedAt<'a> {
    /// When the value was taken: the request's `timestamp`, else now.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Rfc3339"))]
    pub timestamp: Cow<'a, str>,
}

/// `record_multiple_metrics`.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordedMetrics<'a> {
    /// The number of recorded metrics: all of the request.
    pub metrics_recorded: u64,
    /// The recorded metrics, in the request's order.
    pub metrics: Vec<Recorded<'a>>,
}

/// The writer writes field names faster than `serde_json`, which matters for long lists.
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

/// The response of `record_metric`, `record_counter` and so on.
pub type RecordResponse<'a> = (Recorded<'a>, (RecordPush, RecordedAt<'a>));

/// The response of `record_multiple_metrics`.
pub type RecordListResponse<'a> = (RecordedMetrics<'a>, (RecordPush, RecordedAt<'a>));

/// `register_metric`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Registered<'a> {
    /// The metric's name.
    pub metric_name: &'a str,
    /// The metric's kind.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::KindName"))]
    pub metric_type: MetricKind,
    /// The family id for the typed interfaces.
    pub family: u32,
}

/// `remove_metric`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Removed<'a> {
    /// The metric's name.
    pub metric_name: &'a str,
    /// Whether the series existed.
    pub removed: bool,
}

/// `clear_metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cleared {
    /// How many series were removed.
    pub series_removed: u64,
}
