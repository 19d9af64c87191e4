//! Access to free-form JSON objects, where any member may be missing or of another type.

use serde_json::Value;

/// An object, sorted by member name.
pub type Map = serde_json::Map<String, Value>;

/// Typed access to members.
pub trait Members {
    /// The value, unless missing or null.
    fn some(&self, name: &str) -> Option<&Value>;

    /// The string, unless missing or blank.
    fn text(&self, name: &str) -> Option<&str>;

    /// The object, if it is one.
    fn map(&self, name: &str) -> Option<&Map>;

    /// The items of the list; empty if it is not one.
    fn list(&self, name: &str) -> &[Value];

    /// The objects in the list.
    fn maps(&self, name: &str) -> impl Iterator<Item = &Map> {
        self.list(name).iter().filter_map(Value::as_object)
    }

    /// Sets a member.
    fn set(&mut self, name: &str, value: impl Into<Value>);

    /// Sets a member if it is missing or null.
    fn set_default(&mut self, name: &str, value: impl Into<Value>) {
        if self.some(name).is_none() {
            self.set(name, value);
        }
    }
}

impl Members for Map {
    fn some(&self, name: &str) -> Option<&Value> {
        self.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    }

    fn map(&self, name: &str) -> Option<&Map> {
        self.get(name).and_then(Value::as_object)
    }

    fn list(&self, name: &str) -> &[Value] {
        self.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.insert(name.to_owned(), value.into());
    }
}

/// Serializes an object.
pub fn to_json(map: &Map) -> String {
    // Cannot fail: all keys are strings.
    serde_json::to_string(map).unwrap_or_default()
}
