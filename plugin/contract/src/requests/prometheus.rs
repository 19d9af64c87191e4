//! Requests to Prometheus other than queries.

use serde::Deserialize;

use crate::scalar::{Count, Flag, Moment, OneOrMany, Text, Word};

/// `list_series` and `list_labels`; `label_values` has these fields too.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct SeriesSelection<'a> {
    /// Selectors such as `up{job="a"}`; a series must match at least one.
    pub r#match: OneOrMany<Text<'a>>,
    /// An alias of `match`, as in the API.
    #[serde(rename = "match[]")]
    pub match_of_api: OneOrMany<Text<'a>>,
    /// The start of the range.
    pub start: Moment<'a>,
    /// The end of the range.
    pub end: Moment<'a>,
    /// The maximum number of items in the result.
    pub limit: Count,
}

/// `label_values`, in addition to [`SeriesSelection`].
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["label"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct LabelValues<'a> {
    /// The label's name.
    pub label: Text<'a>,
}

/// `list_metadata`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListMetadata<'a> {
    /// The metric; all metrics by default.
    pub metric: Text<'a>,
    /// The maximum number of metrics.
    pub limit: Count,
    /// The maximum number of entries per metric.
    pub limit_per_metric: Count,
}

/// `list_targets`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListTargets<'a> {
    /// Which targets to list; all of them by default.
    pub state: Word<TargetState>,
    /// Only targets of this scrape pool.
    pub scrape_pool: Text<'a>,
}

/// Which targets are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// All of them.
    Any,
    /// Targets that are scraped.
    Active,
    /// Targets that relabeling dropped.
    Dropped,
}

/// `list_rules`. Lists rules that match all of these.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListRules<'a> {
    /// Only rules of this kind.
    pub r#type: Word<RuleType>,
    /// Only rules with these names.
    pub rule_name: OneOrMany<Text<'a>>,
    /// Only rules in groups with these names.
    pub rule_group: OneOrMany<Text<'a>>,
    /// Only rules in these files.
    pub file: OneOrMany<Text<'a>>,
    /// Only rules whose labels match one of these selectors.
    pub r#match: OneOrMany<Text<'a>>,
    /// An alias of `match`, as in the API.
    #[serde(rename = "match[]")]
    pub match_of_api: OneOrMany<Text<'a>>,
    /// Whether to omit the active alerts of rules.
    pub exclude_alerts: Flag,
}

/// The kind of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum RuleType {
    /// Alerting rules.
    Alert,
    /// Recording rules.
    Record,
}

/// `prometheus_status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct PrometheusStatus {
    /// The parts to return; `build`, `runtime` and `tsdb` by default.
    pub include: OneOrMany<StatusPart>,
}

/// A part of the status of a Prometheus server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline, rename = "status_part"))]
#[serde(rename_all = "snake_case")]
pub enum StatusPart {
    /// Version and build information.
    Build,
    /// Runtime information.
    Runtime,
    /// TSDB statistics.
    Tsdb,
    /// Command-line flags.
    Flags,
    /// The configuration file.
    Config,
}
