//! Pushes.

use serde::Deserialize;

use crate::scalar::Flag;

/// `push_metrics` and `flush_metrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct PushMetrics {
    /// Whether to push nothing and only report the expected outcome, or what would be lost without
    /// a push; false by default.
    pub dry_run: Flag,
}
