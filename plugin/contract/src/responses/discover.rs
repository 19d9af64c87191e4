//! Targets from service discovery.

use serde::Serialize;

use super::shared::{LabelPairs, is_false};

/// `discover_targets`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiscoveredTargets {
    /// The service discovery endpoint, without user, password and query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sd_url: Option<String>,
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The targets, grouped by their labels.
    pub groups: Vec<TargetGroup>,
    /// How many targets there are.
    pub targets: u64,
    /// Whether the targets were compared with those of Prometheus.
    pub compared: bool,
    /// How many of the targets Prometheus scrapes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<u64>,
    /// How many Prometheus does not scrape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
}

/// Targets that share their labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "target_group"))]
pub struct TargetGroup {
    /// Their labels. Names that begin with `__` control the scrape.
    pub labels: LabelPairs<'static>,
    /// The targets.
    pub targets: Vec<DiscoveredTarget>,
}

/// A target and, if compared, its state in Prometheus.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "discovered_target"))]
pub struct DiscoveredTarget {
    /// Its `host:port`.
    pub address: String,
    /// Whether Prometheus scrapes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<TargetState>,
    /// The job that scrapes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// `up`, `down` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// Why the last scrape failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// The URL that is scraped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrape_url: Option<String>,
}

/// Whether Prometheus scrapes a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "target_state"))]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// It is scraped.
    Active,
    /// It was dropped by relabeling.
    Dropped,
    /// Prometheus does not have it.
    Absent,
}
