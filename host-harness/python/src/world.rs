//! What belongs to one process: the tokio runtime, and the compiled embedded plug.
//!
//! After a fork the child has a copy of the parent's memory and none of its threads, so that nothing
//! of the parent's world works there, not even its end: locks may be taken for good. The child
//! leaves it alone and makes a world of its own. [`generation`] tells them apart.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use plugpipe_component::{EMBEDDED, SHA256};
use plugpipe_runtime::{Error, Plug};
use tokio::runtime::{Builder, Handle, Runtime};

/// Threads that wait for servers, whatever number of plugs and requests there is.
const WORKERS: usize = 2;

/// Threads for name lookups and files; more such work waits for its turn.
const BLOCKING: usize = 8;

static GENERATION: AtomicU64 = AtomicU64::new(0);
static WORLD: AtomicPtr<World> = AtomicPtr::new(ptr::null_mut());

/// The world of one process. Never freed: it lives as long as the process.
pub(crate) struct World {
    runtime: Runtime,
    embedded: Mutex<Option<Plug>>,
}

/// The number of forks between the process that imported the module and this one.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// Begins with a new world, in the child of a fork, whose only thread this is.
pub(crate) fn forked() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    WORLD.store(ptr::null_mut(), Ordering::Release);
}

/// This process's world. Must be called with the interpreter's lock held, so that there is one.
pub(crate) fn world() -> std::io::Result<&'static World> {
    let known = WORLD.load(Ordering::Acquire);
    // SAFETY: it is null, or came from a box that is never freed and of which nobody has more than
    // shared references.
    if let Some(world) = unsafe { known.as_ref() } {
        return Ok(world);
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING)
        .thread_name("plugpipe-host")
        .enable_all()
        .build()?;
    let world: &'static World = Box::leak(Box::new(World { runtime, embedded: Mutex::default() }));
    WORLD.store(ptr::from_ref(world).cast_mut(), Ordering::Release);
    Ok(world)
}

impl World {
    /// The runtime that waits for servers.
    pub(crate) fn runtime(&self) -> &Handle {
        self.runtime.handle()
    }

    /// The embedded plug, compiled at the first call. It may take seconds: the interpreter's lock
    /// must not be held.
    pub(crate) fn embedded(&self) -> Result<Plug, Error> {
        let mut embedded = self.embedded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plug) = &*embedded {
            return Ok(plug.clone());
        }
        let plug = Plug::from_digested("the embedded plug", EMBEDDED, SHA256)?.with_exposition_in_place();
        Ok(embedded.insert(plug).clone())
    }
}
