//! Builds an OCI image layout in the Wasm OCI artifact format: the component as the only layer, and
//! a config with its imports and exports. `wkg oci push`, `oras` and `skopeo` push such folders to
//! registries.

#![expect(clippy::indexing_slicing, reason = "missing members read as null and are created when written")]

use std::path::Path;

use serde_json::{Value, json};

use crate::{NAME, VERSION, remove, sha256, timestamp, write};

/// The media type of the config.
pub const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
/// The media type of the layer.
pub const LAYER_TYPE: &str = "application/wasm";

/// Recreates the layout and returns the digest of its manifest, which is to be signed.
pub fn make(component: &[u8], folder: &Path) -> Result<String, String> {
    remove(folder)?;
    let layer = blob(folder, LAYER_TYPE, component)?;
    let created = timestamp();
    let (imports, exports) = interfaces(component)?;
    let config = json!({
        "created": created,
        "author": "PlugPipe Team",
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [layer["digest"]],
        "component": {"exports": exports, "imports": imports, "target": null},
    });
    let config = blob(folder, CONFIG_TYPE, config.to_string().as_bytes())?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config,
        "layers": [layer],
        "annotations": {
            "org.opencontainers.image.title": NAME,
            "org.opencontainers.image.version": VERSION,
            "org.opencontainers.image.description": "The PlugPipe plug monitoring_prometheus as a WebAssembly component",
            "org.opencontainers.image.licenses": "MIT",
            "org.opencontainers.image.authors": "PlugPipe Team",
            "org.opencontainers.image.created": created,
        },
    });
    let mut manifest = blob(folder, MANIFEST_TYPE, manifest.to_string().as_bytes())?;
    manifest["annotations"] = json!({"org.opencontainers.image.ref.name": VERSION});
    let index =
        json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [manifest]});
    write(&folder.join("index.json"), index.to_string())?;
    write(&folder.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
    Ok(manifest["digest"].as_str().unwrap_or_default().to_owned())
}

/// The media type of the manifest.
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// Writes a blob and returns its descriptor.
fn blob(folder: &Path, media_type: &str, bytes: &[u8]) -> Result<Value, String> {
    let digest = sha256(bytes);
    write(&folder.join("blobs/sha256").join(&digest), bytes)?;
    Ok(json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len()}))
}

/// The interfaces that a component imports and exports.
fn interfaces(component: &[u8]) -> Result<(Vec<String>, Vec<String>), String> {
    let decoded =
        wit_component::decode(component).map_err(|error| format!("cannot decode the component: {error:#}"))?;
    let wit_component::DecodedWasm::Component(resolve, world) = &decoded else {
        return Err("expected a component, got a WIT package".into());
    };
    let world = resolve.worlds.get(*world).ok_or("the component has no world")?;
    let names = |items: &wit_parser::IndexMap<wit_parser::WorldKey, wit_parser::WorldItem>| {
        let mut names: Vec<String> = items.keys().map(|key| resolve.name_world_key(key)).collect();
        names.sort();
        names
    };
    Ok((names(&world.imports), names(&world.exports)))
}
