//! No text makes the reader of pipes panic, nor the run of what it takes: each step is reported, in
//! order, and a pipe with a plug that the host has not got calls nothing.

#![no_main]

use core::cell::Cell;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use plugpipe_pipe::{self as pipe, Pipe, PipeError, PlugCaller, PlugKind, Response, StepStatus, Variable};
use serde_json::{Map, Value};

/// Has every plug but one that is called as this; answers at once.
const UNKNOWN: &str = "unknown";

#[derive(Default)]
struct Answers {
    calls: Cell<usize>,
}

impl PlugCaller for Answers {
    fn kind(&self, plug: &str) -> PlugKind {
        match plug {
            UNKNOWN => PlugKind::Unknown,
            "stub" => PlugKind::Stub,
            _ => PlugKind::Known,
        }
    }

    async fn call(&self, plug: &str, ctx: Value) -> Result<Response, String> {
        self.calls.set(self.calls.get() + 1);
        let response = Response { body: ctx.to_string(), ..Response::default() };
        match plug {
            "silent" => Err("no answer".into()),
            "failing" => {
                Ok(Response { error: Some("it is said why".into()), code: Some("timeout".into()), ..response })
            }
            // No JSON.
            "cut" => Ok(Response { body: response.body.chars().skip(1).collect(), ..response }),
            _ => Ok(response),
        }
    }

    fn version(&self, _: &str) -> Option<String> {
        Some("2.0.0".into())
    }

    fn stub(&self, _: &str) -> Option<Value> {
        Some(serde_json::json!({"a": {"b": [1, {"c": "d"}]}, "number": 7}))
    }

    fn variable(&self, name: &str) -> Variable {
        if name.len() % 2 == 0 { Variable::Value(name.into()) } else { Variable::NotGranted }
    }
}

fuzz_target!(|text: &str| {
    let problems = Pipe::check(text);
    let pipe = match Pipe::from_yaml(text) {
        Ok(pipe) => pipe,
        Err(PipeError::Invalid(found)) => {
            assert!(found.iter().any(|problem| !problem.is_warning), "no error among {found:?}");
            assert_eq!(found, problems, "a check finds the same");
            let lines = text.lines().count().max(1) as u64;
            assert!(found.iter().filter_map(|problem| problem.position).all(|at| at.line <= lines + 1));
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let caller = Answers::default();
    let mut observer = ();
    let run = pin!(pipe::run(&pipe, Map::new(), &caller, &mut observer));
    let Poll::Ready(outcome) = run.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("the run waits, though all answers are there");
    };
    match outcome {
        Ok(report) => {
            let reported = report.steps.iter().map(|step| &step.id);
            assert!(reported.eq(pipe.steps.iter().map(|step| &step.id)), "every step is reported, in order");
            if report.success {
                assert!(report.steps.iter().all(|step| step.status != StepStatus::Failed));
            }
            serde_json::to_string(&report).expect("a report can be written");
        }
        Err(_) => assert_eq!(caller.calls.get(), 0, "nothing was called"),
    }
});
