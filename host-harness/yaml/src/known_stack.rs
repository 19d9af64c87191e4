//! A stack of known size, for code that recurses as deep as its input nests.
//!
//! A runtime's threads have whatever stack their creator chose, and unoptimized code needs many
//! times what optimized code needs. Callers bound how deep their input nests, and each has a test
//! that goes to its bound.

use std::io;
use std::thread;

/// At least four times what each caller's bound needs without optimization. Only the part in use
/// takes memory.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Runs `work` on a thread of its own, called `name`, and waits for it.
///
/// # Errors
/// The thread could not be started, or `work` panicked.
pub fn run<R: Send>(name: &str, work: impl FnOnce() -> R + Send) -> io::Result<R> {
    thread::scope(|scope| {
        let builder = thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES);
        let thread = builder.spawn_scoped(scope, work)?;
        thread.join().map_err(|_| io::Error::other("it ended unexpectedly"))
    })
}
