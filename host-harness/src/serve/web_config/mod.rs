//! The file of `--web.config.file`, in the format that Prometheus and its exporters share
//! (exporter-toolkit): TLS, users, headers of responses and a rate limit.
//!
//! | module | purpose |
//! |---|---|
//! | `syntax` | the keys |
//! | `contents` | what a file says, read and checked |
//! | `tls` | certificates, versions, cipher suites, client certificates |
//! | `users` | user names and bcrypt hashes; checks passwords |
//! | `rate` | the rate limit |

mod contents;
mod rate;
mod syntax;
mod tls;
mod users;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

pub(super) use self::contents::Contents;
pub(super) use self::rate::RateLimit;
pub(super) use self::tls::Tls;
pub(super) use self::users::Users;

use super::reloading::Reloading;

/// A web configuration file. It is reloaded when it changes, or a file that it names; if that is
/// invalid, or would take away TLS or authentication, the previous contents stay in use.
#[derive(Clone)]
pub struct WebConfig(Arc<Reloading<Arc<Contents>>>);

impl WebConfig {
    /// Reads a file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// Text that begins with the key. It contains no password, hash or key.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let path = path.to_owned();
        // Listeners, URLs and the need for a token depend on these.
        let mut first: Option<(bool, bool)> = None;
        let load = move || {
            let (files, contents) = contents::load(&path);
            let checked = contents.and_then(|contents| {
                let is = (contents.tls.is_some(), contents.authenticates());
                let was = *first.get_or_insert(is);
                if is.0 != was.0 {
                    let turned = if is.0 { "on" } else { "off" };
                    return Err(format!("tls_server_config: turns TLS {turned}, which needs a restart"));
                }
                if was.1 && !is.1 {
                    let problem = "basic_auth_users: the server would accept every client, which needs a restart";
                    return Err(problem.into());
                }
                Ok(Arc::new(contents))
            });
            (files, checked)
        };
        Reloading::open("--web.config.file", Box::new(load)).map(|contents| Self(Arc::new(contents)))
    }

    /// Whether a document is one, by its keys.
    pub fn is_meant(document: &plugpipe_yaml::Node) -> bool {
        syntax::FILE.is_meant(document)
    }

    /// Whether clients connect with TLS.
    pub fn has_tls(&self) -> bool {
        self.contents().tls.is_some()
    }

    /// Whether clients need a user's password or a certificate.
    pub fn authenticates(&self) -> bool {
        self.contents().authenticates()
    }

    /// Whether it has users.
    pub fn has_users(&self) -> bool {
        self.contents().users.is_some()
    }

    pub(super) fn contents(&self) -> Arc<Contents> {
        self.0.current()
    }
}

impl fmt::Debug for WebConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[web configuration]")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// A certificate and its key in a folder, and the file's text with them and more.
    fn with_tls(folder: &Path, more: &str) -> String {
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(folder.join("c.pem"), signed.cert.pem()).unwrap();
        std::fs::write(folder.join("k.pem"), signed.signing_key.serialize_pem()).unwrap();
        format!("tls_server_config: {{cert_file: c.pem, key_file: k.pem, {more}}}\n")
    }

    fn read(folder: &Path, text: &str) -> Result<WebConfig, String> {
        let path = folder.join("web.yml");
        std::fs::write(&path, text).unwrap();
        WebConfig::from_file(&path)
    }

    #[test]
    fn what_is_supported_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let none = read(folder, "").unwrap();
        assert!(!none.has_tls() && !none.authenticates());
        assert!(
            !read(
                folder,
                "{tls_server_config: , http_server_config: , basic_auth_users: {}, rate_limit: {interval: 0}}"
            )
            .unwrap()
            .authenticates()
        );
        for more in [
            "",
            "client_auth_type: NoClientCert, prefer_server_cipher_suites: false, min_version: TLS12, max_version: TLS13",
            "client_auth_type: VerifyClientCertIfGiven, client_ca_file: c.pem, max_version: TLS12",
            "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256], curve_preferences: [CurveP256, X25519, CurveP384]",
        ] {
            let read = read(folder, &with_tls(folder, more)).unwrap();
            assert!(read.has_tls() && !read.authenticates(), "{more}");
        }
        let required = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: c.pem";
        assert!(read(folder, &with_tls(folder, required)).unwrap().authenticates());
        // Certificates in the file itself.
        let quoted = |name: &str| serde_json::to_string(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap();
        let (cert, key) = (quoted("c.pem"), quoted("k.pem"));
        assert!(read(folder, &format!("tls_server_config: {{cert: {cert}, key: {key}}}")).unwrap().has_tls());
        let text = "http_server_config: {http2: false, headers: {X-Frame-Options: deny, X-XSS-Protection: 0, Strict-Transport-Security: ''}}\n\
                    rate_limit: {interval: 100ms, burst: 3}";
        let contents = read(folder, text).unwrap().contents();
        let headers: Vec<_> =
            contents.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(headers, [("x-frame-options", "deny"), ("x-xss-protection", "0")]);
        let rate = contents.rate.as_ref().unwrap();
        assert!((0..3).all(|_| rate.take().is_ok()) && rate.take().is_err());
    }

    #[test]
    fn what_is_not_is_an_error_that_names_it_and_shows_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let tls = |more: &str| with_tls(folder, more);
        let other_key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        for (text, said) in [
            ("basic_auth_user: {}".to_owned(), "basic_auth_user: unknown key; did you mean basic_auth_users?"),
            ("[]".into(), "expected a mapping"),
            ("basic_auth_users: {a: [planted]}".into(), "basic_auth_users.a: expected the bcrypt hash"),
            ("basic_auth_users: {a: 12345}".into(), "basic_auth_users.a: expected the bcrypt hash"),
            ("basic_auth_users: planted".into(), "basic_auth_users: expected a mapping"),
            ("basic_auth_users: {\"a:b\": planted}".into(), "basic_auth_users.a:b: a user name cannot contain a colon"),
            ("tls_server_config: {}".into(), "tls_server_config.cert_file: expected the PEM file"),
            ("tls_server_config: {cert_file: c.pem}".into(), "tls_server_config.key_file: expected the PEM file"),
            (tls("cert: planted"), "tls_server_config.cert: both cert and cert_file are set"),
            (tls("client_ca_file: c.pem"), "tls_server_config.client_auth_type: client_ca_file is set"),
            (
                tls("client_auth_type: VerifyClientCertIfGiven"),
                "tls_server_config.client_ca_file: expected the PEM file",
            ),
            (
                tls("client_auth_type: RequireAnyClientCert"),
                "tls_server_config.client_auth_type: expected NoClientCert, ",
            ),
            (
                tls("client_allowed_sans: [a]"),
                "tls_server_config.client_allowed_sans: is not supported; use a separate authority",
            ),
            (tls("min_version: TLS10"), "tls_server_config.min_version: expected TLS12 or TLS13"),
            (tls("min_version: TLS13, max_version: TLS12"), "tls_server_config.max_version: is older than min_version"),
            (
                tls("cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]"),
                "tls_server_config.cipher_suites[0]: TLS_RSA_WITH_RC4_128_SHA is not supported; expected some of TLS_",
            ),
            (
                tls("curve_preferences: [X25519, CurveP521]"),
                "tls_server_config.curve_preferences[1]: CurveP521 is not supported; expected some of ",
            ),
            (tls("key: ''").replace("key_file: k.pem, ", ""), "tls_server_config.key: expected a PEM key"),
            (
                "http_server_config: {http2: true}".into(),
                "http_server_config.http2: this server supports only HTTP/1.1",
            ),
            ("http_server_config: {headers: {Server: x}}".into(), "http_server_config.headers.Server: unknown key"),
            (
                "http_server_config: {headers: {X-Frame-Options: allow}}".into(),
                "http_server_config.headers.X-Frame-Options: expected deny or sameorigin",
            ),
            (
                "http_server_config: {headers: {X-XSS-Protection: \"a\\nb\"}}".into(),
                "http_server_config.headers.X-XSS-Protection: expected visible",
            ),
            ("rate_limit: {interval: 1s}".into(), "rate_limit.burst: expected the number"),
            ("rate_limit: {interval: 5, burst: 1}".into(), "rate_limit.interval: expected a duration with a unit"),
            ("rate_limit: {interval: 1s, burst: 0}".into(), "rate_limit.burst: expected the number"),
        ] {
            let problem = read(folder, &text).err().unwrap_or_else(|| panic!("{text}"));
            assert!(problem.contains(said), "{text}: {problem}");
            assert!(!problem.contains("planted") && !problem.contains("12345"), "{problem}");
        }
        std::fs::write(folder.join("other.pem"), &other_key).unwrap();
        let mixed = tls("").replace("k.pem", "other.pem");
        assert!(read(folder, &mixed).err().unwrap().contains("tls_server_config.cert_file: does not match key_file"));
    }

    #[test]
    fn a_file_that_would_open_the_server_leaves_it_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let user = format!("basic_auth_users: {{a: {}}}\n", bcrypt::hash("planted", 4).unwrap());
        let web = read(folder, &format!("{}{user}", with_tls(folder, ""))).unwrap();
        for text in [user.as_str(), &with_tls(folder, ""), "", "{"] {
            std::fs::write(folder.join("web.yml"), text).unwrap();
            web.0.expire();
            assert!(web.has_tls() && web.has_users(), "{text}");
        }
        // A file that is missing at first is read when it comes.
        let later = with_tls(folder, "").replace("c.pem", "later.pem");
        std::fs::write(
            folder.join("web.yml"),
            format!("{later}{user}http_server_config: {{headers: {{X-Frame-Options: deny}}}}"),
        )
        .unwrap();
        web.0.expire();
        assert!(web.contents().headers.is_empty());
        std::fs::rename(folder.join("c.pem"), folder.join("later.pem")).unwrap();
        web.0.expire();
        assert_eq!(web.contents().headers.len(), 1);
    }
}
