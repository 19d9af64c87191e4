//! Series limits.

/// Default maximum number of series in a registry.
pub const MAX_SERIES: usize = 1_000_000;

/// The label value of a metric's overflow series, which receives the samples of series beyond the
/// limit.
pub const OVERFLOW_VALUE: &str = "__overflow__";
