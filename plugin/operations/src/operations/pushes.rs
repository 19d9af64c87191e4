//! The state of pushes.

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
}

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
