//! Fields of JSON objects, read with their paths, so that every error can say which field to mend.
//!
//! Values come from templates: a number or a flag may arrive as text.

use core::time::Duration;

use crate::error::{Error, excerpt};
use crate::json::{Json, Object};
use crate::time::parse_duration;
use plugpipe_metrics::registry::{Buckets, LabelName, Labels};

/// An object and the path under which a user knows it; an empty path for the top of `ctx`.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    map: &'a Object<'a>,
    path: &'a str,
}

impl<'a> Fields<'a> {
    /// The fields of `map`, known as `path`.
    pub fn new(map: &'a Object<'a>, path: &'a str) -> Self {
        Self { map, path }
    }

    /// The object itself.
    pub fn map(&self) -> &'a Object<'a> {
        self.map
    }

    /// The path of one field, for errors.
    pub fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The field, if it is there. Null counts as there.
    pub fn get(&self, key: &str) -> Option<&'a Json<'a>> {
        #[cfg(feature = "testing")]
        crate::known::asked::note(self.path, key);
        self.map.get(key)
    }

    /// Whether there is no field but these.
    pub fn has_only(&self, keys: &[&str]) -> bool {
        self.map.has_only(keys)
    }

    /// The field, if it is there and not null.
    pub fn some(&self, key: &str) -> Option<&'a Json<'a>> {
        self.get(key).filter(|value| **value != Json::Null)
    }

    /// The first of several names that is there and not null, with that name.
    pub fn any<'k>(&self, keys: &[&'k str]) -> Option<(&'k str, &'a Json<'a>)> {
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

    /// A flag that may be missing.
    pub fn flag_or(&self, key: &str, default: bool) -> Result<bool, Error> {
        let Some(value) = self.some(key) else { return Ok(default) };
        flag(value).ok_or_else(|| {
            let problem = format!("expected true or false, got {}", excerpt(&value.shown(), 100));
            Error::invalid(self.path(key), problem)
        })
    }

    /// A duration that may be missing: see [`crate::time::PrometheusDuration`].
    pub fn duration(&self, key: &str) -> Result<Option<Duration>, Error> {
        self.text_or_none(key, "a duration")?
            .map(|text| parse_duration(&text).map_err(|problem| Error::invalid(self.path(key), problem)))
            .transpose()
    }

    /// An object that may be missing.
    pub fn object(&self, key: &str) -> Result<Option<&'a Object<'a>>, Error> {
        match self.some(key) {
            None => Ok(None),
            Some(Json::Object(map)) => Ok(Some(map)),
            Some(other) => Err(Error::invalid(self.path(key), format!("expected an object, got {}", kind_of(other)))),
        }
    }

    /// Labels, which may be missing: an object of names and texts. Numbers and flags are taken as their text. With `utf8` a
    /// name may be any text.
    pub fn labels(&self, key: &str, utf8: bool) -> Result<Labels, Error> {
        let path = self.path(key);
        let Some(map) = self.object(key)? else { return Ok(Labels::default()) };
        let labels = map
            .iter()
            .map(|(name, value)| match scalar(value) {
                Some(text) => Ok((label_name(name, utf8, &path)?, text.into_boxed_str())),
                None => Err(Error::invalid(
                    format!("{path}.{}", excerpt(name, 100)),
                    format!("a label value is text, got {}", kind_of(value)),
                )),
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Labels::of(labels, &path)?)
    }
}

/// A label's name; with `utf8` it may be any text that does not begin with `__`.
pub fn label_name(name: &str, utf8: bool, path: &str) -> Result<LabelName, Error> {
    Ok(if utf8 { LabelName::new_utf8(name, path) } else { LabelName::new(name, path) }?)
}

/// A text, number or flag as text; none for anything else.
pub fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone().into_owned()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// A finite number, also from text. The error says what was expected.
pub fn number(value: &Json) -> Result<f64, String> {
    let number = match value {
        Json::Number(number) => number.as_f64(),
        // Rust reads `inf` and `nan` too; what is not finite is refused below.
        Json::String(text) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    match number {
        Some(number) if number.is_finite() => Ok(number),
        _ => Err(format!("expected a finite number, got {}", excerpt(&value.shown(), 100))),
    }
}

/// A flag, also from text.
pub fn flag(value: &Json) -> Option<bool> {
    match value {
        Json::Bool(flag) => Some(*flag),
        Json::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Json::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Bucket bounds: a list of numbers. A last `+Inf` may be written.
pub fn buckets(value: &Json, path: &str) -> Result<Buckets, Error> {
    let Json::Array(list) = value else {
        return Err(Error::invalid(path, format!("expected a list of numbers, got {}", kind_of(value))));
    };
    let bounds = list
        .iter()
        .enumerate()
        .map(|(index, bound)| match bound {
            Json::String(text) if matches!(text.trim(), "+Inf" | "Inf") && index + 1 == list.len() => Ok(f64::INFINITY),
            other => number(other).map_err(|problem| Error::invalid(format!("{path}[{index}]"), problem)),
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Buckets::new(&bounds, path)?)
}

/// What a value is, for errors.
pub fn kind_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a flag",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite_and_may_be_text() {
        let read = |text| number(&Json::parse(text).unwrap());
        assert_eq!(read("\" 45.2 \""), Ok(45.2));
        assert_eq!(read("3"), Ok(3.0));
        for text in ["\"abc\"", "\"NaN\"", "\"inf\"", "null", "[1]", "true", "\"\""] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn labels_take_scalars_and_refuse_the_rest() {
        let labels = |value: &str| {
            let text = format!("{{\"labels\": {value}}}");
            let Ok(Json::Object(map)) = Json::parse(&text) else { panic!("{text}") };
            Fields::new(&map, "").labels("labels", false)
        };
        assert_eq!(labels(r#"{"a": 1, "b": true}"#).unwrap().get("a"), Some("1"));
        assert_eq!(labels(r#"null"#).unwrap(), Labels::default());
        assert_eq!(labels(r#"{"a": null}"#).unwrap_err().field(), Some("labels.a"));
        assert_eq!(labels(r#"{"a": {}}"#).unwrap_err().field(), Some("labels.a"));
        assert_eq!(labels(r#"["a"]"#).unwrap_err().field(), Some("labels"));
    }

    #[test]
    fn an_infinite_bound_may_only_be_last() {
        let read = |text, path| buckets(&Json::parse(text).unwrap(), path);
        assert_eq!(read(r#"[1, "+Inf"]"#, "buckets").unwrap().bounds(), [1.0]);
        assert_eq!(read(r#"["+Inf", 1]"#, "buckets").unwrap_err().field(), Some("buckets[0]"));
        assert_eq!(read(r#"[1, "x"]"#, "b").unwrap_err().field(), Some("b[1]"));
    }
}
