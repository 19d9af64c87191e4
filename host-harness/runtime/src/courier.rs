//! Conversations with servers, held in an instance of their own, so that no record waits for a
//! server.
//!
//! A component with synchronous exports cannot be entered while one of its calls waits. So a
//! [`crate::PlugHandle`] has two instances of its plug: the *leader* records and writes; the
//! *courier* pushes, queries, alerts and whatever else asks a server. The courier holds nothing
//! that is not held elsewhere: before it pushes it is brought up to the leader by a snapshot. It is
//! made at the first conversation, and a crash of it costs the conversation and what it remembers
//! of earlier ones (`docs/recovery.md`).
//!
//! Records that wait for a push share it: those that were recorded while one push was under way go
//! out together with the next.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use crate::calls::{Calls, QUEUE};
use crate::error::Error;
use crate::operations::{NOTHING, TELL, begins_as_record, only_reads, settled};
use crate::session::Session;

/// What a record's answer holds instead of a push that is due.
pub(crate) const DUE: &str = r#""metric_pushed":false,"push_due":true"#;

/// The operation that pushes what the leader said to be due.
const PUSH: &str = r#"{"operation":"push_recorded"}"#;

/// How an answer begins to say that a push failed.
const FAILED_TO_PUSH: &str = "Failed to push metrics to gateway";

/// Operations for which the courier must hold what the leader does.
const OF_WHAT_IS_HELD: &[&str] =
    &["push_metrics", "delete_metrics", "remote_write_metrics", "export_otlp", "health_check"];

/// Operations that ask no server, beside those that change something.
const LOCAL: &[&str] = &[
    "export_metrics",
    "snapshot_metrics",
    "describe",
    "list_alert_templates",
    "export_rules",
    "generate_config",
    "note_exchange",
];

/// Operations after which less may be due at gateways.
const SETTLES: &[&str] = &["push_metrics", "flush_metrics", "push_recorded", "delete_metrics", "remote_write_metrics"];

/// Fields of a record that do not say where it is pushed to: records with others do not share a
/// push.
const OF_A_RECORD: &[&str] = &[
    "operation",
    "metric_name",
    "metric_value",
    "metric_type",
    "labels",
    "timestamp",
    "metrics",
    "help",
    "description",
    "unit",
    "buckets",
    "native",
    "quantiles",
    "window",
    "states",
    "state",
    "on",
    "exemplar",
    "series_limit",
    "expire_after",
    "utf8",
];

/// Which instance runs what a `ctx` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// The leader: it changes or writes what is held, or cannot be read.
    Leader,
    /// The leader says whether there is anything to be done, and the courier does it.
    LeaderFirst,
    /// The courier: it asks a server.
    Courier {
        /// Whether the courier must hold what the leader does.
        current: bool,
    },
}

/// Which instance runs what a `ctx` asks for. What imports from a server stays with the leader,
/// which waits for that server: what is imported must not overwrite what is recorded meanwhile.
pub(crate) fn route(ctx: &str) -> Route {
    // Nearly all calls: they need not be read for this.
    if begins_as_record(ctx) {
        return Route::Leader;
    }
    #[derive(Deserialize)]
    struct Asked<'a> {
        #[serde(borrow)]
        operation: Option<Cow<'a, str>>,
        metric_name: Option<IgnoredAny>,
    }
    let Ok(Asked { operation, metric_name }) = serde_json::from_str(ctx) else { return Route::Leader };
    let operation = match &operation {
        Some(operation) => operation.trim(),
        None if metric_name.is_some() => "record_metric",
        None => "health_check",
    };
    if operation == "flush_metrics" {
        Route::LeaderFirst
    } else if OF_WHAT_IS_HELD.contains(&operation) {
        Route::Courier { current: true }
    } else if only_reads(operation) && !LOCAL.contains(&operation) {
        Route::Courier { current: false }
    } else {
        Route::Leader
    }
}

/// Sends conversations to the courier's task. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Courier {
    jobs: mpsc::Sender<Job>,
    /// Who waits for the next shared push.
    waiting: Arc<Mutex<Vec<oneshot::Sender<Arc<str>>>>>,
    crashes: Arc<AtomicU64>,
    host_resources: Arc<AtomicUsize>,
}

enum Job {
    Converse { ctx: String, current: bool, reply: oneshot::Sender<Result<String, Error>> },
    SharedPush,
    Cleanup { reply: oneshot::Sender<Option<String>> },
}

impl Courier {
    /// Puts a task in charge of `session`, a twin of the leader that has not begun. It ends with
    /// the last handle.
    pub(crate) fn new(session: Session, leader: Calls) -> Self {
        let (jobs, mut queue) = mpsc::channel(QUEUE);
        let (waiting, crashes, host_resources) = (Arc::default(), Arc::default(), Arc::default());
        let mut task = Task {
            session,
            leader,
            current_to: None,
            pushed_to: None,
            used: false,
            waiting: Arc::clone(&waiting),
            crashes: Arc::clone(&crashes),
            host_resources: Arc::clone(&host_resources),
        };
        tokio::spawn(async move {
            while let Some(job) = queue.recv().await {
                task.run(job).await;
            }
            debug!("the last handle is gone; the courier ends");
        });
        Self { jobs, waiting, crashes, host_resources }
    }

    /// Holds a conversation with the leader's configuration.
    pub(crate) async fn converse(&self, ctx: String, current: bool) -> Result<String, Error> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Converse { ctx, current, reply }).await.map_err(|_| Error::Ended)?;
        answer.await.map_err(|_| Error::Ended)?
    }

    /// Has the push made that a record's answer says to be due, and puts what came of it into that
    /// answer.
    pub(crate) async fn push(&self, ctx: &str, answer: &str) -> Result<String, Error> {
        let members = match own_push(ctx) {
            Some(ctx) => match self.converse(ctx, true).await {
                Ok(pushed) => members(&pushed),
                Err(error) => not_pushed(&error),
            },
            None => self.shared_push().await?.to_string(),
        };
        Ok(answer.replacen(DUE, &members, 1))
    }

    async fn shared_push(&self) -> Result<Arc<str>, Error> {
        // The place comes first: a caller who left while waiting for one would leave others waiting
        // for a job that nobody sends.
        let place = self.jobs.reserve().await.map_err(|_| Error::Ended)?;
        let (reply, pushed) = oneshot::channel();
        let first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push(reply);
            waiting.len() == 1
        };
        // The others ride along: the job takes whoever waits when it begins.
        if first {
            place.send(Job::SharedPush);
        } else {
            drop(place);
        }
        pushed.await.map_err(|_| Error::Ended)
    }

    /// Makes the courier forget, and delete the groups that it pushed: its answer, if it ever held
    /// a conversation.
    pub(crate) async fn cleanup(&self) -> Result<Option<String>, Error> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Cleanup { reply }).await.map_err(|_| Error::Ended)?;
        answer.await.map_err(|_| Error::Ended)
    }

    /// How many instances of the courier were lost so far.
    pub(crate) fn crashes(&self) -> u64 {
        self.crashes.load(Ordering::Relaxed)
    }

    /// Host resources that the courier's instance held when its last conversation ended.
    pub(crate) fn host_resources(&self) -> usize {
        self.host_resources.load(Ordering::Relaxed)
    }
}

/// What the courier's task owns.
struct Task {
    session: Session,
    leader: Calls,
    /// Up to which of the leader's changes the courier holds what the leader does; none before the
    /// first time, and after a crash.
    current_to: Option<u64>,
    /// Up to which of the leader's changes the gateway has accepted what is held; none where that
    /// is not known.
    pushed_to: Option<u64>,
    /// Whether there was any conversation.
    used: bool,
    waiting: Arc<Mutex<Vec<oneshot::Sender<Arc<str>>>>>,
    crashes: Arc<AtomicU64>,
    host_resources: Arc<AtomicUsize>,
}

impl Task {
    // Who asked may have gone: then nobody hears of it, and that is all.
    async fn run(&mut self, job: Job) {
        match job {
            Job::Converse { ctx, current, reply } => {
                let answer = self.converse(&ctx, current).await;
                if current {
                    // It may have deleted the group, or asked another gateway.
                    self.pushed_to = None;
                }
                let _ = reply.send(answer);
            }
            Job::SharedPush => {
                let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
                let told: Arc<str> = self.shared_push().await.into();
                for reply in waiting {
                    let _ = reply.send(Arc::clone(&told));
                }
            }
            Job::Cleanup { reply } => {
                let answer = if self.used { self.session.cleanup().await.ok() } else { None };
                self.publish();
                (self.current_to, self.pushed_to) = (None, None);
                let _ = reply.send(answer);
            }
        }
    }

    /// What came of a push of all that the leader holds, as members of a record's result.
    async fn shared_push(&mut self) -> String {
        let asked = self.leader.call(|leader| {
            let changes = leader.changes();
            Box::pin(async move { Ok(changes) })
        });
        let changes = asked.await.ok();
        if changes.is_some() && changes == self.pushed_to {
            // The push before took this along.
            return r#""metric_pushed":true"#.into();
        }
        let members = match self.converse(PUSH, true).await {
            Ok(answer) => members(&answer),
            Err(error) => not_pushed(&error),
        };
        self.pushed_to = self.current_to.filter(|_| members.contains(r#""metric_pushed":true"#));
        members
    }

    async fn converse(&mut self, ctx: &str, current: bool) -> Result<String, Error> {
        self.used = true;
        let answer = self.try_to(ctx, current).await;
        match &answer {
            Ok(answer) => {
                self.note(answer).await;
                self.note_delivery(current && own_push(ctx).is_none(), answer).await;
                // What went to somewhere else is still to go where the configuration says.
                if current && own_push(ctx).is_some() {
                    self.current_to = None;
                }
            }
            Err(_) => self.current_to = None,
        }
        self.publish();
        answer
    }

    /// Lets others see the session's state without a turn on it.
    fn publish(&mut self) {
        self.crashes.store(self.session.recovery().crashes, Ordering::Relaxed);
        self.host_resources.store(self.session.host_resources(), Ordering::Relaxed);
    }

    async fn try_to(&mut self, ctx: &str, current: bool) -> Result<String, Error> {
        let known = self.current_to;
        let (config, changes, snapshot) = self
            .leader
            .call(move |leader| {
                Box::pin(async move {
                    let changes = leader.changes();
                    let behind = current && known != Some(changes);
                    let snapshot = if behind { Some(leader.snapshot().await?) } else { None };
                    Ok((leader.configuration().to_owned(), changes, snapshot))
                })
            })
            .await?;
        if let Some(snapshot) = snapshot {
            self.session.restore(&snapshot).await?;
            self.current_to = Some(changes);
        }
        if self.session.is_new(&config) {
            // Handed over by itself: what is said of it was said where it came from.
            self.session.process(NOTHING, &config).await?;
        }
        self.session.process(ctx, &config).await
    }

    /// Lets the leader know that a server has what is held, so that nobody calls it lost.
    async fn note_delivery(&mut self, current: bool, answer: &str) {
        let Some(changes) = self.current_to.filter(|_| current && delivers_all(answer)) else { return };
        let noted = self.leader.call(move |leader| {
            leader.mark_delivered(changes);
            Box::pin(async { Ok(()) })
        });
        if let Err(error) = noted.await {
            debug!(%error, "a delivery is not noted");
        }
    }

    /// Lets the leader know what was exchanged, for its own metrics, and so that it knows what was
    /// pushed.
    async fn note(&mut self, answer: &str) {
        let Some(mut note) = exchanged(answer) else { return };
        if note.remove("settles").is_some() {
            // What an instance says that was lost meanwhile is missing: then it stays due.
            if let Some(settled) = self.session.process(TELL, "").await.ok().as_deref().and_then(settled) {
                note.insert("settled".into(), settled);
            }
        }
        let noted = self
            .leader
            .call(move |leader| Box::pin(async move { leader.process(&Value::Object(note).to_string(), "").await }));
        if let Err(error) = noted.await {
            debug!(%error, "an exchange is not counted");
        }
    }
}

/// Whether an answer says that all that the courier held went to some server.
fn delivers_all(answer: &str) -> bool {
    #[derive(Deserialize, Default)]
    struct Part {
        #[serde(default)]
        metric_pushed: bool,
        pending: Option<u64>,
        rejected_data_points: Option<u64>,
        #[serde(default)]
        groups_pushed: Vec<Group>,
    }
    #[derive(Deserialize)]
    struct Group {
        metric_pushed: bool,
    }
    #[derive(Deserialize)]
    struct Answer {
        success: bool,
        operation: Option<String>,
        #[serde(default)]
        result: Part,
    }
    let Ok(Answer { success: true, operation, result }) = serde_json::from_str(answer) else { return false };
    match operation.as_deref() {
        Some("remote_write_metrics") => result.pending == Some(0),
        Some("export_otlp") => result.rejected_data_points == Some(0),
        _ => result.metric_pushed && result.groups_pushed.iter().all(|group| group.metric_pushed),
    }
}

/// What the leader is to note of an exchange; none if there was none.
fn exchanged(answer: &str) -> Option<Map<String, Value>> {
    #[derive(Deserialize)]
    struct Exchange {
        elapsed_ms: u64,
    }
    #[derive(Deserialize)]
    struct Part {
        exchange: Option<Exchange>,
        metric_pushed: Option<bool>,
        deleted: Option<bool>,
        dropped: Option<u64>,
        rejected_data_points: Option<u64>,
    }
    #[derive(Deserialize)]
    struct Answer {
        success: bool,
        operation: Option<String>,
        result: Option<Part>,
        exchange: Option<Exchange>,
        lost: Option<u64>,
    }
    let Answer { success, operation, result, exchange, lost } = serde_json::from_str(answer).ok()?;
    let lost = lost.or_else(|| {
        let part = result.as_ref()?;
        part.dropped.or(part.rejected_data_points)
    });
    let (inner, pushed, deleted) =
        result.map_or((None, None, None), |part| (part.exchange, part.metric_pushed, part.deleted));
    let elapsed = exchange.or(inner)?.elapsed_ms;
    let mut note =
        Map::from_iter([("operation".into(), "note_exchange".into()), ("elapsed_ms".into(), elapsed.into())]);
    if let Some(lost) = lost.filter(|lost| *lost > 0) {
        note.insert("values_lost".into(), lost.into());
    }
    let operation = operation.as_deref()?;
    if SETTLES.contains(&operation) {
        note.insert("settles".into(), true.into());
    }
    if deleted == Some(true) && ["push_metrics", "delete_metrics"].contains(&operation) {
        note.insert("group_deleted".into(), true.into());
    } else if ["push_metrics", "flush_metrics", "push_recorded"].contains(&operation) {
        note.insert("metric_pushed".into(), (success && pushed == Some(true)).into());
    }
    Some(note)
}

/// The `ctx` of a push that a record does not share with others, because it says more than what is
/// recorded.
fn own_push(ctx: &str) -> Option<String> {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(ctx) else { return None };
    if fields.keys().all(|key| OF_A_RECORD.contains(&key.as_str())) {
        return None;
    }
    fields.insert("operation".into(), "push_recorded".into());
    Some(Value::Object(fields).to_string())
}

/// What the courier's answer to a push says, as members of a record's result.
fn members(answer: &str) -> String {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        result: Option<&'a RawValue>,
        error: Option<Cow<'a, str>>,
        error_code: Option<Cow<'a, str>>,
    }
    let read = serde_json::from_str::<Answer>(answer).ok();
    let result = read.as_ref().and_then(|read| read.result);
    let inner = result.and_then(|result| result.get().trim().strip_prefix('{')?.strip_suffix('}'));
    match (inner, read) {
        (Some(members), _) if !members.trim().is_empty() => members.to_owned(),
        (_, Some(Answer { error: Some(error), error_code, .. })) => {
            told(&error, error_code.as_deref().unwrap_or("host"))
        }
        _ => told("the plug's answer to the push makes no sense", "host"),
    }
}

/// The same for a push that was not tried, or that ended with its instance. The record itself was
/// acknowledged: what the error says of its own call does not hold for it.
fn not_pushed(error: &Error) -> String {
    if matches!(error, Error::Lost { .. }) {
        return push_error(&format!("{FAILED_TO_PUSH}: {}; the value may be among them", error.cause()), "host");
    }
    told(&error.cause(), "host")
}

fn told(problem: &str, code: &str) -> String {
    let text =
        format!("{FAILED_TO_PUSH}: {problem}. The value stays recorded, and the next push of this process carries it.");
    push_error(&text, code)
}

fn push_error(text: &str, code: &str) -> String {
    format!(r#""metric_pushed":false,"push_error":{},"push_error_code":{}"#, json!(text), json!(code))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_a_server_goes_to_the_courier_and_all_else_stays() {
        for (ctx, expected) in [
            (r#"{"operation":"record_counter","metric_name":"x"}"#, Route::Leader),
            (r#"{"metric_name":"x","metric_value":1}"#, Route::Leader),
            (r#"{"operation":"export_metrics"}"#, Route::Leader),
            (r#"{"operation":"scrape_endpoint"}"#, Route::Leader),
            (r#"{"operation":"snapshot_metrics"}"#, Route::Leader),
            (r#"{"operation":"no_such"}"#, Route::Leader),
            (r#"{"operation":7}"#, Route::Leader),
            ("no json", Route::Leader),
            ("{}", Route::Courier { current: true }),
            (r#"{"operation":" push_metrics "}"#, Route::Courier { current: true }),
            (r#"{"operation":"query_metrics"}"#, Route::Courier { current: false }),
            (r#"{"operation":"apply_dashboards"}"#, Route::Courier { current: false }),
        ] {
            assert_eq!(route(ctx), expected, "{ctx}");
        }
    }

    #[test]
    fn records_share_a_push_unless_they_say_where_to() {
        assert_eq!(own_push(r#"{"operation":"record_gauge","metric_name":"x","metric_value":1,"labels":{}}"#), None);
        let own =
            own_push(r#"{"metric_name":"x","metric_value":1,"prometheus_config":{"gateway_url":"http://h"}}"#).unwrap();
        assert!(own.contains(r#""operation":"push_recorded""#) && own.contains("gateway_url"), "{own}");
    }

    #[test]
    fn a_push_is_told_in_the_answer_of_the_record() {
        let pushed = r#"{"success":true,"operation":"push_recorded","result":{"metric_pushed":true,"exchange":{"attempts":1,"elapsed_ms":3}},"m":1}"#;
        assert_eq!(members(pushed), r#""metric_pushed":true,"exchange":{"attempts":1,"elapsed_ms":3}"#);
        let refused = r#"{"success":false,"error":"no \"x\"","error_code":"invalid_field"}"#;
        let text = members(refused);
        assert!(text.starts_with(r#""metric_pushed":false,"push_error":"Failed to push"#), "{text}");
        assert!(
            serde_json::from_str::<Value>(&format!("{{{text}}}")).unwrap()["push_error"]
                .as_str()
                .unwrap()
                .contains("no \"x\"")
        );
        assert!(members("nonsense").contains("push_error"));
    }

    #[test]
    fn a_push_that_lost_its_instance_contradicts_nothing_in_the_answer_of_the_record() {
        use crate::limits::Limit;
        let crashed = Error::Crashed { problem: "unreachable".into() };
        let stopped = Error::Deadline { after: std::time::Duration::from_secs(60) };
        let limited = Error::Limit { limit: Limit::Resources(1_024) };
        for (error, cause) in [
            (crashed, "the plug crashed (unreachable)"),
            (stopped, "the call was stopped after 60 s"),
            (limited, "the plug was stopped at a limit: it held more than 1024"),
        ] {
            assert!(error.to_string().contains("this call recorded nothing"), "{error}");
            let members = not_pushed(&error);
            assert!(members.contains(cause) && members.contains("The value stays recorded"), "{members}");
            assert!(!members.contains("recorded nothing"), "{members}");
        }
        // Whether the value is among those that are lost is not known, and repeating the record
        // might count it twice.
        let members = not_pushed(&Error::Lost { lost: 2, problem: "x".into() });
        assert!(members.contains("2 acknowledged calls") && members.contains("may be among them"), "{members}");
        assert!(!members.contains("stays recorded") && !members.contains("repeat it"), "{members}");
    }

    #[test]
    fn what_a_server_has_is_not_lost() {
        for (answer, delivered) in [
            (r#"{"success":true,"operation":"push_recorded","result":{"metric_pushed":true}}"#, true),
            (r#"{"success":true,"operation":"push_metrics","result":{"metric_pushed":false}}"#, false),
            (r#"{"success":true,"operation":"remote_write_metrics","result":{"pending":0}}"#, true),
            (r#"{"success":true,"operation":"remote_write_metrics","result":{"pending":3}}"#, false),
            (r#"{"success":true,"operation":"export_otlp","result":{"rejected_data_points":0}}"#, true),
            (r#"{"success":true,"operation":"export_otlp","result":{"mock":true}}"#, false),
            (r#"{"success":false,"operation":"push_metrics","error":"x"}"#, false),
            (r#"{"success":true,"operation":"query_metrics","result":{}}"#, false),
        ] {
            assert_eq!(delivers_all(answer), delivered, "{answer}");
        }
    }

    #[test]
    fn the_leader_is_told_of_pushes_and_of_time_spent() {
        let pushed = r#"{"success":true,"operation":"push_recorded","result":{"metric_pushed":true,"exchange":{"attempts":1,"elapsed_ms":3}}}"#;
        let note = exchanged(pushed).unwrap();
        assert_eq!((&note["elapsed_ms"], &note["metric_pushed"]), (&json!(3), &json!(true)));
        let failed =
            r#"{"success":false,"operation":"push_metrics","error":"x","exchange":{"attempts":1,"elapsed_ms":9}}"#;
        assert_eq!(exchanged(failed).unwrap()["metric_pushed"], false);
        let query =
            r#"{"success":true,"operation":"query_metrics","result":{"exchange":{"attempts":1,"elapsed_ms":4}}}"#;
        assert!(!exchanged(query).unwrap().contains_key("metric_pushed"));
        assert!(exchanged(r#"{"success":true,"operation":"describe","result":{}}"#).is_none());
        for (answer, lost) in [
            (r#"{"success":false,"operation":"export_otlp","lost":7,"exchange":{"elapsed_ms":1}}"#, json!(7)),
            (
                r#"{"success":true,"operation":"export_otlp","result":{"rejected_data_points":2,"exchange":{"elapsed_ms":1}}}"#,
                json!(2),
            ),
            (
                r#"{"success":true,"operation":"remote_write_metrics","result":{"dropped":3,"exchange":{"elapsed_ms":1}}}"#,
                json!(3),
            ),
            (r#"{"success":true,"operation":"scrape_endpoint","result":{"exchange":{"elapsed_ms":1}}}"#, Value::Null),
        ] {
            let note = exchanged(answer).unwrap();
            assert_eq!(note.get("values_lost").unwrap_or(&Value::Null), &lost, "{answer}");
        }
    }
}
