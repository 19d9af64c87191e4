//! Outcomes of remote writes and OTLP exports.

use serde::Serialize;

use super::error::ErrorReport;
use super::shared::is_false;

/// `remote_write_metrics`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RemoteWritten {
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// With `if_changed`: whether nothing was sent, because nothing changed since the receiver
    /// accepted everything.
    #[serde(skip_serializing_if = "is_false")]
    pub unchanged: bool,
    /// The values that the receiver wrote, or those sent if it does not report that.
    pub written: WrittenValues,
    /// Whether the receiver reported how much it wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<bool>,
    /// The protocol's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<&'static str>,
    /// How many requests were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Values that are queued for the next write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<u64>,
    /// Values that were dropped because the send queue was full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
    /// The receiver's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
}

/// Values by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "written"))]
pub struct WrittenValues {
    /// Float samples.
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
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// With `if_changed`: whether nothing was sent, because nothing changed since the receiver
    /// accepted everything.
    #[serde(skip_serializing_if = "is_false")]
    pub unchanged: bool,
    /// How many data points were sent.
    pub data_points: u64,
    /// How many of them the receiver accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<u64>,
    /// How many of them it rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_data_points: Option<u64>,
    /// The receiver's message about them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The receiver's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
}

/// A remote-write receiver to which stale markers were sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndedReceiver {
    /// The receiver's URL.
    pub receiver: String,
    /// How many series got a stale marker.
    pub series_ended: u64,
    /// Whether the receiver accepted all of them.
    pub delivered: bool,
    /// Values that were lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// Why it did not.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}
