//! The plug `readings` in every language (`examples/plugs/readings_*`): each passes
//! `tests/guests.json`.
//!
//! The one in Rust is built here. `cargo xtask release-check guests` builds the others, which takes
//! other toolchains and minutes, and runs this with their folder in `PLUGPIPE_GUESTS`.

use plugpipe_harness::{Compiler, Error, Grants, Limits, Plug, PlugHandle};
use serde_json::{Value, json};

use crate::support::{alone, exposition, root};

/// The guests by language.
fn guests() -> Vec<(String, Plug)> {
    let rust = xtask::build_package(&root(), "readings-rust").unwrap();
    let mut guests = vec![("rust".to_owned(), Plug::from_bytes("readings", &rust).unwrap())];
    let Some(folder) = std::env::var_os("PLUGPIPE_GUESTS") else { return guests };
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            let language = path.file_stem().unwrap().to_str().unwrap().to_owned();
            guests.push((language, Plug::from_file_with(&path, Compiler::default()).unwrap()));
        }
    }
    guests
}

/// What these do: `cases` of tests/guests.json.
fn cases() -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("tests/guests.json")).unwrap();
    let cases = serde_json::from_str::<Value>(&text).unwrap()["cases"].as_array().unwrap().clone();
    assert!(cases.len() >= 6);
    cases
}

async fn started(guest: &Plug, to: &PlugHandle, case: &Value) -> PlugHandle {
    let mut grants = Grants::none();
    grants.metrics = case["metrics"].as_bool().unwrap_or(true);
    grants.limits.series = case["series"].as_u64().map(|series| usize::try_from(series).unwrap());
    guest.clone().recording_to(to, "readings").start(&json!({}), grants, Limits::default()).await.unwrap()
}

async fn check(language: &str, guest: &Plug, case: &Value) {
    let place = format!("{language}: {}", case["name"]);
    let exporter = alone().await;
    for ctx in case["first"].as_array().into_iter().flatten() {
        exporter.process(ctx).await.unwrap();
    }
    let plug = started(guest, &exporter, case).await;
    for call in case["calls"].as_array().unwrap() {
        let answer = plug.process(call["ctx"].to_string(), "").await.unwrap();
        let place = format!("{place}: {}: {answer:?}", call["ctx"]);
        match (call.get("body"), &answer.error) {
            (Some(body), None) => assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap(), *body, "{place}"),
            (None, Some(problem)) => {
                assert_eq!(call["error"]["code"], problem.code, "{place}");
                assert!(problem.message.contains(call["error"]["message"].as_str().unwrap()), "{place}");
            }
            _ => panic!("{place}"),
        }
    }
    let text = exposition(&exporter).await;
    assert_eq!(json!(text.lines().collect::<Vec<_>>()), case["exposition"], "{place}");
}

/// What was acknowledged is there again after a restart of the host, and was recorded once.
async fn check_restart(language: &str, guest: &Plug) {
    let exporter = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let record = json!({"operation": "record", "metric": "doors_opened_total", "kind": "counter", "value": 1});
    for round in 1..=2 {
        let mut grants = Grants::none();
        grants.metrics = true;
        let guest = guest.clone().recording_to(&exporter, "readings");
        let described = guest.describe().await.unwrap();
        assert_eq!((described.name.as_str(), described.operations.len()), ("readings", 2), "{language}");
        // It ends at the end of the round, and leaves the folder to the next one.
        let mut plug = guest.session_in(folder.path(), &json!({}), grants, Limits::default()).await.unwrap();
        let answer = plug.process(&record.to_string(), "").await.unwrap();
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(body["readings"], round, "{language}: {answer:?}");
    }
    let text = exposition(&exporter).await;
    assert!(text.contains("doors_opened_total{plug=\"readings\"} 2"), "{language}: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_in_any_language_does_what_the_conformance_file_says() {
    for (language, guest) in guests() {
        for case in cases() {
            check(&language, &guest, &case).await;
        }
        check_restart(&language, &guest).await;
        println!("{language}: passed");
    }
}

/// The sections of a component, after its preamble: kind and contents.
fn sections(component: &[u8]) -> Vec<(u8, &[u8])> {
    let (mut rest, mut sections) = (&component[8..], Vec::new());
    while let [kind, after @ ..] = rest {
        let (length, after) = number(after);
        sections.push((*kind, &after[..length]));
        rest = &after[length..];
    }
    sections
}

/// A number as LEB128, and what follows.
fn number(bytes: &[u8]) -> (usize, &[u8]) {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let read = bytes[..length].iter().rev().fold(0, |number, byte| number << 7 | usize::from(byte & 0x7f));
    (read, &bytes[length..])
}

/// A component with more core instances, each of a module with a memory and a table.
fn with_more_instances(component: &[u8], more: u8) -> Vec<u8> {
    const CORE_MODULE: u8 = 1;
    const CORE_INSTANCE: u8 = 2;
    let module = wat::parse_str("(module (memory 1) (table 1 funcref))").unwrap();
    let index = sections(component).iter().filter(|(kind, _)| *kind == CORE_MODULE).count();
    // A module's index, and no arguments.
    let instance = [0, u8::try_from(index).unwrap(), 0];
    let instances = [vec![more], instance.repeat(more.into())].concat();
    let section = |kind, contents: Vec<u8>| [vec![kind, u8::try_from(contents.len()).unwrap()], contents].concat();
    [component.to_vec(), section(CORE_MODULE, module), section(CORE_INSTANCE, instances)].concat()
}

#[tokio::test]
async fn a_component_of_many_parts_runs_where_that_is_granted() {
    let component = xtask::build_package(&root(), "readings-rust").unwrap();
    let plug = Plug::from_bytes("readings", &with_more_instances(&component, 15)).unwrap();
    let start = async |limits: Limits| plug.start(&json!({}), Grants::none(), limits).await;
    let limits = Limits::default();
    for (limits, said) in [
        (limits, "more than 1 memories (limits.memories in the grants file)"),
        (limits.with_memories(16), "more than 16 core instances (limits.instances in the grants file)"),
        (limits.with_memories(16).with_instances(40), "more than 16 tables (limits.tables in the grants file)"),
    ] {
        match start(limits).await {
            Err(Error::Load { problem, .. }) => assert!(problem.contains(said), "{problem}"),
            other => panic!("{said}: {:?}", other.map(drop)),
        }
    }
    start(limits.with_memories(16).with_instances(40).with_tables(20)).await.unwrap();
}
