//! `check`: validates pipes, configurations, grants and web configuration files without running
//! anything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use plugpipe_harness::delivery::Schedule;
use plugpipe_harness::pipe::{Pipe, Problem, is_template};
use plugpipe_harness::serve::WebConfig;
use plugpipe_harness::{CommandError, Description, EXAMPLE_NAME, Error, Grants, Limits, grants, settings, yaml};
use serde_json::{Value, json};

use super::check_plugs;
use super::check_settings::{Lazy, UNKNOWN, placed, refused_settings, remove_unknown};
use super::declared::{self, PlugFile};
use super::pipe_file::{is_plug, line};
use super::plug_args::{first_component, read};
use super::schema::OPERATION;
use super::show;

/// Validate pipes, configurations, grants and web configuration files without running anything
///
/// Components that a configuration or --plug names are loaded, and what they lack is a problem.
/// Problems are printed with file, line and column. Exit status: 0 if all files are valid, also with
/// warnings; 1 if a file has a problem; 2 if the command line is wrong or a file cannot be read.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    plugpipe-harness check examples/pipes/pipespec.yaml\n  \
    plugpipe-harness check pipes/*.yaml config.yaml grants.yaml --env HOSTNAME\n  \
    plugpipe-harness check web.yml\n  \
    plugpipe-harness check pipe.yaml --plug greeter=greeter.wasm\n  \
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
    /// A component whose configuration this is, instead of the embedded one's (or PLUGPIPE_PLUG in
    /// the environment). As NAME=FILE, a further plug of the pipes
    #[arg(id = "plug", long = "plug", value_name = "[NAME=]FILE", value_parser = declared::plug_file)]
    plugs: Vec<PlugFile>,
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

/// The names of further plugs: those of `--plug`, and those that configurations among the files
/// declare.
fn further_names(args: &CheckArgs, texts: &[(&PathBuf, String)]) -> BTreeSet<String> {
    let is_configuration = |document: &yaml::Node| match args.kind {
        Some(kind) => kind == Kind::Configuration,
        None => Kind::of(document) == Kind::Configuration,
    };
    let documents = texts.iter().filter_map(|(_, text)| yaml::read(text).ok()).filter(is_configuration);
    let declared = documents.filter_map(|document| match document.to_value().get(declared::MEMBER) {
        Some(Value::Object(plugs)) => Some(plugs.keys().cloned().collect::<Vec<_>>()),
        _ => None,
    });
    args.plugs.iter().filter_map(|file| file.name.clone()).chain(declared.flatten()).collect()
}

pub(crate) async fn check(args: CheckArgs) -> Result<bool, CommandError> {
    let plug = Lazy::new(first_component(&args.plugs)?);
    let names: BTreeSet<String> = args.names.iter().cloned().collect();
    // A file that cannot be read is an error of the command line, before any output.
    let files: Vec<(&PathBuf, String)> =
        args.files.iter().map(|path| Ok((path, read(path)?))).collect::<Result<_, CommandError>>()?;
    let further = further_names(&args, &files);
    let (mut reports, mut valid) = (Vec::new(), true);
    let mut tell = |file: &str, kind: &str, problems: &[Problem]| {
        let is_valid = problems.iter().all(|problem| problem.is_warning);
        valid &= is_valid;
        if args.json {
            reports.push(report(file, kind, is_valid, problems));
            return;
        }
        for problem in problems {
            show::print(&line(file, problem));
        }
        if is_valid {
            show::print(&format!("{file}: valid {kind}"));
        }
    };
    for PlugFile { name, path } in &args.plugs {
        if name.is_some() {
            tell(&path.display().to_string(), "component", &check_plugs::component(path)?);
        }
    }
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
            (_, Kind::Pipe) => pipe(&text, &plug, &further).await?,
            (Ok(document), Kind::Grants) => grants_file(document, path),
            (Ok(document), Kind::WebConfiguration) => {
                WebConfig::from_file(path).err().map(|problem| placed(document, &problem, false)).into_iter().collect()
            }
            (Ok(document), Kind::Configuration) => configuration(document, &text, &file, &names, &plug).await?,
        };
        tell(&file, kind.name(), &problems);
    }
    if args.json {
        show::print_json(&reports);
    }
    Ok(valid)
}

fn report(file: &str, kind: &str, valid: bool, problems: &[Problem]) -> Value {
    let problems = problems.iter().map(|problem| {
        json!({
            "severity": if problem.is_warning { "warning" } else { "error" },
            "path": problem.path,
            "message": problem.message,
            "line": problem.position.map(|at| at.line),
            "column": problem.position.map(|at| at.column),
        })
    });
    json!({"file": file, "kind": kind, "valid": valid, "problems": problems.collect::<Vec<_>>()})
}

/// The problems of a pipe. A plug that this host does not have is a warning, because another host
/// may have it.
async fn pipe(text: &str, plug: &Lazy, further: &BTreeSet<String>) -> Result<Vec<Problem>, CommandError> {
    let mut problems = Pipe::check(text);
    let (Ok(pipe), Ok(document)) = (Pipe::from_yaml(text), yaml::read(text)) else { return Ok(problems) };
    let own = plug.get().await?.describe().await?;
    problems.extend(unknown_operations(&pipe, &document, own));
    let own = own.name.as_str();
    let mut seen = BTreeSet::new();
    let here = || [own, EXAMPLE_NAME].into_iter().chain(further.iter().map(String::as_str));
    let is_here = |plug: &str| here().any(|name| is_plug(plug, name));
    for step in pipe.steps.iter().filter(|step| !is_here(&step.plug)) {
        if seen.insert(&step.plug) {
            let near = yaml::nearest(&step.plug, here());
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

/// The steps of the plug whose operation it does not have.
fn unknown_operations(pipe: &Pipe, document: &yaml::Node, plug: &Description) -> Vec<Problem> {
    let known = || plug.operations.iter().map(|operation| operation.name.as_str());
    let steps = pipe.steps.iter().filter(|step| is_plug(&step.plug, &plug.name));
    let unknown = steps.filter_map(|step| {
        let name = step.ctx.get(OPERATION)?.as_str()?;
        // The operation of a template is known when the pipe runs.
        if is_template(name) || known().any(|known| known == name) {
            return None;
        }
        let path = step.field_paths.get(OPERATION).unwrap_or(&step.path);
        let near = yaml::nearest(name, known());
        let advice = if near.is_empty() { "; plugpipe-harness call --list lists them" } else { &near };
        Some(Problem {
            is_warning: false,
            position: Some(document.position_of(path)),
            message: format!("unknown operation {name:?}{advice}"),
            path: path.clone(),
        })
    });
    unknown.collect()
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

/// Starts the plug with the configuration and no grants, so that it says what is wrong and reaches
/// nothing; once more without each place that is wrong, until nothing else is.
async fn configuration(
    document: &yaml::Node,
    text: &str,
    file: &str,
    names: &BTreeSet<String>,
    plug: &Lazy,
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
    config.as_object_mut().and_then(|members| members.remove(declared::MEMBER));
    let section = document.to_written().get(declared::MEMBER).cloned();
    match declared::declared(section.as_ref(), Some(Path::new(file)), &[]) {
        Ok(declared) => problems.extend(check_plugs::declared(document, &declared, plug).await?),
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
    let said = refused_settings(plug, config, &Grants::none(), Limits::default()).await?;
    problems.extend(said.into_iter().map(|(problem, is_warning)| placed(document, &problem, is_warning)));
    problems.sort_by_key(|problem| problem.position);
    Ok(problems)
}
