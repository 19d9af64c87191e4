//! Parses a gateway's contents and features, from `GET /api/v1/metrics` and `GET /api/v1/status`,
//! and its own metrics, from `GET /metrics`. Sends nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Group, PEER};
use crate::error::Error;
use crate::http::{Response, Url};
use crate::servers::refused;
use plugpipe_contract::error::excerpt;
use plugpipe_contract::scalar::{Labels, Text};
use plugpipe_metrics::registry::{self, LabelName};
use plugpipe_metrics::sort::sorted_by;

/// The time of a group's last successful push, in seconds since the Unix epoch.
pub(super) const PUSH_TIME: &str = "push_time_seconds";

/// The time of a group's last failed push; 0 for never.
pub(super) const FAILURE_TIME: &str = "push_failure_time_seconds";

/// A group in the gateway.
#[derive(Debug)]
pub struct StoredGroup<'t> {
    /// The grouping key including `job`, sorted by name.
    pub labels: Vec<(Cow<'t, str>, Cow<'t, str>)>,
    /// Whether the API cannot tell if the key has an empty `instance`.
    hidden: bool,
    families: Vec<GroupFamily<'t>>,
}

/// A metric of a group.
#[derive(Debug)]
pub struct GroupFamily<'t> {
    /// Its name.
    pub name: Cow<'t, str>,
    /// Its type, in upper case: `COUNTER`.
    pub kind: Cow<'t, str>,
    series: Vec<GroupSeries<'t>>,
}

/// A metric in the response.
#[derive(Deserialize)]
struct Metric<'t> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'t, str>,
    #[serde(borrow)]
    metrics: Vec<GroupSeries<'t>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 't"))]
struct GroupSeries<'t> {
    labels: Labels<'t>,
    value: Text<'t>,
    count: Text<'t>,
}

/// The response of `GET /api/v1/metrics`: each group has its metrics by name, and `labels`.
#[derive(Deserialize)]
struct Groups<'t> {
    #[serde(borrow)]
    data: Vec<BTreeMap<Cow<'t, str>, &'t RawValue>>,
}

impl GroupFamily<'_> {
    /// The labels of its series, each sorted by name; they include the grouping key, and always
    /// `instance`.
    pub fn series(&self) -> impl ExactSizeIterator<Item = Vec<(&str, &str)>> {
        self.series.iter().map(|series| by_name(series.labels.iter().collect()))
    }

    /// The cumulative total of each series: a counter's value, or the count of a histogram or
    /// summary. None for other types.
    pub fn totals(&self) -> impl Iterator<Item = (Vec<(&str, &str)>, f64)> {
        self.series.iter().filter_map(|series| {
            let total = match &*self.kind {
                "COUNTER" => &series.value,
                "HISTOGRAM" | "SUMMARY" => &series.count,
                _ => return None,
            };
            Some((by_name(series.labels.iter().collect()), total.get()?.parse().ok()?))
        })
    }
}

impl<'t> StoredGroup<'t> {
    /// The metrics of the group, including the two the gateway adds.
    pub fn families(&self) -> &[GroupFamily<'t>] {
        &self.families
    }

    /// The number of pushed metrics and of their series.
    pub fn size(&self) -> (usize, usize) {
        let pushed = self.families.iter().filter(|family| !matches!(&*family.name, PUSH_TIME | FAILURE_TIME));
        pushed.fold((0, 0), |(metrics, series), family| (metrics + 1, series + family.series.len()))
    }

    /// The time of the last successful push, in seconds since the Unix epoch, if any.
    pub fn pushed_at(&self) -> Option<f64> {
        self.instant(PUSH_TIME)
    }

    /// The time of the last failed push, in seconds since the Unix epoch, if any.
    pub fn failed_at(&self) -> Option<f64> {
        self.instant(FAILURE_TIME)
    }

    fn instant(&self, name: &str) -> Option<f64> {
        let series = self.families.iter().find(|family| family.name == name)?.series.first()?;
        series.value.get()?.parse().ok().filter(|seconds| *seconds > 0.0)
    }

    /// The group's key; `None` if a plug would not use such a key.
    pub fn group(&self) -> Option<Group> {
        let (jobs, others): (Vec<_>, Vec<_>) = self.labels.iter().partition(|(name, _)| *name == "job");
        let labels: Result<Vec<_>, plugpipe_metrics::Error> = others
            .into_iter()
            .map(|(name, value)| Ok((LabelName::new_utf8(name, "labels")?, value.as_ref().into())))
            .collect();
        let (_, job) = jobs.first()?;
        Some(Group { job: job.as_ref().into(), labels: registry::Labels::of(labels.ok()?, "labels").ok()? })
    }

    /// Whether it is this group, or may be.
    pub fn is(&self, group: &Group) -> bool {
        let mut labels = self.labels.iter();
        let left_out = self.hidden && group.labels.get("instance") == Some("");
        self.labels.len() + usize::from(left_out) == group.labels.iter().len() + 1
            && labels.all(|(name, value)| match &**name {
                "job" => *value == group.job,
                name => group.labels.get(name) == Some(value),
            })
    }

    /// The grouping key in PromQL syntax: `{instance="i", job="j"}`.
    pub fn shown(&self) -> String {
        shown(self.labels.iter().map(|(name, value)| (&**name, &**value)))
    }
}

/// Labels in PromQL syntax, truncated.
pub fn shown<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> String {
    let mut text = String::from("{");
    for (name, value) in labels {
        if text.len() > 1 {
            text.push_str(", ");
        }
        text.push_str(name);
        text.push_str("=\"");
        text.push_str(&excerpt(value, 60));
        text.push('"');
    }
    text.push('}');
    text
}

/// Labels, sorted by name.
pub(super) fn by_name<'l>(labels: Vec<(&'l str, &'l str)>) -> Vec<(&'l str, &'l str)> {
    sorted_by(labels, |(a, _), (b, _)| a.cmp(b))
}

/// Parses the groups in the response of `GET /api/v1/metrics`, whose body is `text`; sorted by
/// labels.
pub fn groups<'t>(url: &Url, response: &Response, text: &'t str) -> Result<Vec<StoredGroup<'t>>, Error> {
    if response.status != 200 {
        return Err(refused(PEER, url, response, ""));
    }
    let Groups { data } = serde_json::from_str(text).map_err(|problem| Error::BadAnswer {
        server: PEER.server,
        origin: url.origin(),
        problem: problem.to_string(),
    })?;
    // The gateway's order is random.
    Ok(sorted_by(data.into_iter().filter_map(held).collect(), |a: &StoredGroup, b: &StoredGroup| {
        a.labels.cmp(&b.labels)
    }))
}

/// A metric named `labels` hides the grouping key in the API. The gateway's own metrics have the
/// key too, but with an empty `instance` if the key has none.
fn held<'t>(members: BTreeMap<Cow<'t, str>, &'t RawValue>) -> Option<StoredGroup<'t>> {
    // An object of strings, which a metric is not.
    let key: Option<BTreeMap<Cow<str>, Cow<str>>> = members.get("labels").and_then(|json| read(json));
    let family = |(name, json): (Cow<'t, str>, &'t RawValue)| {
        let Metric { kind, metrics } = read(json)?;
        Some(GroupFamily { name, kind, series: metrics })
    };
    let families: Vec<GroupFamily> = members.into_iter().filter_map(family).collect();
    if let Some(key) = key {
        return Some(StoredGroup { labels: key.into_iter().collect(), hidden: false, families });
    }
    let own = families.iter().find(|family| family.name == PUSH_TIME)?.series.first()?;
    let mut labels: Vec<(&str, &str)> = by_name(own.labels.iter().collect());
    let before = labels.len();
    labels.retain(|label| *label != ("instance", ""));
    let hidden = labels.len() < before;
    let labels = labels.into_iter().map(|(name, value)| (name.to_owned().into(), value.to_owned().into())).collect();
    Some(StoredGroup { labels, hidden, families })
}

/// Parses a part of a response; `None` if it has another type.
fn read<'t, T: Deserialize<'t>>(json: &'t RawValue) -> Option<T> {
    serde_json::from_str(json.get()).ok()
}

/// What a gateway can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, Deserialize)]
pub struct Abilities {
    /// Major and minor version, if known.
    pub version: Option<(u32, u32)>,
    /// Whether label names in the grouping key may be any UTF-8.
    pub utf8: bool,
    /// Whether it skips the consistency check.
    pub unchecked: bool,
}

impl Abilities {
    /// Parses the response of `GET /api/v1/status`; the default for any other response.
    pub fn read(response: &Response) -> Self {
        let Status { data } = serde_json::from_slice(&response.body).unwrap_or_default();
        let mut numbers = data.build_information.version.split(['.', '-', '+']).map_while(|number| number.parse().ok());
        Self {
            version: numbers.next().zip(numbers.next()),
            utf8: data.flags.utf8 == "true",
            unchecked: data.flags.unchecked == "true",
        }
    }

    /// Whether native histograms can be pushed.
    pub fn takes_native_histograms(self) -> bool {
        self.version >= Some((1, 8))
    }
}

/// The response of `GET /api/v1/status`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    data: StatusData,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusData {
    build_information: BuildInformation,
    flags: Flags,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BuildInformation {
    version: String,
}

/// Command-line flags, all of them strings.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Flags {
    #[serde(rename = "push.enable-utf8-names")]
    utf8: String,
    #[serde(rename = "push.disable-consistency-check")]
    unchecked: String,
}

/// A metric of the gateway itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnFamily<'t> {
    /// Its name.
    pub name: &'t str,
    /// Its type, in lower case.
    pub kind: &'t str,
    /// Its help, escaped as in the exposition.
    pub help: &'t str,
}

/// The gateway's own metrics in its text exposition: those with a series without `job`, which all
/// pushed series have.
pub fn own_families(text: &str) -> Vec<OwnFamily<'_>> {
    let mut own = Vec::new();
    let mut family = OwnFamily { name: "", kind: "", help: "" };
    let mut reported = true;
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("# HELP ") {
            let (name, help) = head.split_once(' ').unwrap_or((head, ""));
            family = OwnFamily { name, kind: "", help };
        } else if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.split_once(' ').unwrap_or((head, ""));
            let help = if family.name == name { family.help } else { "" };
            family = OwnFamily { name, kind, help };
            reported = false;
        } else if !reported && !line.starts_with('#') && !has_label(line, "job") {
            own.push(family);
            reported = true;
        }
    }
    own
}

/// Whether a sample line has this label.
fn has_label(line: &str, name: &str) -> bool {
    let Some((_, mut rest)) = line.split_once('{') else { return false };
    while let Some((before, after)) = rest.split_once('"') {
        // Before a quote: the end of the previous label, and this label's name.
        if before.trim_start_matches([',', ' ']).trim_end_matches(['=', ' ']) == name {
            return true;
        }
        rest = after_quote(after);
    }
    false
}

/// The rest after a quoted string, whose opening quote is already consumed.
fn after_quote(text: &str) -> &str {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' if !escaped => return text.get(at + 1..).unwrap_or_default(),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_metrics_are_those_without_a_job() {
        let text = "# HELP go_info About.\n# TYPE go_info gauge\ngo_info{version=\"job=\\\"x\\\",\"} 1\n\
            # TYPE a counter\na{instance=\"}\\\"\",job=\"j\"} 3\n# TYPE u untyped\nu{job=\"\"} 1\nu 2\n# TYPE {\"x.y\"} gauge\n{\"x.y\",job=\"1\"} 1\n";
        let expected = [
            OwnFamily { name: "go_info", kind: "gauge", help: "About." },
            OwnFamily { name: "u", kind: "untyped", help: "" },
        ];
        assert_eq!(own_families(text), expected);
    }

    #[test]
    fn features_depend_on_the_version_and_the_flags() {
        let read = |body: &str| Abilities::read(&Response { status: 200, headers: Vec::new(), body: body.into() });
        let reported = read(
            r#"{"data":{"build_information":{"version":"1.11.2"},"flags":{"push.enable-utf8-names":"true","push.disable-consistency-check":"false"}}}"#,
        );
        assert_eq!(reported, Abilities { version: Some((1, 11)), utf8: true, unchecked: false });
        assert!(reported.takes_native_histograms());
        for body in ["<html>", "{}", r#"{"data":{"build_information":{"version":"1.7.0"}}}"#] {
            assert!(!read(body).takes_native_histograms(), "{body}");
        }
    }

    #[test]
    fn a_metric_named_labels_hides_no_group() {
        let response = Response { status: 200, ..Response::default() };
        let text = r#"{"data":[{"labels":{"type":"UNTYPED","metrics":[{"labels":{"instance":"","job":"x"},"value":"1"}]},
            "push_time_seconds":{"type":"GAUGE","metrics":[{"labels":{"instance":"","job":"x"},"value":"1.5e+09"}]}},
            {"labels":{"job":"y","instance":""},"a":{"type":"COUNTER","metrics":[{},{}]}}]}"#;
        let url = Url::parse("http://h").unwrap();
        let held = groups(&url, &response, text).unwrap();
        assert_eq!(held[1].labels, [("job".into(), "x".into())]);
        assert_eq!((held[1].pushed_at(), held[1].failed_at(), held[1].size()), (Some(1.5e9), None, (1, 1)));
        assert_eq!((held[0].shown(), held[0].size()), (r#"{instance="", job="y"}"#.into(), (1, 2)));
        assert!(held[0].is(&held[0].group().unwrap()) && !held[1].is(&held[0].group().unwrap()));
        let labels = registry::Labels::new([("instance", "")], "l").unwrap();
        assert!(held[1].is(&held[1].group().unwrap()) && held[1].is(&Group { job: "x".into(), labels }));
    }
}
