//! Composite values of version 2.0: `{count:2,sum:1.5,bucket:[1:1,+Inf:2]}`.
//!
//! The fields are in a fixed order and there are no spaces. What the types require of the numbers
//! is not required of a family of type unknown, whose values may have any meaning.

use super::super::event::{Native, ParseError, Part};
use super::super::native::Side;
use super::super::pending::Pending;
use super::super::scan::is_whole;
use super::Reader;
use crate::model::FamilyType;

/// The fields before the buckets or quantiles.
struct Totals {
    /// Whether the names begin with `g`.
    is_gauge: bool,
    count: f64,
    sum: f64,
}

impl<'a> Reader<'a> {
    /// Parses a composite value after its opening brace, and queues its samples. `start` is the
    /// beginning of the line.
    pub(super) fn composite(&mut self, kind: FamilyType, start: usize) -> Result<(), ParseError> {
        let at = self.cursor.at;
        let is_gauge = self.cursor.eat(b'g');
        let fits = match kind {
            FamilyType::Histogram | FamilyType::Summary => !is_gauge,
            FamilyType::GaugeHistogram => is_gauge,
            FamilyType::Unknown => true,
            _ => false,
        };
        if !fits {
            let expected = match kind {
                FamilyType::GaugeHistogram => "gcount and gsum",
                FamilyType::Histogram | FamilyType::Summary => "count and sum",
                _ => "a number",
            };
            let problem = format!("the value does not fit the type {}; expected {expected}", kind.name());
            return Err(self.cursor.fault_at(at, problem));
        }
        let count = self.field("count:")?;
        self.expect(if is_gauge { ",g" } else { "," })?;
        let sum = self.field("sum:")?;
        self.expect(",")?;
        let totals = Totals { is_gauge, count, sum };
        let at = self.cursor.at;
        if matches!(kind, FamilyType::Summary | FamilyType::Unknown) && !is_gauge && self.cursor.eat_text("quantile:[")
        {
            self.quantiles(kind, &totals, (start, at))?;
        } else if kind == FamilyType::Summary {
            return Err(self.cursor.unexpected("quantile:["));
        } else {
            let is_native = self.cursor.eat_text("schema:");
            if is_native {
                self.native(kind, &totals)?;
            }
            let has_buckets = match is_native {
                true => self.cursor.eat_text(",bucket:["),
                false => {
                    self.expect("bucket:[")?;
                    true
                }
            };
            if has_buckets {
                self.buckets(kind, &totals, start)?;
            }
        }
        self.expect("}")
    }

    fn expect(&mut self, text: &str) -> Result<(), ParseError> {
        match self.cursor.eat_text(text) {
            true => Ok(()),
            false => Err(self.cursor.unexpected(&format!("{text} in the composite value"))),
        }
    }

    /// Parses a field with a number.
    fn field(&mut self, name: &str) -> Result<f64, ParseError> {
        self.expect(name)?;
        Ok(self.item()?.0)
    }

    /// Parses a number, and returns it as written too.
    #[inline]
    fn item(&mut self) -> Result<(f64, &'a str), ParseError> {
        let at = self.cursor.at;
        let token = self.cursor.item();
        Ok((self.numeric(at, token)?, token))
    }

    /// Parses a number that is not infinite or NaN.
    fn real(&mut self) -> Result<(f64, &'a str), ParseError> {
        let at = self.cursor.at;
        let (number, token) = self.item()?;
        match number.is_finite() {
            true => Ok((number, token)),
            false => Err(self.cursor.fault_at(at, "expected a finite number")),
        }
    }

    /// Parses an integer.
    fn integer(&mut self) -> Result<i64, ParseError> {
        let at = self.cursor.at;
        let token = self.cursor.item();
        token.parse().map_err(|_| {
            self.cursor.fault_at(at, format!("expected an integer, found {:?}", crate::error::excerpt(token, 40)))
        })
    }

    /// Parses the items of a list after its bracket, which may be empty.
    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), ParseError>) -> Result<(), ParseError> {
        if self.cursor.eat(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.cursor.eat(b']') {
                return Ok(());
            }
            if !self.cursor.eat(b',') {
                return Err(self.cursor.unexpected(", or ] in the composite value"));
            }
        }
    }

    fn quantiles(&mut self, kind: FamilyType, totals: &Totals, at: (usize, usize)) -> Result<(), ParseError> {
        let Totals { count, sum, .. } = *totals;
        let is_typed = kind == FamilyType::Summary;
        if is_typed && (!is_whole(count) || count < 0.0) {
            return Err(self.cursor.fault_at(at.1, "a summary's count is a whole number of at least 0"));
        }
        if is_typed && (sum.is_nan() || sum < 0.0) {
            return Err(self.cursor.fault_at(at.1, "a summary's sum is negative or NaN; expected at least 0"));
        }
        if self.label("quantile").is_some() {
            return Err(self.cursor.fault_at(at.0, "a summary has no label quantile; rename it"));
        }
        let mut before = f64::NEG_INFINITY;
        self.list(|reader| {
            let at = reader.cursor.at;
            let (rank, written) = reader.real()?;
            if !(0.0..=1.0).contains(&rank) || rank <= before {
                let problem = "a quantile is not between 0 and 1, or not above the previous one";
                return Err(reader.cursor.fault_at(at, problem));
            }
            before = rank;
            reader.expect(":")?;
            let at = reader.cursor.at;
            let (value, _) = reader.item()?;
            if is_typed && value < 0.0 {
                return Err(reader.cursor.fault_at(at, "a quantile's value is negative; expected at least 0, or NaN"));
            }
            let pending = Pending::new("", Part::Quantile(rank), value);
            reader.queue.pending.push_back(Pending { written, ..pending });
            Ok(())
        })?;
        self.queue.pending.push_back(Pending::new("_sum", Part::Sum, sum));
        self.queue.pending.push_back(Pending::new("_count", Part::Count, count));
        Ok(())
    }

    /// Parses classic buckets after the bracket.
    fn buckets(&mut self, kind: FamilyType, totals: &Totals, start: usize) -> Result<(), ParseError> {
        if self.label("le").is_some() {
            return Err(self.cursor.fault_at(start, "a histogram with classic buckets has no label le; rename it"));
        }
        let (mut last, mut below) = (f64::NAN, if totals.is_gauge { f64::NEG_INFINITY } else { 0.0 });
        self.list(|reader| {
            let at = reader.cursor.at;
            let (bound, written) = reader.item()?;
            let fault = |problem: &str| Err(reader.cursor.fault_at(at, problem));
            if bound.is_nan() || bound <= last || last == f64::INFINITY {
                return fault("the bucket's bound is not above the previous one; bounds must be ascending and unique");
            }
            if bound.is_infinite() && !matches!(written, "+Inf" | "-Inf") {
                return fault("expected an infinite bound as +Inf or -Inf");
            }
            reader.expect(":")?;
            let at = reader.cursor.at;
            let (count, _) = reader.item()?;
            if kind == FamilyType::Histogram && (count < 0.0 || count < below) {
                let problem = "the bucket's count is below the previous one; buckets are cumulative";
                return Err(reader.cursor.fault_at(at, problem));
            }
            (last, below) = (bound, count);
            let pending = Pending::new("_bucket", Part::Bucket(bound), count);
            reader.queue.pending.push_back(Pending { written, ..pending });
            Ok(())
        })?;
        if last != f64::INFINITY {
            return Err(self.cursor.fault("the histogram has no bucket +Inf; expected one after all others"));
        }
        let same = below == totals.count || (below.is_nan() && totals.count.is_nan());
        if !same {
            let problem = "the histogram's count differs from its +Inf bucket; expected the same number";
            return Err(self.cursor.fault_at(start, problem));
        }
        let (sum, count) = if totals.is_gauge { ("_gsum", "_gcount") } else { ("_sum", "_count") };
        self.queue.pending.push_back(Pending::new(sum, Part::Sum, totals.sum));
        self.queue.pending.push_back(Pending::new(count, Part::Count, totals.count));
        Ok(())
    }

    /// Parses native buckets after `schema:`.
    fn native(&mut self, kind: FamilyType, totals: &Totals) -> Result<(), ParseError> {
        let at = self.cursor.at;
        let schema = self.integer()?;
        if !(-4..=8).contains(&schema) {
            let problem = format!("a native histogram's schema is -4 to 8, found {schema}");
            return Err(self.cursor.fault_at(at, problem));
        }
        self.expect(",")?;
        self.expect("zero_threshold:")?;
        let (zero_threshold, _) = self.real()?;
        self.expect(",")?;
        let zero_count = self.field("zero_count:")?;
        let signed = kind != FamilyType::Histogram;
        if !signed && (zero_count < 0.0 || totals.count < 0.0) {
            return Err(self.cursor.fault_at(at, "a count of the native histogram is negative"));
        }
        let mut sides = [Side::default(), Side::default()];
        for (side, name) in sides.iter_mut().zip(["negative", "positive"]) {
            if self.cursor.eat_text(&format!(",{name}_spans:[")) {
                self.side(side, name)?;
            }
        }
        let counts = sides.iter().flat_map(|side| &side.counts).chain([&zero_count, &totals.count]);
        let is_float = !counts.copied().all(is_whole);
        let fault = |problem: String| self.cursor.fault_at(at, problem);
        let [negative, positive] = sides;
        let native = Native {
            schema: schema as i32,
            zero_threshold,
            zero_count,
            positive: positive.buckets(true, signed).map_err(fault)?,
            negative: negative.buckets(true, signed).map_err(fault)?,
            sum: totals.sum,
            count: totals.count,
            is_float,
        };
        self.queue.pending.push_back(Pending::native(native).map_err(fault)?);
        Ok(())
    }

    /// Parses the spans and buckets of one sign, after the first bracket.
    fn side(&mut self, side: &mut Side, name: &str) -> Result<(), ParseError> {
        self.list(|reader| {
            let at = reader.cursor.at;
            let offset = reader.integer()?;
            reader.expect(":")?;
            let length = reader.integer()?;
            if length < 1 || (offset < 0 && !side.spans.is_empty()) {
                let problem = "expected a span's offset, not negative except in the first, and its length, at least 1";
                return Err(reader.cursor.fault_at(at, problem));
            }
            side.spans.push((offset, length.unsigned_abs()));
            Ok(())
        })?;
        self.expect(&format!(",{name}_buckets:["))?;
        self.list(|reader| {
            let (count, _) = reader.item()?;
            side.counts.push(count);
            Ok(())
        })
    }
}
