//! `serve`: serves the plug over HTTP.

use std::path::{Path, PathBuf};

use clap::Args;
use http::uri::Authority;
use plugpipe_harness::{CommandError, Error, PlugHandle, delivery, serve as server};
use tokio::net::TcpListener;

use super::ending::Ending;
use super::plug_args::{PlugArgs, setting};
use super::service_manager;
use super::show;
use super::stop_signal::StopSignal;

/// Serve the plug over HTTP: a web UI at /, GET /metrics, POST /process, GET /sd, GET /healthz, GET
/// /readyz
///
/// It exposes the plug's metrics about itself, plugpipe_monitoring_*, unless the configuration has
/// `own_metrics: false`.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    plugpipe-harness serve\n  \
    curl -s -d '{\"ctx\": {\"metric_name\": \"temperature_celsius\", \"metric_value\": 21.5}}' http://127.0.0.1:8080/process\n  \
    curl -s http://127.0.0.1:8080/metrics\n  \
    plugpipe-harness serve --web.listen-address 0.0.0.0:8080 --token-file token.txt --allow-host plug.example")]
pub(crate) struct ServeArgs {
    /// An address to listen on, more than once for several; port 0 selects a free port. An address
    /// that other machines can reach needs a token
    #[arg(long = "web.listen-address", value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    listen_addresses: Vec<String>,
    /// Listen on this Unix socket too, for processes of the same user; more than once for several
    #[cfg(unix)]
    #[arg(long, value_name = "PATH")]
    listen_unix: Vec<PathBuf>,
    /// Listen on the sockets that systemd passes (LISTEN_FDS) instead of addresses
    #[cfg(unix)]
    #[arg(long = "web.systemd-socket", conflicts_with = "listen_addresses")]
    systemd_socket: bool,
    /// The scrape address that GET /sd returns; default: the request's Host
    #[arg(long, value_name = "HOST:PORT", value_parser = server::read_address)]
    advertise: Option<Authority>,
    /// Require the token in this file, as Authorization: Bearer TOKEN, for every request except GET
    /// /healthz and GET /readyz
    #[arg(long, value_name = "FILE", conflicts_with = "token_env")]
    token_file: Option<PathBuf>,
    /// Require the token in this environment variable
    #[arg(long, value_name = "NAME")]
    token_env: Option<String>,
    /// Accept the token in this file too, for GET /metrics only; give it to Prometheus
    #[arg(long, value_name = "FILE", conflicts_with = "metrics_token_env")]
    metrics_token_file: Option<PathBuf>,
    /// Accept the token in this environment variable too, for GET /metrics only
    #[arg(long, value_name = "NAME")]
    metrics_token_env: Option<String>,
    /// TLS, users, headers of responses and a rate limit, in the format of Prometheus' exporters
    /// (docs/serve.md has the keys); reloaded when it changes
    #[arg(long = "web.config.file", value_name = "FILE")]
    web_config_file: Option<PathBuf>,
    /// Accept requests to this host name too, in addition to loopback names, the local address and
    /// the advertised one
    #[arg(long = "allow-host", value_name = "NAME")]
    hosts: Vec<server::HostName>,
    #[command(flatten)]
    pub(crate) plug: PlugArgs,
}

impl ServeArgs {
    fn options(&self) -> Result<server::Options, CommandError> {
        let read = |option: [&str; 2], file: Option<&PathBuf>, variable: Option<&String>| {
            let [by_file, by_env] = option;
            let from_file = file.map(|path| (by_file, server::Token::from_file(path)));
            let from_env = variable.map(|name| (by_env, server::Token::from_env(name)));
            let token = from_file.or(from_env);
            token.map(|(option, token)| token.map_err(|problem| invalid_option(option, problem))).transpose()
        };
        let token = read(["--token-file", "--token-env"], self.token_file.as_ref(), self.token_env.as_ref())?;
        let options = ["--metrics-token-file", "--metrics-token-env"];
        let metrics_token = read(options, self.metrics_token_file.as_ref(), self.metrics_token_env.as_ref())?;
        let web = self.web_config_file.as_deref().map(server::WebConfig::from_file).transpose();
        Ok(server::Options {
            web: web.map_err(|problem| invalid_option("--web.config.file", problem))?,
            advertised: server::Advertised {
                address: self.advertise.clone(),
                instance: setting(self.plug.config()?, "instance"),
            },
            token,
            metrics_token,
            hosts: self.hosts.clone(),
            ..server::Options::default()
        })
    }
}

impl ServeArgs {
    /// Binds every address, or takes the sockets of systemd, and checks before the plug starts that
    /// the options suit them. Also the addresses as URLs.
    async fn listeners(&self, options: &server::Options) -> Result<(server::Listeners, Vec<String>), CommandError> {
        #[cfg(unix)]
        let (mut listeners, passed) = self.passed()?;
        #[cfg(not(unix))]
        let (mut listeners, passed) = (server::Listeners { tcp: Vec::new() }, None);
        if passed.is_none() {
            for address in &self.listen_addresses {
                let problem = |error: std::io::Error| cannot_listen(address, &error);
                listeners.tcp.push(TcpListener::bind(address).await.map_err(problem)?);
            }
        }
        let mut urls = Vec::new();
        for listener in &listeners.tcp {
            let bound = listener.local_addr().map_err(|error| cannot_listen("a socket", &error))?;
            options.check(bound).map_err(|problem| {
                let ways = "with --token-file FILE or --token-env NAME, or users or client certificates with --web.config.file";
                invalid_option(ADDRESS, format!("{problem} {ways}"))
            })?;
            urls.push(format!("{}://{bound}", options.scheme()));
        }
        #[cfg(unix)]
        for path in &self.listen_unix {
            let bound = server::UnixSocket::bind(path).map_err(|error| CommandError::Listen {
                option: "--listen-unix",
                address: path.display().to_string(),
                problem: error.to_string(),
            })?;
            listeners.unix.push(bound);
        }
        urls.extend(passed.map(|names: Vec<String>| format!("the sockets of systemd: {}", names.join(", "))));
        Ok((listeners, urls))
    }

    /// The sockets of systemd, and their names if they are asked for.
    #[cfg(unix)]
    fn passed(&self) -> Result<(server::Listeners, Option<Vec<String>>), CommandError> {
        let none = server::Listeners { tcp: Vec::new(), unix: Vec::new() };
        if !self.systemd_socket {
            let pid = std::env::var("LISTEN_PID").ok().and_then(|pid| pid.parse().ok());
            if pid == Some(std::process::id()) {
                show::note(&format!("warning: LISTEN_FDS: sockets from systemd are not used without {SYSTEMD}"));
            }
            return Ok((none, None));
        }
        let (listeners, names) =
            server::Listeners::from_systemd().map_err(|problem| invalid_option(SYSTEMD, problem))?;
        if names.is_empty() {
            let problem = "systemd passed no socket (LISTEN_FDS, LISTEN_PID); start the service by its .socket unit";
            return Err(invalid_option(SYSTEMD, problem.into()));
        }
        Ok((listeners, Some(names)))
    }
}

/// The option for sockets of systemd.
#[cfg(unix)]
const SYSTEMD: &str = "--web.systemd-socket";

/// The option for addresses.
const ADDRESS: &str = "--web.listen-address";

fn cannot_listen(address: &str, error: &std::io::Error) -> CommandError {
    CommandError::Listen { option: ADDRESS, address: address.to_owned(), problem: error.to_string() }
}

fn invalid_option(option: &str, problem: String) -> CommandError {
    CommandError::settings(option.to_owned(), problem)
}

pub(crate) async fn serve(args: ServeArgs) -> Result<bool, CommandError> {
    let options = args.options()?;
    let (listeners, urls) = args.listeners(&options).await?;
    let plug = args.plug.start_with_own_metrics().await?;
    let schedule = args.plug.schedule()?;
    if let Some(schedule) = schedule {
        schedule.check(&plug.describe().sinks).map_err(|problem| args.plug.in_config(problem))?;
    }
    if let Some(folder) = &args.plug.state {
        note_restored(&plug, folder).await?;
    }
    let mut stop = StopSignal::listen();
    let requirement = options.requirement().map(|requirement| format!("; {requirement}")).unwrap_or_default();
    show::note(&format!(
        "listening on {}: GET /, GET /metrics, POST /process, GET /sd, GET /healthz, GET /readyz{requirement}; stop with Ctrl-C",
        urls.join(" and ")
    ));
    service_manager::ready();
    let deliveries = schedule.map(|schedule| schedule.start(&plug));
    let stopping = async move {
        stop.received().await;
        service_manager::stopping();
        show::note("stopping: pending requests are answered, then unsent values are delivered");
    };
    server::serve_with(listeners, plug.clone(), options, stopping)
        .await
        .map_err(|error| cannot_listen(&args.listen_addresses.join(", "), &error))?;
    drop(deliveries);
    let ending = Ending {
        state: args.plug.state.as_deref(),
        within: schedule.map(|schedule| schedule.stop_within),
        announce: true,
        ..Ending::default()
    };
    ending.of(&plug).await
}

/// Says what a state folder held.
async fn note_restored(plug: &PlugHandle, folder: &Path) -> Result<(), CommandError> {
    // Every plug answers a delivery to no sink at once, and says what is unsent.
    let unsent = plug.deliver("").await?.unsent;
    let amount = match delivery::series(plug).await {
        Ok(series) => delivery::Amount::Series(series),
        Err(Error::NotExported { .. }) => delivery::Amount::Values(unsent),
        Err(error) => return Err(error.into()),
    };
    let (folder, pending) =
        (folder.display(), if unsent > 0 { format!("; {unsent} are not delivered yet") } else { String::new() });
    show::note(&match amount {
        delivery::Amount::Series(0) | delivery::Amount::Values(0) => {
            format!("started: {folder} has no values of an earlier run")
        }
        amount => format!("started: {amount} {} restored from {folder}{pending}", amount.verb("was", "were")),
    });
    Ok(())
}
