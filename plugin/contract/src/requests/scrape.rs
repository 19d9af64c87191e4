//! What is scraped, what is told of it, and what is done with it.

use serde::Deserialize;

use crate::document::Both;
use crate::scalar::{Any, Duration, Flag, OneOrMany, Text, Whole};

/// `scrape_endpoint`: its fields may stand in `scrape_config` or beside it.
pub type ScrapeEndpoint<'a> = Both<ScrapeConfig<'a>, ScrapeFields<'a>>;

/// `federate`.
pub type Federate<'a> = Both<FederatedSeries<'a>, Both<ScrapeConfig<'a>, ScrapeOptions<'a>>>;

/// The fields of `scrape_endpoint`.
pub type ScrapeFields<'a> = Both<ScrapedEndpoint<'a>, ScrapeOptions<'a>>;

/// Where fields of a scrape may be nested.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ScrapeConfig<'a> {
    /// They win over those beside it.
    pub scrape_config: Option<ScrapeFields<'a>>,
}

/// What is scraped, and how.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ScrapedEndpoint<'a> {
    /// The server, with any path and query that the metrics live under.
    pub endpoint_url: Text<'a>,
    /// Put after the URL's own path, unless that ends with it; `/metrics` by default.
    pub path: Text<'a>,
    /// Between scrapes, in the scrape configuration of the answer; the setting `scrape_interval` by
    /// default.
    pub interval: Duration,
    /// For the whole scrape; the setting of that name by default.
    pub timeout: Duration,
    /// What an answer is whose `Content-Type` is missing or of no metrics: `prometheus`,
    /// `openmetrics` or `protobuf`. Without it such an answer is an error.
    pub fallback_format: Text<'a>,
    /// Credentials, which are read with the settings.
    #[cfg_attr(feature = "schema", schemars(with = "crate::settings::Setting<crate::settings::Auth<'a>>"))]
    pub endpoint_auth: Any<'a>,
}

/// What is asked for, told, and done with what comes.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ScrapeOptions<'a> {
    /// What is asked for first: `openmetrics` (the default), `prometheus` or `protobuf`.
    pub accept: Text<'a>,
    /// The most families and lint findings of the answer; 300 by default.
    pub limit: Whole,
    /// Whether the answer has samples; false by default.
    pub include_samples: Flag,
    /// The most samples of the answer; 1,000 by default.
    pub sample_limit: Whole,
    /// The format in which all of it is written again: `prometheus` or `openmetrics`.
    pub reexport: Text<'a>,
    /// Whether it is pushed as a group of its own; false by default.
    pub push: Flag,
    /// The job of that group and of the scrape configuration; by default named after host and port.
    pub scrape_job: Text<'a>,
    /// Whether it is imported into the registry; false by default.
    pub import: Flag,
    /// Whether metrics without a type are imported as gauges; they are refused by default.
    pub unknown_as_gauge: Flag,
}

/// Which series Prometheus federates.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct FederatedSeries<'a> {
    /// Selectors such as `{job="a"}`; a series that one of them finds counts.
    pub r#match: OneOrMany<Text<'a>>,
    /// Another name for `match`, as the API has it.
    #[serde(rename = "match[]")]
    pub match_of_api: OneOrMany<Text<'a>>,
}
