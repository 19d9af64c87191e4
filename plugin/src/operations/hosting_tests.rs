//! The host's part, played here: calls in any order, a journal and a crash at every point, and a
//! Pushgateway that keeps what it was sent.

use core::time::Duration;
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Plug;
use super::delta_tests::Counted;
use crate::hosting::{self, Answer, Due, File, FileProblem, Job, Moment, Outcome, Step, Ticket, Work};
use crate::http::{Clock, Failure, Limits, Method, Request, Response, Transport};

/// A Pushgateway and a remote-write receiver. What they hold survives the plug.
#[derive(Debug, Clone, Default)]
pub(super) struct Servers {
    groups: BTreeMap<String, String>,
    /// Requests to the receiver, by their bodies.
    written: Vec<Vec<u8>>,
    /// What a receiver of deltas has counted.
    counted: Counted,
    /// Rule files, and whether a server has loaded them.
    files: BTreeMap<String, Vec<u8>>,
    loaded: bool,
    /// Groups that a ruler has.
    rules: bool,
    away: bool,
    now: Duration,
    asked: Vec<String>,
}

impl Clock for Servers {
    fn unix_nanos(&self) -> u64 {
        1_704_067_200_000_000_000 + self.now.as_nanos() as u64
    }

    fn monotonic(&self) -> Duration {
        self.now
    }
}

impl Transport for Servers {
    fn send_all(&mut self, requests: &[&Request], _: &Limits) -> Vec<Result<Response, Failure>> {
        let mut answer = |request: &&Request| {
            let url = request.url.to_string();
            self.asked.push(format!("{:?} {url}", request.method));
            if self.away {
                return Err(Failure::Refused);
            }
            let body = String::from_utf8_lossy(&request.body).into_owned();
            if let Some(rules) = self.answer_of_rules(request.method, &url) {
                return Ok(rules);
            }
            if url == "http://g:1/api/v1/metrics" {
                return Ok(self.list_groups());
            }
            match request.method {
                _ if url.contains("/write") => self.written.push(request.body.to_vec()),
                _ if url.contains("/v1/metrics") => self.counted.take(&request.body),
                Method::Put => drop(self.groups.insert(url, body)),
                Method::Delete => drop(self.groups.remove(&url)),
                _ => {}
            }
            Ok(Response {
                status: if request.url.to_string().contains("/write") { 204 } else { 200 },
                headers: vec![("x-prometheus-remote-write-samples-written".into(), "1".into())],
                body: Vec::new(),
            })
        };
        requests.iter().map(&mut answer).collect()
    }

    fn sleep(&mut self, duration: Duration) {
        self.now += duration;
    }
}

impl Servers {
    /// A Prometheus that loads files and now and then refuses to, and a ruler that lists a rule at
    /// every second look.
    fn answer_of_rules(&mut self, method: Method, url: &str) -> Option<Response> {
        let ruler = url.starts_with("http://m:1/");
        let lists = match () {
            () if !ruler && url.ends_with("/-/reload") => {
                let status = if self.asked.len().is_multiple_of(5) { 500 } else { 200 };
                self.loaded = status == 200 && !self.files.is_empty();
                return Some(Response { status, headers: Vec::new(), body: Vec::new() });
            }
            () if url.ends_with("/api/v1/rules") => {
                if ruler {
                    self.rules && self.asked.len().is_multiple_of(2)
                } else {
                    self.loaded
                }
            }
            () if url.contains("/config/v1/rules") => {
                self.rules = method == Method::Post;
                return Some(Response { status: 202, headers: Vec::new(), body: Vec::new() });
            }
            () => return None,
        };
        let rule = json!({"type": "alerting", "name": "Up", "query": "up == 0", "duration": 300, "keepFiringFor": 0,
            "labels": {"severity": "warning", "source": "plugpipe"}, "annotations": {"summary": "Alert: Up"}, "alerts": [],
            "health": "ok", "state": "inactive"});
        let file = if ruler { "plugpipe" } else { "/r/a.yml" };
        let groups = if lists {
            json!([{"name": "plugpipe", "file": file, "interval": 60, "rules": [rule]}])
        } else {
            json!([])
        };
        let body = json!({"status": "success", "data": {"groups": groups}}).to_string().into_bytes();
        Some(Response { status: 200, headers: Vec::new(), body })
    }

    /// The groups of the gateway, all pushed long ago.
    fn list_groups(&self) -> Response {
        let group = |url: &String| {
            let job = url.rsplit('/').next();
            json!({"labels": {"job": job}, "last_push_successful": true,
                "push_time_seconds": {"type": "GAUGE", "metrics": [{"labels": {"job": job}, "value": "1"}]}})
        };
        let groups: Vec<Value> = self.groups.keys().map(group).collect();
        let body = json!({"status": "success", "data": groups}).to_string().into_bytes();
        Response { status: 200, headers: Vec::new(), body }
    }

    fn put(&mut self, file: File) -> Result<Option<Vec<u8>>, FileProblem> {
        let held = self.files.get(&file.name).cloned();
        if held == file.expected {
            match file.content {
                Some(content) => drop(self.files.insert(file.name, content)),
                None => drop(self.files.remove(&file.name)),
            }
        }
        Ok(held)
    }
}

/// What a journal holds.
#[derive(Debug, Clone)]
enum Entry {
    Start(Ticket, String, String, Moment),
    Take(String, Moment),
    Complete(String, Outcome, Moment),
    Release(Ticket, Moment),
}

/// A host that keeps a journal, in memory.
struct Host {
    plug: Plug,
    servers: Servers,
    journal: Vec<Entry>,
    clock: u64,
    next: Ticket,
    /// Lanes that have work.
    due: Vec<Due>,
    /// Jobs that were taken.
    running: Vec<(String, Work, bool)>,
    answers: BTreeMap<Ticket, Answer>,
}

const CFG: &str = r#"{"gateway_url": "http://u:s3cret@g:1", "job_name": "own", "gateway_auth": "s3cret-token", "remote_write_url": "http://r:1/write", "prometheus_url": "http://p:1", "ruler_url": "http://m:1", "otlp_url": "http://o:1/v1/metrics"}"#;

impl Host {
    fn new() -> Self {
        let mut plug = Plug::new(1);
        plug.configure(CFG).unwrap();
        Self {
            plug,
            servers: Servers::default(),
            journal: Vec::new(),
            clock: 1_704_067_200_000_000_000,
            next: 0,
            due: Vec::new(),
            running: Vec::new(),
            answers: BTreeMap::new(),
        }
    }

    fn moment(&mut self) -> Moment {
        self.clock += 1_000_000;
        Moment { unix_nanos: self.clock, seed: self.clock.rotate_left(7), again: false }
    }

    fn note(&mut self, step: Step) {
        for due in step.due {
            assert!(!self.due.contains(&due), "{} is due twice", due.lane);
            // Its pause, limit or origins are others.
            self.due.retain(|known| known.lane != due.lane);
            self.due.push(due);
        }
        for (ticket, answer) in step.answers {
            assert!(self.answers.insert(ticket, answer).is_none(), "ticket {ticket} is answered twice");
        }
    }

    fn start(&mut self, ctx: &Value) -> Ticket {
        self.next += 1;
        let (ticket, at, ctx) = (self.next, self.moment(), ctx.to_string());
        let step = self.plug.start(ticket, hosting::Request::Call(&ctx), CFG, at);
        if step.changed {
            let (ctx, cfg) = match &step.without_secrets {
                Some(clean) => (clean.ctx.clone().unwrap(), clean.cfg.clone()),
                None => (ctx, CFG.to_owned()),
            };
            assert!(!ctx.contains("s3cret") && !cfg.contains("s3cret"), "{ctx} {cfg}");
            self.journal.push(Entry::Start(ticket, ctx, cfg, at));
        }
        self.note(step);
        ticket
    }

    fn take(&mut self, place: usize) {
        if self.due.is_empty() {
            return;
        }
        let Due { lane, pause_ms, .. } = self.due.remove(place % self.due.len());
        self.clock += u64::from(pause_ms) * 1_000_000;
        let at = self.moment();
        if let Some(Job { work, changed }) = self.plug.take(&lane, at) {
            if changed {
                self.journal.push(Entry::Take(lane.clone(), at));
            }
            self.running.push((lane, work, changed));
        }
    }

    fn complete(&mut self, place: usize, lost: bool) {
        if self.running.is_empty() {
            return;
        }
        let (lane, work, changed) = self.running.remove(place % self.running.len());
        let at = self.moment();
        let outcome = match work {
            // It arrived, or it did not.
            Work::Run(job) => {
                let ran = Outcome::Ran(hosting::run::run(job, &mut self.servers));
                if lost { Outcome::Lost("the worker ended".into()) } else { ran }
            }
            Work::PutFile(file) => {
                let put = Outcome::FilePut(self.servers.put(file));
                if lost { Outcome::Lost("the host ended".into()) } else { put }
            }
        };
        let step = self.plug.complete(&lane, outcome.clone(), at);
        if changed || step.changed {
            let outcome = match outcome {
                Outcome::Ran(ran) => {
                    assert!(!String::from_utf8_lossy(&ran.effect).contains("s3cret"));
                    Outcome::Ran(hosting::ResultOfRun { told: Vec::new(), ..ran })
                }
                outcome => outcome,
            };
            self.journal.push(Entry::Complete(lane, outcome, at));
        }
        self.note(step);
    }

    fn release(&mut self, ticket: Ticket) {
        let at = self.moment();
        let step = self.plug.release(ticket, at);
        if step.changed {
            self.journal.push(Entry::Release(ticket, at));
        }
        self.note(step);
    }

    /// A plug that the journal was replayed into, from a snapshot or from nothing.
    fn replayed(&self, from: usize, snapshot: Option<&[u8]>) -> Plug {
        let mut plug = Plug::new(2);
        if let Some(snapshot) = snapshot {
            plug.restore(snapshot, 3).unwrap();
        }
        plug.configure(CFG).unwrap();
        for entry in &self.journal[from..] {
            let again = |at: &Moment| Moment { again: true, ..*at };
            match entry {
                Entry::Start(ticket, ctx, cfg, at) => {
                    drop(plug.start(*ticket, hosting::Request::Call(ctx), cfg, again(at)));
                }
                Entry::Take(lane, at) => drop(plug.take(lane, again(at))),
                Entry::Complete(lane, outcome, at) => drop(plug.complete(lane, outcome.clone(), again(at))),
                Entry::Release(ticket, at) => drop(plug.release(*ticket, again(at))),
            }
        }
        plug
    }

    /// The process ends, and another one goes on with what was written.
    fn crash(&mut self, snapshot: Option<(usize, Vec<u8>)>) {
        let (from, snapshot) = snapshot.map_or((0, None), |(from, snapshot)| (from, Some(snapshot)));
        self.plug = self.replayed(from, snapshot.as_deref());
        (self.due, self.running) = (Vec::new(), Vec::new());
        let (tickets, taken, due) = self.plug.unfinished();
        self.due = due;
        for lane in taken {
            let at = self.moment();
            let outcome = Outcome::Lost("the host was restarted".into());
            self.journal.push(Entry::Complete(lane.clone(), outcome.clone(), at));
            let step = self.plug.complete(&lane, outcome, at);
            self.note(step);
        }
        for ticket in tickets {
            self.release(ticket);
        }
    }

    fn settle(&mut self) {
        while !self.due.is_empty() || !self.running.is_empty() {
            self.take(0);
            self.complete(0, false);
        }
    }
}

fn counter(job: Option<&str>) -> Value {
    let mut ctx = json!({"operation": "record_counter", "metric_name": "c_total", "metric_value": 1});
    if let Some(job) = job {
        ctx["job_name"] = json!(job);
    }
    ctx
}

#[derive(Debug, Clone)]
enum Act {
    Record(Option<&'static str>),
    Operation(&'static str),
    Take(usize),
    Complete(usize, bool),
    Release(usize),
    Away(bool),
    Snapshot,
    Crash,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let operations = vec![
        "push_metrics",
        "flush_metrics",
        "delete_metrics",
        "remote_write_metrics",
        "export_otlp",
        "export_otlp",
        "export_metrics",
        "health_check",
        "list_groups",
        "clear_metrics",
        "create_silence",
        "create_alert",
        "delete_alert",
        "create_alert mimir",
        "delete_alert mimir",
        "plan_alerts",
        "expire_groups",
    ];
    let act = prop_oneof![
        8 => prop::sample::select(vec![None, Some("a"), Some("b")]).prop_map(Act::Record),
        4 => prop::sample::select(operations).prop_map(Act::Operation),
        10 => (0_usize..8).prop_map(Act::Take),
        10 => (0_usize..8, prop::bool::weighted(0.1)).prop_map(|(place, lost)| Act::Complete(place, lost)),
        1 => (0_usize..40).prop_map(Act::Release),
        1 => any::<bool>().prop_map(Act::Away),
        1 => Just(Act::Snapshot),
        1 => Just(Act::Crash),
    ];
    prop::collection::vec(act, 1..60)
}

/// The value of the counter in a group, as the gateway holds it.
fn total(servers: &Servers, group: &str) -> u64 {
    let Some(text) = servers.groups.get(&format!("http://g:1/metrics/job/{group}")) else { return 0 };
    text.lines().find_map(|line| line.strip_prefix("c_total ")).map_or(0, |value| value.parse().unwrap())
}

/// The state, but for the time of the last call, journalled or not.
fn state(plug: &mut Plug) -> Vec<u8> {
    plug.recorder.registry.set_now(0);
    plug.recorder.groups.list.iter_mut().for_each(|group| group.registry.set_now(0));
    plug.recorder.exact_state()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_replayed_journal_is_the_state_whatever_the_order(acts in acts()) {
        let mut host = Host::new();
        let mut snapshot = None;
        let mut recorded: BTreeMap<&str, u64> = BTreeMap::new();
        // What is cleared before it was exported never is.
        let exports_all = !acts.iter().any(|act| matches!(act, Act::Operation("clear_metrics")));
        for act in acts {
            match act {
                Act::Record(job) => {
                    host.start(&counter(job));
                    *recorded.entry(job.unwrap_or("own")).or_default() += 1;
                }
                Act::Operation(operation) => {
                    if operation == "clear_metrics" {
                        recorded.clear();
                    }
                    let (operation, target) = operation.split_once(' ').unwrap_or((operation, "file"));
                    let mut ctx = json!({"operation": operation});
                    if operation == "export_otlp" {
                        ctx["otlp_temporality"] = json!("delta");
                    } else if operation == "create_silence" {
                        ctx["alertmanager_url"] = json!("http://x:s3cret@am:1");
                        ctx["matchers"] = json!(["a=b"]);
                        ctx["comment"] = json!("c");
                        ctx["duration"] = json!("1h");
                    } else if operation.ends_with("_alert") {
                        ctx["alert_config"] = json!({"alert_name": "Up", "expression": "up == 0", "rules_file": "a.yml",
                            "target": target, "webhook_url": "http://x:s3cret@hook:1/"});
                    } else if operation == "expire_groups" {
                        ctx["older_than"] = json!("1m");
                        ctx["dry_run"] = json!(false);
                        ctx["labels"] = json!({"job": "own"});
                    } else if operation == "plan_alerts" {
                        ctx["alerts"] = json!([{"alert_name": "Up", "expression": "up == 0"}]);
                    }
                    host.start(&ctx);
                }
                Act::Take(place) => host.take(place),
                Act::Complete(place, lost) => host.complete(place, lost),
                Act::Release(ticket) => host.release(ticket as Ticket),
                Act::Away(away) => host.servers.away = away,
                Act::Snapshot => {
                    let bytes = host.plug.snapshot();
                    prop_assert!(!String::from_utf8_lossy(&bytes).contains("s3cret"));
                    snapshot = Some((host.journal.len(), bytes));
                }
                Act::Crash => host.crash(snapshot.clone()),
            }
            let live = state(&mut host.plug);
            prop_assert!(state(&mut host.replayed(0, None)) == live, "from nothing: {:?}", host.journal.last());
            if let Some((from, bytes)) = &snapshot {
                let mut replayed = host.replayed(*from, Some(bytes));
                prop_assert!(state(&mut replayed) == live, "from a snapshot: {:?}", host.journal.last());
            }
        }
        // At last all of it is at the gateway, once.
        host.servers.away = false;
        host.settle();
        let ticket = host.start(&json!({"operation": "push_metrics", "preflight": false}));
        host.settle();
        host.start(&json!({"operation": "export_otlp", "otlp_temporality": "delta"}));
        host.settle();
        let answer = &host.answers[&ticket];
        for (group, count) in recorded {
            prop_assert_eq!(total(&host.servers, group), count, "{} {:?}", group, answer);
            let counted = host.servers.counted.total(group, "c_total");
            prop_assert!(!exports_all || counted == count as f64, "{}: {} of {}", group, counted, count);
        }
        let (tickets, taken, due) = host.plug.unfinished();
        prop_assert_eq!((tickets.len(), taken.len(), due.len()), (0, 0, 0));
    }
}

#[test]
fn many_records_share_a_push_and_each_is_told() {
    let mut host = Host::new();
    for _ in 0..100 {
        host.start(&counter(None));
    }
    assert_eq!(host.due.iter().map(|due| &due.lane).collect::<Vec<_>>(), ["push:http://g:1/metrics/job/own"]);
    host.take(0);
    for _ in 0..100 {
        host.start(&counter(None));
    }
    host.complete(0, false);
    assert_eq!(host.answers.len(), 100);
    assert_eq!(host.answers.values().last().unwrap().unsent, 100);
    host.settle();
    assert_eq!((host.answers.len(), total(&host.servers, "own"), host.servers.asked.len()), (200, 200, 2));
    assert!(host.answers.values().all(|answer| answer.body.contains(r#""metric_pushed":true"#)));
}

#[test]
fn a_series_that_was_removed_before_the_push_was_not_pushed() {
    let mut host = Host::new();
    let mut other = counter(None);
    other["labels"] = json!({"a": "1"});
    let (first, second) = (host.start(&counter(None)), host.start(&other));
    let removed = json!({"operation": "remove_metric", "metric_name": "c_total", "labels": {"a": "1"}});
    host.start(&removed);
    host.settle();
    assert!(host.answers[&first].body.contains(r#""metric_pushed":true"#), "{:?}", host.answers);
    assert!(host.answers[&second].body.contains(r#""push_error_code":"unknown_series""#), "{:?}", host.answers);
}

#[test]
fn push_delete_and_push_of_one_group_keep_their_order() {
    let mut host = Host::new();
    host.start(&counter(None));
    host.start(&json!({"operation": "delete_metrics"}));
    host.start(&counter(None));
    host.settle();
    let put = "Put http://g:1/metrics/job/own";
    assert_eq!(host.servers.asked, [put, "Delete http://g:1/metrics/job/own", put]);
    assert_eq!(total(&host.servers, "own"), 2);
}

#[test]
fn what_cannot_be_repeated_is_of_unknown_outcome_once_it_is_lost() {
    for (ctx, code) in [
        (
            json!({"operation": "create_silence", "alertmanager_url": "http://am:1", "matchers": ["a=b"], "comment": "c", "duration": "1h"}),
            "unknown_outcome",
        ),
        (json!({"operation": "list_silences", "alertmanager_url": "http://am:1"}), "interrupted"),
    ] {
        let mut host = Host::new();
        let ticket = host.start(&ctx);
        host.take(0);
        host.complete(0, true);
        let answer = &host.answers[&ticket];
        assert_eq!(answer.error.as_ref().unwrap().code, code);
        assert!(answer.body.contains(code), "{answer:?}");
    }
}

#[test]
fn a_caller_that_leaves_is_told_and_what_it_recorded_stays() {
    let mut host = Host::new();
    let (first, second) = (host.start(&counter(None)), host.start(&counter(None)));
    host.release(first);
    assert!(host.answers[&first].body.contains(r#""push_error_code":"timeout""#), "{:?}", host.answers);
    host.settle();
    assert!(host.answers[&second].body.contains(r#""metric_pushed":true"#));
    assert_eq!(total(&host.servers, "own"), 2);
    let asking = host.start(&json!({"operation": "list_groups"}));
    host.take(0);
    let at = host.moment();
    let step = host.plug.release(asking, at);
    assert_eq!(step.stop, [format!("call:{asking}")]);
    assert_eq!(step.answers[0].1.error.as_ref().unwrap().code, "timeout");
}

#[test]
fn a_group_that_was_expired_is_pushed_again_if_something_was_recorded_meanwhile() {
    let mut host = Host::new();
    let expire = json!({"operation": "expire_groups", "older_than": "1m", "dry_run": false});
    host.start(&counter(None));
    host.settle();
    assert_eq!((total(&host.servers, "own"), host.plug.recorder.pushes.groups.len()), (1, 1));
    // Nothing was: the group stays away, and there is nothing to clean up.
    let ticket = host.start(&expire);
    host.settle();
    assert!(host.answers[&ticket].body.contains(r#""deleted":1"#), "{:?}", host.answers[&ticket]);
    assert!(host.servers.groups.is_empty() && host.plug.recorder.pushes.groups.is_empty());
    assert_eq!(host.plug.recorder.unsent(), 0);
    // A value that was pushed while the job was on its way is deleted with the group.
    for job in [None, Some("a")] {
        let mut host = Host::new();
        host.start(&counter(job));
        host.settle();
        let ticket = host.start(&expire);
        host.take(0);
        host.start(&counter(job));
        host.take(0);
        host.complete(1, false);
        host.complete(0, false);
        assert!(host.servers.groups.is_empty(), "{:?}", host.servers.groups);
        assert!(state(&mut host.replayed(0, None)) == state(&mut host.plug));
        host.settle();
        let group = job.unwrap_or("own");
        assert_eq!(total(&host.servers, group), 2);
        let answer = &host.answers[&ticket].body;
        let pushed = format!(r#""groups_pushed":[{{"group":"http://g:1/metrics/job/{group}","metric_pushed":true"#);
        assert!(answer.contains(&pushed), "{answer}");
        assert_eq!(host.plug.recorder.pushes.groups.len(), 1);
        assert!(state(&mut host.replayed(0, None)) == state(&mut host.plug));
    }
}

#[test]
fn a_delivery_of_what_the_receiver_has_sends_nothing_and_says_so() {
    for (sink, operation, nothing) in
        [("remote_write", "remote_write_metrics", r#""requests":0"#), ("otlp", "export_otlp", r#""data_points":0"#)]
    {
        let mut host = Host::new();
        let deliver = |host: &mut Host| {
            host.next += 1;
            let (ticket, at) = (host.next, host.moment());
            let step = host.plug.start(ticket, hosting::Request::Deliver(sink), CFG, at);
            host.note(step);
            host.servers.asked.clear();
            host.settle();
            let answer = host.answers[&ticket].clone();
            let unchanged = answer.body.contains(r#""unchanged":true"#);
            assert_eq!(unchanged, answer.body.contains(nothing), "{answer:?}");
            (answer.error.is_none(), unchanged, host.servers.asked.len())
        };
        host.start(&counter(None));
        host.settle();
        assert_eq!(deliver(&mut host), (true, false, 1), "{sink}");
        assert_eq!(deliver(&mut host), (true, true, 0), "{sink}");
        // After a restart, what is not known to have arrived is sent once more.
        let snapshot = host.plug.snapshot();
        host.plug.restore(&snapshot, 5).unwrap();
        assert_eq!(deliver(&mut host), (true, true, 0), "{sink}");
        // Who asks by name has it sent.
        host.start(&json!({"operation": operation}));
        host.servers.asked.clear();
        host.settle();
        assert_eq!(host.servers.asked.len(), 1, "{sink}");
        // A value, also of another group, is a change, and so is a failure.
        host.start(&counter(Some("a")));
        host.settle();
        host.servers.away = true;
        assert!(!deliver(&mut host).0, "{sink}");
        host.servers.away = false;
        assert_eq!(deliver(&mut host), (true, false, 1), "{sink}");
        assert_eq!(deliver(&mut host), (true, true, 0), "{sink}");
        host.start(&json!({"operation": "remove_metric", "metric_name": "c_total"}));
        host.settle();
        assert!(!deliver(&mut host).1, "{sink}");
    }
}
