//! Validation of raw JSON that is passed on without being parsed into types.

use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::scalar::MAX_DEPTH;

/// Checks what `RawValue` does not, so that other parsers accept a response that embeds this JSON:
/// bounded nesting, valid surrogate pairs, and numbers that fit a float.
///
/// # Errors
/// Describes the problem and its position.
pub fn check(json: &[u8]) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    Sound { room: MAX_DEPTH }.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Accepts any value nested at most this deep.
#[derive(Clone, Copy)]
struct Sound {
    room: usize,
}

impl Sound {
    fn inside<E: Error>(self) -> Result<Self, E> {
        let room = self
            .room
            .checked_sub(1)
            .ok_or_else(|| E::custom(format_args!("expected lists and objects nested at most {MAX_DEPTH} deep")))?;
        Ok(Self { room })
    }
}

impl<'de> DeserializeSeed<'de> for Sound {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while items.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while members.next_key_seed(inside)?.is_some() {
            members.next_value_seed(inside)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn json_that_other_parsers_reject_is_not_passed_on() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(check(nested(MAX_DEPTH).as_bytes()).is_ok());
        for text in [nested(MAX_DEPTH + 1), nested(1_000_000), r#""\ud800""#.into(), r#"{"\udc00":1}"#.into()] {
            assert!(serde_json::from_str::<&RawValue>(&text).is_ok());
            assert!(check(text.as_bytes()).is_err());
        }
        assert!(check(&"[".repeat(1_000_000).into_bytes()).is_err());
        assert!(check(b"\"\xff\"").is_err());
        let all = json!({"a": [null, true, -1, u64::MAX, 1.5e300, "\u{1f600}\n"], "é": {}});
        assert!(check(all.to_string().as_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn check_rejects_what_serde_json_rejects(text in "[\\[\\]{}\",:0-9eE+. \\\\untrlfase-]{0,24}") {
            prop_assert_eq!(check(text.as_bytes()).is_ok(), serde_json::from_str::<Value>(&text).is_ok());
        }
    }
}
