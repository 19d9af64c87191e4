//! What takes a PromQL expression.

use serde::Deserialize;

use crate::scalar::{Count, Duration, Moment, Text, Word};

/// `query_metrics`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["query"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct QueryMetrics<'a> {
    /// The PromQL expression.
    pub query: Text<'a>,
    /// The instant to evaluate it at, unless there is a `time_range`; now by default.
    pub time: Moment<'a>,
    /// The range to evaluate it over.
    pub time_range: Option<TimeRange<'a>>,
    /// How long the server may take. It bounds the plug's own patience too, as a setting.
    pub timeout: Duration,
    /// The most series; Prometheus takes it from 3.0 on.
    pub limit: Count,
    /// How old a sample may be to count.
    pub lookback_delta: Duration,
    /// Whether to tell what the query cost: `all` for each step too.
    pub stats: Text<'a>,
}

/// A range of time, in steps.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "time_range", extend("required" = ["start"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct TimeRange<'a> {
    /// The first point.
    pub start: Moment<'a>,
    /// The last point is not after it; now by default.
    pub end: Moment<'a>,
    /// Between two points; 15 seconds by default.
    pub step: Duration,
    /// What becomes of more points than servers give in one answer; `raise_step` by default.
    pub on_too_many_points: Word<TooManyPoints>,
}

/// What becomes of a range with more points than servers give in one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum TooManyPoints {
    /// The step is multiplied until they are few enough.
    #[default]
    RaiseStep,
    /// The range is asked in parts, whose answers are put together: all points, for as many
    /// requests.
    Split,
    /// The query is refused.
    #[serde(rename = "error")]
    Refuse,
}

/// `query_exemplars`. Without bounds some servers look at a few minutes, others at all.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["query"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct QueryExemplars<'a> {
    /// The PromQL expression.
    pub query: Text<'a>,
    /// The first moment.
    pub start: Moment<'a>,
    /// The last moment.
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
