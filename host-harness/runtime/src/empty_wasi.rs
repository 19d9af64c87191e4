//! Empty implementations of the interfaces that language runtimes import whatever a plug's world
//! says: no environment, no arguments, no folders, no network. Output goes to the log.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWrite;
use tracing::{info, warn};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{OutputStream, StreamResult};

use crate::printable;
use crate::role::Role;

/// The packages whose interfaces are empty.
const PACKAGES: [&str; 4] = ["wasi:cli/", "wasi:filesystem/", "wasi:random/", "wasi:sockets/"];

/// Maximum number of bytes that a call may write to its log.
const MAX_OUTPUT: usize = 64 * 1024;

/// Maximum length of a line of the log.
const MAX_LINE: usize = 4 * 1024;

/// Maximum number of random bytes that a plug gets at once.
const MAX_RANDOM: u64 = 64 * 1024;

/// Whether an import is one of those that have an empty implementation.
pub(crate) fn is_empty(import: &str) -> bool {
    PACKAGES.iter().any(|package| import.starts_with(package))
}

/// What an instance has of these interfaces; made when it first uses one.
pub(crate) struct Empty {
    role: Role,
    /// The component, as the log names it.
    plug: Arc<str>,
    context: Option<Box<WasiCtx>>,
    /// How much the running call may still write.
    left: Arc<AtomicUsize>,
}

impl Empty {
    pub(crate) fn new(role: Role, plug: &Arc<str>) -> Self {
        Self { role, plug: Arc::clone(plug), context: None, left: Arc::new(AtomicUsize::new(MAX_OUTPUT)) }
    }

    /// Prepares the next call.
    pub(crate) fn begin(&self) {
        self.left.store(MAX_OUTPUT, Ordering::Relaxed);
    }

    pub(crate) fn context(&mut self) -> &mut WasiCtx {
        let Self { role, plug, context, left } = self;
        context.get_or_insert_with(|| Box::new(make(*role, plug, left)))
    }
}

fn make(role: Role, plug: &Arc<str>, left: &Arc<AtomicUsize>) -> WasiCtx {
    let output = |is_error| Output { plug: Arc::clone(plug), is_error, left: Arc::clone(left) };
    let mut builder = WasiCtxBuilder::new();
    builder
        .stdout(output(false))
        .stderr(output(true))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(MAX_RANDOM);
    if role == Role::Recorder {
        // A replay of its calls must end where they did: the only randomness is a moment's seed.
        builder
            .secure_random(Deterministic::new(same_bytes()))
            .insecure_random(Deterministic::new(same_bytes()))
            .insecure_random_seed(0);
    }
    builder.build()
}

/// Bytes that look random and are the same each time.
fn same_bytes() -> Vec<u8> {
    (0..128_u32).flat_map(|block| Sha256::digest(block.to_le_bytes())).collect()
}

/// Standard output or standard error.
struct Output {
    plug: Arc<str>,
    is_error: bool,
    left: Arc<AtomicUsize>,
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.lines())
    }

    /// Never waits, so that a recorder may write too.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.lines())
    }
}

impl Output {
    fn lines(&self) -> Lines {
        let Self { plug, is_error, left } = self;
        Lines { plug: Arc::clone(plug), is_error: *is_error, left: Arc::clone(left), line: Vec::new() }
    }
}

/// Output on its way to the log, line by line.
struct Lines {
    plug: Arc<str>,
    is_error: bool,
    left: Arc<AtomicUsize>,
    /// The line that has no end yet.
    line: Vec<u8>,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        let take = |left: usize| Some(left.saturating_sub(bytes.len()));
        let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).unwrap_or_default();
        if left == 0 {
            return;
        }
        let fits = bytes.get(..left).unwrap_or(bytes);
        for &byte in fits {
            if byte == b'\n' || self.line.len() >= MAX_LINE {
                self.log();
            }
            if byte != b'\n' {
                self.line.push(byte);
            }
        }
        if left <= bytes.len() {
            warn!(plug = &*self.plug, "wrote more than {MAX_OUTPUT} bytes in one call; the rest is dropped");
        }
    }

    fn log(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = printable::line(line.trim_end());
        match self.is_error {
            _ if line.is_empty() => {}
            true => warn!(plug = &*self.plug, "stderr: {line}"),
            false => info!(plug = &*self.plug, "stdout: {line}"),
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.log();
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_OUTPUT)
    }
}

impl AsyncWrite for Lines {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
