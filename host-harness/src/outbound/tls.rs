//! TLS as it is granted: whom the host trusts, and how it shows who it is.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::grants::{Roots, Tls};

/// HTTP/2 where the server speaks it.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Reads the certificates. The error names the file, and nothing of what is in it.
pub(super) fn connector(granted: &Tls) -> Result<TlsConnector, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("tls: {error}"))?
        .with_root_certificates(roots(granted)?);
    let mut config = match &granted.client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let chain = certificates(&client.certificate)?;
            let key = PrivateKeyDer::from_pem_file(&client.key)
                .map_err(|error| format!("tls.client.key: {} holds no key in PEM ({error})", client.key.display()))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                format!("tls.client: {} and its key do not fit together ({error})", client.certificate.display())
            })?
        }
    };
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(granted: &Tls) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match granted.roots {
        Roots::Web => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            // Old ones that this library does not take are in many a system's list.
            let (taken, _) = roots.add_parsable_certificates(found.certs);
            if taken == 0 {
                let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
                return Err(format!("tls.roots: the system has no list of authorities{why}; install one, or use web"));
            }
        }
        Roots::None => {}
    }
    for path in &granted.ca {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| format!("tls.ca: {} is not usable ({error})", path.display()))?;
        }
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let problem = |error: rustls::pki_types::pem::Error| {
        format!("tls: {} cannot be read as certificates in PEM ({error})", path.display())
    };
    let all: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(problem)?.collect::<Result<_, _>>().map_err(problem)?;
    if all.is_empty() { Err(format!("tls: {} holds no certificate in PEM", path.display())) } else { Ok(all) }
}
