//! The connections of a served plug: how many there are, how long each may take to say what it
//! wants, and how they end.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Sleep, sleep};
use tower_service::Service as _;
use tracing::{debug, warn};

use super::options::Options;

/// The longest request line and headers together.
const HEADER_BYTES: usize = 32 * 1024;

/// What is read ahead of a connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// The address of this machine that a request came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct CameTo(pub(super) IpAddr);

/// Connections beyond [`Options::connections`] and [`Options::connections_per_peer`], on which only
/// liveness is answered. The oldest goes where one more comes: a probe sends its request at once,
/// and is answered before that.
const RESERVED: usize = 16;

/// How long a reserved connection may take until its request's headers are there.
const RESERVED_HEADER_TIME: Duration = Duration::from_secs(1);

/// How long a client may go on sending once its last response is written, and how many bytes of
/// that are read: one that is still sending when the connection is closed may lose the response.
const LINGER_TIME: Duration = Duration::from_secs(1);
const MAX_LINGER_LEN: usize = 256 * 1024;

/// Marks requests on connections beyond the bounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reserved;

/// Who is connected.
#[derive(Debug, Default)]
struct Places {
    total: usize,
    peers: HashMap<IpAddr, usize>,
}

/// A place that is taken, until this is dropped.
struct Place(Arc<Mutex<Places>>, IpAddr);

impl Place {
    /// None where all are taken, or this peer has its share.
    fn take(places: &Arc<Mutex<Places>>, peer: IpAddr, options: &Options) -> Option<Self> {
        let mut taken = places.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.peers.get(&peer).copied().unwrap_or(0);
        if taken.total >= options.connections.max(1) || own >= options.connections_per_peer.max(1) {
            return None;
        }
        taken.total += 1;
        taken.peers.insert(peer, own + 1);
        Some(Self(Arc::clone(places), peer))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.total = taken.total.saturating_sub(1);
        if let Some(own) = taken.peers.get_mut(&self.1) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.peers.remove(&self.1);
            }
        }
    }
}

/// Answers until `stop` is ready, and then what was asked before, as long as `options` allow.
pub(super) async fn answer(
    listener: TcpListener,
    router: Router,
    options: &Options,
    stop: impl Future<Output = ()> + Send,
) {
    let mut stop = pin!(stop);
    let (ending, told) = watch::channel(());
    let mut open = JoinSet::new();
    let (places, mut reserved) = (Arc::<Mutex<Places>>::default(), VecDeque::new());
    let times = Times { header: options.header_time, write: options.write_time };
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            Some(_) = open.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, peer.ip().to_canonical()),
            Err(error) => {
                could_not_accept(&error).await;
                continue;
            }
        };
        if let Some(place) = Place::take(&places, peer, options) {
            open.spawn(converse(stream, router.clone(), times, Some(place), told.clone()));
        } else {
            debug!(%peer, "no place is left for this connection; only liveness is answered on it");
            let times = Times { header: times.header.min(RESERVED_HEADER_TIME), ..times };
            if reserved.len() == RESERVED {
                reserved.pop_front().inspect(AbortHandle::abort);
            }
            reserved.push_back(open.spawn(converse(stream, router.clone(), times, None, told.clone())));
        }
    }
    drop(listener);
    drop(ending);
    let all = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(options.stop_time, all).await.is_err() {
        warn!("{} connections had not ended after {:?} and are cut off", open.len(), options.stop_time);
        open.shutdown().await;
    }
}

/// Too many open files, most likely, and no fewer at once.
async fn could_not_accept(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        warn!("a connection cannot be accepted: {error}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// Until a request's headers are there.
    header: Duration,
    /// Until it takes a byte of what is written.
    write: Duration,
}

/// Answers one request after the other, until either side has enough. Without a place only liveness
/// is answered.
async fn converse(
    stream: TcpStream,
    router: Router,
    times: Times,
    place: Option<Place>,
    mut told: watch::Receiver<()>,
) {
    let Ok(came_to) = stream.local_addr() else { return };
    // Answers are written at once, each whole.
    let _ = stream.set_nodelay(true);
    let is_reserved = place.is_none();
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(CameTo(came_to.ip()));
        if is_reserved {
            request.extensions_mut().insert(Reserved);
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
        .serve_connection(TokioIo::new(Stalling::new(stream, times.write)), service);
    let outcome = tokio::select! {
        outcome = poll_fn(|cx| connection.poll_without_shutdown(cx)) => outcome,
        _ = told.changed() => {
            Pin::new(&mut connection).graceful_shutdown();
            poll_fn(|cx| connection.poll_without_shutdown(cx)).await
        }
    };
    match outcome {
        Ok(()) => {
            let mut stream = connection.into_parts().io.into_inner();
            let _ = tokio::time::timeout(LINGER_TIME, linger(&mut stream)).await;
        }
        Err(error) => debug!("a connection ended: {error}"),
    }
    drop(place);
}

/// Says that nothing more is written, and reads what the client had sent before it knew.
async fn linger(stream: &mut Stalling<TcpStream>) -> io::Result<()> {
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

/// A stream on which a write that makes no progress for too long is an error.
struct Stalling<S> {
    stream: S,
    time: Duration,
    /// Runs while a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Stalling<S> {
    fn new(stream: S, time: Duration) -> Self {
        Self { stream, time, waiting: None }
    }

    fn watch<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let time = self.time;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(time)));
        waiting.as_mut().poll(cx).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalling<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(cx, outcome)
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
        self.watch(cx, outcome)
    }
}
