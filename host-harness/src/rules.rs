//! Rule files: what a plug hands out as an artifact is written into the rules folder that it was granted, so that the server that
//! evaluates them can load it.
//!
//! A plug never touches the file system. It names a file and its text; this module decides whether and where that is written: only
//! plain names, only in that folder, whole or not at all. A file that the server refuses to load is taken back.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::error::Error;

/// Longest name of a file.
const LONGEST_NAME: usize = 200;

/// A rule file that a plug hands out: its name, and its text; none to remove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleFile {
    name: String,
    content: Option<String>,
}

impl RuleFile {
    /// The rule file of an answer, where it has one that waits to be written.
    ///
    /// # Errors
    /// What is wrong with its name.
    pub(crate) fn of(answer: &Value) -> Result<Option<Self>, Error> {
        let Some(artifact) = answer
            .pointer("/result/artifacts")
            .and_then(Value::as_array)
            .and_then(|artifacts| artifacts.iter().find(|artifact| artifact.get("kind") == Some(&json!("rules_file"))))
        else {
            return Ok(None);
        };
        let text = |key: &str| artifact.get(key).and_then(Value::as_str);
        let name = text("name").unwrap_or_default();
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if !plain
            || name.starts_with('.')
            || name.len() > LONGEST_NAME
            || !(name.ends_with(".yml") || name.ends_with(".yaml"))
        {
            return Err(Error::Plug {
                problem: format!("the rule file {name:?} has no plain name of a .yml file; it is not written"),
            });
        }
        Ok(Some(Self { name: name.to_owned(), content: text("content").map(str::to_owned) }))
    }

    /// Writes the file, or removes it; what was there before, for [`Written::take_back`].
    pub(crate) fn write(self, folder: &Path) -> Result<Written, Error> {
        let path = folder.join(&self.name);
        let before = match fs::read(&path) {
            Ok(before) => Some(before),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::Write { path, problem: format!("what is there cannot be read: {error}") }),
        };
        replace(&path, self.content.as_deref().map(str::as_bytes))
            .map_err(|error| Error::Write { path: path.clone(), problem: error.to_string() })?;
        Ok(Written { path, before })
    }
}

/// A rule file that was written.
#[derive(Debug)]
pub(crate) struct Written {
    path: PathBuf,
    before: Option<Vec<u8>>,
}

impl Written {
    /// Puts back what was there before.
    pub(crate) fn take_back(self) -> Result<(), Error> {
        replace(&self.path, self.before.as_deref())
            .map_err(|error| Error::Write { path: self.path.clone(), problem: error.to_string() })
    }
}

/// Replaces a file whole, or removes it: a server that reads it meanwhile sees the old one or the new one.
fn replace(path: &Path, content: Option<&[u8]>) -> io::Result<()> {
    let Some(content) = content else {
        return match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".plugpipe-").tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Temporary files are their owner's only; the server may be another user.
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(name: &str, content: Option<&str>) -> Value {
        let mut artifact = json!({"kind": "rules_file", "name": name});
        if let Some(content) = content {
            artifact["content"] = json!(content);
        }
        json!({"result": {"artifacts": [artifact]}})
    }

    #[test]
    fn only_plain_names_are_written() {
        for name in ["", "../a.yml", "/etc/a.yml", "a/b.yml", ".a.yml", "a.sh", "a\0.yml", "a.yml/..", &"a".repeat(300)]
        {
            assert!(RuleFile::of(&answer(name, Some("x"))).is_err(), "{name:?}");
        }
        assert_eq!(RuleFile::of(&json!({"result": {}})).unwrap(), None);
        assert!(RuleFile::of(&answer("plug_pipe-1.yml", None)).unwrap().is_some());
    }

    #[test]
    fn a_file_is_replaced_whole_removed_and_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let write = |content| RuleFile::of(&answer("a.yml", content)).unwrap().unwrap().write(folder.path()).unwrap();
        let read = || fs::read_to_string(folder.path().join("a.yml")).ok();
        let first = write(Some("one"));
        assert_eq!(read().as_deref(), Some("one"));
        let second = write(Some("two"));
        second.take_back().unwrap();
        assert_eq!(read().as_deref(), Some("one"));
        write(None).take_back().unwrap();
        assert_eq!(read().as_deref(), Some("one"));
        first.take_back().unwrap();
        assert_eq!(read(), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing else is left there");
    }
}
