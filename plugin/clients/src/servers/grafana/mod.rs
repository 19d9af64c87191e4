//! Grafana's HTTP API, `/api`, of Grafana 9 to 13: health, organization, folders, search,
//! dashboards, data sources, annotations. Folders and dashboards optionally through `/apis`:
//! [`resources`].
//!
//! Never switches a user's current organization: each request names its organization, which works
//! with basic credentials only.

pub mod annotations;
pub mod apply;
pub mod datasources;
pub mod resource_groups;
pub mod resources;

use core::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::refused;
pub use annotations::Annotation;
pub use apply::{Apply, Compared, Outcome};
pub use datasources::Datasource;
use plugpipe_contract::lenient::{lenient, unless_null};
pub use resource_groups::Resources;

use crate::error::Error;
use crate::http::{Client, Method, Peer, Request, Response, Segment, Url, endpoint};
use plugpipe_contract::error::excerpt;
use plugpipe_provisioning::dashboards::members::{Map, Members as _};

/// Identifies the server in errors.
pub const PEER: Peer = Peer { server: "Grafana", setting: "grafana_url" };

/// The page size of searches.
pub const PAGE: usize = 100;

/// The most pages that one search reads.
const MAX_PAGES: usize = 1_000;

/// `GET /api/health`: 200 if Grafana and its database are healthy. Needs no credentials.
pub fn health_request(base: &Url) -> Request {
    Request::new(Method::Get, endpoint(base, ["api", "health"]))
}

/// A client for one Grafana.
pub struct Api<'a> {
    /// The HTTP client.
    pub client: Client<'a>,
    /// The base URL.
    pub base: Url,
    /// The organization; `None` for the default one of the credentials.
    pub organization: Option<u64>,
    /// The resource API for folders and dashboards; `None` to use `/api`.
    pub resources: Option<Resources>,
}

/// A dashboard in Grafana.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its JSON model, with `id`, `uid` and `version`.
    pub model: Map,
    /// Its folder; empty for none.
    pub folder_uid: String,
    /// The path of its page.
    pub url: String,
    /// The resource's metadata; empty if read through `/api`.
    pub metadata: Map,
}

impl Stored {
    /// Its version.
    pub fn version(&self) -> u64 {
        self.model.get("version").and_then(Value::as_u64).unwrap_or(0)
    }
}

/// A search result.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Found {
    /// Its uid.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// The path of its page.
    pub url: String,
    /// Its folder; empty for none.
    pub folder_uid: String,
    /// The folder's title; empty for none.
    pub folder_title: String,
    /// Its tags.
    #[serde(deserialize_with = "unless_null")]
    pub tags: Vec<String>,
}

/// The response of `GET /api/health`.
#[derive(Deserialize)]
struct Health {
    version: Option<String>,
    database: Option<String>,
}

/// The response of `GET /api/org`.
#[derive(Deserialize)]
struct Organization {
    id: Option<u64>,
    name: Option<String>,
}

/// A dashboard in `/api`.
#[derive(Deserialize)]
struct DashboardBody {
    dashboard: Map,
    #[serde(default, deserialize_with = "unless_null")]
    meta: Meta,
}

/// The metadata of a dashboard in `/api`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Meta {
    folder_uid: String,
    url: String,
}

/// A request to save a dashboard.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Save<'a> {
    dashboard: Map,
    folder_uid: &'a str,
    message: &'a str,
    overwrite: bool,
}

/// The response to a save.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Saved {
    #[serde(deserialize_with = "lenient")]
    version: u64,
    #[serde(deserialize_with = "lenient")]
    url: String,
}

/// The outcome of saving a dashboard.
#[derive(Debug, Clone, PartialEq)]
pub enum SaveOutcome {
    /// Saved.
    Done {
        /// Its new version.
        version: u64,
        /// The path of its page.
        url: String,
    },
    /// It already exists, or was changed concurrently.
    Conflict {
        /// Grafana's message.
        message: String,
    },
}

impl Api<'_> {
    fn send(&mut self, mut request: Request) -> Result<Response, Error> {
        if let Some(organization) = self.organization {
            request.headers.push(("x-grafana-org-id", organization.to_string()));
        }
        request.headers.push(("accept", "application/json".into()));
        self.client.send(PEER, request)
    }

    fn url<'s>(&self, segments: impl IntoIterator<Item = Segment<'s>>) -> Url {
        endpoint(&self.base, [Segment::from("api")].into_iter().chain(segments))
    }

    fn get(&mut self, url: &Url) -> Result<Response, Error> {
        self.send(Request::new(Method::Get, url.clone()))
    }

    /// Fetches an object; `None` if Grafana says that it does not exist. A 404 of a proxy does not
    /// count.
    fn found<T: DeserializeOwned>(&mut self, url: &Url) -> Result<Option<T>, Error> {
        let response = self.get(url)?;
        match response.status {
            200 => read(url, &response).map(Some),
            404 if is_object(&response) => Ok(None),
            _ => Err(refusal(url, &response, "")),
        }
    }

    fn post(&mut self, url: &Url, body: &impl Serialize) -> Result<Response, Error> {
        self.send_json(Method::Post, url, body)
    }

    fn send_json(&mut self, method: Method, url: &Url, body: &impl Serialize) -> Result<Response, Error> {
        // Cannot fail: all keys are strings.
        let body = serde_json::to_vec(body).unwrap_or_default();
        self.send(Request::new(method, url.clone()).with_body("application/json", body))
    }

    /// The version from `GET /api/health`, if given, and whether the database is healthy.
    pub fn health(&mut self) -> Result<(Option<String>, bool), Error> {
        let request = health_request(&self.base);
        let url = request.url.clone();
        let response = self.send(request)?;
        // A 503 reports the database in the same format.
        if response.status != 200 && response.status != 503 {
            return Err(refusal(&url, &response, ""));
        }
        let Health { version, database } = read(&url, &response)?;
        Ok((version.filter(|version| !version.is_empty()), database.as_deref() == Some("ok")))
    }

    /// The id and name of the current organization. Fails if it is not the configured one.
    pub fn verify_organization(&mut self) -> Result<(u64, String), Error> {
        let url = self.url(["org".into()]);
        let response = self.get(&url)?;
        if response.status != 200 {
            return Err(refusal(&url, &response, ""));
        }
        let Organization { id, name } = read(&url, &response)?;
        let id = id.ok_or_else(|| bad_response(&url, "the organization has no id"))?;
        let name = name.unwrap_or_default();
        match self.organization {
            Some(wanted) if wanted != id => Err(Error::invalid(
                "grafana_org_id",
                format!(
                    "asks for organization {wanted}, but Grafana {} uses {id} ({}); a token belongs to one organization: set grafana_auth to a token of {wanted}, or to basic credentials",
                    url.origin(),
                    excerpt(&name, 100)
                ),
            )),
            _ => Ok((id, name)),
        }
    }

    /// Fetches a dashboard, if it exists.
    pub fn dashboard(&mut self, uid: &str) -> Result<Option<Stored>, Error> {
        if let Some(resources) = self.resources.clone() {
            return self.dashboard_resource(&resources, uid);
        }
        let url = self.url(["dashboards".into(), "uid".into(), Segment::of(uid, "uid")?]);
        let Some(DashboardBody { dashboard: model, meta }) = self.found(&url)? else { return Ok(None) };
        Ok(Some(Stored { model, folder_uid: meta.folder_uid, url: meta.url, metadata: Map::default() }))
    }

    /// Saves a dashboard: replaces `current` as it was read, or creates it; with `overwrite`, replaces
    /// the current one in any case.
    pub fn save(
        &mut self,
        model: &Map,
        current: Option<&Stored>,
        folder_uid: &str,
        message: &str,
        overwrite: bool,
    ) -> Result<SaveOutcome, Error> {
        if let Some(resources) = self.resources.clone() {
            return self.save_resource(&resources, model, current, folder_uid, message);
        }
        let mut model = model.clone();
        // The id is the server's, and the version detects concurrent changes.
        model.set("id", Value::Null);
        if let Some(current) = current {
            model.set("version", current.version());
        }
        let url = self.url(["dashboards".into(), "db".into()]);
        let response = self.post(&url, &Save { dashboard: model, folder_uid, message, overwrite })?;
        match response.status {
            200 => {
                let Saved { version, url } = read(&url, &response)?;
                Ok(SaveOutcome::Done { version, url })
            }
            409 | 412 => Ok(SaveOutcome::Conflict { message: error_message(&response) }),
            _ => Err(refusal(&url, &response, "")),
        }
    }

    /// Deletes a dashboard; false if it does not exist.
    pub fn delete(&mut self, uid: &str) -> Result<bool, Error> {
        let uid = Segment::of(uid, "uid")?;
        let url = match self.resources.clone() {
            Some(resources) => self.resource_url(&resources.dashboards, &resources, "dashboards", Some(uid)),
            None => self.url(["dashboards".into(), "uid".into(), uid]),
        };
        let response = self.send(Request::new(Method::Delete, url.clone()))?;
        match response.status {
            200 | 202 => Ok(true),
            404 if is_object(&response) => Ok(false),
            _ => Err(refusal(&url, &response, "")),
        }
    }

    /// Searches page by page until `take` returns false or there are no more results. `filters` are
    /// query parameters.
    pub fn search(&mut self, filters: &[(&str, &str)], mut take: impl FnMut(Found) -> bool) -> Result<(), Error> {
        for page in 1..=MAX_PAGES {
            let mut query = format!("limit={PAGE}&page={page}");
            for (name, value) in filters {
                // Writing to a string cannot fail.
                let _ = write!(query, "&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
            }
            let url = self.url(["search".into()]).with_query(Some(query));
            let response = self.get(&url)?;
            if response.status != 200 {
                return Err(refusal(&url, &response, ""));
            }
            let items: Vec<Found> = read(&url, &response)?;
            let mut more = items.len() >= PAGE;
            for found in items.into_iter().filter(|found| !found.uid.is_empty()) {
                more &= take(found);
            }
            if !more {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether there is a folder with this uid.
    pub fn has_folder(&mut self, uid: &str) -> Result<bool, Error> {
        let uid = Segment::of(uid, "folder_uid")?;
        let url = match self.resources.clone() {
            Some(resources) => self.resource_url(&resources.folders, &resources, "folders", Some(uid)),
            None => self.url(["folders".into(), uid]),
        };
        let response = self.get(&url)?;
        match response.status {
            200 => Ok(true),
            404 if is_object(&response) => Ok(false),
            _ => Err(refusal(&url, &response, "")),
        }
    }

    /// The uid of the folder with this title in the folder `parent`, which is empty for the root.
    pub fn folder_of_title(&mut self, title: &str, parent: &str) -> Result<Option<String>, Error> {
        let mut uid = None;
        self.search(&[("type", "dash-folder"), ("query", title)], |found| {
            if found.title == title && found.folder_uid == parent {
                uid = Some(found.uid);
            }
            uid.is_none()
        })?;
        Ok(uid)
    }

    /// Creates a folder, unless it exists.
    pub fn make_folder(&mut self, uid: &str, title: &str, parent: &str) -> Result<(), Error> {
        let (url, body) = match self.resources.clone() {
            Some(resources) => self.folder_resource(&resources, uid, title, parent),
            None => {
                let body = match parent {
                    "" => json!({"uid": uid, "title": title}),
                    parent => json!({"uid": uid, "title": title, "parentUid": parent}),
                };
                (self.url(["folders".into()]), body)
            }
        };
        let response = self.post(&url, &body)?;
        match response.status {
            200 | 201 => Ok(()),
            409 | 412 if self.has_folder(uid)? => Ok(()),
            _ => Err(refusal(&url, &response, "")),
        }
    }
}

/// Parses a response.
fn read<T: DeserializeOwned>(url: &Url, response: &Response) -> Result<T, Error> {
    serde_json::from_slice(&response.body).map_err(|problem| bad_response(url, &problem.to_string()))
}

/// Whether a response is from Grafana and not a proxy's page.
fn is_object(response: &Response) -> bool {
    serde_json::from_slice::<Map>(&response.body).is_ok()
}

fn bad_response(url: &Url, problem: &str) -> Error {
    Error::BadAnswer { server: PEER.server, origin: url.origin(), problem: problem.to_owned() }
}

/// Grafana's error message: `{"message", "messageId"}`, a list of such objects, or a `Status` with
/// `reason`.
fn error_message(response: &Response) -> String {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let object = body.get(0).unwrap_or(&body);
    let text_of = |name| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let Some(message) = text_of("message").or(text_of("error")) else {
        return String::from_utf8_lossy(&response.body).into_owned();
    };
    match text_of("messageId").or(text_of("status")).or(text_of("reason")) {
        Some(id) => format!("{message} ({id})"),
        None => message.to_owned(),
    }
}

/// The error for an error status.
fn refusal(url: &Url, response: &Response, todo: &str) -> Error {
    let response = Response { body: error_message(response).into_bytes(), ..response.clone() };
    refused(PEER, url, &response, todo)
}
