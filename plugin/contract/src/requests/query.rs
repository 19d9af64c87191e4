//! Operations on PromQL expressions.

use serde::Deserialize;

use crate::scalar::{Count, Duration, Moment, Text, Word};

/// `query_metrics`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["query"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct QueryMetrics<'a> {
    /// The PromQL expression.
    pub query: Text<'a>,
    /// The evaluation time, unless there is a `time_range`; now by default.
    pub time: Moment<'a>,
    /// The range of a range query.
    pub time_range: Option<TimeRange<'a>>,
    /// The evaluation timeout on the server. As the setting `timeout`, it also limits how long the
    /// plug waits.
    pub timeout: Duration,
    /// The maximum number of series; supported by Prometheus 3.0 and later.
    pub limit: Count,
    /// The lookback delta.
    pub lookback_delta: Duration,
    /// Whether to return query statistics; `all` includes them per step.
    pub stats: Text<'a>,
}

/// A time range with a step.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "time_range", extend("required" = ["start"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct TimeRange<'a> {
    /// The first evaluation time.
    pub start: Moment<'a>,
    /// The last evaluation time is not after it; now by default.
    pub end: Moment<'a>,
    /// The step; 15 seconds by default.
    pub step: Duration,
    /// What to do if the range has more points than servers return in one response; `raise_step` by
    /// default.
    pub on_too_many_points: Word<TooManyPoints>,
}

/// What to do if a range has more points than servers return in one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum TooManyPoints {
    /// Multiply the step until the range has few enough points.
    #[default]
    RaiseStep,
    /// Split the range into several requests and merge their results.
    Split,
    /// Fail with an error.
    #[serde(rename = "error")]
    Refuse,
}

/// `query_exemplars`. Without `start` and `end`, some servers return a few minutes and others
/// everything.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["query"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct QueryExemplars<'a> {
    /// The PromQL expression.
    pub query: Text<'a>,
    /// The start of the range.
    pub start: Moment<'a>,
    /// The end of the range.
    pub end: Moment<'a>,
}

/// `format_query` and `parse_query`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["query"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Expression<'a> {
    /// The PromQL expression.
    pub query: Text<'a>,
}
