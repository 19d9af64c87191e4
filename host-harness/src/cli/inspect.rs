//! `inspect`: what the plug is, what it asks for, and what it may.

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

/// Show the plug's size, imports and exports, and what it is granted against what it asks for
#[derive(Args)]
pub(crate) struct InspectArgs {
    /// As JSON instead of text
    #[arg(long)]
    json: bool,
    /// The plug's manifest (plug.yaml), whose capabilities it asks for too
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plug: PlugArgs,
}

pub(crate) async fn inspect(args: InspectArgs) -> Result<bool, CommandError> {
    let config = args.plug.config()?;
    let capabilities = args.manifest.as_ref().map(|path| capabilities(path)).transpose()?.unwrap_or_default();
    let plug = args.plug.plug()?;
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

/// The imports, a line each: all that the sandbox has a door for.
pub(crate) fn reach(plug: &Plug) -> String {
    format!("imports, all that it could ever reach\n  {}", plug.imports().join("\n  "))
}

/// The grants, a line each.
pub(crate) fn granted(grants: &Grants) -> String {
    let mut lines = vec!["granted origins".to_owned()];
    lines.extend(grants.origins.iter().map(|grant| format!("  {grant}")));
    if grants.origins.is_empty() {
        lines.push("  none: every request is refused before a connection is made".into());
    }
    lines.join("\n")
}

/// A capability: who asks for it, and what is granted of it.
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

/// Nothing.
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
        // What the component does not import it cannot use, whatever its manifest says.
        let imported = imports.iter().any(|import| import.split('@').next() == capability.split('@').next());
        row(capability.clone(), "by its manifest", if imported { "yes" } else { NO }.into());
    }
    for origin in requested.iter().filter(|origin| !grants.allow(origin)) {
        row(origin.to_string(), "by its configuration", NO.into());
    }
    for grant in &grants.origins {
        let asked = if requested.contains(&grant.origin) { "by its configuration" } else { "-" };
        row(grant.to_string(), asked, terms(grant));
    }
    for range in &grants.addresses {
        row(format!("addresses {range}"), "-", "yes".into());
    }
    for name in &grants.env {
        row(format!("environment {name}"), "-", "for its configuration".into());
    }
    if let Some(proxy) = &grants.proxy {
        row(format!("proxy {}", proxy.origin), "-", "for all but this machine's own servers".into());
    }
    let folder = grants.rules_folder.as_ref().map_or(NO.into(), |folder| folder.display().to_string());
    row("rules folder".into(), "-", folder);
    row("memory".into(), "-", format!("{} bytes", limits.memory_bytes));
    row("time of a call".into(), "-", PrometheusDuration::saturating(limits.call).to_string());
    row("handed over at once".into(), "-", format!("{} bytes", limits.answer_bytes));
    row("calls of the host in a call".into(), "-", limits.host_calls.to_string());
    row("things of the host held at once".into(), "-", limits.resources.to_string());
    let unbounded = || "no bound of its own".to_owned();
    let answer = grants.limits.response_bytes.map_or_else(unbounded, |bytes| format!("{bytes} bytes"));
    row("an answer's length".into(), "-", answer);
    let requests = grants.limits.requests_per_minute.map_or_else(unbounded, |requests| requests.to_string());
    row("requests in a minute".into(), "-", requests);
    row("requests in a call".into(), "-", grants.limits.in_a_call().to_string());
    row("requests at once".into(), "-", grants.limits.at_once().to_string());
    let compile = CompileLimits::default().granted(&grants.limits);
    row("length of a component from --plug".into(), "-", format!("{} bytes", compile.component_bytes));
    row("memory to compile it".into(), "-", format!("{} bytes", compile.memory_bytes));
    let time = PrometheusDuration::saturating(compile.processor_time).to_string();
    row("processor time to compile it".into(), "-", time);
    rows
}

/// What is granted of an origin. Of a credential and an identity only their names.
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

/// The capabilities that a manifest lists: texts, or maps with the names as keys.
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
                // A group of texts, or a name with what is said of it.
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
