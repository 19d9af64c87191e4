//! Rules in a file that the host writes: read, checked, written, loaded, and taken back.

use core::time::Duration;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Plug;
use crate::hosting::{self, File, FileProblem, Job, Moment, Outcome, Work};
use crate::http::{Clock, Failure, Limits, Request, Response, Transport};

/// A folder, and a Prometheus that loads one rule of it.
#[derive(Default)]
struct Host {
    files: BTreeMap<String, String>,
    /// Somebody else writes this just before the plug does.
    rival: Option<String>,
    granted: bool,
    refuses: bool,
    loaded: bool,
    now: Duration,
    asked: Vec<String>,
}

const FILE: &str = "plugpipe_alert_plugpipe-up.yml";

impl Clock for Host {
    fn unix_nanos(&self) -> u64 {
        1_704_067_200_000_000_000 + self.now.as_nanos() as u64
    }

    fn monotonic(&self) -> Duration {
        self.now
    }
}

impl Transport for Host {
    fn send_all(&mut self, requests: &[&Request], _: &Limits) -> Vec<Result<Response, Failure>> {
        let mut answer = |request: &&Request| {
            let path = request.url.path_and_query();
            self.asked.push(path.clone());
            let (status, body) = match &*path {
                "/-/reload" if self.refuses => (500, json!("failed to reload config")),
                "/-/reload" => {
                    self.loaded = self.files.values().any(|content| content.contains("alert: Up"));
                    (200, json!(null))
                }
                path if path.starts_with("/api/v1/rules") => {
                    let rule = json!({"type": "alerting", "name": "Up", "query": "up == 0", "duration": 300, "keepFiringFor": 0,
                        "labels": {"severity": "warning", "source": "plugpipe"}, "annotations": {"summary": "Alert: Up"},
                        "alerts": [], "health": "ok", "state": "inactive"});
                    let file = self.files.keys().next().map(|name| format!("/rules/{name}")).unwrap_or_default();
                    let group = json!({"name": "plugpipe", "file": file, "interval": 60, "rules": [rule]});
                    let groups = if self.loaded { json!([group]) } else { json!([]) };
                    (200, json!({"status": "success", "data": {"groups": groups}}))
                }
                _ => (200, json!({"status": "success", "data": {"resultType": "vector", "result": []}})),
            };
            Ok(Response { status, headers: Vec::new(), body: body.to_string().into() })
        };
        requests.iter().map(&mut answer).collect()
    }

    fn sleep(&mut self, duration: Duration) {
        self.now += duration;
    }
}

impl Host {
    fn put(&mut self, file: File) -> Result<Option<Vec<u8>>, FileProblem> {
        assert_eq!(file.folder, "rules");
        if !self.granted {
            return Err(FileProblem::NotGranted);
        }
        let is_read = file.content.is_none() && file.expected.is_none();
        if !is_read && let Some(rival) = self.rival.take() {
            self.files.insert(file.name.clone(), rival);
        }
        let held = self.files.get(&file.name).map(|content| content.clone().into_bytes());
        if held == file.expected {
            match file.content {
                Some(content) => drop(self.files.insert(file.name, String::from_utf8(content).unwrap())),
                None => drop(self.files.remove(&file.name)),
            }
        }
        Ok(held)
    }

    fn process(&mut self, ctx: &Value) -> Value {
        let mut plug = Plug::new(1);
        let at = Moment { unix_nanos: self.unix_nanos(), seed: 1, again: false };
        let cfg = r#"{"prometheus_url": "http://p:9090"}"#;
        let mut step = plug.start(1, hosting::Request::Call(&ctx.to_string()), cfg, at);
        while step.answers.is_empty() {
            let due = step.due.remove(0);
            let Some(Job { work, .. }) = plug.take(&due.lane, at) else { panic!("{}", due.lane) };
            let outcome = match work {
                Work::Run(job) => Outcome::Ran(hosting::run::run(job, self)),
                Work::PutFile(file) => {
                    assert!(due.origins.is_empty(), "the host performs it itself");
                    Outcome::FilePut(self.put(file))
                }
            };
            step = plug.complete(&due.lane, outcome, at);
        }
        serde_json::from_str(&step.answers.remove(0).1.body).unwrap()
    }
}

fn create() -> Value {
    json!({"operation": "create_alert", "alert_name": "Up", "expression": "up == 0", "rules_file": FILE})
}

#[test]
fn an_alert_is_written_loaded_and_confirmed() {
    let mut host = Host { granted: true, ..Host::default() };
    let answer = host.process(&create());
    let result = &answer["result"];
    let told = (&result["alert_created"], &result["status"], &result["rules_file_written"], &result["created"]);
    assert_eq!(told, (&json!(true), &json!("installed"), &json!(true), &json!(1)), "{answer}");
    assert!(host.files[FILE].contains("alert: Up"), "{:?}", host.files);
    // Once more, nothing changes and nothing is loaded.
    host.asked.clear();
    let answer = host.process(&create());
    assert_eq!(answer["result"]["status"], "unchanged", "{answer}");
    assert!(!host.asked.contains(&"/-/reload".to_owned()));
    // And it is taken out again.
    host.loaded = true;
    let answer = host.process(&json!({"operation": "delete_alert", "alert_name": "Up", "rules_file": FILE, "alert_config": {"rules_file": FILE}}));
    let told = (&answer["result"]["deleted"], &answer["result"]["was_there"], &answer["result"]["rules_file_removed"]);
    assert_eq!(told, (&json!(true), &json!(true), &json!(true)), "{answer}");
    assert!(host.files.is_empty());
}

#[test]
fn a_file_that_the_server_refuses_is_taken_back() {
    let mut host = Host { granted: true, refuses: true, ..Host::default() };
    let answer = host.process(&create());
    let result = &answer["result"];
    let told = (&result["alert_created"], &result["reload_refused"], &result["rules_file_written"]);
    assert_eq!(told, (&json!(false), &json!(true), &json!(false)), "{answer}");
    assert!(host.files.is_empty(), "{:?}", host.files);
}

#[test]
fn without_a_folder_the_caller_gets_the_file() {
    let answer = Host::default().process(&create());
    let result = &answer["result"];
    assert_eq!((&result["alert_created"], &result["status"]), (&json!(false), &json!("pending")), "{answer}");
    assert!(result["artifacts"][0]["content"].as_str().unwrap().contains("alert: Up"));
    assert!(result.get("rules_file_written").is_none(), "{answer}");
}

#[test]
fn a_rule_that_somebody_else_adds_meanwhile_is_kept() {
    let mut host = Host { granted: true, ..Host::default() };
    let mut other = create();
    other["alert_name"] = json!("Other");
    host.process(&other);
    let others = std::mem::take(&mut host.files).remove(FILE).unwrap();
    host.rival = Some(others);
    let answer = host.process(&create());
    assert_eq!(answer["result"]["rules_file_written"], true, "{answer}");
    assert!(host.files[FILE].contains("alert: Up") && host.files[FILE].contains("alert: Other"), "{:?}", host.files);
}
