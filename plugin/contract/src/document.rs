//! How a request is read: one JSON object, its members as they are written, and from them the
//! structs that want some of them.
//!
//! `serde_json` splits the text into members, level by level; serde's derived code makes structs of
//! them. In between stands [`Value`], a deserializer that knows what neither of them does: the path
//! of a field for errors, which members nobody wants (a warning, with the field that was likely
//! meant), and numbers as they were written.

use core::cell::RefCell;
use core::fmt;
use core::marker::PhantomData;
use std::borrow::Cow;

use serde::de::value::{BorrowedStrDeserializer, U64Deserializer};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;

use crate::error::{Error, excerpt};
use crate::known::{Warnings, nearest};
use crate::scalar::{self, Any, Scalar};

/// The name of the newtype whose inside is a JSON text as it was written: for a number whose text
/// counts, and for parts that are passed on.
pub(crate) const AS_WRITTEN: &str = "plugpipe::as-written";

/// A JSON object whose members are still text. Of two members with one name the later one counts.
#[derive(Debug, Default)]
pub struct Document<'de> {
    members: Vec<Member<'de>>,
    /// What was ignored, or read otherwise than its author may think.
    warnings: RefCell<Warnings>,
}

/// A member, as it is written.
type Member<'de> = (Cow<'de, str>, &'de str);

impl<'de> Document<'de> {
    /// Splits a text into members. The error says what was found instead of an object, and where.
    pub fn parse(text: &'de str) -> Result<Self, String> {
        members(text).map(|members| Self { members, warnings: RefCell::default() })
    }

    /// Splits a part of a request that must be an object. `path` is how a user knows it.
    pub fn of(part: Any<'de>, path: &str) -> Result<Self, Error> {
        let text = part.get().unwrap_or("null");
        if !text.starts_with('{') {
            return Err(Error::invalid(path, format!("expected an object, got {}", scalar::kind_of(text))));
        }
        Self::parse(text).map_err(|problem| Error::invalid(path, problem))
    }

    /// A member as it is written; none if it is not there.
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

    /// Reads the members that `T` has fields for. `path` is how a user knows the object: empty for
    /// a call's `ctx`.
    pub fn read<T: Deserialize<'de>>(&self, path: &str) -> Result<T, Error> {
        let (members, place, warnings) = (&self.members, &Place::of(path), &self.warnings);
        let read = T::deserialize(Part { members, place, warnings, fields: &RefCell::default() });
        read.map_err(|error| if path.is_empty() { error } else { error.inside(path) })
    }

    /// Reads one member of a `ctx`, if it is there.
    pub fn read_field<T: Deserialize<'de>>(&self, name: &str) -> Result<Option<T>, Error> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let value = Value { text, place: &Place::Member(&Place::Top, name), warnings: &self.warnings };
        T::deserialize(value).map(Some).map_err(|error| error.inside(name))
    }

    /// Warns of members that have none of these names. `path` is how a user knows the object.
    pub fn warn_of_unknown<'n>(&self, path: &str, names: impl Iterator<Item = &'n str> + Clone) {
        warn_of_unknown(&self.members, names, &Place::of(path), &self.warnings);
    }

    /// What was to say of the members so far.
    pub fn take_warnings(&self) -> Warnings {
        self.warnings.take()
    }
}

/// The members for these fields, in their order, each as it is written.
fn choose<'de>(
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

/// The fields of a request: of a struct that derives `Deserialize`, or of [`Both`].
pub fn fields_of<T: Deserialize<'static>>() -> Vec<&'static str> {
    let fields = RefCell::default();
    let part = Part { members: &[], place: &Place::Top, warnings: &RefCell::default(), fields: &fields };
    // A request of which nothing is given is read like any other.
    let _ = T::deserialize(part);
    fields.into_inner()
}

/// Two structs whose fields stand in one object.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Both<A, B>(pub A, pub B);

/// The name of [`Both`], by which a deserializer knows it.
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
                let missing = || de::Error::custom("has two parts");
                let first = parts.next_element()?.ok_or_else(missing)?;
                Ok(Both(first, parts.next_element()?.ok_or_else(missing)?))
            }
        }
        deserializer.deserialize_tuple_struct(BOTH, 2, Pair(PhantomData))
    }
}

/// Warns of members that nobody reads, unless their names say that they are somebody's own.
fn warn_of_unknown<'n>(
    members: &[Member],
    names: impl Iterator<Item = &'n str> + Clone,
    place: &Place,
    warnings: &RefCell<Warnings>,
) {
    let is_unknown = |name: &&str| !name.starts_with('_') && !names.clone().any(|known| known == *name);
    for name in members.iter().map(|(name, _)| &**name).filter(is_unknown) {
        let path = place.member(&excerpt(name, 100));
        let text = match nearest(name, names.clone()) {
            Some(meant) => format!("{path}: unknown field; did you mean {meant}?"),
            None => format!("{path}: unknown field; it is ignored"),
        };
        warnings.borrow_mut().add(text);
    }
}

/// Where a value stands. It becomes text only where there is something to say of it.
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

/// The members of an object, for a struct or several that have fields for some of them.
#[derive(Clone, Copy)]
struct Part<'de, 'p> {
    members: &'p [Member<'de>],
    place: &'p Place<'p>,
    warnings: &'p RefCell<Warnings>,
    /// The fields that structs have asked for.
    fields: &'p RefCell<Vec<&'static str>>,
}

impl<'de> Deserializer<'de> for Part<'de, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        Err(Error::invalid_type(de::Unexpected::Map, &visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.fields.borrow_mut().extend(fields);
        let chosen = choose(self.members, fields, self.place, self.warnings);
        visitor.visit_map(Fields { fields, chosen, at: 0, place: self.place, warnings: self.warnings })
    }

    /// Only [`Both`] is one.
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple map enum identifier ignored_any
    }
}

/// The same members for one struct after another.
impl<'de> de::SeqAccess<'de> for Part<'de, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        seed.deserialize(*self).map(Some)
    }
}

/// A JSON value that is still text, where it stands, and where warnings go.
#[derive(Clone, Copy)]
struct Value<'de, 'p> {
    text: &'de str,
    place: &'p Place<'p>,
    warnings: &'p RefCell<Warnings>,
}

impl<'de> Value<'de, '_> {
    /// Reads from the members of the object that the value must be, and warns of those that nobody
    /// asked for.
    fn part<T>(self, read: impl FnOnce(Part<'de, '_>) -> Result<T, Error>) -> Result<T, Error> {
        if !self.text.starts_with('{') {
            return Err(self.wrong("an object"));
        }
        let members = members(self.text).map_err(Error::custom)?;
        let fields = RefCell::default();
        let (place, warnings) = (self.place, self.warnings);
        let read = read(Part { members: &members, place, warnings, fields: &fields });
        warn_of_unknown(&members, fields.borrow().iter().copied(), place, warnings);
        read
    }

    fn wrong(&self, expected: &str) -> Error {
        Error::invalid("", format!("expected {expected}, got {}", scalar::kind_of(self.text)))
    }
}

impl<'de> Deserializer<'de> for Value<'de, '_> {
    type Error = Error;

    /// Lists and objects as such; for what may be one value too, that value as a newtype.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.text.as_bytes().first() {
            Some(b'[') => self.deserialize_seq(visitor),
            Some(b'{') => self.deserialize_map(visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.text == "null" { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name == AS_WRITTEN { visitor.visit_borrowed_str(self.text) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.part(|part| part.deserialize_struct(name, fields, visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.part(|part| part.deserialize_tuple_struct(name, count, visitor))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if !self.text.starts_with('{') {
            return Err(self.wrong("an object"));
        }
        let members = members(self.text).map_err(Error::custom)?;
        visitor.visit_map(Members { rest: members.into_iter(), value: None, within: self })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if !self.text.starts_with('[') {
            return Err(self.wrong("a list"));
        }
        let items: Vec<&RawValue> = serde_json::from_str(self.text).map_err(Error::custom)?;
        visitor.visit_seq(Items { rest: items.into_iter().enumerate(), within: self })
    }

    /// One of a few words.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let given = match Scalar::read(self.text) {
            Ok(Scalar::Text(text)) => text,
            _ => Cow::Borrowed(""),
        };
        match words.iter().find(|word| **word == given.trim()) {
            Some(word) => visitor.visit_enum(BorrowedStrDeserializer::new(word)),
            None => {
                let given = excerpt(scalar::shown(self.text), 100);
                Err(Error::invalid("", format!("expected one of {}, got {given}", words.join(", "))))
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
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
    place: &'p Place<'p>,
    warnings: &'p RefCell<Warnings>,
}

impl<'de> de::MapAccess<'de> for Fields<'de, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        while let Some(None) = self.chosen.get(self.at) {
            self.at += 1;
        }
        if self.at >= self.chosen.len() {
            return Ok(None);
        }
        // Derived code knows a field by its number too, and that is known already.
        let number: U64Deserializer<Error> = (self.at as u64).into_deserializer();
        seed.deserialize(number).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let text = self.chosen.get(self.at).copied().flatten().unwrap_or("null");
        let name = self.fields.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        let place = Place::Member(self.place, name);
        let value = Value { text, place: &place, warnings: self.warnings };
        seed.deserialize(value).map_err(|error| error.inside(name))
    }
}

/// The members of a map.
struct Members<'de, 'p> {
    rest: std::vec::IntoIter<Member<'de>>,
    value: Option<Member<'de>>,
    within: Value<'de, 'p>,
}

impl<'de> de::MapAccess<'de> for Members<'de, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.value = self.rest.next();
        let Some(member) = &self.value else { return Ok(None) };
        let key = match member.0 {
            Cow::Borrowed(name) => seed.deserialize(BorrowedStrDeserializer::<Error>::new(name)),
            Cow::Owned(ref name) => seed.deserialize(name.as_str().into_deserializer()),
        };
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (name, text) = self.value.take().unwrap_or((Cow::Borrowed(""), "null"));
        let place = Place::Member(self.within.place, &name);
        let value = Value { text, place: &place, warnings: self.within.warnings };
        seed.deserialize(value).map_err(|error| error.inside(&excerpt(&name, 100)))
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
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((index, item)) = self.rest.next() else { return Ok(None) };
        let place = Place::Item(self.within.place, index);
        let value = Value { text: item.get(), place: &place, warnings: self.within.warnings };
        seed.deserialize(value).map(Some).map_err(|error| error.inside(&format!("[{index}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// Splits a text into the members of the object that it is.
fn members(text: &str) -> Result<Vec<Member<'_>>, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let members = json.deserialize_map(Split).and_then(|members| json.end().map(|()| members));
    members.map_err(|problem| {
        let whole: Result<&RawValue, _> = serde_json::from_str(text);
        whole.map_or_else(|_| problem.to_string(), |value| format!("it is {}", scalar::kind_of(value.get())))
    })
}

struct Split;

impl<'de> Visitor<'de> for Split {
    type Value = Vec<Member<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: de::MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        // As many as a record has.
        let mut members = Vec::with_capacity(6);
        while let Some(scalar::Unescaped(name)) = map.next_key()? {
            let value: &RawValue = map.next_value()?;
            members.push((name, value.get()));
        }
        Ok(members)
    }
}
