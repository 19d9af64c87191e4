//! Where the server listens.

use tokio::net::TcpListener;

#[cfg(unix)]
use super::unix::UnixSocket;

/// Where the server listens.
#[derive(Debug)]
pub struct Listeners {
    /// The address that Prometheus scrapes.
    pub tcp: TcpListener,
    /// A socket for processes of the same user.
    #[cfg(unix)]
    pub unix: Option<UnixSocket>,
}

impl From<TcpListener> for Listeners {
    fn from(tcp: TcpListener) -> Self {
        Self {
            tcp,
            #[cfg(unix)]
            unix: None,
        }
    }
}
