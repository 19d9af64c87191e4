//! Runs the steps of a pipe in order and reports their outcomes.
//!
//! Steps run one at a time, without time limits; the host behind [`PlugCaller`] may add those.

mod scope;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::error::{PipeError, UnknownPlug};
use super::mask::Secrets;
use super::spec::{OnError, Output, Pipe, Step};
use super::template::{Scope, TemplateError, Templates, engine_value};
use scope::{Done, History};

/// Whether the host has a plug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlugKind {
    /// The host can call it.
    Known,
    /// The host is configured to skip its steps; they succeed without a call.
    Stub,
    /// The host does not have it.
    Unknown,
}

/// A variable of the environment, as the host grants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// Its value.
    Value(String),
    /// The name is granted, and has no value.
    Unset,
    /// The name is not granted.
    NotGranted,
}

/// The host interface of the runner.
pub trait PlugCaller {
    /// Whether the host has the plug. Called for every step before the first one runs. The name may
    /// be namespaced (`com.example.plug`) and has no version.
    fn kind(&self, plug: &str) -> PlugKind;

    /// Calls a [`PlugKind::Known`] plug and returns its response. An error means that there was no
    /// response, such as after a timeout; it is shown to the user.
    fn call(&self, plug: &str, ctx: Value) -> impl Future<Output = Result<Response, String>>;

    /// The version of a [`PlugKind::Known`] plug, to warn of a step that was written for a later
    /// one.
    fn version(&self, _plug: &str) -> Option<String> {
        None
    }

    /// What a [`PlugKind::Stub`] answers, for the templates of later steps.
    fn stub(&self, _plug: &str) -> Option<Value> {
        None
    }

    /// A variable of the environment, for `${NAME}`.
    fn variable(&self, _name: &str) -> Variable {
        Variable::NotGranted
    }

    /// Waits between two attempts of a step.
    fn pause(&self, _pause: Duration) -> impl Future<Output = ()> {
        std::future::ready(())
    }
}

/// What a plug responded to a step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// Why the step was not carried out; none if it was.
    pub error: Option<String>,
    /// The code of the error, for `retry_on`.
    pub code: Option<String>,
    /// What the plug ignored, defaulted or did differently than requested.
    pub warnings: Vec<String>,
    /// The result, as the plug wrote it.
    pub body: String,
}

impl Response {
    /// The body for templates and reports: its value if it is JSON, else its text. Whether the step
    /// succeeded is never read from it.
    fn result(body: String) -> Value {
        serde_json::from_str(&body).unwrap_or(Value::String(body))
    }
}

/// Observes a run. `index` counts from 0.
pub trait Observer {
    /// The step is about to run. Not called for a step that is skipped or whose `when` has no
    /// value.
    fn started(&mut self, _index: usize, _total: usize, _step: &Step) {}

    /// The step has finished or was skipped.
    fn finished(&mut self, _index: usize, _total: usize, _report: &StepReport) {}
}

impl Observer for () {}

/// The outcome of a run. Sensitive inputs and variables of the environment are masked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PipeReport {
    /// The pipe's name.
    pub pipe: String,
    /// What the pipe says of itself in `summary.doc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Whether every step succeeded, was skipped by its own `when`, or failed with `on_error:
    /// warn`.
    pub success: bool,
    /// Wall time from the first step's start to the last one's end.
    pub duration_seconds: f64,
    /// One report per step, in the order in which they ran.
    pub steps: Vec<StepReport>,
}

/// The outcome of a step. Sensitive inputs and variables of the environment are masked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepReport {
    /// The step's id.
    pub id: String,
    /// The step's other name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Name of the plug.
    pub plug: String,
    /// How it ended.
    pub status: StepStatus,
    /// Wall time of the step; close to 0 for a skipped one.
    pub duration_seconds: f64,
    /// How often it ran, if more than once.
    #[serde(skip_serializing_if = "is_once")]
    pub attempts: u32,
    /// The request that was sent, or the unrendered fields if nothing was sent.
    pub ctx: Value,
    /// The body of the plug's response, as text if it is not JSON; null if there was no response.
    pub result: Option<Value>,
    /// The names that the step makes for later ones.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub outputs: Map<String, Value>,
    /// What the plug warned of, and what the pipe left empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Why the step failed or was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

fn is_once(attempts: &u32) -> bool {
    *attempts <= 1
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// The plug reported success.
    Succeeded,
    /// It failed, so the pipe failed.
    Failed,
    /// It failed, and has `on_error: warn`.
    Warned,
    /// It did not run: its `when` was false, or an earlier step failed.
    Skipped,
    /// The host is configured to skip its plug.
    Stubbed,
}

impl StepReport {
    fn of(step: &Step) -> Self {
        Self {
            id: step.id.clone(),
            name: step.name.clone(),
            plug: step.plug.clone(),
            status: StepStatus::Succeeded,
            duration_seconds: 0.0,
            attempts: 0,
            ctx: step.ctx.clone(),
            result: None,
            outputs: Map::new(),
            warnings: Vec::new(),
            message: None,
        }
    }

    /// Whether the step succeeded, as templates see it.
    fn success(&self) -> bool {
        matches!(self.status, StepStatus::Succeeded | StepStatus::Stubbed)
    }

    /// The report for anybody but the templates of later steps.
    fn masked(mut self, secrets: &Secrets) -> Self {
        if secrets.is_empty() {
            return self;
        }
        self.ctx = secrets.masked(self.ctx);
        self.result = self.result.map(|result| secrets.masked(result));
        if let Value::Object(outputs) = secrets.masked(Value::Object(self.outputs)) {
            self.outputs = outputs;
        } else {
            self.outputs = Map::new();
        }
        self.warnings = self.warnings.into_iter().map(|warning| secrets.masked_text(warning)).collect();
        self.message = self.message.map(|message| secrets.masked_text(message));
        self
    }
}

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
    let unknown: Vec<UnknownPlug> =
        unknown.map(|step| UnknownPlug { step: step.id.clone(), plug: step.plug.clone() }).collect();
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
        match self.call(step, caller, report).await {
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
    async fn call(&self, step: &Step, caller: &impl PlugCaller, report: &mut StepReport) -> Result<(), String> {
        loop {
            report.attempts += 1;
            let (error, code) = match caller.call(&step.plug, report.ctx.clone()).await {
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
