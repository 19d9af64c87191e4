//! The token that a served plug may ask for. Only its digest is kept, so that no memory, log or error holds the token itself.

use std::fmt;
use std::path::Path;

use http::HeaderValue;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::grants::{CredentialGrant, SecretSource};
use crate::secrets::{self, Credential};

/// A shorter one can be guessed.
const LEAST_BYTES: usize = 16;

/// A secret that a caller shows as `Authorization: Bearer …`.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// Takes 16 or more visible ASCII characters. The error says nothing of them.
    pub fn new(text: &[u8]) -> Result<Self, String> {
        if !text.iter().all(u8::is_ascii_graphic) {
            return Err("a token is one line of visible ASCII characters without spaces; this is not".into());
        }
        if text.len() < LEAST_BYTES {
            return Err(format!(
                "a token has {LEAST_BYTES} characters or more; make one with: head -c 24 /dev/urandom | base64"
            ));
        }
        Ok(Self(Sha256::digest(text).into()))
    }

    /// What a file holds, without the line break at its end.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        Self::from(&SecretSource::File(path.into()))
    }

    /// What the environment has under this name.
    pub fn from_env(name: &str) -> Result<Self, String> {
        Self::from(&SecretSource::Env(name.into()))
    }

    fn from(source: &SecretSource) -> Result<Self, String> {
        Self::new(secrets::fetch(source)?.bytes())
    }

    /// Takes as long for any text of a length, however much of it is right.
    pub(super) fn is(&self, text: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(text).into();
        self.0.ct_eq(&digest).into()
    }
}

/// What a client of a served plug sends as `Authorization`. The error says nothing of the token.
pub fn authorization(token: &SecretSource) -> Result<HeaderValue, String> {
    Credential::load(&CredentialGrant::Bearer(token.clone())).map(|credential| credential.value)
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
    fn a_token_is_long_and_visible_and_only_itself() {
        let token = Token::new(b"0123456789abcdef").unwrap();
        assert!(token.is(b"0123456789abcdef"));
        for other in [&b""[..], b"0123456789abcdee", b"0123456789abcde", b"0123456789abcdef0", b"0123456789ABCDEF"] {
            assert!(!token.is(other), "{other:?}");
        }
        for bad in
            [&b""[..], b"0123456789abcde", b"0123456789 abcdef", b"0123456789abcdef\n", "0123456789abcdefü".as_bytes()]
        {
            let problem = Token::new(bad).unwrap_err();
            assert!(!problem.contains("0123"), "{problem}");
        }
        assert_eq!(format!("{token:?}"), "[token]");
    }
}
