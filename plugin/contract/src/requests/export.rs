//! Exports of recorded metrics, and snapshots.

use serde::Deserialize;

use crate::scalar::Text;

/// `export_metrics`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ExportMetrics<'a> {
    /// `prometheus` (the default), `openmetrics` (1.0), `openmetrics2` (2.0, which is experimental),
    /// `protobuf`, `json` or `csv`.
    pub export_format: Text<'a>,
}

/// `restore_metrics`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["snapshot"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RestoreMetrics<'a> {
    /// The `snapshot` from `snapshot_metrics`, in base64.
    pub snapshot: Text<'a>,
}
