//! Metrics of other sources.

use serde::Serialize;

use super::scrape::RefusedMetric;

/// `include_metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IncludedMetrics {
    /// Who has the metrics.
    pub source: String,
    /// The number of metrics with included series.
    pub metrics: u64,
    /// The number of included series.
    pub series: u64,
    /// The number of series that the source does not have anymore, and that were removed.
    pub removed: u64,
    /// The number of series whose timestamps were dropped.
    pub timestamps_dropped: u64,
    /// The number of dropped exemplars.
    pub exemplars_dropped: u64,
    /// The number of entries that `refused` would have without a limit.
    pub refused_count: u64,
    /// The first rejected metrics, by metric and reason; they are warnings too.
    pub refused: Vec<RefusedMetric>,
}
