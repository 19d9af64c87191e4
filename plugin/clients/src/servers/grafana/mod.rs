//! Grafana's HTTP API, `/api`, of Grafana 9 to 13: health, organisation, folders, search,
//! dashboards, data sources, annotations. Folders and dashboards also by `/apis`, where that is
//! asked for: [`resources`].
//!
//! Never switches the organisation that a user is in: each request names its own, which holds with
//! basic credentials only.

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

/// For errors.
pub const PEER: Peer = Peer { server: "Grafana", setting: "grafana_url" };

/// What a page of a search holds at most.
pub const PAGE: usize = 100;

/// Most pages that one search reads.
const MAX_PAGES: usize = 1_000;

/// `GET /api/health`: 200 when Grafana and its database are well. Needs no credentials.
pub fn health_request(base: &Url) -> Request {
    Request::new(Method::Get, endpoint(base, ["api", "health"]))
}

/// One Grafana, asked within one call.
pub struct Api<'a> {
    /// Sends.
    pub client: Client<'a>,
    /// Where it lives.
    pub base: Url,
    /// The organisation to speak for; none for the credentials' own.
    pub organisation: Option<u64>,
    /// Where folders and dashboards are kept as resources; none for `/api`.
    pub resources: Option<Resources>,
}

/// A dashboard that Grafana holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// Its JSON model, with `id`, `uid` and `version`.
    pub model: Map,
    /// The folder it lies in; empty for none.
    pub folder_uid: String,
    /// Its page, a path.
    pub url: String,
    /// What a resource says of itself; empty for one that came by `/api`.
    pub metadata: Map,
}

impl Held {
    /// How often it was saved.
    pub fn version(&self) -> u64 {
        self.model.get("version").and_then(Value::as_u64).unwrap_or(0)
    }
}

/// What a search finds.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Found {
    /// Its uid.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// Its page, a path.
    pub url: String,
    /// The folder it lies in; empty for none.
    pub folder_uid: String,
    /// That folder's title; empty for none.
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

/// An organisation.
#[derive(Deserialize)]
struct Organisation {
    id: Option<u64>,
    name: Option<String>,
}

/// A dashboard as `/api` has it.
#[derive(Deserialize)]
struct HeldBody {
    dashboard: Map,
    #[serde(default, deserialize_with = "unless_null")]
    meta: Meta,
}

/// What stands beside a dashboard in `/api`.
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

/// What came of saving a dashboard.
#[derive(Debug, Clone, PartialEq)]
pub enum SaveOutcome {
    /// It is held now.
    Done {
        /// How often it was saved.
        version: u64,
        /// Its page, a path.
        url: String,
    },
    /// Another one was there, or it was changed meanwhile.
    Conflict {
        /// In Grafana's words.
        said: String,
    },
}

impl Api<'_> {
    fn send(&mut self, mut request: Request) -> Result<Response, Error> {
        if let Some(organisation) = self.organisation {
            request.headers.push(("x-grafana-org-id", organisation.to_string()));
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

    /// What is there; none where Grafana says that there is nothing. A page that is not there, or a
    /// proxy's, does not say so.
    fn found<T: DeserializeOwned>(&mut self, url: &Url) -> Result<Option<T>, Error> {
        let response = self.get(url)?;
        match response.status {
            200 => read(url, &response).map(Some),
            404 if is_object(&response) => Ok(None),
            _ => Err(no(url, &response, "")),
        }
    }

    fn post(&mut self, url: &Url, body: &impl Serialize) -> Result<Response, Error> {
        self.tell(Method::Post, url, body)
    }

    fn tell(&mut self, method: Method, url: &Url, body: &impl Serialize) -> Result<Response, Error> {
        // The names of its members are texts, so that nothing of it can fail.
        let body = serde_json::to_vec(body).unwrap_or_default();
        self.send(Request::new(method, url.clone()).with_body("application/json", body))
    }

    /// The version that `GET /api/health` tells, where it tells one, and whether the database is
    /// well.
    pub fn health(&mut self) -> Result<(Option<String>, bool), Error> {
        let request = health_request(&self.base);
        let url = request.url.clone();
        let response = self.send(request)?;
        // 503 tells of the database in the same form.
        if response.status != 200 && response.status != 503 {
            return Err(no(&url, &response, ""));
        }
        let Health { version, database } = read(&url, &response)?;
        Ok((version.filter(|version| !version.is_empty()), database.as_deref() == Some("ok")))
    }

    /// The organisation that is spoken for: its id and name. Fails where it is not the one that was
    /// asked for.
    pub fn verify_organisation(&mut self) -> Result<(u64, String), Error> {
        let url = self.url(["org".into()]);
        let response = self.get(&url)?;
        if response.status != 200 {
            return Err(no(&url, &response, ""));
        }
        let Organisation { id, name } = read(&url, &response)?;
        let id = id.ok_or_else(|| bad(&url, "the organisation has no id"))?;
        let name = name.unwrap_or_default();
        match self.organisation {
            Some(wanted) if wanted != id => Err(Error::invalid(
                "grafana_org_id",
                format!(
                    "asks for organisation {wanted}, and Grafana {} answers for {id} ({}); a token belongs to one organisation: give one of {wanted}, or basic credentials, in grafana_auth",
                    url.origin(),
                    excerpt(&name, 100)
                ),
            )),
            _ => Ok((id, name)),
        }
    }

    /// A dashboard, if there is one.
    pub fn dashboard(&mut self, uid: &str) -> Result<Option<Held>, Error> {
        if let Some(resources) = self.resources.clone() {
            return self.dashboard_resource(&resources, uid);
        }
        let url = self.url(["dashboards".into(), "uid".into(), Segment::of(uid, "uid")?]);
        let Some(HeldBody { dashboard: model, meta }) = self.found(&url)? else { return Ok(None) };
        Ok(Some(Held { model, folder_uid: meta.folder_uid, url: meta.url, metadata: Map::default() }))
    }

    /// Saves a dashboard: over `held` as it was read, or where there was none; with `overwrite`,
    /// over whatever is there now.
    pub fn save(
        &mut self,
        model: &Map,
        held: Option<&Held>,
        folder_uid: &str,
        message: &str,
        overwrite: bool,
    ) -> Result<SaveOutcome, Error> {
        if let Some(resources) = self.resources.clone() {
            return self.save_resource(&resources, model, held, folder_uid, message);
        }
        let mut model = model.clone();
        // The id is the server's, and the version says which one is to be replaced.
        model.set("id", Value::Null);
        if let Some(held) = held {
            model.set("version", held.version());
        }
        let url = self.url(["dashboards".into(), "db".into()]);
        let response = self.post(&url, &Save { dashboard: model, folder_uid, message, overwrite })?;
        match response.status {
            200 => {
                let Saved { version, url } = read(&url, &response)?;
                Ok(SaveOutcome::Done { version, url })
            }
            409 | 412 => Ok(SaveOutcome::Conflict { said: said(&response) }),
            _ => Err(no(&url, &response, "")),
        }
    }

    /// Deletes a dashboard; false if there was none.
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
            _ => Err(no(&url, &response, "")),
        }
    }

    /// Searches page by page, until `take` wants no more or there is no more. `filters` are names
    /// and values of the query.
    pub fn search(&mut self, filters: &[(&str, &str)], mut take: impl FnMut(Found) -> bool) -> Result<(), Error> {
        for page in 1..=MAX_PAGES {
            let mut query = format!("limit={PAGE}&page={page}");
            for (name, value) in filters {
                // Writing into a text does not fail.
                let _ = write!(query, "&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
            }
            let url = self.url(["search".into()]).with_query(Some(query));
            let response = self.get(&url)?;
            if response.status != 200 {
                return Err(no(&url, &response, ""));
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

    /// Whether there is a folder of that uid.
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
            _ => Err(no(&url, &response, "")),
        }
    }

    /// The uid of the folder of that title in the folder `parent`, which is empty for none.
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

    /// Makes a folder; one that is there already is as good.
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
            _ => Err(no(&url, &response, "")),
        }
    }
}

/// Reads a response.
fn read<T: DeserializeOwned>(url: &Url, response: &Response) -> Result<T, Error> {
    serde_json::from_slice(&response.body).map_err(|problem| bad(url, &problem.to_string()))
}

/// Whether a response is Grafana's, and no page of a proxy.
fn is_object(response: &Response) -> bool {
    serde_json::from_slice::<Map>(&response.body).is_ok()
}

fn bad(url: &Url, problem: &str) -> Error {
    Error::BadAnswer { server: PEER.server, origin: url.origin(), problem: problem.to_owned() }
}

/// What Grafana says of a refusal: `{"message", "messageId"}`, or a list of such objects, or a
/// `Status` with `reason`.
fn said(response: &Response) -> String {
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

/// The error for an answer whose status says no.
fn no(url: &Url, response: &Response, todo: &str) -> Error {
    let told = Response { body: said(response).into_bytes(), ..response.clone() };
    refused(PEER, url, &told, todo)
}
