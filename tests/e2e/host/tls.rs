//! TLS: whom the host trusts, and how it shows who it is.

use std::path::Path;

use http::Version;
use plugpipe_harness::grants::{ClientCertificate, CredentialGrant, OriginGrant, Roots, SecretSource};
use plugpipe_harness::{Grants, Limits, PlugHandle};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::cli::serve::Served;
use crate::fake_web::{Authority, WebServer, self_signed, text};
use crate::support::{Ask as _, Mounted, harness, named_by, plug, until_files_are_read};

/// What a push to a server with this certificate answers, reached under this name, with grants
/// changed so.
async fn push(config: ServerConfig, host: &str, change: impl FnOnce(&mut Grants)) -> (Value, WebServer) {
    let server = WebServer::https(config, |_| text("")).await;
    let config = json!({"gateway_url": server.at(host), "timeout": "5s"});
    let mut grants = named_by(&config);
    grants.addresses.insert("loopback".parse().unwrap());
    grants.hosts.insert("gateway.example".into(), vec!["127.0.0.1".parse().unwrap()]);
    change(&mut grants);
    let plug = plug().start(&config, grants, Limits::default()).await.unwrap();
    let record = json!({"operation": "record_counter", "metric_name": "m_total", "metric_value": 1});
    plug.ask(&record).await.unwrap();
    (plug.ask(&json!({"operation": "push_metrics"})).await.unwrap(), server)
}

fn is_refused(answer: &Value, server: &WebServer, why: &str) {
    assert_eq!((&answer["success"], &answer["error_code"]), (&json!(false), &json!("tls_failed")), "{answer}");
    assert!(answer["error"].as_str().unwrap().contains(why), "{answer}");
    assert!(server.asked().is_empty(), "no request was sent: {:?}", server.asked());
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_where_it_was_granted() {
    let authority = Authority::new();
    for host in ["127.0.0.1", "gateway.example"] {
        for roots in [Roots::Web, Roots::System, Roots::None] {
            let server = authority.server(&[host]);
            let (answer, server) = push(server, host, |grants| {
                grants.tls.roots = roots;
                grants.tls.ca.push(authority.file());
            })
            .await;
            assert_eq!(answer["success"], true, "{answer}");
            let asked = server.asked();
            assert!(!asked.is_empty() && asked.iter().all(|asked| asked.version == Version::HTTP_2), "{asked:?}");
        }
    }
    let (answer, server) = push(authority.server(&["127.0.0.1"]), "127.0.0.1", |_| {}).await;
    is_refused(&answer, &server, "certificate");
    // Another one is no better than none.
    let other = Authority::new();
    let (answer, server) =
        push(authority.server(&["127.0.0.1"]), "127.0.0.1", |grants| grants.tls.ca.push(other.file())).await;
    is_refused(&answer, &server, "certificate");
}

#[tokio::test]
async fn a_certificate_that_is_expired_for_another_or_of_itself_is_refused() {
    let authority = Authority::new();
    let trusting = |grants: &mut Grants| grants.tls.ca.push(authority.file());
    let expired = authority.server_with(
        &["127.0.0.1"],
        |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        },
        None,
    );
    let not_yet = authority.server_with(
        &["127.0.0.1"],
        |params| {
            params.not_before = rcgen::date_time_ymd(2900, 1, 1);
            params.not_after = rcgen::date_time_ymd(2901, 1, 1);
        },
        None,
    );
    let wrong_host = authority.server(&["other.example", "127.0.0.2"]);
    for config in [expired, not_yet, wrong_host, self_signed(&["127.0.0.1"])] {
        let (answer, server) = push(config, "127.0.0.1", trusting).await;
        is_refused(&answer, &server, "certificate");
    }
    let (answer, server) = push(authority.server(&["*.example.org"]), "gateway.example", trusting).await;
    is_refused(&answer, &server, "certificate");
}

#[tokio::test]
async fn a_server_that_wants_to_know_its_clients_sees_the_granted_certificate() {
    let authority = Authority::new();
    let (certificate, key) = authority.client();
    let (answer, _) = push(authority.server_for_known_clients(&["127.0.0.1"]), "127.0.0.1", |grants| {
        grants.tls.ca.push(authority.file());
        grants.tls.client = Some(ClientCertificate { certificate, key });
    })
    .await;
    assert_eq!(answer["success"], true, "{answer}");
    // Without it, or with one of another authority, the server hangs up.
    let (answer, server) = push(authority.server_for_known_clients(&["127.0.0.1"]), "127.0.0.1", |grants| {
        grants.tls.ca.push(authority.file());
    })
    .await;
    assert_eq!(answer["success"], false, "{answer}");
    assert!(server.asked().is_empty());
    let other = Authority::new();
    let (certificate, key) = other.client();
    let (answer, server) = push(authority.server_for_known_clients(&["127.0.0.1"]), "127.0.0.1", |grants| {
        grants.tls.ca.push(authority.file());
        grants.tls.client = Some(ClientCertificate { certificate, key });
    })
    .await;
    assert_eq!(answer["success"], false, "{answer}");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_said_before_anything_starts() {
    let authority = Authority::new();
    let (certificate, key) = authority.client();
    let problem = async |change: &dyn Fn(&mut Grants)| {
        let mut grants = Grants::none();
        change(&mut grants);
        plug().session(&json!({}), grants, Limits::default()).await.map(|_| ()).unwrap_err().to_string()
    };
    let missing = problem(&|grants| grants.tls.ca.push("/no/such/ca.pem".into())).await;
    assert!(missing.contains("/no/such/ca.pem"), "{missing}");
    let no_certificate = problem(&|grants| grants.tls.ca.push(key.clone())).await;
    assert!(no_certificate.contains("has no PEM certificate"), "{no_certificate}");
    let no_key = problem(&|grants| {
        let (certificate, key) = (certificate.clone(), certificate.clone());
        grants.tls.client = Some(ClientCertificate { certificate, key });
    })
    .await;
    assert!(no_key.contains("has no PEM key"), "{no_key}");
    let other = Authority::new();
    let (_, other_key) = other.client();
    let no_pair = problem(&|grants| {
        grants.tls.client = Some(ClientCertificate { certificate: certificate.clone(), key: other_key.clone() });
    })
    .await;
    assert!(no_pair.contains("do not match"), "{no_pair}");
    let of_origin = problem(&|grants| {
        let (certificate, key) = (certificate.clone(), "/no/such/key.pem".into());
        grants.tls.identities.insert("mimir".into(), ClientCertificate { certificate, key });
    })
    .await;
    assert!(of_origin.contains("tls.identities.mimir: /no/such/key.pem"), "{of_origin}");
    // Whoever grants without a file hears of names that lead nowhere too.
    let unknown = problem(&|grants| {
        let mut origin = OriginGrant::read("https://h.example").unwrap();
        origin.identity = Some("mimir".into());
        grants.origins.insert(origin);
    })
    .await;
    assert!(unknown.contains("unknown identity \"mimir\"; add it to tls.identities"), "{unknown}");
}

fn certificate(file: &Path) -> Option<CertificateDer<'static>> {
    Some(CertificateDer::from_pem_file(file).unwrap())
}

/// All ask for a certificate, and take each of their authority's: it is the host's to show the
/// right one.
#[tokio::test]
async fn each_origin_sees_its_own_client_certificate_and_no_other() {
    let authority = Authority::new();
    let server = async || WebServer::https(authority.server_that_asks(&["127.0.0.1"]), |_| text("{}")).await;
    let identity = |name: &str| {
        let (certificate, key) = authority.client_named(name);
        ClientCertificate { certificate, key }
    };
    let [first, second, default] = ["first", "second", "default"].map(identity);
    for has_default in [false, true] {
        let [gateway, prometheus, grafana] = [server().await, server().await, server().await];
        let config = json!({
            "gateway_url": gateway.url(), "prometheus_url": prometheus.url(), "grafana_url": grafana.url(),
        });
        let mut grants = Grants::none();
        for (server, identity) in [(&gateway, Some("first")), (&prometheus, Some("second")), (&grafana, None)] {
            let mut origin = OriginGrant::read(&server.url()).unwrap();
            origin.identity = identity.map(str::to_owned);
            grants.origins.insert(origin);
        }
        grants.tls.ca.push(authority.file());
        grants.tls.client = has_default.then(|| default.clone());
        grants.tls.identities = [("first".to_owned(), first.clone()), ("second".to_owned(), second.clone())].into();
        let plug = plug().start(&config, grants, Limits::default()).await.unwrap();
        for _ in 0..3 {
            plug.ask(&json!({"operation": "record_counter", "metric_name": "m_total", "metric_value": 1}))
                .await
                .unwrap();
            plug.ask(&json!({"operation": "push_metrics"})).await.unwrap();
            plug.ask(&json!({"operation": "query_metrics", "query": "up"})).await.unwrap();
            plug.health_check().await.unwrap();
        }
        let expected = has_default.then(|| certificate(&default.certificate)).flatten();
        for (server, own) in [
            (&gateway, certificate(&first.certificate)),
            (&prometheus, certificate(&second.certificate)),
            (&grafana, expected),
        ] {
            let shown = server.shown();
            assert!(!shown.is_empty() && shown.iter().all(|shown| *shown == own), "{}: {shown:?}", server.port);
            assert!(server.asked().len() > shown.len(), "connections are used again");
        }
    }
}

/// An authority, a client of it and a token, as they are issued together.
struct Generation {
    authority: Authority,
    client: (std::path::PathBuf, std::path::PathBuf),
    token: &'static str,
}

impl Generation {
    fn new(token: &'static str) -> Self {
        let authority = Authority::new();
        Self { client: authority.client(), authority, token }
    }

    fn files(&self) -> [(&'static str, Vec<u8>); 4] {
        let read = |path: &Path| std::fs::read(path).unwrap();
        let token = self.token.as_bytes().to_vec();
        let (certificate, key) = (read(&self.client.0), read(&self.client.1));
        [("ca.pem", read(&self.authority.file())), ("client.pem", certificate), ("client.key", key), ("token", token)]
    }

    /// A server that trusts this version's clients only, and which only who trusts this version's
    /// authority talks to.
    async fn server(&self) -> WebServer {
        WebServer::https(self.authority.server_for_known_clients(&["127.0.0.1"]), |_| text(EMPTY)).await
    }

    fn mount(&self) -> Mounted {
        Mounted::new(&self.files().each_ref().map(|(name, content)| (*name, content.as_slice())))
    }

    fn replace(&self, mounted: &Mounted) {
        mounted.change(&self.files().each_ref().map(|(name, content)| (*name, content.as_slice())));
    }

    /// Every request had the certificate and the token of this version.
    fn is_seen_by(&self, server: &WebServer) {
        let asked = server.asked();
        let bearer = format!("Bearer {}", self.token);
        assert!(!asked.is_empty() && asked.iter().all(|asked| asked.header("authorization") == Some(&bearer)));
        assert!(server.shown().iter().all(|shown| *shown == certificate(&self.client.0)));
    }
}

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

/// Files that Kubernetes would break only by mistake.
const BROKEN: [(&str, &[u8]); 4] = [
    ("ca.pem", b"s3cret-garbage"),
    ("client.pem", b"s3cret-garbage"),
    ("client.key", b"s3cret-garbage"),
    ("token", b""),
];

async fn query(plug: &PlugHandle, url: &str) -> Value {
    plug.ask(&json!({"operation": "query_metrics", "query": "up", "prometheus_config": {"prometheus_url": url}}))
        .await
        .unwrap()
}

#[tokio::test]
async fn secrets_and_certificates_that_are_replaced_are_used_by_a_running_plug() {
    let [old, new] = [Generation::new("t0ken-of-before"), Generation::new("t0ken-of-today")];
    let [old_server, new_server] = [old.server().await, new.server().await];
    let mounted = old.mount();
    let files = ClientCertificate { certificate: mounted.path("client.pem"), key: mounted.path("client.key") };
    let mut grants = Grants::none();
    for (server, identity) in [(&old_server, None), (&new_server, Some("mounted"))] {
        let mut origin = OriginGrant::read(&server.url()).unwrap();
        origin.credential = Some("mounted".into());
        origin.identity = identity.map(str::to_owned);
        grants.origins.insert(origin);
    }
    grants.credentials.insert("mounted".into(), CredentialGrant::Bearer(SecretSource::File(mounted.path("token"))));
    grants.tls.ca.push(mounted.path("ca.pem"));
    grants.tls.client = Some(files.clone());
    grants.tls.identities.insert("mounted".into(), files);
    let plug = plug().start(&json!({"retry_attempts": 1, "timeout": "5s"}), grants, Limits::default()).await.unwrap();
    let succeeds = async |server: &WebServer| query(&plug, &server.url()).await["success"] == true;
    assert!(succeeds(&old_server).await && !succeeds(&new_server).await);
    new.replace(&mounted);
    until_files_are_read().await;
    // The connection to the old server is still open, and is not used again: that server is not
    // trusted any more.
    let asked = old_server.asked().len();
    assert!(succeeds(&new_server).await && !succeeds(&old_server).await);
    assert_eq!(old_server.asked().len(), asked);
    mounted.change(&BROKEN);
    until_files_are_read().await;
    assert!(succeeds(&new_server).await);
    old.replace(&mounted);
    until_files_are_read().await;
    assert!(succeeds(&old_server).await && !succeeds(&new_server).await);
    old.is_seen_by(&old_server);
    new.is_seen_by(&new_server);
}

#[tokio::test]
async fn secrets_and_certificates_that_are_replaced_are_used_under_serve() {
    let [old, new] = [Generation::new("t0ken-of-before"), Generation::new("t0ken-of-today")];
    let [old_server, new_server] = [old.server().await, new.server().await];
    let mounted = old.mount();
    let grants = mounted.path("grants.yaml");
    let text = format!(
        "origins:\n\
         - {{url: \"{}\", credential: mounted}}\n\
         - {{url: \"{}\", credential: mounted, identity: mounted}}\n\
         credentials: {{mounted: {{bearer: {{file: token}}}}}}\n\
         tls:\n  ca: ca.pem\n  client: {{certificate: client.pem, key: client.key}}\n  \
         identities: {{mounted: {{certificate: client.pem, key: client.key}}}}\n",
        old_server.url(),
        new_server.url()
    );
    std::fs::write(&grants, text).unwrap();
    let mut command = harness(&["serve", "--web.listen-address", "127.0.0.1:0", "--grants", grants.to_str().unwrap()]);
    command.env("PLUGPIPE_LOG", "plugpipe_harness=info");
    let served = Served::of(command);
    let succeeds = async |server: &WebServer| {
        let cfg = json!({"prometheus_url": server.url(), "retry_attempts": 1, "timeout": "5s"});
        let body = json!({"ctx": {"operation": "query_metrics", "query": "up", "prometheus_config": cfg}});
        served.process(body).await.1["success"] == true
    };
    assert!(succeeds(&old_server).await && !succeeds(&new_server).await);
    new.replace(&mounted);
    until_files_are_read().await;
    assert!(succeeds(&new_server).await && !succeeds(&old_server).await);
    mounted.change(&BROKEN);
    for _ in 0..3 {
        until_files_are_read().await;
        assert!(succeeds(&new_server).await);
    }
    old.is_seen_by(&old_server);
    new.is_seen_by(&new_server);
    let said = served.stop();
    for place in ["credentials.mounted", "tls.ca", "tls.client", "tls.identities.mounted"] {
        let of = |what: &str| {
            said.lines().filter(|line| line.contains(&format!("{place}: ")) && line.contains(what)).count()
        };
        assert_eq!(of("reloaded after a file change"), 1, "{place}: {said}");
        assert_eq!(of("the previous contents stay in use"), 1, "{place}: {said}");
    }
    assert!(!said.contains("s3cret") && !said.contains("t0ken"), "{said}");
}
