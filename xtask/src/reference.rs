//! Generates the reference of the JSON contract from the manifest's schemas, against which tests
//! validate responses.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::{read_text, root, write};

/// The page's path.
pub fn page_path() -> PathBuf {
    root().join("docs/reference.md")
}

/// Writes the page.
pub fn make() -> Result<(), String> {
    write(&page_path(), page()?)
}

/// The manifest's path.
pub fn manifest_path() -> PathBuf {
    root().join("plugin/plug.yaml")
}

/// The manifest.
///
/// # Errors
/// If the file cannot be read or is not YAML.
pub fn manifest() -> Result<Value, String> {
    read_manifest(&read_text(&manifest_path())?)
}

/// Parses the manifest's text.
pub(crate) fn read_manifest(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| format!("cannot parse {}: {error}", manifest_path().display()))
}

/// Generates the page.
pub fn page() -> Result<String, String> {
    let manifest = manifest()?;
    let schema = |name: &str| Schema::of(&manifest, name);
    let (config, input, output) = (schema("config_schema")?, schema("input_schema")?, schema("output_schema")?);
    let mut out = String::from(
        "# Reference\n\nMade from the schemas of [plugin/plug.yaml](../plugin/plug.yaml) by `cargo xtask generate`; the tests hold every \
         answer against the same schemas, and this page against the manifest. [operations.md](operations.md) explains and has examples.\n\n\
         **Bold** fields are required. A type in italics is explained under [Types](#types).\n\n## Configuration\n\n",
    );
    sentence(&mut out, config.whole);
    let settings = config.definition("settings").ok_or("config_schema has no settings")?;
    config.table(&mut out, settings, "key");
    out.push_str("\n## Operations\n\n");
    sentence(&mut out, input.whole);
    let operations = manifest.get("operations").and_then(Value::as_object).ok_or("the manifest has no operations")?;
    for (name, does) in operations {
        let _ = writeln!(out, "### {name}\n\n{}.\n", capital(does.as_str().unwrap_or_default()));
        match branch(input.whole, name) {
            Some(takes) => input.table(&mut out, takes, "takes"),
            None => out.push_str("Takes nothing of its own.\n"),
        }
        out.push('\n');
        let result = output.whole.get("then").and_then(|then| branch(then, name));
        match result.and_then(|result| result.pointer("/properties/result")) {
            Some(result) => output.table(&mut out, result, "result"),
            None => out.push_str("Its result has no members of its own.\n"),
        }
        out.push('\n');
    }
    out.push_str("## Around each result\n\n");
    for (name, title) in [("any_result", "may be in any result"), ("failure", "when `success` is false")] {
        if let Some(definition) = output.definition(name) {
            output.table(&mut out, definition, title);
            out.push('\n');
        }
    }
    out.push_str("## Types\n\n");
    for (schema, purpose) in
        [(&config, "of the configuration"), (&input, "of what operations take"), (&output, "of results")]
    {
        let _ = writeln!(out, "### Types {purpose}\n\n| type | what it is |\n|---|---|");
        for (name, definition) in schema.definitions.into_iter().flatten() {
            if !["settings", "any_result", "failure"].contains(&name.as_str()) {
                let _ = writeln!(out, "| *{name}* | {} |", schema.described(definition));
            }
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    Ok(out)
}

/// One of the manifest's schemas and its definitions.
struct Schema<'m> {
    whole: &'m Value,
    definitions: Option<&'m Map<String, Value>>,
}

impl<'m> Schema<'m> {
    fn of(manifest: &'m Value, name: &str) -> Result<Self, String> {
        let whole = manifest.get(name).ok_or_else(|| format!("the manifest has no {name}"))?;
        Ok(Self { whole, definitions: whole.get("$defs").and_then(Value::as_object) })
    }

    fn definition(&self, name: &str) -> Option<&'m Value> {
        self.definitions?.get(name)
    }

    /// Writes a table of an object's members.
    fn table(&self, out: &mut String, object: &Value, title: &str) {
        let required = names(object.get("required"));
        let members = object.get("properties").and_then(Value::as_object);
        let _ = writeln!(out, "| {title} | type | |\n|---|---|---|");
        for (name, member) in members.into_iter().flatten() {
            let mark = if required.contains(&name.as_str()) { "**" } else { "" };
            let mut more = description(member).to_owned();
            for (choice, means) in choices(member) {
                let _ = write!(more, "{}`{choice}`: {means}", if more.is_empty() { "" } else { " " });
            }
            if let Some(default) = member.get("default") {
                let _ = write!(more, "{}Default `{default}`.", if more.is_empty() { "" } else { " " });
            }
            let _ = writeln!(out, "| {mark}`{name}`{mark} | {} | {} |", self.kind(member), cell(&more));
        }
    }

    /// Describes a named type.
    fn described(&self, definition: &Value) -> String {
        let kind = self.kind(definition);
        let members = definition.get("properties").and_then(Value::as_object);
        let required = names(definition.get("required"));
        let members: Vec<String> = members
            .into_iter()
            .flatten()
            .map(|(name, member)| {
                let mark = if required.contains(&name.as_str()) { "**" } else { "" };
                format!("{mark}`{name}`{mark}: {}", self.kind(member))
            })
            .collect();
        let mut out = kind;
        if !members.is_empty() {
            let _ = write!(out, " of {}", members.join(", "));
        }
        match description(definition) {
            "" => out,
            description => format!("{out}. {}", cell(description)),
        }
    }

    /// A short description of a type.
    fn kind(&self, schema: &Value) -> String {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.rsplit('/').next().unwrap_or_default();
            let bound =
                |key: &str, word: &str| schema.get(key).map(|bound| format!(" {word} {bound}")).unwrap_or_default();
            return format!("*{name}*{}{}", bound("minimum", "from"), bound("maximum", "to"));
        }
        if let Some(constant) = schema.get("const") {
            return format!("`{}`", literal(constant));
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            // Omit empty and missing values, which are explained above. A version may be a number
            // or a string.
            let mut words: Vec<String> = Vec::new();
            for choice in choices.iter().filter(|choice| !is_empty(choice)).map(literal) {
                let choice = format!("`{choice}`");
                if !words.contains(&choice) {
                    words.push(choice);
                }
            }
            return words.join(", ");
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(choices) = schema.get(key).and_then(Value::as_array).filter(|_| schema.get("type").is_none()) {
                let words: Vec<String> =
                    choices.iter().filter(|choice| !is_nothing(choice)).map(|choice| self.kind(choice)).collect();
                let are_words = choices.iter().any(|choice| choice.get("const").is_some());
                return words.join(if are_words { ", " } else { " or " });
            }
        }
        let types = match schema.get("type") {
            Some(Value::String(kind)) => vec![kind.as_str()],
            kinds => names(kinds),
        };
        let items = schema.get("items").map(|items| self.kind(items));
        let values = schema.get("additionalProperties").filter(|values| values.is_object()).map(|it| self.kind(it));
        let words = types.iter().filter(|kind| **kind != "null").map(|kind| match (*kind, &items, &values) {
            ("array", Some(items), _) => format!("list of {items}"),
            ("array", None, _) => "list".to_owned(),
            ("object", _, Some(values)) => format!("object of {values}"),
            ("string", ..) => "text".to_owned(),
            ("boolean", ..) => "true or false".to_owned(),
            ("integer", ..) => "whole number".to_owned(),
            (other, ..) => other.to_owned(),
        });
        let words: Vec<String> = words.collect();
        if words.is_empty() { "anything".to_owned() } else { words.join(" or ") }
    }
}

/// The first branch of an operation.
fn branch<'s>(schema: &'s Value, operation: &str) -> Option<&'s Value> {
    branches(schema, operation).next()
}

/// All branches of an operation.
pub(crate) fn branches<'s>(schema: &'s Value, operation: &str) -> impl Iterator<Item = &'s Value> {
    schema.get("allOf").and_then(Value::as_array).into_iter().flatten().filter_map(move |branch| {
        let condition = branch.pointer("/if/properties/operation")?;
        let matches = condition.get("const").and_then(Value::as_str) == Some(operation)
            || names(condition.get("enum")).contains(&operation);
        matches.then(|| branch.get("then")).flatten()
    })
}

/// Whether a value counts as missing.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

/// Whether a schema allows only such values.
fn is_nothing(schema: &Value) -> bool {
    let choices = schema.get("enum").and_then(Value::as_array);
    schema.get("type").and_then(Value::as_str) == Some("null")
        || choices.is_some_and(|choices| choices.iter().all(is_empty))
}

/// The allowed words and their meanings.
pub(crate) fn choices(schema: &Value) -> impl Iterator<Item = (&str, &str)> {
    let choices = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    choices.filter_map(|choice| Some((choice.get("const")?.as_str()?, choice.get("description")?.as_str()?)))
}

pub(crate) fn names(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

pub(crate) fn description(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

/// A constant; strings without quotes.
fn literal(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Escapes text for a table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn sentence(out: &mut String, schema: &Value) {
    if !description(schema).is_empty() {
        let _ = writeln!(out, "{}\n", description(schema));
    }
}

pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
