//! A transport for operations that are tried in the recorder first: it reaches nobody, and notes
//! whether anybody was to be asked.

use core::time::Duration;

use crate::http::{Clock, Failure, Limits, Request, Response, Transport};

/// Whether a server was to be asked, and which.
#[derive(Debug)]
pub struct Probe {
    unix_nanos: u64,
    /// Whether anything was to be sent or waited for.
    pub asked: bool,
    /// The origins that were to be asked.
    pub origins: Vec<String>,
}

impl Probe {
    /// One whose clock stands at this moment.
    pub fn new(unix_nanos: u64) -> Self {
        Self { unix_nanos, asked: false, origins: Vec::new() }
    }
}

impl Clock for Probe {
    fn unix_nanos(&self) -> u64 {
        self.unix_nanos
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.unix_nanos)
    }
}

impl Transport for Probe {
    fn send_all(&mut self, requests: &[&Request], _: &Limits) -> Vec<Result<Response, Failure>> {
        self.asked |= !requests.is_empty();
        for request in requests {
            let origin = request.url.origin();
            if !self.origins.contains(&origin) {
                self.origins.push(origin);
            }
        }
        // It is final, and closes no circuit.
        requests.iter().map(|_| Err(Failure::NotGranted)).collect()
    }

    fn sleep(&mut self, _: Duration) {
        self.asked = true;
    }
}
