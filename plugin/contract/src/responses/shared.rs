//! What several responses have.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

/// What the result of any operation says where the configuration says `mock_mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mock {
    /// True: no server was asked.
    #[serde(skip_serializing_if = "is_false")]
    pub mock: bool,
}

/// A number: a whole one without a point; NaN and the infinities as text, because JSON has no
/// numbers for them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amount(pub f64);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// Up to here every whole number is a float.
        const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;
        let Self(value) = *self;
        match value {
            // `-0.0` is equal to 0, and written as 0.
            _ if value.trunc() == value && value.abs() <= MAX_WHOLE => serializer.serialize_i64(value as i64),
            _ if value.is_finite() => serializer.serialize_f64(value),
            _ if value.is_nan() => serializer.serialize_str("NaN"),
            _ => serializer.serialize_str(if value > 0.0 { "+Inf" } else { "-Inf" }),
        }
    }
}

/// Labels: names and values, in the order in which they are to be written.
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

/// For fields that are absent where they say nothing.
pub(super) fn is_false(flag: &bool) -> bool {
    !*flag
}

/// The same for lists.
pub(super) fn is_empty<T>(list: &[T]) -> bool {
    list.is_empty()
}
