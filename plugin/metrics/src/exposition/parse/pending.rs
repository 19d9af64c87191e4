//! The samples that one line or message stands for, returned one by one.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::event::{Exemplar, Label, Native, Part, Sample};
use super::native::check_native;
use crate::number::write_canonical;

/// A sample that is not yet returned.
#[derive(Debug)]
pub(super) struct Pending<'a> {
    pub(super) suffix: &'static str,
    pub(super) part: Part,
    pub(super) value: f64,
    /// The bound or rank as the input spells it, if it is text.
    pub(super) written: &'a str,
    pub(super) exemplars: Vec<Exemplar<'a>>,
    pub(super) native: Option<Box<Native>>,
}

impl<'a> Pending<'a> {
    pub(super) fn new(suffix: &'static str, part: Part, value: f64) -> Self {
        Self { suffix, part, value, written: "", exemplars: Vec::new(), native: None }
    }

    /// A native histogram, if it is valid.
    pub(super) fn native(native: Native) -> Result<Self, String> {
        check_native(&native)?;
        let pending = Self::new("", Part::Native, native.count);
        Ok(Self { native: Some(Box::new(native)), ..pending })
    }
}

/// The samples of one metric at one time.
#[derive(Debug, Default)]
pub(super) struct Queue<'a> {
    pub(super) pending: VecDeque<Pending<'a>>,
    /// The number of labels that belong to the metric; `le` and `quantile` follow them.
    pub(super) own: usize,
    pub(super) timestamp: Option<f64>,
    pub(super) created_ms: Option<i64>,
    /// Reused for numbers in labels.
    number: Vec<u8>,
}

impl<'a> Queue<'a> {
    /// Starts a metric with that many labels.
    pub(super) fn start(&mut self, own: usize) {
        self.pending.clear();
        self.own = own;
        (self.timestamp, self.created_ms) = (None, None);
    }

    /// Takes the next sample off the queue. `labels` are those of the metric, and are completed by
    /// the sample's own one.
    pub(super) fn pop<'p>(
        &mut self,
        family: usize,
        base: &Cow<'a, str>,
        labels: &'p mut Vec<Label<'a>>,
    ) -> Option<Sample<'p, 'a>> {
        let pending = self.pending.pop_front()?;
        let name = match (pending.suffix, base) {
            ("", base) => base.clone(),
            (suffix, base) => Cow::Owned([base, suffix].concat()),
        };
        labels.truncate(self.own);
        let own = match pending.part {
            Part::Bucket(bound) => Some(("le", bound)),
            Part::Quantile(rank) => Some(("quantile", rank)),
            _ => None,
        };
        if let Some((label, number)) = own {
            self.number.clear();
            write_canonical(number, &mut self.number);
            let value = match pending.written.as_bytes() == self.number {
                true => Cow::Borrowed(pending.written),
                false => Cow::Owned(String::from_utf8_lossy(&self.number).into_owned()),
            };
            labels.push(Label { name: Cow::Borrowed(label), value });
        }
        Some(Sample {
            family,
            name,
            part: pending.part,
            labels,
            value: pending.value,
            timestamp: self.timestamp,
            exemplars: pending.exemplars,
            created_ms: self.created_ms,
            native: pending.native,
        })
    }
}
