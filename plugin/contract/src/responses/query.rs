//! Results of PromQL operations.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::shared::Amount;
use crate::raw::{RawList, RawObject};

/// `query_metrics`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Queried<'a> {
    /// The PromQL expression.
    pub query: &'a str,
    /// When the query was sent.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Rfc3339"))]
    pub timestamp: String,
    /// The expression's value.
    pub query_result: QueryResult,
    /// The step, if it was raised to limit the number of points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_raised_to_seconds: Option<Amount>,
    /// The number of requests, if the range was split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<u64>,
    /// With `stats`: the query statistics; for a split range, those of the first part.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::raw::RawObject>"))]
    pub stats: Option<Box<RawValue>>,
}

/// The value of an expression, in the format of Prometheus's API.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "query_result"))]
pub struct QueryResult {
    /// The type of the value.
    #[serde(rename = "resultType")]
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["vector", "matrix", "scalar", "string"])))]
    pub result_type: Cow<'static, str>,
    /// The value: timestamps are numbers in seconds, sample values are strings, including `NaN` and
    /// `+Inf`.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Value>"))]
    pub result: Box<RawValue>,
}

impl QueryResult {
    /// An empty list.
    pub fn empty(result_type: &'static str) -> Self {
        Self { result_type: result_type.into(), result: to_raw_value(&[(); 0]).unwrap_or_default() }
    }
}

/// `query_exemplars`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FoundExemplars {
    /// The labels and exemplars of each series, in Prometheus's format.
    pub exemplars: RawList,
}

/// `format_query`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FormattedQuery<'a> {
    /// The PromQL expression.
    pub query: &'a str,
    /// The formatted expression.
    pub formatted: String,
}

/// `parse_query`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParsedQuery<'a> {
    /// The PromQL expression.
    pub query: &'a str,
    /// The syntax tree from the server's parser.
    pub syntax_tree: RawObject,
}
