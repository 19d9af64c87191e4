//! `call`: one operation, and what a plug says of its operations.

use std::io::Read as _;
use std::path::Path;

use clap::{Args, Command};
use plugpipe_harness::CommandError;
use plugpipe_harness::yaml::nearest;
use serde_json::{Map, Value, json};

use super::ending::Ending;
use super::output::Output;
use super::plug_args::{PlugArgs, read};
use super::schema::{self, Field, OPERATION};
use super::{fields, show};

/// Run one operation and print its response
#[derive(Args)]
#[command(
    disable_help_flag = true,
    after_help = "Examples:\n  \
    plugpipe-harness call record_counter metric_name=jobs_total metric_value=1 labels.queue=mail\n  \
    plugpipe-harness call query_metrics --ctx @examples/operations/query_instant.json --config examples/config/development.yaml\n  \
    echo '{\"export_format\": \"prometheus\"}' | plugpipe-harness call export_metrics --ctx -\n  \
    plugpipe-harness call --list\n  \
    plugpipe-harness call record_counter --help"
)]
pub(crate) struct CallArgs {
    /// The operation, such as record_counter
    #[arg(required_unless_present_any = ["list", "help"])]
    operation: Option<String>,
    /// A field: KEY=VALUE for text, numbers and flags, KEY:=JSON for anything else. A dot in KEY
    /// leads into a member, such as labels.queue=mail
    #[arg(value_name = "KEY=VALUE")]
    fields: Vec<String>,
    /// Further fields: JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-", default_value = "{}")]
    ctx: String,
    /// List the plug's operations
    #[arg(long, conflicts_with_all = ["operation", "help"])]
    list: bool,
    /// Print this help, or that of the operation: its fields and what they are
    #[arg(short, long)]
    help: bool,
    /// How to print; the help of an operation as JSON or YAML is its JSON Schema
    ///
    /// [default: json, and table for --list and the help of an operation]
    #[arg(short, long, value_enum)]
    output: Option<Output>,
    /// Exit with 1 if recorded values reached no server
    #[arg(long)]
    require_delivery: bool,
    #[command(flatten)]
    pub(crate) plug: PlugArgs,
}

pub(crate) async fn call(args: CallArgs, cli: Command) -> Result<bool, CommandError> {
    if args.list {
        return list(&args).await;
    }
    let Some(operation) = args.operation.clone() else { return own_help(cli) };
    if args.help {
        return help(&args, &operation).await;
    }
    let mut ctx = context(&args.ctx)?;
    fields::apply(&mut ctx, &args.fields).map_err(|error| {
        let (field, problem) = error.split_once(": ").unwrap_or(("call", &error));
        CommandError::settings(field, problem)
    })?;
    ctx.insert(OPERATION.into(), operation.into());
    let handle = args.plug.start().await?;
    let answer = handle.process(Value::Object(ctx).to_string(), "").await?;
    show::warn("", &answer.warnings);
    args.output.unwrap_or_default().print_answer(&answer);
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

/// Reads the value of `--ctx`.
fn context(given: &str) -> Result<Map<String, Value>, CommandError> {
    let problem = |problem: String| CommandError::settings("--ctx", problem);
    let text = if given == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| problem(format!("stdin: {error}")))?;
        text
    } else if let Some(path) = given.strip_prefix('@') {
        read(Path::new(path))?
    } else {
        given.to_owned()
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(ctx)) => Ok(ctx),
        Ok(_) => Err(problem("expected a JSON object".into())),
        Err(error) => Err(problem(format!("not JSON: {error}"))),
    }
}

async fn list(args: &CallArgs) -> Result<bool, CommandError> {
    let plug = args.plug.plug()?;
    let description = plug.describe_within(args.plug.limits()?).await?;
    let operations = description.operations.iter();
    let operations: Vec<Value> =
        operations.map(|operation| json!({"operation": operation.name, "summary": operation.summary})).collect();
    args.output.unwrap_or(Output::Table).print(&operations.into());
    Ok(true)
}

async fn help(args: &CallArgs, operation: &str) -> Result<bool, CommandError> {
    let plug = args.plug.plug()?;
    let description = plug.describe_within(args.plug.limits()?).await?;
    let Some(described) = description.operations.iter().find(|known| known.name == operation) else {
        let near = nearest(operation, description.operations.iter().map(|known| known.name.as_str()));
        let separator = if near.is_empty() { ";" } else { "" };
        let problem = format!("unknown operation{near}{separator} plugpipe-harness call --list lists them");
        return Err(CommandError::settings(operation, problem));
    };
    let schema = plug.schema_within(operation, args.plug.limits()?).await?;
    let schema = schema.and_then(|schema| serde_json::from_str::<Value>(&schema).ok()).unwrap_or_default();
    match args.output {
        Some(output @ (Output::Json | Output::Yaml)) => output.print(&schema),
        Some(Output::Table) | None => {
            show::print(&format!("{operation}: {}\n", described.summary));
            let fields = schema::fields(&schema);
            if fields.is_empty() {
                show::print("It has no fields of its own.");
                return Ok(true);
            }
            let mut table = show::table(["field", "type", "what it is"]);
            for Field { name, is_required, kind, description } in fields {
                let star = if is_required { " *" } else { "" };
                table.add_row([show::cell(&format!("{name}{star}")), show::cell(&kind), show::cell(&description)]);
            }
            show::print_painted(&table.to_string());
            show::print("* required. Settings of the configuration may stand beside these fields.");
        }
    }
    Ok(true)
}

/// Prints the help of the command itself.
fn own_help(mut cli: Command) -> Result<bool, CommandError> {
    // So that the usage begins with the program's name.
    cli.build();
    if let Some(command) = cli.find_subcommand_mut("call") {
        // Like `show::print`, ignores a closed pipe.
        let _ = command.print_long_help();
    }
    Ok(true)
}
