//! The world's imports and exports, generated from `wit/`.

// The generated code is not ours to document or to bind by our lints.
#![allow(missing_docs, unsafe_op_in_unsafe_fn, unreachable_pub, clippy::all, clippy::undocumented_unsafe_blocks)]

wit_bindgen::generate!({
    path: "../wit",
    world: "monitoring",
    generate_all,
    pub_export_macro: false,
    // The whole interface `exposition`, and what is called most: see the modules `exposition` and
    // `start`.
    skip: ["encode", "scrape", "start"],
});
