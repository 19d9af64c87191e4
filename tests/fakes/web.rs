//! A web server on loopback that keeps what it was asked: HTTP/1.1 with keep-alive, and with TLS
//! HTTP/2 too. And the certificates for it.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// One request, as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub uri: String,
    pub version: Version,
    pub headers: HeaderMap,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What a server answers.
pub type Answering = fn(&Asked) -> Response<Full<Bytes>>;

/// 200, with this text.
pub fn text(text: &'static str) -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from_static(text.as_bytes())))
}

/// Ends with the test's runtime.
pub struct WebServer {
    pub port: u16,
    https: bool,
    asked: Arc<Mutex<Vec<Asked>>>,
    connections: Arc<AtomicUsize>,
    shown: Arc<Mutex<Vec<Option<CertificateDer<'static>>>>>,
}

impl WebServer {
    pub async fn http(answering: Answering) -> Self {
        Self::start(None, answering).await
    }

    pub async fn https(config: ServerConfig, answering: Answering) -> Self {
        Self::start(Some(TlsAcceptor::from(Arc::new(config))), answering).await
    }

    async fn start(tls: Option<TlsAcceptor>, answering: Answering) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            https: tls.is_some(),
            asked: Arc::default(),
            connections: Arc::default(),
            shown: Arc::default(),
        };
        let (asked, connections) = (Arc::clone(&server.asked), Arc::clone(&server.connections));
        let shown = Arc::clone(&server.shown);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::Relaxed);
                let (asked, tls, shown) = (Arc::clone(&asked), tls.clone(), Arc::clone(&shown));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, false, asked, answering).await,
                        Some(tls) => {
                            // A client that does not trust this server ends here.
                            let Ok(stream) = tls.accept(stream).await else { return };
                            let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                            shown.lock().unwrap().push(chain.first().map(|first| first.clone().into_owned()));
                            let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                            serve(stream, h2, asked, answering).await;
                        }
                    }
                });
            }
        });
        server
    }

    /// Its URL with this host.
    pub fn at(&self, host: &str) -> String {
        format!("{}://{host}:{}", if self.https { "https" } else { "http" }, self.port)
    }

    pub fn url(&self) -> String {
        self.at("127.0.0.1")
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// The certificate that each connection's client showed, where it showed one.
    pub fn shown(&self) -> Vec<Option<CertificateDer<'static>>> {
        self.shown.lock().unwrap().clone()
    }
}

async fn serve<S>(stream: S, h2: bool, asked: Arc<Mutex<Vec<Asked>>>, answering: Answering)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let asked = Arc::clone(&asked);
        async move {
            let (head, body) = request.into_parts();
            body.collect().await?;
            let request = Asked { uri: head.uri.to_string(), version: head.version, headers: head.headers };
            let answer = answering(&request);
            asked.lock().unwrap().push(request);
            Ok::<_, hyper::Error>(answer)
        }
    });
    // A client that goes away is no matter.
    let _ = if h2 {
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await
    } else {
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
    };
}

/// A certificate authority of the tests.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "authority of the tests");
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { issuer: Issuer::new(params, key), certificate: certificate.der().clone(), folder }
    }

    /// Its own certificate, as a file.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A server for these names.
    pub fn server(&self, names: &[&str]) -> ServerConfig {
        self.server_with(names, |_| {}, None)
    }

    /// A server that wants to see a certificate of this authority.
    pub fn server_for_known_clients(&self, names: &[&str]) -> ServerConfig {
        self.server_with(names, |_| {}, Some((self.roots(), true)))
    }

    /// A server that asks for a certificate of this authority, and answers those without one too.
    pub fn server_that_asks(&self, names: &[&str]) -> ServerConfig {
        self.server_with(names, |_| {}, Some((self.roots(), false)))
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        roots
    }

    pub fn server_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
        clients: Option<(RootCertStore, bool)>,
    ) -> ServerConfig {
        let (certificate, key) = self.signed(names, ExtendedKeyUsagePurpose::ServerAuth, change);
        server_config(certificate.der().clone(), &key, clients)
    }

    /// A client's certificate and key, as files.
    pub fn client(&self) -> (PathBuf, PathBuf) {
        self.client_named("client")
    }

    /// One of several clients.
    pub fn client_named(&self, file: &str) -> (PathBuf, PathBuf) {
        self.files(file, &["client.example"], ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// The certificate and key of a server for these names, as files, for servers that are other
    /// programs.
    pub fn server_files(&self, file: &str, names: &[&str]) -> (PathBuf, PathBuf) {
        self.files(file, names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    fn files(&self, file: &str, names: &[&str], purpose: ExtendedKeyUsagePurpose) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.signed(names, purpose, |_| {});
        let write = |name: &str, text: String| {
            let path = self.folder.path().join(name);
            std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
            path
        };
        (write(&format!("{file}.pem"), certificate.pem()), write(&format!("{file}.key"), key.serialize_pem()))
    }

    /// A client that trusts this authority, with a certificate if there is one.
    pub fn connector(&self, identity: Option<&(PathBuf, PathBuf)>) -> Arc<rustls::ClientConfig> {
        let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots());
        Arc::new(match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = CertificateDer::pem_file_iter(certificate).unwrap().map(Result::unwrap).collect();
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap()
            }
        })
    }

    fn signed(
        &self,
        names: &[&str],
        purpose: ExtendedKeyUsagePurpose,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages.push(purpose);
        change(&mut params);
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

/// A server that vouches for itself.
pub fn self_signed(names: &[&str]) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    server_config(certificate.der().clone(), &key, None)
}

/// `clients` are the authorities of clients' certificates, and whether each client needs one.
fn server_config(
    certificate: CertificateDer<'static>,
    key: &KeyPair,
    clients: Option<(RootCertStore, bool)>,
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some((roots, is_needed)) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if is_needed { verifier } else { verifier.allow_unauthenticated() };
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}
