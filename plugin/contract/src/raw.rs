//! Lists and objects of servers' responses that are passed on verbatim.
//!
//! Each is one text, however many items it has: a box for each item of a list such as `[0,0,…]`
//! would take twenty times the memory of the response.

use core::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A JSON list, and how many items it has.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct RawList {
    json: Box<RawValue>,
    #[serde(skip)]
    len: usize,
}

/// A JSON object.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct RawObject(Box<RawValue>);

impl RawList {
    /// How many items there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Default for RawList {
    fn default() -> Self {
        // `[]` is JSON, so this is never the other value.
        Self { json: serde_json::value::to_raw_value(&[(); 0]).unwrap_or_default(), len: 0 }
    }
}

impl Default for RawObject {
    fn default() -> Self {
        let empty = serde_json::Map::new();
        Self(serde_json::value::to_raw_value(&empty).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for RawList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let len = serde_json::Deserializer::from_str(json.get()).deserialize_seq(Count).map_err(D::Error::custom)?;
        Ok(Self { json, len })
    }
}

impl<'de> Deserialize<'de> for RawObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        serde_json::Deserializer::from_str(json.get()).deserialize_map(Members).map_err(D::Error::custom)?;
        Ok(Self(json))
    }
}

struct Count;

impl<'de> Visitor<'de> for Count {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<usize, A::Error> {
        let mut len = 0;
        while items.next_element::<IgnoredAny>()?.is_some() {
            len += 1;
        }
        Ok(len)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for RawList {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RawList".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<RawObject>::json_schema(generator)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for RawObject {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RawObject".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        serde_json::Map::<String, serde_json::Value>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_objects_are_passed_on_as_they_came() {
        let list: RawList = serde_json::from_str(r#"[1.50, {"a": []} ,null]"#).unwrap();
        assert_eq!((list.len(), list.is_empty()), (3, false));
        assert_eq!(serde_json::to_string(&list).unwrap(), r#"[1.50, {"a": []} ,null]"#);
        let object: RawObject = serde_json::from_str(r#"{"a": 1e0, "a": 2}"#).unwrap();
        assert_eq!(serde_json::to_string(&object).unwrap(), r#"{"a": 1e0, "a": 2}"#);
        let empty = (RawList::default(), RawObject::default());
        assert_eq!(serde_json::to_string(&empty).unwrap(), "[[],{}]");
    }

    #[test]
    fn other_values_are_rejected() {
        for text in ["{}", "1", "null", "\"[]\"", "[1", "[1,]"] {
            assert!(serde_json::from_str::<RawList>(text).is_err(), "{text}");
        }
        for text in ["[]", "1", "null", "{\"a\"}"] {
            assert!(serde_json::from_str::<RawObject>(text).is_err(), "{text}");
        }
    }
}
