//! `serve`: serves the plug over HTTP.

use std::path::PathBuf;

use clap::Args;
use http::uri::Authority;
use plugpipe_harness::{CommandError, serve as server};
use tokio::net::TcpListener;

use super::ending::Ending;
use super::plug_args::{PlugArgs, setting};
use super::show;

/// Serve the plug over HTTP: a web UI at /, GET /metrics, POST /process, GET /sd, GET /healthz
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    plugpipe-harness serve\n  \
    curl -s -d '{\"ctx\": {\"metric_name\": \"temperature_celsius\", \"metric_value\": 21.5}}' http://127.0.0.1:8080/process\n  \
    curl -s http://127.0.0.1:8080/metrics\n  \
    plugpipe-harness serve --listen 0.0.0.0:8080 --token-file token.txt --allow-host plug.example")]
pub(crate) struct ServeArgs {
    /// The address to listen on; port 0 selects a free port. An address that other machines can
    /// reach needs a token
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Listen on this Unix socket too, for processes of the same user
    #[cfg(unix)]
    #[arg(long, value_name = "PATH")]
    listen_unix: Option<PathBuf>,
    /// The scrape address that GET /sd returns; default: the request's Host
    #[arg(long, value_name = "HOST:PORT", value_parser = server::read_address)]
    advertise: Option<Authority>,
    /// Require the token in this file, as Authorization: Bearer TOKEN, for every request except GET
    /// /healthz
    #[arg(long, value_name = "FILE", conflicts_with = "token_env")]
    token_file: Option<PathBuf>,
    /// Require the token in this environment variable
    #[arg(long, value_name = "NAME")]
    token_env: Option<String>,
    /// Accept requests to this host name too, in addition to loopback names, the local address and
    /// the advertised one
    #[arg(long = "allow-host", value_name = "NAME")]
    hosts: Vec<server::HostName>,
    #[command(flatten)]
    pub(crate) plug: PlugArgs,
}

impl ServeArgs {
    fn options(&self) -> Result<server::Options, CommandError> {
        let from_file = self.token_file.as_deref().map(|path| ("--token-file", server::Token::from_file(path)));
        let from_env = self.token_env.as_deref().map(|name| ("--token-env", server::Token::from_env(name)));
        let token =
            from_file.or(from_env).map(|(option, token)| token.map_err(|problem| invalid_option(option, problem)));
        Ok(server::Options {
            advertised: server::Advertised {
                address: self.advertise.clone(),
                instance: setting(self.plug.config()?, "instance"),
            },
            token: token.transpose()?,
            hosts: self.hosts.clone(),
            ..server::Options::default()
        })
    }
}

fn invalid_option(option: &str, problem: String) -> CommandError {
    CommandError::settings(option.to_owned(), problem)
}

pub(crate) async fn serve(args: ServeArgs) -> Result<bool, CommandError> {
    let problem = |error: std::io::Error| CommandError::Listen {
        option: "--listen",
        address: args.listen.clone(),
        problem: error.to_string(),
    };
    let options = args.options()?;
    let listener = TcpListener::bind(&args.listen).await.map_err(problem)?;
    let address = listener.local_addr().map_err(problem)?;
    // Check before starting the plug.
    let advised = |problem| invalid_option("--listen", format!("{problem} with --token-file FILE or --token-env NAME"));
    options.check(address).map_err(advised)?;
    #[cfg(unix)]
    let listeners = {
        let bind = |path: &PathBuf| {
            server::UnixSocket::bind(path).map_err(|error| CommandError::Listen {
                option: "--listen-unix",
                address: path.display().to_string(),
                problem: error.to_string(),
            })
        };
        server::Listeners { tcp: listener, unix: args.listen_unix.as_ref().map(bind).transpose()? }
    };
    #[cfg(not(unix))]
    let listeners = listener;
    let plug = args.plug.start().await?;
    let schedule = args.plug.schedule()?;
    if let Some(schedule) = schedule {
        schedule.check(&plug.describe().sinks).map_err(|problem| args.plug.in_config(problem))?;
    }
    let token_note = if options.token.is_some() { "; token required" } else { "" };
    show::note(&format!(
        "listening on http://{address}: GET /, GET /metrics, POST /process, GET /sd, GET /healthz{token_note}; stop with Ctrl-C"
    ));
    let deliveries = schedule.map(|schedule| schedule.start(&plug));
    server::serve_with(listeners, plug.clone(), options, stop_signal()).await.map_err(problem)?;
    drop(deliveries);
    let ending = Ending {
        state: args.plug.state.as_deref(),
        within: schedule.map(|schedule| schedule.stop_within),
        ..Ending::default()
    };
    ending.of(&plug).await
}

/// Completes on Ctrl-C, and on Unix on SIGTERM.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Without a handler, the system's default action ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
