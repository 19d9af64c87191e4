//! What operations are asked: a struct for each, its fields documented where they are declared.

use serde::Deserialize;

use crate::document::{Both, requests};

mod alert;
mod alertmanager;
mod annotations;
mod datasources;
mod discover;
mod notify;
mod prometheus;
mod query;
mod record;

pub use alert::{
    AlertConfig, AlertPlace, AlertRule, AlertState, ApplyAlerts, ApplyFields, CreateAlert, CreateFields, DeleteAlert,
    DeleteFields, ExportFields, ExportRules, ListAlerts, ListFields, RuleFields, RuleGroup, RulesCurrent, RulesFolder,
    RulesTarget, StateFields, WantedRules,
};
pub use alertmanager::{
    CreateSilence, ExpireSilence, ListAlertGroups, ListNotifiedAlerts, ListSilences, MatcherFields, Matchers,
};
pub use annotations::Annotate;
pub use datasources::{DatasourceName, EnsureDatasource};
pub use discover::DiscoverTargets;
pub use notify::{AlertFields, NotifyWebhook, SendAlerts};
pub use prometheus::{
    LabelValues, ListMetadata, ListRules, ListTargets, PrometheusStatus, RuleType, SeriesSelection, StatusPart,
    TargetState,
};
pub use query::{Expression, QueryExemplars, QueryMetrics, TimeRange, TooManyPoints};
pub use record::{
    DefinitionFields, ListedParts, ListedRecord, NativeFields, Record, RecordMultiple, RegisterMetric, RemoveMetric,
};

/// Operations that take nothing but what any call may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct NoFields {}

requests!(
    NoFields,
    Both<Record<'a>, DefinitionFields<'a>>,
    RecordMultiple<'a>,
    Both<RegisterMetric<'a>, DefinitionFields<'a>>,
    RemoveMetric<'a>,
    AlertRule<'a>,
    AlertState<'a>,
    RuleFields<'a>,
    RuleGroup<'a>,
    WantedRules<'a>,
    ApplyAlerts<'a>,
    CreateAlert<'a>,
    DeleteAlert<'a>,
    ExportRules<'a>,
    ListAlerts<'a>,
    QueryMetrics<'a>,
    QueryExemplars<'a>,
    Expression<'a>,
    SeriesSelection<'a>,
    Both<LabelValues<'a>, SeriesSelection<'a>>,
    ListMetadata<'a>,
    ListTargets<'a>,
    ListRules<'a>,
    PrometheusStatus,
    ListAlertGroups<'a>,
    Both<ListAlertGroups<'a>, ListNotifiedAlerts>,
    ListSilences<'a>,
    CreateSilence<'a>,
    ExpireSilence<'a>,
    Both<SendAlerts<'a>, AlertFields<'a>>,
    Both<NotifyWebhook<'a>, AlertFields<'a>>,
    Annotate<'a>,
    DatasourceName<'a>,
    Both<DatasourceName<'a>, EnsureDatasource<'a>>,
    DiscoverTargets<'a>,
);
