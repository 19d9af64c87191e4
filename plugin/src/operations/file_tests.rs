//! Rules in a file that the host writes: read, checked, written, loaded, and taken back.

use core::time::Duration;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Plug;
use crate::hosting::{self, File, FileProblem, Job, Moment, Outcome, Step, Work};
use crate::http::{Clock, Failure, Limits, Request, Response, Transport};

/// A folder, and a Prometheus that loads one rule of it.
#[derive(Default)]
struct Host {
    files: BTreeMap<String, String>,
    /// Somebody else writes this just before the plug does.
    rival: Option<String>,
    granted: bool,
    refuses: bool,
    /// Nobody listens.
    away: bool,
    loaded: bool,
    /// How many looks it takes until the server lists what it has loaded.
    lag: u32,
    /// The job of this number ends without an outcome, after it was done or before.
    loses: Option<(usize, bool)>,
    now: Duration,
    asked: Vec<String>,
    /// The lane, pause and origins of each job.
    jobs: Vec<(String, u32, Vec<String>)>,
}

const CONFIGURATION: &str = r#"{"prometheus_url": "http://p:9090", "retry_attempts": 1}"#;

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
            if self.away {
                return Err(Failure::Refused);
            }
            let (status, body) = match &*path {
                "/-/reload" if self.refuses => (500, json!("failed to reload config")),
                "/-/reload" => {
                    self.loaded = self.files.values().any(|content| content.contains("alert: Up"));
                    (200, json!(null))
                }
                path if path.starts_with("/api/v1/rules") => {
                    let lists = self.loaded && self.lag == 0;
                    self.lag = self.lag.saturating_sub(u32::from(self.loaded));
                    let rule = json!({"type": "alerting", "name": "Up", "query": "up == 0", "duration": 300, "keepFiringFor": 0,
                        "labels": {"severity": "warning", "source": "plugpipe"}, "annotations": {"summary": "Alert: Up"},
                        "alerts": [], "health": "ok", "state": "inactive"});
                    let file = self.files.keys().next().map(|name| format!("/rules/{name}")).unwrap_or_default();
                    let group = json!({"name": "plugpipe", "file": file, "interval": 60, "rules": [rule]});
                    let groups = if lists { json!([group]) } else { json!([]) };
                    (200, json!({"status": "success", "data": {"groups": groups}}))
                }
                _ => (200, json!({"status": "success", "data": {"resultType": "vector", "result": []}})),
            };
            Ok(Response { status, headers: Vec::new(), body: body.to_string().into() })
        };
        requests.iter().map(&mut answer).collect()
    }

    fn sleep(&mut self, duration: Duration) {
        panic!("a job waits for {duration:?} and holds its slot");
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

    fn at(&self) -> Moment {
        Moment { unix_nanos: self.unix_nanos(), seed: 1, again: false }
    }

    fn process(&mut self, ctx: &Value) -> Value {
        let mut plug = Plug::new(1);
        let step = self.start(&mut plug, ctx);
        self.finish(&mut plug, step)
    }

    fn start(&mut self, plug: &mut Plug, ctx: &Value) -> Step {
        self.jobs.clear();
        plug.start(1, hosting::Request::Call(&ctx.to_string()), CONFIGURATION, self.at())
    }

    /// Carries out the jobs until there is an answer.
    fn finish(&mut self, plug: &mut Plug, mut step: Step) -> Value {
        while step.answers.is_empty() {
            step = self.next(plug, step);
        }
        serde_json::from_str(&step.answers.remove(0).1.body).unwrap()
    }

    /// Carries out one job.
    fn next(&mut self, plug: &mut Plug, mut step: Step) -> Step {
        let due = step.due.remove(0);
        self.now += Duration::from_millis(due.pause_ms.into());
        let Some(Job { work, .. }) = plug.take(&due.lane, self.at()) else { panic!("{}", due.lane) };
        let lost = self.loses.filter(|(number, _)| *number == self.jobs.len());
        self.jobs.push((due.lane.clone(), due.pause_ms, due.origins.clone()));
        let outcome = match work {
            _ if matches!(lost, Some((_, false))) => None,
            Work::Run(job) => Some(Outcome::Ran(hosting::run::run(job, self))),
            Work::PutFile(file) => {
                assert!(due.origins.is_empty(), "the host performs it itself");
                Some(Outcome::FilePut(self.put(file)))
            }
        };
        let outcome = outcome.filter(|_| lost.is_none()).unwrap_or(Outcome::Lost("the worker ended".into()));
        plug.complete(&due.lane, outcome, self.at())
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

#[test]
fn confirming_waits_between_its_jobs_and_not_in_them() {
    let mut host = Host { granted: true, lag: 3, ..Host::default() };
    let answer = host.process(&create());
    assert_eq!((&answer["result"]["status"], &answer["result"]["alert_created"]), (&json!("installed"), &json!(true)));
    let pauses: Vec<u32> = host.jobs.iter().map(|(_, pause, _)| *pause).collect();
    // Read, look, written, loaded; then the first look at once.
    assert_eq!(pauses, [0, 0, 0, 0, 0, 200, 200, 200], "{:?}", host.jobs);
    assert!(host.jobs.iter().all(|(lane, ..)| lane == &format!("file:{FILE}")));
    // Look, reload, and four looks.
    assert_eq!(answer["result"]["exchange"]["attempts"], 6, "{answer}");
}

#[test]
fn a_rule_that_is_never_listed_is_pending_after_five_seconds() {
    let mut host = Host { granted: true, lag: u32::MAX, ..Host::default() };
    let answer = host.process(&create());
    let result = &answer["result"];
    let told = (&result["alert_created"], &result["status"], &result["rules_file_written"], &result["created"]);
    assert_eq!(told, (&json!(false), &json!("pending"), &json!(true), &json!(1)), "{answer}");
    assert!(result["pending"].as_str().unwrap().contains("plugpipe/Up is not listed"), "{answer}");
    assert_eq!((host.now, host.jobs.len()), (Duration::from_secs(5), 30));
    assert!(host.files.contains_key(FILE));
}

/// What a lost job means depends on what it was to do.
#[test]
fn a_lost_job_is_told_by_what_it_may_have_done() {
    let (read, look, put, load) = (0, 1, 2, 3);
    for (job, done, code, stands) in [
        (read, false, "interrupted", false),
        (look, false, "interrupted", false),
        (put, false, "unknown_outcome", false),
        (put, true, "unknown_outcome", false),
        (load, false, "unknown_outcome", false),
        (load, true, "unknown_outcome", false),
    ] {
        let mut host = Host { granted: true, loses: Some((job, done)), ..Host::default() };
        let answer = host.process(&create());
        assert_eq!(
            (&answer["success"], &answer["error_code"]),
            (&json!(false), &json!(code)),
            "{job} {done}: {answer}"
        );
        assert_eq!(host.files.contains_key(FILE), stands, "{job} {done}: {:?}", host.files);
        let says = answer["error"].as_str().unwrap().contains("the previous file was restored");
        assert_eq!(says, code == "unknown_outcome", "{answer}");
        // A server that may have loaded the new rules is back at those before.
        let reloads = host.asked.iter().filter(|path| *path == "/-/reload").count();
        assert_eq!((reloads, host.loaded), (usize::from(job == load) + usize::from(job == load && done), false));
        let says = answer["error"].as_str().unwrap().contains("the server reloaded it");
        assert_eq!(says, job == load, "{answer}");
    }
    // What was written is written, whether or not a look at it is lost.
    let mut host = Host { granted: true, loses: Some((4, false)), ..Host::default() };
    assert_eq!(host.process(&create())["result"]["status"], "installed");
    // Taking it back expects what was written, and is done again.
    let mut host = Host { granted: true, refuses: true, loses: Some((4, true)), ..Host::default() };
    let answer = host.process(&create());
    assert_eq!((&answer["result"]["reload_refused"], host.files.len()), (&json!(true), 0), "{answer}");
}

/// After a reload that was lost, the file is taken back, and the server loads it again, whatever
/// happens on the way.
#[test]
fn a_file_that_was_taken_back_after_a_lost_reload_is_loaded_again() {
    let lost = || {
        let mut host = Host { granted: true, loses: Some((3, true)), ..Host::default() };
        let mut plug = Plug::new(1);
        let mut step = host.start(&mut plug, &create());
        for _ in 0..5 {
            step = host.next(&mut plug, step);
        }
        // Taken back, and not loaded yet.
        assert!(host.files.is_empty() && host.loaded);
        (host, plug, step)
    };
    // Losing that too, it is done again.
    let (mut host, mut plug, step) = lost();
    host.loses = Some((5, false));
    let answer = host.finish(&mut plug, step);
    assert!(answer["error"].as_str().unwrap().contains("the server reloaded it") && !host.loaded, "{answer}");
    // A caller who left needs not wait for it.
    let (mut host, mut plug, mut step) = lost();
    assert_eq!(plug.release(1, host.at()).answers[0].1.error.as_ref().unwrap().code, "unknown_outcome");
    while !step.due.is_empty() {
        step = host.next(&mut plug, step);
    }
    assert!(!host.loaded && plug.unfinished().1.is_empty());
    // Nor is a restart of the host the end of it.
    let (mut host, plug, step) = lost();
    let mut after = Plug::new(2);
    after.restore(&plug.snapshot(), 2).unwrap();
    after.configure(CONFIGURATION).unwrap();
    let answer = host.finish(&mut after, step);
    assert!(answer["error"].as_str().unwrap().contains("the server reloaded it") && !host.loaded, "{answer}");
    // A server that is away is said to be.
    let (mut host, mut plug, step) = lost();
    host.away = true;
    let answer = host.finish(&mut plug, step);
    assert!(answer["error"].as_str().unwrap().contains("the server did not reload it: "), "{answer}");
}

#[test]
fn a_file_that_somebody_else_changed_since_is_not_taken_back() {
    let mut host = Host { granted: true, loses: Some((3, true)), ..Host::default() };
    let mut plug = Plug::new(1);
    let mut step = host.start(&mut plug, &create());
    for _ in 0..4 {
        step = host.next(&mut plug, step);
    }
    host.files.insert(FILE.into(), "# by hand".into());
    let answer = host.finish(&mut plug, step);
    assert!(answer["error"].as_str().unwrap().contains("could not be restored"), "{answer}");
    assert_eq!(host.files[FILE], "# by hand");
}

#[test]
fn the_webhook_is_notified_last_and_in_a_lane_of_its_own() {
    let mut ctx = create();
    ctx["webhook_url"] = json!("http://hook:1/s3cret-path");
    let mut host = Host { granted: true, lag: 1, ..Host::default() };
    let answer = host.process(&ctx);
    let told = (&answer["result"]["alert_created"], &answer["result"]["webhook"]["delivered"]);
    assert_eq!(told, (&json!(true), &json!(true)), "{answer}");
    let last = host.jobs.pop().unwrap();
    assert_eq!(last, ("webhook:1".to_owned(), 0, vec!["http://hook:1".to_owned()]));
    assert!(host.jobs.iter().all(|(.., origins)| !origins.contains(&"http://hook:1".to_owned())), "{:?}", host.jobs);
    assert_eq!(host.asked.last().unwrap(), "/s3cret-path");
    // Its loss is none of the rule.
    let mut host = Host { granted: true, loses: Some((5, true)), ..Host::default() };
    let answer = host.process(&ctx);
    let webhook = &answer["result"]["webhook"];
    let told = (&answer["result"]["alert_created"], &webhook["delivered"], &webhook["error_code"]);
    assert_eq!(told, (&json!(true), &json!(false), &json!("unknown_outcome")), "{answer}");
    // Nobody is told of a file that was taken back.
    let mut host = Host { granted: true, refuses: true, ..Host::default() };
    let answer = host.process(&ctx);
    assert_eq!(
        (&answer["result"]["reload_refused"], answer["result"].get("webhook")),
        (&json!(true), None),
        "{answer}"
    );
}

#[test]
fn who_leaves_is_told_what_was_done_and_what_is_owed_to_the_file_is_done() {
    // While it is confirmed: it is written, and nothing is wrong.
    let mut host = Host { granted: true, lag: u32::MAX, ..Host::default() };
    let mut plug = Plug::new(1);
    let mut step = host.start(&mut plug, &create());
    for _ in 0..5 {
        step = host.next(&mut plug, step);
    }
    let step = plug.release(1, host.at());
    let answer: Value = serde_json::from_str(&step.answers[0].1.body).unwrap();
    let told = (&answer["result"]["status"], &answer["result"]["rules_file_written"]);
    assert_eq!(told, (&json!("pending"), &json!(true)), "{answer}");
    // Before the file is loaded: the server still gets it, or it is taken back.
    for refuses in [false, true] {
        let mut host = Host { granted: true, refuses, ..Host::default() };
        let mut plug = Plug::new(1);
        let mut step = host.start(&mut plug, &create());
        for _ in 0..3 {
            step = host.next(&mut plug, step);
        }
        let released = plug.release(1, host.at());
        assert_eq!(released.answers[0].1.error.as_ref().unwrap().code, "unknown_outcome");
        while !step.due.is_empty() {
            step = host.next(&mut plug, step);
            assert!(step.changed, "{:?}", host.jobs);
        }
        assert_eq!((host.loaded, host.files.len()), (!refuses, usize::from(!refuses)));
        assert!(plug.unfinished().1.is_empty());
    }
}

#[test]
fn a_server_that_is_away_is_not_waited_for() {
    let mut host = Host { granted: true, away: true, ..Host::default() };
    let answer = host.process(&create());
    let result = &answer["result"];
    assert_eq!((&result["status"], &result["rules_file_written"]), (&json!("pending"), &json!(true)), "{answer}");
    let pending = result["pending"].as_str().unwrap();
    assert!(pending.contains("did not load it") && pending.contains("cannot list the server's rules"), "{answer}");
    assert!(host.jobs.iter().all(|(_, pause, _)| *pause == 0), "{:?}", host.jobs);
}
