use super::*;
use proptest::{collection::vec, prelude::*};

const RANKS: [f64; 9] = [0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0];

/// A summary together with all its observations, for a reference implementation of the window.
struct Pair {
    summary: WindowedSummary,
    observed: Vec<(u64, f64)>,
    latest: u64,
}

impl Pair {
    fn new(window_ms: u64) -> Self {
        Self { summary: WindowedSummary::new(&RANKS, window_ms).unwrap(), observed: Vec::new(), latest: 0 }
    }

    fn observe(&mut self, value: f64, now: u64) {
        self.latest = self.latest.max(now);
        self.summary.observe(value, now);
        self.observed.push((self.latest, value));
    }

    /// The values of the last five steps, sorted.
    fn window(&self, now: u64) -> Vec<f64> {
        let step = self.summary.window_ms() / 5;
        let now = now.max(self.latest) / step;
        let live = self.observed.iter().filter(|(time, _)| time / step + 5 > now);
        let mut values: Vec<f64> = live.map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    fn assert_within_error(&self, now: u64) {
        let window = self.window(now);
        for (rank, value) in self.summary.quantiles(now) {
            if window.is_empty() {
                assert!(value.is_nan(), "{value} of an empty window");
                continue;
            }
            let exact = window[(rank * (window.len() - 1) as f64) as usize];
            assert_near(rank, exact, value);
        }
    }
}

fn assert_near(rank: f64, exact: f64, value: f64) {
    let bound = if exact.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { RELATIVE_ERROR * exact.abs() };
    assert!(value == exact || (value - exact).abs() <= bound, "quantile {rank}: {value:e} for {exact:e}");
}

/// Typical distributions, generated from uniform numbers between 0 and 1.
fn distributions() -> impl Strategy<Value = Vec<f64>> {
    let uniforms = || vec(1e-12f64..1.0, 1..400);
    let normals = || {
        vec(
            (1e-12f64..1.0, 0.0f64..1.0).prop_map(|(u, v)| (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()),
            1..400,
        )
    };
    prop_oneof![
        uniforms().prop_map(|all| all.into_iter().map(|u| 1000.0 * u).collect()),
        uniforms().prop_map(|all| all.into_iter().map(|u| -u.ln() * 0.02).collect()),
        normals().prop_map(|all| all.into_iter().map(|z| (2.0 * z - 3.0).exp()).collect()),
        normals()
            .prop_map(|all| all.into_iter().map(|z| if z > 0.3 { 250.0 + z } else { 0.002 + z.abs() / 1e4 }).collect()),
        normals().prop_map(|all| all.into_iter().map(|z| z * 1e6).collect()),
        (any::<f64>().prop_filter("no NaN", |value| !value.is_nan()), 1usize..300)
            .prop_map(|(value, n)| vec![value; n]),
        // Ascending or descending, each just beyond the previous one's bucket: the worst case for
        // rank sketches.
        (1usize..1500, any::<bool>()).prop_map(|(n, falling)| {
            let rising = (0..n).map(|i| 1e-6 * 1.011f64.powi(i as i32));
            if falling { rising.rev().collect() } else { rising.collect() }
        }),
        vec(any::<u64>().prop_map(f64::from_bits).prop_filter("no NaN", |value| !value.is_nan()), 1..300),
    ]
}

proptest! {
    #[test]
    fn quantiles_are_within_the_error(values in distributions(), every in 1u64..400) {
        let mut pair = Pair::new(10_000);
        for (n, value) in values.iter().enumerate() {
            pair.observe(*value, 5_000_000 + n as u64 * every);
        }
        pair.assert_within_error(pair.latest);
        prop_assert_eq!(pair.summary.count(), values.len() as u64);
        let sum: f64 = values.iter().sum();
        prop_assert!(pair.summary.sum() == sum || sum.is_nan());
    }

    #[test]
    fn the_window_matches_its_definition(
        window in prop_oneof![Just(5u64), Just(1000), Just(600_000)],
        calls in vec((0.0f64..2.5, any::<bool>(), -50.0f64..50.0), 1..120),
        start in prop_oneof![Just(0u64), Just(1_700_000_000_000)],
    ) {
        let mut pair = Pair::new(window);
        let mut now = start;
        for (windows, backwards, value) in calls {
            // Squared, so that most steps are short and some are longer than the window.
            let by = (windows * windows / 2.0 * window as f64) as u64;
            now = if backwards { now.saturating_sub(by / 2) } else { now + by / 3 };
            pair.observe(value, now);
            pair.assert_within_error(now);
            pair.assert_within_error(now + by);
        }
    }

    #[test]
    fn serialization_round_trips(values in distributions(), every in 1u64..4000) {
        let mut pair = Pair::new(10_000);
        for (n, value) in values.iter().enumerate() {
            pair.observe(*value, n as u64 * every);
        }
        let mut written = vec![7];
        pair.summary.serialize(&mut written);
        written.push(9);
        let mut input = &written[1..];
        let mut back = WindowedSummary::deserialize(&mut input).unwrap();
        prop_assert_eq!(input, [9]);
        prop_assert_eq!(&back, &pair.summary);
        back.observe(1.0, pair.latest + 2000);
        pair.summary.observe(1.0, pair.latest + 2000);
        prop_assert_eq!(&back, &pair.summary, "and goes on like the other");
        for end in (1..written.len() - 1).step_by(7) {
            prop_assert_eq!(WindowedSummary::deserialize(&mut &written[1..end]), None, "cut at {}", end);
        }
    }

    #[test]
    fn damaged_bytes_are_rejected_or_consistent(values in vec(-9.0f64..9.0, 0..20), at in any::<prop::sample::Index>(), byte: u8) {
        let mut summary = WindowedSummary::new(&DEFAULT_QUANTILES, 10).unwrap();
        for (n, value) in values.iter().enumerate() {
            summary.observe(*value, n as u64);
        }
        let mut written = Vec::new();
        summary.serialize(&mut written);
        *at.get_mut(&mut written) = byte;
        assert_sound(&written);
    }

    #[test]
    fn arbitrary_bytes_never_panic(arbitrary in vec(any::<u8>(), 0..200), counted in vec(any::<u8>(), 0..60)) {
        assert_sound(&arbitrary);
        // Repeat with a valid beginning, so that the slices are reached.
        let mut summary = WindowedSummary::new(&DEFAULT_QUANTILES, 10).unwrap();
        summary.totals.count = i64::MAX as u64;
        summary.step = u64::MAX;
        let mut written = Vec::new();
        summary.serialize(&mut written);
        written.truncate(written.len() - SLICES);
        written.extend(counted);
        assert_sound(&written);
    }
}

/// Whatever deserializes is consistent, not larger than its bytes allow, usable, and serializes to
/// the same bytes.
fn assert_sound(written: &[u8]) {
    let mut input = written;
    match WindowedSummary::deserialize(&mut input) {
        None => assert_eq!(input, written, "a refusal takes nothing"),
        Some(mut summary) => {
            assert!(summary.is_consistent());
            assert!(summary.allocated_bytes() <= 8 * written.len());
            let mut again = Vec::new();
            summary.serialize(&mut again);
            assert_eq!(again, written[..written.len() - input.len()]);
            for now in [0, u64::MAX] {
                let _ = summary.quantiles(now);
                summary.observe(1.0, now);
            }
            assert!(summary.is_consistent());
        }
    }
}

#[test]
fn inconsistent_bytes_are_rejected() {
    let mut sound = WindowedSummary::new(&[0.5], 10).unwrap();
    [1.0, 3.0, 2.0].into_iter().for_each(|value| sound.observe(value, 2));
    let read = |damage: fn(&mut WindowedSummary)| {
        let mut summary = sound.clone();
        damage(&mut summary);
        let mut written = Vec::new();
        summary.serialize(&mut written);
        WindowedSummary::deserialize(&mut written.as_slice())
    };
    assert_eq!(read(|_| ()).as_ref(), Some(&sound));
    assert_eq!(read(|summary| summary.totals.count = 2), None, "more in the window than ever");
    assert_eq!(read(|summary| summary.step = 0), None, "observations from before time 0");
    assert_eq!(read(|summary| summary.slices[1].lowest = 1.5), None, "a bucket below the lowest value");
    assert_eq!(read(|summary| summary.slices[1].highest = 4.0), None, "no bucket for the highest value");
    assert_eq!(read(|summary| summary.slices[1].highest = 2.0), None, "a bucket above the highest value");
    assert_eq!(read(|summary| summary.quantiles = Box::new([])), None, "buckets that nothing asks for");
    assert_eq!(read(|summary| summary.quantiles = Box::new([0.9, 0.5])), None, "ranks out of order");
    assert_eq!(read(|summary| summary.quantiles = Box::new([-0.0])), None, "a rank that new() does not leave");
    assert_eq!(read(|summary| summary.window_ms = 4), None, "a window that is too short");
}

#[test]
fn subnormal_numbers_count_as_zero() {
    let mut summary = WindowedSummary::new(&[0.0, 0.25, 0.5, 0.75, 1.0], 1000).unwrap();
    for value in [f64::from_bits(1), -f64::MIN_POSITIVE, -1e-310, f64::MIN_POSITIVE, -f64::from_bits(1)] {
        summary.observe(value, 1);
    }
    let quantiles: Vec<f64> = summary.quantiles(1).into_iter().map(|(_, value)| value).collect();
    assert_eq!(quantiles, [-f64::MIN_POSITIVE, 0.0, 0.0, 0.0, f64::MIN_POSITIVE]);
}

#[test]
fn the_documented_error_matches_the_base() {
    let base = 2f64.powf(1.0 / 64.0);
    let error = (base - 1.0) / (base + 1.0);
    assert!(error < RELATIVE_ERROR && RELATIVE_ERROR < error * 1.001);
}

#[test]
fn errors_state_the_valid_range() {
    for (quantiles, window, says) in [
        (&[0.5, 1.5][..], 1000, "0 to 1"),
        (&[-0.1], 1000, "0 to 1"),
        (&[f64::NAN], 1000, "0 to 1"),
        (&[0.9, 0.5, 0.9], 1000, "0.9 twice"),
        (&[0.0, -0.0], 1000, "0 twice"),
        (&[0.5; 101], 1000, "at most 100"),
        (&[0.5], 4, "5 ms or longer"),
    ] {
        let error = WindowedSummary::new(quantiles, window).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn quantiles_are_returned_in_ascending_order() {
    let mut summary = WindowedSummary::new(&[0.99, 0.5, 0.9], DEFAULT_WINDOW_MS).unwrap();
    (1..=1000).for_each(|n| summary.observe(f64::from(n), 1));
    let quantiles = summary.quantiles(1);
    assert_eq!(quantiles.iter().map(|(rank, _)| *rank).collect::<Vec<_>>(), DEFAULT_QUANTILES);
    for (rank, value) in quantiles {
        assert_near(rank, (rank * 999.0).floor() + 1.0, value);
    }
}

#[test]
fn observations_expire_within_the_last_fifth_of_the_window() {
    for made in [1_000_000, 1_000_001, 1_000_100, 1_000_199] {
        let mut summary = WindowedSummary::new(&[0.5], 1000).unwrap();
        summary.observe(3.0, made);
        assert_eq!(summary.quantiles(made + 800), [(0.5, 3.0)], "made at {made}");
        assert!(summary.quantiles(made + 1000)[0].1.is_nan(), "made at {made}");
        assert_eq!((summary.count(), summary.sum()), (1, 3.0), "count and sum never leave");
    }
}

#[test]
fn the_window_advances_at_step_boundaries() {
    let mut summary = WindowedSummary::new(&[0.0, 1.0], 1000).unwrap();
    for step in 0..12 {
        summary.observe(step as f64, 200 * step);
        let oldest = step.saturating_sub(4) as f64;
        assert_eq!(summary.quantiles(200 * step + 199), [(0.0, oldest), (1.0, step as f64)]);
    }
    assert_eq!(summary.quantiles(200 * 12), [(0.0, 8.0), (1.0, 11.0)], "asking alone moves the window");
    assert_eq!(summary.quantiles(200 * 11), [(0.0, 7.0), (1.0, 11.0)], "and forgets nothing");
}

#[test]
fn old_observations_expire_after_a_long_silence() {
    for silence in [1000, 1001, 5000, 10_000_000_000] {
        let mut summary = WindowedSummary::new(&[0.0, 1.0], 1000).unwrap();
        (0..1000).for_each(|time| summary.observe(5.0, time));
        assert!(summary.quantiles(999 + silence)[0].1.is_nan());
        summary.observe(7.0, 999 + silence);
        assert_eq!(summary.quantiles(999 + silence), [(0.0, 7.0), (1.0, 7.0)]);
        assert_eq!(summary.count(), 1001);
    }
}

#[test]
fn the_window_does_not_move_when_time_goes_backward() {
    let mut summary = WindowedSummary::new(&[0.0, 1.0], 1000).unwrap();
    summary.observe(1.0, 10_000);
    summary.observe(2.0, 3);
    assert_eq!(summary.quantiles(0), [(0.0, 1.0), (1.0, 2.0)]);
    assert_eq!(summary.quantiles(10_999), [(0.0, 1.0), (1.0, 2.0)]);
    assert!(summary.quantiles(11_000)[0].1.is_nan());
}

#[test]
fn extreme_times_are_valid() {
    for window in [5, 1000, u64::MAX] {
        let mut summary = WindowedSummary::new(&[0.5], window).unwrap();
        for now in [0, u64::MAX - 1, u64::MAX] {
            summary.observe(4.0, now);
            assert_eq!(summary.quantiles(now), [(0.5, 4.0)]);
        }
    }
}

#[test]
fn infinities_zeros_and_negative_values_are_ordered() {
    let mut summary = WindowedSummary::new(&[0.0, 0.25, 0.5, 0.75, 1.0], 1000).unwrap();
    for value in [f64::INFINITY, -2.0, 0.0, 3.0, f64::NEG_INFINITY] {
        summary.observe(value, 1);
    }
    let quantiles = summary.quantiles(1);
    for ((rank, value), exact) in quantiles.into_iter().zip([f64::NEG_INFINITY, -2.0, 0.0, 3.0, f64::INFINITY]) {
        assert_near(rank, exact, value);
    }
    assert!(summary.sum().is_nan(), "infinities of both signs have no sum");
    assert_eq!(summary, summary.clone());
}

#[test]
fn nan_changes_nothing() {
    let mut summary = WindowedSummary::new(&DEFAULT_QUANTILES, 1000).unwrap();
    summary.observe(1.0, 1);
    let before = summary.clone();
    summary.observe(f64::NAN, 900);
    assert_eq!(summary, before);
}

#[test]
fn a_constant_is_exact() {
    let mut summary = WindowedSummary::new(&DEFAULT_QUANTILES, 1000).unwrap();
    (0..100).for_each(|time| summary.observe(0.1, time));
    assert_eq!(summary.quantiles(99), [(0.5, 0.1), (0.9, 0.1), (0.99, 0.1)]);
}

#[test]
fn memory_is_bounded_and_high_quantiles_stay_within_the_error() {
    // Each value has its own bucket, over a ratio of 2^187, in orders that collapse differently.
    let rising: Vec<f64> = (0..12_000).map(|i| 1e-20 * 2f64.powf(f64::from(i) / 64.0)).collect();
    let falling = rising.iter().rev().copied().collect();
    let mixed = (0..12_000).map(|i| rising[i * 7919 % 12_000]).collect();
    for values in [rising.clone(), falling, mixed] {
        let mut summary = WindowedSummary::new(&[0.5, 0.9, 0.99, 1.0], 1000).unwrap();
        for step in 0..5 {
            values.iter().for_each(|value| summary.observe(*value, 200 * step));
            assert!(summary.allocated_bytes() <= 163_840);
        }
        assert!(summary.slices.iter().all(|slice| slice.counts.buckets().len() == MAX_BUCKETS));
        let in_window: u64 = summary.slices.iter().filter_map(|slice| slice.counts.total()).sum();
        assert_eq!(in_window, 60_000, "collapsing loses no observation");
        let mut window: Vec<f64> = (0..5).flat_map(|_| rising.iter().copied()).collect();
        window.sort_by(f64::total_cmp);
        for (rank, value) in summary.quantiles(800) {
            let exact = window[(rank * 59_999.0) as usize];
            let kept = rising[12_000 - MAX_BUCKETS];
            if exact >= kept {
                assert_near(rank, exact, value);
            } else {
                assert!(value >= exact && value <= kept * 1.02, "quantile {rank}: {value:e} for {exact:e}");
            }
        }
    }
}

#[test]
fn sparse_values_need_few_buckets() {
    let mut summary = WindowedSummary::new(&DEFAULT_QUANTILES, 1000).unwrap();
    for n in 0..1000 {
        summary.observe([1e-300, 1e-3, 1e300][n % 3], 1);
    }
    assert!(summary.allocated_bytes() <= 64);
    assert_near(0.5, 1e-3, summary.quantiles(1)[0].1);
}

#[test]
fn without_quantiles_only_count_and_sum_are_recorded() {
    let mut summary = WindowedSummary::new(&[], 1000).unwrap();
    (0..100).for_each(|n| summary.observe(f64::from(n), 1));
    assert_eq!(summary.allocated_bytes(), 0);
    assert_eq!((summary.count(), summary.sum()), (100, 4950.0));
    assert_eq!(summary.quantiles(1), []);
}
