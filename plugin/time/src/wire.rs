//! Deserialization of both types: from text or from a number of seconds.

use core::fmt::{self, Display};
use core::str::FromStr;

use serde::de::{Deserializer, Error, Visitor};

/// Deserializes a `T`. `expected` completes "expected …" in an error.
pub(crate) fn deserialize<'de, D, T, E>(
    deserializer: D,
    expected: &'static str,
    from_seconds: fn(f64) -> Result<T, E>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
    E: Display,
{
    deserializer.deserialize_any(TextOrSeconds { expected, from_seconds })
}

struct TextOrSeconds<T, E> {
    expected: &'static str,
    from_seconds: fn(f64) -> Result<T, E>,
}

impl<T: FromStr<Err: Display>, E: Display> Visitor<'_> for TextOrSeconds<T, E> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<F: Error>(self, text: &str) -> Result<T, F> {
        text.parse().map_err(F::custom)
    }

    fn visit_f64<F: Error>(self, seconds: f64) -> Result<T, F> {
        (self.from_seconds)(seconds).map_err(F::custom)
    }

    fn visit_u64<F: Error>(self, seconds: u64) -> Result<T, F> {
        self.visit_f64(seconds as f64)
    }

    fn visit_i64<F: Error>(self, seconds: i64) -> Result<T, F> {
        self.visit_f64(seconds as f64)
    }
}
