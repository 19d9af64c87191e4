//! Reads members of a pipe's mappings.

use plugpipe_yaml::shape::joined;
use plugpipe_yaml::{Content, Node};
use serde_json::{Map, Value};

use crate::problem::Problems;

/// Reports unsupported keys that are not empty.
pub(super) fn reject_unsupported(node: &Node, path: &str, unsupported: &[(&str, &str)], problems: &mut Problems) {
    for (key, advice) in unsupported {
        let empty = match get(node, key).map(|value| &value.content) {
            None => true,
            Some(Content::List(items)) => items.is_empty(),
            Some(Content::Map(members)) => members.is_empty(),
            Some(_) => false,
        };
        if !empty {
            problems.error(&joined(path, key), format!("is not supported: {advice}"));
        }
    }
}

/// The member, unless it has no value (`inputs:` with nothing after it).
pub(super) fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    node.get(key).filter(|value| !matches!(value.content, Content::Null))
}

/// The text of a string that is not blank.
pub(super) fn name(node: &Node) -> Option<String> {
    match &node.content {
        Content::Text(text) if !text.trim().is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// The source text of a scalar.
pub(super) fn written(node: &Node) -> Option<String> {
    match node.to_written() {
        Value::String(text) => Some(text),
        scalar @ (Value::Bool(_) | Value::Number(_)) => Some(scalar.to_string()),
        _ => None,
    }
}

pub(super) fn flag(node: &Node) -> Option<bool> {
    match node.content {
        Content::Bool { value, .. } => Some(value),
        _ => None,
    }
}

/// The members of a mapping; none of another value.
pub(super) fn members(node: &Node) -> Map<String, Value> {
    match node.to_value() {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
