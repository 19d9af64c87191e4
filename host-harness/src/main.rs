//! `plugpipe-harness`: runs pipes and single operations with a sandboxed plug. JSON and tables go
//! to stdout, logs to stderr.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
