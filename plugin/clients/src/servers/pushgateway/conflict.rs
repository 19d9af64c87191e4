//! What a gateway would refuse in a push.

use std::fmt;

/// Something that the gateway would refuse.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// One of the table of [`super::preflight`].
    pub reason: &'static str,
    /// The metric to change.
    pub metric: String,
    /// The group that it does not fit to; none if that is the push itself, or the gateway.
    pub group: Option<String>,
    /// What does not fit to what, and what to do.
    pub problem: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metric {}: {}", self.metric, self.problem)
    }
}
