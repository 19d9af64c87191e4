//! A model of the schemas for both languages.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::reference::capital;

/// Maximum line length of text; types may be longer.
pub(super) const WIDTH: usize = 100;

/// All types in the schemas, with unique names.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) definitions: BTreeMap<String, Definition>,
    pub(super) operations: Vec<Operation>,
    /// The members of every successful response besides `operation` and `result`.
    pub(super) success: Object,
    /// The type of failure responses.
    pub(super) failure: Type,
}

#[derive(Debug)]
pub(super) struct Operation {
    pub(super) name: String,
    /// The prefix of its types' names.
    pub(super) prefix: String,
}

#[derive(Debug)]
pub(super) struct Definition {
    pub(super) description: String,
    pub(super) shape: Shape,
}

#[derive(Debug)]
pub(super) enum Shape {
    Alias(Type),
    Object(Object),
}

#[derive(Debug, Default)]
pub(super) struct Object {
    /// The object that this one extends.
    pub(super) base: Option<String>,
    pub(super) fields: Vec<Field>,
    /// Whether other fields are allowed.
    pub(super) open: bool,
    /// For a request, the field `operation`. TypeScript's `process` adds it automatically.
    pub(super) operation: Option<Field>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) required: bool,
    pub(super) ty: Type,
    /// Whether it overrides a field of the base.
    pub(super) overrides: Overrides,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Overrides {
    Nothing,
    Optional,
    Type,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Unknown,
    Null,
    Boolean,
    Integer,
    Number,
    Text,
    /// A string, an integer or a boolean.
    Literal(Value),
    List(Box<Type>),
    /// An object with arbitrary keys.
    Map(Box<Type>),
    Named(String),
    Union(Vec<Type>),
}

/// A union of the types; nested unions are flattened.
impl FromIterator<Type> for Type {
    fn from_iter<I: IntoIterator<Item = Type>>(choices: I) -> Type {
        let mut flat: Vec<Type> = Vec::new();
        for choice in choices {
            let inner = if let Type::Union(inner) = choice { inner } else { vec![choice] };
            for ty in inner {
                if !flat.contains(&ty) {
                    flat.push(ty);
                }
            }
        }
        if flat.contains(&Type::Unknown) {
            return Type::Unknown;
        }
        match flat.pop() {
            Some(only) if flat.is_empty() => only,
            last => Type::Union(flat.into_iter().chain(last).collect()),
        }
    }
}

/// Wraps text at `width`.
pub(super) fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Converts a name to PascalCase: `record_metric` to `RecordMetric`.
pub(super) fn pascal(name: &str) -> String {
    let words = name.split(|sign: char| !sign.is_ascii_alphanumeric());
    words.map(capital).collect()
}

/// Whether a key needs no quotes in either language.
pub(super) fn is_identifier(name: &str) -> bool {
    let is_letter = |sign: char| sign.is_ascii_alphabetic() || sign == '_';
    name.starts_with(is_letter) && name.chars().all(|sign| is_letter(sign) || sign.is_ascii_digit())
}
