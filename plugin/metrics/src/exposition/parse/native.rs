//! Native histograms: spans to buckets, and the rules for their counts.

use super::event::{Native, NativeBuckets};
use crate::registry::native::index_range;

/// Encoded buckets of one sign.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// Offset and length.
    pub(super) spans: Vec<(i64, u64)>,
    /// The difference of each bucket's count from that of the one before it, of an integer
    /// histogram in protobuf.
    pub(super) deltas: Vec<i64>,
    /// Absolute counts, otherwise.
    pub(super) counts: Vec<f64>,
}

impl Side {
    /// Decodes the buckets, without empty ones. Those of a gauge histogram may be negative.
    pub(super) fn buckets(&self, is_float: bool, signed: bool) -> Result<NativeBuckets, String> {
        let given = if is_float { self.counts.len() } else { self.deltas.len() };
        let spanned = self.spans.iter().try_fold(0u64, |sum, (_, length)| sum.checked_add(*length));
        if spanned != Some(given as u64) {
            return Err(format!("the native histogram's spans do not match its {given} buckets; the input is damaged"));
        }
        let mut buckets = Vec::with_capacity(given);
        let (mut index, mut count, mut place) = (0i64, 0i64, 0);
        for (at, (offset, length)) in self.spans.iter().enumerate() {
            let next = index.checked_add(*offset).filter(|next| *next >= i64::from(i32::MIN));
            index = next
                .filter(|_| at == 0 || *offset >= 0)
                .ok_or("a span of the native histogram has a negative offset")?;
            for _ in 0..*length {
                let value = match is_float {
                    true => self.counts.get(place).copied().unwrap_or_default(),
                    false => {
                        let delta = self.deltas.get(place).copied().unwrap_or_default();
                        count = count.checked_add(delta).ok_or("a bucket's count has more than 64 bits")?;
                        count as f64
                    }
                };
                if (value < 0.0 && !signed) || value.is_nan() {
                    return Err("a bucket of the native histogram has a negative count".into());
                }
                let bucket = i32::try_from(index).map_err(|_| "a bucket's index has more than 32 bits")?;
                if value != 0.0 {
                    buckets.push((bucket, value));
                }
                index += 1;
                place += 1;
            }
        }
        Ok(buckets)
    }
}

/// Checks the zero bucket, the range of the buckets, and that they contain all observations.
pub(super) fn check_native(native: &Native) -> Result<(), String> {
    let Native { schema, zero_threshold, zero_count, positive, negative, sum, count, is_float } = native;
    if !(0.0..f64::INFINITY).contains(zero_threshold) {
        return Err("a native histogram's zero threshold is a finite number from 0 up".into());
    }
    let range = index_range(*schema);
    if let Some((index, _)) = positive.iter().chain(negative).find(|(index, _)| !range.contains(index)) {
        return Err(format!(
            "the native histogram's bucket {index} is out of range; expected {} to {} with schema {schema}",
            range.start(),
            range.end()
        ));
    }
    let counted = positive.iter().chain(negative).map(|(_, count)| count).sum::<f64>() + zero_count;
    // An observed NaN is in no bucket and makes the sum NaN. Counts that are not whole are results
    // of arithmetic, which rounds.
    let adds_up = match (is_float, sum.is_nan()) {
        (true, _) => true,
        (false, true) => counted <= *count,
        (false, false) => counted == *count,
    };
    match adds_up {
        true => Ok(()),
        false => Err(format!(
            "the native histogram's buckets contain {counted} observations, but its count is {count}; expected the same"
        )),
    }
}
