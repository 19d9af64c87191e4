//! Templates in a step's fields and in `when`.
//!
//! Only the pipe's author writes templates: external values (inputs, responses of plugs) are
//! inserted verbatim and never evaluated. Templates have no access to files, the environment or a
//! clock.

use std::borrow::Cow;
use std::fmt;

use minijinja::value::{Serde, ValueKind};
use minijinja::{AutoEscape, Environment, ErrorKind, Expression, UndefinedBehavior};
use plugpipe_yaml::known_stack;
use serde_json::{Map, Value};

/// Work limit of a template: about 1 per instruction and per 64 bytes of output. Typical templates
/// need some hundreds.
const MAX_WORK: u64 = 1_000_000;

/// Maximum length of a template, in bytes.
const MAX_TEMPLATE_LEN: usize = 1024 * 1024;

/// Maximum length of an expression or tag, in bytes. Each operator adds a level of recursion in the
/// engine's parser, compiler and syntax tree, so this bounds their depth.
const MAX_TAG_LEN: usize = 8 * 1024;

/// Maximum number of `elif` tags in a template: each nests the rest of its `if` one level deeper.
const MAX_ELIFS: usize = 500;

/// Maximum nesting of an expression's value. Plugs accept no deeper ones, and later processing does
/// not run on a stack of known size.
const MAX_VALUE_DEPTH: usize = 127;

/// Maximum number of characters of a template that an error quotes.
const MAX_QUOTED: usize = 160;

/// The variables of a template.
pub(super) struct Scope {
    variables: Map<String, Value>,
    /// The same for the engine, converted once for all fields of a step.
    engine: minijinja::Value,
}

impl Scope {
    pub(super) fn new(variables: Map<String, Value>) -> Scope {
        let engine = minijinja::Value::from(Serde(&variables));
        Scope { variables, engine }
    }
}

/// The names, with the fields of objects: `inputs {env}, pipeline {name, success}`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self
            .variables
            .iter()
            .filter(|(name, _)| *name != "input") // alias of `inputs`
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

/// The template engine, configured for pipes.
pub(super) struct Templates {
    engine: Environment<'static>,
}

impl Templates {
    pub(super) fn new() -> Templates {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_fuel(Some(MAX_WORK));
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        // Keep trailing line breaks. With the default delimiters this cannot fail.
        if let Ok(syntax) = minijinja::syntax::SyntaxConfig::builder().keep_trailing_newline(true).build() {
            engine.set_syntax(syntax);
        }
        engine.set_formatter(write_bounded);
        engine.add_filter("ternary", ternary);
        Templates { engine }
    }

    /// Renders every string in `value`, at any depth, but not keys.
    pub(super) fn render(&self, value: &Value, scope: &Scope) -> Result<Value, TemplateError> {
        on_known_stack(|| self.render_at(value, "", scope))
    }

    /// Evaluates `when`: one expression, with or without `{{ }}`.
    ///
    /// Inputs from a command line are strings, so `false`, `no`, `off` and `0` (in any case) count
    /// as false, like the empty string.
    pub(super) fn condition(&self, when: &str, scope: &Scope) -> Result<bool, TemplateError> {
        on_known_stack(|| self.eval_condition(when.trim(), scope))
    }

    fn eval_condition(&self, when: &str, scope: &Scope) -> Result<bool, TemplateError> {
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
        let is_negative = value
            .as_str()
            .is_some_and(|text| ["false", "no", "off", "0"].iter().any(|no| text.trim().eq_ignore_ascii_case(no)));
        Ok(value.is_true() && !is_negative)
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
            // Render undefined values anyway, because that error names the variable.
            if !value.is_undefined() {
                return to_json(&value, &mut Budget::default());
            }
        }
        self.engine.render_str(&template, &scope.engine).map(Value::from)
    }

    /// The expression, if the template is `{{ expression }}` and nothing else.
    fn sole_expression(&self, template: &str) -> Option<Expression<'_, 'static>> {
        let inner = template.strip_prefix("{{")?.strip_suffix("}}")?;
        let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
        let inner = inner.strip_suffix(['-', '+']).unwrap_or(inner);
        // For `{{ a }} and {{ b }}`, this is `a }} and {{ b`, which does not compile.
        self.engine.compile_expression_owned(inner.to_owned()).ok()
    }
}

/// Compiles and runs templates on a stack of known size. `deep_templates_fit_the_stack` tests the
/// limits above.
fn on_known_stack<R: Send>(work: impl FnOnce() -> Result<R, TemplateError> + Send) -> Result<R, TemplateError> {
    known_stack::run("template", work).unwrap_or_else(|error| {
        let problem = format!("the template engine failed: {error}");
        Err(TemplateError { field: "template".into(), template: String::new(), problem })
    })
}

/// Rejects templates that could overflow the engine's stack.
fn check_size(template: &str) -> Result<(), minijinja::Error> {
    if template.len() > MAX_TEMPLATE_LEN {
        return Err(too_long("the template", template.len(), MAX_TEMPLATE_LEN));
    }
    let (mut rest, mut elifs) = (template, 0);
    while let Some((at, tag)) = next_tag(rest) {
        let from_tag = rest.get(at..).unwrap_or_default();
        // An unclosed tag extends to the end.
        let length = tag_length(from_tag, tag).unwrap_or(from_tag.len());
        let (source, after) = from_tag.split_at(length);
        let name = if tag == Tag::Statement { statement_name(source).split_whitespace().next() } else { None };
        // Raw blocks and comments are text.
        if length > MAX_TAG_LEN && tag != Tag::Comment && name != Some("raw") {
            return Err(too_long("an expression or tag", length, MAX_TAG_LEN));
        }
        elifs += usize::from(name == Some("elif"));
        rest = after;
    }
    if elifs > MAX_ELIFS {
        let problem = format!("{elifs} elif tags exceed the limit of {MAX_ELIFS}; look the value up in a mapping");
        return Err(minijinja::Error::new(ErrorKind::InvalidOperation, problem));
    }
    Ok(())
}

fn too_long(what: &str, length: usize, limit: usize) -> minijinja::Error {
    let problem = format!("{what} has {length} bytes, which exceeds the limit of {limit}; split it over several steps");
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
    let mut quoted: String = template.chars().take(MAX_QUOTED).collect();
    if quoted.len() < template.len() {
        quoted.push('…');
    }
    let mut problem = match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    };
    match error.kind() {
        ErrorKind::UndefinedError => problem.push_str(&format!("; defined names: {scope}")),
        ErrorKind::SyntaxError => problem.push_str(" (syntax error)"),
        ErrorKind::OutOfFuel => {
            problem = format!(
                "exceeds the work limit of {MAX_WORK} instructions; reduce its loops, or split it over several steps"
            );
        }
        _ => {}
    }
    if field != "when" && matches!(error.kind(), ErrorKind::UndefinedError | ErrorKind::SyntaxError) {
        problem.push_str("; put braces for Prometheus or Grafana between {% raw %} and {% endraw %}");
    }
    TemplateError { field: field.to_owned(), template: quoted, problem }
}

/// The remaining budget for a value. Repeated lists are lazy, so a short expression can be a very
/// long list for which the engine counts no work.
struct Budget {
    work: u64,
    depth: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { work: MAX_WORK, depth: MAX_VALUE_DEPTH }
    }
}

impl Budget {
    /// Counts work like the engine: 1 per value and per 64 bytes.
    fn take(&mut self, bytes: usize) -> Result<(), minijinja::Error> {
        let left = self.work.checked_sub(1 + bytes as u64 / 64);
        self.work = left.ok_or_else(|| minijinja::Error::from(ErrorKind::OutOfFuel))?;
        Ok(())
    }

    /// Runs `inner` one nesting level deeper.
    fn nested<R>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<R, minijinja::Error>,
    ) -> Result<R, minijinja::Error> {
        let problem = || format!("the value nests deeper than {MAX_VALUE_DEPTH} levels");
        let depth = self.depth.checked_sub(1);
        self.depth = depth.ok_or_else(|| minijinja::Error::new(ErrorKind::BadSerialization, problem()))?;
        let outcome = inner(self);
        self.depth += 1;
        outcome
    }
}

/// Writes a value, with a budget: the engine counts the work for a list or mapping only after
/// writing all of it, which may be practically endless.
fn write_bounded(
    out: &mut minijinja::Output,
    state: &mut minijinja::State,
    value: &minijinja::Value,
) -> Result<(), minijinja::Error> {
    if value.as_object().is_some() {
        measure(value, &mut Budget::default())?;
    }
    minijinja::escape_formatter(out, state, value)
}

/// Traverses a value within the budget.
fn measure(value: &minijinja::Value, budget: &mut Budget) -> Result<(), minijinja::Error> {
    budget.take(value.as_str().map_or(0, str::len))?;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            budget.nested(|budget| value.try_iter()?.try_for_each(|item| measure(&item, budget)))
        }
        ValueKind::Map => budget.nested(|budget| {
            value.try_iter()?.try_for_each(|key| {
                measure(&key, budget)?;
                measure(&value.get_item(&key)?, budget)
            })
        }),
        _ => Ok(()),
    }
}

/// Converts the value to JSON. Infinities and NaN become strings in Prometheus's spelling.
fn to_json(value: &minijinja::Value, budget: &mut Budget) -> Result<Value, minijinja::Error> {
    budget.take(value.as_str().map_or(0, str::len))?;
    match value.kind() {
        ValueKind::Undefined => Err(minijinja::Error::new(ErrorKind::UndefinedError, "part of the value is undefined")),
        ValueKind::Seq | ValueKind::Iterable => {
            budget.nested(|budget| value.try_iter()?.map(|item| to_json(&item, budget)).collect())
        }
        ValueKind::Map => budget.nested(|budget| {
            let fields = value.try_iter()?.map(|key| {
                measure(&key, budget)?;
                Ok((key.to_string(), to_json(&value.get_item(&key)?, budget)?))
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
            format!("the value is a {kind}, which has no JSON form"),
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

/// Turns each `{{ $… }}` into a literal, so that it renders unchanged.
///
/// These expressions belong to Prometheus: no name of a pipe begins with `$`. Those in raw blocks,
/// comments and quoted strings are left alone, and so is an unclosed tag, which the engine reports.
fn keep_prometheus_expressions(template: &str) -> Cow<'_, str> {
    if !template.contains('$') {
        return Cow::Borrowed(template);
    }
    let mut out = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((at, tag)) = next_tag(rest) {
        let (text, from_tag) = rest.split_at(at);
        let Some(length) = tag_length(from_tag, tag) else {
            break;
        };
        let (source, after) = from_tag.split_at(length);
        out.push_str(text);
        if tag == Tag::Expression && is_prometheus(source) {
            let literal = source.replace('\\', "\\\\").replace('"', "\\\"");
            out.push_str(&format!("{{{{ \"{literal}\" }}}}"));
        } else {
            out.push_str(source);
        }
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
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

/// Length in bytes of the tag at the start of `text`, including its braces; up to and including
/// `endraw` for a raw block.
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

/// The end of the first `close` outside quotes, after the two opening bytes.
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
