//! Formats JSON Schemas for the manifest: values that fit are on one line, schema keywords are in a
//! logical order, and names are sorted.

use serde_json::{Map, Value};

/// Maximum line length, except for long words.
const WIDTH: usize = 100;

/// The order of schema keywords; others follow.
const ORDER: [&str; 23] = [
    "$schema",
    "if",
    "then",
    "$ref",
    "type",
    "const",
    "enum",
    "minimum",
    "maximum",
    "description",
    "default",
    "x-configuration-only",
    "required",
    "anyOf",
    "oneOf",
    "minItems",
    "maxItems",
    "items",
    "properties",
    "additionalProperties",
    "not",
    "allOf",
    "$defs",
];

/// Keywords whose members are names.
const NAMED: [&str; 2] = ["properties", "$defs"];

/// Formats a schema under a top-level key.
pub(crate) fn section(key: &str, schema: &Value) -> String {
    let mut out = String::new();
    entry(&mut out, key, schema, 0, false);
    out
}

/// Writes `key: value` at the current position.
fn entry(out: &mut String, key: &str, value: &Value, indent: usize, named: bool) {
    let is_named = !named && NAMED.contains(&key);
    let flow = value.as_str().map_or_else(|| flow(value, is_named), plain_in_block);
    let key = plain(key);
    let fits = indent + key.len() + 2 + flow.len() <= WIDTH;
    out.push_str(&key);
    match value {
        _ if fits => {
            out.push_str(": ");
            out.push_str(&flow);
            out.push('\n');
        }
        Value::Object(members) => {
            out.push_str(":\n");
            object(out, members, indent + 2, is_named, false);
        }
        Value::Array(items) => {
            out.push_str(":\n");
            list(out, items, indent);
        }
        Value::String(text) => folded(out, text, indent + 2),
        _ => {
            out.push_str(": ");
            out.push_str(&flow);
            out.push('\n');
        }
    }
}

/// Writes the members on separate lines; the first one of a list item follows the dash.
fn object(out: &mut String, members: &Map<String, Value>, indent: usize, named: bool, mut begun: bool) {
    for (key, value) in sorted(members, named) {
        if !begun {
            out.push_str(&" ".repeat(indent));
        }
        begun = false;
        entry(out, key, value, indent, named);
    }
}

/// Writes the items with dashes.
fn list(out: &mut String, items: &[Value], indent: usize) {
    for item in items {
        let flow = flow(item, false);
        out.push_str(&" ".repeat(indent));
        out.push_str("- ");
        match item {
            Value::Object(members) if indent + 2 + flow.len() > WIDTH => {
                object(out, members, indent + 2, false, true);
            }
            _ => {
                out.push_str(&flow);
                out.push('\n');
            }
        }
    }
}

/// Writes a folded block scalar.
fn folded(out: &mut String, text: &str, indent: usize) {
    out.push_str(": >-");
    let mut column = WIDTH;
    for word in text.split(' ') {
        if column + 1 + word.len() > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.chars().count();
    }
    out.push('\n');
}

/// Formats a value in flow style on one line.
fn flow(value: &Value, named: bool) -> String {
    match value {
        Value::String(text) => plain(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, false)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| {
                format!("{}: {}", plain(key), flow(value, !named && NAMED.contains(&key.as_str())))
            };
            let members: Vec<String> = sorted(members, named).into_iter().map(member).collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

fn sorted(members: &Map<String, Value>, named: bool) -> Vec<(&String, &Value)> {
    let place = |key: &str| ORDER.iter().position(|own| *own == key).unwrap_or(ORDER.len());
    let mut members: Vec<(&String, &Value)> = members.iter().collect();
    members.sort_by_key(|(key, _)| (if named { 0 } else { place(key) }, *key));
    members
}

/// A scalar in flow style, quoted if necessary.
fn plain(text: &str) -> String {
    if text.contains(|sign: char| ",[]{}".contains(sign)) { quoted(text) } else { plain_in_block(text) }
}

/// A scalar in block style, quoted if necessary.
fn plain_in_block(text: &str) -> String {
    let is_other = |word: &&str| text.eq_ignore_ascii_case(word);
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || "_$".contains(first))
        && !text.ends_with([':', ' '])
        && ![": ", " #"].iter().any(|part| text.contains(part))
        && !text.contains(char::is_control)
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].iter().any(is_other);
    if is_plain { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn formatted_schemas_round_trip() {
        let long = "It's a text: longer than a line, # and with [signs] of YAML; ".repeat(3);
        let schema = json!({
            "type": ["object", "null"],
            "description": long.trim(),
            "properties": {
                "type": {"enum": ["on", "1", "", null, 1, "a b", "~", "-", "it's", "x: y", "null"]},
                "properties": {"$ref": "#/$defs/text", "default": [0.005, 1, 300], "description": long.trim()},
                "on": {},
                "match[]": {"items": {}, "minItems": 1},
            },
            "allOf": [
                {"if": {"properties": {"operation": {"const": "a"}}}, "then": {"description": long.trim()}},
                {"required": ["a"]},
            ],
        });
        let written = section("input_schema", &schema);
        let read: Value = serde_saphyr::from_str(&written).unwrap();
        assert_eq!(read, json!({"input_schema": schema}), "{written}");
        assert!(written.lines().all(|line| line.len() <= WIDTH), "{written}");
    }
}
