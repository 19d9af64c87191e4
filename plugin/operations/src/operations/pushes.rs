//! What is remembered of pushes.

use super::own_groups::MAX_GROUPS;
use crate::http::{Url, redacted};
use crate::servers::pushgateway::groups::Abilities;

/// The most groups that are remembered for `cleanup`: as many as there may be, and some that were
/// given up since.
const MAX_REMEMBERED: usize = 2 * MAX_GROUPS;

/// What is remembered of pushes.
#[derive(Debug, Default)]
pub struct Pushes {
    /// The URLs of the groups that a gateway accepted and that were not deleted since, each once.
    pub groups: Vec<Url>,
    /// Whether the running call's answer says already how its push went.
    pub said: bool,
    /// What the gateway that was asked last can do, and its origin.
    pub gateway: Option<(String, Abilities)>,
    /// The URLs of the groups whose counters were compared with those of the registry.
    pub compared: Vec<Url>,
}

impl Pushes {
    /// Another call begins.
    pub fn begin(&mut self) {
        self.said = false;
    }

    /// A group is gone from its gateway.
    pub fn forget(&mut self, url: &Url) {
        let gone = redacted(url);
        self.groups.retain(|known| redacted(known) != gone);
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
