//! Requests, answers and deadlines, over any [`Transport`]. Knows nothing of what is asked of whom: [`crate::servers`] does.
//!
//! In the component the transport is `wasi:http` (`wasi`); tests bring their own.

pub mod circuit;
pub mod gzip;
pub mod transport;
mod url;
#[cfg(target_arch = "wasm32")]
pub mod wasi;

use core::time::Duration;

pub use circuit::Circuits;
pub use transport::{Clock, Failure, Limits, Method, Request, Response, Transport};
pub use url::Url;

use crate::error::Error;

/// Who is spoken to: for error texts, and for the setting to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The kind of server, for example `Pushgateway`.
    pub server: &'static str,
    /// The setting that names it, for example `gateway_url`.
    pub setting: &'static str,
}

/// Sends requests for one call of the plug: keeps its deadlines, and lets a server that just cost time rest.
pub struct Client<'a> {
    /// What carries the bytes, and tells the time.
    pub transport: &'a mut dyn Transport,
    /// What is known of each origin's recent failures.
    pub circuits: &'a mut Circuits,
    /// For each request of this call.
    pub limits: Limits,
    /// Whether an origin that is resting is asked all the same: for operations that somebody waits for.
    pub insist: bool,
}

impl Client<'_> {
    /// Sends one request and returns the answer, whatever its status. Fails only where no answer came.
    pub fn send(&mut self, peer: Peer, request: Request) -> Result<Response, Error> {
        let mut answers = self.send_all(vec![(peer, request)]);
        answers
            .pop()
            .unwrap_or_else(|| Err(unanswered(peer, "", Failure::Protocol("the transport gave no result".into()))))
    }

    /// Sends several requests side by side, and returns their answers in the same order.
    pub fn send_all(&mut self, requests: Vec<(Peer, Request)>) -> Vec<Result<Response, Error>> {
        let started = self.transport.monotonic();
        let resting: Vec<Option<Duration>> = requests
            .iter()
            .map(|(_, request)| self.circuits.rest_left(&request.url.origin(), started).filter(|_| !self.insist))
            .collect();
        let to_send: Vec<&Request> =
            requests.iter().zip(&resting).filter(|(_, rest)| rest.is_none()).map(|((_, request), _)| request).collect();
        let mut sent = self.transport.send_all(&to_send, &self.limits).into_iter();
        let ended = self.transport.monotonic();

        requests
            .iter()
            .zip(resting)
            .map(|((peer, request), rest)| {
                let origin = request.url.origin();
                if let Some(left) = rest {
                    return Err(unanswered(*peer, &origin, Failure::Resting { left }));
                }
                let result =
                    sent.next().unwrap_or_else(|| Err(Failure::Protocol("the transport gave no result".into())));
                match &result {
                    Ok(_) => self.circuits.succeeded(&origin),
                    Err(failure) if failure.costs_time() => {
                        self.circuits.failed(&origin, ended.saturating_sub(started), ended);
                    }
                    Err(_) => {}
                }
                result.map_err(|failure| unanswered(*peer, &origin, failure))
            })
            .collect()
    }
}

fn unanswered(peer: Peer, origin: &str, failure: Failure) -> Error {
    Error::Unanswered { server: peer.server, origin: origin.into(), setting: peer.setting, failure }
}

/// A URL as it may be shown: without user, password and query.
pub fn shown(url: &Url) -> String {
    url.clone().without_credentials().with_query(None).to_string().trim_end_matches('/').to_owned()
}

/// `base` with path segments put after its own path, each percent-encoded: `http://h/prom/` and `["api", "v1"]` give
/// `http://h/prom/api/v1`. The query of the base is dropped.
pub fn endpoint<'s>(base: &Url, segments: impl IntoIterator<Item = &'s str>) -> Url {
    let mut url = base.clone().with_query(None);
    segments.into_iter().for_each(|segment| url.push_segment(segment));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn an_origin_says_its_port_and_no_secret() {
        assert_eq!(url("http://u:p@Example.com/x?y").origin(), "http://example.com:80");
        assert_eq!(url("https://[::1]:9091").origin(), "https://[::1]:9091");
    }

    #[test]
    fn a_shown_url_holds_no_secret() {
        assert_eq!(shown(&url("http://u:p@h:1/prom/?token=s#f")), "http://h:1/prom");
    }

    #[test]
    fn an_endpoint_keeps_the_base_path_and_escapes_segments() {
        let made = endpoint(&url("http://h:1/prom/?q"), ["metrics", "job", "a b+c%?#é"]);
        assert_eq!(made.to_string(), "http://h:1/prom/metrics/job/a%20b+c%25%3F%23%C3%A9");
    }
}
