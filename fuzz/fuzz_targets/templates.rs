//! No template of a pipe makes the host overflow its stack, run out of memory, or work for long: it
//! has a value or an error, soon, and neither is longer than a template may make it. That also holds
//! for outputs, conditions and references, and where a stub gave no value.

#![no_main]

use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use plugpipe_pipe::{OnError, Output, Pipe, PlugCaller, PlugKind, Response, Step, Variable, run};
use serde_json::{Map, Value, json};

/// What all templates of a run take at most; many times what the most work takes on a busy machine.
const MAX_TIME: Duration = Duration::from_secs(30);

/// A step makes 64 bytes.
const MAX_OUTPUT: usize = 4 * 64 * 1_000_000;

/// An error quotes the template, and names of the scope.
const MAX_PROBLEM: usize = 4_096;

struct Host;

impl PlugCaller for Host {
    fn kind(&self, plug: &str) -> PlugKind {
        if plug == "stub" { PlugKind::Stub } else { PlugKind::Known }
    }

    async fn call(&self, _: &str, ctx: Value) -> Result<Response, String> {
        assert!(ctx.to_string().len() < MAX_OUTPUT);
        Ok(Response { body: "{\"a\": {\"b\": [1, 2]}}".into(), ..Response::default() })
    }

    fn variable(&self, name: &str) -> Variable {
        if name.len() % 2 == 0 { Variable::Value(format!("{{{{ {name} }}}}")) } else { Variable::NotGranted }
    }
}

fn step(plug: &str, text: &str, ctx: Value, is_condition: bool) -> Step {
    Step {
        path: "steps[0]".into(),
        id: plug.into(),
        name: None,
        plug: plug.into(),
        version: None,
        ctx,
        outputs: vec![("out".into(), Output::Value(text.into()))],
        when: if is_condition { vec![text.into()] } else { Vec::new() },
        on_error: OnError::Warn,
        message: None,
        retry: None,
        always_run: true,
    }
}

fuzz_target!(|text: &str| {
    // The fuzzer may take each for what it likes: the text, a loop's body many times, or a part of
    // a larger one.
    let fields = json!([
        text,
        format!("{{{{{text}}}}}"),
        format!("${{{text}}}"),
        format!("{{% for a in range(99999) %}}{text}{{% endfor %}}"),
    ]);
    let mut steps = vec![step("stub", text, json!({}), false)];
    for field in fields.as_array().into_iter().flatten() {
        steps.push(step("plug", text, json!({"field": field}), false));
    }
    steps.push(step("last", text, json!({}), true));
    let Value::Object(inputs) = json!({
        "env": "prod", "rate": 0.5, "count": 3, "on": true, "labels": {"a": "b"}, "list": [1, [2, "x"]], "again": "{{ inputs.env }}",
    }) else {
        unreachable!()
    };
    let pipe = Pipe {
        name: "p".into(),
        summary: None,
        inputs,
        declarations: BTreeMap::new(),
        config: Map::new(),
        steps,
        warnings: Vec::new(),
    };
    let begun = Instant::now();
    let mut observer = ();
    let running = pin!(run(&pipe, Map::new(), &Host, &mut observer));
    let Poll::Ready(Ok(report)) = running.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("the run waits or fails, though all answers are there");
    };
    assert!(begun.elapsed() < MAX_TIME, "{:?}", begun.elapsed());
    for step in report.steps {
        assert!(Value::Object(step.outputs).to_string().len() < MAX_OUTPUT);
        let problem = step.message.unwrap_or_default();
        // A skipped step quotes its condition.
        assert!(problem.len() < MAX_PROBLEM.max(2 * text.len()), "{} bytes", problem.len());
        assert!(!problem.contains("ended unexpectedly") && !problem.contains("engine failed"), "{problem}");
    }
});
