//! Writers: processes whose batches of records come over connections of their own.
//!
//! A request with the header `PlugPipe-Writer: ID` assigns its connection to the writer. When the
//! writer's last connection closes, the server ends it in the plug, if the plug has an operation
//! for that.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName};
use plugpipe_runtime::PlugHandle;
use serde_json::json;
use tracing::warn;

/// The header with a writer's id.
const WRITER: HeaderName = HeaderName::from_static("plugpipe-writer");

/// The operation that ends a writer.
const END: &str = "end_writer";

/// The maximum number of writers on one connection. More are not ended when it closes.
const MAX_WRITERS: usize = 16;

/// The writers that have connections.
pub(super) struct LiveWriters {
    plug: PlugHandle,
    /// The number of connections of each writer.
    connections: Mutex<HashMap<String, usize>>,
    /// Whether the plug can end one.
    ends: bool,
}

impl LiveWriters {
    pub(super) fn new(plug: &PlugHandle) -> Arc<Self> {
        let ends = plug.describe().operations.iter().any(|operation| operation.name == END);
        Arc::new(Self { plug: plug.clone(), connections: Mutex::default(), ends })
    }

    /// A connection that belongs to no writer yet.
    pub(super) fn connect(self: &Arc<Self>) -> Arc<ConnectionWriters> {
        Arc::new(ConnectionWriters { live: Arc::clone(self), ids: Mutex::default() })
    }

    fn add(&self, id: &str) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        *connections.entry(id.to_owned()).or_default() += 1;
    }

    /// Removes a connection. True if it was the writer's last one.
    fn remove(&self, id: &str) -> bool {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = connections.get_mut(id) else { return false };
        *count = count.saturating_sub(1);
        let is_last = *count == 0;
        if is_last {
            connections.remove(id);
        }
        is_last
    }
}

/// The writers of a connection, until it closes.
pub(super) struct ConnectionWriters {
    live: Arc<LiveWriters>,
    ids: Mutex<BTreeSet<String>>,
}

impl ConnectionWriters {
    /// Notes the writer of a request, if it names one.
    pub(super) fn note(&self, headers: &HeaderMap) {
        let Some(id) = headers.get(WRITER).and_then(|id| id.to_str().ok()) else { return };
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if self.live.ends && ids.len() < MAX_WRITERS && ids.insert(id.to_owned()) {
            self.live.add(id);
        }
    }
}

impl Drop for ConnectionWriters {
    fn drop(&mut self) {
        let ids = std::mem::take(self.ids.get_mut().unwrap_or_else(PoisonError::into_inner));
        for id in ids.into_iter().filter(|id| self.live.remove(id)) {
            // Connections are tasks, so there is a runtime.
            let plug = self.live.plug.clone();
            tokio::spawn(async move {
                let ctx = json!({"operation": END, "writer": id}).to_string();
                let ended = plug.process(ctx, "").await;
                let problem = match ended {
                    Ok(answer) => answer.error.map(|problem| problem.message),
                    Err(error) => Some(error.to_string()),
                };
                if let Some(problem) = problem {
                    warn!("writer {id:?} closed its last connection, but its gauges are kept: {problem}");
                }
            });
        }
    }
}
