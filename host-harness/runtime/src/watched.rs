//! Files that may be replaced while their contents are in use: secrets and certificates.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tracing::{info, warn};

/// How often files are checked.
pub const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Files with the versions that were read.
pub struct Watched(Vec<(PathBuf, Stamp)>);

/// What tells one version of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stamp {
    File(Version),
    /// Not a regular file, such as a pipe: what it held is gone once it was read.
    Once,
    Missing(io::ErrorKind),
}

/// A file that is written again in its place gets another time, one that is replaced (Kubernetes
/// moves the symbolic link `..data`) another number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    #[cfg(unix)]
    number: (u64, u64),
    #[cfg(unix)]
    changed: (i64, i64),
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// Symbolic links are followed.
    fn of(path: &Path) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        match fs::metadata(path) {
            Ok(found) if found.is_file() => Self::File(Version {
                #[cfg(unix)]
                number: (found.dev(), found.ino()),
                #[cfg(unix)]
                changed: (found.ctime(), found.ctime_nsec()),
                length: found.len(),
                modified: found.modified().ok(),
            }),
            Ok(_) => Self::Once,
            Err(error) => Self::Missing(error.kind()),
        }
    }

    fn is_newer_than(&self, old: &Self) -> bool {
        !matches!((self, old), (Self::Once, _) | (_, Self::Once)) && self != old
    }
}

impl Watched {
    /// Watches these files as they are now. To be called before they are read, so that one that is
    /// replaced meanwhile has changed afterwards.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        Self(paths.into_iter().map(|path| (Stamp::of(&path), path)).map(|(stamp, path)| (path, stamp)).collect())
    }

    /// Whether there is nothing to watch.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is not the version that was read.
    pub fn has_changed(&self) -> bool {
        self.0.iter().any(|(path, stamp)| Stamp::of(path).is_newer_than(stamp))
    }

    /// Takes the versions that are there now for those that were read. Called before reading, as
    /// [`Watched::new`] is.
    pub fn update(&mut self) {
        for (path, stamp) in &mut self.0 {
            *stamp = Stamp::of(path);
        }
    }
}

/// A value that was read from files.
pub struct Source<T> {
    /// The files.
    pub files: Watched,
    /// The last valid value.
    pub value: T,
}

impl<T> Source<T> {
    /// Reads it for the first time.
    pub fn open(
        files: impl IntoIterator<Item = PathBuf>,
        read: impl FnOnce() -> Result<T, String>,
    ) -> Result<Self, String> {
        let files = Watched::new(files);
        Ok(Self { files, value: read()? })
    }

    /// Reads it again if its files have changed, and returns the replaced value. `place` is where
    /// the operator configured it.
    pub fn refresh(&mut self, place: &str, read: impl FnOnce() -> Result<T, String>) -> Option<T> {
        if !self.files.has_changed() {
            return None;
        }
        self.files.update();
        match read() {
            Ok(value) => {
                info!("{place}: a file has changed and was read again");
                Some(std::mem::replace(&mut self.value, value))
            }
            // Half of it was there: the next look finds the rest.
            Err(_) if self.files.has_changed() => None,
            Err(problem) => {
                warn!("{place}: {problem}; what was read before stays in use");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_change_a_file_is_noticed_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("token"), "first").unwrap();
        let mut watched = Watched::new([path("token"), path("other")]);
        assert!(!watched.has_changed());
        let mut changed = |what: &str| {
            assert!(watched.has_changed(), "{what}");
            watched.update();
            assert!(!watched.has_changed(), "{what}, once");
        };
        fs::write(path("token"), "longer than the first").unwrap();
        changed("written in its place");
        fs::write(path("new"), "longer than the first").unwrap();
        fs::rename(path("new"), path("token")).unwrap();
        changed("replaced by one that is as long");
        fs::remove_file(path("token")).unwrap();
        changed("removed");
        fs::write(path("token"), "there again").unwrap();
        changed("made again");
        fs::write(path("other"), "").unwrap();
        changed("made");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_is_moved_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for version in ["1", "2"] {
            fs::create_dir(path(version)).unwrap();
            fs::write(path(version).join("token"), "same length").unwrap();
        }
        std::os::unix::fs::symlink("1", path("..data")).unwrap();
        std::os::unix::fs::symlink("..data/token", path("token")).unwrap();
        let watched = Watched::new([path("token")]);
        assert!(!watched.has_changed());
        std::os::unix::fs::symlink("2", path("..next")).unwrap();
        fs::rename(path("..next"), path("..data")).unwrap();
        assert!(watched.has_changed());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        let watched = Watched::new([path.clone()]);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "a file").unwrap();
        assert!(!watched.has_changed());
    }
}
