//! What Alertmanager is asked: its alerts, and silences.

use serde::Deserialize;

use crate::scalar::{Duration, Flag, LabelValue, Moment, OneOrMany, Text, TextOr};

/// `list_alert_groups`; `list_notified_alerts` has these fields beside its own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListAlertGroups<'a> {
    /// Matchers that an alert's labels meet.
    pub filter: Matchers<'a>,
    /// A regular expression for the names of the receivers that are told.
    pub receiver: Text<'a>,
    /// Whether alerts that are neither silenced nor inhibited are listed; true by default.
    pub active: Flag,
    /// Whether silenced alerts are listed; true by default.
    pub silenced: Flag,
    /// Whether inhibited alerts are listed; true by default.
    pub inhibited: Flag,
}

/// `list_notified_alerts`, beside [`ListAlertGroups`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ListNotifiedAlerts {
    /// Whether alerts that Alertmanager has not looked at yet are listed; true by default.
    pub unprocessed: Flag,
}

/// `list_silences`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListSilences<'a> {
    /// Matchers that a silence has.
    pub filter: Matchers<'a>,
}

/// `create_silence`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["matchers", "comment"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct CreateSilence<'a> {
    /// What an alert's labels must meet, all of them, to be muted.
    pub matchers: Matchers<'a>,
    /// Why it is silenced.
    pub comment: Text<'a>,
    /// For how long, unless `ends_at` says until when.
    pub duration: Duration,
    /// From when on; now by default.
    pub starts_at: Moment<'a>,
    /// Until when.
    pub ends_at: Moment<'a>,
    /// Who wants it; the plug's name by default.
    pub created_by: Text<'a>,
    /// The silence to change; a new one by default. Alertmanager gives it a new id where it must.
    pub silence_id: Text<'a>,
}

/// `expire_silence`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["silence_id"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ExpireSilence<'a> {
    /// The silence to end.
    pub silence_id: Text<'a>,
}

/// Matchers, each as a text such as `severity="warning"`, or in parts.
pub type Matchers<'a> = OneOrMany<TextOr<'a, MatcherFields<'a>>>;

/// One condition on one label.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "matcher", extend("required" = ["name", "value"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct MatcherFields<'a> {
    /// The label's name.
    pub name: Text<'a>,
    /// What it is compared with. An empty text is that of a label that is not there.
    pub value: Option<LabelValue<'a>>,
    /// Whether `value` is a regular expression, which must match the whole; false by default.
    pub is_regex: Flag,
    /// Whether it must match; true by default.
    pub is_equal: Flag,
    /// Another name for `is_regex`, as the API has it.
    #[serde(rename = "isRegex")]
    pub is_regex_of_api: Flag,
    /// Another name for `is_equal`, as the API has it.
    #[serde(rename = "isEqual")]
    pub is_equal_of_api: Flag,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn a_matcher_is_a_text_or_parts_and_may_stand_by_itself() {
        for (text, count) in [
            (r#"{"filter": "a=b"}"#, 1),
            (r#"{"filter": {"name": "a", "value": 1}}"#, 1),
            (r#"{"filter": ["a=b", {"name": "a", "value": ""}]}"#, 2),
            (r#"{"filter": null}"#, 0),
        ] {
            let silences: ListSilences = Document::parse(text).unwrap().read().unwrap();
            assert_eq!(silences.filter.len(), count, "{text}");
        }
        for (text, field) in [
            (r#"{"filter": ["a=b", []]}"#, "filter[1]"),
            (r#"{"filter": [{"name": "a", "value": []}]}"#, "filter[0].value"),
            (r#"{"filter": {"name": "a", "isRegex": 1}}"#, "filter.isRegex"),
        ] {
            let silences: Result<ListSilences, _> = Document::parse(text).unwrap().read();
            assert_eq!(silences.unwrap_err().field(), field, "{text}");
        }
    }

    #[test]
    fn what_a_matcher_does_not_have_is_warned_of() {
        let ctx = Document::parse(r#"{"filter": [{"name": "a", "valeu": "b"}]}"#).unwrap();
        ctx.read::<ListSilences>().unwrap();
        assert_eq!(ctx.take_warnings().into_texts(), ["filter[0].valeu: unknown field; did you mean value?"]);
    }
}
