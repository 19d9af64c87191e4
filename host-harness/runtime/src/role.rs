//! What an instance is for.

/// What an instance is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Holds the state and never waits for a server.
    Recorder,
    /// Makes one call, and may wait.
    Worker,
}
