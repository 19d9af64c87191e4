//! Alertmanager's alerts, receivers and silences.

use serde::Serialize;

use super::shared::is_false;
use crate::raw::{RawList, RawObject};

/// `list_notified_alerts`.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotifiedAlerts {
    /// Alerts in the format of Alertmanager's API.
    pub alerts: RawList,
}

/// `list_alert_groups`.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertGroups {
    /// Alert groups in the format of Alertmanager's API.
    pub groups: RawList,
}

/// `list_receivers`.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receivers {
    /// Receivers in the format of Alertmanager's API.
    pub receivers: RawList,
}

/// `list_silences`.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Silences {
    /// Silences in the format of Alertmanager's API.
    pub silences: RawList,
}

/// `alertmanager_status`.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertmanagerStatus {
    /// Version, cluster and configuration in the format of Alertmanager's API.
    pub status: RawObject,
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
