//! Grafana's data sources.

use serde::Serialize;

use super::dashboards::DashboardChange;
use super::shared::is_false;

/// `ensure_datasource`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EnsuredDatasource {
    /// The uid that dashboards reference.
    pub uid: String,
    /// The name.
    pub name: String,
    /// Whether `mock_mode` is on, so Grafana was not contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The action taken, or planned with `dry_run`; absent if Grafana was not contacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<DatasourceAction>,
    /// Whether the data source in Grafana is as requested.
    pub datasource_ready: bool,
    /// Whether nothing was changed because of `dry_run`.
    #[serde(skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// With `diff`: the first differences, without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<DashboardChange>>,
}

/// The action for a data source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "datasource_action"))]
#[serde(rename_all = "snake_case")]
pub enum DatasourceAction {
    /// Grafana had none with its uid.
    Created,
    /// The existing one was changed.
    Updated,
    /// The existing one was as requested.
    Unchanged,
}

/// `datasource_health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DatasourceHealth {
    /// The uid that dashboards reference.
    pub uid: String,
    /// Whether `mock_mode` is on, so Grafana was not contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// Whether Grafana can reach the server of the data source.
    pub healthy: bool,
    /// Grafana's message about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
