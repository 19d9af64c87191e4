//! Alerts that a pipe raises itself.

use serde::Deserialize;

use crate::scalar::{Flag, Labels, Moment, Text};

/// `send_alerts` and `resolve_alerts`. A single alert may be given at the top level, as
/// [`AlertFields`].
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct SendAlerts<'a> {
    /// The alerts; by default the single alert at the top level.
    pub alerts: Option<Vec<AlertFields<'a>>>,
}

/// `notify_webhook`. A single alert may be given at the top level, as [`AlertFields`].
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct NotifyWebhook<'a> {
    /// The alerts; by default the single alert at the top level.
    pub alerts: Option<Vec<AlertFields<'a>>>,
    /// The receiver named in the body; the plug's name by default.
    pub receiver: Text<'a>,
}

/// An alert.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "alert"))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct AlertFields<'a> {
    /// The label `alertname`.
    pub alert_name: Text<'a>,
    /// The label `severity`.
    pub severity: Text<'a>,
    /// The labels, which identify the alert.
    pub labels: Labels<'a>,
    /// Annotations.
    pub annotations: Labels<'a>,
    /// When it started; the server's current time by default.
    pub starts_at: Moment<'a>,
    /// When it ended, or when it expires unless it is sent again.
    pub ends_at: Moment<'a>,
    /// A URL of the source of the alert.
    pub generator_url: Text<'a>,
    /// An alias of `starts_at`, as in the API.
    #[serde(rename = "startsAt")]
    pub starts_at_of_api: Moment<'a>,
    /// An alias of `ends_at`, as in the API.
    #[serde(rename = "endsAt")]
    pub ends_at_of_api: Moment<'a>,
    /// An alias of `generator_url`, as in the API.
    #[serde(rename = "generatorURL")]
    pub generator_url_of_api: Text<'a>,
    /// Whether names of labels and annotations may be any UTF-8 text.
    pub utf8: Flag,
}
