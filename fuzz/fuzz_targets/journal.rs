//! No bytes in a state folder make its reader panic. What is opened is the same when it is opened
//! again, and goes on; what is refused is left as it was. The first byte chooses: the file as it
//! is, or a head and entries whose lengths and checksums are made to fit, since nothing that the
//! fuzzer changes would get past those.
//!
//! Each run makes a folder: `TMPDIR` on a file system in memory saves the disk.

#![no_main]

#[path = "../../host-harness/runtime/src/journal/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports)]
mod journal;
#[path = "../../host-harness/runtime/src/private.rs"]
#[allow(dead_code)]
mod private;

use std::fs;

use journal::{Base, Call, Journal};
use libfuzzer_sys::fuzz_target;

/// What the journal uses of the host's errors.
mod error {
    #[derive(Debug, thiserror::Error)]
    pub(crate) enum Error {
        #[error("the state in {place}: {problem}")]
        State { place: String, problem: String },
    }
}

const CONFIG: &str = "{}";

fuzz_target!(|input: &[u8]| {
    let [way, content @ ..] = input else { return };
    let file = if way % 4 == 0 { [MAGIC, content].concat() } else { made_to_fit(content) };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("journal");
    fs::write(&path, &file).expect("a file can be written");
    let Ok((journal, _)) = Journal::in_folder(folder.path(), CONFIG) else {
        assert_eq!(fs::read(&path).expect("the file is there"), file, "what is refused is left as it was");
        return;
    };
    let (before, base) = (shown(&journal), format!("{:?}", journal.base()));
    drop(journal);
    let reopen = || Journal::in_folder(folder.path(), CONFIG).expect("what was opened can be opened again").0;
    let mut journal = reopen();
    assert_eq!((shown(&journal), format!("{:?}", journal.base())), (before.clone(), base));
    journal.keep(7, Call::Clear, None).expect("there is room");
    drop(journal);
    let mut journal = reopen();
    let after = shown(&journal);
    assert_eq!((&after[..before.len()], after.len()), (&before[..], before.len() + 1));
    // One that makes no sense can be taken out, as a recovery does.
    journal.remove(0);
    assert_eq!(shown(&journal), after[1..]);
    journal.rebase(Base::default()).expect("there is room");
    drop(journal);
    assert!(reopen().is_empty());
});

/// All entries; those that make no sense as their errors.
fn shown(journal: &Journal) -> Vec<String> {
    let (mut position, mut entries) = (0, Vec::new());
    while let Some((entry, next)) = journal.entry(position) {
        entries.push(format!("{entry:?}"));
        position = next;
    }
    assert_eq!(journal.count_from(0), entries.len() as u64);
    entries
}

const MAGIC: &[u8] = b"PLUGST1\n";

/// A file as `journal::file` describes it: each piece of `content`, by its length before it, is a
/// record's content.
fn made_to_fit(mut content: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    while let [length, rest @ ..] = content {
        let (piece, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        content = rest;
        let (length, place) = (piece.len() as u32, file.len() as u64);
        let sum = crc32fast::hash(&[&length.to_le_bytes()[..], &place.to_le_bytes()].concat());
        for field in [length, sum, crc32fast::hash(piece)] {
            file.extend_from_slice(&field.to_le_bytes());
        }
        file.extend_from_slice(piece);
    }
    file
}
