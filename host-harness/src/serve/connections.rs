//! Connection handling of the server: limits, timeouts and graceful shutdown.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
#[cfg(unix)]
use std::net::Ipv4Addr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Sleep, sleep};
use tower_service::Service as _;
use tracing::{debug, warn};

use super::listeners::{Accepted, Listeners};
use super::options::Options;
use super::web_config::{Tls, WebConfig};
use super::writers::{ConnectionWriters, LiveWriters};

/// Maximum size of the request line and headers.
const HEADER_BYTES: usize = 32 * 1024;

/// Maximum size of a connection's read buffer.
const BUFFER_BYTES: usize = 64 * 1024;

/// What is known of a request's connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connected {
    pub(super) local_address: IpAddr,
    /// Whether the client has shown a certificate that an authority of the web configuration
    /// signed; none without TLS.
    pub(super) certificate: Option<bool>,
}

/// Number of connections beyond [`Options::connections`] and [`Options::connections_per_peer`] that
/// serve only liveness probes. A new one replaces the oldest: probes send their request immediately
/// and are served before that.
const RESERVED: usize = 16;

/// Header timeout of reserved connections.
const RESERVED_HEADER_TIME: Duration = Duration::from_secs(1);

/// Bounds for draining a request after the last response. If the connection is closed while the
/// client is still sending, the client may lose the response.
const LINGER_TIME: Duration = Duration::from_secs(1);
const MAX_LINGER_LEN: usize = 256 * 1024;

/// Marks requests on reserved connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reserved;

/// Counts open connections.
#[derive(Debug, Default)]
struct ConnectionCounts {
    total: usize,
    peers: HashMap<Peer, usize>,
}

/// The address of a client; none on a Unix socket.
type Peer = Option<IpAddr>;

/// A counted connection, until this is dropped.
struct ConnectionPermit(Arc<Mutex<ConnectionCounts>>, Peer);

impl ConnectionPermit {
    /// Returns none if the total or the peer's limit is reached.
    fn acquire(counts: &Arc<Mutex<ConnectionCounts>>, peer: Peer, options: &Options) -> Option<Self> {
        let mut current = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let own = current.peers.get(&peer).copied().unwrap_or(0);
        if current.total >= options.connections.max(1) || own >= options.connections_per_peer.max(1) {
            return None;
        }
        current.total += 1;
        current.peers.insert(peer, own + 1);
        Some(Self(Arc::clone(counts), peer))
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total = counts.total.saturating_sub(1);
        if let Some(own) = counts.peers.get_mut(&self.1) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                counts.peers.remove(&self.1);
            }
        }
    }
}

/// Serves connections until `stop` completes, then waits for pending requests up to `stop_time`.
pub(super) async fn serve(
    listeners: Listeners,
    router: Router,
    writers: &Arc<LiveWriters>,
    options: &Options,
    stop: impl Future<Output = ()> + Send,
) {
    let mut stop = pin!(stop);
    let (ending, stopped) = watch::channel(());
    let mut open = JoinSet::new();
    let (counts, mut reserved) = (Arc::<Mutex<ConnectionCounts>>::default(), VecDeque::new());
    let times = Times { header: options.header_time, write: options.write_time };
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            Some(_) = open.join_next() => continue,
            accepted = accept(&listeners) => accepted,
        };
        let (stream, peer, local_address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                accept_failed(&error).await;
                continue;
            }
        };
        let permit = ConnectionPermit::acquire(&counts, peer, options);
        let is_reserved = permit.is_none();
        let connected = Connected { local_address, certificate: None };
        let mut connection =
            Connection { router: router.clone(), connected, times, permit, writers: writers.connect() };
        if is_reserved {
            debug!(?peer, "connection limit reached; only liveness probes are served");
            connection.times.header = times.header.min(RESERVED_HEADER_TIME);
            if reserved.len() == RESERVED {
                reserved.pop_front().inspect(AbortHandle::abort);
            }
        }
        let task = match stream {
            Stream::Tcp(stream) => {
                let tls = options.web.as_ref().map(WebConfig::contents).and_then(|web| web.tls.clone());
                open.spawn(connection.serve_tcp(stream, tls, stopped.clone()))
            }
            #[cfg(unix)]
            Stream::Unix(stream) => open.spawn(connection.serve(stream, stopped.clone())),
        };
        if is_reserved {
            reserved.push_back(task);
        }
    }
    drop(listeners);
    drop(ending);
    let all = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(options.stop_time, all).await.is_err() {
        warn!("{} connections did not end within {:?} and are closed", open.len(), options.stop_time);
        open.shutdown().await;
    }
}

/// A connection's stream.
enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// The next connection, with the address of its client and its own.
async fn accept(listeners: &Listeners) -> io::Result<(Stream, Peer, IpAddr)> {
    match poll_fn(|cx| listeners.poll_accept(cx)).await? {
        Accepted::Tcp(stream, peer) => {
            let local_address = stream.local_addr()?.ip();
            // Responses are written as a whole, so Nagle's algorithm only adds latency.
            let _ = stream.set_nodelay(true);
            Ok((Stream::Tcp(stream), Some(peer.ip().to_canonical()), local_address))
        }
        #[cfg(unix)]
        Accepted::Unix(stream) => Ok((Stream::Unix(stream), None, Ipv4Addr::LOCALHOST.into())),
    }
}

/// Waits before the next accept, because the likely cause is too many open files.
async fn accept_failed(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        warn!("cannot accept a connection: {error}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Client timeouts.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// For receiving the request headers.
    header: Duration,
    /// For each write to make progress.
    write: Duration,
}

/// A connection to serve.
struct Connection {
    router: Router,
    connected: Connected,
    times: Times,
    /// Without one, only liveness probes are served.
    permit: Option<ConnectionPermit>,
    writers: Arc<ConnectionWriters>,
}

impl Connection {
    /// Serves its requests, with TLS if the server has it.
    async fn serve_tcp(mut self, stream: TcpStream, tls: Option<Tls>, mut stopped: watch::Receiver<()>) {
        let Some(tls) = tls else { return self.serve(stream, stopped).await };
        let accepted = tokio::select! {
            accepted = tokio::time::timeout(self.times.header, tls.acceptor.accept(stream)) => accepted,
            _ = stopped.changed() => return,
        };
        match accepted {
            Ok(Ok(stream)) => {
                let (_, session) = stream.get_ref();
                self.connected.certificate = Some(session.peer_certificates().is_some());
                self.serve(stream, stopped).await;
            }
            Ok(Err(error)) => debug!("TLS handshake failed: {error}"),
            Err(_) => debug!("TLS handshake not completed within {:?}", self.times.header),
        }
    }

    /// Serves its requests.
    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin, mut stopped: watch::Receiver<()>) {
        let Self { router, connected, times, permit, writers } = self;
        let is_reserved = permit.is_none();
        let service = service_fn(|mut request: Request<Incoming>| {
            let extensions = request.extensions_mut();
            extensions.insert(connected);
            extensions.insert(Arc::clone(&writers));
            if is_reserved {
                extensions.insert(Reserved);
            }
            let mut router = router.clone();
            Box::pin(async move {
                Ok::<_, Infallible>(router.call(request.map(Body::new)).await.unwrap_or_else(|never| match never {}))
            })
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(times.header)
            .max_header_size(HEADER_BYTES)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(WriteTimeout::new(stream, times.write)), service);
        let outcome = tokio::select! {
            outcome = poll_fn(|cx| connection.poll_without_shutdown(cx)) => outcome,
            _ = stopped.changed() => {
                Pin::new(&mut connection).graceful_shutdown();
                poll_fn(|cx| connection.poll_without_shutdown(cx)).await
            }
        };
        match outcome {
            Ok(()) => {
                let mut stream = connection.into_parts().io.into_inner();
                let _ = tokio::time::timeout(LINGER_TIME, linger(&mut stream)).await;
            }
            Err(error) => debug!("connection error: {error}"),
        }
        drop(permit);
    }
}

/// Shuts down the write side and drains what the client is still sending.
async fn linger(stream: &mut WriteTimeout<impl AsyncRead + AsyncWrite + Unpin>) -> io::Result<()> {
    stream.shutdown().await?;
    let (mut left, mut buffer) = (MAX_LINGER_LEN, [0; 4_096]);
    while left > 0 {
        match stream.read(&mut buffer).await? {
            0 => break,
            length => left = left.saturating_sub(length),
        }
    }
    Ok(())
}

/// A stream with a timeout for writes that make no progress.
struct WriteTimeout<S> {
    stream: S,
    time: Duration,
    /// Set while a write is pending.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteTimeout<S> {
    fn new(stream: S, time: Duration) -> Self {
        Self { stream, time, timer: None }
    }

    fn check_timeout<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.timer = None;
            return outcome;
        }
        let time = self.time;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(time)));
        timer
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read the response")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.check_timeout(cx, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.check_timeout(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.check_timeout(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.check_timeout(cx, outcome)
    }
}
