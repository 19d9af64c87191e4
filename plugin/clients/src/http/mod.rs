//! Requests, responses and deadlines, over any [`Transport`]. The protocols of the servers are in
//! [`crate::servers`].
//!
//! The component's transport is `wasi:http` (`wasi`); tests bring their own.

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

/// The server of a request: for error messages, and to name the setting to correct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The kind of server, for example `Pushgateway`.
    pub server: &'static str,
    /// The setting that holds its URL, for example `gateway_url`.
    pub setting: &'static str,
}

/// Sends the requests of one plug call within its deadlines; honors circuit breakers.
pub struct Client<'a> {
    /// Sends requests and provides the clock.
    pub transport: &'a mut dyn Transport,
    /// Circuit breakers, by origin.
    pub circuits: &'a mut Circuits,
    /// For each request of the call.
    pub limits: Limits,
    /// Whether requests are sent even if the circuit is open: for operations that somebody is
    /// waiting for.
    pub bypass_breaker: bool,
    /// How often a failed request is retried, all within [`Limits::total`].
    pub retry: Retry,
    /// The credentials to add to requests.
    pub credentials: &'a Credentials,
    /// Attempts and time of the call so far; updated.
    pub exchange: &'a mut Exchange,
    /// Randomizes retry delays.
    pub jitter: &'a mut Jitter,
}

impl Client<'_> {
    /// Sends one request and returns the response, whatever its status. Errors mean that there was
    /// no response.
    pub fn send(&mut self, peer: Peer, request: Request) -> Result<Response, Error> {
        let mut responses = self.send_all(vec![(peer, request)]);
        responses
            .pop()
            .unwrap_or_else(|| Err(no_response(peer, "", Failure::Protocol("the transport gave no result".into()))))
    }

    /// Sends several requests concurrently and returns their responses in the same order. Transient
    /// failures of repeatable requests are retried; the deadline of [`Client::limits`] covers all
    /// attempts.
    pub fn send_all(&mut self, requests: Vec<(Peer, Request)>) -> Vec<Result<Response, Error>> {
        let started = self.transport.monotonic();
        let deadline = started.saturating_add(self.limits.total);
        let mut in_flight: Vec<InFlight> = requests
            .into_iter()
            .map(|(peer, mut request)| {
                self.credentials.apply(peer.setting, &mut request);
                let origin = request.url.origin();
                let open_for = self.circuits.open_for(&origin, started).filter(|_| !self.bypass_breaker);
                let outcome = open_for.map(|left| Err(Failure::CircuitOpen { left }));
                InFlight { peer, request, origin, outcome }
            })
            .collect();
        for attempt in 1.. {
            if !self.attempt(&mut in_flight, deadline) {
                break;
            }
            let Some(delay) = self.delay(&in_flight, attempt, deadline) else { break };
            self.transport.sleep(delay);
            let now = self.transport.monotonic();
            let can_retry = |one: &&mut InFlight| {
                self.requested_delay(one).is_some_and(|wait| wait <= delay)
                    && self.circuits.open_for(&one.origin, now).is_none()
            };
            in_flight.iter_mut().filter(can_retry).for_each(|one| one.outcome = None);
        }
        self.exchange.elapsed += self.transport.monotonic().saturating_sub(started);
        in_flight
            .into_iter()
            .map(|InFlight { peer, request, origin, outcome }| match outcome {
                Some(Ok(mut response)) => {
                    self.credentials.redact(peer.setting, &request.url, &mut response);
                    Ok(response)
                }
                Some(Err(failure)) => Err(no_response(peer, &origin, failure)),
                None => Err(no_response(peer, &origin, Failure::Protocol("the transport gave no result".into()))),
            })
            .collect()
    }

    /// Sends the requests that have no outcome yet and stores their outcomes; false if there were
    /// none.
    fn attempt(&mut self, in_flight: &mut [InFlight], deadline: Duration) -> bool {
        let began = self.transport.monotonic();
        let left = deadline.saturating_sub(began);
        let limits = Limits { connect: self.limits.connect.min(left), total: left, ..self.limits };
        let to_send: Vec<&Request> =
            in_flight.iter().filter(|one| one.outcome.is_none()).map(|one| &one.request).collect();
        if to_send.is_empty() {
            return false;
        }
        self.exchange.attempts += 1;
        let mut sent = self.transport.send_all(&to_send, &limits).into_iter();
        let ended = self.transport.monotonic();
        for one in in_flight.iter_mut().filter(|one| one.outcome.is_none()) {
            let mut outcome =
                sent.next().unwrap_or_else(|| Err(Failure::Protocol("the transport gave no result".into())));
            match &mut outcome {
                Ok(_) => self.circuits.succeeded(&one.origin),
                Err(failure) => {
                    if failure.costs_time() {
                        self.circuits.failed(&one.origin, ended.saturating_sub(began), ended);
                    }
                    // Report the configured timeout, not what earlier attempts left of it.
                    if let Failure::Timeout { after } = failure
                        && *after == limits.total
                    {
                        *after = self.limits.total;
                    }
                }
            }
            one.outcome = Some(outcome);
        }
        true
    }

    /// How long to wait before the next attempt; `None` if there will be none.
    fn delay(&mut self, in_flight: &[InFlight], attempt: u32, deadline: Duration) -> Option<Duration> {
        if attempt >= self.retry.attempts {
            return None;
        }
        let now = self.transport.monotonic();
        let backoff = self.retry.backoff(attempt, self.jitter.number());
        let fits = |(one, wait): (&InFlight, Duration)| {
            let then = now.saturating_add(wait.max(backoff));
            let is_open = self.circuits.open_for(&one.origin, then).is_some();
            (then < deadline && !is_open).then_some(wait)
        };
        let longest =
            in_flight.iter().filter_map(|one| Some((one, self.requested_delay(one)?))).filter_map(fits).max()?;
        Some(longest.max(backoff))
    }

    /// The server's `Retry-After` (or zero) for a request that may be retried; `None` if it may not
    /// be.
    fn requested_delay(&self, one: &InFlight) -> Option<Duration> {
        let is_final = |outcome: &Result<Response, Failure>| outcome.as_ref().is_ok_and(one.request.is_final);
        let is_transient = |outcome: &&Result<Response, Failure>| retry::is_worth_it(outcome) && !is_final(outcome);
        let outcome = one.outcome.as_ref().filter(|_| one.request.repeatable).filter(is_transient)?;
        let retry_after = outcome.as_ref().ok().and_then(|response| retry_after(response, self.transport.unix_nanos()));
        Some(retry_after.unwrap_or_default())
    }
}

/// A request and its outcome so far.
struct InFlight {
    peer: Peer,
    request: Request,
    origin: String,
    outcome: Option<Result<Response, Failure>>,
}

fn no_response(peer: Peer, origin: &str, failure: Failure) -> Error {
    Error::Unanswered { server: peer.server, origin: origin.into(), setting: peer.setting, failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn an_origin_has_its_port_and_no_secret() {
        assert_eq!(url("http://u:p@Example.com/x?y").origin(), "http://example.com:80");
        assert_eq!(url("https://[::1]:9091").origin(), "https://[::1]:9091");
    }

    #[test]
    fn a_redacted_url_has_no_secret() {
        assert_eq!(redacted(&url("http://u:p@h:1/prom/?token=s#f")), "http://h:1/prom");
    }

    #[test]
    fn an_endpoint_keeps_the_base_path_and_escapes_segments() {
        let url = endpoint(
            &url("http://h:1/prom/?q"),
            ["metrics".into(), "job".into(), Segment::of("a b+c%?#é", "").unwrap()],
        );
        assert_eq!(url.to_string(), "http://h:1/prom/metrics/job/a%20b%2Bc%25%3F%23%C3%A9");
    }
}
