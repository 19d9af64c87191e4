//! Notices about new families.

/// Beyond this number, notices are only counted.
const MAX_NOTICES: usize = 100;

/// Notices for users, each beginning with a metric name.
#[derive(Debug, Default)]
pub struct Notices {
    /// The first notices.
    pub texts: Vec<String>,
    /// The number of further notices.
    pub more: usize,
}

/// A point to roll back to.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Checkpoint {
    texts: usize,
    more: usize,
}

impl Notices {
    pub(super) fn push(&mut self, text: String) {
        if self.texts.len() < MAX_NOTICES { self.texts.push(text) } else { self.more += 1 }
    }

    pub(super) fn checkpoint(&self) -> Checkpoint {
        Checkpoint { texts: self.texts.len(), more: self.more }
    }

    /// Removes the notices added after the checkpoint.
    pub(super) fn rollback(&mut self, checkpoint: Checkpoint) {
        self.texts.truncate(checkpoint.texts);
        self.more = checkpoint.more;
    }
}
