//! Files and folders that belong to one user: the state, the compiled components, recordings. And
//! files that other users' programs read, [`publish`].
//!
//! Others must not be able to put something in their place. So a folder must be its user's own and
//! writable by nobody else, a file is opened without following a symbolic link, and a new one is
//! made under a name of its own and renamed over the old, which replaces a link and not the file
//! that it leads to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Makes the folder, for this user alone, or checks that the one that is there is.
///
/// # Errors
/// The reason why it cannot be made or is not private, with what to do.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    // The link itself could be anybody's, and led somewhere else tomorrow.
    if let Ok(found) = fs::symlink_metadata(path)
        && found.is_symlink()
        && !is_own(&found)
    {
        return Err(io::Error::other("it is a symbolic link of another user"));
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
            "it belongs to user {}; name a folder of your own, or one within it that does not exist yet",
            found.uid()
        )));
    }
    if found.mode() & 0o022 != 0 {
        return Err(io::Error::other(format!(
            "others may write to it (mode {:o}); chmod 700 it, or name a folder within it that does not exist yet",
            found.mode() & 0o7777
        )));
    }
    Ok(())
}

#[cfg(unix)]
fn is_own(found: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(found) == rustix::process::geteuid().as_raw()
}

/// Elsewhere a folder under the user's home is closed to other users by the system's own defaults.
#[cfg(not(unix))]
fn check(_: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn is_own(_: &fs::Metadata) -> bool {
    true
}

/// Options that make a file for its owner only, and follow no symbolic link in its last part.
pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options
}

/// A new file in the place of whatever has that name, for its owner only. Where a folder has it,
/// that is an error.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().prefix(".plugpipe-").tempfile_in(folder)?;
    Ok(file.persist(path)?)
}

/// Replaces a file's content: whoever reads it meanwhile sees the old one or the new one. What is
/// written survives a power cut. `aside` is the path at which the new one is made, and nothing is
/// left there.
pub(crate) fn replace(path: &Path, aside: &Path, bytes: &[u8]) -> io::Result<()> {
    // What was left by a process that was killed; the name of a link, if somebody put one there.
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
        // It holds nothing that is not elsewhere, and takes room that is short.
        let _ = fs::remove_file(aside);
    }
    written
}

/// Writes a file that other users' programs may read, in the place of whatever has that name: a
/// reader sees the old contents or the new. Until it is whole its name begins with a dot and ends
/// in `.tmp`. What is written survives a power cut.
///
/// # Errors
/// That of the file system; the file is as it was then.
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
    fn a_folder_is_made_private_and_one_that_is_not_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let made = place.path().join("a/b");
        folder(&made).unwrap();
        assert_eq!(mode(&made), 0o700);
        folder(&made).unwrap();
        for open in [0o777, 0o1777, 0o720, 0o702] {
            fs::set_permissions(&made, fs::Permissions::from_mode(open)).unwrap();
            let problem = folder(&made).unwrap_err().to_string();
            assert!(problem.contains("others may write to it") && problem.contains("chmod 700"), "{problem}");
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
    fn no_link_is_followed_and_no_mode_is_kept() {
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
    fn a_file_is_replaced_whole_and_readable_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("jobs.prom");
        for text in ["a 1\n", "b 2\n"] {
            publish(&target, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&target).unwrap(), text);
        }
        assert_eq!(target.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(publish(&folder.path().join("no/such.prom"), b"").is_err());
    }
}
