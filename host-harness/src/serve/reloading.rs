//! Values from files that change while the server uses them.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use plugpipe_runtime::watched::{CHECK_INTERVAL, Source, Watched};

/// Reads a value. Also the files that it came from, watched since before they were read.
type Load<T> = Box<dyn FnMut() -> (Watched, Result<T, String>) + Send>;

/// A value from files. They are checked at most once per [`CHECK_INTERVAL`]; contents that are
/// invalid leave the previous value in use, which the log says once.
pub(super) struct Reloading<T> {
    place: &'static str,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    source: Source<T>,
    load: Load<T>,
    /// When the files were last checked.
    checked: Instant,
}

impl<T: Clone> Reloading<T> {
    /// Reads the value for the first time. `place` is what the log calls it.
    pub(super) fn open(place: &'static str, mut load: Load<T>) -> Result<Self, String> {
        let (files, value) = load();
        let source = Source { files, value: value? };
        Ok(Self { place, inner: Mutex::new(Inner { source, load, checked: Instant::now() }) })
    }

    /// The value of now.
    pub(super) fn current(&self) -> T {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.checked.elapsed() >= CHECK_INTERVAL {
            let Inner { source, load, checked } = &mut *inner;
            source.reload(self.place, load);
            *checked = Instant::now();
        }
        inner.source.value.clone()
    }

    /// Has the files checked at the next use.
    #[cfg(test)]
    pub(super) fn expire(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).checked -= CHECK_INTERVAL;
    }
}
