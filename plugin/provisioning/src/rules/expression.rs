//! Checks of PromQL expressions without a server: balanced brackets and quotes, and the most
//! frequent mistake. Parsing is left to the server.

use plugpipe_contract::time::PrometheusDuration;

/// A mistake in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Position, problem, and what was expected.
    pub message: String,
    /// The corrected expression, if the intent is clear.
    pub corrected: Option<String>,
}

impl From<String> for Mistake {
    fn from(message: String) -> Self {
        Self { message, corrected: None }
    }
}

/// Checks an expression. The mistake says what was expected.
pub fn check(expression: &str) -> Result<(), Mistake> {
    if expression.trim().is_empty() {
        return Err("is empty; expected a PromQL expression".to_owned().into());
    }
    brackets(expression)?;
    match by_after_call(expression) {
        Some(mistake) => Err(mistake),
        None => Ok(()),
    }
}

/// A token, and where it begins.
struct RawToken<'e> {
    at: usize,
    text: &'e str,
}

/// Words and single brackets, without strings and comments. Fails on an unclosed quote.
fn tokens(expression: &str) -> Result<Vec<RawToken<'_>>, String> {
    let bytes = expression.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let begin = at;
        match byte {
            b'"' | b'\'' | b'`' => {
                at += 1;
                loop {
                    match bytes.get(at) {
                        None => {
                            return Err(format!("column {}: the quote {} is not closed", begin + 1, char::from(byte)));
                        }
                        Some(b'\\') if byte != b'`' => at += 2,
                        Some(&end) if end == byte => break,
                        Some(_) => at += 1,
                    }
                }
                at += 1;
            }
            b'#' => {
                while bytes.get(at).is_some_and(|byte| *byte != b'\n') {
                    at += 1;
                }
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b':' => {
                while bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')) {
                    at += 1;
                }
                tokens.push(RawToken { at: begin, text: expression.get(begin..at).unwrap_or_default() });
            }
            b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' => {
                at += 1;
                tokens.push(RawToken { at: begin, text: expression.get(begin..at).unwrap_or_default() });
            }
            _ => {
                at += 1;
                // Of operators and numbers, only their presence matters.
                if !byte.is_ascii_whitespace() && expression.is_char_boundary(begin) && expression.is_char_boundary(at)
                {
                    tokens.push(RawToken { at: begin, text: expression.get(begin..at).unwrap_or_default() });
                }
            }
        }
    }
    Ok(tokens)
}

fn brackets(expression: &str) -> Result<(), String> {
    let mut open: Vec<(&str, usize)> = Vec::new();
    for token in tokens(expression)? {
        match token.text {
            "(" | "[" | "{" => open.push((token.text, token.at)),
            ")" | "]" | "}" => {
                let opened = match token.text {
                    ")" => "(",
                    "]" => "[",
                    _ => "{",
                };
                match open.pop() {
                    Some((last, _)) if last == opened => {}
                    Some((last, at)) => {
                        return Err(format!(
                            "column {}: {} does not match the {last} in column {}",
                            token.at + 1,
                            token.text,
                            at + 1
                        ));
                    }
                    None => return Err(format!("column {}: unmatched {}", token.at + 1, token.text)),
                }
            }
            _ => {}
        }
    }
    match open.pop() {
        Some((bracket, at)) => Err(format!("column {}: {bracket} is not closed", at + 1)),
        None => Ok(()),
    }
}

/// The aggregation operators, which accept `by` and `without`.
const AGGREGATIONS: [&str; 14] = [
    "sum",
    "min",
    "max",
    "avg",
    "group",
    "stddev",
    "stdvar",
    "count",
    "count_values",
    "bottomk",
    "topk",
    "quantile",
    "limitk",
    "limit_ratio",
];

/// Detects `rate(x[5m]) by (label)`, which groups a function that is not an aggregation, and
/// corrects it.
fn by_after_call(expression: &str) -> Option<Mistake> {
    let tokens = tokens(expression).ok()?;
    // For each open bracket: the index of the function before it.
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut closed: Option<usize> = None;
    for (index, token) in tokens.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| tokens.get(before));
        match token.text {
            "(" => {
                let called = before.filter(|word| word.text.starts_with(|c: char| c.is_ascii_alphabetic()));
                open.push(called.and_then(|_| index.checked_sub(1)));
                closed = None;
            }
            "[" | "{" => open.push(None),
            ")" => closed = open.pop().flatten(),
            "]" | "}" => {
                open.pop();
                closed = None;
            }
            word => {
                let grouping = word.eq_ignore_ascii_case("by") || word.eq_ignore_ascii_case("without");
                let called = closed.take().and_then(|called| tokens.get(called));
                if grouping && before.is_some_and(|before| before.text == ")")
                    && let Some(function) = called
                    && !AGGREGATIONS.iter().any(|name| name.eq_ignore_ascii_case(function.text))
                    // In `sum by (a) (x)` no call precedes `by`; `on`, `ignoring` and the like are
                    // no functions.
                    && !["by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless"]
                        .iter()
                        .any(|name| name.eq_ignore_ascii_case(function.text))
                {
                    let labels = labels_after(expression, token.at + word.len())?;
                    let call = expression.get(function.at..token.at)?.trim_end();
                    let form = format!("sum {word} {labels} ({call})");
                    let (before, after) = (expression.get(..function.at)?, expression.get(token.at..)?);
                    let corrected = after.split_once(')').map(|(_, after)| format!("{before}{form}{after}"));
                    let (column, name) = (token.at + 1, function.text);
                    let message = format!(
                        "column {column}: {word} requires an aggregation, and {name} is not one; you probably mean: {form}"
                    );
                    return Some(Mistake { message, corrected });
                }
            }
        }
    }
    None
}

/// `(a, b)` at or after `from`, after white space.
fn labels_after(expression: &str, from: usize) -> Option<&str> {
    let rest = expression.get(from..)?.trim_start();
    let end = rest.find(')')?;
    rest.starts_with('(').then(|| rest.get(..=end)).flatten()
}

/// A normalized token.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A name or keyword; keywords are in lower case.
    Word(String),
    /// A number, by its bits.
    Number(u64),
    /// A duration in milliseconds.
    Duration(u64),
    /// A string without its quotes.
    Text(String),
    /// Anything else.
    Sign(u8),
}

/// Whether two expressions are equal except for white space, comments, quotes, the notation of
/// numbers and durations, and the position of `by` and `without`, since servers return expressions
/// reformatted. May return false for equal expressions with subtler differences.
pub fn same(one: &str, other: &str) -> bool {
    one == other || normalize(one).is_some_and(|one| Some(one) == normalize(other))
}

fn normalize(expression: &str) -> Option<Vec<Token>> {
    let mut tokens: Vec<Token> = Vec::new();
    let bytes = expression.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let begin = at;
        match byte {
            b'"' | b'\'' | b'`' => {
                let (text, end) = quoted(expression, at)?;
                tokens.push(Token::Text(text));
                at = end;
            }
            b'#' => {
                while bytes.get(at).is_some_and(|byte| *byte != b'\n') {
                    at += 1;
                }
            }
            b'0'..=b'9' | b'.' => {
                while bytes.get(at).is_some_and(|byte| {
                    byte.is_ascii_alphanumeric()
                        || *byte == b'.'
                        || (matches!(byte, b'+' | b'-')
                            && at > begin
                            && bytes.get(at - 1).is_some_and(|before| matches!(before, b'e' | b'E'))
                            && !bytes.get(begin..at).is_some_and(|so_far| so_far.starts_with(b"0x")))
                }) {
                    at += 1;
                }
                let text = expression.get(begin..at)?;
                tokens.push(match (text.parse::<f64>(), PrometheusDuration::parse_strict(text)) {
                    (Ok(number), _) => Token::Number(number.to_bits()),
                    (_, Ok(duration)) => Token::Duration(duration.as_millis()),
                    _ => Token::Word(text.to_owned()),
                });
            }
            _ if byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80 => {
                while bytes
                    .get(at)
                    .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':') || *byte >= 0x80)
                {
                    at += 1;
                }
                let word = expression.get(begin..at)?;
                let lower = word.to_ascii_lowercase();
                let keyword = KEYWORDS.contains(&&*lower) || AGGREGATIONS.contains(&&*lower);
                tokens.push(match &*lower {
                    "inf" => Token::Number(f64::INFINITY.to_bits()),
                    "nan" => Token::Number(f64::NAN.to_bits()),
                    _ => Token::Word(if keyword { lower } else { word.to_owned() }),
                });
            }
            _ if byte.is_ascii_whitespace() => at += 1,
            sign => {
                at += 1;
                if matches!(sign, b')' | b'}') && tokens.last() == Some(&Token::Sign(b',')) {
                    tokens.pop();
                }
                tokens.push(Token::Sign(sign));
            }
        }
    }
    Some(grouping_first(tokens))
}

const KEYWORDS: [&str; 14] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "atan2",
    "start",
    "end",
];

/// Parses the string that begins at `at`; returns it with its end.
fn quoted(expression: &str, at: usize) -> Option<(String, usize)> {
    let rest = expression.get(at..)?;
    let mut characters = rest.char_indices();
    let (_, quote) = characters.next()?;
    let mut text = String::new();
    while let Some((offset, character)) = characters.next() {
        if character == quote {
            return Some((text, at + offset + character.len_utf8()));
        }
        if character == '\\' && quote != '`' {
            match characters.next()?.1 {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                escaped @ ('\\' | '"' | '\'') => text.push(escaped),
                // Keep other escapes; both sides have them.
                other => text.extend(['\\', other]),
            }
        } else {
            text.push(character);
        }
    }
    None
}

/// Rewrites `sum(x) by (a)` as `sum by (a) (x)`.
fn grouping_first(mut tokens: Vec<Token>) -> Vec<Token> {
    let word = |token: Option<&Token>, words: &[&str]| matches!(token, Some(Token::Word(word)) if words.contains(&word.as_str()));
    let mut index = 0;
    while index < tokens.len() {
        let after_call = index > 0 && tokens.get(index - 1) == Some(&Token::Sign(b')'));
        if after_call
            && word(tokens.get(index), &["by", "without"])
            && let Some(open) = matching_open(&tokens, index - 1)
            && let Some(name) = open.checked_sub(1)
            && word(tokens.get(name), &AGGREGATIONS)
            && let Some(end) = (index..tokens.len()).find(|place| tokens.get(*place) == Some(&Token::Sign(b')')))
        {
            let clause: Vec<Token> = tokens.drain(index..=end).collect();
            tokens.splice(open..open, clause);
            index = end;
        }
        index += 1;
    }
    tokens
}

/// The bracket matching the one at `close`.
fn matching_open(tokens: &[Token], close: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().take(close + 1).rev() {
        match token {
            Token::Sign(b')') => depth += 1,
            Token::Sign(b'(') => {
                depth -= 1;
                if depth == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{check, same};

    #[test]
    fn a_servers_own_form_of_an_expression_is_the_same() {
        for (ours, theirs) in [
            ("up==0", "up == 0"),
            ("rate(x{a='b'}[60s])>1e9 # why", "rate(x{a=\"b\"}[1m]) > 1e+09"),
            ("sum(rate(x[5m])) by (job,)", "sum by (job) (rate(x[5m]))"),
            ("SUM(max(x) by (a)) without(b)", "sum without (b) (max by (a) (x))"),
            ("x offset 90m", "x offset 1h30m"),
            ("a{b=`c\\d`}", "a{b=\"c\\\\d\"}"),
            ("x > +Inf", "x > +Inf"),
            ("topk(3, sum(x) by (a))", "topk(3, sum by (a) (x))"),
        ] {
            assert!(same(ours, theirs), "{ours} {theirs}");
        }
        for (one, other) in [
            ("up == 0", "up == 1"),
            ("rate(x[5m])", "rate(x[6m])"),
            ("x{a=\"b\"}", "x{a=\"B\"}"),
            ("sum by (a) (x)", "sum by (b) (x)"),
            ("X", "x"),
            ("a b", "ab"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn by_after_a_function_is_corrected() {
        for (wrong, right) in [
            ("rate(x[5m]) by (label)", "sum by (label) (rate(x[5m]))"),
            (
                "rate(plugpipe_plugin_errors_total[5m]) by (plugin_name) > 0.1",
                "sum by (plugin_name) (rate(plugpipe_plugin_errors_total[5m]))",
            ),
            (
                "1 - (increase(a{b=\") by (\"}[1h]) without (c, d))",
                "sum without (c, d) (increase(a{b=\") by (\"}[1h]))",
            ),
        ] {
            let problem = check(wrong).unwrap_err().message;
            assert!(problem.ends_with(&format!(": {right}")), "{problem}");
        }
    }

    #[test]
    fn valid_expressions_are_accepted() {
        for expression in [
            "up",
            "sum(rate(x[5m])) by (label)",
            "sum by (label) (rate(x[5m]))",
            "topk(3, rate(x[5m])) by (job)",
            "SUM(x) BY (job)",
            "a * on (job) group_left (b) c",
            "sum(rate(plugpipe_auth_attempts_total{status='failure'}[1h])) by (method)",
            "rate(by[5m]) > 0.1",
            "{\"my.metric\", l=~\"(\"} # a comment with (\n > 1",
            "histogram_quantile(0.95, sum(rate(x_bucket[5m])) by (le)) > 30",
        ] {
            assert_eq!(check(expression), Ok(()), "{expression}");
        }
    }

    #[test]
    fn brackets_and_quotes_must_close() {
        for (expression, column) in [
            ("rate(x[5m)", "column 10"),
            ("sum(x", "column 4"),
            ("x)", "column 2"),
            ("x{a=\"b}", "column 5"),
            ("x]", "column 2"),
        ] {
            let problem = check(expression).unwrap_err().message;
            assert!(problem.starts_with(column), "{problem}");
        }
        assert!(check(" \n").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), brackets in "[\\[\\](){}by \"'a,]{0,40}") {
            let _ = check(&text);
            let _ = check(&brackets);
            prop_assert!(same(&text, &text));
            let _ = same(&text, &brackets);
        }
    }
}
