//! Documents without what is wrong in them: a reader that stops at the first problem finds the next
//! one if that place is removed.

use serde_json::Value;

use crate::shape::joined;

/// A document from which parts are removed.
#[derive(Debug, Clone)]
pub struct Pruned {
    value: Value,
    /// The items that were removed: the list and the place in it, as in the whole document. Sorted.
    items: Vec<(String, usize)>,
}

impl Pruned {
    /// A whole document.
    pub fn new(value: Value) -> Self {
        Self { value, items: Vec::new() }
    }

    /// What is left.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Removes what is at a path, such as `origins[1].url`. Returns where that is in the whole
    /// document; none if nothing is there.
    pub fn remove(&mut self, path: &str) -> Option<String> {
        let steps = steps(path)?;
        let (last, parents) = steps.split_last()?;
        let mut whole = String::new();
        let mut place = &mut self.value;
        for step in parents {
            whole = step.after(&whole, &self.items);
            place = match step {
                Step::Key(key) => place.get_mut(*key)?,
                Step::Item(index) => place.get_mut(*index)?,
            };
        }
        let removed = last.after(&whole, &self.items);
        match (last, place) {
            (Step::Key(key), Value::Object(members)) => _ = members.remove(*key)?,
            (Step::Item(index), Value::Array(items)) if *index < items.len() => {
                items.remove(*index);
                self.items.push((whole.clone(), original(*index, &whole, &self.items)));
                self.items.sort();
            }
            _ => return None,
        }
        Some(removed)
    }
}

/// A step of a path.
enum Step<'p> {
    Key(&'p str),
    Item(usize),
}

impl Step<'_> {
    fn after(&self, whole: &str, removed: &[(String, usize)]) -> String {
        match self {
            Self::Key(key) => joined(whole, key),
            Self::Item(index) => format!("{whole}[{}]", original(*index, whole, removed)),
        }
    }
}

/// Where an item was in its list before others were removed.
fn original(index: usize, list: &str, removed: &[(String, usize)]) -> usize {
    let of_list = removed.iter().filter(|(path, _)| path == list);
    of_list.fold(index, |index, (_, gone)| if *gone <= index { index + 1 } else { index })
}

/// The steps of a path; none if it is not one.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (key, items) = part.split_once('[').map_or((part, None), |(key, items)| (key, Some(items)));
        if !key.is_empty() {
            steps.push(Step::Key(key));
        }
        for item in items.into_iter().flat_map(|items| items.split('[')) {
            steps.push(Step::Item(item.strip_suffix(']')?.parse().ok()?));
        }
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_those_of_the_whole_document_whatever_was_removed() {
        let mut pruned = Pruned::new(json!({"a": [0, 1, {"b": [[7, 8]]}, 3, 4], "c": {"d": 1}}));
        for (path, whole) in [
            ("a[1]", "a[1]"),
            ("a[2]", "a[3]"),
            ("a[0]", "a[0]"),
            ("a[0].b[0][1]", "a[2].b[0][1]"),
            ("a[0].b[0][0]", "a[2].b[0][0]"),
            ("a[1]", "a[4]"),
            ("c.d", "c.d"),
        ] {
            assert_eq!(pruned.remove(path).as_deref(), Some(whole), "{path}");
        }
        assert_eq!(pruned.value(), &json!({"a": [{"b": [[]]}], "c": {}}));
        for path in ["", "a[1]", "a[x]", "a[0", "c.d", "e", "file", "c[0]", "a.b"] {
            assert_eq!(pruned.remove(path), None, "{path}");
        }
    }
}
