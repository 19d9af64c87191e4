//! PlugPipe's own metrics, as its manifest lists them: their kinds, help and labels. Records
//! nothing.

use crate::error::Error;
use crate::registry::{Definition, Kind, LabelName, MetricName, Registry};

/// One metric of the catalogue.
struct Entry {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    /// Sorted.
    labels: &'static [&'static str],
}

const fn entry(name: &'static str, kind: Kind, help: &'static str, labels: &'static [&'static str]) -> Entry {
    Entry { name, kind, help, labels }
}

const ENTRIES: [Entry; 21] = [
    entry("plugpipe_auth_attempts_total", Kind::Counter, "Attempts to authenticate.", &["method", "status"]),
    entry("plugpipe_auth_failures_total", Kind::Counter, "Failed attempts to authenticate.", &["method"]),
    entry(
        "plugpipe_capability_violations_total",
        Kind::Counter,
        "Uses of a capability that was not granted.",
        &["capability", "plugin_name"],
    ),
    entry("plugpipe_cpu_usage_percent", Kind::Gauge, "Processor time in use, in percent of one core.", &[]),
    entry("plugpipe_memory_usage_bytes", Kind::Gauge, "Memory in use.", &[]),
    entry("plugpipe_pipeline_duration_seconds", Kind::Histogram, "How long pipes ran.", &["pipeline_name", "status"]),
    entry("plugpipe_pipeline_executions_total", Kind::Counter, "Pipes that ended.", &["pipeline_name", "status"]),
    entry("plugpipe_pipeline_queue_size", Kind::Gauge, "Pipes that wait to run.", &[]),
    entry("plugpipe_pipeline_starts_total", Kind::Counter, "Pipes that were started.", &["pipeline_name"]),
    entry(
        "plugpipe_pipeline_success_rate",
        Kind::Gauge,
        "Share of pipes that succeeded, from 0 to 1.",
        &["pipeline_name"],
    ),
    entry("plugpipe_plugin_duration_seconds", Kind::Histogram, "How long plugs ran.", &["plugin_name"]),
    entry("plugpipe_plugin_errors_total", Kind::Counter, "Executions of plugs that failed.", &["plugin_name"]),
    entry("plugpipe_plugin_executions_total", Kind::Counter, "Executions of plugs.", &["plugin_name", "status"]),
    entry("plugpipe_plugin_memory_usage_bytes", Kind::Gauge, "Memory in use by a plug.", &["plugin_name"]),
    entry("plugpipe_request_duration_seconds", Kind::Histogram, "How long requests took.", &["handler"]),
    entry("plugpipe_requests_total", Kind::Counter, "Requests that were answered.", &["endpoint", "method"]),
    entry("plugpipe_active_connections", Kind::Gauge, "Connections that are open.", &[]),
    entry("plugpipe_sandbox_violations_total", Kind::Counter, "Attempts to leave the sandbox.", &["plugin_name"]),
    entry("plugpipe_system_info", Kind::Gauge, "Always 1; the labels say what runs.", &["version"]),
    entry("plugpipe_system_uptime_seconds", Kind::Gauge, "Time since the system started.", &[]),
    entry("plugpipe_uptime_seconds", Kind::Gauge, "Time since PlugPipe started.", &[]),
];

/// The help text of a metric that PlugPipe knows, for records that bring none.
pub fn help(name: &str) -> Option<&'static str> {
    // Most metrics are somebody else's, and are not looked for.
    ENTRIES.iter().filter(|_| name.starts_with("plugpipe_")).find(|entry| entry.name == name).map(|entry| entry.help)
}

/// Registers all of them, so that further records must have their kinds and labels. Those that are
/// there already stay what they are.
pub fn register(registry: &mut Registry) -> Result<(), Error> {
    for entry in &ENTRIES {
        if registry.family(entry.name).is_some() {
            continue;
        }
        let mut definition = Definition::new(MetricName::new(entry.name, "catalog")?, entry.kind);
        definition.help = Some(entry.help.into());
        definition.label_names =
            entry.labels.iter().map(|name| LabelName::new(name, "catalog")).collect::<Result<_, _>>()?;
        registry.register(definition)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_a_valid_definition_with_help() {
        let mut registry = Registry::default();
        register(&mut registry).unwrap();
        assert_eq!(registry.families(), ENTRIES.len());
        assert!(ENTRIES.iter().all(|entry| entry.help.ends_with('.') && entry.labels.is_sorted()));
    }

    #[test]
    fn a_family_that_is_there_stays_what_it_is() {
        let mut registry = Registry::default();
        let name = MetricName::new("plugpipe_requests_total", "metric_name").unwrap();
        registry.register(Definition::new(name, Kind::Counter)).unwrap();
        register(&mut registry).unwrap();
        let family = registry.family("plugpipe_requests_total").unwrap();
        assert!(registry.definition(family).unwrap().label_names.is_empty());
    }
}
