//! The plug embedded in this build.

use std::path::Path;

use plugpipe_component::{EMBEDDED, PRECOMPILED, SHA256};
use plugpipe_runtime::{CompileLimits, Compiler, Error, Plug, compile};
use tracing::warn;

/// Its name in errors.
const NAME: &str = "the embedded plug";

/// The plug `monitoring_prometheus` that is embedded in this build.
///
/// # Errors
/// [`Error::Load`] if it cannot be compiled, which should not happen.
pub fn embedded() -> Result<Plug, Error> {
    let precompiled = PRECOMPILED.and_then(|compiled| {
        // SAFETY: the build script embedded these bytes in this program, where nothing can change
        // them, under the digest of the component; `cargo xtask image` has made them with
        // `compile::child`. Whoever builds with other bytes could as well change this code.
        let plug = unsafe { Plug::from_compiled(NAME, EMBEDDED, SHA256, compiled) };
        plug.inspect_err(|error| warn!(%error, "cannot use the precompiled plug; compiling it")).ok()
    });
    let plug = precompiled.map_or_else(|| Plug::from_digested(NAME, EMBEDDED, SHA256), Ok)?;
    Ok(plug.with_exposition_in_place())
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
