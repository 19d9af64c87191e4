//! The table of operations. An operation consists of an entry here, a function in the file of its
//! family, and a request and a response in `plugpipe_contract`.

use super::call::Call;
use super::{
    alert_templates, alertmanager, alerts, annotations, batch, dashboards, datasources, definition, discover, export,
    generate, groups, health, include, notify, prometheus, push, query, remote, scrape,
};
use crate::config::Config;
use crate::error::{Error, excerpt};
use crate::http::Url;
use crate::known;
use crate::registry::Kind;
use crate::{DESCRIPTION, NAME, VERSION};
use plugpipe_contract::document::{Both, Document, Request as _};
use plugpipe_contract::requests::{
    AlertFields, AlertState, Annotate, ApplyAlerts, ApplyDashboards, CreateAlert, CreateDashboard, CreateSilence,
    DashboardUid, DatasourceName, DefinitionFields, DeleteAlert, Deliver, DiscoverTargets, EndWriter, EnsureDatasource,
    ExpireGroups, ExpireSilence, ExportDashboards, ExportMetrics, ExportRules, Expression, Federate, GenerateConfig,
    IncludeMetrics, LabelValues, ListAlertGroups, ListAlerts, ListDashboards, ListGroups, ListMetadata,
    ListNotifiedAlerts, ListRules, ListSilences, ListTargets, NoFields, NotifyWebhook, PrometheusStatus, PushMetrics,
    QueryExemplars, QueryMetrics, Record, RecordBatch, RecordMultiple, RegisterMetric, RemoveMetric, RestoreMetrics,
    ScrapeEndpoint, SendAlerts, SeriesSelection,
};
use plugpipe_contract::response::{Eventually, ResponseWriter};
use plugpipe_contract::responses::{
    AlertGroups, AlertStateReport, AlertTemplates, AlertmanagerStatus, AlertsResolved, AlertsSent, Annotated,
    AppliedDashboards, AppliedRules, Cleared, CreatedSilence, DatasourceHealth, Deleted, DeletedAlert,
    DeletedDashboard, Delivery, Description, DiscoveredTargets, DryRun, EndedWriter, EnsuredDatasource, ExpiredSilence,
    Exported, ExportedDashboards, ExportedRules, Exposed, Federated, FetchedDashboard, Flushed, FormattedQuery,
    FoundExemplars, GeneratedConfig, GrafanaStatus, GroupList, Health, IncludedMetrics, InstallReport, LabelNames,
    ListedAlerts, ListedDashboards, MetricMetadata, Mock, NotifiedAlerts, OtlpExported, ParsedQuery, PlannedRules,
    PrometheusAlerts, PrometheusRules, PrometheusState, PushReport, Pushed, Queried, Receivers, RecordPush,
    RecordedBatch, Registered, RemoteWritten, Removed, Restored, ScrapeTargets, Scraped, SentAlerts, SeriesList,
    ServerRemarks, Silences, Snapshot, ValuesOfLabel,
};
use plugpipe_contract::scalar::Verbatim;

/// An operation's code.
#[derive(Clone, Copy)]
pub enum Run {
    /// Records one value as this kind, or the kind in the request. Implemented in the crate above,
    /// which is optimized for speed.
    Record(Option<Kind>),
    /// Records a list of values.
    Records,
    /// Any other operation, with its own request and response types.
    Typed {
        /// The fields of the request.
        fields: fn() -> &'static [&'static str],
        /// Reads the request, runs the operation, and writes the response.
        run: for<'c> fn(&mut Call<'c>, &Document, &mut ResponseWriter) -> Result<(), Error>,
        /// The schema of the request.
        #[cfg(feature = "schema")]
        schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
        /// The schema of the response.
        #[cfg(feature = "schema")]
        response: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    },
}

impl Run {
    /// The fields of the operation's request.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Record(_) => Both::<Record, DefinitionFields>::fields(),
            Self::Records => RecordMultiple::<Both<_, _>>::fields(),
            Self::Typed { fields, .. } => fields(),
        }
    }
}

/// An operation that a call can request.
pub struct Operation {
    /// The name in pipes.
    pub name: &'static str,
    /// The summary for `describe`.
    pub summary: &'static str,
    /// Its code.
    pub run: Run,
    /// The groups that it applies to.
    pub scope: Scope,
    /// Whether and how it asks servers.
    pub asks: Asks,
    /// Whether it changes what is recorded, if it succeeds.
    pub changes: bool,
}

/// Whether an operation asks servers, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// It asks none itself. What it wants to be done, it says in [`Call::next`].
    Nobody,
    /// It asks these, needs nothing of what was recorded, and a worker carries it out. It may be
    /// carried out again if nobody knows how it ended.
    Again(Servers),
    /// The same, but a second time would do it twice.
    Once(Servers),
}

/// The settings whose servers an operation may ask.
pub type Servers = &'static [fn(&Config) -> Option<&Url>];

const PROMETHEUS: fn(&Config) -> Option<&Url> = |config| config.prometheus_url.as_ref();
const GATEWAY: fn(&Config) -> Option<&Url> = |config| config.gateway_url.as_ref();
const GRAFANA: fn(&Config) -> Option<&Url> = |config| config.grafana_url.as_ref();
const RULER: fn(&Config) -> Option<&Url> = |config| config.ruler_url.as_ref();
const ALERTMANAGER: fn(&Config) -> Option<&Url> = |config| config.alertmanager_url.as_ref();
const WEBHOOK: fn(&Config) -> Option<&Url> = |config| config.webhook_url.as_ref();

/// Whoever evaluates rules.
const RULES: Servers = &[PROMETHEUS, RULER, GRAFANA];

/// Which groups a call is about. A call's `job_name`, `instance` and `grouping_key` may say another
/// group than the configuration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All groups.
    Any,
    /// The group that the call selects, else the configured one.
    OneGroup,
    /// The group that the call selects, else all groups.
    AllGroups,
}

const fn operation(name: &'static str, summary: &'static str, run: Run) -> Operation {
    Operation { name, summary, run, scope: Scope::Any, asks: Asks::Nobody, changes: false }
}

impl Operation {
    const fn of_one_group(self) -> Self {
        Self { scope: Scope::OneGroup, ..self }
    }

    const fn of_all_groups(self) -> Self {
        Self { scope: Scope::AllGroups, ..self }
    }

    const fn changing(self) -> Self {
        Self { changes: true, ..self }
    }

    /// Whether it records values.
    #[inline]
    pub fn is_record(&self) -> bool {
        matches!(self.run, Run::Record(_) | Run::Records)
    }

    const fn asks(self, servers: Servers) -> Self {
        Self { asks: Asks::Again(servers), ..self }
    }

    const fn tells(self, servers: Servers) -> Self {
        Self { asks: Asks::Once(servers), ..self }
    }
}

/// An operation with its own request and response types.
macro_rules! typed {
    ($request:ty, $response:ty, $run:path) => {
        Run::Typed {
            fields: <$request>::fields,
            run: |call, document, writer| {
                let request = <$request>::from_document(document)?;
                let response: $response = $run(call, &request)?;
                writer.add(&response);
                Ok(())
            },
            #[cfg(feature = "schema")]
            schema: <$request as schemars::JsonSchema>::json_schema,
            #[cfg(feature = "schema")]
            response: <$response as plugpipe_contract::response::Response>::schema,
        }
    };
}

/// All operations.
pub const OPERATIONS: &[Operation] = &[
    operation("record_metric", "record a value; metric_type says as what (default gauge)", Run::Record(None))
        .changing()
        .of_one_group(),
    operation("record_counter", "add to a counter", Run::Record(Some(Kind::Counter))).changing().of_one_group(),
    operation("record_gauge", "set a gauge", Run::Record(Some(Kind::Gauge))).changing().of_one_group(),
    operation("record_histogram", "observe a value in a histogram", Run::Record(Some(Kind::Histogram)))
        .changing()
        .of_one_group(),
    operation("record_summary", "observe a value in a summary", Run::Record(Some(Kind::Summary)))
        .changing()
        .of_one_group(),
    operation("record_multiple_metrics", "record a list of metrics, all or none, with one push", Run::Records)
        .changing()
        .of_one_group(),
    operation(
        "record_batch",
        "record a writer's batch once; several writers add up in one registry",
        typed!(RecordBatch, (RecordedBatch, RecordPush), batch::record),
    )
    .changing(),
    operation(
        "end_writer",
        "forget the values of a writer that has ended in gauges of mode live_sum",
        typed!(EndWriter, (EndedWriter, RecordPush), batch::end),
    )
    .changing(),
    operation(
        "register_metric",
        "define a metric before recording to it",
        typed!(Both<RegisterMetric, DefinitionFields>, Registered, definition::register),
    )
    .changing()
    .of_one_group(),
    operation("remove_metric", "remove one series", typed!(RemoveMetric, Removed, definition::remove))
        .changing()
        .of_one_group(),
    operation("clear_metrics", "remove all metrics", typed!(NoFields, Cleared, definition::clear))
        .changing()
        .of_all_groups(),
    operation(
        "include_metrics",
        "expose and send what another library has recorded, replacing what it had before",
        typed!(IncludeMetrics, IncludedMetrics, include::run),
    )
    .changing()
    .of_one_group(),
    operation(
        "export_metrics",
        "export recorded metrics as prometheus, openmetrics, openmetrics2, protobuf, json or csv",
        typed!(ExportMetrics, Exported, export::run),
    ),
    operation(
        "snapshot_metrics",
        "export all stored metrics for restore_metrics",
        typed!(NoFields, Snapshot, export::snapshot),
    ),
    operation(
        "restore_metrics",
        "replace all stored metrics with a snapshot",
        typed!(RestoreMetrics, Restored, export::restore),
    )
    .changing(),
    operation(
        "push_metrics",
        "push recorded metrics to this plug's group on the Pushgateway",
        typed!(PushMetrics, (Pushed, PushReport), push::push),
    )
    .of_all_groups(),
    operation(
        "flush_metrics",
        "push what no gateway has accepted yet, unless push_policy is manual",
        typed!(PushMetrics, (Eventually<Flushed>, PushReport), push::flush),
    )
    .of_all_groups(),
    operation(
        "delete_metrics",
        "delete this plug's group from the Pushgateway",
        typed!(NoFields, Eventually<(Deleted, Mock)>, push::delete),
    )
    .of_one_group(),
    operation(
        "list_groups",
        "list the groups on the Pushgateway, with their last push",
        typed!(ListGroups, GroupList, groups::list),
    )
    .asks(&[GATEWAY]),
    operation(
        "expire_groups",
        "delete groups whose last push is older than older_than; dry_run (the default) only lists them",
        typed!(ExpireGroups, (DryRun, GroupList), groups::expire),
    )
    .tells(&[GATEWAY]),
    operation(
        "remote_write_metrics",
        "write what was recorded to a remote-write receiver",
        typed!(Deliver, Eventually<RemoteWritten>, remote::write),
    ),
    operation(
        "export_otlp",
        "export what was recorded to an OTLP receiver",
        typed!(Deliver, Eventually<OtlpExported>, remote::export),
    ),
    operation(
        "scrape_endpoint",
        "scrape and strictly parse an endpoint; optionally import or push its metrics",
        typed!(ScrapeEndpoint, (Scraped, Option<Exposed>), scrape::run),
    )
    .asks(&[])
    .of_one_group(),
    operation(
        "federate",
        "fetch series from Prometheus's /federate; optionally import or push them",
        typed!(Federate, (Federated, Option<Exposed>), scrape::federate),
    )
    .asks(&[PROMETHEUS])
    .of_one_group(),
    operation(
        "query_metrics",
        "run a PromQL instant or range query",
        typed!(QueryMetrics, (Queried, ServerRemarks), query::run),
    )
    .asks(&[PROMETHEUS]),
    operation(
        "create_alert",
        "check an alerting rule, install it at target, and confirm it by reading it back",
        typed!(CreateAlert, alerts::Created, alerts::create),
    )
    .tells(RULES),
    operation(
        "delete_alert",
        "remove a rule that create_alert installed",
        typed!(DeleteAlert, (DeletedAlert, Option<InstallReport>), alerts::delete),
    )
    .tells(RULES),
    operation(
        "list_alerts",
        "list the alerting rules on the server, and their states",
        typed!(ListAlerts, ListedAlerts, alerts::list),
    )
    .asks(RULES),
    operation(
        "get_alert_state",
        "tell whether an alert is inactive, pending or firing, and since when",
        typed!(AlertState, AlertStateReport, alerts::state),
    )
    .asks(RULES),
    operation(
        "plan_alerts",
        "show what apply_alerts would change",
        typed!(ApplyAlerts, (PlannedRules, InstallReport), alerts::plan),
    )
    .asks(RULES),
    operation(
        "apply_alerts",
        "install a whole file or namespace of rules; rules missing from the request are deleted",
        typed!(ApplyAlerts, (AppliedRules, InstallReport), alerts::apply),
    )
    .tells(RULES),
    operation(
        "export_rules",
        "a rule file, or a PrometheusRule for Kubernetes",
        typed!(ExportRules, ExportedRules, alerts::export),
    ),
    operation(
        "list_alert_templates",
        "list the built-in rule templates and their parameters",
        typed!(NoFields, AlertTemplates, alert_templates::list),
    ),
    operation(
        "send_alerts",
        "send firing alerts to Alertmanager",
        typed!(Both<SendAlerts, AlertFields>, (AlertsSent, SentAlerts), notify::send),
    )
    .tells(&[ALERTMANAGER]),
    operation(
        "resolve_alerts",
        "send resolved alerts to Alertmanager",
        typed!(Both<SendAlerts, AlertFields>, (AlertsResolved, SentAlerts), notify::resolve),
    )
    .tells(&[ALERTMANAGER]),
    operation(
        "notify_webhook",
        "post alerts to a webhook, in Alertmanager's format",
        typed!(Both<NotifyWebhook, AlertFields>, (Delivery, SentAlerts), notify::webhook),
    )
    .tells(&[WEBHOOK]),
    operation(
        "list_notified_alerts",
        "list Alertmanager's alerts",
        typed!(Both<ListAlertGroups, ListNotifiedAlerts>, (Mock, NotifiedAlerts), alertmanager::alerts),
    )
    .asks(&[ALERTMANAGER]),
    operation(
        "list_alert_groups",
        "list Alertmanager's alerts, grouped by receiver",
        typed!(ListAlertGroups, (Mock, AlertGroups), alertmanager::groups),
    )
    .asks(&[ALERTMANAGER]),
    operation(
        "list_receivers",
        "list Alertmanager's receivers",
        typed!(NoFields, (Mock, Receivers), alertmanager::receivers),
    )
    .asks(&[ALERTMANAGER]),
    operation(
        "list_silences",
        "list Alertmanager's silences",
        typed!(ListSilences, (Mock, Silences), alertmanager::silences),
    )
    .asks(&[ALERTMANAGER]),
    operation(
        "create_silence",
        "silence matching alerts for a time",
        typed!(CreateSilence, CreatedSilence, alertmanager::create_silence),
    )
    .tells(&[ALERTMANAGER]),
    operation(
        "expire_silence",
        "expire a silence",
        typed!(ExpireSilence, ExpiredSilence, alertmanager::expire_silence),
    )
    .tells(&[ALERTMANAGER]),
    operation(
        "alertmanager_status",
        "show Alertmanager's version, cluster and configuration",
        typed!(NoFields, (Mock, AlertmanagerStatus), alertmanager::status),
    )
    .asks(&[ALERTMANAGER]),
    operation(
        "generate_config",
        "generate a prometheus.yml, or parts of it, and targets files; or monitors for Kubernetes",
        typed!(GenerateConfig, GeneratedConfig, generate::run),
    ),
    operation(
        "discover_targets",
        "list targets from an http_sd endpoint or a list, and whether Prometheus scrapes them",
        typed!(DiscoverTargets, DiscoveredTargets, discover::run),
    )
    .asks(&[PROMETHEUS]),
    operation(
        "query_exemplars",
        "query exemplars of an expression's series",
        typed!(QueryExemplars, (FoundExemplars, ServerRemarks), query::exemplars),
    )
    .asks(&[PROMETHEUS]),
    operation(
        "format_query",
        "format a PromQL expression",
        typed!(Expression, (FormattedQuery, ServerRemarks), query::format),
    )
    .asks(&[PROMETHEUS]),
    operation(
        "parse_query",
        "parse a PromQL expression into a syntax tree (Prometheus 3)",
        typed!(Expression, (ParsedQuery, ServerRemarks), query::parse),
    )
    .asks(&[PROMETHEUS]),
    operation(
        "list_series",
        "list matching series in Prometheus",
        typed!(SeriesSelection, (SeriesList, ServerRemarks), prometheus::series),
    )
    .asks(&[PROMETHEUS]),
    operation(
        "list_labels",
        "list label names in Prometheus",
        typed!(SeriesSelection, (LabelNames, ServerRemarks), prometheus::labels),
    )
    .asks(&[PROMETHEUS]),
    operation(
        "label_values",
        "list the values of a label in Prometheus",
        typed!(Both<LabelValues, SeriesSelection>, (ValuesOfLabel, ServerRemarks), prometheus::label_values),
    )
    .asks(&[PROMETHEUS]),
    operation(
        "list_metadata",
        "list type, help and unit of metrics in Prometheus",
        typed!(ListMetadata, (MetricMetadata, ServerRemarks), prometheus::metadata),
    )
    .asks(&[PROMETHEUS]),
    operation(
        "list_targets",
        "list Prometheus's scrape targets and their state",
        typed!(ListTargets, (ScrapeTargets, ServerRemarks), prometheus::targets),
    )
    .asks(&[PROMETHEUS]),
    operation(
        "list_rules",
        "list Prometheus's rule groups",
        typed!(ListRules, (PrometheusRules, ServerRemarks), prometheus::rules),
    )
    .asks(&[PROMETHEUS]),
    operation(
        "list_prometheus_alerts",
        "list pending and firing alerts in Prometheus",
        typed!(NoFields, (PrometheusAlerts, ServerRemarks), prometheus::alerts),
    )
    .asks(&[PROMETHEUS]),
    operation(
        "prometheus_status",
        "show the status of the Prometheus server",
        typed!(PrometheusStatus, PrometheusState, prometheus::status),
    )
    .asks(&[PROMETHEUS]),
    operation(
        "create_dashboard",
        "save a dashboard from dashboard_config or a template in Grafana",
        typed!(CreateDashboard, dashboards::Created, dashboards::create),
    )
    .tells(&[GRAFANA]),
    operation(
        "plan_dashboards",
        "show what apply_dashboards would do",
        typed!(ApplyDashboards, AppliedDashboards, dashboards::plan),
    )
    .asks(&[GRAFANA]),
    operation(
        "apply_dashboards",
        "save dashboards and templates in Grafana: created, updated, unchanged or conflict",
        typed!(ApplyDashboards, AppliedDashboards, dashboards::apply),
    )
    .tells(&[GRAFANA]),
    operation(
        "get_dashboard",
        "a dashboard as Grafana holds it",
        typed!(DashboardUid, FetchedDashboard, dashboards::get),
    )
    .asks(&[GRAFANA]),
    operation(
        "list_dashboards",
        "search dashboards in Grafana",
        typed!(ListDashboards, ListedDashboards, dashboards::list),
    )
    .asks(&[GRAFANA]),
    operation(
        "delete_dashboard",
        "delete a dashboard from Grafana",
        typed!(DashboardUid, DeletedDashboard, dashboards::delete),
    )
    .tells(&[GRAFANA]),
    operation(
        "export_dashboards",
        "export dashboards as files for Grafana provisioning, or as ConfigMaps for Kubernetes",
        typed!(ExportDashboards, ExportedDashboards, dashboards::export),
    )
    .asks(&[GRAFANA]),
    operation(
        "grafana_status",
        "show Grafana's version, database state and organization",
        typed!(NoFields, (Mock, Option<GrafanaStatus>), dashboards::status),
    )
    .asks(&[GRAFANA]),
    operation(
        "ensure_datasource",
        "create or update a Prometheus data source in Grafana",
        typed!(Both<DatasourceName, EnsureDatasource>, EnsuredDatasource, datasources::ensure),
    )
    .tells(&[GRAFANA]),
    operation(
        "datasource_health",
        "check whether Grafana can reach the server of a data source",
        typed!(DatasourceName, DatasourceHealth, datasources::health),
    )
    .asks(&[GRAFANA]),
    operation(
        "annotate",
        "mark a moment or a region of time in Grafana's dashboards, or change a mark",
        typed!(Annotate, Annotated, annotations::annotate),
    )
    .tells(&[GRAFANA]),
    operation(
        "health_check",
        "ask every configured server whether it is well",
        typed!(NoFields, Eventually<Health>, health::run),
    ),
    operation("describe", "what this plug is", typed!(NoFields, Description, describe)),
];

/// The operation that a `ctx` requests. The default is a record if there is a `metric_name`, else a
/// health check.
pub fn requested(ctx: &Document) -> Result<&'static Operation, Error> {
    let given: Option<Verbatim> = ctx.read_field("operation")?.flatten();
    let given = match &given {
        None if ctx.get("metric_name").is_some() => "record_metric",
        None => "health_check",
        Some(name) => name.0.trim(),
    };
    find(given)
        .ok_or_else(|| Error::UnknownOperation { given: excerpt(given, 100), nearest: known::nearest(given, names()) })
}

/// Finds an operation by name.
pub fn find(given: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == given)
}

/// The names of all operations.
pub fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.name)
}

fn describe(_: &mut Call, _: &NoFields) -> Result<Description, Error> {
    Ok(description())
}

/// The description of this plug.
pub fn description() -> Description {
    Description {
        name: NAME,
        version: VERSION,
        description: DESCRIPTION,
        operations: OPERATIONS.iter().map(|operation| (operation.name, operation.summary)).collect(),
    }
}
