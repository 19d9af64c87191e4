//! The token that a served plug may ask for. Only its digest is kept, so that no memory, log or
//! error holds the token itself. Where it comes from a file it is read again when that changes.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::HeaderValue;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use plugpipe_runtime::grants::{CredentialGrant, SecretSource};
use plugpipe_runtime::secrets::{self, Credential};
use plugpipe_runtime::watched::{CHECK_INTERVAL, Source};

/// A shorter one can be guessed.
const MIN_TOKEN_LEN: usize = 16;

/// A secret that a caller shows as `Authorization: Bearer …`.
#[derive(Clone)]
pub struct Token(Arc<Mutex<Kept>>);

type Digested = [u8; 32];

struct Kept {
    digest: Source<Digested>,
    read: Box<dyn Fn() -> Result<Digested, String> + Send>,
    /// When the file was last looked at, where there is one.
    checked: Instant,
}

impl Token {
    /// Takes 16 or more visible ASCII characters. The error says nothing of them.
    pub fn new(text: &[u8]) -> Result<Self, String> {
        let digest = digest(text)?;
        Self::kept(None, Box::new(move || Ok(digest)))
    }

    /// What a file holds, without the line break at its end. It is read again when the file
    /// changes; one that holds no token then leaves the token as it was.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let source = SecretSource::File(path.into());
        Self::kept(Some(path), Box::new(move || digest(secrets::fetch(&source)?.bytes())))
    }

    /// What the environment has under this name.
    pub fn from_env(name: &str) -> Result<Self, String> {
        Self::new(secrets::fetch(&SecretSource::Env(name.into()))?.bytes())
    }

    fn kept(file: Option<&Path>, read: Box<dyn Fn() -> Result<Digested, String> + Send>) -> Result<Self, String> {
        let digest = Source::open(file.map(Path::to_owned), &read)?;
        Ok(Self(Arc::new(Mutex::new(Kept { digest, read, checked: Instant::now() }))))
    }

    /// Takes as long for any text of a length, however much of it is right.
    pub(super) fn is(&self, text: &[u8]) -> bool {
        let shown: Digested = Sha256::digest(text).into();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.checked.elapsed() >= CHECK_INTERVAL {
            let Kept { digest, read, checked } = &mut *kept;
            digest.refresh("the token that callers show", read);
            *checked = Instant::now();
        }
        kept.digest.value.ct_eq(&shown).into()
    }
}

fn digest(text: &[u8]) -> Result<Digested, String> {
    if !text.iter().all(u8::is_ascii_graphic) {
        return Err("a token is one line of visible ASCII characters without spaces; this is not".into());
    }
    if text.len() < MIN_TOKEN_LEN {
        return Err(format!(
            "a token has {MIN_TOKEN_LEN} characters or more; make one with: head -c 24 /dev/urandom | base64"
        ));
    }
    Ok(Sha256::digest(text).into())
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

    #[test]
    fn a_token_of_a_file_is_read_again_when_the_file_changes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |text: &str| std::fs::write(file.path(), text).unwrap();
        write("0123456789abcdef\n");
        let token = Token::from_file(file.path()).unwrap();
        let is = |text: &[u8]| {
            token.0.lock().unwrap().checked -= CHECK_INTERVAL;
            token.is(text)
        };
        write("fedcba9876543210-and-more\n");
        assert!(token.is(b"0123456789abcdef"), "looked at once a second");
        assert!(is(b"fedcba9876543210-and-more") && !is(b"0123456789abcdef"));
        for broken in ["short", "", "two\nlines of a token"] {
            write(broken);
            assert!(is(b"fedcba9876543210-and-more") && !is(broken.as_bytes()), "{broken}");
        }
    }
}
