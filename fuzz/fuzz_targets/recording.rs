//! No text makes the reader of recordings panic, and what it takes is written back as the same
//! exchanges.

#![no_main]

#[allow(dead_code)]
mod answer;
#[path = "../../host-harness/runtime/src/egress/failure.rs"]
#[allow(dead_code)]
mod failure;
#[path = "../../host-harness/runtime/src/grants/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports)]
mod grants;
#[path = "../../host-harness/runtime/src/mask.rs"]
#[allow(dead_code)]
mod mask;
#[path = "../../host-harness/runtime/src/private.rs"]
#[allow(dead_code)]
mod private;
#[path = "../../host-harness/runtime/src/http_recording.rs"]
#[allow(dead_code, unreachable_pub)]
mod recording;
#[path = "../../host-harness/runtime/src/secrets.rs"]
#[allow(dead_code)]
mod secrets;

/// Where the recordings look for it.
mod egress {
    pub(crate) use crate::failure;
}

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(exchanges) = recording::read(text) else { return };
    let lines: Vec<String> =
        exchanges.iter().map(|exchange| serde_json::to_string(exchange).expect("an exchange can be written")).collect();
    assert_eq!(recording::read(&lines.join("\n")).expect("what was written can be read"), exchanges);
});
