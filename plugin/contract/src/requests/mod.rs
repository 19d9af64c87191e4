//! What operations are asked: a struct for each, its fields documented where they are declared.

mod record;

pub use record::{
    ClearMetrics, DefinitionFields, ListedParts, ListedRecord, NativeFields, Record, RecordMultiple, RegisterMetric,
    RemoveMetric,
};
