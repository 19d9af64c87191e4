//! Compiling a component that this build does not carry: where, and within which limits.
//!
//! The compiler has no limits of its own. A component of a few kilobytes can keep it busy for hours
//! or make it take all memory, so a program that loads unknown components compiles them in a child
//! process: the program itself, started again with [`CHILD`] as its first argument. Such a program
//! begins with
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use plugpipe_runtime::compile;
//!
//! fn main() -> ExitCode {
//!     let mut arguments = std::env::args_os().skip(1);
//!     if arguments.next().is_some_and(|first| first == compile::CHILD) {
//!         return compile::child(arguments);
//!     }
//!     // …
//! #   ExitCode::SUCCESS
//! }
//! ```
//!
//! The child bounds what compiling takes. It is no sandbox: it has the user's rights, and what it
//! returns is machine code that this process runs. `SECURITY.md` says what follows from that.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::engine;
use crate::error::Error;
use crate::grants::GrantedLimits;

/// The first argument of a program that is started to compile a component.
pub const CHILD: &str = "compile-component";

/// The longest component that is loaded unless the caller says otherwise, in bytes.
pub const MAX_COMPONENT_BYTES: usize = 64 * 1024 * 1024;

/// How much longer than its processor time the child may take by the clock: on a busy machine, or
/// with a part of a processor, it waits for its turn.
const CLOCK_PER_PROCESSOR_TIME: u32 = 10;

/// How often the parent looks whether the child has ended.
const POLL: Duration = Duration::from_millis(5);

/// Each thread of the compiler has a stack and a heap of its own, which count as memory.
const MAX_THREADS: usize = 8;

/// The compiled form of the longest component may be so many times as long; that of this project's
/// plug is three times as long as the component. It is then in this process's memory.
const COMPILED_PER_COMPONENT: usize = 4;

/// As much of the child's stderr as is read.
const MAX_MESSAGE_BYTES: u64 = 4 * 1024;

/// Limits on compiling a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// The component's length, in bytes.
    pub component_bytes: usize,
    /// The compiler's memory, in bytes. Enforced on Linux; elsewhere as far as the system counts
    /// memory against `RLIMIT_DATA`.
    pub memory_bytes: u64,
    /// The compiler's processor time, of all its threads together. By the clock it may take ten
    /// times as long. Rounded up to whole seconds.
    pub processor_time: Duration,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            component_bytes: MAX_COMPONENT_BYTES,
            memory_bytes: 1024 * 1024 * 1024,
            // A debug build's compiler is not optimized either.
            processor_time: Duration::from_secs(if cfg!(debug_assertions) { 600 } else { 60 }),
        }
    }
}

impl CompileLimits {
    /// The granted limits, and these where nothing was granted.
    #[must_use]
    pub fn granted(self, granted: &GrantedLimits) -> Self {
        Self {
            component_bytes: granted.component_bytes.unwrap_or(self.component_bytes),
            memory_bytes: granted.compile_memory_bytes.unwrap_or(self.memory_bytes),
            processor_time: granted.compile_time.unwrap_or(self.processor_time),
        }
    }

    fn seconds(&self) -> u64 {
        let whole = self.processor_time.as_secs();
        if self.processor_time.subsec_nanos() == 0 { whole.max(1) } else { whole.saturating_add(1) }
    }
}

/// Where a component is compiled that is neither this build's own nor in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compiler {
    /// In this process, with unlimited memory and time: for components that are trusted that far.
    InProcess {
        /// The longest component, in bytes.
        max_component_bytes: usize,
    },
    /// In a child process with limits. The program must pass [`CHILD`] on to [`child`].
    InChild(CompileLimits),
}

impl Default for Compiler {
    fn default() -> Self {
        Self::InProcess { max_component_bytes: MAX_COMPONENT_BYTES }
    }
}

impl Compiler {
    pub(crate) fn max_component_bytes(&self) -> usize {
        match self {
            Self::InProcess { max_component_bytes } => *max_component_bytes,
            Self::InChild(limits) => limits.component_bytes,
        }
    }

    pub(crate) fn compile(&self, engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Component> {
        match self {
            Self::InProcess { .. } => Component::new(engine, bytes),
            Self::InChild(limits) => {
                let compiled = compile_in_child(bytes, limits).map_err(wasmtime::Error::msg)?;
                // SAFETY: the bytes must be what wasmtime's compiler made, unchanged. They come
                // through a pipe from this same program, which ran `child` and has no other
                // input than the component. wasmtime checks that its version and settings match.
                unsafe { Component::deserialize(engine, compiled) }
            }
        }
    }
}

/// Reads a component of at most `max` bytes from a file.
///
/// # Errors
/// [`Error::File`] if the file cannot be read, [`Error::Load`] if it is longer.
pub fn read(path: &Path, max: usize) -> Result<Vec<u8>, Error> {
    let problem = |error: io::Error| Error::File { path: path.into(), problem: error.to_string() };
    let too_long = |problem: String| Error::Load { plug: path.display().to_string(), problem };
    let file = File::open(path).map_err(problem)?;
    // A pipe or device does not say how much is in it.
    let length = file.metadata().map_err(problem)?.len();
    if usize::try_from(length).map_or(true, |length| length > max) {
        return Err(too_long(self::too_long(length, max)));
    }
    let mut bytes = Vec::new();
    file.take((max as u64).saturating_add(1)).read_to_end(&mut bytes).map_err(problem)?;
    if bytes.len() > max {
        return Err(too_long(self::too_long(format!("more than {max}"), max)));
    }
    Ok(bytes)
}

/// Why a component of this length is not loaded.
pub(crate) fn too_long(length: impl Display, max: usize) -> String {
    format!(
        "it is {length} bytes long, and the limit is {max} bytes (limits.component in the grants file, Compiler in a program)"
    )
}

fn compile_in_child(component: &[u8], limits: &CompileLimits) -> Result<Vec<u8>, String> {
    let failed = |problem: io::Error| format!("the compiler's process: {problem}");
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get().min(MAX_THREADS));
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.arg(CHILD).arg(limits.memory_bytes.to_string()).arg(limits.seconds().to_string());
    // Not the environment: it may hold secrets, and the compiler needs none of it.
    command.env_clear().env("RAYON_NUM_THREADS", threads.to_string());
    #[cfg(windows)]
    command.envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;

    // Threads of their own, so that a child that neither reads nor writes is still killed in time.
    // They end when the child's ends of the pipes are closed.
    if let Some(mut stdin) = child.stdin.take() {
        let component = component.to_vec();
        // A child that ends before it has read everything says why itself.
        thread::spawn(move || _ = stdin.write_all(&component));
    }
    let max_compiled = limits.component_bytes.saturating_mul(COMPILED_PER_COMPONENT);
    let compiled = child.stdout.take().map(|stdout| read_on_thread(stdout, (max_compiled as u64).saturating_add(1)));
    let message = child.stderr.take().map(|stderr| read_on_thread(stderr, MAX_MESSAGE_BYTES));

    let max_wait = Duration::from_secs(limits.seconds()).saturating_mul(CLOCK_PER_PROCESSOR_TIME);
    let status = wait(&mut child, max_wait).map_err(failed)?;
    // A process that the child started could keep the pipes open.
    let received = |pipe: Option<Receiver<Vec<u8>>>| pipe?.recv_timeout(Duration::from_secs(5)).ok();
    let message = String::from_utf8_lossy(&received(message).unwrap_or_default()).trim().to_owned();
    let compiled = received(compiled);
    if compiled.as_ref().is_some_and(|compiled| compiled.len() > max_compiled) {
        return Err(format!(
            "its compiled form is longer than {max_compiled} bytes; {}",
            raise(&format!("{COMPILED_PER_COMPONENT} times limits.component"))
        ));
    }
    match status {
        Some(status) if status.success() => {
            compiled.ok_or_else(|| "the compiler's process returned nothing".to_owned())
        }
        Some(status) => Err(why_it_failed(status, message, limits)),
        None => Err(format!(
            "compiling it takes longer than {} s; {}",
            max_wait.as_secs(),
            raise(&format!("{CLOCK_PER_PROCESSOR_TIME} times limits.compile_time"))
        )),
    }
}

fn read_on_thread(pipe: impl Read + Send + 'static, max: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if pipe.take(max).read_to_end(&mut bytes).is_ok() {
            let _ = sender.send(bytes);
        }
    });
    receiver
}

/// How the child ended; none if it had to be killed.
fn wait(child: &mut Child, max_wait: Duration) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > max_wait {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

fn why_it_failed(status: ExitStatus, message: String, limits: &CompileLimits) -> String {
    // Rust says the one before it aborts, and wasmtime the other in its error.
    if message.contains("memory allocation of") || message.contains("out of memory") {
        return format!(
            "compiling it takes more than {} bytes of memory; {}",
            limits.memory_bytes,
            raise("limits.compile_memory")
        );
    }
    // What `child` says of bytes that are no component.
    if status.code() == Some(1) && !message.is_empty() {
        return message;
    }
    if is_out_of_processor_time(status) {
        return format!(
            "compiling it takes more than {} s of processor time; {}",
            limits.seconds(),
            raise("limits.compile_time")
        );
    }
    format!("the compiler crashed ({status})")
}

fn raise(limit: &str) -> String {
    format!("if you trust the component, raise the limit ({limit} in the grants file)")
}

#[cfg(unix)]
fn is_out_of_processor_time(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(rustix::process::Signal::XCPU.as_raw())
}

#[cfg(not(unix))]
fn is_out_of_processor_time(_: ExitStatus) -> bool {
    false
}

/// The child's part: compiles the component on stdin to stdout, within the limits in `arguments`.
/// `arguments` are those after [`CHILD`].
pub fn child(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match compile_stdin(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _ = writeln!(io::stderr(), "{problem}");
            ExitCode::FAILURE
        }
    }
}

fn compile_stdin(mut arguments: impl Iterator<Item = OsString>) -> Result<(), String> {
    let mut number = || arguments.next().and_then(|argument| argument.to_str()?.parse().ok());
    let (Some(memory_bytes), Some(seconds)) = (number(), number()) else {
        return Err(format!("{CHILD} is for this program's own use: it compiles a component within limits"));
    };
    limit_this_process(memory_bytes, seconds).map_err(|problem| format!("no limits could be set: {problem}"))?;
    let mut component = Vec::new();
    io::stdin().read_to_end(&mut component).map_err(|problem| format!("stdin cannot be read: {problem}"))?;
    let compiled = Engine::new(&engine::config())
        .and_then(|engine| engine.precompile_component(&component))
        .map_err(|problem| format!("{problem:#}"))?;
    io::stdout().write_all(&compiled).map_err(|problem| format!("stdout cannot be written: {problem}"))
}

#[cfg(unix)]
fn limit_this_process(memory_bytes: u64, seconds: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // Neither a core dump nor any other file is made. Of address space the allocator reserves far
    // more than it uses, so what counts is what can be written to.
    let limits = [(Resource::Data, memory_bytes), (Resource::Cpu, seconds), (Resource::Core, 0), (Resource::Fsize, 0)];
    for (resource, limit) in limits {
        let maximum = getrlimit(resource).maximum;
        let lowest = maximum.map_or(limit, |maximum| maximum.min(limit));
        // The hard limit on processor time kills without a word, so it must come after the soft
        // one.
        let hard = if resource == Resource::Cpu { lowest.saturating_add(1) } else { lowest };
        let hard = maximum.map_or(hard, |maximum| maximum.min(hard));
        setrlimit(resource, Rlimit { current: Some(lowest), maximum: Some(hard) })?;
    }
    Ok(())
}

/// Elsewhere the parent bounds the time, and nothing the memory.
#[cfg(not(unix))]
fn limit_this_process(_: u64, _: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_whole_seconds_and_never_unlimited() {
        let seconds = |millis| {
            CompileLimits { processor_time: Duration::from_millis(millis), ..CompileLimits::default() }.seconds()
        };
        assert_eq!([1, 1_000, 1_001, 60_000].map(seconds), [1, 1, 2, 60]);
        let granted = GrantedLimits { compile_time: Some(Duration::from_secs(7)), ..GrantedLimits::default() };
        let limits = CompileLimits::default();
        assert_eq!(limits.granted(&granted), CompileLimits { processor_time: Duration::from_secs(7), ..limits });
    }

    #[cfg(unix)]
    #[test]
    fn a_child_that_takes_too_long_by_the_clock_is_killed() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(wait(&mut child, Duration::from_millis(20)).unwrap().is_none());
        // It is gone, and its status was taken.
        assert!(child.try_wait().unwrap().is_some_and(|status| !status.success()));
        let mut child = Command::new("true").spawn().unwrap();
        assert!(wait(&mut child, Duration::from_secs(60)).unwrap().unwrap().success());
    }

    #[cfg(unix)]
    #[test]
    fn why_a_child_ended_is_told_apart() {
        use std::os::unix::process::ExitStatusExt as _;

        let why = |status, message: &str| {
            why_it_failed(ExitStatus::from_raw(status), message.to_owned(), &CompileLimits::default())
        };
        assert_eq!(why(1 << 8, "not a component"), "not a component");
        assert!(why(6, "memory allocation of 7 bytes failed").contains("limits.compile_memory"));
        assert!(why(rustix::process::Signal::XCPU.as_raw(), "").contains("limits.compile_time"));
        assert!(why(11, "").contains("crashed") && why(101 << 8, "panicked").contains("crashed"));
    }
}
