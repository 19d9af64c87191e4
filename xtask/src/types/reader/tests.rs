//! Tests of each supported and unsupported schema construct.

use super::*;

fn named(name: &str) -> Type {
    Type::Named(name.into())
}

fn word(text: &str) -> Type {
    Type::Literal(text.into())
}

fn list(item: Type) -> Type {
    Type::List(Box::new(item))
}

fn map(values: Type) -> Type {
    Type::Map(Box::new(values))
}

/// A manifest with two operations, these definitions in each schema, and this branch of requests.
fn manifest(definitions: &Value, takes: &Value) -> Value {
    let result = json!({"properties": {"result": {"$ref": "#/$defs/any_result", "type": "object", "required": ["n"],
        "properties": {"n": {"type": "integer"}}, "unevaluatedProperties": false}}});
    let with = |more: Value| {
        let mut all = definitions.as_object().unwrap().clone();
        all.extend(more.as_object().unwrap().clone());
        Value::Object(all)
    };
    json!({
        "operations": {"do_it": "does it", "do_more": "does more"},
        "input_schema": {
            "$ref": "#/$defs/settings",
            "properties": {"operation": {"enum": ["do_it", null]}, "pipe": {}},
            "allOf": [{"if": {"properties": {"operation": {"enum": ["do_it", "do_more"]}}}, "then": takes}],
            "$defs": with(json!({"settings": {"properties": {
                "url": {"type": ["string", "null"]}, "more": {"type": ["object", "null"]},
            }}})),
        },
        "config_schema": {"$ref": "#/$defs/settings", "type": "object", "properties": {}, "$defs": with(json!({
            "settings": {"properties": {"own": {"type": "string"}}},
        }))},
        "output_schema": {
            "required": ["success"],
            "if": {"properties": {"success": {"const": true}}},
            "then": {"required": ["operation", "result"], "properties": {"success": true, "warnings": {}}, "allOf": [
                {"if": {"properties": {"operation": {"const": "do_it"}}}, "then": result},
                {"if": {"properties": {"operation": {"const": "do_more"}}}, "then": result},
            ]},
            "else": {"$ref": "#/$defs/failure"},
            "$defs": with(json!({
                "any_result": {"type": "object", "properties": {"m": {"type": "string"}}},
                "failure": {"type": "object", "properties": {"success": {"const": false}}},
            })),
        },
    })
}

/// A model with an additional definition.
fn model(definition: &Value) -> Result<Model, String> {
    read(&manifest(&json!({"a_text": {"type": "string"}, "it": definition}), &json!({"properties": {}})))
}

/// The type of that definition.
fn alias(definition: Value) -> Type {
    let mut model = model(&definition).unwrap_or_else(|error| panic!("{definition}: {error}"));
    match model.definitions.remove("It").unwrap().shape {
        Shape::Alias(ty) => ty,
        Shape::Object(_) => panic!("{definition}"),
    }
}

fn fields<'m>(model: &'m Model, name: &str) -> Vec<(&'m str, bool, &'m Type)> {
    let Shape::Object(object) = &model.definitions[name].shape else { panic!("{name}") };
    object.fields.iter().map(|field| (field.name.as_str(), field.required, &field.ty)).collect()
}

#[test]
fn each_construct_is_parsed() {
    let union = |choices: &[Type]| choices.iter().cloned().collect::<Type>();
    for (schema, ty) in [
        (json!({"description": "anything"}), Type::Unknown),
        (json!({"type": "string", "pattern": "a", "default": "b"}), Type::Text),
        (json!({"type": ["integer", "null"], "minimum": 1}), union(&[Type::Integer, Type::Null])),
        (json!({"type": ["boolean", "number"]}), union(&[Type::Boolean, Type::Number])),
        (json!({"const": true}), Type::Literal(true.into())),
        (json!({"enum": ["a", "", 1, null]}), union(&[word("a"), word(""), Type::Literal(1.into()), Type::Null])),
        (json!({"$ref": "#/$defs/a_text", "description": "b", "maximum": 3}), named("AText")),
        (json!({"type": "array"}), list(Type::Unknown)),
        (json!({"type": "array", "items": {"$ref": "#/$defs/a_text"}, "minItems": 1}), list(named("AText"))),
        (json!({"type": "object"}), map(Type::Unknown)),
        (json!({"type": "object", "additionalProperties": {"type": "string"}}), map(Type::Text)),
        (json!({"oneOf": [{"const": "a", "description": "b"}, {"enum": ["c"]}]}), union(&[word("a"), word("c")])),
        (json!({"anyOf": [{"type": "string"}, {"anyOf": [{"type": "null"}]}]}), union(&[Type::Text, Type::Null])),
        (json!({"anyOf": [{"type": "string"}, {}]}), Type::Unknown),
    ] {
        assert_eq!(alias(schema.clone()), ty, "{schema}");
    }
}

#[test]
fn unsupported_constructs_are_errors() {
    for schema in [
        json!({"not": {}}),
        json!({"type": "text"}),
        json!({"const": 1.5}),
        json!({"const": "a", "enum": ["a"]}),
        json!({"$ref": "#/$defs/none"}),
        json!({"$ref": "elsewhere.json"}),
        json!({"type": "string", "items": {}}),
        json!({"type": "string", "anyOf": [{"type": "string"}]}),
        json!({"allOf": [{"type": "string"}]}),
        json!({"if": {"type": "string"}, "then": {}}),
        json!({"type": "object", "properties": {"a": false}}),
        json!({"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}),
        json!({"type": "object", "properties": {}, "anyOf": [{"properties": {"a": {}}}]}),
        json!({"type": "object", "properties": {}, "unevaluatedProperties": {"type": "string"}}),
        json!({"type": "object", "properties": {}, "required": ["a"]}),
    ] {
        assert!(model(&schema).is_err(), "{schema}");
    }
    let odd = json!({"if": {"properties": {"mode": {"const": "a"}}}, "then": {}});
    for branch in [odd, json!({"if": {"properties": {"operation": {"const": "do_none"}}}, "then": {}})] {
        let mut manifest = manifest(&json!({}), &json!({}));
        manifest["input_schema"]["allOf"].as_array_mut().unwrap().push(branch);
        assert!(read(&manifest).is_err());
    }
}

#[test]
fn nested_objects_are_named() {
    let model = model(&json!({
        "type": "object", "required": ["b"], "anyOf": [{"required": ["a"]}, {"required": ["c"]}],
        "additionalProperties": true,
        "properties": {
            "a": {"type": ["object", "null"], "properties": {"x": true}},
            "b": {"type": "array", "items": {"type": "object", "properties": {}, "additionalProperties": false}},
        },
    }));
    let model = model.unwrap();
    let optional = Type::from_iter([named("ItA"), Type::Null]);
    assert_eq!(fields(&model, "It"), [("a", false, &optional), ("b", true, &list(named("ItB")))]);
    assert_eq!(fields(&model, "ItA"), [("x", false, &Type::Unknown)]);
    assert_eq!(fields(&model, "ItB"), []);
    let Shape::Object(Object { open, .. }) = model.definitions["It"].shape else { panic!() };
    assert!(open);
}

#[test]
fn equal_definitions_are_shared_and_others_renamed() {
    let definitions = json!({"same": {"$ref": "#/$defs/deep"}, "deep": {"type": "string"}});
    let mut manifest = manifest(&definitions, &json!({"properties": {}}));
    for (name, definition) in [
        // The first refers to the second, so it is different too.
        ("deep", json!({"type": "number"})),
        ("do_it_result", json!({"type": "null"})),
        ("DoItResult", json!({"type": "boolean"})),
    ] {
        manifest["output_schema"]["$defs"][name] = definition;
    }
    let model = read(&manifest).unwrap();
    let alias = |name: &str| match &model.definitions[name].shape {
        Shape::Alias(ty) => ty.clone(),
        Shape::Object(_) => panic!("{name}"),
    };
    assert_eq!((alias("Same"), alias("ResponseSame")), (named("Deep"), named("ResponseDeep")));
    assert_eq!((alias("ResponseDoItResult"), alias("ResponseDoItResult2")), (Type::Boolean, Type::Null));
    assert!(!model.definitions.contains_key("ConfigurationSame"));
    assert_eq!(fields(&model, "ConfigurationSettings"), [("own", false, &Type::Text)]);
}

#[test]
fn requests_and_results_inherit_common_fields() {
    let takes = json!({"required": ["more", "own"], "properties": {
        "url": {"type": ["string", "number", "null"]}, "own": {"type": "string"},
        "more": {"anyOf": [{"type": "object", "properties": {"a": {}}}, {"type": "null"}]},
    }});
    let model = read(&manifest(&json!({}), &takes)).unwrap();
    // The settings have the narrower type of `url`, the request that of `more`.
    let more = Type::from_iter([named("DoItRequestMore"), Type::Null]);
    assert_eq!(fields(&model, "DoItRequest"), [("more", true, &more), ("own", true, &Type::Text)]);
    let Shape::Object(request) = &model.definitions["DoItRequest"].shape else { panic!() };
    assert_eq!((request.base.as_deref(), request.fields[0].overrides), (Some("AnyRequest"), Overrides::Type));
    assert_eq!(request.operation.as_ref().unwrap().ty, Type::from_iter([word("do_it"), word("do_more")]));
    let Shape::Alias(shared) = &model.definitions["DoMoreRequest"].shape else { panic!() };
    assert_eq!(*shared, named("DoItRequest"));
    assert_eq!(fields(&model, "AnyRequest"), [("pipe", false, &Type::Unknown)]);
    assert_eq!(fields(&model, "DoMoreResult"), [("n", true, &Type::Integer)]);
    assert_eq!(fields(&model, "Requests")[1], ("do_more", true, &named("DoMoreRequest")));
    let success: Vec<(&str, bool)> = model.success.fields.iter().map(|it| (it.name.as_str(), it.required)).collect();
    assert_eq!((success, model.failure), (vec![("success", true), ("warnings", false)], named("Failure")));
    // Neither type is narrower.
    assert!(read(&manifest(&json!({}), &json!({"properties": {"url": {"type": "number"}}}))).is_err());
}
