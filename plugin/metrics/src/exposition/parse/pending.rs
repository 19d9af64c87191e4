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

/// Whether a number is written as by [`write_canonical`]. False for some that are.
fn is_canonical(written: &str) -> bool {
    let Some((whole, places)) = written.split_once('.') else { return written == "+Inf" };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    // Up to 15 digits are the shortest ones of their number.
    let is_short = whole.len() <= 6 && written.len() <= 16 && is_number(whole) && is_number(places);
    let is_shortest = places == "0" || !places.ends_with('0');
    // Without an exponent: from 0.0001 up.
    let is_plain = if whole == "0" { !places.starts_with("0000") } else { !whole.starts_with('0') };
    is_short && is_shortest && is_plain
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
            let value = match is_canonical(pending.written) {
                true => Cow::Borrowed(pending.written),
                false => {
                    self.number.clear();
                    write_canonical(number, &mut self.number);
                    Cow::Owned(String::from_utf8_lossy(&self.number).into_owned())
                }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scan::number;
    use super::*;

    proptest! {
        #[test]
        fn only_canonical_numbers_are_taken_for_such(
            digits in "0{0,5}[0-9]{0,7}(\\.[0-9]{0,16})?", value in 0_u32..10_000_000, power in 0..8,
        ) {
            let decimal = f64::from(value) / 10f64.powi(power);
            let mut canonical = Vec::new();
            write_canonical(decimal, &mut canonical);
            for text in [digits, String::from_utf8(canonical).unwrap()] {
                let Some(number) = number(&text).filter(|_| is_canonical(&text)) else { continue };
                let mut canonical = Vec::new();
                write_canonical(number, &mut canonical);
                prop_assert_eq!(text, String::from_utf8(canonical).unwrap());
            }
        }
    }

    #[test]
    fn usual_bounds_are_canonical() {
        assert!(
            ["0.005", "0.1", "1.0", "2.5", "10.0", "0.0001", "123456.5", "0.0", "+Inf"].into_iter().all(is_canonical)
        );
        assert!(!["1", "", ".5", "1.", "1.50", "01.5", "0.00001", "1e5", "-1.5", "Inf"].into_iter().any(is_canonical));
    }
}
