//! Pushes.

use serde::Deserialize;

use crate::scalar::Flag;

/// `remote_write_metrics` and `export_otlp`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Deliver {
    /// Whether to send nothing if nothing changed since the receiver accepted everything; false by
    /// default. Once in two minutes everything is sent all the same, because Prometheus takes a
    /// series for gone that has had no sample for five.
    pub if_changed: Flag,
}

/// `push_metrics` and `flush_metrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct PushMetrics {
    /// Whether to push nothing and only report the expected outcome, or what would be lost without
    /// a push; false by default.
    pub dry_run: Flag,
}
