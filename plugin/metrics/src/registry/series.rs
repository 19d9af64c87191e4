//! The series table: one row per series in parallel columns, and an index from family and label
//! values to rows. Issues handles and detects stale ones.
//!
//! A handle is a `u32`: the row in its low 24 bits, the row's generation above. The row of a
//! removed series is reused with the next generation, so that stale handles are detected. After 256
//! generations the row is retired, so that no handle ever refers to two series.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::value::Kind;

/// Row bits of a handle.
const ROW_BITS: u32 = 24;
const ROW_MASK: u32 = (1 << ROW_BITS) - 1;
/// Maximum number of rows, and thus of series, that handles can address.
pub(super) const MAX_ROWS: usize = 1 << ROW_BITS;

/// State flag: recording to the series needs the current time.
pub(super) const TIMED: u16 = 0x80;
/// State flag: the creation time comes from imports, or is unknown.
pub(super) const IMPORTED: u16 = 0x40;
const KIND_MASK: u16 = 0x0f;
const STATE_MASK: u16 = 0xff;

/// The state of a counter or gauge without flags.
const COUNTER: u16 = Kind::Counter as u16;
const GAUGE: u16 = Kind::Gauge as u16;

/// Terminates each label value in a key. This byte does not occur in UTF-8.
pub(crate) const END: u8 = 0xff;

/// Longest batch whose buffer is kept for the next one.
const MAX_KEPT_BATCH: usize = 16 * 1_024;

/// The position of a row's label values.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: u32,
    len: u32,
}

/// The columns of a new series.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewSeries {
    /// Index of its family.
    pub(super) family: u32,
    /// Its kind and flags.
    pub(super) state: u16,
    /// Its initial cell.
    pub(super) cell: f64,
    /// Creation time; 0 if unknown.
    pub(super) created_ms: u64,
}

/// See the module documentation.
#[derive(Debug)]
pub(super) struct SeriesTable {
    /// Generation in the high byte; kind and flags in the low one, 0 if the row is free.
    states: Vec<u16>,
    /// A counter's total or a gauge's value; managed by the registry for other kinds.
    pub(super) cells: Vec<f64>,
    families: Vec<u32>,
    spans: Vec<Span>,
    created: Vec<u64>,
    /// Label values, each terminated by [`END`], in the order of the family's sorted label names.
    text: Vec<u8>,
    /// Bytes of `text` that no row references.
    dead: usize,
    /// Free rows, oldest first, so that generations are used evenly.
    free: VecDeque<u32>,
    index: HashTable<u32>,
    hasher: FixedState,
    /// The cells before a batch; kept to reuse the allocation.
    before: Vec<f64>,
}

/// The table is full.
#[derive(Debug)]
pub(super) struct Full;

/// Encodes label values as a key.
pub(super) fn key_of<'a>(values: impl IntoIterator<Item = &'a str>, key: &mut Vec<u8>) {
    key.clear();
    for value in values {
        key.extend_from_slice(value.as_bytes());
        key.push(END);
    }
}

/// Decodes a key written by [`key_of`].
pub(super) fn values_of(key: &[u8]) -> impl Iterator<Item = &str> {
    // Each value is terminated, so drop the empty piece after the last terminator.
    key.strip_suffix(&[END]).into_iter().flat_map(|key| key.split(|byte| *byte == END)).map(|value| {
        // Values are always UTF-8; a damaged one would be exposed as empty instead of failing the
        // exposition.
        str::from_utf8(value).unwrap_or_default()
    })
}

impl SeriesTable {
    pub(super) fn new(hasher: FixedState) -> Self {
        Self {
            states: Vec::new(),
            cells: Vec::new(),
            families: Vec::new(),
            spans: Vec::new(),
            created: Vec::new(),
            text: Vec::new(),
            dead: 0,
            free: VecDeque::new(),
            index: HashTable::new(),
            hasher,
            before: Vec::new(),
        }
    }

    /// The number of series.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// The number of rows, used or free.
    pub(super) fn rows(&self) -> usize {
        self.states.len()
    }

    /// The row of a handle, unless it is stale.
    #[inline]
    pub(super) fn row(&self, handle: u32) -> Option<usize> {
        let row = (handle & ROW_MASK) as usize;
        let state = *self.states.get(row)?;
        (u32::from(state >> 8) == handle >> ROW_BITS && state & STATE_MASK != 0).then_some(row)
    }

    /// The handle of a row's series; `None` if the row is free.
    pub(super) fn handle(&self, row: usize) -> Option<u32> {
        let state = *self.states.get(row)?;
        (state & STATE_MASK != 0).then(|| (u32::from(state >> 8) << ROW_BITS) | row as u32)
    }

    /// The handles of all series, by row.
    pub(super) fn handles(&self) -> impl Iterator<Item = u32> {
        (0..self.rows()).filter_map(|row| self.handle(row))
    }

    /// Kind and flags of a row; 0 if it is free.
    #[inline]
    pub(super) fn state(&self, row: usize) -> u16 {
        self.states.get(row).map_or(0, |state| state & STATE_MASK)
    }

    /// The generation of a row.
    pub(super) fn generation(&self, row: usize) -> u8 {
        self.states.get(row).map_or(0, |state| (state >> 8) as u8)
    }

    /// The kind of a row's series.
    #[inline]
    pub(super) fn kind(&self, row: usize) -> Option<Kind> {
        Kind::from_number((self.state(row) & KIND_MASK) as u8)
    }

    /// The index of a row's family.
    #[inline]
    pub(super) fn family(&self, row: usize) -> usize {
        self.families.get(row).map_or(usize::MAX, |family| *family as usize)
    }

    /// The label values of a row, each terminated by [`END`].
    pub(super) fn key(&self, row: usize) -> &[u8] {
        key_at(&self.text, &self.spans, row)
    }

    /// The creation time of a row's series, possibly imported; 0 if unknown.
    pub(super) fn created_ms(&self, row: usize) -> u64 {
        self.created.get(row).copied().unwrap_or(0)
    }

    /// Clears the creation time of a row's series.
    pub(super) fn forget_start(&mut self, row: usize) {
        if let Some(created) = self.created.get_mut(row) {
            *created = 0;
        }
    }

    /// Sets the imported creation time of a row's series; 0 if unknown.
    pub(super) fn import_start(&mut self, row: usize, created_ms: u64) {
        if let (Some(state), Some(created)) = (self.states.get_mut(row), self.created.get_mut(row)) {
            *state |= IMPORTED;
            *created = created_ms;
        }
    }

    /// The cell of a row.
    #[inline]
    pub(super) fn cell(&self, row: usize) -> f64 {
        self.cells.get(row).copied().unwrap_or(0.0)
    }

    /// The cell of a handle's row, stale or not; 0 if there is no row.
    #[inline]
    pub(super) fn cell_of(&self, handle: u32) -> f64 {
        self.cells.get((handle & ROW_MASK) as usize).copied().unwrap_or(0.0)
    }

    /// The row with these label values.
    pub(super) fn find(&self, family: u32, key: &[u8]) -> Option<usize> {
        let same = |row: &u32| self.families.get(*row as usize) == Some(&family) && self.key(*row as usize) == key;
        self.index.find(hash(&self.hasher, family, key), same).map(|row| *row as usize)
    }

    /// Adds a series that does not exist. Returns its handle and whether the row is new.
    pub(super) fn insert(&mut self, new: NewSeries, key: &[u8]) -> Result<(u32, bool), Full> {
        let reused = self.free.pop_front();
        let row = match reused {
            Some(row) => row as usize,
            None if self.states.len() < MAX_ROWS => {
                self.push_free_row(0);
                self.states.len() - 1
            }
            None => return Err(Full),
        };
        if self.occupy(row, new, key).is_err() {
            self.free.push_front(row as u32);
            return Err(Full);
        }
        Ok((self.handle(row).ok_or(Full)?, reused.is_none()))
    }

    /// Adds a row without a series and without adding it to the free list.
    pub(super) fn push_free_row(&mut self, generation: u8) {
        self.states.push(u16::from(generation) << 8);
        self.cells.push(0.0);
        self.families.push(u32::MAX);
        self.spans.push(Span::default());
        self.created.push(0);
    }

    /// The free rows, next one first.
    pub(super) fn free_rows(&self) -> impl ExactSizeIterator<Item = u32> {
        self.free.iter().copied()
    }

    /// Adds a row to the free list.
    pub(super) fn set_free(&mut self, row: u32) {
        self.free.push_back(row);
    }

    /// Stores a series in an empty row.
    pub(super) fn occupy(&mut self, row: usize, new: NewSeries, key: &[u8]) -> Result<(), Full> {
        let (Ok(start), Ok(len)) = (u32::try_from(self.text.len()), u32::try_from(key.len())) else { return Err(Full) };
        if start.checked_add(len).is_none() {
            return Err(Full);
        }
        let Self { states, cells, families, spans, created, text, index, hasher, .. } = self;
        let (Some(state), Some(cell), Some(family), Some(span), Some(created)) =
            (states.get_mut(row), cells.get_mut(row), families.get_mut(row), spans.get_mut(row), created.get_mut(row))
        else {
            return Err(Full);
        };
        text.extend_from_slice(key);
        *state = (*state & !STATE_MASK) | new.state;
        (*cell, *family, *span, *created) = (new.cell, new.family, Span { start, len }, new.created_ms);
        index.insert_unique(hash(hasher, new.family, key), row as u32, |row| {
            let row = *row as usize;
            hash(hasher, families.get(row).copied().unwrap_or_default(), key_at(text, spans, row))
        });
        Ok(())
    }

    /// Removes a series; its handle becomes stale.
    pub(super) fn remove(&mut self, row: usize) {
        self.vacate(row);
        if let Some(state) = self.states.get_mut(row)
            && let Some(next) = (*state >> 8).checked_add(1).filter(|next| *next <= 0xff)
        {
            *state = next << 8;
            self.free.push_back(row as u32);
        }
        if self.dead > self.text.len() / 2 && self.dead > 4_096 {
            self.compact();
        }
    }

    /// Undoes the most recent insertion that was not undone yet. `inserted` is its result.
    pub(super) fn undo_insert(&mut self, inserted: (u32, bool)) {
        let (handle, new_row) = inserted;
        let Some(row) = self.row(handle) else { return };
        self.vacate(row);
        if let Some(span) = self.spans.get(row) {
            self.text.truncate(span.start as usize);
            self.dead -= span.len as usize;
        }
        if new_row {
            self.states.pop();
            self.cells.pop();
            self.families.pop();
            self.spans.pop();
            self.created.pop();
        } else {
            self.free.push_front(row as u32);
        }
    }

    /// Removes all series; every handle becomes stale.
    pub(super) fn clear(&mut self) {
        for row in 0..self.rows() {
            if self.state(row) != 0 {
                self.remove(row);
            }
        }
        self.text = Vec::new();
        self.dead = 0;
        self.index = HashTable::new();
    }

    fn vacate(&mut self, row: usize) {
        let Self { families, spans, text, index, hasher, .. } = self;
        let key = key_at(text, spans, row);
        let family = families.get(row).copied().unwrap_or_default();
        if let Ok(entry) = index.find_entry(hash(hasher, family, key), |other| *other as usize == row) {
            entry.remove();
            self.dead += key.len();
        }
        if let Some(state) = self.states.get_mut(row) {
            *state &= !STATE_MASK;
        }
    }

    fn compact(&mut self) {
        let mut text = Vec::with_capacity(self.text.len() - self.dead);
        for row in 0..self.rows() {
            let start = text.len() as u32;
            if self.state(row) != 0 {
                text.extend_from_slice(key_at(&self.text, &self.spans, row));
            }
            if let Some(span) = self.spans.get_mut(row) {
                *span = Span { start, len: text.len() as u32 - start };
            }
        }
        self.text = text;
        self.dead = 0;
    }

    /// Fast path: adds to a counter or gauge without flags if the amount is valid. Returns whether
    /// it did.
    #[inline]
    pub(super) fn add_fast(&mut self, id: u32, amount: f64) -> bool {
        let row = (id & ROW_MASK) as usize;
        let (Some(state), Some(cell)) = (self.states.get(row), self.cells.get_mut(row)) else { return false };
        let kind = u32::from(*state) ^ (id >> ROW_BITS << 8);
        let is_increase = amount.to_bits() < f64::INFINITY.to_bits();
        let is_valid = (kind == u32::from(GAUGE)) | ((kind == u32::from(COUNTER)) & is_increase);
        if is_valid {
            *cell += amount;
        }
        is_valid
    }

    /// Fast path: sets a gauge without flags. Returns whether it did.
    #[inline]
    pub(super) fn set_fast(&mut self, id: u32, value: f64) -> bool {
        let row = (id & ROW_MASK) as usize;
        let (Some(state), Some(cell)) = (self.states.get(row), self.cells.get_mut(row)) else { return false };
        let is_valid = u32::from(*state) ^ (id >> ROW_BITS << 8) == u32::from(GAUGE);
        if is_valid {
            *cell = value;
        }
        is_valid
    }

    /// Fast path: records to counters and gauges without flags, all or nothing. Returns whether it
    /// did; if not, some series or value needs the slow path, and nothing has changed.
    // A single pass, because looking up a handle costs as much as the update itself; on failure the
    // cells are restored. Not inlined, so that the loop's variables stay in registers. Four at a
    // time, because on wasm each loop iteration also checks the epoch deadline.
    #[inline(never)]
    pub(super) fn record_fast(&mut self, ids: &[u32], values: &[f64]) -> bool {
        const LANES: usize = 4;
        let Self { states, cells, before, .. } = self;
        let rows = states.len().min(cells.len());
        // Make the equal length visible to the compiler, so that one bounds check suffices.
        let (Some(states), Some(cells)) = (states.get(..rows), cells.get_mut(..rows)) else { return false };
        if before.len() < ids.len() {
            before.resize(ids.len(), 0.0);
        }
        let (id_fours, last_ids) = ids.as_chunks::<LANES>();
        let (value_fours, last_values) = values.as_chunks::<LANES>();
        let (previous_fours, _) = before.as_chunks_mut::<LANES>();
        let mut done = 0;
        let mut plain = true;
        'fours: for ((ids, values), previous) in id_fours.iter().zip(value_fours).zip(previous_fours) {
            for ((id, value), previous) in ids.iter().zip(values).zip(previous) {
                plain = record_one(states, cells, *id, *value, previous);
                if !plain {
                    break 'fours;
                }
                done += 1;
            }
        }
        if plain {
            let previous = before.get_mut(done..).unwrap_or_default();
            for ((id, value), previous) in last_ids.iter().zip(last_values).zip(previous) {
                if !record_one(states, cells, *id, *value, previous) {
                    break;
                }
                done += 1;
            }
        }
        let all = done == ids.len();
        if !all {
            // In reverse order, since a series may occur twice.
            for (id, previous) in ids.iter().zip(before.iter()).take(done).rev() {
                if let Some(cell) = cells.get_mut((id & ROW_MASK) as usize) {
                    *cell = *previous;
                }
            }
        }
        if before.len() > MAX_KEPT_BATCH {
            *before = Vec::new();
        }
        all
    }

    /// Bytes of label values, in total and unreferenced.
    #[cfg(test)]
    pub(super) fn text_len(&self) -> (usize, usize) {
        (self.text.len(), self.dead)
    }
}

/// Adds to a counter or sets a gauge, and stores the previous value in `previous`. Returns false,
/// without changes, if the slow path is needed.
#[inline(always)]
fn record_one(states: &[u16], cells: &mut [f64], id: u32, value: f64, previous: &mut f64) -> bool {
    let row = (id & ROW_MASK) as usize;
    let (Some(state), Some(cell)) = (states.get(row), cells.get_mut(row)) else { return false };
    // The result is the bare kind if the generation matches and no flag is set.
    let kind = u32::from(*state) ^ (id >> ROW_BITS << 8);
    // The bits of finite nonnegative numbers are below those of infinity. (-0 takes the slow path.)
    let is_increase = (kind == u32::from(COUNTER)) & (value.to_bits() < f64::INFINITY.to_bits());
    if !(is_increase | (kind == u32::from(GAUGE))) {
        return false;
    }
    *previous = *cell;
    *cell = if is_increase { *cell + value } else { value };
    true
}

fn key_at<'a>(text: &'a [u8], spans: &[Span], row: usize) -> &'a [u8] {
    spans
        .get(row)
        .and_then(|span| text.get(span.start as usize..span.start as usize + span.len as usize))
        .unwrap_or_default()
}

fn hash(hasher: &FixedState, family: u32, key: &[u8]) -> u64 {
    let mut hash = hasher.build_hasher();
    hash.write_u32(family);
    hash.write(key);
    hash.finish()
}

/// The order of two keys of one family: by the first label value, then the second, and so on.
pub(super) fn order(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    let same = common_bytes(a, b);
    // The terminator sorts before any byte of a longer value.
    let next = |key: &[u8]| key.get(same).map(|byte| byte.wrapping_add(1));
    next(a).cmp(&next(b))
}

/// The length of the common prefix of two keys.
pub(super) fn common_bytes(a: &[u8], b: &[u8]) -> usize {
    let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0).take_while(|(a, b)| a == b).count();
    let (a, b) = (a.get(8 * words..).unwrap_or_default(), b.get(8 * words..).unwrap_or_default());
    8 * words + a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The sixteen bytes after the common prefix, as a number with the same order.
pub(super) fn rank(key: &[u8], common: usize) -> (u64, u64) {
    let mut bytes = [0; 16];
    for (place, byte) in bytes.iter_mut().zip(key.get(common..).unwrap_or_default()) {
        *place = byte.wrapping_add(1);
    }
    let number = u128::from_be_bytes(bytes);
    ((number >> 64) as u64, number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> SeriesTable {
        SeriesTable::new(FixedState::with_seed(1))
    }

    fn new(family: u32) -> NewSeries {
        NewSeries { family, state: COUNTER, cell: 0.0, created_ms: 7 }
    }

    fn key(values: &[&str]) -> Vec<u8> {
        let mut key = Vec::new();
        key_of(values.iter().copied(), &mut key);
        key
    }

    #[test]
    fn keys_sort_like_their_values() {
        let lists: [&[&str]; 8] =
            [&["", "b"], &["\0", ""], &["a", ""], &["a", "\0"], &["a", "a"], &["a\0", ""], &["aa", ""], &["é", "x"]];
        for a in lists {
            assert_eq!(values_of(&key(a)).collect::<Vec<_>>(), a);
            for b in lists {
                assert_eq!(order(&key(a), &key(b)), a.cmp(b), "{a:?} {b:?}");
                let common = common_bytes(&key(a), &key(b));
                assert_eq!(rank(&key(a), common).cmp(&rank(&key(b), common)), a.cmp(b), "{a:?} {b:?}");
            }
        }
        assert_eq!(values_of(&[]).count(), 0);
        assert_eq!(values_of(&key(&[""])).count(), 1);
    }

    #[test]
    fn stale_handles_are_detected_and_handles_are_never_reused() {
        let mut table = table();
        let mut seen = std::collections::BTreeSet::new();
        for round in 0..1_000 {
            let (handle, _) = table.insert(new(0), &key(&["a"])).unwrap();
            assert!(seen.insert(handle), "{round}");
            table.remove(table.row(handle).unwrap());
            assert!(seen.iter().all(|old| table.row(*old).is_none()));
        }
        assert_eq!(table.rows(), 1_000_usize.div_ceil(256));
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn text_of_removed_series_is_compacted() {
        let mut table = table();
        for number in 0..10_000 {
            let (handle, _) = table.insert(new(0), &key(&["a label value", &number.to_string()])).unwrap();
            table.remove(table.row(handle).unwrap());
        }
        assert!(table.text_len().0 < 20_000, "{:?}", table.text_len());
        let kept = key(&["kept", ""]);
        let (handle, _) = table.insert(new(3), &kept).unwrap();
        table.compact();
        assert_eq!(table.find(3, &kept), table.row(handle));
        assert_eq!(table.key(table.row(handle).unwrap()), kept);
        assert_eq!(table.find(4, &kept), None);
    }

    #[test]
    fn undoing_insertions_restores_the_table() {
        let mut table = table();
        let first = table.insert(new(0), &key(&["a"])).unwrap();
        let second = table.insert(new(0), &key(&["b"])).unwrap();
        table.remove(table.row(first.0).unwrap());
        let reused = table.insert(new(0), &key(&["c"])).unwrap();
        let fresh = table.insert(new(0), &key(&["d"])).unwrap();
        table.undo_insert(fresh);
        table.undo_insert(reused);
        assert_eq!((table.len(), table.rows()), (1, 2));
        assert_eq!(table.find(0, &key(&["b"])), table.row(second.0));
        assert_eq!(table.insert(new(0), &key(&["c"])).unwrap(), reused);
        assert_eq!(table.insert(new(0), &key(&["d"])).unwrap(), fresh);
    }
}
