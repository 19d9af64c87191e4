//! The OCI layout on its way through a registry: pushed as the distribution protocol says, pulled
//! by its tag, and run.
//!
//! The registry is Debian's `docker-registry`, from PATH or unpacked into `target/hosts`.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use plugpipe_component::EMBEDDED;
use serde_json::Value;

use crate::cli::dist::{hosts, run, without_hosts};
use crate::support::{self, stdout};

const REPOSITORY: &str = "plugs/monitoring_prometheus";

/// A registry on loopback, stopped when dropped.
struct Registry {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Registry {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Free for now, and nothing else of the tests takes ports in order.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = folder.path().join("config.yml");
        let blobs = folder.path().join("blobs");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{address}\"}}\n",
            blobs.display()
        );
        fs::write(&config, text).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(program()).arg("serve").arg(config).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let registry = Self { child, url: format!("http://{address}/v2/"), _folder: folder };
        let until = Instant::now() + Duration::from_secs(20);
        while ureq::get(&registry.url).call().is_err() {
            let log = || fs::read_to_string(registry._folder.path().join("log")).unwrap();
            assert!(Instant::now() < until, "the registry is not ready: {}", log());
            sleep(Duration::from_millis(20));
        }
        registry
    }

    fn at(&self, path: &str) -> String {
        format!("{}{REPOSITORY}/{path}", self.url)
    }

    fn push_blob(&self, digest: &str, bytes: &[u8]) {
        let begun = ureq::post(self.at("blobs/uploads/")).send_empty().unwrap();
        let place = begun.headers()["location"].to_str().unwrap();
        let separator = if place.contains('?') { '&' } else { '?' };
        let kept = ureq::put(format!("{place}{separator}digest={digest}"))
            .header("content-type", "application/octet-stream")
            .send(bytes)
            .unwrap();
        assert_eq!((kept.status().as_u16(), digest_in(&kept)), (201, digest));
    }

    fn pull(&self, path: &str, accept: &str) -> (String, Vec<u8>) {
        let mut answer = ureq::get(self.at(path)).header("accept", accept).call().unwrap();
        let digest = digest_in(&answer).to_owned();
        (digest, answer.body_mut().read_to_vec().unwrap())
    }
}

/// What the registry says it has.
fn digest_in(answer: &ureq::http::Response<ureq::Body>) -> &str {
    answer.headers()["docker-content-digest"].to_str().unwrap()
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Debian's registry.
fn program() -> PathBuf {
    let name = "docker-registry";
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(found) = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()) {
        return found;
    }
    let folder = hosts().join("registry");
    let unpacked = folder.join("usr/bin").join(name);
    if !unpacked.is_file() {
        let hint = "the test of the OCI layout needs the Debian package docker-registry: apt-get install docker-registry, or package lists (apt-get update)";
        fs::create_dir_all(&folder).unwrap();
        run(Command::new("apt-get").args(["download", name]).current_dir(&folder), hint);
        let package = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).find(|path| is_package(path));
        run(Command::new("dpkg-deb").arg("--extract").arg(package.unwrap()).arg(&folder), hint);
    }
    unpacked
}

fn is_package(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "deb")
}

#[test]
fn a_registry_takes_the_layout_and_what_is_pulled_runs() {
    if without_hosts("a_registry_takes_the_layout_and_what_is_pulled_runs") {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let signed = xtask::oci::make(EMBEDDED, temporary.path()).unwrap();
    let blob = |digest: &str| {
        let hex = digest.strip_prefix("sha256:").unwrap();
        fs::read(temporary.path().join("blobs/sha256").join(hex)).unwrap()
    };
    let registry = Registry::start();
    let bytes = blob(&signed);
    let manifest: Value = serde_json::from_slice(&bytes).unwrap();
    for descriptor in manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]) {
        let digest = descriptor["digest"].as_str().unwrap();
        registry.push_blob(digest, &blob(digest));
    }
    let tag = concat!("manifests/", env!("CARGO_PKG_VERSION"));
    let kept = ureq::put(registry.at(tag)).header("content-type", xtask::oci::MANIFEST_TYPE).send(&bytes).unwrap();
    // What a signature is made of and for.
    assert_eq!((kept.status().as_u16(), digest_in(&kept)), (201, signed.as_str()));

    let (digest, pulled) = registry.pull(tag, xtask::oci::MANIFEST_TYPE);
    assert_eq!((digest, &pulled), (signed, &bytes));
    let pulled: Value = serde_json::from_slice(&pulled).unwrap();
    let layer = pulled["layers"][0]["digest"].as_str().unwrap();
    let (digest, component) = registry.pull(&format!("blobs/{layer}"), xtask::oci::LAYER_TYPE);
    assert_eq!(digest, layer);
    assert!(component == EMBEDDED, "another component came back");
    let file = temporary.path().join("pulled.wasm");
    fs::write(&file, component).unwrap();
    let output = support::run(&["inspect", "--plug", file.to_str().unwrap()]);
    assert!(output.status.success() && stdout(&output).contains("plugpipe:monitoring"), "{output:?}");
}
