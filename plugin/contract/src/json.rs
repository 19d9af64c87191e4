//! JSON as the contract needs it: read without copying what need not be copied, written without a tree.
//!
//! What is read becomes a [`Json`], whose texts are borrowed wherever they hold no escape.

mod read;

use core::fmt;
use std::borrow::Cow;

use plugpipe_metrics::exposition::json::{number, string};
use plugpipe_metrics::number::write_count;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are JSON's own")]
pub enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number<'a>),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Object<'a>),
}

/// A number, as it is written; read as what it is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<'a>(&'a str);

impl Number<'_> {
    /// The nearest 64-bit float. None for no text that [`Json::parse`] takes.
    pub fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }

    /// The number, if it is written as a whole one and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Members in the order they were written. Of two with the same name the later one counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Object<'a> {
    /// No members.
    pub const EMPTY: Self = Self(Vec::new());

    /// An object of these members.
    pub fn of(members: Vec<(Cow<'a, str>, Json<'a>)>) -> Self {
        Self(members)
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// Names and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Json<'a> {
    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, for errors.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a flag",
            Self::Number(_) => "a number",
            Self::String(_) => "text",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// A text, number or flag as text; none for anything else.
    pub fn scalar(&self) -> Option<String> {
        match self {
            Self::String(text) => Some(text.clone().into_owned()),
            Self::Number(number) => Some(number.to_string()),
            Self::Bool(flag) => Some(flag.to_string()),
            Self::Null | Self::Array(_) | Self::Object(_) => None,
        }
    }
}

/// Room for the answer to a record, which is the most frequent one.
const ROOM: usize = 1_024;

/// The most memory that is kept from one answer to the next.
const MAX_KEPT: usize = 64 * 1_024;

/// An object that is being written, member by member, in one buffer. Names that the program gives are not escaped: they are
/// letters and underscores.
#[derive(Debug)]
pub struct Writer {
    out: Vec<u8>,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// An object without members.
    pub fn new() -> Self {
        let mut out = Vec::with_capacity(ROOM);
        out.push(b'{');
        Self { out }
    }

    /// Begins anew, in the same memory unless that is much; what it returns is for [`Writer::take_back`].
    #[inline]
    pub fn begin(&mut self) -> usize {
        self.restart().push(b'{');
        self.mark()
    }

    /// What is written, to begin anew with what somebody else writes, the brace included.
    #[inline]
    pub fn restart(&mut self) -> &mut Vec<u8> {
        if self.out.capacity() > MAX_KEPT {
            self.out = Vec::new();
        }
        self.out.clear();
        self.out.reserve(ROOM);
        &mut self.out
    }

    /// Goes on with an operation's success, up to the members of its result.
    #[inline]
    pub fn begin_success(&mut self, operation: &'static str) {
        self.out.extend_from_slice(br#""success":true,"operation":""#);
        self.out.extend_from_slice(operation.as_bytes());
        self.out.extend_from_slice(br#"","result":{"#);
    }

    /// What is written, to go on with pieces that were made before.
    pub fn pieces(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    #[inline]
    pub(crate) fn comma(&mut self) {
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(b',');
        }
    }

    #[inline]
    pub(crate) fn name(&mut self, name: &'static str) {
        // Room for all of it, so that it is looked for once.
        self.out.reserve(name.len() + r#","":"#.len());
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// The fields of a response.
    #[inline]
    pub fn add(&mut self, response: &impl crate::response::Response) {
        response.write(self);
    }

    /// A text under a name that comes from outside.
    #[inline]
    pub fn member(&mut self, name: &str, text: &str) {
        self.comma();
        string(name, &mut self.out);
        self.out.push(b':');
        string(text, &mut self.out);
    }

    /// A list of texts under a name that comes from outside.
    pub fn member_list<'t>(&mut self, name: &str, texts: impl IntoIterator<Item = &'t str>) {
        self.comma();
        string(name, &mut self.out);
        self.out.extend_from_slice(b":[");
        for text in texts {
            self.comma();
            string(text, &mut self.out);
        }
        self.close_list();
    }

    /// A text.
    #[inline]
    pub fn text(&mut self, name: &'static str, text: &str) {
        self.name(name);
        string(text, &mut self.out);
    }

    /// A number: a whole one without a point. What JSON cannot say becomes its text: `"+Inf"`, `"NaN"`.
    #[inline]
    pub fn number(&mut self, name: &'static str, value: f64) {
        self.name(name);
        number(value, &mut self.out);
    }

    /// A count.
    pub fn count(&mut self, name: &'static str, count: u64) {
        self.name(name);
        write_count(count, &mut self.out);
    }

    /// A flag.
    #[inline]
    pub fn flag(&mut self, name: &'static str, flag: bool) {
        self.raw(name, if flag { "true" } else { "false" });
    }

    /// A list of texts.
    pub fn texts<'t>(&mut self, name: &'static str, texts: impl IntoIterator<Item = &'t str>) {
        self.open_list(name);
        for text in texts {
            self.comma();
            string(text, &mut self.out);
        }
        self.close_list();
    }

    /// A text that the program made, and which holds nothing to escape.
    #[inline]
    pub fn word(&mut self, name: &'static str, word: &str) {
        self.name(name);
        self.out.push(b'"');
        self.out.extend_from_slice(word.as_bytes());
        self.out.push(b'"');
    }

    /// What is JSON already.
    #[inline]
    pub fn raw(&mut self, name: &'static str, json: &str) {
        self.name(name);
        self.out.extend_from_slice(json.as_bytes());
    }

    /// Begins an object: what is written until [`Writer::close`] is in it.
    #[inline]
    pub fn open(&mut self, name: &'static str) {
        self.name(name);
        self.out.push(b'{');
    }

    /// Begins an object in a list.
    pub fn open_item(&mut self) {
        self.comma();
        self.out.push(b'{');
    }

    /// Ends the object that was begun last.
    #[inline]
    pub fn close(&mut self) {
        self.out.push(b'}');
    }

    /// Begins a list of objects, each begun by [`Writer::open_item`].
    pub fn open_list(&mut self, name: &'static str) {
        self.name(name);
        self.out.push(b'[');
    }

    /// Ends the list.
    pub fn close_list(&mut self) {
        self.out.push(b']');
    }

    /// How much is written, for [`Writer::take_back`].
    pub fn mark(&self) -> usize {
        self.out.len()
    }

    /// Takes back what was written since the mark.
    #[inline]
    pub fn take_back(&mut self, mark: usize) {
        self.out.truncate(mark);
    }

    /// The object as text.
    pub fn finish(mut self) -> String {
        self.close();
        self.into_text()
    }

    /// The object, which was closed, as text.
    pub fn into_text(self) -> String {
        // It is made of texts and ASCII only.
        String::from_utf8(self.out).unwrap_or_default()
    }

    /// What is written, as the bytes of a text.
    pub fn bytes(&self) -> &[u8] {
        &self.out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn of_two_members_with_a_name_the_later_counts() {
        let Ok(Json::Object(object)) = Json::parse(r#"{"a": 1, "a": 2}"#) else { panic!() };
        assert_eq!(object.get("a"), Some(&Json::Number(Number("2"))));
    }

    #[test]
    fn texts_without_escapes_are_borrowed() {
        let Ok(Json::Object(object)) = Json::parse(r#"{"name": "value", "e\n": "\t"}"#) else { panic!() };
        assert!(matches!(object.get("name"), Some(Json::String(Cow::Borrowed("value")))));
        assert!(matches!(object.get("e\n"), Some(Json::String(Cow::Owned(_)))));
    }

    #[test]
    fn what_is_written_is_json() {
        let mut writer = Writer::new();
        writer.member("te\"xt", "a\\b\n☃");
        writer.number("whole", 3.0);
        writer.number("part", 0.1);
        writer.number("not", f64::INFINITY);
        writer.count("count", u64::MAX);
        writer.open("o");
        writer.flag("f", false);
        writer.close();
        writer.open("empty");
        writer.close();
        writer.open_list("list");
        for _ in 0..2 {
            writer.open_item();
            writer.close();
        }
        writer.close_list();
        writer.texts("texts", ["a", "b"]);
        let mark = writer.mark();
        writer.text("gone", "x");
        writer.take_back(mark);
        writer.raw("raw", "[1]");
        let read: Value = serde_json::from_str(&writer.finish()).unwrap();
        let expected = json!({
            "te\"xt": "a\\b\n☃", "whole": 3, "part": 0.1, "not": "+Inf", "count": u64::MAX, "o": {"f": false}, "empty": {},
            "list": [{}, {}], "texts": ["a", "b"], "raw": [1],
        });
        assert_eq!(read, expected);
    }

    proptest! {
        #[test]
        fn any_text_is_written_and_read_as_itself(name in any::<String>(), text in any::<String>()) {
            let mut writer = Writer::new();
            writer.member(&name, &text);
            let written = writer.finish();
            let Ok(Json::Object(object)) = Json::parse(&written) else { panic!("{written}") };
            prop_assert_eq!(object.get(&name).and_then(Json::as_str), Some(text.as_str()));
        }
    }
}
