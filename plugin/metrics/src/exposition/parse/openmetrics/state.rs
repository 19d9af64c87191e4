//! Parser state for the current family, metric and point.

use std::borrow::Cow;

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use super::super::event::Part;
use crate::model::FamilyType;

#[derive(Debug)]
pub(super) struct FamilyState<'a> {
    pub(super) name: Cow<'a, str>,
    /// Whether the name needs no quotes.
    pub(super) is_plain: bool,
    pub(super) kind: Option<FamilyType>,
    pub(super) has_help: bool,
    pub(super) unit: Option<&'a str>,
    /// Position of the first occurrence of its name.
    pub(super) at: usize,
    pub(super) has_samples: bool,
}

impl FamilyState<'_> {
    pub(super) fn kind(&self) -> FamilyType {
        self.kind.unwrap_or(FamilyType::Unknown)
    }
}

/// The metric whose samples are being parsed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) labels: u128,
    pub(super) timestamp: Option<f64>,
    /// In version 2.0, where every state is a metric: the labels with the state.
    pub(super) state: u128,
}

/// The samples seen so far for the current point.
#[derive(Debug, Default)]
pub(super) struct Point {
    /// Position of its first sample.
    pub(super) at: usize,
    pub(super) bound: Option<f64>,
    pub(super) below: f64,
    pub(super) count: Option<f64>,
    pub(super) sum: Option<f64>,
    pub(super) has_value: bool,
    pub(super) has_created: bool,
    pub(super) has_negative_bounds: bool,
    pub(super) ranks: Vec<f64>,
    pub(super) states: HashSet<u128, FixedState>,
}

impl Point {
    /// Whether the point already has this sample. `state` identifies a state of a state set, else
    /// 0.
    pub(super) fn has(&self, part: Part, state: u128) -> bool {
        match part {
            Part::Bucket(_) => self.bound == Some(f64::INFINITY),
            Part::Quantile(rank) => self.ranks.contains(&rank),
            Part::Sum => self.sum.is_some(),
            Part::Count => self.count.is_some(),
            Part::Created => self.has_created,
            _ if state != 0 => self.states.contains(&state),
            _ => self.has_value,
        }
    }
}
