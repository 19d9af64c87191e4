//! Alerts that were sent to Alertmanager or to a webhook.

use serde::Serialize;

use super::error::ErrorReport;
use super::shared::{LabelPairs, is_false};

/// `send_alerts`, in addition to [`SentAlerts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertsSent {
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// How many alerts Alertmanager accepted; 0 in `mock_mode`.
    pub alerts_sent: u64,
}

/// `resolve_alerts`, in addition to [`SentAlerts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertsResolved {
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// How many alerts Alertmanager accepted as resolved; 0 in `mock_mode`.
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
    /// Alertmanager's fingerprint of its labels, in hexadecimal.
    pub fingerprint: String,
    /// Its labels, with `alertname` and `severity`.
    pub labels: LabelPairs<'static>,
}

/// The outcome of a webhook notification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "delivery"))]
pub struct Delivery {
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The webhook's URL, redacted.
    pub webhook_url: String,
    /// Whether the receiver responded with a 2xx status.
    pub delivered: bool,
    /// Whether the body was signed with `webhook_secret`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<bool>,
    /// The HTTP status of the receiver's response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
}

/// The outcome of a notification whose failure does not fail the operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "webhook"))]
#[serde(untagged)]
pub enum Webhook {
    /// It was sent.
    Sent(Delivery),
    /// It could not be sent.
    Failed(FailedDelivery),
}

/// The error of a failed notification.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "failed_delivery"))]
pub struct FailedDelivery {
    /// Always false.
    pub delivered: bool,
    /// The error.
    #[serde(flatten)]
    pub error: ErrorReport,
}
