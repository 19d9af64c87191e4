//! Alerts that a pipe raises by itself.

use serde::Deserialize;

use crate::scalar::{Flag, Labels, Moment, Text};

/// `send_alerts` and `resolve_alerts`. One alert may stand beside these, as [`AlertFields`].
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct SendAlerts<'a> {
    /// The alerts; without them the one that stands beside is meant.
    pub alerts: Option<Vec<AlertFields<'a>>>,
}

/// `notify_webhook`. One alert may stand beside these, as [`AlertFields`].
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct NotifyWebhook<'a> {
    /// The alerts; without them the one that stands beside is meant.
    pub alerts: Option<Vec<AlertFields<'a>>>,
    /// What the body names as its receiver; the plug's name by default.
    pub receiver: Text<'a>,
}

/// One alert.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "alert"))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct AlertFields<'a> {
    /// The label `alertname`.
    pub alert_name: Text<'a>,
    /// The label `severity`.
    pub severity: Text<'a>,
    /// Who it is: two alerts with the same labels are the same.
    pub labels: Labels<'a>,
    /// What people are told.
    pub annotations: Labels<'a>,
    /// Since when it holds; the server's now by default.
    pub starts_at: Moment<'a>,
    /// When it ended, or will have ended if nobody says more.
    pub ends_at: Moment<'a>,
    /// Where people see what made it.
    pub generator_url: Text<'a>,
    /// Another name for `starts_at`, as the API has it.
    #[serde(rename = "startsAt")]
    pub starts_at_of_api: Moment<'a>,
    /// Another name for `ends_at`, as the API has it.
    #[serde(rename = "endsAt")]
    pub ends_at_of_api: Moment<'a>,
    /// Another name for `generator_url`, as the API has it.
    #[serde(rename = "generatorURL")]
    pub generator_url_of_api: Text<'a>,
    /// Whether names of labels and annotations may be any text.
    pub utf8: Flag,
}
