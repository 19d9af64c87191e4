//! Request parsing: splits one JSON object into raw members, then reads structs from them.
//!
//! `serde_json` splits the text into members, level by level, and serde's derived code builds
//! structs from them. `Value`, the deserializer in between, adds field paths to errors, warnings
//! about unknown fields (with a suggestion), and the original text of numbers.

use core::cell::{Cell, RefCell};
use core::fmt;
use core::marker::PhantomData;
use std::borrow::Cow;

use serde::de::value::{BorrowedStrDeserializer, U64Deserializer};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;

use crate::error::{Error, excerpt};
use crate::known::{Warnings, nearest};
use crate::scalar::Any;
use crate::written::{self, AS_WRITTEN, SCALAR_AS_WRITTEN, SETTING, Scalar, UNLESS_EMPTY, Unescaped};

/// The error for a setting that still contains an environment variable reference.
pub const NOT_REPLACED: &str =
    "contains a ${NAME} that the host did not replace; hosts replace only granted names, and only in the configuration";

/// A JSON object whose members are unparsed text. The last of duplicate members wins.
#[derive(Debug, Default)]
pub struct Document<'de> {
    /// The object's path in warnings; empty for a request.
    path: &'static str,
    members: Vec<Member<'de>>,
    /// Whether settings may contain `${NAME}`.
    keeps_references: Cell<bool>,
    /// Members that were ignored or may be misread.
    warnings: RefCell<Warnings>,
}

/// A member's name and its raw JSON text.
type Member<'de> = (Cow<'de, str>, &'de str);

impl<'de> Document<'de> {
    /// Splits a request into members. The error says what was found instead of an object, and
    /// where.
    pub fn parse(text: &'de str) -> Result<Self, String> {
        Self::parse_at("", text)
    }

    /// Like [`Document::parse`], for an object at `path`, which warnings name.
    pub fn parse_at(path: &'static str, text: &'de str) -> Result<Self, String> {
        members(text).map(|members| Self { path, members, ..Self::default() })
    }

    /// Splits a part of a request that must be an object; errors name `path`.
    pub fn of(part: Any<'de>, path: &str) -> Result<Self, Error> {
        let text = part.get().unwrap_or("null");
        if !text.starts_with('{') {
            return Err(Error::invalid(path, format!("expected an object, got {}", written::kind_of(text))));
        }
        Self::parse(text).map_err(|problem| Error::invalid(path, problem))
    }

    /// Takes `${NAME}` in settings for text. By default it is an error: a host would have replaced
    /// the name of a variable that the plug may know.
    pub fn keep_references(&self) {
        self.keeps_references.set(true);
    }

    /// The raw JSON text of a member.
    pub fn get(&self, name: &str) -> Option<&'de str> {
        self.members.iter().rev().find(|(own, _)| own == name).map(|(_, value)| *value)
    }

    /// The names of the members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| &**name)
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members with these names; `None` if there are none.
    pub fn part(&self, names: &[&str]) -> Option<Self> {
        let members = self.members.iter().filter(|(name, _)| names.contains(&&**name)).cloned();
        let members: Vec<Member> = members.collect();
        (!members.is_empty()).then(|| Self {
            path: self.path,
            members,
            keeps_references: self.keeps_references.clone(),
            ..Self::default()
        })
    }

    /// Reads `T` from the members it has fields for.
    pub(crate) fn read<T: Deserialize<'de>>(&self) -> Result<T, Error> {
        let object = Object { members: &self.members, asked: &RefCell::default(), whole: false };
        let (place, warnings) = (&Place::of(self.path), &self.warnings);
        T::deserialize(Value {
            text: "",
            object: Some(object),
            place,
            keeps_references: self.keeps_references.get(),
            warnings,
        })
        .map_err(Error::from)
    }

    /// Reads one member of a `ctx`, if present.
    pub fn read_field<T: Deserialize<'de>>(&self, name: &str) -> Result<Option<T>, Error> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let place = &Place::Member(&Place::Top, name);
        let keeps_references = self.keeps_references.get();
        let value = Value { text, object: None, place, keeps_references, warnings: &self.warnings };
        T::deserialize(value).map(Some).map_err(|fault| fault.inside(name).into())
    }

    /// Warns about members with other names than these. `elsewhere` lists names that belong in the
    /// configuration.
    pub fn warn_of_unknown(&self, names: &[&[&str]], elsewhere: &[&str]) {
        let place = Place::of(self.path);
        let is_misplaced = |name: &str| elsewhere.contains(&name) && !is_among(name, names);
        for (name, _) in self.members.iter().filter(|(name, _)| is_misplaced(name)) {
            let text = format!("{}: is ignored here; it belongs in the configuration", place.member(name));
            self.warnings.borrow_mut().add(text);
        }
        let known: Vec<&[&str]> = names.iter().copied().chain([elsewhere]).collect();
        warn_of_unknown(&self.members, &known, &place, &self.warnings);
    }

    /// Adds the warnings of a part.
    pub fn add_warnings(&self, warnings: Warnings) {
        self.warnings.borrow_mut().append(warnings);
    }

    /// Takes the warnings collected so far.
    pub fn take_warnings(&self) -> Warnings {
        self.warnings.take()
    }
}

/// The raw values of these fields, in field order.
fn select<'de>(
    members: &[Member<'de>],
    fields: &[&str],
    place: &Place,
    warnings: &RefCell<Warnings>,
) -> Vec<Option<&'de str>> {
    let mut chosen = vec![None; fields.len()];
    for (name, value) in members {
        let slot = fields.iter().position(|field| field == name);
        let Some(slot) = slot.and_then(|slot| chosen.get_mut(slot)) else { continue };
        if slot.replace(*value).is_some() {
            let text = format!("{}: is given more than once; the last one counts", place.member(name));
            warnings.borrow_mut().add(text);
        }
    }
    chosen
}

/// The field names of a request: a struct that derives `Deserialize`, or a [`Both`].
pub(crate) fn fields_of<'a, T: Deserialize<'a>>() -> Vec<&'static str> {
    let asked = RefCell::default();
    let object = Object { members: &[], asked: &asked, whole: false };
    // Every field is optional, so an empty request deserializes; only the asked names matter.
    let (place, warnings) = (&Place::Top, &RefCell::default());
    let _ = T::deserialize(Value { text: "", object: Some(object), place, keeps_references: false, warnings });
    asked.into_inner()
}

/// A type read from a whole document. Implemented by [`requests!`](crate::requests) in this crate,
/// so that the large derived code is built once and optimized for size.
pub trait Request<'de>: Sized {
    /// Reads the members that have fields.
    fn from_document(document: &Document<'de>) -> Result<Self, Error>;

    /// The field names, computed once.
    fn fields() -> &'static [&'static str];
}

/// Implements [`Request`] for these types.
macro_rules! requests {
    ($($name:ty),* $(,)?) => {$(
        impl<'a> crate::document::Request<'a> for $name {
            #[inline(never)]
            fn from_document(document: &crate::document::Document<'a>) -> Result<Self, crate::Error> {
                document.read()
            }

            #[inline(never)]
            fn fields() -> &'static [&'static str] {
                static NAMES: std::sync::OnceLock<Vec<&'static str>> = std::sync::OnceLock::new();
                NAMES.get_or_init(crate::document::fields_of::<$name>)
            }
        }
    )*};
}
pub(crate) use requests;

/// Two structs whose fields share one object.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Both<A, B>(pub A, pub B);

/// The struct name that tells [`Value`] it deserializes a [`Both`].
const BOTH: &str = "plugpipe::both";

impl<'de, A: Deserialize<'de>, B: Deserialize<'de>> Deserialize<'de> for Both<A, B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair<A, B>(PhantomData<(A, B)>);
        impl<'de, A: Deserialize<'de>, B: Deserialize<'de>> Visitor<'de> for Pair<A, B> {
            type Value = Both<A, B>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_seq<S: de::SeqAccess<'de>>(self, mut parts: S) -> Result<Self::Value, S::Error> {
                let missing = || de::Error::custom("expected two parts");
                let first = parts.next_element()?.ok_or_else(missing)?;
                Ok(Both(first, parts.next_element()?.ok_or_else(missing)?))
            }
        }
        deserializer.deserialize_tuple_struct(BOTH, 2, Pair(PhantomData))
    }
}

/// Warns about unknown members, except those whose names begin with `_`.
fn warn_of_unknown(members: &[Member], names: &[&[&str]], place: &Place, warnings: &RefCell<Warnings>) {
    let is_unknown = |name: &&str| !name.starts_with('_') && !is_among(name, names);
    for name in members.iter().map(|(name, _)| &**name).filter(is_unknown) {
        let path = place.member(&excerpt(name, 100));
        let text = match nearest(name, names.iter().copied().flatten().copied()) {
            Some(meant) => format!("{path}: unknown field; did you mean {meant}?"),
            None => format!("{path}: unknown field; it is ignored"),
        };
        warnings.borrow_mut().add(text);
    }
}

fn is_among(name: &str, names: &[&[&str]]) -> bool {
    names.iter().any(|names| names.contains(&name))
}

/// The path of a value, formatted only when an error or a warning needs it.
enum Place<'p> {
    Top,
    Root(&'p str),
    Member(&'p Place<'p>, &'p str),
    Item(&'p Place<'p>, usize),
}

impl<'p> Place<'p> {
    fn of(path: &'p str) -> Self {
        if path.is_empty() { Self::Top } else { Self::Root(path) }
    }

    fn path(&self) -> String {
        match self {
            Self::Top => String::new(),
            Self::Root(path) => (*path).to_owned(),
            Self::Member(object, name) => object.member(name),
            Self::Item(list, index) => format!("{}[{index}]", list.path()),
        }
    }

    /// The path of a member.
    fn member(&self, name: &str) -> String {
        let path = self.path();
        if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
    }
}

/// An error whose field path is still being built. Boxed, because many results carry it.
#[derive(Debug)]
pub(crate) struct Fault(Box<Error>);

impl Fault {
    #[cold]
    fn invalid(problem: String) -> Self {
        Self(Box::new(Error::invalid("", problem)))
    }

    /// Prepends a field name to the path.
    #[cold]
    fn inside(self, name: &str) -> Self {
        Self(Box::new(self.0.inside(&excerpt(name, 100))))
    }

    /// Prepends a list index to the path.
    #[cold]
    fn inside_item(self, index: usize) -> Self {
        Self(Box::new(self.0.inside(&format!("[{index}]"))))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        *fault.0
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::error::Error for Fault {}

/// Errors raised by serde's derived code.
impl de::Error for Fault {
    #[cold]
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self::invalid(problem.to_string())
    }

    #[cold]
    fn missing_field(field: &'static str) -> Self {
        Self(Box::new(Error::missing(field, "a value")))
    }
}

/// An unparsed JSON value, its path, and the list that collects warnings.
#[derive(Clone, Copy)]
struct Value<'de, 'p> {
    text: &'de str,
    /// The members, if the value is an object that is already split.
    object: Option<Object<'de, 'p>>,
    place: &'p Place<'p>,
    /// Whether a setting may contain `${NAME}`.
    keeps_references: bool,
    warnings: &'p RefCell<Warnings>,
}

/// The members of an object that one or several structs read.
#[derive(Clone, Copy)]
struct Object<'de, 'p> {
    members: &'p [Member<'de>],
    /// The fields that structs have requested.
    asked: &'p RefCell<Vec<&'static str>>,
    /// Whether a single struct reads the object, so that it may reject unknown members.
    whole: bool,
}

impl<'de, 'p> Object<'de, 'p> {
    /// The values for these fields, and if `whole`, the first unknown member.
    #[inline(never)]
    fn fields(self, fields: &'static [&'static str], value: &Value<'de, 'p>) -> Fields<'de, 'p> {
        self.asked.borrow_mut().extend(fields);
        let chosen = select(self.members, fields, value.place, value.warnings);
        let is_unknown = |name: &&str| self.whole && !name.starts_with('_') && !fields.contains(name);
        let unknown = self.members.iter().map(|(name, _)| &**name).find(is_unknown);
        Fields { fields, chosen, at: 0, unknown, within: *value }
    }
}

impl<'de> Value<'de, '_> {
    #[inline(never)]
    fn members(&self) -> Result<Vec<Member<'de>>, Fault> {
        if !self.text.starts_with('{') {
            return Err(self.wrong("an object"));
        }
        members(self.text).map_err(|problem| Fault::invalid(problem.to_string()))
    }

    #[inline(never)]
    fn items(&self) -> Result<Vec<&'de RawValue>, Fault> {
        if !self.text.starts_with('[') {
            return Err(self.wrong("a list"));
        }
        serde_json::from_str(self.text).map_err(|problem| Fault::invalid(problem.to_string()))
    }

    fn wrong(&self, expected: &str) -> Fault {
        Fault::invalid(format!("expected {expected}, got {}", written::kind_of(self.text)))
    }

    /// The one of these words that the value is.
    #[inline(never)]
    fn word(&self, words: &'static [&'static str]) -> Result<&'static str, Fault> {
        let given = match Scalar::read(self.text) {
            Ok(Scalar::Text(text)) => text,
            _ => Cow::Borrowed(""),
        };
        words.iter().find(|word| **word == given.trim()).copied().ok_or_else(|| {
            let given = excerpt(written::shown(self.text), 100);
            Fault::invalid(format!("expected one of {}, got {given}", words.join(", ")))
        })
    }

    /// Whether the setting has a value.
    #[inline(never)]
    fn is_set(&self) -> Result<bool, Fault> {
        match Scalar::read(self.text) {
            Ok(Scalar::Null) => Ok(false),
            Ok(Scalar::Text(text)) if written::is_blank(&text) => Ok(false),
            // It may be a secret, so it is not repeated.
            Ok(Scalar::Text(text)) if !self.keeps_references && text.contains("${") => {
                Err(Fault::invalid(NOT_REPLACED.to_owned()))
            }
            _ => Ok(true),
        }
    }
}

/// Offers the same members to each struct in turn.
impl<'de> de::SeqAccess<'de> for Value<'de, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        seed.deserialize(*self).map(Some)
    }
}

impl<'de> Deserializer<'de> for Value<'de, '_> {
    type Error = Fault;

    /// A list as a sequence; a single value in place of a list as a newtype.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.text.starts_with('[') {
            true => self.deserialize_seq(visitor),
            false => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.text == "null" { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        match name {
            AS_WRITTEN => visitor.visit_borrowed_str(self.text),
            SCALAR_AS_WRITTEN if !self.text.starts_with(['[', '{']) => visitor.visit_borrowed_str(self.text),
            UNLESS_EMPTY if written::is_empty(self.text) => visitor.visit_none(),
            SETTING if !self.is_set()? => visitor.visit_none(),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if let Some(object) = self.object {
            return visitor.visit_map(object.fields(fields, &self));
        }
        let (members, asked) = (self.members()?, RefCell::default());
        let read = visitor.visit_map(Object { members: &members, asked: &asked, whole: true }.fields(fields, &self));
        warn_of_unknown(&members, &[fields], self.place, self.warnings);
        read
    }

    /// Only [`Both`] is a tuple struct.
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if self.object.is_some() {
            return visitor.visit_seq(self);
        }
        let (members, asked) = (self.members()?, RefCell::default());
        let object = Object { members: &members, asked: &asked, whole: false };
        let read = visitor.visit_seq(Value { object: Some(object), ..self });
        warn_of_unknown(&members, &[&asked.borrow()], self.place, self.warnings);
        read
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(Members { rest: self.members()?.into_iter(), value: None, within: self })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(Items { rest: self.items()?.into_iter().enumerate(), within: self })
    }

    /// One of a few words.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(BorrowedStrDeserializer::new(self.word(words)?))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple identifier
    }
}

/// The fields of a struct and their values.
struct Fields<'de, 'p> {
    fields: &'static [&'static str],
    chosen: Vec<Option<&'de str>>,
    at: usize,
    unknown: Option<&'p str>,
    within: Value<'de, 'p>,
}

impl<'de> Fields<'de, '_> {
    /// The index of the next field that has a value; derived code accepts field indices as keys. An
    /// unknown member gets an index that no field has.
    #[inline(never)]
    fn next(&mut self) -> Option<u64> {
        while let Some(None) = self.chosen.get(self.at) {
            self.at += 1;
        }
        match self.at < self.chosen.len() {
            true => Some(self.at as u64),
            false => self.unknown.map(|_| u64::MAX),
        }
    }

    /// The field's name and value.
    #[inline(never)]
    fn take(&mut self) -> (&'static str, &'de str) {
        let text = self.chosen.get(self.at).copied().flatten().unwrap_or("null");
        let name = self.fields.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        if self.at > self.chosen.len() {
            self.unknown = None;
        }
        (name, text)
    }

    /// The error for a struct with `deny_unknown_fields`.
    #[cold]
    fn unknown_field(&self) -> Fault {
        let known = self.fields.join(", ");
        Fault::invalid(format!("unknown field; expected one of {known}")).inside(self.unknown.unwrap_or_default())
    }
}

impl<'de> de::MapAccess<'de> for Fields<'de, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some(number) = self.next() else { return Ok(None) };
        let number: U64Deserializer<Fault> = number.into_deserializer();
        seed.deserialize(number).map(Some).map_err(|_| self.unknown_field())
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (name, text) = self.take();
        let place = Place::Member(self.within.place, name);
        let value = Value { text, object: None, place: &place, ..self.within };
        seed.deserialize(value).map_err(|fault| fault.inside(name))
    }
}

/// The members of a map.
struct Members<'de, 'p> {
    rest: std::vec::IntoIter<Member<'de>>,
    value: Option<Member<'de>>,
    within: Value<'de, 'p>,
}

impl<'de> de::MapAccess<'de> for Members<'de, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.value = self.rest.next();
        let Some(member) = &self.value else { return Ok(None) };
        let key = match member.0 {
            Cow::Borrowed(name) => seed.deserialize(BorrowedStrDeserializer::<Fault>::new(name)),
            Cow::Owned(ref name) => seed.deserialize(name.as_str().into_deserializer()),
        };
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (name, text) = self.value.take().unwrap_or((Cow::Borrowed(""), "null"));
        let place = Place::Member(self.within.place, &name);
        let value = Value { text, object: None, place: &place, ..self.within };
        seed.deserialize(value).map_err(|fault| fault.inside(&name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The items of a list.
struct Items<'de, 'p> {
    rest: core::iter::Enumerate<std::vec::IntoIter<&'de RawValue>>,
    within: Value<'de, 'p>,
}

impl<'de> de::SeqAccess<'de> for Items<'de, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((index, item)) = self.rest.next() else { return Ok(None) };
        let place = Place::Item(self.within.place, index);
        let value = Value { text: item.get(), object: None, place: &place, ..self.within };
        seed.deserialize(value).map(Some).map_err(|fault| fault.inside_item(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// Splits the text of an object into its members.
fn members(text: &str) -> Result<Vec<Member<'_>>, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let members = json.deserialize_map(Split).and_then(|members| json.end().map(|()| members));
    members.map_err(|problem| {
        let whole: Result<&RawValue, _> = serde_json::from_str(text);
        whole.map_or_else(|_| problem.to_string(), |value| format!("it is {}", written::kind_of(value.get())))
    })
}

struct Split;

impl<'de> Visitor<'de> for Split {
    type Value = Vec<Member<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: de::MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        // Enough for a typical record.
        let mut members = Vec::with_capacity(6);
        while let Some(Unescaped(name)) = map.next_key()? {
            let value: &RawValue = map.next_value()?;
            members.push((name, value.get()));
        }
        Ok(members)
    }
}
