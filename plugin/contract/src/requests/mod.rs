//! What operations are asked: a struct for each, its fields documented where they are declared.

use serde::Deserialize;

mod alertmanager;
mod annotations;
mod datasources;
mod discover;
mod notify;
mod prometheus;
mod query;
mod record;

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
    ClearMetrics, DefinitionFields, ListedParts, ListedRecord, NativeFields, Record, RecordMultiple, RegisterMetric,
    RemoveMetric,
};

/// Operations that take nothing but what any call may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NoFields {}
