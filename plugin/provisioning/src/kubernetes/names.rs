//! The syntax of names in Kubernetes: RFC 1123 labels and subdomains, label names, port names.

use crate::fnv::fnv1a;
use plugpipe_contract::error::excerpt;

/// The longest label, and the longest part of a label's name after its prefix.
const MAX_LABEL_LEN: usize = 63;

/// The longest subdomain, which most names are.
const MAX_SUBDOMAIN_LEN: usize = 253;

/// The longest name of a port.
const MAX_PORT_LEN: usize = 15;

/// Checks the name of a namespace. The error says what was expected.
pub(super) fn label(text: &str) -> Result<(), String> {
    if is_label(text) {
        return Ok(());
    }
    Err(format!(
        "expected at most {MAX_LABEL_LEN} lower-case letters, digits and '-', with a letter or digit at both ends; got {:?}",
        excerpt(text, 100)
    ))
}

/// Checks the name of a resource. The error says what was expected.
pub(super) fn subdomain(text: &str) -> Result<(), String> {
    if is_subdomain(text) {
        return Ok(());
    }
    Err(format!(
        "expected at most {MAX_SUBDOMAIN_LEN} lower-case letters, digits, '-' and '.', with a letter or digit at both ends of each part; got {:?}",
        excerpt(text, 100)
    ))
}

/// Checks the name of a label or annotation. The error says what was expected.
pub(super) fn label_name(text: &str) -> Result<(), String> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if prefix.is_none_or(is_subdomain) && is_qualified_part(name) {
        return Ok(());
    }
    Err("is not a valid name in Kubernetes; expected one such as team or example.com/team".to_owned())
}

/// Checks the name of a port of a Service or container. The error says what was expected.
pub(super) fn port(text: &str) -> Result<(), String> {
    let is_valid = is_label(text)
        && text.len() <= MAX_PORT_LEN
        && !text.contains("--")
        && text.bytes().any(|byte| byte.is_ascii_lowercase());
    if is_valid {
        return Ok(());
    }
    Err(format!(
        "expected the name of a port: at most {MAX_PORT_LEN} lower-case letters, digits and '-'; got {:?}",
        excerpt(text, 100)
    ))
}

/// Checks a key of a ConfigMap or Secret. The error says what was expected.
pub(super) fn key(text: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if (1..=MAX_SUBDOMAIN_LEN).contains(&text.len())
        && text.bytes().all(is_plain)
        && !text.starts_with("..")
        && text != "."
    {
        return Ok(());
    }
    Err(format!("expected letters, digits, '-', '_' and '.', such as token; got {:?}", excerpt(text, 100)))
}

/// Whether this can be a label's value, or its name without prefix.
pub(super) fn is_qualified_part(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.len() <= MAX_LABEL_LEN
        && text.bytes().all(inner)
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.ends_with(|last: char| last.is_ascii_alphanumeric())
}

fn is_label(text: &str) -> bool {
    let end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.len() <= MAX_LABEL_LEN
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && end(text.bytes().next())
        && end(text.bytes().next_back())
}

fn is_subdomain(text: &str) -> bool {
    // The parts of a subdomain may be longer than a label.
    let is_part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty() && part.bytes().all(plain) && !part.starts_with('-') && !part.ends_with('-')
    };
    text.len() <= MAX_SUBDOMAIN_LEN && text.split('.').all(is_part)
}

/// A valid part of a name, made of any text: other characters become `-`. Of a text without letters
/// and digits, its hash remains.
pub(super) fn made_of(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars() {
        match character.to_ascii_lowercase() {
            plain if plain.is_ascii_alphanumeric() => name.push(plain),
            _ if !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    let name = name.trim_matches('-');
    if name.is_empty() { format!("{:016x}", fnv1a(text.bytes())) } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_checked_as_in_kubernetes() {
        let long = "a".repeat(63);
        for (text, as_label, as_subdomain, as_port) in [
            ("plugpipe", true, true, true),
            ("a-1", true, true, true),
            (&*long, true, true, false),
            (&*format!("{long}a"), false, true, false),
            ("a.b", false, true, false),
            ("1", true, true, false),
            ("a--b", true, true, false),
            ("A", false, false, false),
            ("-a", false, false, false),
            ("a-", false, false, false),
            ("a..b", false, false, false),
            ("a.-b", false, false, false),
            ("a_b", false, false, false),
            ("", false, false, false),
            (&*"a".repeat(254), false, false, false),
        ] {
            let valid = (label(text).is_ok(), subdomain(text).is_ok(), port(text).is_ok());
            assert_eq!(valid, (as_label, as_subdomain, as_port), "{text:?}");
        }
        for (text, valid) in [
            ("team", true),
            ("example.com/team_1", true),
            ("Team.A", true),
            ("", false),
            ("/team", false),
            ("a/b/c", false),
            ("Example.com/team", false),
            ("-a", false),
            (&*long, true),
            (&*format!("{long}a"), false),
        ] {
            assert_eq!(label_name(text).is_ok(), valid, "{text:?}");
        }
        for (text, valid) in
            [("token", true), ("a_B.json", true), ("", false), ("a/b", false), ("..a", false), (".", false)]
        {
            assert_eq!(key(text).is_ok(), valid, "{text:?}");
        }
    }

    #[test]
    fn a_name_is_made_of_any_text() {
        for (text, name) in [
            ("plugpipe-prod", "plugpipe-prod"),
            ("plugpipe_rules", "plugpipe-rules"),
            ("My Job: 1", "my-job-1"),
            ("_a", "a"),
        ] {
            assert_eq!(made_of(text), name);
        }
        assert_ne!(made_of("é"), made_of("è"));
    }

    proptest! {
        #[test]
        fn made_names_are_valid(text in "\\PC{0,60}") {
            prop_assert!(label(&made_of(&text)).is_ok(), "{}", made_of(&text));
        }
    }
}
