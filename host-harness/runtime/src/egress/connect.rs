//! Connections: resolves a name once, checks each address against the grants, and connects to one
//! that is allowed. There is no second lookup between check and connection.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::Empty;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;
use tracing::{debug, warn};
use url::Url;

use super::audit::Violations;
use super::failure::Failure;
use super::tls::Connectors;
use crate::grants::{Denial, Grants, Origin};

/// The connect timeout if the plug sets none.
pub(super) const CONNECT_TIME: Duration = Duration::from_secs(30);

tokio::task_local! {
    /// The connect timeout of the request that is being sent. The pool's interface cannot carry it.
    pub(super) static CONNECT_WITHIN: Option<Duration>;
}

/// A future that resolves a name.
pub(super) type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Resolves names; tests replace it.
pub(super) type Resolver = Arc<dyn Fn(String) -> Resolving + Send + Sync>;

/// The system's resolver.
pub(super) fn system_resolver() -> Resolver {
    Arc::new(|name| {
        Box::pin(async move {
            // The port does not matter to the lookup.
            Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.map(|address| address.ip()).collect())
        })
    })
}

/// Makes connections for the pool.
#[derive(Clone)]
pub(super) struct Connector(Arc<Inner>);

struct Inner {
    grants: Arc<Grants>,
    violations: Arc<Violations>,
    tls: Connectors,
    resolver: Resolver,
    /// The `Proxy-Authorization` header, if the proxy needs one.
    proxy_authorization: Option<HeaderValue>,
}

impl Connector {
    pub(super) fn new(
        grants: Arc<Grants>,
        violations: Arc<Violations>,
        tls: Connectors,
        resolver: Resolver,
        proxy_authorization: Option<HeaderValue>,
    ) -> Self {
        Self(Arc::new(Inner { grants, violations, tls, resolver, proxy_authorization }))
    }
}

/// Why connecting failed, in a form that the pool can carry.
#[derive(Debug)]
pub(super) struct NotConnected(pub(super) Failure);

impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for NotConnected {}

impl Service<Uri> for Connector {
    type Response = Link;
    type Error = NotConnected;
    type Future = Pin<Box<dyn Future<Output = Result<Link, NotConnected>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NotConnected>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let inner = Arc::clone(&self.0);
        // Read here, where the request's own task is the one that runs.
        let within = CONNECT_WITHIN.try_with(|within| *within).ok().flatten().unwrap_or(CONNECT_TIME);
        Box::pin(async move {
            let origin = Url::parse(&uri.to_string()).ok().as_ref().and_then(Origin::of);
            let origin = origin.ok_or(NotConnected(Failure::Protocol))?;
            match timeout(within, inner.connect(&origin, within)).await {
                Ok(outcome) => outcome.map_err(NotConnected),
                Err(_) => Err(NotConnected(Failure::ConnectionTimeout)),
            }
        })
    }
}

/// Whether requests for an origin go through the proxy. A proxy cannot reach this machine's
/// loopback.
pub(super) fn is_proxied(grants: &Grants, origin: &Origin) -> bool {
    let local = origin.host() == "localhost" || origin.address().is_some_and(|address| address.is_loopback());
    grants.proxy.is_some() && !local
}

impl Inner {
    async fn connect(&self, origin: &Origin, within: Duration) -> Result<Link, Failure> {
        let proxy = self.grants.proxy.as_ref().filter(|_| is_proxied(&self.grants, origin));
        if proxy.is_some() && !origin.is_https() {
            self.grants.allow_cleartext_proxy(origin).map_err(|denial| self.deny(&denial, origin))?;
        }
        let stream = match proxy {
            // The proxy's address is trusted; the proxy resolves the origin itself.
            Some(proxy) => self.reach(&proxy.origin, self.addresses(&proxy.origin).await?, within).await?,
            None => self.reach(origin, self.granted_addresses(origin).await?, within).await?,
        };
        if !origin.is_https() {
            return Ok(Link::plain(stream, proxy.is_some()));
        }
        if proxy.is_some() {
            let tunnel = self.tunnel(stream, origin).await?;
            return self.encrypt(tunnel, origin).await;
        }
        self.encrypt(stream, origin).await
    }

    async fn addresses(&self, origin: &Origin) -> Result<Vec<IpAddr>, Failure> {
        if let Some(address) = origin.address() {
            return Ok(vec![address]);
        }
        if let Some(addresses) = self.grants.hosts.get(origin.host()) {
            return Ok(addresses.clone());
        }
        match (self.resolver)(origin.host().to_owned()).await {
            Ok(addresses) if !addresses.is_empty() => Ok(addresses),
            Ok(_) => Err(Failure::UnknownHost),
            Err(error) => {
                debug!(%origin, %error, "the name does not resolve");
                Err(Failure::UnknownHost)
            }
        }
    }

    /// The allowed addresses of an origin; a denial if there are none.
    async fn granted_addresses(&self, origin: &Origin) -> Result<Vec<IpAddr>, Failure> {
        let mut denial: Option<Denial> = None;
        let mut granted = Vec::new();
        for address in self.addresses(origin).await? {
            let cleartext = || if origin.is_https() { Ok(()) } else { self.grants.allow_cleartext(origin, address) };
            match self.grants.allow_address(origin, address).and_then(|()| cleartext()) {
                Ok(()) => granted.push(address),
                Err(why) => denial = Some(why),
            }
        }
        if let Some(denial) = denial.filter(|_| granted.is_empty()) {
            return Err(self.deny(&denial, origin));
        }
        Ok(granted)
    }

    fn deny(&self, denial: &Denial, origin: &Origin) -> Failure {
        self.violations.deny(denial, &origin.to_string());
        match denial {
            Denial::Address { .. } => Failure::AddressProhibited,
            _ => Failure::Said(denial.to_string()),
        }
    }

    /// Connects to the first address that accepts; each gets its share of the timeout.
    async fn reach(&self, origin: &Origin, addresses: Vec<IpAddr>, within: Duration) -> Result<TcpStream, Failure> {
        let share = within / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let mut last = Failure::UnknownHost;
        for address in addresses {
            match timeout(share, TcpStream::connect(SocketAddr::new(address, origin.port()))).await {
                Ok(Ok(stream)) => {
                    // Requests are written as a whole, so Nagle's algorithm only adds latency.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => last = failure_of_io(&error),
                Err(_) => last = Failure::ConnectionTimeout,
            }
        }
        Err(last)
    }

    /// A tunnel through the proxy.
    async fn tunnel(&self, stream: TcpStream, origin: &Origin) -> Result<TokioIo<hyper::upgrade::Upgraded>, Failure> {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failure_of_error(&error))?;
        // Ends with the tunnel.
        tokio::spawn(connection.with_upgrades());
        let mut request = Request::connect(origin.authority()).header(header::HOST, origin.authority());
        if let Some(value) = &self.proxy_authorization {
            request = request.header(header::PROXY_AUTHORIZATION, value);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|_| Failure::Protocol)?;
        let response = sender.send_request(request).await.map_err(|error| failure_of_error(&error))?;
        if !response.status().is_success() {
            return Err(Failure::Proxy(response.status().as_u16()));
        }
        hyper::upgrade::on(response).await.map(TokioIo::new).map_err(|error| failure_of_error(&error))
    }

    async fn encrypt<S: Stream + 'static>(&self, stream: S, origin: &Origin) -> Result<Link, Failure> {
        let name = match origin.address() {
            Some(address) => ServerName::from(address),
            None => ServerName::try_from(origin.host().to_owned()).map_err(|_| Failure::UnknownHost)?,
        };
        let identity = self.grants.identity_of(origin);
        let tls = self.tls.get(identity).ok_or_else(|| Failure::Tls("unknown identity".into()))?;
        let stream = tls.connect(name, stream).await.map_err(|error| {
            let failure = failure_of_io(&error);
            warn!(%origin, "TLS handshake failed: {failure}");
            failure
        })?;
        let speaks_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Link { stream: TokioIo::new(Box::new(stream)), speaks_h2, through_proxy: false, uses: Uses::default() })
    }
}

/// The number of requests that have used a connection.
#[derive(Clone, Default)]
pub(super) struct Uses(Arc<AtomicUsize>);

impl Uses {
    /// Counts one more and returns the previous count.
    pub(super) fn count(&self) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// The stream of a connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection with what the pool needs to know.
pub(super) struct Link {
    stream: TokioIo<Box<dyn Stream>>,
    speaks_h2: bool,
    /// Whether a proxy reads the requests and so needs their absolute URL.
    through_proxy: bool,
    uses: Uses,
}

impl Link {
    fn plain(stream: TcpStream, through_proxy: bool) -> Self {
        Self { stream: TokioIo::new(Box::new(stream)), speaks_h2: false, through_proxy, uses: Uses::default() }
    }
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.through_proxy).extra(self.uses.clone());
        if self.speaks_h2 { connected.negotiated_h2() } else { connected }
    }
}

impl Read for Link {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
}

/// The failure behind an error of any layer: the innermost specific one.
pub(super) fn failure_of_error(error: &(dyn StdError + 'static)) -> Failure {
    let mut next = Some(error);
    let mut failure = Failure::Protocol;
    while let Some(error) = next {
        if let Some(NotConnected(failure)) = error.downcast_ref() {
            return failure.clone();
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return failure_of_io(error);
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
                failure = Failure::Terminated;
            } else if error.is_timeout() {
                failure = Failure::ReadTimeout;
            }
        }
        next = error.source();
    }
    failure
}

fn failure_of_io(error: &io::Error) -> Failure {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return match error {
            rustls::Error::InvalidCertificate(why) => Failure::Certificate(why.to_string()),
            rustls::Error::AlertReceived(alert) => Failure::TlsAlert(format!("{alert:?}")),
            other => Failure::Tls(other.to_string()),
        };
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::ConnectionRefused,
        io::ErrorKind::TimedOut => Failure::ConnectionTimeout,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::NetworkDown => Failure::Unroutable,
        _ => Failure::Terminated,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A connector whose lookups return these answers in turn, and the number of lookups.
    fn connector(grants: Grants, answers: &[&[&str]]) -> (Connector, Arc<AtomicUsize>) {
        let lookups = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&lookups);
        let read = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        let answers: Vec<Vec<IpAddr>> = answers.iter().map(read).collect();
        let resolver: Resolver = Arc::new(move |_| {
            let number = counted.fetch_add(1, Ordering::Relaxed);
            let addresses = answers[number.min(answers.len() - 1)].clone();
            Box::pin(async move { Ok(addresses) })
        });
        let grants = Arc::new(grants);
        let tls = super::super::keyring::Sources::open(Arc::clone(&grants)).unwrap().connectors().unwrap();
        (Connector::new(grants, Arc::default(), tls, resolver, None), lookups)
    }

    fn granted(url: &str) -> Grants {
        Grants::none().and(url.parse().unwrap())
    }

    async fn failure(connector: &Connector, url: &str) -> Option<Failure> {
        connector.clone().call(url.parse().unwrap()).await.err().map(|NotConnected(failure)| failure)
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_this_machine_is_denied() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://rebound.example:{}", listener.local_addr().unwrap().port());
        for addresses in [
            &[&["127.0.0.1"][..]],
            &[&["::1"][..]],
            &[&["::ffff:127.0.0.1"][..]],
            &[&["64:ff9b::7f00:1"][..]],
            &[&["0.0.0.0"][..]],
            &[&["169.254.169.254", "10.0.0.1", "fd00:ec2::254"][..]],
        ] {
            let (connector, _) = connector(granted(&url), addresses);
            assert_eq!(failure(&connector, &url).await, Some(Failure::AddressProhibited), "{addresses:?}");
            assert_eq!(connector.0.violations.take(), [("http_address", 1)]);
        }
        assert!(timeout(Duration::from_millis(50), listener.accept()).await.is_err(), "no connection");
    }

    #[tokio::test]
    async fn the_checked_address_is_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://rebound.example:{}", listener.local_addr().unwrap().port());
        // Nothing listens on the first address; a second lookup would return the listener's.
        let mut grants = granted(&url);
        grants.addresses.extend(["127.0.0.1", "127.0.0.2"].map(|address| address.parse().unwrap()));
        let (connector, lookups) = connector(grants, &[&["127.0.0.2"], &["127.0.0.1"]]);
        assert_eq!(failure(&connector, &url).await, Some(Failure::ConnectionRefused));
        assert_eq!(lookups.load(Ordering::Relaxed), 1);
        assert!(timeout(Duration::from_millis(50), listener.accept()).await.is_err(), "no connection");
    }

    #[tokio::test]
    async fn only_granted_addresses_are_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://two.example:{}", listener.local_addr().unwrap().port());
        let mut grants = granted(&url);
        grants.addresses.insert("127.0.0.1".parse().unwrap());
        let (connector, _) = connector(grants, &[&["10.0.0.1", "127.0.0.1"]]);
        assert_eq!(failure(&connector, &url).await, None);
        assert!(connector.0.violations.take().is_empty());
    }

    #[tokio::test]
    async fn a_name_with_addresses_in_the_grants_is_not_resolved() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://pinned.example:{}", listener.local_addr().unwrap().port());
        let mut grants = granted(&url);
        grants.hosts.insert("pinned.example".into(), vec!["127.0.0.1".parse().unwrap()]);
        let (refusing, lookups) = connector(grants.clone(), &[&["1.1.1.1"]]);
        assert_eq!(failure(&refusing, &url).await, Some(Failure::AddressProhibited), "a fixed address is not a grant");
        grants.addresses.insert("loopback".parse().unwrap());
        let (connector, _) = connector(grants, &[&["1.1.1.1"]]);
        assert_eq!(failure(&connector, &url).await, None);
        assert_eq!(lookups.load(Ordering::Relaxed), 0);
    }
}
