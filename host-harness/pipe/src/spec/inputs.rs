//! The inputs of a pipe.

use std::collections::BTreeMap;
use std::fmt;

use plugpipe_yaml::shape::{Shape, described_value};
use plugpipe_yaml::{Content, Node, nearest};
use serde_json::{Map, Value};

use super::fields::{flag, get};
use super::syntax;
use crate::problem::Problems;

/// The declaration of an input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InputDeclaration {
    /// Whether the input must be given if it has no default.
    pub required: bool,
    /// The type of the value.
    pub kind: Option<InputType>,
    /// The values that are accepted; any if empty.
    pub values: Vec<Value>,
    /// Whether the value is masked wherever it is printed or recorded.
    pub sensitive: bool,
}

/// Type of an input, named as in JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputType {
    /// A string.
    String,
    /// Any number.
    Number,
    /// A number without a fraction.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A mapping.
    Object,
    /// A list.
    Array,
}

type Inputs = (Map<String, Value>, BTreeMap<String, InputDeclaration>, Vec<String>);

/// The defaults, the declarations, and the paths of schemas that are not checked.
pub(super) fn read(document: &Node, problems: &mut Problems) -> Inputs {
    let (mut inputs, mut declarations, mut unchecked) = (Map::new(), BTreeMap::new(), Vec::new());
    let Some(Content::Map(given)) = get(document, "inputs").map(|inputs| &inputs.content) else {
        return (inputs, declarations, unchecked);
    };
    for (key, node) in given {
        let (name, path) = (key.name.clone(), format!("inputs.{}", key.name));
        if !is_declaration(node) {
            inputs.insert(name, node.to_value());
            continue;
        }
        let mut findings = Vec::new();
        Shape::Table(&syntax::INPUT).check(node, &path, &mut findings);
        problems.extend(findings);
        if get(node, "schema").is_some() {
            unchecked.push(format!("{path}.schema"));
        }
        let declaration = declaration(node);
        // Not `get`, because null is a valid default without a type.
        if let Some(default) = node.get("default") {
            match declaration.accept(of_type(default, declaration.kind)) {
                Ok(default) => _ = inputs.insert(name.clone(), default),
                Err(problem) => problems.error(&format!("{path}.default"), problem),
            }
        }
        declarations.insert(name, declaration);
    }
    (inputs, declarations, unchecked)
}

fn declaration(node: &Node) -> InputDeclaration {
    let kind = get(node, "type").and_then(|kind| InputType::of(kind.to_value().as_str()?));
    let values = match get(node, "enum").map(|values| &values.content) {
        Some(Content::List(values)) => values.iter().map(|value| of_type(value, kind)).collect(),
        _ => Vec::new(),
    };
    let is = |key: &str| get(node, key).and_then(flag).unwrap_or_default();
    InputDeclaration { required: is("required"), kind, values, sensitive: is("sensitive") }
}

/// Whether a mapping is a declaration, and not a value.
fn is_declaration(node: &Node) -> bool {
    const DECLARE: [&str; 6] = ["default", "enum", "required", "schema", "sensitive", "type"];
    let Content::Map(members) = &node.content else { return false };
    let names = || members.iter().map(|(key, _)| key.name.as_str());
    names().any(|name| DECLARE.contains(&name)) || (!members.is_empty() && names().all(|name| name == "description"))
}

/// The value; where a string is expected, the source text of a number or boolean.
fn of_type(node: &Node, kind: Option<InputType>) -> Value {
    match (kind, &node.content) {
        (Some(InputType::String), Content::Bool { written, .. } | Content::Number { written, .. }) => {
            Value::from(written.as_str())
        }
        _ => node.to_value(),
    }
}

impl InputDeclaration {
    /// The value, converted to the declared type. The error does not show a sensitive value.
    pub(super) fn accept(&self, value: Value) -> Result<Value, String> {
        let got = || if self.sensitive { "another value".to_owned() } else { described_value(&value) };
        let value = match self.kind {
            Some(kind) => kind.read(&value).ok_or_else(|| format!("expected {kind}, got {}", got()))?,
            None => value,
        };
        if self.values.is_empty() || self.values.contains(&value) {
            return Ok(value);
        }
        // Without a type, a command line's string may be meant as another value.
        let read = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        if let Some(read) = read.filter(|read| self.kind.is_none() && self.values.contains(read)) {
            return Ok(read);
        }
        let expected: Vec<String> = self.values.iter().map(described_value).collect();
        let words = self.values.iter().filter_map(Value::as_str);
        let (got, near) = if self.sensitive {
            ("another value".to_owned(), String::new())
        } else {
            (described_value(&value), value.as_str().map(|text| nearest(text, words)).unwrap_or_default())
        };
        Err(format!("expected one of {}, got {got}{near}", expected.join(", ")))
    }
}

impl InputType {
    const ALL: [InputType; 6] = [
        InputType::String,
        InputType::Number,
        InputType::Integer,
        InputType::Boolean,
        InputType::Object,
        InputType::Array,
    ];

    fn of(name: &str) -> Option<InputType> {
        InputType::ALL.into_iter().find(|kind| kind.to_string() == name)
    }

    /// The value if it has this type, or a string converted to it.
    fn read(self, value: &Value) -> Option<Value> {
        if self.matches(value) {
            return Some(value.clone());
        }
        let read = value.as_str().and_then(|text| serde_json::from_str(text.trim()).ok());
        read.filter(|read| self.matches(read))
    }

    fn matches(self, value: &Value) -> bool {
        match self {
            InputType::String => value.is_string(),
            InputType::Number => value.is_number(),
            InputType::Integer => value.is_i64() || value.is_u64(),
            InputType::Boolean => value.is_boolean(),
            InputType::Object => value.is_object(),
            InputType::Array => value.is_array(),
        }
    }
}

impl fmt::Display for InputType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InputType::String => "string",
            InputType::Number => "number",
            InputType::Integer => "integer",
            InputType::Boolean => "boolean",
            InputType::Object => "object",
            InputType::Array => "array",
        })
    }
}
