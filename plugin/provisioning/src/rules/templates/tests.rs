use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::Style;
use super::*;
use monitoring_prometheus::telemetry::Telemetry;
use plugpipe_contract::document::Request as _;
use plugpipe_metrics::registry::Registry;

fn groups(ctx: &Value) -> Result<Vec<Group>, Error> {
    let text = ctx.to_string();
    read(&WantedRules::from_document(&Document::parse(&text).unwrap())?)
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
fn every_alert_has_texts_and_no_unfilled_parameter() {
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
fn shipped_alerts_have_unique_names() {
    let names: Vec<&str> = TEMPLATES.iter().flat_map(Template::alerts).collect();
    for (index, name) in names.iter().enumerate() {
        assert!(!names.iter().take(index).any(|other| other == name), "{name}");
    }
}

#[test]
fn every_metric_is_recorded() {
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
fn parameters_are_inserted() {
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
        let of =
            |range: &str| format!("slo:error_ratio:rate{range}{{slo=\"requests\"}} > {factor} * (100 - 99.9) / 100");
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
fn invalid_parameters_are_named_by_their_path() {
    let plugpipe = |parameters| given("plugpipe", parameters);
    for (ctx, field, expected) in [
        (json!({}), "groups", "template"),
        (json!({"template": "slos"}), "template", "plugpipe, plugpipe_security, plugpipe_monitoring, slo"),
        (json!({"template": ["slo"]}), "template", "expected text"),
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
        (plugpipe(json!({"labels": {"alertname": "x"}})), "parameters.labels.alertname", "remove it"),
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
        assert!(error.to_string().contains(expected), "{ctx}: {error}");
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
            // Accepted values result in a file with the same number of rules, each of them
            // unchanged.
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
