//! JSON Schemas in tests: of the end-to-end suites, and of xtask.

use jsonschema::Validator;
use serde_json::Value;

/// What holds values against a schema.
pub(crate) fn validator(schema: &Value) -> Validator {
    jsonschema::validator_for(schema).unwrap_or_else(|error| panic!("no schema: {error}"))
}

/// Why something is not what its schema says; nothing if it is.
pub(crate) fn problems(validator: &Validator, what: &Value) -> Vec<String> {
    validator.iter_errors(what).map(|error| format!("{}: {error}", error.instance_path())).collect()
}
