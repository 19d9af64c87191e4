//! Rules that alert: one by one, or whole files of them.

use serde::Deserialize;

use crate::document::Both;
use crate::scalar::{Any, Duration, Flag, LabelValue, Labels, Text, Verbatim};

/// What an alert is: for `create_alert`, and each of a list of alerts.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "alert_rule"))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct AlertRule<'a> {
    /// The alert's name, which becomes the label `alertname`.
    pub alert_name: Text<'a>,
    /// PromQL; each series that it yields is an alert.
    pub expression: Text<'a>,
    /// How long a series must be there before its alert fires; 5m by default.
    pub duration: Duration,
    /// Another name for `duration`.
    pub r#for: Duration,
    /// The label `severity`, where `labels` has none; `warning` by default.
    pub severity: Text<'a>,
    /// Labels to set, whose values may be templates.
    pub labels: Option<Labels<'a>>,
    /// What people are told, which may be templates; a summary by default.
    pub annotations: Option<Labels<'a>>,
    /// How long the alert goes on when the series is gone; not at all by default.
    pub keep_firing_for: Duration,
    /// The annotation `runbook_url`, where `annotations` has none.
    pub runbook_url: Text<'a>,
}

/// Where an alert is put, and who is told of it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct AlertPlace<'a> {
    /// The group; `plugpipe` by default.
    pub group: Text<'a>,
    /// How often the group is evaluated; as often as the server does by default.
    pub interval: Duration,
    /// The rule file's name, for targets that read files.
    pub rules_file: Text<'a>,
    /// Told of the alert when it is made.
    pub webhook_url: Text<'a>,
}

/// Who evaluates rules.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RulesTarget<'a> {
    /// `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::TargetName"))]
    pub target: Text<'a>,
    /// The server's release, such as `3.5`, where it cannot be asked.
    pub target_version: Text<'a>,
    /// A ruler's namespace or Grafana's folder; `plugpipe` by default.
    pub namespace: Text<'a>,
    /// Grafana's data source that expressions are asked of.
    pub datasource_uid: Text<'a>,
}

/// `alert_config`, in a request and in the configuration. All of it may stand beside it in
/// `create_alert`, and what they need in other operations.
pub type AlertConfig<'a> = Both<AlertRule<'a>, Both<AlertPlace<'a>, RulesTarget<'a>>>;

/// For hosts with a folder of rule files: what is in it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RulesFolder<'a> {
    /// The rule file as it is, where the host has read it.
    pub rules_current: Option<RulesCurrent<'a>>,
    /// Whether the host has written the file as the answer before said.
    pub rules_written: Flag,
}

/// A rule file that a host has read.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "rules_current"))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RulesCurrent<'a> {
    /// The file's content; none where there is no such file.
    pub content: Option<Verbatim<'a>>,
}

/// `create_alert`.
pub type CreateAlert<'a> = Both<CreateFields<'a>, Both<AlertConfig<'a>, RulesFolder<'a>>>;

/// What is `create_alert`'s own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct CreateFields<'a> {
    /// The alert. What is not in it may stand beside it.
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::AlertConfig>"))]
    pub alert_config: Option<AlertConfig<'a>>,
}

/// `delete_alert`.
pub type DeleteAlert<'a> = Both<DeleteFields<'a>, Both<RulesTarget<'a>, RulesFolder<'a>>>;

/// What is `delete_alert`'s own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct DeleteFields<'a> {
    /// As it was given to `create_alert`. What is not in it may stand beside it.
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::AlertConfig>"))]
    pub alert_config: Option<AlertConfig<'a>>,
    /// The alert's name.
    pub alert_name: Text<'a>,
    /// The alert's group; `plugpipe` by default.
    pub group: Text<'a>,
    /// The rule file that the alert is in, where that is not its own.
    pub rules_file: Text<'a>,
}

/// `list_alerts`.
pub type ListAlerts<'a> = Both<ListFields<'a>, RulesTarget<'a>>;

/// What is `list_alerts`' own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListFields<'a> {
    /// What is not in it may stand beside it.
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::AlertConfig>"))]
    pub alert_config: Option<AlertConfig<'a>>,
    /// Only the alerts of this group; those of all by default.
    pub group: Text<'a>,
}

/// `get_alert_state`.
pub type AlertState<'a> = Both<StateFields<'a>, RulesTarget<'a>>;

/// What is `get_alert_state`'s own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct StateFields<'a> {
    /// What is not in it may stand beside it.
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::AlertConfig>"))]
    pub alert_config: Option<AlertConfig<'a>>,
    /// The alert's name.
    pub alert_name: Text<'a>,
}

/// `plan_alerts` and `apply_alerts`.
pub type ApplyAlerts<'a> = Both<WantedRules<'a>, Both<ApplyFields, Both<RulesTarget<'a>, RulesFolder<'a>>>>;

/// What is `plan_alerts`' and `apply_alerts`' own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ApplyFields {
    /// Whether only to say what would change; false by default.
    pub dry_run: Flag,
}

/// `export_rules`.
pub type ExportRules<'a> = Both<WantedRules<'a>, ExportFields<'a>>;

/// What is `export_rules`' own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ExportFields<'a> {
    /// Who evaluates the rules, as for `create_alert`.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::TargetName"))]
    pub target: Text<'a>,
    /// The server's release, such as `3.5`.
    pub target_version: Text<'a>,
}

/// A whole file or namespace of rules: `groups`, `alerts` or `template`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct WantedRules<'a> {
    /// What is not in it may stand beside it. What an alert is may not: `alerts` says that.
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::AlertConfig>"))]
    pub alert_config: Option<AlertConfig<'a>>,
    /// Groups as a rule file has them, with what only some servers take too.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<RuleGroup<'a>>>"))]
    pub groups: Option<Vec<Any<'a>>>,
    /// Alerts of one group, with what an alert is and nothing else.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<AlertRule<'a>>>"))]
    pub alerts: Option<Vec<Any<'a>>>,
    /// The name of a template.
    pub template: Text<'a>,
    /// The template's parameters, of which each has its own.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Object"))]
    pub parameters: Any<'a>,
    /// The group of `alerts`; `plugpipe` by default.
    pub group: Text<'a>,
    /// How often the group of `alerts` is evaluated; as often as the server does by default.
    pub interval: Duration,
    /// The rule file's name; `plugpipe_rules.yml` by default.
    pub rules_file: Text<'a>,
}

/// A group of a rule file, as far as all servers know it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "rule_group"))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RuleGroup<'a> {
    /// The group's name.
    pub name: Option<LabelValue<'a>>,
    /// How often it is evaluated; as often as the server does by default.
    pub interval: Duration,
    /// Labels of all its rules.
    pub labels: Labels<'a>,
    /// Its rules, with what only some servers take too.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<RuleFields<'a>>>"))]
    pub rules: Option<Vec<Any<'a>>>,
}

/// A rule of a rule file, as far as all servers know it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "rule"))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RuleFields<'a> {
    /// The name of an alert.
    pub alert: Option<LabelValue<'a>>,
    /// The metric of a rule that makes series.
    pub record: Option<LabelValue<'a>>,
    /// PromQL, or what the server takes beside it.
    pub expr: Text<'a>,
    /// How long a series must be there before its alert fires; 0s by default.
    pub r#for: Duration,
    /// How long the alert goes on when the series is gone; 0s by default.
    pub keep_firing_for: Duration,
    /// Labels to set.
    pub labels: Labels<'a>,
    /// What people are told of an alert.
    pub annotations: Labels<'a>,
}
