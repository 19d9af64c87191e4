//! The dashboards that the plug carries, as data: what PlugPipe's metrics ([`crate::catalog`]) and
//! the plug's own (its module `telemetry`) tell.

use serde_json::{Number, Value, json};

use super::build::{Dashboard, build};
use super::{Options, uid};
use crate::error::Error;
use plugpipe_contract::error::excerpt;
use plugpipe_metrics::registry::MetricName;

/// What the metrics' names begin with, unless another prefix is asked for.
const PREFIX: &str = "plugpipe";

/// Stands in an expression for the matchers of job and instance.
const SCOPE: &str = "@";

/// One dashboard.
struct Template {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// The metric whose labels the variables offer.
    metric: &'static str,
    panels: &'static [Panel],
}

/// One panel.
struct Panel {
    title: &'static str,
    kind: &'static str,
    /// One of Grafana's units.
    unit: &'static str,
    description: &'static str,
    /// Expressions and legends.
    targets: &'static [(&'static str, &'static str)],
    /// From which value on the color is yellow, and red.
    thresholds: Option<(&'static str, &'static str)>,
}

const fn panel(
    title: &'static str,
    kind: &'static str,
    unit: &'static str,
    description: &'static str,
    targets: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel { title, kind, unit, description, targets, thresholds: None }
}

impl Panel {
    const fn from(mut self, yellow: &'static str, red: &'static str) -> Self {
        self.thresholds = Some((yellow, red));
        self
    }
}

const TEMPLATES: [Template; 5] = [
    Template {
        name: "system_overview",
        title: "PlugPipe System Overview",
        description: "Whether PlugPipe runs, what it uses, and how its plugs and pipes do.",
        metric: "plugpipe_plugin_executions_total",
        panels: &[
            panel("System uptime", "stat", "s", "Time since the system started.", &[("max(plugpipe_system_uptime_seconds{@})", "")]),
            panel("Memory in use", "stat", "bytes", "The largest of the instances.", &[("max(plugpipe_memory_usage_bytes{@})", "")])
                .from("800000000", "1000000000"),
            panel("Processor in use", "stat", "percent", "Of one core; the largest of the instances.", &[("max(plugpipe_cpu_usage_percent{@})", "")])
                .from("70", "90"),
            panel(
                "Pipes that succeed",
                "stat",
                "percentunit",
                "Share of the pipes that ended.",
                &[("sum(rate(plugpipe_pipeline_executions_total{status=\"success\",@}[$__rate_interval])) / sum(rate(plugpipe_pipeline_executions_total{@}[$__rate_interval]))", "")],
            ),
            panel("Memory usage", "timeseries", "bytes", "Memory in use, by instance.", &[("plugpipe_memory_usage_bytes{@}", "{{instance}}")]),
            panel(
                "Plug execution rate",
                "timeseries",
                "ops",
                "Executions a second, by plug.",
                &[("sum by (plugin_name) (rate(plugpipe_plugin_executions_total{@}[$__rate_interval]))", "{{plugin_name}}")],
            ),
            panel(
                "Error rate by plug",
                "table",
                "ops",
                "Failed executions a second.",
                &[("sum by (plugin_name) (rate(plugpipe_plugin_errors_total{@}[$__rate_interval]))", "{{plugin_name}}")],
            )
            .from("0.01", "0.1"),
            panel(
                "Requests",
                "timeseries",
                "reqps",
                "Requests a second, by endpoint.",
                &[("sum by (endpoint) (rate(plugpipe_requests_total{@}[$__rate_interval]))", "{{endpoint}}")],
            ),
        ],
    },
    Template {
        name: "plugin_performance",
        title: "PlugPipe Plug Performance",
        description: "How often plugs run, how long, what they use, and how many fail.",
        metric: "plugpipe_plugin_executions_total",
        panels: &[
            panel(
                "Plug execution rate",
                "timeseries",
                "ops",
                "Executions a second, by plug.",
                &[("sum by (plugin_name) (rate(plugpipe_plugin_executions_total{@}[$__rate_interval]))", "{{plugin_name}}")],
            ),
            panel(
                "Plug duration",
                "timeseries",
                "s",
                "How long plugs run: half of them, 95 and 99 of a hundred are quicker.",
                &[
                    ("histogram_quantile(0.5, sum by (le) (rate(plugpipe_plugin_duration_seconds_bucket{@}[$__rate_interval])))", "50th percentile"),
                    ("histogram_quantile(0.95, sum by (le) (rate(plugpipe_plugin_duration_seconds_bucket{@}[$__rate_interval])))", "95th percentile"),
                    ("histogram_quantile(0.99, sum by (le) (rate(plugpipe_plugin_duration_seconds_bucket{@}[$__rate_interval])))", "99th percentile"),
                ],
            )
            .from("10", "30"),
            panel(
                "Mean duration by plug",
                "timeseries",
                "s",
                "Time spent over executions.",
                &[("sum by (plugin_name) (rate(plugpipe_plugin_duration_seconds_sum{@}[$__rate_interval])) / sum by (plugin_name) (rate(plugpipe_plugin_duration_seconds_count{@}[$__rate_interval]))", "{{plugin_name}}")],
            ),
            panel(
                "Share of executions that fail",
                "timeseries",
                "percentunit",
                "Errors over executions, by plug.",
                &[("sum by (plugin_name) (rate(plugpipe_plugin_errors_total{@}[$__rate_interval])) / sum by (plugin_name) (rate(plugpipe_plugin_executions_total{@}[$__rate_interval]))", "{{plugin_name}}")],
            )
            .from("0.01", "0.1"),
            panel("Memory by plug", "timeseries", "bytes", "Memory in use, by plug.", &[("max by (plugin_name) (plugpipe_plugin_memory_usage_bytes{@})", "{{plugin_name}}")]),
            panel(
                "Concurrent executions",
                "timeseries",
                "short",
                "How many executions go on at a time: time spent for each second.",
                &[("sum by (plugin_name) (rate(plugpipe_plugin_duration_seconds_sum{@}[$__rate_interval]))", "{{plugin_name}}")],
            ),
        ],
    },
    Template {
        name: "security_monitoring",
        title: "PlugPipe Security Monitoring",
        description: "Authentication, and attempts to do what was not granted.",
        metric: "plugpipe_auth_attempts_total",
        panels: &[
            panel(
                "Authentication attempts",
                "timeseries",
                "ops",
                "Attempts a second, by outcome.",
                &[("sum by (status) (rate(plugpipe_auth_attempts_total{@}[$__rate_interval]))", "{{status}}")],
            ),
            panel(
                "Share of attempts that fail",
                "timeseries",
                "percentunit",
                "Failed attempts over all: what rises suddenly is suspicious.",
                &[("sum(rate(plugpipe_auth_attempts_total{status=\"failure\",@}[$__rate_interval])) / sum(rate(plugpipe_auth_attempts_total{@}[$__rate_interval]))", "failed")],
            )
            .from("0.1", "0.5"),
            panel(
                "Failed logins by method",
                "piechart",
                "short",
                "Failed attempts in the time that is shown.",
                &[("sum by (method) (increase(plugpipe_auth_attempts_total{status=\"failure\",@}[$__range]))", "{{method}}")],
            ),
            panel(
                "Capability violations",
                "timeseries",
                "ops",
                "Uses a second of what was not granted, by capability.",
                &[("sum by (capability) (rate(plugpipe_capability_violations_total{@}[$__rate_interval]))", "{{capability}}")],
            ),
            panel(
                "Sandbox violations",
                "table",
                "short",
                "Attempts to leave the sandbox in the time that is shown, by plug.",
                &[("sum by (plugin_name) (increase(plugpipe_sandbox_violations_total{@}[$__range]))", "{{plugin_name}}")],
            )
            .from("1", "10"),
        ],
    },
    Template {
        name: "pipe_overview",
        title: "PlugPipe Pipe Overview",
        description: "Pipes: how many start and end, how, and how long they run.",
        metric: "plugpipe_pipeline_executions_total",
        panels: &[
            panel(
                "Pipes that succeed",
                "stat",
                "percentunit",
                "Share of the pipes that ended.",
                &[("sum(rate(plugpipe_pipeline_executions_total{status=\"success\",@}[$__rate_interval])) / sum(rate(plugpipe_pipeline_executions_total{@}[$__rate_interval]))", "")],
            ),
            panel("Pipes that wait", "stat", "short", "Pipes that wait to run.", &[("sum(plugpipe_pipeline_queue_size{@})", "")]).from("10", "100"),
            panel(
                "Pipes that end",
                "timeseries",
                "ops",
                "Pipes a second, by outcome.",
                &[("sum by (status) (rate(plugpipe_pipeline_executions_total{@}[$__rate_interval]))", "{{status}}")],
            ),
            panel(
                "Pipes that start",
                "timeseries",
                "ops",
                "Pipes a second, by pipe.",
                &[("sum by (pipeline_name) (rate(plugpipe_pipeline_starts_total{@}[$__rate_interval]))", "{{pipeline_name}}")],
            ),
            panel(
                "Duration, 95th percentile",
                "timeseries",
                "s",
                "95 of a hundred runs are quicker, by pipe.",
                &[("histogram_quantile(0.95, sum by (le, pipeline_name) (rate(plugpipe_pipeline_duration_seconds_bucket{@}[$__rate_interval])))", "{{pipeline_name}}")],
            ),
            panel(
                "Runs by pipe",
                "table",
                "short",
                "Runs that ended in the time that is shown.",
                &[("sum by (pipeline_name, status) (increase(plugpipe_pipeline_executions_total{@}[$__range]))", "")],
            ),
        ],
    },
    Template {
        name: "monitoring_plug",
        title: "PlugPipe Monitoring Plug",
        description: "The monitoring plug itself. Needs own_metrics: true in its configuration.",
        metric: "plugpipe_monitoring_series",
        panels: &[
            panel("Series", "stat", "short", "Series that the plug holds.", &[("sum(plugpipe_monitoring_series{@})", "")]).from("100000", "1000000"),
            panel(
                "Pushes that failed",
                "stat",
                "percentunit",
                "Share of the pushes that did not arrive or were refused.",
                &[("sum(rate(plugpipe_monitoring_push_failures_total{@}[$__rate_interval])) / (sum(rate(plugpipe_monitoring_pushes_total{@}[$__rate_interval])) + sum(rate(plugpipe_monitoring_push_failures_total{@}[$__rate_interval])))", "")],
            )
            .from("0.01", "0.1"),
            panel(
                "Pushes",
                "timeseries",
                "ops",
                "Pushes a second: what a gateway accepted, and what not.",
                &[
                    ("sum(rate(plugpipe_monitoring_pushes_total{@}[$__rate_interval]))", "accepted"),
                    ("sum(rate(plugpipe_monitoring_push_failures_total{@}[$__rate_interval]))", "failed"),
                ],
            ),
            panel(
                "Records",
                "timeseries",
                "ops",
                "Values a second that were recorded, by instance.",
                &[("sum by (instance) (rate(plugpipe_monitoring_records_total{@}[$__rate_interval]))", "{{instance}}")],
            ),
            panel(
                "Time with servers",
                "timeseries",
                "s",
                "How long operations that ask servers wait for them: half of them, and 95 of a hundred, are quicker.",
                &[
                    ("histogram_quantile(0.5, sum by (le) (rate(plugpipe_monitoring_exchange_duration_seconds_bucket{@}[$__rate_interval])))", "50th percentile"),
                    ("histogram_quantile(0.95, sum by (le) (rate(plugpipe_monitoring_exchange_duration_seconds_bucket{@}[$__rate_interval])))", "95th percentile"),
                ],
            ),
            panel(
                "Exposition",
                "timeseries",
                "Bps",
                "Bytes a second that were written.",
                &[("sum by (instance) (rate(plugpipe_monitoring_encoded_bytes_total{@}[$__rate_interval]))", "{{instance}}")],
            ),
            panel(
                "Samples that a limit kept out",
                "timeseries",
                "short",
                "Above zero, a metric has more series than the plug may hold.",
                &[("sum by (instance) (increase(plugpipe_monitoring_series_dropped_total{@}[$__rate_interval]))", "{{instance}}")],
            )
            .from("1", "100"),
        ],
    },
];

/// The names of the templates.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|template| template.name)
}

/// The dashboard of the template that `field` names.
pub(super) fn make(name: &str, field: &str, options: &Options) -> Result<Dashboard, Error> {
    let prefix = options.prefix.as_deref().unwrap_or(PREFIX);
    if MetricName::new(prefix, "prefix").is_err() {
        let problem = format!("expected letters, digits and _, such as plugpipe, got {:?}", excerpt(prefix, 100));
        return Err(Error::invalid("prefix", problem));
    }
    let template = TEMPLATES.iter().find(|template| template.name == name).ok_or_else(|| {
        let names: Vec<&str> = names().collect();
        let problem = format!("there is no template {:?}; there are {}", excerpt(name, 100), names.join(", "));
        Error::invalid(field, problem)
    })?;
    build(model(template, prefix, options), "template", options)
}

/// The title: another prefix's dashboards stand beside the usual ones.
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
    let target = |(expression, legend): &(&str, &str)| {
        let expression = renamed(expression, prefix).replace(SCOPE, "job=~\"$job\",instance=~\"$instance\"");
        json!({"expr": expression, "legendFormat": legend})
    };
    let mut steps = vec![json!({"color": "green", "value": null})];
    if let Some((yellow, red)) = panel.thresholds {
        for (color, value) in [("yellow", yellow), ("red", red)] {
            steps.push(json!({"color": color, "value": value.parse::<Number>().ok()}));
        }
    }
    json!({
        "title": panel.title,
        "type": panel.kind,
        "description": panel.description,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "options": {},
        "targets": panel.targets.iter().map(target).collect::<Vec<Value>>(),
    })
}

/// An expression over metrics of another prefix.
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

    /// Every name that the plug may record, with its labels.
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
    fn every_template_asks_for_what_the_plug_records() {
        let recorded = recorded();
        for template in &TEMPLATES {
            assert!(recorded.iter().any(|(name, _)| name == template.metric), "{}", template.metric);
            for (expression, legend) in template.panels.iter().flat_map(|panel| panel.targets) {
                for word in words(expression) {
                    let (_, labels) = recorded
                        .iter()
                        .find(|(name, _)| name == word)
                        .unwrap_or_else(|| panic!("nobody records {word}"));
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
    fn every_template_is_whole_and_warns_of_nothing() {
        let mut uids = BTreeSet::new();
        for name in names() {
            let made = make(name, "template", &Options::default()).unwrap();
            assert_eq!(made.warnings, [""; 0], "{name}");
            assert!(uids.insert(made.uid.clone()));
            for panel in made.model["panels"].as_array().unwrap() {
                assert!(panel["description"].as_str().unwrap().ends_with('.'), "{panel}");
                let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap();
                assert!(
                    ["s", "bytes", "percent", "percentunit", "ops", "reqps", "short", "Bps"].contains(&unit),
                    "{unit}"
                );
                for target in panel["targets"].as_array().unwrap() {
                    let expression = target["expr"].as_str().unwrap();
                    assert!(expression.contains("{") && !expression.contains('@'), "{expression}");
                    // An interval of its own would miss scrapes.
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
