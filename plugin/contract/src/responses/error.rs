//! Errors in results.

use serde::Serialize;

/// The error of an operation or of a part of one.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorReport {
    /// What was wrong, what was expected, and what to do.
    pub error: String,
    /// A stable error code.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::ErrorCode"))]
    pub error_code: &'static str,
    /// The path of the field to correct.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The origin of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Values that were written before the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
    /// Values that are queued for the next write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<u64>,
    /// Values that the receiver rejected or that did not fit in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// The HTTP status of the server's response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// The server's own name for the kind, if different.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_error_type: Option<String>,
    /// The position of the error in the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The first conflicts because of which a gateway would reject a push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Vec<PushConflict>>,
}

/// A position in a text, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "position"))]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in bytes of UTF-8.
    pub column: u32,
}

/// A conflict because of which a gateway would reject a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "conflict"))]
pub struct PushConflict {
    /// The kind of conflict.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::ConflictReason"))]
    pub reason: &'static str,
    /// The metric to change.
    pub metric: String,
    /// The conflicting group; absent if the conflict is within the push or with the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What conflicts with what, and what to do.
    pub problem: String,
}
