//! Annotations: points and ranges in time, marked in dashboards.

use serde::{Deserialize, Serialize};

use super::{Api, bad_response, read, refusal};
use crate::error::Error;
use crate::http::{Method, Segment};

/// An annotation.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Annotation {
    /// Text; may contain HTML, which Grafana sanitizes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Tags; dashboards select annotations by them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// The time, or the start of a range, in milliseconds since the Unix epoch.
    #[serde(rename = "time", skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
    /// The end of a range.
    #[serde(rename = "timeEnd", skip_serializing_if = "Option::is_none")]
    pub end_ms: Option<u64>,
    /// The dashboard that shows it; `None` for all of the organization.
    #[serde(rename = "dashboardUID", skip_serializing_if = "Option::is_none")]
    pub dashboard_uid: Option<String>,
    /// The panel of that dashboard.
    #[serde(rename = "panelId", skip_serializing_if = "Option::is_none")]
    pub panel: Option<u64>,
}

/// The response to creating an annotation.
#[derive(Deserialize)]
struct CreatedAnnotation {
    id: Option<u64>,
}

impl Api<'_> {
    /// Creates an annotation and returns its id.
    pub fn annotate(&mut self, annotation: &Annotation) -> Result<u64, Error> {
        let url = self.url(["annotations".into()]);
        let response = self.post(&url, annotation)?;
        match response.status {
            200 | 201 => read::<CreatedAnnotation>(&url, &response)?
                .id
                .ok_or_else(|| bad_response(&url, "the annotation has no id")),
            404 => Err(refusal(&url, &response, "dashboard_uid must be a dashboard of this organization")),
            _ => Err(refusal(&url, &response, "")),
        }
    }

    /// Updates the given fields of an annotation, such as its end.
    pub fn change_annotation(&mut self, id: u64, annotation: &Annotation) -> Result<(), Error> {
        let url = self.url(["annotations".into(), Segment::word(&id.to_string())]);
        let response = self.send_json(Method::Patch, &url, annotation)?;
        match response.status {
            200 => Ok(()),
            404 => Err(refusal(&url, &response, "annotation_id must be an id that annotate returned")),
            _ => Err(refusal(&url, &response, "")),
        }
    }
}
