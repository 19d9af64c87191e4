//! A tar archive in the format `ustar`: nothing in it depends on this machine or on the time.

/// The size of a block, which headers and contents fill.
const BLOCK: usize = 512;

/// An archive that is being written. Paths are relative and at most 100 bytes long.
#[derive(Default)]
pub(super) struct Tar(Vec<u8>);

impl Tar {
    /// Adds a folder that belongs to this user and group.
    pub(super) fn folder(&mut self, path: &str, mode: u32, owner: u32) {
        self.header(&format!("{path}/"), mode, owner, 0, b'5');
    }

    /// Adds a file that belongs to root.
    pub(super) fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.header(path, mode, 0, content.len(), b'0');
        self.0.extend(content);
        self.fill();
    }

    /// The archive's bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.extend([0; 2 * BLOCK]);
        self.0
    }

    fn header(&mut self, path: &str, mode: u32, owner: u32, size: usize, kind: u8) {
        let octal = |number: usize, width: usize| format!("{number:0width$o}\0");
        let (mode, owner) = (octal(mode as usize, 7), octal(owner as usize, 7));
        let (size, time) = (octal(size, 11), octal(0, 11));
        // The sum of the header's bytes, in which the sum itself counts as spaces.
        let mut sum = "        ".to_owned();
        for _ in 0..2 {
            let start = self.0.len();
            self.field(path, 100);
            for (text, width) in [(&mode, 8), (&owner, 8), (&owner, 8), (&size, 12), (&time, 12), (&sum, 8)] {
                self.field(text, width);
            }
            self.0.push(kind);
            self.field("", 100);
            self.field("ustar\0", 6);
            self.field("00", 2);
            self.fill();
            if sum.trim().is_empty() {
                let bytes = self.0.split_off(start);
                sum = format!("{:06o}\0 ", bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>());
            }
        }
    }

    /// Appends a text of this width, with zeros after it.
    fn field(&mut self, text: &str, width: usize) {
        self.0.extend(text.bytes().chain(core::iter::repeat(0)).take(width));
    }

    /// Appends zeros to the end of the block.
    fn fill(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn tar_reads_the_archive() {
        let mut tar = Tar::default();
        tar.folder("a", 0o755, 0);
        tar.folder("a/b", 0o700, 65_532);
        tar.file("a/c", 0o644, &[b'x'; 700]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        std::fs::write(&path, tar.finish()).unwrap();
        let output = Command::new("tar").args(["--numeric-owner", "-tvf"]).arg(&path).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let fields = lines.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let told: Vec<_> =
            fields.map(|own| (own[0].to_owned(), own[1].to_owned(), own[2].to_owned(), own[5].to_owned())).collect();
        let expected = [
            ("drwxr-xr-x", "0/0", "0", "a/"),
            ("drwx------", "65532/65532", "0", "a/b/"),
            ("-rw-r--r--", "0/0", "700", "a/c"),
        ];
        assert_eq!(told, expected.map(|(a, b, c, d)| (a.into(), b.into(), c.into(), d.into())), "{:?}", output.stderr);
    }
}
