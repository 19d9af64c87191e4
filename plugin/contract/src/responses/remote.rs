//! How remote writes and OTLP exports went.

use serde::Serialize;

use super::error::ErrorReport;
use super::shared::is_false;

/// `remote_write_metrics`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RemoteWritten {
    /// Whether no server was asked, because `mock_mode` is on.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// What the receiver wrote; what was sent, where it does not say.
    pub written: WrittenValues,
    /// Whether the receiver said how much it wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<bool>,
    /// The protocol's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<&'static str>,
    /// How many requests were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Values that go out with the next write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<u64>,
    /// Values that were given up, because the send queue was full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
    /// The receiver's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
}

/// Values by their kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "written"))]
pub struct WrittenValues {
    /// Numbers.
    pub samples: u64,
    /// Native histograms.
    pub histograms: u64,
    /// Exemplars.
    pub exemplars: u64,
}

/// `export_otlp`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OtlpExported {
    /// Whether no server was asked, because `mock_mode` is on.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// How many data points were sent.
    pub data_points: u64,
    /// How many of them the receiver accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<u64>,
    /// How many of them it rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_data_points: Option<u64>,
    /// What the receiver said about them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The receiver's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
}

/// A remote-write receiver that was sent stale markers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndedReceiver {
    /// The receiver's URL.
    pub receiver: String,
    /// How many series ended.
    pub series_ended: u64,
    /// Whether the receiver has taken all of them.
    pub delivered: bool,
    /// Values that were lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// Why it has not.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}
