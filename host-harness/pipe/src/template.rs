//! Templates in a step's fields and in `when`.
//!
//! Only the pipe's author writes templates: values from outside (inputs, responses of plugs) are
//! inserted as they are and never evaluated. Templates have no access to files, the environment or
//! a clock.

use std::borrow::Cow;
use std::fmt;

use minijinja::value::{Serde, ValueKind};
use minijinja::{AutoEscape, Environment, ErrorKind, Expression, UndefinedBehavior};
use plugpipe_yaml::known_stack;
use serde_json::{Map, Value};

/// How much work one template may be: about one for each of its instructions, and for every 64
/// bytes that it makes. Templates of pipes need some hundreds.
const MAX_WORK: u64 = 1_000_000;

/// The longest template, in bytes.
const MAX_TEMPLATE_LEN: usize = 1024 * 1024;

/// The longest expression or tag, in bytes. The engine's parser, its compiler and the tree between
/// them go one level deeper for an operator, so this bounds how deep they go.
const MAX_TAG_LEN: usize = 8 * 1024;

/// The most `elif` tags in a template: each nests the rest of its `if` one level deeper.
const MAX_ELIFS: usize = 500;

/// The deepest value that an expression gives a field. Plugs read no deeper ones, and what becomes
/// of the value is not done on a stack of known size.
const MAX_VALUE_DEPTH: usize = 127;

/// How much of a template an error quotes, in characters.
const QUOTED: usize = 160;

/// The variables of a template.
pub(super) struct Scope {
    variables: Map<String, Value>,
    /// The same, as the engine wants it: converted once for all fields of a step.
    engine: minijinja::Value,
}

impl Scope {
    pub(super) fn new(variables: Map<String, Value>) -> Scope {
        let engine = minijinja::Value::from(Serde(&variables));
        Scope { variables, engine }
    }
}

/// The names and, for those that have fields, their fields: `inputs {env}, pipeline {name,
/// success}`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self
            .variables
            .iter()
            .filter(|(name, _)| *name != "input") // another name of `inputs`
            .map(|(name, value)| match value.as_object() {
                Some(fields) => {
                    let fields: Vec<&str> = fields.keys().map(String::as_str).collect();
                    format!("{name} {{{}}}", fields.join(", "))
                }
                None => name.clone(),
            })
            .collect();
        f.write_str(&names.join(", "))
    }
}

/// Why a template cannot be evaluated.
#[derive(Debug, thiserror::Error)]
#[error("{field}: cannot evaluate {template:?}: {problem}")]
pub(super) struct TemplateError {
    /// Path of the string within the step's fields, such as `labels.status` or `metrics[0].value`;
    /// or `when`.
    field: String,
    template: String,
    problem: String,
}

/// The template engine, set up for pipes.
pub(super) struct Templates {
    engine: Environment<'static>,
}

impl Templates {
    pub(super) fn new() -> Templates {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_fuel(Some(MAX_WORK));
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        // A field that ends in a line break keeps it. The delimiters are the default ones, so this
        // cannot fail.
        if let Ok(syntax) = minijinja::syntax::SyntaxConfig::builder().keep_trailing_newline(true).build() {
            engine.set_syntax(syntax);
        }
        engine.set_formatter(write_bounded);
        engine.add_filter("ternary", ternary);
        Templates { engine }
    }

    /// Every string in `value` rendered, at any depth; keys stay as they are.
    pub(super) fn render(&self, value: &Value, scope: &Scope) -> Result<Value, TemplateError> {
        on_known_stack(|| self.render_at(value, "", scope))
    }

    /// Whether `when` holds. The text is one expression, with or without `{{ }}`.
    ///
    /// Inputs from a command line are text, so the texts `false`, `no`, `off` and `0` (in any case)
    /// count as false like the empty text.
    pub(super) fn condition(&self, when: &str, scope: &Scope) -> Result<bool, TemplateError> {
        on_known_stack(|| self.condition_holds(when.trim(), scope))
    }

    fn condition_holds(&self, when: &str, scope: &Scope) -> Result<bool, TemplateError> {
        let fail = |error| failure("when", when, error, scope);
        if when.len() > MAX_TAG_LEN {
            return Err(fail(too_long("the expression", when.len(), MAX_TAG_LEN)));
        }
        let expression = match self.sole_expression(when) {
            Some(expression) => expression,
            None => self.engine.compile_expression_owned(when.to_owned()).map_err(fail)?,
        };
        let value = expression.eval(&scope.engine).map_err(fail)?;
        if value.is_undefined() {
            return Err(fail(minijinja::Error::from(ErrorKind::UndefinedError)));
        }
        let says_no = value
            .as_str()
            .is_some_and(|text| ["false", "no", "off", "0"].iter().any(|no| text.trim().eq_ignore_ascii_case(no)));
        Ok(value.is_true() && !says_no)
    }

    fn render_at(&self, value: &Value, path: &str, scope: &Scope) -> Result<Value, TemplateError> {
        match value {
            Value::String(text) => self.render_text(text, scope).map_err(|error| failure(path, text, error, scope)),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.render_at(item, &format!("{path}[{index}]"), scope))
                .collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, field)| {
                    let path = match path {
                        "" => name.clone(),
                        _ => format!("{path}.{name}"),
                    };
                    Ok((name.clone(), self.render_at(field, &path, scope)?))
                })
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
        }
    }

    fn render_text(&self, text: &str, scope: &Scope) -> Result<Value, minijinja::Error> {
        if !["{{", "{%", "{#"].iter().any(|open| text.contains(open)) {
            return Ok(Value::from(text));
        }
        check_size(text)?;
        let template = keep_prometheus_expressions(text);
        if let Some(expression) = self.sole_expression(&template) {
            let value = expression.eval(&scope.engine)?;
            // An undefined one goes on to be rendered, since that error says which name it was.
            if !value.is_undefined() {
                return to_json(&value, &mut Room::default());
            }
        }
        self.engine.render_str(&template, &scope.engine).map(Value::from)
    }

    /// The expression, if the template is `{{ expression }}` and nothing else.
    fn sole_expression(&self, template: &str) -> Option<Expression<'_, 'static>> {
        let inner = template.strip_prefix("{{")?.strip_suffix("}}")?;
        let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
        let inner = inner.strip_suffix(['-', '+']).unwrap_or(inner);
        // `{{ a }} and {{ b }}` gets here as `a }} and {{ b`, which is no expression.
        self.engine.compile_expression_owned(inner.to_owned()).ok()
    }
}

/// Templates are compiled and run on a known stack. `deep_templates_fit_the_stack` goes to the
/// limits above.
fn on_known_stack<R: Send>(work: impl FnOnce() -> Result<R, TemplateError> + Send) -> Result<R, TemplateError> {
    known_stack::run("template", work).unwrap_or_else(|error| {
        let problem = format!("the template engine failed: {error}");
        Err(TemplateError { field: "template".into(), template: String::new(), problem })
    })
}

/// Refuses templates that would take the engine deeper than its stack reaches.
fn check_size(template: &str) -> Result<(), minijinja::Error> {
    if template.len() > MAX_TEMPLATE_LEN {
        return Err(too_long("the template", template.len(), MAX_TEMPLATE_LEN));
    }
    let (mut rest, mut elifs) = (template, 0);
    while let Some((at, tag)) = next_tag(rest) {
        let from_tag = rest.get(at..).unwrap_or_default();
        // One that is never closed is read to the end.
        let length = tag_length(from_tag, tag).unwrap_or(from_tag.len());
        let (source, after) = from_tag.split_at(length);
        let name = if tag == Tag::Statement { statement_name(source).split_whitespace().next() } else { None };
        // What is in a raw block or a comment is text.
        if length > MAX_TAG_LEN && tag != Tag::Comment && name != Some("raw") {
            return Err(too_long("an expression or tag", length, MAX_TAG_LEN));
        }
        elifs += usize::from(name == Some("elif"));
        rest = after;
    }
    if elifs > MAX_ELIFS {
        let problem = format!("it has {elifs} elif tags, and {MAX_ELIFS} are allowed: look the value up in a mapping");
        return Err(minijinja::Error::new(ErrorKind::InvalidOperation, problem));
    }
    Ok(())
}

fn too_long(what: &str, length: usize, limit: usize) -> minijinja::Error {
    let problem = format!("{what} has {length} bytes, and {limit} are allowed: split it over several steps");
    minijinja::Error::new(ErrorKind::InvalidOperation, problem)
}

fn ternary(
    value: minijinja::Value,
    when_true: minijinja::Value,
    when_false: minijinja::Value,
) -> Result<minijinja::Value, minijinja::Error> {
    if value.is_undefined() {
        return Err(minijinja::Error::new(ErrorKind::UndefinedError, "the value before `| ternary` is undefined"));
    }
    Ok(if value.is_true() { when_true } else { when_false })
}

fn failure(field: &str, template: &str, error: minijinja::Error, scope: &Scope) -> TemplateError {
    let mut quoted: String = template.chars().take(QUOTED).collect();
    if quoted.len() < template.len() {
        quoted.push('…');
    }
    let mut problem = match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    };
    match error.kind() {
        ErrorKind::UndefinedError => problem.push_str(&format!("; the names here are {scope}")),
        ErrorKind::SyntaxError => problem.push_str(" (syntax error)"),
        ErrorKind::OutOfFuel => {
            problem = format!(
                "it is more work than one template may be ({MAX_WORK} steps): let it loop over less, or do this in a step of its own"
            );
        }
        _ => {}
    }
    if field != "when" && matches!(error.kind(), ErrorKind::UndefinedError | ErrorKind::SyntaxError) {
        problem.push_str("; braces that are meant for Prometheus or Grafana go between {% raw %} and {% endraw %}");
    }
    TemplateError { field: field.to_owned(), template: quoted, problem }
}

/// How much more a value may be. Repeated lists are lazy: a short expression is as long a list as
/// it likes, and the engine counts no work for it.
struct Room {
    work: u64,
    depth: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { work: MAX_WORK, depth: MAX_VALUE_DEPTH }
    }
}

impl Room {
    /// As the engine counts: one for a value, and for every 64 bytes.
    fn take(&mut self, bytes: usize) -> Result<(), minijinja::Error> {
        let left = self.work.checked_sub(1 + bytes as u64 / 64);
        self.work = left.ok_or_else(|| minijinja::Error::from(ErrorKind::OutOfFuel))?;
        Ok(())
    }

    /// Does something one level deeper.
    fn deeper<R>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<R, minijinja::Error>,
    ) -> Result<R, minijinja::Error> {
        let problem = || format!("the value nests deeper than {MAX_VALUE_DEPTH} levels, and plugs read no deeper ones");
        let depth = self.depth.checked_sub(1);
        self.depth = depth.ok_or_else(|| minijinja::Error::new(ErrorKind::BadSerialization, problem()))?;
        let outcome = inner(self);
        self.depth += 1;
        outcome
    }
}

/// Writes a value into a text. The engine counts the work of writing a list or mapping only once
/// all of it is written, and however short the template is, that may be without end.
fn write_bounded(
    out: &mut minijinja::Output,
    state: &mut minijinja::State,
    value: &minijinja::Value,
) -> Result<(), minijinja::Error> {
    if value.as_object().is_some() {
        measure(value, &mut Room::default())?;
    }
    minijinja::escape_formatter(out, state, value)
}

/// Goes through a value as far as there is room.
fn measure(value: &minijinja::Value, room: &mut Room) -> Result<(), minijinja::Error> {
    room.take(value.as_str().map_or(0, str::len))?;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            room.deeper(|room| value.try_iter()?.try_for_each(|item| measure(&item, room)))
        }
        ValueKind::Map => room.deeper(|room| {
            value.try_iter()?.try_for_each(|key| {
                measure(&key, room)?;
                measure(&value.get_item(&key)?, room)
            })
        }),
        _ => Ok(()),
    }
}

/// The value as JSON. Infinities and NaN, which JSON has no numbers for, become Prometheus's
/// spelling of them.
fn to_json(value: &minijinja::Value, room: &mut Room) -> Result<Value, minijinja::Error> {
    room.take(value.as_str().map_or(0, str::len))?;
    match value.kind() {
        ValueKind::Undefined => {
            Err(minijinja::Error::new(ErrorKind::UndefinedError, "a part of the value is undefined"))
        }
        ValueKind::Seq | ValueKind::Iterable => {
            room.deeper(|room| value.try_iter()?.map(|item| to_json(&item, room)).collect())
        }
        ValueKind::Map => room.deeper(|room| {
            let fields = value.try_iter()?.map(|key| {
                measure(&key, room)?;
                Ok((key.to_string(), to_json(&value.get_item(&key)?, room)?))
            });
            fields.collect()
        }),
        ValueKind::Number => match f64::try_from(value.clone()) {
            Ok(number) if number.is_nan() => Ok(Value::from("NaN")),
            Ok(f64::INFINITY) => Ok(Value::from("+Inf")),
            Ok(f64::NEG_INFINITY) => Ok(Value::from("-Inf")),
            _ => scalar_to_json(value),
        },
        ValueKind::None | ValueKind::Bool | ValueKind::String => scalar_to_json(value),
        kind => Err(minijinja::Error::new(
            ErrorKind::BadSerialization,
            format!("the value is a {kind}, which a plug cannot be sent"),
        )),
    }
}

fn scalar_to_json(value: &minijinja::Value) -> Result<Value, minijinja::Error> {
    serde_json::to_value(value).map_err(|error| minijinja::Error::new(ErrorKind::BadSerialization, error.to_string()))
}

#[derive(Clone, Copy, PartialEq)]
enum Tag {
    Expression,
    Statement,
    Comment,
}

/// The template with each `{{ $… }}` made a literal of itself, so that it comes out as it went in.
///
/// Such an expression is Prometheus's: no name of a pipe begins with `$`. One inside a raw block, a
/// comment or a quoted text is none of a template's business and stays untouched. A tag that is
/// never closed stays too, for the engine to report.
fn keep_prometheus_expressions(template: &str) -> Cow<'_, str> {
    if !template.contains('$') {
        return Cow::Borrowed(template);
    }
    let mut kept = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((at, tag)) = next_tag(rest) {
        let (text, from_tag) = rest.split_at(at);
        let Some(length) = tag_length(from_tag, tag) else {
            break;
        };
        let (source, after) = from_tag.split_at(length);
        kept.push_str(text);
        if tag == Tag::Expression && is_prometheus(source) {
            let literal = source.replace('\\', "\\\\").replace('"', "\\\"");
            kept.push_str(&format!("{{{{ \"{literal}\" }}}}"));
        } else {
            kept.push_str(source);
        }
        rest = after;
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

fn is_prometheus(expression: &str) -> bool {
    expression.trim_start_matches("{{").trim_start_matches(['-', '+']).trim_start().starts_with('$')
}

fn next_tag(text: &str) -> Option<(usize, Tag)> {
    text.match_indices('{').find_map(|(at, _)| {
        let tag = match text.as_bytes().get(at + 1)? {
            b'{' => Tag::Expression,
            b'%' => Tag::Statement,
            b'#' => Tag::Comment,
            _ => return None,
        };
        Some((at, tag))
    })
}

/// Bytes from the opening braces at the start of `text` to behind the closing ones; behind `endraw`
/// for a raw block.
fn tag_length(text: &str, tag: Tag) -> Option<usize> {
    match tag {
        Tag::Expression => closing(text, "}}"),
        Tag::Comment => text.find("#}").map(|at| at + 2),
        Tag::Statement => {
            let end = closing(text, "%}")?;
            if statement_name(text.get(..end)?) != "raw" {
                return Some(end);
            }
            text.match_indices("{%").find_map(|(at, _)| {
                let candidate = text.get(at..)?;
                let length = candidate.find("%}")? + 2;
                (statement_name(candidate.get(..length)?) == "endraw").then_some(at + length)
            })
        }
    }
}

fn statement_name(statement: &str) -> &str {
    statement.trim_start_matches("{%").trim_end_matches("%}").trim_matches(['-', '+']).trim()
}

/// Where `close` ends for the first time outside quotes, after the two bytes that open the tag.
fn closing(text: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(2) {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'' | '`') => quote = Some(character),
            None if text.get(at..).is_some_and(|rest| rest.starts_with(close)) => {
                return Some(at + close.len());
            }
            None => {}
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
