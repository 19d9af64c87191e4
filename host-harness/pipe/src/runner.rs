//! Runs the steps of a pipe in order and reports their outcomes.
//!
//! Steps run one at a time, without time limits; the host behind [`PlugCaller`] may add those.

mod host;
mod report;
mod scope;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use plugpipe_yaml::nearest;
use serde_json::{Map, Value, json};

use super::error::{PipeError, UnknownPlug};
use super::mask::Secrets;
use super::spec::{OnError, Output, Pipe, Step};
use super::template::{Scope, TemplateError, Templates, engine_value};
pub use host::{PlugCaller, PlugKind, Response, Variable};
pub use report::{PipeReport, StepReport, StepStatus};
use scope::{Done, History};

/// Observes a run. `index` counts from 0.
pub trait Observer {
    /// The step is about to run. Not called for a step that is skipped or whose `when` has no
    /// value.
    fn started(&mut self, _index: usize, _total: usize, _step: &Step) {}

    /// The step has finished or was skipped.
    fn finished(&mut self, _index: usize, _total: usize, _report: &StepReport) {}
}

impl Observer for () {}

/// Runs the pipe. `inputs` override the pipe's own.
///
/// A step succeeds if the plug's response has no error. After a failed step, only steps with
/// `always_run` run; a step that failed with `on_error: warn` does not stop the pipe. A template that
/// cannot be evaluated fails its step.
///
/// Fails before the first step if an input is invalid or a step's plug is unknown; later failures
/// are in the report.
pub async fn run(
    pipe: &Pipe,
    inputs: Map<String, Value>,
    caller: &impl PlugCaller,
    observer: &mut impl Observer,
) -> Result<PipeReport, PipeError> {
    let unknown = pipe.steps.iter().filter(|step| caller.kind(&step.plug) == PlugKind::Unknown);
    let names = caller.names();
    let unknown = unknown.map(|step| UnknownPlug {
        step: step.id.clone(),
        plug: step.plug.clone(),
        near: nearest(&step.plug, names.iter().map(String::as_str)),
    });
    let unknown: Vec<UnknownPlug> = unknown.collect();
    if !unknown.is_empty() {
        return Err(PipeError::UnknownPlugs(unknown));
    }
    let total = pipe.steps.len();
    let templates = Templates::new();
    let mut secrets = Secrets::default();
    let given: Vec<String> = inputs.keys().cloned().collect();
    let inputs = pipe.resolve_inputs(inputs)?;
    for name in pipe.sensitive() {
        if let Some(value) = inputs.get(name) {
            secrets.add_input(value);
        }
    }
    let texts = secrets.texts();
    if !texts.is_empty() {
        caller.keep_secret(texts).await.map_err(PipeError::Host)?;
    }
    let history = History::new(pipe, inputs, &given, &templates, caller, &mut secrets);
    let mut run = Run { templates, history, secrets, failed: None };
    let mut reports = Vec::with_capacity(total);
    for (index, step) in pipe.steps.iter().enumerate() {
        let report = run.step(step, caller, || observer.started(index, total, step)).await;
        observer.finished(index, total, &report);
        reports.push(report);
    }
    Ok(PipeReport {
        pipe: pipe.name.clone(),
        summary: pipe.summary.clone(),
        success: run.failed.is_none(),
        duration_seconds: run.history.seconds(),
        steps: reports,
    })
}

/// A run in progress.
struct Run<'p> {
    templates: Templates,
    history: History<'p>,
    secrets: Secrets,
    /// The first step that failed the pipe.
    failed: Option<&'p str>,
}

/// How a step ended without success.
struct Ending {
    status: StepStatus,
    message: String,
}

impl Ending {
    fn failed(message: String) -> Self {
        Self { status: StepStatus::Failed, message }
    }

    fn skipped(message: String) -> Self {
        Self { status: StepStatus::Skipped, message }
    }
}

impl<'p> Run<'p> {
    async fn step(&mut self, step: &'p Step, caller: &impl PlugCaller, started: impl FnOnce()) -> StepReport {
        let began = Instant::now();
        let mut report = StepReport::of(step);
        if let Err(ending) = self.attempt(step, caller, started, &mut report).await {
            report.status = match (ending.status, step.on_error) {
                (StepStatus::Failed, OnError::Warn) => StepStatus::Warned,
                (status, _) => status,
            };
            report.message = Some(match (&step.message, ending.status) {
                (Some(message), StepStatus::Failed) => format!("{message}: {}", ending.message),
                _ => ending.message,
            });
        }
        report.duration_seconds = began.elapsed().as_secs_f64();
        if report.status == StepStatus::Failed && self.failed.is_none() {
            self.failed = Some(&step.id);
        }
        self.history.add(step, Done::of(step, &report));
        report.masked(&self.secrets)
    }

    /// Runs the step and records the request and response in the report.
    async fn attempt(
        &mut self,
        step: &Step,
        caller: &impl PlugCaller,
        started: impl FnOnce(),
        report: &mut StepReport,
    ) -> Result<(), Ending> {
        if let Some(failed) = self.failed
            && !step.always_run
        {
            return Err(Ending::skipped(format!("step {failed} failed, and this step does not set always_run")));
        }
        let is_stub = caller.kind(&step.plug) == PlugKind::Stub;
        let (scope, warnings) = self.history.scope(step, is_stub, self.failed.is_none(), caller, &mut self.secrets);
        report.warnings.extend(warnings);
        let history = &self.history;
        let fail = |error: TemplateError| Ending::failed(history.explained(format!("step {}, {error}", step.id)));
        for when in &step.when {
            if !self.templates.condition(when, &scope, &mut report.warnings).map_err(fail)? {
                return Err(Ending::skipped(format!("condition is false: {}", when.trim())));
            }
        }

        started();
        report.ctx = self.templates.render(&step.ctx, &scope, &mut report.warnings).map_err(fail)?;
        if is_stub {
            report.status = StepStatus::Stubbed;
            let answer = caller.stub(&step.plug);
            report.result = Some(answer.unwrap_or_else(|| json!({"success": true, "stubbed": true})));
            return self.outputs(step, &scope, report).map_err(fail);
        }
        report.warnings.extend(warning_of_version(step, caller));
        // The report does not repeat the text.
        let mut ctx = report.ctx.clone();
        if step.reads_file {
            let text = match ctx.get("file").and_then(Value::as_str) {
                Some(file) => caller.file(file).await.map_err(|problem| format!("file: {file}: {problem}")),
                None => Err("file: expected the path of a file".to_owned()),
            };
            let text = text.map_err(|problem| Ending::failed(format!("step {}, {problem}", step.id)))?;
            if let Some(members) = ctx.as_object_mut() {
                members.insert("text".into(), text.into());
            }
        }
        match self.call(step, caller, ctx, report).await {
            Ok(()) => self.outputs(step, &scope, report).map_err(fail),
            Err(message) => {
                report.status = StepStatus::Failed;
                // What a failed step tells may serve its successors, but says nothing else.
                _ = self.outputs(step, &scope, report);
                Err(Ending::failed(message))
            }
        }
    }

    /// Calls the plug, again after errors as far as the step allows.
    async fn call(
        &self,
        step: &Step,
        caller: &impl PlugCaller,
        ctx: Value,
        report: &mut StepReport,
    ) -> Result<(), String> {
        loop {
            report.attempts += 1;
            let (error, code) = match caller.call(&step.plug, ctx.clone()).await {
                Ok(Response { error, code, warnings, body }) => {
                    report.warnings.extend(warnings);
                    report.result = Some(Response::result(body));
                    (error, code)
                }
                Err(error) => {
                    report.result = None;
                    (Some(error), None)
                }
            };
            let Some(error) = error else { return Ok(()) };
            let again = step.retry.as_ref().filter(|retry| report.attempts < retry.attempts);
            let Some(retry) = again.filter(|retry| retry.is_for(code.as_deref())) else { return Err(error) };
            report.warnings.push(format!("attempt {} of {} failed: {error}", report.attempts, retry.attempts));
            caller.pause(Duration::from_secs(retry.pause_seconds(report.attempts + 1))).await;
        }
    }

    /// Adds the step's outputs to the report.
    fn outputs(&self, step: &Step, scope: &Scope, report: &mut StepReport) -> Result<(), TemplateError> {
        let result = report.result.clone().unwrap_or_default();
        for (name, output) in &step.outputs {
            let value = match output {
                Output::Member => result.get(name).cloned(),
                Output::Value(value) => {
                    let own = self.own_names(value, scope, &result, report.status);
                    match self.templates.render_output(name, value, &scope.and(own).strict(), &mut report.warnings) {
                        Ok(value) => Some(value),
                        // A later step that needs it says so.
                        Err(error) if error.is_undefined && report.status != StepStatus::Succeeded => None,
                        Err(error) => return Err(error),
                    }
                }
            };
            if let Some(value) = value {
                report.outputs.insert(name.clone(), value);
            }
        }
        Ok(())
    }

    /// Names in an output that nothing else has: `…_result` is the step's own result, `…_status`
    /// its status, and others are members of the result.
    fn own_names(
        &self,
        value: &Value,
        scope: &Scope,
        result: &Value,
        status: StepStatus,
    ) -> BTreeMap<String, minijinja::Value> {
        let names = self.templates.names(value, scope).into_iter().filter(|name| !scope.defines(name));
        let own = names.filter_map(|name| {
            let value = if name.ends_with("_result") {
                engine_value(result)
            } else if name.ends_with("_status") {
                engine_value(&json!(status))
            } else {
                engine_value(result.get(&name)?)
            };
            Some((name, value))
        });
        own.collect()
    }
}

/// A step may be written for an earlier version, which the plug then still understands.
fn warning_of_version(step: &Step, caller: &impl PlugCaller) -> Option<String> {
    let (asked, had) = (step.version.as_deref()?, caller.version(&step.plug)?);
    let numbers = |version: &str| -> Option<Vec<u64>> {
        version.trim_start_matches(['^', '~', '=', '>', 'v', ' ']).split('.').map(|part| part.parse().ok()).collect()
    };
    let is_later = match (numbers(asked), numbers(&had)) {
        (Some(asked), Some(had)) => asked > had,
        _ => asked != had,
    };
    is_later.then(|| format!("version: the step was written for {} {asked}, and this is {had}", step.plug))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
