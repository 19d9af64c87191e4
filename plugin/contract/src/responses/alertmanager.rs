//! Alertmanager's alerts, receivers and silences.

use serde::Serialize;
use serde_json::value::RawValue;

use super::shared::is_false;

/// `list_notified_alerts`.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotifiedAlerts {
    /// Alerts in the format of Alertmanager's API.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>"))]
    pub alerts: Vec<Box<RawValue>>,
}

/// `list_alert_groups`.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertGroups {
    /// Alert groups in the format of Alertmanager's API.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>"))]
    pub groups: Vec<Box<RawValue>>,
}

/// `list_receivers`.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receivers {
    /// Receivers in the format of Alertmanager's API.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>"))]
    pub receivers: Vec<Box<RawValue>>,
}

/// `list_silences`.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Silences {
    /// Silences in the format of Alertmanager's API.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>"))]
    pub silences: Vec<Box<RawValue>>,
}

/// `alertmanager_status`.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertmanagerStatus {
    /// Version, cluster and configuration in the format of Alertmanager's API.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub status: std::collections::BTreeMap<String, Box<RawValue>>,
}

/// `create_silence`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedSilence {
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// When the silence begins.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Rfc3339"))]
    pub starts_at: String,
    /// When it ends.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Rfc3339"))]
    pub ends_at: String,
    /// Its matchers, such as `severity="warning"`; it mutes alerts that match all of them.
    pub matchers: Vec<String>,
    /// Its id. A changed silence may have a new id. Absent in `mock_mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence_id: Option<String>,
}

/// `expire_silence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExpiredSilence<'a> {
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
    /// The silence's id.
    pub silence_id: &'a str,
    /// Whether Alertmanager expired it; false if it has no silence with that id.
    pub expired: bool,
}
