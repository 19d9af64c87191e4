//! No text makes the reader of grants panic, and what it takes says the same again: no origin is granted by another spelling than
//! it is shown in.

#![no_main]

#[path = "../../host-harness/src/grants/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports)]
mod grants;

use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(granted) = grants::read(text, Path::new("/folder")) else { return };
    for grant in &granted.origins {
        let shown = grants::OriginGrant::read(&grant.to_string()).expect("what is shown can be read");
        assert_eq!((&shown.origin, &shown.path), (&grant.origin, &grant.path));
        assert!(granted.allow(&grant.origin));
    }
    serde_json::to_string(&granted).expect("grants can be shown");
});
