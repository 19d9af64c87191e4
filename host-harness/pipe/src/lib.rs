//! Runs pipes: YAML files that list steps, each a call of one plug.
//!
//! | module     | purpose |
//! |------------|----------------|
//! | `spec`     | parses YAML into a [`Pipe`]; errors name the path |
//! | `template` | `{{ … }}` in a step's fields and in `when` |
//! | `runner`   | runs the steps in order and returns a [`PipeReport`] |
//! | `error`    | [`PipeError`] |
//!
//! This crate does no I/O and is independent of how plugs are hosted: [`PlugCaller`] calls them,
//! and the caller reads the file and writes the report.
//!
//! # The two dialects
//!
//! | | plain | PipeSpec |
//! |---|---|---|
//! | name | `name:` | `metadata.name` |
//! | list of steps | `steps:` | `pipeline:` |
//! | plug of a step | `plugin:`, `plug:` or `uses:` | the same |
//! | fields of a step | `config:`, `inputs:`, `with:`, merged in this order, later wins | the same |
//! | inputs of the pipe | `inputs:` | `inputs:` |
//!
//! # Templates
//!
//! Every string among a step's fields is a [MiniJinja](https://docs.rs/minijinja) template. A
//! string that consists of a single `{{ expression }}` keeps the type of its value; any other
//! renders to a string. An undefined name is an error.
//!
//! | name | fields |
//! |---|---|
//! | `inputs` (also `input`) | the pipe's inputs |
//! | `pipeline` | `name`, `duration_seconds` since the run began, `success` so far |
//! | `previous_step` | `id`, `success`, `status`, `result`, `error`, `duration_seconds` of the last step that was not skipped; undefined in the first step |
//! | `steps.ID` | the same fields, of any earlier step |
//!
//! `value | ternary(a, b)` is `a` when the value is true, else `b`. MiniJinja's built-in filters
//! are available too.
//!
//! Alert annotations and legends use braces too. An expression that begins with `$`, such as `{{
//! $value }}` or `{{ $labels.instance }}`, belongs to Prometheus and is left unchanged. Put
//! anything else that is not for the pipe, such as the legend `{{plugin_name}}`, between `{% raw
//! %}` and `{% endraw %}`.

#![deny(missing_docs)]

mod error;
mod runner;
mod spec;
mod template;

pub use error::PipeError;
pub use runner::{Observer, PipeReport, PlugCaller, PlugKind, Response, StepReport, StepStatus, run};
pub use spec::{InputDeclaration, InputType, OnError, Pipe, Step};
