//! What stands around an operation's result.

use serde::Serialize;
use serde_json::value::RawValue;

use super::shared::{LabelPairs, is_empty};

/// What every response begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Head {
    /// Whether the operation did what was asked.
    pub success: bool,
    /// The operation; absent where the request names none that there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'static str>,
}

/// How often servers were asked during a call, and how long that took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exchanged {
    /// Absent where none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
}

/// Requests to servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "exchange"))]
pub struct Exchange {
    /// How many requests were sent, repetitions among them.
    pub attempts: u32,
    /// How long they took together, in milliseconds.
    pub elapsed_ms: u64,
}

/// What every response ends with.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tail<'a> {
    /// What was ignored or done otherwise than asked, such as an unknown field. Absent where there
    /// is nothing to say.
    #[serde(skip_serializing_if = "is_empty")]
    pub warnings: Vec<String>,
    /// What the configuration is.
    #[cfg_attr(feature = "schema", schemars(with = "Metadata"))]
    pub monitoring_metadata: &'a RawValue,
}

/// What the configuration is, without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "metadata"))]
pub struct Metadata<'a> {
    /// The job under which metrics are pushed.
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
    /// How often the plug's metrics are to be scraped.
    pub scrape_interval: &'a str,
}

impl Metadata<'_> {
    /// As JSON, to be written again and again.
    pub fn to_json(&self) -> Box<RawValue> {
        // Names and texts can be written always.
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
    /// What the plug is.
    pub description: &'static str,
    /// The operations, and what each does.
    pub operations: LabelPairs<'static>,
}
