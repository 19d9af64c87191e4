//! What documents may contain: one table for each kind of mapping, from which come the keys that a
//! reader knows, the problems of a document, and a JSON Schema for editors.

use serde_json::{Map, Value, json};

use crate::{Content, Node, Position, nearest};

/// The shape of a value. A value that is null counts as absent.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Any value.
    Any,
    /// A string that is not blank.
    Name,
    /// A string, number or boolean.
    Scalar,
    /// A number, or a string that the reader parses.
    Number,
    /// `true` or `false`.
    Flag,
    /// One of these strings.
    Words(&'static [&'static str]),
    /// A mapping with any members.
    Mapping,
    /// A mapping from any key.
    MapOf(&'static Shape),
    /// A list with items of this shape.
    List(&'static Shape),
    /// A mapping with known keys.
    Table(&'static Table),
    /// The same, whose value an error does not show: it may be a secret.
    Hidden(&'static Table),
    /// One of several shapes, which differ in type.
    Either(&'static [Shape]),
}

/// A mapping with known keys.
#[derive(Debug)]
pub struct Table {
    /// What has these keys, such as `a step`.
    pub what: &'static str,
    /// The keys, in the order of documents.
    pub keys: &'static [KeyOf],
    /// Whether an unknown key is only a warning. Keys that begin with `x-` are then known too.
    pub open: bool,
    /// A value must have one of these keys, if there are any.
    pub any_of: &'static [&'static str],
}

/// A known key of a mapping.
#[derive(Debug)]
pub struct KeyOf {
    /// The key.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// The shape of its value.
    pub shape: Shape,
}

/// A key with its meaning and the shape of its value.
pub const fn key(name: &'static str, doc: &'static str, shape: Shape) -> KeyOf {
    KeyOf { name, doc, shape }
}

/// Something in a document that a reader does not accept, or ignores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is only a warning.
    pub is_warning: bool,
    /// The path, such as `steps[1].on_error`; empty for the whole document.
    pub path: String,
    /// The problem, what was expected, and what to do.
    pub message: String,
    /// Where it is written.
    pub position: Position,
}

impl Table {
    /// Whether the key is known.
    pub fn knows(&self, name: &str) -> bool {
        self.names().any(|known| known == name) || (self.open && name.starts_with("x-"))
    }

    /// The known keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }

    /// Whether a document has any of the keys, which tells that it is such a file.
    pub fn is_meant(&self, document: &Node) -> bool {
        self.names().any(|name| document.get(name).is_some())
    }

    /// What to say of an unknown key.
    pub fn unknown(&self, name: &str) -> String {
        let nearest = nearest(name, self.names());
        if nearest.is_empty() {
            let names: Vec<&str> = self.names().collect();
            return format!("unknown key; {} has {}", self.what, names.join(", "));
        }
        format!("unknown key{nearest}")
    }

    /// A JSON Schema of draft 2020-12 for documents of this shape.
    pub fn json_schema(&self, title: &str, description: &str) -> Value {
        let mut schema = self.schema();
        if let Some(members) = schema.as_object_mut() {
            members.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
            members.insert("title".into(), title.into());
            members.insert("description".into(), description.into());
        }
        schema
    }

    fn schema(&self) -> Value {
        let mut properties = Map::new();
        for key in self.keys {
            let mut schema = key.shape.schema();
            if let Some(members) = schema.as_object_mut() {
                members.insert("description".into(), key.doc.into());
            }
            properties.insert(key.name.into(), schema);
        }
        let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
        if let (true, Some(members)) = (self.open, schema.as_object_mut()) {
            members.insert("patternProperties".into(), json!({"^x-": {}}));
        }
        if let (false, Some(members)) = (self.any_of.is_empty(), schema.as_object_mut()) {
            let any: Vec<Value> = self.any_of.iter().map(|name| json!({"required": [name]})).collect();
            members.insert("anyOf".into(), any.into());
        }
        schema
    }
}

impl Shape {
    /// Adds what is wrong with a value, at any depth. `path` is its path.
    pub fn check(&self, node: &Node, path: &str, findings: &mut Vec<Finding>) {
        let mut fault = |message: String| {
            findings.push(Finding { is_warning: false, path: path.to_owned(), message, position: node.position });
        };
        if matches!(node.content, Content::Null) {
            return;
        }
        if !self.fits(node) {
            let got = if matches!(self, Self::Hidden(_)) { "another value".into() } else { described(node) };
            return fault(format!("expected {}, got {got}", self.expected()));
        }
        match (self, &node.content) {
            (Self::Words(words), Content::Text(text)) if !words.contains(&text.as_str()) => {
                let nearest = nearest(text, words.iter().copied());
                fault(format!("expected {}, got {}{nearest}", self.expected(), described(node)));
            }
            (Self::List(shape), Content::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    shape.check(item, &format!("{path}[{index}]"), findings);
                }
            }
            (Self::MapOf(shape), Content::Map(members)) => {
                for (key, member) in members {
                    shape.check(member, &joined(path, &key.name), findings);
                }
            }
            (Self::Table(table) | Self::Hidden(table), Content::Map(members)) => {
                for (key, member) in members {
                    let path = joined(path, &key.name);
                    match table.keys.iter().find(|known| known.name == key.name) {
                        Some(known) => known.shape.check(member, &path, findings),
                        None if table.knows(&key.name) => {}
                        None => findings.push(Finding {
                            is_warning: table.open,
                            path,
                            message: table.unknown(&key.name),
                            position: key.position,
                        }),
                    }
                }
            }
            (Self::Either(shapes), _) => {
                if let Some(shape) = shapes.iter().find(|shape| shape.fits(node)) {
                    shape.check(node, path, findings);
                }
            }
            _ => {}
        }
    }

    /// Whether the value has the type of this shape.
    fn fits(&self, node: &Node) -> bool {
        match (self, &node.content) {
            (Self::Any, _)
            | (Self::Words(_), Content::Text(_))
            | (Self::Mapping | Self::MapOf(_) | Self::Table(_) | Self::Hidden(_), Content::Map(_))
            | (Self::List(_), Content::List(_))
            | (Self::Flag, Content::Bool { .. })
            | (Self::Scalar, Content::Text(_) | Content::Bool { .. } | Content::Number { .. })
            | (Self::Number, Content::Number { .. }) => true,
            (Self::Name | Self::Number, Content::Text(text)) => !text.trim().is_empty(),
            (Self::Either(shapes), _) => shapes.iter().any(|shape| shape.fits(node)),
            _ => false,
        }
    }

    fn expected(&self) -> String {
        match self {
            Self::Any => "a value".into(),
            Self::Name => "a name".into(),
            Self::Scalar => "text".into(),
            Self::Number => "a number".into(),
            Self::Flag => "true or false".into(),
            Self::Words(words) => match words {
                [words @ .., last] if !words.is_empty() => format!("{} or {last}", words.join(", ")),
                _ => words.concat(),
            },
            Self::Mapping | Self::MapOf(_) => "a mapping".into(),
            Self::Table(table) | Self::Hidden(table) => format!("a mapping, {}", table.what),
            Self::List(_) => "a list".into(),
            Self::Either(shapes) => shapes.iter().map(Self::expected).collect::<Vec<_>>().join(" or "),
        }
    }

    fn schema(&self) -> Value {
        match self {
            Self::Any => json!({}),
            Self::Name => json!({"type": "string", "minLength": 1}),
            Self::Scalar => json!({"type": ["string", "number", "boolean"]}),
            Self::Number => json!({"type": ["number", "string"]}),
            Self::Flag => json!({"type": "boolean"}),
            Self::Words(words) => json!({"type": "string", "enum": words}),
            Self::Mapping => json!({"type": ["object", "null"]}),
            Self::MapOf(shape) => json!({"type": ["object", "null"], "additionalProperties": shape.schema()}),
            Self::List(shape) => json!({"type": ["array", "null"], "items": shape.schema()}),
            Self::Table(table) | Self::Hidden(table) => table.schema(),
            Self::Either(shapes) => {
                json!({"anyOf": shapes.iter().map(Self::schema).collect::<Vec<_>>()})
            }
        }
    }
}

/// The path of a member.
pub fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Describes a value for errors: scalars as truncated JSON, collections by type.
pub fn described(node: &Node) -> String {
    match &node.content {
        Content::Null => "nothing".to_owned(),
        Content::List(items) if items.is_empty() => "an empty list".to_owned(),
        Content::List(_) => "a list".to_owned(),
        Content::Map(_) => "a mapping".to_owned(),
        Content::Bool { .. } | Content::Number { .. } | Content::Text(_) => described_scalar(&node.to_value()),
    }
}

/// The same for a value that is not in a document.
pub fn described_value(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        scalar => described_scalar(scalar),
    }
}

fn described_scalar(scalar: &Value) -> String {
    const MAX_LEN: usize = 60;
    match scalar {
        Value::String(text) if text.chars().count() > MAX_LEN => {
            format!("{:?}…", text.chars().take(MAX_LEN).collect::<String>())
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    static INNER: Table = Table {
        what: "an inner one",
        keys: &[key("count", "How many.", Shape::Number), key("mode", "How.", Shape::Words(&["fast", "slow"]))],
        open: false,
        any_of: &["count", "mode"],
    };

    static OUTER: Table = Table {
        what: "an outer one",
        keys: &[
            key("name", "Its name.", Shape::Name),
            key("list", "A list.", Shape::List(&Shape::Table(&INNER))),
            key("flag", "A flag or a word.", Shape::Either(&[Shape::Flag, Shape::Words(&["maybe"])])),
            key("by", "By name.", Shape::MapOf(&Shape::Name)),
        ],
        open: true,
        any_of: &[],
    };

    #[test]
    fn all_findings_come_at_once_with_positions_and_suggestions() {
        let text = "nmae: x\nname: [1]\nx-any: 1\nlist:\n  - {count: 1, mod: fast}\n  - 3\n  - {mode: fsat}\nflag: 7\nby: {a: {}}\nnull_: ~\n";
        let mut findings = Vec::new();
        Shape::Table(&OUTER).check(&crate::read(text).unwrap(), "", &mut findings);
        let told: Vec<String> = findings
            .iter()
            .map(|finding| {
                let Position { line, column } = finding.position;
                let kind = if finding.is_warning { "warning" } else { "error" };
                format!("{line}:{column} {kind} {}: {}", finding.path, finding.message)
            })
            .collect();
        assert_eq!(
            told,
            [
                "1:1 warning nmae: unknown key; did you mean name?",
                "2:7 error name: expected a name, got a list",
                "5:16 error list[0].mod: unknown key; did you mean mode?",
                "6:5 error list[1]: expected a mapping, an inner one, got 3",
                "7:12 error list[2].mode: expected fast or slow, got \"fsat\"; did you mean fast?",
                "8:7 error flag: expected true or false or maybe, got 7",
                "9:9 error by.a: expected a name, got a mapping",
                "10:1 warning null_: unknown key; an outer one has name, list, flag, by",
            ]
        );
    }

    #[test]
    fn the_schema_has_the_keys_and_their_meaning() {
        let schema = OUTER.json_schema("Outer", "All.");
        assert_eq!(schema["title"], "Outer");
        assert_eq!(schema["properties"]["name"]["description"], "Its name.");
        assert_eq!(schema["properties"]["list"]["items"]["additionalProperties"], false);
        assert_eq!(schema["properties"]["list"]["items"]["anyOf"][1]["required"][0], "mode");
        assert_eq!(schema["patternProperties"], json!({"^x-": {}}));
    }
}
