//! The schemas of the Prometheus operator's resources, in `tests/fixtures/crds`: for tests of
//! several crates.

use serde_json::{Value, json};

/// Why a resource is not one that the operator's schemas allow; nothing if it is.
pub(crate) fn problems(resource: &Value) -> Vec<String> {
    let kind = resource["kind"].as_str().unwrap_or_default();
    let text = match kind {
        "PodMonitor" => include_str!("fixtures/crds/podmonitor.json"),
        "PrometheusRule" => include_str!("fixtures/crds/prometheusrule.json"),
        "ScrapeConfig" => include_str!("fixtures/crds/scrapeconfig.json"),
        "ServiceMonitor" => include_str!("fixtures/crds/servicemonitor.json"),
        other => return vec![format!("there is no schema of {other:?}")],
    };
    let definition: Value = serde_json::from_str(text).unwrap();
    if resource["apiVersion"] != definition["apiVersion"] {
        return vec![format!("apiVersion: {} is not {}", resource["apiVersion"], definition["apiVersion"])];
    }
    let mut schema = definition["schema"].clone();
    close(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{kind}: {error}"));
    validator.iter_errors(resource).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// What the API server does beyond JSON Schema: it drops fields that a schema does not name, which
/// is a mistake here, and lists that are sets have each item once.
fn close(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("properties").is_some_and(Value::is_object) && members.contains_key("type") {
                members.entry("additionalProperties").or_insert(false.into());
            }
            if members.get("x-kubernetes-list-type") == Some(&json!("set")) {
                members.insert("uniqueItems".into(), true.into());
            }
            // A flag within a pattern is not ECMAScript.
            if let Some(Value::String(pattern)) = members.get_mut("pattern") {
                *pattern = pattern.replace("(?i)(abort|warn)", "([Aa]bort|[Ww]arn|ABORT|WARN)");
            }
        }
        _ => {}
    }
}
