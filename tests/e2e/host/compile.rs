//! Compiling a component that is not this build's own: within limits, in a process of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use plugpipe_harness::compile::{CHILD, MAX_COMPONENT_BYTES};
use plugpipe_harness::{CompileLimits, Compiler, Error, Plug};

use crate::support::{harness, run, stderr, stdout};

/// `inspect` of a component, with a cache and limits of its own.
struct Inspected {
    folder: tempfile::TempDir,
    wasm: PathBuf,
}

impl Inspected {
    fn new(component: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wasm = folder.path().join("plug.wasm");
        fs::write(&wasm, component).unwrap();
        Self { folder, wasm }
    }

    fn command(&self, limits: &str, cache: &Path) -> std::process::Command {
        let grants = self.folder.path().join("grants.yaml");
        fs::write(&grants, format!("limits: {{{limits}}}")).unwrap();
        let mut command =
            harness(&["inspect", "--plug", self.wasm.to_str().unwrap(), "--grants", grants.to_str().unwrap()]);
        command.env("PLUGPIPE_CACHE_DIR", cache);
        command
    }

    fn run(&self, limits: &str, cache: &Path) -> Output {
        self.command(limits, cache).output().unwrap()
    }

    /// The error of a component that does not get past its limits.
    fn refused(&self, limits: &str) -> String {
        let output = self.run(limits, Path::new(""));
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""), "{}", stderr(&output));
        stderr(&output)
    }
}

/// A few bytes for each 4 MB that the compiler makes of them: tables whose last element alone is
/// given, which it keeps as a whole.
fn memory_bomb(count: usize) -> Vec<u8> {
    let table = "(table 1048576 funcref)";
    let elements = (0..count).map(|table| format!("(elem (table {table}) (i32.const 1048575) func $f)"));
    let (tables, elements) = (table.repeat(count), elements.collect::<String>());
    wat::parse_str(format!("(component (core module (func $f) {tables} {elements}))")).unwrap()
}

/// 100 KB that keep the compiler busy for minutes: each of 500 blocks is left from 50 places, with
/// other values of 200 variables.
fn time_bomb() -> Vec<u8> {
    const BLOCKS: usize = 500;
    let labels: String = (1..=BLOCKS).map(|label| format!(" {label}")).collect();
    let jumps: String = (0..50)
        .map(|value| {
            let set: String = (1..=200).map(|local| format!("(local.set {local} (i32.const {value}))")).collect();
            format!("{set} (if (local.get 0) (then (br_table {labels} (local.get 0))))")
        })
        .collect();
    let sum: String =
        (1..=200).map(|local| format!("(local.set 0 (i32.add (local.get 0) (local.get {local})))")).collect();
    let module = format!(
        "(func (param i32) (local {}) {} {jumps} {} {sum})",
        "i32 ".repeat(200),
        "block ".repeat(BLOCKS),
        "end ".repeat(BLOCKS),
    );
    wat::parse_str(format!("(component (core module {module}))")).unwrap()
}

/// Elsewhere the system does not count the compiler's memory.
#[cfg(target_os = "linux")]
#[test]
fn a_component_that_takes_too_much_memory_to_compile_is_stopped_there() {
    let component = memory_bomb(100);
    assert!(component.len() < 10_000);
    let error = Inspected::new(&component).refused("compile_memory: 128MiB");
    assert!(
        error.contains("more than 134217728 bytes of memory") && error.contains("limits.compile_memory"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_component_that_takes_too_long_to_compile_is_stopped_there() {
    let bomb = Inspected::new(&time_bomb());
    let begun = Instant::now();
    let error = bomb.refused("compile_time: 1s");
    // Whichever comes first on this machine.
    let by_the_processor = error.contains("more than 1 s of CPU time");
    assert!(by_the_processor || error.contains("longer than 10 s"), "{error}");
    assert!(error.contains("limits.compile_time"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_component_that_compiles_to_too_much_is_not_loaded() {
    let error = Inspected::new(&memory_bomb(5)).refused("component: 10KB");
    assert!(
        error.contains("compiled form is longer than 40000 bytes") && error.contains("limits.component"),
        "{error}"
    );
}

#[test]
fn a_component_that_is_too_long_is_not_loaded() {
    let is_refused = |loaded: Result<Plug, Error>, length: &str, limit: &str| {
        let error = loaded.map(|_| ()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Load { .. }), "{text}");
        assert!(text.contains(&format!("its size of {length} bytes exceeds the limit of {limit} bytes")), "{text}");
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plug.wasm");
    // It takes no room on the disk.
    File::create(&path).unwrap().set_len(67_108_865).unwrap();
    assert_eq!(MAX_COMPONENT_BYTES, 67_108_864);
    is_refused(Plug::from_file(&path), "67108865", "67108864");
    is_refused(Plug::from_bytes("x", &vec![0; 67_108_865]), "67108865", "67108864");
    let shorter = Compiler::InProcess { max_component_bytes: 7 };
    is_refused(Plug::from_bytes_with("x", b"\0asm\x0d\0\x01\0", shorter), "8", "7");
    let shorter = Compiler::InChild(CompileLimits { component_bytes: 7, ..CompileLimits::default() });
    is_refused(Plug::from_bytes_with("x", b"\0asm\x0d\0\x01\0", shorter), "8", "7");

    let mut files = vec![(path.to_str().unwrap(), "its size of 67108865 bytes exceeds")];
    // It does not say how long it is, and has no end.
    files.extend(cfg!(unix).then_some(("/dev/zero", "its size of more than 67108864 bytes exceeds")));
    for (path, expected) in files {
        let output = run(&["inspect", "--plug", path]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(
            stderr(&output).contains(expected) && stderr(&output).contains("limits.component"),
            "{}",
            stderr(&output)
        );
    }
    // The grants file lowers the limit.
    let error = Inspected::new(&[0; 11]).refused("component: 10B");
    assert!(error.contains("its size of 11 bytes exceeds the limit of 10 bytes"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_component_is_compiled_in_a_child_and_then_loaded_from_the_cache() {
    let plug = Inspected::new(crate::host::hostile::component());
    let cache = plug.folder.path().join("cache");
    let starts = |output: Output| {
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stdout(&output).starts_with("hostile "), "{}", stdout(&output));
    };
    // With so little memory, whatever compiles fails.
    let too_little = "compile_memory: 1MiB";
    let error = stderr(&plug.run(too_little, &cache));
    assert!(error.contains("limits.compile_memory"), "{error}");
    starts(plug.run("", &cache));
    starts(plug.run(too_little, &cache));
    // An empty name is no cache: it is compiled again, and nothing is left.
    plug.refused(too_little);
    starts(plug.run("", Path::new("")));
    let compiled = fs::read_dir(&cache)
        .unwrap()
        .filter(|file| file.as_ref().unwrap().file_name().to_str().unwrap().ends_with(".cwasm"));
    assert_eq!(compiled.count(), 1);
}

#[test]
fn the_first_compilation_is_announced_and_a_cached_component_is_not() {
    let plug = Inspected::new(&wat::parse_str("(component)").unwrap());
    let cache = plug.folder.path().join("cache");
    let announced = |cache: &Path| {
        let output = plug.run("", cache);
        assert!(!stdout(&output).contains("compiling"), "{}", stdout(&output));
        stderr(&output).matches("compiling the component for this machine").count()
    };
    assert_eq!([announced(&cache), announced(&cache)], [1, 0]);
    // Without a cache each command compiles, and says so.
    assert_eq!([announced(Path::new("")), announced(Path::new(""))], [1, 1]);
}

#[test]
fn a_cache_that_cannot_be_written_is_reported_once() {
    let plug = Inspected::new(&wat::parse_str("(component)").unwrap());
    // Below a file there is no folder.
    let output = plug.run("", &plug.wasm.join("cache"));
    let said = stderr(&output);
    assert_eq!(said.matches("cannot cache the compiled component").count(), 1, "{said}");
    assert!(said.contains("PLUGPIPE_CACHE_DIR") && said.contains("plug.wasm"), "{said}");
    assert!(!stdout(&output).contains("cache"), "{}", stdout(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn the_compiler_is_told_no_secret_and_ends_with_the_command() {
    let bomb = Inspected::new(&time_bomb());
    let mut command = bomb.command("", Path::new("")).env("A_SECRET", "planted").stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let wait_for = |what: &str, mut found: Box<dyn FnMut() -> Option<PathBuf>>| loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    };
    let parent = format!("\nPPid:\t{}\n", command.id());
    let is_child = move |process: &Path| {
        let read = |file: &str| fs::read_to_string(process.join(file)).unwrap_or_default();
        read("status").contains(&parent) && read("cmdline").contains(CHILD)
    };
    let child = wait_for(
        "no child",
        Box::new(move || {
            fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path()).find(|path| is_child(path))
        }),
    );
    let environment = fs::read_to_string(child.join("environ")).unwrap();
    assert!(environment.starts_with("RAYON_NUM_THREADS=") && environment.matches('=').count() == 1, "{environment}");
    // Nor does what it was started with say anything of the component or the grants.
    let arguments = fs::read_to_string(child.join("cmdline")).unwrap();
    assert!(!arguments.contains(bomb.folder.path().to_str().unwrap()), "{arguments}");

    command.kill().unwrap();
    command.wait().unwrap();
    let gone = child.clone();
    // Whoever inherits it may not have taken its status yet.
    wait_for(
        "the compiler is still there",
        Box::new(move || {
            let status = fs::read_to_string(gone.join("status")).unwrap_or_default();
            (status.is_empty() || status.contains("State:\tZ")).then(|| gone.clone())
        }),
    );
}

#[test]
fn the_compiler_is_no_command_for_people() {
    for arguments in [&["--help"][..], &["completions", "bash"], &["completions", "zsh"], &["man"]] {
        let output = run(arguments);
        assert!(output.status.success() && !stdout(&output).contains(CHILD), "{arguments:?}");
    }
    let output = run(&[CHILD]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is an internal command"), "{}", stderr(&output));
}
