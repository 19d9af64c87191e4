//! Runs pipes: YAML files that list steps, each a call of one plug.
//!
//! | module     | purpose |
//! |------------|----------------|
//! | `spec`     | parses YAML into a [`Pipe`]: keys, inputs, steps, policies and their order |
//! | `problem`  | [`Problem`]: what is wrong with a file, all at once |
//! | `check`    | [`Pipe::check`]: templates, without a run |
//! | `template` | `{{ … }}` and `${ … }` in a step's fields, outputs and conditions |
//! | `runner`   | runs the steps and returns a [`PipeReport`] |
//! | `mask`     | masks sensitive values in reports |
//! | `error`    | [`PipeError`] |
//!
//! This crate does no I/O and is independent of how plugs are hosted: [`PlugCaller`] calls them,
//! and the caller reads the file and writes the report. `docs/pipes.md` describes pipes for their
//! authors.

#![deny(missing_docs)]

mod check;
mod error;
mod mask;
mod problem;
mod runner;
mod spec;
mod template;

pub use error::{PipeError, UnknownPlug};
pub use problem::Problem;
pub use runner::{Observer, PipeReport, PlugCaller, PlugKind, Response, StepReport, StepStatus, Variable, run};
pub use spec::{InputDeclaration, InputType, OnError, Output, Pipe, Retry, Step, json_schema};
pub use template::is_template;
