//! PlugPipe's own metrics, as listed in its manifest: kinds, help texts and labels. Records
//! nothing.

use crate::error::Error;
use crate::registry::{Definition, Kind, LabelName, MetricName, Registry};

/// One metric of the catalog.
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
    entry("plugpipe_auth_attempts_total", Kind::Counter, "Authentication attempts.", &["method", "status"]),
    entry("plugpipe_auth_failures_total", Kind::Counter, "Failed authentication attempts.", &["method"]),
    entry(
        "plugpipe_capability_violations_total",
        Kind::Counter,
        "Uses of capabilities that were not granted.",
        &["capability", "plugin_name"],
    ),
    entry("plugpipe_cpu_usage_percent", Kind::Gauge, "CPU usage in percent of one core.", &[]),
    entry("plugpipe_memory_usage_bytes", Kind::Gauge, "Memory in use.", &[]),
    entry(
        "plugpipe_pipeline_duration_seconds",
        Kind::Histogram,
        "Duration of pipe executions.",
        &["pipeline_name", "status"],
    ),
    entry(
        "plugpipe_pipeline_executions_total",
        Kind::Counter,
        "Finished pipe executions.",
        &["pipeline_name", "status"],
    ),
    entry("plugpipe_pipeline_queue_size", Kind::Gauge, "Pipes waiting to run.", &[]),
    entry("plugpipe_pipeline_starts_total", Kind::Counter, "Started pipe executions.", &["pipeline_name"]),
    entry(
        "plugpipe_pipeline_success_rate",
        Kind::Gauge,
        "Ratio of successful pipe executions, from 0 to 1.",
        &["pipeline_name"],
    ),
    entry("plugpipe_plugin_duration_seconds", Kind::Histogram, "Duration of plug executions.", &["plugin_name"]),
    entry("plugpipe_plugin_errors_total", Kind::Counter, "Failed plug executions.", &["plugin_name"]),
    entry("plugpipe_plugin_executions_total", Kind::Counter, "Plug executions.", &["plugin_name", "status"]),
    entry("plugpipe_plugin_memory_usage_bytes", Kind::Gauge, "Memory used by a plug.", &["plugin_name"]),
    entry("plugpipe_request_duration_seconds", Kind::Histogram, "Duration of requests.", &["handler"]),
    entry("plugpipe_requests_total", Kind::Counter, "Handled requests.", &["endpoint", "method"]),
    entry("plugpipe_active_connections", Kind::Gauge, "Open connections.", &[]),
    entry("plugpipe_sandbox_violations_total", Kind::Counter, "Attempts to escape the sandbox.", &["plugin_name"]),
    entry("plugpipe_system_info", Kind::Gauge, "Always 1; the version is a label.", &["version"]),
    entry("plugpipe_system_uptime_seconds", Kind::Gauge, "Time since the system started.", &[]),
    entry("plugpipe_uptime_seconds", Kind::Gauge, "Time since PlugPipe started.", &[]),
];

/// The help text of a PlugPipe metric, for records that provide none.
pub fn help(name: &str) -> Option<&'static str> {
    // Skip the search for most metrics, which are not PlugPipe's.
    ENTRIES.iter().filter(|_| name.starts_with("plugpipe_")).find(|entry| entry.name == name).map(|entry| entry.help)
}

/// Registers all metrics of the catalog, so that later records must match their kinds and labels.
/// Existing families are left unchanged.
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
    fn existing_families_are_left_unchanged() {
        let mut registry = Registry::default();
        let name = MetricName::new("plugpipe_requests_total", "metric_name").unwrap();
        registry.register(Definition::new(name, Kind::Counter)).unwrap();
        register(&mut registry).unwrap();
        let family = registry.family("plugpipe_requests_total").unwrap();
        assert!(registry.definition(family).unwrap().label_names.is_empty());
    }
}
