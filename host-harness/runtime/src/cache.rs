//! A cache of compiled components on disk, so that a component is compiled only once.
//!
//! A compiled component is machine code that runs with the host's privileges. So the folder must be
//! private to the user; otherwise nothing is cached and each start compiles the component.

use std::fmt::Display;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

use tracing::{debug, info, warn};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compile::Compiler;
use crate::private;

/// Overrides the cache folder. An empty value disables the cache.
const VARIABLE: &str = "PLUGPIPE_CACHE_DIR";

/// The compilation time of this project's plug, if it is long.
const TIME: &str = if cfg!(debug_assertions) { ", about half a minute in a debug build" } else { "" };

/// Loads the component from the cache, or compiles and caches it. `sha256` is the digest of
/// `bytes`, in hex. Logs the start of a compilation, and once per process that the result cannot be
/// cached.
pub(crate) fn load(engine: &Engine, bytes: &[u8], sha256: &str, compiler: Compiler) -> wasmtime::Result<Component> {
    let Some(folder) = folder() else {
        announce(bytes, "not cached");
        return compiler.compile(engine, bytes);
    };
    let path = folder.join(format!("{sha256}-{:016x}.cwasm", compatibility(engine)));
    // If several processes start concurrently, one compiles and the others wait for its result. On
    // file systems without locks each process compiles, which is only slower.
    let lock = private::options().create(true).truncate(false).write(true).open(folder.join("lock")).ok();
    if let Some(lock) = lock.as_ref().filter(|_| !path.is_file()) {
        let _ = lock.lock();
    }
    if path.is_file() {
        // SAFETY: the file must have been created by wasmtime's compiler and not changed since. Its
        // folder is private to this user (`private::folder`), files are created atomically by a
        // rename (`store`), and the name contains the digest of the component and the hash of
        // compiler and settings. Anyone who can write there can already act as this user.
        match unsafe { Component::deserialize_file(engine, &path) } {
            Ok(component) => return Ok(component),
            Err(error) => {
                debug!(%error, path = %path.display(), "the cached component is unusable; recompiling")
            }
        }
    }
    announce(bytes, "once");
    let component = compiler.compile(engine, bytes)?;
    if let Err(error) = store(&folder, &path, &component) {
        warn_not_cached(&folder, &error);
    }
    Ok(component)
}

/// Logs the start of a compilation, except for files that are not WebAssembly and fail immediately.
fn announce(bytes: &[u8], note: &str) {
    if bytes.starts_with(b"\0asm") {
        info!("compiling the component for this machine ({note}{TIME})");
    }
}

/// The cache folder, created if missing; none if it cannot be private.
fn folder() -> Option<PathBuf> {
    let folder = match std::env::var_os(VARIABLE) {
        Some(path) if path.is_empty() => return None,
        Some(path) => PathBuf::from(path),
        None => {
            let user = std::env::var_os("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
                .or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
            let Some(user) = user else {
                warn_not_cached(Path::new("~/.cache"), &"the home folder is unknown");
                return None;
            };
            user.join("plugpipe-harness")
        }
    };
    if let Err(error) = private::folder(&folder) {
        warn_not_cached(&folder, &error);
        return None;
    }
    Some(folder)
}

/// Explains slow starts.
fn warn_not_cached(folder: &Path, error: &dyn Display) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        warn!(
            folder = %folder.display(),
            %error,
            "cannot cache the compiled component, so each start compiles it again; set {VARIABLE} to another folder"
        );
    });
}

fn store(folder: &Path, path: &Path, component: &Component) -> Result<(), Box<dyn std::error::Error>> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&component.serialize()?)?;
    file.persist(path)?;
    Ok(())
}

/// A hash of the compiler's version and settings.
fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}
