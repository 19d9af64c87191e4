//! Data from Prometheus, in the format of its API.

use serde::Serialize;

use super::shared::{LabelPairs, is_empty, is_false};
use crate::raw::{RawList, RawObject};

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
    pub series: RawList,
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
    pub metadata: RawObject,
}

/// `list_targets`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScrapeTargets {
    /// `activeTargets` and `droppedTargets`, in Prometheus's format.
    pub targets: RawObject,
}

/// `list_rules`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrometheusRules {
    /// Rule groups, in Prometheus's format.
    pub groups: RawList,
    /// How many there are.
    pub count: u64,
}

/// `list_prometheus_alerts`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrometheusAlerts {
    /// Pending and firing alerts, in Prometheus's format.
    pub alerts: RawList,
    /// How many there are.
    pub count: u64,
}

/// `prometheus_status`: the requested parts, in Prometheus's format.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrometheusState {
    /// Version and build information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<RawObject>,
    /// Runtime information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<RawObject>,
    /// TSDB statistics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tsdb: Option<RawObject>,
    /// Command-line flags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<RawObject>,
    /// The configuration, with secrets redacted by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<RawObject>,
    /// Parts that the server does not provide, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<LabelPairs<'static>>,
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}
