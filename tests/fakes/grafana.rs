//! A Grafana that keeps what it is told, made from Grafana's published HTTP API: organizations,
//! tokens, folders, dashboards with versions, pages of a search, and refusals in each form that
//! Grafana has had. It does no I/O: a test brings requests and takes answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// One dashboard that is held.
#[derive(Debug, Clone)]
pub struct Dashboard {
    pub model: Value,
    pub version: u64,
    pub folder: String,
    #[allow(dead_code, reason = "not every suite looks at it")]
    pub message: String,
    /// Changes with each write, over all resources.
    revision: u64,
}

/// One organization.
#[derive(Debug, Clone, Default)]
pub struct Organization {
    pub name: String,
    pub dashboards: BTreeMap<String, Dashboard>,
    /// Title and parent, by uid.
    pub folders: BTreeMap<String, (String, String)>,
    /// By uid, secrets included.
    pub datasources: BTreeMap<String, Value>,
    /// In the order of their ids, which begin with 1.
    pub annotations: Vec<Value>,
}

/// A request's method and target.
pub type Asked = (String, String);

/// The server.
pub struct Grafana {
    pub organizations: BTreeMap<u64, Organization>,
    /// Each token's organization.
    pub tokens: BTreeMap<String, u64>,
    /// `Basic` credentials, encoded, of an administrator of all organizations.
    pub administrator: String,
    /// Refuses in the form of Kubernetes, as Grafana 12 and later do in places.
    pub status_form: bool,
    /// The title of a dashboard that is refused, in the form of a list that older Grafanas have for
    /// it.
    #[allow(dead_code, reason = "not every suite sets it")]
    pub refuses: Option<String>,
    /// The versions of `/apis` that there are; none for a Grafana before 12.
    pub versions: Vec<&'static str>,
    pub asked: Vec<Asked>,
    next_id: u64,
}

impl Default for Grafana {
    fn default() -> Self {
        let organization = |name: &str| Organization { name: name.into(), ..Organization::default() };
        Self {
            organizations: BTreeMap::from([(1, organization("Main Org.")), (2, organization("Second"))]),
            tokens: BTreeMap::from([("glsa_first".into(), 1), ("glsa_second".into(), 2)]),
            // admin:s3cret
            administrator: "YWRtaW46czNjcmV0".into(),
            status_form: false,
            refuses: None,
            versions: vec!["v0alpha1", "v1beta1", "v1", "v2beta1"],
            asked: Vec::new(),
            next_id: 1,
        }
    }
}

impl Grafana {
    /// What was asked since the last time, and whether anything of it writes.
    pub fn take_asked(&mut self) -> (Vec<Asked>, usize) {
        let asked = std::mem::take(&mut self.asked);
        let writes = asked.iter().filter(|(method, _)| method != "GET").count();
        (asked, writes)
    }

    /// Answers one request. Headers' names are in lower case.
    pub fn answer(&mut self, method: &str, target: &str, headers: &[(String, String)], body: &[u8]) -> (u16, Value) {
        self.asked.push((method.to_owned(), target.to_owned()));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path == "/api/health" {
            return (200, json!({"commit": "abc", "database": "ok", "version": "12.1.0"}));
        }
        let header = |name: &str| headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let Some(organization) = self.organization_of(header("authorization"), header("x-grafana-org-id")) else {
            return self.refuse(401, "Unauthorized", "unauthorized", "Unauthorized");
        };
        let query: Vec<(String, String)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.into(), decode(&value.replace('+', " "))))
            .collect();
        if let Some(path) = path.strip_prefix("/apis/") {
            let segments: Vec<String> = path.split('/').map(decode).collect();
            let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
            return self.resource(
                organization,
                method,
                &segments,
                &serde_json::from_slice(body).unwrap_or(Value::Null),
            );
        }
        let segments: Vec<String> = path.trim_start_matches("/api/").split('/').map(decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        match (method, segments.as_slice()) {
            ("GET", ["org"]) => {
                (200, json!({"id": organization, "name": self.organizations[&organization].name, "address": {}}))
            }
            ("GET", ["search"]) => (200, self.search(organization, &query)),
            ("GET", ["dashboards", "uid", uid]) => match self.organizations[&organization].dashboards.get(*uid) {
                Some(held) => {
                    let url = format!("/d/{uid}/slug");
                    (
                        200,
                        json!({"dashboard": held.model, "meta": {"folderUid": held.folder, "url": url, "version": held.version, "type": "db"}}),
                    )
                }
                None => self.refuse(404, "Dashboard not found", "dashboards.not-found", "NotFound"),
            },
            ("DELETE", ["dashboards", "uid", uid]) => {
                match self.organizations.get_mut(&organization).and_then(|one| one.dashboards.remove(*uid)) {
                    Some(held) => (200, json!({"title": held.model["title"], "message": "Dashboard deleted"})),
                    None => self.refuse(404, "Dashboard not found", "dashboards.not-found", "NotFound"),
                }
            }
            ("POST", ["dashboards", "db"]) => self.save(organization, &body),
            ("GET", ["folders", uid]) => match self.organizations[&organization].folders.get(*uid) {
                Some((title, parent)) => (200, json!({"uid": uid, "title": title, "parentUid": parent})),
                None => self.refuse(404, "folder not found", "folder.notFound", "NotFound"),
            },
            ("POST", ["folders"]) => self.make_folder(organization, &body),
            ("GET", ["datasources", "uid", uid]) => match self.organizations[&organization].datasources.get(*uid) {
                Some(held) => (200, told(held)),
                None => self.refuse(404, "Data source not found", "datasources.notFound", "NotFound"),
            },
            ("POST", ["datasources"]) => self.save_datasource(organization, None, body),
            ("PUT", ["datasources", "uid", uid]) => self.save_datasource(organization, Some(uid), body),
            ("GET", ["datasources", "uid", uid, "health"]) => {
                match self.organizations[&organization].datasources.get(*uid) {
                    Some(held) if held["url"] == "http://down:9090" => (
                        400,
                        json!({"status": "ERROR", "message": "connection refused - There was an error returned querying the Prometheus API."}),
                    ),
                    Some(_) => (200, json!({"status": "OK", "message": "Successfully queried the Prometheus API."})),
                    None => self.refuse(404, "Data source not found", "datasources.notFound", "NotFound"),
                }
            }
            ("POST", ["annotations"]) => self.annotate(organization, None, &body),
            ("PATCH", ["annotations", id]) => self.annotate(organization, id.parse().ok(), &body),
            _ => self.refuse(404, "Not found", "notFound", "NotFound"),
        }
    }

    fn organization_of(&self, authorization: Option<&str>, asked: Option<&str>) -> Option<u64> {
        let authorization = authorization?;
        if let Some(token) = authorization.strip_prefix("Bearer ") {
            // A token is of one organization, whatever the header asks for.
            return self.tokens.get(token).copied();
        }
        if authorization.strip_prefix("Basic ")? != self.administrator {
            return None;
        }
        let id = asked.map_or(Some(1), |id| id.parse().ok())?;
        self.organizations.contains_key(&id).then_some(id)
    }

    fn refuse(&self, status: u16, message: &str, id: &str, reason: &str) -> (u16, Value) {
        let body = if self.status_form {
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": status})
        } else {
            json!({"message": message, "messageId": id, "statusCode": status, "traceID": ""})
        };
        (status, body)
    }

    fn save(&mut self, organization: u64, body: &Value) -> (u16, Value) {
        let mut model = body["dashboard"].clone();
        let Some(title) = model["title"].as_str().filter(|title| !title.is_empty()) else {
            return (400, json!({"message": "Dashboard title cannot be empty", "status": "empty-name"}));
        };
        let title = title.to_owned();
        if self.refuses.as_ref() == Some(&title) {
            return (
                422,
                json!([{"fieldNames": ["Dashboard"], "classification": "RequiredError", "message": "dashboard is refused"}]),
            );
        }
        let overwrite = body["overwrite"] == true;
        let folder = body["folderUid"].as_str().unwrap_or_default().to_owned();
        let next_id = self.next_id;
        let held = self.organizations.get_mut(&organization).unwrap();
        if !folder.is_empty() && !held.folders.contains_key(&folder) {
            return (400, json!({"message": "folder not found", "status": "not-found"}));
        }
        // Without a uid there would be a new one each time.
        let uid = model["uid"].as_str().map_or_else(|| format!("made-{next_id}"), str::to_owned);
        let old = held.dashboards.get(&uid).map(|old| (old.version, old.model["id"].clone()));
        // An id may be sent back as it was read.
        if !model["id"].is_null() && old.as_ref().is_none_or(|(_, id)| *id != model["id"]) {
            return (404, json!({"message": "Dashboard not found", "status": "not-found"}));
        }
        if let Some((version, _)) = &old
            && !overwrite
            && model["version"].as_u64().unwrap_or(0) != *version
        {
            return (
                412,
                json!({"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}),
            );
        }
        let (version, id) = old.map_or((1, json!(next_id)), |(version, id)| (version + 1, id));
        model["id"] = id.clone();
        model["uid"] = json!(uid);
        model["version"] = json!(version);
        // What Grafana adds by itself.
        model["preload"] = json!(false);
        for panel in model["panels"].as_array_mut().into_iter().flatten() {
            panel["pluginVersion"] = json!("12.1.0");
        }
        let message = body["message"].as_str().unwrap_or_default().to_owned();
        let made = Dashboard { model, version, folder: folder.clone(), message, revision: next_id };
        held.dashboards.insert(uid.clone(), made);
        self.next_id += 1;
        (
            200,
            json!({"id": id, "uid": uid, "url": format!("/d/{uid}/slug"), "status": "success", "version": version, "slug": "slug", "folderUid": folder, "title": title}),
        )
    }

    fn make_folder(&mut self, organization: u64, body: &Value) -> (u16, Value) {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (uid, title, parent) = (text("uid"), text("title"), text("parentUid"));
        let held = self.organizations.get_mut(&organization).unwrap();
        if title.is_empty() {
            return (400, json!({"message": "folder title cannot be empty"}));
        }
        if !parent.is_empty() && !held.folders.contains_key(&parent) {
            return (404, json!({"message": "parent folder not found"}));
        }
        if held.folders.contains_key(&uid) {
            return (
                412,
                json!({"message": "a folder with the same uid exists already", "status": "version-mismatch"}),
            );
        }
        held.folders.insert(uid.clone(), (title.clone(), parent.clone()));
        (200, json!({"uid": uid, "title": title, "parentUid": parent, "version": 1}))
    }

    fn save_datasource(&mut self, organization: u64, uid: Option<&str>, mut body: Value) -> (u16, Value) {
        let next_id = self.next_id;
        let held = self.organizations.get_mut(&organization).unwrap();
        let old = match uid {
            None => None,
            Some(uid) => match held.datasources.get(uid) {
                Some(old) => Some(old.clone()),
                None => return self.refuse(404, "Data source not found", "datasources.notFound", "NotFound"),
            },
        };
        let own = uid.map_or_else(|| body["uid"].as_str().unwrap_or_default().to_owned(), str::to_owned);
        let taken = held.datasources.iter().any(|(other, one)| *other != own && one["name"] == body["name"]);
        if taken || (uid.is_none() && held.datasources.contains_key(&own)) {
            return (409, json!({"message": "data source with the same name already exists"}));
        }
        // What a change does not send is gone, but for secrets.
        let mut secrets = old.as_ref().map_or(json!({}), |old| old["secureJsonData"].clone());
        for (name, value) in body["secureJsonData"].as_object().into_iter().flatten() {
            secrets[name] = value.clone();
        }
        body["secureJsonData"] = secrets;
        body["id"] = old.as_ref().map_or(json!(next_id), |old| old["id"].clone());
        body["uid"] = json!(own);
        body["version"] = json!(old.map_or(0, |old| old["version"].as_u64().unwrap()) + 1);
        if body["isDefault"] == true {
            for other in held.datasources.values_mut() {
                other["isDefault"] = json!(false);
            }
        }
        held.datasources.insert(own, body.clone());
        self.next_id += 1;
        (200, json!({"id": body["id"], "message": "Datasource added", "name": body["name"], "datasource": told(&body)}))
    }

    fn annotate(&mut self, organization: u64, id: Option<usize>, body: &Value) -> (u16, Value) {
        let held = self.organizations.get_mut(&organization).unwrap();
        let dashboard = body["dashboardUID"].as_str();
        if dashboard.is_some_and(|uid| !held.dashboards.contains_key(uid)) {
            return (404, json!({"message": "Dashboard not found"}));
        }
        let Some(id) = id else {
            if body["text"].as_str().unwrap_or_default().is_empty() {
                return (
                    400,
                    json!({"message": "Failed to save annotation", "error": "text field should not be empty"}),
                );
            }
            held.annotations.push(body.clone());
            return (200, json!({"id": held.annotations.len(), "message": "Annotation added"}));
        };
        let Some(one) = id.checked_sub(1).and_then(|at| held.annotations.get_mut(at)) else {
            return (404, json!({"message": "Could not find annotation to update"}));
        };
        for (name, value) in body.as_object().unwrap() {
            one[name] = value.clone();
        }
        (200, json!({"message": "Annotation patched"}))
    }

    /// `/apis`: folders and dashboards as resources.
    fn resource(&mut self, organization: u64, method: &str, path: &[&str], body: &Value) -> (u16, Value) {
        let status = |code: u16, reason: &str, message: String| {
            (
                code,
                json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code}),
            )
        };
        let groups = ["dashboard.grafana.app", "folder.grafana.app"];
        let known = path.first().is_some_and(|group| groups.contains(group)) && !self.versions.is_empty();
        if let ("GET", [group], true) = (method, path, known) {
            let versions: Vec<Value> = self
                .versions
                .iter()
                .map(|version| json!({"groupVersion": format!("{group}/{version}"), "version": version}))
                .collect();
            return (200, json!({"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": versions}));
        }
        let (true, [group, version, "namespaces", namespace, kind, name @ ..]) = (known, path) else {
            return status(404, "NotFound", "the server could not find the requested resource".into());
        };
        let own = if organization == 1 { "default".to_owned() } else { format!("org-{organization}") };
        if *namespace != own {
            return status(403, "Forbidden", format!("not authorized for namespace {namespace}"));
        }
        if !self.versions.contains(version) {
            return status(404, "NotFound", "the server could not find the requested resource".into());
        }
        let revision = self.next_id;
        let held = self.organizations.get_mut(&organization).unwrap();
        let folder = body["metadata"]["annotations"]["grafana.app/folder"].as_str().unwrap_or_default().to_owned();
        let not_found =
            || status(404, "NotFound", format!("{kind}.{group} {:?} not found", name.first().unwrap_or(&"")));
        if !folder.is_empty() && !held.folders.contains_key(&folder) {
            return status(400, "BadRequest", "folder not found".into());
        }
        let resource = |uid: &str, held: &Dashboard| {
            let mut spec = held.model.clone();
            for name in ["id", "uid", "version"] {
                spec.as_object_mut().unwrap().remove(name);
            }
            let mut annotations = json!({"grafana.app/createdBy": "user:1"});
            if !held.folder.is_empty() {
                annotations["grafana.app/folder"] = json!(held.folder);
            }
            json!({"kind": "Dashboard", "apiVersion": format!("{group}/{version}"),
                "metadata": {"name": uid, "namespace": own, "resourceVersion": held.revision.to_string(),
                    "generation": held.version, "annotations": annotations},
                "spec": spec, "status": {}})
        };
        match (method, *kind, name) {
            ("GET", "dashboards", [uid]) => {
                held.dashboards.get(*uid).map_or_else(not_found, |one| (200, resource(uid, one)))
            }
            ("DELETE", "dashboards", [uid]) => match held.dashboards.remove(*uid) {
                Some(_) => {
                    (200, json!({"kind": "Status", "apiVersion": "v1", "status": "Success", "details": {"name": uid}}))
                }
                None => not_found(),
            },
            ("POST" | "PUT", "dashboards", name) => {
                let uid = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                if body["apiVersion"] != format!("{group}/{version}") || body["kind"] != "Dashboard" {
                    return status(400, "BadRequest", "the API version in the data does not match".into());
                }
                if body["spec"]["title"].as_str().unwrap_or_default().is_empty() {
                    return status(400, "BadRequest", "dashboard title cannot be empty".into());
                }
                let old = held.dashboards.get(&uid);
                match (method, old) {
                    ("POST", Some(_)) => {
                        return status(409, "AlreadyExists", format!("dashboards.{group} {uid:?} already exists"));
                    }
                    ("PUT", None) => return not_found(),
                    ("PUT", Some(old)) => {
                        let given = body["metadata"]["resourceVersion"].as_str();
                        if name != [uid.as_str()] || given.is_some_and(|given| given != old.revision.to_string()) {
                            let text = "the object has been modified; please apply your changes to the latest version";
                            return status(409, "Conflict", text.into());
                        }
                    }
                    _ => {}
                }
                let mut model = body["spec"].clone();
                model["uid"] = json!(uid);
                let version = old.map_or(1, |old| old.version + 1);
                let message = body["metadata"]["annotations"]["grafana.app/message"].as_str().unwrap_or_default();
                let made = Dashboard { model, version, folder, message: message.into(), revision };
                let answer = resource(&uid, &made);
                held.dashboards.insert(uid, made);
                self.next_id += 1;
                (if method == "POST" { 201 } else { 200 }, answer)
            }
            ("GET", "folders", [uid]) => held.folders.get(*uid).map_or_else(not_found, |(title, _)| {
                (200, json!({"kind": "Folder", "metadata": {"name": uid, "namespace": own}, "spec": {"title": title}}))
            }),
            ("POST", "folders", []) => {
                let uid = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                if held.folders.contains_key(&uid) {
                    return status(409, "AlreadyExists", format!("folders.{group} {uid:?} already exists"));
                }
                let title = body["spec"]["title"].as_str().unwrap_or_default().to_owned();
                held.folders.insert(uid, (title, folder));
                (201, body.clone())
            }
            _ => not_found(),
        }
    }

    fn search(&self, organization: u64, query: &[(String, String)]) -> Value {
        let all = |name: &str| {
            query.iter().filter(|(own, _)| own == name).map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        let one = |name: &str| all(name).pop();
        let held = &self.organizations[&organization];
        let kind = one("type").unwrap_or_default();
        let mut items: Vec<Value> = Vec::new();
        if kind != "dash-db" {
            items.extend(held.folders.iter().map(|(uid, (title, parent))| {
                json!({"uid": uid, "title": title, "type": "dash-folder", "url": format!("/dashboards/f/{uid}/"), "tags": [], "folderUid": parent})
            }));
        }
        if kind != "dash-folder" {
            items.extend(held.dashboards.iter().map(|(uid, held)| {
                json!({"uid": uid, "title": held.model["title"], "type": "dash-db", "url": format!("/d/{uid}/slug"), "tags": held.model["tags"], "folderUid": held.folder})
            }));
        }
        let text = one("query").unwrap_or_default().to_lowercase();
        items.retain(|item| {
            let tags = item["tags"].as_array().cloned().unwrap_or_default();
            item["title"].as_str().unwrap_or_default().to_lowercase().contains(&text)
                && all("tag").iter().all(|tag| tags.iter().any(|own| own == tag))
                && (all("folderUIDs").is_empty()
                    || all("folderUIDs").iter().any(|folder| item["folderUid"] == **folder))
        });
        items.sort_by_key(|item| item["title"].as_str().unwrap_or_default().to_owned());
        let limit: usize = one("limit").and_then(|limit| limit.parse().ok()).unwrap_or(1_000);
        let page: usize = one("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        items.into_iter().skip((page - 1) * limit).take(limit).collect()
    }
}

/// A data source as it is told: of secrets only which there are.
fn told(held: &Value) -> Value {
    let mut told = held.clone();
    let secrets = told.as_object_mut().unwrap().remove("secureJsonData").unwrap_or_default();
    let names = secrets.as_object().into_iter().flatten().map(|(name, _)| (name.clone(), json!(true))).collect();
    told["secureJsonFields"] = Value::Object(names);
    told["readOnly"] = json!(false);
    told
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex: String = rest.by_ref().take(2).map(char::from).collect();
            bytes.push(u8::from_str_radix(&hex, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}
