//! Exports and snapshots.

use serde::Serialize;

/// `export_metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exported {
    /// The format.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::ExportFormat"))]
    pub export_format: &'static str,
    /// The `Content-Type` of the exposition.
    pub content_type: String,
    /// How many series there are.
    pub series: u64,
    /// The exposition, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exported_data: Option<String>,
    /// The exposition as base64, if it is binary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exported_data_base64: Option<String>,
    /// When, in RFC 3339. With `compatibility: "1.0.0"` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_timestamp: Option<String>,
}

/// `snapshot_metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Snapshot {
    /// How many series there are.
    pub series: u64,
    /// All stored metrics as base64, for `restore_metrics`.
    pub snapshot: String,
}

/// `restore_metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Restored {
    /// How many series there are.
    pub series: u64,
}
