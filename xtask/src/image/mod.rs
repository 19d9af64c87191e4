//! The harness as a container image: one static binary on an empty root, as an OCI layout.
//!
//! The binary has the plug in compiled form too, for the oldest processors of its architecture, so
//! that a container neither compiles at its start nor needs a cache.

mod run;
mod tar;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use self::tar::Tar;
use crate::oci::{Contents, Layout, Names};
use crate::{VERSION, output, read, read_text, root, sha256, timestamp, write};

pub use run::check;

/// The binary's target. The compiled plug is for this architecture without any extension.
pub const TARGET: &str = "x86_64-unknown-linux-musl";

/// The user and group of the process.
pub const USER: u32 = 65532;

/// The binary's path in the image.
pub const BINARY: &str = "/plugpipe-harness";

/// The folder for state, which belongs to [`USER`].
const STATE: &str = "var/lib/plugpipe";

/// The media type of the config.
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";

/// The media type of the layer.
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Builds the image in a folder and returns its digest. `binary` is one that was built before.
///
/// # Errors
/// The binary cannot be built, or needs a dynamic loader, which the image does not have.
pub fn make(binary: Option<&Path>, folder: &Path) -> Result<String, String> {
    let path = binary.map_or_else(build, |path| Ok(path.to_owned()))?;
    let binary = read(&path)?;
    if is_dynamic(&binary) {
        return Err(format!(
            "{}: needs a dynamic loader; expected a static binary, built for {TARGET}",
            path.display()
        ));
    }
    layout(&binary, folder)
}

/// Writes the layout for a binary.
fn layout(binary: &[u8], folder: &Path) -> Result<String, String> {
    let mut tar = Tar::default();
    tar.folder("etc", 0o755, 0);
    tar.folder("etc/plugpipe", 0o755, 0);
    for parent in ["var", "var/lib"] {
        tar.folder(parent, 0o755, 0);
    }
    // The harness keeps its state only in a folder of its own that nobody else can write to.
    tar.folder(STATE, 0o700, USER);
    tar.file("LICENSE", 0o644, read_text(&root().join("LICENSE"))?.as_bytes());
    tar.file(BINARY.trim_start_matches('/'), 0o755, binary);
    let tar = tar.finish();
    let layout = Layout::new(folder)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let compressed = std::io::Write::write_all(&mut gzip, &tar).and_then(|()| gzip.finish());
    let layer = layout.blob(LAYER_TYPE, &compressed.map_err(|error| format!("cannot compress the layer: {error}"))?)?;
    let config = json!({
        "created": timestamp(),
        "author": "PlugPipe Team",
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "Entrypoint": [BINARY],
            "Cmd": ["--help"],
            "WorkingDir": "/",
            "ExposedPorts": {"8080/tcp": {}},
        },
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", sha256(&tar))]},
        "history": [{"created": timestamp(), "created_by": "cargo xtask image"}],
    });
    let config = layout.blob(CONFIG_TYPE, config.to_string().as_bytes())?;
    let manifest = layout.manifest(&Contents {
        config,
        layer,
        names: &Names {
            title: "plugpipe-harness",
            version: VERSION,
            reference: VERSION,
            description: "plugpipe-harness with the plug monitoring_prometheus, as a static binary",
        },
        platform: Some(json!({"architecture": "amd64", "os": "linux"})),
    })?;
    let digest = manifest.digest();
    layout.finish(vec![manifest])?;
    Ok(digest)
}

/// Builds the static binary and returns its path.
fn build() -> Result<PathBuf, String> {
    let component = crate::build(false)?;
    let folder = root().join("target/image");
    let plug = folder.join(format!("{VERSION}.wasm"));
    write(&plug, &component)?;
    // The build script takes it from beside the plug.
    write(&folder.join("data_processor.wasm"), crate::build_package(&root(), "data-processor")?)?;
    // The build script checks by the name that both belong together.
    let compiled = folder.join(format!("{}.cwasm", sha256(&component)));
    write(&compiled, precompile(&plug)?)?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--release", "--package", "plugpipe-harness", "--bin", "plugpipe-harness", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics"])
        .env("PLUGPIPE_EMBED", &plug)
        .env("PLUGPIPE_PRECOMPILED", &compiled)
        // C code of the cryptography.
        .env("CC_x86_64_unknown_linux_musl", "musl-gcc")
        .env("CARGO_ENCODED_RUSTFLAGS", crate::component::flags(&root()))
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTFLAGS");
    let messages = output(&mut cargo).map_err(|problem| {
        format!(
            "{problem}\nThe image needs `rustup target add {TARGET}` and musl-gcc (Debian: apt-get install musl-tools)"
        )
    })?;
    executable(&messages).ok_or_else(|| "cargo named no executable".into())
}

/// The plug compiled for [`TARGET`], by the harness of this workspace.
fn precompile(plug: &Path) -> Result<Vec<u8>, String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--package", "plugpipe-harness", "--bin", "plugpipe-harness"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let binary = executable(&output(&mut cargo)?).ok_or("cargo named no executable")?;
    compile_with(&binary, plug)
}

/// The plug compiled for [`TARGET`] by this harness, within ample limits of memory and time.
fn compile_with(binary: &Path, plug: &Path) -> Result<Vec<u8>, String> {
    let input = std::fs::File::open(plug).map_err(|error| format!("cannot open {}: {error}", plug.display()))?;
    let output = Command::new(binary)
        .args(["compile-component", "4294967296", "600", TARGET])
        .stdin(Stdio::from(input))
        .output()
        .map_err(|error| format!("cannot run {}: {error}", binary.display()))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(format!("cannot compile the plug: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

/// The executable that Cargo's messages name.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    // The last one is of the package itself.
    messages.rev().find_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)))
}

/// Whether an ELF file of 64 bits names a dynamic loader (a segment of the type `PT_INTERP`).
fn is_dynamic(elf: &[u8]) -> bool {
    let number = |at: usize, length: usize| {
        let bytes = elf.get(at..at.checked_add(length)?)?;
        Some(bytes.iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte)))
    };
    let (Some(table), Some(size), Some(count)) = (number(32, 8), number(54, 2), number(56, 2)) else { return false };
    (0..count).any(|index| table.checked_add(index * size).and_then(|at| number(at, 4)) == Some(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_binary_makes_the_same_image() {
        let folder = tempfile::tempdir().unwrap();
        let places = ["one", "two"].map(|name| folder.path().join(name));
        let [one, two] = places.each_ref().map(|place| layout(b"binary", place).unwrap());
        assert_eq!(one, two);
        let index: serde_json::Value = serde_json::from_slice(&read(&places[0].join("index.json")).unwrap()).unwrap();
        assert_eq!(index["manifests"][0]["digest"], one.as_str());
        let blob = |digest: &serde_json::Value| {
            let digest = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
            let bytes = read(&places[0].join("blobs/sha256").join(digest)).unwrap();
            assert_eq!(sha256(&bytes), digest);
            bytes
        };
        let manifest: serde_json::Value = serde_json::from_slice(&blob(&index["manifests"][0]["digest"])).unwrap();
        let config: serde_json::Value = serde_json::from_slice(&blob(&manifest["config"]["digest"])).unwrap();
        assert_eq!((&config["config"]["User"], &config["os"]), (&json!("65532:65532"), &json!("linux")));
        let layer = blob(&manifest["layers"][0]["digest"]);
        let mut tar = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*layer), &mut tar).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{}", sha256(&tar)));
    }

    #[test]
    fn a_binary_that_needs_a_loader_is_rejected() {
        let own = read(&std::env::current_exe().unwrap()).unwrap();
        assert_eq!(is_dynamic(&own), cfg!(not(target_feature = "crt-static")));
        assert!(!is_dynamic(b"#!/bin/sh\n"));
    }

    #[test]
    fn the_containerfile_says_what_the_image_is() {
        let file = read_text(&root().join("deploy/Containerfile")).unwrap();
        for line in [
            format!("COPY --chmod=755 target/{TARGET}/release/plugpipe-harness {BINARY}"),
            format!("USER {USER}:{USER}"),
            format!("ENTRYPOINT [\"{BINARY}\"]"),
        ] {
            assert!(file.lines().any(|own| own == line), "{line}");
        }
        let containers = crate::kubernetes::resources(&crate::kubernetes::folder().join("base")).unwrap();
        let pod = crate::kubernetes::Pod { name: "a", namespace: "b" };
        let container = crate::kubernetes::Container::of(&containers, "plugpipe", pod).unwrap();
        assert_eq!(container.user, u64::from(USER));
    }
}
