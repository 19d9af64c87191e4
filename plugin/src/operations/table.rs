//! The table of operations: an operation is a line here, a function in the file of its family, and
//! its schemas in plug.yaml.

use super::{
    Answer, Call, Run, alert_templates, alertmanager, alerts, annotations, dashboards, datasources, definition,
    discover, export, generate, groups, health, notify, prometheus, push, query, record, remote, scrape,
};
use crate::error::{Error, excerpt};
use crate::fields;
use crate::json::{Json, Object};
use crate::known;
use crate::{NAME, VERSION};

/// Every operation, with the line that `describe` says of it.
pub(super) const OPERATIONS: &[(&str, &str, Run)] = &[
    ("record_metric", "record a value; metric_type says as what (default gauge)", record::metric),
    ("record_counter", "add to a counter", record::counter),
    ("record_gauge", "set a gauge", record::gauge),
    ("record_histogram", "observe a value in a histogram", record::histogram),
    ("record_summary", "observe a value in a summary", record::summary),
    ("record_multiple_metrics", "record a list of metrics, all or none, with one push", record::multiple),
    ("register_metric", "say what a metric is before anything is recorded to it", definition::register),
    ("remove_metric", "remove one series", definition::remove),
    ("clear_metrics", "remove all metrics", definition::clear),
    ("export_metrics", "what was recorded, as prometheus, openmetrics, protobuf, json or csv", export::run),
    ("snapshot_metrics", "all that is held, for restore_metrics", export::snapshot),
    ("restore_metrics", "replace all that is held by a snapshot", export::restore),
    ("push_metrics", "put what was recorded into this plug's group on the Pushgateway", push::push),
    ("flush_metrics", "push what no gateway has accepted yet, unless push_policy is manual", push::flush),
    ("push_recorded", "for hosts: the push that a record with defer_push said to be due", push::recorded),
    ("note_exchange", "for hosts: what another instance's exchange with servers came to", push::noted),
    ("delete_metrics", "delete this plug's group from the Pushgateway", push::delete),
    ("list_groups", "every group on the Pushgateway, with its last push", groups::list),
    (
        "expire_groups",
        "delete groups that nobody pushed to for older_than; dry_run (the default) only lists them",
        groups::expire,
    ),
    ("remote_write_metrics", "write what was recorded to a remote-write receiver", remote::write),
    ("export_otlp", "export what was recorded to an OTLP receiver", remote::export),
    (
        "scrape_endpoint",
        "the metrics that an endpoint exposes, read strictly; imported or pushed if asked",
        scrape::run,
    ),
    ("federate", "series of Prometheus as its /federate has them; imported or pushed if asked", scrape::federate),
    ("query_metrics", "PromQL, at an instant or over a time_range", query::run),
    (
        "create_alert",
        "an alerting rule, checked, installed where target says, and confirmed by reading back",
        alerts::create,
    ),
    ("delete_alert", "take a rule out of where create_alert put it", alerts::delete),
    ("list_alerts", "the alerting rules that the server holds, and their states", alerts::list),
    ("get_alert_state", "whether an alert is inactive, pending or firing, and since when", alerts::state),
    ("plan_alerts", "what apply_alerts would change", alerts::plan),
    (
        "apply_alerts",
        "bring a whole file or namespace of rules to the server; what is no more wanted goes",
        alerts::apply,
    ),
    ("export_rules", "a rule file", alerts::export),
    ("list_alert_templates", "the rules that the plug ships, and their parameters", alert_templates::list),
    ("send_alerts", "tell Alertmanager of alerts that hold", notify::send),
    ("resolve_alerts", "tell Alertmanager that alerts have ended", notify::resolve),
    ("notify_webhook", "post alerts to a webhook, in Alertmanager's form", notify::webhook),
    ("list_notified_alerts", "the alerts that Alertmanager holds", alertmanager::alerts),
    ("list_alert_groups", "Alertmanager's alerts as it groups them for receivers", alertmanager::groups),
    ("list_receivers", "Alertmanager's receivers", alertmanager::receivers),
    ("list_silences", "Alertmanager's silences", alertmanager::silences),
    ("create_silence", "mute alerts that match, for a time", alertmanager::create_silence),
    ("expire_silence", "end a silence now", alertmanager::expire_silence),
    ("alertmanager_status", "Alertmanager's version, cluster and configuration", alertmanager::status),
    ("generate_config", "a prometheus.yml, or parts of it, and files of targets", generate::run),
    (
        "discover_targets",
        "targets of an http_sd endpoint or a list, and whether Prometheus scrapes them",
        discover::run,
    ),
    ("query_exemplars", "the exemplars of an expression's series", query::exemplars),
    ("format_query", "a PromQL expression, laid out", query::format),
    ("parse_query", "a PromQL expression as a tree (Prometheus 3)", query::parse),
    ("list_series", "the series that match finds in Prometheus", prometheus::series),
    ("list_labels", "the names of labels in Prometheus", prometheus::labels),
    ("label_values", "the values of a label in Prometheus", prometheus::label_values),
    ("list_metadata", "type, help and unit of metrics in Prometheus", prometheus::metadata),
    ("list_targets", "what Prometheus scrapes, and how that goes", prometheus::targets),
    ("list_rules", "Prometheus's groups of rules", prometheus::rules),
    ("list_prometheus_alerts", "alerts that are pending or firing in Prometheus", prometheus::alerts),
    ("prometheus_status", "what the Prometheus server is and how it runs", prometheus::status),
    ("create_dashboard", "bring one dashboard to Grafana, from dashboard_config or a template", dashboards::create),
    ("plan_dashboards", "what apply_dashboards would do", dashboards::plan),
    (
        "apply_dashboards",
        "bring dashboards and templates to Grafana: created, updated, unchanged or conflict",
        dashboards::apply,
    ),
    ("get_dashboard", "a dashboard as Grafana holds it", dashboards::get),
    ("list_dashboards", "the dashboards that Grafana finds", dashboards::list),
    ("delete_dashboard", "delete a dashboard from Grafana", dashboards::delete),
    ("export_dashboards", "dashboards as files for Grafana's provisioning", dashboards::export),
    ("grafana_status", "which Grafana answers, and for which organisation", dashboards::status),
    (
        "ensure_datasource",
        "a Prometheus data source in Grafana, made or changed where it is not as given",
        datasources::ensure,
    ),
    ("datasource_health", "whether Grafana reaches the server behind a data source", datasources::health),
    ("annotate", "mark a moment or a region of time in Grafana's dashboards, or change a mark", annotations::annotate),
    ("health_check", "ask every configured server whether it is well", health::run),
    ("describe", "what this plug is", describe),
];

/// Operations about one group: where a call's `job_name`, `instance` or `grouping_key` say another
/// one than the configuration, about that one alone.
pub(super) const OF_ONE_GROUP: &[&str] = &[
    "record_metric",
    "record_counter",
    "record_gauge",
    "record_histogram",
    "record_summary",
    "record_multiple_metrics",
    "register_metric",
    "remove_metric",
    "clear_metrics",
    "push_metrics",
    "flush_metrics",
    "push_recorded",
    "delete_metrics",
    "scrape_endpoint",
    "federate",
];

/// Those of them that without a key are about all groups.
pub(super) const OF_ALL_GROUPS: &[&str] = &["clear_metrics", "push_metrics", "flush_metrics", "push_recorded"];

/// The operation that a `ctx` asks for. Without one, a `metric_name` means a record, and nothing a
/// health check.
pub(super) fn choose(ctx: &Object) -> Result<(&'static str, Run), Error> {
    let given = match ctx.get("operation") {
        None | Some(Json::Null) if ctx.get("metric_name").is_some() => "record_metric",
        None | Some(Json::Null) => "health_check",
        Some(Json::String(name)) => name.trim(),
        Some(other) => {
            let problem = format!("expected an operation's name, got {}", fields::kind_of(other));
            return Err(Error::invalid("operation", problem));
        }
    };
    OPERATIONS.iter().find(|(name, ..)| *name == given).map(|(name, _, run)| (*name, *run)).ok_or_else(|| {
        Error::UnknownOperation {
            given: excerpt(given, 100),
            nearest: known::nearest(given, names()),
            known: names().collect(),
        }
    })
}

/// The names of all operations.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|(name, ..)| *name)
}

fn describe(_: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    write_description(answer);
    Ok(())
}

pub(super) fn write_description(answer: &mut Answer) {
    answer.text("name", NAME);
    answer.text("version", VERSION);
    answer.text("description", env!("CARGO_PKG_DESCRIPTION"));
    answer.open("operations");
    for (name, summary, _) in OPERATIONS {
        answer.text(name, summary);
    }
    answer.close();
}
