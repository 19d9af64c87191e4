//! Lets a server that just cost time rest, so that a dead one costs a fraction of the time and not
//! all of it.
//!
//! A failure that took `t` closes the way for `5 t` (at most [`MAX_REST`]). So at most a sixth of
//! the time is spent waiting on a dead server, however long its timeout; and a refused connection,
//! which costs microseconds, is tried again at once.

use core::time::Duration;

/// A server is never left alone for longer than this.
pub const MAX_REST: Duration = Duration::from_secs(30);

/// How many times its cost a failure is waited out.
const REST_PER_COST: u32 = 5;

/// Origins are few, but come from outside: no more than this many are remembered.
const MAX_ORIGINS: usize = 64;

/// Until when each origin that failed is left alone.
#[derive(Debug, Default)]
pub struct Circuits {
    /// Few, so a list; each origin once.
    rests_until: Vec<(String, Duration)>,
}

impl Circuits {
    /// How long the origin still rests at `now`; none if it may be asked.
    pub fn open_for(&self, origin: &str, now: Duration) -> Option<Duration> {
        let (_, until) = self.rests_until.iter().find(|(name, _)| name == origin)?;
        until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// Origins that still rest at `now`, and for how long.
    pub fn open(&self, now: Duration) -> Vec<(String, Duration)> {
        let left = |(origin, until): &(String, Duration)| Some((origin.clone(), until.checked_sub(now)?));
        self.rests_until.iter().filter_map(left).filter(|(_, left)| !left.is_zero()).collect()
    }

    /// Lets an origin rest for so long from `now` on, as a worker found it.
    pub fn rest(&mut self, origin: &str, left: Duration, now: Duration) {
        self.succeeded(origin);
        if self.rests_until.len() >= MAX_ORIGINS {
            self.rests_until.retain(|(_, until)| *until > now);
        }
        if self.rests_until.len() < MAX_ORIGINS {
            self.rests_until.push((origin.to_owned(), now.saturating_add(left)));
        }
    }

    /// The origin answered: it does not rest any more.
    pub fn succeeded(&mut self, origin: &str) {
        self.rests_until.retain(|(name, _)| name != origin);
    }

    /// The origin failed at `now`, which took `cost`.
    pub fn failed(&mut self, origin: &str, cost: Duration, now: Duration) {
        self.rest(origin, cost.saturating_mul(REST_PER_COST).min(MAX_REST), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_failure_is_waited_out_five_times() {
        let mut circuits = Circuits::default();
        circuits.failed("a", SECOND, 10 * SECOND);
        assert_eq!(circuits.open_for("a", 12 * SECOND), Some(3 * SECOND));
        assert_eq!(circuits.open_for("a", 15 * SECOND), None);
        assert_eq!(circuits.open_for("b", 12 * SECOND), None);
        circuits.failed("a", 100 * SECOND, 10 * SECOND);
        assert_eq!(circuits.open_for("a", 10 * SECOND), Some(MAX_REST));
        circuits.succeeded("a");
        assert_eq!(circuits.open_for("a", 10 * SECOND), None);
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_what_is_over() {
        let mut circuits = Circuits::default();
        for origin in 0..1_000 {
            circuits.failed(&origin.to_string(), SECOND, Duration::ZERO);
        }
        assert_eq!(circuits.rests_until.len(), MAX_ORIGINS);
        circuits.failed("late", SECOND, 60 * SECOND);
        assert_eq!(circuits.rests_until.len(), 1);
        assert_eq!(circuits.open_for("late", 60 * SECOND), Some(5 * SECOND));
    }
}
