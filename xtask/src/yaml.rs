//! JSON Schemas as people read them in the manifest: what fits in a line is one, keys are in the
//! order in which a schema is understood, names in that of the alphabet.

use serde_json::{Map, Value};

/// The longest line, where a text is not longer by itself.
const WIDTH: usize = 100;

/// Keys of a schema in their order; others come after these.
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

/// Keys whose members have names of their own.
const NAMED: [&str; 2] = ["properties", "$defs"];

/// A schema under a key at the top of a file.
pub(crate) fn section(key: &str, schema: &Value) -> String {
    let mut out = String::new();
    entry(&mut out, key, schema, 0, false);
    out
}

/// `key: value`, from where the line stands.
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

/// The members, each from a line of its own; the first one of a list's item stands beside its dash.
fn object(out: &mut String, members: &Map<String, Value>, indent: usize, named: bool, mut begun: bool) {
    for (key, value) in sorted(members, named) {
        if !begun {
            out.push_str(&" ".repeat(indent));
        }
        begun = false;
        entry(out, key, value, indent, named);
    }
}

/// The items, with their dashes.
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

/// A text of several lines, each of which is a space for readers of YAML.
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

/// All of a value in one line.
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

/// A text within brackets, in quotes where it would be something else without.
fn plain(text: &str) -> String {
    if text.contains(|sign: char| ",[]{}".contains(sign)) { quoted(text) } else { plain_in_block(text) }
}

/// The same outside of brackets.
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
    fn what_is_written_is_read_back() {
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
