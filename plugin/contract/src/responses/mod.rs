//! What operations respond: a struct for each, its fields documented where they are declared.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::Serializer;

use crate::response::responses;

mod alertmanager;
mod alerts;
mod annotations;
mod dashboards;
mod datasources;
mod discover;
mod error;
mod export;
mod frame;
mod generate;
mod groups;
mod health;
mod notify;
mod prometheus;
mod push;
mod query;
mod record;
mod remote;
mod scrape;

pub use alertmanager::{
    AlertGroups, AlertmanagerStatus, CreatedSilence, ExpiredSilence, NotifiedAlerts, Receivers, Silences,
};
pub use alerts::{
    ActiveAlert, AlertStateName, AlertStateReport, AlertTemplate, AlertTemplates, AppliedRules, Artifact, Change,
    CreatedAlert, DeletedAlert, ExportedRules, HeldAlert, InstallReport, InstallStatus, InstallTarget, ListedAlerts,
    NamedChange, PlannedRules, RuleChange, TemplateParameter,
};
pub use annotations::Annotated;
pub use dashboards::{
    AppliedDashboard, AppliedDashboards, CreatedDashboard, DashboardAction, DashboardChange, DashboardFile,
    DashboardOutcome, DatabaseStatus, DeletedDashboard, ExportedDashboards, FetchedDashboard, FoundDashboard,
    GrafanaStatus, ListedDashboards, MadeDashboard, OrganisationStatus,
};
pub use datasources::{DatasourceAction, DatasourceHealth, EnsuredDatasource};
pub use discover::{DiscoveredTarget, DiscoveredTargets, TargetGroup, TargetState};
pub use error::{ErrorReport, Position, PushConflict};
pub use export::{Exported, Restored, Snapshot};
pub use frame::{Description, Exchange, Exchanged, Head, Metadata, Tail};
pub use generate::{GeneratedConfig, HttpSd};
pub use groups::{Cleaned, CleanedGroups, DryRun, GroupLeft, GroupList, ListedGroup};
pub use health::{Health, HealthDetails, HealthStatus, ServerHealth};
pub use notify::{AlertsResolved, AlertsSent, Delivery, FailedDelivery, SentAlert, SentAlerts, Webhook};
pub use prometheus::{
    JsonObject, LabelNames, MetricMetadata, PrometheusAlerts, PrometheusRules, PrometheusState, ScrapeTargets,
    SeriesList, ServerRemarks, ValuesOfLabel,
};
pub use push::{
    Deleted, Flushed, GroupPush, Noted, PushOutcome, PushReport, Pushed, ReplacedCounter, Settled, UnpushedReason,
};
pub use query::{FormattedQuery, FoundExemplars, ParsedQuery, Queried, QueryResult};
pub use record::{Cleared, Current, Overflow, Recorded, RecordedAt, RecordedMetrics, Registered, Removed};
pub use remote::{EndedReceiver, OtlpExported, RemoteWritten, WrittenValues};
pub use scrape::{
    Exposed, Federated, Imported, LintFinding, NativeBucket, NativeSample, PassedOn, RefusedMetric, ScrapeJob, Scraped,
    ScrapedExemplar, ScrapedFamily, ScrapedSample, StaticTargets,
};

responses!(
    Mock,
    Recorded<'_>,
    RecordedAt,
    RecordedMetrics<'_>,
    Registered<'_>,
    Removed<'_>,
    Cleared,
    PushReport,
    Pushed,
    Flushed,
    Deleted,
    Noted,
    DryRun,
    GroupList,
    RemoteWritten,
    OtlpExported,
    Exported,
    Snapshot,
    Restored,
    Health,
    Description,
    Head,
    ErrorReport,
    Exchanged,
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

/// What the result of any operation says where the configuration says `mock_mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mock {
    /// True: no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}

/// A number: a whole one without a point; NaN and the infinities as text, because JSON has no
/// numbers for them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amount(pub f64);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// Up to here every whole number is a float.
        const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;
        let Self(value) = *self;
        match value {
            // `-0.0` is equal to 0, and written as 0.
            _ if value.trunc() == value && value.abs() <= MAX_WHOLE => serializer.serialize_i64(value as i64),
            _ if value.is_finite() => serializer.serialize_f64(value),
            _ if value.is_nan() => serializer.serialize_str("NaN"),
            _ => serializer.serialize_str(if value > 0.0 { "+Inf" } else { "-Inf" }),
        }
    }
}

/// Labels: names and values, in the order in which they are to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelPairs<'a>(pub Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a, N: Into<Cow<'a, str>>, V: Into<Cow<'a, str>>> FromIterator<(N, V)> for LabelPairs<'a> {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Serialize for LabelPairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// For fields that are absent where they say nothing.
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// The same for lists.
fn is_empty<T>(list: &[T]) -> bool {
    list.is_empty()
}
