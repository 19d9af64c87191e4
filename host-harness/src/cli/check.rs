//! `check`: validates pipes, configurations, grants and web configuration files without running
//! anything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use plugpipe_harness::delivery::Schedule;
use plugpipe_harness::pipe::{Pipe, Problem};
use plugpipe_harness::serve::WebConfig;
use plugpipe_harness::yaml::prune::Pruned;
use plugpipe_harness::{
    CommandError, EXAMPLE_NAME, Error, Grants, Limits, Plug, embedded, grants, load, settings, yaml,
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::declared;
use super::pipe_file::{is_plug, line};
use super::plug_args::read;
use super::show;

/// Validate pipes, configurations, grants and web configuration files without running anything
///
/// Problems are printed with file, line and column. Exit status: 0 if all files are valid, also with
/// warnings; 1 if a file has a problem; 2 if the command line is wrong or a file cannot be read.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    plugpipe-harness check examples/pipes/pipespec.yaml\n  \
    plugpipe-harness check pipes/*.yaml config.yaml grants.yaml --env HOSTNAME\n  \
    plugpipe-harness check web.yml\n  \
    plugpipe-harness check settings.yaml --as configuration --json | jq '.[].problems'")]
pub(crate) struct CheckArgs {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What the files are; default: told from the keys of each
    #[arg(long = "as", value_enum, value_name = "KIND")]
    kind: Option<Kind>,
    /// Use the value of an environment variable; without it, settings with ${NAME} are not checked
    #[arg(long = "env", value_name = "NAME")]
    names: Vec<String>,
    /// A component whose configuration this is, instead of the embedded one's
    #[arg(long, value_name = "FILE", env = "PLUGPIPE_PLUG")]
    plug: Option<PathBuf>,
    /// Print JSON instead of lines
    #[arg(long)]
    json: bool,
}

/// Kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A pipe
    Pipe,
    /// A plug's configuration
    Configuration,
    /// A plug's grants
    Grants,
    /// A file of `serve --web.config.file`
    WebConfiguration,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Pipe => "pipe",
            Self::Configuration => "configuration",
            Self::Grants => "grants",
            Self::WebConfiguration => "web configuration",
        }
    }

    /// What a document is, by its keys.
    fn of(document: &yaml::Node) -> Self {
        if Pipe::is_meant(document) {
            Self::Pipe
        } else if grants::is_meant(document) {
            Self::Grants
        } else if WebConfig::is_meant(document) {
            Self::WebConfiguration
        } else {
            Self::Configuration
        }
    }
}

/// A plug that is loaded when it is first needed.
struct Lazy<'a> {
    path: Option<&'a Path>,
    plug: OnceCell<Plug>,
}

impl Lazy<'_> {
    async fn get(&self) -> Result<&Plug, CommandError> {
        let load = async || match self.path.filter(|path| !path.as_os_str().is_empty()) {
            Some(path) => load(path, Default::default()),
            None => embedded(),
        };
        Ok(self.plug.get_or_try_init(load).await?)
    }
}

pub(crate) async fn check(args: CheckArgs) -> Result<bool, CommandError> {
    let plug = Lazy { path: args.plug.as_deref(), plug: OnceCell::new() };
    let names: BTreeSet<String> = args.names.iter().cloned().collect();
    // A file that cannot be read is an error of the command line, before any output.
    let files: Vec<(&PathBuf, String)> =
        args.files.iter().map(|path| Ok((path, read(path)?))).collect::<Result<_, CommandError>>()?;
    let (mut reports, mut valid) = (Vec::new(), true);
    for (path, text) in files {
        let file = path.display().to_string();
        let document = yaml::read(&text);
        let kind = args.kind.unwrap_or_else(|| document.as_ref().map_or(Kind::Configuration, Kind::of));
        let problems = match (&document, kind) {
            (Err(error), Kind::Configuration | Kind::Grants | Kind::WebConfiguration) => vec![Problem {
                is_warning: false,
                path: "file".into(),
                message: format!("is not valid YAML: {error}"),
                position: error.position(),
            }],
            (_, Kind::Pipe) => pipe(&text, &plug).await?,
            (Ok(document), Kind::Grants) => grants_file(document, path),
            (Ok(document), Kind::WebConfiguration) => {
                WebConfig::from_file(path).err().map(|problem| placed(document, &problem, false)).into_iter().collect()
            }
            (Ok(document), Kind::Configuration) => configuration(document, &text, &file, &names, &plug).await?,
        };
        let is_valid = problems.iter().all(|problem| problem.is_warning);
        valid &= is_valid;
        if args.json {
            reports.push(report(&file, kind, is_valid, &problems));
            continue;
        }
        for problem in &problems {
            show::print(&line(&file, problem));
        }
        if is_valid {
            show::print(&format!("{file}: valid {}", kind.name()));
        }
    }
    if args.json {
        show::print_json(&reports);
    }
    Ok(valid)
}

fn report(file: &str, kind: Kind, valid: bool, problems: &[Problem]) -> Value {
    let problems = problems.iter().map(|problem| {
        json!({
            "severity": if problem.is_warning { "warning" } else { "error" },
            "path": problem.path,
            "message": problem.message,
            "line": problem.position.map(|at| at.line),
            "column": problem.position.map(|at| at.column),
        })
    });
    json!({"file": file, "kind": kind.name(), "valid": valid, "problems": problems.collect::<Vec<_>>()})
}

/// The problems of a pipe. A plug that this host does not have is a warning, because another host
/// may have it.
async fn pipe(text: &str, plug: &Lazy<'_>) -> Result<Vec<Problem>, CommandError> {
    let mut problems = Pipe::check(text);
    let (Ok(pipe), Ok(document)) = (Pipe::from_yaml(text), yaml::read(text)) else { return Ok(problems) };
    let own = plug.get().await?.describe().await?.name.as_str();
    let mut seen = BTreeSet::new();
    let is_here = |plug: &str| [own, EXAMPLE_NAME].iter().any(|name| is_plug(plug, name));
    for step in pipe.steps.iter().filter(|step| !is_here(&step.plug)) {
        if seen.insert(&step.plug) {
            let near = yaml::nearest(&step.plug, [own, EXAMPLE_NAME]);
            let path = step.path.clone();
            problems.push(Problem {
                is_warning: true,
                position: Some(document.position_of(&path)),
                message: format!(
                    "unknown plug {0:?}{near}{1} --plug {0}=FILE.wasm or --stub {0}",
                    step.plug,
                    if near.is_empty() { "; run it with" } else { " Otherwise run it with" }
                ),
                path,
            });
        }
    }
    problems.sort_by_key(|problem| problem.position);
    Ok(problems)
}

fn grants_file(document: &yaml::Node, path: &Path) -> Vec<Problem> {
    let findings = grants::problems(document);
    if !findings.is_empty() {
        return findings.into_iter().map(Problem::from).collect();
    }
    // The shapes are right, so that the values are read.
    let mut problems: Vec<Problem> = grants::value_problems(document, path.parent().unwrap_or(Path::new("")))
        .iter()
        .map(|problem| placed(document, problem, false))
        .collect();
    problems.sort_by_key(|problem| problem.position);
    problems
}

/// Stands for the value of a variable that is not granted.
const UNKNOWN: char = '\u{e000}';

/// Starts the plug with the configuration and no grants, so that it says what is wrong and reaches
/// nothing; once more without each place that is wrong, until nothing else is.
async fn configuration(
    document: &yaml::Node,
    text: &str,
    file: &str,
    names: &BTreeSet<String>,
    plug: &Lazy<'_>,
) -> Result<Vec<Problem>, CommandError> {
    let mut problems = Vec::new();
    let mut all = names.clone();
    let lookup = |name: &str| {
        let value = if names.contains(name) { std::env::var(name).ok() } else { None };
        Some(value.unwrap_or_else(|| format!("{UNKNOWN}{name}")))
    };
    let mut config = loop {
        match settings::parse(file, text, &all, lookup) {
            // Each time another one.
            Err(Error::EnvNotGranted { name, .. }) => _ = all.insert(name),
            Err(Error::Settings { problem, .. }) => return Ok(vec![placed(document, &problem, false)]),
            other => break other?,
        }
    };
    // For the host, and with variables of their own.
    let section = config.as_object_mut().and_then(|members| members.remove(declared::MEMBER));
    match declared::declared(section.as_ref(), Some(Path::new(file)), &[]) {
        Ok(_) => {}
        Err(CommandError::Host(Error::Settings { what, problem })) if what == file => {
            problems.push(placed(document, &problem, false));
        }
        Err(error) => return Err(error),
    }
    remove_unknown(&mut config, "", &mut |path| {
        let message = "not checked, because a variable in it has no value here; grant it with --env NAME";
        problems.push(placed(document, &format!("{path}: {message}"), true));
    });
    let plug = plug.get().await?;
    // It is for `serve`; the plug does not know it.
    let scheduled = match Schedule::take(&mut config) {
        Ok(Some(schedule)) => schedule.check(&plug.describe().await?.sinks),
        Ok(None) => Ok(()),
        Err(problem) => Err(problem),
    };
    problems.extend(scheduled.err().map(|problem| placed(document, &problem, false)));
    let mut left = Pruned::new(config);
    loop {
        let problem = match plug.start(left.value(), Grants::none(), Limits::default()).await {
            Ok(handle) => {
                // To a plug the configuration is its `cfg`.
                let warnings = handle.warnings().iter().map(|warning| warning.strip_prefix("cfg.").unwrap_or(warning));
                problems.extend(warnings.map(|warning| placed(document, warning, true)));
                break;
            }
            Err(Error::Config { problem, .. }) => problem,
            Err(error) => return Err(error.into()),
        };
        let found = problem.split_once(": ").and_then(|(path, text)| Some((left.remove(path)?, text)));
        let Some((path, text)) = found else {
            problems.push(placed(document, &problem, false));
            break;
        };
        problems.push(placed(document, &format!("{path}: {text}"), false));
    }
    problems.sort_by_key(|problem| problem.position);
    Ok(problems)
}

/// Removes members whose value is not known.
fn remove_unknown(value: &mut Value, path: &str, tell: &mut dyn FnMut(&str)) {
    let is_unknown = |value: &Value| value.as_str().is_some_and(|text| text.contains(UNKNOWN));
    match value {
        Value::Object(members) => members.retain(|name, member| {
            let path = yaml::shape::joined(path, name);
            if is_unknown(member) {
                tell(&path);
                return false;
            }
            remove_unknown(member, &path, tell);
            true
        }),
        Value::Array(items) => {
            let mut index = 0;
            items.retain_mut(|item| {
                let path = format!("{path}[{index}]");
                index += 1;
                if is_unknown(item) {
                    tell(&path);
                    return false;
                }
                remove_unknown(item, &path, tell);
                true
            });
        }
        _ => {}
    }
}

/// A problem whose text begins with a path.
fn placed(document: &yaml::Node, problem: &str, is_warning: bool) -> Problem {
    let (path, message) = match problem.split_once(": ") {
        Some((path, message)) if !path.contains(' ') => (path, message),
        _ => ("file", problem),
    };
    Problem { is_warning, path: path.into(), message: message.into(), position: Some(document.position_of(path)) }
}
