//! TLS: whom the host trusts, and how it shows who it is.

use http::Version;
use plugpipe_harness::grants::{ClientCertificate, Roots};
use plugpipe_harness::{Grants, Limits};
use rustls::ServerConfig;
use serde_json::{Value, json};

use crate::fake_web::{Authority, WebServer, self_signed, text};
use crate::support::plug;

/// What a push to a server with this certificate answers, reached under this name, with grants changed so.
async fn push(config: ServerConfig, host: &str, change: impl FnOnce(&mut Grants)) -> (Value, WebServer) {
    let server = WebServer::https(config, |_| text("")).await;
    let config = json!({"gateway_url": server.at(host), "timeout": "5s"});
    let mut grants = Grants::named_by(&config);
    grants.addresses.insert("loopback".parse().unwrap());
    grants.hosts.insert("gateway.example".into(), vec!["127.0.0.1".parse().unwrap()]);
    change(&mut grants);
    let plug = plug().start(&config, grants, Limits::default()).await.unwrap();
    let record = json!({"operation": "record_counter", "metric_name": "m_total", "metric_value": 1});
    plug.process(&record).await.unwrap();
    (plug.process(&json!({"operation": "push_metrics"})).await.unwrap(), server)
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
    assert!(no_certificate.contains("holds no certificate"), "{no_certificate}");
    let no_key = problem(&|grants| {
        let (certificate, key) = (certificate.clone(), certificate.clone());
        grants.tls.client = Some(ClientCertificate { certificate, key });
    })
    .await;
    assert!(no_key.contains("holds no key"), "{no_key}");
    let other = Authority::new();
    let (_, other_key) = other.client();
    let no_pair = problem(&|grants| {
        grants.tls.client = Some(ClientCertificate { certificate: certificate.clone(), key: other_key.clone() });
    })
    .await;
    assert!(no_pair.contains("do not fit together"), "{no_pair}");
}
