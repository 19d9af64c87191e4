//! `run`: runs a pipe with the plug.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use plugpipe_harness::CommandError;
use plugpipe_harness::pipe::{self, PipeReport};
use plugpipe_harness::session::Format;
use serde_json::{Map, Value};

use super::ending::Ending;
use super::pipe_file::{self, Caller, Stub};
use super::plug_args::PlugArgs;
use super::plugs;
use super::show::{self, JsonLines, Progress};
use super::textfile;

/// Run a pipe
///
/// Steps that use the plug run in the sandbox, and so do those of further plugs, each in its own
/// (--plug NAME=FILE, or `plugs` in the configuration). A step that uses any other plug is an
/// error, unless --stub skips it.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    plugpipe-harness run examples/pipes/basic_usage.yaml\n  \
    plugpipe-harness run examples/pipes/basic_pipe_monitoring.yaml --config examples/config/development.yaml\n  \
    plugpipe-harness run pipe.yaml --stub data_processor=answer.json --env HOSTNAME\n  \
    plugpipe-harness run pipe.yaml --plug notes=notes.wasm\n  \
    plugpipe-harness run pipe.yaml --dry-run --show-metrics\n  \
    plugpipe-harness run pipe.yaml --state state\n  \
    plugpipe-harness run nightly.yaml --textfile /var/lib/node_exporter/textfile/nightly.prom\n  \
    plugpipe-harness run pipe.yaml --input region=eu --json | jq .steps\n  \
    plugpipe-harness run pipe.yaml --json=lines | jq -r 'select(.step) | [.id, .status] | @tsv'")]
pub(crate) struct RunArgs {
    /// The pipe, in either dialect
    #[arg(value_name = "PIPE.yaml")]
    pipe: PathBuf,
    /// Set an input of the pipe
    #[arg(long = "input", value_name = "K=V", value_parser = key_value)]
    inputs: Vec<(String, String)>,
    /// Skip the steps of this plug, as if they had succeeded, with this answer if a file is given
    #[arg(long = "stub", value_name = "NAME[=ANSWER.json]", value_parser = pipe_file::stub)]
    stubs: Vec<Stub>,
    /// Print JSON instead of a table: a report at the end, or with --json=lines one line per
    /// finished step
    #[arg(long, value_enum, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "report")]
    json: Option<Json>,
    /// Write the metrics to this .prom file at the end, for node_exporter's textfile collector
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, value_parser = textfile::path)]
    textfile: Option<PathBuf>,
    /// Print the metrics after the run, in the text format
    #[arg(long, conflicts_with = "json")]
    show_metrics: bool,
    /// Run every step in the plug's mock mode, without grants and without the --state folder:
    /// requests are checked, and nothing is sent or stored
    #[arg(long, conflicts_with_all = ["textfile", "require_delivery"])]
    dry_run: bool,
    /// Exit with 1 if values reached neither a server nor the --textfile
    #[arg(long)]
    require_delivery: bool,
    #[command(flatten)]
    pub(crate) plug: PlugArgs,
}

/// JSON output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Json {
    /// One object at the end
    Report,
    /// One object per line: each step with `step` and `of`, then the run
    Lines,
}

pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.into(), value.into())),
        _ => Err(format!("expected KEY=VALUE, got {text:?}")),
    }
}

pub(crate) async fn run(args: RunArgs) -> Result<bool, CommandError> {
    let pipe = pipe_file::read_pipe(&args.pipe)?;
    let variables = args.plug.variables()?;
    let handle = if args.dry_run { args.plug.start_dry().await? } else { args.plug.start_detecting_resets().await? };
    let further = plugs::start(&args.plug, &handle, &pipe, &args.stubs, args.dry_run).await?;
    let caller = Caller::new(handle, further, &args.stubs, variables, &args.pipe)?;
    caller.warn_of_unused_stubs(&pipe);
    let inputs: Map<String, Value> = args.inputs.into_iter().map(|(key, value)| (key, value.into())).collect();
    let report = match args.json {
        Some(Json::Lines) => pipe::run(&pipe, inputs, &caller, &mut JsonLines).await?,
        _ => pipe::run(&pipe, inputs, &caller, &mut Progress::on_terminal()).await?,
    };
    for step in &report.steps {
        show::warn(&format!("step {}: ", step.id), &step.warnings);
    }
    // Write the textfile even after a failure: earlier steps may have recorded metrics.
    let written = match &args.textfile {
        Some(path) => textfile::write(&caller.handle, path).await.map(|()| Some(path.as_path())),
        None => Ok(None),
    };
    let ending = Ending {
        last: None,
        state: args.plug.state.as_deref(),
        offers_textfile: true,
        textfile: written.as_ref().ok().copied().flatten(),
        required: args.require_delivery,
        ..Ending::default()
    };
    let delivered = if args.dry_run { Ok(true) } else { caller.end(ending).await };
    match args.json {
        Some(Json::Lines) => JsonLines::end(&report),
        Some(Json::Report) => show::print_json(&report),
        None => print_table(&report),
    }
    for warning in show::all_replaced(&report) {
        show::note(&warning);
    }
    if args.show_metrics {
        let text = caller.handle.with(|session| Box::pin(session.encode(Format::Text))).await?;
        show::print_data(String::from_utf8_lossy(&text).trim_end());
    }
    if args.dry_run {
        show::note("dry run: nothing was sent or stored");
    }
    written?;
    Ok(delivered? && report.success)
}

pub(crate) fn print_table(report: &PipeReport) {
    if let Some(summary) = &report.summary {
        show::print(summary);
    }
    show::print_painted(&show::steps(report).to_string());
    for problem in show::push_errors(report) {
        show::print(problem);
    }
    let outcome = if report.success { "succeeded" } else { "FAILED" };
    show::print(&format!("{} {outcome} in {:.1} ms", report.pipe, report.duration_seconds * 1_000.0));
}
