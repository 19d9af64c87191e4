//! Templates in a step's fields, in its outputs and in its conditions.
//!
//! Only the pipe's author writes templates: external values (inputs, responses of plugs, variables
//! of the environment) are inserted verbatim and never evaluated. Templates have no access to
//! files or a clock, and to the environment only through what the caller resolved before.

mod engine;
pub(crate) mod syntax;
mod value;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use engine::engine;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, Expression, UndefinedBehavior};
use plugpipe_yaml::{known_stack, nearest};
use serde_json::Value;
use syntax::{Piece, Reference, Tag};
use value::{Budget, MAX_WORK, to_json};

/// Maximum length of a template, in bytes.
const MAX_TEMPLATE_LEN: usize = 1024 * 1024;

/// Maximum length of an expression or tag, in bytes. Each operator adds a level of recursion in the
/// engine's parser, compiler and syntax tree, so this bounds their depth.
const MAX_TAG_LEN: usize = 8 * 1024;

/// Maximum number of `elif` tags in a template: each nests the rest of its `if` one level deeper.
const MAX_ELIFS: usize = 500;

/// Maximum number of characters of a template that an error quotes.
const MAX_QUOTED: usize = 160;

/// Maximum number of characters with which an error lists the defined names.
const MAX_LISTED: usize = 1_000;

/// Whether text has parts that are replaced when its pipe runs.
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("${")
}

/// The variables of a template.
pub(super) struct Scope {
    variables: BTreeMap<String, minijinja::Value>,
    /// The same for the engine, converted once for all fields of a step.
    engine: minijinja::Value,
    /// The values of references to the environment, by what stands between their braces, or why
    /// there is none.
    references: BTreeMap<String, Result<String, String>>,
    /// What a stub might have given: a path that leads nowhere is empty if it begins with one of
    /// these.
    stubbed: BTreeSet<String>,
    /// Whether every path that leads nowhere is empty.
    lenient: bool,
}

impl Scope {
    pub(super) fn new(variables: BTreeMap<String, minijinja::Value>) -> Scope {
        let engine = minijinja::Value::from(variables.clone());
        Scope { variables, engine, references: BTreeMap::new(), stubbed: BTreeSet::new(), lenient: false }
    }

    /// The same with values of references.
    pub(super) fn with_references(self, references: BTreeMap<String, Result<String, String>>) -> Scope {
        Scope { references, ..self }
    }

    /// The same, where paths that begin with one of `stubbed`, or all, may lead nowhere.
    pub(super) fn with_stubs(self, stubbed: BTreeSet<String>, lenient: bool) -> Scope {
        Scope { stubbed, lenient, ..self }
    }

    /// The same, where only what earlier stubs might have given is empty.
    pub(super) fn strict(self) -> Scope {
        Scope { lenient: false, ..self }
    }

    /// The same with more variables, which take precedence.
    pub(super) fn and(&self, more: BTreeMap<String, minijinja::Value>) -> Scope {
        let mut variables = self.variables.clone();
        variables.extend(more);
        let scope = Scope::new(variables);
        Scope { references: self.references.clone(), stubbed: self.stubbed.clone(), lenient: self.lenient, ..scope }
    }

    /// Whether there is a variable of this name.
    pub(super) fn defines(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// Whether the path leads to a value.
    fn resolves(&self, path: &str) -> bool {
        let mut parts = path.split('.');
        let mut value = parts.next().and_then(|name| self.variables.get(name).cloned());
        for part in parts {
            value = value.and_then(|value| value.get_attr(part).ok()).filter(|value| !value.is_undefined());
        }
        value.is_some()
    }

    /// Whether a stub might have given a value there.
    fn is_from_stub(&self, path: &str) -> bool {
        let begins = |stub: &String| {
            path.strip_prefix(stub.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.lenient || self.stubbed.iter().any(begins)
    }
}

/// A JSON value for templates.
pub(super) fn engine_value(value: &Value) -> minijinja::Value {
    minijinja::Value::from(Serde(value))
}

/// The names, with the fields of the pipe's own: `inputs {env}, pipeline {name, success}`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WITH_FIELDS: [&str; 5] = ["config", "inputs", "pipeline", "previous_step", "steps"];
        let named = self.variables.iter().filter(|(name, _)| *name != "input"); // alias of `inputs`
        let names = named.map(|(name, value)| match value.try_iter() {
            Ok(keys) if WITH_FIELDS.contains(&name.as_str()) => {
                let keys: Vec<String> = keys.map(|key| key.to_string()).collect();
                format!("{name} {{{}}}", keys.join(", "))
            }
            _ => name.clone(),
        });
        let names = names.collect::<Vec<_>>().join(", ");
        match names.char_indices().nth(MAX_LISTED) {
            Some((end, _)) => write!(f, "{}…", names.get(..end).unwrap_or_default()),
            None => f.write_str(&names),
        }
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
    /// Whether a name has no value.
    pub(super) is_undefined: bool,
}

/// The names that a template uses, or why it cannot be read.
pub(super) type Checked = Result<BTreeSet<String>, String>;

/// The template engine, configured for pipes.
pub(super) struct Templates {
    engine: Environment<'static>,
    /// The same, but what is undefined is empty.
    lenient: Environment<'static>,
}

impl Templates {
    pub(super) fn new() -> Templates {
        Templates { engine: engine(UndefinedBehavior::Strict), lenient: engine(UndefinedBehavior::Chainable) }
    }

    /// Renders every string in `value`, at any depth, but not keys. Adds to `warnings` what is empty
    /// because a stub gave no value.
    pub(super) fn render(
        &self,
        value: &Value,
        scope: &Scope,
        warnings: &mut Vec<String>,
    ) -> Result<Value, TemplateError> {
        on_known_stack(|| self.render_at(value, "", scope, warnings))
    }

    /// Renders the value of an output, in which a string may also be the path of a value.
    pub(super) fn render_output(
        &self,
        name: &str,
        value: &Value,
        scope: &Scope,
        warnings: &mut Vec<String>,
    ) -> Result<Value, TemplateError> {
        let value = paths_as_templates(value, scope);
        on_known_stack(|| self.render_at(&value, &format!("outputs.{name}"), scope, warnings))
    }

    /// Evaluates a condition: one expression, with or without `{{ }}` or `${ }`.
    ///
    /// Inputs from a command line are strings, so `false`, `no`, `off` and `0` (in any case) count
    /// as false, like the empty string.
    pub(super) fn condition(
        &self,
        when: &str,
        scope: &Scope,
        warnings: &mut Vec<String>,
    ) -> Result<bool, TemplateError> {
        on_known_stack(|| self.eval_condition(when.trim(), scope, warnings))
    }

    /// The names that templates in `value` use and do not define themselves.
    pub(super) fn names(&self, value: &Value, scope: &Scope) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        each_string(&paths_as_templates(value, scope), "", &mut |_, text| {
            let found = on_known_stack(|| Ok(self.undeclared(text, scope, false)));
            names.extend(found.into_iter().flatten());
        });
        names
    }

    /// Compiles every template in `value` and passes `tell` what is wrong, with the path of the
    /// string, and the names that a template uses.
    pub(super) fn check(&self, value: &Value, scope: &Scope, tell: &mut dyn FnMut(&str, Checked)) {
        each_string(value, "", &mut |path, text| {
            let checked = on_known_stack(|| {
                check_size(text)
                    .and_then(|()| for_engine(text, scope))
                    .and_then(|template| self.engine.template_from_str(&template).map(|_| ()))
                    .map_err(|error| failure(path, text, error, scope))
            });
            tell(
                path,
                match checked {
                    Ok(()) => Ok(self.names(&Value::from(text), scope)),
                    Err(error) => Err(error.problem),
                },
            );
        });
    }

    fn eval_condition(&self, when: &str, scope: &Scope, warnings: &mut Vec<String>) -> Result<bool, TemplateError> {
        let fail = |error| failure("when", when, error, scope);
        if when.len() > MAX_TAG_LEN {
            return Err(fail(too_long("the expression", when.len(), MAX_TAG_LEN)));
        }
        // Without braces it is an expression too.
        let template = match pieces_of(when).as_slice() {
            [Piece::Reference(_) | Piece::Tag(Tag::Expression, _)] => for_engine(when, scope).map_err(fail)?,
            _ => Cow::Owned(format!("{{{{{}}}}}", syntax::expression(when))),
        };
        let Some(strict) = sole_expression(&self.engine, &template) else {
            // The error is that of the expression by itself.
            let expression = template.get(2..template.len() - 2).unwrap_or_default().to_owned();
            return Err(match self.engine.compile_expression_owned(expression) {
                Ok(_) => fail(minijinja::Error::new(ErrorKind::SyntaxError, "expected one expression")),
                Err(error) => fail(error),
            });
        };
        let undefined = || minijinja::Error::from(ErrorKind::UndefinedError);
        let strict = strict
            .eval(&scope.engine)
            .and_then(|value| if value.is_undefined() { Err(undefined()) } else { Ok(value) });
        let value = match strict {
            Err(error) if error.kind() == ErrorKind::UndefinedError => {
                self.tolerate("when", &template, error, scope, warnings).map_err(fail)?;
                let lenient = sole_expression(&self.lenient, &template).ok_or_else(undefined).map_err(fail)?;
                lenient.eval(&scope.engine).map_err(fail)?
            }
            other => other.map_err(fail)?,
        };
        let is_negative = value
            .as_str()
            .is_some_and(|text| ["false", "no", "off", "0"].iter().any(|no| text.trim().eq_ignore_ascii_case(no)));
        Ok(value.is_true() && !is_negative)
    }

    fn render_at(
        &self,
        value: &Value,
        path: &str,
        scope: &Scope,
        warnings: &mut Vec<String>,
    ) -> Result<Value, TemplateError> {
        match value {
            Value::String(text) => {
                self.render_text(text, path, scope, warnings).map_err(|error| failure(path, text, error, scope))
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.render_at(item, &format!("{path}[{index}]"), scope, warnings))
                .collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, field)| {
                    let path = plugpipe_yaml::shape::joined(path, name);
                    Ok((name.clone(), self.render_at(field, &path, scope, warnings)?))
                })
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
        }
    }

    fn render_text(
        &self,
        text: &str,
        path: &str,
        scope: &Scope,
        warnings: &mut Vec<String>,
    ) -> Result<Value, minijinja::Error> {
        if !["{{", "{%", "{#", "${"].iter().any(|open| text.contains(open)) {
            return Ok(Value::from(text));
        }
        check_size(text)?;
        let template = for_engine(text, scope)?;
        match render_with(&self.engine, &template, scope, false) {
            Err(error) if error.kind() == ErrorKind::UndefinedError => {
                self.tolerate(path, &template, error, scope, warnings)?;
                render_with(&self.lenient, &template, scope, true)
            }
            other => other,
        }
    }

    /// Warns of what has no value because of a stub. The error is returned if that is not its
    /// reason, or not its only one.
    fn tolerate(
        &self,
        field: &str,
        template: &str,
        error: minijinja::Error,
        scope: &Scope,
        warnings: &mut Vec<String>,
    ) -> Result<(), minijinja::Error> {
        let missing = self.undefined_in(template, scope);
        if let Some(other) = missing.iter().find(|path| !scope.is_from_stub(path)) {
            let told = error.detail().is_some_and(|detail| detail.contains(other.as_str()));
            let detail = format!("`{other}` is undefined");
            return Err(if told { error } else { minijinja::Error::new(ErrorKind::UndefinedError, detail) });
        }
        if missing.is_empty() {
            return Err(error);
        }
        warnings.extend(
            missing.iter().map(|path| format!("{field}: {path} is undefined where plugs are stubbed; it is empty")),
        );
        Ok(())
    }

    /// The paths in a template of the engine that lead nowhere.
    fn undefined_in(&self, template: &str, scope: &Scope) -> BTreeSet<String> {
        let Ok(template) = self.engine.template_from_str(template) else { return BTreeSet::new() };
        // Functions are no variables.
        let known = |path: &String| self.engine.globals().any(|(name, _)| name == path);
        template.undeclared_variables(true).into_iter().filter(|path| !scope.resolves(path) && !known(path)).collect()
    }

    /// The names that a template uses; their paths if `nested`.
    fn undeclared(&self, text: &str, scope: &Scope, nested: bool) -> BTreeSet<String> {
        let Ok(template) = check_size(text).and_then(|()| for_engine(text, scope)) else { return BTreeSet::new() };
        let Ok(template) = self.engine.template_from_str(&template) else { return BTreeSet::new() };
        let known = |path: &String| self.engine.globals().any(|(name, _)| name == path);
        template.undeclared_variables(nested).into_iter().filter(|name| !known(name)).collect()
    }
}

fn render_with(
    engine: &Environment<'static>,
    template: &str,
    scope: &Scope,
    lenient: bool,
) -> Result<Value, minijinja::Error> {
    if let Some(expression) = sole_expression(engine, template) {
        let value = expression.eval(&scope.engine)?;
        if value.is_undefined() && lenient {
            return Ok(Value::from(""));
        }
        // Render undefined values anyway, because that error names the variable.
        if !value.is_undefined() {
            return to_json(&value, &mut Budget::of(lenient));
        }
    }
    engine.render_str(template, &scope.engine).map(Value::from)
}

/// The expression, if the template is `{{ expression }}` and nothing else.
fn sole_expression<'e>(engine: &'e Environment<'static>, template: &str) -> Option<Expression<'e, 'static>> {
    let inner = template.strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    let inner = inner.strip_suffix(['-', '+']).unwrap_or(inner);
    // For `{{ a }} and {{ b }}`, this is `a }} and {{ b`, which does not compile.
    engine.compile_expression_owned(inner.to_owned()).ok()
}

/// The parts of a template, of which more than a few are not needed.
fn pieces_of(text: &str) -> Vec<Piece<'_>> {
    syntax::pieces(text).take(2).collect()
}

/// The template in the engine's syntax.
fn for_engine<'t>(text: &'t str, scope: &Scope) -> Result<Cow<'t, str>, minijinja::Error> {
    let mut out = String::with_capacity(text.len() + 16);
    for piece in syntax::pieces(text) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Tag(tag, source) => out.push_str(&syntax::tag_for_engine(tag, source)),
            Piece::Reference(inner) if inner.len() > MAX_TAG_LEN => {
                return Err(too_long("a reference", inner.len(), MAX_TAG_LEN));
            }
            Piece::Reference(inner) => match Reference::read(inner, |name| scope.defines(name)) {
                Reference::Expression => out.push_str(&format!("{{{{{}}}}}", syntax::expression(inner))),
                Reference::Env { .. } | Reference::Other { .. } => match scope.references.get(inner) {
                    Some(Ok(value)) => out.push_str(&format!("{{{{ {} }}}}", syntax::quoted(value))),
                    Some(Err(problem)) => {
                        return Err(minijinja::Error::new(ErrorKind::InvalidOperation, problem.clone()));
                    }
                    // Only checked.
                    None => out.push_str("{{ \"\" }}"),
                },
            },
        }
    }
    Ok(if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) })
}

/// What stands between the braces of references in `value` that are no expressions.
pub(super) fn references_in<'v>(value: &'v Value, scope: &Scope, found: &mut BTreeMap<String, Reference<'v>>) {
    match value {
        Value::String(text) if text.contains("${") => {
            for piece in syntax::pieces(text) {
                let Piece::Reference(inner) = piece else { continue };
                match Reference::read(inner, |name| scope.defines(name)) {
                    Reference::Expression => {}
                    reference => _ = found.insert(inner.to_owned(), reference),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references_in(item, scope, found)),
        Value::Object(fields) => fields.values().for_each(|field| references_in(field, scope, found)),
        _ => {}
    }
}

/// The value, with strings that are paths as templates.
fn paths_as_templates(value: &Value, scope: &Scope) -> Value {
    match value {
        Value::String(text) if is_path_in(text, scope) => Value::from(format!("{{{{ {text} }}}}")),
        Value::Array(items) => items.iter().map(|item| paths_as_templates(item, scope)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), paths_as_templates(field, scope))).collect()
        }
        other => other.clone(),
    }
}

/// A word is only a path if something of this name exists, or is a step's result or status.
fn is_path_in(text: &str, scope: &Scope) -> bool {
    let root = text.split(['.', '[']).next().unwrap_or_default();
    let names_step = root.ends_with("_result") || root.ends_with("_status");
    syntax::is_path(text) && (names_step || text.contains('.') || scope.defines(root))
}

fn each_string(value: &Value, path: &str, tell: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => tell(path, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_string(item, &format!("{path}[{index}]"), tell);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                each_string(field, &plugpipe_yaml::shape::joined(path, name), tell);
            }
        }
        _ => {}
    }
}

/// Compiles and runs templates on a stack of known size. `deep_templates_fit_the_stack` tests the
/// limits above.
fn on_known_stack<R: Send>(work: impl FnOnce() -> Result<R, TemplateError> + Send) -> Result<R, TemplateError> {
    known_stack::run("template", work).unwrap_or_else(|error| {
        let problem = format!("the template engine failed: {error}");
        Err(TemplateError { field: "template".into(), template: String::new(), problem, is_undefined: false })
    })
}

/// Rejects templates that could overflow the engine's stack.
fn check_size(template: &str) -> Result<(), minijinja::Error> {
    if template.len() > MAX_TEMPLATE_LEN {
        return Err(too_long("the template", template.len(), MAX_TEMPLATE_LEN));
    }
    let mut elifs = 0;
    for piece in syntax::pieces(template) {
        let Piece::Tag(tag, source) = piece else { continue };
        let name = if tag == Tag::Statement { syntax::statement_name(source).split_whitespace().next() } else { None };
        // Raw blocks and comments are text.
        if source.len() > MAX_TAG_LEN && tag != Tag::Comment && name != Some("raw") {
            return Err(too_long("an expression or tag", source.len(), MAX_TAG_LEN));
        }
        elifs += usize::from(name == Some("elif"));
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
        ErrorKind::UndefinedError => {
            let name = problem.split('`').nth(1).and_then(|path| path.split('.').next()).unwrap_or_default();
            if !name.is_empty() && !scope.defines(name) {
                let near = nearest(name, scope.variables.keys().map(String::as_str));
                problem.push_str(&near);
            }
            problem.push_str(&format!("; defined names: {scope}"));
        }
        ErrorKind::SyntaxError => problem.push_str(" (syntax error)"),
        ErrorKind::OutOfFuel => {
            problem = format!(
                "exceeds the work limit of {MAX_WORK} instructions; reduce its loops, or split it over several steps"
            );
        }
        _ => {}
    }
    let is_undefined = error.kind() == ErrorKind::UndefinedError;
    if field != "when" && matches!(error.kind(), ErrorKind::UndefinedError | ErrorKind::SyntaxError) {
        problem.push_str("; put braces for Prometheus or Grafana between {% raw %} and {% endraw %}");
    }
    TemplateError { field: field.to_owned(), template: quoted, problem, is_undefined }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
