//! `--textfile`: an exposition for the textfile collector of node_exporter.

use std::path::{Path, PathBuf};

use plugpipe_harness::session::Format;
use plugpipe_harness::{CommandError, Error, PlugHandle, delivery};

use super::show;

/// Parses the option. node_exporter silently ignores files without the extension .prom.
pub(crate) fn path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let named = path.file_stem().is_some_and(|stem| !stem.is_empty());
    if named && path.extension().is_some_and(|extension| extension == "prom") {
        return Ok(path);
    }
    Err("expected a file name that ends in .prom: node_exporter's textfile collector ignores others".into())
}

/// Atomically writes the plug's metrics in the text format.
pub(crate) async fn write(handle: &PlugHandle, path: &Path) -> Result<(), CommandError> {
    let series = delivery::series(handle).await?;
    let text = handle.with(|session| Box::pin(session.encode(Format::Text))).await?;
    let target = path.to_owned();
    let written = tokio::task::spawn_blocking(move || plugpipe_harness::publish(&target, &text))
        .await
        .map_err(|_| Error::Ended)?;
    written.map_err(|error| CommandError::unwritable(path, &error))?;
    show::note(&format!("wrote {series} series to {}", path.display()));
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_prom_files_are_accepted() {
        assert_eq!(path("dir/jobs.prom").unwrap(), PathBuf::from("dir/jobs.prom"));
        for bad in ["jobs.txt", "jobs", ".prom", "", "jobs.prom/x", "jobs.PROM"] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }
}
