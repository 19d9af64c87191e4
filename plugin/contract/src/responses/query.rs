//! What becomes of PromQL expressions.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::prometheus::JsonObject;
use super::shared::Amount;

/// `query_metrics`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Queried<'a> {
    /// The PromQL expression.
    pub query: &'a str,
    /// When the plug asked.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Rfc3339"))]
    pub timestamp: String,
    /// What the expression's value is.
    pub query_result: QueryResult,
    /// The step, where it was raised because there would have been too many points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_raised_to_seconds: Option<Amount>,
    /// How many requests the range was split into, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<u64>,
    /// With `stats`: what the query cost; of a range in parts, what the first part did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::prometheus::AnyObject>"))]
    pub stats: Option<Box<RawValue>>,
}

/// The value of an expression, in the form of Prometheus's API.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "query_result"))]
pub struct QueryResult {
    /// What kind of value it is.
    #[serde(rename = "resultType")]
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["vector", "matrix", "scalar", "string"])))]
    pub result_type: Cow<'static, str>,
    /// The value: its times are numbers of seconds, its numbers texts, among them `NaN` and `+Inf`.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Value>"))]
    pub result: Box<RawValue>,
}

impl QueryResult {
    /// A list without items.
    pub fn empty(result_type: &'static str) -> Self {
        Self { result_type: result_type.into(), result: to_raw_value(&[(); 0]).unwrap_or_default() }
    }
}

/// `query_exemplars`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FoundExemplars {
    /// For each series its labels and exemplars, as Prometheus has them.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<super::prometheus::AnyObject>"))]
    pub exemplars: Vec<Box<RawValue>>,
}

/// `format_query`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FormattedQuery<'a> {
    /// The PromQL expression.
    pub query: &'a str,
    /// The same, laid out.
    pub formatted: String,
}

/// `parse_query`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParsedQuery<'a> {
    /// The PromQL expression.
    pub query: &'a str,
    /// The tree that the server's parser makes of it.
    #[cfg_attr(feature = "schema", schemars(with = "super::prometheus::AnyObject"))]
    pub syntax_tree: JsonObject,
}
