//! Options for dashboards, and their target folder.

use super::uid;
use crate::error::Error;
use plugpipe_contract::requests::DashboardOptions;
use plugpipe_contract::scalar::TextOr;

/// The longest folder title, in bytes.
const MAX_FOLDER_LEN: usize = 255;

/// The target folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The folder titles, outermost first.
    pub titles: Vec<String>,
    /// The uid of the last one, or of an existing folder, if given.
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

/// Options for completing dashboards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The target folder, which is part of derived uids.
    pub place: Place,
    /// The initial uid or name in the data source variable; `None` for the default data source.
    pub datasource: Option<String>,
    /// The prefix of metric names in templates; `None` for `plugpipe`.
    pub prefix: Option<String>,
}

impl Options {
    /// Reads the options of a request.
    pub fn read(request: &DashboardOptions) -> Result<Self, Error> {
        Ok(Self {
            place: Place::read(request)?,
            datasource: request.datasource.to_owned(),
            prefix: request.prefix.to_owned(),
        })
    }

    /// The part of a derived uid that depends on the folder.
    pub(super) fn folders(&self) -> &[String] {
        match &self.place.uid {
            Some(uid) if self.place.titles.is_empty() => core::slice::from_ref(uid),
            _ => &self.place.titles,
        }
    }
}
