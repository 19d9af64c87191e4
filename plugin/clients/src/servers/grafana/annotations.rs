//! Annotations: moments and regions of time, marked in dashboards.

use super::{Api, bad, no, object};
use crate::error::Error;
use crate::http::{Method, Segment};
use plugpipe_provisioning::dashboards::tree::{Map, Tree};

/// What is marked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Annotation {
    /// For people; may hold HTML, which Grafana cleans.
    pub text: Option<String>,
    /// To find it by; a dashboard shows those that it asks for.
    pub tags: Option<Vec<String>>,
    /// When, or from when on, in milliseconds since the Unix epoch.
    pub time_ms: Option<u64>,
    /// Till when, for a region.
    pub end_ms: Option<u64>,
    /// The dashboard that shows it; none for all of the organisation.
    pub dashboard_uid: Option<String>,
    /// The panel of that dashboard.
    pub panel: Option<u64>,
}

impl Annotation {
    fn body(&self) -> Map {
        let mut body = Map::default();
        for (name, text) in [("text", &self.text), ("dashboardUID", &self.dashboard_uid)] {
            if let Some(text) = text {
                body.set(name, text.as_str());
            }
        }
        for (name, number) in [("time", self.time_ms), ("timeEnd", self.end_ms), ("panelId", self.panel)] {
            if let Some(number) = number {
                body.set(name, number);
            }
        }
        if let Some(tags) = &self.tags {
            body.set("tags", tags.iter().map(|tag| tag.as_str().into()).collect::<Vec<Tree>>());
        }
        body
    }
}

impl Api<'_> {
    /// Makes an annotation, and answers its id.
    pub fn annotate(&mut self, annotation: &Annotation) -> Result<u64, Error> {
        let url = self.url(["annotations".into()]);
        let response = self.post(&url, &annotation.body())?;
        match response.status {
            200 | 201 => object(&url, &response)?.whole("id").ok_or_else(|| bad(&url, "the annotation has no id")),
            404 => Err(no(&url, &response, "dashboard_uid must be a dashboard of this organisation")),
            _ => Err(no(&url, &response, "")),
        }
    }

    /// Changes what is given of an annotation, such as its end.
    pub fn change_annotation(&mut self, id: u64, annotation: &Annotation) -> Result<(), Error> {
        let url = self.url(["annotations".into(), Segment::word(&id.to_string())]);
        let response = self.tell(Method::Patch, &url, &annotation.body())?;
        match response.status {
            200 => Ok(()),
            404 => Err(no(&url, &response, "annotation_id must be one that annotate answered")),
            _ => Err(no(&url, &response, "")),
        }
    }
}
