//! `tests/conformance/*.json` on four hosts: the harness, the plug's code without a sandbox, Python
//! and Node.
//!
//! A case has `steps`, each a `ctx`, a `cfg` and the `expected` answer; and where it needs one, a
//! `server` with its answers in turn and the `requests` that it is to get. `<server>` stands for
//! the server's URL and `<authority>` for its host and port; `<instant>`, `<number>`, `<text>`,
//! `<object>` and `<any>` for what differs from run to run.
//!
//! An answer of the server has a `status`, and may have a `body` and `headers`; its content type is
//! `application/json` unless they have another. A `body` that is no text is JSON, in answers and in
//! requests. Requests that are sent side by side come in any order: each of their answers has the
//! `path` that it is for, and among the `requests` they are a list, in the order of their paths.

use std::collections::BTreeSet;
use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use monitoring_prometheus::http::{Clock, Failure, Limits, Method, Request, Response, Transport};
use plugpipe_harness::Grants;
use serde_json::{Value, json};

use crate::cli::dist::{node_package, python, without_hosts};
use crate::cli::manifest::MANIFEST;
use crate::support::{Ask as _, plug, read_head, root};

/// One case, its server running.
struct Case {
    name: String,
    case: Value,
    url: String,
    got: Arc<Mutex<Vec<Value>>>,
}

/// The cases, with their names.
fn cases() -> Vec<(String, Value)> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(root().join("tests/conformance")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let case = serde_json::from_slice(&std::fs::read(&path).unwrap());
        (name.clone(), case.unwrap_or_else(|error| panic!("{name}: {error}")))
    };
    paths.into_iter().map(read).collect()
}

impl Case {
    fn all() -> Vec<Self> {
        cases().into_iter().map(Self::start).collect()
    }

    fn start((name, case): (String, Value)) -> Self {
        let (url, got) = serve(case["server"].as_array().cloned().unwrap_or_default());
        Self { name, case, url, got }
    }

    /// What a host is to run.
    fn steps(&self) -> Vec<Value> {
        let steps = self.case["steps"].as_array().unwrap().iter();
        steps.map(|step| self.named(&json!({"ctx": step["ctx"], "cfg": step["cfg"]}))).collect()
    }

    /// With the server's URL put in, and its host and port.
    fn named(&self, tree: &Value) -> Value {
        let authority = self.url.trim_start_matches("http://");
        let named = tree.to_string().replace("<server>", &self.url).replace("<authority>", authority);
        serde_json::from_str(&named).unwrap()
    }

    /// Holds a host's answers against what is expected, and what the server got.
    fn check(&self, host: &str, answers: &[Value]) {
        let steps = self.case["steps"].as_array().unwrap();
        assert_eq!(answers.len(), steps.len(), "{host}, {}: {answers:?}", self.name);
        for (index, (step, answer)) in steps.iter().zip(answers).enumerate() {
            let expected = self.named(&step["expected"]);
            if let Err(problem) = compare(&expected, answer, "") {
                panic!("{host}, {}, step {index}: {problem}\n{answer:#}", self.name);
            }
            crate::cli::manifest::check(&self.named(&step["ctx"]), answer);
        }
        self.check_requests(host);
    }

    fn check_requests(&self, host: &str) {
        let mut got = std::mem::take(&mut *self.got.lock().unwrap());
        let mut wanted = Vec::new();
        for request in self.case["requests"].as_array().into_iter().flatten() {
            let side_by_side = request.as_array().map_or(std::slice::from_ref(request), Vec::as_slice);
            if let Some(some) = got.get_mut(wanted.len()..wanted.len() + side_by_side.len()) {
                some.sort_by_key(|request| request["path"].to_string());
            }
            wanted.extend_from_slice(side_by_side);
        }
        for (wanted, got) in wanted.iter().zip(&mut got) {
            if !wanted["body"].is_string() {
                got["body"] = serde_json::from_str(got["body"].as_str().unwrap()).unwrap_or_default();
            }
        }
        let (wanted, got) = (self.named(&Value::from(wanted)), Value::from(got));
        if let Err(problem) = compare(&wanted, &got, "") {
            panic!("{host}, {}, requests: {problem}\n{got:#}", self.name);
        }
    }
}

/// Compares an answer with what is expected of it.
fn compare(expected: &Value, answer: &Value, path: &str) -> Result<(), String> {
    let fits = match (expected, answer) {
        (Value::String(placeholder), _) if placeholder.starts_with('<') && placeholder.ends_with('>') => {
            match placeholder.as_str() {
                "<instant>" => answer.as_str().is_some_and(|text| text.starts_with("20") && text.ends_with('Z')),
                "<number>" => answer.is_number(),
                "<text>" => answer.as_str().is_some_and(|text| !text.is_empty()),
                "<object>" => answer.is_object(),
                "<any>" => true,
                other => panic!("no such placeholder: {other}"),
            }
        }
        (Value::Object(expected), Value::Object(answer)) => {
            let keys = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<BTreeSet<_>>();
            if keys(expected) != keys(answer) {
                return Err(format!("{path}: expected the members {:?}, got {:?}", keys(expected), keys(answer)));
            }
            return expected.iter().try_for_each(|(key, value)| compare(value, &answer[key], &format!("{path}/{key}")));
        }
        (Value::Array(expected), Value::Array(answer)) if expected.len() == answer.len() => {
            let mut items = expected.iter().zip(answer).enumerate();
            return items.try_for_each(|(index, (value, item))| compare(value, item, &format!("{path}/{index}")));
        }
        // A host may read 1 as 1.0.
        (Value::Number(expected), Value::Number(answer)) => expected.as_f64() == answer.as_f64(),
        _ => expected == answer,
    };
    if fits { Ok(()) } else { Err(format!("{path}: expected {expected}, got {answer}")) }
}

/// A server on loopback that gives its answers in turn, again from the first after the last, and
/// notes what it was asked.
fn serve(answers: Vec<Value>) -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let got = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&got);
    // Ends with the process.
    thread::spawn(move || {
        let mut left = Vec::new();
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let lines = read_head(&mut stream);
            let Some(first) = lines.first().cloned() else { continue };
            let header = |name: &str| {
                let mut members = lines.iter().filter_map(|line| line.split_once(':'));
                members.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
            };
            let body = if header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
                chunks(&mut stream)
            } else {
                let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
                stream.read_exact(&mut body).unwrap();
                body
            };
            let (method, path) = first.split_once(' ').unwrap();
            let path = path.rsplit_once(' ').unwrap().0;
            notes.lock().unwrap().push(json!({"method": method, "path": path, "body": String::from_utf8_lossy(&body)}));
            if left.is_empty() {
                left.clone_from(&answers);
            }
            let fits = |answer: &Value| answer["path"].as_str().is_none_or(|own| own == path);
            let answer = left.iter().position(fits).map_or_else(|| json!({"status": 500}), |place| left.remove(place));
            let _ = stream.get_mut().write_all(written(&answer).as_bytes());
        }
    });
    (url, got)
}

/// An answer, as it goes over the wire.
fn written(answer: &Value) -> String {
    let body = match &answer["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        tree => tree.to_string(),
    };
    let mut headers = json!({"content-type": "application/json"});
    headers.as_object_mut().unwrap().extend(answer["headers"].as_object().cloned().unwrap_or_default());
    let headers: String = headers
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| format!("{name}: {}\r\n", value.as_str().unwrap()))
        .collect();
    // Nothing may be said of the length of a body that there cannot be.
    let length = if answer["status"] == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    format!("HTTP/1.1 {} X\r\n{headers}{length}connection: close\r\n\r\n{body}", answer["status"])
}

fn chunks(stream: &mut impl std::io::BufRead) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        stream.read_exact(&mut chunk).unwrap();
        if length == 0 {
            return body;
        }
        body.extend_from_slice(&chunk[..length]);
    }
}

/// The plug's way to the world without a sandbox.
struct Native {
    started: std::time::Instant,
}

impl Clock for Native {
    fn unix_nanos(&self) -> u64 {
        u64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Transport for Native {
    fn send_all(&mut self, requests: &[&Request], limits: &Limits) -> Vec<Result<Response, Failure>> {
        requests.iter().map(|request| send(request, limits)).collect()
    }

    fn sleep(&mut self, duration: Duration) {
        thread::sleep(duration);
    }
}

fn send(request: &Request, limits: &Limits) -> Result<Response, Failure> {
    let method = match request.method {
        Method::Get => "GET",
        Method::Put => "PUT",
        Method::Post => "POST",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    };
    let mut built = ureq::http::Request::builder().method(method).uri(request.url.to_string());
    for (name, value) in &request.headers {
        built = built.header(*name, value);
    }
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(limits.total))
        .build()
        .new_agent();
    let answer =
        agent.run(built.body(request.body.to_vec()).unwrap()).map_err(|error| Failure::Protocol(error.to_string()))?;
    let status = answer.status().as_u16();
    let headers = answer.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let body = answer.into_body().read_to_vec().map_err(|error| Failure::Protocol(error.to_string()))?;
    Ok(Response { status, headers, body })
}

#[test]
fn every_operation_succeeds_in_a_case() {
    let cases = cases();
    let steps = cases.iter().flat_map(|(_, case)| case["steps"].as_array().unwrap());
    let done: BTreeSet<&str> = steps
        .map(|step| &step["expected"])
        .filter(|expected| expected["success"] == true)
        .map(|expected| expected["operation"].as_str().unwrap())
        .collect();
    let operations = MANIFEST["operations"].as_object().unwrap().keys().map(String::as_str);
    let missing: Vec<&str> = operations.filter(|name| !done.contains(name)).collect();
    assert_eq!(missing, [""; 0]);
}

#[tokio::test]
async fn the_harness_conforms() {
    for case in Case::all() {
        let grants = Grants::none().and(case.url.parse().unwrap());
        let plug = plug().start(&json!({}), grants, plugpipe_harness::Limits::default()).await.unwrap();
        let mut answers = Vec::new();
        for step in case.steps() {
            answers.push(plug.ask_text(step["ctx"].to_string(), step["cfg"].to_string()).await.unwrap());
        }
        case.check("the harness", &answers);
    }
}

#[test]
fn the_code_without_a_sandbox_conforms() {
    for case in Case::all() {
        let mut plug = monitoring_prometheus::Standalone::new(Native { started: std::time::Instant::now() });
        let answers: Vec<Value> = case
            .steps()
            .iter()
            .map(|step| {
                serde_json::from_str(&plug.process(&step["ctx"].to_string(), &step["cfg"].to_string())).unwrap()
            })
            .collect();
        case.check("native", &answers);
    }
}

#[test]
fn python_conforms() {
    if without_hosts("python_conforms") {
        return;
    }
    let host = python();
    for case in Case::all() {
        let mut command = Command::new(&host.python);
        command.arg(root().join("tests/hosts/python.py")).arg(&host.dist);
        case.check("Python", &answers(command, &case));
    }
}

#[test]
fn node_conforms() {
    if without_hosts("node_conforms") {
        return;
    }
    let package = node_package();
    for case in Case::all() {
        let mut command = Command::new("node");
        command.arg(root().join("tests/hosts/node.mjs")).arg(package);
        case.check("Node", &answers(command, &case));
    }
}

/// Gives a host's program the steps, and takes its answers.
fn answers(mut command: Command, case: &Case) -> Vec<Value> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(Value::from(case.steps()).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}: {}", case.name, String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
