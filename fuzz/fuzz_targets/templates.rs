//! No template of a pipe makes the host overflow its stack, run out of memory, or work for long: it
//! has a value or an error, soon, and neither is longer than a template may make it.

#![no_main]

#[path = "../../host-harness/pipe/src/template.rs"]
#[allow(dead_code)]
mod template;

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use template::{Scope, Templates};

/// What any template takes at most; many times what the most work takes on a busy machine.
const MAX_TIME: Duration = Duration::from_secs(5);

/// A step makes 64 bytes.
const MAX_OUTPUT: usize = 2 * 64 * 1_000_000;

/// An error quotes the template, and names of the scope.
const MAX_PROBLEM: usize = 4_096;

fuzz_target!(|text: &str| {
    let Value::Object(variables) = json!({
        "inputs": {"env": "prod", "rate": 0.5, "count": 3, "on": true, "labels": {"a": "b"}, "list": [1, [2, "x"]]},
        "pipeline": {"name": "p", "success": true},
        "again": "{{ inputs.env }}",
    }) else {
        unreachable!()
    };
    let scope = Scope::new(variables);
    let templates = Templates::new();
    // The fuzzer may take each for what it likes: the text, a loop's body many times, or a part of
    // a larger one.
    for field in [text.to_owned(), format!("{{{{{text}}}}}"), format!("{{% for a in range(99999) %}}{text}{{% endfor %}}")] {
        let begun = Instant::now();
        match templates.render(&json!([field]), &scope) {
            Ok(value) => assert!(value.to_string().len() < MAX_OUTPUT),
            Err(error) => checked(&error.to_string()),
        }
        assert!(begun.elapsed() < MAX_TIME, "{:?}", begun.elapsed());
    }
    let begun = Instant::now();
    if let Err(error) = templates.condition(text, &scope) {
        checked(&error.to_string());
    }
    assert!(begun.elapsed() < MAX_TIME, "{:?}", begun.elapsed());
});

fn checked(problem: &str) {
    assert!(problem.len() < MAX_PROBLEM, "{} bytes", problem.len());
    assert!(!problem.contains("ended unexpectedly"), "{problem}");
}
