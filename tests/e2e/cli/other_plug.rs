//! The commands with a plug of another trade (tests/fixtures/notes), whose bodies are no JSON and
//! which has no metrics: they read no body to know what happened.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::cli::arguments::completed;
use crate::cli::serve::{Served, get};
use crate::fake_web::{WebServer, text};
use crate::support::{answer, root, run, stderr, stdout};

/// The component in a file.
pub fn notes() -> &'static str {
    static FILE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = FILE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.wasm");
        let component = xtask::build_package(&root().join("tests/fixtures/notes"), "notes-plug").unwrap();
        std::fs::write(&path, component).unwrap();
        (folder, path)
    });
    path.to_str().unwrap()
}

/// `plugpipe-harness call` with this plug.
fn call(operation: &str, ctx: &Value, more: &[&str]) -> std::process::Output {
    run(&[&["call", operation, "--plug", notes(), "--ctx", &ctx.to_string()], more].concat())
}

#[test]
fn operations_of_the_plug_on_the_command_line_are_completed() {
    let line = format!("plugpipe-harness call --plug {} get", notes());
    assert_eq!(completed(&line, ""), ["get_note"]);
}

#[test]
fn a_body_is_written_as_it_is_and_an_error_decides_the_exit_status() {
    let folder = tempfile::tempdir().unwrap();
    let state = ["--state", folder.path().to_str().unwrap()];
    let put = call("put", &json!({"key": "a", "text": "{\"success\": false"}), &state);
    assert_eq!(put.status.code(), Some(0), "{}", stderr(&put));
    let got = call("get_note", &json!({"key": "a"}), &state);
    assert_eq!((got.status.code(), stdout(&got).as_str()), (Some(0), "{\"success\": false\n"), "{}", stderr(&got));
    let noise = call("random", &json!({}), &[]);
    assert_eq!(noise.status.code(), Some(0), "{}", stderr(&noise));
    assert!(!stdout(&noise).trim().is_empty());
    let unknown = call("nonsense", &json!({}), &[]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("\"nonsense\" is unknown (invalid)"), "{}", stderr(&unknown));
    let trapped = call("trap", &json!({}), &[]);
    assert_eq!(trapped.status.code(), Some(1));
    assert!(stderr(&trapped).contains("the plug crashed"), "{}", stderr(&trapped));
}

#[tokio::test]
async fn values_that_no_server_has_are_said_to_be_lost() {
    let server = WebServer::http(|_| text("")).await;
    let folder = tempfile::tempdir().unwrap();
    let config = |url: &str| {
        let path = folder.path().join("config.json");
        std::fs::write(&path, json!({"servers": [url]}).to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let pipe = folder.path().join("pipe.yaml");
    let yaml = "name: p\nsteps: [{uses: notes, with: {operation: put, key: a, text: t}}]\n";
    std::fs::write(&pipe, yaml).unwrap();
    let pipe = pipe.to_str().unwrap().to_owned();
    // Off the runtime, which serves meanwhile.
    let ran = |url: String| {
        let (config, pipe) = (config(&url), pipe.clone());
        let arguments = ["run", &pipe, "--plug", notes(), "--config", &config, "--grant", &url, "--require-delivery"]
            .map(str::to_owned);
        tokio::task::spawn_blocking(move || run(&arguments.each_ref().map(String::as_str)))
    };
    let delivered = ran(server.url()).await.unwrap();
    assert_eq!(delivered.status.code(), Some(0), "{}", stderr(&delivered));
    assert!(!stderr(&delivered).contains("lost"), "{}", stderr(&delivered));
    assert!(!server.asked().is_empty());
    let lost = ran("http://127.0.0.1:9".into()).await.unwrap();
    assert_eq!(lost.status.code(), Some(1), "{}", stderr(&lost));
    let said = "warning: 1 value is lost: the push failed: ErrorCode::ConnectionRefused. To keep them, use --state DIR";
    assert!(stderr(&lost).contains(said), "{}", stderr(&lost));
}

#[test]
fn a_step_reads_the_body_of_an_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.yaml");
    let yaml = "name: p\nsteps:\n\
        - {id: first, uses: notes, with: {operation: put, key: a, text: '<1>'}}\n\
        - {id: read, uses: notes, with: {operation: get_note, key: a}}\n\
        - {id: copy, uses: notes, with: {operation: put, key: b, text: '{{ steps.read.result }}{{ steps.read.success }}'}}\n\
        - {id: check, uses: notes, with: {operation: get_note, key: b}}\n\
        - {id: bad, uses: notes, with: {operation: nonsense}}\n";
    std::fs::write(&pipe, yaml).unwrap();
    let output = run(&["run", pipe.to_str().unwrap(), "--plug", notes(), "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report = answer(&output);
    assert_eq!(report["steps"][3]["result"], "<1>True", "{report}");
    let bad = &report["steps"][4];
    assert_eq!((&bad["status"], &bad["message"]), (&json!("failed"), &json!("operation: \"nonsense\" is unknown")));
}

#[tokio::test]
async fn it_is_served_and_its_bodies_pass_as_they_are() {
    let served = tokio::task::spawn_blocking(|| Served::start(&["--plug", notes()])).await.unwrap();
    let ask = |ctx: Value| {
        let url = format!("{}/process", served.url);
        tokio::task::spawn_blocking(move || {
            let mut answer = ureq::post(url).send(json!({"ctx": ctx}).to_string()).unwrap();
            answer.body_mut().read_to_string().unwrap()
        })
    };
    ask(json!({"operation": "put", "key": "a", "text": "<\"push_error\""})).await.unwrap();
    assert_eq!(ask(json!({"operation": "get_note", "key": "a"})).await.unwrap(), "<\"push_error\"");
    let (status, health) = get(&format!("{}/healthz", served.url)).await;
    assert_eq!(status, 200);
    assert_eq!(serde_json::from_str::<Value>(&health).unwrap()["plug"], "notes");
    let (status, targets) = get(&format!("{}/sd", served.url)).await;
    assert!(status == 200 && targets.contains("\"plug\":\"notes\""), "{targets}");
    let (status, metrics) = get(&format!("{}/metrics", served.url)).await;
    assert!(status == 500 && metrics.contains("does not export plugpipe:monitoring/exposition"), "{metrics}");
}
