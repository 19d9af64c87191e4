//! Secrets and certificates, which are reloaded when their files change.
//!
//! Files are checked when a request is made, at most once per second. If a file is invalid, the
//! previous contents stay in use. Connections with previous certificates are not reused: each
//! change creates a new pool.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::{Duration, Instant};

use http::HeaderValue;
use hyper_util::client::legacy::Client;
use rustls::RootCertStore;
use rustls::sign::CertifiedKey;
use tokio::time::timeout;
use tracing::warn;
use wasmtime_wasi_http::WasiBody;

use super::connect::Connector;
use super::tls::{self, Connectors};
use crate::grants::{ClientCertificate, Grants};
use crate::mask::{MIN_MASKED_LEN, Mask};
use crate::secrets::Credential;
use crate::watched::{CHECK_INTERVAL, Source, Watched};

/// How long a request waits for reading files, which may be on an unreachable network file system.
const MAX_READ_TIME: Duration = Duration::from_secs(2);

/// How long a replaced secret is masked in all responses. Responses to requests with that secret
/// are always masked.
const RETIRED_TIME: Duration = Duration::from_secs(600);

/// The maximum number of replaced secrets that are masked; the oldest is dropped.
const MAX_RETIRED: usize = 16;

/// A pool of connections.
pub(super) type Pool = Client<Connector, WasiBody>;

/// Creates a pool with these certificates and this `Proxy-Authorization`.
type NewPool = Box<dyn Fn(Connectors, Option<HeaderValue>) -> Pool + Send + Sync>;

/// The keys that requests are sent with.
pub(super) struct Keys {
    pub(super) credentials: BTreeMap<String, Arc<Credential>>,
    /// Masks the secrets of these credentials and those that they replaced.
    pub(super) mask: Mask,
    pub(super) pool: Pool,
}

/// The keys of one plug, kept up to date.
pub(super) struct Keyring {
    sources: Mutex<Sources>,
    keys: RwLock<Arc<Keys>>,
    /// When the files were last checked; none if there are none.
    checked: Option<tokio::sync::Mutex<Instant>>,
    new_pool: NewPool,
}

impl Keyring {
    /// Fetches credentials and reads certificates, which may wait for a disk or a program.
    pub(super) fn open(grants: Arc<Grants>, new_pool: NewPool) -> Result<Self, String> {
        let sources = Sources::open(grants)?;
        let pool = new_pool(sources.connectors()?, sources.proxy_authorization());
        let keys = RwLock::new(Arc::new(Keys { credentials: sources.credentials(), mask: sources.mask(), pool }));
        let checked = sources.are_watched().then(|| tokio::sync::Mutex::new(Instant::now()));
        Ok(Self { sources: Mutex::new(sources), keys, checked, new_pool })
    }

    /// The keys as they were last read.
    pub(super) fn latest(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The current keys. Their files are checked at most once a second.
    pub(super) async fn current(self: &Arc<Self>) -> Arc<Keys> {
        if let Some(checked) = &self.checked {
            // Locked while files are read, so that concurrent requests do not use old keys.
            let mut checked = checked.lock().await;
            if checked.elapsed() >= CHECK_INTERVAL {
                let own = Arc::clone(self);
                let reading = tokio::task::spawn_blocking(move || own.refresh(Instant::now()));
                if timeout(MAX_READ_TIME, reading).await.is_err() {
                    warn!(
                        "cannot read the files of secrets and certificates within {} s; the previous contents stay in use",
                        MAX_READ_TIME.as_secs()
                    );
                }
                *checked = Instant::now();
            }
        }
        self.latest()
    }

    fn refresh(&self, now: Instant) {
        let mut sources = match self.sources.try_lock() {
            Ok(sources) => sources,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // An earlier refresh is still reading.
            Err(TryLockError::WouldBlock) => return,
        };
        let proxy_authorization = sources.proxy_authorization();
        let changed = sources.refresh(now);
        if !(changed.secrets || changed.certificates) {
            return;
        }
        let old = self.latest();
        let needs_pool = changed.certificates || sources.proxy_authorization() != proxy_authorization;
        let pool = match sources.connectors() {
            Ok(connectors) if needs_pool => (self.new_pool)(connectors, sources.proxy_authorization()),
            Ok(_) => old.pool.clone(),
            Err(problem) => {
                warn!("{problem}; the previous certificates stay in use");
                old.pool.clone()
            }
        };
        let mask = if changed.secrets { sources.mask() } else { old.mask.clone() };
        let keys = Arc::new(Keys { credentials: sources.credentials(), mask, pool });
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

/// The masks of one response: the secrets in use when its request was sent, and those in use now,
/// which other requests may have sent to the same server.
pub(super) struct Masks {
    keyring: Arc<Keyring>,
    sent_with: Mask,
    latest: Mask,
    both: Mask,
}

impl Masks {
    pub(super) fn new(keyring: Arc<Keyring>, sent_with: &Keys) -> Self {
        let mask = || sent_with.mask.clone();
        Self { keyring, sent_with: mask(), latest: mask(), both: mask() }
    }

    pub(super) fn now(&mut self) -> &Mask {
        let latest = self.keyring.latest();
        if !latest.mask.is_same(&self.latest) {
            self.latest = latest.mask.clone();
            self.both = self.sent_with.or(&self.latest);
        }
        &self.both
    }
}

/// What was replaced.
#[derive(Default)]
struct Changed {
    secrets: bool,
    certificates: bool,
}

/// The sources of the keys and their current contents.
pub(super) struct Sources {
    grants: Arc<Grants>,
    credentials: BTreeMap<String, Source<Arc<Credential>>>,
    /// Replaced credentials and the time of replacement.
    retired: VecDeque<(Instant, Arc<Credential>)>,
    /// The built-in authorities.
    base: RootCertStore,
    roots: Source<Arc<RootCertStore>>,
    client: Option<Source<Arc<CertifiedKey>>>,
    identities: BTreeMap<String, Source<Arc<CertifiedKey>>>,
}

impl Sources {
    pub(super) fn open(grants: Arc<Grants>) -> Result<Self, String> {
        grants.check_names()?;
        let mut credentials = BTreeMap::new();
        for (name, grant) in &grants.credentials {
            let place = format!("credentials.{name}");
            let read = || Credential::load(grant).map(Arc::new);
            let source = Source::open(Credential::file(grant).map(PathBuf::from), read);
            let source = source.map_err(|problem| format!("{place}: {problem}"))?;
            warn_if_short(&place, &source.value);
            credentials.insert(name.clone(), source);
        }
        let base = tls::base(grants.tls.roots)?;
        let ca = &grants.tls.ca;
        let roots = Source::open(ca.iter().cloned(), || tls::roots(&base, ca));
        let roots = roots.map_err(|problem| format!("tls.ca: {problem}"))?;
        let identity = |place: String, files: &ClientCertificate| {
            let source = Source::open(files_of(files), || tls::identity(files));
            source.map_err(|problem| format!("{place}: {problem}"))
        };
        let client = grants.tls.client.as_ref().map(|files| identity("tls.client".into(), files)).transpose()?;
        let mut identities = BTreeMap::new();
        for (name, files) in &grants.tls.identities {
            identities.insert(name.clone(), identity(format!("tls.identities.{name}"), files)?);
        }
        Ok(Self { grants, credentials, retired: VecDeque::new(), base, roots, client, identities })
    }

    fn are_watched(&self) -> bool {
        let mut secrets = self.credentials.values().map(|source| &source.files);
        let mut identities = self.client.iter().chain(self.identities.values()).map(|source| &source.files);
        let is_watched = |files: &Watched| !files.is_empty();
        is_watched(&self.roots.files) || secrets.any(is_watched) || identities.any(is_watched)
    }

    fn refresh(&mut self, now: Instant) -> Changed {
        let grants = Arc::clone(&self.grants);
        let mut changed = Changed::default();
        for (name, source) in &mut self.credentials {
            let Some(grant) = grants.credentials.get(name) else { continue };
            let place = format!("credentials.{name}");
            let replaced = source.refresh(&place, || Credential::load(grant).map(Arc::new));
            if let Some(old) = replaced.filter(|old| old.value != source.value.value) {
                warn_if_short(&place, &source.value);
                self.retired.push_back((now, old));
                changed.secrets = true;
            }
        }
        while let Some((since, _)) = self.retired.front()
            && (now.duration_since(*since) >= RETIRED_TIME || self.retired.len() > MAX_RETIRED)
        {
            self.retired.pop_front();
            changed.secrets = true;
        }
        let (base, ca) = (&self.base, &grants.tls.ca);
        changed.certificates |= self.roots.refresh("tls.ca", || tls::roots(base, ca)).is_some();
        if let Some((source, files)) = self.client.as_mut().zip(grants.tls.client.as_ref()) {
            changed.certificates |= source.refresh("tls.client", || tls::identity(files)).is_some();
        }
        for (name, source) in &mut self.identities {
            let Some(files) = grants.tls.identities.get(name) else { continue };
            let place = format!("tls.identities.{name}");
            changed.certificates |= source.refresh(&place, || tls::identity(files)).is_some();
        }
        changed
    }

    fn credentials(&self) -> BTreeMap<String, Arc<Credential>> {
        self.credentials.iter().map(|(name, source)| (name.clone(), Arc::clone(&source.value))).collect()
    }

    fn mask(&self) -> Mask {
        let current = self.credentials.values().map(|source| &source.value);
        let all = current.chain(self.retired.iter().map(|(_, old)| old));
        Mask::new(all.flat_map(|credential| credential.secrets()))
    }

    fn proxy_authorization(&self) -> Option<HeaderValue> {
        let name = self.grants.proxy.as_ref()?.credential.as_deref()?;
        self.credentials.get(name).map(|source| source.value.value.clone())
    }

    pub(super) fn connectors(&self) -> Result<Connectors, String> {
        let named = self.identities.iter().map(|(name, source)| (name, &source.value));
        Connectors::new(&self.roots.value, self.client.as_ref().map(|source| &source.value), named)
    }
}

fn files_of(identity: &ClientCertificate) -> [PathBuf; 2] {
    [identity.certificate.clone(), identity.key.clone()]
}

fn warn_if_short(place: &str, credential: &Credential) {
    if credential.is_too_short_to_mask() {
        warn!(
            "{place}: the secret is shorter than {MIN_MASKED_LEN} bytes, so it is not masked in responses; a server that echoes it reveals it to the plug"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use hyper_util::rt::TokioExecutor;

    use super::*;
    use crate::egress::connect::system_resolver;
    use crate::grants::{CredentialGrant, Proxy, SecretSource};

    fn bearer(path: &Path) -> Grants {
        let mut grants = Grants::none();
        grants.credentials.insert("token".into(), CredentialGrant::Bearer(SecretSource::File(path.into())));
        grants
    }

    fn keyring(grants: Grants) -> Arc<Keyring> {
        counting(grants, Arc::default())
    }

    /// A keyring that counts its pools.
    fn counting(grants: Grants, pools: Arc<AtomicUsize>) -> Arc<Keyring> {
        let grants = Arc::new(grants);
        let own = Arc::clone(&grants);
        let new_pool = move |tls, proxy| {
            pools.fetch_add(1, Ordering::Relaxed);
            let connector = Connector::new(Arc::clone(&own), Arc::default(), tls, system_resolver(), proxy);
            Client::builder(TokioExecutor::new()).build(connector)
        };
        Arc::new(Keyring::open(grants, Box::new(new_pool)).unwrap())
    }

    fn sent(keyring: &Keyring) -> String {
        keyring.latest().credentials["token"].value.to_str().unwrap().to_owned()
    }

    fn masked(mask: &Mask, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        mask.apply(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_secret_is_reloaded_and_the_previous_one_masked_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "first-t0ken").unwrap();
        let keyring = keyring(bearer(&path));
        let mut streaming = Masks::new(Arc::clone(&keyring), &keyring.latest());
        let start = Instant::now();
        fs::write(&path, "second-t0ken\n").unwrap();
        keyring.refresh(start);
        assert_eq!(sent(&keyring), "Bearer second-t0ken");
        let both = "*********** ************";
        assert_eq!(masked(&keyring.latest().mask, "first-t0ken second-t0ken"), both);
        assert_eq!(masked(streaming.now(), "first-t0ken second-t0ken"), both, "a response in progress");
        // Without a change, the mask is reused.
        let mask = keyring.latest().mask.clone();
        keyring.refresh(start + RETIRED_TIME / 2);
        assert!(keyring.latest().mask.is_same(&mask));
        keyring.refresh(start + RETIRED_TIME);
        assert_eq!(masked(&keyring.latest().mask, "first-t0ken second-t0ken"), "first-t0ken ************");
        assert_eq!(
            masked(streaming.now(), "first-t0ken second-t0ken"),
            both,
            "the request was sent with the first secret"
        );
    }

    #[test]
    fn invalid_contents_leave_the_previous_ones_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "first-t0ken").unwrap();
        let keyring = keyring(bearer(&path));
        for broken in ["", "two\nlines"] {
            fs::write(&path, broken).unwrap();
            keyring.refresh(Instant::now());
            assert_eq!(sent(&keyring), "Bearer first-t0ken");
        }
        fs::remove_file(&path).unwrap();
        keyring.refresh(Instant::now());
        assert_eq!(sent(&keyring), "Bearer first-t0ken");
        fs::write(&path, "second-t0ken").unwrap();
        keyring.refresh(Instant::now());
        assert_eq!(sent(&keyring), "Bearer second-t0ken");
    }

    #[test]
    fn the_number_of_masked_secrets_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "t0ken-00").unwrap();
        let keyring = keyring(bearer(&path));
        for number in 1..=MAX_RETIRED + 1 {
            fs::write(folder.path().join("next"), format!("t0ken-{number:02}")).unwrap();
            fs::rename(folder.path().join("next"), &path).unwrap();
            keyring.refresh(Instant::now());
        }
        let mask = &keyring.latest().mask;
        assert_eq!(masked(mask, "t0ken-00 t0ken-01 t0ken-17"), "t0ken-00 ******** ********");
    }

    #[tokio::test]
    async fn files_are_checked_at_most_once_per_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "first-t0ken").unwrap();
        let keyring = keyring(bearer(&path));
        fs::write(&path, "second-t0ken").unwrap();
        let value = |keys: Arc<Keys>| keys.credentials["token"].value.to_str().unwrap().to_owned();
        assert_eq!(value(keyring.current().await), "Bearer first-t0ken");
        *keyring.checked.as_ref().unwrap().lock().await -= CHECK_INTERVAL;
        assert_eq!(value(keyring.current().await), "Bearer second-t0ken");
        assert!(self::keyring(Grants::none()).checked.is_none());
    }

    #[test]
    fn a_new_pool_is_created_for_new_certificates_and_proxy_credentials() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write_ca = || {
            let made = rcgen::generate_simple_self_signed(vec!["ca.example".into()]).unwrap();
            fs::write(path("ca.pem"), made.cert.pem()).unwrap();
        };
        write_ca();
        let mut grants = Grants::none();
        for name in ["token", "proxy"] {
            fs::write(path(name), "first-t0ken").unwrap();
            let source = SecretSource::File(path(name));
            grants.credentials.insert(name.into(), CredentialGrant::Bearer(source));
        }
        grants.tls.ca.push(path("ca.pem"));
        let origin = "http://proxy.example:3128".parse().unwrap();
        grants.proxy = Some(Proxy { origin, credential: Some("proxy".into()), cleartext: false });
        let pools = Arc::new(AtomicUsize::new(0));
        let keyring = counting(grants, Arc::clone(&pools));
        let made = || {
            keyring.refresh(Instant::now());
            pools.swap(0, Ordering::Relaxed)
        };
        assert_eq!(made(), 1, "the first");
        // Credentials are per request, not per connection.
        fs::write(path("token"), "second-t0ken").unwrap();
        assert_eq!(made(), 0);
        fs::write(path("proxy"), "second-t0ken").unwrap();
        assert_eq!(made(), 1);
        write_ca();
        assert_eq!(made(), 1);
        fs::write(path("ca.pem"), "no PEM").unwrap();
        assert_eq!(made(), 0);
    }

    #[test]
    fn a_new_certificate_is_used_only_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |names: [&str; 2]| {
            let made = rcgen::generate_simple_self_signed(vec!["client.example".into()]).unwrap();
            fs::write(path(names[0]), made.cert.pem()).unwrap();
            fs::write(path(names[1]), made.signing_key.serialize_pem()).unwrap();
            made.cert.der().clone()
        };
        let mut grants = Grants::none();
        let first = write(["me.pem", "me.key"]);
        let files = ClientCertificate { certificate: path("me.pem"), key: path("me.key") };
        grants.tls.identities.insert("me".into(), files);
        let keyring = keyring(grants);
        let own = |keyring: &Keyring| keyring.sources.lock().unwrap().identities["me"].value.cert[0].clone();
        let second = write(["next.pem", "next.key"]);
        fs::rename(path("next.pem"), path("me.pem")).unwrap();
        keyring.refresh(Instant::now());
        assert_eq!(own(&keyring), first);
        fs::rename(path("next.key"), path("me.key")).unwrap();
        keyring.refresh(Instant::now());
        assert_eq!(own(&keyring), second);
    }
}
