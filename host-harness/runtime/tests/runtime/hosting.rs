//! What every plug gets from the runtime, shown by one that has nothing to do with monitoring.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::{Server, ask, count, granted, notes, process, start, until};
use plugpipe_runtime::{Error, Grants, Limits, PlugHandle};
use serde_json::{Value, json};

fn spawned(plug: &PlugHandle, ctx: Value) -> tokio::task::JoinHandle<Result<plugpipe_runtime::Answer, Error>> {
    let plug = plug.clone();
    tokio::spawn(async move { plug.process(ctx.to_string(), "").await })
}

#[tokio::test]
async fn a_plug_says_what_it_is_and_its_servers_are_what_a_configuration_grants() {
    let description = notes().describe().await.unwrap();
    assert_eq!((description.name.as_str(), description.sinks.as_slice()), ("notes", ["servers".to_owned()].as_slice()));
    assert!(description.operations.iter().any(|operation| operation.name == "put"));
    let config = json!({"server_url": "http://127.0.0.1:1/x", "other": "http://no.example"});
    let grants = Grants::named_by(&config, &description.servers);
    assert_eq!(grants.origins.len(), 1);
    let plug = notes().start(&config, grants, Limits::default()).await.unwrap();
    assert_eq!(plug.warnings(), ["cfg.other: unknown setting"]);
    let error = notes().start(&json!({"servers": 1}), Grants::none(), Limits::default()).await.err().unwrap();
    assert!(
        matches!(&error, Error::Config { code, problem } if code == "invalid" && problem.starts_with("servers:")),
        "{error}"
    );
}

#[tokio::test]
async fn typed_interfaces_are_optional() {
    let mut session = notes().session(&json!({}), Grants::none(), Limits::default()).await.unwrap();
    let errors = [
        session.add(1, 1.0).await.unwrap_err(),
        session.encode(plugpipe_runtime::session::Format::Text).await.unwrap_err(),
        session
            .querier()
            .labels(&plugpipe_runtime::session::query::Selection {
                matches: Vec::new(),
                start_ms: None,
                end_ms: None,
                limit: None,
            })
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().contains("does not export plugpipe:monitoring/"), "{error}");
    }
    assert_eq!(session.process(r#"{"operation": "count_puts", "key": "a"}"#, "").await.unwrap().body, "0");
}

#[tokio::test]
async fn a_body_is_nothing_to_the_host() {
    let plug = start(json!({}), Grants::none()).await;
    for _ in 0..50 {
        let answer = process(&plug, json!({"operation": "random"})).await;
        assert!(answer.is_ok() && serde_json::from_str::<Value>(&answer.body).is_err(), "{}", answer.body);
    }
    let answer = process(&plug, json!({"operation": "no such"})).await;
    assert_eq!(answer.error.unwrap().code, "invalid");
}

/// 200 jobs for a server that never responds come first; 63 others then answer all of theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_responds_delays_no_other() {
    let silent = Server::closed().await;
    let mut others = Vec::new();
    for _ in 0..63 {
        others.push(Server::open().await);
    }
    let urls: Vec<&str> = others.iter().map(|server| server.url.as_str()).chain([silent.url.as_str()]).collect();
    let plug = start(json!({}), granted(&urls)).await;
    let stuck: Vec<_> = (0..200).map(|_| spawned(&plug, ask(&silent.url, "stuck"))).collect();
    silent.has_received(8).await;
    let answered: Vec<_> = (0..5)
        .flat_map(|round| others.iter().map(move |server| (round, server)))
        .map(|(round, server)| (round, spawned(&plug, ask(&server.url, &format!("round {round}")))))
        .collect();
    for (round, answer) in answered {
        assert_eq!(answer.await.unwrap().unwrap().body, format!("round {round}"));
    }
    assert!(stuck.iter().all(|stuck| !stuck.is_finished()));
    assert_eq!(silent.bodies().len(), 8, "no more than 8 for one origin");
    // Records do not wait either.
    process(&plug, json!({"operation": "put", "key": "a"})).await;
    silent.let_through(200);
    for answer in stuck {
        assert_eq!(answer.await.unwrap().unwrap().body, "stuck");
    }
    assert_eq!(silent.most.load(Ordering::SeqCst), 8);
}

#[tokio::test]
async fn jobs_of_a_lane_run_one_at_a_time_in_order() {
    let server = Server::closed().await;
    let plug = start(json!({}), granted(&[&server.url])).await;
    let in_lane = |text: String| json!({"operation": "ask", "url": server.url, "text": text, "lane": "one"});
    let mut answers = Vec::new();
    for number in 0..20 {
        answers.push(spawned(&plug, in_lane(number.to_string())));
        // So that they are started in this order.
        tokio::task::yield_now().await;
        process(&plug, json!({"operation": "count_puts", "key": "a"})).await;
    }
    server.has_received(1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.bodies().len(), 1);
    server.let_through(20);
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(server.bodies(), (0..20).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(server.most.load(Ordering::SeqCst), 1);
}

/// Requests that wait share what is sent; each hears of it only once it was.
#[tokio::test]
async fn tickets_share_a_job() {
    let server = Server::closed().await;
    let plug = start(json!({"servers": [server.url]}), granted(&[&server.url])).await;
    let put = |number: u64| json!({"operation": "put", "key": "a", "text": number.to_string(), "wait": true});
    let first = spawned(&plug, put(0));
    server.has_received(1).await;
    let others: Vec<_> = (1..100).map(|number| spawned(&plug, put(number))).collect();
    until("all are recorded", async || count(&plug, "a").await == 100).await;
    assert!(!first.is_finished());
    server.let_through(1);
    assert!(first.await.unwrap().unwrap().is_ok());
    server.has_received(2).await;
    assert!(others.iter().all(|other| !other.is_finished()));
    server.let_through(1);
    for other in others {
        assert!(other.await.unwrap().unwrap().is_ok());
    }
    assert_eq!(server.bodies().len(), 2);
    assert!(server.bodies()[1].starts_with("a=100 "));
    // A delivery with nothing new is the plug's matter.
    server.let_through(1);
    assert!(plug.deliver("servers").await.unwrap().is_ok());
}

#[tokio::test]
async fn jobs_of_several_lanes_of_one_request_run_in_parallel_in_a_session_too() {
    let servers = [Server::closed().await, Server::closed().await, Server::closed().await];
    let urls = servers.each_ref().map(|server| server.url.as_str());
    let config = json!({"servers": urls});
    let mut session = notes().session(&config, granted(&urls), Limits::default()).await.unwrap();
    let waits = async {
        for server in &servers {
            server.has_received(1).await;
        }
        servers.iter().for_each(|server| server.let_through(10));
    };
    let put = json!({"operation": "put", "key": "a", "wait": true}).to_string();
    let (answer, ()) = tokio::join!(session.process(&put, ""), waits);
    assert!(answer.unwrap().is_ok());
    // What nobody waits for is made when there is an opportunity, and all of it by `settle`.
    let put = json!({"operation": "put", "key": "b"}).to_string();
    assert_eq!(session.process(&put, "").await.unwrap().unsent, 1);
    session.settle().await;
    assert!(servers.iter().all(|server| server.bodies().len() == 2));
}

#[tokio::test]
async fn a_caller_that_leaves_is_released_and_what_it_recorded_stays() {
    let server = Server::closed().await;
    let plug = start(json!({"servers": [server.url]}), granted(&[&server.url])).await;
    let left = spawned(&plug, json!({"operation": "put", "key": "a", "wait": true}));
    let stays = spawned(&plug, json!({"operation": "put", "key": "a", "wait": true}));
    server.has_received(1).await;
    until("both are recorded", async || count(&plug, "a").await == 2).await;
    left.abort();
    server.let_through(10);
    assert!(stays.await.unwrap().unwrap().is_ok());
    assert_eq!(count(&plug, "a").await, 2);
    // A job that nobody waits for is ended.
    let silent = Server::closed().await;
    let plug = start(json!({}), granted(&[&silent.url])).await;
    let asks: Vec<_> = (0..8).map(|_| spawned(&plug, ask(&silent.url, "x"))).collect();
    silent.has_received(8).await;
    asks.iter().for_each(tokio::task::JoinHandle::abort);
    let more: Vec<_> = (0..8).map(|_| spawned(&plug, ask(&silent.url, "y"))).collect();
    silent.has_received(16).await;
    assert_eq!(silent.bodies()[8..], ["y"; 8]);
    drop(more);
}

#[tokio::test]
async fn patience_ends_a_request_wherever_it_waits() {
    let silent = Server::closed().await;
    let plug = start(json!({}), granted(&[&silent.url])).await;
    let mut asked = ask(&silent.url, "x");
    asked["patience_ms"] = 50.into();
    // The first runs, the others wait for their origin.
    let answers: Vec<_> = (0..20).map(|_| spawned(&plug, asked.clone())).collect();
    for answer in answers {
        assert_eq!(answer.await.unwrap().unwrap().error.unwrap().message, "released");
    }
    let held = process(&plug, json!({"operation": "hold", "patience_ms": 20})).await;
    assert_eq!((held.body.as_str(), held.error.unwrap().message.as_str()), ("held", "released"));
    let mut session = notes().session(&json!({}), granted(&[&silent.url]), Limits::default()).await.unwrap();
    let answer = session.process(&asked.to_string(), "").await.unwrap();
    assert_eq!(answer.error.unwrap().message, "released");
}

#[tokio::test]
async fn pauses_and_limits_of_jobs_are_kept() {
    let server = Server::open().await;
    let silent = Server::closed().await;
    let plug = start(json!({}), granted(&[&server.url, &silent.url])).await;
    let begun = std::time::Instant::now();
    let mut asked = ask(&server.url, "x");
    asked["pause_ms"] = 100.into();
    assert_eq!(process(&plug, asked).await.body, "x");
    assert!(begun.elapsed() >= Duration::from_millis(100));
    let mut asked = ask(&silent.url, "x");
    asked["limit_ms"] = 100.into();
    let problem = process(&plug, asked).await.error.unwrap().message;
    assert!(problem.contains("stopped after"), "{problem}");
}

#[tokio::test]
async fn a_job_reaches_only_the_origins_that_it_named_and_that_are_granted() {
    let (server, other) = (Server::open().await, Server::open().await);
    let plug = start(json!({}), granted(&[&server.url])).await;
    assert_eq!(process(&plug, ask(&server.url, "x")).await.body, "x");
    let mut unnamed = ask(&server.url, "x");
    unnamed["origins"] = json!([other.url]);
    assert!(process(&plug, unnamed.clone()).await.body.contains("HttpRequestDenied"));
    unnamed["origins"] = json!(["no origin", "http://:0", "x".repeat(10_000)]);
    assert!(process(&plug, unnamed).await.body.contains("HttpRequestDenied"));
    assert!(process(&plug, ask(&other.url, "x")).await.body.contains("HttpRequestDenied"));
    assert_eq!((server.bodies().len(), other.bodies().len()), (1, 0));
}

#[tokio::test]
async fn a_lane_that_is_named_too_long_is_not_run_and_its_caller_is_released() {
    let server = Server::open().await;
    let plug = start(json!({}), granted(&[&server.url])).await;
    let mut asked = ask(&server.url, "x");
    asked["lane"] = "l".repeat(2_000).into();
    asked["patience_ms"] = 50.into();
    assert_eq!(process(&plug, asked.clone()).await.error.unwrap().message, "released");
    asked["lane"] = "l".repeat(1_000).into();
    asked["patience_ms"] = 10_000.into();
    assert_eq!(process(&plug, asked).await.body, "x");
}

#[tokio::test]
async fn a_session_whose_call_was_dropped_releases_it_and_goes_on() {
    let silent = Server::closed().await;
    let mut session = notes().session(&json!({}), granted(&[&silent.url]), Limits::default()).await.unwrap();
    let asked = ask(&silent.url, "x").to_string();
    for number in 1..=20 {
        tokio::select! {
            answer = session.process(&asked, "") => panic!("{answer:?}"),
            () = silent.has_received(number) => {}
        }
    }
    // Each ended the job of the one before.
    assert_eq!(session.process(r#"{"operation": "count_puts", "key": "a"}"#, "").await.unwrap().body, "0");
    session.settle().await;
    assert_eq!((silent.bodies().len(), session.recovery().crashes), (20, 0));
}

#[tokio::test]
async fn little_memory_makes_jobs_wait_and_loses_none() {
    let server = Server::open().await;
    let limits = Limits::default().with_memory_bytes(24 << 20);
    let plug = notes().start(&json!({}), granted(&[&server.url]), limits).await.unwrap();
    let asks: Vec<_> = (0..200).map(|number| spawned(&plug, ask(&server.url, &number.to_string()))).collect();
    for (number, asked) in asks.into_iter().enumerate() {
        assert_eq!(asked.await.unwrap().unwrap().body, number.to_string());
    }
}

#[tokio::test]
async fn files_are_written_where_a_folder_is_granted() {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, text: &str| json!({"operation": "save", "key": name, "text": text});
    let plug = start(json!({}), Grants::none()).await;
    let problem = process(&plug, save("a.yml", "one")).await.error.unwrap().message;
    assert!(problem.contains("no folder"), "{problem}");
    let plug = start(json!({}), Grants::none().and_rules_folder(Some(folder.path().to_owned()))).await;
    assert!(process(&plug, save("a.yml", "one")).await.is_ok());
    let answer = process(&plug, save("a.yml", "two")).await;
    assert_eq!(answer.body, "# Managed by notes\none");
    assert_eq!(std::fs::read_to_string(folder.path().join("a.yml")).unwrap(), "# Managed by notes\ntwo");
    std::fs::write(folder.path().join("b.yml"), "by hand").unwrap();
    assert!(process(&plug, save("b.yml", "x")).await.error.unwrap().message.contains("b.yml"));
    assert!(process(&plug, save("../c.yml", "x")).await.error.is_some());
    assert!(process(&plug, save("a.yml", "(remove)")).await.is_ok());
    assert!(!folder.path().join("a.yml").exists());
}

#[tokio::test]
async fn a_recording_is_replayed_although_jobs_run_in_parallel() {
    use plugpipe_runtime::Exchanges;
    let (one, other) = (Server::open().await, Server::open().await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let config = json!({"servers": [one.url, other.url]});
    let run = async |exchanges: Exchanges| {
        let plug = notes().clone().with_exchanges(exchanges);
        let plug = plug.start(&config, granted(&[&one.url, &other.url]), Limits::default()).await.unwrap();
        let mut answers = Vec::new();
        for number in 0..10 {
            let put = json!({"operation": "put", "key": "a", "text": number.to_string(), "wait": true});
            let asked = ask(&one.url, &number.to_string());
            let (put, asked) = tokio::join!(process(&plug, put), process(&plug, asked));
            // How much was unsent when a request was answered depends on which job ended first.
            answers.push([put, asked].map(|answer| (answer.error, answer.body)));
        }
        answers
    };
    let recorded = run(Exchanges::record_to(&path).unwrap()).await;
    assert!(recorded.iter().flatten().all(|(error, _)| error.is_none()));
    let requests = one.bodies().len() + other.bodies().len();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), requests);
    lines.reverse();
    assert_eq!(run(Exchanges::replay(&lines.join("\n")).unwrap()).await, recorded);
    assert_eq!(one.bodies().len() + other.bodies().len(), requests, "a replay asks nobody");
}

/// Operations are the plug's alone: none is named in what hosts any plug.
#[tokio::test]
async fn no_operation_is_named_in_the_runtime() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let names: Vec<String> =
        notes().describe().await.unwrap().operations.iter().map(|operation| operation.name.clone()).collect();
    let mut folders = vec![root.join("host-harness/runtime/src"), root.join("host-harness/pipe/src")];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                read += 1;
                for name in &names {
                    assert!(!text.contains(&format!("\"{name}\"")), "{name} in {}", path.display());
                }
            }
        }
    }
    assert!(read > 40, "{read}");
}
