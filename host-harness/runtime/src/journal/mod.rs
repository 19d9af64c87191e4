//! What a fresh instance is made the old one again with: a snapshot, and the calls that were
//! acknowledged after it. In memory always, and in a file where a state folder was given.
//!
//! Only a call that came back is put here, so that a call which ends an instance is not made again.
//! `docs/recovery.md` says what that adds up to. Knows no plug: [`crate::session`] makes the calls.

mod entry;
mod file;
mod frame;

use std::path::Path;

use crate::error::Error;

pub(crate) use entry::{Bytes, Call, Definition, Entry, Label, MetricKind, NativeBuckets, Outcome, Packed, Request};
pub(crate) use file::Base;
pub use file::close_inherited_locks;
use file::{Opened, StateFile};
use frame::split;

/// The journal is replaced by a snapshot once it is this long, in bytes, and twice as long as the
/// last snapshot: so a snapshot's cost is spread over many calls, and a recovery replays for some
/// tens of milliseconds.
const COMPACT_AT: usize = 1024 * 1024;

/// An entry that is as long as this, and longer than the snapshot, is better replaced by a snapshot.
const SNAPSHOT_INSTEAD_AT: usize = 64 * 1024;

/// What an entry counts that makes the plug write everything: its replay costs what an exposition
/// does.
const LOOK_WEIGHT: usize = 16 * 1024;

/// A snapshot and the calls after it.
#[derive(Debug)]
pub(crate) struct Journal {
    base: Base,
    /// Each with its length before it.
    entries: Vec<u8>,
    /// How long the entries are, weighted by what their replay costs.
    weight: usize,
    /// The weight at which it is time for a snapshot.
    compact_at: usize,
    /// When the plug last wrote everything, if no call was kept since: series that were idle by
    /// then are gone. Only the last such moment before a call matters, so it is kept with that
    /// call.
    looked: Option<u64>,
    file: Option<StateFile>,
}

impl Journal {
    /// A journal in memory.
    pub(crate) fn in_memory() -> Self {
        Self { base: Base::default(), entries: Vec::new(), weight: 0, compact_at: COMPACT_AT, looked: None, file: None }
    }

    /// The journal in a folder, which is made if need be, and whether `config`, with which the plug
    /// is started, is another than the last time.
    pub(crate) fn in_folder(folder: &Path, config: &str) -> Result<(Self, bool), Error> {
        let Opened { file, base, entries, other_config } = StateFile::open(folder, config)?;
        let journal = Self {
            compact_at: COMPACT_AT.max(2 * base.snapshot.len()),
            weight: entries.len(),
            base,
            entries,
            looked: None,
            file: Some(file),
        };
        Ok((journal, other_config))
    }

    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    /// Whether there is nothing to restore.
    pub(crate) fn is_empty(&self) -> bool {
        self.base.config.is_none() && self.base.snapshot.is_empty() && self.entries.is_empty()
    }

    /// Whether the file could not be written the last time: calls that change something wait for a
    /// new one.
    pub(crate) fn is_broken(&self) -> bool {
        self.file.as_ref().is_some_and(StateFile::is_broken)
    }

    /// Whether it is time for a snapshot.
    pub(crate) fn is_long(&self) -> bool {
        self.weight >= self.compact_at
    }

    /// Whether its replay took long enough to have a snapshot for the next time.
    pub(crate) fn is_slow(&self) -> bool {
        self.weight >= self.compact_at / 16
    }

    /// Lets the journal become twice as long before the next try, because a snapshot could not be
    /// made or written.
    pub(crate) fn put_off(&mut self) {
        self.compact_at = self.weight.saturating_mul(2).max(COMPACT_AT);
    }

    /// Notes that the plug wrote everything at this moment.
    pub(crate) fn look(&mut self, unix_nanos: u64) {
        self.looked = Some(unix_nanos);
    }

    /// Keeps a call that came back. On an error nothing is kept, and the call must be taken back.
    ///
    /// `written` is the call as it may be written to a file, where it holds a secret.
    pub(crate) fn keep(&mut self, unix_nanos: u64, call: Call, written: Option<Call>) -> Result<(), Error> {
        let start = self.entries.len();
        let kept = self.append(unix_nanos, call).and_then(|()| match (&mut self.file, written) {
            (None, _) => Ok(()),
            (Some(file), None) => file.append(self.entries.get(start..).unwrap_or_default()),
            (Some(file), Some(call)) => {
                let mut entries = Vec::new();
                append(&mut entries, self.looked, Entry { unix_nanos, call })?;
                file.append(&entries)
            }
        });
        match kept {
            Ok(()) => {
                self.weight += self.entries.len() - start + self.looked.take().map_or(0, |_| LOOK_WEIGHT);
                Ok(())
            }
            Err(error) => {
                self.entries.truncate(start);
                Err(error)
            }
        }
    }

    fn append(&mut self, unix_nanos: u64, call: Call) -> Result<(), Error> {
        append(&mut self.entries, self.looked, Entry { unix_nanos, call })
    }

    /// Whether a snapshot is to be made instead of keeping a call with arguments of so many bytes.
    pub(crate) fn prefers_snapshot(&self, bytes: usize) -> bool {
        bytes >= SNAPSHOT_INSTEAD_AT && bytes > self.base.snapshot.len()
    }

    /// Ticket numbers below this one are not given again.
    pub(crate) fn tickets(&self) -> u64 {
        let mut tickets = self.base.tickets;
        let mut position = 0;
        while let Some((entry, next)) = self.entry(position) {
            if let Ok(Entry { call: Call::Reserve { tickets: reserved }, .. }) = entry {
                tickets = tickets.max(reserved);
            }
            position = next;
        }
        tickets
    }

    /// Whether it is written to a folder.
    pub(crate) fn is_in_folder(&self) -> bool {
        self.file.is_some()
    }

    /// The error for a call that may not be written to the folder; none if there is no folder.
    pub(crate) fn refusal(&self, problem: &str) -> Option<Error> {
        self.file.as_ref().map(|file| file.refusal(problem))
    }

    /// Starts over from a snapshot. On an error all is as it was.
    pub(crate) fn rebase(&mut self, base: Base) -> Result<(), Error> {
        if let Some(file) = &mut self.file {
            file.replace(&base)?;
        }
        self.compact_at = COMPACT_AT.max(2 * base.snapshot.len());
        self.base = base;
        self.entries.clear();
        self.weight = 0;
        self.looked = None;
        Ok(())
    }

    /// The entry that begins at `position`, and where the next one does; none at the end.
    pub(crate) fn entry(&self, position: usize) -> Option<(Result<Entry<'_>, Error>, usize)> {
        let (bytes, next) = split(&self.entries, position)?;
        Some((entry::read(bytes), next))
    }

    /// How many entries there are from `position` on.
    pub(crate) fn count_from(&self, mut position: usize) -> u64 {
        let mut count = 0;
        while let Some((_, next)) = split(&self.entries, position) {
            position = next;
            count += 1;
        }
        count
    }

    /// Takes the entry out that begins at `position`: it cannot be made again. The file follows at
    /// the next snapshot.
    pub(crate) fn remove(&mut self, position: usize) {
        if let Some((_, next)) = split(&self.entries, position) {
            self.entries.drain(position..next);
        }
    }

    /// Gives up all entries.
    pub(crate) fn give_up(&mut self) {
        self.entries.clear();
    }
}

fn append(entries: &mut Vec<u8>, looked: Option<u64>, entry: Entry) -> Result<(), Error> {
    if let Some(at) = looked {
        entry::append(entries, &Entry { unix_nanos: at, call: Call::Looked })?;
    }
    entry::append(entries, &entry)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn calls(journal: &Journal) -> Vec<String> {
        let mut position = 0;
        let mut calls = Vec::new();
        while let Some((entry, next)) = journal.entry(position) {
            let entry = entry.unwrap();
            calls.push(format!("{} {:?}", entry.unix_nanos, entry.call));
            position = next;
        }
        calls
    }

    #[test]
    fn calls_come_back_in_order_with_their_times() {
        let mut journal = Journal::in_memory();
        assert!(journal.is_empty());
        journal.keep(7, Call::Add { series: 3, amount: f64::INFINITY }, None).unwrap();
        journal.keep(8, Call::Take { seed: 1, lane: "a" }, None).unwrap();
        journal
            .keep(
                0,
                Call::RecordMany { series: Packed::of_handles(&[1, 2]), values: Packed::of_values(&[-0.5, 1.5]) },
                None,
            )
            .unwrap();
        assert_eq!(
            calls(&journal),
            [
                "7 Add { series: 3, amount: inf }",
                "8 Take { seed: 1, lane: \"a\" }",
                "0 RecordMany { series: Bytes([1, 0, 0, 0, 2, 0, 0, 0]), values: Bytes([0, 0, 0, 0, 0, 0, 224, 191, 0, 0, 0, 0, 0, 0, 248, 63]) }"
            ]
        );
        assert!(!journal.is_empty());
        journal.remove(split(&journal.entries, 0).unwrap().1);
        assert_eq!(journal.count_from(0), 2);
        journal.rebase(Base::default()).unwrap();
        assert!(journal.is_empty());
    }

    #[test]
    fn of_many_looks_the_last_one_before_a_call_is_kept() {
        let mut journal = Journal::in_memory();
        journal.look(1);
        journal.look(2);
        journal.keep(3, Call::Clear, None).unwrap();
        journal.keep(4, Call::Clear, None).unwrap();
        journal.look(5);
        assert_eq!(calls(&journal), ["2 Looked", "3 Clear", "4 Clear"]);
    }

    #[test]
    fn a_long_journal_asks_for_a_snapshot_and_can_be_put_off() {
        let mut journal = Journal::in_memory();
        let text = "x".repeat(COMPACT_AT);
        journal.keep(0, Call::Take { seed: 0, lane: &text }, None).unwrap();
        assert!(journal.is_long());
        journal.put_off();
        assert!(!journal.is_long());
        journal.keep(0, Call::Take { seed: 0, lane: &text }, None).unwrap();
        assert!(journal.is_long());
    }
}
