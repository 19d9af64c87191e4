//! What a Pushgateway holds, and what is left at the end.

use serde::Serialize;

use super::error::ErrorReport;
use super::shared::{LabelPairs, is_empty, is_false};

/// `list_groups` and `expire_groups`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupList {
    /// Whether no server was asked, because `mock_mode` is on.
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

/// Whether an operation only said what it would do.
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
    /// Its key, `job` among it.
    pub labels: LabelPairs<'static>,
    /// Its URL; absent where its key cannot be written as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// When a push to it was last accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Rfc3339"))]
    pub last_push: Option<String>,
    /// When a push to it was last refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Rfc3339"))]
    pub last_failure: Option<String>,
    /// How many metrics it has, without those about its pushes.
    pub metrics: u64,
    /// How many series they have.
    pub series: u64,
    /// `expire_groups`: whether it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
    /// Why it was not.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

/// What became of the groups that were pushed, when the plug ends.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CleanedGroups {
    /// The URLs of the groups that were deleted.
    pub groups_deleted: Vec<String>,
    /// The groups that are still there.
    pub groups_left: Vec<GroupLeft>,
}

/// A group that was pushed and not deleted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupLeft {
    /// The group's URL.
    pub group: String,
    /// Why it could not be deleted; absent where that was not tried.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

/// What `cleanup` has forgotten, beside [`CleanedGroups`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cleaned {
    /// How many series were forgotten.
    pub series_dropped: u64,
    /// Whether something among them had reached no gateway.
    pub unpushed: bool,
    /// How the receivers took the end of the series that were remote-written.
    #[serde(skip_serializing_if = "is_empty")]
    pub remote_write: Vec<super::remote::EndedReceiver>,
}
