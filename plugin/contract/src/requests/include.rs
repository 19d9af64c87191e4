//! Metrics that another library of the caller's process has.

use serde::Deserialize;

use crate::scalar::Text;

/// `include_metrics`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["source", "text"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct IncludeMetrics<'a> {
    /// Who has these metrics, such as `prometheus_client`. What the source included before is
    /// replaced as a whole.
    pub source: Text<'a>,
    /// All of the source's metrics as an exposition. An empty exposition removes them.
    pub text: Text<'a>,
    /// The format of `text`: `openmetrics` (the default), `openmetrics2` or `prometheus`.
    pub format: Text<'a>,
}
