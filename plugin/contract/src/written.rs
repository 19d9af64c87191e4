//! JSON texts as they are written, looked at without being read.

use core::fmt;
use std::borrow::Cow;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// The name of the newtype whose inside is a JSON text as it was written: for a number whose text
/// counts, and for parts that are passed on.
pub(crate) const AS_WRITTEN: &str = "plugpipe::as-written";

/// The name of the newtype that is a setting: none where it is null or an empty text.
pub(crate) const SETTING: &str = "plugpipe::setting";

/// The name of the newtype whose inside is none where the value is null or an empty text.
pub(crate) const UNLESS_EMPTY: &str = "plugpipe::unless-empty";

/// The name of the newtype whose inside is the JSON text, unless that is a list or an object.
pub(crate) const SCALAR_AS_WRITTEN: &str = "plugpipe::scalar-as-written";

/// What a JSON value is, looked at as a scalar.
pub(crate) enum Scalar<'de> {
    Null,
    Flag(bool),
    /// As it is written.
    Number(&'de str),
    Text(Cow<'de, str>),
    /// A list or an object.
    Compound,
}

impl<'de> Scalar<'de> {
    /// Looks at a valid JSON text. What can still be wrong is an escape for half a character.
    #[inline]
    pub(crate) fn read(json: &'de str) -> Result<Self, String> {
        Ok(match json.as_bytes().first() {
            Some(b'"') => {
                let text: Result<Unescaped, _> = serde_json::from_str(json);
                Self::Text(text.map_err(|problem| format!("expected text, got an unknown character: {problem}"))?.0)
            }
            Some(b'{' | b'[') => Self::Compound,
            Some(b'n') | None => Self::Null,
            Some(b't') => Self::Flag(true),
            Some(b'f') => Self::Flag(false),
            Some(_) => Self::Number(json),
        })
    }

    /// As text; none for a list, an object or null.
    #[inline]
    pub(crate) fn into_text(self) -> Option<Cow<'de, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(number) => Some(Cow::Borrowed(number)),
            Self::Flag(flag) => Some(Cow::Borrowed(if flag { "true" } else { "false" })),
            Self::Null | Self::Compound => None,
        }
    }
}

/// What a JSON text is, for errors.
pub fn kind_of(json: &str) -> &'static str {
    match json.trim_start().as_bytes().first() {
        Some(b'"') => "text",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "a flag",
        Some(b'n') | None => "null",
        Some(_) => "a number",
    }
}

/// Whether a value counts as missing: null, or a text of nothing but white space.
pub(crate) fn is_empty(json: &str) -> bool {
    match Scalar::read(json) {
        Ok(Scalar::Text(text)) => is_blank(&text),
        Ok(scalar) => matches!(scalar, Scalar::Null),
        Err(_) => false,
    }
}

/// Whether a text is nothing but white space.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// A value in an error: a scalar as it is written, and of others what they are.
pub fn shown(json: &str) -> &str {
    match json.as_bytes().first() {
        Some(b'{' | b'[') => kind_of(json),
        _ => json,
    }
}

/// A text from JSON, borrowed where it holds no escape.
pub(crate) struct Unescaped<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Unescaped<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Unescaped<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Unescaped(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Unescaped(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
