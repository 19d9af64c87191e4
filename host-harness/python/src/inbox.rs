//! Answers on their way to an event loop. Threads of the host never take the interpreter's lock:
//! they put an answer into the inbox of the loop and write a byte, and the loop takes it out.

use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use plugpipe_runtime::session::Waiting as Request;
use plugpipe_runtime::{Answer, Error};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::answer::response;
use crate::world::{generation, world};

type Outcome = Result<Answer, Error>;

/// A request that waits for servers.
#[pyclass(frozen, module = "plugpipe_host._native")]
pub(crate) struct Waiting {
    request: Mutex<Option<Request>>,
    generation: u64,
}

impl Waiting {
    pub(crate) fn new(request: Request) -> Self {
        Self { request: Mutex::new(Some(request)), generation: generation() }
    }

    fn take(&self) -> PyResult<Request> {
        let request = self.request.lock().unwrap_or_else(PoisonError::into_inner).take();
        let is_own = self.generation == generation();
        request.filter(|_| is_own).ok_or_else(|| PyRuntimeError::new_err("the request is from another process"))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.generation != generation() {
            // Of a process that forked this one: not even its end works here.
            std::mem::forget(self.request.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

/// The inbox of one event loop.
#[pyclass(frozen, module = "plugpipe_host._native")]
pub(crate) struct Inbox {
    read: UnixStream,
    shared: Arc<Shared>,
    /// Requests without an answer.
    waiting: Mutex<HashMap<u64, AbortHandle>>,
    next: AtomicU64,
    generation: u64,
}

struct Shared {
    answers: Mutex<Vec<(u64, Outcome)>>,
    write: UnixStream,
}

impl Shared {
    fn put(&self, token: u64, answer: Outcome) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.push((token, answer));
        if answers.len() == 1 {
            // One byte is enough, and where it does not fit the loop has others to wake it.
            let _ = (&self.write).write(&[0]);
        }
    }
}

#[pymethods]
impl Inbox {
    #[new]
    fn new() -> PyResult<Self> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        let shared = Arc::new(Shared { answers: Mutex::default(), write });
        Ok(Self { read, shared, waiting: Mutex::default(), next: AtomicU64::new(0), generation: generation() })
    }

    /// What the loop is to watch.
    fn fileno(&self) -> i32 {
        self.read.as_raw_fd()
    }

    /// Has the answer be put here; returns its token.
    fn expect(&self, waiting: &Waiting) -> PyResult<u64> {
        let request = waiting.take()?;
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::clone(&self.shared);
        let task = world()?.runtime().spawn(async move {
            let answer = request.answer().await;
            shared.put(token, answer);
        });
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(token, task.abort_handle());
        Ok(token)
    }

    /// Gives up an answer: its caller left.
    fn leave(&self, token: u64) {
        let left = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&token);
        match left {
            Some(task) if self.generation == generation() => task.abort(),
            Some(task) => std::mem::forget(task),
            None => {}
        }
    }

    /// Takes out the answers that are there, each with its token.
    fn drain<'py>(&self, py: Python<'py>) -> PyResult<Vec<(u64, Bound<'py, PyAny>)>> {
        let mut bytes = [0; 64];
        loop {
            match (&self.read).read(&mut bytes) {
                Ok(length) if length == bytes.len() => {}
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        let answers = std::mem::take(&mut *self.shared.answers.lock().unwrap_or_else(PoisonError::into_inner));
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        answers
            .into_iter()
            .map(|(token, answer)| {
                waiting.remove(&token);
                Ok((token, response(py, answer)?))
            })
            .collect()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let waiting = std::mem::take(self.waiting.get_mut().unwrap_or_else(PoisonError::into_inner));
        if self.generation == generation() {
            waiting.into_values().for_each(|task| task.abort());
        } else {
            std::mem::forget(waiting);
        }
    }
}
