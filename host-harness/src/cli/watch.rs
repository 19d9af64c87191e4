//! `watch`: a pipe, run again whenever its file changes, with what its metrics were then and are
//! now.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use plugpipe_harness::families::{self, Difference, Family};
use plugpipe_harness::pipe::{self, Pipe};
use plugpipe_harness::session::Format;
use plugpipe_harness::{CommandError, Error, PlugHandle};
use serde_json::Map;

use super::ending::Ending;
use super::plug_args::{PlugArgs, read};
use super::run::{Caller, print_table};
use super::show::{self, Progress};

/// From one look at the file to the next.
const INTERVAL: Duration = Duration::from_millis(200);

/// Differences that are shown of a run.
const MAX_LINES: usize = 40;

/// Run a pipe, and again at each change of its file, until Ctrl-C
///
/// Each run has a plug of its own, so that its metrics are those of the pipe as it is now; what
/// differs from the run before is shown.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  plugpipe-harness watch pipe.yaml\n  plugpipe-harness watch pipe.yaml --stub data_processor"
)]
pub(crate) struct WatchArgs {
    /// The pipe, in either dialect
    #[arg(value_name = "PIPE.yaml")]
    pipe: PathBuf,
    /// Pass over steps of this plug, as if they had succeeded
    #[arg(long = "stub", value_name = "NAME")]
    stubs: Vec<String>,
    #[command(flatten)]
    pub(crate) plug: PlugArgs,
}

pub(crate) async fn watch(args: WatchArgs) -> Result<bool, CommandError> {
    let found = args.pipe.metadata();
    let found = found.map_err(|error| CommandError::unreadable(args.pipe.clone(), &error))?;
    if !found.is_file() {
        let problem = "is no file that can be read again; write the pipe into one, or use `run`";
        return Err(CommandError::settings(args.pipe.display().to_string(), problem));
    }
    let mut before: Option<Vec<Family>> = None;
    let mut success;
    loop {
        let changed = stamp(&args.pipe);
        match once(&args).await {
            Ok((succeeded, families)) => {
                success = succeeded;
                if let Some(before) = &before {
                    print_differences(&families::differences(before, &families));
                }
                before = Some(families);
            }
            // Configuration and grants are read once: they will not become right.
            Err(CommandError::Host(error @ (Error::Settings { .. } | Error::Config { .. } | Error::Load { .. }))) => {
                return Err(error.into());
            }
            // Half a pipe is no reason to stop while it is being written.
            Err(error) => {
                success = false;
                show::note(&format!("error: {error}"));
            }
        }
        show::print(&format!("\nwatching {}; stop with Ctrl-C", args.pipe.display()));
        loop {
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                _ = tokio::signal::ctrl_c() => return Ok(success),
            }
            if stamp(&args.pipe) != changed {
                break;
            }
        }
    }
}

/// What tells that the file is another: its time, and its length for clocks that are too coarse. An
/// editor may take it away for a moment.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let found = path.metadata().ok()?;
    Some((found.modified().ok()?, found.len()))
}

async fn once(args: &WatchArgs) -> Result<(bool, Vec<Family>), CommandError> {
    let pipe = Pipe::from_yaml(&read(&args.pipe)?)?;
    let caller = Caller::new(args.plug.start().await?, args.stubs.iter().cloned());
    let report = pipe::run(&pipe, Map::new(), &caller, &mut Progress::on_terminal()).await?;
    let ending = Ending { state: args.plug.state.as_deref(), ..Ending::default() };
    ending.of(&caller.handle).await?;
    print_table(&report);
    Ok((report.success, held(&caller.handle).await?))
}

async fn held(plug: &PlugHandle) -> Result<Vec<Family>, CommandError> {
    let text = plug.with(|session| Box::pin(session.encode(Format::Text))).await?;
    Ok(families::read(&String::from_utf8_lossy(&text)))
}

fn print_differences(differences: &[Difference]) {
    if differences.is_empty() {
        show::print("\nthe metrics are as before");
        return;
    }
    show::print("\nwhat differs from the run before:");
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
