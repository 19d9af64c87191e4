//! A stack of known size, for code that recurses with the nesting of its input.
//!
//! The stack size of a runtime's threads varies, and unoptimized code needs much more than
//! optimized code. Callers limit the nesting of their input, and each has a test at its limit.

use std::io;
use std::thread;

/// At least four times what any caller needs at its limit without optimization. Only used pages
/// take memory.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Runs `work` on a separate thread named `name` and waits for it.
///
/// # Errors
/// If the thread cannot be started or `work` panics.
pub fn run<R: Send>(name: &str, work: impl FnOnce() -> R + Send) -> io::Result<R> {
    thread::scope(|scope| {
        let builder = thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES);
        let thread = builder.spawn_scoped(scope, work)?;
        thread.join().map_err(|_| io::Error::other("the thread panicked"))
    })
}
