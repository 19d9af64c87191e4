//! Parses the manifest's schemas into the model. Unknown keywords are errors, because they may
//! affect the types.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::model::{Definition, Field, Model, Object, Operation, Overrides, Shape, Type, pascal};
use crate::reference::{capital, choices, description, names};

/// Keywords that do not affect types.
const IGNORED: [&str; 9] = [
    "$schema",
    "default",
    "description",
    "maximum",
    "maxItems",
    "minItems",
    "minimum",
    "pattern",
    "x-configuration-only",
];

/// Mutually exclusive keywords.
const FORMS: [&str; 5] = ["$ref", "anyOf", "const", "enum", "oneOf"];

/// Keywords that belong to a `type`.
const PARTS: [&str; 5] = ["additionalProperties", "items", "properties", "required", "unevaluatedProperties"];

/// Type names used by the languages or the writers.
const RESERVED: [&str; 18] = [
    "Any",
    "AnyRequest",
    "Array",
    "Configuration",
    "Dict",
    "List",
    "Literal",
    "Omit",
    "Operation",
    "Optional",
    "Requests",
    "Response",
    "Results",
    "Success",
    "TypedDict",
    "Union",
    "Record",
    "Partial",
];

type Members = Map<String, Value>;

/// Parses the schemas.
pub(super) fn read(manifest: &Value) -> Result<Model, String> {
    let part = |key: &str| manifest.get(key).ok_or_else(|| format!("the manifest has no {key}"));
    let (input, config, output) = (part("input_schema")?, part("config_schema")?, part("output_schema")?);
    let operations = part("operations")?.as_object().ok_or("operations is not an object")?;
    let mut reader = Reader::new(operations.keys());
    reader.enter("input_schema", input, "Request")?;
    let mut common = object_part(input)?;
    if let Some(Value::Object(properties)) = common.get_mut("properties") {
        properties.remove("operation");
    }
    reader.object_named("AnyRequest", &common, description(input))?;
    reader.requests(input, operations)?;
    reader.enter("config_schema", config, "Configuration")?;
    reader.object_named("Configuration", &object_part(config)?, description(config))?;
    reader.enter("output_schema", output, "Response")?;
    let success = reader.results(output, operations)?;
    let failure = reader.ty(output.get("else").ok_or("output_schema has no else")?, "Failure")?;
    reader.inherit()?;
    let operations = operations.keys().map(|name| Operation { name: name.clone(), prefix: pascal(name) });
    Ok(Model { definitions: reader.definitions, operations: operations.collect(), success, failure })
}

/// The object part of a schema; the other members are parsed elsewhere.
fn object_part(schema: &Value) -> Result<Members, String> {
    let mut members = schema.as_object().cloned().ok_or("a schema is not an object")?;
    ["$defs", "allOf", "if", "then", "else"].iter().for_each(|key| drop(members.remove(*key)));
    Ok(members)
}

struct Reader<'m> {
    definitions: BTreeMap<String, Definition>,
    used_names: BTreeSet<String>,
    /// The definitions of the schemas parsed so far, and their type names.
    entered: Vec<(&'m Members, BTreeMap<&'m str, String>)>,
    /// Inherited fields that an object requires.
    required_of_base: BTreeMap<String, Vec<String>>,
}

impl<'m> Reader<'m> {
    /// Reserves the type names of operations.
    fn new(operations: impl Iterator<Item = &'m String>) -> Self {
        let made = operations.flat_map(|name| {
            ["Request", "Response", "Result", "Success"].map(|suffix| format!("{}{suffix}", pascal(name)))
        });
        Self {
            definitions: BTreeMap::new(),
            used_names: made.chain(RESERVED.map(str::to_owned)).collect(),
            entered: Vec::new(),
            required_of_base: BTreeMap::new(),
        }
    }

    /// Parses a schema's definitions. Definitions equal to those of an earlier schema are shared;
    /// different ones of the same name get a prefix.
    fn enter(&mut self, schema_name: &str, schema: &'m Value, prefix: &str) -> Result<(), String> {
        let definitions = schema.get("$defs").and_then(Value::as_object);
        let definitions = definitions.ok_or_else(|| format!("{schema_name} has no $defs"))?;
        let mut names = BTreeMap::new();
        let mut new = Vec::new();
        for (name, definition) in definitions {
            let shared = self.entered.iter().find(|(other, _)| is_same(definitions, other, name, &mut BTreeSet::new()));
            let given = match shared.and_then(|(_, names)| names.get(name.as_str())) {
                Some(given) => given.clone(),
                None => {
                    let given = self.name(&pascal(name), &format!("{prefix}{}", pascal(name)));
                    new.push((given.clone(), name, definition));
                    given
                }
            };
            names.insert(name.as_str(), given);
        }
        self.entered.push((definitions, names));
        for (given, name, definition) in new {
            let text = match text(definition) {
                text if text.is_empty() => format!("`{name}` of {schema_name}."),
                text => text,
            };
            match definition.as_object() {
                Some(members) if is_object(members) => self.object_named(&given, members, &text)?,
                _ => {
                    let ty = self.ty(definition, &given)?;
                    self.define(&given, text, Shape::Alias(ty));
                }
            }
        }
        Ok(())
    }

    /// A unique name: `wish`, or `other`, with a number if necessary.
    fn name(&mut self, wish: &str, other: &str) -> String {
        let mut name = wish.to_owned();
        let mut number = 1;
        while !self.used_names.insert(name.clone()) {
            name = if number == 1 { other.to_owned() } else { format!("{other}{number}") };
            number += 1;
        }
        name
    }

    fn define(&mut self, name: &str, description: impl Into<String>, shape: Shape) {
        self.definitions.insert(name.to_owned(), Definition { description: description.into(), shape });
    }

    fn object_named(&mut self, name: &str, schema: &Members, description: &str) -> Result<(), String> {
        let object = self.object(schema, name)?;
        self.define(name, description, Shape::Object(object));
        Ok(())
    }

    /// Parses the request of each operation. Operations with the same branch share one.
    fn requests(&mut self, input: &'m Value, operations: &Members) -> Result<(), String> {
        check_branches(input, operations)?;
        let mut members = Members::new();
        for (operation, does) in operations {
            let name = format!("{}Request", pascal(operation));
            let does = format!("`{operation}`: {}.", does.as_str().unwrap_or_default());
            match only_branch(input, operation)? {
                Some((first, _)) if first != operation => {
                    self.define(&name, does, Shape::Alias(Type::Named(format!("{}Request", pascal(first)))));
                }
                branch => {
                    let takes = branch.and_then(|(_, branch)| branch.get("then")?.as_object());
                    let object = takes.map(|takes| self.object(takes, &name)).transpose()?;
                    let mut object = object.unwrap_or_default();
                    object.base = Some("AnyRequest".into());
                    object.operation = Some(operation_field(branch.map(|(_, branch)| branch), operation));
                    self.define(&name, does, Shape::Object(object));
                }
            }
            members.insert(operation.clone(), name.into());
        }
        self.table("Requests", "The request of each operation.", &members);
        Ok(())
    }

    /// Parses the result of each operation, and the common members of successful responses.
    fn results(&mut self, output: &'m Value, operations: &Members) -> Result<Object, String> {
        if output.get("if") != Some(&json!({"properties": {"success": {"const": true}}})) {
            return Err("output_schema does not distinguish responses by success".into());
        }
        let then = part(output, "then")?;
        check_branches(then, operations)?;
        let mut members = Members::new();
        for operation in operations.keys() {
            let name = format!("{}Result", pascal(operation));
            let description = format!("The result of `{operation}`.");
            let missing = || format!("output_schema has no result of {operation}");
            let (first, branch) = only_branch(then, operation)?.ok_or_else(missing)?;
            let result = branch.pointer("/then/properties/result").ok_or_else(missing)?;
            match result.as_object() {
                _ if first != operation => {
                    self.define(&name, description, Shape::Alias(Type::Named(format!("{}Result", pascal(first)))));
                }
                Some(object) if is_object(object) => self.object_named(&name, object, &description)?,
                _ => {
                    let ty = self.ty(result, &name)?;
                    self.define(&name, description, Shape::Alias(ty));
                }
            }
            members.insert(operation.clone(), name.into());
        }
        self.table("Results", "The result of each operation.", &members);
        let mut common = object_part(then)?;
        let mut required = names(common.get("required"));
        required.extend(names(output.get("required")));
        required.retain(|name| !["operation", "result"].contains(name));
        let required = json!(required);
        common.insert("required".into(), required);
        if let Some(Value::Object(properties)) = common.get_mut("properties") {
            properties.remove("operation");
            properties.remove("result");
            properties.insert("success".into(), json!({"const": true}));
        }
        self.object(&common, "Success")
    }

    /// Defines an object that maps operations to types.
    fn table(&mut self, name: &str, description: &str, members: &Members) {
        let fields = members.iter().map(|(operation, ty)| Field {
            name: operation.clone(),
            description: String::new(),
            required: true,
            ty: Type::Named(ty.as_str().unwrap_or_default().to_owned()),
            overrides: Overrides::Nothing,
        });
        let object = Object { fields: fields.collect(), ..Object::default() };
        self.define(name, description, Shape::Object(object));
    }

    /// Parses an object's fields. `owner` is its name.
    fn object(&mut self, schema: &Members, owner: &str) -> Result<Object, String> {
        check_keywords(schema, owner)?;
        if FORMS.iter().any(|form| *form != "$ref" && schema.contains_key(*form) && !is_condition(schema, form)) {
            return Err(format!("{owner}: unsupported combination of properties with other forms"));
        }
        let open = match schema.get("additionalProperties") {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(Value::Object(values)) if values.is_empty() => true,
            Some(_) => {
                return Err(format!("{owner}: unsupported combination of properties and typed additionalProperties"));
            }
        };
        let base = schema.get("$ref").map(|to| self.reference(to, owner)).transpose()?;
        let mut required = names(schema.get("required"));
        let mut fields = Vec::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let ty = self.ty(property, &format!("{owner}{}", pascal(name)))?;
            let is_required = required.contains(&name.as_str());
            required.retain(|required_of_base| required_of_base != name);
            fields.push(Field {
                name: name.clone(),
                description: text(property),
                required: is_required,
                ty,
                overrides: Overrides::Nothing,
            });
        }
        if !required.is_empty() {
            self.required_of_base.insert(owner.to_owned(), required.into_iter().map(str::to_owned).collect());
        }
        Ok(Object { base, fields, open, operation: None })
    }

    /// Parses a type. Nested objects get names derived from `hint`.
    fn ty(&mut self, schema: &Value, hint: &str) -> Result<Type, String> {
        let schema = match schema {
            Value::Bool(true) => return Ok(Type::Unknown),
            Value::Object(members) => members,
            _ => return Err(format!("{hint}: {schema} is not a schema")),
        };
        check_keywords(schema, hint)?;
        if is_object(schema) {
            return self.inner(schema, hint);
        }
        let forms = FORMS.iter().copied().filter(|form| schema.contains_key(*form) && !is_condition(schema, form));
        let forms: Vec<&str> = forms.collect();
        if !forms.is_empty() && PARTS.iter().any(|part| schema.contains_key(*part)) {
            return Err(format!("{hint}: unsupported combination of {} with the parts of a type", forms.join(", ")));
        }
        let list = |form: &str| schema.get(form).and_then(Value::as_array).into_iter().flatten();
        match forms.as_slice() {
            [] => self.typed(schema, hint),
            ["$ref"] => self.reference(schema.get("$ref").unwrap_or(&Value::Null), hint).map(Type::Named),
            ["const"] => schema.get("const").into_iter().map(|value| literal(value, hint)).collect(),
            ["enum"] => list("enum").map(|choice| literal(choice, hint)).collect(),
            [form @ ("anyOf" | "oneOf")] if !schema.contains_key("type") => {
                list(form).map(|choice| self.ty(choice, hint)).collect()
            }
            _ => Err(format!("{hint}: unsupported combination of {} and type", forms.join(", "))),
        }
    }

    /// Parses `type` with its parts.
    fn typed(&mut self, schema: &Members, hint: &str) -> Result<Type, String> {
        let kinds = match schema.get("type") {
            Some(Value::String(kind)) => vec![kind.as_str()],
            kinds => names(kinds),
        };
        for part in PARTS.iter().filter(|part| schema.contains_key(**part)) {
            if !kinds.contains(if *part == "items" { &"array" } else { &"object" }) {
                return Err(format!("{hint}: {part} without its type"));
            }
        }
        let mut choices = Vec::new();
        for kind in &kinds {
            choices.push(match *kind {
                "null" => Type::Null,
                "boolean" => Type::Boolean,
                "integer" => Type::Integer,
                "number" => Type::Number,
                "string" => Type::Text,
                "array" => Type::List(Box::new(self.ty(schema.get("items").unwrap_or(&Value::Bool(true)), hint)?)),
                "object" if schema.contains_key("properties") => self.inner(schema, hint)?,
                "object" => {
                    let values = schema.get("additionalProperties").unwrap_or(&Value::Bool(true));
                    Type::Map(Box::new(self.ty(values, hint)?))
                }
                other => return Err(format!("{hint}: unknown type {other}")),
            });
        }
        Ok(if kinds.is_empty() { Type::Unknown } else { choices.into_iter().collect() })
    }

    /// Parses an inline object.
    fn inner(&mut self, schema: &Members, hint: &str) -> Result<Type, String> {
        let name = self.name(hint, &format!("{hint}Object"));
        let description = schema.get("description").and_then(Value::as_str);
        self.object_named(&name, schema, description.unwrap_or("An object that has no name in the schemas."))?;
        Ok(Type::Named(name))
    }

    fn reference(&self, to: &Value, hint: &str) -> Result<String, String> {
        let name = to.as_str().and_then(|to| to.strip_prefix("#/$defs/"));
        let given = name.and_then(|name| self.entered.last()?.1.get(name));
        given.cloned().ok_or_else(|| format!("{hint}: {to} is not defined"))
    }

    /// Removes fields that are equal to those of the base, and marks overrides.
    fn inherit(&mut self) -> Result<(), String> {
        let mut settled = Vec::new();
        for (name, definition) in &self.definitions {
            let Shape::Object(object) = &definition.shape else { continue };
            let above: BTreeMap<&str, &Field> =
                object.base.iter().flat_map(|base| self.all_fields(base)).map(|it| (it.name.as_str(), it)).collect();
            let mut fields = Vec::new();
            for field in &object.fields {
                match above.get(field.name.as_str()) {
                    None => fields.push(field.clone()),
                    Some(above) => {
                        let problem = || format!("{name}: {} conflicts with the field of its base", field.name);
                        fields.extend(self.override_of(above, field).ok_or_else(problem)?);
                    }
                }
            }
            for need in self.required_of_base.get(name).into_iter().flatten() {
                let above = above.get(need.as_str()).ok_or_else(|| format!("{name}: {need} has no type"))?;
                let required = Field { required: true, ..(*above).clone() };
                fields.extend(self.override_of(above, &required).flatten());
            }
            settled.push((name.clone(), fields));
        }
        for (name, fields) in settled {
            if let Some(Definition { shape: Shape::Object(object), .. }) = self.definitions.get_mut(&name) {
                object.fields = fields;
            }
        }
        Ok(())
    }

    fn all_fields(&self, name: &str) -> Vec<&Field> {
        let Some(Definition { shape: Shape::Object(object), .. }) = self.definitions.get(name) else {
            return Vec::new();
        };
        object.base.iter().flat_map(|base| self.all_fields(base)).chain(&object.fields).collect()
    }

    /// Combines a field with that of the base: the narrower of the two types. The inner option is
    /// none if the result equals the base's field, the outer one if neither type is narrower.
    fn override_of(&self, above: &Field, own: &Field) -> Option<Option<Field>> {
        let ty = [&above.ty, &own.ty].into_iter().find(|ty| self.fits(ty, &above.ty) && self.fits(ty, &own.ty))?;
        let required = own.required || above.required;
        let overrides = match () {
            () if *ty != above.ty => Overrides::Type,
            () if required != above.required => Overrides::Optional,
            () => return Some(None),
        };
        Some(Some(Field { required, ty: ty.clone(), overrides, ..own.clone() }))
    }

    /// Whether `narrow` is a subtype of `wide`.
    fn fits(&self, narrow: &Type, wide: &Type) -> bool {
        let wide = self.choices_of(wide);
        self.choices_of(narrow).iter().all(|ty| {
            wide.iter().any(|wide| match (ty, wide) {
                (_, Type::Unknown) | (Type::Integer, Type::Number) | (Type::Literal(Value::String(_)), Type::Text) => {
                    true
                }
                // The remaining names are objects.
                (Type::Named(_) | Type::Map(_), Type::Map(values)) if **values == Type::Unknown => true,
                _ => ty == wide,
            })
        })
    }

    /// The alternatives of a type, with aliases resolved.
    fn choices_of(&self, ty: &Type) -> Vec<Type> {
        match ty {
            Type::Union(choices) => choices.iter().flat_map(|choice| self.choices_of(choice)).collect(),
            Type::Named(name) => match self.definitions.get(name).map(|definition| &definition.shape) {
                Some(Shape::Alias(ty)) => self.choices_of(ty),
                _ => vec![ty.clone()],
            },
            _ => vec![ty.clone()],
        }
    }
}

fn part<'v>(schema: &'v Value, key: &str) -> Result<&'v Value, String> {
    schema.get(key).ok_or_else(|| format!("a schema has no {key}"))
}

/// Whether two schemas define a name equally.
fn is_same<'v>(one: &'v Members, other: &'v Members, name: &'v str, seen: &mut BTreeSet<&'v str>) -> bool {
    if !seen.insert(name) {
        return true;
    }
    let Some(definition) = one.get(name) else { return false };
    other.get(name) == Some(definition) && referred(definition).iter().all(|name| is_same(one, other, name, seen))
}

/// The definitions that a schema refers to.
fn referred(schema: &Value) -> Vec<&str> {
    match schema {
        Value::Array(items) => items.iter().flat_map(referred).collect(),
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix("#/$defs/"));
            own.into_iter().chain(members.values().flat_map(referred)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a schema is an object with fields.
fn is_object(schema: &Members) -> bool {
    let is_open_to_others = schema.get("type").is_some_and(|kind| kind != "object");
    let is_extended = schema.contains_key("$ref") && (schema.contains_key("type") || schema.contains_key("required"));
    !is_open_to_others && (schema.contains_key("properties") || is_extended)
}

/// Whether a form only constrains required fields, which does not affect types.
fn is_condition(schema: &Members, form: &str) -> bool {
    let is_of_names = |choice: &Value| choice.as_object().is_some_and(|it| it.keys().all(|key| key == "required"));
    schema.get(form).and_then(Value::as_array).is_some_and(|choices| {
        ["anyOf", "oneOf"].contains(&form) && !choices.is_empty() && choices.iter().all(is_of_names)
    })
}

fn check_keywords(schema: &Members, hint: &str) -> Result<(), String> {
    let is_known = |key: &str| key == "type" || [&IGNORED[..], &FORMS, &PARTS].iter().any(|known| known.contains(&key));
    if let Some(unknown) = schema.keys().find(|key| !is_known(key)) {
        return Err(format!("{hint}: unsupported keyword {unknown}"));
    }
    if schema.get("unevaluatedProperties").is_some_and(|value| *value != json!(false)) {
        return Err(format!("{hint}: unsupported unevaluatedProperties other than false"));
    }
    Ok(())
}

/// Checks that every branch is for existing operations.
fn check_branches(schema: &Value, operations: &Members) -> Result<(), String> {
    for branch in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        let of = branch_operations(branch);
        if of.is_empty() || !of.iter().all(|name| operations.contains_key(*name)) {
            return Err(format!("a branch is not for existing operations: {branch}"));
        }
        if let Some(key) =
            branch.as_object().and_then(|it| it.keys().find(|key| !["if", "then"].contains(&key.as_str())))
        {
            return Err(format!("unsupported keyword {key} in a branch"));
        }
    }
    Ok(())
}

/// The operations of a branch.
fn branch_operations(branch: &Value) -> Vec<&str> {
    let condition = branch.pointer("/if/properties/operation");
    let one = condition.and_then(|it| it.get("const")).and_then(Value::as_str);
    one.into_iter().chain(names(condition.and_then(|it| it.get("enum")))).collect()
}

/// The branch of an operation, and the first operation of that branch.
fn only_branch<'v>(schema: &'v Value, operation: &str) -> Result<Option<(&'v str, &'v Value)>, String> {
    let all = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
    let mut own = all.filter(|branch| branch_operations(branch).contains(&operation));
    match (own.next(), own.next()) {
        (Some(branch), None) => Ok(branch_operations(branch).into_iter().min().map(|first| (first, branch))),
        (None, _) => Ok(None),
        _ => Err(format!("{operation} has more than one branch")),
    }
}

/// The field `operation` of a request.
fn operation_field(branch: Option<&Value>, operation: &str) -> Field {
    let condition = branch.and_then(|branch| branch.pointer("/if/properties/operation/enum")).and_then(Value::as_array);
    let may_be_missing = condition.is_some_and(|choices| choices.contains(&Value::Null));
    let mut choices = branch.map_or_else(|| vec![operation], branch_operations);
    choices.sort_unstable();
    let null = may_be_missing.then_some(Type::Null);
    Field {
        name: "operation".into(),
        description: String::new(),
        required: !may_be_missing,
        ty: choices.into_iter().map(|name| Type::Literal(name.into())).chain(null).collect(),
        overrides: Overrides::Nothing,
    }
}

fn literal(value: &Value, hint: &str) -> Result<Type, String> {
    match value {
        Value::Null => Ok(Type::Null),
        value if value.is_string() || value.is_boolean() || value.is_i64() => Ok(Type::Literal(value.clone())),
        _ => Err(format!("{hint}: a constant must be a string, integer, boolean or null")),
    }
}

/// The description of a schema, with its choices and default.
fn text(schema: &Value) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend((!description(schema).is_empty()).then(|| description(schema).to_owned()));
    parts.extend(choices(schema).map(|(choice, means)| format!("`{choice}`: {means}")));
    parts.extend(schema.get("default").map(|default| format!("Default `{default}`.")));
    capital(&parts.join(" "))
}

#[cfg(test)]
mod tests;
