//! Rule files: what a plug hands out as an artifact is written into the rules folder that it was
//! granted, so that the server that evaluates them can load it.
//!
//! A plug never touches the file system. It names a file, is told what is in it, and answers what
//! is to be in it; this module decides whether and where that is written: only plain names, only in
//! that folder, only in place of a file that carries the plug's mark and is still as the plug was
//! told, whole or not at all. A file that the server refuses to load is taken back.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use serde_json::{Value, json};

use crate::error::Error;
use crate::private;

/// The maximum length of a file name.
const MAX_NAME_LEN: usize = 200;

/// The mark at the start of files that may be replaced or removed.
const MARKER: &str = "# Managed by monitoring_prometheus";

/// The maximum size of a rule file.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// The maximum size of all files in a rules folder.
const MAX_FOLDER_BYTES: u64 = 64 << 20;

/// The maximum number of files in a rules folder.
const MAX_FILES: usize = 1_000;

/// The name of the rule file that an answer concerns. Whether an answer has one is all that this
/// host looks for: what is in it, and what is to be in it, the plug is asked for again.
///
/// # Errors
/// What is wrong with its name.
pub(crate) fn concerned(answer: &Value) -> Result<Option<RuleFile>, Error> {
    let result = answer.get("result");
    let text = |key: &str| result.and_then(|result| result.get(key)).and_then(Value::as_str);
    if text("target") != Some("file") {
        return Ok(None);
    }
    text("rules_file").map(RuleFile::named).transpose()
}

/// A file in the rules folder, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleFile {
    name: String,
}

impl RuleFile {
    fn named(name: &str) -> Result<Self, Error> {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if !plain
            || name.starts_with('.')
            || name.len() > MAX_NAME_LEN
            || !(name.ends_with(".yml") || name.ends_with(".yaml"))
        {
            return Err(Error::Plug {
                problem: format!("the rule file {name:?} has no plain name of a .yml file; it is not written"),
            });
        }
        Ok(Self { name: name.to_owned() })
    }

    /// What an answer wants to be in this file: its content, or none where it is to go. None where
    /// nothing is to be done.
    ///
    /// # Errors
    /// A content without the mark, or one that is too long.
    pub(crate) fn wanted(&self, answer: &Value) -> Result<Option<Option<String>>, Error> {
        let artifacts = answer.pointer("/result/artifacts").and_then(Value::as_array);
        let is_own = |artifact: &&Value| {
            artifact.get("kind") == Some(&json!("rules_file")) && artifact.get("name") == Some(&json!(self.name))
        };
        let Some(artifact) = artifacts.and_then(|artifacts| artifacts.iter().find(is_own)) else { return Ok(None) };
        let Some(content) = artifact.get("content").and_then(Value::as_str) else { return Ok(Some(None)) };
        if !is_managed(content) {
            return Err(
                self.refused(format!("the plug's new content does not begin with {MARKER:?}; it is not written"))
            );
        }
        if content.len() as u64 > MAX_FILE_BYTES {
            let bytes = content.len();
            return Err(self.refused(format!(
                "would have {bytes} bytes; a rule file may have {MAX_FILE_BYTES}: spread the rules over files"
            )));
        }
        Ok(Some(Some(content.to_owned())))
    }

    fn refused(&self, problem: impl Into<String>) -> Error {
        Error::Settings { what: format!("rules_file {}", self.name), problem: problem.into() }
    }

    /// The contents of the file; none if it does not exist.
    ///
    /// # Errors
    /// What is not a file, such as a symbolic link, or too long, or no text.
    pub(crate) fn read(&self, folder: &Path) -> Result<Option<String>, Error> {
        let path = folder.join(&self.name);
        let problem = |error: io::Error| Error::File { path: path.clone(), problem: error.to_string() };
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(problem(error)),
        };
        if !found.is_file() {
            let what = if found.is_symlink() { "a symbolic link, which is not followed" } else { "not a file" };
            return Err(self.refused(format!("is {what}; name another file")));
        }
        let file = File::open(&path).map_err(problem)?;
        if !is_same(&found, &file.metadata().map_err(problem)?) {
            return Err(self.refused("was replaced while it was read; try again"));
        }
        let mut content = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content).map_err(problem)?;
        if content.len() as u64 > MAX_FILE_BYTES {
            return Err(self.refused(format!(
                "has more than {MAX_FILE_BYTES} bytes, the most that is read of a rule file; name another file"
            )));
        }
        String::from_utf8(content).map(Some).map_err(|_| self.refused("is not UTF-8 text; name another file"))
    }

    /// Writes the file, or removes it, if it is still as it was read. None where it is not; nothing
    /// is done then.
    pub(crate) fn write(
        &self,
        folder: &Path,
        before: Option<String>,
        content: Option<String>,
    ) -> Result<Option<Written>, Error> {
        let path = folder.join(&self.name);
        let problem = |error: io::Error| Error::Write { path: path.clone(), problem: error.to_string() };
        let _lock = lock(folder).map_err(problem)?;
        if self.read(folder)? != before {
            return Ok(None);
        }
        if before.as_deref().is_some_and(|before| !is_managed(before)) {
            return Err(self.refused(format!(
                "does not begin with {MARKER:?}: it is not the plug's, and is left as it is; name another file"
            )));
        }
        if before != content {
            if let Some(content) = &content {
                self.has_room(folder, content.len() as u64)?;
            }
            replace(&path, content.as_deref()).map_err(problem)?;
        }
        Ok(Some(Written { file: self.clone(), before, content }))
    }

    /// Checks that the folder takes a file of that many bytes under this name.
    fn has_room(&self, folder: &Path, bytes: u64) -> Result<(), Error> {
        let problem = |error: io::Error| Error::Write { path: folder.to_owned(), problem: error.to_string() };
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
                return Err(self.refused(format!("the rules folder has {MAX_FILES} files, the most that it may have; put rules together by rules_file")));
            }
            if total > MAX_FOLDER_BYTES {
                return Err(self.refused(format!(
                    "the files of the rules folder would have more than {MAX_FOLDER_BYTES} bytes together"
                )));
            }
        }
        Ok(())
    }
}

/// A written rule file.
#[derive(Debug)]
pub(crate) struct Written {
    file: RuleFile,
    before: Option<String>,
    content: Option<String>,
}

impl Written {
    /// The file's current contents; none if it was removed.
    pub(crate) fn content(&self) -> Option<&str> {
        self.content.as_deref()
    }

    /// Restores the previous contents. False if another process has changed the file meanwhile; it
    /// then stays as it is.
    pub(crate) fn take_back(self, folder: &Path) -> Result<bool, Error> {
        let path = folder.join(&self.file.name);
        let problem = |error: io::Error| Error::Write { path: path.clone(), problem: error.to_string() };
        let _lock = lock(folder).map_err(problem)?;
        if self.file.read(folder)? != self.content {
            return Ok(false);
        }
        if self.before != self.content {
            replace(&path, self.before.as_deref()).map_err(problem)?;
        }
        Ok(true)
    }
}

fn is_managed(content: &str) -> bool {
    content.starts_with(MARKER)
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
fn replace(path: &Path, content: Option<&str>) -> io::Result<()> {
    let Some(content) = content else {
        return match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
    };
    private::publish(path, content.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(name: &str, content: Option<&str>) -> Value {
        let mut artifact = json!({"kind": "rules_file", "name": name});
        if let Some(content) = content {
            artifact["content"] = json!(content);
        }
        json!({"result": {"target": "file", "rules_file": name, "artifacts": [artifact]}})
    }

    fn managed(text: &str) -> Option<String> {
        Some(format!("{MARKER}; really\n{text}\n"))
    }

    fn file(name: &str) -> RuleFile {
        concerned(&answer(name, None)).unwrap().unwrap()
    }

    #[test]
    fn only_plain_names_are_written() {
        for name in ["", "../a.yml", "/etc/a.yml", "a/b.yml", ".a.yml", "a.sh", "a\0.yml", "a.yml/..", &"a".repeat(300)]
        {
            assert!(concerned(&answer(name, Some("x"))).is_err(), "{name:?}");
        }
        assert_eq!(concerned(&json!({"result": {}})).unwrap(), None);
        assert_eq!(concerned(&json!({"result": {"rules_file": "a.yml", "target": "mimir"}})).unwrap(), None);
        assert!(concerned(&answer("plug_pipe-1.yml", None)).unwrap().is_some());
    }

    #[test]
    fn what_an_answer_wants_must_be_marked_and_short() {
        let file = file("a.yml");
        assert_eq!(file.wanted(&json!({"result": {}})).unwrap(), None);
        assert_eq!(file.wanted(&answer("b.yml", Some("x"))).unwrap(), None, "another file's");
        assert_eq!(file.wanted(&answer("a.yml", None)).unwrap(), Some(None));
        assert_eq!(file.wanted(&answer("a.yml", managed("x").as_deref())).unwrap(), Some(managed("x")));
        assert!(file.wanted(&answer("a.yml", Some("groups: []\n"))).unwrap_err().to_string().contains("a.yml"));
        assert!(file.wanted(&answer("a.yml", managed(&"x".repeat(5 << 20)).as_deref())).is_err());
    }

    #[test]
    fn a_file_is_replaced_whole_removed_and_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = file("a.yml");
        let read = || file.read(folder.path()).unwrap();
        let write = |content: Option<String>| file.write(folder.path(), read(), content).unwrap().unwrap();
        let first = write(managed("one"));
        assert_eq!(read(), managed("one"));
        assert!(write(managed("two")).take_back(folder.path()).unwrap());
        assert_eq!(read(), managed("one"));
        assert!(write(None).take_back(folder.path()).unwrap());
        assert_eq!(read(), managed("one"));
        assert!(write(managed("one")).take_back(folder.path()).unwrap(), "the same again");
        let changed = write(managed("three"));
        fs::write(folder.path().join("a.yml"), "by hand").unwrap();
        assert!(!changed.take_back(folder.path()).unwrap(), "it is another's now");
        assert_eq!(read().as_deref(), Some("by hand"));
        fs::write(folder.path().join("a.yml"), managed("one").unwrap()).unwrap();
        assert!(first.take_back(folder.path()).unwrap());
        assert_eq!(read(), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing else is left there");
    }

    #[test]
    fn what_is_not_managed_or_has_changed_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = file("op2.yml");
        let path = folder.path().join("op2.yml");
        fs::write(&path, "groups: []\n").unwrap();
        for content in [managed("x"), None] {
            let error = file.write(folder.path(), Some("groups: []\n".into()), content).unwrap_err();
            assert!(error.to_string().contains("op2.yml"), "{error}");
        }
        assert!(file.write(folder.path(), None, managed("x")).unwrap().is_none(), "it was not there when it was read");
        assert_eq!(fs::read_to_string(&path).unwrap(), "groups: []\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_not_followed() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = other.path().join("target.yml");
        fs::write(&target, managed("x").unwrap()).unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join("a.yml")).unwrap();
        std::os::unix::fs::symlink("/nowhere", folder.path().join("b.yml")).unwrap();
        fs::create_dir(folder.path().join("c.yml")).unwrap();
        for name in ["a.yml", "b.yml", "c.yml"] {
            let error = file(name).read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            for before in [None, managed("x")] {
                assert!(file(name).write(folder.path(), before, managed("y")).is_err());
            }
        }
        assert_eq!(fs::read_to_string(target).ok(), managed("x"));
    }

    #[test]
    fn a_folder_takes_only_so_much() {
        let folder = tempfile::tempdir().unwrap();
        let big = File::create(folder.path().join("big.yml")).unwrap();
        big.set_len(MAX_FOLDER_BYTES - 10).unwrap();
        let error = file("a.yml").write(folder.path(), None, managed("x")).unwrap_err().to_string();
        assert!(error.contains("bytes"), "{error}");
        assert!(file("big.yml").read(folder.path()).unwrap_err().to_string().contains("big.yml"));
        big.set_len(0).unwrap();
        for number in 0..MAX_FILES - 1 {
            fs::write(folder.path().join(format!("{number}.txt")), "").unwrap();
        }
        let error = file("a.yml").write(folder.path(), None, managed("x")).unwrap_err().to_string();
        assert!(error.contains("1000 files"), "{error}");
        fs::remove_file(folder.path().join("0.txt")).unwrap();
        assert!(file("a.yml").write(folder.path(), None, managed("x")).unwrap().is_some());
        assert!(
            file("a.yml").write(folder.path(), managed("x"), managed("y")).unwrap().is_some(),
            "in place of itself"
        );
    }
}
