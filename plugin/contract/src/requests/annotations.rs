//! Grafana annotations.

use serde::Deserialize;

use crate::scalar::{Count, Moment, OneOrMany, Text};

/// `annotate`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Annotate<'a> {
    /// The annotation to change; a new one by default.
    pub annotation_id: Count,
    /// The annotation's text.
    pub text: Text<'a>,
    /// Tags; dashboards query annotations by tag. An empty list removes all tags.
    pub tags: Option<OneOrMany<Text<'a>>>,
    /// The time, or the start of a region; now by default.
    pub time: Moment<'a>,
    /// The end of a region.
    pub time_end: Moment<'a>,
    /// The dashboard; all dashboards of the organization by default.
    pub dashboard_uid: Text<'a>,
    /// The panel of that dashboard.
    pub panel_id: Count,
}
