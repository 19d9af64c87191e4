//! Options of a server, and the limits of its callers.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::uri::Authority;

use super::host_name::HostName;
use super::token::Token;

/// The path that asks for no token: who starts and stops servers asks it, and it tells nothing of
/// what was recorded.
pub(super) const HEALTH: &str = "/healthz";

/// What `GET /sd` says of this plug.
#[derive(Debug, Clone, Default)]
pub struct Advertised {
    /// Where Prometheus should scrape; none for the `Host` that a request names.
    pub address: Option<Authority>,
    /// The label `instance`; none leaves it to Prometheus, which takes the address.
    pub instance: Option<String>,
}

/// How a plug is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// What `GET /sd` says.
    pub advertised: Advertised,
    /// Asked for with each request but `GET /healthz`. An address that is not loopback needs one.
    pub token: Option<Token>,
    /// Names that requests may have as `Host`, besides loopback's, the address they came to, and
    /// the advertised one.
    pub hosts: Vec<HostName>,
    /// The longest body of a request.
    pub body_bytes: usize,
    /// How long a connection may take from its start, or from the last answer, until the next
    /// request's headers are there.
    pub header_time: Duration,
    /// How long a request's body may take.
    pub body_time: Duration,
    /// How long a client may take no byte of a response before its connection is closed.
    pub write_time: Duration,
    /// Connections at once. On a few further ones `GET /healthz` is answered, and everything else
    /// with 503.
    pub connections: usize,
    /// Connections at once from one address.
    pub connections_per_peer: usize,
    /// How long requests under way may take once the server is to stop. What the plug has taken by
    /// then it does all the same.
    pub stop_time: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            advertised: Advertised::default(),
            token: None,
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
    /// Whether a plug may be served so at this address. The error says what to do.
    pub fn check(&self, address: SocketAddr) -> Result<(), String> {
        if self.token.is_some() || address.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        Err(format!("other machines can reach {address}, so it needs a token, or must be a loopback address"))
    }
}

/// Reads an address that Prometheus can scrape: `host:port`. The error says what was expected.
pub fn read_address(text: &str) -> Result<Authority, String> {
    let authority: Authority = text.parse().map_err(|error| format!("{error}; expected HOST:PORT"))?;
    let is_bare = !text.contains('@') && !authority.host().is_empty();
    // A port that is no number is none.
    let has_port = authority.port_u16().is_some_and(|port| port > 0);
    if is_bare && has_port { Ok(authority) } else { Err("expected HOST:PORT".into()) }
}
