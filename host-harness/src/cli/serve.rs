//! `serve`: keeps the plug alive behind HTTP.

use std::path::PathBuf;

use clap::Args;
use http::uri::Authority;
use plugpipe_harness::{CommandError, serve as server, settings};
use tokio::net::TcpListener;

use super::ending::Ending;
use super::plug_args::PlugArgs;
use super::show;

/// Keep the plug alive behind HTTP: a page at /, GET /metrics, POST /process, GET /sd, GET /healthz
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    plugpipe-harness serve\n  \
    curl -s -d '{\"ctx\": {\"metric_name\": \"temperature_celsius\", \"metric_value\": 21.5}}' http://127.0.0.1:8080/process\n  \
    curl -s http://127.0.0.1:8080/metrics\n  \
    plugpipe-harness serve --listen 0.0.0.0:8080 --token-file token.txt --allow-host plug.example")]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one. An address that other machines can reach needs a
    /// token
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    listen: String,
    /// The address that GET /sd tells Prometheus to scrape; without it, the one that the request
    /// names
    #[arg(long, value_name = "HOST:PORT", value_parser = server::read_address)]
    advertise: Option<Authority>,
    /// Ask for the token in this file, as Authorization: Bearer TOKEN, with every request but GET
    /// /healthz
    #[arg(long, value_name = "FILE", conflicts_with = "token_env")]
    token_file: Option<PathBuf>,
    /// Ask for the token that the environment has under this name
    #[arg(long, value_name = "NAME")]
    token_env: Option<String>,
    /// Answer requests to this name too; loopback's, the address itself and the advertised one are
    /// answered anyway
    #[arg(long = "allow-host", value_name = "NAME")]
    hosts: Vec<server::HostName>,
    #[command(flatten)]
    pub(crate) plug: PlugArgs,
}

impl ServeArgs {
    fn options(&self) -> Result<server::Options, CommandError> {
        let from_file = self.token_file.as_deref().map(|path| ("--token-file", server::Token::from_file(path)));
        let from_env = self.token_env.as_deref().map(|name| ("--token-env", server::Token::from_env(name)));
        let token = from_file.or(from_env).map(|(option, token)| token.map_err(|problem| wrong(option, problem)));
        Ok(server::Options {
            advertised: server::Advertised {
                address: self.advertise.clone(),
                instance: settings::text_of(self.plug.config()?, "instance"),
            },
            token: token.transpose()?,
            hosts: self.hosts.clone(),
            ..server::Options::default()
        })
    }
}

fn wrong(option: &str, problem: String) -> CommandError {
    CommandError::settings(option.to_owned(), problem)
}

pub(crate) async fn serve(args: ServeArgs) -> Result<bool, CommandError> {
    let problem =
        |error: std::io::Error| CommandError::Listen { address: args.listen.clone(), problem: error.to_string() };
    let options = args.options()?;
    let listener = TcpListener::bind(&args.listen).await.map_err(problem)?;
    let address = listener.local_addr().map_err(problem)?;
    // Said before a plug is started for nothing.
    let advised =
        |problem| wrong("--listen", format!("{problem}; give a token with --token-file FILE or --token-env NAME"));
    options.check(address).map_err(advised)?;
    let plug = args.plug.start().await?;
    let asks = if options.token.is_some() { "; asks for the token" } else { "" };
    show::note(&format!(
        "listening on http://{address}: GET /, GET /metrics, POST /process, GET /sd, GET /healthz{asks}; stop with Ctrl-C"
    ));
    server::serve_with(listener, plug.clone(), options, asked_to_stop()).await.map_err(problem)?;
    let ending = Ending { state: args.plug.state.as_deref(), ..Ending::default() };
    ending.of(&plug).await
}

/// Ready at Ctrl-C, and on Unix at SIGTERM.
async fn asked_to_stop() {
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
    // Without a handler there is nothing to wait for; the system's own way to end a process is
    // left.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
