//! Template errors with positions.

/// A template error.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// A byte offset in the text.
    pub(super) at: usize,
    pub(super) problem: String,
}

impl Fault {
    pub(super) fn new(at: usize, problem: impl Into<String>) -> Self {
        Self { at, problem: problem.into() }
    }

    pub(super) fn message(&self, text: &str) -> String {
        let before = text.get(..self.at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let problem = &self.problem;
        if text.contains('\n') {
            format!("template, line {line}, column {column}: {problem}")
        } else {
            format!("template, column {column}: {problem}")
        }
    }
}
