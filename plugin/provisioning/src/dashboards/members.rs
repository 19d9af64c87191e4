//! What is read of free-form JSON objects, where any member may be missing or something else.

use serde_json::Value;

/// The members of an object, sorted by their names.
pub type Map = serde_json::Map<String, Value>;

/// Members by name and type.
pub trait Members {
    /// The value of that name, if it is there and not null.
    fn some(&self, name: &str) -> Option<&Value>;

    /// The text of that name, if it is one that is not blank.
    fn text(&self, name: &str) -> Option<&str>;

    /// The object of that name.
    fn map(&self, name: &str) -> Option<&Map>;

    /// The items of the list of that name; none of them where there is no list.
    fn list(&self, name: &str) -> &[Value];

    /// The objects among those items.
    fn maps(&self, name: &str) -> impl Iterator<Item = &Map> {
        self.list(name).iter().filter_map(Value::as_object)
    }

    /// Puts a value under that name.
    fn set(&mut self, name: &str, value: impl Into<Value>);

    /// Puts a value under that name, where there is none or null.
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

/// An object as text.
pub fn to_json(map: &Map) -> String {
    // Its names are texts, so that nothing of it can fail.
    serde_json::to_string(map).unwrap_or_default()
}
