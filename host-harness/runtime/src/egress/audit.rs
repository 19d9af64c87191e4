//! The audit log of denied requests, and counts for the metric
//! `plugpipe_capability_violations_total`.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::warn;

use crate::grants::{AddressKind, Advice, Denial, Missing, Origin};

/// The tracing target of audit lines.
pub(crate) const TARGET: &str = "plugpipe_harness::audit";

/// Number of lines per capability and origin. After that, only powers of two are logged, so that
/// the log stays small.
const MAX_LINES: u64 = 20;

/// Maximum number of separately counted pairs of capability and origin. Other origins share a count
/// per capability and kind of address, so that many fake names cannot hide a request to this
/// machine, its network or the metadata service.
const MAX_ORIGINS: usize = 1_000;

/// Counts of denied requests.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    counts: Mutex<Counts>,
    any: AtomicBool,
    /// The host's advice on missing grants, if it has any.
    advice: Option<Advice>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Not yet added to the metric.
    by_capability: BTreeMap<&'static str, u64>,
    by_origin: BTreeMap<(Group, String), u64>,
    of_others: BTreeMap<Group, u64>,
}

/// The capability, and the kind of the requested address if known.
type Group = (&'static str, Option<AddressKind>);

impl Counts {
    /// Counts a denied request. Returns the total of its log group, and whether the group is shared
    /// by several origins.
    fn add(&mut self, denial: &Denial, origin: &str) -> (u64, bool) {
        let capability = denial.capability();
        *self.by_capability.entry(capability).or_default() += 1;
        let kind = match denial {
            Denial::Address { kind, .. } => Some(*kind),
            _ => origin.parse::<Origin>().ok().and_then(|origin| origin.address()).and_then(AddressKind::of),
        };
        let (group, key) = ((capability, kind), ((capability, kind), origin.to_owned()));
        let (count, shared) = if self.by_origin.len() < MAX_ORIGINS || self.by_origin.contains_key(&key) {
            (self.by_origin.entry(key).or_default(), false)
        } else {
            (self.of_others.entry(group).or_default(), true)
        };
        *count += 1;
        (*count, shared)
    }
}

impl Violations {
    pub(crate) fn new(advice: Option<Advice>) -> Self {
        Self { advice, ..Self::default() }
    }

    /// Logs and counts a denied request. Omits its path and query, which may be secret, as in many
    /// webhooks.
    pub(crate) fn deny(&self, denial: &Denial, origin: &str) {
        let capability = denial.capability();
        let (total, shared) = self.counts.lock().unwrap_or_else(PoisonError::into_inner).add(denial, origin);
        self.any.store(true, Ordering::Release);
        if total > MAX_LINES && !total.is_power_of_two() {
            return;
        }
        let advice = self.advice.zip(denial.missing()).map(|(advice, missing)| format!("; {}", advice(missing)));
        let advice = advice.unwrap_or_default();
        if shared {
            warn!(target: TARGET, capability, origin, total, "denied: {denial}{advice} (total: all origins after the first {MAX_ORIGINS})");
        } else {
            warn!(target: TARGET, capability, origin, total, "denied: {denial}{advice}");
        }
    }

    /// Says that a plug wants to write a file and no folder is granted, where the host says how to
    /// grant that.
    pub(crate) fn report_missing_rules_folder(&self) {
        if let Some(advice) = self.advice {
            warn!(target: TARGET, "no rules folder was granted; {}", advice(Missing::RulesFolder));
        }
    }

    /// The number of denied requests per capability since the last call.
    pub(crate) fn take(&self) -> Vec<(&'static str, u64)> {
        if !self.any.swap(false, Ordering::Acquire) {
            return Vec::new();
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut counts.by_capability).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::logged;
    use super::*;

    fn denied(violations: &Violations, origin: &str) {
        violations.deny(&Denial::Origin(origin.into()), origin);
    }

    fn lines(log: &str, origin: &str) -> usize {
        log.lines().filter(|line| line.contains(&format!("origin=\"{origin}\""))).count()
    }

    #[test]
    fn each_denial_is_counted_once() {
        let violations = Violations::default();
        assert_eq!(violations.take(), []);
        for _ in 0..3 {
            violations.deny(&Denial::Rate(1), "http://h:80");
        }
        violations.deny(&Denial::Origin("http://h:80".into()), "http://h:80");
        assert_eq!(violations.take(), [("http_origin", 1), ("http_requests_per_minute", 3)]);
        assert_eq!(violations.take(), []);
    }

    #[test]
    fn many_origins_do_not_hide_another() {
        const METADATA: &str = "http://169.254.169.254:80";
        let violations = Violations::default();
        let log = logged(|| {
            (0..100).for_each(|_| denied(&violations, "http://decoy.example:80"));
            (0..20).for_each(|_| denied(&violations, METADATA));
        });
        assert_eq!(lines(&log, METADATA), 20, "{log}");
        // The first 20, then 32 and 64.
        assert_eq!(lines(&log, "http://decoy.example:80"), 22, "{log}");

        let violations = Violations::default();
        let log = logged(|| {
            (0..3_000).for_each(|number| denied(&violations, &format!("http://d{number}.example:80")));
            (0..20).for_each(|_| denied(&violations, METADATA));
        });
        assert_eq!(lines(&log, METADATA), 20, "many names");
        assert!(log.contains("all origins after the first 1000"));

        // A name that resolves to different addresses.
        let resolve_to = |address: &str| {
            let address = address.parse().unwrap();
            let kind = AddressKind::of(address).unwrap();
            violations.deny(&Denial::Address { host: "h".into(), address, kind }, "http://h:80");
        };
        let log = logged(|| {
            (0..100).for_each(|_| resolve_to("10.0.0.1"));
            (0..20).for_each(|_| resolve_to("169.254.169.254"));
        });
        assert_eq!(log.matches("169.254.169.254").count(), 20, "{log}");
        assert_eq!(violations.take(), [("http_address", 120), ("http_origin", 3_020)]);
    }

    #[test]
    fn lines_and_memory_are_bounded() {
        let violations = Violations::default();
        let log = logged(|| {
            (0..20_000)
                .for_each(|number| denied(&violations, &format!("http://10.0.{}.{}:80", number / 250, number % 250)))
        });
        // One per separately counted origin; for the others, the first 20, and 32 to 16384.
        assert_eq!(log.lines().count(), MAX_ORIGINS + 20 + 10);
        let counts = violations.counts.lock().unwrap();
        assert_eq!((counts.by_origin.len(), counts.of_others.len()), (MAX_ORIGINS, 1));
    }

    #[test]
    fn advice_is_logged_only_if_the_host_has_any() {
        let advised = |advice| logged(|| denied(&Violations::new(advice), "http://h:80"));
        assert!(!advised(None).contains("--"));
        let advice: Advice = |missing| format!("try {missing:?}");
        let log = advised(Some(advice));
        assert!(log.contains(r#"; try Origin("http://h:80")"#), "{log}");
        assert!(logged(|| Violations::new(Some(advice)).report_missing_rules_folder()).contains("try RulesFolder"));
        assert_eq!(logged(|| Violations::default().report_missing_rules_folder()), "");
    }
}
