//! What the host knows of this plug's operations: their names, and members of their requests and
//! responses. Everything that reads or writes such texts outside of the courier is here.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;

/// What an operation does to what the plug holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It may change it, as all do that are not known here.
    Changes,
    /// It writes it, which makes what was idle for too long disappear.
    Looks,
    /// It takes what a server told, which cannot be asked again: what is held then is kept as a
    /// whole.
    Imports,
    /// None.
    Reads,
}

/// Operations that may take what a server told into what is held.
const IMPORTS: &[&str] = &["scrape_endpoint", "federate"];

/// Operations that only write what is held, or send it.
const LOOKS: &[&str] =
    &["export_metrics", "push_metrics", "flush_metrics", "delete_metrics", "remote_write_metrics", "export_otlp"];

/// Operations that leave what is held as it is. What is missing here is journalled, which costs
/// time and changes nothing else.
const READS: &[&str] = &[
    "push_recorded",
    "note_exchange",
    "snapshot_metrics",
    "list_groups",
    "expire_groups",
    "query_metrics",
    "generate_config",
    "discover_targets",
    "query_exemplars",
    "format_query",
    "parse_query",
    "list_series",
    "list_labels",
    "label_values",
    "list_metadata",
    "list_targets",
    "list_rules",
    "list_prometheus_alerts",
    "prometheus_status",
    "create_alert",
    "delete_alert",
    "list_alerts",
    "get_alert_state",
    "plan_alerts",
    "apply_alerts",
    "export_rules",
    "list_alert_templates",
    "send_alerts",
    "resolve_alerts",
    "notify_webhook",
    "list_notified_alerts",
    "list_alert_groups",
    "list_receivers",
    "list_silences",
    "create_silence",
    "expire_silence",
    "alertmanager_status",
    "create_dashboard",
    "plan_dashboards",
    "apply_dashboards",
    "get_dashboard",
    "list_dashboards",
    "delete_dashboard",
    "export_dashboards",
    "grafana_status",
    "ensure_datasource",
    "datasource_health",
    "annotate",
    "health_check",
    "describe",
];

/// How an answer begins that says that nothing was done.
pub(crate) const FAILED: &str = r#"{"success":false"#;

/// What an answer holds that says that a group was deleted, and a note of that.
pub(crate) const DELETED: &str = r#""deleted":true"#;

pub(crate) const GROUP_DELETED: &str = r#""group_deleted":true"#;

/// An operation that does nothing, for handing over a configuration.
pub(crate) const NOTHING: &str = r#"{"operation":"describe"}"#;

/// The member of a configuration by which a plug says of a push only that it is due.
pub(crate) const DEFER: &str = r#""defer_push":true"#;

/// Whether an operation leaves what is held as it is.
pub(crate) fn only_reads(operation: &str) -> bool {
    READS.contains(&operation)
}

/// What the operation that `ctx` asks for does. One that cannot be read may do anything.
pub(crate) fn effect(ctx: &str) -> Effect {
    // Most calls are records, of which all may change something, and mostly they say first what
    // they are.
    if begins_as_record(ctx) {
        return Effect::Changes;
    }
    #[derive(Deserialize)]
    struct Asked<'a> {
        #[serde(borrow)]
        operation: Cow<'a, str>,
    }
    match serde_json::from_str(ctx) {
        Ok(Asked { operation }) if LOOKS.contains(&operation.trim()) => Effect::Looks,
        Ok(Asked { operation }) if IMPORTS.contains(&operation.trim()) => Effect::Imports,
        Ok(Asked { operation }) if READS.contains(&operation.trim()) => Effect::Reads,
        _ => Effect::Changes,
    }
}

/// Whether an answer says that nothing was done.
pub(crate) fn failed(answer: &str) -> bool {
    answer.starts_with(FAILED)
}

/// What the answer to [`NOTHING`] says against the configuration that was handed over with it.
pub(crate) fn config_problem(answer: &str) -> Option<Error> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
        field: Option<String>,
        error_code: Option<String>,
    }
    if !failed(answer) {
        return None;
    }
    match serde_json::from_str(answer) {
        // A plug without that operation has nothing against a configuration.
        Ok(Refusal { error_code: Some(code), .. }) if code == "unknown_operation" => None,
        Ok(Refusal { error, field, .. }) => {
            // The plug knows it as `cfg`; whoever wrote it does not.
            let strip = |text: &str| text.strip_prefix("cfg.").unwrap_or(text).to_owned();
            let field = field.filter(|field| field != "cfg").map(|field| strip(&field));
            Some(Error::Config { field, problem: strip(&error) })
        }
        Err(_) => Some(Error::Config { field: None, problem: "the plug refused it and did not say why".into() }),
    }
}

/// Whether a `ctx` begins with an operation that is called `record_…`.
pub(crate) fn begins_as_record(ctx: &str) -> bool {
    let tokens = ["{", "\"operation\"", ":", "\"record_"];
    tokens.iter().try_fold(ctx, |rest, token| rest.trim_ascii_start().strip_prefix(token)).is_some()
}

/// Whether a `cfg` keeps the last one.
pub(crate) fn is_empty(cfg: &str) -> bool {
    let cfg = cfg.trim();
    let members = cfg.strip_prefix('{').and_then(|cfg| cfg.strip_suffix('}'));
    cfg.is_empty() || cfg == "null" || members.is_some_and(|members| members.trim().is_empty())
}

/// Asks an instance what is settled at gateways.
pub(crate) const TELL: &str = r#"{"operation":"note_exchange","tell":true}"#;

/// What an instance answered to [`TELL`].
pub(crate) fn settled(answer: &str) -> Option<Value> {
    serde_json::from_str::<Value>(answer).ok()?.get_mut("result")?.get_mut("settled").map(Value::take)
}
