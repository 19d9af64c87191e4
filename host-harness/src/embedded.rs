//! The plug embedded in this build.

use std::path::Path;

use plugpipe_component::{EMBEDDED, SHA256};
use plugpipe_runtime::{CompileLimits, Compiler, Error, Plug, compile};

/// The plug `monitoring_prometheus` that is embedded in this build.
///
/// # Errors
/// [`Error::Load`] if it cannot be compiled, which should not happen.
pub fn embedded() -> Result<Plug, Error> {
    Ok(Plug::from_digested("the embedded plug", EMBEDDED, SHA256)?.with_exposition_in_place())
}

/// Loads a component from a file and compiles it in a child process within `limits`. A file that
/// equals the embedded component, which is known to compile, needs no child process.
///
/// # Errors
/// [`Error::File`] if the file cannot be read, [`Error::Load`] if it is not a component of this
/// world, is too large, or exceeds `limits` while compiling.
pub fn load(path: &Path, limits: CompileLimits) -> Result<Plug, Error> {
    let bytes = compile::read(path, limits.component_bytes)?;
    if bytes == EMBEDDED {
        return embedded();
    }
    Plug::from_bytes_with(&path.display().to_string(), &bytes, Compiler::InChild(limits))
}
