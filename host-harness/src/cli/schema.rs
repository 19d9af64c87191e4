//! What a JSON Schema says of an operation's fields, for `call OPERATION --help` and completions.

use std::collections::BTreeSet;

use plugpipe_harness::printable;
use serde_json::Value;

/// The field of a request that names its operation.
pub(super) const OPERATION: &str = "operation";

/// Maximum number of references that lead to a schema; a plug's schemas may refer to themselves.
const MAX_REFERENCES: usize = 16;

/// A field for the help of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) is_required: bool,
    /// The type in plain words.
    pub(super) kind: String,
    pub(super) description: String,
}

/// The fields of an operation except `operation` itself, required ones first.
pub(super) fn fields(schema: &Value) -> Vec<Field> {
    let required = required(schema);
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let fields = properties.filter(|(name, _)| *name != OPERATION);
    let mut fields: Vec<Field> = fields
        .map(|(name, property)| Field {
            name: name.clone(),
            is_required: required.contains(name.as_str()),
            kind: kind(schema, property),
            description: description(schema, property).to_owned(),
        })
        .collect();
    fields.sort_by_key(|field| !field.is_required);
    fields
}

/// Completions of a field on the command line, with what each is: `KEY=` and `KEY:=`, `KEY.` for
/// objects, and `KEY=VALUE` where the values are known. Required fields come first, and `given` are
/// left out.
pub(super) fn completions(schema: &Value, typed: &str, given: &BTreeSet<&str>) -> Vec<(String, String)> {
    if let Some((key, _)) = typed.split_once('=') {
        return values(schema, key);
    }
    let (parent, inside) = match typed.rsplit_once('.') {
        Some((path, _)) => (find(schema, path), format!("{path}.")),
        None => (Some(schema), String::new()),
    };
    let Some(parent) = parent else { return Vec::new() };
    let required = required(parent);
    let properties = parent.get("properties").and_then(Value::as_object).into_iter().flatten();
    let mut found: Vec<(bool, (String, String))> = properties
        .filter(|(name, _)| (!inside.is_empty() || *name != OPERATION) && is_word(name))
        .filter(|(name, _)| !given.contains(format!("{inside}{name}").as_str()))
        .map(|(name, property)| {
            let what = description(schema, property).lines().next().unwrap_or_default();
            let field = format!("{inside}{name}{}", sign(schema, property));
            (!required.contains(name.as_str()), (field, printable::line(what).into_owned()))
        })
        .collect();
    found.sort_by_key(|(is_optional, _)| *is_optional);
    found.into_iter().map(|(_, completion)| completion).collect()
}

/// Whether a plug's name may stand in a command line without quotes.
pub(super) fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// What stands between a field and its value.
fn sign(schema: &Value, property: &Value) -> &'static str {
    let one_of = alternatives(schema, property);
    let is_scalar = |one: &&Value| {
        let names = types(one);
        names.is_empty() || names.iter().any(|name| !matches!(*name, "array" | "object" | "null"))
    };
    match object(schema, property) {
        _ if one_of.iter().any(is_scalar) => "=",
        Some(_) => ".",
        None => ":=",
    }
}

fn values(schema: &Value, key: &str) -> Vec<(String, String)> {
    let property = match key.rsplit_once('.') {
        Some((path, name)) => find(schema, path).and_then(|parent| member(parent, name)),
        None => member(schema, key),
    };
    let mut found: Vec<String> = Vec::new();
    for one in property.map(|property| alternatives(schema, property)).unwrap_or_default() {
        found.extend(constants(one));
        if types(one).first() == Some(&"boolean") {
            found.extend(["true".to_owned(), "false".to_owned()]);
        }
    }
    found.retain(|value| value.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c)));
    found.into_iter().map(|value| (format!("{key}={value}"), String::new())).collect()
}

/// The object at a path of members.
fn find<'s>(schema: &'s Value, path: &str) -> Option<&'s Value> {
    path.split('.').try_fold(schema, |at, name| object(schema, member(at, name)?))
}

fn member<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    schema.get("properties")?.get(name)
}

/// The alternative of a schema that is an object.
fn object<'s>(schema: &'s Value, property: &'s Value) -> Option<&'s Value> {
    alternatives(schema, property).into_iter().find(|one| types(one).contains(&"object"))
}

fn required(schema: &Value) -> BTreeSet<&str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn text_of<'s>(schema: &'s Value, member: &str) -> Option<&'s str> {
    schema.get(member).and_then(Value::as_str)
}

/// A property's description, or that of the definition it refers to.
fn description<'s>(schema: &'s Value, property: &'s Value) -> &'s str {
    let own = text_of(property, "description");
    own.or_else(|| text_of(resolved(schema, property), "description")).unwrap_or_default()
}

/// The definition that a schema refers to in the end, or the schema itself.
fn resolved<'s>(schema: &'s Value, property: &'s Value) -> &'s Value {
    let referred = |property: &'s Value| {
        let name = text_of(property, "$ref")?.strip_prefix("#/$defs/")?;
        schema.get("$defs")?.get(name)
    };
    let mut at = property;
    for _ in 0..MAX_REFERENCES {
        match referred(at) {
            Some(next) => at = next,
            None => break,
        }
    }
    at
}

/// The schemas of which a value fulfills one: references are resolved, and null is left out.
fn alternatives<'s>(schema: &'s Value, property: &'s Value) -> Vec<&'s Value> {
    let mut found = Vec::new();
    let mut open = vec![(property, 0)];
    while let Some((at, depth)) = open.pop() {
        let at = resolved(schema, at);
        let list = ["anyOf", "oneOf", "allOf"].iter().find_map(|name| at.get(name).and_then(Value::as_array));
        match list {
            Some(list) if depth < MAX_REFERENCES && found.len() + open.len() < 100 => {
                open.extend(list.iter().rev().map(|one| (one, depth + 1)));
            }
            _ => found.push(at),
        }
    }
    found.retain(|one| types(one) != ["null"]);
    found
}

/// The names of a schema's types.
fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The values that a schema lists.
fn constants(schema: &Value) -> Vec<String> {
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten().chain(schema.get("const"));
    listed
        .filter(|value| !value.is_null() && value.as_str() != Some(""))
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect()
}

/// A type in plain words: text, number, true/false, object, a list of these, or the values.
fn kind(schema: &Value, property: &Value) -> String {
    joined(&words(schema, property, 0), " or ")
}

fn words(schema: &Value, property: &Value, depth: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut add = |word: String| {
        if !words.contains(&word) {
            words.push(word);
        }
    };
    for one in alternatives(schema, property) {
        constants(one).into_iter().for_each(&mut add);
        let names = types(one);
        // A field that takes text for a number, or a number for text, has its own type first.
        let scalar = names.iter().find_map(|name| match *name {
            "string" => Some("text"),
            "integer" => Some("whole number"),
            "number" => Some("number"),
            "boolean" => Some("true/false"),
            _ => None,
        });
        scalar.map(str::to_owned).into_iter().for_each(&mut add);
        if names.contains(&"array") {
            let items = one.get("items").filter(|_| depth < MAX_REFERENCES);
            let items = items.map(|items| words_of_items(schema, items, depth + 1)).unwrap_or_default();
            add(if items.is_empty() { "list".into() } else { format!("list of {items}") });
        }
        if names.contains(&"object") {
            add("object".into());
        }
    }
    words
}

fn words_of_items(schema: &Value, items: &Value, depth: usize) -> String {
    let plural = |word: String| match word.as_str() {
        "number" | "whole number" | "object" => format!("{word}s"),
        _ => word,
    };
    joined(&words(schema, items, depth).into_iter().map(plural).collect::<Vec<_>>(), " or ")
}

/// `a, b or c`.
fn joined(words: &[String], last: &str) -> String {
    match words.split_last() {
        Some((end, [])) => end.clone(),
        Some((end, begin)) => format!("{}{last}{end}", begin.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({
            "required": ["metric_name"],
            "properties": {
                "operation": {"const": "x"},
                "labels": {"$ref": "#/$defs/labels"},
                "kind": {"enum": ["counter", "gauge", "", null], "description": "Which."},
                "list": {"type": ["array", "null"], "items": {"type": "string"}},
                "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}},
                "any": {"anyOf": [{"type": ["string", "number", "null"]}, {"type": "null"}, {"$ref": "#/$defs/part"}]},
                "on": {"type": ["boolean", "string", "null"]},
                "count": {"type": ["integer", "string"]},
                "metric_name": {"$ref": "#/$defs/text"},
                "$(touch x)": {"type": "string"},
                "loop": {"$ref": "#/$defs/loop"},
            },
            "$defs": {
                "text": {"type": ["string", "number", "boolean"], "description": "A name."},
                "labels": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
                "part": {"type": "object", "properties": {"url": {"type": "string", "description": "Where.\nMore."}, "deep": {"$ref": "#/$defs/part"}}},
                "loop": {"$ref": "#/$defs/loop"},
            },
        })
    }

    #[test]
    fn types_are_in_plain_words() {
        let found: Vec<String> =
            fields(&schema()).iter().map(|field| format!("{} | {}", field.name, field.kind)).collect();
        for line in [
            "any | text or object",
            "count | whole number",
            "kind | counter or gauge",
            "labels | object",
            "list | list of text",
            "loop | ",
            "metric_name | text",
            "on | true/false",
            "parts | list of objects",
        ] {
            assert!(found.iter().any(|found| found == line), "{line}: {found:?}");
        }
        let named = fields(&schema()).into_iter().find(|field| field.name == "metric_name");
        assert!(named.is_some_and(|field| field.is_required && field.description == "A name."));
    }

    #[test]
    fn fields_complete_with_their_sign_and_known_values() {
        let complete = |typed: &str, given: &[&str]| -> Vec<String> {
            let found = completions(&schema(), typed, &given.iter().copied().collect());
            found.into_iter().map(|(field, _)| field).collect()
        };
        let all = complete("", &["count"]);
        assert_eq!(all.first().map(String::as_str), Some("metric_name="), "required fields come first: {all:?}");
        for field in ["labels.", "kind=", "list:=", "parts:=", "any=", "on="] {
            assert!(all.iter().any(|found| found == field), "{field}: {all:?}");
        }
        let unwanted =
            |field: &str| field.starts_with("count") || field.starts_with("operation") || field.contains('$');
        assert!(!all.iter().any(|field| unwanted(field)), "{all:?}");
        assert_eq!(complete("kind=", &[]), ["kind=counter", "kind=gauge"]);
        assert_eq!(complete("on=t", &[]), ["on=true", "on=false"]);
        assert_eq!(complete("any.", &[]), ["any.deep.", "any.url="]);
        assert_eq!(complete("any.deep.deep.u", &["any.url"]), ["any.deep.deep.deep.", "any.deep.deep.url="]);
        assert!(complete("labels.", &[]).is_empty() && complete("nothing.x", &[]).is_empty());
        let described = completions(&schema(), "any.", &BTreeSet::new());
        assert!(described.iter().any(|(field, what)| field == "any.url=" && what == "Where."), "{described:?}");
    }
}
