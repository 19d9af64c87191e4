//! `dashboards`: the plug's templates and dashboards in files, brought to Grafana by plan and
//! apply, written as files, or drawn.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use comfy_table::Table;
use plugpipe_harness::preview::{self, View};
use plugpipe_harness::{CommandError, Error, PlugHandle, settings};
use plugpipe_time::PrometheusDuration;
use serde_json::{Map, Value, json};

use super::plug_args::{PlugArgs, read};
use super::show;

/// Longest name of a file that is written.
const MAX_NAME_LEN: usize = 200;

/// Bring dashboards to Grafana, write them as files, or draw them with live data
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
    /// Say what apply would do; writes nothing
    Plan(BringArgs),
    /// Create or update what is not in Grafana as it should be
    Apply(BringArgs),
    /// Write files that Grafana's provisioning reads, and the provider that reads them
    Export(ExportArgs),
    /// Draw dashboards as SVG, with live data from Prometheus
    Preview(PreviewArgs),
}

/// Which dashboards. Without any, all templates.
#[derive(Args)]
struct Chosen {
    /// Dashboards: JSON files
    #[arg(value_name = "FILE.json")]
    files: Vec<PathBuf>,
    /// One of the plug's templates, such as pipe_overview; or all
    #[arg(long = "template", value_name = "NAME")]
    templates: Vec<String>,
    /// What the metrics of templates begin with
    #[arg(long)]
    prefix: Option<String>,
    /// The data source that dashboards begin with, by uid or name
    #[arg(long)]
    datasource: Option<String>,
    /// The folder's title; for nested folders several times, the outermost first
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
struct BringArgs {
    #[command(flatten)]
    chosen: Chosen,
    /// Also replace what somebody else made or changed
    #[arg(long)]
    overwrite: bool,
    /// Read and compare each dashboard, also where its fingerprint is the right one
    #[arg(long)]
    verify: bool,
    /// Say what differs
    #[arg(long)]
    diff: bool,
    /// For the dashboards' history in Grafana
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Write the whole answer as JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    plug: PlugArgs,
}

/// Which files are written where.
#[derive(Args)]
struct FilesArgs {
    #[command(flatten)]
    chosen: Chosen,
    /// Dashboards as Grafana holds them, instead
    #[arg(long = "uid", value_name = "UID", conflicts_with_all = ["files", "templates"])]
    uids: Vec<String>,
    /// The folder to write to; made where it is missing
    #[arg(long, value_name = "DIR")]
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
    /// How much time is shown, up to now; without it the dashboard's own
    #[arg(long, value_name = "DURATION")]
    range: Option<PrometheusDuration>,
    /// How often targets are scraped; without it the configuration's scrape_interval, or 15s
    #[arg(long, value_name = "DURATION")]
    scrape_interval: Option<PrometheusDuration>,
    /// A variable's value, such as job=plugpipe; for several values several times
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = super::run::key_value)]
    variables: Vec<(String, String)>,
    /// Pixels from left to right
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
        Action::Plan(args) => bring(args, "plan_dashboards").await,
        Action::Apply(args) => bring(args, "apply_dashboards").await,
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

/// The result of an operation.
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

/// Warnings, each after the name of what it is about.
fn warn(about: &str, warnings: &[Value]) {
    for warning in warnings.iter().filter_map(Value::as_str) {
        show::note(&format!("{about}{warning}"));
    }
}

async fn bring(args: BringArgs, operation: &str) -> Result<bool, CommandError> {
    let mut ctx = args.chosen.fields()?;
    for (name, flag) in [("overwrite", args.overwrite), ("verify", args.verify), ("diff", args.diff)] {
        ctx.insert(name.into(), flag.into());
    }
    if let Some(message) = args.message {
        ctx.insert("message".into(), message.into());
    }
    let plug = args.plug.start().await?;
    let working = show::Working::on(match operation {
        "apply_dashboards" => "bringing the dashboards to Grafana",
        _ => "asking Grafana what it holds",
    });
    let result = ask(&plug, operation, ctx).await;
    drop(working);
    let result = result?;
    if args.json {
        show::print_json(&result);
    } else {
        show::print(&table(&result).to_string());
        for one in list(&result, "dashboards") {
            tell(one);
        }
    }
    let bad = ["conflict", "failed", "not_tried"].iter();
    // A mock tries nothing, and says so.
    Ok(result.get("mock").is_some() || bad.map(|name| result.get(name)).all(|count| count == Some(&json!(0))))
}

fn table(result: &Value) -> Table {
    let mut table = show::table(["dashboard", "uid", "action", "where"]);
    for one in list(result, "dashboards") {
        table.add_row([text(one, "title"), text(one, "uid"), text(one, "action"), text(one, "url")]);
    }
    table
}

/// What does not fit into a table.
fn tell(one: &Value) {
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

/// The files of `export_dashboards`, checked: names and texts.
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
        // The sandboxed plug names the file; where it is written is for the host to say.
        if !plain || name.starts_with('.') || name.len() > MAX_NAME_LEN || !name.ends_with(".json") {
            return Err(Error::Plug {
                problem: format!("the dashboard {name:?} has no plain name of a .json file; it is not written"),
            }
            .into());
        }
        files.push((name.to_owned(), text(file, "content").to_owned()));
    }
    let missing = list(&result, "missing").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(Exported { files, provider: text(&result, "provider").to_owned(), missing })
}

impl Exported {
    /// Says which dashboards Grafana does not have; whether it has all.
    fn complete(&self) -> bool {
        for uid in &self.missing {
            show::note(&format!("Grafana holds no dashboard with the uid {uid}"));
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
        "{}: put it into Grafana's provisioning/dashboards, with the folder of the .json files as its path",
        provider.display()
    ));
    Ok(exported.complete())
}

async fn draw(args: PreviewArgs) -> Result<bool, CommandError> {
    let plug = args.plug.start().await?;
    let exported = exported(&plug, &args.files).await?;
    let config = args.plug.config()?;
    let configured = settings::text_of(config, "scrape_interval").map(|text| {
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
    let mut well = exported.complete();
    for (index, (name, content)) in exported.files.iter().enumerate() {
        let problem = |error: serde_json::Error| Error::Answer { problem: format!("{name}: {error}") };
        let dashboard: Value = serde_json::from_str(content).map_err(problem)?;
        let working = show::Working::on(format!("drawing {name}, {} of {}", index + 1, exported.files.len()));
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
        well &= picture.problems.is_empty();
    }
    Ok(well)
}
