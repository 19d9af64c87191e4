//! Options of the server, including limits for clients.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::uri::Authority;

use super::host_name::HostName;
use super::token::Token;
use super::web_config::WebConfig;

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
    /// Enough for each request. If there is one, each request except `GET /healthz` and `GET
    /// /readyz` needs it, or a user's password.
    pub token: Option<Token>,
    /// Enough for `GET /metrics`, and for nothing else. Only with [`Options::token`] or users.
    pub metrics_token: Option<Token>,
    /// TLS, users, headers of responses and a rate limit.
    pub web: Option<WebConfig>,
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
            web: None,
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
    /// Checks that clients of a non-loopback address need a token, a user's password or a
    /// certificate.
    pub fn check(&self, address: SocketAddr) -> Result<(), String> {
        let has_users = self.web.as_ref().is_some_and(WebConfig::has_users);
        if self.metrics_token.is_some() && self.token.is_none() && !has_users {
            return Err("the token for GET /metrics leaves everything else open; set the other token too".into());
        }
        let authenticates = self.token.is_some() || self.web.as_ref().is_some_and(WebConfig::authenticates);
        if authenticates || address.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        Err(format!("other machines can reach {address}, so it needs a token; use a loopback address or set a token"))
    }

    /// What clients need, in words; none if nothing.
    pub fn requirement(&self) -> Option<&'static str> {
        let has_users = self.web.as_ref().is_some_and(WebConfig::has_users);
        match (self.token.is_some(), has_users) {
            (true, true) => Some("token or user required"),
            (true, false) => Some("token required"),
            (false, true) => Some("user required"),
            (false, false) => {
                self.web.as_ref().is_some_and(WebConfig::authenticates).then_some("client certificate required")
            }
        }
    }

    /// The scheme of the server's URLs.
    pub fn scheme(&self) -> &'static str {
        if self.web.as_ref().is_some_and(WebConfig::has_tls) { "https" } else { "http" }
    }
}

/// Parses a scrape address: `host:port`.
pub fn read_address(text: &str) -> Result<Authority, String> {
    let authority: Authority = text.parse().map_err(|error| format!("{error}; expected HOST:PORT"))?;
    let is_bare = !text.contains('@') && !authority.host().is_empty();
    let has_port = authority.port_u16().is_some_and(|port| port > 0);
    if is_bare && has_port { Ok(authority) } else { Err("expected HOST:PORT".into()) }
}
