//! What was refused: a line in the log for each, and counts for the metric `plugpipe_capability_violations_total`.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::warn;

use crate::grants::Refusal;

/// The target of the log's lines, to keep or filter them by.
pub(crate) const TARGET: &str = "plugpipe_harness::audit";

/// After so many lines of a kind only every doubling gets one: a plug that is refused all day is not to fill a disk.
const ALL_LINES: u64 = 100;

/// Counts of refusals.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    counts: Mutex<BTreeMap<&'static str, Count>>,
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct Count {
    total: u64,
    not_taken: u64,
}

impl Violations {
    /// Writes a refusal down and counts it. The request's path and query are left out: they may be secrets, as in many webhooks.
    pub(crate) fn refuse(&self, refusal: &Refusal, origin: &str) {
        let capability = refusal.capability();
        let total = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(capability).or_default();
            count.total += 1;
            count.not_taken += 1;
            count.total
        };
        self.any.store(true, Ordering::Release);
        if total <= ALL_LINES || total.is_power_of_two() {
            warn!(target: TARGET, capability, origin, total, "refused: {refusal}");
        }
    }

    /// The refusals of each capability since this was last called.
    pub(crate) fn take(&self) -> Vec<(&'static str, u64)> {
        if !self.any.swap(false, Ordering::Acquire) {
            return Vec::new();
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = counts.iter_mut().map(|(capability, count)| (*capability, std::mem::take(&mut count.not_taken)));
        taken.filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_is_counted_once() {
        let violations = Violations::default();
        assert_eq!(violations.take(), []);
        for _ in 0..3 {
            violations.refuse(&Refusal::Rate(1), "http://h:80");
        }
        violations.refuse(&Refusal::Origin("http://h:80".into()), "http://h:80");
        assert_eq!(violations.take(), [("http_origin", 1), ("http_requests_per_minute", 3)]);
        assert_eq!(violations.take(), []);
    }
}
