//! Grafana and its dashboards.

use serde::Serialize;
use serde_json::{Map, Value};

use super::error::ErrorReport;
use super::shared::is_false;

/// A dashboard that was made from a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MadeDashboard {
    /// Its uid: the one that was given, or one made of its folders and its title.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// What was mended in it, and what is odd. Each begins with the path of what it is about.
    pub warnings: Vec<String>,
}

/// What Grafana has to do for a dashboard, or did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DashboardOutcome {
    /// What was done with the dashboard, or would be.
    pub action: DashboardAction,
    /// With `conflict`: why what Grafana holds was not replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<String>,
    /// With `failed`: why.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<ErrorReport>>,
    /// The folder that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder_uid: Option<String>,
    /// How often Grafana has saved the dashboard, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The dashboard's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// With `diff`: what differed, the first of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<DashboardChange>>,
}

/// What is done with a dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "dashboard_action"))]
#[serde(rename_all = "snake_case")]
pub enum DashboardAction {
    /// Grafana held none of its uid.
    Created,
    /// It took the place of another one.
    Updated,
    /// Grafana held it already.
    Unchanged,
    /// Grafana holds another one that was not to be replaced.
    Conflict,
    /// Grafana refused it, or could not be asked.
    Failed,
    /// Grafana was not asked, because of an earlier failure.
    NotTried,
}

/// One thing that differs from what Grafana holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "dashboard_change"))]
pub struct DashboardChange {
    /// Where, such as `panels[0].title`.
    pub path: String,
    /// What Grafana holds, as JSON and shortened; absent where it holds nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// What is wanted, as JSON and shortened; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
}

/// `create_dashboard`, beside the dashboard that was made and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedDashboard {
    /// Whether Grafana holds the dashboard now.
    pub dashboard_created: bool,
    /// Where Grafana was not asked: the dashboard's JSON model, as it would be saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<Map<String, Value>>,
    /// Whether Grafana was not asked, because of `dry_run`.
    #[serde(skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// Whether Grafana was not asked, because `mock_mode` is on.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}

/// `plan_dashboards` and `apply_dashboards`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppliedDashboards {
    /// Whether `mock_mode` is on, so that Grafana was not asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// How many were created.
    pub created: u64,
    /// How many were updated.
    pub updated: u64,
    /// How many Grafana held already.
    pub unchanged: u64,
    /// How many Grafana holds otherwise, which were not to be replaced.
    pub conflict: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were not tried.
    pub not_tried: u64,
    /// Each of them: those that were given, then those of templates.
    pub dashboards: Vec<AppliedDashboard>,
}

/// A dashboard, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "dashboard_outcome"))]
pub struct AppliedDashboard {
    /// The dashboard.
    #[serde(flatten)]
    pub made: MadeDashboard,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: DashboardOutcome,
}

/// `get_dashboard`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FetchedDashboard<'a> {
    /// The uid that was asked for.
    pub uid: &'a str,
    /// Whether Grafana holds a dashboard of that uid.
    pub found: bool,
    /// Whether `mock_mode` is on, so that Grafana was not asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The dashboard's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How often it was saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The folder that it lies in; empty for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder_uid: Option<String>,
    /// Its page.
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
    /// Whether `mock_mode` is on, so that Grafana was not asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// How many were found.
    pub count: u64,
    /// Each of them.
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
    /// The folder that it lies in; empty for none.
    pub folder_uid: String,
    /// That folder's title; empty for none.
    pub folder: String,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
}

/// `delete_dashboard`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeletedDashboard<'a> {
    /// The uid that was asked for.
    pub uid: &'a str,
    /// Whether Grafana held a dashboard of that uid, which it deleted.
    pub deleted: bool,
    /// Whether `mock_mode` is on, so that Grafana was not asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}

/// `export_dashboards`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedDashboards<'a> {
    /// Whether `mock_mode` is on, so that Grafana was not asked for `uids`.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// A file for each dashboard.
    pub files: Vec<DashboardFile>,
    /// The file, in YAML, that has Grafana read the others.
    pub provider: String,
    /// Those of `uids` of which Grafana holds no dashboard.
    pub missing: Vec<&'a str>,
    /// What was mended in dashboards, and what is odd.
    pub warnings: Vec<String>,
}

/// A file for Grafana's provisioning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "file"))]
pub struct DashboardFile {
    /// Its name.
    pub path: String,
    /// What is in it.
    pub content: String,
}

/// `grafana_status`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrafanaStatus {
    /// Grafana's version; absent where it does not disclose it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether Grafana reaches its database.
    pub database: DatabaseStatus,
    /// The organisation that the plug speaks for, or why that is not known.
    pub organisation: OrganisationStatus,
}

/// How a Grafana's database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "database_status"))]
#[serde(rename_all = "snake_case")]
pub enum DatabaseStatus {
    /// It is well.
    Ok,
    /// It is not.
    Failing,
}

/// An organisation of a Grafana, or why it is not known.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "organisation"))]
pub struct OrganisationStatus {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why it is not known.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}
