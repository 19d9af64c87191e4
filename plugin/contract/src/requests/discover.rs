//! Targets from service discovery.

use serde::Deserialize;

use crate::scalar::{Any, Text};

/// `discover_targets`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct DiscoverTargets<'a> {
    /// The URL of an http_sd endpoint.
    pub sd_url: Text<'a>,
    /// Instead of `sd_url`, a list of `host:port`, or of groups in the format of an http_sd
    /// endpoint.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<Any<'a>>>"))]
    pub targets: Any<'a>,
}
