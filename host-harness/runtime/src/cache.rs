//! Compiled components on disk, so that only the first start pays for the compiler.
//!
//! A compiled component is machine code that will run with the host's rights. So the folder must belong to the user alone; where it
//! cannot be made so, nothing is cached and the component is compiled each time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tracing::{debug, warn};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compile::Compiler;
use crate::private;

/// Names the folder, for those who want it elsewhere. An empty value turns the cache off.
const VARIABLE: &str = "PLUGPIPE_CACHE_DIR";

/// Loads the component from the cache, or compiles it and leaves it there. `sha256` is the digest of `bytes`, in hex.
pub(crate) fn load(engine: &Engine, bytes: &[u8], sha256: &str, compiler: Compiler) -> wasmtime::Result<Component> {
    let Some(folder) = folder() else { return compiler.compile(engine, bytes) };
    let path = folder.join(format!("{sha256}-{:016x}.cwasm", compatibility(engine)));
    // Several processes that start at once: one compiles, the others wait for what it leaves. Without the lock (a file system that
    // has none) each compiles for itself, which is only slower.
    let lock = private::options().create(true).truncate(false).write(true).open(folder.join("lock")).ok();
    if let Some(lock) = lock.as_ref().filter(|_| !path.is_file()) {
        let _ = lock.lock();
    }
    if path.is_file() {
        // SAFETY: the file must have been made by wasmtime's compiler and not changed since. Its
        // folder belongs to this user and is closed to all others (`private::folder`), files get
        // there whole by a rename (`store`), and the name holds the digest of the component and the
        // hash of compiler and settings. Whoever can write there can already act as this user.
        match unsafe { Component::deserialize_file(engine, &path) } {
            Ok(component) => return Ok(component),
            Err(error) => {
                debug!(%error, path = %path.display(), "the compiled component is of no use; compiling again")
            }
        }
    }
    let component = compiler.compile(engine, bytes)?;
    if let Err(error) = store(&folder, &path, &component) {
        warn!(%error, path = %path.display(), "the compiled component could not be kept");
    }
    Ok(component)
}

/// The cache's folder, made if need be; none if there is no private place for it.
fn folder() -> Option<PathBuf> {
    let folder = match std::env::var_os(VARIABLE) {
        Some(path) if path.is_empty() => return None,
        Some(path) => PathBuf::from(path),
        None => std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))?
            .join("plugpipe-harness"),
    };
    if let Err(error) = private::folder(&folder) {
        warn!(folder = %folder.display(), %error, "not used as cache; {VARIABLE} names another folder");
        return None;
    }
    Some(folder)
}

fn store(folder: &Path, path: &Path, component: &Component) -> Result<(), Box<dyn std::error::Error>> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&component.serialize()?)?;
    file.persist(path)?;
    Ok(())
}

/// Changes with the compiler's version and settings.
fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}
