//! The native part of the Python package `plugpipe_host`: the runtime with the embedded plug, for
//! Python programs.
//!
//! | module | purpose |
//! |---|---|
//! | `plug` | `Plug`: a component with its settings, and its sessions |
//! | `metrics` | metrics by handle: families and their series |
//! | `buffer` | increments that are handed over together |
//! | `settings` | configuration, grants, limits, state and recordings, as Python says them |
//! | `convert` | Python objects to JSON and back |
//! | `answer` | what `process` returns |
//! | `inbox` | answers on their way to an event loop |
//! | `world` | what belongs to one process: threads, the compiled plug; forks |
//!
//! The package's Python files are in `plugpipe_host/`.

#![deny(missing_docs)]

mod answer;
mod buffer;
mod convert;
mod inbox;
mod metrics;
mod plug;
mod settings;
mod world;

use pyo3::prelude::*;

/// The native part of the package.
#[pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::inbox::{Inbox, Waiting};
    #[pymodule_export]
    use crate::metrics::{Metric, Series};
    #[pymodule_export]
    use crate::plug::Plug;

    /// To be called before a fork.
    #[pyfunction]
    fn before_fork(py: Python<'_>) {
        py.detach(crate::world::before_fork);
    }

    /// To be called after a fork in the parent.
    #[pyfunction]
    fn after_fork() {
        crate::world::after_fork();
    }

    /// To be called after a fork in the child.
    #[pyfunction]
    fn forked() {
        crate::world::forked();
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::log();
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

/// Logs warnings of the host to stderr, such as a request that no grant allows. `PLUGPIPE_LOG` says
/// more or less, as `debug` or `off`.
fn log() {
    let filter = std::env::var("PLUGPIPE_LOG").unwrap_or_else(|_| "warn,plugpipe_runtime::cache=info".into());
    // A process may have a subscriber already; then that one is told.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
