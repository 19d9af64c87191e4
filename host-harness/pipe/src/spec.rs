//! Parses YAML into a [`Pipe`].
//!
//! Both dialects are parsed into the same types. A key that would have no effect is an error.
//! Nothing here reads files or evaluates templates.

use std::collections::BTreeMap;
use std::fmt;

use plugpipe_yaml as yaml;
use serde_json::{Map, Value};

use super::error::PipeError;

/// A pipe: steps to run one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipe {
    /// The pipe's name; `pipe` if the document gives none.
    pub name: String,
    /// Default values of inputs.
    pub inputs: Map<String, Value>,
    /// Declared inputs (`{type, required, default}`), by name.
    pub declarations: BTreeMap<String, InputDeclaration>,
    /// The steps, in order of execution. Their ids are unique.
    pub steps: Vec<Step>,
}

/// One call of a plug.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Unique in the pipe; `step_1`, `step_2`, … if the step has neither `id` nor `name`.
    pub id: String,
    /// Name of the plug to call.
    pub plug: String,
    /// The plug's request before templates are rendered: `config`, `inputs` and `with`, merged in
    /// this order; later ones override earlier ones.
    pub ctx: Value,
    /// Expression that decides whether the step runs.
    pub when: Option<String>,
    /// The effect of a failure on the pipe.
    pub on_error: OnError,
    /// Whether the step runs even after the pipe has failed.
    pub always_run: bool,
}

/// The effect of a step's failure on the pipe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnError {
    /// The pipe fails, and only steps with `always_run` still run.
    #[default]
    Fail,
    /// The failure is reported and the pipe continues. Written `warn` or `continue`.
    Warn,
}

/// The declaration of an input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputDeclaration {
    /// Whether the input must be given if it has no default.
    pub required: bool,
    /// The type of the value.
    pub kind: Option<InputType>,
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

/// Step keys that are documentation only.
const STEP_NOTES: [&str; 7] =
    ["description", "doc", "mandatory_dependencies", "owner", "security_requirements", "tags", "version"];

/// Unsupported step keys of PlugPipe's schema, and alternatives.
const STEP_UNSUPPORTED: [(&str, &str); 6] = [
    ("foreach", "write a step for each item, or one step with an operation that takes a list"),
    ("next", "steps run in document order; give an optional step a `when`"),
    ("branches", "steps run in document order; give an optional step a `when`"),
    ("join", "steps run sequentially, so there is nothing to join; remove the key"),
    ("exit_if", "give the steps that follow a `when` with the opposite condition"),
    ("env", "plugs have no environment; put the values in `with`"),
];

/// Top-level keys that are documentation only. `x-…` keys are ignored too; they can hold YAML
/// anchors.
const PIPE_NOTES: [&str; 8] =
    ["description", "doc", "mandatory_dependencies", "owner", "security_requirements", "summary", "tags", "version"];

/// Unsupported top-level keys, and alternatives.
const PIPE_UNSUPPORTED: [(&str, &str); 3] = [
    ("middleware", "write it as steps"),
    ("secrets", "grant credentials to the host, so that neither pipe nor plug has them; remove the key"),
    ("prometheus_config", "put it in a file and pass that with --config FILE, or put it in the step's `config`"),
];

const STEP_KEYS: &str = "id or name; plugin, plug or uses; config, inputs, with; when, on_error, always_run, depends_on; \
                         description, doc, mandatory_dependencies, owner, security_requirements, tags, version";

const PIPE_KEYS: &str = "name, inputs, steps or pipeline, apiVersion, kind, metadata, description, doc, \
                         mandatory_dependencies, owner, security_requirements, summary, tags, version";

impl Pipe {
    /// Parses a pipe in either dialect.
    ///
    /// Errors name the path, such as `steps[1].on_error`. Nesting beyond 64 levels is an error.
    pub fn from_yaml(text: &str) -> Result<Pipe, PipeError> {
        let document = yaml::read(text).map_err(|error| PipeError::Yaml(error.with_lines().to_owned()))?;
        let mut fields = match document.to_value_where(keeps_source_text) {
            Value::Object(fields) => fields,
            other => {
                return Err(PipeError::spec(
                    "pipe",
                    format!(
                        "expected a mapping with a list `steps` (or, with kind: PipeSpec, `pipeline`), got {}",
                        described(&other)
                    ),
                ));
            }
        };
        reject_unsupported(&mut fields, "", &PIPE_UNSUPPORTED)?;

        let name = pipe_name(&mut fields)?;
        if let Some(kind) = take(&mut fields, "kind").filter(|kind| kind != "PipeSpec") {
            return Err(PipeError::spec("kind", format!("expected PipeSpec, got {}", described(&kind))));
        }
        let written = document.to_value_where(|place| place.starts_with(&["inputs"]));
        let (inputs, declarations) = read_inputs(object(take(&mut fields, "inputs"), "inputs")?, &written)?;
        let (list, steps) = match (take(&mut fields, "steps"), take(&mut fields, "pipeline")) {
            (Some(steps), None) => ("steps", steps),
            (None, Some(steps)) => ("pipeline", steps),
            (both, _) => {
                let found = if both.is_some() { "both" } else { "neither" };
                return Err(PipeError::spec(
                    "pipe",
                    format!("expected one list of steps, `steps` or (with kind: PipeSpec) `pipeline`, got {found}"),
                ));
            }
        };
        if let Some(key) = fields
            .keys()
            .find(|key| *key != "apiVersion" && !PIPE_NOTES.contains(&key.as_str()) && !key.starts_with("x-"))
        {
            return Err(PipeError::spec(key, format!("unknown key; a pipe has {PIPE_KEYS}")));
        }

        Ok(Pipe { name, inputs, declarations, steps: read_steps(list, steps)? })
    }

    /// The inputs of one run: the given ones override the pipe's own.
    ///
    /// Strings are converted to the declared type, because command lines have only strings. A
    /// missing required input, a value of another type, and an unknown name (unless the pipe has no
    /// inputs) are errors.
    pub(super) fn resolve_inputs(&self, given: Map<String, Value>) -> Result<Map<String, Value>, PipeError> {
        let fail = |name: &str, problem: String| PipeError::Input { name: name.to_owned(), problem };
        let takes_any = self.inputs.is_empty() && self.declarations.is_empty();
        let mut inputs = self.inputs.clone();
        for (name, value) in given {
            let declaration = self.declarations.get(&name);
            if !takes_any && declaration.is_none() && !self.inputs.contains_key(&name) {
                let known: Vec<&str> = self
                    .inputs
                    .keys()
                    .chain(self.declarations.keys().filter(|name| !self.inputs.contains_key(*name)))
                    .map(String::as_str)
                    .collect();
                return Err(fail(&name, format!("unknown input; the pipe {} has {}", self.name, known.join(", "))));
            }
            let value = match declaration.and_then(|declaration| declaration.kind) {
                Some(kind) => kind.read(value).map_err(|problem| fail(&name, problem))?,
                None => value,
            };
            inputs.insert(name, value);
        }
        for (name, declaration) in &self.declarations {
            if declaration.required && !inputs.contains_key(name) {
                return Err(fail(name, format!("is required; set it with --input {name}=VALUE")));
            }
        }
        Ok(inputs)
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

    /// Returns the value if it has this type, or a string converted to it.
    fn read(self, value: Value) -> Result<Value, String> {
        if self.matches(&value) {
            return Ok(value);
        }
        value
            .as_str()
            .and_then(|text| serde_json::from_str(text.trim()).ok())
            .filter(|read| self.matches(read))
            .ok_or_else(|| format!("expected {self}, got {}", described(&value)))
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

/// Mappings with string values, anywhere in a step.
const STRING_MAPS: [&str; 4] = ["annotations", "external_labels", "grouping_key", "labels"];

/// Whether scalars at a path keep their source text: fields of a step, settings, and members of
/// string mappings. Deeper values may be documents that the plug passes on, such as dashboards,
/// whose numbers must stay numbers.
fn keeps_source_text(place: &[&str]) -> bool {
    let [list, part, fields @ ..] = place else { return false };
    if !matches!(*list, "steps" | "pipeline") || !matches!(*part, "config" | "inputs" | "with") {
        return false;
    }
    match fields {
        [] => false,
        [_] => true,
        [fields @ .., parent, _] => {
            STRING_MAPS.contains(parent)
                || fields.iter().chain([parent]).any(|key| *key == "prometheus_config" || key.ends_with("_auth"))
        }
    }
}

fn pipe_name(fields: &mut Map<String, Value>) -> Result<String, PipeError> {
    let mut metadata = object(take(fields, "metadata"), "metadata")?;
    let of_metadata = text(take(&mut metadata, "name"), "metadata.name")?;
    let of_pipe = text(take(fields, "name"), "name")?;
    Ok(of_pipe.or(of_metadata).unwrap_or_else(|| "pipe".to_owned()))
}

type Inputs = (Map<String, Value>, BTreeMap<String, InputDeclaration>);

/// `written` has the inputs' source text, for those that are declared as strings.
fn read_inputs(given: Map<String, Value>, written: &Value) -> Result<Inputs, PipeError> {
    const DECLARATION_KEYS: [&str; 3] = ["default", "required", "type"];
    const NOTES: [&str; 5] = ["description", "doc", "title", "example", "examples"];

    let mut inputs = Map::new();
    let mut declarations = BTreeMap::new();
    for (name, value) in given {
        let mut fields = match value {
            Value::Object(fields) if DECLARATION_KEYS.iter().any(|key| fields.contains_key(*key)) => fields,
            value => {
                inputs.insert(name, value);
                continue;
            }
        };
        let path = format!("inputs.{name}");
        if let Some(key) =
            fields.keys().find(|key| !DECLARATION_KEYS.contains(&key.as_str()) && !NOTES.contains(&key.as_str()))
        {
            return Err(PipeError::spec(
                format!("{path}.{key}"),
                "unknown key; an input with default, required or type is a declaration, which may have only these and description. To use the mapping as the value, put it under `default`",
            ));
        }
        let kind = match take(&mut fields, "type") {
            None => None,
            Some(given) => Some(input_type(&given, &format!("{path}.type"))?),
        };
        let required = flag(take(&mut fields, "required"), &format!("{path}.required"))?;
        // Not `take`, because null is a valid default without a type.
        if let Some(default) = fields.remove("default") {
            let default = match kind {
                Some(InputType::String) => {
                    let written = written.get("inputs").and_then(|inputs| inputs.get(&name)?.get("default"));
                    string_default(default, written, &path)?
                }
                Some(kind) => {
                    kind.read(default).map_err(|problem| PipeError::spec(format!("{path}.default"), problem))?
                }
                None => default,
            };
            inputs.insert(name.clone(), default);
        }
        declarations.insert(name, InputDeclaration { required, kind });
    }
    Ok((inputs, declarations))
}

/// The default of a string input: for a number or boolean, its source text.
fn string_default(default: Value, written: Option<&Value>, path: &str) -> Result<Value, PipeError> {
    match default {
        Value::Number(_) | Value::Bool(_) => match written {
            Some(Value::String(text)) => Ok(Value::from(text.as_str())),
            // The source text equals the JSON.
            _ => Ok(Value::from(default.to_string())),
        },
        other => InputType::String.read(other).map_err(|problem| PipeError::spec(format!("{path}.default"), problem)),
    }
}

fn input_type(given: &Value, path: &str) -> Result<InputType, PipeError> {
    InputType::ALL.into_iter().find(|kind| given.as_str() == Some(kind.to_string().as_str())).ok_or_else(|| {
        let expected = InputType::ALL.map(|kind| kind.to_string()).join(", ");
        PipeError::spec(path, format!("expected one of {expected}, got {}", described(given)))
    })
}

fn read_steps(list: &str, steps: Value) -> Result<Vec<Step>, PipeError> {
    let steps = match steps {
        Value::Array(steps) if !steps.is_empty() => steps,
        other => {
            return Err(PipeError::spec(
                list,
                format!("expected a list of at least one step, got {}", described(&other)),
            ));
        }
    };
    let mut read: Vec<Step> = Vec::with_capacity(steps.len());
    for (index, step) in steps.into_iter().enumerate() {
        let path = format!("{list}[{index}]");
        let step = read_step(step, &path, index, &read)?;
        read.push(step);
    }
    Ok(read)
}

fn read_step(step: Value, path: &str, index: usize, earlier: &[Step]) -> Result<Step, PipeError> {
    let Value::Object(mut fields) = step else {
        return Err(PipeError::spec(
            path,
            format!("expected a mapping that names a plug (`plugin: NAME`), got {}", described(&step)),
        ));
    };
    reject_unsupported(&mut fields, path, &STEP_UNSUPPORTED)?;

    let name = text(take(&mut fields, "name"), &format!("{path}.name"))?;
    let id =
        text(take(&mut fields, "id"), &format!("{path}.id"))?.or(name).unwrap_or_else(|| format!("step_{}", index + 1));
    if earlier.iter().any(|step| step.id == id) {
        return Err(PipeError::spec(path, format!("duplicate id {id:?}; give each step a unique `id` or `name`")));
    }

    let plug = plug_name(&mut fields, path)?;
    let mut ctx = Map::new();
    for part in ["config", "inputs", "with"] {
        ctx.extend(object(take(&mut fields, part), &format!("{path}.{part}"))?);
    }
    let when = condition(take(&mut fields, "when"), &format!("{path}.when"))?;
    let on_error = on_error(take(&mut fields, "on_error"), &format!("{path}.on_error"))?;
    let always_run = flag(take(&mut fields, "always_run"), &format!("{path}.always_run"))?;
    check_dependencies(take(&mut fields, "depends_on"), &format!("{path}.depends_on"), earlier)?;

    if let Some(key) = fields.keys().find(|key| !STEP_NOTES.contains(&key.as_str())) {
        return Err(PipeError::spec(format!("{path}.{key}"), format!("unknown key; a step has {STEP_KEYS}")));
    }
    Ok(Step { id, plug, ctx: Value::Object(ctx), when, on_error, always_run })
}

fn plug_name(fields: &mut Map<String, Value>, path: &str) -> Result<String, PipeError> {
    let mut named: Option<(&str, String)> = None;
    for key in ["plugin", "plug", "uses"] {
        let Some(name) = text(take(fields, key), &format!("{path}.{key}"))? else {
            continue;
        };
        if let Some((other, _)) = named {
            return Err(PipeError::spec(path, format!("both `{other}` and `{key}` name a plug; keep one")));
        }
        named = Some((key, name));
    }
    named
        .map(|(_, name)| name)
        .ok_or_else(|| PipeError::spec(path, "no plug; expected `plugin: NAME` (or `plug`, or `uses`)"))
}

fn condition(given: Option<Value>, path: &str) -> Result<Option<String>, PipeError> {
    match given {
        None => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(value.to_string())),
        Some(Value::String(expression)) if !expression.trim().is_empty() => Ok(Some(expression)),
        Some(other) => {
            Err(PipeError::spec(path, format!("expected an expression or true or false, got {}", described(&other))))
        }
    }
}

fn on_error(given: Option<Value>, path: &str) -> Result<OnError, PipeError> {
    let Some(given) = given else {
        return Ok(OnError::default());
    };
    match given.as_str() {
        Some("fail") => Ok(OnError::Fail),
        Some("warn" | "continue") => Ok(OnError::Warn),
        _ => Err(PipeError::spec(path, format!("expected fail or warn, got {}", described(&given)))),
    }
}

/// Steps run in document order, so a dependency must come earlier.
fn check_dependencies(given: Option<Value>, path: &str, earlier: &[Step]) -> Result<(), PipeError> {
    let dependencies = match given {
        None => return Ok(()),
        Some(Value::Array(dependencies)) => dependencies,
        Some(one) => vec![one],
    };
    for dependency in dependencies {
        let Some(id) = dependency.as_str() else {
            return Err(PipeError::spec(
                path,
                format!("expected ids of earlier steps, got {}", described(&dependency)),
            ));
        };
        if !earlier.iter().any(|step| step.id == id) {
            return Err(PipeError::spec(
                path,
                format!(
                    "{id:?} is not the id of an earlier step; steps run in document order, so move it before this one or correct the id"
                ),
            ));
        }
    }
    Ok(())
}

/// Removes unsupported keys. One that is not empty is an error.
fn reject_unsupported(
    fields: &mut Map<String, Value>,
    path: &str,
    unsupported: &[(&str, &str)],
) -> Result<(), PipeError> {
    for (key, advice) in unsupported {
        let empty = match take(fields, key) {
            None => true,
            Some(Value::Array(items)) => items.is_empty(),
            Some(Value::Object(fields)) => fields.is_empty(),
            Some(_) => false,
        };
        if !empty {
            let path = if path.is_empty() { (*key).to_owned() } else { format!("{path}.{key}") };
            return Err(PipeError::spec(path, format!("is not supported: {advice}")));
        }
    }
    Ok(())
}

/// Removes and returns the field. A field without a value (`inputs:` with nothing after it) counts
/// as absent.
fn take(fields: &mut Map<String, Value>, key: &str) -> Option<Value> {
    fields.remove(key).filter(|value| !value.is_null())
}

fn object(given: Option<Value>, path: &str) -> Result<Map<String, Value>, PipeError> {
    match given {
        None => Ok(Map::new()),
        Some(Value::Object(fields)) => Ok(fields),
        Some(other) => Err(PipeError::spec(path, format!("expected a mapping, got {}", described(&other)))),
    }
}

fn text(given: Option<Value>, path: &str) -> Result<Option<String>, PipeError> {
    match given {
        None => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
        Some(other) => Err(PipeError::spec(path, format!("expected a name, got {}", described(&other)))),
    }
}

fn flag(given: Option<Value>, path: &str) -> Result<bool, PipeError> {
    match given {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(other) => Err(PipeError::spec(path, format!("expected true or false, got {}", described(&other)))),
    }
}

/// Describes a value for errors: scalars as truncated JSON, collections by type.
fn described(value: &Value) -> String {
    const MAX_LEN: usize = 60;
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        Value::String(text) if text.chars().count() > MAX_LEN => {
            format!("{:?}…", text.chars().take(MAX_LEN).collect::<String>())
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
