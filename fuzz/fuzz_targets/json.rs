//! No text makes the reader of JSON panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use monitoring_prometheus::json::Json;

fuzz_target!(|input: &str| {
    let _ = Json::parse(input).map(|json| json.scalar());
});
