//! The interfaces that language runtimes import and that have no content here: a plug finds nothing
//! in them, and what it writes goes to the log.

use plugpipe_harness::{Error, Grants};
use serde_json::json;

use crate::host::hostile::{component, hostile, result, start};
use crate::support::{harness, run, stderr, stdout};

#[tokio::test]
async fn a_plug_finds_no_environment_no_folder_and_no_network() {
    let plug = start(Grants::none()).await;
    let look = json!({"operation": "look"});
    for told in [result(&plug, look.clone()).await, plug.process(look.to_string(), "").await.unwrap().body] {
        assert!(told.starts_with("[] [] 0 ") && told.contains("access-denied"), "{told}");
    }
    let ended = plug.process(json!({"operation": "exit"}).to_string(), "").await;
    assert!(matches!(ended, Err(Error::Crashed { .. })), "{ended:?}");
    let empty = hostile().empty_imports();
    assert!(empty.iter().any(|import| import.starts_with("wasi:sockets/tcp-create-socket@")), "{empty:?}");
    assert!(empty.iter().all(|import| !import.starts_with("wasi:http") && !import.starts_with("wasi:io")), "{empty:?}");
}

#[tokio::test]
async fn random_bytes_are_the_same_in_a_replay_and_others_in_each_worker() {
    let plug = start(Grants::none()).await;
    let random = json!({"operation": "random", "bytes": "32"});
    let in_recorder = |plug: plugpipe_harness::PlugHandle| {
        let random = random.clone();
        async move { plug.process(random.to_string(), "").await.unwrap().body }
    };
    let (first, second) = (in_recorder(plug.clone()).await, in_recorder(plug.clone()).await);
    assert!(first.len() == 64 && first != second, "{first} {second}");
    // A fresh recorder begins again.
    assert_eq!(in_recorder(start(Grants::none()).await).await, first);
    assert_ne!(result(&plug, random.clone()).await, result(&plug, random.clone()).await);
    // More than a call may have at once ends it.
    let much = json!({"operation": "random", "bytes": "10000000"});
    assert!(plug.process(much.to_string(), "").await.is_err());
}

#[test]
fn what_a_plug_writes_goes_to_the_log_as_far_as_a_call_may() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostile.wasm");
    std::fs::write(&file, component()).unwrap();
    let file = file.to_str().unwrap();
    let written = |to: &str, times: &str| {
        let ctx = json!({"operation": "write", "to": to, "times": times}).to_string();
        let mut command = harness(&["call", "write", "--plug", file, "--ctx", &ctx, "-v"]);
        command.output().unwrap()
    };
    let output = written("stderr", "1");
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(text.contains("stderr: line 0 \\u{1b}[31m xxx"), "{text}");
    let text = stderr(&written("stdout", "5000"));
    assert!(text.contains("stdout: line 1 ") && text.contains("wrote more than 65536 bytes in one call"), "{text}");
    assert!(!text.contains("stdout: line 4999 ") && text.len() < 200_000, "{}", text.len());
    let inspected = stdout(&run(&["inspect", "--plug", file]));
    assert!(inspected.contains("wasi:cli/environment@0.2.0 (empty)"), "{inspected}");
}

/// Everything that the host does not know is refused by name, before anything runs.
#[test]
fn another_import_is_refused_by_name() {
    let text = r#"(component (import "example:other/thing@1.0.0" (instance (export "do" (func)))))"#;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.wasm");
    std::fs::write(&file, wat::parse_str(text).unwrap()).unwrap();
    let output = run(&["inspect", "--plug", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let said = "it imports example:other/thing@1.0.0, which this host does not provide";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
}
