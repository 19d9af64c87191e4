//! Grafana's HTTP API. So far its health only.

use crate::http::{Method, Peer, Request, Url, endpoint};

/// For errors.
pub const PEER: Peer = Peer { server: "Grafana", setting: "grafana_url" };

/// `GET /api/health`: 200 when Grafana and its database are well. Needs no credentials.
pub fn health_request(base: &Url) -> Request {
    Request::new(Method::Get, endpoint(base, ["api", "health"]))
}
