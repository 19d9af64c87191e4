//! `init`: writes starter files. Never overwrites a file.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use plugpipe_harness::CommandError;

use super::show;

const CONFIG: &str = r#"# The configuration of the plug monitoring_prometheus: plugpipe-harness run pipe.yaml --config config.yaml --state state
#
# Uncomment what you need. Without --grants, the servers in this file are granted: the plug may send requests to
# their origins (scheme, host, port) and nowhere else.

prometheus_config:
  # Metrics are pushed here after each record. Without it they stay in the plug: for /metrics of `plugpipe-harness serve`, in a --state folder, or in a --textfile.
  #gateway_url: "http://127.0.0.1:9091"

  # The server for PromQL queries: plugpipe-harness query up --config config.yaml
  #prometheus_url: "http://127.0.0.1:9090"

  # The server for dashboards.
  #grafana_url: "http://127.0.0.1:3000"

  # The group of pushes. Two plugs need different groups: set an instance or a different job for each.
  job_name: "my-pipes"
  # ${NAME} is replaced from the environment if the name is granted, as in --env HOSTNAME.
  #instance: "${HOSTNAME}"

  # Pass credentials through the environment and grant their names with --env. Better still, let the host add them, as
  # in grants.yaml: then the plug never sees them.
  #prometheus_auth:
  #  type: bearer
  #  token: "${PROMETHEUS_TOKEN}"
"#;

const GRANTS: &str = r#"# The egress policy of the plug: plugpipe-harness run pipe.yaml --config config.yaml --grants grants.yaml --state state
#
# With this file the configuration grants nothing by itself: requests to other origins are denied before connecting, and the error
# names the missing grant. Uncomment what you need. docs/grants.md lists all keys.

# Scheme, host and port. A path grants itself and everything below it. Methods and a credential apply to one origin.
origins:
  - http://127.0.0.1:9091
  #- http://127.0.0.1:9090
  #- url: https://prometheus.example/prometheus
  #  methods: [GET, POST]
  #  credential: prometheus

# A name that resolves to this machine or a private network is denied unless its address is granted too.
#addresses: [loopback, 10.1.0.0/16]

# Environment variables for ${NAME} in the configuration.
#env: [HOSTNAME]

# Secrets that the host adds to requests and the plug never sees: from the environment, a file, or the output of a command.
#credentials:
#  prometheus: {bearer: {env: PROMETHEUS_TOKEN}}

#limits: {memory: 64MiB, call: 30s, response: 8MiB, requests_per_minute: 600}
"#;

const PIPE: &str = r#"# A first pipe: plugpipe-harness run pipe.yaml --state state --input region=eu
name: first-pipe

inputs:
  region: "us"

steps:
  # Counters accumulate over steps, and over runs with --state. Without it each run starts at 0 and replaces the values of the last push.
  - name: count
    plugin: monitoring_prometheus
    config:
      operation: record_counter
      metric_name: first_pipe_runs_total
      metric_value: 1
      labels:
        # A value from the pipe's inputs. Prometheus templates, such as {{ $value }}, are left unchanged.
        region: "{{ inputs.region }}"

  - name: duration
    plugin: monitoring_prometheus
    # Runs even if an earlier step failed.
    always_run: true
    config:
      operation: record_histogram
      metric_name: first_pipe_duration_seconds
      metric_value: "{{ pipeline.duration_seconds }}"
"#;

/// Write a commented configuration, grants and a first pipe
///
/// If one of the files exists, nothing is written.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  plugpipe-harness init\n  plugpipe-harness init my-pipes && plugpipe-harness run my-pipes/pipe.yaml --config my-pipes/config.yaml --grants my-pipes/grants.yaml --state my-pipes/state"
)]
pub(crate) struct InitArgs {
    /// The folder; created if missing
    #[arg(value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    folder: PathBuf,
}

pub(crate) fn init(args: &InitArgs) -> Result<bool, CommandError> {
    let files = [("config.yaml", CONFIG), ("grants.yaml", GRANTS), ("pipe.yaml", PIPE)]
        .map(|(name, text)| (args.folder.join(name), text));
    write_files(&files)?;
    let [config, grants, pipe] = files.map(|(path, _)| path.display().to_string());
    let state = args.folder.join("state").display().to_string();
    show::print(&format!("\nNext: plugpipe-harness run {pipe} --config {config} --grants {grants} --state {state}"));
    Ok(true)
}

/// Writes files with their folders; none if one exists.
pub(super) fn write_files(files: &[(PathBuf, impl AsRef<str>)]) -> Result<(), CommandError> {
    if let Some((path, _)) = files.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(already_exists(path));
    }
    for (path, text) in files {
        let folder = path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder).map_err(|error| CommandError::unwritable(folder, error))?;
        write_new(path, text.as_ref())?;
        show::print(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// Also fails if the file was created since the check.
fn write_new(path: &Path, text: &str) -> Result<(), CommandError> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => already_exists(path),
        _ => CommandError::unwritable(path, error),
    })?;
    file.write_all(text.as_bytes()).map_err(|error| CommandError::unwritable(path, error))
}

fn already_exists(path: &Path) -> CommandError {
    let problem = "file exists; choose another folder or move the file away";
    CommandError::unwritable(path, problem)
}
