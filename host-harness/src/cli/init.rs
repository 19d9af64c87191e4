//! `init`: files to begin with. Never writes over one that is there.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use plugpipe_harness::CommandError;

use super::show;

const CONFIG: &str = r#"# What the plug monitoring_prometheus is told: plugpipe-harness run pipe.yaml --config config.yaml --state state
#
# Take the # away from what you have. Without --grants, the servers that are named here are granted: the plug may send requests to
# their origins (scheme, host, port), and nowhere else.

prometheus_config:
  # Where metrics are pushed after each record. Without it they stay with the plug: for /metrics of `plugpipe-harness serve`, in a --state folder, or in a --textfile.
  #gateway_url: "http://127.0.0.1:9091"

  # Where PromQL is asked: plugpipe-harness query up --config config.yaml
  #prometheus_url: "http://127.0.0.1:9090"

  # Where dashboards are brought to.
  #grafana_url: "http://127.0.0.1:3000"

  # Names the group of pushes. Two plugs need different groups: give each an instance, or another job.
  job_name: "my-pipes"
  # ${NAME} is replaced from the environment, for names that are granted with --env HOSTNAME.
  #instance: "${HOSTNAME}"

  # Credentials belong into the environment, not into this file: grant their names with --env. Better still, let the host add them, as
  # in grants.yaml: then the plug never has them.
  #prometheus_auth:
  #  type: bearer
  #  token: "${PROMETHEUS_TOKEN}"
"#;

const GRANTS: &str = r#"# What the plug may reach: plugpipe-harness run pipe.yaml --config config.yaml --grants grants.yaml --state state
#
# With this file the configuration grants nothing by itself: what is not here is refused before any connection is made, and the refusal
# says what was asked for. Take the # away from what you need. docs/grants.md has every key.

# Scheme, host and port. A path grants itself and what is below it; methods and a credential go with one of them.
origins:
  - http://127.0.0.1:9091
  #- http://127.0.0.1:9090
  #- url: https://prometheus.example/prometheus
  #  methods: [GET, POST]
  #  credential: prometheus

# A name that leads to this machine or a private network is refused unless its address is granted too.
#addresses: [loopback, 10.1.0.0/16]

# Names for ${NAME} in the configuration.
#env: [HOSTNAME]

# Secrets that the host adds to requests, and the plug never sees: from the environment, a file, or what a command says.
#credentials:
#  prometheus: {bearer: {env: PROMETHEUS_TOKEN}}

#limits: {memory: 64MiB, call: 30s, response: 8MiB, requests_per_minute: 600}
"#;

const PIPE: &str = r#"# A first pipe: plugpipe-harness run pipe.yaml --state state --input region=eu
name: first-pipe

inputs:
  region: "us"

steps:
  # Counters add up over steps, and over runs with --state. Without it each run begins at 0, and replaces what the last one pushed.
  - name: count
    plugin: monitoring_prometheus
    config:
      operation: record_counter
      metric_name: first_pipe_runs_total
      metric_value: 1
      labels:
        # A value from the pipe's inputs. Prometheus's own braces, as in {{ $value }}, pass through.
        region: "{{ inputs.region }}"

  - name: duration
    plugin: monitoring_prometheus
    # What came before may have failed; this runs all the same.
    always_run: true
    config:
      operation: record_histogram
      metric_name: first_pipe_duration_seconds
      metric_value: "{{ pipeline.duration_seconds }}"
"#;

/// Write a commented configuration, grants and a first pipe
///
/// A file that is there is never written over: then nothing is written.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  plugpipe-harness init\n  plugpipe-harness init my-pipes && plugpipe-harness run my-pipes/pipe.yaml --config my-pipes/config.yaml --grants my-pipes/grants.yaml --state my-pipes/state"
)]
pub(crate) struct InitArgs {
    /// Where; made if need be
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

pub(crate) fn init(args: &InitArgs) -> Result<bool, CommandError> {
    let files = [("config.yaml", CONFIG), ("grants.yaml", GRANTS), ("pipe.yaml", PIPE)]
        .map(|(name, text)| (args.folder.join(name), text));
    if let Some((path, _)) = files.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(there_already(path));
    }
    fs::create_dir_all(&args.folder).map_err(|error| CommandError::unwritable(&args.folder, error))?;
    for (path, text) in &files {
        write_new(path, text)?;
        show::print(&format!("wrote {}", path.display()));
    }
    let [config, grants, pipe] = files.map(|(path, _)| path.display().to_string());
    let state = args.folder.join("state").display().to_string();
    show::print(&format!("\nNext: plugpipe-harness run {pipe} --config {config} --grants {grants} --state {state}"));
    Ok(true)
}

/// Refuses also what came into being since it was looked for.
fn write_new(path: &Path, text: &str) -> Result<(), CommandError> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => there_already(path),
        _ => CommandError::unwritable(path, error),
    })?;
    file.write_all(text.as_bytes()).map_err(|error| CommandError::unwritable(path, error))
}

fn there_already(path: &Path) -> CommandError {
    let problem = "it is there already and stays as it is; nothing was written: name another folder, or move it away";
    CommandError::unwritable(path, problem)
}
