//! What belongs to one process: the tokio runtime, and the compiled embedded plug.
//!
//! After a fork the child has a copy of the parent's memory and none of its threads, so that nothing
//! of the parent's world works there, not even its end: locks may be taken for good. The child
//! leaves it alone and makes a world of its own. [`generation`] tells them apart.

use std::cell::RefCell;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc};
use std::time::{Duration, Instant};

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

/// Held while something is loaded, started or ended, which takes locks of the whole process: a fork
/// waits for that.
static BUSY: RwLock<()> = RwLock::new(());

/// How long a fork waits for threads that wait for servers to come to a rest.
const REST: Duration = Duration::from_millis(200);

/// What holds everything still during a fork.
struct Still {
    /// Of the thread that forks, which gives it back in the parent and in the child.
    _busy: RwLockWriteGuard<'static, ()>,
    release: Arc<(Mutex<bool>, Condvar)>,
}

thread_local! {
    static STILL: RefCell<Option<Still>> = const { RefCell::new(None) };
}

/// Must be held by whoever loads, starts or ends a plug, without the interpreter's lock.
pub(crate) fn busy() -> RwLockReadGuard<'static, ()> {
    BUSY.read().unwrap_or_else(PoisonError::into_inner)
}

/// Before a fork: waits until nothing is loaded, started or ended, and holds the threads that wait
/// for servers between two steps, so that none of them has a lock that the child would never get.
/// The interpreter's lock must not be held.
pub(crate) fn before_fork() {
    let busy = BUSY.write().unwrap_or_else(PoisonError::into_inner);
    let release: Arc<(Mutex<bool>, Condvar)> = Arc::default();
    // SAFETY: as in `world`.
    if let Some(world) = unsafe { WORLD.load(Ordering::Acquire).as_ref() } {
        let (resting, rests) = mpsc::channel();
        for _ in 0..WORKERS {
            let (resting, release) = (resting.clone(), Arc::clone(&release));
            world.runtime.spawn(async move {
                // Each holds a thread, so that they are in different ones.
                let _ = resting.send(());
                let (released, changed) = &*release;
                let mut released = released.lock().unwrap_or_else(PoisonError::into_inner);
                while !*released {
                    released = changed.wait(released).unwrap_or_else(PoisonError::into_inner);
                }
            });
        }
        let until = Instant::now() + REST;
        for _ in 0..WORKERS {
            // One that computes for long is not waited for: it has no lock of the process then.
            if rests.recv_timeout(until.saturating_duration_since(Instant::now())).is_err() {
                break;
            }
        }
    }
    STILL.with_borrow_mut(|still| *still = Some(Still { _busy: busy, release }));
}

/// After a fork, in the parent: everything goes on.
pub(crate) fn after_fork() {
    if let Some(Still { release, .. }) = STILL.take() {
        let (released, changed) = &*release;
        *released.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }
}

/// After a fork, in the child, whose only thread this is: begins with a new world.
pub(crate) fn forked() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    WORLD.store(ptr::null_mut(), Ordering::Release);
    if let Some(Still { release, .. }) = STILL.take() {
        // Tasks of the parent have it.
        std::mem::forget(release);
    }
    // SAFETY: what belongs to another generation is neither used nor dropped here.
    unsafe { plugpipe_runtime::close_inherited_locks() };
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
