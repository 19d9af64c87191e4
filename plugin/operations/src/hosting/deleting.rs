//! Deleting one group from a Pushgateway.

use serde::{Deserialize, Serialize};

use super::wire::{group, shown_url, whole_url};
use super::worker::{How, Told, Worker, told_of};
use crate::http::Url;
use crate::servers::pushgateway::{self, Group};

/// A group that is to be deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeleteTask {
    /// The group.
    #[serde(with = "shown_url")]
    pub url: Url,
    /// How the gateway is asked.
    pub how: How,
    /// The group of which nothing is due afterwards.
    pub settles: Option<Settles>,
    /// Whether it is to be done whether or not anybody waits for it.
    pub cleanup: bool,
}

/// A group of which nothing is due once it is deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settles(#[serde(with = "group")] pub Group);

/// A group to be deleted.
#[derive(Serialize, Deserialize)]
pub(super) struct DeleteJob {
    #[serde(with = "whole_url")]
    pub(super) url: Url,
}

impl DeleteJob {
    pub(super) fn run(self, worker: &mut Worker) -> (bool, Told) {
        let outcomes = pushgateway::delete(&mut worker.client(), core::slice::from_ref(&self.url));
        let outcome: Result<(), _> = outcomes.into_iter().collect();
        (outcome.is_ok(), told_of(outcome))
    }
}
