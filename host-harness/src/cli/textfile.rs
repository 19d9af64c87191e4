//! `--textfile`: an exposition for the textfile collector of node_exporter.

use std::io::{Error as IoError, Write as _};
use std::path::{Path, PathBuf};

use plugpipe_harness::session::Format;
use plugpipe_harness::{Error, PlugHandle};
use tempfile::Builder;

use super::show;

/// Reads the path of an option. node_exporter passes over every other name without a word.
pub(crate) fn path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let named = path.file_stem().is_some_and(|stem| !stem.is_empty());
    if named && path.extension().is_some_and(|extension| extension == "prom") {
        return Ok(path);
    }
    Err("expected a file that ends in .prom: node_exporter's textfile collector reads no other".into())
}

/// Writes what the plug holds, in the text format, and says so on stderr. Who reads the file
/// meanwhile gets the whole old or the whole new one.
pub(crate) async fn write(handle: &PlugHandle, path: &Path) -> Result<(), Error> {
    let series = handle.series().await?;
    let text = handle.with(|session| Box::pin(session.encode(Format::Text))).await?;
    let target = path.to_owned();
    let written = tokio::task::spawn_blocking(move || replace(&target, &text)).await.map_err(|_| Error::Ended)?;
    written.map_err(|error| Error::Write { path: path.into(), problem: error.to_string() })?;
    show::note(&format!("wrote {series} series to {}", path.display()));
    Ok(())
}

/// Writes beside the file and renames. The name in between must not end in `.prom`, or the
/// collector would read half a file.
fn replace(path: &Path, text: &[u8]) -> Result<(), IoError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut file = Builder::new().prefix(&format!(".{name}.")).suffix(".tmp").tempfile_in(folder)?;
    file.write_all(text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // node_exporter usually runs as another user.
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_the_collector_reads_are_taken() {
        assert_eq!(path("dir/jobs.prom").unwrap(), PathBuf::from("dir/jobs.prom"));
        for bad in ["jobs.txt", "jobs", ".prom", "", "jobs.prom/x", "jobs.PROM"] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_readable_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("jobs.prom");
        for text in ["a 1\n", "b 2\n"] {
            replace(&target, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&target).unwrap(), text);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(target.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(replace(&folder.path().join("no/such.prom"), b"").is_err());
    }
}
