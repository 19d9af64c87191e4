//! The host interface of the runner.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;

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

    /// The names of the plugs that it has, to suggest one for a name that it does not know.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    /// Calls a [`PlugKind::Known`] plug and returns its response. An error means that there was no
    /// response, such as after a timeout; it is shown to the user.
    fn call(&self, plug: &str, ctx: Value) -> impl Future<Output = Result<Response, String>>;

    /// The text of a file below the pipe's folder, for a step with `file`. An error says why it
    /// cannot be read.
    fn file(&self, _path: &str) -> impl Future<Output = Result<String, String>> {
        std::future::ready(Err("this host reads no files".to_owned()))
    }

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

    /// Sensitive values of the inputs, before the first call: the host keeps them out of its files.
    fn keep_secret(&self, _values: Vec<String>) -> impl Future<Output = Result<(), String>> {
        std::future::ready(Ok(()))
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
    pub(super) fn result(body: String) -> Value {
        serde_json::from_str(&body).unwrap_or(Value::String(body))
    }
}
