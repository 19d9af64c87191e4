//! The component `monitoring_prometheus`, built from `plugin/` with this crate and embedded as
//! bytes, and the example `data_processor` beside it, built from `examples/plugs/`.
//!
//! Separate from the runtime, so that only users of the embedded plug build it. Set
//! `PLUGPIPE_EMBED` to embed a prebuilt component instead, and `PLUGPIPE_PRECOMPILED` to embed its
//! compiled form too.

#![deny(missing_docs)]

/// The component, in the binary format of WebAssembly's component model.
pub static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/monitoring_prometheus.wasm"));

/// Its compiled form, if it was compiled before the build (`PLUGPIPE_PRECOMPILED`), as for
/// container images. Being part of the program, it is as trusted as the program's own code.
pub static PRECOMPILED: Option<&[u8]> = include!(concat!(env!("OUT_DIR"), "/precompiled.rs"));

/// The SHA-256 digest of [`EMBEDDED`], in lowercase hex.
pub const SHA256: &str = env!("PLUGPIPE_PLUG_SHA256");

/// The example plug `data_processor`. Empty if a prebuilt component was embedded without one beside
/// it.
pub static EXAMPLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/data_processor.wasm"));

/// The SHA-256 digest of [`EXAMPLE`], in lowercase hex.
pub const EXAMPLE_SHA256: &str = env!("PLUGPIPE_EXAMPLE_SHA256");
