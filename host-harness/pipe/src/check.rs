//! Checks a pipe's templates without running it.

use std::collections::{BTreeMap, BTreeSet};

use plugpipe_yaml::{self as yaml, Content, Node, nearest};
use serde_json::Value;

use super::error::PipeError;
use super::problem::{Problem, Problems};
use super::spec::Pipe;
use super::template::{Scope, Templates, is_template};

/// Names that every template may use.
const ALWAYS: [&str; 9] =
    ["inputs", "input", "config", "pipeline", "steps", "previous_step", "summary", "timestamp", "loop"];

impl Pipe {
    /// Parses a pipe and checks its templates too, without evaluating them: their syntax, and
    /// whether their names are those of something in the pipe. Returns all problems, in the order of
    /// the file.
    pub fn check(text: &str) -> Vec<Problem> {
        let pipe = match Pipe::from_yaml(text) {
            Ok(pipe) => pipe,
            Err(PipeError::Invalid(problems)) => return problems,
            Err(error) => {
                return vec![Problem {
                    is_warning: false,
                    path: "pipe".into(),
                    message: error.to_string(),
                    position: None,
                }];
            }
        };
        // It was read before.
        let Ok(document) = yaml::read(text) else { return pipe.warnings };
        let mut problems = Problems::of(&document);
        check_templates(&pipe, &document, &mut problems);
        let mut all = problems.into_sorted();
        all.extend(pipe.warnings);
        all.sort_by_key(|problem| problem.position);
        all
    }
}

fn check_templates(pipe: &Pipe, document: &Node, problems: &mut Problems) {
    let templates = Templates::new();
    let mut known: BTreeSet<&str> = ALWAYS.into_iter().collect();
    known.extend(pipe.inputs.keys().chain(pipe.declarations.keys()).chain(pipe.config.keys()).map(String::as_str));
    for step in &pipe.steps {
        known.insert(&step.id);
        known.extend(step.name.as_deref());
        known.extend(step.outputs.iter().map(|(name, _)| name.as_str()));
    }
    // Without declared inputs any may be given.
    let takes_any = pipe.inputs.is_empty() && pipe.declarations.is_empty();
    let defined = known.iter().map(|name| ((*name).to_owned(), minijinja::Value::from(""))).collect::<BTreeMap<_, _>>();
    let scope = Scope::new(defined);
    let list =
        ["steps", "pipeline.steps", "pipeline"].into_iter().find_map(|path| Some((path, list_at(document, path)?)));
    let Some((path, steps)) = list else { return };
    for (index, step) in steps.iter().enumerate() {
        for part in ["config", "with", "input", "inputs", "outputs", "output_mapping", "when", "condition"] {
            let Some(node) = step.get(part) else { continue };
            let is_output = matches!(part, "outputs" | "output_mapping");
            let value = match (part, node.to_value()) {
                ("when" | "condition", Value::String(when)) if !is_template(&when) => {
                    Value::from(format!("{{{{ {when} }}}}"))
                }
                (_, value) => value,
            };
            templates.check(&value, &scope, &mut |place, checked| {
                let place = if place.is_empty() { String::new() } else { format!(".{place}") };
                let place = format!("{path}[{index}].{part}{place}");
                match checked {
                    Err(problem) => problems.error(&place, problem),
                    Ok(names) => {
                        for name in names.iter().filter(|name| !takes_any && !is_output && !known.contains(name.as_str())) {
                            let near = nearest(name, known.iter().copied());
                            let start = if near.is_empty() { "; " } else { " Otherwise " };
                            problems.warn(
                                &place,
                                format!("`{name}` is not defined{near}{start}declare it in `inputs`, or put braces that are not for the pipe between {{% raw %}} and {{% endraw %}}"),
                            );
                        }
                    }
                }
            });
        }
    }
}

fn list_at<'n>(document: &'n Node, path: &str) -> Option<&'n [Node]> {
    let node = path.split('.').try_fold(document, |node, key| node.get(key))?;
    match &node.content {
        Content::List(items) => Some(items),
        _ => None,
    }
}
