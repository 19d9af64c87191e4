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

proptest! {
    #[test]
    fn custom_bounds_count_and_survive(
        bounds in prop::collection::btree_set(-50_i32..50, 1..8),
        values in vec(-60.0_f64..60.0, 0..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let bounds: Vec<f64> = bounds.into_iter().map(f64::from).collect();
        let mut counts = vec![0; bounds.len() + 1];
        let mut observed = NativeHistogram::custom(&bounds, &counts, 0.0).unwrap();
        for value in &values {
            observed.observe(*value);
            counts[bounds.iter().position(|bound| value <= bound).unwrap_or(bounds.len())] += 1;
        }
        let made = NativeHistogram::custom(&bounds, &counts, observed.sum()).unwrap();
        prop_assert_eq!(&made, &observed);
        prop_assert_eq!((made.schema(), made.count(), made.zero_count()), (-53, values.len() as u64, 0));
        for bucket in made.positive() {
            let (lower, upper) = made.bounds(bucket.index);
            let inside = values.iter().filter(|value| **value > lower && **value <= upper).count();
            prop_assert_eq!(inside as u64, bucket.count);
        }
        let mut bytes = Vec::new();
        made.serialize(&mut bytes);
        let mut input = &bytes[..];
        prop_assert_eq!(NativeHistogram::deserialize(&mut input), Some(made));
        prop_assert!(input.is_empty());
        prop_assert_eq!(NativeHistogram::deserialize(&mut &bytes[..cut.index(bytes.len())]), None);
    }
}

#[test]
fn custom_bounds_are_finite_and_ascending() {
    for (bounds, counts) in [
        (&[][..], &[1][..]),
        (&[1.0, 1.0], &[1, 1, 1]),
        (&[1.0, f64::INFINITY], &[1, 1, 1]),
        (&[f64::NAN], &[1, 1]),
        (&[1.0], &[1]),
        (&[1.0], &[u64::MAX, 1]),
    ] {
        assert_eq!(NativeHistogram::custom(bounds, counts, 0.0), None, "{bounds:?}");
    }
}
