//! The command line: what was asked for, and which file does it. Each command is a file.

mod call;
mod completions;
mod dashboards;
mod demo;
mod ending;
mod init;
mod inspect;
mod query;
mod run;
mod serve;
mod show;
mod textfile;
mod top;
mod watch;

use std::collections::BTreeSet;
use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::{Args, Parser, Subcommand};
use plugpipe_harness::compile;
use plugpipe_harness::grants::{self, AddressRange, Missing};
use plugpipe_harness::pipe::PipeError;
use plugpipe_harness::{
    CommandError, CompileLimits, Error, Exchanges, Grants, Limits, Origin, Plug, PlugHandle, embedded, load, printable,
    settings,
};
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// Names levels for logs, as in `info` or `plugpipe_harness=debug`.
const LOG_VARIABLE: &str = "PLUGPIPE_LOG";

#[derive(Parser)]
#[command(
    name = "plugpipe-harness",
    version,
    about = "Runs pipes and operations with the Prometheus monitoring plug, sandboxed as a WebAssembly component",
    after_help = "Examples:\n  \
        plugpipe-harness                                                the demonstration\n  \
        plugpipe-harness run examples/pipes/basic_usage.yaml\n  \
        plugpipe-harness call record_counter --ctx '{\"metric_name\": \"jobs_total\", \"metric_value\": 1}'\n  \
        plugpipe-harness serve --config examples/config/development.yaml\n  \
        plugpipe-harness query up --prometheus http://127.0.0.1:9090\n  \
        plugpipe-harness inspect\n\n\
        Exit status: 0 done, 1 an operation or a step failed or a file to work on is wrong, 2 wrong command line or configuration.\n\
        Environment: PLUGPIPE_LOG sets levels of logs, NO_COLOR takes colours away, PLUGPIPE_CACHE_DIR is where compiled components are kept."
)]
struct Cli {
    /// Without one: demo
    #[command(subcommand)]
    command: Option<Command>,
    /// Log more: once for info, twice for debug
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    Run(run::RunArgs),
    Call(call::CallArgs),
    Serve(serve::ServeArgs),
    Dashboards(dashboards::DashboardsArgs),
    Inspect(inspect::InspectArgs),
    Demo(demo::DemoArgs),
    Query(query::QueryArgs),
    Top(top::TopArgs),
    Watch(watch::WatchArgs),
    Init(init::InitArgs),
    Completions(completions::CompletionsArgs),
    /// Write the manual page, in roff
    Man,
}

/// Which plug, and what it is given.
#[derive(Args, Default)]
struct PlugArgs {
    /// The plug's configuration, YAML or JSON; the origins it names are granted
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A component to load instead of the embedded one
    #[arg(long, value_name = "FILE", env = "PLUGPIPE_PLUG")]
    plug: Option<PathBuf>,
    /// What the plug may reach, YAML or JSON (docs/grants.md); the configuration then grants nothing by itself
    #[arg(long = "grants", value_name = "FILE")]
    grants_file: Option<PathBuf>,
    /// Grant one more origin, such as http://127.0.0.1:9091
    #[arg(long = "grant", value_name = "ORIGIN")]
    grants: Vec<Origin>,
    /// Grant addresses that a granted name may lead to: a network such as 10.1.0.0/16, or private, loopback, …
    #[arg(long = "address", value_name = "RANGE")]
    addresses: Vec<AddressRange>,
    /// Grant a folder into which rule files of alerts are written; the server's rule_files must name it
    #[arg(long, value_name = "DIR")]
    rules_folder: Option<PathBuf>,
    /// Grant an environment name, for ${NAME} in the configuration
    #[arg(long = "env", value_name = "NAME")]
    names: Vec<String>,
    /// Keep what is recorded in this folder, over restarts and crashes; one process at a time
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Write every exchange with a server to this file, without secrets
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    record: Option<PathBuf>,
    /// Answer from a file that --record wrote, without asking any server
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    #[arg(skip)]
    once: Once,
}

/// What the command line names, read once: it may be a pipe, such as `--config <(command)`, which
/// tells nothing a second time.
#[derive(Default)]
struct Once {
    inputs: OnceLock<Inputs>,
    plug: OnceLock<Plug>,
    replay: OnceLock<String>,
}

/// The configuration and the grants.
struct Inputs {
    config: Value,
    /// None without a grants file.
    granted: Option<Grants>,
}

/// What is read, once.
fn once<T>(cell: &OnceLock<T>, read: impl FnOnce() -> Result<T, CommandError>) -> Result<&T, CommandError> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = read()?;
    Ok(cell.get_or_init(|| value))
}

impl PlugArgs {
    fn plug(&self) -> Result<Plug, CommandError> {
        let compile_limits = CompileLimits::default().granted(&self.grants()?.limits);
        let plug = once(&self.once.plug, || {
            let _working = show::Working::on("compiling the component; the next start has it ready");
            let plug = match self.plug.as_deref().filter(|path| !path.as_os_str().is_empty()) {
                Some(path) => load(path, compile_limits),
                None => embedded(),
            };
            Ok(plug?.with_advice(how_to_grant))
        })?;
        Ok(match self.exchanges()? {
            Some(exchanges) => plug.clone().with_exchanges(exchanges),
            None => plug.clone(),
        })
    }

    fn exchanges(&self) -> Result<Option<Exchanges>, CommandError> {
        let (path, opened) = match (&self.record, &self.replay) {
            (Some(path), _) => (path, Exchanges::record_to(path)),
            (None, Some(path)) => (path, Exchanges::replay(once(&self.once.replay, || read(path))?)),
            (None, None) => return Ok(None),
        };
        opened.map(Some).map_err(|problem| CommandError::settings(path.display().to_string(), problem))
    }

    fn inputs(&self) -> Result<&Inputs, CommandError> {
        once(&self.once.inputs, || {
            let granted = self.granted_by_file()?;
            // The environment's names are those of the command line and of the grants file.
            let mut names: BTreeSet<String> = self.names.iter().cloned().collect();
            names.extend(granted.iter().flat_map(|granted| granted.env.iter().cloned()));
            let config = match &self.config {
                Some(path) => settings::load(path, &names)?,
                None => json!({}),
            };
            Ok(Inputs { config, granted })
        })
    }

    /// The configuration.
    fn config(&self) -> Result<&Value, CommandError> {
        Ok(&self.inputs()?.config)
    }

    fn granted_by_file(&self) -> Result<Option<Grants>, CommandError> {
        let Some(path) = &self.grants_file else { return Ok(None) };
        let folder = path.parent().unwrap_or(Path::new(""));
        let granted = grants::read(&read(path)?, folder);
        granted.map(Some).map_err(|problem| CommandError::settings(path.display().to_string(), problem))
    }

    /// What the grants file says, or without one what the configuration names; and what the command line adds.
    fn grants(&self) -> Result<Grants, CommandError> {
        let Inputs { config, granted } = self.inputs()?;
        let granted = granted.clone().unwrap_or_else(|| Grants::named_by(config));
        let folder = self.rules_folder.clone().or_else(|| granted.rules_folder.clone());
        let granted = self.grants.iter().cloned().fold(granted, Grants::and);
        let granted = self.addresses.iter().cloned().fold(granted, Grants::and_addresses);
        Ok(granted.and_rules_folder(folder))
    }

    /// Loads the plug and starts it with its configuration and grants.
    async fn start(&self) -> Result<PlugHandle, CommandError> {
        // What is read is checked before a component is compiled.
        self.inputs()?;
        self.start_in(&self.plug()?, self.state.as_deref()).await
    }

    /// The same for a process whose counters begin at 0 unless a state is kept: then the plug lists
    /// those that replace larger ones.
    async fn start_detecting_resets(&self) -> Result<PlugHandle, CommandError> {
        let mut config = self.config()?.clone();
        if self.state.is_none() && self.plug.is_none() {
            detect_resets(&mut config);
        }
        self.start_with(&self.plug()?, self.state.as_deref(), &config).await
    }

    /// Starts the plug with its configuration and grants, and with what a folder keeps.
    async fn start_in(&self, plug: &Plug, folder: Option<&Path>) -> Result<PlugHandle, CommandError> {
        self.start_with(plug, folder, self.config()?).await
    }

    async fn start_with(&self, plug: &Plug, folder: Option<&Path>, config: &Value) -> Result<PlugHandle, CommandError> {
        let grants = self.grants()?;
        let limits = limits(&grants);
        let started = match folder {
            Some(folder) => plug.start_in(folder, config, grants, limits).await,
            None => plug.start(config, grants, limits).await,
        };
        if let Ok(handle) = &started {
            show::warn("", handle.warnings().iter().map(String::as_str));
        }
        started.map_err(|error| match (error, &self.config) {
            (Error::Config { problem, .. }, Some(path)) => CommandError::settings(path.display().to_string(), problem),
            (error, _) => error.into(),
        })
    }

    /// Whether the configuration asks for debug logs.
    fn asks_for_debug(&self) -> Result<bool, CommandError> {
        let Some(debug) = settings::text_of(self.config()?, "debug") else { return Ok(false) };
        debug.trim().to_ascii_lowercase().parse().map_err(|_| {
            CommandError::settings(
                self.config.as_deref().unwrap_or(Path::new("")).display().to_string(),
                format!("debug: expected true or false, got {debug:?}"),
            )
        })
    }
}

/// The options that grant what a plug lacks.
fn how_to_grant(missing: Missing<'_>) -> String {
    match missing {
        Missing::Origin(origin) => format!("grant it with --grant {origin}"),
        Missing::Address(kind) => format!("grant such addresses with --address {kind}"),
        Missing::RulesFolder => "grant one with --rules-folder DIR".into(),
        missing => format!("grant it in the grants file: {missing:?}"),
    }
}

/// Turns the plug's setting on where the configuration says nothing of it.
fn detect_resets(config: &mut Value) {
    let Some(config) = config.as_object_mut().filter(|config| !config.contains_key("detect_resets")) else { return };
    let nested = config.entry("prometheus_config").or_insert_with(|| json!({}));
    if let Some(nested) = nested.as_object_mut() {
        nested.entry("detect_resets").or_insert(Value::Bool(true));
    }
}

/// The limits that were granted, and the host's own for what was not said.
fn limits(grants: &Grants) -> Limits {
    Limits::default().granted(&grants.limits)
}

fn read(path: &Path) -> Result<String, CommandError> {
    fs::read_to_string(path).map_err(|error| CommandError::unreadable(path, &error))
}

/// Reads the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // Not a command for people, so the parser and its help do not know it.
    if arguments.next().is_some_and(|first| first == compile::CHILD) {
        return compile::child(arguments);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let command = cli.command.unwrap_or_else(|| Command::Demo(demo::DemoArgs::default()));
    // Before anything else is done, since logs depend on it: what is wrong here is wrong for every
    // command.
    match command.plug().map_or(Ok(false), PlugArgs::asks_for_debug) {
        Ok(debug) => log_to_stderr(cli.verbose, debug),
        Err(error) => return failed(&error),
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        match command {
            Command::Run(args) => run::run(args).await,
            Command::Call(args) => call::call(args).await,
            Command::Serve(args) => serve::serve(args).await,
            Command::Dashboards(args) => dashboards::dashboards(args).await,
            Command::Inspect(args) => inspect::inspect(args).await,
            Command::Demo(args) => demo::demo(args).await,
            Command::Query(args) => query::query(args).await,
            Command::Top(args) => top::top(args).await,
            Command::Watch(args) => watch::watch(args).await,
            Command::Init(args) => init::init(&args),
            Command::Completions(args) => completions::completions(&args),
            Command::Man => completions::man(),
        }
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => failed(&error),
    }
}

/// Says what is wrong with the command line. The message repeats arguments as they were given:
/// those that a terminal would act on are escaped, and then the message has no colors of its own.
fn refuse(error: &clap::Error) -> ExitCode {
    if std::env::args().all(|argument| !argument.contains(printable::is_unprintable)) {
        error.exit();
    }
    show::note(error.to_string().trim_end());
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE))
}

/// The exit status for a wrong command line or configuration, as clap has it too.
/// `docs/troubleshooting.md` has the table.
const USAGE: u8 = 2;

/// Says what went wrong. The status tells whether the same command could succeed another time.
fn failed(error: &CommandError) -> ExitCode {
    let advice = match error {
        CommandError::Host(Error::EnvNotGranted { name, .. }) => format!("; grant it with --env {name}"),
        _ => String::new(),
    };
    show::note(&format!("error: {error}{advice}"));
    match error {
        CommandError::Host(
            Error::Settings { .. }
            | Error::EnvNotGranted { .. }
            | Error::Config { .. }
            | Error::File { .. }
            | Error::Load { .. },
        )
        | CommandError::Pipe(PipeError::Input { .. }) => ExitCode::from(USAGE),
        _ => ExitCode::FAILURE,
    }
}

impl Command {
    /// Which plug it is about, if it starts one that the command line names.
    fn plug(&self) -> Option<&PlugArgs> {
        match self {
            Self::Run(args) => Some(&args.plug),
            Self::Call(args) => Some(&args.plug),
            Self::Serve(args) => Some(&args.plug),
            Self::Query(args) => Some(&args.plug),
            Self::Watch(args) => Some(&args.plug),
            Self::Dashboards(args) => Some(args.plug()),
            Self::Inspect(args) => Some(&args.plug),
            Self::Demo(_) | Self::Top(_) | Self::Init(_) | Self::Completions(_) | Self::Man => None,
        }
    }
}

/// The directives for `plugpipe_harness` once more for the crate that does most of its work.
fn for_the_runtime(levels: &str) -> String {
    let own = levels.split(',').filter_map(|directive| directive.trim().strip_prefix("plugpipe_harness"));
    let whole = own.filter(|rest| rest.is_empty() || rest.starts_with(['=', '[']));
    whole.map(|rest| format!(",plugpipe_runtime{rest}")).collect()
}

fn log_to_stderr(verbose: u8, debug: bool) {
    let level = match verbose {
        // What wasmtime warns of is in the plug's own answer, with the URL and what to do.
        0 if debug => "warn,wasmtime_wasi_http=error,plugpipe_harness=debug,plugpipe_runtime=debug",
        0 => "warn,wasmtime_wasi_http=error",
        1 => "info",
        _ => "debug",
    };
    let filter = match std::env::var(LOG_VARIABLE) {
        Ok(levels) => {
            let levels = format!("{levels}{}", for_the_runtime(&levels));
            EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).parse_lossy(levels)
        }
        Err(_) => EnvFilter::new(level),
    };
    let color = std::io::stderr().is_terminal() && show::colors();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| show::Log).with_ansi(color).without_time().init();
}
