//! Compound request values that serde cannot derive.

use core::fmt;
use core::marker::PhantomData;
use std::borrow::Cow;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::scalar::{Flag, FromJson};
use crate::written::{SCALAR_AS_WRITTEN, Unescaped, kind_of};

/// Name-value pairs in input order, duplicates included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<'de, T>(pub Vec<(Cow<'de, str>, T)>);

impl<T> Default for Named<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Named<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = Named<'de, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: de::MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::new();
                while let Some(Unescaped(name)) = map.next_key()? {
                    pairs.push((name, map.next_value()?));
                }
                Ok(Named(pairs))
            }

            fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Named::default())
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_map(self)
            }
        }
        deserializer.deserialize_option(Pairs(PhantomData))
    }
}

/// An object or a boolean: false disables it, true selects the default object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlagOr<T> {
    /// The flag.
    Flag(Flag),
    /// The object.
    Object(T),
}

impl<T> Default for FlagOr<T> {
    fn default() -> Self {
        Self::Flag(Flag::default())
    }
}

impl<T> FlagOr<T> {
    /// The object, or `default` if the flag is true or missing; `None` if the flag is false.
    pub fn or<'r>(&'r self, default: &'r T) -> Option<&'r T> {
        match self {
            Self::Flag(flag) => flag.or(true).then_some(default),
            Self::Object(object) => Some(object),
        }
    }

    /// The object, or `default` if the flag is true; `None` if the flag is false or missing.
    pub fn if_set<'r>(&'r self, default: &'r T) -> Option<&'r T> {
        match self {
            Self::Flag(flag) => flag.or(false).then_some(default),
            Self::Object(object) => Some(object),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for FlagOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = FlagOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean or an object")
            }

            fn visit_borrowed_str<E: de::Error>(self, json: &'de str) -> Result<Self::Value, E> {
                let wrong = |_| E::custom(format!("expected an object, true or false, got {}", kind_of(json)));
                Flag::from_json(json).map(FlagOr::Flag).map_err(wrong)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, object: D) -> Result<Self::Value, D::Error> {
                T::deserialize(object).map(FlagOr::Object)
            }
        }
        deserializer.deserialize_newtype_struct(SCALAR_AS_WRITTEN, Either(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;
    use crate::error::Error;
    use crate::scalar::{OneOrMany, Text, Whole};

    fn read<T: for<'de> Deserialize<'de>>(json: &str) -> Result<T, Error> {
        let text = format!(r#"{{"field": {json}}}"#);
        Document::parse(&text).unwrap().read_field("field").map(Option::unwrap)
    }

    #[test]
    fn a_flag_disables_an_object() {
        type Switched = FlagOr<OneOrNone>;
        #[derive(Debug, Default, PartialEq, serde::Deserialize)]
        #[serde(default)]
        struct OneOrNone {
            count: Whole,
        }
        let (default, given) = (OneOrNone::default(), OneOrNone { count: read("2").unwrap() });
        for (json, object, if_set) in [
            (r#"{"count": 2}"#, Some(&given), Some(&given)),
            ("{}", Some(&default), Some(&default)),
            ("true", Some(&default), Some(&default)),
            ("null", Some(&default), None),
            (r#""false""#, None, None),
        ] {
            let switched = read::<Switched>(json).unwrap();
            assert_eq!((switched.or(&default), switched.if_set(&default)), (object, if_set), "{json}");
        }
        assert_eq!(read::<Switched>("[1]").unwrap_err().field(), "field");
        assert_eq!(read::<Switched>(r#"{"count": -1}"#).unwrap_err().field(), "field.count");
    }

    #[test]
    fn named_values_keep_their_order() {
        let text = r#"{"named": {"b": ["1", 2], "a": "x", "\u0062": null}}"#;
        let named: Named<OneOrMany<Text>> = Document::parse(text).unwrap().read_field("named").unwrap().unwrap();
        let lengths: Vec<_> = named.0.iter().map(|(name, values)| (&**name, values.len())).collect();
        assert_eq!(lengths, [("b", 2), ("a", 1), ("b", 0)]);
    }
}
