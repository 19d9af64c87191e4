//! Reads certificates and keys in PEM. Errors name the file but never quote its contents.

use std::path::Path;

use rustls::pki_types::pem::{Error, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificates of a file, at least one.
///
/// # Errors
/// Text that begins with the file.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    not_empty(all).map_err(|problem| format!("{} has no PEM certificates ({problem})", path.display()))
}

/// The certificates in a text, at least one.
///
/// # Errors
/// What is wrong with the text, without quoting it.
pub fn certificates_in(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    not_empty(CertificateDer::pem_slice_iter(text).collect())
        .map_err(|problem| format!("expected PEM certificates ({problem})"))
}

/// The private key of a file.
///
/// # Errors
/// Text that begins with the file.
pub fn key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| format!("{} has no PEM key ({})", path.display(), problem(&error)))
}

/// The private key in a text.
///
/// # Errors
/// What is wrong with the text, without quoting it.
pub fn key_in(text: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(text).map_err(|error| format!("expected a PEM key ({})", problem(&error)))
}

fn not_empty(all: Result<Vec<CertificateDer<'static>>, Error>) -> Result<Vec<CertificateDer<'static>>, String> {
    match all {
        Ok(all) if all.is_empty() => Err(problem(&Error::NoItemsFound)),
        Ok(all) => Ok(all),
        Err(error) => Err(problem(&error)),
    }
}

/// Why there is nothing. The library's own errors quote lines.
fn problem(error: &Error) -> String {
    match error {
        Error::Io(error) => error.to_string(),
        Error::NoItemsFound => "none found".into(),
        Error::Base64Decode(_) => "not base64".into(),
        _ => "malformed section".into(),
    }
}
