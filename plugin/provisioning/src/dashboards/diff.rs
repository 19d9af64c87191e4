//! The differences between a desired dashboard and the current one in Grafana. Members that Grafana
//! adds (`id`, `version`, defaults) are ignored: only members of the desired dashboard are
//! compared. Lists must have the same items.

use super::members::Map;
use plugpipe_contract::error::excerpt;
use plugpipe_contract::responses::DashboardChange;
use serde_json::Value;

/// The longest value in a change, in bytes.
const SHOWN: usize = 200;

/// The differences, at most `limit` of them.
pub fn changes(wanted: &Map, current: &Map, limit: usize) -> Vec<DashboardChange> {
    let mut found = Found { changes: Vec::new(), limit };
    found.maps("", wanted, current);
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

    fn maps(&mut self, path: &str, wanted: &Map, current: &Map) {
        for (name, value) in wanted.iter() {
            if self.full() {
                return;
            }
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.values(&path, Some(value), current.get(name));
        }
    }

    fn values(&mut self, path: &str, wanted: Option<&Value>, current: Option<&Value>) {
        if self.full() {
            return;
        }
        match (wanted, current) {
            (Some(Value::Object(wanted)), Some(Value::Object(current))) => self.maps(path, wanted, current),
            (Some(Value::Array(wanted)), Some(Value::Array(current))) => {
                for index in 0..wanted.len().max(current.len()) {
                    self.values(&format!("{path}[{index}]"), wanted.get(index), current.get(index));
                }
            }
            (Some(Value::Null), None) => {}
            (Some(wanted), Some(current)) if is_same(wanted, current) => {}
            (wanted, current) => {
                let show = |value: &Value| excerpt(&value.to_string(), SHOWN);
                self.changes.push(DashboardChange {
                    path: path.to_owned(),
                    was: current.map(show),
                    wanted: wanted.map(show),
                });
            }
        }
    }
}

/// Whether two values are equal; numbers are compared by value.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().is_some_and(|number| other.as_f64() == Some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(wanted: &str, current: &str) -> Vec<String> {
        let map = |text| -> Map { serde_json::from_str(text).unwrap() };
        changes(&map(wanted), &map(current), 10).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn members_added_by_grafana_are_no_difference() {
        let current = r#"{"id":7,"version":3,"title":"a","panels":[{"title":"p","pluginVersion":"11","gridPos":{"h":8.0,"static":false}}]}"#;
        assert_eq!(paths(r#"{"panels":[{"gridPos":{"h":8},"title":"p"}],"title":"a","x":null}"#, current), [""; 0]);
    }

    #[test]
    fn changed_removed_and_added_items_are_differences() {
        for (wanted, current, path) in [
            (r#"{"title":"a"}"#, r#"{"title":"b"}"#, "title"),
            (r#"{"title":"a"}"#, r#"{}"#, "title"),
            (r#"{"panels":[]}"#, r#"{"panels":[{"id":1}]}"#, "panels[0]"),
            (r#"{"panels":[{"id":1},{"id":2}]}"#, r#"{"panels":[{"id":1}]}"#, "panels[1]"),
            (r#"{"panels":[{"options":{"a":1}}]}"#, r#"{"panels":[{"options":{"a":2}}]}"#, "panels[0].options.a"),
            (r#"{"a":{}}"#, r#"{"a":[]}"#, "a"),
        ] {
            assert_eq!(paths(wanted, current), [path], "{wanted} {current}");
        }
    }
}
