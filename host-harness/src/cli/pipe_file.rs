//! Pipe files and the plugs that stand in for those of other hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use plugpipe_harness::pipe::{Pipe, PipeError, PlugCaller, PlugKind, Problem, Response, Variable};
use plugpipe_harness::{Answer, CommandError, EXAMPLE_NAME, PlugHandle};
use serde_json::Value;

use super::ending::Ending;
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

impl Stub {
    /// Whether it stands in for this plug.
    pub(super) fn is_for(&self, plug: &str) -> bool {
        is_plug(plug, &self.name)
    }
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

/// A plug that runs beside the first one.
pub(crate) struct Further {
    /// The name by which steps refer to it.
    pub(crate) name: String,
    pub(crate) handle: PlugHandle,
    /// Where it keeps its state, if anywhere.
    pub(crate) state: Option<PathBuf>,
}

/// Runs steps with running plugs, or skips those of stubs.
pub(crate) struct Caller {
    /// The first plug.
    pub(crate) handle: PlugHandle,
    /// The others.
    pub(crate) further: Vec<Further>,
    /// Plugs whose steps are skipped, with what they answer.
    stubs: BTreeMap<String, Option<Value>>,
    /// Granted variables of the environment.
    variables: BTreeSet<String>,
    /// Where steps may read files.
    files: Files,
}

/// Files for steps with `file`.
pub(crate) enum Files {
    /// Those below the folder of this pipe.
    Beside(PathBuf),
    /// Only this one: its name and its text.
    One(&'static str, &'static str),
}

impl Caller {
    /// Calls the plugs; steps of stubs are skipped. `path` is that of the pipe.
    pub(crate) fn new(
        handle: PlugHandle,
        further: Vec<Further>,
        stubs: &[Stub],
        variables: BTreeSet<String>,
        path: &Path,
    ) -> Result<Self, CommandError> {
        let mut answers = BTreeMap::new();
        for Stub { name, answer } in stubs {
            let answer = answer.as_deref().map(|path| {
                let problem = |error| CommandError::settings(path.display().to_string(), format!("not JSON: {error}"));
                serde_json::from_str(&read(path)?).map_err(problem)
            });
            answers.insert(name.clone(), answer.transpose()?);
        }
        Ok(Self { handle, further, stubs: answers, variables, files: Files::Beside(path.to_owned()) })
    }

    /// The same for a pipe that is in no folder.
    pub(crate) fn with_file(handle: PlugHandle, further: Vec<Further>, name: &'static str, text: &'static str) -> Self {
        let (stubs, variables) = Default::default();
        Self { handle, further, stubs, variables, files: Files::One(name, text) }
    }

    /// Warns of stubs that no step uses.
    pub(super) fn warn_of_unused_stubs(&self, pipe: &Pipe) {
        for name in self.stubs.keys() {
            if !pipe.steps.iter().any(|step| is_plug(&step.plug, name)) {
                show::note(&format!("warning: --stub {name}: no step uses this plug"));
            }
        }
    }

    /// The plug of a step, if it runs here.
    fn plug(&self, name: &str) -> Option<&PlugHandle> {
        if is_plug(name, &self.handle.describe().name) {
            return Some(&self.handle);
        }
        self.further.iter().find(|further| is_plug(name, &further.name)).map(|further| &further.handle)
    }

    /// Delivers what the plugs recorded, as the command ends; `ending` is that of the first one.
    /// False if delivery was required and did not happen.
    pub(super) async fn end(&self, ending: Ending<'_>) -> Result<bool, CommandError> {
        let mut delivered = true;
        // They record in the first one.
        for Further { name, handle, state } in &self.further {
            let own = Ending {
                plug: Some(name),
                last: None,
                state: state.as_deref(),
                offers_textfile: false,
                textfile: None,
                ..ending
            };
            delivered &= own.of(handle).await?;
        }
        Ok(ending.of(&self.handle).await? && delivered)
    }

    fn stub_of(&self, plug: &str) -> Option<&Option<Value>> {
        self.stubs.iter().find(|(name, _)| is_plug(plug, name)).map(|(_, answer)| answer)
    }
}

/// Whether a plug of a pipe, which may be namespaced, is the one with this name.
pub(super) fn is_plug(plug: &str, name: &str) -> bool {
    plug == name || plug.rsplit('.').next() == Some(name)
}

/// Maximum length of a file that a step reads.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// Reads a file below the folder of a pipe. Neither `..` nor a symbolic link leads out of it.
fn read_beside(pipe: &Path, path: &str) -> Result<String, String> {
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !Path::new(path).components().all(is_plain) {
        return Err("expected a path below the pipe's folder, without ..".to_owned());
    }
    if !pipe.is_file() {
        return Err("the pipe is not a file in a folder, so it cannot refer to other files".to_owned());
    }
    let problem = |error: std::io::Error| format!("cannot be read: {error}");
    let folder = pipe.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().map_err(problem)?;
    let found = folder.join(path).canonicalize().map_err(problem)?;
    if !found.starts_with(&folder) {
        return Err("is a symbolic link out of the pipe's folder".to_owned());
    }
    if !found.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let mut text = String::new();
    File::open(&found).and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text)).map_err(problem)?;
    if text.len() as u64 > MAX_FILE {
        return Err(format!("is longer than {MAX_FILE} bytes, the maximum for a step"));
    }
    Ok(text)
}

impl PlugCaller for Caller {
    fn kind(&self, plug: &str) -> PlugKind {
        if self.stub_of(plug).is_some() {
            PlugKind::Stub
        } else if self.plug(plug).is_some() {
            PlugKind::Known
        } else {
            PlugKind::Unknown
        }
    }

    fn names(&self) -> Vec<String> {
        let first = self.handle.describe().name.clone();
        let further = self.further.iter().map(|further| further.name.clone());
        [first, EXAMPLE_NAME.to_owned()].into_iter().chain(further).collect()
    }

    async fn call(&self, plug: &str, ctx: Value) -> Result<Response, String> {
        let handle = self.plug(plug).ok_or_else(|| format!("plug {plug:?} is not loaded"))?;
        let answer = handle.process(ctx.to_string(), "").await.map_err(|error| error.to_string())?;
        let Answer { error, warnings, body, .. } = answer;
        let (code, error) = error.map(|problem| (problem.code, problem.message)).unzip();
        Ok(Response { error, code, warnings, body })
    }

    fn version(&self, plug: &str) -> Option<String> {
        Some(self.plug(plug)?.describe().version.clone())
    }

    async fn file(&self, path: &str) -> Result<String, String> {
        match &self.files {
            Files::Beside(pipe) => read_beside(pipe, path),
            Files::One(name, text) if *name == path => Ok((*text).to_owned()),
            Files::One(name, _) => Err(format!("does not exist; there is {name}")),
        }
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
        for handle in std::iter::once(&self.handle).chain(self.further.iter().map(|further| &further.handle)) {
            let values = values.clone();
            let kept = handle.with(move |session| {
                session.keep_out_of_files(&values);
                Box::pin(std::future::ready(Ok(())))
            });
            kept.await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn pause(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_step_reads_files_below_the_pipes_folder_only() {
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("pipes");
        std::fs::create_dir_all(folder.join("data")).unwrap();
        let write = |path: &Path| std::fs::write(path, "text").unwrap();
        write(&outside.path().join("secret"));
        write(&folder.join("data/a.csv"));
        let pipe = folder.join("pipe.yaml");
        write(&pipe);
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, folder.join(name)).unwrap();
        link("../secret", "link");
        link("..", "up");
        link("data", "inside");
        for path in ["data/a.csv", "./data/a.csv", "inside/a.csv"] {
            assert_eq!(read_beside(&pipe, path).as_deref(), Ok("text"), "{path}");
        }
        for (path, said) in [
            ("../secret", "without .."),
            ("data/../../secret", "without .."),
            ("/etc/hosts", "without .."),
            ("link", "out of the pipe's folder"),
            ("up/secret", "out of the pipe's folder"),
            ("missing", "cannot be read"),
            ("data", "not a regular file"),
        ] {
            let problem = read_beside(&pipe, path).unwrap_err();
            assert!(problem.contains(said), "{path}: {problem}");
        }
        std::fs::write(folder.join("binary"), [0xff, 0xfe]).unwrap();
        assert!(read_beside(&pipe, "binary").unwrap_err().contains("cannot be read"));
        assert!(read_beside(&folder, "data/a.csv").unwrap_err().contains("not a file in a folder"));
    }
}
