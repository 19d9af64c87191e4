//! Alerting and recording rules. No I/O.

pub mod expression;
