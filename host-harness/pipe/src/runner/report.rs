//! Reports of a run.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::mask::Secrets;
use crate::spec::Step;

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
    pub(super) fn of(step: &Step) -> Self {
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
    pub(super) fn success(&self) -> bool {
        matches!(self.status, StepStatus::Succeeded | StepStatus::Stubbed)
    }

    /// The report for anybody but the templates of later steps.
    pub(super) fn masked(mut self, secrets: &Secrets) -> Self {
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
