//! `call`: one operation.

use std::io::Read as _;
use std::path::Path;

use clap::Args;
use plugpipe_harness::CommandError;
use serde_json::Value;

use super::ending::Ending;
use super::plug_args::{PlugArgs, read};
use super::show;

/// Run one operation and print its response as JSON
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    plugpipe-harness call record_counter --ctx '{\"metric_name\": \"jobs_total\", \"metric_value\": 1}'\n  \
    plugpipe-harness call query_metrics --ctx @examples/operations/query_instant.json --config examples/config/development.yaml\n  \
    echo '{\"export_format\": \"prometheus\"}' | plugpipe-harness call export_metrics --ctx -")]
pub(crate) struct CallArgs {
    /// The operation, such as record_counter; health_check checks the configured servers, describe
    /// lists all operations
    operation: String,
    /// The operation's fields: JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-", default_value = "{}")]
    ctx: String,
    /// Exit with 1 if recorded values reached no server
    #[arg(long)]
    require_delivery: bool,
    #[command(flatten)]
    pub(crate) plug: PlugArgs,
}

pub(crate) async fn call(args: CallArgs) -> Result<bool, CommandError> {
    let problem = |problem: String| CommandError::settings("--ctx", problem);
    let text = if args.ctx == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| problem(format!("stdin: {error}")))?;
        text
    } else if let Some(path) = args.ctx.strip_prefix('@') {
        read(Path::new(path))?
    } else {
        args.ctx
    };
    let mut ctx = match serde_json::from_str(&text) {
        Ok(Value::Object(ctx)) => ctx,
        Ok(_) => return Err(problem("expected a JSON object".into())),
        Err(error) => return Err(problem(format!("not JSON: {error}"))),
    };
    ctx.insert("operation".into(), args.operation.into());
    let handle = args.plug.start().await?;
    let answer = handle.process(Value::Object(ctx).to_string(), "").await?;
    show::warn("", &answer.warnings);
    show::print_answer(&answer);
    // The push policy has already been applied during the call.
    let ending = Ending {
        last: Some(&answer),
        state: args.plug.state.as_deref(),
        required: args.require_delivery,
        ..Ending::default()
    };
    let delivered = ending.of(&handle).await?;
    Ok(delivered && answer.is_ok())
}
