//! The JSON contract of the plug `monitoring_prometheus`: how requests are read and responses are
//! written.

#![deny(missing_docs)]

pub mod compound;
pub mod cursor;
pub mod direct;
pub mod document;
pub mod error;
pub mod json;
pub mod known;
pub mod requests;
pub mod scalar;
pub mod segment;
pub mod settings;
pub mod time;
pub mod url;

pub use error::Error;
