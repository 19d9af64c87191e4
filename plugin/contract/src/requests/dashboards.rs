//! Grafana's dashboards.

use serde::Deserialize;

use super::kubernetes::KubernetesMetadata;
use crate::compound::FlagOr;
use crate::document::Both;
use crate::scalar::{Any, Flag, LabelValue, OneOrMany, Text, TextOr};

/// `create_dashboard`.
pub type CreateDashboard<'a> = Both<WantedDashboard<'a>, Both<DashboardOptions<'a>, SaveFields<'a>>>;

/// The dashboard of `create_dashboard`, and fields specific to that operation.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct WantedDashboard<'a> {
    /// A full or partial Grafana JSON model; it needs a title.
    pub dashboard_config: Any<'a>,
    /// An alias of `dashboard_config`.
    pub dashboard: Any<'a>,
    /// The name of a template, instead of a dashboard.
    pub template: Text<'a>,
    /// Whether to only return the dashboard as it would be saved; false by default.
    pub dry_run: Flag,
}

/// `plan_dashboards` and `apply_dashboards`.
pub type ApplyDashboards<'a> = Both<WantedDashboards<'a>, Both<DashboardOptions<'a>, SaveFields<'a>>>;

/// Several dashboards: given ones, templates, or both.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct WantedDashboards<'a> {
    /// One dashboard as for `create_dashboard`, or a list.
    pub dashboards: Any<'a>,
    /// An alias of `dashboards`.
    pub dashboard_config: Any<'a>,
    /// The names of templates; `all` selects every template.
    pub templates: OneOrMany<LabelValue<'a>>,
}

/// How dashboards are built, and their folder.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct DashboardOptions<'a> {
    /// The folder's title, or the titles of nested folders, outermost first. Without it, an
    /// existing dashboard stays in its folder.
    pub folder: Option<TextOr<'a, Vec<LabelValue<'a>>>>,
    /// The uid of the innermost folder, or of an existing folder.
    pub folder_uid: Text<'a>,
    /// The uid or name of the initially selected data source; Grafana's default by default.
    pub datasource: Text<'a>,
    /// The prefix of a template's metric names; `plugpipe` by default.
    pub prefix: Text<'a>,
}

/// How dashboards are saved.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct SaveFields<'a> {
    /// The message in the version history; the plug's name and version by default.
    pub message: Text<'a>,
    /// Whether dashboards created or changed by others are overwritten; false by default.
    pub overwrite: Flag,
    /// Whether each dashboard is read and compared even if its fingerprint matches; false by
    /// default.
    pub verify: Flag,
    /// Whether to report differences; false by default.
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

/// `list_dashboards`. Lists dashboards that match all given fields.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListDashboards<'a> {
    /// A substring of the title.
    pub search: Text<'a>,
    /// One of its tags.
    pub tag: Text<'a>,
    /// The uid of its folder.
    pub folder_uid: Text<'a>,
}

/// `export_dashboards`.
pub type ExportDashboards<'a> = Both<ExportSelection<'a>, Both<WantedDashboards<'a>, DashboardOptions<'a>>>;

/// Fields specific to `export_dashboards`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ExportSelection<'a> {
    /// The uids of dashboards in Grafana; without them, the given dashboards are exported.
    pub uids: Option<OneOrMany<LabelValue<'a>>>,
    /// Whether to export ConfigMaps for Grafana's sidecar, one for each dashboard, and their
    /// metadata.
    pub kubernetes: FlagOr<KubernetesMetadata<'a>>,
}
