//! No `ctx` and no `cfg` make the plug panic: whatever comes, each call answers a JSON object that
//! says whether it succeeded, one that failed says why, and what was recorded by then can still be
//! written, kept and restored. The input is two calls on one plug, each a line for `ctx` and a line
//! for `cfg`.

#![no_main]

use core::time::Duration;

use libfuzzer_sys::fuzz_target;
use monitoring_prometheus::http::{Clock, Failure, Limits, Request, Response, Transport};
use monitoring_prometheus::operations::Standalone;
use serde_json::Value;

/// Answers everything with an empty success.
#[derive(Default)]
struct Agrees {
    now: Duration,
}

impl Clock for Agrees {
    fn unix_nanos(&self) -> u64 {
        1_704_067_200_000_000_000
    }

    fn monotonic(&self) -> Duration {
        self.now
    }
}

impl Transport for Agrees {
    fn send_all(&mut self, requests: &[&Request], _: &Limits) -> Vec<Result<Response, Failure>> {
        // An operation that asks for ever ends by its own deadline.
        self.now += Duration::from_millis(100);
        let body = br#"{"status": "success", "data": {}}"#;
        requests.iter().map(|_| Ok(Response { status: 200, headers: Vec::new(), body: body.to_vec() })).collect()
    }

    fn sleep(&mut self, duration: Duration) {
        self.now += duration;
    }
}

fuzz_target!(|input: &str| {
    let mut plug = Standalone::new(Agrees::default());
    let mut lines = input.lines();
    for _ in 0..2 {
        let (ctx, cfg) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        check(&plug.process(ctx, cfg));
    }
    let snapshot = plug.snapshot();
    Standalone::new(Agrees::default()).restore(&snapshot, 1).expect("a snapshot can be restored");
    check(&plug.process(r#"{"operation": "export_metrics"}"#, ""));
});

fn check(answer: &str) {
    let Ok(Value::Object(answer)) = serde_json::from_str(answer) else { panic!("no object: {answer}") };
    match answer.get("success") {
        Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) => assert!(answer.get("error").is_some() && answer.get("error_code").is_some()),
        _ => panic!("it does not say whether it succeeded"),
    }
}
