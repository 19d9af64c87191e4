//! What receivers of deltas have accepted. A delta is what was counted since the last export that
//! the receiver accepted, so that one that fails is part of the next.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::http::{Url, redacted};

/// The maximum number of receivers: for each, all that is recorded is kept as it was.
const MAX_RECEIVERS: usize = 4;

/// All that was recorded at some time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// In milliseconds since the Unix epoch.
    pub unix_ms: u64,
    /// As [`super::own_groups::snapshot`] writes it; empty for nothing.
    pub groups: Vec<u8>,
}

/// A receiver of deltas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Receiver {
    /// Its URL, without credentials.
    url: String,
    /// What it accepted last.
    accepted: State,
    /// What is on its way.
    in_flight: Option<State>,
}

/// All receivers of deltas.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Deltas(Vec<Receiver>);

impl Deltas {
    /// Knows a receiver from now on.
    ///
    /// # Errors
    /// There are too many.
    pub fn open(&mut self, url: &Url) -> Result<(), Error> {
        let url = redacted(url);
        if self.0.iter().any(|receiver| receiver.url == url) {
            return Ok(());
        }
        if self.0.len() >= MAX_RECEIVERS {
            return Err(plugpipe_metrics::Error::LimitReached {
                what: "otlp_url with otlp_temporality delta".into(),
                limit: MAX_RECEIVERS,
                todo: "export to fewer receivers, use cumulative, or reset the plug with cleanup",
            }
            .into());
        }
        self.0.push(Receiver { url, accepted: State::default(), in_flight: None });
        Ok(())
    }

    fn of(&mut self, url: &Url) -> Option<&mut Receiver> {
        let url = redacted(url);
        self.0.iter_mut().find(|receiver| receiver.url == url)
    }

    /// Puts what is recorded on its way, and returns what was accepted last and the time of the
    /// export, which is later: rounded up to a millisecond, because starts are whole ones.
    pub fn launch(&mut self, url: &Url, groups: Vec<u8>, unix_nanos: u64) -> Option<(&State, &State)> {
        let receiver = self.of(url)?;
        let unix_ms = unix_nanos.div_ceil(1_000_000).max(receiver.accepted.unix_ms + 1);
        let now = receiver.in_flight.insert(State { unix_ms, groups });
        Some((&receiver.accepted, now))
    }

    /// Notes whether what was on its way was accepted.
    pub fn land(&mut self, url: &Url, accepted: bool) {
        let Some(receiver) = self.of(url) else { return };
        let in_flight = receiver.in_flight.take();
        if let Some(state) = in_flight.filter(|_| accepted) {
            receiver.accepted = state;
        }
    }
}
