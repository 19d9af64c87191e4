//! Grafana's dashboards.

use serde::Deserialize;

use crate::document::Both;
use crate::scalar::{Any, Flag, LabelValue, OneOrMany, Text, TextOr};

/// `create_dashboard`.
pub type CreateDashboard<'a> = Both<WantedDashboard<'a>, Both<DashboardOptions<'a>, SaveFields<'a>>>;

/// The dashboard of `create_dashboard`, and what is that operation's own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct WantedDashboard<'a> {
    /// Any part of Grafana's JSON model that has a title.
    pub dashboard_config: Any<'a>,
    /// Another name for `dashboard_config`.
    pub dashboard: Any<'a>,
    /// The name of a template, in place of a dashboard.
    pub template: Text<'a>,
    /// Whether only to tell the dashboard, as it would be saved; false by default.
    pub dry_run: Flag,
}

/// `plan_dashboards` and `apply_dashboards`.
pub type ApplyDashboards<'a> = Both<WantedDashboards<'a>, Both<DashboardOptions<'a>, SaveFields<'a>>>;

/// Several dashboards: given, from templates, or both.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct WantedDashboards<'a> {
    /// A list of what `create_dashboard` takes, or one.
    pub dashboards: Any<'a>,
    /// Another name for `dashboards`.
    pub dashboard_config: Any<'a>,
    /// The names of templates; `all` among them means every one.
    pub templates: OneOrMany<LabelValue<'a>>,
}

/// What dashboards are made with, and where they go.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct DashboardOptions<'a> {
    /// The folder's title, or those of folders within one another, the outermost first. Without one
    /// a dashboard stays where it is.
    pub folder: Option<TextOr<'a, Vec<LabelValue<'a>>>>,
    /// The uid of the last folder, or of one that is there.
    pub folder_uid: Text<'a>,
    /// The uid or name of the data source that is chosen at first; Grafana's default one by
    /// default.
    pub datasource: Text<'a>,
    /// What the names of a template's metrics begin with; `plugpipe` by default.
    pub prefix: Text<'a>,
}

/// How dashboards are saved.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct SaveFields<'a> {
    /// For the dashboard's history; the plug's name and version by default.
    pub message: Text<'a>,
    /// Whether what somebody else made or changed is replaced; false by default.
    pub overwrite: Flag,
    /// Whether each dashboard is read and compared, also where its fingerprint is the right one;
    /// false by default.
    pub verify: Flag,
    /// Whether differences are told; false by default.
    pub diff: Flag,
}

/// `get_dashboard` and `delete_dashboard`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["uid"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct DashboardUid<'a> {
    /// The dashboard's uid.
    pub uid: Text<'a>,
}

/// `list_dashboards`. A dashboard is listed that fits all that is given.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListDashboards<'a> {
    /// A part of the title.
    pub search: Text<'a>,
    /// One of its tags.
    pub tag: Text<'a>,
    /// The uid of the folder that it lies in.
    pub folder_uid: Text<'a>,
}

/// `export_dashboards`.
pub type ExportDashboards<'a> = Both<HeldDashboards<'a>, Both<WantedDashboards<'a>, DashboardOptions<'a>>>;

/// What is `export_dashboards`' own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct HeldDashboards<'a> {
    /// The uids of dashboards that Grafana holds; without them those that are given are exported.
    pub uids: Option<OneOrMany<LabelValue<'a>>>,
}
