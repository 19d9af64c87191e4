//! What a worker finds beside its answer: rules, and what is to be imported or passed on.

use serde::{Deserialize, Serialize};

use super::wire::group;
use crate::servers::pushgateway::Group;
use plugpipe_contract::responses::RuleChange;

/// What a worker found that changes what is recorded.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Found {
    /// What is to be pushed as a group of its own, before anything else.
    pub pass_on: Option<PassOn>,
    /// What is to be imported.
    pub import: Option<Import>,
    /// What a rule file is to hold; none within removes it.
    pub file: Option<Option<String>>,
    /// Whether the server refused to load the file.
    pub refused: bool,
    /// What was found before the file was written, for the answer after.
    pub before: Option<RuleChanges>,
}

/// What of rules was to change before a file was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChanges {
    /// How many rules were created, changed, unchanged and removed.
    pub counts: [u64; 4],
    /// The changes by group and rule.
    pub changes: Vec<RuleChange>,
    /// Whether an alert to be removed was there.
    pub was_there: bool,
}

/// What an operation is to know of a rule file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileView {
    /// What the file holds; none within if there is none.
    pub current: Option<Option<String>>,
    /// Whether the host has written it.
    pub written: bool,
    /// What was found before.
    pub before: Option<RuleChanges>,
}

/// An exposition that is to be pushed as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PassOn {
    /// The group.
    #[serde(with = "group")]
    pub group: Group,
    /// Text 0.0.4.
    pub text: String,
    /// For the answer: how many metrics, and how many samples.
    pub counts: (u64, u64),
}

/// An exposition that is to be imported.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Import {
    /// As the server sent it.
    pub body: Vec<u8>,
    /// Its format's name.
    pub format: String,
    /// Whether metrics of no known kind become gauges.
    pub unknown_as_gauge: bool,
}
