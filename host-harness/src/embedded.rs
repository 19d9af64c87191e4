//! The plug that this build carries.

use std::path::Path;

use plugpipe_component::{EMBEDDED, SHA256};
use plugpipe_runtime::{CompileLimits, Compiler, Error, Plug, compile};

/// The plug `monitoring_prometheus` that this build carries.
///
/// # Errors
/// [`Error::Load`] if it cannot be compiled, which should not happen.
pub fn embedded() -> Result<Plug, Error> {
    Ok(Plug::from_digested("the embedded plug", EMBEDDED, SHA256)?.with_exposition_in_place())
}

/// A component from a file, compiled in a child process within `limits`. The embedded component is
/// known to compile, so it needs no child, wherever it was read from.
///
/// # Errors
/// [`Error::File`] if the file cannot be read, [`Error::Load`] if it is no component of this world,
/// too long, or takes more to compile than `limits` allow.
pub fn load(path: &Path, limits: CompileLimits) -> Result<Plug, Error> {
    let bytes = compile::read(path, limits.component_bytes)?;
    if bytes == EMBEDDED {
        return embedded();
    }
    Plug::from_bytes_with(&path.display().to_string(), &bytes, Compiler::InChild(limits))
}
