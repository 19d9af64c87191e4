//! JSON Schemas of requests and responses, for `cargo xtask generate`: `JsonSchema` impls for types
//! that accept more than one form, and post-processing of generated schemas.
//!
//! The first paragraph of a field's doc comment becomes its description, so it must suit users of
//! the plug.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::compound::{FlagOr, Named};
use crate::document::Both;
use crate::kind::MetricKind;
use crate::requests;
use crate::responses::{Amount, LabelPairs};
use crate::scalar::{
    Any, Bound, Count, Duration, Exact, Finite, Flag, LabelValue, Labels, MetricValue, Moment, Number, OneOrMany, Text,
    TextOr, Verbatim, Whole, Word,
};
use crate::settings::{Auth, AuthFields, Between, Interval, Organization, RemoteWriteVersion, Setting, Timeout};
use crate::url::Url;

/// The JSON Schema dialect.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A generator for request schemas, which collects named types in `$defs`.
pub fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

/// A generator for response schemas.
pub fn response_generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().for_serialize().into_generator()
}

/// Tightens a response schema beyond what its types express: objects have no other members, and
/// optional members are never null.
pub fn close(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(members) => {
            members.values_mut().for_each(close);
            // Only the keyword, not a property of that name.
            if members.get("format").is_some_and(Value::is_string) {
                members.remove("format");
            }
            let required = members.get("required").cloned().unwrap_or_default();
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                let is_required = |name: &String| required.as_array().is_some_and(|names| names.contains(&json!(name)));
                properties.iter_mut().filter(|(name, _)| !is_required(name)).for_each(|(_, own)| forbid_null(own));
                if members.contains_key("type") && !members.contains_key("unevaluatedProperties") {
                    members.entry("additionalProperties").or_insert(false.into());
                }
            }
        }
        _ => {}
    }
}

fn forbid_null(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    if let Some(Value::Array(kinds)) = members.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            let kind = kind.clone();
            members.insert("type".into(), kind);
        }
    }
    let Some(Value::Array(choices)) = members.get_mut("anyOf") else { return };
    choices.retain(|choice| *choice != json!({ "type": "null" }));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        members.remove("anyOf");
        members.extend(only.into_iter().filter(|(key, _)| key != "description"));
    }
}

/// Types whose schema goes into `$defs` under this name.
macro_rules! named {
    ($($type:ty, $name:literal: $schema:tt;)*) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

/// Types whose schema is inlined.
macro_rules! inline {
    ($($type:ty: $schema:tt;)*) => {$(
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

/// Types with the schema of another type and additional bounds.
macro_rules! like {
    ($([$($generics:tt)*] $type:ty: $other:ty $(, $key:literal: $bound:expr)*;)*) => {$(
        impl<$($generics)*> JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                <$other>::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                #[allow(unused_mut, reason = "not all have bounds")]
                let mut schema = generator.subschema_for::<$other>();
                $(schema.insert($key.into(), $bound.into());)*
                schema
            }
        }
    )*};
}

named! {
    Text<'_>, "text": {
        "type": ["string", "number", "boolean", "null"],
        "description": "Text; templates may produce a number instead.",
    };
    Number, "number": {
        "type": ["number", "string", "null"],
        "description": "A number; templates may produce text instead.",
    };
    MetricValue, "metric_value": {
        "type": ["number", "string", "boolean", "null"],
        "description": "A number; templates may produce text instead. true and false count as 1 and 0.",
    };
    Whole, "whole_number": {
        "type": ["integer", "string", "null"],
        "minimum": 0,
        "description": "A number; templates may produce text instead.",
    };
    Flag, "flag": { "type": ["boolean", "string", "null"], "description": "true or false, which may be text." };
    Duration, "duration": {
        "type": ["string", "number", "null"],
        "description":
            "In Prometheus's format (15s, 1h30m, 500ms), a decimal with one unit (1.5h), or a number of seconds.",
    };
    Moment<'_>, "moment": {
        "type": ["string", "number", "null"],
        "description": "RFC 3339, Unix seconds, or relative to now: now, now-1h, now+2d.",
    };
    Url, "url": {
        "type": ["string", "null"],
        "description": "An http or https URL, such as http://127.0.0.1:9090.",
    };
    LabelValue<'_>, "label_value": {
        "type": ["string", "number", "boolean"],
        "description": "A text, which may be empty; a number or a boolean counts as its text.",
    };
    Labels<'_>, "labels": {
        "type": ["object", "null"],
        "additionalProperties": { "type": ["string", "number", "boolean"] },
        "description": "String pairs; a number or a boolean counts as its text.",
    };
}

// Types in responses.
named! {
    Amount, "amount": {
        "type": ["number", "string"],
        "description": "A number; NaN and the infinities as text, because JSON has no numbers for them.",
    };
    LabelPairs<'_>, "label_pairs": {
        "type": "object",
        "additionalProperties": { "type": "string" },
        "description": "Name-value pairs.",
    };
    Rfc3339, "rfc3339": { "type": "string", "pattern": r"^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d" };
}

/// An RFC 3339 timestamp.
pub(crate) struct Rfc3339;

/// Types whose schema is an enum of words.
macro_rules! words {
    ($($(#[$doc:meta])* $type:ident, $name:literal: $words:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $type;

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "enum": $words })
            }
        }
    )*};
}

words! {
    /// A metric kind in a response.
    KindName, "kind_name": MetricKind::ALL.map(MetricKind::name);
    /// An error code.
    ErrorCode, "error_code": ERROR_CODES;
    /// A conflict reason.
    ConflictReason, "conflict_reason": CONFLICT_REASONS;
    /// An exposition format.
    ExportFormat, "export_format": EXPORT_FORMATS;
}

/// Exposition formats. A test of the plug compares them with its own.
pub const EXPORT_FORMATS: [&str; 6] = ["prometheus", "openmetrics", "openmetrics2", "protobuf", "json", "csv"];

/// The codes of errors. A test of the plug holds them against those it has.
pub const ERROR_CODES: [&str; 20] = [
    "invalid_json",
    "unknown_operation",
    "missing_field",
    "invalid_field",
    "metric_conflict",
    "unknown_series",
    "limit_reached",
    "not_configured",
    "not_granted",
    "unreachable",
    "timeout",
    "tls_failed",
    "answer_too_long",
    "refused",
    "push_conflict",
    "query_failed",
    "bad_answer",
    "interrupted",
    "unknown_outcome",
    "unhealthy",
];

/// Conflict reasons of pushes. A test of the plug compares them with its own.
pub const CONFLICT_REASONS: [&str; 6] = ["type", "help", "name_suffix", "duplicate_series", "timestamp", "label_name"];

inline! {
    Any<'_>: {};
    Verbatim<'_>: { "type": "string" };
    Finite: { "type": ["number", "string"] };
    Bound: { "type": ["number", "string"] };
    RemoteWriteVersion: { "enum": ["auto", "2.0", "2", 2, "1.0", "1", 1] };
    Object: { "type": ["object", "null"] };
}

like! {
    [] Exact<'_>: Text;
    [] Count: Whole;
    [] Timeout: Duration;
    [] Interval<'_>: Duration;
    [] Organization: Whole, "minimum": 1;
    [const MIN: u64, const MAX: u64] Between<MIN, MAX>: Whole, "minimum": MIN, "maximum": MAX;
}

/// An object that is passed on.
pub(crate) struct Object;

/// A metric kind.
pub(crate) struct Kind;

impl JsonSchema for Kind {
    fn schema_name() -> Cow<'static, str> {
        "kind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = MetricKind::ALL.map(|kind| Value::from(kind.name()));
        or_empty(json_schema!({ "enum": names }), &Map::new())
    }
}

/// A rules target.
pub(crate) struct TargetName;

/// Rules targets. A test of the plug compares them with its own.
pub const TARGETS: [&str; 7] = ["file", "prometheus", "vmalert", "thanos", "mimir", "cortex", "grafana"];

impl JsonSchema for TargetName {
    fn schema_name() -> Cow<'static, str> {
        "rules_target".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        or_empty(json_schema!({ "enum": TARGETS }), &Map::new())
    }
}

/// [`requests::AlertConfig`] as a named definition.
pub(crate) struct AlertConfig;

impl JsonSchema for AlertConfig {
    fn schema_name() -> Cow<'static, str> {
        "alert_config".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        requests::AlertConfig::json_schema(generator)
    }
}

impl JsonSchema for Auth<'_> {
    fn schema_name() -> Cow<'static, str> {
        "credentials".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = AuthFields::json_schema(generator);
        json_schema!({
            "description": "user:password or a token as text; or an object.",
            "anyOf": [{ "type": ["string", "null"] }, fields],
        })
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}s", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        let one = or_empty(item.clone(), generator.definitions());
        json_schema!({ "anyOf": [one, { "type": "array", "items": item }] })
    }
}

impl<T: JsonSchema> JsonSchema for TextOr<'_, T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (text, parts) = (generator.subschema_for::<Text>(), generator.subschema_for::<T>());
        json_schema!({ "anyOf": [text, parts] })
    }
}

impl<T: JsonSchema> JsonSchema for Named<'_, T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("named_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "type": ["object", "null"], "additionalProperties": value })
    }
}

impl<T: JsonSchema> JsonSchema for FlagOr<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (flag, object) = (generator.subschema_for::<Flag>(), generator.subschema_for::<T>());
        json_schema!({ "anyOf": [flag, object] })
    }
}

impl<T: JsonSchema> JsonSchema for Word<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        or_empty(generator.subschema_for::<T>(), generator.definitions())
    }
}

impl<T: JsonSchema> JsonSchema for Setting<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        or_empty(generator.subschema_for::<T>(), generator.definitions())
    }
}

/// The properties of both, under the name of the first.
impl<A: JsonSchema, B: JsonSchema> JsonSchema for Both<A, B> {
    fn schema_name() -> Cow<'static, str> {
        A::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("{}+{}", A::schema_id(), B::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        both(A::json_schema(generator), &B::json_schema(generator))
    }
}

/// An object with the properties of both.
pub(crate) fn both(mut both: Schema, other: &Schema) -> Schema {
    // The description and closedness of one part do not apply to the whole.
    both.remove("description");
    both.remove("additionalProperties");
    for (key, value) in other.as_object().into_iter().flatten() {
        match (key.as_str(), value, both.get_mut(key)) {
            ("description" | "additionalProperties" | "type", ..) => {}
            (_, Value::Object(more), Some(Value::Object(own))) => own.extend(more.clone()),
            (_, Value::Array(more), Some(Value::Array(own))) => own.extend(more.iter().cloned()),
            _ => drop(both.insert(key.clone(), value.clone())),
        }
    }
    both
}

/// Also accepts null and empty text, which count as missing.
fn or_empty(mut schema: Schema, definitions: &Map<String, Value>) -> Schema {
    if ["string", "null"].iter().all(|kind| takes(schema.as_value(), kind, definitions)) {
        return schema;
    }
    if let Some(Value::Array(choices)) = schema.get_mut("enum") {
        choices.extend([json!(""), Value::Null]);
        return schema;
    }
    let empty = json!({ "enum": ["", null] });
    for key in ["oneOf", "anyOf"] {
        if let Some(Value::Array(choices)) = schema.get_mut(key) {
            choices.push(empty);
            return schema;
        }
    }
    json_schema!({ "anyOf": [schema, empty] })
}

/// Whether a schema accepts all values of a type.
fn takes(schema: &Value, kind: &str, definitions: &Map<String, Value>) -> bool {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return definitions.get(name).is_some_and(|schema| takes(schema, kind, definitions));
    }
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let is_kind = |own: &Value| own.as_str() == Some(kind);
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_kind),
        Some(own) => is_kind(own),
        None => choices.into_iter().flatten().any(|choice| takes(choice, kind, definitions)),
    }
}

/// Finishes a schema for the manifest: single-line descriptions, no redundant alternatives.
///
/// # Errors
/// A description contains a link to Rust code.
pub fn finish(mut schema: Value) -> Result<Value, String> {
    let definitions = schema.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
    tidy(&mut schema, &definitions)?;
    Ok(schema)
}

fn tidy(schema: &mut Value, definitions: &Map<String, Value>) -> Result<(), String> {
    match schema {
        Value::Array(items) => items.iter_mut().try_for_each(|item| tidy(item, definitions)),
        Value::Object(members) => {
            if let Some(Value::String(description)) = members.get_mut("description") {
                let first = description.split("\n\n").next().unwrap_or_default();
                *description = first.split_whitespace().collect::<Vec<_>>().join(" ");
                if description.contains("[`") {
                    return Err(format!("a description in the manifest has a link to Rust code: {description}"));
                }
            }
            if members.get("const").is_some_and(Value::is_string) {
                members.remove("type");
            }
            members.values_mut().try_for_each(|member| tidy(member, definitions))?;
            forget_null(members, definitions);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Simplifies `anyOf: [X, {type: 'null'}]` to X if X already accepts null.
fn forget_null(members: &mut Map<String, Value>, definitions: &Map<String, Value>) {
    let Some(Value::Array(choices)) = members.get("anyOf") else { return };
    let [own, null] = choices.as_slice() else { return };
    if *null == json!({ "type": "null" })
        && let Value::Object(own) = own
        && takes(&Value::Object(own.clone()), "null", definitions)
    {
        let own = own.clone();
        members.remove("anyOf");
        for (key, value) in own {
            members.entry(key).or_insert(value);
        }
    }
}
