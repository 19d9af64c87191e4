//! The journal's file: a magic, then records, each `length, checksum of length and place, checksum
//! of the content` (4 bytes each, CRC-32) before its content. The first record is the snapshot,
//! each further one an entry.
//!
//! A record is written before its call is acknowledged, in one write, so that what was acknowledged
//! outlives the process (`kill -9`). It is not synced: of what came in the last seconds before a
//! power cut, an end may be missing. A new snapshot is written beside the file, synced, and renamed
//! over it, and so is the folder: there is always one whole file.

#[cfg(unix)]
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Write as _};
#[cfg(unix)]
use std::os::fd::{AsRawFd as _, RawFd};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tracing::warn;

use super::frame::{LENGTH, split};
use crate::error::Error;
use crate::private;

/// The snapshot that a journal goes on from.
#[derive(Debug, Default)]
pub(crate) struct Base {
    /// The configuration; none for the one that the plug was started with, an empty one after a
    /// cleanup.
    pub(crate) config: Option<String>,
    /// The configuration as it may be written, where it holds a secret.
    pub(crate) config_without_secrets: Option<String>,
    /// Ticket numbers below this one are not given again.
    pub(crate) tickets: u64,
    /// The plug's own snapshot; empty for a plug that nothing was recorded in.
    pub(crate) snapshot: Vec<u8>,
}

const MAGIC: &[u8; 8] = b"PLUGST2\n";

/// How the files of builds before any release began.
const OLD_MAGIC: &[u8; 8] = b"PLUGST1\n";

/// The name of the file in its folder.
const NAME: &str = "journal";

/// The bytes before each record's content.
const HEADER: usize = 12;

/// A state file that this process owns.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    file: File,
    /// How much of the file is good.
    length: u64,
    /// Whether a write failed, and nothing was written since.
    broken: bool,
    /// What the plug was started with: only its digest is written, since it may hold secrets.
    config: Option<[u8; 32]>,
    /// Held for as long as the file is in use.
    _lock: Lock,
}

/// The lock of a state folder.
#[derive(Debug)]
#[cfg_attr(not(unix), expect(dead_code, reason = "the file is held open, which holds the lock"))]
struct Lock(File);

/// The locks that this process holds: see [`close_inherited_locks`].
#[cfg(unix)]
static LOCKS: Mutex<BTreeSet<RawFd>> = Mutex::new(BTreeSet::new());

impl Lock {
    fn new(file: File) -> Self {
        #[cfg(unix)]
        LOCKS.lock().unwrap_or_else(PoisonError::into_inner).insert(file.as_raw_fd());
        Self(file)
    }
}

#[cfg(unix)]
impl Drop for Lock {
    fn drop(&mut self) {
        LOCKS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0.as_raw_fd());
    }
}

/// Closes the locks of state folders that the child of a fork has from its parent, who would
/// otherwise seem to hold them after its end. Does nothing on systems without `fork`.
///
/// # Safety
/// No session of the parent may be used or dropped in this process: its files are closed.
pub unsafe fn close_inherited_locks() {
    // Another thread of the parent may have had it, which then is not here to give it back.
    #[cfg(unix)]
    if let Ok(mut locks) = LOCKS.try_lock() {
        for lock in std::mem::take(&mut *locks) {
            // SAFETY: it was open in the parent, and nobody else closes it, as the caller says.
            unsafe { rustix::io::close(lock) };
        }
    }
}

/// A file with what it held.
pub(super) struct Opened {
    pub(super) file: StateFile,
    pub(super) base: Base,
    /// With their lengths before them.
    pub(super) entries: Vec<u8>,
    /// Whether the plug was started with another configuration the last time.
    pub(super) other_config: bool,
}

/// The first record.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    started_with: Option<[u8; 32]>,
    config: Option<String>,
    tickets: u64,
    #[serde(with = "in_one_piece")]
    snapshot: Vec<u8>,
}

/// Bytes as such, where serde would write number by number.
mod in_one_piece {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        <&[u8]>::deserialize(deserializer).map(<[u8]>::to_vec)
    }
}

/// How long a lock that another holds is asked for again.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Takes the lock, or says who has it.
///
/// A process that this one starts holds each of its locks too, from its fork to its exec, so a lock
/// that was given back can be held for moments more. Hence it is asked for again for a while.
fn take(lock: &File) -> Result<(), TryLockError> {
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
            taken_or_not => return taken_or_not,
        }
    }
}

/// What a file held.
#[derive(Debug)]
struct Stored {
    head: Head,
    /// With their lengths before them.
    entries: Vec<u8>,
    /// How much of the file is good.
    length: usize,
}

impl StateFile {
    /// Opens or makes the file in this folder, to be used with this configuration.
    pub(super) fn open(folder: &Path, config: &str) -> Result<Opened, Error> {
        let problem = |problem: String| Error::State { place: folder.display().to_string(), problem };
        let failed = |error: io::Error| problem(error.to_string());
        private::folder(folder).map_err(failed)?;
        let lock =
            private::options().create(true).truncate(false).write(true).open(folder.join("lock")).map_err(failed)?;
        take(&lock).map_err(|error| match error {
            TryLockError::WouldBlock => {
                problem("it is in use by another process; stop it, or use another folder".into())
            }
            TryLockError::Error(error) => failed(error),
        })?;
        let path = folder.join(NAME);
        let config = (!matches!(config, "" | "{}" | "null")).then(|| Sha256::digest(config.as_bytes()).into());
        let stored = match read_file(&path) {
            Ok(bytes) => Some(read(&bytes).map_err(|error| damaged(&path, error))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        let (base, entries, length, other_config) = match stored {
            None => {
                let base = Base::default();
                let length = write_new(&path, config, &base).map_err(failed)?;
                (base, Vec::new(), length, false)
            }
            Some(Stored { head, entries, length }) => {
                let other_config = config.is_some() && config != head.started_with;
                let Head { config, tickets, snapshot, .. } = head;
                let base = Base { config, config_without_secrets: None, tickets, snapshot };
                (base, entries, length as u64, other_config)
            }
        };
        let file = private::options().append(true).open(&path).map_err(failed)?;
        // A torn end is cut, so that what follows is not read as its content.
        file.set_len(length).map_err(failed)?;
        let file = Self { path, file, length, broken: false, config, _lock: Lock::new(lock) };
        Ok(Opened { file, base, entries, other_config })
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Appends entries, each with its length before it, in one write.
    pub(super) fn append(&mut self, entries: &[u8]) -> Result<(), Error> {
        if self.broken {
            return Err(self.failed(&io::Error::other("an earlier write failed")));
        }
        let mut records = Vec::with_capacity(entries.len() + 2 * HEADER);
        let mut position = 0;
        while let Some((content, next)) = split(entries, position) {
            put_record(&mut records, self.length, content);
            position = next;
        }
        if let Err(error) = self.file.write_all(&records) {
            // What was written of it would be cut at the next start too.
            let _ = self.file.set_len(self.length);
            self.broken = true;
            return Err(self.failed(&error));
        }
        self.length += records.len() as u64;
        Ok(())
    }

    /// Puts a snapshot in the place of all that is there.
    pub(super) fn replace(&mut self, base: &Base) -> Result<(), Error> {
        let length = write_new(&self.path, self.config, base).map_err(|error| self.failed(&error))?;
        // From here on the old file has no name: one that cannot be opened must not be written to.
        self.broken = true;
        self.file = private::options().append(true).open(&self.path).map_err(|error| self.failed(&error))?;
        self.length = length;
        self.broken = false;
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> Error {
        let problem = format!(
            "{error}; acknowledged calls are kept, but this one was not recorded: free space on the disk, and repeat it"
        );
        self.refusal(&problem)
    }

    pub(super) fn refusal(&self, problem: &str) -> Error {
        Error::State { place: self.path.display().to_string(), problem: problem.to_owned() }
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        // An orderly end survives a power cut too.
        if let Err(error) = self.file.sync_data() {
            warn!(path = %self.path.display(), %error, "the state could not be synced");
        }
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    private::options().read(true).open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a whole new file over the old one, and answers its length.
fn write_new(path: &Path, config: Option<[u8; 32]>, base: &Base) -> io::Result<u64> {
    let written = base.config_without_secrets.as_ref().or(base.config.as_ref()).cloned();
    let head = Head { started_with: config, config: written, tickets: base.tickets, snapshot: base.snapshot.clone() };
    let content = postcard::to_allocvec(&head).map_err(io::Error::other)?;
    if u32::try_from(content.len()).is_err() {
        return Err(io::Error::other("the snapshot is longer than 4 GiB"));
    }
    let mut bytes = MAGIC.to_vec();
    put_record(&mut bytes, 0, &content);
    private::replace(path, &path.with_extension("new"), &bytes)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        // The new file is in place: an error here is one of a power cut's only.
        if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
            warn!(folder = %folder.display(), %error, "the state's folder could not be synced");
        }
    }
    Ok(bytes.len() as u64)
}

/// Appends a record that will be at `base + out.len()` in its file.
fn put_record(out: &mut Vec<u8>, base: u64, content: &[u8]) {
    // Longer contents do not come here: entries and snapshots are checked where they are made.
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let place = base + out.len() as u64;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&length_checksum(length, place).to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
    out.extend_from_slice(content);
}

/// The place goes in, so that a record which got elsewhere is none.
fn length_checksum(length: u32, place: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(&place.to_le_bytes());
    hasher.finalize()
}

/// What was found where a record should be.
enum Found<'b> {
    Record(&'b [u8]),
    /// Its end is missing, or was never written: nothing follows it.
    Torn,
    Damaged,
}

fn record_at(bytes: &[u8], place: usize) -> Found<'_> {
    let rest = bytes.get(place..).unwrap_or_default();
    let Some((header, content)) = rest.split_first_chunk::<HEADER>() else { return Found::Torn };
    let [length, length_sum, content_sum] = [0, 4, 8]
        .map(|at| header.get(at..).and_then(|field| field.first_chunk()).map_or(0, |f| u32::from_le_bytes(*f)));
    if length_checksum(length, place as u64) != length_sum {
        // File systems may leave zeros at the end after a power cut.
        return if rest.iter().all(|byte| *byte == 0) { Found::Torn } else { Found::Damaged };
    }
    match content.get(..length as usize) {
        None => Found::Torn,
        Some(content) if crc32fast::hash(content) == content_sum => Found::Record(content),
        Some(whole) if whole.len() == content.len() => Found::Torn,
        Some(_) => Found::Damaged,
    }
}

/// Reads a file; an error says where it is damaged, as a place and a reason.
fn read(bytes: &[u8]) -> Result<Stored, (usize, &'static str)> {
    if bytes.starts_with(OLD_MAGIC) {
        return Err((0, "it was written by a build before the first release, in a format that is not supported"));
    }
    if !bytes.starts_with(MAGIC) {
        return Err((0, "it is not a journal of this version"));
    }
    let mut place = MAGIC.len();
    // The first record was there as a whole before the file got its name.
    let Found::Record(head) = record_at(bytes, place) else { return Err((place, "its snapshot is damaged")) };
    place += HEADER + head.len();
    let head = postcard::from_bytes(head).map_err(|_| (MAGIC.len(), "its snapshot cannot be decoded"))?;
    let mut entries = Vec::new();
    while place < bytes.len() {
        match record_at(bytes, place) {
            Found::Record(content) => {
                // As long as it was read from 4 bytes.
                let length: [u8; LENGTH] = u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes();
                entries.extend_from_slice(&length);
                entries.extend_from_slice(content);
                place += HEADER + content.len();
            }
            Found::Torn => {
                warn!(
                    at = place,
                    bytes = bytes.len() - place,
                    "the journal's last entry was incomplete, and was removed"
                );
                break;
            }
            Found::Damaged => return Err((place, "an entry is damaged, and others follow it")),
        }
    }
    Ok(Stored { head, entries, length: place })
}

fn damaged(path: &Path, (place, problem): (usize, &str)) -> Error {
    // Cut at its very beginning it would be no journal at all.
    let cut = match place {
        0 => String::new(),
        _ => format!(", or cut it there (truncate -s {place}) to keep what is before"),
    };
    let problem = format!(
        "{problem} (at byte {place}); nothing was changed: restore the file from a copy, move it away to start without \
         its contents{cut}"
    );
    Error::State { place: path.display().to_string(), problem }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use std::fs;

    use super::super::{Call, Journal, Request};
    use super::*;

    fn open(folder: &Path) -> Result<Journal, Error> {
        Journal::in_folder(folder, r#"{"a":1}"#).map(|(journal, _)| journal)
    }

    fn add(journal: &mut Journal, series: u32) -> Result<(), Error> {
        journal.keep(0, Call::Add { series, amount: 1.0 }, None)
    }

    fn kept(journal: &Journal) -> Vec<u32> {
        let mut position = 0;
        let mut series = Vec::new();
        while let Some((entry, next)) = journal.entry(position) {
            let Call::Add { series: of, .. } = entry.unwrap().call else { panic!("only adds were kept") };
            series.push(of);
            position = next;
        }
        series
    }

    /// A folder with three records, and where each of them begins and the last one ends.
    fn three() -> (tempfile::TempDir, PathBuf, [usize; 4]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let mut journal = open(folder.path()).unwrap();
        let length = || fs::metadata(&path).unwrap().len() as usize;
        let mut ends = [length(); 4];
        for series in 1..4 {
            add(&mut journal, series).unwrap();
            ends[series as usize] = length();
        }
        (folder, path, ends)
    }

    #[test]
    fn what_was_kept_is_there_when_the_folder_is_opened_again() {
        let (folder, ..) = three();
        let mut journal = open(folder.path()).unwrap();
        assert_eq!(kept(&journal), [1, 2, 3]);
        journal.rebase(Base { config: Some("c".into()), snapshot: b"s".to_vec(), ..Base::default() }).unwrap();
        add(&mut journal, 4).unwrap();
        drop(journal);
        let journal = open(folder.path()).unwrap();
        assert_eq!(
            (kept(&journal), journal.base().config.as_deref(), &*journal.base().snapshot),
            (vec![4], Some("c"), &b"s"[..])
        );
    }

    #[test]
    fn a_torn_end_is_cut_wherever_it_was_torn_and_the_journal_goes_on() {
        let (folder, path, [_, _, second, third]) = three();
        let whole = fs::read(&path).unwrap();
        for end in second..third {
            fs::write(&path, &whole[..end]).unwrap();
            let mut journal = open(folder.path()).unwrap();
            assert_eq!(kept(&journal), [1, 2], "cut at {end}");
            add(&mut journal, 9).unwrap();
            drop(journal);
            assert_eq!(kept(&open(folder.path()).unwrap()), [1, 2, 9], "cut at {end}");
        }
        let mut zeros = whole[..second].to_vec();
        zeros.resize(second + 4096, 0);
        fs::write(&path, zeros).unwrap();
        assert_eq!(kept(&open(folder.path()).unwrap()), [1, 2]);
    }

    #[test]
    fn any_changed_bit_before_the_last_record_is_refused_with_its_place_and_changes_nothing() {
        let (folder, path, [.., second, third]) = three();
        let whole = fs::read(&path).unwrap();
        for bit in 0..second * 8 {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &changed).unwrap();
            let error = open(folder.path()).unwrap_err().to_string();
            let may_be_cut = bit / 8 >= MAGIC.len();
            assert!(error.contains("at byte") && error.contains("truncate -s") == may_be_cut, "{error}");
            assert_eq!(fs::read(&path).unwrap(), changed);
        }
        // In the last record it is either found, or taken for a torn end; never believed.
        for bit in second * 8..third * 8 {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &changed).unwrap();
            if let Ok(journal) = open(folder.path()) {
                assert_eq!(kept(&journal), [1, 2], "bit {bit}");
            }
        }
    }

    #[test]
    fn a_record_that_was_moved_is_refused() {
        let (folder, path, [first, second, third, _]) = three();
        let mut bytes = fs::read(&path).unwrap();
        let (one, two) = (bytes[first..second].to_vec(), bytes[second..third].to_vec());
        bytes[first..third].copy_from_slice(&[two, one].concat());
        fs::write(&path, bytes).unwrap();
        assert!(open(folder.path()).is_err());
    }

    #[test]
    fn a_folder_is_for_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path()).unwrap();
        let error = open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("in use"), "{error}");
        drop(first);
        open(folder.path()).unwrap();
    }

    #[test]
    fn another_configuration_at_the_start_is_noticed_and_its_text_is_not_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let other = |config: &str| Journal::in_folder(folder.path(), config).unwrap().1;
        assert!(!other(r#"{"password":"s3cr3t"}"#));
        assert!(!other(r#"{"password":"s3cr3t"}"#));
        assert!(!other("{}"));
        assert!(other(r#"{"password":"n3w"}"#));
        let bytes = fs::read(folder.path().join(NAME)).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"s3cr3t"));
    }

    #[test]
    fn the_file_gets_what_holds_no_secret_and_memory_the_original() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path()).unwrap();
        let start = |cfg| Call::Start { seed: 1, ticket: 2, request: Request::Call("{}"), cfg };
        journal.keep(0, start(r#"{"p":"s3cret"}"#), Some(start(r#"{"p":null}"#))).unwrap();
        let cfg = |journal: &Journal| {
            let Call::Start { cfg, .. } = journal.entry(0).unwrap().0.unwrap().call else { panic!() };
            cfg.to_owned()
        };
        assert!(cfg(&journal).contains("s3cret"));
        drop(journal);
        let mut journal = open(folder.path()).unwrap();
        assert_eq!(cfg(&journal), r#"{"p":null}"#);
        let config = Some("s3cret".to_owned());
        let base = Base { config, config_without_secrets: Some("{}".into()), tickets: 9, ..Base::default() };
        journal.rebase(base).unwrap();
        assert_eq!(journal.base().config.as_deref(), Some("s3cret"));
        drop(journal);
        let journal = open(folder.path()).unwrap();
        assert_eq!((journal.base().config.as_deref(), journal.base().tickets), (Some("{}"), 9));
    }

    #[test]
    fn a_file_of_an_older_format_is_refused_as_such() {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path()).unwrap());
        fs::write(folder.path().join(NAME), [&OLD_MAGIC[..], b"whatever"].concat()).unwrap();
        let error = open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("before the first release") && error.contains("move it away"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_that_keeps_nothing_until_there_is_room_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path()).unwrap();
        add(&mut journal, 1).unwrap();
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let good = std::mem::replace(&mut journal.file.as_mut().unwrap().file, full);
        let error = add(&mut journal, 2).unwrap_err().to_string();
        assert!(error.contains("No space left"), "{error}");
        assert!(journal.is_broken());
        assert_eq!(kept(&journal), [1]);
        // Not even to a file that could be written to again: what it holds is not known.
        journal.file.as_mut().unwrap().file = good;
        assert!(add(&mut journal, 3).is_err());
        journal.rebase(Base { snapshot: b"s".to_vec(), ..Base::default() }).unwrap();
        assert!(!journal.is_broken());
        add(&mut journal, 4).unwrap();
        drop(journal);
        assert_eq!(kept(&open(folder.path()).unwrap()), [4]);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_state() {
        use std::os::unix::fs::PermissionsExt as _;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("new");
        drop(open(&folder).unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(NAME))), (0o700, 0o600));
    }
}
