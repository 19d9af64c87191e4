//! Private files and folders for state, compiled components and recordings, and [`publish`] for
//! files that other users read.
//!
//! Other users must not be able to replace them. So a folder must be owned by the user and not
//! writable by others, files are opened without following symbolic links, and a new file is created
//! under a temporary name and renamed, which replaces a link instead of its target.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Creates a private folder, or checks that an existing one is private.
///
/// # Errors
/// If the folder cannot be created or is not private.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    // The owner of a link could change its target later.
    if let Ok(found) = fs::symlink_metadata(path)
        && found.is_symlink()
        && !is_own(&found)
    {
        return Err(io::Error::other("symbolic link is owned by another user"));
    }
    if !path.is_dir() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
    }
    check(&fs::metadata(path)?)
}

#[cfg(unix)]
fn check(found: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if !is_own(found) {
        return Err(io::Error::other(format!(
            "owned by user {}; choose a folder of your own, or a new folder in it",
            found.uid()
        )));
    }
    if found.mode() & 0o022 != 0 {
        return Err(io::Error::other(format!(
            "writable by others (mode {:o}); run chmod 700, or choose a new folder in it",
            found.mode() & 0o7777
        )));
    }
    Ok(())
}

#[cfg(unix)]
fn is_own(found: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(found) == rustix::process::geteuid().as_raw()
}

/// On other systems, folders in the user's home are private by default.
#[cfg(not(unix))]
fn check(_: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn is_own(_: &fs::Metadata) -> bool {
    true
}

/// Options that create private files and do not follow a symbolic link at the path.
pub(crate) fn options() -> OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut options = OpenOptions::new();
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
        options
    }
    #[cfg(not(unix))]
    OpenOptions::new()
}

/// Creates a private file that replaces an existing file or link. Fails if the path is a folder.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().prefix(".plugpipe-").tempfile_in(folder)?;
    Ok(file.persist(path)?)
}

/// Replaces a file atomically and durably. `aside` is the path of the temporary file.
pub(crate) fn replace(path: &Path, aside: &Path, bytes: &[u8]) -> io::Result<()> {
    // Remove the leftover of a killed process, or a link.
    match fs::remove_file(aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = options().create_new(true).write(true).open(aside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(aside, path)
    });
    if written.is_err() {
        // The disk may be full.
        let _ = fs::remove_file(aside);
    }
    written
}

/// Writes a file that other users can read, atomically and durably. Replaces an existing file or
/// link. The temporary file's name begins with a dot and ends in `.tmp`.
///
/// # Errors
/// I/O errors; the file is then unchanged.
pub fn publish(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".plugpipe-").suffix(".tmp").tempfile_in(folder)?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folders_are_created_private_and_others_rejected() {
        let place = tempfile::tempdir().unwrap();
        let made = place.path().join("a/b");
        folder(&made).unwrap();
        assert_eq!(mode(&made), 0o700);
        folder(&made).unwrap();
        for open in [0o777, 0o1777, 0o720, 0o702] {
            fs::set_permissions(&made, fs::Permissions::from_mode(open)).unwrap();
            let problem = folder(&made).unwrap_err().to_string();
            assert!(problem.contains("writable by others") && problem.contains("chmod 700"), "{problem}");
        }
        fs::set_permissions(&made, fs::Permissions::from_mode(0o755)).unwrap();
        folder(&made).unwrap();
        let link = place.path().join("link");
        symlink(&made, &link).unwrap();
        folder(&link).unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(folder(&file).is_err());
    }

    #[test]
    fn links_are_not_followed_and_modes_not_kept() {
        let place = tempfile::tempdir().unwrap();
        let (target, link) = (place.path().join("target"), place.path().join("link"));
        fs::write(&target, "precious").unwrap();
        symlink(&target, &link).unwrap();
        assert!(options().write(true).create(true).truncate(true).open(&link).is_err());
        assert!(options().read(true).open(&link).is_err());

        new_file(&link).unwrap().write_all(b"new").unwrap();
        assert_eq!((fs::read(&target).unwrap(), fs::read(&link).unwrap()), (b"precious".to_vec(), b"new".to_vec()));
        assert_eq!(mode(&link), 0o600);
        fs::set_permissions(&link, fs::Permissions::from_mode(0o644)).unwrap();
        new_file(&link).unwrap();
        assert_eq!(mode(&link), 0o600);
        assert!(new_file(place.path()).is_err());

        let aside = place.path().join("aside");
        symlink(&target, &aside).unwrap();
        replace(&link, &aside, b"newer").unwrap();
        assert_eq!((fs::read(&target).unwrap(), fs::read(&link).unwrap()), (b"precious".to_vec(), b"newer".to_vec()));
        assert!(fs::symlink_metadata(&aside).is_err());
        assert_eq!(mode(&link), 0o600);
    }

    #[test]
    fn published_files_are_replaced_atomically_and_readable_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("jobs.prom");
        for text in ["a 1\n", "b 2\n"] {
            publish(&target, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&target).unwrap(), text);
        }
        assert_eq!(target.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary files remain");
        assert!(publish(&folder.path().join("no/such.prom"), b"").is_err());
    }
}
