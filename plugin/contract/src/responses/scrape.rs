//! Results of scrapes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::push::{PushOutcome, PushRemarks};
use super::shared::{Amount, LabelPairs, is_empty, is_false};

/// `scrape_endpoint`, in addition to [`Exposed`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scraped {
    /// Whether the endpoint was scraped.
    pub endpoint_scraped: bool,
    /// The scraped URL, without credentials and query.
    pub endpoint_url: String,
    /// The number of samples.
    pub metrics_count: u64,
    /// An entry of `scrape_configs` for the endpoint.
    pub scrape_config: ScrapeJob,
    /// The same entry as YAML for `prometheus.yml`.
    pub scrape_config_yaml: String,
    /// The number of lint findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lint_count: Option<u64>,
    /// The first lint findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lint: Option<Vec<LintFinding>>,
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}

/// `federate`, in addition to [`Exposed`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Federated {
    /// Whether series were fetched.
    pub federated: bool,
    /// The server's URL, without credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus_url: Option<String>,
    /// The selectors.
    #[serde(rename = "match", skip_serializing_if = "is_empty")]
    pub matches: Vec<String>,
    /// How many samples there are.
    pub metrics_count: u64,
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}

/// An entry of `scrape_configs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "scrape_job"))]
pub struct ScrapeJob {
    /// The job's name.
    pub job_name: String,
    /// The scrape interval.
    pub scrape_interval: String,
    /// The scrape timeout; at most the interval, because Prometheus rejects more.
    pub scrape_timeout: String,
    /// The path.
    pub metrics_path: String,
    /// The URL's query parameters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Vec<String>>,
    /// `http` or `https`.
    pub scheme: String,
    /// The target.
    pub static_configs: [StaticTargets; 1],
}

/// Static targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "static_targets"))]
pub struct StaticTargets {
    /// Host and port.
    pub targets: [String; 1],
}

/// A violation of metric conventions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "lint"))]
pub struct LintFinding {
    /// The metric's name.
    pub metric: String,
    /// A stable name of the rule, such as `help`.
    pub rule: &'static str,
    /// The problem and its solution.
    pub problem: String,
}

/// The scraped exposition and its processing.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exposed {
    /// The format: `prometheus`, `openmetrics`, `openmetrics2` or `protobuf`.
    pub format: &'static str,
    /// The size of the exposition, uncompressed.
    pub bytes: u64,
    /// The duration of fetching and parsing, in milliseconds.
    pub duration_ms: u64,
    /// The number of metric families.
    pub families_count: u64,
    /// The first metric families.
    pub families: Vec<ScrapedFamily>,
    /// With `include_samples`: the first samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<Vec<ScrapedSample>>,
    /// Whether there are more metric families or samples than listed.
    pub truncated: bool,
    /// The number of samples whose timestamps were dropped when converting, pushing or importing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamps_dropped: Option<u64>,
    /// The number of dropped exemplars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemplars_dropped: Option<u64>,
    /// With `reexport`: the format of `exported_data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_format: Option<&'static str>,
    /// The content type of `exported_data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The converted exposition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exported_data: Option<String>,
    /// With `push`: the outcome of the push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed: Option<PassedOn>,
    /// With `import`: the outcome of the import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
}

/// A metric family, without its samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "family"))]
pub struct ScrapedFamily {
    /// Its name.
    pub name: String,
    /// Its type, by OpenMetrics's names.
    pub r#type: &'static str,
    /// Its help text; empty if there is none.
    pub help: String,
    /// Its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How many samples it has.
    pub samples: u64,
}

/// A sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "sample"))]
pub struct ScrapedSample {
    /// The metric's name, with the sample's suffix.
    pub name: String,
    /// Its labels.
    pub labels: LabelPairs<'static>,
    /// Its value; for a native histogram, the count.
    pub value: Amount,
    /// Its timestamp in seconds since the Unix epoch, if exposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Amount>,
    /// Its created timestamp in seconds since the Unix epoch, if exposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Amount>,
    /// The buckets of a native histogram.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub native: Option<NativeSample>,
    /// Its exemplar; the first, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemplar: Option<ScrapedExemplar>,
    /// All its exemplars, if there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exemplars: Vec<ScrapedExemplar>,
}

/// A native histogram.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "native_sample"))]
pub struct NativeSample {
    /// The resolution, from -4 to 8: each bucket is 2^(2^-schema) times as wide as the one before.
    pub schema: i32,
    /// Observations up to this magnitude count as zero.
    pub zero_threshold: Amount,
    /// The number of observations that count as zero.
    pub zero_count: Amount,
    /// The buckets of positive observations.
    pub positive: Vec<NativeBucket>,
    /// The buckets of negative observations.
    pub negative: Vec<NativeBucket>,
    /// The sum of observations.
    pub sum: Amount,
    /// The number of observations.
    pub count: Amount,
}

/// A bucket of a native histogram.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "native_bucket"))]
pub struct NativeBucket {
    /// Its index: the upper bound is 2^(2^-schema) to the power of this.
    pub index: i32,
    /// The number of observations in it.
    pub count: Amount,
}

/// An exemplar.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "exemplar"))]
pub struct ScrapedExemplar {
    /// Its labels, such as a trace id.
    pub labels: LabelPairs<'static>,
    /// The observed value.
    pub value: Amount,
    /// The timestamp in seconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Amount>,
}

/// The outcome of pushing a scrape.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "passed_on"))]
pub struct PassedOn {
    /// The group's URL.
    pub group: String,
    /// Whether the gateway accepted it.
    pub metric_pushed: bool,
    /// Why nothing was pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// How many metrics were pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<u64>,
    /// How many samples were pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// Why the push was not checked for conflicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preflight_skipped: Option<String>,
}

/// The outcome of an import into the registry.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "imported"))]
pub struct Imported {
    /// The number of metrics with imported series.
    pub metrics: u64,
    /// The number of imported series.
    pub series: u64,
    /// The number of their exemplars that were dropped: the registry stores the latest of a counter
    /// and of each bucket of a classic histogram.
    pub exemplars_dropped: u64,
    /// The number of entries that `refused` would have without a limit.
    pub refused_count: u64,
    /// The first rejected metrics, by metric and reason.
    pub refused: Vec<RefusedMetric>,
    /// The outcome of the push that the import triggered.
    #[serde(flatten)]
    pub push: PushOutcome,
    /// Additional remarks about pushes.
    #[serde(flatten)]
    pub beside: PushRemarks,
}

/// Series of a metric that were not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "refused"))]
pub struct RefusedMetric {
    /// The metric's name.
    pub metric: String,
    /// Why, and what to do.
    pub reason: String,
    /// The number of rejected series.
    pub series: u64,
}
