//! Scalar values in requests. Templates, environment variables and people write numbers and booleans
//! as text, and text as numbers, so each type here converts between them.
//!
//! All of them are optional. Null counts as missing, and so does empty text, which templates
//! produce for unset variables.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;
use std::borrow::Cow;

use plugpipe_time::{PrometheusDuration, Timestamp};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, excerpt};
use crate::written::{AS_WRITTEN, SCALAR_AS_WRITTEN, Scalar, UNLESS_EMPTY, Unescaped, is_blank, kind_of, shown};

/// Reads a value from its JSON text.
pub(crate) trait FromJson<'de>: Sized {
    /// The error tells what was expected and what was found.
    fn from_json(json: &'de str) -> Result<Self, String>;
}

/// Deserializes `T` from its raw JSON text.
pub(crate) fn as_written<'de, D: Deserializer<'de>, T: FromJson<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Written<T>(PhantomData<T>);
    impl<'de, T: FromJson<'de>> Visitor<'de> for Written<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON value")
        }

        fn visit_borrowed_str<E: de::Error>(self, json: &'de str) -> Result<T, E> {
            T::from_json(json).map_err(E::custom)
        }

        /// From `serde_json` itself.
        fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
            let json: &RawValue = Deserialize::deserialize(deserializer)?;
            T::from_json(json.get()).map_err(de::Error::custom)
        }
    }
    deserializer.deserialize_newtype_struct(AS_WRITTEN, Written(PhantomData))
}

/// A type that is mostly given as text, so that it can be read without the raw JSON.
trait FromText<'de>: FromJson<'de> {
    fn from_scalar(scalar: Scalar<'de>) -> Option<Self>;
}

/// Like [`as_written`], but input from `serde_json` itself is read once instead of twice. Fractions
/// fail there, because their original text is lost.
fn text_as_written<'de, D: Deserializer<'de>, T: FromText<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Written<T>(PhantomData<T>);
    impl<'de, T: FromText<'de>> Visitor<'de> for Written<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }

        fn visit_borrowed_str<E: de::Error>(self, json: &'de str) -> Result<T, E> {
            T::from_json(json).map_err(E::custom)
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
            deserializer.deserialize_any(Direct(PhantomData))
        }
    }
    struct Direct<T>(PhantomData<T>);
    impl<T> Direct<T> {
        fn take<'de, E: de::Error>(scalar: Scalar<'de>) -> Result<T, E>
        where
            T: FromText<'de>,
        {
            T::from_scalar(scalar).ok_or_else(|| E::custom("expected text"))
        }
    }
    impl<'de, T: FromText<'de>> Visitor<'de> for Direct<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }

        fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<T, E> {
            Self::take(Scalar::Text(Cow::Borrowed(text)))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            Self::take(Scalar::Text(Cow::Owned(text.to_owned())))
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
            Self::take(Scalar::Text(Cow::Owned(number.to_string())))
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
            Self::take(Scalar::Text(Cow::Owned(number.to_string())))
        }

        fn visit_bool<E: de::Error>(self, flag: bool) -> Result<T, E> {
            Self::take(Scalar::Flag(flag))
        }

        fn visit_unit<E: de::Error>(self) -> Result<T, E> {
            Self::take(Scalar::Null)
        }
    }
    deserializer.deserialize_newtype_struct(AS_WRITTEN, Written(PhantomData))
}

/// Implements `Deserialize` for types read from their JSON text.
macro_rules! as_written_types {
    ($read:ident: $($name:ty),*) => {$(
        impl<'de: 'a, 'a> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $read(deserializer)
            }
        }
    )*};
}

pub(crate) use as_written_types;

as_written_types!(as_written: Number, MetricValue, Whole, Count, Flag, Duration, Any<'a>, Finite, Bound, Verbatim<'a>, Exact<'a>);
as_written_types!(text_as_written: Text<'a>, Moment<'a>, LabelValue<'a>);

/// A text; a number or a boolean counts as its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text<'de>(Option<Cow<'de, str>>);

impl<'de> FromJson<'de> for Text<'de> {
    #[inline]
    fn from_json(json: &'de str) -> Result<Self, String> {
        Self::from_scalar(Scalar::read(json)?).ok_or_else(|| format!("expected text, got {}", kind_of(json)))
    }
}

impl<'de> FromText<'de> for Text<'de> {
    #[inline]
    fn from_scalar(scalar: Scalar<'de>) -> Option<Self> {
        match scalar {
            Scalar::Null => Some(Self(None)),
            scalar => scalar.into_text().map(|text| Self(Some(text).filter(|text| !is_blank(text)))),
        }
    }
}

impl Text<'_> {
    /// The text, if there is one.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// A copy of the text, if there is one.
    pub fn to_owned(&self) -> Option<String> {
        self.get().map(str::to_owned)
    }

    /// The text, or an error that `field` is missing and needs `expected`.
    pub fn required(&self, field: &str, expected: &'static str) -> Result<&str, Error> {
        self.get().ok_or_else(|| Error::missing(field, expected))
    }
}

/// A text whose whitespace is significant, such as a password. A number or a boolean counts as its
/// text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exact<'de>(Option<Cow<'de, str>>);

impl<'de> FromJson<'de> for Exact<'de> {
    fn from_json(json: &'de str) -> Result<Self, String> {
        match Scalar::read(json)? {
            Scalar::Null => Ok(Self(None)),
            scalar => match scalar.into_text() {
                Some(text) => Ok(Self(Some(text).filter(|text| !text.is_empty()))),
                None => Err(format!("expected text, got {}", kind_of(json))),
            },
        }
    }
}

impl Exact<'_> {
    /// The text, if there is one.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// A finite number, which may be written as text.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Number(Option<f64>);

impl FromJson<'_> for Number {
    #[inline]
    fn from_json(json: &str) -> Result<Self, String> {
        finite(&Scalar::read(json)?, json).map(Self)
    }
}

#[inline]
fn finite(scalar: &Scalar, json: &str) -> Result<Option<f64>, String> {
    let number = match scalar {
        Scalar::Null => return Ok(None),
        Scalar::Number(number) => number.parse().ok(),
        // Rust also parses `inf` and `nan`; non-finite numbers are rejected below.
        Scalar::Text(text) => text.trim().parse::<f64>().ok(),
        Scalar::Flag(_) | Scalar::Compound => None,
    };
    match number {
        Some(number) if number.is_finite() => Ok(Some(number)),
        _ => Err(format!("expected a finite number, got {}", excerpt(shown(json), 100))),
    }
}

impl Number {
    /// The number, if there is one.
    pub fn get(self) -> Option<f64> {
        self.0
    }
}

/// A metric's value: a finite number, or true or false, which count as 1 and 0. Each may be written
/// as text.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MetricValue(Option<f64>);

impl FromJson<'_> for MetricValue {
    #[inline]
    fn from_json(json: &str) -> Result<Self, String> {
        let scalar = Scalar::read(json)?;
        finite(&scalar, json).map(Self).or_else(|error| match Flag::from_json(json) {
            Ok(Flag(Some(flag))) => Ok(Self(Some(f64::from(u8::from(flag))))),
            _ => Err(error),
        })
    }
}

impl MetricValue {
    /// The number, if there is one.
    pub fn get(self) -> Option<f64> {
        self.0
    }
}

/// A required finite number, which may be written as text: an item of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finite(pub f64);

impl FromJson<'_> for Finite {
    fn from_json(json: &str) -> Result<Self, String> {
        Number::from_json(json)?.get().map(Self).ok_or_else(|| "expected a finite number, got null".to_owned())
    }
}

/// A bucket's bound: a finite number, or the text `+Inf`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound(pub f64);

impl FromJson<'_> for Bound {
    fn from_json(json: &str) -> Result<Self, String> {
        match Scalar::read(json)? {
            Scalar::Text(text) if matches!(text.trim(), "+Inf" | "Inf") => Ok(Self(f64::INFINITY)),
            _ => Finite::from_json(json).map(|number| Self(number.0)),
        }
    }
}

/// A text that may be empty, taken verbatim: an item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verbatim<'de>(pub Cow<'de, str>);

impl<'de> FromJson<'de> for Verbatim<'de> {
    fn from_json(json: &'de str) -> Result<Self, String> {
        match Scalar::read(json)? {
            Scalar::Text(text) => Ok(Self(text)),
            _ => Err(format!("expected text, got {}", kind_of(json))),
        }
    }
}

/// A whole number from 0 to 4,000,000,000, which may be written as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Whole(Option<usize>);

impl FromJson<'_> for Whole {
    fn from_json(json: &str) -> Result<Self, String> {
        match Number::from_json(json)?.get() {
            None => Ok(Self(None)),
            Some(number) if number.trunc() == number && (0.0..=4e9).contains(&number) => {
                Ok(Self(Some(number as usize)))
            }
            Some(_) => Err(format!("expected a whole number, got {}", excerpt(shown(json), 100))),
        }
    }
}

impl Whole {
    /// The number, if there is one.
    pub fn get(self) -> Option<usize> {
        self.0
    }
}

/// A whole number of any size, such as an id, which may be written as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count(Option<u64>);

impl FromJson<'_> for Count {
    fn from_json(json: &str) -> Result<Self, String> {
        let wrong = || format!("expected a whole number, got {}", excerpt(shown(json), 100));
        let text = Text::from_json(json).map_err(|_| wrong())?;
        text.get().map(|text| text.trim().parse()).transpose().map(Self).map_err(|_| wrong())
    }
}

impl Count {
    /// The number, if there is one.
    pub fn get(self) -> Option<u64> {
        self.0
    }
}

/// True or false, which may be written as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flag(Option<bool>);

impl FromJson<'_> for Flag {
    fn from_json(json: &str) -> Result<Self, String> {
        match Scalar::read(json)? {
            Scalar::Null => Ok(Self(None)),
            Scalar::Flag(flag) => Ok(Self(Some(flag))),
            Scalar::Text(text) if text.trim().is_empty() => Ok(Self(None)),
            Scalar::Text(text) if text.trim().eq_ignore_ascii_case("true") => Ok(Self(Some(true))),
            Scalar::Text(text) if text.trim().eq_ignore_ascii_case("false") => Ok(Self(Some(false))),
            _ => Err(format!("expected true or false, got {}", excerpt(shown(json), 100))),
        }
    }
}

impl Flag {
    /// The flag, if there is one.
    pub fn get(self) -> Option<bool> {
        self.0
    }

    /// The flag, or `default` if it is missing.
    pub fn or(self, default: bool) -> bool {
        self.0.unwrap_or(default)
    }
}

/// A duration: see [`PrometheusDuration`]. A number is in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Duration(Option<PrometheusDuration>);

impl FromJson<'_> for Duration {
    fn from_json(json: &str) -> Result<Self, String> {
        match Text::from_json(json) {
            Err(_) => Err(format!("expected a duration, got {}", kind_of(json))),
            Ok(text) => text
                .get()
                .map(str::parse)
                .transpose()
                .map(Self)
                .map_err(|problem: plugpipe_time::WrongDuration| problem.to_string()),
        }
    }
}

impl Duration {
    /// The duration, if there is one.
    pub fn get(self) -> Option<core::time::Duration> {
        self.0.map(PrometheusDuration::get)
    }
}

/// A timestamp: see [`Timestamp::parse`]. It may be relative to now, so it is resolved later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moment<'de>(Text<'de>);

impl<'de> FromJson<'de> for Moment<'de> {
    fn from_json(json: &'de str) -> Result<Self, String> {
        Text::from_json(json)
            .map(Self)
            .map_err(|_| format!("expected a time such as 2024-01-01T00:00:00Z or now-1h, got {}", kind_of(json)))
    }
}

impl<'de> FromText<'de> for Moment<'de> {
    #[inline]
    fn from_scalar(scalar: Scalar<'de>) -> Option<Self> {
        Text::from_scalar(scalar).map(Self)
    }
}

impl Moment<'_> {
    /// Resolves the timestamp, if there is one; errors name `field`.
    pub fn at(&self, field: &str, now_unix_nanos: u64) -> Result<Option<Timestamp>, Error> {
        let read = |text| Timestamp::parse(text, Timestamp::from_unix_nanos(now_unix_nanos));
        self.0.get().map(read).transpose().map_err(|problem| Error::invalid(field, problem.to_string()))
    }

    /// Whether a timestamp is given.
    pub fn is_given(&self) -> bool {
        self.0.get().is_some()
    }
}

/// Any JSON value as raw text, to be passed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Any<'de>(Option<&'de str>);

/// Values nested deeper are rejected, because downstream parsers limit nesting too.
pub(crate) const MAX_DEPTH: usize = 120;

impl<'de> FromJson<'de> for Any<'de> {
    fn from_json(json: &'de str) -> Result<Self, String> {
        if json == "null" {
            return Ok(Self(None));
        }
        if is_deeper(json, MAX_DEPTH) {
            return Err(format!("expected lists and objects nested at most {MAX_DEPTH} deep"));
        }
        Ok(Self(Some(json)))
    }
}

impl<'de> Any<'de> {
    /// The JSON text, if the value is there and not null.
    pub fn get(self) -> Option<&'de str> {
        self.0
    }
}

/// Whether a valid JSON text nests lists and objects deeper than `max_depth`.
fn is_deeper(json: &str, max_depth: usize) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    json.bytes().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > max_depth
    })
}

/// One of a few words, the variants of the enum `T`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<T>(Option<T>);

impl<T> Default for Word<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Word<T> {
    /// The word, if there is one.
    pub fn get(self) -> Option<T> {
        self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Given<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Given<T> {
            type Value = Option<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word")
            }

            fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, word: D) -> Result<Self::Value, D::Error> {
                T::deserialize(word).map(Some)
            }
        }
        deserializer.deserialize_newtype_struct(UNLESS_EMPTY, Given(PhantomData)).map(Self)
    }
}

/// A text, or the same in parts as an object or a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextOr<'de, T> {
    /// The text.
    Text(Text<'de>),
    /// The object or the list.
    Parts(T),
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for TextOr<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = TextOr<'de, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or its parts")
            }

            fn visit_borrowed_str<E: de::Error>(self, json: &'de str) -> Result<Self::Value, E> {
                Text::from_json(json).map(TextOr::Text).map_err(E::custom)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, parts: D) -> Result<Self::Value, D::Error> {
                T::deserialize(parts).map(TextOr::Parts)
            }
        }
        deserializer.deserialize_newtype_struct(SCALAR_AS_WRITTEN, Either(PhantomData))
    }
}

/// A list; a single value counts as a list of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany<T>(Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<S: de::SeqAccess<'de>>(self, mut list: S) -> Result<Vec<T>, S::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(items)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, one: D) -> Result<Vec<T>, D::Error> {
                let one: Option<T> = Deserialize::deserialize(one)?;
                Ok(one.into_iter().collect())
            }
        }
        deserializer.deserialize_any(Items(PhantomData)).map(Self)
    }
}

/// String pairs: labels, annotations, headers. Numbers and booleans count as their text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels<'de> {
    pairs: Vec<(Cow<'de, str>, Cow<'de, str>)>,
}

impl Labels<'_> {
    /// Names and values in input order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.pairs.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Labels<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Labels<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of names and texts")
            }

            fn visit_map<M: de::MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or_default());
                while let Some(Unescaped(name)) = map.next_key()? {
                    let LabelValue(value) = map.next_value()?;
                    pairs.push((name, value));
                }
                Ok(Labels { pairs })
            }

            fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Labels::default())
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_map(self)
            }
        }
        deserializer.deserialize_option(Pairs)
    }
}

/// A label's value: a text, which may be empty. A number or a boolean counts as its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelValue<'de>(pub Cow<'de, str>);

impl<'de> FromJson<'de> for LabelValue<'de> {
    #[inline]
    fn from_json(json: &'de str) -> Result<Self, String> {
        Self::from_scalar(Scalar::read(json)?).ok_or_else(|| format!("expected text, got {}", kind_of(json)))
    }
}

impl<'de> FromText<'de> for LabelValue<'de> {
    #[inline]
    fn from_scalar(scalar: Scalar<'de>) -> Option<Self> {
        scalar.into_text().map(Self)
    }
}

#[cfg(test)]
mod tests;
