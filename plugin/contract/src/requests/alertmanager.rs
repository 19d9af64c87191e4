//! Requests about Alertmanager's alerts and silences.

use serde::Deserialize;

use crate::scalar::{Duration, Flag, LabelValue, Moment, OneOrMany, Text, TextOr};

/// `list_alert_groups`; `list_notified_alerts` has these fields too.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListAlertGroups<'a> {
    /// Matchers that an alert's labels must satisfy.
    pub filter: Matchers<'a>,
    /// A regular expression for the names of receivers.
    pub receiver: Text<'a>,
    /// Whether alerts that are neither silenced nor inhibited are listed; true by default.
    pub active: Flag,
    /// Whether silenced alerts are listed; true by default.
    pub silenced: Flag,
    /// Whether inhibited alerts are listed; true by default.
    pub inhibited: Flag,
}

/// `list_notified_alerts`, in addition to [`ListAlertGroups`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ListNotifiedAlerts {
    /// Whether alerts that Alertmanager has not processed yet are listed; true by default.
    pub unprocessed: Flag,
}

/// `list_silences`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ListSilences<'a> {
    /// Matchers that a silence must have.
    pub filter: Matchers<'a>,
}

/// `create_silence`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["matchers", "comment"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct CreateSilence<'a> {
    /// Matchers; an alert is muted if its labels satisfy all of them.
    pub matchers: Matchers<'a>,
    /// The reason for the silence.
    pub comment: Text<'a>,
    /// The duration, unless `ends_at` is given.
    pub duration: Duration,
    /// The start; now by default.
    pub starts_at: Moment<'a>,
    /// The end.
    pub ends_at: Moment<'a>,
    /// The author; the plug's name by default.
    pub created_by: Text<'a>,
    /// The silence to change; a new one by default. Alertmanager may replace it with a new id.
    pub silence_id: Text<'a>,
}

/// `expire_silence`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["silence_id"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ExpireSilence<'a> {
    /// The silence to expire.
    pub silence_id: Text<'a>,
}

/// Matchers, each as text such as `severity="warning"` or as an object.
pub type Matchers<'a> = OneOrMany<TextOr<'a, MatcherFields<'a>>>;

/// A condition on a label.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "matcher", extend("required" = ["name", "value"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct MatcherFields<'a> {
    /// The label's name.
    pub name: Text<'a>,
    /// The value to compare with. Empty text matches a missing label.
    pub value: Option<LabelValue<'a>>,
    /// Whether `value` is a regular expression, which must match the whole value; false by default.
    pub is_regex: Flag,
    /// Whether it must match; true by default.
    pub is_equal: Flag,
    /// An alias of `is_regex`, as in the API.
    #[serde(rename = "isRegex")]
    pub is_regex_of_api: Flag,
    /// An alias of `is_equal`, as in the API.
    #[serde(rename = "isEqual")]
    pub is_equal_of_api: Flag,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn a_matcher_is_text_or_an_object_and_needs_no_list() {
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
    fn unknown_matcher_fields_cause_a_warning() {
        let ctx = Document::parse(r#"{"filter": [{"name": "a", "valeu": "b"}]}"#).unwrap();
        ctx.read::<ListSilences>().unwrap();
        assert_eq!(ctx.take_warnings().into_texts(), ["filter[0].valeu: unknown field; did you mean value?"]);
    }
}
