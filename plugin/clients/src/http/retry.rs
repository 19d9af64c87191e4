//! When a request is retried, and after what delay. [`super::Client`] does the sending.
//!
//! Delays are random ("full jitter", so that many plugs that fail together do not return together):
//! before the second attempt between zero and [`Retry::delay`], doubling for each further attempt
//! up to [`Retry::max_delay`]. `Retry-After` is honored; if it lies past the deadline, the response
//! is final.

use core::time::Duration;
use std::time::SystemTime;

use super::failure::Failure;
use super::transport::Response;

/// The retry policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// How often a request is sent at most; 1 for no retries.
    pub attempts: u32,
    /// The longest delay before the second attempt.
    pub delay: Duration,
    /// The upper bound of delays, except for `Retry-After`.
    pub max_delay: Duration,
}

impl Retry {
    /// No retries.
    pub const ONCE: Self = Self { attempts: 1, delay: Duration::ZERO, max_delay: Duration::ZERO };

    /// The delay after attempt number `attempt`, counting from 1; `random` is any number.
    pub fn backoff(&self, attempt: u32, random: u64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let longest = self.delay.saturating_mul(1 << doublings).min(self.max_delay);
        let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(random % nanos.saturating_add(1))
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, delay: Duration::from_millis(100), max_delay: Duration::from_secs(2) }
    }
}

/// Whether the same request may succeed a moment later.
pub fn is_worth_it(outcome: &Result<Response, Failure>) -> bool {
    match outcome {
        Ok(response) => matches!(response.status, 429 | 500 | 502 | 503 | 504),
        Err(Failure::Refused | Failure::UnknownHost | Failure::Timeout { .. } | Failure::Broken) => true,
        // Permanent: denied by the host, certificate, length, protocol.
        Err(_) => false,
    }
}

/// The delay that the server requests by `Retry-After`: seconds, or a date. `None` if the header is
/// missing or invalid.
pub fn retry_after(response: &Response, unix_nanos: u64) -> Option<Duration> {
    let text = response.header("retry-after")?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Saturate: too many seconds for a u64 mean forever.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(until.saturating_sub(Duration::from_nanos(unix_nanos)))
}

/// Random numbers that differ between plugs. Not for secrets.
#[derive(Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// Seed it with something that differs, such as the clocks.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number: SplitMix64 (Steele, Lea, Flood 2014).
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// What one plug call spent on requests, for its result.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Exchange {
    /// The number of attempts; concurrent requests count once.
    pub attempts: u32,
    /// The time it took, including delays.
    pub elapsed: Duration,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with_retry_after(value: &str) -> Response {
        Response { status: 503, headers: vec![("retry-after".into(), value.into())], body: Vec::new() }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        // 1994-11-06T08:49:37Z.
        let now = 784_111_777 * 1_000_000_000;
        for (value, wait) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:49:38 1994", Some(1)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(&with_retry_after(value), now), wait.map(Duration::from_secs), "{value:?}");
        }
        assert_eq!(retry_after(&Response::default(), now), None);
    }

    #[test]
    fn only_transient_failures_are_worth_another_attempt() {
        let answered = |status| is_worth_it(&Ok(Response { status, ..Response::default() }));
        for status in [429, 500, 502, 503, 504] {
            assert!(answered(status), "{status}");
        }
        for status in [200, 202, 204, 301, 307, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 501, 505] {
            assert!(!answered(status), "{status}");
        }
        let failed = |failure| is_worth_it(&Err(failure));
        for failure in
            [Failure::Refused, Failure::UnknownHost, Failure::Broken, Failure::Timeout { after: Duration::ZERO }]
        {
            assert!(failed(failure.clone()), "{failure}");
        }
        for failure in [
            Failure::NotGranted,
            Failure::AddressNotGranted,
            Failure::Tls("t".into()),
            Failure::TooLong { limit: 1 },
            Failure::CircuitOpen { left: Duration::ZERO },
            Failure::Protocol("p".into()),
        ] {
            assert!(!failed(failure.clone()), "{failure}");
        }
    }

    #[test]
    fn the_longest_wait_doubles_up_to_its_bound() {
        let retry = Retry { attempts: 9, delay: Duration::from_millis(100), max_delay: Duration::from_millis(350) };
        // The largest remainder is the bound itself.
        let longest = |attempt| {
            (0..2_000).map(|step| retry.backoff(attempt, step * 1_000_003)).max().map(|wait| wait.as_millis() / 10)
        };
        assert_eq!([1, 2, 3, 4].map(longest), [Some(9), Some(19), Some(34), Some(34)]);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_longer_than_its_bound(
            attempt in any::<u32>(), random in any::<u64>(), delay in 0_u64..1 << 50, max_delay in 0_u64..1 << 50,
        ) {
            let [delay, max_delay] = [delay, max_delay].map(Duration::from_nanos);
            let wait = Retry { attempts: 3, delay, max_delay }.backoff(attempt, random);
            prop_assert!(wait <= max_delay);
            prop_assert!(attempt > 1 || wait <= delay);
        }

        #[test]
        fn no_header_panics(value in ".{0,40}", now in any::<u64>()) {
            retry_after(&with_retry_after(&value), now);
        }
    }
}
