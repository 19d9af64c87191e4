//! Dashboards as provisioning files for Grafana.

use super::members::{Map, to_json};
use super::{Place, uid};
use crate::yaml::Yaml;
use plugpipe_contract::responses::DashboardFile;

/// The provider's folder of dashboard files.
const FOLDER: &str = "/var/lib/grafana/dashboards/plugpipe";

/// The file of a dashboard, without the server's own counters.
pub fn file(uid: &str, mut model: Map) -> DashboardFile {
    for name in ["id", "version"] {
        model.remove(name);
    }
    DashboardFile { path: name(uid), content: to_json(&model) }
}

/// The file name for a uid. Grafana may contain uids that are older than its rules for them.
fn name(uid: &str) -> String {
    if uid::check(uid).is_ok() { format!("{uid}.json") } else { format!("{}.json", uid::derive(&[], uid)) }
}

/// The provider's configuration file.
pub fn provider(place: &Place, organization: u64) -> String {
    let mut provider = vec![
        ("name".to_owned(), Yaml::from("plugpipe")),
        ("orgId".into(), Yaml::Whole(i64::try_from(organization).unwrap_or(1))),
        ("type".into(), "file".into()),
    ];
    if let Some(title) = place.titles.last() {
        provider.push(("folder".into(), title.as_str().into()));
    }
    if let Some(uid) = &place.uid {
        provider.push(("folderUid".into(), uid.as_str().into()));
    }
    provider.push(("disableDeletion".into(), false.into()));
    provider.push(("allowUiUpdates".into(), false.into()));
    provider.push(("options".into(), Yaml::Map(vec![("path".into(), FOLDER.into())])));
    Yaml::Map(vec![("apiVersion".into(), Yaml::Whole(1)), ("providers".into(), Yaml::List(vec![Yaml::Map(provider)]))])
        .write()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_uid_has_a_file_name() {
        assert_eq!(name("a-b_1"), "a-b_1.json");
        let derived = name("../é");
        assert!(derived.ends_with(".json") && !derived.contains('/'), "{derived}");
    }

    #[test]
    fn a_provider_names_the_last_folder() {
        let place = Place { titles: vec!["A".into(), "B".into()], uid: Some("b".into()) };
        let file: serde_json::Value = serde_saphyr::from_str(&provider(&place, 7)).unwrap();
        let provider = &file["providers"][0];
        assert_eq!(
            (&provider["orgId"], &provider["folder"], &provider["folderUid"]),
            (&7.into(), &"B".into(), &"b".into())
        );
    }
}
