//! JSON read from front to back, without a tree: for answers that are too big for one, and for parts of them that are handed on
//! as they stand. Checks all that it passes over, so that what [`Cursor::skip`] spans is valid JSON.

use core::ops::Range;
use std::borrow::Cow;

/// Deeper nesting is refused: whoever reads the plug's answers has bounds too.
const MAX_DEPTH: u32 = 120;

/// A place in a JSON text. Whoever reads says what is to come: after [`Cursor::object`], [`Cursor::key`] gives each member's name
/// and its value must then be read or skipped; after [`Cursor::array`], [`Cursor::item`] says whether there is one more.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Whether an object or a list was just entered.
    first: bool,
}

/// What was not as expected, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unexpected {
    /// Offset in bytes.
    pub at: usize,
    /// What should have been there.
    pub expected: &'static str,
}

impl core::fmt::Display for Unexpected {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "expected {} at byte {}", self.expected, self.at)
    }
}

type Read<T> = Result<T, Unexpected>;

impl<'a> Cursor<'a> {
    /// At the begin of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, first: false }
    }

    /// For a text that is not as expected here.
    pub fn unexpected(&self, expected: &'static str) -> Unexpected {
        Unexpected { at: self.at, expected }
    }

    /// Part of the text: what [`Cursor::skip`] spanned.
    pub fn slice(&self, range: &Range<usize>) -> &'a str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// The first byte of what comes next, which tells its kind; none at the end.
    pub fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.byte()
    }

    /// Checks that nothing comes any more.
    pub fn end(&mut self) -> Read<()> {
        if self.peek().is_none() { Ok(()) } else { Err(self.unexpected("the end")) }
    }

    /// Enters an object.
    pub fn object(&mut self) -> Read<()> {
        self.enter(b'{', "an object")
    }

    /// The name of the next member; none, and out of the object, at its end.
    pub fn key(&mut self) -> Read<Option<Cow<'a, str>>> {
        if !self.more(b'}', "a comma or the end of the object")? {
            return Ok(None);
        }
        let name = self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.unexpected("a colon"));
        }
        self.at += 1;
        Ok(Some(name))
    }

    /// Enters a list.
    pub fn array(&mut self) -> Read<()> {
        self.enter(b'[', "a list")
    }

    /// Whether there is one more item; if not, out of the list.
    pub fn item(&mut self) -> Read<bool> {
        self.more(b']', "a comma or the end of the list")
    }

    /// One more item, which must be there.
    pub fn next_item(&mut self) -> Read<()> {
        if self.item()? { Ok(()) } else { Err(self.unexpected("one more item")) }
    }

    /// The end of the list, which must be here.
    pub fn end_array(&mut self) -> Read<()> {
        if self.item()? { Err(self.unexpected("the end of the list")) } else { Ok(()) }
    }

    /// A text, borrowed where it holds no escape.
    pub fn string(&mut self) -> Read<Cow<'a, str>> {
        let (begin, end, escaped) = self.string_span()?;
        let inside = self.slice(&(begin..end));
        if !escaped {
            return Ok(Cow::Borrowed(inside));
        }
        unescaped(inside).map(Cow::Owned).ok_or(Unexpected { at: begin, expected: "a text with valid escapes" })
    }

    /// A number.
    pub fn number(&mut self) -> Read<f64> {
        self.peek();
        let begin = self.at;
        self.pass_number()?;
        self.slice(&(begin..self.at)).parse().map_err(|_| Unexpected { at: begin, expected: "a number" })
    }

    /// Passes over one value, whatever it is, and returns where it stands.
    pub fn skip(&mut self) -> Read<Range<usize>> {
        self.peek();
        let begin = self.at;
        self.pass(0)?;
        Ok(begin..self.at)
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn enter(&mut self, bracket: u8, expected: &'static str) -> Read<()> {
        if self.peek() != Some(bracket) {
            return Err(self.unexpected(expected));
        }
        self.at += 1;
        self.first = true;
        Ok(())
    }

    fn more(&mut self, end: u8, expected: &'static str) -> Read<bool> {
        let first = core::mem::take(&mut self.first);
        match self.peek() {
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            Some(_) if first => Ok(true),
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    fn pass(&mut self, depth: u32) -> Read<()> {
        if depth > MAX_DEPTH {
            return Err(self.unexpected("less nesting"));
        }
        match self.peek() {
            Some(b'{') => {
                self.object()?;
                while self.key()?.is_some() {
                    self.pass(depth + 1)?;
                }
                Ok(())
            }
            Some(b'[') => {
                self.array()?;
                while self.item()? {
                    self.pass(depth + 1)?;
                }
                Ok(())
            }
            Some(b'"') => {
                let (begin, end, escaped) = self.string_span()?;
                if escaped && unescaped(self.slice(&(begin..end))).is_none() {
                    return Err(Unexpected { at: begin, expected: "a text with valid escapes" });
                }
                Ok(())
            }
            Some(b't') => self.pass_word("true"),
            Some(b'f') => self.pass_word("false"),
            Some(b'n') => self.pass_word("null"),
            _ => self.pass_number(),
        }
    }

    fn pass_word(&mut self, word: &'static str) -> Read<()> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.unexpected(word));
        }
        self.at += word.len();
        Ok(())
    }

    fn pass_number(&mut self) -> Read<()> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.pass_digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.pass_digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.pass_digits()?;
        }
        Ok(())
    }

    fn pass_digits(&mut self) -> Read<()> {
        let begin = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == begin { Err(self.unexpected("a value")) } else { Ok(()) }
    }

    /// Where the inside of the text stands, and whether there are escapes in it.
    fn string_span(&mut self) -> Read<(usize, usize, bool)> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a text"));
        }
        self.at += 1;
        let begin = self.at;
        let mut escaped = false;
        loop {
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(self.unexpected("the end of the text")),
            }
        }
        self.at += 1;
        Ok((begin, self.at - 1, escaped))
    }
}

/// A text's inside with its escapes replaced; none if one is not JSON's.
fn unescaped(inside: &str) -> Option<String> {
    let mut out = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((plain, after)) = rest.split_once('\\') {
        out.push_str(plain);
        let escape = *after.as_bytes().first()?;
        rest = after.get(1..)?;
        out.push(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = hex4(rest)?;
                rest = rest.get(4..)?;
                if (0xd800..0xdc00).contains(&high) {
                    let low = hex4(rest.strip_prefix("\\u")?)?;
                    rest = rest.get(6..)?;
                    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low)?
                } else {
                    char::from_u32(high)?
                }
            }
            _ => return None,
        });
    }
    out.push_str(rest);
    Some(out)
}

fn hex4(text: &str) -> Option<u32> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(text: &str) -> bool {
        let mut cursor = Cursor::new(text);
        cursor.skip().is_ok() && cursor.end().is_ok()
    }

    #[test]
    fn members_and_items_come_in_their_order() {
        let mut cursor = Cursor::new(r#" { "a" : [ 1 , "\u00e9\ud83d\ude00" ] , "b\n":{ }, "c": [] } "#);
        cursor.object().unwrap();
        assert_eq!(cursor.key().unwrap().unwrap(), "a");
        cursor.array().unwrap();
        cursor.next_item().unwrap();
        assert_eq!(cursor.number(), Ok(1.0));
        cursor.next_item().unwrap();
        assert_eq!(cursor.string().unwrap(), "é😀");
        cursor.end_array().unwrap();
        assert_eq!(cursor.key().unwrap().unwrap(), "b\n");
        let span = cursor.skip().unwrap();
        assert_eq!(cursor.slice(&span), "{ }");
        assert_eq!(cursor.key().unwrap().unwrap(), "c");
        cursor.array().unwrap();
        assert_eq!(cursor.item(), Ok(false));
        assert_eq!(cursor.key(), Ok(None));
        cursor.end().unwrap();
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            "{",
            "nope",
            "{\"a\" 1}",
            "[1,]",
            "[,1]",
            "[1 2]",
            "1 2",
            "NaN",
            "+1",
            "01",
            "1.",
            ".5",
            "1e",
            "-",
            "\"",
            "\"\\\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\u+123\"",
            "\"\\é\"",
            "\"\n\"",
            "{1:2}",
            "{\"a\":1,}",
            "tru",
            "\"\\",
        ] {
            assert!(!whole(text), "{text}");
        }
        assert!(!whole(&"[".repeat(1_000_000)));
        assert!(whole(&format!("{}{}", "[".repeat(100), "]".repeat(100))));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                proptest::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn all_json_is_passed_over(value in json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            prop_assert!(whole(&text), "{}", text);
        }

        #[test]
        fn texts_are_read_as_serde_json_reads_them(text in any::<String>()) {
            let written = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(Cursor::new(&written).string().unwrap(), text);
        }

        #[test]
        fn what_is_accepted_serde_json_accepts_too(text in "[\\[\\]{}\",:0-9eE+. \\\\untrlfase-]{0,24}") {
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text);
            let ours = whole(&text);
            prop_assert!(!ours || theirs.is_ok(), "{}", text);
            prop_assert!(ours || serde_json::from_str::<serde_json::Value>(&text).is_err(), "{}", text);
        }
    }
}
