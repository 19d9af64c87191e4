//! `inspect`: shows a plug's imports, exports, requested capabilities and grants.

use std::collections::BTreeSet;
use std::future::ready;
use std::path::PathBuf;

use clap::Args;
use comfy_table::Table;
use plugpipe_harness::grants::{OriginGrant, origins_in};
use plugpipe_harness::{
    CommandError, CompileLimits, DEFAULT_SERIES, Description, Grants, Limits, Origin, PLUG_LABEL, Plug, yaml,
};
use plugpipe_time::PrometheusDuration;
use serde_json::{Value, json};

use super::pipe_file::Further;
use super::plug_args::{PlugArgs, limits, read};
use super::plugs;
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
    let handle = args.plug.start_in(&plug, None).await?;
    let first = Inspected::new(None, &plug, handle.describe(), config, grants, &capabilities);
    let mut further = Vec::new();
    for declared in args.plug.declared()? {
        let loaded = plugs::loaded(declared, &args.plug, &handle).await?;
        let (plug, config, grants) = (loaded.plug.clone(), loaded.config.clone(), loaded.grants.clone());
        let Further { name, handle: running, .. } = loaded.start(&args.plug, true).await?;
        let mut inspected = Inspected::new(Some(&name), &plug, running.describe(), &config, grants, &BTreeSet::new());
        inspected.records = running.with(|session| Box::pin(ready(Ok(session.recorded_elsewhere())))).await?;
        inspected.exporter = Some(handle.describe().name.clone());
        further.push(inspected);
    }
    if args.json {
        let mut json = first.to_json();
        if let Some(members) = json.as_object_mut().filter(|_| !further.is_empty()) {
            members.insert("plugs".into(), further.iter().map(Inspected::to_json).collect());
        }
        show::print_json(&json);
        return Ok(true);
    }
    first.print();
    for plug in &further {
        show::print("");
        plug.print();
    }
    Ok(true)
}

/// What is known of one plug.
struct Inspected {
    /// The name by which steps refer to a further plug.
    step_name: Option<String>,
    name: String,
    version: String,
    plug: Plug,
    grants: Grants,
    comparison: Vec<Row>,
    /// The plug that a further one records in, if it may.
    exporter: Option<String>,
    /// The metrics that it registered there as it started.
    records: Vec<String>,
}

impl Inspected {
    fn new(
        step_name: Option<&str>,
        plug: &Plug,
        description: &Description,
        config: &Value,
        grants: Grants,
        manifest: &BTreeSet<String>,
    ) -> Self {
        let Description { name, version, servers, .. } = description;
        let requested = origins_in(config, servers);
        Self {
            step_name: step_name.map(str::to_owned),
            name: name.clone(),
            version: version.clone(),
            plug: plug.clone(),
            comparison: compare(plug, manifest, &requested, &grants, limits(&grants)),
            grants,
            exporter: None,
            records: Vec::new(),
        }
    }

    fn to_json(&self) -> Value {
        let plug = &self.plug;
        let mut json = json!({
            "name": self.name,
            "version": self.version,
            "size_bytes": plug.size_bytes(),
            "sha256": plug.sha256(),
            "imports": plug.imports(),
            "empty_imports": plug.empty_imports(),
            "exports": plug.exports(),
            "grants": self.grants,
            "comparison": self.comparison.iter().map(Row::to_json).collect::<Vec<_>>(),
        });
        if let (Some(members), Some(name)) = (json.as_object_mut(), &self.step_name) {
            members.insert("plug".into(), name.as_str().into());
            members.insert("records_in".into(), self.records_in().into());
            members.insert("records".into(), self.records.clone().into());
        }
        json
    }

    /// The plug that this one records in.
    fn records_in(&self) -> Option<&str> {
        let imports = self.plug.imports();
        let records = imports.iter().any(|import| import.starts_with(METRICS)) && self.grants.metrics;
        self.exporter.as_deref().filter(|_| records)
    }

    fn print(&self) {
        let Self { step_name, name, version, plug, .. } = self;
        let title = format!("{name} {version}, {} bytes", plug.size_bytes());
        show::print(&step_name.as_ref().map_or_else(|| title.clone(), |step| format!("plug {step}: {title}")));
        show::print(&format!("sha256 {}", plug.sha256()));
        show::print(&reach(plug));
        show::print("exports");
        for export in plug.exports() {
            show::print(&format!("  {}: {}", export.interface, export.functions.join(", ")));
        }
        if let (Some(step), Some(exporter)) = (step_name, self.records_in()) {
            let records = if self.records.is_empty() { "nothing yet".to_owned() } else { self.records.join(", ") };
            show::print(&format!("records in {exporter}, with {PLUG_LABEL}={step:?}\n  {records}"));
        }
        show::print(&granted(&self.grants));
        show::print(&table(&self.comparison).to_string());
    }
}

/// The imports, one per line: the only interfaces that the sandbox provides.
pub(crate) fn reach(plug: &Plug) -> String {
    let empty = plug.empty_imports();
    let described = |import: String| if empty.contains(&import) { format!("{import} (empty)") } else { import };
    let imports: Vec<String> = plug.imports().into_iter().map(described).collect();
    format!("imports (the only interfaces it can use)\n  {}", imports.join("\n  "))
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

/// Interfaces of the first plug that a further one may import.
pub(super) const METRICS: &str = "plugpipe:monitoring/metrics@";
pub(super) const QUERY: &str = "plugpipe:monitoring/query@";

fn compare(
    plug: &Plug,
    manifest: &BTreeSet<String>,
    requested: &BTreeSet<Origin>,
    grants: &Grants,
    limits: Limits,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = |capability: String, requested: &'static str, granted: String| {
        rows.push(Row { capability, requested, granted });
    };
    let (imports, empty) = (plug.imports(), plug.empty_imports());
    let yes = |granted: bool| if granted { "yes" } else { NO }.to_owned();
    for import in &imports {
        let granted = match import.as_str() {
            import if import.starts_with(METRICS) => yes(grants.metrics),
            import if import.starts_with(QUERY) => yes(grants.query),
            import if empty.iter().any(|empty| empty == import) => "empty".into(),
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
    row("core instances".into(), "-", limits.instances.to_string());
    row("tables".into(), "-", format!("{}, each of {} elements", limits.tables, limits.table_elements));
    row("memories".into(), "-", limits.memories.to_string());
    let unbounded = || "no limit".to_owned();
    let response_bytes = grants.limits.response_bytes.map_or_else(unbounded, |bytes| format!("{bytes} bytes"));
    row("HTTP response size".into(), "-", response_bytes);
    let requests = grants.limits.requests_per_minute.map_or_else(unbounded, |requests| requests.to_string());
    row("requests per minute".into(), "-", requests);
    row("requests per call".into(), "-", grants.limits.in_a_call().to_string());
    row("concurrent requests".into(), "-", grants.limits.at_once().to_string());
    if grants.metrics {
        let series = grants.limits.series.unwrap_or(DEFAULT_SERIES);
        row("series in the first plug".into(), "-", series.to_string());
        let prefix =
            grants.metrics_prefix.as_ref().map_or("any".into(), |prefix| format!("those that begin with {prefix}"));
        row("metrics' names in the first plug".into(), "-", prefix);
    }
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
