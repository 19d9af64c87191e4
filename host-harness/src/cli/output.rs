//! `-o`: values as JSON, YAML or a table.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::ValueEnum;
use plugpipe_harness::Answer;
use serde_json::{Map, Value};

use super::show;

/// Output formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Indented JSON
    #[default]
    Json,
    /// YAML
    Yaml,
    /// A table: a list has a row for each of its items, anything else one for each member
    Table,
}

impl Output {
    /// Prints a plug's response. One that is not JSON is printed as it is.
    pub(crate) fn print_answer(self, answer: &Answer) {
        match serde_json::from_str::<Value>(&answer.body) {
            Ok(body) if self == Self::Table => {
                // The response around it is the same for all operations.
                let result = body.get("result").filter(|result| answer.is_ok() && !result.is_null());
                print_table(result.unwrap_or(&body));
            }
            Ok(body) => self.print(&body),
            Err(_) => show::print_answer(answer),
        }
    }

    /// Prints a value.
    pub(crate) fn print(self, value: &Value) {
        match self {
            Self::Json => show::print_json(value),
            Self::Yaml => show::print(yaml(value).trim_end()),
            Self::Table => print_table(value),
        }
    }
}

fn print_table(value: &Value) {
    if let Some(items) = rows(value) {
        let mut columns: Vec<&str> = Vec::new();
        let mut seen = BTreeSet::new();
        for name in items.iter().flat_map(|item| item.keys()) {
            if seen.insert(name) {
                columns.push(name);
            }
        }
        let mut table = show::table::<0>([]);
        table.set_header(columns.iter().map(|column| show::cell(column)));
        for item in items {
            table.add_row(columns.iter().map(|column| show::cell(&item.get(*column).map(text).unwrap_or_default())));
        }
        return show::print_painted(&table.to_string());
    }
    let mut table = show::table(["field", "value"]);
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                table.add_row([show::cell(name), show::cell(&text(member))]);
            }
        }
        other => {
            table.add_row([show::cell(""), show::cell(&text(other))]);
        }
    }
    show::print_painted(&table.to_string());
}

/// The only list of objects in a value, or the value itself if it is one.
fn rows(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().map(Value::as_object).collect(),
        Value::Object(members) => {
            let mut lists = members.values().filter(|member| member.is_array()).filter_map(rows);
            lists.next().filter(|_| lists.next().is_none())
        }
        _ => None,
    }
}

/// Text as it is, nothing for null, and anything else as compact JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A value as YAML in block style.
fn yaml(value: &Value) -> String {
    let mut out = String::new();
    write_yaml(&mut out, value, 0);
    out
}

/// Writes a value that begins at the current place of a line, and ends the line.
fn write_yaml(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (index, (name, member)) in members.iter().enumerate() {
                begin(out, index, indent);
                out.push_str(&scalar(name));
                out.push(':');
                let nested = match member {
                    Value::Object(members) => !members.is_empty(),
                    Value::Array(items) => !items.is_empty(),
                    _ => false,
                };
                if nested {
                    let _ = write!(out, "\n{:1$}", "", indent + 2);
                    write_yaml(out, member, indent + 2);
                } else {
                    out.push(' ');
                    write_yaml(out, member, indent);
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                begin(out, index, indent);
                out.push_str("- ");
                write_yaml(out, item, indent + 2);
            }
        }
        Value::String(text) => {
            out.push_str(&scalar(text));
            out.push('\n');
        }
        // Empty lists and maps, numbers, booleans and null are the same in JSON.
        other => {
            let _ = writeln!(out, "{other}");
        }
    }
}

/// Indents every entry but the first, which stands where its parent has put it.
fn begin(out: &mut String, index: usize, indent: usize) {
    if index > 0 {
        let _ = write!(out, "{:1$}", "", indent);
    }
}

/// Text without quotes if no reader can take it for anything else, otherwise as in JSON.
fn scalar(text: &str) -> String {
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_/.-".contains(c))
        && !reserved.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use plugpipe_harness::yaml as reader;
    use serde_json::json;

    #[test]
    fn yaml_reads_back_as_the_same_value() {
        let value = json!({
            "plain": "record_counter", "empty": {}, "none": [], "null": null, "flag": true, "number": 1.5,
            "texts": ["no", "1.0", "", "a: b", "- x", "# c", "two\nlines", "~", "\u{7}", "é"],
            "nested": [{"a": 1, "b": [[1, 2], {"c": "d"}]}, "x"],
            "odd key: 1": {"y": "n"},
        });
        let text = yaml(&value);
        assert_eq!(reader::read(&text).unwrap().to_value(), value, "{text}");
        assert_eq!(yaml(&json!({"a": [{"b": 1, "c": 2}, 3]})), "a:\n  - b: 1\n    c: 2\n  - 3\n");
    }

    #[test]
    fn the_only_list_of_objects_makes_the_rows() {
        let count = |value: Value| rows(&value).map(|rows| rows.len());
        assert_eq!(count(json!([{"a": 1}, {"b": 2}])), Some(2));
        assert_eq!(count(json!({"total": 2, "list": [{"a": 1}, {"b": 2}], "names": ["x"]})), Some(2));
        for none in [json!([]), json!([1]), json!({"a": [{}], "b": [{}]}), json!({"a": 1}), json!(1)] {
            assert_eq!(count(none.clone()), None, "{none}");
        }
    }
}
