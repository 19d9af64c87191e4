//! Generates TypeScript types.

use std::fmt::Write as _;

use serde_json::Value;

use super::model::{Field, Model, Object, Overrides, Shape, Type, WIDTH, is_identifier, lines};

/// What calls return. The manifest does not say what a call without an operation is.
const FUNCTIONS: &str = "
/** Runs the operation that `ctx` names. An empty `cfg` keeps the last one. */
export interface Process {
  /** Without an operation, a call with a metric's name is `record_metric`. */
  (ctx: { operation?: null } & RecordMetricRequest, cfg?: Configuration): Response<'record_metric'>;
  /** Without an operation and a metric's name, a call is `health_check`. */
  (
    ctx: { operation?: null; metric_name?: null } & HealthCheckRequest,
    cfg?: Configuration,
  ): Response<'health_check'>;
  <O extends Operation>(ctx: { operation: O } & Requests[O], cfg?: Configuration): Response<O>;
}

/** Checks every configured server. */
export type HealthCheck = () => Response<'health_check'>;
";

pub(super) fn render(model: &Model) -> String {
    let mut out = String::from(
        "// SPDX-License-Identifier: MIT\n\
         // Made from plug.yaml by `cargo xtask generate`; a test compares.\n\n",
    );
    for (name, definition) in &model.definitions {
        comment(&mut out, &definition.description, "");
        match &definition.shape {
            Shape::Alias(ty) => declaration(&mut out, "", &format!("export type {name} ="), ty),
            Shape::Object(object) => {
                let mut members = String::new();
                object.fields.iter().for_each(|field| member(&mut members, field));
                if object.open {
                    members.push_str("  [key: string]: unknown;\n");
                }
                let begin = if members.is_empty() { "" } else { "\n" };
                let _ = writeln!(out, "export interface {name}{} {{{begin}{members}}}", extends(object));
            }
        }
        out.push('\n');
    }
    out.push_str(
        "/** The name of an operation. */\n\
         export type Operation = keyof Requests;\n\n\
         /** The response of an operation that succeeded. */\n\
         export interface Success<O extends Operation = Operation> {\n  operation: O;\n  result: Results[O];\n",
    );
    model.success.fields.iter().for_each(|field| member(&mut out, field));
    let _ = write!(
        out,
        "}}\n\n/** What a call returns; `success` says which it is. */\n\
         export type Response<O extends Operation = Operation> = Success<O> | {};\n",
        expression(&model.failure)
    );
    out.push_str(FUNCTIONS);
    out
}

/// The `extends` clause. An interface cannot change the type of an inherited field, so such fields
/// are omitted from the base.
fn extends(object: &Object) -> String {
    let Some(base) = &object.base else { return String::new() };
    let replaced = object.fields.iter().filter(|field| field.overrides == Overrides::Type);
    let replaced: Vec<String> = replaced.map(|field| quoted(&field.name)).collect();
    if replaced.is_empty() {
        format!(" extends {base}")
    } else {
        format!(" extends Omit<{base}, {}>", replaced.join(" | "))
    }
}

fn member(out: &mut String, field: &Field) {
    comment(out, &field.description, "  ");
    let name = if is_identifier(&field.name) { field.name.clone() } else { quoted(&field.name) };
    let mark = if field.required { "" } else { "?" };
    declaration(out, "  ", &format!("{name}{mark}:"), &field.ty);
}

/// Writes a name and its type; the alternatives of a long union are on separate lines.
fn declaration(out: &mut String, indent: &str, head: &str, ty: &Type) {
    let line = format!("{indent}{head} {};\n", expression(ty));
    match ty {
        Type::Union(choices) if line.chars().count() > WIDTH => {
            let _ = write!(out, "{indent}{head}");
            for choice in choices {
                let _ = write!(out, "\n{indent}  | {}", expression(choice));
            }
            out.push_str(";\n");
        }
        _ => out.push_str(&line),
    }
}

fn expression(ty: &Type) -> String {
    match ty {
        Type::Unknown => "unknown".into(),
        Type::Null => "null".into(),
        Type::Boolean => "boolean".into(),
        Type::Integer | Type::Number => "number".into(),
        Type::Text => "string".into(),
        Type::Literal(Value::String(text)) => quoted(text),
        Type::Literal(value) => value.to_string(),
        Type::List(item) => match **item {
            Type::Union(_) => format!("({})[]", expression(item)),
            _ => format!("{}[]", expression(item)),
        },
        Type::Map(value) => format!("{{ [key: string]: {} }}", expression(value)),
        Type::Named(name) => name.clone(),
        Type::Union(choices) => choices.iter().map(expression).collect::<Vec<_>>().join(" | "),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.escape_default())
}

fn comment(out: &mut String, text: &str, indent: &str) {
    let text = text.replace("*/", "*\\/");
    let width = WIDTH - indent.len() - " * ".len();
    match lines(&text, width).as_slice() {
        [] => {}
        [line] if line.chars().count() + "/** */".len() < width => {
            let _ = writeln!(out, "{indent}/** {line} */");
        }
        lines => {
            let _ = writeln!(out, "{indent}/**");
            for line in lines {
                let _ = writeln!(out, "{indent} * {line}");
            }
            let _ = writeln!(out, "{indent} */");
        }
    }
}
