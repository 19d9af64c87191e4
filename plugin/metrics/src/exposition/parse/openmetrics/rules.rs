//! The rules of version 1.0 for samples, points and metrics.

use super::super::event::{ParseError, Part};
use super::super::scan::{is_whole, number};
use super::Reader;
use super::state::Group;
use crate::model::FamilyType;

impl Reader<'_> {
    /// Determines the role of the sample, and checks its labels and value.
    pub(super) fn check(&self, suffix: &str, at: usize, value_at: usize, value: f64) -> Result<Part, ParseError> {
        let Some(family) = self.families.last() else { return Ok(Part::Value) };
        let kind = family.kind();
        let part = match (kind, suffix) {
            (_, "_sum" | "_gsum") => Part::Sum,
            (_, "_count" | "_gcount") => Part::Count,
            (_, "_created") => Part::Created,
            (_, "_bucket") => Part::Bucket(self.numbered("le", at)?),
            (FamilyType::Summary, _) => Part::Quantile(self.numbered("quantile", at)?),
            _ => Part::Value,
        };
        let fault = |problem: &str| Err(self.cursor.fault_at(value_at, problem));
        let histogram = matches!(kind, FamilyType::Histogram | FamilyType::GaugeHistogram);
        match part {
            Part::Quantile(rank) if !(0.0..=1.0).contains(&rank) => {
                return Err(self.cursor.fault_at(at, "the label quantile is not between 0 and 1"));
            }
            Part::Bucket(bound) if bound.is_nan() => {
                return Err(self.cursor.fault_at(at, "the label le is NaN; expected the bucket's upper bound"));
            }
            Part::Sum | Part::Count | Part::Created if histogram && self.label("le").is_some() => {
                return Err(self.cursor.fault_at(at, "only buckets have the label le; rename it"));
            }
            Part::Sum | Part::Count | Part::Created
                if kind == FamilyType::Summary && self.label("quantile").is_some() =>
            {
                return Err(self.cursor.fault_at(at, "only quantiles have the label quantile; rename it"));
            }
            Part::Quantile(_) if value < 0.0 => {
                return fault("a quantile's value is negative; expected at least 0, or NaN");
            }
            Part::Bucket(_) | Part::Count if !is_whole(value) || value < 0.0 => {
                return fault("expected a whole number of at least 0");
            }
            Part::Sum if value.is_nan() => return fault("a sum is NaN; expected a number"),
            Part::Sum if value < 0.0 && kind != FamilyType::GaugeHistogram => {
                return fault("a sum is negative; it must increase like a counter; expected at least 0");
            }
            Part::Created if !value.is_finite() => {
                return fault("expected seconds since the Unix epoch, a finite number");
            }
            Part::Value => match kind {
                FamilyType::Counter if value.is_nan() || value < 0.0 => {
                    return fault("a counter's total is negative or NaN; expected a number of at least 0");
                }
                FamilyType::Info if value != 1.0 => return fault("an info's value is always 1"),
                FamilyType::StateSet if value != 1.0 && value != 0.0 => return fault("a state is 1 or 0"),
                FamilyType::StateSet if self.label(&family.name).is_none() => {
                    let name = crate::error::excerpt(&family.name, 100);
                    return Err(self.cursor.fault_at(at, format!("expected a label {name}, which names the state")));
                }
                _ => {}
            },
            _ => {}
        }
        Ok(part)
    }

    /// Parses the number in a label.
    fn numbered(&self, name: &str, at: usize) -> Result<f64, ParseError> {
        let text = self.label(name);
        let value = text.and_then(number);
        match value {
            // The only number with a required spelling.
            Some(value) if value != f64::INFINITY || text == Some("+Inf") => Ok(value),
            _ => {
                let found = text.map_or("none".into(), |text| format!("{:?}", crate::error::excerpt(text, 40)));
                let problem = format!("expected a label {name} with a number, infinity as +Inf; found {found}");
                Err(self.cursor.fault_at(at, problem))
            }
        }
    }

    /// Checks that metrics and points are contiguous, unique and in order.
    pub(super) fn place(
        &mut self,
        part: Part,
        at: usize,
        value: f64,
        timestamp: Option<f64>,
        timestamp_at: usize,
    ) -> Result<(), ParseError> {
        let Some(family) = self.families.last() else { return Ok(()) };
        let kind = family.kind();
        let own = match part {
            Part::Bucket(_) => "le",
            Part::Quantile(_) => "quantile",
            Part::Value if kind == FamilyType::StateSet => &*family.name,
            _ => "",
        };
        let labels = self.hash(own);
        let state = if kind == FamilyType::StateSet { self.hash("") } else { 0 };
        let duplicate = |place: &Self| {
            Err(place.cursor.fault_at(at, "the sample occurs twice; expected unique samples or distinct timestamps"))
        };
        if kind == FamilyType::Info {
            // The labels of the metric and of the info cannot be distinguished.
            let at_time = timestamp.map_or(0, |timestamp| u128::from(timestamp.to_bits()).wrapping_add(1) << 64);
            return if self.see(labels ^ at_time) || timestamp.is_some() { Ok(()) } else { duplicate(self) };
        }
        let mut new_point = true;
        let group = self.group;
        match group {
            Some(group) if group.labels == labels => {
                if timestamp.is_some() != group.timestamp.is_some() {
                    let problem = "some samples of the metric have a timestamp and some do not; expected all or none";
                    return Err(self.cursor.fault_at(at, problem));
                }
                if let (Some(now), Some(before)) = (timestamp, group.timestamp)
                    && now < before
                {
                    let problem =
                        "the timestamp is before that of the previous sample; timestamps of a metric must not decrease";
                    return Err(self.cursor.fault_at(timestamp_at, problem));
                }
                // Timestamps may repeat, or differ by less than a double can represent.
                new_point = timestamp != group.timestamp || (timestamp.is_some() && self.point.has(part, state));
            }
            _ => {
                if !self.see(labels) {
                    let problem = "other samples of this metric are further up; keep all samples of a metric together";
                    return Err(self.cursor.fault_at(at, problem));
                }
            }
        }
        if new_point {
            self.close_point()?;
            self.point.at = at;
        }
        self.group = Some(Group { labels, timestamp, state: 0 });
        if self.add(part, at, value, state)? { duplicate(self) } else { Ok(()) }
    }

    /// Adds a sample to its point. Returns whether the point has it already.
    #[inline]
    fn add(&mut self, part: Part, at: usize, value: f64, state: u128) -> Result<bool, ParseError> {
        let point = &mut self.point;
        let again = point.has(part, state);
        match part {
            Part::Bucket(bound) => {
                if point.bound.is_some_and(|before| bound <= before) {
                    let problem =
                        "the bucket's bound is not above the previous one; bounds must be ascending and unique";
                    return Err(self.cursor.fault_at(at, problem));
                }
                if value < point.below {
                    let problem = "the bucket's count is below the previous one; buckets are cumulative";
                    return Err(self.cursor.fault_at(at, problem));
                }
                point.has_negative_bounds |= bound < 0.0;
                (point.bound, point.below) = (Some(bound), value);
                return Ok(false);
            }
            Part::Quantile(rank) => {
                if point.ranks.len() >= self.limits.labels {
                    return Err(self.cursor.fault_at(at, "there are too many quantiles; drop some or raise the limit"));
                }
                point.ranks.push(rank);
            }
            Part::Sum => point.sum = Some(value),
            Part::Count => point.count = Some(value),
            Part::Created => point.has_created = true,
            _ if state != 0 => {
                point.states.insert(state);
            }
            _ => point.has_value = true,
        }
        Ok(again)
    }

    /// An order-independent hash of the labels, excluding one of them.
    pub(super) fn hash(&self, without: &str) -> u128 {
        let labels = self.labels.iter().filter(|label| without.is_empty() || label.name != without);
        labels.fold(1, |sum, label| {
            let hash = u128::from(self.index.hash_pair(&label.name, &label.value));
            sum.wrapping_add(hash.wrapping_mul(0x2d99_7879_26d4_6932_a4c1_f326_80f7_0c55))
        })
    }

    /// Checks that the finished point is complete.
    pub(super) fn close_point(&mut self) -> Result<(), ParseError> {
        let is_open = self.group.is_some();
        let at = self.point.at;
        let point = std::mem::take(&mut self.point);
        let Some(family) = self.families.last().filter(|_| is_open) else { return Ok(()) };
        let fault = |problem: &str| Err(self.cursor.fault_at(at, problem));
        let kind = family.kind();
        if kind == FamilyType::Counter && !point.has_value {
            return fault("the counter has no sample with _total; expected one");
        }
        if !matches!(kind, FamilyType::Histogram | FamilyType::GaugeHistogram) {
            return Ok(());
        }
        if point.bound != Some(f64::INFINITY) {
            return fault("the histogram has no bucket with le=\"+Inf\"; expected one after all others");
        }
        match (point.count, point.sum) {
            (Some(count), _) if count != point.below => {
                fault("the histogram's count differs from its +Inf bucket; expected the same number")
            }
            (None, Some(_)) => fault("the histogram has a sum and no count; expected both or neither"),
            (Some(_), None) => fault("the histogram has a count and no sum; expected both or neither"),
            (_, Some(_)) if kind == FamilyType::Histogram && point.has_negative_bounds => {
                fault("the histogram has buckets below zero and a sum, which could then decrease; omit sum and count")
            }
            (_, Some(sum)) if sum < 0.0 && !point.has_negative_bounds => {
                fault("the histogram's sum is negative, but none of its buckets is below zero")
            }
            _ => Ok(()),
        }
    }
}
