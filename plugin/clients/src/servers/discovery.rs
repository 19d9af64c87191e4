//! Service discovery: target groups from an http_sd endpoint or a file, and Prometheus's view of
//! its targets.
//!
//! Source: Prometheus's documentation of `http_sd_config` and of `GET /api/v1/targets`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::http::{Client, Method, Peer, Request, Url, endpoint};
use crate::servers::prometheus;
use plugpipe_contract::error::excerpt;
use plugpipe_contract::lenient::unless_null;
use plugpipe_contract::written::kind_of_value;
use plugpipe_provisioning::prometheus_yml::check_target;

/// Identifies the server in errors.
pub const PEER: Peer = Peer { server: "http_sd endpoint", setting: "sd_url" };

/// Targets with common labels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    /// `host:port` of each, without duplicates.
    pub targets: Vec<String>,
    /// Names that begin with `__` control the scrape: `__metrics_path__`, `__scheme__`.
    pub labels: BTreeMap<String, String>,
}

/// A target in Prometheus.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Known {
    /// Whether it is scraped; false if relabeling dropped it.
    pub active: bool,
    /// `up`, `down` or `unknown`; empty if dropped.
    pub health: String,
    /// The error of the last scrape; empty if it succeeded.
    pub last_error: String,
    /// The job that scrapes it.
    pub job: String,
    /// Its scrape URL; empty if dropped.
    pub scrape_url: String,
    /// The labels before relabeling.
    discovered: BTreeMap<String, String>,
}

impl Known {
    /// Whether this is the given target: the address and all labels that control the scrape match.
    pub fn is(&self, address: &str, labels: &BTreeMap<String, String>) -> bool {
        let is_same = |name: &str| labels.get(name).is_none_or(|value| self.discovered.get(name) == Some(value));
        self.discovered.get("__address__").is_some_and(|own| own == address)
            && is_same("__metrics_path__")
            && is_same("__scheme__")
    }
}

/// Fetches the target groups of an http_sd endpoint. The response must be valid for Prometheus:
/// 200, `application/json`, a list of groups.
pub fn fetch(client: &mut Client, url: &Url) -> Result<Vec<Group>, Error> {
    let mut request = Request::new(Method::Get, url.clone());
    request.headers.push(("accept", "application/json".into()));
    let response = client.send(PEER, request)?;
    if response.status != 200 {
        return Err(super::refused(PEER, url, &response, ""));
    }
    let bad = |problem: String| bad_answer(PEER, url, problem);
    let content_type =
        response.headers.iter().find(|(name, _)| name == "content-type").map_or("", |(_, value)| value.as_str());
    if !is_json(content_type) {
        let problem =
            format!("its Content-Type is {:?}; Prometheus accepts only application/json", excerpt(content_type, 100));
        return Err(bad(problem));
    }
    let list: Value = serde_json::from_slice(&response.body).map_err(|problem| bad(problem.to_string()))?;
    groups(&list, "").map_err(|(path, problem)| bad(format!("{path}: {problem}")))
}

/// Prometheus accepts `application/json`, with no charset other than UTF-8.
fn is_json(content_type: &str) -> bool {
    let (kind, charset) = content_type.split_once(';').unwrap_or((content_type, ""));
    kind.eq_ignore_ascii_case("application/json")
        && (!content_type.contains(';') || matches!(charset.trim_start(), "charset=utf-8" | "charset=\"utf-8\""))
}

/// Reads a list of groups, merging those with the same labels, in order of appearance. `path` is
/// the path of the list; an error holds the path of the invalid value and what was expected.
pub fn groups(list: &Value, path: &str) -> Result<Vec<Group>, (String, String)> {
    let Value::Array(items) = list else {
        return Err((path.to_owned(), format!("expected a list of groups of targets, got {}", kind_of_value(list))));
    };
    let mut groups: Vec<Group> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Value::Object(item) = item else {
            return Err((path, format!("expected an object with targets and labels, got {}", kind_of_value(item))));
        };
        let read = group(item, &path)?;
        match groups.iter_mut().find(|group| group.labels == read.labels) {
            Some(group) => read.targets.into_iter().for_each(|target| add(group, target)),
            None => groups.push(read),
        }
    }
    Ok(groups)
}

fn add(group: &mut Group, target: String) {
    if !group.targets.contains(&target) {
        group.targets.push(target);
    }
}

fn group(item: &Map<String, Value>, path: &str) -> Result<Group, (String, String)> {
    let mut group = Group::default();
    match item.get("labels") {
        None | Some(Value::Null) => {}
        Some(Value::Object(labels)) => {
            for (name, value) in labels {
                let Value::String(value) = value else {
                    let path = format!("{path}.labels.{}", excerpt(name, 100));
                    return Err((path, format!("expected text, got {}", kind_of_value(value))));
                };
                group.labels.insert(name.clone(), value.clone());
            }
        }
        Some(other) => {
            return Err((format!("{path}.labels"), format!("expected an object, got {}", kind_of_value(other))));
        }
    }
    let targets = match item.get("targets") {
        None | Some(Value::Null) => {
            return Err((format!("{path}.targets"), "is missing; expected a list of host:port".into()));
        }
        Some(Value::Array(targets)) => targets,
        Some(other) => {
            return Err((format!("{path}.targets"), format!("expected a list, got {}", kind_of_value(other))));
        }
    };
    for (index, target) in targets.iter().enumerate() {
        let invalid = |problem| (format!("{path}.targets[{index}]"), problem);
        let target = target.as_str().ok_or_else(|| invalid(format!("expected text, got {}", kind_of_value(target))))?;
        check_target(target).map_err(invalid)?;
        add(&mut group, target.to_owned());
    }
    Ok(group)
}

/// The targets Prometheus knows: `GET /api/v1/targets?state=any`.
pub fn known(client: &mut Client, prometheus: &Url) -> Result<Vec<Known>, Error> {
    let url = endpoint(prometheus, ["api", "v1", "targets"]);
    let request = Request::new(Method::Get, url.clone().with_query(Some("state=any".to_owned())));
    let response = client.send(prometheus::PEER, request)?;
    if response.status != 200 {
        return Err(super::refused(prometheus::PEER, &url, &response, ""));
    }
    let bad = |problem: String| bad_answer(prometheus::PEER, &url, problem);
    let targets: Targets = serde_json::from_slice(&response.body).map_err(|problem| bad(problem.to_string()))?;
    Ok(targets.into_known())
}

/// The response of `GET /api/v1/targets`.
#[derive(Deserialize)]
struct Targets {
    data: TargetsByState,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TargetsByState {
    active_targets: Vec<Target>,
    #[serde(default, deserialize_with = "unless_null")]
    dropped_targets: Vec<Target>,
}

/// A target of the response. Dropped targets have discovered labels only.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    #[serde(default)]
    health: String,
    #[serde(default)]
    last_error: String,
    #[serde(default)]
    scrape_url: String,
    #[serde(default, deserialize_with = "unless_null")]
    discovered_labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "unless_null")]
    labels: BTreeMap<String, String>,
}

impl Targets {
    fn into_known(self) -> Vec<Known> {
        let TargetsByState { active_targets, dropped_targets } = self.data;
        let active = active_targets.into_iter().map(|target| target.into_known(true));
        active.chain(dropped_targets.into_iter().map(|target| target.into_known(false))).collect()
    }
}

impl Target {
    fn into_known(self, active: bool) -> Known {
        // Relabeling may have changed the job.
        let job = self.labels.get("job").or_else(|| self.discovered_labels.get("job"));
        Known {
            active,
            job: job.cloned().unwrap_or_default(),
            health: self.health,
            last_error: self.last_error,
            scrape_url: self.scrape_url,
            discovered: self.discovered_labels,
        }
    }
}

fn bad_answer(peer: Peer, url: &Url, problem: String) -> Error {
    Error::BadAnswer { server: peer.server, origin: url.origin(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Group>, (String, String)> {
        groups(&serde_json::from_str(text).unwrap(), "")
    }

    #[test]
    fn groups_with_the_same_labels_are_one() {
        let read = read(
            r#"[{"targets": ["a:1", "b:1"], "labels": {"y": "2", "x": "1"}}, {"targets": ["c:1"]},
                {"targets": ["b:1", "d:1"], "labels": {"x": "1", "y": "2"}}, {"targets": [], "labels": null}]"#,
        )
        .unwrap();
        let labels = BTreeMap::from([("x".to_owned(), "1".to_owned()), ("y".to_owned(), "2".to_owned())]);
        let group = |targets: &[&str], labels| Group { targets: targets.iter().map(|&t| t.into()).collect(), labels };
        assert_eq!(read, [group(&["a:1", "b:1", "d:1"], labels), group(&["c:1"], BTreeMap::new())]);
    }

    #[test]
    fn invalid_groups_are_named_with_their_path() {
        for (text, path) in [
            ("{}", ""),
            ("[1]", "[0]"),
            ("[{}]", "[0].targets"),
            (r#"[{"targets": []}, {"targets": "a:1"}]"#, "[1].targets"),
            (r#"[{"targets": ["a:1", 2]}]"#, "[0].targets[1]"),
            (r#"[{"targets": ["http://a:1"]}]"#, "[0].targets[0]"),
            (r#"[{"targets": [], "labels": {"a": 1}}]"#, "[0].labels.a"),
            (r#"[{"targets": [], "labels": []}]"#, "[0].labels"),
        ] {
            assert_eq!(read(text).unwrap_err().0, path, "{text}");
        }
    }

    #[test]
    fn only_the_content_types_that_prometheus_accepts_are_json() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/json;charset=\"utf-8\""] {
            assert!(is_json(good), "{good}");
        }
        for bad in ["", "text/json", "application/json; charset=latin1", "application/json;"] {
            assert!(!is_json(bad), "{bad}");
        }
    }

    #[test]
    fn a_target_is_known_by_its_address_and_where_it_is_scraped() {
        let answer = r#"{"status": "success", "data": {"activeTargets": [{"discoveredLabels":
            {"__address__": "a:1", "__metrics_path__": "/m", "job": "j"}, "labels": {"job": "k"}, "health": "up"}]}}"#;
        let read = |text| serde_json::from_str(text).map(Targets::into_known);
        let known = read(answer).unwrap();
        let path = |path: &str| [("__metrics_path__", path), ("x", "y")].map(|(k, v)| (k.into(), v.into())).into();
        assert_eq!((known[0].job.as_str(), known[0].health.as_str(), known[0].active), ("k", "up", true));
        assert!(known[0].is("a:1", &path("/m")) && known[0].is("a:1", &BTreeMap::new()));
        assert!(!known[0].is("a:1", &path("/n")) && !known[0].is("a:2", &BTreeMap::new()));
        assert!(read("{\"data\": {}}").unwrap_err().to_string().contains("activeTargets"));
    }
}
