//! What may stand in the path of a request. Every value that comes from outside goes through
//! [`Segment`], the only thing that [`crate::url::endpoint`] takes.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Error, excerpt};

/// What is percent-encoded: all but RFC 3986's unreserved characters, and the `:` of `host:port`.
/// Others may stand in a path, but some servers and proxies read them as more than text: `;`, `+`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// As [`ENCODED`], in words of the program: Pushgateway's `label@base64/=`.
const ENCODED_IN_WORDS: &AsciiSet = &ENCODED.remove(b'@').remove(b'=');

/// One segment of a path, encoded: a word of the program, or a checked value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment<'s>(Cow<'s, str>);

impl<'s> Segment<'s> {
    /// A value of `field` as one segment.
    ///
    /// # Errors
    /// A value that a server or a proxy would take for another path: an empty one, `.`, `..`, and
    /// one with a slash, a backslash or a control character.
    pub fn of(value: &'s str, field: &str) -> Result<Self, Error> {
        if value.contains('/') { Err(wrong(value, field, "without slashes")) } else { Self::with_slashes(value, field) }
    }

    /// As [`Segment::of`], for servers whose names may hold slashes: a slash is encoded, and no
    /// part between slashes may be `.` or `..`.
    ///
    /// # Errors
    /// As [`Segment::of`], slashes aside.
    pub fn with_slashes(value: &'s str, field: &str) -> Result<Self, Error> {
        if value.is_empty() || value.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(wrong(value, field, "not empty, . or .."));
        }
        if value.contains(|character: char| character == '\\' || character.is_control()) {
            return Err(wrong(value, field, "without backslashes and control characters"));
        }
        Ok(Self(utf8_percent_encode(value, ENCODED).into()))
    }

    /// A word that the program made, such as `instance@base64` or an id: of letters, digits and
    /// `-_.~@=`. Anything else is encoded.
    pub fn word(word: &'s str) -> Self {
        Self(utf8_percent_encode(word, ENCODED_IN_WORDS).into())
    }

    /// As it stands in the path.
    pub fn encoded(&self) -> &str {
        &self.0
    }
}

/// Words of the program need no check.
impl From<&'static str> for Segment<'static> {
    fn from(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }
}

fn wrong(value: &str, field: &str, expected: &str) -> Error {
    let given = excerpt(value, 100);
    Error::invalid(field, format!("cannot stand in the path of a URL; expected a name {expected}, got {given:?}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_more_than_a_name_is_refused() {
        for value in ["", ".", "..", "a/b", "/", "../x", "a\\b", "a\nb", "a\u{7f}", "\u{0}"] {
            assert_eq!(Segment::of(value, "the_field").unwrap_err().field(), "the_field", "{value:?}");
        }
        for value in ["", ".", "..", "a/..", "../x", "a/./b", "a\\b", "a\nb"] {
            assert!(Segment::with_slashes(value, "f").is_err(), "{value:?}");
        }
        for (value, encoded) in [
            ("a/b", "a%2Fb"),
            ("..;", "..%3B"),
            ("%2e%2e", "%252e%252e"),
            ("...", "..."),
            (" ", "%20"),
            ("é", "%C3%A9"),
            ("a?b#c", "a%3Fb%23c"),
        ] {
            assert_eq!(Segment::with_slashes(value, "f").unwrap().encoded(), encoded);
        }
        assert_eq!(Segment::word("a@base64/").encoded(), "a@base64%2F");
    }

    proptest! {
        #[test]
        fn what_stands_in_a_path_is_the_value_and_one_segment(value in "\\PC{0,20}|[./\\\\%;a ]{0,6}") {
            if let Ok(segment) = Segment::with_slashes(&value, "f") {
                let encoded = segment.encoded();
                prop_assert!(!encoded.contains(['/', '\\', '?', '#', ';']) && !matches!(encoded, "" | "." | ".."), "{}", encoded);
                prop_assert_eq!(percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap(), &*value);
            }
        }
    }
}
