//! How many series there may be.

/// The most series that a registry holds unless told otherwise.
pub const MAX_SERIES: usize = 1_000_000;

/// The value of every label of a metric's overflow series: the one that takes what is recorded to
/// series past the limit.
pub const OVERFLOW_VALUE: &str = "__overflow__";
