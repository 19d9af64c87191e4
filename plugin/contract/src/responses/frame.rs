//! The parts that surround the result of an operation.

use serde::Serialize;
use serde_json::value::RawValue;

use super::shared::{LabelPairs, is_empty};

/// The beginning of every result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Head {
    /// Whether the operation succeeded.
    pub success: bool,
    /// The operation; absent if the request names no known one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'static str>,
}

/// The number and duration of requests to servers during a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exchanged {
    /// Absent if no request was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
}

/// Requests to servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "exchange"))]
pub struct Exchange {
    /// How many requests were sent, including retries.
    pub attempts: u32,
    /// Their total duration, in milliseconds.
    pub elapsed_ms: u64,
}

/// The end of every result.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tail<'a> {
    /// Warnings about ignored or adjusted input, such as an unknown field. Absent if there are
    /// none.
    #[serde(skip_serializing_if = "is_empty")]
    pub warnings: Vec<String>,
    /// Main settings of the configuration.
    #[cfg_attr(feature = "schema", schemars(with = "Metadata"))]
    pub monitoring_metadata: &'a RawValue,
}

/// Main settings of the configuration, without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "metadata"))]
pub struct Metadata<'a> {
    /// The job of pushed metrics.
    pub job_name: &'a str,
    /// The instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<&'a str>,
    /// Prometheus's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus_url: Option<String>,
    /// The Pushgateway's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_url: Option<String>,
    /// The scrape interval.
    pub scrape_interval: &'a str,
}

impl Metadata<'_> {
    /// Serializes the metadata once for all results.
    pub fn to_json(&self) -> Box<RawValue> {
        // String members cannot fail to serialize.
        serde_json::value::to_raw_value(self).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

/// `describe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Description {
    /// The plug's name.
    pub name: &'static str,
    /// The plug's version.
    pub version: &'static str,
    /// The plug's description.
    pub description: &'static str,
    /// The operations and their descriptions.
    pub operations: LabelPairs<'static>,
}
