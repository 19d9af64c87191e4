//! Alerting rules: single rules, or whole rule files.

use serde::Deserialize;

use super::kubernetes::KubernetesMetadata;
use crate::compound::FlagOr;
use crate::document::Both;
use crate::scalar::{Any, Duration, Flag, LabelValue, Labels, Text, Verbatim};

/// An alerting rule: for `create_alert`, and an item of `alerts`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "alert_rule"))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct AlertRule<'a> {
    /// The alert's name, which becomes the label `alertname`.
    pub alert_name: Text<'a>,
    /// The PromQL expression; each series in its result is an alert.
    pub expression: Text<'a>,
    /// How long the expression must return a series before its alert fires; 5m by default.
    pub duration: Duration,
    /// An alias of `duration`.
    pub r#for: Duration,
    /// The label `severity`, unless `labels` has one; `warning` by default.
    pub severity: Text<'a>,
    /// Labels to set; values may be templates.
    pub labels: Option<Labels<'a>>,
    /// Annotations; values may be templates; a summary by default.
    pub annotations: Option<Labels<'a>>,
    /// How long the alert keeps firing after the series is gone; 0s by default.
    pub keep_firing_for: Duration,
    /// The annotation `runbook_url`, unless `annotations` has one.
    pub runbook_url: Text<'a>,
}

/// Where an alerting rule is stored, and which webhook is notified.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct AlertPlace<'a> {
    /// The group; `plugpipe` by default.
    pub group: Text<'a>,
    /// The group's evaluation interval; the server's default by default.
    pub interval: Duration,
    /// The rule file's name, for targets that read files.
    pub rules_file: Text<'a>,
    /// The webhook that is notified when the rule is created.
    pub webhook_url: Text<'a>,
}

/// The server that evaluates rules.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RulesTarget<'a> {
    /// `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::TargetName"))]
    pub target: Text<'a>,
    /// The server's version, such as `3.5`, if it cannot be queried.
    pub target_version: Text<'a>,
    /// A ruler's namespace or Grafana's folder; `plugpipe` by default.
    pub namespace: Text<'a>,
    /// The Grafana data source that expressions query.
    pub datasource_uid: Text<'a>,
}

/// `alert_config`, in a request and in the configuration. `create_alert` also accepts all of its
/// fields at the top level; other operations accept those they need.
pub type AlertConfig<'a> = Both<AlertRule<'a>, Both<AlertPlace<'a>, RulesTarget<'a>>>;

/// For hosts with a rules folder: its current state.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RulesFolder<'a> {
    /// The rule file that the host has read.
    pub rules_current: Option<RulesCurrent<'a>>,
    /// Whether the host has written the file as instructed by the previous result.
    pub rules_written: Flag,
}

/// A rule file that a host has read.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "rules_current"))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RulesCurrent<'a> {
    /// The file's content; null if there is no such file.
    pub content: Option<Verbatim<'a>>,
}

/// `create_alert`.
pub type CreateAlert<'a> = Both<CreateFields<'a>, Both<AlertConfig<'a>, RulesFolder<'a>>>;

/// Fields specific to `create_alert`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct CreateFields<'a> {
    /// The alert. Fields missing from it are read from the top level.
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::AlertConfig>"))]
    pub alert_config: Option<AlertConfig<'a>>,
}

/// `delete_alert`.
pub type DeleteAlert<'a> = Both<DeleteFields<'a>, Both<RulesTarget<'a>, RulesFolder<'a>>>;

/// Fields specific to `delete_alert`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct DeleteFields<'a> {
    /// The same as for `create_alert`. Fields missing from it are read from the top level.
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::AlertConfig>"))]
    pub alert_config: Option<AlertConfig<'a>>,
    /// The alert's name.
    pub alert_name: Text<'a>,
    /// The alert's group; `plugpipe` by default.
    pub group: Text<'a>,
    /// The rule file that contains the alert, if not its own.
    pub rules_file: Text<'a>,
}

/// `list_alerts`.
pub type ListAlerts<'a> = Both<ListFields<'a>, RulesTarget<'a>>;

/// Fields specific to `list_alerts`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListFields<'a> {
    /// Fields missing from it are read from the top level.
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::AlertConfig>"))]
    pub alert_config: Option<AlertConfig<'a>>,
    /// Only alerts of this group; all groups by default.
    pub group: Text<'a>,
}

/// `get_alert_state`.
pub type AlertState<'a> = Both<StateFields<'a>, RulesTarget<'a>>;

/// Fields specific to `get_alert_state`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct StateFields<'a> {
    /// Fields missing from it are read from the top level.
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::AlertConfig>"))]
    pub alert_config: Option<AlertConfig<'a>>,
    /// The alert's name.
    pub alert_name: Text<'a>,
}

/// `plan_alerts` and `apply_alerts`.
pub type ApplyAlerts<'a> = Both<WantedRules<'a>, Both<ApplyFields, Both<RulesTarget<'a>, RulesFolder<'a>>>>;

/// Fields specific to `plan_alerts` and `apply_alerts`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ApplyFields {
    /// Whether to only report what would change; false by default.
    pub dry_run: Flag,
}

/// `export_rules`.
pub type ExportRules<'a> = Both<WantedRules<'a>, ExportFields<'a>>;

/// Fields specific to `export_rules`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ExportFields<'a> {
    /// The server that evaluates the rules, as for `create_alert`.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::TargetName"))]
    pub target: Text<'a>,
    /// The server's version, such as `3.5`.
    pub target_version: Text<'a>,
    /// Whether to export a PrometheusRule of the Prometheus operator, and its metadata.
    pub kubernetes: FlagOr<KubernetesMetadata<'a>>,
}

/// The contents of a rule file or namespace: `groups`, `alerts` or `template`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct WantedRules<'a> {
    /// Fields missing from it are read from the top level. Rule definitions belong in `alerts`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::AlertConfig>"))]
    pub alert_config: Option<AlertConfig<'a>>,
    /// Groups in rule-file format, including fields that only some servers support.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<RuleGroup<'a>>>"))]
    pub groups: Option<Vec<Any<'a>>>,
    /// The alerting rules of one group.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<AlertRule<'a>>>"))]
    pub alerts: Option<Vec<Any<'a>>>,
    /// The name of a template.
    pub template: Text<'a>,
    /// The template's parameters.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Object"))]
    pub parameters: Any<'a>,
    /// The group of `alerts`; `plugpipe` by default.
    pub group: Text<'a>,
    /// The evaluation interval of the group of `alerts`; the server's default by default.
    pub interval: Duration,
    /// The rule file's name; `plugpipe_rules.yml` by default.
    pub rules_file: Text<'a>,
}

/// A group of a rule file, with the fields that all servers support.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "rule_group"))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RuleGroup<'a> {
    /// The group's name.
    pub name: Option<LabelValue<'a>>,
    /// The evaluation interval; the server's default by default.
    pub interval: Duration,
    /// Labels of all its rules.
    pub labels: Labels<'a>,
    /// Its rules, including fields that only some servers support.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<RuleFields<'a>>>"))]
    pub rules: Option<Vec<Any<'a>>>,
}

/// A rule of a rule file, with the fields that all servers support.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "rule"))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RuleFields<'a> {
    /// The alert name of an alerting rule.
    pub alert: Option<LabelValue<'a>>,
    /// The metric name of a recording rule.
    pub record: Option<LabelValue<'a>>,
    /// The expression: PromQL, or another language that the server supports.
    pub expr: Text<'a>,
    /// How long the expression must return a series before its alert fires; 0s by default.
    pub r#for: Duration,
    /// How long the alert keeps firing after the series is gone; 0s by default.
    pub keep_firing_for: Duration,
    /// Labels to set.
    pub labels: Labels<'a>,
    /// Annotations of an alert.
    pub annotations: Labels<'a>,
}
