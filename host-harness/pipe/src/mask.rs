//! Masks sensitive inputs and variables of the environment in reports.

use std::collections::BTreeSet;

use serde_json::Value;

/// What stands in a report for a sensitive value.
const MASK: &str = "***";

/// Shorter inputs are masked only where they are the whole value: in a text they would be found by
/// chance.
const MIN_IN_TEXT: usize = 4;

/// Shorter variables are not masked, for the same reason: `80` or `eu-1` are no secrets.
const MIN_VARIABLE: usize = 6;

/// The values to mask.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    /// As parts of texts; the longest first, because one may contain another.
    texts: BTreeSet<Longest>,
    /// As whole values.
    values: Vec<Value>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Longest(std::cmp::Reverse<usize>, String);

impl Secrets {
    /// Adds a sensitive input and all that it contains.
    pub(crate) fn add_input(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Array(items) => items.iter().for_each(|item| self.add_input(item)),
            Value::Object(fields) => fields.values().for_each(|field| self.add_input(field)),
            Value::String(text) => {
                self.add_text(text, MIN_IN_TEXT);
                if !text.is_empty() {
                    self.values.push(value.clone());
                }
            }
            Value::Number(number) => {
                self.add_text(&number.to_string(), MIN_IN_TEXT);
                self.values.extend([value.clone(), Value::from(number.to_string())]);
            }
        }
    }

    /// Adds the value of a variable.
    pub(crate) fn add_variable(&mut self, text: &str) {
        self.add_text(text, MIN_VARIABLE);
    }

    fn add_text(&mut self, text: &str, least: usize) {
        let length = text.chars().count();
        if length >= least {
            self.texts.insert(Longest(std::cmp::Reverse(length), text.to_owned()));
        }
    }

    /// The values that are masked as parts of texts.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.texts.iter().map(|Longest(_, text)| text.clone()).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.values.is_empty()
    }

    /// The value with what is sensitive masked, at any depth and in keys too.
    pub(crate) fn masked(&self, value: Value) -> Value {
        if self.values.contains(&value) {
            return Value::from(MASK);
        }
        match value {
            Value::String(text) => Value::String(self.masked_text(text)),
            Value::Array(items) => items.into_iter().map(|item| self.masked(item)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, field)| (self.masked_text(name), self.masked(field))).collect()
            }
            other => other,
        }
    }

    pub(crate) fn masked_text(&self, text: String) -> String {
        self.texts.iter().fold(text, |text, Longest(_, secret)| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), MASK) } else { text }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sensitive_values_are_masked_wherever_they_are() {
        let mut secrets = Secrets::default();
        assert!(secrets.is_empty());
        secrets
            .add_input(&json!({"user": "me", "password": "pass-word", "pin": 1234, "list": ["pass", ""], "on": true}));
        secrets.add_variable("eu-1");
        secrets.add_variable("hostname");
        let report = json!({
            "a": "pass-word", "b": ["x pass-word y", "pass", 1234, "PIN 1234"], "me": "me", "some": "some", "on": true,
            "key of pass-word": "eu-1", "host": "at hostname", "empty": "",
        });
        let masked = json!({
            "a": "***", "b": ["x *** y", "***", "***", "PIN ***"], "me": "***", "some": "some", "on": true,
            "key of ***": "eu-1", "host": "at ***", "empty": "",
        });
        assert_eq!(secrets.masked(report), masked);
    }
}
