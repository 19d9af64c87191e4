//! How errors are told.

use serde::Serialize;

/// Why an operation, or a part of one, did nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorReport {
    /// What was wrong, what was expected, and what to do.
    pub error: String,
    /// A stable word for programs.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::ErrorCode"))]
    pub error_code: &'static str,
    /// The path of the field to correct.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The origin of the server that was concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Values that were written nevertheless.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
    /// Values that go out with the next write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<u64>,
    /// Values that the receiver refused, or that there was no room to keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// The status that the server responded with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// The same as the server said it, where that is another word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_error_type: Option<String>,
    /// Where a query is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// What a gateway would refuse of a push, the first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Vec<PushConflict>>,
}

/// A place in a text, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "position"))]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in bytes of UTF-8.
    pub column: u32,
}

/// Something that a gateway would refuse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "conflict"))]
pub struct PushConflict {
    /// What it is about.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::ConflictReason"))]
    pub reason: &'static str,
    /// The metric to change.
    pub metric: String,
    /// The group that it conflicts with; none if that is the push itself, or the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What conflicts with what, and what to do.
    pub problem: String,
}
