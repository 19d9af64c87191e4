//! `serve`: keeps the plug alive behind HTTP.

use clap::Args;
use http::uri::Authority;
use plugpipe_harness::{Error, serve as server};
use serde_json::Value;
use tokio::net::TcpListener;

use super::PlugArgs;
use super::run::flush;

/// Keep the plug alive behind HTTP: GET /metrics, POST /process, GET /sd, GET /healthz
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    plugpipe-harness serve\n  \
    curl -s -d '{\"ctx\": {\"metric_name\": \"temperature_celsius\", \"metric_value\": 21.5}}' http://127.0.0.1:8080/process\n  \
    curl -s http://127.0.0.1:8080/metrics")]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    listen: String,
    /// The address that GET /sd tells Prometheus to scrape; without it, the one that the request names
    #[arg(long, value_name = "HOST:PORT", value_parser = server::read_address)]
    advertise: Option<Authority>,
    #[command(flatten)]
    pub(crate) plug: PlugArgs,
}

pub(crate) async fn serve(args: ServeArgs) -> Result<bool, Error> {
    let plug = args.plug.start().await?;
    let problem = |error: std::io::Error| Error::Listen { address: args.listen.clone(), problem: error.to_string() };
    let listener = TcpListener::bind(&args.listen).await.map_err(problem)?;
    let address = listener.local_addr().map_err(problem)?;
    eprintln!("listening on http://{address}: GET /metrics, POST /process, GET /sd, GET /healthz; stop with Ctrl-C");
    let advertised = server::Advertised { address: args.advertise.clone(), instance: instance(&args.plug.config()?) };
    server::serve_as(listener, plug.clone(), advertised, asked_to_stop()).await.map_err(problem)?;
    flush(&plug).await;
    Ok(true)
}

/// The instance that the configuration names.
fn instance(config: &Value) -> Option<String> {
    let named = ["/prometheus_config/instance", "/instance"].iter().find_map(|path| config.pointer(path)?.as_str());
    named.filter(|instance| !instance.trim().is_empty()).map(str::to_owned)
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
    // Without a handler there is nothing to wait for; the system's own way to end a process is left.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
