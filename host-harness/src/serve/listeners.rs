//! Where the server listens.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpListener, TcpStream};

#[cfg(unix)]
use super::unix::UnixSocket;

/// Where the server listens.
#[derive(Debug)]
pub struct Listeners {
    /// Addresses that Prometheus scrapes.
    pub tcp: Vec<TcpListener>,
    /// Sockets for processes of the same user.
    #[cfg(unix)]
    pub unix: Vec<UnixSocket>,
}

impl From<TcpListener> for Listeners {
    fn from(tcp: TcpListener) -> Self {
        Self {
            tcp: vec![tcp],
            #[cfg(unix)]
            unix: Vec::new(),
        }
    }
}

/// A new connection.
pub(super) enum Accepted {
    /// With the address of its client.
    Tcp(TcpStream, SocketAddr),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Listeners {
    /// The next connection. Connections on the first listener that has one are accepted before
    /// those on later ones; each is served by a task of its own, so that none has to wait for long.
    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        for listener in &self.tcp {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                return Poll::Ready(accepted.map(|(stream, peer)| Accepted::Tcp(stream, peer)));
            }
        }
        #[cfg(unix)]
        for socket in &self.unix {
            if let Poll::Ready(accepted) = socket.poll_accept(cx) {
                return Poll::Ready(accepted.map(Accepted::Unix));
            }
        }
        Poll::Pending
    }
}
