//! Pipe files and the plugs that stand in for those of other hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use plugpipe_harness::pipe::{Pipe, PipeError, PlugCaller, PlugKind, Problem, Response, Variable};
use plugpipe_harness::{Answer, CommandError, PlugHandle};
use serde_json::Value;

use super::plug_args::read;
use super::show;

/// Reads a pipe. Warnings go to stderr.
pub(super) fn read_pipe(path: &Path) -> Result<Pipe, CommandError> {
    let file = path.display().to_string();
    match Pipe::from_yaml(&read(path)?) {
        Ok(pipe) => {
            for warning in &pipe.warnings {
                show::note(&line(&file, warning));
            }
            Ok(pipe)
        }
        Err(PipeError::Invalid(problems)) => {
            let lines: Vec<String> = problems.iter().map(|problem| line(&file, problem)).collect();
            Err(CommandError::Failed(format!("{file} is not a valid pipe\n{}", lines.join("\n"))))
        }
        Err(error) => Err(error.into()),
    }
}

/// A problem in one line, which editors and terminals make a link to its place.
pub(super) fn line(file: &str, problem: &Problem) -> String {
    let kind = if problem.is_warning { "warning" } else { "error" };
    match problem.position {
        Some(at) => format!("{file}:{}:{}: {kind}: {problem}", at.line, at.column),
        None => format!("{file}: {kind}: {problem}"),
    }
}

/// A stubbed plug from the command line: `NAME`, or `NAME=ANSWER.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stub {
    name: String,
    answer: Option<PathBuf>,
}

/// Parses the value of `--stub`.
pub(super) fn stub(text: &str) -> Result<Stub, String> {
    match text.split_once('=') {
        None if !text.is_empty() => Ok(Stub { name: text.into(), answer: None }),
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok(Stub { name: name.into(), answer: Some(file.into()) })
        }
        _ => Err(format!("expected NAME or NAME=ANSWER.json, got {text:?}")),
    }
}

/// Runs steps with a running plug, or skips those of stubs.
pub(crate) struct Caller {
    /// The running plug.
    pub(crate) handle: PlugHandle,
    /// Plugs whose steps are skipped, with what they answer.
    stubs: BTreeMap<String, Option<Value>>,
    /// Granted variables of the environment.
    variables: BTreeSet<String>,
}

impl Caller {
    /// Calls the plug; steps of stubs are skipped.
    pub(crate) fn new(handle: PlugHandle, stubs: &[Stub], variables: BTreeSet<String>) -> Result<Self, CommandError> {
        let mut answers = BTreeMap::new();
        for Stub { name, answer } in stubs {
            let answer = answer.as_deref().map(|path| {
                let problem = |error| CommandError::settings(path.display().to_string(), format!("not JSON: {error}"));
                serde_json::from_str(&read(path)?).map_err(problem)
            });
            answers.insert(name.clone(), answer.transpose()?);
        }
        Ok(Self { handle, stubs: answers, variables })
    }

    /// The same for a plug that is only skipped.
    pub(crate) fn with_stub(handle: PlugHandle, name: &str) -> Self {
        Self { handle, stubs: [(name.to_owned(), None)].into(), variables: BTreeSet::new() }
    }

    /// Warns of stubs that no step uses.
    pub(super) fn warn_of_unused_stubs(&self, pipe: &Pipe) {
        for name in self.stubs.keys() {
            if !pipe.steps.iter().any(|step| is_plug(&step.plug, name)) {
                show::note(&format!("warning: --stub {name}: no step uses this plug"));
            }
        }
    }

    fn stub_of(&self, plug: &str) -> Option<&Option<Value>> {
        self.stubs.iter().find(|(name, _)| is_plug(plug, name)).map(|(_, answer)| answer)
    }
}

/// Whether a plug of a pipe, which may be namespaced, is the one with this name.
pub(super) fn is_plug(plug: &str, name: &str) -> bool {
    plug == name || plug.rsplit('.').next() == Some(name)
}

impl PlugCaller for Caller {
    fn kind(&self, plug: &str) -> PlugKind {
        if self.stub_of(plug).is_some() {
            PlugKind::Stub
        } else if is_plug(plug, &self.handle.describe().name) {
            PlugKind::Known
        } else {
            PlugKind::Unknown
        }
    }

    async fn call(&self, _: &str, ctx: Value) -> Result<Response, String> {
        let answer = self.handle.process(ctx.to_string(), "").await.map_err(|error| error.to_string())?;
        let Answer { error, warnings, body, .. } = answer;
        let (code, error) = error.map(|problem| (problem.code, problem.message)).unzip();
        Ok(Response { error, code, warnings, body })
    }

    fn version(&self, _: &str) -> Option<String> {
        Some(self.handle.describe().version.clone())
    }

    fn stub(&self, plug: &str) -> Option<Value> {
        self.stub_of(plug).cloned().flatten()
    }

    fn variable(&self, name: &str) -> Variable {
        if !self.variables.contains(name) {
            return Variable::NotGranted;
        }
        std::env::var(name).map_or(Variable::Unset, Variable::Value)
    }

    async fn keep_secret(&self, values: Vec<String>) -> Result<(), String> {
        let kept = self.handle.with(move |session| {
            session.keep_out_of_files(&values);
            Box::pin(std::future::ready(Ok(())))
        });
        kept.await.map_err(|error| error.to_string())
    }

    async fn pause(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}
