//! Compiled components on disk, so that only the first start pays for the compiler.
//!
//! A compiled component is machine code that will run with the host's rights. So the folder must
//! belong to the user alone; where it cannot be made so, nothing is cached and each start compiles.

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

/// Names the folder, for those who want it elsewhere. An empty value turns the cache off.
const VARIABLE: &str = "PLUGPIPE_CACHE_DIR";

/// How long compiling this project's plug takes where that is noticed.
const TIME: &str = if cfg!(debug_assertions) { ", about 12 s in a debug build" } else { "" };

/// Loads the component from the cache, or compiles and caches it. `sha256` is the digest of
/// `bytes`, in hex. A compilation is logged when it begins, and once per process where it cannot be
/// cached.
pub(crate) fn load(engine: &Engine, bytes: &[u8], sha256: &str, compiler: Compiler) -> wasmtime::Result<Component> {
    let Some(folder) = folder() else {
        announce(bytes, "not cached");
        return compiler.compile(engine, bytes);
    };
    let path = folder.join(format!("{sha256}-{:016x}.cwasm", compatibility(engine)));
    // Several processes may start at once: one compiles, the others wait for its result. Without
    // the lock (a file system that has none) each compiles for itself, which is only slower.
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
    announce(bytes, "once");
    let component = compiler.compile(engine, bytes)?;
    if let Err(error) = store(&folder, &path, &component) {
        warn_not_cached(&folder, &error);
    }
    Ok(component)
}

/// Logs that compiling begins. What is no WebAssembly at all fails at once.
fn announce(bytes: &[u8], how_often: &str) {
    if bytes.starts_with(b"\0asm") {
        info!("compiling the component for this machine ({how_often}{TIME})");
    }
}

/// The cache's folder, created if missing; none if there is no private place for it.
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
                warn_not_cached(Path::new("~/.cache"), &"no home folder is known");
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

/// Without this, each start would compile and nobody would know why it is slow.
fn warn_not_cached(folder: &Path, error: &dyn Display) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        warn!(
            folder = %folder.display(),
            %error,
            "the compiled component cannot be cached, so each start compiles it again; {VARIABLE} names another folder"
        );
    });
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
