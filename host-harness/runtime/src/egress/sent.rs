//! Counts the requests of a call.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// The requests of a call.
#[derive(Clone, Default)]
pub(crate) struct Sent {
    /// Number of requests.
    pub(crate) requests: u32,
    /// Size of their bodies in bytes; shared with bodies in flight.
    pub(crate) bytes: Arc<AtomicU64>,
}
