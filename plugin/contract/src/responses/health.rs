//! Health of the configured servers.

use serde::Serialize;

use super::error::ErrorReport;
use super::shared::is_false;

/// `health_check`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Health {
    /// Prometheus.
    pub prometheus_status: HealthStatus,
    /// The Pushgateway.
    pub pushgateway_status: HealthStatus,
    /// Grafana.
    pub grafana_status: HealthStatus,
    /// Alertmanager.
    pub alertmanager_status: HealthStatus,
    /// Whether all configured servers are healthy.
    pub healthy: bool,
    /// How many series are stored.
    pub series: u64,
    /// Whether some values have not reached a gateway.
    pub unpushed: bool,
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The responses of the checked servers.
    pub details: HealthDetails,
}

/// How a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "health"))]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// It responded with 200.
    Healthy,
    /// It responded with another status.
    Unhealthy,
    /// It did not respond.
    Unreachable,
    /// The host's grants do not allow requests to it.
    NotGranted,
    /// No URL is configured.
    NotConfigured,
    /// `mock_mode` is on.
    Mock,
}

/// The responses of the checked servers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HealthDetails {
    /// Prometheus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<ServerHealth>,
    /// The Pushgateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushgateway: Option<ServerHealth>,
    /// Grafana.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grafana: Option<ServerHealth>,
    /// Alertmanager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alertmanager: Option<ServerHealth>,
}

/// The response of a server.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "server_health"))]
pub struct ServerHealth {
    /// Its URL.
    pub url: String,
    /// The HTTP status of its response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Why there is no response.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}
