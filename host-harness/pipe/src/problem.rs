//! Problems of a pipe file: all of them at once, each with its place.

use std::fmt;

use plugpipe_yaml::shape::Finding;
use plugpipe_yaml::{Node, Position};

/// Something in a pipe file that is wrong, or without effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether the pipe runs nevertheless.
    pub is_warning: bool,
    /// Where in the document, such as `steps[1].on_error`; `pipe` for the whole document.
    pub path: String,
    /// The problem, what was expected, and what to do.
    pub message: String,
    /// Where it is written, if that is known.
    pub position: Option<Position>,
}

/// The path and the message; the position is the caller's to add, who knows the file's name.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl From<Finding> for Problem {
    fn from(Finding { is_warning, path, message, position }: Finding) -> Self {
        let path = if path.is_empty() { "pipe".to_owned() } else { path };
        Self { is_warning, path, message, position: Some(position) }
    }
}

/// Collects the problems of a document.
pub(crate) struct Problems<'d> {
    document: &'d Node,
    found: Vec<Problem>,
}

impl<'d> Problems<'d> {
    pub(crate) fn of(document: &'d Node) -> Self {
        Self { document, found: Vec::new() }
    }

    pub(crate) fn error(&mut self, path: &str, message: impl Into<String>) {
        self.add(false, path, message.into());
    }

    pub(crate) fn warn(&mut self, path: &str, message: impl Into<String>) {
        self.add(true, path, message.into());
    }

    fn add(&mut self, is_warning: bool, path: &str, message: String) {
        let position = Some(self.document.position_of(path));
        let path = if path.is_empty() { "pipe" } else { path };
        self.found.push(Problem { is_warning, path: path.to_owned(), message, position });
    }

    pub(crate) fn extend(&mut self, findings: Vec<Finding>) {
        self.found.extend(findings.into_iter().map(Problem::from));
    }

    /// All of them, in the order of the document.
    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| problem.position);
        self.found
    }
}
