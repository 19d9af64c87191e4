//! A secret that the host holds for the plug: used, and found nowhere.

use std::os::unix::fs::FileExt as _;
use std::path::Path;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use plugpipe_harness::grants::{CredentialGrant, OriginGrant, SecretSource};
use plugpipe_harness::{Exchanges, Grants, Limits, PlugHandle};
use serde_json::{Value, json};

use crate::fake_web::{Asked, WebServer, text};
use crate::support::{Ask as _, Mounted, harness, named_by, plug, stderr, stdout, until_files_are_read};

const SECRET: &str = "pl4nted-s3cret-7719";
/// printf watcher:pl4nted-s3cret-7719 | base64
const ENCODED: &str = "d2F0Y2hlcjpwbDRudGVkLXMzY3JldC03NzE5";

/// A server that gives back what it was sent, in a header and in its body.
fn echo(asked: &Asked) -> Response<Full<Bytes>> {
    let sent = format!("{:?} {}", asked.header("authorization"), asked.header("x-api-key").unwrap_or_default());
    let mut answer = Response::new(Full::new(Bytes::from(format!("{{\"status\":\"error\",\"error\":{sent:?}}}"))));
    *answer.status_mut() = http::StatusCode::BAD_REQUEST;
    answer.headers_mut().insert("x-you-said", sent.parse().unwrap());
    answer
}

fn secret_file(folder: &Path) -> SecretSource {
    let path = folder.join("secret");
    std::fs::write(&path, SECRET).unwrap();
    SecretSource::File(path)
}

fn with_credential(url: &str, credential: CredentialGrant) -> Grants {
    let mut grant = OriginGrant::read(url).unwrap();
    grant.credential = Some("planted".into());
    let mut grants = Grants::none();
    grants.origins.insert(grant);
    grants.credentials.insert("planted".into(), credential);
    grants
}

#[tokio::test]
async fn a_credential_goes_to_its_origin_and_to_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let [own, other] = [WebServer::http(|_| text("")).await, WebServer::http(|_| text("")).await];
    let password = secret_file(folder.path());
    for (credential, name, value) in [
        (CredentialGrant::Bearer(password.clone()), "authorization", format!("Bearer {SECRET}")),
        (
            CredentialGrant::Basic { username: "watcher".into(), password: password.clone() },
            "authorization",
            format!("Basic {ENCODED}"),
        ),
        (CredentialGrant::Header { name: "x-api-key".into(), value: password }, "x-api-key", SECRET.to_owned()),
    ] {
        let grants = with_credential(&own.url(), credential).and(other.url().parse().unwrap());
        // The plug has a credential of its own for both: the host's takes its place, and only
        // there. Beside a credential of another name it would be that of somebody else.
        let mut config = json!({
            "prometheus_url": own.url(), "gateway_url": other.url(), "gateway_auth": {"token": "of-the-plug"},
        });
        if name == "authorization" {
            config["prometheus_auth"] = json!({"token": "of-the-plug"});
        }
        let plug = plug().start(&config, grants, Limits::default()).await.unwrap();
        plug.health_check().await.unwrap();
        let last = own.asked().pop().unwrap();
        assert_eq!(last.headers.get_all(name).iter().count(), 1);
        assert_eq!(last.header(name), Some(value.as_str()));
    }
    let sent = other.asked();
    assert!(!sent.is_empty() && sent.iter().all(|asked| asked.header("authorization") == Some("Bearer of-the-plug")));
    assert!(sent.iter().all(|asked| asked.header("x-api-key").is_none()), "{sent:?}");
}

/// Beside a credential of the host no header of the plug names somebody else; a tenant is the
/// operator's to say.
#[tokio::test]
async fn the_tenant_of_the_configuration_is_the_only_one_that_a_request_with_a_credential_may_name() {
    let folder = tempfile::tempdir().unwrap();
    let server = WebServer::http(|_| text("[]")).await;
    let granted = || with_credential(&server.url(), CredentialGrant::Bearer(secret_file(folder.path())));
    let config = json!({"prometheus_url": server.url(), "prometheus_auth": {"tenant": "team-1"}});
    let plug = plug().start(&config, granted(), Limits::default()).await.unwrap();
    let query = json!({"operation": "query_metrics", "query": "up"});
    plug.ask(&query).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].header("x-scope-orgid"), Some("team-1"));
    assert_eq!(asked[0].header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    // What a call says of it is not the operator's word.
    let mut other = query.clone();
    other["prometheus_auth"] = json!({"tenant": "team-2"});
    let answer = plug.ask(&other).await.unwrap();
    assert_eq!(answer["success"], false, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("x-scope-orgid"), "{answer}");
    let config = json!({"prometheus_url": server.url()});
    let plug = crate::support::plug().start(&config, granted(), Limits::default()).await.unwrap();
    assert_eq!(plug.ask(&other).await.unwrap()["success"], false);
    assert_eq!(server.asked().len(), asked.len());
}

#[tokio::test]
async fn a_planted_secret_is_not_in_the_plug_its_answers_its_snapshot_or_a_recording() {
    let folder = tempfile::tempdir().unwrap();
    let server = WebServer::http(echo).await;
    let password = secret_file(folder.path());
    for credential in [
        CredentialGrant::Bearer(password.clone()),
        CredentialGrant::Basic { username: "watcher".into(), password: password.clone() },
        CredentialGrant::Header { name: "x-api-key".into(), value: password },
    ] {
        let config = json!({"prometheus_url": server.url(), "gateway_url": server.url(), "job_name": "marker-of-7719"});
        let recording = folder.path().join("exchanges.jsonl");
        let state = tempfile::tempdir().unwrap();
        let plug = plug()
            .clone()
            .with_exchanges(Exchanges::record_to(&recording).unwrap())
            .start_in(state.path(), &config, with_credential(&server.url(), credential), Limits::default())
            .await
            .unwrap();
        let told = use_everything(&plug).await;
        // The server did give it back, and what came through is written over.
        let sent = server.asked().pop().unwrap();
        let sent = sent.header("authorization").or(sent.header("x-api-key")).unwrap().to_owned();
        assert!(sent.contains(SECRET) || sent.contains(ENCODED), "{sent}");
        assert!(told.contains("*****"), "{told}");
        is_clean("the answers", told.as_bytes());
        is_clean("the recording", &std::fs::read(&recording).unwrap());
        let snapshot = plug.with(|session| Box::pin(session.snapshot())).await.unwrap();
        is_clean("the snapshot", &snapshot);
        for entry in std::fs::read_dir(state.path()).unwrap() {
            is_clean("the state folder", &std::fs::read(entry.unwrap().path()).unwrap());
        }
        let memories = guest_memories();
        let holds = |text: &str| memories.iter().any(|memory| find(memory, text));
        assert!(holds("marker-of-7719"), "the plug's memory is among {}", memories.len());
        assert!(!holds(SECRET) && !holds(ENCODED), "the secret is in the plug's memory");
    }
}

/// What is looked for in the plug's memory would be found there.
#[tokio::test]
async fn a_secret_that_the_plug_is_given_is_in_its_memory() {
    let config = json!({"prometheus_url": "http://127.0.0.1:9", "prometheus_auth": {"token": "g1ven-t0-the-plug"}});
    let plug = plug().start(&config, named_by(&config), Limits::default()).await.unwrap();
    plug.health_check().await.unwrap();
    assert!(guest_memories().iter().any(|memory| find(memory, "g1ven-t0-the-plug")));
}

/// The binary at its most talkative: its output, its logs, and all files that it leaves.
#[tokio::test]
async fn a_planted_secret_is_not_in_logs_errors_or_files() {
    let folder = tempfile::tempdir().unwrap();
    let server = WebServer::http(echo).await;
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let grants = write(
        "grants.yaml",
        &format!(
            "origins: [{{url: \"{url}\", credential: planted}}]\n\
             credentials: {{planted: {{basic: {{username: watcher, password: {{env: PLANTED}}}}}}}}",
            url = server.url()
        ),
    );
    let config = write("config.yaml", &format!("prometheus_url: \"{}\"", server.url()));
    let left = tempfile::tempdir().unwrap();
    let path = |name: &str| left.path().join(name).to_str().unwrap().to_owned();
    let (recording, state) = (path("exchanges.jsonl"), path("state"));
    let run = async |arguments: &[&str]| {
        let common = ["--grants", &grants, "--config", &config];
        let mut command = harness(&[arguments, &common].concat());
        command.env("PLUGPIPE_LOG", "trace").env("PLANTED", SECRET);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    for arguments in [
        &["call", "query_metrics", "--ctx", r#"{"query": "up"}"#, "--record", &recording, "--state", &state][..],
        &["inspect"],
        &["inspect", "--json"],
    ] {
        let output = run(arguments).await;
        is_clean("stdout", stdout(&output).as_bytes());
        is_clean("the log", stderr(&output).as_bytes());
        assert!(stderr(&output).contains("TRACE"), "the log is at its most talkative: {}", stderr(&output));
    }
    assert!(server.asked().iter().any(|asked| asked.header("authorization") == Some(&format!("Basic {ENCODED}"))));
    let mut files = 0;
    let mut folders = vec![left.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
                is_clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
            }
        }
    }
    assert!(files >= 2, "a recording and a journal: {files}");
    // A secret that cannot be had, or cannot be sent, is an error that does not say it.
    let with_break = write("broken", &format!("{SECRET}\nmore"));
    let grants = write("broken.yaml", &format!("credentials: {{planted: {{bearer: {{file: {with_break:?}}}}}}}"));
    let told = stderr(&harness(&["call", "describe", "--grants", &grants]).output().unwrap());
    assert!(told.contains("credentials.planted") && told.contains("line break"), "{told}");
    is_clean("the error", told.as_bytes());
}

async fn use_everything(plug: &PlugHandle) -> String {
    let mut told = String::new();
    for ctx in [
        json!({"operation": "record_counter", "metric_name": "m_total", "metric_value": 1}),
        json!({"operation": "push_metrics"}),
        json!({"operation": "query_metrics", "query": "up"}),
        json!({"operation": "export_metrics"}),
        json!({"operation": "snapshot_metrics"}),
        json!({"operation": "describe"}),
    ] {
        told.push_str(&plug.ask(&ctx).await.unwrap().to_string());
    }
    told.push_str(&plug.health_check().await.unwrap_or(Value::Null).to_string());
    told
}

fn is_clean(what: &str, bytes: &[u8]) {
    for form in [SECRET, ENCODED, "pl4nted-s3cret"] {
        assert!(!find(bytes, form), "the secret is in {what}: {}", String::from_utf8_lossy(bytes));
    }
}

fn find(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

/// The memories of all plugs of this process: what can be written, right before a large reservation
/// that nobody can touch. That is how wasmtime lays out a linear memory, and nothing else does.
fn guest_memories() -> Vec<Vec<u8>> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let regions: Vec<(u64, u64, &str)> = maps
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (start, end) = words.next()?.split_once('-')?;
            Some((u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?, words.next()?))
        })
        .collect();
    let memory = std::fs::File::open("/proc/self/mem").unwrap();
    let mut found = Vec::new();
    for pair in regions.windows(2) {
        let [(start, end, rights), (next, last, next_rights)] = pair else { continue };
        let is_memory = *rights == "rw-p" && *next_rights == "---p" && end == next && last - next > 1 << 30;
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        // Another test's plug may be gone by now.
        if is_memory && memory.read_exact_at(&mut bytes, *start).is_ok() {
            found.push(bytes);
        }
    }
    found
}

/// What a server does with a request that asks it, by its headers, for something else than its
/// method and path say.
fn reflecting(asked: &Asked) -> Response<Full<Bytes>> {
    let sent = asked.header("authorization").unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(sent.to_owned())));
    if asked.uri.ends_with("/part") {
        *response.status_mut() = http::StatusCode::PARTIAL_CONTENT;
    }
    if asked.uri.ends_with("/gzip") && asked.header("accept-encoding") == Some("gzip") {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, sent.as_bytes()).unwrap();
        response = Response::new(Full::new(encoder.finish().unwrap().into()));
        response.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    }
    if asked.uri.ends_with("/br") {
        response.headers_mut().insert("content-encoding", "br".parse().unwrap());
    }
    if asked.uri.ends_with("/json") {
        let escaped: String = sent.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        response = Response::new(Full::new(Bytes::from(format!("\"{escaped}\""))));
    }
    response
}

#[tokio::test]
async fn a_hostile_plug_cannot_read_a_credential_that_a_server_reflects() {
    let folder = tempfile::tempdir().unwrap();
    let server = WebServer::http(reflecting).await;
    let mut grants = with_credential(&server.url(), CredentialGrant::Bearer(secret_file(folder.path())));
    let mut own = grants.origins.pop_first().unwrap();
    own.headers.insert("x-scope-orgid".into(), Some("team-1".into()));
    grants.origins.insert(own);
    let plug = crate::host::hostile::start(grants).await;
    let authority = format!("127.0.0.1:{}", server.port);
    let mut reached = 0;
    for (method, path, header, expected) in [
        ("GET", "/", "", "200\n"),
        ("GET", "/gzip", "", "200\n"),
        ("GET", "/json", "", "200\n"),
        ("GET", "/", "x-scope-orgid: team-1", "200\n"),
        ("GET", "/", "accept: text/plain", "200\n"),
        ("GET", "/part", "", "a part of the response (206)"),
        ("GET", "/br", "", "compressed with br"),
        ("GET", "/", "range: bytes=0-24", "the header range"),
        ("GET", "/", "Range: bytes=25-", "the header range"),
        ("GET", "/", "if-range: x", "the header if-range"),
        ("GET", "/", "accept-encoding: br", "the header accept-encoding"),
        ("GET", "/", "te: trailers", "the header te"),
        ("TRACE", "/", "", "HttpRequestDenied"),
        ("trace", "/", "", "HttpRequestDenied"),
        ("POST", "/", "x-http-method-override: DELETE", "the header x-http-method-override is not granted"),
        ("GET", "/", "cookie: a=b", "the header cookie is not granted"),
        ("GET", "/", "x-forwarded-for: 127.0.0.1", "the header x-forwarded-for is not granted"),
        ("GET", "/", "x-webauth-user: admin", "the header x-webauth-user is not granted"),
        ("GET", "/", "x-scope-orgid: team-2", "the header x-scope-orgid has a different value"),
    ] {
        let ctx =
            json!({"operation": "send", "method": method, "authority": authority, "path": path, "headers": header});
        let told = crate::host::hostile::result(&plug, ctx).await;
        assert!(told.contains(expected), "{method} {path} {header}: {told}");
        is_clean(path, told.as_bytes());
        reached += usize::from(told.starts_with("200") || path != "/");
        assert_eq!(server.asked().len(), reached, "{method} {path} {header}");
    }
}

#[tokio::test]
async fn a_credential_does_not_go_unencrypted_to_where_that_was_not_granted() {
    let folder = tempfile::tempdir().unwrap();
    let server = WebServer::http(|_| text("")).await;
    let url = format!("http://own.example:{}", server.port);
    let config = json!({"prometheus_url": url});
    let own_address = local_address();
    for (address, addresses, cleartext, is_reached) in [
        // Loopback is no network.
        ("127.0.0.1", "loopback", None, true),
        (own_address.as_str(), "0.0.0.0/0", None, false),
        (own_address.as_str(), "0.0.0.0/0", Some("10.255.0.0/16"), false),
        (own_address.as_str(), "0.0.0.0/0", Some("0.0.0.0/0"), true),
    ] {
        let mut grants = with_credential(&url, CredentialGrant::Bearer(secret_file(folder.path())));
        let mut own = grants.origins.pop_first().unwrap();
        own.cleartext.extend(cleartext.map(|range| range.parse().unwrap()));
        grants.origins.insert(own);
        grants.hosts.insert("own.example".into(), vec![address.parse().unwrap()]);
        let grants = grants.and_addresses(addresses.parse().unwrap());
        let asked = server.asked().len();
        let plug = plug().start(&config, grants, Limits::default()).await.unwrap();
        let answer = plug.health_check().await.unwrap().to_string();
        if is_reached && address == "127.0.0.1" {
            assert!(server.asked().len() > asked, "{answer}");
        }
        assert_eq!(answer.contains("unencrypted"), !is_reached, "{answer}");
    }
}

/// An address of this machine that others could reach; the server listens on loopback only, so
/// nobody answers there.
fn local_address() -> String {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: the system only chooses the address from which it would be.
    let found = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    found.map_or_else(|_| "198.51.100.1".into(), |address| address.ip().to_string())
}

const NEXT_SECRET: &str = "pl4nted-n3xt-2208";

/// A server that gives back what it was sent, and what it was sent before.
fn echo_with_old(asked: &Asked) -> Response<Full<Bytes>> {
    let sent = asked.header("authorization").unwrap_or_default();
    let body = format!("{{\"status\":\"error\",\"error\":\"now {sent}, once {SECRET}\"}}");
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = http::StatusCode::BAD_REQUEST;
    answer.headers_mut().insert("x-you-said", format!("{sent} {SECRET}").parse().unwrap());
    answer
}

#[tokio::test]
async fn a_secret_and_the_one_that_it_replaced_are_masked() {
    let folder = tempfile::tempdir().unwrap();
    let server = WebServer::http(echo_with_old).await;
    let mounted = Mounted::new(&[("token", SECRET.as_bytes())]);
    let source = SecretSource::File(mounted.path("token"));
    let config = json!({"prometheus_url": server.url()});
    let recording = folder.path().join("exchanges.jsonl");
    let plug = plug()
        .clone()
        .with_exchanges(Exchanges::record_to(&recording).unwrap())
        .start(&config, with_credential(&server.url(), CredentialGrant::Bearer(source)), Limits::default())
        .await
        .unwrap();
    let query = json!({"operation": "query_metrics", "query": "up"});
    let before = plug.ask(&query).await.unwrap().to_string();
    mounted.change(&[("token", NEXT_SECRET.as_bytes())]);
    until_files_are_read().await;
    let after = plug.ask(&query).await.unwrap().to_string();
    let bearers: Vec<_> =
        server.asked().iter().map(|asked| asked.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(bearers.first(), Some(&format!("Bearer {SECRET}")));
    assert_eq!(bearers.last(), Some(&format!("Bearer {NEXT_SECRET}")));
    let (old, new) = ("*".repeat(SECRET.len()), "*".repeat(NEXT_SECRET.len()));
    assert!(before.contains(&format!("now Bearer {old}, once {old}")), "{before}");
    assert!(after.contains(&format!("now Bearer {new}, once {old}")), "{after}");
    let recording = std::fs::read(&recording).unwrap();
    for (what, bytes) in [("the answers", (before + &after).as_bytes()), ("the recording", &recording)] {
        is_clean(what, bytes);
        assert!(!find(bytes, "n3xt"), "the new secret is in {what}");
    }
}
