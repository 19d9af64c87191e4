//! `inspect`: shows a plug's imports, exports, requested capabilities and grants.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use comfy_table::Table;
use plugpipe_harness::grants::{OriginGrant, origins_in};
use plugpipe_harness::{CommandError, CompileLimits, Description, Grants, Limits, Origin, Plug, yaml};
use plugpipe_time::PrometheusDuration;
use serde_json::{Value, json};

use super::plug_args::{PlugArgs, limits, read};
use super::show;

/// Show the plug's size, imports and exports, and compare requested and granted capabilities
#[derive(Args)]
pub(crate) struct InspectArgs {
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
    /// The plug's manifest (plug.yaml), whose capabilities are compared too
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plug: PlugArgs,
}

pub(crate) async fn inspect(args: InspectArgs) -> Result<bool, CommandError> {
    args.plug.config()?;
    let capabilities = args.manifest.as_ref().map(|path| capabilities(path)).transpose()?.unwrap_or_default();
    let plug = args.plug.plug()?;
    let config = args.plug.filled(&plug).await?;
    let grants = args.plug.grants(&plug).await?;
    let limits = limits(&grants);
    let handle = args.plug.start_in(&plug, None).await?;
    let Description { name, version, servers, .. } = handle.describe();
    let comparison = compare(&plug.imports(), &capabilities, &origins_in(config, servers), &grants, limits);
    if args.json {
        show::print_json(&json!({
            "name": name,
            "version": version,
            "size_bytes": plug.size_bytes(),
            "sha256": plug.sha256(),
            "imports": plug.imports(),
            "exports": plug.exports(),
            "grants": grants,
            "comparison": comparison.iter().map(Row::to_json).collect::<Vec<_>>(),
        }));
        return Ok(true);
    }
    show::print(&format!("{name} {version}, {} bytes", plug.size_bytes()));
    show::print(&format!("sha256 {}", plug.sha256()));
    show::print(&reach(&plug));
    show::print("exports");
    for export in plug.exports() {
        show::print(&format!("  {}: {}", export.interface, export.functions.join(", ")));
    }
    show::print(&granted(&grants));
    show::print(&table(&comparison).to_string());
    Ok(true)
}

/// The imports, one per line: the only interfaces that the sandbox provides.
pub(crate) fn reach(plug: &Plug) -> String {
    format!("imports (the only interfaces it can use)\n  {}", plug.imports().join("\n  "))
}

/// The grants, one per line.
pub(crate) fn granted(grants: &Grants) -> String {
    let mut lines = vec!["granted origins".to_owned()];
    lines.extend(grants.origins.iter().map(|grant| format!("  {grant}")));
    if grants.origins.is_empty() {
        lines.push("  none: every request is denied before connecting".into());
    }
    lines.join("\n")
}

/// A capability, who requests it, and its grant.
struct Row {
    capability: String,
    requested: &'static str,
    granted: String,
}

impl Row {
    fn to_json(&self) -> Value {
        json!({"capability": self.capability, "requested": self.requested, "granted": self.granted})
    }
}

const NO: &str = "no";

fn compare(
    imports: &[String],
    manifest: &BTreeSet<String>,
    requested: &BTreeSet<Origin>,
    grants: &Grants,
    limits: Limits,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = |capability: String, requested: &'static str, granted: String| {
        rows.push(Row { capability, requested, granted });
    };
    for import in imports {
        let granted = match import.as_str() {
            http if http.starts_with("wasi:http/outgoing-handler") && grants.origins.is_empty() => NO.into(),
            http if http.starts_with("wasi:http/outgoing-handler") => "for the origins below".into(),
            _ => "yes".into(),
        };
        row(import.clone(), "by the component", granted);
    }
    for capability in manifest {
        // The component cannot use what it does not import, regardless of its manifest.
        let imported = imports.iter().any(|import| import.split('@').next() == capability.split('@').next());
        row(capability.clone(), "by its manifest", if imported { "yes" } else { NO }.into());
    }
    for origin in requested.iter().filter(|origin| !grants.allow(origin)) {
        row(origin.to_string(), "by its configuration", NO.into());
    }
    for grant in &grants.origins {
        let requested_by = if requested.contains(&grant.origin) { "by its configuration" } else { "-" };
        row(grant.to_string(), requested_by, terms(grant));
    }
    for range in &grants.addresses {
        row(format!("addresses {range}"), "-", "yes".into());
    }
    for name in &grants.env {
        row(format!("environment {name}"), "-", "for its configuration".into());
    }
    if let Some(proxy) = &grants.proxy {
        row(format!("proxy {}", proxy.origin), "-", "for all servers except on this machine".into());
    }
    let folder = grants.rules_folder.as_ref().map_or(NO.into(), |folder| folder.display().to_string());
    row("rules folder".into(), "-", folder);
    row("memory".into(), "-", format!("{} bytes", limits.memory_bytes));
    row("call timeout".into(), "-", PrometheusDuration::saturating(limits.call).to_string());
    row("response size".into(), "-", format!("{} bytes", limits.answer_bytes));
    row("host calls per call".into(), "-", limits.host_calls.to_string());
    row("host resources held at once".into(), "-", limits.resources.to_string());
    let unbounded = || "no limit".to_owned();
    let response_bytes = grants.limits.response_bytes.map_or_else(unbounded, |bytes| format!("{bytes} bytes"));
    row("HTTP response size".into(), "-", response_bytes);
    let requests = grants.limits.requests_per_minute.map_or_else(unbounded, |requests| requests.to_string());
    row("requests per minute".into(), "-", requests);
    row("requests per call".into(), "-", grants.limits.in_a_call().to_string());
    row("concurrent requests".into(), "-", grants.limits.at_once().to_string());
    let compile = CompileLimits::default().granted(&grants.limits);
    row("component size (--plug)".into(), "-", format!("{} bytes", compile.component_bytes));
    row("compilation memory".into(), "-", format!("{} bytes", compile.memory_bytes));
    let time = PrometheusDuration::saturating(compile.processor_time).to_string();
    row("compilation CPU time".into(), "-", time);
    rows
}

/// The methods, credential name and identity name of an origin grant.
fn terms(grant: &OriginGrant) -> String {
    let methods: Vec<&str> = grant.methods.iter().map(String::as_str).collect();
    let methods = if methods.is_empty() { "all methods".to_owned() } else { methods.join(", ") };
    let credential = grant.credential.iter().map(|name| format!(", with the credential {name}"));
    let identity = grant.identity.iter().map(|name| format!(", with the identity {name}"));
    credential.chain(identity).fold(methods, |terms, more| terms + &more)
}

fn table(rows: &[Row]) -> Table {
    let mut table = show::table(["capability", "requested", "granted"]);
    for row in rows {
        table.add_row([row.capability.as_str(), row.requested, row.granted.as_str()]);
    }
    table
}

/// The capabilities in a manifest: strings, or maps with the names as keys.
fn capabilities(path: &std::path::Path) -> Result<BTreeSet<String>, CommandError> {
    let manifest = yaml::read(&read(path)?)
        .map_err(|error| CommandError::settings(path.display().to_string(), format!("not YAML: {error}")))?
        .to_value();
    let mut found = BTreeSet::new();
    collect(manifest.get("capabilities").unwrap_or(&Value::Null), &mut found);
    Ok(found)
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(text.clone());
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        Value::Object(map) => {
            for (key, value) in map {
                // A group of names, or a name with its options.
                if value.is_array() {
                    collect(value, found);
                } else {
                    found.insert(key.clone());
                }
            }
        }
        _ => {}
    }
}
