//! Python objects to JSON, and JSON to Python objects, each in one pass.
//!
//! | Python | JSON |
//! |---|---|
//! | `None`, `bool`, `int`, `str` | the same |
//! | `float` | a number; NaN and infinities as text, which JSON has no number for |
//! | mappings | objects, their keys as text |
//! | `list`, `tuple`, `set`, `frozenset` | arrays |
//! | anything else, such as a `datetime` or a `Decimal` | its `str()` |

use std::collections::HashMap;
use std::ffi::c_char;
use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping, PySet, PyString, PyTuple};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::value::RawValue;

/// How deep containers may nest: as deep as `serde_json` reads.
const MAX_DEPTH: usize = 127;

unsafe extern "C" {
    /// In every Python 3; pyo3 has it only where it is in the stable interface, which is from 3.10
    /// on.
    fn PyUnicode_AsUTF8AndSize(text: *mut ffi::PyObject, length: *mut ffi::Py_ssize_t) -> *const c_char;
}

/// Ends the name of a place in an error.
const PLACE: char = '\u{1}';

/// A Python object as JSON text.
///
/// # Errors
/// If it nests too deep, or holds text that is not Unicode. The error begins with a path, which is
/// empty for the object itself.
pub(crate) fn to_json(value: &Bound<'_, PyAny>) -> Result<String, String> {
    let mut json = Vec::with_capacity(256);
    let written = serde_json::to_writer(&mut json, &AsJson { value, depth: 0 });
    written.map_err(|error| match error.to_string().rsplit_once(PLACE) {
        Some((places, problem)) => format!("{}: {problem}", places.replace(PLACE, ".")),
        None => format!(": {error}"),
    })?;
    // `serde_json` writes UTF-8 only.
    String::from_utf8(json).map_err(|error| error.to_string())
}

/// JSON text as a Python object; none if it is not JSON.
pub(crate) fn from_json<'py>(py: Python<'py>, json: &str) -> Option<Bound<'py, PyAny>> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let value = AsPython(py).deserialize(&mut reader).ok()?;
    reader.end().ok().map(|()| value)
}

/// The text of a `str`.
///
/// # Errors
/// If it holds a lone surrogate.
pub(crate) fn text<'a>(text: &'a Bound<'_, PyString>) -> PyResult<&'a str> {
    let mut length: ffi::Py_ssize_t = 0;
    // SAFETY: `text` is a `str`. What is returned belongs to it and stays as it is: a `str` does not
    // change. The length is written where there is no error.
    let bytes = unsafe {
        let start = PyUnicode_AsUTF8AndSize(text.as_ptr(), &raw mut length);
        if start.is_null() {
            return Err(PyErr::fetch(text.py()));
        }
        std::slice::from_raw_parts(start.cast::<u8>(), usize::try_from(length).unwrap_or_default())
    };
    // SAFETY: Python encodes in UTF-8, and rejects what cannot be encoded.
    Ok(unsafe { std::str::from_utf8_unchecked(bytes) })
}

/// Any object's text: a `str` itself, else its `str()`.
pub(crate) fn str_of(value: &Bound<'_, PyAny>) -> PyResult<String> {
    match value.cast::<PyString>() {
        Ok(own) => text(own).map(str::to_owned),
        Err(_) => text(&value.str()?).map(str::to_owned),
    }
}

struct AsJson<'a, 'py> {
    value: &'a Bound<'py, PyAny>,
    depth: usize,
}

impl<'py> AsJson<'_, 'py> {
    fn items<S: Serializer>(
        &self,
        serializer: S,
        length: usize,
        items: impl Iterator<Item = Bound<'py, PyAny>>,
    ) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(length))?;
        for (index, item) in items.enumerate() {
            let written = list.serialize_element(&AsJson { value: &item, depth: self.depth + 1 });
            written.map_err(|error| at(&index, error))?;
        }
        list.end()
    }

    fn entries<S: Serializer>(
        &self,
        serializer: S,
        entries: impl Iterator<Item = (Bound<'py, PyAny>, Bound<'py, PyAny>)>,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in entries {
            let value = AsJson { value: &value, depth: self.depth + 1 };
            match key.cast::<PyString>() {
                Ok(key) => {
                    let key = text(key).map_err(S::Error::custom)?;
                    map.serialize_entry(key, &value).map_err(|error| at(&key, error))?;
                }
                Err(_) => {
                    let key = str_of(&key).map_err(S::Error::custom)?;
                    map.serialize_entry(&key, &value).map_err(|error| at(&key, error))?;
                }
            }
        }
        map.end()
    }

    /// What is none of the types that nearly every value has.
    fn rare<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.value;
        if let Ok(tuple) = value.cast::<PyTuple>() {
            return self.items(serializer, tuple.len(), tuple.iter());
        }
        if let Ok(set) = value.cast::<PySet>() {
            return self.items(serializer, set.len(), set.iter());
        }
        if let Ok(set) = value.cast::<PyFrozenSet>() {
            return self.items(serializer, set.len(), set.iter());
        }
        if let Ok(mapping) = value.cast::<PyMapping>() {
            let copy = PyDict::new(value.py());
            copy.update(mapping).map_err(S::Error::custom)?;
            return self.entries(serializer, copy.iter());
        }
        serializer.serialize_str(&str_of(value).map_err(S::Error::custom)?)
    }
}

impl Serialize for AsJson<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.value;
        if let Ok(own) = value.cast::<PyString>() {
            return serializer.serialize_str(text(own).map_err(S::Error::custom)?);
        }
        if self.depth > MAX_DEPTH {
            return Err(S::Error::custom(format!("expected at most {MAX_DEPTH} levels of lists and mappings")));
        }
        if let Ok(dict) = value.cast::<PyDict>() {
            return self.entries(serializer, dict.iter());
        }
        if let Ok(number) = value.cast::<PyFloat>() {
            let number = number.value();
            return match number.is_finite() {
                true => serializer.serialize_f64(number),
                false if number.is_nan() => serializer.serialize_str("NaN"),
                false => serializer.serialize_str(if number > 0.0 { "+Inf" } else { "-Inf" }),
            };
        }
        // Before int, of which it is a subclass.
        if let Ok(own) = value.cast::<PyBool>() {
            return serializer.serialize_bool(own.is_true());
        }
        if let Ok(number) = value.cast::<PyInt>() {
            return match number.extract::<i64>() {
                Ok(number) => serializer.serialize_i64(number),
                Err(_) => integer(number, serializer),
            };
        }
        if value.is_none() {
            return serializer.serialize_unit();
        }
        match value.cast::<PyList>() {
            Ok(list) => self.items(serializer, list.len(), list.iter()),
            Err(_) => self.rare(serializer),
        }
    }
}

/// An integer of any size, in its digits.
fn integer<S: Serializer>(number: &Bound<'_, PyInt>, serializer: S) -> Result<S::Ok, S::Error> {
    let py = number.py();
    // Not `str()`, which a subclass such as an enum overrides.
    let digits = py.get_type::<PyInt>().call_method1("__repr__", (number,)).and_then(|digits| str_of(&digits));
    let digits = digits.map_err(S::Error::custom)?;
    RawValue::from_string(digits).map_err(S::Error::custom)?.serialize(serializer)
}

/// An error with the place where it is.
fn at<E: serde::ser::Error>(place: &dyn fmt::Display, error: E) -> E {
    E::custom(format_args!("{place}{PLACE}{error}"))
}

/// Reads any JSON value as a Python object.
#[derive(Clone, Copy)]
struct AsPython<'py>(Python<'py>);

impl<'de, 'py> DeserializeSeed<'de> for AsPython<'py> {
    type Value = Bound<'py, PyAny>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, 'py> Visitor<'de> for AsPython<'py> {
    type Value = Bound<'py, PyAny>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(self.0.None().into_bound(self.0))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(PyBool::new(self.0, value).to_owned().into_any())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        let Ok(number) = value.into_pyobject(self.0);
        Ok(number.into_any())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        let Ok(number) = value.into_pyobject(self.0);
        Ok(number.into_any())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(PyFloat::new(self.0, value).into_any())
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(PyString::new(self.0, value).into_any())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let list = PyList::empty(self.0);
        while let Some(item) = items.next_element_seed(self)? {
            list.append(item).map_err(serde::de::Error::custom)?;
        }
        Ok(list.into_any())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let dict = PyDict::new(self.0);
        while let Some(key) = entries.next_key_seed(AsKey(self.0))? {
            dict.set_item(key, entries.next_value_seed(self)?).map_err(serde::de::Error::custom)?;
        }
        Ok(dict.into_any())
    }
}

/// Keys of earlier responses, since most have the same ones: Python then makes no text, and
/// computes no hash, that it has already. Locked for moments, and only by threads that hold the
/// interpreter's lock: so it is free in the child of a fork.
static KEYS: LazyLock<Mutex<HashMap<Box<str>, Py<PyString>>>> = LazyLock::new(Mutex::default);

/// Labels' names are keys too, and a caller may make up any number.
const MAX_KEYS: usize = 1_024;
const MAX_KEY_LEN: usize = 64;

/// Reads the key of an object.
#[derive(Clone, Copy)]
struct AsKey<'py>(Python<'py>);

impl<'de, 'py> DeserializeSeed<'de> for AsKey<'py> {
    type Value = Bound<'py, PyString>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'py> Visitor<'_> for AsKey<'py> {
    type Value = Bound<'py, PyString>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        if key.len() > MAX_KEY_LEN {
            return Ok(PyString::new(self.0, key));
        }
        let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = keys.get(key) {
            return Ok(known.bind(self.0).clone());
        }
        let new = PyString::new(self.0, key);
        if keys.len() < MAX_KEYS {
            keys.insert(key.into(), new.clone().unbind());
        }
        Ok(new)
    }
}

/// An error for a value that a constructor cannot take.
pub(crate) fn invalid(what: &str, problem: impl fmt::Display) -> PyErr {
    PyValueError::new_err(format!("{what}: {problem}"))
}
