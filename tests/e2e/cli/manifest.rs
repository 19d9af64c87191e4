//! `plugin/plug.yaml`: against what the component says of itself, and every answer of the suites
//! against its schemas. What needs no component is in xtask/tests/repository/manifest.rs.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::schema::{problems, validator};
use crate::support::plug;

/// The manifest.
pub static MANIFEST: LazyLock<Value> = LazyLock::new(|| xtask::reference::manifest().unwrap());

static INPUT: LazyLock<Validator> = LazyLock::new(|| validator(&MANIFEST["input_schema"]));
static OUTPUT: LazyLock<Validator> = LazyLock::new(|| validator(&MANIFEST["output_schema"]));

/// Holds an answer against the output schema; and where the operation was done, what it was asked
/// against the input schema.
pub fn check(ctx: &Value, answer: &Value) {
    let found = problems(&OUTPUT, answer);
    assert!(found.is_empty(), "the answer is not as plug.yaml's output_schema says: {found:#?}\n{answer:#}");
    let warnings = answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let unknown: Vec<&str> = warnings.filter(|warning| warning.contains("unknown field")).collect();
    assert!(unknown.is_empty(), "plug.yaml's schemas do not know what a test gave: {unknown:?}\n{ctx:#}");
    if answer["success"] == true {
        let found = problems(&INPUT, ctx);
        assert!(found.is_empty(), "was done, though plug.yaml's input_schema forbids it: {found:#?}\n{ctx:#}");
    }
}

#[tokio::test]
async fn the_manifest_and_the_component_name_the_same_operations() {
    let description = plug().describe().await.unwrap();
    assert_eq!(json!([description.name, description.version]), json!([MANIFEST["name"], MANIFEST["version"]]));
    let operations: Map<String, Value> = description
        .operations
        .iter()
        .map(|operation| (operation.name.clone(), operation.summary.as_str().into()))
        .collect();
    assert_eq!(Value::Object(operations), MANIFEST["operations"]);
    let mut described: Vec<&str> = description.operations.iter().map(|operation| operation.name.as_str()).collect();
    described.sort_unstable();
    let mut accepted: Vec<&str> = MANIFEST["input_schema"]["properties"]["operation"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    accepted.sort_unstable();
    assert_eq!(described, accepted);
}

#[tokio::test]
async fn every_operation_has_a_schema_and_nothing_else_has() {
    for operation in &plug().describe().await.unwrap().operations {
        let schema: Value = serde_json::from_str(&plug().schema(&operation.name).await.unwrap().unwrap()).unwrap();
        assert_eq!(schema["properties"]["operation"]["const"], operation.name.as_str());
        assert!(!problems(&validator(&schema), &json!({"operation": "no such operation"})).is_empty(), "{schema:#}");
    }
    assert_eq!(plug().schema("no such operation").await.unwrap(), None);
}

#[test]
fn the_manifest_tells_the_components_imports_and_exports() {
    assert_eq!(json!(plug().imports()), MANIFEST["capabilities"]["imports"]);
    let exports: Vec<String> = plug().exports().into_iter().map(|export| export.interface).collect();
    assert_eq!(json!(exports), MANIFEST["capabilities"]["exports"]);
}

#[tokio::test]
async fn the_manifest_names_the_settings_that_grant_an_origin() {
    let servers = &plug().describe().await.unwrap().servers;
    // The last place is the one that is not nested.
    let mut settings: Vec<_> = servers.iter().map(|server| server.settings.last().unwrap().as_str()).collect();
    settings.sort_unstable();
    let listed = MANIFEST["capabilities"]["origins"]["from_settings"].as_array().unwrap();
    let mut listed: Vec<_> = listed.iter().map(|setting| setting.as_str().unwrap()).collect();
    listed.sort_unstable();
    assert_eq!(settings, listed);
}

#[tokio::test]
async fn the_manifest_names_the_templates_that_are_shipped() {
    let plug = crate::support::start(json!({"mock_mode": true})).await;
    let listed = plug.process(&json!({"operation": "list_alert_templates"})).await.unwrap();
    let names = listed["result"]["templates"].as_array().unwrap().iter().map(|template| template["name"].clone());
    assert_eq!(Value::from_iter(names), MANIFEST["alert_templates"]);
    for name in MANIFEST["dashboard_templates"].as_array().unwrap() {
        let ctx = json!({"operation": "create_dashboard", "template": name, "dry_run": true});
        let answer = plug.process(&ctx).await.unwrap();
        assert_eq!(answer["success"], true, "{answer}");
    }
    let all = plug.process(&json!({"operation": "plan_dashboards", "templates": "all"})).await.unwrap();
    assert_eq!(
        all["result"]["dashboards"].as_array().unwrap().len(),
        MANIFEST["dashboard_templates"].as_array().unwrap().len()
    );
}

#[tokio::test]
async fn a_result_that_the_schema_does_not_know_is_found() {
    let plug = crate::support::alone().await;
    let ctx = json!({"operation": "clear_metrics"});
    let good = plug.process(&ctx).await.unwrap();
    let spoilers: [fn(&mut Map<String, Value>); 5] = [
        |answer| drop(answer.remove("monitoring_metadata")),
        |answer| answer["result"]["surprise"] = json!(1),
        |answer| answer["result"]["series_removed"] = json!("none"),
        |answer| drop(answer.insert("surprise".into(), json!(1))),
        |answer| answer["success"] = json!(false),
    ];
    for spoil in spoilers {
        let mut bad = good.clone();
        spoil(bad.as_object_mut().unwrap());
        assert_ne!(problems(&OUTPUT, &bad), Vec::<String>::new(), "{bad}");
    }
}
