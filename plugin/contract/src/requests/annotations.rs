//! Marks in Grafana's dashboards.

use serde::Deserialize;

use crate::scalar::{Count, Moment, OneOrMany, Text};

/// `annotate`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Annotate<'a> {
    /// The annotation to change; a new one by default.
    pub annotation_id: Count,
    /// What people read at the mark.
    pub text: Text<'a>,
    /// To find it by; a dashboard shows those that it asks for. An empty list takes them away.
    pub tags: Option<OneOrMany<Text<'a>>>,
    /// When, or from when on; now by default.
    pub time: Moment<'a>,
    /// Till when, for a region.
    pub time_end: Moment<'a>,
    /// The dashboard that shows it; all of the organisation by default.
    pub dashboard_uid: Text<'a>,
    /// The panel of that dashboard.
    pub panel_id: Count,
}
