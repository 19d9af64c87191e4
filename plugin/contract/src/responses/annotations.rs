//! Marks in Grafana's dashboards.

use serde::Serialize;

use super::shared::is_false;

/// `annotate`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Annotated {
    /// Whether Grafana holds the annotation now.
    pub annotated: bool,
    /// Whether `mock_mode` is on, so that Grafana was not asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// Its id, to change it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotation_id: Option<u64>,
    /// When it is, or begins, in milliseconds since the Unix epoch; absent where that was not
    /// changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
    /// When it ends, in milliseconds since the Unix epoch; absent where it has no end, or that was
    /// not changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_end_ms: Option<u64>,
}
