//! Options of the server, including limits for clients.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::uri::Authority;

use super::host_name::HostName;
use super::token::Token;

/// Whether the process lives.
pub(super) const HEALTH: &str = "/healthz";

/// Whether the plug answers.
pub(super) const READY: &str = "/readyz";

/// The path for which the token for reading is enough.
pub(super) const METRICS: &str = "/metrics";

/// Whether this is a path for probes of orchestrators, which know neither the server's names nor
/// its token. They expose no metrics.
pub(super) fn is_probe(path: &str) -> bool {
    path == HEALTH || path == READY
}

/// The target that `GET /sd` returns.
#[derive(Debug, Clone, Default)]
pub struct Advertised {
    /// The address to scrape; by default the request's `Host`.
    pub address: Option<Authority>,
    /// The label `instance`; by default Prometheus uses the address.
    pub instance: Option<String>,
}

/// Options for [`serve_with`](super::serve_with).
#[derive(Debug, Clone)]
pub struct Options {
    /// The target that `GET /sd` returns.
    pub advertised: Advertised,
    /// Required for each request except `GET /healthz` and `GET /readyz`. A non-loopback address
    /// needs one.
    pub token: Option<Token>,
    /// Enough for `GET /metrics`, and for nothing else. Only with [`Options::token`].
    pub metrics_token: Option<Token>,
    /// Allowed `Host` names, in addition to loopback names, the local address, and the advertised
    /// one.
    pub hosts: Vec<HostName>,
    /// Maximum size of a request body.
    pub body_bytes: usize,
    /// Timeout for receiving request headers, from the start of the connection or the last
    /// response.
    pub header_time: Duration,
    /// Timeout for receiving a request body.
    pub body_time: Duration,
    /// Timeout for a client that does not read the response.
    pub write_time: Duration,
    /// Maximum number of connections. A few more are accepted for `GET /healthz` and `GET /readyz`;
    /// other requests on them get status 503.
    pub connections: usize,
    /// Maximum number of connections per client address.
    pub connections_per_peer: usize,
    /// How long pending requests may take during shutdown. The plug completes the calls that it has
    /// started even after that.
    pub stop_time: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            advertised: Advertised::default(),
            token: None,
            metrics_token: None,
            hosts: Vec::new(),
            body_bytes: 4 * 1024 * 1024,
            header_time: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            write_time: Duration::from_secs(30),
            connections: 512,
            connections_per_peer: 256,
            stop_time: Duration::from_secs(5),
        }
    }
}

impl Options {
    /// Checks that a non-loopback address has a token.
    pub fn check(&self, address: SocketAddr) -> Result<(), String> {
        if self.metrics_token.is_some() && self.token.is_none() {
            return Err("the token for GET /metrics leaves everything else open; set the other token too".into());
        }
        if self.token.is_some() || address.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        Err(format!("other machines can reach {address}, so it needs a token; use a loopback address or set a token"))
    }
}

/// Parses a scrape address: `host:port`.
pub fn read_address(text: &str) -> Result<Authority, String> {
    let authority: Authority = text.parse().map_err(|error| format!("{error}; expected HOST:PORT"))?;
    let is_bare = !text.contains('@') && !authority.host().is_empty();
    let has_port = authority.port_u16().is_some_and(|port| port > 0);
    if is_bare && has_port { Ok(authority) } else { Err("expected HOST:PORT".into()) }
}
