//! The native part of the Python package `plugpipe_host`: the runtime with the embedded plug, for
//! Python programs.
//!
//! | module | purpose |
//! |---|---|
//! | `plug` | `Plug`: a component with its settings, and its sessions |
//! | `settings` | configuration, grants, limits, state and recordings, as Python says them |
//! | `convert` | Python objects to JSON and back |
//! | `answer` | what `process` returns |
//! | `inbox` | answers on their way to an event loop |
//! | `world` | what belongs to one process: threads, the compiled plug; forks |
//!
//! The package's Python files are in `plugpipe_host/`.

#![deny(missing_docs)]

mod answer;
mod convert;
mod inbox;
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
    use crate::plug::Plug;

    /// To be called in the child of a fork.
    #[pyfunction]
    fn forked() {
        crate::world::forked();
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
