//! The template engine: its limits, and the filters that it does not have itself.

use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};

use super::value::{Budget, MAX_WORK, measure, write_bounded};

/// An engine for which what is undefined is an error, or empty.
pub(super) fn engine(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(undefined);
    engine.set_fuel(Some(MAX_WORK));
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    // Keep trailing line breaks. With the default delimiters this cannot fail.
    if let Ok(syntax) = minijinja::syntax::SyntaxConfig::builder().keep_trailing_newline(true).build() {
        engine.set_syntax(syntax);
    }
    engine.set_formatter(write_bounded);
    let strict = undefined == UndefinedBehavior::Strict;
    engine.add_filter(
        "ternary",
        move |value: minijinja::Value, when_true: minijinja::Value, when_false: minijinja::Value| {
            defined(&value, "ternary", strict)?;
            Ok::<_, minijinja::Error>(if value.is_true() { when_true } else { when_false })
        },
    );
    engine.add_filter("length_of", move |value: minijinja::Value| {
        defined(&value, "length", strict)?;
        Ok::<_, minijinja::Error>(length_of(&value))
    });
    engine.add_filter("truncate", move |value: minijinja::Value, length: Option<usize>, end: Option<String>| {
        defined(&value, "truncate", strict)?;
        if value.as_object().is_some() {
            measure(&value, &mut Budget::default())?;
        }
        Ok::<_, minijinja::Error>(truncate(&value.to_string(), length.unwrap_or(255), end.as_deref().unwrap_or("...")))
    });
    engine
}

fn defined(value: &minijinja::Value, filter: &str, strict: bool) -> Result<(), minijinja::Error> {
    if strict && value.is_undefined() {
        return Err(minijinja::Error::new(
            ErrorKind::UndefinedError,
            format!("the value before `{filter}` is undefined"),
        ));
    }
    Ok(())
}

/// The member `length`, or else the number of items or characters.
fn length_of(value: &minijinja::Value) -> minijinja::Value {
    let member = if value.kind() == ValueKind::Map { value.get_attr("length").ok() } else { None };
    let counted = || value.len().map_or(minijinja::Value::UNDEFINED, minijinja::Value::from);
    member.filter(|member| !member.is_undefined()).unwrap_or_else(counted)
}

/// At most `length` characters, the last of which are `end` if some are missing; cut between words.
fn truncate(text: &str, length: usize, end: &str) -> String {
    // A little more than asked for is not worth cutting.
    const LEEWAY: usize = 5;
    if text.chars().count() <= length.saturating_add(LEEWAY) {
        return text.to_owned();
    }
    let kept: String = text.chars().take(length.saturating_sub(end.chars().count())).collect();
    let words = kept.rsplit_once(' ').map_or(kept.as_str(), |(words, _)| words);
    format!("{words}{end}")
}
