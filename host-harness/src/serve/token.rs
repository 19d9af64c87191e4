//! The token of the server. Only its digest is stored, so that the token cannot leak through
//! memory, logs or errors. A token file is reloaded when it changes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::HeaderValue;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use plugpipe_runtime::grants::{CredentialGrant, SecretSource};
use plugpipe_runtime::secrets::{self, Credential};
use plugpipe_runtime::watched::Watched;

use super::reloading::Reloading;

/// Shorter tokens can be guessed.
const MIN_TOKEN_LEN: usize = 16;

/// A secret that clients send as `Authorization: Bearer …`.
#[derive(Clone)]
pub struct Token(Arc<Reloading<Digested>>);

type Digested = [u8; 32];

impl Token {
    /// A token of 16 or more visible ASCII characters. The error does not contain them.
    pub fn new(text: &[u8]) -> Result<Self, String> {
        let digest = digest(text)?;
        Self::load(None, move || Ok(digest))
    }

    /// A token from a file, without the trailing line break. The file is reloaded when it changes;
    /// if it becomes invalid, the previous token stays in use.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let source = SecretSource::File(path.into());
        Self::load(Some(path.into()), move || digest(secrets::fetch(&source)?.bytes()))
    }

    /// A token from an environment variable.
    pub fn from_env(name: &str) -> Result<Self, String> {
        Self::new(secrets::fetch(&SecretSource::Env(name.into()))?.bytes())
    }

    fn load(
        file: Option<PathBuf>,
        read: impl Fn() -> Result<Digested, String> + Send + 'static,
    ) -> Result<Self, String> {
        let load = Box::new(move || (Watched::new(file.clone()), read()));
        Reloading::open("the server token", load).map(|digest| Self(Arc::new(digest)))
    }

    /// Compares in constant time.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let shown: Digested = Sha256::digest(text).into();
        self.0.current().ct_eq(&shown).into()
    }
}

fn digest(text: &[u8]) -> Result<Digested, String> {
    if !text.iter().all(u8::is_ascii_graphic) {
        return Err("expected a token: one line of visible ASCII characters without spaces".into());
    }
    if text.len() < MIN_TOKEN_LEN {
        return Err(format!(
            "expected a token of at least {MIN_TOKEN_LEN} characters; generate one with: head -c 24 /dev/urandom | base64"
        ));
    }
    Ok(Sha256::digest(text).into())
}

/// The `Authorization` header for a client of the server. The error does not contain the secret.
pub fn authorization(credential: &CredentialGrant) -> Result<HeaderValue, String> {
    Credential::load(credential).map(|credential| credential.value)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[token]")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_validated_and_compared_exactly() {
        let token = Token::new(b"0123456789abcdef").unwrap();
        assert!(token.matches(b"0123456789abcdef"));
        for other in [&b""[..], b"0123456789abcdee", b"0123456789abcde", b"0123456789abcdef0", b"0123456789ABCDEF"] {
            assert!(!token.matches(other), "{other:?}");
        }
        for bad in
            [&b""[..], b"0123456789abcde", b"0123456789 abcdef", b"0123456789abcdef\n", "0123456789abcdefü".as_bytes()]
        {
            let problem = Token::new(bad).unwrap_err();
            assert!(!problem.contains("0123"), "{problem}");
        }
        assert_eq!(format!("{token:?}"), "[token]");
    }

    #[test]
    fn a_token_file_is_reloaded_when_it_changes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |text: &str| std::fs::write(file.path(), text).unwrap();
        write("0123456789abcdef\n");
        let token = Token::from_file(file.path()).unwrap();
        let matches = |text: &[u8]| {
            token.0.expire();
            token.matches(text)
        };
        write("fedcba9876543210-and-more\n");
        assert!(token.matches(b"0123456789abcdef"), "checked once per second");
        assert!(matches(b"fedcba9876543210-and-more") && !matches(b"0123456789abcdef"));
        for broken in ["short", "", "two\nlines of a token"] {
            write(broken);
            assert!(matches(b"fedcba9876543210-and-more") && !matches(broken.as_bytes()), "{broken}");
        }
    }
}
