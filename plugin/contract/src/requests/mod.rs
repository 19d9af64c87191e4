//! What operations are asked: a struct for each, its fields documented where they are declared.

use serde::Deserialize;

mod alert;
mod record;

pub use alert::{
    AlertConfig, AlertPlace, AlertRule, AlertState, ApplyAlerts, ApplyFields, CreateAlert, CreateFields, DeleteAlert,
    DeleteFields, ExportFields, ExportRules, ListAlerts, ListFields, RuleFields, RuleGroup, RulesCurrent, RulesFolder,
    RulesTarget, StateFields, WantedRules,
};
pub use record::{
    ClearMetrics, DefinitionFields, ListedParts, ListedRecord, NativeFields, Record, RecordMultiple, RegisterMetric,
    RemoveMetric,
};

/// Operations that take nothing but what any call may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NoFields {}
