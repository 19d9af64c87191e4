//! What pipes write and the engine does not know, as the engine's own syntax: references such as
//! `${inputs.x}`, `||` and `&&`, `a ? b : c`, `.length`, and expressions that belong to Prometheus.
//!
//! This only finds the ends of tags and replaces operators outside quotes; the engine reads the
//! expressions.

use std::borrow::Cow;

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Piece<'t> {
    /// Text between tags.
    Text(&'t str),
    /// A tag with its braces; a raw block whole; an unclosed tag up to the end.
    Tag(Tag, &'t str),
    /// What `${…}` has between its braces.
    Reference(&'t str),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tag {
    Expression,
    Statement,
    Comment,
}

/// What a reference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reference<'t> {
    /// `${NAME}`, `${env:NAME}` or `${env:NAME:default}`.
    Env { name: &'t str, default: Option<&'t str> },
    /// `${SCHEME:…}` with another scheme.
    Other { scheme: &'t str },
    /// An expression, as between `{{ }}`.
    Expression,
}

impl<'t> Reference<'t> {
    /// Reads what stands between the braces. `defines` tells names of templates, which take
    /// precedence over the environment.
    pub(super) fn read(inner: &'t str, defines: impl Fn(&str) -> bool) -> Self {
        let inner = inner.trim();
        match inner.split_once(':') {
            Some(("env", rest)) => {
                let (name, default) = match rest.split_once(':') {
                    Some((name, default)) => (name, Some(default)),
                    None => (rest, None),
                };
                Self::Env { name: name.trim(), default }
            }
            Some((scheme, _)) if is_name(scheme) => Self::Other { scheme },
            _ if is_name(inner) && !defines(inner) => Self::Env { name: inner, default: None },
            _ => Self::Expression,
        }
    }
}

/// The parts of a template, in order.
pub(super) fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    let mut pending: Option<Piece<'_>> = None;
    std::iter::from_fn(move || {
        if let Some(piece) = pending.take() {
            return Some(piece);
        }
        if rest.is_empty() {
            return None;
        }
        let Some((at, piece, length)) = next_piece(rest) else {
            return Some(Piece::Text(std::mem::take(&mut rest)));
        };
        let text = rest.get(..at).unwrap_or_default();
        rest = rest.get(at + length..).unwrap_or_default();
        if text.is_empty() {
            return Some(piece);
        }
        pending = Some(piece);
        Some(Piece::Text(text))
    })
}

/// The next tag or reference, where it begins, and its length.
fn next_piece(text: &str) -> Option<(usize, Piece<'_>, usize)> {
    let bytes = text.as_bytes();
    text.match_indices(['{', '$']).find_map(|(at, _)| {
        let from = text.get(at..)?;
        match (bytes.get(at)?, bytes.get(at + 1)?, bytes.get(at + 2)) {
            // `${{` is a dollar sign and a tag.
            (b'$', b'{', third) if !matches!(third, Some(b'{' | b'%' | b'#')) => {
                let end = closing(from, "}")?;
                Some((at, Piece::Reference(from.get(2..end - 1)?), end))
            }
            (b'{', b'{', _) => Some(tag(at, from, Tag::Expression)),
            (b'{', b'%', _) => Some(tag(at, from, Tag::Statement)),
            (b'{', b'#', _) => Some(tag(at, from, Tag::Comment)),
            _ => None,
        }
    })
}

fn tag(at: usize, from: &str, tag: Tag) -> (usize, Piece<'_>, usize) {
    // An unclosed tag extends to the end.
    let length = tag_length(from, tag).unwrap_or(from.len());
    (at, Piece::Tag(tag, from.get(..length).unwrap_or(from)), length)
}

/// Length in bytes of the tag at the start of `text`, including its braces; up to and including
/// `endraw` for a raw block.
fn tag_length(text: &str, tag: Tag) -> Option<usize> {
    match tag {
        Tag::Expression => closing(text, "}}"),
        Tag::Comment => text.find("#}").map(|at| at + 2),
        Tag::Statement => {
            let end = closing(text, "%}")?;
            if statement_name(text.get(..end)?) != "raw" {
                return Some(end);
            }
            text.match_indices("{%").find_map(|(at, _)| {
                let candidate = text.get(at..)?;
                let length = candidate.find("%}")? + 2;
                (statement_name(candidate.get(..length)?) == "endraw").then_some(at + length)
            })
        }
    }
}

/// What a statement has between its braces.
pub(super) fn statement_name(statement: &str) -> &str {
    statement.trim_start_matches("{%").trim_end_matches("%}").trim_matches(['-', '+']).trim()
}

/// The end of the first `close` outside quotes, after the two opening bytes.
fn closing(text: &str, close: &str) -> Option<usize> {
    let mut quotes = Quotes::default();
    text.char_indices().skip(2).find_map(|(at, character)| {
        let closes = !quotes.inside(character) && text.get(at..).is_some_and(|rest| rest.starts_with(close));
        closes.then_some(at + close.len())
    })
}

/// Follows quotes through a text.
#[derive(Default)]
struct Quotes {
    open: Option<char>,
    escaped: bool,
}

impl Quotes {
    /// Whether the character is in quotes, or one of them.
    fn inside(&mut self, character: char) -> bool {
        match self.open {
            Some(_) if self.escaped => self.escaped = false,
            Some(_) if character == '\\' => self.escaped = true,
            Some(open) if character == open => self.open = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'' | '`') => self.open = Some(character),
            None => return false,
        }
        true
    }
}

/// A tag in the engine's syntax. `{{ $… }}` becomes a literal: it belongs to Prometheus, because no
/// name of a pipe begins with `$`.
pub(super) fn tag_for_engine(tag: Tag, source: &str) -> Cow<'_, str> {
    match tag {
        Tag::Expression if source.len() > 3 && source.ends_with("}}") && is_prometheus(source) => {
            Cow::Owned(format!("{{{{ {} }}}}", quoted(source)))
        }
        Tag::Expression => match source.get(2..source.len().saturating_sub(2)) {
            Some(inner) if source.ends_with("}}") => match expression(inner) {
                Cow::Borrowed(_) => Cow::Borrowed(source),
                Cow::Owned(inner) => Cow::Owned(format!("{{{{{inner}}}}}")),
            },
            _ => Cow::Borrowed(source),
        },
        Tag::Statement if statement_name(source).split_whitespace().next() != Some("raw") => operators(source),
        Tag::Statement | Tag::Comment => Cow::Borrowed(source),
    }
}

/// A string as a literal of an expression.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn is_prometheus(expression: &str) -> bool {
    expression.trim_start_matches("{{").trim_start_matches(['-', '+']).trim_start().starts_with('$')
}

/// An expression in the engine's syntax.
pub(super) fn expression(source: &str) -> Cow<'_, str> {
    // Signs that trim white space belong to the tag.
    let begin = source.len() - source.trim_start_matches(['-', '+']).len();
    let Some((condition, rest)) = split_outside(source, '?') else { return operators(source) };
    let Some((when_true, when_false)) = split_choice(rest) else { return operators(source) };
    let (signs, condition) = condition.split_at_checked(begin).unwrap_or(("", condition));
    let end = when_false.len() - when_false.chars().rev().take_while(|sign| matches!(sign, '-' | '+')).count();
    let (when_false, closing) = when_false.split_at_checked(end).unwrap_or((when_false, ""));
    Cow::Owned(format!(
        "{signs} ({}) if ({}) else ({}) {closing}",
        expression(when_true),
        operators(condition),
        expression(when_false)
    ))
}

/// Splits at the first `at` outside quotes and brackets.
fn split_outside(source: &str, at: char) -> Option<(&str, &str)> {
    let (mut quotes, mut depth) = (Quotes::default(), 0_usize);
    let found = source.char_indices().find(|(_, character)| {
        if quotes.inside(*character) {
            return false;
        }
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && *character == at
    });
    let (index, _) = found?;
    Some((source.get(..index)?, source.get(index + at.len_utf8()..)?))
}

/// Splits `b : c` at the colon that belongs to the question mark before it.
fn split_choice(source: &str) -> Option<(&str, &str)> {
    let (mut quotes, mut depth, mut questions) = (Quotes::default(), 0_usize, 0_usize);
    for (index, character) in source.char_indices() {
        if quotes.inside(character) {
            continue;
        }
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '?' if depth == 0 => questions += 1,
            ':' if depth == 0 && questions > 0 => questions -= 1,
            ':' if depth == 0 => return Some((source.get(..index)?, source.get(index + 1..)?)),
            _ => {}
        }
    }
    None
}

/// Replaces operators of other languages outside quotes.
fn operators(source: &str) -> Cow<'_, str> {
    const OPERATORS: [(&str, &str); 4] = [("||", " or "), ("&&", " and "), (".length", "|length_of"), ("!", " not ")];
    if !OPERATORS.iter().any(|(operator, _)| source.contains(operator)) {
        return Cow::Borrowed(source);
    }
    let mut out = String::with_capacity(source.len() + 16);
    let mut quotes = Quotes::default();
    let mut skip = 0;
    for (at, character) in source.char_indices() {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let rest = source.get(at..).unwrap_or_default();
        let found = OPERATORS.iter().find(|(operator, _)| {
            rest.strip_prefix(operator).is_some_and(|after| {
                let next = after.chars().next();
                match *operator {
                    "!" => next != Some('='),
                    // Not the beginning of another name, and no call.
                    ".length" => !next.is_some_and(|next| next.is_alphanumeric() || matches!(next, '_' | '(')),
                    _ => true,
                }
            })
        });
        match found {
            _ if quotes.inside(character) => out.push(character),
            Some((operator, replacement)) => {
                out.push_str(replacement);
                skip = operator.chars().count() - 1;
            }
            None => out.push(character),
        }
    }
    Cow::Owned(out)
}

/// Whether the text is a path of a template, such as `x_result.items[0].name`.
pub(super) fn is_path(text: &str) -> bool {
    !text.is_empty()
        && text.split('.').all(|part| {
            let (name, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
            let is_index = |index: &str| {
                index.strip_suffix(']').is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
            };
            is_name(name) && indices.split('[').skip(1).all(is_index)
        })
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_split_into_tags_references_and_text() {
        use Piece::{Reference, Tag as T, Text};
        let split: Vec<Piece<'_>> = pieces("a {{ '}}' }}${x}${{ y }}{% raw %}${z}{% endraw %}$ {# ${c} #}${").collect();
        assert_eq!(
            split,
            [
                Text("a "),
                T(Tag::Expression, "{{ '}}' }}"),
                Reference("x"),
                Text("$"),
                T(Tag::Expression, "{{ y }}"),
                T(Tag::Statement, "{% raw %}${z}{% endraw %}"),
                Text("$ "),
                T(Tag::Comment, "{# ${c} #}"),
                Text("${"),
            ]
        );
    }

    #[test]
    fn references_are_told_apart() {
        let read = |inner| Reference::read(inner, |name| name == "known");
        let env = |name, default| Reference::Env { name, default };
        assert_eq!([read("NAME"), read("env:NAME")], [env("NAME", None); 2]);
        assert_eq!(read("env:NAME:a:b"), env("NAME", Some("a:b")));
        assert_eq!(read("vault:a/b"), Reference::Other { scheme: "vault" });
        for expression in ["known", "inputs.x", "a.b == 'x:y'", "a.b ? 1 : 2", "a.b && c.d"] {
            assert_eq!(read(expression), Reference::Expression, "{expression}");
        }
    }

    #[test]
    fn operators_of_other_languages_are_replaced_outside_quotes() {
        for (source, expected) in [
            ("a || b && !c != '||'", "a  or  b  and   not c != '||'"),
            ("a.b.length > 0", "a.b|length_of > 0"),
            ("a.lengthy + a.length_ + a.length() + '.length'", "a.lengthy + a.length_ + a.length() + '.length'"),
            ("a ? b : c", " ( b ) if (a ) else ( c) "),
            ("-a ? 'x:?' : {'k': 1}-", "- ( 'x:?' ) if (a ) else ( {'k': 1}) -"),
            ("f(a ? b : c)", "f(a ? b : c)"),
            ("{'a': 1}", "{'a': 1}"),
        ] {
            assert_eq!(expression(source), expected, "{source}");
        }
        assert_eq!(expression("a ? b : c ? d : e"), " ( b ) if (a ) else ( ( d ) if ( c ) else ( e) ) ");
    }

    #[test]
    fn paths_are_told_from_words() {
        for text in ["a", "a_result.b", "a.b[0].length", "a[0][1]"] {
            assert!(is_path(text), "{text}");
        }
        for text in ["", "a b", "a-b", "1", "a..b", "a[x]", "a.", "https://h/a.b"] {
            assert!(!is_path(text), "{text}");
        }
    }
}
