//! The dashboards shipped with the plug, for PlugPipe's metrics ([`crate::catalog`]) and the plug's
//! own (its module `telemetry`).

use serde_json::{Number, Value, json};

use super::build::{Dashboard, build};
use super::{Options, uid};
use crate::error::Error;
use plugpipe_contract::error::excerpt;
use plugpipe_metrics::registry::MetricName;

/// The default prefix of metric names.
const PREFIX: &str = "plugpipe";

/// The placeholder in expressions for the job and instance matchers.
const SCOPE: &str = "@";

/// A dashboard template.
struct Template {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// The metric that provides the values of the variables.
    metric: &'static str,
    panels: &'static [Panel],
}

/// A panel template.
struct Panel {
    title: &'static str,
    kind: &'static str,
    /// One of Grafana's units.
    unit: &'static str,
    description: &'static str,
    /// Expressions and their legends.
    targets: &'static [(&'static str, &'static str)],
    /// The values at which the color turns yellow and red.
    thresholds: Option<(&'static str, &'static str)>,
    /// Whether its values are counts, which are whole numbers.
    is_count: bool,
    /// Colors of series by legend, or of a table's outcomes.
    colors: &'static [(&'static str, &'static str)],
    /// Headings of a table's columns, by label; `Value` is the value.
    columns: &'static [(&'static str, &'static str)],
}

const fn panel(
    title: &'static str,
    kind: &'static str,
    unit: &'static str,
    description: &'static str,
    targets: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel { title, kind, unit, description, targets, thresholds: None, is_count: false, colors: &[], columns: &[] }
}

/// A panel of counts.
const fn count(
    title: &'static str,
    kind: &'static str,
    description: &'static str,
    targets: &'static [(&'static str, &'static str)],
) -> Panel {
    let mut panel = panel(title, kind, "none", description, targets);
    panel.is_count = true;
    panel
}

impl Panel {
    const fn from(mut self, yellow: &'static str, red: &'static str) -> Self {
        self.thresholds = Some((yellow, red));
        self
    }

    const fn colored(mut self, colors: &'static [(&'static str, &'static str)]) -> Self {
        self.colors = colors;
        self
    }

    const fn with_columns(mut self, columns: &'static [(&'static str, &'static str)]) -> Self {
        self.columns = columns;
        self
    }
}

/// The colors of outcomes, as PlugPipe's metrics have them in the label `status`.
const OUTCOMES: &[(&str, &str)] = &[("success", "green"), ("failure", "red"), ("failed", "red")];

const TEMPLATES: [Template; 5] = [
    Template {
        name: "system_overview",
        title: "PlugPipe System Overview",
        description: "PlugPipe's status and resource usage, and the health of its plugs and pipes.",
        metric: "plugpipe_plugin_executions_total",
        panels: &[
            panel("System uptime", "stat", "s", "Time since the system started.", &[("max(plugpipe_system_uptime_seconds{@})", "")]),
            panel("Memory usage", "stat", "bytes", "Maximum over all instances.", &[("max(plugpipe_memory_usage_bytes{@})", "")])
                .from("800000000", "1000000000"),
            panel("CPU usage", "stat", "percent", "Percentage of one core; maximum over all instances.", &[("max(plugpipe_cpu_usage_percent{@})", "")])
                .from("70", "90"),
            panel(
                "Error rate",
                "stat",
                "percentunit",
                "Pipeline runs that failed, as a fraction of all.",
                &[("(sum(rate(plugpipe_pipeline_executions_total{status!=\"success\",@}[$__rate_interval])) or sum(rate(plugpipe_pipeline_executions_total{@}[$__rate_interval])) * 0) / sum(rate(plugpipe_pipeline_executions_total{@}[$__rate_interval]))", "")],
            )
            .from("0.01", "0.1"),
            panel("Memory usage by instance", "timeseries", "bytes", "Memory usage of each instance.", &[("plugpipe_memory_usage_bytes{@}", "{{instance}}")]),
            panel(
                "Plug execution rate",
                "timeseries",
                "ops",
                "Executions per second, by plug.",
                &[("sum by (plugin_name) (rate(plugpipe_plugin_executions_total{@}[$__rate_interval]))", "{{plugin_name}}")],
            ),
            panel(
                "Requests",
                "timeseries",
                "reqps",
                "Requests per second, by endpoint.",
                &[("sum by (endpoint) (rate(plugpipe_requests_total{@}[$__rate_interval]))", "{{endpoint}}")],
            ),
            panel(
                "Error rate by plug",
                "table",
                "percentunit",
                "Executions that failed, as a fraction of all.",
                &[("sum by (plugin_name) (rate(plugpipe_plugin_errors_total{@}[$__rate_interval])) / sum by (plugin_name) (rate(plugpipe_plugin_executions_total{@}[$__rate_interval]))", "{{plugin_name}}")],
            )
            .from("0.01", "0.1")
            .with_columns(&[("plugin_name", "Plug"), ("Value", "Error rate")]),
        ],
    },
    Template {
        name: "plugin_performance",
        title: "PlugPipe Plug Performance",
        description: "Execution rates, durations, resource usage and errors of plugs.",
        metric: "plugpipe_plugin_executions_total",
        panels: &[
            panel(
                "Plug execution rate",
                "timeseries",
                "ops",
                "Executions per second, by plug.",
                &[("sum by (plugin_name) (rate(plugpipe_plugin_executions_total{@}[$__rate_interval]))", "{{plugin_name}}")],
            ),
            panel(
                "Duration",
                "timeseries",
                "s",
                "50th, 95th and 99th percentile of the duration of executions.",
                &[
                    ("histogram_quantile(0.5, sum by (le) (rate(plugpipe_plugin_duration_seconds_bucket{@}[$__rate_interval])))", "p50"),
                    ("histogram_quantile(0.95, sum by (le) (rate(plugpipe_plugin_duration_seconds_bucket{@}[$__rate_interval])))", "p95"),
                    ("histogram_quantile(0.99, sum by (le) (rate(plugpipe_plugin_duration_seconds_bucket{@}[$__rate_interval])))", "p99"),
                ],
            )
            .from("10", "30"),
            panel(
                "Mean duration by plug",
                "timeseries",
                "s",
                "Total duration divided by the number of executions.",
                &[("sum by (plugin_name) (rate(plugpipe_plugin_duration_seconds_sum{@}[$__rate_interval])) / sum by (plugin_name) (rate(plugpipe_plugin_duration_seconds_count{@}[$__rate_interval]))", "{{plugin_name}}")],
            ),
            panel(
                "Error rate by plug",
                "timeseries",
                "percentunit",
                "Executions that failed, as a fraction of all.",
                &[("sum by (plugin_name) (rate(plugpipe_plugin_errors_total{@}[$__rate_interval])) / sum by (plugin_name) (rate(plugpipe_plugin_executions_total{@}[$__rate_interval]))", "{{plugin_name}}")],
            )
            .from("0.01", "0.1"),
            panel("Memory usage by plug", "timeseries", "bytes", "Memory usage of each plug.", &[("max by (plugin_name) (plugpipe_plugin_memory_usage_bytes{@})", "{{plugin_name}}")]),
            panel(
                "Concurrent executions",
                "timeseries",
                "short",
                "Average number of concurrent executions.",
                &[("sum by (plugin_name) (rate(plugpipe_plugin_duration_seconds_sum{@}[$__rate_interval]))", "{{plugin_name}}")],
            ),
        ],
    },
    Template {
        name: "security_monitoring",
        title: "PlugPipe Security Monitoring",
        description: "Authentication, and attempts to exceed granted capabilities.",
        metric: "plugpipe_auth_attempts_total",
        panels: &[
            panel(
                "Authentication attempts",
                "timeseries",
                "ops",
                "Attempts per second, by outcome.",
                &[("sum by (status) (rate(plugpipe_auth_attempts_total{@}[$__rate_interval]))", "{{status}}")],
            )
            .colored(OUTCOMES),
            panel(
                "Authentication error rate",
                "timeseries",
                "percentunit",
                "Attempts that failed, as a fraction of all; a sudden rise is suspicious.",
                &[("sum(rate(plugpipe_auth_attempts_total{status=\"failure\",@}[$__rate_interval])) / sum(rate(plugpipe_auth_attempts_total{@}[$__rate_interval]))", "failure")],
            )
            .from("0.1", "0.5")
            .colored(OUTCOMES),
            count(
                "Failed logins by method",
                "piechart",
                "Failed attempts in the displayed time range.",
                &[("round(sum by (method) (increase(plugpipe_auth_attempts_total{status=\"failure\",@}[$__range])))", "{{method}}")],
            ),
            panel(
                "Capability violations",
                "timeseries",
                "ops",
                "Uses of capabilities without a grant per second, by capability.",
                &[("sum by (capability) (rate(plugpipe_capability_violations_total{@}[$__rate_interval]))", "{{capability}}")],
            ),
            count(
                "Sandbox violations",
                "table",
                "Attempts to escape the sandbox in the displayed time range, by plug.",
                &[("round(sum by (plugin_name) (increase(plugpipe_sandbox_violations_total{@}[$__range])))", "{{plugin_name}}")],
            )
            .from("1", "10")
            .with_columns(&[("plugin_name", "Plug"), ("Value", "Violations")]),
        ],
    },
    Template {
        name: "pipe_overview",
        title: "PlugPipe Pipe Overview",
        description: "Pipes: starts, outcomes and durations.",
        metric: "plugpipe_pipeline_executions_total",
        panels: &[
            count(
                "Pipeline runs",
                "stat",
                "Runs finished in the displayed time range.",
                &[("round(sum(increase(plugpipe_pipeline_executions_total{@}[$__range])))", "")],
            ),
            panel(
                "Error rate",
                "stat",
                "percentunit",
                "Runs that failed in the displayed time range, as a fraction of all.",
                &[("(sum(increase(plugpipe_pipeline_executions_total{status!=\"success\",@}[$__range])) or sum(increase(plugpipe_pipeline_executions_total{@}[$__range])) * 0) / sum(increase(plugpipe_pipeline_executions_total{@}[$__range]))", "")],
            )
            .from("0.01", "0.1"),
            count("Queued runs", "stat", "Runs that wait for their start.", &[("sum(plugpipe_pipeline_queue_size{@})", "")]).from("10", "100"),
            panel(
                "Duration (p95)",
                "stat",
                "s",
                "95th percentile of the duration of runs.",
                &[("histogram_quantile(0.95, sum by (le) (rate(plugpipe_pipeline_duration_seconds_bucket{@}[$__rate_interval])))", "")],
            ),
            panel(
                "Runs by outcome",
                "timeseries",
                "ops",
                "Finished runs per second.",
                &[("sum by (status) (rate(plugpipe_pipeline_executions_total{@}[$__rate_interval]))", "{{status}}")],
            )
            .colored(OUTCOMES),
            panel(
                "Error rate by pipeline",
                "timeseries",
                "percentunit",
                "Runs that failed, as a fraction of all.",
                &[("(sum by (pipeline_name) (rate(plugpipe_pipeline_executions_total{status!=\"success\",@}[$__rate_interval])) or sum by (pipeline_name) (rate(plugpipe_pipeline_executions_total{@}[$__rate_interval])) * 0) / sum by (pipeline_name) (rate(plugpipe_pipeline_executions_total{@}[$__rate_interval]))", "{{pipeline_name}}")],
            )
            .from("0.01", "0.1"),
            panel(
                "Runs started",
                "timeseries",
                "ops",
                "Started runs per second, by pipeline.",
                &[("sum by (pipeline_name) (rate(plugpipe_pipeline_starts_total{@}[$__rate_interval]))", "{{pipeline_name}}")],
            ),
            panel(
                "Duration (p95) by pipeline",
                "timeseries",
                "s",
                "95th percentile of the duration of runs.",
                &[("histogram_quantile(0.95, sum by (le, pipeline_name) (rate(plugpipe_pipeline_duration_seconds_bucket{@}[$__rate_interval])))", "{{pipeline_name}}")],
            ),
            count(
                "Runs by pipeline and outcome",
                "table",
                "Runs finished in the displayed time range.",
                &[("round(sum by (pipeline_name, status) (increase(plugpipe_pipeline_executions_total{@}[$__range])))", "")],
            )
            .colored(OUTCOMES)
            .with_columns(&[("pipeline_name", "Pipeline"), ("status", "Outcome"), ("Value", "Runs")]),
        ],
    },
    Template {
        name: "monitoring_plug",
        title: "PlugPipe Monitoring Plug",
        description: "The monitoring plug itself. Requires own_metrics: true in its configuration.",
        metric: "plugpipe_monitoring_series",
        panels: &[
            count("Series", "stat", "Series in the plug's registry.", &[("sum(plugpipe_monitoring_series{@})", "")]).from("100000", "1000000"),
            panel(
                "Push error rate",
                "stat",
                "percentunit",
                "Pushes that failed or were rejected, as a fraction of all.",
                &[("sum(rate(plugpipe_monitoring_push_failures_total{@}[$__rate_interval])) / (sum(rate(plugpipe_monitoring_pushes_total{@}[$__rate_interval])) + sum(rate(plugpipe_monitoring_push_failures_total{@}[$__rate_interval])))", "")],
            )
            .from("0.01", "0.1"),
            count(
                "Samples dropped",
                "stat",
                "Samples dropped by a series limit in the displayed time range.",
                &[("round(sum(increase(plugpipe_monitoring_series_dropped_total{@}[$__range])))", "")],
            )
            .from("1", "100"),
            count(
                "Values lost",
                "stat",
                "Values that a remote-write or OTLP receiver rejected or never received, in the displayed time range.",
                &[("round(sum(increase(plugpipe_monitoring_values_lost_total{@}[$__range])))", "")],
            )
            .from("1", "100"),
            panel(
                "Pushes",
                "timeseries",
                "ops",
                "Pushes per second, accepted and failed.",
                &[
                    ("sum(rate(plugpipe_monitoring_pushes_total{@}[$__rate_interval]))", "accepted"),
                    ("sum(rate(plugpipe_monitoring_push_failures_total{@}[$__rate_interval]))", "failed"),
                ],
            )
            .colored(&[("accepted", "green"), ("failed", "red")]),
            panel(
                "Records",
                "timeseries",
                "ops",
                "Recorded values per second, by instance.",
                &[("sum by (instance) (rate(plugpipe_monitoring_records_total{@}[$__rate_interval]))", "{{instance}}")],
            ),
            panel(
                "Duration of requests",
                "timeseries",
                "s",
                "50th and 95th percentile of the time that operations spend on requests to servers.",
                &[
                    ("histogram_quantile(0.5, sum by (le) (rate(plugpipe_monitoring_exchange_duration_seconds_bucket{@}[$__rate_interval])))", "p50"),
                    ("histogram_quantile(0.95, sum by (le) (rate(plugpipe_monitoring_exchange_duration_seconds_bucket{@}[$__rate_interval])))", "p95"),
                ],
            ),
            panel(
                "Exposition size",
                "timeseries",
                "Bps",
                "Exposition bytes written per second.",
                &[("sum by (instance) (rate(plugpipe_monitoring_encoded_bytes_total{@}[$__rate_interval]))", "{{instance}}")],
            ),
            count("Series by instance", "timeseries", "Series in each registry.", &[("sum by (instance) (plugpipe_monitoring_series{@})", "{{instance}}")]),
            count(
                "Samples dropped by instance",
                "timeseries",
                "Above zero, a metric has more series than the plug's limit.",
                &[("round(sum by (instance) (increase(plugpipe_monitoring_series_dropped_total{@}[$__rate_interval])))", "{{instance}}")],
            )
            .from("1", "100"),
        ],
    },
];

/// The names of the templates.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|template| template.name)
}

/// Makes the dashboard of the template named in `field`.
pub(super) fn make(name: &str, field: &str, options: &Options) -> Result<Dashboard, Error> {
    let prefix = options.prefix.as_deref().unwrap_or(PREFIX);
    if MetricName::new(prefix, "prefix").is_err() {
        let problem = format!("expected letters, digits and _, such as plugpipe, got {:?}", excerpt(prefix, 100));
        return Err(Error::invalid("prefix", problem));
    }
    let template = TEMPLATES.iter().find(|template| template.name == name).ok_or_else(|| {
        let names: Vec<&str> = names().collect();
        let problem = format!("unknown template {:?}; expected one of {}", excerpt(name, 100), names.join(", "));
        Error::invalid(field, problem)
    })?;
    build(model(template, prefix, options), "template", options)
}

/// The title; it includes a nondefault prefix, so that both dashboards can coexist.
fn title(template: &Template, prefix: &str) -> String {
    if prefix == PREFIX { template.title.to_owned() } else { format!("{} ({prefix})", template.title) }
}

fn model(template: &Template, prefix: &str, options: &Options) -> Value {
    let metric = renamed(template.metric, prefix);
    let variable = |name: &str, query: String| {
        json!({
            "name": name,
            "type": "query",
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "query": {"query": query, "refId": name},
            "refresh": 2,
            "sort": 1,
            "multi": true,
            "includeAll": true,
            "allValue": ".*",
            "current": {"text": ["All"], "value": ["$__all"]},
        })
    };
    let variables = [
        variable("job", format!("label_values({metric}, job)")),
        variable("instance", format!("label_values({metric}{{job=~\"$job\"}}, instance)")),
    ];
    let others = TEMPLATES.iter().filter(|other| other.name != template.name);
    let link = |other: &Template| {
        let title = title(other, prefix);
        json!({
            "url": format!("/d/{}", uid::derive(options.folders(), &title)),
            "title": title,
            "type": "link",
            "icon": "external link",
            "tooltip": other.description,
            "tags": [],
            "asDropdown": false,
            "targetBlank": false,
            "includeVars": true,
            "keepTime": true,
        })
    };
    json!({
        "title": title(template, prefix),
        "description": template.description,
        "templating": {"list": variables},
        "links": others.map(link).collect::<Vec<Value>>(),
        "panels": template.panels.iter().map(|panel| panel_model(panel, prefix)).collect::<Vec<Value>>(),
    })
}

fn panel_model(panel: &Panel, prefix: &str) -> Value {
    let is_table = panel.kind == "table";
    let target = |(expression, legend): &(&str, &str)| {
        let is_total = panel.kind == "stat" && expression.contains("[$__range]");
        let expression = renamed(expression, prefix).replace(SCOPE, "job=~\"$job\",instance=~\"$instance\"");
        let mut target = json!({"expr": expression, "legendFormat": legend});
        if let Some(target) = target.as_object_mut().filter(|_| is_total) {
            // The displayed time range has one value.
            target.insert("instant".into(), true.into());
            target.insert("range".into(), false.into());
        }
        target
    };
    let mut steps = vec![json!({"color": "green", "value": null})];
    if let Some((yellow, red)) = panel.thresholds {
        for (color, value) in [("yellow", yellow), ("red", red)] {
            steps.push(json!({"color": color, "value": value.parse::<Number>().ok()}));
        }
    }
    let mut defaults = json!({"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}});
    if let Some(defaults) = defaults.as_object_mut().filter(|_| panel.is_count) {
        defaults.insert("decimals".into(), 0.into());
    }
    let mut overrides: Vec<Value> = Vec::new();
    if is_table && panel.thresholds.is_some() {
        let (_, value) = panel.columns.iter().find(|(label, _)| *label == "Value").unwrap_or(&("Value", "Value"));
        overrides.push(by_name(value, &[("custom.cellOptions", json!({"type": "color-text"}))]));
    }
    if is_table && !panel.colors.is_empty() {
        let (_, outcome) = panel.columns.iter().find(|(label, _)| *label == "status").unwrap_or(&("status", "status"));
        let colors = panel.colors.iter().enumerate();
        let colors =
            colors.map(|(index, (value, color))| ((*value).to_owned(), json!({"color": color, "index": index})));
        let mapping = json!({"type": "value", "options": Value::Object(colors.collect())});
        overrides.push(by_name(
            outcome,
            &[("mappings", json!([mapping])), ("custom.cellOptions", json!({"type": "color-text"}))],
        ));
    } else {
        let fixed = |(legend, color): &(&str, &str)| {
            by_name(legend, &[("color", json!({"mode": "fixed", "fixedColor": color}))])
        };
        overrides.extend(panel.colors.iter().map(fixed));
    }
    let mut model = json!({
        "title": panel.title,
        "type": panel.kind,
        "description": panel.description,
        "fieldConfig": {"defaults": defaults, "overrides": overrides},
        "options": {},
        "targets": panel.targets.iter().map(target).collect::<Vec<Value>>(),
    });
    if let Some(model) = model.as_object_mut().filter(|_| is_table) {
        let names = panel.columns.iter().map(|(label, heading)| ((*label).to_owned(), Value::from(*heading)));
        // The time of an instant query is that of every row.
        let options = json!({"excludeByName": {"Time": true}, "renameByName": Value::Object(names.collect())});
        model.insert("transformations".into(), json!([{"id": "organize", "options": options}]));
    }
    model
}

/// An override of the field with this name.
fn by_name(name: &str, properties: &[(&str, Value)]) -> Value {
    let properties = properties.iter().map(|(id, value)| json!({"id": id, "value": value}));
    json!({"matcher": {"id": "byName", "options": name}, "properties": properties.collect::<Vec<Value>>()})
}

/// Replaces the prefix of the metrics in an expression.
fn renamed(expression: &str, prefix: &str) -> String {
    expression.replace("plugpipe_", &format!("{prefix}_"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Place;
    use super::super::members::to_json;
    use super::*;
    use monitoring_prometheus::telemetry::Telemetry;
    use plugpipe_metrics::registry::{Kind, Registry};

    /// Every metric name that the plug may record, with its labels.
    fn recorded() -> Vec<(String, BTreeSet<String>)> {
        let mut registry = Registry::default();
        monitoring_prometheus::catalog::register(&mut registry).unwrap();
        Telemetry::default().publish(&mut registry).unwrap();
        let mut names = Vec::new();
        let known = TEMPLATES.iter().flat_map(|template| template.panels).flat_map(|panel| panel.targets);
        for word in known.flat_map(|(expression, _)| words(expression)) {
            let base =
                ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix)).unwrap_or(word);
            let Some(family) = registry.family(base) else { continue };
            let definition = registry.definition(family).unwrap();
            assert_eq!(base != word, definition.kind == Kind::Histogram, "{word}");
            let mut labels: BTreeSet<String> =
                definition.label_names.iter().map(|name| name.as_str().to_owned()).collect();
            labels.extend(["job".to_owned(), "instance".to_owned(), "le".to_owned()]);
            names.push((word.to_owned(), labels));
        }
        names
    }

    fn words(expression: &str) -> impl Iterator<Item = &str> {
        expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("plugpipe_"))
    }

    #[test]
    fn every_template_uses_recorded_metrics_only() {
        let recorded = recorded();
        for template in &TEMPLATES {
            assert!(recorded.iter().any(|(name, _)| name == template.metric), "{}", template.metric);
            for (expression, legend) in template.panels.iter().flat_map(|panel| panel.targets) {
                for word in words(expression) {
                    let (_, labels) = recorded
                        .iter()
                        .find(|(name, _)| name == word)
                        .unwrap_or_else(|| panic!("{word} is not recorded"));
                    for by in expression.split("by (").skip(1) {
                        for label in by.split(')').next().unwrap().split(',') {
                            assert!(labels.contains(label.trim()), "{word} has no label {label}");
                        }
                    }
                    for label in legend.split("{{").skip(1).map(|rest| rest.split('}').next().unwrap()) {
                        assert!(labels.contains(label), "{word} has no label {label}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_template_is_complete_and_has_no_warnings() {
        let mut uids = BTreeSet::new();
        for name in names() {
            let made = make(name, "template", &Options::default()).unwrap();
            assert_eq!(made.warnings, [""; 0], "{name}");
            assert!(uids.insert(made.uid.clone()));
            for panel in made.model["panels"].as_array().unwrap() {
                assert!(panel["description"].as_str().unwrap().ends_with('.'), "{panel}");
                let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap();
                assert!(
                    ["s", "bytes", "percent", "percentunit", "ops", "reqps", "short", "none", "Bps"].contains(&unit),
                    "{unit}"
                );
                let is_count = unit == "none";
                assert_eq!(panel["fieldConfig"]["defaults"]["decimals"] == 0, is_count, "{panel}");
                for target in panel["targets"].as_array().unwrap() {
                    let expression = target["expr"].as_str().unwrap();
                    assert_eq!(
                        is_count && expression.contains("increase("),
                        expression.starts_with("round("),
                        "{expression}"
                    );
                    assert!(expression.contains("{") && !expression.contains('@'), "{expression}");
                    // A fixed interval could miss scrapes.
                    for range in expression.split('[').skip(1) {
                        assert!(
                            range.starts_with("$__rate_interval]") || range.starts_with("$__range]"),
                            "{expression}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn layouts_have_no_holes() {
        for name in names() {
            let made = make(name, "template", &Options::default()).unwrap();
            let mut cells = BTreeSet::new();
            let mut area = 0;
            for panel in made.model["panels"].as_array().unwrap() {
                let place = |name: &str| panel["gridPos"][name].as_u64().unwrap();
                for x in place("x")..place("x") + place("w") {
                    cells.extend((place("y")..place("y") + place("h")).map(|y| (x, y)));
                }
                area += place("w") * place("h");
                assert!(panel["type"] != "table" || place("w") == 24, "{panel}");
            }
            let rows = cells.iter().map(|(_, y)| y + 1).max().unwrap();
            assert_eq!((cells.len() as u64, area), (24 * rows, 24 * rows), "{name}");
        }
    }

    #[test]
    fn outcomes_have_their_colors() {
        let made = make("pipe_overview", "template", &Options::default()).unwrap();
        let text = to_json(&made.model);
        for part in [
            r#"{"matcher":{"id":"byName","options":"failure"},"properties":[{"id":"color","value":{"fixedColor":"red","mode":"fixed"}}]}"#,
            r#""options":{"failed":{"color":"red","index":2},"failure":{"color":"red","index":1},"success":{"color":"green","index":0}}"#,
            r#""renameByName":{"Value":"Runs","pipeline_name":"Pipeline","status":"Outcome"}"#,
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn links_lead_to_the_other_templates() {
        let options = Options {
            place: Place { titles: vec!["PlugPipe".into()], uid: None },
            datasource: Some("prom".into()),
            prefix: Some("acme".into()),
        };
        let made: Vec<Dashboard> = names().map(|name| make(name, "template", &options).unwrap()).collect();
        for dashboard in &made {
            let text = to_json(&dashboard.model);
            assert!(dashboard.title.ends_with(" (acme)") && !text.contains("plugpipe_"), "{}", dashboard.title);
            for other in made.iter().filter(|other| other.uid != dashboard.uid) {
                assert!(text.contains(&format!("\"/d/{}\"", other.uid)), "{} {}", dashboard.title, other.title);
            }
        }
    }
}
