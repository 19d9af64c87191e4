//! A Unix socket beside the TCP listener, for processes of the same user.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll, ready};

use tokio::net::{UnixListener, UnixStream};
use tracing::warn;

/// A listener on a Unix socket.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    /// The file, if this created it.
    created: Option<Created>,
}

/// A socket file, removed when this is dropped.
#[derive(Debug)]
struct Created {
    path: PathBuf,
    /// Device and inode.
    file: (u64, u64),
    owner: u32,
}

impl UnixSocket {
    /// Listens on a new socket file, which only the process's user may use. The file of a server
    /// that has ended is replaced.
    ///
    /// # Errors
    /// The file exists and is no socket, or another server listens on it, or it cannot be created.
    pub fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the file exists and is not a socket"));
            }
            Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
                Ok(_) => return Err(io::Error::new(io::ErrorKind::AddrInUse, "another server listens on it")),
                Err(error) => return Err(error),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let created = std::fs::symlink_metadata(path)?;
        let file = (created.dev(), created.ino());
        Ok(Self { listener, created: Some(Created { path: path.to_owned(), file, owner: created.uid() }) })
    }

    /// A socket that another program, such as systemd, has created. Who may use it is what the
    /// permissions of its file say.
    pub(super) fn passed(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, created: None })
    }

    /// The next connection: if this created the file, of its owner or of root. Others, which may
    /// have connected before the file's permissions were set, are closed.
    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<UnixStream>> {
        loop {
            let (stream, _) = ready!(self.listener.poll_accept(cx))?;
            let Some(Created { path, owner, .. }) = &self.created else { return Poll::Ready(Ok(stream)) };
            let user = stream.peer_cred()?.uid();
            if user == *owner || user == 0 {
                return Poll::Ready(Ok(stream));
            }
            warn!("{}: closed a connection of user {user}, who does not own the socket", path.display());
        }
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        // Another server may have replaced it.
        let is_own = |found: std::fs::Metadata| (found.dev(), found.ino()) == self.file;
        if std::fs::symlink_metadata(&self.path).is_ok_and(is_own) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
