//! Requests: a struct for each operation.

use serde::Deserialize;

use crate::document::{Both, requests};

mod alert;
mod alertmanager;
mod annotations;
mod batch;
mod dashboards;
mod datasources;
mod discover;
mod export;
mod generate;
mod groups;
mod include;
mod kubernetes;
mod notify;
mod prometheus;
mod push;
mod query;
mod record;
mod scrape;

pub use alert::{
    AlertConfig, AlertPlace, AlertRule, AlertState, ApplyAlerts, ApplyFields, CreateAlert, CreateFields, DeleteAlert,
    DeleteFields, ExportFields, ExportRules, ListAlerts, ListFields, RuleFields, RuleGroup, RulesCurrent, RulesFolder,
    RulesTarget, StateFields, WantedRules,
};
pub use alertmanager::{
    CreateSilence, ExpireSilence, ListAlertGroups, ListNotifiedAlerts, ListSilences, MatcherFields, Matchers,
};
pub use annotations::Annotate;
pub use batch::{BatchRecord, EndWriter, GaugeMode, RecordBatch};
pub use dashboards::{
    ApplyDashboards, CreateDashboard, DashboardOptions, DashboardUid, ExportDashboards, ExportSelection,
    ListDashboards, SaveFields, WantedDashboard, WantedDashboards,
};
pub use datasources::{DatasourceName, EnsureDatasource};
pub use discover::DiscoverTargets;
pub use export::{ExportMetrics, RestoreMetrics};
pub use generate::{
    AlertmanagerTargets, BasicAuth, GenerateConfig, GeneratedSections, GlobalSection, RemoteEndpoint, ScrapeJob,
    TargetGroup, TlsFiles,
};
pub use groups::{ExpireGroups, ListGroups};
pub use include::IncludeMetrics;
pub use kubernetes::{KubernetesMetadata, KubernetesMonitors, SecretKey};
pub use notify::{AlertFields, NotifyWebhook, SendAlerts};
pub use prometheus::{
    LabelValues, ListMetadata, ListRules, ListTargets, PrometheusStatus, RuleType, SeriesSelection, StatusPart,
    TargetState,
};
pub use push::{Deliver, PushMetrics};
pub use query::{Expression, QueryExemplars, QueryMetrics, TimeRange, TooManyPoints};
pub use record::{
    DefinitionFields, ListedParts, ListedRecord, NativeFields, Record, RecordMultiple, RegisterMetric, RemoveMetric,
};
pub use scrape::{
    Federate, FederatedSeries, ScrapeConfig, ScrapeEndpoint, ScrapeFields, ScrapeOptions, ScrapedEndpoint,
};

/// Operations without fields of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct NoFields {}

requests!(
    NoFields,
    Deliver,
    Both<Record<'a>, DefinitionFields<'a>>,
    RecordMultiple<'a>,
    RecordBatch<'a>,
    EndWriter<'a>,
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
    ExportMetrics<'a>,
    RestoreMetrics<'a>,
    IncludeMetrics<'a>,
    PushMetrics,
    ListGroups<'a>,
    ExpireGroups<'a>,
    ScrapeEndpoint<'a>,
    Federate<'a>,
    GenerateConfig<'a>,
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
    CreateDashboard<'a>,
    ApplyDashboards<'a>,
    DashboardUid<'a>,
    ListDashboards<'a>,
    ExportDashboards<'a>,
    DatasourceName<'a>,
    Both<DatasourceName<'a>, EnsureDatasource<'a>>,
    DiscoverTargets<'a>,
);
