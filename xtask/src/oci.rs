//! OCI image layouts: folders that `skopeo`, `oras` and `wkg oci push` push to registries. [`make`]
//! builds one in the Wasm OCI artifact format, with a manifest for the component and one for each
//! WIT package that others need to call it: one layer, and a config with its imports and exports.

use std::path::Path;

use serde_json::{Value, json};

use crate::{NAME, VERSION, remove, sha256, timestamp, wit, write};

/// The media type of the config.
pub const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
/// The media type of the layer.
pub const LAYER_TYPE: &str = "application/wasm";

/// Recreates the layout and returns the digest of the component's manifest, which is to be signed.
/// It is the first one; those of the WIT packages follow.
pub fn make(component: &[u8], folder: &Path) -> Result<String, String> {
    let layout = Layout::new(folder)?;
    let of_component = artifact(
        &layout,
        component,
        &Names {
            title: NAME,
            version: VERSION,
            reference: VERSION,
            description: "The PlugPipe plug monitoring_prometheus as a WebAssembly component",
        },
    )?;
    let digest = of_component.digest();
    let mut listed = vec![of_component];
    for package in wit::packages()? {
        let names = Names {
            title: &package.name,
            version: &package.version,
            // What a registry takes for a tag.
            reference: &format!("{}-{}", package.name.replace(':', "-"), package.version),
            description: &format!("The WIT package {}", package.name),
        };
        listed.push(artifact(&layout, &package.encoded, &names)?);
    }
    layout.finish(listed)?;
    Ok(digest)
}

/// Writes the blobs of a component, or of a WIT package, which is encoded as one.
fn artifact(layout: &Layout, component: &[u8], names: &Names) -> Result<Listed, String> {
    let layer = layout.blob(LAYER_TYPE, component)?;
    let (imports, exports) = wit::interfaces(component)?;
    let config = json!({
        "created": timestamp(),
        "author": "PlugPipe Team",
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [layer.digest],
        "component": {"exports": exports, "imports": imports, "target": null},
    });
    let config = layout.blob(CONFIG_TYPE, config.to_string().as_bytes())?;
    layout.manifest(&Contents { config, layer, names, platform: None })
}

/// The media type of the manifest.
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// A layout that is being written.
pub(crate) struct Layout<'f> {
    folder: &'f Path,
}

/// What is said of an image.
pub(crate) struct Names<'n> {
    /// Its name.
    pub(crate) title: &'n str,
    /// Its version.
    pub(crate) version: &'n str,
    /// By which tools find it in the layout.
    pub(crate) reference: &'n str,
    /// One sentence.
    pub(crate) description: &'n str,
}

/// What an image consists of, and what is said of it.
pub(crate) struct Contents<'n> {
    /// The config's descriptor.
    pub(crate) config: Descriptor,
    /// The only layer's.
    pub(crate) layer: Descriptor,
    /// What is said of it.
    pub(crate) names: &'n Names<'n>,
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

    /// Writes a manifest.
    pub(crate) fn manifest(&self, contents: &Contents<'_>) -> Result<Listed, String> {
        let Names { title, version, reference, description } = contents.names;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": contents.config.json(),
            "layers": [contents.layer.json()],
            "annotations": {
                "org.opencontainers.image.title": title,
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.description": description,
                "org.opencontainers.image.licenses": "MIT",
                "org.opencontainers.image.authors": "PlugPipe Team",
                "org.opencontainers.image.created": timestamp(),
            },
        });
        let descriptor = self.blob(MANIFEST_TYPE, manifest.to_string().as_bytes())?;
        let mut listed = descriptor.json();
        if let Value::Object(members) = &mut listed {
            members.insert("annotations".into(), json!({"org.opencontainers.image.ref.name": reference}));
            members.extend(contents.platform.clone().map(|platform| ("platform".into(), platform)));
        }
        Ok(Listed { descriptor, listed })
    }

    /// Writes the index of these manifests.
    pub(crate) fn finish(self, manifests: Vec<Listed>) -> Result<(), String> {
        let manifests: Vec<Value> = manifests.into_iter().map(|manifest| manifest.listed).collect();
        let index =
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests});
        write(&self.folder.join("index.json"), index.to_string())?;
        write(&self.folder.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())
    }
}

/// A manifest, as the index lists it.
pub(crate) struct Listed {
    descriptor: Descriptor,
    listed: Value,
}

impl Listed {
    /// The manifest's digest.
    pub(crate) fn digest(&self) -> String {
        self.descriptor.digest.clone()
    }
}
