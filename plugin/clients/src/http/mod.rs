//! Requests, answers and deadlines, over any [`Transport`]. Knows nothing of what is asked of whom:
//! [`crate::servers`] does.
//!
//! In the component the transport is `wasi:http` (`wasi`); tests bring their own.

pub mod auth;
pub mod circuit;
mod failure;
pub mod gzip;
pub mod retry;
mod secret;
pub mod transport;

use core::time::Duration;

pub use auth::{CarriedCredentials, Credentials};
pub use circuit::Circuits;
pub use failure::Failure;
pub use plugpipe_contract::segment::Segment;
pub use plugpipe_contract::url::{Url, endpoint, redacted};
use retry::retry_after;
pub use retry::{Exchange, Jitter, Retry};
pub use transport::{Clock, Limits, Method, Request, Response, Transport};

use crate::error::Error;

/// Who is spoken to: for error texts, and for the setting to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The kind of server, for example `Pushgateway`.
    pub server: &'static str,
    /// The setting that names it, for example `gateway_url`.
    pub setting: &'static str,
}

/// Sends requests for one call of the plug: keeps its deadlines, and lets a server that just cost
/// time rest.
pub struct Client<'a> {
    /// What carries the bytes, and tells the time.
    pub transport: &'a mut dyn Transport,
    /// What is known of each origin's recent failures.
    pub circuits: &'a mut Circuits,
    /// For each request of this call.
    pub limits: Limits,
    /// Whether an origin that is resting is asked all the same: for operations that somebody waits
    /// for.
    pub bypass_breaker: bool,
    /// How often a request that fails is sent again, all within [`Limits::total`].
    pub retry: Retry,
    /// What each server is sent beside the request.
    pub credentials: &'a Credentials,
    /// What was exchanged so far: added to.
    pub exchange: &'a mut Exchange,
    /// For the lengths of waits.
    pub jitter: &'a mut Jitter,
}

impl Client<'_> {
    /// Sends one request and returns the answer, whatever its status. Fails only where no answer
    /// came.
    pub fn send(&mut self, peer: Peer, request: Request) -> Result<Response, Error> {
        let mut answers = self.send_all(vec![(peer, request)]);
        answers
            .pop()
            .unwrap_or_else(|| Err(unanswered(peer, "", Failure::Protocol("the transport gave no result".into()))))
    }

    /// Sends several requests side by side, and returns their answers in the same order. Those that
    /// fail in a way that may pass, and may be repeated, are sent again; the time that
    /// [`Client::limits`] give holds for all attempts together.
    pub fn send_all(&mut self, requests: Vec<(Peer, Request)>) -> Vec<Result<Response, Error>> {
        let started = self.transport.monotonic();
        let deadline = started.saturating_add(self.limits.total);
        let mut asked: Vec<Asked> = requests
            .into_iter()
            .map(|(peer, mut request)| {
                self.credentials.apply(peer.setting, &mut request);
                let origin = request.url.origin();
                let resting = self.circuits.open_for(&origin, started).filter(|_| !self.bypass_breaker);
                let outcome = resting.map(|left| Err(Failure::CircuitOpen { left }));
                Asked { peer, request, origin, outcome }
            })
            .collect();
        for attempt in 1.. {
            if !self.attempt(&mut asked, deadline) {
                break;
            }
            let Some(delay) = self.delay(&asked, attempt, deadline) else { break };
            self.transport.sleep(delay);
            let now = self.transport.monotonic();
            let again = |asked: &&mut Asked| {
                self.wait(asked).is_some_and(|wait| wait <= delay)
                    && self.circuits.open_for(&asked.origin, now).is_none()
            };
            asked.iter_mut().filter(again).for_each(|asked| asked.outcome = None);
        }
        self.exchange.elapsed += self.transport.monotonic().saturating_sub(started);
        asked
            .into_iter()
            .map(|Asked { peer, request, origin, outcome }| match outcome {
                Some(Ok(mut response)) => {
                    self.credentials.redact(peer.setting, &request.url, &mut response);
                    Ok(response)
                }
                Some(Err(failure)) => Err(unanswered(peer, &origin, failure)),
                None => Err(unanswered(peer, &origin, Failure::Protocol("the transport gave no result".into()))),
            })
            .collect()
    }

    /// Sends what has no outcome yet, and notes what came of it; false if there is nothing to send.
    fn attempt(&mut self, asked: &mut [Asked], deadline: Duration) -> bool {
        let began = self.transport.monotonic();
        let left = deadline.saturating_sub(began);
        let limits = Limits { connect: self.limits.connect.min(left), total: left, ..self.limits };
        let to_send: Vec<&Request> =
            asked.iter().filter(|asked| asked.outcome.is_none()).map(|asked| &asked.request).collect();
        if to_send.is_empty() {
            return false;
        }
        self.exchange.attempts += 1;
        let mut sent = self.transport.send_all(&to_send, &limits).into_iter();
        let ended = self.transport.monotonic();
        for asked in asked.iter_mut().filter(|asked| asked.outcome.is_none()) {
            let mut outcome =
                sent.next().unwrap_or_else(|| Err(Failure::Protocol("the transport gave no result".into())));
            match &mut outcome {
                Ok(_) => self.circuits.succeeded(&asked.origin),
                Err(failure) => {
                    if failure.costs_time() {
                        self.circuits.failed(&asked.origin, ended.saturating_sub(began), ended);
                    }
                    // The time that somebody set, not what earlier attempts left of it.
                    if let Failure::Timeout { after } = failure
                        && *after == limits.total
                    {
                        *after = self.limits.total;
                    }
                }
            }
            asked.outcome = Some(outcome);
        }
        true
    }

    /// How long to wait before the next attempt; none if there is none to make.
    fn delay(&mut self, asked: &[Asked], attempt: u32, deadline: Duration) -> Option<Duration> {
        if attempt >= self.retry.attempts {
            return None;
        }
        let now = self.transport.monotonic();
        let backoff = self.retry.backoff(attempt, self.jitter.number());
        let fits = |(asked, wait): (&Asked, Duration)| {
            let then = now.saturating_add(wait.max(backoff));
            let rests = self.circuits.open_for(&asked.origin, then).is_some();
            (then < deadline && !rests).then_some(wait)
        };
        let longest = asked.iter().filter_map(|asked| Some((asked, self.wait(asked)?))).filter_map(fits).max()?;
        Some(longest.max(backoff))
    }

    /// How long the server of a request that may be sent again asks to be left alone; none if it
    /// may not.
    fn wait(&self, asked: &Asked) -> Option<Duration> {
        let is_final = |outcome: &Result<Response, Failure>| outcome.as_ref().is_ok_and(asked.request.is_final);
        let may_pass = |outcome: &&Result<Response, Failure>| retry::is_worth_it(outcome) && !is_final(outcome);
        let outcome = asked.outcome.as_ref().filter(|_| asked.request.repeatable).filter(may_pass)?;
        let asked_for = outcome.as_ref().ok().and_then(|response| retry_after(response, self.transport.unix_nanos()));
        Some(asked_for.unwrap_or_default())
    }
}

/// A request on its way.
struct Asked {
    peer: Peer,
    request: Request,
    origin: String,
    outcome: Option<Result<Response, Failure>>,
}

fn unanswered(peer: Peer, origin: &str, failure: Failure) -> Error {
    Error::Unanswered { server: peer.server, origin: origin.into(), setting: peer.setting, failure }
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
        assert_eq!(redacted(&url("http://u:p@h:1/prom/?token=s#f")), "http://h:1/prom");
    }

    #[test]
    fn an_endpoint_keeps_the_base_path_and_escapes_segments() {
        let made = endpoint(
            &url("http://h:1/prom/?q"),
            ["metrics".into(), "job".into(), Segment::of("a b+c%?#é", "").unwrap()],
        );
        assert_eq!(made.to_string(), "http://h:1/prom/metrics/job/a%20b%2Bc%25%3F%23%C3%A9");
    }
}
