//! Escaping schemes of Prometheus 3 for names outside the classic character set (letters,
//! digits, `_` and `:`), and quoting of names and values in the text formats.
//!
//! Any UTF-8 string is a valid name in Prometheus 3. A client that supports only classic names
//! requests an escaping in its `Accept` header (see [`super::negotiate`]); the encoders then apply
//! [`Escaping`] to every name. Two names may become equal that way (`a.b` and `a_b` under
//! [`Escaping::Underscores`]); this module does not detect that.
//!
//! | scheme | `http.status_code` becomes | reversible |
//! |---|---|---|
//! | `allow-utf-8` | `http.status_code`, quoted in text formats | unchanged |
//! | `underscores` | `http_status_code` | no |
//! | `dots` | `http_dot_status__code`; any other character `__` | not if there were other characters |
//! | `values` | `U__http_2e_status__code` | yes, see [`unescape_values`] |
//!
//! Sources: prometheus.io/docs/instrumenting/escaping_schemes; where it differs from the reference
//! implementation (`EscapeName` in prometheus/common), this follows the implementation: `dots`
//! writes two underscores for an invalid character, and hexadecimal is lower case. In a
//! label name `:` is invalid: no text parser accepts it there without quotes.

use std::borrow::Cow;

/// How names are escaped for a client. The default is the documented one for clients that request
/// none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Escaping {
    /// Names are unchanged.
    AllowUtf8,
    /// Every invalid character becomes `_`.
    #[default]
    Underscores,
    /// `.` becomes `_dot_`, `_` becomes `__`, and every other invalid character becomes
    /// `__`. Valid names change too; otherwise `_dot_` would be ambiguous.
    Dots,
    /// Names with invalid characters get the prefix `U__`; each such character becomes
    /// `_<hexadecimal code point>_`, and `_` becomes `__`.
    Values,
}

impl Escaping {
    /// The scheme's name in `escaping=`.
    pub fn name(self) -> &'static str {
        match self {
            Escaping::AllowUtf8 => "allow-utf-8",
            Escaping::Underscores => "underscores",
            Escaping::Dots => "dots",
            Escaping::Values => "values",
        }
    }

    /// The scheme with that name. Also accepts `allow-utf8`, which Prometheus's documentation used
    /// for a while.
    pub fn from_name(name: &str) -> Option<Escaping> {
        match name {
            "allow-utf-8" | "allow-utf8" => Some(Escaping::AllowUtf8),
            "underscores" => Some(Escaping::Underscores),
            "dots" => Some(Escaping::Dots),
            "values" => Some(Escaping::Values),
            _ => None,
        }
    }

    /// Escapes a metric name. An empty name stays empty.
    pub fn metric_name(self, name: &str) -> Cow<'_, str> {
        self.escaped(name, true)
    }

    /// Escapes a label name. An empty name stays empty.
    pub fn label_name(self, name: &str) -> Cow<'_, str> {
        self.escaped(name, false)
    }

    fn escaped(self, name: &str, colon: bool) -> Cow<'_, str> {
        let untouched = match self {
            Escaping::AllowUtf8 => true,
            Escaping::Dots => is_plain(name, colon) && !name.contains('_'),
            Escaping::Underscores | Escaping::Values => is_plain(name, colon),
        };
        if untouched || name.is_empty() {
            return Cow::Borrowed(name);
        }
        let mut escaped = String::with_capacity(name.len() * 2);
        if self == Escaping::Values {
            escaped.push_str("U__");
        }
        for (at, character) in name.char_indices() {
            match (self, character) {
                (Escaping::Dots | Escaping::Values, '_') => escaped.push_str("__"),
                (Escaping::Dots, '.') => escaped.push_str("_dot_"),
                _ if is_plain_at(character, at, colon) => escaped.push(character),
                (Escaping::Values, _) => push_code_point(character, &mut escaped),
                (Escaping::Dots, _) => escaped.push_str("__"),
                _ => escaped.push('_'),
            }
        }
        Cow::Owned(escaped)
    }
}

fn push_code_point(character: char, escaped: &mut String) {
    escaped.push('_');
    let code = u32::from(character);
    let nibbles = (32 - code.leading_zeros()).div_ceil(4).max(1);
    escaped.extend((0..nibbles).rev().filter_map(|nibble| char::from_digit(code >> (4 * nibble) & 0xf, 16)));
    escaped.push('_');
}

/// Reverses [`Escaping::Values`]. `None` if `escaped` is not its output: it does not begin with
/// `U__`, has a lone `_`, or an invalid code point. A valid name that begins with `U__` is not
/// changed by the escaping, so it may not round-trip.
pub fn unescape_values(escaped: &str) -> Option<String> {
    let mut rest = escaped.strip_prefix("U__")?;
    let mut name = String::with_capacity(rest.len());
    while let Some((plain, after)) = rest.split_once('_') {
        name.push_str(plain);
        let (code, after) = after.split_once('_')?;
        name.push(if code.is_empty() { '_' } else { parse_code_point(code)? });
        rest = after;
    }
    name.push_str(rest);
    Some(name)
}

fn parse_code_point(code: &str) -> Option<char> {
    // The last code point has six digits; `from_str_radix` alone would also accept a sign.
    let digits = code.len() <= 6 && code.bytes().all(|digit| digit.is_ascii_hexdigit());
    digits.then(|| u32::from_str_radix(code, 16).ok()).flatten().and_then(char::from_u32)
}

/// Whether it is a classic metric name, valid for any client: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub fn is_plain_metric_name(name: &str) -> bool {
    is_plain(name, true)
}

/// Whether it is a classic label name, valid for any client: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_plain_label_name(name: &str) -> bool {
    is_plain(name, false)
}

fn is_plain(name: &str, colon: bool) -> bool {
    !name.is_empty() && name.char_indices().all(|(at, character)| is_plain_at(character, at, colon))
}

fn is_plain_at(character: char, at: usize, colon: bool) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' | '_' => true,
        ':' => colon,
        '0'..='9' => at > 0,
        _ => false,
    }
}

/// Appends a metric name and a suffix for a `# TYPE`, `# HELP` or `# UNIT` line, quoted if
/// necessary.
pub fn write_metric_name(name: &str, suffix: &str, out: &mut Vec<u8>) {
    if is_plain_metric_name(name) {
        out.extend_from_slice(name.as_bytes());
        return out.extend_from_slice(suffix.as_bytes());
    }
    out.push(b'"');
    write_escaped(name.as_bytes(), true, out);
    out.extend_from_slice(suffix.as_bytes());
    out.push(b'"');
}

/// Appends a sample's name and labels, names quoted if necessary: `up{a="x"}`,
/// `{"my.up","my.a"="x"}`, `up`. `labels` is the output of [`write_label`] for each label, or
/// empty.
pub fn write_sample_name(name: &str, suffix: &str, labels: &[u8], out: &mut Vec<u8>) {
    let inside = !is_plain_metric_name(name);
    if inside {
        out.push(b'{');
    }
    write_metric_name(name, suffix, out);
    if !labels.is_empty() {
        out.push(if inside { b',' } else { b'{' });
        out.extend_from_slice(labels);
    }
    if inside || !labels.is_empty() {
        out.push(b'}');
    }
}

/// Appends `name="value"`, preceded by a comma if `out` is not empty; the name is quoted if
/// necessary.
// Inlining it at its many call sites would add kilobytes to the component.
#[inline(never)]
pub fn write_label(name: &str, value: &str, out: &mut Vec<u8>) {
    write_label_name(name, out);
    out.extend_from_slice(b"=\"");
    write_escaped(value.as_bytes(), true, out);
    out.push(b'"');
}

/// Appends a label name, preceded by a comma if `out` is not empty; quoted if necessary.
pub fn write_label_name(name: &str, out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b',');
    }
    if is_plain_label_name(name) {
        return out.extend_from_slice(name.as_bytes());
    }
    out.push(b'"');
    write_escaped(name.as_bytes(), true, out);
    out.push(b'"');
}

/// Appends text with backslashes and line feeds escaped and, if `quote` is set, double quotes.
#[inline(never)]
pub fn write_escaped(text: &[u8], quote: bool, out: &mut Vec<u8>) {
    let special = |byte: &u8| matches!(byte, b'\\' | b'\n') || (*byte == b'"' && quote);
    if !text.iter().any(special) {
        return out.extend_from_slice(text);
    }
    for byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' if quote => out.extend_from_slice(b"\\\""),
            other => out.push(*other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn schemes_match_the_reference_implementation() {
        for (name, underscores, dots, values) in [
            ("", "", "", ""),
            ("no:escaping_required", "no:escaping_required", "no:escaping__required", "no:escaping_required"),
            (
                "sys.prod.load_total",
                "sys_prod_load_total",
                "sys_dot_prod_dot_load__total",
                "U__sys_2e_prod_2e_load__total",
            ),
            ("http.status:sum", "http_status:sum", "http_dot_status:sum", "U__http_2e_status:sum"),
            ("label with 😱", "label_with__", "label__with____", "U__label_20_with_20__1f631_"),
            ("花火", "__", "____", "U___82b1__706b_"),
            ("label with \u{100}", "label_with__", "label__with____", "U__label_20_with_20__100_"),
            ("1st", "_st", "__st", "U___31_st"),
            ("\0", "_", "__", "U___0_"),
        ] {
            assert_eq!(Escaping::AllowUtf8.metric_name(name), name);
            assert_eq!(Escaping::Underscores.metric_name(name), underscores);
            assert_eq!(Escaping::Dots.metric_name(name), dots);
            assert_eq!(Escaping::Values.metric_name(name), values);
        }
    }

    #[test]
    fn a_colon_is_invalid_only_in_labels() {
        assert_eq!(Escaping::Underscores.label_name("a:b"), "a_b");
        assert_eq!(Escaping::Values.label_name("a:b"), "U__a_3a_b");
        assert_eq!(Escaping::Values.metric_name("a:b"), "a:b");
    }

    #[test]
    fn invalid_escapes_are_not_unescaped() {
        for (escaped, name) in [
            ("U__no:unescapingrequired", Some("no:unescapingrequired")),
            ("U__capitals_2E_ok", Some("capitals.ok")),
            ("U__underscores__doubled__", Some("underscores_doubled_")),
            ("U__", Some("")),
            ("plain", None),
            ("", None),
            ("U__underscores_doubled_", None),
            ("U__underscores__doubled_", None),
            ("U__attempt_872348732fabdabbab_", None),
            ("U__trailing_2e", None),
            ("U__utf_2eg_", None),
            ("U__sign_+2e_", None),
            ("U__surrogate_D900_", None),
            ("U__beyond_110000_", None),
        ] {
            assert_eq!(unescape_values(escaped).as_deref(), name, "{escaped}");
        }
    }

    #[test]
    fn scheme_names_match_the_header() {
        for scheme in [Escaping::AllowUtf8, Escaping::Underscores, Escaping::Dots, Escaping::Values] {
            assert_eq!(Escaping::from_name(scheme.name()), Some(scheme));
        }
        assert_eq!(Escaping::from_name("allow-utf8"), Some(Escaping::AllowUtf8));
        assert_eq!(Escaping::from_name("UNDERSCORES"), None);
    }

    #[test]
    fn utf8_names_are_quoted_inside_the_braces() {
        for (name, labels, expected) in [
            ("up", vec![], "up_x"),
            ("up", vec![("a", "x"), ("b.c", "y")], "up_x{a=\"x\",\"b.c\"=\"y\"}"),
            ("my.\"up\\\n", vec![], "{\"my.\\\"up\\\\\\n_x\"}"),
            ("my.up", vec![("a:b", "\"\\\n")], "{\"my.up_x\",\"a:b\"=\"\\\"\\\\\\n\"}"),
        ] {
            let (mut written, mut out) = (Vec::new(), Vec::new());
            labels.iter().for_each(|(name, value)| write_label(name, value, &mut written));
            write_sample_name(name, "_x", &written, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    proptest! {
        #[test]
        fn values_round_trip(name in any::<String>()) {
            // A valid name with that prefix is the one case that is ambiguous.
            prop_assume!(!(name.starts_with("U__") && is_plain_label_name(&name)));
            for escaped in [Escaping::Values.metric_name(&name), Escaping::Values.label_name(&name)] {
                let unescaped = unescape_values(&escaped).unwrap_or_else(|| escaped.clone().into_owned());
                prop_assert_eq!(unescaped, name.as_str());
            }
        }

        #[test]
        fn all_schemes_but_utf8_produce_classic_names(name in ".+|[a-z_.]{1,9}") {
            for scheme in [Escaping::Underscores, Escaping::Dots, Escaping::Values] {
                prop_assert!(is_plain_metric_name(&scheme.metric_name(&name)));
                prop_assert!(is_plain_label_name(&scheme.label_name(&name)));
            }
        }
    }
}
