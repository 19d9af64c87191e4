//! `plugin/plug.yaml`'s operations and schemas, from the table of operations and the types that
//! read and write.

use std::path::PathBuf;

use monitoring_prometheus::schema::{config_schema, input_schema, operations, output_schema};
use serde_json::Value;

use crate::reference::{manifest_path, read_manifest};
use crate::{read_text, reference, types, write, yaml};

/// Writes all that is made of the plug's sources and of the manifest, and says which files those
/// are.
pub fn make() -> Result<Vec<PathBuf>, String> {
    write(&manifest_path(), manifest()?)?;
    reference::make()?;
    let mut made = vec![manifest_path(), reference::page_path()];
    made.extend(types::make()?);
    Ok(made)
}

/// The manifest as it is to be.
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
        Some((key, _)) => Err(format!("{key} is not read as it was written")),
        None => Ok(text),
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
