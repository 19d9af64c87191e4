//! When a request is sent again, and how long is waited before. Sends nothing itself:
//! [`super::Client`] does.
//!
//! Waits grow: before the second attempt a moment between nothing and [`Retry::delay`], before each
//! further one between nothing and twice as much, up to [`Retry::max_delay`] ("full jitter", so
//! that many plugs that failed together do not return together). A server that says `Retry-After`
//! is taken at its word; where that lies past the deadline, its answer is final.

use core::time::Duration;
use std::time::SystemTime;

use super::failure::Failure;
use super::transport::Response;

/// How often, and how soon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// How often a request is sent at most; 1 for no repetition.
    pub attempts: u32,
    /// The longest wait before the second attempt.
    pub delay: Duration,
    /// The longest wait that the plug chooses by itself.
    pub max_delay: Duration,
}

impl Retry {
    /// No repetition.
    pub const ONCE: Self = Self { attempts: 1, delay: Duration::ZERO, max_delay: Duration::ZERO };

    /// How long to wait after attempt number `attempt`, the first being 1; `random` is any number.
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

/// Whether the same request may fare better a moment later.
pub fn is_worth_it(outcome: &Result<Response, Failure>) -> bool {
    match outcome {
        Ok(response) => matches!(response.status, 429 | 500 | 502 | 503 | 504),
        Err(Failure::Refused | Failure::UnknownHost | Failure::Timeout { .. } | Failure::Broken) => true,
        // The same again: the host's refusal, the certificate, the length, the protocol.
        Err(_) => false,
    }
}

/// How long the server asks to be left alone, by its `Retry-After`: seconds, or a date. None where
/// it says nothing that can be read.
pub fn retry_after(response: &Response, unix_nanos: u64) -> Option<Duration> {
    let text = response.header("retry-after")?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than a number holds are as good as for ever.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(until.saturating_sub(Duration::from_nanos(unix_nanos)))
}

/// Numbers that differ from plug to plug. Not for secrets.
#[derive(Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// Seeded with what differs, such as the clocks.
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

/// What one call of the plug exchanged with servers: for its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Exchange {
    /// How often something was sent; requests that go side by side count once.
    pub attempts: u32,
    /// How long it took, waits included.
    pub elapsed: Duration,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn saying(value: &str) -> Response {
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
            assert_eq!(retry_after(&saying(value), now), wait.map(Duration::from_secs), "{value:?}");
        }
        assert_eq!(retry_after(&Response::default(), now), None);
    }

    #[test]
    fn only_what_may_pass_is_worth_another_attempt() {
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
        fn no_header_traps(value in ".{0,40}", now in any::<u64>()) {
            retry_after(&saying(&value), now);
        }
    }
}
