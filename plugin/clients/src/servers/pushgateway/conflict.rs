//! Conflicts that make a gateway reject a push.

use std::fmt;

/// A conflict.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// One of the reasons in the table of [`super::preflight`].
    pub reason: &'static str,
    /// The metric to change.
    pub metric: String,
    /// The conflicting group; `None` if the conflict is within the push or with the gateway itself.
    pub group: Option<String>,
    /// The problem, and what to do.
    pub problem: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metric {}: {}", self.metric, self.problem)
    }
}
