//! What the schemas describe, in the terms of both languages.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::reference::capital;

/// The longest line of text; a type may be longer by itself.
pub(super) const WIDTH: usize = 100;

/// What the schemas describe, with names that are unique among all of them.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) definitions: BTreeMap<String, Definition>,
    pub(super) operations: Vec<Operation>,
    /// What every response that is no failure has beside `operation` and `result`.
    pub(super) success: Object,
    /// The type of other responses.
    pub(super) failure: Type,
}

#[derive(Debug)]
pub(super) struct Operation {
    pub(super) name: String,
    /// The beginning of its types' names.
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
    /// Another object, whose fields this one has too.
    pub(super) base: Option<String>,
    pub(super) fields: Vec<Field>,
    /// Whether it may have fields that are not named here.
    pub(super) open: bool,
    /// Of a request: the operations that take it. TypeScript's `process` adds that by itself.
    pub(super) operation: Option<Field>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) required: bool,
    pub(super) ty: Type,
    /// Whether the base has it too, with another type or not required.
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
    /// A text, a whole number or a flag.
    Literal(Value),
    List(Box<Type>),
    /// An object with names of its own.
    Map(Box<Type>),
    Named(String),
    Union(Vec<Type>),
}

/// One of these; what stands in a union within is one of them too.
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

/// A text in lines of this width at most.
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

/// A name of the manifest in the way of both languages: `record_metric` is `RecordMetric`.
pub(super) fn pascal(name: &str) -> String {
    let words = name.split(|sign: char| !sign.is_ascii_alphanumeric());
    words.map(capital).collect()
}

/// Whether a key needs no quotes, in either language.
pub(super) fn is_identifier(name: &str) -> bool {
    let is_letter = |sign: char| sign.is_ascii_alphabetic() || sign == '_';
    name.starts_with(is_letter) && name.chars().all(|sign| is_letter(sign) || sign.is_ascii_digit())
}
