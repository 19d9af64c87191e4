//! The command line. Each command is a module.

mod call;
mod check;
mod check_plugs;
mod check_settings;
mod complete;
mod dashboards;
mod declared;
mod demo;
mod ending;
mod fields;
mod init;
mod inspect;
mod log;
mod manual;
mod new;
mod output;
mod pipe_file;
mod plug_args;
mod plugs;
mod query;
mod run;
mod schema;
mod serve;
mod service_manager;
mod show;
mod stop_signal;
mod textfile;
mod top;
mod watch;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use plugpipe_harness::pipe::PipeError;
use plugpipe_harness::{CommandError, Error, compile, printable};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use log::{LogFormat, Structured};
use plug_args::PlugArgs;

/// Sets log levels, such as `info` or `plugpipe_harness=debug`.
const LOG_VARIABLE: &str = "PLUGPIPE_LOG";

#[derive(Parser)]
#[command(
    name = "plugpipe-harness",
    version,
    about = "Runs pipes and operations with the Prometheus monitoring plug, sandboxed as a WebAssembly component",
    after_help = "Examples:\n  \
        plugpipe-harness                                                run the demo\n  \
        plugpipe-harness run examples/pipes/basic_usage.yaml\n  \
        plugpipe-harness call record_counter metric_name=jobs_total metric_value=1\n  \
        plugpipe-harness check pipe.yaml config.yaml grants.yaml\n  \
        plugpipe-harness serve --config examples/config/development.yaml\n  \
        plugpipe-harness query up --prometheus http://127.0.0.1:9090\n  \
        plugpipe-harness inspect\n\n\
        Exit status: 0 success, 1 an operation or a step failed or an input file is invalid, 2 invalid command line or configuration.\n\
        Environment: PLUGPIPE_LOG sets log levels, NO_COLOR disables colors, PLUGPIPE_CACHE_DIR is the cache for compiled components."
)]
struct Cli {
    /// Default: demo
    #[command(subcommand)]
    command: Option<Command>,
    /// Log more: -v for info, -vv for debug
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// The format of the log and of all other lines on stderr
    #[arg(long = "log.format", value_name = "FORMAT", value_enum, default_value_t, global = true)]
    log_format: LogFormat,
}

#[derive(Subcommand)]
enum Command {
    Run(run::RunArgs),
    Call(call::CallArgs),
    Check(check::CheckArgs),
    Serve(serve::ServeArgs),
    Dashboards(dashboards::DashboardsArgs),
    Inspect(inspect::InspectArgs),
    Demo(demo::DemoArgs),
    Query(query::QueryArgs),
    Top(top::TopArgs),
    Watch(watch::WatchArgs),
    Init(init::InitArgs),
    New(new::NewArgs),
    Completions(complete::CompletionsArgs),
    Man(manual::ManArgs),
    #[command(name = "__complete", hide = true)]
    Complete(complete::CompleteArgs),
}

/// Parses the command line and runs the command.
pub(crate) fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // An internal command that is not in the help.
    if arguments.next().is_some_and(|first| first == compile::CHILD) {
        return compile::child(arguments);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    cli.log_format.set();
    let command = cli.command.unwrap_or_else(|| Command::Demo(demo::DemoArgs::default()));
    // Read the configuration first, because the log level depends on it.
    let plug = command.plug();
    let taken = plug.filter(|_| !command.takes_several()).map_or(Ok(()), PlugArgs::takes_one);
    match taken.and_then(|()| plug.map_or(Ok(false), PlugArgs::asks_for_debug)) {
        Ok(debug) => log_to_stderr(cli.verbose, debug, &command, cli.log_format),
        Err(error) => return failed(&error),
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the async runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        match command {
            Command::Run(args) => run::run(args).await,
            Command::Call(args) => call::call(args, Cli::command()).await,
            Command::Check(args) => check::check(args).await,
            Command::Serve(args) => serve::serve(args).await,
            Command::Dashboards(args) => dashboards::dashboards(args).await,
            Command::Inspect(args) => inspect::inspect(args).await,
            Command::Demo(args) => demo::demo(args).await,
            Command::Query(args) => query::query(args).await,
            Command::Top(args) => top::top(args).await,
            Command::Watch(args) => watch::watch(args).await,
            Command::Init(args) => init::init(&args),
            Command::New(args) => new::new(&args),
            Command::Completions(args) => complete::completions(&args, Cli::command()),
            Command::Man(args) => manual::man(&args, Cli::command()),
            Command::Complete(args) => complete::complete(args, Cli::command()).await,
        }
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => failed(&error),
    }
}

/// Reports an invalid command line. The message quotes arguments verbatim, so if any contains
/// terminal control characters, they are escaped and the message loses its colors.
fn refuse(error: &clap::Error) -> ExitCode {
    if std::env::args().all(|argument| !argument.contains(printable::is_unprintable)) {
        error.exit();
    }
    show::note(error.to_string().trim_end());
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE))
}

/// The exit status for an invalid command line or configuration, the same as clap's.
/// `docs/commands.md` has the table.
const USAGE: u8 = 2;

/// Reports an error. The exit status tells whether retrying the same command can succeed.
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
        | CommandError::Further { error: Error::Load { .. }, .. }
        | CommandError::Pipe(PipeError::Input { .. }) => ExitCode::from(USAGE),
        _ => ExitCode::FAILURE,
    }
}

impl Command {
    /// Whether the command runs further plugs beside the first one.
    fn takes_several(&self) -> bool {
        matches!(self, Self::Run(_) | Self::Watch(_) | Self::Inspect(_))
    }

    /// The plug options, if the command starts a plug from the command line.
    fn plug(&self) -> Option<&PlugArgs> {
        match self {
            Self::Run(args) => Some(&args.plug),
            Self::Call(args) => Some(&args.plug),
            Self::Serve(args) => Some(&args.plug),
            Self::Query(args) => Some(&args.plug),
            Self::Watch(args) => Some(&args.plug),
            Self::Dashboards(args) => Some(args.plug()),
            Self::Inspect(args) => Some(&args.plug),
            Self::Check(_)
            | Self::Demo(_)
            | Self::Top(_)
            | Self::Init(_)
            | Self::New(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Complete(_) => None,
        }
    }
}

/// Repeats the log directives for `plugpipe_harness` for `plugpipe_runtime`, which does most of the
/// work.
fn runtime_directives(levels: &str) -> String {
    let own = levels.split(',').filter_map(|directive| directive.trim().strip_prefix("plugpipe_harness"));
    let complete = own.filter(|rest| rest.is_empty() || rest.starts_with(['=', '[']));
    complete.map(|rest| format!(",plugpipe_runtime{rest}")).collect()
}

fn log_to_stderr(verbose: u8, debug: bool, command: &Command, format: LogFormat) {
    let level = match (verbose, command) {
        // The plug's own response covers wasmtime's warnings, with the URL and a remedy. Announce
        // the first compilation of a component, because it takes long.
        (0, _) if debug => "warn,wasmtime_wasi_http=error,plugpipe_harness=debug,plugpipe_runtime=debug",
        // Whoever reads the log of a server does not see the plug's responses, and wants to know
        // too that what was unhealthy is healthy again, and that a changed file is in use.
        (0, Command::Serve(_)) => {
            "warn,wasmtime_wasi_http=error,plugpipe_runtime::cache=info,plugpipe_harness::delivery=info,\
             plugpipe_runtime::egress::health=info,plugpipe_runtime::watched=info"
        }
        (0, _) => {
            "warn,wasmtime_wasi_http=error,plugpipe_runtime::cache=info,plugpipe_harness::delivery=info,\
             plugpipe_runtime::egress::health=error"
        }
        (1, _) => "info",
        _ => "debug",
    };
    let filter = match std::env::var(LOG_VARIABLE) {
        Ok(levels) => {
            let levels = format!("{levels}{}", runtime_directives(&levels));
            EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).parse_lossy(levels)
        }
        Err(_) => EnvFilter::new(level),
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| show::Log);
    if format == LogFormat::Text {
        let color = std::io::stderr().is_terminal() && show::colors();
        log.with_ansi(color).without_time().init();
    } else {
        log.event_format(Structured(format)).init();
    }
}
