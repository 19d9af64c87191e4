//! What differs between a dashboard as it is to be and as Grafana holds it. What Grafana adds by
//! itself (`id`, `version`, defaults) is no difference: only what the wanted one says is looked at.
//! A list must have the same items.

use super::members::Map;
use plugpipe_contract::error::excerpt;
use plugpipe_contract::responses::DashboardChange;
use serde_json::Value;

/// Longest value that a change shows, in bytes.
const SHOWN: usize = 200;

/// The differences, at most `limit`.
pub fn changes(wanted: &Map, held: &Map, limit: usize) -> Vec<DashboardChange> {
    let mut found = Found { changes: Vec::new(), limit };
    found.maps("", wanted, held);
    found.changes
}

struct Found {
    changes: Vec<DashboardChange>,
    limit: usize,
}

impl Found {
    fn full(&self) -> bool {
        self.changes.len() >= self.limit
    }

    fn maps(&mut self, path: &str, wanted: &Map, held: &Map) {
        for (name, value) in wanted.iter() {
            if self.full() {
                return;
            }
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.values(&path, Some(value), held.get(name));
        }
    }

    fn values(&mut self, path: &str, wanted: Option<&Value>, held: Option<&Value>) {
        if self.full() {
            return;
        }
        match (wanted, held) {
            (Some(Value::Object(wanted)), Some(Value::Object(held))) => self.maps(path, wanted, held),
            (Some(Value::Array(wanted)), Some(Value::Array(held))) => {
                for index in 0..wanted.len().max(held.len()) {
                    self.values(&format!("{path}[{index}]"), wanted.get(index), held.get(index));
                }
            }
            (Some(Value::Null), None) => {}
            (Some(wanted), Some(held)) if is_same(wanted, held) => {}
            (wanted, held) => {
                let show = |value: &Value| excerpt(&value.to_string(), SHOWN);
                self.changes.push(DashboardChange {
                    path: path.to_owned(),
                    was: held.map(show),
                    wanted: wanted.map(show),
                });
            }
        }
    }
}

/// Whether two values mean the same: numbers by their value.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().is_some_and(|number| other.as_f64() == Some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(wanted: &str, held: &str) -> Vec<String> {
        let map = |text| -> Map { serde_json::from_str(text).unwrap() };
        changes(&map(wanted), &map(held), 10).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn what_grafana_adds_is_no_difference() {
        let held = r#"{"id":7,"version":3,"title":"a","panels":[{"title":"p","pluginVersion":"11","gridPos":{"h":8.0,"static":false}}]}"#;
        assert_eq!(paths(r#"{"panels":[{"gridPos":{"h":8},"title":"p"}],"title":"a","x":null}"#, held), [""; 0]);
    }

    #[test]
    fn what_is_changed_taken_away_or_added_to_a_list_is_one() {
        for (wanted, held, path) in [
            (r#"{"title":"a"}"#, r#"{"title":"b"}"#, "title"),
            (r#"{"title":"a"}"#, r#"{}"#, "title"),
            (r#"{"panels":[]}"#, r#"{"panels":[{"id":1}]}"#, "panels[0]"),
            (r#"{"panels":[{"id":1},{"id":2}]}"#, r#"{"panels":[{"id":1}]}"#, "panels[1]"),
            (r#"{"panels":[{"options":{"a":1}}]}"#, r#"{"panels":[{"options":{"a":2}}]}"#, "panels[0].options.a"),
            (r#"{"a":{}}"#, r#"{"a":[]}"#, "a"),
        ] {
            assert_eq!(paths(wanted, held), [path], "{wanted} {held}");
        }
    }
}
