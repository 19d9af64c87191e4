//! What Prometheus knows, in the form of its API.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::shared::{LabelPairs, is_empty, is_false};

/// An object of a server, whose members are passed on as they are.
pub type JsonObject = BTreeMap<String, Box<RawValue>>;

/// The schema of such an object.
#[cfg(feature = "schema")]
pub(super) type AnyObject = serde_json::Map<String, serde_json::Value>;

/// What accompanies the data of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerRemarks {
    /// What the server warned of.
    #[serde(skip_serializing_if = "is_empty")]
    pub warnings: Vec<String>,
    /// What the server remarked.
    #[serde(skip_serializing_if = "is_empty")]
    pub infos: Vec<String>,
    /// Whether the configuration says `mock_mode`, so that no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}

/// `list_series`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SeriesList {
    /// The labels of each series.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<LabelPairs<'static>>"))]
    pub series: Vec<Box<RawValue>>,
    /// How many there are.
    pub count: u64,
}

/// `list_labels`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LabelNames {
    /// The names.
    pub labels: Vec<String>,
    /// How many there are.
    pub count: u64,
}

/// `label_values`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ValuesOfLabel<'a> {
    /// The label's name.
    pub label: &'a str,
    /// Its values.
    pub values: Vec<String>,
    /// How many there are.
    pub count: u64,
}

/// `list_metadata`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MetricMetadata {
    /// For each metric a list of what its targets say of it: `type`, `help` and `unit`.
    #[cfg_attr(feature = "schema", schemars(with = "AnyObject"))]
    pub metadata: JsonObject,
}

/// `list_targets`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScrapeTargets {
    /// `activeTargets` and `droppedTargets`, as Prometheus has them.
    #[cfg_attr(feature = "schema", schemars(with = "AnyObject"))]
    pub targets: JsonObject,
}

/// `list_rules`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrometheusRules {
    /// Groups of rules, as Prometheus has them.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<AnyObject>"))]
    pub groups: Vec<Box<RawValue>>,
    /// How many there are.
    pub count: u64,
}

/// `list_prometheus_alerts`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrometheusAlerts {
    /// Alerts that are pending or firing, as Prometheus has them.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<AnyObject>"))]
    pub alerts: Vec<Box<RawValue>>,
    /// How many there are.
    pub count: u64,
}

/// `prometheus_status`: the parts that were asked for, as Prometheus has them.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrometheusState {
    /// The version and how it was built.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AnyObject>"))]
    pub build: Option<JsonObject>,
    /// How the server runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AnyObject>"))]
    pub runtime: Option<JsonObject>,
    /// What its database holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AnyObject>"))]
    pub tsdb: Option<JsonObject>,
    /// Its command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AnyObject>"))]
    pub flags: Option<JsonObject>,
    /// Its configuration, secrets hidden by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AnyObject>"))]
    pub config: Option<JsonObject>,
    /// Parts that the server does not give, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<LabelPairs<'static>>,
    /// Whether the configuration says `mock_mode`, so that no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}
