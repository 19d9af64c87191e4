//! `serve --web.config.file`: TLS, client certificates, users, headers and a rate limit.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plugpipe_testkit::{Program, PrometheusOptions, start_prometheus};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::json;

use super::serve::{Served, get};
use crate::fake_web::Authority;
use crate::support::{harness, program, query_until, start, stderr, without_servers};

const PASSWORD: &str = "planted-password";

/// A line of the file for a user, with a hash that is quick to compute.
fn user(name: &str, password: &str) -> String {
    format!("  {name}: {}\n", bcrypt::hash(password, 4).unwrap())
}

fn basic(user: &str, password: &str) -> String {
    format!("Authorization: Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A server with a file that its tests change.
struct Configured {
    served: Served,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Configured {
    fn start(text: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("web.yml");
        fs::write(&file, text).unwrap();
        let served = Served::start(&[&["--web.config.file", file.to_str().unwrap()], arguments].concat());
        Self { served, file, _folder: folder }
    }
}

/// A response over TLS; an error if the handshake fails.
fn over_tls(served: &Served, client: &Arc<ClientConfig>, head: &str) -> std::io::Result<String> {
    let stream = TcpStream::connect(served.authority())?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let name = "localhost".try_into().unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::clone(client), name).unwrap(), stream);
    stream.write_all(format!("{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}

/// The status of `GET path`, with a header.
fn status(served: &Served, client: &Arc<ClientConfig>, path: &str, header: &str) -> u16 {
    let response = over_tls(served, client, &format!("GET {path} HTTP/1.1\r\n{header}")).unwrap();
    response.split(' ').nth(1).unwrap_or_else(|| panic!("{response}")).parse().unwrap()
}

/// Until this is so, for at most 10 s: files are looked at once a second.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(10), "not within 10 s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn tls(certificate: &Path, key: &Path, more: &str) -> String {
    format!("tls_server_config:\n  cert_file: {}\n  key_file: {}\n{more}", certificate.display(), key.display())
}

#[test]
fn clients_need_a_certificate_and_a_password_and_probes_neither() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (certificate, key) = authority.server_files("server", &["localhost"]);
    let more = format!(
        "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {}\n  min_version: TLS13\nhttp_server_config:\n  headers: \
         {{X-Frame-Options: deny, Strict-Transport-Security: max-age=60}}\nbasic_auth_users:\n{}",
        authority.file().display(),
        user("prometheus", PASSWORD),
    );
    // Other machines could reach it: certificates and users are enough for that.
    let Configured { served, .. } =
        &Configured::start(&tls(&certificate, &key, &more), &["--web.listen-address", "0.0.0.0:0"]);
    assert!(served.url.starts_with("https://127.0.0.1:"), "{}", served.url);
    let (known, unknown) = (authority.connector(Some(&authority.client())), authority.connector(None));
    let right = basic("prometheus", PASSWORD);
    for probe in ["/healthz", "/readyz"] {
        assert_eq!(status(served, &unknown, probe, "X: y"), 200, "{probe}");
    }
    assert_eq!(status(served, &unknown, "/metrics", &right), 403);
    let wrong = [
        "X: y".to_owned(),
        basic("prometheus", "planted-other"),
        basic("nobody", PASSWORD),
        basic("prometheus", ""),
        format!("Authorization: Bearer {PASSWORD}"),
    ];
    for header in &wrong {
        assert_eq!(status(served, &known, "/metrics", header), 401, "{header}");
    }
    for _ in 0..2 {
        assert_eq!(status(served, &known, "/metrics", &right), 200);
    }
    let response = over_tls(served, &known, &format!("GET / HTTP/1.1\r\n{right}")).unwrap().to_lowercase();
    for header in ["x-frame-options: deny", "strict-transport-security: max-age=60", "content-security-policy: "] {
        assert!(response.contains(header), "{header}: {response}");
    }
    let sd = over_tls(served, &known, &format!("GET /sd HTTP/1.1\r\n{right}")).unwrap();
    assert!(sd.contains("\"__scheme__\":\"https\"") && sd.contains("localhost:443"), "{sd}");
    // A certificate of another authority, an old version, and no TLS at all.
    let stranger = authority.connector(Some(&other.client()));
    assert!(over_tls(served, &stranger, "GET /healthz HTTP/1.1").is_err());
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let old = builder.with_protocol_versions(&[&rustls::version::TLS12]).unwrap();
    let old = old.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let problem = over_tls(served, &Arc::new(old), "GET /healthz HTTP/1.1").unwrap_err();
    assert!(problem.to_string().contains("ProtocolVersion"), "{problem}");
    let mut plain = TcpStream::connect(served.authority()).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[test]
fn top_reads_over_tls_with_the_authority_and_certificate_that_are_given() {
    let authority = Authority::new();
    let (certificate, key) = authority.server_files("server", &["localhost"]);
    let (client, client_key) = authority.client();
    let more = format!(
        "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {}\nbasic_auth_users:\n{}",
        authority.file().display(),
        user("prometheus", PASSWORD),
    );
    let Configured { served, file, .. } = &Configured::start(&tls(&certificate, &key, &more), &[]);
    let password_file = |name: &str, password: &str| {
        let file = file.with_file_name(name);
        fs::write(&file, password).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (right, wrong) = (password_file("right", &format!("{PASSWORD}\n")), password_file("wrong", "planted-other"));
    let url = served.url.replace("127.0.0.1", "localhost");
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (ca, cert, key) = (path(&authority.file()), path(&client), path(&client_key));
    let top = |more: &[&str]| {
        harness(&[&["top", "--once", "--interval", "100ms", "--url", &url], more].concat()).output().unwrap()
    };
    let trusted = ["--ca-file", &ca, "--cert-file", &cert, "--key-file", &key];
    let shown = top(&[&trusted[..], &["--user", "prometheus", "--password-file", &right]].concat());
    assert!(shown.status.success(), "{}", stderr(&shown));
    for given in [
        &["--user", "prometheus", "--password-file", &wrong][..],
        &["--user", "nobody", "--password-file", &right],
        &[],
    ] {
        let failed = top(&[&trusted[..], given].concat());
        assert!(!failed.status.success() && stderr(&failed).contains("status 401"), "{given:?}: {}", stderr(&failed));
        assert!(!stderr(&failed).contains("planted"), "{}", stderr(&failed));
    }
    for (given, said) in [
        (&["--cert-file", &cert, "--key-file", &key][..], "UnknownIssuer"),
        (&["--ca-file", &ca], "status 403"),
        (&["--ca-file", &key], "--ca-file"),
        (&["--ca-file", &ca, "--cert-file", &key, "--key-file", &key], "--cert-file"),
    ] {
        let failed = top(given);
        assert!(!failed.status.success() && stderr(&failed).contains(said), "{given:?}: {}", stderr(&failed));
    }
    let plain = harness(&["top", "--once", "--url", "http://localhost:1", "--ca-file", &ca]).output().unwrap();
    assert!(stderr(&plain).contains("expected https"), "{}", stderr(&plain));
}

#[test]
fn changes_are_taken_over_and_what_is_broken_is_not() {
    let authority = Authority::new();
    let (certificate, key) = authority.server_files("server", &["localhost"]);
    let text = |users: &str| tls(&certificate, &key, &format!("basic_auth_users:\n{users}"));
    let Configured { served, file, _folder } = Configured::start(&text(&user("a", PASSWORD)), &[]);
    let client = authority.connector(None);
    let status = |password: &str| status(&served, &client, "/metrics", &basic("a", password));
    assert_eq!(status(PASSWORD), 200);
    fs::write(&file, text(&user("a", "planted-second"))).unwrap();
    until("the other password", || status("planted-second") == 200);
    assert_eq!(status(PASSWORD), 401, "a password that was right before is not remembered");
    // Another certificate under the same name: clients of the new authority are content now.
    let renewed = Authority::new();
    let (new_certificate, new_key) = renewed.server_files("server", &["localhost"]);
    fs::copy(new_key, &key).unwrap();
    fs::copy(new_certificate, &certificate).unwrap();
    let client = renewed.connector(None);
    let request = format!("GET /metrics HTTP/1.1\r\n{}", basic("a", "planted-second"));
    until("the renewed certificate", || over_tls(&served, &client, &request).is_ok());
    // What would open the server, or cannot be read, leaves everything as it was.
    let broken = [
        (text("  a: planted-plain\n"), "basic_auth_users.a: expected the bcrypt hash"),
        (text(""), "basic_auth_users: the server would accept every client"),
        (format!("basic_auth_users:\n{}", user("a", PASSWORD)), "tls_server_config: turns TLS off"),
        (tls(Path::new("missing.pem"), &key, ""), "missing.pem"),
    ];
    for (text, _) in &broken {
        fs::write(&file, text).unwrap();
        std::thread::sleep(Duration::from_millis(1_200));
        assert!(over_tls(&served, &client, &request).unwrap().starts_with("HTTP/1.1 200"), "{text}");
    }
    let said = served.stop();
    for (_, problem) in broken {
        assert_eq!(said.matches(problem).count(), 1, "{problem}: {said}");
    }
    assert!(said.contains("--web.config.file: reloaded after a file change"), "{said}");
    assert!(!said.contains("planted"), "{said}");
}

#[test]
fn tokens_and_users_stand_beside_each_other_and_too_many_requests_are_refused() {
    const TOKEN: &str = "planted-token-0123456789";
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, TOKEN).unwrap();
    let text = format!("basic_auth_users:\n{}rate_limit: {{interval: 1h, burst: 5}}\n", user("a", PASSWORD));
    let Configured { served, .. } = &Configured::start(&text, &["--token-file", token.to_str().unwrap()]);
    let status = |header: &str| {
        let mut stream = TcpStream::connect(served.authority()).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n\r\n").unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response.split(' ').nth(1).unwrap().to_owned()
    };
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let asked = [&bearer, &basic("any", TOKEN), &basic("a", PASSWORD), &basic("a", "planted-x"), "X: y"].map(status);
    assert_eq!(asked, ["200", "200", "200", "401", "401"]);
    assert_eq!(status(&bearer), "429");
    // Probes are not counted.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(get(&format!("{}/healthz", served.url))).0, 200);
}

#[test]
fn a_file_with_what_is_not_supported_does_not_start_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.yml");
    for (text, said) in [
        ("tls_server_confg: {}", "tls_server_confg: unknown key; did you mean tls_server_config?"),
        ("tls_server_config: {cert_file: c.pem, key_file: k.pem}", "tls_server_config.cert_file: "),
        ("http_server_config: {http2: true}", "http_server_config.http2: this server supports only HTTP/1.1"),
        ("basic_auth_users: {a: planted}", "basic_auth_users.a: expected the bcrypt hash of a password"),
    ] {
        fs::write(&file, text).unwrap();
        let output = harness(&["serve", "--web.config.file", file.to_str().unwrap()]).output().unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("--web.config.file: ") && told.contains(said) && !told.contains("planted"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_scrapes_with_tls_and_a_password() {
    if without_servers("prometheus_scrapes_with_tls_and_a_password") {
        return;
    }
    let authority = Authority::new();
    let (certificate, key) = authority.server_files("server", &["localhost"]);
    let (client_certificate, client_key) = authority.client();
    let more = format!(
        "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {}\nbasic_auth_users:\n{}",
        authority.file().display(),
        user("prometheus", PASSWORD)
    );
    let Configured { served, .. } = &Configured::start(&tls(&certificate, &key, &more), &[]);
    let config = json!({
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{
            "job_name": "plug",
            "scheme": "https",
            "basic_auth": {"username": "prometheus", "password": PASSWORD},
            "tls_config": {"ca_file": authority.file(), "cert_file": client_certificate, "key_file": client_key, "server_name": "localhost"},
            "static_configs": [{"targets": [served.authority()]}],
        }],
    });
    let options = PrometheusOptions { config: config.to_string(), ..PrometheusOptions::default() };
    let started =
        tokio::task::spawn_blocking(move || start_prometheus(&program(Program::Prometheus), &options).unwrap());
    let prometheus = started.await.unwrap();
    let plug = start(json!({"prometheus_url": prometheus.url})).await;
    let query = json!({"operation": "query_metrics", "query": "up{job=\"plug\"}"});
    let found = query_until(&plug, query, |result| result[0]["value"][1] == "1").await;
    assert_eq!(found["success"], true, "{found}");
}
