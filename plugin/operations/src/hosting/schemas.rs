//! The JSON Schemas of requests, made by `cargo xtask generate` and embedded compressed.

use std::io::Read as _;

use flate2::bufread::GzDecoder;
use serde_json::{Map, Value, json};

const COMPRESSED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/schemas.json.gz"));

/// The schemas of all operations.
pub(super) struct Schemas {
    operations: Map<String, Value>,
    definitions: Map<String, Value>,
}

impl Schemas {
    pub(super) fn read() -> Self {
        let mut text = String::new();
        // A test reads what is embedded.
        let _ = GzDecoder::new(COMPRESSED).read_to_string(&mut text);
        let mut all: Value = serde_json::from_str(&text).unwrap_or_default();
        let mut take = |key: &str| match all.get_mut(key).map(Value::take) {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        };
        Self { operations: take("operations"), definitions: take("$defs") }
    }

    /// The schema of an operation's `ctx`: its own members. Settings may stand beside them.
    pub(super) fn of(&self, operation: &str) -> String {
        let nothing = Value::Object(Map::new());
        let own = self.operations.get(operation).unwrap_or(&nothing);
        let mut schema = own.clone();
        let mut used = Map::new();
        self.collect(own, &mut used);
        if let Value::Object(members) = &mut schema {
            members.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
            members.insert("type".into(), "object".into());
            let properties = members.entry("properties").or_insert_with(|| json!({}));
            if let Value::Object(properties) = properties {
                properties.insert("operation".into(), json!({ "const": operation }));
            }
            if !used.is_empty() {
                members.insert("$defs".into(), used.into());
            }
        }
        schema.to_string()
    }

    /// The definitions that a schema refers to, and those that these do.
    fn collect(&self, schema: &Value, used: &mut Map<String, Value>) {
        match schema {
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, used)),
            Value::Object(members) => {
                if let Some(name) =
                    members.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix("#/$defs/"))
                    && !used.contains_key(name)
                    && let Some(definition) = self.definitions.get(name)
                {
                    used.insert(name.to_owned(), definition.clone());
                    self.collect(definition, used);
                }
                members.values().for_each(|member| self.collect(member, used));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::table::names;

    #[test]
    fn every_operation_has_a_schema_with_all_that_it_refers_to() {
        let schemas = Schemas::read();
        for name in names() {
            let schema: Value = serde_json::from_str(&schemas.of(name)).unwrap();
            assert_eq!(schema["properties"]["operation"]["const"], name);
            for reference in schema.to_string().split("#/$defs/").skip(1) {
                let to = reference.split('"').next().unwrap();
                assert!(schema["$defs"].get(to).is_some(), "{name} {to}");
            }
        }
        let record: Value = serde_json::from_str(&schemas.of("record_gauge")).unwrap();
        assert!(record["properties"].get("metric_name").is_some(), "{record}");
    }
}
