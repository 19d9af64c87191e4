//! Requests and configurations as they may be written to a file.

use serde_json::Value;

use crate::http::Url;
use plugpipe_contract::settings::SECRETS;

/// The same JSON without credentials: members that hold them are left out, and URLs lose user and
/// password. None if there is nothing to leave out.
pub fn clean(text: &str) -> Option<String> {
    // Most hold none, and reading them again costs more than looking for what could be one.
    if !may_hold(text.as_bytes()) {
        return None;
    }
    let mut value: Value = serde_json::from_str(text).ok()?;
    remove(&mut value).then(|| value.to_string())
}

/// Whether there is a user in a URL, a name with escapes, or a part of each secret's name.
fn may_hold(text: &[u8]) -> bool {
    let begins = |at, part: &[u8]| text.get(at..).is_some_and(|rest| rest.starts_with(part));
    text.iter().enumerate().any(|(at, byte)| match byte {
        b'@' | b'\\' => true,
        b'_' => begins(at, b"_auth"),
        b's' => begins(at, b"sec"),
        _ => false,
    })
}

/// Whether anything was removed.
fn remove(value: &mut Value) -> bool {
    match value {
        Value::Object(members) => {
            let before = members.len();
            members.retain(|name, _| !SECRETS.contains(&name.as_str()));
            let mut removed = members.len() != before;
            for member in members.values_mut() {
                removed |= remove(member);
            }
            removed
        }
        Value::Array(items) => {
            let mut removed = false;
            for item in items {
                removed |= remove(item);
            }
            removed
        }
        Value::String(text) => {
            let Ok(url) = Url::parse(text.trim()) else { return false };
            let has_user = url.credentials().is_some();
            if has_user {
                *text = url.without_credentials().to_string();
            }
            has_user
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_is_looked_for() {
        for name in SECRETS {
            assert_eq!(clean(&format!(r#"{{"a": [{{"{name}": 1}}]}}"#)).as_deref(), Some(r#"{"a":[{}]}"#));
        }
    }
}
