//! TLS configuration: trusted authorities and client certificates.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::grants::{ClientCertificate, Roots};
use crate::pem;

/// HTTP/2 where the server supports it.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A connector for each identity. They share no TLS sessions, so that a resumed one cannot present
/// another identity.
pub(super) struct Connectors {
    /// For origins that name no identity.
    default: TlsConnector,
    named: BTreeMap<String, TlsConnector>,
}

impl Connectors {
    /// `named` identities are for the origins that refer to them, `default` is for all others.
    pub(super) fn new<'i>(
        roots: &Arc<RootCertStore>,
        default: Option<&Arc<CertifiedKey>>,
        named: impl Iterator<Item = (&'i String, &'i Arc<CertifiedKey>)>,
    ) -> Result<Self, String> {
        let named = named.map(|(name, identity)| Ok((name.clone(), connector(roots, Some(identity))?)));
        Ok(Self { default: connector(roots, default)?, named: named.collect::<Result<_, String>>()? })
    }

    /// The connector for an identity, or the default. None for an unknown name, which must not fall
    /// back to another identity.
    pub(super) fn get(&self, identity: Option<&str>) -> Option<&TlsConnector> {
        match identity {
            Some(name) => self.named.get(name),
            None => Some(&self.default),
        }
    }
}

fn connector(roots: &Arc<RootCertStore>, identity: Option<&Arc<CertifiedKey>>) -> Result<TlsConnector, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("tls: {error}"))?
        .with_root_certificates(Arc::clone(roots));
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(identity)))),
    };
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The built-in authorities.
pub(super) fn base(granted: Roots) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match granted {
        Roots::Web => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            // Many systems' lists contain old certificates that rustls rejects.
            let (taken, _) = roots.add_parsable_certificates(found.certs);
            if taken == 0 {
                let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
                return Err(format!(
                    "tls.roots: the system has no certificate authorities{why}; install them, or use web"
                ));
            }
        }
        Roots::None => {}
    }
    Ok(roots)
}

/// Adds the authorities from files. Errors name the file but do not quote its contents.
pub(super) fn roots(base: &RootCertStore, files: &[PathBuf]) -> Result<Arc<RootCertStore>, String> {
    let mut roots = base.clone();
    for path in files {
        for certificate in pem::certificates(path)? {
            roots
                .add(certificate)
                .map_err(|error| format!("{} has an unusable certificate ({error})", path.display()))?;
        }
    }
    Ok(Arc::new(roots))
}

/// Reads a client certificate and its key. Errors name the file but do not quote its contents.
pub(super) fn identity(files: &ClientCertificate) -> Result<Arc<CertifiedKey>, String> {
    let (chain, key) = (pem::certificates(&files.certificate)?, pem::key(&files.key)?);
    let identity = CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider());
    identity
        .map(Arc::new)
        .map_err(|error| format!("{} and {} do not match ({error})", files.certificate.display(), files.key.display()))
}
