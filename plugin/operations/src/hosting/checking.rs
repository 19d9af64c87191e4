//! Asking one server whether it is well.

use serde::{Deserialize, Serialize};

use super::wire::whole_url;
use super::worker::{Told, Worker};
use crate::http::Url;
use crate::operations::health::{SERVERS, health};

/// A server that is asked.
#[derive(Serialize, Deserialize)]
pub(super) struct HealthJob {
    /// Its place among [`SERVERS`].
    pub(super) place: u8,
    #[serde(with = "whole_url")]
    pub(super) url: Url,
}

impl HealthJob {
    pub(super) fn run(self, worker: &mut Worker) -> Told {
        let Some(server) = SERVERS.get(usize::from(self.place)) else { return Told::default() };
        health(&self.url, worker.client().send(server.peer, (server.request)(&self.url)))
    }
}
