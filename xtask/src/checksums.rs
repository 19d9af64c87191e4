//! Writes the checksums of a folder's files.

use std::fs;
use std::path::Path;

use crate::{read, sha256, write};

/// The file with the checksums, for `sha256sum --check`.
const FILE: &str = "SHA256SUMS";

/// Writes `SHA256SUMS` of all files directly in a folder, by name. Returns how many there are.
///
/// # Errors
/// If a file cannot be read, or the folder has none.
pub fn make(folder: &Path) -> Result<usize, String> {
    let unreadable = |error| format!("cannot read {}: {error}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && name != FILE {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Err(format!("{}: has no files; expected those of a release", folder.display()));
    }
    names.sort();
    let mut sums = String::new();
    for name in &names {
        sums.push_str(&format!("{}  {name}\n", sha256(&read(&folder.join(name))?)));
    }
    write(&folder.join(FILE), sums)?;
    Ok(names.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_its_checksum() {
        let folder = tempfile::tempdir().unwrap();
        assert!(make(folder.path()).unwrap_err().contains("has no files"));
        fs::write(folder.path().join("b"), "").unwrap();
        fs::write(folder.path().join("a"), "abc").unwrap();
        // Twice: its own file is none of them.
        for _ in 0..2 {
            assert_eq!(make(folder.path()), Ok(2));
        }
        let sums = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(
            sums,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b\n"
        );
    }
}
