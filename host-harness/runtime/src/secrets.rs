//! Secrets that the host adds to a plug's requests, read from the sources in the grants.
//!
//! The plug never sees them. If a server echoes one, the `mask` module masks it in the response and
//! in recordings.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, header};

use crate::grants::{CredentialGrant, SecretSource};
use crate::mask::MIN_MASKED_LEN;
pub use crate::secret::Secret;

/// Maximum size of a secret. A longer one indicates a wrong source.
const MAX_BYTES: usize = 64 * 1024;

/// Timeout for a program that prints a secret.
const COMMAND_TIME: Duration = Duration::from_secs(10);

/// A header that the host adds.
#[derive(Debug)]
pub struct Credential {
    /// The header's name.
    pub name: HeaderName,
    /// Its value, marked as sensitive.
    pub value: HeaderValue,
    /// The secret and, if different, its encoded form, for masking.
    forms: Vec<Secret>,
}

impl Credential {
    /// Fetches the secret. Errors name the source but do not contain the secret.
    pub fn load(grant: &CredentialGrant) -> Result<Self, String> {
        let (name, text, forms) = match grant {
            CredentialGrant::Bearer(source) => {
                let token = fetch(source)?;
                let text = joined(b"Bearer ", &token);
                (header::AUTHORIZATION, text, vec![token])
            }
            CredentialGrant::Basic { username, password } => {
                let password = fetch(password)?;
                let pair = joined(format!("{username}:").as_bytes(), &password);
                let encoded = Secret::new(STANDARD.encode(pair.bytes()).into_bytes());
                let text = joined(b"Basic ", &encoded);
                (header::AUTHORIZATION, text, vec![password, encoded])
            }
            CredentialGrant::Header { name, value } => {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "the header name is invalid")?;
                let value = fetch(value)?;

                let text = joined(b"", &value);
                // Also mask the value without a scheme such as `Token`.
                let after_scheme =
                    value.bytes().iter().position(|byte| *byte == b' ').and_then(|at| value.bytes().get(at + 1..));
                let after_scheme = after_scheme.map(|rest| Secret::new(rest.to_vec()));
                (name, text, [value].into_iter().chain(after_scheme).collect())
            }
        };
        let mut value = HeaderValue::from_bytes(text.bytes())
            .map_err(|_| "the secret contains characters that are not allowed in a header, such as a line break or a control character")?;
        value.set_sensitive(true);
        Ok(Self { name, value, forms })
    }

    /// The file of the secret, if its source is a file.
    pub(crate) fn file(grant: &CredentialGrant) -> Option<&Path> {
        let (CredentialGrant::Bearer(source)
        | CredentialGrant::Basic { password: source, .. }
        | CredentialGrant::Header { value: source, .. }) = grant;
        match source {
            SecretSource::File(path) => Some(path),
            SecretSource::Env(_) | SecretSource::Command(_) | SecretSource::Program(_) => None,
        }
    }

    /// The secrets to mask.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        self.forms.iter().map(Secret::bytes)
    }

    /// Whether a secret is too short to be masked, so that a server could reveal it to the plug.
    pub(crate) fn is_too_short_to_mask(&self) -> bool {
        self.secrets().any(|secret| secret.len() < MIN_MASKED_LEN)
    }
}

fn joined(prefix: &[u8], secret: &Secret) -> Secret {
    // Allocate the full capacity, because reallocation would leave a copy in memory.
    let mut bytes = Vec::with_capacity(prefix.len() + secret.bytes().len());
    bytes.extend_from_slice(prefix);
    bytes.extend_from_slice(secret.bytes());
    Secret::new(bytes)
}

/// Reads a secret from its source. Errors name the source but do not contain the secret.
pub fn fetch(source: &SecretSource) -> Result<Secret, String> {
    let mut bytes = match source {
        SecretSource::Env(name) => {
            let value = std::env::var_os(name).ok_or_else(|| format!("{name} is not set in the environment"))?;
            value.into_encoded_bytes()
        }
        SecretSource::File(path) => fs::read(path).map_err(|error| format!("cannot read {source}: {error}"))?,
        SecretSource::Command(words) => output_of(words).map_err(|problem| format!("{source} {problem}"))?,
        SecretSource::Program(secret) => secret.bytes().to_vec(),
    };
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    match bytes.len() {
        0 => Err(format!("{source} is empty")),
        length if length > MAX_BYTES => Err(format!("{source} is longer than {MAX_BYTES} bytes")),
        _ => Ok(Secret::new(bytes)),
    }
}

/// Returns the stdout of a program. Its stderr is discarded, because it might contain the secret.
fn output_of(words: &[String]) -> Result<Vec<u8>, String> {
    let (program, arguments) = words.split_first().ok_or("is empty")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let stdout = child.stdout.take().ok_or("has no output")?;
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
    });
    let started = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| format!("cannot be waited for: {error}"))? {
            Some(status) => break status,
            None if started.elapsed() < COMMAND_TIME => std::thread::sleep(Duration::from_millis(5)),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("took longer than {} s and was killed", COMMAND_TIME.as_secs()));
            }
        }
    };
    if !status.success() {
        return Err(format!("failed ({status})"));
    }
    match reader.join() {
        Ok(Ok(bytes)) => Ok(bytes),
        _ => Err("produced unreadable output".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn bearer(source: SecretSource) -> Result<Credential, String> {
        Credential::load(&CredentialGrant::Bearer(source))
    }

    fn command(words: &[&str]) -> SecretSource {
        SecretSource::Command(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn each_source_and_credential_type_is_loaded() {
        let token = file(b"t0ken-of-mine\n");
        let source = SecretSource::File(token.path().into());
        assert_eq!(bearer(source.clone()).unwrap().value, "Bearer t0ken-of-mine");
        assert_eq!(bearer(command(&["echo", "t0ken"])).unwrap().value, "Bearer t0ken");
        let source = SecretSource::Program(Secret::new(b"0wn-t0ken".to_vec()));
        assert_eq!(bearer(source.clone()).unwrap().value, "Bearer 0wn-t0ken");
        assert!(!format!("{source:?} {source}").contains("0wn"), "{source:?} {source}");
        // Set by Cargo for tests.
        let of_cargo = bearer(SecretSource::Env("CARGO_PKG_NAME".into())).unwrap();
        assert_eq!(of_cargo.value, "Bearer plugpipe-runtime");
        let basic = CredentialGrant::Basic { username: "user".into(), password: command(&["echo", "pass:word"]) };
        // printf user:pass:word | base64
        assert_eq!(Credential::load(&basic).unwrap().value, "Basic dXNlcjpwYXNzOndvcmQ=");
        let header =
            CredentialGrant::Header { name: "x-api-key".into(), value: SecretSource::File(token.path().into()) };
        let header = Credential::load(&header).unwrap();
        assert_eq!((header.name.as_str(), header.value.to_str().unwrap()), ("x-api-key", "t0ken-of-mine"));
        assert!(!format!("{header:?}").contains("t0ken"), "{header:?}");
    }

    #[test]
    fn errors_do_not_contain_the_secret() {
        let lines = file(b"s3cret\nand more");
        for (source, expected) in [
            (SecretSource::Env("PLUGPIPE_NO_SUCH_NAME".into()), "is not set"),
            (SecretSource::File("/no/such/file".into()), "cannot read"),
            (SecretSource::File(lines.path().into()), "line break"),
            (command(&["false"]), "failed"),
            (command(&["true"]), "is empty"),
            (command(&["no-such-program-s3cret"]), "cannot be started"),
        ] {
            let problem = bearer(source).unwrap_err();
            assert!(problem.contains(expected) && !problem.contains("s3cret\n"), "{problem}");
        }
    }
}
