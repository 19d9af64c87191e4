//! Summaries: quantiles of recent observations, with bounded error and memory.
//!
//! The algorithm is DDSketch (Masson, Rim and Lee, "DDSketch: A Fast and Fully-Mergeable Quantile
//! Sketch with Relative-Error Guarantees", PVLDB 12(12), 2019): values are counted in buckets that
//! grow by a constant factor γ, and each bucket yields one estimate for all its values. It was
//! chosen over rank-error sketches (CKMS, which client_golang uses; KLL) because its error is
//! relative to the value, independent of the distribution and order of the values; because it needs
//! neither randomness nor compaction; and because sketches are merged without loss by adding
//! counts. With γ = 2^(1/64) the bucket of a value is computed with integer operations on its bits,
//! so results are the same on every machine.
//!
//! The window is a ring of five sketches, each covering a fifth of it, merged on query. Callers
//! pass the time.

use super::{
    bytes, exponential,
    tally::{Bucket, Counts, Totals},
};
use crate::number::number_text;
use crate::sort::sorted_by;

/// Default quantiles of a summary.
pub const DEFAULT_QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// Default window: ten minutes, in milliseconds.
pub const DEFAULT_WINDOW_MS: u64 = 10 * 60 * 1000;

/// Maximum number of quantiles; for more, use a histogram.
pub const MAX_QUANTILES: usize = 100;

/// α: the maximum relative error of a quantile: (γ − 1)/(γ + 1) with γ = 2^(1/64), rounded up.
pub const RELATIVE_ERROR: f64 = 0.005_416;

/// Slices of the window.
const SLICES: usize = 5;

/// The minimum window: a millisecond per slice.
const MIN_WINDOW_MS: u64 = SLICES as u64;

/// Maximum number of buckets per slice. This many adjacent buckets span a ratio of 2³², as from
/// microseconds to an hour; sparse values need fewer.
const MAX_BUCKETS: usize = 2048;

/// The scale of [`exponential`] whose base is γ.
const SCHEMA: i32 = 6;

/// Added to the index of a magnitude to get its key, so that the smallest normal magnitude has key
/// 1.
const OFFSET: i32 = (1022 << SCHEMA) + 1;

/// The key of infinity, the largest one: one after that of `f64::MAX`.
const INFINITE: i32 = (1024 << SCHEMA) + 1 + OFFSET;

/// Quantiles over a sliding window, with count and sum over all time, like a Prometheus summary.
///
/// **Window.** It advances in steps of a fifth: an observation is included for at least four fifths
/// of the window, and at most for the window (rounded down to a multiple of 5 ms). If time goes
/// backward, the window stays at the latest step seen: after a clock was far ahead, the window does
/// not move until the clock catches up.
///
/// **Error.** Of the `n` sorted values in the window, the `q`-quantile is the one at index
/// `⌊q·(n−1)⌋`; call it `x`. The error of the result is at most [`RELATIVE_ERROR`] × `|x|`,
/// regardless of the values and their order. Magnitudes below `f64::MIN_POSITIVE` (2.2e−308) count
/// as zero. Infinities and the window's minimum and maximum are exact.
///
/// **Memory.** Each slice has at most 2048 buckets of 16 bytes for values of both signs; all five
/// together at most 160 KiB. A slice needs a bucket for each value that is not within 1.1 % of
/// another. If it would need more, its lowest values (with both signs: the most negative) are
/// counted in its 2048th highest bucket. The error bound then holds for quantiles in that bucket or
/// above (with several such slices: the highest of these buckets), which in the paper's terms
/// includes `x ≥ max / γ^2047`, about `max / 2³²`. Lower quantiles may be overestimated, but never
/// above that bucket. Without configured quantiles there are no buckets.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowedSummary {
    quantiles: Box<[f64]>,
    window_ms: u64,
    totals: Totals,
    /// The step of the latest observation: its time in fifths of a window.
    step: u64,
    /// The slice of step `s` is at `s mod 5`.
    slices: [Slice; SLICES],
}

/// The observations of a fifth of the window.
#[derive(Debug, Clone, PartialEq)]
struct Slice {
    counts: Counts,
    lowest: f64,
    highest: f64,
}

impl Default for Slice {
    fn default() -> Self {
        Self { counts: Counts::default(), lowest: f64::INFINITY, highest: f64::NEG_INFINITY }
    }
}

impl Slice {
    fn observe(&mut self, value: f64) {
        self.counts.add_within(key(value), MAX_BUCKETS);
        self.lowest = self.lowest.min(value);
        self.highest = self.highest.max(value);
    }

    fn clear(&mut self) {
        // Keep the allocation: the next slice is likely to need it.
        self.counts.clear();
        (self.lowest, self.highest) = (f64::INFINITY, f64::NEG_INFINITY);
    }

    fn is_empty(&self) -> bool {
        self.counts.buckets().is_empty()
    }

    fn serialize(&self, out: &mut Vec<u8>) {
        self.counts.serialize(out);
        if !self.is_empty() {
            bytes::write_float(out, self.lowest);
            bytes::write_float(out, self.highest);
        }
    }

    fn deserialize(input: &mut &[u8]) -> Option<Self> {
        let counts = Counts::deserialize(input, MAX_BUCKETS, -INFINITE, INFINITE)?;
        let [first, ..] = counts.buckets() else { return Some(Self::default()) };
        let last = counts.buckets().last()?;
        let (lowest, highest) = (bytes::take_float(input)?, bytes::take_float(input)?);
        // The lowest value may be below the lowest remaining bucket.
        let is_consistent = lowest <= highest && key(lowest) <= first.index && key(highest) == last.index;
        is_consistent.then_some(Self { counts, lowest, highest })
    }
}

/// The bucket key of a value that is not NaN. Keys are ordered like values: negative for negative
/// values, 0 for zero.
fn key(value: f64) -> i32 {
    let magnitude = value.abs();
    if magnitude < f64::MIN_POSITIVE {
        return 0;
    }
    let key = exponential::index(SCHEMA, magnitude) + OFFSET;
    if value > 0.0 { key } else { -key }
}

/// The estimate for all values with this key.
fn value_of(key: i32) -> f64 {
    if key == 0 {
        return 0.0;
    }
    let magnitude = exponential::estimate(SCHEMA, key.saturating_abs() - OFFSET);
    if key > 0 { magnitude } else { -magnitude }
}

impl WindowedSummary {
    /// Creates an empty summary. `quantiles` are from 0 to 1, in any order; if empty, only count
    /// and sum are recorded. `window_ms` is in milliseconds. The error describes the invalid
    /// argument and its valid range.
    pub fn new(quantiles: &[f64], window_ms: u64) -> Result<Self, String> {
        if quantiles.len() > MAX_QUANTILES {
            return Err(format!("a summary has at most {MAX_QUANTILES} quantiles, got {}", quantiles.len()));
        }
        if let Some(invalid) = quantiles.iter().find(|rank| !(0.0..=1.0).contains(*rank)) {
            return Err(format!("a summary's quantiles are from 0 to 1, got {}", number_text(*invalid)));
        }
        if window_ms < MIN_WINDOW_MS {
            return Err(format!("a summary's window is {MIN_WINDOW_MS} ms or longer, got {window_ms} ms"));
        }
        // Adding 0 turns negative zero positive.
        let quantiles: Vec<f64> = quantiles.iter().map(|rank| rank + 0.0).collect();
        let quantiles = sorted_by(quantiles, f64::total_cmp).into_boxed_slice();
        if let Some([duplicate, _]) = quantiles.array_windows().find(|[rank, next]| rank == next) {
            return Err(format!("a summary has each quantile once, got {} twice", number_text(*duplicate)));
        }
        Ok(Self { quantiles, window_ms, totals: Totals::default(), step: 0, slices: Default::default() })
    }

    /// Observes a value at a time in milliseconds, on a clock shared by all calls. NaN is ignored;
    /// callers should reject it.
    pub fn observe(&mut self, value: f64, now_ms: u64) {
        if value.is_nan() {
            return;
        }
        self.totals.add(value);
        if self.quantiles.is_empty() {
            return;
        }
        // Most calls are in the same step as the previous one; detect this without a division.
        let step_ms = self.step_ms();
        if now_ms.saturating_sub(self.step.saturating_mul(step_ms)) >= step_ms {
            self.advance(now_ms / step_ms);
        }
        let at = place(self.step);
        if let Some(slice) = self.slices.get_mut(at) {
            slice.observe(value);
        }
    }

    /// Replaces sum and count with values from elsewhere, and empties the window. The sum must not
    /// be NaN.
    pub fn replace(&mut self, sum: f64, count: u64) {
        self.totals = Totals { count: count.min(Totals::MAX), sum };
        self.slices.iter_mut().for_each(Slice::clear);
    }

    /// Empties the slices of the steps after the current one, up to and including `step`.
    fn advance(&mut self, step: u64) {
        let old = (step - self.step).min(SLICES as u64);
        for age in 0..old {
            if let Some(slice) = self.slices.get_mut(place(step - age)) {
                slice.clear();
            }
        }
        self.step = step;
    }

    /// Each configured quantile, ascending, with its value in the window; NaN if the window is
    /// empty. See [`WindowedSummary`] for the error.
    pub fn quantiles(&self, now_ms: u64) -> Vec<(f64, f64)> {
        // Each step without observations since then has expired a slice.
        let idle = (now_ms / self.step_ms()).saturating_sub(self.step);
        let live = (SLICES as u64).saturating_sub(idle).min(self.step.saturating_add(1));
        let slices = || (0..live).filter_map(|age| self.slices.get(place(self.step - age)));

        let total: u64 = slices().filter_map(|slice| slice.counts.total()).sum();
        let lowest = slices().map(|slice| slice.lowest).fold(f64::INFINITY, f64::min);
        let highest = slices().map(|slice| slice.highest).fold(f64::NEG_INFINITY, f64::max);
        let mut merged = Merged::new(slices().map(|slice| slice.counts.buckets()));

        // Ranks ascend, so one pass over the buckets suffices.
        let (mut below, mut index) = (0, 0);
        let quantile = |rank: &f64| {
            let last = total.saturating_sub(1);
            let place = ((rank * last as f64) as u64).min(last);
            while below <= place {
                let Some(bucket) = merged.next() else { return (*rank, f64::NAN) };
                below += bucket.count;
                index = bucket.index;
            }
            // Minimum and maximum are known exactly.
            let value = match place {
                0 => lowest,
                _ if place == last => highest,
                _ => value_of(index).max(lowest).min(highest),
            };
            (*rank, value)
        };
        self.quantiles.iter().map(quantile).collect()
    }

    /// The configured quantiles, ascending.
    pub fn ranks(&self) -> &[f64] {
        &self.quantiles
    }

    /// The window's length in milliseconds.
    pub fn window_ms(&self) -> u64 {
        self.window_ms
    }

    /// The sum of all observations, including those outside the window.
    pub fn sum(&self) -> f64 {
        self.totals.sum
    }

    /// The number of all observations, including those outside the window.
    pub fn count(&self) -> u64 {
        self.totals.count
    }

    /// Bytes allocated for buckets: at most 163,840.
    pub fn allocated_bytes(&self) -> usize {
        self.slices.iter().map(|slice| slice.counts.bytes()).sum()
    }

    /// The length of a step. Five steps are the window, or up to 4 ms less.
    fn step_ms(&self) -> u64 {
        (self.window_ms / SLICES as u64).max(1)
    }

    /// Appends the serialized summary.
    pub fn serialize(&self, out: &mut Vec<u8>) {
        bytes::write_unsigned(out, self.quantiles.len() as u64);
        for rank in &self.quantiles {
            bytes::write_float(out, *rank);
        }
        bytes::write_unsigned(out, self.window_ms);
        self.totals.serialize(out);
        bytes::write_unsigned(out, self.step);
        for slice in &self.slices {
            slice.serialize(out);
        }
    }

    /// Takes a serialized summary off the front. `None`, with `input` unchanged, for bytes that
    /// [`WindowedSummary::serialize`] could not have written. Allocates at most eight times the
    /// length of `input`.
    pub fn deserialize(input: &mut &[u8]) -> Option<Self> {
        let mut rest = *input;
        let length = usize::try_from(bytes::take_unsigned(&mut rest)?).ok()?;
        if length > MAX_QUANTILES {
            return None;
        }
        let quantiles = (0..length).map(|_| bytes::take_float(&mut rest)).collect::<Option<Vec<_>>>()?;
        let window_ms = bytes::take_unsigned(&mut rest)?;
        let mut summary = Self::new(&quantiles, window_ms).ok()?;
        let same = summary.quantiles.iter().map(|rank| rank.to_bits()).eq(quantiles.iter().map(|rank| rank.to_bits()));
        summary.totals = Totals::deserialize(&mut rest)?;
        summary.step = bytes::take_unsigned(&mut rest)?;
        for slice in &mut summary.slices {
            *slice = Slice::deserialize(&mut rest)?;
        }
        if !same || !summary.is_consistent() {
            return None;
        }
        *input = rest;
        Some(summary)
    }

    /// Whether the window contains at most the total number of observations, and nothing from
    /// before time 0.
    fn is_consistent(&self) -> bool {
        let in_window = self.slices.iter().try_fold(0u64, |all, slice| all.checked_add(slice.counts.total()?));
        let most = if self.quantiles.is_empty() { 0 } else { self.totals.count };
        let empty_until_now =
            self.slices.iter().enumerate().all(|(at, slice)| at as u64 <= self.step || slice.is_empty());
        in_window.is_some_and(|in_window| in_window <= most) && empty_until_now
    }
}

/// The position of a step's slice in the ring.
fn place(step: u64) -> usize {
    (step % SLICES as u64) as usize
}

/// Iterates over the buckets of several slices by ascending index, merging equal indices.
struct Merged<'a>([&'a [Bucket]; SLICES]);

impl<'a> Merged<'a> {
    fn new(slices: impl Iterator<Item = &'a [Bucket]>) -> Self {
        let mut rest: [&[Bucket]; SLICES] = Default::default();
        rest.iter_mut().zip(slices).for_each(|(rest, slice)| *rest = slice);
        Self(rest)
    }
}

impl Iterator for Merged<'_> {
    type Item = Bucket;

    fn next(&mut self) -> Option<Bucket> {
        let index = self.0.iter().filter_map(|rest| rest.first()).map(|bucket| bucket.index).min()?;
        let mut count = 0;
        for rest in &mut self.0 {
            if let [first, after @ ..] = *rest
                && first.index == index
            {
                count += first.count;
                *rest = after;
            }
        }
        Some(Bucket { index, count })
    }
}

#[cfg(test)]
mod tests;
