//! Plugs that record in another one by importing `plugpipe:monitoring/metrics`: what they record is
//! theirs alone, and nothing that they do costs the other plug anything.

use std::sync::atomic::{AtomicU16, Ordering};

use plugpipe_harness::{Error, Grants, Limits, Plug, PlugHandle, grants};
use serde_json::{Value, json};

use crate::fake_web::{WebServer, text};
use crate::host::hostile;
use crate::support::{Checked, alone, exposition, plug, start};

/// Grants of a plug that may record.
fn metrics() -> Grants {
    let mut grants = Grants::none();
    grants.metrics = true;
    grants
}

async fn linked(to: &PlugHandle, name: &str, grants: Grants) -> PlugHandle {
    let plug: Plug = hostile::hostile().clone().recording_to(to, name);
    plug.start(&json!({}), grants, hostile::limits()).await.unwrap()
}

async fn attack(plug: &PlugHandle, ctx: Value) -> String {
    told(plug.process(ctx.to_string(), "").await.unwrap())
}

fn told(answer: plugpipe_harness::Answer) -> String {
    answer.error.map_or(answer.body, |problem| problem.message)
}

/// The value of a series, as it is exposed.
async fn value(plug: &PlugHandle, series: &str) -> Option<String> {
    let text = exposition(plug).await;
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned))
}

fn record(name: &str) -> Value {
    json!({"operation": "record", "name": name})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_plugs_record_says_who_did_and_no_handle_leads_to_anothers() {
    let exporter = alone().await;
    let own = json!({"operation": "record_counter", "metric_name": "of_host_total", "metric_value": 1});
    exporter.process(&own).await.unwrap();
    let (a, b) = (linked(&exporter, "a", metrics()).await, linked(&exporter, "b", metrics()).await);
    for _ in 0..2 {
        assert_eq!(attack(&a, record("x_total")).await, "ok 0");
    }
    // Another plug has tried them all before it has any of its own.
    assert_eq!(attack(&b, json!({"operation": "steal", "times": "50"})).await, "0");
    assert_eq!(attack(&b, record("x_total")).await, "ok 0");
    assert_eq!(value(&exporter, "x_total{l=\"v\",plug=\"a\"}").await.as_deref(), Some("2"));
    assert_eq!(value(&exporter, "x_total{l=\"v\",plug=\"b\"}").await.as_deref(), Some("1"));
    assert_eq!(value(&exporter, "of_host_total").await.as_deref(), Some("1"));
    // Its own handle works, and only that.
    assert_eq!(attack(&b, json!({"operation": "update", "handle": "0"})).await, "Outcome::Recorded");
    assert_eq!(value(&exporter, "x_total{l=\"v\",plug=\"b\"}").await.as_deref(), Some("2"));

    let pretended = attack(&a, json!({"operation": "pretend"})).await;
    let lines: Vec<&str> = pretended.lines().collect();
    assert!(lines[..3].iter().all(|line| line.contains("the host adds the label plug")), "{pretended}");
    assert!(lines[3..].iter().all(|line| line.contains("begin with plugpipe_")), "{pretended}");
    // Pushes of all that is recorded would be refused.
    for name in ["job", "instance"] {
        let told = attack(&a, json!({"operation": "record", "name": "x_total", "label": name, "value": "v"})).await;
        assert!(told.contains(&format!("labels: {name} says where")), "{told}");
    }
    let options = attack(&a, json!({"operation": "options"})).await;
    let lines: Vec<&str> = options.lines().collect();
    assert!(lines[0].contains("series-limit: would be that of all plugs"), "{options}");
    assert!(lines[1].contains("expire-after-seconds: would be that of all plugs"), "{options}");
    // A kind is the whole registry's.
    let conflict = attack(&b, json!({"operation": "record", "name": "x_total", "kind": "gauge"})).await;
    assert!(conflict.contains("Conflict"), "{conflict}");

    assert_eq!(attack(&a, json!({"operation": "clear"})).await, "1");
    assert_eq!(value(&exporter, "x_total{l=\"v\",plug=\"a\"}").await, None);
    assert_eq!(value(&exporter, "x_total{l=\"v\",plug=\"b\"}").await.as_deref(), Some("2"));
    let names = a.with(|session| Box::pin(std::future::ready(Ok(session.recorded_elsewhere())))).await.unwrap();
    assert_eq!(names, ["own_total", "x_total"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plug_records_as_much_as_is_granted_and_only_if_it_is() {
    let exporter = alone().await;
    let denied = linked(&exporter, "denied", Grants::none()).await;
    let told = attack(&denied, record("x_total")).await;
    assert!(told.contains("NotGranted") && told.contains("metrics: true"), "{told}");
    assert_eq!(attack(&denied, json!({"operation": "steal", "times": "5"})).await, "0");
    assert!(attack(&denied, json!({"operation": "ask"})).await.contains("NotGranted"));
    // Without a plug to record in.
    let alone = hostile::start(metrics()).await;
    assert!(attack(&alone, record("x_total")).await.contains("NotGranted"));

    let mut grants = metrics();
    grants.limits.series = Some(3);
    let bounded = linked(&exporter, "bounded", grants).await;
    for with in ["series", "families"] {
        let told = attack(&bounded, json!({"operation": "fill", "with": with, "times": "9"})).await;
        let made = if with == "series" { "3 " } else { "2 " };
        assert!(told.starts_with(made) && told.contains("limits.series in its grants"), "{told}");
    }
    for with in ["text", "values"] {
        let told = attack(&bounded, json!({"operation": "fill", "with": with, "times": "1"})).await;
        assert!(told.starts_with("0 ") && told.contains("LimitReached"), "{told}");
    }
    // The handle of the first series is 0.
    let told = attack(&bounded, json!({"operation": "fill", "with": "state", "times": "1"})).await;
    assert!(told.starts_with("0 ") && told.contains("LimitReached"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trap_of_either_plug_costs_the_other_nothing_and_a_replay_records_nothing_twice() {
    let exporter = alone().await;
    let importer = linked(&exporter, "a", metrics()).await;
    assert_eq!(attack(&importer, record("x_total")).await, "ok 0");
    let trapped = importer.process(json!({"operation": "trap"}).to_string(), "").await;
    assert!(matches!(trapped, Err(Error::Crashed { .. })), "{trapped:?}");
    // The next call makes the journalled ones again.
    assert_eq!(attack(&importer, record("x_total")).await, "ok 0");
    assert_eq!(importer.recovery().await.unwrap().replayed, 1);
    assert_eq!(value(&exporter, "x_total{l=\"v\",plug=\"a\"}").await.as_deref(), Some("2"));
    let flooded = importer.process(json!({"operation": "flood", "with": "metrics"}).to_string(), "").await;
    assert!(matches!(flooded, Err(Error::Limit { .. } | Error::Deadline { .. })), "{flooded:?}");
    assert_eq!(attack(&importer, record("x_total")).await, "ok 0");
    let recovery = exporter.recovery().await.unwrap();
    assert_eq!((recovery.crashes, recovery.lost), (0, 0));
    assert!(value(&exporter, "x_total{l=\"v\",plug=\"a\"}").await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plug_that_crashes_does_not_take_its_importers_along() {
    // The one that exports is hostile here.
    let exporter = hostile::start(Grants::none()).await;
    let importer = linked(&exporter, "a", metrics()).await;
    // It takes nothing.
    let told = attack(&importer, record("x_total")).await;
    assert!(told.contains("InvalidInput(\"not here\")"), "{told}");
    let trapped = exporter.process(json!({"operation": "trap"}).to_string(), "").await;
    assert!(matches!(trapped, Err(Error::Crashed { .. })), "{trapped:?}");
    assert!(attack(&importer, record("x_total")).await.contains("not here"));
    assert_eq!(importer.recovery().await.unwrap().crashes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_go_through_the_other_plug_where_they_are_granted_and_from_workers_only() {
    let server = crate::fake_web::WebServer::http(|_| {
        crate::fake_web::text(r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#)
    })
    .await;
    let exporter: Checked = start(json!({"prometheus_url": server.url()})).await;
    let mut grants = Grants::none();
    grants.query = true;
    let importer = linked(&exporter, "a", grants).await;
    let told = attack(&importer, json!({"operation": "ask"})).await;
    assert!(told.contains("Unsupported") && told.contains("a recorder waits for no server"), "{told}");
    assert!(server.asked().is_empty());
    // The importer itself is granted no origin.
    let told = attack(&importer, json!({"operation": "ask", "in": "run"})).await;
    assert!(told.starts_with("ok "), "{told}");
    assert_eq!(server.asked().len(), 1);
    let denied = linked(&exporter, "b", metrics()).await;
    assert!(attack(&denied, json!({"operation": "ask", "in": "run"})).await.contains("NotGranted"));
    assert_eq!(server.asked().len(), 1);
}

/// A handful of series can be as long as a registry, and each update of a batch is an update.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_plug_makes_the_exposition_or_the_work_of_another_many_times_its_share() {
    let exporter = alone().await;
    let importer = linked(&exporter, "a", metrics()).await;
    // 400 buckets, each with 45 KB of labels.
    let told = attack(&importer, json!({"operation": "fill", "with": "buckets", "times": "9"})).await;
    assert!(told.starts_with("0 Error::LimitReached") && told.contains("may take 16384000 bytes"), "{told}");
    for _ in 0..2 {
        let told = attack(&importer, json!({"operation": "fill", "with": "summaries", "times": "999"})).await;
        assert!(told.starts_with("99 Error::LimitReached"), "{told}");
        // What is removed makes room.
        assert_eq!(attack(&importer, json!({"operation": "clear"})).await, "99");
    }
    assert!(attack(&importer, record("x_total")).await.starts_with("ok "));
    assert!(exposition(&exporter).await.len() < 100_000);
    let many = json!({"operation": "fill", "with": "batches", "times": "999"});
    let other = linked(&exporter, "b", metrics()).await;
    assert_eq!(attack(&other, record("x_total")).await, "ok 0");
    let flooded = other.process(many.to_string(), "").await;
    assert!(matches!(flooded, Err(Error::Limit { .. })), "{flooded:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plug_with_a_prefix_keeps_others_from_no_name_and_a_start_function_records_nothing() {
    let exporter = alone().await;
    let mut grants = metrics();
    grants.metrics_prefix = Some("own_".into());
    let importer = linked(&exporter, "a", grants).await;
    assert_eq!(attack(&importer, record("own_total")).await, "ok 0");
    for name in ["x_total", "own", "Own_total"] {
        let told = attack(&importer, record(name)).await;
        assert!(told.contains("NotGranted") && told.contains("begin with own_ (metrics_prefix"), "{told}");
    }
    let starting = hostile::component_attacking_at_start(&record("started_total"));
    let starting = Plug::from_bytes("starting", &starting).unwrap().recording_to(&exporter, "b");
    let starting = starting.start(&json!({}), metrics(), hostile::limits()).await.unwrap();
    assert_eq!(attack(&starting, record("x_total")).await, "ok 0");
    assert!(!exposition(&exporter).await.contains("started_total"));
}

/// A row of the registry that another series has after a restore is not the importer's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handle_leads_to_no_series_of_another_state_of_the_exporter() {
    let exporter = alone().await;
    let importer = linked(&exporter, "a", metrics()).await;
    let empty = exporter.with(|session| Box::pin(session.snapshot())).await.unwrap();
    assert_eq!(attack(&importer, record("x_total")).await, "ok 0");
    exporter.with(move |session| Box::pin(async move { session.restore(&empty).await })).await.unwrap();
    let own = json!({"operation": "record_counter", "metric_name": "of_host_total", "metric_value": 1});
    exporter.process(&own).await.unwrap();
    assert_eq!(attack(&importer, json!({"operation": "update", "handle": "0"})).await, "Outcome::UnknownSeries");
    assert_eq!(attack(&importer, json!({"operation": "steal", "times": "9"})).await, "0");
    assert_eq!(value(&exporter, "of_host_total").await.as_deref(), Some("1"));
    assert_eq!(attack(&importer, record("x_total")).await, "ok 1");
    assert_eq!(value(&exporter, "x_total{l=\"v\",plug=\"a\"}").await.as_deref(), Some("1"));
}

static ELSEWHERE: AtomicU16 = AtomicU16::new(0);

/// The exporter's credential is spent, and goes nowhere but to its server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_of_another_plug_lead_nowhere_else_and_are_as_many_as_both_may_make() {
    let elsewhere = WebServer::http(|_| text("")).await;
    ELSEWHERE.store(elsewhere.port, Ordering::Relaxed);
    let server = WebServer::http(|_| {
        let mut answer = text("");
        *answer.status_mut() = http::StatusCode::TEMPORARY_REDIRECT;
        let to = format!("http://127.0.0.1:{}/", ELSEWHERE.load(Ordering::Relaxed));
        answer.headers_mut().insert("location", to.parse().unwrap());
        answer
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "planted-secret").unwrap();
    let granted = format!(
        "origins: [{{url: '{}', credential: own}}, '{}']\ncredentials: {{own: {{bearer: {{file: token}}}}}}",
        server.url(),
        elsewhere.url()
    );
    let granted = grants::read(&granted, folder.path()).unwrap();
    let exporter = plug().start(&json!({"prometheus_url": server.url()}), granted, Limits::default()).await.unwrap();
    let mut grants = Grants::none();
    grants.query = true;
    grants.limits.requests_per_call = Some(3);
    let importer = linked(&exporter, "a", grants).await;
    let told = attack(&importer, json!({"operation": "ask", "in": "run"})).await;
    assert!(told.contains("307") && !told.contains("planted-secret"), "{told}");
    for name in ["../../../admin/tsdb/delete_series?match[]=up#", "%2e%2e/%2e%2e/x", "a/b", "\\..\\x", ".."] {
        let told = attack(&importer, json!({"operation": "climb", "in": "run", "name": name})).await;
        assert!(!told.starts_with("ok") && !told.contains("planted-secret"), "{told}");
    }
    let asked = server.asked();
    assert_eq!(asked[0].header("authorization"), Some("Bearer planted-secret"));
    for asked in &asked[1..] {
        let path = asked.uri.split('?').next().unwrap();
        let name = path.strip_prefix("/api/v1/label/").and_then(|rest| rest.strip_suffix("/values")).unwrap();
        assert!(!name.contains(['/', '\\']) && name != "..", "{name}");
    }
    let told = attack(&importer, json!({"operation": "ask", "in": "run", "times": "9"})).await;
    assert!(told.contains("LimitReached") && told.contains("a query counts as a request"), "{told}");
    assert_eq!(server.asked().len(), asked.len() + 3);
    assert!(elsewhere.asked().is_empty());
}
