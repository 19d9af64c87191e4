//! Builds the plug, and the example plug for pipes that use both, for wasm32-unknown-unknown and
//! writes them as components for `src/lib.rs` to embed.
//!
//! The nested build uses a separate target folder for all profiles: the component is the same for a
//! debug and a release harness. Set `PLUGPIPE_EMBED` to embed a prebuilt component instead. Set
//! `PLUGPIPE_PRECOMPILED` to embed its compiled form too: a file that is named after the SHA-256
//! digest of the component, so that none of another component is taken.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use sha2::{Digest, Sha256};

#[path = "component.rs"]
mod component;

use component::{PACKAGE, TARGET, compile, componentize, target_folder};

/// The package of the example plug, and the plug's name.
const EXAMPLE: &str = "data-processor";
const EXAMPLE_NAME: &str = "data_processor";

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Cargo shows this as an error.
            println!("cargo::error={}", problem.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let workspace = variable("CARGO_MANIFEST_DIR").map(PathBuf::from)?.join("../..");
    println!("cargo::rerun-if-changed=component.rs");
    let plugin = workspace.join("plugin");
    let folders = fs::read_dir(&plugin).map_err(|error| format!("cannot read {}: {error}", plugin.display()))?;
    let example = workspace.join("examples/plugs").join(EXAMPLE_NAME);
    // The plug and the crates in its folder. A new crate also changes the workspace's manifest.
    let crates = folders.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.join("Cargo.toml").is_file());
    for folder in crates.chain([plugin, example]) {
        for path in ["src", "Cargo.toml"] {
            println!("cargo::rerun-if-changed={}", folder.join(path).display());
        }
    }
    for path in ["wit", ".cargo/config.toml", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    println!("cargo::rerun-if-env-changed=PLUGPIPE_EMBED");
    println!("cargo::rerun-if-env-changed=PLUGPIPE_PRECOMPILED");
    let out = variable("OUT_DIR").map(PathBuf::from)?;

    let (component, example) = match env::var_os("PLUGPIPE_EMBED").filter(|path| !path.is_empty()) {
        Some(path) => {
            let path = Path::new(&path);
            // The example may lie beside it; without it, the host says that it has none.
            let example = path.with_file_name(format!("{EXAMPLE_NAME}.wasm"));
            (read(path)?, if example.is_file() { read(&example)? } else { Vec::new() })
        }
        None => {
            ensure_target()?;
            let target = target_folder(&out)?.join("component");
            let built = |package| componentize(&read(&compile(&[], &workspace, package, &target)?)?);
            (built(PACKAGE)?, built(EXAMPLE)?)
        }
    };
    let digest = embed(&out, "monitoring_prometheus", "PLUGPIPE_PLUG_SHA256", &component)?;
    precompiled(&digest, &out)?;
    embed(&out, EXAMPLE_NAME, "PLUGPIPE_EXAMPLE_SHA256", &example).map(drop)
}

/// Writes a component for `src/lib.rs`, and says its digest in a variable.
fn embed(out: &Path, name: &str, variable: &str, component: &[u8]) -> Result<String, String> {
    let digest: String = Sha256::digest(component).iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env={variable}={digest}");
    let path = out.join(format!("{name}.wasm"));
    fs::write(&path, component).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(digest)
}

/// Writes `precompiled.rs`: the compiled form of the component with this digest, or none.
fn precompiled(digest: &str, out: &Path) -> Result<(), String> {
    let code = match env::var_os("PLUGPIPE_PRECOMPILED").filter(|path| !path.is_empty()).map(PathBuf::from) {
        None => "None".to_owned(),
        Some(path) if path.file_stem().is_some_and(|stem| stem == digest) => {
            let copy = out.join("precompiled.cwasm");
            fs::write(&copy, read(&path)?).map_err(|error| format!("cannot write {}: {error}", copy.display()))?;
            "Some(include_bytes!(concat!(env!(\"OUT_DIR\"), \"/precompiled.cwasm\")))".to_owned()
        }
        Some(path) => {
            let path = path.display();
            return Err(format!("PLUGPIPE_PRECOMPILED: expected a file called {digest}.cwasm, got {path}"));
        }
    };
    let path = out.join("precompiled.rs");
    fs::write(&path, code).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Installs the wasm target with rustup if it is missing.
fn ensure_target() -> Result<(), String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let libraries = Command::new(&rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| format!("cannot run {}: {error}", rustc.display()))?;
    if Path::new(String::from_utf8_lossy(&libraries.stdout).trim()).is_dir() {
        return Ok(());
    }
    println!("cargo::warning=The Rust target {TARGET} is missing; running `rustup target add {TARGET}`");
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]);
    if let Some(toolchain) = env::var_os("RUSTUP_TOOLCHAIN") {
        rustup.arg("--toolchain").arg(toolchain);
    }
    match rustup.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "the Rust target {TARGET} is missing, and `rustup target add {TARGET}` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => Err(format!(
            "the Rust target {TARGET} is missing, and rustup cannot be run ({error}); install the target's standard library \
             with the tool that installed Rust, or set PLUGPIPE_EMBED to a prebuilt component"
        )),
    }
}

/// `<target>/component`, where `<target>` is the outer build's target folder.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo did not set {name}"))
}
