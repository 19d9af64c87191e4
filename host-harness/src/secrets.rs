//! Secrets that the host holds for a plug: read from where the grants say, put into requests, and kept out of everything else.
//!
//! The plug that asks is never told them. A server that sends one back does not give it away either: [`Mask`] writes over it, in
//! what the plug reads and in what is recorded.

use std::fmt;
use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use memchr::memmem;
use zeroize::Zeroizing;

use crate::grants::{CredentialGrant, SecretSource};

/// A secret longer than this is a mistake in where it comes from.
const MOST_BYTES: usize = 64 * 1024;

/// How long a program may take to say a secret.
const COMMAND_TIME: Duration = Duration::from_secs(10);

/// Shorter ones are not looked for in answers: they would be found in what is not them.
const LEAST_MASKED: usize = 6;

/// A text that is wiped from memory when it is dropped, and that no log or error can show.
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The text itself, for who only makes a digest of it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A header that the host adds.
#[derive(Debug)]
pub(crate) struct Credential {
    /// The header's name.
    pub(crate) name: HeaderName,
    /// Its value, marked as one that is not to be shown.
    pub(crate) value: HeaderValue,
    /// What must not be seen of it, in each form that it goes out in.
    forms: Vec<Secret>,
}

impl Credential {
    /// Fetches the secret. The error says where it was looked for, and nothing of what was found.
    pub(crate) fn load(grant: &CredentialGrant) -> Result<Self, String> {
        let (name, text, forms) = match grant {
            CredentialGrant::Bearer(source) => {
                let token = fetch(source)?;
                let text = joined(b"Bearer ", &token);
                (header::AUTHORIZATION, text, vec![token])
            }
            CredentialGrant::Basic { username, password } => {
                let password = fetch(password)?;
                let pair = joined(format!("{username}:").as_bytes(), &password);
                let encoded = Secret::new(STANDARD.encode(&pair.0).into_bytes());
                let text = joined(b"Basic ", &encoded);
                (header::AUTHORIZATION, text, vec![password, encoded])
            }
            CredentialGrant::Header { name, value } => {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "its header's name is not valid")?;
                let value = fetch(value)?;
                (name, joined(b"", &value), vec![value])
            }
        };
        let mut value = HeaderValue::from_bytes(&text.0)
            .map_err(|_| "it holds what a header cannot, such as a line break or a control character")?;
        value.set_sensitive(true);
        Ok(Self { name, value, forms })
    }
}

fn joined(prefix: &[u8], secret: &Secret) -> Secret {
    // Room for all at once, so that no copy is left behind by a buffer that grew.
    let mut bytes = Vec::with_capacity(prefix.len() + secret.0.len());
    bytes.extend_from_slice(prefix);
    bytes.extend_from_slice(&secret.0);
    Secret::new(bytes)
}

/// Reads a secret from where it is. The error says where that was, and nothing of what was found.
pub(crate) fn fetch(source: &SecretSource) -> Result<Secret, String> {
    let mut bytes = match source {
        SecretSource::Env(name) => {
            let value = std::env::var_os(name).ok_or_else(|| format!("{name} is not set in the environment"))?;
            value.into_encoded_bytes()
        }
        SecretSource::File(path) => fs::read(path).map_err(|error| format!("{source} cannot be read: {error}"))?,
        SecretSource::Command(words) => output_of(words).map_err(|problem| format!("{source} {problem}"))?,
    };
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    match bytes.len() {
        0 => Err(format!("{source} holds nothing")),
        length if length > MOST_BYTES => Err(format!("{source} holds more than {MOST_BYTES} bytes")),
        _ => Ok(Secret::new(bytes)),
    }
}

/// What a program writes to stdout. What it writes to stderr is not shown: it may be the secret too.
fn output_of(words: &[String]) -> Result<Vec<u8>, String> {
    let (program, arguments) = words.split_first().ok_or("names no program")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let stdout = child.stdout.take().ok_or("has no output")?;
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
    });
    let started = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| format!("cannot be waited for: {error}"))? {
            Some(status) => break status,
            None if started.elapsed() < COMMAND_TIME => std::thread::sleep(Duration::from_millis(5)),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("took longer than {} s and was stopped", COMMAND_TIME.as_secs()));
            }
        }
    };
    if !status.success() {
        return Err(format!("failed ({status})"));
    }
    match reader.join() {
        Ok(Ok(bytes)) => Ok(bytes),
        _ => Err("has an output that cannot be read".into()),
    }
}

/// What is written over wherever it is seen. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mask {
    forms: Arc<[Secret]>,
}

impl Mask {
    /// Everything that these credentials could be known by.
    pub(crate) fn of(credentials: &mut [Credential]) -> Self {
        let mut forms: Vec<Secret> = credentials.iter_mut().flat_map(|own| std::mem::take(&mut own.forms)).collect();
        forms.retain(|form| form.0.len() >= LEAST_MASKED);
        Self { forms: forms.into() }
    }

    /// This, and further texts.
    pub(crate) fn and<'t>(&self, texts: impl IntoIterator<Item = &'t [u8]>) -> Self {
        let own = self.forms.iter().map(|form| form.0.to_vec());
        let more = texts.into_iter().filter(|text| text.len() >= LEAST_MASKED).map(<[u8]>::to_vec);
        Self { forms: own.chain(more).map(Secret::new).collect() }
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// Writes over it, without changing any length.
    pub(crate) fn apply(&self, bytes: &mut [u8]) {
        for form in self.forms.iter() {
            let mut from = 0;
            while let Some(place) = bytes.get(from..).and_then(|rest| memmem::find(rest, &form.0)) {
                let (start, end) = (from + place, from + place + form.0.len());
                if let Some(found) = bytes.get_mut(start..end) {
                    found.fill(b'*');
                }
                from = end;
            }
        }
    }

    /// Writes over it in what comes in pieces.
    pub(crate) fn stream(&self) -> MaskedStream {
        let longest = self.forms.iter().map(|form| form.0.len()).max().unwrap_or(1);
        MaskedStream { mask: self.clone(), held: Vec::new(), kept_back: longest.saturating_sub(1) }
    }
}

/// Pieces of a body. The last bytes are kept back: a secret may begin in them.
#[derive(Debug)]
pub(crate) struct MaskedStream {
    mask: Mask,
    held: Vec<u8>,
    kept_back: usize,
}

impl MaskedStream {
    /// Takes a piece, and gives what can be let through.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Bytes {
        self.held.extend_from_slice(piece);
        self.mask.apply(&mut self.held);
        let ready = self.held.len().saturating_sub(self.kept_back);
        self.held.drain(..ready).collect()
    }

    /// What is left at the end.
    pub(crate) fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.held).into()
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
    fn each_source_and_each_form() {
        let token = file(b"t0ken-of-mine\n");
        let source = SecretSource::File(token.path().into());
        assert_eq!(bearer(source.clone()).unwrap().value, "Bearer t0ken-of-mine");
        assert_eq!(bearer(command(&["echo", "t0ken"])).unwrap().value, "Bearer t0ken");
        // Cargo sets it for its tests.
        let of_cargo = bearer(SecretSource::Env("CARGO_PKG_NAME".into())).unwrap();
        assert_eq!(of_cargo.value, "Bearer plugpipe-harness");
        let basic = CredentialGrant::Basic { username: "user".into(), password: command(&["echo", "pass:word"]) };
        // printf user:pass:word | base64
        assert_eq!(Credential::load(&basic).unwrap().value, "Basic dXNlcjpwYXNzOndvcmQ=");
        let header = CredentialGrant::Header { name: "x-api-key".into(), value: source };
        let header = Credential::load(&header).unwrap();
        assert_eq!((header.name.as_str(), header.value.to_str().unwrap()), ("x-api-key", "t0ken-of-mine"));
        assert!(!format!("{header:?}").contains("t0ken"), "{header:?}");
    }

    #[test]
    fn what_cannot_be_had_is_said_without_it() {
        let lines = file(b"s3cret\nand more");
        for (source, expected) in [
            (SecretSource::Env("PLUGPIPE_NO_SUCH_NAME".into()), "is not set"),
            (SecretSource::File("/no/such/file".into()), "cannot be read"),
            (SecretSource::File(lines.path().into()), "line break"),
            (command(&["false"]), "failed"),
            (command(&["true"]), "holds nothing"),
            (command(&["no-such-program-s3cret"]), "cannot be started"),
        ] {
            let problem = bearer(source).unwrap_err();
            assert!(problem.contains(expected) && !problem.contains("s3cret\n"), "{problem}");
        }
    }

    #[test]
    fn a_secret_is_written_over_also_across_pieces() {
        let mask = Mask::default().and([&b"s3cret!"[..], b"short", b"abcabcabd"]);
        let masked = |pieces: &[&str]| {
            let mut stream = mask.stream();
            let mut all: Vec<u8> = pieces.iter().flat_map(|piece| stream.push(piece.as_bytes())).collect();
            all.extend(stream.finish());
            String::from_utf8(all).unwrap()
        };
        assert_eq!(masked(&["x s3cret! y s3cret!"]), "x ******* y *******");
        assert_eq!(masked(&["s3c", "ret", "! and short", " sho"]), "******* and short sho");
        assert_eq!(masked(&["abcabcabcabd"]), "abc*********");
        let text = "s3cret!-".repeat(50);
        for size in 1..20 {
            let pieces: Vec<&str> = text.as_bytes().chunks(size).map(|piece| str::from_utf8(piece).unwrap()).collect();
            assert_eq!(masked(&pieces), "*******-".repeat(50), "{size}");
        }
    }
}
