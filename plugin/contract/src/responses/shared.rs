//! Types shared by several responses.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

/// The `mock` member of results in `mock_mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mock {
    /// Whether `mock_mode` is on, so no server was contacted.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}

/// A number: integers without a decimal point; NaN and infinities as strings, because JSON has no
/// numbers for them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amount(pub f64);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// Floats represent every integer up to here exactly.
        const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;
        let Self(value) = *self;
        match value {
            // `-0.0` equals 0 and is written as 0.
            _ if value.trunc() == value && value.abs() <= MAX_WHOLE => serializer.serialize_i64(value as i64),
            _ if value.is_finite() => serializer.serialize_f64(value),
            _ if value.is_nan() => serializer.serialize_str("NaN"),
            _ => serializer.serialize_str(if value > 0.0 { "+Inf" } else { "-Inf" }),
        }
    }
}

/// Labels in output order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelPairs<'a>(pub Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a, N: Into<Cow<'a, str>>, V: Into<Cow<'a, str>>> FromIterator<(N, V)> for LabelPairs<'a> {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Serialize for LabelPairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// For `skip_serializing_if`.
pub(super) fn is_false(flag: &bool) -> bool {
    !*flag
}

/// For `skip_serializing_if` of lists.
pub(super) fn is_empty<T>(list: &[T]) -> bool {
    list.is_empty()
}
