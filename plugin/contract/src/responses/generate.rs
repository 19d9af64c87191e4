//! Generated Prometheus configurations and targets files.

use serde::Serialize;

/// `generate_config`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GeneratedConfig {
    /// The environment whose defaults apply, or `default`.
    pub environment: &'static str,
    /// The oldest version of Prometheus that accepts the configuration, such as `2.42`.
    pub for_version: String,
    /// The usual name of the file; absent without `config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<&'static str>,
    /// The text of `prometheus.yml`, or with `kubernetes` of the operator's resources; absent if all
    /// parts are empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The targets as JSON, for a file in `file_sd_configs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_sd: Option<String>,
    /// The same targets as the response of an `http_sd_configs` endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_sd: Option<HttpSd>,
    /// Command-line flags that the server needs.
    pub needs_flags: Vec<&'static str>,
    /// Fields that the version does not support: their path and the version that introduced them.
    pub left_out: Vec<String>,
}

/// The response of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "http_sd"))]
pub struct HttpSd {
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}
