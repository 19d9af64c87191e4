//! Grafana's resource API, `/apis`, of Grafana 12 and later: folders and dashboards in the style of
//! Kubernetes. Each has `metadata` with a name, which is the uid, and a `resourceVersion`; a
//! dashboard's `spec` is its JSON model.
//!
//! Searches and the organization still use `/api`, which these versions have too.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::resource_groups::{Group, Resources};
use super::{Api, SaveOutcome, Stored, bad_response, error_message, read, refusal};
use crate::error::Error;
use crate::http::{Method, Segment, Url, endpoint};
use plugpipe_provisioning::dashboards::members::{Map, Members as _};

/// The API group of dashboards.
const DASHBOARDS: &str = "dashboard.grafana.app";

/// The API group of folders.
const FOLDERS: &str = "folder.grafana.app";

/// The versions with the classic JSON model, preferred first.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// The annotation with an object's folder.
const FOLDER: &str = "grafana.app/folder";

/// The annotation with the message for the version history.
const MESSAGE: &str = "grafana.app/message";

/// An API group's versions.
#[derive(Deserialize)]
struct GroupBody {
    #[serde(default)]
    versions: Vec<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

/// A dashboard in Grafana. A save sends its metadata back.
#[derive(Deserialize)]
struct DashboardResource {
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
    /// Uses the resource API for folders and dashboards from now on. Detects the organization and
    /// the API versions.
    pub fn use_resources(&mut self) -> Result<(), Error> {
        let (organization, _) = self.verify_organization()?;
        let namespace = if organization == 1 { "default".into() } else { format!("org-{organization}") };
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
            _ => return Err(refusal(&url, &response, "")),
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

    pub(super) fn dashboard_resource(&mut self, resources: &Resources, uid: &str) -> Result<Option<Stored>, Error> {
        let segment = Segment::of(uid, "uid")?;
        let url = self.resource_url(&resources.dashboards, resources, "dashboards", Some(segment));
        let Some(body) = self.found(&url)? else { return Ok(None) };
        let DashboardResource { spec: mut model, metadata, status } = body;
        if status.pointer("/conversion/failed") == Some(&Value::Bool(true)) {
            return Err(bad_response(&url, "Grafana stores this dashboard in another schema and failed to convert it"));
        }
        model.set("uid", uid);
        model.set("version", generation(&metadata));
        let folder = metadata.map("annotations").and_then(|annotations| annotations.text(FOLDER));
        let folder_uid = folder.unwrap_or_default().to_owned();
        Ok(Some(Stored { model, folder_uid, url: page(uid), metadata }))
    }

    pub(super) fn save_resource(
        &mut self,
        resources: &Resources,
        model: &Map,
        current: Option<&Stored>,
        folder_uid: &str,
        message: &str,
    ) -> Result<SaveOutcome, Error> {
        let uid = model.text("uid").unwrap_or_default().to_owned();
        let mut spec = model.clone();
        for name in ["id", "uid", "version"] {
            spec.remove(name);
        }
        // Send back the metadata as read, with its resourceVersion, to keep it and to detect
        // concurrent changes.
        let mut metadata = current.map(|current| current.metadata.clone()).unwrap_or_default();
        metadata.set("name", uid.as_str());
        let mut annotations = metadata.map("annotations").cloned().unwrap_or_default();
        annotations.remove(FOLDER);
        if !folder_uid.is_empty() {
            annotations.set(FOLDER, folder_uid);
        }
        annotations.set(MESSAGE, message);
        metadata.set("annotations", annotations);
        let body = Resource { kind: "Dashboard", api_version: resources.dashboards.api_version(), metadata, spec };
        let (method, name) = match current {
            Some(_) => (Method::Put, Some(Segment::of(&uid, "uid")?)),
            None => (Method::Post, None),
        };
        let url = self.resource_url(&resources.dashboards, resources, "dashboards", name);
        let response = self.send_json(method, &url, &body)?;
        match response.status {
            200 | 201 => {
                let body: SavedResource = read(&url, &response)?;
                Ok(SaveOutcome::Done { version: generation(&body.metadata), url: page(&uid) })
            }
            409 | 412 => Ok(SaveOutcome::Conflict { message: error_message(&response) }),
            _ => Err(refusal(&url, &response, "")),
        }
    }

    /// The URL and body to create a folder.
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

/// A resource's version: the number of saves.
fn generation(metadata: &Map) -> u64 {
    metadata.get("generation").and_then(Value::as_u64).unwrap_or(0)
}

/// The path of a dashboard's page, without the slug, which Grafana adds.
fn page(uid: &str) -> String {
    format!("/d/{uid}")
}

fn missing(url: &Url, name: &str) -> Error {
    Error::invalid(
        "grafana_api",
        format!(
            "is k8s, but Grafana {} has no {name} in {}; this needs Grafana 12 or later: remove grafana_api to use /api",
            url.origin(),
            VERSIONS.join(" or "),
        ),
    )
}
