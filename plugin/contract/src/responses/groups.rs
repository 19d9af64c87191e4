//! Groups on a Pushgateway, and the result of `cleanup`.

use serde::Serialize;

use super::error::ErrorReport;
use super::shared::{LabelPairs, is_empty, is_false};

/// `list_groups` and `expire_groups`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupList {
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// How many groups are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// `expire_groups`: how many of them were deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<u64>,
    /// The groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<ListedGroup>>,
}

/// Whether an operation was a dry run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DryRun {
    /// Whether nothing was changed.
    pub dry_run: bool,
}

/// A group on a Pushgateway.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "group"))]
pub struct ListedGroup {
    /// Its grouping key, including `job`.
    pub labels: LabelPairs<'static>,
    /// Its URL; absent if the grouping key cannot be written as a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The time of the last accepted push.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Rfc3339"))]
    pub last_push: Option<String>,
    /// The time of the last rejected push.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Rfc3339"))]
    pub last_failure: Option<String>,
    /// How many metrics it has, except those about its pushes.
    pub metrics: u64,
    /// How many series they have.
    pub series: u64,
    /// `expire_groups`: whether it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
    /// Why it was not deleted.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

/// Outcomes of the pushed groups at `cleanup`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CleanedGroups {
    /// The URLs of the groups that were deleted.
    pub groups_deleted: Vec<String>,
    /// The groups that still exist.
    pub groups_left: Vec<GroupLeft>,
}

/// A pushed group that was not deleted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupLeft {
    /// The group's URL.
    pub group: String,
    /// Why deleting it failed; absent if that was not attempted.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

/// `cleanup`, in addition to [`CleanedGroups`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cleaned {
    /// How many series were dropped.
    pub series_dropped: u64,
    /// Whether some of their values never reached a gateway.
    pub unpushed: bool,
    /// The outcomes of sending stale markers to remote-write receivers.
    #[serde(skip_serializing_if = "is_empty")]
    pub remote_write: Vec<super::remote::EndedReceiver>,
}
