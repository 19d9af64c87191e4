//! Pushes, and what hosts tell of them.

use serde::Deserialize;

use crate::scalar::{Count, Flag, Labels, Text};

/// `push_metrics` and `flush_metrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct PushMetrics {
    /// Whether to push nothing, and say only what a push would come to, or what would be lost
    /// without one; false by default.
    pub dry_run: Flag,
}

/// `note_exchange`: what another instance's exchange with servers came to.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct NoteExchange<'a> {
    /// Whether to tell what is settled in this instance, and note nothing; false by default.
    pub tell: Flag,
    /// How long the exchange took, in milliseconds.
    pub elapsed_ms: Count,
    /// Of a push: whether a gateway took it.
    pub metric_pushed: Flag,
    /// Of a deletion: whether the group is gone. `settled` says what follows from it.
    pub group_deleted: Flag,
    /// Of a write or an export: how many values were lost.
    pub values_lost: Count,
    /// What the other instance answered to `tell`.
    pub settled: Option<Vec<SettledGroup<'a>>>,
}

/// How much of a group is settled: a gateway accepted it, or the group was deleted.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct SettledGroup<'a> {
    /// The last change to which nothing is due; 0 by default.
    pub up_to: Count,
    /// The job of the group's key; without one it is the plug's own group.
    pub job: Text<'a>,
    /// The other labels of the key.
    pub labels: Labels<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn counts_are_whole_and_may_be_large_or_text() {
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
