//! `serve`: serves the plug over HTTP.

use std::path::PathBuf;

use clap::Args;
use http::uri::Authority;
use plugpipe_harness::{CommandError, serve as server};
use tokio::net::TcpListener;

use super::ending::Ending;
use super::plug_args::{PlugArgs, setting};
use super::show;
use super::stop_signal::StopSignal;

/// Serve the plug over HTTP: a web UI at /, GET /metrics, POST /process, GET /sd, GET /healthz, GET
/// /readyz
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
        Ok(server::Options {
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
    /// Binds every address, and checks before the plug starts that the options suit it. Also the
    /// addresses as URLs.
    async fn listeners(&self, options: &server::Options) -> Result<(server::Listeners, Vec<String>), CommandError> {
        let (mut tcp, mut urls) = (Vec::new(), Vec::new());
        for address in &self.listen_addresses {
            let problem = |error: std::io::Error| cannot_listen(address, &error);
            let listener = TcpListener::bind(address).await.map_err(problem)?;
            let bound = listener.local_addr().map_err(problem)?;
            options.check(bound).map_err(|problem| {
                invalid_option(ADDRESS, format!("{problem} with --token-file FILE or --token-env NAME"))
            })?;
            urls.push(format!("http://{bound}"));
            tcp.push(listener);
        }
        #[cfg(unix)]
        let bind = |path: &PathBuf| {
            server::UnixSocket::bind(path).map_err(|error| CommandError::Listen {
                option: "--listen-unix",
                address: path.display().to_string(),
                problem: error.to_string(),
            })
        };
        let listeners = server::Listeners {
            tcp,
            #[cfg(unix)]
            unix: self.listen_unix.iter().map(bind).collect::<Result<_, _>>()?,
        };
        Ok((listeners, urls))
    }
}

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
    let plug = args.plug.start().await?;
    let schedule = args.plug.schedule()?;
    if let Some(schedule) = schedule {
        schedule.check(&plug.describe().sinks).map_err(|problem| args.plug.in_config(problem))?;
    }
    let mut stop = StopSignal::listen();
    let token_note = if options.token.is_some() { "; token required" } else { "" };
    show::note(&format!(
        "listening on {}: GET /, GET /metrics, POST /process, GET /sd, GET /healthz, GET /readyz{token_note}; stop with Ctrl-C",
        urls.join(" and ")
    ));
    let deliveries = schedule.map(|schedule| schedule.start(&plug));
    let stopping = async move {
        stop.received().await;
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
