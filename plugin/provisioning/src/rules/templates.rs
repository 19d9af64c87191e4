//! The rules that the plug ships: templates whose thresholds are parameters, and rules for a service level objective. Data, and the
//! little that fills it in.
//!
//! Every metric is one that the plug records, as its modules `catalog` and `telemetry` list them, or that a Pushgateway tells of
//! the plug's pushes. No text names a cluster, a host or a person.

use core::time::Duration;

use super::known::Evaluator;
use super::{Group, Rule, RuleKind, expression, with_label};
use plugpipe_contract::error::{Error, excerpt};
use plugpipe_contract::fields::{Fields, number};
use plugpipe_contract::json::{Json, Object};
use plugpipe_contract::time::{parse_duration, prometheus_duration};
use plugpipe_metrics::number::number_text;
use plugpipe_metrics::registry::{LabelName, Labels, MetricName};

/// A set of rules with parameters.
pub struct Template {
    /// What `template` names it.
    pub name: &'static str,
    /// What it is for, in one line.
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

/// A parameter of a template.
pub struct Parameter {
    /// Its name in `parameters`.
    pub name: &'static str,
    /// What it is, with its unit.
    pub about: &'static str,
    /// What it is when it is not given; empty where nothing is then put in; none if it must be given.
    pub default: Option<&'static str>,
    kind: Kind,
}

/// What a parameter takes.
#[derive(Clone, Copy)]
enum Kind {
    /// A number of zero or more.
    Number,
    /// A number from 0 up to, not including, 1.
    Share,
    /// A number between 0 and 100.
    Percent,
    /// A duration, also zero.
    Duration,
    /// A duration of more than zero.
    Window,
    /// Text of letters, digits, spaces and `_-.:/`: it stands in quotes of PromQL and in annotations.
    Name,
    /// At least one label name, with commas between.
    LabelNames,
    /// Matchers, with or without braces.
    Matchers,
    /// A counter's selector, or an expression that holds `<range>`.
    Counter,
    /// An http or https URL.
    Url,
    /// Labels.
    Labels,
}

const fn parameter(name: &'static str, kind: Kind, default: Option<&'static str>, about: &'static str) -> Parameter {
    Parameter { name, about, default, kind }
}

/// An alert, in which `<name>` stands for a parameter.
struct Text {
    alert: &'static str,
    expression: &'static str,
    /// Unless the parameter `for` says otherwise.
    pending_for: &'static str,
    /// Unless the parameter `severity` says otherwise.
    severity: &'static str,
    summary: &'static str,
    description: &'static str,
}

static COMMON: [Parameter; 6] = [
    parameter("selector", Kind::Matchers, Some(""), "which series count, as matchers: job=\"plugpipe\""),
    parameter("by", Kind::LabelNames, Some("job"), "labels by which alerts are told apart, beside those of the metric"),
    parameter("for", Kind::Duration, Some(""), "how long before an alert fires; each alert has its own"),
    parameter("severity", Kind::Name, Some(""), "the severity of all alerts; each has its own"),
    parameter("labels", Kind::Labels, Some(""), "further labels of all alerts"),
    parameter(
        "runbook_base_url",
        Kind::Url,
        Some(""),
        "runbook_url of an alert is this and its name in lower case; without it alerts have none",
    ),
];

/// The templates there are.
pub static TEMPLATES: [Template; 4] = [
    Template {
        name: "plugpipe",
        about: "plugs that fail, are slow, or use much memory",
        parameters: &[
            &[
                parameter("error_rate", Kind::Share, Some("0.1"), "share of a plug's executions that fail, 0 to 1"),
                parameter("memory_gigabytes", Kind::Number, Some("0.8"), "memory in use, in 10^9 bytes"),
                parameter(
                    "slow_seconds",
                    Kind::Number,
                    Some("30"),
                    "95th percentile of a plug's duration; below the last bucket, best at a bucket's bound",
                ),
                parameter("window", Kind::Window, Some("5m"), "over which errors and durations are looked at"),
            ],
            &COMMON,
        ],
        rules: &[
            // The seed compared errors per second with 0.1 and said 10%: meant is the share of executions.
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
            // The seed divided by 1024^3, called the quotient GB, and 0.8 of it 80%: the metric knows no total to take a share of.
            Text {
                alert: "PlugPipeMemoryHigh",
                expression: "plugpipe_memory_usage_bytes<selector> > <memory_gigabytes> * 1e9",
                pending_for: "5m",
                severity: "critical",
                summary: "PlugPipe uses much memory",
                description: "{{ $labels.job }} {{ $labels.instance }} uses {{ $value | humanize }}B of memory; <memory_gigabytes> GB are expected at most.",
            },
            // The seed took a quantile of each series by itself: meant is the plug, wherever it ran.
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
                description: "One execution in twenty of {{ $labels.plugin_name }} takes more than {{ $value | humanizeDuration }}, looked at over <window>.",
            },
        ],
    },
    Template {
        name: "plugpipe_security",
        about: "failed authentication, and plugs that reach for what they were not granted",
        parameters: &[
            &[
                parameter("auth_failures", Kind::Number, Some("0.1"), "failed attempts per second"),
                parameter("violations", Kind::Number, Some("0"), "more violations than this within the window"),
                parameter("window", Kind::Window, Some("5m"), "over which they are counted"),
            ],
            &COMMON,
        ],
        rules: &[
            // Recorded as one or the other, as the seed's examples and its list of metrics have it.
            Text {
                alert: "PlugPipeAuthFailures",
                expression: "sum by (<by>, method) (rate(plugpipe_auth_attempts_total{status=~\"failure|failed\"<matchers>}[<window>])) > <auth_failures>
or
sum by (<by>, method) (rate(plugpipe_auth_failures_total<selector>[<window>])) > <auth_failures>",
                pending_for: "2m",
                severity: "warning",
                summary: "Authentication by {{ $labels.method }} fails often",
                description: "{{ $value | printf \"%.3g\" }} attempts per second to authenticate by {{ $labels.method }} failed over <window>.",
            },
            // A series begins with its first violation, and an increase is only seen from the second on.
            Text {
                alert: "PlugPipeCapabilityViolation",
                expression: "sum by (<by>, plugin_name, capability) (increase(plugpipe_capability_violations_total<selector>[<window>])) > <violations>
or
sum by (<by>, plugin_name, capability) (
  plugpipe_capability_violations_total<selector> unless plugpipe_capability_violations_total<selector> offset <window>
) > <violations>",
                pending_for: "0s",
                severity: "warning",
                summary: "The plug {{ $labels.plugin_name }} used a capability that it was not granted",
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
                summary: "The plug {{ $labels.plugin_name }} tried to leave the sandbox",
                description: "Attempts of {{ $labels.plugin_name }} to leave the sandbox within <window>: {{ $value | printf \"%.0f\" }}.",
            },
        ],
    },
    Template {
        name: "plugpipe_monitoring",
        about: "this plug itself: pushes that fail, series that a limit kept out, silence; needs its own metrics",
        parameters: &[
            &[
                parameter("push_failures", Kind::Number, Some("0"), "more failed pushes than this within the window"),
                parameter("series_dropped", Kind::Number, Some("0"), "more dropped samples than this within the window"),
                parameter("window", Kind::Window, Some("15m"), "over which they are counted, and nothing is heard"),
                parameter("silent", Kind::Window, Some("1h"), "since the last push that a Pushgateway took"),
            ],
            &COMMON,
        ],
        rules: &[
            Text {
                alert: "PlugPipeMonitoringPushFailures",
                expression: "sum by (<by>, instance) (increase(plugpipe_monitoring_push_failures_total<selector>[<window>])) > <push_failures>",
                pending_for: "0s",
                severity: "warning",
                summary: "Pushes of metrics fail",
                description: "Failed pushes of {{ $labels.job }} {{ $labels.instance }} within <window>: {{ $value | printf \"%.0f\" }}.",
            },
            // The plug's own count comes with a later push that is taken; a gateway knows at once. The last operand keeps to groups of the plug.
            Text {
                alert: "PlugPipeMonitoringPushRefused",
                expression: "max by (<by>, instance) (push_failure_time_seconds<selector>) > max by (<by>, instance) (push_time_seconds<selector>)
and on (<by>, instance)
plugpipe_monitoring_records_total<selector>",
                pending_for: "0s",
                severity: "warning",
                summary: "The Pushgateway refuses what is pushed",
                description: "The Pushgateway refused the last push of {{ $labels.job }} {{ $labels.instance }}; its log and the answer of the pushing step say why.",
            },
            Text {
                alert: "PlugPipeMonitoringNotPushing",
                expression: "time() - max by (<by>, instance) (push_time_seconds<selector>) > <silent_seconds>
and on (<by>, instance)
plugpipe_monitoring_records_total<selector>",
                pending_for: "0s",
                severity: "warning",
                summary: "No metrics are pushed any more",
                description: "The last push of {{ $labels.job }} {{ $labels.instance }} was {{ $value | humanizeDuration }} ago; what is shown of it is as old.",
            },
            Text {
                alert: "PlugPipeMonitoringAbsent",
                expression: "absent_over_time(plugpipe_monitoring_records_total<selector>[<window>])",
                pending_for: "0s",
                severity: "warning",
                summary: "Nothing is heard of the monitoring plug",
                description: "No plug's own metrics were scraped within <window>: none runs, none is reached, or own_metrics is off.",
            },
            Text {
                alert: "PlugPipeMonitoringSeriesDropped",
                expression: "sum by (<by>, instance) (increase(plugpipe_monitoring_series_dropped_total<selector>[<window>])) > <series_dropped>",
                pending_for: "0s",
                severity: "warning",
                summary: "Samples are dropped because of a limit on series",
                description: "Samples that {{ $labels.job }} {{ $labels.instance }} dropped within <window>, because a limit kept their series out: {{ $value | printf \"%.0f\" }}.",
            },
        ],
    },
    Template {
        name: SLO,
        about: "a service level objective: error ratios as recording rules, and alerts on how fast the error budget burns",
        parameters: &[&[
            parameter("name", Kind::Name, None, "the objective's name, which no other has"),
            parameter("objective", Kind::Percent, None, "per cent of events that must succeed, such as 99.9"),
            parameter(
                "errors",
                Kind::Counter,
                None,
                "selector of the counter of failed events, or an expression in which <range> stands for the range",
            ),
            parameter("total", Kind::Counter, None, "selector of the counter of all events, or such an expression"),
            parameter("window", Kind::Window, Some("30d"), "of the objective, 28d to 90d"),
            parameter("alert_name", Kind::Name, Some("ErrorBudgetBurn"), "the alerts' name"),
            parameter("page_severity", Kind::Name, Some("critical"), "severity of the two alerts on a fast burn"),
            parameter("ticket_severity", Kind::Name, Some("warning"), "severity of the two alerts on a slow burn"),
            parameter("labels", Kind::Labels, Some(""), "further labels of all rules"),
            parameter("runbook_url", Kind::Url, Some(""), "the alerts' runbook_url; without it they have none"),
        ]],
        rules: &[Text {
            alert: "ErrorBudgetBurn",
            expression: "slo:error_ratio:rate<long>{slo=\"<name>\"} > <factor> * (100 - <objective>) / 100
and
slo:error_ratio:rate<short>{slo=\"<name>\"} > <factor> * (100 - <objective>) / 100",
            pending_for: "",
            severity: "",
            summary: "<name> burns its error budget too fast",
            description: "{{ $value | humanizePercentage }} of events failed over <long>: more than <factor> times what an objective of <objective>% allows over <window>.",
        }],
    },
];

const SLO: &str = "slo";

/// The ranges over which an objective's error ratio is recorded.
static RANGES: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// An alert on a burn rate: it is the share of the budget, in per cent, that burns within the long range. The short one ends the alert
/// soon after the burning ends. As the SRE Workbook has it, chapter 5; for 30 days the factors are 14.4, 6, 3 and 1.
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

/// The groups of the template that `template` names, with its `parameters`.
pub fn read(ctx: &Fields) -> Result<Vec<Group>, Error> {
    let Some(name) = ctx.text_or_none("template", "a template's name")? else {
        return Err(Error::Missing { field: ctx.path("groups"), expected: "a list of groups, or alerts, or template" });
    };
    let Some(template) = TEMPLATES.iter().find(|template| template.name == name.trim()) else {
        let known: Vec<&str> = TEMPLATES.iter().map(|template| template.name).collect();
        let known = known.join(", ");
        let problem = format!("there is no template {:?}; there are {known}", excerpt(&name, 100));
        return Err(Error::invalid(ctx.path("template"), problem));
    };
    let path = ctx.path("parameters");
    let none = Object::default();
    let values = Values::read(template, ctx.object("parameters")?.unwrap_or(&none), &path)?;
    if template.name == SLO { slo(template, values, &path) } else { alerts(template, values, &path) }
}

/// The parameters' texts, checked, and what follows from them.
struct Values {
    texts: Vec<(&'static str, String)>,
    labels: Labels,
}

impl Values {
    fn read(template: &Template, given: &Object, path: &str) -> Result<Self, Error> {
        let fields = &Fields::new(given, path);
        let known = |name: &str| template.parameters().any(|parameter| parameter.name == name);
        if let Some((unknown, _)) = given.iter().find(|(name, _)| !known(name)) {
            let known: Vec<&str> = template.parameters().map(|parameter| parameter.name).collect();
            return Err(Error::invalid(
                fields.path(&excerpt(unknown, 100)),
                format!("the template {} has no such parameter; it has {}", template.name, known.join(", ")),
            ));
        }
        let mut values = Self { texts: Vec::new(), labels: Labels::default() };
        for parameter in template.parameters() {
            if matches!(parameter.kind, Kind::Labels) {
                values.labels = labels(fields, parameter.name)?;
                continue;
            }
            let text = match (fields.text_or_none(parameter.name, parameter.about)?, parameter.default) {
                (Some(text), _) => parameter
                    .kind
                    .read(text.trim())
                    .map_err(|problem| Error::invalid(fields.path(parameter.name), problem))?,
                (None, Some(default)) => default.into(),
                (None, None) => {
                    return Err(Error::Missing { field: fields.path(parameter.name), expected: parameter.about });
                }
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

    /// The text with each `<name>` that is known in its place; what is put in is not looked at again.
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

/// The alerts of a template that is nothing else.
fn alerts(template: &Template, mut values: Values, path: &str) -> Result<Vec<Group>, Error> {
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
        let labels = with_label(&values.labels, "severity", severity, &[path, ".labels"].concat())?;
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

/// The recording rules and alerts of an objective.
fn slo(template: &Template, mut values: Values, path: &str) -> Result<Vec<Group>, Error> {
    let window = parse_duration(values.get("window")).unwrap_or_default();
    let hours = window.as_secs_f64() / 3_600.0;
    if !(28.0 * 24.0..=90.0 * 24.0).contains(&hours) {
        let problem = "expected 28d to 90d: over less, the slowest alert's 3d would be much of it";
        return Err(Error::invalid([path, ".window"].concat(), problem));
    }
    let factor = |burn: &Burn| burn.per_cent * hours / (100.0 * burn.hours);
    let fastest = BURNS.iter().map(factor).fold(1.0, f64::max);
    let objective: f64 = values.get("objective").parse().unwrap_or_default();
    if fastest * (100.0 - objective) >= 100.0 {
        return Err(Error::invalid(
            [path, ".objective"].concat(),
            format!(
                "with every event failed, the budget would burn less than {} times too fast; expected more than {}",
                number_text(fastest),
                number_text(100.0 - 100.0 / fastest),
            ),
        ));
    }
    let field = [path, ".labels"].concat();
    let labels = with_label(&values.labels, "slo", values.get("name"), &field)?;
    let record = |name: &str, expression: String| -> Result<Rule, Error> {
        let makes = RuleKind::Record { name: MetricName::new(name, "record")? };
        Ok(Rule { makes, expression, labels: labels.clone(), more: Vec::new() })
    };
    let mut rules = Vec::new();
    for range in RANGES {
        values.set("range", range.into());
        let (errors, total) = (values.fill(values.get("errors")), values.fill(values.get("total")));
        // A counter of failures may begin with the first one. Without events there is no ratio, rather than NaN, which an average
        // over time would keep.
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
            labels = with_label(&labels, name, text, &field)?;
        }
        for text in template.rules {
            rules.push(values.alert(text, values.get("alert_name"), labels.clone(), values.get("runbook_url"))?);
        }
    }
    Ok(vec![Group::new(["slo_", values.get("name")].concat(), rules)])
}

/// Further labels of all rules: what an alert's labels may be.
fn labels(fields: &Fields, name: &str) -> Result<Labels, Error> {
    let labels = fields.labels(name, false)?;
    for (label, text) in labels.iter() {
        let problem = match label.as_str() {
            "alertname" => Err("is set by the alert's name; leave it out".into()),
            _ => Evaluator::Prometheus.check_template(text),
        };
        problem.map_err(|problem| Error::invalid([&fields.path(name), ".", label.as_str()].concat(), problem))?;
    }
    Ok(labels)
}

impl Kind {
    /// The text as it is put into rules. The error says what was expected.
    fn read(self, text: &str) -> Result<String, String> {
        match self {
            Self::Number | Self::Share | Self::Percent => {
                let value = number(&Json::String(text.into()))?;
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
                        format!("expected label names with commas between, got {:?}", excerpt(text, 100))
                    })?;
                }
                Ok(names.join(", "))
            }
            Self::Matchers => {
                let bare = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
                let bare = bare.trim().trim_end_matches(',');
                expression::check(&["{", bare, "}"].concat()).map_err(|mistake| mistake.said)?;
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
                            "expected a counter's selector such as http_requests_total{{code=~\"5..\"}}, or an expression with <range> in place of its range, got {:?}",
                            excerpt(text, 100)
                        ));
                    }
                    ["sum(rate(", text, "[<range>]))"].concat()
                };
                expression::check(&counter).map_err(|mistake| mistake.said)?;
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
            // Read elsewhere, whole.
            Self::Labels => Ok(String::new()),
        }
    }
}

/// Whether matchers hold nothing, outside quotes, that ends the braces around them: a bracket, or a comment that hides what follows.
fn stays_within_braces(matchers: &str) -> bool {
    let mut quote = None;
    let mut characters = matchers.chars();
    while let Some(character) = characters.next() {
        match quote {
            // In backquotes nothing is escaped.
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
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::Style;
    use super::*;
    use monitoring_prometheus::telemetry::Telemetry;
    use plugpipe_metrics::registry::Registry;

    fn groups(ctx: &Value) -> Result<Vec<Group>, Error> {
        let text = ctx.to_string();
        let Ok(Json::Object(map)) = Json::parse(&text) else { panic!("{text}") };
        read(&Fields::new(&map, ""))
    }

    fn given(template: &str, parameters: Value) -> Value {
        json!({"template": template, "parameters": parameters})
    }

    fn objective(parameters: Value) -> Value {
        let mut all = json!({
            "name": "requests", "objective": 99.9, "total": "plugpipe_requests_total",
            "errors": "plugpipe_requests_total{endpoint=~\"/api/.*\"}",
        });
        all.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
        given(SLO, all)
    }

    fn rules(ctx: &Value) -> Vec<Rule> {
        let groups = groups(ctx).unwrap_or_else(|error| panic!("{error}"));
        for group in &groups {
            group
                .check("groups[0]", "groups[0].rules", Style::File, Evaluator::Prometheus)
                .unwrap_or_else(|error| panic!("{error}"));
        }
        groups.into_iter().flat_map(|group| group.rules).collect()
    }

    fn annotation<'r>(rule: &'r Rule, name: &str) -> Option<&'r str> {
        match &rule.makes {
            RuleKind::Alert { annotations, .. } => annotations.get(name),
            RuleKind::Record { .. } => None,
        }
    }

    #[test]
    fn every_alert_says_what_it_is_and_leaves_no_parameter_open() {
        for ctx in [
            json!({"template": "plugpipe"}),
            given("plugpipe_security", json!({})),
            given("plugpipe_monitoring", Value::Null),
            objective(json!({})),
        ] {
            for rule in rules(&ctx) {
                assert!(!rule.expression.contains("<window>") && !rule.expression.contains("<range>"), "{rule:?}");
                let open = format!("{rule:?}");
                let names = TEMPLATES.iter().flat_map(Template::parameters).map(|parameter| parameter.name);
                for name in names.chain(["long", "short", "factor", "matchers", "silent_seconds"]) {
                    assert!(!open.contains(&format!("<{name}>")), "{name}: {open}");
                }
                if rule.is_alert() {
                    assert!(rule.labels.get("severity").is_some(), "{rule:?}");
                    assert!(annotation(&rule, "summary").is_some_and(|text| !text.ends_with('.')), "{rule:?}");
                    assert!(annotation(&rule, "description").is_some_and(|text| text.ends_with('.')), "{rule:?}");
                    assert_eq!(annotation(&rule, "runbook_url"), None, "{rule:?}");
                }
            }
        }
    }

    #[test]
    fn no_two_shipped_alerts_have_one_name() {
        let names: Vec<&str> = TEMPLATES.iter().flat_map(Template::alerts).collect();
        for (index, name) in names.iter().enumerate() {
            assert!(!names.iter().take(index).any(|other| other == name), "{name}");
        }
    }

    #[test]
    fn every_metric_is_one_that_is_recorded() {
        let mut registry = Registry::default();
        monitoring_prometheus::catalog::register(&mut registry).unwrap();
        Telemetry::default().publish(&mut registry).unwrap();
        let mut seen = 0;
        for text in TEMPLATES.iter().flat_map(|template| template.rules) {
            for word in text.expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                if word.starts_with("plugpipe_") {
                    let name = word.strip_suffix("_bucket").unwrap_or(word);
                    assert!(registry.family(name).is_some(), "{}: {word}", text.alert);
                    seen += 1;
                }
            }
        }
        assert!(seen > 10);
    }

    #[test]
    fn parameters_are_put_where_they_belong() {
        let parameters = json!({
            "error_rate": "0.25", "window": "10m", "selector": "{job=\"etl\"}", "by": "cluster,job", "for": 60,
            "severity": "page", "labels": {"team": "a"}, "runbook_base_url": "https://runbooks.example/plugpipe/",
        });
        let rules = rules(&given("plugpipe", parameters));
        let first = &rules[0];
        assert_eq!(
            first.expression,
            "sum by (cluster, job, plugin_name) (rate(plugpipe_plugin_errors_total{job=\"etl\"}[10m]))\n/\n\
             sum by (cluster, job, plugin_name) (rate(plugpipe_plugin_executions_total{job=\"etl\"}[10m]))\n> 0.25"
        );
        assert_eq!(first.labels, Labels::new([("severity", "page"), ("team", "a")], "labels").unwrap());
        assert_eq!(annotation(first, "runbook_url"), Some("https://runbooks.example/plugpipe/plugpipehigherrorrate"));
        for rule in &rules {
            let RuleKind::Alert { pending_for, .. } = &rule.makes else { panic!("{rule:?}") };
            assert_eq!(*pending_for, Duration::from_secs(60));
        }
        let own: Vec<String> = super::super::file(&groups(&json!({"template": "plugpipe"})).unwrap())
            .lines()
            .filter_map(|line| line.trim().strip_prefix("for: ").map(str::to_owned))
            .collect();
        assert_eq!(own.len(), 3, "{own:?}");
    }

    #[test]
    fn an_objective_makes_ratios_and_pairs_of_alerts() {
        let rules = rules(&objective(json!({"labels": {"team": "a"}, "runbook_url": "https://r.example/burn"})));
        let records: Vec<&str> = rules.iter().filter(|rule| !rule.is_alert()).map(Rule::name).collect();
        assert_eq!(
            records,
            [
                "slo:error_ratio:rate5m",
                "slo:error_ratio:rate30m",
                "slo:error_ratio:rate1h",
                "slo:error_ratio:rate2h",
                "slo:error_ratio:rate6h",
                "slo:error_ratio:rate1d",
                "slo:error_ratio:rate3d",
                "slo:objective:ratio",
                "slo:error_budget_remaining:ratio",
            ]
        );
        assert_eq!(
            rules[2].expression,
            "(sum(rate(plugpipe_requests_total{endpoint=~\"/api/.*\"}[1h])) or sum(rate(plugpipe_requests_total[1h])) * 0)\n/\n\
             (sum(rate(plugpipe_requests_total[1h])) > 0)"
        );
        assert_eq!(rules[2].labels, Labels::new([("slo", "requests"), ("team", "a")], "labels").unwrap());
        let alerts: Vec<(&str, &str)> = rules
            .iter()
            .filter(|rule| rule.is_alert())
            .map(|rule| {
                assert_eq!(annotation(rule, "runbook_url"), Some("https://r.example/burn"));
                (rule.labels.get("severity").unwrap(), rule.expression.as_str())
            })
            .collect();
        let pair = |long: &str, short: &str, factor: &str| {
            let of = |range: &str| {
                format!("slo:error_ratio:rate{range}{{slo=\"requests\"}} > {factor} * (100 - 99.9) / 100")
            };
            format!("{}\nand\n{}", of(long), of(short))
        };
        assert_eq!(
            alerts,
            [
                ("critical", &*pair("1h", "5m", "14.4")),
                ("critical", &*pair("6h", "30m", "6")),
                ("warning", &*pair("1d", "2h", "3")),
                ("warning", &*pair("3d", "6h", "1")),
            ]
        );
        let longer = self::rules(&objective(json!({"window": "60d"})));
        assert!(longer.iter().any(|rule| rule.expression.contains("> 28.8 * ")), "{longer:?}");
    }

    #[test]
    fn an_expression_may_stand_for_a_counter() {
        let errors = "sum by (job) (rate(a_total[<range>])) + sum by (job) (rate(b_total[<range>]))";
        let rules = rules(&objective(json!({"errors": errors, "total": "sum by (job) (rate(c_total[<range>]))"})));
        assert_eq!(
            rules[0].expression,
            "((sum by (job) (rate(a_total[5m])) + sum by (job) (rate(b_total[5m]))) or (sum by (job) (rate(c_total[5m]))) * 0)\n/\n\
             ((sum by (job) (rate(c_total[5m]))) > 0)"
        );
    }

    #[test]
    fn what_cannot_be_is_named_by_its_path() {
        let plugpipe = |parameters| given("plugpipe", parameters);
        for (ctx, field, said) in [
            (json!({}), "groups", "template"),
            (json!({"template": "slos"}), "template", "plugpipe, plugpipe_security, plugpipe_monitoring, slo"),
            (json!({"template": ["slo"]}), "template", "a template's name"),
            (json!({"template": "plugpipe", "parameters": "x"}), "parameters", "object"),
            (plugpipe(json!({"threshold": 1})), "parameters.threshold", "error_rate"),
            (plugpipe(json!({"error_rate": 10})), "parameters.error_rate", "0.1 for 10%"),
            (plugpipe(json!({"error_rate": "a lot"})), "parameters.error_rate", "finite number"),
            (plugpipe(json!({"memory_gigabytes": -1})), "parameters.memory_gigabytes", "zero or more"),
            (plugpipe(json!({"window": 0})), "parameters.window", "more than zero"),
            (plugpipe(json!({"window": "often"})), "parameters.window", "a duration"),
            (plugpipe(json!({"for": []})), "parameters.for", "a list"),
            (plugpipe(json!({"severity": "{{ bad }}"})), "parameters.severity", "letters"),
            (plugpipe(json!({"selector": "plugpipe"})), "parameters.selector", "job="),
            (plugpipe(json!({"selector": "job=\"a"})), "parameters.selector", "not closed"),
            (plugpipe(json!({"selector": "=}#"})), "parameters.selector", "job="),
            (objective(json!({"errors": "a_total{b=}#}"})), "parameters.errors", "selector"),
            (plugpipe(json!({"by": "job,,le"})), "parameters.by", "label names"),
            (plugpipe(json!({"runbook_base_url": "docs/runbooks"})), "parameters.runbook_base_url", "https://"),
            (plugpipe(json!({"labels": {"team": "{{ x"}})), "parameters.labels.team", "{{"),
            (plugpipe(json!({"labels": {"severity": "x"}})), "parameters.labels.severity", "twice"),
            (plugpipe(json!({"labels": {"alertname": "x"}})), "parameters.labels.alertname", "leave it out"),
            (given(SLO, json!({})), "parameters.name", "missing"),
            (objective(json!({"objective": 100})), "parameters.objective", "less than 100"),
            (objective(json!({"objective": 90})), "parameters.objective", "more than 93.0"),
            (objective(json!({"window": "7d"})), "parameters.window", "28d to 90d"),
            (objective(json!({"name": "a\"b"})), "parameters.name", "letters"),
            (objective(json!({"errors": "rate(a_total[5m])"})), "parameters.errors", "<range>"),
            (objective(json!({"total": "sum(rate(a_total[<range>])"})), "parameters.total", "("),
        ] {
            let error = groups(&ctx).expect_err(&ctx.to_string());
            assert_eq!(error.field(), Some(field), "{ctx}: {error}");
            assert!(error.to_string().contains(said), "{ctx}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_parameter_breaks_out_of_its_place(at in 0_usize..40, text in "[a-z<>{}\"'= \\\\\n,]{0,12}|[a-z_]{1,8}=\"[^\"\\\\]{0,8}\"|.{0,12}") {
            for template in &TEMPLATES {
                let parameters: Vec<_> = template.parameters().collect();
                let parameter = parameters[at % parameters.len()];
                let mut ctx = match template.name {
                    SLO => objective(json!({})),
                    name => given(name, json!({})),
                };
                ctx["parameters"][parameter.name] = json!(text);
                // What is taken makes a file of as many rules as ever, each of them still itself.
                if let Ok(groups) = groups(&ctx) {
                    let file = super::super::file(&groups);
                    let read: Value = serde_saphyr::from_str(&file).unwrap();
                    prop_assert_eq!(read["groups"][0]["rules"].as_array().unwrap().len(), groups[0].rules.len());
                    for rule in &groups[0].rules {
                        prop_assert!(rule.check("", Style::File, Evaluator::Prometheus, true).is_ok(), "{}: {text:?}: {rule:?}", parameter.name);
                    }
                }
            }
        }
    }
}
