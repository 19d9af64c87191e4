//! `demo`: runs the monitored pipeline of the plug's specification with the embedded component.
//!
//! Without other programs installed, it ends by printing the exposition. With `--stack`, it pushes
//! to a real Pushgateway, which a real Prometheus scrapes, and queries Prometheus through the plug.
//! With `--keep`, it runs these servers for commands in other terminals, as docs/tutorial.md does.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};
use plugpipe_harness::pipe::{self, Pipe, PipeReport};
use plugpipe_harness::session::Format;
use plugpipe_harness::{CommandError, Grants, Limits, PlugHandle, embedded};
use plugpipe_testkit::{
    Program, PrometheusOptions, PushgatewayOptions, Running, ScrapeConfig, ScrapeJob, Servers, start_prometheus,
    start_pushgateway,
};
use serde_json::{Map, Value, json};

use super::ending::Ending;
use super::init::write_files;
use super::inspect::{granted, reach};
use super::pipe_file::Caller;
use super::plugs;
use super::run::print_table;
use super::show::{self, Progress};
use super::stop_signal::StopSignal;

/// The pipe from the specification.
const PIPE: &str = include_str!("../../../examples/pipes/basic_pipe_monitoring.yaml");

/// The file that a step of it reads.
const INPUT: &str = include_str!("../../../examples/pipes/input.json");

/// Prometheus' first scrape happens some seconds after its start, regardless of the interval.
const PATIENCE: Duration = Duration::from_secs(30);

/// Demonstrate a pipe that records metrics with the sandboxed component
///
/// Without --stack, nothing else is needed. With it, a Pushgateway and a Prometheus run on loopback
/// until the demo ends.
#[derive(Args, Default)]
pub(crate) struct DemoArgs {
    /// Push to a real Pushgateway, and query a real Prometheus
    #[arg(long)]
    stack: bool,
    /// With --stack: fetch missing servers from Debian's packages, without installing them
    #[arg(long, requires = "stack")]
    fetch: bool,
    /// With --stack: run only the servers, until Ctrl-C, with DIR/config.yaml that names them, and
    /// DIR/rules for Prometheus's rule files
    #[arg(long, requires = "stack", value_name = "DIR", value_hint = ValueHint::DirPath)]
    keep: Option<PathBuf>,
}

pub(crate) async fn demo(args: DemoArgs) -> Result<bool, CommandError> {
    match &args.keep {
        Some(folder) => keep_servers(args.fetch, folder).await,
        None if args.stack => with_servers(args.fetch).await,
        None => alone().await,
    }
}

async fn alone() -> Result<bool, CommandError> {
    let plug = embedded()?;
    let grants = Grants::none();
    let handle = plug.start(&json!({}), grants.clone(), Limits::default()).await?;
    show::print("A pipe records metrics with the Prometheus monitoring plug, a sandboxed WebAssembly component.\n");
    let report = run_pipe(&handle).await?;
    show::print("\nThe exposition, as scraped or pushed:\n");
    show::print(&exposition(&handle).await?);
    show::print("The capabilities of the sandbox:\n");
    show::print(&reach(&plug));
    show::print(&granted(&grants));
    show::print("\nNext: `demo --stack` uses real servers, `--help` lists the commands, examples/ has pipes.");
    Ending::default().of(&handle).await?;
    Ok(report.success)
}

/// Runs the servers for commands in other terminals.
async fn keep_servers(fetch: bool, folder: &Path) -> Result<bool, CommandError> {
    let rules = folder.join("rules");
    std::fs::create_dir_all(&rules).map_err(|error| CommandError::unwritable(&rules, error))?;
    let rules = std::path::absolute(&rules).map_err(|error| CommandError::unwritable(&rules, error))?;
    let mut stop = StopSignal::listen();
    let (gateway, prometheus) = servers(fetch, Some(rules)).await?;
    let file = folder.join("config.yaml");
    let config = format!(
        "# The servers of `plugpipe-harness demo --stack --keep`, which removes this file when it ends.\n\
         prometheus_config:\n  gateway_url: \"{}\"\n  prometheus_url: \"{}\"\n  job_name: \"demo\"\n",
        gateway.url, prometheus.url
    );
    write_files(&[(file.clone(), config)])?;
    show::print(&format!(
        "\nPushgateway at {}, Prometheus at {}, running until Ctrl-C.\n\
         Next, in another terminal: plugpipe-harness call health_check --config {}",
        gateway.url,
        prometheus.url,
        file.display()
    ));
    stop.received().await;
    std::fs::remove_file(&file).map_err(|error| CommandError::unwritable(&file, error))?;
    Ok(true)
}

/// Starts the servers. Prometheus evaluates the rule files in `rules`.
async fn servers(fetch: bool, rules: Option<PathBuf>) -> Result<(Running, Running), CommandError> {
    let servers = Servers::from_env_or(".servers");
    // Starting servers blocks.
    tokio::task::spawn_blocking(move || start_servers(&servers, fetch, rules.as_deref()))
        .await
        .map_err(|error| CommandError::Failed(format!("cannot start the servers: {error}")))?
}

async fn with_servers(fetch: bool) -> Result<bool, CommandError> {
    let (gateway, prometheus) = servers(fetch, None).await?;
    let config = json!({"prometheus_config": {
        "gateway_url": gateway.url, "prometheus_url": prometheus.url, "job_name": "plugpipe-demo",
    }});
    let plug = embedded()?;
    let grants = Grants::named_by(&config, &plug.describe().await?.servers);
    let handle = plug.start(&config, grants.clone(), Limits::default()).await?;
    show::print(&format!(
        "Pushgateway at {}, Prometheus at {}, running until the demo ends.\n",
        gateway.url, prometheus.url
    ));
    let report = run_pipe(&handle).await?;
    show::print(&format!("\n{}", granted(&grants)));
    show::print("\nWaiting for Prometheus to scrape the gateway …");
    let queries =
        ["plugpipe_pipeline_starts_total", "histogram_quantile(0.95, plugpipe_pipeline_duration_seconds_bucket)"];
    for query in queries {
        show::print(&format!("\n{query}"));
        for (labels, value) in query_until_found(&handle, query).await? {
            show::print(&format!("  {labels} {value}"));
        }
    }
    Ending::default().of(&handle).await?;
    Ok(report.success)
}

fn start_servers(servers: &Servers, fetch: bool, rules: Option<&Path>) -> Result<(Running, Running), CommandError> {
    let find = |program: Program| {
        if fetch {
            return servers.find_or_fetch(program).map_err(CommandError::from);
        }
        servers.find(program).ok_or_else(|| {
            CommandError::Failed(format!(
                "{program} is neither in {} nor on PATH: {}; or let `demo --stack --fetch` get it",
                servers.folder().display(),
                program.how_to_get()
            ))
        })
    };
    let gateway = start_pushgateway(&find(Program::Pushgateway)?, &PushgatewayOptions::default())?;
    let mut scrape = ScrapeConfig::every(Duration::from_secs(1))
        .job(ScrapeJob::new("pushgateway", gateway.authority()).honor_labels());
    if let Some(rules) = rules {
        scrape = scrape.rule_file(rules.join("*.yml"));
    }
    // The flag allows the plug to have Prometheus load rule files.
    let options = PrometheusOptions::scraping(&scrape).flag("--web.enable-lifecycle");
    let prometheus = start_prometheus(&find(Program::Prometheus)?, &options)?;
    Ok((gateway, prometheus))
}

async fn run_pipe(handle: &PlugHandle) -> Result<PipeReport, CommandError> {
    let pipe = Pipe::from_yaml(PIPE)?;
    let further = vec![plugs::start_example(handle).await?];
    let caller = Caller::with_file(handle.clone(), further, "input.json", INPUT);
    let report = pipe::run(&pipe, Map::new(), &caller, &mut Progress::on_terminal()).await?;
    print_table(&report);
    Ok(report)
}

async fn exposition(handle: &PlugHandle) -> Result<String, CommandError> {
    let text = handle.with(|session| Box::pin(session.encode(Format::Text))).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Repeats an instant query until it returns samples. Returns labels and values.
async fn query_until_found(handle: &PlugHandle, query: &str) -> Result<Vec<(String, String)>, CommandError> {
    let started = Instant::now();
    loop {
        let ctx = json!({"operation": "query_metrics", "query": query});
        let answer = handle.process(ctx.to_string(), "").await?;
        if let Some(problem) = answer.error {
            return Err(CommandError::Failed(format!("the query failed: {}", problem.message)));
        }
        let result = show::result(&answer.body);
        match result.pointer("/query_result/result").and_then(Value::as_array) {
            Some(samples) if !samples.is_empty() => {
                return Ok(samples
                    .iter()
                    .map(|sample| {
                        let value = sample.pointer("/value/1").and_then(Value::as_str).unwrap_or_default();
                        (sample.get("metric").map(Value::to_string).unwrap_or_default(), value.to_owned())
                    })
                    .collect());
            }
            _ if started.elapsed() > PATIENCE => {
                return Err(CommandError::Failed(format!(
                    "Prometheus returned no samples for {query} within {} s",
                    PATIENCE.as_secs()
                )));
            }
            _ => tokio::time::sleep(Duration::from_millis(300)).await,
        }
    }
}
