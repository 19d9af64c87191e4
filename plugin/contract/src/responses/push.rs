//! Outcomes of pushes.

use serde::Serialize;

use crate::response::{Response, ResponseWriter};

use super::error::PushConflict;
use super::shared::{Amount, is_empty, is_false};

/// The outcome of pushing one group.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushOutcome {
    /// Whether the gateway has accepted all recorded values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_pushed: Option<bool>,
    /// Why an automatic push failed. The values remain recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_error: Option<String>,
    /// The error code of `push_error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_error_code: Option<&'static str>,
    /// The gateway's origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_origin: Option<String>,
    /// The first conflicts because of which the gateway would reject the push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Vec<PushConflict>>,
    /// Native histograms that were pushed with only their sum and count.
    #[serde(skip_serializing_if = "is_empty")]
    pub downgraded: Vec<String>,
    /// Why they were downgraded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downgrade_reason: Option<String>,
    /// Why the push was not checked for conflicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preflight_skipped: Option<String>,
    /// With `detect_resets`: how many counters of the group this push lowered, reset or removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub counters_replaced: Option<u64>,
    /// The first of those counters.
    #[serde(skip_serializing_if = "is_empty")]
    pub replaced: Vec<ReplacedCounter>,
}

/// A counter of a group that a push did not increase.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "replaced"))]
pub struct ReplacedCounter {
    /// The series, as PromQL would select it.
    pub series: String,
    /// The value on the gateway.
    pub stored: Amount,
    /// The pushed value; absent if the push removed the series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed: Option<Amount>,
}

/// The outcome of the push that a call triggered, and of pushes of other groups.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PushReport {
    /// The push of the call's own group.
    pub outcome: PushOutcome,
    /// Additional remarks.
    pub beside: PushRemarks,
}

impl Response for PushReport {
    fn write(&self, out: &mut ResponseWriter) {
        self.outcome.write(out);
        self.beside.write(out);
    }

    #[cfg(feature = "schema")]
    fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <(PushOutcome, PushRemarks)>::schema(generator)
    }
}

/// The outcome of the push that a record triggered. Most records trigger none, and their response
/// is smaller than a full report.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordPush {
    /// No push was attempted.
    Untried(Unpushed),
    /// One failed at once.
    Tried(Box<PushReport>),
    /// One is to be made, and says by itself how it went.
    Due,
}

/// No push was attempted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unpushed {
    /// Always false.
    pub metric_pushed: bool,
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}

impl From<RecordPush> for PushReport {
    fn from(push: RecordPush) -> Self {
        match push {
            RecordPush::Tried(report) => *report,
            RecordPush::Untried(Unpushed { metric_pushed, mock }) => Self {
                outcome: PushOutcome { metric_pushed: Some(metric_pushed), ..PushOutcome::default() },
                beside: PushRemarks { mock, ..PushRemarks::default() },
            },
            RecordPush::Due => Self::default(),
        }
    }
}

impl Response for RecordPush {
    #[inline]
    fn write(&self, out: &mut ResponseWriter) {
        match self {
            Self::Untried(unpushed) => unpushed.write(out),
            Self::Tried(report) => report.write(out),
            Self::Due => {}
        }
    }

    #[cfg(feature = "schema")]
    fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        // A report has all members of `Unpushed`.
        let mut schema = PushReport::schema(generator);
        schema.insert("required".into(), serde_json::json!(["metric_pushed"]));
        schema
    }
}

/// Remarks about pushes other than that of the call's own group.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushRemarks {
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// How the pushes of groups went that the call is not about, because they have keys of their
    /// own.
    #[serde(skip_serializing_if = "is_empty")]
    pub groups_pushed: Vec<GroupPush>,
}

/// The outcome of pushing another group.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "group_push"))]
pub struct GroupPush {
    /// The group's URL.
    pub group: String,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: PushOutcome,
}

/// `push_metrics`, in addition to [`PushReport`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pushed {
    /// How many series the group has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<u64>,
    /// The group's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whether nothing was sent because of `dry_run`.
    #[serde(skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// With `dry_run`: whether the gateway would accept the push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_be_accepted: Option<bool>,
    /// With `push_mode: delete`: whether the group was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
}

/// `flush_metrics`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Flushed {
    /// Whether some values have not reached a gateway.
    pub unpushed: bool,
    /// Why they have not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpushed_reason: Option<UnpushedReason>,
}

/// Why values have reached no gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnpushedReason {
    /// No gateway is configured.
    NoGateway,
    /// `push_policy` leaves pushing to `push_metrics`.
    Manual,
    /// `mock_mode` is on.
    MockMode,
    /// `push_mode` is `delete`.
    DeleteMode,
    /// No push was attempted yet, or the gateway did not accept it.
    NotAccepted,
}

/// `delete_metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deleted {
    /// Whether the group no longer exists on the gateway.
    pub deleted: bool,
    /// The group's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}
