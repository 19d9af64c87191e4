//! One-pass deserialization of a struct that reports only success or failure.

use core::fmt::{self, Display};

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::written::Unescaped;
use std::borrow::Cow;

/// Reads an object that has only fields of `T`, each at most once and valid. For any other input,
/// parse a [`Document`](crate::document::Document), which reports errors and warnings.
///
/// With `serde_json` alone, every other input would pay for formatting an error that lists all
/// fields.
pub fn read_directly<'de, T: Deserialize<'de>>(text: &'de str) -> Option<T> {
    let mut json = serde_json::Deserializer::from_str(text);
    let read = T::deserialize(Direct(&mut json)).ok()?;
    json.end().ok().map(|()| read)
}

/// Deserialization failed; no details are kept.
#[derive(Debug)]
struct Failed;

impl Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deserialization failed")
    }
}

impl core::error::Error for Failed {}

impl de::Error for Failed {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self
    }
}

/// Deserializes a struct with [`Failed`] as its error type; its values go to `serde_json` directly.
struct Direct<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Direct<D> {
    type Error = Failed;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Failed> {
        Err(Failed)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        self.0.deserialize_map(Struct(visitor)).map_err(|_| Failed)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Struct<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Struct<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<M: de::MapAccess<'de>>(self, map: M) -> Result<V::Value, M::Error> {
        self.0.visit_map(Members(map)).map_err(de::Error::custom)
    }
}

struct Members<M>(M);

impl<'de, M: de::MapAccess<'de>> de::MapAccess<'de> for Members<M> {
    type Error = Failed;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failed> {
        // Read the key as text first: derived code would format an error of the inner
        // deserializer's type.
        match self.0.next_key() {
            Ok(Some(Unescaped(Cow::Borrowed(name)))) => seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some),
            Ok(Some(Unescaped(Cow::Owned(name)))) => seed.deserialize(name.into_deserializer()).map(Some),
            Ok(None) => Ok(None),
            Err(_) => Err(Failed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failed> {
        self.0.next_value_seed(seed).map_err(|_| Failed)
    }
}
