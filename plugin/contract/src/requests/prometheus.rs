//! What Prometheus is asked beside queries.

use serde::Deserialize;

use crate::scalar::{Count, Flag, Moment, OneOrMany, Text, Word};

/// `list_series` and `list_labels`; `label_values` has these fields beside its own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct SeriesSelection<'a> {
    /// Selectors such as `up{job="a"}`; a series that one of them finds counts.
    pub r#match: OneOrMany<Text<'a>>,
    /// Another name for `match`, as the API has it.
    #[serde(rename = "match[]")]
    pub match_of_api: OneOrMany<Text<'a>>,
    /// The first moment.
    pub start: Moment<'a>,
    /// The last moment.
    pub end: Moment<'a>,
    /// The most items of the answer.
    pub limit: Count,
}

/// `label_values`, beside [`SeriesSelection`].
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
    /// The metric; all of them by default.
    pub metric: Text<'a>,
    /// The most metrics.
    pub limit: Count,
    /// The most entries of one metric.
    pub limit_per_metric: Count,
}

/// `list_targets`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListTargets<'a> {
    /// Which targets; all of them by default.
    pub state: Word<TargetState>,
    /// Only those of this scrape pool.
    pub scrape_pool: Text<'a>,
}

/// Which targets are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// All of them.
    Any,
    /// Those that are scraped.
    Active,
    /// Those that relabelling dropped.
    Dropped,
}

/// `list_rules`. A rule that is listed meets all of these.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListRules<'a> {
    /// Only rules of this kind.
    pub r#type: Word<RuleType>,
    /// Only rules of these names.
    pub rule_name: OneOrMany<Text<'a>>,
    /// Only rules of the groups of these names.
    pub rule_group: OneOrMany<Text<'a>>,
    /// Only rules of these files.
    pub file: OneOrMany<Text<'a>>,
    /// Only rules whose labels one of these selectors finds.
    pub r#match: OneOrMany<Text<'a>>,
    /// Another name for `match`, as the API has it.
    #[serde(rename = "match[]")]
    pub match_of_api: OneOrMany<Text<'a>>,
    /// Whether the alerts that rules raised are left out.
    pub exclude_alerts: Flag,
}

/// What a rule makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum RuleType {
    /// Alerts.
    Alert,
    /// Series.
    Record,
}

/// `prometheus_status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct PrometheusStatus {
    /// What is to be told; `build`, `runtime` and `tsdb` by default.
    pub include: OneOrMany<StatusPart>,
}

/// What a Prometheus tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline, rename = "status_part"))]
#[serde(rename_all = "snake_case")]
pub enum StatusPart {
    /// Its version, and how it was built.
    Build,
    /// How it runs.
    Runtime,
    /// What its storage holds.
    Tsdb,
    /// Its command line's flags.
    Flags,
    /// Its configuration file.
    Config,
}
