//! No text makes the reader of pipes panic, nor the run of what it takes: each step is reported, in
//! order, and a pipe with a plug that the host has not got calls nothing.

#![no_main]

use core::cell::Cell;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use plugpipe_pipe::{self as pipe, Pipe, PlugCaller, PlugKind, StepStatus};
use serde_json::{Map, Value, json};

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

    async fn call(&self, plug: &str, ctx: Value) -> Result<Value, String> {
        self.calls.set(self.calls.get() + 1);
        match plug {
            "silent" => Err("no answer".into()),
            "failing" => Ok(json!({"success": false, "error": "it is said why"})),
            _ => Ok(json!({"success": true, "result": ctx})),
        }
    }
}

fuzz_target!(|text: &str| {
    let Ok(pipe) = Pipe::from_yaml(text) else { return };
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
