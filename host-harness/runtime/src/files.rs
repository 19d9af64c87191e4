//! Writes the files that jobs want in a granted folder: atomically, if they are as the plug expects,
//! and only files that carry the plug's mark.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use crate::private;

/// The name of the grant [`rules_folder`](crate::Grants::rules_folder).
pub(crate) const RULES: &str = "rules";

/// The maximum length of a file's name.
const MAX_NAME_LEN: usize = 200;

/// The maximum size of a file.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// The maximum size of all files in a folder.
const MAX_FOLDER_BYTES: u64 = 64 << 20;

/// The maximum number of files in a folder.
const MAX_FILES: usize = 1_000;

/// A file that is to be written.
#[derive(Debug, Clone)]
pub(crate) struct Put {
    pub(crate) name: String,
    /// None removes it.
    pub(crate) content: Option<Vec<u8>>,
    /// What it must hold; none if it must not exist.
    pub(crate) expected: Option<Vec<u8>>,
}

/// How files begin that a plug of this name may write.
pub(crate) fn mark(plug: &str) -> String {
    format!("# Managed by {plug}")
}

impl Put {
    /// Writes or removes the file if it holds what is expected. Returns what it held before; if that
    /// is something else, nothing was done.
    pub(crate) fn perform(&self, folder: &Path, mark: &str) -> Result<Option<Vec<u8>>, String> {
        self.check(mark)?;
        let path = folder.join(&self.name);
        let problem = |error: io::Error| format!("{} cannot be written: {error}", path.display());
        let _lock = lock(folder).map_err(problem)?;
        let before = self.read(folder)?;
        if before != self.expected || before == self.content {
            return Ok(before);
        }
        if before.as_ref().is_some_and(|before| !is_marked(before, mark)) {
            return Err(self.refused(&format!(
                "does not begin with {mark:?}, so the plug may not change it; use another file name"
            )));
        }
        if let Some(content) = &self.content {
            self.has_room(folder, content.len() as u64)?;
        }
        replace(&path, self.content.as_deref()).map_err(problem)?;
        Ok(before)
    }

    /// Checks the name and the new content.
    fn check(&self, mark: &str) -> Result<(), String> {
        let name = &self.name;
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        let ends = name.ends_with(".yml") || name.ends_with(".yaml");
        if !plain || name.starts_with('.') || name.len() > MAX_NAME_LEN || !ends {
            return Err(format!(
                "the file name {name:?} is not allowed; expected letters, digits, _, - and ., ending in .yml or .yaml"
            ));
        }
        let Some(content) = &self.content else { return Ok(()) };
        if !is_marked(content, mark) {
            return Err(self.refused(&format!("the new content does not begin with {mark:?}, so it was not written")));
        }
        if content.len() as u64 > MAX_FILE_BYTES {
            let bytes = content.len();
            return Err(self.refused(&format!(
                "would have {bytes} bytes; the maximum is {MAX_FILE_BYTES}: split it into several files"
            )));
        }
        Ok(())
    }

    fn refused(&self, problem: &str) -> String {
        format!("file {}: {problem}", self.name)
    }

    /// The contents of the file; none if it does not exist. An error for what is not a file, such as
    /// a symbolic link, or too long.
    fn read(&self, folder: &Path) -> Result<Option<Vec<u8>>, String> {
        let path = folder.join(&self.name);
        let problem = |error: io::Error| format!("{} cannot be read: {error}", path.display());
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(problem(error)),
        };
        if !found.is_file() {
            let what = if found.is_symlink() { "a symbolic link, which is not followed" } else { "not a file" };
            return Err(self.refused(&format!("is {what}; use another file name")));
        }
        let file = File::open(&path).map_err(problem)?;
        if !is_same(&found, &file.metadata().map_err(problem)?) {
            return Err(self.refused("was replaced while it was read; try again"));
        }
        let mut content = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content).map_err(problem)?;
        if content.len() as u64 > MAX_FILE_BYTES {
            return Err(
                self.refused(&format!("has more than {MAX_FILE_BYTES} bytes, the maximum; use another file name"))
            );
        }
        Ok(Some(content))
    }

    /// Checks that the folder takes a file of that many bytes under this name.
    fn has_room(&self, folder: &Path, bytes: u64) -> Result<(), String> {
        let problem = |error: io::Error| format!("{} cannot be read: {error}", folder.display());
        let (mut files, mut total) = (1, bytes);
        for entry in fs::read_dir(folder).map_err(problem)? {
            let entry = entry.map_err(problem)?;
            // One that goes meanwhile takes no room.
            let Ok(found) = entry.metadata() else { continue };
            if found.is_file() && entry.file_name() != *self.name {
                files += 1;
                total = total.saturating_add(found.len());
            }
            if files > MAX_FILES {
                return Err(
                    self.refused(&format!("the folder has {MAX_FILES} files, the maximum; put more into one file"))
                );
            }
            if total > MAX_FOLDER_BYTES {
                return Err(self.refused(&format!(
                    "the files of the folder would have more than {MAX_FOLDER_BYTES} bytes together"
                )));
            }
        }
        Ok(())
    }
}

fn is_marked(content: &[u8], mark: &str) -> bool {
    content.starts_with(mark.as_bytes())
}

/// A lock on the folder against other hosts, where folders can be locked.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    if cfg!(unix) {
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(Some(folder))
    } else {
        Ok(None)
    }
}

/// Whether both are the same file.
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        one.dev() == other.dev() && one.ino() == other.ino()
    }
    #[cfg(not(unix))]
    {
        one.is_file() && other.is_file()
    }
}

/// Replaces a file whole, or removes it: a server that reads it meanwhile sees the old one or the
/// new one.
fn replace(path: &Path, content: Option<&[u8]>) -> io::Result<()> {
    let Some(content) = content else {
        return match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
    };
    private::publish(path, content)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MARK: &str = "# Managed by p";

    fn marked(text: &str) -> Option<Vec<u8>> {
        Some(format!("{MARK}; really\n{text}\n").into_bytes())
    }

    fn put(
        folder: &Path,
        name: &str,
        expected: Option<Vec<u8>>,
        content: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, String> {
        Put { name: name.into(), content, expected }.perform(folder, MARK)
    }

    #[test]
    fn only_plain_names_and_marked_short_contents_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let long = "a".repeat(300) + ".yml";
        for name in ["", "../a.yml", "/etc/a.yml", "a/b.yml", ".a.yml", "a.sh", "a\0.yml", "a.yml/..", &long] {
            assert!(put(folder.path(), name, None, marked("x")).is_err(), "{name:?}");
        }
        assert!(put(folder.path(), "a.yml", None, Some(b"groups: []\n".to_vec())).unwrap_err().contains("a.yml"));
        assert!(put(folder.path(), "a.yml", None, marked(&"x".repeat(5 << 20))).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_is_replaced_whole_and_removed_if_it_is_as_expected() {
        let folder = tempfile::tempdir().unwrap();
        let put = |expected, content| put(folder.path(), "a.yml", expected, content);
        let read = || fs::read(folder.path().join("a.yml")).ok();
        assert_eq!(put(None, None), Ok(None), "reading one that is not there");
        assert_eq!((put(None, marked("one")), read()), (Ok(None), marked("one")));
        assert_eq!((put(None, None), read()), (Ok(marked("one")), marked("one")), "reading");
        assert_eq!((put(marked("two"), marked("three")), read()), (Ok(marked("one")), marked("one")));
        assert_eq!((put(marked("one"), marked("two")), read()), (Ok(marked("one")), marked("two")));
        assert_eq!((put(marked("two"), None), read()), (Ok(marked("two")), None));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing else is left there");
        // One that is another's is read, and not written.
        fs::write(folder.path().join("a.yml"), "by hand").unwrap();
        let by_hand = || Some(b"by hand".to_vec());
        assert_eq!(put(None, None), Ok(by_hand()));
        for content in [marked("x"), None] {
            assert!(put(by_hand(), content).unwrap_err().contains("a.yml"));
        }
        assert_eq!(read(), by_hand());
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_not_followed() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = other.path().join("target.yml");
        fs::write(&target, marked("x").unwrap()).unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join("a.yml")).unwrap();
        std::os::unix::fs::symlink("/nowhere", folder.path().join("b.yml")).unwrap();
        fs::create_dir(folder.path().join("c.yml")).unwrap();
        for name in ["a.yml", "b.yml", "c.yml"] {
            for before in [None, marked("x")] {
                let error = put(folder.path(), name, before, marked("y")).unwrap_err();
                assert!(error.contains(name), "{error}");
            }
        }
        assert_eq!(fs::read(target).ok(), marked("x"));
    }

    #[test]
    fn a_folder_takes_only_so_much() {
        let folder = tempfile::tempdir().unwrap();
        let big = File::create(folder.path().join("big.yml")).unwrap();
        big.set_len(MAX_FOLDER_BYTES - 10).unwrap();
        let error = put(folder.path(), "a.yml", None, marked("x")).unwrap_err();
        assert!(error.contains("bytes"), "{error}");
        assert!(put(folder.path(), "big.yml", None, None).unwrap_err().contains("big.yml"));
        big.set_len(0).unwrap();
        for number in 0..MAX_FILES - 1 {
            fs::write(folder.path().join(format!("{number}.txt")), "").unwrap();
        }
        let error = put(folder.path(), "a.yml", None, marked("x")).unwrap_err();
        assert!(error.contains("1000 files"), "{error}");
        fs::remove_file(folder.path().join("0.txt")).unwrap();
        assert_eq!(put(folder.path(), "a.yml", None, marked("x")), Ok(None));
        assert_eq!(put(folder.path(), "a.yml", marked("x"), marked("y")), Ok(marked("x")), "in place of itself");
    }
}
