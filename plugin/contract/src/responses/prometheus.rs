//! Data from Prometheus, in the format of its API.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::shared::{LabelPairs, is_empty, is_false};

/// An object from a server, whose members are passed on verbatim.
pub type JsonObject = BTreeMap<String, Box<RawValue>>;

/// The schema of a [`JsonObject`].
#[cfg(feature = "schema")]
pub(super) type AnyObject = serde_json::Map<String, serde_json::Value>;

/// Remarks that accompany a server's data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerRemarks {
    /// The server's warnings.
    #[serde(skip_serializing_if = "is_empty")]
    pub warnings: Vec<String>,
    /// The server's info annotations.
    #[serde(skip_serializing_if = "is_empty")]
    pub infos: Vec<String>,
    /// Whether `mock_mode` is on, so no server was contacted.
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
    /// For each metric, the `type`, `help` and `unit` that its targets report.
    #[cfg_attr(feature = "schema", schemars(with = "AnyObject"))]
    pub metadata: JsonObject,
}

/// `list_targets`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScrapeTargets {
    /// `activeTargets` and `droppedTargets`, in Prometheus's format.
    #[cfg_attr(feature = "schema", schemars(with = "AnyObject"))]
    pub targets: JsonObject,
}

/// `list_rules`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrometheusRules {
    /// Rule groups, in Prometheus's format.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<AnyObject>"))]
    pub groups: Vec<Box<RawValue>>,
    /// How many there are.
    pub count: u64,
}

/// `list_prometheus_alerts`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrometheusAlerts {
    /// Pending and firing alerts, in Prometheus's format.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<AnyObject>"))]
    pub alerts: Vec<Box<RawValue>>,
    /// How many there are.
    pub count: u64,
}

/// `prometheus_status`: the requested parts, in Prometheus's format.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrometheusState {
    /// Version and build information.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AnyObject>"))]
    pub build: Option<JsonObject>,
    /// Runtime information.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AnyObject>"))]
    pub runtime: Option<JsonObject>,
    /// TSDB statistics.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AnyObject>"))]
    pub tsdb: Option<JsonObject>,
    /// Command-line flags.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AnyObject>"))]
    pub flags: Option<JsonObject>,
    /// The configuration, with secrets redacted by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AnyObject>"))]
    pub config: Option<JsonObject>,
    /// Parts that the server does not provide, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<LabelPairs<'static>>,
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}
