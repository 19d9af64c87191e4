//! The parts that surround the result of an operation.

use serde::Serialize;
use serde_json::value::RawValue;

use super::shared::{LabelPairs, is_empty};
#[cfg(feature = "schema")]
use crate::document::Both;

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
    #[cfg_attr(feature = "schema", schemars(with = "Both<Metadata, FormerMetadata>"))]
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

/// What the metadata of 1.0.0 had in addition. Present with `compatibility: "1.0.0"` only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct FormerMetadata<'a> {
    /// `query_metrics`: `instant` or `range`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_type: Option<&'static str>,
    /// `create_alert`: the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_rule: Option<FormerRule<'a>>,
    /// `scrape_endpoint`: when, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrape_timestamp: Option<String>,
    /// `health_check`: when, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_timestamp: Option<String>,
    /// `health_check`: Grafana's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grafana_url: Option<String>,
    /// `health_check`: whether all configured servers are healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overall_healthy: Option<bool>,
}

/// An alerting rule in the Python plug's format.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct FormerRule<'a> {
    /// The alert's name.
    pub alert: &'a str,
    /// Its expression, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expr: Option<&'a str>,
    /// Its `for` duration, in Prometheus's syntax.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub pending_for: Option<String>,
    /// Its labels.
    pub labels: LabelPairs<'a>,
    /// Its annotations.
    pub annotations: LabelPairs<'a>,
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
