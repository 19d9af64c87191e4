//! Fields of a request on the command line: `KEY=VALUE`, or `KEY:=JSON`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Puts fields into a request. A dot in a key leads into a member, such as `labels.queue=mail`; a
/// dot that belongs to a name is written `\.`.
///
/// # Errors
/// Text that begins with the field.
pub(super) fn apply(ctx: &mut Map<String, Value>, fields: &[String]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for field in fields {
        let (key, value) = split(field)?;
        if !seen.insert(key) {
            return Err(format!("{key}: given twice"));
        }
        insert(ctx, key, &path(key), value)?;
    }
    Ok(())
}

fn split(field: &str) -> Result<(&str, Value), String> {
    let expected = || format!("{field}: expected KEY=VALUE, such as metric_name=jobs_total, or KEY:=JSON");
    let (key, value) = field.split_once('=').ok_or_else(expected)?;
    let (key, value) = match key.strip_suffix(':') {
        Some(key) => (key, serde_json::from_str(value).map_err(|error| format!("{key}: not JSON: {error}"))?),
        None => (key, value.into()),
    };
    if path(key).iter().any(String::is_empty) { Err(expected()) } else { Ok((key, value)) }
}

fn path(key: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = key.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if rest.next_if_eq(&'.').is_some() => parts.last_mut().into_iter().for_each(|part| part.push('.')),
            '.' => parts.push(String::new()),
            c => parts.last_mut().into_iter().for_each(|part| part.push(c)),
        }
    }
    parts
}

fn insert(at: &mut Map<String, Value>, key: &str, path: &[String], value: Value) -> Result<(), String> {
    match path {
        [] => Ok(()),
        [name] => {
            at.insert(name.clone(), value);
            Ok(())
        }
        [name, rest @ ..] => match at.entry(name).or_insert_with(|| Map::new().into()) {
            Value::Object(members) => insert(members, key, rest, value),
            other => Err(format!("{key}: {name} is {other}, which has no members")),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn applied(ctx: Value, fields: &[&str]) -> Result<Value, String> {
        let Value::Object(mut ctx) = ctx else { unreachable!() };
        let fields: Vec<String> = fields.iter().map(|&field| field.to_owned()).collect();
        apply(&mut ctx, &fields).map(|()| ctx.into())
    }

    #[test]
    fn fields_are_text_or_json_and_may_be_nested() {
        let fields = [
            "metric_name=jobs_total",
            "labels.queue=mail",
            "labels.http\\.code=01",
            "query={a=\"b\"}",
            "list:=[1, 2]",
            "empty=",
        ];
        assert_eq!(
            applied(json!({"metric_name": "x", "labels": {"a": "b"}}), &fields).unwrap(),
            json!({
                "metric_name": "jobs_total", "labels": {"a": "b", "queue": "mail", "http.code": "01"},
                "query": "{a=\"b\"}", "list": [1, 2], "empty": "",
            })
        );
    }

    #[test]
    fn errors_name_the_field() {
        for (fields, problem) in [
            (&["metric_name"][..], "metric_name: expected KEY=VALUE"),
            (&["=1"], "=1: expected KEY=VALUE"),
            (&["a..b=1"], "a..b=1: expected KEY=VALUE"),
            (&["a:=x"], "a: not JSON: "),
            (&["a=1", "a=2"], "a: given twice"),
            (&["a=1", "a.b=2"], "a.b: a is \"1\", which has no members"),
        ] {
            let error = applied(json!({}), fields).unwrap_err();
            assert!(error.starts_with(problem), "{error}");
        }
    }
}
