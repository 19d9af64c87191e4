//! The JSON Schemas of requests.

/// The schema of an operation's `ctx`. Empty if there is none.
pub(super) fn of(_: &str) -> String {
    String::new()
}
