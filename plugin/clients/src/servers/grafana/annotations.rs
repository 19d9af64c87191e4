//! Annotations: moments and regions of time, marked in dashboards.

use serde::{Deserialize, Serialize};

use super::{Api, bad, no, read};
use crate::error::Error;
use crate::http::{Method, Segment};

/// What is marked.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Annotation {
    /// For people; may hold HTML, which Grafana cleans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// To find it by; a dashboard shows those that it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// When, or from when on, in milliseconds since the Unix epoch.
    #[serde(rename = "time", skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
    /// Till when, for a region.
    #[serde(rename = "timeEnd", skip_serializing_if = "Option::is_none")]
    pub end_ms: Option<u64>,
    /// The dashboard that shows it; none for all of the organisation.
    #[serde(rename = "dashboardUID", skip_serializing_if = "Option::is_none")]
    pub dashboard_uid: Option<String>,
    /// The panel of that dashboard.
    #[serde(rename = "panelId", skip_serializing_if = "Option::is_none")]
    pub panel: Option<u64>,
}

/// The response to a new annotation.
#[derive(Deserialize)]
struct Made {
    id: Option<u64>,
}

impl Api<'_> {
    /// Makes an annotation, and returns its id.
    pub fn annotate(&mut self, annotation: &Annotation) -> Result<u64, Error> {
        let url = self.url(["annotations".into()]);
        let response = self.post(&url, annotation)?;
        match response.status {
            200 | 201 => read::<Made>(&url, &response)?.id.ok_or_else(|| bad(&url, "the annotation has no id")),
            404 => Err(no(&url, &response, "dashboard_uid must be a dashboard of this organisation")),
            _ => Err(no(&url, &response, "")),
        }
    }

    /// Changes what is given of an annotation, such as its end.
    pub fn change_annotation(&mut self, id: u64, annotation: &Annotation) -> Result<(), Error> {
        let url = self.url(["annotations".into(), Segment::word(&id.to_string())]);
        let response = self.tell(Method::Patch, &url, annotation)?;
        match response.status {
            200 => Ok(()),
            404 => Err(no(&url, &response, "annotation_id must be one that annotate answered")),
            _ => Err(no(&url, &response, "")),
        }
    }
}
