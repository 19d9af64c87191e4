//! The server protocols, one file per server. No metric state; network access goes through
//! [`crate::http::Client`] only.

pub mod alertmanager;
pub mod discovery;
pub mod grafana;
pub mod otlp;
pub mod prometheus;
pub mod pushgateway;
pub mod remote_write;
pub mod ruler;
pub mod scrape;
pub mod webhook;

use crate::error::Error;
use crate::http::{Peer, Response, Url, auth, redacted};
use plugpipe_contract::error::excerpt;
use serde::Serialize;

/// The longest part of a response that an error repeats, in bytes.
const REPLY_BYTES: usize = 300;

/// The error for an error status. `todo` says what to do, or is empty.
fn refused(peer: Peer, url: &Url, response: &Response, todo: &str) -> Error {
    let reply = excerpt(&String::from_utf8_lossy(&response.body), REPLY_BYTES);
    Error::Refused {
        server: peer.server,
        origin: url.origin(),
        status: response.status,
        reply: if reply.is_empty() { "(no text)".into() } else { reply },
        todo: match (todo, response.status) {
            // The caller may know better what a 403 means.
            (todo, 403) if !todo.is_empty() => format!("; {todo}"),
            (_, 401 | 403) => {
                let setting = auth::setting_of(peer.setting).unwrap_or(peer.setting);
                format!("; give the credentials that {} asks for in {setting}", peer.server)
            }
            (_, 300..=399) => format!(
                "; the server redirects{}, which is not followed: set {} to the right URL",
                redirection(response).map(|to| format!(" to {to}")).unwrap_or_default(),
                peer.setting
            ),
            ("", 404) => format!("; check the path of {}", peer.setting),
            ("", _) => String::new(),
            (todo, _) => format!("; {todo}"),
        },
    }
}

/// The target of a redirect, without user, password and query.
fn redirection(response: &Response) -> Option<String> {
    let location = response.header("location")?;
    let to = match Url::parse(location) {
        Ok(url) => redacted(&url),
        // A path on the same server. Two slashes begin an authority, which may contain a password.
        Err(_) if location.starts_with('/') && !location.starts_with("//") => {
            location.split(['?', '#']).next().unwrap_or_default().to_owned()
        }
        Err(_) => return None,
    };
    Some(excerpt(&to, REPLY_BYTES))
}

/// A JSON body.
fn json(body: &impl Serialize) -> Vec<u8> {
    // Cannot fail: the output is memory, and all keys are strings.
    serde_json::to_vec(body).unwrap_or_default()
}

/// Whether a response is an HTML page, of a proxy or a login for example, whatever its status.
fn is_page(response: &Response) -> bool {
    response.header("content-type").is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_names_its_target_and_no_secret() {
        for (location, shown) in [
            ("https://u:secret@h:1/login?token=secret#secret", Some("https://h:1/login")),
            ("/login?token=secret", Some("/login")),
            ("//u:secret@h/x", None),
            ("u:secret@h", None),
            ("", None),
        ] {
            let response = Response { headers: vec![("location".into(), location.into())], ..Response::default() };
            assert_eq!(redirection(&response).as_deref(), shown, "{location}");
        }
        assert_eq!(redirection(&Response::default()), None);
    }
}
