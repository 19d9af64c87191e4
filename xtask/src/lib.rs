//! Builds packages, generated files and checks from the sources.
//!
//! | module | purpose |
//! |---|---|
//! | [`book`] | builds the documents as a book |
//! | [`checksums`] | writes the checksums of a release's files |
//! | `component` | compiles the component, like the build script of `host-harness/component` |
//! | [`dist`] | builds the registry folder |
//! | [`documents`] | parses the documents' fenced blocks for tests |
//! | [`schemas`] | generates JSON Schemas of pipes, configurations and grants files |
//! | [`sbom`] | writes CycloneDX SBOMs from Cargo's dependency graph |
//! | [`imports`] | finds import cycles between files |
//! | [`mixin`] | renders the alerts and the dashboard for the plug itself |
//! | [`image`] | builds the container image, and runs it |
//! | [`kubernetes`] | reads the manifests in `deploy/kubernetes` |
//! | [`npm`] | builds the package for Node |
//! | [`oci`] | builds an OCI image layout of the component and the WIT packages |
//! | [`guests`] | builds the example plugs in other languages, and runs their tests |
//! | [`generate`] | generates the manifest's schemas and everything derived from the manifest |
//! | [`soak`] | runs soak tests |
//! | [`mod@reference`] | generates the reference of the JSON contract |
//! | [`types`] | generates types of requests, settings and responses for TypeScript and Python, and the agent card |
//! | [`new_plug`] | runs the test of the crate that `plugpipe-harness new plug` writes |
//! | [`wit`] | generates the page and the golden file of the world, and encodes its packages |
//! | [`reproducible`] | compares the component with a build in another folder |

#![deny(missing_docs)]

pub mod book;
pub mod checksums;
#[path = "../../host-harness/component/component.rs"]
mod component;
pub mod dist;
pub mod documents;
pub mod generate;
pub mod guests;
pub mod image;
pub mod imports;
pub mod kubernetes;
pub mod mixin;
pub mod new_plug;
pub mod npm;
pub mod oci;
pub mod reference;
pub mod release_check;
pub mod reproducible;
pub mod sbom;
pub mod schemas;
pub mod soak;
pub mod types;
pub mod wit;
mod yaml;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

/// The plug's name in PlugPipe's registry.
pub const NAME: &str = "monitoring_prometheus";

/// The plug's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Builds the component of the workspace. With `auditable`, `cargo auditable` embeds a list of all
/// crates for `cargo audit bin` and `rust-audit-info`.
pub fn build(auditable: bool) -> Result<Vec<u8>, String> {
    if auditable {
        // Use a separate folder, because Cargo does not distinguish builds with and without the
        // list.
        return built(&["auditable"], &root(), component::PACKAGE, "auditable");
    }
    build_package(&root(), component::PACKAGE)
}

/// Builds a package of another workspace in the same way.
pub fn build_package(workspace: &Path, package: &str) -> Result<Vec<u8>, String> {
    // Shared with the build script of `host-harness/component`.
    built(&[], workspace, package, "component")
}

fn built(through: &[&str], workspace: &Path, package: &str, folder: &str) -> Result<Vec<u8>, String> {
    let program = std::env::current_exe().map_err(|error| format!("cannot tell where this program is: {error}"))?;
    let target = component::target_folder(&program)?.join(folder);
    let module = component::compile(through, workspace, package, &target)?;
    component::componentize(&read(&module)?)
}

/// The SHA-256 of bytes, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Writes a file and creates its folder. A file that has these contents is left alone, so that
/// Cargo does not rebuild what is made from it.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), String> {
    if fs::read(path).is_ok_and(|present| present == bytes.as_ref()) {
        return Ok(());
    }
    let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, bytes));
    made.map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Removes a folder if it exists.
pub(crate) fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Runs a command in the workspace's root and returns its stdout.
///
/// # Errors
/// If the command cannot be run or fails; the error contains its stderr.
pub fn output(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.current_dir(root()).output().map_err(|error| format!("cannot run {program}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Formats JSON for a file.
pub(crate) fn pretty(tree: &serde_json::Value) -> String {
    format!("{tree:#}\n")
}

/// The timestamp for generated files, which is reproducible: the time of the commit (so
/// `SOURCE_DATE_EPOCH` is not needed), or 1970 without a commit.
pub(crate) fn timestamp() -> String {
    let mut git = Command::new("git");
    git.env("TZ", "UTC0").args(["log", "-1", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%cd"]);
    let time = output(&mut git).ok().map(|text| text.trim().to_owned());
    time.filter(|text| !text.is_empty()).unwrap_or_else(|| "1970-01-01T00:00:00Z".into())
}
