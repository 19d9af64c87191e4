//! `serve`: a plug behind HTTP.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::harness;

/// A running `plugpipe-harness serve`, stopped when dropped.
pub struct Served {
    child: Child,
    pub url: String,
}

impl Served {
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = harness(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(arguments);
        Self::of(command)
    }

    /// One that this command starts.
    pub fn of(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap_or_else(|| panic!("{line}"));
        Self { url: url.trim_end_matches(':').to_owned(), child }
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&self) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::KILL)
            .unwrap();
    }

    pub fn authority(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub async fn process(&self, body: Value) -> (u16, Value) {
        let (status, text) = post(&format!("{}/process", self.url), body.to_string()).await;
        (status, serde_json::from_str(&text).unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body, and the content type before them in the body of an error.
pub async fn get(url: &str) -> (u16, String) {
    let url = url.to_owned();
    exchange(move || ureq::get(&url).config().http_status_as_error(false).build().call()).await
}

async fn post(url: &str, body: String) -> (u16, String) {
    let url = url.to_owned();
    exchange(move || ureq::post(&url).config().http_status_as_error(false).build().send(body)).await
}

/// A request of any method, with a body.
pub async fn send(method: &str, url: &str, body: String) -> (u16, String) {
    let request = ureq::http::Request::builder().method(method).uri(url).body(body).unwrap();
    exchange(move || ureq::config::Config::builder().http_status_as_error(false).build().new_agent().run(request)).await
}

type Exchanged = Result<ureq::http::Response<ureq::Body>, ureq::Error>;

async fn exchange(call: impl FnOnce() -> Exchanged + Send + 'static) -> (u16, String) {
    tokio::task::spawn_blocking(move || {
        let mut response = call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_served_plug_records_is_scraped_and_says_it_lives() {
    let served = Served::start(&[]);
    let record = json!({"ctx": {"operation": "record_counter", "metric_name": "served_total", "metric_value": 3}, "cfg": {"job_name": "j"}});
    let (status, answer) = served.process(record).await;
    assert_eq!(
        (status, &answer["success"], &answer["monitoring_metadata"]["job_name"]),
        (200, &json!(true), &json!("j"))
    );
    let (status, answer) = served.process(json!({"ctx": {"operation": "nonsense"}})).await;
    assert_eq!((status, &answer["error_code"]), (200, &json!("unknown_operation")));
    let (status, text) = get(&format!("{}/metrics", served.url)).await;
    assert_eq!((status, text.as_str()), (200, "# TYPE served_total counter\nserved_total 3\n"));
    let (status, text) = get(&format!("{}/healthz", served.url)).await;
    assert_eq!((status, serde_json::from_str::<Value>(&text).unwrap()["status"].clone()), (200, json!("ok")));
}

#[tokio::test]
async fn a_body_that_is_wrong_or_too_long_is_said_to_be() {
    let served = Served::start(&[]);
    for body in ["", "nope", "[]", "{\"cfg\": {}}"] {
        let (status, text) = post(&format!("{}/process", served.url), body.into()).await;
        assert_eq!(status, 400, "{body}: {text}");
        assert!(text.contains("ctx"), "{text}");
    }
    let (status, _) = post(&format!("{}/process", served.url), " ".repeat(5 * 1024 * 1024)).await;
    assert_eq!(status, 413);
    assert_eq!(get(&format!("{}/nothing", served.url)).await.0, 404);
    assert_eq!(get(&format!("{}/process", served.url)).await.0, 405);
}

#[test]
fn an_address_that_is_taken_is_an_error_that_says_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = harness(&["serve", "--listen", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(crate::support::stderr(&output).contains(&format!("cannot listen on {address}")));
}
