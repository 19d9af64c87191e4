//! OCI image layouts: folders that `skopeo`, `oras` and `wkg oci push` push to registries. [`make`]
//! builds one in the Wasm OCI artifact format: the component as the only layer, and a config with
//! its imports and exports.

use std::path::Path;

use serde_json::{Value, json};

use crate::{NAME, VERSION, remove, sha256, timestamp, write};

/// The media type of the config.
pub const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
/// The media type of the layer.
pub const LAYER_TYPE: &str = "application/wasm";

/// Recreates the layout and returns the digest of its manifest, which is to be signed.
pub fn make(component: &[u8], folder: &Path) -> Result<String, String> {
    let layout = Layout::new(folder)?;
    let layer = layout.blob(LAYER_TYPE, component)?;
    let (imports, exports) = interfaces(component)?;
    let config = json!({
        "created": timestamp(),
        "author": "PlugPipe Team",
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [layer.digest],
        "component": {"exports": exports, "imports": imports, "target": null},
    });
    let config = layout.blob(CONFIG_TYPE, config.to_string().as_bytes())?;
    layout.finish(&Contents {
        config,
        layer,
        title: NAME,
        description: "The PlugPipe plug monitoring_prometheus as a WebAssembly component",
        platform: None,
    })
}

/// The media type of the manifest.
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// A layout that is being written.
pub(crate) struct Layout<'f> {
    folder: &'f Path,
}

/// What an image consists of, and what is said of it.
pub(crate) struct Contents {
    /// The config's descriptor.
    pub(crate) config: Descriptor,
    /// The only layer's.
    pub(crate) layer: Descriptor,
    /// Its name.
    pub(crate) title: &'static str,
    /// One sentence.
    pub(crate) description: &'static str,
    /// Architecture and system of a container image.
    pub(crate) platform: Option<Value>,
}

/// A reference to a blob.
pub(crate) struct Descriptor {
    /// `sha256:` and the digest in hex.
    pub(crate) digest: String,
    media_type: &'static str,
    size: usize,
}

impl Descriptor {
    fn json(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest, "size": self.size})
    }
}

impl<'f> Layout<'f> {
    /// Begins a layout in this folder, in place of what is there.
    pub(crate) fn new(folder: &'f Path) -> Result<Self, String> {
        remove(folder)?;
        Ok(Self { folder })
    }

    /// Writes a blob and returns its descriptor.
    pub(crate) fn blob(&self, media_type: &'static str, bytes: &[u8]) -> Result<Descriptor, String> {
        let digest = sha256(bytes);
        write(&self.folder.join("blobs/sha256").join(&digest), bytes)?;
        Ok(Descriptor { digest: format!("sha256:{digest}"), media_type, size: bytes.len() })
    }

    /// Writes the manifest and the index, and returns the manifest's digest.
    pub(crate) fn finish(self, contents: &Contents) -> Result<String, String> {
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": contents.config.json(),
            "layers": [contents.layer.json()],
            "annotations": {
                "org.opencontainers.image.title": contents.title,
                "org.opencontainers.image.version": VERSION,
                "org.opencontainers.image.description": contents.description,
                "org.opencontainers.image.licenses": "MIT",
                "org.opencontainers.image.authors": "PlugPipe Team",
                "org.opencontainers.image.created": timestamp(),
            },
        });
        let manifest = self.blob(MANIFEST_TYPE, manifest.to_string().as_bytes())?;
        let mut listed = manifest.json();
        if let Value::Object(members) = &mut listed {
            members.insert("annotations".into(), json!({"org.opencontainers.image.ref.name": VERSION}));
            members.extend(contents.platform.clone().map(|platform| ("platform".into(), platform)));
        }
        let index =
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [listed]});
        write(&self.folder.join("index.json"), index.to_string())?;
        write(&self.folder.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
        Ok(manifest.digest)
    }
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
