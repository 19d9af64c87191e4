//! What a plug's answer says beside its result: `warnings`, such as fields that it does not know.

use serde_json::Value;

/// Stands in no answer without warnings.
const MEMBER: &str = "\"warnings\":[";

/// The warnings of an answer. Those of its `result`, such as a server's, are not among them.
pub fn of(answer: &Value) -> impl Iterator<Item = &str> {
    answer.get("warnings").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The warnings of an answer that is text.
pub(crate) fn in_text(answer: &str) -> Vec<String> {
    // Nearly no answer has any.
    let answer = answer.contains(MEMBER).then(|| serde_json::from_str(answer).ok()).flatten();
    answer.iter().flat_map(of).map(str::to_owned).collect()
}

/// The answer with further warnings before its own.
pub(crate) fn with(answer: String, further: Vec<String>) -> String {
    if further.is_empty() {
        return answer;
    }
    let Ok(Value::Object(mut members)) = serde_json::from_str(&answer) else { return answer };
    let mut all = further;
    for own in of(&Value::Object(members.clone())) {
        if !all.iter().any(|known| known == own) {
            all.push(own.to_owned());
        }
    }
    members.insert("warnings".into(), all.into());
    Value::Object(members).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_read_and_put_together_each_once() {
        let answer = r#"{"success":true,"result":{"warnings":["the server's"]},"warnings":["a","b"]}"#;
        assert_eq!(in_text(answer), ["a", "b"]);
        assert_eq!(in_text(r#"{"success":true,"result":{"warnings":["the server's"]}}"#), [""; 0]);
        let joined = with(answer.to_owned(), vec!["c".into(), "a".into()]);
        assert_eq!(in_text(&joined), ["c", "a", "b"]);
        assert_eq!(with(answer.to_owned(), Vec::new()), answer);
        assert_eq!(with("no JSON".into(), vec!["a".into()]), "no JSON");
    }
}
