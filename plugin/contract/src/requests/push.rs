//! Pushes, and their outcomes as reported by hosts.

use serde::Deserialize;

use crate::scalar::{Count, Flag, Labels, Text};

/// `push_metrics` and `flush_metrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct PushMetrics {
    /// Whether to push nothing and only report the expected outcome, or what would be lost without
    /// a push; false by default.
    pub dry_run: Flag,
}

/// `note_exchange`: the outcome of another instance's exchange with servers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct NoteExchange<'a> {
    /// Whether to only return what is settled in this instance; false by default.
    pub tell: Flag,
    /// How long the exchange took, in milliseconds.
    pub elapsed_ms: Count,
    /// For a push: whether a gateway accepted it.
    pub metric_pushed: Flag,
    /// For a deletion: whether the group is gone. `settled` tells the resulting state.
    pub group_deleted: Flag,
    /// For a remote write or an export: how many values were lost.
    pub values_lost: Count,
    /// The `settled` that the other instance returned for `tell`.
    pub settled: Option<Vec<SettledGroup<'a>>>,
}

/// Changes of a group that are settled: a gateway accepted them, or the group was deleted.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct SettledGroup<'a> {
    /// The last settled change; 0 by default.
    pub up_to: Count,
    /// The job of the grouping key; without it, the plug's own group is meant.
    pub job: Text<'a>,
    /// The other labels of the grouping key.
    pub labels: Labels<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn counts_are_integers_and_may_be_large_or_text() {
        let read = |text: &str| {
            let note: NoteExchange = Document::parse(text).unwrap().read()?;
            Ok::<_, crate::error::Error>(note.settled.unwrap().first().unwrap().up_to.get())
        };
        assert_eq!(read(r#"{"settled": [{"up_to": 18446744073709551615}]}"#), Ok(Some(u64::MAX)));
        assert_eq!(read(r#"{"settled": [{"up_to": " 7 "}]}"#), Ok(Some(7)));
        assert_eq!(read(r#"{"settled": [{"up_to": ""}]}"#), Ok(None));
        for text in ["-1", "1.5", "true", "[]", r#""x""#] {
            let error = read(&format!(r#"{{"settled": [{{"up_to": {text}}}]}}"#)).unwrap_err();
            assert_eq!(error.field(), "settled[0].up_to", "{text}");
        }
    }
}
