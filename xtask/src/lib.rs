//! What is made of the sources, other than programs.
//!
//! | module | what it makes |
//! |---|---|
//! | `component` | the component, as the build script of `host-harness/component` makes it |
//! | [`dist`] | the folder of PlugPipe's registry |
//! | [`documents`] | nothing: it reads the documents' fenced blocks, for tests |
//! | [`sbom`] | CycloneDX bills of materials, from Cargo's graph |
//! | [`imports`] | no file, but a list: files of a crate that import each other |
//! | [`npm`] | the package for Node |
//! | [`oci`] | an OCI image layout |
//! | [`generate`] | the manifest's schemas, and all that is made of the manifest |
//! | [`fields`] | the table of the JSON contract's fields, for the plug |
//! | [`soak`] | nothing: it runs long tests at full size |
//! | [`reference`] | the page of the JSON contract |
//! | [`types`] | types of requests, settings and responses, for TypeScript and Python |
//! | [`wit`] | the page and the golden file of the world |
//! | [`reproducible`] | a build in another folder, compared with this one |

#![deny(missing_docs)]

#[path = "../../host-harness/component/component.rs"]
mod component;
pub mod dist;
pub mod documents;
pub mod generate;
pub mod imports;
pub mod npm;
pub mod oci;
pub mod reference;
pub mod release_check;
pub mod reproducible;
pub mod sbom;
pub mod soak;
pub mod types;
pub mod wit;
mod yaml;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

/// The plug's name, as PlugPipe's registry has it.
pub const NAME: &str = "monitoring_prometheus";

/// The plug's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Builds the component of the workspace. With `auditable`, `cargo auditable` puts a list of all
/// crates into it, which `cargo audit bin` and `rust-audit-info` read there.
pub fn build(auditable: bool) -> Result<Vec<u8>, String> {
    if auditable {
        // In a folder of its own: Cargo takes what was built without the list for the same.
        return built(&["auditable", "build"], &root(), component::PACKAGE, "target/auditable");
    }
    build_package(&root(), component::PACKAGE)
}

/// Builds a package of another workspace in the same way.
pub fn build_package(workspace: &Path, package: &str) -> Result<Vec<u8>, String> {
    // The folder that the build script of `host-harness/component` uses too.
    built(&["build"], workspace, package, "target/component")
}

fn built(subcommand: &[&str], workspace: &Path, package: &str, folder: &str) -> Result<Vec<u8>, String> {
    let module = component::compile(subcommand, workspace, package, &root().join(folder))?;
    component::componentize(&read(&module)?)
}

/// The SHA-256 of bytes, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

/// Writes a file, and makes its folder.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), String> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, bytes));
    made.map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

/// Takes away a folder that was made before.
pub(crate) fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{} cannot be removed: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Runs a command in the workspace's root and returns what it prints.
///
/// # Errors
/// The command cannot be run or fails; the text has what it printed as errors.
pub fn output(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.current_dir(root()).output().map_err(|error| format!("{program} cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A JSON tree as a file's text.
pub(crate) fn pretty(tree: &serde_json::Value) -> String {
    format!("{tree:#}\n")
}

/// The moment that made files say, so that the same sources make the same files:
/// `SOURCE_DATE_EPOCH` is not needed, because the commit says when it was made. Sources without a
/// commit are of 1970.
pub(crate) fn timestamp() -> String {
    let mut git = Command::new("git");
    git.env("TZ", "UTC0").args(["log", "-1", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%cd"]);
    let said = output(&mut git).ok().map(|text| text.trim().to_owned());
    said.filter(|text| !text.is_empty()).unwrap_or_else(|| "1970-01-01T00:00:00Z".into())
}
