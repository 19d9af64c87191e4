//! Parses YAML into a [`Pipe`].
//!
//! Both dialects are parsed into the same types. All problems of a file are found at once: what is
//! wrong is an error, and what has no effect is a warning. Nothing here reads files or evaluates
//! templates.

mod fields;
mod inputs;
mod order;
mod policy;
mod step;
mod syntax;

use std::collections::{BTreeMap, BTreeSet};

use plugpipe_yaml::shape::{Shape, described};
use plugpipe_yaml::{self as yaml, Content, Node, nearest};
use serde_json::{Map, Value};

use super::error::PipeError;
use super::problem::{Problem, Problems};
use fields::{get, members, name, reject_unsupported};
pub use inputs::{InputDeclaration, InputType};
pub use policy::{OnError, Retry};
pub use step::{Output, Step};
pub use syntax::json_schema;

/// A pipe: steps to run one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipe {
    /// The pipe's name; `pipe` if the document gives none.
    pub name: String,
    /// What the pipe says of itself in `summary.doc`, for the end of a run.
    pub summary: Option<String>,
    /// Default values of inputs.
    pub inputs: Map<String, Value>,
    /// Declared inputs (`{type, required, default}`), by name.
    pub declarations: BTreeMap<String, InputDeclaration>,
    /// Values that steps read as `config.NAME`.
    pub config: Map<String, Value>,
    /// The steps, in the order in which they run. Their ids are unique.
    pub steps: Vec<Step>,
    /// What in the file has no effect.
    pub warnings: Vec<Problem>,
}

impl Pipe {
    /// Parses a pipe in either dialect.
    ///
    /// # Errors
    /// [`PipeError::Invalid`] with all problems, each with its path, such as `steps[1].on_error`,
    /// and its line and column. Nesting beyond 64 levels is a problem.
    pub fn from_yaml(text: &str) -> Result<Pipe, PipeError> {
        let document = yaml::read(text).map_err(|error| {
            PipeError::Invalid(vec![Problem {
                is_warning: false,
                path: "pipe".into(),
                message: format!("is not valid YAML: {error}"),
                position: error.position(),
            }])
        })?;
        let mut problems = Problems::of(&document);
        let pipe = read(&document, &mut problems);
        let mut problems = problems.into_sorted();
        match pipe {
            Some(pipe) if problems.iter().all(|problem| problem.is_warning) => {
                Ok(Pipe { warnings: std::mem::take(&mut problems), ..pipe })
            }
            _ => Err(PipeError::Invalid(problems)),
        }
    }

    /// The inputs of one run: the given ones override the pipe's own.
    ///
    /// Strings are converted to the declared type, because command lines have only strings. A
    /// missing required input, a value that is not accepted, and an unknown name (unless the pipe
    /// has no inputs) are errors.
    pub(crate) fn resolve_inputs(&self, given: Map<String, Value>) -> Result<Map<String, Value>, PipeError> {
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
            let value = match declaration {
                Some(declaration) => declaration.accept(value).map_err(|problem| fail(&name, problem))?,
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

    /// The names of inputs that are masked.
    pub(crate) fn sensitive(&self) -> impl Iterator<Item = &str> {
        self.declarations.iter().filter(|(_, declaration)| declaration.sensitive).map(|(name, _)| name.as_str())
    }

    /// Whether a document is meant to be a pipe.
    pub fn is_meant(document: &Node) -> bool {
        ["steps", "pipeline"].iter().any(|key| document.get(key).is_some())
            || document.get("kind").is_some_and(|kind| kind.to_value() == "PipeSpec")
    }
}

/// None if the problems say that there is no list of steps.
fn read(document: &Node, problems: &mut Problems) -> Option<Pipe> {
    if !matches!(document.content, Content::Map(_)) {
        problems.error(
            "",
            format!(
                "expected a mapping with a list `steps` (or, with kind: PipeSpec, `pipeline`), got {}",
                described(document)
            ),
        );
        return None;
    }
    let mut findings = Vec::new();
    Shape::Table(&syntax::PIPE).check(document, "", &mut findings);
    problems.extend(findings);
    reject_unsupported(document, "", &syntax::PIPE_UNSUPPORTED, problems);

    let (inputs, declarations, unchecked) = inputs::read(document, problems);
    let handling = policy::read_handling(document, problems);
    warn_of_advice(document, unchecked, &handling.ignored, problems);
    let steps = steps_of(document, problems).map(|(list, items)| {
        let steps: Vec<Step> = items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| {
                step::read(item, &format!("{list}[{index}]"), index, handling.retry.as_ref(), problems)
            })
            .collect();
        let complete = steps.len() == items.len();
        check_ids(&list, &steps, problems);
        // With a step missing, ids and indices say nothing.
        if complete { in_order(&list, items, steps, problems) } else { steps }
    });
    let metadata = |key: &str| document.get("metadata").and_then(|metadata| metadata.get(key)).and_then(name);
    Some(Pipe {
        name: get(document, "name").and_then(name).or_else(|| metadata("name")).unwrap_or_else(|| "pipe".to_owned()),
        summary: get(document, "summary").and_then(|summary| summary.get("doc")).and_then(name),
        inputs,
        declarations,
        config: get(document, "config").map(members).unwrap_or_default(),
        steps: steps?,
        warnings: Vec::new(),
    })
}

/// The path of the list of steps, and its items.
fn steps_of<'d>(document: &'d Node, problems: &mut Problems) -> Option<(String, &'d [Node])> {
    let (path, list) = match (get(document, "steps"), get(document, "pipeline")) {
        (Some(steps), None) => ("steps", steps),
        (None, Some(pipeline)) => match &pipeline.content {
            Content::Map(_) => ("pipeline.steps", get(pipeline, "steps").unwrap_or(pipeline)),
            _ => ("pipeline", pipeline),
        },
        (both, _) => {
            let found = if both.is_some() { "both" } else { "neither" };
            problems.error(
                "",
                format!("expected one list of steps, `steps` or (with kind: PipeSpec) `pipeline`, got {found}"),
            );
            return None;
        }
    };
    match &list.content {
        Content::List(items) if !items.is_empty() => Some((path.to_owned(), items)),
        Content::List(_) | Content::Map(_) => {
            problems.error(path, format!("expected a list of at least one step, got {}", described(list)));
            None
        }
        // The shape says so.
        _ => None,
    }
}

fn check_ids(list: &str, steps: &[Step], problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (index, step) in steps.iter().enumerate() {
        if !seen.insert(&step.id) {
            problems.error(
                &format!("{list}[{index}].id"),
                format!("duplicate id {:?}; give each step a unique `id` or `name`", step.id),
            );
        }
    }
}

/// The steps in the order in which they run.
fn in_order(list: &str, items: &[Node], steps: Vec<Step>, problems: &mut Problems) -> Vec<Step> {
    let mut after = BTreeSet::new();
    let named = |name: &str| {
        let by = |is: fn(&Step, &str) -> bool| steps.iter().position(|step| is(step, name));
        by(|step, name| step.id == name).or_else(|| by(|step, name| step.name.as_deref() == Some(name)))
    };
    let known = || steps.iter().flat_map(|step| [Some(step.id.as_str()), step.name.as_deref()]).flatten();
    for (index, item) in items.iter().enumerate() {
        for (key, is_next) in [("depends_on", false), ("next", true)] {
            let Some(node) = get(item, key) else { continue };
            let path = format!("{list}[{index}].{key}");
            for name in step::references(node, &path, problems) {
                match named(&name) {
                    Some(other) if is_next => _ = after.insert((other, index)),
                    Some(other) => _ = after.insert((index, other)),
                    None => {
                        let nearest = nearest(&name, known());
                        problems.error(&path, format!("{name:?} is not the id or name of a step{nearest}"));
                    }
                }
            }
        }
    }
    match order::order(steps.len(), &after) {
        Ok(order) => {
            let mut steps: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
            order.into_iter().filter_map(|index| steps.get_mut(index)?.take()).collect()
        }
        Err(circle) => {
            let ids: Vec<&str> = circle.iter().filter_map(|index| Some(steps.get(*index)?.id.as_str())).collect();
            let first = ids.first().copied().unwrap_or_default();
            let at = circle.first().map_or_else(|| list.to_owned(), |index| format!("{list}[{index}]"));
            problems.error(
                &at,
                format!("steps wait for each other: {} → {first}; remove one `depends_on` or `next`", ids.join(" → ")),
            );
            steps
        }
    }
}

/// One warning for all that is only advice to a runtime, and not done here.
fn warn_of_advice(document: &Node, mut ignored: Vec<String>, handling: &[String], problems: &mut Problems) {
    ignored.extend_from_slice(handling);
    if get(document, "success_criteria").is_some() {
        ignored.push("success_criteria".into());
    }
    if let Some(first) = ignored.first() {
        let path = first.clone();
        problems.warn(&path, format!("not supported, and ignored: {}", ignored.join(", ")));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
