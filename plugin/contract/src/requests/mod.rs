//! What operations are asked: a struct for each, its fields documented where they are declared.

mod record;

pub use record::{
    ClearMetrics, DefinitionFields, ListedParts, ListedRecord, NativeFields, Record, RecordMultiple, RegisterMetric,
    RemoveMetric,
};

use crate::document::{Both, requests};

requests!(
    Both<Record<'a>, DefinitionFields<'a>>,
    RecordMultiple<'a>,
    Both<RegisterMetric<'a>, DefinitionFields<'a>>,
    RemoveMetric<'a>,
    ClearMetrics,
);
