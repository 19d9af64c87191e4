//! The egress of one plug across its instances.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;
use tracing::debug;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::audit::{self, Violations};
use super::body;
use super::body::{Bounds, Gathered, Long, Meter, Metered, Recorded, Recording, ResponseBody, Seen};
use super::connect::{
    CONNECT_TIME, CONNECT_WITHIN, Connector, Resolver, Uses, failure_of_error, is_proxied, system_resolver,
};
use super::failure::Failure;
use super::gunzip::Gunzip;
use super::health::{Health, Waiting};
use super::keyring::{Keyring, Keys, Masks, Pool};
use super::reach::Reach;
use super::sent::Sent;
use super::wasi::error_code;
use crate::error::Error as HostError;
use crate::grants::{Advice, Denial, Grants, Origin, OriginGrant};
use crate::http_recording::{Begun, Exchanges, Outcome, Place};
use crate::mask::Mask;

/// Timeouts if the plug sets none.
const FIRST_BYTE_TIME: Duration = Duration::from_secs(600);
const BETWEEN_BYTES_TIME: Duration = Duration::from_secs(600);

/// Idle connections are closed after this time. Many servers close theirs after 5 s, which can race
/// with a request; less frequent pushes do not benefit from an idle connection.
const IDLE_TIME: Duration = Duration::from_secs(4);

/// Maximum number of idle connections per origin.
const IDLE_CONNECTIONS: usize = 8;

/// The maximum length of a response body if no grant sets one.
const MAX_RESPONSE_BYTES: u64 = 1024 * 1024 * 1024;

/// The egress of one plug.
pub(crate) struct Network {
    grants: Arc<Grants>,
    keyring: Arc<Keyring>,
    violations: Arc<Violations>,
    health: Health,
    /// The times of requests in the last minute, if their rate is limited.
    recent: Mutex<VecDeque<Instant>>,
    in_flight: Arc<AtomicUsize>,
    exchanges: Option<Exchanges>,
    /// What is masked in recordings beside the credentials.
    sensitive: RwLock<Mask>,
}

/// An admitted request.
pub(crate) struct Admitted {
    request: Request<WasiBody>,
    origin: Origin,
    /// The credential's name.
    credential: Option<String>,
    /// Its place in an HTTP recording.
    number: Option<Place>,
    /// The bytes that its call has sent.
    sent: Arc<AtomicU64>,
    guard: InFlight,
}

/// A request as it is sent.
enum Outgoing {
    /// Can be sent again.
    Whole(Request<()>, Bytes),
    /// Has a streamed body, which can be sent once.
    Long(Request<WasiBody>),
}

/// A request in flight, until its response is dropped.
pub(crate) struct InFlight(Arc<AtomicUsize>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Network {
    /// Fetches credentials and reads certificates, which may wait for a disk or a program.
    pub(crate) async fn open(
        grants: Grants,
        exchanges: Option<Exchanges>,
        advice: Option<Advice>,
    ) -> Result<Arc<Self>, HostError> {
        let problem = |problem: String| HostError::Settings { what: "grants".into(), problem };
        tokio::task::spawn_blocking(move || Self::new(grants, exchanges, advice, system_resolver()))
            .await
            .map_err(|_| HostError::Ended)?
            .map(Arc::new)
            .map_err(problem)
    }

    fn new(
        grants: Grants,
        exchanges: Option<Exchanges>,
        advice: Option<Advice>,
        resolver: Resolver,
    ) -> Result<Self, String> {
        let (grants, violations) = (Arc::new(grants), Arc::new(Violations::new(advice)));
        let (of_pool, counted) = (Arc::clone(&grants), Arc::clone(&violations));
        let new_pool = move |tls, proxy_authorization| -> Pool {
            let (grants, violations) = (Arc::clone(&of_pool), Arc::clone(&counted));
            let connector = Connector::new(grants, violations, tls, Arc::clone(&resolver), proxy_authorization);
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE_TIME)
                .pool_max_idle_per_host(IDLE_CONNECTIONS)
                .build(connector)
        };
        let keyring = Arc::new(Keyring::open(Arc::clone(&grants), Box::new(new_pool))?);
        let (health, recent, in_flight, sensitive) = Default::default();
        Ok(Self { grants, keyring, violations, health, recent, in_flight, exchanges, sensitive })
    }

    /// The folder that is granted for files; where there is none, the log says how to grant one.
    pub(crate) fn rules_folder(&self) -> Option<PathBuf> {
        if self.grants.rules_folder.is_none() {
            self.violations.report_missing_rules_folder();
        }
        self.grants.rules_folder.clone()
    }

    /// Has these values masked in recordings too.
    pub(crate) fn mask_in_recordings(&self, values: &Mask) {
        *self.sensitive.write().unwrap_or_else(PoisonError::into_inner) = values.clone();
    }

    /// Whether exchanges are recorded or replayed.
    pub(crate) fn has_exchanges(&self) -> bool {
        self.exchanges.is_some()
    }

    /// How often each capability was denied since the last call of this function.
    pub(crate) fn take_violations(&self) -> Vec<(&'static str, u64)> {
        self.violations.take()
    }

    /// Admits a request, or denies it. `call` is what its call has sent, including this request.
    pub(crate) fn admit(&self, mut request: Request<WasiBody>, call: &Sent, reach: &Reach) -> Result<Admitted, Error> {
        let (origin, grant, guard) = match self.judge(&request, call.requests, reach) {
            Ok(granted) => granted,
            Err((origin, denial)) => {
                self.violations.deny(&denial, &origin);
                return Err(match denial {
                    // These are not about origins, so the plug gets the message.
                    Denial::Rate(_)
                    | Denial::InACall(_)
                    | Denial::InFlight(_)
                    | Denial::Header(_)
                    | Denial::HeaderValue(_)
                    | Denial::HeaderNever(_) => Error::InternalError(Some(denial.to_string())),
                    _ => Error::HttpRequestDenied,
                });
            }
        };
        // Connect to the checked, normalized origin, not to the URI from the plug.
        let uri = origin.in_uri(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
        *request.uri_mut() = uri;
        request.headers_mut().remove(header::HOST);
        let number = self.exchanges.as_ref().map(|exchanges| exchanges.begin_request(reach.turn(call.requests)));
        let (credential, sent) = (grant.credential.clone(), Arc::clone(&call.bytes));
        Ok(Admitted { request, origin, credential, number, sent, guard })
    }

    /// Adds the host's headers to an admitted request, after it was recorded.
    fn complete(&self, admitted: &mut Admitted, keys: &Keys) -> Option<Begun> {
        let request = &mut admitted.request;
        let begin = |place| {
            let mask = keys.mask.or(&self.sensitive.read().unwrap_or_else(PoisonError::into_inner));
            Exchanges::begin(place, request.method(), request.uri(), request.headers(), &mask)
        };
        let begun = admitted.number.clone().map(begin);
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        self.authorize(admitted, keys);
        begun
    }

    /// Adds the credential, replacing one that the plug wrote: only the host authenticates here.
    fn authorize(&self, Admitted { request, origin, credential, .. }: &mut Admitted, keys: &Keys) {
        if let Some(credential) = credential.as_ref().and_then(|name| keys.credentials.get(name)) {
            let replaced = request.headers_mut().insert(&credential.name, credential.value.clone()).is_some();
            if replaced {
                debug!(target: audit::TARGET, %origin, header = %credential.name, "the plug's own credential was replaced");
            }
        }
        let proxy = self.grants.proxy.as_ref().filter(|_| is_proxied(&self.grants, origin) && !origin.is_https());
        let of_proxy = proxy.and_then(|proxy| keys.credentials.get(proxy.credential.as_deref()?));
        if let Some(credential) = of_proxy {
            request.headers_mut().insert(header::PROXY_AUTHORIZATION, credential.value.clone());
        }
    }

    /// The origin and grant of a request; a denial comes with the origin, as far as it is known.
    fn judge(
        &self,
        request: &Request<WasiBody>,
        number: u32,
        reach: &Reach,
    ) -> Result<(Origin, &OriginGrant, InFlight), (String, Denial)> {
        let nowhere = "(not an http origin)";
        let origin = Origin::of_uri(request.uri()).ok_or_else(|| (nowhere.into(), Denial::Origin(nowhere.into())))?;
        let denied = |denial: Denial| (origin.to_string(), denial);
        let path = request.uri().path();
        let grant = self.grants.grant_for(&origin, request.method(), path).map_err(denied)?;
        if let Reach::Job(job) = reach
            && !job.origins.contains(&origin)
        {
            return Err(denied(Denial::NotInJob));
        }
        let keys = self.keyring.latest();
        let own = grant.credential.as_ref().and_then(|name| keys.credentials.get(name)).map(|own| &own.name);
        for (name, value) in request.headers() {
            // `authorize` replaces the plug's credential, and Host is set from the origin.
            if own != Some(name) && name != header::HOST {
                grant.allows_header(name, value).map_err(denied)?;
            }
        }
        let guard = self.count_request(number).map_err(denied)?;
        Ok((origin, grant, guard))
    }

    /// Counts a request, the `number`th of its call, within the limits.
    pub(crate) fn count_request(&self, number: u32) -> Result<InFlight, Denial> {
        let limits = &self.grants.limits;
        let in_a_call = limits.in_a_call();
        if number > in_a_call {
            return Err(Denial::InACall(in_a_call));
        }
        if let Some(limit) = limits.requests_per_minute {
            self.count(limit)?;
        }
        let at_once = limits.at_once();
        if self.in_flight.fetch_add(1, Ordering::AcqRel) >= at_once {
            self.in_flight.fetch_sub(1, Ordering::AcqRel);
            return Err(Denial::InFlight(at_once));
        }
        Ok(InFlight(Arc::clone(&self.in_flight)))
    }

    fn count(&self, limit: u32) -> Result<(), Denial> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while recent.front().is_some_and(|then| now.duration_since(*then) >= Duration::from_secs(60)) {
            recent.pop_front();
        }
        if recent.len() >= limit as usize {
            return Err(Denial::Rate(limit));
        }
        recent.push_back(now);
        Ok(())
    }

    /// Sends a request, or replays its response from a recording.
    pub(crate) async fn send(
        &self,
        mut admitted: Admitted,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, Error> {
        let keys = self.keyring.current().await;
        let begun = self.complete(&mut admitted, &keys);
        let Admitted { request, origin, sent, guard, .. } = admitted;
        debug!(method = %request.method(), %origin, "request");
        match (&self.exchanges, begun) {
            (Some(exchanges), Some(begun)) if exchanges.is_replay() => replay(exchanges, begun, request).await,
            (exchanges, begun) => {
                let (head, body) = request.into_parts();
                let head = Request::from_parts(head, ());
                let meter = Meter::new(&self.grants.limits, sent);
                let body = Metered { body, meter: meter.clone() }.boxed_unsync();
                let (outgoing, seen) =
                    match body::gather(body).await.map_err(|error| self.metered(&meter, &origin, error))? {
                        Gathered::Whole(bytes) => {
                            let seen = begun.as_ref().map(|_| body::whole(&bytes));
                            (Outgoing::Whole(head, bytes), seen)
                        }
                        Gathered::Long { first, rest } => {
                            let seen = begun.as_ref().map(|_| Seen::default());
                            let body = Long { first: first.into_iter(), rest, seen: seen.clone() };
                            (Outgoing::Long(head.map(|()| body.boxed_unsync())), seen)
                        }
                    };
                let recorded = exchanges.clone().zip(begun).zip(seen);
                let recording = recorded.map(|((exchanges, begun), seen)| Recording::new(exchanges, begun, seen));
                let outcome = self.exchange(&origin, outgoing, options, &keys, recording, guard).await;
                return outcome.map_err(|failure| self.metered(&meter, &origin, error_code(failure)));
            }
        }
        .map_err(error_code)
    }

    /// Why a request failed: a body over its limit, which is counted as a violation, or else
    /// `found`.
    fn metered(&self, meter: &Meter, origin: &Origin, found: Error) -> Error {
        let Some(denial) = meter.denial() else { return found };
        self.violations.deny(&denial, &origin.to_string());
        match denial {
            Denial::RequestBody(limit) => error_code(Failure::RequestTooLong(limit)),
            _ => error_code(Failure::Said(denial.to_string())),
        }
    }

    async fn exchange(
        &self,
        origin: &Origin,
        request: Outgoing,
        options: RequestOptions,
        keys: &Keys,
        recording: Option<Recording>,
        guard: InFlight,
    ) -> Result<Response<WasiBody>, Failure> {
        let bounds = Bounds {
            limit: self.grants.limits.response_bytes.unwrap_or(MAX_RESPONSE_BYTES),
            between: options.between_bytes_timeout.unwrap_or(BETWEEN_BYTES_TIME),
        };
        let waiting = Waiting::new(&self.health, origin, options.first_byte_timeout.unwrap_or(FIRST_BYTE_TIME));
        let responded = self.head(request, options, &keys.pool, bounds.limit).await;
        waiting.ended(responded.as_ref().map(Response::status));
        match responded {
            Ok(response) => {
                debug!(status = response.status().as_u16(), "response");
                let (mut head, body) = response.into_parts();
                let gunzip = match Gunzip::of(&mut head) {
                    Ok(gunzip) => gunzip,
                    Err(failure) => {
                        if let Some(recording) = recording {
                            recording.failed(failure.clone());
                        }
                        return Err(failure);
                    }
                };
                let mut masks = Masks::new(Arc::clone(&self.keyring), keys);
                mask_headers(masks.now(), &mut head.headers);
                let mut recording = recording;
                if let Some(recording) = &mut recording {
                    recording.set_head(&head);
                }
                let body = ResponseBody::new(body, bounds, gunzip, masks, recording, guard);
                Ok(Response::from_parts(head, body.boxed_unsync()))
            }
            Err(failure) => {
                debug!(%failure, "no response");
                if let Some(recording) = recording {
                    recording.failed(failure.clone());
                }
                Err(failure)
            }
        }
    }

    /// The response, before its body is read.
    async fn head(
        &self,
        request: Outgoing,
        options: RequestOptions,
        pool: &Pool,
        limit: u64,
    ) -> Result<Response<Incoming>, Failure> {
        let connect = options.connect_timeout.unwrap_or(CONNECT_TIME);
        let total = connect.saturating_add(options.first_byte_timeout.unwrap_or(FIRST_BYTE_TIME));
        let sending = CONNECT_WITHIN.scope(Some(connect), send_once_or_twice(pool, request));
        let response = timeout(total, sending).await.map_err(|_| Failure::ReadTimeout)??;
        let announced = response.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if announced.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit) {
            return Err(Failure::TooLong(limit));
        }
        Ok(response)
    }
}

/// Sends the request. A server may close an idle connection just as it is used again; an idempotent
/// request that got no response is then sent once more.
async fn send_once_or_twice(pool: &Pool, outgoing: Outgoing) -> Result<Response<Incoming>, Failure> {
    let (head, body) = match outgoing {
        Outgoing::Whole(head, body) => (head, body),
        Outgoing::Long(request) => return pool.request(request).await.map_err(|error| failure_of_error(&error)),
    };
    loop {
        let again = head.clone();
        let mut request = again.map(|()| Full::new(body.clone()).map_err(|never| match never {}).boxed_unsync());
        let connection = capture_connection(&mut request);
        match pool.request(request).await {
            Ok(response) => {
                uses(&connection);
                return Ok(response);
            }
            Err(error) => {
                let failure = failure_of_error(&error);
                let was_reused = uses(&connection) > 0;
                if failure != Failure::Terminated || !was_reused || !head.method().is_idempotent() {
                    return Err(failure);
                }
                debug!("the connection had been closed; the request is sent again");
            }
        }
    }
}

fn mask_headers(mask: &Mask, headers: &mut http::HeaderMap) {
    if mask.is_empty() {
        return;
    }
    for value in headers.values_mut() {
        let mut bytes = value.as_bytes().to_vec();
        mask.apply(&mut bytes);
        if bytes != value.as_bytes()
            && let Ok(masked) = http::HeaderValue::from_bytes(&bytes)
        {
            *value = masked;
        }
    }
}

/// How often the connection of a request was used before. 0 if none was made.
fn uses(connection: &CaptureConnection) -> usize {
    let mut extras = http::Extensions::new();
    if let Some(connected) = &*connection.connection_metadata() {
        connected.get_extras(&mut extras);
    }
    extras.get::<Uses>().map_or(0, Uses::count)
}

/// The recorded response.
async fn replay(
    exchanges: &Exchanges,
    begun: Begun,
    request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Failure> {
    let body = request.into_body().collect().await.map_err(|_| Failure::Incomplete)?.to_bytes();
    let outcome = exchanges.answer(begun, body.into()).map_err(|difference| {
        tracing::warn!(target: audit::TARGET, "{difference}");
        Failure::Said(difference)
    })?;
    let recorded = match outcome {
        Outcome::Answered(response) => response,
        Outcome::Failed(failure) => return Err(failure),
    };
    let status = StatusCode::from_u16(recorded.status).map_err(|_| Failure::Protocol)?;
    let headers = recorded.headers();
    let body = Recorded { bytes: Some(Bytes::from(recorded.body.bytes())), broken: recorded.broken };
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

#[cfg(test)]
mod spellings;

#[cfg(test)]
mod tests {
    use http::Uri;
    use http_body_util::Empty;

    use super::*;
    use crate::grants::{CredentialGrant, SecretSource};

    fn network(grants: Grants) -> Network {
        Network::new(grants, None, None, system_resolver()).unwrap()
    }

    fn request(uri: &str) -> Request<WasiBody> {
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        Request::get(uri).body(body).unwrap()
    }

    /// A call that has made `requests` requests.
    fn call(requests: u32) -> Sent {
        Sent { requests, ..Sent::default() }
    }

    fn first() -> Sent {
        call(1)
    }

    fn admitted(network: &Network, uri: &str) -> Option<String> {
        network.admit(request(uri), &first(), &Reach::Granted).ok().map(|admitted| admitted.request.uri().to_string())
    }

    fn two_origins() -> Network {
        network(Grants::none().and("http://127.0.0.1:9091".parse().unwrap()).and("https://ok.example".parse().unwrap()))
    }

    #[tokio::test]
    async fn requests_are_normalized_to_their_granted_origin() {
        let network = two_origins();
        let admitted = |uri: &str| admitted(&network, uri).unwrap();
        assert_eq!(admitted("http://127.0.0.1:9091/metrics?x=1"), "http://127.0.0.1:9091/metrics?x=1");
        assert_eq!(admitted("http://2130706433:9091"), "http://127.0.0.1:9091/");
        assert_eq!(admitted("https://OK.example/a"), "https://ok.example/a");
        assert_eq!(admitted("https://ok.example:443/a"), "https://ok.example/a");
    }

    #[tokio::test]
    async fn other_origins_are_denied() {
        let network = two_origins();
        let mut requests = 0;
        for uri in [
            "http://127.0.0.1:9090/",
            "https://127.0.0.1:9091/",
            "http://localhost:9091/",
            "http://127.0.0.2:9091/",
            "http://[::1]:9091/",
            "http://[::ffff:127.0.0.1]:9091/",
            "http://ok.example/",
            "https://ok.example./",
            "https://ok.example.evil.example/",
            "https://ok.example@evil.example/",
            "https://evil.example@ok.example/",
            "https://OK.EXAMPLE.:443/",
            "https://ok.example:444/",
            "https://ok.example:@evil.example/",
            "https://ok.example%00.evil.example/",
            "https://ok.example%2eevil.example/",
            "https://xn--ok-example-.evil/",
            "http://0:9091/",
            "http://0.0.0.0:9091/",
            "http://127.1:9092/",
            "http://127.0.0.1.:9092/",
            "http://[::]:9091/",
            "http://[::127.0.0.1]:9091/",
            "http://[0:0:0:0:0:ffff:7f00:1]:9091/",
            "http://[64:ff9b::7f00:1]:9091/",
            "ftp://127.0.0.1:9091/",
            "/only/a/path",
        ] {
            // wasmtime rejects invalid URIs before this check.
            if uri.parse::<Uri>().is_ok() {
                requests += 1;
                assert_eq!(admitted(&network, uri), None, "{uri}");
            }
        }
        assert!(requests > 20, "{requests}");
        assert_eq!(network.take_violations(), [("http_origin", requests)]);
    }

    #[tokio::test]
    async fn request_rate_and_concurrency_are_limited() {
        let mut grants = Grants::none().and("http://h".parse().unwrap());
        let open = network(grants.clone());
        let under_way: Vec<_> = (0..grants.limits.at_once())
            .map(|_| open.admit(request("http://h/"), &first(), &Reach::Granted).unwrap())
            .collect();
        assert!(matches!(
            open.admit(request("http://h/"), &first(), &Reach::Granted),
            Err(Error::InternalError(Some(_)))
        ));
        drop(under_way);
        assert!(open.admit(request("http://h/"), &call(grants.limits.in_a_call()), &Reach::Granted).is_ok());
        assert!(matches!(
            open.admit(request("http://h/"), &call(grants.limits.in_a_call() + 1), &Reach::Granted),
            Err(Error::InternalError(Some(_)))
        ));
        assert_eq!(open.take_violations(), [("http_requests_per_call", 1), ("http_requests_under_way", 1)]);
        grants.limits.requests_per_minute = Some(3);
        let limited = network(grants);
        for _ in 0..3 {
            assert!(limited.admit(request("http://h/"), &first(), &Reach::Granted).is_ok());
        }
        assert!(limited.admit(request("http://h/"), &first(), &Reach::Granted).is_err());
        assert_eq!(limited.take_violations(), [("http_requests_per_minute", 1)]);
        // A minute later.
        limited.recent.lock().unwrap().iter_mut().for_each(|then| *then -= Duration::from_secs(60));
        assert!(limited.admit(request("http://h/"), &first(), &Reach::Granted).is_ok());
    }

    /// A server that streams its received requests reveals neither secret to the plug.
    #[tokio::test]
    async fn a_response_in_progress_masks_later_secrets() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "first-t0ken").unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let mut head = vec![0; 4_096];
            let (mut streaming, _) = listener.accept().await.unwrap();
            let length = streaming.read(&mut head).await.unwrap();
            let first = head[..length].to_vec();
            streaming.write_all(b"HTTP/1.1 200 OK\r\n\r\nlog: ").await.unwrap();
            let (mut other, _) = listener.accept().await.unwrap();
            let length = other.read(&mut head).await.unwrap();
            other.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            streaming.write_all(&[&head[..length], &first].concat()).await.unwrap();
        });
        let mut own = OriginGrant::read(&url).unwrap();
        own.credential = Some("token".into());
        let mut grants = Grants::none();
        grants.origins.insert(own);
        grants.credentials.insert("token".into(), CredentialGrant::Bearer(SecretSource::File(path.clone())));
        let network = network(grants);
        let send = async || {
            let admitted = network.admit(request(&url), &first(), &Reach::Granted).ok().unwrap();
            network.send(admitted, RequestOptions::default()).await.unwrap()
        };
        let streaming = send().await;
        std::fs::write(&path, "second-t0ken").unwrap();
        tokio::time::sleep(crate::watched::CHECK_INTERVAL).await;
        send().await;
        let body = streaming.into_body().collect().await.unwrap().to_bytes();
        let log = String::from_utf8_lossy(&body).to_lowercase();
        assert!(log.contains("bearer ************\r") && log.contains("bearer ***********\r"), "{log}");
        assert!(!log.contains("t0ken"), "{log}");
    }

    #[tokio::test]
    async fn a_credential_is_sent_only_to_its_origin_and_replaces_the_plugs_own() {
        let mut grants = Grants::none().and("https://other.example".parse().unwrap());
        let mut own = OriginGrant::read("https://own.example/api").unwrap();
        own.credential = Some("token".into());
        grants.origins.insert(own);
        let source = SecretSource::Command(vec!["echo".into(), "h0st-t0ken".into()]);
        grants.credentials.insert("token".into(), CredentialGrant::Bearer(source));
        let network = network(grants);
        let sent = |uri: &str| {
            let mut request = request(uri);
            request.headers_mut().insert(header::AUTHORIZATION, "Bearer of-the-plug".parse().unwrap());
            let mut admitted = network.admit(request, &first(), &Reach::Granted).ok().unwrap();
            network.complete(&mut admitted, &network.keyring.latest());
            let all: Vec<_> = admitted.request.headers().get_all(header::AUTHORIZATION).iter().cloned().collect();
            all
        };
        assert_eq!(sent("https://own.example/api/x"), ["Bearer h0st-t0ken"]);
        assert!(sent("https://own.example/api/x")[0].is_sensitive());
        assert_eq!(sent("https://other.example/"), ["Bearer of-the-plug"]);
    }
}
