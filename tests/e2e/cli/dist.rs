//! What is shipped: the folder of PlugPipe's registry, bills of materials, the OCI layout, the
//! world, and the packages for Python and Node.
//!
//! Python gets a virtual environment and Node its packages once, in `target/hosts`, with the
//! versions that are pinned in `tests/hosts/requirements.txt` and
//! `packaging/node/package-lock.json`.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use plugpipe_component::EMBEDDED;
use serde_json::{Value, json};

use crate::cli::manifest::MANIFEST;
use crate::support::{root, without_servers};

/// Whether the caller asked to leave other hosts out.
pub fn without_hosts(test: &str) -> bool {
    without_servers(test)
}

/// A Python that has wasmtime, and the folder with `main.py`.
pub struct Python {
    pub python: PathBuf,
    pub dist: PathBuf,
}

pub fn python() -> &'static Python {
    static PYTHON: OnceLock<Python> = OnceLock::new();
    PYTHON.get_or_init(|| Python {
        python: crate::fetched::python(),
        dist: xtask::dist::make(EMBEDDED, &hosts().join("dist")).unwrap(),
    })
}

/// The folder with the package for Node.
pub fn node_package() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let package = hosts().join("npm");
        xtask::npm::make(EMBEDDED, &package).unwrap_or_else(|problem| panic!("{problem}"));
        package
    })
}

pub fn hosts() -> PathBuf {
    let hosts = root().canonicalize().unwrap().join("target/hosts");
    fs::create_dir_all(&hosts).unwrap();
    hosts
}

/// Runs a program to its end, and returns what it said.
pub fn run(command: &mut Command, hint: &str) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; {hint}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}; {hint}");
    said
}

#[test]
fn the_dist_folder_is_whole() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = xtask::dist::make(EMBEDDED, temporary.path()).unwrap();
    assert!(folder.ends_with("plugs/monitoring_prometheus/2.0.0"), "{}", folder.display());
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let mut names = BTreeSet::new();
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        assert_eq!(sum, xtask::sha256(&fs::read(folder.join(name)).unwrap()), "{name}");
        names.insert(name.to_owned());
    }
    for key in ["summary", "complete"] {
        assert!(names.contains(MANIFEST["sbom"][key].as_str().unwrap()), "{names:?}");
    }
    for name in [
        "main.py",
        "bare_host.py",
        "installed_host.py",
        "configuration.py",
        "agent-card.json",
        "monitoring_prometheus.wasm",
        "plug.yaml",
        "plug_types.py",
        "README.md",
        "LICENSE",
    ] {
        assert!(names.contains(name), "{names:?}");
    }
    // What the registry's own check looks for.
    assert_eq!((&MANIFEST["entrypoint"], &MANIFEST["a2a_enabled"]), (&json!("main.py"), &json!(true)));
    for name in names.iter().filter(|name| name.ends_with(".py")) {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        assert!(text.contains("# SPDX-License-Identifier: MIT\n") && text.contains("Copyright"), "{name}");
        for risky in ["eval(", "exec(", "__import__(", "os.system("] {
            assert!(!text.contains(risky), "{name} contains {risky}");
        }
    }
    let head = fs::read_to_string(folder.join("main.py")).unwrap();
    assert!(head.contains("\nasync def execute(") && head.contains("\nasync def process("));
    assert!(head.contains(&format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"))));
    // The same sources make the same folder.
    let again = xtask::dist::make(EMBEDDED, temporary.path()).unwrap();
    assert_eq!(fs::read_to_string(again.join("SHA256SUMS")).unwrap(), sums);
}

#[test]
fn the_bills_of_materials_hold_the_graph_and_keep_to_plugpipes_rules() {
    let named = json!({
        "type": "object", "required": ["type", "bom-ref", "name", "version"],
        "properties": {"type": {"enum": ["application", "library", "framework", "container", "operating-system", "device", "file"]},
                       "bom-ref": {"type": "string"}, "name": {"type": "string"}, "version": {"type": "string"}, "purl": {"type": "string"}},
    });
    let rules = json!({
        "type": "object",
        "required": ["bomFormat", "specVersion", "serialNumber", "version", "metadata"],
        "additionalProperties": false,
        "properties": {
            "bomFormat": {"const": "CycloneDX"}, "specVersion": {"enum": ["1.4", "1.5"]},
            "serialNumber": {"pattern": "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
            "version": {"type": "integer", "minimum": 1},
            "metadata": {
                "type": "object", "required": ["timestamp", "tools", "component"],
                "properties": {
                    "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
                    "tools": {"type": "array", "minItems": 1, "items": {"required": ["vendor", "name", "version"]}},
                    "component": named,
                },
            },
            "components": {"type": "array", "items": named},
            "dependencies": {"type": "array", "items": {"required": ["ref"], "properties": {"dependsOn": {"type": "array", "items": {"type": "string"}}}}},
        },
    });
    let validator = jsonschema::validator_for(&rules).unwrap();
    let (summary, complete) = xtask::sbom::make(&xtask::sha256(EMBEDDED)).unwrap();
    let scopes = |bill: &Value, scope: &str| {
        let components = bill["components"].as_array().unwrap().iter();
        components
            .filter(|component| component["scope"] == scope)
            .map(|component| component["name"].as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    for bill in [&summary, &complete] {
        let bill: Value = serde_json::from_str(bill).unwrap();
        validator.validate(&bill).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(bill["metadata"]["component"]["hashes"][0]["content"], xtask::sha256(EMBEDDED));
        let known: HashSet<&Value> = bill["components"]
            .as_array()
            .unwrap()
            .iter()
            .chain([&bill["metadata"]["component"]])
            .map(|component| &component["bom-ref"])
            .collect();
        for dependency in bill["dependencies"].as_array().unwrap() {
            assert!(known.contains(&dependency["ref"]), "{dependency}");
            assert!(dependency["dependsOn"].as_array().unwrap().iter().all(|on| known.contains(on)), "{dependency}");
        }
        let linked = scopes(&bill, "required");
        for name in ["plugpipe-operations", "serde_json", "wit-bindgen"] {
            assert!(linked.contains(name), "{linked:?}");
        }
        // What only tests and schemas need is no part of the component.
        assert!(!linked.contains("proptest") && !linked.contains("schemars"), "{linked:?}");
    }
    let complete: Value = serde_json::from_str(&complete).unwrap();
    let linked = scopes(&complete, "required");
    assert!(["base64", "hashbrown", "thiserror"].iter().all(|name| linked.contains(*name)), "{linked:?}");
    assert!(scopes(&complete, "excluded").contains("thiserror-impl"));
}

#[test]
fn the_oci_layout_names_every_blob_by_its_digest() {
    let temporary = tempfile::tempdir().unwrap();
    let signed = xtask::oci::make(EMBEDDED, temporary.path()).unwrap();
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap();
        let hex = digest.strip_prefix("sha256:").unwrap();
        let bytes = fs::read(temporary.path().join("blobs/sha256").join(hex)).unwrap();
        assert_eq!((xtask::sha256(&bytes).as_str(), json!(bytes.len())), (hex, descriptor["size"].clone()));
        bytes
    };
    let read = |name: &str| serde_json::from_slice::<Value>(&fs::read(temporary.path().join(name)).unwrap()).unwrap();
    assert_eq!(read("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}));
    let index = read("index.json");
    assert_eq!(index["manifests"][0]["digest"], signed);
    let (mut references, mut components, mut configs) = (Vec::new(), Vec::new(), Vec::new());
    for listed in index["manifests"].as_array().unwrap() {
        let manifest: Value = serde_json::from_slice(&blob(listed)).unwrap();
        assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
        assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
        assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
        let config: Value = serde_json::from_slice(&blob(&manifest["config"])).unwrap();
        assert_eq!(config["layerDigests"][0], manifest["layers"][0]["digest"]);
        let reference = listed["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap();
        references.push((reference.to_owned(), manifest["annotations"]["org.opencontainers.image.version"].clone()));
        components.push(blob(&manifest["layers"][0]));
        configs.push(config["component"].clone());
    }
    let version = env!("CARGO_PKG_VERSION");
    let expected = [(version, version), ("plugpipe-plug-1.0.0", "1.0.0"), ("plugpipe-monitoring-1.0.0", "1.0.0")];
    assert_eq!(references, expected.map(|(reference, version)| (reference.to_owned(), json!(version))));
    assert_eq!(components[0], EMBEDDED);
    assert_eq!(configs[0]["imports"], MANIFEST["capabilities"]["imports"]);
    // What another project needs to call the component, or to record in it, with nothing but this.
    let exports = configs[2]["exports"].as_array().unwrap();
    for interface in ["metrics", "exposition", "query", "types", "monitoring"] {
        assert!(exports.contains(&json!(format!("plugpipe:monitoring/{interface}@1.0.0"))), "{exports:?}");
    }
    assert!(configs[1]["exports"].to_string().contains("plugpipe:plug/hosting@1.0.0"), "{}", configs[1]);
}

#[test]
fn the_world_is_what_its_version_has_always_been_and_the_page_is_current() {
    let world = xtask::wit::world().unwrap();
    xtask::wit::check(&world).unwrap_or_else(|problem| panic!("{problem}"));
    let page = fs::read_to_string(xtask::wit::page_path()).unwrap();
    assert!(page == xtask::wit::page(&world), "docs/wit.md is not of this world: run cargo xtask wit");
    let changed = xtask::wit::World { text: world.text.replace("add: func(", "plus: func("), ..world };
    assert!(xtask::wit::check(&changed).is_err());
}

#[test]
fn locked_packages_for_node_name_no_place_to_get_them_from() {
    let lock = fs::read_to_string(root().join("packaging/node/package-lock.json")).unwrap();
    assert!(!lock.contains("\"resolved\""));
    assert!(lock.contains("\"integrity\""));
}

#[test]
fn the_python_plug_is_typed_and_serves_what_was_written_for_the_old_one() {
    if without_hosts("the_python_plug_is_typed_and_serves_what_was_written_for_the_old_one") {
        return;
    }
    let host = python();
    let mut mypy = Command::new(&host.python);
    mypy.args(["-m", "mypy", "--strict", "--no-error-summary", "--cache-dir"]).arg(hosts().join("mypy"));
    mypy.args(["main.py", "configuration.py", "bare_host.py", "installed_host.py", "plug_types.py"]);
    run(mypy.current_dir(&host.dist), "");
    let mut test = Command::new(&host.python);
    test.arg(root().join("tests/hosts/test_main.py")).arg(&host.dist);
    let said = run(&mut test, "");
    assert!(said.contains("\nOK"), "{said}");
    eprintln!("{said}");
}
