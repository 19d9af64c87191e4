//! Scrapes: the endpoint, the result, and further processing.

use serde::Deserialize;

use crate::document::Both;
use crate::scalar::{Any, Duration, Flag, OneOrMany, Text, Whole};

/// `scrape_endpoint`: its fields may be given in `scrape_config` or at the top level.
pub type ScrapeEndpoint<'a> = Both<ScrapeConfig<'a>, ScrapeFields<'a>>;

/// `federate`.
pub type Federate<'a> = Both<FederatedSeries<'a>, Both<ScrapeConfig<'a>, ScrapeOptions<'a>>>;

/// The fields of `scrape_endpoint`.
pub type ScrapeFields<'a> = Both<ScrapedEndpoint<'a>, ScrapeOptions<'a>>;

/// Nested scrape fields.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ScrapeConfig<'a> {
    /// They take precedence over fields at the top level.
    pub scrape_config: Option<ScrapeFields<'a>>,
}

/// The endpoint to scrape.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ScrapedEndpoint<'a> {
    /// The endpoint's URL, with path and query if needed.
    pub endpoint_url: Text<'a>,
    /// Appended to the URL's path, unless that already ends with it; `/metrics` by default.
    pub path: Text<'a>,
    /// The scrape interval in the returned scrape configuration; the setting `scrape_interval` by
    /// default.
    pub interval: Duration,
    /// The timeout of the scrape; the setting of that name by default.
    pub timeout: Duration,
    /// The format of a response whose `Content-Type` is missing or not a metrics format:
    /// `prometheus`, `openmetrics`, `openmetrics2` or `protobuf`. Without it, that is an error.
    pub fallback_format: Text<'a>,
    /// Credentials for the endpoint.
    #[cfg_attr(feature = "schema", schemars(with = "crate::settings::Setting<crate::settings::Auth<'a>>"))]
    pub endpoint_auth: Any<'a>,
}

/// How a scrape is requested, reported and processed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ScrapeOptions<'a> {
    /// The preferred format: `openmetrics` (the default), `openmetrics2` (2.0, which is asked for
    /// only in this way), `prometheus` or `protobuf`.
    pub accept: Text<'a>,
    /// The maximum number of metric families and of lint findings in the result; 300 by default.
    pub limit: Whole,
    /// Whether the result includes samples; false by default.
    pub include_samples: Flag,
    /// The maximum number of samples in the result; 1,000 by default.
    pub sample_limit: Whole,
    /// The format to convert the exposition to: `prometheus`, `openmetrics` or `openmetrics2`.
    pub reexport: Text<'a>,
    /// Whether to push it as a separate group; false by default.
    pub push: Flag,
    /// The job of that group and of the scrape configuration; by default derived from host and
    /// port.
    pub scrape_job: Text<'a>,
    /// Whether to import it into the registry; false by default.
    pub import: Flag,
    /// Whether to import untyped metrics as gauges; they stay untyped by default.
    pub unknown_as_gauge: Flag,
    /// Whether remote writes have the classic histograms that are imported as native ones with
    /// custom buckets, as after a scrape by Prometheus with this setting; false by default.
    pub convert_classic_histograms_to_nhcb: Flag,
}

/// The series that Prometheus federates.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct FederatedSeries<'a> {
    /// Selectors such as `{job="a"}`; a series must match at least one.
    pub r#match: OneOrMany<Text<'a>>,
    /// An alias of `match`, as in the API.
    #[serde(rename = "match[]")]
    pub match_of_api: OneOrMany<Text<'a>>,
}
