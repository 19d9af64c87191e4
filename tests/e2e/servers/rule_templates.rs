//! The rules that the plug ships, as the component renders them: `promtool` checks them, and runs
//! the unit tests of `tests/rules`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use plugpipe_testkit::Program;
use serde_json::{Value, json};

use crate::support::{alone, program, root, servers, stderr, stdout, without_servers};

/// The parameters with which each template is rendered for its unit tests.
fn templates() -> [(&'static str, Value); 4] {
    [
        ("plugpipe", Value::Null),
        ("plugpipe_security", json!({})),
        ("plugpipe_monitoring", json!({})),
        (
            "slo",
            json!({
                "name": "pipes", "objective": 99.9, "labels": {"team": "data"},
                "errors": "plugpipe_pipeline_executions_total{status=\"failed\"}",
                "total": "plugpipe_pipeline_executions_total",
                "runbook_url": "https://runbooks.example/error-budget",
            }),
        ),
    ]
}

/// The rule file that `export_rules` answers for a template.
async fn rendered(template: &str, parameters: &Value) -> String {
    let ctx = json!({"operation": "export_rules", "template": template, "parameters": parameters});
    let answer = alone().await.process(&ctx).await.unwrap();
    assert_eq!(answer["success"], true, "{answer}");
    answer["result"]["exported_rules"].as_str().unwrap().to_owned()
}

/// `promtool` of the oldest Prometheus and, where it is there, of a newer one.
fn promtools() -> Vec<PathBuf> {
    let newer = servers().find_or_fetch_at_least(Program::Prometheus, 3).map(|bin| bin.with_file_name("promtool"));
    let mut tools = vec![program(Program::Promtool)];
    tools.extend(newer.ok().filter(|tool| tool.exists()));
    tools.dedup();
    tools
}

fn promtool(tool: &Path, what: &str, file: &Path) -> Output {
    Command::new(tool).args([what, "rules"]).arg(file).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", stdout(output), stderr(output))
}

#[tokio::test]
async fn every_template_passes_promtool_and_its_unit_tests() {
    if without_servers("every_template_passes_promtool_and_its_unit_tests") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (template, parameters) in templates() {
        let rules = folder.path().join(format!("{template}.rules.yml"));
        let text = rendered(template, &parameters).await;
        fs::write(&rules, &text).unwrap();
        let tests = folder.path().join(format!("{template}.yml"));
        fs::copy(root().join(format!("tests/rules/{template}.yml")), &tests).unwrap();
        for tool in promtools() {
            for (what, file) in [("check", &rules), ("test", &tests)] {
                let output = promtool(&tool, what, file);
                assert!(output.status.success(), "{} {what} {template}: {}\n{text}", tool.display(), said(&output));
            }
        }
    }
}

#[tokio::test]
async fn the_unit_tests_fail_where_a_threshold_is_another() {
    if without_servers("the_unit_tests_fail_where_a_threshold_is_another") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tool = program(Program::Promtool);
    for (template, parameters) in templates() {
        let changes = match template {
            "plugpipe" => vec![
                json!({"error_rate": 0.3}),
                json!({"error_rate": 0.05}),
                json!({"memory_gigabytes": 0.78}),
                json!({"slow_seconds": 59}),
                json!({"slow_seconds": 28}),
            ],
            "plugpipe_security" => vec![json!({"auth_failures": 0.3}), json!({"violations": 1})],
            "plugpipe_monitoring" => {
                vec![
                    json!({"push_failures": 5}),
                    json!({"series_dropped": 50}),
                    json!({"values_lost": 50}),
                    json!({"silent": "59m"}),
                    json!({"window": "5m"}),
                ]
            }
            _ => vec![json!({"objective": 99.89}), json!({"objective": 99.91}), json!({"window": "31d"})],
        };
        fs::copy(root().join(format!("tests/rules/{template}.yml")), folder.path().join(format!("{template}.yml")))
            .unwrap();
        for change in changes {
            let mut changed = if parameters.is_null() { json!({}) } else { parameters.clone() };
            changed.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let rules = rendered(template, &changed).await;
            fs::write(folder.path().join(format!("{template}.rules.yml")), rules).unwrap();
            let output = promtool(&tool, "test", &folder.path().join(format!("{template}.yml")));
            assert!(!output.status.success(), "{template} {change}: {}", said(&output));
        }
    }
}

#[tokio::test]
async fn every_alert_is_tried_firing_and_not_firing() {
    for (template, parameters) in templates() {
        let rules: Value = serde_saphyr::from_str(&rendered(template, &parameters).await).unwrap();
        let tests: Value =
            serde_saphyr::from_str(&fs::read_to_string(root().join(format!("tests/rules/{template}.yml"))).unwrap())
                .unwrap();
        let cases: Vec<&Value> = tests["tests"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|test| test["alert_rule_test"].as_array())
            .flatten()
            .collect();
        for rule in rules["groups"][0]["rules"].as_array().unwrap().iter().filter(|rule| rule["alert"].is_string()) {
            let own = cases.iter().copied().filter(|case| case["alertname"] == rule["alert"]);
            let (fires, rests): (Vec<&Value>, Vec<&Value>) = own.partition(|case| case["exp_alerts"].is_array());
            assert!(!fires.is_empty() && !rests.is_empty(), "{template}: {}", rule["alert"]);
        }
    }
}

#[tokio::test]
async fn promtool_takes_every_parameter() {
    if without_servers("promtool_takes_every_parameter") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yml");
    let common = json!({
        "selector": "{job=~\"etl|web\", }", "by": "cluster, job", "for": "10m", "severity": "page", "window": "1h30m",
        "labels": {"team": "{{ $labels.job }} \"a\": [b]\nc"}, "runbook_base_url": "https://runbooks.example/a#",
    });
    let expression = "sum by (job) (rate(plugpipe_requests_total{endpoint=\"/<a>\"}[<range>])) - 0";
    let cases = ["plugpipe", "plugpipe_security", "plugpipe_monitoring"].map(|template| (template, common.clone()));
    let objective = json!({
        "name": "API / requests: all", "objective": "99", "errors": format!("{expression}\n"), "total": "{__name__=\"plugpipe_requests_total\"}",
        "window": "4w", "alert_name": "Too many errors", "page_severity": "page", "ticket_severity": "ticket",
    });
    for (template, parameters) in cases.into_iter().chain([("slo", objective)]) {
        let text = rendered(template, &parameters).await;
        fs::write(&file, &text).unwrap();
        for tool in promtools() {
            let output = promtool(&tool, "check", &file);
            assert!(output.status.success(), "{template}: {}\n{text}", said(&output));
        }
    }
}

#[tokio::test]
async fn templates_are_listed_with_their_parameters() {
    let answer = alone().await.process(&json!({"operation": "list_alert_templates"})).await.unwrap();
    let listed = answer["result"]["templates"].as_array().unwrap();
    let names: Vec<&str> = listed.iter().map(|template| template["name"].as_str().unwrap()).collect();
    assert_eq!(names, templates().map(|(name, _)| name), "{answer}");
    assert_eq!(
        listed[0]["parameters"][0],
        json!({"name": "error_rate", "description": "fraction of a plug's executions that fail, 0 to 1", "required": false, "default": "0.1"})
    );
    assert_eq!(listed[3]["parameters"][0]["required"], true);
    assert_eq!(
        listed[0]["alerts"],
        json!(["PlugPipeHighErrorRate", "PlugPipeMemoryHigh", "PlugPipePluginExecutionSlow"])
    );
}

/// The templates of a table in `tests/rules`, one a line.
fn table(name: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("tests/rules").join(name)).unwrap();
    text.lines().filter(|line| !line.is_empty()).map(|line| line.replace('⏎', "\n")).collect()
}

#[tokio::test]
async fn a_template_is_judged_as_promtool_judges_it() {
    if without_servers("a_template_is_judged_as_promtool_judges_it") {
        return;
    }
    let (good, bad) = (table("templates_good.txt"), table("templates_bad.txt"));
    assert!(good.len() + bad.len() > 100);
    let all: Vec<&String> = good.iter().chain(&bad).collect();
    let plug = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yml");
    let rule = |(number, text): (usize, &&String)| json!({"alert": format!("T{number}"), "expr": "up", "annotations": {"a": text}});
    let rules: Vec<Value> = all.iter().enumerate().map(rule).collect();
    // JSON is YAML.
    fs::write(&file, json!({"groups": [{"name": "g", "rules": rules}]}).to_string()).unwrap();
    for tool in promtools() {
        let said = said(&promtool(&tool, "check", &file));
        for (number, rule) in rules.iter().enumerate() {
            let is_good = number < good.len();
            assert_eq!(said.contains(&format!("\"T{number}\"")), !is_good, "{}: {rule}: {said}", tool.display());
        }
    }
    for (number, rule) in rules.iter().enumerate() {
        let ctx = json!({"operation": "export_rules", "groups": [{"name": "g", "rules": [rule]}]});
        let answer = plug.process(&ctx).await.unwrap();
        assert_eq!(answer["success"], number < good.len(), "{rule}: {answer}");
        if number >= good.len() {
            assert_eq!(answer["field"], "groups[0].rules[0].annotations.a", "{answer}");
        }
    }
}
