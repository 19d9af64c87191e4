//! `inspect`: what the plug is, what it could reach, and what it may.

use clap::Args;
use plugpipe_harness::{Error, Limits, Plug};
use serde_json::{Value, json};

use super::PlugArgs;
use super::show;

/// Show the plug's size, imports and exports, and what it is granted
#[derive(Args)]
pub(crate) struct InspectArgs {
    /// As JSON instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    plug: PlugArgs,
}

pub(crate) async fn inspect(args: InspectArgs) -> Result<bool, Error> {
    let config = args.plug.config()?;
    let grants = args.plug.grants(&config);
    let plug = args.plug.plug()?;
    let description = plug.start(&config, grants.clone(), Limits::default()).await?.describe().await?;
    let field = |key: &str| description.get(key).cloned().unwrap_or_default();
    if args.json {
        show::print_json(&json!({
            "name": field("name"),
            "version": field("version"),
            "size_bytes": plug.size_bytes(),
            "sha256": plug.sha256(),
            "imports": plug.imports(),
            "exports": plug.exports(),
            "grants": grants,
        }));
        return Ok(true);
    }
    let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
    show::print(&format!("{} {}, {} bytes", text(field("name")), text(field("version")), plug.size_bytes()));
    show::print(&format!("sha256 {}", plug.sha256()));
    show::print(&reach(&plug));
    show::print("exports");
    for export in plug.exports() {
        show::print(&format!("  {}: {}", export.interface, export.functions.join(", ")));
    }
    show::print(&granted(&grants));
    Ok(true)
}

/// The imports, a line each: all that the sandbox has a door for.
pub(crate) fn reach(plug: &Plug) -> String {
    format!("imports, all that it could ever reach\n  {}", plug.imports().join("\n  "))
}

/// The grants, a line each.
pub(crate) fn granted(grants: &plugpipe_harness::Grants) -> String {
    let mut lines = vec!["granted origins".to_owned()];
    lines.extend(grants.origins.iter().map(|origin| format!("  {origin}")));
    if grants.origins.is_empty() {
        lines.push("  none: every request is refused before a connection is made".into());
    }
    lines.join("\n")
}
