//! A value of the grants file with its path, which begins each error.

use plugpipe_yaml::nearest;
use plugpipe_yaml::shape::{self, joined};
use serde_json::{Map, Value};

/// A value and its path in the file.
pub(super) struct Place<'v> {
    pub(super) path: String,
    pub(super) value: &'v Value,
}

/// A map with known keys.
pub(super) struct Table<'v> {
    pub(super) path: String,
    map: &'v Map<String, Value>,
}

impl<'v> Place<'v> {
    /// An error with the value's path and text. Not for secrets.
    pub(super) fn error(&self, problem: &str) -> String {
        format!("{}: {} {problem}", self.path, described(self.value))
    }

    pub(super) fn text(&self) -> Result<&'v str, String> {
        self.value.as_str().filter(|text| !text.is_empty()).ok_or_else(|| self.error("expected a string"))
    }

    pub(super) fn parsed<T: std::str::FromStr<Err = String>>(&self) -> Result<T, String> {
        self.text()?.parse().map_err(|problem| format!("{}: {problem}", self.path))
    }

    pub(super) fn map(&self) -> Result<&'v Map<String, Value>, String> {
        let place = if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) };
        self.value.as_object().ok_or_else(|| format!("{place}expected a map"))
    }

    /// The map; other keys than these are errors.
    pub(super) fn table(&self, keys: &shape::Table) -> Result<Table<'v>, String> {
        let map = self.map()?;
        if let Some(key) = map.keys().find(|key| !keys.knows(key)) {
            let place = joined(&self.path, key);
            let names: Vec<&str> = keys.names().collect();
            let nearest = nearest(key, names.iter().copied());
            let advice = if nearest.is_empty() { format!("; expected one of {}", names.join(", ")) } else { nearest };
            return Err(format!("{place}: unknown key{advice}"));
        }
        Ok(Table { path: self.path.clone(), map })
    }

    /// The entries of a map with arbitrary names.
    pub(super) fn named(&self) -> Result<Vec<(&'v str, Place<'v>)>, String> {
        let place = |key: &'v String, value| (key.as_str(), Place { path: joined(&self.path, key), value });
        Ok(self.map()?.iter().map(|(key, value)| place(key, value)).collect())
    }

    pub(super) fn items(&self) -> Result<Vec<Place<'v>>, String> {
        let list = self.value.as_array().ok_or_else(|| format!("{}: expected a list", self.path))?;
        let place = |(index, value)| Place { path: format!("{}[{index}]", self.path), value };
        Ok(list.iter().enumerate().map(place).collect())
    }

    pub(super) fn one_or_many(&self) -> Result<Vec<Place<'v>>, String> {
        if self.value.is_array() {
            self.items()
        } else {
            Ok(vec![Place { path: self.path.clone(), value: self.value }])
        }
    }
}

impl<'v> Table<'v> {
    /// The value of a key; null counts as missing.
    pub(super) fn get(&self, key: &str) -> Option<Place<'v>> {
        let value = self.map.get(key).filter(|value| !value.is_null())?;
        Some(Place { path: joined(&self.path, key), value })
    }

    pub(super) fn required(&self, key: &str) -> Result<Place<'v>, String> {
        self.get(key).ok_or_else(|| format!("{}: {key} is missing", self.path))
    }

    pub(super) fn list(&self, key: &str) -> Result<Vec<Place<'v>>, String> {
        self.get(key).map_or(Ok(Vec::new()), |place| place.items())
    }
}

fn described(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a map".into(),
        plain => plain.to_string().chars().take(80).collect(),
    }
}
