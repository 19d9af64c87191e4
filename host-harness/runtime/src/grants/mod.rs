//! The grants of a plug: its egress policy and limits. `egress` enforces them, and [`read`] parses
//! them from a file.
//!
//! | module | purpose |
//! |---|---|
//! | `origin` | [`Origin`], and [`OriginGrant`] with paths and methods |
//! | `address` | special-purpose addresses: [`AddressKind`], [`AddressRange`] |
//! | `configuration` | grants implied by a configuration |
//! | `denial` | why a request is denied, and the grant that would allow it: [`Missing`] |
//! | `file` | the grants file |
//! | `limits` | the limits in that file |
//! | `place` | a value of that file with its path |
//! | `syntax` | its keys, and its JSON Schema |

mod address;
mod configuration;
mod denial;
mod file;
mod limits;
mod origin;
mod place;
mod syntax;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use plugpipe_yaml::nearest;
use serde::{Serialize, Serializer};

use crate::secret::Secret;

pub use address::{AddressKind, AddressRange, canonical};
pub(crate) use configuration::at;
pub use configuration::{first_text, origins_in};
pub(crate) use denial::Denial;
pub use denial::{Advice, Missing};
pub use file::{is_meant, problems, read, read_value, value_problems};
pub use origin::{Origin, OriginGrant, PLAIN_HEADERS, parse_url};
pub use syntax::json_schema;

/// The grants of a plug. Nothing is granted by default. Created by [`Grants::none`],
/// [`Grants::named_by`] or [`read`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Grants {
    /// Allowed origins, each with paths and methods.
    pub origins: BTreeSet<OriginGrant>,
    /// Special addresses, such as private ones, that a granted name may resolve to.
    pub addresses: BTreeSet<AddressRange>,
    /// Names with fixed addresses, which are not resolved through DNS.
    pub hosts: BTreeMap<String, Vec<IpAddr>>,
    /// Environment variables that the configuration may use as `${NAME}`.
    pub env: BTreeSet<String>,
    /// Credentials by name, which origins refer to. The host adds them to requests; the plug never
    /// sees them.
    pub credentials: BTreeMap<String, CredentialGrant>,
    /// Trusted certificate authorities and client identities.
    pub tls: Tls,
    /// The HTTP proxy for requests.
    pub proxy: Option<Proxy>,
    /// The folder for rule files that the plug hands out; none if the host writes no files.
    pub rules_folder: Option<PathBuf>,
    /// Whether the plug may record in the plug that it is linked to, by
    /// `plugpipe:monitoring/metrics`.
    pub metrics: bool,
    /// With what the names of the metrics that it records there must begin; none if any may.
    pub metrics_prefix: Option<String>,
    /// Whether it may query through that plug, with that plug's configuration and credentials.
    pub query: bool,
    /// Resource limits.
    pub limits: GrantedLimits,
}

/// Resource limits of a plug. The host's defaults apply to those that are not set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GrantedLimits {
    /// Memory, in bytes.
    pub memory_bytes: Option<usize>,
    /// Timeout of a call.
    #[serde(serialize_with = "seconds")]
    pub call: Option<Duration>,
    /// Size of a response body, in bytes.
    pub response_bytes: Option<u64>,
    /// Size of a request body, in bytes.
    pub request_bytes: Option<u64>,
    /// Total size of the request bodies of one call, in bytes.
    pub request_total_bytes: Option<u64>,
    /// Requests per minute.
    pub requests_per_minute: Option<u32>,
    /// Requests per call.
    pub requests_per_call: Option<u32>,
    /// Concurrent requests.
    pub requests_at_once: Option<usize>,
    /// Size of a single value copied from the plug to the host, in bytes.
    pub answer_bytes: Option<usize>,
    /// Host calls per call.
    pub host_calls: Option<u64>,
    /// Host resources held at once.
    pub resources: Option<usize>,
    /// Core instances that a component may consist of.
    pub instances: Option<usize>,
    /// Tables of a component.
    pub tables: Option<usize>,
    /// Elements in each table.
    pub table_elements: Option<usize>,
    /// Memories of a component.
    pub memories: Option<usize>,
    /// Series that the plug may record in the plug that it is linked to.
    pub series: Option<usize>,
    /// Size of a component that is not embedded, in bytes.
    pub component_bytes: Option<usize>,
    /// Memory for compiling a component, in bytes.
    pub compile_memory_bytes: Option<u64>,
    /// CPU time for compiling a component.
    #[serde(serialize_with = "seconds")]
    pub compile_time: Option<Duration>,
}

impl GrantedLimits {
    /// Maximum size of a request body, in bytes. A remote write of 100,000 series fits.
    pub fn request_body(&self) -> u64 {
        self.request_bytes.unwrap_or(64 * 1024 * 1024)
    }

    /// Maximum total size of the request bodies of one call, in bytes.
    pub fn request_bodies(&self) -> u64 {
        self.request_total_bytes.unwrap_or(256 * 1024 * 1024)
    }

    /// Maximum number of requests per call.
    pub fn in_a_call(&self) -> u32 {
        self.requests_per_call.unwrap_or(10_000)
    }

    /// Maximum number of concurrent requests. A plug that exceeds it does not wait for responses.
    pub fn at_once(&self) -> usize {
        self.requests_at_once.unwrap_or(256)
    }
}

/// Certificates for TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tls {
    /// The built-in certificate authorities.
    pub roots: Roots,
    /// PEM files of additional authorities.
    pub ca: Vec<PathBuf>,
    /// The client certificate for origins that name no identity.
    pub client: Option<ClientCertificate>,
    /// Client identities by name. An origin refers to one by its name; no other origin sees it.
    pub identities: BTreeMap<String, ClientCertificate>,
}

/// The built-in certificate authorities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Roots {
    /// Mozilla's list, as of this build.
    #[default]
    Web,
    /// The system's own list.
    System,
    /// None: only those of [`Tls::ca`].
    None,
}

/// A certificate and its key, in PEM files. The key is never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientCertificate {
    /// The file with the certificate chain.
    pub certificate: PathBuf,
    /// The file with the key.
    pub key: PathBuf,
}

/// An HTTP proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proxy {
    /// The proxy's http origin.
    pub origin: Origin,
    /// The name of the proxy's credential.
    pub credential: Option<String>,
    /// Whether credentials of http origins may be sent through the proxy, which can read them.
    pub cleartext: bool,
}

/// A credential: the source of the secret and how it is sent. Does not contain the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CredentialGrant {
    /// `Authorization: Bearer …`.
    Bearer(SecretSource),
    /// `Authorization: Basic …`.
    Basic {
        /// The user name.
        username: String,
        /// The source of the password.
        password: SecretSource,
    },
    /// A custom header.
    Header {
        /// Its name, in lower case.
        name: String,
        /// The source of its value.
        value: SecretSource,
    },
}

/// The source of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable of the host.
    Env(String),
    /// A file; a trailing line break is removed.
    File(PathBuf),
    /// The standard output of a program, which is run without a shell.
    Command(Vec<String>),
    /// The program that embeds the runtime has it. No grants file can contain one.
    Program(Secret),
}

impl Serialize for SecretSource {
    /// Omits arguments, because they might contain secrets.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Program(_) => f.write_str("the program"),
            Self::Command(words) => {
                write!(f, "command {}", words.first().map_or("", String::as_str))?;
                if words.len() > 1 { f.write_str(" …") } else { Ok(()) }
            }
        }
    }
}

impl Grants {
    /// Grants nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds an origin with all paths and methods.
    #[must_use]
    pub fn and(mut self, origin: Origin) -> Self {
        self.origins.insert(origin.into());
        self
    }

    /// Adds special-purpose addresses.
    #[must_use]
    pub fn and_addresses(mut self, range: AddressRange) -> Self {
        self.addresses.insert(range);
        self
    }

    /// Sends a credential with requests to a granted origin.
    ///
    /// # Errors
    /// The origin is not granted, or has a credential already.
    pub fn add_credential(&mut self, origin: &Origin, credential: CredentialGrant) -> Result<(), String> {
        let (own, others) = std::mem::take(&mut self.origins).into_iter().partition(|grant| grant.origin == *origin);
        let own: BTreeSet<OriginGrant> = own;
        self.origins = others;
        let name = format!("for {origin}");
        let problem = match () {
            () if own.is_empty() => Some("is not granted; grant it, or name the server in the configuration"),
            () if own.iter().any(|grant| grant.credential.is_some()) => Some("has a credential in the grants already"),
            () => None,
        };
        if let Some(problem) = problem {
            self.origins.extend(own);
            return Err(format!("{origin}: {problem}"));
        }
        let with = |grant: OriginGrant| OriginGrant { credential: Some(name.clone()), ..grant };
        self.origins.extend(own.into_iter().map(with));
        self.credentials.insert(name, credential);
        Ok(())
    }

    /// Sets the folder for rule files.
    #[must_use]
    pub fn and_rules_folder(mut self, folder: Option<PathBuf>) -> Self {
        self.rules_folder = folder;
        self
    }

    /// Whether at least some paths of the origin are granted.
    pub fn allow(&self, origin: &Origin) -> bool {
        self.origins.iter().any(|grant| grant.origin == *origin)
    }

    /// Checks that all referenced credentials and identities exist, and that each origin has only
    /// one identity. Otherwise requests could be sent with the wrong identity.
    pub(crate) fn check_names(&self) -> Result<(), String> {
        let of_origins = self.origins.iter().map(|grant| (grant.origin.to_string(), grant.credential.as_deref()));
        let of_proxy = self.proxy.iter().map(|proxy| ("proxy".to_owned(), proxy.credential.as_deref()));
        for (place, name) in of_origins.chain(of_proxy) {
            if let Some(name) = name.filter(|name| !self.credentials.contains_key(*name)) {
                let nearest = nearest(name, self.credentials.keys().map(String::as_str));
                return Err(format!("{place}: unknown credential {name:?}; add it to credentials{nearest}"));
            }
        }
        let mut identities: BTreeMap<&Origin, &OriginGrant> = BTreeMap::new();
        for grant in &self.origins {
            if let Some(name) = grant.identity.as_deref().filter(|name| !self.tls.identities.contains_key(*name)) {
                let nearest = nearest(name, self.tls.identities.keys().map(String::as_str));
                return Err(format!("{grant}: unknown identity {name:?}; add it to tls.identities{nearest}"));
            }
            if grant.identity.is_some() && !grant.origin.is_https() {
                return Err(format!("{grant}: an identity needs TLS; use https, or remove identity"));
            }
            let first = identities.entry(&grant.origin).or_insert(grant);
            if first.identity != grant.identity {
                return Err(format!(
                    "{grant}: identity differs from {first}; connections are shared by all paths of an origin, so set the same identity for each"
                ));
            }
        }
        Ok(())
    }

    /// The name of the client identity for an origin; none for the default.
    pub(crate) fn identity_of(&self, origin: &Origin) -> Option<&str> {
        self.origins.iter().find(|grant| grant.origin == *origin)?.identity.as_deref()
    }

    /// The grant for a request. If several match, the one with the longest path applies.
    pub(crate) fn grant_for(&self, origin: &Origin, method: &Method, path: &str) -> Result<&OriginGrant, Denial> {
        let mut denial = Denial::Origin(origin.to_string());
        let mut found: Option<&OriginGrant> = None;
        for grant in self.origins.iter().filter(|grant| grant.origin == *origin) {
            match grant.allows(method, path) {
                Ok(()) if found.is_none_or(|found| found.path.len() < grant.path.len()) => found = Some(grant),
                Ok(()) => {}
                Err(why) => denial = why,
            }
        }
        found.ok_or(denial)
    }

    /// Checks whether a granted origin may resolve to this address.
    pub(crate) fn allow_address(&self, origin: &Origin, address: IpAddr) -> Result<(), Denial> {
        let Some(kind) = AddressKind::of(address) else { return Ok(()) };
        let named = match (kind, origin.address()) {
            // Access to the metadata service gives access to the machine's credentials, so it needs
            // an explicit grant.
            (AddressKind::Metadata, _) => false,
            (_, Some(literal)) => canonical(literal) == canonical(address),
            // By convention, localhost is loopback.
            (_, None) => origin.host() == "localhost" && kind == AddressKind::Loopback,
        };
        if named || self.addresses.iter().any(|range| range.contains(address)) {
            return Ok(());
        }
        Err(Denial::Address { host: origin.host().into(), address, kind })
    }

    /// Checks whether the origin's credential, if any, may be sent to this address unencrypted.
    pub(crate) fn allow_cleartext(&self, origin: &Origin, address: IpAddr) -> Result<(), Denial> {
        let trusted = |grant: &&OriginGrant| {
            canonical(address).is_loopback() || grant.cleartext.iter().any(|range| range.contains(address))
        };
        match self.with_credential(origin).all(|grant| trusted(&grant)) {
            true => Ok(()),
            false => Err(Denial::Cleartext(address)),
        }
    }

    /// Checks whether the origin's credential, if any, may be sent through the proxy unencrypted.
    pub(crate) fn allow_cleartext_proxy(&self, origin: &Origin) -> Result<(), Denial> {
        let trusted = self.proxy.as_ref().is_some_and(|proxy| proxy.cleartext);
        if trusted || self.with_credential(origin).next().is_none() { Ok(()) } else { Err(Denial::CleartextProxy) }
    }

    fn with_credential<'g>(&'g self, origin: &'g Origin) -> impl Iterator<Item = &'g OriginGrant> {
        self.origins.iter().filter(move |grant| grant.origin == *origin && grant.credential.is_some())
    }
}

fn seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs_f64()).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_most_specific_grant_of_an_origin_applies() {
        let mut grants = Grants::none();
        let origin: Origin = "https://h".parse().unwrap();
        let mut api = OriginGrant::read("https://h/api").unwrap();
        api.credential = Some("key".into());
        let mut all = OriginGrant::from(origin.clone());
        all.methods = ["GET".to_owned()].into();
        grants.origins = [api.clone(), all.clone()].into();
        let found = |method: Method, path: &str| grants.grant_for(&origin, &method, path).cloned();
        assert_eq!(found(Method::GET, "/api/x"), Ok(api.clone()));
        assert_eq!(found(Method::GET, "/other"), Ok(all));
        assert_eq!(found(Method::POST, "/api/x"), Ok(api));
        assert!(found(Method::POST, "/other").is_err());
        assert!(grants.allow(&origin) && !grants.allow(&"http://h".parse().unwrap()));
    }

    #[test]
    fn names_resolve_only_to_granted_addresses() {
        let allowed = |origin: &str, address: &str, granted: &str| {
            let mut grants = Grants::none();
            grants.addresses.extend(granted.split_whitespace().map(|range| range.parse::<AddressRange>().unwrap()));
            grants.allow_address(&origin.parse().unwrap(), address.parse().unwrap()).is_ok()
        };
        assert!(allowed("http://h.example", "93.184.216.34", ""));
        assert!(!allowed("http://h.example", "127.0.0.1", "") && !allowed("http://h.example", "10.0.0.1", "loopback"));
        assert!(
            allowed("http://h.example", "10.0.0.1", "private") && allowed("http://h.example", "10.0.0.1", "10.0.0.0/8")
        );
        // An address literal in any form grants that address; localhost grants only loopback.
        assert!(allowed("http://127.0.0.1", "127.0.0.1", "") && allowed("http://[::ffff:10.0.0.1]", "10.0.0.1", ""));
        assert!(!allowed("http://127.0.0.1", "127.0.0.2", ""));
        assert!(allowed("http://localhost", "127.0.0.1", "") && allowed("http://localhost", "::1", ""));
        assert!(!allowed("http://localhost", "10.0.0.1", "") && !allowed("http://localhost.example", "127.0.0.1", ""));
        assert!(!allowed("http://h.example", "169.254.169.254", "link-local private loopback"));
    }

    #[test]
    fn only_the_source_of_a_credential_is_serialized() {
        let command = SecretSource::Command(vec!["pass".into(), "show".into(), "s3cret".into()]);
        assert_eq!(
            serde_json::to_value(CredentialGrant::Bearer(command)).unwrap(),
            json!({"bearer": "command pass …"})
        );
    }
}
