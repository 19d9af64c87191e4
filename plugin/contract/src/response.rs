//! Response serialization: each response is a struct whose fields become members of an object that
//! stays open.
//!
//! The object stays open because several sources contribute to a result: the operation, the pushes
//! that the call triggered, and its exchanges with servers.

use serde::ser::{Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};
use serde_json::Error;

/// Enough for the response to a record, the most frequent one.
const ROOM: usize = 1_024;

/// The largest buffer that is reused for the next response.
const MAX_KEPT: usize = 64 * 1_024;

/// Writes one JSON object into a buffer.
#[derive(Debug)]
pub struct ResponseWriter {
    out: Vec<u8>,
}

impl Default for ResponseWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl ResponseWriter {
    /// Starts an object without members.
    pub fn new() -> Self {
        let mut out = Vec::with_capacity(ROOM);
        out.push(b'{');
        Self { out }
    }

    /// Starts a new object and reuses the buffer unless it is large.
    #[inline]
    pub fn restart(&mut self) {
        if self.out.capacity() > MAX_KEPT {
            self.out = Vec::new();
        }
        self.out.clear();
        self.out.reserve(ROOM);
        self.out.push(b'{');
    }

    /// Adds the fields of a response to the innermost open object.
    #[inline]
    pub fn add(&mut self, response: &impl Response) {
        response.write(self);
    }

    /// Adds a member to the innermost open object.
    #[inline]
    pub fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) {
        // This cannot fail: it writes to memory, and all keys are strings.
        let written = Members(self).serialize_field(name, value);
        debug_assert!(written.is_ok(), "{written:?}");
    }

    /// Adds a list of objects, each with the fields of a response.
    #[inline]
    pub fn list(&mut self, name: &'static str, items: &[impl Response]) {
        self.name(name);
        self.out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            self.out.extend_from_slice(if index == 0 { b"{" } else { b",{" });
            item.write(self);
            self.out.push(b'}');
        }
        self.out.push(b']');
    }

    /// Adds members that were written elsewhere, as [`ResponseWriter::into_members`] gives them.
    pub fn members(&mut self, members: &str) {
        if !members.is_empty() {
            self.comma();
            self.out.extend_from_slice(members.as_bytes());
        }
    }

    /// A list of objects, each given by members that were written elsewhere.
    pub fn list_of_members<'m>(&mut self, name: &'static str, items: impl IntoIterator<Item = &'m str>) {
        self.name(name);
        self.out.push(b'[');
        for (index, item) in items.into_iter().enumerate() {
            self.out.extend_from_slice(if index == 0 { b"{" } else { b",{" });
            self.out.extend_from_slice(item.as_bytes());
            self.out.push(b'}');
        }
        self.out.push(b']');
    }

    /// Begins an object: what is added until [`ResponseWriter::close`] is in it.
    #[inline]
    pub fn open(&mut self, name: &'static str) {
        self.name(name);
        self.out.push(b'{');
    }

    /// Closes the innermost open object.
    #[inline]
    pub fn close(&mut self) {
        self.out.push(b'}');
    }

    /// The current position, for [`ResponseWriter::rollback`].
    pub fn checkpoint(&self) -> usize {
        self.out.len()
    }

    /// Discards everything written since the checkpoint.
    pub fn rollback(&mut self, checkpoint: usize) {
        self.out.truncate(checkpoint);
    }

    /// The bytes written so far, which are UTF-8.
    pub fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// The members of an object that is still open, without its brace: for
    /// [`ResponseWriter::members`] of another one.
    pub fn into_members(self) -> String {
        let mut text = self.into_text();
        text.remove(0);
        text
    }

    /// What was written since the checkpoint, as text.
    pub fn since(&self, checkpoint: usize) -> String {
        String::from_utf8(self.out.get(checkpoint..).unwrap_or_default().to_vec()).unwrap_or_default()
    }

    /// What is written as text.
    pub fn into_text(self) -> String {
        // JSON serializers write UTF-8, and so does this one.
        String::from_utf8(self.out).unwrap_or_default()
    }

    #[inline]
    fn comma(&mut self) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
    }

    /// Field names are letters and underscores, so they need no escaping.
    #[inline]
    fn name(&mut self, name: &'static str) {
        self.out.extend_from_slice(if self.out.last() == Some(&b'{') { b"\"" } else { b",\"" });
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

/// The response of an operation, or a part of it.
pub trait Response {
    /// Writes the fields as members of the innermost open object.
    fn write(&self, out: &mut ResponseWriter);

    /// The schema of an object with these members only.
    #[cfg(feature = "schema")]
    fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema;
}

/// Implements [`Response`] for structs. Writers are compiled once, in this crate, which is
/// optimized for size; those of records are marked `#[inline]` to be compiled with the plug, for
/// speed.
macro_rules! responses {
    ($($(#[$inline:meta])? $type:ty),* $(,)?) => {$(
        impl crate::response::Response for $type {
            $(#[$inline])?
            fn write(&self, out: &mut crate::response::ResponseWriter) {
                crate::response::write_fields(self, out);
            }

            #[cfg(feature = "schema")]
            fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <$type as schemars::JsonSchema>::json_schema(generator)
            }
        }
    )*};
}
pub(crate) use responses;

impl<R: Response> Response for Option<R> {
    #[inline]
    fn write(&self, out: &mut ResponseWriter) {
        if let Some(response) = self {
            response.write(out);
        }
    }

    #[cfg(feature = "schema")]
    fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = R::schema(generator);
        schema.remove("required");
        schema
    }
}

/// What an operation responds at once, or once its jobs are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Eventually<R> {
    /// At once.
    Now(R),
    /// Later, so that nothing is written yet.
    Later,
}

impl<R: Response> Response for Eventually<R> {
    #[inline]
    fn write(&self, out: &mut ResponseWriter) {
        if let Self::Now(response) = self {
            response.write(out);
        }
    }

    #[cfg(feature = "schema")]
    fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        R::schema(generator)
    }
}

/// The fields of both.
impl<A: Response, B: Response> Response for (A, B) {
    #[inline]
    fn write(&self, out: &mut ResponseWriter) {
        self.0.write(out);
        self.1.write(out);
    }

    #[cfg(feature = "schema")]
    fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        crate::schema::both(A::schema(generator), &B::schema(generator))
    }
}

/// Adds the fields of a struct to the innermost open object.
#[inline]
pub(crate) fn write_fields<T: Serialize>(fields: &T, out: &mut ResponseWriter) {
    // This cannot fail: it writes to memory, and all keys are strings.
    let written = fields.serialize(Members(out));
    debug_assert!(written.is_ok(), "{written:?}");
}

/// Serializes a struct as members of an open object.
struct Members<'w>(&'w mut ResponseWriter);

impl Members<'_> {
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut serde_json::Serializer::new(&mut self.0.out))
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.0.name(key);
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

/// For structs with flattened parts.
impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.0.comma();
        self.value(key)?;
        self.0.out.push(b':');
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

/// Only structs have members.
fn not_a_struct<T>() -> Result<T, Error> {
    Err(serde::ser::Error::custom("a response must be a struct"))
}

/// Serializer methods that fail, because only structs are supported.
macro_rules! unsupported {
    ($($method:ident($($type:ty),*);)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<(), Error> {
            not_a_struct()
        }
    )*};
}

impl Serializer for Members<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), Error>;

    unsupported! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_none(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        not_a_struct()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        not_a_struct()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
        not_a_struct()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        not_a_struct()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        not_a_struct()
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Serialize)]
    struct Inner<'a> {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<u64>,
    }

    #[derive(Serialize)]
    struct Outer<'a> {
        #[serde(rename = "list")]
        items: Vec<Inner<'a>>,
        #[serde(flatten)]
        flat: Inner<'a>,
    }

    #[test]
    fn fields_of_several_structs_become_members_of_one_object() {
        let mut out = ResponseWriter::new();
        let checkpoint = out.checkpoint();
        out.open("gone");
        out.rollback(checkpoint);
        out.open("empty");
        out.close();
        out.open("result");
        write_fields(&Inner { name: "a\"b", count: Some(3) }, &mut out);
        let flat = Inner { name: "c", count: None };
        write_fields(&Some(Outer { items: vec![Inner { name: "", count: None }], flat }), &mut out);
        out.close();
        out.close();
        let text = out.into_text();
        let read: Value = serde_json::from_str(&text).unwrap();
        // The last of duplicate members wins.
        let expected = json!({"empty": {}, "result": {"name": "c", "count": 3, "list": [{"name": ""}]}});
        assert_eq!(read, expected, "{text}");
    }
}
