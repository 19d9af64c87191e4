//! How pushes went.

use serde::Serialize;

use crate::response::{Response, ResponseWriter};

use super::error::PushConflict;
use super::shared::{Amount, is_empty, is_false};

/// How a push of one group went.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushOutcome {
    /// Whether the gateway has accepted what was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_pushed: Option<bool>,
    /// Why a push that nobody asked for by name failed. The values stay recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_error: Option<String>,
    /// The same as an error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_error_code: Option<&'static str>,
    /// The gateway's origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_origin: Option<String>,
    /// What the gateway would refuse, the first of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Vec<PushConflict>>,
    /// Native histograms of which only sum and count were pushed.
    #[serde(skip_serializing_if = "is_empty")]
    pub downgraded: Vec<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downgrade_reason: Option<String>,
    /// Why the push was not checked for conflicts before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preflight_skipped: Option<String>,
    /// With `detect_resets`: how many counters of the group this push did not raise, or removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub counters_replaced: Option<u64>,
    /// The first of those counters.
    #[serde(skip_serializing_if = "is_empty")]
    pub replaced: Vec<ReplacedCounter>,
}

/// A counter of a group that a push did not raise.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "replaced"))]
pub struct ReplacedCounter {
    /// The series, as PromQL would select it.
    pub series: String,
    /// What the gateway had.
    pub stored: Amount,
    /// What was pushed; absent where the push removed the series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed: Option<Amount>,
}

/// How the push that came with a call went, and those of other groups.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PushReport {
    /// The push of the call's own group.
    pub outcome: PushOutcome,
    /// What there is to say beside.
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

/// How the push that came with a record went. Most records come with none, and their response is
/// smaller than a whole report.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordPush {
    /// None was tried.
    Untried(Unpushed),
    /// One failed at once.
    Tried(Box<PushReport>),
    /// One is to be made, and says by itself how it went.
    Due,
}

/// That no push was tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unpushed {
    /// False.
    pub metric_pushed: bool,
    /// Whether the configuration says `mock_mode`, so that no server was asked.
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
        // It has all that the other case has.
        let mut schema = PushReport::schema(generator);
        schema.insert("required".into(), serde_json::json!(["metric_pushed"]));
        schema
    }
}

/// What there is to say of pushes beside that of the call's own group.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushRemarks {
    /// Whether the configuration says `mock_mode`, so that no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// How the pushes of groups went that the call is not about, because they have keys of their
    /// own.
    #[serde(skip_serializing_if = "is_empty")]
    pub groups_pushed: Vec<GroupPush>,
}

/// How the push of another group went.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "group_push"))]
pub struct GroupPush {
    /// The group's URL.
    pub group: String,
    /// How it went.
    #[serde(flatten)]
    pub outcome: PushOutcome,
}

/// `push_metrics`: what it says beside [`PushReport`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pushed {
    /// How many series the group has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<u64>,
    /// The group's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whether nothing was sent, because `dry_run` says so.
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
    /// Whether values have reached no gateway.
    pub unpushed: bool,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpushed_reason: Option<UnpushedReason>,
}

/// Why values have reached no gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnpushedReason {
    /// None is configured.
    NoGateway,
    /// `push_policy` leaves pushing to `push_metrics`.
    Manual,
    /// `mock_mode` is on.
    MockMode,
    /// `push_mode` is `delete`.
    DeleteMode,
    /// No push was tried yet, or the gateway did not accept it.
    NotAccepted,
}

/// `delete_metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deleted {
    /// Whether the gateway deleted the group; it has none then.
    pub deleted: bool,
    /// The group's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}
