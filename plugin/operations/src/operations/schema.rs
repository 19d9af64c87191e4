//! JSON Schemas of requests and responses, generated from the table of operations.

use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{DefinitionFields, Record, RecordMultiple};
use plugpipe_contract::response::Response as _;
use plugpipe_contract::responses::{
    ErrorReport, Exchanged, Head, Health, PushReport, RecordListResponse, RecordResponse, Tail,
};
use plugpipe_contract::schema::{DIALECT, close, finish, generator, response_generator};
use plugpipe_contract::settings::{Context, NestedSettings, Settings};
use schemars::{JsonSchema as _, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::table::{OPERATIONS, Operation, Run, names};

/// The default operation of calls with a metric name.
const WITHOUT_OPERATION: &str = "record_metric";

/// Operations with a required field that is optional in other operations with the same request
/// type; one of the names must be given.
const REQUIRED: &[(&str, &[&str])] = &[
    ("record_counter", &["metric_value"]),
    ("record_gauge", &["metric_value"]),
    ("record_histogram", &["metric_value"]),
    ("record_summary", &["metric_value"]),
    ("list_series", &["match", "match[]"]),
];

/// The JSON Schema of `ctx`.
///
/// # Errors
/// A description contains a link to Rust code.
pub fn input_schema() -> Result<Value, String> {
    let generator = &mut generator();
    let settings = generator.subschema_for::<Settings>().to_value();
    let mut branches: Vec<(Vec<&str>, Value)> = Vec::new();
    for operation in OPERATIONS {
        let Some(takes) = takes(operation, generator) else { continue };
        match branches.iter_mut().find(|(_, same)| *same == takes) {
            Some((operations, _)) => operations.push(operation.name),
            None => branches.push((vec![operation.name], takes)),
        }
    }
    let branches: Vec<Value> =
        branches.into_iter().map(|(names, takes)| json!({ "if": condition(&names), "then": takes })).collect();
    let nested = NestedSettings::json_schema(generator).to_value();
    let mut properties = members(&Context::json_schema(generator).to_value(), "properties");
    properties.extend(members(&nested, "properties"));
    let known: Vec<Value> = names().map(Value::from).chain([Value::Null]).collect();
    properties.insert("operation".into(), json!({ "enum": known }));
    finish(json!({
        "$schema": DIALECT,
        "description": "The default operation is record_metric if there is a metric_name, else health_check. Settings given \
            here apply to one call. A runtime's own keys, such as pipe and run_id, have no effect, except that errors \
            about a metric name the step_id or step that recorded it.",
        "type": "object",
        "$ref": settings.get("$ref"),
        "properties": properties,
        "allOf": branches,
        "$defs": generator.take_definitions(true),
    }))
}

/// The names and summaries of all operations.
pub fn operations() -> Value {
    OPERATIONS
        .iter()
        .map(|operation| (operation.name.to_owned(), operation.summary.into()))
        .collect::<Map<_, _>>()
        .into()
}

/// What each operation takes of its own, for `describe`; settings may stand beside it.
///
/// # Errors
/// A description holds what only readers of the sources understand.
pub fn operation_schemas() -> Result<Value, String> {
    let generator = &mut generator();
    let own = |operation: &'static Operation| Some((operation.name.to_owned(), takes(operation, generator)?));
    let operations: Map<String, Value> = OPERATIONS.iter().filter_map(own).collect();
    finish(json!({ "operations": operations, "$defs": generator.take_definitions(true) }))
}

/// What `process` responds.
///
/// # Errors
/// A description contains a link to Rust code.
pub fn output_schema() -> Result<Value, String> {
    let generator = &mut response_generator();
    let mut any_result = <(PushReport, Exchanged)>::schema(generator).to_value();
    let shared = members(&any_result, "properties");
    let mut branches: Vec<(Vec<&str>, Value)> = Vec::new();
    for operation in OPERATIONS {
        let responds = responds(operation, &shared, generator);
        match branches.iter_mut().find(|(_, same)| *same == responds) {
            Some((operations, _)) => operations.push(operation.name),
            None => branches.push((vec![operation.name], responds)),
        }
    }
    let branches: Vec<Value> = branches
        .into_iter()
        .map(|(names, result)| {
            let operation = match names.as_slice() {
                [one] => json!({ "const": one }),
                some => json!({ "enum": some }),
            };
            let condition = json!({ "properties": { "operation": operation } });
            json!({ "if": condition, "then": { "properties": { "result": result } } })
        })
        .collect();
    let frame = members(&<(Head, Tail)>::schema(generator).to_value(), "properties");
    let mut success = frame.clone();
    success.insert("success".into(), true.into());
    success.insert("result".into(), json!({ "type": "object" }));
    let mut failure = frame;
    failure.insert("success".into(), json!({ "const": false }));
    failure.extend(members(&<(ErrorReport, Exchanged)>::schema(generator).to_value(), "properties"));
    let mut health = <(Health, Exchanged)>::schema(generator).to_value();
    if let Some(members) = health.as_object_mut() {
        let description = "Of a health check that found a server not healthy: how each one is.";
        members.insert("description".into(), description.into());
    }
    failure.insert("result".into(), health);
    describe(
        &mut any_result,
        "Members of any result: the outcome of pushes that the call triggered, and the duration of requests to servers.",
    );
    let mut schema = json!({
        "$schema": DIALECT,
        "type": "object",
        "required": ["success", "monitoring_metadata"],
        "if": { "properties": { "success": { "const": true } } },
        "then": {
            "required": ["operation", "result"],
            "properties": success,
            "additionalProperties": false,
            "allOf": branches,
        },
        "else": { "$ref": "#/$defs/failure" },
        "$defs": generator.take_definitions(true),
    });
    if let Some(Value::Object(definitions)) = schema.get_mut("$defs") {
        definitions.insert("any_result".into(), any_result);
        definitions.insert(
            "failure".into(),
            json!({
                "type": "object",
                "required": ["success", "error", "error_code", "monitoring_metadata"],
                "properties": failure,
                "additionalProperties": false,
            }),
        );
    }
    close(&mut schema);
    finish(schema)
}

fn describe(schema: &mut Value, description: &str) {
    if let Some(members) = schema.as_object_mut() {
        // It is combined with the operation's own members.
        ["additionalProperties", "type", "required"].iter().for_each(|key| drop(members.remove(*key)));
        members.insert("description".into(), description.into());
    }
}

/// The result of an operation, without the members `shared` by all.
fn responds(operation: &Operation, shared: &Map<String, Value>, generator: &mut SchemaGenerator) -> Value {
    let schema = match operation.run {
        Run::Record(_) => RecordResponse::schema(generator),
        Run::Records => RecordListResponse::schema(generator),
        Run::Typed { response, .. } => response(generator),
    };
    let schema = schema.to_value();
    let mut properties = members(&schema, "properties");
    properties.retain(|name, own| shared.get(name) != Some(own));
    let mut result = json!({
        "type": "object",
        "$ref": "#/$defs/any_result",
        "properties": properties,
        "unevaluatedProperties": false,
    });
    if let (Some(result), Some(required)) = (result.as_object_mut(), schema.get("required")) {
        result.insert("required".into(), required.clone());
    }
    result
}

/// The operation's own fields, if it has any.
fn takes(operation: &Operation, generator: &mut SchemaGenerator) -> Option<Value> {
    let mut schema = match operation.run {
        Run::Record(_) => Both::<Record, DefinitionFields>::json_schema(generator),
        Run::Records => <RecordMultiple>::json_schema(generator),
        Run::Typed { schema, .. } => schema(generator),
    };
    // It is combined with settings and a runtime's keys.
    for key in ["description", "type", "additionalProperties"] {
        schema.remove(key);
    }
    if let Some((_, needed)) = REQUIRED.iter().find(|(name, _)| *name == operation.name) {
        match needed {
            [name] => {
                let mut required = schema.remove("required").unwrap_or_else(|| json!([]));
                required.as_array_mut()?.push((*name).into());
                schema.insert("required".into(), required);
            }
            names => {
                let each: Vec<Value> = names.iter().map(|name| json!({ "required": [name] })).collect();
                schema.insert("anyOf".into(), each.into());
            }
        }
    }
    schema.get("properties")?;
    Some(schema.to_value())
}

/// The condition that a call requests one of these operations.
fn condition(operations: &[&str]) -> Value {
    match operations {
        [WITHOUT_OPERATION] => json!({
            "properties": { "operation": { "enum": [WITHOUT_OPERATION, null] } },
            "anyOf": [
                { "properties": { "operation": { "type": "string" } }, "required": ["operation"] },
                { "required": ["metric_name"] },
            ],
        }),
        [one] => json!({ "properties": { "operation": { "const": one } }, "required": ["operation"] }),
        some => json!({ "properties": { "operation": { "enum": some } }, "required": ["operation"] }),
    }
}

fn members(schema: &Value, key: &str) -> Map<String, Value> {
    schema.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::ruler;

    #[test]
    fn the_embedded_schemas_are_those_of_the_types() {
        let embedded: Value = serde_json::from_str(include_str!("../../schemas.json")).unwrap();
        assert!(embedded == operation_schemas().unwrap(), "run cargo xtask generate");
    }

    #[test]
    fn handwritten_tables_match_operations_and_targets() {
        for (operation, fields) in REQUIRED {
            let operation = OPERATIONS.iter().find(|own| own.name == *operation).unwrap();
            let takes = takes(operation, &mut generator()).unwrap();
            assert!(fields.iter().all(|field| takes["properties"].get(field).is_some()), "{}", operation.name);
        }
        let known = plugpipe_contract::schema::TARGETS.join(", ");
        assert!(ruler::target("none").unwrap_err().contains(&format!("expected one of {known}, got")));
        // The condition above handles only a single operation without a name.
        let schema = input_schema().unwrap();
        let without = schema["allOf"].as_array().unwrap().iter().filter(|branch| branch["if"].get("anyOf").is_some());
        assert_eq!(without.count(), 1);
    }
}
