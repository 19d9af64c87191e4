//! Dashboards as ConfigMaps for the sidecar of Grafana's Helm chart, which loads those with its
//! label.

use plugpipe_contract::responses::DashboardFile;

use super::names;
use super::resource::{FIELD, MAX_CONFIG_MAP_BYTES, Metadata, Resource, check_distinct};
use crate::dashboards::Place;
use crate::error::Error;
use crate::yaml::Yaml;

/// The label by which the sidecar finds dashboards, and its value.
const LABEL: (&str, &str) = ("grafana_dashboard", "1");

/// The annotation with the folder, if the sidecar is configured to read it.
const FOLDER_ANNOTATION: &str = "grafana_folder";

/// `kubectl apply` puts a resource into an annotation too, which may not be longer than this.
const MAX_APPLIED_BYTES: usize = 256 * 1024;

/// A ConfigMap for each dashboard, named like it; and warnings.
///
/// # Errors
/// A name is invalid, or a dashboard is too large for a ConfigMap.
pub fn config_maps(
    files: &[DashboardFile],
    metadata: &Metadata,
    place: &Place,
) -> Result<(Vec<DashboardFile>, Vec<String>), Error> {
    let mut metadata = metadata.clone().with_label(LABEL.0, LABEL.1);
    let mut warnings = Vec::new();
    if !place.titles.is_empty() {
        metadata = metadata.with_annotation(FOLDER_ANNOTATION, &place.titles.join("/"));
    }
    if place.uid.is_some() {
        warnings.push("folder_uid: a ConfigMap has no field for it; the sidecar makes folders of titles".to_owned());
    }
    let mut maps = Vec::new();
    for DashboardFile { path, content } in files {
        if content.len() > MAX_CONFIG_MAP_BYTES {
            let problem = format!(
                "the dashboard {path} has {} bytes; a ConfigMap has at most {MAX_CONFIG_MAP_BYTES}: split it, or load it from a file",
                content.len()
            );
            return Err(Error::invalid(FIELD, problem));
        }
        names::key(path).map_err(|problem| Error::invalid("uid", problem))?;
        let uid = path.strip_suffix(".json").unwrap_or(path);
        let map = Resource {
            api_version: "v1",
            kind: "ConfigMap",
            name: metadata.name_of(uid, false)?,
            metadata: metadata.clone(),
            body: ("data", Yaml::Map(vec![(path.clone(), Yaml::Text(content.clone()))])),
        };
        if content.len() > MAX_APPLIED_BYTES {
            warnings.push(format!("{}: is too long for client-side apply; use kubectl apply --server-side", map.name));
        }
        maps.push(map);
    }
    check_distinct(&maps)?;
    let file = |map: &Resource| DashboardFile { path: format!("{}.yaml", map.name), content: map.write() };
    Ok((maps.iter().map(file).collect(), warnings))
}
