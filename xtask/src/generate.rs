//! `plugin/plug.yaml`'s schemas of configurations and requests, from the types that read them.
//!
//! An operation without a request of its own type says in the manifest what it takes: its branch
//! stays, with the definitions it refers to. A branch of any other operation is made, so that one
//! written by hand is lost here, and found by the test that compares.

use std::collections::BTreeSet;
use std::path::PathBuf;

use monitoring_prometheus::schema::{config_schema, input_schema, untyped_operations};
use serde_json::{Map, Value, json};

use crate::reference::{manifest_path, names, read_manifest};
use crate::{fields, read_text, reference, servers, write, yaml};

/// Writes all that is made of the plug's sources and of the manifest, and says which files those are.
pub fn make() -> Result<Vec<PathBuf>, String> {
    write(&manifest_path(), manifest()?)?;
    reference::make()?;
    fields::make()?;
    servers::make()?;
    Ok(vec![manifest_path(), reference::page_path(), fields::table_path(), servers::table_path()])
}

/// The manifest as it is to be.
pub fn manifest() -> Result<String, String> {
    let text = read_text(&manifest_path())?;
    let before = read_manifest(&text)?;
    let (config, mut input) = (config_schema()?, input_schema()?);
    let by_hand = before.get("input_schema").ok_or("the manifest has no input_schema")?;
    keep(&mut input, by_hand, &untyped_operations())?;
    let text = replaced(&text, "config_schema", &config)?;
    let text = replaced(&text, "input_schema", &input)?;
    let after = read_manifest(&text)?;
    if after.get("config_schema") != Some(&config) || after.get("input_schema") != Some(&input) {
        return Err("the schemas are not read as they were written".into());
    }
    Ok(text)
}

/// Puts what is said by hand of these operations into a schema.
fn keep(schema: &mut Value, by_hand: &Value, operations: &[&str]) -> Result<(), String> {
    let mut kept = Vec::new();
    for branch in by_hand.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        let asked = branch.pointer("/if/properties/operation");
        let all = names(asked.and_then(|asked| asked.get("enum"))).into_iter();
        let all = all.chain(asked.and_then(|asked| asked.get("const")?.as_str()));
        let asked = match all.filter(|name| operations.contains(name)).collect::<Vec<_>>().as_slice() {
            [] => continue,
            [one] => json!({ "const": one }),
            some => json!({ "enum": some }),
        };
        let condition = json!({ "properties": { "operation": asked }, "required": ["operation"] });
        kept.push(json!({ "if": condition, "then": branch.get("then") }));
    }
    let mut definitions = schema.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
    let own = by_hand.get("$defs").and_then(Value::as_object).ok_or("input_schema has no $defs")?;
    for branch in &kept {
        keep_definitions(branch, own, &mut definitions)?;
    }
    let branches = schema.get_mut("allOf").and_then(Value::as_array_mut).ok_or("input_schema has no allOf")?;
    branches.append(&mut kept);
    if let Value::Object(members) = schema {
        members.insert("$defs".into(), definitions.into());
    }
    Ok(())
}

/// Takes over the definitions that a schema refers to, unless there are such.
fn keep_definitions(
    schema: &Value,
    own: &Map<String, Value>,
    definitions: &mut Map<String, Value>,
) -> Result<(), String> {
    for name in references(schema) {
        if !definitions.contains_key(&name) {
            let definition = own.get(&name).ok_or_else(|| format!("input_schema has no definition of {name}"))?;
            definitions.insert(name, definition.clone());
            keep_definitions(definition, own, definitions)?;
        }
    }
    Ok(())
}

/// The names of the definitions that a schema refers to.
fn references(schema: &Value) -> BTreeSet<String> {
    match schema {
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/"));
            members.values().flat_map(references).chain(own.map(str::to_owned)).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// A file's text with another value of a key at its top; the rest of it stays as it is.
fn replaced(text: &str, key: &str, value: &Value) -> Result<String, String> {
    let missing = || format!("the manifest has no {key} at its top");
    let begin = text.find(&format!("\n{key}:\n")).ok_or_else(missing)? + 1;
    let (before, rest) = text.split_at(begin);
    // The next line that is not within: another key, or a comment above it.
    let mut end = 0;
    for (index, line) in rest.split_inclusive('\n').enumerate() {
        if index > 0 && !line.starts_with([' ', '\n']) {
            break;
        }
        end += line.len();
    }
    Ok(format!("{before}{}{}", yaml::section(key, value), rest.split_at(end).1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_by_hand_is_kept_of_untyped_operations_only() {
        let by_hand = json!({
            "allOf": [
                {"if": {"properties": {"operation": {"enum": ["a", "b", "c"]}}},
                 "then": {"properties": {"x": {"$ref": "#/$defs/x"}}}},
                {"if": {"properties": {"operation": {"const": "b"}}}, "then": {"required": ["y"]}},
            ],
            "$defs": {"x": {"items": {"$ref": "#/$defs/inner"}}, "inner": {"type": "string"}, "unused": {}},
        });
        let mut schema = json!({"allOf": [], "$defs": {"inner": {"type": "number"}}});
        keep(&mut schema, &by_hand, &["a", "c"]).unwrap();
        let kept = &schema["allOf"];
        assert_eq!(kept.as_array().unwrap().len(), 1, "{kept}");
        assert_eq!(kept[0]["if"]["properties"]["operation"], json!({"enum": ["a", "c"]}));
        let definitions = json!({"x": {"items": {"$ref": "#/$defs/inner"}}, "inner": {"type": "number"}});
        assert_eq!(schema["$defs"], definitions);
    }

    #[test]
    fn only_the_value_of_the_key_is_replaced() {
        let text = "# a\nfirst: 1\nschema:\n  type: object\n\n  x:\n  - 1\n# of the next\nlast: {}\n";
        let made =
            replaced(text, "schema", &json!({"type": "array", "description": "long ".repeat(30).trim()})).unwrap();
        assert!(made.starts_with("# a\nfirst: 1\nschema:\n  type: array\n  description: >-\n"), "{made}");
        assert!(made.ends_with("long\n# of the next\nlast: {}\n"), "{made}");
        assert!(replaced(text, "none", &json!({})).is_err());
    }
}
