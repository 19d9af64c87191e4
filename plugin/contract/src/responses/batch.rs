//! Results of batches of records.

use serde::Serialize;

use super::error::ErrorReport;
use super::shared::is_empty;

/// `record_batch`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordedBatch {
    /// How many values were recorded.
    pub values_recorded: u64,
    /// Whether a batch of the writer with this number, or a later one, was recorded before. Then
    /// this one was not.
    pub duplicate: bool,
    /// The records that were refused.
    #[serde(skip_serializing_if = "is_empty")]
    pub refused: Vec<RefusedRecord>,
}

/// A record of a batch that was refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "refused_record"))]
pub struct RefusedRecord {
    /// Its index in `metrics`.
    pub index: u64,
    /// Why.
    #[serde(flatten)]
    pub error: ErrorReport,
}

/// `end_writer`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndedWriter {
    /// Whether the writer was known.
    pub known: bool,
    /// How many gauges lost its value.
    pub gauges_changed: u64,
}
