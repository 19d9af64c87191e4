//! Builds the registry folder: the component, its manifest, `main.py` with its hosts and types for
//! Python, an agent card, SBOMs, and checksums.

use std::path::{Path, PathBuf};

use crate::{NAME, VERSION, read_text, remove, root, sbom, sha256, write};

/// The folder's path in `dist`.
pub fn folder(dist: &Path) -> PathBuf {
    dist.join("plugs").join(NAME).join(VERSION)
}

/// Recreates the folder for this component and returns its path.
pub fn make(component: &[u8], dist: &Path) -> Result<PathBuf, String> {
    let folder = folder(dist);
    remove(&folder)?;
    let digest = sha256(component);
    let (summary, complete) = sbom::make(&digest)?;
    let text = |path: &str| read_text(&root().join(path)).map(String::into_bytes);
    // Sorted, like SHA256SUMS.
    let files: [(&str, Vec<u8>); 12] = [
        ("LICENSE", text("LICENSE")?),
        ("README.md", text("packaging/README.md")?),
        ("agent-card.json", text("packaging/python/agent-card.json")?),
        ("bare_host.py", text("packaging/python/bare_host.py")?),
        ("configuration.py", text("packaging/python/configuration.py")?),
        ("installed_host.py", text("packaging/python/installed_host.py")?),
        ("main.py", text("packaging/python/main.py")?),
        ("monitoring_prometheus.wasm", component.to_vec()),
        ("plug.yaml", text("plugin/plug.yaml")?),
        ("plug_types.py", text("packaging/python/plug_types.py")?),
        ("sbom/monitoring_prometheus-sbom-complete.json", complete.into_bytes()),
        ("sbom/monitoring_prometheus-sbom.json", summary.into_bytes()),
    ];
    let mut sums = String::new();
    for (name, bytes) in &files {
        write(&folder.join(name), bytes)?;
        sums.push_str(&format!("{}  {name}\n", sha256(bytes)));
    }
    write(&folder.join("SHA256SUMS"), sums)?;
    Ok(folder)
}
