//! Prometheus's native histograms: exponential buckets that need no configuration, created as
//! needed up to a limit.
//!
//! Follows Prometheus's "Native Histograms" specification, and client_golang where the
//! specification leaves a choice (infinities, spans, reduction of resolution). Encoders use the
//! accessors and [`NativeHistogram::spans_and_deltas`].

use super::{
    bytes, exponential,
    tally::{Counts, Totals},
};
use crate::number::number_text;

pub use super::tally::Bucket;

/// The coarsest schema: each bucket is 65,536 times as wide as the previous one.
pub const COARSEST_SCHEMA: i32 = exponential::COARSEST;

/// The finest schema: each bucket is 0.27 % wider than the previous one.
pub const FINEST_SCHEMA: i32 = exponential::FINEST;

/// The default schema: buckets grow by 9 %. client_golang selects it for the commonly used growth
/// factor 1.1.
pub const DEFAULT_SCHEMA: i32 = 3;

/// The default zero threshold: 2⁻¹²⁸, as in client_golang.
pub const DEFAULT_ZERO_THRESHOLD: f64 = f64::from_bits((1023 - 128) << 52);

/// Default maximum number of buckets of both signs together.
pub const DEFAULT_MAX_BUCKETS: usize = 160;

/// Minimum of the maximum number of buckets, needed to separate both infinities from finite
/// numbers.
pub const MIN_MAX_BUCKETS: usize = 2;

/// Upper limit of the maximum number of buckets; no query needs more. A bucket takes 16 bytes.
pub const MAX_BUCKETS_LIMIT: usize = 10_000;

/// The schema of a histogram with custom bounds, those of a classic one.
pub const CUSTOM_SCHEMA: i32 = -53;

/// Gaps of up to this many empty buckets are filled: two deltas are no longer than another span.
const FILLED_GAP: i32 = 2;

/// A run of consecutive buckets, like the protobuf message `BucketSpan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// For the first span, the index of its first bucket; for others, the number of omitted buckets
    /// after the previous span.
    pub offset: i32,
    /// Number of consecutive buckets.
    pub length: u32,
}

/// Buckets of one sign in protobuf form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncodedBuckets {
    /// The spans, by ascending index.
    pub spans: Vec<Span>,
    /// For each bucket of each span, the difference from the previous bucket's count; the first is
    /// absolute. Buckets that fill small gaps have the count zero.
    pub deltas: Vec<i64>,
}

/// A histogram whose buckets grow by a constant factor.
///
/// With `base = 2^(2^-schema)`, the positive bucket `i` contains exactly the values in
/// `(base^(i−1), base^i]`: no value is ever misplaced, as happens with logarithms. The negative
/// bucket `i` contains the same magnitudes. Magnitudes up to the zero threshold are in the zero
/// bucket. `+Inf` and `−Inf` are in the bucket after the one for the largest finite number; they
/// make the sum infinite, or NaN if both occur.
///
/// Every observation is in exactly one bucket: `count = zero_count + positive + negative`. When the
/// number of buckets exceeds the limit, adjacent buckets are merged by halving the resolution (one
/// schema down), repeatedly if needed; at the coarsest schema the zero bucket is widened instead,
/// to the end of the adjacent bucket. Neither is ever undone. (client_golang can widen the zero
/// bucket first, up to a configured threshold, and stops at the coarsest schema.)
///
/// One with custom bounds ([`NativeHistogram::custom`]) is a classic histogram as Prometheus stores
/// it natively: bucket `i` ends with bound `i`, the one after the last has no end, and there is
/// neither a zero bucket nor a negative one.
#[derive(Debug, Clone, PartialEq)]
pub struct NativeHistogram {
    schema: i32,
    zero_threshold: f64,
    max_buckets: usize,
    zero_count: u64,
    positive: Counts,
    negative: Counts,
    totals: Totals,
    /// The bounds, if they are custom.
    custom: Box<[f64]>,
}

/// The indices that the buckets of a schema may have: up to the one of infinity.
pub fn index_range(schema: i32) -> core::ops::RangeInclusive<i32> {
    exponential::lowest_index(schema)..=exponential::overflow_index(schema)
}

impl NativeHistogram {
    /// Creates an empty histogram. The error names the argument out of range and its range.
    pub fn new(schema: i32, zero_threshold: f64, max_buckets: usize) -> Result<Self, String> {
        if !(COARSEST_SCHEMA..=FINEST_SCHEMA).contains(&schema) {
            return Err(format!("a native histogram's schema is {COARSEST_SCHEMA} to {FINEST_SCHEMA}, got {schema}"));
        }
        if !(0.0..f64::INFINITY).contains(&zero_threshold) {
            return Err(format!(
                "a native histogram's zero threshold is a finite number from 0 up, got {}",
                number_text(zero_threshold)
            ));
        }
        if !(MIN_MAX_BUCKETS..=MAX_BUCKETS_LIMIT).contains(&max_buckets) {
            return Err(format!(
                "a native histogram has {MIN_MAX_BUCKETS} to {MAX_BUCKETS_LIMIT} buckets at most, got {max_buckets}"
            ));
        }
        Ok(Self {
            schema,
            zero_threshold: zero_threshold.abs(),
            max_buckets,
            zero_count: 0,
            positive: Counts::default(),
            negative: Counts::default(),
            totals: Totals::default(),
            custom: Box::default(),
        })
    }

    /// Creates a histogram with custom bounds, finite and ascending, from the counts of its
    /// buckets; the last has no bound. `None` if there are too many, or not one more than bounds.
    pub fn custom(bounds: &[f64], counts: &[u64], sum: f64) -> Option<Self> {
        if counts.len() != bounds.len() + 1 || bounds.is_empty() || counts.len() > MAX_BUCKETS_LIMIT {
            return None;
        }
        let mut histogram = Self::new(0, 0.0, counts.len().max(MIN_MAX_BUCKETS)).ok()?;
        let buckets = (0..).zip(counts).filter(|(_, count)| **count > 0);
        let buckets = buckets.map(|(index, count)| Bucket { index, count: *count }).collect();
        histogram.positive = Counts::of(buckets, counts.len(), 0, bounds.len() as i32)?;
        histogram.schema = CUSTOM_SCHEMA;
        histogram.custom = bounds.into();
        let count = histogram.positive.total().filter(|count| *count <= Totals::MAX)?;
        histogram.totals = Totals { count, sum };
        histogram.is_consistent().then_some(histogram)
    }

    /// The bounds, if they are custom; empty otherwise.
    pub fn custom_bounds(&self) -> &[f64] {
        &self.custom
    }

    /// Creates a histogram from nonempty buckets by ascending index. `None` if there are too many,
    /// or some are out of the schema's range or within the zero bucket.
    pub fn of(
        schema: i32,
        (zero_threshold, zero_count): (f64, u64),
        (positive, negative): (Vec<Bucket>, Vec<Bucket>),
        sum: f64,
    ) -> Option<Self> {
        let max_buckets = DEFAULT_MAX_BUCKETS.max(positive.len() + negative.len());
        let mut histogram = Self::new(schema, zero_threshold, max_buckets).ok()?;
        let (lowest, highest) = (exponential::lowest_index(schema), exponential::overflow_index(schema));
        histogram.positive = Counts::of(positive, max_buckets, lowest, highest)?;
        histogram.negative = Counts::of(negative, max_buckets, lowest, highest)?;
        histogram.zero_count = zero_count;
        let count = zero_count.checked_add(histogram.positive.total()?)?.checked_add(histogram.negative.total()?)?;
        // Deltas are 64-bit signed integers.
        i64::try_from(count).ok()?;
        histogram.totals = Totals { count, sum };
        histogram.is_consistent().then_some(histogram)
    }

    /// Observes a value. NaN belongs in no bucket and is ignored; callers should reject it.
    pub fn observe(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        self.totals.add(value);
        if !self.custom.is_empty() {
            let place = self.custom.partition_point(|bound| *bound < value);
            self.positive.add(place as i32, self.max_buckets);
            return;
        }
        let magnitude = value.abs();
        if magnitude <= self.zero_threshold {
            self.zero_count += 1;
            return;
        }
        let index = exponential::index(self.schema, magnitude);
        let side = if value > 0.0 { &mut self.positive } else { &mut self.negative };
        if side.add(index, self.max_buckets + 1) {
            self.reduce();
        }
    }

    /// Reduces the number of buckets to the limit.
    fn reduce(&mut self) {
        while self.buckets() > self.max_buckets {
            if self.schema > COARSEST_SCHEMA {
                self.schema -= 1;
                self.positive.halve();
                self.negative.halve();
            } else {
                self.widen_zero();
            }
        }
    }

    /// Merges the buckets nearest to zero into the zero bucket. Since the limit is at least two,
    /// this never affects the overflow buckets: there is one per sign, so while the limit is
    /// exceeded, another bucket is nearer to zero.
    fn widen_zero(&mut self) {
        let nearest = [&self.positive, &self.negative].into_iter().filter_map(|side| side.buckets().first());
        if let Some(index) = nearest.map(|bucket| bucket.index).min() {
            self.zero_threshold = exponential::upper_bound(self.schema, index);
            self.zero_count += self.positive.take_lowest(index) + self.negative.take_lowest(index);
        }
    }

    /// Reduces the resolution and widens the zero bucket as far as a later state has done so.
    #[cold]
    pub(super) fn coarsen(&mut self, schema: i32, zero_threshold: f64) {
        while self.schema > schema && self.custom.is_empty() {
            self.schema -= 1;
            self.positive.halve();
            self.negative.halve();
        }
        for side in [&mut self.positive, &mut self.negative] {
            while let Some(nearest) = side.buckets().first().map(|bucket| bucket.index)
                && exponential::upper_bound(self.schema, nearest) <= zero_threshold
            {
                self.zero_count += side.take_lowest(nearest);
            }
        }
        self.zero_threshold = self.zero_threshold.max(zero_threshold);
    }

    /// What was observed since an earlier state that is as coarse as this one; `None` if this is no
    /// later state of it.
    #[cold]
    pub(super) fn minus(&self, earlier: &Self) -> Option<Self> {
        let scale = |of: &Self| (of.schema, of.zero_threshold);
        if scale(self) != scale(earlier) || self.custom != earlier.custom {
            return None;
        }
        let mut rest = self.clone();
        rest.positive.subtract(&earlier.positive)?;
        rest.negative.subtract(&earlier.negative)?;
        rest.zero_count = rest.zero_count.checked_sub(earlier.zero_count)?;
        rest.totals.count = rest.totals.count.checked_sub(earlier.totals.count)?;
        rest.totals.sum -= earlier.totals.sum;
        Some(rest)
    }

    /// The current schema: the initial one or a coarser one.
    pub fn schema(&self) -> i32 {
        self.schema
    }

    /// The current zero threshold: the initial one or a larger one.
    pub fn zero_threshold(&self) -> f64 {
        self.zero_threshold
    }

    /// Maximum number of buckets of both signs together, not counting the zero bucket.
    pub fn max_buckets(&self) -> usize {
        self.max_buckets
    }

    /// Number of observations in the zero bucket.
    pub fn zero_count(&self) -> u64 {
        self.zero_count
    }

    /// Nonempty buckets of values above zero, by ascending index.
    pub fn positive(&self) -> &[Bucket] {
        self.positive.buckets()
    }

    /// Nonempty buckets of values below zero, by ascending index, that is, by ascending magnitude.
    pub fn negative(&self) -> &[Bucket] {
        self.negative.buckets()
    }

    /// The sum of all observations.
    pub fn sum(&self) -> f64 {
        self.totals.sum
    }

    /// The number of observations.
    pub fn count(&self) -> u64 {
        self.totals.count
    }

    /// The number of nonempty buckets of both signs.
    fn buckets(&self) -> usize {
        self.positive().len() + self.negative().len()
    }

    /// Bytes allocated for buckets: at most `32 × (max_buckets + 1)`, since either sign may have
    /// had all of them.
    pub fn allocated_bytes(&self) -> usize {
        self.positive.bytes() + self.negative.bytes()
    }

    /// The bounds of the bucket with this index at the current schema: it contains magnitudes above
    /// the first and up to the second. Both are rounded down to the next float, which does not
    /// change the values between them.
    pub fn bounds(&self, index: i32) -> (f64, f64) {
        if !self.custom.is_empty() {
            let bound = |index: i32| usize::try_from(index).ok().and_then(|place| self.custom.get(place)).copied();
            let lower = if index > 0 { bound(index - 1) } else { None };
            return (lower.unwrap_or(f64::NEG_INFINITY), bound(index).unwrap_or(f64::INFINITY));
        }
        let upper = exponential::upper_bound(self.schema, index);
        (exponential::upper_bound(self.schema, index.saturating_sub(1)), upper)
    }

    /// The positive and negative buckets in protobuf form. Gaps of one or two empty buckets are
    /// filled; larger ones start a new span.
    ///
    /// A histogram that would be indistinguishable from a classic one (no observations and a zero
    /// threshold of 0) gets one positive span of length 0, by which Prometheus recognizes a native
    /// histogram.
    pub fn spans_and_deltas(&self) -> (EncodedBuckets, EncodedBuckets) {
        let mut positive = encoded(self.positive());
        let negative = encoded(self.negative());
        if self.zero_threshold == 0.0 && self.totals.count == 0 {
            positive.spans.push(Span { offset: 0, length: 0 });
        }
        (positive, negative)
    }

    /// The `q`-quantile, estimated from the buckets: of the `n` sorted observations, the one at
    /// index `⌊q·(n−1)⌋`. NaN without observations, for `q` outside 0 to 1, or with custom bounds,
    /// which do not tell how far off an estimate is.
    ///
    /// The estimate is in the same bucket as the true value `x`, so its error is at most `(base −
    /// 1)/(base + 1) · |x|`: 4.4 % at schema 3 and 0.14 % at schema 8, plus rounding for subnormal
    /// numbers. For an estimate of 0 the error is at most the zero threshold; infinite estimates
    /// are exact.
    pub fn quantile(&self, q: f64) -> f64 {
        if self.totals.count == 0 || !(0.0..=1.0).contains(&q) || !self.custom.is_empty() {
            return f64::NAN;
        }
        let last = self.totals.count - 1;
        let rank = ((q * last as f64) as u64).min(last);
        let negative = self
            .negative()
            .iter()
            .rev()
            .map(|bucket| (-exponential::estimate(self.schema, bucket.index), bucket.count));
        let positive =
            self.positive().iter().map(|bucket| (exponential::estimate(self.schema, bucket.index), bucket.count));
        let mut below = 0;
        for (estimate, count) in negative.chain([(0.0, self.zero_count)]).chain(positive) {
            below += count;
            if rank < below {
                return estimate;
            }
        }
        f64::NAN
    }

    /// Appends the serialized histogram.
    pub fn serialize(&self, out: &mut Vec<u8>) {
        bytes::write_signed(out, i64::from(self.schema));
        if self.schema == CUSTOM_SCHEMA {
            bytes::write_unsigned(out, self.custom.len() as u64);
            self.custom.iter().for_each(|bound| bytes::write_float(out, *bound));
            bytes::write_float(out, self.totals.sum);
            return self.positive.serialize(out);
        }
        bytes::write_float(out, self.zero_threshold);
        bytes::write_unsigned(out, self.max_buckets as u64);
        bytes::write_unsigned(out, self.zero_count);
        self.totals.serialize(out);
        self.positive.serialize(out);
        self.negative.serialize(out);
    }

    /// Takes a serialized histogram off the front. `None`, with `input` unchanged, for bytes that
    /// [`NativeHistogram::serialize`] could not have written. Allocates at most eight times the
    /// length of `input`.
    pub fn deserialize(input: &mut &[u8]) -> Option<Self> {
        let mut rest = *input;
        let schema = i32::try_from(bytes::take_signed(&mut rest)?).ok()?;
        if schema == CUSTOM_SCHEMA {
            let histogram = Self::deserialize_custom(&mut rest)?;
            *input = rest;
            return Some(histogram);
        }
        let zero_threshold = bytes::take_float(&mut rest)?;
        if zero_threshold.is_sign_negative() {
            return None;
        }
        let max_buckets = usize::try_from(bytes::take_unsigned(&mut rest)?).ok()?;
        let mut histogram = Self::new(schema, zero_threshold, max_buckets).ok()?;
        histogram.zero_count = bytes::take_unsigned(&mut rest)?;
        histogram.totals = Totals::deserialize(&mut rest)?;
        let (lowest, highest) = (exponential::lowest_index(schema), exponential::overflow_index(schema));
        histogram.positive = Counts::deserialize(&mut rest, max_buckets, lowest, highest)?;
        histogram.negative = Counts::deserialize(&mut rest, max_buckets, lowest, highest)?;
        if !histogram.is_consistent() {
            return None;
        }
        *input = rest;
        Some(histogram)
    }

    /// Takes what follows the schema of a histogram with custom bounds.
    fn deserialize_custom(rest: &mut &[u8]) -> Option<Self> {
        let length = usize::try_from(bytes::take_unsigned(rest)?).ok()?;
        // A bound takes eight bytes.
        if length >= MAX_BUCKETS_LIMIT || length > rest.len() / 8 {
            return None;
        }
        let bounds = (0..length).map(|_| bytes::take_float(rest)).collect::<Option<Vec<f64>>>()?;
        let sum = bytes::take_float(rest)?;
        let positive = Counts::deserialize(rest, length + 1, 0, length as i32)?;
        let mut counts = vec![0; length + 1];
        for bucket in positive.buckets() {
            *counts.get_mut(usize::try_from(bucket.index).ok()?)? = bucket.count;
        }
        Self::custom(&bounds, &counts, sum)
    }

    /// Whether the limit is respected, the counts add up, and no bucket is within the zero bucket.
    fn is_consistent(&self) -> bool {
        let sides = [&self.positive, &self.negative];
        let counted = sides.into_iter().try_fold(self.zero_count, |counted, side| counted.checked_add(side.total()?));
        let is_custom = self.schema == CUSTOM_SCHEMA;
        let bounds = &self.custom;
        if is_custom && !(bounds.is_sorted_by(|a, b| a < b) && bounds.iter().all(|bound| bound.is_finite())) {
            return false;
        }
        let outside = |side: &Counts| match side.buckets().first() {
            _ if is_custom => true,
            Some(bucket) => exponential::upper_bound(self.schema, bucket.index) > self.zero_threshold,
            None => true,
        };
        self.buckets() <= self.max_buckets && counted == Some(self.totals.count) && sides.into_iter().all(outside)
    }
}

/// Encodes buckets with ascending indices as spans and deltas.
fn encoded(buckets: &[Bucket]) -> EncodedBuckets {
    let mut encoded = EncodedBuckets::default();
    let mut before: Option<Bucket> = None;
    for bucket in buckets {
        let gap = before.map(|before| bucket.index - before.index - 1);
        let mut count_before = before.map_or(0, |before| before.count as i64);
        match (gap, encoded.spans.last_mut()) {
            (Some(gap @ ..=FILLED_GAP), Some(span)) => {
                for _ in 0..gap {
                    encoded.deltas.push(-count_before);
                    count_before = 0;
                }
                span.length += gap as u32 + 1;
            }
            _ => encoded.spans.push(Span { offset: gap.unwrap_or(bucket.index), length: 1 }),
        }
        encoded.deltas.push(bucket.count as i64 - count_before);
        before = Some(*bucket);
    }
    encoded
}

#[cfg(test)]
mod tests;
