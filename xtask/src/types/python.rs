//! Generates Python types, for 3.9 and newer.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::model::{Definition, Field, Model, Object, Operation, Overrides, Shape, Type, WIDTH, is_identifier, lines};

/// Reserved words, which cannot be field names.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

pub(super) fn render(model: &Model) -> String {
    let mut out = String::from(
        "# SPDX-FileCopyrightText: 2025 PlugPipe Team\n\
         # SPDX-License-Identifier: MIT\n\
         # Made from plug.yaml by `cargo xtask generate`; a test compares.\n\
         \"\"\"Types of the plug's requests, settings and responses.\"\"\"\n\n\
         from __future__ import annotations\n\n\
         from typing import Any, Dict, List, Literal, TypedDict, Union\n",
    );
    let mut placed = BTreeSet::new();
    for name in model.definitions.keys() {
        place(&mut out, model, name, &mut placed);
    }
    let operations: Type =
        model.operations.iter().map(|operation| Type::Literal(operation.name.clone().into())).collect();
    out.push_str("\n\n# The name of an operation.\n");
    assigned(&mut out, "Operation", &operations);
    class(&mut out, "Success", "What the response of every operation that succeeded has.", &model.success);
    for operation in &model.operations {
        response(&mut out, operation, &model.failure);
    }
    out
}

/// Writes a definition after its dependencies: the base of a class, or the target of an alias.
fn place<'m>(out: &mut String, model: &'m Model, name: &'m str, placed: &mut BTreeSet<&'m str>) {
    let Some(definition) = model.definitions.get(name) else { return };
    if !placed.insert(name) {
        return;
    }
    if let Shape::Object(Object { base: Some(above), .. }) | Shape::Alias(Type::Named(above)) = &definition.shape {
        place(out, model, above, placed);
    }
    define(out, name, definition);
}

fn define(out: &mut String, name: &str, definition: &Definition) {
    match &definition.shape {
        Shape::Alias(ty) => {
            out.push_str("\n\n");
            comment(out, &definition.description, "");
            assigned(out, name, ty);
        }
        Shape::Object(object) => class(out, name, &definition.description, object),
    }
}

/// Writes the response types of an operation.
fn response(out: &mut String, Operation { name, prefix }: &Operation, failure: &Type) {
    let _ = write!(
        out,
        "\n\nclass {prefix}Success(Success):\n    \"\"\"The response of `{name}` that succeeded.\"\"\"\n\n    \
         operation: Literal[\"{name}\"]\n    result: {prefix}Result\n\n\n\
         {prefix}Response = Union[{prefix}Success, {}]\n",
        expression(failure, false)
    );
}

/// Writes a type alias. It is evaluated at import, so forward references are quoted.
fn assigned(out: &mut String, name: &str, ty: &Type) {
    match ty {
        Type::Named(other) => {
            let _ = writeln!(out, "{name} = {other}");
        }
        _ => declaration(out, "", &format!("{name} ="), ty, true, ""),
    }
}

/// Writes a class. Its fields are either all required or all optional; other fields, and those
/// whose names are not valid in a class, are in a base class.
fn class(out: &mut String, name: &str, description: &str, object: &Object) {
    let fields = object.operation.iter().chain(&object.fields);
    let (named, keyed): (Vec<&Field>, Vec<&Field>) = fields.partition(|field| is_field(&field.name));
    let mut bases: Vec<String> = object.base.iter().cloned().collect();
    for (required, suffix, total) in [(true, "RequiredKeys", ""), (false, "Keys", ", total=False")] {
        let keyed: Vec<&Field> = keyed.iter().copied().filter(|field| field.required == required).collect();
        if !keyed.is_empty() {
            let base = format!("_{name}{suffix}");
            functional(out, &base, &keyed, total);
            bases.push(base);
        }
    }
    let (required, optional): (Vec<&Field>, Vec<&Field>) = named.into_iter().partition(|field| field.required);
    let (last, total) = if optional.is_empty() {
        (required, "")
    } else {
        if !required.is_empty() {
            let base = format!("_{name}Required");
            let _ = write!(out, "\n\nclass {base}(TypedDict):");
            body(out, &format!("What {name} must have."), &required, "");
            bases.push(base);
        }
        (optional, ", total=False")
    };
    if bases.is_empty() {
        bases.push("TypedDict".into());
    }
    // Type checkers require a field to be the same in all bases; the schemas do not.
    let is_merged = object.fields.iter().any(|field| field.overrides != Overrides::Nothing && !last.contains(&field));
    let ignored = if is_merged { IGNORE } else { "" };
    let _ = write!(out, "\n\nclass {name}({}{total}):{ignored}", bases.join(", "));
    body(out, description, &last, if object.base.is_some() { IGNORE } else { "" });
}

/// For a class that narrows a field of its base.
const IGNORE: &str = "  # type: ignore[misc]";

/// Writes the body of a class, with `narrowing` after fields that override the base's.
fn body(out: &mut String, description: &str, fields: &[&Field], narrowing: &str) {
    out.push('\n');
    docstring(out, description);
    if !fields.is_empty() {
        out.push('\n');
    }
    for field in fields {
        comment(out, &field.description, "    ");
        let after = if field.overrides == Overrides::Nothing { "" } else { narrowing };
        declaration(out, "    ", &format!("{}:", field.name), &field.ty, false, after);
    }
}

/// Writes a class in functional syntax, which allows any field name.
fn functional(out: &mut String, name: &str, fields: &[&Field], total: &str) {
    let _ = write!(out, "\n\n{name} = TypedDict(\n    \"{name}\",\n    {{\n");
    for field in fields {
        comment(out, &field.description, "        ");
        let _ = writeln!(out, "        {}: {},", quoted(&field.name), expression(&field.ty, true));
    }
    out.push_str("    },\n");
    if !total.is_empty() {
        out.push_str("    total=False,\n");
    }
    out.push_str(")\n");
}

/// Writes a name and its type; the alternatives of a long union are on separate lines.
fn declaration(out: &mut String, indent: &str, head: &str, ty: &Type, runs: bool, after: &str) {
    let line = format!("{indent}{head} {}{after}\n", expression(ty, runs));
    match ty {
        Type::Union(choices) if line.chars().count() > WIDTH => {
            let (kind, choices) = union(choices, runs);
            let _ = writeln!(out, "{indent}{head} {kind}[{after}");
            for choice in choices {
                let _ = writeln!(out, "{indent}    {choice},");
            }
            let _ = writeln!(out, "{indent}]");
        }
        _ => out.push_str(&line),
    }
}

/// A type expression. `runs` means that it is evaluated at import, unlike annotations.
fn expression(ty: &Type, runs: bool) -> String {
    match ty {
        Type::Unknown => "Any".into(),
        Type::Null => "None".into(),
        Type::Boolean => "bool".into(),
        Type::Integer => "int".into(),
        Type::Number => "float".into(),
        Type::Text => "str".into(),
        Type::Literal(value) => format!("Literal[{}]", literal(value)),
        Type::List(item) => format!("List[{}]", expression(item, runs)),
        Type::Map(value) => format!("Dict[str, {}]", expression(value, runs)),
        Type::Named(name) if runs => quoted(name),
        Type::Named(name) => name.clone(),
        Type::Union(choices) => {
            let (kind, choices) = union(choices, runs);
            format!("{kind}[{}]", choices.join(", "))
        }
    }
}

/// The alternatives, with all literals combined.
fn union(choices: &[Type], runs: bool) -> (&'static str, Vec<String>) {
    let literals: Vec<String> = choices
        .iter()
        .filter_map(|ty| if let Type::Literal(value) = ty { Some(literal(value)) } else { None })
        .collect();
    let others = choices.iter().filter(|ty| !matches!(ty, Type::Literal(_))).map(|ty| expression(ty, runs));
    let others: Vec<String> = others.collect();
    if others.is_empty() {
        return ("Literal", literals);
    }
    let literals = (!literals.is_empty()).then(|| format!("Literal[{}]", literals.join(", ")));
    ("Union", literals.into_iter().chain(others).collect())
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        other => other.to_string(),
    }
}

/// A JSON string is also a Python string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Whether the name is valid for a class field. Python mangles names that begin with two
/// underscores.
fn is_field(name: &str) -> bool {
    is_identifier(name) && !KEYWORDS.contains(&name) && !name.starts_with("__")
}

fn comment(out: &mut String, text: &str, indent: &str) {
    for line in lines(text, WIDTH - indent.len() - "# ".len()) {
        let _ = writeln!(out, "{indent}# {line}");
    }
}

fn docstring(out: &mut String, text: &str) {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    let lines = lines(&text, WIDTH - "    \"\"\"\"\"\"".len());
    let _ = write!(out, "    \"\"\"{}", lines.join("\n    "));
    out.push_str(if lines.len() > 1 { "\n    \"\"\"\n" } else { "\"\"\"\n" });
}
