//! Grafana's data sources.

use serde::Serialize;

use super::dashboards::DashboardChange;
use super::shared::is_false;

/// `ensure_datasource`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EnsuredDatasource {
    /// What dashboards refer to.
    pub uid: String,
    /// What people read.
    pub name: String,
    /// Whether `mock_mode` is on, so that Grafana was not asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// What was done, or with `dry_run` would be; absent where Grafana was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<DatasourceAction>,
    /// Whether Grafana holds the data source now, as it was given.
    pub datasource_ready: bool,
    /// Whether nothing was written, because of `dry_run`.
    #[serde(skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// With `diff`: what differed, the first of it. Secrets are never shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<DashboardChange>>,
}

/// What is done with a data source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "datasource_action"))]
#[serde(rename_all = "snake_case")]
pub enum DatasourceAction {
    /// Grafana held none of its uid.
    Created,
    /// The one that Grafana held was changed.
    Updated,
    /// Grafana held it as it was given.
    Unchanged,
}

/// `datasource_health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DatasourceHealth {
    /// What dashboards refer to.
    pub uid: String,
    /// Whether `mock_mode` is on, so that Grafana was not asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// Whether Grafana reaches the server behind the data source.
    pub healthy: bool,
    /// Grafana's message about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
