//! Grafana's API of resources, `/apis`, of Grafana 12 and later: folders and dashboards as
//! Kubernetes has its objects. Each has `metadata` with a name, which is the uid, and a
//! `resourceVersion`; a dashboard's JSON model is its `spec`.
//!
//! What is only read across all of them, a search and the organisation, stays with `/api`, which
//! those Grafanas have too.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::resource_groups::{Group, Resources};
use super::{Api, Held, SaveOutcome, bad, no, read, said};
use crate::error::Error;
use crate::http::{Method, Segment, Url, endpoint};
use plugpipe_provisioning::dashboards::members::{Map, Members as _};

/// Holds dashboards.
const DASHBOARDS: &str = "dashboard.grafana.app";

/// Holds folders.
const FOLDERS: &str = "folder.grafana.app";

/// Versions whose dashboards are the classic JSON model, the best first.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// Says in which folder something lies.
const FOLDER: &str = "grafana.app/folder";

/// Stands in a dashboard's history.
const MESSAGE: &str = "grafana.app/message";

/// A group, as far as its versions go.
#[derive(Deserialize)]
struct GroupBody {
    #[serde(default)]
    versions: Vec<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

/// A dashboard that Grafana holds. A save sends its metadata back.
#[derive(Deserialize)]
struct HeldResource {
    spec: Map,
    metadata: Map,
    #[serde(default)]
    status: Value,
}

/// A request to save a dashboard.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    kind: &'static str,
    api_version: String,
    metadata: Map,
    spec: Map,
}

/// The response to a save.
#[derive(Deserialize)]
struct SavedResource {
    #[serde(default)]
    metadata: Map,
}

impl Api<'_> {
    /// From now on keeps folders and dashboards as resources. Asks for the organisation, and which
    /// versions there are.
    pub fn use_resources(&mut self) -> Result<(), Error> {
        let (organisation, _) = self.verify_organisation()?;
        let namespace = if organisation == 1 { "default".into() } else { format!("org-{organisation}") };
        let (dashboards, folders) = (self.group(DASHBOARDS)?, self.group(FOLDERS)?);
        self.resources = Some(Resources { namespace, dashboards, folders });
        Ok(())
    }

    fn group(&mut self, name: &'static str) -> Result<Group, Error> {
        let url = endpoint(&self.base, ["apis", name]);
        let response = self.get(&url)?;
        match response.status {
            200 => {}
            404 => return Err(missing(&url, name)),
            _ => return Err(no(&url, &response, "")),
        }
        let GroupBody { versions } = read(&url, &response)?;
        let offered = |wanted: &str| versions.iter().any(|one| one.version == wanted);
        let version = VERSIONS.into_iter().find(|version| offered(version)).ok_or_else(|| missing(&url, name))?;
        Ok(Group { name, version })
    }

    pub(super) fn resource_url(
        &self,
        group: &Group,
        resources: &Resources,
        kind: &'static str,
        uid: Option<Segment>,
    ) -> Url {
        let path = ["apis", group.name, group.version, "namespaces"].map(Segment::from);
        let rest = [Segment::word(&resources.namespace), kind.into()];
        endpoint(&self.base, path.into_iter().chain(rest).chain(uid))
    }

    pub(super) fn dashboard_resource(&mut self, resources: &Resources, uid: &str) -> Result<Option<Held>, Error> {
        let segment = Segment::of(uid, "uid")?;
        let url = self.resource_url(&resources.dashboards, resources, "dashboards", Some(segment));
        let Some(body) = self.found(&url)? else { return Ok(None) };
        let HeldResource { spec: mut model, metadata, status } = body;
        if status.pointer("/conversion/failed") == Some(&Value::Bool(true)) {
            return Err(bad(&url, "Grafana holds this dashboard in another schema, and could not convert it"));
        }
        model.set("uid", uid);
        model.set("version", generation(&metadata));
        let folder = metadata.map("annotations").and_then(|annotations| annotations.text(FOLDER));
        let folder_uid = folder.unwrap_or_default().to_owned();
        Ok(Some(Held { model, folder_uid, url: page(uid), metadata }))
    }

    pub(super) fn save_resource(
        &mut self,
        resources: &Resources,
        model: &Map,
        held: Option<&Held>,
        folder_uid: &str,
        message: &str,
    ) -> Result<SaveOutcome, Error> {
        let uid = model.text("uid").unwrap_or_default().to_owned();
        let mut spec = model.clone();
        for name in ["id", "uid", "version"] {
            spec.remove(name);
        }
        // What was read is told back, with its resourceVersion: so nothing of it is lost, and
        // nobody else's change either.
        let mut metadata = held.map(|held| held.metadata.clone()).unwrap_or_default();
        metadata.set("name", uid.as_str());
        let mut annotations = metadata.map("annotations").cloned().unwrap_or_default();
        annotations.remove(FOLDER);
        if !folder_uid.is_empty() {
            annotations.set(FOLDER, folder_uid);
        }
        annotations.set(MESSAGE, message);
        metadata.set("annotations", annotations);
        let body = Resource { kind: "Dashboard", api_version: resources.dashboards.api_version(), metadata, spec };
        let (method, name) = match held {
            Some(_) => (Method::Put, Some(Segment::of(&uid, "uid")?)),
            None => (Method::Post, None),
        };
        let url = self.resource_url(&resources.dashboards, resources, "dashboards", name);
        let response = self.tell(method, &url, &body)?;
        match response.status {
            200 | 201 => {
                let body: SavedResource = read(&url, &response)?;
                Ok(SaveOutcome::Done { version: generation(&body.metadata), url: page(&uid) })
            }
            409 | 412 => Ok(SaveOutcome::Conflict { said: said(&response) }),
            _ => Err(no(&url, &response, "")),
        }
    }

    /// Where a folder is made, and what of.
    pub(super) fn folder_resource(&self, resources: &Resources, uid: &str, title: &str, parent: &str) -> (Url, Value) {
        let metadata = match parent {
            "" => json!({"name": uid}),
            parent => json!({"name": uid, "annotations": {FOLDER: parent}}),
        };
        let api_version = resources.folders.api_version();
        let body = json!({"kind": "Folder", "apiVersion": api_version, "metadata": metadata, "spec": {"title": title}});
        (self.resource_url(&resources.folders, resources, "folders", None), body)
    }
}

/// How often a resource was saved.
fn generation(metadata: &Map) -> u64 {
    metadata.get("generation").and_then(Value::as_u64).unwrap_or(0)
}

/// A dashboard's page, without the slug, which Grafana adds by itself.
fn page(uid: &str) -> String {
    format!("/d/{uid}")
}

fn missing(url: &Url, name: &str) -> Error {
    Error::invalid(
        "grafana_api",
        format!(
            "is k8s, and Grafana {} has no {name} in {}; that needs Grafana 12 or later: leave grafana_api out, and /api is used",
            url.origin(),
            VERSIONS.join(" or "),
        ),
    )
}
