//! Alerting rules: installation and state on servers.

use serde::Serialize;

use super::notify::Webhook;
use super::shared::{Amount, LabelPairs, is_empty, is_false};

/// `create_alert`, in addition to [`InstallReport`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedAlert {
    /// The alert's name.
    pub alert_name: String,
    /// Its group and its name: `GROUP/NAME`.
    pub alert_id: String,
    /// Its PromQL expression.
    pub expression: String,
    /// Whether the server lists the rule as requested. Until then, `pending` tells what is missing.
    pub alert_created: bool,
    /// The rule's state, if the server lists it: `inactive`, `pending` or `firing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// `create_alert` with `webhook_url`, in addition to [`CreatedAlert`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Notified {
    /// With `webhook_url`: the outcome of the notification.
    pub webhook: Webhook,
}

/// `delete_alert`, in addition to [`InstallReport`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeletedAlert {
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The alert's name.
    pub alert_name: String,
    /// Whether this call removed the rule and the server no longer lists it.
    pub deleted: bool,
    /// Whether the rule existed in the file or on the server. Absent in `mock_mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was_there: Option<bool>,
}

/// `plan_alerts`, in addition to [`InstallReport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedRules {
    /// Always true: nothing was changed.
    pub dry_run: bool,
}

/// `apply_alerts`, in addition to [`InstallReport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppliedRules {
    /// Whether the server lists all rules as requested. Absent with `dry_run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<bool>,
    /// Whether nothing was changed because of `dry_run`.
    #[serde(skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

/// How rules are installed on the server that evaluates them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InstallReport {
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The target.
    pub target: InstallTarget,
    /// The installation status.
    pub status: InstallStatus,
    /// What remains to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// How many rules were created.
    pub created: u64,
    /// How many rules were changed.
    pub changed: u64,
    /// How many rules already matched the request.
    pub unchanged: u64,
    /// How many rules were removed.
    pub removed: u64,
    /// The changes by group and rule.
    pub changes: Vec<RuleChange>,
    /// For the target `file`: the rule file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_file: Option<String>,
    /// For the other targets: the namespace or folder of the groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Files that the caller must write or remove if the host does not.
    #[serde(skip_serializing_if = "is_empty")]
    pub artifacts: Vec<Artifact>,
    /// If reloading failed: whether the server rejected the file's contents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reload_refused: Option<bool>,
    /// Set by hosts with a rules folder: whether the file was written and kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_file_written: Option<bool>,
    /// Set by hosts with a rules folder: whether the file was removed and not restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_file_removed: Option<bool>,
}

/// Where rules are installed, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "install_target"))]
#[serde(rename_all = "snake_case")]
pub enum InstallTarget {
    /// A rule file, written by the host, and a reload: Prometheus, vmalert and Thanos.
    #[default]
    File,
    /// Mimir's ruler.
    Mimir,
    /// Cortex's ruler.
    Cortex,
    /// Grafana, through its import API for Prometheus rules.
    Grafana,
}

/// The installation status of rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "install_status"))]
#[serde(rename_all = "snake_case")]
pub enum InstallStatus {
    /// Installed; the server lists the rules as requested.
    Installed,
    /// The rules already matched the request.
    Unchanged,
    /// With `dry_run`: the rules would be changed.
    Planned,
    /// Not installed yet.
    #[default]
    Pending,
    /// Possibly installed: the server does not return everything needed to compare the rules.
    Unverified,
}

/// What happens to a group or a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "change"))]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is created.
    Created,
    /// It is changed.
    Changed,
    /// It already matches the request.
    Unchanged,
    /// It is removed.
    Removed,
}

/// What happens to a group of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "rule_change"))]
pub struct RuleChange {
    /// The group's name.
    pub group: String,
    /// The change to the group as a whole.
    pub change: Change,
    /// The changes to its rules.
    pub rules: Vec<NamedChange>,
}

/// What happens to a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "named_change"))]
pub struct NamedChange {
    /// The name of the alert or of the recorded metric.
    pub name: String,
    /// The change.
    pub change: Change,
}

/// A file to write or remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "artifact"))]
pub struct Artifact {
    /// Always `rules_file`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its text. Absent if the file is to be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Whether to remove the file.
    #[serde(skip_serializing_if = "is_false")]
    pub remove: bool,
}

/// `export_rules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedRules {
    /// How many groups there are.
    pub groups: u64,
    /// How many rules they have.
    pub rules: u64,
    /// A suggested file name.
    pub rules_file: String,
    /// The rule file's text; with `kubernetes` that of a PrometheusRule.
    pub exported_rules: String,
}

/// `list_alerts`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListedAlerts {
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The alerting rules on the server.
    pub alerts: Vec<InstalledRule>,
}

/// `get_alert_state`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertStateReport {
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The alert's name.
    pub alert_name: String,
    /// The most severe state of all rules with that name.
    pub state: AlertStateName,
    /// When it became pending or firing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_since: Option<String>,
    /// The rules with that name. Absent in `mock_mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<InstalledRule>>,
}

/// The state of an alert.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "alert_state"))]
#[serde(rename_all = "snake_case")]
pub enum AlertStateName {
    /// The expression returns nothing.
    Inactive,
    /// The expression returns series, but not for long enough.
    Pending,
    /// The alert fires.
    Firing,
    /// The server has no such rule.
    #[default]
    NotFound,
    /// The server does not report the state.
    Unknown,
}

/// An alerting rule on a server.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "installed_rule"))]
pub struct InstalledRule {
    /// The alert's name.
    pub alert_name: String,
    /// Its group.
    pub group: String,
    /// The group's file or namespace.
    pub file: String,
    /// `inactive`, `pending` or `firing`.
    pub state: String,
    /// The outcome of the last evaluation: `ok`, `err` or `unknown`.
    pub health: String,
    /// Why the last evaluation failed. Absent if it did not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_error: String,
    /// The expression, as formatted by the server.
    pub expression: String,
    /// The rule's `for` duration, in seconds.
    pub for_seconds: Amount,
    /// The rule's labels.
    pub labels: LabelPairs<'static>,
    /// The rule's annotations.
    pub annotations: LabelPairs<'static>,
    /// Its active alerts.
    pub active: Vec<ActiveAlert>,
}

/// An active alert of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "active_alert"))]
pub struct ActiveAlert {
    /// `pending` or `firing`.
    pub state: String,
    /// When it became active.
    pub active_since: String,
    /// The expression's value, as formatted by the server.
    pub value: String,
    /// The alert's labels.
    pub labels: LabelPairs<'static>,
}

/// `list_alert_templates`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertTemplates {
    /// The available templates.
    pub templates: Vec<AlertTemplate>,
}

/// A rule template that the plug provides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "alert_template"))]
pub struct AlertTemplate {
    /// Its name, for `template`.
    pub name: &'static str,
    /// Its purpose.
    pub description: &'static str,
    /// The names of its alerts.
    pub alerts: Vec<&'static str>,
    /// Its parameters.
    pub parameters: Vec<TemplateParameter>,
}

/// A parameter of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "template_parameter"))]
pub struct TemplateParameter {
    /// Its name in `parameters`.
    pub name: &'static str,
    /// Its meaning and unit.
    pub description: &'static str,
    /// Whether it is required.
    pub required: bool,
    /// Its default value. Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<&'static str>,
}
