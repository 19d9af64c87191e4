//! The plug `data_processor`: counts the records of a text, and records how many in the plug that
//! monitors. An example of a plug that answers at once and keeps nothing; `docs/writing-plugs.md`
//! explains it.
//!
//! A pipe gives it the text of a file with the step's key `file`:
//!
//! ```yaml
//! - plugin: data_processor
//!   file: input.json
//!   config: {data_source: input.json}
//! ```

#![deny(missing_docs)]

#[cfg(target_arch = "wasm32")]
mod component;
pub mod count;
