//! Checks and limits shared by the parsers of all formats.

use super::event::{Label, Limits};

/// Checks the last label against the others and the limits. Returns the problem, if any.
pub(super) fn label_fault(labels: &[Label], limits: &Limits) -> Option<String> {
    let (last, before) = labels.split_last()?;
    if labels.len() > limits.labels {
        return Some(format!("there are more than {} labels; drop some or raise the limit", limits.labels));
    }
    if before.iter().any(|label| label.name == last.name) {
        let name = crate::error::excerpt(&last.name, 100);
        return Some(format!("the label {name} is given twice; expected each label name once"));
    }
    if last.name.is_empty() {
        return Some("the label's name is empty; expected at least one character".into());
    }
    if last.name == "__name__" {
        return Some("the label name __name__ is reserved; write the metric's name before the braces".into());
    }
    if last.name.len() > limits.name_bytes {
        return Some(too_long("the label's name", last.name.len(), limits.name_bytes));
    }
    if last.value.len() > limits.value_bytes {
        return Some(too_long("the label's value", last.value.len(), limits.value_bytes));
    }
    None
}

/// Counts samples and labels against the limits.
#[derive(Debug, Default)]
pub(super) struct Tally {
    samples: usize,
    labels: usize,
}

impl Tally {
    /// Counts a sample. Returns the problem if a limit is exceeded.
    #[inline]
    pub(super) fn count(&mut self, labels: usize, limits: &Limits) -> Option<String> {
        self.samples += 1;
        self.labels += labels;
        if self.samples <= limits.samples && self.labels <= limits.all_labels {
            return None;
        }
        Some(match self.samples > limits.samples {
            true => format!("there are more than {} samples; raise the limit", limits.samples),
            false => format!("the samples have more than {} labels in total; raise the limit", limits.all_labels),
        })
    }
}

pub(super) fn too_long(what: &str, bytes: usize, limit: usize) -> String {
    format!("{what} has {bytes} bytes; the maximum is {limit}; shorten it or raise the limit")
}

/// A hash table from names to their positions in a list.
#[derive(Debug)]
pub(super) struct Index {
    table: hashbrown::HashTable<u32>,
    hasher: foldhash::fast::FixedState,
}

impl Index {
    pub(super) fn new(seed: u64) -> Self {
        Self { table: hashbrown::HashTable::new(), hasher: foldhash::fast::FixedState::with_seed(seed) }
    }

    pub(super) fn hash(&self, name: &str) -> u64 {
        use std::hash::{BuildHasher, Hasher};
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name.as_bytes());
        hasher.finish()
    }

    /// The hash of a label.
    #[inline]
    pub(super) fn hash_pair(&self, name: &str, value: &str) -> u64 {
        use std::hash::{BuildHasher, Hasher};
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name.as_bytes());
        hasher.write(value.as_bytes());
        hasher.finish()
    }

    pub(super) fn find(&self, name: &str, is: impl Fn(usize) -> bool) -> Option<usize> {
        self.table.find(self.hash(name), |place| is(*place as usize)).map(|place| *place as usize)
    }

    /// Adds a new name. `name_of` returns the name at a position.
    pub(super) fn insert<'n>(&mut self, name: &str, place: usize, name_of: impl Fn(usize) -> &'n str) {
        let hash = self.hash(name);
        let Self { table, hasher } = self;
        table.insert_unique(hash, place as u32, |place| {
            use std::hash::{BuildHasher, Hasher};
            let mut hasher = hasher.build_hasher();
            hasher.write(name_of(*place as usize).as_bytes());
            hasher.finish()
        });
    }
}
