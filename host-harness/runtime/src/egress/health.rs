//! Says in the log when a server that a plug talks to stops answering, and when it answers again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use tracing::{debug, info, warn};

use super::failure::Failure;
use crate::grants::Origin;
use crate::printable::counted;

/// A server that was unhealthy this short a time ago is so again only once it has failed for
/// [`PERSISTS`], so that one which fails now and then does not fill the log.
const RECENTLY: Duration = Duration::from_secs(60);
const PERSISTS: Duration = Duration::from_secs(10);

/// Servers are few, but their names may come from a plug.
const MAX_SERVERS: usize = 1_000;

/// The health of the servers of one plug.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<BTreeMap<Origin, Server>>);

#[derive(Debug, Default)]
struct Server {
    /// Failed requests since the last one that was answered, and when the first of them failed.
    failing: Option<(u64, Instant)>,
    /// Whether the log says that it is unhealthy.
    is_unhealthy: bool,
    /// When the log last said that it is healthy again.
    recovered: Option<Instant>,
}

impl Health {
    /// Takes what a request came to. Failures that say nothing of the server do not count.
    pub(super) fn note(&self, origin: &Origin, outcome: Result<StatusCode, &Failure>) {
        self.note_at(origin, outcome, Instant::now());
    }

    fn note_at(&self, origin: &Origin, outcome: Result<StatusCode, &Failure>, now: Instant) {
        let problem = match outcome {
            Ok(status) if status.is_server_error() => format!("it responded with status {}", status.as_u16()),
            Ok(_) => return self.succeeded(origin, now),
            Err(failure) if failure.is_of_server() => failure.to_string(),
            Err(_) => return,
        };
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if servers.len() >= MAX_SERVERS && !servers.contains_key(origin) {
            return;
        }
        let server = servers.entry(origin.clone()).or_default();
        let (count, since) = server.failing.get_or_insert((0, now));
        *count += 1;
        let is_new = server.recovered.is_none_or(|then| now.saturating_duration_since(then) >= RECENTLY);
        let persists = now.saturating_duration_since(*since) >= PERSISTS;
        if !server.is_unhealthy && (is_new || persists) {
            server.is_unhealthy = true;
            warn!("server {origin}: unhealthy: {problem}");
        } else {
            debug!("server {origin}: failed {count} times in a row: {problem}");
        }
    }

    fn succeeded(&self, origin: &Origin, now: Instant) {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(server) = servers.get_mut(origin) else { return };
        let Some((count, since)) = server.failing.take() else { return };
        if std::mem::take(&mut server.is_unhealthy) {
            server.recovered = Some(now);
            let seconds = now.saturating_duration_since(since).as_secs_f64();
            let requests = counted(count, "failed request", "failed requests");
            info!("server {origin}: healthy again after {requests} in {seconds:.1} s");
        }
    }
}

impl Failure {
    /// Whether the server, or the way to it, is to blame, and not a limit of the host.
    fn is_of_server(&self) -> bool {
        match self {
            Self::UnknownHost
            | Self::ConnectionRefused
            | Self::ConnectionTimeout
            | Self::Unroutable
            | Self::ReadTimeout
            | Self::Terminated
            | Self::Incomplete
            | Self::Certificate(_)
            | Self::TlsAlert(_)
            | Self::Tls(_)
            | Self::Proxy(_)
            | Self::Protocol => true,
            Self::AddressProhibited
            | Self::TooLong(_)
            | Self::RequestTooLong(_)
            | Self::Partial
            | Self::Coding(_)
            | Self::Gzip
            | Self::Expands { .. }
            | Self::Said(_) => false,
        }
    }
}

/// A request that waits for its response. If the plug stops waiting before the host does, because
/// its own deadline comes first, that counts as no response.
pub(super) struct Waiting<'h> {
    health: &'h Health,
    origin: &'h Origin,
    since: Instant,
    /// How long the plug wanted to wait.
    patience: Duration,
    is_over: bool,
}

impl<'h> Waiting<'h> {
    pub(super) fn new(health: &'h Health, origin: &'h Origin, patience: Duration) -> Self {
        Self { health, origin, since: Instant::now(), patience, is_over: false }
    }

    pub(super) fn ended(mut self, outcome: Result<StatusCode, &Failure>) {
        self.is_over = true;
        self.health.note(self.origin, outcome);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // One that ends sooner was stopped for another reason, such as a caller that left. The plug
        // starts to wait a little before the host does.
        if !self.is_over && self.since.elapsed() >= self.patience.mul_f64(0.9) {
            self.health.note(self.origin, Err(&Failure::ReadTimeout));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::logged;
    use super::*;

    #[test]
    fn each_change_is_one_line_and_a_server_that_fails_now_and_then_is_few() {
        let health = Health::default();
        let [one, other]: [Origin; 2] = ["http://h:1", "http://h:2"].map(|origin| origin.parse().unwrap());
        let start = Instant::now();
        let note = |origin: &Origin, outcome: Result<u16, &Failure>, at: u64| {
            let outcome = outcome.map(|status| StatusCode::from_u16(status).unwrap());
            health.note_at(origin, outcome, start + Duration::from_millis(at));
        };
        let log = logged(|| {
            note(&one, Ok(200), 0);
            for at in 1..5 {
                note(&one, Err(&Failure::ConnectionRefused), at * 1_000);
                note(&other, Ok(404), at * 1_000);
                note(&other, Err(&Failure::TooLong(1)), at * 1_000);
            }
            note(&one, Ok(400), 5_000);
            note(&one, Ok(200), 5_001);
        });
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.len(), 2, "{log}");
        assert!(
            lines[0].contains("WARN") && lines[0].ends_with("server http://h:1: unhealthy: the connection was refused")
        );
        assert!(lines[1].ends_with("server http://h:1: healthy again after 4 failed requests in 4.0 s"), "{log}");
        let log = logged(|| {
            for at in (6_000..60_000).step_by(100) {
                note(&one, if at % 400 == 0 { Ok(204) } else { Ok(503) }, at);
            }
        });
        assert_eq!(log, "", "it never fails for long");
        let log = logged(|| (60_000..75_000).step_by(100).for_each(|at| note(&one, Ok(503), at)));
        assert_eq!(log.matches("unhealthy: it responded with status 503").count(), 1, "{log}");
    }

    #[test]
    fn a_response_that_the_plug_waited_for_in_vain_counts_and_one_that_it_left_does_not() {
        let health = Health::default();
        let origin: Origin = "http://h:1".parse().unwrap();
        let log = logged(|| drop(Waiting::new(&health, &origin, Duration::from_secs(60))));
        assert_eq!(log, "");
        let log = logged(|| {
            let waiting = Waiting::new(&health, &origin, Duration::from_millis(10));
            std::thread::sleep(Duration::from_millis(11));
            drop(waiting);
        });
        assert!(log.contains("unhealthy: reading the response timed out"), "{log}");
        assert!(
            logged(|| Waiting::new(&health, &origin, Duration::ZERO).ended(Ok(StatusCode::OK)))
                .contains("healthy again")
        );
    }
}
