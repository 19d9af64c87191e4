//! `plugin/plug.yaml`: against PlugPipe's rules for manifests, and what is made of it.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};
use xtask::root;

use crate::schema::{problems, validator};

static MANIFEST: LazyLock<Value> = LazyLock::new(|| xtask::reference::manifest().unwrap());

static CONFIG: LazyLock<Validator> = LazyLock::new(|| validator(&MANIFEST["config_schema"]));

/// What PlugPipe asks of a manifest, written from its rules.
fn rules() -> Value {
    let dependency = json!({
        "type": "object",
        "required": ["name", "type"],
        "additionalProperties": false,
        "properties": {
            "name": {"type": "string"},
            "type": {"enum": ["python", "binary", "service", "plugin", "pipe", "environment", "file", "network", "system"]},
            "version": {"type": "string"}, "source": {"type": "string"}, "check_command": {"type": "string"},
            "install_command": {"type": "string"}, "failure_message": {"type": "string"}, "documentation_url": {"type": "string"},
        },
    });
    let dependencies = json!({"type": "array", "items": dependency});
    json!({
        "type": "object",
        "required": ["name", "owner", "version", "status", "description", "category", "author", "copyright", "license",
                     "input_schema", "output_schema", "sbom"],
        "properties": {
            "name": {"const": "monitoring_prometheus"},
            "owner": {"type": "string", "minLength": 1},
            "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
            "status": {"enum": ["experimental", "stable", "deprecated"]},
            "description": {"type": "string", "minLength": 1},
            "category": {"type": "string"},
            "author": {"type": "string"},
            "copyright": {"type": "object", "required": ["owner", "year", "notice"]},
            "license": {"const": "MIT"},
            "spdx_license_identifier": {"const": "MIT"},
            "input_schema": {"type": "object"}, "output_schema": {"type": "object"}, "config_schema": {"type": "object"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "sbom": {"type": "object", "required": ["summary", "complete"],
                     "properties": {"summary": {"type": "string"}, "complete": {"type": "string"}}},
            "entrypoint": {"type": "string"},
            "discoverability": {"enum": ["public", "private"]},
            "mandatory_dependencies": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "core_dependencies": dependencies, "security_dependencies": dependencies,
                    "optional_dependencies": dependencies, "development_dependencies": dependencies,
                },
            },
        },
    })
}

#[test]
fn the_manifest_keeps_to_plugpipes_rules() {
    assert_eq!(problems(&validator(&rules()), &MANIFEST), Vec::<String>::new());
    assert_eq!(MANIFEST["version"], env!("CARGO_PKG_VERSION"));
    for schema in ["input_schema", "output_schema", "config_schema"] {
        jsonschema::draft202012::meta::validate(&MANIFEST[schema]).unwrap_or_else(|error| panic!("{schema}: {error}"));
    }
}

#[test]
fn every_operation_has_a_result_in_the_output_schema() {
    let mut told: Vec<&str> = Vec::new();
    for condition in MANIFEST["output_schema"]["then"]["allOf"].as_array().unwrap() {
        let operation = &condition["if"]["properties"]["operation"];
        told.extend(operation["const"].as_str());
        told.extend(operation["enum"].as_array().into_iter().flatten().filter_map(Value::as_str));
    }
    told.sort_unstable();
    assert_eq!(told, MANIFEST["operations"].as_object().unwrap().keys().collect::<Vec<_>>());
}

#[test]
fn the_config_schema_takes_the_examples_and_refuses_what_the_plug_refuses() {
    for file in std::fs::read_dir(root().join("examples/config")).unwrap() {
        let path = file.unwrap().path();
        let config: Value = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(problems(&CONFIG, &config), Vec::<String>::new(), "{}", path.display());
    }
    for bad in [
        json!({"prometheus_config": []}),
        json!({"push_policy": "always"}),
        json!({"job_name": ["a"]}),
        json!({"prometheus_config": {"grouping_key": [1]}}),
    ] {
        assert_ne!(problems(&CONFIG, &bad), Vec::<String>::new(), "{bad}");
    }
}

#[test]
fn the_schemas_are_of_the_types_that_read_requests() {
    let written = std::fs::read_to_string(xtask::reference::manifest_path()).unwrap();
    let made = xtask::generate::manifest().unwrap();
    assert!(written == made, "plugin/plug.yaml is not of these types: run cargo xtask generate");
}

#[test]
fn the_mixin_is_what_the_plug_renders() {
    for (path, made) in xtask::mixin::files().unwrap() {
        let written = std::fs::read_to_string(root().join(&path)).unwrap();
        assert!(written == made, "{path} is not what the plug renders: run cargo xtask generate");
    }
}

#[test]
fn the_reference_is_of_this_manifest() {
    let page = std::fs::read_to_string(xtask::reference::page_path()).unwrap();
    let made = xtask::reference::page().unwrap();
    assert!(page == made, "docs/reference.md is not of this manifest: run cargo xtask generate");
    for operation in MANIFEST["operations"].as_object().unwrap().keys() {
        assert!(made.contains(&format!("### {operation}\n")), "{operation}");
    }
}
