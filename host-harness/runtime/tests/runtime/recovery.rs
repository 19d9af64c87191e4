//! What was acknowledged outlives crashes of the plug and of the host, and nothing counts twice.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Server, ask, count, granted, notes, process, start, until};
use plugpipe_runtime::{Answer, Error, Grants, Limits, PlugHandle};
use serde_json::{Value, json};

fn spawned(plug: &PlugHandle, ctx: Value) -> tokio::task::JoinHandle<Result<Answer, Error>> {
    let plug = plug.clone();
    tokio::spawn(async move { plug.process(ctx.to_string(), "").await })
}

fn put(key: &str) -> Value {
    json!({"operation": "put", "key": key, "text": "t"})
}

fn put_and_wait(key: &str) -> Value {
    json!({"operation": "put", "key": key, "text": "t", "wait": true})
}

async fn trap(plug: &PlugHandle) {
    let error = plug.process(r#"{"operation": "trap"}"#, "").await.unwrap_err();
    assert!(matches!(error, Error::Crashed { .. }), "{error}");
}

async fn open(folder: &Path, config: &Value, urls: &[&str]) -> PlugHandle {
    // The task of a handle that was dropped ends a moment later.
    for _ in 0..100 {
        match notes().start_in(folder, config, granted(urls), Limits::default()).await {
            Err(error) if error.to_string().contains("in use") => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            opened => return opened.unwrap(),
        }
    }
    panic!("the folder stays in use")
}

#[tokio::test]
async fn a_trap_costs_its_own_call_and_open_requests_go_on() {
    let server = Server::closed().await;
    let plug = start(json!({"servers": [server.url]}), granted(&[&server.url])).await;
    for _ in 0..10 {
        process(&plug, put("a")).await;
    }
    server.has_received(1).await;
    server.let_through(1);
    let waits = spawned(&plug, put_and_wait("a"));
    let mut journalled = ask(&server.url, "journalled");
    journalled["journalled"] = true.into();
    let journalled = spawned(&plug, journalled);
    let repeatable = spawned(&plug, ask(&server.url, "repeatable"));
    // Of what was put, the second copy runs now.
    server.has_received(4).await;
    for _ in 0..5 {
        trap(&plug).await;
    }
    // What was not journalled is made again; what was goes on.
    until("the repeatable request is made again", async || {
        server.bodies().iter().filter(|body| *body == "repeatable").count() > 1
    })
    .await;
    server.let_through(100);
    assert!(waits.await.unwrap().unwrap().is_ok());
    assert_eq!(journalled.await.unwrap().unwrap().body, "journalled");
    assert_eq!(repeatable.await.unwrap().unwrap().body, "repeatable");
    assert_eq!(server.bodies().iter().filter(|body| *body == "journalled").count(), 1);
    assert_eq!(count(&plug, "a").await, 11);
    assert_eq!((plug.recovery().await.unwrap().crashes, plug.recovery().await.unwrap().lost), (5, 0));
}

/// Calls are made again with the arguments, times and seeds that they had.
#[tokio::test]
async fn a_fresh_instance_holds_the_same_bytes_as_the_lost_one() {
    let (server, silent) = (Server::open().await, Server::closed().await);
    let config = json!({"servers": [server.url, silent.url]});
    let grants = granted(&[&server.url, &silent.url]);
    let mut session = notes().session(&config, grants, Limits::default()).await.unwrap();
    for number in 0..30 {
        let ctx = match number % 3 {
            0 => put("a"),
            1 => json!({"operation": "ask", "url": server.url, "text": "x", "journalled": true}),
            _ => json!({"operation": "save", "key": "a.yml", "text": "x"}),
        };
        session.process(&ctx.to_string(), "").await.unwrap();
        let before = session.snapshot().await.unwrap();
        session.process(r#"{"operation": "trap"}"#, "").await.unwrap_err();
        assert_eq!(session.snapshot().await.unwrap(), before, "after {number}");
    }
    assert_eq!((session.recovery().crashes, session.recovery().lost), (30, 0));
}

#[tokio::test]
async fn a_trap_of_a_worker_or_of_what_becomes_of_its_job_costs_that_job() {
    let server = Server::open().await;
    let plug = start(json!({}), granted(&[&server.url])).await;
    process(&plug, put("a")).await;
    let other = spawned(&plug, json!({"operation": "hold", "patience_ms": 3_000}));
    for journalled in [false, true] {
        for trap in ["run", "take", "complete", "complete always"] {
            let mut asked = ask(&server.url, "x");
            asked["trap"] = trap.into();
            asked["journalled"] = journalled.into();
            asked["patience_ms"] = 500.into();
            let answer = process(&plug, asked).await;
            let problem = answer.error.unwrap().message;
            let expected = if trap == "complete always" { "released" } else { "crashed" };
            assert!(problem.contains(expected), "{trap}, {journalled}: {problem}");
            assert_eq!(count(&plug, "a").await, 1);
        }
    }
    assert!(!other.is_finished());
    assert_eq!(process(&plug, ask(&server.url, "well")).await.body, "well");
}

#[tokio::test]
async fn a_recorder_neither_waits_nor_reaches_anything_nor_computes_for_ever() {
    let server = Server::open().await;
    let limits = Limits::default().with_recorder(Duration::from_millis(200));
    let plug = notes().start(&json!({}), granted(&[&server.url]), limits).await.unwrap();
    process(&plug, put("a")).await;
    let begun = Instant::now();
    let error = plug.process(r#"{"operation": "wait"}"#, "").await.unwrap_err();
    assert!(error.to_string().contains("must not wait"), "{error}");
    // It waits for what is denied already, which may be there before it looks.
    match plug.process(json!({"operation": "fetch", "url": server.url}).to_string(), "").await {
        Ok(answer) => assert!(answer.body.contains("HttpRequestDenied"), "{answer:?}"),
        Err(error) => assert!(error.to_string().contains("must not wait"), "{error}"),
    }
    let error = plug.process(r#"{"operation": "spin"}"#, "").await.unwrap_err();
    assert!(matches!(error, Error::Deadline { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!((server.bodies().len(), count(&plug, "a").await), (0, 1));
}

#[tokio::test]
async fn jobs_are_bounded_in_memory_and_in_what_nobody_asked_for() {
    let limits = Limits::default().with_memory_bytes(32 << 20).with_answer_bytes(16 << 20);
    let plug = notes().start(&json!({}), Grants::none(), limits).await.unwrap();
    process(&plug, put("a")).await;
    let giant = |bytes: usize| json!({"operation": "giant", "bytes": bytes, "patience_ms": 3_000});
    assert!(process(&plug, giant(1 << 20)).await.is_ok());
    for bytes in [12 << 20, 24 << 20, 1 << 30] {
        let problem = process(&plug, giant(bytes)).await.error.unwrap().message;
        assert!(problem.contains("memory") || problem.contains("bytes"), "{problem}");
    }
    assert_eq!(count(&plug, "a").await, 1);
    // One that keeps itself busy ends with its caller's patience, and delays no record meanwhile.
    let endless = spawned(&plug, json!({"operation": "endless", "patience_ms": 1_500}));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    process(&plug, put("a")).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(endless.await.unwrap().unwrap().error.unwrap().message, "released");
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart_and_open_jobs_are_lost_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::closed().await;
    let config = json!({"servers": [server.url]});
    let plug = open(folder.path(), &config, &[&server.url]).await;
    for _ in 0..5 {
        process(&plug, put("a")).await;
    }
    let waits = spawned(&plug, put_and_wait("a"));
    server.has_received(1).await;
    until("it is recorded", async || count(&plug, "a").await == 6).await;
    waits.abort();
    drop(plug);
    let plug = open(folder.path(), &config, &[&server.url]).await;
    assert_eq!(count(&plug, "a").await, 6);
    // A server had an unknown part, so that it gets all of it, without any request for that.
    server.let_through(100);
    until("all was copied", async || process(&plug, json!({"operation": "get_note", "key": "a"})).await.unsent == 0)
        .await;
    assert!(server.bodies().last().unwrap().starts_with("a=6 "));
}

#[tokio::test]
async fn a_journal_is_compacted_with_open_tickets() {
    let folder = tempfile::tempdir().unwrap();
    let silent = Server::closed().await;
    let config = json!({});
    let plug = open(folder.path(), &config, &[&silent.url]).await;
    let mut journalled = ask(&silent.url, "open");
    journalled["journalled"] = true.into();
    let _journalled = spawned(&plug, journalled);
    let _repeatable = spawned(&plug, ask(&silent.url, "open too"));
    silent.has_received(2).await;
    let length = || fs::metadata(folder.path().join("journal")).unwrap().len();
    let text = "x".repeat(50_000);
    let mut longest = 0;
    for number in 0..60 {
        process(&plug, json!({"operation": "put", "key": "a", "text": format!("{number}{text}")})).await;
        longest = longest.max(length());
    }
    assert!(length() < longest, "it was compacted");
    // An entry that is longer than all that is stored makes a snapshot instead.
    process(&plug, json!({"operation": "put", "key": "b", "text": "y".repeat(400_000)})).await;
    trap(&plug).await;
    assert_eq!(count(&plug, "a").await, 60);
    drop((_journalled, _repeatable));
    drop(plug);
    let plug = open(folder.path(), &config, &[&silent.url]).await;
    assert_eq!((count(&plug, "a").await, count(&plug, "b").await), (60, 1));
    assert_eq!(plug.recovery().await.unwrap().lost, 0);
    // Numbers go on: no ticket of before is taken for one of now.
    let held = process(&plug, json!({"operation": "hold", "patience_ms": 10})).await;
    assert_eq!(held.body, "held");
}

#[tokio::test]
async fn no_secret_is_in_the_state_folder() {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({"password": "s3cret-0"});
    let plug = open(folder.path(), &config, &[]).await;
    let ctx = json!({"operation": "put", "key": "a", "text": "plain", "password": "s3cret-1"});
    plug.process(ctx.to_string(), "").await.unwrap();
    plug.process(put("a").to_string(), json!({"password": "s3cret-2"}).to_string()).await.unwrap();
    let in_folder = || {
        let bytes = fs::read(folder.path().join("journal")).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    assert!(in_folder().contains("plain") && !in_folder().contains("s3cret"));
    trap(&plug).await;
    assert_eq!(count(&plug, "a").await, 2);
    let text = "x".repeat(80_000);
    for _ in 0..20 {
        process(&plug, json!({"operation": "put", "key": "b", "text": text})).await;
    }
    assert!(!in_folder().contains("s3cret"));
    drop(plug);
    let plug = open(folder.path(), &config, &[]).await;
    assert_eq!((count(&plug, "a").await, count(&plug, "b").await), (2, 20));
    assert!(!in_folder().contains("s3cret"));
}

/// Where the records of a state file end: see journal/file.rs.
fn ends(bytes: &[u8]) -> Vec<usize> {
    let mut place = 8;
    let mut ends = Vec::new();
    while let Some(length) = bytes.get(place..place + 4) {
        place += 12 + u32::from_le_bytes(length.try_into().unwrap()) as usize;
        ends.push(place);
    }
    ends
}

/// A host that is killed after any entry, with requests and jobs open, loses nothing of what was
/// written by then.
#[tokio::test]
async fn a_journal_that_ends_after_any_entry_is_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let (server, silent) = (Server::open().await, Server::closed().await);
    let config = json!({"servers": [server.url, silent.url]});
    let plug = open(folder.path(), &config, &[&server.url, &silent.url]).await;
    let path = folder.path().join("journal");
    // How long the file was when each of these was acknowledged.
    let mut acknowledged = Vec::new();
    for number in 0..12 {
        process(&plug, put("a")).await;
        acknowledged.push(fs::metadata(&path).unwrap().len() as usize);
        if number % 4 == 0 {
            let mut asked = ask(&server.url, "x");
            asked["journalled"] = true.into();
            process(&plug, asked).await;
            drop(spawned(&plug, put_and_wait("a")));
            until("it is recorded", async || count(&plug, "a").await == number + 2 + number / 4).await;
        }
        if number == 6 {
            silent.let_through(1);
        }
    }
    let whole = fs::read(&path).unwrap();
    drop(plug);
    silent.let_through(1_000);
    let mut tried = 0;
    for end in ends(&whole) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("journal"), &whole[..end]).unwrap();
        let plug = open(folder.path(), &config, &[&server.url, &silent.url]).await;
        let puts = count(&plug, "a").await;
        let least = acknowledged.iter().filter(|length| **length <= end).count() as u64;
        assert!(puts >= least && puts <= least + 3 + 1, "{puts} of {least} at {end}");
        assert_eq!(plug.recovery().await.unwrap().lost, 0);
        // Nothing stays open, and all is copied.
        assert!(plug.deliver("servers").await.unwrap().is_ok());
        assert_eq!(process(&plug, json!({"operation": "get_note", "key": "a"})).await.unsent, 0, "at {end}");
        // It crashes again, and all is the same.
        trap(&plug).await;
        assert_eq!(count(&plug, "a").await, puts);
        tried += 1;
    }
    assert!(tried > 30, "{tried}");
}

/// Runs in a process of its own, which is killed.
#[tokio::test]
#[ignore = "the part of a test that is killed"]
async fn records_until_it_is_killed() {
    let folder = std::env::var("NOTES_FOLDER").unwrap();
    let server = Server::open().await;
    let config = json!({"servers": [server.url]});
    let plug = open(Path::new(&folder), &config, &[&server.url]).await;
    let before = count(&plug, "a").await;
    println!("\nbefore {before}");
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..4 {
        let plug = plug.clone();
        callers.spawn(async move {
            loop {
                let ctx = if caller % 2 == 0 { put("a") } else { put_and_wait("a") };
                if process(&plug, ctx).await.is_ok() {
                    println!("acknowledged");
                }
            }
        });
    }
    callers.join_all().await;
}

#[tokio::test]
async fn a_host_that_is_killed_lost_nothing_acknowledged_and_counts_nothing_twice() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().unwrap();
    let mut least = 0;
    for kill in 0..4_usize {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["recovery::records_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
            .env("NOTES_FOLDER", folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let before = lines.by_ref().find_map(|line| line.strip_prefix("before ")?.parse::<u64>().ok()).unwrap();
        // Of each caller one may have been recorded and not acknowledged.
        assert!(before >= least && (kill == 0 || before <= least + 4), "{before} of {least}");
        let seen = lines.by_ref().take(50 + 20 * kill).filter(|line| line == "acknowledged").count();
        child.kill().unwrap();
        child.wait().unwrap();
        least = before + (seen + lines.filter(|line| line == "acknowledged").count()) as u64;
    }
    let plug = open(folder.path(), &json!({}), &[]).await;
    let total = count(&plug, "a").await;
    assert!(total >= least && total <= least + 4, "{total} of {least}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traps_among_many_callers_lose_and_repeat_nothing() {
    let server = Server::open().await;
    let plug = start(json!({"servers": [server.url]}), granted(&[&server.url])).await;
    let (sent, acknowledged) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let (plug, sent, acknowledged) = (plug.clone(), Arc::clone(&sent), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                for number in 0..40 {
                    if caller == 0 {
                        let _ = plug.process(r#"{"operation": "trap"}"#, "").await;
                        continue;
                    }
                    sent.fetch_add(1, Ordering::SeqCst);
                    let ctx = if number % 2 == 0 { put("a") } else { put_and_wait("a") };
                    // A call fails only where its own instance trapped.
                    if plug.process(ctx.to_string(), "").await.is_ok() {
                        acknowledged.fetch_add(1, Ordering::SeqCst);
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let total = count(&plug, "a").await;
    let (sent, acknowledged) = (sent.load(Ordering::SeqCst), acknowledged.load(Ordering::SeqCst));
    assert_eq!((total, acknowledged), (sent, sent), "no call but the traps fails");
    assert!(plug.deliver("servers").await.unwrap().is_ok());
    assert!(server.bodies().last().unwrap().starts_with(&format!("a={total} ")));
    assert_eq!(plug.recovery().await.unwrap().crashes, 40);
}
