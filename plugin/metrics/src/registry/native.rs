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
#[derive(Debug, Clone, PartialEq)]
pub struct NativeHistogram {
    schema: i32,
    zero_threshold: f64,
    max_buckets: usize,
    zero_count: u64,
    positive: Counts,
    negative: Counts,
    totals: Totals,
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
        })
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
    /// index `⌊q·(n−1)⌋`. NaN without observations, or for `q` outside 0 to 1.
    ///
    /// The estimate is in the same bucket as the true value `x`, so its error is at most `(base −
    /// 1)/(base + 1) · |x|`: 4.4 % at schema 3 and 0.14 % at schema 8, plus rounding for subnormal
    /// numbers. For an estimate of 0 the error is at most the zero threshold; infinite estimates
    /// are exact.
    pub fn quantile(&self, q: f64) -> f64 {
        if self.totals.count == 0 || !(0.0..=1.0).contains(&q) {
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

    /// Whether the limit is respected, the counts add up, and no bucket is within the zero bucket.
    fn is_consistent(&self) -> bool {
        let sides = [&self.positive, &self.negative];
        let counted = sides.into_iter().try_fold(self.zero_count, |counted, side| counted.checked_add(side.total()?));
        let outside = |side: &Counts| match side.buckets().first() {
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
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn pairs(buckets: &[Bucket]) -> Vec<(i32, u64)> {
        buckets.iter().map(|bucket| (bucket.index, bucket.count)).collect()
    }

    /// Decodes spans and deltas according to the specification, omitting filled gaps.
    fn decoded(encoded: &EncodedBuckets) -> Vec<(i32, u64)> {
        let mut deltas = encoded.deltas.iter();
        let (mut next, mut count, mut pairs) = (0, 0, Vec::new());
        for span in &encoded.spans {
            next += span.offset;
            for _ in 0..span.length {
                count += deltas.next().unwrap();
                if count > 0 {
                    pairs.push((next, count as u64));
                }
                next += 1;
            }
        }
        assert!(deltas.next().is_none(), "as many deltas as the spans are long");
        pairs
    }

    /// Numbers of every magnitude, zeros and infinities, including many close together.
    fn values() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => any::<u64>().prop_map(f64::from_bits).prop_filter("no NaN", |value| !value.is_nan()),
            4 => 0.5f64..200.0,
            2 => -3.0f64..3.0,
            1 => prop_oneof![Just(0.0), Just(-0.0), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(f64::MAX), Just(f64::from_bits(1))],
        ]
    }

    /// Checks every bucket and its count against the list of observations.
    fn assert_holds(histogram: &NativeHistogram, observed: &[f64]) {
        assert!(histogram.is_consistent());
        assert_eq!(histogram.count(), observed.len() as u64);
        let zeros = observed.iter().filter(|value| value.abs() <= histogram.zero_threshold()).count();
        assert_eq!(histogram.zero_count(), zeros as u64);
        for (sign, buckets) in [(1.0, histogram.positive()), (-1.0, histogram.negative())] {
            for bucket in buckets {
                let (lower, upper) = histogram.bounds(bucket.index);
                let inside = |value: &&f64| {
                    let magnitude = **value * sign;
                    magnitude > lower && magnitude <= upper && magnitude > histogram.zero_threshold()
                };
                assert_eq!(bucket.count, observed.iter().filter(inside).count() as u64, "bucket {bucket:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn observations_stay_in_buckets_that_contain_them(
            schema in COARSEST_SCHEMA..=FINEST_SCHEMA,
            threshold in prop_oneof![Just(0.0), Just(DEFAULT_ZERO_THRESHOLD), 0.0f64..2.0],
            limit in 2usize..60,
            observed in vec(values(), 0..150),
        ) {
            let mut histogram = NativeHistogram::new(schema, threshold, limit).unwrap();
            for (n, value) in observed.iter().enumerate() {
                let before = (histogram.schema(), histogram.zero_threshold());
                histogram.observe(*value);
                prop_assert!(histogram.schema() <= before.0 && histogram.zero_threshold() >= before.1);
                if n % 10 == 0 {
                    assert_holds(&histogram, &observed[..=n]);
                }
            }
            assert_holds(&histogram, &observed);
            prop_assert!(histogram.positive().len() + histogram.negative().len() <= limit);
            prop_assert!(histogram.zero_threshold().is_finite());
            prop_assert!(histogram.zero_threshold() == threshold || histogram.schema() == COARSEST_SCHEMA);
            prop_assert!(histogram.allocated_bytes() <= 32 * (limit + 1));
        }

        #[test]
        fn spans_and_deltas_round_trip(observed in vec(values(), 1..150), schema in COARSEST_SCHEMA..=FINEST_SCHEMA) {
            let mut histogram = NativeHistogram::new(schema, 0.0, 400).unwrap();
            observed.iter().for_each(|value| histogram.observe(*value));
            let (positive, negative) = histogram.spans_and_deltas();
            prop_assert_eq!(decoded(&positive), pairs(histogram.positive()));
            prop_assert_eq!(decoded(&negative), pairs(histogram.negative()));
            for span in positive.spans.iter().skip(1).chain(negative.spans.iter().skip(1)) {
                prop_assert!(span.offset > 2, "a gap of {} starts a span", span.offset);
            }
        }

        #[test]
        fn quantiles_are_within_the_error(observed in vec(values(), 1..150), schema in COARSEST_SCHEMA..=FINEST_SCHEMA, q in 0.0f64..=1.0) {
            let mut histogram = NativeHistogram::new(schema, 1e-9, 60).unwrap();
            observed.iter().for_each(|value| histogram.observe(*value));
            let mut sorted = observed;
            sorted.sort_by(f64::total_cmp);
            let exact = sorted[(q * (sorted.len() - 1) as f64) as usize];
            let estimate = histogram.quantile(q);
            if exact.abs() <= histogram.zero_threshold() {
                prop_assert_eq!(estimate, 0.0);
            } else if exact.is_infinite() {
                prop_assert_eq!(estimate, exact);
            } else {
                let base = 2f64.powf(2f64.powi(-histogram.schema()));
                let error = (estimate / exact - 1.0).abs();
                prop_assert!(error <= (base - 1.0) / (base + 1.0) * (1.0 + 1e-9) + 1e-12, "{} for {}", estimate, exact);
            }
        }

        #[test]
        fn serialization_round_trips(observed in vec(values(), 0..150), schema in COARSEST_SCHEMA..=FINEST_SCHEMA, limit in 2usize..200) {
            let mut histogram = NativeHistogram::new(schema, 1e-3, limit).unwrap();
            observed.iter().for_each(|value| histogram.observe(*value));
            let mut written = vec![7];
            histogram.serialize(&mut written);
            written.push(9);
            let mut input = &written[1..];
            prop_assert_eq!(NativeHistogram::deserialize(&mut input), Some(histogram));
            prop_assert_eq!(input, [9]);
            for end in 1..written.len() - 1 {
                prop_assert_eq!(NativeHistogram::deserialize(&mut &written[1..end]), None, "cut at {}", end);
            }
        }

        #[test]
        fn damaged_bytes_are_rejected_or_consistent(
            observed in vec(values(), 0..40),
            at in any::<prop::sample::Index>(),
            byte: u8,
        ) {
            let mut histogram = NativeHistogram::new(2, 1e-3, 30).unwrap();
            observed.iter().for_each(|value| histogram.observe(*value));
            let mut written = Vec::new();
            histogram.serialize(&mut written);
            *at.get_mut(&mut written) = byte;
            assert_sound(&written);
        }

        #[test]
        fn arbitrary_bytes_never_panic(arbitrary in vec(any::<u8>(), 0..200), counted in vec(any::<u8>(), 0..60)) {
            assert_sound(&arbitrary);
            // Repeat with a valid beginning, so that the buckets are reached.
            let mut written = Vec::new();
            NativeHistogram::new(8, 0.0, MAX_BUCKETS_LIMIT).unwrap().serialize(&mut written);
            written.truncate(written.len() - 2);
            written.extend(counted);
            assert_sound(&written);
        }
    }

    /// Whatever deserializes is consistent, not larger than its bytes allow, usable, and serializes
    /// to the same bytes.
    fn assert_sound(written: &[u8]) {
        let mut input = written;
        match NativeHistogram::deserialize(&mut input) {
            None => assert_eq!(input, written, "a refusal takes nothing"),
            Some(mut histogram) => {
                assert!(histogram.is_consistent());
                assert!(histogram.allocated_bytes() <= 8 * written.len());
                let mut again = Vec::new();
                histogram.serialize(&mut again);
                assert_eq!(again, written[..written.len() - input.len()]);
                let _ = (histogram.spans_and_deltas(), histogram.quantile(0.5));
                histogram.observe(1e300);
                histogram.observe(-f64::INFINITY);
                assert!(histogram.is_consistent());
            }
        }
    }

    #[test]
    fn inconsistent_bytes_are_rejected() {
        let mut sound = NativeHistogram::new(0, 0.5, 4).unwrap();
        [0.1, 1.0, 3.0, -3.0].into_iter().for_each(|value| sound.observe(value));
        let read = |damage: fn(&mut NativeHistogram)| {
            let mut histogram = sound.clone();
            damage(&mut histogram);
            let mut written = Vec::new();
            histogram.serialize(&mut written);
            NativeHistogram::deserialize(&mut written.as_slice())
        };
        assert_eq!(read(|_| ()).as_ref(), Some(&sound));
        assert_eq!(read(|histogram| histogram.totals.count += 1), None, "an observation in no bucket");
        assert_eq!(read(|histogram| histogram.zero_count += 1), None, "an observation that was not counted");
        assert_eq!(read(|histogram| histogram.zero_threshold = 1.0), None, "a bucket within the zero bucket");
        assert_eq!(read(|histogram| histogram.zero_threshold = -0.0), None, "a threshold that new() does not leave");
        assert_eq!(read(|histogram| histogram.zero_threshold = f64::NAN), None, "a threshold that is no number");
        assert_eq!(read(|histogram| histogram.max_buckets = 2), None, "more buckets than the limit");
        assert_eq!(read(|histogram| histogram.schema = 9), None, "no such schema");
        assert_eq!(read(|histogram| histogram.totals.count = u64::MAX), None, "a count past 63 bits");
    }

    #[test]
    fn errors_state_the_valid_range() {
        for (schema, threshold, buckets, range) in [
            (9, 0.0, 160, "-4 to 8"),
            (-5, 0.0, 160, "-4 to 8"),
            (0, -1.0, 160, "from 0 up"),
            (0, f64::NAN, 160, "from 0 up"),
            (0, f64::INFINITY, 160, "from 0 up"),
            (0, 0.0, 1, "2 to 10000"),
            (0, 0.0, 10_001, "2 to 10000"),
        ] {
            let error = NativeHistogram::new(schema, threshold, buckets).unwrap_err();
            assert!(error.contains(range), "{error}");
        }
        assert_eq!(NativeHistogram::new(0, -0.0, 2).unwrap().zero_threshold().to_bits(), 0);
        assert_eq!(DEFAULT_ZERO_THRESHOLD, 2f64.powi(-128));
    }

    #[test]
    fn the_zero_bucket_includes_the_threshold() {
        let mut histogram = NativeHistogram::new(0, 0.5, 10).unwrap();
        for value in [0.5, -0.5, 0.0, -0.0, 0.5f64.next_up(), -(0.5f64.next_up())] {
            histogram.observe(value);
        }
        assert_eq!(histogram.zero_count(), 4);
        assert_eq!(pairs(histogram.positive()), [(0, 1)]);
        assert_eq!(pairs(histogram.negative()), [(0, 1)]);
    }

    #[test]
    fn infinities_are_in_the_overflow_buckets_and_the_sum() {
        let mut histogram = NativeHistogram::new(8, 0.0, 10).unwrap();
        histogram.observe(f64::MAX);
        histogram.observe(f64::INFINITY);
        assert_eq!(pairs(histogram.positive()), [(262_144, 1), (262_145, 1)]);
        assert_eq!((histogram.sum(), histogram.count()), (f64::INFINITY, 2));
        assert_eq!(histogram.quantile(1.0), f64::INFINITY);
        histogram.observe(f64::NEG_INFINITY);
        assert_eq!(pairs(histogram.negative()), [(262_145, 1)]);
        assert!(histogram.sum().is_nan());
        assert_eq!(histogram.count(), 3);
        assert_eq!(histogram, histogram.clone(), "a sum that is NaN does not make a histogram differ from itself");
    }

    #[test]
    fn nan_changes_nothing() {
        let mut histogram = NativeHistogram::new(3, 0.0, 10).unwrap();
        histogram.observe(1.0);
        let before = histogram.clone();
        histogram.observe(f64::NAN);
        assert_eq!(histogram, before);
    }

    #[test]
    fn exceeding_the_limit_halves_the_resolution_once() {
        let mut histogram = NativeHistogram::new(1, 0.0, 4).unwrap();
        // At schema 1: the buckets 0, 1, 2, 3; then 4 is one too many.
        for value in [1.0, 1.3, 1.9, 2.5] {
            histogram.observe(value);
        }
        assert_eq!((histogram.schema(), histogram.positive().len()), (1, 4));
        histogram.observe(3.9);
        assert_eq!(histogram.schema(), 0);
        assert_eq!(pairs(histogram.positive()), [(0, 1), (1, 2), (2, 2)]);
    }

    #[test]
    fn at_the_coarsest_schema_the_zero_bucket_is_widened() {
        let mut histogram = NativeHistogram::new(COARSEST_SCHEMA, 0.0, 3).unwrap();
        for value in [1e-9, -1e-9, 1e9, f64::INFINITY] {
            histogram.observe(value);
        }
        assert_eq!(histogram.zero_threshold(), 2f64.powi(-16));
        assert_eq!((histogram.zero_count(), histogram.count()), (2, 4));
        assert_eq!(pairs(histogram.positive()), [(2, 1), (65, 1)]);
        histogram.observe(1e-8);
        assert_eq!(histogram.zero_count(), 3, "what is within the wider zero bucket counts there");
    }

    #[test]
    fn the_specification_example_has_two_spans() {
        let mut histogram = NativeHistogram::new(0, 0.0, 10).unwrap();
        // -2→3, -1→5, 2→1, 4→3, 5→2; a gap of two is filled, so they share one span.
        for (index, count) in [(-2, 3), (-1, 5), (2, 1), (4, 3), (5, 2), (9, 1)] {
            (0..count).for_each(|_| histogram.observe(2f64.powi(index)));
        }
        let (positive, negative) = histogram.spans_and_deltas();
        assert_eq!(positive.spans, [Span { offset: -2, length: 8 }, Span { offset: 3, length: 1 }]);
        assert_eq!(positive.deltas, [3, 2, -5, 0, 1, -1, 3, -1, -1]);
        assert_eq!(negative, EncodedBuckets::default());
    }

    #[test]
    fn an_empty_histogram_is_distinguishable_from_a_classic_one() {
        let empty = NativeHistogram::new(3, 0.0, 10).unwrap();
        assert_eq!(empty.spans_and_deltas().0.spans, [Span { offset: 0, length: 0 }]);
        let with_threshold = NativeHistogram::new(3, 0.1, 10).unwrap();
        assert_eq!(with_threshold.spans_and_deltas().0.spans, []);
        assert!(empty.quantile(0.5).is_nan());
    }
}
