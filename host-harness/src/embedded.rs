//! The plug embedded in this build.

use std::path::Path;

use plugpipe_component::{EMBEDDED, EXAMPLE, EXAMPLE_SHA256, PRECOMPILED, SHA256};
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

/// The name of the example plug that is embedded too.
pub const EXAMPLE_NAME: &str = "data_processor";

/// The example plug `data_processor`, which counts the records of a text.
///
/// # Errors
/// [`Error::Load`] if this build has none.
pub fn embedded_example() -> Result<Plug, Error> {
    let name = format!("the embedded example {EXAMPLE_NAME}");
    if EXAMPLE.is_empty() {
        let problem = "this build embeds none; load one with --plug data_processor=FILE.wasm".into();
        return Err(Error::Load { plug: name, problem });
    }
    Plug::from_digested(&name, EXAMPLE, EXAMPLE_SHA256)
}

/// Loads a component from a file, or a core module that holds its world, and compiles it in a child
/// process within `limits`. A file that equals the embedded component, which is known to compile,
/// needs no child process.
///
/// # Errors
/// [`Error::File`] if the file cannot be read, [`Error::Load`] if it is not a component of this
/// world, is too large, or exceeds `limits` while compiling.
pub fn load(path: &Path, limits: CompileLimits) -> Result<Plug, Error> {
    let bytes = compile::read(path, limits.component_bytes)?;
    if bytes == EMBEDDED {
        return embedded();
    }
    let name = path.display().to_string();
    let bytes = if bytes.starts_with(MODULE) { component_of(&name, &bytes)? } else { bytes };
    Plug::from_bytes_with(&name, &bytes, Compiler::InChild(limits))
}

/// How a core module begins, where a component has another number.
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// Makes a component of a core module that holds its world, as `cargo build` writes it for
/// `wasm32-unknown-unknown`.
fn component_of(name: &str, module: &[u8]) -> Result<Vec<u8>, Error> {
    let encoded = wit_component::ComponentEncoder::default().validate(true).module(module);
    encoded.and_then(|mut encoder| encoder.encode()).map_err(|error| Error::Load {
        plug: name.to_owned(),
        problem: format!("it is a core module that cannot be made a component: {error:#}"),
    })
}
