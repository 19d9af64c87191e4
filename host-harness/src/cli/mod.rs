//! The command line: what was asked for, and which file does it. Each command is a file.

mod call;
mod completions;
mod demo;
mod init;
mod inspect;
mod query;
mod run;
mod serve;
mod show;
mod top;
mod watch;

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use plugpipe_harness::{Error, Grants, Limits, Origin, Plug, PlugHandle, settings};
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
        Exit status: 0 when all went well, 1 when an operation or a step that may not fail did, 2 for a wrong command line.\n\
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
    /// Grant one more origin, such as http://127.0.0.1:9091
    #[arg(long = "grant", value_name = "ORIGIN")]
    grants: Vec<Origin>,
    /// Grant a folder into which rule files of alerts are written; the server's rule_files must name it
    #[arg(long, value_name = "DIR")]
    rules_folder: Option<PathBuf>,
    /// Grant an environment name, for ${NAME} in the configuration
    #[arg(long = "env", value_name = "NAME")]
    names: Vec<String>,
    /// Keep what is recorded in this folder, over restarts and crashes; one process at a time
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

impl PlugArgs {
    fn plug(&self) -> Result<Plug, Error> {
        let _working = show::Working::on("compiling the component; the next start has it ready");
        match self.plug.as_deref().filter(|path| !path.as_os_str().is_empty()) {
            Some(path) => Plug::from_file(path),
            None => Plug::embedded(),
        }
    }

    fn config(&self) -> Result<Value, Error> {
        match &self.config {
            Some(path) => settings::load(path, &self.names.iter().cloned().collect::<BTreeSet<_>>()),
            None => Ok(json!({})),
        }
    }

    fn grants(&self, config: &Value) -> Grants {
        let origins = self.grants.iter().cloned().fold(Grants::named_by(config), Grants::and);
        origins.and_rules_folder(self.rules_folder.clone())
    }

    /// Loads the plug and starts it with its configuration and grants.
    async fn start(&self) -> Result<PlugHandle, Error> {
        let config = self.config()?;
        let (plug, grants, limits) = (self.plug()?, self.grants(&config), Limits::default());
        match &self.state {
            Some(folder) => plug.start_in(folder, &config, grants, limits).await,
            None => plug.start(&config, grants, limits).await,
        }
    }

    /// Whether the configuration asks for debug logs. A configuration that cannot be read says so when it is needed.
    fn asks_for_debug(&self) -> bool {
        self.config().is_ok_and(|config| {
            ["/debug", "/prometheus_config/debug"].iter().any(|path| config.pointer(path) == Some(&Value::Bool(true)))
        })
    }
}

/// Reads the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or_else(|| Command::Demo(demo::DemoArgs::default()));
    log_to_stderr(cli.verbose, &command);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime cannot be started: {error}")),
    };
    let outcome = runtime.block_on(async {
        match command {
            Command::Run(args) => run::run(args).await,
            Command::Call(args) => call::call(args).await,
            Command::Serve(args) => serve::serve(args).await,
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
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(problem: &str) -> ExitCode {
    eprintln!("error: {problem}");
    ExitCode::FAILURE
}

fn log_to_stderr(verbose: u8, command: &Command) {
    let debug = match command {
        Command::Run(args) => args.plug.asks_for_debug(),
        Command::Call(args) => args.plug.asks_for_debug(),
        Command::Serve(args) => args.plug.asks_for_debug(),
        Command::Query(args) => args.plug.asks_for_debug(),
        Command::Watch(args) => args.plug.asks_for_debug(),
        Command::Inspect(_)
        | Command::Demo(_)
        | Command::Top(_)
        | Command::Init(_)
        | Command::Completions(_)
        | Command::Man => false,
    };
    let level = match verbose {
        // What wasmtime warns of is in the plug's own answer, with the URL and what to do.
        0 if debug => "warn,wasmtime_wasi_http=error,plugpipe_harness=debug",
        0 => "warn,wasmtime_wasi_http=error",
        1 => "info",
        _ => "debug",
    };
    let filter = match std::env::var(LOG_VARIABLE) {
        Ok(levels) => EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).parse_lossy(levels),
        Err(_) => EnvFilter::new(level),
    };
    let color = std::io::stderr().is_terminal() && show::colors();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(color)
        .without_time()
        .init();
}
