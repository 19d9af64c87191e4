//! A configuration of Prometheus, and files of targets.

use serde::Serialize;

/// `generate_config`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GeneratedConfig {
    /// The environment whose values were taken, or `default`.
    pub environment: &'static str,
    /// The oldest version of Prometheus that reads the configuration, such as `2.42`.
    pub for_version: String,
    /// What Prometheus calls the file by default; absent without `config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<&'static str>,
    /// The text of `prometheus.yml`; absent where no part has anything in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The targets as JSON, for a file that `file_sd_configs` names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_sd: Option<String>,
    /// The same targets as an endpoint of `http_sd_configs` serves them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_sd: Option<HttpSd>,
    /// Flags that the server needs.
    pub needs_flags: Vec<&'static str>,
    /// What the version does not have: the path, and since when there is one.
    pub left_out: Vec<String>,
}

/// What an endpoint serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "http_sd"))]
pub struct HttpSd {
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}
