//! Compiles components that are not embedded, within limits.
//!
//! The compiler itself has no limits. A component of a few kilobytes can keep it busy for hours or
//! exhaust memory, so a program that loads unknown components compiles them in a child process: the
//! program itself, started with [`CHILD`] as its first argument. The program must begin with
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
//! The child only limits resources. It is not a sandbox: it has the user's privileges, and this
//! process runs the machine code that it returns. See `SECURITY.md`.

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

/// The first argument of the child process that compiles a component.
pub const CHILD: &str = "compile-component";

/// The default maximum size of a component, in bytes.
pub const MAX_COMPONENT_BYTES: usize = 64 * 1024 * 1024;

/// The wall-clock limit as a multiple of the CPU time limit, because the child may have to wait for
/// a CPU.
const CLOCK_PER_PROCESSOR_TIME: u32 = 10;

/// How often the parent checks whether the child has exited.
const POLL: Duration = Duration::from_millis(5);

/// Maximum number of compiler threads: each has its own stack and heap, which count as memory.
const MAX_THREADS: usize = 8;

/// Maximum size of the compiled form, as a multiple of the maximum component size; that of this
/// project's plug is three times the component. It is loaded into this process's memory.
const COMPILED_PER_COMPONENT: usize = 4;

/// Maximum number of bytes to read from the child's stderr.
const MAX_MESSAGE_BYTES: u64 = 4 * 1024;

/// Limits on compiling a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// The component's size, in bytes.
    pub component_bytes: usize,
    /// The compiler's memory, in bytes. Enforced on Linux; elsewhere only if the system counts
    /// memory against `RLIMIT_DATA`.
    pub memory_bytes: u64,
    /// The compiler's total CPU time of all threads. The wall-clock limit is ten times as long.
    /// Rounded up to whole seconds.
    pub processor_time: Duration,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            component_bytes: MAX_COMPONENT_BYTES,
            memory_bytes: 1024 * 1024 * 1024,
            // In a debug build, the compiler is not optimized.
            processor_time: Duration::from_secs(if cfg!(debug_assertions) { 600 } else { 60 }),
        }
    }
}

impl CompileLimits {
    /// The granted limits, with these as defaults.
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

/// Where to compile components that are neither embedded nor cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compiler {
    /// In this process, with unlimited memory and time. Only for trusted components.
    InProcess {
        /// The maximum component size, in bytes.
        max_component_bytes: usize,
    },
    /// In a child process with limits. The program must pass the arguments after [`CHILD`] to
    /// [`child`].
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
                // SAFETY: the bytes must be unchanged output of wasmtime's compiler. They come
                // through a pipe from this program's `child`, whose only input is the component.
                // wasmtime checks that its version and settings match.
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
    // For pipes and devices, the length is unknown.
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

/// The error for a component that exceeds the limit.
pub(crate) fn too_long(length: impl Display, max: usize) -> String {
    format!(
        "its size of {length} bytes exceeds the limit of {max} bytes (limits.component in the grants file, Compiler in a program)"
    )
}

fn compile_in_child(component: &[u8], limits: &CompileLimits) -> Result<Vec<u8>, String> {
    let failed = |problem: io::Error| format!("compiler process: {problem}");
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get().min(MAX_THREADS));
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.arg(CHILD).arg(limits.memory_bytes.to_string()).arg(limits.seconds().to_string());
    // Clear the environment: it may contain secrets, and the compiler does not need it.
    command.env_clear().env("RAYON_NUM_THREADS", threads.to_string());
    #[cfg(windows)]
    command.envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;

    // Use threads, so that a child that neither reads nor writes is still killed in time. They end
    // when the child closes the pipes.
    if let Some(mut stdin) = child.stdin.take() {
        let component = component.to_vec();
        // A child that exits before reading everything reports an error itself.
        thread::spawn(move || _ = stdin.write_all(&component));
    }
    let max_compiled = limits.component_bytes.saturating_mul(COMPILED_PER_COMPONENT);
    let compiled = child.stdout.take().map(|stdout| read_on_thread(stdout, (max_compiled as u64).saturating_add(1)));
    let message = child.stderr.take().map(|stderr| read_on_thread(stderr, MAX_MESSAGE_BYTES));

    let max_wait = Duration::from_secs(limits.seconds()).saturating_mul(CLOCK_PER_PROCESSOR_TIME);
    let status = wait(&mut child, max_wait).map_err(failed)?;
    // A process started by the child could keep the pipes open.
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
        Some(status) if status.success() => compiled.ok_or_else(|| "the compiler process returned nothing".to_owned()),
        Some(status) => Err(why_it_failed(status, message, limits)),
        None => Err(format!(
            "compiling takes longer than {} s; {}",
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

/// The child's exit status; none if it had to be killed.
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
    // The first message is from Rust before it aborts, the second from wasmtime.
    if message.contains("memory allocation of") || message.contains("out of memory") {
        return format!(
            "compiling takes more than {} bytes of memory; {}",
            limits.memory_bytes,
            raise("limits.compile_memory")
        );
    }
    // An error from `child` for an invalid component.
    if status.code() == Some(1) && !message.is_empty() {
        return message;
    }
    if is_out_of_processor_time(status) {
        return format!(
            "compiling takes more than {} s of CPU time; {}",
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

/// The child process: compiles the component on stdin to stdout, within the limits in `arguments`,
/// which are the arguments after [`CHILD`]: bytes of memory, seconds of CPU time, and for another
/// machine its target, such as `x86_64-unknown-linux-musl`. Code for a target needs none of the
/// extensions that only some of its processors have.
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
        return Err(format!("{CHILD} is an internal command that compiles a component within limits"));
    };
    let target = arguments.next().map(|target| target.into_string()).transpose();
    let target = target.map_err(|_| "the target is not UTF-8".to_owned())?;
    limit_this_process(memory_bytes, seconds).map_err(|problem| format!("cannot set limits: {problem}"))?;
    let mut component = Vec::new();
    io::stdin().read_to_end(&mut component).map_err(|problem| format!("cannot read stdin: {problem}"))?;
    let compiled = compile_for(target.as_deref(), &component).map_err(|problem| format!("{problem:#}"))?;
    io::stdout().write_all(&compiled).map_err(|problem| format!("cannot write to stdout: {problem}"))
}

/// The compiled form for this machine, or for any of a target.
fn compile_for(target: Option<&str>, component: &[u8]) -> wasmtime::Result<Vec<u8>> {
    let config = target.map_or_else(|| Ok(engine::config()), engine::config_for)?;
    Engine::new(&config)?.precompile_component(component)
}

#[cfg(unix)]
fn limit_this_process(memory_bytes: u64, seconds: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // No core dump or other file may be created. The allocator reserves much more address space
    // than it uses, so limit the data segment.
    let limits = [(Resource::Data, memory_bytes), (Resource::Cpu, seconds), (Resource::Core, 0), (Resource::Fsize, 0)];
    for (resource, limit) in limits {
        let maximum = getrlimit(resource).maximum;
        let lowest = maximum.map_or(limit, |maximum| maximum.min(limit));
        // The hard limit on CPU time kills the process with SIGKILL, so it must be higher than the
        // soft limit.
        let hard = if resource == Resource::Cpu { lowest.saturating_add(1) } else { lowest };
        let hard = maximum.map_or(hard, |maximum| maximum.min(hard));
        setrlimit(resource, Rlimit { current: Some(lowest), maximum: Some(hard) })?;
    }
    Ok(())
}

/// On other systems, the parent limits the time, and memory is not limited.
#[cfg(not(unix))]
fn limit_this_process(_: u64, _: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_rounded_up_to_whole_seconds() {
        let seconds = |millis| {
            CompileLimits { processor_time: Duration::from_millis(millis), ..CompileLimits::default() }.seconds()
        };
        assert_eq!([1, 1_000, 1_001, 60_000].map(seconds), [1, 1, 2, 60]);
        let granted = GrantedLimits { compile_time: Some(Duration::from_secs(7)), ..GrantedLimits::default() };
        let limits = CompileLimits::default();
        assert_eq!(limits.granted(&granted), CompileLimits { processor_time: Duration::from_secs(7), ..limits });
    }

    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    #[test]
    fn a_component_compiled_for_all_processors_of_a_target_runs_here() {
        let component = wat::parse_str("(component)").unwrap();
        let compiled = compile_for(Some("x86_64-unknown-linux-musl"), &component).unwrap();
        let engine = Engine::new(&engine::config()).unwrap();
        // SAFETY: this is the compiler's output.
        assert!(unsafe { Component::deserialize(&engine, compiled) }.is_ok());
        let other = compile_for(Some("aarch64-unknown-linux-musl"), &component);
        // SAFETY: the same, for another architecture, which is rejected by its header.
        assert!(other.is_err() || unsafe { Component::deserialize(&engine, other.unwrap()) }.is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_child_that_exceeds_the_wall_clock_limit_is_killed() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(wait(&mut child, Duration::from_millis(20)).unwrap().is_none());
        // It was killed and reaped.
        assert!(child.try_wait().unwrap().is_some_and(|status| !status.success()));
        let mut child = Command::new("true").spawn().unwrap();
        assert!(wait(&mut child, Duration::from_secs(60)).unwrap().unwrap().success());
    }

    #[cfg(unix)]
    #[test]
    fn failures_of_the_child_are_distinguished() {
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
