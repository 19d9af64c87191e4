//! Alerts that were sent to Alertmanager or to a webhook.

use serde::Serialize;

use super::error::ErrorReport;
use super::shared::{LabelPairs, is_false};

/// `send_alerts`: what it says beside [`SentAlerts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertsSent {
    /// Whether the configuration says `mock_mode`, so that no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// How many alerts Alertmanager took; 0 in `mock_mode`.
    pub alerts_sent: u64,
}

/// `resolve_alerts`: what it says beside [`SentAlerts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertsResolved {
    /// Whether the configuration says `mock_mode`, so that no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// How many alerts Alertmanager took as ended; 0 in `mock_mode`.
    pub alerts_resolved: u64,
}

/// The alerts of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SentAlerts {
    /// The alerts, in the request's order.
    pub alerts: Vec<SentAlert>,
}

/// One alert of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "sent_alert"))]
pub struct SentAlert {
    /// The hash of its labels by which Alertmanager knows it, in hexadecimal.
    pub fingerprint: String,
    /// Its labels, with `alertname` and `severity`.
    pub labels: LabelPairs<'static>,
}

/// How a webhook took a notification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "delivery"))]
pub struct Delivery {
    /// Whether the configuration says `mock_mode`, so that no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The receiver, without its secrets.
    pub webhook_url: String,
    /// Whether the receiver responded with a status of 2xx.
    pub delivered: bool,
    /// Whether the body was signed with `webhook_secret`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<bool>,
    /// The status that the receiver responded with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
}

/// What became of a notification that is a part of something else, which holds without it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "webhook"))]
#[serde(untagged)]
pub enum Webhook {
    /// It was sent.
    Sent(Delivery),
    /// It was not.
    Failed(FailedDelivery),
}

/// Why a webhook has no notification.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "failed_delivery"))]
pub struct FailedDelivery {
    /// False.
    pub delivered: bool,
    /// Why.
    #[serde(flatten)]
    pub error: ErrorReport,
}
