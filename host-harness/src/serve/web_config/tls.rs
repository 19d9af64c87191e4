//! TLS with clients of the server.

use std::path::Path;
use std::sync::Arc;

use plugpipe_runtime::pem;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion, version};
use tokio_rustls::TlsAcceptor;

use super::syntax::{Pem, TlsKeys};

/// The protocol that the server speaks.
const HTTP_1_1: &[u8] = b"http/1.1";

/// Versions, oldest first.
const VERSIONS: [(&str, &SupportedProtocolVersion); 2] = [("TLS12", &version::TLS12), ("TLS13", &version::TLS13)];

/// TLS with clients.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// Whether a request, except one of a probe, needs a connection with a client certificate.
    pub(crate) requires_certificate: bool,
}

impl Tls {
    /// # Errors
    /// Text that begins with a key. It contains nothing of certificates and keys.
    pub(super) fn new(keys: &TlsKeys) -> Result<Self, String> {
        let chain = certificates("cert", keys.cert.as_ref())?
            .ok_or("cert_file: expected the PEM file of the server's certificate, or cert with its text")?;
        let key = match &keys.key {
            None => return Err("key_file: expected the PEM file of the certificate's key, or key with its text".into()),
            Some(Pem::File(path)) => pem::key(path).map_err(|problem| format!("key_file: {problem}"))?,
            Some(Pem::Text(text)) => pem::key_in(text.as_bytes()).map_err(|problem| format!("key: {problem}"))?,
        };
        let (verifies, requires_certificate) = match keys.client_auth_type.as_deref() {
            None | Some("NoClientCert") => (false, false),
            Some("VerifyClientCertIfGiven") => (true, false),
            // The others are refused by the file's syntax.
            Some(_) => (true, true),
        };
        let authorities = certificates("client_ca", keys.client_ca.as_ref())?;
        let verified_by = match (verifies, authorities) {
            (false, None) => None,
            (true, Some(authorities)) => Some(authorities),
            (true, None) => {
                return Err("client_ca_file: expected the PEM file of the authorities of client certificates".into());
            }
            (false, Some(_)) => {
                let problem = "client_auth_type: client_ca_file is set, but no client is asked for a certificate; expected \
                               RequireAndVerifyClientCert or VerifyClientCertIfGiven";
                return Err(problem.into());
            }
        };
        let config = config(keys, chain, key, verified_by)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), requires_certificate })
    }
}

fn config(
    keys: &TlsKeys,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    authorities: Option<Vec<CertificateDer<'static>>>,
) -> Result<ServerConfig, String> {
    let provider = Arc::new(provider(keys)?);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions(keys)?)
        .map_err(|error| format!("cipher_suites: {error}"))?;
    let builder = match authorities {
        None => builder.with_no_client_auth(),
        Some(authorities) => {
            let mut roots = RootCertStore::empty();
            for authority in authorities {
                roots.add(authority).map_err(|error| format!("client_ca_file: an unusable certificate ({error})"))?;
            }
            // Who needs a certificate is decided for each request: probes have none.
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).allow_unauthenticated();
            builder.with_client_cert_verifier(verifier.build().map_err(|error| format!("client_ca_file: {error}"))?)
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| format!("cert_file: does not match key_file ({error})"))?;
    config.ignore_client_order = keys.prefer_server_cipher_suites.unwrap_or(true);
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(config)
}

/// The certificates of `name`, or of the file with it.
fn certificates(name: &str, pem: Option<&Pem>) -> Result<Option<Vec<CertificateDer<'static>>>, String> {
    let read = |path: &Path| pem::certificates(path).map_err(|problem| format!("{name}_file: {problem}"));
    pem.map(|pem| match pem {
        Pem::File(path) => read(path),
        Pem::Text(text) => pem::certificates_in(text.as_bytes()).map_err(|problem| format!("{name}: {problem}")),
    })
    .transpose()
}

fn versions(keys: &TlsKeys) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let position = |name: &str| VERSIONS.iter().position(|(known, _)| *known == name);
    let first = keys.min_version.as_deref().and_then(position).unwrap_or(0);
    let last = keys.max_version.as_deref().and_then(position).unwrap_or(VERSIONS.len() - 1);
    match VERSIONS.get(first..=last) {
        Some(versions) if !versions.is_empty() => Ok(versions.iter().map(|(_, version)| *version).collect()),
        _ => Err("max_version: is older than min_version".into()),
    }
}

/// The cryptography that the file allows, in the order that it prefers.
fn provider(keys: &TlsKeys) -> Result<CryptoProvider, String> {
    let mut provider = ring::default_provider();
    if !keys.cipher_suites.is_empty() {
        let known = std::mem::take(&mut provider.cipher_suites);
        let named = picked("cipher_suites", &keys.cipher_suites, &known, name)?;
        // As in Go, naming suites of one version leaves those of the other.
        for version in [&version::TLS13, &version::TLS12] {
            let of_version = |suites: &[SupportedCipherSuite]| -> Vec<_> {
                suites.iter().copied().filter(|suite| suite.version().version == version.version).collect()
            };
            let picked = Some(of_version(&named)).filter(|picked| !picked.is_empty());
            provider.cipher_suites.extend(picked.unwrap_or_else(|| of_version(&known)));
        }
    }
    if !keys.curve_preferences.is_empty() {
        let known = std::mem::take(&mut provider.kx_groups);
        provider.kx_groups = picked("curve_preferences", &keys.curve_preferences, &known, |curve| curve_name(*curve))?;
    }
    Ok(provider)
}

/// Those with these names, in their order.
fn picked<T: Copy>(key: &str, names: &[String], known: &[T], name: impl Fn(&T) -> String) -> Result<Vec<T>, String> {
    let pick = |(index, named): (usize, &String)| {
        known.iter().copied().find(|known| name(known) == *named).ok_or_else(|| {
            let all: Vec<String> = known.iter().map(&name).collect();
            format!("{key}[{index}]: {named} is not supported; expected some of {}", all.join(", "))
        })
    };
    names.iter().enumerate().map(pick).collect()
}

/// Go's name of a cipher suite.
fn name(suite: &SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1)
}

/// Go's name of a curve.
fn curve_name(curve: &dyn SupportedKxGroup) -> String {
    match curve.name() {
        rustls::NamedGroup::secp256r1 => "CurveP256".into(),
        rustls::NamedGroup::secp384r1 => "CurveP384".into(),
        other => format!("{other:?}"),
    }
}
