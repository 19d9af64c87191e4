//! The reader of JSON texts: RFC 8259 to the letter, with bounded depth. Nothing that it reads makes it trap.
//!
//! It is our own because the contract's text is the plug's own door: what a general deserializer brings to read it was an eighth
//! of the component. `serde_json` is what the tests hold it against.

use std::borrow::Cow;

use super::{Json, Number, Object};

impl<'a> Json<'a> {
    /// Parses a text. The error says what was found, with line and column; nesting is bounded.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        value(text)
    }

    /// Parses a text that is an object, whose members stay the JSON texts that they are: for
    /// answers of which a part is passed on as it came. Of two members with the same name the later
    /// one counts.
    pub fn parse_members(text: &str) -> Result<Vec<(Cow<'_, str>, &str)>, String> {
        members(text)
    }
}

/// Lists and objects in one another, at most.
const DEPTH: usize = 127;

/// What is wrong, and the byte where.
type Problem = (&'static str, usize);

/// Reads a whole text as one value.
pub(super) fn value(text: &str) -> Result<Json<'_>, String> {
    whole(text, |reader| reader.value(0, true))
}

/// Reads a whole text as one object, whose members stay JSON texts.
pub(super) fn members(text: &str) -> Result<Vec<(Cow<'_, str>, &str)>, String> {
    whole(text, |reader| {
        reader.space();
        if !reader.takes(b'{') {
            return Err(("expected an object", reader.at));
        }
        let mut members = Vec::new();
        if reader.ends(b'}') {
            return Ok(members);
        }
        loop {
            let name = reader.name(true)?;
            reader.space();
            let begin = reader.at;
            reader.value(1, false)?;
            members.push((name, reader.slice(begin)));
            if !reader.goes_on(b'}', "expected `,` or `}`")? {
                return Ok(members);
            }
        }
    })
}

fn whole<'a, T>(text: &'a str, read: impl FnOnce(&mut Reader<'a>) -> Result<T, Problem>) -> Result<T, String> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0 };
    let read = read(&mut reader).and_then(|value| {
        reader.space();
        if reader.at == text.len() { Ok(value) } else { Err(("expected nothing more", reader.at)) }
    });
    read.map_err(|problem| said(text, problem))
}

#[cold]
fn said(text: &str, (what, at): Problem) -> String {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
    if at == text.len() {
        return format!("{what} at line {line} column {column}, where the text ends");
    }
    format!("{what} at line {line} column {column}")
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// From `begin` to here: both are at ASCII or at an end, so at characters' borders.
    fn slice(&self, begin: usize) -> &'a str {
        self.text.get(begin..self.at).unwrap_or_default()
    }

    /// Whether a list or an object that was just begun is empty.
    fn ends(&mut self, end: u8) -> bool {
        self.space();
        self.takes(end)
    }

    /// Whether after an item there is another one.
    fn goes_on(&mut self, end: u8, expected: &'static str) -> Result<bool, Problem> {
        self.space();
        if self.takes(b',') {
            return Ok(true);
        }
        if self.takes(end) { Ok(false) } else { Err((expected, self.at)) }
    }

    /// A value with `depth` lists and objects around it. One that is not kept is checked all the same.
    fn value(&mut self, depth: usize, keep: bool) -> Result<Json<'a>, Problem> {
        self.space();
        match self.peek() {
            Some(b'"') => self.string(keep).map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Number),
            Some(b'{' | b'[') if depth == DEPTH => {
                Err(("expected at most 127 lists and objects in one another", self.at))
            }
            Some(b'{') => self.object(depth + 1, keep),
            Some(b'[') => self.list(depth + 1, keep),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => Err(("expected a value", self.at)),
        }
    }

    fn word(&mut self, word: &'static str, value: Json<'a>) -> Result<Json<'a>, Problem> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            return Ok(value);
        }
        Err(("expected a value", self.at))
    }

    fn list(&mut self, depth: usize, keep: bool) -> Result<Json<'a>, Problem> {
        self.at += 1;
        let mut items = Vec::new();
        if self.ends(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            let item = self.value(depth, keep)?;
            if keep {
                items.push(item);
            }
            if !self.goes_on(b']', "expected `,` or `]`")? {
                return Ok(Json::Array(items));
            }
        }
    }

    fn object(&mut self, depth: usize, keep: bool) -> Result<Json<'a>, Problem> {
        self.at += 1;
        let mut members = Vec::new();
        if self.ends(b'}') {
            return Ok(Json::Object(Object(members)));
        }
        loop {
            let name = self.name(keep)?;
            let value = self.value(depth, keep)?;
            if keep {
                members.push((name, value));
            }
            if !self.goes_on(b'}', "expected `,` or `}`")? {
                return Ok(Json::Object(Object(members)));
            }
        }
    }

    /// A member's name with its colon.
    fn name(&mut self, keep: bool) -> Result<Cow<'a, str>, Problem> {
        self.space();
        if self.peek() != Some(b'"') {
            return Err(("expected a name in double quotes", self.at));
        }
        let name = self.string(keep)?;
        self.space();
        if self.takes(b':') { Ok(name) } else { Err(("expected `:`", self.at)) }
    }

    fn number(&mut self) -> Result<Number<'a>, Problem> {
        let begin = self.at;
        self.takes(b'-');
        let first = self.at;
        let whole = self.digits()?;
        if whole > 1 && self.bytes.get(first) == Some(&b'0') {
            return Err(("expected a number without a leading zero", first));
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        let mut large = whole > 300;
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if !self.takes(b'-') {
                self.takes(b'+');
            }
            self.digits()?;
            large = true;
        }
        let number = Number(self.slice(begin));
        // Most numbers are read once, by whom they are for; only those that may be too large are read here as well.
        if large && !number.as_f64().is_some_and(f64::is_finite) {
            return Err(("expected a number below 1.8e308", begin));
        }
        Ok(number)
    }

    /// Counts digits: one at least.
    fn digits(&mut self) -> Result<usize, Problem> {
        let begin = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == begin { Err(("expected a digit", begin)) } else { Ok(self.at - begin) }
    }

    /// Goes on to a quote, an escape, or what may not be in a text.
    fn plain(&mut self) -> Option<u8> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' '));
        self.at += plain.unwrap_or(rest.len());
        self.peek()
    }

    fn string(&mut self, keep: bool) -> Result<Cow<'a, str>, Problem> {
        self.at += 1;
        let begin = self.at;
        if self.plain() == Some(b'"') {
            let text = self.slice(begin);
            self.at += 1;
            return Ok(Cow::Borrowed(text));
        }
        self.escaped(begin, keep).map(Cow::Owned)
    }

    #[cold]
    fn escaped(&mut self, mut begin: usize, keep: bool) -> Result<String, Problem> {
        let mut text = String::new();
        loop {
            let next = self.plain();
            if keep {
                text.push_str(self.slice(begin));
            }
            match next {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    if keep {
                        text.push(character);
                    }
                }
                Some(_) => return Err(("expected no control character in a text: write it as an escape", self.at)),
                None => return Err(("expected a closing quote", self.at)),
            }
            begin = self.at;
        }
    }

    fn escape(&mut self) -> Result<char, Problem> {
        let begin = self.at;
        self.at += 1;
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let mut code = self.hex(begin)?;
                if (0xd800..0xdc00).contains(&code) && self.takes(b'\\') && self.takes(b'u') {
                    // Half of a pair: without its other half, `from_u32` refuses it.
                    let low = self.hex(begin)?.wrapping_sub(0xdc00);
                    code = if low < 0x400 { 0x1_0000 + ((code - 0xd800) << 10) + low } else { code };
                }
                char::from_u32(code).ok_or(("expected both halves of a surrogate pair", begin))?
            }
            _ => return Err(("expected an escape that JSON has", begin)),
        })
    }

    fn hex(&mut self, begin: usize) -> Result<u32, Problem> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or(("expected four hexadecimal digits after \\u", begin))?;
            self.at += 1;
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn same(ours: &Json, theirs: &Value) -> bool {
        match (ours, theirs) {
            (Json::Null, Value::Null) => true,
            (Json::Bool(a), Value::Bool(b)) => a == b,
            (Json::Number(a), Value::Number(b)) => {
                a.as_f64().map(f64::to_bits) == b.as_f64().map(f64::to_bits) && a.as_u64() == b.as_u64()
            }
            (Json::String(a), Value::String(b)) => a == b,
            (Json::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
            (Json::Object(a), Value::Object(b)) => {
                // Theirs has only the last of several members with a name.
                a.iter().all(|(name, _)| b.contains_key(name))
                    && b.iter().all(|(name, b)| a.get(name).is_some_and(|a| same(a, b)))
            }
            _ => false,
        }
    }

    /// Whether both read the same, or both refuse; and whether the texts of members are what serde_json takes them for.
    fn agree(text: &str) -> bool {
        let theirs = serde_json::from_str::<Value>(text);
        let members = members(text);
        match (Json::parse(text), theirs) {
            (Ok(ours), Ok(theirs)) => {
                same(&ours, &theirs)
                    && match (&theirs, members) {
                        (Value::Object(theirs), Ok(members)) => members.iter().all(|(name, raw)| {
                            serde_json::from_str::<Value>(raw).is_ok() && theirs.contains_key(&**name)
                        }),
                        (Value::Object(_), Err(_)) => false,
                        (_, members) => members.is_err(),
                    }
            }
            (Err(problem), Err(_)) => problem.contains("at line ") && members.is_err(),
            _ => false,
        }
    }

    #[test]
    fn values_and_refusals_are_those_of_serde_json() {
        for text in [
            r#"{"a": [1, -2, 2.5, 1e300, 18446744073709551615, null, true, "x\n\u00e9"], "b\"": {}}"#,
            " [ ] ",
            "\"\"",
            "0.1",
            "9007199254740993",
            "18446744073709551616",
            "-0",
            "-9223372036854775808",
            "1E-400",
            "0e999",
            "2.2250738585072011e-308",
            "{\"a\":1,\"a\":2}",
            r#""\ud83d\ude00 \b\f\r\t\/\\""#,
            "\u{2028}",
            "\"\u{2028}\u{7f}\"",
            "",
            " ",
            "{",
            "nope",
            "nul",
            "truefalse",
            "{\"a\" 1}",
            "{a:1}",
            "{\"a\":1,}",
            "{,}",
            "[1,]",
            "[1 2]",
            "[",
            "1 2",
            "NaN",
            "1e999",
            "-1e999",
            "01",
            "-",
            "-01",
            "1.",
            ".5",
            "+1",
            "1e",
            "1e+",
            "0x1",
            "\"",
            "\"\\",
            "\"a\nb\"",
            "\"\\x\"",
            r#""\u12""#,
            r#""\u+123""#,
            r#""\ud83d""#,
            r#""\ud83dx""#,
            r#""\ud83d\n""#,
            r#""\ud83d\ud83d""#,
            r#""\ude00""#,
            "\u{feff}1",
            "[1]//",
            &"1".repeat(309),
            &"9".repeat(400),
            &"[".repeat(1_000_000),
        ] {
            assert!(agree(text), "{}: {:?}", &text[..text.len().min(40)], Json::parse(text).err());
        }
    }

    #[test]
    fn depth_is_bounded_as_serde_jsons_is() {
        for depth in [1, 126, 127, 128, 1_000] {
            let lists = "[".repeat(depth) + &"]".repeat(depth);
            let objects = "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
            assert!(agree(&lists) && agree(&objects), "{depth}");
            assert_eq!(Json::parse(&lists).is_ok(), depth < 128, "{depth}");
        }
    }

    #[test]
    fn a_problem_is_said_with_its_place() {
        for (text, said) in [
            ("", "expected a value at line 1 column 1, where the text ends"),
            ("{\n  \"a\": nope}", "expected a value at line 2 column 8"),
            ("{\"a\" 1}", "expected `:` at line 1 column 6"),
            ("{\"a\": 1", "expected `,` or `}` at line 1 column 8, where the text ends"),
            ("[1}", "expected `,` or `]` at line 1 column 3"),
            ("{'a': 1}", "expected a name in double quotes at line 1 column 2"),
            ("{} {}", "expected nothing more at line 1 column 4"),
            ("\"a\tb\"", "expected no control character in a text: write it as an escape at line 1 column 3"),
        ] {
            assert_eq!(Json::parse(text), Err(said.to_owned()));
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_is_read_as_serde_json_reads_it(value in any_json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            prop_assert!(agree(&text), "{text}");
        }

        #[test]
        fn a_mutilated_text_is_judged_as_serde_json_judges_it(
            value in any_json(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, "[\\[\\]{}\",:\\\\0-9eE+.u -]|\\PC"), 1..4),
        ) {
            let mut characters: Vec<char> = value.to_string().chars().collect();
            for (place, change, by) in changes {
                let place = place.index(characters.len() + 1);
                let by = by.chars().next().unwrap();
                match change {
                    0 => characters.insert(place, by),
                    1 if place < characters.len() => characters[place] = by,
                    _ if place < characters.len() => drop(characters.remove(place)),
                    _ => {}
                }
            }
            let text: String = characters.into_iter().collect();
            prop_assert!(agree(&text), "{text}");
        }

        #[test]
        fn texts_made_of_jsons_signs_are_judged_alike(text in "([\\[\\]{}\",:\\\\0-9eE+.u \n\t\r-]|true|null|\\\\u[dD][89cC]00|\\\\u00e9){0,24}") {
            prop_assert!(agree(&text), "{text}");
        }

        #[test]
        fn numbers_are_judged_alike(text in "-?[0-9]{0,25}(\\.[0-9]{0,30})?([eE][+-]?[0-9]{0,4})?") {
            prop_assert!(agree(&text), "{text}");
        }

        #[test]
        fn random_bytes_are_judged_alike(bytes: Vec<u8>) {
            let text = String::from_utf8_lossy(&bytes);
            prop_assert!(agree(&text), "{text}");
        }
    }
}
