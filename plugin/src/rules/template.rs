//! Go's templates, as labels and annotations of alerts hold them: only whether their actions are whole. The server knows the rest.

/// Checks that every `{{` has its `}}`, with no other `{{` between and its quotes closed. The error says what was expected.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some((_, inside)) = rest.split_once("{{") {
        rest = action(inside)?;
    }
    Ok(())
}

/// What follows the `}}` of an action whose `{{` was read.
fn action(inside: &str) -> Result<&str, String> {
    const UNENDED: &str = "holds a {{ without its }}; to write {{ itself, write {{ \"{{\" }}";
    // A comment holds what it likes.
    let trimmed = inside.strip_prefix("- ").unwrap_or(inside);
    if let Some(comment) = trimmed.strip_prefix("/*") {
        return comment
            .split_once("*/")
            .and_then(|(_, rest)| rest.split_once("}}"))
            .map(|(_, rest)| rest)
            .ok_or_else(|| UNENDED.into());
    }
    let mut quote = None;
    let mut characters = inside.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match quote {
            Some('`') if character == '`' => quote = None,
            Some('`') => {}
            Some(_) if character == '\\' => {
                characters.next();
            }
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None => match character {
                '"' | '\'' | '`' => quote = Some(character),
                '}' if inside.get(at..).is_some_and(|here| here.starts_with("}}")) => {
                    return Ok(inside.get(at + 2..).unwrap_or_default());
                }
                '{' if inside.get(at..).is_some_and(|here| here.starts_with("{{")) => {
                    return Err("holds a {{ within another; an action ends with }} before the next one begins".into());
                }
                _ => {}
            },
        }
    }
    Err(match quote {
        Some(open) => format!("holds an action in which {open} is not closed"),
        None => UNENDED.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn actions_must_be_whole() {
        for text in [
            "",
            "no action } here {",
            "{{ $value }} and {{ $labels.job | printf \"}}\" }}",
            "{{ \"{{\" }}",
            "{{- /* any {{ thing */ -}} x",
            "{{ `}}` }}",
            "{{ \"\\\"}}\" }}",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in ["{{", "a {{ $value }", "{{ {{ }} }}", "{{ \"open }}", "{{/* open }}", "{{ `open }}"] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
