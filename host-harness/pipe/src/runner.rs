//! Runs the steps of a pipe in order and reports their outcomes.
//!
//! Steps run one at a time, without retries or time limits; the host behind [`PlugCaller`] may add
//! those.

use std::future::Future;
use std::time::Instant;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::error::PipeError;
use super::spec::{OnError, Pipe, Step};
use super::template::{Scope, Templates};

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

/// The host interface of the runner.
pub trait PlugCaller {
    /// Whether the host has the plug. Called for every step before the first one runs.
    fn kind(&self, plug: &str) -> PlugKind;

    /// Calls a [`PlugKind::Known`] plug and returns its response. An error means that there was no
    /// response, such as after a timeout; it is shown to the user.
    fn call(&self, plug: &str, ctx: Value) -> impl Future<Output = Result<Response, String>>;
}

/// What a plug responded to a step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// Why the step was not carried out; none if it was.
    pub error: Option<String>,
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

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PipeReport {
    /// The pipe's name.
    pub pipe: String,
    /// Whether every step succeeded, was skipped by its own `when`, or failed with `on_error:
    /// warn`.
    pub success: bool,
    /// Wall time from the first step's start to the last one's end.
    pub duration_seconds: f64,
    /// One report per step, in order.
    pub steps: Vec<StepReport>,
}

/// The outcome of a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepReport {
    /// The step's id.
    pub id: String,
    /// Name of the plug.
    pub plug: String,
    /// How it ended.
    pub status: StepStatus,
    /// Wall time of the step; close to 0 for a skipped one.
    pub duration_seconds: f64,
    /// The request that was sent, or the unrendered fields if nothing was sent.
    pub ctx: Value,
    /// The body of the plug's response, as text if it is not JSON; null if there was no response.
    pub result: Option<Value>,
    /// What the plug warned of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Why the step failed or was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
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
    /// Whether the step succeeded, as templates see it.
    fn success(&self) -> bool {
        matches!(self.status, StepStatus::Succeeded | StepStatus::Stubbed)
    }

    /// The step as templates see it in `steps.ID` and `previous_step`.
    fn template_value(&self) -> Value {
        json!({
            "id": self.id,
            "success": self.success(),
            "status": self.status,
            "result": self.result,
            "error": if self.status == StepStatus::Skipped { None } else { self.message.as_ref() },
            "duration_seconds": self.duration_seconds,
        })
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
    for step in &pipe.steps {
        if caller.kind(&step.plug) == PlugKind::Unknown {
            return Err(PipeError::UnknownPlug { step: step.id.clone(), plug: step.plug.clone() });
        }
    }
    let total = pipe.steps.len();
    let mut run = Run {
        name: &pipe.name,
        inputs: Value::Object(pipe.resolve_inputs(inputs)?),
        templates: Templates::new(),
        began: Instant::now(),
        failed: None,
        reports: Vec::with_capacity(total),
    };
    for (index, step) in pipe.steps.iter().enumerate() {
        let report = run.step(step, caller, || observer.started(index, total, step)).await;
        observer.finished(index, total, &report);
        if report.status == StepStatus::Failed && run.failed.is_none() {
            run.failed = Some(&step.id);
        }
        run.reports.push(report);
    }
    Ok(PipeReport {
        pipe: pipe.name.clone(),
        success: run.failed.is_none(),
        duration_seconds: run.began.elapsed().as_secs_f64(),
        steps: run.reports,
    })
}

/// A run in progress.
struct Run<'p> {
    name: &'p str,
    inputs: Value,
    templates: Templates,
    began: Instant,
    /// The first step that failed the pipe.
    failed: Option<&'p str>,
    reports: Vec<StepReport>,
}

/// How a step ended without success.
struct Ending {
    status: StepStatus,
    message: String,
}

impl Run<'_> {
    async fn step(&self, step: &Step, caller: &impl PlugCaller, started: impl FnOnce()) -> StepReport {
        let began = Instant::now();
        let mut report = StepReport {
            id: step.id.clone(),
            plug: step.plug.clone(),
            status: StepStatus::Succeeded,
            duration_seconds: 0.0,
            ctx: step.ctx.clone(),
            result: None,
            warnings: Vec::new(),
            message: None,
        };
        if let Err(ending) = self.attempt(step, caller, started, &mut report).await {
            report.status = match (ending.status, step.on_error) {
                (StepStatus::Failed, OnError::Warn) => StepStatus::Warned,
                (status, _) => status,
            };
            report.message = Some(ending.message);
        }
        report.duration_seconds = began.elapsed().as_secs_f64();
        report
    }

    /// Runs the step and records the request and response in the report.
    async fn attempt(
        &self,
        step: &Step,
        caller: &impl PlugCaller,
        started: impl FnOnce(),
        report: &mut StepReport,
    ) -> Result<(), Ending> {
        let fail = |message: String| Ending { status: StepStatus::Failed, message };
        let skip = |message: String| Ending { status: StepStatus::Skipped, message };
        if let Some(failed) = self.failed
            && !step.always_run
        {
            return Err(skip(format!("step {failed} failed, and this step does not set always_run")));
        }
        let scope = self.scope();
        let template_error = |error| fail(format!("step {}, {error}", step.id));
        if let Some(when) = &step.when
            && !self.templates.condition(when, &scope).map_err(template_error)?
        {
            return Err(skip(format!("condition is false: {}", when.trim())));
        }

        started();
        report.ctx = self.templates.render(&step.ctx, &scope).map_err(template_error)?;
        if caller.kind(&step.plug) == PlugKind::Stub {
            report.status = StepStatus::Stubbed;
            report.result = Some(json!({"success": true, "stubbed": true}));
            return Ok(());
        }
        let Response { error, warnings, body } = caller.call(&step.plug, report.ctx.clone()).await.map_err(fail)?;
        report.warnings = warnings;
        report.result = Some(Response::result(body));
        error.map_or(Ok(()), |error| Err(fail(error)))
    }

    fn scope(&self) -> Scope {
        let mut variables = Map::new();
        variables.insert("inputs".to_owned(), self.inputs.clone());
        variables.insert("input".to_owned(), self.inputs.clone());
        variables.insert(
            "pipeline".to_owned(),
            json!({
                "name": self.name,
                "duration_seconds": self.began.elapsed().as_secs_f64(),
                "success": self.failed.is_none(),
            }),
        );
        let steps: Map<String, Value> =
            self.reports.iter().map(|report| (report.id.clone(), report.template_value())).collect();
        variables.insert("steps".to_owned(), Value::Object(steps));
        if let Some(previous) = self.reports.iter().rfind(|report| report.status != StepStatus::Skipped) {
            variables.insert("previous_step".to_owned(), previous.template_value());
        }
        Scope::new(variables)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Knows `m`, whose response has the fields `fail` as its error, `warn` as its warning and `body`
    /// as its body, and which gives none for `{"die": true}`; stubs `s`.
    #[derive(Default)]
    struct Plugs {
        calls: RefCell<Vec<Value>>,
    }

    impl PlugCaller for Plugs {
        fn kind(&self, plug: &str) -> PlugKind {
            match plug {
                "m" | "monitoring_prometheus" => PlugKind::Known,
                "s" | "data_processor" => PlugKind::Stub,
                _ => PlugKind::Unknown,
            }
        }

        async fn call(&self, _plug: &str, ctx: Value) -> Result<Response, String> {
            self.calls.borrow_mut().push(ctx.clone());
            if ctx.get("die").is_some() {
                return Err("ran out of time".to_owned());
            }
            let text = |key: &str| ctx.get(key).map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
            Ok(Response {
                error: text("fail"),
                warnings: text("warn").into_iter().collect(),
                body: text("body").unwrap_or_else(|| "{\"done\": true}".to_owned()),
            })
        }
    }

    async fn run_with(yaml: &str, inputs: Value) -> (PipeReport, Vec<Value>) {
        let pipe = Pipe::from_yaml(yaml).unwrap();
        let plugs = Plugs::default();
        let report = run(&pipe, inputs.as_object().unwrap().clone(), &plugs, &mut ()).await.unwrap();
        (report, plugs.calls.into_inner())
    }

    async fn run_yaml(yaml: &str) -> (PipeReport, Vec<Value>) {
        run_with(yaml, json!({})).await
    }

    fn statuses(report: &PipeReport) -> Vec<StepStatus> {
        report.steps.iter().map(|step| step.status).collect()
    }

    use StepStatus::{Failed, Skipped, Stubbed, Succeeded, Warned};

    const FAILING: &str = "{fail: 'gateway says no', body: {success: true, of: 3}}";

    #[tokio::test]
    async fn the_specifications_pipe_runs_with_a_stubbed_processor() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/pipes/basic_pipe_monitoring.yaml");
        let (report, calls) = run_yaml(&std::fs::read_to_string(path).unwrap()).await;
        assert!(report.success);
        assert_eq!(report.pipe, "monitored_data_pipeline");
        assert_eq!(statuses(&report), [Succeeded, Stubbed, Succeeded]);
        assert_eq!(report.steps[1].result, Some(json!({"success": true, "stubbed": true})));
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[1]["labels"], json!({"pipeline_name": "data_pipeline", "status": "success"}));
        assert!(calls[1]["metric_value"].as_f64().unwrap() >= 0.0);
    }

    #[tokio::test]
    async fn the_pipespec_example_runs() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/pipes/pipespec.yaml");
        let (report, calls) = run_yaml(&std::fs::read_to_string(path).unwrap()).await;
        assert!(report.success, "{report:#?}");
        assert!(report.steps.iter().all(|step| step.status != Failed && step.status != Warned));
        assert!(calls.iter().any(|ctx| ctx["metrics"].is_array()));
    }

    #[tokio::test]
    async fn an_unknown_plug_is_rejected_before_any_call() {
        let pipe = Pipe::from_yaml("steps: [{plug: m}, {plug: x, id: second}]").unwrap();
        let plugs = Plugs::default();
        let error = run(&pipe, Map::new(), &plugs, &mut ()).await.unwrap_err().to_string();
        assert!(error.contains("\"second\"") && error.contains("--stub x"), "{error}");
        assert!(plugs.calls.borrow().is_empty());
    }

    #[tokio::test]
    async fn after_a_failure_only_steps_with_always_run_run() {
        let yaml = format!(
            "steps:\n- {{plug: m}}\n- {{plug: m, id: bad, with: {FAILING}}}\n- {{plug: m}}\n\
             - {{plug: m, always_run: true, with: {{was: '{{{{ previous_step.id }}}}', so: '{{{{ pipeline.success }}}}'}}}}\n"
        );
        let (report, calls) = run_yaml(&yaml).await;
        assert!(!report.success);
        assert_eq!(statuses(&report), [Succeeded, Failed, Skipped, Succeeded]);
        assert_eq!(report.steps[1].message.as_deref(), Some("gateway says no"));
        assert_eq!(report.steps[1].result, Some(json!({"success": true, "of": 3})), "the error alone decides");
        assert!(report.steps[2].message.as_ref().unwrap().contains("bad"));
        assert_eq!(calls.last().unwrap(), &json!({"was": "bad", "so": false}));
    }

    #[tokio::test]
    async fn a_failure_with_on_error_warn_does_not_stop_the_pipe() {
        let yaml = format!(
            "steps:\n- {{plug: m, on_error: warn, with: {FAILING}}}\n\
             - {{plug: m, with: {{s: '{{{{ previous_step.success }}}}', e: '{{{{ previous_step.error }}}}', all: '{{{{ pipeline.success }}}}'}}}}\n"
        );
        let (report, calls) = run_yaml(&yaml).await;
        assert!(report.success);
        assert_eq!(statuses(&report), [Warned, Succeeded]);
        assert_eq!(calls[1], json!({"s": false, "e": "gateway says no", "all": true}));
    }

    #[tokio::test]
    async fn a_call_without_a_response_fails_without_a_result() {
        let (report, _) = run_yaml("steps: [{plug: m, with: {die: true}}]").await;
        assert_eq!(report.steps[0].status, Failed);
        assert_eq!(report.steps[0].message.as_deref(), Some("ran out of time"));
        assert_eq!(report.steps[0].result, None);
    }

    #[tokio::test]
    async fn a_template_without_a_value_fails_its_step_and_not_the_run() {
        let (report, calls) = run_yaml(
            "steps: [{plug: m, id: a, with: {labels: {x: '{{ inputs.nope }}'}}}, {plug: m}, {plug: m, always_run: true}]",
        )
        .await;
        assert_eq!(statuses(&report), [Failed, Skipped, Succeeded]);
        assert_eq!(calls.len(), 1);
        let message = report.steps[0].message.as_ref().unwrap();
        for part in ["step a", "labels.x", "{{ inputs.nope }}", "inputs {}, pipeline {"] {
            assert!(message.contains(part), "{part:?} is not in {message}");
        }
        assert_eq!(report.steps[0].ctx, json!({"labels": {"x": "{{ inputs.nope }}"}}));
    }

    #[tokio::test]
    async fn the_first_step_has_no_previous_one() {
        let (report, _) = run_yaml("steps: [{plug: m, with: {x: '{{ previous_step.success }}'}}]").await;
        assert!(report.steps[0].message.as_ref().unwrap().contains("previous_step"));
        let (report, _) = run_yaml("steps: [{plug: m, when: previous_step is defined}]").await;
        assert_eq!(statuses(&report), [Skipped]);
    }

    #[tokio::test]
    async fn a_skipped_step_does_not_become_the_previous_step() {
        let (report, calls) = run_with(
            "steps: [{plug: m, id: a}, {plug: m, id: b, when: '{{ inputs.go }}'}, \
             {plug: m, with: {p: '{{ previous_step.id }}', b: '{{ steps.b.status }}', e: '{{ steps.b.error }}'}}]",
            json!({"go": "false"}),
        )
        .await;
        assert!(report.success);
        assert_eq!(statuses(&report), [Succeeded, Skipped, Succeeded]);
        assert!(report.steps[1].message.as_ref().unwrap().contains("inputs.go"));
        assert_eq!(calls[1], json!({"p": "a", "b": "skipped", "e": null}));
    }

    #[tokio::test]
    async fn a_condition_without_a_value_fails_the_step() {
        let (report, calls) = run_yaml("steps: [{plug: m, when: steps.nope.success}]").await;
        assert_eq!(statuses(&report), [Failed]);
        assert!(report.steps[0].message.as_ref().unwrap().contains("when"));
        assert!(calls.is_empty());
    }

    #[tokio::test]
    async fn later_steps_read_the_results_of_earlier_ones() {
        let (_, calls) = run_yaml(
            "steps: [{plug: m, id: q, with: {body: {result: {value: 7, tags: [x, y]}}}}, {plug: s, id: s}, \
             {plug: m, with: {v: '{{ steps.q.result.result.value }}', t: '{{ steps.q.result.result.tags[1] }}', \
             s: '{{ steps.s.success }}'}}]",
        )
        .await;
        assert_eq!(calls[1], json!({"v": 7, "t": "y", "s": true}));
    }

    #[tokio::test]
    async fn a_body_that_is_no_json_arrives_as_text() {
        let (report, calls) = run_yaml(
            "steps: [{plug: m, id: a, with: {body: '<{\"success\":false', warn: odd}}, {plug: m, with: {v: '{{ steps.a.result }}'}}]",
        )
        .await;
        assert!(report.success);
        assert_eq!(report.steps[0].warnings, ["odd"]);
        assert_eq!(report.steps[0].result, Some(json!("<{\"success\":false")));
        assert_eq!(calls[1], json!({"v": "<{\"success\":false"}));
    }

    #[tokio::test]
    async fn the_observer_is_called_for_every_step() {
        #[derive(Default)]
        struct Log(Vec<String>);
        impl Observer for Log {
            fn started(&mut self, index: usize, total: usize, step: &Step) {
                self.0.push(format!("{index}/{total} {}", step.id));
            }
            fn finished(&mut self, index: usize, total: usize, report: &StepReport) {
                self.0.push(format!("{index}/{total} {:?}", report.status));
            }
        }
        let pipe = Pipe::from_yaml("steps: [{plug: m}, {plug: m, when: false}, {plug: s}]").unwrap();
        let mut log = Log::default();
        run(&pipe, Map::new(), &Plugs::default(), &mut log).await.unwrap();
        assert_eq!(log.0, ["0/3 step_1", "0/3 Succeeded", "1/3 Skipped", "2/3 step_3", "2/3 Stubbed"]);
    }

    #[tokio::test]
    async fn reports_serialize_with_lowercase_statuses_and_no_empty_message() {
        let (report, _) = run_yaml("name: p\nsteps: [{plug: m, with: {a: 1}}]").await;
        let mut report = serde_json::to_value(report).unwrap();
        report["duration_seconds"] = json!(0);
        report["steps"][0]["duration_seconds"] = json!(0);
        assert_eq!(
            report,
            json!({
                "pipe": "p", "success": true, "duration_seconds": 0,
                "steps": [{
                    "id": "step_1", "plug": "m", "status": "succeeded", "duration_seconds": 0,
                    "ctx": {"a": 1}, "result": {"done": true}
                }]
            })
        );
    }
}
