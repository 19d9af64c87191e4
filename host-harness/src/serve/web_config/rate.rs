//! A token bucket for requests.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One request per interval, and so many at once.
pub(crate) struct RateLimit {
    interval: Duration,
    burst: u32,
    /// When the bucket would be full if no further request came. It never lies further ahead than
    /// `burst` intervals.
    full: Mutex<Instant>,
}

impl RateLimit {
    pub(super) fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst, full: Mutex::new(Instant::now()) }
    }

    /// Counts a request. If there are too many, how long until the next one is allowed.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> Result<(), Duration> {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let next = (*full).max(now) + self.interval;
        let ahead = next.saturating_duration_since(now);
        match ahead.checked_sub(self.interval.saturating_mul(self.burst)) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *full = next;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_one_request_per_interval() {
        let limit = RateLimit::new(Duration::from_secs(2), 3);
        let start = Instant::now() + Duration::from_secs(60);
        let take = |seconds| limit.take_at(start + Duration::from_secs(seconds));
        assert_eq!([take(0), take(0), take(0)], [Ok(()); 3]);
        assert_eq!(take(0), Err(Duration::from_secs(2)));
        assert_eq!(take(1), Err(Duration::from_secs(1)));
        assert_eq!([take(2), take(3)], [Ok(()), Err(Duration::from_secs(1))]);
        assert_eq!([take(60), take(60), take(60)], [Ok(()); 3]);
        assert!(take(60).is_err());
    }
}
