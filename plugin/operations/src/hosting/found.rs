//! What a worker finds beside its answer: of rules, and what is to be imported or passed on.

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
    /// What was found of rules that are installed.
    pub rules: Option<RulesFound>,
    /// The URLs of groups that were deleted from the gateway, without credentials.
    pub deleted: Vec<String>,
}

/// What a step of installing rules found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesFound {
    /// Whether the answer is an error.
    pub failed: bool,
    /// What a rule file is to hold; none within removes it.
    pub file: Option<Option<String>>,
    /// Whether a ruler is to be given rules.
    pub writes: bool,
    /// Why the server did not load the file.
    pub reload_error: Option<ReloadError>,
    /// What was found before the rules were written, for the answer after.
    pub before: Option<RuleChanges>,
    /// Whether the server does not list the rules as wanted, or was not asked yet.
    pub awaits: bool,
    /// Whether the webhook is notified of an alert that fires; none if it is not notified.
    pub notify: Option<bool>,
}

/// Why a server did not load a rule file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadError {
    /// For people.
    pub text: String,
    /// Whether the server refused what is in the file.
    pub refused: bool,
}

/// What of rules was to change before they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChanges {
    /// How many rules were created, changed, unchanged and removed.
    pub counts: [u64; 4],
    /// The changes by group and rule.
    pub changes: Vec<RuleChange>,
    /// Whether an alert to be removed was there.
    pub was_there: bool,
}

/// What an operation on rules is to do now, and what is known of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesView {
    /// What is to be done.
    pub step: RulesStep,
    /// What the rule file holds, if the host has read or written it; none within if there is none.
    pub current: Option<Option<String>>,
    /// What was found before the rules were written.
    pub before: Option<RuleChanges>,
    /// Why the server did not load the file.
    pub reload_error: Option<ReloadError>,
}

/// A step of installing rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RulesStep {
    /// Check the rules, and find out what is to be written.
    #[default]
    Look,
    /// Have the server load the file, or give it the rules.
    Write,
    /// Find out whether the server lists them.
    Confirm,
    /// Notify the webhook of an alert, and whether it fires.
    Notify(bool),
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
    /// Whether classic histograms become native ones with custom buckets.
    pub classic_as_native: bool,
}
