//! The YAML parser for pipes, configurations, grants and manifests. JSON is YAML, so it parses JSON
//! too.
//!
//! Scalars are typed by the core schema of YAML 1.2: `true` and `false` are booleans (`yes`, `no`,
//! `on`, `off` and `y` are strings), `null`, `~` and nothing are null, and numbers are decimal,
//! `0x` or `0o`. It is stricter than the schema in three ways:
//!
//! - Digits with a leading zero, such as `01` or `0042`, are strings, because they are
//!   usually identifiers.
//! - `.inf` and `.nan` are errors, because the JSON interface of plugs cannot represent them.
//! - There must be one document with unique keys, and nesting, aliases and nodes are limited.
//!
//! Labels and names are strings even if they look like numbers: `version: 1.10` must not become
//! `1.1`. So each number and boolean keeps its source text, and settings are read with
//! [`Node::to_written`], which returns the source text if the JSON form differs. Plugs accept
//! numbers and booleans as strings, so numeric settings still work.

#![deny(missing_docs)]

pub mod known_stack;
mod nearest;
pub mod prune;
pub mod shape;

pub use nearest::nearest;

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, Spanned, UserMessageFormatter};

/// Where a value or key begins, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl From<&Location> for Position {
    fn from(location: &Location) -> Self {
        Self { line: location.line().max(1), column: location.column().max(1) }
    }
}

/// A value with its source text and position.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub content: Content,
    /// Where it is written; of an alias, where that is.
    pub position: Position,
}

/// A value with its source text.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// `null`, `~` or nothing.
    Null,
    /// A boolean.
    Bool {
        /// The value.
        value: bool,
        /// Its source text.
        written: String,
    },
    /// A number.
    Number {
        /// The value.
        value: Number,
        /// Its source text.
        written: String,
    },
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping with unique keys.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key, as it is written.
    pub name: String,
    /// Where it is written.
    pub position: Position,
}

/// Why a document is not valid YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    message: String,
    position: Option<Position>,
}

impl Problem {
    /// Where the document is not valid, if that is known.
    pub fn position(&self) -> Option<Position> {
        self.position
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// Parses a document. Empty text is null. Errors contain the location.
pub fn read(text: &str) -> Result<Node, Problem> {
    // In a debug build, each of up to 64 levels of nesting takes tens of kilobytes of stack.
    known_stack::run("yaml", || parse(text)).unwrap_or_else(|error| {
        let message = format!("the parser failed: {error}");
        Err(Problem { message, position: None })
    })
}

fn parse(text: &str) -> Result<Node, Problem> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
    };
    let parsed: Spanned<Parsed> = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let error = error.without_snippet();
        let message = error.render_with_formatter(&UserMessageFormatter);
        let advice = match error {
            serde_saphyr::Error::NonFiniteFloat { .. } => "\nwrite it as \"NaN\", \"+Inf\" or \"-Inf\", in quotes",
            _ => "",
        };
        Problem { message: format!("{message}{advice}"), position: error.location().as_ref().map(Position::from) }
    })?;
    Ok(node(parsed, text))
}

impl Node {
    /// The value according to the schema.
    pub fn to_value(&self) -> Value {
        self.convert(&mut Vec::new(), &|_| false)
    }

    /// The value, with the source text of numbers and booleans whose JSON form differs.
    pub fn to_written(&self) -> Value {
        self.convert(&mut Vec::new(), &|_| true)
    }

    /// The value, with the source text at the paths for which `is_text` returns true. A path
    /// consists of keys, without list indices.
    pub fn to_value_where(&self, is_text: impl Fn(&[&str]) -> bool) -> Value {
        self.convert(&mut Vec::new(), &is_text)
    }

    /// The member of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.content {
            Content::Map(members) => members.iter().find(|(name, _)| name.name == key).map(|(_, member)| member),
            _ => None,
        }
    }

    /// Where the value at a path such as `limits.memory` or `origins[0].url` is written, or its key
    /// in a mapping; of a path that leads nowhere, where its last existing part is.
    pub fn position_of(&self, path: &str) -> Position {
        self.nearest_position(path, self.position)
    }

    fn nearest_position(&self, path: &str, at: Position) -> Position {
        let path = path.strip_prefix('.').unwrap_or(path);
        match &self.content {
            Content::Map(members) => {
                // Keys may contain dots.
                let leads = |name: &str| {
                    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                };
                let found = members.iter().filter(|(key, _)| leads(&key.name)).max_by_key(|(key, _)| key.name.len());
                found.map_or(at, |(key, member)| {
                    member.nearest_position(path.get(key.name.len()..).unwrap_or_default(), key.position)
                })
            }
            Content::List(items) => {
                let index = path.strip_prefix('[').and_then(|path| path.split_once(']'));
                let found = index.and_then(|(index, rest)| Some((items.get(index.parse::<usize>().ok()?)?, rest)));
                found.map_or(at, |(item, rest)| item.nearest_position(rest, item.position))
            }
            _ => at,
        }
    }

    fn convert<'n>(&'n self, place: &mut Vec<&'n str>, is_text: &dyn Fn(&[&str]) -> bool) -> Value {
        let scalar = |value: Value, written: &str| {
            let canonical = value.to_string();
            if canonical != written && is_text(place) { Value::from(written) } else { value }
        };
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool { value, written } => scalar(Value::Bool(*value), written),
            Content::Number { value, written } => scalar(Value::Number(value.clone()), written),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => items.iter().map(|item| item.convert(place, is_text)).collect(),
            Content::Map(members) => {
                let mut map = Map::new();
                for (key, member) in members {
                    place.push(&key.name);
                    map.insert(key.name.clone(), member.convert(place, is_text));
                    place.pop();
                }
                Value::Object(map)
            }
        }
    }
}

/// A parsed node with the locations of its children.
enum Parsed {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Spanned<Parsed>>),
    Map(Vec<(Spanned<String>, Spanned<Parsed>)>),
}

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Parser)
    }
}

struct Parser;

impl<'de> Visitor<'de> for Parser {
    type Value = Parsed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Parsed, E> {
        Ok(Parsed::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Parsed, E> {
        Ok(Parsed::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Parsed, E> {
        Ok(Parsed::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Parsed, E> {
        Ok(Parsed::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Parsed, E> {
        Number::from_f64(value).map(Parsed::Number).ok_or_else(|| E::custom("non-finite number"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Parsed, E> {
        Ok(Parsed::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Parsed, E> {
        Ok(Parsed::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Parsed, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Parsed::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Parsed, A::Error> {
        let mut map = Vec::new();
        while let Some(member) = members.next_entry()? {
            map.push(member);
        }
        Ok(Parsed::Map(map))
    }
}

/// Adds the source text to parsed values.
fn node(parsed: Spanned<Parsed>, text: &str) -> Node {
    let written = || {
        // For an alias, the source text is that of its anchor.
        let span = parsed.defined.span();
        let begin = usize::try_from(span.byte_offset()?).ok()?;
        let end = begin.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
        text.get(begin..end).map(str::trim)
    };
    let position = Position::from(&parsed.referenced);
    let content = match parsed.value {
        Parsed::Null => Content::Null,
        Parsed::Bool(value) => {
            let written = written().filter(|text| text.eq_ignore_ascii_case(&value.to_string()));
            Content::Bool { value, written: written.map_or_else(|| value.to_string(), str::to_owned) }
        }
        Parsed::Number(value) => match written().map(|written| (written, spelling(written))) {
            Some((written, Spelling::Core)) => Content::Number { value, written: written.to_owned() },
            Some((written, Spelling::Other)) => Content::Text(written.to_owned()),
            // It is a number because of a tag.
            _ => Content::Number { written: value.to_string(), value },
        },
        Parsed::Text(text) => Content::Text(text),
        Parsed::List(items) => Content::List(items.into_iter().map(|item| node(item, text)).collect()),
        Parsed::Map(members) => {
            let members = members.into_iter().map(|(key, member)| {
                let key = Key { position: Position::from(&key.referenced), name: key.value };
                (key, node(member, text))
            });
            Content::Map(members.collect())
        }
    };
    Node { content, position }
}

/// The syntax of a number's source text.
enum Spelling {
    /// A number by the core schema.
    Core,
    /// A number by other rules, such as `0b11`.
    Other,
    /// Not the text of a plain number.
    None,
}

fn spelling(written: &str) -> Spelling {
    if !written.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte)) {
        return Spelling::None;
    }
    let digits = |text: &str, is_digit: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|byte| is_digit(&byte));
    if let Some(digit) = written.strip_prefix("0x") {
        return if digits(digit, u8::is_ascii_hexdigit) { Spelling::Core } else { Spelling::Other };
    }
    if let Some(digit) = written.strip_prefix("0o") {
        return if digits(digit, |digit| (b'0'..=b'7').contains(digit)) { Spelling::Core } else { Spelling::Other };
    }
    // Rust also parses words such as `inf`, which are not in the schema.
    let decimal = written.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if decimal && written.parse::<f64>().is_ok() { Spelling::Core } else { Spelling::Other }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_follow_the_core_schema_and_keep_their_source_text() {
        for (text, value, written) in [
            ("5", json!(5), json!(5)),
            ("-5", json!(-5), json!(-5)),
            ("1.5", json!(1.5), json!(1.5)),
            ("1.0", json!(1.0), json!(1.0)),
            ("1.10", json!(1.1), json!("1.10")),
            ("1e3", json!(1000.0), json!("1e3")),
            ("1E+3", json!(1000.0), json!("1E+3")),
            ("+5", json!(5), json!("+5")),
            (".5", json!(0.5), json!(".5")),
            ("5.", json!(5.0), json!("5.")),
            ("-0", json!(0), json!("-0")),
            ("0x1F", json!(31), json!("0x1F")),
            ("0o17", json!(15), json!("0o17")),
            ("12345678901234567890123", json!(1.234_567_890_123_456_8e22), json!("12345678901234567890123")),
            ("0.1000000000000000055", json!(0.1), json!("0.1000000000000000055")),
            // Not numbers in the core schema.
            ("01", json!("01"), json!("01")),
            ("0042", json!("0042"), json!("0042")),
            ("-007", json!("-007"), json!("-007")),
            ("0b11", json!("0b11"), json!("0b11")),
            ("0X1F", json!("0X1F"), json!("0X1F")),
            ("1_000", json!("1_000"), json!("1_000")),
            ("0x1_F", json!("0x1_F"), json!("0x1_F")),
            ("1:30", json!("1:30"), json!("1:30")),
            ("2024-01-01", json!("2024-01-01"), json!("2024-01-01")),
            ("1.2.3", json!("1.2.3"), json!("1.2.3")),
            ("nan", json!("nan"), json!("nan")),
            ("Infinity", json!("Infinity"), json!("Infinity")),
            ("true", json!(true), json!(true)),
            ("True", json!(true), json!("True")),
            ("FALSE", json!(false), json!("FALSE")),
            ("y", json!("y"), json!("y")),
            ("no", json!("no"), json!("no")),
            ("on", json!("on"), json!("on")),
            ("tRue", json!("tRue"), json!("tRue")),
            ("~", json!(null), json!(null)),
            ("null", json!(null), json!(null)),
            ("Null", json!(null), json!(null)),
            ("\"1.10\"", json!("1.10"), json!("1.10")),
            ("'~'", json!("~"), json!("~")),
            ("!!str 1.10", json!("1.10"), json!("1.10")),
            ("!!float 1", json!(1.0), json!("1")),
            ("!!int \"5\"", json!(5), json!(5)),
            ("é1.10", json!("é1.10"), json!("é1.10")),
        ] {
            // After multi-byte characters, in each context, at an anchor and at its alias.
            for document in [
                format!("ключ: {text}\n"),
                format!("\u{feff}ключ: {text}"),
                format!("ключ:   {text}   # é: 1\n"),
                format!("{{ключ: {text}}}"),
                format!("a: &a {text}\nключ: *a\n"),
                format!("é: {{x: 1.10}}\r\nключ: {text}\r\n"),
            ] {
                let read = read(&document).unwrap();
                assert_eq!(read.to_value()["ключ"], value, "{document}");
                assert_eq!(read.to_written()["ключ"], written, "{document}");
            }
            let list = read(&format!("- é\n- {text}\n- 1.10")).unwrap();
            assert_eq!((&list.to_value()[1], &list.to_written()[1]), (&value, &written), "{text}");
            assert_eq!(list.to_written()[2], "1.10");
        }
    }

    #[test]
    fn json_is_parsed_unchanged() {
        let text = r#"{"a": [1, 2.5, -3e-7, true, null, "0042"], "é": {"b": 1.0}}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read(text).unwrap().to_value(), expected);
        assert_eq!(read(text).unwrap().to_written(), expected);
    }

    #[test]
    fn only_selected_paths_keep_their_source_text() {
        let read = read("labels: {version: 1.10}\nvalues: [{at: 1e3}]\n").unwrap();
        let value = read.to_value_where(|place| place == ["labels", "version"]);
        assert_eq!(value, json!({"labels": {"version": "1.10"}, "values": [{"at": 1000.0}]}));
        let value = read.to_value_where(|place| place == ["values", "at"]);
        assert_eq!(value, json!({"labels": {"version": 1.1}, "values": [{"at": "1e3"}]}));
    }

    #[test]
    fn keys_keep_their_source_text() {
        assert_eq!(
            read("{01: a, 1.10: b, yes: c, 0x1F: d}").unwrap().to_value(),
            json!({"01": "a", "1.10": "b", "yes": "c", "0x1F": "d"})
        );
    }

    #[test]
    fn empty_text_is_null() {
        for text in ["", " \n", "# nothing\n", "---\n", "~"] {
            assert_eq!(read(text).unwrap().content, Content::Null, "{text:?}");
        }
    }

    #[test]
    fn unsupported_documents_are_errors() {
        for (text, said) in [
            ("a: 1\na: 2", "a"),
            ("a: 1\n---\nb: 2", "document"),
            ("a: .inf", "in quotes"),
            ("a: .nan", "in quotes"),
            ("a: 1e999", "in quotes"),
            ("a: [", "line 1"),
            ("a: *b", "line 1"),
            ("? [x]\n: 1", "line 1"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn values_and_keys_have_positions() {
        let read = read("é: 1\nlist:\n  - {a: x, b.c: [1, *]}\n".replace('*', "2").as_str()).unwrap();
        let at = |path: &str| {
            let Position { line, column } = read.position_of(path);
            (line, column)
        };
        assert_eq!([at("é"), at("list"), at("list[0]"), at("list[0].a")], [(1, 1), (2, 1), (3, 5), (3, 6)]);
        assert_eq!([at("list[0].b.c"), at("list[0].b.c[1]"), at("list[0].none")], [(3, 12), (3, 21), (3, 5)]);
        assert_eq!([at("none"), at("list[7]"), at("")], [(1, 1), (2, 1), (1, 1)]);
        assert_eq!(super::read("a: 1\nb: [").unwrap_err().position().unwrap().line, 2);
    }

    #[test]
    fn bombs_are_errors() {
        let mut bomb = String::from("x0: &l0 [a, a, a, a, a, a, a, a, a, a]\n");
        for level in 1..10 {
            let previous = vec![format!("*l{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("x{level}: &l{level} [{previous}]\n"));
        }
        for text in [bomb, "[".repeat(1 << 14), "{a: ".repeat(1 << 12), "- ".repeat(1 << 13), "? ".repeat(1 << 13)] {
            assert!(read(&text).is_err());
        }
    }
}
