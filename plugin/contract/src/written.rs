//! Inspection of raw JSON text.

use core::fmt;
use std::borrow::Cow;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// The name of a newtype around raw JSON text: for numbers whose text matters, and for parts that
/// are passed on.
pub(crate) const AS_WRITTEN: &str = "plugpipe::as-written";

/// The name of a newtype around a setting, which is `None` if null or empty text.
pub(crate) const SETTING: &str = "plugpipe::setting";

/// The name of a newtype whose content is `None` if the value is null or empty text.
pub(crate) const UNLESS_EMPTY: &str = "plugpipe::unless-empty";

/// The name of a newtype around raw JSON text, unless it is a list or an object.
pub(crate) const SCALAR_AS_WRITTEN: &str = "plugpipe::scalar-as-written";

/// A JSON value as a scalar.
pub(crate) enum Scalar<'de> {
    Null,
    Flag(bool),
    /// The raw text of the number.
    Number(&'de str),
    Text(Cow<'de, str>),
    /// A list or an object.
    Compound,
}

impl<'de> Scalar<'de> {
    /// Reads a valid JSON text. Only an unpaired surrogate escape can still fail.
    #[inline]
    pub(crate) fn read(json: &'de str) -> Result<Self, String> {
        Ok(match json.as_bytes().first() {
            Some(b'"') => {
                let text: Result<Unescaped, _> = serde_json::from_str(json);
                Self::Text(text.map_err(|problem| format!("expected text, got an invalid escape: {problem}"))?.0)
            }
            Some(b'{' | b'[') => Self::Compound,
            Some(b'n') | None => Self::Null,
            Some(b't') => Self::Flag(true),
            Some(b'f') => Self::Flag(false),
            Some(_) => Self::Number(json),
        })
    }

    /// The scalar as text; `None` for a list, an object or null.
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

/// The kind of a JSON value, for errors.
pub fn kind_of(json: &str) -> &'static str {
    match json.trim_start().as_bytes().first() {
        Some(b'"') => "text",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') | None => "null",
        Some(_) => "a number",
    }
}

/// The same of a value that was parsed.
pub fn kind_of_value(value: &serde_json::Value) -> &'static str {
    use serde_json::Value;
    match value {
        Value::String(_) => "text",
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::Bool(_) => "a boolean",
        Value::Null => "null",
        Value::Number(_) => "a number",
    }
}

/// Whether a value counts as missing: null, or only whitespace.
pub(crate) fn is_empty(json: &str) -> bool {
    match Scalar::read(json) {
        Ok(Scalar::Text(text)) => is_blank(&text),
        Ok(scalar) => matches!(scalar, Scalar::Null),
        Err(_) => false,
    }
}

/// Whether a text is empty or only whitespace.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// A value for an error: a scalar verbatim, the kind of anything else.
pub fn shown(json: &str) -> &str {
    match json.as_bytes().first() {
        Some(b'{' | b'[') => kind_of(json),
        _ => json,
    }
}

/// A JSON string, borrowed if it has no escapes.
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
