//! Grafana and its dashboards.

use serde::Serialize;
use serde_json::{Map, Value};

use super::error::ErrorReport;
use super::shared::is_false;

/// A dashboard built from a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MadeDashboard {
    /// Its uid: the given one, or one derived from its folders and title.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// Corrections and suspicious fields, each beginning with its path.
    pub warnings: Vec<String>,
}

/// The outcome of saving a dashboard, or of planning to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DashboardOutcome {
    /// The action taken or planned.
    pub action: DashboardAction,
    /// With `conflict`: why the dashboard in Grafana was not replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<String>,
    /// With `failed`: the error.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<ErrorReport>>,
    /// The requested folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder_uid: Option<String>,
    /// The dashboard's version in Grafana, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The dashboard's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// With `diff`: the first differences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<DashboardChange>>,
}

/// The action for a dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "dashboard_action"))]
#[serde(rename_all = "snake_case")]
pub enum DashboardAction {
    /// Grafana had none with its uid.
    Created,
    /// It replaced an existing one.
    Updated,
    /// Grafana already had it.
    Unchanged,
    /// Grafana has a different one that must not be replaced.
    Conflict,
    /// Grafana rejected it or could not be reached.
    Failed,
    /// Not attempted because of an earlier failure.
    NotTried,
}

/// A difference from the current state in Grafana.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "dashboard_change"))]
pub struct DashboardChange {
    /// The path, such as `panels[0].title`.
    pub path: String,
    /// The current value as shortened JSON; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// The requested value as shortened JSON; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
}

/// `create_dashboard`, in addition to the dashboard and its outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedDashboard {
    /// Whether the dashboard is saved in Grafana.
    pub dashboard_created: bool,
    /// If Grafana was not contacted: the dashboard's JSON model as it would be saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<Map<String, Value>>,
    /// Whether Grafana was not contacted because of `dry_run`.
    #[serde(skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// Whether `mock_mode` is on, so Grafana was not contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}

/// `plan_dashboards` and `apply_dashboards`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppliedDashboards {
    /// Whether `mock_mode` is on, so Grafana was not contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// How many were created.
    pub created: u64,
    /// How many were updated.
    pub updated: u64,
    /// How many were unchanged.
    pub unchanged: u64,
    /// How many differ in Grafana but must not be replaced.
    pub conflict: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were not attempted.
    pub not_tried: u64,
    /// The dashboards: given ones first, then templates.
    pub dashboards: Vec<AppliedDashboard>,
}

/// A dashboard and its outcome.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "dashboard_outcome"))]
pub struct AppliedDashboard {
    /// The dashboard.
    #[serde(flatten)]
    pub made: MadeDashboard,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: DashboardOutcome,
}

/// `get_dashboard`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FetchedDashboard<'a> {
    /// The requested uid.
    pub uid: &'a str,
    /// Whether Grafana has a dashboard with that uid.
    pub found: bool,
    /// Whether `mock_mode` is on, so Grafana was not contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The dashboard's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The uid of its folder; empty for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder_uid: Option<String>,
    /// Its URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its JSON model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<Map<String, Value>>,
}

/// `list_dashboards`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListedDashboards {
    /// Whether `mock_mode` is on, so Grafana was not contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// How many were found.
    pub count: u64,
    /// The dashboards.
    pub dashboards: Vec<FoundDashboard>,
}

/// A dashboard that a search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "found_dashboard"))]
pub struct FoundDashboard {
    /// Its uid.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// The uid of its folder; empty for none.
    pub folder_uid: String,
    /// That folder's title; empty for none.
    pub folder: String,
    /// Its URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
}

/// `delete_dashboard`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeletedDashboard<'a> {
    /// The requested uid.
    pub uid: &'a str,
    /// Whether Grafana had a dashboard with that uid and deleted it.
    pub deleted: bool,
    /// Whether `mock_mode` is on, so Grafana was not contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}

/// `export_dashboards`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedDashboards<'a> {
    /// Whether `mock_mode` is on, so `uids` were not fetched from Grafana.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// A file for each dashboard: its JSON model, or with `kubernetes` its ConfigMap.
    pub files: Vec<DashboardFile>,
    /// The YAML provider file that makes Grafana load the other files. Absent with `kubernetes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The `uids` that do not exist in Grafana.
    pub missing: Vec<&'a str>,
    /// Corrections and suspicious fields in dashboards; with `kubernetes` also what a ConfigMap
    /// cannot express.
    pub warnings: Vec<String>,
}

/// A file for Grafana's provisioning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "file"))]
pub struct DashboardFile {
    /// Its name.
    pub path: String,
    /// Its contents.
    pub content: String,
}

/// `grafana_status`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrafanaStatus {
    /// Grafana's version; absent if Grafana hides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The state of Grafana's database.
    pub database: DatabaseStatus,
    /// The organization of the plug's credentials, or why it is unknown.
    pub organization: OrganizationStatus,
}

/// The state of Grafana's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "database_status"))]
#[serde(rename_all = "snake_case")]
pub enum DatabaseStatus {
    /// Grafana can reach its database.
    Ok,
    /// Grafana cannot reach its database.
    Failing,
}

/// A Grafana organization, or why it is unknown.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "organization"))]
pub struct OrganizationStatus {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why it is unknown.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}
