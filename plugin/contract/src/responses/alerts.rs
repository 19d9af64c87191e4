//! Alerting rules: how they were installed, and what servers hold of them.

use serde::Serialize;

use super::notify::Webhook;
use super::shared::{Amount, LabelPairs, is_empty, is_false};

/// `create_alert`: what it says beside [`InstallReport`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedAlert {
    /// The alert's name.
    pub alert_name: String,
    /// Its group and its name: `GROUP/NAME`.
    pub alert_id: String,
    /// Its PromQL expression.
    pub expression: String,
    /// Whether a server lists the rule as it is wanted. Until then `pending` says what is missing.
    pub alert_created: bool,
    /// The rule's state on the server, where the server lists it: `inactive`, `pending` or
    /// `firing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// With `webhook_url`: what became of the notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// `delete_alert`: what it says beside [`InstallReport`], which is there for rule files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeletedAlert {
    /// Whether the configuration says `mock_mode`, so that no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The alert's name.
    pub alert_name: String,
    /// Whether this call took the rule out, and the server lists it no more.
    pub deleted: bool,
    /// Whether the rule was in the file or on the server. Absent in `mock_mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was_there: Option<bool>,
}

/// `plan_alerts`: what it says beside [`InstallReport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedRules {
    /// True: nothing was changed.
    pub dry_run: bool,
}

/// `apply_alerts`: what it says beside [`InstallReport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppliedRules {
    /// Whether a server lists all rules as they are wanted. Absent with `dry_run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<bool>,
    /// Whether nothing was changed, because the request says `dry_run`.
    #[serde(skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

/// How rules are brought to where they are evaluated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InstallReport {
    /// Whether the configuration says `mock_mode`, so that no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// Where the rules go.
    pub target: InstallTarget,
    /// How it stands.
    pub status: InstallStatus,
    /// What is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// How many rules were not there.
    pub created: u64,
    /// How many rules were there otherwise.
    pub changed: u64,
    /// How many rules were there as they are wanted.
    pub unchanged: u64,
    /// How many rules were there, and are no longer wanted.
    pub removed: u64,
    /// The same by group and rule.
    pub changes: Vec<RuleChange>,
    /// For the target `file`: the rule file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_file: Option<String>,
    /// For the other targets: the groups' namespace, or folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Files to be written or removed where no host does that.
    #[serde(skip_serializing_if = "is_empty")]
    pub artifacts: Vec<Artifact>,
    /// Where reloading failed: whether the server refused what is in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reload_refused: Option<bool>,
    /// By hosts with a rules folder: whether the file was written, and stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_file_written: Option<bool>,
    /// By hosts with a rules folder: whether the file was removed, and stays so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_file_removed: Option<bool>,
}

/// Where rules are installed, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "install_target"))]
#[serde(rename_all = "snake_case")]
pub enum InstallTarget {
    /// A rule file, which the host writes; then `/-/reload`. Prometheus, vmalert and Thanos.
    #[default]
    File,
    /// Mimir's ruler.
    Mimir,
    /// Cortex's ruler.
    Cortex,
    /// Grafana, through its converter of Prometheus's rules.
    Grafana,
}

/// How it stands with rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "install_status"))]
#[serde(rename_all = "snake_case")]
pub enum InstallStatus {
    /// They are installed, and the server lists them as they are wanted.
    Installed,
    /// They were there as they are wanted.
    Unchanged,
    /// With `dry_run`: they would be changed.
    Planned,
    /// They are not there yet.
    #[default]
    Pending,
    /// They may be there: the server does not say all that would have to be compared.
    Unverified,
}

/// What happens to a group or a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "change"))]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is not there.
    Created,
    /// It is there, and otherwise.
    Changed,
    /// It is there as it is wanted.
    Unchanged,
    /// It is there, and no longer wanted.
    Removed,
}

/// What happens to a group of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "rule_change"))]
pub struct RuleChange {
    /// The group's name.
    pub group: String,
    /// What happens to the group as a whole.
    pub change: Change,
    /// What happens to its rules.
    pub rules: Vec<NamedChange>,
}

/// What happens to a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "named_change"))]
pub struct NamedChange {
    /// The name of the alert or of the recorded metric.
    pub name: String,
    /// What happens to it.
    pub change: Change,
}

/// A file to be written or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "artifact"))]
pub struct Artifact {
    /// What it is: `rules_file`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its text. Absent where it is to be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Whether it is to be removed.
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
    /// A name for the file.
    pub rules_file: String,
    /// The rule file's text.
    pub exported_rules: String,
}

/// `list_alerts`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListedAlerts {
    /// Whether the configuration says `mock_mode`, so that no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The alerting rules that the server holds.
    pub alerts: Vec<HeldAlert>,
}

/// `get_alert_state`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertStateReport {
    /// Whether the configuration says `mock_mode`, so that no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The alert's name.
    pub alert_name: String,
    /// Of several rules with that name, the state that matters most.
    pub state: AlertStateName,
    /// Since when it is pending or firing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_since: Option<String>,
    /// The rules with that name. Absent in `mock_mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<HeldAlert>>,
}

/// The state of an alert.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "alert_state"))]
#[serde(rename_all = "snake_case")]
pub enum AlertStateName {
    /// Its expression finds nothing.
    Inactive,
    /// It holds, but not for long enough.
    Pending,
    /// It holds.
    Firing,
    /// The server has no such rule.
    #[default]
    NotFound,
    /// The server does not say.
    Unknown,
}

/// An alerting rule as a server holds it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "held_alert"))]
pub struct HeldAlert {
    /// The alert's name.
    pub alert_name: String,
    /// Its group.
    pub group: String,
    /// The group's file or namespace.
    pub file: String,
    /// `inactive`, `pending` or `firing`.
    pub state: String,
    /// Whether the rule could be evaluated: `ok`, `err` or `unknown`.
    pub health: String,
    /// Why the last evaluation failed. Absent if it did not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_error: String,
    /// The expression, as the server writes it.
    pub expression: String,
    /// For how many seconds it must hold before the alert fires.
    pub for_seconds: Amount,
    /// The rule's labels.
    pub labels: LabelPairs<'static>,
    /// The rule's annotations.
    pub annotations: LabelPairs<'static>,
    /// The alerts that it raises now.
    pub active: Vec<ActiveAlert>,
}

/// An alert that a rule raises now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "active_alert"))]
pub struct ActiveAlert {
    /// `pending` or `firing`.
    pub state: String,
    /// Since when.
    pub active_since: String,
    /// The expression's value, as the server writes it.
    pub value: String,
    /// The alert's labels.
    pub labels: LabelPairs<'static>,
}

/// `list_alert_templates`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertTemplates {
    /// What `template` may name.
    pub templates: Vec<AlertTemplate>,
}

/// Rules that the plug ships.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "alert_template"))]
pub struct AlertTemplate {
    /// What `template` names it.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The names of its alerts.
    pub alerts: Vec<&'static str>,
    /// What `parameters` may give.
    pub parameters: Vec<TemplateParameter>,
}

/// A parameter of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "template_parameter"))]
pub struct TemplateParameter {
    /// Its name in `parameters`.
    pub name: &'static str,
    /// What it is, with its unit.
    pub description: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// Its value where it is not given. Absent where nothing is put in then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<&'static str>,
}
