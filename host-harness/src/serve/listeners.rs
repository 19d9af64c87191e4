//! Where the server listens.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::{FromRawFd as _, OwnedFd};
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

#[cfg(unix)]
use socket2::Socket;
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

#[cfg(unix)]
impl Listeners {
    /// The listening sockets that systemd has passed to this process (`LISTEN_FDS`), and what to
    /// call each: its name (`FileDescriptorName=`) and address. None if it has passed none.
    ///
    /// # Errors
    /// Text that begins with the name of a socket that is not one to serve on.
    pub fn from_systemd() -> Result<(Self, Vec<String>), String> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let passed = sd_notify::listen_fds_with_names().map_err(|error| format!("LISTEN_FDS: {error}"))?;
        if TAKEN.swap(true, Ordering::AcqRel) {
            return Err("LISTEN_FDS: the sockets are already in use".into());
        }
        let (mut listeners, mut names) = (Self { tcp: Vec::new(), unix: Vec::new() }, Vec::new());
        for (descriptor, name) in passed {
            // SAFETY: by the protocol, this process alone owns the descriptors; `TAKEN` keeps a
            // second call from taking them too, and nothing else in this program does. They are
            // open: `listen_fds_with_names` has changed their flags.
            let socket = Socket::from(unsafe { OwnedFd::from_raw_fd(descriptor) });
            let address = listeners.add(socket).map_err(|error| format!("{name}: {error}"))?;
            names.push(format!("{address} ({name})"));
        }
        Ok((listeners, names))
    }

    /// Adds a socket. Its address.
    fn add(&mut self, socket: Socket) -> io::Result<String> {
        if !socket.is_listener()? {
            let problem = "expected a listening stream socket (ListenStream= with Accept=no)";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        if address.is_unix() {
            self.unix.push(UnixSocket::passed(OwnedFd::from(socket).into())?);
            return Ok(address.as_pathname().map_or_else(|| "a Unix socket".into(), |path| path.display().to_string()));
        }
        let address = address
            .as_socket()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "expected a TCP or Unix socket"))?;
        self.tcp.push(TcpListener::from_std(OwnedFd::from(socket).into())?);
        Ok(address.to_string())
    }
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
