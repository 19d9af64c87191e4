//! Reloads files that change while their contents are in use: secrets and certificates.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tracing::{info, warn};

/// How often files are checked.
pub const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Files and the versions of their current contents.
pub struct Watched(Vec<(PathBuf, Stamp)>);

/// Identifies a version of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stamp {
    File(Version),
    /// Not a regular file, such as a pipe, which can be read only once.
    Once,
    Missing(io::ErrorKind),
}

/// Writing a file in place changes its time; replacing it (Kubernetes renames the symbolic link
/// `..data`) changes its inode.
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
    /// Follows symbolic links.
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
    /// Watches the current versions of these files. Must be called before reading them, so that a
    /// concurrent change is detected.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        Self(paths.into_iter().map(|path| (Stamp::of(&path), path)).map(|(stamp, path)| (path, stamp)).collect())
    }

    /// Whether there is nothing to watch.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a file has changed.
    pub fn has_changed(&self) -> bool {
        self.0.iter().any(|(path, stamp)| Stamp::of(path).is_newer_than(stamp))
    }

    /// Updates to the current versions. Must be called before reading, like [`Watched::new`].
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
    /// Reads the value for the first time.
    pub fn open(
        files: impl IntoIterator<Item = PathBuf>,
        read: impl FnOnce() -> Result<T, String>,
    ) -> Result<Self, String> {
        let files = Watched::new(files);
        Ok(Self { files, value: read()? })
    }

    /// Reloads the value if its files have changed, and returns the previous value. `place` is its
    /// location in the configuration.
    pub fn refresh(&mut self, place: &str, read: impl FnOnce() -> Result<T, String>) -> Option<T> {
        if !self.files.has_changed() {
            return None;
        }
        self.files.update();
        self.replace(place, read())
    }

    /// Like [`Source::refresh`], for a value that names further files: `load` returns which there
    /// are now, watched since before they were read.
    pub fn reload(&mut self, place: &str, load: impl FnOnce() -> (Watched, Result<T, String>)) -> Option<T> {
        if !self.files.has_changed() {
            return None;
        }
        let (files, value) = load();
        self.files = files;
        self.replace(place, value)
    }

    fn replace(&mut self, place: &str, value: Result<T, String>) -> Option<T> {
        match value {
            Ok(value) => {
                info!("{place}: reloaded after a file change");
                Some(std::mem::replace(&mut self.value, value))
            }
            // The file was still being written; the next refresh reads it.
            Err(_) if self.files.has_changed() => None,
            Err(problem) => {
                warn!("{place}: {problem}; the previous contents stay in use");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_change_is_detected_once() {
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
    fn a_replaced_link_is_detected() {
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
    fn only_regular_files_are_reloaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        let watched = Watched::new([path.clone()]);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "a file").unwrap();
        assert!(!watched.has_changed());
    }
}
