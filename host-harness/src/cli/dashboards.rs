//! `dashboards`: plans and applies dashboards to Grafana, exports them as files, or renders
//! previews.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueHint};
use comfy_table::Table;
use plugpipe_harness::preview::{self, View};
use plugpipe_harness::{CommandError, Error, PlugHandle};
use plugpipe_time::PrometheusDuration;
use serde_json::{Map, Value, json};

use super::plug_args::{PlugArgs, read, setting};
use super::show;

/// Maximum length of an exported file's name.
const MAX_NAME_LEN: usize = 200;

/// Apply dashboards to Grafana, export them as files, or render them with live data
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    plugpipe-harness dashboards plan --config examples/config/development.yaml\n  \
    plugpipe-harness dashboards apply --template pipe_overview --folder PlugPipe --config grafana.yaml\n  \
    plugpipe-harness dashboards export --out dashboards/\n  \
    plugpipe-harness dashboards preview my_dashboard.json --range 15m --out pictures/ --config examples/config/development.yaml")]
pub(crate) struct DashboardsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Show what apply would do, without writing
    Plan(ApplyArgs),
    /// Create or update the dashboards that differ in Grafana
    Apply(ApplyArgs),
    /// Write dashboard files and a provider for Grafana's provisioning
    Export(ExportArgs),
    /// Render dashboards as SVG with live data from Prometheus
    Preview(PreviewArgs),
}

/// The selected dashboards; all templates by default.
#[derive(Args)]
struct Chosen {
    /// Dashboard JSON files
    #[arg(value_name = "FILE.json")]
    files: Vec<PathBuf>,
    /// One of the plug's templates, such as pipe_overview, or all
    #[arg(long = "template", value_name = "NAME")]
    templates: Vec<String>,
    /// The metric name prefix in templates
    #[arg(long)]
    prefix: Option<String>,
    /// The default data source of the dashboards, by uid or name
    #[arg(long)]
    datasource: Option<String>,
    /// The folder's title; repeat for nested folders, outermost first
    #[arg(long = "folder", value_name = "TITLE")]
    folders: Vec<String>,
}

impl Chosen {
    /// The fields of an operation.
    fn fields(&self) -> Result<Map<String, Value>, CommandError> {
        let mut ctx = Map::new();
        let dashboards: Vec<Value> = self.files.iter().map(|path| read_dashboard(path)).collect::<Result<_, _>>()?;
        if dashboards.is_empty() && self.templates.is_empty() {
            ctx.insert("templates".into(), "all".into());
        }
        for (name, list) in [
            ("dashboards", dashboards),
            ("templates", self.templates.iter().cloned().map(Value::from).collect()),
            ("folder", self.folders.iter().cloned().map(Value::from).collect()),
        ] {
            if !list.is_empty() {
                ctx.insert(name.into(), list.into());
            }
        }
        for (name, text) in [("prefix", &self.prefix), ("datasource", &self.datasource)] {
            if let Some(text) = text {
                ctx.insert(name.into(), text.clone().into());
            }
        }
        Ok(ctx)
    }
}

#[derive(Args)]
struct ApplyArgs {
    #[command(flatten)]
    chosen: Chosen,
    /// Also replace dashboards that were created or changed by others
    #[arg(long)]
    overwrite: bool,
    /// Read and compare each dashboard, even if its fingerprint matches
    #[arg(long)]
    verify: bool,
    /// Show the differences
    #[arg(long)]
    diff: bool,
    /// The message for the dashboards' version history in Grafana
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Print the full result as JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    plug: PlugArgs,
}

/// The dashboards and the output folder.
#[derive(Args)]
struct FilesArgs {
    #[command(flatten)]
    chosen: Chosen,
    /// Read these dashboards from Grafana instead
    #[arg(long = "uid", value_name = "UID", conflicts_with_all = ["files", "templates"])]
    uids: Vec<String>,
    /// The output folder; created if missing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: PathBuf,
}

#[derive(Args)]
struct ExportArgs {
    #[command(flatten)]
    files: FilesArgs,
    #[command(flatten)]
    plug: PlugArgs,
}

#[derive(Args)]
struct PreviewArgs {
    #[command(flatten)]
    files: FilesArgs,
    /// The time range up to now; default: the dashboard's own
    #[arg(long, value_name = "DURATION")]
    range: Option<PrometheusDuration>,
    /// The scrape interval of the targets; default: the configuration's scrape_interval, or 15s
    #[arg(long, value_name = "DURATION")]
    scrape_interval: Option<PrometheusDuration>,
    /// A variable's value, such as job=plugpipe; repeat for multiple values
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = super::run::key_value)]
    variables: Vec<(String, String)>,
    /// Width in pixels
    #[arg(long, default_value_t = 1_200, value_parser = clap::value_parser!(u32).range(400..=4_000))]
    width: u32,
    #[command(flatten)]
    plug: PlugArgs,
}

impl DashboardsArgs {
    pub(crate) fn plug(&self) -> &PlugArgs {
        match &self.action {
            Action::Plan(args) | Action::Apply(args) => &args.plug,
            Action::Export(args) => &args.plug,
            Action::Preview(args) => &args.plug,
        }
    }
}

pub(crate) async fn dashboards(args: DashboardsArgs) -> Result<bool, CommandError> {
    match args.action {
        Action::Plan(args) => apply(args, "plan_dashboards").await,
        Action::Apply(args) => apply(args, "apply_dashboards").await,
        Action::Export(args) => export(args).await,
        Action::Preview(args) => draw(args).await,
    }
}

fn read_dashboard(path: &Path) -> Result<Value, CommandError> {
    let text = read(path)?;
    serde_json::from_str(&text).map_err(|error| CommandError::Input {
        what: path.display().to_string(),
        problem: format!("not JSON: {error}"),
    })
}

/// Runs an operation and returns its result.
async fn ask(plug: &PlugHandle, operation: &str, mut ctx: Map<String, Value>) -> Result<Value, CommandError> {
    ctx.insert("operation".into(), operation.into());
    let answer = plug.process(Value::Object(ctx).to_string(), "").await?;
    match answer.error {
        None => Ok(show::result(&answer.body)),
        Some(problem) => Err(Error::Plug { problem: problem.message }.into()),
    }
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Prints warnings, each prefixed with its subject.
fn warn(about: &str, warnings: &[Value]) {
    for warning in warnings.iter().filter_map(Value::as_str) {
        show::note(&format!("{about}{warning}"));
    }
}

async fn apply(args: ApplyArgs, operation: &str) -> Result<bool, CommandError> {
    let mut ctx = args.chosen.fields()?;
    for (name, flag) in [("overwrite", args.overwrite), ("verify", args.verify), ("diff", args.diff)] {
        ctx.insert(name.into(), flag.into());
    }
    if let Some(message) = args.message {
        ctx.insert("message".into(), message.into());
    }
    let plug = args.plug.start().await?;
    let working = show::Spinner::start(match operation {
        "apply_dashboards" => "applying the dashboards to Grafana",
        _ => "reading dashboards from Grafana",
    });
    let result = ask(&plug, operation, ctx).await;
    drop(working);
    let result = result?;
    if args.json {
        show::print_json(&result);
    } else {
        show::print(&table(&result).to_string());
        for one in list(&result, "dashboards") {
            print_details(one);
        }
    }
    let bad = ["conflict", "failed", "not_tried"].iter();
    // A mock run has no outcomes to count.
    Ok(result.get("mock").is_some() || bad.map(|name| result.get(name)).all(|count| count == Some(&json!(0))))
}

fn table(result: &Value) -> Table {
    let mut table = show::table(["dashboard", "uid", "action", "where"]);
    for one in list(result, "dashboards") {
        table.add_row([text(one, "title"), text(one, "uid"), text(one, "action"), text(one, "url")]);
    }
    table
}

/// Prints the details that do not fit into the table.
fn print_details(one: &Value) {
    let title = text(one, "title");
    for problem in [text(one, "conflict"), text(one, "error")] {
        if !problem.is_empty() {
            show::print(&format!("{title}: {problem}"));
        }
    }
    for change in list(one, "changes") {
        let side = |name| change.get(name).and_then(Value::as_str).unwrap_or("nothing");
        show::print(&format!("{title}: {}: {} becomes {}", text(change, "path"), side("was"), side("wanted")));
    }
    warn(&format!("{title}: "), list(one, "warnings"));
}

/// The validated files of `export_dashboards`: names and contents.
struct Exported {
    files: Vec<(String, String)>,
    provider: String,
    missing: Vec<String>,
}

async fn exported(plug: &PlugHandle, args: &FilesArgs) -> Result<Exported, CommandError> {
    let mut ctx = args.chosen.fields()?;
    if !args.uids.is_empty() {
        ctx.insert("uids".into(), args.uids.as_slice().into());
    }
    let result = ask(plug, "export_dashboards", ctx).await?;
    warn("", list(&result, "warnings"));
    let mut files = Vec::new();
    for file in list(&result, "files") {
        let name = text(file, "path");
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        // The sandboxed plug must not choose the folder, so its file names are validated.
        if !plain || name.starts_with('.') || name.len() > MAX_NAME_LEN || !name.ends_with(".json") {
            return Err(Error::Plug {
                problem: format!("the dashboard {name:?} has no valid .json file name and was not written"),
            }
            .into());
        }
        files.push((name.to_owned(), text(file, "content").to_owned()));
    }
    let missing = list(&result, "missing").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(Exported { files, provider: text(&result, "provider").to_owned(), missing })
}

impl Exported {
    /// Reports the dashboards that are missing in Grafana. Returns whether all were found.
    fn report_missing(&self) -> bool {
        for uid in &self.missing {
            show::note(&format!("Grafana has no dashboard with the uid {uid}"));
        }
        self.missing.is_empty()
    }
}

fn write(folder: &Path, name: &str, content: &str) -> Result<PathBuf, CommandError> {
    let path = folder.join(name);
    let problem = |error: std::io::Error| CommandError::unwritable(path.clone(), &error);
    fs::create_dir_all(folder).map_err(problem)?;
    fs::write(&path, content).map_err(problem)?;
    Ok(path)
}

async fn export(args: ExportArgs) -> Result<bool, CommandError> {
    let exported = exported(&args.plug.start().await?, &args.files).await?;
    for (name, content) in &exported.files {
        show::print(&write(&args.files.out, name, content)?.display().to_string());
    }
    let provider = write(&args.files.out, "provider.yaml", &exported.provider)?;
    show::print(&format!(
        "{}: copy it to Grafana's provisioning/dashboards and set its path to the folder of the .json files",
        provider.display()
    ));
    Ok(exported.report_missing())
}

async fn draw(args: PreviewArgs) -> Result<bool, CommandError> {
    let plug = args.plug.start().await?;
    let exported = exported(&plug, &args.files).await?;
    let config = args.plug.config()?;
    let configured = setting(config, "scrape_interval").map(|text| {
        text.parse::<PrometheusDuration>()
            .map_err(|problem| CommandError::settings("scrape_interval", problem.to_string()))
    });
    let configured = configured.transpose()?;
    let mut view = View {
        range: args.range.map(PrometheusDuration::get),
        width: args.width,
        variables: args.variables,
        ..View::default()
    };
    if let Some(interval) = args.scrape_interval.or(configured) {
        view.scrape_interval = interval.get();
    }
    let mut success = exported.report_missing();
    for (index, (name, content)) in exported.files.iter().enumerate() {
        let problem = |error: serde_json::Error| Error::Answer { problem: format!("{name}: {error}") };
        let dashboard: Value = serde_json::from_str(content).map_err(problem)?;
        let working = show::Spinner::start(format!("drawing {name}, {} of {}", index + 1, exported.files.len()));
        let picture = preview::draw(&plug, &dashboard, &view).await;
        drop(working);
        let picture = picture?;
        let stem = name.strip_suffix(".json").unwrap_or(name);
        let path = write(&args.files.out, &format!("{stem}.svg"), &picture.svg)?;
        show::print(&format!(
            "{}: {}, {} panels with data",
            path.display(),
            text(&dashboard, "title"),
            picture.with_data
        ));
        for title in &picture.without_data {
            show::print(&format!("  no data: {title}"));
        }
        for problem in &picture.problems {
            show::note(&format!("  {problem}"));
        }
        success &= picture.problems.is_empty();
    }
    Ok(success)
}
