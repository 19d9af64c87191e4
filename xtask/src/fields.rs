//! `plugin/contract/src/known_fields.rs`: the names of the fields that each operation and the
//! configuration take, from the manifest's schemas. The plug warns of any other name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::reference::{branches, manifest};
use crate::{root, write};

/// An object's fields; each with its own fields, where those are known too.
#[derive(Clone, Default, PartialEq)]
struct Node(BTreeMap<String, Option<Node>>);

/// Where the table is.
pub fn table_path() -> PathBuf {
    root().join("plugin/contract/src/known_fields.rs")
}

/// Writes the table.
pub fn make() -> Result<(), String> {
    write(&table_path(), table()?)
}

/// The table, of the manifest as it is.
pub fn table() -> Result<String, String> {
    let manifest = manifest()?;
    let at = |path: &str| manifest.pointer(path).ok_or_else(|| format!("the manifest has no {path}"));
    let (config, input) = (at("/config_schema/$defs")?, at("/input_schema/$defs")?);
    let settings = at("/config_schema/$defs/settings/properties")?;
    // What stands in calls too is said in full in the input's schema.
    let known = |name: &str, member| {
        input.get(name).and_then(|definition| node(definition, input)).or_else(|| node(member, config))
    };
    let of = |only: bool| {
        let members = settings.as_object().into_iter().flatten();
        let some = members.filter(|(_, member)| member.get("x-configuration-only").is_some() == only);
        Node(some.map(|(name, member)| (name.clone(), known(name, member))).collect())
    };
    let (of_calls, of_configuration) = (of(false), of(true));
    let mut top = Node::default();
    let members = at("/config_schema/properties")?.as_object();
    for (name, member) in members.into_iter().flatten() {
        let nested = if name == "prometheus_config" { None } else { known(name, member) };
        top.0.insert(name.clone(), nested);
    }
    let mut common = Node::default();
    let members = at("/input_schema/properties")?.as_object();
    for (name, member) in members.into_iter().flatten() {
        let nested = if name == "prometheus_config" { Some(of_calls.clone()) } else { node(member, input) };
        common.0.insert(name.clone(), nested);
    }
    let mut tables = Tables::default();
    // A leaf is number 0.
    tables.add(&Node::default());
    let mut constants = String::new();
    for (name, about, node) in [
        ("SETTINGS", "Of a configuration, flat or nested; a call may bring them too.", &of_calls),
        ("CONFIGURATION_ONLY", "Of a configuration, flat or nested; of no call.", &of_configuration),
        ("TOP_OF_CONFIGURATION", "Of a configuration, beside its flat settings.", &top),
        ("COMMON", "Of every call: what is not the operation's own, a runtime's keys among it.", &common),
    ] {
        let _ = writeln!(constants, "/// {about}\npub const {name}: u8 = {};\n", tables.add(node));
    }
    let operations = at("/operations")?.as_object().ok_or("the manifest has no operations")?;
    let mut of_operations = String::new();
    for name in operations.keys() {
        let mut all = Node::default();
        for branch in branches(at("/input_schema")?, name) {
            merge(&mut all, node(branch, input).unwrap_or_default());
        }
        let _ = writeln!(of_operations, "    ({name:?}, {}),", tables.add(&all));
    }
    let mut out = String::from(
        "//! Made from plug.yaml by `cargo xtask generate`; a test compares.\n\n\
         /// Fields of objects: name, and the index of the object's own fields; 0 where anything may stand\n\
         /// there.\n\
         pub const OBJECTS: &[&[(&str, u8)]] = &[\n",
    );
    for object in &tables.objects {
        let _ = writeln!(out, "    &[{object}],");
    }
    if tables.objects.len() > usize::from(u8::MAX) {
        return Err("there are more objects than a byte can number".into());
    }
    let _ = write!(
        out,
        "];\n\n{constants}/// Of each operation.\npub const OPERATIONS: &[(&str, u8)] = &[\n{of_operations}];\n"
    );
    Ok(out)
}

/// Objects as they are written, each once.
#[derive(Default)]
struct Tables {
    objects: Vec<String>,
}

impl Tables {
    fn add(&mut self, node: &Node) -> usize {
        let mut written = String::new();
        for (name, nested) in &node.0 {
            let index = nested.as_ref().map_or(0, |nested| self.add(nested));
            let _ = write!(written, "{}({name:?}, {index})", if written.is_empty() { "" } else { ", " });
        }
        self.objects.iter().position(|known| *known == written).unwrap_or_else(|| {
            self.objects.push(written);
            self.objects.len() - 1
        })
    }
}

/// The fields of an object, of an object in a list, or of any of several forms; none where any name
/// may stand there.
fn node(schema: &Value, definitions: &Value) -> Option<Node> {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.rsplit('/').next().unwrap_or_default();
        return node(definitions.get(name)?, definitions);
    }
    let mut found: Option<Node> = None;
    if let Some(Value::Object(members)) = schema.get("properties") {
        found = Some(fields_of(members.iter().map(|(name, member)| (name.clone(), member)), definitions));
    }
    let forms = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema.get(*key)?.as_array()).flatten();
    for form in forms.chain(schema.get("items")) {
        if let Some(node) = node(form, definitions) {
            merge(found.get_or_insert_default(), node);
        }
    }
    found
}

fn fields_of<'m>(members: impl Iterator<Item = (String, &'m Value)>, definitions: &Value) -> Node {
    Node(members.map(|(name, member)| (name, node(member, definitions))).collect())
}

fn merge(into: &mut Node, from: Node) {
    into.0.extend(from.0);
}
