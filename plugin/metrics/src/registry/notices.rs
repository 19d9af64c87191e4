//! What there is to say of families that were made, beside the answer of who made them.

/// More than these are counted only: nobody reads more.
const MAX_NOTICES: usize = 100;

/// Texts for people, each beginning with a metric's name.
#[derive(Debug, Default)]
pub struct Notices {
    /// The first ones.
    pub texts: Vec<String>,
    /// How many there were beside them.
    pub more: usize,
}

/// How many there were at some time.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Mark {
    texts: usize,
    more: usize,
}

impl Notices {
    pub(super) fn push(&mut self, text: String) {
        if self.texts.len() < MAX_NOTICES { self.texts.push(text) } else { self.more += 1 }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { texts: self.texts.len(), more: self.more }
    }

    /// Forgets those that came after the mark.
    pub(super) fn truncate(&mut self, mark: Mark) {
        self.texts.truncate(mark.texts);
        self.more = mark.more;
    }
}
