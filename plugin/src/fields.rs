//! Fields of JSON objects, read with their paths, so that every error can say which field to mend.
//!
//! Values come from templates: a number or a flag may arrive as text.

use serde_json::{Map, Value};

use crate::error::{Error, excerpt};
use crate::registry::{Buckets, Labels};

/// An object and the path under which a user knows it; an empty path for the top of `ctx`.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: &'a str,
}

impl<'a> Fields<'a> {
    /// The fields of `map`, known as `path`.
    pub fn new(map: &'a Map<String, Value>, path: &'a str) -> Self {
        Self { map, path }
    }

    /// The path of one field, for errors.
    pub fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The field, if it is there. Null counts as there.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key)
    }

    /// The field, if it is there and not null.
    pub fn some(&self, key: &str) -> Option<&'a Value> {
        self.get(key).filter(|value| !value.is_null())
    }

    /// The first of several names that is there and not null, with that name.
    pub fn any<'k>(&self, keys: &[&'k str]) -> Option<(&'k str, &'a Value)> {
        keys.iter().find_map(|key| self.some(key).map(|value| (*key, value)))
    }

    /// A text that must be there and not empty. A number or flag is taken as its text.
    pub fn text(&self, key: &str, expected: &'static str) -> Result<String, Error> {
        self.text_or_none(key, expected)?.ok_or_else(|| Error::Missing { field: self.path(key), expected })
    }

    /// A text that may be missing; an empty one counts as missing.
    pub fn text_or_none(&self, key: &str, expected: &'static str) -> Result<Option<String>, Error> {
        let Some(value) = self.some(key) else { return Ok(None) };
        match scalar(value) {
            Some(text) if text.trim().is_empty() => Ok(None),
            Some(text) => Ok(Some(text)),
            None => Err(Error::invalid(self.path(key), format!("expected {expected}, got {}", kind_of(value)))),
        }
    }

    /// An object that may be missing.
    pub fn object(&self, key: &str) -> Result<Option<&'a Map<String, Value>>, Error> {
        match self.some(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => Err(Error::invalid(self.path(key), format!("expected an object, got {}", kind_of(other)))),
        }
    }

    /// Labels, which may be missing: an object of names and texts. Numbers and flags are taken as their text.
    pub fn labels(&self, key: &str) -> Result<Labels, Error> {
        let path = self.path(key);
        let Some(map) = self.object(key)? else { return Ok(Labels::default()) };
        let pairs = map
            .iter()
            .map(|(name, value)| match scalar(value) {
                Some(text) => Ok((name.as_str(), text)),
                None => Err(Error::invalid(
                    format!("{path}.{}", excerpt(name, 100)),
                    format!("a label value is text, got {}", kind_of(value)),
                )),
            })
            .collect::<Result<Vec<_>, _>>()?;
        Labels::new(pairs.iter().map(|(name, text)| (*name, text.as_str())), &path)
    }
}

/// A text, number or flag as text; none for anything else.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A finite number, also from text. The error says what was expected.
pub fn number(value: &Value) -> Result<f64, String> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        // Rust reads `inf` and `nan` too; what is not finite is refused below.
        Value::String(text) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    match number {
        Some(number) if number.is_finite() => Ok(number),
        _ => Err(format!("expected a finite number, got {}", excerpt(&value.to_string(), 100))),
    }
}

/// A number for an answer: a whole one without a point, as callers write them. What JSON cannot say becomes its text.
pub fn told(number: f64) -> Value {
    // Up to here every whole double is itself and no rounding of another.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if number.trunc() == number && number.abs() < WHOLE {
        return Value::from(number as i64);
    }
    serde_json::Number::from_f64(number).map_or_else(|| Value::from(number.to_string()), Value::Number)
}

/// A flag, also from text.
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Bucket bounds: a list of numbers. A last `+Inf` may be written.
pub fn buckets(value: &Value, path: &str) -> Result<Buckets, Error> {
    let Value::Array(list) = value else {
        return Err(Error::invalid(path, format!("expected a list of numbers, got {}", kind_of(value))));
    };
    let bounds = list
        .iter()
        .enumerate()
        .map(|(index, bound)| match bound {
            Value::String(text) if matches!(text.trim(), "+Inf" | "Inf") && index + 1 == list.len() => {
                Ok(f64::INFINITY)
            }
            other => number(other).map_err(|problem| Error::invalid(format!("{path}[{index}]"), problem)),
        })
        .collect::<Result<Vec<_>, _>>()?;
    Buckets::new(&bounds, path)
}

/// What a value is, for errors.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a flag",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_finite_and_may_be_text() {
        assert_eq!(number(&json!(" 45.2 ")), Ok(45.2));
        assert_eq!(number(&json!(3)), Ok(3.0));
        for value in [json!("abc"), json!("NaN"), json!("inf"), json!(null), json!([1]), json!(true), json!("")] {
            assert!(number(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn whole_numbers_are_told_without_a_point() {
        assert_eq!(told(3.0).to_string(), "3");
        assert_eq!(told(-0.5).to_string(), "-0.5");
        assert_eq!(told(1e300).to_string(), "1e300");
        assert_eq!(told(f64::INFINITY), json!("inf"));
    }

    #[test]
    fn labels_take_scalars_and_refuse_the_rest() {
        let labels = |value: Value| {
            let map = json!({ "labels": value });
            Fields::new(map.as_object().unwrap(), "").labels("labels")
        };
        assert_eq!(labels(json!({"a": 1, "b": true})).unwrap().get("a"), Some("1"));
        assert_eq!(labels(json!(null)).unwrap(), Labels::default());
        assert_eq!(labels(json!({"a": null})).unwrap_err().field(), Some("labels.a"));
        assert_eq!(labels(json!({"a": {}})).unwrap_err().field(), Some("labels.a"));
        assert_eq!(labels(json!(["a"])).unwrap_err().field(), Some("labels"));
    }

    #[test]
    fn an_infinite_bound_may_only_be_last() {
        assert_eq!(buckets(&json!([1, "+Inf"]), "buckets").unwrap().bounds(), [1.0]);
        assert_eq!(buckets(&json!(["+Inf", 1]), "buckets").unwrap_err().field(), Some("buckets[0]"));
        assert_eq!(buckets(&json!([1, "x"]), "b").unwrap_err().field(), Some("b[1]"));
    }
}
