//! Egress: which origins a plug reaches, that no spelling reaches others, and what it costs.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, Version};
use http_body_util::Full;
use plugpipe_harness::grants::{CredentialGrant, OriginGrant, Proxy, SecretSource};
use plugpipe_harness::{Grants, Limits, PlugHandle};
use serde_json::{Value, json};

use crate::fake_web::{Authority, WebServer, text};
use crate::support::{
    Ask as _, answer, exposition, harness, named_by, plug, pushgateway, read_head, stderr, without_servers,
};

const VECTOR: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

/// Spellings of hosts that lead to this machine, to a metadata server, or nowhere: none of them is
/// `granted.example`.
pub const FORBIDDEN: &[&str] = &[
    "127.0.0.1",
    "granted.example@127.0.0.1",
    "granted.example:80@127.0.0.1",
    "localhost",
    "LOCALHOST",
    "LocalHost.",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
    "[::1%25lo]",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "１２７.0.0.1",
    "127。0。0。1",
    "xn--localhost-",
    "127.0.0.1%00.granted.example",
    "127.0.0.1#.granted.example",
    "127.0.0.1?.granted.example",
    "127.0.0.1\\.granted.example",
    "granted.example.",
    "GRANTED.example.evil.example",
    "granted.example\t",
    "169.254.169.254",
    "127.0.0.2",
    "127.255.255.254",
    "0x7F.1",
    "0x7f.0x0.0x0.0x1",
    "0177.0x0.0.1",
    "127.0.0x1",
    "127.65537",
    "00000177.00.00.01",
    "127.0.0.1..",
    "127..1",
    "127.0.0.1.0",
    "127.0.0.256",
    "4294967297",
    "6425673729",
    "-2130706433",
    "127.0.0.1:80",
    "127.0.0.1:80:80",
    "127.0.0.1:",
    "127.0.0.1\u{7f}",
    "127.0.0.1\0",
    "127.0.0.1\r",
    "127.0.0.1\n",
    "127.0.0.1\r\nX: y",
    "127.0.0.1\u{ad}",
    "127.0.0.1\u{200b}",
    "\u{feff}127.0.0.1",
    "127\u{ff0e}0\u{ff0e}0\u{ff0e}1",
    "\u{2460}\u{2461}7.0.0.1",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "127.0.0.1%2f.granted.example",
    "127.0.0.1%40granted.example",
    "granted.example%40127.0.0.1",
    "granted.example#@127.0.0.1",
    "granted.example?@127.0.0.1",
    "granted.example/@127.0.0.1",
    "granted.example\\@127.0.0.1",
    "granted.example;@127.0.0.1",
    "granted.example,127.0.0.1",
    "granted.example 127.0.0.1",
    "granted.example&@127.0.0.1",
    "@127.0.0.1",
    ":@127.0.0.1",
    "a@granted.example@127.0.0.1",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::0.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[::FFFF:127.0.0.1]",
    "[0:0:0:0:0:ffff:127.1]",
    "[64:ff9b:1::7f00:1]",
    "[fe80::1%25lo]",
    "[::1%25]",
    "[::1]x",
    "[[::1]]",
    "[::1",
    "::1",
    "[127.0.0.1]",
    "[v1.127.0.0.1]",
    "localhost.",
    "localhost..",
    "loc\u{e0}lhost",
    "loca\u{212b}lhost",
    "xn--lcalhost-54a",
    "localhost.localdomain",
    "ip6-localhost",
    "granted.example..",
    ".granted.example",
    "granted..example",
    "a.granted.example",
    "granted.example-evil.example",
    "gr\u{430}nted.example",
    "granted\u{3002}example.",
    "xn--granted-.example",
    "granted_example",
    "2852039166",
    "[::ffff:169.254.169.254]",
    "[fd00:ec2::254]",
];

async fn start(config: Value, grants: Grants) -> PlugHandle {
    let plug = plug().start(&config, grants, Limits::default()).await.unwrap();
    let record = json!({"operation": "record_counter", "metric_name": "m_total", "metric_value": 1});
    plug.ask(&record).await.unwrap();
    plug
}

async fn push(plug: &PlugHandle) -> Value {
    plug.ask(&json!({"operation": "push_metrics"})).await.unwrap()
}

fn loopback(mut grants: Grants) -> Grants {
    grants.addresses.insert("loopback".parse().unwrap());
    grants
}

/// A name that the grants lead to this machine.
fn pinned(mut grants: Grants, name: &str) -> Grants {
    grants.hosts.insert(name.into(), vec!["127.0.0.1".parse().unwrap()]);
    grants
}

#[tokio::test]
async fn a_forbidden_origin_is_not_reached_in_any_spelling() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    // What is granted are a name and a port of the same machine; nothing that leads to the
    // listener.
    let grants = pinned(Grants::none().and("http://granted.example".parse().unwrap()), "granted.example");
    let plug = start(json!({}), grants).await;
    for host in FORBIDDEN {
        let url = format!("http://{host}:{port}");
        let ctx = json!({"operation": "push_metrics", "prometheus_config": {"gateway_url": url}});
        let told = plug.ask(&ctx).await.unwrap();
        let code = told["error_code"].as_str().unwrap();
        // Refused by the host, or already by the plug as no URL.
        assert!(["not_granted", "invalid_config", "invalid_field"].contains(&code), "{url}: {told}");
    }
    // The name that is granted leads where no grant does.
    let ctx = json!({"operation": "push_metrics", "prometheus_config": {"gateway_url": "http://granted.example"}});
    assert_eq!(plug.ask(&ctx).await.unwrap()["error_code"], "not_granted");
    let nobody = listener.accept();
    assert!(matches!(&nobody, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock), "{nobody:?}");
}

#[tokio::test]
async fn a_name_leads_to_this_machine_only_where_that_was_granted() {
    let server = WebServer::http(|_| text("")).await;
    let config = json!({"gateway_url": server.at("gateway.example")});
    let grants = || pinned(named_by(&config), "gateway.example");
    let plug = start(config.clone(), grants()).await;
    let told = push(&plug).await;
    assert_eq!(told["error_code"], "not_granted");
    // The origin is granted already: that is not what is missing.
    let error = told["error"].as_str().unwrap();
    assert!(
        error.contains("resolves to an address that the host has not granted")
            && error.contains("grant addresses of that kind"),
        "{error}"
    );
    assert!(!error.contains("--"), "{error}");
    assert_eq!(server.connections(), 0);
    let plug = start(config.clone(), loopback(grants())).await;
    assert_eq!(push(&plug).await["success"], true);
    // The server sees the name that it was asked by.
    assert_eq!(server.asked()[0].header("host").unwrap(), format!("gateway.example:{}", server.port));
}

#[tokio::test]
async fn a_redirect_leads_nowhere_not_even_to_what_is_granted() {
    let redirecting = WebServer::http(|asked| {
        let mut answer = text("");
        *answer.status_mut() = http::StatusCode::TEMPORARY_REDIRECT;
        let to = format!("http://127.0.0.1:{}/", asked.uri.rsplit('=').next().unwrap());
        answer.headers_mut().insert("location", to.parse().unwrap());
        answer
    })
    .await;
    let other = WebServer::http(|_| text(VECTOR)).await;
    let config = json!({"prometheus_url": redirecting.url(), "gateway_url": other.url()});
    let plug = start(config.clone(), named_by(&config)).await;
    let before = other.connections();
    let told = plug.ask(&json!({"operation": "query_metrics", "query": format!("up=={}", other.port)})).await.unwrap();
    assert_eq!((&told["error_code"], &told["http_status"]), (&json!("refused"), &json!(307)), "{told}");
    assert_eq!(other.connections(), before);
}

#[tokio::test]
async fn paths_and_methods_are_granted_one_by_one() {
    let server = WebServer::http(|_| text("")).await;
    let config = json!({"gateway_url": format!("{}/push", server.url())});
    let granted = |path: &str, methods: &[&str]| {
        let mut grant = OriginGrant::read(&format!("{}{path}", server.url())).unwrap();
        grant.methods = methods.iter().map(|method| (*method).to_owned()).collect();
        let mut grants = Grants::none();
        grants.origins.insert(grant);
        grants
    };
    for (path, methods, success) in [
        ("/push", &[][..], true),
        ("/push", &["PUT", "POST", "GET"], true),
        ("/other", &[], false),
        ("/pus", &[], false),
        ("/push", &["DELETE"], false),
    ] {
        let plug = start(config.clone(), granted(path, methods)).await;
        let before = server.asked().len();
        let told = push(&plug).await;
        assert_eq!(told["success"], success, "{path} {methods:?}: {told}");
        assert_eq!(server.asked().len() > before, success, "{path} {methods:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_longer_than_granted_is_cut() {
    let announced = WebServer::http(|_| Response::new(Full::new(Bytes::from(vec![b' '; 5_000])))).await;
    // Without a length in its head.
    let unannounced = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", unannounced.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in unannounced.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").and_then(|()| stream.write_all(&[b' '; 5_000]));
            let _ = stream.shutdown(std::net::Shutdown::Write);
            // Until the plug has gone: a connection that is closed with something unread is reset.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    // Within a body wasmtime has no way to say why it ended.
    for (url, code) in [(announced.url(), "answer_too_long"), (url, "unreachable")] {
        let config = json!({"prometheus_url": url});
        let mut grants = named_by(&config);
        grants.limits.response_bytes = Some(4_999);
        let plug = start(config, grants).await;
        let told = plug.ask(&json!({"operation": "query_metrics", "query": "up"})).await.unwrap();
        assert_eq!(told["error_code"], code, "{told}");
    }
}

#[tokio::test]
async fn more_requests_in_a_minute_than_granted_are_refused_in_words() {
    let server = WebServer::http(|_| text(VECTOR)).await;
    let config = json!({"prometheus_url": server.url()});
    let mut grants = named_by(&config);
    grants.limits.requests_per_minute = Some(3);
    let plug = start(config, grants).await;
    let query = json!({"operation": "query_metrics", "query": "up"});
    for _ in 0..3 {
        assert_eq!(plug.ask(&query).await.unwrap()["success"], true);
    }
    let told = plug.ask(&query).await.unwrap();
    assert!(told["error"].as_str().unwrap().contains("3 requests per minute"), "{told}");
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let authority = Authority::new();
    let plain = WebServer::http(|_| text("")).await;
    let encrypted = WebServer::https(authority.server(&["127.0.0.1"]), |_| text("")).await;
    for (server, version) in [(plain, Version::HTTP_11), (encrypted, Version::HTTP_2)] {
        let config = json!({"gateway_url": server.url()});
        let mut grants = named_by(&config);
        grants.tls.ca.push(authority.file());
        let plug = start(config, grants).await;
        for _ in 0..20 {
            assert_eq!(push(&plug).await["success"], true);
        }
        let asked = server.asked();
        assert!(asked.len() >= 20 && asked.iter().all(|asked| asked.version == version), "{asked:?}");
        assert_eq!(server.connections(), 1, "{version:?}");
    }
}

/// Many servers close what was idle without a word, and the next request may cross that on its way.
#[tokio::test]
async fn a_server_that_hangs_up_without_a_word_loses_no_push() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = json!({"gateway_url": format!("http://{}", listener.local_addr().unwrap())});
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let length = read_head(&mut stream).iter().find_map(|line| {
                let line = line.to_ascii_lowercase();
                line.strip_prefix("content-length:").map(|value| value.trim().parse().unwrap())
            });
            let length = length.unwrap_or(0);
            let _ = stream.read_exact(&mut vec![0; length]);
            let _ = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let plug = start(config.clone(), named_by(&config)).await;
    for number in 0..50 {
        let told = push(&plug).await;
        assert_eq!(told["success"], true, "{number}: {told}");
    }
}

#[tokio::test]
async fn requests_go_through_the_proxy_but_for_this_machines_own() {
    let proxy = WebServer::http(|_| text(VECTOR)).await;
    let own = WebServer::http(|_| text("")).await;
    let config = json!({"prometheus_url": "http://prometheus.example:9090", "gateway_url": own.url()});
    let mut grants = named_by(&config);
    grants.proxy =
        Some(Proxy { origin: proxy.url().parse().unwrap(), credential: Some("proxy".into()), cleartext: false });
    let password = SecretSource::Command(vec!["echo".into(), "pr0xy-pass".into()]);
    grants.credentials.insert("proxy".into(), CredentialGrant::Basic { username: "me".into(), password });
    let plug = start(config, grants).await;
    assert_eq!(plug.ask(&json!({"operation": "query_metrics", "query": "up"})).await.unwrap()["success"], true);
    assert_eq!(push(&plug).await["success"], true);
    let asked = proxy.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].uri.starts_with("http://prometheus.example:9090/api/v1/query"), "{asked:?}");
    // printf me:pr0xy-pass | base64
    assert_eq!(asked[0].header("proxy-authorization"), Some("Basic bWU6cHIweHktcGFzcw=="));
    assert!(own.asked().iter().all(|asked| asked.header("proxy-authorization").is_none()));
}

#[tokio::test]
async fn https_goes_through_the_proxy_as_a_tunnel() {
    let authority = Authority::new();
    let server = WebServer::https(authority.server(&["prometheus.example"]), |_| text(VECTOR)).await;
    // A proxy that connects everything to that server, and counts.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let (tunnels, mut opened) = tokio::sync::mpsc::unbounded_channel();
    let port = server.port;
    tokio::spawn(async move {
        use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let tunnels = tunnels.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                let mut reader = tokio::io::BufReader::new(&mut stream);
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).await.unwrap();
                    if line.trim().is_empty() {
                        break;
                    }
                    head.push(line.trim().to_owned());
                }
                tunnels.send(head).unwrap();
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                let mut to = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut to).await;
            });
        }
    });
    let config = json!({"prometheus_url": "https://prometheus.example"});
    let mut grants = named_by(&config);
    grants.tls.ca.push(authority.file());
    grants.proxy = Some(Proxy { origin: proxy.parse().unwrap(), credential: None, cleartext: false });
    let plug = start(config.clone(), grants.clone()).await;
    let query = json!({"operation": "query_metrics", "query": "up"});
    let told = plug.ask(&query).await.unwrap();
    assert_eq!(told["success"], true, "{told}");
    let head = opened.recv().await.unwrap();
    assert_eq!(head[0], "CONNECT prometheus.example:443 HTTP/1.1", "{head:?}");
    assert_eq!(server.asked()[0].version, Version::HTTP_2);
    // The proxy cannot pass for the server.
    grants.tls.ca.clear();
    let told = start(config.clone(), grants.clone()).await.ask(&query).await.unwrap();
    assert_eq!(told["error_code"], "tls_failed", "{told}");
    let refusing = WebServer::http(|_| {
        let mut answer = text("");
        *answer.status_mut() = http::StatusCode::FORBIDDEN;
        answer
    })
    .await;
    grants.proxy = Some(Proxy { origin: refusing.url().parse().unwrap(), credential: None, cleartext: false });
    let told = start(config, grants).await.ask(&query).await.unwrap();
    assert!(told["error"].as_str().unwrap().contains("the proxy refused with status 403"), "{told}");
}

#[tokio::test]
async fn refusals_are_counted_in_the_exposition() {
    let plug = start(json!({}), Grants::none()).await;
    for _ in 0..2 {
        let ctx = json!({"operation": "push_metrics", "prometheus_config": {"gateway_url": "http://h.example"}});
        assert_eq!(plug.ask(&ctx).await.unwrap()["error_code"], "not_granted");
    }
    let line =
        r#"plugpipe_capability_violations_total{capability="http_origin",plugin_name="monitoring_prometheus"} 2"#;
    let told = exposition(&plug).await;
    assert!(told.lines().any(|own| own == line), "{told}");
    let scraped = plug.with(|session| Box::pin(session.scrape(""))).await.unwrap();
    assert!(String::from_utf8(scraped.body).unwrap().contains(line));
}

#[test]
fn a_refusal_is_a_line_in_the_audit_log() {
    let ctx = r#"{"prometheus_config": {"gateway_url": "http://h.example/services/s3cret?token=s3cret"}}"#;
    let output =
        harness(&["call", "push_metrics", "--ctx", ctx]).env("PLUGPIPE_LOG", "plugpipe_harness::audit=warn").output();
    let log = stderr(&output.unwrap());
    assert!(log.contains("http_origin") && log.contains("http://h.example:80"), "{log}");
    assert!(log.contains("plugpipe_harness::audit") && !log.contains("s3cret"), "{log}");
}

#[test]
fn the_command_line_says_which_option_grants_what_is_missing() {
    let call = |arguments: &[&str]| {
        let output = harness(&[&["call"], arguments].concat()).output().unwrap();
        (answer(&output).to_string(), stderr(&output))
    };
    let gateway = |url: &str| json!({"prometheus_config": {"gateway_url": url, "timeout": "2s"}}).to_string();

    let (told, log) = call(&["push_metrics", "--ctx", &gateway("http://127.0.0.1:9")]);
    assert!(log.contains("grant it with --grant http://127.0.0.1:9"), "{log}");
    assert!(told.contains("grant http://127.0.0.1:9 to the plug") && !told.contains("--"), "{told}");

    let folder = tempfile::tempdir().unwrap();
    let grants = folder.path().join("grants.yaml");
    std::fs::write(&grants, "origins: [http://inner.example]\nhosts: {inner.example: [10.1.2.3]}").unwrap();
    let (told, log) =
        call(&["push_metrics", "--ctx", &gateway("http://inner.example"), "--grants", grants.to_str().unwrap()]);
    assert!(log.contains("grant these addresses with --address private"), "{log}");
    assert!(told.contains("grant addresses of that kind") && !told.contains("--"), "{told}");

    let alert = json!({"alert_config": {"alert_name": "A", "expression": "up == 0"}}).to_string();
    let (told, log) = call(&["create_alert", "--ctx", &alert]);
    assert!(log.contains("no rules folder was granted; grant one with --rules-folder DIR"), "{log}");
    assert!(told.contains("rules_file") && !told.contains("--"), "{told}");
    // Where there is one, nothing is missing.
    let (_, log) = call(&["create_alert", "--ctx", &alert, "--rules-folder", folder.path().to_str().unwrap()]);
    assert!(!log.contains("--rules-folder"), "{log}");

    let config = folder.path().join("config.yaml");
    std::fs::write(&config, "job_name: ${JOB_OF_THE_TEST}").unwrap();
    let output = harness(&["call", "describe", "--config", config.to_str().unwrap()]).output().unwrap();
    let told = stderr(&output);
    assert!(
        told.contains("job_name: ${JOB_OF_THE_TEST} is not granted; grant it with --env JOB_OF_THE_TEST"),
        "{told}"
    );
    let unreplaced = json!({"prometheus_config": {"job_name": "${JOB}"}}).to_string();
    let (told, _) = call(&["push_metrics", "--ctx", &unreplaced]);
    assert!(told.contains("${NAME} that the host did not replace") && !told.contains("--"), "{told}");
}

#[test]
fn the_component_knows_no_option_of_this_host() {
    for option in ["harness", "--grant", "--address", "--rules-folder", "--env "] {
        let found = memchr::memmem::find(plugpipe_component::EMBEDDED, option.as_bytes());
        assert_eq!(found, None, "{option}");
    }
}

#[test]
fn decoys_keep_no_other_origin_out_of_the_audit_log() {
    let served = crate::cli::serve::Served::start(&[]);
    let mut push = json!({"ctx": {"operation": "push_metrics", "prometheus_config": {"gateway_url": ""}}});
    let mut ask = |url: &str| {
        push["ctx"]["prometheus_config"]["gateway_url"] = url.into();
        let request = ureq::post(format!("{}/process", served.url)).content_type("application/json");
        let mut response = request.send(push.to_string()).unwrap();
        let told: Value = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
        assert_eq!(told["error_code"], "not_granted", "{told}");
    };
    (0..100).for_each(|_| ask("http://decoy.example"));
    (0..20).for_each(|_| ask("http://169.254.169.254"));
    let log = served.stop();
    let lines = |origin: &str| log.lines().filter(|line| line.contains("audit") && line.contains(origin)).count();
    assert_eq!(lines("http://169.254.169.254:80"), 20, "{log}");
    assert!(lines("http://decoy.example:80") < 100, "{log}");
}

#[test]
fn a_grants_file_says_all_that_is_granted() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let config = write("config.yaml", "prometheus_config: {gateway_url: \"http://127.0.0.1:9\", job_name: \"${JOB}\"}");
    let grants = write("grants.yaml", "origins: [http://127.0.0.1:10]\nenv: [JOB]\nlimits: {memory: 64MiB, call: 5s}");
    let call = |more: &[&str]| {
        let arguments = [&["call", "push_metrics", "--config", &config, "--grants", &grants][..], more].concat();
        answer(&harness(&arguments).env("JOB", "of the test").output().unwrap())
    };
    // What the configuration names is now only asked for.
    assert_eq!(call(&[])["error_code"], "not_granted");
    assert_eq!(call(&["--grant", "http://127.0.0.1:9"])["error_code"], "unreachable");
    let inspect = ["inspect", "--json", "--config", &config, "--grants", &grants];
    let report = answer(&harness(&inspect).env("JOB", "x").output().unwrap());
    let rows = report["comparison"].as_array().unwrap();
    let row = |capability: &str| rows.iter().find(|row| row["capability"] == capability).unwrap();
    assert_eq!(row("http://127.0.0.1:9")["granted"], "no");
    assert_eq!(row("http://127.0.0.1:9")["requested"], "by its configuration");
    assert_eq!(row("http://127.0.0.1:10")["granted"], "all methods");
    assert_eq!(row("memory")["granted"], "67108864 bytes");
    let misspelt = write("misspelt.yaml", "orgins: []");
    let told = harness(&["inspect", "--grants", &misspelt]).output().unwrap();
    assert_eq!(told.status.code(), Some(2));
    assert!(stderr(&told).contains("did you mean origins?"), "{}", stderr(&told));
}

#[test]
fn a_url_in_a_configuration_that_names_no_server_grants_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    let text = "gateway_url: http://127.0.0.1:9\nexternal_labels: {logo_url: \"http://logo.example\"}\n\
                alert_config: {runbook_url: \"http://runbook.example\", webhook_url: \"http://hook.example\"}";
    std::fs::write(&config, text).unwrap();
    let report = answer(&harness(&["inspect", "--json", "--config", config.to_str().unwrap()]).output().unwrap());
    let origins: Vec<&str> =
        report["grants"]["origins"].as_array().unwrap().iter().map(|origin| origin.as_str().unwrap()).collect();
    assert_eq!(origins, ["http://127.0.0.1:9", "http://hook.example:80"], "{report}");
}

#[test]
fn inspect_holds_a_manifest_against_what_is_granted() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("plug.yaml");
    std::fs::write(&manifest, "capabilities: [\"wasi:http/outgoing-handler\", \"wasi:filesystem/types\"]").unwrap();
    let report = answer(&harness(&["inspect", "--json", "--manifest", manifest.to_str().unwrap()]).output().unwrap());
    let asked: Vec<(&str, &str)> = report["comparison"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["requested"] == "by its manifest")
        .map(|row| (row["capability"].as_str().unwrap(), row["granted"].as_str().unwrap()))
        .collect();
    assert_eq!(asked, [("wasi:filesystem/types", "no"), ("wasi:http/outgoing-handler", "yes")]);
}

/// What a push costs with a real gateway; `PLUGPIPE_PUSHES=1000` for figures.
#[tokio::test]
async fn pushes_to_a_real_gateway() {
    if without_servers("pushes_to_a_real_gateway") {
        return;
    }
    let pushes: u32 = std::env::var("PLUGPIPE_PUSHES").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let gateway = pushgateway(None).await;
    let config = json!({"gateway_url": gateway.url});
    let plug = start(config.clone(), named_by(&config)).await;
    push(&plug).await;
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..pushes {
        let started = std::time::Instant::now();
        assert_eq!(push(&plug).await["success"], true);
        times.push(started.elapsed());
    }
    times.sort();
    eprintln!(
        "{pushes} pushes: median {:?}, 90 in 100 within {:?}",
        times[times.len() / 2],
        times[times.len() * 9 / 10]
    );
}
