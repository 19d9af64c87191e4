//! Grafana's HTTP API, `/api`, of Grafana 9 to 13: health, organisation, folders, search, dashboards, data sources, annotations.
//! Folders and dashboards also by `/apis`, where that is asked for: [`resources`].
//!
//! Never switches the organisation that a user is in: each request names its own, which holds with basic credentials only.

pub mod annotations;
pub mod apply;
pub mod datasources;
pub mod resource_groups;
pub mod resources;

use core::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::refused;
pub use annotations::Annotation;
pub use apply::{Apply, Compared, Outcome};
pub use datasources::Datasource;
pub use resource_groups::Resources;

use crate::error::Error;
use crate::http::{Client, Method, Peer, Request, Response, Segment, Url, endpoint};
use plugpipe_contract::error::excerpt;
use plugpipe_contract::json::Json;
use plugpipe_provisioning::dashboards::tree::{Map, Tree};

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
        self.model.whole("version").unwrap_or(0)
    }
}

/// What a search finds.
#[derive(Debug, Clone, PartialEq)]
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
    pub tags: Vec<String>,
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

    /// What is there; none where Grafana says that there is nothing. A page that is not there, or a proxy's, does not say so.
    fn found(&mut self, url: &Url) -> Result<Option<Map>, Error> {
        let response = self.get(url)?;
        match response.status {
            200 => object(url, &response).map(Some),
            404 if object(url, &response).is_ok() => Ok(None),
            _ => Err(no(url, &response, "")),
        }
    }

    fn post(&mut self, url: &Url, body: &Map) -> Result<Response, Error> {
        self.tell(Method::Post, url, body)
    }

    fn tell(&mut self, method: Method, url: &Url, body: &Map) -> Result<Response, Error> {
        self.send(Request::new(method, url.clone()).with_body("application/json", body.json().into_bytes()))
    }

    /// The version that `GET /api/health` tells, where it tells one, and whether the database is well.
    pub fn health(&mut self) -> Result<(Option<String>, bool), Error> {
        let request = health_request(&self.base);
        let url = request.url.clone();
        let response = self.send(request)?;
        // 503 tells of the database in the same form.
        if response.status != 200 && response.status != 503 {
            return Err(no(&url, &response, ""));
        }
        let body = object(&url, &response)?;
        Ok((body.text("version").map(str::to_owned), body.text("database") == Some("ok")))
    }

    /// The organisation that is spoken for: its id and name. Fails where it is not the one that was asked for.
    pub fn verify_organisation(&mut self) -> Result<(u64, String), Error> {
        let url = self.url(["org".into()]);
        let response = self.get(&url)?;
        if response.status != 200 {
            return Err(no(&url, &response, ""));
        }
        let body = object(&url, &response)?;
        let id = body.whole("id").ok_or_else(|| bad(&url, "the organisation has no id"))?;
        let name = body.text("name").unwrap_or_default().to_owned();
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
        let Some(mut body) = self.found(&url)? else { return Ok(None) };
        let Some(Tree::Map(model)) = body.take("dashboard") else {
            return Err(bad(&url, "there is no dashboard in the answer"));
        };
        let meta = body.map("meta").cloned().unwrap_or_default();
        let text = |name| meta.text(name).unwrap_or_default().to_owned();
        Ok(Some(Held { model, folder_uid: text("folderUid"), url: text("url"), metadata: Map::default() }))
    }

    /// Saves a dashboard: over `held` as it was read, or where there was none; with `overwrite`, over whatever is there now.
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
        model.set("id", Tree::Null);
        if let Some(held) = held {
            model.set("version", held.version());
        }
        let body = Map::from([
            ("dashboard", model.into()),
            ("folderUid", folder_uid.into()),
            ("message", message.into()),
            ("overwrite", overwrite.into()),
        ]);
        let url = self.url(["dashboards".into(), "db".into()]);
        let response = self.post(&url, &body)?;
        match response.status {
            200 => {
                let body = object(&url, &response)?;
                Ok(SaveOutcome::Done {
                    version: body.whole("version").unwrap_or(0),
                    url: body.text("url").unwrap_or_default().to_owned(),
                })
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
            404 if object(&url, &response).is_ok() => Ok(false),
            _ => Err(no(&url, &response, "")),
        }
    }

    /// Searches page by page, until `take` wants no more or there is no more. `filters` are names and values of the query.
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
            let text = String::from_utf8_lossy(&response.body);
            let Ok(Json::Array(items)) = Json::parse(&text) else {
                return Err(bad(&url, "a list of what was found was expected"));
            };
            let mut more = items.len() >= PAGE;
            for item in &items {
                if let Some(found) = read_found(item) {
                    more &= take(found);
                }
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
            404 if object(&url, &response).is_ok() => Ok(false),
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
                let mut body = Map::from([("uid", uid.into()), ("title", title.into())]);
                if !parent.is_empty() {
                    body.set("parentUid", parent);
                }
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

fn read_found(item: &Json) -> Option<Found> {
    let Json::Object(item) = item else { return None };
    let text = |name| item.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let tags = match item.get("tags") {
        Some(Json::Array(tags)) => tags.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let uid = text("uid");
    (!uid.is_empty()).then(|| Found {
        uid,
        title: text("title"),
        url: text("url"),
        folder_uid: text("folderUid"),
        folder_title: text("folderTitle"),
        tags,
    })
}

/// The answer's object.
fn object(url: &Url, response: &Response) -> Result<Map, Error> {
    match Tree::parse(&String::from_utf8_lossy(&response.body)) {
        Ok(Tree::Map(map)) => Ok(map),
        Ok(_) => Err(bad(url, "an object was expected")),
        Err(problem) => Err(bad(url, &problem)),
    }
}

fn bad(url: &Url, problem: &str) -> Error {
    Error::BadAnswer { server: PEER.server, origin: url.origin(), problem: problem.to_owned() }
}

/// What Grafana says of a refusal: `{"message", "messageId"}`, or a list of such objects, or a `Status` with `reason`.
fn said(response: &Response) -> String {
    let text = String::from_utf8_lossy(&response.body);
    let json = Json::parse(&text);
    let object = match &json {
        Ok(Json::Object(object)) => Some(object),
        Ok(Json::Array(list)) => match list.first() {
            Some(Json::Object(object)) => Some(object),
            _ => None,
        },
        _ => None,
    };
    let text_of =
        |name| object.and_then(|object| object.get(name)).and_then(Json::as_str).filter(|text| !text.is_empty());
    let Some(message) = text_of("message").or(text_of("error")) else { return text.into_owned() };
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
