//! Responses: a struct for each operation.

use crate::response::responses;

mod alertmanager;
mod alerts;
mod annotations;
mod batch;
mod dashboards;
mod datasources;
mod discover;
mod error;
mod export;
mod frame;
mod generate;
mod groups;
mod health;
mod include;
mod notify;
mod prometheus;
mod push;
mod query;
mod record;
mod remote;
mod scrape;
mod shared;

pub use alertmanager::{
    AlertGroups, AlertmanagerStatus, CreatedSilence, ExpiredSilence, NotifiedAlerts, Receivers, Silences,
};
pub use alerts::{
    ActiveAlert, AlertStateName, AlertStateReport, AlertTemplate, AlertTemplates, AppliedRules, Artifact, Change,
    CreatedAlert, DeletedAlert, ExportedRules, InstallReport, InstallStatus, InstallTarget, InstalledRule,
    ListedAlerts, NamedChange, Notified, PlannedRules, RuleChange, TemplateParameter,
};
pub use annotations::Annotated;
pub use batch::{EndedWriter, RecordedBatch, RefusedRecord};
pub use dashboards::{
    AppliedDashboard, AppliedDashboards, CreatedDashboard, DashboardAction, DashboardChange, DashboardFile,
    DashboardOutcome, DatabaseStatus, DeletedDashboard, ExportedDashboards, FetchedDashboard, FoundDashboard,
    GrafanaStatus, ListedDashboards, MadeDashboard, OrganizationStatus,
};
pub use datasources::{DatasourceAction, DatasourceHealth, EnsuredDatasource};
pub use discover::{DiscoveredTarget, DiscoveredTargets, TargetGroup, TargetState};
pub use error::{ErrorReport, Position, PushConflict};
pub use export::{Exported, Restored, Snapshot};
pub use frame::{Description, Exchange, Exchanged, FormerMetadata, FormerRule, Head, Metadata, Tail};
pub use generate::{GeneratedConfig, HttpSd};
pub use groups::{Cleaned, CleanedGroups, DryRun, GroupLeft, GroupList, ListedGroup};
pub use health::{Health, HealthDetails, HealthStatus, ServerHealth};
pub use include::IncludedMetrics;
pub use notify::{AlertsResolved, AlertsSent, Delivery, FailedDelivery, SentAlert, SentAlerts, Webhook};
pub use prometheus::{
    LabelNames, MetricMetadata, PrometheusAlerts, PrometheusRules, PrometheusState, ScrapeTargets, SeriesList,
    ServerRemarks, ValuesOfLabel,
};
pub use push::{
    Deleted, Flushed, GroupPush, PushOutcome, PushRemarks, PushReport, Pushed, RecordPush, ReplacedCounter, Unpushed,
    UnpushedReason,
};
pub use query::{FormattedQuery, FoundExemplars, ParsedQuery, Queried, QueryResult};
pub use record::{
    Cleared, Overflow, RecordListResponse, RecordResponse, Recorded, RecordedAt, RecordedMetrics, Registered, Removed,
};
pub use remote::{EndedReceiver, OtlpExported, RemoteWritten, WrittenValues};
pub use scrape::{
    Exposed, Federated, Imported, LintFinding, NativeBucket, NativeSample, PassedOn, RefusedMetric, ScrapeJob, Scraped,
    ScrapedExemplar, ScrapedFamily, ScrapedSample, StaticTargets,
};
pub use shared::{Amount, LabelPairs, Mock};

responses!(
    Mock,
    #[inline]
    Recorded<'_>,
    #[inline]
    RecordedAt<'_>,
    Registered<'_>,
    Removed<'_>,
    Cleared,
    RecordedBatch,
    EndedWriter,
    #[inline]
    Unpushed,
    Imported,
    ServerHealth,
    EndedReceiver,
    PushOutcome,
    PushRemarks,
    Pushed,
    Flushed,
    Deleted,
    DryRun,
    GroupList,
    RemoteWritten,
    OtlpExported,
    Exported,
    Snapshot,
    Restored,
    IncludedMetrics,
    Health,
    Description,
    #[inline]
    Head,
    ErrorReport,
    #[inline]
    Exchanged,
    #[inline]
    Tail<'_>,
    Cleaned,
    CleanedGroups,
    ServerRemarks,
    SeriesList,
    LabelNames,
    ValuesOfLabel<'_>,
    MetricMetadata,
    ScrapeTargets,
    PrometheusRules,
    PrometheusAlerts,
    PrometheusState,
    Queried<'_>,
    FoundExemplars,
    FormattedQuery<'_>,
    ParsedQuery<'_>,
    Scraped,
    Federated,
    Exposed,
    CreatedDashboard,
    MadeDashboard,
    DashboardOutcome,
    AppliedDashboards,
    FetchedDashboard<'_>,
    ListedDashboards,
    DeletedDashboard<'_>,
    ExportedDashboards<'_>,
    GrafanaStatus,
    EnsuredDatasource,
    DatasourceHealth,
    Annotated,
    GeneratedConfig,
    DiscoveredTargets,
    CreatedAlert,
    Notified,
    DeletedAlert,
    PlannedRules,
    AppliedRules,
    InstallReport,
    ExportedRules,
    ListedAlerts,
    AlertStateReport,
    AlertTemplates,
    AlertsSent,
    AlertsResolved,
    SentAlerts,
    Delivery,
    NotifiedAlerts,
    AlertGroups,
    Receivers,
    Silences,
    AlertmanagerStatus,
    CreatedSilence,
    ExpiredSilence<'_>,
);
