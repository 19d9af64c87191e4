//! The groups that a Pushgateway holds.

use serde::Deserialize;

use crate::scalar::{Duration, Flag, Labels};

/// `list_groups`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListGroups<'a> {
    /// Only groups that have these.
    pub labels: Labels<'a>,
}

/// `expire_groups`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["older_than"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ExpireGroups<'a> {
    /// How long ago the last push of a group must be.
    pub older_than: Duration,
    /// Only groups that have these.
    pub labels: Labels<'a>,
    /// Whether to say only what would be deleted; true by default.
    pub dry_run: Flag,
}
