//! The cursor and the tokens shared by both text formats: names, quoted strings and numbers.

use std::borrow::Cow;

use super::event::{Format, ParseError};

/// Character classes of bytes: start and continuation of metric names, start and continuation of
/// label names, and bytes that end a run without escapes in quotes.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => METRIC_START | METRIC | LABEL_START | LABEL,
            b':' => METRIC_START | METRIC,
            b'0'..=b'9' => METRIC | LABEL,
            b'"' | b'\\' | b'\n' => QUOTED_END,
            _ => 0,
        };
        byte += 1;
    }
    classes
};
const METRIC_START: u8 = 1;
const METRIC: u8 = 2;
const LABEL_START: u8 = 4;
const LABEL: u8 = 8;
const QUOTED_END: u8 = 16;

/// The meaning of a backslash before a character other than `n`, `"` and `\`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// An error: text 0.0.4.
    Known,
    /// A literal backslash: OpenMetrics.
    Any,
}

/// A position in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    pub(super) at: usize,
    format: Format,
}

impl<'a> Cursor<'a> {
    /// Creates a cursor at the beginning of the input, which must be UTF-8 of at most `max` bytes.
    pub(super) fn new(input: &'a [u8], format: Format, max: usize) -> Result<Self, ParseError> {
        if input.len() > max {
            let problem = format!("the input has {} bytes; the maximum is {max}; raise the limit", input.len());
            return Err(ParseError::at(format, input, max, problem));
        }
        match str::from_utf8(input) {
            Ok(text) => Ok(Self { text, at: 0, format }),
            Err(error) => {
                let at = error.valid_up_to();
                let byte = input.get(at).copied().unwrap_or_default();
                let problem =
                    format!("byte 0x{byte:02x} is not UTF-8; expected UTF-8 text, neither compressed nor binary");
                Err(ParseError::at(format, input, at, problem))
            }
        }
    }

    #[inline]
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    /// Consumes the byte if it is next.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Consumes the text if it is next.
    #[inline]
    pub(super) fn eat_text(&mut self, text: &str) -> bool {
        let found = self.bytes().get(self.at..).is_some_and(|rest| rest.starts_with(text.as_bytes()));
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// Skips spaces and tabs.
    #[inline]
    pub(super) fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    #[inline]
    fn run(&mut self, first: u8, rest: u8) -> &'a str {
        let start = self.at;
        let mut class = first;
        while let Some(byte) = self.peek()
            && CLASSES.get(byte as usize).is_some_and(|classes| classes & class != 0)
        {
            class = rest;
            self.at += 1;
        }
        self.since(start)
    }

    /// Consumes `[a-zA-Z_:][a-zA-Z0-9_:]*`, possibly empty.
    #[inline]
    pub(super) fn metric_name(&mut self) -> &'a str {
        self.run(METRIC_START, METRIC)
    }

    /// Consumes `[a-zA-Z_][a-zA-Z0-9_]*`, possibly empty.
    #[inline]
    pub(super) fn label_name(&mut self) -> &'a str {
        self.run(LABEL_START, LABEL)
    }

    /// Consumes the metric name if it is next: much faster than scanning for its end.
    #[inline]
    pub(super) fn eat_same_name(&mut self, name: &str) -> bool {
        let Some(rest) = self.bytes().get(self.at..) else { return false };
        let ends = |byte: &u8| CLASSES.get(*byte as usize).is_some_and(|classes| classes & METRIC == 0);
        let same = !name.is_empty() && rest.starts_with(name.as_bytes()) && rest.get(name.len()).is_some_and(ends);
        self.at += if same { name.len() } else { 0 };
        same
    }

    /// Consumes up to the next space, tab or line feed.
    #[inline]
    pub(super) fn token(&mut self) -> &'a str {
        let start = self.at;
        while let Some(byte) = self.peek()
            && !matches!(byte, b' ' | b'\t' | b'\n')
        {
            self.at += 1;
        }
        self.since(start)
    }

    /// Consumes up to what may follow a number in a composite value.
    #[inline]
    pub(super) fn item(&mut self) -> &'a str {
        let start = self.at;
        while let Some(byte) = self.peek()
            && !matches!(byte, b',' | b':' | b']' | b'}' | b' ' | b'\n')
        {
            self.at += 1;
        }
        self.since(start)
    }

    /// Consumes up to the next line feed or the end.
    pub(super) fn rest_of_line(&mut self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let line = rest.split_once('\n').map_or(rest, |(line, _)| line);
        self.at += line.len();
        line
    }

    /// Consumes a quoted string after its opening quote, including the closing quote, and unescapes
    /// it. `what` names it in errors.
    #[inline]
    pub(super) fn quoted(&mut self, escapes: Escapes, what: &str) -> Result<Cow<'a, str>, ParseError> {
        let start = self.at;
        self.skip_plain();
        if self.peek() == Some(b'"') {
            let plain = self.since(start);
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        self.quoted_slowly(start, escapes, what)
    }

    #[inline]
    fn skip_plain(&mut self) {
        while let Some(byte) = self.peek()
            && CLASSES.get(byte as usize).is_some_and(|classes| classes & QUOTED_END == 0)
        {
            self.at += 1;
        }
    }

    #[cold]
    fn quoted_slowly(&mut self, start: usize, escapes: Escapes, what: &str) -> Result<Cow<'a, str>, ParseError> {
        let mut text = self.since(start).to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(text));
                }
                Some(b'\\') => self.escape(escapes, &mut text)?,
                Some(b'\n') => {
                    let problem =
                        format!("{what} does not end on its line; write \\n for a line feed and end it with a quote");
                    return Err(self.fault(problem));
                }
                Some(_) => {
                    let plain = self.at;
                    self.skip_plain();
                    text.push_str(self.since(plain));
                }
                None => return Err(self.fault(format!("the input ends within {what}; expected a closing quote"))),
            }
        }
    }

    /// Consumes an escape sequence, beginning with its backslash.
    fn escape(&mut self, escapes: Escapes, text: &mut String) -> Result<(), ParseError> {
        let next = self.bytes().get(self.at + 1).copied();
        match (next, escapes) {
            (Some(b'n'), _) => text.push('\n'),
            (Some(byte @ (b'"' | b'\\')), _) => text.push(char::from(byte)),
            (_, Escapes::Any) => {
                text.push('\\');
                self.at += 1;
                return Ok(());
            }
            (_, Escapes::Known) => {
                let found = self.text.get(self.at + 1..).and_then(|rest| rest.chars().next());
                let problem = format!(
                    "invalid escape sequence \\{}; expected \\\\, \\\" or \\n",
                    found.map(String::from).unwrap_or_default().escape_debug()
                );
                return Err(self.fault(problem));
            }
        }
        self.at += 2;
        Ok(())
    }

    /// Consumes the help text up to the end of the line, and unescapes it.
    pub(super) fn help(&mut self, escapes: Escapes) -> Result<Cow<'a, str>, ParseError> {
        let start = self.at;
        let line = self.rest_of_line();
        if !line.contains('\\') {
            return Ok(Cow::Borrowed(line));
        }
        let end = self.at;
        self.at = start;
        let mut text = String::with_capacity(line.len());
        while self.at < end {
            if self.peek() == Some(b'\\') {
                self.escape(escapes, &mut text)?;
                continue;
            }
            let rest = self.text.get(self.at..end).unwrap_or_default();
            let plain = rest.split_once('\\').map_or(rest, |(plain, _)| plain);
            text.push_str(plain);
            self.at += plain.len();
        }
        Ok(Cow::Owned(text))
    }

    /// Describes the next character, for errors.
    pub(super) fn found(&self) -> String {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            None => "the end of the input".into(),
            Some('\n') => "the end of the line".into(),
            Some(' ') => "a space".into(),
            Some('\t') => "a tab".into(),
            Some('\r') => "a carriage return".into(),
            Some(found) => format!("{found:?}"),
        }
    }

    /// An error at the current position.
    #[cold]
    pub(super) fn fault(&self, problem: impl Into<String>) -> ParseError {
        self.fault_at(self.at, problem)
    }

    /// An error at the given position.
    #[cold]
    pub(super) fn fault_at(&self, at: usize, problem: impl Into<String>) -> ParseError {
        ParseError::at(self.format, self.bytes(), at, problem.into())
    }

    /// An error for an unexpected next character.
    #[cold]
    pub(super) fn unexpected(&self, expected: &str) -> ParseError {
        self.fault(format!("expected {expected}, found {}", self.found()))
    }
}

/// Parses a number: digits with an optional sign, point and exponent; or `NaN`, `Inf`, `Infinity`
/// in any case, the latter two with an optional sign. `None` for anything else, and on overflow.
#[inline]
pub(super) fn number(token: &str) -> Option<f64> {
    exact(token.as_bytes()).or_else(|| rounded(token))
}

/// Fast path for short numbers, for which one division is exact: the digits are at most 2^53, and
/// the power of ten is representable.
#[inline]
fn exact(token: &[u8]) -> Option<f64> {
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ];
    let (negative, digits) = match token {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    if digits.len() > 18 {
        return None;
    }
    let (mut whole, mut places, mut point, mut seen) = (0u64, 0usize, false, false);
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            whole = whole * 10 + u64::from(digit);
            places += usize::from(point);
            seen = true;
        } else if *byte == b'.' && !point {
            point = true;
        } else {
            return None;
        }
    }
    if !seen || whole > 1 << 53 {
        return None;
    }
    let size = whole as f64 / POWERS.get(places)?;
    Some(if negative { -size } else { size })
}

#[cold]
fn rounded(token: &str) -> Option<f64> {
    let unsigned = token.strip_prefix(['-', '+']).unwrap_or(token);
    let infinite = unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity");
    if unsigned.starts_with(['i', 'I', 'n', 'N']) && !infinite && !token.eq_ignore_ascii_case("nan") {
        return None;
    }
    // Otherwise the standard library accepts the same syntax as the formats: digits, a point, an
    // exponent.
    let value = token.parse::<f64>().ok()?;
    (infinite || !value.is_infinite()).then_some(value)
}

/// Whether a number is an integer.
pub(super) fn is_whole(value: f64) -> bool {
    // Every double from 2^53 up is an integer; `f64::fract` would add another function to the
    // component.
    value.is_finite() && (value.abs() >= 9_007_199_254_740_992.0 || value as i64 as f64 == value)
}

/// Converts seconds to the nearest milliseconds, saturating.
pub(super) fn milliseconds(seconds: f64) -> i64 {
    let milliseconds = seconds * 1000.0;
    (if milliseconds < 0.0 { milliseconds - 0.5 } else { milliseconds + 0.5 }) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_follow_the_formats() {
        for (token, value) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("0042", 42.0),
            ("+1.5", 1.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("-3e3", -3000.0),
            ("1E+2", 100.0),
            ("1.7976931348623157e308", f64::MAX),
            ("1e-400", 0.0),
            ("12345678901234567890", 12345678901234567890.0),
            ("inf", f64::INFINITY),
            ("+Inf", f64::INFINITY),
            ("-iNfInItY", f64::NEG_INFINITY),
        ] {
            assert_eq!(number(token).map(f64::to_bits), Some(value.to_bits()), "{token}");
        }
        for token in ["NaN", "nan", "NAN"] {
            assert!(number(token).is_some_and(f64::is_nan), "{token}");
        }
        for token in [
            "", "+", "-", ".", "e1", "1e", "1e+", "1_2", "0x1", "0x1p-3", "0b1", "0o1", "+NaN", "-nan", "infi", "nano",
            "1e400", "-1e400", "1.1.1", "1 ", "1\r", "--1", "1,5", "١",
        ] {
            assert_eq!(number(token), None, "{token:?}");
        }
    }

    #[test]
    fn integers_are_recognized() {
        assert!([0.0, -0.0, 7.0, 1e300, 9_007_199_254_740_993.0, -4.0].into_iter().all(is_whole));
        assert!(![0.5, f64::NAN, f64::INFINITY, 4_503_599_627_370_495.5, 5e-324].into_iter().any(is_whole));
    }

    proptest! {
        #[test]
        fn numbers_match_the_standard_library(value in any::<f64>(), digits in "[+-]?[0-9]{0,12}\\.?[0-9]{0,12}") {
            prop_assume!(!value.is_nan());
            for text in [value.to_string(), format!("{value:e}"), digits] {
                prop_assert_eq!(number(&text).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits), "{}", text);
            }
        }

        #[test]
        fn milliseconds_round_to_nearest(milliseconds_in in -4_000_000_000_000_i64..4_000_000_000_000) {
            prop_assert_eq!(milliseconds(milliseconds_in as f64 / 1000.0), milliseconds_in);
        }
    }
}
