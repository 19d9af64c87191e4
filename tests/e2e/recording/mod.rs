//! What is recorded, and what the contract and the formats say of it.

pub mod config;
pub mod conformance;
pub mod contract;
pub mod defaults;
pub mod formats;
pub mod groups;
pub mod instructions;
pub mod metrics;
pub mod openmetrics;
mod sinks;
pub mod warnings;
