//! The reference of the JSON contract: a page made from the manifest's schemas, which the answers
//! of the tests are held against.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::{read_text, root, write};

/// Where the page is.
pub fn page_path() -> PathBuf {
    root().join("docs/reference.md")
}

/// Writes the page.
pub fn make() -> Result<(), String> {
    write(&page_path(), page()?)
}

/// Where the manifest is.
pub fn manifest_path() -> PathBuf {
    root().join("plugin/plug.yaml")
}

/// The manifest.
///
/// # Errors
/// The file cannot be read, or is not YAML.
pub fn manifest() -> Result<Value, String> {
    read_manifest(&read_text(&manifest_path())?)
}

/// The same of its text.
pub(crate) fn read_manifest(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| format!("{} cannot be read: {error}", manifest_path().display()))
}

/// The page, of the manifest as it is.
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
    for (schema, told) in
        [(&config, "of the configuration"), (&input, "of what operations take"), (&output, "of results")]
    {
        let _ = writeln!(out, "### Types {told}\n\n| type | what it is |\n|---|---|");
        for (name, definition) in schema.definitions.into_iter().flatten() {
            if !["settings", "any_result", "failure"].contains(&name.as_str()) {
                let _ = writeln!(out, "| *{name}* | {} |", schema.told(definition));
            }
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    Ok(out)
}

/// One of the manifest's schemas, and what it defines.
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

    /// The members of an object.
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

    /// A type that has a name, in full.
    fn told(&self, definition: &Value) -> String {
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
        let mut told = kind;
        if !members.is_empty() {
            let _ = write!(told, " of {}", members.join(", "));
        }
        match description(definition) {
            "" => told,
            description => format!("{told}. {}", cell(description)),
        }
    }

    /// A type in a few words.
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
            // That a text may be empty or missing is said once, above; a version may be a number or
            // a text.
            let mut told: Vec<String> = Vec::new();
            for choice in choices.iter().filter(|choice| !is_empty(choice)).map(literal) {
                let choice = format!("`{choice}`");
                if !told.contains(&choice) {
                    told.push(choice);
                }
            }
            return told.join(", ");
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(choices) = schema.get(key).and_then(Value::as_array).filter(|_| schema.get("type").is_none()) {
                let told: Vec<String> =
                    choices.iter().filter(|choice| !is_nothing(choice)).map(|choice| self.kind(choice)).collect();
                let are_words = choices.iter().any(|choice| choice.get("const").is_some());
                return told.join(if are_words { ", " } else { " or " });
            }
        }
        let types = match schema.get("type") {
            Some(Value::String(kind)) => vec![kind.as_str()],
            kinds => names(kinds),
        };
        let items = schema.get("items").map(|items| self.kind(items));
        let values = schema.get("additionalProperties").filter(|values| values.is_object()).map(|it| self.kind(it));
        let told = types.iter().filter(|kind| **kind != "null").map(|kind| match (*kind, &items, &values) {
            ("array", Some(items), _) => format!("list of {items}"),
            ("array", None, _) => "list".to_owned(),
            ("object", _, Some(values)) => format!("object of {values}"),
            ("string", ..) => "text".to_owned(),
            ("boolean", ..) => "true or false".to_owned(),
            ("integer", ..) => "whole number".to_owned(),
            (other, ..) => other.to_owned(),
        });
        let told: Vec<String> = told.collect();
        if told.is_empty() { "anything".to_owned() } else { told.join(" or ") }
    }
}

/// What holds for one operation.
fn branch<'s>(schema: &'s Value, operation: &str) -> Option<&'s Value> {
    branches(schema, operation).next()
}

/// All that holds for one operation.
pub(crate) fn branches<'s>(schema: &'s Value, operation: &str) -> impl Iterator<Item = &'s Value> {
    schema.get("allOf").and_then(Value::as_array).into_iter().flatten().filter_map(move |branch| {
        let asked = branch.pointer("/if/properties/operation")?;
        let is_it = asked.get("const").and_then(Value::as_str) == Some(operation)
            || names(asked.get("enum")).contains(&operation);
        is_it.then(|| branch.get("then")).flatten()
    })
}

/// Whether a value stands for one that is missing.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

/// Whether a schema takes only such values.
fn is_nothing(schema: &Value) -> bool {
    let choices = schema.get("enum").and_then(Value::as_array);
    schema.get("type").and_then(Value::as_str) == Some("null")
        || choices.is_some_and(|choices| choices.iter().all(is_empty))
}

/// Words that a value may be, and what each means.
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

/// A constant as it is written, texts without quotes.
fn literal(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A text that stays within its cell.
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
