//! Summaries: quantiles of what was observed lately, within a stated error and a stated amount of
//! memory.
//!
//! The algorithm is DDSketch (Masson, Rim and Lee, "DDSketch: A Fast and Fully-Mergeable Quantile
//! Sketch with Relative-Error Guarantees", PVLDB 12(12), 2019): values are counted in buckets that
//! grow by a constant factor γ, and a bucket is a guess for all values in it. It was chosen over
//! rank-error sketches (CKMS, which client_golang uses; KLL) because its answer is off by a
//! fraction of the value, whatever the distribution and the order of arrival; because it needs
//! neither randomness nor compactions; and because two sketches are merged by adding counts,
//! without loss. With γ = 2^(1/64) the bucket of a value is found with integer operations on its
//! bits, so answers are the same on every machine.
//!
//! The window is a ring of five sketches, each for a fifth of it, merged when somebody asks. This
//! module reads no clock and knows no format: times come with the calls.

use super::{
    bytes, exponential,
    tally::{Bucket, Counts, Totals},
};
use crate::number::number_text;
use crate::sort::sorted_by;

/// The quantiles of a summary when nobody chose others.
pub const DEFAULT_QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// The window when nobody chose another: ten minutes, in milliseconds.
pub const DEFAULT_WINDOW_MS: u64 = 10 * 60 * 1000;

/// More quantiles than this for a series would better be a histogram.
pub const MAX_QUANTILES: usize = 100;

/// α: how far a quantile is off at most, as a fraction of the true value: (γ − 1)/(γ + 1) with γ =
/// 2^(1/64), rounded up.
pub const RELATIVE_ERROR: f64 = 0.005_416;

/// Slices of the window.
const SLICES: usize = 5;

/// The least window: a millisecond for each slice.
const LEAST_WINDOW_MS: u64 = SLICES as u64;

/// Buckets of a slice. As many next to each other span a ratio of 2³²: microseconds to an hour, and
/// what is far apart needs fewer.
const MAX_BUCKETS: usize = 2048;

/// The scale of [`exponential`] whose base is γ.
const SCHEMA: i32 = 6;

/// What is added to the index of a magnitude to make it a key: the least magnitude that has one
/// gets 1.
const OFFSET: i32 = (1022 << SCHEMA) + 1;

/// The key of infinity, the greatest one: one after that of `f64::MAX`.
const INFINITE: i32 = (1024 << SCHEMA) + 1 + OFFSET;

/// Quantiles over a sliding window; count and sum over the whole life, as a Prometheus summary has
/// them.
///
/// **Window.** It advances in steps of a fifth: an observation counts for at least four fifths of
/// the window after it was made, and for no longer than the window (which counts as rounded down to
/// a multiple of 5 ms). When time goes backwards it is taken to stand still at the latest step
/// seen: a clock that once was far ahead stops the window until it is there again.
///
/// **Error.** Of the `n` values in the window in order, the `q`-quantile is the one at `⌊q·(n−1)⌋`,
/// counted from 0; call it `x`. The answer is off by at most [`RELATIVE_ERROR`] × `|x|`, whatever
/// the values and their order. Magnitudes below `f64::MIN_POSITIVE` (2.2e−308) count as zero.
/// Infinities are values like others, and answered exactly; so are the least and the greatest value
/// of the window.
///
/// **Memory.** Each slice has at most 2048 buckets of 16 bytes for values of both signs; all five
/// at most 160 KiB. A slice needs a bucket for each value that is not within 1.1 % of another. When
/// it would need more, its lowest values (for values of both signs: the most negative) are counted
/// as if they were in its 2048th highest bucket. The bound above then holds for quantiles in that
/// bucket or above it (of several such slices: in the highest of these buckets), in the paper's
/// terms at least where `x ≥ max / γ^2047`, about `max / 2³²`. Below it answers may be too high,
/// though never above that bucket. Without configured quantiles there are no buckets at all.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowedSummary {
    quantiles: Box<[f64]>,
    window_ms: u64,
    totals: Totals,
    /// Which fifth of a window, counted from time 0, the latest observation was in.
    step: u64,
    /// The slice of step `s` is at `s mod 5`.
    slices: [Slice; SLICES],
}

/// What was observed in a fifth of the window.
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
        // The memory stays: the next fifth of a window is likely to need it again.
        self.counts.clear();
        (self.lowest, self.highest) = (f64::INFINITY, f64::NEG_INFINITY);
    }

    fn is_empty(&self) -> bool {
        self.counts.buckets().is_empty()
    }

    fn serialize(&self, out: &mut Vec<u8>) {
        self.counts.serialize(out);
        if !self.is_empty() {
            bytes::put_float(out, self.lowest);
            bytes::put_float(out, self.highest);
        }
    }

    fn deserialize(input: &mut &[u8]) -> Option<Self> {
        let counts = Counts::deserialize(input, MAX_BUCKETS, -INFINITE, INFINITE)?;
        let [first, ..] = counts.buckets() else { return Some(Self::default()) };
        let last = counts.buckets().last()?;
        let (lowest, highest) = (bytes::take_float(input)?, bytes::take_float(input)?);
        // The lowest value may have been below the lowest bucket that was kept.
        let sound = lowest <= highest && key(lowest) <= first.index && key(highest) == last.index;
        sound.then_some(Self { counts, lowest, highest })
    }
}

/// The bucket of a value that is no NaN. Keys rise with values: those of negative values are
/// negative, zero's is 0.
fn key(value: f64) -> i32 {
    let magnitude = value.abs();
    if magnitude < f64::MIN_POSITIVE {
        return 0;
    }
    let key = exponential::index(SCHEMA, magnitude) + OFFSET;
    if value > 0.0 { key } else { -key }
}

/// The guess for all values with this key.
fn value_of(key: i32) -> f64 {
    if key == 0 {
        return 0.0;
    }
    let magnitude = exponential::estimate(SCHEMA, key.saturating_abs() - OFFSET);
    if key > 0 { magnitude } else { -magnitude }
}

impl WindowedSummary {
    /// A summary of nothing yet. `quantiles` are ranks from 0 to 1, in any order; none at all
    /// leaves count and sum. `window_ms` is in milliseconds. The error says what is wrong with an
    /// argument, and what it may be.
    pub fn new(quantiles: &[f64], window_ms: u64) -> Result<Self, String> {
        if quantiles.len() > MAX_QUANTILES {
            return Err(format!("a summary has at most {MAX_QUANTILES} quantiles, got {}", quantiles.len()));
        }
        if let Some(odd) = quantiles.iter().find(|rank| !(0.0..=1.0).contains(*rank)) {
            return Err(format!("a summary's quantiles are from 0 to 1, got {}", number_text(*odd)));
        }
        if window_ms < LEAST_WINDOW_MS {
            return Err(format!("a summary's window is {LEAST_WINDOW_MS} ms or longer, got {window_ms} ms"));
        }
        // Adding 0 makes a negative zero positive.
        let quantiles: Vec<f64> = quantiles.iter().map(|rank| rank + 0.0).collect();
        let quantiles = sorted_by(quantiles, f64::total_cmp).into_boxed_slice();
        if let Some([twice, _]) = quantiles.array_windows().find(|[rank, next]| rank == next) {
            return Err(format!("a summary has each quantile once, got {} twice", number_text(*twice)));
        }
        Ok(Self { quantiles, window_ms, totals: Totals::default(), step: 0, slices: Default::default() })
    }

    /// Counts one value at a time in milliseconds, on any clock that all calls share. A caller
    /// refuses NaN, which has no rank; if one arrives nevertheless, nothing changes.
    pub fn observe(&mut self, value: f64, now_ms: u64) {
        if value.is_nan() {
            return;
        }
        self.totals.add(value);
        if self.quantiles.is_empty() {
            return;
        }
        // Most calls are in the step of the one before, and need no division to know it.
        let step_ms = self.step_ms();
        if now_ms.saturating_sub(self.step.saturating_mul(step_ms)) >= step_ms {
            self.advance(now_ms / step_ms);
        }
        let at = place(self.step);
        if let Some(slice) = self.slices.get_mut(at) {
            slice.observe(value);
        }
    }

    /// Takes over what was observed elsewhere, of which only sum and count are known: the window is
    /// empty then. The sum is no NaN.
    pub fn replace(&mut self, sum: f64, count: u64) {
        self.totals = Totals { count: count.min(Totals::MAX), sum };
        self.slices.iter_mut().for_each(Slice::clear);
    }

    /// Empties the slices of the steps after the present one up to this one.
    fn advance(&mut self, step: u64) {
        let old = (step - self.step).min(SLICES as u64);
        for age in 0..old {
            if let Some(slice) = self.slices.get_mut(place(step - age)) {
                slice.clear();
            }
        }
        self.step = step;
    }

    /// Each configured rank, rising, with the window's value at that rank; NaN for all when the
    /// window is empty. The error is the one that [`WindowedSummary`] states.
    pub fn quantiles(&self, now_ms: u64) -> Vec<(f64, f64)> {
        // Steps that nothing was observed in have pushed as many slices out.
        let idle = (now_ms / self.step_ms()).saturating_sub(self.step);
        let live = (SLICES as u64).saturating_sub(idle).min(self.step.saturating_add(1));
        let slices = || (0..live).filter_map(|age| self.slices.get(place(self.step - age)));

        let total: u64 = slices().filter_map(|slice| slice.counts.total()).sum();
        let lowest = slices().map(|slice| slice.lowest).fold(f64::INFINITY, f64::min);
        let highest = slices().map(|slice| slice.highest).fold(f64::NEG_INFINITY, f64::max);
        let mut merged = Merged::new(slices().map(|slice| slice.counts.buckets()));

        // Ranks rise, so one walk over the buckets answers them all.
        let (mut below, mut index) = (0, 0);
        let answer = |rank: &f64| {
            let last = total.saturating_sub(1);
            let place = ((rank * last as f64) as u64).min(last);
            while below <= place {
                let Some(bucket) = merged.next() else { return (*rank, f64::NAN) };
                below += bucket.count;
                index = bucket.index;
            }
            // The ends are known as they were observed.
            let value = match place {
                0 => lowest,
                _ if place == last => highest,
                _ => value_of(index).max(lowest).min(highest),
            };
            (*rank, value)
        };
        self.quantiles.iter().map(answer).collect()
    }

    /// The ranks that were configured, rising.
    pub fn ranks(&self) -> &[f64] {
        &self.quantiles
    }

    /// The window's length in milliseconds.
    pub fn window_ms(&self) -> u64 {
        self.window_ms
    }

    /// The sum of all observations ever, in the window or not.
    pub fn sum(&self) -> f64 {
        self.totals.sum
    }

    /// How many observations there ever were.
    pub fn count(&self) -> u64 {
        self.totals.count
    }

    /// Bytes that are allocated for buckets: at most 163,840.
    pub fn allocated_bytes(&self) -> usize {
        self.slices.iter().map(|slice| slice.counts.bytes()).sum()
    }

    /// How long a step is. Five of them are the window, or up to 4 ms less.
    fn step_ms(&self) -> u64 {
        (self.window_ms / SLICES as u64).max(1)
    }

    /// Appends the whole summary, for [`WindowedSummary::deserialize`].
    pub fn serialize(&self, out: &mut Vec<u8>) {
        bytes::put_unsigned(out, self.quantiles.len() as u64);
        for rank in &self.quantiles {
            bytes::put_float(out, *rank);
        }
        bytes::put_unsigned(out, self.window_ms);
        self.totals.serialize(out);
        bytes::put_unsigned(out, self.step);
        for slice in &self.slices {
            slice.serialize(out);
        }
    }

    /// Takes a summary off the front. None, and `input` as it was, for bytes that
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

    /// Whether the window holds no more than was ever observed, and nothing from before time 0.
    fn is_consistent(&self) -> bool {
        let in_window = self.slices.iter().try_fold(0u64, |all, slice| all.checked_add(slice.counts.total()?));
        let most = if self.quantiles.is_empty() { 0 } else { self.totals.count };
        let empty_until_now =
            self.slices.iter().enumerate().all(|(at, slice)| at as u64 <= self.step || slice.is_empty());
        in_window.is_some_and(|in_window| in_window <= most) && empty_until_now
    }
}

/// Where the slice of a step is in the ring.
fn place(step: u64) -> usize {
    (step % SLICES as u64) as usize
}

/// The buckets of several slices as if they were one's: by rising index, those with the same index
/// as one.
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
