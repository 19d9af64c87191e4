//! `watch`: runs a pipe again whenever its file changes, and shows how its metrics changed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use plugpipe_harness::families::{self, Difference, MetricFamily};
use plugpipe_harness::pipe;
use plugpipe_harness::session::Format;
use plugpipe_harness::{CommandError, Error, PlugHandle};
use serde_json::Map;

use super::ending::Ending;
use super::pipe_file::{self, Caller, Stub};
use super::plug_args::PlugArgs;
use super::plugs;
use super::run::print_table;
use super::show::{self, Progress};
use super::stop_signal::StopSignal;

/// Interval between checks of the file.
const INTERVAL: Duration = Duration::from_millis(200);

/// Maximum number of differences shown per run.
const MAX_LINES: usize = 40;

/// Run a pipe again whenever its file changes, until Ctrl-C
///
/// Each run starts a new plug, so that its metrics are those of the current pipe. Differences from
/// the previous run are shown.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  plugpipe-harness watch pipe.yaml\n  plugpipe-harness watch pipe.yaml --stub data_processor"
)]
pub(crate) struct WatchArgs {
    /// The pipe, in either dialect
    #[arg(value_name = "PIPE.yaml")]
    pipe: PathBuf,
    /// Skip the steps of this plug, as if they had succeeded, with this answer if a file is given
    #[arg(long = "stub", value_name = "NAME[=ANSWER.json]", value_parser = pipe_file::stub)]
    stubs: Vec<Stub>,
    #[command(flatten)]
    pub(crate) plug: PlugArgs,
}

pub(crate) async fn watch(args: WatchArgs) -> Result<bool, CommandError> {
    let found = args.pipe.metadata();
    let found = found.map_err(|error| CommandError::unreadable(args.pipe.clone(), &error))?;
    if !found.is_file() {
        let problem = "not a regular file, so it cannot be read again; write the pipe to a file, or use `run`";
        return Err(CommandError::settings(args.pipe.display().to_string(), problem));
    }
    let mut before: Option<Vec<MetricFamily>> = None;
    let mut success;
    let mut stop = StopSignal::listen();
    loop {
        let changed = stamp(&args.pipe);
        let run = tokio::select! {
            run = once(&args) => run,
            () = stop.received() => {
                show::note("stopped during a run; what that run recorded may not have been delivered");
                return Ok(false);
            }
        };
        match run {
            Ok((succeeded, families)) => {
                success = succeeded;
                if let Some(before) = &before {
                    print_differences(&families::differences(before, &families));
                }
                before = Some(families);
            }
            // Configuration and grants are read only once, so retrying does not help.
            Err(CommandError::Host(error @ (Error::Settings { .. } | Error::Config { .. } | Error::Load { .. }))) => {
                return Err(error.into());
            }
            Err(error @ CommandError::Further { .. }) => return Err(error),
            // The pipe may be incomplete while it is being written; retry.
            Err(error) => {
                success = false;
                show::note(&format!("error: {error}"));
            }
        }
        show::print(&format!("\nwatching {}; stop with Ctrl-C", args.pipe.display()));
        loop {
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = stop.received() => return Ok(success),
            }
            if stamp(&args.pipe) != changed {
                break;
            }
        }
    }
}

/// Identifies a version of the file by modification time, and by length in case of a coarse clock.
/// None while an editor replaces the file.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let found = path.metadata().ok()?;
    Some((found.modified().ok()?, found.len()))
}

async fn once(args: &WatchArgs) -> Result<(bool, Vec<MetricFamily>), CommandError> {
    let pipe = pipe_file::read_pipe(&args.pipe)?;
    let handle = args.plug.start().await?;
    let further = plugs::start(&args.plug, &handle, &pipe, &args.stubs, false).await?;
    let caller = Caller::new(handle, further, &args.stubs, args.plug.variables()?, &args.pipe)?;
    let report = pipe::run(&pipe, Map::new(), &caller, &mut Progress::on_terminal()).await?;
    let ending = Ending { state: args.plug.state.as_deref(), ..Ending::default() };
    caller.end(ending).await?;
    print_table(&report);
    Ok((report.success, stored(&caller.handle).await?))
}

async fn stored(plug: &PlugHandle) -> Result<Vec<MetricFamily>, CommandError> {
    let text = plug.with(|session| Box::pin(session.encode(Format::Text))).await?;
    Ok(families::read(&String::from_utf8_lossy(&text)))
}

fn print_differences(differences: &[Difference]) {
    if differences.is_empty() {
        show::print("\nthe metrics are unchanged");
        return;
    }
    show::print("\ndifferences from the previous run:");
    for difference in differences.iter().take(MAX_LINES) {
        show::print(&match difference {
            Difference::New(series, value) => format!("+ {series} {value}"),
            Difference::Changed(series, before, value) => format!("~ {series} {before} → {value}"),
            Difference::Gone(series, value) => format!("- {series} {value}"),
        });
    }
    if differences.len() > MAX_LINES {
        show::print(&format!("and {} more", differences.len() - MAX_LINES));
    }
}
