//! Groups on a Pushgateway.

use serde::Deserialize;

use crate::scalar::{Duration, Flag, Labels};

/// `list_groups`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListGroups<'a> {
    /// Only groups with these labels.
    pub labels: Labels<'a>,
}

/// `expire_groups`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["older_than"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ExpireGroups<'a> {
    /// The minimum time since the last push to a group.
    pub older_than: Duration,
    /// Only groups with these labels.
    pub labels: Labels<'a>,
    /// Whether to only report what would be deleted; true by default.
    pub dry_run: Flag,
}
