//! Grafana annotations.

use serde::Serialize;

use super::shared::is_false;

/// `annotate`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Annotated {
    /// Whether the annotation is saved in Grafana.
    pub annotated: bool,
    /// Whether `mock_mode` is on, so Grafana was not contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// Its id, for later changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotation_id: Option<u64>,
    /// Its time or start, in milliseconds since the Unix epoch; absent if unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
    /// Its end, in milliseconds since the Unix epoch; absent if it has none or it is unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_end_ms: Option<u64>,
}
