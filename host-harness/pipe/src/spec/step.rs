//! A step.

use std::collections::BTreeMap;

use plugpipe_yaml::shape::joined;
use plugpipe_yaml::{Content, Node};
use serde_json::{Map, Value};

use super::fields::{flag, get, name, reject_unsupported, written};
use super::policy::{self, OnError, Retry};
use super::syntax;
use crate::problem::Problems;

/// One call of a plug.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Where the step is in the file, such as `steps[1]`.
    pub path: String,
    /// Unique in the pipe; `step_1`, `step_2`, … if the step has neither `id` nor `name`.
    pub id: String,
    /// Another name by which templates and `depends_on` may refer to the step.
    pub name: Option<String>,
    /// Name of the plug to call, without a version.
    pub plug: String,
    /// The plug's version that the step was written for.
    pub version: Option<String>,
    /// The plug's request before templates are rendered: `config`, `with`, `input` and `inputs`,
    /// merged in this order; later ones override earlier ones.
    pub ctx: Value,
    /// Where each field of the request is in the file, such as `steps[1].with.labels`.
    pub field_paths: BTreeMap<String, String>,
    /// Whether the member `file` of the request is the path of a file, whose text the request gets
    /// as `text`.
    pub reads_file: bool,
    /// The names that the step makes for later ones, with templates of their values.
    pub outputs: Vec<(String, Output)>,
    /// Expressions that must all be true for the step to run.
    pub when: Vec<String>,
    /// The effect of a failure on the pipe.
    pub on_error: OnError,
    /// What stands before the step's own error.
    pub message: Option<String>,
    /// How often a step that fails runs again.
    pub retry: Option<Retry>,
    /// Whether the step runs even after the pipe has failed.
    pub always_run: bool,
}

/// The value of an output.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// The member of the step's result that has the output's name.
    Member,
    /// A value whose strings are templates or paths.
    Value(Value),
}

/// What `uses` says beside `plug` or `plugin` in migrated files, where it is the step's first key.
const NO_PLUG: [&str; 4] = ["description", "id", "name", "plugin"];

/// Types of members of a result.
const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "object", "array", "any"];

/// Reads a step whose shape was checked; none if it names no plug.
pub(super) fn read(
    node: &Node,
    path: &str,
    index: usize,
    retry: Option<&Retry>,
    problems: &mut Problems,
) -> Option<Step> {
    let Content::Map(_) = &node.content else { return None };
    reject_unsupported(node, path, &syntax::STEP_UNSUPPORTED, problems);
    let own = get(node, "name").and_then(name);
    let id = get(node, "id").and_then(name).or_else(|| own.clone()).unwrap_or_else(|| format!("step_{}", index + 1));
    let plug = plug_name(node, path, problems);
    let failing = policy::read_step(node, path, problems);
    let (mut ctx, mut field_paths) = (Map::new(), BTreeMap::new());
    for part in ["config", "with", "input", "inputs"] {
        if let Some(Value::Object(fields)) = get(node, part).map(|part| part.to_value_where(keeps_source_text)) {
            let part = joined(path, part);
            field_paths.extend(fields.keys().map(|field| (field.clone(), joined(&part, field))));
            ctx.extend(fields);
        }
    }
    let file = get(node, "file").and_then(name);
    let reads_file = file.is_some();
    if let Some(file) = file {
        if let Some(member) = ["file", "text"].into_iter().find(|member| ctx.contains_key(*member)) {
            let problem = format!("the host sets the field {member} of the request; remove it from the step");
            problems.error(&joined(path, "file"), problem);
        }
        ctx.insert("file".into(), file.into());
    }
    let (plug, version) = plug?;
    Some(Step {
        path: path.to_owned(),
        name: own.filter(|own| *own != id),
        id,
        plug,
        version: get(node, "version").and_then(written).or(version),
        ctx: Value::Object(ctx),
        field_paths,
        reads_file,
        outputs: outputs(node),
        when: ["when", "condition"].iter().filter_map(|key| get(node, key).and_then(written)).collect(),
        on_error: failing.on_error,
        message: failing.message,
        retry: failing.retry.or_else(|| retry.cloned()),
        always_run: get(node, "always_run").and_then(flag).unwrap_or_default(),
    })
}

/// The plug and its version.
fn plug_name(node: &Node, path: &str, problems: &mut Problems) -> Option<(String, Option<String>)> {
    let mut named: Option<(&str, String)> = None;
    for key in ["plug", "plugin", "uses"] {
        let Some(value) = get(node, key) else { continue };
        // The shape says what is wrong.
        let name = name(value)?;
        match &named {
            None => named = Some((key, name)),
            Some((taken, plug)) if *plug != name && !(key == "uses" && NO_PLUG.contains(&name.as_str())) => {
                problems.warn(
                    &joined(path, key),
                    format!("names another plug than `{taken}`, which is called: {plug}; remove one of them"),
                );
            }
            Some(_) => {}
        }
    }
    let Some((_, name)) = named else {
        problems.error(path, "no plug; expected `plugin: NAME` (or `plug`, or `uses`)");
        return None;
    };
    Some(match name.split_once([':', '@']) {
        Some((name, version)) if !name.is_empty() && !version.is_empty() => (name.to_owned(), Some(version.to_owned())),
        _ => (name, None),
    })
}

fn outputs(node: &Node) -> Vec<(String, Output)> {
    let mut outputs: Vec<(String, Output)> = Vec::new();
    for key in ["outputs", "output_mapping"] {
        let Some(Content::Map(members)) = get(node, key).map(|part| &part.content) else { continue };
        for (name, value) in members {
            let is_type = |node: &Node| name_of_type(node).is_some();
            let declared = match &value.content {
                Content::Map(_) => value.get("type").is_some_and(is_type),
                _ => is_type(value),
            };
            let value = if declared { Output::Member } else { Output::Value(value.to_value()) };
            outputs.push((name.name.clone(), value));
        }
    }
    outputs
}

fn name_of_type(node: &Node) -> Option<String> {
    name(node).filter(|name| TYPES.contains(&name.as_str()))
}

/// The steps that `depends_on` or `next` names.
pub(super) fn references(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    let items = match &node.content {
        Content::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut names = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if get(item, "when").is_some() {
            problems.error(
                &format!("{path}[{index}].when"),
                "is not supported: give the step itself a `when`, with the opposite condition for the other branch",
            );
        }
        names.extend(name(item).or_else(|| get(item, "target").and_then(name)));
    }
    names
}

/// Mappings with string values, anywhere in a step.
const STRING_MAPS: [&str; 4] = ["annotations", "external_labels", "grouping_key", "labels"];

/// Whether scalars at a path within a step's fields keep their source text: the fields themselves,
/// settings, and members of string mappings. Deeper values may be documents that the plug passes on,
/// such as dashboards, whose numbers must stay numbers.
fn keeps_source_text(fields: &[&str]) -> bool {
    match fields {
        [] => false,
        [_] => true,
        [fields @ .., parent, _] => {
            STRING_MAPS.contains(parent)
                || fields.iter().chain([parent]).any(|key| *key == "prometheus_config" || key.ends_with("_auth"))
        }
    }
}
