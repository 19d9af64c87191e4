//! Exchanges with servers, recorded and replayed.

use plugpipe_harness::{Exchanges, Limits, PlugHandle};
use serde_json::{Value, json};

use crate::fake_web::{WebServer, text};
use crate::support::{Ask as _, harness, named_by, plug, stderr};

const VECTOR: &str =
    r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"ü"},"value":[1.5,"2"]}]}}"#;

async fn start(config: &Value, exchanges: Exchanges) -> PlugHandle {
    plug().clone().with_exchanges(exchanges).start(config, named_by(config), Limits::default()).await.unwrap()
}

/// A counter, a push, and a query: what it answered, without what differs from run to run.
async fn run(plug: &PlugHandle, query: &str) -> [Value; 3] {
    let mut answers = [
        json!({"operation": "record_counter", "metric_name": "m_total", "metric_value": 1}),
        json!({"operation": "push_metrics"}),
        json!({"operation": "query_metrics", "query": query}),
    ];
    for ctx in &mut answers {
        let mut answer = plug.ask(ctx).await.unwrap();
        forget_times(&mut answer);
        *ctx = answer;
    }
    answers
}

fn forget_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !key.contains("time") && !key.contains("_ms") && !key.contains("seconds"));
            map.values_mut().for_each(forget_times);
        }
        Value::Array(list) => list.iter_mut().for_each(forget_times),
        _ => {}
    }
}

#[tokio::test]
async fn a_replay_answers_the_same_without_any_server() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let server = WebServer::http(|asked| text(if asked.uri.contains("query") { VECTOR } else { "" })).await;
    let config = json!({
        "gateway_url": server.url(), "prometheus_url": server.url(),
        "prometheus_auth": {"token": "s3cret-of-the-plug"},
    });
    let recorded = run(&start(&config, Exchanges::record_to(file.path()).unwrap()).await, "up").await;
    assert_eq!(recorded[2]["success"], true, "{recorded:?}");
    let asked = server.asked().len();
    let recording = std::fs::read_to_string(file.path()).unwrap();
    assert_eq!(recording.lines().count(), asked, "{recording}");
    assert!(!recording.contains("s3cret") && recording.contains("[redacted]"), "{recording}");

    let replayed = run(&start(&config, Exchanges::replay(&recording).unwrap()).await, "up").await;
    assert_eq!(replayed, recorded);
    assert_eq!(server.asked().len(), asked, "nobody was asked");

    let other = run(&start(&config, Exchanges::replay(&recording).unwrap()).await, "down").await;
    let told = other[2]["error"].as_str().unwrap();
    assert!(told.contains("replay: request") && told.contains("had another body"), "{told}");
}

#[tokio::test]
async fn a_server_that_breaks_breaks_again_at_the_same_place() {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    // How often the plug tries again depends on the time that a failure took, which is another in a
    // replay.
    let config = json!({"prometheus_url": format!("http://{}", listener.local_addr().unwrap()), "retry_attempts": 1});
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"status\":");
        }
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    let query = json!({"operation": "query_metrics", "query": "up"});
    let first = start(&config, Exchanges::record_to(file.path()).unwrap()).await.ask(&query).await.unwrap();
    let recording = std::fs::read_to_string(file.path()).unwrap();
    let again = start(&config, Exchanges::replay(&recording).unwrap()).await.ask(&query).await.unwrap();
    assert_eq!(first["error_code"], "unreachable", "{first}");
    assert_eq!((&again["error_code"], &again["error"]), (&first["error_code"], &first["error"]));
    assert!(recording.contains(r#""broken":"incomplete""#), "{recording}");
    // Nobody listens: that is told again too.
    let config = json!({"prometheus_url": "http://127.0.0.1:9", "retry_attempts": 1});
    let first = start(&config, Exchanges::record_to(file.path()).unwrap()).await.ask(&query).await.unwrap();
    let recording = std::fs::read_to_string(file.path()).unwrap();
    assert!(recording.contains(r#""failed":"connection-refused""#), "{recording}");
    let again = start(&config, Exchanges::replay(&recording).unwrap()).await.ask(&query).await.unwrap();
    assert_eq!(again["error"], first["error"]);
}

#[test]
fn the_binary_records_and_replays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exchanges.jsonl");
    let file = file.to_str().unwrap();
    let call = |option: &str| {
        let config = r#"{"prometheus_config": {"gateway_url": "http://127.0.0.1:9"}}"#;
        harness(&["call", "push_metrics", "--ctx", config, "--grant", "http://127.0.0.1:9", option, file])
            .output()
            .unwrap()
    };
    let error = |output: &std::process::Output| crate::support::answer(output)["error"].clone();
    let recorded = call("--record");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(error(&recorded), error(&call("--replay")));
    std::fs::write(file, "no recording").unwrap();
    let told = stderr(&call("--replay"));
    assert!(told.contains("line 1: not an exchange of an HTTP recording"), "{told}");
    let both = harness(&["call", "describe", "--record", file, "--replay", file]).output().unwrap();
    assert_eq!(both.status.code(), Some(2));
}
