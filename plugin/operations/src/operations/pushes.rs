//! The state of pushes.

use serde::{Deserialize, Serialize};

use super::deltas::Deltas;
use super::own_groups::MAX_GROUPS;
use crate::http::{Url, redacted};
use crate::servers::pushgateway::groups::Abilities;

/// The maximum number of groups remembered for `cleanup`: all current ones and some that were
/// removed since.
const MAX_REMEMBERED: usize = 2 * MAX_GROUPS;

/// The state of pushes.
#[derive(Debug, Default)]
pub struct Pushes {
    /// The URLs of groups that were pushed and not deleted since, without duplicates.
    pub groups: Vec<Url>,
    /// Whether the current call's result already reports its push.
    pub reported: bool,
    /// The origin and abilities of the last gateway.
    pub gateway: Option<(String, Abilities)>,
    /// The URLs of groups whose counters were compared with the registry.
    pub compared: Vec<Url>,
    /// What remote-write and OTLP receivers accepted last, by the receiver's URL.
    pub delivered: Vec<(String, Contents)>,
    /// What receivers of deltas have accepted.
    pub deltas: Deltas,
}

/// What was recorded and when, as far as it shows whether anything is to be sent: the changes of
/// each group, and how many series there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// By the group's key.
    pub changes: Vec<(String, u64)>,
    /// Fewer if some expired.
    pub series: u64,
    /// Which period of [`PERIOD_MS`] this was. What did not change is sent once in each, because
    /// Prometheus takes series for gone that have had no sample for five minutes.
    pub period: u64,
}

/// How long nothing may be sent at most because nothing changed, in milliseconds.
pub const PERIOD_MS: u64 = 120_000;

/// The maximum number of receivers that are remembered.
const MAX_RECEIVERS: usize = 16;

impl Pushes {
    /// Starts another call.
    pub fn begin(&mut self) {
        self.reported = false;
    }

    /// A group is gone from its gateway.
    pub fn forget(&mut self, url: &Url) {
        let gone = redacted(url);
        self.groups.retain(|known| redacted(known) != gone);
    }

    /// Whether a receiver accepted these contents last.
    pub fn is_delivered(&self, receiver: &Url, contents: &Contents) -> bool {
        let receiver = redacted(receiver);
        self.delivered.iter().any(|(known, delivered)| *known == receiver && delivered == contents)
    }

    /// A receiver accepted these contents.
    pub fn note_delivered(&mut self, receiver: &Url, contents: Contents) {
        let receiver = redacted(receiver);
        self.delivered.retain(|(known, _)| *known != receiver);
        if self.delivered.len() >= MAX_RECEIVERS {
            self.delivered.remove(0);
        }
        self.delivered.push((receiver, contents));
    }

    /// The counters of a group were compared.
    pub fn note_compared(&mut self, url: &Url) {
        if self.compared.len() < MAX_GROUPS && !self.compared.contains(url) {
            self.compared.push(url.clone());
        }
    }

    /// Keeps a group's URL for `cleanup`.
    pub fn remember(&mut self, url: Url) {
        if self.groups.contains(&url) {
            return;
        }
        // A restart forgot who is the user.
        let shown = redacted(&url);
        if let Some(known) = self.groups.iter_mut().find(|known| redacted(known) == shown) {
            *known = url;
        } else if self.groups.len() < MAX_REMEMBERED {
            self.groups.push(url);
        }
    }
}
