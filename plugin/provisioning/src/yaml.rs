//! YAML trees in block style, for the files of Prometheus's servers. The parser reads the writer's
//! output only.
//!
//! Strings are written plain only if YAML 1.1 and 1.2 agree that they are strings; otherwise in
//! double quotes, which can express every character. No I/O; does not know what the files mean.

use plugpipe_contract::time::PrometheusDuration;
use serde::ser::{Serialize, Serializer};

/// The longest key written as a simple key, in bytes. YAML limits simple keys to 1,024 characters.
const KEY_BYTES: usize = 500;

/// A YAML tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Yaml {
    /// `true` or `false`.
    Flag(bool),
    /// An integer.
    Whole(i64),
    /// A string, on one line.
    Text(String),
    /// A string written as a `|` block if it has several lines and a block can represent it: for
    /// expressions and templates that people read.
    Block(String),
    /// A list.
    List(Vec<Yaml>),
    /// A map, in order. Keys must be unique.
    Map(Vec<(String, Yaml)>),
}

impl From<&str> for Yaml {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Yaml {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Yaml {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// Some files may be JSON too.
impl Serialize for Yaml {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Whole(number) => serializer.serialize_i64(*number),
            Self::Text(text) | Self::Block(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(members) => serializer.collect_map(members.iter().map(|(key, value)| (key, value))),
        }
    }
}

impl Yaml {
    /// A list of strings.
    pub fn texts(texts: impl IntoIterator<Item = String>) -> Self {
        Self::List(texts.into_iter().map(Self::Text).collect())
    }

    /// A map of strings.
    pub fn pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::Map(pairs.into_iter().map(|(key, text)| (key, Self::Text(text))).collect())
    }

    /// Serializes the tree as a document, with a newline at the end.
    pub fn write(&self) -> String {
        let mut out = String::new();
        match self {
            Self::List(items) if !items.is_empty() => list(items, 0, false, &mut out),
            Self::Map(members) if !members.is_empty() => map(members, 0, false, &mut out),
            other => scalar(other, 0, &mut out),
        }
        out
    }
}

/// Parses a document written by [`Yaml::write`]. `None` for any other, even valid YAML: a document
/// that is not fully understood must not be rewritten.
pub fn read(document: &str) -> Option<Yaml> {
    let mut reader = Reader { lines: document.strip_suffix('\n')?.split('\n').collect(), at: 0, continued: None };
    let tree = reader.node(0)?;
    (reader.at == reader.lines.len() && tree.write() == document).then_some(tree)
}

/// The maximum nesting depth when parsing.
const MAX_DEPTH: usize = 32;

struct Reader<'d> {
    lines: Vec<&'d str>,
    at: usize,
    /// The rest of the current line and its column, if the line was partly read.
    continued: Option<(usize, &'d str)>,
}

impl<'d> Reader<'d> {
    /// The current line without its indentation, if that is `indent`.
    fn line(&self, indent: usize) -> Option<&'d str> {
        match self.continued {
            Some((column, rest)) => (column == indent).then_some(rest),
            None => {
                let line = self.lines.get(self.at)?;
                let rest = line.get(indent..)?;
                (line.bytes().take(indent).all(|byte| byte == b' ') && !rest.starts_with(' ')).then_some(rest)
            }
        }
    }

    fn end_line(&mut self) {
        self.continued = None;
        self.at += 1;
    }

    /// Parses the node at the current line.
    fn node(&mut self, indent: usize) -> Option<Yaml> {
        let line = self.line(indent).filter(|_| indent <= 2 * MAX_DEPTH)?;
        if line.starts_with("- ") {
            let mut items = Vec::new();
            while let Some(rest) = self.line(indent).and_then(|line| line.strip_prefix("- ")) {
                self.continued = Some((indent + 2, rest));
                items.push(self.node(indent + 2)?);
            }
            return Some(Yaml::List(items));
        }
        if !line.starts_with("? ") && key(line).is_none() {
            return self.scalar(line, indent);
        }
        let mut members = Vec::new();
        while let Some(line) = self.line(indent) {
            let (name, rest) = match line.strip_prefix("? ") {
                Some(long) => {
                    let (name, nothing) = word(long)?;
                    self.end_line();
                    (name, self.line(indent)?.strip_prefix(':').filter(|_| nothing.is_empty())?)
                }
                None => match key(line) {
                    Some(found) => found,
                    None => break,
                },
            };
            let value = match rest.strip_prefix(' ') {
                Some(value) => self.scalar(value, indent + 2)?,
                None if rest.is_empty() => {
                    self.end_line();
                    self.node(indent + 2)?
                }
                None => return None,
            };
            members.push((name, value));
        }
        Some(Yaml::Map(members))
    }

    /// Parses a scalar on the current line, or the block it begins, whose lines are indented by
    /// `indent`.
    fn scalar(&mut self, value: &'d str, indent: usize) -> Option<Yaml> {
        self.end_line();
        match value {
            "[]" => return Some(Yaml::List(Vec::new())),
            "{}" => return Some(Yaml::Map(Vec::new())),
            "true" => return Some(Yaml::Flag(true)),
            "false" => return Some(Yaml::Flag(false)),
            "|" | "|-" => {
                let mut lines = Vec::new();
                while let Some(line) = self.lines.get(self.at) {
                    let inside = line.get(..indent.max(2)).filter(|before| before.bytes().all(|byte| byte == b' '));
                    match inside {
                        Some(before) => lines.push(line.get(before.len()..)?),
                        None if line.is_empty() => lines.push(""),
                        None => break,
                    }
                    self.at += 1;
                }
                let end = if value == "|" { "\n" } else { "" };
                return Some(Yaml::Block([&*lines.join("\n"), end].concat()));
            }
            _ => {}
        }
        if let Ok(number) = value.parse() {
            return Some(Yaml::Whole(number));
        }
        word(value).filter(|(_, rest)| rest.is_empty()).map(|(text, _)| Yaml::Text(text))
    }
}

/// Splits a line into its key and the text after the `:`.
fn key(line: &str) -> Option<(String, &str)> {
    if line.starts_with('"') {
        let (name, rest) = word(line)?;
        return Some((name, rest.strip_prefix(':')?));
    }
    let (written, _) = line.split_once(' ').unwrap_or((line, ""));
    let name = written.strip_suffix(':').filter(|name| is_plain(name))?;
    Some((name.to_owned(), line.get(written.len()..)?))
}

/// Splits a plain or quoted string from the text after it.
fn word(line: &str) -> Option<(String, &str)> {
    let Some(quoted) = line.strip_prefix('"') else {
        return is_plain(line).then(|| (line.to_owned(), ""));
    };
    let mut text = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some((text, characters.as_str())),
            '\\' => text.push(match characters.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let digits = characters.as_str().get(..4)?;
                    characters = characters.as_str().get(4..)?.chars();
                    char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
                }
                same @ ('"' | '\\') => same,
                _ => return None,
            }),
            other => text.push(other),
        }
    }
}

/// Writes items at this indentation; with `continued`, the first one continues a line.
fn list(items: &[Yaml], indent: usize, continued: bool, out: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if !continued || index > 0 {
            spaces(indent, out);
        }
        out.push_str("- ");
        match item {
            Yaml::List(items) if !items.is_empty() => list(items, indent + 2, true, out),
            Yaml::Map(members) if !members.is_empty() => map(members, indent + 2, true, out),
            other => scalar(other, indent + 2, out),
        }
    }
}

/// Writes members at this indentation; with `continued`, the first one continues a line.
fn map(members: &[(String, Yaml)], indent: usize, continued: bool, out: &mut String) {
    for (index, (key, value)) in members.iter().enumerate() {
        if !continued || index > 0 {
            spaces(indent, out);
        }
        if key.len() > KEY_BYTES {
            out.push_str("? ");
            text(key, out);
            out.push('\n');
            spaces(indent, out);
        } else {
            text(key, out);
        }
        out.push(':');
        match value {
            Yaml::List(items) if !items.is_empty() => {
                out.push('\n');
                list(items, indent + 2, false, out);
            }
            Yaml::Map(members) if !members.is_empty() => {
                out.push('\n');
                map(members, indent + 2, false, out);
            }
            other => {
                out.push(' ');
                scalar(other, indent + 2, out);
            }
        }
    }
}

/// Writes the rest of the current line. The lines of a block are indented by `indent`.
fn scalar(value: &Yaml, indent: usize, out: &mut String) {
    match value {
        Yaml::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Yaml::Whole(number) => out.push_str(&number.to_string()),
        Yaml::Block(lines) if fits_block(lines) => {
            out.push_str(if lines.ends_with('\n') { "|\n" } else { "|-\n" });
            for line in lines.lines() {
                if !line.is_empty() {
                    // A block at the top level must be indented too, or one of its lines could be
                    // parsed as the end of the document.
                    spaces(indent.max(2), out);
                    out.push_str(line);
                }
                out.push('\n');
            }
            return;
        }
        Yaml::Text(words) | Yaml::Block(words) => text(words, out),
        // Empty ones only.
        Yaml::List(_) => out.push_str("[]"),
        Yaml::Map(_) => out.push_str("{}"),
    }
    out.push('\n');
}

fn spaces(count: usize, out: &mut String) {
    out.extend(core::iter::repeat_n(' ', count));
}

/// Whether a `|` block preserves this string: its indentation is detected from its first line, and
/// it ends with one newline or none.
fn fits_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with(['\n', ' '])
        && !text.ends_with("\n\n")
        && text.chars().all(|character| character == '\n' || is_printable(character))
        && text.split('\n').all(|line| line.is_empty() || line.contains(|character| character != ' '))
}

/// Whether YAML allows this character unescaped, and does not treat it as a line break.
fn is_printable(character: char) -> bool {
    matches!(character,
        ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}'
        | '\u{10000}'..)
}

/// Writes a string on one line: plain, or in double quotes.
fn text(text: &str, out: &mut String) {
    if is_plain(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Nonprintable characters have at most four digits.
            other if !is_printable(other) => {
                out.push_str("\\u");
                for shift in [12, 8, 4, 0] {
                    out.extend(char::from_digit(u32::from(other) >> shift & 15, 16));
                }
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Whether every YAML parser reads this string unquoted as a string: names, paths, `host:port`,
/// durations.
fn is_plain(text: &str) -> bool {
    // Parsed as a boolean, null or number by some version of YAML or some parser.
    const WORDS: [&str; 13] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity", "none"];
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b':');
    if !text.bytes().all(safe) || text.ends_with(':') || text.len() > 200 {
        return false;
    }
    match text.bytes().next() {
        Some(b'0'..=b'9') => text.parse::<f64>().is_err() && PrometheusDuration::parse_strict(text).is_ok(),
        Some(b'/' | b'_') => true,
        Some(first) if first.is_ascii_alphabetic() => !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(written: &str) -> Value {
        serde_saphyr::from_str(written).unwrap_or_else(|error| panic!("{error}\n{written}"))
    }

    fn map_of(members: Vec<(&str, Yaml)>) -> Yaml {
        Yaml::Map(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    #[test]
    fn a_tree_is_written_in_block_style() {
        let tree = map_of(vec![
            ("interval", "15s".into()),
            ("flag", true.into()),
            ("text", "yes".into()),
            ("odd", "a: b # \"c\" \\ \u{7}\u{feff}é".into()),
            ("number", Yaml::Whole(-3)),
            ("empty", Yaml::List(Vec::new())),
            ("none", Yaml::Map(Vec::new())),
            (
                "jobs",
                Yaml::List(vec![
                    map_of(vec![("targets", Yaml::texts(["h:1".to_owned(), "[::1]:2".to_owned()])), ("a", "".into())]),
                    Yaml::List(vec!["x".into(), "1".into()]),
                ]),
            ),
            ("expr", Yaml::Block("sum by (a) (\n  x\n\n) > 1\n".into())),
            ("short", Yaml::Block("up == 0".into())),
            ("last", Yaml::Block("a\nb".into())),
        ]);
        let written = r#"interval: 15s
flag: true
text: "yes"
odd: "a: b # \"c\" \\ \u0007\ufeffé"
number: -3
empty: []
"none": {}
jobs:
  - targets:
      - h:1
      - "[::1]:2"
    a: ""
  - - x
    - "1"
expr: |
  sum by (a) (
    x

  ) > 1
short: "up == 0"
last: |-
  a
  b
"#;
        assert_eq!(tree.write(), written);
        assert_eq!(read(written), json!(tree));
    }

    #[test]
    fn ambiguous_strings_are_quoted() {
        for text in [
            "",
            "1",
            "1e5",
            "0x1f",
            "0b1",
            "1_000",
            "12:30",
            "2001-01-01",
            "~",
            "null",
            "True",
            "off",
            "N",
            ".inf",
            "nan",
            "-",
            "- a",
            "a:",
            "a #b",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "{a",
            "[a",
            "|",
            ">",
            "?",
            "<<",
            "=",
            " a",
            "a ",
            "---",
            "...",
            "1d1",
            "0o7",
            "190:20:30",
        ] {
            let written = Yaml::from(text).write();
            assert!(written.starts_with('"'), "{text:?} is written {written}");
            assert_eq!(read(&written), json!(text));
        }
        for text in ["15s", "1m30s", "localhost:8080", "127-a", "/metrics", "a.b-c_d/e"] {
            let written = Yaml::from(text).write();
            assert_eq!(written.starts_with('"'), text == "127-a", "{text:?} is written {written}");
        }
    }

    #[test]
    fn blocks_that_would_not_round_trip_are_quoted() {
        for text in ["\na", " a\nb", "a\n\n", "a\r\nb", "a\n \nb", "a\u{85}\nb", "\n", "\ta\nb", "a\n\tb"] {
            let written = map_of(vec![("k", Yaml::Block(text.into()))]).write();
            assert!(written.starts_with("k: \""), "{text:?} is written {written}");
            assert_eq!(read(&written), json!({"k": text}));
        }
        for text in ["a\nb", "a\n", "---\n...\n# x\n", "a\n\n  b"] {
            let tree = Yaml::Block(text.into());
            assert!(tree.write().starts_with('|'), "{text:?}");
            assert_eq!(read(&tree.write()), json!(text));
        }
    }

    #[test]
    fn other_documents_are_rejected() {
        let written = map_of(vec![("groups", Yaml::List(vec![map_of(vec![("name", "g".into())])]))]).write();
        assert!(super::read(&written).is_some());
        for text in [
            "groups:\n- name: g\n",
            "groups:\n  - name: g # comment\n",
            "groups:\n  - name: g\n    name: g\n\n",
            "# comment\ngroups: []\n",
            "groups: [a]\n",
            "groups: 'a'\n",
            "groups: []",
            "a: >\n  b\n",
            "a: yes\n",
            "",
        ] {
            assert_eq!(super::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_key_of_any_length_is_read_back() {
        let tree = map_of(vec![(&"k: ".repeat(1_000), map_of(vec![("a", Yaml::List(vec!["b".into()]))]))]);
        assert_eq!(read(&Yaml::List(vec![tree.clone()]).write()), json!([tree]));
    }

    fn trees() -> impl Strategy<Value = Yaml> {
        let texts = prop_oneof![any::<String>(), "[a-z0-9:#' \n\t-]{0,12}", "[ -~\n]{0,20}"];
        let leaf = prop_oneof![
            any::<bool>().prop_map(Yaml::Flag),
            any::<i64>().prop_map(Yaml::Whole),
            texts.clone().prop_map(Yaml::Text),
            texts.clone().prop_map(Yaml::Block),
        ];
        leaf.prop_recursive(4, 24, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Yaml::List),
                prop::collection::btree_map(texts.clone(), inner, 0..5)
                    .prop_map(|members| Yaml::Map(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_written_tree_parses_to_the_same_tree(tree in trees()) {
            let written = tree.write();
            let read = serde_saphyr::from_str::<Value>(&written);
            prop_assert_eq!(read.as_ref().ok(), Some(&json!(tree)), "{:?}\n{}", read, written);
            prop_assert_eq!(super::read(&written).as_ref().map(|yaml| json!(yaml)), Some(json!(tree)), "{}", written);
        }

        #[test]
        fn no_document_makes_the_parser_panic(text in any::<String>(), lines in "(( {0,4})(- |a:|\\? |\"x\":|\\|-?| b|\n){0,3}){0,12}\n") {
            let _ = super::read(&text);
            if let Some(tree) = super::read(&lines) {
                prop_assert_eq!(tree.write(), lines);
            }
        }
    }
}
