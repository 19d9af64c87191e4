//! Builds the plug for wasm32-unknown-unknown, makes it a component, and leaves it for `src/plug.rs` to embed.
//!
//! The nested build has a target folder of its own beside the outer one, shared by all profiles: the component is the same
//! for a debug and a release harness. `PLUGPIPE_EMBED` names a ready component to embed instead.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use sha2::{Digest, Sha256};

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "component";
const PACKAGE: &str = "monitoring-prometheus";

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Cargo shows this line, and not only the whole output of the script.
            println!("cargo::error={}", problem.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let workspace = variable("CARGO_MANIFEST_DIR").map(PathBuf::from)?.join("..");
    for path in ["plugin/src", "plugin/Cargo.toml", "wit", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    println!("cargo::rerun-if-env-changed=PLUGPIPE_EMBED");
    let out = variable("OUT_DIR").map(PathBuf::from)?;

    let component = match env::var_os("PLUGPIPE_EMBED").filter(|path| !path.is_empty()) {
        Some(path) => read(Path::new(&path))?,
        None => {
            ensure_target()?;
            let module = compile(&workspace, &target_folder(&out)?)?;
            componentize(&read(&module)?)?
        }
    };
    let digest: String = Sha256::digest(&component).iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env=PLUGPIPE_PLUG_SHA256={digest}");
    let path = out.join("monitoring_prometheus.wasm");
    fs::write(&path, component).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

/// Adds the wasm target where rustup can; says what is missing where nobody can.
fn ensure_target() -> Result<(), String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let libraries = Command::new(&rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| format!("{} cannot be run: {error}", rustc.display()))?;
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
            "the Rust target {TARGET} is missing, and rustup cannot be run ({error}): install the target's standard library \
             with the tool that installed Rust, or build with PLUGPIPE_EMBED naming a ready component"
        )),
    }
}

/// `<target>/component`, where `<target>` is the outer build's target folder.
fn target_folder(out: &Path) -> Result<PathBuf, String> {
    // OUT_DIR is <target>/[<triple>/]<profile>/build/<package>-<hash>/out.
    out.ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
        .or_else(|| out.ancestors().nth(4))
        .map(|target| target.join("component"))
        .ok_or_else(|| format!("no target folder above {}", out.display()))
}

fn compile(workspace: &Path, target: &Path) -> Result<PathBuf, String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(workspace)
        .args(["build", "--lib", "--package", PACKAGE, "--target", TARGET, "--profile", PROFILE, "--target-dir"])
        .arg(target);
    // What the outer cargo (or clippy) set for itself must not change the component.
    for (name, _) in env::vars_os() {
        let name_text = name.to_string_lossy();
        let for_outer = name_text.starts_with("CARGO_FEATURE_")
            || name_text.starts_with("CARGO_CFG_")
            || name_text.starts_with("CARGO_PROFILE_")
            || [
                "CARGO_ENCODED_RUSTFLAGS",
                "RUSTFLAGS",
                "RUSTC_WRAPPER",
                "RUSTC_WORKSPACE_WRAPPER",
                "CARGO_BUILD_TARGET",
            ]
            .contains(&&*name_text);
        if for_outer {
            cargo.env_remove(&name);
        }
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(workspace));
    let output = cargo.output().map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return Err(format!("the component cannot be built: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(target.join(TARGET).join(PROFILE).join("monitoring_prometheus.wasm"))
}

/// Takes this machine's paths out of the component, so that it is the same wherever it is built.
fn flags(workspace: &Path) -> OsString {
    let mut flags = OsString::new();
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let workspace = fs::canonicalize(workspace).ok();
    for (path, name) in [(workspace, "plugpipe"), (home, "cargo")] {
        if let Some(path) = path {
            if !flags.is_empty() {
                flags.push("\u{1f}");
            }
            flags.push("--remap-path-prefix=");
            flags.push(path);
            flags.push(format!("={name}"));
        }
    }
    flags
}

fn componentize(module: &[u8]) -> Result<Vec<u8>, String> {
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| format!("the module is no component: {error:#}"))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo did not set {name}"))
}
