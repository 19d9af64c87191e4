//! What templates see of a run so far.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use minijinja::Value as EngineValue;
use plugpipe_time::Timestamp;
use serde_json::{Map, Value, json};

use super::host::{PlugCaller, Variable};
use super::report::{StepReport, StepStatus};
use crate::mask::Secrets;
use crate::spec::{Output, Pipe, Step};
use crate::template::syntax::Reference;
use crate::template::{Scope, Templates, engine_value, references_in};

/// A step that has finished or was skipped, as templates see it.
pub(super) struct Done {
    ids: Vec<String>,
    /// `steps.ID`.
    fields: BTreeMap<String, EngineValue>,
    /// `ID`: the members of the result, and the outputs.
    view: EngineValue,
    outputs: BTreeMap<String, EngineValue>,
    /// Outputs without a value, because the plug is stubbed.
    missing: Vec<String>,
    is_stubbed: bool,
    is_skipped: bool,
}

impl Done {
    pub(super) fn of(step: &Step, report: &StepReport) -> Self {
        let members: BTreeMap<String, EngineValue> = match &report.result {
            Some(Value::Object(members)) => {
                members.iter().map(|(name, value)| (name.clone(), engine_value(value))).collect()
            }
            _ => BTreeMap::new(),
        };
        let outputs: BTreeMap<String, EngineValue> =
            report.outputs.iter().map(|(name, value)| (name.clone(), engine_value(value))).collect();
        let is_stubbed = report.status == StepStatus::Stubbed;
        let missing =
            step.outputs.iter().map(|(name, _)| name).filter(|name| is_stubbed && !outputs.contains_key(*name));
        let result = match &report.result {
            Some(Value::Object(_)) => EngineValue::from(members.clone()),
            Some(other) => engine_value(other),
            None => EngineValue::from(()),
        };
        let is_object = matches!(report.result, Some(Value::Object(_)));
        let mut view = members;
        view.extend(outputs.iter().map(|(name, value)| (name.clone(), value.clone())));
        let is_skipped = report.status == StepStatus::Skipped;
        let error = if is_skipped { None } else { report.message.as_deref() };
        let fields = [
            ("id", EngineValue::from(report.id.as_str())),
            ("success", EngineValue::from(report.success())),
            ("status", engine_value(&json!(report.status))),
            ("error", engine_value(&json!(error))),
            ("duration_seconds", EngineValue::from(report.duration_seconds)),
            ("outputs", EngineValue::from(outputs.clone())),
        ];
        Self {
            ids: [Some(step.id.clone()), step.name.clone()].into_iter().flatten().collect(),
            fields: fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .chain([("result".to_owned(), result.clone())])
                .collect(),
            view: if is_object || !outputs.is_empty() { EngineValue::from(view) } else { result },
            missing: missing.cloned().collect(),
            outputs,
            is_stubbed,
            is_skipped,
        }
    }
}

/// The run so far.
pub(super) struct History<'p> {
    pipe: &'p Pipe,
    began: Instant,
    inputs: BTreeMap<String, EngineValue>,
    config: BTreeMap<String, EngineValue>,
    /// Inputs and members of `config` that have no value, and why.
    unresolved: BTreeMap<String, String>,
    done: Vec<Done>,
}

impl<'p> History<'p> {
    /// Resolves references in the defaults of inputs and in `config`. Values that are given come
    /// from outside, and are used as they are.
    pub(super) fn new(
        pipe: &'p Pipe,
        inputs: Map<String, Value>,
        given: &[String],
        templates: &Templates,
        caller: &impl PlugCaller,
        secrets: &mut Secrets,
    ) -> Self {
        let mut unresolved = BTreeMap::new();
        let mut resolve = |name: &str, value: &Value, scope: Scope| -> Option<EngineValue> {
            if !value.to_string().contains("${") {
                return Some(engine_value(value));
            }
            let mut references = BTreeMap::new();
            references_in(value, &scope, &mut references);
            let references = references.into_iter().map(|(inner, reference)| {
                let resolved = resolved(reference, caller, secrets).map(|(value, _)| value);
                (inner, resolved)
            });
            let scope = scope.with_references(references.collect());
            match templates.render(value, &scope, &mut Vec::new()) {
                Ok(value) => Some(engine_value(&value)),
                Err(error) => {
                    unresolved.insert(name.to_owned(), error.to_string());
                    None
                }
            }
        };
        let mut known = BTreeMap::new();
        for (name, value) in &inputs {
            let value = match given.contains(name) {
                true => Some(engine_value(value)),
                false => resolve(name, value, Scope::new(BTreeMap::new())),
            };
            known.extend(value.map(|value| (name.clone(), value)));
        }
        let mut config = BTreeMap::new();
        for (name, value) in &pipe.config {
            let mut scope = known.clone();
            scope.insert("inputs".to_owned(), EngineValue::from(known.clone()));
            config.extend(resolve(name, value, Scope::new(scope)).map(|value| (name.clone(), value)));
        }
        Self { pipe, began: Instant::now(), inputs: known, config, unresolved, done: Vec::new() }
    }

    pub(super) fn add(&mut self, _: &Step, done: Done) {
        self.done.push(done);
    }

    /// Since the run began.
    pub(super) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// The message with the reason why an input that it names has no value.
    pub(super) fn explained(&self, mut message: String) -> String {
        for (name, reason) in &self.unresolved {
            if message.contains(&format!("`{name}`")) || message.contains(&format!(".{name}`")) {
                message.push_str(&format!("; {name}: {reason}"));
            }
        }
        message
    }

    /// The scope of the next step, and what to warn of.
    pub(super) fn scope(
        &self,
        step: &Step,
        is_stub: bool,
        success: bool,
        caller: &impl PlugCaller,
        secrets: &mut Secrets,
    ) -> (Scope, Vec<String>) {
        let scope = Scope::new(self.variables(success)).with_stubs(self.stubbed(), is_stub);
        let whens: Vec<Value> = step.when.iter().map(|when| Value::from(when.as_str())).collect();
        let whens = Value::Array(whens);
        let outputs = step.outputs.iter().filter_map(|(_, output)| match output {
            Output::Value(value) => Some(value),
            Output::Member => None,
        });
        let mut references = BTreeMap::new();
        for value in outputs.chain([&step.ctx, &whens]) {
            references_in(value, &scope, &mut references);
        }
        let mut warnings = Vec::new();
        let mut values = BTreeMap::new();
        for (inner, reference) in references {
            let value = match resolved(reference, caller, secrets) {
                Ok((value, warning)) => {
                    warnings.extend(warning);
                    Ok(value)
                }
                // Nobody is called who would need it.
                Err(_) if is_stub => Ok(format!("${{{inner}}}")),
                Err(problem) => Err(problem),
            };
            values.insert(inner, value);
        }
        (scope.with_references(values), warnings)
    }

    fn variables(&self, success: bool) -> BTreeMap<String, EngineValue> {
        let seconds = self.seconds();
        let mut pipeline: BTreeMap<String, EngineValue> = BTreeMap::new();
        let mut steps: BTreeMap<String, EngineValue> = BTreeMap::new();
        let mut variables = self.config.clone();
        for done in &self.done {
            let fields = EngineValue::from(done.fields.clone());
            for id in &done.ids {
                steps.insert(id.clone(), fields.clone());
                pipeline.insert(id.clone(), in_pipeline(done));
                variables.insert(id.clone(), done.view.clone());
            }
        }
        pipeline.insert("name".into(), EngineValue::from(self.pipe.name.as_str()));
        pipeline.insert("duration_seconds".into(), EngineValue::from(seconds));
        pipeline.insert("success".into(), EngineValue::from(success));
        variables.insert("timestamp".into(), EngineValue::from(now()));
        variables.insert(
            "summary".into(),
            engine_value(&json!({
                "status": if success { "success" } else { "failed" },
                "total_duration_ms": seconds * 1_000.0,
            })),
        );
        variables.extend(self.inputs.clone());
        for done in &self.done {
            variables.extend(done.outputs.clone());
        }
        variables.insert("inputs".into(), EngineValue::from(self.inputs.clone()));
        variables.insert("input".into(), EngineValue::from(self.inputs.clone()));
        variables.insert("config".into(), EngineValue::from(self.config.clone()));
        variables.insert("pipeline".into(), EngineValue::from(pipeline));
        variables.insert("steps".into(), EngineValue::from(steps));
        if let Some(previous) = self.previous() {
            variables.insert("previous_step".into(), EngineValue::from(previous.fields.clone()));
        }
        variables
    }

    fn previous(&self) -> Option<&Done> {
        self.done.iter().rfind(|done| !done.is_skipped)
    }

    /// The beginnings of paths to what stubs might have given.
    fn stubbed(&self) -> BTreeSet<String> {
        let mut paths = BTreeSet::new();
        for done in self.done.iter().filter(|done| done.is_stubbed) {
            for id in &done.ids {
                paths.extend([id.clone(), format!("steps.{id}"), format!("pipeline.{id}")]);
            }
            paths.extend(done.missing.iter().cloned());
            paths.extend(done.outputs.keys().cloned());
        }
        if self.previous().is_some_and(|previous| previous.is_stubbed) {
            paths.insert("previous_step".into());
        }
        paths
    }
}

/// `pipeline.ID`: the members of the result, and the fields of `steps.ID`.
fn in_pipeline(done: &Done) -> EngineValue {
    let mut members: BTreeMap<String, EngineValue> = BTreeMap::new();
    if let Ok(keys) = done.view.try_iter()
        && done.view.kind() == minijinja::value::ValueKind::Map
    {
        for key in keys {
            if let Ok(value) = done.view.get_item(&key) {
                members.insert(key.to_string(), value);
            }
        }
    }
    members.extend(done.fields.clone());
    EngineValue::from(members)
}

/// The current time, in RFC 3339.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_millis(millis).map(|time| time.to_string()).unwrap_or_default()
}

/// The value of a reference to the environment and a warning, or why there is none.
fn resolved(
    reference: Reference<'_>,
    caller: &impl PlugCaller,
    secrets: &mut Secrets,
) -> Result<(String, Option<String>), String> {
    let (name, default) = match reference {
        Reference::Env { name, default } => (name, default),
        Reference::Other { scheme } => {
            return Err(format!(
                "${{{scheme}:…}} is not supported: only variables of the environment are, as ${{env:NAME}}; grant the host a \
                 credential, or pass the value with --input. Put braces that are not for the pipe between {{% raw %}} and {{% endraw %}}"
            ));
        }
        Reference::Expression => return Err("is an expression".into()),
    };
    match (caller.variable(name), default) {
        (Variable::Value(value), _) => {
            secrets.add_variable(&value);
            Ok((value, None))
        }
        (Variable::Unset, Some(default)) => Ok((default.to_owned(), None)),
        (Variable::NotGranted, Some(default)) => {
            let warning = format!("${{{name}}} is not granted, so its default is used; grant it with --env {name}");
            Ok((default.to_owned(), Some(warning)))
        }
        (Variable::Unset, None) => Err(format!("${{{name}}} is granted but not set in the environment")),
        (Variable::NotGranted, None) => Err(format!(
            "${{{name}}} is not granted; grant it with --env {name}, or put braces that are not for the pipe between \
             {{% raw %}} and {{% endraw %}}"
        )),
    }
}
