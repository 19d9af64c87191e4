//! The JSON contract of the plug `monitoring_prometheus`: how requests are read and responses are
//! written.

#![deny(missing_docs)]

#[cfg(all(feature = "schema", target_arch = "wasm32"))]
compile_error!("the feature `schema` is for xtask only, never for the component");

pub mod compound;
pub mod direct;
pub mod document;
pub mod error;
pub mod kind;
pub mod known;
pub mod lenient;
pub mod raw;
pub mod requests;
pub mod response;
pub mod responses;
pub mod scalar;
#[cfg(feature = "schema")]
pub mod schema;
pub mod segment;
pub mod settings;
pub mod sound;
pub mod time;
pub mod url;
pub mod written;

pub use error::Error;
