//! The rules shipped with the plug: templates with parameters, and rules for a service level
//! objective.
//!
//! Every metric is recorded by the plug, as listed in its modules `catalog` and `telemetry`, or
//! exposed by a Pushgateway about the plug's pushes. Texts name no cluster, host or person.

use core::time::Duration;

use super::known::Evaluator;
use super::{Group, Rule, RuleKind, expression, with_label};
use crate::error::Error;
use plugpipe_contract::document::Document;
use plugpipe_contract::error::excerpt;
use plugpipe_contract::requests::WantedRules;
use plugpipe_contract::scalar::{self, Any};
use plugpipe_contract::time::{parse_duration, prometheus_duration};
use plugpipe_metrics::number::number_text;
use plugpipe_metrics::registry::{LabelName, Labels, MetricName};

/// A parameterized set of rules.
pub struct Template {
    /// Its name, for `template`.
    pub name: &'static str,
    /// Its purpose, in one line.
    pub about: &'static str,
    parameters: &'static [&'static [Parameter]],
    rules: &'static [Text],
}

impl Template {
    /// Its parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &'static Parameter> + use<> {
        self.parameters.iter().copied().flatten()
    }

    /// The names of its alerts.
    pub fn alerts(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.rules.iter().map(|rule| rule.alert)
    }
}

/// A template parameter.
pub struct Parameter {
    /// Its name in `parameters`.
    pub name: &'static str,
    /// Its meaning and unit.
    pub about: &'static str,
    /// Its default; empty to insert nothing; `None` if it is required.
    pub default: Option<&'static str>,
    kind: Kind,
}

/// The type of a parameter.
#[derive(Clone, Copy)]
enum Kind {
    /// A number, zero or more.
    Number,
    /// A fraction from 0 to less than 1.
    Share,
    /// A number between 0 and 100.
    Percent,
    /// A duration, zero or more.
    Duration,
    /// A duration, more than zero.
    Window,
    /// Letters, digits, spaces and `_-.:/`: safe in PromQL strings and in annotations.
    Name,
    /// Label names, separated by commas; at least one.
    LabelNames,
    /// Matchers, with or without braces.
    Matchers,
    /// A counter's selector, or an expression with `<range>`.
    Counter,
    /// An http or https URL.
    Url,
    /// Labels.
    Labels,
}

const fn parameter(name: &'static str, kind: Kind, default: Option<&'static str>, about: &'static str) -> Parameter {
    Parameter { name, about, default, kind }
}

/// An alert, with `<name>` as placeholders for parameters.
struct Text {
    alert: &'static str,
    expression: &'static str,
    /// The default of the parameter `for`.
    pending_for: &'static str,
    /// The default of the parameter `severity`.
    severity: &'static str,
    summary: &'static str,
    description: &'static str,
}

static COMMON: [Parameter; 6] = [
    parameter("selector", Kind::Matchers, Some(""), "matchers that select the series: job=\"plugpipe\""),
    parameter("by", Kind::LabelNames, Some("job"), "labels to group alerts by, besides those of the metric"),
    parameter(
        "for",
        Kind::Duration,
        Some(""),
        "how long the condition must hold before an alert fires; by default specific to each alert",
    ),
    parameter("severity", Kind::Name, Some(""), "the severity of all alerts; by default specific to each alert"),
    parameter("labels", Kind::Labels, Some(""), "additional labels for all alerts"),
    parameter(
        "runbook_base_url",
        Kind::Url,
        Some(""),
        "prefix of each alert's runbook_url, followed by its name in lower case; without it there is no runbook_url",
    ),
];

/// All templates.
pub static TEMPLATES: [Template; 4] = [
    Template {
        name: "plugpipe",
        about: "plugs that fail, are slow, or use a lot of memory",
        parameters: &[
            &[
                parameter("error_rate", Kind::Share, Some("0.1"), "fraction of a plug's executions that fail, 0 to 1"),
                parameter("memory_gigabytes", Kind::Number, Some("0.8"), "memory usage, in 10^9 bytes"),
                parameter(
                    "slow_seconds",
                    Kind::Number,
                    Some("30"),
                    "95th percentile of a plug's duration; below the last bucket, ideally at a bucket boundary",
                ),
                parameter("window", Kind::Window, Some("5m"), "time range for errors and durations"),
            ],
            &COMMON,
        ],
        rules: &[
            // The seed compared errors per second with 0.1 and called that 10%; the fraction of
            // executions was meant.
            Text {
                alert: "PlugPipeHighErrorRate",
                expression: "sum by (<by>, plugin_name) (rate(plugpipe_plugin_errors_total<selector>[<window>]))
/
sum by (<by>, plugin_name) (rate(plugpipe_plugin_executions_total<selector>[<window>]))
> <error_rate>",
                pending_for: "2m",
                severity: "warning",
                summary: "The plug {{ $labels.plugin_name }} fails often",
                description: "{{ $value | humanizePercentage }} of the executions of {{ $labels.plugin_name }} failed over <window>.",
            },
            // The seed divided by 1024^3, called the result GB, and 0.8 of it 80%; the metric has
            // no total to compute a percentage of.
            Text {
                alert: "PlugPipeMemoryHigh",
                expression: "plugpipe_memory_usage_bytes<selector> > <memory_gigabytes> * 1e9",
                pending_for: "5m",
                severity: "critical",
                summary: "PlugPipe uses a lot of memory",
                description: "{{ $labels.job }} {{ $labels.instance }} uses {{ $value | humanize }}B of memory; the limit is <memory_gigabytes> GB.",
            },
            // The seed took the quantile of each series; the quantile of the plug over all
            // instances was meant.
            Text {
                alert: "PlugPipePluginExecutionSlow",
                expression: "histogram_quantile(
  0.95,
  sum by (<by>, plugin_name, le) (rate(plugpipe_plugin_duration_seconds_bucket<selector>[<window>]))
)
> <slow_seconds>",
                pending_for: "3m",
                severity: "warning",
                summary: "The plug {{ $labels.plugin_name }} is slow",
                description: "5% of the executions of {{ $labels.plugin_name }} take longer than {{ $value | humanizeDuration }}, over <window>.",
            },
        ],
    },
    Template {
        name: "plugpipe_security",
        about: "failed authentication, and plugs that use capabilities without a grant",
        parameters: &[
            &[
                parameter("auth_failures", Kind::Number, Some("0.1"), "failed attempts per second"),
                parameter("violations", Kind::Number, Some("0"), "alert on more violations than this within the window"),
                parameter("window", Kind::Window, Some("5m"), "time range for both"),
            ],
            &COMMON,
        ],
        rules: &[
            // The seed's examples and its list of metrics differ in which one is recorded.
            Text {
                alert: "PlugPipeAuthFailures",
                expression: "sum by (<by>, method) (rate(plugpipe_auth_attempts_total{status=~\"failure|failed\"<matchers>}[<window>])) > <auth_failures>
or
sum by (<by>, method) (rate(plugpipe_auth_failures_total<selector>[<window>])) > <auth_failures>",
                pending_for: "2m",
                severity: "warning",
                summary: "Authentication by {{ $labels.method }} fails often",
                description: "{{ $value | printf \"%.3g\" }} authentication attempts by {{ $labels.method }} failed per second over <window>.",
            },
            // A series begins with its first violation, and increase() only sees the second one.
            Text {
                alert: "PlugPipeCapabilityViolation",
                expression: "sum by (<by>, plugin_name, capability) (increase(plugpipe_capability_violations_total<selector>[<window>])) > <violations>
or
sum by (<by>, plugin_name, capability) (
  plugpipe_capability_violations_total<selector> unless plugpipe_capability_violations_total<selector> offset <window>
) > <violations>",
                pending_for: "0s",
                severity: "warning",
                summary: "The plug {{ $labels.plugin_name }} used a capability without a grant",
                description: "Uses of {{ $labels.capability }} by {{ $labels.plugin_name }} without a grant within <window>: {{ $value | printf \"%.0f\" }}.",
            },
            Text {
                alert: "PlugPipeSandboxViolation",
                expression: "sum by (<by>, plugin_name) (increase(plugpipe_sandbox_violations_total<selector>[<window>])) > <violations>
or
sum by (<by>, plugin_name) (
  plugpipe_sandbox_violations_total<selector> unless plugpipe_sandbox_violations_total<selector> offset <window>
) > <violations>",
                pending_for: "0s",
                severity: "critical",
                summary: "The plug {{ $labels.plugin_name }} tried to escape the sandbox",
                description: "Sandbox escape attempts by {{ $labels.plugin_name }} within <window>: {{ $value | printf \"%.0f\" }}.",
            },
        ],
    },
    Template {
        name: "plugpipe_monitoring",
        about: "the monitoring plug itself: failed pushes, dropped series, lost values, missing metrics; requires own_metrics",
        parameters: &[
            &[
                parameter("push_failures", Kind::Number, Some("0"), "alert on more failed pushes than this within the window"),
                parameter("series_dropped", Kind::Number, Some("0"), "alert on more dropped samples than this within the window"),
                parameter("values_lost", Kind::Number, Some("0"), "alert on more values lost in deliveries than this within the window"),
                parameter("window", Kind::Window, Some("15m"), "time range for failed pushes, dropped samples, lost values and absence"),
                parameter("silent", Kind::Window, Some("1h"), "maximum time since the last push that a Pushgateway accepted"),
            ],
            &COMMON,
        ],
        rules: &[
            Text {
                alert: "PlugPipeMonitoringPushFailures",
                expression: "sum by (<by>, instance) (increase(plugpipe_monitoring_push_failures_total<selector>[<window>])) > <push_failures>",
                pending_for: "0s",
                severity: "warning",
                summary: "Metrics pushes fail",
                description: "Failed pushes of {{ $labels.job }} {{ $labels.instance }} within <window>: {{ $value | printf \"%.0f\" }}.",
            },
            // The plug's own counter arrives with a later successful push; the gateway knows at
            // once. The last operand restricts this to the plug's groups.
            Text {
                alert: "PlugPipeMonitoringPushRefused",
                expression: "max by (<by>, instance) (push_failure_time_seconds<selector>) > max by (<by>, instance) (push_time_seconds<selector>)
and on (<by>, instance)
plugpipe_monitoring_records_total<selector>",
                pending_for: "0s",
                severity: "warning",
                summary: "The Pushgateway rejects pushes",
                description: "The Pushgateway rejected the last push of {{ $labels.job }} {{ $labels.instance }}; see its log and the result of the pushing step.",
            },
            Text {
                alert: "PlugPipeMonitoringNotPushing",
                expression: "time() - max by (<by>, instance) (push_time_seconds<selector>) > <silent_seconds>
and on (<by>, instance)
plugpipe_monitoring_records_total<selector>",
                pending_for: "0s",
                severity: "warning",
                summary: "Metrics are no longer pushed",
                description: "The last push of {{ $labels.job }} {{ $labels.instance }} was {{ $value | humanizeDuration }} ago; its metrics are that old.",
            },
            Text {
                alert: "PlugPipeMonitoringAbsent",
                expression: "absent_over_time(plugpipe_monitoring_records_total<selector>[<window>])",
                pending_for: "0s",
                severity: "warning",
                summary: "The monitoring plug's metrics are missing",
                description: "No plug's own metrics were scraped within <window>: no plug runs or is reachable, or own_metrics is off.",
            },
            Text {
                alert: "PlugPipeMonitoringSeriesDropped",
                expression: "sum by (<by>, instance) (increase(plugpipe_monitoring_series_dropped_total<selector>[<window>])) > <series_dropped>",
                pending_for: "0s",
                severity: "warning",
                summary: "Samples are dropped because of a series limit",
                description: "{{ $labels.job }} {{ $labels.instance }} dropped samples within <window> because of a series limit: {{ $value | printf \"%.0f\" }}.",
            },
            Text {
                alert: "PlugPipeMonitoringValuesLost",
                expression: "sum by (<by>, instance) (increase(plugpipe_monitoring_values_lost_total<selector>[<window>])) > <values_lost>",
                pending_for: "0s",
                severity: "warning",
                summary: "Values are lost in deliveries",
                description: "A remote-write or OTLP receiver rejected, or never received, values of {{ $labels.job }} {{ $labels.instance }} within <window>: {{ $value | printf \"%.0f\" }}.",
            },
        ],
    },
    Template {
        name: SLO,
        about: "a service level objective: error ratios as recording rules, and alerts on the burn rate of the error budget",
        parameters: &[&[
            parameter("name", Kind::Name, None, "the objective's name; must be unique"),
            parameter("objective", Kind::Percent, None, "percentage of events that must succeed, such as 99.9"),
            parameter(
                "errors",
                Kind::Counter,
                None,
                "selector of the counter of failed events, or an expression with <range> as its range",
            ),
            parameter("total", Kind::Counter, None, "selector of the counter of all events, or such an expression"),
            parameter("window", Kind::Window, Some("30d"), "the objective's period, 28d to 90d"),
            parameter("alert_name", Kind::Name, Some("ErrorBudgetBurn"), "the alerts' name"),
            parameter("page_severity", Kind::Name, Some("critical"), "severity of the two fast-burn alerts"),
            parameter("ticket_severity", Kind::Name, Some("warning"), "severity of the two slow-burn alerts"),
            parameter("labels", Kind::Labels, Some(""), "additional labels for all rules"),
            parameter("runbook_url", Kind::Url, Some(""), "the alerts' runbook_url; without it there is none"),
        ]],
        rules: &[Text {
            alert: "ErrorBudgetBurn",
            expression: "slo:error_ratio:rate<long>{slo=\"<name>\"} > <factor> * (100 - <objective>) / 100
and
slo:error_ratio:rate<short>{slo=\"<name>\"} > <factor> * (100 - <objective>) / 100",
            pending_for: "",
            severity: "",
            summary: "<name> burns its error budget too fast",
            description: "{{ $value | humanizePercentage }} of events failed over <long>: more than <factor> times the rate that an objective of <objective>% allows over <window>.",
        }],
    },
];

const SLO: &str = "slo";

/// The ranges of the recorded error ratios.
static RANGES: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// A burn-rate alert: `per_cent` of the budget is burned within the long range. The short range
/// resolves the alert soon after the burn stops. From the SRE Workbook, chapter 5; for 30 days the
/// factors are 14.4, 6, 3 and 1.
struct Burn {
    per_cent: f64,
    hours: f64,
    long: &'static str,
    short: &'static str,
    pending_for: &'static str,
    severity: &'static str,
}

static BURNS: [Burn; 4] = [
    Burn { per_cent: 2.0, hours: 1.0, long: "1h", short: "5m", pending_for: "2m", severity: "page_severity" },
    Burn { per_cent: 5.0, hours: 6.0, long: "6h", short: "30m", pending_for: "15m", severity: "page_severity" },
    Burn { per_cent: 10.0, hours: 24.0, long: "1d", short: "2h", pending_for: "1h", severity: "ticket_severity" },
    Burn { per_cent: 10.0, hours: 72.0, long: "3d", short: "6h", pending_for: "3h", severity: "ticket_severity" },
];

/// The field of the parameters.
const PARAMETERS: &str = "parameters";

/// The field of the labels for all rules.
const LABELS: &str = "parameters.labels";

/// The groups of the template named by `template`, filled with its `parameters`.
pub fn read(request: &WantedRules) -> Result<Vec<Group>, Error> {
    let Some(name) = request.template.get() else {
        return Err(Error::missing("groups", "a list of groups, or alerts, or template"));
    };
    let Some(template) = TEMPLATES.iter().find(|template| template.name == name.trim()) else {
        let known: Vec<&str> = TEMPLATES.iter().map(|template| template.name).collect();
        let known = known.join(", ");
        let problem = format!("unknown template {:?}; expected one of {known}", excerpt(name, 100));
        return Err(Error::invalid("template", problem));
    };
    let values = Values::read(template, request.parameters)?;
    if template.name == SLO { slo(template, values) } else { alerts(template, values) }
}

/// The validated parameters, and values derived from them.
#[derive(Default)]
struct Values {
    texts: Vec<(&'static str, String)>,
    labels: Labels,
}

impl Values {
    fn read(template: &Template, given: Any) -> Result<Self, Error> {
        let given = if given == Any::default() { Document::default() } else { Document::of(given, PARAMETERS)? };
        let known = || template.parameters().map(|parameter| parameter.name);
        if let Some(unknown) = given.names().find(|name| !known().any(|known| known == *name)) {
            let known: Vec<&str> = known().collect();
            return Err(Error::invalid(
                format!("{PARAMETERS}.{}", excerpt(unknown, 100)),
                format!("unknown parameter of the template {}; expected one of {}", template.name, known.join(", ")),
            ));
        }
        let mut values = Self::default();
        for parameter in template.parameters() {
            let wrong = |error: plugpipe_contract::Error| error.within(PARAMETERS);
            let path = || format!("{PARAMETERS}.{}", parameter.name);
            if matches!(parameter.kind, Kind::Labels) {
                let labels = given.read_field(parameter.name).map_err(wrong)?;
                values.labels = checked(&labels.unwrap_or_default())?;
                continue;
            }
            let text: scalar::Text = given.read_field(parameter.name).map_err(wrong)?.unwrap_or_default();
            let text = match (text.get(), parameter.default) {
                (Some(text), _) => {
                    parameter.kind.read(text.trim()).map_err(|problem| Error::invalid(path(), problem))?
                }
                (None, Some(default)) => default.into(),
                (None, None) => return Err(Error::missing(path(), parameter.about)),
            };
            values.set(parameter.name, text);
        }
        Ok(values)
    }

    fn get(&self, name: &str) -> &str {
        self.texts.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text)
    }

    fn set(&mut self, name: &'static str, text: String) {
        self.texts.retain(|(known, _)| *known != name);
        self.texts.push((name, text));
    }

    /// Replaces each known `<name>` in the text, not recursively.
    fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            filled.push_str(before);
            let known = after.split_once('>').and_then(|(name, after)| {
                self.texts.iter().find(|(known, _)| *known == name).map(|(_, text)| (text, after))
            });
            rest = match known {
                Some((text, after)) => {
                    filled.push_str(text);
                    after
                }
                None => {
                    filled.push('<');
                    after
                }
            };
        }
        filled.push_str(rest);
        filled
    }

    fn alert(&self, text: &Text, name: &str, labels: Labels, runbook_url: &str) -> Result<Rule, Error> {
        let mut annotations = Labels::new(
            [("summary", &*self.fill(text.summary)), ("description", &*self.fill(text.description))],
            "annotations",
        )?;
        if !runbook_url.is_empty() {
            annotations = with_label(&annotations, "runbook_url", runbook_url, "annotations")?;
        }
        Ok(Rule {
            makes: RuleKind::Alert {
                name: name.into(),
                pending_for: parse_duration(self.get("for")).unwrap_or_default(),
                keep_firing_for: Duration::ZERO,
                annotations,
            },
            expression: self.fill(text.expression),
            labels,
            more: Vec::new(),
        })
    }
}

/// The alerts of a template other than `slo`.
fn alerts(template: &Template, mut values: Values) -> Result<Vec<Group>, Error> {
    let matchers = values.get("selector").to_owned();
    if !matchers.is_empty() {
        values.set("selector", ["{", &matchers, "}"].concat());
        values.set("matchers", [", ", &matchers].concat());
    } else {
        values.set("matchers", String::new());
    }
    let silent = parse_duration(values.get("silent")).unwrap_or_default();
    values.set("silent_seconds", number_text(silent.as_secs_f64()));
    let (pending_for, severity) = (values.get("for").to_owned(), values.get("severity").to_owned());
    let base = values.get("runbook_base_url").to_owned();
    let mut rules = Vec::new();
    for text in template.rules {
        values.set("for", if pending_for.is_empty() { text.pending_for.into() } else { pending_for.clone() });
        let severity = if severity.is_empty() { text.severity } else { &severity };
        let labels = with_label(&values.labels, "severity", severity, LABELS)?;
        let runbook_url = match base.as_str() {
            "" => String::new(),
            base => {
                let between = if base.ends_with(['/', '#', '=']) { "" } else { "/" };
                [base, between, &text.alert.to_ascii_lowercase()].concat()
            }
        };
        rules.push(values.alert(text, text.alert, labels, &runbook_url)?);
    }
    Ok(vec![Group::new(template.name, rules)])
}

/// The recording rules and alerts of a service level objective.
fn slo(template: &Template, mut values: Values) -> Result<Vec<Group>, Error> {
    let window = parse_duration(values.get("window")).unwrap_or_default();
    let hours = window.as_secs_f64() / 3_600.0;
    if !(28.0 * 24.0..=90.0 * 24.0).contains(&hours) {
        let problem = "expected 28d to 90d: the 3d range of the slowest alert must be small compared with it";
        return Err(Error::invalid(format!("{PARAMETERS}.window"), problem));
    }
    let factor = |burn: &Burn| burn.per_cent * hours / (100.0 * burn.hours);
    let fastest = BURNS.iter().map(factor).fold(1.0, f64::max);
    let objective: f64 = values.get("objective").parse().unwrap_or_default();
    if fastest * (100.0 - objective) >= 100.0 {
        return Err(Error::invalid(
            format!("{PARAMETERS}.objective"),
            format!(
                "even if every event fails, the burn rate would be less than {}; expected more than {}",
                number_text(fastest),
                number_text(100.0 - 100.0 / fastest),
            ),
        ));
    }
    let labels = with_label(&values.labels, "slo", values.get("name"), LABELS)?;
    let record = |name: &str, expression: String| -> Result<Rule, Error> {
        let makes = RuleKind::Record { name: MetricName::new(name, "record")? };
        Ok(Rule { makes, expression, labels: labels.clone(), more: Vec::new() })
    };
    let mut rules = Vec::new();
    for range in RANGES {
        values.set("range", range.into());
        let (errors, total) = (values.fill(values.get("errors")), values.fill(values.get("total")));
        // The error counter may only appear with the first error. Without events there is no ratio,
        // rather than NaN, which would persist in an average over time.
        let ratio = ["(", &errors, " or ", &total, " * 0)\n/\n(", &total, " > 0)"].concat();
        rules.push(record(&["slo:error_ratio:rate", range].concat(), ratio)?);
    }
    rules.push(record("slo:objective:ratio", values.fill("vector(<objective> / 100)"))?);
    rules.push(record(
        "slo:error_budget_remaining:ratio",
        values
            .fill("1 - avg_over_time(slo:error_ratio:rate5m{slo=\"<name>\"}[<window>]) / ((100 - <objective>) / 100)"),
    )?);
    for burn in &BURNS {
        for (name, text) in [("long", burn.long), ("short", burn.short), ("for", burn.pending_for)] {
            values.set(name, text.into());
        }
        values.set("factor", number_text(factor(burn)));
        let mut labels = labels.clone();
        for (name, text) in
            [("severity", values.get(burn.severity)), ("long_window", burn.long), ("short_window", burn.short)]
        {
            labels = with_label(&labels, name, text, LABELS)?;
        }
        for text in template.rules {
            rules.push(values.alert(text, values.get("alert_name"), labels.clone(), values.get("runbook_url"))?);
        }
    }
    Ok(vec![Group::new(["slo_", values.get("name")].concat(), rules)])
}

/// Validates additional labels for all rules.
fn checked(given: &scalar::Labels) -> Result<Labels, Error> {
    let labels = Labels::new(given.iter(), LABELS)?;
    for (label, text) in labels.iter() {
        let problem = match label.as_str() {
            "alertname" => Err("is set by the alert's name; remove it".into()),
            _ => Evaluator::Prometheus.check_template(text),
        };
        problem.map_err(|problem| Error::invalid(format!("{LABELS}.{}", label.as_str()), problem))?;
    }
    Ok(labels)
}

impl Kind {
    /// Validates and normalizes a parameter. The error says what was expected.
    fn read(self, text: &str) -> Result<String, String> {
        match self {
            Self::Number | Self::Share | Self::Percent => {
                let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
                let value = value.ok_or_else(|| format!("expected a finite number, got {:?}", excerpt(text, 100)))?;
                let expected = match self {
                    Self::Share if !(0.0..1.0).contains(&value) => "a share from 0 to less than 1, such as 0.1 for 10%",
                    Self::Percent if !(value > 0.0 && value < 100.0) => "more than 0 and less than 100, such as 99.9",
                    _ if value < 0.0 => "zero or more",
                    _ => return Ok(number_text(value)),
                };
                Err(["expected ", expected, ", got ", &excerpt(text, 100)].concat())
            }
            Self::Duration | Self::Window => match parse_duration(text)? {
                zero if zero.as_millis() == 0 && matches!(self, Self::Window) => Err("must be more than zero".into()),
                long if long.as_secs() > 10 * 365 * 86_400 => Err("is longer than ten years".into()),
                duration => Ok(prometheus_duration(duration)),
            },
            Self::Name => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _-.:/".contains(&byte);
                if text.len() <= 100 && text.bytes().all(plain) {
                    Ok(text.into())
                } else {
                    Err(format!("expected at most 100 letters, digits, spaces and _-.:/, got {:?}", excerpt(text, 100)))
                }
            }
            Self::LabelNames => {
                let names: Vec<&str> = text.split(',').map(str::trim).collect();
                for name in &names {
                    LabelName::new(name, "by").map_err(|_| {
                        format!("expected label names separated by commas, got {:?}", excerpt(text, 100))
                    })?;
                }
                Ok(names.join(", "))
            }
            Self::Matchers => {
                let bare = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
                let bare = bare.trim().trim_end_matches(',');
                expression::check(&["{", bare, "}"].concat()).map_err(|mistake| mistake.message)?;
                if bare.is_empty() || (bare.contains(['=', '~']) && stays_within_braces(bare)) {
                    Ok(bare.into())
                } else {
                    Err(format!("expected matchers such as job=\"plugpipe\", got {:?}", excerpt(text, 100)))
                }
            }
            Self::Counter => {
                let counter = if text.contains("<range>") {
                    ["(", text, ")"].concat()
                } else {
                    let name = text.split_once('{').map_or(text, |(name, _)| name);
                    let selector = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte))
                        && text.contains('{') == text.ends_with('}')
                        && text
                            .split_once('{')
                            .is_none_or(|(_, rest)| rest.strip_suffix('}').is_some_and(stays_within_braces));
                    if !selector {
                        return Err(format!(
                            "expected a counter's selector such as http_requests_total{{code=~\"5..\"}}, or an expression with <range> as its range, got {:?}",
                            excerpt(text, 100)
                        ));
                    }
                    ["sum(rate(", text, "[<range>]))"].concat()
                };
                expression::check(&counter).map_err(|mistake| mistake.message)?;
                Ok(counter)
            }
            Self::Url => {
                let host = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
                let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>{}\\^`|".contains(&byte);
                if text.len() <= 2_000 && host.is_some_and(|host| !host.is_empty()) && text.bytes().all(plain) {
                    Ok(text.into())
                } else {
                    Err("expected a URL that begins with https:// or http://".into())
                }
            }
            // Parsed elsewhere.
            Self::Labels => Ok(String::new()),
        }
    }
}

/// Whether matchers contain nothing, outside quotes, that ends the braces around them: a bracket,
/// or a comment that hides the rest.
fn stays_within_braces(matchers: &str) -> bool {
    let mut quote = None;
    let mut characters = matchers.chars();
    while let Some(character) = characters.next() {
        match quote {
            // Backquoted strings have no escapes.
            Some(open) if character == '\\' && open != '`' => {
                characters.next();
            }
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'' | '`') => quote = Some(character),
            None if matches!(character, '#' | '{' | '}' | '(' | ')' | '[' | ']') => return false,
            None => {}
        }
    }
    quote.is_none()
}

#[cfg(test)]
mod tests;
