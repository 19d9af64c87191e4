//! Exact counts: of buckets, and of everything that was observed. Knows neither what an index means
//! nor what time it is.

use super::bytes;

/// How many observations a bucket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Which bucket.
    pub index: i32,
    /// Observations in it; at least one.
    pub count: u64,
}

/// The buckets that hold anything, by rising index. 16 bytes each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Counts(Vec<Bucket>);

impl Counts {
    pub(super) fn buckets(&self) -> &[Bucket] {
        &self.0
    }

    /// These buckets; none for more than `limit`, indices outside of `lowest..=highest` or not
    /// rising, or empty ones.
    pub(super) fn of(buckets: Vec<Bucket>, limit: usize, lowest: i32, highest: i32) -> Option<Self> {
        let rising = buckets.is_sorted_by(|a, b| a.index < b.index);
        let possible = |bucket: &Bucket| bucket.count > 0 && (lowest..=highest).contains(&bucket.index);
        (buckets.len() <= limit && rising && buckets.iter().all(possible)).then_some(Self(buckets))
    }

    /// Bytes that are allocated.
    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Bucket>()
    }

    /// Counts one observation. True when the bucket is a new one; the caller then sees to it that
    /// there are never more than `most`.
    pub(super) fn add(&mut self, index: i32, most: usize) -> bool {
        let place = self.place(index);
        match self.0.get_mut(place) {
            Some(bucket) if bucket.index == index => {
                bucket.count += 1;
                false
            }
            _ => {
                self.insert(place, index, most);
                true
            }
        }
    }

    /// Counts one observation, in at most `limit` buckets: what is too low for them counts in the
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

    /// Puts a bucket of one observation in. Memory grows by doubling, and never past `most`
    /// buckets.
    fn insert(&mut self, place: usize, index: i32, most: usize) {
        let length = self.0.len();
        if length == self.0.capacity() {
            self.0.reserve_exact(length.max(4).min(most.saturating_sub(length)));
        }
        self.0.insert(place, Bucket { index, count: 1 });
    }

    /// Where the bucket is, or would be.
    fn place(&self, index: i32) -> usize {
        self.0.partition_point(|bucket| bucket.index < index)
    }

    /// Turns each two neighbours, an odd index and the even one above it, into one bucket with half
    /// the index.
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

    /// Takes the bucket with this index out, if it is the lowest. Gives its count, or zero.
    pub(super) fn take_lowest(&mut self, index: i32) -> u64 {
        match self.0.first() {
            Some(lowest) if lowest.index == index => self.0.remove(0).count,
            _ => 0,
        }
    }

    /// Forgets all counts, and keeps the memory for the next ones.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// All counts together; none past 64 bits.
    pub(super) fn total(&self) -> Option<u64> {
        self.0.iter().try_fold(0u64, |total, bucket| total.checked_add(bucket.count))
    }

    /// Appends the number of buckets, then for each how far its index is above the one before, and
    /// its count.
    pub(super) fn serialize(&self, out: &mut Vec<u8>) {
        bytes::put_unsigned(out, self.0.len() as u64);
        let mut before = None;
        for bucket in &self.0 {
            match before {
                None => bytes::put_signed(out, i64::from(bucket.index)),
                Some(before) => bytes::put_unsigned(out, i64::from(bucket.index).abs_diff(before)),
            }
            bytes::put_unsigned(out, bucket.count);
            before = Some(i64::from(bucket.index));
        }
    }

    /// Reads what [`Counts::serialize`] wrote; none for more than `limit` buckets, indices outside
    /// of `lowest..=highest` or not rising, empty buckets, or fewer bytes than buckets need.
    pub(super) fn deserialize(input: &mut &[u8], limit: usize, lowest: i32, highest: i32) -> Option<Self> {
        let length = usize::try_from(bytes::take_unsigned(input)?).ok()?;
        // A bucket takes two bytes at least: no allocation is larger than a small multiple of the
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

/// How many observations there were in all, and their sum.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) count: u64,
    pub(super) sum: f64,
}

impl Totals {
    /// More than this is no count of observations, and deltas of buckets could not be written with
    /// 64 bits.
    pub(super) const MAX: u64 = i64::MAX as u64;

    pub(super) fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
    }

    pub(super) fn serialize(&self, out: &mut Vec<u8>) {
        bytes::put_unsigned(out, self.count);
        bytes::put_float(out, self.sum);
    }

    pub(super) fn deserialize(input: &mut &[u8]) -> Option<Self> {
        let count = bytes::take_unsigned(input)?;
        let sum = bytes::take_float(input)?;
        (count <= Self::MAX).then_some(Self { count, sum })
    }
}

/// Two sums that are no number are the same: both stand for infinities that cancelled out.
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
        fn counts_agree_with_a_map(indices in proptest::collection::vec(-40i32..40, 0..200)) {
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
        fn past_the_limit_only_the_lowest_buckets_are_merged(indices in proptest::collection::vec(-40i32..40, 0..300), limit in 1usize..20) {
            let mut counts = Counts::default();
            let mut map = BTreeMap::new();
            for index in indices {
                counts.add_within(index, limit);
                *map.entry(index).or_insert(0u64) += 1;
            }
            // Whatever the order, the highest buckets are those that were kept; all others are in
            // the lowest of them.
            let mut expected: Vec<_> = map.into_iter().collect();
            while expected.len() > limit {
                let (_, count) = expected.remove(0);
                expected[0].1 += count;
            }
            prop_assert_eq!(pairs(&counts), expected);
        }
    }

    #[test]
    fn buckets_that_cannot_be_are_refused() {
        let read = |numbers: &[u8]| Counts::deserialize(&mut &numbers[..], 3, -2, 2).map(|counts| pairs(&counts));
        // A length; then an index with its sign in the lowest bit and a count; then distances and
        // counts.
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
    fn halving_merges_an_odd_index_with_the_even_one_above() {
        let mut counts = Counts::default();
        for index in [-3, -2, -1, 0, 1, 2, 3, 4] {
            counts.add(index, 80);
        }
        counts.halve();
        assert_eq!(pairs(&counts), [(-1, 2), (0, 2), (1, 2), (2, 2)]);
    }
}
