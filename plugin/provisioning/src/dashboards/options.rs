//! What dashboards are made with, and where they lie.

use super::uid;
use crate::error::Error;
use plugpipe_contract::requests::DashboardOptions;
use plugpipe_contract::scalar::TextOr;

/// Longest title of a folder, in bytes.
const MAX_FOLDER_LEN: usize = 255;

/// Where dashboards lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The titles of the folders, the outermost first.
    pub titles: Vec<String>,
    /// The uid of the last of them, or of a folder that is there already; none where it was not
    /// given.
    pub uid: Option<String>,
}

impl Place {
    fn read(request: &DashboardOptions) -> Result<Self, Error> {
        let titles: Vec<String> = match &request.folder {
            None => Vec::new(),
            Some(TextOr::Text(title)) => title.get().map(|title| title.trim().to_owned()).into_iter().collect(),
            Some(TextOr::Parts(titles)) => titles.iter().map(|title| title.0.clone().into_owned()).collect(),
        };
        if let Some(wrong) = titles.iter().find(|title| title.is_empty() || title.len() > MAX_FOLDER_LEN) {
            return Err(Error::invalid("folder", format!("expected 1 to {MAX_FOLDER_LEN} bytes, got {}", wrong.len())));
        }
        let uid = request.folder_uid.to_owned();
        if let Some(uid) = &uid {
            uid::check(uid).map_err(|problem| Error::invalid("folder_uid", problem))?;
        }
        Ok(Self { titles, uid })
    }
}

/// What dashboards are made with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Where they lie: part of a derived uid.
    pub place: Place,
    /// The uid or name of the data source that the variable begins with; none for the default one.
    pub datasource: Option<String>,
    /// What the names of a template's metrics begin with; none for `plugpipe`.
    pub prefix: Option<String>,
}

impl Options {
    /// Checks what a request says.
    pub fn read(request: &DashboardOptions) -> Result<Self, Error> {
        Ok(Self {
            place: Place::read(request)?,
            datasource: request.datasource.to_owned(),
            prefix: request.prefix.to_owned(),
        })
    }

    /// What tells the place from others in a derived uid.
    pub(super) fn folders(&self) -> &[String] {
        match &self.place.uid {
            Some(uid) if self.place.titles.is_empty() => core::slice::from_ref(uid),
            _ => &self.place.titles,
        }
    }
}
