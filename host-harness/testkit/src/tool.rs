//! Runs the tools that fetch servers.

use std::ffi::OsStr;
use std::io;
use std::process::{Command, Output, Stdio};

use super::{Program, TestkitError, tail};

pub(super) const FETCH_PREFIX: &str = ".fetch-";

pub(super) fn run_tool(program: Program, tool: &'static str, command: &mut Command) -> Result<(), TestkitError> {
    let output = run(command).map_err(|source| TestkitError::NoTool { program, tool, source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(TestkitError::FetchFailed { program, command: shown(command), output: tail(&printed(&output)) })
}

/// Runs a command without input, and with messages in English, because some of them are parsed.
pub(super) fn run(command: &mut Command) -> io::Result<Output> {
    command.env("LC_ALL", "C").stdin(Stdio::null()).output()
}

/// A command line for display, not quoted for a shell.
pub(super) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Standard output followed by standard error, to which Pushgateway 1.5 prints its version.
pub(super) fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
