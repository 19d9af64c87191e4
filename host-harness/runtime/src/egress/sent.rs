//! What one call has sent.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// What one call has sent.
#[derive(Clone, Default)]
pub(crate) struct Sent {
    /// How many requests.
    pub(crate) requests: u32,
    /// How many bytes in their bodies; shared with those that are still on their way.
    pub(crate) bytes: Arc<AtomicU64>,
}
