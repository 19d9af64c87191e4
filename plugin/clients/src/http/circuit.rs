//! Circuit breaker: bounds the time spent on a server that does not respond.
//!
//! A failure that took `t` opens the circuit for `5 t` (at most [`MAX_OPEN`]). At most a sixth of
//! the time is therefore spent waiting for a dead server, whatever its timeout. A refused
//! connection costs microseconds and is retried at once.

use core::time::Duration;

/// The longest time that a circuit stays open.
pub const MAX_OPEN: Duration = Duration::from_secs(30);

/// How long the circuit stays open, as a multiple of the time that the failure took.
const OPEN_PER_COST: u32 = 5;

/// Origins are few but come from outside: at most this many are tracked.
const MAX_ORIGINS: usize = 64;

/// The open circuits, by origin.
#[derive(Debug, Default)]
pub struct Circuits {
    /// A list, because it is short; each origin once.
    open_until: Vec<(String, Duration)>,
}

impl Circuits {
    /// How much longer the circuit of `origin` stays open at `now`; `None` if it is closed.
    pub fn open_for(&self, origin: &str, now: Duration) -> Option<Duration> {
        let (_, until) = self.open_until.iter().find(|(name, _)| name == origin)?;
        until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// The origins whose circuits are open at `now`, and for how much longer.
    pub fn open(&self, now: Duration) -> Vec<(String, Duration)> {
        let left = |(origin, until): &(String, Duration)| Some((origin.clone(), until.checked_sub(now)?));
        self.open_until.iter().filter_map(left).filter(|(_, left)| !left.is_zero()).collect()
    }

    /// Opens the circuit of an origin for `left` from `now` on.
    pub fn open_circuit(&mut self, origin: &str, left: Duration, now: Duration) {
        self.succeeded(origin);
        if self.open_until.len() >= MAX_ORIGINS {
            self.open_until.retain(|(_, until)| *until > now);
        }
        if self.open_until.len() < MAX_ORIGINS {
            self.open_until.push((origin.to_owned(), now.saturating_add(left)));
        }
    }

    /// Closes the circuit: the origin responded.
    pub fn succeeded(&mut self, origin: &str) {
        self.open_until.retain(|(name, _)| name != origin);
    }

    /// Opens the circuit: a request to the origin failed at `now`, after `cost`.
    pub fn failed(&mut self, origin: &str, cost: Duration, now: Duration) {
        self.open_circuit(origin, cost.saturating_mul(OPEN_PER_COST).min(MAX_OPEN), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_failure_opens_the_circuit_for_five_times_its_cost() {
        let mut circuits = Circuits::default();
        circuits.failed("a", SECOND, 10 * SECOND);
        assert_eq!(circuits.open_for("a", 12 * SECOND), Some(3 * SECOND));
        assert_eq!(circuits.open_for("a", 15 * SECOND), None);
        assert_eq!(circuits.open_for("b", 12 * SECOND), None);
        circuits.failed("a", 100 * SECOND, 10 * SECOND);
        assert_eq!(circuits.open_for("a", 10 * SECOND), Some(MAX_OPEN));
        circuits.succeeded("a");
        assert_eq!(circuits.open_for("a", 10 * SECOND), None);
    }

    #[test]
    fn the_list_is_bounded_and_expired_entries_are_removed() {
        let mut circuits = Circuits::default();
        for origin in 0..1_000 {
            circuits.failed(&origin.to_string(), SECOND, Duration::ZERO);
        }
        assert_eq!(circuits.open_until.len(), MAX_ORIGINS);
        circuits.failed("late", SECOND, 60 * SECOND);
        assert_eq!(circuits.open_until.len(), 1);
        assert_eq!(circuits.open_for("late", 60 * SECOND), Some(5 * SECOND));
    }
}
