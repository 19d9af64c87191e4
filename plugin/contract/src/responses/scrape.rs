//! What endpoints expose, and what was done with it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::push::{PushOutcome, PushRemarks};
use super::shared::{Amount, LabelPairs, is_empty, is_false};

/// `scrape_endpoint`: what it says beside [`Exposed`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scraped {
    /// Whether the endpoint was scraped.
    pub endpoint_scraped: bool,
    /// What was scraped, without credentials and query.
    pub endpoint_url: String,
    /// How many samples the endpoint exposes.
    pub metrics_count: u64,
    /// The entry of `scrape_configs` by which Prometheus scrapes the endpoint.
    pub scrape_config: ScrapeJob,
    /// The same as a part of a `prometheus.yml`.
    pub scrape_config_yaml: String,
    /// How many findings of the linter there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lint_count: Option<u64>,
    /// The first of the findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lint: Option<Vec<LintFinding>>,
    /// Whether the configuration says `mock_mode`, so that no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}

/// `federate`: what it says beside [`Exposed`].
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
    /// Whether the configuration says `mock_mode`, so that no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}

/// An entry of `scrape_configs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "scrape_job"))]
pub struct ScrapeJob {
    /// The job's name.
    pub job_name: String,
    /// Between two scrapes.
    pub scrape_interval: String,
    /// For a whole scrape; never more than the interval, which Prometheus would refuse.
    pub scrape_timeout: String,
    /// The path.
    pub metrics_path: String,
    /// The fields of the URL's query.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Vec<String>>,
    /// `http` or `https`.
    pub scheme: String,
    /// The target.
    pub static_configs: [StaticTargets; 1],
}

/// Targets that stand in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "static_targets"))]
pub struct StaticTargets {
    /// Host and port.
    pub targets: [String; 1],
}

/// Something that conventions for metrics advise against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "lint"))]
pub struct LintFinding {
    /// The metric's name.
    pub metric: String,
    /// A stable word for the rule, such as `help`.
    pub rule: &'static str,
    /// What was found, and what to do.
    pub problem: String,
}

/// What was received, and what was done with it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exposed {
    /// The format: `prometheus`, `openmetrics` or `protobuf`.
    pub format: &'static str,
    /// The size of the exposition, uncompressed.
    pub bytes: u64,
    /// How long fetching and reading took, in milliseconds.
    pub duration_ms: u64,
    /// How many metrics there are.
    pub families_count: u64,
    /// The first of them.
    pub families: Vec<ScrapedFamily>,
    /// With `include_samples`: the first samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<Vec<ScrapedSample>>,
    /// Whether there are more metrics or samples than are listed.
    pub truncated: bool,
    /// Samples whose timestamps were left out of what was written again, pushed or imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamps_dropped: Option<u64>,
    /// Exemplars that were left out of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemplars_dropped: Option<u64>,
    /// With `reexport`: the format of `exported_data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_format: Option<&'static str>,
    /// Its content type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// All that was received, written again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exported_data: Option<String>,
    /// With `push`: what became of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed: Option<PassedOn>,
    /// With `import`: what became of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
}

/// A metric, without its samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "family"))]
pub struct ScrapedFamily {
    /// Its name.
    pub name: String,
    /// Its type, as OpenMetrics names it.
    pub r#type: &'static str,
    /// What it measures; empty where the endpoint does not say.
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
    /// Its value; of a native histogram, the count.
    pub value: Amount,
    /// When it was measured, in seconds since the epoch, where the endpoint says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Amount>,
    /// When the series began, in seconds since the epoch, where the endpoint says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Amount>,
    /// The buckets of a native histogram.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub native: Option<NativeSample>,
    /// An example of an observation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemplar: Option<ScrapedExemplar>,
}

/// A native histogram.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "native_sample"))]
pub struct NativeSample {
    /// The resolution, from -4 to 8: each bucket is 2^(2^-schema) times as wide as the one before.
    pub schema: i32,
    /// Up to this magnitude an observation counts as zero.
    pub zero_threshold: Amount,
    /// Observations that count as zero.
    pub zero_count: Amount,
    /// The buckets of positive observations.
    pub positive: Vec<NativeBucket>,
    /// The buckets of negative ones.
    pub negative: Vec<NativeBucket>,
    /// The sum of observations.
    pub sum: Amount,
    /// How many observations there are.
    pub count: Amount,
}

/// A bucket of a native histogram.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "native_bucket"))]
pub struct NativeBucket {
    /// Its place: the upper bound is 2^(2^-schema) to the power of this.
    pub index: i32,
    /// How many observations are in it.
    pub count: Amount,
}

/// An example of an observation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "exemplar"))]
pub struct ScrapedExemplar {
    /// Labels of the example, such as a trace's id.
    pub labels: LabelPairs<'static>,
    /// What was observed.
    pub value: Amount,
    /// When, in seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Amount>,
}

/// How the push of a scrape went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "passed_on"))]
pub struct PassedOn {
    /// The group's URL.
    pub group: String,
    /// Whether the gateway has accepted it.
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
    /// Why the push was not checked for conflicts before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preflight_skipped: Option<String>,
}

/// What was imported into the registry.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "imported"))]
pub struct Imported {
    /// Metrics of which series were imported.
    pub metrics: u64,
    /// Series that were imported.
    pub series: u64,
    /// Exemplars of those series; they were not.
    pub exemplars_dropped: u64,
    /// How many entries `refused` would have without a bound.
    pub refused_count: u64,
    /// What was refused, by metric and reason: the first of it.
    pub refused: Vec<RefusedMetric>,
    /// How the push that came with the import went.
    #[serde(flatten)]
    pub push: PushOutcome,
    /// What there is to say beside it.
    #[serde(flatten)]
    pub beside: PushRemarks,
}

/// What was not imported of a metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "refused"))]
pub struct RefusedMetric {
    /// The metric's name.
    pub metric: String,
    /// Why, and what to do.
    pub reason: String,
    /// How many of its series are concerned.
    pub series: u64,
}
