//! The conversations with servers, one file per kind. Keeps no metric state; reaches the network through
//! [`crate::http::Client`] only.

pub mod grafana;
pub mod otlp;
pub mod prometheus;
pub mod pushgateway;
pub mod remote_write;

use crate::error::{Error, excerpt};
use crate::http::{Peer, Response, Url};

/// Longest part of a server's reply that an error repeats, in bytes.
const REPLY_BYTES: usize = 300;

/// The error for an answer whose status says no. `todo` is what to do about it, or empty.
fn refused(peer: Peer, url: &Url, response: &Response, todo: &str) -> Error {
    let reply = excerpt(&String::from_utf8_lossy(&response.body), REPLY_BYTES);
    Error::Refused {
        server: peer.server,
        origin: url.origin(),
        status: response.status,
        reply: if reply.is_empty() { "(no text)".into() } else { reply },
        todo: match (todo, response.status) {
            ("", 401 | 403) => format!("; give the credentials that {} asks for", peer.server),
            ("", 300..=399) => format!("; the server redirects: put the right URL into {}", peer.setting),
            ("", 404) => format!("; check the path of {}", peer.setting),
            ("", _) => String::new(),
            (todo, _) => format!("; {todo}"),
        },
    }
}
