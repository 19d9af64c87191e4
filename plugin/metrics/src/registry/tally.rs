//! Exact counts, per bucket and in total.

use super::bytes;

/// A bucket and its number of observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The bucket's index.
    pub index: i32,
    /// The number of observations; at least one.
    pub count: u64,
}

/// The nonempty buckets, by ascending index. 16 bytes each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Counts(Vec<Bucket>);

impl Counts {
    pub(super) fn buckets(&self) -> &[Bucket] {
        &self.0
    }

    /// Creates counts from buckets; `None` for more than `limit` buckets, indices outside
    /// `lowest..=highest` or not ascending, or empty buckets.
    pub(super) fn of(buckets: Vec<Bucket>, limit: usize, lowest: i32, highest: i32) -> Option<Self> {
        let rising = buckets.is_sorted_by(|a, b| a.index < b.index);
        let is_valid = |bucket: &Bucket| bucket.count > 0 && (lowest..=highest).contains(&bucket.index);
        (buckets.len() <= limit && rising && buckets.iter().all(is_valid)).then_some(Self(buckets))
    }

    /// Allocated bytes.
    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Bucket>()
    }

    /// Counts one observation. Returns whether the bucket is new; the caller ensures that there are
    /// never more than `max` buckets.
    pub(super) fn add(&mut self, index: i32, max: usize) -> bool {
        let place = self.place(index);
        match self.0.get_mut(place) {
            Some(bucket) if bucket.index == index => {
                bucket.count += 1;
                false
            }
            _ => {
                self.insert(place, index, max);
                true
            }
        }
    }

    /// Counts one observation in at most `limit` buckets: values too low for them count in the
    /// lowest one.
    pub(super) fn add_within(&mut self, index: i32, limit: usize) {
        let place = self.place(index);
        let full = self.0.len() >= limit;
        match self.0.get_mut(place) {
            Some(bucket) if bucket.index == index => bucket.count += 1,
            _ if !full => self.insert(place, index, limit),
            Some(lowest) if place == 0 => lowest.count += 1,
            _ => {
                let lowest = self.0.remove(0);
                self.0.insert(place - 1, Bucket { index, count: 1 });
                if let Some(next) = self.0.first_mut() {
                    next.count += lowest.count;
                }
            }
        }
    }

    /// Inserts a bucket with one observation. Capacity grows by doubling, but never beyond `max`
    /// buckets.
    fn insert(&mut self, place: usize, index: i32, max: usize) {
        let length = self.0.len();
        if length == self.0.capacity() {
            self.0.reserve_exact(length.max(4).min(max.saturating_sub(length)));
        }
        self.0.insert(place, Bucket { index, count: 1 });
    }

    /// The position where the bucket is or would be.
    fn place(&self, index: i32) -> usize {
        self.0.partition_point(|bucket| bucket.index < index)
    }

    /// Merges each odd index with the even one above it into a bucket with half the index.
    pub(super) fn halve(&mut self) {
        for bucket in &mut self.0 {
            bucket.index = (bucket.index + 1) >> 1;
        }
        self.0.dedup_by(|later, kept| {
            let same = later.index == kept.index;
            if same {
                kept.count += later.count;
            }
            same
        });
    }

    /// Removes the bucket with this index if it is the lowest. Returns its count, or zero.
    pub(super) fn take_lowest(&mut self, index: i32) -> u64 {
        match self.0.first() {
            Some(lowest) if lowest.index == index => self.0.remove(0).count,
            _ => 0,
        }
    }

    /// Subtracts earlier counts; `None`, with counts that mean nothing, if one is higher than now.
    pub(super) fn subtract(&mut self, earlier: &Self) -> Option<()> {
        for bucket in &earlier.0 {
            let place = self.place(bucket.index);
            let own = self.0.get_mut(place).filter(|own| own.index == bucket.index)?;
            own.count = own.count.checked_sub(bucket.count)?;
        }
        self.0.retain(|bucket| bucket.count > 0);
        Some(())
    }

    /// Removes all counts but keeps the allocation.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The sum of all counts; `None` if it overflows.
    pub(super) fn total(&self) -> Option<u64> {
        self.0.iter().try_fold(0u64, |total, bucket| total.checked_add(bucket.count))
    }

    /// Appends the number of buckets, then for each the distance from the previous index and the
    /// count.
    pub(super) fn serialize(&self, out: &mut Vec<u8>) {
        bytes::write_unsigned(out, self.0.len() as u64);
        let mut before = None;
        for bucket in &self.0 {
            match before {
                None => bytes::write_signed(out, i64::from(bucket.index)),
                Some(before) => bytes::write_unsigned(out, i64::from(bucket.index).abs_diff(before)),
            }
            bytes::write_unsigned(out, bucket.count);
            before = Some(i64::from(bucket.index));
        }
    }

    /// Reads the output of [`Counts::serialize`]; `None` for more than `limit` buckets, indices
    /// outside `lowest..=highest` or not ascending, empty buckets, or too few bytes.
    pub(super) fn deserialize(input: &mut &[u8], limit: usize, lowest: i32, highest: i32) -> Option<Self> {
        let length = usize::try_from(bytes::take_unsigned(input)?).ok()?;
        // A bucket takes at least two bytes, which limits the allocation to a small multiple of the
        // input.
        if length > limit || length > input.len() / 2 {
            return None;
        }
        let mut buckets = Vec::with_capacity(length);
        let mut before: Option<i32> = None;
        for _ in 0..length {
            let index = match before {
                None => i32::try_from(bytes::take_signed(input)?).ok()?,
                Some(before) => before.checked_add(i32::try_from(bytes::take_unsigned(input)?).ok()?)?,
            };
            let count = bytes::take_unsigned(input)?;
            if before == Some(index) || count == 0 || !(lowest..=highest).contains(&index) {
                return None;
            }
            buckets.push(Bucket { index, count });
            before = Some(index);
        }
        Some(Self(buckets))
    }
}

/// The total number of observations and their sum.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) count: u64,
    pub(super) sum: f64,
}

impl Totals {
    /// Maximum count, so that bucket deltas fit in 64 bits.
    pub(super) const MAX: u64 = i64::MAX as u64;

    pub(super) fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
    }

    pub(super) fn serialize(&self, out: &mut Vec<u8>) {
        bytes::write_unsigned(out, self.count);
        bytes::write_float(out, self.sum);
    }

    pub(super) fn deserialize(input: &mut &[u8]) -> Option<Self> {
        let count = bytes::take_unsigned(input)?;
        let sum = bytes::take_float(input)?;
        (count <= Self::MAX).then_some(Self { count, sum })
    }
}

/// NaN sums are equal: both come from infinities that canceled out.
impl PartialEq for Totals {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && (self.sum == other.sum || (self.sum.is_nan() && other.sum.is_nan()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn pairs(counts: &Counts) -> Vec<(i32, u64)> {
        counts.buckets().iter().map(|bucket| (bucket.index, bucket.count)).collect()
    }

    proptest! {
        #[test]
        fn counts_match_a_map(indices in proptest::collection::vec(-40i32..40, 0..200)) {
            let mut counts = Counts::default();
            let mut map = BTreeMap::new();
            for index in indices {
                let new = counts.add(index, 80);
                let slot = map.entry(index).or_insert(0u64);
                *slot += 1;
                prop_assert_eq!(new, *slot == 1);
            }
            prop_assert_eq!(pairs(&counts), map.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn beyond_the_limit_only_the_lowest_buckets_are_merged(indices in proptest::collection::vec(-40i32..40, 0..300), limit in 1usize..20) {
            let mut counts = Counts::default();
            let mut map = BTreeMap::new();
            for index in indices {
                counts.add_within(index, limit);
                *map.entry(index).or_insert(0u64) += 1;
            }
            // Regardless of order, the highest buckets are kept, and all others are merged into the
            // lowest of them.
            let mut expected: Vec<_> = map.into_iter().collect();
            while expected.len() > limit {
                let (_, count) = expected.remove(0);
                expected[0].1 += count;
            }
            prop_assert_eq!(pairs(&counts), expected);
        }
    }

    #[test]
    fn invalid_buckets_are_rejected() {
        let read = |numbers: &[u8]| Counts::deserialize(&mut &numbers[..], 3, -2, 2).map(|counts| pairs(&counts));
        // A length; then a zigzag index and a count; then distances and counts.
        assert_eq!(read(&[2, 3, 5, 4, 6]), Some(vec![(-2, 5), (2, 6)]));
        assert_eq!(read(&[2, 3, 0, 4, 6]), None, "an empty bucket");
        assert_eq!(read(&[2, 3, 5, 0, 6]), None, "the same bucket twice");
        assert_eq!(read(&[2, 3, 5, 5, 6]), None, "an index above the range");
        assert_eq!(read(&[1, 5, 5]), None, "an index below the range");
        assert_eq!(read(&[4, 3, 1, 1, 1, 1, 1, 1, 1]), None, "more buckets than the limit");
        assert_eq!(read(&[3, 3, 5, 4, 6]), None, "fewer buckets than announced");
        let far = [2, 3, 5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 6];
        assert_eq!(read(&far), None, "a distance of 64 bits");
    }

    #[test]
    fn halving_merges_odd_indices_with_the_even_ones_above() {
        let mut counts = Counts::default();
        for index in [-3, -2, -1, 0, 1, 2, 3, 4] {
            counts.add(index, 80);
        }
        counts.halve();
        assert_eq!(pairs(&counts), [(-1, 2), (0, 2), (1, 2), (2, 2)]);
    }
}
