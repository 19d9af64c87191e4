//! The connections of a served plug: how many there are, how long each may take to say what it wants, and how they end.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower_service::Service as _;
use tracing::{debug, warn};

use super::Options;

/// The longest request line and headers together.
const HEADER_BYTES: usize = 32 * 1024;

/// What is read ahead of a connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// The address of this machine that a request came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct CameTo(pub(super) IpAddr);

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
    loop {
        // Who comes when all places are taken waits in the system's queue.
        let has_room = open.len() < options.connections.max(1);
        let accepted = tokio::select! {
            () = &mut stop => break,
            Some(_) = open.join_next() => continue,
            accepted = listener.accept(), if has_room => accepted,
        };
        match accepted {
            Ok((stream, _)) => drop(open.spawn(converse(stream, router.clone(), options.header_time, told.clone()))),
            Err(error) => could_not_accept(&error).await,
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

/// Answers one request after the other, until either side has enough.
async fn converse(stream: TcpStream, router: Router, header_time: Duration, mut told: watch::Receiver<()>) {
    let Ok(came_to) = stream.local_addr() else { return };
    // Answers are written at once, each whole.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(CameTo(came_to.ip()));
        let mut router = router.clone();
        async move { Ok::<_, Infallible>(router.call(request.map(Body::new)).await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .max_header_size(HEADER_BYTES)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        _ = told.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        debug!("a connection ended: {error}");
    }
}
