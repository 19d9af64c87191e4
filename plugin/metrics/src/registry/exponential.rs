//! The exponential scale of native histograms and summaries: maps magnitudes to buckets and buckets
//! to bounds. Exact, and identical on every machine.
//!
//! Schema `s` has the base `2^(2^-s)`; its bucket `i` covers the magnitudes in `(base^(i-1),
//! base^i]`, as in Prometheus's native histograms. Two adjacent buckets merge into one at the next
//! coarser schema, so only the finest schema needs a table. It is computed with integer arithmetic
//! at compile time: logarithms would misplace values next to a bound and differ between
//! implementations. Some entries of client_golang's tables are one float above or below the true
//! bound, so the two may disagree on that one float.

/// The finest schema: 256 buckets between two powers of two.
pub(super) const FINEST: i32 = 8;

/// The coarsest schema: one bucket for sixteen powers of two.
pub(super) const COARSEST: i32 = -4;

/// Bits of a float after the binary point.
const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
/// Those bits, all set.
const FRACTION: u64 = (1 << FRACTION_BITS) - 1;
/// The exponent bias of a float.
const BIAS: i32 = f64::MAX_EXP - 1;
/// Buckets of the finest schema between two powers of two.
const PER_OCTAVE: usize = 1 << FINEST;
/// The index of the finest schema's bucket for [`f64::MAX`].
const TOP: i32 = f64::MAX_EXP << FINEST;

/// For `k` in `0..256`, the fraction bits of the largest float that is not above `2^(k/256)`.
/// Except for `k = 0`, no float equals such a bound, so comparing with this float is equivalent to
/// comparing with the bound. The last entry stands for 2.
static FRACTIONS: [u64; PER_OCTAVE + 1] = fractions();

/// For each value of the upper eight fraction bits, the first `k` whose bound in [`FRACTIONS`] is
/// not below all floats with these bits. Buckets near 1 are narrower than 1/256 and those near 2
/// wider, so at most two more steps are needed.
static STARTS: [u16; PER_OCTAVE] = starts();

/// The upper 128 bits of a 256-bit product.
const fn high_product(a: u128, b: u128) -> u128 {
    const LOW: u128 = u64::MAX as u128;
    let (a_high, a_low, b_high, b_low) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let middle = a_high * b_low + ((a_low * b_low) >> 64);
    let other = a_low * b_high + (middle & LOW);
    a_high * b_high + (middle >> 64) + (other >> 64)
}

/// The square root of `2 × half`, bit by bit. Both are fixed-point numbers with 127 bits after the
/// point.
const fn root_of_double(half: u128) -> u128 {
    let mut root = 1u128 << 127;
    let mut bit = 1u128 << 126;
    while bit > 0 {
        if high_product(root | bit, root | bit) <= half {
            root |= bit;
        }
        bit >>= 1;
    }
    root
}

#[allow(clippy::indexing_slicing, reason = "runs at compile time, where an index out of range is a build error")]
const fn fractions() -> [u64; PER_OCTAVE + 1] {
    // roots[j] is 2^(2^-(j+1)) with an error below 4 units in the last place: each root halves the
    // previous error and adds less than 2.
    let mut roots = [0u128; FINEST as usize];
    let mut half = 1u128 << 127;
    let mut depth = 0;
    while depth < roots.len() {
        roots[depth] = root_of_double(half);
        half = roots[depth] >> 1;
        depth += 1;
    }

    // Eight factors and seven products have an error below 100 units. If a bound is not that close
    // to a float, its fraction is exact.
    const MAX_ERROR: u128 = 1 << 10;
    const BELOW: u32 = 127 - FRACTION_BITS;
    let mut fractions = [0u64; PER_OCTAVE + 1];
    let mut k = 1;
    while k < PER_OCTAVE {
        let mut bound = 1u128 << 127;
        let mut depth = 0;
        while depth < roots.len() {
            if k & (PER_OCTAVE >> (depth + 1)) != 0 {
                bound = high_product(bound, roots[depth]) << 1;
            }
            depth += 1;
        }
        let rest = bound & ((1 << BELOW) - 1);
        assert!(
            rest > MAX_ERROR && rest < (1 << BELOW) - MAX_ERROR,
            "a bound is too close to a float to tell which side it is on"
        );
        fractions[k] = (bound >> BELOW) as u64 & FRACTION;
        k += 1;
    }
    fractions[PER_OCTAVE] = FRACTION + 1;
    fractions
}

#[allow(clippy::indexing_slicing, reason = "runs at compile time, where an index out of range is a build error")]
const fn starts() -> [u16; PER_OCTAVE] {
    let fractions = fractions();
    let mut starts = [0; PER_OCTAVE];
    let mut cell = 0;
    let mut k = 0;
    while cell < PER_OCTAVE {
        while fractions[k] < (cell as u64) << (FRACTION_BITS - FINEST as u32) {
            k += 1;
        }
        starts[cell] = k as u16;
        cell += 1;
    }
    starts
}

/// The number of halvings from the finest schema to this one.
fn halvings(schema: i32) -> u32 {
    (FINEST - schema.clamp(COARSEST, FINEST)) as u32
}

/// The bucket at the finest schema. `magnitude` is finite and above zero.
fn finest_index(magnitude: f64) -> i32 {
    let bits = magnitude.to_bits();
    let mut fraction = bits & FRACTION;
    let mut exponent = (bits >> FRACTION_BITS) as i32 - BIAS;
    if exponent == -BIAS {
        // Normalize a subnormal number.
        let shift = fraction.leading_zeros().saturating_sub(63 - FRACTION_BITS);
        fraction = (fraction << shift) & FRACTION;
        exponent = 1 - BIAS - shift as i32;
    }
    let cell = (fraction >> (FRACTION_BITS - FINEST as u32)) as usize;
    let mut k = STARTS.get(cell).map_or(0, |start| usize::from(*start));
    while FRACTIONS.get(k).is_some_and(|bound| fraction > *bound) {
        k += 1;
    }
    (exponent << FINEST) + k as i32
}

/// The index of the bucket of `magnitude`, which must be above zero and not NaN. Infinity is in the
/// overflow bucket, the one after that of [`f64::MAX`].
pub(super) fn index(schema: i32, magnitude: f64) -> i32 {
    if magnitude == f64::INFINITY {
        return overflow_index(schema);
    }
    let halvings = halvings(schema);
    // Round up, since the upper bound is inclusive.
    (finest_index(magnitude) + (1 << halvings) - 1) >> halvings
}

/// The index of the bucket of the smallest number above zero.
pub(super) fn lowest_index(schema: i32) -> i32 {
    index(schema, f64::from_bits(1))
}

/// The index of the bucket of infinity.
pub(super) fn overflow_index(schema: i32) -> i32 {
    (TOP >> halvings(schema)) + 1
}

/// The largest float in or below the bucket with this index: [`f64::MAX`] for the bucket that
/// contains it, infinity for higher indices, zero for those whose bound is below all floats.
pub(super) fn upper_bound(schema: i32, index: i32) -> f64 {
    let index = index.clamp(lowest_index(schema) - 1, overflow_index(schema));
    let finest = index << halvings(schema);
    if finest >= TOP {
        return if finest == TOP { f64::MAX } else { f64::INFINITY };
    }
    let exponent = finest >> FINEST;
    let k = (finest & (PER_OCTAVE as i32 - 1)) as usize;
    let fraction = FRACTIONS.get(k).copied().unwrap_or_default();
    let bits = match exponent + BIAS {
        field @ 1.. => ((field as u64) << FRACTION_BITS) | fraction,
        field => ((FRACTION + 1) | fraction).checked_shr((1 - field) as u32).unwrap_or(0),
    };
    f64::from_bits(bits)
}

/// Estimates a magnitude from its bucket: `2·base^i / (base + 1)`. The relative error is the same
/// at both ends of the bucket, `(base − 1)/(base + 1)`, and no other point has a smaller maximum
/// error (Masson, Rim and Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
/// Relative-Error Guarantees", PVLDB 12(12), 2019, lemma 2). Always within the bucket: near zero,
/// where floats are sparse, the estimate is clamped to its smallest float.
pub(super) fn estimate(schema: i32, index: i32) -> f64 {
    let upper = upper_bound(schema, index);
    let estimated = upper * (2.0 / (upper_bound(schema, 1) + 1.0));
    estimated.max(upper_bound(schema, index.saturating_sub(1)).next_up()).min(upper)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A minimal big integer for the oracle, lowest 32 bits first.
    struct Natural(Vec<u32>);

    impl Natural {
        fn new(number: u64) -> Self {
            Self(vec![number as u32, (number >> 32) as u32]).trimmed()
        }

        fn trimmed(mut self) -> Self {
            while self.0.last() == Some(&0) {
                self.0.pop();
            }
            self
        }

        fn square(&self) -> Self {
            let mut digits = vec![0u32; self.0.len() * 2];
            for (i, a) in self.0.iter().enumerate() {
                let mut carry = 0u64;
                for (j, b) in self.0.iter().enumerate() {
                    let sum = u64::from(*a) * u64::from(*b) + u64::from(digits[i + j]) + carry;
                    digits[i + j] = sum as u32;
                    carry = sum >> 32;
                }
                digits[i + self.0.len()] = carry as u32;
            }
            Self(digits).trimmed()
        }

        /// Whether the number is at most `2^power`.
        fn at_most_power_of_two(&self, power: i64) -> bool {
            let bits = self.0.len() as i64 * 32 - i64::from(self.0.last().unwrap().leading_zeros());
            let ones: u32 = self.0.iter().map(|digit| digit.count_ones()).sum();
            bits <= power || (bits == power + 1 && ones == 1)
        }
    }

    /// Whether `magnitude ≤ base^index`, without rounding: raised to the power `2^schema`, both
    /// sides are integers or powers of two.
    fn at_most(schema: i32, magnitude: f64, index: i32) -> bool {
        let bits = magnitude.to_bits();
        let field = (bits >> 52) as i64;
        let (mantissa, exponent) = match field {
            0 => (bits, -1074),
            _ => ((bits & ((1 << 52) - 1)) | (1 << 52), field - 1075),
        };
        let mut power = Natural::new(mantissa);
        if schema >= 0 {
            for _ in 0..schema {
                power = power.square();
            }
            power.at_most_power_of_two(i64::from(index) - (exponent << schema))
        } else {
            power.at_most_power_of_two((i64::from(index) << -schema) - exponent)
        }
    }

    fn assert_exact(schema: i32, magnitude: f64) {
        let index = index(schema, magnitude);
        assert!(at_most(schema, magnitude, index), "{magnitude:e} is above bucket {index} of schema {schema}");
        assert!(!at_most(schema, magnitude, index - 1), "{magnitude:e} is below bucket {index} of schema {schema}");
    }

    #[test]
    fn floats_next_to_bounds_are_in_the_right_bucket() {
        for schema in COARSEST..=FINEST {
            for k in 0..=(1 << schema.max(0)) {
                let bound = upper_bound(schema, k);
                assert_eq!(index(schema, bound), k, "schema {schema}, bound {bound:e}");
                assert_eq!(index(schema, bound.next_up()), k + 1, "schema {schema}, above {bound:e}");
                assert_exact(schema, bound);
                assert_exact(schema, bound.next_up());
            }
        }
    }

    #[test]
    fn bounds_and_indices_are_consistent_over_the_whole_range() {
        for schema in COARSEST..=FINEST {
            let mut before = 0.0;
            for i in lowest_index(schema)..=overflow_index(schema) {
                let bound = upper_bound(schema, i);
                assert!(bound >= before, "schema {schema}, bucket {i}");
                // Near zero many buckets contain no float at all.
                if bound > before {
                    assert_eq!(index(schema, bound), i, "schema {schema}, bound {bound:e}");
                    assert_eq!(index(schema, before.next_up()), i, "schema {schema}, just above {before:e}");
                }
                before = bound;
            }
            assert_eq!(before, f64::INFINITY);
        }
    }

    #[test]
    fn powers_of_two_are_bounds_at_every_schema() {
        for exponent in -1074..=1023i32 {
            let power = match exponent {
                -1022.. => f64::from_bits(((exponent + 1023) as u64) << 52),
                _ => f64::from_bits(1 << (exponent + 1074)),
            };
            for schema in COARSEST..=FINEST {
                let expected = if schema >= 0 { exponent << schema } else { exponent.div_euclid(1 << -schema) };
                let divides = schema >= 0 || exponent.rem_euclid(1 << -schema) == 0;
                assert_eq!(index(schema, power), expected + i32::from(!divides), "2^{exponent}, schema {schema}");
                if divides {
                    assert_eq!(upper_bound(schema, expected), power, "2^{exponent}, schema {schema}");
                    let above = index(schema, power.next_up());
                    // The smallest numbers are so far apart that buckets between them are skipped.
                    assert!(above > expected, "above 2^{exponent}, schema {schema}");
                    assert!(above == expected + 1 || exponent < -1022, "above 2^{exponent}, schema {schema}");
                }
            }
        }
    }

    #[test]
    fn extreme_indices_match_prometheus() {
        // MaxFloat64 in 262144 and +Inf in 262145 at schema 8 are an example of the specification.
        assert_eq!(index(8, f64::MAX), 262_144);
        assert_eq!(index(8, f64::INFINITY), 262_145);
        assert_eq!(index(0, f64::MAX), 1024);
        assert_eq!(index(-4, f64::MAX), 64);
        assert_eq!(index(-4, f64::INFINITY), 65);
        assert_eq!(index(8, f64::from_bits(1)), -1074 * 256);
        assert_eq!(index(-4, f64::from_bits(1)), -67);
        for schema in COARSEST..=FINEST {
            assert_exact(schema, f64::from_bits(1));
            assert_exact(schema, f64::from_bits(3));
            assert_exact(schema, f64::MIN_POSITIVE.next_down());
            assert_exact(schema, f64::MIN_POSITIVE);
            assert_exact(schema, f64::MAX);
            assert_eq!(upper_bound(schema, index(schema, f64::MAX)), f64::MAX);
            assert_eq!(upper_bound(schema, i32::MAX), f64::INFINITY);
            assert_eq!(upper_bound(schema, i32::MIN), 0.0);
        }
    }

    #[test]
    fn halving_preserves_the_overflow_bucket() {
        for schema in COARSEST + 1..=FINEST {
            assert_eq!((overflow_index(schema) + 1) >> 1, overflow_index(schema - 1));
        }
    }

    #[test]
    fn estimates_near_zero_are_in_their_bucket() {
        for schema in COARSEST..=FINEST {
            for magnitude in (1..1000).map(f64::from_bits) {
                let i = index(schema, magnitude);
                assert_eq!(index(schema, estimate(schema, i)), i, "schema {schema}, {magnitude:e}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_magnitude_is_in_its_bucket(bits in 1..f64::INFINITY.to_bits(), schema in COARSEST..=FINEST) {
            assert_exact(schema, f64::from_bits(bits));
        }

        #[test]
        fn estimates_are_in_their_bucket_and_within_the_error(bits in 1..f64::INFINITY.to_bits(), schema in COARSEST..=FINEST) {
            let magnitude = f64::from_bits(bits);
            let i = index(schema, magnitude);
            let estimated = estimate(schema, i);
            prop_assert_eq!(index(schema, estimated), i);
            let base = 2f64.powf(2f64.powi(-schema));
            let bound = (base - 1.0) / (base + 1.0) * magnitude * (1.0 + 1e-12) + f64::from_bits(1);
            prop_assert!((estimated - magnitude).abs() <= bound, "{} for {}", estimated, magnitude);
        }
    }
}
