//! Generates the operations and schemas in `plugin/plug.yaml` from the operation table and the
//! request and response types.

use std::path::PathBuf;

use monitoring_prometheus::schema::{config_schema, input_schema, operation_schemas, operations, output_schema};
use serde_json::Value;

use crate::reference::{manifest_path, read_manifest};
use crate::{mixin, read_text, reference, root, schemas, types, write, yaml};

/// Writes all generated files and returns their paths.
pub fn make() -> Result<Vec<PathBuf>, String> {
    write(&manifest_path(), manifest()?)?;
    let schemas = root().join("plugin/operations/schemas.json");
    let text = serde_json::to_string_pretty(&operation_schemas()?).map_err(|error| error.to_string())?;
    write(&schemas, text + "\n")?;
    reference::make()?;
    let mut made = vec![manifest_path(), schemas, reference::page_path()];
    made.extend(types::make()?);
    made.extend(schemas::make()?);
    made.extend(mixin::make()?);
    Ok(made)
}

/// The generated manifest.
pub fn manifest() -> Result<String, String> {
    let text = read_text(&manifest_path())?;
    let parts = [
        ("operations", operations()),
        ("config_schema", config_schema()?),
        ("input_schema", input_schema()?),
        ("output_schema", output_schema()?),
    ];
    let text = parts.iter().try_fold(text, |text, (key, value)| replaced(&text, key, value))?;
    let after = read_manifest(&text)?;
    match parts.iter().find(|(key, value)| after.get(*key) != Some(value)) {
        Some((key, _)) => Err(format!("{key} does not round-trip")),
        None => Ok(text),
    }
}

/// Replaces the value of a top-level key in a file's text.
fn replaced(text: &str, key: &str, value: &Value) -> Result<String, String> {
    let missing = || format!("the manifest has no top-level key {key}");
    let begin = text.find(&format!("\n{key}:\n")).ok_or_else(missing)? + 1;
    let (before, rest) = text.split_at(begin);
    // Find the next line that is not indented: another key, or its comment.
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
    use serde_json::json;

    use super::*;

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
