//! The client of a running `serve`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use plugpipe_harness::{Origin, pem};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

/// Timeout for a response.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum size of an exposition.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// PEM files for TLS.
#[derive(Clone, Copy, Default)]
pub(super) struct Trust<'a> {
    /// The trusted authorities; without a file those of the web.
    pub(super) authorities: Option<&'a Path>,
    /// The client's certificate and its key.
    pub(super) identity: Option<(&'a Path, &'a Path)>,
}

/// A running `serve`.
pub(super) struct Server {
    pub(super) url: Url,
    origin: Origin,
    authorization: Option<HeaderValue>,
    /// For https.
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Server {
    /// # Errors
    /// What is wrong with the URL or a file.
    pub(super) fn new(url: Url, authorization: Option<HeaderValue>, trust: Trust<'_>) -> Result<Self, String> {
        let origin = Origin::of(&url).ok_or("--url: expected http or https")?;
        let tls = match url.scheme() {
            "https" => {
                let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
                let name = ServerName::try_from(host).map_err(|error| format!("--url: {error}"))?;
                Some((connector(trust)?, name))
            }
            _ => None,
        };
        Ok(Self { url, origin, authorization, tls })
    }

    /// Returns a response body. A connection per request is cheap, because the server is usually
    /// local.
    pub(super) async fn get(&self, path: &str) -> Result<String, String> {
        let exchange = async {
            let stream = TcpStream::connect(self.origin.authority())
                .await
                .map_err(|error| format!("{error}; start `plugpipe-harness serve`, or set its URL with --url"))?;
            match &self.tls {
                None => self.exchange(stream, path).await,
                Some((connector, name)) => {
                    let stream = connector.connect(name.clone(), stream).await;
                    let stream = stream.map_err(|error| format!("TLS: {error}; see --ca-file and --cert-file"))?;
                    self.exchange(stream, path).await
                }
            }
        };
        match tokio::time::timeout(TIMEOUT, exchange).await {
            Ok(response) => response.map_err(|problem| format!("{}: {problem}", self.origin)),
            Err(_) => Err(format!("{}: no response within {} s", self.origin, TIMEOUT.as_secs())),
        }
    }

    async fn exchange<S>(&self, stream: S, path: &str) -> Result<String, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        let mut request = Request::get(path);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request
            .header(header::HOST, self.origin.authority())
            .header(header::ACCEPT, "text/plain;version=0.0.4, application/json;q=0.1")
            .body(Empty::<Bytes>::new())
            .map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_BYTES).collect().await.map_err(|error| error.to_string())?;
        let body = body.to_bytes();
        if !status.is_success() {
            let response: Value = serde_json::from_slice(&body).unwrap_or_default();
            let problem = response.get("error").and_then(Value::as_str).unwrap_or("is this `plugpipe-harness serve`?");
            return Err(format!("{path}: status {status}: {problem}"));
        }
        String::from_utf8(body.to_vec()).map_err(|_| format!("{path} is not text"))
    }
}

fn connector(trust: Trust<'_>) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    match trust.authorities {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            for certificate in pem::certificates(path).map_err(|problem| format!("--ca-file: {problem}"))? {
                roots.add(certificate).map_err(|error| format!("--ca-file: {}: {error}", path.display()))?;
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?
        .with_root_certificates(roots);
    let config = match trust.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = pem::certificates(certificate).map_err(|problem| format!("--cert-file: {problem}"))?;
            let key = pem::key(key).map_err(|problem| format!("--key-file: {problem}"))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| format!("--cert-file and --key-file: {error}"))?
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}
