//! What the reader knows of the family, the metric and the point that it is in.

use std::borrow::Cow;

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use super::super::event::Part;
use crate::model::FamilyType;

#[derive(Debug)]
pub(super) struct Family<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) kind: Option<FamilyType>,
    pub(super) has_help: bool,
    pub(super) unit: Option<&'a str>,
    /// Where its name was first.
    pub(super) at: usize,
    pub(super) has_samples: bool,
}

impl Family<'_> {
    pub(super) fn kind(&self) -> FamilyType {
        self.kind.unwrap_or(FamilyType::Unknown)
    }
}

/// The metric whose samples are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) labels: u128,
    pub(super) timestamp: Option<f64>,
}

/// What came of the point that is read.
#[derive(Debug, Default)]
pub(super) struct Point {
    /// Where its first sample is.
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
    /// Whether the point has such a sample already. `state` is that of a state set, else 0.
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
