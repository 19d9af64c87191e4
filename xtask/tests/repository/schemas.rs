//! The schemas for editors: they are those of the code, and every file that the project ships fits
//! its own.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use plugpipe_yaml as yaml;
use serde_json::Value;
use xtask::{root, schemas};

use crate::schema::{problems, validator};

fn of(name: &str) -> Validator {
    let all = schemas::all().unwrap();
    validator(&all.iter().find(|(file, _)| *file == name).unwrap().1)
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn read(path: &Path) -> Value {
    yaml::read(&fs::read_to_string(path).unwrap()).unwrap().to_value()
}

#[test]
fn the_schemas_in_the_folder_are_those_of_the_code() {
    for (name, schema) in schemas::all().unwrap() {
        let written = fs::read_to_string(schemas::folder().join(name)).unwrap_or_default();
        let written: Value = serde_json::from_str(&written).unwrap_or_default();
        assert_eq!(written, schema, "{name}: run cargo xtask generate");
        assert!(schema["title"].is_string() && schema["$schema"].is_string(), "{name}");
    }
}

#[test]
fn every_shipped_file_fits_its_schema() {
    for (name, folders) in [
        ("pipe.schema.json", &["examples/pipes", "tests/fixtures/pipes"][..]),
        ("configuration.schema.json", &["examples/config"]),
        ("grants.schema.json", &["examples/grants"]),
    ] {
        let schema = of(name);
        for path in folders.iter().flat_map(|folder| files(folder)) {
            if path.extension().is_some_and(|extension| extension == "yaml") {
                assert_eq!(problems(&schema, &read(&path)), [""; 0], "{}", path.display());
            }
        }
    }
}

#[test]
fn misspelled_keys_and_wrong_values_do_not_fit() {
    for (name, text) in [
        ("pipe.schema.json", "stesp: [{plug: m}]"),
        ("pipe.schema.json", "steps: [{plug: m, wen: x}]"),
        ("pipe.schema.json", "steps: [{config: {}}]"),
        ("pipe.schema.json", "steps: [{plug: m, on_error: stop}]"),
        ("pipe.schema.json", "steps: [{plug: m, depends_on: [1]}]"),
        ("configuration.schema.json", "gateway_url: [1]"),
        ("grants.schema.json", "orgins: []"),
        ("grants.schema.json", "origins: [{methods: [GET]}]"),
        ("grants.schema.json", "credentials: {a: {bearer: s3cret}}"),
        ("grants.schema.json", "tls: {roots: all}"),
    ] {
        let value = yaml::read(text).unwrap().to_value();
        assert_ne!(problems(&of(name), &value), [""; 0], "{name}: {text}");
    }
}

#[test]
fn a_grants_file_has_the_keys_that_the_host_reads() {
    assert_eq!(schemas::all().unwrap()[2].1, plugpipe_runtime::grants::json_schema());
}
