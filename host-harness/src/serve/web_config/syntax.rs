//! The keys of the file, and those of `tls_server_config` as a struct.

use std::path::{Path, PathBuf};

use plugpipe_yaml::shape::Shape::{Any, Flag, List, Name, Number, Table as Keys, Words};
use plugpipe_yaml::shape::{Shape, Table, key};
use plugpipe_yaml::{Content, Node};
use serde::Deserialize;
use zeroize::Zeroizing;

pub(super) static FILE: Table = Table {
    what: "a web configuration file",
    open: false,
    any_of: &[],
    keys: &[
        key("tls_server_config", "TLS with clients.", Keys(&TLS)),
        key("http_server_config", "HTTP.", Keys(&HTTP)),
        key("basic_auth_users", "bcrypt hashes of passwords, by user.", SECRET),
        key("rate_limit", "How many requests are served.", Keys(&RATE)),
    ],
};

/// Of values that no error may show.
const SECRET: Shape = Any;
const VERSION: Shape = Words(&["TLS12", "TLS13"]);

static TLS: Table = Table {
    what: "tls_server_config",
    open: false,
    any_of: &[],
    keys: &[
        key("cert_file", "The server's certificate and those of its authorities, in PEM.", Name),
        key("key_file", "Its key, in PEM.", Name),
        key("cert", "The certificate itself.", SECRET),
        key("key", "The key itself.", SECRET),
        key(
            "client_auth_type",
            "Whether clients need a certificate.",
            Words(&["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]),
        ),
        key("client_ca_file", "The authorities of client certificates, in PEM.", Name),
        key("client_ca", "The authorities themselves.", SECRET),
        key("min_version", "The oldest version.", VERSION),
        key("max_version", "The newest version.", VERSION),
        key("cipher_suites", "Cipher suites by Go's names.", List(&Name)),
        key("prefer_server_cipher_suites", "Whether the server's order counts.", Flag),
        key("curve_preferences", "Curves by Go's names.", List(&Name)),
    ],
};

static HTTP: Table = Table {
    what: "http_server_config",
    open: false,
    any_of: &[],
    keys: &[key("http2", "Whether HTTP/2 is spoken.", Flag), key("headers", "Headers of responses.", Keys(&HEADERS))],
};

pub(super) static HEADERS: Table = Table {
    what: "headers",
    open: false,
    any_of: &[],
    keys: &[
        key("Content-Security-Policy", "What a page may load.", Shape::Scalar),
        key("X-Frame-Options", "Who may embed a page.", Words(&["deny", "sameorigin"])),
        key("X-Content-Type-Options", "Whether browsers guess types.", Words(&["nosniff"])),
        key("X-XSS-Protection", "For old browsers.", Shape::Scalar),
        key("Strict-Transport-Security", "Whether browsers insist on TLS.", Shape::Scalar),
    ],
};

static RATE: Table = Table {
    what: "rate_limit",
    open: false,
    any_of: &[],
    keys: &[
        key("interval", "The time between requests; 0 is no limit.", Number),
        key("burst", "How many may come at once.", Number),
    ],
};

/// A certificate or key.
pub(super) enum Pem {
    File(PathBuf),
    Text(Zeroizing<String>),
}

/// `tls_server_config`, whose words the syntax has checked.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TlsKeys {
    #[serde(skip)]
    pub(super) cert: Option<Pem>,
    #[serde(skip)]
    pub(super) key: Option<Pem>,
    #[serde(skip)]
    pub(super) client_ca: Option<Pem>,
    pub(super) client_auth_type: Option<String>,
    pub(super) min_version: Option<String>,
    pub(super) max_version: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) cipher_suites: Vec<String>,
    pub(super) prefer_server_cipher_suites: Option<bool>,
    #[serde(deserialize_with = "or_default")]
    pub(super) curve_preferences: Vec<String>,
}

fn or_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(value: D) -> Result<T, D::Error> {
    Option::deserialize(value).map(Option::unwrap_or_default)
}

/// The text of a scalar.
pub(super) fn text(node: &Node) -> Option<&str> {
    match &node.content {
        Content::Text(text) => Some(text),
        _ => None,
    }
}

/// The member of a mapping; null counts as missing.
pub(super) fn member<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    node.get(key).filter(|node| node.content != Content::Null)
}

/// Reads `tls_server_config`, whose syntax was checked.
pub(super) fn tls_keys(tls: &Node, folder: &Path) -> Result<TlsKeys, String> {
    // The syntax was checked, so this cannot fail.
    let mut keys: TlsKeys = TlsKeys::deserialize(tls.to_value()).map_err(|error| error.to_string())?;
    let pem = |name: &str| {
        let file = member(tls, &format!("{name}_file")).and_then(text);
        match (file, member(tls, name)) {
            (Some(_), Some(_)) => Err(format!("{name}: both {name} and {name}_file are set; remove one")),
            (Some(file), None) => Ok(Some(Pem::File(folder.join(file)))),
            (None, Some(node)) => {
                let text = text(node).ok_or_else(|| format!("{name}: expected PEM text"))?;
                Ok(Some(Pem::Text(Zeroizing::new(text.to_owned()))))
            }
            (None, None) => Ok(None),
        }
    };
    (keys.cert, keys.key, keys.client_ca) = (pem("cert")?, pem("key")?, pem("client_ca")?);
    Ok(keys)
}
