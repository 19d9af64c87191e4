//! The memory of one plug, over its recorder, its workers and the jobs on their way to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bound that several instances share.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
    }

    /// How much is not in use.
    pub(crate) fn free(&self) -> usize {
        self.limit.saturating_sub(self.used.load(Ordering::Acquire))
    }
}

/// A part of a budget; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    /// Nothing of this budget yet.
    pub(crate) fn of(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), bytes: 0 }
    }

    /// Takes more; false, and nothing is taken, where the budget has no more.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let grown = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.budget.limit);
        let taken = self.budget.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, grown).is_ok();
        if taken {
            self.bytes += bytes;
        }
        taken
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_take_is_bounded_together_and_given_back() {
        let budget = Budget::new(10);
        let (mut one, mut other) = (Share::of(&budget), Share::of(&budget));
        assert!(one.grow(6) && !other.grow(5) && other.grow(4));
        assert_eq!((budget.free(), one.bytes(), other.bytes()), (0, 6, 4));
        drop(one);
        assert!(other.grow(6) && !other.grow(1) && !other.grow(usize::MAX));
        drop(other);
        assert_eq!(budget.free(), 10);
    }
}
